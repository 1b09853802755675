-- molecule.lua - molecules, written as SMILES, improved for docking and drug-likeness by what a critic
-- says of the two numbers. The numbers are AutoDock Vina's and RDKit's own.
--
--   lunagrad run scripts/molecule.lua                                on sim/chemist, with made pockets
--   lunagrad run scripts/molecule.lua receptors=dockstring/targets   with DOCKSTRING's proteins
--   lunagrad run scripts/molecule.lua … -m openai/gpt-4o-mini        on a real model
--
-- Needs vina, and Python 3 with RDKit and Open Babel (Debian: autodock-vina, python3-rdkit,
-- python3-openbabel). A folder of receptors holds NAME_target.pdbqt and NAME_conf.txt.
--
-- From each start and for each receptor four ways go on with as many tries: feedback (a step of the
-- TextGrad line each), pool (a search with docking and QED as two objectives), best (of as many
-- first steps), and random (random edits of the best so far, no model). What each found is docked
-- once more with another seed, which nothing was chosen by: the claim is about these scores.
--
-- Other arguments: names=PPARA,F2 (of the receptors), starts=acetamide,benzene (also pentane, or any
-- SMILES), steps=5 (tries of each way), exhaustiveness=1, jobs=2 (programs at once), seed=1,
-- ways=feedback,pool,best,random (some of them), svg=molecule.svg (the picture; svg= for none),
-- python=python3, vina=vina.

local lg = require "lunagrad"
local claim = require "lunagrad.improve.claim"
local edits = require "lunagrad.world.chemist_edits"
local hash = require "lunagrad.world.hash"
local progress = require "lunagrad.progress"

-- ---- arguments ---------------------------------------------------------------------

local args = { starts = "acetamide,benzene", steps = 5, exhaustiveness = 1, jobs = 2, seed = 1,
  ways = "feedback,pool,best,random", svg = "molecule.svg", python = "", vina = "vina",
  receptors = "", names = "" }
local LEAST = { steps = 1, exhaustiveness = 1, jobs = 1, seed = 0 }

for name, value in pairs(lg.args) do
  if args[name] == nil then
    error(("unknown argument %s=; there are receptors, names, starts, steps, exhaustiveness, jobs, "
      .. "seed, ways, svg, python and vina"):format(name), 0)
  elseif LEAST[name] then
    local n = math.tointeger(tonumber(value))
    if not n or n < LEAST[name] or n > 10000 then
      error(("%s=%s: expected a whole number from %d on"):format(name, value, LEAST[name]), 0)
    end
    value = n
  end
  args[name] = value
end

local function listed(text)
  local list = {}
  for one in text:gmatch "[^,%s]+" do list[#list + 1] = one end
  return list
end

local FRAGMENTS = { acetamide = "CC(N)=O", pentane = "CCCCC", benzene = "c1ccccc1" }
local starts = {}
for i, name in ipairs(listed(args.starts)) do
  starts[i] = { name = name, smiles = FRAGMENTS[name] or name }
end
if #starts == 0 then error("starts=: name at least one, as starts=benzene", 0) end

local KNOWN = { feedback = true, pool = true, best = true, random = true }
local chosen = listed(args.ways)
for _, way in ipairs(chosen) do
  if not KNOWN[way] then
    error(("ways=%s: there are feedback, pool, best and random"):format(args.ways), 0)
  end
end

local function read(path)
  local file, problem = io.open(path, "rb")
  if not file then error(problem, 0) end
  local text = file:read "a"
  file:close()
  return text
end

local function load_receptors()
  if args.receptors == "" then
    return { lg.task.pocket(1), lg.task.pocket(2), lg.task.pocket(3) }
  end
  local names, list = listed(args.names), {}
  local given = #names > 0 and names or nil
  for i, row in ipairs(lg.task.dockstring(args.receptors, { targets = given })) do
    list[i] = { id = row.id, pdbqt = read(row.receptor), center = row.center, size = row.size }
  end
  return list
end

local receptors = load_receptors()
lg.default { model = "sim/chemist" } -- what -m says comes before it

-- ---- the tools ---------------------------------------------------------------------

-- Looks at a molecule, and prepares it for docking as DOCKSTRING does: protonated for pH 7.4, embedded
-- by ETKDG, relaxed by MMFF94, written as PDBQT. A line of JSON in, a line of JSON out.
local LOOK = [==[
import sys, json, logging, io
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem, QED
from openbabel import pybel, openbabel
rdBase.LogToPythonLogger()
said = io.StringIO()
logger = logging.getLogger("rdkit")
logger.handlers = [logging.StreamHandler(said)]
logger.setLevel(logging.ERROR)
openbabel.obErrorLog.StopLogging()
MOST, KNOWN = 80, {1, 6, 7, 8, 9, 15, 16, 17, 35, 53}

def refuse(reason):
    return {"ok": False, "reason": reason}

def read(text):
    said.seek(0); said.truncate()
    mol = Chem.MolFromSmiles(text.strip())
    if mol is not None:
        return mol, None
    loose = Chem.MolFromSmiles(text.strip(), sanitize=False)
    if loose is not None:
        problems = [p.Message() for p in Chem.DetectChemistryProblems(loose)]
        if problems:
            return None, "; ".join(problems)
    lines = [l.split("] ", 1)[-1] for l in said.getvalue().splitlines() if l.strip()]
    return None, lines[0] if lines else "it cannot be read"

def prepare(smiles, seed):
    mol = pybel.readstring("smi", smiles)
    mol.OBMol.AddHydrogens(False, True, 7.4)
    mol = Chem.MolFromSmiles(mol.write("can").split()[0])
    if mol is None:
        return None, "it cannot be protonated"
    mol = Chem.AddHs(mol)
    if AllChem.EmbedMolecule(mol, randomSeed=seed) < 0 and \
            AllChem.EmbedMolecule(mol, randomSeed=seed, useRandomCoords=True) < 0:
        return None, "no shape in space was found for it"
    if AllChem.MMFFHasAllMoleculeParams(mol):
        AllChem.MMFFOptimizeMolecule(mol, maxIters=1000)
    else:
        AllChem.UFFOptimizeMolecule(mol, maxIters=1000)
    return pybel.readstring("mol", Chem.MolToMolBlock(mol)).write("pdbqt"), None

def answer(request):
    mol, reason = read(request["smiles"])
    if mol is None:
        return refuse(reason)
    if mol.GetNumAtoms() == 0:
        return refuse("there is no atom in it")
    if len(Chem.GetMolFrags(mol)) > 1:
        return refuse("it is more than one molecule")
    if mol.GetNumHeavyAtoms() > MOST:
        return refuse("it has more than %d heavy atoms" % MOST)
    strange = [a.GetSymbol() for a in mol.GetAtoms() if a.GetAtomicNum() not in KNOWN]
    if strange:
        return refuse("%s is no element that is docked here" % strange[0])
    smiles = Chem.MolToSmiles(mol)
    pdbqt, reason = prepare(smiles, int(request["seed"]))
    if pdbqt is None:
        return refuse(reason)
    return {"ok": True, "smiles": smiles, "qed": QED.qed(mol), "pdbqt": pdbqt}

for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as problem:
        result = refuse("%s: %s" % (type(problem).__name__, problem))
    print(json.dumps(result), flush=True)
]==]

local HOW = "on Debian and Ubuntu: apt-get install autodock-vina python3-rdkit python3-openbabel"

local function mark(text) return ("%016x"):format(hash.text(text)) end

local function last_line(text) return text:match "([^\n]+)%s*$" or "it said nothing" end

-- Whether a program runs and ends well.
local function runs(...)
  local ok, run = pcall(function(...) return lg.command({ ... }):run {} end, ...)
  return ok and run.code == 0
end

local function find_tools()
  local missing, python = {}, nil
  local pythons = args.python ~= "" and { args.python } or { "python3", "/usr/bin/python3" }
  for _, name in ipairs(pythons) do
    if not python and runs(name, "-c", "import rdkit, openbabel") then python = name end
  end
  if not runs(args.vina, "--version") then missing[1] = "AutoDock Vina (" .. args.vina .. ")" end
  if not python then missing[#missing + 1] = "Python 3 with RDKit and Open Babel" end
  if #missing > 0 then
    error(("molecule.lua needs %s; %s"):format(table.concat(missing, ", and "), HOW), 0)
  end
  return python
end

-- One process for the whole run: RDKit takes a second to load.
local look = lg.command { find_tools(), "-c", LOOK, persistent = true,
  fields = { "smiles", "seed" }, concurrency = 1, sandbox = true, timeout = 120, memory = "4G" }

local function vina_for(receptor)
  local words = { args.vina, "--receptor", "{receptor}", "--ligand", "{ligand}",
    "--out", "out.pdbqt", "--seed", "{seed}", "--exhaustiveness", tostring(args.exhaustiveness),
    "--cpu", "1", "--num_modes", "1",
    files = { receptor = "receptor.pdbqt", ligand = "ligand.pdbqt" },
    sandbox = true, timeout = 600, memory = "4G" }
  for i, axis in ipairs { "x", "y", "z" } do
    local box = { "--center_" .. axis, ("%.3f"):format(receptor.center[i]),
      "--size_" .. axis, ("%.3f"):format(receptor.size[i]) }
    table.move(box, 1, #box, #words + 1, words)
  end
  return lg.command(words)
end

-- ---- measuring ---------------------------------------------------------------------

-- So many programs at once: who comes later waits for the oldest.
local running = {}
local function in_turn(fn)
  while #running >= args.jobs do pcall(running[1].await, running[1]) end
  local task
  task = lg.spawn(function()
    local ok, result = pcall(fn)
    for i, one in ipairs(running) do
      if one == task then table.remove(running, i) end
    end
    if not ok then error(result, 0) end
    return result
  end)
  running[#running + 1] = task
  return task:await()
end

-- Tools, so that what they gave is kept in the store: a run that goes on docks nothing twice.
local rdkit = lg.tool { name = "RDKit", purpose = "reads a SMILES and prepares it for docking",
  inputs = { "smiles", "seed" }, cache = true, version = mark(LOOK), run = function(smiles, seed)
    return in_turn(function()
      local run = look:run { smiles = smiles, seed = seed }
      if run.code == 0 and type(run.reply) == "table" then return run.stdout end
      error("RDKit ended without an answer: " .. last_line(run.stderr), 0)
    end)
  end }

local n_docked = 0 -- in this start: what the store has is not docked again

local function docking_tool(receptor)
  local vina = vina_for(receptor)
  return lg.tool { name = "AutoDock Vina", purpose = "docks a molecule into " .. receptor.id,
    inputs = { "ligand", "seed" }, cache = true, version = receptor.mark,
    run = function(ligand, seed)
      return in_turn(function()
        n_docked = n_docked + 1
        local run = vina:run { receptor = receptor.pdbqt, ligand = ligand, seed = seed }
        local score = run.code == 0 and run.stdout:match "\n%s+1%s+(%-?%d+%.?%d*)"
        if score then return score end
        error("Vina ended without a score: " .. last_line(run.stderr), 0)
      end)
    end }
end

for _, receptor in ipairs(receptors) do
  local box = {}
  for i = 1, 6 do box[i] = ("%.3f"):format(receptor.center[i] or receptor.size[i - 3]) end
  receptor.mark = mark(receptor.pdbqt .. args.exhaustiveness .. " " .. table.concat(box, " "))
  receptor.dock = docking_tool(receptor)
end

local function text_of(tool, ...)
  local ok, result = pcall(function(...) return tool(...):text() end, ...)
  if ok then return result end
  return nil, tostring(type(result) == "table" and result.message or result):match "^[^\n]*"
end

-- One molecule at one receptor: { smiles, vina, qed, s }, or { smiles, reason }. Molecules are known
-- by RDKit's own writing of them.
local function measured(receptor, smiles, seed)
  local text, problem = text_of(rdkit, smiles, tostring(seed))
  local found = text and lg.json.decode(text) or { reason = problem }
  if not found.ok then return { smiles = smiles, reason = found.reason } end
  local score
  score, problem = text_of(receptor.dock, found.pdbqt, tostring(seed))
  if not score then return { smiles = smiles, reason = problem } end
  local vina = tonumber(score)
  return { smiles = smiles, written = found.smiles, vina = vina, qed = found.qed,
    s = vina + 1 - found.qed }
end

local function in_words(m)
  if m.reason then return "It could not be scored: " .. m.reason end
  return ("Vina: %.1f kcal/mol\nQED: %.2f"):format(m.vina, m.qed)
end

-- The best of a list by s; what could not be scored is never it.
local function best_of(list)
  local best = list[1]
  for _, m in ipairs(list) do
    if m.s and (not best.s or m.s < best.s) then best = m end
  end
  return best
end

-- ---- four ways to go on ------------------------------------------------------------

local CRITIC = [[
The molecule (a SMILES string) should bind strongly to the protein and be a good drug. It was scored
by AutoDock Vina (kcal/mol: lower is better, good is below -10) and by QED, its drug-likeness (0 to
1: higher is better, good is above 0.8). Docking counts most. Begin with the two numbers as they are
given. Then criticise the structure: say in at most 3 points, a line each, which groups to add, to
exchange or to take off, and why. If it could not be scored, say how it has to be written.]]
local ONE_WORD = lg.constraint.matches("^%S+$", "one SMILES string, and nothing else")

local critic = lg.loss.critic(CRITIC)

local function role_of(receptor)
  return ("SMILES of a molecule that should bind to %s"):format(receptor.id)
end

local function loss_of(case, smiles, m)
  return critic(smiles, { protein = case.receptor.id, scores = in_words(m) })
end

local ways = {}

-- Step after step, each from the molecule before it, with the past ones in view.
function ways.feedback(case)
  local smiles = lg.param(case.start.smiles, role_of(case.receptor))
  local opt = lg.optim.tgd { smiles, momentum = 5, constraints = { ONE_WORD } }
  local list = {}
  local m = case.first
  for i = 1, args.steps do
    opt:zero_grad()
    loss_of(case, smiles, m):backward()
    opt:step()
    m = measured(case.receptor, smiles:text(), args.seed)
    list[i] = m
  end
  return list
end

local function searched(case, method, more)
  local list, seen = {}, { [case.start.smiles] = true }
  local spec = { start = case.start.smiles, role = role_of(case.receptor), method = method,
    objective = "a molecule with a low docking score and a high QED", perfect = 13,
    constraints = { ONE_WORD }, budget = { proposals = args.steps }, headroom = false,
    seed = args.seed,
    evaluate = function(smiles)
      local m = measured(case.receptor, smiles, args.seed)
      if not seen[smiles] then
        seen[smiles] = true
        list[#list + 1] = m
      end
      return { docking = math.max(0, -(m.vina or 0)), qed = m.qed or 0 },
        loss_of(case, smiles, m):text(), in_words(m)
    end }
  for name, value in pairs(more) do spec[name] = value end
  lg.optimize(spec)
  return list
end

function ways.pool(case)
  return searched(case, "race", { front = "objective", operators = { "reflect", "gradient" } })
end

ways.best = function(case) return searched(case, "best_of_n", {}) end

function ways.random(case)
  local rng, list, best = lg.rng.new(args.seed):fork(case.name), {}, case.first
  for i = 1, args.steps do
    local smiles = edits.random(best.smiles, function(_, n) return rng:int(1, n) end)
    local m = measured(case.receptor, smiles or best.smiles, args.seed)
    list[i] = m
    if m.s and (not best.s or m.s < best.s) then best = m end
  end
  return list
end


-- ---- the run -----------------------------------------------------------------------

local cases = {}
for _, receptor in ipairs(receptors) do
  for _, start in ipairs(starts) do
    cases[#cases + 1] = { receptor = receptor, start = start, found = {}, best = {}, fresh = {},
      name = receptor.id .. " from " .. start.name }
  end
end

local function s_text(m) return m.s and ("%.2f"):format(m.s) or "none" end

local function row(m)
  if not m.s then return ("     -     -       -  %s  (%s)"):format(m.smiles, m.reason) end
  return ("%6.2f  %.2f  %6.2f  %s"):format(m.vina, m.qed, m.s, m.smiles)
end

print(("%d receptors, %d starts, %d tries of each way; s = Vina + (1 - QED), lower is better")
  :format(#receptors, #starts, args.steps))
if receptors[1].made then
  print "receptors are made pockets: what binds to them says nothing about any protein"
end

for i, m in ipairs(lg.map(cases, function(case)
  return measured(case.receptor, case.start.smiles, args.seed)
end)) do
  cases[i].first = m
end

-- Of a dozen searches at once each would tell its own steps: told is how many cases are done.
local tell = progress.on_event
progress.on_event = nil

local spent = {}
for _, way in ipairs(chosen) do
  local before, done = lg.stats().calls, 0
  if tell then tell { kind = "phase", name = way } end
  for i, list in ipairs(lg.map(cases, function(case)
    local list = ways[way](case)
    done = done + 1
    if tell then tell { kind = "progress", done = done, total = #cases } end
    return list
  end)) do
    table.insert(list, 1, cases[i].first)
    cases[i].found[way], cases[i].best[way] = list, best_of(list)
  end
  spent[way] = lg.stats().calls - before
end

for _, case in ipairs(cases) do
  local steps = case.found.feedback
  if steps then
    print(("\n%s, step by step by feedback:\n  Vina   QED       s"):format(case.name))
  end
  for _, m in ipairs(steps or {}) do print(row(m)) end
end

-- What is good in the end is docked anew, with another seed and another shape in space.
local FRESH = 1000003
for _, case in ipairs(cases) do
  local list = lg.map({ "start", table.unpack(chosen) }, function(way)
    local m = way == "start" and case.first or case.best[way]
    return measured(case.receptor, m.smiles, args.seed + FRESH)
  end)
  case.fresh.start = list[1]
  for i, way in ipairs(chosen) do case.fresh[way] = list[i + 1] end
end

-- ---- what came of it ---------------------------------------------------------------

print "\nthe best of each way, by s; in brackets s as docked anew with another seed:"
for _, case in ipairs(cases) do
  print(("\n%s\n  Vina   QED       s"):format(case.name))
  print(("%s  (%s) start"):format(row(case.first), s_text(case.fresh.start)))
  for _, way in ipairs(chosen) do
    print(("%s  (%s) %s"):format(row(case.best[way]), s_text(case.fresh[way]), way))
  end
end

-- Those of a list that no other beats in both numbers.
local function front_of(list)
  local front, seen = {}, {}
  for _, m in ipairs(list) do
    local beaten = not m.s or seen[m.written]
    for _, other in ipairs(list) do
      beaten = beaten or other.s and other.vina <= m.vina and other.qed >= m.qed
        and (other.vina < m.vina or other.qed > m.qed)
    end
    if not beaten then
      front[#front + 1], seen[m.written] = m, true
    end
  end
  table.sort(front, function(a, b) return a.vina < b.vina end)
  return front
end

for i, case in ipairs(cases) do
  if not case.found.pool then break end
  if i == 1 then print "\nthe pool's molecules that no other beats in both docking and QED:" end
  local parts = {}
  for k, m in ipairs(front_of(case.found.pool)) do
    parts[k] = ("%.1f/%.2f"):format(m.vina, m.qed)
  end
  print(("  %s: %s"):format(case.name, table.concat(parts, "  ")))
end

local function mean(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v end
  return #list > 0 and sum / #list or 0
end

-- Scores of one way over all cases, larger is better; what has none counts as it began.
local function scores(way)
  local list = {}
  for i, case in ipairs(cases) do
    local m = case.fresh[way]
    list[i] = -(m.s or case.fresh.start.s or 0)
  end
  return list
end

print(("\n%-10s %8s %8s %10s"):format("", "tries", "calls", "mean s"))
print(("%-10s %8s %8s %10.2f"):format("start", "", "", 0 - mean(scores "start")))
for _, way in ipairs(chosen) do
  print(("%-10s %8d %8d %10.2f"):format(way, #cases * args.steps, spent[way],
    0 - mean(scores(way))))
end
print(("(docked anew; %d dockings in this start)"):format(n_docked))

for _, pair in ipairs { { "start", "feedback" }, { "start", "pool" }, { "best", "feedback" },
  { "random", "feedback" }, { "random", "pool" } } do
  local before, after = cases[1].fresh[pair[1]], cases[1].fresh[pair[2]]
  if before and after then
    print(("\n%s against %s, s of %d pairs docked anew:"):format(pair[2], pair[1], #cases))
    print(claim.paired(scores(pair[1]), scores(pair[2]), { seed = args.seed }))
  end
end

-- ---- the picture -------------------------------------------------------------------

local function picture(way)
  local series, tried = {}, {}
  for k, receptor in ipairs(receptors) do
    local first, best = {}, {}
    tried[k] = {}
    for _, case in ipairs(cases) do
      if case.receptor == receptor and case.first.s then
        local m = best_of(case.found[way])
        series[#series + 1] = { kind = "line", colour = k,
          points = { { case.first.qed, case.first.vina }, { m.qed, m.vina } } }
        first[#first + 1] = { case.first.qed, case.first.vina, case.start.name }
        best[#best + 1] = { m.qed, m.vina }
        for _, one in ipairs(case.found[way]) do
          if one.s and one ~= m and one ~= case.first then
            table.insert(tried[k], { one.qed, one.vina })
          end
        end
      end
    end
    series[#series + 1] = { colour = k, hollow = true, points = tried[k], marker = "circle" }
    series[#series + 1] = { colour = k, points = first, marker = "square" }
    series[#series + 1] = { name = receptor.id, colour = k, points = best, marker = "diamond" }
  end
  return lg.plot.svg { title = "From the start to the best molecule: " .. way, series = series,
    x = { label = "QED (more is better)", min = 0, max = 1 },
    y = { label = "Vina, kcal/mol (less is better)" }, marks = { { x = 0.8 }, { y = -10 } } }
end

if args.svg ~= "" and chosen[1] then
  local file, problem = io.open(args.svg, "wb")
  if not file then error(("svg=%s: %s"):format(args.svg, problem), 0) end
  file:write(picture(chosen[1]))
  file:close()
  print("\npicture: " .. args.svg)
end
