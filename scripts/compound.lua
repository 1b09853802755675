-- compound.lua - a system of several calls, all of its prompts optimised at once.
--
-- A planner says what to look up, a retriever is asked with queries that another prompt writes, and a
-- solver answers from what was found, for each step of the plan (the idea of Chameleon, which the
-- TextGrad paper's journal version optimises). Questions are two look-ups away from their answer.
-- A prompt alone does little here: what the others spoil hides what it is worth. So all three are
-- trained together, and beside it one after the other, with as many calls.
--
--   lunagrad run scripts/compound.lua                            on sim, with made-up documents
--   lunagrad run scripts/compound.lua -m openai/gpt-4o-mini      on a real model
--   lunagrad run scripts/compound.lua data=rows.jsonl docs=docs.jsonl     your own: rows with
--       question and answer, documents with id and text
--
-- Other arguments: calls=1200 for each way, batch=4, seed=1.

local lg = require "lunagrad"

local args = lg.args

local function number(name, default, least)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= least then return value end
  error(("%s=%s: expected a whole number of at least %d"):format(name, args[name], least), 0)
end

for name in pairs(args) do
  if not ("data docs calls batch seed "):find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are data, docs, calls, batch and seed"):format(name), 0)
  end
end
if (args.data == nil) ~= (args.docs == nil) then
  error("data= and docs= go together: questions, and the documents that hold the answers", 0)
end
local calls, batch, seed = number("calls", 1200, 1), number("batch", 4, 1), number("seed", 1, 0)

local rows, docs
if args.data then
  rows, docs = lg.data.jsonl(args.data), lg.data.jsonl(args.docs)
else
  rows, docs = lg.task.lookups.generate(130, seed)
  rows = lg.data.list(rows)
end
local train, val, test = rows:split { 0.25, 0.3, 0.45, seed = seed }

lg.default { model = "sim/scholar" } -- what -m says comes before it
local model = lg.model()

-- ---- the system ----------------------------------------------------------------------

local planner = lg.param("Plan how to answer the question: write what is to be looked up.",
  "prompt that plans what to look up")
local searcher = lg.param("Write a search query for the question.",
  "prompt that writes search queries")
local solver = lg.param("Answer the question from the documents.",
  "prompt that answers from documents")

local find = lg.retriever { docs = docs, k = 2 }

-- One line of the plan, with "#1" filled in by what the line before it came to.
local line = lg.tool { name = "step of the plan", inputs = { "plan", "number", "known" },
  purpose = "takes one line of a plan, and puts what is known already in the place of #1",
  run = function(plan, k, known)
    local lines = {}
    for said in plan:gmatch "[^\n]+" do
      lines[#lines + 1] = said:match "^%s*%d+[%.%)]%s*(.-)%s*$" or said:match "^%s*(.-)%s*$"
    end
    return ((lines[tonumber(k)] or ""):gsub("#1", (known:gsub("%%", "%%%%"))))
  end,
  backward = function(ctx) return { plan = ctx.feedback } end }

local function look_up(question)
  local query = model { question, system = searcher, role = "search query" }
  return model { lg.format("{docs}\n\nQuestion: {question}", { docs = find(query),
    question = question }), system = solver, role = "answer to the question" }
end

local MOST = 3 -- steps of a plan
local VOTES = 5 -- answers of the system as it was, for the vote beside it

local function program(row)
  local plan = model { row.question, system = planner, role = "plan" }
  local _, steps = plan:text():gsub("[^\n]+", "")
  local known = look_up(line(plan, "1", ""))
  for k = 2, math.min(steps, MOST) do known = look_up(line(plan, tostring(k), known)) end
  return known
end

local exact = lg.loss.exact {}

local function loss(answer, row) return exact(answer, row.answer) end

-- ---- both ways -------------------------------------------------------------------------

local prompts = { planner, searcher, solver }
local first = {}
for i, prompt in ipairs(prompts) do first[i] = prompt:text() end

-- A search over these prompts, by feedback that goes backward through the whole system.
local function search(params, budget)
  return lg.optimize { program = program, params = params, loss = loss, metric = lg.metric.f1,
    train = train, val = val, operators = { "gradient" }, batch = batch, seed = seed,
    budget = { calls = budget }, headroom = false }
end

local function texts()
  local list = {}
  for _, prompt in ipairs(prompts) do list[prompt] = prompt:text() end
  return list
end

local function reset()
  for i, prompt in ipairs(prompts) do prompt:set(first[i]) end
end

print(("%d documents; %d questions to learn from, %d to validate on, %d to test"):format(#docs,
  #train, #val, #test))
local result = search(prompts, calls)
local together = texts()
print(("all at once: %d proposals, %d kept, %d calls"):format(#result.proposals, result.kept,
  result.spent.calls))
reset()

local spent = 0
for i, prompt in ipairs(prompts) do
  result = search({ prompt }, (calls - spent) // (#prompts - i + 1))
  spent = spent + result.spent.calls
  print(("%s alone: %d proposals, %d kept, %d calls"):format(prompt.role, #result.proposals,
    result.kept, result.spent.calls))
end
local in_turn = texts()
reset()

for i, prompt in ipairs(prompts) do
  print(("\n%s\n  before   %s\n  at once  %s\n  in turn  %s"):format(prompt.role, first[i],
    together[prompt], in_turn[prompt]))
end

local function voting(row)
  return (lg.vote { program, row, n = VOTES, extract = lg.extract.whole })
end
print(("\nexact answers before, a vote over %d: %s"):format(VOTES,
  lg.evaluate { voting, data = test, metric = lg.metric.exact }))

local function claim(title, a, b, metric)
  print("\n" .. title)
  print(lg.compare { program = program, a = a, b = b, data = test, metric = metric })
end
claim("exact answers, a: before, b: all at once", {}, together, lg.metric.exact)
claim("exact answers, a: one after the other, b: all at once", in_turn, together, lg.metric.exact)
