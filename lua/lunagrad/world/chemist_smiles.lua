--- Reads and writes SMILES, as far as the chemist of sim needs it: one molecule of organic elements.
--
-- A molecule is a list of atoms and a list of bonds. Aromatic atoms stay aromatic (nothing is made
-- single and double), hydrogens are counted, not kept, and what lies left or right (@, / and \) is
-- read and forgotten. What is no molecule is refused in words. Not a chemistry library: what the
-- numbers of a run are made of, RDKit and Vina say.

local smiles = {}

---@class sim.atom
---@field element string "C", "Cl", …; always capital
---@field aromatic boolean
---@field charge integer
---@field fixed integer? hydrogens that brackets say; nil: as many as the valence leaves

---@class sim.bond
---@field a integer
---@field b integer
---@field order number 1, 2, 3; 1.5: aromatic

---@class sim.molecule
---@field atoms sim.atom[]
---@field bonds sim.bond[]

local VALENCE = { B = { 3 }, C = { 4 }, N = { 3, 5 }, O = { 2 }, P = { 3, 5 }, S = { 2, 4, 6 },
  F = { 1 }, Cl = { 1 }, Br = { 1 }, I = { 1 }, H = { 1 }, Si = { 4 } }
local AROMATIC = { b = "B", c = "C", n = "N", o = "O", p = "P", s = "S" }
local ORDER = { ["-"] = 1, ["="] = 2, ["#"] = 3, [":"] = 1.5, ["/"] = 1, ["\\"] = 1 }
local LONGEST, MOST_ATOMS = 400, 120

--- The atoms beside each atom: { atom, bond }.
---@param mol sim.molecule
---@return { [1]: integer, [2]: sim.bond }[][]
function smiles.neighbours(mol)
  local list = {}
  for i = 1, #mol.atoms do list[i] = {} end
  for _, bond in ipairs(mol.bonds) do
    table.insert(list[bond.a], { bond.b, bond })
    table.insert(list[bond.b], { bond.a, bond })
  end
  return list
end

-- ---- valence -------------------------------------------------------------------

-- How much of an atom its bonds use; those of an aromatic ring count one each, and the ring's own
-- electrons one more (but where a hydrogen, a third bond or a double one out of the ring brings
-- them: pyrrole, furan, pyridone).
local function used(atom, beside)
  local sum, in_ring, double = 0, 0, false
  for _, one in ipairs(beside) do
    local order = one[2].order
    in_ring, double = in_ring + (order == 1.5 and 1 or 0), double or order == 2
    sum = sum + (order == 1.5 and 1 or order)
  end
  if not atom.aromatic or in_ring == 0 then return sum end
  local lends = double or atom.element == "O" or atom.element == "S"
    or atom.element == "N" and atom.charge == 0 and (#beside == 3 or (atom.fixed or 0) > 0)
  return sum + (lends and 0 or 1)
end

-- What a charge does to a valence: N+ has four bonds, O- one, C- and C+ three.
local function allowed(atom)
  local list = {}
  for i, v in ipairs(VALENCE[atom.element]) do
    local shift = atom.charge
    if atom.element == "C" or atom.element == "Si" or atom.element == "B" and shift > 0 then
      shift = -math.abs(shift)
    end
    list[i] = v + shift
  end
  return list
end

--- How many hydrogens an atom has.
---@param mol sim.molecule
---@param i integer
---@param beside table its neighbours
---@return integer
function smiles.hydrogens(mol, i, beside)
  local atom = mol.atoms[i]
  if atom.fixed then return atom.fixed end
  local have = used(atom, beside)
  for _, v in ipairs(allowed(atom)) do
    if v >= have then return math.floor(v - have) end
  end
  return 0
end

--- What is wrong with a molecule's valences, or nil.
---@param mol sim.molecule
---@return string?
function smiles.trouble(mol)
  local beside = smiles.neighbours(mol)
  for i, atom in ipairs(mol.atoms) do
    local have, list = used(atom, beside[i]) + (atom.fixed or 0), allowed(atom)
    if have > list[#list] then
      return ("%s (atom %d) has %d bonds, and can have %d"):format(atom.element, i, have,
        list[#list])
    end
  end
  return nil
end

-- ---- rings ---------------------------------------------------------------------

-- Whether b is reached from a without this bond.
local function is_bridge(beside, bond)
  local seen, open = { [bond.a] = true }, { bond.a }
  while #open > 0 do
    local at = table.remove(open)
    for _, one in ipairs(beside[at]) do
      if one[2] ~= bond and not seen[one[1]] then
        if one[1] == bond.b then return false end
        seen[one[1]] = true
        open[#open + 1] = one[1]
      end
    end
  end
  return true
end

--- The bonds that lie in rings, and the atoms at them.
---@param mol sim.molecule
---@param beside? table
---@return table<sim.bond, boolean> bonds
---@return table<integer, boolean> atoms
function smiles.rings(mol, beside)
  beside = beside or smiles.neighbours(mol)
  local bonds, atoms = {}, {}
  for _, bond in ipairs(mol.bonds) do
    if not is_bridge(beside, bond) then
      bonds[bond], atoms[bond.a], atoms[bond.b] = true, true, true
    end
  end
  return bonds, atoms
end

-- ---- reading -------------------------------------------------------------------

local function bracket(text)
  local symbol, rest = text:match "^%d*([A-Z][a-z]?)(.*)$"
  if symbol and not VALENCE[symbol] then symbol, rest = text:match "^%d*([A-Z])(.*)$" end
  local small = not symbol and text:match "^%d*([bcnops])"
  if small then symbol, rest = AROMATIC[small], text:match "^%d*[a-z](.*)$" end
  if not symbol or not VALENCE[symbol] then return nil end
  rest = rest:gsub("^@+", "")
  local h, count, after = rest:match "^(H?)(%d*)(.*)$"
  local sign, size = after:match "^([+-])(%d*)"
  local charge = sign and (tonumber(size) or #after:match "^[+-]+") or 0
  return { element = symbol, aromatic = small and true or false,
    charge = math.tointeger(sign == "-" and -charge or charge),
    fixed = h == "" and 0 or math.tointeger(tonumber(count) or 1) }
end

-- The atom that begins at `at`, and where it ends.
local function atom_at(text, at)
  local inside = text:match("^%[([^%[%]]+)%]", at)
  if inside then
    local atom = bracket(inside)
    return atom, at + #inside + 2, not atom and ("[%s] is no atom I know"):format(inside)
  end
  local two = text:match("^[CB][lr]", at)
  if two and VALENCE[two] then return { element = two, aromatic = false, charge = 0 }, at + 2 end
  local one = text:sub(at, at)
  if AROMATIC[one] then
    return { element = AROMATIC[one], aromatic = true, charge = 0 }, at + 1
  elseif one ~= "H" and VALENCE[one] then
    return { element = one, aromatic = false, charge = 0 }, at + 1
  end
  return nil, at, ("%q at character %d is no atom"):format(one, at)
end

local function is_bonded(mol, a, b)
  for _, bond in ipairs(mol.bonds) do
    if bond.a == a and bond.b == b or bond.a == b and bond.b == a then return true end
  end
  return false
end

local function join(mol, a, b, sign)
  if a == b or is_bonded(mol, a, b) then return "two atoms are bonded twice" end
  local both = mol.atoms[a].aromatic and mol.atoms[b].aromatic
  table.insert(mol.bonds, { a = a, b = b, order = ORDER[sign] or both and 1.5 or 1 })
  return nil
end

-- Opens or closes the ring of this number; what is wrong, or nil.
local function ring(mol, open, number, last, sign)
  local from = open[number]
  if not from then
    open[number] = { atom = last, sign = sign }
    return nil
  end
  open[number] = nil
  return join(mol, from.atom, last, sign or from.sign)
end

-- Between two aromatic atoms of different rings (biphenyl) the bond is a single one. What brackets
-- say of the hydrogens is kept where it cannot be counted; radicals are forgotten.
local function settle(mol)
  local in_ring = smiles.rings(mol)
  for _, bond in ipairs(mol.bonds) do
    if bond.order == 1.5 and not in_ring[bond] then bond.order = 1 end
  end
  for i, atom in ipairs(mol.atoms) do
    local pyrrole = atom.aromatic and atom.element ~= "C" and (atom.fixed or 0) > 0
    if atom.charge == 0 and not pyrrole then atom.fixed = nil end
    local found = not atom.aromatic
    for _, bond in ipairs(mol.bonds) do
      found = found or bond.order == 1.5 and (bond.a == i or bond.b == i)
    end
    if not found then return ("aromatic %s outside of a ring"):format(atom.element:lower()) end
  end
  return nil
end

--- Reads one SMILES: a molecule, or nil and what is wrong with it.
---@param text string
---@return sim.molecule?
---@return string? problem
function smiles.read(text)
  if text == "" or #text > LONGEST then return nil, "a SMILES has 1 to 400 characters" end
  local mol, at, last, sign = { atoms = {}, bonds = {} }, 1, nil, nil
  local branches, open = {}, {}
  while at <= #text do
    local c = text:sub(at, at)
    local number = text:match("^%%(%d%d)", at) or c:match "^%d$"
    local problem
    if ORDER[c] then
      sign, at = c, at + 1
    elseif number and last then
      problem, sign = ring(mol, open, number, last, sign), nil
      at = at + (c == "%" and 3 or 1)
    elseif c == "(" and last then
      branches[#branches + 1], at = last, at + 1
    elseif c == ")" and #branches > 0 then
      last, at = table.remove(branches), at + 1
    elseif c == "." then
      problem = "there are several molecules"
    else
      local atom
      atom, at, problem = atom_at(text, at)
      if atom then
        mol.atoms[#mol.atoms + 1] = atom
        problem = last and join(mol, last, #mol.atoms, sign)
        last, sign = #mol.atoms, nil
      end
    end
    if problem then return nil, problem end
    if #mol.atoms > MOST_ATOMS then return nil, "that is too large a molecule" end
  end
  if next(open) then return nil, "a ring is not closed" end
  if #branches > 0 then return nil, "a bracket is not closed" end
  if sign or #mol.atoms == 0 then return nil, "it ends in a bond" end
  local problem = settle(mol) or smiles.trouble(mol)
  if problem then return nil, problem end
  return mol
end

-- ---- writing -------------------------------------------------------------------

local PLAIN = { B = true, C = true, N = true, O = true, P = true, S = true, F = true, Cl = true,
  Br = true, I = true }

local function atom_text(atom)
  local symbol = atom.aromatic and atom.element:lower() or atom.element
  local h = atom.fixed or 0
  if atom.charge == 0 and h == 0 and PLAIN[atom.element] then return symbol end
  local charge = atom.charge == 0 and "" or (atom.charge > 0 and "+" or "-")
    .. (math.abs(atom.charge) > 1 and math.abs(atom.charge) or "")
  return ("[%s%s%s]"):format(symbol, h == 0 and "" or h == 1 and "H" or "H" .. h, charge)
end

local function bond_text(mol, bond)
  if bond.order == 2 then return "=" elseif bond.order == 3 then return "#" end
  local both = mol.atoms[bond.a].aromatic and mol.atoms[bond.b].aromatic
  return bond.order == 1 and both and "-" or ""
end

-- A spanning tree from the first atom: for each atom what hangs on it, in order, and the bonds that
-- close rings, with their numbers.
local function tree_of(beside)
  local order, seen, kids, closing, in_tree = {}, {}, {}, {}, {}
  local stack = { { 1 } }
  while #stack > 0 do
    local at, bond, parent = table.unpack(table.remove(stack))
    if not seen[at] then
      seen[at], kids[at], closing[at] = true, {}, {}
      order[#order + 1] = at
      if parent then
        table.insert(kids[parent], { at, bond })
        in_tree[bond] = true
      end
      for k = #beside[at], 1, -1 do
        local one = beside[at][k]
        if not seen[one[1]] then stack[#stack + 1] = { one[1], one[2], at } end
      end
    end
  end
  return order, kids, closing, in_tree
end

local function digits(n) return n < 10 and tostring(n) or ("%%%02d"):format(n) end

--- Writes a molecule as SMILES, from its first atom on.
---@param mol sim.molecule
---@return string
function smiles.write(mol)
  local order, kids, closing, in_tree = tree_of(smiles.neighbours(mol))
  local n = 0
  for _, bond in ipairs(mol.bonds) do
    if not in_tree[bond] then
      n = n + 1
      table.insert(closing[bond.a], bond_text(mol, bond) .. digits(n))
      table.insert(closing[bond.b], digits(n))
    end
  end
  local written = {} -- from the leaves on
  for i = #order, 1, -1 do
    local at = order[i]
    local parts = { atom_text(mol.atoms[at]), table.concat(closing[at]) }
    for k, kid in ipairs(kids[at]) do
      local text = bond_text(mol, kid[2]) .. written[kid[1]]
      parts[#parts + 1] = k < #kids[at] and "(" .. text .. ")" or text
    end
    written[at] = table.concat(parts)
  end
  return written[1] or ""
end

-- ---- the same molecule ---------------------------------------------------------------

local PRIME = 0x100000001b3

local function mixed(a, b)
  local h = (a ~ b) * PRIME
  return h ~ (h >> 29)
end

--- A number that two writings of one molecule have in common: what each atom is and what lies
--- around it, in wider and wider circles. Two molecules seldom share it.
---@param mol sim.molecule
---@return integer
function smiles.key(mol)
  local beside, marks = smiles.neighbours(mol), {}
  for i, atom in ipairs(mol.atoms) do
    local mark = mixed(#atom.element * 256 + atom.element:byte(-1), atom.element:byte())
    marks[i] = mixed(mark, atom.charge * 4 + (atom.aromatic and 1 or 0))
  end
  for _ = 1, 10 do
    local wider = {}
    for i, mark in ipairs(marks) do
      local sum = 0
      for _, one in ipairs(beside[i]) do
        sum = sum + mixed(marks[one[1]], math.floor(one[2].order * 2))
      end
      wider[i] = mixed(mark, sum)
    end
    marks = wider
  end
  local sum = 0
  for _, mark in ipairs(marks) do sum = sum + mixed(mark, PRIME) end
  return sum
end

--- A copy that can be changed.
---@param mol sim.molecule
---@return sim.molecule
function smiles.copy(mol)
  local new = { atoms = {}, bonds = {} }
  for i, atom in ipairs(mol.atoms) do
    new.atoms[i] = { element = atom.element, aromatic = atom.aromatic, charge = atom.charge,
      fixed = atom.fixed }
  end
  for i, bond in ipairs(mol.bonds) do
    new.bonds[i] = { a = bond.a, b = bond.b, order = bond.order }
  end
  return new
end

return smiles
