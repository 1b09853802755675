--- `lunagrad export RUN`: a run as JSON lines, a table as CSV, its candidates as a graph, a search
--- as GEPA writes its result.
--
-- The JSON lines are what the model replay/FILE answers from. A reply is a text; "media" says what
-- else: a turn that calls tools (text is its JSON), a picture or sound (data is its base64).

local args = require "lunagrad.cli.args"
local calls = require "lunagrad.book.calls"
local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local file = require "lunagrad.file"
local ledger = require "lunagrad.book.ledger"
local queries = require "lunagrad.book.queries"
local store = require "lunagrad.cli.store"

local export = {}

local HELP = [[
usage: lunagrad export RUN [--format FORMAT] [-o FILE] [options]

Writes a run for other programs. RUN is a name (all its starts) or the number of one start.

  --format F     jsonl: everything, an object a line, each with its "type": run, call, purpose,
                 search, set, example, candidate, proposal, gradient, edit, replacement, score,
                 graph (default); csv: one table; dot: the candidates and where they came from,
                 for Graphviz;
                 gepa: a search in the JSON of gepa's result; metrics: a line a step, with the
                 score and what was spent, to read into a table; mlflow, wandb: the same as these
                 trackers of experiments take it; otlp: the calls as OpenTelemetry's traces
  --table T      of csv: candidates (default), searches, sets, examples, proposals, gradients,
                 edits, replacements, scores, graphs, calls or purposes
  --search N     of gepa, mlflow and wandb: the training N of the newest start that has one
                 (default: of gepa the first, else the one with the best score)
  --send         of otlp: to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, with the headers
                 of OTEL_EXPORTER_OTLP_HEADERS, instead of to standard output
  --endpoint URL of otlp: to this collector (http://127.0.0.1:4318)
  --content      of otlp: with what was asked and answered
  --all-replies  of jsonl: all replies in the store, not only those that the run bought or was
                 served
  -o FILE        write this file, whole or not at all; default: standard output
]] .. store.HELP .. [[

lunagrad run SCRIPT -m replay/FILE answers from the calls of such a file, without a network, and
fails at the first request that it does not hold.

examples:
  lunagrad export prompt-3fa1c2 -o recorded.jsonl
  lunagrad export prompt-3fa1c2 --format csv --table scores > scores.csv
  lunagrad export 12 --format dot | dot -Tsvg > candidates.svg
  lunagrad export prompt-3fa1c2 --format otlp --endpoint http://127.0.0.1:4318
]]

local TABLES = { "searches", "sets", "examples", "candidates", "proposals", "gradients", "edits",
  "replacements", "scores", "graphs", "calls", "purposes" }

export.spec = { name = "export", options = store.with {
  { names = { "--format" }, key = "format", type = "word",
    values = { "jsonl", "csv", "dot", "gepa", "metrics", "mlflow", "wandb", "otlp" },
    what = "a format" },
  { names = { "--table" }, key = "table", type = "word", values = TABLES, what = "a table" },
  { names = { "--search" }, key = "search", type = "integer", min = 1, what = "a number" },
  { names = { "--send" }, key = "send", type = "flag" },
  { names = { "--endpoint" }, key = "endpoint", type = "word", what = "an address" },
  { names = { "--content" }, key = "content", type = "flag" },
  { names = { "--all-replies" }, key = "all_replies", type = "flag" },
  { names = { "-o", "--output" }, key = "output", type = "word", what = "a file" },
} }

--- The text of `lunagrad help export`.
function export.help() return HELP end

-- ---- rows ------------------------------------------------------------------------------

-- Columns in the order of docs/store.md; texts of JSON become what they say.
local COLUMNS = {
  searches = { "id", "run_id", "number", "kind", "method", "names", "options", "seed", "started_us",
    "ended_us", "stopped", "seed_score", "best_score", "best_idx", "claim" },
  sets = { "run_id", "search_id", "split", "number", "rows" },
  examples = { "run_id", "set_number", "example", "input", "target" },
  graphs = { "run_id", "search_id", "candidate_idx", "proposal", "split", "example", "score",
    "graph" },
  candidates = { "run_id", "search_id", "idx", "iteration", "parents", "texts", "score", "is_best",
    "operator", "proposal", "words", "created_us" },
  proposals = { "id", "run_id", "search_id", "number", "iteration", "parent_idx", "parents",
    "operator", "accepted", "reason", "before", "after", "gain", "texts", "feedback", "batch",
    "race", "calls", "tokens", "created_us" },
  gradients = { "id", "run_id", "search_id", "iteration", "param", "text", "source_example",
    "from_role", "score" },
  edits = { "id", "run_id", "search_id", "iteration", "param", "before", "after", "gradient_ids" },
  replacements = { "id", "run_id", "search_id", "iteration", "param", "number", "find", "put",
    "problem" },
  scores = { "run_id", "search_id", "candidate_idx", "proposal", "split", "phase", "example",
    "score", "output", "objectives" },
  purposes = { "call_id", "run_id", "search_id", "candidate_idx", "proposal", "split", "example" },
  calls = { "id", "run_id", "kind", "model", "endpoint", "status", "request_id", "finish_reason",
    "input", "cached", "cache_write", "output", "reasoning", "micros", "unpriced", "latency_us",
    "created_us" },
}
local IS_JSON = { parents = true, texts = true, feedback = true, gradient_ids = true, names = true,
  options = true, claim = true, batch = true, race = true, objectives = true,
  graph = true }
local IS_FLAG = { is_best = true, accepted = true, unpriced = true }
local SINGULAR = { searches = "search", sets = "set", examples = "example", graphs = "graph",
  candidates = "candidate", proposals = "proposal", gradients = "gradient", edits = "edit",
  replacements = "replacement", scores = "score", purposes = "purpose" }

local PAGE = 1000 -- rows held at once: a store may be larger than memory

-- Rows of a table, page by page, in the order they were written.
local function each(handle, name, where, fn)
  local from = name == "calls" and "reply" or name
  if not handle.has(from) then return end -- a store of an older version
  local answers = name == "scores" and handle.has "outputs"
  local sql = answers and queries.page_of_scores(where, PAGE) or queries.page(from, where, PAGE)
  local after = -1
  while true do
    local rows = handle.query(sql, after)
    for _, row in ipairs(rows) do fn(row) end
    if #rows < PAGE then return end
    after = rows[#rows].row_number
  end
end

-- The same of several starts, one after the other: an index leads to the rows of one in order.
local function each_of(handle, name, runs, fn)
  for _, run in ipairs(runs) do each(handle, name, queries.of_runs { run }, fn) end
end

local function kind_name(kind)
  return math.type(kind) == "integer" and ledger.KINDS[kind + 1] or kind
end

-- ---- JSON lines ------------------------------------------------------------------------

local function value_of(column, value)
  if value == nil or value == math.huge or value == -math.huge then return core.null end
  if IS_FLAG[column] then return value == 1 end
  if not IS_JSON[column] then return value end
  local decoded = core.json_decode(value, "number")
  if decoded == nil then return value end
  if type(decoded) == "table" and next(decoded) == nil and value:sub(1, 1) == "[" then
    return store.array(decoded)
  end
  return decoded
end

local function json_row(name, row)
  local object = { type = SINGULAR[name] }
  for _, column in ipairs(COLUMNS[name]) do object[column] = value_of(column, row[column]) end
  return core.json_encode(object)
end

-- Lists that are empty stay lists.
local function request_of(row)
  local request = type(row.request) == "string" and core.json_decode(row.request, "number")
  if type(request) ~= "table" then return core.null end
  return request
end

local TURN = "application/vnd.lunagrad.turn+json"

local function call_row(row)
  local request = request_of(row)
  local tools = type(request) == "table" and type(request.options) == "table"
    and request.options.tools ~= nil
  local said, media, thinking = calls.reply_of(row, tools)
  local bytes = media ~= nil and media ~= TURN
  return core.json_encode { type = "call", id = row.id, run_id = row.run_id,
    role = kind_name(row.kind), model = row.model, request = request,
    text = store.or_null(not bytes and said or nil), thinking = thinking, media = media,
    data = bytes and core.base64(said) or nil,
    finish_reason = store.or_null(row.finish_reason),
    request_id = store.or_null(row.request_id),
    usage = { input = row.input or 0, cached = row.cached or 0,
      cache_write = row.cache_write or 0, output = row.output or 0,
      reasoning = row.reasoning or 0 },
    micros = row.unpriced == 1 and core.null or store.or_null(row.micros),
    latency_us = store.or_null(row.latency_us), created_us = store.or_null(row.created_us) }
end

local function run_row(handle, run)
  return core.json_encode { type = "run", id = run.id, name = run.name,
    script = store.or_null(run.script), seed = store.or_null(run.seed),
    state = store.state(handle, run), started_us = run.started_us,
    ended_us = store.or_null(run.ended_us), calls = run.calls or 0, served = run.served or 0,
    best_score = store.or_null(run.best_score), seed_score = store.or_null(run.seed_score) }
end

-- Replies that these starts were served: ids, each once, and how often any was served.
local function used_ids(handle, where)
  local ids, seen, times = {}, {}, 0
  if not handle.has "used" then return ids, times end
  each(handle, "used", where, function(row)
    for at = 1, #row.packed - 7, 8 do
      local id = string.unpack("<i8", row.packed, at)
      times = times + 1
      if not seen[id] then
        seen[id] = true
        ids[#ids + 1] = id
      end
    end
  end)
  table.sort(ids)
  return ids, times
end

local CHUNK = 500 -- ids in one statement

-- Lists of such ids, as SQL has them.
local function chunks(ids)
  local first = 1 - CHUNK
  return function()
    first = first + CHUNK
    if first > #ids then return nil end
    return table.concat(ids, ", ", first, math.min(#ids, first + CHUNK - 1))
  end
end

local function each_used(handle, where, fn)
  for list in chunks((used_ids(handle, where))) do
    each(handle, "calls", queries.others(list, where), fn)
  end
end

-- Whether a reply of this start is not there: it was deleted, or nobody noted that it was served.
local function lacks_replies(handle, run)
  local where = queries.of_runs { run }
  local ids, times = used_ids(handle, where)
  if (run.served or 0) > times then return true end
  if handle.has "forgotten"
    and handle.one(queries.count_forgotten(where)).n > 0 then
    return true
  end
  local there = 0
  for list in chunks(ids) do
    there = there + handle.one(queries.count_of_ids(list)).n
  end
  return there < #ids
end

-- What each call was made for; a reply that served several has several.
local function each_purpose(handle, runs, fn)
  each_of(handle, "purposes", runs, function(row) calls.each_purpose(row, fn) end)
end

local function warn_if_lacking(handle, runs)
  if lacks_replies(handle, runs[#runs]) then
    io.stderr:write("lunagrad: some replies of this run are not known any more;"
      .. " --all-replies exports all that the store has\n")
  end
end

local function jsonl(handle, runs, options, write)
  local where = queries.of_runs(runs)
  for _, run in ipairs(runs) do write(run_row(handle, run), "\n") end
  local function call(row) write(call_row(row), "\n") end
  if options.all_replies then
    each(handle, "calls", queries.all, call)
  else
    each_of(handle, "calls", runs, call)
    each_used(handle, where, call)
    warn_if_lacking(handle, runs)
  end
  each_purpose(handle, runs, function(row) write(json_row("purposes", row), "\n") end)
  for _, name in ipairs { "searches", "sets", "examples", "candidates", "proposals", "gradients",
    "edits", "replacements", "scores", "graphs" } do
    each_of(handle, name, runs, function(row) write(json_row(name, row), "\n") end)
  end
end

-- ---- CSV -------------------------------------------------------------------------------

-- RFC 4180; a cell that a spreadsheet would take for a formula gets a quote mark before it, and one
-- with any sign that some country's spreadsheets part cells by is quoted.
local function csv_cell(value)
  if value == nil then return "" end
  if type(value) == "number" then return tostring(value) end
  local text = tostring(value)
  local begins = text:find "^[%s%z]*[=+@%-]" or text:find "^[\t\r\n]"
    or text:find "^%s*\xEF\xBC[\x9D\x8B\x8D]" or text:find "^%s*\xEF\xBC\xA0" -- the broad ones
  if begins and not (text:find "^%-[%d.]+$" and tonumber(text)) then text = "'" .. text end
  if text:find "[\",;\t\r\n]" then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

local function csv(handle, runs, options, write)
  local name = options.table or "candidates"
  local columns = COLUMNS[name]
  write(table.concat(columns, ","), "\r\n")
  local rows = name == "purposes" and each_purpose or function(h, list, fn)
    each_of(h, name, list, fn)
  end
  rows(handle, runs, function(row)
    local cells = {}
    for i, column in ipairs(columns) do
      cells[i] = csv_cell(column == "kind" and kind_name(row.kind) or row[column])
    end
    write(table.concat(cells, ","), "\r\n")
  end)
end

-- ---- DOT -------------------------------------------------------------------------------

local function dot_text(text)
  return '"' .. display.clean(text):gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
end

-- Numbers of candidates are those of their search; of older stores those of their start.
local function dot_name(row, idx)
  return ("c%d_%d"):format(row.search_id or row.run_id, idx)
end

local function dot_node(row)
  local score = row.score and ("\n%.3f"):format(row.score) or ""
  return ("  %s [label=%s%s];"):format(dot_name(row, row.idx),
    dot_text(("%d%s"):format(row.idx, score)), row.is_best == 1 and ", penwidth=3" or "")
end

local function parents_of(row)
  return row.parents and core.json_decode(row.parents) or { row.parent_idx }
end

local function dot(handle, runs, _, write)
  write("digraph candidates {\n  node [shape=box];\n")
  each_of(handle, "candidates", runs, function(row)
    write(dot_node(row), "\n")
    for _, parent in ipairs(parents_of(row)) do
      write(("  %s -> %s;\n"):format(dot_name(row, parent), dot_name(row, row.idx)))
    end
  end)
  each(handle, "proposals", queries.rejected(runs), function(row)
    write(("  p%d [label=%s, style=dashed];\n"):format(row.id,
      dot_text(("step %d\n%s"):format(row.iteration, row.reason or ""))))
    for _, parent in ipairs(parents_of(row)) do
      write(("  %s -> p%d [style=dashed];\n"):format(dot_name(row, parent), row.id))
    end
  end)
  write("}\n")
end

-- ---- GEPA's form -----------------------------------------------------------------------

local function search_of(handle, runs, number)
  for i = #runs, 1, -1 do
    for _, row in ipairs(handle.has "searches" and handle.query(queries.searches, runs[i].id) or {})
    do
      local improves = row.kind == "train" or row.kind == "optimize"
      if improves and row.number == (number or row.number) then return row end
    end
  end
  args.fail(number and ("this run has no training %d"):format(number) or "this run has no training",
    "lunagrad show RUN lists what it has; runs of older versions have no searches")
end

local function as_gepa(handle, runs, options, write)
  local search = search_of(handle, runs, options.search)
  write(core.json_encode(require("lunagrad.cli.gepa").result(handle, search)), "\n")
end

-- ---- for trackers of experiments, and of calls ------------------------------------------

local function as_metrics(handle, runs, _, write)
  require("lunagrad.cli.trackers").metrics(handle, runs, write)
end

local function as_mlflow(handle, runs, options, write)
  require("lunagrad.cli.trackers").mlflow(handle, runs, options.search, write)
end

local function as_wandb(handle, runs, options, write)
  require("lunagrad.cli.trackers").wandb(handle, runs, options.search, write)
end

-- The spans of some starts: each start's own, then those of its calls.
local function each_span(handle, runs, options, fn)
  local otlp = require "lunagrad.cli.otlp"
  for _, run in ipairs(runs) do
    fn(otlp.run_span(run))
    each_of(handle, "calls", { run }, function(row)
      fn(otlp.call_span(run, row, options.content))
    end)
  end
end

local function as_otlp(handle, runs, options, write)
  local service = require("lunagrad.cli.collector").service()
  local head, tail = require("lunagrad.cli.otlp").frame(service)
  write(head)
  local first = true
  each_span(handle, runs, options, function(span)
    write(first and "" or ",\n", core.json_encode(span))
    first = false
  end)
  write(tail)
end

-- To a collector; what became of it is said.
local function send(handle, runs, options)
  local collector = require "lunagrad.cli.collector"
  local head, tail = require("lunagrad.cli.otlp").frame(collector.service())
  local to = collector.open(options.endpoint, { head = head, tail = tail })
  each_span(handle, runs, options, function(span) to:add(span) end)
  local told = to:close()
  io.stderr:write(("lunagrad: sent %d span%s to %s\n"):format(told.sent,
    told.sent == 1 and "" or "s", told.to))
  if told.rejected > 0 then
    args.fail(("the collector refused %d of them%s"):format(told.rejected,
      told.why and ": " .. told.why or ""))
  end
end

-- ---- the command -----------------------------------------------------------------------

local FORMATS = { jsonl = jsonl, csv = csv, dot = dot, gepa = as_gepa, metrics = as_metrics,
  mlflow = as_mlflow, wandb = as_wandb, otlp = as_otlp }
local ONE_SEARCH = { gepa = true, mlflow = true, wandb = true }

local function check(options)
  if #options.rest ~= 1 then args.fail("export needs one run", "lunagrad runs lists them") end
  options.format = options.format or options.table and "csv" or "jsonl"
  if options.table and options.format ~= "csv" then
    args.fail("--table is for --format csv", "jsonl has all tables")
  end
  if options.search and not ONE_SEARCH[options.format] then
    args.fail("--search is for --format gepa, mlflow and wandb",
      "the other formats have all searches")
  end
  for _, name in ipairs { "send", "endpoint", "content" } do
    if options[name] and options.format ~= "otlp" then
      args.fail(("--%s is for --format otlp"):format(name))
    end
  end
  if (options.send or options.endpoint) and options.output then
    args.fail("-o writes a file, and --send and --endpoint send", "one at a time")
  end
  if options.all_replies and options.format ~= "jsonl" then
    args.fail("--all-replies is for --format jsonl")
  end
end

local function to_file(options, fill)
  local parts = {}
  fill(function(...)
    for i = 1, select("#", ...) do parts[#parts + 1] = (select(i, ...)) end
  end)
  local ok, message = file.write(options.output, table.concat(parts), true)
  if not ok then args.fail(message) end
end

--- Run the command.
---@return integer exit code
function export.main(argv, first)
  local options = args.parse(export.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  check(options)
  store.use(options, function(handle)
    local runs = store.find(handle, options.rest[1])
    if options.send or options.endpoint then return send(handle, runs, options) end
    local function fill(write) FORMATS[options.format](handle, runs, options, write) end
    if options.output then return to_file(options, fill) end
    fill(function(...) io.stdout:write(...) end)
  end)
  return 0
end

return export
