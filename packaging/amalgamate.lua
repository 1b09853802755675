--- amalgamate.lua: writes the library as one C file, which compiles by itself beside lunagrad.h.
--
-- The files stand in it in the order of their folders' ranks, each header where it is first
-- needed. Names that a file keeps to itself (static functions and variables, its own types,
-- tags and constants) and that another file or a header has as well get the file's name behind
-- them; its macros end with it. Nothing else is changed. The program of the sandbox's worker
-- stands in it as numbers. The same sources give the same bytes. Run by make amalgamation.
--
-- Usage: lua5.4 packaging/amalgamate.lua OUT.c WORKER HEAD FILE.c…
--   WORKER  the worker's program;  HEAD  a text for the beginning, such as how to compile it

local ROOTS = { "engine/", "lua/" } -- where "base/bytes.h" may be
local PUBLIC = "lunagrad.h"
local WORKER = "child/worker_image.h" -- its declarations are replaced by the bytes

local function fail(...)
  io.stderr:write("amalgamate.lua: ", string.format(...), "\n")
  os.exit(1)
end

local function read(path, optional)
  local file = io.open(path, "rb")
  if not file and optional then return nil end
  if not file then fail("cannot read %s", path) end
  local text = file:read "a"
  file:close()
  return text
end

--- Files that were baked into lists of numbers, as texts again: a tenth of the compiler's work.
--- What reads them has their sizes from elsewhere, and does not mind the NUL behind them.
local function unbake(text)
  return (text:gsub("(static const unsigned char [%w_]+%[%] = ){([%d,%s]+)};", function(head, body)
    local line = { head, '\n    "' }
    for number in body:gmatch "%d+" do
      local c = string.char(number)
      if c == "\n" then line[#line + 1] = '\\n"\n    "'
      elseif c:find '[%g ]' and not c:find '["\\?]' then line[#line + 1] = c
      else line[#line + 1] = ("\\%03o"):format(c:byte()) end
    end
    line[#line + 1] = '";'
    return table.concat(line)
  end))
end

local cc = os.getenv "CC" or "cc"
local flags = os.getenv "PKG_CFLAGS" or ""

local function output(line)
  local pipe = assert(io.popen(line))
  local text = pipe:read "a"
  if not pipe:close() then fail("failed: %s", line) end
  return text
end

-- ---- tokens -------------------------------------------------------------------------

local KINDS = { -- the first that matches; "kind", pattern
  { "space", "^[ \t\r\n\f]+" },
  { "comment", "^/%*.-%*/" },
  { "comment", "^//[^\n]*" },
  { "name", "^[%a_][%w_]*" },
  { "number", "^%.?%d[%w_%.]*" },
  { "punct", "^%-%>" },
  { "punct", "^%.%.%." },
  { "punct", "^##" },
  { "punct", "^." },
}

-- The end of the string or character constant that begins here.
local function constant_end(text, at)
  local quote = text:sub(at, at)
  local i = at + 1
  while true do
    local stop = text:find("[\\" .. quote .. "\n]", i)
    local c = stop and text:sub(stop, stop)
    if c == quote then return stop end
    if c ~= "\\" then fail("a constant does not end: %s", text:sub(at, at + 40)) end
    i = stop + 2
  end
end

--- { kind =, text =, directive = "define" for tokens of a preprocessor's line, nil for others }
local function tokens_of(text)
  local list, at, directive = {}, 1, nil
  local fresh = true -- nothing but blanks on this line so far
  while at <= #text do
    local kind, stop
    local c = text:sub(at, at)
    if (c == '"' or c == "'") then
      kind, stop = "constant", constant_end(text, at)
    elseif c == "\\" and text:sub(at + 1, at + 1) == "\n" then
      kind, stop = "space", at + 1
    else
      for _, one in ipairs(KINDS) do
        local _, last = text:find(one[2], at)
        if last then
          kind, stop = one[1], last
          break
        end
      end
    end
    if kind == "space" and c ~= "\\" then -- a line's end ends a directive
      local newline = text:find("\n", at, true)
      if newline and newline <= stop and directive then stop = newline end
    end
    local word = text:sub(at, stop)
    if word == "#" and fresh then directive = text:match("^#[ \t]*(%a+)", at) or "" end
    list[#list + 1] = { kind = kind, text = word, directive = directive }
    if kind == "space" and c ~= "\\" and word:find("\n", 1, true) then
      directive, fresh = nil, true
    elseif kind ~= "space" and kind ~= "comment" then fresh = false end
    at = stop + 1
  end
  return list
end

-- ---- what a file defines -------------------------------------------------------------

local TAGS = { struct = true, union = true, enum = true }
local OPEN = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local CLOSE = { [")"] = true, ["]"] = true, ["}"] = true }

-- Attributes stand anywhere and name nothing.
local ATTRIBUTES = { __attribute__ = true, _Alignas = true, _Static_assert = true }

-- The index of the parenthesis that closes the one behind i.
local function closing(tokens, i)
  local depth = 0
  repeat
    i = i + 1
    if tokens[i].text == "(" then depth = depth + 1 end
    if tokens[i].text == ")" then depth = depth - 1 end
  until depth == 0
  return i
end

--- The name that a declarator declares: the tokens between "static int" or "," and "=", ";".
local function declared(tokens, first, last)
  local depth, name = 0, nil
  local i = first
  while i <= last do
    local t = tokens[i]
    if depth == 0 and ATTRIBUTES[t.text] then
      i = closing(tokens, i)
    elseif depth == 0 and t.text == "(" and tokens[i + 1].text == "*" then -- to a function
      i = i + 2
      while tokens[i].text == "*" or tokens[i].text == "const" do i = i + 1 end
      return tokens[i].text
    elseif OPEN[t.text] then
      if depth == 0 and t.text == "(" and name then return name end
      depth = depth + 1
    elseif CLOSE[t.text] then depth = depth - 1
    elseif depth == 0 and t.text == "=" then return name
    elseif depth == 0 and t.kind == "name" then name = t.text end
    i = i + 1
  end
  return name
end

-- Adds tags and enumeration constants of one declaration, tokens first … last.
local function add_types(tokens, first, last, names)
  local depth, in_enum = 0, false
  for i = first + 1, last do
    local t, before, after = tokens[i], tokens[i - 1].text, tokens[i + 1]
    if t.kind == "name" and TAGS[before] and after and after.text == "{" then
      names["struct " .. t.text] = "tag"
    end
    if t.text == "{" and depth == 0 then
      in_enum = before == "enum" or (i - 2 >= first and tokens[i - 2].text == "enum")
    end
    if OPEN[t.text] then depth = depth + 1
    elseif CLOSE[t.text] then depth = depth - 1
    elseif in_enum and depth == 1 and t.kind == "name" and (before == "{" or before == ",") then
      names[t.text] = "plain"
    end
  end
end

-- Adds what a "static" or "typedef" declares, which may be several names.
local function add_declared(tokens, first, last, names)
  local depth, from, keeps = 0, first, tokens[first].text == "typedef"
  for i = first, last do
    local text = tokens[i].text
    if depth == 0 and text == "static" then keeps = true end
    if OPEN[text] then depth = depth + 1 elseif CLOSE[text] then depth = depth - 1 end
    if keeps and (i == last or depth == 0 and text == ",") then
      local name = declared(tokens, from, i == last and last or i - 1)
      if name then names[name] = "plain" end
      from = i + 1
    end
  end
end

-- Adds the macros, and returns the tokens that are no preprocessor's, blank or comment.
local function add_macros(list, names)
  local code = {}
  for i, t in ipairs(list) do
    if t.directive == "define" and t.kind == "name" and t.text ~= "define" then
      local j = i - 1
      while list[j].kind == "space" do j = j - 1 end
      if list[j].text == "define" then names[t.text] = "macro" end
    elseif not t.directive and t.kind ~= "space" and t.kind ~= "comment" then
      code[#code + 1] = t
    end
  end
  return code
end

--- { name = "plain" | "macro", ["struct name"] = "tag" } of what the file keeps to itself; of
--- headers, all they have.
local function definitions(list)
  local names = {}
  local code = add_macros(list, names)
  local first, depth, body = 1, 0, false
  for i, t in ipairs(code) do
    if OPEN[t.text] then depth = depth + 1 elseif CLOSE[t.text] then depth = depth - 1 end
    -- a function's body ends its declaration, that of a type or an initializer does not
    if t.text == "{" and depth == 1 then body = code[i - 1].text == ")" end
    if depth == 0 and (t.text == ";" or t.text == "}" and body) then
      add_types(code, first, i, names)
      add_declared(code, first, i, names)
      first = i + 1
    end
  end
  return names
end

-- ---- reading all ---------------------------------------------------------------------

local headers, order = {}, {} -- path → { path, tokens, names }; in the order of need

local function find_header(name)
  for _, root in ipairs(ROOTS) do
    local text = read(root .. name, true)
    if text then return root .. name, text end
  end
  fail("no header %s", name)
end

-- The name in an #include with quotes, at this token; nil for others.
local function included(list, i)
  local t = list[i]
  return t.directive == "include" and t.kind == "constant" and t.text:sub(2, -2) or nil
end

local function load_unit(path, text)
  local list = tokens_of(text)
  return { path = path, tokens = list, names = definitions(list) }
end

local function load_headers(unit)
  for i = 1, #unit.tokens do
    local name = included(unit.tokens, i)
    if name and name ~= PUBLIC and not headers[name] then
      local header = load_unit(find_header(name))
      headers[name] = header
      load_headers(header)
      order[#order + 1] = name
    end
  end
end

local system = {} -- system headers that stand at the top

-- The system header of an #include whose "#" is at i, and where its line ends; nil: one of ours.
local function system_header(tokens, i)
  local from = i + 1
  while tokens[from].text ~= "<" do
    if tokens[from].kind == "constant" then return nil end
    from = from + 1
  end
  local words, to = {}, from + 1
  while tokens[to].text ~= ">" do
    words[#words + 1] = tokens[to].text
    to = to + 1
  end
  return table.concat(words), to
end

--- Takes out the system headers that are asked for in any case: they stand at the top. Those
--- inside of an #if stay.
local function hoist(unit)
  local depth = unit.path:find "%.h$" and -1 or 0 -- a header's own #ifndef is none
  for i, t in ipairs(unit.tokens) do
    if t.text == "#" and t.directive then
      if t.directive:find "^if" then depth = depth + 1 end
      if t.directive == "endif" then depth = depth - 1 end
      local name, last
      if t.directive == "include" and depth <= 0 then name, last = system_header(unit.tokens, i) end
      if name then
        system[name] = true
        for at = i, last do unit.tokens[at] = { kind = "space", text = "" } end
      end
    end
  end
end

local function top_includes()
  local names = {}
  for name in pairs(system) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = "#include <" .. name .. ">\n" end
  return table.concat(names)
end

--- All names in the system's headers that stand at the top: those of functions, types, macros,
--- parameters. Files meet them that did not ask for their header.
local function system_names()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write("#define _GNU_SOURCE\n", top_includes())
  file:close()
  local names = {}
  for _, option in ipairs { "-P", "-dM" } do
    local text = output(("%s %s -std=gnu17 -x c -E %s %s"):format(cc, flags, option, path))
    for name in text:gmatch "[%a_][%w_]*" do names[name] = true end
  end
  os.remove(path)
  return names
end

--- How often each name is defined, and by which headers.
local function count_names(units)
  local count = {}
  local function add(names)
    for name in pairs(names) do count[name] = (count[name] or 0) + 1 end
  end
  for _, unit in ipairs(units) do add(unit.names) end
  for _, name in ipairs(order) do add(headers[name].names) end
  add(load_unit(PUBLIC, read "engine/lunagrad.h").names)
  add(system_names())
  return count
end

--- A struct that a header names may have one definition: else the sources have to be mended.
local function check_structs(units)
  local at = {} -- where a struct's braces are, but for what a file has its own type for
  local function add(unit, is_file)
    for name, kind in pairs(unit.names) do
      local own = is_file and unit.names[name:match "%S+$"]
      if kind == "tag" and not own then
        at[name] = (at[name] and at[name] .. " and in " or "") .. unit.path
      end
    end
  end
  for _, unit in ipairs(units) do add(unit, true) end
  for _, name in ipairs(order) do add(headers[name]) end
  for _, name in ipairs(order) do
    for word in pairs(headers[name].names) do
      local places = at["struct " .. word] or ""
      if places:find(" and ", 1, true) then
        fail("struct %s is in %s: one of them needs another name", word, places)
      end
    end
  end
end

-- ---- writing -------------------------------------------------------------------------

-- Whether the name at i is a field's: behind a point, or declared in a struct, or offsetof's.
local function is_field(code, i, in_struct)
  local before = code[i - 1] and code[i - 1].text
  local after = code[i + 1] and code[i + 1].text
  if before == "." or before == "->" then return true end
  if before == "," and after == ")" then
    for back = i - 2, math.max(1, i - 6), -1 do
      if code[back].text == "offsetof" then return true end
    end
  end
  return in_struct and (after == ";" or after == "," or after == "[" or after == ":"
    or (before == "*" and after == ")"))
end

-- Whether the brace at i opens a struct or union.
local function opens_struct(code, i)
  for back = 1, 2 do
    local t = code[i - back]
    if t and (t.text == "struct" or t.text == "union") then return true end
  end
  return false
end

--- Gives the file's own names that others have too another form, in place.
local function rename(unit, count)
  local stem = unit.path:match "([%w_]+)%.%w+$"
  local code = {}
  for _, t in ipairs(unit.tokens) do
    if t.kind ~= "space" and t.kind ~= "comment" then code[#code + 1] = t end
  end
  local new = {} -- set at the end: names are looked at as they were
  local structs, brackets = {}, 0 -- for each open brace whether it is a struct's
  for i, t in ipairs(code) do
    if t.text == "{" then structs[#structs + 1] = opens_struct(code, i)
    elseif t.text == "}" then structs[#structs] = nil
    elseif t.text == "[" then brackets = brackets + 1
    elseif t.text == "]" then brackets = brackets - 1
    elseif t.kind == "name" then
      local tagged = code[i - 1] and TAGS[code[i - 1].text]
      local key = tagged and "struct " .. t.text or t.text
      local kind = unit.names[key]
      if kind and kind ~= "macro" and count[key] > 1
        and not is_field(code, i, structs[#structs] and brackets == 0) then
        new[t] = t.text .. "__" .. stem
      end
    end
  end
  for t, text in pairs(new) do t.text = text end
end

local out = {}
local function put(text) out[#out + 1] = text end

local function put_worker(path)
  local bytes = read(path)
  local size = #bytes
  bytes = bytes .. ("\0"):rep(-size % 8)
  local machine = output(cc .. " -dumpmachine"):match "^[^-]+"
  put "/* The sandbox's worker: a program for this processor. */\n"
  put(("#if !defined(__%s__)\n#error \"made for %s: make amalgamation on the machine it is for\"\n")
    :format(machine, machine))
  put "#endif\nstatic const uint64_t lg__worker_words[] = {\n"
  local line = {}
  for i = 1, #bytes, 8 do
    line[#line + 1] = ("0x%x"):format((string.unpack("=I8", bytes, i)))
    if #line == 5 or i + 8 > #bytes then
      put("    " .. table.concat(line, ",") .. ",\n")
      line = {}
    end
  end
  put "};\n#define lg__worker_image ((const char *)lg__worker_words)\n"
  put(("#define lg__worker_image_end (lg__worker_image + %d)\n"):format(size))
end

local done = {}
local worker_path

-- A header where it is first asked for. The public one stands at the top.
local function put_header(name, put_unit)
  if done[name] or name == PUBLIC then return end
  done[name] = true
  if name == WORKER then put_worker(worker_path) else put_unit(headers[name]) end
end

-- The unit's text; a line that includes one of our headers is that header.
local function put_tokens(unit, put_unit)
  local line = {} -- since the last directive began
  local directive, dropped = nil, false
  for i, t in ipairs(unit.tokens) do
    if t.directive and not directive then
      put(table.concat(line))
      line, dropped = {}, false
    end
    directive = t.directive
    local name = included(unit.tokens, i)
    if name then
      line, dropped = {}, true
      put_header(name, put_unit)
    elseif not (dropped and directive) then
      line[#line + 1] = t.text
    end
  end
  put(table.concat(line))
end

-- Macros of a file end with it.
local function put_ends(unit)
  local macros = {}
  for name, kind in pairs(unit.names) do
    if kind == "macro" then macros[#macros + 1] = "#undef " .. name .. "\n" end
  end
  table.sort(macros)
  put(table.concat(macros))
end

local function put_unit(unit)
  put(("\n/* ==== %s ==== */\n"):format(unit.path))
  put_tokens(unit, put_unit)
  if unit.path:find "%.c$" then put_ends(unit) end
end

local function put_top(head)
  put(head)
  put "#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n"
  put(top_includes())
  put '#include "lunagrad.h"\n\n'
  put "#pragma GCC visibility push(hidden)\n"
  put "#pragma GCC diagnostic push\n" -- inline functions of headers are none here for clang
  put '#pragma GCC diagnostic ignored "-Wunused-function"\n'
end

local out_path, head_path = arg[1], arg[3]
worker_path = arg[2]
if #arg < 4 then fail "usage: amalgamate.lua OUT.c WORKER HEAD FILE.c…" end
local units = {}
for i = 4, #arg do
  local unit = load_unit(arg[i], unbake(read(arg[i])))
  units[#units + 1] = unit
  load_headers(unit)
end
for _, name in ipairs(order) do hoist(headers[name]) end
for _, unit in ipairs(units) do hoist(unit) end
check_structs(units)
local count = count_names(units)
for _, unit in ipairs(units) do rename(unit, count) end
put_top(read(head_path))
for _, unit in ipairs(units) do put_unit(unit) end
put "\n#pragma GCC diagnostic pop\n#pragma GCC visibility pop\n"
local file = assert(io.open(out_path, "wb"))
file:write((table.concat(out):gsub("\n\n\n+", "\n\n")))
assert(file:close())
