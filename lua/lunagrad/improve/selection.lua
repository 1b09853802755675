--- Who of the pool is the next parent.
--
-- Each way is a function of the pool and a generator: equal ones give the same parent. `top` and
-- `epsilon` make such a function.

local pool_order = require "lunagrad.improve.pool"

---@alias lunagrad.selection fun(pool: lunagrad.pool, rng: lunagrad.rng): lunagrad.candidate

local selection = {}

--- One of those that are needed, the likelier the more fronts it holds.
---@type lunagrad.selection
function selection.pareto(pool, rng)
  local list, weight = pool:dominators()
  local all = 0
  for _, one in ipairs(list) do all = all + weight[one] end
  if all == 0 then return pool:best() end
  local at = rng:int(1, all)
  for _, one in ipairs(list) do
    at = at - weight[one]
    if at <= 0 then return one end
  end
end

--- The best by its mean.
---@type lunagrad.selection
function selection.best(pool)
  return pool:best()
end

--- The best, but with probability e one of those that are needed, as `pareto` draws it.
---@param e number 0 to 1
---@return lunagrad.selection
function selection.pareto_share(e)
  return function(pool, rng)
    if rng:float() < e then return selection.pareto(pool, rng) end
    return pool:best()
  end
end

--- One of the k best by their means, all equally likely.
---@param k integer
---@return lunagrad.selection
function selection.top(k)
  return function(pool, rng)
    local list = table.move(pool.list, 1, #pool.list, 1, {})
    table.sort(list, pool_order.better)
    return list[rng:int(1, math.min(k, #list))]
  end
end

--- The best, but with probability e any of the pool.
---@param e number 0 to 1
---@return lunagrad.selection
function selection.epsilon(e)
  return function(pool, rng)
    if rng:float() < e then return rng:pick(pool.list) end
    return pool:best()
  end
end

return selection
