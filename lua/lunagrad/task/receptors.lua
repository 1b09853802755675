--- Receptors to dock molecules into: DOCKSTRING's, from the folder that people have, and made ones.
--
-- A receptor is a protein as AutoDock Vina reads it (PDBQT) with the box that is searched:
-- NAME_target.pdbqt and NAME_conf.txt. `pocket` makes a hollow of atoms in the same form, for trying
-- programs without a download; what binds to it says nothing about any protein. Docks nothing.

local errors = require "lunagrad.errors"
local rng = require "lunagrad.rng"
local source = require "lunagrad.source"

local receptors = {}

---@class lunagrad.receptor
---@field name string
---@field pdbqt string the protein
---@field box { center_x: number, center_y: number, center_z: number, size_x: number,
--- size_y: number, size_z: number } in ångströms
---@field made boolean no protein, but a hollow of atoms

local KEYS = { "center_x", "center_y", "center_z", "size_x", "size_y", "size_z" }

-- "center_x = 15.171", a line each; other keys are Vina's own and none of the box.
local function read_box(path)
  local text, box = source.clean(source.read_file(path, "lg.task.receptors"), path,
    "lg.task.receptors"), {}
  for key, value in text:gmatch "([%a_]+)%s*=%s*(%S+)" do box[key] = tonumber(value) end
  local found = {}
  for _, key in ipairs(KEYS) do
    local value = box[key]
    if not value or value ~= value or math.abs(value) > 1e4 or key:find "^size" and value <= 0 then
      errors.raise("parse", ("%s: there is no number for %s"):format(path, key),
        "the file says where to search: center_x = 1.5, … size_x = 30, … a line each", 3)
    end
    found[key] = value
  end
  return found
end

local function read_one(folder, name)
  local path = ("%s/%s_target.pdbqt"):format(folder, name)
  local pdbqt = source.read_file(path, "lg.task.receptors")
  if not ("\n" .. pdbqt):find "\n%a*ATOM" then
    errors.raise("parse", path .. ": there are no atoms in it", "it has to be a PDBQT file", 3)
  end
  return { name = name, pdbqt = pdbqt, made = false,
    box = read_box(("%s/%s_conf.txt"):format(folder, name)) }
end

local function names_in(folder)
  local quoted = "'" .. folder:gsub("'", "'\\''") .. "'"
  local pipe, names = assert(io.popen("LC_ALL=C ls -1 -- " .. quoted .. " 2>&1")), {}
  local said
  for line in pipe:lines() do
    names[#names + 1] = line:match "^(.+)_target%.pdbqt$"
    said = line
  end
  if not pipe:close() then
    errors.raise("notfound", ("lg.task.receptors: %s"):format(said or folder), nil, 3)
  end
  if #names == 0 then
    errors.raise("notfound", ("lg.task.receptors: no receptor in %s"):format(folder),
      "one is two files: NAME_target.pdbqt and NAME_conf.txt, as DOCKSTRING has them", 3)
  end
  return names
end

--- The receptors in a folder (NAME_target.pdbqt and NAME_conf.txt, as DOCKSTRING has them), in the
--- order of their names, or those that are named.
---@param folder string
---@param names? string[]
---@return lunagrad.receptor[]
function receptors.read(folder, names)
  local list = {}
  for i, name in ipairs(names or names_in(folder)) do
    if type(name) ~= "string" or name:find "[/%z]" then
      errors.refuse("names", "lg.task.receptors: a name is that of a receptor there", nil, 2)
    end
    list[i] = read_one(folder, name)
  end
  return list
end

-- ---- a made one ------------------------------------------------------------------

local ATOM = "ATOM  %5d  %-3s POC A%4d    %8.3f%8.3f%8.3f  1.00  0.00    %6.3f %-2s"
local INNER, OUTER = 6.8, 8.6 -- radii of the two walls
local GOLDEN = math.pi * (3 - 5 ^ 0.5)

-- Directions spread evenly over a sphere, but for the mouth at its top.
local function directions(n)
  local list = {}
  for i = 1, n do
    local z = 1 - 2 * (i - 0.5) / n
    if z < 0.62 then
      local r, turn = (1 - z * z) ^ 0.5, i * GOLDEN
      list[#list + 1] = { r * math.cos(turn), r * math.sin(turn), z }
    end
  end
  return list
end

--- A hollow of atoms with a mouth, in a receptor's form: carbons, with groups that give and take
--- hydrogen bonds in places that the seed draws, and bumps. Nothing in nature looks like that.
---@param seed? integer|string
---@return lunagrad.receptor
function receptors.pocket(seed)
  local r, lines, n = rng.new(seed or 0), {}, 0
  local function put(d, radius, name, charge, kind)
    n = n + 1
    lines[n] = ATOM:format(n, name, n, d[1] * radius, d[2] * radius, d[3] * radius, charge, kind)
  end
  local shape = { r:float() - 0.5, r:float() - 0.5, r:float() - 0.5 }
  for _, d in ipairs(directions(210)) do
    local bent = INNER * (1 + 0.28 * (shape[1] * d[1] + shape[2] * d[2] + shape[3] * d[1] * d[2]))
    local u = r:float()
    if u < 0.12 then
      put(d, bent, "O", -0.35, "OA")
    elseif u < 0.22 then
      put(d, bent, "N", -0.3, "N")
      put(d, bent - 1.0, "H", 0.3, "HD")
    else
      put(d, bent, "C", 0.05, "C")
    end
  end
  for _, d in ipairs(directions(240)) do put(d, OUTER + 0.8, "C", 0, "C") end
  return { name = "pocket-" .. tostring(seed or 0), made = true,
    pdbqt = table.concat(lines, "\n") .. "\n",
    box = { center_x = 0, center_y = 0, center_z = 0, size_x = 20, size_y = 20, size_z = 20 } }
end

return receptors
