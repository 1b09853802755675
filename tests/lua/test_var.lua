-- test_var.lua - variables as scripts see them: lifting, nodes of texts, scores, versions, looks

local helper = require "helper"
local lu = require "luaunit"
local core = require "lunagrad.core"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local fails = helper.fails

local upper = lg.model(function(request) return request.messages[1].content:upper() end, "upper")
local broken = lg.model(function() error "no luck today" end, "broken")

local scorer = lg.tool { name = "scorer", target = 10, run = function(text)
  return "score " .. text, tonumber(text)
end }

-- An error raised at this line, by lg's judgement.
local function blames_here(problem)
  lu.assertStrContains(problem.where, "test_var.lua:")
  return problem
end

-- ---- making -----------------------------------------------------------------------

TestMaking = {}

function TestMaking.test_lifting()
  lu.assertEquals(lg.var("text"):text(), "text")
  lu.assertEquals(lg.var(12):text(), "12")
  lu.assertEquals(lg.var(0.5):text(), "0.5")
  lu.assertEquals(lg.var(false):text(), "false")
  lu.assertEquals(lg.format("{s} {n} {b}", { s = "a", n = 1.5, b = true }):text(), "a 1.5 true")
  lu.assertEquals(lg.sum { "a", 2, false }:text(), "a\n2\nfalse")
  lu.assertEquals(upper(true):text(), "TRUE")
  lu.assertEquals(scorer(7):text(), "score 7")
  local v = lg.var "same"
  lu.assertTrue(rawequal(lg.var(v), v))
end

function TestMaking.test_what_is_no_text()
  blames_here(fails("inval", "lg.var: expected a text, got table", function()
    lg.var {}
  end))
  blames_here(fails("inval", "lg.var: expected a text, got nil", function()
    lg.var(nil)
  end))
  blames_here(fails("inval", 'field "q": expected a text or a variable, got function', function()
    lg.format("{q}", { q = print })
  end))
  blames_here(fails("inval", 'tool "scorer": input 1: expected a text or a variable', function()
    scorer(print)
  end))
  blames_here(fails("inval", "lg.sum: item 2: expected a text or a variable", function()
    lg.sum { "a", {} }
  end))
  fails("utf8", nil, lg.var, "bad \xff byte")
end

function TestMaking.test_a_parameter_needs_a_role()
  local p = lg.param("Think.", "system prompt")
  lu.assertEquals({ p:text(), p.role, p.requires_grad }, { "Think.", "system prompt", true })
  for _, role in ipairs { false, "", " \n", 5 } do
    local problem = fails("inval", { field = "role" }, lg.param, "x", role or nil)
    lu.assertStrContains(problem.hint, "lg.param(text, ")
  end
  fails("inval", { field = "role" }, lg.param, "x", "a\0b")
  fails("inval", "lg.param: expected a text, got nil", lg.param, nil, "role")
end

function TestMaking.test_a_parameter_from_an_answer_is_a_leaf()
  local answer = upper "start"
  local p = lg.param(answer, "draft")
  lu.assertEquals({ p:text(), p:op(), #p:inputs() }, { "START", "leaf", 0 })
  p:set "other"
  lu.assertEquals(answer:text(), "START")
end

function TestMaking.test_is_var()
  lu.assertTrue(lg.is_var(lg.var "x"))
  for _, x in ipairs { "x", 5, {}, upper, scorer } do lu.assertFalse(lg.is_var(x)) end
  lu.assertFalse(lg.is_var(nil))
end

-- ---- looks ------------------------------------------------------------------------

TestLooks = {}

function TestLooks.test_role_score_and_requires_grad()
  local v = lg.var("x", "question")
  lu.assertEquals({ v.role, v.requires_grad, v.score, v.target }, { "question", false })
  v.role, v.requires_grad, v.score = "hint", true, 0.5
  lu.assertEquals({ v.role, v.requires_grad, v.score, v.target }, { "hint", true, 0.5, 1 })
  v:set_score(3, 7)
  lu.assertEquals({ v.score, v.target }, { 3, 7 })
  local p = lg.param("x", "p")
  lu.assertTrue(upper(p).requires_grad)
  p.requires_grad = false
  lu.assertFalse(upper(p).requires_grad)
end

function TestLooks.test_score_and_target_wait()
  lu.assertEquals(scorer(4).score, 4)
  lu.assertEquals(scorer(5).target, 10)
  lu.assertNil(upper("q").score)
  lu.assertNil(upper("r").target)
  fails("tool", "no luck today", function() return broken("s").score end)
end

function TestLooks.test_unknown_attributes()
  local v = lg.var "x"
  lu.assertEquals(fails("inval", { field = "rol" }, function() return v.rol end).hint,
    'did you mean "role"?')
  lu.assertEquals(fails("inval", { field = "histori" }, function() return v:histori() end).hint,
    'did you mean "history"?')
  lu.assertNil(fails("inval", { field = "zzzzzz" }, function() return v.zzzzzz end).hint)
  local problem = blames_here(fails("inval", { field = "text" }, function() v.text = "y" end))
  lu.assertStrContains(problem.hint, "v:set(text)")
  lu.assertEquals(v:text(), "x")
end

function TestLooks.test_prints_as_its_text()
  local v = upper "so"
  lu.assertEquals(tostring(v), "SO")
  lu.assertEquals(("%s!"):format(upper "and so"), "AND SO!")
  lu.assertEquals(#upper "four", 4)
  lu.assertEquals(#lg.var "ß", 2)
  fails("tool", "no luck today", tostring, broken "t")
end

-- ---- texts of texts ---------------------------------------------------------------

TestNodes = {}

function TestNodes.test_concat()
  local p = lg.param("Think.", "advice")
  local v = "Note: " .. p .. " " .. upper "now" .. 5
  lu.assertEquals(v:text(), "Note: Think. NOW5")
  lu.assertTrue(v.requires_grad)
  lu.assertStrContains(v.role, "advice")
  lu.assertEquals(v:op(), "concatenation")
  fails("inval", "..: expected a text or a variable, got table", function() return p .. {} end)
end

function TestNodes.test_a_long_chain_of_concats()
  local v = lg.var "0"
  for i = 1, 500 do v = v .. "," .. i end
  lu.assertStrMatches(v:text(), "0,1,2,.*,499,500")
  lu.assertTrue(#v.role <= 120)
end

function TestNodes.test_format()
  local q = upper "why"
  local v = lg.format("{{q}} is {q}; {not a field}, {} and {1} stay; {q}", { q = q })
  lu.assertEquals(v:text(), "{q} is WHY; {not a field}, {} and {1} stay; WHY")
  lu.assertEquals(v:op(), "template")
  local nested = lg.format("<{a}>{b}", { a = "{b} }} {{", b = "" })
  lu.assertEquals(nested:text(), "<{b} }} {{>")
  lu.assertEquals(lg.format("{a}", { a = "x" }, { role = "whole" }).role, "whole")
  local template = lg.param("[{a}]", "template")
  lu.assertTrue(lg.format(template, { a = "x" }).requires_grad)
end

function TestNodes.test_format_takes_letters_of_any_script()
  lu.assertEquals(lg.format("{größe} {名前}", { ["größe"] = 180, ["名前"] = "Ada" }):text(),
    "180 Ada")
end

function TestNodes.test_a_field_that_the_template_never_uses_is_an_error()
  for _, text in ipairs { "Question: { q }", "{{ q }}", "{q:s}", "{q }", "{q!r}", "{q.x}",
    "{{q}}" } do
    local problem = fails("template", { field = "q" }, lg.format, text, { q = "x" })
    lu.assertStrContains(problem.hint, text:match "{.*}" .. " is plain text", false, text)
  end
  for text, hint in pairs { ["{Question}"] = "did you mean {Question}?",
    ["{größe} {other}"] = "leave it out", ["question"] = "leave it out" } do
    local problem = fails("template", { field = "question" }, lg.format, text,
      { question = "x", Question = text:find "Q" and "y" or nil })
    lu.assertStrContains(problem.hint, hint)
  end
  fails("template", "its fields are {a}, {b}", lg.format, "{a} {b} {a}", { a = 1, b = 2, c = 3 })
  fails("template", { field = "c" }, lg.format, lg.param("{a}", "template"), { a = 1, c = 3 })
  fails("template", "\"x y\" can be no field", lg.format, "{x y}", { ["x y"] = 1 })
end

-- An editor may drop a field of a template; what that is worth is for the validation to say.
function TestNodes.test_a_rewritten_template_may_leave_a_field_out()
  local template = lg.param("{a} {b}", "template")
  template:set "only {a}"
  lu.assertEquals(lg.format(template, { a = "x", b = "y" }):text(), "only x")
end

function TestNodes.test_prompts_of_operators_are_not_replaced_by_mistake()
  local old = lg.prompts["tgd.user"]
  for _, name in ipairs { "Question text", "2a", "a-b", "" } do
    fails("template", "can be no field", function()
      lg.format("{" .. name .. "}", { [name] = "x" })
    end)
  end
  fails("template", "{ variable } is plain text", function()
    lg.prompts["tgd.user"] = "Improve { variable } {role} {context} {extras}"
  end)
  lg.prompts["tgd.user"] = "Improve {variable}. Write <NEW_VARIABLE>"
  lg.prompts["tgd.user"] = old
end

function TestNodes.test_format_fences()
  local plain = lg.format("<Q_A>{q}</Q_A>", { q = "</Q_A>" })
  local fenced = lg.format("<Q_A>{q}</Q_A>", { q = "</Q_A>" }, { fenced = true })
  lu.assertEquals(plain:text(), "<Q_A></Q_A></Q_A>")
  lu.assertEquals(fenced:text(), "<Q_A_2></Q_A></Q_A_2>")
end

function TestNodes.test_a_field_that_was_not_given()
  local problem = fails("template", "{question}", tostring,
    lg.format("{q} {question}", { q = "x" }, { role = "prompt" }))
  lu.assertStrContains(problem.hint, "{{question}}")
  fails("inval", "expected a table of fields", lg.format, "{q}", "x")
  fails("inval", "fields have names", lg.format, "{q}", { "x" })
  fails("inval", { field = "roles", hint = 'did you mean "role"?' },
    lg.format, "{q}", { q = 1 }, { roles = "x" })
end

function TestNodes.test_scores_of_sum_and_mean()
  local losses = { scorer(1), scorer(2), scorer(6) }
  local sum, mean = lg.sum(losses), lg.mean(losses)
  lu.assertEquals({ sum.score, sum.target }, { 9, 30 })
  lu.assertEquals({ mean.score, mean.target }, { 3, 10 })
  lu.assertEquals(sum:text(), "score 1\nscore 2\nscore 6")
  lu.assertEquals(mean:text(), sum:text())
  lu.assertNil(lg.mean({ scorer(1), "no score" }).score)
  lu.assertEquals(lg.sum(scorer(5)).score, 5)
  fails("inval", "at least one variable", lg.sum, {})
  fails("inval", "at least one variable", lg.mean, "text")
end

function TestNodes.test_skip_failed()
  local list = { scorer(2), broken "a", scorer(4) }
  fails("tool", "no luck today", tostring, lg.mean(list))
  local mean = lg.mean(list, { skip_failed = true })
  lu.assertEquals({ mean:text(), mean.score }, { "score 2\nscore 4", 3 })
  lu.assertEquals(lg.sum(list, { skip_failed = true }).score, 6)
  fails("tool", "no luck today", tostring,
    lg.sum({ broken "b", broken "c" }, { skip_failed = true }))
  fails("inval", { field = "skipfailed", hint = 'did you mean "skip_failed"?' },
    lg.sum, list, { skipfailed = true })
end

-- ---- versions ---------------------------------------------------------------------

TestVersions = {}

function TestVersions.test_set_history_rollback()
  local p = lg.param("one", "p")
  p:set "two"
  p:set(3)
  p:set(upper "four")
  lu.assertEquals(p:history(), { "one", "two", "3", "FOUR" })
  lu.assertEquals(p:versions(), 4)
  p:rollback(2)
  lu.assertEquals({ p:text(), p:history() }, { "two", { "one", "two" } })
  p:set "five"
  lu.assertEquals(p:history(), { "one", "two", "five" })
  fails("notfound", "5", p.rollback, p, 5)
  fails("inval", "set: expected a text, got table", p.set, p, {})
  fails("utf8", nil, p.set, p, "\xc3")
  lu.assertEquals(p:text(), "five")
end

function TestVersions.test_nodes_keep_the_text_they_were_made_with()
  local p = lg.param("old", "p")
  local asked, joined = upper(p), p .. "!"
  local filled = lg.format("<{p}>", { p = p })
  p:set "new"
  lu.assertEquals({ asked:text(), joined:text(), filled:text() }, { "OLD", "old!", "<old>" })
  lu.assertEquals(joined:inputs()[1].text, "old")
  lu.assertEquals({ upper(p):text(), (p .. "!"):text() }, { "NEW", "new!" })
end

function TestVersions.test_a_pending_variable_cannot_be_set()
  local v = upper "soon"
  fails("state", "pending", v.set, v, "now")
  lu.assertEquals(v:text(), "SOON")
end

-- ---- failing ----------------------------------------------------------------------

TestFailing = {}

function TestFailing.test_the_message_tells_the_whole_chain()
  local q = lg.format("Q: {q}", { q = broken { "x", role = "first draft" } }, { role = "question" })
  local problem = fails("tool", "no luck today", tostring, upper { q, role = "final answer" })
  local text = tostring(problem)
  lu.assertTrue(text:find("first draft", 1, true) > text:find("question", 1, true))
  lu.assertTrue(text:find("question", 1, true) > text:find("final answer", 1, true))
  lu.assertNotStrContains(text, "\n")
end

function TestFailing.test_error_without_raising()
  local v = broken "y"
  lu.assertNil(v:error())
  pcall(v.await, v)
  lu.assertEquals(v:state(), "failed")
  local e = v:error()
  lu.assertEquals({ e.kind, e.retryable, e.ambiguous }, { "tool", false, false })
  lu.assertStrContains(e.message, "no luck today")
  lu.assertNil(lg.errors.from_var(lg.var "fine"))
end

function TestFailing.test_the_example_is_told()
  local found = lg.map({ "a", "b" }, function(name) return broken(name):text() end,
    { on_error = "collect" })
  lu.assertEquals({ found[1].err.example, found[2].err.example }, { 1, 2 })
end

function TestFailing.test_cancel()
  local v = upper "never"
  local after = v .. "!"
  lu.assertTrue(v:cancel())
  lu.assertEquals(v:state(), "cancelled")
  fails("cancelled", nil, v.text, v)
  fails("cancelled", nil, after.text, after)
  lu.assertFalse(v:cancel())
  lu.assertFalse(lg.var("ready"):cancel())
end

-- Its function ends where it waits next; what it began and nobody else wants is cancelled.
function TestFailing.test_cancel_while_a_tool_runs()
  local v, began, went_on, raised
  local tool = lg.tool { name = "slow", run = function()
    v:cancel()
    began = upper "inside"
    local _
    _, raised = pcall(began.text, began)
    pcall(lg.sleep, 1)
    went_on = upper("further inside"):text()
    return "too late"
  end }
  v = tool "x"
  fails("cancelled", nil, v.text, v)
  for i = 1, 3 do upper("turn " .. i):text() end
  lu.assertNil(went_on)
  lu.assertEquals(raised.kind, "cancelled")
  lu.assertEquals(began:state(), "cancelled")
  lu.assertEquals(v:state(), "cancelled")
  lu.assertEquals(lg.stats().timers, 0)
end

function TestFailing.test_tools_that_return_no_text()
  local function kind_of(...)
    local results = table.pack(...)
    local tool = lg.tool { name = "odd", run = function()
      return table.unpack(results, 1, results.n)
    end }
    return tool "x"
  end
  fails("tool", 'tool "odd" returned nil, not a text', tostring, kind_of())
  fails("tool", 'tool "odd" returned table, not a text', tostring, kind_of {})
  fails("tool", "not a number", tostring, kind_of("x", "high"))
  fails("tool", "not a number", tostring, kind_of("x", 0 / 0))
  lu.assertEquals({ kind_of(5, true):text(), kind_of(false, false):text() }, { "5", "false" })
  lu.assertEquals({ kind_of(5, true).score, kind_of(5, false).score }, { 1, 0 })
end

-- ---- tools ------------------------------------------------------------------------

TestTool = {}

function TestTool.test_names_of_inputs()
  local seen
  local named = lg.tool { name = "n", inputs = { "code", "tests" }, role = "report",
    run = function(a, b)
      seen = a .. "|" .. b
      return "ok"
    end }
  local function names(v)
    v:await()
    return v:inputs()[1].name .. "," .. v:inputs()[2].name
  end
  lu.assertEquals({ names(named("c", "t")), seen }, { "code,tests", "c|t" })
  lu.assertEquals({ names(named { tests = "T", code = "C" }), seen }, { "code,tests", "C|T" })
  lu.assertEquals(named("c", "t").role, "report")
  local loose = lg.tool { name = "l", run = function(a, b) return a .. b end }
  lu.assertEquals(names(loose("x", "y")), "input1,input2")
  lu.assertEquals(loose({ b = "2", a = "1" }):text(), "12")
  lu.assertEquals(tostring(loose), 'tool "l"')
  lu.assertEquals(loose("x", "y").role, "l")
end

function TestTool.test_misuse()
  fails("inval", { field = "name" }, lg.tool, { run = print })
  fails("inval", { field = "run" }, lg.tool, { name = "x" })
  fails("inval", { field = "purpos", hint = 'did you mean "purpose"?' },
    lg.tool, { name = "x", run = print, purpos = "y" })
end

-- ---- feedback by hand, dot --------------------------------------------------------

TestRest = {}

function TestRest.test_zero_grad()
  local p = lg.param("x", "p")
  p:add_feedback "shorter"
  p:add_feedback "kinder"
  local texts = {}
  for i, record in ipairs(p:feedback()) do texts[i] = record.state .. " " .. record.text end
  lu.assertEquals(texts, { "text shorter", "text kinder" })
  p:zero_grad()
  lu.assertEquals(p:feedback(), {})
  fails("inval", { field = "grain" }, p.backward, p, { grain = "word" })
  fails("inval", { field = "modle", hint = 'did you mean "model"?' },
    p.backward, p, { modle = "x" })
end

function TestRest.test_dot()
  local p = lg.param('Be "brief"\\', "advice")
  local v = upper { "why", system = p, role = "answer" }
  v:await()
  local loss = scorer(v .. "")
  pcall(loss.await, loss)
  local dot = loss:dot()
  lu.assertStrMatches(dot, "digraph.*{.*}%s*")
  for _, part in ipairs { "advice", "answer", [[Be \"brief\"\\]], "->", "scorer" } do
    lu.assertStrContains(dot, part)
  end
  local _, arrows = dot:gsub("%->", "")
  lu.assertEquals(arrows, 5) -- why, advice → answer; answer, "" → joined → loss
  p:add_feedback "say why"
  lu.assertNotStrContains(loss:dot(), "say why")
  lu.assertStrContains(loss:dot { feedback = true }, "say why")
  fails("inval", { field = "feedbak", hint = 'did you mean "feedback"?' },
    loss.dot, loss, { feedbak = true })
end

function TestRest.test_dot_with_feedback_waits_for_passes_that_run()
  local slow = lg.model(function()
    lg.sleep(5)
    return "say why"
  end, "slow critic")
  local p = lg.param("Be brief", "advice")
  local answer = upper { "why", system = p, role = "answer" }
  local joined = answer .. "!"
  lg.loss.critic { "Is it good?", model = slow } (answer):backward { model = slow }
  lu.assertNotStrContains(joined:dot(), "say why")
  lu.assertNotNil(joined:pass_behind()) -- of another root, through what joined was made of
  lu.assertStrContains(joined:dot { feedback = true }, "say why")
  lu.assertNil(joined:pass_behind())
end

function TestRest.test_dot_with_feedback_of_a_pass_that_fails()
  local p = lg.param("Be brief", "advice")
  local loss = scorer(upper { "1", system = p })
  local pass = loss:backward { model = broken }
  lu.assertStrContains(loss:dot { feedback = true }, "advice")
  lu.assertEquals(pass:state(), "failed")
end

function TestRest.test_dot_of_a_pending_variable_waits()
  lu.assertStrContains(upper("late"):dot(), "LATE")
  lu.assertStrContains(broken("dot"):dot(), "(failed)")
end

function TestRest.test_core_is_the_same_world()
  local v = core.var(require("lunagrad.loop").engine(), "raw", "r", false)
  lu.assertEquals((v .. "!"):text(), "raw!")
end

os.exit(lu.LuaUnit.run())
