--- Limits of requests and tokens a minute, as providers keep them: a bucket for each key that holds
-- a minute's worth and refills steadily.
--
-- Time is given, so it can be virtual; it never runs backwards.

local rate = {}

---@class mock.rate
---@field rpm number|nil
---@field tpm number|nil
---@field buckets table<string, table>

--- Limits; nil for what is not limited.
---@param rpm number|nil
---@param tpm number|nil
---@return mock.rate
function rate.new(rpm, tpm) return { rpm = rpm, tpm = tpm, buckets = {} } end

local function refill(bucket, now)
  if now <= bucket.at then return end
  bucket.level = math.min(bucket.size, bucket.level + (now - bucket.at) * bucket.size / 60)
  bucket.at = now
end

local function bucket_of(self, key, what, size, now)
  if not size then return nil end
  local id = what .. "\n" .. key
  local bucket = self.buckets[id]
  if not bucket then
    bucket = { level = size, size = size, at = now }
    self.buckets[id] = bucket
  end
  refill(bucket, now)
  return bucket
end

-- Seconds until so much is there; a request bigger than the bucket needs it full, and what it takes
-- beyond that is paid off before the next.
local function wait_for(bucket, need)
  if not bucket then return 0 end
  local missing = math.min(need, bucket.size) - bucket.level
  return missing > 1e-9 and missing * 60 / bucket.size or 0
end

local function state(bucket)
  if not bucket then return nil end
  return { limit = math.floor(bucket.size),
    remaining = math.max(0, math.floor(bucket.level + 1e-9)),
    reset = (bucket.size - bucket.level) * 60 / bucket.size }
end

--- Take one request and its tokens, if both are there.
---@param self mock.rate
---@param key string
---@param now number seconds
---@param tokens integer
---@return number wait 0: taken; else seconds until it may be
---@return table limits { requests, tokens }, each { limit, remaining, reset }
---@return string what is short, "requests" or "tokens"
function rate.take(self, key, now, tokens)
  local requests = bucket_of(self, key, "requests", self.rpm, now)
  local budget = bucket_of(self, key, "tokens", self.tpm, now)
  local first, second = wait_for(requests, 1), wait_for(budget, tokens)
  local wait = math.max(first, second)
  if wait == 0 then
    if requests then requests.level = requests.level - 1 end
    if budget then budget.level = budget.level - tokens end
  end
  return wait, { requests = state(requests), tokens = state(budget) },
    first >= second and "requests" or "tokens"
end

return rate
