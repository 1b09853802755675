-- test_propose_edit.lua - the operator "edit": at most so many anchored replacements

require "helper"
local lu = require "luaunit"
local kit = require "propose_kit"
local lg = require "lunagrad"
local edit = require "lunagrad.improve.propose.edit"

lg.configure { virtual_clock = true }

local PARENT = kit.candidate(1, { "Be brief. Be kind. End with a number." })

local function replace(from, to)
  return ("<EDIT>\n<FIND>%s</FIND>\n<REPLACE>%s</REPLACE>\n</EDIT>\n"):format(from, to)
end

local function door(edits, ...)
  local editor, asked = kit.model(...)
  local context = kit.context({ "system prompt" }, { model = editor, edits = edits,
    backward = { model = (kit.model "Ask for a list of the items, please.") } })
  local answers = lg.model(function() return "seven" end)
  context.program = function(row)
    return answers { row.question, system = context.params[1], role = "answer" }
  end
  context.loss = lg.loss.exact()
  return context, asked
end

local BATCH = { { i = 1, row = { question = "How many?", answer = "7" }, output = "7", score = 0 } }

TestEdit = {}

function TestEdit.test_at_most_so_many_edits_each_told()
  local reply = replace("Be brief.", "List the items.") .. replace("Be kind.", "")
    .. replace("", "No words.")
  local context = door(3, reply)
  local texts, why, detail = edit.propose(PARENT, BATCH, context)
  lu.assertEquals({ texts, why },
    { { "List the items. End with a number.\nNo words." } })
  lu.assertEquals(#detail.edits, 3)
  context = door(1, reply)
  texts, why, detail = edit.propose(PARENT, BATCH, context)
  lu.assertEquals({ texts, why }, { { "List the items. Be kind. End with a number." } })
  lu.assertStrContains(detail.edits[3], "only 1 edits are taken")
end

function TestEdit.test_none_that_fits_is_nil_and_why()
  local context, asked = door(2, replace("Be quick.", "List the items."))
  local texts, why, detail = edit.propose(PARENT, BATCH, context)
  lu.assertNil(texts)
  lu.assertStrContains(why, "does not stand in the text")
  lu.assertEquals(#detail.edits, 1)
  lu.assertEquals(#asked, 2)
end

function TestEdit.test_the_embedded_world_answers_it()
  local context = door(2, "")
  context.model = lg.model { "sim/noise=0", seed = 1 }
  local texts = edit.propose(PARENT, BATCH, context)
  lu.assertStrContains(texts[1], "Be kind. ")
  lu.assertNotEquals(texts, PARENT.texts)
end

os.exit(lu.LuaUnit.run())
