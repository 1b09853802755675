--- What doctor says about files: of settings, of keys, certificates, the store.

local config = require "lunagrad.config"
local core = require "lunagrad.core"
local file = require "lunagrad.file"
local queries = require "lunagrad.book.queries"
local settings = require "lunagrad.settings"
local store_of = require "lunagrad.cli.store"

local places = {}

local LITTLE = 100 * 1000 * 1000 -- bytes: a store cannot go on for long with less
local OTHERS_READ = 4 + 32       -- group or others

-- ---- files of settings -----------------------------------------------------------

local function holds_key(found)
  for name, value in pairs(found.values) do
    if config.is_key_name(name) and value ~= "" then return name end
  end
end

local function look_at_file(add, found)
  if found.problem then
    return add("wrong", ("%s: %s"):format(found.path, found.problem),
      found.named and "name another with --env-file or --config"
        or "mend it or take it away: lunagrad help doctor says what it may hold")
  end
  local stat, key = file.stat(found.path), holds_key(found)
  if key and stat and stat.mode & OTHERS_READ ~= 0 then
    add("wrong", ("%s holds %s and others may read it (mode %04o)"):format(found.path, key,
      stat.mode), "chmod 600 " .. found.path)
  end
  if found.ignored and found.ignored[1] then
    add("wrong", ("%s: not understood: %s"):format(found.path, table.concat(found.ignored, ", ")),
      found.kind == ".env" and "lines are NAME=value, or comments behind #"
        or "names are variables (OPENAI_BASE_URL = \"…\") or run = { option = value }")
  end
  for _, name in ipairs(found.denied) do
    add("wrong", config.denial(found, name), config.mend_of_denial(found))
  end
  local who = found.named and "named by you" or found.level == "user" and "yours"
    or "the project's: your keys do not go to addresses that it names"
  add("ok", ("%s is read: %s (%s)"):format(found.path, config.count(found), who))
end

--- Which files of settings there are, and what is odd about them.
function places.settings(add)
  local list = config.files()
  for _, found in ipairs(list) do look_at_file(add, found) end
  for _, one in ipairs(config.passed_over()) do
    add("wrong", ("%s is passed over: %s"):format(one.path, one.why), config.mend_of(one))
  end
  for _, one in ipairs(require("lunagrad.cli.run").unknown_settings()) do
    add("wrong", one.text, one.mend)
  end
  if #list == 0 and #config.passed_over() == 0 then
    add("ok", ("no files of settings (.env, lunagrad.lua, %s)"):format(
      config.user_path() or "no home"))
  end
end

--- The key store.
function places.keys(add)
  local keys = config.keys()
  if not keys.path then
    return add("note", "no home: there is no key store", "set HOME or XDG_DATA_HOME")
  end
  if keys.problem then
    return add("wrong", ("%s is not used: %s"):format(keys.path, keys.problem), keys.mend)
  end
  local names = {}
  for name in pairs(keys.values) do names[#names + 1] = name end
  table.sort(names)
  if #names > 0 then
    add("ok", ("%s holds %s"):format(keys.path, table.concat(names, ", ")))
  end
end

-- ---- certificates ----------------------------------------------------------------

local function certificates_in(path)
  local handle, problem = file.open(path)
  local text = handle and handle:read "a"
  if handle then handle:close() end
  if not text then return nil, problem or "it is a folder" end
  local _, n = text:gsub("%-%-%-%-%-BEGIN [%u ]*CERTIFICATE%-%-%-%-%-", "")
  return n
end

local function look_at_bundle(add, path, from, mend)
  local n, problem = certificates_in(path)
  if not n then
    local why = tostring(problem):gsub("^.-: ", "")
    return add("wrong", ("%s: %s cannot be read: %s"):format(from, path, why), mend)
  end
  if n == 0 then
    return add("wrong", ("%s: %s holds no certificate (PEM)"):format(from, path), mend)
  end
  add("ok", ("%d in %s (%s)"):format(n, path, from))
end

--- The certificates that servers are checked with.
function places.certificates(add)
  local named
  for _, name in ipairs { "SSL_CERT_FILE", "CURL_CA_BUNDLE" } do
    local path, from = config.lookup(name)
    if path and not named then
      named = true
      look_at_bundle(add, path, ("%s, from %s"):format(name, from), "unset " .. name
        .. ", or name a file of certificates")
    end
  end
  local dir, from = config.lookup "SSL_CERT_DIR"
  local stat = dir and file.stat(dir)
  if dir and not (stat and stat.kind == "directory") then
    add("wrong", ("SSL_CERT_DIR, from %s: %s is no folder"):format(from, dir),
      "unset SSL_CERT_DIR, or name a folder of certificates (openssl rehash makes one)")
  elseif dir then
    add("ok", ("folder %s (SSL_CERT_DIR, from %s)"):format(dir, from))
  end
  if named or dir then return end
  local default_dir, default_file = require("lunagrad.look").ca()
  local found = default_file and file.stat(default_file)
  if found or not default_dir then
    return look_at_bundle(add, default_file or "(none)", "the system's",
      "install the package ca-certificates, or name a bundle with SSL_CERT_FILE")
  end
  add("ok", ("folder %s (the system's)"):format(default_dir))
end

-- ---- the store -------------------------------------------------------------------

local function parent_of(dir)
  local path = dir
  while path and not file.stat(path) do path = path:match "^(.+)/[^/]+/*$" or path:find "^/"
    and "/" or "." end
  return path
end

local function look_at_space(add, dir)
  local free = file.space(parent_of(dir))
  if not free then return end
  if free < LITTLE then
    add("wrong", ("only %s are free at %s"):format(store_of.bytes(free), dir),
      "make room, or move it: LUNAGRAD_HOME")
  else
    add("ok", ("%s are free at %s"):format(store_of.bytes(free), dir))
  end
end

local function look_inside(add, dir)
  local db = core.store_open(dir)
  local ok, problem = pcall(function()
    local version = db:query(queries.version)[1].user_version
    local size = file.stat(dir .. "/store.db").size
    local check = db:query(queries.check)[1]
    local said = check and select(2, next(check))
    if said ~= "ok" then
      return add("wrong", ("%s/store.db is damaged: %s"):format(dir, tostring(said)),
        "copy what lunagrad export still reads, then move it away: a new one is made")
    end
    add("ok", ("%s/store.db: %s, tables of version %d, sound"):format(dir, store_of.bytes(size),
      version))
  end)
  db:close()
  if not ok then error(problem, 0) end
end

--- The store: where, whether it can be written, its state.
function places.store(add, named)
  local dir = named or settings.default_dir()
  local parent = parent_of(dir)
  if not file.writable(parent) then
    add("wrong", ("%s cannot be written"):format(parent),
      "chmod u+w, or name another place: LUNAGRAD_HOME")
  end
  look_at_space(add, dir)
  if not file.stat(dir .. "/store.db") then
    return add("ok", ("none in %s: the first run makes one"):format(dir))
  end
  if file.locked(dir .. "/store.lock") then
    add("note", "another process is writing it now; runs share it")
  end
  look_inside(add, dir)
end

-- ---- limits ----------------------------------------------------------------------

--- Open files against calls in flight.
function places.limits(add)
  local soft, hard = require("lunagrad.term").open_files()
  local wanted = math.tointeger(tonumber(config.get(config.run_name "concurrency") or 64)) or 64
  local needed = wanted + 50
  if soft >= 0 and soft < needed then
    add("wrong", ("%d files may be open, and %d calls in flight need about %d"):format(soft, wanted,
      needed), (hard < 0 or hard >= needed) and ("ulimit -n %d"):format(needed)
      or ("--concurrency %d"):format(math.max(1, soft - 50)))
  else
    add("ok", ("%s may be open, enough for %d calls in flight"):format(
      soft < 0 and "any number" or ("%d"):format(soft), wanted))
  end
end

return places
