--- spec_recorder.lua: runs a script in a stock Lua, and writes down which options it was checked
-- against: for test_reference_examples.lua, which compares them with the stubs.
--
-- Usage: lua5.4 spec_recorder.lua BUILD RECORD SCRIPT. RECORD gets a line of JSON for each call of
-- options.check: { where =, file =, keys = { name = { types =, optional =, one_of =, default = } } }.

local build, record, script = arg[1], arg[2], arg[3]
package.cpath = build .. "/?.so;" .. package.cpath
local core = require "lunagrad.core"
local options = require "lunagrad.options"

local seen, lines = {}, {}

local function is_optional(types)
  return types == "any" or types:sub(-1) == "?" or ("|" .. types .. "|"):find "|nil|" ~= nil
end

local function described(rule)
  if type(rule) == "string" then
    return { types = rule, optional = is_optional(rule) }
  end
  return { types = rule.type or "any", optional = not rule.required, one_of = rule.one_of,
    default = rule.default, has_default = rule.default ~= nil }
end

local check = options.check
function options.check(opts, spec, where, level)
  local keys, names = {}, {}
  for key, rule in pairs(spec) do
    if type(key) == "string" then
      keys[key] = described(rule)
      names[#names + 1] = key
    end
  end
  table.sort(names)
  local id = where .. "\0" .. table.concat(names, " ")
  if not seen[id] then
    seen[id] = true
    local from = debug.getinfo(2, "S").source:match "[^@=]+$"
    lines[#lines + 1] = core.json_encode { where = where, file = from, keys = keys }
  end
  return check(opts, spec, where, level) -- a tail call, so that levels are as they were
end

lg = require "lunagrad" -- luacheck: ignore
local chunk = assert(loadfile(script))
local ok, problem = pcall(chunk)
local file = assert(io.open(record, "w"))
file:write(table.concat(lines, "\n"), "\n")
file:close()
if not ok then
  io.stderr:write(tostring(problem), "\n")
  os.exit(1)
end
