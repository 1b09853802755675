--- A case: structures, the dose matrix of its beamlets, and what is wanted; made by seed or read.
--
-- Each voxel has one aim, that of the first structure which holds it; statistics are of whole
-- structures, with what they share. So rows of the matrix are sorted by that first structure. A
-- file has the same: docs/radiotherapy.md.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local fit = require "lunagrad.fit"
local options = require "lunagrad.options"
local source = require "lunagrad.source"
local phantom = require "lunagrad.task.radiotherapy.phantom"
local protocol = require "lunagrad.task.radiotherapy.protocol"

local case = {}

local PRESCRIPTION = 70.2 -- Gy

local SETTINGS = { voxel = { type = "number", default = 3.0 },
  beamlet = { type = "number", default = 5.0 }, beams = { type = "integer", default = 9 } }

-- Where a structure has no dose of its own: what is aimed at, or not to be exceeded.
local DOSES = { ["PTV"] = PRESCRIPTION, bladder = 0.0, rectum = 0.0, ["femoral heads"] = 30.0,
  body = 30.0 }

---@class lunagrad.radiotherapy.structure
---@field name string
---@field dose number Gy
---@field target boolean its dose is aimed at; else it is not to be exceeded
---@field rows integer[] of the matrix, all that it holds
---@field from integer its own rows, that no structure before it holds: from … to
---@field to integer

---@class lunagrad.radiotherapy.case
---@field name string
---@field prescription number
---@field matrix userdata
---@field structures lunagrad.radiotherapy.structure[]
---@field names string[]
---@field goals lunagrad.radiotherapy.goal[]

-- The case of voxels {structures = {numbers}, columns, values}, in any order.
local function assemble(made, voxels, columns)
  local matrix, row = fit.matrix(columns), 0
  for number, one in ipairs(made.structures) do
    one.rows, one.from = {}, row + 1
    for _, voxel in ipairs(voxels) do
      if voxel.structures[1] == number then
        matrix:add(voxel.columns, voxel.values)
        row = row + 1
        voxel.row = row
        if row % 1000 == 0 then fit.pause() end
      end
    end
    one.to = row
    fit.pause()
  end
  for i, voxel in ipairs(voxels) do
    if i % 4000 == 0 then fit.pause() end
    for _, number in ipairs(voxel.structures) do
      table.insert(made.structures[number].rows, voxel.row)
    end
  end
  made.matrix, made.names = matrix, {}
  for i, one in ipairs(made.structures) do made.names[i] = one.name end
  return made
end

local function with_goals(made, lines)
  made.goals = protocol.goals(lines)
  local known = {}
  for _, one in ipairs(made.structures) do known[one.name] = true end
  for _, goal in ipairs(made.goals) do
    if not known[goal.structure] then
      errors.raise("inval", ("radiotherapy: the protocol %q is about %q, which %s does not have")
        :format(goal.text, goal.structure, made.name),
        "it has " .. table.concat(made.names, ", "), 0)
    end
  end
  return made
end

-- ---- phantoms ------------------------------------------------------------------

--- The phantom of a seed.
---@param seed integer|string
---@param settings? {voxel: number, beamlet: number, beams: integer} mm, mm, how many
---@return lunagrad.radiotherapy.case
function case.phantom(seed, settings)
  settings = options.check(settings, SETTINGS, "radiotherapy.phantom", 2)
  for name, least in pairs { voxel = 0.5, beamlet = 0.5, beams = 1 } do
    if not (settings[name] >= least and settings[name] <= 100) then
      errors.refuse(name, ("radiotherapy.phantom: %s must be %g to 100"):format(name, least), nil,
        2)
    end
  end
  local made = { name = "phantom " .. seed, prescription = PRESCRIPTION, structures = {} }
  local numbers = {}
  for i, name in ipairs { "PTV", "bladder", "rectum", "femoral heads", "body" } do
    made.structures[i] = { name = name, dose = DOSES[name], target = name == "PTV" }
    numbers[name] = i
  end
  local voxels = {}
  local columns = phantom.each(seed, settings, function(names, entries, values)
    local list = {}
    for i, name in ipairs(names) do list[i] = numbers[name] end
    voxels[#voxels + 1] = { structures = list, columns = entries, values = values }
  end, fit.pause)
  return with_goals(assemble(made, voxels, columns), protocol.DEFAULT)
end

-- ---- files ---------------------------------------------------------------------

local MOST_VOXELS, MOST_BEAMLETS = 10000000, 1000000

local function whole(x, most)
  return math.type(x) and math.tointeger(x) and x >= 1 and x <= most and math.tointeger(x) or nil
end

local function is_list(value)
  return type(value) == "table" and getmetatable(value) == core.array
end

local function is_full(value) return is_list(value) and #value > 0 end

-- A structure of the file, and its voxels marked as its.
local function take_structure(made, object, voxels, bad)
  local number = #made.structures + 1
  local where = ("structure %d"):format(number)
  if type(object) ~= "table" or type(object.name) ~= "string" or not object.name:find "^[^:=\n]+$"
  then
    bad(where .. " has no \"name\"")
  end
  where = ("structure %q"):format(object.name)
  local gray = object.dose or DOSES[object.name]
  if type(gray) ~= "number" or not (gray >= 0 and gray < 1000) then
    bad(where .. " has no \"dose\" in Gy")
  end
  if not is_full(object.voxels) then bad(where .. " has no \"voxels\"") end
  local seen = {}
  for i, voxel in ipairs(object.voxels) do
    local n = whole(voxel, MOST_VOXELS)
    if not n then bad(("%s: voxel %d of its list is no number from 1 on"):format(where, i)) end
    if seen[n] then bad(("%s has voxel %d twice"):format(where, n)) end
    seen[n], voxels[n] = true, voxels[n] or { structures = {}, columns = {}, values = {} }
    table.insert(voxels[n].structures, number)
  end
  made.structures[number] = { name = object.name, dose = gray + 0.0,
    target = object.target == true or object.target == nil and object.name == "PTV" }
end

-- The entries of the dose matrix, each a list of voxel, beamlet and Gy.
local function take_dose(list, voxels, bad)
  local columns = 0
  for i, entry in ipairs(list) do
    local where = ("entry %d of \"dose\""):format(i)
    if not is_list(entry) or #entry ~= 3 then bad(where .. " is no [voxel, beamlet, Gy]") end
    local voxel, beamlet, value = whole(entry[1], MOST_VOXELS), whole(entry[2], MOST_BEAMLETS),
      entry[3]
    if not voxel or not beamlet then bad(where .. ": voxels and beamlets count from 1") end
    if type(value) ~= "number" or not (value >= 0 and value < 1e6) then
      bad(where .. ": the dose is no number of Gy")
    end
    columns = math.max(columns, beamlet)
    local row = voxels[voxel] -- what no structure holds is left out
    if row then
      row.columns[#row.columns + 1], row.values[#row.values + 1] = beamlet, value + 0.0
    end
    if i % 20000 == 0 then fit.pause() end
  end
  return columns
end

local function sort_entries(voxel, bad)
  local order, columns, values = {}, {}, {}
  for k in ipairs(voxel.columns) do order[k] = k end
  table.sort(order, function(a, b) return voxel.columns[a] < voxel.columns[b] end)
  for k, from in ipairs(order) do
    columns[k], values[k] = voxel.columns[from], voxel.values[from]
    if k > 1 and columns[k] == columns[k - 1] then
      bad(("\"dose\" has beamlet %d twice for the same voxel"):format(columns[k]))
    end
  end
  voxel.columns, voxel.values = columns, values
end

local function in_order(by_number, bad)
  local numbers, list = {}, {}
  for number in pairs(by_number) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  for i, number in ipairs(numbers) do
    list[i] = by_number[number]
    sort_entries(list[i], bad)
  end
  return list
end

local function check_structures(made, bad)
  local targets, seen = 0, {}
  for _, one in ipairs(made.structures) do
    if seen[one.name] then bad(("there are two structures %q"):format(one.name)) end
    seen[one.name] = true
    targets = targets + (one.target and 1 or 0)
  end
  if not made.structures[1].target or targets ~= 1 then
    bad("the first structure, and no other, is to be the target: \"target\": true, or the name PTV")
  end
end

local function lines_of(protocols, bad)
  if protocols == nil then return protocol.DEFAULT end
  if not is_full(protocols) then bad "\"protocols\" is no list of lines" end
  for i, line in ipairs(protocols) do
    if type(line) ~= "string" then bad(("protocol %d is no text"):format(i)) end
  end
  return protocols
end

--- A case of a file in JSON.
---@param path string
---@return lunagrad.radiotherapy.case
function case.read(path)
  local text = source.clean(source.read_file(path, "radiotherapy"), path, "radiotherapy")
  local function bad(message)
    source.broken("parse", path, 1, message, "docs/radiotherapy.md has the file's form")
  end
  local object, problem = core.json_decode(text)
  if type(object) ~= "table" then bad("this is no JSON object: " .. tostring(problem)) end
  for _, name in ipairs { "structures", "dose" } do
    if not is_full(object[name]) then bad(("there is no list %q"):format(name)) end
  end
  local made, voxels = { name = object.name or path, structures = {},
    prescription = object.prescription or PRESCRIPTION }, {}
  if type(made.name) ~= "string" then bad "\"name\" is no text" end
  if type(made.prescription) ~= "number" or made.prescription <= 0 then
    bad "\"prescription\" is no number of Gy"
  end
  for _, one in ipairs(object.structures) do take_structure(made, one, voxels, bad) end
  check_structures(made, bad)
  local columns = take_dose(object.dose, voxels, bad)
  assemble(made, in_order(voxels, bad), columns)
  return with_goals(made, lines_of(object.protocols, bad))
end

return case
