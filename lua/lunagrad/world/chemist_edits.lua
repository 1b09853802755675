--- Edits of a molecule: a group added, replaced or taken off, an atom or a linker exchanged, a ring
-- closed or fused.
--
-- Each keeps the valences. What is drawn (which edit, where, which group) comes from `draw(name, n)`,
-- a whole number from 1 to n, so that a hash of a text and a seeded generator serve alike. Nothing
-- here knows a score or reads feedback.

local smiles = require "lunagrad.world.chemist_smiles"

local edits = {}

--- Groups, bound by their first atom.
local GROUPS = { "C", "CC", "C(C)C", "C1CC1", "O", "OC", "N", "NC", "N(C)C", "F", "Cl", "C#N",
  "C(F)(F)F", "C(N)=O", "NC(C)=O", "C(=O)O", "S(N)(=O)=O", "S(C)(=O)=O", "CO", "CN",
  "c1ccccc1", "Cc1ccccc1", "Oc1ccccc1", "c1ccc(F)cc1", "c1ccc(O)cc1", "c1ccc(Cl)cc1", "c1ccncc1",
  "c1cccnc1", "c1cnccn1", "c1ccsc1", "c1ccoc1", "c1cn[nH]c1", "c1c[nH]cn1", "c1ccc2[nH]ccc2c1",
  "c1ccc2ccccc2c1", "C1CCCCC1", "C1CCNCC1", "N1CCOCC1", "N1CCNCC1", "N1CCCC1", "N1CCCCC1",
  "C(=O)Nc1ccccc1", "NC(=O)c1ccccc1", "C(=O)N1CCCC1", "NS(=O)(=O)c1ccccc1", "C(=O)NC1CC1" }
--- What is put between two atoms: the first atom takes one of them, the last the other.
local LINKERS = { "C", "O", "N", "C(=O)N", "NC(=O)", "CO", "CN", "CC", "S(=O)(=O)N", "NS(=O)(=O)" }
local LAST = { ["C(=O)N"] = 3, ["NC(=O)"] = 2, ["CO"] = 2, ["CN"] = 2, ["CC"] = 2,
  ["S(=O)(=O)N"] = 4, ["NS(=O)(=O)"] = 2 }
--- What two neighbours of an aromatic ring are bridged with.
local FUSED = { "cccc", "cccn", "CCC", "OCO", "CCCC", "ccn" }

-- ---- changing the graph ----------------------------------------------------------

-- Without some atoms; the rest keep their order. An aromatic nitrogen that loses its third bond gets
-- a hydrogen for it.
local function without(mol, gone)
  for _, bond in ipairs(mol.bonds) do
    for _, way in ipairs { { bond.a, bond.b }, { bond.b, bond.a } } do
      local atom = mol.atoms[way[1]]
      if gone[way[2]] and not gone[way[1]] and atom.aromatic and atom.element == "N"
        and atom.charge == 0 then
        atom.fixed = 1
      end
    end
  end
  local new, place = { atoms = {}, bonds = {} }, {}
  for i, atom in ipairs(mol.atoms) do
    if not gone[i] then
      new.atoms[#new.atoms + 1] = atom
      place[i] = #new.atoms
    end
  end
  for _, bond in ipairs(mol.bonds) do
    if place[bond.a] and place[bond.b] then
      new.bonds[#new.bonds + 1] = { a = place[bond.a], b = place[bond.b], order = bond.order }
    end
  end
  return new, place
end

-- Puts the atoms and bonds of another molecule into this one; where they begin.
local function take_in(mol, text)
  local part, from = smiles.read(text), #mol.atoms
  for _, atom in ipairs(part.atoms) do mol.atoms[#mol.atoms + 1] = atom end
  for _, bond in ipairs(part.bonds) do
    table.insert(mol.bonds, { a = bond.a + from, b = bond.b + from, order = bond.order })
  end
  return from + 1
end

local function bind(mol, a, b, order)
  table.insert(mol.bonds, { a = a, b = b, order = order or 1 })
  for _, i in ipairs { a, b } do
    local atom = mol.atoms[i]
    if atom.fixed and atom.fixed > 0 then
      atom.fixed = atom.fixed > 1 and atom.fixed - 1 or atom.charge ~= 0 and 0 or nil
    end
  end
end

local function free_atoms(mol)
  local list, beside = {}, smiles.neighbours(mol)
  for i, atom in ipairs(mol.atoms) do
    local good = atom.element == "C" or atom.element == "N" or atom.element == "O"
    if good and atom.charge == 0 and smiles.hydrogens(mol, i, beside[i]) > 0 then
      list[#list + 1] = i
    end
  end
  return list, beside
end

local function is_hetero(atom) return atom.element ~= "C" end

-- The atoms on b's side of a bond that lies in no ring.
local function side(beside, bond, b)
  local a = bond.a == b and bond.b or bond.a
  local seen, open, n = { [a] = true, [b] = true }, { b }, 1
  while #open > 0 do
    for _, one in ipairs(beside[table.remove(open)]) do
      if not seen[one[1]] then
        seen[one[1]], open[#open + 1], n = true, one[1], n + 1
      end
    end
  end
  seen[a] = nil
  return seen, n
end

-- The single bonds outside of rings, as { bond, kept atom, the side that goes, its size }: sides of
-- at most half of the molecule and twelve atoms.
local function cuts(mol)
  local beside, list = smiles.neighbours(mol), {}
  local in_ring = smiles.rings(mol, beside)
  for _, bond in ipairs(mol.bonds) do
    if bond.order == 1 and not in_ring[bond] then
      for _, b in ipairs { bond.a, bond.b } do
        local gone, n = side(beside, bond, b)
        if n <= math.min(12, #mol.atoms // 2) then
          list[#list + 1] = { bond = bond, keep = bond.a == b and bond.b or bond.a, gone = gone,
            size = n }
        end
      end
    end
  end
  return list
end

-- ---- the edits -------------------------------------------------------------------

local ways = {}

function ways.add(mol, draw)
  local sites = free_atoms(mol)
  if #sites == 0 then return nil end
  local at, group = sites[draw("site", #sites)], GROUPS[draw("group", #GROUPS)]
  local first = take_in(mol, group)
  local one, other = mol.atoms[at], mol.atoms[first]
  if is_hetero(one) and is_hetero(other) and other.element ~= "S" then return nil end
  bind(mol, at, first)
  return mol, "add " .. group
end

function ways.remove(mol, draw)
  local list = cuts(mol)
  if #list == 0 then return nil end
  local cut = list[draw("cut", #list)]
  return without(mol, cut.gone), "take off " .. cut.size .. " atoms"
end

function ways.replace(mol, draw)
  local list = cuts(mol)
  if #list == 0 then return nil end
  local cut = list[draw("cut", #list)]
  local new, place = without(mol, cut.gone)
  local at, group = place[cut.keep], GROUPS[draw("group", #GROUPS)]
  local first = take_in(new, group)
  if is_hetero(new.atoms[at]) and is_hetero(new.atoms[first]) then return nil end
  bind(new, at, first)
  return new, ("replace %d atoms by %s"):format(cut.size, group)
end

-- A carbon with enough hydrogens, by O, N or S; one of an aromatic ring by N; N and O by each other.
function ways.swap(mol, draw)
  local at = draw("atom", #mol.atoms)
  local atom, beside = mol.atoms[at], smiles.neighbours(mol)
  for _, one in ipairs(beside[at]) do
    if is_hetero(mol.atoms[one[1]]) and is_hetero(atom) == false then return nil end
  end
  local h = smiles.hydrogens(mol, at, beside[at])
  if atom.charge ~= 0 or atom.fixed then return nil end
  if atom.aromatic then
    if atom.element == "C" and h == 1 then
      atom.element = "N"
    elseif atom.element == "N" and #beside[at] == 2 then
      atom.element = "C"
    else
      return nil
    end
  else
    local choice = { C = { "N", "O", "S" }, N = { "C", "O" }, O = { "C", "N" }, S = { "C", "O" } }
    local list = choice[atom.element]
    if not list then return nil end
    atom.element = list[draw("element", #list)]
  end
  return mol, "exchange an atom for " .. atom.element
end

function ways.link(mol, draw)
  local beside = smiles.neighbours(mol)
  local in_ring, list = smiles.rings(mol, beside), {}
  for _, bond in ipairs(mol.bonds) do
    if bond.order == 1 and not in_ring[bond] and #beside[bond.a] > 1 and #beside[bond.b] > 1 then
      list[#list + 1] = bond
    end
  end
  if #list == 0 then return nil end
  local bond, linker = list[draw("bond", #list)], LINKERS[draw("linker", #LINKERS)]
  local first = take_in(mol, linker)
  local last = first + (LAST[linker] or 1) - 1
  for _, pair in ipairs { { bond.a, first }, { bond.b, last } } do
    if is_hetero(mol.atoms[pair[1]]) and is_hetero(mol.atoms[pair[2]]) then return nil end
  end
  local far = bond.b
  bond.b = first
  bind(mol, last, far)
  return mol, "put " .. linker .. " between"
end

-- From each atom of a chain the atoms that are `steps` bonds away, over atoms in no ring.
local function far_atoms(beside, from, steps, ringed)
  local seen, edge = { [from] = true }, { from }
  for _ = 1, steps do
    local nxt = {}
    for _, at in ipairs(edge) do
      for _, one in ipairs(beside[at]) do
        if not seen[one[1]] and not ringed[one[1]] and one[2].order == 1 then
          seen[one[1]], nxt[#nxt + 1] = true, one[1]
        end
      end
    end
    edge = nxt
  end
  return edge
end

function ways.close(mol, draw)
  local sites, beside = free_atoms(mol)
  local _, ringed = smiles.rings(mol, beside)
  local free, pairs_of = {}, {}
  for _, i in ipairs(sites) do free[i] = mol.atoms[i].element == "C" end
  for _, i in ipairs(sites) do
    for steps = 4, 5 do
      for _, k in ipairs(free[i] and not ringed[i] and far_atoms(beside, i, steps, ringed) or {}) do
        if k > i and free[k] then pairs_of[#pairs_of + 1] = { i, k } end
      end
    end
  end
  if #pairs_of == 0 then return nil end
  local pair = pairs_of[draw("ends", #pairs_of)]
  bind(mol, pair[1], pair[2])
  return mol, "close a ring"
end

function ways.fuse(mol, draw)
  local beside, list = smiles.neighbours(mol), {}
  for _, bond in ipairs(mol.bonds) do
    local a, b = bond.a, bond.b
    if bond.order == 1.5 and mol.atoms[a].element == "C" and mol.atoms[b].element == "C"
      and smiles.hydrogens(mol, a, beside[a]) == 1 and smiles.hydrogens(mol, b, beside[b]) == 1 then
      list[#list + 1] = bond
    end
  end
  if #list == 0 then return nil end
  local bond, chain = list[draw("edge", #list)], FUSED[draw("chain", #FUSED)]
  local aromatic = chain:find "^%l" ~= nil
  local before = bond.a
  for c in chain:gmatch "%a" do
    mol.atoms[#mol.atoms + 1] = { element = c:upper(), aromatic = aromatic, charge = 0 }
    table.insert(mol.bonds, { a = before, b = #mol.atoms, order = aromatic and 1.5 or 1 })
    before = #mol.atoms
  end
  table.insert(mol.bonds, { a = before, b = bond.b, order = aromatic and 1.5 or 1 })
  if chain == "ccn" then mol.atoms[#mol.atoms].fixed = 1 end
  return mol, "fuse " .. chain
end

-- How often each is tried.
local MIX = { "add", "add", "add", "add", "replace", "replace", "remove", "swap", "swap", "link",
  "close", "fuse" }
local TRIES = 12

--- One edit at random.
---@param mol sim.molecule
---@param draw fun(name: string, n: integer): integer
---@return sim.molecule? molecule nil when none of a dozen draws could be done
---@return string? what in words
function edits.draw(mol, draw)
  for try = 1, TRIES do
    local function draw_here(name, n) return draw(try .. name, n) end
    local way = MIX[draw_here("way", #MIX)]
    local new, what = ways[way](smiles.copy(mol), draw_here)
    if new and #new.atoms >= 3 and not smiles.trouble(new) then return new, what end
  end
  return nil
end

--- A SMILES with one edit at random; nil when it cannot be read or changed.
---@param text string
---@param draw fun(name: string, n: integer): integer
---@return string? smiles
---@return string? what
function edits.random(text, draw)
  local mol, problem = smiles.read(text)
  if not mol then return nil, problem end
  local new, what = edits.draw(mol, draw)
  return new and smiles.write(new), what
end

return edits
