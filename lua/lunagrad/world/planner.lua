--- sim/planner: a rule-based stand-in for a planner of radiotherapy.
--
-- As a critic it compares the doses in a plan's table with the protocols beside it and says which
-- structure is over, by how much, and which has room; as an editor it moves importance weights along
-- what was said: further where the same was said before, less far where it turns back, and at first
-- halfway towards weights that are shown as examples. It knows the request and nothing else: no
-- phantom, no optimizer. Slips are a hash of the text: points that are missed, steps that are off, a
-- reply that is not in its form. A world to try programs in, never evidence about real models.

local hash = require "lunagrad.world.hash"
local read = require "lunagrad.world.planner_read"

local planner = {}

local MOST_POINTS = 3
local LEAST, MOST = 1, 1000 -- weights, as the request says it of its own

-- ---- what is wrong with a plan ---------------------------------------------------

-- The share of the limit that a value is over it; below 0: room.
local function over(goal, value)
  local off = goal.most and value - goal.limit or goal.limit - value
  return off / math.max(goal.limit, 1)
end

-- What a table says of each protocol; those that it does not show are left out.
local function judge(protocols, doses)
  local list = {}
  for _, goal in ipairs(protocols) do
    local value = doses.of[goal.name] and doses.of[goal.name][goal.measure]
    if value then
      list[#list + 1] = { goal = goal, value = value, over = over(goal, value) }
    end
  end
  return list
end

-- The worst finding of each structure, the worst first.
local function by_structure(findings)
  local list, at = {}, {}
  for _, one in ipairs(findings) do
    local i = at[one.goal.name]
    if not i then
      list[#list + 1] = one
      at[one.goal.name] = #list
    elseif one.over > list[i].over then
      list[i] = one
    end
  end
  table.sort(list, function(a, b)
    if a.over ~= b.over then return a.over > b.over end
    return a.goal.name < b.goal.name
  end)
  return list
end

local function sentence(one)
  local goal = one.goal
  local is = ("%s: %s is %.4g where at %s %.4g is wanted"):format(goal.name, goal.measure,
    one.value, goal.most and "most" or "least", goal.limit)
  return is .. (one.over > 0 and ", so it needs more weight."
    or ", so there is room for less weight.")
end

-- What a critic sees of the findings: now and then not all, but what the request says itself.
local function seen(findings, text, seed, noise)
  local list = {}
  for _, one in ipairs(findings) do
    local told = read.is_told(text, one.goal.text)
    if told or hash.unit(seed, "see " .. one.goal.text) >= noise then list[#list + 1] = one end
  end
  return list
end

local FEW = 0.1 -- of the limit: less room is none

-- A few points: the structures that are over, the worst first, then the one with most room.
local function points(findings)
  local said, list = {}, by_structure(findings)
  for _, one in ipairs(list) do
    if one.over > 0 and #said < MOST_POINTS then said[#said + 1] = sentence(one) end
  end
  local last = list[#list]
  if #said > 0 and #said < MOST_POINTS and last and last.over < -FEW then
    said[#said + 1] = sentence(last)
  end
  return said
end

local NO_PLAN = "There is no plan"

-- ---- as a judge of plans -----------------------------------------------------------

local function final(findings)
  local lines, missed = { "FINAL" }, 0
  for _, one in ipairs(findings) do
    if one.over > 0 then missed = missed + 1 end
    lines[#lines + 1] = ("%s: %.4g, %s"):format(one.goal.text, one.value,
      one.over > 0 and "not met" or "met")
  end
  lines[#lines + 1] = "VERDICT: " .. (missed > 0 and ("not met, %d of %d missed"):format(missed,
    #findings) or "all protocols are met")
  return table.concat(lines, "\n")
end

local function no_plan(text)
  local why = text:match(NO_PLAN .. "[^\n]*")
  return why and why .. "\n\nFINAL\nVERDICT: not met, there is no plan"
end

local function verdict(text, seed, noise)
  local doses, protocols = read.doses(text), read.protocols(text)
  if #protocols == 0 then return nil end
  if not doses then return no_plan(text) end
  local findings = judge(protocols, doses)
  local said = points(seen(findings, text, seed, noise))
  local why = #said > 0 and "- " .. table.concat(said, "\n- ") or "Nothing is over its limit."
  return why .. "\n\n" .. final(seen(findings, text, seed, noise / 3))
end

-- ---- as a critic of what led to a plan ---------------------------------------------

local function gradient(text, seed, noise)
  local doses, protocols = read.doses(text), read.protocols(text)
  if #protocols == 0 then return nil end
  if not doses then return text:match(NO_PLAN .. "[^\n]*") end
  local said = points(seen(judge(protocols, doses), text, seed, noise))
  return #said > 0 and table.concat(said, "\n") or "NOTHING TO IMPROVE"
end

-- ---- as an editor of weights -------------------------------------------------------

-- How far a text wants a structure's weight to move, as a logarithm; nil: nothing is said of it.
local function wish(text, name)
  local sum, n = 0.0, 0
  for _, point in ipairs(read.points(text, name)) do
    local off = 0.3
    if point.value then off = math.abs(point.value - point.limit) / math.max(point.limit, 1) end
    if point.more ~= point.less then
      sum, n = sum + (point.more and 0.3 + 2.2 * off or -0.2 - 0.8 * off), n + 1
    end
  end
  return n > 0 and sum / n or nil
end

local LONGEST = math.log(4)

-- The step of one weight: longer where the last version was told the same, shorter where it turns.
local function step_of(name, feedback, past, seed, noise)
  local now = wish(feedback, name)
  if not now or hash.unit(seed, "drop " .. name) < noise then return 0 end
  local before = past[#past] and wish(past[#past].feedback, name)
  local same = before and (before > 0) == (now > 0)
  local step = now * (before and (same and 1.5 or 0.5) or 1)
  step = math.max(-LONGEST, math.min(LONGEST, step))
  if hash.unit(seed, "off " .. name) < noise / 2 then
    step = step * (hash.unit(seed, "how " .. name) < 0.5 and 0.3 or 1.8)
  end
  return step
end

-- Weights that are shown as examples: the mean of their logarithms, none being larger than MOST.
local function examples_of(text, names)
  local sums, n = {}, 0
  for _, block in ipairs(read.blocks(text, "TEXT")) do
    local found, whole = read.weights(block), true
    for _, name in ipairs(names) do whole = whole and found ~= nil and found.of[name] ~= nil end
    if whole then
      n = n + 1
      for _, name in ipairs(names) do
        sums[name] = (sums[name] or 0) + math.log(math.max(found.of[name], LEAST))
      end
    end
  end
  if n == 0 then return nil end
  for name, sum in pairs(sums) do sums[name] = sum / n end
  return sums
end

local function past_of(text)
  local section = read.blocks(text, "PAST_VERSIONS")[1] or ""
  local list, said = {}, read.blocks(section, "FEEDBACK")
  for i, version in ipairs(read.blocks(section, "VERSION")) do
    list[i] = { text = version, feedback = said[i] or "" }
  end
  return list
end

-- Feedback on the present version: what stands outside of the past ones.
local function present(text)
  local from, to = text:find "<PAST_VERSIONS_?%d*>.*</PAST_VERSIONS_?%d*>"
  local rest = from and text:sub(1, from - 1) .. text:sub(to + 1) or text
  return table.concat(read.blocks(rest, "FEEDBACK"), "\n")
end

local function written(value)
  return value >= 9.995 and ("%.0f"):format(value) or ("%.2g"):format(value)
end

-- The largest weight is brought down to MOST, with all others.
local function compose(names, logs)
  local most, lines = math.log(MOST), {}
  local top = most
  for _, name in ipairs(names) do top = math.max(top, logs[name]) end
  for i, name in ipairs(names) do
    local value = math.exp(math.max(logs[name] + most - top, math.log(LEAST)))
    lines[i] = name .. ": " .. written(value)
  end
  return lines
end

-- One line is spoilt, now and then: a word for a number, or it is left out.
local function spoil(lines, seed, noise)
  if hash.unit(seed, "spoil") >= noise / 5 then return lines end
  local i = hash.int(seed, "which line", #lines)
  if hash.unit(seed, "spoil how") < 0.5 then
    table.remove(lines, i)
  else
    lines[i] = lines[i]:gsub(": .*", ": high")
  end
  return lines
end

-- The weights as they are, as logarithms; what cannot be read is taken as 100.
local function present_weights(text, variable)
  local found = read.weights(variable) or { names = {}, of = {} }
  local names = read.wanted(text)
  if #names == 0 then names = found.names end
  local logs = {}
  for _, name in ipairs(names) do logs[name] = math.log(math.max(found.of[name] or 100, LEAST)) end
  return names, logs
end

local function edit(text, options)
  local variable = read.blocks(text, "VARIABLE")[1]
  if not variable then return nil end
  local names, logs = present_weights(text, variable)
  if #names == 0 then return nil end
  local feedback, past = present(text), past_of(text)
  for _, name in ipairs(names) do
    logs[name] = logs[name] + step_of(name, feedback, past, options.seed, options.noise)
  end
  local shown = #past == 0 and examples_of(text, names)
  for _, name in ipairs(shown and names or {}) do logs[name] = (logs[name] + shown[name]) / 2 end
  return table.concat(spoil(compose(names, logs), options.seed, options.noise), "\n")
end

-- ---- the face ----------------------------------------------------------------------

-- The tag that a text asks a new one to be written in.
local function wanted_tag(text)
  local tag
  for name in text:gmatch "between <([A-Z][A-Z0-9_]*)>" do tag = name end
  return tag
end

--- Reply to what is planning; nil: the request is about something else.
---@param view table
---@param settings { critic_noise: number, editor_noise: number }
---@param options { seed: integer }
---@return string|nil text
---@return string|nil finish
function planner.reply(view, settings, options)
  local text, system, first = {}, view.system or "", nil
  local again = false
  for _, message in ipairs(view.messages) do
    if message.role == "user" then
      text[#text + 1], first = message.content, first or message.content
    end
    again = again or message.role == "assistant"
  end
  local user = table.concat(text, "\n")
  local seed = hash.text(user, options.seed)
  local tag = wanted_tag(user)
  if tag and user:find "<VARIABLE" then
    local new = edit(first, { seed = seed, noise = again and 0 or settings.editor_noise })
    return new and ("<%s>\n%s\n</%s>"):format(tag, new, tag), "stop"
  end
  if user:find "<VARIABLE" then return gradient(user, seed, settings.critic_noise), "stop" end
  return verdict(system .. "\n" .. user, seed, settings.critic_noise), "stop"
end

return planner
