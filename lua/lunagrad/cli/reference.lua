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
---@field fields table[]|nil of a class: { name, type, about }

-- ---- reading the stubs -----------------------------------------------------------------------

-- "name type about" with a type that may hold brackets and blanks in them.
local function typed(text)
  local depth, at = 0, 1
  while at <= #text do
    local c = text:sub(at, at)
    if c:find "[%(%[{<]" then depth = depth + 1 end
    if c:find "[%)%]}>]" then depth = depth - 1 end
    if c == " " and depth <= 0 and not text:sub(1, at):find ":%s$" then break end
    at = at + 1
  end
  return text:sub(1, at - 1), (text:sub(at):gsub("^%s*#?%s*", ""))
end

local function add_line(block, line)
  local param, rest = line:match "^@param%s+(%S+)%s+(.*)$"
  local returns, field = line:match "^@return%s+(.*)$", line:match "^@field%s+(.*)$"
  if param then
    local kind, about = typed(rest)
    block.last = { name = param, type = kind, about = about }
    table.insert(block.params, block.last)
  elseif returns then
    local kind, about = typed(returns)
    block.last = { type = kind, about = about }
    table.insert(block.returns, block.last)
  elseif field then
    local name, of = field:match "^(%S+)%s+(.*)$"
    local kind, about = typed(of or "")
    block.last = { name = name or field, type = kind, about = about }
    table.insert(block.fields, block.last)
  elseif line:find "^@class" then
    block.class, block.about = line:match "^@class%s+([%w_.]+)[^%s]*%s*(.*)$"
  elseif line:find "^@" then
    block.last = nil
  elseif block.last then
    block.last.about = (block.last.about .. " " .. line):gsub("^%s+", "")
  else
    table.insert(block.words, line)
  end
end

local function fresh() return { words = {}, params = {}, returns = {}, fields = {} } end

local function entry_of(block, name, arguments)
  return { name = name, words = table.concat(block.words, "\n"), params = block.params,
    returns = block.returns, signature = ("%s(%s)"):format(name, arguments) }
end

-- Objects are known by other names in the stubs than to who reads them.
local OBJECTS = { Box = "sandbox", command = "command" }

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
      add_line(block, comment)
    else
      if name and not name:find "[.:]_" and not name:find ":raw_" then
        list[#list + 1] = entry_of(block, shown_name(name), arguments:sub(2, -2))
      elseif block.class and #block.fields > 0 then
        list[#list + 1] = { name = block.class, words = block.about or "", fields = block.fields,
          params = {}, returns = {} }
      end
      block = fresh()
    end
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

-- ---- for the terminal ------------------------------------------------------------------------------

local function add_list(lines, title, rows)
  if #rows == 0 then return end
  lines[#lines + 1] = ""
  lines[#lines + 1] = title
  for _, row in ipairs(rows) do
    local head = "  " .. (row.name and row.name .. "  " or "") .. row.type
    lines[#lines + 1] = row.about ~= "" and head .. "  " .. row.about or head
  end
end

--- An entry as lines for people.
---@param entry lunagrad.cli.entry
---@return string[]
function reference.lines(entry)
  local lines = { entry.signature or entry.name }
  for line in entry.words:gmatch "[^\n]*" do lines[#lines + 1] = line ~= "" and "  " .. line
    or "" end
  add_list(lines, "arguments", entry.params)
  add_list(lines, "returns", entry.returns)
  add_list(lines, "fields", entry.fields or {})
  return lines
end

-- The class that a function returns: its fields are told with it.
local function returned(list, entry)
  for _, one in ipairs(entry.returns) do
    for _, other in ipairs(list) do
      if other.fields and one.type:gsub("[%[%]?]", "") == other.name then return other end
    end
  end
  return nil
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
      local lines = reference.lines(entry)
      local class = returned(list, entry)
      if class then add_list(lines, class.name, class.fields) end
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

--- The same to standard output; a usage error where there is no such name.
---@param topic string
function reference.print(topic)
  local lines, names = reference.help(topic)
  if not lines then
    args.fail(("there is no command or function %q"):format(topic),
      args.did_you_mean(topic, names,
        "lunagrad help lists the commands, lunagrad help lg the functions"))
  end
  io.stdout:write(reference.folded(lines))
end

-- ---- for docs/reference/ -----------------------------------------------------------------------------

local function cell(text) return (text:gsub("|", "\\|"):gsub("\n", " ")) end

local function add_table(out, rows, first)
  if #rows == 0 then return end
  out[#out + 1] = ("\n| %s | type | |\n|---|---|---|"):format(first)
  for _, row in ipairs(rows) do
    out[#out + 1] = ("| %s | `%s` | %s |"):format(row.name and "`" .. row.name .. "`" or "",
      cell(row.type), cell(row.about))
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

--- The pages: name → Markdown.
---@param list lunagrad.cli.entry[]
---@return table<string, string>
function reference.pages(list)
  local pages = {}
  for _, entry in ipairs(list) do
    local page = page_of(entry)
    local out = pages[page] or { "# " .. (TITLES[page] or "lg." .. page) .. "\n",
      "Made from the stubs in `lua/meta/`; `lunagrad help NAME` shows the same." }
    pages[page] = out
    out[#out + 1] = ("\n## `%s`\n"):format(entry.signature or entry.name)
    if entry.words ~= "" then out[#out + 1] = entry.words end
    add_table(out, entry.params, "argument")
    add_table(out, entry.returns, "returns")
    add_table(out, entry.fields or {}, "field")
  end
  for name, out in pairs(pages) do pages[name] = table.concat(out, "\n") .. "\n" end
  return pages
end

return reference
