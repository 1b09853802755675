--- `lunagrad cache stats|prune|clear`: the replies and tool results that are kept.
--
-- What is deleted is bought again when a script asks for it; records of runs stay.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local ledger = require "lunagrad.book.ledger"
local prices = require "lunagrad.prices"
local queries = require "lunagrad.book.queries"
local store = require "lunagrad.cli.store"

local cache = {}

local HELP = [[
usage: lunagrad cache stats [options]
       lunagrad cache prune --older-than DAYS | --model NAME | --run RUN [options]
       lunagrad cache clear --yes [options]

The replies of models and the results of tools that are kept, so that they are never bought twice.
stats counts them; prune deletes some; clear deletes all. What is deleted is bought again when a
script asks for it. The records of runs (candidates, proposals, scores, what was paid) stay.

  --older-than DAYS  what was bought so many days ago or earlier
  --model NAME       what this model answered, as provider/model
  --run RUN          what the starts of this run bought
  --dry-run          count what prune or clear would delete, and delete nothing
  --yes              clear without this only says what it would delete
]] .. store.HELP .. [[

examples:
  lunagrad cache stats
  lunagrad cache prune --older-than 90
  lunagrad cache clear --yes
]]

cache.spec = { name = "cache", options = store.with {
  { names = { "--older-than" }, key = "days", type = "number", min = 0, max = 100000,
    what = "days" },
  { names = { "--model" }, key = "model", type = "word", what = "a model" },
  { names = { "--run" }, key = "run", type = "word", what = "a run" },
  { names = { "--dry-run" }, key = "dry_run", type = "flag" },
  { names = { "--yes" }, key = "yes", type = "flag" },
} }

local WHAT = { "stats", "prune", "clear" }

--- The text of `lunagrad help cache`.
function cache.help() return HELP end

-- ---- stats -----------------------------------------------------------------------------

local function file_size(path)
  local stat = require("lunagrad.file").stat(path)
  return stat and stat.size or 0
end

local function stats(handle, options)
  local rows = handle.query(queries.replies_by_model)
  local tools = handle.one(queries.count_results())
  local size = file_size(handle.dir .. "/store.db")
  local total = { model = "all", calls = 0, bytes = 0, micros = 0, unpriced = 0 }
  for _, row in ipairs(rows) do
    for _, name in ipairs { "calls", "bytes", "micros", "unpriced" } do
      total[name] = total[name] + (row[name] or 0)
    end
  end
  if options.json then
    local models = {}
    for i, row in ipairs(rows) do
      models[i] = { model = row.model, replies = row.calls, bytes = row.bytes,
        paid_usd = store.dollars(row.unpriced == 0 and row.micros or nil), first_us = row.first,
        last_us = row.last }
    end
    return store.emit { dir = handle.dir, file_bytes = size, replies = total.calls,
      reply_bytes = total.bytes, tool_results = tools.n, models = store.array(models) }
  end
  local list = { { "model", "replies", "size", "paid", "from", "to" } }
  for _, row in ipairs(rows) do
    list[#list + 1] = { row.model, row.calls, store.bytes(row.bytes or 0), ledger.row_cost(row),
      store.time(row.first), store.time(row.last) }
  end
  local lines = #rows > 0 and require("lunagrad.cli.table").lines(list, "lrrlll") or {}
  lines[#lines + 1] = ("%d repl%s (%s), %d result%s of tools; %s is %s"):format(total.calls,
    total.calls == 1 and "y" or "ies", store.bytes(total.bytes), tools.n, tools.n == 1 and ""
    or "s", handle.dir .. "/store.db", store.bytes(size))
  store.print(lines)
end

-- ---- prune and clear -------------------------------------------------------------------

-- The condition on replies, its parameters, and whether results of tools are meant, too.
local function condition(handle, options)
  local before = options.days and math.floor((os.time() - options.days * 86400) * 1e6)
  local where, values = queries.kept(before, options.model,
    options.run and store.find(handle, options.run))
  return where, values, options.days and not options.model and not options.run
end

local function known_model(handle, options)
  if not options.model then return end
  local names = {}
  for i, row in ipairs(handle.query(queries.models_of_replies)) do names[i] = row.model end
  for _, name in ipairs(names) do
    if name == options.model then return end
  end
  args.fail(("no reply of %q is kept"):format(options.model), args.did_you_mean(options.model,
    names, "lunagrad cache stats lists the models"))
end

local function counted(handle, where, values)
  return handle.one(queries.count_replies(where), table.unpack(values))
end

local function tell(options, found, deleted)
  if options.json then
    return store.emit { deleted = deleted, replies = found.replies, bytes = found.bytes,
      tool_results = found.tools,
      paid_usd = store.dollars(found.unpriced == 0 and found.micros or nil) }
  end
  local text = ("%d repl%s (%s, paid %s) and %d result%s of tools"):format(found.replies,
    found.replies == 1 and "y" or "ies", store.bytes(found.bytes),
    found.replies > 0 and found.unpriced == 0 and prices.text(found.micros) or "n/a",
    found.tools, found.tools == 1 and "" or "s")
  io.stdout:write(deleted and "deleted " or "would delete ", text, "\n")
end

local function delete(options, where, values, tools)
  local found = store.use(options, function(handle)
    local row = counted(handle, where, values)
    row.tools = tools and handle.one(queries.count_results(where), table.unpack(values)).n or 0
    return row
  end)
  local sure = not options.dry_run and (options.what == "prune" or options.yes)
  if sure then
    local dir = store.dir(options)
    core.store_maintain(dir, queries.drop_replies(where), table.unpack(values))
    if tools then
      core.store_maintain(dir, queries.drop_results(where), table.unpack(values))
    end
    -- Gives the space back; while others read or write it stays in the file, to be used again.
    if found.replies + found.tools > 0 then pcall(core.store_maintain, dir, queries.shrink) end
  end
  tell(options, found, sure == true)
  if not sure and options.what == "clear" and not options.dry_run and not options.json then
    io.stdout:write "nothing was deleted: lunagrad cache clear --yes does it\n"
  end
end

local function prune(options)
  if not (options.days or options.model or options.run) then
    args.fail("cache prune: nothing says what to delete", "--older-than DAYS, --model NAME or"
      .. " --run RUN; lunagrad cache clear deletes all")
  end
  local where, values, tools
  store.use(options, function(handle)
    known_model(handle, options)
    where, values, tools = condition(handle, options)
  end)
  delete(options, where, values, tools)
end

--- Run the command.
---@return integer exit code
function cache.main(argv, first)
  local options = args.parse(cache.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  local what = options.rest[1]
  options.what = what
  if what == "stats" then
    store.use(options, function(handle) stats(handle, options) end)
  elseif what == "prune" then
    prune(options)
  elseif what == "clear" then
    delete(options, queries.all, {}, true)
  else
    args.fail(what and ("cache does not know %q"):format(display.clean_line(what))
      or "cache: nothing to do given", what and args.did_you_mean(what, WHAT,
        "stats, prune or clear") or "lunagrad cache stats, prune or clear")
  end
  return 0
end

return cache
