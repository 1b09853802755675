-- test_propose_fresh.lua - the operator "fresh": a new start from the task and the best candidates

require "helper"
local lu = require "luaunit"
local kit = require "propose_kit"
local lg = require "lunagrad"
local fresh = require "lunagrad.improve.propose.fresh"

lg.configure { virtual_clock = true }

local function door(more, ...)
  local editor, asked = kit.model(...)
  local context = kit.context({ "system prompt" }, { model = editor, program = true,
    train = { { question = "How many pears?", answer = "7" } }, objective = "right counts" })
  for name, value in pairs(more or {}) do context[name] = value end
  return context, asked
end

local PARENT = kit.candidate(0, { "Answer the question." }, { 0, 1 })

TestFresh = {}

function TestFresh.test_what_is_known_is_shown_the_best_last()
  local list = { PARENT }
  for i = 1, 6 do list[i + 1] = kit.candidate(i, { "Version " .. i .. " of it." }, { i / 10 }) end
  local context, asked = door({ pool = { list = list } }, kit.new "Go through the list.")
  lu.assertEquals(fresh.propose(list[3], {}, context), { "Go through the list." })
  local said = kit.said(asked[1])
  local at = 1
  for _, part in ipairs { '"system prompt"', "<OBJECTIVE>\nright counts\n", "Example 1:",
    "<INPUT>\nHow many pears?\n", "<EXPECTED>\n7\n", "has 0.3 in validation", "Version 3 of it.",
    "Version 4 of it.", "has 0.5", "Version 5 of it.", "Answer the question.",
    "has 0.6", "Version 6 of it.", "<NEW_VARIABLE>" } do
    local from = said:find(part, at, true)
    lu.assertNotNil(from, part)
    at = from
  end
  lu.assertNotStrContains(said, "Version 2 of it.")
end

function TestFresh.test_a_copy_of_a_row_is_refused()
  local context, asked = door({ leak = function(text)
    return text:find "pears" and "it copies an example" or nil
  end }, kit.new "Count the pears.", kit.new "Go through the list.")
  lu.assertEquals(fresh.propose(PARENT, {}, context), { "Go through the list." })
  lu.assertStrContains(kit.said(asked[2]), "it copies an example")
end

function TestFresh.test_from_an_objective_alone()
  local context, asked = door({ train = {}, program = false }, kit.new "return 2")
  lu.assertEquals(fresh.propose(kit.candidate(0, { "" }, {}), {}, context), { "return 2" })
  lu.assertStrContains(kit.said(asked[1]), "right counts")
  lu.assertNotStrContains(kit.said(asked[1]), "<VERSION>")
  lu.assertNotStrContains(kit.said(asked[1]), "examples of the task")
end

function TestFresh.test_all_texts_in_one_reply()
  local context, asked = door(nil, kit.new("Plan well.", "A") .. kit.new("Work well.", "B"))
  context.params = kit.context({ "plan", "work" }).params
  local parent = kit.candidate(0, { "Plan.", "Work." }, { 0 })
  lu.assertEquals(fresh.propose(parent, {}, context), { "Plan well.", "Work well." })
  lu.assertStrContains(kit.said(asked[1]), "<VERSION>\nA: Plan.\nB: Work.\n</VERSION>")
  lu.assertStrContains(kit.said(asked[1]), "Variable B has the role \"work\"")
end

os.exit(lu.LuaUnit.run())
