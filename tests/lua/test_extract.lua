-- test_extract.lua - what extractors find, and that they find nothing rather than something wrong

local helper = require "helper"
local lu = require "luaunit"
local core = require "lunagrad.core"
local extract = require "lunagrad.extract"

TestExtract = {}

-- Every row of the table: which extractor, with what, the reply, and what is right (null: nothing
-- can be read). Rows of "verdict" are test_loss.lua's.
function TestExtract.test_the_table_of_replies()
  local rows, wrong, n = helper.replies(), {}, 0
  for i, row in ipairs(rows) do
    if row.take ~= "verdict" then
      local take = row.with and extract[row.take](row.with) or extract[row.take]
      local right = row.right ~= core.null and row.right or nil
      local got = take(row.reply)
      if got ~= right then
        wrong[#wrong + 1] = ("row %d (%s): %q gives %s, right is %s"):format(i, row.take, row.reply,
          got and ("%q"):format(got) or "nil", right and ("%q"):format(right) or "nil")
      end
      n = n + 1
    end
  end
  lu.assertEquals(table.concat(wrong, "\n"), "")
  lu.assertTrue(n > 150)
end

local function numbers(cases)
  for _, case in ipairs(cases) do
    lu.assertEquals(extract.last_number(case[1]), case[2], case[1])
  end
end

function TestExtract.test_last_number_plain_forms()
  numbers {
    { "Answer: 8", "8" }, { "I count 3, then 4, so 7.", "7" }, { "1,234", "1234" },
    { "about 12,345,678.90 dollars", "12345678.90" }, { "it costs $5", "5" }, { "-3", "-3" },
    { "x = -3.5", "-3.5" }, { "\u{2212}7 degrees", "-7" }, { "-$5", "-5" }, { "$-5", "-5" },
    { ".5 of it", "0.5" }, { "-.5", "-0.5" }, { "50%", "50" }, { "**8**", "8" },
    { "\\boxed{42}", "42" }, { "1.5e3 atoms", "1.5e3" }, { "5kg", "5" }, { "#### 72", "72" },
    { "The result is 12. ", "12" }, { "1, 2, 345", "345" }, { "007", "007" },
  }
end

function TestExtract.test_last_number_is_nil_and_never_zero()
  numbers {
    { "", nil }, { "eight", nil }, { "no idea", nil }, { "-", nil }, { ".", nil }, { "$", nil },
    { "H2O", nil }, { "model v2", nil }, { "_1", nil },
  }
end

function TestExtract.test_a_hyphen_is_no_minus()
  numbers {
    { "3-5", "5" }, { "GPT-4", "4" }, { "(2)-1", "1" }, { "the years 1990-2000", "2000" },
  }
end

function TestExtract.test_thousands_only_where_groups_are_whole()
  numbers {
    { "1,23", "1.23" }, { "1,2345", "1.2345" }, { "1234,567", "1234.567" }, { "1,234,56", "56" },
    { "12,000,000", "12000000" }, { "7 1 234", "234" }, { "1 23", "23" }, { "1 2345", "2345" },
  }
end

function TestExtract.test_last_line()
  lu.assertEquals(extract.last_line "one\n two \n\n \t\n", "two")
  lu.assertEquals(extract.last_line "a\r\nb\r\n", "b")
  lu.assertNil(extract.last_line " \n\t")
  lu.assertNil(extract.last_line "")
end

function TestExtract.test_whole()
  lu.assertEquals(extract.whole " a b\n", "a b")
  lu.assertNil(extract.whole " \n ")
end

function TestExtract.test_tag_takes_the_last_whole_pair()
  local take = extract.tag "FINAL"
  lu.assertEquals(take "<FINAL>1</FINAL> no, <FINAL> 2 </FINAL>", "2")
  lu.assertNil(take "<FINAL>cut")
  lu.assertNil(take "nothing")
  helper.fails("inval", nil, extract.tag, "a b")
end

function TestExtract.test_after_is_the_last_one()
  local take = extract.after "Answer:"
  lu.assertEquals(take "Answer: 3\nWait. Answer: 4 apples \nbye", "4 apples")
  lu.assertEquals(take "**Answer:** 8", "8")
  lu.assertEquals(take "ANSWER:\n\n  `8`\n", "8")
  lu.assertNil(take "Answer:")
  lu.assertNil(take "no such thing")
  lu.assertNil(take "Answer: 3\nAnswer: \n **\n")
end

function TestExtract.test_choice()
  lu.assertEquals(extract.choice { "yes", "no", "none" } "Answer: none", "none")
  lu.assertEquals(extract.choice { "a", "ab" } "Answer: ab", "ab")
  helper.fails("inval", nil, extract.choice, {})
end

function TestExtract.test_an_unreadable_later_answer_does_not_hide_the_earlier()
  lu.assertEquals(extract.choice { "A", "B" } "Answer: B\nThat is my answer.", "B")
end

function TestExtract.test_code()
  lu.assertEquals(extract.code "x\n```lua\nreturn 1\n```\ny\n```\nreturn 2\nend\n```",
    "return 2\nend")
  lu.assertEquals(extract.code "```\n```", "")
  lu.assertEquals(extract.code "````\na\n```\nb\n````", "a\n```\nb")
  lu.assertEquals(extract.code "~~~\na\n~~~\r\n", "a")
  lu.assertNil(extract.code "```lua\nreturn 1")
  lu.assertEquals(extract.code "```\none\n```\n```\ncut", "one")
  lu.assertNil(extract.code "no code, only ```inline``` marks")
end

function TestExtract.test_json()
  local take = extract.json "answer"
  lu.assertEquals(take '{"answer": "yes"}', "yes")
  lu.assertEquals(take 'Sure: {"answer": 3} or {"answer": 4}. Done', "4")
  lu.assertEquals(take 'a {b} ```json\n{"answer": true}\n```', "true")
  lu.assertEquals(take '{ not json {"answer": "a } brace"}', "a } brace")
  lu.assertNil(take '{"answer": null}')
  lu.assertNil(take '{"answer": 1')
  lu.assertNil(take "answer")
  lu.assertEquals(extract.json "steps[2].r" '{"steps": [{"r": 1}, {"r": 2}]}', "2")
  lu.assertEquals(extract.json "a" '{"a": {"b": [1, 2]}}', '{"b":[1,2]}')
end

function TestExtract.test_any_takes_the_first_that_finds()
  local take = extract.any(extract.after "Answer:", extract.last_number)
  lu.assertEquals(take "Answer: x 5", "x 5")
  lu.assertEquals(take "5", "5")
  lu.assertNil(take "none")
end

-- A text made to be slow must not be: each of these takes hours if a pattern is quadratic.
function TestExtract.test_time_is_linear()
  local size = 50000
  local nasty = {
    (" "):rep(size), ("1"):rep(size), ("1,"):rep(size // 2), ("1,234"):rep(size // 5),
    ("a1"):rep(size // 2), ("Answer: "):rep(size // 8), ("```\n"):rep(size // 4), ("`"):rep(size),
    ("\\boxed{"):rep(size // 7), ("\\frac{"):rep(size // 6), ("\\sqrt["):rep(size // 6),
    ("1 234 "):rep(size // 6), ("1'234"):rep(size // 5), ("½"):rep(size // 2), ("²"):rep(size // 2),
    ("the answer is A or "):rep(size // 20), ("答案"):rep(size // 6), ("\u{301}"):rep(size // 2),
    ("<X>"):rep(size // 3), ("<X>a</X> "):rep(size // 9), ("\xFF"):rep(size),
    ("{"):rep(size), ("{\""):rep(size // 2), ("\n"):rep(size), ("*"):rep(size),
    (" x"):rep(size // 2), ("-"):rep(size), ("."):rep(size), ("1."):rep(size // 2),
  }
  local all = {
    extract.last_number, extract.last_line, extract.whole, extract.code, extract.after "Answer:",
    extract.choice { "A", "B" }, extract.boxed, extract.json "a", extract.tag "X",
  }
  local started = os.clock()
  for _, text in ipairs(nasty) do
    for _, take in ipairs(all) do take(text) end
  end
  lu.assertTrue(os.clock() - started < 30)
end

os.exit(lu.LuaUnit.run())
