--- run.lua - whole searches in worlds in which the truth is known: what each method gains, how often
-- it ends below where it began, and what it claims.
--
-- Usage: lua5.4 benchmarks/search/run.lua [RUNS [WORLD… [-- METHOD…]]]      after make
--   RUNS     searches a cell; 300
--   WORLD    the beginning of a cell's name, whole words (cells.lua); all
--   METHOD   "gate strict", "gate gepa", "gate race .2", "gate race .4": the gates alone, written
--            down in gates.lua (these by default); or a method of lg.optimize ("race", "gepa"), which
--            then runs as it is, options behind it: "race,select=best,lag=1"; ",merge": with an operator that merges
--
-- A cell's budget is 3,000 evaluations, all that a proposal costs included; the claim at the end has
-- 300 test examples of its own, which are not counted. Runs of the same number see the same world
-- under every method. Prints one line a cell, and the ratio to the strict gate with its error.

local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. here .. "/../../lua/?.lua;" .. here .. "/../../lua/?/init.lua;"
  .. package.path
package.cpath = (os.getenv "BUILD" or here .. "/../../build") .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local cells = require "cells"
local gates = require "gates"
local tally = require "tally"
local claim = require "lunagrad.improve.claim"
local trials = require "lunagrad.world.trials"

local TEST, BUDGET, PROPOSAL = 300, 3000, 10

local function scores(world, texts)
  local list = {}
  for i = 1, TEST do list[i] = world:evaluate(texts, "test", i, 1) end
  return list
end

local methods = {}
for _, name in ipairs(gates.names) do
  methods["gate " .. name] = function(world, cell, seed)
    return gates.run(world, gates.rules[name], { n = cell.n, budget = cell.budget or BUDGET,
      proposal = cell.proposal or PROPOSAL }, seed)
  end
end

local function number_or_text(text)
  return tonumber(text) or text
end

-- lg.optimize itself. A proposal costs its batch: as many evaluations as the gates pay for one.
local function driver(text)
  local set, merge = {}, text:find ",merge" ~= nil
  for part in text:gsub(",merge", ""):gmatch "[^,]+" do
    local name, value = part:match "^(%w+)=(.+)$"
    set[name or "method"] = name and number_or_text(value) or part
  end
  return function(world, cell, seed)
    local spec = world:door { val = cell.n, merge = merge }
    spec.budget, spec.seed = { evaluations = cell.budget or BUDGET }, seed
    spec.batch = cell.proposal or PROPOSAL
    for name, value in pairs(set) do spec[name] = value end
    local result = lg.optimize(spec)
    return { texts = result.texts, validated = result.best_score - result.seed_score,
      kept = result.kept, proposals = #result.proposals, spent = result.spent.evaluations }
  end
end

local function play(method, cell, seed)
  local options = { seed = seed }
  for name, value in pairs(cell.world) do options[name] = value end
  local world = trials.new(options)
  methods[method] = methods[method] or driver(method)
  local run = methods[method](world, cell, seed)
  run.gain = world:quality(run.texts) - world:quality(world:start())
  run.shown = table.concat(run.texts, "\0") ~= table.concat(world:start(), "\0")
    and claim.paired(scores(world, world:start()), scores(world, run.texts), { seed = seed }).shown
  return run
end

local function ratio(of, strict)
  local mean, base = of:mean(), strict:mean()
  local difference, error = of:against(strict)
  return ("   × %.2f of strict (%+.1f ± %.1f)"):format(mean / base, difference, error)
end

local function cell_of(cell, names, runs)
  local strict
  for _, method in ipairs(names) do
    local sum = tally.new()
    for seed = 1, runs do sum:add(play(method, cell, seed)) end
    print(sum:line(cell.name, method:gsub("^gate ", "")) .. (strict and ratio(sum, strict) or ""))
    io.stdout:flush()
    strict = strict or method == "gate strict" and sum or nil
  end
end

local function wanted(name, list)
  for _, start in ipairs(list) do
    if name == start or name:sub(1, #start + 1) == start .. " " then return true end
  end
  return #list == 0
end

local function main()
  local runs, worlds, names = tonumber(arg[1]) or 300, {}, {}
  local into = worlds
  for i = tonumber(arg[1]) and 2 or 1, #arg do
    if arg[i] == "--" then into = names else into[#into + 1] = arg[i] end
  end
  if #names == 0 then
    for i, name in ipairs(gates.names) do names[i] = "gate " .. name end
  end
  print(tally.head)
  for _, cell in ipairs(cells) do
    if wanted(cell.name, worlds) then cell_of(cell, names, runs) end
  end
end

main()
