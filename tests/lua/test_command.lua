-- test_command.lua - what the command must not get wrong: words that would be limits, every step
-- told, several trainings told apart, clocks, failures nobody looked at

local lu = require "luaunit"
require "helper"
local command = require "command"
local json = require("lunagrad").json

-- ---- words that look like options ---------------------------------------------------------

TestWords = {}

local READS_NOTHING = "print(#(...))"
local READS = 'local lg = require "lunagrad" print(lg.args.max_calls, lg.args["dry-run"], ...)'

local function with(script, ...)
  return command.run("run", command.write(script, ".lua"), ...)
end

function TestWords:test_an_argument_named_like_an_option_is_an_error_that_names_it()
  for word, option in pairs {
    ["max_calls=1"] = "--max-calls 1", ["max-calls=1"] = "--max-calls 1",
    ["MAX_CALLS=1"] = "--max-calls 1", ["maxcalls=1"] = "--max-calls 1",
    ["mx_calls=1"] = "--max-calls 1", ["max_cots=0.5"] = "--max-cost 0.5",
    ["modle=x/y"] = "--model x/y", ["m=sim"] = "-m sim", ["seed=4"] = "--seed 4",
    ["dry_run"] = "--dry-run", ["dry-run=1"] = "--dry-run", ["no_store=true"] = "--no-store",
    ["\u{2013}max-calls=1"] = "--max-calls 1", ["\u{2014}json"] = "--json",
  } do
    local got = with("print 'bought'", word)
    lu.assertEquals({ got.code, got.out }, { 2, "" }, word)
    lu.assertStrContains(got.err, "did you mean " .. option .. "?")
  end
end

function TestWords:test_a_script_may_have_such_an_argument_of_its_own()
  local got = with(READS, "max_calls=1", "dry-run=yes")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertEquals(got.out, "1\tyes\tmax_calls=1\tdry-run=yes\n")
end

function TestWords:test_what_a_script_only_sets_is_not_read()
  local got = with('local t = { max_calls = 5 } -- max_calls', "max_calls=1")
  lu.assertEquals(got.code, 2)
end

function TestWords:test_all_words_behind_two_dashes_are_the_scripts()
  local got = with(READS_NOTHING, "--", "max_calls=1")
  lu.assertEquals({ got.code, got.out }, { 0, "11\n" }, got.err)
  lu.assertEquals(with(READS_NOTHING, "max_calls=1", "--", "x").code, 2)
end

function TestWords:test_other_words_are_arguments()
  for _, word in ipairs { "steps=3", "mode=fast", "x=1", "run", "json", "model", "a-b", "n=",
    "max calls=1", "=", "caller=1", "sod=1", "./max_calls" } do
    local got = with(READS_NOTHING, word)
    lu.assertEquals({ got.code, got.out }, { 0, #word .. "\n" }, got.err)
  end
end

function TestWords:test_json_tells_it_too()
  local got = with("print 1", "max_calls=1", "--json")
  lu.assertEquals(got.code, 2)
  local done = json.decode(got.out:match "([^\n]*)\n$")
  lu.assertEquals({ done.event, done.exit_code }, { "done", 2 })
end

function TestWords:test_the_prompt_says_it_as_well()
  local got = command.run("repl", "max_calls=1")
  lu.assertEquals(got.code, 2)
  lu.assertStrContains(got.err, "--max-calls 1")
end

-- ---- words that nothing reads ---------------------------------------------------------------

TestUnread = {}

local ASKS = '\nlocal lg = require "lunagrad" print(lg.model(function() return "bought" end) "q")'

function TestUnread:test_an_argument_that_nothing_reads_is_told_before_the_first_call()
  local script = 'local lg = require "lunagrad" local steps = lg.args.steps or 3\n'
    .. 'print(lg.model(function() io.stderr:write "bought" return "x" end) "q")'
  local got = with(script, "stpes=5")
  lu.assertEquals(got.code, 0, got.err)
  local said = "warning: nothing reads the argument stpes=5; did you mean steps=?"
  local at = got.err:find(said, 1, true)
  lu.assertNotNil(at, got.err)
  lu.assertTrue(at < got.err:find "bought")
  lu.assertEquals(select(2, got.err:gsub("nothing reads", "")), 1)
end

function TestUnread:test_without_a_call_it_is_told_at_the_end()
  lu.assertStrContains(with("print(1)", "x=1", "word").err, "nothing reads the argument word")
  lu.assertStrContains(command.run("-e", "print(lg.args.y)", "x=1").err, "the argument x=1")
  local record = with("print(1)", "x=1", "--json").out:match '[^\n]*"note"[^\n]*'
  lu.assertStrContains(json.decode(record).text, "x=1")
end

function TestUnread:test_in_a_function_dots_are_its_own()
  local got = with("local function f(...) return ... end f() print(lg)" .. ASKS, "x=1")
  lu.assertStrContains(got.err, "nothing reads the argument x=1")
end

function TestUnread:test_what_a_comment_says_is_not_read()
  lu.assertStrContains(with("-- args: see arg, args\n" .. ASKS, "x=1").err, "argument x=1")
end

function TestUnread:test_scripts_that_may_read_are_told_nothing()
  local get = 'local lg = require "lunagrad" local args = lg.args\n'
  for _, code in ipairs {
    get .. "print(args.x)", get .. "print(args['x'])", get .. "local n = 'x' print(args[n])",
    get .. "for k in pairs(args) do print(k) end", get .. "local all = args", "print(...)",
    "local first = ...", "print(arg[1])", get .. "print(lg.json.encode(lg.args))",
    "#!/usr/bin/lunagrad\nprint(...)",
  } do
    local got = with(code .. ASKS, "x=1")
    lu.assertEquals(got.code, 0, code .. got.err)
    lu.assertNotStrContains(got.err, "nothing reads", false, code)
  end
end

function TestUnread:test_a_module_beside_the_script_counts()
  local file = command.write('return require "lunagrad".args.x', ".lua")
  local name = file:match "([^/]+)%.lua$"
  local got = with(('print((require "%s"))'):format(name), "x=1", "y=2")
  lu.assertEquals(got.out, "1\n", got.err)
  lu.assertNotStrContains(got.err, "x=1")
  lu.assertStrContains(got.err, "y=2")
end

-- ---- what a file has not ----------------------------------------------------------------------

TestHints = {}

function TestHints:test_a_file_without_the_library_is_told_how_to_get_it()
  for _, code in ipairs { "lg.model()", "print(lg.args.x)" } do
    local got = with(code)
    lu.assertEquals(got.code, 1)
    lu.assertStrContains(got.err, 'hint: the script needs  local lg = require "lunagrad"')
  end
  lu.assertNotStrContains(with("other.model()").err, "hint")
end

-- ---- trainings ------------------------------------------------------------------------------

-- Two trainings of one run; the first ends with the higher score.
local TWO = [[
local lg = require "lunagrad"
local answer = lg.model(function(request)
  return ("x"):rep(select(2, request.messages[1].content:gsub("good", "")))
end, "answerer")
local texts, turns = { "good", "bad", "good good", "good good good" }, 0
local function editor()
  turns = turns + 1
  return ("<NEW_VARIABLE>%s</NEW_VARIABLE>"):format(texts[turns] or texts[4])
end
local function train(role, steps, top)
  local prompt, rows = lg.param("start", role), { { question = "q" }, { question = "r" } }
  return lg.train { program = function(row) return answer { row.question, system = prompt } end,
    params = { prompt }, train = rows, val = rows, steps = steps, perfect = 10,
    loss = lg.loss.critic { "?", model = lg.model(function() return "Say more." end, "critic") },
    optimizer = lg.optim.tgd { prompt, model = lg.model(editor, "editor") },
    metric = function(output) return #output / top end }
end
]]
local ONE_BY_ONE = TWO .. 'train("system prompt", 4, 4) train("other prompt", 3, 8)'
local TOGETHER = TWO .. [[
lg.map({ { "system prompt", 4, 4 }, { "other prompt", 3, 8 } },
  function(one) train(table.unpack(one)) end)]]

TestTrainings = {}

local function steps_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    if line:find "step %d+: " then list[#list + 1] = line:match "^(.-step %d+: %a+)" end
  end
  return list
end

function TestTrainings:test_plain_tells_every_step_in_order()
  for _ = 1, 3 do
    local got = with(ONE_BY_ONE, "--display", "plain")
    lu.assertEquals(got.code, 0, got.err)
    lu.assertEquals(steps_of(got.err), { "step 1: accepted", "step 2: rejected",
      "step 3: accepted", "step 4: accepted", "training 2, step 1: accepted",
      "training 2, step 2: rejected", "training 2, step 3: rejected" })
    lu.assertStrContains(got.err, "\ntraining 2: other prompt\n")
  end
end

function TestTrainings:test_done_has_the_highest_score_and_each_ones_own()
  local got = with(ONE_BY_ONE, "--json")
  local done = json.decode(got.out:match "([^\n]*)\n$")
  lu.assertEquals({ done.best_score, done.seed_score }, { 0.75, 0 })
  lu.assertEquals(#done.trainings, 2)
  lu.assertEquals({ done.trainings[2].params[1], done.trainings[2].best_score },
    { "other prompt", 0.375 })
  for row in got.out:gmatch "[^\n]+" do
    local event = json.decode(row)
    if event.event == "step" then lu.assertNotNil(event.training) end
  end
end

local function shown(script)
  local dir = command.temp ".store"
  local function lunagrad(...)
    return command.shell(("LUNAGRAD_HOME=%s %s"):format(dir, command.line(...)))
  end
  local got = lunagrad("run", command.write(script, ".lua"), "--run", "two")
  lu.assertEquals(got.code, 0, got.err)
  local people, machine = lunagrad("show", "two").out, lunagrad("show", "two", "--json").out
  command.shell("rm -rf " .. dir)
  return people, json.decode(machine)
end

function TestTrainings:test_show_tells_them_apart()
  local people, found = shown(ONE_BY_ONE)
  lu.assertStrMatches(people, ".*best     0.750 %(%+0.750%)  %S+, training 1 %(system prompt%)\n.*")
  lu.assertStrMatches(people, ".*best     0.375 %(%+0.375%)  %S+, training 2 %(other prompt%)\n.*")
  lu.assertStrContains(people, "Candidates of training 1 (system prompt) (4; * best)")
  lu.assertStrContains(people, "Proposals of training 2 (other prompt) (3)")
  lu.assertEquals({ found.best_score, found.seed_score }, { 0.75, 0 })
  lu.assertEquals(found.trainings[2].best_idx, 1) -- each counts its own
  lu.assertNotEquals(found.trainings[1].search_id, found.trainings[2].search_id)
  lu.assertEquals(found.proposals[5].training, 2)
end

function TestTrainings:test_trainings_at_the_same_time_keep_their_own_best()
  local _, found = shown(TOGETHER)
  local best = {}
  for _, row in ipairs(found.candidates) do
    if row.is_best then best[#best + 1] = row.training end
  end
  table.sort(best)
  lu.assertEquals(best, { 1, 2 })
end

function TestTrainings:test_one_training_is_shown_without_a_number()
  local people, found = shown(TWO .. 'train("system prompt", 1, 4)')
  lu.assertNotStrContains(people, "of training 1")
  lu.assertNotStrContains(people, "training 1 (")
  lu.assertEquals({ #found.trainings, found.best_score }, { 1, 0.25 })
end

-- ---- failures that nobody looked at --------------------------------------------------------

TestUnseen = {}

local BAD = [[
local lg = require "lunagrad"
local bad = lg.model(function() error("no luck", 0) end, "bad")
local function settle() for _ = 1, 30 do lg.sleep(0.001) end end -- turns of the loop
]]

local function unseen(code, ...)
  return with(BAD .. code .. "\nsettle() print 'done'", "--display", "none", ...)
end

function TestUnseen:test_a_failed_result_ends_the_run_with_1_and_is_named()
  for _, code in ipairs {
    "local v = bad 'x'", "bad 'x' collectgarbage()", "local v = bad 'x' .. '!'",
    "local v = lg.mean { bad 'x', lg.var 'y' }", "local v = bad 'x' pcall(lg.var, {})",
    "local v = lg.loss.critic { 'fine?', model = bad } ('answer')",
    "local v = lg.tool { name = 't', run = function() error('no luck', 0) end } ()",
    "local v = lg.agent { model = bad } 'x'", "lg.spawn(function() error('no luck', 0) end)",
    "lg.spawn(function() bad('x'):text() end)",
    "local p = lg.param('p', 'r') local l = lg.loss.judge('ok?') (p .. 'x')"
      .. " l:text() l:backward { model = bad }",
  } do
    local got = unseen(code)
    lu.assertEquals({ got.code, got.out }, { 1, "done\n" }, code .. "\n" .. got.err)
    lu.assertStrContains(got.err, "lunagrad: a result failed, and nobody looked at it:\n  ")
    lu.assertStrContains(got.err, "no luck", false, code)
  end
end

-- Of several calls one is waited for, and that one's error ends the work.
local BOTH = [[
local late = lg.model(function() lg.sleep(0.01) error("no luck", 0) end, "late")
local function both() local a, b, c = bad "1", bad "2", late "3" return (a .. b):text() .. c:text() end
local set = lg.data.list { { question = "a", answer = "ok" }, { question = "b", answer = "ok" } }
local p = lg.param("p", "r")
local function program(row) return row.question == "a" and both() or p end
]]

function TestUnseen:test_the_error_of_a_task_stands_for_all_it_has_begun()
  for _, code in ipairs {
    "pcall(lg.map, { 1, 2 }, both)", "lg.map({ 1, 2 }, both, { on_error = 'collect' })",
    "local t = lg.spawn(both) pcall(t.await, t)",
    "local t = lg.spawn(function() local x, y = lg.spawn(both), lg.spawn(both) x:await() end)"
      .. " pcall(t.await, t)",
    "local v = lg.tool { name = 't', run = both } () pcall(v.text, v)",
    "local v = lg.tool { name = 't', timeout = 0.01, run = function() local x = bad '1'"
      .. " lg.sleep(9) return x end } () pcall(v.text, v)",
    "local m = lg.model(function(r) if #r.messages > 1 then return 'end' end return { text ="
      .. " [[{\"text\":\"\",\"calls\":[{\"id\":\"1\",\"name\":\"t\",\"arguments\":{}}]}]],"
      .. " media = 'application/vnd.lunagrad.turn+json' } end) print(lg.agent { model = m,"
      .. " tools = { { name = 't', run = both } } } 'q')",
    "lg.evaluate { program, data = set, metric = lg.metric.exact, on_error = 'zero' }",
    "lg.train { program = program, params = { p }, train = set, val = set, steps = 1,"
      .. " metric = lg.metric.exact, loss = lg.loss.critic 'ok?', on_error = 'zero' }",
  } do
    local got = unseen(BOTH .. code .. " lg.sleep(0.1)")
    lu.assertEquals(got.code, 0, code .. "\n" .. got.err)
  end
end

function TestUnseen:test_it_does_not_stand_for_what_others_have_begun()
  for _, code in ipairs {
    "local t = lg.spawn(function() local x = bad 'x' return 1 end) t:await()",
    "local x = bad 'x' local t = lg.spawn(function() error 'y' end) pcall(t.await, t)",
    "lg.spawn(function() lg.spawn(both) error 'y' end)", "lg.spawn(both)",
  } do
    lu.assertEquals(unseen(BOTH .. code .. " lg.sleep(0.1)").code, 1, code)
  end
end

function TestUnseen:test_what_was_looked_at_or_cancelled_does_not_count()
  for _, code in ipairs {
    "pcall(function() bad('x'):text() end)", "local v = bad 'x' settle() v:state()",
    "local v = bad 'x' settle() v:error()", "local v = bad 'x' v:cancel()",
    "lg.mean({ bad 'x', lg.var 'y' }, { skip_failed = true }):text()",
    "lg.sum({ bad 'x', lg.var 'y' }, { skip_failed = true }):text()",
    "local x = bad 'x' pcall(function() (x .. '!'):text() end)",
    "lg.evaluate { function() return bad 'x' end, data = { {}, {} }, on_error = 'zero',"
      .. " metric = function() return 1 end }",
    "lg.map({ 1, 2 }, function() return bad('x'):text() end, { on_error = 'collect' })",
    "local t = lg.spawn(function() error 'x' end) pcall(t.await, t)",
    "local a = lg.agent { model = bad } 'x' pcall(a.text, a)",
    "local m = lg.model(function(r) if #r.messages > 1 then return 'end' end return { text ="
      .. " [[{\"text\":\"\",\"calls\":[{\"id\":\"1\",\"name\":\"t\",\"arguments\":{}}]}]],"
      .. " media = 'application/vnd.lunagrad.turn+json' } end) print(lg.agent { model = m,"
      .. " tools = { { name = 't', run = function() error 'told' end } } } 'q')",
    "local p = lg.param('p', 'r') local l = lg.loss.judge('ok?') (p .. 'x') l:text()"
      .. " l:backward { model = bad } pcall(p.feedback, p)",
  } do
    local got = unseen(code)
    lu.assertEquals(got.code, 0, code .. "\n" .. got.err)
    lu.assertNotStrContains(got.err, "nobody looked")
  end
end

function TestUnseen:test_the_first_are_told_and_the_others_counted()
  local got = unseen("local t = {} for i = 1, 20 do t[i] = bad('x' .. i) end", "--json")
  lu.assertEquals(got.code, 1)
  lu.assertStrContains(got.err, "20 results failed, and nobody looked at them:")
  lu.assertStrContains(got.err, "and 17 more")
  lu.assertEquals(select(2, got.err:gsub("no luck", "")), 3)
  local done = json.decode(got.out:match "([^\n]*)\n$")
  lu.assertEquals({ done.status, done.exit_code }, { "error", 1 })
  lu.assertStrContains(done.error, "20 results failed")
end

function TestUnseen:test_a_servers_failure_is_3_and_a_long_one_is_cut()
  local got = command.with_mock({ "--faults", "401=1" }, "$LG -e " .. command.quote(
    "local v = lg.model 'openai/m' 'q' lg.sleep(0) while v:raw_text() == nil and"
      .. " lg.stats().failed == 0 do lg.sleep(0.01) end"))
  lu.assertEquals(got.code, 3, got.err)
  lu.assertStrContains(got.err, "nobody looked at it")
  got = unseen("local long = lg.model(function() error(('x'):rep(1e5), 0) end) local v = long 'q'")
  lu.assertEquals(got.code, 1)
  lu.assertTrue(#got.err < 1000, #got.err)
end

function TestUnseen:test_a_stock_lua_is_told_where_it_logs()
  local script = [[local lg = require "lunagrad"
    lg.configure { %s }
    local v = lg.model(function() error("no luck", 0) end) "x"
    lg.sleep(0.001)]]
  local got = command.lua(script:format 'log = "warn"')
  lu.assertStrContains(got.err, "a result failed, and nobody looked at it")
  lu.assertEquals(command.lua(script:format "").err, "")
end

-- ---- clocks ------------------------------------------------------------------------------------

TestClock = {}

-- As older versions left it when the clock was set back.
function TestClock:test_a_run_that_ended_before_it_began_has_no_negative_duration()
  local dir = command.temp ".store"
  local file = command.write([[
    local lg = require "lunagrad"
    lg.stats()
    local record = require "lunagrad.book.record"
    record.finish "done"
    record.current().engine:store_exec(
      "UPDATE run SET ended_us = started_us - 64799900000 WHERE id = 1")]], ".lua")
  local got = command.shell(("export LUNAGRAD_HOME=%s; %s && %s"):format(dir,
    command.line("run", file), command.line("runs")))
  command.shell("rm -rf " .. dir)
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out, "(clock set back)")
  lu.assertNotStrContains(got.out, "-64")
end

os.exit(lu.LuaUnit.run())
