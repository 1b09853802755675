-- test_tasks.lua - loaders of published data sets, options in drawn order, generated stand-ins

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"

local task = lg.task
local FILES = "tests/data/tasks/"

-- A file with this text; its name.
local function file(text, suffix) return command.write(text, suffix) end

-- Reading fails with the file, the line and the words.
local function breaks(read, path, line, words)
  local problem = helper.fails("parse", nil, read, path)
  lu.assertStrContains(problem.message, ("%s:%d: "):format(path, line))
  lu.assertStrContains(problem.message, words)
end

TestGsm8k = { tearDown = command.remove_files }

function TestGsm8k.test_rows()
  local rows = task.gsm8k(FILES .. "gsm8k.jsonl")
  lu.assertTrue(lg.data.list(rows) == rows)
  lu.assertEquals(#rows, 3)
  lu.assertEquals({ rows[1].answer, rows[2].answer, rows[3].answer }, { "24", "2600", "-2" })
  lu.assertEquals(rows[1].steps, "The boxes hold 2*6=12 eggs.\nIn all 12+12=24.")
  lu.assertEquals({ rows[2].id, rows[2].question },
    { "2", "A farm sells 1,300 melons at $2. How much is that?" })
  lu.assertEquals(lg.metric.number("So she gets $2,600.00", rows[2]), 1)
  helper.fails("inval", { field = "anwser" }, function() return rows[1].anwser end)
end

function TestGsm8k.test_bad_rows()
  breaks(task.gsm8k, FILES .. "gsm8k_broken.jsonl", 3, "####")
  breaks(task.gsm8k, file('{"question": "q"}', ".jsonl"), 1, '"answer"')
  breaks(task.gsm8k, file('\n{"question": " ", "answer": "#### 1"}', ".jsonl"), 2, "blank")
  breaks(task.gsm8k, file('{"question": [1], "answer": "#### 1"}', ".jsonl"), 1, '"question"')
  breaks(task.gsm8k, file('[{"question": "q", "answer": "#### 1"}, {"question": "q"}]', ".json"), 1,
    "item 2")
  helper.fails("notfound", nil, task.gsm8k, "no/such/file")
  helper.fails("inval", { field = "path" }, task.gsm8k, 5)
end

local function numbers(n)
  local rows = {}
  for i = 1, n do rows[i] = { id = i } end
  return lg.data.list(rows)
end

-- The places are those of Python's random.Random(0).shuffle.
function TestGsm8k.test_dspys_split()
  local train, val, test = task.gsm8k_split { train = numbers(7473), test = numbers(1319) }
  lu.assertEquals({ #train, #val, #test }, { 200, 300, 1319 })
  lu.assertEquals({ train[1].id, train[2].id, train[3].id, train[8].id },
    { 4531, 6018, 4121, 3844 })
  lu.assertEquals({ test[1].id, test[8].id, test[1317].id, test[1319].id }, { 1102, 481, 83, 789 })
  lu.assertEquals({ train[200].id, val[1].id, val[300].id }, { 842, 1873, 4317 })
  local _, _, none = task.gsm8k_split { train = numbers(7473) }
  lu.assertNil(none)
  helper.fails("inval", { field = "train" }, task.gsm8k_split, { train = numbers(500) })
  helper.fails("inval", { field = "test" }, task.gsm8k_split,
    { train = numbers(7473), test = numbers(2) })
  helper.fails("inval", { field = "train" }, task.gsm8k_split, {})
end

function TestGsm8k.test_the_published_file_when_it_is_here()
  local folder = os.getenv "LUNAGRAD_DATA"
  if not folder then lu.skip "LUNAGRAD_DATA is not set" end
  local rows = task.gsm8k(folder .. "/gsm8k/train500.jsonl")
  lu.assertEquals({ #rows, rows[1].answer, rows[3].answer }, { 500, "72", "5" })
  for _, row in ipairs(rows) do
    lu.assertNil(row.steps:find("<<", 1, true), row.id)
    lu.assertEquals(lg.metric.number("#### " .. row.answer, row), 1)
  end
  local train, val = rows:split { 50, 100, seed = 1 }
  lu.assertEquals({ #train, #val }, { 50, 100 })
end

TestChoice = { tearDown = command.remove_files }

function TestChoice.test_mmlu()
  local rows = task.mmlu(FILES .. "mmlu.csv")
  lu.assertEquals(#rows, 3)
  lu.assertEquals({ rows[1].options, rows[1].right, rows[1].answer, rows[1].id },
    { { "21", "27", "29", "33" }, 3, "C", "1" })
  lu.assertEquals(rows[2].options[1], 'He said "no".')
  lu.assertEquals(rows[3].question, "A question\nover two lines")
  breaks(task.mmlu, FILES .. "mmlu_broken.csv", 3, "A, B, C or D")
  breaks(task.mmlu, file("q,a,b,c,A\n", ".csv"), 1, "expected 6")
  breaks(task.mmlu, file("q,a,b,c, ,A\n", ".csv"), 1, '"D"')
  lu.assertEquals(#task.mmlu(file("question,A,B,C,D,answer\nq,a,b,c,d,b\n", ".csv")), 1)
end

function TestChoice.test_gpqa()
  local rows = task.gpqa(FILES .. "gpqa.csv")
  lu.assertEquals({ rows[1].question, rows[1].options, rows[1].right, rows[1].answer, rows[1].id },
    { "Which unit has force?", { "newton", "joule", "watt", "pascal" }, 1, "A", "rec1" })
  lu.assertEquals({ rows[2].domain, rows[2].subdomain, rows[2].explanation },
    { "Chemistry", "General Chemistry", "It is the second." })
  breaks(task.gpqa, file("Question,Correct Answer\nq,a\n", ".csv"), 2, "Incorrect Answer 1")
end

local function items(n)
  local rows = {}
  for i = 1, n do
    rows[i] = { question = "What is " .. i .. "?", options = { "p", "q", "r", "s" }, right = 2,
      subject = "letters" }
  end
  return rows
end

function TestChoice.test_what_is_asked()
  local rows = task.multiple_choice(items(1), { permute = false })
  lu.assertEquals(rows[1].question, "What is 1?\n\nA) p\nB) q\nC) r\nD) s")
  lu.assertEquals({ rows[1].answer, rows[1].right, rows[1].asked, rows[1].subject },
    { "B", 2, "What is 1?", "letters" })
end

function TestChoice.test_the_right_letter_moves_with_its_option()
  local given, counts, changed = items(400), { A = 0, B = 0, C = 0, D = 0 }, 0
  local rows = task.multiple_choice(given, { seed = 3 })
  for _, row in ipairs(rows) do
    lu.assertEquals(row.options[row.right], "q")
    lu.assertStrContains(row.question, row.answer .. ") q")
    counts[row.answer] = counts[row.answer] + 1
    changed = changed + (table.concat(row.options) ~= "pqrs" and 1 or 0)
  end
  for letter, n in pairs(counts) do lu.assertTrue(n > 70 and n < 130, letter .. ": " .. n) end
  lu.assertTrue(changed > 360)
  lu.assertEquals(given, items(400)) -- what was given is as it was
end

function TestChoice.test_the_order_is_the_items_and_the_seeds()
  local all = task.multiple_choice(items(50), { seed = 1 })
  local some = task.multiple_choice(lg.data.list(items(50)):slice(31, 40), { seed = 1 })
  for i = 1, 10 do lu.assertEquals(some[i].question, all[30 + i].question) end
  local other = task.multiple_choice(items(50), { seed = 2 })
  local differ = 0
  for i = 1, 50 do differ = differ + (all[i].question ~= other[i].question and 1 or 0) end
  lu.assertTrue(differ > 35)
  lu.assertEquals(task.multiple_choice(items(9))[9],
    task.multiple_choice(items(9), { seed = 0 })[9])
end

-- An option that speaks of others keeps its sense.
function TestChoice.test_options_about_options()
  local function orders(options)
    local seen, last = {}, {}
    for i = 1, 60 do
      local row = task.multiple_choice { { question = "q" .. i, options = options, right = 1 } }[1]
      seen[table.concat(row.options, "|")] = true
      last[row.options[#options]] = true
    end
    local n, ends = 0, 0
    for _ in pairs(seen) do n = n + 1 end
    for _ in pairs(last) do ends = ends + 1 end
    return n, ends
  end
  lu.assertEquals({ orders { "x", "y", "z", "All of the above." } }, { 6, 1 })
  lu.assertEquals({ orders { "x", "y", "z", "none of these" } }, { 6, 1 })
  for _, option in ipairs { "Both A and B", "A and C", "(A) and (B)", "A, B, and C", "Only B",
    "Neither A nor B" } do
    lu.assertEquals({ orders { "x", "y", option, "z" } }, { 1, 1 }, option)
  end
  lu.assertEquals({ orders { "x", "none of the above", "y", "z" } }, { 1, 1 })
  for _, option in ipairs { "E and F", "Vitamins A and C", "above the sea" } do
    lu.assertEquals(orders { "x", "y", option, "z" }, 24, option)
  end
end

function TestChoice.test_who_says_what_is_right()
  local function answer(row)
    row.question = "q"
    return task.multiple_choice({ row }, { permute = false })[1].answer
  end
  lu.assertEquals(answer { options = { "x", "y" }, answer = "B" }, "B")
  lu.assertEquals(answer { options = { "x", "y" }, answer = "x" }, "A")
  lu.assertEquals(answer { options = { "B", "A" }, answer = "A" }, "B") -- the text, not the letter
  for _, row in ipairs { { options = { "x", "y" } }, { options = { "x", "y" }, right = 3 },
    { options = { "x", "y" }, answer = "C" }, { options = { "x" }, right = 1 }, { right = 1 },
    { options = { "x", 5 }, right = 1 } } do
    helper.fails("inval", "row 1", answer, row)
  end
  helper.fails("inval", "row 2", task.multiple_choice, { items(1)[1], { options = { "x", "y" } } })
  helper.fails("inval", { field = "sed" }, task.multiple_choice, items(1), { sed = 1 })
end

function TestChoice.test_metric()
  local row = { answer = "C", options = { "w", "x", "y", "z" } }
  for reply, score in pairs { ["so the answer is (C)"] = 1, ["I think:\n**C**"] = 1, ["C."] = 1,
    ["Answer: C) y"] = 1, ["First Answer: B, but no.\nAnswer: C"] = 1, ["Answer: B"] = 0,
    ["C or B"] = 0, ["no idea"] = 0, [""] = 0 } do
    lu.assertEquals(lg.metric.choice(reply, row), score, reply)
  end
  lu.assertEquals(lg.metric.choice("Answer: E", { answer = "E" }), 0) -- A to D where none are listed
  lu.assertEquals(lg.metric.choice("Answer: E",
    { answer = "E", options = { "1", "2", "3", "4", "5" } }), 1)
end

TestPrograms = { tearDown = command.remove_files }

function TestPrograms.test_humaneval()
  local row = task.programs(FILES .. "humaneval.jsonl")[1]
  lu.assertEquals({ row.id, row.form, row.entry_point }, { "Own/0", "humaneval", "add" })
  lu.assertEquals(row.answer, row.question .. "    return a + b\n")
  lu.assertEquals(row.tests,
    "def check(candidate):\n    assert candidate(1, 2) == 3\n\n\ncheck(add)\n")
end

function TestPrograms.test_mbpp()
  local rows = task.programs(FILES .. "mbpp.jsonl")
  lu.assertEquals({ rows[1].id, rows[1].form, rows[1].entry_point, rows[1].challenge_tests },
    { "2", "mbpp", "common", "assert common((), ()) == ()" })
  lu.assertEquals(rows[1].tests, "assert set(common((3, 4), (4, 5))) == set((4,))\n"
    .. "assert common((1,), (2,)) == ()\n")
  lu.assertEquals({ rows[2].entry_point, rows[2].tests },
    { "area", "import math\nassert math.isclose(area(1), math.pi)\n" })
end

function TestPrograms.test_leetcode()
  local rows = task.programs(FILES .. "leetcode.jsonl")
  lu.assertEquals({ rows[1].id, rows[1].form, rows[1].entry_point },
    { "two-numbers", "leetcode", "Solution().larger" })
  lu.assertStrContains(rows[1].question, "class Solution:")
  lu.assertStrContains(rows[1].tests, "\ncheck(Solution().larger)\n")
  lu.assertEquals({ rows[2].id, rows[2].tests },
    { "7", "assert twice(2) == 4\nassert twice(0) == 0" })
  lu.assertNil(lg.data.get(rows[2], "answer"))
end

-- The published programs pass the tests that stand behind them, and others do not.
function TestPrograms.test_the_tests_judge()
  if command.shell "python3 -c 1".code ~= 0 then lu.skip "no python3 here" end
  for _, name in ipairs { "humaneval", "mbpp", "leetcode" } do
    local row = task.programs(FILES .. name .. ".jsonl")[1]
    local good = file(row.answer .. "\n" .. row.tests, ".py")
    lu.assertEquals(command.shell("python3 " .. good).code, 0, name)
    local wrong = row.answer:gsub("return a %+ b", "return a"):gsub(" & ", " | "):gsub("max", "min")
    local bad = file(wrong .. "\n" .. row.tests, ".py")
    lu.assertNotEquals(command.shell("python3 " .. bad).code, 0, name)
  end
end

function TestPrograms.test_bad_rows()
  breaks(task.programs, file('{"prompt": "p", "test": "t"}', ".jsonl"), 1, '"entry_point"')
  breaks(task.programs, file('{"prompt": "p", "entry_point": "f"}', ".jsonl"), 1, '"test"')
  breaks(task.programs, file('{"text": "p", "code": "def f(): 1", "test_list": []}', ".jsonl"), 1,
    "empty")
  breaks(task.programs, file('{"text": "p", "code": "def f(): 1", "test_list": ["assert g()"]}',
    ".jsonl"), 1, "no test calls")
  breaks(task.programs, file('{"prompt": "p", "entry_point": "f", "tests": [1]}', ".jsonl"), 1,
    '"tests"')
end

TestMade = {}

-- The steps of a story are sums that are right, and the last one is the answer.
function TestMade.test_word_problems()
  local rows = task.word_problems.generate(500, 2)
  for _, row in ipairs(rows) do
    for sum, result in row.steps:gmatch "(%d+ [-+*/] %d+) = (%d+)" do
      lu.assertEquals(load("return " .. sum)(), tonumber(result) + 0.0, row.steps)
    end
    lu.assertStrMatches(row.question, ".*%?")
    lu.assertTrue(math.tointeger(tonumber(row.answer)) > 0)
    lu.assertStrContains(row.steps, row.answer, false, row.question)
    lu.assertEquals(lg.extract.last_number(row.steps:match "([^\n]*)$":gsub(" each are.*", "")
      :gsub("^Half of %d+", "")), row.answer, row.steps)
  end
end

function TestMade.test_number_choice()
  local rows = task.number_choice.generate(500, 2)
  local operators = { ["times"] = "*", ["percent of"] = "/ 100 *" }
  for _, row in ipairs(rows) do
    lu.assertEquals({ #row.options, row.right, row.answer }, { 4, 1, "A" })
    local seen = {}
    for _, option in ipairs(row.options) do
      lu.assertNil(seen[option], row.question)
      seen[option] = true
    end
    local sum = row.question:match "^What is ([%d%s+*-]+)%?$"
    for word, sign in pairs(operators) do
      sum = sum or row.question:find(word, 1, true)
        and row.question:match "What is (.*)%?":gsub(word, sign)
    end
    local a, b = row.question:match "when (%d+) is divided by (%d+)"
    local right = load("return " .. (sum or a .. " % " .. b))()
    lu.assertAlmostEquals(tonumber(row.options[1]), right, 1e-9, row.question)
  end
  for _, row in ipairs(task.multiple_choice(rows)) do
    lu.assertEquals(lg.metric.choice("Answer: " .. row.answer, row), 1)
  end
end

function TestMade.test_seeds()
  for _, name in ipairs { "word_problems", "number_choice" } do
    local generate, seen = task[name].generate, {}
    lu.assertEquals(generate(20, 5), generate(20, 5))
    lu.assertEquals(generate(10, 5), table.move(generate(20, 5), 1, 10, 1, {}))
    lu.assertNotEquals(generate(20, 5), generate(20, 6))
    lu.assertEquals(generate(3), generate(3, 1))
    for _, row in ipairs(generate(10000, 1)) do
      lu.assertNil(seen[row.question])
      seen[row.question] = true
    end
    for _, n in ipairs { -1, 10001, 1.5 } do helper.fails("inval", nil, generate, n) end
  end
end

os.exit(lu.LuaUnit.run(), true)
