-- radiotherapy.lua - the importance weights of a radiotherapy plan, tuned by words on its doses.
--
--   lunagrad run scripts/radiotherapy.lua                          on sim/planner, a rule-based stand-in
--   lunagrad run scripts/radiotherapy.lua -m openai/gpt-4o         on a real model
--   lunagrad run scripts/radiotherapy.lua phantoms=20              more patients, a claim that can hold
--   lunagrad run scripts/radiotherapy.lua phantom=mine.json        your own dose matrix and protocols
--
-- What is improved is a text: how much each structure's dose objective weighs. A tool node makes the
-- plan for it, by an inner optimisation of the beamlets; a critic compares the plan's dose-volume
-- histogram with the protocols, and its words go back to the weights. It ends when all protocols are
-- met, or after ten updates. Beside it, with as many plans: random, coordinate and Bayesian search,
-- and the worked examples' weights as they are. docs/radiotherapy.md has figures and the file's form.
--
-- Other arguments: plans=11 (the first one counted), seed=1, examples=3, momentum=3, out=. (where
-- the dose-volume histograms are written, as SVG; out=none: nowhere).

local lg = require "lunagrad"
local claim = require "lunagrad.improve.claim"
local statistics = require "lunagrad.stats_math"

local rt = lg.task.radiotherapy

local args = { phantoms = 5, plans = 11, seed = 1, examples = 3, momentum = 3 }
local LEAST = { phantoms = 1, plans = 2 }
local texts = { phantom = true, out = true }
for name, value in pairs(lg.args) do
  local n = args[name] and math.tointeger(tonumber(value))
  if args[name] and not (n and n >= (LEAST[name] or 0)) then
    error(("%s=%s: expected a whole number from %d"):format(name, value, LEAST[name] or 0), 0)
  elseif not args[name] and not texts[name] then
    error(("unknown argument %s=; there are phantom, phantoms, plans, seed, examples, momentum "
      .. "and out"):format(name), 0)
  end
  args[name] = n or value
end

lg.default { model = "sim/planner" } -- what -m says comes before it

-- Weights that gave plans within all protocols, of other patients than those below: the first that a
-- Bayesian search of up to 400 plans found for the phantoms 101, 102 and 103.
local EXAMPLES = {
  { 101, { 1000, 5.62, 17.8, 178, 31.6 } },
  { 102, { 1000, 10, 10, 31.6, 56.2 } },
  { 103, { 1000, 17.8, 10, 178, 56.2 } },
}

local STRUCTURES = "PTV, bladder, rectum, femoral heads, body"

local CRITIC = [[
You check plans of radiotherapy. You are shown clinical protocols, and a plan: the importance weights
that its objectives had, what dose each structure gets, and the dose-volume histogram. Compare the
plan with every protocol. Say which structures miss theirs, by how much, and which have room to
spare; and which importance weights should be raised or lowered for that. Only the weights' ratios
matter. End with a block that begins with the line FINAL, has a line for each protocol ("rectum
V50 <= 25: 31.2, not met"), and as its last line "VERDICT: all protocols are met" or "VERDICT: not
met".]]

local ROLE = "importance weights of the dose objectives of a radiotherapy plan"

-- ---- patients -------------------------------------------------------------------

local function cases()
  if args.phantom then return { rt.read(args.phantom) } end
  local seeds = {}
  for i = 1, args.phantoms do seeds[i] = (args.seed - 1) * 1000 + i end
  return lg.map(seeds, function(seed) return rt.phantom(seed) end)
end

-- The examples as texts, and as weights; none for a case of other structures.
local function worked_examples(names)
  local list, given = {}, {}
  if table.concat(names, ", ") ~= STRUCTURES then return list, given end
  for i = 1, math.min(args.examples, #EXAMPLES) do
    local of = rt.phantom(EXAMPLES[i][1])
    local made = rt.plan(of, EXAMPLES[i][2])
    given[i] = EXAMPLES[i][2]
    list[i] = ("%s\n\nWhat these weights gave, for another patient:\n%s"):format(
      rt.write_weights(of.names, EXAMPLES[i][2]), rt.findings(made))
  end
  return list, given
end

-- ---- one patient ----------------------------------------------------------------

-- Plans until all protocols are met. Code knows whether they are; the critic is told what it found
-- where it overlooks something, or where its words change nothing.
local function improve(of, examples)
  local run = { case = of, plans = 0, unread = 0, wrong_verdicts = 0 }
  local planner = rt.planner(of, function(made)
    run.plans, run.last = run.plans + 1, made
    if not made then run.unread = run.unread + 1 end
    if made and rt.better(made, run.best) then run.best = made end
    run.first = run.first or made
  end)
  local weights = lg.param(rt.write_weights(of.names, rt.even(of)), ROLE)
  local critic, protocols = lg.loss.critic(CRITIC), rt.protocols(of)
  local optimizer = lg.optim.tgd { weights, momentum = args.momentum, examples = examples,
    constraints = { rt.constraint(of) } }
  local plan, check = planner(weights), nil
  while true do
    local loss = critic(plan, { protocols = protocols, checked_by_code = check })
    local verdict = loss:text():match ".*VERDICT:%W*([^\n]*)" or ""
    local done = run.last ~= nil and run.last.met == #of.goals
    local wrong = (verdict:lower():find "^all protocols are met" ~= nil) ~= done
    if wrong then run.wrong_verdicts = run.wrong_verdicts + 1 end
    if done or run.plans >= args.plans then return run end
    local changed = false
    if not wrong then
      optimizer:zero_grad()
      loss:backward()
      changed = optimizer:step().changed
    end
    if changed then
      plan, check = planner(weights), nil
    elseif check then
      return run -- it was told what code found, and nothing comes of it
    else
      check = run.last and rt.findings(run.last) or "There is no plan."
    end
  end
end

-- ---- what is printed --------------------------------------------------------------

local function values(runs, fn)
  local list = {}
  for i, run in ipairs(runs) do list[i] = fn(run) end
  return list
end

local function shown(list)
  local mean = statistics.mean(list)
  if math.abs(mean) < 0.005 then mean = 0.0 end -- never "-0.00"
  local spread = #list > 1 and (" (%.2f)"):format(statistics.deviation(list)) or ""
  return ("%15s"):format(("%.2f%s"):format(mean, spread))
end

local function met_all(run) return run.best.met == #run.case.goals and 1 or 0 end
local function how_many(runs)
  local n = 0
  for _, run in ipairs(runs) do n = n + met_all(run) end
  return n
end

local function share_met(run) return run.best.met / #run.case.goals end

-- One line a method: protocols met, patients with all of them met, plans that were made.
local function print_protocols(methods)
  print(("\n%-24s%15s%15s%15s%15s"):format("mean over patients (SD)", "protocols met", "all met",
    "excess", "plans made"))
  for _, method in ipairs(methods) do
    print(("%-24s"):format(method.name) .. shown(values(method.runs, function(run)
      return run.best.met
    end)) .. ("%15s"):format(("%d of %d"):format(
      how_many(method.runs), #method.runs))
      .. shown(values(method.runs, function(run) return run.best.excess end))
      .. shown(values(method.runs, function(run) return run.plans end)))
  end
end

-- One line a method: what measures of one structure are, or are off from the prescription.
local function print_doses(methods, name, measures, prescription)
  print(("\n%-24s"):format(prescription and name .. ", off goal, Gy" or name .. ", Gy")
    .. ("%15s"):rep(#measures):format(table.unpack(measures)))
  for _, method in ipairs(methods) do
    local line = ("%-24s"):format(method.name)
    for _, measure in ipairs(measures) do
      line = line .. shown(values(method.runs, function(run)
        return rt.measure(run.best, name, measure) - (prescription or 0)
      end))
    end
    print(line)
  end
end

local function print_claim(name, from, to)
  if #from < 2 then return end
  print(("%-34s %s"):format(name, claim.paired(values(from, share_met), values(to, share_met),
    { seed = args.seed })))
end

local function path_of(number)
  return (args.out and args.out .. "/" or "") .. ("radiotherapy-%d.svg"):format(number)
end

local function draw(run, number)
  local series = {}
  local old, new = rt.histograms(run.first), rt.histograms(run.best)
  for i, after in ipairs(new) do
    local before = old[i]
    series[#series + 1] = { name = after.name, points = after.points, kind = "line", colour = i }
    series[#series + 1] = { points = before.points, kind = "line", colour = i, dash = true }
  end
  lg.save(lg.var(lg.plot.svg { title = ("%s: before (dashed) and after"):format(run.case.name),
    x = { label = "dose, Gy", min = 0 },
    y = { label = "volume with at least the dose, %", min = 0, max = 100 }, series = series,
    marks = { { x = run.case.prescription, label = "prescription" } } }), path_of(number))
  return path_of(number)
end

-- ---- the comparison ---------------------------------------------------------------

if args.out ~= "none" then -- before anything is paid for
  local file, problem = io.open(path_of(1), "ab")
  if not file then error(("out=%s: %s"):format(args.out or ".", problem), 0) end
  local is_new = file:seek "end" == 0
  file:close()
  if is_new then os.remove(path_of(1)) end -- a run that ends early leaves nothing
end
local patients = cases()
local examples, given = worked_examples(patients[1].names)
local runs = lg.map(patients, function(of) return improve(of, examples) end)

local function searched(name, method, candidates)
  return { name = name, runs = lg.map(patients, function(of)
    local found = rt.search { case = of, method = method, plans = args.plans, seed = args.seed,
      candidates = candidates }
    found.case = of
    return found
  end) }
end

local start = { name = "start, all weights 100", runs = values(runs, function(run)
  return { case = run.case, best = run.first, plans = 1 }
end) }
local improved = { name = "improved by words", runs = runs }
local methods = { start, searched("random search", "random"),
  searched("coordinate search", "coordinate"), searched("Bayesian search", "bayesian") }
if #given > 0 then methods[#methods + 1] = searched("the examples' weights", nil, given) end
methods[#methods + 1] = improved

for _, run in ipairs(runs) do
  print(("%s: %d of %d protocols met before, %d after %d plans%s%s; %s"):format(run.case.name,
    run.first.met, #run.case.goals, run.best.met, run.plans,
    run.unread > 0 and (", no weights to be read: %d times"):format(run.unread) or "",
    run.wrong_verdicts > 0 and (", wrong verdicts: %d"):format(run.wrong_verdicts) or "",
    (rt.write_weights(run.case.names, run.best.weights):gsub("\n", ", "))))
end
print_protocols(methods)
local first = patients[1]
print_doses(methods, first.names[1], { "mean", "min", "max", "D95" }, first.prescription)
for i = 2, #first.names do
  if first.names[i] ~= "body" then
    print_doses(methods, first.names[i], { "mean", "D5", "D50" })
  end
end

if #patients > 1 then
  print(("\nshare of protocols met, %d patients, each with both:"):format(#patients))
end
for _, method in ipairs(methods) do
  if method ~= improved then print_claim(method.name .. " -> words:", method.runs, runs) end
end
if #patients < 10 and not args.phantom then
  print(("%d patients are few: phantoms=20 gives a narrower interval."):format(#patients))
end
if args.out ~= "none" then
  local paths = {}
  for i, run in ipairs(runs) do paths[i] = draw(run, i) end
  print(("\ndose-volume histograms before and after: %s"):format(table.concat(paths, ", ")))
end
