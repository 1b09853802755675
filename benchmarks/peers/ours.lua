-- ours.lua - this engine's row: lg.train, or lg.optimize where there is one, on the peers' rows.
--
--   lunagrad run benchmarks/peers/ours.lua mode=train rows=FILE model=NAME state=DIR method=train
--   lunagrad run benchmarks/peers/ours.lua mode=test  rows=FILE model=NAME state=DIR which=seed
--
-- run.py calls it, with the server's address in OPENAI_BASE_URL, the store in LUNAGRAD_HOME and the
-- budget as --max-calls. 18 steps at most: more than the budget has room for. Temperature 0 for all
-- roles.

local lg = require "lunagrad"

local args = lg.args
local SEED_PROMPT = "Answer the question."

local rows = { train = {}, val = {}, test = {} }
for _, row in ipairs(lg.data.jsonl(args.rows)) do
  local list = rows[row.split]
  list[#list + 1] = row
end

local model = lg.model { "openai/" .. args.model, temperature = 0 }
lg.default { model = model }

local prompt = lg.param(SEED_PROMPT, "system prompt for counting questions")
local function program(row)
  return model { row.question, system = prompt, role = "answer to the question" }
end
local exact = lg.loss.exact { extract = lg.extract.last_number }
local function loss(answer, row) return exact(answer, row.answer) end

local METHODS = {}

function METHODS.train()
  lg.train {
    program = program, params = { prompt }, loss = loss, metric = lg.metric.number,
    train = rows.train, val = rows.val, batch = 3, steps = 18, seed = tonumber(args.seed),
    concurrency = tonumber(args.workers),
  }
end

function METHODS.optimize()
  if not lg.optimize then error("this build has no lg.optimize", 0) end
  lg.optimize {
    program = program, params = { prompt }, loss = loss, metric = lg.metric.number,
    train = rows.train, val = rows.val, seed = tonumber(args.seed),
    budget = { calls = tonumber(args.budget) }, method = args.search,
  }
end

local function write(text)
  local file = assert(io.open(args.state .. "/prompt.txt", "w"))
  file:write(text)
  file:close()
end

local function read()
  local file = assert(io.open(args.state .. "/prompt.txt"))
  local text = file:read "a"
  file:close()
  return text
end

if args.mode == "train" then
  -- A budget that is used up ends a training with an error; the best texts stay in the parameter.
  local ok, problem = pcall(METHODS[args.method or "train"])
  write(prompt:text())
  if not ok and not tostring(problem):find "limit" then error(problem, 0) end
else
  if args.which == "result" then prompt:set(read()) end
  local scored = lg.evaluate { program, data = rows.test, metric = lg.metric.number }
  local right = {}
  for i, row in ipairs(scored.rows) do right[i] = ("%d"):format(row.score) end
  print(('{"right": [%s]}'):format(table.concat(right, ", ")))
end
