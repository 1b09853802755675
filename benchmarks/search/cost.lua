--- cost.lua - what the search's own bookkeeping costs: CPU an evaluation of pool, sampler and race,
-- whether it stays flat, and the memory of a pool.
--
-- Usage: lua5.4 benchmarks/search/cost.lua [CANDIDATES [EXAMPLES]]     10000 and 1000, after make
--
-- Scores are drawn beforehand and not counted. A third of the children are as good as their parent,
-- so that races run to their end; every tenth is kept whatever its race says, so that the pool is
-- always full. CPU of the process; the least of the windows is the figure to compare.

local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../../lua/?.lua;" .. here .. "/../../lua/?/init.lua;" .. package.path
package.cpath = (os.getenv "BUILD" or here .. "/../../build") .. "/?.so;" .. package.cpath

require "lunagrad.core"
local batches = require "lunagrad.improve.batches"
local pools = require "lunagrad.improve.pool"
local races = require "lunagrad.improve.race"
local rng = require "lunagrad.rng"
local selection = require "lunagrad.improve.selection"

local MANY, N = tonumber(arg[1]) or 10000, tonumber(arg[2]) or 1000
local BATCH = 10

local random = rng.new "cost"

local function draw_scores(quality)
  local scores = {}
  for k = 1, N do scores[k] = random:float() < quality and 1 or 0 end
  return scores
end

-- One proposal's bookkeeping. Returns CPU seconds and how many evaluations there were.
local function proposal(state, number)
  local child = draw_scores(number % 3 == 0 and .5 or .45)
  local begun = os.clock()
  local parent = selection.pareto(state.pool, random)
  local batch = state.batches:draw(parent.idx, BATCH, random)
  for _, i in ipairs(batch) do state.batches:note(parent.idx, i, child[i]) end
  local race = races.new { n = N, parent = parent.scores }
  local at, verdict = 0, "go"
  while verdict == "go" do
    at = at + 1
    verdict = race:add(child[at])
  end
  if verdict == "keep" or number % 10 == 0 then
    at = N
    state.pool:add { texts = { "text " .. number }, scores = child, parents = { parent.idx } }
    state.batches:child(state.pool.added - 1, { parent.idx })
  end
  return os.clock() - begun, at + #batch
end

local function cpu()
  local state = { pool = pools.new { n = N }, batches = batches.new(N, 1) }
  state.pool:add { texts = { "seed" }, scores = draw_scores(.5) }
  local number = 0
  for _, to in ipairs { MANY // 100, MANY // 30, MANY // 10, MANY // 3, MANY } do
    local seconds, evaluations, from = 0, 0, number
    while number < to do
      number = number + 1
      local spent, bought = proposal(state, number)
      seconds, evaluations = seconds + spent, evaluations + bought
    end
    collectgarbage()
    print(("up to %6d candidates: %5.2f us an evaluation (%4.0f a candidate, %3d in the pool), "
      .. "%5.1f MB"):format(number, seconds / evaluations * 1e6, evaluations / (number - from),
      #state.pool.list, collectgarbage "count" / 1024))
  end
end

local function memory()
  collectgarbage()
  local before = collectgarbage "count"
  local pool = pools.new { n = N, size = 1000 }
  for i = 1, 1000 do pool:add { texts = { "text " .. i }, scores = draw_scores(.5) } end
  pool:dominators()
  collectgarbage()
  print(("a pool of %d candidates x %d examples: %.1f MB"):format(#pool.list, N,
    (collectgarbage "count" - before) / 1024))
end

memory()
cpu()
