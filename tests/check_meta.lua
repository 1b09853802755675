--- check_meta.lua: every public name of the loaded module is described in
-- lua/meta/*.lua, and everything described there exists.
--
-- Names are those of the module table, of the tables in it, and of the methods of
-- variables and other objects. A name that begins with "_" is not public. Run by `make lint` in a
-- stock Lua with $BUILD/lunagrad.so.

local META = {}
for path in assert(io.popen "LC_ALL=C ls lua/meta/*.lua"):lines() do META[#META + 1] = path end

local build = os.getenv "BUILD" or "build"
package.cpath = build .. "/?.so;" .. package.cpath
local lg = require "lunagrad"

local function is_public(name)
  return type(name) == "string" and name:find "^%a[%w_]*$" ~= nil
end

-- Parts that are loaded when they are used: their names are an upvalue of __index.
local function upvalue(fn, wanted)
  for i = 1, 16 do
    local name, value = debug.getupvalue(fn, i)
    if name == wanted then return value end
  end
  return {}
end

local function load_lazy()
  for part in pairs(upvalue(getmetatable(lg).__index, "LAZY")) do local _ = lg[part] end
end

-- Objects whose methods the stubs describe, by their names there; and methods that are the
-- library's own.
local INNER = { known = true, form = true, note_form = true, rejected = true, accepted = true }

local function objects()
  return { Dataset = lg.data.list {}, Rng = lg.rng.new(1), Box = lg.sandbox(),
    Optimizer = lg.optim.tgd { lg.param("x", "a text") }, Task = lg.spawn(function() end),
    Retriever = lg.retriever { docs = { "x" } },
    ProgramTests = lg.task.program_tests { box = lg.sandbox() } }
end

--- The names of the module, as "loss.critic" or "Var:text".
local function loaded_names()
  local names = {}
  local function walk(t, prefix, depth)
    for name, value in pairs(t) do
      if is_public(name) then
        names[prefix .. name] = true
        -- a module may be closed (options.closed): its metatable has nothing but __index
        local meta = type(value) == "table" and getmetatable(value)
        local closed = meta and type(meta.__index) == "function" and not meta.__newindex
          and not meta.__call
        local open = type(value) == "table" and depth < 3 and (not meta or closed)
        if open then walk(value, prefix .. name .. ".", depth + 1) end
      end
    end
  end
  load_lazy()
  walk(lg, "", 1)
  names["prompts.use"] = type(lg.prompts.use) == "function" or nil -- not among the prompts' names
  for name in pairs(require("lunagrad.core").var_methods) do
    if is_public(name) then names["Var:" .. name] = true end
  end
  for object, value in pairs(objects()) do
    local methods = getmetatable(value).__index
    for name, member in pairs(type(methods) == "table" and methods or upvalue(methods, object)) do
      local known = is_public(name) and type(member) == "function" and not INNER[name]
      if known then names[object .. ":" .. name] = true end
    end
  end
  return names
end

--- The names that the stubs describe, in the same form.
local function described_names()
  local names = {}
  for _, path in ipairs(META) do
    for line in io.lines(path) do
      local name = line:match "^function%s+lunagrad%.([%w_%.]+)"
        or line:match "^lunagrad%.([%w_%.]+)%s*="
      if name then names[name] = true end
      local method = line:match "^function%s+(%u[%w_]*:[%w_]+)"
      if method then names[method] = true end
    end
  end
  return names
end

local function missing(from, in_these)
  local list = {}
  for name in pairs(from) do
    if not in_these[name] then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

print "lint: names in lua/meta"
local loaded, described = loaded_names(), described_names()
local bad = false
for _, name in ipairs(missing(loaded, described)) do
  print(("%s: %s is not described"):format("lua/meta", name))
  bad = true
end
for _, name in ipairs(missing(described, loaded)) do
  print(("%s: %s is described but does not exist"):format("lua/meta", name))
  bad = true
end
os.exit(not bad)
