--- Errors as people read them: one clear line, the place in the script, a hint, an exit code.
--
-- Pure but for reading the source line it shows. Errors come as texts (Lua's own), as objects of
-- lunagrad.errors (kind, message, hint, …) or as anything a script raises.

local args = require "lunagrad.cli.args"
local display = require "lunagrad.cli.display"
local errors = require "lunagrad.errors"

local trouble = {}

trouble.OK, trouble.SCRIPT, trouble.USAGE, trouble.PROVIDER, trouble.INTERRUPTED = 0, 1, 2, 3, 130

local MAX_FRAMES = 4

-- Kinds that are the provider's, the network's or the key's doing.
local PROVIDER_KINDS = {}
for kind in ([[provider model key auth library resolve connect tls timeout reset badreply truncated
  toobig rate overload money refused badrequest context nomodel empty]]):gmatch("%S+") do
  PROVIDER_KINDS[kind] = true
end

-- Frames of the library and of C are not the user's.
local function is_users(path)
  return path ~= "[C]" and not path:find("^lunagrad/")
end

-- Lua shortens long paths to "...end/of/it"; the script's own whole path is known.
local function whole_path(path, script_path)
  local tail = path:match("^%.%.%.(.+)$")
  if tail and script_path and script_path:sub(-#tail) == tail then return script_path end
  return path
end

--- The user's frames in a traceback, innermost first.
---@param traceback string as debug.traceback makes it
---@param script_path string|nil
---@return table list of { path, line, what }
function trouble.frames(traceback, script_path)
  local frames = {}
  for row in traceback:gmatch("[^\n]+") do
    local path, line, what = row:match("^%s+(.-):(%d+): in (.*)$")
    if path and is_users(path) then
      what = what:gsub("^function <.*:(%d+)>$", "function at line %1")
      frames[#frames + 1] = { path = whole_path(path, script_path), what = what,
        line = math.tointeger(tonumber(line)) }
    end
  end
  return frames
end

-- A pipe that a script came from is empty by now.
local function is_file(path)
  local stat = require("lunagrad.file").stat(path)
  return stat ~= nil and stat.kind == "file"
end

-- A file, and not the start of a URL or of a sentence with a colon.
local function is_source(path)
  if path == "(command line)" or path == "stdin" then return true end
  return is_file(path)
end

-- "path:12: what happened" -> path, 12, what happened
local function split_position(text, script_path)
  local path, line, rest = text:match("^([^\n]-):(%d+): (.*)$")
  if not path then return nil, nil, text end
  if not is_users(path) then return nil, nil, rest end
  path = whole_path(path, script_path)
  if not is_source(path) then return nil, nil, text end
  return path, math.tointeger(tonumber(line)), rest
end

-- Where an error object says that it belongs: "path:12:"
local function own_position(err, script_path)
  local path, line = tostring(err.where or ""):match("^(.+):(%d+):?$")
  if path then return whole_path(path, script_path), math.tointeger(tonumber(line)) end
end

local function source_line(path, wanted)
  local file = is_file(path) and io.open(path, "rb")
  if not file then return nil end
  local number = 0
  if not file:read(0) then -- empty, or a directory
    file:close()
    return nil
  end
  for line in file:lines() do
    number = number + 1
    if number == wanted then
      file:close()
      return #line <= 400 and line or nil
    end
  end
  file:close()
end

-- Where in the line the message points: the name it quotes, or the first word.
local function column(line, message)
  local name = message:match("%(%w+ '([^']+)'%)") or message:match("near '([^']+)'")
  local at
  if name then
    local plain = name:gsub("%p", "%%%0")
    at = line:find("%f[%w_]" .. plain .. "%f[^%w_]") or line:find(name, 1, true)
  end
  return at or line:find("%S")
end

-- A key that a script holds is not for the screen, nor for whoever gets what stood there.
local function masked(line)
  local function stars(before, quote, value, after)
    return before .. quote .. ("*"):rep(#value) .. after
  end
  line = line:gsub("(://)([^%s/\"'@]*)(@)", function(before, value, after)
    return before .. ("*"):rep(#value) .. after
  end)
  for _, name in ipairs { "[Kk][Ee][Yy]", "[Tt][Oo][Kk][Ee][Nn]", "[Aa]uthorization" } do
    line = line:gsub("(" .. name .. "[\"'%]]*%s*=%s*)([\"'])(.-)(%2)", stars)
  end
  return line
end

local function excerpt(lines, path, number, message)
  local line = source_line(path, number)
  if not line or not line:find("%S") then return end
  line = display.clean(masked((line:gsub("\t", "  "):gsub("\r", ""))))
  local at = column(line, message)
  local before = utf8.len(line:sub(1, at - 1)) or at - 1
  lines[#lines + 1] = ("  %5d | %s"):format(number, line)
  lines[#lines + 1] = ("  %5s | %s^"):format("", (" "):rep(before))
end

-- Not for the one place that the first line has named already.
local function frame_lines(lines, frames, path, number)
  if #frames == 0 or #frames == 1 and frames[1].path == path and frames[1].line == number then
    return
  end
  for i, frame in ipairs(frames) do
    if i > MAX_FRAMES then
      lines[#lines + 1] = ("  … and %d more"):format(#frames - MAX_FRAMES)
      return
    end
    lines[#lines + 1] = ("  in %s (%s:%d)"):format(frame.what, frame.path, frame.line)
  end
end

-- What the engine was doing: "while: step 3, example 17, node answer"
local function context_line(lines, err)
  local words = {}
  for _, key in ipairs({ "step", "example", "node" }) do
    if err[key] ~= nil then words[#words + 1] = ("%s %s"):format(key, tostring(err[key])) end
  end
  if #words > 0 then lines[#lines + 1] = "  while: " .. table.concat(words, ", ") end
  if err.request_id then lines[#lines + 1] = "  request id: " .. tostring(err.request_id) end
end

-- The engine names its own options; the command has others for the same.
local OPTION = { first_byte_timeout_ms = "--timeout", total_timeout_ms = "--timeout",
  connect_timeout_ms = "--timeout", max_attempts = "--retries" }

local function hint_of(err)
  return (display.clean(err.hint):gsub("%f[%w_][%l_]+%f[^%w_]", function(word)
    return OPTION[word] and ("%s (in a script %s)"):format(OPTION[word], word)
  end))
end

local function message_of(err)
  local text = type(err) == "table" and err.message
  return type(text) == "string" and text or errors.words(err)
end

-- In a file lg is a local like any other; at the prompt and with -e it is there.
local function hint_for(err, message)
  if type(err) == "table" and type(err.hint) == "string" then return hint_of(err) end
  if message:find("a nil value (global 'lg')", 1, true) then
    return 'the script needs  local lg = require "lunagrad"  before this line'
  end
end

local function exit_code(err)
  if args.is_usage(err) then return trouble.USAGE, "error" end
  local kind = type(err) == "table" and (err.cause_kind or err.kind)
  if kind == "cancelled" then return trouble.INTERRUPTED, "interrupted" end
  if PROVIDER_KINDS[kind] then return trouble.PROVIDER, "provider" end
  return trouble.SCRIPT, "error"
end

--- Describe an error.
---@param err any
---@param script_path string|nil of the script that was run
---@param outer string|nil traceback of the script's main task, if another task failed
---@return string[] lines, integer exit_code, string status, string message
function trouble.describe(err, script_path, outer)
  local code, status = exit_code(err)
  local is_table = type(err) == "table"
  local traceback = is_table and rawget(err, "traceback") or ""
  local frames = trouble.frames(traceback .. "\n" .. (outer or ""), script_path)
  local path, number, message = split_position(message_of(err), script_path)
  if not path and is_table then path, number = own_position(err, script_path) end
  if not path and frames[1] then path, number = frames[1].path, frames[1].line end
  message = display.clean(message)
  local where = path and ("%s:%d: "):format(display.clean_line(path), number) or ""
  local lines = { "lunagrad: " .. where .. message }
  if path then excerpt(lines, path, number, message) end
  frame_lines(lines, frames, path, number)
  if is_table then context_line(lines, err) end
  local hint = hint_for(err, message)
  if hint then lines[#lines + 1] = "  hint: " .. hint end
  return lines, code, status, where .. message
end

local UNSEEN = 3        -- of the failures that nobody looked at
local UNSEEN_COLUMNS = 300

--- Describe failures that a script did not look at.
---@param n integer
---@param problems table[] the first of them
---@return string[] lines, integer exit_code, string status, string message
function trouble.unseen(n, problems)
  local words = require("lunagrad.unseen").words(n)
  local lines, code, status = { "lunagrad: " .. words .. ":" }, trouble.SCRIPT, "error"
  for i, problem in ipairs(problems) do
    if exit_code(problem) == trouble.PROVIDER then code, status = trouble.PROVIDER, "provider" end
    if i <= UNSEEN then
      local text = display.clean_line(message_of(problem))
      lines[#lines + 1] = "  " .. display.fit(text, UNSEEN_COLUMNS)
    end
  end
  if n > UNSEEN then lines[#lines + 1] = ("  … and %d more"):format(n - UNSEEN) end
  local first = problems[1]
  if type(first) == "table" and type(first.hint) == "string" then
    lines[#lines + 1] = "  hint: " .. hint_of(first)
  end
  return lines, code, status, words .. ": " .. display.clean_line(message_of(first))
end

return trouble
