-- test_store.lua - runs that are kept: resume, kills, limits, replay and the store's commands
--
-- The built command against its own mock server, as users run it. Every test has a store of its
-- own; the mock's journal tells what was really asked for.

local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json
local prices = require "lunagrad.prices"

-- A small training on a server's model: some 80 calls.
local SCRIPT = [[
local lg = require "lunagrad"
local rows = lg.data.list(lg.task.object_counting.generate(24, 3))
local train, val = rows:split { 12, 12, seed = 1 }
local model = lg.model "openai/gpt-4o-mini"
lg.default { model = model }
local prompt = lg.param("Answer the question.", "system prompt for counting questions")
local exact = lg.loss.exact { extract = lg.extract.last_number }
local result = lg.train {
  program = function(row) return model { row.question, system = prompt } end,
  params = { prompt }, loss = function(answer, row) return exact(answer, row.answer) end,
  metric = lg.metric.number, train = train, val = val, batch = 3, steps = 4, seed = 1,
}
print(result.stopped, result.best_score)
print(prompt)
]]

local script, dir

local function setup()
  script = command.write(SCRIPT, ".lua")
  dir = command.temp ".store"
end

local function cleanup()
  os.execute("rm -rf " .. command.quote(dir))
end

-- Shell words: $RUN runs the script as the run "r" with its store in dir.
local function with(line)
  return ("LUNAGRAD_HOME=%s; export LUNAGRAD_HOME; RUN=\"$LG run %s --display none\"\n%s"):format(
    command.quote(dir), script, line)
end

local function on_mock(options, line) return command.with_mock(options, with(line)) end
local function store(...)
  local words = { ... }
  words[#words + 1] = "--store=" .. dir
  return command.run(table.unpack(words))
end

local function lines_of(text)
  local rows = {}
  for line in text:gmatch "[^\n]+" do rows[#rows + 1] = json.decode(line) end
  return rows
end

local function runs() return lines_of(command.run("runs", "--json", "--store", dir).out) end
local function show(run) return json.decode(store("show", run, "--json").out) end

local function count_posts(r)
  local n = 0
  for _, row in ipairs(r.journal) do
    if row.path == nil or row.path:find "completions" then n = n + 1 end
  end
  return n
end

-- A second start has bought nothing. It was served what the first one bought, and again what that
-- one had from memory: a row that failed is asked again in the next batch.
local function assert_served(calls, served, bought)
  lu.assertEquals(calls, 0)
  lu.assertTrue(served >= bought and served < 2 * bought, served)
end

TestStore = { setUp = setup, tearDown = cleanup }

function TestStore:test_a_second_start_buys_nothing()
  local r = on_mock({}, '$RUN --run r >$LUNAGRAD_HOME.1; $RUN --run r --json >$LUNAGRAD_HOME.2')
  lu.assertEquals(r.code, 0, r.err)
  local bought = count_posts(r)
  lu.assertTrue(bought > 20, bought)
  local done = lines_of(command.read(dir .. ".2"))
  done = done[#done]
  assert_served(done.calls, done.served, bought)
  local found = runs()
  lu.assertEquals({ found[1].state, found[1].served }, { "done", done.served })
  assert_served(found[1].calls, found[1].served, bought)
  lu.assertEquals({ found[2].state, found[2].calls, found[2].served }, { "done", bought, 0 })
  local one, two = show "1", show "2"
  lu.assertEquals(two.candidates, one.candidates)
  lu.assertEquals(#one.ambiguous, 0)
  os.remove(dir .. ".1")
  os.remove(dir .. ".2")
end

function TestStore:test_what_a_run_leaves()
  local r = on_mock({}, "$RUN")
  lu.assertEquals(r.code, 0, r.err)
  local name = runs()[1].name
  local found = show(name)
  lu.assertEquals(found.state, "done")
  lu.assertEquals(found.total.calls, count_posts(r))
  local roles = {}
  for _, row in ipairs(found.ledger) do
    roles[row.role] = true
    lu.assertEquals(row.model, "openai/gpt-4o-mini")
    lu.assertTrue(row.cost_usd > 0)
  end
  lu.assertTrue(roles.forward and roles.backward and roles.optimizer)
  lu.assertTrue(#found.candidates >= 2 and #found.proposals >= 1)
  local best
  for _, row in ipairs(found.candidates) do best = row.is_best and row or best end
  lu.assertEquals(best.score, found.best_score)
  local text = command.read(("%s/runs/%s/best.txt"):format(dir, name))
  lu.assertEquals(best.texts["system prompt for counting questions"], text)
  lu.assertStrContains(r.out, text)
  local people = store("show", name).out
  for _, part in ipairs { "What was bought", "Candidates", "Proposals", "optimizer", "$0.0" } do
    lu.assertStrContains(people, part)
  end
  lu.assertStrContains(store("runs").out, name)
end

function TestStore:test_names()
  local r = on_mock({}, "$RUN --run ../x; $RUN --run 12; $RUN --run r --no-store")
  lu.assertEquals(r.code, 2)
  lu.assertStrContains(r.err, "a run's name is letters")
  lu.assertStrContains(r.err, "numbers are the runs' ids")
  lu.assertStrContains(r.err, "--no-store keeps none")
  lu.assertEquals(#r.journal, 0)
  on_mock({}, "$RUN x=1 >/dev/null; $RUN x=2 >/dev/null; $RUN x=1 --max-calls 1000 >/dev/null")
  local found = runs()
  lu.assertEquals(found[3].name, found[1].name)
  lu.assertNotEquals(found[2].name, found[1].name)
end

function TestStore:test_no_store_keeps_nothing()
  local r = on_mock({}, "$RUN --no-store && [ ! -e $LUNAGRAD_HOME ]")
  lu.assertEquals(r.code, 0, r.err)
  r = store("runs")
  lu.assertEquals(r.code, 2)
  lu.assertStrContains(r.err, "there is no store in")
end

function TestStore:test_two_runs_at_once()
  local r = on_mock({ "--latency", "uniform:1..20" },
    "$RUN --run a >$LUNAGRAD_HOME.a & A=$!; $RUN --run b >$LUNAGRAD_HOME.b; B=$?; wait $A; A=$?\n"
    .. "$RUN --run c --json >$LUNAGRAD_HOME.c; [ $A$B = 00 ]")
  lu.assertEquals(r.code, 0, r.err)
  local a, b, c = command.read(dir .. ".a"), command.read(dir .. ".b"), command.read(dir .. ".c")
  lu.assertEquals(a, b)
  lu.assertTrue(#a > 0)
  local done = lines_of(c)
  lu.assertEquals(done[#done].calls, 0)
  lu.assertEquals(count_posts(r), json.decode(store("cache", "stats", "--json").out).replies)
  for _, end_ in ipairs { ".a", ".b", ".c" } do os.remove(dir .. end_) end
end

-- A reply that came while another program holds the lock is on no wire and in no line.
function TestStore:test_a_reply_waits_for_the_lock()
  if not os.execute("command -v flock >/dev/null") then lu.skip("flock is missing") end
  script = command.write([[
local lg = require "lunagrad"
local ask = lg.model "openai/gpt-4o-mini"
local _ = ask("how many fruits?"):text()
local lock = "'" .. os.getenv "LUNAGRAD_HOME" .. "/store.lock'"
os.execute("(sleep 0.1; exec flock " .. lock .. " sleep 0.5) >/dev/null 2>&1 &")
print(#ask("how many vegetables?"):text() > 0)]], ".lua")
  for _, mode in ipairs { "group", "full" } do
    local r = on_mock({ "--latency", "300" }, "$RUN --durable " .. mode)
    lu.assertEquals(r.code, 0, r.err)
    lu.assertEquals(r.out, "true\n")
    cleanup()
  end
end

-- Equal calls at once are one; when it fails, the next one runs.
function TestStore:test_equal_calls_of_a_kept_tool()
  script = command.write([[
local lg = require "lunagrad"
local ask = lg.model "openai/gpt-4o-mini"
local ran = { good = 0, bad = 0 }
local function counted(name)
  return lg.tool{ name = name, cache = true, version = "1", run = function(text)
    ran[name] = ran[name] + 1
    local number = ran[name]
    local answer = ask("how many fruits? " .. name .. number):text()
    if name == "bad" and number == 1 then error "not this time" end
    return text .. #answer, 0.5
  end }
end
for _, name in ipairs { "good", "bad" } do
  local tool = counted(name)
  local list = {}
  for i = 1, 20 do list[i] = tool(i <= 15 and "same" or "other " .. i) end
  local failed = 0
  for _, v in ipairs(list) do if not pcall(v.text, v) then failed = failed + 1 end end
  print(name, ran[name], failed)
end
]], ".lua")
  local r = on_mock({ "--latency", "30" }, "$RUN --run a && $RUN --run b")
  lu.assertEquals(r.code, 0, r.err)
  lu.assertEquals(r.out, "good\t6\t0\nbad\t7\t1\n" .. "good\t0\t0\nbad\t0\t0\n")
end

function TestStore:test_tools_that_are_kept()
  local counted = command.temp()
  local tool = command.write(([[
local lg = require "lunagrad"
local function note(name)
  local file = io.open(%q, "a")
  file:write(name, " ")
  file:close()
end
local version = lg.args.version
local kept = lg.tool { name = "kept", cache = true, version = version,
  run = function(text) note "kept"; return text:upper(), 0.5 end }
local free = lg.tool { name = "free", run = function(text) note "free"; return text end }
local a = kept("a"):text()
print(a, kept("a").score, kept "b", free "a")
]]):format(counted), ".lua")
  local line = ("LUNAGRAD_HOME=%s $LG run %s --display none version="):format(command.quote(dir),
    tool)
  local r = command.with_mock({}, line .. "1 && " .. line .. "1 && " .. line .. "2")
  lu.assertEquals(r.code, 0, r.err)
  lu.assertEquals(r.out, ("A\t0.5\tB\ta\n"):rep(3))
  local n = {}
  for name in command.read(counted):gmatch "%a+" do n[name] = (n[name] or 0) + 1 end
  lu.assertEquals(n, { kept = 4, free = 3 })
end

-- ---- limits -----------------------------------------------------------------------------

TestLimits = { setUp = setup, tearDown = cleanup }

function TestLimits:test_calls_are_never_more()
  local r = on_mock({ "--latency", "5" }, "$RUN --run r --max-calls 17 --concurrency 64")
  lu.assertEquals(r.code, 4, r.err)
  lu.assertTrue(count_posts(r) <= 17, count_posts(r))
  lu.assertStrContains(r.err, "the limit on calls (--max-calls) was reached")
  lu.assertStrContains(r.err, "to go on")
  lu.assertStrContains(r.err, "--run r --max-calls 17")
  lu.assertEquals(runs()[1].state, "limit")
end

function TestLimits:test_the_best_so_far_is_returned_and_written()
  local r = on_mock({}, "$RUN --run r --max-calls 45; [ $? = 4 ] && echo then && $RUN --run r")
  lu.assertEquals(r.code, 0, r.err)
  local first, second = r.out:match "^(.-)then\n(.*)$"
  lu.assertStrContains(first, "limit\t")
  lu.assertStrContains(r.err, "best.txt")
  local whole = command.with_mock({}, ("RUN=\"$LG run %s --display none --no-store\"; $RUN")
    :format(script))
  lu.assertEquals(second, whole.out)
  lu.assertEquals(count_posts(r), count_posts(whole)) -- nothing was bought twice
  lu.assertEquals(command.read(dir .. "/runs/r/best.txt") .. "\n", whole.out:match "\n(.*)$")
end

function TestLimits:test_cost_and_tokens()
  local r = on_mock({ "--latency", "2" }, "$RUN --run r --max-cost 0.004 --json")
  lu.assertEquals(r.code, 4, r.err)
  local done = lines_of(r.out)
  done = done[#done]
  lu.assertEquals({ done.status, done.exit_code }, { "limit", 4 })
  lu.assertTrue(done.cost_usd <= 0.004, done.cost_usd)
  lu.assertTrue(done.cost_usd > 0)
  r = on_mock({ "--latency", "2" }, "$RUN --max-tokens 6000 --json --no-store")
  done = lines_of(r.out)
  done = done[#done]
  lu.assertEquals(r.code, 4, r.err)
  lu.assertTrue(done.tokens.input + done.tokens.output <= 6000)
end

function TestLimits:test_limits_in_the_script()
  local capped = command.write("require('lunagrad').configure { max_calls = 5 }\n" .. SCRIPT,
    ".lua")
  local r = command.with_mock({}, ("LUNAGRAD_HOME=%s $LG run %s --max-calls 100 -m sim/default")
    :format(command.quote(dir), capped))
  lu.assertEquals(r.code, 4, r.err)
  lu.assertTrue(count_posts(r) <= 5)
end

function TestLimits:test_a_limit_on_money_needs_prices()
  local unknown = command.write(SCRIPT:gsub("gpt%-4o%-mini", "some-model"), ".lua")
  local line = ("LUNAGRAD_HOME=%s $LG run %s --max-cost 5"):format(command.quote(dir), unknown)
  local r = command.with_mock({}, line)
  lu.assertNotEquals(r.code, 0)
  lu.assertEquals(#r.journal, 0)
  lu.assertStrContains(r.err, "no price is known for openai/some-model")
  local own = command.write('{"some-model": {"input_cost_per_token": 1e-6, '
    .. '"output_cost_per_token": 2e-6, "litellm_provider": "openai"}}', ".json")
  r = command.with_mock({}, line .. " --json --prices " .. own)
  lu.assertEquals(r.code, 0, r.err)
  local done = lines_of(r.out)
  local n = done[#done]
  lu.assertAlmostEquals(n.cost_usd, (n.tokens.input + 2 * n.tokens.output) / 1e6, 1e-9)
end

function TestLimits:test_unknown_cost_is_not_zero()
  local unknown = command.write(SCRIPT:gsub("gpt%-4o%-mini", "some-model"), ".lua")
  local r = command.with_mock({}, ("LUNAGRAD_HOME=%s $LG run %s --json"):format(command.quote(dir),
    unknown))
  local done = lines_of(r.out)
  lu.assertEquals(done[#done].cost_usd, json.null)
  lu.assertStrContains(r.err, "cost    n/a")
  lu.assertStrContains(store("runs").out, "n/a")
  lu.assertEquals(show(runs()[1].name).total.cost_usd, json.null)
end

-- ---- kills ------------------------------------------------------------------------------

-- One picture may have 6,263 tokens at 40 dollars a million; the mock's have 16.
function TestLimits:test_pictures_under_a_limit_of_cost()
  local file = command.write('require("lunagrad").model(require("lunagrad").args.model)'
    .. ' "a red square":text()', ".lua")
  local r = command.with_mock({}, ([[
draw() { $LG run %s --json --no-store "$@"; }
draw model=openai-image/gpt-image-1 --max-cost 0.26
draw model=openai-image/gpt-image-1 --max-cost 0.25
draw model=openai-image/gpt-image-2
draw model=openai-image/gpt-image-2 --max-cost 9
draw model=openai-image/gpt-image-1 --dry-run
draw model=openai-image/gpt-image-2 --dry-run]]):format(file))
  local done, estimates = {}, {}
  for _, row in ipairs(lines_of(r.out)) do
    if row.event == "done" then done[#done + 1] = row end
    if row.event == "estimate" then estimates[#estimates + 1] = row end
  end
  local prompt = 3 -- tokens
  lu.assertEquals({ done[1].exit_code, done[1].calls }, { 0, 1 }, r.err)
  lu.assertAlmostEquals(done[1].cost_usd, (prompt * 5 + 16 * 40) / 1e6, 1e-9)
  lu.assertEquals({ done[2].status, done[2].exit_code, done[2].calls }, { "limit", 4, 0 })
  lu.assertAlmostEquals(done[3].cost_usd, (prompt * 5 + 16 * 30) / 1e6, 1e-9)
  lu.assertEquals({ done[4].status, done[4].calls }, { "error", 0 })
  lu.assertStrContains(done[4].error, "nobody knows the most that a picture of openai-image/gpt-i")
  lu.assertEquals(#r.journal, 2)
  lu.assertEquals(estimates[1].output, 6263)
  lu.assertAlmostEquals(estimates[1].cost_usd, 6263 * 40e-6, 1e-3)
  lu.assertEquals(estimates[2].cost_usd, json.null)
end

TestKills = { setUp = setup, tearDown = cleanup }

function TestKills:test_killed_and_started_again()
  local r = on_mock({ "--latency", "uniform:5..40" }, [[
n=0; code=137
while [ $code = 137 ] && [ $n -lt 30 ]; do
  n=$((n + 1))
  $RUN --run r >$LUNAGRAD_HOME.out 2>/dev/null & P=$!
  case $n in 1) sleep 0.05;; 2) sleep 0.11;; 3) sleep 0.17;; 4) sleep 0.23;; *) wait $P;; esac
  kill -9 $P 2>/dev/null; wait $P; code=$?
done
cat $LUNAGRAD_HOME.out; rm $LUNAGRAD_HOME.out
exit $code]])
  lu.assertEquals(r.code, 0, r.err)
  local whole = command.with_mock({}, ("RUN=\"$LG run %s --display none --no-store\"; $RUN")
    :format(script))
  lu.assertEquals(r.out, whole.out)
  local found, killed = runs(), 0
  for _, run in ipairs(found) do killed = killed + (run.state == "killed" and 1 or 0) end
  lu.assertTrue(killed >= 1, "no start was killed")
  lu.assertEquals(found[1].state, "done")
  local shown = show "r"
  -- what was asked twice was in flight at a kill, and every one of them is listed
  lu.assertTrue(count_posts(r) - count_posts(whole) <= #shown.ambiguous,
    ("%d more, %d listed"):format(count_posts(r) - count_posts(whole), #shown.ambiguous))
  lu.assertTrue(shown.ambiguous_worst_usd > 0 or #shown.ambiguous == 0)
  lu.assertEquals(shown.total.calls, count_posts(whole))
end

function TestKills:test_ambiguous_calls_as_the_policy_says()
  local r = on_mock({ "--latency", "3000" }, [[
$RUN --run r >/dev/null 2>&1 & P=$!
sleep 0.4; kill -9 $P; wait $P
$RUN --run r --ambiguous fail --display plain; echo "fail $?"
$RUN --run r --ambiguous ask; echo "ask $?"
]])
  local states = runs()
  lu.assertEquals({ states[3].state, states[2].state, states[1].state },
    { "killed", "failed", "failed" })
  lu.assertStrContains(r.out, "fail 1\nask 1\n")
  lu.assertStrContains(r.err, "may have been paid for without a reply, at worst $0.")
  lu.assertStrContains(r.err, "an earlier run had sent it, and may have paid for it")
  lu.assertStrContains(r.err, "hint: --ambiguous retry buys such calls again")
  local people = store("show", "r").out
  lu.assertStrContains(people, "Ambiguous calls")
  lu.assertEquals(#show("r").ambiguous, count_posts(r))
  local again = on_mock({}, "$RUN --run r --display plain")
  lu.assertEquals(again.code, 0, again.err)
  lu.assertStrContains(again.err, "they are bought again")
  again = on_mock({}, "$RUN --run r --display plain --ambiguous fail")
  lu.assertEquals(again.code, 0, again.err)
end

-- ---- disks -------------------------------------------------------------------------------

TestDisks = { setUp = setup, tearDown = cleanup }

local function mounted(how, fn)
  if not os.execute(("mkdir -p %s && mount -t tmpfs -o %s tmpfs %s 2>/dev/null"):format(dir, how,
    dir)) then
    lu.skip "needs the right to mount a small file system"
  end
  local ok, problem = pcall(fn)
  os.execute("umount " .. dir)
  if not ok then error(problem, 0) end
end

local MANY = [[
local lg = require "lunagrad"
local m = lg.model "openai/gpt-4o-mini"
local ok, problem = pcall(function()
  for i = 1, 150 do m(("how many fruits? %d"):format(i) .. (" x"):rep(4000)):text() end
end)
print(ok, not ok and problem.kind)
if not ok then error(problem, 0) end
]]

function TestDisks:test_a_full_one_stops_buying_and_loses_nothing()
  script = command.write(MANY, ".lua")
  mounted("size=3m", function()
    local r = on_mock({}, ("$RUN --run r; echo $?; mount -o remount,size=40m %s; $RUN --run r")
      :format(dir))
    lu.assertEquals(r.out, "false\tstore\n1\ntrue\tfalse\n")
    lu.assertStrContains(r.err, "store.db: the disk is full")
    lu.assertStrContains(r.err, "hint: free some space and run again")
    local list = runs()
    lu.assertEquals(count_posts(r), 150)
    lu.assertTrue(list[2].calls > 5 and list[2].calls < 150)
    lu.assertEquals({ list[1].served, list[1].calls }, { list[2].calls, 150 - list[2].calls })
  end)
end

function TestDisks:test_one_that_cannot_be_written()
  mounted("size=4m", function()
    local r = on_mock({}, ("$RUN --run r >/dev/null; mount -o remount,ro %s; $RUN --run r; echo $?")
      :format(dir))
    lu.assertEquals(r.out, "1\n")
    lu.assertStrContains(r.err, "store.lock: cannot be made: Read-only file system (make the")
    lu.assertEquals(#show("r").candidates > 0, true) -- it can still be read
  end)
end

-- ---- replay, export, cache ---------------------------------------------------------------

TestCommands = { setUp = setup, tearDown = cleanup }

function TestCommands:test_export_and_replay()
  local r = on_mock({}, "$RUN --run r")
  lu.assertEquals(r.code, 0, r.err)
  local file = command.temp ".jsonl"
  lu.assertEquals(store("export", "r", "-o", file).code, 0)
  local replayed = command.write(SCRIPT:gsub('lg.model "openai/gpt%-4o%-mini"', "lg.model()"),
    ".lua")
  local again = command.run("run", replayed, "-m", "replay/" .. file, "--display", "none",
    "--no-store")
  lu.assertEquals(again.code, 0, again.err)
  lu.assertEquals(again.out, r.out)
  local changed = command.write(command.read(replayed):gsub("Answer the question", "Answer it"),
    ".lua")
  again = command.run("run", changed, "-m", "replay/" .. file, "--no-store")
  lu.assertNotEquals(again.code, 0)
  lu.assertStrContains(again.err, "- Answer the question.")
  lu.assertStrContains(again.err, "+ Answer it.")
end

-- A run that bought nothing is exported with what it was served.
function TestCommands:test_a_served_run_can_be_replayed()
  local r = on_mock({}, "$RUN --run first && $RUN --run second")
  local first, second = store("export", "first"), store("export", "second")
  lu.assertEquals(second.err, "")
  local function calls(text)
    local n = 0
    for _, row in ipairs(lines_of(text)) do n = n + (row.type == "call" and 1 or 0) end
    return n
  end
  lu.assertEquals({ calls(first.out), calls(second.out) }, { count_posts(r), count_posts(r) })
  local file = command.write(second.out, ".jsonl")
  local again = command.run("run", command.write(SCRIPT:gsub('lg.model "openai/gpt%-4o%-mini"',
    "lg.model()"), ".lua"), "-m", "replay/" .. file, "--display", "none", "--no-store")
  lu.assertEquals(again.code, 0, again.err)
  lu.assertStrContains(r.out, again.out)
end

-- A provider bills what its filter stopped; so it is bought, though nobody got an answer.
function TestCommands:test_what_a_filter_stopped_was_bought()
  local file = command.write([[
local lg = require "lunagrad"
local m = lg.model(lg.args.model)
for i = 1, 2 do
  local ok, problem = pcall(function()
    m(("I have %d apples and a pear. How many fruits do I have?"):format(i)):text()
  end)
  print(ok, problem.kind)
end]], ".lua")
  for model, env in pairs { ["openai/gpt-4o-mini"] = "", ["anthropic/claude-haiku-4-5"] =
      "ANTHROPIC_BASE_URL=${url%/v1} ANTHROPIC_API_KEY=k" } do
    local name = model:gsub("/", "-")
    local r = on_mock({ "--fault", "filter=1" }, ("env %s $LG run %s model=%s --run %s"):format(env,
      file, model, name))
    lu.assertEquals(r.out, "false\trefused\nfalse\trefused\n", r.err)
    lu.assertStrContains(r.err, "2 bought (2 useless), 2 failed")
    lu.assertStrContains(r.err, "cost    $0.0")
    local run, found = runs()[1], show(name)
    lu.assertEquals({ run.calls, found.total.calls, found.starts[1].calls }, { 2, 2, 2 })
    lu.assertTrue(run.tokens_in > 20 and run.tokens_out > 0)
    lu.assertEquals({ found.total.input, found.total.output }, { run.tokens_in, run.tokens_out })
    lu.assertEquals(#found.ledger, 1)
    lu.assertEquals({ found.ledger[1].role, found.ledger[1].model }, { "useless", json.null })
    local price = prices.lookup(model)
    local cost = prices.cost(price, { input = run.tokens_in, output = run.tokens_out }) / 1e6
    lu.assertAlmostEquals(run.cost_usd, cost, 2e-6)
    lu.assertAlmostEquals(found.total.cost_usd, run.cost_usd, 1e-9)
    local shown = store("show", name).out
    lu.assertStrContains(shown, "2 bought, 0 served")
    lu.assertStrMatches(shown, ".*useless +2 .*")
    lu.assertEquals(store("export", name).err, "")
  end
end

-- Each call is paid for: one after the other, at the same time, in the next run; all are kept.
function TestCommands:test_a_model_without_memo_buys_each_time()
  local file = command.write([[
local lg = require "lunagrad"
local m = lg.model{ "openai/gpt-4o-mini", memo = false }
local a, b = m "How many?", m "How many?"
a:text() b:text()
m("How many?"):text()
local other = lg.model "openai/gpt-4o-mini"
other("How many?"):text()]], ".lua")
  local again = ("$LG run %s --display none --run "):format(file)
  local r = on_mock({}, again .. "own && " .. again .. "other")
  lu.assertEquals(count_posts(r), 6)
  local found = {}
  for _, run in ipairs(runs()) do found[run.name] = { run.calls, run.served } end
  lu.assertEquals(found, { own = { 3, 1 }, other = { 3, 1 } })
end

-- What is asked for again and again is one line; only what is gone is told.
function TestCommands:test_served_the_same_again_and_again()
  local file = command.write([[
local lg = require "lunagrad"
lg.configure { memo_bytes = 1 }
local m = lg.model "openai/gpt-4o-mini"
for i = 1, 6 do m(("I have %d apples and a pear. How many fruits?"):format(i % 2)):text() end]],
    ".lua")
  local again = ('$LG run %s --display none --run '):format(file)
  local r = on_mock({}, again .. "own && " .. again .. "other")
  lu.assertEquals(count_posts(r), 2)
  for i, run in ipairs(runs()) do lu.assertEquals(run.calls + run.served, 6, tostring(i)) end
  for _, name in ipairs { "own", "other" } do
    local got = store("export", name)
    lu.assertEquals({ got.err, select(2, got.out:gsub('"type":"call"', "")) }, { "", 2 }, name)
  end
  lu.assertEquals(store("cache", "prune", "--run", "own").code, 0)
  for _, name in ipairs { "own", "other" } do
    lu.assertStrContains(store("export", name).err, "not known any more", false, name)
  end
end

function TestCommands:test_export_formats()
  on_mock({}, "$RUN --run r")
  local csv = store("export", "r", "--format", "csv", "--table", "calls").out
  lu.assertStrContains(csv, "id,run_id,kind,model,endpoint,status,")
  lu.assertStrContains(csv, ",optimizer,openai/gpt-4o-mini,")
  lu.assertStrContains(store("export", "r", "--format", "dot").out, "digraph candidates")
  lu.assertEquals(store("export", "r", "--table", "scores", "--format", "dot").code, 2)
  local types = {}
  for _, row in ipairs(lines_of(store("export", "r").out)) do types[row.type] = true end
  for _, name in ipairs { "run", "call", "candidate", "proposal", "gradient", "edit", "score" } do
    lu.assertTrue(types[name], name)
  end
end

function TestCommands:test_cache()
  local r = on_mock({}, "$RUN --run r")
  local bought = count_posts(r)
  local stats = json.decode(store("cache", "stats", "--json").out)
  lu.assertEquals(stats.replies, bought)
  local ledger = show("r").ledger
  lu.assertStrContains(store("cache", "clear").out, "nothing was deleted")
  lu.assertEquals(store("cache", "prune").code, 2)
  lu.assertStrContains(store("cache", "prune", "--model", "openai/gpt-4o-min").err, "did you mean")
  local pruned = json.decode(store("cache", "prune", "--older-than", "1", "--json").out)
  lu.assertEquals({ pruned.deleted, pruned.replies }, { true, 0 })
  local cleared = json.decode(store("cache", "clear", "--yes", "--json").out)
  lu.assertEquals({ cleared.deleted, cleared.replies }, { true, bought })
  local after = json.decode(store("cache", "stats", "--json").out)
  lu.assertTrue(after.file_bytes < stats.file_bytes)
  lu.assertEquals(json.decode(store("cache", "stats", "--json").out).replies, 0)
  lu.assertEquals(show("r").ledger, ledger) -- what was paid stays known
  r = on_mock({}, "$RUN --run r")
  lu.assertEquals(count_posts(r), bought)
  lu.assertEquals(#runs(), 2) -- records stay
end

function TestCommands:test_misuse_and_help()
  on_mock({}, "$RUN --run prompt >/dev/null")
  lu.assertStrContains(store("show", "promt").err, "did you mean prompt?")
  lu.assertStrContains(store("show").err, "lunagrad runs lists them")
  lu.assertStrContains(store("cache", "stat").err, "did you mean stats?")
  for _, name in ipairs { "runs", "show", "cache", "export", "run" } do
    local help = command.run(name, "--help")
    lu.assertEquals(help.code, 0)
    local examples = help.out:match "\nexamples:\n(.*)$"
    local _, n = examples:gsub("\n", "\n")
    lu.assertTrue(n >= 3, name)
    lu.assertEquals(command.run("help", name).out, help.out)
  end
end

function TestCommands:test_a_plain_program_may_have_a_store()
  local plain = command.write("package.cpath = os.getenv 'SO' .. ';' .. package.cpath\n"
    .. "require('lunagrad').configure { store = os.getenv 'DIR' }\n" .. SCRIPT, ".lua")
  local so = command.path:gsub("lunagrad$", "?.so")
  if so:sub(1, 1) ~= "/" then so = "$PWD/" .. so end
  local lua = "env ${LG_PRELOAD:+LD_PRELOAD=$LG_PRELOAD} " .. (arg[-1] or "lua5.4") .. " "
    .. plain
  local line = ("export SO=\"%s\" DIR=%s; %s; echo then; %s"):format(so,
    command.quote(dir), lua, lua)
  local r = command.with_mock({}, line)
  lu.assertEquals(r.code, 0, r.err)
  local first, second = r.out:match "^(.-)then\n(.*)$"
  lu.assertEquals(second, first)
  local found = runs()
  assert_served(found[1].calls, found[1].served, found[2].calls)
  lu.assertEquals({ found[1].state, found[2].state }, { "done", "done" })
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
