--- A script run without its models: sim answers for them, and what they would cost is counted.
--
-- Every model that would ask a server becomes a function of this module. Nothing is sent, stored
-- or recorded. The counts are what the script really asks; how long the answers are, and which
-- steps are kept, is sim's doing, and `assumption` says so. Used by model.lua and cli.limits.

local core = require "lunagrad.core"
local prices = require "lunagrad.prices"

local dryrun = {}

--- What every estimate rests on; printed with it.
dryrun.assumption = "sim, a rule-based stand-in, answered in place of the models: their answers "
  .. "are as many and as long as sim's, the same steps are kept, tokens are bytes / 4, nothing is "
  .. "cached or tried twice"

local rows, by_name = {}, {}
local asked = {}

-- told: { name, priced = the name that its price has, draws = it makes pictures }. How long a
-- picture is, is known or not.
local function row_of(told)
  local name = told.name
  local row = by_name[name]
  if not row then
    local price = prices.lookup(told.priced)
    row = { model = name, calls = 0, input = 0, output = 0,
      price = (not told.draws or price and price.most) and price or nil }
    row.picture = told.draws and row.price and row.price.most
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

local world = "sim/default"

--- Who answers: the world of sim that a script names for who runs it without a model.
---@param name string another model's is ignored
function dryrun.stand_in(name)
  if name:find "^sim/" then world = name end
end

local DEFAULT_OUTPUT = 4096 -- what the engine reserves for a call without max_tokens

local function count(row, reply, most)
  local usage = reply.usage
  if row.picture then
    usage = { input = usage.input, output = row.picture, image_out = row.picture }
    most = row.picture
  end
  row.calls = row.calls + 1
  row.input, row.output = row.input + usage.input, row.output + usage.output
  if row.price then
    most = most or DEFAULT_OUTPUT
    row.micros = row.micros + prices.cost(row.price, usage)
    row.worst_micros = row.worst_micros
      + prices.cost(row.price, { input = usage.input, output = most, image_out = most })
  end
end

--- A function(request) that answers as sim and counts for a model.
---@param told table name, priced (the name that its price has), draws (it makes pictures)
---@param decoded function request of the engine → request with values
function dryrun.model(told, decoded)
  local row, name = row_of(told), told.name
  return function(raw)
    local request = decoded(raw)
    request.model = world
    local reply = require("lunagrad.world.talk").reply(request)
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
  local priced = name:gsub("^([^/]+)%-embed/", "%1/")
  local reply = { usage = { input = (bytes + 3) // 4, output = 0 } }
  count(row_of { name = name, priced = priced }, reply, 0)
end

local plans = {}

--- A search that would be made: what it would ask for, and what it could show.
---@param found lunagrad.headroom
function dryrun.plan(found) plans[#plans + 1] = found end

--- The searches, in the order in which they began.
---@return lunagrad.headroom[]
function dryrun.plans() return table.move(plans, 1, #plans, 1, {}) end

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
