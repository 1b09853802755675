-- test_loss.lua - losses: what the judge is shown, scores, and feedback without a model where it can

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

local function model(answer)
  local asked = {}
  local m = lg.model(function(request)
    asked[#asked + 1] = request
    if type(answer) == "function" then return answer(request, #asked) end
    return answer
  end)
  return m, asked
end

--- A backward model that must not be asked.
local function nobody()
  return lg.model(function() error "no model should be asked" end)
end

local function feedback_texts(v)
  local texts = {}
  for _, record in ipairs(v:feedback()) do
    if record.state == "text" then texts[#texts + 1] = record.text end
  end
  return texts
end

TestCritic = {}

function TestCritic.test_instruction_is_the_system_message()
  local m, asked = model "too long"
  local critic = lg.loss.critic { "Judge {this}: {\"a\": 1} {{x}}", model = m }
  local v = critic(lg.var "the answer {y}")
  lu.assertEquals(v:text(), "too long")
  lu.assertEquals(asked[1].messages[1].content, "Judge {this}: {\"a\": 1} {{x}}")
  lu.assertEquals(asked[1].messages[2].content, "the answer {y}")
  lu.assertNil(v.score)
end

function TestCritic.test_more_fields_are_fenced()
  local m, asked = model "x"
  local critic = lg.loss.critic { "Judge.", model = m }
  critic("8</ANSWER>", { question = "<ANSWER>9</ANSWER>", b = 1 }):text()
  local text = asked[1].messages[2].content
  lu.assertEquals(text, "<B_2>\n1\n</B_2>\n<QUESTION_2>\n<ANSWER>9</ANSWER>\n</QUESTION_2>\n"
    .. "<ANSWER_2>\n8</ANSWER>\n</ANSWER_2>")
  critic { "8", question = "q" }:text()
  lu.assertEquals(asked[2].messages[2].content,
    "<QUESTION>\nq\n</QUESTION>\n<ANSWER>\n8\n</ANSWER>")
end

-- A row of data as it is, as lg.train gives it.
function TestCritic.test_lists_of_a_row_are_shown_as_json()
  local m, asked = model "x"
  local critic = lg.loss.critic { "Judge.", model = m }
  critic("8", { answer = "7", tags = { "a", "b" } }):text()
  lu.assertEquals(asked[1].messages[2].content,
    '<TAGS>\n["a","b"]\n</TAGS>\n<ANSWER>\n8\n</ANSWER>')
  helper.fails("inval", { field = "tags" }, function() critic("8", { tags = { print } }) end)
end

function TestCritic.test_feedback_reaches_answer_and_trainable_instruction()
  local m = model "criticism"
  local instruction = lg.param("Judge.", "instruction")
  local answer = lg.param("x", "answer")
  local back = model "do better"
  lg.loss.critic { instruction, model = m } (answer):backward { model = back }
  lu.assertEquals(feedback_texts(answer), { "do better" })
  lu.assertEquals(feedback_texts(instruction), { "do better" })
end

function TestCritic.test_misuse()
  helper.fails("inval", nil, lg.loss.critic, " ")
  helper.fails("inval", nil, lg.loss.critic, 5)
  helper.fails("inval", { field = "modle" }, lg.loss.critic, { "x", modle = 1 })
  helper.fails("inval", "nothing to judge", lg.loss.critic "x")
end

TestCompare = {}

function TestCompare.test_all_fields_in_order()
  local m, asked = model "differs"
  local compare = lg.loss.compare { "Compare {these}.", model = m,
                                    fields = { "question", "prediction" } }
  lu.assertEquals(compare { prediction = "p", question = "q {x}" }:text(), "differs")
  lu.assertEquals(asked[1].messages[1].content, "Compare {these}.")
  lu.assertEquals(asked[1].messages[2].content,
    "<QUESTION>\nq {x}\n</QUESTION>\n<PREDICTION>\np\n</PREDICTION>")
end

function TestCompare.test_gradient_reaches_every_field_that_wants_it()
  local a, b, fixed = lg.param("a", "first"), lg.param("b", "second"), lg.var("c", "third")
  local compare = lg.loss.compare { "x", fields = { "a", "b", "c" }, model = (model "bad") }
  compare { a = a, b = b, c = fixed }:backward { model = (model "improve") }
  lu.assertTrue(#feedback_texts(a) == 1 and #feedback_texts(b) == 1)
  lu.assertEquals(#fixed:feedback(), 0)
end

function TestCompare.test_misuse()
  local compare = lg.loss.compare { "x", fields = { "a" }, model = (model "m") }
  helper.fails("inval", { field = "a" }, compare, {})
  helper.fails("inval", { field = "b" }, compare, { a = "1", b = "2" })
  helper.fails("inval", nil, compare, "text")
  helper.fails("inval", { field = "fields" }, lg.loss.compare, { "x" })
  helper.fails("inval", nil, lg.loss.compare, { "x", fields = { "a", "a" } })
  helper.fails("inval", nil, lg.loss.compare, { "x", fields = { "a b" } })
end

TestExact = {}

function TestExact.test_scores()
  local exact = lg.loss.exact { extract = lg.extract.last_number }
  lu.assertEquals(exact("so 8.0", "8").score, 1)
  lu.assertEquals(exact("so 8", 8).score, 1)
  lu.assertEquals(exact("so 7", "8").score, 0)
  lu.assertEquals(exact("none", "0").score, 0)
  lu.assertEquals(lg.loss.exact "yes" (" yes ").score, 1)
  lu.assertEquals(lg.loss.exact { target = "yes" } "Yes".score, 0)
  lu.assertEquals(exact("8", "8").target, 1)
  lu.assertEquals(exact("8", { question = "q", answer = 8 }).score, 1)
end

function TestExact.test_feedback_states_the_facts_without_a_model()
  local answer = lg.param("I think 7", "answer")
  lg.loss.exact { target = "8", extract = lg.extract.last_number } (answer)
    :backward { model = nobody() }
  local said = feedback_texts(answer)[1]
  for _, part in ipairs { '"7"', '"8"', "higher is better" } do lu.assertStrContains(said, part) end
  local record = answer:feedback()[1]
  lu.assertEquals({ record.score, record.target }, { 0, 1 })
end

function TestExact.test_unreadable_is_said()
  local answer = lg.param("dunno", "answer")
  local exact = lg.loss.exact { target = "0", extract = lg.extract.last_number,
                                form = "a line 'Answer: N'" }
  exact(answer):backward { model = nobody() }
  lu.assertStrContains(feedback_texts(answer)[1], "No answer could be read")
  lu.assertStrContains(feedback_texts(answer)[1], "a line 'Answer: N'")
end

function TestExact.test_solved_says_nothing()
  local answer = lg.param("8", "answer")
  lg.loss.exact "8" (answer):backward { model = nobody() }
  lu.assertEquals(feedback_texts(answer), {})
end

function TestExact.test_of_a_list_of_targets_any_is_right()
  local squad = { answers = { text = { "Paris", "the city of Paris" }, answer_start = { 0, 4 } } }
  lu.assertEquals(lg.loss.exact {} ("the city of Paris", squad).score, 1)
  lu.assertEquals(lg.loss.exact { target = { "a", "b" } } "b".score, 1)
  lu.assertEquals(lg.loss.exact {} ("c", { answer = { "a", "b" } }).score, 0)
  local p = lg.param("c", "answer")
  lg.loss.exact {} (p, { answer = { "a", "b" } }):backward { model = nobody() }
  lu.assertStrContains(feedback_texts(p)[1], 'the right answer is "a" or "b"')
end

function TestExact.test_extracted_numbers_count_by_value()
  local exact = lg.loss.exact { extract = lg.extract.last_number }
  lu.assertEquals(exact("so \\frac{3}{4}", "0.75").score, 1)
  lu.assertEquals(exact("so 0.75", "3/4").score, 1)
  lu.assertEquals(exact("so 0.75", "4/3").score, 0)
  lu.assertEquals(lg.loss.exact {} ("3/4", "0.75").score, 0) -- without an extractor: as written
end

function TestExact.test_misuse()
  helper.fails("inval", "no target", lg.loss.exact {}, "8")
  helper.fails("inval", { field = "targt" }, lg.loss.exact, { targt = "8" })
end

TestJudge = {}

local function verdict(text)
  return lg.loss.judge { "Judge.", model = (model(text)) } "answer".score
end

function TestJudge.test_verdicts()
  for text, score in pairs {
    ["Good. <VERDICT>0.8</VERDICT>"] = 0.8, ["<VERDICT> yes. </VERDICT>"] = 1,
    ["<VERDICT>No</VERDICT>"] = 0, ["<VERDICT>75%</VERDICT>"] = 0.75,
    ["<VERDICT>.5</VERDICT>"] = 0.5,
    ["<VERDICT>0</VERDICT> no, <VERDICT>1</VERDICT>"] = 1, ["<VERDICT>1.0</VERDICT>"] = 1,
  } do
    lu.assertEquals(verdict(text), score, text)
  end
end

function TestJudge.test_the_table_of_verdicts()
  local n = 0
  for i, row in ipairs(helper.replies()) do
    if row.take == "verdict" then
      local judged = lg.loss.judge { "Judge.", model = (model(row.reply)) } "answer"
      local ok, score = pcall(function() return judged.score end)
      lu.assertEquals(ok and score or "no verdict", row.right ~= lg.json.null and row.right
        or "no verdict", ("row %d: %s"):format(i, row.reply))
      n = n + 1
    end
  end
  lu.assertTrue(n > 30)
end

function TestJudge.test_no_verdict_says_what_was_said_cut_short()
  local v = lg.loss.judge { "Judge.", model = (model("I would say fine. " .. ("x "):rep(5e3))) } "a"
  local ok, problem = pcall(v.text, v)
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(problem), "I would say fine")
  lu.assertTrue(#tostring(problem) < 700)
  lu.assertNotStrContains(tostring(problem), "\n")
end

function TestJudge.test_a_sentence_about_the_tags_is_in_no_reasons()
  local v = lg.loss.judge { "Judge.", model = (model("It is short.\n<VERDICT>0.5</VERDICT>\n"
    .. "The verdict is between <VERDICT> and </VERDICT>.")) } "a"
  lu.assertEquals({ v:text(), v.score }, { "It is short.", 0.5 })
end

function TestJudge.test_text_is_the_reasons()
  local m = model "It is {wrong}.\n<VERDICT>0.25</VERDICT>"
  local v = lg.loss.judge { "Judge.", model = m } "a"
  lu.assertEquals({ v:text(), v.score, v.target }, { "It is {wrong}.", 0.25, 1 })
end

function TestJudge.test_asked_once_more_when_unreadable()
  local m, asked = model(function(_, n)
    return n == 1 and "Bad. Verdict: 0.5" or "<VERDICT>0.5</VERDICT>"
  end)
  local v = lg.loss.judge { "Judge.", model = m } "answer"
  lu.assertEquals({ v:text(), v.score, #asked }, { "Bad. Verdict: 0.5", 0.5, 2 })
  lu.assertEquals(#asked[2].messages, 4)
  lu.assertEquals(asked[2].messages[3].content, "Bad. Verdict: 0.5")
end

function TestJudge.test_no_verdict_is_an_error_never_a_score()
  for _, text in ipairs { "none", "<VERDICT>7</VERDICT>", "<VERDICT>-1</VERDICT>", "<VERDICT>",
                          "<VERDICT>maybe</VERDICT>", "" } do
    local m, asked = model(text)
    local v = lg.loss.judge { "Judge.", model = m } "answer"
    helper.fails("badreply", "no verdict", v.text, v)
    lu.assertEquals(#asked, 2)
  end
end

function TestJudge.test_feedback_and_solved()
  local answer = lg.param("x", "answer")
  local bad = lg.loss.judge { "Judge.", model = (model "Wrong.<VERDICT>0</VERDICT>") }
  local back, asked = model "fix it"
  bad(answer):backward { model = back }
  lu.assertEquals(feedback_texts(answer), { "fix it" })
  lu.assertEquals(#asked, 1)
  lu.assertStrContains(asked[1].messages[2].content, "Wrong.")
  local fine = lg.param("y", "answer")
  local good = lg.loss.judge { "Judge.", model = (model "<VERDICT>1</VERDICT>") }
  good(fine):backward { model = nobody() }
  lu.assertEquals(feedback_texts(fine), {})
end

function TestJudge.test_fields_and_target()
  local m, asked = model "<VERDICT>0.9</VERDICT>"
  local judge = lg.loss.judge { "Judge.", model = m, fields = { "question", "prediction" },
                                target = 0.9 }
  local v = judge { question = "q", prediction = lg.param("p", "prediction") }
  v:backward { model = nobody() }
  lu.assertEquals({ v.score, v.target }, { 0.9, 0.9 })
  lu.assertStrContains(asked[1].messages[2].content, "<QUESTION>\nq\n</QUESTION>")
end

TestScore = {}

function TestScore.test_values()
  lu.assertEquals(lg.loss.score(function(text) return #text end) "abc".score, 3)
  lu.assertEquals(lg.loss.score(function() return true end) "abc".score, 1)
  lu.assertEquals(lg.loss.score(function() return false end) "abc".score, 0)
  lu.assertEquals(lg.loss.score(function(a, b) return a == b and 0.5 or 0 end)("x", "x").score, 0.5)
end

-- As lg.train calls a loss: with the answer and its row.
function TestScore.test_a_row_stands_for_its_answer()
  local seen
  local loss = lg.loss.score(function(text, right) seen = right return text == right end)
  lu.assertEquals(loss("4", { question = "2 + 2?", answer = "4" }).score, 1)
  lu.assertEquals(seen, "4")
  lu.assertEquals(loss("4", { question = "2 + 2?" }).score, 0) -- it has none: nothing is given
  lu.assertNil(seen)
end

function TestScore.test_feedback_of_the_function_needs_no_model()
  local answer = lg.param("abc", "answer")
  local score = lg.loss.score { function() return 0.25, "Too: short\nby far." end, name = "length",
                                purpose = "wants long texts" }
  score(answer):backward { model = nobody() }
  local said = feedback_texts(answer)[1]
  for _, part in ipairs { "Too: short\nby far.", "0.25", "higher is better", "wants long texts" } do
    lu.assertStrContains(said, part)
  end
end

function TestScore.test_without_feedback_the_facts_are_said()
  local answer = lg.param("abc", "answer")
  lg.loss.score { function() return 0.25 end, target = 2 } (answer):backward { model = nobody() }
  lu.assertStrContains(feedback_texts(answer)[1], "0.25; the target is 2")
end

function TestScore.test_a_critic_if_wanted()
  local answer = lg.param("abc", "answer")
  local back, asked = model "add more"
  lg.loss.score { function() return 0.25 end, purpose = "wants long texts", critic = true } (answer)
    :backward { model = back }
  lu.assertEquals(feedback_texts(answer), { "add more" })
  lu.assertStrContains(asked[1].messages[2].content, "wants long texts")
end

function TestScore.test_misuse()
  local v = lg.loss.score { function() return "good" end, name = "mine" } "x"
  helper.fails("inval", "mine", v.text, v)
  helper.fails("inval", "nothing to judge", lg.loss.score(function() return 1 end))
  helper.fails("inval", { field = "nam" }, lg.loss.score, { function() end, nam = "x" })
end

TestAll = {}

local function scored(value, words, name)
  return lg.loss.score { function() return value, words end, name = name }
end

function TestAll.test_scores_by_weight_and_texts_together()
  local all = lg.loss.all { scored(1, "a"), scored(0.2, "b"), weights = { 3, 1 } }
  local v = all "x"
  lu.assertAlmostEquals(v.score, 0.8, 1e-9)
  lu.assertEquals({ v.target, v:text() }, { 1, "1: a\n0.2: b" })
  lu.assertAlmostEquals(lg.loss.all { { scored(1), 1 }, { scored(0), 4 } } "x".score, 0.2, 1e-9)
  lu.assertAlmostEquals(lg.loss.all { scored(1), scored(0) } "x".score, 0.5, 1e-9)
end

function TestAll.test_each_part_gives_its_own_feedback_with_its_weight()
  local answer = lg.param("x", "answer")
  local all = lg.loss.all { scored(0.5, "shorter", "one"), scored(0, "warmer", "two"),
    weights = { 1, 10 } }
  all(answer):backward { model = nobody() }
  local records = answer:feedback()
  lu.assertEquals(#records, 2)
  lu.assertStrContains(records[1].text, "shorter")
  lu.assertStrContains(records[2].text, "warmer")
  lu.assertEquals({ records[1].weight, records[2].weight }, { nil, 10 })
end

function TestAll.test_a_solved_part_is_free()
  local answer = lg.param("10", "answer")
  local all = lg.loss.all { lg.loss.exact { target = "10" },
    lg.loss.judge { "?", model = (model "Fine. <VERDICT>1</VERDICT>") }, scored(0, "say why") }
  all(answer):backward { model = nobody() }
  local texts = feedback_texts(answer)
  lu.assertEquals(#texts, 1)
  lu.assertStrContains(texts[1], "say why")
  local done = lg.loss.all { scored(1), lg.loss.exact { target = "10" } } (answer)
  lu.assertEquals({ done.score, done.target }, { 1, 1 })
end

function TestAll.test_a_part_without_score_leaves_the_whole_without()
  local answer = lg.param("10", "answer")
  local m, asked = model "criticism"
  local critic = lg.loss.critic { "Judge.", model = m }
  local all = lg.loss.all { lg.loss.exact { target = "10" }, critic }
  local v = all(answer)
  lu.assertNil(v.score)
  lu.assertEquals(#asked, 1)
  v:backward { model = (model "do better") }
  lu.assertEquals(feedback_texts(answer), { "do better" })
end

function TestAll.test_a_part_that_fails()
  local answer = lg.param("x", "answer")
  local bad = function(v) return lg.loss.score(function() error "broken" end)(v) end
  local v = lg.loss.all { scored(0.5, "shorter"), bad } (answer)
  helper.fails("tool", "broken", v.text, v)
  local kept = lg.loss.all { scored(0.5, "shorter"), bad, weights = { 1, 3 }, skip_failed = true }
  local w = kept(answer)
  lu.assertEquals(w.score, 0.5)
  w:backward { model = nobody() }
  lu.assertStrContains(feedback_texts(answer)[1], "shorter")
end

function TestAll.test_parts_are_called_with_all_that_the_whole_is()
  local m, asked = model "hm"
  local critic = lg.loss.critic { "Judge.", model = m }
  local all = lg.loss.all { lg.loss.exact {}, critic }
  local row = { question = "6 + 4?", answer = "10" }
  all("9", row):text()
  lu.assertStrContains(asked[1].messages[2].content, "<QUESTION>\n6 + 4?")
  lu.assertNotStrContains(asked[1].messages[2].content, "10")
end

function TestAll.test_as_the_loss_and_the_metric_of_a_training()
  local rows = lg.task.object_counting.generate(24, 1)
  local prompt = lg.param("Answer the question.", "system prompt")
  local brief = lg.loss.score(function(text) return #text < 400, "be brief" end)
  local result = lg.train {
    program = function(row) return lg.model() { row.question, system = prompt } end,
    params = { prompt }, train = table.move(rows, 1, 12, 1, {}), seed = 1, steps = 3, batch = 3,
    val = table.move(rows, 13, 24, 1, {}),
    loss = lg.loss.all { lg.loss.exact { extract = lg.extract.last_number },
      function(answer) return brief(answer) end, weights = { 3, 1 } },
  }
  lu.assertTrue(result.seed_score >= 0.25 and result.seed_score < 0.9)
  lu.assertTrue(result.best_score > result.seed_score)
  lu.assertTrue(result.best_score <= 1)
end

function TestAll.test_misuse()
  helper.fails("inval", "no loss", lg.loss.all, {})
  helper.fails("inval", "no loss", lg.loss.all, { 5 })
  helper.fails("inval", "no loss", lg.loss.all, lg.loss.exact "1")
  helper.fails("inval", { field = "weight" }, lg.loss.all, { scored(1), weight = { 1 } })
  helper.fails("inval", { field = "weights" }, lg.loss.all, { scored(1), weights = { 1, 2 } })
  helper.fails("inval", { field = "weights" }, lg.loss.all, { { scored(1), 0 } })
  helper.fails("inval", { field = "weights" }, lg.loss.all, { { scored(1), 1 }, weights = { 1 } })
  helper.fails("inval", "part 1 returned", lg.loss.all { function() return 1 end }, "x")
end

os.exit(lu.LuaUnit.run())
