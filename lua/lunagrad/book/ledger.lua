--- Calls, tokens and money of a run, as lines for people and fields for programs.
--
-- Pure: takes the engine's counters or rows of the store. Money is whole micro-dollars; what is
-- not known is nil and reads "n/a".

local prices = require "lunagrad.prices"

local ledger = {}

--- The roles, in the order of the engine's counters.
ledger.KINDS = { "forward", "backward", "optimizer", "judge" }

--- "$1.25", "at least $1.25; 3 calls n/a", "n/a"; nil when nothing was to pay for.
---@param micros integer known cost
---@param priced boolean whether any call had a price
---@param unpriced integer calls without one
---@return string|nil
function ledger.money(micros, priced, unpriced)
  if unpriced == 0 then return priced and prices.text(micros) or nil end
  if not priced or micros == 0 then return "n/a" end
  return ("at least %s; n/a for %d call%s without a price"):format(prices.text(micros), unpriced,
    unpriced == 1 and "" or "s")
end

--- How many replies were paid for: the answers, and what was of no use.
---@param stats table of the engine
---@return integer
function ledger.bought(stats) return stats.calls + (stats.useless or 0) end

--- The cost of a run as a line; nil when it bought nothing that has a price.
---@param stats table of the engine
---@return string|nil
function ledger.cost_line(stats)
  local micros, unpriced = stats.micros or 0, stats.unpriced or 0
  local text = ledger.money(micros, micros > 0, unpriced)
  if not text or unpriced > 0 and micros == 0 then
    return text and ("%s (no price known; --prices FILE)"):format(text)
  end
  local own = prices.overridden() and "your prices first, built-in ones" or "prices"
  return ("%s (%s as of %s)"):format(text, own, prices.as_of())
end

--- Dollars as a number for JSON; nil when any of it is unknown, or nothing had a price.
---@param stats table of the engine
---@return number|nil
function ledger.dollars(stats)
  if not stats.micros or (stats.unpriced or 0) > 0 or stats.micros == 0 then return nil end
  return stats.micros / 1e6
end

--- Rows {kind, model, calls, input, cached, cache_write, output, reasoning, micros, unpriced}
--- added up.
---@param rows table
---@return table totals of the same form
function ledger.total(rows)
  local sum = { calls = 0, input = 0, cached = 0, cache_write = 0, output = 0, reasoning = 0,
    micros = 0, unpriced = 0 }
  for _, row in ipairs(rows) do
    for name in pairs(sum) do sum[name] = sum[name] + (row[name] or 0) end
  end
  return sum
end

--- The cost of such a row, for people.
function ledger.row_cost(row)
  return ledger.money(row.micros or 0, row.calls > (row.unpriced or 0), row.unpriced or 0) or "n/a"
end

return ledger
