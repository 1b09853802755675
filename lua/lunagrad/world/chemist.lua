--- sim/chemist: criticises and edits molecules that are written as SMILES.
--
-- As a critic it looks at the structure and at the two numbers that it is shown (docking, drug-likeness)
-- and says what they suggest; as an editor it draws edits (chemist_edits.lua), and takes the one that
-- answers the feedback best, from the best molecule that the request shows. What docks well or is
-- drug-like it does not know: it has rules of thumb and what it reads. Like people it is vague at
-- times, drops a wish, or writes a SMILES with a slip. A pure function of the request; what is no
-- question about a molecule is left to the rules of sim.

local edits = require "lunagrad.world.chemist_edits"
local editor = require "lunagrad.world.editor"
local features = require "lunagrad.world.chemist_features"
local hash = require "lunagrad.world.hash"
local smiles = require "lunagrad.world.chemist_smiles"
local words = require "lunagrad.world.chemist_words"

local chemist = {}

-- ---- the material ----------------------------------------------------------------

-- Letters and signs of a SMILES without blanks; "Good" is none.
local function looks_like_smiles(text)
  return #text > 0 and #text <= 400 and not text:find "[^%w@%+%-%[%]%(%)\\/%%=#:%.]"
    and text:find "[CcNnOoSsPFIB]" ~= nil
end

local function is_leaf(view, block)
  for _, other in ipairs(view.blocks) do
    if other ~= block and other.from > block.from and other.to < block.to
      and block.text:find(other.text, 1, true) then
      return false
    end
  end
  return true
end

-- The text between tags that is the molecule in question; else what stands in quotes or backquotes.
local function molecule_of(view)
  for _, kind in ipairs { "variable", "output", "input" } do
    for i = #view.blocks, 1, -1 do
      local block = view.blocks[i]
      if block.meaning == kind and not block.past and looks_like_smiles(block.text) then
        return block.text
      end
    end
  end
  for i = #view.blocks, 1, -1 do
    local block = view.blocks[i]
    if not block.past and (block.name:upper():find "MOLECULE" or block.name:upper():find "SMILES")
      and looks_like_smiles(block.text) then
      return block.text
    end
  end
  for text in view.outside:gmatch "[`\"]([^`\"%s]+)[`\"]" do
    if looks_like_smiles(text) and smiles.read(text) then return text end
  end
  for text in view.outside:gmatch "[Ss][Mm][Ii][Ll][Ee][Ss]%s*:%s*(%S+)" do
    if looks_like_smiles(text) then return text end
  end
  return nil
end

local NOT_NUMBERS = { system = true, objective = true, frame = true, variable = true, role = true }

-- What is said of the present molecule: feedback first, then results of the exchange; never goals.
local function said_of(view, kinds)
  local parts = {}
  for _, block in ipairs(view.blocks) do
    local kind = block.meaning or ""
    if not block.past and is_leaf(view, block) and not NOT_NUMBERS[kind]
      and (not kinds or kinds[kind]) then
      parts[#parts + 1] = block.text
    end
  end
  return table.concat(parts, "\n")
end

local function numbers_of(view)
  local vina, qed = words.numbers(said_of(view))
  if not vina and not qed and #view.blocks == 0 then return words.numbers(view.outside) end
  return vina, qed
end

-- Molecules that the request shows as tried before, each with the numbers that are said of it: those
-- in the text between it and the next one.
local function tried(view)
  local list, text = {}, view.user
  for body, to in text:gmatch "<VERSION[%w_]*>%s*(%S+)%s*</VERSION[%w_]*>()" do
    if looks_like_smiles(body) then
      local stop = text:find("<VERSION", to, true) or text:find("</PAST", to, true) or #text + 1
      local vina, qed = words.numbers(text:sub(to, stop - 1))
      list[#list + 1] = { text = body, vina = vina, qed = qed }
    end
  end
  return list
end

-- The keys of all molecules that the request shows: none of them is proposed again.
local function shown(view, text)
  local known = {}
  for _, block in ipairs(view.blocks) do
    local mol = looks_like_smiles(block.text) and smiles.read(block.text)
    if mol then known[smiles.key(mol)] = true end
  end
  local mol = smiles.read(text)
  if mol then known[smiles.key(mol)] = true end
  return known
end

-- Docking counts as it stands, drug-likeness from 0 to 1: lower is better.
local function rank(vina, qed) return (vina or 0) + 1 - (qed or 0.5) end

-- ---- mending ---------------------------------------------------------------------

-- What is left of a text that is no molecule: without the digits of open rings and with brackets
-- closed, or its longest beginning that is one.
local function mended(text)
  local count = {}
  for digit in text:gmatch "%d" do count[digit] = (count[digit] or 0) + 1 end
  local whole = text:gsub("%d", function(digit) return count[digit] % 2 == 1 and "" or nil end)
  local _, opened = whole:gsub("%(", "")
  local _, closed = whole:gsub("%)", "")
  whole = whole .. (")"):rep(math.max(0, opened - closed))
  if smiles.read(whole) then return whole end
  for to = #text - 1, 1, -1 do
    if smiles.read(text:sub(1, to)) then return text:sub(1, to) end
  end
  return "c1ccccc1"
end

-- ---- choosing an edit ------------------------------------------------------------------

local UNIT = { atoms = 6, grease = 1, donors = 1, acceptors = 1, flexible = 2, rings = 1,
  aromatic = 1, alerts = 1 }
local USUAL = { { "weight", 430, 60 }, { "grease", 4.3, 1 }, { "donors", 3, 1 },
  { "acceptors", 7, 1.5 }, { "flexible", 7, 2 }, { "aromatic", 3, 0.7 }, { "alerts", 0, 0.7 } }

-- What lies beyond the usual, in units of each feature.
local function strange(f)
  local sum = 0
  for _, one in ipairs(USUAL) do
    if f[one[1]] > one[2] then sum = sum + (f[one[1]] - one[2]) / one[3] end
  end
  return sum
end

local function worth(before, after, wishes)
  local sum = -strange(after)
  for name, wish in pairs(wishes) do
    local change = (after[name] - before[name]) / UNIT[name]
    sum = sum + math.abs(wish) * math.max(-1, math.min(1, wish > 0 and change or -change))
  end
  return sum
end

local DRAWN = 28

-- Draws edits of a molecule, one after the other, and gives the one that answers the wishes best.
local function best_edit(mol, wishes, known, seed)
  local before, best, most = features.of(mol), nil, nil
  local steps = (wishes.atoms or 0) > 0 and before.atoms < 16 and 3 or 2
  for n = 1, DRAWN do
    local at = mol
    for step = 1, hash.int(seed, "steps " .. n, steps) do
      local function draw(name, all) return hash.int(seed, n .. "|" .. step .. "|" .. name, all) end
      at = edits.draw(at, draw) or at
    end
    if at ~= mol and not known[smiles.key(at)] then
      local value = worth(before, features.of(at), wishes) + 0.6 * hash.unit(seed, "taste " .. n)
      if not most or value > most then best, most = at, value end
    end
  end
  return best and smiles.write(best)
end

-- The wishes of the feedback; where it has none, what a chemist would wish.
local function wishes_of(view, feedback, mol, vina, qed, options)
  local wishes, said = words.wishes(feedback), false
  for name in pairs(wishes) do
    if hash.unit(options.seed, "drop " .. name) < options.noise then
      wishes[name] = nil
    elseif not UNIT[name] then
      wishes[name] = nil
    end
    said = true
  end
  if said or view.again then return wishes end
  for _, one in ipairs(words.advice(features.of(mol), vina, qed)) do
    wishes[one.name] = one.way * math.min(2, one.press)
  end
  return wishes
end

-- A slip in writing: a ring that does not close, a carbon with five bonds.
local function with_slip(text, seed)
  local at = text:match "()%d"
  if at and hash.unit(seed, "which slip") < 0.6 then
    return text:sub(1, at - 1) .. text:sub(at + 1)
  end
  return (text:gsub("C", "C(C)(C)(C)(C)", 1))
end

-- The molecule to go on from: the best of those shown with their numbers.
local function base_of(view, text, noise, seed)
  local vina, qed = numbers_of(view)
  local known = shown(view, text)
  local base = { text = text, vina = vina, qed = qed, present = true }
  if not smiles.read(text) then base.vina, base.qed, base.broken = nil, nil, true end
  if hash.unit(seed, "go on") < noise then return base, known end
  for _, one in ipairs(tried(view)) do
    if one.vina and smiles.read(one.text)
      and (base.broken or base.vina and rank(one.vina, one.qed) < rank(base.vina, base.qed)) then
      base = one
    end
  end
  return base, known
end

local function improved(view, text, options)
  local seed = hash.text(view.all, options.seed)
  local base, known = base_of(view, text, options.noise, seed)
  local from = smiles.read(base.text) and base.text or mended(base.text)
  local mol = smiles.read(from)
  local feedback = base.present and said_of(view, { feedback = true }) or ""
  local wishes = wishes_of(view, feedback, mol, base.vina, base.qed,
    { seed = seed, noise = options.noise })
  local new = best_edit(mol, wishes, known, seed) or from
  if hash.unit(seed, "slip") < options.noise * 0.5 then new = with_slip(new, seed) end
  return new, seed
end

-- ---- the reply -------------------------------------------------------------------

local function in_form(view, text, new, options)
  local find, put = view.all:match "<(FIND_?%d*)>", view.all:match "<(REPLACE_?%d*)>"
  if find and put then
    return ("<EDIT>\n<%s>%s</%s>\n<%s>%s</%s>\n</EDIT>"):format(find, text, find, put, new, put),
      "stop"
  elseif not view.asked or view.untagged then
    return new, "stop"
  end
  return editor.between(new, "<" .. view.asked .. ">", "</" .. view.asked .. ">", options)
end

local function criticise(view, text, settings, options)
  local mol, problem = smiles.read(text)
  if not mol then
    return ("%q is no valid SMILES: %s.\n- Write it so that rings and brackets close and no atom "
      .. "has too many bonds."):format(text, problem)
  end
  local vina, qed = numbers_of(view)
  return words.criticism(features.of(mol), vina, qed,
    { seed = hash.text(view.all, options.seed), noise = settings.critic_noise })
end

--- Answers a request about a molecule; nil: it is none.
---@param view sim.view
---@param settings { critic_noise: number, editor_noise: number }
---@param options { seed: integer }
---@return string? text
---@return "stop"|"length"|nil
function chemist.reply(view, settings, options)
  if view.task == "merge" or #editor.letters(view) > 1 then return nil end
  local text = molecule_of(view)
  if not text then return nil end
  if view.task == "critique" then return criticise(view, text, settings, options), "stop" end
  for _, message in ipairs(view.messages) do
    view.again = view.again or message.role == "assistant"
  end
  local noise = view.again and 0 or settings.editor_noise
  local new, seed = improved(view, text, { seed = options.seed, noise = noise })
  return in_form(view, text, new, { noise = noise, seed = seed })
end

return chemist
