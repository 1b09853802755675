--- The store as the commands see it: opened to be read, its runs found, its times and costs told.
--
-- Never writes and never checkpoints; a run may go on meanwhile.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local file = require "lunagrad.file"
local prices = require "lunagrad.prices"
local queries = require "lunagrad.book.queries"
local settings = require "lunagrad.settings"

local store = {}

--- The option that every command of the store has.
store.options = {
  { names = { "--store" }, key = "store", type = "word", what = "a directory" },
  { names = { "--json" }, key = "json", type = "flag" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
}

store.HELP = [[
  --store DIR    the store's directory (default: LUNAGRAD_HOME, or .lunagrad here)
  --json         JSON on stdout, for programs
]]

--- Options of a command and those of all of them.
---@param own table
---@return table
function store.with(own)
  local all = table.move(own, 1, #own, 1, {})
  return table.move(store.options, 1, #store.options, #all + 1, all)
end

local function exists(path) return require("lunagrad.file").stat(path) ~= nil end

--- The directory that the options name.
function store.dir(options) return options.store or settings.default_dir() end

local function none(dir)
  args.fail(("there is no store in %s"):format(dir),
    "lunagrad run makes one; --store DIR names another")
end

-- Tables that a store of an older version lacks, until a run brings it forward.
local function has(db, name)
  return #db:query(queries.table_named, name) > 0
end

--- Open a store to read it; a usage error when there is none.
---@param options table {store}
---@return table handle {dir, query(sql, …) → rows, columns(sql, …) → how many rows, a list a column,
--- one(sql, …) → the first row, has(table)}
function store.open(options)
  local dir = store.dir(options)
  if not exists(dir .. "/store.db") then none(dir) end
  local db = core.store_open(dir)
  return { dir = dir, db = db,
    query = function(sql, ...) return db:query(sql, ...) end,
    columns = function(sql, ...) return db:columns(sql, ...) end,
    one = function(sql, ...) return db:query(sql, ...)[1] end,
    has = function(name) return has(db, name) end,
    close = function() db:close() end }
end

--- Do something with an open store, and close it however that ends.
function store.use(options, fn)
  local handle = store.open(options)
  local ok, result = pcall(fn, handle)
  handle.close()
  if not ok then error(result, 0) end
  return result
end

-- ---- runs ------------------------------------------------------------------------------

--- How a run stands: what it says itself, unless its process is gone.
---@param handle table
---@param run table a row
---@return string "running", "killed", "done", "interrupted", "limit" or "failed"
function store.state(handle, run)
  if run.state ~= "running" then return run.state end
  return file.locked(("%s/runs/%d.lock"):format(handle.dir, run.id)) and "running" or "killed"
end

local function known_names(handle)
  local names = {}
  for i, row in ipairs(handle.query(queries.run_names)) do
    names[i] = row.name
  end
  return names
end

--- All starts of a run, the oldest first. RUN is a name or the id of one start.
---@param handle table
---@param word string
---@return table rows
function store.find(handle, word)
  local rows
  if word:find "^%d+$" then
    rows = handle.query(queries.run_of_id, math.tointeger(tonumber(word)))
  else
    rows = handle.query(queries.runs_of_name, word)
  end
  if #rows == 0 then
    args.fail(("there is no run %q in %s"):format(word, handle.dir),
      args.did_you_mean(word, known_names(handle), "lunagrad runs lists them"))
  end
  return rows
end

-- ---- calls without a reply -------------------------------------------------------------

local function in_hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- Keys that a start meant to ask for, and of which neither a reply nor a clear failure is known.
-- A start that goes on still waits for its replies.
local function ambiguous_of(handle, run, found)
  for _, call in ipairs(handle.db:ambiguous(run.id)) do
    found[#found + 1] = { run_id = run.id, attempt = call.attempt,
      key = #call.key == 32 and in_hex(call.key) or call.key, worst_micros = call.worst_micros,
      again = call.again, created_us = call.created_us, code = call.code, message = call.message }
  end
end

--- Calls that may have been paid for without a reply, of these starts.
---@param handle table
---@param runs table rows
---@return table list {run_id, key, attempt, worst_micros, created_us, code, message, again: a reply
--- to the same request is stored by now}
function store.ambiguous(handle, runs)
  local found = {}
  for _, run in ipairs(runs) do
    if store.state(handle, run) ~= "running" then ambiguous_of(handle, run, found) end
  end
  return found
end

--- Their worst cost together; nil when any of it is unknown.
---@return integer|nil
function store.worst(list)
  local sum = 0
  for _, call in ipairs(list) do
    if not call.worst_micros or call.worst_micros < 0 then return nil end
    sum = sum + call.worst_micros
  end
  return sum
end

--- "3 calls … may have been paid for …" about the starts of a run since it last ended well; nil
--- when there are none, or no store.
---@param dir string
---@param name string
---@return string|nil
function store.ambiguous_before(dir, name)
  if not exists(dir .. "/store.db") then return nil end
  local ok, text = pcall(store.use, { store = dir }, function(handle)
    local rows = handle.query(queries.runs_since_done, name, name)
    local list = {}
    for _, call in ipairs(store.ambiguous(handle, rows)) do
      if not call.again then list[#list + 1] = call end
    end
    if #list == 0 then return nil end
    return ("%d call%s of earlier starts may have been paid for without a reply, at worst %s")
      :format(#list, #list == 1 and "" or "s", prices.text(store.worst(list)))
  end)
  -- A store that another run is just making, or that is broken: the engine will say so.
  return ok and text or nil
end

-- ---- for people ------------------------------------------------------------------------

--- "2026-11-22 14:03" in local time.
function store.time(us)
  return us and us > 0 and os.date("%Y-%m-%d %H:%M", us // 1000000) or "-"
end

--- Bytes as 950 B, 12.3 kB, 4.5 MB.
function store.bytes(n)
  if n < 1000 then return ("%d B"):format(n) end
  for _, unit in ipairs { "kB", "MB", "GB" } do
    n = n / 1000
    if n < 1000 or unit == "GB" then return ("%.1f %s"):format(n, unit) end
  end
end

--- Lines to stdout.
function store.print(lines) require("lunagrad.cli.screen").print(lines) end

--- A JSON line to stdout.
function store.emit(value) io.stdout:write(core.json_encode(value), "\n") end

--- nil as JSON's null.
function store.or_null(value)
  if value == nil then return core.null end
  return value
end

--- A list that stays one when it is empty.
function store.array(list) return setmetatable(list, core.array) end

--- Dollars as a number; null when unknown.
function store.dollars(micros) return micros and micros / 1e6 or core.null end

return store
