--- What dose a structure gets: mean, D5, V50 and their like, histograms and tables of them.
--
-- D5 is the dose that 5% of the volume get at least, V50 the share of the volume, in percent, that
-- gets 50 Gy or more. Doses of a structure are a list in falling order. Arithmetic alone.

local dose = {}

--- The doses of some voxels, the highest first.
---@param all number[] by voxel
---@param voxels integer[]
---@return number[]
function dose.sorted(all, voxels)
  local list = {}
  for i, voxel in ipairs(voxels) do list[i] = all[voxel] end
  table.sort(list, function(a, b) return a > b end)
  return list
end

-- The dose that so many percent of the volume get at least, between voxels along a line.
local function at_volume(list, percent)
  local at = percent / 100 * #list + 0.5
  local below = math.max(1, math.min(#list, math.floor(at)))
  local above = math.min(#list, below + 1)
  local part = math.max(0, math.min(1, at - below))
  return list[below] + part * (list[above] - list[below])
end

-- The percent of the volume that get at least so much.
local function at_dose(list, gray)
  local from, to = 0, #list -- the first `from` are as high, those behind `to` are not
  while from < to do
    local middle = (from + to + 1) // 2
    if list[middle] >= gray then from = middle else to = middle - 1 end
  end
  return 100 * from / #list
end

local function mean(list)
  local sum = 0.0
  for i = 1, #list do sum = sum + list[i] end
  return sum / #list
end

--- A measure by its name: mean, min, max, D and V with a number; nil: there is none.
---@param list number[]
---@param name string
---@return number|nil
function dose.measure(list, name)
  if name == "mean" then return mean(list) end
  if name == "max" then return list[1] end
  if name == "min" then return list[#list] end
  local kind, number = name:match "^([DV])(%d+%.?%d*)$"
  if not kind or kind == "D" and tonumber(number) > 100 then return nil end
  return (kind == "D" and at_volume or at_dose)(list, tonumber(number))
end

--- Points {dose, percent of the volume} from 0 to `most` Gy.
---@param list number[]
---@param step number
---@param most number
---@return number[][]
function dose.histogram(list, step, most)
  local points = {}
  for k = 0, math.floor(most / step) do points[k + 1] = { k * step, at_dose(list, k * step) } end
  return points
end

local STATISTICS = { "mean", "min", "max", "D2", "D5", "D50", "D95", "D98" }

-- The usual measures, and what else is asked for.
local function with_usual(more)
  local list, known = {}, {}
  for _, names in ipairs { STATISTICS, more } do
    for _, name in ipairs(names) do
      if not known[name] then list[#list + 1] = name end
      known[name] = true
    end
  end
  return list
end

--- A table of statistics for reading: a line for each structure.
---@param names string[]
---@param lists number[][]
---@param more string[] measures besides the usual ones
---@return string
function dose.statistics(names, lists, more)
  local lines, measures = { ("%-14s"):format "structure" }, with_usual(more)
  for _, name in ipairs(measures) do lines[1] = lines[1] .. ("%8s"):format(name) end
  for i, name in ipairs(names) do
    local cells = { ("%-14s"):format(name) }
    for k, measure in ipairs(measures) do
      cells[k + 1] = ("%8.2f"):format(dose.measure(lists[i], measure))
    end
    lines[i + 1] = table.concat(cells)
  end
  return table.concat(lines, "\n")
end

--- A histogram for reading: a line for each dose, a column for each structure.
---@param names string[]
---@param lists number[][]
---@param step number
---@param most number
---@return string
function dose.table(names, lists, step, most)
  local lines = { "dose" }
  for _, name in ipairs(names) do lines[1] = lines[1] .. ("%15s"):format(name) end
  for k = 0, math.floor(most / step) do
    local cells = { ("%4g"):format(k * step) }
    for i in ipairs(names) do cells[i + 1] = ("%15.1f"):format(at_dose(lists[i], k * step)) end
    lines[k + 2] = table.concat(cells)
  end
  return table.concat(lines, "\n")
end

return dose
