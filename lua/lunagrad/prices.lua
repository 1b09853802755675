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
-- here. `source` is the provider's own page, which decides. "long N x2 x1.5": a call with more than
-- N tokens of input pays twice for all of its input and 1.5 times for its output. "image 8 32": its
-- tokens that are pictures cost so much, in and out (cached ones are told apart nowhere: the dearer
-- price). "most N": tokens of the largest picture, by the page's price of one. Embeddings have no
-- output. Prices that hold until a day are not here: the later one is.
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
    gpt-5.4         2.50  0.25   -      15.00  long 272000 x2 x1.5
    gpt-5.4-mini    0.75  0.075  -       4.50
    gpt-5.4-nano    0.20  0.02   -       1.25
    gpt-5.5         5.00  0.50   -      30.00  long 272000 x2 x1.5
    gpt-5.6-luna    0.20  0.02   0.25    1.20  long 272000 x2 x1.5
    gpt-5.6-terra   2.00  0.20   2.50   12.00  long 272000 x2 x1.5
    gpt-5.6-sol     5.00  0.50   6.25   30.00  long 272000 x2 x1.5
    o4-mini         1.10  0.275  -       4.40
    text-embedding-3-small  0.02  -  -   0
    text-embedding-3-large  0.13  -  -   0
    text-embedding-ada-002  0.10  -  -   0
    gpt-image-1       5.00  2.50  -  40.00  image 10.00 40.00  most 6263
    gpt-image-1-mini  2.00  0.25  -   8.00  image  2.50  8.00  most 6563
    gpt-image-1.5     5.00  2.00  -  10.00  image  8.00 32.00  most 6266
    gpt-image-2       5.00  2.00  -  30.00  image  8.00 30.00 ]] },
  { provider = "openai", as_of = "2026-09-30",
    source = "https://developers.openai.com/api/docs/pricing", [[
    gpt-6-luna   0.10  0.01  0.125   0.50  long 272000 x2 x1.5
    gpt-6-sol    2.00  0.20  2.50   10.00  long 272000 x2 x1.5
    gpt-6.1-sol  2.00  0.10  2.50   10.00  long 272000 x2 x1.5 ]] },
  { provider = "anthropic", as_of = "2026-10-24",
    source = "https://www.anthropic.com/pricing#api", [[
    claude-haiku-4-5   1.00  0.10  1.25   5.00
    claude-haiku-5-5   0.10  0.01  0.125  0.50  long 100000 x5 x5
    claude-sonnet-4-5  3.00  0.30  3.75  15.00  long 200000 x2 x1.5
    claude-sonnet-4-6  3.00  0.30  3.75  15.00
    claude-sonnet-5    2.00  0.20  2.50  10.00
    claude-sonnet-5-5  2.00  0.10  2.50  10.00
    claude-opus-4-5    5.00  0.50  6.25  25.00
    claude-opus-4-6    5.00  0.50  6.25  25.00
    claude-opus-4-7    5.00  0.50  6.25  25.00
    claude-opus-4-8    5.00  0.50  6.25  25.00
    claude-opus-5      5.00  0.50  6.25  25.00
    claude-opus-5-5    4.00  0.20  5.00  20.00
    claude-fable-5    10.00  1.00 12.50  50.00
    claude-fable-5-1  10.00  0.25 12.50  50.00 ]] },
  { provider = "gemini", as_of = "2026-08-21",
    source = "https://ai.google.dev/gemini-api/docs/pricing", [[
    gemini-2.5-pro          1.25  0.125  -  10.00  long 200000 x2 x1.5
    gemini-2.5-flash        0.30  0.03   -   2.50
    gemini-2.5-flash-lite   0.10  0.01   -   0.40
    gemini-3.1-pro-preview  2.00  0.20   -  12.00  long 200000 x2 x1.5
    gemini-3.1-flash-lite   0.25  0.025  -   1.50
    gemini-3.5-flash        1.50  0.15   -   9.00
    gemini-3.5-flash-lite   0.30  0.03   -   2.50
    gemini-embedding-001    0.15  -      -   0
    gemini-embedding-2      0.20  -      -   0
    gemini-2.5-flash-image          0.30  -  -   2.50  image 0.30  30.00
    gemini-3-pro-image              2.00  -  -  12.00  image 2.00 120.00
    gemini-3-pro-image-preview      2.00  -  -  12.00  image 2.00 120.00
    gemini-3.1-flash-image          0.50  -  -   3.00  image 0.50  60.00
    gemini-3.1-flash-image-preview  0.50  -  -   3.00  image 0.50  60.00 ]] },
  { provider = "mistral", as_of = "2026-08-21",
    source = "https://mistral.ai/pricing#api-pricing", [[
    mistral-large-2512   0.50  0.05   -  1.50
    mistral-medium-2505  0.40  -      -  2.00
    mistral-small-2603   0.15  0.015  -  0.60
    mistral-embed        0.10  -      -  0 ]] },
  { provider = "deepseek", as_of = "2026-08-21",
    source = "https://api-docs.deepseek.com/quick_start/pricing", [[
    deepseek-v4-flash  0.14  -  -  0.28 ]] },
  { provider = "xai", as_of = "2026-08-21", source = "https://docs.x.ai/docs/models", [[
    grok-4.3          1.25  0.20  -  2.50  long 200000 x2 x2
    grok-4.5          2.00  -     -  6.00  long 200000 x2 x2
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
  { provider = "voyage", as_of = "2026-08-21", source = "https://docs.voyageai.com/docs/pricing", [[
    voyage-4-large         0.12  -  -  0
    voyage-4               0.06  -  -  0
    voyage-4-lite          0.02  -  -  0
    voyage-3-large         0.18  -  -  0
    voyage-3.5             0.06  -  -  0
    voyage-3.5-lite        0.02  -  -  0
    voyage-code-3          0.18  -  -  0
    voyage-finance-2       0.12  -  -  0
    voyage-law-2           0.12  -  -  0 ]] },
  { provider = "cohere", as_of = "2026-08-21", source = "https://cohere.com/pricing", [[
    embed-v4.0  0.12  -  -  0 ]] },
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
---@field tiers lunagrad.price_tier[]|nil other prices for long inputs, ascending
---@field image_input integer|nil of input that is pictures; nil: as input
---@field image_output integer|nil of output that is pictures; nil: as output
---@field most integer|nil tokens of output that one picture may have

---@class lunagrad.price_tier prices of a whole call whose input is longer; nil: as below it
---@field above integer tokens of input
---@field input integer|nil
---@field output integer|nil
---@field cached integer|nil
---@field cache_write integer|nil

-- "0.075" -> 75000, without a float in between.
local function micros_of(decimal)
  if decimal == "-" then return nil end
  local whole, part = decimal:match "^(%d+)%.?(%d*)$"
  return math.tointeger(tonumber(whole)) * 1000000
    + math.tointeger(tonumber((part .. "000000"):sub(1, 6)))
end

-- "image 8.00 32.00", "most 6240": pictures.
local function add_pictures(row, more)
  local input, output = more:match "image%s+(%S+)%s+(%S+)"
  if input then row.image_input, row.image_output = micros_of(input), micros_of(output) end
  row.most = math.tointeger(tonumber(more:match "most%s+(%d+)"))
  return row
end

-- "long 200000 x2 x1.5": the tier above that many tokens.
local function add_tier(row, more)
  local above, input, output = more:match "long (%d+) x([%d.]+) x([%d.]+)"
  if not above then return row end
  local function times(price, factor) return price and price * micros_of(factor) // 1000000 end
  row.tiers = { { above = math.tointeger(tonumber(above)), input = times(row.input, input),
    cached = times(row.cached, input), cache_write = times(row.cache_write, input),
    output = times(row.output, output) } }
  return row
end

local built_in

local function rows()
  if built_in then return built_in end
  built_in = {}
  for _, block in ipairs(TABLE) do
    for line in block[1]:gmatch "[^\n]+" do
      local id, input, cached, write, output, more = line:match
        "^%s*(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s*(.-)%s*$"
      local row = { input = micros_of(input), cached = micros_of(cached),
        cache_write = micros_of(write), output = micros_of(output), as_of = block.as_of,
        source = block.source }
      built_in[block.provider .. "/" .. id] = add_pictures(add_tier(row, more), more)
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

-- What litellm's keys for long inputs begin with.
local TIER_KEYS = { input = "input_cost_per_token", output = "output_cost_per_token",
  cached = "cache_read_input_token_cost", cache_write = "cache_creation_input_token_cost" }
local MOST_TIERS = 4 -- the engine's

-- Of more tiers than the engine holds, the last takes the place of those it cannot hold, from the
-- first of them on: never too little.
local function fit_tiers(tiers)
  if #tiers <= MOST_TIERS then return tiers end
  tiers[#tiers].above = tiers[MOST_TIERS].above
  local fit = table.move(tiers, 1, MOST_TIERS - 1, 1, {})
  fit[MOST_TIERS] = tiers[#tiers]
  return fit
end

-- "input_cost_per_token_above_200k_tokens" and its like, as tiers.
local function tiers_of(row)
  local by_above, tiers = {}, {}
  for field, key in pairs(TIER_KEYS) do
    for name, value in pairs(row) do
      local thousands = type(name) == "string" and name:sub(1, #key) == key
        and name:match("^_above_(%d+)k_tokens$", #key + 1)
      local price = thousands and from_token(value)
      local above = price and #thousands < 12 and math.tointeger(tonumber(thousands)) * 1000
      if above and above > 0 then
        by_above[above] = by_above[above] or { above = above }
        by_above[above][field] = price
      end
    end
  end
  for _, tier in pairs(by_above) do tiers[#tiers + 1] = tier end
  table.sort(tiers, function(a, b) return a.above < b.above end)
  return tiers[1] and fit_tiers(tiers)
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
      local image_output = from_token(row.output_cost_per_image_token)
      local output = from_token(row.output_cost_per_token) or image_output
        or row.mode == "embedding" and 0 or nil
      if input and output then
        n = n + 1
        found[name] = { input = input, output = output, image_output = image_output,
          image_input = from_token(row.input_cost_per_image_token),
          cached = from_token(row.cache_read_input_token_cost),
          cache_write = from_token(row.cache_creation_input_token_cost), tiers = tiers_of(row),
          as_of = as_of or "n/a", source = source,
          provider = type(row.litellm_provider) == "string" and row.litellm_provider or nil }
      end
    end
  end
  return found, n
end

local override

local function read_file(path, level)
  local file, message = require("lunagrad.file").open(path)
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

-- The prices of a call with so much input.
local function at_length(price, input)
  for _, tier in ipairs(price.tiers or {}) do
    if input <= tier.above then break end
    price = { input = tier.input or price.input, output = tier.output or price.output,
      image_input = price.image_input, image_output = price.image_output,
      cached = tier.cached or tier.input or price.cached,
      cache_write = tier.cache_write or tier.input or price.cache_write }
  end
  return price
end

--- What so many tokens of one call cost: whole micro-dollars, rounded up; nil without a price.
---@param price lunagrad.price|nil
---@param usage table {input, output, cached?, cache_write?, image_in?, image_out?}: the input
--- includes the next two and image_in, the output image_out
---@return integer|nil
function prices.cost(price, usage)
  if not price then return nil end
  price = at_length(price, usage.input or 0)
  local cached, written = usage.cached or 0, usage.cache_write or 0
  local plain = math.max(0, (usage.input or 0) - cached - written)
  local output, whole, parts = usage.output or 0, 0, 0
  local seen = price.image_input and math.min(plain, usage.image_in or 0) or 0
  local drawn = price.image_output and math.min(output, usage.image_out or 0) or 0
  for _, pair in ipairs { { plain - seen, price.input }, { seen, price.image_input or 0 },
    { cached, price.cached or price.input }, { written, price.cache_write or price.input },
    { output - drawn, price.output }, { drawn, price.image_output or 0 } } do
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

-- Five numbers a tier, as core.model takes them.
local function flat(tiers)
  local list = {}
  for i, t in ipairs(tiers) do
    list[5 * i - 4], list[5 * i - 3], list[5 * i - 2] = t.above, t.input or -1, t.output or -1
    list[5 * i - 1], list[5 * i] = t.cached or -1, t.cache_write or -1
  end
  return list
end

--- The fields that core.model takes for a model of this name.
---@param name string
---@param spec table filled: price_input, price_output, price_cached, price_cache_write,
--- price_image_input, price_image_output, price_tiers; max_output of those that only draw
---@return lunagrad.price|nil
function prices.fill(name, spec)
  local price = prices.lookup(name)
  if price then
    spec.price_input, spec.price_output = price.input, price.output
    spec.price_cached = price.cached or price.input
    spec.price_cache_write = price.cache_write or price.input
    spec.price_tiers = price.tiers and flat(price.tiers)
    spec.price_image_input, spec.price_image_output = price.image_input, price.image_output
    if spec.dialect == "openai-image" then spec.max_output = price.most or -1 end
  end
  return price
end

return prices
