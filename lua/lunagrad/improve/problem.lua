--- What a search is about: parameters, examples, and what a candidate is worth on an example.
--
-- Two doors lead here. A program with parameters, data and a metric: the parameters are bound to
-- the candidate's texts while the program runs (lunagrad.bind). Or one artefact (code, a plan, a
-- molecule; several by name) and a function that judges it, with or without examples. What is
-- known of a variant's example is kept and not asked again: score, objectives, output, feedback,
-- and how many calls it took. Nothing is decided here. Used by lunagrad.improve.search.

local bind = require "lunagrad.bind"
local errors = require "lunagrad.errors"
local evaluate = require "lunagrad.improve.evaluate"
local loop = require "lunagrad.loop"
local metrics = require "lunagrad.metric"
local row_get = require("lunagrad.row").get
local stats_math = require "lunagrad.stats_math"
local var = require "lunagrad.var"

---@class lunagrad.problem
---@field params Var[]
---@field names string[]
---@field sets table<string, any[]> train, val, test
local Problem = {}
Problem.__index = Problem

local problem = {}

---@class lunagrad.result
---@field score number
---@field objectives table<string, number>|nil
---@field output string|nil
---@field feedback string|nil what the metric says about it
---@field calls integer to models
---@field failed any the error, where errors count as a score of 0

--- spec: params, names, sets = {train, val, test}, and program and metric, or artefact(texts,
--- example); on_error "raise" or "zero"; weights of objectives.
---@param spec table
---@return lunagrad.problem
function problem.new(spec) return setmetatable(spec, Problem) end

--- A variant: texts by the order of the parameters, and what is known of them.
---@param texts string[]
---@param born integer|nil the number of the proposal; 0: the seed
---@return table
function Problem:variant(texts, born)
  return { texts = texts, born = born or 0, again = {},
           known = { train = {}, val = {}, test = {} } }
end

--- What several variants share: the variables that stand in for the parameters.
function Problem:binding(variant)
  if not variant.binding then variant.binding = bind.map(self.params, variant.texts) end
  return variant.binding
end

-- ---- one example ---------------------------------------------------------------

local function weighted(objectives, weights)
  local names = {}
  for name in pairs(objectives) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  local sum, all = 0, 0
  for _, name in ipairs(names) do
    local weight = weights and weights[name] or weights and 0 or 1
    sum, all = sum + weight * objectives[name], all + weight
  end
  if all <= 0 then
    errors.raise("inval", "weights: none for the objectives " .. table.concat(names, ", "), nil, 0)
  end
  return sum / all
end

local function is_objectives(value) return type(value) == "table" and not var.is(value) end

-- A number, a boolean, a variable with a score, or a table of named ones.
local function scored(self, value, feedback, who)
  if not is_objectives(value) then return evaluate.number_of(value), nil, feedback end
  local objectives = {}
  for name, one in pairs(value) do
    if name ~= "feedback" then objectives[name] = metrics.score(one, who) end
  end
  if next(objectives) == nil then
    errors.raise("inval", who .. " returned a table without objectives",
      "return a number, or { accuracy = 0.5, brevity = 1 }", 0)
  end
  return weighted(objectives, self.weights), objectives, feedback or value.feedback
end

local function in_words(said)
  if said ~= nil then return evaluate.text_of(said) end
end

local function by_program(self, row, _, on_answer)
  local answer = self.program(row)
  local output = evaluate.text_of(answer)
  local value, feedback = self.metric(output, row, answer)
  local score, objectives, said = scored(self, value, feedback, "the metric")
  if on_answer then on_answer(answer) end
  return { output = output, score = score, objectives = objectives, feedback = in_words(said) }
end

local function by_judge(self, row, texts)
  local value, feedback, output = self.artefact(texts, row)
  local score, objectives, said = scored(self, value, feedback, "evaluate")
  return { output = output and evaluate.text_of(output), score = score, objectives = objectives,
           feedback = in_words(said) }
end

local function attempt(self, variant, row, on_answer)
  local run = self.program and by_program or by_judge
  if self.on_error ~= "zero" then return run(self, row, variant.texts, on_answer) end
  local ok, result = pcall(run, self, row, variant.texts, on_answer)
  if ok then return result end
  if errors.stops(result) then error(result, 0) end
  loop.passed_on()
  return { failed = result, score = 0, feedback = errors.words(result) }
end

-- As a task of its own: under the variant's binding, with a meter.
local function begin(self, variant, set, i, sample)
  local meter = bind.meter()
  local options = { meter = meter, example = i, sample = sample,
    purpose = self.purpose and self.purpose(variant, set, i) }
  return bind.start(self:binding(variant), options, function()
    local first = set == "val" and i == 1 and not sample and self.on_answer
    local result = attempt(self, variant, self.sets[set][i], first and function(answer)
      first(variant, answer)
    end)
    result.calls = bind.calls(meter)
    if result.score ~= result.score then
      errors.raise("inval", "the metric returned a number that is none (nan)", nil, 0)
    end
    return result
  end)
end

--- What a variant is worth on an example of a set; waits. Asked twice it is the same result, also
--- while it is on its way.
---@param variant table of Problem:variant
---@param set "train"|"val"|"test"
---@param i integer
---@param sample integer|nil another draw of everything that is sampled; not kept as the result
---@return lunagrad.result
function Problem:evaluate(variant, set, i, sample)
  local known = variant.known[set]
  if sample and sample > 0 then
    local again = variant.again[sample] or { train = {}, val = {}, test = {} }
    variant.again[sample], known = again, again[set]
  end
  local one = known[i]
  if not one then
    one = begin(self, variant, set, i, sample)
    known[i] = one
  end
  if one.await then
    one = one:await()
    known[i] = one
  end
  return one
end

--- The mean score on a whole set; waits. All examples at once.
---@param variant table
---@param set string
---@param sample integer|nil
---@param on_result fun(done: integer, total: integer)|nil
---@return number mean, lunagrad.result[] results
function Problem:evaluate_all(variant, set, sample, on_result)
  local done, total = 0, #self.sets[set]
  local results = loop.map(self.sets[set], function(_, i)
    local result = self:evaluate(variant, set, i, sample)
    done = done + 1
    if on_result then on_result(done, total) end
    return result
  end, { example = false })
  local scores = {}
  for i, result in ipairs(results) do scores[i] = result.score end
  return stats_math.mean(scores), results
end

--- How people know an example of a set: by its row's id, else by its number.
---@param set string
---@param i integer
---@return string
function Problem:id_of(set, i)
  local row = self.sets[set][i]
  local id = type(row) == "table" and row_get(row, "id") or nil
  return id ~= nil and tostring(id) or tostring(i)
end

return problem
