--- What models cost: a small table with its date, and a file in litellm's format that overrides it.
--
-- Prices are whole micro-dollars per million tokens; costs whole micro-dollars. A model that is
-- not found has no price: nil, which people read as "n/a" and never as 0. Servers of one's own
-- (ollama, vllm, …) and models that ask nobody cost nothing by declaration. A name is looked up
-- as it is, then without a date at its end; nothing is guessed from names that look alike.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

local prices = {}

-- ---- the table -----------------------------------------------------------------------

-- Dollars per million tokens: model, input, cached input, cache write, output; "-" where a
-- price was not to be had (then the input's counts: never too little). The rows were taken from
-- public collections of prices on the day `as_of`; a model on which two of them differed is not
-- here. `source` is the provider's own page, which decides. Surcharges for very long inputs (from
-- the number behind "long" on) are not in the numbers.
local TABLE = {
  { provider = "openai", as_of = "2026-08-21",
    source = "https://developers.openai.com/api/docs/pricing", [[
    gpt-4o          2.50  1.25   -      10.00
    gpt-4o-mini     0.15  0.075  -       0.60
    gpt-4.1         2.00  0.50   -       8.00
    gpt-4.1-mini    0.40  0.10   -       1.60
    gpt-4.1-nano    0.10  0.025  -       0.40
    gpt-5           1.25  0.125  -      10.00
    gpt-5-mini      0.25  0.025  -       2.00
    gpt-5-nano      0.05  0.005  -       0.40
    gpt-5.1         1.25  0.125  -      10.00
    gpt-5.2         1.75  0.175  -      14.00
    gpt-5.4         2.50  0.25   -      15.00  long 272000
    gpt-5.4-mini    0.75  0.075  -       4.50
    gpt-5.4-nano    0.20  0.02   -       1.25
    gpt-5.5         5.00  0.50   -      30.00  long 272000
    gpt-5.6-luna    0.20  0.02   0.25    1.20  long 272000
    gpt-5.6-terra   2.00  0.20   2.50   12.00  long 272000
    gpt-5.6-sol     5.00  0.50   6.25   30.00  long 272000
    o4-mini         1.10  0.275  -       4.40 ]] },
  { provider = "anthropic", as_of = "2026-08-21",
    source = "https://www.anthropic.com/pricing#api", [[
    claude-haiku-4-5   1.00  0.10  1.25   5.00
    claude-sonnet-4-5  3.00  0.30  3.75  15.00  long 200000
    claude-sonnet-4-6  3.00  0.30  3.75  15.00
    claude-sonnet-5    3.00  0.30  3.75  15.00
    claude-opus-4-5    5.00  0.50  6.25  25.00
    claude-opus-4-6    5.00  0.50  6.25  25.00
    claude-opus-4-7    5.00  0.50  6.25  25.00
    claude-opus-4-8    5.00  0.50  6.25  25.00
    claude-fable-5    10.00  1.00 12.50  50.00 ]] },
  { provider = "gemini", as_of = "2026-08-21",
    source = "https://ai.google.dev/gemini-api/docs/pricing", [[
    gemini-2.5-pro          1.25  0.125  -  10.00  long 200000
    gemini-2.5-flash        0.30  0.03   -   2.50
    gemini-2.5-flash-lite   0.10  0.01   -   0.40
    gemini-3.1-pro-preview  2.00  0.20   -  12.00  long 200000
    gemini-3.1-flash-lite   0.25  0.025  -   1.50
    gemini-3.5-flash        1.50  0.15   -   9.00
    gemini-3.5-flash-lite   0.30  0.03   -   2.50 ]] },
  { provider = "mistral", as_of = "2026-08-21",
    source = "https://mistral.ai/pricing#api-pricing", [[
    mistral-large-2512   0.50  0.05   -  1.50
    mistral-medium-2505  0.40  -      -  2.00
    mistral-small-2603   0.15  0.015  -  0.60 ]] },
  { provider = "deepseek", as_of = "2026-08-21",
    source = "https://api-docs.deepseek.com/quick_start/pricing", [[
    deepseek-v4-flash  0.14  -  -  0.28 ]] },
  { provider = "xai", as_of = "2026-08-21", source = "https://docs.x.ai/docs/models", [[
    grok-4.3          1.25  0.20  -  2.50  long 200000
    grok-4.5          2.00  -     -  6.00  long 200000
    grok-code-fast-1  0.20  0.02  -  1.50 ]] },
  { provider = "groq", as_of = "2026-08-21", source = "https://groq.com/pricing/", [[
    llama-3.3-70b-versatile  0.59   -       -  0.79
    llama-3.1-8b-instant     0.05   -       -  0.08
    openai/gpt-oss-120b      0.15   0.075   -  0.60
    openai/gpt-oss-20b       0.075  0.0375  -  0.30 ]] },
  { provider = "moonshot", as_of = "2026-08-21",
    source = "https://platform.moonshot.ai/docs/pricing/chat", [[
    kimi-k2.6  0.95  0.16  -   4.00
    kimi-k3    3.00  0.30  -  15.00 ]] },
}

-- Nobody is paid for these.
local FREE = { sim = true, lua = true, replay = true, exec = true, ollama = true, vllm = true,
  lmstudio = true, llamacpp = true, sglang = true }

---@class lunagrad.price
---@field input integer micro-dollars per million tokens, as all prices here
---@field output integer
---@field cached integer|nil of input that the provider had in its cache; nil: as input
---@field cache_write integer|nil of input that was written into it; nil: as input
---@field as_of string the day the row was taken
---@field source string the page that says so
---@field long_context integer|nil tokens of input from which the provider asks more

-- "0.075" -> 75000, without a float in between.
local function micros_of(decimal)
  if decimal == "-" then return nil end
  local whole, part = decimal:match "^(%d+)%.?(%d*)$"
  return math.tointeger(tonumber(whole)) * 1000000
    + math.tointeger(tonumber((part .. "000000"):sub(1, 6)))
end

local built_in

local function rows()
  if built_in then return built_in end
  built_in = {}
  for _, block in ipairs(TABLE) do
    for line in block[1]:gmatch "[^\n]+" do
      local id, input, cached, write, output, more = line:match
        "^%s*(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s*(.-)%s*$"
      built_in[block.provider .. "/" .. id] = {
        input = micros_of(input), cached = micros_of(cached), cache_write = micros_of(write),
        output = micros_of(output), as_of = block.as_of, source = block.source,
        long_context = math.tointeger(tonumber(more:match "^long (%d+)$" or "")),
      }
    end
  end
  return built_in
end

--- All rows of the built-in table, by "provider/model".
---@return table<string, lunagrad.price>
function prices.table() return rows() end

-- ---- litellm's format ------------------------------------------------------------------

local PER_TOKEN = 1e12 -- dollars per token -> micro-dollars per million tokens
local HIGHEST = 1e6    -- dollars per token: more is a mistake, and would not fit an integer

local function from_token(value)
  if type(value) == "string" then value = tonumber(value) end
  if type(value) ~= "number" or value ~= value or value < 0 or value > HIGHEST then return nil end
  return math.floor(value * PER_TOKEN + 0.5)
end

-- What litellm calls our providers.
local LITELLM = { together = "together_ai", fireworks = "fireworks_ai" }

--- Read a table as litellm's model_prices_and_context_window.json: model → prices per token.
---@param map table
---@param source string where it is from
---@param as_of string|nil
---@return table<string, lunagrad.price> prices by name, integer how many
function prices.from_litellm(map, source, as_of)
  local found, n = {}, 0
  for name, row in pairs(map) do
    if type(name) == "string" and name ~= "sample_spec" and type(row) == "table" then
      local input = from_token(row.input_cost_per_token)
      local output = from_token(row.output_cost_per_token)
      if input and output then
        n = n + 1
        found[name] = { input = input, output = output,
          cached = from_token(row.cache_read_input_token_cost),
          cache_write = from_token(row.cache_creation_input_token_cost),
          as_of = as_of or "n/a", source = source,
          provider = type(row.litellm_provider) == "string" and row.litellm_provider or nil }
      end
    end
  end
  return found, n
end

local override

local function read_file(path, level)
  local file, message = io.open(path, "rb")
  if not file then
    errors.raise("notfound", ("prices: %s"):format(message),
      "give a JSON file in litellm's format: model names with input_cost_per_token and "
        .. "output_cost_per_token", level + 1)
  end
  local text = file:read "a" or ""
  file:close()
  local map, problem = core.json_decode(text)
  if type(map) ~= "table" then
    errors.raise("parse", ("prices: %s: %s"):format(path, problem or "no table of models"),
      "give a JSON file in litellm's format", level + 1)
  end
  return map
end

--- Prices that stand before the built-in ones: the path of a JSON file in litellm's format, or
--- such a table. nil: the built-in ones alone.
---@param from string|table|nil
---@param level? integer whose line is to blame
---@return integer how many models it prices
function prices.use(from, level)
  level = (level or 1) + 1
  if from == nil then
    override = nil
    return 0
  end
  local map, source = from, "lg.configure"
  if type(from) == "string" then map, source = read_file(from, level), from end
  local found, n = prices.from_litellm(map, source)
  if n == 0 then
    errors.raise("inval", ("prices: %s prices no model"):format(source),
      "each model needs input_cost_per_token and output_cost_per_token, in dollars", level)
  end
  override = found
  return n
end

--- Whether an own file or table is used.
function prices.overridden() return override ~= nil end

-- ---- looking up ------------------------------------------------------------------------

local function undated(id)
  return id:match "^(.+)%-20%d%d%-%d%d%-%d%d$" or id:match "^(.+)%-20%d%d%d%d%d%d$"
    or id:match "^(.+)%-latest$"
end

local function in_override(provider, id)
  if not override then return nil end
  local theirs = LITELLM[provider] or provider
  local row = override[provider .. "/" .. id] or override[theirs .. "/" .. id]
  if row then return row end
  row = override[id]
  if row and (row.provider == nil or row.provider == theirs) then return row end
  return nil
end

--- The price of a model, or nil: nothing is known.
---@param name string "provider/model"
---@return lunagrad.price|nil
function prices.lookup(name)
  local provider, id = name:match "^([^/]+)/(.+)$"
  if not provider then provider, id = name, name end
  local short = undated(id)
  return in_override(provider, id) or short and in_override(provider, short)
    or rows()[provider .. "/" .. id] or short and rows()[provider .. "/" .. short]
    or FREE[provider] and { input = 0, output = 0, as_of = "always", source = "local" } or nil
end

--- Is this a model that nobody is paid for?
function prices.is_free(name) return FREE[name:match "^[^/]+"] == true end

-- ---- reckoning -------------------------------------------------------------------------

-- a * b / 1e6, rounded up; parts, so that no product leaves 63 bits
local function times(tokens, price)
  local whole, rest = price // 1000000, price % 1000000
  return tokens * whole, tokens * rest
end

--- What so many tokens cost: whole micro-dollars, rounded up; nil without a price.
---@param price lunagrad.price|nil
---@param usage table {input, output, cached?, cache_write?}; input includes the last two
---@return integer|nil
function prices.cost(price, usage)
  if not price then return nil end
  local cached, written = usage.cached or 0, usage.cache_write or 0
  local plain = math.max(0, (usage.input or 0) - cached - written)
  local whole, parts = 0, 0
  for _, pair in ipairs { { plain, price.input }, { cached, price.cached or price.input },
    { written, price.cache_write or price.input }, { usage.output or 0, price.output } } do
    local a, b = times(pair[1], pair[2])
    whole, parts = whole + a, parts + b
  end
  return whole + (parts + 999999) // 1000000
end

--- Micro-dollars for people: "$1.25", "$0.000123", "n/a" for nil.
---@param micros integer|nil
---@return string
function prices.text(micros)
  if micros == nil then return "n/a" end
  local dollars, part = micros // 1000000, ("%06d"):format(micros % 1000000)
  if dollars >= 100 or micros % 10000 == 0 then
    return ("$%d.%s"):format(dollars, part:sub(1, 2))
  end
  return ("$%d.%s"):format(dollars, (part:gsub("0+$", "")))
end

--- The newest date of the rows in use, for "prices as of …".
---@return string
function prices.as_of()
  local newest = ""
  for _, block in ipairs(TABLE) do
    if block.as_of > newest then newest = block.as_of end
  end
  return newest
end

--- The fields that core.model takes for a model of this name.
---@param name string
---@param spec table filled: price_input, price_output, price_cached, price_cache_write
---@return lunagrad.price|nil
function prices.fill(name, spec)
  local price = prices.lookup(name)
  if price then
    spec.price_input, spec.price_output = price.input, price.output
    spec.price_cached = price.cached or price.input
    spec.price_cache_write = price.cache_write or price.input
  end
  return price
end

return prices
