--- What training and search of a host have in common: data, program, metric and loss, from what a
--- config of C says; and what they tell while they go.

local core = require "lunagrad.core"
local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local given = require "lunagrad.host.given"
local loop = require "lunagrad.loop"
local loss = require "lunagrad.loss"
local metric = require "lunagrad.metric"
local query = require "lunagrad.host.query"
local templates = require "lunagrad.template"
local var = require "lunagrad.var"

---@class lunagrad.host.job
local Job = {}
Job.__index = Job

local jobs = {}
local wire = core.host.wire

local METRICS = { exact = metric.exact, number = metric.number, contains = metric.contains,
  choice = metric.choice, f1 = metric.f1 }

--- The job of a call.
---@param where string "lg_train"
---@param args table of C
---@param theirs Var[]
---@param models userdata[]
---@return lunagrad.host.job
function jobs.new(where, args, theirs, models)
  local self = setmetatable({ where = where, args = args, owner = args.owner, theirs = theirs,
    params = given.copies(theirs), models = given.models(args, models), index = {} }, Job)
  self.names = given.names(self.params)
  return self
end

local function measure_of(self)
  local name = self.args.metric
  if name and not METRICS[name] then
    errors.refuse("metric", ("%s: there is no metric %s"):format(self.where, errors.quoted(name)),
      '"exact", "number", "contains", "choice" or "f1"', 0)
  end
  return METRICS[name]
end

--- Rows of one of the config's texts, nil where there is none.
---@param name "train"|"val"|"test"
function Job:rows(name)
  local text = self.args[name]
  if not text then return nil end
  local rows = data.jsonl_text(text, name)
  for i, row in ipairs(rows) do self.index[row] = i - 1 end
  return rows
end

-- ---- the program -------------------------------------------------------------

local function shown(row, name)
  local value = row[name]
  return type(value) == "table" and not var.is(value) and core.json_encode(value) or value
end

-- All parameters as one text of instructions.
local function instructions(params)
  if #params == 1 then return params[1] end
  local parts = {}
  for i, p in ipairs(params) do
    if i > 1 then parts[#parts + 1] = var.var("\n\n", "space") end
    parts[#parts + 1] = p
  end
  return core.concat(loop.engine(), parts, "instructions")
end

-- The model is asked a question that a template makes of the example.
local function by_question(self)
  local template, asked = self.args.question or "{question}",
    given.model(self.models, "model", self.where)
  local _, names = templates.fields(template)
  return function(row)
    local fields = {}
    for _, name in ipairs(names) do fields[name] = shown(row, name) end
    local question = var.format(template, fields, { role = "question" })
    return asked { question, system = instructions(self.params), role = "answer" }
  end
end

--- program(row) → variable
function Job:program()
  if not self.args.program then return by_question(self) end
  return function(row)
    return query.program(self.owner, self.params, row, self.index[row])
  end
end

-- ---- how good an answer is -----------------------------------------------------

local function score_of(self, output, row, answer)
  return query.score(self.owner, "score", self.params, { row = row, index = self.index[row],
    text = output, answer = var.is(answer) and answer or nil })
end

local function words_of(row)
  local ok, list = pcall(metric.truths, row)
  return ok and #list > 0 and "Right is: " .. table.concat(list, " or ") or nil
end

--- metric(output, row, answer) → score, feedback; nil: there is neither score nor metric.
function Job:metric()
  if self.args.score then
    return function(output, row, answer) return score_of(self, output, row, answer) end
  end
  local named = measure_of(self)
  return named and function(output, row)
    local score = named(output, row)
    return score, score < 1 and words_of(row) or nil
  end
end

-- The example's fields as a critic is shown them: "answer" is the name of what it judges.
local function fields_of(row)
  local fields = {}
  for name in next, row do
    if type(name) == "string" and name:find "^[%a_][%w_]*$" then
      fields[name == "answer" and "right_answer" or name] = shown(row, name)
    end
  end
  return fields
end

local EXTRACTS = { number = extract.last_number }

--- loss(answer, row) → variable; nil: nothing judges.
function Job:loss()
  local args, measure = self.args, self:metric()
  if args.critic then
    local critic = loss.critic { args.critic,
      model = given.model(self.models, "judge", self.where) }
    return function(answer, row) return critic(answer, fields_of(row)) end
  elseif not measure then
    return nil
  elseif args.metric == "exact" or args.metric == "number" then
    local exact = loss.exact { extract = EXTRACTS[args.metric] }
    if not args.score then return function(answer, row) return exact(answer, row) end end
  end
  return function(answer, row)
    return loss.score { function(text) return measure(text, row, answer) end,
      purpose = "scores the answer, higher is better" }(answer)
  end
end

-- ---- what is told ----------------------------------------------------------------

--- How far it is, to the host.
---@param what table {kind, step, of, score, …}
function Job:tell(what) wire.tell(self.owner, core.json_encode(what)) end

local function words(texts)
  local list = {}
  for i, text in ipairs(texts) do list[i] = type(text) == "userdata" and text:raw_text() or text end
  return list
end

--- The best texts so far.
---@param texts (string|Var)[]
function Job:reached(texts) wire.best(self.owner, words(texts)) end

--- Call fn(self), which may raise: the host is told that the job runs, and that it does not any more.
---@param fn fun(self: lunagrad.host.job): any
function Job:run(fn)
  wire.running(self.owner, true)
  local ok, result = pcall(fn, self)
  wire.running(self.owner, false)
  if not ok then error(result, 0) end
  return result
end

--- What came out, as the host gets it; also of a job that fails afterwards.
---@param result table with texts
function Job:finish(result)
  local best = {}
  given.set(self.theirs, result.texts)
  result.texts = setmetatable(words(result.texts), core.array)
  for i, name in ipairs(self.names) do best[name] = result.texts[i] end
  result.best = best
  wire.best(self.owner, result.texts)
  wire.result(self.owner, core.json_encode(result))
  return {}
end

return jobs
