--- What a script can call, as lua/meta/ describes it: for `lunagrad help lg.train`, for :help of the
--- prompt, and for docs/reference/.
--
-- The stubs are kept in the command as texts. A function is its comment, its parameters and what it
-- returns; a class is its fields. Pure but for reading them.

local args = require "lunagrad.cli.args"

local reference = {}

---@class lunagrad.cli.entry
---@field name string "lg.loss.critic", "Var:text", or a class: "lunagrad.headroom"
---@field signature string|nil of a function
---@field words string what its comment says
---@field params table[] { name, type, about }
---@field returns table[] { type, about }
---@field raises string[] what it fails with
---@field example string|nil a program that the tests run
---@field fields table[]|nil of a class: { name, type, about, default, literal }
---@field calls string[]|nil of a class: how such an object is called
---@field parent string|nil of a class: the one whose fields it has, too, behind its own
---@field own integer|nil of a class: how many fields are its own

-- ---- reading the stubs -----------------------------------------------------------------------

-- "name type about" with a type that may hold brackets and blanks in them.
local function typed(text)
  local depth, at = 0, 1
  while at <= #text do
    local c = text:sub(at, at)
    if c:find "[%(%[{<]" then depth = depth + 1 end
    if c:find "[%)%]}>]" then depth = depth - 1 end
    if c == " " and depth <= 0 and not text:sub(1, at):find "[:,]%s$" then break end
    at = at + 1
  end
  return text:sub(1, at - 1), (text:sub(at):gsub("^%s*#?%s*", ""))
end

-- What "(default 12)" or "(default: all)" says, and what else is said. The first is a literal of
-- Lua, which lint compares with the code; the second is in words.
local function take_default(row)
  local from, to = row.about:find "%(default:? "
  if not from then return end
  local whole = row.about:match("^%b()", from)
  if not whole then return end
  row.literal = row.about:sub(to - 1, to - 1) ~= ":"
  row.default = whole:match "^%(default:? (.*)%)$"
  row.about = (row.about:sub(1, from - 1) .. row.about:sub(from + #whole)):gsub("^%s+", "")
    :gsub("%s+([;,.])", "%1"):gsub("%s+$", "")
end

local TAGS = {
  param = function(block, rest)
    local name, of = rest:match "^(%S+)%s*(.*)$"
    local kind, about = typed(of)
    block.last = { name = name, type = kind, about = about }
    table.insert(block.params, block.last)
  end,
  ["return"] = function(block, rest)
    local kind, about = typed(rest)
    block.last = { type = kind, about = about }
    table.insert(block.returns, block.last)
  end,
  field = function(block, rest)
    local name, of = rest:match "^(%S+)%s*(.*)$"
    local kind, about = typed(of)
    block.last = { name = name, type = kind, about = about }
    table.insert(block.fields, block.last)
  end,
  raises = function(block, rest)
    block.last = { about = rest }
    table.insert(block.raises, block.last)
  end,
  overload = function(block, rest) table.insert(block.calls, rest) end,
  class = function(block, rest)
    block.class, block.parent, block.about = rest:match "^([%w_.]+)(:?%s*[%w_.]*)%s*(.*)$"
    if block.parent:find "^:" then
      block.parent = block.parent:match "[%w_.]+$"
    else
      block.parent, block.about = nil, rest:match "^[%w_.]+%s*(.*)$"
    end
  end,
}

local function add_line(block, line)
  local tag, rest = line:match "^@(%a+)%s*(.*)$"
  if line == "```lua" then
    block.example, block.inside = {}, true
  elseif line == "```" then
    block.inside = false
  elseif block.inside then
    table.insert(block.example, line)
  elseif tag then
    block.last = nil
    if TAGS[tag] then TAGS[tag](block, rest) end
  elseif block.last then
    block.last.about = (block.last.about .. " " .. line):gsub("^%s+", "")
  else
    table.insert(block.words, line)
  end
end

local function fresh()
  return { words = {}, params = {}, returns = {}, fields = {}, raises = {}, calls = {} }
end

local function texts_of(raises)
  local list = {}
  for i, one in ipairs(raises) do list[i] = one.about end
  return list
end

local function entry_of(block, name, arguments)
  return { name = name, words = table.concat(block.words, "\n"), params = block.params,
    returns = block.returns, raises = texts_of(block.raises),
    example = block.example and table.concat(block.example, "\n"),
    signature = ("%s(%s)"):format(name, arguments) }
end

local function class_of(block)
  for _, field in ipairs(block.fields) do take_default(field) end
  table.insert(block.words, 1, block.about)
  return { name = block.class, words = table.concat(block.words, "\n"), fields = block.fields,
    calls = block.calls, parent = block.parent, params = {}, returns = {}, raises = {} }
end

-- Objects are known by other names in the stubs than to who reads them.
local OBJECTS = { Box = "sandbox", command = "command", Dataset = "dataset", Rng = "rng",
  Optimizer = "optimizer", Retriever = "retriever", Task = "task", ProgramTests = "program_tests" }

local function shown_name(name)
  local object, method = name:match "^([%w_]+):([%w_]+)$"
  if object then return (OBJECTS[object] or object) .. ":" .. method end
  return (name:gsub("^lunagrad%.", "lg."))
end

local function read_file(text, list)
  local block = fresh()
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local comment = line:match "^%-%-%-%s?(.*)$"
    local name, arguments = line:match "^function%s+([%w_.:]+)%s*(%b())"
    if comment then
      if comment:find "^@class" and block.class then -- the next one, without a line between
        list[#list + 1] = class_of(block)
        block = fresh()
      end
      add_line(block, comment)
    else
      if name and not name:find "[.:]_" and not name:find ":raw_" then
        list[#list + 1] = entry_of(block, shown_name(name), arguments:sub(2, -2))
      elseif block.class and #block.fields > 0 then
        list[#list + 1] = class_of(block)
      end
      block = fresh()
    end
  end
end

-- A class has the fields of its parent behind its own.
local function inherit(list)
  local by_name = {}
  for _, entry in ipairs(list) do by_name[entry.name] = entry end
  for _, entry in ipairs(list) do
    local parent = entry.parent and by_name[entry.parent]
    if entry.fields then entry.own = #entry.fields end
    if parent then table.move(parent.fields, 1, #parent.fields, #entry.fields + 1, entry.fields) end
  end
end

--- All entries of some stubs, by name.
---@param texts table<string, string> file name → text
---@return lunagrad.cli.entry[]
function reference.read(texts)
  local names, list = {}, {}
  for name in pairs(texts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do read_file(texts[name], list) end
  table.sort(list, function(a, b) return a.name < b.name end)
  inherit(list)
  return list
end

--- Those of the stubs that the command holds.
---@return lunagrad.cli.entry[]
function reference.all()
  local texts = {}
  for path, text in pairs(require "lunagrad.cli.kept") do
    local name = path:match "^meta/(.+)$"
    if name then texts[name] = text end
  end
  return reference.read(texts)
end

-- ---- what belongs to a function ----------------------------------------------------------------

-- Arguments that are tables of options, by their names in the stubs.
local OPTIONS = { spec = true, opts = true, options = true, settings = true, context = true }

local function add_classes(found, list, kind)
  for _, other in ipairs(list) do
    local at = other.fields and kind:find(other.name, 1, true)
    if at and not kind:sub(at + #other.name):find "^[%w_.]" then found[#found + 1] = other end
  end
end

--- The classes whose fields are the options of a function, and those of what it returns.
---@param list lunagrad.cli.entry[]
---@param entry lunagrad.cli.entry
---@return lunagrad.cli.entry[] options
---@return lunagrad.cli.entry[] results
function reference.classes(list, entry)
  local given, results = {}, {}
  for _, one in ipairs(entry.params) do
    if OPTIONS[one.name:gsub("%?$", "")] then add_classes(given, list, one.type) end
  end
  for _, one in ipairs(entry.returns) do
    local plain = not one.type:find "^fun%(" and one.type ~= "Var"
    if plain then add_classes(results, list, one.type) end
  end
  for _, result in ipairs(results) do -- a model is asked with options, too
    for _, call in ipairs(result.calls) do add_classes(given, list, call) end
  end
  local seen, once, parents = {}, {}, {}
  for _, one in ipairs(given) do
    if not seen[one] and one.name ~= "Var" then once[#once + 1] = one end
    if one.parent then parents[#parents + 1] = one.parent end
    seen[one] = true
  end
  for _, other in ipairs(list) do -- whose fields several have: once, at the end
    if parents[1] == other.name and not seen[other] then once[#once + 1] = other end
  end
  return once, results
end

-- ---- for the terminal --------------------------------------------------------------------------

local function add_list(lines, title, rows)
  if #rows == 0 then return end
  lines[#lines + 1] = ""
  lines[#lines + 1] = title
  for _, row in ipairs(rows) do
    local head = "  " .. (row.name and row.name .. "  " or "") .. row.type
    if row.default then head = ("%s (default %s)"):format(head, row.default) end
    lines[#lines + 1] = row.about ~= "" and head .. "  " .. row.about or head
  end
end

local function add_texts(lines, title, list)
  if #list == 0 then return end
  lines[#lines + 1] = ""
  lines[#lines + 1] = title
  for _, text in ipairs(list) do lines[#lines + 1] = "  " .. text end
end

local function split(text)
  local list = {}
  for line in ((text or "") .. "\n"):gmatch "(.-)\n" do list[#list + 1] = line end
  return text and list or {}
end

local function own_fields(class) return table.move(class.fields, 1, class.own, 1, {}) end

--- An entry as lines for people.
---@param entry lunagrad.cli.entry
---@param list? lunagrad.cli.entry[] where the classes of its options are found
---@return string[]
function reference.lines(entry, list)
  local lines = { entry.signature or entry.name }
  for line in entry.words:gmatch "[^\n]+" do lines[#lines + 1] = "  " .. line end
  add_list(lines, "arguments", entry.params)
  local given, results = reference.classes(list or {}, entry)
  for _, class in ipairs(given) do
    local more = class.parent and (" (and those of %s)"):format(class.parent) or ""
    add_list(lines, "options: " .. class.name .. more, own_fields(class))
  end
  add_list(lines, "returns", entry.returns)
  for _, class in ipairs(results) do add_list(lines, class.name, class.fields) end
  add_list(lines, "fields", entry.fields or {})
  add_texts(lines, "called as", entry.calls or {})
  add_texts(lines, "raises", entry.raises)
  add_texts(lines, "example", split(entry.example))
  return lines
end

-- What can be asked of an object.
local function add_methods(lines, list, name)
  local first = true
  for _, entry in ipairs(list) do
    if entry.name:find("^" .. name:gsub("%p", "%%%0") .. ":") then
      if first then lines[#lines + 1] = "\nmethods" end
      first = false
      lines[#lines + 1] = ("  %s  %s"):format(entry.signature, entry.words:match "^[^\n]*")
    end
  end
end

--- What `lunagrad help NAME` says of a name: the function, with what it returns, or all below it.
---@param topic string "lg.train", "train", "Var:text", "lg.loss"
---@return string[]|nil lines
---@return string[] names of all entries
function reference.help(topic)
  local list, names, below = reference.all(), {}, {}
  local wanted = topic:find "^[lL]g%." and topic or nil
  for i, entry in ipairs(list) do
    names[i] = entry.name
    if entry.name == topic or entry.name == "lg." .. topic then
      local lines = reference.lines(entry, list)
      if entry.fields then add_methods(lines, list, entry.name) end
      return lines, names
    end
    local prefix = (wanted or topic):gsub("%p", "%%%0")
    if entry.name:find("^" .. prefix .. "[.:]") or entry.name:find("^lg%." .. prefix .. "[.:]") then
      below[#below + 1] = (entry.signature or entry.name) .. "  "
        .. (entry.words:match "^[^\n]*" or "")
    end
  end
  if topic == "lg" then return below, names end
  return #below > 0 and below or nil, names
end

--- Such lines as a text that fits the screen.
---@param lines string[]
---@return string
function reference.folded(lines)
  local columns, out = require("lunagrad.cli.screen").standard().words, {}
  for _, line in ipairs(lines) do
    local folded = require("lunagrad.cli.display").wrap(line, columns, 4)
    table.move(folded, 1, #folded, #out + 1, out)
  end
  return table.concat(out, "\n") .. "\n"
end

-- The name of a function or table of the library: lg.train → "lg.train".
local function name_of(value)
  local core, lg = require "lunagrad.core", require "lunagrad"
  if type(value) == "userdata" and getmetatable(value) == core.var_metatable then return "Var" end
  if value == lg then return "lg" end
  for _, entry in ipairs(reference.all()) do
    local at, path = entry.name:find "^lg%." and lg or nil, "lg"
    for part in entry.name:sub(4):gmatch "[%w_]+" do
      at = type(at) == "table" and (at == lg and lg[part] or rawget(at, part)) or nil
      path = path .. "." .. part
      if at ~= nil and rawequal(at, value) then return path end
    end
  end
  return nil
end

--- What is told of a name, or of a function itself, as a text that fits the screen; a usage error
--- where nothing is known.
---@param topic any
---@return string
function reference.text(topic)
  local name = type(topic) == "string" and topic or name_of(topic)
  if not name then
    args.fail(("help knows functions of lg, and no %s like this"):format(type(topic)),
      'help(lg.train), help "lg.train", :help lg')
  end
  local lines, names = reference.help(name)
  if not lines then
    args.fail(("there is no command or function %q"):format(name),
      args.did_you_mean(name, names,
        "lunagrad help lists the commands, lunagrad help lg the functions"))
  end
  return reference.folded(lines)
end

--- The same to standard output.
---@param topic string
function reference.print(topic) io.stdout:write(reference.text(topic)) end

-- ---- for docs/reference/ -----------------------------------------------------------------------

local function cell(text) return (text:gsub("|", "\\|"):gsub("\n", " ")) end

local function add_table(out, rows, first)
  if #rows == 0 then return end
  out[#out + 1] = ("\n| %s | type | |\n|---|---|---|"):format(first)
  for _, row in ipairs(rows) do
    out[#out + 1] = ("| %s | `%s` | %s |"):format(row.name and "`" .. row.name .. "`" or "",
      cell(row.type), cell(row.about))
  end
end

local function add_options(out, class)
  out[#out + 1] = ("\n| `%s` | type | default | |\n|---|---|---|---|"):format(class.name)
  for _, row in ipairs(own_fields(class)) do
    local default = row.default and (row.literal and "`" .. row.default .. "`" or row.default) or ""
    out[#out + 1] = ("| `%s` | `%s` | %s | %s |"):format(row.name, cell(row.type), cell(default),
      cell(row.about))
  end
  if class.parent then
    local anchor = class.parent:lower():gsub("%.", "")
    out[#out + 1] = ("\nAnd those of [`%s`](classes.md#%s)."):format(class.parent, anchor)
  end
end

-- Which page an entry stands on.
local function page_of(entry)
  if entry.fields then return "classes" end
  local object = entry.name:match "^([%w_]+):"
  if object then return object == "Var" and "variable" or "objects" end
  return entry.name:match "^lg%.([%w_]+)%." or "lg"
end

local TITLES = { lg = "lg: the functions of the module", variable = "Variables",
  objects = "Other objects", classes = "Tables that are given and returned" }

local HEAD = [[
Made from the stubs in `lua/meta/`; `lunagrad help NAME` shows the same. Each example is a program of
its own behind `local lg = require "lunagrad"`, run by the tests without a key. A wrong argument, or an
option that there is not, raises an error of the kind `inval` at your line; what waits raises what the
variable failed with.]]

local function add_function(out, list, entry)
  local given, results = reference.classes(list, entry)
  add_table(out, entry.params, "argument")
  for _, class in ipairs(given) do add_options(out, class) end
  add_table(out, entry.returns, "returns")
  for _, class in ipairs(results) do
    local anchor = class.name:lower():gsub("%.", "")
    out[#out + 1] = ("\nFields and calls: [`%s`](classes.md#%s)."):format(class.name, anchor)
  end
  for _, text in ipairs(entry.raises) do
    local kind, when = text:match "^(%l+): (.*)$"
    out[#out + 1] = ("\nRaises %s."):format(kind and ("`%s`: %s"):format(kind, when) or text)
  end
  if entry.example then out[#out + 1] = "\n```lua\n" .. entry.example .. "\n```" end
end

--- The pages: name → Markdown.
---@param list lunagrad.cli.entry[]
---@return table<string, string>
function reference.pages(list)
  local pages = {}
  for _, entry in ipairs(list) do
    local page = page_of(entry)
    local out = pages[page] or { "# " .. (TITLES[page] or "lg." .. page) .. "\n", HEAD }
    pages[page] = out
    out[#out + 1] = ("\n## `%s`\n"):format(entry.signature or entry.name)
    if entry.words ~= "" then out[#out + 1] = entry.words end
    if entry.fields then
      for _, call in ipairs(entry.calls) do out[#out + 1] = ("\nCalled as `%s`."):format(call) end
      add_options(out, entry)
    else
      add_function(out, list, entry)
    end
  end
  for name, out in pairs(pages) do pages[name] = table.concat(out, "\n") .. "\n" end
  return pages
end

return reference
