--- The user's script: finding it, loading it, and the world it runs in.
--
-- A script's globals are _G with a few words replaced: print, tostring and what is written to
-- stdout and stderr wait for variables, keep out of the way of the live block, are clean on a
-- terminal, and go to stderr when stdout is kept for JSON. Modules beside the script see the same
-- globals, and what `load` makes sees the same print.

local output = require "lunagrad.cli.output"
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

local warning = warn

-- What all code of this Lua shares, a script's or not.
local function take_over(options, print)
  output.take(io.stdout, options.write)
  output.take(io.stderr, options.write_error)
  rawset(io, "write", function(...) return io.output():write(...) end)
  _G.print = print
  function _G.warn(...)
    options.write_error "" -- the live block goes out of the way
    warning(...)
  end
end

--- The globals a script runs with.
-- options = { write, write_error = function(text), exit = function(code), with_library = lg without
-- require }
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
  env.tostring = output.to_text
  env.os = setmetatable({ exit = options.exit }, { __index = os })
  function env.print(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = output.to_text(parts[i]) end
    options.write(table.concat(parts, "\t", 1, parts.n) .. "\n")
  end
  take_over(options, env.print)
  return env
end

--- Let `require` find modules beside the script, after those that are built in.
---@param path string of the script
---@param env table what such modules see as their globals
---@param heard? fun(text: string) is told the source of each
function script.add_searcher(path, env, heard)
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
        if heard then heard(text) end
        return chunk, file_name
      end
      tried[#tried + 1] = ("no file '%s'"):format(file_name)
    end
    return table.concat(tried, "\n\t")
  end
  table.insert(package.searchers, 2, search)
end

return script
