--- bake.lua: writes the library's Lua files into one C file.
--
-- Usage: lua5.4 lua/bake.lua OUT.c lua/lunagrad [MODULE FOLDER…]
-- The Lua files of the folders behind it are kept as texts, not to be run: the module returns a table
-- of them by "folder/name.lua" (lunagrad init writes them out). The same files give the same
-- bytes. Run by make; see struct lg_embedded.

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

--- The module that returns the texts of these folders.
local function kept(folders)
  local lines = { "return {" }
  for _, folder in ipairs(folders) do
    for _, path in ipairs(list(folder)) do
      lines[#lines + 1] = ("[%q] = %q,"):format(folder:match "[^/]+$" .. path:sub(#folder + 1),
        read(path))
    end
  end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n")
end

local function write_file(out, rows, name, chunkname, text)
  local chunk, problem = load(text, chunkname, "t")
  if not chunk then fail(problem) end
  local i = #rows + 1
  out:write(("static const unsigned char file_%d[] = {\n"):format(i))
  write_bytes(out, text)
  out:write "};\n"
  rows[i] = ("    {%q, %q, file_%d, %d},\n"):format(name, chunkname, i, #text)
end

local function write(out, root, paths, extra)
  out:write "/* Made by lua/bake.lua. */\n#include \"binding/lua_binding.h\"\n\n"
  local rows = {}
  for _, path in ipairs(paths) do
    local inside = path:sub(#root + 2)
    write_file(out, rows, module_name(inside), "@lunagrad/" .. inside, read(path))
  end
  if extra then write_file(out, rows, extra.name, "=" .. extra.name, kept(extra.folders)) end
  out:write("\nconst struct lg_embedded lg__embedded[] = {\n", table.concat(rows),
    "    {NULL, NULL, NULL, 0},\n};\n")
end

local target, root = arg[1], arg[2]
if not root then fail "usage: bake.lua OUT.c DIRECTORY [MODULE FOLDER…]" end
root = root:gsub("/+$", "")
local paths = list(root)
local out, problem = io.open(target, "wb")
if not out then fail(problem) end
write(out, root, paths, arg[3] and { name = arg[3], folders = table.move(arg, 4, #arg, 1, {}) })
if not out:close() then fail("cannot write " .. target) end
