--- What the arguments of public functions are: checked before the function has them, so that a
--- wrong one is told at the script's line, with the function, the argument, and what came.
--
-- Only what the functions do not check themselves. Functions that take one table of options check
-- it by options.check. The library's own calls go through the same check: it is cheap.

local options = require "lunagrad.options"

local signatures = {}

local TEXT = { "text", "string" }
local S = { { "s", "string" } }
local PREDICTION = { { "prediction", "string" }, { "row", "table" } }
local KEEP = { "keep", { one_of = { "size", "text", "number" } } } -- see lg.json.decode
local EXTRACTOR = { gives = { TEXT } }
local TRUTH = { { "row", "table" }, { "field", "string?" } }
local PATH = { { "path", "string" } }
local GENERATE = { { "n", "integer" }, { "seed", "integer|string|nil" } }
local CONSTRAINTS = { "list", "constraints" }

-- name → list of { argument, type }, see options.checked
local KNOWN = {
  model = { { "spec", "any" }, { "name", "string?" } },
  map = { { "list", "table" }, { "fn", "callable" } },
  spawn = { { "fn", "callable" }, { "context", "table?" } },
  step = { { "budget_us", "integer?" } },
  var = { { "text", "any" }, { "role", "string?" } },
  configure = { { "options", "table" } },
  default = { { "roles", "table|string|userdata" } },
  save = { { "variable", "variable" }, { "path", "string" } },
  ["json.encode"] = { { "value", "table|string|number|boolean|userdata" } },
  ["json.decode"] = { TEXT, KEEP },
  ["json.array"] = { { "list", "unmarked?" } },
  ["text.plain"] = S, ["text.fold"] = S, ["text.search"] = S, ["text.words"] = S,
  ["text.count_words"] = S, ["text.trim"] = S,
  ["errors.quoted"] = { TEXT }, ["errors.from_var"] = { { "v", "variable" } },
  ["errors.new"] = { { "kind", "string" }, { "message", "string" }, { "hint", "string?" } },
  ["extract.trim"] = { TEXT }, ["extract.last_number"] = { TEXT },
  ["extract.last_line"] = { TEXT }, ["extract.whole"] = { TEXT }, ["extract.code"] = { TEXT },
  ["extract.object"] = { TEXT, KEEP }, ["extract.boxed"] = { TEXT },
  ["extract.tag"] = EXTRACTOR, ["extract.after"] = EXTRACTOR, ["extract.choice"] = EXTRACTOR,
  ["extract.json"] = EXTRACTOR,
  ["extract.any"] = { rest = { "extractor", "callable" }, gives = { TEXT } },
  ["metric.exact"] = PREDICTION, ["metric.number"] = PREDICTION,
  ["metric.choice"] = PREDICTION, ["metric.contains"] = PREDICTION, ["metric.f1"] = PREDICTION,
  ["metric.same"] = { { "a", "string" }, { "b", "string" } },
  ["metric.canonical_number"] = { { "text", "string" } },
  ["metric.truth"] = TRUTH, ["metric.truths"] = TRUTH, ["metric.make"] = { gives = PREDICTION },
  ["metric.score"] = { { "value", "any" }, { "who", "string" } },
  ["constraint.for_media"] = { CONSTRAINTS, { "media", "string?" } },
  ["constraint.broken"] = { CONSTRAINTS, { "value", "string" }, { "media", "string?" } },
  ["constraint.worded"] = { CONSTRAINTS },
  ["constraint.lift"] = { { "value", "string|table" }, { "where", "string?" } },
  ["constraint.matches"] = { { "pattern", "string" }, { "words", "string?" } },
  ["schema.of"] = { { "spec", "table|string" }, { "where", "string?" } },
  ["schema.strict"] = { { "full", "table" } },
  ["schema.validate"] = { { "value", "any" }, { "full", "table|boolean" } },
  ["schema.tidy"] = { { "value", "any" }, { "full", "table|boolean" } },
  ["data.get"] = { { "from", "table" }, { "name", "string" } },
  ["data.jsonl"] = PATH, ["data.bbh"] = PATH,
  ["data.csv"] = { { "path", "string" }, { "options", "table?" } },
  ["data.jsonl_text"] = { { "text", "string" }, { "name", "string?" } },
  ["data.bbh_text"] = { { "text", "string" }, { "name", "string?" } },
  ["data.csv_text"] = { { "text", "string" }, { "options", "table?" }, { "name", "string?" } },
  ["task.object_counting.generate"] = GENERATE,
  ["task.repair.read"] = PATH, ["task.repair.problems"] = { { "language", "string?" } },
  ["task.gsm8k"] = PATH, ["task.mmlu"] = PATH, ["task.gpqa"] = PATH, ["task.programs"] = PATH,
  ["task.multiple_choice"] = { { "rows", "table" }, { "options", "table?" } },
  ["task.pocket"] = { { "seed", "integer|string|nil" } },
  ["task.word_problems.generate"] = GENERATE, ["task.number_choice.generate"] = GENERATE,
  ["task.word_choice.generate"] = GENERATE, ["task.word_sorting.generate"] = GENERATE,
  ["task.lookups.generate"] = GENERATE,
  ["task.mathvista_score"] = PREDICTION,
  ["rng.new"] = { { "seed", "number|string" } },
  ["evaluate.score_row"] = { { "program", "callable" }, { "metric", "callable" },
    { "row", "table" } },
}

--- The public functions in a table, replaced by checked ones.
---@param t table a module, or lg itself
---@param prefix string as scripts write it behind "lg.": "", "extract."
---@return table t
function signatures.install(t, prefix)
  for name, spec in pairs(KNOWN) do
    local key = name:sub(1, #prefix) == prefix and name:sub(#prefix + 1)
    local fn = key and rawget(t, key)
    if type(fn) == "function" then t[key] = options.checked("lg." .. name, spec, fn) end
  end
  return t
end

--- The same of a function that is a part of lg by itself.
---@param name string
---@param value any
---@return any
function signatures.one(name, value)
  local spec = KNOWN[name]
  return spec and type(value) == "function" and options.checked("lg." .. name, spec, value) or value
end

--- Methods of the binding, which check their arguments: the names by which they tell so.
---@param methods table
---@param of string "v"
function signatures.named(methods, of)
  for name, fn in pairs(methods) do
    if type(fn) == "function" then options.named(fn, of .. ":" .. name) end
  end
end

--- Methods that take an object of their own kind first, given in the order of their arguments.
---@param methods table
---@param of string "v", as scripts call such an object
---@param self_type string
---@param known table name → list of { argument, type }
function signatures.methods(methods, of, self_type, known)
  for name, spec in pairs(known) do
    local whole = table.move(spec, 1, #spec, 2, { { of, self_type } })
    methods[name] = options.checked(of .. ":" .. name, whole, methods[name])
  end
end

return signatures
