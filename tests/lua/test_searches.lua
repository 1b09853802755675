-- test_searches.lua - two trainings and an evaluation in one run, over the mock: each is told from
-- the others, a score is joined to its answer and to its calls, and the exports say so
--
-- The built command, as users run it; test_record.lua has the same without a server.

local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

local SCRIPT = [[
local lg = require "lunagrad"
local rows = lg.data.list(lg.task.object_counting.generate(18, 3))
local train, val, test = rows:split { 6, 8, 4, seed = 1 }
local model = lg.model "openai/gpt-4o-mini"
lg.default { model = model }
local exact = lg.loss.exact { extract = lg.extract.last_number }
local function program(prompt)
  return function(row) return model { row.question, system = prompt } end
end
local function learn(role, steps)
  local prompt = lg.param("Answer the question.", role)
  lg.train { program = program(prompt), params = { prompt }, train = train, val = val,
    loss = function(answer, row) return exact(answer, row.answer) end,
    metric = lg.metric.number, batch = 3, steps = steps, seed = 1 }
  return prompt
end
local one = learn("system prompt", 3)
local two = learn("other prompt", 2)
lg.compare { program(two), program(one), data = val, metric = lg.metric.number }
local ask = lg.tool { name = "ask", run = function(text) return model { text, system = one } end }
lg.evaluate { function(row) return ask(row.question) end, data = val, metric = lg.metric.number }
lg.evaluate { program(one), data = test, metric = lg.metric.number, phase = "test" }
]]

local dir, rows

local function store(...)
  local words = { ... }
  words[#words + 1] = "--store=" .. dir
  return command.run(table.unpack(words))
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = json.decode(line) end
  return list
end

local function of_type(kind, wanted)
  local list = {}
  for _, row in ipairs(rows) do
    local fits = row.type == kind
    for key, value in pairs(wanted or {}) do fits = fits and row[key] == value end
    if fits then list[#list + 1] = row end
  end
  return list
end

local function record()
  dir = command.temp ".store"
  local got = command.with_mock({}, ("LUNAGRAD_HOME=%s $LG run %s --run r --display none")
    :format(command.quote(dir), command.write(SCRIPT, ".lua")))
  lu.assertEquals(got.code, 0, got.err)
  rows = lines_of(store("export", "r").out)
end

TestSearches = {}

function TestSearches:test_0_a_run()
  record()
  local list = {}
  for i, one in ipairs(of_type "search") do
    list[i] = { one.kind, one.number, one.names[1] or "" }
  end
  lu.assertEquals(list, { { "train", 1, "system prompt" }, { "train", 2, "other prompt" },
    { "compare", 1, "" }, { "evaluate", 1, "" }, { "evaluate", 2, "" } })
end

function TestSearches:test_two_trainings_are_told_apart()
  local first, second = table.unpack(of_type("search", { kind = "train" }))
  lu.assertNotEquals(first.id, second.id)
  for _, search in ipairs { first, second } do
    local candidates = of_type("candidate", { search_id = search.id })
    for i, one in ipairs(candidates) do
      lu.assertEquals(one.idx, i - 1)
      lu.assertNotNil(one.texts[search.names[1]])
    end
    lu.assertEquals(#of_type("proposal", { search_id = search.id }), search == first and 3 or 2)
    lu.assertEquals(#of_type("candidate", { search_id = search.id, is_best = true }), 1)
    for _, kind in ipairs { "gradient", "edit" } do
      for _, row in ipairs(of_type(kind, { search_id = search.id })) do
        lu.assertEquals(row.param, search.names[1])
      end
    end
  end
end

local function call_of(id)
  return of_type("call", { id = id })[1]
end

-- Purposes of a kind of call for one row of scores.
local function calls_for(score)
  local list = {}
  for _, row in ipairs(of_type("purpose", { search_id = score.search_id, split = score.split,
    example = score.example })) do
    local same = row.proposal == score.proposal
    if score.proposal == json.null then same = row.candidate_idx == score.candidate_idx end
    if same then list[#list + 1] = call_of(row.call_id) end
  end
  return list
end

function TestSearches:test_a_score_is_joined_to_its_answer_and_its_call()
  local scores = of_type("score", { split = "validation" })
  lu.assertTrue(#scores >= 8 * 4, #scores)
  for _, score in ipairs(scores) do
    local calls = calls_for(score)
    lu.assertEquals(#calls, 1)
    lu.assertEquals({ calls[1].text, calls[1].role }, { score.output, "forward" })
  end
end

-- A tool's function runs later, in a task of its own, and its calls are still the example's.
function TestSearches:test_calls_within_a_tool_are_joined()
  local search = of_type("search", { kind = "evaluate" })[1]
  local scores = of_type("score", { search_id = search.id })
  lu.assertEquals(#scores, 8)
  for i, score in ipairs(scores) do
    local found = of_type("purpose", { search_id = search.id, example = i })
    lu.assertEquals({ #found, call_of(found[1].call_id).text }, { 1, score.output })
  end
end

function TestSearches:test_both_sides_of_a_comparison_are_joined()
  local search = of_type("search", { kind = "compare" })[1]
  lu.assertEquals({ search.claim.shown ~= nil, search.claim.n }, { true, 8 })
  local scores = of_type("score", { search_id = search.id, split = "test" })
  lu.assertEquals(#scores, 16)
  for _, score in ipairs(scores) do
    lu.assertEquals(calls_for(score)[1].text, score.output)
  end
end

function TestSearches:test_an_evaluation_of_its_own()
  local search = of_type("search", { kind = "evaluate" })[2]
  local scores, sum = of_type("score", { search_id = search.id }), 0
  lu.assertEquals({ #scores, scores[1].phase }, { 4, "test" })
  for i, score in ipairs(scores) do
    local found = of_type("purpose", { search_id = search.id, example = i })
    lu.assertEquals({ #found, call_of(found[1].call_id).text }, { 1, score.output })
    sum = sum + score.score
  end
  lu.assertEquals(search.best_score, sum / 4)
end

function TestSearches:test_the_work_on_a_proposal_has_its_number()
  local roles = {}
  for _, row in ipairs(of_type "purpose") do
    if row.proposal ~= json.null then
      local role = call_of(row.call_id).role .. (row.split ~= json.null and " " .. row.split or "")
      roles[role] = true
    end
  end
  lu.assertEquals(roles, { ["forward train"] = true, ["forward validation"] = true,
    ["backward train"] = true, optimizer = true })
end

function TestSearches:test_proposals_say_what_they_learned_from()
  local row = of_type("proposal")[1]
  lu.assertEquals({ row.number, row.operator, row.parents, #row.batch },
    { 1, "gradient", { 0 }, 3 })
  for _, one in ipairs(row.batch) do
    lu.assertTrue(one.example >= 1 and one.example <= 6)
    lu.assertNotNil(one.before)
  end
end

function TestSearches:test_show()
  local people = store("show", "r").out
  for _, text in ipairs { "Searches (5)", "training 1", "training 2", "evaluation 1",
    "comparison 1, b",
    "Candidates of training 2 (other prompt)" } do
    lu.assertStrContains(people, text)
  end
  local found = json.decode(store("show", "r", "--json").out)
  lu.assertEquals({ #found.searches, #found.trainings }, { 5, 2 })
  local several = store("show", "r", "--candidate", "0")
  lu.assertEquals(several.code, 2)
  lu.assertStrContains(several.err, "--search")
  local one = store("show", "r", "--candidate", "0", "--search", "2")
  lu.assertEquals({ one.code, one.out }, { 0, "Answer the question.\n" })
end

function TestSearches:test_gepa()
  for number, wanted in ipairs(of_type("search", { kind = "train" })) do
    local out = store("export", "r", "--format", "gepa", "--search", tostring(number)).out
    local got = json.decode(out)
    local candidates = of_type("candidate", { search_id = wanted.id })
    lu.assertEquals(#got.candidates, #candidates)
    lu.assertEquals(got.best_idx, wanted.best_idx)
    lu.assertEquals(got.parents[1], { json.null })
    for i, scores in ipairs(got.val_subscores) do
      local sum = 0
      for id = 0, 7 do sum = sum + scores[tostring(id)] end
      lu.assertAlmostEquals(sum / 8, got.val_aggregate_scores[i], 1e-12)
    end
    lu.assertEquals(got.total_metric_calls, #of_type("score", { search_id = wanted.id }))
    lu.assertEquals(got.discovery_eval_counts[1], 8)
    lu.assertEquals(got.num_full_val_evals, #candidates)
  end
  lu.assertEquals(store("export", "r", "--format", "gepa", "--search", "3").code, 2)
end

function TestSearches:test_tables_and_graphs()
  for name, columns in pairs { searches = "id,run_id,number,kind",
    purposes = "call_id,run_id,search",
    scores = "run_id,search_id,candidate_idx,proposal,split,phase,example,score,output" } do
    local csv = store("export", "r", "--table", name)
    lu.assertEquals({ csv.code, csv.out:sub(1, #columns) }, { 0, columns }, csv.err)
    local _, lines = csv.out:gsub("\r\n", "")
    lu.assertEquals(lines - 1, #of_type(name == "searches" and "search" or name:sub(1, -2)))
  end
  local dot = store("export", "r", "--format", "dot").out
  for _, search in ipairs(of_type("search", { kind = "train" })) do
    lu.assertStrContains(dot, ("c%d_0 ["):format(search.id))
  end
end

function TestSearches:test_z_replayed_and_deleted()
  local file = command.temp ".jsonl"
  lu.assertEquals(store("export", "r", "-o", file).code, 0)
  local replayed = SCRIPT:gsub('lg%.model "openai/gpt%-4o%-mini"', "lg.model()")
  local again = command.run("run", command.write(replayed, ".lua"), "-m", "replay/" .. file,
    "--no-store", "--display", "none")
  lu.assertEquals(again.code, 0, again.err)
  lu.assertEquals(store("cache", "clear", "--yes").code, 0)
  lu.assertEquals(store("show", "r").code, 0)
  lu.assertEquals(#lines_of(store("export", "r", "--format", "gepa").out), 1)
  os.execute("rm -rf " .. command.quote(dir) .. " " .. command.quote(file))
end

os.exit(lu.LuaUnit.run())
