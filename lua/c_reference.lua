--- c_reference.lua: writes docs/c.md from engine/lunagrad.h, or tells whether it is as that says.
--
-- Usage: lua5.4 lua/c_reference.lua [--check]     from the project's directory.
-- Chapters are the header's "---- name ----" lines. A comment belongs to the declarations behind it,
-- up to the next comment. Run by `make reference` and `make lint`. Reads C as this header is laid
-- out (clang-format sees to that), and fails on a public function that it has not understood.

local HEADER, PAGE = "engine/lunagrad.h", "docs/c.md"

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

-- ---- comments ------------------------------------------------------------------------

-- The words of a comment, a paragraph a line.
local function words_of(comment)
  local text = comment:gsub("^/%*+%s?", ""):gsub("%s*%*/$", "")
  local paragraphs, now = {}, {}
  local function close()
    if #now > 0 then paragraphs[#paragraphs + 1] = table.concat(now, " ") end
    now = {}
  end
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local said = line:gsub("^%s*%*?%s*", ""):gsub("%s+$", "")
    if said == "" then close() else now[#now + 1] = said end
  end
  close()
  return paragraphs
end

-- As Markdown: names of the API as code, the rest as it is read.
local function markdown(text)
  text = text:gsub("[*<>|_]", "\\%0")
  local api = "%f[%w\\]([lL][gG][%w\\_]*\\_[%w\\_]*%w)(%(?%)?)(\\?%*?)"
  text = text:gsub(api, function(name, call, star)
    if star ~= "" then return nil end
    return ("`%s%s`%s"):format(name:gsub("\\", ""), call == "()" and call or "",
      call ~= "()" and call or "")
  end)
  return (text:gsub("(%w)\\_(%w)", "%1_%2"):gsub("(%w)\\_(%w)", "%1_%2"))
end

local function add_words(out, paragraphs)
  for _, one in ipairs(paragraphs) do out[#out + 1] = markdown(one) .. "\n" end
end

-- ---- pieces of the header ------------------------------------------------------------

-- How far a declaration that begins at `at` goes: to its ";" outside of braces, or the end of an
-- inline function's body.
local function declaration_end(text, at)
  local depth, i = 0, at
  while i <= #text do
    local c = text:sub(i, i)
    if text:sub(i, i + 1) == "/*" then
      i = select(2, text:find("*/", i, true))
    elseif c == "{" then
      depth = depth + 1
    elseif c == "}" then
      depth = depth - 1
      if depth == 0 and text:sub(at, at + 5) == "static" then return i end
    elseif c == ";" and depth == 0 then
      return i
    end
    i = i + 1
  end
  return #text
end

-- Lines of the preprocessor, continued ones whole.
local function directive_end(text, at)
  local stop = text:find("\n", at, true) or #text
  while text:sub(stop - 1, stop - 1) == "\\" do stop = text:find("\n", stop + 1, true) or #text end
  return stop
end

-- The header as a list of { kind = "comment"|"code"|"directive", text =, same_line = }.
local function pieces_of(text)
  local list, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then return list end
    local kind, stop
    if text:sub(at, at + 1) == "/*" then
      kind, stop = "comment", select(2, text:find("*/", at, true))
    elseif text:find("^extern \"C\" {", at) or text:sub(at, at) == "}" then -- C++
      kind, stop = "brace", text:find("[{}]", at)
    elseif text:sub(at, at) == "#" then
      kind, stop = "directive", directive_end(text, at)
    else
      kind, stop = "code", declaration_end(text, at)
    end
    local line = text:sub(1, at - 1):match "[^\n]*$"
    list[#list + 1] = { kind = kind, text = text:sub(at, stop):gsub("%s+$", ""),
      same_line = line:find "%S" ~= nil }
    at = stop + 1
  end
end

-- ---- structs and enums ---------------------------------------------------------------

-- The members of a body: { text =, words = }; a comment in front belongs to the next, one behind to
-- the one before.
local function members_of(body, separator)
  local rows, before, at = {}, {}, 1
  while true do
    at = body:find("%S", at)
    if not at then return rows end
    if body:sub(at, at + 1) == "/*" then
      local stop = select(2, body:find("*/", at, true))
      local same = body:sub(1, at - 1):match("[^\n]*$"):find "%S" and rows[#rows]
      local words = words_of(body:sub(at, stop))
      if same then
        same.words = same.words .. " " .. table.concat(words, " ")
      else
        before = words
      end
      at = stop + 1
    else
      local stop = body:find(separator, at, true) or #body
      local slash = body:find("/*", at, true)
      if slash and slash < stop then stop = slash - 1 end
      local text = body:sub(at, stop):gsub("%s+", " "):gsub("[;,%s]+$", "")
      if text ~= "" then
        rows[#rows + 1] = { text = text, words = table.concat(before, " ") }
        before = {}
      end
      at = stop + 1
    end
  end
end

local function cell(text) return (text:gsub("|", "\\|"):gsub("^%s+", "")) end

local function add_members(out, rows, first)
  out[#out + 1] = ("| %s | |\n|---|---|"):format(first)
  for _, row in ipairs(rows) do
    out[#out + 1] = ("| `%s` | %s |"):format(cell(row.text), cell(markdown(row.words)):gsub("\\\\|",
      "\\|"))
  end
  out[#out + 1] = ""
end

-- ---- the page ------------------------------------------------------------------------

local function signature(text)
  return (text:gsub("LG_API ", ""):gsub("%s+", " "))
end

-- Names of public functions that were written.
local written = {}

local function names_in(text)
  for name in text:gmatch "([%w_]+)%s*%(" do
    if name:find "^lg_" then written[name] = true end
  end
end

-- What a heading calls some declarations: the functions, or else the type.
local function title_of(codes)
  local names = {}
  for _, code in ipairs(codes) do
    names[#names + 1] = code:match "typedef .-%(%*(lg_[%w_]+)%)" or code:match "(lg_[%w_]+)%s*%("
      or code:match "typedef struct (lg_[%w_]+);" or code:match "^enum (lg_[%w_]+)"
  end
  return names
end

local function add_group(out, group)
  if #group.codes == 0 then return end
  local names = title_of(group.codes)
  if #names > 0 then
    out[#out + 1] = ("### %s\n"):format(table.concat(names, ", "))
  end
  out[#out + 1] = "```c"
  for _, code in ipairs(group.codes) do
    names_in(code)
    out[#out + 1] = signature(code)
  end
  out[#out + 1] = "```\n"
  add_words(out, group.words)
end

local function add_type(out, group, kind, name, body)
  out[#out + 1] = ("### %s%s\n"):format(kind == "enum" and "enum " or "", name)
  add_words(out, group.words)
  add_members(out, members_of(body, kind == "enum" and "," or ";"),
    kind == "enum" and "value" or "field")
end

local function errors_of(text)
  local out = { "### enum lg_error\n", "| code | name | |\n|---|---|---|" }
  for name, said in text:gmatch 'XX%(([%u%d]+), "([^"]*)"%)' do
    out[#out + 1] = ("| `LG_E%s` | `%s` | %s |"):format(name, name:lower(), said)
  end
  out[#out + 1] = ""
  return table.concat(out, "\n")
end

-- A struct or an enum that is written as a table: its kind, name and body.
local function type_of(code)
  local name, body = code:match "^typedef struct (lg_[%w_]+) (%b{})"
  if name then return "struct", name, body:sub(2, -2) end
  name, body = code:match "^enum (lg_[%w_]+) (%b{})"
  if name and not body:find "#" then return "enum", name, body:sub(2, -2) end
  body = code:match "^enum (%b{})"
  if body then return "enum", "", body:sub(2, -2) end
end

local function page_of(header)
  local pieces = pieces_of(header)
  local out = { "# The C API\n",
    ("Made from `%s` by `make reference`; [embedding.md](embedding.md) shows programs.\n")
      :format(HEADER) }
  local group = { words = {}, codes = {} }
  local function flush(words)
    add_group(out, group)
    group = { words = words or {}, codes = {} }
  end
  for i, piece in ipairs(pieces) do
    local chapter = piece.kind == "comment" and piece.text:match "^/%* %-%-%-%- (.-) %-+ %*/$"
    if i == 1 then
      for _, one in ipairs(words_of(piece.text)) do
        out[#out + 1] = markdown(one):gsub("^(%u[%w%s]-%.)  ", "**%1** ") .. "\n"
      end
    elseif chapter then
      flush()
      out[#out + 1] = ("## %s\n"):format(chapter)
    elseif piece.kind == "comment" and piece.same_line and #group.codes > 0 then
      for _, one in ipairs(words_of(piece.text)) do group.words[#group.words + 1] = one end
    elseif piece.kind == "comment" then
      -- of two comments in a row the first is the chapter's
      if #group.codes == 0 then add_words(out, group.words) end
      flush(words_of(piece.text))
    elseif piece.kind == "directive" then
      if piece.text:find "define LG_ERROR_MAP" then
        flush()
        out[#out + 1] = errors_of(piece.text)
      elseif piece.text:find "define LG_%u*VERSION" then
        group.codes[#group.codes + 1] = piece.text
      end
    elseif piece.text:find "^static inline" then
      names_in(piece.text:match "^[^{]*")
      group.codes[#group.codes + 1] = piece.text:match("^[^{]*"):gsub("%s+$", "") .. ";"
    elseif piece.text:find "lg_" and not piece.text:find "LG_ERROR_MAP" then
      local kind, name, body = type_of(piece.text)
      if kind then
        local words = #group.codes == 0 and group.words or {}
        if #group.codes > 0 then flush() end
        add_type(out, { words = words }, kind, name, body)
        group = { words = {}, codes = {} }
      else
        group.codes[#group.codes + 1] = piece.text
      end
    end
  end
  flush()
  return (table.concat(out, "\n"):gsub("\n\n\n+", "\n\n"):gsub("%s+$", "") .. "\n")
end

local header = read(HEADER)
local page = page_of(header)
local bad = 0
for name in header:gmatch "LG_API [^;(]-(lg_[%w_]+)%(" do
  if not written[name] then
    io.stdout:write(HEADER, ": ", name, " was not understood by lua/c_reference.lua\n")
    bad = bad + 1
  end
end
if arg[1] ~= "--check" then
  local file = assert(io.open(PAGE, "wb"))
  file:write(page)
  file:close()
elseif read(PAGE) ~= page then
  io.stdout:write(PAGE, " is not what ", HEADER, " says: make reference\n")
  bad = bad + 1
end
os.exit(bad == 0)
