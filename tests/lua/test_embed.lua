-- test_embed.lua - lg.embed: vectors by rule, by a function, and by the mock over HTTP; each text
-- paid once

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"

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
  fails("inval", "did you mean \"dimensions\"", lg.embed, "a", { dimension = 3 })
  fails("inval", "at least 1", lg.embed, "a", { batch = 0 })
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

function TestServer.test_a_dry_run_counts()
  local file = command.write(SCRIPT:format("openai/text-embedding-3-small", 64), ".lua")
  local got = command.run("run", file, "--dry-run", "--display", "none")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out .. got.err, "openai/text-embedding-3-small")
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
