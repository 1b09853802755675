-- test_prompts.lua - sets of the operators' prompts: which fields they have, use(), and that each
-- set carries a whole step of training

local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local kit = require "propose_kit"
local core = require "lunagrad.core"
local defaults = require "lunagrad.prompts"
local pool = require "lunagrad.improve.pool"
local sets = require "lunagrad.prompt_sets"
local textgrad = require "lunagrad.prompts_textgrad"
local templates = require "lunagrad.template"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local fails = helper.fails

local function back() lg.prompts.use "default" end

-- A model that says `text` and keeps what it was asked: { system, user }.
local function hears(text)
  local asked = {}
  return lg.model(function(request)
    local last = request.messages[#request.messages]
    asked[#asked + 1] = { request.messages[1].content, last.content }
    return text
  end), asked
end

--- All questions of one step: critics of a call and of a function, with and without feedback on
--- the output, a merge, and the editor, who has everything to show.
local function step(p)
  local critic, asked = hears "Say what is to be counted, and how."
  local editor, edits = hears "<NEW_VARIABLE>Count the items one by one.</NEW_VARIABLE>"
  local model = lg.model(function() return "an answer" end)
  local grade = lg.tool { name = "grade", purpose = "looks at it", role = "grade",
    run = function() return "graded", 0.5 end }
  local echo = lg.tool { name = "echo", purpose = "repeats", run = function(x) return x end }
  local losses = {}
  for i = 1, 4 do
    local answer = model { "question " .. i, system = p, role = "answer" }
    losses[2 * i - 1] = grade(echo(answer))
    losses[2 * i] = lg.loss.critic { "Judge " .. i, model = model }(answer)
  end
  local opt = lg.optim.tgd { p, model = editor, momentum = 2, memory = 2, examples = { "Go." },
    constraints = { "be brief" } }
  for round = 1, 2 do
    lg.mean(losses):backward { model = critic }
    local report = opt:step()
    lu.assertEquals(report.changed, round == 1, report.reason)
    if round == 1 then
      opt:rejected(0.1, 0.2)
      p:rollback(1)
      p:set "Count." -- so that there is a version in the past
    end
    opt:zero_grad()
  end
  return asked, edits
end

local function texts_of(asked)
  local list = {}
  for i, one in ipairs(asked) do list[i] = one[1] .. "\n" .. one[2] end
  return table.concat(list, "\n")
end

-- Where each of the words stands; they must come in this order.
local function assert_order(text, words)
  local at = 0
  for _, word in ipairs(words) do
    local found = text:find(word, 1, true)
    lu.assertNotNil(found, word .. " in: " .. text)
    lu.assertTrue(found > at, word .. " comes too early in: " .. text)
    at = found
  end
end

-- ---- fields ------------------------------------------------------------------------

TestFields = {}

function TestFields.test_built_in_sets_have_known_names_and_fields()
  for label, set in pairs { default = defaults, textgrad = textgrad } do
    for name, text in pairs(set) do
      lu.assertNotNil(defaults[name], label .. ": " .. name)
      local known = sets.fields(name)
      for field in pairs(templates.fields(text)) do
        lu.assertTrue(known == nil or known[field], ("%s: {%s} in %s"):format(label, field, name))
      end
    end
  end
end

-- A template of each name that holds all fields it may have.
local function with_all_fields()
  local all = {}
  for name, text in pairs(defaults) do
    local _, names = sets.fields(name)
    local more = {}
    for i, field in ipairs(names or {}) do more[i] = ("%s={%s};"):format(field, field) end
    -- mark must stay itself; the extras hold sections and no words
    local plain = name == "mark" or name == "tgd.extras"
    all[name] = plain and text or text .. "\nFIELDS OF " .. name .. ": " .. table.concat(more)
  end
  return all
end

-- It is filled in wherever it is used.
function TestFields.test_every_field_is_known_to_who_fills_it_in()
  lg.prompts.use(with_all_fields())
  local asked, edits = step(lg.param("Answer.", "advice"))
  back()
  local shown = texts_of(asked) .. texts_of(edits)
  for _, name in ipairs { "critic.base", "critic.chain", "tool.base", "tool.chain", "objective",
    "objective.scored", "critic.goal", "critic.given", "critic.made", "critic.passed",
    "reduce.user", "tgd.user",
    "tgd.past", "tgd.memory", "tgd.rejected", "tgd.examples", "tgd.constraints" } do
    lu.assertStrContains(shown, "FIELDS OF " .. name .. ": ")
  end
  lu.assertNotStrContains(shown, "={") -- nothing stayed a field
end

function TestFields.test_every_field_of_the_other_ways_to_edit()
  lg.prompts.use(with_all_fields())
  local editor, asked = hears "none"
  local writer, written =
    hears "<NEW_VARIABLE_A>x</NEW_VARIABLE_A><NEW_VARIABLE_B>y</NEW_VARIABLE_B>"
  local judge, judged = hears "perhaps"
  local params = { lg.param("one", "first"), lg.param("two", "second") }
  for _, p in ipairs(params) do p:add_feedback "improve" end
  lg.optim.tgd { params[1], model = editor, mode = "edit" }:step()
  for _, m in ipairs { editor, writer } do
    lg.optim.tgd { params[1], params[2], model = m, together = true, check_constraints = judge,
      constraints = { "be kind" } }:step()
  end
  back()
  local shown = texts_of(asked) .. texts_of(written) .. texts_of(judged)
  for _, name in ipairs { "edit", "edit.again", "edit.json", "edit.system", "together",
    "together.part", "together.form", "together.again", "together.json", "together.system", "check",
    "check.system", "check.again" } do
    lu.assertStrContains(shown, "FIELDS OF tgd." .. name .. ": ")
  end
  lu.assertNotStrContains(shown, "={")
end

-- The questions of the search's operators, with one text and with two.
function TestFields.test_every_field_of_the_operators_of_the_search()
  lg.prompts.use(with_all_fields())
  local asked, batch = {}, { { row = { question = "q", answer = "a" }, output = "o", score = 0 } }
  local editor = lg.model(function(request)
    asked[#asked + 1] = { request.messages[1].content, kit.said(request) }
    return "none"
  end)
  for _, texts in ipairs { { ("one "):rep(20) }, { ("one "):rep(20), ("two "):rep(20) } } do
    local roles = { "first", texts[2] and "second" }
    local context = kit.context(roles, { model = editor, objective = "goal",
      train = { batch[1].row }, constraints = { "be kind" }, leak = function() end,
      proposals = { { texts = { "x", "y" }, parent = 1, kept = false } } })
    context.pool = pool.new { n = 2 }
    for i = 0, 2 do
      local copy = table.move(texts, 1, #texts, 1, {})
      copy[1] = i .. copy[1]
      context.pool:add { texts = copy, parents = i > 0 and { 0 } or {},
        scores = { i == 1 and 1 or 0, i == 2 and 1 or 0 } }
    end
    for _, name in ipairs { "reflect", "merge", "shorten", "fresh" } do
      local operator = require("lunagrad.improve.propose." .. name)
      operator.propose(context.pool:get(1), batch, context)
    end
  end
  back()
  local shown = texts_of(asked)
  for _, name in ipairs { "reflect.system", "reflect.user", "merge.system", "merge.user",
    "merge.other", "merge.other.part", "shorten.system", "shorten.user", "fresh.system",
    "fresh.user", "fresh.objective", "fresh.examples", "fresh.versions", "propose.one",
    "propose.one.part", "propose.blank", "propose.blank.part", "propose.form", "propose.forms" } do
    lu.assertStrContains(shown, "FIELDS OF " .. name .. ": ")
  end
  lu.assertNotStrContains(shown, "={")
end

function TestFields.test_an_unknown_field_is_refused_at_once()
  local before = lg.prompts["critic.base"]:text()
  local problem = fails("template", { field = "varible" }, function()
    lg.prompts["critic.base"] = "On {varible}"
  end)
  lu.assertStrContains(tostring(problem), "did you mean {variable}?")
  fails("template", { field = "variable" }, function()
    lg.prompts["critic.base"] = "On { variable }"
  end)
  fails("template", { field = "past" }, function() lg.prompts["tgd.user"] = "{past}" end)
  lu.assertEquals(lg.prompts["critic.base"]:text(), before)
  lg.prompts["critic.base"] = "On {{varible}}: {variable}" -- plain text
  lg.prompts["critic.system"] = "Braces are braces here: {varible}"
  back()
end

-- The extras are a list of sections: in which order, and which of them at all.
function TestFields.test_the_extras_choose_their_sections()
  local function shown(extras)
    lg.prompts["tgd.extras"] = extras
    local p = lg.param("Answer.", "advice")
    p:add_feedback "be exact"
    local editor, asked = hears "<NEW_VARIABLE>Answer exactly.</NEW_VARIABLE>"
    local opt = lg.optim.tgd { p, model = editor, examples = { "Go." }, constraints = { "short" } }
    local ok, problem = pcall(opt.step, opt)
    back()
    return ok and asked[1][2] or problem, p:text()
  end
  assert_order(shown "{constraints}{examples}", { "<CONSTRAINTS>", "<EXAMPLES>" })
  assert_order(shown "{examples} {constraints}", { "<EXAMPLES>", "<CONSTRAINTS>" })
  lu.assertNotStrContains(shown "{past}{constraints}", "<EXAMPLES>")
  local problem, text = shown(lg.var "{examples}{exmples}")
  lu.assertEquals({ problem.kind, text }, { "template", "Answer." })
  lg.prompts["tgd.examples"] = "{{examples}} are {examples} and {examples}" -- as any template
  lu.assertStrContains(shown "{examples}", "{examples} are Example 1:")
end

-- ---- use -----------------------------------------------------------------------------

TestUse = {}

function TestUse.test_names()
  local problem = fails("inval", { field = "set" }, function() lg.prompts.use "textgrd" end)
  lu.assertStrContains(tostring(problem), '"default", "textgrad"')
  lu.assertStrContains(tostring(problem), 'did you mean "textgrad"?')
  for _, odd in ipairs { false, 1, print } do
    fails("inval", { field = "set" }, function() lg.prompts.use(odd) end)
  end
end

function TestUse.test_a_set_is_taken_whole_and_stands_over_default()
  lg.prompts["tgd.system"] = "By hand."
  lg.prompts.use "textgrad"
  for name, text in pairs(lg.prompts) do
    lu.assertEquals(text:text(), textgrad[name] or defaults[name], name)
  end
  lg.prompts["tgd.system"] = "By hand again." -- the last word counts
  lu.assertEquals(lg.prompts["tgd.system"]:text(), "By hand again.")
  lg.prompts.use { ["critic.system"] = "Mine.", ["tgd.system"] = lg.var "Mine, too." }
  lu.assertEquals({ lg.prompts["critic.system"]:text(), lg.prompts["tgd.system"]:text(),
    lg.prompts["critic.base"]:text() }, { "Mine.", "Mine, too.", defaults["critic.base"] })
  back()
  for name, text in pairs(lg.prompts) do lu.assertEquals(text:text(), defaults[name], name) end
end

function TestUse.test_a_set_with_a_mistake_changes_nothing()
  local mine = { ["critic.system"] = "Mine." }
  local strange = core.var(helper.engine(), "x", "of another engine", false)
  for name, wrong in pairs { ["critic.bas"] = "x", ["critic.base"] = "{unknown}", [1] = "x",
    ["tgd.user"] = 5, ["tgd.system"] = strange } do
    mine[name] = wrong
    lu.assertFalse((pcall(lg.prompts.use, mine)))
    mine[name] = nil
    lu.assertEquals(lg.prompts["critic.system"]:text(), defaults["critic.system"])
  end
  fails("inval", 'did you mean "critic.base"?', lg.prompts.use, { ["critic.bas"] = "x" })
  fails("inval", { field = "tgd.user" }, lg.prompts.use, { ["tgd.user"] = 5 })
end

-- Choosing a set starts nothing: the engine can still be configured.
function TestUse.test_before_the_engine_is_made()
  local r = command.lua [[
local lg = require "lunagrad"
lg.prompts.use { ["critic.system"] = "Mine." }
pcall(lg.prompts.use, { ["critic.system"] = "Other.", ["critic.bas"] = "x" })
lg.configure { concurrency = 3 }
print(lg.prompts["critic.system"], #lg.prompts["tgd.system"] > 100)
]]
  command.remove_files()
  lu.assertEquals({ r.code, r.out }, { 0, "Mine.\ttrue\n" }, r.err)
end

-- The table is the script's: what it does to it later changes nothing.
function TestUse.test_a_set_is_copied()
  local mine = { ["critic.system"] = "Mine." }
  lg.prompts.use(mine)
  mine["critic.system"] = "Other."
  lu.assertEquals(lg.prompts["critic.system"]:text(), "Mine.")
  back()
end

function TestUse.test_a_prompt_of_a_set_can_be_trained()
  local advice = lg.param("Criticise the {role} {variable}.", "prompt of the critic")
  lg.prompts.use { ["critic.base"] = advice }
  local p = lg.param("Think.", "advice")
  lg.model(function() return "ok" end) { "why", system = p }:backward { model = hears "be exact" }
  local said = p:feedback()[1].var
  back()
  said:backward { model = hears "ask for an example" }
  lu.assertEquals(advice:feedback()[1].text, "ask for an example")
end

-- ---- textgrad ------------------------------------------------------------------------

TestTextgrad = {}

function TestTextgrad.test_a_whole_step_asks_in_its_order()
  lg.prompts.use "textgrad"
  local asked, edits = step(lg.param("Answer.", "advice"))
  back()
  local kinds = {}
  for _, one in ipairs(asked) do
    local system, user = one[1], one[2]
    if system == textgrad["reduce.system"] then
      kinds.merge = (kinds.merge or 0) + 1
      assert_order(user, { "<ROLE>advice</ROLE>", "<FEEDBACK>", "<VARIABLE>" })
    else
      lu.assertEquals(system, textgrad["critic.system"])
      local chain = user:find("<FEEDBACK>", 1, true) ~= nil
      local kind = chain and "chain" or "base"
      kinds[kind] = (kinds[kind] or 0) + 1
      assert_order(user, { "<ROLE>", "<CONVERSATION>", "<OBJECTIVE_FUNCTION>",
        chain and "<FEEDBACK>" or "</OBJECTIVE_FUNCTION>", "<VARIABLE>" })
      for _, unsaid in ipairs { "<GOAL>", "target", "0.5" } do
        lu.assertNotStrContains(user, unsaid)
      end
    end
  end
  -- in each of two rounds: four answers judged (base) and made (chain), and what is the same for
  -- all of them, asked once: graded (base), echoed (chain)
  lu.assertEquals(kinds, { base = 10, chain = 10, merge = 2 })
  lu.assertEquals(#edits, 3) -- the last time about a text that was refused before
  lu.assertEquals(edits[1][1], textgrad["tgd.system"])
  assert_order(edits[1][2], { "<ROLE>advice</ROLE>", "<VARIABLE>", "<CONTEXT>", "<CONSTRAINTS>",
    "<EXAMPLES>", "<NEW_VARIABLE>" })
  assert_order(edits[2][2], { "<ROLE>", "<VARIABLE>\nCount.", "<CONTEXT>", "<PAST_ITERATIONS>",
    "Answer.", "<FEEDBACK_MEMORY>", "<CONSTRAINTS>", "<EXAMPLES>", "<NEW_VARIABLE>" })
  lu.assertNotStrContains(edits[2][2], "<REJECTED_VERSIONS>")
end

-- Its glossaries name every tag of its questions but the one of the reply.
function TestTextgrad.test_the_glossary_names_the_tags()
  for system, names in pairs {
    ["critic.system"] = { "critic.base", "critic.chain", "tool.base", "tool.chain" },
    ["reduce.system"] = { "reduce.user" },
    ["tgd.system"] = { "tgd.user", "tgd.past", "tgd.constraints", "tgd.examples" },
  } do
    for _, name in ipairs(names) do
      for tag in textgrad[name]:gmatch "<(%u[%u_]*)>" do
        local told = tag == "NEW_VARIABLE" or tag == "FEEDBACK" and system == "critic.system"
        lu.assertTrue(told or textgrad[system]:find("<" .. tag .. ">", 1, true) ~= nil,
          ("<%s> of %s is not in %s"):format(tag, name, system))
      end
    end
  end
end

function TestTextgrad.test_the_tag_of_the_reply_is_an_option()
  lg.prompts.use "textgrad"
  local p = lg.param("Answer.", "advice")
  p:add_feedback "be exact"
  local editor, asked = hears "<IMPROVED_VARIABLE>Answer exactly.</IMPROVED_VARIABLE>"
  lg.optim.tgd { p, model = editor, tags = "IMPROVED_VARIABLE" }:step()
  back()
  lu.assertEquals(p:text(), "Answer exactly.")
  lu.assertNotStrContains(asked[1][2], "NEW_VARIABLE")
end

-- With the embedded world as critic and editor, a prompt gets better under either set.
function TestTextgrad.test_training_works_with_it()
  local rows = lg.data.list(lg.task.object_counting.generate(60, 1))
  local train, val = rows:split { 20, 40, seed = 1 }
  local sim = lg.model "sim/default"
  local exact = lg.loss.exact { extract = lg.extract.last_number }
  for _, set in ipairs { "textgrad", "default" } do
    lg.prompts.use(set)
    local prompt = lg.param("Answer the question.", "system prompt for counting questions")
    local result = lg.train {
      program = function(row)
        return sim { row.question, system = prompt, role = "answer to the question" }
      end,
      params = { prompt }, loss = function(answer, row) return exact(answer, row.answer) end,
      metric = lg.metric.number, train = train, val = val, batch = 3, steps = 8, seed = 1,
      backward = { model = sim }, optimizer = lg.optim.tgd { prompt, model = sim },
    }
    lu.assertTrue(result.accepted >= 1, set .. ":\n" .. tostring(result))
    lu.assertTrue(result.best_score > result.seed_score + 0.2, set .. ":\n" .. tostring(result))
  end
  back()
end

os.exit(lu.LuaUnit.run())
