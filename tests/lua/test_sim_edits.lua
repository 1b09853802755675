-- test_sim_edits.lua - the embedded model as an editor that writes edits or several texts at once,
-- and as the judge of constraints: a script with these options runs without a key

require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local function param(text, feedback, role)
  local p = lg.param(text, role or "system prompt for counting questions")
  p:add_feedback(feedback or "The prompt should say that the items are listed one by one.")
  return p
end

TestSim = {}

function TestSim.test_edits()
  for i, text in ipairs { "Answer the question.", "Answer it. Be kind. End with a number.",
    "Be kind. Be kind. Be kind. End with a number alone.\n\nBe kind." } do
    for sample = 0, 4 do
      local p = param(text)
      local report = lg.optim.tgd { p, mode = "edit",
        model = lg.model { "sim/noise=0", seed = 10 * i + sample } }:step()
      lu.assertTrue(report.changed, report.reason)
      lu.assertEquals(report.params[1].reason, "1 of 1 edit applied")
      for line in text:gmatch "[^\n]+" do lu.assertStrContains(p:text(), line:match "%S+ %S+") end
      lu.assertTrue(#p:text() > #text)
    end
  end
end

function TestSim.test_several_texts_at_once()
  local a = param "Answer the question."
  local b = param("End with a number.", "It should say that the number is written in digits.",
    "form of the answer")
  local report = lg.optim.tgd { a, b, together = true,
    model = lg.model { "sim/noise=0", seed = 1 } }:step()
  lu.assertEquals({ report.changed, report.params[1].reasked }, { true, false })
  lu.assertStrContains(a:text(), "Answer the question. ")
  lu.assertStrContains(b:text(), "End with a number")
  lu.assertNotEquals(a:text():sub(21), b:text():sub(19))
end

function TestSim.test_the_judge_counts_words()
  local p = param "Answer the question."
  local report = lg.optim.tgd { p, check_constraints = "sim/default", model = lg.model(function()
    return "<NEW_VARIABLE>List the items one by one.</NEW_VARIABLE>"
  end), constraints = { "be kind", "at most 5 words" } }:step()
  lu.assertFalse(report.changed)
  lu.assertStrContains(report.reason, 'breaks the constraint "at most 5 words": because it has 6')
end

os.exit(lu.LuaUnit.run())
