-- test_embed.lua - lg.embed: vectors by rule, by a function, and by the mock over HTTP; each text
-- paid once

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"
local prices = require "lunagrad.prices"

lg.configure { virtual_clock = true }

local fails = helper.fails

-- A function that embeds and notes what it was asked.
local function noted()
  local asked = {}
  return function(texts)
    asked[#asked + 1] = texts
    local list = {}
    for i, text in ipairs(texts) do list[i] = { #text, 1, 0.5 } end
    return list
  end, asked
end

local function dot(a, b)
  local sum = 0
  for i = 1, #a do sum = sum + a[i] * b[i] end
  return sum
end

TestEmbed = {}

function TestEmbed.test_sim_is_a_world_without_a_key()
  local list = lg.embed({ "red apples", "green apples", "a motor ship" }, { model = "sim/embed" })
  lu.assertEquals(#list, 3)
  lu.assertEquals(#list[1], 256)
  lu.assertAlmostEquals(dot(list[1], list[1]), 1, 1e-5)
  lu.assertTrue(dot(list[1], list[2]) > dot(list[1], list[3]))
  lu.assertEquals(lg.embed "red apples", list[1])
  lu.assertEquals(#lg.embed("x", { dimensions = 8 }), 8)
  lu.assertEquals(lg.embed {}, {})
end

function TestEmbed.test_one_text_one_vector()
  local fn = noted()
  lu.assertEquals(lg.embed("four", { model = fn }), { 4, 1, 0.5 })
  lu.assertEquals(lg.embed(lg.var "five5", { model = fn }), { 5, 1, 0.5 })
  lu.assertEquals(lg.embed({ "a", "bb", "a" }, { model = fn }),
    { { 1, 1, 0.5 }, { 2, 1, 0.5 }, { 1, 1, 0.5 } })
end

function TestEmbed.test_each_text_is_asked_for_once()
  local fn, asked = noted()
  lg.embed({ "a", "b", "a" }, { model = fn })
  lg.embed({ "c", "b" }, { model = fn })
  lu.assertEquals(asked, { { "a", "b" }, { "c" } })
end

function TestEmbed.test_texts_of_many_tasks_share_a_request()
  local fn, asked = noted()
  lg.map({ 1, 2, 3, 4 }, function(i)
    return lg.embed({ "q" .. i, "q" .. i % 4 + 1 }, { model = fn })
  end)
  lu.assertEquals(#asked, 1)
  lu.assertEquals(#asked[1], 4)
end

function TestEmbed.test_requests_are_cut()
  local fn, asked = noted()
  lg.embed({ "a", "b", "c", "d", "e" }, { model = fn, batch = 2 })
  lu.assertEquals(asked, { { "a", "b" }, { "c", "d" }, { "e" } })
  fn, asked = noted()
  local long = ("x"):rep(300000)
  lg.embed({ long .. "1", long .. "2" }, { model = fn })
  lu.assertEquals(#asked, 2)
end

function TestEmbed.test_a_failure_is_not_remembered()
  local down = true
  local fn = function(texts)
    if down then error "down" end
    return { { #texts[1] } }
  end
  lu.assertFalse(pcall(lg.embed, "a", { model = fn }))
  down = false
  lu.assertEquals(lg.embed("a", { model = fn }), { 1 })
end

function TestEmbed.test_misuse()
  fails("inval", "text 2 is empty", lg.embed, { "a", " " })
  fails("inval", "text 1 is a table", lg.embed, { {} })
  fails("inval", "text 1 is not UTF-8", lg.embed, "\xff")
  fails("inval", { field = "dimension", hint = 'did you mean "dimensions"?' },
    lg.embed, "a", { dimension = 3 })
  fails("inval", { field = "batch" }, lg.embed, "a", { batch = 0 })
  fails("nomodel", "no model's name", lg.embed, "a", { model = "gpt" })
  fails("badreply", "1 vectors came for 2 texts", lg.embed, { "a", "b" },
    { model = function() return { { 1 } } end })
  fails("badreply", "vector 2 has 1 numbers, others 2", lg.embed, { "a", "b" },
    { model = function() return { { 1, 2 }, { 1 } } end })
  fails("inval", "no finite number at 1", lg.embed, "a",
    { model = function() return { { 0 / 0 } } end })
end

-- ---- over HTTP, with a store --------------------------------------------------------

TestServer = {}

local SCRIPT = [[
local lg = require "lunagrad"
local opts = { model = "%s", dimensions = %s, batch = 2 }
local list = lg.embed({ "two apples", "a pear", "three plums" }, opts)
print(#list, #list[1], lg.stats().attempts)
-- another composition: only what is new is bought
local again = lg.embed({ "a melon", "a pear" }, opts)
print(#again, again[2][1] == list[2][1], lg.stats().attempts)]]

local function run_twice(env, model, dimensions)
  local file = command.write(SCRIPT:format(model, dimensions), ".lua")
  local one = ("%s $LG run %s --display none"):format(env, file)
  return command.with_mock({}, ("root=${url%%/v1}; %s; %s"):format(one, one))
end

function TestServer.test_a_rerun_buys_nothing()
  local got = run_twice("OPENAI_API_KEY=k OPENAI_BASE_URL=$url", "openai/text-embedding-3-small",
    64)
  lu.assertEquals(got.out, "3\t64\t2\n2\ttrue\t3\n3\t64\t0\n2\ttrue\t0\n", got.err)
end

function TestServer.test_gemini_and_ollama()
  local got = run_twice("GEMINI_API_KEY=k GEMINI_BASE_URL=$root", "gemini/gemini-embedding-001",
    128)
  lu.assertEquals(got.out, "3\t128\t2\n2\ttrue\t3\n3\t128\t0\n2\ttrue\t0\n", got.err)
  got = run_twice("OLLAMA_HOST=$root", "ollama/nomic-embed-text", "nil")
  lu.assertStrMatches(got.out, "3\t%d+\t2\n2\ttrue\t3\n3\t%d+\t0\n2\ttrue\t0\n")
end

function TestServer.test_a_retriever_run_again_buys_nothing()
  local file = command.write([[
local lg = require "lunagrad"
local find = lg.retriever{ docs = { "red apples", "blue plums", "a ship" }, k = 1,
  embed = "openai/text-embedding-3-small", dimensions = 32 }
local ids = lg.map({ "apples", "plums", "ships sail" }, function(query)
  return find(query):documents()[1].id
end)
print(table.concat(ids, " "), lg.stats().attempts)]], ".lua")
  local one = ("$LG run %s --display none"):format(file)
  local got = command.with_mock({}, one .. "; " .. one)
  lu.assertStrMatches(got.out, "1 2 %d\t2\n1 2 %d\t0\n") -- the documents, and all queries
end

local function last_record(text, event)
  local found
  for line in text:gmatch "[^\n]+" do
    local record = lg.json.decode(line)
    if record and (not event or record.event == event) then found = record end
  end
  return found
end

-- Three requests, of 16, 11 and 7 bytes; 0.13 dollars for a million tokens.
function TestServer.test_a_dry_run_counts()
  for _, provider in ipairs { "openai", "openai-embed" } do
    local name = provider .. "/text-embedding-3-large"
    local file = command.write(SCRIPT:format(name, 64), ".lua")
    local got = command.run("run", file, "--dry-run", "--json")
    lu.assertEquals(got.code, 0, got.err)
    local estimate = last_record(got.out, "estimate")
    lu.assertEquals({ estimate.calls, estimate.input, estimate.output }, { 3, 4 + 3 + 2, 0 })
    lu.assertEquals(estimate.models[1].model, name)
    lu.assertAlmostEquals(estimate.cost_usd, 3e-6, 1e-9) -- each is rounded up
    lu.assertAlmostEquals(estimate.full_length_cost_usd, estimate.cost_usd, 1e-9)
  end
  local file = command.write(SCRIPT:format("openai/text-embedding-4", 64), ".lua")
  local got = command.run("run", file, "--dry-run", "--json")
  lu.assertEquals(last_record(got.out, "estimate").cost_usd, lg.json.null)
end

-- What the server says it read, at the table's price, is the same in all the books.
function TestServer.test_what_they_cost()
  local file = command.write([[
local lg = require "lunagrad"
lg.embed({ ("two apples "):rep(500), "a pear" }, { model = lg.args.model, batch = 1 })]], ".lua")
  local run = "$LG run " .. file .. " --json"
  local got = command.with_mock({}, run
    .. " model=openai/text-embedding-3-large --run priced --max-cost 0.002\n"
    .. "GEMINI_API_KEY=k GEMINI_BASE_URL=${url%/v1} " .. run
    .. " model=gemini/gemini-embedding-001 --run silent\n"
    .. "$LG runs --json; $LG show priced --json; $LG show priced")
  local records = {}
  for line in got.out:gmatch "[^\n]+" do records[#records + 1] = lg.json.decode(line) end
  local tokens = 0
  for _, row in ipairs(got.journal) do
    tokens = tokens + (row.dialect == "openai-embeddings" and row.tokens or 0)
  end
  lu.assertTrue(tokens > 1000, got.err)
  local done, first, second, found
  for _, record in ipairs(records) do
    if record.event == "done" and not done then done = record end
    if record.name == "priced" and record.ledger then found = record end
    if record.name == "priced" and not record.ledger then first = record end
    if record.name == "silent" then second = record end
  end
  local cost = tokens * 0.13e-6
  lu.assertEquals({ done.exit_code, done.calls }, { 0, 2 }, got.err)
  for i, book in ipairs { done, first, found.total } do
    lu.assertAlmostEquals(book.cost_usd, cost, 2e-6, i)
  end
  lu.assertEquals({ first.calls, first.tokens_in, first.tokens_out }, { 2, tokens, 0 })
  lu.assertEquals(found.ledger[1].model, "openai-embed/text-embedding-3-large")
  lu.assertEquals({ found.ledger[1].input, found.ledger[1].unpriced }, { tokens, 0 })
  lu.assertStrContains(got.out, prices.text(math.floor(found.total.cost_usd * 1e6 + 0.5)))
  lu.assertEquals({ second.calls, second.cost_usd }, { 2, lg.json.null }) -- it says no usage
end

-- The worst that a request can cost is what it says, and nothing for an answer.
function TestServer.test_a_limit_of_cost_is_kept()
  local file = command.write([[
local lg = require "lunagrad"
for i = 1, 9 do
  lg.embed(("%d apples "):format(i):rep(1000), { model = "openai/text-embedding-3-large" })
end]], ".lua")
  local got = command.with_mock({}, ("$LG run %s --json --max-cost 0.003"):format(file))
  local done = last_record(got.out, "done")
  lu.assertEquals({ done.exit_code, done.status }, { 4, "limit" })
  lu.assertTrue(done.calls >= 2 and done.calls < 9, done.calls)
  lu.assertTrue(done.cost_usd <= 0.003)
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
