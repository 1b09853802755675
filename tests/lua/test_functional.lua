-- test_functional.lua - a step that stays in the graph: feedback goes back through it, to the
-- prompts of the editor and of the critics

local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local lg = require "lunagrad"

local function texts_of(v)
  local list = {}
  for _, record in ipairs(v:feedback()) do
    if record.state == "text" then list[#list + 1] = record.text end
  end
  return list
end

-- A model that answers by the first rule whose words its system message holds.
local function world(rules)
  local asked = {}
  return lg.model(function(request)
    asked[#asked + 1] = request
    local system, user = "", ""
    for _, m in ipairs(request.messages) do
      if m.role == "system" then system = m.content else user = m.content end
    end
    for _, rule in ipairs(rules) do
      if system:find(rule[1], 1, true) then
        return type(rule[2]) == "function" and rule[2](user) or rule[2]
      end
    end
    return "an answer"
  end, "world"), asked
end

local function new_text(text) return "<NEW_VARIABLE>" .. text .. "</NEW_VARIABLE>" end

local DEFAULT = {}

-- fn with these prompts of the operators.
local function with_prompts(prompts, fn)
  for name, prompt in pairs(prompts) do
    DEFAULT[name] = lg.prompts[name]
    lg.prompts[name] = prompt
  end
  local ok, problem = pcall(fn)
  for name in pairs(prompts) do lg.prompts[name] = DEFAULT[name] end
  if not ok then error(problem, 0) end
end

TestStep = {}

function TestStep.test_nothing_is_set_and_the_new_text_is_a_node()
  local p, q = lg.param("Answer.", "prompt"), lg.param("Other.", "other prompt")
  p:add_feedback "Count."
  local editor = world { { "", new_text "Count the items." } }
  local opt = lg.optim.tgd { q, p, model = editor }
  local new, report = opt:step { functional = true }
  lu.assertEquals({ p:text(), p:versions(), new[2]:text(), new[2].role },
    { "Answer.", 1, "Count the items.", "prompt" })
  lu.assertEquals(new[1], q)
  lu.assertTrue(report.changed)
  lu.assertEquals(report.params[2].after, "Count the items.")
  lu.assertFalse(report.params[2].changed)
  lu.assertFalse(new[2]:grad()) -- no prompt of an operator can change
  lu.assertEquals(opt:step().changed, true) -- the same step again, that sets
  lu.assertEquals(p:text(), "Count the items.")
end

function TestStep.test_feedback_reaches_the_editors_prompt()
  local system = lg.param("You edit.", "prompt of the editor")
  with_prompts({ ["tgd.system"] = system }, function()
    local p = lg.param("Answer.", "prompt")
    p:add_feedback "Count."
    local model = world { { "You edit.", new_text "Count." } }
    local new = lg.optim.tgd { p, model = model }:step { functional = true }
    local answer = model { "How many?", system = new[1] }
    local back, asked = world { { "critic", function(user)
      local editor = user:find('role "prompt of the editor"', 1, true)
      return editor and "Edit more boldly." or "More words."
    end } }
    lg.loss.score { function() return 0, "too short" end } (answer):backward { model = back }
    lu.assertEquals(texts_of(system), { "Edit more boldly." })
    lu.assertStrContains(asked[#asked].messages[2].content, "More words.") -- of the new text
    lu.assertEquals(texts_of(p), { "Count." }) -- the parameter stands outside
  end)
end

function TestStep.test_feedback_reaches_the_critics_prompt()
  local critic = lg.param("You criticise.", "prompt of the critic")
  with_prompts({ ["critic.system"] = critic }, function()
    local model, first = world { { "You criticise.", "Say: count." }, { "You are the editor",
      new_text "Count." } }
    local p = lg.param("Answer.", "prompt")
    local loss = lg.loss.score { function() return 0, "wrong" end }
    loss(model { "How many?", system = p }):backward { model = model }
    lu.assertEquals(texts_of(p), { "Say: count." })
    local new = lg.optim.tgd { p, model = model }:step { functional = true }
    lu.assertTrue(new[1]:grad())
    lg.prompts["critic.system"] = lg.var "You criticise the rest."
    local back = world { { "the rest", function(user)
      return user:match 'role "([^"]+)"' .. ": better"
    end } }
    loss(model { "How many more?", system = new[1] }):backward { model = back }
    lu.assertEquals(texts_of(critic), { "prompt of the critic: better" })
    lu.assertEquals(#texts_of(p), 1)
    lu.assertTrue(#first >= 4)
  end)
end

function TestStep.test_merged_feedback_leads_to_each_critic_and_to_the_merger()
  local critic = lg.param("You criticise.", "prompt of the critic")
  local merger = lg.param("You merge.", "prompt of the merger")
  with_prompts({ ["critic.system"] = critic, ["reduce.system"] = merger }, function()
    local n = 0
    local model = world { { "You criticise.", function()
      n = n + 1
      return "Say more, please, in the way number " .. n
    end }, { "You merge.", "Both points." }, { "You are the editor", new_text "Count." } }
    local p, losses = lg.param("Answer.", "prompt"), {}
    local loss = lg.loss.score { function() return 0, "wrong" end }
    for i = 1, 3 do losses[i] = loss(model { "How many? " .. i, system = p }) end
    lg.mean(losses):backward { model = model }
    lu.assertEquals(texts_of(p), { "Both points." })
    local new = lg.optim.tgd { p, model = model }:step { functional = true }
    lg.prompts["critic.system"] = lg.var "The rest."
    local back = world { { "", "better" } }
    loss(new[1]):backward { model = back }
    lu.assertEquals({ #texts_of(critic), #texts_of(merger) }, { 3, 1 })
  end)
end

function TestStep.test_a_refused_text_rewrites_nothing()
  local p, q = lg.param("Answer.", "prompt"), lg.param("Other.", "other prompt")
  p:add_feedback "a"
  q:add_feedback "b"
  local editor = world { { "", new_text "Answer." } }
  local new, report = lg.optim.tgd { p, q, model = editor }:step { functional = true }
  lu.assertEquals({ new[1], new[2] }, { p, q })
  lu.assertFalse(report.changed)
  lu.assertStrContains(report.reason, "refused")
end

function TestStep.test_nothing_was_said()
  local p = lg.param("Answer.", "prompt")
  local new, report = lg.optim.tgd { p }:step { functional = true }
  lu.assertEquals({ new[1], report.changed }, { p, false })
end

function TestStep.test_misuse()
  local p = lg.param("Answer.", "prompt")
  local opt = lg.optim.tgd { p }
  helper.fails("inval", { field = "functionel" }, opt.step, opt, { functionel = true })
  local picture = lg.param(lg.image { bytes = "\x89PNG\r\n\x1a\n...." }, "picture")
  local other = lg.optim.tgd { picture }
  helper.fails("inval", "texts", other.step, other, { functional = true })
end

TestScript = {}

function TestScript.test_improves_the_critic_on_tasks_it_has_not_seen()
  local got = command.run("run", "scripts/meta.lua", "--display", "none")
  lu.assertEquals(got.code, 0, got.err)
  local mean, low, high = got.out:match "\nshown: ([-+.%d]+) %[(%S+), (%S+)%]"
  mean, low, high = tonumber(mean), tonumber(low), tonumber(high)
  lu.assertTrue(low > 0 and low <= mean and mean <= high, got.out)
end

function TestScript.test_says_so_when_nothing_was_gained()
  local got = command.run("run", "scripts/meta.lua", "tasks=1", "tests=2", "rounds=1", "seed=2",
    "--display", "none", "-m", "backward=sim/noise=1", "-m", "optimizer=sim/noise=1")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out, "\nnot shown: ")
  lu.assertEquals(command.run("run", "scripts/meta.lua", "task=1").code, 1)
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
