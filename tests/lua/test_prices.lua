-- test_prices.lua - the price table, litellm's format, costs in whole micro-dollars, the ledger

local helper = require "helper"
local lu = require "luaunit"
local ledger = require "lunagrad.book.ledger"
local lg = require "lunagrad"
local prices = require "lunagrad.prices"
local settings = require "lunagrad.settings"

local fails = helper.fails

TestTable = {}

function TestTable:test_every_row_has_a_date_and_a_source()
  local n = 0
  for name, row in pairs(prices.table()) do
    n = n + 1
    lu.assertNotNil(row.as_of:find "^20%d%d%-%d%d%-%d%d$", name)
    lu.assertTrue(row.source:find("https://", 1, true) == 1, name)
    lu.assertEquals(math.type(row.input), "integer", name)
    lu.assertEquals(math.type(row.output), "integer", name)
    lu.assertTrue(row.input > 0 and (row.output >= row.input or row.output == 0), name)
    lu.assertEquals(row.output == 0, name:find "embed" ~= nil or name:find "^voyage/" ~= nil, name)
    if row.image_output then
      lu.assertTrue(row.image_output >= row.output and row.image_input >= row.input, name)
      lu.assertTrue(row.cached == nil or row.cached < row.image_input, name)
    end
    lu.assertTrue(row.most == nil or row.image_output > 0 and row.most > 1000, name)
    lu.assertTrue(row.cached == nil or row.cached < row.input, name)
    lu.assertTrue(row.cache_write == nil or row.cache_write >= row.input, name)
    lu.assertTrue(row.as_of <= prices.as_of(), name)
  end
  lu.assertTrue(n >= 40, n .. " rows")
end

function TestTable:test_lookup()
  local mini = prices.lookup "openai/gpt-4o-mini"
  lu.assertEquals({ mini.input, mini.cached, mini.cache_write, mini.output },
    { 150000, 75000, nil, 600000 })
  lu.assertEquals(prices.lookup("openai/gpt-4o-mini-2024-07-18"), mini)
  lu.assertEquals(prices.lookup("anthropic/claude-haiku-4-5-20251001").output, 5000000)
  lu.assertEquals(prices.lookup("groq/openai/gpt-oss-20b").cached, 37500)
end

function TestTable:test_embeddings_and_pictures()
  local small = prices.lookup "openai/text-embedding-3-small"
  lu.assertEquals({ small.input, small.output, small.cached }, { 20000, 0, nil })
  lu.assertEquals(prices.lookup("gemini/gemini-embedding-001").input, 150000)
  lu.assertEquals(prices.lookup("voyage/voyage-4-lite").input, 20000)
  local drawn = prices.lookup "openai/gpt-image-1.5-2025-12-16"
  lu.assertEquals({ drawn.input, drawn.output, drawn.image_input, drawn.image_output, drawn.most },
    { 5000000, 10000000, 8000000, 32000000, 6266 })
  lu.assertNil(prices.lookup("openai/gpt-image-2").most) -- any size can be asked of it
  lu.assertEquals(prices.lookup("gemini/gemini-2.5-flash-image").image_output, 30000000)
  lu.assertNil(prices.lookup("gemini/gemini-2.5-flash").image_output)
end

function TestTable:test_nothing_is_guessed()
  lu.assertNil(prices.lookup "openai/gpt-4o-mini-audio") -- begins as a known one
  lu.assertNil(prices.lookup "openai/gpt-5-pro")
  lu.assertNil(prices.lookup "openai/claude-haiku-4-5")  -- another's
  lu.assertNil(prices.lookup "nobody/nothing")
  lu.assertNil(prices.lookup "gpt-4o-mini")
end

function TestTable:test_own_servers_cost_nothing_by_declaration()
  for _, name in ipairs { "ollama/llama3", "vllm/a/b", "sim/default", "replay/x.jsonl", "lua" } do
    lu.assertEquals(prices.lookup(name).output, 0, name)
    lu.assertTrue(prices.is_free(name))
  end
  lu.assertFalse(prices.is_free "openai/gpt-4o")
end

TestCost = {}

function TestCost:test_parts_of_the_input()
  local price = { input = 3000000, cached = 300000, cache_write = 3750000, output = 15000000 }
  lu.assertEquals(prices.cost(price, { input = 1000, output = 100 }), 3000 + 1500)
  lu.assertEquals(prices.cost(price, { input = 1000, cached = 400, cache_write = 100, output = 0 }),
    500 * 3 + 120 + 375)
  lu.assertEquals(prices.cost({ input = 10, output = 20 }, { input = 5, cached = 5 }), 1)
end

function TestCost:test_pictures_have_prices_of_their_own()
  local price = prices.lookup "openai/gpt-image-1.5"
  lu.assertEquals(prices.cost(price, { input = 100, output = 1056, image_out = 1056 }),
    500 + 1056 * 32)
  lu.assertEquals(prices.cost(price, { input = 400, image_in = 300, output = 10, image_out = 6 }),
    500 + 2400 + 40 + 192)
  lu.assertEquals(prices.cost(price, { input = 10, image_in = 99, output = 1, image_out = 9 }), 112)
  lu.assertEquals(prices.cost({ input = 1000000, output = 2000000 }, { input = 3, image_in = 2,
    output = 2, image_out = 2 }), 7)
end

function TestCost:test_what_the_engine_is_told_of_pictures()
  local spec = { dialect = "openai-image" }
  prices.fill("openai/gpt-image-1", spec)
  lu.assertEquals({ spec.max_output, spec.price_image_input, spec.price_image_output },
    { 6263, 10000000, 40000000 })
  spec = { dialect = "openai-image" }
  prices.fill("openai/gpt-image-2", spec)
  lu.assertEquals(spec.max_output, -1)
  spec = { dialect = "gemini" }
  prices.fill("gemini/gemini-3-pro-image", spec)
  lu.assertEquals({ spec.max_output, spec.price_image_output }, { nil, 120000000 })
end

function TestCost:test_rounds_up_and_stays_whole()
  local price = prices.lookup "openai/gpt-4o-mini"
  lu.assertEquals(prices.cost(price, { input = 1, output = 0 }), 1)
  lu.assertEquals(prices.cost(price, { input = 0, output = 0 }), 0)
  local huge = prices.cost({ input = 150000000, output = 0 }, { input = 1000000000000,
    output = 0 })
  lu.assertEquals(huge, 150000000000000)
  lu.assertEquals(math.type(huge), "integer")
end

function TestCost:test_long_inputs()
  local price = prices.lookup "openai/gpt-5.4"
  lu.assertEquals(prices.cost(price, { input = 272000, output = 1000 }), 272000 * 5 // 2 + 15000)
  lu.assertEquals(prices.cost(price, { input = 272001, output = 1000 }), 272001 * 5 + 22500)
  lu.assertEquals(prices.cost(price, { input = 300000, cached = 100000, output = 0 }),
    200000 * 5 + 100000 // 2)
  local grok = prices.lookup "xai/grok-4.3"
  lu.assertEquals(grok.tiers, { { above = 200000, input = 2500000, cached = 400000,
    output = 5000000 } })
  lu.assertNil(prices.lookup("openai/gpt-4o").tiers)
end

function TestCost:test_tiers_for_the_engine()
  local spec = {}
  prices.fill("anthropic/claude-sonnet-4-5", spec)
  lu.assertEquals(spec.price_tiers, { 200000, 6000000, 22500000, 600000, 7500000 })
end

function TestCost:test_unknown_is_never_zero()
  lu.assertNil(prices.cost(nil, { input = 5, output = 5 }))
  lu.assertEquals(prices.text(nil), "n/a")
end

function TestCost:test_text()
  lu.assertEquals(prices.text(0), "$0.00")
  lu.assertEquals(prices.text(1250000), "$1.25")
  lu.assertEquals(prices.text(1), "$0.000001")
  lu.assertEquals(prices.text(123400), "$0.1234")
  lu.assertEquals(prices.text(123456789), "$123.45")
end

TestOverride = {}

function TestOverride:tearDown() prices.use(nil) end

local LITELLM = [[{
  "sample_spec": { "input_cost_per_token": 0.0, "output_cost_per_token": 0.0 },
  "gpt-4o-mini": { "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
    "cache_read_input_token_cost": 2.5e-07, "litellm_provider": "openai", "mode": "chat" },
  "together_ai/some/model": { "input_cost_per_token": "3e-07", "output_cost_per_token": 4e-07 },
  "mine/new": { "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07 },
  "mine/image": { "output_cost_per_image": 0.04 },
  "mine/embed": { "input_cost_per_token": 1e-08, "mode": "embedding" },
  "mine/draw": { "input_cost_per_token": 5e-06, "input_cost_per_image_token": 1e-05,
    "output_cost_per_image_token": 4e-05, "mode": "image_generation" },
  "mine/odd": { "input_cost_per_token": -1, "output_cost_per_token": 1 }
}]]

function TestOverride:test_a_file_in_litellms_format()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(LITELLM)
  file:close()
  lu.assertEquals(prices.use(path), 5)
  os.remove(path)
  local mini = prices.lookup "openai/gpt-4o-mini"
  lu.assertEquals({ mini.input, mini.cached, mini.output }, { 1000000, 250000, 2000000 })
  lu.assertEquals(mini.source, path)
  lu.assertEquals(prices.lookup("openai/gpt-4o-mini-2024-07-18").input, 1000000)
  lu.assertEquals(prices.lookup("together/some/model").input, 300000)
  lu.assertEquals(prices.lookup("mine/new").input, 150000)
  lu.assertNil(prices.lookup "mine/image")
  lu.assertEquals(prices.lookup("mine/embed").output, 0)
  local drawn = prices.lookup "mine/draw"
  lu.assertEquals({ drawn.output, drawn.image_output, drawn.image_input },
    { 40000000, 40000000, 10000000 })
  lu.assertNil(prices.lookup "mine/odd")
  lu.assertNil(prices.lookup "azure/gpt-4o-mini") -- another provider's price
  lu.assertEquals(prices.lookup("openai/gpt-4o").input, 2500000) -- not in the file
end

function TestOverride:test_long_inputs_in_litellms_format()
  prices.use { ["mine/x"] = { input_cost_per_token = 1e-6, output_cost_per_token = 2e-6,
    input_cost_per_token_above_128k_tokens = 2e-6, output_cost_per_token_above_128k_tokens = 3e-6,
    cache_read_input_token_cost_above_200k_tokens = 5e-7,
    input_cost_per_token_above_200k_tokens = 4e-6,
    cache_creation_input_token_cost_above_1hr = 9, -- of time, not of length
    input_cost_per_token_above_200k_tokens_priority = 9 } }
  local price = prices.lookup "mine/x"
  lu.assertEquals(price.tiers, { { above = 128000, input = 2000000, output = 3000000 },
    { above = 200000, input = 4000000, cached = 500000 } })
  lu.assertEquals(prices.cost(price, { input = 128001, output = 1 }), 256002 + 3)
  lu.assertEquals(prices.cost(price, { input = 200001, cached = 1, output = 1 }), 800000 + 1 + 3)
end

-- More tiers than the engine holds: never too little.
function TestOverride:test_many_tiers()
  local row = { input_cost_per_token = 1e-6, output_cost_per_token = 1e-6 }
  for i = 2, 7 do row[("input_cost_per_token_above_%dk_tokens"):format(i)] = i * 1e-6 end
  prices.use { ["mine/x"] = row }
  local tiers = prices.lookup("mine/x").tiers
  lu.assertEquals({ #tiers, tiers[3].input, tiers[4].above, tiers[4].input },
    { 4, 4000000, 5000, 7000000 })
end

function TestOverride:test_bad_files()
  fails("notfound", "no/such/file", prices.use, "no/such/file")
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write "[1, 2"
  file:close()
  fails("parse", path, prices.use, path)
  os.remove(path)
  fails("inval", "prices no model", prices.use, { x = { mode = "chat" } })
end

function TestOverride:test_a_table()
  prices.use { ["mine/x"] = { input_cost_per_token = 1e-6, output_cost_per_token = 0 } }
  lu.assertEquals(prices.lookup("mine/x").output, 0)
  lu.assertTrue(prices.overridden())
end

TestLedger = {}

function TestLedger:test_bought()
  lu.assertEquals(ledger.bought { calls = 2, useless = 3 }, 5)
  lu.assertEquals(ledger.bought { calls = 2 }, 2)
end

function TestLedger:test_unknown_and_partly_known()
  lu.assertEquals(ledger.money(0, false, 3), "n/a")
  lu.assertEquals(ledger.money(5000, true, 1),
    "at least $0.005; n/a for 1 call without a price")
  lu.assertEquals(ledger.money(5000, true, 0), "$0.005")
  lu.assertNil(ledger.money(0, false, 0))
end

function TestLedger:test_lines_and_dollars()
  lu.assertStrContains(ledger.cost_line { micros = 2500000, unpriced = 0 },
    "$2.50 (prices as of 20")
  lu.assertStrContains(ledger.cost_line { micros = 0, unpriced = 2 }, "n/a")
  lu.assertNil(ledger.cost_line { micros = 0, unpriced = 0 })
  lu.assertEquals(ledger.dollars { micros = 2500000, unpriced = 0 }, 2.5)
  lu.assertNil(ledger.dollars { micros = 2500000, unpriced = 1 })
  lu.assertNil(ledger.dollars { micros = 0, unpriced = 0 })
end

function TestLedger:test_total()
  local sum = ledger.total { { calls = 2, input = 5, micros = 7 }, { calls = 1, unpriced = 1 } }
  lu.assertEquals({ sum.calls, sum.input, sum.micros, sum.unpriced }, { 3, 5, 7, 1 })
end

TestSettings = {}

function TestSettings:test_units()
  local found = settings.translate { max_cost = 1.5, max_calls = 40, max_tokens = 1000,
    max_time = 2.5, durable = "full", concurrency = 3 }
  lu.assertEquals(found, { max_micros = 1500000, max_calls = 40, max_tokens = 1000,
    max_time_ms = 2500, durable = true, concurrency = 3 })
  lu.assertEquals(settings.translate({ max_cost = 0.1 }).max_micros, 100000)
  lu.assertEquals(settings.translate({ max_cost = 0.000001 }).max_micros, 1)
end

function TestSettings:test_bad_values()
  fails("inval", { field = "max_cost" }, settings.translate, { max_cost = 0 })
  fails("inval", { field = "max_time" }, settings.translate, { max_time = -1 })
  fails("inval", { field = "max_cost" }, settings.translate, { max_cost = 0 / 0 })
  fails("inval", { field = "max_cost" }, settings.translate, { max_cost = 1e-9 })
  fails("inval", { field = "durable" }, settings.translate, { durable = "fsync" })
  fails("inval", { field = "max_costs", hint = 'did you mean "max_cost"?' },
    lg.configure, { max_costs = 1 })
end

os.exit(lu.LuaUnit.run())
