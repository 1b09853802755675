--- Verdicts: is an output right, and in which words does the asker want to hear it?
--
-- Right means: it states the number that a given target states, or, without a
-- target, the number that counting again gives.

local diagnose = require "lunagrad.world.diagnose"
local read = require "lunagrad.world.read"

local judge = {}

--- How a verdict is to be said: { good, bad }, or nil when none is asked for.
---@param view sim.view
---@return string[]?
function judge.scale(view)
  local low = (view.user .. "\n" .. view.system):lower()
  local from, to = low:match "from (%d+) to (%d+)"
  if not from then
    from, to = low:match "between (%d+) and (%d+)"
  end
  if not from then
    from, to = low:match "%f[%w](%d%d?%d?)%s?%-%s?(%d%d?%d?)%f[%W]"
  end
  if not from then
    to = low:match "out of (%d+)"
    from = to and "0"
  end
  if low:find "0 or 1" or low:find "1 or 0" or low:find "[{%[%(]0, ?1[}%]%)]" then
    return { "1", "0" }
  elseif low:find "yes or no" or low:find "yes/no" or low:find "\"yes\"" then
    return { "yes", "no" }
  elseif low:find "true or false" or low:find "true/false" then
    return { "true", "false" }
  elseif low:find "pass or fail" or low:find "pass/fail" then
    return { "pass", "fail" }
  elseif low:find "correct or incorrect" or low:find "correct/incorrect" then
    return { "correct", "incorrect" }
  elseif from and tonumber(from) < tonumber(to) then
    return { to, from }
  end
  return nil
end

--- Right or wrong, from a given target or from counting again; nil: cannot tell.
---@param view sim.view
---@param case sim.case
---@return boolean?
function judge.is_right(view, case)
  local _, target = read.output(view)
  for _, section in ipairs(target and {} or view.sections) do
    target = section.meaning == "target" and section.text or target
  end
  local output = case.output
  for _, section in ipairs(case.answer and {} or view.sections) do
    output = section.meaning == "output" and section.text or output
  end
  if not output then
    return nil
  end
  local stated = diagnose.stated(output:lower())
  local wanted = target and diagnose.stated(target:lower())
  if wanted then
    return stated ~= nil and stated.n == wanted.n
  elseif case.question then
    return stated ~= nil and stated.n == case.question.total
  elseif target then
    return output:lower():find(target:lower():match "^%s*(.*%S)" or "", 1, true) ~= nil
  end
  return nil
end

-- Whether a text keeps to a rule, as far as can be counted here; and why not.
local function keeps(text, rule)
  local most = tonumber(rule:lower():match "at most (%d+) words")
  local _, words = text:gsub("%S+", "")
  if most and words > most then return false, ("it has %d words"):format(words) end
  return true
end

--- Verdicts on numbered rules, a line each, about a text; nil when nobody asks for such.
---@param view sim.view
---@return string?
function judge.rules(view)
  local rules, text
  for _, block in ipairs(view.blocks) do
    if block.meaning == "frame" then rules = block.text end
    if block.meaning == "variable" then text = block.text end
  end
  if not (rules and text and view.all:lower():find "line for each") then return nil end
  local lines = {}
  for number, rule in ("\n" .. rules):gmatch "\n%s*(%d+)[.)]%s*([^\n]+)" do
    local kept, why = keeps(text, rule)
    lines[#lines + 1] = ("%s: %s"):format(number, kept and "yes" or "no, because " .. why)
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

return judge
