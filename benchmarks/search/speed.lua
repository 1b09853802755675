--- speed.lua - what the search itself costs: lanes that stand idle, and CPU for an evaluation.
--
-- Usage: lua5.4 benchmarks/search/speed.lua [EVALUATIONS [EXAMPLES [PROPOSALS]]]     after make
--   3000 evaluations of 100 examples with 8 proposals at once by default
--
-- Virtual time: an evaluation takes 200 ms, give or take half, on one of 64 lanes; nothing else takes
-- any. Prints the time against that of lanes that are never idle, and the CPU of pool, race, sampler,
-- budget and books for an evaluation: that of the search less that of the same evaluations by
-- lg.map, with the same semaphore.

local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../../lua/?.lua;" .. here .. "/../../lua/?/init.lua;" .. package.path
package.cpath = (os.getenv "BUILD" or here .. "/../../build") .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local hash = require "lunagrad.world.hash"
local loop = require "lunagrad.loop"

lg.configure { virtual_clock = true }

local EVALUATIONS, EXAMPLES = math.tointeger(arg[1] or 3000), math.tointeger(arg[2] or 100)
local LAG = math.tointeger(arg[3] or 8)
local LANES, MEAN = 64, 0.2

local function share(...) return hash.text(table.concat({ ... }, "|")) % 10000 / 10000 end

-- ---- lanes -----------------------------------------------------------------------

local free, line, first = LANES, {}, 1
local count, busy = 0, 0

local function take()
  if free > 0 then
    free = free - 1
    return
  end
  local signal = loop.signal()
  line[#line + 1] = signal
  signal:wait()
end

local function give()
  local signal = line[first]
  if not signal then
    free = free + 1
    return
  end
  line[first], first = false, first + 1
  signal:fire()
end

-- A candidate's quality is its number of "+", a hundredth each.
local function score(text, example)
  take()
  local seconds = MEAN * (0.5 + share("wait", text, example.x))
  count, busy = count + 1, busy + seconds
  lg.sleep(seconds)
  give()
  local _, plus = text:gsub("%+", "")
  return (0.3 + plus / 100 > share(text:sub(1, 40), example.x)) and 1 or 0
end

-- ---- both ways -------------------------------------------------------------------

local examples = {}
for i = 1, EXAMPLES do examples[i] = { x = "e" .. i } end

local function memory()
  collectgarbage()
  return collectgarbage "count" / 1024
end

local function timed(fn)
  collectgarbage()
  count, busy = 0, 0
  local cpu, from = os.clock(), loop.engine():now()
  local result = fn()
  return { cpu = os.clock() - cpu, wall = (loop.engine():now() - from) / 1e6, n = count,
    busy = busy, result = result, memory = memory() }
end

local searched = timed(function()
  return lg.optimize { start = "+", role = "text", evaluate = score, examples = examples,
    operators = { { name = "walk", batch = false, propose = function(parent, _, context)
      return { parent.texts[1] .. (context.rng:float() < 0.5 and "+" or "-") .. context.sample }
    end } }, lag = LAG, budget = { evaluations = EVALUATIONS }, seed = 1 }
end)

local plain = timed(function()
  local texts = {}
  for i = 1, searched.n do texts[i] = "+" .. i end
  lg.map(texts, function(text, i) return score(text, examples[i % EXAMPLES + 1]) end)
end)

local result = searched.result
print(("%d evaluations, %d proposals, %d kept, %d open at once"):format(searched.n,
  #result.proposals, result.kept, LAG))
print(("time: %.1f s, busy lanes alone %.1f s: %.2f times"):format(searched.wall,
  searched.busy / LANES, searched.wall / (searched.busy / LANES)))
print(("CPU: %.0f us an evaluation, of which the search %.0f us; memory %.1f MB"):format(
  searched.cpu / searched.n * 1e6,
  searched.cpu / searched.n * 1e6 - plain.cpu / plain.n * 1e6, searched.memory))
