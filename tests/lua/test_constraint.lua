-- test_constraint.lua - constraints say what they want in words and check it in code

local helper = require "helper"
local lu = require "luaunit"
local constraint = require "lunagrad.constraint"

TestConstraint = {}

local function accepts(one, text)
  lu.assertTrue(one.check(text), text)
end

local function refuses(one, text, reason)
  local ok, why = one.check(text)
  lu.assertFalse(ok, text)
  lu.assertStrContains(why, reason)
end

function TestConstraint.test_words_and_chars()
  accepts(constraint.max_words(3), "one two\n three ")
  refuses(constraint.max_words(2), "one two three", "3 words, 2")
  accepts(constraint.min_words(2), "a b")
  refuses(constraint.min_words(2), "a", "1 words, 2")
  accepts(constraint.max_chars(3), "äöü")
  refuses(constraint.max_chars(2), "äöü", "3 characters")
  lu.assertEquals(tostring(constraint.max_words(120)), "at most 120 words")
end

function TestConstraint.test_words_of_scripts_that_write_no_blanks()
  for text, words in pairs {
    ["答案是北京。"] = 5, ["私は学生です。"] = 5, ["コンピューター"] = 1, ["สวัสดีชาวโลก"] = 3,
    ["서울은 한국의 수도"] = 3, ["हिन्दी भाषा"] = 2, ["می‌خواهم بروم"] = 2, ["សួស្តីពិភពលោក"] = 3,
    ["a—b"] = 2, ["well-known, don’t"] = 2, ["1,234.5 €"] = 1, ["— …"] = 0, ["\u{a0}\u{3000}"] = 0,
    ["one\u{a0}two"] = 2, ["\xFF\xFE"] = 0, [""] = 0,
  } do
    lu.assertEquals(require("lunagrad.text").count_words(text), words, text)
    if words > 1 then
      refuses(constraint.max_words(words - 1), text, words .. " words")
    end
    if words > 0 then accepts(constraint.max_words(words), text) end
    refuses(constraint.min_words(words + 1), text, words .. " words")
  end
end

function TestConstraint.test_contains()
  accepts(constraint.contains "{question}", "x {question} y")
  refuses(constraint.contains "%d", "5", "does not contain")
  accepts(constraint.not_contains "XYZ", "done")
  refuses(constraint.not_contains "a.b", "xa.b", "contains")
  accepts(constraint.not_contains "a.b", "acb")
end

function TestConstraint.test_matches()
  local one = constraint.matches("^%d+$", "is a whole number")
  lu.assertEquals(one.text, "is a whole number")
  accepts(one, "12")
  refuses(one, "12a", "is a whole number")
  helper.fails("inval", nil, constraint.matches, "[")
end

function TestConstraint.test_one_of()
  local one = constraint.one_of { "red", "light blue" }
  accepts(one, " light blue\n")
  refuses(one, "blue", "none of")
  helper.fails("inval", nil, constraint.one_of, {})
end

function TestConstraint.test_lua_is_compiled_and_never_run()
  local one = constraint.lua_syntax()
  rawset(_G, "constraint_ran", nil)
  accepts(one, "constraint_ran = true; error 'run'")
  lu.assertNil(rawget(_G, "constraint_ran"))
  refuses(one, "return (", "does not compile")
  refuses(one, string.dump(function() end), "does not compile") -- no binary chunks
end

function TestConstraint.test_json()
  accepts(constraint.json(), '{"a": [1]}')
  refuses(constraint.json(), '{"a": [1}', "not valid JSON")
end

function TestConstraint.test_own()
  local one = constraint.new("even length", function(text) return #text % 2 == 0 end)
  accepts(one, "ab")
  local broken, reason = constraint.broken({ one }, "abc")
  lu.assertIs(broken, one)
  lu.assertStrContains(reason, "even length")
  helper.fails("inval", nil, constraint.new, "words only")
end

function TestConstraint.test_lift()
  local words = constraint.lift("be kind", "test")
  lu.assertEquals(words.text, "be kind")
  lu.assertNil(constraint.broken({ words }, "anything"))
  local one = constraint.max_words(1)
  lu.assertIs(constraint.lift(one, "test"), one)
  helper.fails("inval", nil, constraint.lift, function() end, "test")
  helper.fails("inval", nil, constraint.lift, 5, "test")
  helper.fails("inval", nil, constraint.lift, " ", "test")
end

function TestConstraint.test_the_first_broken_is_named()
  local a, b = constraint.max_words(2), constraint.max_words(1)
  local broken, reason = constraint.broken({ a, b }, "one two")
  lu.assertIs(broken, b)
  lu.assertStrContains(reason, "2 words")
end

function TestConstraint.test_misuse()
  helper.fails("inval", nil, constraint.max_words, 0)
  helper.fails("inval", nil, constraint.max_words, "3")
  helper.fails("inval", nil, constraint.max_chars, 1.5)
  helper.fails("inval", nil, constraint.contains, "")
end

os.exit(lu.LuaUnit.run())
