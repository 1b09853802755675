-- test_metric.lua - scores: numbers as numbers, texts as texts, nothing for what cannot be read

local helper = require "helper"
local lu = require "luaunit"
local extract = require "lunagrad.extract"
local metric = require "lunagrad.metric"
local stats_math = require "lunagrad.stats_math"

TestMetric = {}

function TestMetric.test_canonical_numbers()
  for text, wanted in pairs {
    ["8"] = "8", ["8.0"] = "8", ["+8"] = "8", ["008"] = "8", [" 8. "] = "8", ["-0"] = "0",
    [".5"] = "0.5", ["0.50"] = "0.5", ["1,234"] = "1234", ["-1,234,567.50"] = "-1234567.5",
    ["1e3"] = "1000", ["1.5E-3"] = "0.0015", ["12e-1"] = "1.2", ["0.8e1"] = "8",
    ["12345678901234567890"] = "12345678901234567890", ["1e-320"] = "0." .. ("0"):rep(319) .. "1",
    [""] = false, ["."] = false, ["-"] = false, ["e5"] = false, ["0x10"] = false, ["nan"] = false,
    ["inf"] = false, ["1,23"] = false, ["1234,567"] = false, ["1,234,56"] = false,
    ["8 apples"] = false, ["1e99999"] = false, ["--1"] = false, ["1.2.3"] = false,
  } do
    lu.assertEquals(metric.canonical_number(text) or false, wanted, text)
  end
end

function TestMetric.test_exact()
  lu.assertEquals(metric.exact("8.0", { answer = "8" }), 1)
  lu.assertEquals(metric.exact(" yes\n", { answer = "yes" }), 1)
  lu.assertEquals(metric.exact("Yes", { answer = "yes" }), 0)
  lu.assertEquals(metric.exact("8", { target = 8 }), 1)
  lu.assertEquals(metric.exact("9007199254740993", { answer = "9007199254740992" }), 0)
  lu.assertEquals(metric.exact("true", { answer = true }), 1)
  helper.fails("inval", { field = "answer" }, metric.exact, "8", { question = "?" })
end

function TestMetric.test_number()
  lu.assertEquals(metric.number("so 1,072 it is", { answer = "work\n#### 1072" }), 1)
  lu.assertEquals(metric.number("none", { answer = "0" }), 0) -- unreadable is not zero
  lu.assertEquals(metric.number("-5", { answer = "5" }), 0)
  helper.fails("inval", "no number", metric.number, "8", { answer = "eight" })
end

function TestMetric.test_contains_whole_words()
  lu.assertEquals(metric.contains("It is Paris.", { answer = "paris" }), 1)
  lu.assertEquals(metric.contains("18", { answer = "8" }), 0)
  lu.assertEquals(metric.contains("18 and 8", { answer = "8" }), 1)
  lu.assertEquals(metric.contains("a+b", { answer = "+" }), 1)
end

function TestMetric.test_f1()
  lu.assertEquals(metric.f1("the cat", { answer = "a cat!" }), 1)
  lu.assertEquals(metric.f1("dog", { answer = "cat" }), 0)
  lu.assertEquals(metric.f1("", { answer = "cat" }), 0)
  lu.assertEquals(metric.f1("", { answer = "" }), 1)
  lu.assertAlmostEquals(metric.f1("cat cat dog", { answer = "cat" }), 0.5, 1e-12)
end

local function contains(cases)
  for _, case in ipairs(cases) do
    lu.assertEquals(metric.contains(case[1], { answer = case[2] }), case[3],
      ("%q in %q"):format(case[2], case[1]))
  end
end

function TestMetric.test_contains_needs_the_whole_number()
  contains {
    { "-8", "8", 0 }, { "8.5", "8", 0 }, { "8", "-8", 0 }, { "it is 8.", "8", 1 },
    { "1,008", "8", 0 }, { "1.8", "8", 0 }, { "8.0", "8", 1 }, { "８", "8", 1 }, { "٨", "8", 1 },
    { "–8 °C", "-8", 1 }, { "-8 km", "8 km", 0 }, { "1.8 km", "8 km", 0 }, { "8 km", "8 km", 1 },
    { "8 kms", "8 km", 0 }, { "8 km/h", "8 km", 1 }, { "1,234 of", "1234", 1 },
    { "3/4 of it", "0.75", 1 }, { "10²", "102", 0 },
  }
end

function TestMetric.test_contains_whatever_the_quotes_blanks_case_and_script()
  contains {
    { "“Paris”", "Paris", 1 }, { "«Paris»", "Paris", 1 }, { "„Paris“", "Paris", 1 },
    { "Paris…", "Paris", 1 }, { "in Paris\u{a0}now", "Paris", 1 }, { "Paris", "“Paris”", 1 },
    { "It is New\nYork", "New\u{a0}York", 1 }, { "答案是北京。", "北京", 1 }, { "北京", "上海", 0 },
    { "東京です", "東京", 1 }, { "Москва", "МОСКВА", 1 }, { "STRASSE", "Straße", 1 },
    { "ＰＡＲＩＳ", "paris", 1 }, { "İSTANBUL", "istanbul", 1 }, { "cafe\u{301}", "café", 1 },
    { "cafe", "café", 0 }, { "it’s", "it's", 1 }, { "co-op", "co‑op", 1 },
    { "정답은 서울입니다", "서울", 1 }, { "서울대학교", "서울", 0 }, { "Parisian", "Paris", 0 },
    { "กรุงเทพมหานคร", "กรุงเทพ", 1 },
  }
end

function TestMetric.test_an_empty_answer_is_only_in_an_empty_prediction()
  contains { { "nonsense", "", 0 }, { "", "", 1 }, { " \n", "", 1 }, { "x", " ", 0 } }
end

function TestMetric.test_a_sign_behind_a_letter_belongs_to_its_name()
  contains { { "It is C++.", "C", 0 }, { "It is C++.", "C++", 1 }, { "F#", "F", 0 },
    { "C + D", "C", 1 } }
end

function TestMetric.test_f1_of_articles_and_of_other_scripts()
  for _, case in ipairs {
    { "", "A", 0 }, { "the", "a", 0 }, { "The answer is A", "A", 0.4 }, { "A", "A", 1 },
    { "the cat", "a cat", 1 }, { "“Paris”", "Paris", 1 }, { "Paris…", "paris", 1 },
    { "Paris\u{a0}France", "Paris France", 1 }, { "答案是北京。", "北京", 4 / 7 },
    { "北京", "上海", 0 }, { "МОСКВА", "Москва", 1 }, { "-8", "8", 0 }, { "8.0", "8", 1 },
    { "1,234", "1234", 1 }, { "٨", "8", 1 }, { "state-of-the-art", "state of the art", 1 },
    { "U.S.", "US", 1 }, { "don’t", "don't", 1 }, { "nai\u{308}ve", "naïve", 1 }, { "...", "", 1 },
    { "!", "?", 0 }, { "?", "?", 1 }, { "", "?", 0 },
  } do
    lu.assertAlmostEquals(metric.f1(case[1], { answer = case[2] }), case[3], 1e-12, case[1])
  end
end

function TestMetric.test_exact_stays_exact()
  for said, right in pairs { Yes = "yes", ["“Paris”"] = "Paris", ["８"] = "8", ["3/4"] = "0.75",
    ["Paris."] = "Paris", ["caf\u{e9}"] = "cafe\u{301}", ["a  b"] = "a b" } do
    lu.assertEquals(metric.exact(said, { answer = right }), 0, said)
  end
  lu.assertEquals(metric.exact("Paris\u{a0}", { answer = "Paris" }), 1)
end

function TestMetric.test_number_by_value_in_all_writings()
  for said, right in pairs { ["\\frac{3}{4}"] = "0.75", ["1 234"] = "1234", ["–5"] = "-5",
    ["1.234,50 €"] = "1234.5", ["٤٢"] = "42", ["6/8"] = "3/4", ["½"] = ".5" } do
    lu.assertEquals(metric.number(said, { answer = right }), 1, said)
  end
  lu.assertEquals(metric.number("\\frac{3}{4}", { answer = "4" }), 0)
end

function TestMetric.test_of_a_list_of_answers_any_is_right()
  local squad = { answers = { text = { "1912", "in the year 1912" }, answer_start = { 3, 0 } } }
  lu.assertEquals(metric.exact("in the year 1912", squad), 1)
  lu.assertEquals(metric.contains("It was 1912.", squad), 1)
  lu.assertAlmostEquals(metric.f1("year 1912", squad), 4 / 5, 1e-12) -- of { in, year, 1912 }
  lu.assertEquals(metric.number("so 7", { answer = { "6", 7 } }), 1)
  lu.assertEquals(metric.exact("c", { answer = { "a", "b" } }), 0)
  lu.assertEquals(metric.exact("b", { answers = { { text = "a" }, { text = "b" } } }), 1)
  lu.assertEquals(metric.exact("", { answers = { text = {}, answer_start = {} } }), 1)
  local labelled = metric.make { metric.exact, field = "labels" }
  lu.assertEquals(labelled("b", { labels = { "a", "b" } }), 1)
  lu.assertEquals(metric.truths { answer = { "a", "b" } }, { "a", "b" })
  lu.assertEquals(metric.truth { answer = { "a", "b" } }, "a")
  helper.fails("inval", { field = "answer" }, metric.exact, "8", { answer = { a = 1 } })
end

-- Seconds of the fastest of three.
local function took(fn, ...)
  local least = math.huge
  for _ = 1, 3 do
    local started = os.clock()
    fn(...)
    least = math.min(least, os.clock() - started)
  end
  return least
end

-- Four times the text: four times the work, not sixteen.
function TestMetric.test_long_texts_take_linear_time()
  for piece, right in pairs { ["a a "] = "a a a b", xx = "x", ["서울대"] = "서울", ["-8 "] = "8" } do
    for _, name in ipairs { "contains", "f1" } do
      local row = { answer = right }
      local short = took(metric[name], piece:rep(8000), row)
      local long = took(metric[name], piece:rep(32000), row)
      lu.assertTrue(long < 9 * math.max(short, 0.003), ("%s of %s: %g s, %g s"):format(name, piece,
        short, long))
    end
  end
end

function TestMetric.test_make()
  local m = metric.make { metric.exact, extract = extract.after "Answer:", field = "label" }
  lu.assertEquals(m("Answer: 8", { label = "8", answer = "9" }), 1)
  lu.assertEquals(m("8", { label = "8" }), 0)
  local seen
  m = metric.make { function(text, row) seen = row.question; return text == row.answer end,
                    field = "label" }
  lu.assertEquals(m("x", { label = "x", question = "q" }), 1)
  lu.assertEquals(seen, "q")
  m = metric.make { function() return "good" end, name = "mine" }
  helper.fails("inval", "mine", m, "x", {})
  m = metric.make(function() return 0 / 0 end)
  helper.fails("inval", "not-a-number", m, "x", {})
end

TestStats = {}

function TestStats.test_mean_and_deviation()
  lu.assertNil(stats_math.mean {})
  lu.assertEquals(stats_math.mean { 1, 2, 3 }, 2.0)
  lu.assertEquals(stats_math.deviation { 5 }, 0.0)
  lu.assertAlmostEquals(stats_math.deviation { 1, 2, 3, 4 }, 1.2909944487358056, 1e-12)
end

local function list(n, fn)
  local values = {}
  for i = 1, n do values[i] = fn(i) end
  return values
end

function TestStats.test_bca_is_close_to_the_normal_interval_of_a_share()
  local values = list(400, function(i) return i <= 100 and 1 or 0 end)
  local low, high = stats_math.bca(values, 1)
  local half = 1.96 * math.sqrt(0.25 * 0.75 / 400)
  lu.assertAlmostEquals(low, 0.25 - half, 0.012)
  lu.assertAlmostEquals(high, 0.25 + half, 0.012)
end

function TestStats.test_bca_is_seeded_and_contains_the_mean()
  local values = list(37, function(i) return (i * 7919) % 101 / 100 end)
  local low, high = stats_math.bca(values, 5)
  local low2, high2 = stats_math.bca(values, 5)
  lu.assertEquals({ low, high }, { low2, high2 })
  local mean = stats_math.mean(values)
  lu.assertTrue(low < mean and mean < high)
  lu.assertNotEquals(low, (stats_math.bca(values, 6)))
end

-- The values were worked out apart from this code, from Wilson's formula.
function TestStats.test_interval_of_hits_and_misses()
  for _, case in ipairs { { 3, 3, 0.438503, 1 }, { 0, 3, 0, 0.561497 }, { 1, 1, 0.206549, 1 },
    { 0, 1, 0, 0.793451 }, { 98, 100, 0.929988, 0.994498 }, { 21, 100, 0.141657, 0.299800 },
    { 5, 10, 0.236593, 0.763407 }, { 1000, 1000, 0.996173, 1 } } do
    local hits, n = case[1], case[2]
    local low, high = stats_math.interval(list(n, function(i) return i <= hits and 1 or 0 end))
    lu.assertAlmostEquals(low, case[3], 1e-6)
    lu.assertAlmostEquals(high, case[4], 1e-6)
  end
end

function TestStats.test_no_interval_has_zero_width()
  for _, value in ipairs { 0, 1, 0.5, 0.25, 0.999, 1e-9 } do
    for _, n in ipairs { 1, 2, 3, value == 0.5 and 300 or 20 } do
      local low, high = stats_math.interval(list(n, function() return value end))
      lu.assertTrue(low < high, ("%s, %d"):format(value, n))
      lu.assertTrue(low >= 0 and low <= value and value <= high and high <= 1,
        ("%s, %d"):format(value, n))
      lu.assertTrue(n < 300 or high - low < 0.05)
    end
  end
end

-- Of tables, and by symmetry.
function TestStats.test_the_normal_distribution()
  for _, case in ipairs { { 0, 0.5 }, { 1, 0.841344746068543 }, { 1.959963984540054, 0.975 },
    { 3, 0.998650101968370 } } do
    lu.assertAlmostEquals(stats_math.normal_below(case[1]), case[2], 1e-14)
    lu.assertAlmostEquals(stats_math.normal_below(-case[1]), 1 - case[2], 1e-14)
    lu.assertAlmostEquals(stats_math.normal_quantile(case[2]), case[1], 1e-12)
  end
  lu.assertAlmostEquals(stats_math.normal_below(-10) / 7.61985302416052e-24, 1, 1e-7)
  lu.assertEquals(stats_math.normal_below(-50), 0.0)
end

-- By the Edgeworth expansion the middle of a good interval lies off the mean by (2z^2 + 1) / 6 of the
-- skewness; that of plain percentiles by a third of it.
function TestStats.test_bca_follows_a_lopsided_list()
  local n, middle, wide = 200, 0, 0
  local values = list(n, function(i) return -math.log(1 - (i - 0.5) / n) end)
  local mean, deviation = stats_math.mean(values), stats_math.deviation(values)
  local cubes, error_of = 0, deviation / math.sqrt(n)
  for i = 1, n do cubes = cubes + ((values[i] - mean) / deviation) ^ 3 / n end
  for seed = 1, 6 do
    local low, high = stats_math.bca(values, seed)
    middle, wide = middle + (low + high) / 2 / 6, wide + (high - low) / 6
  end
  local off = cubes / (6 * math.sqrt(n)) * (2 * 1.96 ^ 2 + 1)
  lu.assertAlmostEquals((middle - mean) / error_of, off, 0.3 * off)
  lu.assertAlmostEquals(wide / error_of, 2 * 1.96, 0.2)
  lu.assertNil(stats_math.bca { 0.5, 0.5, 0.5 })
  lu.assertNil(stats_math.bca { 0.5 })
end

-- A score of 0.9 among ones does not make the mean much surer than all ones do.
function TestStats.test_graded_scores_go_on_from_hits_and_misses()
  local low, high = stats_math.interval(list(100, function(i) return i == 1 and 0.9 or 1 end))
  local wilson = stats_math.wilson(100, 100)
  lu.assertAlmostEquals(low, wilson, 0.02)
  lu.assertTrue(high > 0.99)
  low, high = stats_math.interval(list(100, function(i) return i % 2 + (i == 1 and -0.1 or 0) end))
  local low2, high2 = stats_math.wilson(50, 100)
  lu.assertAlmostEquals(low, low2, 0.02)
  lu.assertAlmostEquals(high, high2, 0.02)
end

function TestStats.test_scores_without_bounds()
  local low, high = stats_math.interval(list(50, function(i) return i % 5 * 10 end), 1)
  lu.assertTrue(low > 14 and low < 20 and high > 20 and high < 26)
  low, high = stats_math.interval { 10, 20, 30, 50 } -- few: Student's, 3.182 standard errors
  lu.assertAlmostEquals(low, 27.5 - 3.182 * math.sqrt(875 / 3) / 2, 0.3)
  lu.assertAlmostEquals(high, 27.5 + 3.182 * math.sqrt(875 / 3) / 2, 0.3)
  low, high = stats_math.interval { 3, 5 }
  lu.assertAlmostEquals(low, 4 - 12.7062, 1e-3)
  lu.assertAlmostEquals(high, 4 + 12.7062, 1e-3)
  lu.assertNil(stats_math.interval { 37, 37, 37 })
  lu.assertNil(stats_math.interval { -1 })
  lu.assertNil(stats_math.interval {})
end

os.exit(lu.LuaUnit.run())
