-- test_rescore.lua - what becomes the best is asked once more, counts in the budget, and who is
-- quicker decides nothing

local lu = require "luaunit"
local lg = require "lunagrad"
local pools = require "lunagrad.improve.pool"
local hash = require "lunagrad.world.hash"

lg.configure { virtual_clock = true }

local function share(...) return hash.text(table.concat({ ... }, "|")) % 10000 / 10000 end

-- ---- the pool ----------------------------------------------------------------------

TestPool = {}

local function candidate(text, ...)
  return { texts = { text }, scores = { ... }, words = 1 }
end

function TestPool.test_a_candidate_is_replaced_not_changed()
  local pool = pools.new { n = 2 }
  pool:add(candidate("seed", 0, 0.5))
  pool:add(candidate("a", 1, 1))
  pool:add(candidate("b", 1, 0))
  local old, list = pool:get(1), table.move(pool.list, 1, 3, 1, {})
  local new = pool:rescore(1, { 0.25, 0.25 }, nil)
  lu.assertEquals({ old.mean, old.scores, list[2] }, { 1, { 1, 1 }, old })
  lu.assertEquals({ new.mean, new.idx, new.texts }, { 0.25, 1, { "a" } })
  lu.assertTrue(pool:get(1) == new and pool.list[2] == new)
  lu.assertEquals(pool:best().idx, 2)
  lu.assertEquals(pool:front_of(1), { pool:get(2) })
  lu.assertEquals(pool:front_of(2), { pool:get(0) })
  lu.assertEquals(#pool:dominators(), 2)
end

function TestPool.test_who_has_left_stays_away()
  local pool = pools.new { n = 1, size = 2 }
  pool:add(candidate("seed", 0))
  pool:add(candidate("a", 0.5))
  pool:add(candidate("b", 1))
  lu.assertNil(pool:rescore(1, { 1 }, nil))
  lu.assertEquals(#pool.list, 2)
end

-- ---- a search ------------------------------------------------------------------------

-- Every answer is a coin, whatever the text: what is the best is so by luck. `wait` says how long an
-- answer takes.
local function search(more, wait)
  local asked, worst = {}, 0
  local model = lg.model(function(request)
    local system, question = request.messages[1].content, request.messages[2].content
    local sample = request.sample or 0
    asked[#asked + 1] = { system, question, sample }
    worst = math.max(worst, sample)
    if wait then lg.sleep(wait(system, question, tostring(sample))) end
    return share(system, question, tostring(sample)) > 0.5 and "right" or "wrong"
  end)
  local prompt, rows = lg.param("p", "system prompt"), {}
  for i = 1, 20 do rows[i] = { question = "q" .. i, answer = "right" } end
  local spec = { program = function(row) return model { row.question, system = prompt } end,
    params = { prompt }, train = rows, val = rows, metric = lg.metric.exact, headroom = false,
    operators = { { name = "walk", batch = false, propose = function(_, _, context)
      if wait then lg.sleep(wait("walk", tostring(context.sample))) end
      return { "text " .. context.sample }
    end } }, budget = { evaluations = 600 }, seed = 3, rescore = true, lag = 3 }
  for name, value in pairs(more or {}) do spec[name] = value end
  return lg.optimize(spec), asked
end

local function told(result)
  local lines = {}
  for _, one in ipairs(result.proposals) do
    lines[#lines + 1] = table.concat({ one.number, one.operator, one.parent, tostring(one.kept),
      tostring(one.reason), one.calls, one.evaluations }, " ")
  end
  for _, one in ipairs(result.pool.list) do
    lines[#lines + 1] = ("%d %s %.4f"):format(one.idx, one.texts[1], one.mean)
  end
  return table.concat(lines, "\n")
end

TestRescore = {}

function TestRescore.test_the_best_was_asked_twice_and_has_the_mean()
  local result, asked = search()
  local best, draws = result.pool:best(), { [0] = {}, {} }
  lu.assertTrue(best.idx > 0)
  for _, one in ipairs(asked) do
    if one[1] == best.texts[1] then
      lu.assertNil(draws[one[3]][one[2]])
      draws[one[3]][one[2]] = true
    end
  end
  local sum = 0
  for i = 1, 20 do
    lu.assertTrue(draws[0]["q" .. i] and draws[1]["q" .. i])
    local mean = 0
    for _, sample in ipairs { "0", "1" } do
      mean = mean + (share(best.texts[1], "q" .. i, sample) > 0.5 and 0.5 or 0)
    end
    lu.assertEquals(best.scores[i], mean)
    sum = sum + mean
  end
  lu.assertAlmostEquals(result.best_score, sum / 20, 1e-9)
end

function TestRescore.test_it_counts_and_the_budget_is_kept()
  for _, most in ipairs { 45, 60, 150, 600 } do
    local result, asked = search { budget = { evaluations = most } }
    lu.assertTrue(result.spent.evaluations <= most, most)
    lu.assertEquals(#asked, result.spent.evaluations)
  end
end

function TestRescore.test_less_luck_is_believed()
  local lucky, sober = 0, 0
  for seed = 1, 8 do
    local more = { seed = seed, budget = { evaluations = 1000 } }
    sober = sober + search(more).best_score
    more.rescore = false
    lucky = lucky + search(more).best_score
  end
  lu.assertTrue(sober < lucky - 0.4, ("%.2f %.2f"):format(sober, lucky)) -- .05 a search, at least
end

function TestRescore.test_latencies_decide_nothing()
  local wanted
  for trial = 1, 5 do
    local wait = trial > 1 and function(...) return share(tostring(trial), ...) * 3 end or nil
    local result = search({}, wait)
    wanted = wanted or told(result)
    lu.assertEquals(told(result), wanted, "trial " .. trial)
  end
  lu.assertStrContains(wanted, "scored anew")
end

function TestRescore.test_a_lucky_score_does_not_stop_it()
  local by_score = 0
  for seed = 1, 8 do
    local result = search { stop = { score = 0.7 }, budget = { evaluations = 1500 }, seed = seed }
    local anew = {}
    for _, one in ipairs(result.proposals) do
      if one.operator == "rescore" then anew[one.parent] = true end
    end
    if result.stopped == "score" then
      by_score = by_score + 1
      lu.assertTrue(anew[result.pool:best().idx], seed)
    end
  end
  lu.assertTrue(by_score > 0)
end

function TestRescore.test_without_it_nothing_is_asked_twice()
  local _, asked = search { rescore = false }
  for _, one in ipairs(asked) do lu.assertEquals(one[3], 0) end
end

function TestRescore.test_objectives_are_means_as_well()
  local n = 0
  local result = lg.optimize { start = "a", role = "text", rescore = true, headroom = false,
    operators = { { name = "adds", batch = false, propose = function(parent)
      return { parent.texts[1] .. "a" }
    end } }, stop = { score = 10 },
    evaluate = function(text)
      n = n + 1
      return { length = #text / 100, turn = n / 100000 }
    end, budget = { evaluations = 30 } }
  local best = result.pool:best()
  lu.assertAlmostEquals((best.objectives[1].length + best.objectives[1].turn) / 2, best.scores[1],
    1e-12)
end

os.exit(lu.LuaUnit.run())
