--- declarations.lua: writes what lua/lunagrad_ffi.lua declares to LuaJIT from engine/lunagrad.h, or tells whether
--- it is as the header is.
--
-- Usage: lua5.4 lua/declarations.lua [--check] [HEADER [FILE]]      from the project's directory
-- Run by `make reference` and `make lint`.
--
-- Reads the header as it is written, and no C besides: comments and lines for the preprocessor go,
-- the error codes are counted as LG_ERROR_MAP names them, inline functions are left out.

local BEGIN = "-- begin of what lua/declarations.lua writes\n"
local END = "-- end of what lua/declarations.lua writes\n"
local BROAD = 98

local function fail(...)
  io.stderr:write("declarations.lua: ", string.format(...), "\n")
  os.exit(1)
end

local function read(path)
  local file, problem = io.open(path, "rb")
  if not file then fail("%s", problem) end
  local text = file:read "a"
  file:close()
  return text
end

--- The names of the errors, in order.
local function error_names(text)
  local map = text:match "#define LG_ERROR_MAP%(XX%)(.-)\n\n"
  local names = {}
  for name in (map or ""):gmatch "XX%((%u[%u%d]*)," do names[#names + 1] = name end
  if #names == 0 then fail "there is no LG_ERROR_MAP" end
  return names
end

-- Logical lines without those for the preprocessor.
local function without_preprocessor(text)
  local lines, inside = {}, false
  for line in (text:gsub("\\\n", " ") .. "\n"):gmatch "(.-)\n" do
    if not line:find "^%s*#" then
      if line:find "^extern \"C\" {" then
        inside = true
      elseif inside and line == "}" then
        inside = false
      else
        lines[#lines + 1] = line
      end
    end
  end
  return table.concat(lines, "\n")
end

--- Declarations: a list of texts, each one that ends with its ";".
local function declarations(header)
  local names = error_names(header)
  local text = header:gsub("/%*.-%*/", " ")
  -- the codes are written by macros
  local codes = { "enum lg_error { LG_OK = 0" }
  for i, name in ipairs(names) do codes[#codes + 1] = ("LG_E%s = -%d"):format(name, i) end
  text = text:gsub("enum lg_error_order {.-};", "", 1)
  text = text:gsub("enum lg_error {.-};", function()
    return table.concat(codes, ", ") .. " };"
  end, 1)
  text = without_preprocessor(text:gsub("static inline [^{]-%b{}", "")):gsub("LG_API%s+", "")
  local list, from, depth = {}, 1, 0
  for at, sign in text:gmatch "()([{};])" do
    depth = depth + (sign == "{" and 1 or sign == "}" and -1 or 0)
    if depth < 0 then fail("a brace too many before %q", text:sub(at, at + 40)) end
    if sign == ";" and depth == 0 then
      local one = text:sub(from, at):gsub("%s+", " "):gsub("^ ", "")
      list[#list + 1] = one
      from = at + 1
    end
  end
  if text:find("%S", from) then fail("what is %q?", text:sub(from):match "%S[^\n]*") end
  return list
end

--- One declaration a line, or as many as it takes.
local function folded(list)
  local lines = {}
  for _, one in ipairs(list) do
    local line = ""
    for word in one:gmatch "%S+" do
      if #line + 1 + #word > BROAD then
        lines[#lines + 1] = line
        line = "  " .. word
      else
        line = line == "" and word or line .. " " .. word
      end
    end
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n") .. "\n"
end

local check = arg[1] == "--check"
local paths = { table.unpack(arg, check and 2 or 1) }
local header, target = paths[1] or "engine/lunagrad.h", paths[2] or "lua/lunagrad_ffi.lua"
local text = read(target)
local first, last = text:find(BEGIN, 1, true), (text:find(END, 1, true))
if not first or not last then fail("%s has no lines to write between", target) end
local source = read(header)
local version = source:match "#define LG_API_VERSION (%d+)"
if not version then fail "there is no LG_API_VERSION" end
local made = text:sub(1, first - 1) .. BEGIN
  .. ("SONAME = %q\n"):format("liblunagrad.so." .. version)
  .. "DECLARATIONS = [==[\n" .. folded(declarations(source)) .. "]==]\n" .. text:sub(last)
if check then
  print "lint: declarations for an FFI"
  if made ~= text then
    print(("%s is not what %s says: make reference"):format(target, header))
    os.exit(false)
  end
elseif made ~= text then
  local file = assert(io.open(target, "wb"))
  file:write(made)
  file:close()
end
