--- What critic and editor were asked and how they replied: counted for the tables.
--
-- The figures are those of the engine (lg.stats) and of the reports of backward passes and steps.

local lg = require "lunagrad"
local var = require "lunagrad.var"

local operators = {}

local KINDS = { "answers", "critic", "editor", "judge" } -- in the order of lg.stats

local passes = {} -- of backward, also of those that lg.train makes

local backward = lg.var("", "").backward
var.add_method("backward", function(self, options)
  local pass = backward(self, options)
  passes[#passes + 1] = pass
  return pass
end)

--- Replies of the critic and merger since the last call that were no criticism.
---@return integer
function operators.critic_malformed()
  local n = 0
  for _, pass in ipairs(passes) do
    n = n + (tonumber(pass:text():match "(%d+) malformed") or 0)
  end
  passes = {}
  return n
end

--- The engine's counters, to be subtracted from later ones.
---@return table
function operators.mark()
  local stats, mark = lg.stats(), {}
  for i, kind in ipairs(KINDS) do
    local usage = stats.usage[i]
    mark[kind] = { calls = stats.calls_by_kind[i], input = usage.input, output = usage.output }
  end
  return mark
end

--- A line: calls and tokens by kind since a mark.
---@param since table
---@return string
function operators.spent(since)
  local now, words = operators.mark(), {}
  for _, kind in ipairs(KINDS) do
    local a, b = since[kind], now[kind]
    if b.calls > a.calls then
      words[#words + 1] = ("%s %d calls (%d tokens in, %d out)"):format(kind, b.calls - a.calls,
        b.input - a.input, b.output - a.output)
    end
  end
  return #words > 0 and table.concat(words, "; ") or "nothing was bought"
end

return operators
