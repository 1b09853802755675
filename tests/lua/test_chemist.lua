-- test_chemist.lua - sim/chemist: SMILES read and written, edits, what it reads and what it says

require "helper"
local lu = require "luaunit"
local edits = require "lunagrad.world.chemist_edits"
local features = require "lunagrad.world.chemist_features"
local rng = require "lunagrad.rng"
local sim = require "lunagrad.world"
local smiles = require "lunagrad.world.chemist_smiles"
local words = require "lunagrad.world.chemist_words"

local DRUGS = { "CC(N)=O", "CCCCC", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O",
  "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
  "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O", "CC(C)(Oc1ccc(CC(=O)NCc2ccc(C(F)(F)F)cc2)cc1)C(=O)O",
  "C[C@@H]1CCN(C(=O)CC#N)C[C@@H]1N(C)c1ncnc2[nH]ccc12", "C[N+](C)(C)CC(=O)[O-]", "O=c1cc[nH]cc1",
  "c1ccc(-c2ccccc2)cc1", "CS(=O)(=O)N1CCC%12(CC1)CCN%12", "Clc1ccccc1Br", "c1ccsc1",
  "O=[N+]([O-])C" }

TestSmiles = {}

function TestSmiles.test_what_is_written_is_the_same_molecule()
  for _, text in ipairs(DRUGS) do
    local mol, problem = smiles.read(text)
    lu.assertNotNil(mol, problem)
    local again = smiles.read(smiles.write(mol))
    lu.assertNotNil(again, text)
    lu.assertEquals(smiles.key(again), smiles.key(mol), text)
    lu.assertEquals(features.of(again), features.of(mol), text)
  end
end

function TestSmiles.test_key_tells_molecules_apart()
  local function key(text) return smiles.key(smiles.read(text)) end
  lu.assertEquals(key "OCC", key "C(O)C")
  lu.assertEquals(key "c1ccccc1C", key "Cc1ccccc1")
  for i, a in ipairs(DRUGS) do
    for k = i + 1, #DRUGS do lu.assertNotEquals(key(a), key(DRUGS[k])) end
  end
  lu.assertNotEquals(key "CCCO", key "CC(C)O")
end

function TestSmiles.test_what_is_no_molecule_is_refused_in_words()
  for _, text in ipairs { "", "C1CC", "C(C", "CC)", "C=", "C(C)(C)(C)(C)C", "Xy", "CC.O", "c", "cC",
    "[Zz]", "C11", "(C)", "1CC", "C$C", ("C"):rep(401), ("C"):rep(121), "F=C=F=C", "[C" } do
    local mol, problem = smiles.read(text)
    lu.assertNil(mol, text)
    lu.assertIsString(problem, text)
  end
end

function TestSmiles.test_features()
  local f = features.of(smiles.read "CC(=O)Nc1ccc(O)cc1") -- paracetamol
  lu.assertEquals({ f.atoms, f.donors, f.rings, f.aromatic, f.alerts }, { 11, 2, 1, 1, 0 })
  lu.assertAlmostEquals(f.weight, 151.16, 0.05)
  lu.assertEquals(features.of(smiles.read "c1ccc2ccccc2c1").aromatic, 2)
  lu.assertEquals(features.of(smiles.read "c1ccccc1CCC").flexible, 2)
  lu.assertTrue(features.of(smiles.read "OO").alerts > 0)
end

TestEdits = {}

function TestEdits.test_edits_keep_valences()
  local r, n = rng.new(5), 0
  local function draw(_, most) return r:int(1, most) end
  for _, start in ipairs(DRUGS) do
    local text = start
    for _ = 1, 12 do
      local new, what = edits.random(text, draw)
      lu.assertNotNil(new, text .. ": " .. tostring(what))
      local mol, problem = smiles.read(new)
      lu.assertNotNil(mol, ("%s, %s: %s: %s"):format(text, what, new, problem))
      text, n = new, n + 1
    end
  end
  lu.assertEquals(n, 12 * #DRUGS)
end

function TestEdits.test_the_same_draws_give_the_same_edits()
  local function run()
    local r = rng.new(9)
    return (edits.random(DRUGS[7], function(_, most) return r:int(1, most) end))
  end
  lu.assertEquals(run(), run())
  lu.assertNil((edits.random("no molecule", function() return 1 end)))
end

TestWords = {}

function TestWords.test_numbers()
  local function numbers(text) return { words.numbers(text) } end
  lu.assertEquals(numbers "Vina: -7.1 kcal/mol\nQED: 0.62", { -7.1, 0.62 })
  lu.assertEquals(numbers "a docking score of \u{2212}8 and a drug-likeness of .5", { -8, 0.5 })
  lu.assertEquals(numbers "nothing", {})
  lu.assertNil(words.numbers "Vina could not dock it")
end

function TestWords.test_wishes()
  for text, wanted in pairs {
    ["Add a hydrogen-bond donor."] = { donors = 1 }, ["It is too lipophilic."] = { grease = -1 },
    ["There are too many aromatic rings (5)."] = { aromatic = -1 },
    ["The molecule is too small; it cannot fill the pocket"] = { atoms = 2 },
    ["Reduce the number of rotatable bonds."] = { flexible = -1 },
    ["Nice weather, is it not?"] = {}, ["Introduce a polar group."] = { grease = -1 },
  } do
    lu.assertEquals(words.wishes(text), wanted, text)
  end
end

-- ---- as a model ------------------------------------------------------------------

TestChemist = {}

local function ask(user, more)
  local request = { model = "sim/chemist,noise=0", temperature = 0, messages = {
    { role = "system", content = more and more.system or "You improve texts." },
    { role = "user", content = user } } }
  if more and more.model then request.model = more.model end
  return sim.reply(request).text
end

local EDIT = [[
Improve a variable with the role "SMILES of a molecule". This is the variable, whole:
<VARIABLE>
%s
</VARIABLE>
<CONTEXT>
<FEEDBACK>
%s
</FEEDBACK>
<CONVERSATION>
<SCORES>
%s
</SCORES>
</CONVERSATION>
</CONTEXT>
%s
Write the improved variable between <NEW_VARIABLE> and </NEW_VARIABLE>, and nothing behind it.]]

local function edited(molecule, feedback, scores, past, model)
  local text = ask(EDIT:format(molecule, feedback, scores or "", past or ""), { model = model })
  return text:match "<NEW_VARIABLE>%s*(.-)%s*</NEW_VARIABLE>"
end

function TestChemist.test_edits_follow_the_feedback()
  local start = "CC(=O)Nc1ccccc1"
  local before = features.of(smiles.read(start))
  for feedback, fits in pairs {
    ["It is too small: make it larger."] = function(f) return f.atoms > before.atoms end,
    ["Add a hydrogen-bond donor."] = function(f) return f.donors > before.donors end,
    ["Add an aromatic ring."] = function(f) return f.aromatic > before.aromatic end,
    ["It is too lipophilic."] = function(f) return f.grease < before.grease end,
    ["It is too large: take off a group."] = function(f) return f.atoms < before.atoms end,
  } do
    local new = edited(start, feedback, "Vina: -5.0\nQED: 0.60")
    local mol = smiles.read(new)
    lu.assertNotNil(mol, new)
    lu.assertTrue(fits(features.of(mol)), feedback .. " " .. new)
  end
end

function TestChemist.test_same_request_same_reply()
  lu.assertEquals(edited("c1ccccc1", "Make it larger."), edited("c1ccccc1", "Make it larger."))
  local other = edited("c1ccccc1", "Make it larger, please.")
  lu.assertNotNil(smiles.read(other))
end

function TestChemist.test_goes_on_from_the_best_that_is_shown()
  local past = [[
<PAST_VERSIONS>
Version 1:
<VERSION>
OC(=O)CCCCCCCCCCCCBr
</VERSION>
What was said about it:
<FEEDBACK>
Vina -9.9 kcal/mol, QED 0.80.
</FEEDBACK>
</PAST_VERSIONS>
]]
  local new = edited("c1ccccc1", "Vina -3.0.", "Vina: -3.0\nQED: 0.40", past)
  lu.assertStrContains(new, "CCCC")
  local worse = past:gsub("%-9.9", "-1.0")
  lu.assertNil(edited("c1ccccc1", "Vina -3.0.", "Vina: -3.0\nQED: 0.40", worse):find "CCCCCCC")
end

function TestChemist.test_a_broken_smiles_is_mended()
  for _, text in ipairs { "c1ccccc", "CC(C", "C(C)(C)(C)(C)C", "c1ccccc1)" } do
    local new = edited(text, "This is no valid SMILES: unclosed ring")
    lu.assertNotNil(smiles.read(new), text .. " → " .. new)
  end
end

function TestChemist.test_makes_slips_when_noise_says_so()
  local slips = 0
  for i = 1, 60 do
    local new = edited("CC(=O)Nc1ccccc1", "Make it larger, try " .. i, nil, nil,
      "sim/chemist,noise=1")
    if new and not smiles.read(new) then slips = slips + 1 end
  end
  lu.assertTrue(slips > 10 and slips < 55, slips)
end

function TestChemist.test_criticises_structure_and_numbers()
  local function critique(molecule)
    return ask(("<PROTEIN>\nF2\n</PROTEIN>\n<SCORES>\nVina: -4.2 kcal/mol\nQED: 0.44\n</SCORES>\n"
      .. "<ANSWER>\n%s\n</ANSWER>"):format(molecule),
      { system = "Criticise the molecule. Good is a Vina score below -10 and a QED above 0.8." })
  end
  local said = critique "c1ccccc1"
  lu.assertEquals({ words.numbers(said) }, { -4.2, 0.44 })
  lu.assertTrue(words.wishes(said).atoms > 0)
  lu.assertTrue(words.wishes(critique "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC").atoms < 0)
  lu.assertStrContains(critique "c1ccccc", "valid SMILES")
end

function TestChemist.test_what_is_no_molecule_is_left_to_sim()
  local question = "I have two apples and a pear. How many fruits do I have?"
  lu.assertStrContains(ask(question, { system = "" }), "fruit")
  lu.assertEquals(ask("Hello there.", { system = "" }), sim.CANNOT)
end

function TestChemist.test_edits_in_the_form_of_edits()
  local reply = ask("Improve this variable.\n<VARIABLE>\nc1ccccc1\n</VARIABLE>\n<FEEDBACK>\n"
    .. "Make it larger.\n</FEEDBACK>\nReply with edits:\n"
    .. "<EDIT>\n<FIND>old</FIND>\n<REPLACE>new</REPLACE>\n</EDIT>")
  lu.assertEquals(reply:match "<FIND>(.-)</FIND>", "c1ccccc1")
  lu.assertNotNil(smiles.read(reply:match "<REPLACE>(.-)</REPLACE>"))
end

os.exit(lu.LuaUnit.run())
