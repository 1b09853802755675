--- An axis: from where to where it goes, where its ticks are, what stands at them.
--
-- Pure arithmetic. Values that are not finite are nobody's and do not widen it.

local axis = {}

local TICKS = 6

--- Whether a value has a place on an axis.
---@param v any
---@return boolean
function axis.holds(v) return type(v) == "number" and v == v and v > -1e300 and v < 1e300 end

-- 1, 2 or 5 times a power of ten, so that about TICKS of them fill the span.
local function nice_step(span)
  local power = 10.0 ^ math.floor(math.log(span / TICKS, 10))
  for _, times in ipairs { 1, 2, 5 } do
    if span / (power * times) <= TICKS * 1.2 then return power * times end
  end
  return power * 10
end

local function written(v, step)
  local decimals = math.max(0, -math.floor(math.log(step, 10) + 1e-9))
  local plain = math.abs(v) < 1e6 and decimals <= 6
  local text = (plain and "%." .. decimals .. "f" or "%.4g"):format(v):gsub(",", ".")
  if not text:find "[1-9]" then return (text:gsub("^%-", "")) end
  return (text:gsub("^%-", "−"))
end

-- The least and the most of the values, with a little room, and some where there is one value.
local function range(values, opts)
  local low, high
  for _, v in ipairs(values) do
    if axis.holds(v) then low, high = math.min(low or v, v), math.max(high or v, v) end
  end
  low, high = low or opts.min or 0.0, high or opts.max or 1.0
  local room = (high - low) * 0.05
  if room == 0 then room = low == 0 and 1.0 or math.abs(low) * 0.05 end
  low, high = opts.min or low - room, opts.max or high + room
  if low >= high then
    low, high = math.min(low, high), math.max(low, high) + (low == high and 1 or 0)
  end
  return low, high
end

---@class lunagrad.axis
---@field low number
---@field high number
---@field ticks { at: number, text: string }[]
---@field place fun(v: number): number 0 at the left or bottom, 1 at the right or top

--- An axis over these values.
---@param values number[]
---@param opts { min: number?, max: number?, reverse: boolean? }
---@return lunagrad.axis
function axis.over(values, opts)
  local low, high = range(values, opts)
  local span = high - low
  local step = nice_step(span)
  local ticks = {}
  for n = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do
    ticks[#ticks + 1] = { at = n * step, text = written(n * step, step) }
  end
  local function place(v)
    local share = (v - low) / span
    return opts.reverse and 1 - share or share
  end
  return { low = low, high = high, ticks = ticks, place = place }
end

return axis
