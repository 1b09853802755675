-- test_host.lua - what hosts ask of the library's Lua, with the C beneath played by this file:
-- losses, optimizers, training and search of JSON, variables and models

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local scopes = require "lunagrad.scope"

-- What lua/host/query.c offers: queries are answered by the functions of `answers`, in a task.
local told, best, results, answers, over, running = {}, {}, {}, {}, {}, 0

local function query(engine, owner, what, params, about)
  local made = core.promise(engine, params, what)
  loop.spawn(function()
    local ok, value, words = pcall(answers[what], params, about, owner)
    if not ok then
      return core.break_promise(engine, made, "tool", tostring(value))
    elseif type(value) == "userdata" then
      return core.keep(engine, made, value)
    end
    local leaf = core.var(engine, words or "", "answer", false)
    leaf:set_score(value, 1)
    core.keep(engine, made, leaf)
  end, { serves = true })
  return made
end

core.host = { wire = {
  running = function(_, on) running = running + (on and 1 or -1) end,
  query = query,
  over = function(owner) over[#over + 1] = owner end,
  tell = function(_, json) told[#told + 1] = core.json_decode(json) end,
  best = function(_, texts) best[#best + 1] = texts end,
  result = function(_, json) results[#results + 1] = core.json_decode(json) end,
} }

-- Calls as C does (lua/host/private.c); what it comes to.
local function call(name, args, vars, models)
  local engine, scope = loop.engine(), scopes.new()
  local answer = core.promise(engine, name:find "^loss" and vars or {}, name)
  local room, fn = name:match "^(.-)%.(.*)$"
  local task = loop.spawn(function()
    local made = require("lunagrad.host." .. room)[fn](core.json_decode(core.json_encode(args)),
      vars or {}, models or {})
    if lg.is_var(made) then return made end
    return core.var(engine, core.json_encode(made), "report", false)
  end, { scope = scope, what = name })
  loop.watch(answer, function()
    if not task.done then scope:cut(errors.new("cancelled", name .. " was cancelled")) end
  end)
  task.after = function(t)
    scope:close(t)
    if answer:raw_state() ~= "pending" then return end
    if t.ok then return core.keep(engine, answer, t[1]) end
    local problem = errors.wrap(t[1])
    core.break_promise(engine, answer, problem.kind ~= "script" and problem.kind or "tool",
      problem.message)
  end
  return answer
end

-- A world of one number: see test_train.lua.
local function level_of(text) return tonumber(text:match "level (%d+)") end

local function rows(n)
  local lines = {}
  for i = 1, n do
    lines[i] = core.json_encode { question = tostring((i - 1) % 10 + 1), answer = "ok" }
  end
  return table.concat(lines, "\n")
end

local function world(proposals)
  local w = { edits = 0, prompt = lg.param("level 2", "system prompt") }
  local answerer = lg.model(function(request)
    return tonumber(request.messages[2].content) <= level_of(request.messages[1].content) and "ok"
      or "bad"
  end)
  local critic = lg.model(function() return "raise the level" end)
  local editor = lg.model(function()
    w.edits = w.edits + 1
    return "<NEW_VARIABLE>level " .. proposals[math.min(w.edits, #proposals)] .. "</NEW_VARIABLE>"
  end)
  w.models = { answerer.core, critic.core, editor.core }
  w.args = { owner = 1, train = rows(10), val = rows(10), steps = 3, batch = 10, seed = 1,
    metric = "exact", models = { model = 1, backward = 2, judge = 2, optimizer = 3 } }
  w.ask = answerer
  return w
end

TestHost = {}

function TestHost:setUp() told, best, results, answers = {}, {}, {}, {} end

function TestHost.test_losses()
  local w = world {}
  local answer = lg.var("the result is 7", "answer")
  local exact = call("loss.exact", { target = "7", number = true }, { answer })
  exact:text()
  lu.assertEquals({ exact.score, exact.target }, { 1, 1 })
  local critic = call("loss.critic", { instruction = "Is it right?", models = { judge = 2 } },
    { answer }, w.models)
  lu.assertEquals(critic:text(), "raise the level")
  answers.score = function(_, about) return #about.text / 100, "longer" end
  local p = lg.param("abc", "text")
  local scored = call("loss.score", { owner = 5, purpose = "counts" }, { p })
  scored:text()
  lu.assertAlmostEquals(scored.score, 0.03, 1e-9)
  lu.assertEquals(over, { 5 })
  scored:backward { model = w.models[2] and lg.model(function() return "x" end) }
  lu.assertStrContains(p:feedback()[1].text, "longer")
  helper.fails("inval", nil, function()
    call("loss.critic", { instruction = "Is it right?" }, { answer }):text()
  end)
end

function TestHost.test_optimizer()
  local w, seen = world { 4, 900, 5 }, {}
  answers.check = function(_, about)
    seen[#seen + 1] = { about.text, about.param }
    return level_of(about.text) < 100 and 1 or 0, "too high"
  end
  call("optimizer.new", { owner = 9, models = { optimizer = 3 }, check = true, momentum = 1,
    check_words = "below 100", constraints = { "short" } }, { w.prompt }, w.models)
  w.prompt:add_feedback "raise it"
  local report = core.json_decode(call("optimizer.step", { owner = 9 }):text())
  lu.assertTrue(report.changed)
  lu.assertEquals(report.params[1].after, "level 4")
  lu.assertEquals(w.prompt:text(), "level 4")
  lu.assertEquals(seen, { { "level 4", 0 } })
  w.prompt:zero_grad()
  w.prompt:add_feedback "raise it more"
  report = core.json_decode(call("optimizer.step", { owner = 9 }):text()) -- refused once, then level 5
  lu.assertEquals(report.params[1].after, "level 5")
  lu.assertEquals(#seen, 3)
  call("optimizer.new", { owner = 10, models = { optimizer = 3 }, options = { mod = "edit" } },
    { w.prompt }, w.models)
  helper.fails("inval", "\"mod\"", function() call("optimizer.step", { owner = 10 }):text() end)
end

function TestHost.test_train_by_question()
  local w = world { 4, 6, 8 }
  local done = call("train.train", w.args, { w.prompt }, w.models)
  done:text()
  lu.assertEquals(w.prompt:text(), "level 8")
  lu.assertEquals(results[1].best, { ["system prompt"] = "level 8" })
  lu.assertEquals({ results[1].seed_score, results[1].best_score }, { 0.2, 0.8 })
  lu.assertEquals(#results[1].steps, 3)
  lu.assertEquals({ told[1].step, told[1].of, told[3].score }, { 1, 3, 0.8 })
  lu.assertEquals(best[#best], { "level 8" })
end

-- What validation refuses is never seen in the host's parameter.
function TestHost.test_train_by_the_host()
  local w, held = world { 1, 6 }, {}
  w.args.metric, w.args.program, w.args.score = nil, true, true
  w.args.steps = 2
  answers.program = function(params, about)
    held[w.prompt:raw_text()] = true
    lu.assertNotEquals(params[1]:own_id(), w.prompt:own_id())
    return w.ask { core.json_decode(about.example).question, system = params[1] }
  end
  answers.score = function(_, about)
    lu.assertEquals(about.answer:raw_text(), about.text)
    return about.text == "ok" and 1 or 0, "raise it"
  end
  call("train.train", w.args, { w.prompt }, w.models):text()
  lu.assertEquals(w.prompt:text(), "level 6")
  lu.assertNil(held["level 1"])
  lu.assertEquals({ results[1].rejected, results[1].accepted }, { 1, 1 })
end

function TestHost.test_search_counts_the_hosts_calls()
  local w, calls = world { 4, 6, 8, 9 }, 0
  w.args.program, w.args.steps, w.args.max_calls = true, nil, 120
  w.args.options = { headroom = false }
  answers.program = function(params, about)
    calls = calls + 1
    return w.ask { core.json_decode(about.example).question, system = params[1],
      sample = about.sample }
  end
  call("search.search", w.args, { w.prompt }, w.models):text()
  local r = results[1]
  lu.assertTrue(r.best_score > 0.2)
  lu.assertEquals(r.texts[1], w.prompt:text())
  lu.assertTrue(r.spent.calls >= r.spent.evaluations and r.spent.calls <= calls)
  lu.assertTrue(r.spent.calls <= 120)
end

function TestHost.test_search_by_evaluation()
  local w = world { 4, 6, 8 }
  local args = { owner = 1, evaluate = true, max_evaluations = 12, seed = 1,
    models = w.args.models }
  answers.evaluate = function(params) return level_of(params[1]:raw_text()) / 10, "higher" end
  call("search.search", args, { w.prompt }, w.models):text()
  lu.assertEquals(results[1].best["system prompt"], w.prompt:text())
  lu.assertTrue(level_of(w.prompt:text()) > 2)
  lu.assertEquals(results[1].best_score, level_of(w.prompt:text()) / 10)
end

function TestHost.test_what_is_wrong()
  local w = world {}
  local function fails(kind, field, change)
    local args = setmetatable({}, { __index = w.args })
    local all = {}
    for name, value in pairs(w.args) do all[name] = value end
    change(all)
    helper.fails(kind, field, function()
      call("train.train", all, { w.prompt }, w.models):text()
    end)
    lu.assertNotNil(args)
  end
  fails("inval", "metric", function(a) a.metric = "exakt" end)
  fails("inval", "patince", function(a) a.options = { patince = 1 } end)
  fails("inval", "seed", function(a) a.options = { seed = 1 } end)
  fails("parse", nil, function(a) a.train = "no json" end)
  fails("inval", nil, function(a) a.metric = nil end)
  fails("inval", nil, function(a) a.models = {} end)
  lu.assertEquals(w.prompt:text(), "level 2")
end

function TestHost.test_cancel_keeps_what_was_reached()
  local w, done = world { 4, 6, 8 }, nil
  w.args.score, w.args.metric, w.args.steps = true, nil, 50
  local asked = 0
  answers.score = function(_, about)
    asked = asked + 1
    if asked > 45 then done:cancel() end
    return about.text == "ok" and 1 or 0, "raise it"
  end
  done = call("train.train", w.args, { w.prompt }, w.models)
  local problem = helper.fails("cancelled", nil, function() done:text() end)
  lu.assertTrue(errors.is(problem))
  for _ = 1, 20 do loop.pump(0) end
  lu.assertEquals(results[1].texts[1], w.prompt:text())
  lu.assertTrue(level_of(w.prompt:text()) >= 4)
  lu.assertEquals(running, 0)
end

os.exit(lu.LuaUnit.run())
