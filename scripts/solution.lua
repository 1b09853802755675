-- solution.lua - answers to multiple choice, improved one by one while they are given.
--
-- The test-time loop of the TextGrad paper (arXiv 2406.07496, section 3.2): each question's solution
-- is a variable of its own. A critic looks for mistakes in it, the solution is written again, three
-- times, and a vote over all four decides. Nobody knows the right answers meanwhile. Beside it what
-- the same number of calls buys otherwise: plain answers and a vote over them (self-consistency), and
-- the best of several answers by a judge.
--
--   lunagrad run scripts/solution.lua                             on sim, with generated problems
--   lunagrad run scripts/solution.lua -m openai/gpt-4o            on a real model
--   lunagrad run scripts/solution.lua data=gpqa_diamond.csv       GPQA's or MMLU's file
--   lunagrad run scripts/solution.lua data=problems.json          ScienceQA's or MathVista's, with
--                                                                 the pictures beside it
--
-- Other arguments: n=120 questions, updates=3, seed=1 (which questions, and their letters' order).

local lg = require "lunagrad"

local args = lg.args

local function number(name, default, least)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= least then return value end
  error(("%s=%s: expected a whole number of at least %d"):format(name, args[name], least), 0)
end

for name in pairs(args) do
  if not ("data n updates seed "):find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are data, n, updates and seed"):format(name), 0)
  end
end
local n, updates, seed = number("n", 120, 2), number("updates", 3, 1), number("seed", 1, 0)

-- ---- questions ---------------------------------------------------------------------

-- GPQA's CSV names its columns, MMLU's does not; of the two in JSON only MathVista speaks of types.
local function read(path)
  local file, problem = io.open(path, "rb")
  if not file then error(problem, 0) end
  local first = file:read(4096) or ""
  file:close()
  if first:find "^%s*{" then
    if not first:find('"question_type"', 1, true) then return lg.task.scienceqa(path) end
    return lg.task.mathvista(path):filter(function(row) return row.options ~= nil end)
  end
  return first:find("Correct Answer", 1, true) and lg.task.gpqa(path) or lg.task.mmlu(path)
end

local all = args.data and read(args.data) or lg.data.list(lg.task.word_choice.generate(n, seed))
n = math.min(n, #all)
local rows = lg.task.multiple_choice(all:split { n, seed = seed }, { seed = seed })

-- ---- who answers, who criticises -------------------------------------------------------

lg.default { model = "sim/scholar" } -- what -m says comes before it
local model = lg.model()

local TEMPLATE = "Answer the following multiple choice question. The last line of your answer is "
  .. "\"Answer: LETTER\", where LETTER is one of the letters of the options. Think step by step."

local critic = lg.loss.critic("Below are a multiple choice question and a solution to it. Look "
  .. "for mistakes: does it misread the question, pass over a fact, calculate wrongly, or choose a "
  .. "letter that does not fit what it says? Check each step. Do not solve the question yourself; "
  .. "say what is wrong, or that you find no mistake.")

local function answer(row)
  local asked = row.picture and { row.question, lg.image(row.picture) } or { row.question }
  asked.system, asked.role = TEMPLATE, "solution to the question"
  return model(asked)
end

-- How good a judge thinks an answer is, from 0 to 1.
local function judged(row, text)
  local judge = lg.loss.judge { "Is the solution right? Check each step.",
    fields = row.picture and { "question", "picture", "solution" } or { "question", "solution" } }
  return judge { question = row.question, solution = text,
    picture = row.picture and lg.image(row.picture) or nil }
end

local function letter_of(row)
  local letters = {}
  for i = 1, #row.options do letters[i] = string.char(64 + i) end
  return lg.extract.choice(letters)
end

-- All versions of one question's solution, the first answer first.
local function versions(row)
  local list = { answer(row):text() }
  local solution = lg.param(list[1], "solution to the question")
  local read_letter = letter_of(row)
  local form = lg.constraint.new("The last line is \"Answer: LETTER\", with a letter of the "
    .. "options.", function(text) return read_letter(text) ~= nil end)
  local optimizer = lg.optim.tgd { solution, constraints = { form } }
  local beside = { question = row.question, picture = row.picture and lg.image(row.picture) }
  for i = 1, updates do
    optimizer:zero_grad()
    critic(solution, beside):backward()
    optimizer:step()
    list[i + 1] = solution:text()
  end
  return list
end

-- ---- all questions at once ---------------------------------------------------------------

-- What was asked: bought, shared with an equal question, or known from an earlier start.
local function calls()
  local stats = lg.stats()
  return stats.calls + stats.shared + (stats.served or 0)
end

local samples = 1 + 3 * updates -- an answer; critic, feedback and editor for each update
local at = calls()
local improved = lg.map(rows, versions, { concurrency = #rows })
local spent = calls() - at
at = calls()
local voted = lg.map(rows, function(row)
  return lg.vote { answer, row, n = samples, extract = letter_of(row) }:text()
end, { concurrency = #rows })
local spent_on_votes = calls() - at
at = calls()
local half = math.max(1, samples // 2) -- an answer and a judgement each
local chosen = lg.map(rows, function(row)
  return lg.best_of { answer, row, n = half,
    score = function(text) return judged(row, text) end }:text()
end, { concurrency = #rows })
local spent_on_best = calls() - at

-- ---- what it came to ---------------------------------------------------------------------

local place = {}
for i, row in ipairs(rows) do place[row] = i end

local function version(k)
  return function(row) return improved[place[row]][k] end
end
local function vote_over_all(row)
  return (lg.vote { outputs = improved[place[row]], extract = letter_of(row), ties = "last" })
end
local function self_consistency(row) return voted[place[row]] end
local function best_of_some(row) return chosen[place[row]] end

local function show(what, program, cost)
  print(("%-34s %s  %s"):format(what, lg.evaluate { program, data = rows,
    metric = lg.metric.choice }, cost or ""))
end

print(("%d questions, %d updates of each solution"):format(#rows, updates))
show("one answer, step by step", version(1), "1 call")
for k = 1, updates do show(("after update %d"):format(k), version(k + 1)) end
show("vote over all versions", vote_over_all, ("%.1f calls"):format(spent / #rows))
show("vote over " .. samples .. " answers", self_consistency,
  ("%.1f calls"):format(spent_on_votes / #rows))
show("best of " .. half .. " answers, by a judge", best_of_some,
  ("%.1f calls"):format(spent_on_best / #rows))

local function claim(title, a, b)
  print("\n" .. title)
  print(lg.compare { a, b, data = rows, metric = lg.metric.choice })
end
claim("a: one answer, b: vote over all versions", version(1), vote_over_all)
claim("a: vote over answers, b: vote over all versions", self_consistency, vote_over_all)
claim("a: best by a judge, b: vote over all versions", best_of_some, vote_over_all)
