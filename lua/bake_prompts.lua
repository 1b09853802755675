--- bake_prompts.lua: writes the operators' prompts (lua/lunagrad/prompts.lua) into a C file of the
--- engine, so that a host without Lua has them.
--
-- Usage: lua5.4 lua/bake_prompts.lua OUT.c lua
-- In the order of their names; the same prompts give the same bytes. Run by make; see struct
-- lg_built_in.

local function quoted(text)
  return '"' .. text:gsub('[%c"\\\128-\255?]', function(c)
    return ("\\%03o"):format(c:byte())
  end) .. '"'
end

local target, tree = arg[1], arg[2]
package.path = tree .. "/?.lua;" .. package.path
local prompts, names = require "lunagrad.prompts", {}
for name in pairs(prompts) do names[#names + 1] = name end
table.sort(names)
local out = assert(io.open(target, "wb"))
out:write "/* Made by lua/bake_prompts.lua. */\n#include \"front/built_in.h\"\n\n"
out:write "const lg_built_in lg__built_in[] = {\n"
for _, name in ipairs(names) do
  out:write(("    {%s,\n"):format(quoted(name)))
  local lines = {}
  for line in (prompts[name] .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  for i, line in ipairs(lines) do
    out:write("     ", quoted(i < #lines and line .. "\n" or line), i < #lines and "\n" or "},\n")
  end
end
out:write "    {NULL, NULL},\n};\n"
assert(out:close())
