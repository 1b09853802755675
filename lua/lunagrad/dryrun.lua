--- A script run without its models: sim answers for them, and what they would cost is counted.
--
-- Every model that would ask a server becomes a function of this module. Nothing is sent, stored
-- or recorded. The counts are what the script really asks; how long the answers are, and which
-- steps are kept, is sim's doing, and `assumption` says so. Used by model.lua and cli.limits.

local core = require "lunagrad.core"
local prices = require "lunagrad.prices"

local dryrun = {}

dryrun.on = false

--- What every estimate rests on; printed with it.
dryrun.assumption = "sim, a rule-based stand-in, answered in place of the models: their answers "
  .. "are as many and as long as sim's, the same steps are kept, tokens are bytes / 4, nothing is "
  .. "cached or tried twice"

local rows, by_name = {}, {}
local asked = {}

local function row_of(name)
  local row = by_name[name]
  if not row then
    row = { model = name, calls = 0, input = 0, output = 0, price = prices.lookup(name) }
    if row.price then row.micros, row.worst_micros = 0, 0 end
    by_name[name] = row
    rows[#rows + 1] = row
  end
  return row
end

-- Equal requests are one call, as they are for a server's model.
local function is_first(name, request)
  local messages = {}
  for i, m in ipairs(request.messages) do messages[i] = { m.role, m.content } end
  local key = core.sha256(core.json_encode { name, messages, request.options or {},
    request.sample or 0 })
  if asked[key] then return false end
  asked[key] = true
  return true
end

local DEFAULT_OUTPUT = 4096 -- what the engine reserves for a call without max_tokens

local function count(row, reply, most)
  row.calls = row.calls + 1
  row.input, row.output = row.input + reply.usage.input, row.output + reply.usage.output
  if row.price then
    row.micros = row.micros + prices.cost(row.price, reply.usage)
    row.worst_micros = row.worst_micros
      + prices.cost(row.price, { input = reply.usage.input, output = most or DEFAULT_OUTPUT })
  end
end

--- A function(request) that answers as sim and counts for the model `name`.
---@param name string
---@param decoded function request of the engine → request with values
function dryrun.model(name, decoded)
  local row = row_of(name)
  return function(raw)
    local request = decoded(raw)
    request.model = "sim/default"
    local reply = require("lunagrad.sim.talk").reply(request)
    if is_first(name, raw) then
      count(row, reply, request.max_completion_tokens or request.max_tokens)
    end
    return reply
  end
end

--- Count a request for the vectors of texts.
---@param name string
---@param texts string[]
function dryrun.count_texts(name, texts)
  local bytes = 0
  for _, text in ipairs(texts) do bytes = bytes + #text end
  count(row_of(name), { usage = { input = (bytes + 3) // 4, output = 0 } }, 0)
end

--- What was counted, one row a model: {model, calls, input, output, micros, worst_micros, price};
--- micros are nil where no price is known.
---@return table rows, table total {calls, input, output, micros, worst_micros, unpriced}
function dryrun.estimate()
  local total = { calls = 0, input = 0, output = 0, micros = 0, worst_micros = 0, unpriced = 0 }
  local list = {}
  for _, row in ipairs(rows) do
    if row.calls > 0 then
      total.calls = total.calls + row.calls
      total.input, total.output = total.input + row.input, total.output + row.output
      total.micros = total.micros + (row.micros or 0)
      total.worst_micros = total.worst_micros + (row.worst_micros or 0)
      if not row.price then total.unpriced = total.unpriced + row.calls end
      list[#list + 1] = row
    end
  end
  table.sort(list, function(a, b) return a.model < b.model end)
  return list, total
end

return dryrun
