--- check_meta.lua: every public name of the loaded module is described in
-- lua/meta/*.lua, and everything described there exists.
--
-- Names are those of the module table, of the tables in it, and of the methods of
-- variables. A name that begins with "_" is not public. Run by `make lint` in a
-- stock Lua with $BUILD/lunagrad.so.

local META = { "lua/meta/lunagrad.lua", "lua/meta/lunagrad_text.lua",
  "lua/meta/lunagrad_search.lua", "lua/meta/lunagrad_task.lua",
  "lua/meta/lunagrad_sandbox.lua", "lua/meta/lunagrad_command.lua",
  "lua/meta/lunagrad_radiotherapy.lua", "lua/meta/lunagrad_host.lua" }

local build = os.getenv "BUILD" or "build"
package.cpath = build .. "/?.so;" .. package.cpath
local lg = require "lunagrad"

local function is_public(name)
  return type(name) == "string" and name:find "^%a[%w_]*$" ~= nil
end

-- Parts that are loaded when they are used: their names are an upvalue of __index.
local function load_lazy()
  local index = getmetatable(lg).__index
  for i = 1, 16 do
    local name, value = debug.getupvalue(index, i)
    if name == "LAZY" then
      for part in pairs(value) do local _ = lg[part] end
    end
  end
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
      local method = line:match "^function%s+Var[:%.]([%w_]+)"
      if method then names["Var:" .. method] = true end
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
