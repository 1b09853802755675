--- The user's script: finding it, loading it, and the world it runs in.
--
-- A script's globals are _G with a few words replaced: print, tostring, io.write and io.stdout
-- wait for variables, keep out of the way of the live block, clean what goes to a terminal, and
-- go to stderr when stdout is kept for JSON. Modules beside the script see the same globals.

local term = require "lunagrad.term"

local script = {}

local function missing(path, message)
  local hint
  for _, guess in ipairs({ path .. ".lua", "scripts/" .. path, "scripts/" .. path .. ".lua" }) do
    if require("lunagrad.file").stat(guess) then
      hint = ("did you mean %s?"):format(guess)
      break
    end
  end
  return nil, ("cannot read the script %s"):format(message or path), hint
end

--- The source of a script.
---@param path string "-" is standard input
---@return string|nil text, string|nil message, string|nil hint
function script.read(path)
  if path == "-" then return io.read("a") end
  if term.is_directory(path) then
    return nil, ("%s is a directory, not a script"):format(path), "give a .lua file"
  end
  local file, message = require("lunagrad.file").open(path)
  if not file then return missing(path, message) end
  local text, read_message = file:read("a")
  file:close()
  if not text then return nil, ("%s: %s"):format(path, read_message) end
  return text
end

--- Compile source text; the message of a syntax error keeps its whole path.
---@param text string
---@param chunkname string as for load(): "@path" or "=name"
---@param env table
---@return function|nil chunk, string|nil message, integer|nil line
function script.compile(text, chunkname, env)
  local name = chunkname:sub(2)
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "", 1)
  if text:sub(1, 1) == "\27" then
    return nil, ("%s: this is compiled Lua; give the source"):format(name)
  end
  local chunk, message = load(text, chunkname, "t", env)
  if chunk then return chunk end
  local line, rest = message:match(":(%d+): (.*)$")
  if not line then return nil, message end
  return nil, ("%s:%s: %s"):format(name, line, rest), math.tointeger(tonumber(line))
end

-- A variable of the graph, told without loading the library for it.
local function is_var(value)
  local core = package.loaded["lunagrad.core"]
  return type(value) == "userdata" and core ~= nil and getmetatable(value) == core.var_metatable
end

-- tostring that may wait: __tostring is called from C and cannot.
local function to_text(value)
  if is_var(value) then return value:shown() end
  return tostring(value)
end

local function replaced_io(write)
  local stdout = setmetatable({}, { __index = function(_, name)
    local method = io.stdout[name]
    if type(method) ~= "function" then return method end
    return function(_, ...) return method(io.stdout, ...) end
  end, __tostring = function() return tostring(io.stdout) end, __name = "FILE*" })
  local function write_all(...)
    local parts = table.pack(...)
    for i = 1, parts.n do
      local part = parts[i]
      if type(part) ~= "string" and type(part) ~= "number" and not is_var(part) then
        error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, type(part)), 2)
      end
      parts[i] = to_text(part)
    end
    write(table.concat(parts, "", 1, parts.n))
    return stdout
  end
  function stdout.write(_, ...) return write_all(...) end
  return setmetatable({ write = write_all, stdout = stdout }, { __index = io })
end

--- The globals a script runs with.
-- options = { write = function(text), exit = function(code), with_library = lg without require }
---@return table env
function script.environment(options)
  local index = _G
  if options.with_library then
    index = function(_, name)
      if name == "lg" then return require "lunagrad" end
      return _G[name]
    end
  end
  local env = setmetatable({}, { __index = index })
  env._G = env
  env.tostring = to_text
  env.io = replaced_io(options.write)
  env.os = setmetatable({ exit = options.exit }, { __index = os })
  function env.print(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = to_text(parts[i]) end
    options.write(table.concat(parts, "\t", 1, parts.n) .. "\n")
  end
  return env
end

--- Let `require` find modules beside the script, after those that are built in.
---@param path string of the script
---@param env table what such modules see as their globals
function script.add_searcher(path, env)
  local folder = path:match("^(.*/)[^/]*$") or "./"
  local function search(name)
    local tried = {}
    local base = folder .. name:gsub("%.", "/")
    for _, file_name in ipairs({ base .. ".lua", base .. "/init.lua" }) do
      local file = require("lunagrad.file").open(file_name)
      if file then
        local text = file:read("a")
        file:close()
        local chunk, message = script.compile(text or "", "@" .. file_name, env)
        if not chunk then error(message, 0) end
        return chunk, file_name
      end
      tried[#tried + 1] = ("no file '%s'"):format(file_name)
    end
    return table.concat(tried, "\n\t")
  end
  table.insert(package.searchers, 2, search)
end

return script
