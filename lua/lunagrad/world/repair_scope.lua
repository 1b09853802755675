--- The functions of a program and the names in each, for sim/repair, read off its lines.
--
-- By lay-out, as a quick reader would: a function begins at the left margin and ends where the margin is
-- reached again. Programs that are laid out otherwise have no functions here, and fewer changes.

local scope = {}

---@class sim.function
---@field name string
---@field params string[]
---@field names string[] params and what is set inside, each once
---@field has table<string, boolean>
---@field head integer line
---@field last integer line: of Lua's "end", of Python's last statement
---@field indent string of its statements

local function words(text)
  local list = {}
  for name in text:gmatch "[^,]+" do
    local word = name:match "^%s*([%a_][%w_]*)"
    if word then list[#list + 1] = word end
  end
  return list
end

local function know(fn, names)
  for _, name in ipairs(names) do
    if name ~= "_" and not fn.has[name] then
      fn.has[name] = true
      fn.names[#fn.names + 1] = name
    end
  end
end

-- What a line of a function sets.
local function set_by(line, language)
  if language == "lua" then
    return line:match "^local%s+([%a_][%w_%s,]*)=" or line:match "^local%s+([%a_][%w_%s,]*)$"
      or line:match "^for%s+(.-)%s*=" or line:match "^for%s+(.-)%s+in%s"
  end
  return line:match "^for%s+(.-)%s+in%s" or line:match "^([%a_][%w_%s,]*)=[^=]"
end

local function head_of(line, language)
  if language == "python" then return line:match "^def%s+([%a_][%w_]*)%s*%((.-)%)[^)]*:" end
  local name, params = line:match "function%s+([%a_][%w_.:]*)%s*%((.-)%)"
  if name then return name, params end
  return line:match "([%a_][%w_.]*)%s*=%s*function%s*%((.-)%)"
end

local function begin(lines, i, name, params)
  local fn = { name = name, params = words(params), names = {}, has = {}, head = i, last = #lines,
    indent = "  " }
  know(fn, fn.params)
  for k = i + 1, #lines do
    if lines[k].text ~= "" then
      fn.indent = lines[k].indent
      break
    end
  end
  return fn
end

-- Whether a line at the margin ends the function before it.
local function ends(line, language)
  return line.indent == "" and line.text ~= "" and (language == "python" or line.text:find "^end")
end

---@param lines sim.line[]
---@param language "lua"|"python"
---@return table { list = sim.function[], at = function(line) → sim.function }
function scope.of(lines, language)
  local list, by_line, open = {}, {}, nil
  for i, line in ipairs(lines) do
    local name, params = head_of(line.text, language)
    if open and ends(line, language) then
      open.last = language == "lua" and i or i - 1
      if language == "lua" then by_line[i] = open end
      open = nil
    end
    if name and line.indent == "" then
      open = begin(lines, i, name, params)
      list[#list + 1] = open
    elseif open then
      local inner = line.text:match "function%s*%((.-)%)"
      if inner then know(open, words(inner)) end
      local set = set_by(line.text, language)
      if set then know(open, words(set)) end
    end
    by_line[i] = by_line[i] or open
  end
  for _, fn in ipairs(list) do
    while fn.last > fn.head and lines[fn.last].text == "" do fn.last = fn.last - 1 end
  end
  local none = { name = "", params = {}, names = {}, has = {}, head = 0, last = 0, indent = "" }
  return { list = list, at = function(line) return by_line[line] or none end }
end

return scope
