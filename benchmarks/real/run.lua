-- run.lua - five small tasks on a real model: is there a gain, and how do critic and editor reply?
--
--   OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none \
--     lunagrad run benchmarks/real/run.lua -m openai/MODEL task=sentiment
--   … probe=6       single steps to look at, instead of training
--
-- Arguments: task=all (or names with commas: counting, sorting, arithmetic, sentiment, json),
-- n=12/20/40 (rows to learn from, to validate on, held out), steps=3, batch=3, seed=1, grain=edge,
-- prompts=default|textgrad|FILE.lua (which returns a set for lg.prompts.use), cap=200 (tokens of a
-- reply of critic and editor), role=told|plain, set=1|2 (of probe: which half of the rows),
-- candidates=1 (a step), mode=rewrite|edit|auto.

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path

local lg = require "lunagrad"

local operators = require "operators"
local paired = require "paired"
local tasks = require "tasks"

local args = lg.args
local ARGUMENTS = "task n steps batch seed grain prompts cap role set probe rows candidates mode "

for name in pairs(args) do
  if not ARGUMENTS:find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are %s"):format(name, ARGUMENTS), 0)
  end
end

local function number(name, default, least)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= least then return value end
  error(("%s=%s: expected a whole number of at least %d"):format(name, args[name], least), 0)
end

local function split_sizes()
  local train, val, test = (args.n or "12/20/40"):match "^(%d+)/(%d+)/(%d+)$"
  if not train then error("n=: expected three numbers such as 12/20/40", 0) end
  return { math.tointeger(train), math.tointeger(val), math.tointeger(test) }
end

local sizes, seed, cap = split_sizes(), number("seed", 1, 0), number("cap", 200, 1)
local steps, batch, shown = number("steps", 3, 0), number("batch", 3, 1), number("probe", 0, 0)
local candidates = number("candidates", 1, 1)
local backward = { reply_tokens = cap, grain = args.grain }
if args.prompts then
  lg.prompts.use(args.prompts:find "%.lua$" and dofile(args.prompts) or args.prompts)
end

local function chosen()
  local names = {}
  for name in (args.task or "all"):gmatch "[^,]+" do
    if name == "all" then return tasks.names end
    if not tasks[name] or name == "names" then error("there is no task " .. name, 0) end
    names[#names + 1] = name
  end
  return names
end

-- What a task's program is: one call, whose system prompt is improved.
local function case_of(task)
  local model = lg.model() -- what -m says, or sim
  local role = args.role == "plain" and "system prompt" or task.role
  return {
    loss = task.loss, metric = task.metric, backward = backward,
    start = function() return lg.param("Answer the question.", role) end,
    program = function(prompt, row)
      return model { row.question, system = prompt, temperature = 0, max_tokens = task.max_tokens,
        role = "answer" }
    end,
    optimizer = function(prompt)
      return lg.optim.tgd { prompt, reply_tokens = cap, candidates = candidates, mode = args.mode }
    end,
    candidates = candidates,
  }
end

local function scores_of(evaluation)
  local scores = {}
  for i, row in ipairs(evaluation.rows) do scores[i] = row.score end
  return scores
end

local function editor_malformed(result)
  local n = 0
  for _, record in ipairs(result.steps) do
    for _, entry in ipairs(record.report.params) do n = n + (entry.malformed or 0) end
  end
  return n
end

local function report(before, after, prompt, since, result)
  local rose, fell, p = paired.compare(scores_of(before), scores_of(after))
  print(result)
  print("prompt after: " .. prompt:text():gsub("\n", "\n  "))
  print(("held out: %s\n       -> %s"):format(before, after))
  print(("paired: %d rows rose, %d fell, p = %.3g (exact sign test)"):format(rose, fell, p))
  print(("malformed replies: critic %d, editor %d"):format(operators.critic_malformed(),
    editor_malformed(result)))
  print(operators.spent(since))
end

local function splits_of(name)
  local task, total = tasks[name], sizes[1] + sizes[2] + sizes[3]
  if task.most and total > task.most then
    error(("%s has %d rows, n= asks for %d"):format(name, task.most, total), 0)
  end
  return lg.data.list(task.rows(total, seed)):split { sizes[1], sizes[2], sizes[3], seed = seed }
end

-- For programs in other languages, which cannot draw the same rows.
local function print_rows(name)
  local splits, task = { splits_of(name) }, tasks[name]
  for i, split in ipairs { "train", "val", "test" } do
    for _, row in ipairs(splits[i]) do
      print(lg.json.encode { task = name, split = split, question = row.question,
        answer = row.answer, max_tokens = task.max_tokens, role = task.role })
    end
  end
end

local function run(name)
  local task = tasks[name]
  local case = case_of(task)
  local train, val, test = splits_of(name)
  local since = operators.mark()
  local prompt = case.start()
  local function program(row) return case.program(prompt, row) end
  local function held_out()
    return lg.evaluate { program, data = test, metric = task.metric, seed = seed }
  end
  print("\n== " .. name)
  local before = held_out()
  local result = lg.train { program = program, params = { prompt }, loss = task.loss,
    metric = task.metric, train = train, val = val, batch = batch, steps = steps, seed = seed,
    backward = backward, optimizer = case.optimizer(prompt) }
  report(before, held_out(), prompt, since, result)
end

local function look(name)
  local task = tasks[name]
  local rows = task.rows(task.most or 80, seed)
  local half, set = #rows // 2, number("set", 1, 1)
  print("\n== probe of " .. name .. ", set " .. set)
  require "probe" (case_of(task), table.move(rows, 1 + (set - 1) * half, set * half, 1, {}), shown)
end

local act = args.rows and print_rows or shown > 0 and look or run
for _, name in ipairs(chosen()) do act(name) end
if act == run then
  print(("\n%d held-out rows a task say little: read the direction, not the digits; a second run "
    .. "differs."):format(sizes[3]))
end
