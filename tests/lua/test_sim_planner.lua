-- test_sim_planner.lua - the world sim/planner: what it says of a plan, where its words move weights,
-- that it knows the request alone, and that what it does not know is left to sim

require "helper"
local lg = require "lunagrad"
local lu = require "luaunit"
local sim = require "lunagrad.world"

local PLAN = [[
Importance weights: PTV 100, rectum 100, body 100.

structure        mean    min    max     D2    D95
PTV              90.0   40.0   99.0   97.0   70.2
rectum           44.0    1.0   80.0   79.0    2.0
body             10.0    0.0   90.0   60.0    0.0]]

local PROTOCOLS = "PTV D2 <= 77\nPTV D95 >= 70.2\nrectum mean <= 30\nbody D2 <= 90"
local WEIGHTS = "PTV: 100\nrectum: 100\nbody: 100"

local function ask(user, model, system, more)
  local messages = { { role = "system", content = system or "Judge." },
    { role = "user", content = user } }
  for _, message in ipairs(more or {}) do messages[#messages + 1] = message end
  return sim.reply({ model = model or "sim/planner,noise=0", messages = messages }).text
end

local function judged(model, plan, more)
  return ask(("<PROTOCOLS>\n%s\n</PROTOCOLS>\n%s<ANSWER>\n%s\n</ANSWER>"):format(PROTOCOLS,
    more or "", plan or PLAN), model)
end

local function edited(feedback, model, more, variable)
  local user = ("Improve it.\n<VARIABLE>\n%s\n</VARIABLE>\n<CONTEXT>\n<FEEDBACK>\n%s\n"
    .. "</FEEDBACK>\n</CONTEXT>\n%s\nWrite the improved variable between <NEW_VARIABLE> and "
    .. "</NEW_VARIABLE>, and nothing behind it."):format(variable or WEIGHTS, feedback, more or "")
  return ask(user, model)
end

local function weights(text)
  local list = {}
  for name, value in text:gmatch "(%a+): (%d+%.?%d*)" do list[name] = tonumber(value) end
  return list
end

TestPlanner = {}

function TestPlanner.test_a_verdict_ends_with_what_became_of_each()
  local text = judged()
  lu.assertStrContains(text, "PTV: D2 is 97 where at most 77")
  lu.assertStrContains(text, "rectum: mean is 44 where at most 30")
  local block = text:match "FINAL\n(.*)$"
  lu.assertEquals(select(2, block:gsub("not met\n", "")), 2)
  lu.assertStrContains(block, "PTV D95 >= 70.2: 70.2, met")
  lu.assertStrMatches(block, ".*\nVERDICT: not met[^\n]*")
  local good = PLAN:gsub("97.0", "76.0"):gsub("44.0", "29.0")
  lu.assertStrMatches(judged(nil, good), ".*\nVERDICT: all protocols are met")
end

function TestPlanner.test_without_a_plan_it_says_so()
  local text = judged(nil, "There is no plan. There is no weight for body.")
  lu.assertStrContains(text, "There is no weight for body.")
  lu.assertStrMatches(text, ".*\nVERDICT: not met[^\n]*")
end

function TestPlanner.test_noise_overlooks_and_what_is_told_is_seen()
  local missed, n = 0, 200
  for i = 1, n do
    local plan = PLAN:gsub("99.0", ("%.1f"):format(99 + i / 10))
    if not judged("sim/planner,critic_noise=0.5", plan):find "rectum: mean is 44" then
      missed = missed + 1
    end
  end
  lu.assertAlmostEquals(missed / n, .5, .12)
  for i = 1, 50 do
    local plan = PLAN:gsub("99.0", ("%.1f"):format(99 + i / 10))
    lu.assertStrContains(judged("sim/planner,critic_noise=1", plan,
      "<CHECKED>\nrectum mean <= 30: 44.00, not met\n</CHECKED>\n"), "rectum: mean is 44")
  end
end

function TestPlanner.test_feedback_moves_the_weights_it_names()
  local new = weights(edited "rectum: mean is 44 where at most 30 is wanted, it needs more weight.")
  lu.assertTrue(new.rectum > 150 and new.PTV == 100 and new.body == 100)
  new = weights(edited "body: D2 is 40 where at most 90 is wanted, there is room for less weight.")
  lu.assertTrue(new.body < 100 and new.PTV == 100)
  new = weights(edited "Please raise the weight of the PTV, and reduce that of the rectum.")
  lu.assertTrue(new.PTV > 100 and new.rectum < 100)
end

function TestPlanner.test_weights_stay_in_their_range()
  local text = "PTV: D2 is 300 where at most 77 is wanted, so it needs more weight."
  local new = weights(edited(text, nil, nil, "PTV: 900\nrectum: 100\nbody: 2"))
  lu.assertEquals(new.PTV, 1000)
  lu.assertTrue(new.rectum < 100 and new.body >= 1)
end

local function past(weight, feedback)
  return ("<PAST_VERSIONS>\nVersion 1:\n<VERSION>\nPTV: 100\nrectum: %d\nbody: 100\n</VERSION>\n"
    .. "What was said about it:\n<FEEDBACK>\n%s\n</FEEDBACK>\n</PAST_VERSIONS>")
    :format(weight, feedback)
end

function TestPlanner.test_momentum_goes_further_and_turns_back_less_far()
  local more = "rectum: mean is 33 where at most 30 is wanted, so it needs more weight."
  local less = "rectum: mean is 10 where at most 30 is wanted, so there is room for less weight."
  local plain, same, turned = weights(edited(more)).rectum,
    weights(edited(more, nil, past(50, more))).rectum,
    weights(edited(more, nil, past(200, less))).rectum
  lu.assertTrue(same > plain and plain > turned and turned > 100)
end

function TestPlanner.test_examples_count_at_first()
  local shown = "<EXAMPLES>\nExample 1:\n<TEXT>\nPTV: 1000\nrectum: 10\nbody: 50\n\n"
    .. "rectum mean <= 3: 2\n</TEXT>\n</EXAMPLES>"
  local more = "PTV: D2 is 80 where at most 77 is wanted, so it needs more weight."
  lu.assertTrue(weights(edited(more, nil, shown)).rectum < 50)
  lu.assertEquals(weights(edited(more, nil, shown .. past(100, more))).rectum, 100)
end

function TestPlanner.test_slips_in_form_are_mended_when_it_is_asked_again()
  local spoilt = 0
  for i = 1, 200 do
    local variable = WEIGHTS:gsub("100", tostring(100 + i), 1)
    local reply = edited("The PTV needs more weight.", "sim/planner,editor_noise=1", nil, variable)
    if select(2, reply:gsub("%a: %d", "")) < 3 then spoilt = spoilt + 1 end
  end
  lu.assertAlmostEquals(spoilt / 200, .2, .1)
  local again = { { role = "assistant", content = "PTV: high" },
    { role = "user", content = "Write it between <NEW_VARIABLE> and </NEW_VARIABLE>." } }
  local user = "<VARIABLE>\nPTV: high\nbody: 3\n</VARIABLE>\n<FEEDBACK>\n"
    .. "Write PTV: number; body: number\n</FEEDBACK>\n"
    .. "Write it between <NEW_VARIABLE> and </NEW_VARIABLE>."
  lu.assertEquals(weights(ask(user, "sim/planner,noise=1", nil, again)), { PTV = 100, body = 3 })
end

function TestPlanner.test_same_request_same_reply_and_the_rest_is_sims()
  lu.assertEquals(judged "sim/planner", judged "sim/planner")
  local question = "I have two apples and a pear. How many fruits do I have?"
  lu.assertEquals(ask(question, "sim/planner", "Answer."), ask(question, "sim/default", "Answer."))
  for _, user in ipairs { "", "structure mean min max\nPTV 1", "<VARIABLE", "D2 D5 D98\n\n<ANSWER>",
    ("x <= "):rep(5000), "<VARIABLE>\n\n</VARIABLE> between <NEW_VARIABLE> and" } do
    lu.assertIsString(ask(user, "sim/planner"))
  end
end

-- The whole of it, on a coarse phantom: words on doses make better plans.
function TestPlanner.test_a_run_gets_better()
  local rt = lg.task.radiotherapy
  local case, plans = rt.phantom(4, { voxel = 9, beamlet = 9, beams = 7 }), {}
  local planner = rt.planner(case, function(made) plans[#plans + 1] = made end)
  lg.default { model = "sim/planner,noise=0" }
  local text = lg.param(rt.write_weights(case.names, rt.even(case)), "importance weights")
  local critic = lg.loss.critic "Compare the plan with the protocols."
  local optimizer = lg.optim.tgd { text, momentum = 3, constraints = { rt.constraint(case) } }
  for _ = 1, 6 do
    optimizer:zero_grad()
    critic(planner(text), { protocols = rt.protocols(case) }):backward()
    optimizer:step()
  end
  local first, best = plans[1], plans[1]
  for _, made in ipairs(plans) do if rt.better(made, best) then best = made end end
  lu.assertTrue(best.excess < first.excess / 3)
end

os.exit(lu.LuaUnit.run())
