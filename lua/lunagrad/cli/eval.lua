--- `lunagrad eval WHAT --data FILE`: score a prompt or a program, and end with 100 where it is not
--- good enough: for a shell, and for continuous integration.
--
-- It runs under the options of `lunagrad run`: models, limits, the store. What is scored is a text
-- (a system prompt, or with {fields} of the rows a whole message), a best.json of a run, or a Lua
-- file that returns a program. Nothing is optimized.

local args = require "lunagrad.cli.args"
local display = require "lunagrad.cli.display"
local file = require "lunagrad.file"
local junit = require "lunagrad.cli.junit"
local run = require "lunagrad.cli.run"
local script = require "lunagrad.cli.script"
local store = require "lunagrad.cli.store"

local eval = {}

local BELOW = 100 -- the exit code under the threshold
local FAILING = 10 -- rows that are shown
local METRICS = { "exact", "number", "contains", "choice", "f1" }

local HELP = [[
usage: lunagrad eval WHAT --data FILE [options]

Scores WHAT on rows of data, without changing it. WHAT is a prompt in quotes, a file that holds one,
a best.json of a run, or a Lua file that returns a program (a function of a row) or a table
{ program =, metric =, data = }. A prompt is the system message before the row's question; one that
has {fields} of the rows is the whole message.

  --data FILE        JSON lines, a JSON list, CSV or TSV, or a task of BIG-Bench Hard (.json)
  --input FIELD      what is asked (default: question, input, prompt, text or q)
  --answer FIELD     what is right (default: answer, target or answers)
  --metric M         exact, number, contains, choice or f1 (default: number where all answers are
                     numbers, choice where all are letters, else exact)
  --judge WORDS      a model (role judge) scores instead, by these words
  --threshold X      end with 100 where the mean is below X
  --limit N          the first N rows
  --filter-failing RUN  those rows that RUN's newest evaluation had wrong
  --junit FILE       a report for continuous integration, a test a row

All options of lunagrad run hold here (-m, --max-cost, --run, --json …): lunagrad help run.
Exit codes: as those of run, and 100 below the threshold.

examples:
  lunagrad eval "Answer with a number." --data questions.jsonl -m openai/gpt-4o-mini
  lunagrad eval .lunagrad/runs/prompt-3fa1c2/best.json --data test.csv --threshold 0.9
  lunagrad eval program.lua --data test.jsonl --junit report.xml
]]

local OWN = {
  { names = { "--data" }, key = "data", type = "word", what = "a file" },
  { names = { "--input" }, key = "input", type = "word", what = "a field" },
  { names = { "--answer" }, key = "answer", type = "word", what = "a field" },
  { names = { "--metric" }, key = "metric", type = "word", values = METRICS,
    what = "the name of a metric" },
  { names = { "--judge" }, key = "judge", type = "text", what = "words" },
  { names = { "--threshold" }, key = "threshold", type = "number", what = "a number" },
  { names = { "--limit" }, key = "limit", type = "integer", min = 1, what = "a number" },
  { names = { "--filter-failing" }, key = "failing", type = "word", what = "a run" },
  { names = { "--junit" }, key = "junit", type = "word", what = "a file" },
}

for _, option in ipairs(run.spec.options) do
  if option.key ~= "code" then OWN[#OWN + 1] = option end
end
eval.spec = { name = "eval", options = OWN }

--- The text of `lunagrad help eval`.
function eval.help() return HELP end

-- ---- what is scored ----------------------------------------------------------------------

local function read(path)
  local opened, problem = file.open(path)
  if not opened then args.fail("cannot read " .. tostring(problem)) end
  local text = opened:read "a"
  opened:close()
  return text
end

-- The texts of a best.json; one of several prompts belongs to a program.
local function best_text(path, text)
  local value = require("lunagrad").json.decode(text)
  local texts = type(value) == "table" and value.texts
  if type(texts) ~= "table" then
    args.fail(("%s is no best.json of a run: it has no texts"):format(path))
  end
  local name, found = next(texts)
  if name == nil or next(texts, name) ~= nil then
    args.fail(("%s has several texts"):format(path),
      "write a Lua file that returns the program that they belong to")
  end
  return found
end

-- → { prompt = text } or { path = of a Lua file }
local function what_of(word)
  if word:find "%.lua$" then return { path = word, text = read(word) } end
  local stat = file.stat(word)
  if not stat then
    if word:find "^[%w%._/-]+%.%w+$" then
      args.fail(("cannot read %s"):format(word), "a prompt that looks like a file needs a blank")
    end
    return { prompt = word }
  end
  local text = read(word)
  if word:find "%.json$" then return { prompt = best_text(word, text) } end
  return { prompt = (text:gsub("%s+$", "")) }
end

-- What a Lua file returns, as a table.
local function load_file(what, env)
  local chunk, problem = script.compile(what.text, "@" .. what.path, env)
  if not chunk then error({ kind = "syntax", message = problem, path = what.path }, 0) end
  local value = chunk()
  local callable = type(value) == "function"
    or type(value) == "table" and (getmetatable(value) or {}).__call
  if callable then return { program = value } end
  if type(value) == "table" and value.program then return value end
  args.fail(("%s returned %s"):format(what.path, value == nil and "nothing" or "no program"),
    "return a function of a row, or { program =, metric =, data = }")
end

-- ---- the rows --------------------------------------------------------------------------------

local function data_of(lg, options, given)
  local path = options.data
  if not path then
    if given.data then return lg.data.list(given.data) end
    args.fail("eval needs --data FILE", "lunagrad help eval")
  end
  local lower = path:lower()
  if lower:find "%.csv$" or lower:find "%.tsv$" then return lg.data.csv(path) end
  if lower:find "%.json$" then
    local text = read(path)
    if text:find '"examples"%s*:' then return lg.data.bbh_text(text, path) end
    return lg.data.jsonl_text(text, path)
  end
  return lg.data.jsonl(path)
end

local INPUTS = { "question", "input", "prompt", "text", "q" }

local function field_of(row, name) return require("lunagrad.row").get(row, name) end

-- A field that is named must be there: without the answer's every row would be paid for and fail.
local function check_field(row, name, option)
  if field_of(row, name) ~= nil then return end
  local names = {}
  for key in pairs(row) do
    if type(key) == "string" then names[#names + 1] = key end
  end
  table.sort(names)
  args.fail(("the rows have no field %q"):format(name), args.suggest(name, names)
    and ("did you mean %s %s?"):format(option, args.suggest(name, names))
    or "they have " .. table.concat(names, ", "))
end

local function input_of(rows, options)
  if options.input then
    check_field(rows[1], options.input, "--input")
    return options.input
  end
  for _, name in ipairs(INPUTS) do
    if field_of(rows[1], name) ~= nil then return name end
  end
  args.fail("the rows have no field that is asked", "--input FIELD names it; looked for are "
    .. table.concat(INPUTS, ", "))
end

-- Rows by their numbers: those that are left, and which they were.
local function chosen(rows, options, failing)
  local list, numbers = {}, {}
  for i, row in ipairs(rows) do
    if #list == (options.limit or math.huge) then break end
    if not failing or failing[i] then list[#list + 1], numbers[#numbers + 1] = row, i end
  end
  return list, numbers
end

-- Which rows the newest evaluation of a run had wrong.
local function failing_rows(name, dir)
  return store.use({ store = dir }, function(handle)
    local reading = require "lunagrad.report.reading"
    local runs = store.find(handle, name)
    local results, names = reading.results(handle, reading.run(handle, runs))
    if #names == 0 then args.fail(("run %s evaluated nothing"):format(name)) end
    local wrong, any = {}, false
    for example, score in pairs(results[names[1]]) do
      if score < 1 then wrong[example], any = true, true end
    end
    if not any then args.fail(("run %s had all rows right"):format(name)) end
    return wrong
  end)
end

-- ---- scoring ---------------------------------------------------------------------------------

local function guess_metric(rows, answer)
  local metric = require "lunagrad.metric"
  local numbers, letters = true, true
  for _, row in ipairs(rows) do
    local ok, truths = pcall(metric.truths, row, answer)
    for _, truth in ipairs(ok and truths or {}) do
      numbers = numbers and metric.canonical_number(truth) ~= nil
      letters = letters and truth:find "^%s*%(?%a%)?%s*$" ~= nil
    end
  end
  return numbers and "number" or letters and "choice" or "exact"
end

local function judge_of(lg, words)
  local judge = lg.loss.judge(words)
  return function(output, row)
    local loss = judge(output, row)
    loss:text()
    return loss.score
  end
end

local function metric_of(lg, options, given, rows)
  if options.judge then return judge_of(lg, options.judge), "judge" end
  if options.metric == nil and given.metric then return given.metric, "the file's own" end
  local name = options.metric or guess_metric(rows, options.answer)
  return lg.metric[name], name
end

-- A prompt as a program: with fields of the rows it is the message, else the system prompt.
local function program_of(lg, prompt, rows, options)
  local model, fields, known = lg.model(), {}, false
  for name in prompt:gmatch "{([%a_][%w_]*)}" do
    fields[name] = true
    known = known or field_of(rows[1], name) ~= nil
  end
  if known then
    return function(row)
      local values = {}
      for name in pairs(fields) do
        local value = field_of(row, name)
        values[name] = value == nil and "{" .. name .. "}" or tostring(value)
      end
      return model { lg.format(prompt, values) }
    end
  end
  local input = input_of(rows, options)
  return function(row) return model { tostring(field_of(row, input)), system = prompt } end
end

local function score(lg, what, options, outcome, env, failing)
  local given = what.path and load_file(what, env) or {}
  local rows, numbers = chosen(data_of(lg, options, given), options, failing)
  if #rows == 0 then args.fail "there is no row to score" end
  if options.answer then check_field(rows[1], options.answer, "--answer") end
  local metric, name = metric_of(lg, options, given, rows)
  outcome.metric, outcome.numbers = name, numbers
  outcome.result = lg.evaluate { given.program or program_of(lg, what.prompt, rows, options),
    data = lg.data.list(rows), metric = metric, field = options.answer, on_error = "zero",
    phase = options.failing and "failing rows of " .. options.failing or nil }
end

-- ---- what is said of it --------------------------------------------------------------------------

local function told(outcome, threshold)
  local r = outcome.result
  local below = threshold and r.mean < threshold
  local lines = { ("%s: %s (metric %s)%s"):format(below and "below the threshold" or "score",
    tostring(r), outcome.metric, threshold and (", threshold %g"):format(threshold) or "") }
  local shown = 0
  for i, row in ipairs(r.rows) do
    if (row.score or 0) < 1 and shown < FAILING then
      shown = shown + 1
      lines[#lines + 1] = ("  row %d: %g  %s"):format(outcome.numbers[i], row.score or 0,
        display.fit(display.clean_line(row.error and tostring(row.error)
          or row.output or ""), 90))
    end
  end
  local wrong = 0
  for _, row in ipairs(r.rows) do wrong = wrong + ((row.score or 0) < 1 and 1 or 0) end
  if wrong > shown then lines[#lines + 1] = ("  and %d more"):format(wrong - shown) end
  return lines, below
end

local function write_junit(path, name, outcome)
  local ok, problem = file.write(path, junit.make(name, outcome.result, outcome.numbers), true)
  if not ok then args.fail("cannot write " .. tostring(problem)) end
end

local function emit(watch, outcome, options, below)
  local r, failing = outcome.result, {}
  for i, row in ipairs(r.rows) do
    if (row.score or 0) < 1 then failing[#failing + 1] = outcome.numbers[i] end
  end
  watch:emit { event = "evaluation", mean = r.mean,
    low = r.low, high = r.high, n = r.n, errors = r.errors, metric = outcome.metric,
    threshold = options.threshold, below = below or false, failing = store.array(failing) }
end

--- Run the command.
---@return integer exit code
function eval.main(argv, first)
  local options = args.parse(eval.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if #options.rest ~= 1 then
    args.fail("eval needs one prompt or file", "lunagrad help eval")
  end
  if options.judge and options.metric then args.fail("--judge stands in the place of --metric") end
  local what, outcome = what_of(options.rest[1]), {}
  local failing = options.failing
    and failing_rows(options.failing, require("lunagrad.settings").default_dir())
  local words = { "eval", what.path or what.prompt, options.data or "", options.metric or "",
    options.judge or "" }
  return run.with_source(options, argv, { name = "=eval", rest = #options.rest + 1,
    text = "lunagrad " .. table.concat(words, "\0"),
    make = function(env)
      return function()
        score(require "lunagrad", what, options, outcome, env, failing)
      end
    end,
    command = "eval …",
    verdict = function(self)
      local lines, below = told(outcome, options.threshold)
      if options.junit then write_junit(options.junit, options.rest[1], outcome) end
      if options.json then emit(self.watch(), outcome, options, below) else store.print(lines) end
      if below then return BELOW, "below", ("%.3f is below %g"):format(outcome.result.mean,
        options.threshold) end
      return 0, "ok"
    end })
end

return eval
