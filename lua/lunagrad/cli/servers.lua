--- The servers that can be asked from here: which, with whose key, and what they have.
--
-- For cli.models and cli.doctor. Whatever reads keys here runs in a process of its own
-- (servers.apart), which is gone before anything is printed: only names of keys come out of it,
-- and what servers said with every known key starred out.

local config = require "lunagrad.config"
local core = require "lunagrad.core"
local providers = require "lunagrad.providers"
local term = require "lunagrad.term"

local servers = {}

servers.TIMEOUT_MS = 2000

-- ---- apart from the process that prints -----------------------------------------

local secrets = {} -- in the process apart only

local function keep_secret(key)
  if #key >= 6 then secrets[key] = true end
end

-- What a server or an address says, without keys that it may say back. As short as "ollama" a
-- word may be a key that is none.
local function star_out(text)
  for secret in pairs(secrets) do text = text and text:gsub(secret:gsub("%p", "%%%0"), "***") end
  return text
end

--- What fn() returns (a table that JSON can hold), made in a process of its own.
---@param fn function
---@return table
function servers.apart(fn)
  local text, problem = term.apart(function()
    local ok, result = pcall(fn)
    if not ok then
      result = require("lunagrad.errors").wrap(result)
      result = { failed = star_out(result.message), hint = star_out(result.hint) }
    end
    return core.json_encode(result)
  end)
  if not text then error("a process apart failed: " .. tostring(problem), 0) end
  local result = assert(core.json_decode(text))
  if result.failed then
    require("lunagrad.errors").raise("state", result.failed, result.hint, 0)
  end
  return result
end

-- ---- which there are -------------------------------------------------------------

local function each_name(fn)
  for _, name in ipairs(term.env_names()) do fn(name) end
  for _, found in ipairs(config.files()) do
    for name in pairs(found.values) do fn(name) end
  end
end

-- FOO_BASE_URL that belongs to no row makes a provider "foo".
local function own_names()
  local known, found = {}, {}
  for name, row in pairs(providers.rows) do
    for _, base in ipairs(row.bases or { providers.env_name(name) .. "_BASE_URL" }) do
      known[base] = true
    end
  end
  each_name(function(name)
    local prefix = name:match "^([%u][%u%d_]*)_BASE_URL$"
    if prefix and not known[name] then found[prefix:lower()] = true end
  end)
  return found
end

--- The names of all providers, rows and those that variables make, sorted.
---@return string[]
function servers.names()
  local set, list = own_names(), {}
  for name in pairs(providers.rows) do set[name] = true end
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- An address without what may be secret in it.
local function shown(url)
  if not url then return nil end
  url = url:gsub("^(%a[%w+.-]*://)[^/?#]*@", "%1***@")
  return star_out((url:gsub("=[^&#]*", function(value)
    return #value > 20 and "=***" or nil
  end)))
end

local function is_local(url)
  local host = url:match "^%a+://%[?([^/%]?#]*)" or ""
  host = host:gsub(":%d+$", "")
  return host == "localhost" or host:find "^127%." ~= nil or host == "::1"
end
servers.is_local = is_local

-- The name of the key that was found, sent or not, and where it is from.
local function key_of(spec, seen)
  if spec.api_key then keep_secret(spec.api_key) end
  local token = spec.headers.Authorization
  if token then keep_secret(token:match "^Bearer (.*)$") end
  for _, name in ipairs { spec.key_name, spec.row.token } do
    if spec.key_place and seen[name] then return name, seen[name] end
  end
end

local function base_of(spec, seen, prefix)
  local names = { table.unpack(spec.row.bases or { prefix .. "_BASE_URL" }) }
  names[#names + 1] = spec.row.host
  for _, name in ipairs(names) do
    if seen[name] then return name, seen[name] end
  end
end

local function describe(name)
  local seen = {}
  local function setting(variable)
    local value, source, place = config.lookup(variable)
    seen[variable] = source
    if value and config.is_key_name(variable) then
      keep_secret(value)
      keep_secret(value:match "^%s*(.-)%s*$")
    end
    return value, source, place
  end
  local ok, spec = pcall(providers.resolve, name, {}, setting)
  if not ok then
    return { provider = name, configured = true, problem = spec.message or tostring(spec),
      mend = spec.hint }
  end
  local row = spec.row
  local key_name, key_source = key_of(spec, seen)
  local base_name, base_source = base_of(spec, seen, providers.env_name(name))
  local needs_none = row.key == false
  local is_row = providers.rows[name] ~= nil
  return { provider = name, dialect = spec.dialect, base_url = shown(spec.base_url),
    base_name = base_name or spec.base_name, base_from = base_source,
    key_name = key_name or spec.key_name, key_from = key_source, needs_key = spec.needs_key,
    keyless = needs_none or not is_row, warning = spec.warning,
    problem = spec.problem and spec.problem.message, mend = spec.problem and spec.problem.hint,
    key_blanks = spec.key_blanks,
    host_text = row.host and seen[row.host] and shown(setting(row.host)) or nil,
    default_base = row.base, ["local"] = spec.base_url and is_local(spec.base_url) or false,
    configured = spec.base_url ~= nil and not spec.needs_key and not spec.problem
      and (key_name ~= nil or base_source ~= nil or needs_none),
    stated = key_name ~= nil or base_source ~= nil,
    no_address = spec.base_url == nil or nil, spec = spec }
end

--- What is known of servers without asking them; spec holds keys and stays in the process apart.
---@param only string|nil a provider's name
---@return table list
function servers.list(only)
  local list = {}
  for i, name in ipairs(only and { only } or servers.names()) do list[i] = describe(name) end
  return list
end

-- ---- looking ---------------------------------------------------------------------

local function request_of(spec, base)
  local probe = providers.probe(spec)
  local lines = {}
  for _, header in ipairs(probe.headers) do
    lines[#lines + 1] = ("%s: %s\n"):format(header[1], header[2])
  end
  if probe.api_key then lines[#lines + 1] = ("Authorization: Bearer %s\n"):format(probe.api_key) end
  local path, query = (base or probe.base_url):match "^([^?]*)(.*)$"
  return { url = path:gsub("/+$", "") .. probe.model .. query, headers = table.concat(lines) }
end

-- {data = {{id}}}, {models = {{name}}} or a list of them.
local function ids_of(body)
  local reply = core.json_decode(body or "")
  if type(reply) ~= "table" then return nil end
  local list = type(reply.data) == "table" and reply.data
    or type(reply.models) == "table" and reply.models or reply[1] and reply
  if type(list) ~= "table" then return nil end
  local ids = {}
  for _, one in ipairs(list) do
    local id = type(one) == "table" and (one.id or one.name or one.model)
    if type(id) == "string" then ids[#ids + 1] = star_out((id:gsub("^models/", ""))) end
  end
  table.sort(ids)
  return ids
end

local function words_of(row, has_key)
  local status = row.status
  if row.error then return row.error end
  if status == 401 and not has_key then return "it wants a key (HTTP 401)" end
  if status == 403 and (row.body or ""):find("^%s*<") then
    return "a web page answered, of a firewall or proxy before it (HTTP 403)"
  end
  if status == 401 or status == 403 then
    return ("it refused the key (HTTP %d)"):format(status)
  elseif status == 404 or status == 405 then
    return ("it has no list of models at this address (HTTP %d)"):format(status)
  elseif status >= 300 and status < 400 then
    return ("it sends on to %s (HTTP %d)"):format(row.moved_to or "another address", status)
  elseif status ~= 200 then
    return ("it answered HTTP %d"):format(status)
  end
  return "its answer is no list of models"
end

local function take(one, row)
  one.asked, one.reachable = true, (row.status or 0) > 0
  one.status, one.ms, one.date = row.status, row.ms, row.date
  one.models = row.status == 200 and ids_of(row.body) or nil
  if not one.models then
    one.error, one.hint = star_out(words_of(row, one.key_from)), star_out(row.hint)
    one.error_kind = row.kind
  end
end

-- The better of two answers from places where one server may be.
local function better(a, b)
  if (a.status == 200) ~= (b.status == 200) then return b.status == 200 end
  return (a.status or 0) == 0 and (b.status or 0) > 0
end

--- Ask all of them for their models, at once; each gets asked, reachable, status, ms, date, and
--- models or error. Local servers that nobody named are looked for where they usually listen.
---@param list table of servers.list
function servers.look(list)
  local rows = {}
  for _, one in ipairs(list) do
    if one.configured and one.spec then
      local row = request_of(one.spec)
      row.one = one
      rows[#rows + 1] = row
      for _, base in ipairs(not one.base_from and one.spec.row.also or {}) do
        local again = request_of(one.spec, base)
        again.one, again.base = one, base
        rows[#rows + 1] = again
      end
    end
  end
  local ca = require("lunagrad.model").engine_settings()
  require("lunagrad.look").get(rows, { timeout_ms = servers.TIMEOUT_MS, ca_file = ca.ca_file,
    ca_path = ca.ca_path })
  local best = {}
  for _, row in ipairs(rows) do
    if not best[row.one] or better(best[row.one], row) then best[row.one] = row end
  end
  for one, row in pairs(best) do
    take(one, row)
    if row.base then one.base_url = row.base end
  end
end

--- What of them may leave the process apart.
---@param list table
function servers.public(list)
  for _, one in ipairs(list) do
    one.spec = nil
    if one.models then one.models = setmetatable(one.models, core.array) end
  end
  return setmetatable(list, core.array)
end

return servers
