--- against_train.lua - lg.optimize beside lg.train, at equal calls, on programs with one prompt, with a
--- search in documents, and with three prompts.
--
-- Usage: build/lunagrad run benchmarks/search/against_train.lua [program=prompt|rag|three]
--          [calls=700] [seeds=10] [from=1] [only=train|finished|optimize] [select=NAME]
--          [method=NAME] [-m MODEL] --no-store
--
-- "train" may begin nothing when as many calls are spent (programs, critics, editors; validation
-- included); "finished" may end the step that is under way then. Scores are of test rows that none
-- has seen. Prints a line a seed with the claim of the search, means with standard errors, and the
-- paired differences.

local lg = require "lunagrad"
local stats_math = require "lunagrad.stats_math"

local args = lg.args
local which = args.program or "prompt"
local CALLS, SEEDS = math.tointeger(tonumber(args.calls or 700)),
  math.tointeger(tonumber(args.seeds or 10))
local FROM = math.tointeger(tonumber(args.from or 1))
local model = lg.model()

-- ---- programs --------------------------------------------------------------------

local last_number = lg.extract.last_number
local exact = lg.loss.exact { extract = last_number }

local function counting_rows(n, seed)
  return lg.data.list(lg.task.object_counting.generate(n, seed))
end

local programs = {}

function programs.prompt(seed)
  local prompt = lg.param("Answer the question.", "system prompt for counting questions")
  local train, val, test = counting_rows(250, seed):split { 50, 100, 100, seed = seed }
  return { params = { prompt }, train = train, val = val, test = test,
    program = function(row)
      return model { row.question, system = prompt, role = "answer to the question" }
    end,
    metric = lg.metric.number,
    loss = function(answer, row) return exact(answer, row.answer) end }
end

-- Each kind of question has a prompt of its own.
function programs.three(seed)
  local kinds, params, by_kind = { "fruits", "animals", "objects", "vegetables" }, {}, {}
  for i, kind in ipairs { "fruits", "animals", "objects" } do
    params[i] = lg.param("Answer the question.", "system prompt for counting questions, of "
      .. kind)
    by_kind[kind] = params[i]
  end
  by_kind[kinds[4]] = by_kind.fruits
  local rows = {}
  for _, row in ipairs(counting_rows(500, seed)) do
    local kind = row.question:match "How many (%a+)"
    if by_kind[kind] then
      row.kind = kind
      rows[#rows + 1] = row
    end
  end
  local train, val, test = lg.data.list(rows):split { 50, 100, 100, seed = seed }
  return { params = params, train = train, val = val, test = test,
    program = function(row)
      return model { row.question, system = by_kind[row.kind], role = "answer to the question" }
    end,
    metric = lg.metric.number,
    loss = function(answer, row) return exact(answer, row.answer) end }
end

local PLACES = { "Lenn", "Karo", "Oster", "Sill", "Hook", "Marn", "Tove", "Brisk", "Quill",
  "Ondal" }
local THINGS = { "bridge", "mill", "school", "library", "lighthouse", "harbour", "railway",
  "museum" }
local POLITE = { "Please could you tell me", "I would like to know", "Would you know, please,",
  "I wonder, could you tell us" }

function programs.rag(seed)
  local docs, rows, random = {}, {}, lg.rng.new(seed)
  for _, place in ipairs(PLACES) do
    for _, thing in ipairs(THINGS) do
      local year = tostring(1800 + random:int(1, 199))
      docs[#docs + 1] = { id = place .. thing,
        text = ("The %s of %s was finished in %s."):format(thing, place, year) }
      rows[#rows + 1] = { answer = year, question = ("%s in which year they would have finished "
        .. "the %s of %s?"):format(random:pick(POLITE), thing, place) }
    end
    docs[#docs + 1] = { id = place, text = ("Please would you know, could you tell us who would "
      .. "like to know, in which year they have been, all of it, near %s?"):format(place) }
  end
  local train, val, test = lg.data.list(rows):split { 20, 30, 30, seed = seed }
  local prompt = lg.param("Write a search query for the question.",
    "system prompt that writes search queries")
  local find = lg.retriever { docs = docs, k = 1 }
  local holds = lg.tool { name = "check", inputs = { "answer", "right" }, target = 1,
    purpose = "looks whether the answer holds the right one",
    run = function(answer, right)
      local score = lg.metric.contains(answer, { answer = right })
      return score == 1 and "It is there." or "It is not there.", score
    end,
    backward = function(ctx)
      return { answer = ("The answer should hold %q, and does not."):format(ctx.inputs.right) }
    end }
  return { params = { prompt }, train = train, val = val, test = test, metric = lg.metric.contains,
    program = function(row)
      local query = model { row.question, system = prompt, role = "search query" }
      return model { lg.format("{docs}\n\nQuestion: {question}", { docs = find(query),
        question = row.question }), system = "Answer from the documents, in one sentence.",
        role = "answer to the question" }
    end,
    loss = function(answer, row) return holds(answer, row.answer) end }
end

-- ---- both ------------------------------------------------------------------------

local function spent()
  local s = lg.stats()
  return s.calls + s.served + s.shared
end

local function test_score(one)
  return lg.evaluate { one.program, data = one.test, metric = one.metric }.mean
end

-- Nothing is begun when the calls are spent; what was begun is finished, and the parameters hold
-- the best texts by then. `finish`: the step that is under way is finished first, and overdraws.
local function by_train(seed, finish)
  local one, from = programs[which](seed), spent()
  local function check()
    if spent() - from >= CALLS then error "enough" end
  end
  local ok, problem = pcall(lg.train, { params = one.params, train = one.train, val = one.val,
    metric = one.metric, loss = one.loss, steps = 1000, seed = seed, on_step = check,
    program = function(row)
      if not finish then check() end
      return one.program(row)
    end })
  if not ok and not tostring(problem):find "enough" then error(problem, 0) end
  local calls = spent() - from
  return { score = test_score(one), calls = calls }
end

local function by_search(seed)
  local one = programs[which](seed)
  local spec = { program = one.program, params = one.params, train = one.train, val = one.val,
    test = one.test, metric = one.metric, loss = one.loss, seed = seed,
    budget = { calls = CALLS }, select = args.select, method = args.method }
  local result = lg.optimize(spec)
  local beside = result.spent.beside or { calls = 0 }
  return { score = test_score(one), calls = result.spent.calls + beside.calls,
    claim = result.claim, stopped = result.stopped, validated = result.best_score,
    proposals = #result.proposals }
end

local WAYS = args.only and { args.only } or { "train", "finished", "optimize" }

local function column(list, key)
  local values = {}
  for i, one in ipairs(list) do values[i] = one[key] end
  return values
end

local function sum_up(list, name)
  local scores = column(list, "score")
  local text = ("%-9s %.3f +- %.3f  %4.0f calls"):format(name, stats_math.mean(scores),
    stats_math.deviation(scores) / math.sqrt(#scores), stats_math.mean(column(list, "calls")))
  if not list[1].validated then return text end
  return ("%s, %.0f proposals, validation said %.3f"):format(text,
    stats_math.mean(column(list, "proposals")), stats_math.mean(column(list, "validated")))
end

local function paired(name, a, b)
  local list = {}
  for i, one in ipairs(a) do list[i] = one.score - b[i].score end
  return ("optimize - %s: %+.3f +- %.3f"):format(name, stats_math.mean(list),
    stats_math.deviation(list) / math.sqrt(#list))
end

local runs = { train = {}, finished = {}, optimize = {} }
local ways = { train = by_train, finished = function(seed) return by_train(seed, true) end,
  optimize = by_search }
for seed = FROM, FROM + SEEDS - 1 do
  local cells = {}
  for k, name in ipairs(WAYS) do
    local one = ways[name](seed)
    table.insert(runs[name], one)
    cells[k] = ("%s %.3f (%d)"):format(name, one.score, one.calls)
  end
  local one = runs.optimize[#runs.optimize] or {}
  print(("seed %2d  %s %s  %s"):format(seed, table.concat(cells, "  "), one.stopped,
    one.claim and tostring(one.claim) or "no claim"))
end
print(("%s, %d calls, seeds %d to %d"):format(which, CALLS, FROM, FROM + SEEDS - 1))
for _, name in ipairs(WAYS) do print(sum_up(runs[name], name)) end
if #WAYS == 3 then
  print(paired("train", runs.optimize, runs.train))
  print(paired("finished", runs.optimize, runs.finished))
end
