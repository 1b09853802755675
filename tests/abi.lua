--- abi.lua: does the library still keep what tests/abi.txt records of its binary interface?
--
-- Recorded are the functions with their types, the exported symbols, the structs with the place
-- and size of each field, the constants, and the types of callbacks, as the header and the
-- compiler have them on x86-64. What is gone, moved, renumbered or has another type is a failure:
-- programs that were built before would break. What is new is a note: `make abi` records it. A
-- struct may grow at its end when it begins with its size, or when only the library makes it.
-- A break on purpose needs another LG_API_VERSION, then `make abi`.
--
-- Usage: lua5.4 tests/abi.lua check|record|print [RECORD]    (BUILD, CC)

local RECORD = arg[2] or "tests/abi.txt"
local HEADER = "engine/lunagrad.h"

-- Made by the library alone, and read through a pointer.
local LIBRARY_MAKES = { lg_event = true }
-- Ends of lists, which are no values.
local ENDS = { LG_OPS = true, LG_KINDS = true }

local build = os.getenv "BUILD" or "build"
local cc = os.getenv "CC" or "cc"

local function fail(...)
  io.stderr:write("abi: ", string.format(...), "\n")
  os.exit(1)
end

local function output(line)
  local pipe = assert(io.popen(line))
  local text = pipe:read "a"
  if not pipe:close() then fail("failed: %s", line) end
  return text
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function trim(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- The type of "const char *const *names": all but the name at its end, with spaces as we like.
local function type_of(declared)
  local text, array = trim(declared), ""
  text = text:gsub("%s*(%b[])$", function(bounds) array = bounds return "" end)
  text = text:gsub("([%s%*])[%a_][%w_]*$", "%1") -- a lone "void" has nothing before it
  return trim((text:gsub("%s*%*%s*", "*"):gsub("%*const", "* const"))) .. array
end

local function types_of(list)
  local all = {}
  for one in list:gmatch "[^,]+" do all[#all + 1] = type_of(one) end
  return table.concat(all, ", ")
end

--- The header as the compiler sees it: no comments, no macros.
local function declarations()
  local text = output(("%s -E -P -include stddef.h -x c - <%s 2>&1"):format(cc, HEADER))
  local from = assert(text:find "enum lg_error ", "the header begins otherwise")
  return text:sub(from)
end

--- The fields in the body of a struct: "lg_var *var", or two of a type with a comma between.
local function fields_of(body)
  local fields = {}
  for one in body:gmatch "[^;]+" do
    local kind
    for part in trim(one):gmatch "[^,]+" do
      local name = part:gsub("%b[]", ""):match "([%a_][%w_]*)%s*$"
      kind = kind or type_of(part)
      if name then fields[#fields + 1] = { name = name, kind = kind } end
    end
  end
  return fields
end

--- What the header declares, in its order: functions and callbacks as "name result(types)",
--- structs { name, fields }, constants.
local function parse(text)
  local found = { functions = {}, structs = {}, constants = {}, callbacks = {} }
  local function add(list, ...) table.insert(found[list], (("%s %s(%s)"):format(...))) end
  text = text:gsub("__attribute__%s*%b()", ""):gsub("static inline [^{]-%b{}", "")
  text = text:gsub("enum%s*[%w_]*%s*(%b{})%s*;", function(body)
    for one in body:sub(2, -2):gmatch "[^,]+" do
      local name = one:match "^%s*([%w_]+)"
      if name and not ENDS[name] then table.insert(found.constants, name) end
    end
    return ""
  end)
  text = text:gsub("typedef struct [%w_]+%s*(%b{})%s*([%w_]+)%s*;", function(body, name)
    table.insert(found.structs, { name = name, fields = fields_of(body:sub(2, -2)) })
    return ""
  end)
  text = text:gsub("typedef ([^;]-)%(%s*%*([%w_]+)%)%s*(%b())%s*;", function(result, name, list)
    add("callbacks", name, trim(result), types_of(list:sub(2, -2)))
    return ""
  end)
  for result, name, list in text:gmatch "([%a_][%w_%s%*]-)(lg_[%w_]+)%s*(%b())%s*;" do
    add("functions", name, type_of(result .. " x"), types_of(list:sub(2, -2)))
  end
  return found
end

--- A program that prints sizes, places and values.
local function program(found)
  local out = { ('#include "%s"\n#include <stdio.h>\nint main(void)\n{'):format(HEADER) }
  local function add(...) out[#out + 1] = string.format(...) end
  for _, one in ipairs(found.constants) do
    add('    printf("constant %s %%lld\\n", (long long)%s);', one, one)
  end
  for _, struct in ipairs(found.structs) do
    local s = struct.name
    add('    printf("struct %s %%zu\\n", sizeof(%s));', s, s)
    for i, field in ipairs(struct.fields) do
      local f = field.name
      add('    printf("field %s.%s %03d %s at %%zu of %%zu\\n",', s, f, i, field.kind)
      add("           offsetof(%s, %s), sizeof(((%s *)0)->%s));", s, f, s, f)
    end
  end
  add "    return 0;\n}\n"
  return table.concat(out, "\n")
end

local function add_layouts(lines, found)
  local base = build .. "/abi"
  local file = assert(io.open(base .. ".c", "w"))
  file:write(program(found))
  file:close()
  local run = base:find "/" and base or "./" .. base
  for line in output(("%s -I. -o %s %s.c && %s"):format(cc, base, base, run)):gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
end

local function add_symbols(lines)
  local text = output(("nm -D --defined-only %s/liblunagrad.so"):format(build))
  for kind, name in text:gmatch "(%a) ([%w_@%.]+)\n" do
    lines[#lines + 1] = ("symbol %s %s"):format(name, kind)
  end
end

-- Words that both sides have to know.
local function add_macros(lines)
  for line in read(HEADER):gmatch "[^\n]+" do
    local name, value = line:match "^#define (LG_[%u_]+) (%S.*)$"
    if name and not name:find "VERSION" and name ~= "LG_API" then
      lines[#lines + 1] = ("macro %s %s"):format(name, value)
    end
  end
end

--- All lines, sorted; and what the header declares.
local function now()
  local found = parse(declarations())
  local lines = { "version " .. read(HEADER):match "#define LG_API_VERSION (%d+)" }
  for _, one in ipairs(found.functions) do lines[#lines + 1] = "function " .. one end
  for _, one in ipairs(found.callbacks) do lines[#lines + 1] = "callback " .. one end
  add_layouts(lines, found)
  add_symbols(lines)
  add_macros(lines)
  table.sort(lines)
  return lines, found
end

--- The lines by what they are about, "field lg_call.role" → "004 const char* at 24 of 8"; and
--- the version they are of.
local function by_key(lines)
  local map, version = {}, nil
  for _, line in ipairs(lines) do
    local kind, name, rest = line:match "^(%a+) (%S+) ?(.*)$"
    if kind == "version" then version = name
    elseif kind then map[kind .. " " .. name] = rest end
  end
  return map, version
end

--- Structs that may grow: they begin with their size, or the library makes them.
local function growing(found)
  local map = {}
  for _, struct in ipairs(found.structs) do
    local first = struct.fields[1]
    map["struct " .. struct.name] = LIBRARY_MAKES[struct.name]
      or (first.name == "size" and first.kind == "size_t")
  end
  return map
end

--- What programs that were built against the record would not survive; and how much is new.
local function compare(was, is, found)
  local bad, new, grows = {}, 0, growing(found)
  for key, rest in pairs(was) do
    if is[key] == nil then bad[#bad + 1] = "gone: " .. key
    elseif is[key] ~= rest and grows[key] and tonumber(is[key]) > tonumber(rest) then new = new + 1
    elseif is[key] ~= rest then bad[#bad + 1] = ("%s: was %s, is %s"):format(key, rest, is[key]) end
  end
  for key in pairs(is) do
    if was[key] == nil then new = new + 1 end
  end
  table.sort(bad)
  return bad, new
end

-- Every function of the header is exported, and nothing else is.
local function compare_symbols(is)
  local bad = {}
  for key in pairs(is) do
    local kind, name = key:match "^(%a+) (.*)$"
    if kind == "function" and not is["symbol " .. name] then
      bad[#bad + 1] = name .. " is declared, and not exported"
    elseif kind == "symbol" and not is["function " .. name] then
      bad[#bad + 1] = name .. " is exported, and not declared"
    end
  end
  table.sort(bad)
  return bad
end

local function recorded()
  local lines = {}
  for line in (read(RECORD) or ""):gmatch "[^\n]+" do
    if not line:find "^#" then lines[#lines + 1] = line end
  end
  return by_key(lines)
end

local function record(lines, broken, new)
  if #broken > 0 then
    print(table.concat(broken, "\n"))
    fail "programs built before would break: mend it, or give LG_API_VERSION another number"
  end
  local file = assert(io.open(RECORD, "w"))
  file:write("# The binary interface of liblunagrad on x86-64, by tests/abi.lua: make abi\n",
    table.concat(lines, "\n"), "\n")
  file:close()
  print(("%s: %d lines, %d new"):format(RECORD, #lines, new))
end

local function check(is, broken, new, then_version, version)
  print "lint: abi"
  for _, line in ipairs(compare_symbols(is)) do broken[#broken + 1] = line end
  if #broken > 0 then
    print(table.concat(broken, "\n"))
    fail("%d found: see %s", #broken, arg[0])
  end
  if then_version ~= version then
    fail("the record is of version %s, the header of %s: make abi", then_version or "none",
      version)
  end
  if new > 0 then print(("note: %d new, not in the record yet: make abi"):format(new)) end
end

local machine = output(cc .. " -dumpmachine"):match "^[^-]+"
if machine ~= "x86_64" then
  print("lint: abi: recorded for x86_64 alone, this is " .. machine)
  os.exit(0)
end
local lines, found = now()
local is, version = by_key(lines)
local was, then_version = recorded()
local bad, new = compare(was, is, found)
if then_version ~= version then bad = {} end
if arg[1] == "print" then print(table.concat(lines, "\n"))
elseif arg[1] == "record" then record(lines, bad, new)
elseif arg[1] == "check" then check(is, bad, new, then_version, version)
else fail "usage: tests/abi.lua check|record|print [RECORD]" end
