--- A made receptor: a hollow of atoms in the form of DOCKSTRING's, for trying programs that dock.
--
-- Nothing in nature looks like it; what binds to it says nothing about any protein. Docks nothing.

local rng = require "lunagrad.rng"

local pocket = {}

local ATOM = "ATOM  %5d  %-3s POC A%4d    %8.3f%8.3f%8.3f  1.00  0.00    %6.3f %-2s"
local INNER, OUTER = 7.4, 9.9 -- radii of the two walls
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

--- A hollow of atoms with a mouth, as lg.task.dockstring has receptors, but pdbqt is the text itself:
--- carbons, with groups that give and take hydrogen bonds in places that the seed draws, and bumps.
---@param seed? integer|string
---@return { id: string, pdbqt: string, center: number[], size: number[], made: boolean }
function pocket.make(seed)
  local r, lines, n = rng.new(seed or 0), {}, 0
  local function put(d, radius, name, charge, kind)
    n = n + 1
    lines[n] = ATOM:format(n, name, n, d[1] * radius, d[2] * radius, d[3] * radius, charge, kind)
  end
  local shape = { r:float() - 0.5, r:float() - 0.5, r:float() - 0.5 }
  for _, d in ipairs(directions(120)) do
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
  for _, d in ipairs(directions(140)) do put(d, OUTER, "C", 0, "C") end
  return { id = "pocket-" .. tostring(seed or 0), made = true,
    pdbqt = table.concat(lines, "\n") .. "\n", center = { 0, 0, 0 }, size = { 20, 20, 20 } }
end

return pocket
