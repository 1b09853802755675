--- What a chemist sees in a structure at a glance: size, greasiness, hydrogen-bond donors and
-- acceptors, flexibility, rings, groups that nobody wants.
--
-- Rough counts by rules of thumb. They are no scores of anything: docking and drug-likeness are
-- measured elsewhere, and nothing here knows them.

local smiles = require "lunagrad.world.chemist_smiles"

local features = {}

local WEIGHT = { H = 1.008, B = 10.81, C = 12.011, N = 14.007, O = 15.999, F = 18.998,
  Si = 28.086, P = 30.974, S = 32.06, Cl = 35.45, Br = 79.904, I = 126.904 }

---@class sim.features
---@field atoms integer heavy ones
---@field weight number
---@field grease number about log P
---@field donors integer
---@field acceptors integer
---@field flexible integer bonds that turn
---@field rings integer
---@field aromatic integer aromatic rings
---@field alerts integer groups that nobody wants

local function has_double_o(mol, beside, i)
  for _, one in ipairs(beside[i]) do
    if one[2].order == 2 and mol.atoms[one[1]].element == "O" then return true end
  end
  return false
end

-- Whether a nitrogen's pair of electrons is spent on a carbonyl or a sulfonyl beside it.
local function is_amide_n(mol, beside, i)
  if mol.atoms[i].element ~= "N" then return false end
  for _, one in ipairs(beside[i]) do
    if has_double_o(mol, beside, one[1]) then return true end
  end
  return false
end

-- What an atom adds to log P.
local function grease_of(mol, beside, i, h)
  local atom = mol.atoms[i]
  local e = atom.element
  if atom.charge ~= 0 then return -1.5 end
  if e == "C" then
    if has_double_o(mol, beside, i) then return -0.2 end
    return atom.aromatic and 0.32 or 0.36
  elseif e == "N" then
    if atom.aromatic then return h > 0 and -0.2 or -0.45 end
    return is_amide_n(mol, beside, i) and -0.75 or h == 0 and -0.35 or -0.85
  elseif e == "O" then
    return h > 0 and -0.75 or atom.aromatic and 0 or -0.35
  end
  return ({ F = 0.25, Cl = 0.7, Br = 0.9, I = 1.1, S = atom.aromatic and 0.6 or 0.2 })[e] or 0
end

-- Single bonds between different hetero atoms, alkyl halides, long chains and their like.
local function count_alerts(mol, beside, in_ring)
  local n = 0
  for _, bond in ipairs(mol.bonds) do
    local a, b = mol.atoms[bond.a], mol.atoms[bond.b]
    local hetero = a.element ~= "C" and b.element ~= "C"
    local sulfur = a.element == "S" or b.element == "S" or a.element == "P" or b.element == "P"
    if bond.order == 1 and hetero and not (sulfur and a.element ~= b.element) then
      n = n + 1
    elseif bond.order > 1 and bond.order ~= 1.5 and not in_ring[bond] and not hetero
      and a.element == b.element then
      n = n + 1 -- alkenes and alkynes
    end
    for _, way in ipairs { { a, b, bond.b }, { b, a, bond.a } } do
      if (way[1].element == "Cl" or way[1].element == "Br" or way[1].element == "I")
        and not way[2].aromatic then
        n = n + 1
      elseif way[1].element == "O" and bond.order == 2 and way[2].element == "C"
        and smiles.hydrogens(mol, way[3], beside[way[3]]) > 0 then
        n = n + 1 -- an aldehyde
      end
    end
  end
  return n
end

local function is_end(mol, beside, i) return #beside[i] == 1 or mol.atoms[i].element == "H" end

local function count_flexible(mol, beside, in_ring)
  local n = 0
  for _, bond in ipairs(mol.bonds) do
    local a, b = bond.a, bond.b
    if bond.order == 1 and not in_ring[bond] and not is_end(mol, beside, a)
      and not is_end(mol, beside, b) then
      local stiff = is_amide_n(mol, beside, a) and has_double_o(mol, beside, b)
        or is_amide_n(mol, beside, b) and has_double_o(mol, beside, a)
      n = n + (stiff and 0 or 1)
    end
  end
  return n
end

-- Rings of the graph of aromatic bonds alone.
local function count_aromatic(mol)
  local group, bonds = {}, 0
  local function root(i)
    while group[i] do i = group[i] end
    return i
  end
  local joined = 0
  for _, bond in ipairs(mol.bonds) do
    if bond.order == 1.5 then
      bonds = bonds + 1
      local a, b = root(bond.a), root(bond.b)
      if a ~= b then group[a], joined = b, joined + 1 end
    end
  end
  return bonds - joined
end

--- Looks at a molecule.
---@param mol sim.molecule
---@return sim.features
function features.of(mol)
  local beside = smiles.neighbours(mol)
  local in_ring = smiles.rings(mol, beside)
  local f = { atoms = #mol.atoms, weight = 0.0, grease = 0.0, donors = 0, acceptors = 0,
    rings = #mol.bonds - #mol.atoms + 1, aromatic = count_aromatic(mol),
    flexible = count_flexible(mol, beside, in_ring), alerts = count_alerts(mol, beside, in_ring) }
  for i, atom in ipairs(mol.atoms) do
    local h = smiles.hydrogens(mol, i, beside[i])
    f.weight = f.weight + WEIGHT[atom.element] + h * WEIGHT.H
    f.grease = f.grease + grease_of(mol, beside, i, h)
    if (atom.element == "N" or atom.element == "O") and h > 0 then f.donors = f.donors + 1 end
    if atom.element == "O" or atom.element == "N" and atom.charge <= 0
      and not is_amide_n(mol, beside, i) and not (atom.aromatic and h > 0) then
      f.acceptors = f.acceptors + 1
    end
  end
  return f
end

return features
