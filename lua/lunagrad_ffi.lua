--- lunagrad_ffi.lua: lunagrad for hosts with LuaJIT: LÖVE, Neovim, OpenResty, Defold and others.
--
--   local lg = require "lunagrad_ffi"
--   local job = lg.run('return lg.model "sim" "How many are two and two?":text()')
--   … in a frame or a timer:   if job:poll() ~= "pending" then print(job.result, job.error) end
--
-- One file over liblunagrad's C interface, in the syntax of Lua 5.1. The scripts that it runs are
-- in the library's own Lua 5.4, with limits: they share nothing with the host's Lua but what goes
-- in and comes out as JSON. No callback of C calls Lua: what a script asks the host for are events,
-- which step() and poll() answer. Nothing here waits but what is called wait. See docs/lua-hosts.md.
-- A stock Lua 5.3, 5.4 or 5.5 has the whole library as a module instead: require "lunagrad".

local has_ffi, ffi = pcall(require, "ffi")
if not has_ffi then
  error('lunagrad_ffi needs the ffi of LuaJIT; Lua 5.3, 5.4 and 5.5 have require "lunagrad"', 0)
end

local DECLARATIONS, SONAME -- at the end of this file
local lg = {}

--- What stands for JSON's null: lg.null == nil is true, and yet a table keeps it.
lg.null = ffi.cast("void *", 0)
--- What a function returns that answers later, by call:reply(value) or call:fail(message).
lg.later = setmetatable({}, { __tostring = function() return "lunagrad: answered later" end })

-- ---- the library ------------------------------------------------------------------------

local lib -- liblunagrad, when it is loaded

-- Where it may be: where LUNAGRAD_LIBRARY says, beside this file as it is installed, in the system.
local function places()
  local list, said = {}, os.getenv "LUNAGRAD_LIBRARY"
  if said and said ~= "" then return { said } end
  local prefix = debug.getinfo(1, "S").source:match "^@(.*)/share/lua/5%.1/[^/]*$"
  if prefix then list[1] = prefix .. "/lib/" .. SONAME end
  list[#list + 1] = SONAME
  list[#list + 1] = "lunagrad"
  return list
end

--- The C library itself, loaded when it is first needed: all of lunagrad.h but its inline functions.
--- A path counts if nothing was loaded before; without one: LUNAGRAD_LIBRARY, then where it is installed.
---@param path? string
function lg.load(path)
  if lib then return lib end
  local problems = {}
  for _, place in ipairs(path and { path } or places()) do
    local ok, loaded = pcall(ffi.load, place)
    if ok then
      lib = loaded
      if not pcall(ffi.typeof, "lg_engine") then -- a host that loads this file again has them
        ffi.cdef(DECLARATIONS)
      end
      return lib
    end
    problems[#problems + 1] = tostring(loaded)
  end
  error("lunagrad_ffi: liblunagrad cannot be loaded (set LUNAGRAD_LIBRARY to its path): "
    .. table.concat(problems, "; "), 0)
end

-- ---- JSON -------------------------------------------------------------------------------
-- Values nest as deep as memory goes: nothing here calls itself.

local ARRAY = { __name = "lunagrad.array" }
local json = {}
lg.json = json

--- Marks a table as a list, so that an empty one is written as []. decode() marks all lists.
function json.array(list) return setmetatable(list or {}, ARRAY) end

local NAMES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n",
  ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped(c) return NAMES[c] or ("\\u%04x"):format(c:byte()) end

-- The byte that is no UTF-8, or nil. As lg_utf8_check: no surrogates, no overlong forms.
local FORMS = { "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]",
  "^[\225-\236\238-\239][\128-\191][\128-\191]", "^\237[\128-\159][\128-\191]",
  "^\240[\144-\191][\128-\191][\128-\191]", "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]" }
local function no_utf8(text)
  local at = text:find "[\128-\255]"
  while at do
    local last
    for i = 1, #FORMS do
      local _, to = text:find(FORMS[i], at)
      last = last or to
    end
    if not last then return at end
    at = text:find("[\128-\255]", last + 1)
  end
end

local function quoted(text)
  local at = no_utf8(text)
  if at then error(("a string is no UTF-8 (byte %d of it)"):format(at), 0) end
  return '"' .. text:gsub('[%z\1-\31"\\\127]', escaped) .. '"'
end

local function number_text(n)
  if n ~= n or n == math.huge or n == -math.huge then error("JSON has no " .. tostring(n), 0) end
  if n % 1 == 0 and n > -2 ^ 53 and n < 2 ^ 53 then return ("%.0f"):format(n) end
  for digits = 14, 17 do
    local text = ("%." .. digits .. "g"):format(n)
    if tonumber(text) == n then return text end
  end
end

local INTEGERS = { ["int64_t"] = true, ["uint64_t"] = true }

local function scalar_text(value)
  local kind = type(value)
  if value == lg.null then return "null" end -- nil and other libraries' null pointers as well
  if kind == "string" then return quoted(value) end
  if kind == "number" then return number_text(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "cdata" and INTEGERS[tostring(ffi.typeof(value)):match "<(.*)>"] then
    return (tostring(value):gsub("U?LL$", ""))
  end
  error(("a %s has no form in JSON"):format(kind), 0)
end

-- The names of an object in order, or nil for a list.
local function names_of(t)
  if getmetatable(t) == ARRAY then return nil end
  local names, n, is_list = {}, 0, true
  for key in pairs(t) do
    n = n + 1
    names[n] = key
    if type(key) ~= "number" or key % 1 ~= 0 or key < 1 then is_list = false end
  end
  if is_list and n > 0 then
    if #t ~= n then error("a list has holes: lg.null stands for null", 0) end
    return nil
  end
  for _, key in ipairs(names) do
    if type(key) ~= "string" then error("a table has names and numbers as keys", 0) end
  end
  table.sort(names)
  return names
end

--- The JSON of a value, names in order; raises what has none.
---@return string
function json.encode(value)
  local out, stack, open = {}, {}, {}
  local function write(one)
    if type(one) ~= "table" then
      out[#out + 1] = scalar_text(one)
      return
    end
    if open[one] then error("a table holds itself", 0) end
    open[one] = true
    local names = names_of(one)
    stack[#stack + 1] = { table = one, names = names, i = 0, n = #(names or one) }
    out[#out + 1] = names and "{" or "["
  end
  write(value)
  while #stack > 0 do
    local top = stack[#stack]
    top.i = top.i + 1
    if top.i > top.n then
      out[#out + 1] = top.names and "}" or "]"
      open[top.table] = nil
      stack[#stack] = nil
    else
      local key = top.names and top.names[top.i] or top.i
      if top.i > 1 then out[#out + 1] = "," end
      if top.names then out[#out + 1] = quoted(key) .. ":" end
      write(top.table[key])
    end
  end
  return table.concat(out)
end

local function utf8_char(code)
  local floor, char = math.floor, string.char
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 0x40), 0x80 + code % 0x40) end
  if code < 0x10000 then
    return char(0xE0 + floor(code / 0x1000), 0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return char(0xF0 + floor(code / 0x40000), 0x80 + floor(code / 0x1000) % 0x40,
    0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local PLAIN = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\",
  ["/"] = "/" }

local function bad(at, what) error(("%s at byte %d"):format(what, at), 0) end

-- What the escape at the backslash stands for, and where the text goes on. Half a pair is U+FFFD.
local function unescaped(text, at)
  local plain = PLAIN[text:sub(at + 1, at + 1)]
  if plain then return plain, at + 2 end
  local high = text:match("^u(%x%x%x%x)", at + 1)
  if not high then bad(at, "an escape that is none") end
  local code = tonumber(high, 16)
  if code < 0xD800 or code > 0xDFFF then return utf8_char(code), at + 6 end
  local low = code < 0xDC00 and tonumber(text:match("^\\u(%x%x%x%x)", at + 6) or "", 16)
  if not low or low < 0xDC00 or low > 0xDFFF then return "\239\191\189", at + 6 end
  return utf8_char(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), at + 12
end

-- The string that begins at a quote, and where the text goes on.
local function string_at(text, at)
  local parts, from = {}, at + 1
  while true do
    local to = text:find('[%z\1-\31"\\]', from)
    if not to then bad(at, "a string without its end") end
    parts[#parts + 1] = text:sub(from, to - 1)
    local c = text:sub(to, to)
    if c == '"' then return table.concat(parts), to + 1 end
    if c ~= "\\" then bad(to, "a control character in a string") end
    parts[#parts + 1], from = unescaped(text, to)
  end
end

local WORDS = { ["true"] = true, ["false"] = false, ["null"] = lg.null }

local function scalar_at(text, at)
  if text:sub(at, at) == '"' then return string_at(text, at) end
  local word = text:match("^%l+", at)
  if word and WORDS[word] ~= nil or word == "null" then return WORDS[word], at + #word end
  local whole = text:match("^-?%d+", at)
  if not whole or whole:find "^-?0%d" then bad(at, "no value") end
  local part = text:match("^%.%d+", at + #whole) or ""
  local power = text:match("^[eE][+-]?%d+", at + #whole + #part) or ""
  local digits = whole .. part .. power
  return tonumber(digits), at + #digits
end

local CLOSES = { list = "]", object = "}" }

local function decode(text)
  local at, state = 1, "value" -- also: list, object (just begun), name, after, over
  local top, root              -- top: what is being filled, over what it stands in
  local function put(value)
    if not top then
      root = value
    elseif top.kind == "list" then
      top.n = top.n + 1
      top.value[top.n] = value
    else
      top.value[top.name] = value
    end
  end
  local function close()
    at, top = at + 1, top.below
    state = top and "after" or "over"
  end
  while true do
    at = text:find("[^ \t\r\n]", at) or #text + 1
    local c = text:sub(at, at)
    if state == "over" then
      if c ~= "" then bad(at, "more than one value") end
      return root
    elseif top and (state == "after" or state == top.kind) and c == CLOSES[top.kind] then
      close()
    elseif state == "after" then
      if c ~= "," then bad(at, "neither , nor " .. CLOSES[top.kind]) end
      at, state = at + 1, top.kind == "list" and "value" or "name"
    elseif state == "name" or state == "object" then
      if c ~= '"' then bad(at, "no name in quotes") end
      top.name, at = string_at(text, at)
      at = text:find("[^ \t\r\n]", at) or at
      if text:sub(at, at) ~= ":" then bad(at, "no : behind a name") end
      at, state = at + 1, "value"
    elseif c == "[" or c == "{" then
      local value = c == "[" and json.array {} or {}
      put(value)
      top = { kind = c == "[" and "list" or "object", value = value, n = 0, below = top }
      at, state = at + 1, top.kind
    else
      local value
      value, at = scalar_at(text, at)
      put(value)
      state = top and "after" or "over"
    end
  end
end

--- The value of a JSON text; null is lg.null, a number is a double.
---@return any value
---@return string|nil problem in its stead
function json.decode(text)
  local ok, value = pcall(decode, text)
  if ok then return value end
  return nil, value
end

-- ---- options ------------------------------------------------------------------------------

-- How many letters must change to make b of a; 3 and more is as good as all.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local corner = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      corner, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, corner + cost)
    end
  end
  return row[#b]
end

local function suggestion(key, spec)
  local best, least
  for name in pairs(spec) do
    local d = distance(tostring(key), name)
    if d < 3 and (not least or d < least or d == least and name < best) then
      best, least = name, d
    end
  end
  return best and (", did you mean %q?"):format(best) or ""
end

-- Is a value of this type? "count" is a whole number from 0 on; a seed may be below.
local IS = {
  any = function() return true end,
  count = function(x) return type(x) == "number" and x >= 0 and x % 1 == 0 and x < 2 ^ 53 end,
  int = function(x) return type(x) == "number" and x >= 0 and x % 1 == 0 and x < 2 ^ 31 end,
  limit = function(x) return type(x) == "number" and x >= -1 and x % 1 == 0 and x < 2 ^ 53 end,
  amount = function(x) return type(x) == "number" and x >= 0 and x < 2 ^ 53 / 1e6 end,
  seed = function(x)
    return type(x) == "number" and x % 1 == 0 and math.abs(x) < 2 ^ 53 or type(x) == "cdata"
  end,
}
local CALLED = { count = "a whole number from 0 on", int = "a whole number from 0 to 2147483647",
  limit = "a whole number from -1 on", amount = "a number from 0 on", seed = "a whole number" }

local function check(opts, spec, where, level)
  if opts == nil then return {} end
  if type(opts) ~= "table" then error(where .. ": expected a table of options", level) end
  for key, value in pairs(opts) do
    local kind = spec[key]
    if not kind then
      error(("%s: no option %q%s"):format(where, tostring(key), suggestion(key, spec)), level)
    end
    if not (IS[kind] and IS[kind](value) or type(value) == kind) then
      error(("%s: %s must be %s, got %s"):format(where, key, CALLED[kind] or "a " .. kind,
        type(value) == "number" and value or type(value)), level)
    end
  end
  return opts
end

local function seed_of(x)
  return ffi.cast("uint64_t", type(x) == "number" and ffi.cast("int64_t", x) or x)
end

-- ---- answers to what a script asks the host for -------------------------------------------

-- One line of what was raised; an address would be another in every run.
local function first_line(problem)
  local said = type(problem) == "table" and rawget(problem, "message") or problem
  local line = tostring(said):match "[^\n]*"
  if line:find "^%l+: 0x%x+" then line = ("a %s without a message"):format(type(said)) end
  return no_utf8(line) and "an error whose words are no UTF-8" or line
end

local Call = {} -- of a function, or of a model that the host is
Call.__index = Call

--- Answer it. False when nobody waits for the answer any more.
---@return boolean
function Call:reply(value)
  local e = self.engine.e
  if not e or self.answered then return false end
  local code
  if self.job then
    local text = value ~= nil and json.encode(value) or ""
    if not self.job.script then return false end
    code = lib.lg_script_return(self.job.script, self.id, text, #text)
  else
    if type(value) ~= "string" then error("a model replies with a string", 0) end
    code = lib.lg_call_reply(e, self.id, value, #value, "stop", nil)
  end
  self.answered = true
  return code == 0
end

--- It raises an error in the script. False when nobody waits for it any more.
---@return boolean
function Call:fail(message)
  local e = self.engine.e
  if not e or self.answered or self.job and not self.job.script then return false end
  self.answered = true
  local line = first_line(message)
  if self.job then return lib.lg_script_fail(self.job.script, self.id, line) == 0 end
  return lib.lg_call_fail(e, self.id, lib.LG_ETOOL, false, line) == 0
end

-- Runs the host's function: its value is the answer, but for lg.later.
local function answer(call, fn, request)
  local ok, value = pcall(fn, request, call)
  if ok and rawequal(value, lg.later) then return end
  local problem = value
  if ok then ok, problem = pcall(call.reply, call, value) end
  if not ok then call:fail(problem) end
end

local function request_of(e, id)
  local view = ffi.new "lg_request_view"
  if lib.lg_call_view(e, id, view) ~= 0 then return nil end
  local request = { messages = {}, options = {}, sample = tonumber(view.sample) }
  local role, text, len = ffi.new "const char *[1]", ffi.new "const char *[1]", ffi.new "size_t[1]"
  for i = 1, tonumber(view.n_messages) do
    lib.lg_call_message(e, id, i - 1, role, text, len)
    request.messages[i] = { role = ffi.string(role[0]), content = ffi.string(text[0], len[0]) }
  end
  local option = ffi.new "lg_option"
  for i = 1, tonumber(view.n_options) do
    lib.lg_call_option(e, id, i - 1, option)
    request.options[ffi.string(option.name)] = json.decode(ffi.string(option.json))
  end
  return request
end

-- ---- engines ----------------------------------------------------------------------------------

local Engine = {}
Engine.__index = Engine

local CONFIG = { concurrency = "int", max_attempts = "int", connect_timeout_ms = "int",
  first_byte_timeout_ms = "int", total_timeout_ms = "int", max_reply_bytes = "count",
  memo_bytes = "count", max_queued = "count", seed = "seed", virtual_clock = "boolean",
  http2 = "boolean", ca_file = "string", ca_path = "string", proxy = "string", store = "string",
  durable = "string", replay_only = "boolean", fail_ambiguous = "boolean", max_calls = "count",
  max_tokens = "count", max_cost = "amount", max_time = "amount",
  thread = "boolean" }
-- Those that the C interface calls otherwise.
local TRANSLATE = {
  seed = function(c, x) c.seed = seed_of(x) end,
  store = function(c, x) c.store_dir = x end,
  durable = function(c, x) c.durable = x == "full" and 1 or 0 end,
  max_cost = function(c, x) c.max_micros = x * 1e6 end,
  max_time = function(c, x) c.max_time_ms = x * 1000 end,
  thread = function(c, x)
    if not pcall(function() c.thread = x end) then
      error("lg.engine: this version of the library has no thread", 0)
    end
  end,
}

local function fill(c, opts, translate)
  for key, value in pairs(opts) do
    if translate[key] then translate[key](c, value) else c[key] = value end
  end
end

--- An engine: it owns the calls, the limits and the store, and runs any number of scripts. Options
--- are those of lg.configure: concurrency, seed, store = "DIR", max_cost = dollars, …
---@param opts? table
function lg.engine(opts)
  opts = check(opts, CONFIG, "lg.engine", 3)
  if opts.durable and opts.durable ~= "full" and opts.durable ~= "group" then
    error('lg.engine: durable must be "group" or "full"', 2)
  end
  lg.load()
  local c, why, out = ffi.new "lg_config", ffi.new "char[1024]", ffi.new "lg_engine *[1]"
  lib.lg_config_init_size(c, ffi.sizeof(c))
  fill(c, opts, TRANSLATE)
  c.why, c.why_size = why, 1024
  local code = lib.lg_engine_new(c, out)
  if code < 0 then
    local words = ffi.string(why)
    error("lg.engine: " .. (words ~= "" and words or ffi.string(lib.lg_error_text(code))), 2)
  end
  lib.lg_engine_step(out[0], 1) -- its descriptor does not poll before
  local self = setmetatable({ e = out[0], jobs = {}, models = {}, last_tag = 0 }, Engine)
  self.guard = newproxy(true) -- frees it in time, when the host does not close it
  getmetatable(self.guard).__gc = function() self:close() end
  return self
end

local function alive(self)
  if not self.e then error("the engine was closed", 3) end
  return self.e
end

local function next_tag(self)
  self.last_tag = self.last_tag + 1
  return self.last_tag
end

--- Ends all that runs, and frees it. Harmless twice.
function Engine:close()
  local e = self.e
  if not e then return end
  self.e = nil
  for _, job in pairs(self.jobs) do
    lib.lg_script_free(job.script)
    job.script, job.state = nil, "cancelled"
  end
  self.jobs, self.models = {}, {}
  lib.lg_engine_free(e)
end

--- A descriptor that polls readable when step() has work: watch it, never read or close it.
function Engine:fd() return lib.lg_engine_fd(alive(self)) end

--- Milliseconds until step() is due though the descriptor is quiet: 0 now, -1 not before it polls.
function Engine:timeout() return lib.lg_engine_timeout(alive(self)) end

--- Makes the descriptor poll readable.
function Engine:wakeup() lib.lg_engine_wakeup(alive(self)) end

--- Does now what the first request over HTTPS needs and no step can cut: 20 to 60 ms, for a loading
--- screen. Raises where there is no libcurl, or no certificates.
function Engine:preload()
  if lib.lg_engine_preload(alive(self)) < 0 then
    error("e:preload: " .. ffi.string(lib.lg_engine_errmsg(self.e)), 2)
  end
end

--- Some figures of what was done: calls, failed, attempts, served (by the store), in_flight, …
function Engine:stats()
  local s, t = ffi.new "lg_stats", {}
  s.size = ffi.sizeof(s)
  lib.lg_engine_stats(alive(self), s)
  for _, name in ipairs { "calls", "shared", "failed", "attempts", "retries", "in_flight", "queued",
    "waiting", "served", "unpriced", "vars_pending", "live_bytes" } do
    t[name] = tonumber(s[name])
  end
  t.cost = tonumber(s.micros) / 1e6
  return t
end

-- ---- events -----------------------------------------------------------------------------------

local Failure = {} -- what a job failed with: kind, message, hint
Failure.__index = Failure
Failure.__tostring = function(f) return f.message .. (f.hint and " (" .. f.hint .. ")" or "") end

local STATES = { [0] = "pending", "ready", "failed", "cancelled" }

local function fail_job(job, code, message, hint)
  job.error = setmetatable({ kind = ffi.string(lib.lg_error_name(code)), message = message,
    hint = hint }, Failure)
end

local function end_job(self, job)
  local s, f, len = job.script, ffi.new "lg_failure", ffi.new "size_t[1]"
  job.state = STATES[lib.lg_script_state(s)]
  local text = lib.lg_script_result(s, len)
  if text ~= nil then
    job.result_json = ffi.string(text, len[0])
    job.result = json.decode(job.result_json)
    if job.result == lg.null then job.result = nil end
  elseif lib.lg_script_error(s, f) then
    fail_job(job, f.code, ffi.string(f.message), f.hint ~= nil and ffi.string(f.hint) or nil)
  end
  self.jobs[job.tag], job.script = nil, nil
  lib.lg_script_free(s)
  if job.opts.done then job.opts.done(job) end
end

local HANDLE = {} -- type of event → function(engine, its id, the job or tag, text, name)

-- The next event: it is copied first, for what is called may lead to further ones.
local function take(self)
  local ev = lib.lg_engine_next(self.e)
  if ev == nil then return false end
  local handle = HANDLE[ev.type]
  if not handle then return true end
  local text = ev.text ~= nil and ffi.string(ev.text, ev.len) or ""
  local name = ev.name ~= nil and ffi.string(ev.name) or nil
  handle(self, tonumber(ev.id), tonumber(ev.tag), text, name)
  return true
end

local function know_events()
  HANDLE[lib.LG_EVENT_LOG] = function(self, _, tag, text)
    local job = self.jobs[tag]
    if job and job.opts.log then job.opts.log(text, job) end
  end
  HANDLE[lib.LG_EVENT_PROGRESS] = function(self, _, tag, text)
    local job = self.jobs[tag]
    if not job then return end
    job.progress = json.decode(text)
    if job.opts.progress then job.opts.progress(job.progress, job) end
  end
  HANDLE[lib.LG_EVENT_FUNCTION] = function(self, id, tag, text, name)
    local job = self.jobs[tag]
    if not job then return end
    local call = setmetatable({ engine = self, job = job, id = id, name = name }, Call)
    answer(call, job.opts.functions[name], json.decode(text))
  end
  HANDLE[lib.LG_EVENT_CALL] = function(self, id, tag)
    local fn, request = self.models[tag], request_of(self.e, id)
    if fn and request then answer(setmetatable({ engine = self, id = id }, Call), fn, request) end
  end
  HANDLE[lib.LG_EVENT_MODEL_GONE] = function(self, _, tag) self.models[tag] = nil end
  HANDLE[lib.LG_EVENT_END] = function(self, _, tag)
    local job = self.jobs[tag]
    if job then end_job(self, job) end
  end
end

local function drain(self)
  if not next(HANDLE) then know_events() end
  local any = false
  while self.e and take(self) do any = true end
  return any
end

local BUDGET = 2000 -- µs

--- Does what can be done now, for about so many microseconds (2,000; 0: no limit), and never waits:
--- scripts go on, the host's functions are called, jobs end.
---@return boolean any whether anything came of it that the host is told
function Engine:step(budget_us)
  lib.lg_engine_step(alive(self), budget_us or BUDGET)
  return drain(self)
end

--- As step, but first waits up to so many milliseconds (-1: for ever) when nothing can be done. Not
--- for hosts that must go on.
function Engine:wait(timeout_ms)
  lib.lg_engine_wait(alive(self), timeout_ms or -1)
  return drain(self)
end

-- ---- models of the host -----------------------------------------------------------------------

local MODEL = { dialect = "string", name = "string", model = "string", base_url = "string",
  api_key = "string", options = "table", concurrency = "int", price_input = "count",
  price_output = "count", max_output = "count", requests_per_minute = "count",
  tokens_per_minute = "count" }

local function sorted(t)
  local names = {}
  for name in pairs(t or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function options_of(list, keep)
  local names = sorted(list)
  local rows = ffi.new("lg_option[?]", math.max(#names, 1))
  for i, name in ipairs(names) do
    keep[#keep + 1] = json.encode(list[name])
    rows[i - 1].name, rows[i - 1].json = name, keep[#keep]
  end
  return rows, #names
end

local function made(self, role, code, out)
  if code == 0 then return out[0] end
  error(("e:run: the model %q: %s"):format(role, ffi.string(lib.lg_engine_errmsg(self.e))), 0)
end

-- A counted model of a function(request, call), of a table, or "sim…"; raises.
local function new_model(self, role, spec)
  local c, out, keep = ffi.new "lg_model_config", ffi.new "lg_model *[1]", {}
  lib.lg_model_config_init_size(c, ffi.sizeof(c))
  if type(spec) == "string" and spec:find "^sim" then
    return made(self, role, lib.lg_model_sim(self.e, spec, out), out)
  end
  if type(spec) == "function" then
    local tag = next_tag(self)
    self.models[tag] = spec
    spec, c.tag = { dialect = "host", name = "host/" .. role, model = role }, tag
  elseif type(spec) ~= "table" then
    error(("e:run: the model %q must be a table, a function or \"sim\"; a script finds others by "
      .. 'their names, lg.model "…", if allow = { "models" }'):format(role), 0)
  end
  check(spec, MODEL, "e:run: the model " .. role, 0)
  for key, value in pairs(spec) do
    if key ~= "options" then c[key] = value end
  end
  if spec.dialect == nil then c.dialect = "openai" end
  if spec.name == nil then c.name = spec.model end
  if spec.options then c.options, c.n_options = options_of(spec.options, keep) end
  return made(self, role, lib.lg_model_new(self.e, c, out), out)
end

-- ---- jobs -------------------------------------------------------------------------------------

local Job = {}
Job.__index = Job

local RUN = { name = "string", functions = "table", model = "any", models = "table",
  modules = "table", memory = "count", instructions = "count", cpu_ms = "limit", wall_ms = "count",
  allow = "table", root = "string", seed = "seed", slice_us = "count", log = "function",
  progress = "function", done = "function" }
local LIMITS = { "memory", "instructions", "cpu_ms", "wall_ms", "slice_us", "root" }
local ALLOW = { models = "LG_ALLOW_MODELS", files = "LG_ALLOW_FILES",
  commands = "LG_ALLOW_COMMANDS" }

local function config_of(opts, tag)
  local c, allow = ffi.new "lg_script_config", 0
  lib.lg_script_config_init_size(c, ffi.sizeof(c))
  for _, key in ipairs(LIMITS) do
    if opts[key] ~= nil then c[key] = opts[key] end
  end
  for _, what in ipairs(opts.allow or {}) do
    if not ALLOW[what] then
      error(('e:run: allow has "models", "files" and "commands", not %q'):format(tostring(what)), 3)
    end
    allow = allow + lib[ALLOW[what]]
  end
  c.tag, c.allow = tag, allow
  if opts.seed then c.seed = seed_of(opts.seed) end
  return c
end

-- What the script finds beside the library. code: of the first that failed, else 0.
local function furnish(self, job, opts)
  local s, models = job.script, {}
  for role, spec in pairs(opts.models or {}) do models[role] = spec end
  if opts.model ~= nil then models.default = opts.model end
  local code = 0
  for _, role in ipairs(sorted(models)) do
    local m = new_model(self, role, models[role])
    code = code < 0 and code or lib.lg_script_model(s, role, m)
    lib.lg_model_unref(m)
  end
  for _, name in ipairs(sorted(opts.functions)) do
    code = code < 0 and code or lib.lg_script_function(s, name, nil, nil)
  end
  for _, name in ipairs(sorted(opts.modules)) do
    local source = opts.modules[name]
    code = code < 0 and code or lib.lg_script_module(s, name, source, #source)
  end
  return code
end

--- Starts a script: Lua 5.4 with lg and host in it. args (a table) are its lg.args and `...`; what it
--- returns is job.result. Its mistakes are the job's: one that does not compile has failed at once.
--- opts: name; functions = { NAME = function(args, call) … } for host.NAME(…); model, models = { role =
--- {base_url =, model =, …}, function(request, call) or "sim" }; modules = { name = source }; limits: memory
--- (bytes), instructions, cpu_ms, wall_ms; allow = { "models", "files", "commands" }, root; seed; and
--- log(line, job), progress(table, job), done(job), called inside of step() and poll().
---@param source string
---@param args? table
---@param opts? table
---@return table job {state, result, result_json, error, progress}
function Engine:run(source, args, opts)
  alive(self)
  if type(source) ~= "string" then error("e:run: the script must be a string", 2) end
  opts = check(opts, RUN, "e:run", 3)
  if args ~= nil and type(args) ~= "table" then error("e:run: args must be a table", 2) end
  local ok, text = pcall(json.encode, args)
  if not ok then error("e:run: args: " .. text, 2) end
  local job = setmetatable({ engine = self, tag = next_tag(self), opts = opts, state = "pending",
    name = opts.name or "script" }, Job)
  local out = ffi.new "lg_script *[1]"
  local code = lib.lg_script_new(self.e, source, #source, job.name, config_of(opts, job.tag), out)
  if code == 0 then
    job.script = out[0]
    local good, problem = pcall(furnish, self, job, opts)
    code = good and problem or -1
    if code == 0 then code = lib.lg_script_start(job.script, args ~= nil and text or nil) end
    if code == 0 then
      self.jobs[job.tag] = job
      return job
    end
    lib.lg_script_free(job.script)
    job.script = nil
    if not good then error(problem, 2) end
  end
  job.state = "failed"
  fail_job(job, code, ffi.string(lib.lg_engine_errmsg(self.e)))
  return job
end

--- Takes a step of its engine, and tells how the job stands.
---@param budget_us? integer 2,000
---@return "pending"|"ready"|"failed"|"cancelled" state
function Job:poll(budget_us)
  if self.state == "pending" then self.engine:step(budget_us) end
  return self.state
end

--- Waits until it has ended. Not for hosts that must go on.
function Job:wait()
  while self.state == "pending" do self.engine:wait(100) end
  return self.state
end

--- Ends it, wherever it is; it is "cancelled" after the next step.
function Job:kill()
  if self.script then lib.lg_script_kill(self.script) end
end

--- Bytes that its Lua holds, the most of them so far, and the seconds that it has computed.
function Job:used()
  if not self.script then return nil end
  local bytes, peak, us = ffi.new "size_t[1]", ffi.new "size_t[1]", ffi.new "int64_t[1]"
  lib.lg_script_used(self.script, bytes, peak, us)
  return tonumber(bytes[0]), tonumber(peak[0]), tonumber(us[0]) / 1e6
end

-- ---- the short form ---------------------------------------------------------------------------

local default

--- The engine that lg.run uses, made when first needed.
function lg.default()
  if not default or not default.e then default = lg.engine() end
  return default
end

--- Starts a script on the default engine; see Engine:run.
function lg.run(source, args, opts) return lg.default():run(source, args, opts) end

-- ---- the C interface --------------------------------------------------------------------------

-- begin of what lua/declarations.lua writes
SONAME = "liblunagrad.so.1"
DECLARATIONS = [==[
enum lg_error { LG_OK = 0, LG_ENOMEM = -1, LG_EINVAL = -2, LG_ESTATE = -3, LG_EREENTRANT = -4,
  LG_ELIMIT = -5, LG_ECYCLE = -6, LG_ECANCELLED = -7, LG_EINPUT = -8, LG_ETOOL = -9, LG_ETEMPLATE
  = -10, LG_EPARSE = -11, LG_EUTF8 = -12, LG_ENOTFOUND = -13, LG_EIO = -14, LG_ERESOLVE = -15,
  LG_ECONNECT = -16, LG_ETLS = -17, LG_ETIMEOUT = -18, LG_ERESET = -19, LG_EBADREPLY = -20,
  LG_ETRUNCATED = -21, LG_ETOOBIG = -22, LG_EAUTH = -23, LG_ERATE = -24, LG_EOVERLOAD = -25,
  LG_EMONEY = -26, LG_EREFUSED = -27, LG_EBADREQUEST = -28, LG_ECONTEXT = -29, LG_ENOMODEL = -30,
  LG_ECAP = -31, LG_ESTORE = -32, LG_ELIBRARY = -33, LG_EAMBIGUOUS = -34, LG_EEMPTY = -35,
  LG_EPROGRAM = -36 };
const char *lg_error_name(int code);
const char *lg_error_text(int code);
typedef struct lg_engine lg_engine;
typedef struct lg_var lg_var;
typedef struct lg_model lg_model;
typedef struct lg_tool lg_tool;
typedef struct lg_sandbox lg_sandbox;
typedef struct lg_script lg_script;
typedef void *(*lg_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);
enum lg_log_level { LG_LOG_ERROR = 1, LG_LOG_WARN, LG_LOG_INFO, LG_LOG_DEBUG };
typedef void (*lg_log_fn)(void *ud, int level, const char *msg);
typedef struct lg_config { size_t size; lg_alloc_fn alloc; void *alloc_ud; lg_log_fn log; void
  *log_ud; int log_level; int concurrency; int max_attempts; int connect_timeout_ms; int
  first_byte_timeout_ms; int total_timeout_ms; size_t max_reply_bytes; size_t memo_bytes; size_t
  max_queued; uint64_t seed; bool virtual_clock; bool http2; const char *ca_file; const char
  *ca_path; const char *proxy; const char *store_dir; int durable; bool replay_only; bool
  fail_ambiguous; uint64_t max_calls; uint64_t max_tokens; uint64_t max_micros; int64_t
  max_time_ms; char *why; size_t why_size; bool thread; } lg_config;
void lg_config_init_size(lg_config *cfg, size_t size);
int lg_engine_new(const lg_config *cfg, lg_engine **out);
void lg_engine_free(lg_engine *e);
int lg_engine_fd(const lg_engine *e);
int lg_engine_timeout(const lg_engine *e);
int lg_engine_step(lg_engine *e, int64_t budget_us);
int lg_engine_wait(lg_engine *e, int timeout_ms);
void lg_engine_drain(lg_engine *e, bool drain);
void lg_engine_cancel(lg_engine *e);
void lg_engine_wakeup(lg_engine *e);
int lg_engine_preload(lg_engine *e);
int lg_engine_preconnect(lg_engine *e, lg_model *m, int n);
const char *lg_engine_errmsg(const lg_engine *e);
const char *lg_engine_errfield(const lg_engine *e);
int64_t lg_engine_now(const lg_engine *e);
enum lg_kind { LG_FORWARD = 0, LG_BACKWARD, LG_OPTIMIZER, LG_JUDGE, LG_KINDS };
typedef struct lg_usage { int64_t input, cached, cache_write, output, reasoning; } lg_usage;
enum lg_cap { LG_CAP_NONE = 0, LG_CAP_CALLS, LG_CAP_TOKENS, LG_CAP_COST, LG_CAP_TIME };
enum lg_hold { LG_HOLD_NONE = 0, LG_HOLD_RATE, LG_HOLD_DOWN };
typedef struct lg_stats { size_t size; uint64_t calls; uint64_t shared; uint64_t failed; uint64_t
  attempts; uint64_t retries; uint64_t ambiguous; uint64_t in_flight, queued, waiting; uint64_t
  host_running; uint64_t calls_by_kind[LG_KINDS]; lg_usage usage[LG_KINDS]; uint64_t live_bytes,
  live_blocks; uint64_t vars_pending, vars_live; uint64_t served; uint64_t unpriced; uint64_t
  micros; uint64_t micros_by_kind[LG_KINDS]; uint64_t reserved_micros, reserved_tokens; int cap;
  uint64_t held; int64_t held_until_us; int held_by; uint64_t hedged; uint64_t hedges_won;
  uint64_t useless; uint64_t timers; uint64_t storing; uint64_t sandboxed; uint64_t commands; }
  lg_stats;
void lg_engine_stats(const lg_engine *e, lg_stats *out);
int lg_run_begin(lg_engine *e, const char *name, const char *meta, uint64_t *run_id);
int lg_run_end(lg_engine *e, const char *state);
enum lg_event_type { LG_EVENT_NONE = 0, LG_EVENT_VAR, LG_EVENT_CALL, LG_EVENT_TOOL,
  LG_EVENT_GRADIENT, LG_EVENT_ABANDON, LG_EVENT_PARTIAL, LG_EVENT_TOOL_GONE, LG_EVENT_MODEL_GONE,
  LG_EVENT_LOG, LG_EVENT_PROGRESS, LG_EVENT_FUNCTION, LG_EVENT_END };
typedef struct lg_event { size_t size; int type; uint64_t id; uint64_t tag; lg_var *var; const
  char *text; size_t len; bool restart; const char *name; } lg_event;
const lg_event *lg_engine_next(lg_engine *e);
enum lg_state { LG_PENDING = 0, LG_READY, LG_FAILED, LG_CANCELLED };
int lg_var_new(lg_engine *e, const char *text, size_t len, const char *role, bool grad, lg_var
  **out);
int lg_var_new_media(lg_engine *e, const char *type, const void *data, size_t len, const char
  *role, bool grad, lg_var **out);
const char *lg_var_media(const lg_var *v);
lg_var *lg_var_ref(lg_var *v);
void lg_var_unref(lg_var *v);
uint64_t lg_var_id(const lg_var *v);
int lg_var_state(const lg_var *v);
const char *lg_var_text(const lg_var *v, size_t *len);
const char *lg_var_role(const lg_var *v);
int lg_var_set_role(lg_var *v, const char *role);
bool lg_var_grad(const lg_var *v);
int lg_var_set_grad(lg_var *v, bool grad);
int lg_var_detach(lg_var *v, lg_var **out);
bool lg_var_score(const lg_var *v, double *score, double *target);
int lg_var_set_score(lg_var *v, double score, double target);
int64_t lg_var_example(const lg_var *v);
int lg_var_set_example(lg_var *v, int64_t example);
int lg_var_set(lg_var *v, const char *text, size_t len);
int lg_var_set_media(lg_var *v, const char *type, const void *data, size_t len);
size_t lg_var_versions(const lg_var *v);
const char *lg_var_version(const lg_var *v, size_t i, size_t *len);
const char *lg_var_version_media(const lg_var *v, size_t i);
int lg_var_rollback(lg_var *v, size_t i);
int lg_var_watch(lg_var *v, uint64_t tag);
void lg_var_unwatch(lg_var *v, uint64_t tag);
bool lg_var_wanted(const lg_var *v);
int lg_var_cancel(lg_var *v);
typedef struct lg_failure { int code; int http_status; bool retryable; bool ambiguous; const char
  *message; const char *hint; const char *request_id; } lg_failure;
bool lg_var_error(const lg_var *v, lg_failure *out);
const char *lg_var_cause(const lg_var *v);
enum lg_op { LG_OP_LEAF = 0, LG_OP_CALL, LG_OP_FORMAT, LG_OP_CONCAT, LG_OP_SUM, LG_OP_MEAN,
  LG_OP_TOOL, LG_OP_REPLY, LG_OP_PASS, LG_OP_PROMISE, LG_OP_TIMER, LG_OP_SANDBOX, LG_OP_COMMAND,
  LG_OP_TALK, LG_OPS };
typedef struct lg_input { lg_var *var; const char *name; const char *text; size_t len; } lg_input;
int lg_var_op(const lg_var *v);
const char *lg_op_name(int op);
size_t lg_var_inputs(const lg_var *v);
int lg_var_input(const lg_var *v, size_t i, lg_input *out);
const char *lg_var_input_media(const lg_var *v, size_t i);
typedef int (*lg_write_fn)(void *ud, const char *data, size_t len);
int lg_var_dot(lg_var *v, bool with_feedback, lg_write_fn write, void *ud);
typedef struct lg_option { const char *name; const char *json; } lg_option;
typedef struct lg_price_tier { int64_t above, input, output, cached, cache_write; } lg_price_tier;
enum { LG_PRICE_TIERS = 4 };
typedef struct lg_model_config { size_t size; const char *dialect; const char *name; const char
  *model; const char *base_url; const char *api_key; const char *key_name; const lg_option
  *headers; size_t n_headers; const lg_option *options; size_t n_options; int concurrency; bool
  no_memo; uint64_t tag; int64_t price_input, price_output, price_cached, price_cache_write;
  int64_t max_output; const char *quirks; lg_model *const *fallbacks; size_t n_fallbacks; const
  lg_price_tier *tiers; size_t n_tiers; int64_t requests_per_minute, tokens_per_minute; int64_t
  hedge_after_ms; int hedge_percentile; double hedge_budget; int64_t price_image_input,
  price_image_output; bool fresh; bool keep_thinking; bool stop_repetition; } lg_model_config;
void lg_model_config_init_size(lg_model_config *cfg, size_t size);
int lg_model_new(lg_engine *e, const lg_model_config *cfg, lg_model **out);
lg_model *lg_model_ref(lg_model *m);
void lg_model_unref(lg_model *m);
const char *lg_model_name(const lg_model *m);
typedef struct lg_message { const char *role; lg_var *var; } lg_message;
typedef struct lg_call { size_t size; const lg_message *messages; size_t n_messages; const char
  *role; const lg_option *options; size_t n_options; uint32_t sample; int kind; int64_t example;
  bool stream; uint64_t tag; uint64_t purpose; } lg_call;
void lg_call_init_size(lg_call *c, size_t size);
int lg_call_model(lg_engine *e, lg_model *m, const lg_call *call, lg_var **out);
int lg_format(lg_engine *e, lg_var *tmpl, const char *const *names, lg_var *const *vars, size_t n,
  const char *role, bool fenced, lg_var **out);
int lg_concat(lg_engine *e, lg_var *const *vars, size_t n, const char *role, lg_var **out);
enum lg_reduce_flags { LG_SKIP_FAILED = 1 };
int lg_sum(lg_engine *e, lg_var *const *vars, size_t n, unsigned flags, lg_var **out);
int lg_mean(lg_engine *e, lg_var *const *vars, size_t n, unsigned flags, lg_var **out);
int lg_sum_weighted(lg_engine *e, lg_var *const *vars, const double *weights, size_t n, unsigned
  flags, lg_var **out);
int lg_mean_weighted(lg_engine *e, lg_var *const *vars, const double *weights, size_t n, unsigned
  flags, lg_var **out);
int lg_tool_new(lg_engine *e, const char *name, const char *purpose, bool own_backward, uint64_t
  tag, lg_tool **out);
int lg_tool_cache(lg_tool *t, const char *version);
lg_tool *lg_tool_ref(lg_tool *t);
void lg_tool_unref(lg_tool *t);
int lg_tool_call(lg_engine *e, lg_tool *t, const char *const *names, lg_var *const *vars, size_t
  n, const char *role, lg_var **out);
int lg_promise_new(lg_engine *e, lg_var *const *vars, size_t n, const char *role, lg_var **out);
int lg_promise_keep(lg_var *v, lg_var *from, const char *text, size_t len);
int lg_promise_fail(lg_var *v, int code, const char *message, const char *hint);
int lg_promise_fail_as(lg_var *v, int code, const char *message, const char *cause, const char
  *hint);
int lg_timer_new(lg_engine *e, int64_t after_us, const char *role, lg_var **out);
typedef struct lg_sandbox_config { size_t size; size_t memory; uint64_t instructions; int
  timeout_ms; size_t output_limit; int workers; bool fresh; } lg_sandbox_config;
void lg_sandbox_config_init_size(lg_sandbox_config *cfg, size_t size);
int lg_sandbox_new(lg_engine *e, const lg_sandbox_config *cfg, lg_sandbox **out);
void lg_sandbox_free(lg_sandbox *s);
int lg_sandbox_run(lg_sandbox *s, const char *name, const char *source, size_t len, const char
  *call, const char *args, lg_var **out);
int lg_tool_return(lg_engine *e, uint64_t id, const char *text, size_t len, const double *score,
  double target);
int lg_tool_return_media(lg_engine *e, uint64_t id, const char *type, const void *data, size_t
  len, const double *score, double target);
int lg_tool_fail(lg_engine *e, uint64_t id, int code, const char *message);
int lg_tool_fail_as(lg_engine *e, uint64_t id, int code, const char *message, const char *cause);
int lg_tool_feedback(lg_engine *e, uint64_t id, size_t input, const char *text, size_t len);
int lg_tool_heard(lg_engine *e, uint64_t id, const char **text, size_t *len);
typedef struct lg_request_view { lg_model *model; size_t n_messages; size_t n_options; uint32_t
  sample; } lg_request_view;
int lg_call_view(lg_engine *e, uint64_t id, lg_request_view *out);
int lg_call_message(lg_engine *e, uint64_t id, size_t i, const char **role, const char **text,
  size_t *len);
const char *lg_call_message_media(lg_engine *e, uint64_t id, size_t i);
int lg_call_option(lg_engine *e, uint64_t id, size_t i, lg_option *out);
int lg_call_reply(lg_engine *e, uint64_t id, const char *text, size_t len, const char
  *finish_reason, const lg_usage *usage);
int lg_call_reply_media(lg_engine *e, uint64_t id, const char *type, const char *data, size_t len,
  const char *finish_reason, const lg_usage *usage);
int lg_call_fail(lg_engine *e, uint64_t id, int code, bool retryable, const char *message);
int lg_call_fail_as(lg_engine *e, uint64_t id, int code, bool retryable, const char *message,
  const char *cause);
const char *lg_var_finish_reason(const lg_var *v);
const char *lg_var_thinking(const lg_var *v, size_t *len);
bool lg_var_usage(const lg_var *v, lg_usage *out);
enum lg_feedback_state { LG_FB_NONE = 0, LG_FB_EMPTY, LG_FB_TEXT };
typedef struct lg_feedback { int state; const char *text; size_t len; bool has_score; double
  score, target; uint64_t from; size_t input; const char *from_role; int64_t example; const char
  *conversation; size_t conversation_len; size_t n_sources; lg_var *var; double weight; const char
  *remarks; size_t remarks_len; } lg_feedback;
size_t lg_var_feedbacks(const lg_var *v);
int lg_var_feedback(const lg_var *v, size_t i, lg_feedback *out);
int lg_var_feedback_source(const lg_var *v, size_t i, size_t source, lg_feedback *out);
int lg_var_add_feedback(lg_var *v, const char *text, size_t len);
int lg_var_zero_grad(lg_var *v);
enum lg_grain { LG_GRAIN_EDGE = 0, LG_GRAIN_NODE, LG_GRAIN_GRAPH, LG_GRAIN_AUTO };
typedef struct lg_backward { size_t size; lg_model *model; size_t context_tokens; bool
  skip_failed; size_t reply_tokens; bool no_ceiling; int grain; } lg_backward;
void lg_backward_init_size(lg_backward *b, size_t size);
int lg_backward_start(lg_engine *e, lg_var *root, const lg_backward *b, lg_var **out);
lg_var *lg_var_pass(const lg_var *v);
int lg_template_set(lg_engine *e, const char *name, lg_var *v);
int lg_template_get(lg_engine *e, const char *name, lg_var **out);
enum lg_script_allow { LG_ALLOW_MODELS = 1, LG_ALLOW_FILES = 2, LG_ALLOW_COMMANDS = 4 };
typedef struct lg_script_config { size_t size; uint64_t tag; size_t memory; uint64_t instructions;
  int64_t cpu_ms; int64_t wall_ms; unsigned allow; const char *root; uint64_t seed; int64_t
  slice_us; } lg_script_config;
void lg_script_config_init_size(lg_script_config *cfg, size_t size);
int lg_script_new(lg_engine *e, const char *source, size_t len, const char *name, const
  lg_script_config *cfg, lg_script **out);
int lg_script_module(lg_script *s, const char *name, const char *source, size_t len);
typedef void (*lg_script_fn)(void *ud, lg_script *s, uint64_t id, const char *args, size_t len);
int lg_script_function(lg_script *s, const char *name, lg_script_fn fn, void *ud);
int lg_script_model(lg_script *s, const char *role, lg_model *m);
int lg_script_start(lg_script *s, const char *args);
int lg_script_return(lg_script *s, uint64_t id, const char *json, size_t len);
int lg_script_fail(lg_script *s, uint64_t id, const char *message);
int lg_script_state(const lg_script *s);
const char *lg_script_result(const lg_script *s, size_t *len);
bool lg_script_error(const lg_script *s, lg_failure *out);
void lg_script_used(const lg_script *s, size_t *bytes, size_t *peak, int64_t *cpu_us);
void lg_script_kill(lg_script *s);
void lg_script_free(lg_script *s);
enum lg_query_what { LG_QUERY_PROGRAM = 1, LG_QUERY_EVALUATE = 2, LG_QUERY_SCORE = 4,
  LG_QUERY_CHECK = 8 };
typedef struct lg_query { size_t size; int what; uint64_t id; uint64_t tag; lg_var *const *params;
  size_t n_params; size_t param; const char *example; size_t example_len; int64_t index; const
  char *text; size_t len; lg_var *answer; uint32_t sample; uint64_t purpose; } lg_query;
typedef void (*lg_query_fn)(void *ud, lg_engine *e, const lg_query *query);
int lg_query_view(lg_engine *e, uint64_t id, lg_query *out);
int lg_answer_var(lg_engine *e, uint64_t id, lg_var *v);
int lg_answer_score(lg_engine *e, uint64_t id, double score, const char *feedback, size_t len);
int lg_answer_fail(lg_engine *e, uint64_t id, int code, const char *message);
int lg_engine_models(lg_engine *e, lg_model *model, lg_model *backward, lg_model *optimizer,
  lg_model *judge);
int lg_model_sim(lg_engine *e, const char *name, lg_model **out);
int lg_loss_critic(lg_engine *e, lg_var *answer, const char *instruction, lg_model *judge, lg_var
  **out);
int lg_loss_judge(lg_engine *e, lg_var *answer, const char *instruction, lg_model *judge, lg_var
  **out);
int lg_loss_exact(lg_engine *e, lg_var *answer, const char *target, bool number, lg_var **out);
int lg_loss_score(lg_engine *e, lg_var *answer, const char *purpose, lg_query_fn fn, void *ud,
  uint64_t tag, lg_var **out);
typedef struct lg_optimizer lg_optimizer;
typedef struct lg_optimizer_config { size_t size; uint64_t tag; lg_var *const *params; size_t
  n_params; lg_model *model; const char *const *constraints; size_t n_constraints; lg_query_fn
  check; bool query_check; void *ud; const char *check_words; int momentum; int memory; const char
  *const *examples; size_t n_examples; const char *options; } lg_optimizer_config;
void lg_optimizer_config_init_size(lg_optimizer_config *cfg, size_t size);
int lg_optimizer_new(lg_engine *e, const lg_optimizer_config *cfg, lg_optimizer **out);
int lg_optimizer_step(lg_optimizer *o, lg_var **report);
int lg_optimizer_zero_grad(lg_optimizer *o);
void lg_optimizer_free(lg_optimizer *o);
typedef struct lg_job lg_job;
typedef struct lg_job_config { size_t size; uint64_t tag; lg_var *const *params; size_t n_params;
  const char *train, *val, *test; size_t train_len, val_len, test_len; lg_query_fn program,
  evaluate, score, check; void *ud; unsigned queries; const char *question; lg_model *model; const
  char *metric; const char *critic; const char *const *constraints; size_t n_constraints; const
  char *check_words; int batch; int steps; uint64_t seed; const char *method; uint64_t max_calls,
  max_evaluations, max_micros; int64_t max_time_ms; const char *options; } lg_job_config;
void lg_job_config_init_size(lg_job_config *cfg, size_t size);
int lg_train(lg_engine *e, const lg_job_config *cfg, lg_job **out);
int lg_search(lg_engine *e, const lg_job_config *cfg, lg_job **out);
int lg_job_state(const lg_job *j);
const char *lg_job_result(const lg_job *j, size_t *len);
const char *lg_job_best(const lg_job *j, size_t i, size_t *len);
bool lg_job_error(const lg_job *j, lg_failure *out);
void lg_job_cancel(lg_job *j);
void lg_job_free(lg_job *j);
int lg_params_load(lg_var *const *params, size_t n, const char *json, size_t len);
int64_t lg_utf8_check(const char *s, size_t len);
size_t lg_token_estimate(const char *s, size_t len);
int lg_tag_last(const char *s, size_t len, const char *tag, const char **out, size_t *out_len);
]==]
-- end of what lua/declarations.lua writes

return lg
