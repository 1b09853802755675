-- test_leakage.lua - what a proposal may not copy from training examples, and what it may

require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local leakage = require "lunagrad.improve.leakage"

local ROWS = {
  { question = "Who wrote the long letter about the lighthouse keeper of Aran in 1903?",
    answer = "John Millington Synge" },
  { question = "In which small town did the first glass harmonica concert take place?",
    answer = "Ludwigslust" },
  { question = "What is left when all blue marbles leave the wooden bowl?", answer = "7" },
  { question = "Is it any good? I saw the picture twice and slept both times.",
    answer = "negative" },
  { question = "Is it any good? A quiet masterpiece with one very loud tuba.",
    answer = "negative" },
}

local leak = leakage.new(ROWS)

TestLeakage = {}

local function found(text, part, before)
  local problem = leak(text, before)
  lu.assertNotNil(problem, text)
  lu.assertStrContains(problem, part)
end

function TestLeakage.test_a_long_passage()
  found("Think. the letter about the lighthouse keeper of Aran in 1903 was short", "example 1")
  found("THE LETTER! Letter ABOUT the   lighthouse keeper\nof Aran, in “1903”",
    "passage of training example 1")
  lu.assertNil(leak "Think of letters and of the keeper of a lighthouse, in whatever year it was.")
  lu.assertNil(leak "the lighthouse keeper of Aran is mentioned now and then") -- five words
end

function TestLeakage.test_a_right_answer_of_some_words()
  found("Often it is John Millington Synge.", "right answer of training example 1")
  lu.assertNil(leak "John Synge, or Millington")
end

function TestLeakage.test_a_short_passage_with_its_answer()
  found("If asked for the first glass harmonica concert, say: Ludwigslust.", "example 2")
  found("When all blue marbles leave the bowl, seven are left. all blue marbles leave the: 7", "3")
  lu.assertNil(leak "If asked for the first glass harmonica concert, look it up.")
  lu.assertNil(leak "Ludwigslust is a town.")
end

function TestLeakage.test_numbers_and_labels_may_be_said()
  lu.assertNil(leak "Answer positive or negative, with a number from 1 to 7.")
end

function TestLeakage.test_what_many_rows_share_is_the_form()
  local rows = {}
  for i = 1, 40 do
    rows[i] = { question = "Is the sentence that follows here true or is it false, number "
      .. ("x"):rep(i) .. "?", answer = "Answer with a yes" }
  end
  local shared = leakage.new(rows)
  lu.assertNil(shared "Say if the sentence that follows here true or is it false, by number.")
  lu.assertNil(shared "Answer with a yes or a no.")
end

function TestLeakage.test_what_stood_there_before()
  local before = "letter about the lighthouse keeper of Aran in 1903, by John Millington Synge"
  lu.assertNil(leak("Now: letter about the lighthouse keeper of Aran in 1903. "
    .. "John Millington Synge.", before))
  found("Now: Who wrote the long letter about the lighthouse keeper of Aran?", "example 1", before)
end

function TestLeakage.test_worked_examples_are_exempt_and_what_precedes_them_is_not()
  local block = ("Worked examples:\n\nInput: %s\nOutput: John Millington Synge"):format(
    ROWS[1].question)
  lu.assertNil(leak("Answer briefly.\n\n" .. block))
  found("Say John Millington Synge.\n\n" .. block, "right answer")
end

function TestLeakage.test_other_scripts_and_odd_rows()
  local odd = leakage.new { "a plain text that is a row of its own, of many words", 7, {},
    { question = "昨天下午三点钟我们在图书馆门口等了两个小时的公共汽车", answer = "两个小时" },
    { question = lg.var "held in a variable, this one is a text of ten words", answer = "x" } }
  lu.assertStrContains(odd "say a plain text that is a row of its own", "example 1")
  lu.assertStrContains(odd "昨天下午三点钟我们在图书馆门口等了很久", "example 4")
  lu.assertNil(odd "三点钟我们在图书馆")
  lu.assertStrContains(odd "held in a variable, this one is a text", "example 5")
  lu.assertNil(odd "")
end

-- A set of 2,000 rows is indexed once, and a text is read in no time.
function TestLeakage.test_it_is_quick()
  local rows, r = {}, lg.rng.new(3)
  for i = 1, 2000 do
    local words = {}
    for k = 1, 60 do words[k] = "w" .. r:int(1, 5000) end
    rows[i] = { question = table.concat(words, " "), answer = tostring(i) }
  end
  local start = os.clock()
  local big = leakage.new(rows)
  local text = ("some words that no row holds, w1 w2 w3 w4 w5 w6 w7 w8. "):rep(40)
  for _ = 1, 20 do lu.assertNil(big(text)) end
  lu.assertTrue(os.clock() - start < 5, os.clock() - start)
  lu.assertStrContains(big(rows[77].question), "example 77")
end

os.exit(lu.LuaUnit.run())
