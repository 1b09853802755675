-- test_edits.lua - a long text is improved by a few edits: what is read in a reply, where it is
-- put, what is refused, and the optimizer's step with them

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local replace = require "lunagrad.improve.replace"

lg.configure { virtual_clock = true }

local function editor(...)
  local answers, asked = { ... }, {}
  local m = lg.model(function(request)
    asked[#asked + 1] = request
    local answer = answers[math.min(#asked, #answers)]
    return type(answer) == "function" and answer(request) or answer
  end, "editor")
  return m, asked
end

local function edit(find, put)
  return ("<EDIT>\n<FIND>%s</FIND>\n<REPLACE>%s</REPLACE>\n</EDIT>"):format(find, put)
end

local function applied(text, edits, most)
  local new, results, n = replace.apply(text, edits, most or 5)
  local problems = {}
  for i, one in ipairs(results) do problems[i] = one.problem or false end
  return new, problems, n
end

TestReading = {}

local function read(text, number)
  local list, cut = replace.read(text, number or 0)
  local flat = {}
  for i, one in ipairs(list) do flat[i] = { one.find, one.replace, one.problem ~= nil } end
  return flat, cut
end

function TestReading.test_blocks()
  lu.assertEquals(read("Sure!\n" .. edit("a", "b") .. "\n" .. edit("c d", "") .. "\nDone."),
    { { "a", "b", false }, { "c d", "", false } })
  lu.assertEquals(read "<EDIT><FIND>\n  a\n  b\n</FIND><REPLACE>\nc\n</REPLACE></EDIT>",
    { { "  a\n  b", "c", false } })
end

function TestReading.test_what_models_make_of_the_form()
  for _, text in ipairs { "<FIND>a</FIND><REPLACE>b</REPLACE>",
    "<find>a</find><replace>b</replace>",
    "```xml\n" .. edit("a", "b") .. "\n```", "< EDIT >< FIND >a</ FIND ><REPLACE>b</REPLACE >",
    '{"edits":[{"find":"a","replace":"b"}]}', '```json\n[{"find":"a","replace":"b"}]\n```',
    '{"find":"a","replace":"b"}', "<REPLACE>b</REPLACE><FIND>a</FIND>" } do
    lu.assertEquals(read(text), { { "a", "b", false } }, text)
  end
  lu.assertEquals(read "<FIND/><REPLACE>b</REPLACE>", { { "", "b", false } })
  lu.assertEquals(read "<FIND>a</FIND><REPLACE/>", { { "a", "", false } })
end

function TestReading.test_half_an_edit_is_none()
  lu.assertEquals(read("<EDIT><FIND>a</FIND></EDIT>" .. edit("c", "d")),
    { { "a", "", true }, { "c", "d", false } })
  lu.assertEquals(read "<EDIT><REPLACE>a</REPLACE></EDIT>", { { "", "a", true } })
  local list, cut = read(edit("a", "b") .. "<EDIT><FIND>c</FIND><REPLACE>half of")
  lu.assertEquals({ #list, cut }, { 2, true })
  lu.assertTrue(list[2][3])
  lu.assertEquals({ read "No." }, { {}, false })
end

function TestReading.test_only_tags_with_the_number_count()
  lu.assertEquals(read("<FIND>x</FIND><REPLACE>y</REPLACE>"
    .. "<FIND_2>a <FIND>b</FIND></FIND_2><REPLACE_2>c</REPLACE_2>", 2),
    { { "a <FIND>b</FIND>", "c", false } })
end

TestApplying = {}

function TestApplying.test_replace_insert_delete()
  local text = "Read the text. Be brief.\nAnswer with a number.\nBe polite."
  local new, problems, n = applied(text, { { find = "Be brief.", replace = "Take your time." },
    { find = "\nBe polite.", replace = "" }, { find = "", replace = "End with a full stop." } })
  lu.assertEquals(new,
    "Read the text. Take your time.\nAnswer with a number.\nEnd with a full stop.")
  lu.assertEquals({ problems, n }, { { false, false, false }, 3 })
end

function TestApplying.test_a_deletion_leaves_no_gap()
  for find, wanted in pairs { ["A b."] = "C d. E f.\n\nG h.\nI j.",
    ["C d."] = "A b. E f.\n\nG h.\nI j.",
    ["E f."] = "A b. C d.\n\nG h.\nI j.", ["G h."] = "A b. C d. E f.\n\nI j.",
    ["I j."] = "A b. C d. E f.\n\nG h.\n" } do
    lu.assertEquals(applied("A b. C d. E f.\n\nG h.\nI j.", { { find = find, replace = "" } }),
      wanted)
  end
  lu.assertEquals(applied("a b c", { { find = "a", replace = "" }, { find = "b", replace = "" } }),
    "c")
end

function TestApplying.test_white_space_may_differ()
  local text = "First  rule:\n\tsay\u{a0}it   once.\nSecond rule."
  lu.assertEquals(applied(text, { { find = "rule: say it once.", replace = "one" } }),
    "First  one\nSecond rule.")
  lu.assertEquals(applied(text, { { find = "  say it\nonce.\n\n", replace = "  tell it.\n" } }),
    "First  rule:\n\ttell it.\nSecond rule.")
  -- exactly, where that is possible
  lu.assertEquals(applied("a  b a b", { { find = "a b", replace = "x" } }), "a  b x")
end

function TestApplying.test_what_is_refused_and_the_others_still_count()
  local text = "one two three one four"
  local new, problems, n = applied(text, { { find = "one", replace = "1" },
    { find = "nine", replace = "9" }, { find = "two three", replace = "2 3" },
    { find = "three one", replace = "x" }, { find = "four", replace = "four" },
    { find = " ", replace = "" } }, 9)
  lu.assertEquals({ new, n }, { "one 2 3 one four", 1 })
  for i, reason in ipairs { "more than once", "does not stand", false, "edit 3", "nothing",
    "nothing" } do
    if reason then lu.assertStrContains(problems[i], reason) else lu.assertFalse(problems[i]) end
  end
  new, problems = applied("a b c", { { find = "a", replace = "x" }, { find = "b", replace = "y" },
    { find = "c", replace = "z" } }, 2)
  lu.assertEquals(new, "x y c")
  lu.assertStrContains(problems[3], "only 2")
  lu.assertStrContains((select(2, applied("a a  a", { { find = "a\na", replace = "x" } })))[1],
    "more than once")
end

function TestApplying.test_places_are_those_of_the_old_text()
  lu.assertEquals(applied("a b", { { find = "a", replace = "b" }, { find = "b", replace = "a" } }),
    "b a")
  lu.assertEquals(applied("", { { find = "", replace = "new" } }), "new")
  lu.assertEquals(applied("100% {x}", { { find = "100%", replace = "%1" } }), "%1 {x}")
end

-- Whatever comes, what is not touched stays, and nothing is put in twice.
function TestApplying.test_random_edits_keep_the_rest()
  local rng = lg.rng.new(7)
  local function below(n) return rng:int(1, n) end
  for _ = 1, 300 do
    local words, edits = {}, {}
    for i = 1, 20 do words[i] = "w" .. i end
    local text = table.concat(words, " ")
    local touched = {}
    for i = 1, 4 do
      local from = below(18)
      local to = math.min(from + below(3) - 1, 20)
      edits[i] = { find = table.concat(words, below(2) == 1 and " " or "\n ", from, to) .. " ",
        replace = below(3) == 1 and "" or ("<%d> "):format(i), from = from, to = to }
    end
    local new, results = replace.apply(text .. " ", edits, 5)
    for i, one in ipairs(results) do
      if one.applied then
        for k = edits[i].from, edits[i].to do touched[k] = true end
      end
      local found = select(2, new:gsub("<" .. i .. ">", ""))
      lu.assertEquals(found, one.applied and edits[i].replace ~= "" and 1 or 0)
    end
    for k, word in ipairs(words) do
      lu.assertEquals(select(2, (" " .. new .. " "):gsub("%f[%w]" .. word .. "%f[%W]", "")),
        touched[k] and 0 or 1, new)
    end
  end
end

TestStep = {}

local LONG = "You review texts.\nRead the text twice.\nName its tone.\nBe brief."

local function param(text, feedback)
  local p = lg.param(text or LONG, "system prompt")
  p:add_feedback(feedback or "Say which words are wanted.")
  return p
end

function TestStep.test_a_step_by_edits()
  local p = param()
  local m, asked = editor(edit("Name its tone.", "Name its tone in one word.")
    .. edit("Be polite.", "Be kind.") .. edit("", "Use no full stop."))
  local opt = lg.optim.tgd { p, model = m, mode = "edit" }
  local report = opt:step()
  lu.assertEquals(p:text(), "You review texts.\nRead the text twice.\nName its tone in one word.\n"
    .. "Be brief.\nUse no full stop.")
  local entry = report.params[1]
  lu.assertEquals({ #asked, report.changed, entry.reason, entry.after == p:text() },
    { 1, true, "2 of 3 edits applied", true })
  lu.assertEquals(entry.edits[1], { find = "Name its tone.",
    replace = "Name its tone in one word.", applied = true })
  lu.assertEquals({ entry.edits[2].applied, entry.edits[3].applied }, { false, true })
  lu.assertStrContains(entry.edits[2].problem, "does not stand")
  for _, line in ipairs { '"Name its tone." -> "Name its tone in one word."',
    'refused: "Be polite." -> "Be kind.": what it looks for', 'add "Use no full stop."' } do
    lu.assertStrContains(tostring(report), line)
  end
  local text = asked[1].messages[2].content
  lu.assertStrContains(text, LONG)
  lu.assertStrContains(text, "Say which words are wanted.")
  lu.assertNil(text:find("NEW_VARIABLE", 1, true))
end

function TestStep.test_when_none_applies_it_is_asked_once_more_with_the_reasons()
  local p = param()
  local m, asked = editor(edit("nowhere", "x") .. edit("e", "y"), edit("Be brief.", "Be short."))
  local report = lg.optim.tgd { p, model = m, mode = "edit" }:step()
  local again = asked[2].messages[4].content
  lu.assertStrContains(again, '("nowhere"): what it looks for does not stand')
  lu.assertStrContains(again, "<EDIT>")
  lu.assertEquals(p:text(), (LONG:gsub("brief", "short")))
  lu.assertTrue(report.params[1].reasked)
  local q = param()
  m, asked = editor(edit("nowhere", "x"))
  report = lg.optim.tgd { q, model = m, mode = "edit" }:step()
  lu.assertEquals({ q:text(), #asked, report.changed }, { LONG, 2, false })
  lu.assertStrContains(report.reason, "no edit could be applied")
  lu.assertEquals(report.params[1].edits[1].applied, false)
end

function TestStep.test_the_new_whole_text_goes_through_the_checks()
  local p = param()
  local m, asked = editor(edit("", ("Read it again. "):rep(30)), edit("Be brief.", ""))
  lg.optim.tgd { p, model = m, mode = "edit",
    constraints = { lg.constraint.max_words(20) } }:step()
  lu.assertEquals(p:text(), "You review texts.\nRead the text twice.\nName its tone.")
  lu.assertStrContains(asked[2].messages[4].content, "20 are allowed")
end

function TestStep.test_the_form_given_back_is_no_edit()
  local p = param()
  local m = editor(edit("Be brief.", "what stands there instead") .. edit("Name", "Tell"))
  local report = lg.optim.tgd { p, model = m, mode = "edit" }:step()
  lu.assertEquals(p:text(), (LONG:gsub("Name", "Tell")))
  lu.assertStrContains(report.params[1].edits[1].problem, "the form of the question")
end

function TestStep.test_edits_of_a_text_that_was_refused_are_not_applied()
  local p = param()
  local m = editor(edit("Be brief.", "Be very very brief.") .. edit("nowhere", "x"))
  local report = lg.optim.tgd { p, model = m, mode = "edit",
    constraints = { lg.constraint.not_contains "very" } }:step()
  lu.assertEquals({ report.changed, p:text() }, { false, LONG })
  local edits = report.params[1].edits
  lu.assertEquals({ edits[1].applied, edits[2].applied }, { false, false })
  lu.assertStrContains(edits[1].problem, "the new text was refused")
  lu.assertStrContains(edits[2].problem, "does not stand")
end

function TestStep.test_a_model_without_tags_is_asked_for_json()
  local p = param()
  local m, asked = editor("I would shorten it.", "Really.",
    '{"edits":[{"find":"Be brief.","replace":"Be short."}]}',
    '{"edits":[{"find":"Be short.","replace":"Be very short."}]}')
  local opt = lg.optim.tgd { p, model = m, mode = "edit" }
  local report = opt:step()
  lu.assertEquals({ p:text(), #asked, report.params[1].malformed },
    { (LONG:gsub("brief", "short")), 3, 2 })
  lu.assertNotNil(asked[3].schema)
  opt:step()
  lu.assertEquals({ p:text(), #asked }, { (LONG:gsub("brief", "very short")), 4 })
end

function TestStep.test_tags_in_the_text_are_no_tags_of_the_form()
  local text = "Write <FIND>x</FIND> where something is to be found.\nBe brief."
  local p = param(text)
  local m, asked = editor("<EDIT_2><FIND_2>Write <FIND>x</FIND></FIND_2><REPLACE_2>Put <FIND>y"
    .. "</FIND></REPLACE_2></EDIT_2>")
  lg.optim.tgd { p, model = m, mode = "edit" }:step()
  lu.assertEquals(p:text(), (text:gsub("Write <FIND>x", "Put <FIND>y")))
  lu.assertStrContains(asked[1].messages[2].content, "<FIND_2>words of the variable")
end

function TestStep.test_a_reply_that_was_cut_inside_an_edit_is_not_used()
  local p = param()
  local cut = { text = edit("Be brief.", "Be short.") .. "<EDIT><FIND>Name",
    finish_reason = "length" }
  local m = editor(cut, { text = edit("Be brief.", "Be short.") .. " That",
    finish_reason = "length" })
  local report = lg.optim.tgd { p, model = m, mode = "edit" }:step()
  lu.assertEquals(p:text(), (LONG:gsub("brief", "short")))
  lu.assertTrue(report.params[1].reasked)
end

function TestStep.test_auto_asks_for_edits_of_long_texts_only()
  local rules = {}
  for i = 1, 400 do rules[i] = ("Rule %d says what number %d is."):format(i, i) end
  local function answers(request)
    if request.messages[2].content:find("<NEW_VARIABLE>", 1, true) then
      return "<NEW_VARIABLE>whole</NEW_VARIABLE>"
    end
    return edit("Rule 7 says what number 7 is.", "Rule 7 is gone.")
  end
  local short, long = param "Be brief.", param(table.concat(rules, "\n"))
  local report = lg.optim.tgd { short, long, model = (editor(answers)), mode = "auto" }:step()
  lu.assertEquals(short:text(), "whole")
  lu.assertStrContains(long:text(), "\nRule 7 is gone.\nRule 8 says")
  lu.assertEquals({ report.params[1].edits, #report.params[2].edits }, { nil, 1 })
end

function TestStep.test_misuse()
  local p = param()
  helper.fails("inval", { field = "mode" }, lg.optim.tgd, { p, mode = "edits" })
  helper.fails("inval", { field = "max_edits" }, lg.optim.tgd, { p, max_edits = 0 })
end

os.exit(lu.LuaUnit.run())
