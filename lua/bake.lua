--- bake.lua: writes the library's Lua files into one C file.
--
-- Usage: lua5.4 lua/bake.lua OUT.c lua/lunagrad
-- The same files give the same bytes. Run by make; see struct lg_embedded.

local BYTES_A_LINE = 20

local function fail(message)
  io.stderr:write("bake.lua: ", message, "\n")
  os.exit(1)
end

local function read(path)
  local file, problem = io.open(path, "rb")
  if not file then fail(problem) end
  local text = file:read "a"
  file:close()
  return text
end

local function quoted(path)
  return "'" .. path:gsub("'", "'\\''") .. "'"
end

--- Paths of all Lua files under root, in the order of their bytes.
local function list(root)
  local pipe = assert(io.popen("LC_ALL=C find " .. quoted(root) .. " -name '*.lua' -type f"))
  local paths = {}
  for path in pipe:lines() do paths[#paths + 1] = path end
  if not pipe:close() or #paths == 0 then fail("no Lua files in " .. root) end
  table.sort(paths)
  return paths
end

--- "improve/tgd.lua" is the module lunagrad.improve.tgd, "world/init.lua" lunagrad.world.
local function module_name(path)
  local name = "lunagrad." .. path:gsub("%.lua$", ""):gsub("/", ".")
  return (name:gsub("%.init$", ""))
end

local function write_bytes(out, text)
  for from = 1, #text, BYTES_A_LINE do
    local numbers = { text:byte(from, from + BYTES_A_LINE - 1) }
    out:write("    ", table.concat(numbers, ","), ",\n")
  end
  out:write("    0,\n") -- an empty array is no C
end

local function write(out, root, paths)
  out:write "/* Made by lua/bake.lua. */\n#include \"binding/lua_binding.h\"\n\n"
  local rows = {}
  for i, path in ipairs(paths) do
    local text, inside = read(path), path:sub(#root + 2)
    local chunk, problem = load(text, "@lunagrad/" .. inside, "t")
    if not chunk then fail(problem) end
    out:write(("static const unsigned char file_%d[] = {\n"):format(i))
    write_bytes(out, text)
    out:write "};\n"
    rows[i] = ("    {%q, %q, file_%d, %d},\n"):format(module_name(inside), "@lunagrad/" .. inside,
      i, #text)
  end
  out:write("\nconst struct lg_embedded lg__embedded[] = {\n", table.concat(rows),
    "    {NULL, NULL, NULL, 0},\n};\n")
end

local target, root = arg[1], arg[2]
if not root then fail "usage: bake.lua OUT.c DIRECTORY" end
root = root:gsub("/+$", "")
local paths = list(root)
local out, problem = io.open(target, "wb")
if not out then fail(problem) end
write(out, root, paths)
if not out:close() then fail("cannot write " .. target) end
