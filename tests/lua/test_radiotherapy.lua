-- test_radiotherapy.lua - plans: doses and measures, weights in words, protocols, cases of files, the
-- inner optimisation, and searches; and fits as Lua sees them

local helper = require "helper"
local lg = require "lunagrad"
local lu = require "luaunit"
local command = require "command"
local core = require "lunagrad.core"
local fit = require "lunagrad.fit"
local dose = require "lunagrad.task.radiotherapy.dose"
local protocol = require "lunagrad.task.radiotherapy.protocol"
local weights = require "lunagrad.task.radiotherapy.weights"

local rt = lg.task.radiotherapy
local NAMES = { "PTV", "bladder", "rectum", "femoral heads", "body" }
local COARSE = { voxel = 9, beamlet = 9, beams = 5 }

-- ---- measures -------------------------------------------------------------------

TestDose = {}

function TestDose.test_measures()
  local list = dose.sorted({ 10.0, 40.0, 20.0, 30.0, 99.0 }, { 1, 2, 3, 4 })
  lu.assertEquals(list, { 40.0, 30.0, 20.0, 10.0 })
  lu.assertEquals(dose.measure(list, "mean"), 25.0)
  lu.assertEquals(dose.measure(list, "min"), 10.0)
  lu.assertEquals(dose.measure(list, "max"), 40.0)
  lu.assertEquals(dose.measure(list, "D50"), 25.0)
  lu.assertEquals(dose.measure(list, "D0"), 40.0)
  lu.assertEquals(dose.measure(list, "D100"), 10.0)
  lu.assertEquals(dose.measure(list, "V20"), 75.0)
  lu.assertEquals(dose.measure(list, "V20.5"), 50.0)
  lu.assertEquals(dose.measure(list, "V0"), 100.0)
  lu.assertEquals(dose.measure(list, "V41"), 0.0)
  for _, name in ipairs { "D101", "D", "V-1", "median", "v20", "" } do
    lu.assertNil(dose.measure(list, name), name)
  end
end

function TestDose.test_one_voxel_and_ties()
  for _, name in ipairs { "D0", "D2", "D50", "D100", "mean" } do
    lu.assertEquals(dose.measure({ 7.0 }, name), 7.0)
    lu.assertEquals(dose.measure({ 7.0, 7.0, 7.0 }, name), 7.0)
  end
  lu.assertEquals(dose.histogram({ 4.0, 2.0 }, 2, 6), { { 0, 100.0 }, { 2, 100.0 }, { 4, 50.0 },
    { 6, 0.0 } })
end

-- ---- weights as a text ------------------------------------------------------------

TestWeights = {}

function TestWeights.test_there_and_back()
  local text = weights.write(NAMES, { 1000, 5.62, 17.8, 1, 99.99 })
  lu.assertEquals((weights.read(text, NAMES)), { 1000.0, 5.62, 17.8, 1.0, 99.99 })
end

function TestWeights.test_as_people_write()
  local text = "- **ptv**: 500\n* `Bladder` = 20\n3. Rectum: 30.5,\r\n\nfemoral  heads: 40\n"
    .. "\"BODY\": 1"
  lu.assertEquals((weights.read(text, NAMES)), { 500, 20, 30.5, 40, 1 })
end

function TestWeights.test_what_cannot_be_read_is_said_in_words()
  local good = "PTV: 1\nbladder: 1\nrectum: 1\nfemoral heads: 1\nbody: 1"
  local bad = {
    ["no weight for body"] = good:gsub("\nbody: 1", ""),
    ["\"high\" is no number"] = good:gsub("rectum: 1", "rectum: high"),
    ["0 is no weight"] = good:gsub("rectum: 1", "rectum: 0"),
    ["1001 is no weight"] = good:gsub("rectum: 1", "rectum: 1001"),
    ["two weights"] = good .. "\nPTV: 3",
    ["names no structure"] = good .. "\nheart: 3",
    ["is no weight"] = good .. "\nThese are better.",
    ["no weight for PTV"] = "",
    ["\"nan\" is no number"] = good:gsub("rectum: 1", "rectum: nan"),
    ["\"1e3\" is no number"] = good:gsub("rectum: 1", "rectum: 1e3"),
    ["\"-5\" is no number"] = good:gsub("rectum: 1", "rectum: -5"),
  }
  for words, text in pairs(bad) do
    local values, problem = weights.read(text, NAMES)
    lu.assertNil(values, text)
    lu.assertStrContains(problem, words)
    lu.assertStrContains(problem, "PTV: number; bladder: number")
  end
end

-- ---- protocols --------------------------------------------------------------------

TestProtocol = {}

function TestProtocol.test_lines()
  local goals = protocol.goals "# of ours\n\nrectum V50 <= 30\r\nfemoral heads D5>=2.5"
  lu.assertEquals(#goals, 2)
  lu.assertEquals(goals[2].structure, "femoral heads")
  lu.assertFalse(goals[2].most)
  lu.assertEquals(goals[1].limit, 30)
  for _, line in ipairs { "rectum", "rectum V50 < 30", "V50 <= 30", "rectum median <= 3",
    "rectum V50 <= many", "rectum D200 <= 3" } do
    helper.fails("inval", nil, protocol.goals, line)
  end
end

function TestProtocol.test_figures_count_as_they_are_shown()
  local goals = protocol.goals { "a mean <= 2", "a min >= 1", "a max <= 2" }
  local findings, met, excess = protocol.check(goals, { a = { 3.0, 1.004, 0.998 } })
  lu.assertEquals({ findings[1].met, findings[2].met, findings[3].met }, { true, true, false })
  lu.assertEquals(met, 2)
  lu.assertAlmostEquals(excess, .5, 1e-9)
end

-- ---- fits -------------------------------------------------------------------------

TestFit = {}

function TestFit.test_solves()
  local m = fit.matrix(2)
  m:add({ 1, 2 }, { 2, 1 })
  m:add({ 1, 2 }, { 1, -3 })
  m:add({}, {})
  lu.assertEquals({ m:size() }, { 3, 2, 4 })
  local x, values, report = fit.solve { matrix = m, bounds = { { from = 1, to = 2 } }, aims = {
    { from = 1, to = 1, low = 5, under = 1, high = 5, over = 1 },
    { from = 2, to = 2, low = -8, under = 2, high = -8, over = 2 } } }
  lu.assertEquals(report.state, "settled")
  lu.assertAlmostEquals(x[1], 1, 1e-6)
  lu.assertAlmostEquals(values[2], -8, 1e-6)
  x = fit.solve { matrix = m, aims = { { from = 1, to = 1, low = 5, under = 1 } },
    bounds = { { from = 1, to = 1, low = 0, high = 1 },
      { from = 2, to = 2, low = 0.5, high = 2 } } }
  lu.assertAlmostEquals(2 * x[1] + x[2], 4, 1e-6)
end

function TestFit.test_what_is_wrong()
  local m = fit.matrix(2)
  helper.fails("inval", nil, m.add, m, { 2, 1 }, { 1, 1 })
  helper.fails("inval", nil, m.add, m, { 1, 3 }, { 1, 1 })
  helper.fails("inval", nil, m.add, m, { 0.5 }, { 1 })
  helper.fails("inval", nil, m.add, m, { 1 }, { 0 / 0 })
  helper.fails("inval", nil, m.add, m, { 1 }, { 1, 2 })
  helper.fails("inval", nil, m.add, {}, { 1 }, { 1 })
  m:add({ 1 }, { 1 })
  local f = core.fit(m, 1e-8, 0, 10)
  helper.fails("inval", nil, f.aim, f, 1, 2, 0, 1, 1, 1)
  helper.fails("inval", nil, f.aim, f, 1, 1, 2, 1, 1, 1)
  helper.fails("inval", nil, f.aim, f, 1, 1, 0, -1, 1, 1)
  helper.fails("inval", nil, f.bounds, f, 1, 2, 1, 0)
  helper.fails("inval", nil, f.start, f, { 1 })
  helper.fails("state", nil, f.step, f, 1000)
  f:start()
  helper.fails("state", nil, f.aim, f, 1, 1, 0, 1, 1, 1)
  lu.assertTrue(f:step(1000000))
  helper.fails("inval", nil, core.fit, m, -1, 0, 10)
  helper.fails("inval", nil, core.sparse, 0)
end

-- ---- plans ------------------------------------------------------------------------

TestPlan = {}

local function coarse(seed)
  return rt.phantom(seed, COARSE)
end

function TestPlan.test_a_phantom_has_what_it_should()
  local case = coarse(3)
  lu.assertEquals(case.names, NAMES)
  local held, own = 0, 0
  for _, one in ipairs(case.structures) do
    lu.assertTrue(#one.rows >= one.to - one.from + 1, one.name)
    held, own = held + #one.rows, own + one.to - one.from + 1
  end
  lu.assertEquals(own, (case.matrix:size()))
  lu.assertTrue(held > own) -- the target overlaps
  helper.fails("inval", { field = "voxel" }, rt.phantom, 1, { voxel = 0 })
  helper.fails("inval", nil, rt.phantom, 1, { voxels = 3 })
end

function TestPlan.test_same_again_scaled_and_only_ratios_matter()
  local one = rt.plan(coarse(3), { 800, 40, 40, 80, 80 })
  local again = rt.plan(coarse(3), { 800, 40, 40, 80, 80 })
  lu.assertEquals(one.beamlets, again.beamlets)
  lu.assertEquals(one.solver.state, "settled")
  lu.assertTrue(one.solver.residual <= 1e-8)
  lu.assertAlmostEquals(rt.measure(one, "PTV", "D95"), 70.2, 1e-9)
  local other = rt.plan(coarse(3), { 400, 20, 20, 40, 40 })
  lu.assertAlmostEquals(rt.measure(other, "rectum", "mean"), rt.measure(one, "rectum", "mean"),
    1e-3)
  for _, x in ipairs(one.beamlets) do lu.assertTrue(x >= 0) end
end

-- More importance for an organ is never more dose squared in it, of its own voxels.
function TestPlan.test_importance_pulls_the_way_it_should()
  local case = coarse(5)
  local function rectum(weight)
    local made = rt.plan(case, { 1000, 10, weight, 50, 50 })
    local sum, own = 0, case.structures[3]
    for row = own.from, own.to do sum = sum + (made.doses[row] / made.scale) ^ 2 end
    return sum
  end
  local low, middle, high = rectum(1), rectum(30), rectum(900)
  lu.assertTrue(low > middle and middle > high)
end

function TestPlan.test_searches_begin_alike_and_keep_the_best()
  local case = coarse(2)
  for _, method in ipairs { "random", "coordinate", "bayesian" } do
    local one = rt.search { case = case, method = method, plans = 6, seed = 4 }
    local again = rt.search { case = case, method = method, plans = 6, seed = 4 }
    lu.assertEquals(one.best.weights, again.best.weights)
    lu.assertEquals(one.first.weights, { 100, 100, 100, 100, 100 })
    lu.assertTrue(one.plans <= 6 and one.best.excess <= one.first.excess)
    for _, weight in ipairs(one.best.weights) do lu.assertTrue(weight >= 1 and weight <= 1000) end
  end
  lu.assertEquals(rt.search { case = case, plans = 9, candidates = { { 9, 9, 9, 9, 9 } } }.plans, 2)
  helper.fails("inval", { field = "method" }, rt.search, { case = case, plans = 2, method = "tpe" })
end

function TestPlan.test_the_tool_answers_in_words_and_hands_feedback_on()
  local case, heard = coarse(2), {}
  local planner = rt.planner(case, function(made, text) heard[#heard + 1] = made or text end)
  lu.assertStrContains(planner("PTV: much"):text(), "There is no plan.")
  lu.assertEquals(heard[1], "PTV: much")
  local text = lg.param(rt.write_weights(case.names, rt.even(case)), "importance weights")
  local plan = planner(text)
  lu.assertStrContains(plan:text(), "femoral heads")
  lu.assertEquals(heard[2].case, case)
  lg.default { model = function() return "the rectum needs more weight" end }
  lg.loss.critic "Look at the plan."(plan):backward()
  lu.assertEquals(text:feedback()[1].text, "the rectum needs more weight")
end

-- ---- files ------------------------------------------------------------------------

TestFile = {}

local GOOD = { name = "mine", prescription = 10, protocols = { "PTV D95 >= 10" },
  structures = { { name = "PTV", dose = 10, voxels = { 1, 2 } },
    { name = "cord", dose = 0, voxels = { 2, 3 } } },
  dose = { { 1, 1, 1.0 }, { 2, 2, 0.5 }, { 2, 1, 0.5 }, { 3, 2, 1 }, { 9, 1, 1 } } }

local function written(object)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(type(object) == "string" and object or lg.json.encode(object))
  file:close()
  return path
end

local function read(object)
  local path = written(object)
  local ok, result = pcall(rt.read, path)
  os.remove(path)
  if not ok then error(result, 0) end
  return result
end

function TestFile.test_a_case()
  local case = read(GOOD)
  lu.assertEquals({ case.name, case.prescription, case.names }, { "mine", 10, { "PTV", "cord" } })
  lu.assertEquals({ case.matrix:size() }, { 3, 2, 4 })
  lu.assertEquals(case.structures[2].rows, { 2, 3 })
  lu.assertEquals({ case.structures[2].from, case.structures[2].to }, { 3, 3 })
  local made = rt.plan(case, { 100, 1 })
  lu.assertAlmostEquals(rt.measure(made, "PTV", "D95"), 10, 1e-9)
  lu.assertEquals(rt.protocols(case), "PTV D95 >= 10")
end

function TestFile.test_what_is_wrong_is_said()
  local function with(change)
    local copy = lg.json.decode(lg.json.encode(GOOD))
    change(copy)
    return copy
  end
  local bad = {
    [""] = "{", ["list \"structures\""] = "{}", ["no JSON object"] = "7",
    ["list \"dose\""] = with(function(o) o.dose = nil end),
    ["twice for the same voxel"] = with(function(o) o.dose[2] = { 1, 1, 2 } end),
    ["[voxel, beamlet, Gy]"] = with(function(o) o.dose[2] = { 1, 1 } end),
    ["count from 1"] = with(function(o) o.dose[2] = { 0, 1, 2 } end),
    ["no number of Gy"] = with(function(o) o.dose[2] = { 1, 1, -2 } end),
    ["\"name\""] = with(function(o) o.structures[1].name = nil end),
    ["\"dose\" in Gy"] = with(function(o) o.structures[2].dose = nil end),
    ["\"voxels\""] = with(function(o) o.structures[2].voxels = {} end),
    ["voxel 3 twice"] = with(function(o) o.structures[2].voxels = { 3, 3 } end),
    ["the target"] = with(function(o) o.structures[1].name = "GTV" end),
    ["two structures"] = with(function(o) o.structures[2].name = "PTV" end),
    ["\"prescription\""] = with(function(o) o.prescription = "high" end),
    ["no protocol"] = with(function(o) o.protocols = { "hello" } end),
    ["does not have"] = with(function(o) o.protocols = { "heart mean <= 3" } end),
  }
  for words, object in pairs(bad) do
    local ok, problem = pcall(read, object)
    lu.assertFalse(ok, words)
    lu.assertStrContains(tostring(problem), words)
  end
  helper.fails("notfound", nil, rt.read, "/nowhere/at/all.json")
end

-- ---- the script -------------------------------------------------------------------

TestScript = {}

function TestScript.tearDown() command.remove_files() end

-- Structures of its own, and a target that only some weights give evenly.
local function problem()
  local dose_list = {}
  for voxel = 1, 12 do
    for beamlet = 1, 6 do
      dose_list[#dose_list + 1] = { voxel, beamlet, 1 / (1 + (voxel / 2 - beamlet) ^ 2) }
    end
  end
  return lg.json.encode { name = "mine", prescription = 10,
    structures = { { name = "GTV_1", dose = 10, target = true, voxels = { 4, 5, 6, 7, 8 } },
      { name = "spinal cord (left)", dose = 0, voxels = { 8, 9, 10, 11, 12 } },
      { name = "rest", dose = 2, voxels = { 1, 2, 3 } } },
    dose = dose_list, protocols = { "GTV_1 D2 <= 11", "spinal cord (left) mean <= 5.7" } }
end

local function run(...)
  return command.run("run", "scripts/radiotherapy.lua", "--display", "none", "--no-store", ...)
end

function TestScript.test_a_problem_of_a_file_goes_through_it()
  local path = "phantom=" .. command.write(problem(), ".json")
  local one = run(path, "out=none")
  lu.assertEquals(one.code, 0, one.err)
  lu.assertStrContains(one.out, "GTV_1, off goal, Gy")
  lu.assertStrContains(one.out, "improved by words")
  local before, after = one.out:match "mine: (%d) of 2 protocols met before, (%d) after"
  lu.assertTrue(tonumber(before) < tonumber(after), one.out)
  lu.assertEquals(run(path, "out=none", "--concurrency", "1").out, one.out)
end

function TestScript.test_a_phantom_and_its_picture()
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
  local got = run("phantoms=1", "plans=2", "examples=0", "out=" .. folder)
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(command.read(folder .. "/radiotherapy-1.svg"), "<svg")
  os.execute("rm -r " .. folder)
end

function TestScript.test_what_is_wrong()
  for _, arg in ipairs { "phantoms=0", "plans=1", "phantom=/nowhere.json", "colour=red",
    "out=/nowhere/at/all" } do
    lu.assertEquals(run(arg).code, 1, arg)
  end
end

os.exit(lu.LuaUnit.run())
