--- How the mock server misbehaves: latencies and faults, drawn from seeds.
--
-- Every draw is a hash of (seed, request body, how often that body was seen), so it does not
-- depend on the order in which requests arrive. Pure: no clock, no server.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"

local plan = {}

-- Every kind of fault, with what it does in words (for --help).
plan.kinds = {
  { "429", "rate limited, no Retry-After" },
  { "429-retry-after", "rate limited, Retry-After: 1" },
  { "5xx", "500, 502, 503 or 529; or name one of them" },
  { "reset", "the connection is reset before any reply" },
  { "reset-body", "half of the reply, then a reset" },
  { "close", "the request is read, the connection closed without a reply" },
  { "truncate", "a whole HTTP reply whose JSON stops in the middle" },
  { "malformed", "a reply that is not JSON, though it looks like it" },
  { "html", "200 with an HTML page, as from a proxy" },
  { "slow", "the right reply, in ten pieces over a second" },
  { "error-200", "an error under status 200; in a stream, after half of it" },
  { "no-finish", "an answer without a finish reason; a stream without its end" },
  { "filter", "an answer that a content filter stopped halfway, billed all the same" },
  { "timeout", "no reply; the connection is held, then closed" },
}

local SERVER_ERRORS = { "500", "502", "503", "529" }

-- "mixed" is all that a client can get over quickly by asking again. An answer without a finish
-- reason is read differently by different clients; it comes only where it is asked for.
local APART = { timeout = true, ["error-200"] = true, ["no-finish"] = true, filter = true }
local MIXED = {}
local KNOWN = {}
for _, kind in ipairs(plan.kinds) do
  KNOWN[#KNOWN + 1] = kind[1]
  if not APART[kind[1]] then MIXED[#MIXED + 1] = kind[1] end
end
for _, status in ipairs(SERVER_ERRORS) do KNOWN[#KNOWN + 1] = status end

--- A number in [0, 1) that depends on nothing but its arguments.
---@param seed string
---@param what string separates draws for different purposes
---@param body_sha256 string
---@param attempt integer how often this body was seen, from 1
---@return number
function plan.draw(seed, what, body_sha256, attempt)
  local hex = core.sha256(("%s\n%s\n%s\n%d"):format(seed, what, body_sha256, attempt))
  return tonumber(hex:sub(1, 13), 16) / 2.0 ^ 52
end

-- "20%" or "0.2"
local function rate(option, text)
  local percent = text:match("^([%d.]+)%%$")
  local value = tonumber(percent or text)
  if percent and value then value = value / 100 end
  if not value or value < 0 or value > 1 then
    args.fail(("%s needs a rate such as 0.2 or 20%%, not %q"):format(option, text))
  end
  return value
end

local function check_kind(kind)
  for _, known in ipairs(KNOWN) do
    if known == kind then return end
  end
  args.fail(("--fault does not know %q"):format(kind),
    args.did_you_mean(kind, KNOWN, "one of " .. table.concat(KNOWN, ", ")))
end

--- Read --faults and --fault.
---@param mixed string|nil a rate, for all kinds together
---@param single string[]|nil "kind=rate"
---@return table list of { kind, rate }
function plan.faults(mixed, single)
  local list, sum = {}, 0
  if mixed then
    local text = mixed:gsub("%s+mixed$", "")
    local value = rate("--faults", text)
    for _, kind in ipairs(MIXED) do list[#list + 1] = { kind, value / #MIXED } end
  end
  for _, text in ipairs(single or {}) do
    local kind, value = text:match("^([^=]+)=(.+)$")
    if not kind then args.fail(("--fault needs KIND=RATE, not %q"):format(text)) end
    check_kind(kind)
    list[#list + 1] = { kind, rate("--fault " .. kind, value) }
  end
  for _, fault in ipairs(list) do sum = sum + fault[2] end
  if sum > 1 + 1e-9 then
    args.fail(("the fault rates add up to %.2f, more than 1"):format(sum))
  end
  return list
end

--- Which fault this request gets, or nil.
---@param faults table as made by plan.faults
---@return string|nil
function plan.fault(faults, seed, body_sha256, attempt)
  if #faults == 0 then return nil end
  local left = plan.draw(seed, "fault", body_sha256, attempt)
  for _, fault in ipairs(faults) do
    left = left - fault[2]
    if left < 0 then
      if fault[1] ~= "5xx" then return fault[1] end
      local u = plan.draw(seed, "status", body_sha256, attempt)
      return SERVER_ERRORS[1 + math.floor(u * #SERVER_ERRORS)]
    end
  end
end

local function latency_error(text)
  args.fail(("--latency does not understand %q"):format(text),
    "use 200, uniform:50..400 or tail:100,p=0.05,x20; milliseconds")
end

--- Read --latency.
---@param text string|nil
---@return fun(u: number): integer milliseconds for a draw u in [0, 1)
function plan.latency(text)
  text = text or "0"
  local fixed = text:match("^[%d.]+$") and tonumber(text)
  if fixed then
    return function() return math.floor(fixed + 0.5) end
  end
  local low, high = text:match("^uniform:([%d.]-)%.%.([%d.]+)$")
  low, high = tonumber(low), tonumber(high)
  if low and high and low <= high then
    return function(u) return math.floor(low + u * (high - low) + 0.5) end
  end
  local base, p, factor = text:match("^tail:([%d.]+),p=([%d.]+),x([%d.]+)$")
  base, p, factor = tonumber(base), tonumber(p), tonumber(factor)
  if base and p and factor and p <= 1 then
    return function(u) return math.floor(base * (u < p and factor or 1) + 0.5) end
  end
  latency_error(text)
end

return plan
