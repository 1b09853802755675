--- lg.command: a program as a tool, with limits, a directory of its own, and a sandbox if asked.
--
-- Words are never given to a shell and never split. Each run has a scratch directory: files are
-- written there, it is the working directory, and it is gone afterwards. The life of a run is
-- engine/child/command.c; here are words, fields, the policy of defaults, and what an end is
-- worth: a value, or an error of the kind "program".

local containment = require "lunagrad.containment"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local persistent = require "lunagrad.persistent"
local timer = require "lunagrad.timer"
local var = require "lunagrad.var"

local command = {}

local STRICT = "strict"
local WAYS = { [false] = 0, [true] = 1, [STRICT] = 2 } -- enum lg_command_way

local SPEC = { [1] = "string", name = "string?", purpose = "string?", role = "string?",
  files = "table?", input = "string?", output = "string?", env = "table?", read = "table?",
  sandbox = "boolean|string|nil", timeout = "number?", cpu = "number?",
  memory = "integer|string|nil", file_size = "integer|string|nil", processes = "integer?",
  disk = "integer|string|nil", output_limit = "integer|string|nil", concurrency = "integer?",
  result = "callable?", cache = "boolean?", version = { type = "string", default = "" },
  target = "number?",
  backward = "function?", persistent = "boolean?", fields = "table?" }

-- Seconds and bytes; of a contained program, and of one that is trusted.
local LIMITS = {
  [true] = { timeout = 60, memory = "2G", file_size = "256M", processes = 64, disk = "512M",
    output_limit = "1M" },
  [false] = { timeout = 300, output_limit = "16M" },
}
local OPEN_FILES = 256

-- What a trusted program gets of our own environment: no keys.
local PASSED_ON = { "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ",
  "LD_LIBRARY_PATH" }
local STANDARD_PATH = "/usr/local/bin:/usr/bin:/bin"

-- ---- reading a spec ------------------------------------------------------------------

local UNITS = { [""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30 }

local function bytes(value, name, level)
  if value == nil then return nil end
  local number, unit = tostring(value):match "^(%d+)([KMG]?)$"
  local n = number and math.tointeger(tonumber(number))
  if not n or n == 0 or n > (1 << 50) // UNITS[unit] then
    errors.refuse(name, ("lg.command: %s is a number of bytes, got %s"):format(name,
      errors.quoted(tostring(value))), 'as 1048576, or as "512K", "16M", "2G"', level + 1)
  end
  return n * UNITS[unit]
end

local function no_zero(text, what, level)
  if text:find("\0", 1, true) then
    errors.raise("inval", ("lg.command: %s holds a zero byte"):format(what), nil, level + 1)
  end
  return text
end

-- A path inside the scratch directory.
local function inside(path, what, level)
  if type(path) ~= "string" or path == "" or #path > 1000 or path:find "^/" or path:find "%z"
    or ("/" .. path .. "/"):find "/%.?%.?/" then
    errors.refuse(what, ("lg.command: %s: %s is no path inside the scratch directory")
      :format(what, type(path) == "string" and errors.quoted(path) or type(path)),
      'a relative one without "..", as "in/config.txt"', level + 1)
  end
  return path
end

local function read_words(spec, level)
  local words = {}
  for i = 1, options.length(spec) do
    if type(spec[i]) ~= "string" then
      errors.raise("inval", ("lg.command: word %d is a %s, not a text"):format(i, type(spec[i])),
        nil, level + 1)
    end
    words[i] = no_zero(spec[i], ("word %d"):format(i), level + 1)
  end
  if words[1] == nil or words[1] == "" then
    errors.raise("inval", "lg.command: no program is named",
      'lg.command{ "program", "argument", … }', level + 1)
  end
  if words[1]:find "{[%a_][%w_]*}" then
    errors.raise("inval", "lg.command: the program itself cannot be a field",
      "what is run must not be a text that a model wrote", level + 1)
  end
  return words
end

local FIELD = "{+[%a_][%w_]*}+"

-- The names of the fields of a word; "{{name}}" is none, and stands for "{name}".
local function fields_of(word, add)
  for braces in word:gmatch(FIELD) do
    local name = braces:match "^{([%a_][%w_]*)}$"
    if name then add(name) end
  end
end

local function read_inputs(self, spec, level)
  if spec.persistent then return persistent.fields(spec.fields, level + 1) end
  local names, seen = {}, {}
  local function add(name)
    if not seen[name] then names[#names + 1], seen[name] = name, true end
  end
  for _, word in ipairs(self.words) do fields_of(word, add) end
  local rest = {}
  for name in pairs(self.files) do rest[#rest + 1] = name end
  table.sort(rest)
  for _, name in ipairs(rest) do add(name) end
  if self.input then add(self.input) end
  return names
end

local function read_files(given, level)
  local files, seen = {}, {}
  for name, path in pairs(given or {}) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
      errors.raise("inval", "lg.command: files maps names of fields to file names",
        'files = { config = "config.txt" }', level + 1)
    end
    files[name] = inside(path, "files." .. name, level + 1)
    if seen[path] then
      errors.raise("inval", ("lg.command: files: %s is named twice"):format(errors.quoted(path)),
        nil, level + 1)
    end
    seen[path] = true
  end
  return files
end

local function read_paths(list, level)
  local paths = {}
  for i = 1, list and options.length(list) or 0 do
    local path = list[i]
    if type(path) ~= "string" or not core.real_path(no_zero(path, "a path", level)) then
      errors.refuse("read", ("lg.command: read: there is no %s"):format(
        type(path) == "string" and errors.quoted(path) or "path that is a " .. type(path)),
        nil, level + 1)
    end
    paths[i] = path
  end
  return paths
end

local function read_env(given, contained, program, level)
  local env, names = {}, {}
  if contained then
    local folder = program:match "^(.*)/[^/]+$"
    local known = (":" .. STANDARD_PATH .. ":"):find(":" .. folder .. ":", 1, true)
    env.PATH = known and STANDARD_PATH or folder .. ":" .. STANDARD_PATH
    env.LANG = "C.UTF-8"
  else
    for _, name in ipairs(PASSED_ON) do env[name] = os.getenv(name) end
  end
  for name, value in pairs(given or {}) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" or type(value) ~= "string" then
      errors.refuse("env", "lg.command: env maps names to texts", 'env = { NAME = "value" }',
        level + 1)
    end
    env[name] = no_zero(value, "env." .. name, level + 1)
  end
  for name in pairs(env) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = name .. "=" .. env[name] end
  return names
end

local function at_least_one(value, name, level)
  if value ~= nil and (value < 1 or value ~= value) then
    errors.refuse(name, ("lg.command: %s must be at least 1"):format(name), nil, level + 1)
  end
  return value
end

local function read_limits(spec, contained, level)
  local usual = LIMITS[contained]
  local function of(name) return bytes(spec[name] or usual[name], name, level + 2) end
  local timeout = timer.check_timeout(spec.timeout, "lg.command", level + 1) or usual.timeout
  local cpu = at_least_one(spec.cpu, "cpu", level + 1)
  return { timeout = timeout, memory = of "memory", file_size = of "file_size",
    disk = of "disk", output = of "output_limit",
    cpu = cpu and math.ceil(cpu)
      or contained and not spec.persistent and math.ceil(timeout) * core.processors() or nil,
    processes = at_least_one(spec.processes, "processes", level + 1) or usual.processes }
end

-- ---- what a run is kept under ------------------------------------------------------------

-- A file as it is now: it is another when it was changed.
local function identity(path)
  local real, _, _, size, changed = core.real_path(path)
  return { path, real, size, changed }
end

-- All that the result depends on, but for the fields: the limits only decide whether there is one.
local function version_of(self, spec)
  local files, seen = {}, {}
  for name, path in pairs(self.files) do files[#files + 1] = name .. "=" .. path end
  table.sort(files)
  for i, word in ipairs(self.words) do
    local path = i == 1 and self.program or word
    if path:sub(1, 1) == "/" and core.real_path(path) then seen[#seen + 1] = identity(path) end
  end
  return core.sha256(core.json_encode { self.words, files, self.input or false,
    self.output or false, self.contained and {} or self.env, spec.env and self.env or {}, seen,
    tostring(spec.sandbox), spec.version })
end

-- ---- a run -------------------------------------------------------------------------------

local function fill(self, word, texts, at)
  local whole = word:match "^{([%a_][%w_]*)}$"
  if whole and not self.files[whole] then
    local text = texts[whole]
    if text:find "^%-" and not tonumber(text) and not self.ends_options[at] then
      errors.raise("inval", ("%s: the field %s begins with a dash, and would be an option")
        :format(self.name, whole), 'give it in a file, or put "--" before it', 0)
    end
  end
  return (word:gsub(FIELD, function(braces)
    local name = braces:match "^{([%a_][%w_]*)}$"
    if not name then return braces:match "^{({.*})}$" end
    return self.files[name] or no_zero(texts[name], ("the field %s"):format(name), 0)
  end))
end

-- What the engine needs to know of any run.
local function start_spec(self, argv)
  local limits = self.limits
  return { program = self.program, argv = argv, env = self.env, way = self.way,
    readable = self.readable, bwrap = self.bwrap, width = self.width, most_abi = self.most_abi,
    tmp = os.getenv "TMPDIR",
    time_ms = math.ceil(limits.timeout * 1000), cpu_seconds = limits.cpu, memory = limits.memory,
    file_size = limits.file_size, processes = limits.processes, disk = limits.disk,
    open_files = self.contained and OPEN_FILES or nil, output = limits.output }
end

local function start(self, texts)
  local argv, files = {}, {}
  for i, word in ipairs(self.words) do argv[i] = fill(self, word, texts, i) end
  for name, path in pairs(self.files) do files[#files + 1] = { path, texts[name] } end
  table.sort(files, function(a, b) return a[1] < b[1] end)
  local spec = start_spec(self, argv)
  spec.files, spec.input = files, self.input and texts[self.input]
  return core.command(loop.engine(), spec, self.role)
end

-- Runs it and waits. Raises when it could not be started.
local function run_once(self, texts)
  if self.pool then return self.pool:ask(texts) end
  local running, waits = start(self, texts)
  loop.own(waits)
  loop.await(waits)
  local ended = running:ended()
  running:close()
  return ended
end

local function last_line(text)
  return text:match "([^\r\n]*%S[^\r\n]*)%s*$"
end

local function size_text(n)
  for _, unit in ipairs { "G", "M", "K" } do
    if n % UNITS[unit] == 0 then return ("%d%s"):format(n // UNITS[unit], unit) end
  end
  return ("%d bytes"):format(n)
end

-- How a run ended, if it did not end well; and what to do about it.
local function trouble(self, run)
  local limits = self.limits
  local by_limit = {
    time = function() return ("did not end within %g s"):format(limits.timeout), "timeout" end,
    cpu = function() return ("used more than %d s of processor time"):format(limits.cpu), "cpu" end,
    memory = function() return "ran out of its memory, " .. size_text(limits.memory), "memory" end,
    output = function()
      return ("wrote more than %s"):format(size_text(limits.output)), "output_limit"
    end,
    disk = function() return "filled more of the disk than " .. size_text(limits.disk), "disk" end,
    file_size = function()
      return ("wrote a file of more than %s"):format(size_text(limits.file_size)), "file_size"
    end,
  }
  local told = run.limit and by_limit[run.limit]
  if told then
    local words, option = told()
    return words .. " and was ended", ("%s = … raises the limit"):format(option)
  end
  if run.code == 0 then return nil end
  local how = run.code and ("ended with exit code %d"):format(run.code)
    or run.signal and ("was ended by %s"):format(tostring(run.signal))
    or "ended, and how is not known"
  local line = last_line(run.stderr)
  return how .. (line and "; the last line of its stderr: " .. line or ", and wrote no stderr"),
    not (run.code or run.signal) and "a host must not wait for children that it did not start"
    or nil
end

local function fail(self, words, hint)
  error(errors.new("program", ("%s %s"):format(self.name, words), hint), 0)
end

-- What a run is worth when the script does not say.
local function usual_result(self, run)
  local words, hint = run.problem, nil
  if not words then words, hint = trouble(self, run) end
  if words then fail(self, words, hint) end
  if self.pool then
    return persistent.value(run, function(says) fail(self, says) end)
  end
  if not self.output then return run.stdout end
  local text = run.files[self.output]
  if text then return text end
  for _, name in ipairs(run.unread) do
    if name == self.output then
      fail(self, ("wrote %s, which is too large to be read"):format(name),
        "output_limit = … raises the limit")
    end
  end
  fail(self, ("did not write %s"):format(self.output))
end

local function is_text(text)
  return text:find "[\128-\255]" == nil or utf8.len(text) ~= nil
end

-- The value of a run, as a tool's function gives it.
local function value_of(self, run)
  if self.result then return self.result(run) end
  local text, score = usual_result(self, run)
  if not is_text(text) then
    fail(self, "wrote what is no text (UTF-8)", "result = function(run) … end makes a text of it")
  end
  return text, score
end

-- ---- the object ----------------------------------------------------------------------------

local Command = {}
Command.__index = Command
Command.__name = "lunagrad.command"

--- A pending variable of what the program makes of its fields: command{ config = text }; of one
--- field also command(text).
function Command:__call(...) return self.tool(...) end

function Command:__tostring() return ("command %q"):format(self.name) end

--- Run it once and wait: what came of it, however it ended. Nothing is kept in the store.
---@param fields? table<string, string|lunagrad.var>
---@return lunagrad.run
function Command:run(fields)
  if fields ~= nil and (type(fields) ~= "table" or var.is(fields)) then
    errors.raise("inval", ("%s:run: expected a table of fields"):format(self.name),
      'command:run{ config = text }', 2)
  end
  local texts, known = {}, {}
  for _, name in ipairs(self.inputs) do
    local where = ("command %q: field %q"):format(self.name, name)
    local v = var.lift((fields or {})[name], name, where, 2)
    loop.await(v)
    texts[name], known[name] = v:raw_text(), true
  end
  for name in pairs(fields or {}) do
    if not known[name] then
      errors.raise("inval", ("command %q has no field %q"):format(self.name, tostring(name)),
        options.suggest(tostring(name), known), 2)
    end
  end
  return run_once(self, texts)
end

-- `true` in a sandbox of some way: does it end well? Else why not.
local function try(way, bwrap)
  local probe = { words = { "true" }, files = {}, program = containment.find("true", true),
    name = "true", role = "probe", way = way, bwrap = bwrap, env = {}, limits = { timeout = 10 },
    contained = true }
  if not probe.program then return false, "there is no program true to try" end
  probe.readable = containment.readable(probe.program, {}, {})
  local fine, run = pcall(run_once, probe, {})
  if not fine then return false, tostring(run) end
  return run.code == 0, last_line(run.stderr) or "it failed without a word"
end

--- Does a program run in a sandbox here? Tried at each call.
---@return boolean works
---@return string|nil why not
function command.try_sandbox()
  local works, why = try(WAYS[true])
  return works, not works and why or nil
end

--- bubblewrap, and whether it works here: tried once.
---@return {path: string|nil, works: boolean, why: string|nil}
function command.bubblewrap()
  return containment.bubblewrap(function(path) return try(WAYS[STRICT], path) end)
end

-- bubblewrap in place of our own filters, or a clear word why not.
local function make_strict(self, level)
  local found = command.bubblewrap()
  if not found.works then
    errors.raise("program", 'lg.command: sandbox = "strict" is not to be had here: ' .. found.why,
      "sandbox = true needs neither bubblewrap nor user namespaces", level + 1)
  end
  self.bwrap = found.path
end

local function find_program(self, level)
  local path, executable = containment.find(self.words[1], self.contained)
  if not path then
    local by_path = not self.words[1]:find("/", 1, true)
    errors.raise("program", ("lg.command: no program %s%s"):format(errors.quoted(self.words[1]),
      by_path and " in PATH" or ""), by_path and "one in this folder is ./" .. self.words[1]
      or "a relative path begins where the script was started", level + 1)
  elseif not executable then
    errors.raise("program", ("lg.command: %s is not executable"):format(errors.quoted(path)),
      "chmod +x makes a file executable", level + 1)
  end
  self.program = path
end

-- A text that begins with a dash is no option behind "--".
local function where_options_end(words)
  local ends, over = {}, false
  for i, word in ipairs(words) do
    ends[i] = over
    over = over or word == "--"
  end
  return ends
end

local function literal(words)
  local list = {}
  for i = 2, #words do
    if not words[i]:find(FIELD) then list[#list + 1] = words[i] end
  end
  return list
end

-- A program that stays has its words once and for all, and its fields by lines.
local function check_persistent(spec, words, level)
  if not spec.persistent then
    if spec.fields then
      errors.refuse("fields", "lg.command: fields are named for persistent programs alone",
        "others take those that stand in words, files and input", level + 1)
    end
    return
  end
  for _, name in ipairs { "files", "input", "output", "disk" } do
    if spec[name] ~= nil then
      errors.refuse(name, ("lg.command: a persistent program has no %s"):format(name),
        "it is asked by lines of JSON, and answers by such", level + 1)
    end
  end
  for _, word in ipairs(words) do
    fields_of(word, function(field)
      errors.raise("inval", ("lg.command: the words of a persistent program hold no field {%s}")
        :format(field), 'fields = { … } names what is in each question', level + 2)
    end)
  end
end

local function make_pool(self)
  return persistent.pool { width = self.width, timeout = self.limits.timeout, role = self.role,
    start = function() return core.talk(loop.engine(), start_spec(self, self.words)) end }
end

local function make(spec, most_abi)
  local way = WAYS[spec.sandbox or false]
  if not way then
    errors.refuse("sandbox", ("lg.command: sandbox is true, false or %q, got %s"):format(STRICT,
      errors.quoted(spec.sandbox)), options.suggest(spec.sandbox, { [STRICT] = true }), 3)
  end
  local contained = way ~= WAYS[false]
  local self = setmetatable({ words = read_words(spec, 3), files = read_files(spec.files, 3),
    input = spec.input, contained = contained, way = way,
    most_abi = most_abi, result = spec.result }, Command)
  self.name = spec.name or self.words[1]:match "[^/]+$" or self.words[1]
  self.role = spec.role or self.name
  self.output = spec.output and inside(spec.output, "output", 3)
  self.limits = read_limits(spec, contained, 3)
  self.width = at_least_one(spec.concurrency, "concurrency", 3)
  self.ends_options = where_options_end(self.words)
  check_persistent(spec, self.words, 3)
  self.inputs = read_inputs(self, spec, 3)
  find_program(self, 3)
  self.env = read_env(spec.env, contained, self.program, 3)
  local more = read_paths(spec.read, 3)
  if contained then
    local problem = containment.holds(most_abi).problem
    if problem then
      errors.raise("program", "lg.command: a sandbox is not to be had here: " .. problem,
        "lunagrad doctor tells what holds here; a program that you trust runs with sandbox = false",
        3)
    end
    self.readable = containment.readable(self.program, literal(self.words), more)
  end
  return self
end

--- A program as a node: words, no shell; `{field}` inside a word is filled in. See docs/command.md.
---@param spec table { "program", "argument", …, files, input, output, name, purpose, role, timeout,
--- cpu, memory, file_size, processes, disk, output_limit, env, read, sandbox, result, concurrency,
--- cache, version, target, backward, persistent, fields }
---@return lunagrad.command
function command.new(spec)
  local words = {} -- positional ones are of any number
  for i = 2, type(spec) == "table" and #spec or 0 do words[i] = "any" end
  for name, kind in pairs(SPEC) do words[name] = kind end
  spec = options.check(spec, words, "lg.command", 2)
  local self = make(spec, command.most_abi)
  if spec.sandbox == STRICT then make_strict(self, 2) end
  if spec.persistent then self.pool = make_pool(self) end
  local names = self.inputs
  self.tool = var.tool { name = self.name, purpose = spec.purpose, role = self.role,
    inputs = names, target = spec.target, backward = spec.backward, cache = spec.cache ~= false,
    version = version_of(self, spec),
    run = function(...)
      local texts = {}
      for i, name in ipairs(names) do
        local given = select(i, ...)
        texts[name] = type(given) == "string" and given or given:raw_text()
      end
      return value_of(self, run_once(self, texts))
    end }
  return self
end

return command
