-- test_vote.lua - lg.vote and lg.best_of: which samples are drawn, who wins, what is returned

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local asked

-- A model whose reply is the entry of the list at its sample index.
local function teller(replies)
  asked = {}
  return lg.model(function(request)
    local i = (request.sample or 0) + 1
    asked[#asked + 1] = i - 1
    lg.sleep(8 - i % 8) -- later samples come first
    local reply = replies[i] or "none " .. i
    if reply == "broken" then error "broken" end
    return reply
  end, "teller")
end

local function sorted(list)
  table.sort(list)
  return list
end

TestVote = {}

function TestVote.test_most_votes()
  local m = teller { "It is 7.", "It is 8.", "I do not know", "So: 8.0", "9" }
  local answer, votes = lg.vote { m, "how many?", extract = lg.extract.last_number }
  lu.assertTrue(lg.is_var(answer))
  lu.assertEquals(answer:text(), "It is 8.")
  lu.assertEquals({ votes.answer, votes.votes, votes.n, votes.unread, votes.sample },
    { "8", 2, 5, 1, 2 })
  lu.assertEquals(votes.tally, { { answer = "8", votes = 2, sample = 2 },
    { answer = "7", votes = 1, sample = 1 }, { answer = "9", votes = 1, sample = 5 } })
  lu.assertEquals(votes.samples[3].text, "I do not know")
  lu.assertEquals(sorted(asked), { 0, 1, 2, 3, 4 })
end

function TestVote.test_ties_go_to_the_first_seen()
  local m = teller { "b", "a", "a", "b" }
  local answer, votes = lg.vote { m, "q", n = 4 }
  lu.assertEquals({ answer:text(), votes.votes, votes.sample }, { "b", 2, 1 })
end

function TestVote.test_over_what_is_there()
  local given = { "It is 3.", lg.var("Now 4", "answer"), "4.0, then", "3 again" }
  local answer, votes = lg.vote { outputs = given, extract = lg.extract.last_number }
  lu.assertEquals({ answer, votes.answer, votes.votes, votes.n }, { "It is 3.", "3", 2, 4 })
  answer, votes = lg.vote { outputs = given, extract = lg.extract.last_number, ties = "last" }
  lu.assertEquals({ answer, votes.answer, votes.sample }, { "3 again", "3", 4 })
  given[4] = "none"
  answer = lg.vote { outputs = given, extract = lg.extract.last_number, ties = "last" }
  lu.assertEquals(answer, "4.0, then")
  lu.assertEquals(lg.vote { outputs = { "x", "y" }, extract = lg.extract.last_number }, "x")
  helper.fails("inval", { field = "outputs" }, lg.vote, { outputs = {} })
  helper.fails("inval", { field = "outputs" }, lg.vote, { outputs = "x" })
  helper.fails("inval", { field = "ties" }, lg.vote, { outputs = { "x" }, ties = "best" })
  helper.fails("inval", { field = "n" }, lg.vote, { outputs = { "x" }, n = 3 })
end

function TestVote.test_without_any_answer_it_is_the_first()
  local m = teller { "x", "y", "z" }
  local answer, votes = lg.vote { m, "q", n = 3, extract = lg.extract.last_number }
  lu.assertEquals({ answer:text(), votes.votes, votes.unread, votes.sample }, { "x", 0, 3, 1 })
  lu.assertNil(votes.answer)
  lu.assertEquals(votes.tally, {})
end

function TestVote.test_a_program_of_several_calls_and_one_that_returns_texts()
  local m = teller { "1", "2", "2" }
  local function program(row)
    return m(row.question):text() .. m { row.question .. "?", sample = 1 }:text()
  end
  local answer, votes = lg.vote { program, { question = "q" }, n = 2 }
  lu.assertEquals(answer, "12") -- samples 0 and 1, then 1 and 2
  lu.assertEquals(votes.tally[2].answer, "22")
  lu.assertEquals(sorted(asked), { 0, 1, 1, 2 })
  lu.assertEquals((lg.vote { function() return 3 end, n = 1 }), 3)
end

-- A sample of a vote that votes itself draws other samples than the next.
function TestVote.test_votes_in_votes()
  local m = teller {}
  lg.vote { function() return (lg.vote { m, "q", n = 2 }) end, n = 3 }
  lu.assertEquals(sorted(asked), { 0, 1, 2, 3, 4, 5 })
end

function TestVote.test_parameters_of_a_candidate_and_feedback()
  local p = lg.param("old", "system prompt")
  local m = lg.model(function(request) return request.messages[1].content end, "echo")
  lu.assertEquals(lg.with({ [p] = "new" }, function()
    return (lg.vote { function() return m { "q", system = p } end, n = 3 }):text()
  end), "new")
  local answer = lg.vote { function() return m { "q", system = p } end, n = 3 }
  lg.loss.exact { target = "other" }(answer):backward { model = function() return "say other" end }
  lu.assertEquals(#p:feedback(), 1)
end

function TestVote.test_failures()
  local m = teller { "broken", "a", "b", "b" }
  lu.assertFalse(pcall(lg.vote, { m, "q", n = 4 }))
  local answer, votes = lg.vote { m, "q", n = 4, on_error = "skip" }
  lu.assertEquals({ answer:text(), votes.votes, votes.unread }, { "b", 2, 1 })
  lu.assertNotNil(votes.samples[1].error)
  local none = teller { "broken", "broken" }
  lu.assertFalse(pcall(lg.vote, { none, "q", n = 2, on_error = "skip" }))
end

function TestVote.test_options()
  local m = teller { "a" }
  helper.fails("inval", { field = "n" }, lg.vote, { m, "q", n = 0 })
  helper.fails("inval", { field = "n" }, lg.vote, { m, "q", n = 1001 })
  helper.fails("inval", { field = "n" }, lg.vote, { m, "q", n = "5" })
  helper.fails("inval", { field = "concurrency" }, lg.vote, { m, "q", concurrency = 0 })
  helper.fails("inval", { field = "extrct" }, lg.vote, { m, "q", extrct = print })
  helper.fails("inval", { field = "1" }, lg.vote, { n = 3 })
  helper.fails("inval", { field = "score" }, lg.best_of, { m, "q" })
  helper.fails("inval", nil, lg.vote, { function() return {} end, n = 1 })
  helper.fails("inval", nil, lg.vote, { m, "q", extract = function() return {} end })
  lu.assertEquals(#asked, 5) -- of the last alone
end

function TestVote.test_in_an_evaluation()
  local m = teller { "8", "9", "9" }
  local result = lg.evaluate { function(row)
    return (lg.vote { m, row.question, n = 3, extract = lg.extract.last_number })
  end, data = { { question = "q", answer = "9" }, { question = "r", answer = "8" } },
    metric = lg.metric.exact }
  lu.assertEquals(result.mean, 0.5)
end

TestBest = {}

function TestBest.test_the_largest_score_of_equal_ones_the_first()
  local m = teller { "aa", "bbb", "c", "ddd" }
  local answer, best = lg.best_of { m, "q", n = 4, score = function(text) return #text end }
  lu.assertEquals({ answer:text(), best.score, best.mean, best.sample, best.n },
    { "bbb", 3, 9 / 4, 2, 4 })
  lu.assertEquals(best.samples[3].score, 1)
end

-- The calls of a score are none of the sample's: equal texts are asked about once.
function TestBest.test_scores_by_losses_and_models()
  local m = teller { "a", "b", "b" }
  local seen = {}
  local judge = lg.model(function(request)
    seen[#seen + 1] = request.sample or 0
    return "fine"
  end, "judge")
  local answer, best = lg.best_of { m, "q", n = 3, score = function(text, output)
    lu.assertTrue(lg.is_var(output))
    judge(text):text()
    return lg.loss.exact { target = "b" }(output)
  end }
  lu.assertEquals({ answer:text(), best.score, best.sample }, { "b", 1, 2 })
  for _, sample in ipairs(seen) do lu.assertEquals(sample, 0) end
end

function TestBest.test_bad_scores_and_failures()
  local m = teller { "broken", "a", "b" }
  helper.fails("inval", nil, lg.best_of, { m, "q", n = 3, on_error = "skip",
    score = function() return "x" end })
  helper.fails("inval", nil, lg.best_of, { m, "q", n = 3, on_error = "skip",
    score = function() return 0 / 0 end })
  helper.fails("inval", nil, lg.best_of, { m, "q", n = 3, on_error = "skip",
    score = function(_, output) return output end })
  local answer, best = lg.best_of { m, "q", n = 3, on_error = "skip",
    score = function(text) return text == "b" end }
  lu.assertEquals({ answer:text(), best.score, best.mean }, { "b", 1, 0.5 })
end

os.exit(lu.LuaUnit.run(), true)
