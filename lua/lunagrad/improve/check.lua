--- Constraints in words, judged by a model: does a new text keep to them?
--
-- All sentences are one question, with a numbered reply: "1: yes", "2: no, because …". What cannot
-- be read is asked for once more; what still cannot be read counts as kept, and is reported as not
-- checked. Constraints with code are lunagrad.constraint's and never come here. Used by
-- lunagrad.improve.rewrite.

local constraint = require "lunagrad.constraint"
local core = require "lunagrad.core"
local extract = require "lunagrad.extract"
local ask = require "lunagrad.improve.ask"
local layer = require "lunagrad.text"

local check = {}

-- ---- reading the reply -----------------------------------------------------

local WORDS = {}
for state, words in pairs {
  kept = "yes true kept keeps ok okay pass passes passed ja oui sí si sim да 是 はい",
  broken = "no false broken breaks violated fail fails failed nein non não нет 否 いいえ",
} do
  for word in words:gmatch "%S+" do WORDS[word] = state end
end

local function state_of(word)
  return word and WORDS[layer.fold(word)]
end

local WORD = "[^%s%p]+"

-- The verdict in what stands behind a number, and the reason behind the verdict.
local function verdict(said)
  local word, behind = said:match("^[%s%p]*(" .. WORD .. ")()")
  local state = not said:find("^%-%w", behind) and state_of(word) -- "no-one" is no "no"
  if not state then
    word, behind = said:match("^.-[:%-=>]%s*[*_`]*(" .. WORD .. ")()")
    state = state_of(word)
  end
  if not state then
    word, behind = said:match("(" .. WORD .. ")[%s%p]*()$")
    state = state_of(word)
    if state then return state, layer.trim(said) end
  end
  if not state then return nil end
  return state, layer.trim((said:sub(behind):gsub("^[%s%p]+", "")))
end

-- A line for each number that has a verdict behind it.
local function in_lines(text)
  return (text:gsub("\u{2014}", "-"):gsub("\u{2013}", "-")
    :gsub("([%s,;])(%d+[%.:%)]%s*)(" .. WORD .. ")", function(before, number, word)
      return (state_of(word) and "\n" or before) .. number .. word
    end))
end

local function from_json(text, n, verdicts)
  local value = extract.object(text)
  for i = 1, type(value) == "table" and n or 0 do
    local said = value[tostring(i)]
    if said == nil then said = value[i] end
    local state, why
    if type(said) == "boolean" then said = tostring(said) end
    if type(said) == "string" then state, why = verdict(said) end
    if state then verdicts[i] = { kept = state == "kept", why = why } end
  end
end

--- The verdicts in a judge's reply on n sentences: number → {kept, why}.
---@param text string
---@param n integer
---@return table<integer, {kept: boolean, why: string}>
function check.read(text, n)
  local verdicts = {}
  from_json(text, n, verdicts)
  if next(verdicts) then return verdicts end
  for line in in_lines(text):gmatch "[^\r\n]+" do
    local number, said = line:match "^[%s%p]*%a*[%s%p]*(%d+)[%s%p]+(.+)$"
    number = math.tointeger(tonumber(number))
    local state, why
    if number and number >= 1 and number <= n then state, why = verdict(said) end
    if state then verdicts[number] = { kept = state == "kept", why = why } end
  end
  if n == 1 and not verdicts[1] then
    local word, behind = text:match("^[%s%p]*(" .. WORD .. ")[%s%p]*()")
    local state = state_of(word)
    if state then verdicts[1] = { kept = state == "kept", why = layer.trim(text:sub(behind)) } end
  end
  return verdicts
end

-- ---- asking ----------------------------------------------------------------

local function question(what, rules)
  local lines = {}
  for i, one in ipairs(rules) do lines[i] = ("%d. %s"):format(i, one.text) end
  return (ask.fill(ask.prompt "tgd.check", { "role", "variable", "rules" },
    { role = what.role, variable = what.text, rules = table.concat(lines, "\n") }))
end

local function judged(what, rules)
  local q = { model = what.model or "judge", kind = "judge", role = "check of the constraints" }
  local messages = { { "system", ask.prompt "tgd.check.system" },
    { "user", question(what, rules) } }
  local reply = ask.reply(q, messages)
  local verdicts = check.read(reply:text(), #rules)
  for i in ipairs(rules) do
    if not verdicts[i] then
      if reply:text():find "%S" then messages[#messages + 1] = { "assistant", reply } end
      messages[#messages + 1] = { "user", ask.prompt "tgd.check.again" }
      local more = check.read(ask.reply(q, messages):text(), #rules)
      for n, one in pairs(more) do verdicts[n] = verdicts[n] or one end
      break
    end
  end
  return verdicts
end

--- What is wrong with a text by the sentences among constraints, or nil; and those that the judge
--- gave no verdict on.
---@param what table {text, role, constraints, model = nil: the role "judge"}
---@return string|nil problem
---@return string[]|nil unread
function check.problem(what)
  local rules = constraint.worded(what.constraints)
  if #rules == 0 then return nil end
  local verdicts = judged(what, rules)
  local said, unread = {}, {}
  for i, one in ipairs(rules) do
    local found = verdicts[i]
    if not found then
      unread[#unread + 1] = one.text
    elseif not found.kept then
      said[#said + 1] = ("the new text breaks the constraint %s%s"):format(
        core.json_encode(one.text), found.why ~= "" and ": " .. found.why or "")
    end
  end
  return #said > 0 and table.concat(said, "; ") or nil, #unread > 0 and unread or nil
end

return check
