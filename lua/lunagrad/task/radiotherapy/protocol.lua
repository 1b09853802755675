--- Protocols: what a plan has to keep to, as lines like "rectum V50 <= 30", and whether it does.
--
-- A line is a structure, a measure (dose.lua), "<=" or ">=", and a number: Gy for mean, min, max
-- and D, percent for V. Figures count as they are shown, with two places behind the point.

local errors = require "lunagrad.errors"
local dose = require "lunagrad.task.radiotherapy.dose"

local protocol = {}

--- The protocols of the phantoms, written for them, on phantoms of other seeds than the script's.
--- For the organs they ask for more than is tolerated in practice (QUANTEC 2010: rectum V50 < 50,
--- V65 < 25; RTOG 0415: bladder V65 < 50; RTOG 0534: femoral heads V50 < 10), as planners do; for the
--- target's extremes for less (ICRU 83 would have D98 near 95% and D2 near 107% of the prescription).
protocol.DEFAULT = {
  "PTV D95 >= 70.2", "PTV D98 >= 63.2", "PTV D2 <= 77.2",
  "bladder mean <= 28", "bladder V65 <= 13",
  "rectum mean <= 30", "rectum V50 <= 25", "rectum V65 <= 15",
  "femoral heads D5 <= 43", "body D2 <= 65",
}

---@class lunagrad.radiotherapy.goal
---@field text string
---@field structure string
---@field measure string
---@field most boolean at most, or else at least
---@field limit number

--- A goal of a line; raises for what is none.
---@param line string
---@return lunagrad.radiotherapy.goal
function protocol.read(line)
  local name, measure, sign, limit = line:match "^%s*(.-)%s+(%S+)%s*([<>]=)%s*(%d+%.?%d*)%s*$"
  if not name or name == "" or not dose.measure({ 1.0 }, measure) then
    errors.raise("inval", ("radiotherapy: %q is no protocol"):format(line),
      'a line is like "rectum V50 <= 30" or "PTV D95 >= 70.2": mean, min, max, D with percent of '
        .. "the volume, V with Gy", 2)
  end
  return { text = ("%s %s %s %s"):format(name, measure, sign, limit), structure = name,
    measure = measure, most = sign == "<=", limit = tonumber(limit) }
end

--- The goals of a text or a list of lines; blank lines and those that begin with "#" count for
--- nothing.
---@param lines string|string[]
---@return lunagrad.radiotherapy.goal[]
function protocol.goals(lines)
  local goals = {}
  if type(lines) ~= "string" then lines = table.concat(lines, "\n") end
  for line in (lines .. "\n"):gmatch "(.-)\r?\n" do
    if line:find "%S" and not line:find "^%s*#" then goals[#goals + 1] = protocol.read(line) end
  end
  return goals
end

local function rounded(x) return math.floor(x * 100 + 0.5) / 100 end

---@class lunagrad.radiotherapy.finding
---@field goal lunagrad.radiotherapy.goal
---@field value number
---@field met boolean
---@field excess number what is over, by the limit; 0 where it is met

--- What became of each goal.
---@param goals lunagrad.radiotherapy.goal[]
---@param lists table<string, number[]> doses by the name of the structure, the highest first
---@return lunagrad.radiotherapy.finding[] findings
---@return integer met how many
---@return number excess the sum
function protocol.check(goals, lists)
  local findings, met, sum = {}, 0, 0.0
  for i, goal in ipairs(goals) do
    local value = rounded(dose.measure(lists[goal.structure], goal.measure))
    local over = goal.most and value - goal.limit or goal.limit - value
    local excess = math.max(over, 0) / math.max(goal.limit, 1)
    findings[i] = { goal = goal, value = value, met = over <= 0, excess = excess }
    met, sum = met + (over <= 0 and 1 or 0), sum + excess
  end
  return findings, met, sum
end

return protocol
