-- test_tgd_batch.lua - what the optimizer makes of feedback on a whole batch (grain "graph")

require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

local function says(text) return lg.model(function() return text end, "scripted") end

-- The report of a step on the second of two prompts; joined: its text stands in no system message.
local function step(new, joined)
  local first = lg.param("Describe the text.", "system prompt for describing reviews")
  local p = lg.param("Answer the question.", "system prompt for judging reviews")
  local told = says "The review is a negative one, sadly." {
    "Two hours of noise and not one line that is worth hearing.", system = first }
  local answer = says "Hm, who knows?" { joined and lg.format("{a}: {b}", { a = p, b = told })
    or told, system = not joined and p or nil }
  lg.loss.exact { target = "negative" }(answer):backward { grain = "graph",
    model = says "A: Say which words are wanted.\nB: Say which words are wanted." }
  lu.assertEquals(#p:feedback(), 1)
  return lg.optim.tgd { p, model = says("<NEW_VARIABLE>" .. new .. "</NEW_VARIABLE>") }:step()
end

local function reason(...) return step(...).params[1].reason end

TestBatch = {}

-- A question about a batch shows letters in a trace; what is no prompt is known there, too.
function TestBatch.test_what_is_no_new_text()
  lu.assertStrContains(reason "reviewer_feedback", "single word")
  lu.assertStrContains(reason "Review Analysis", "a title")
  lu.assertStrContains(reason "The review is a negative one, sadly!", "an answer")
  lu.assertStrContains(reason "Hm, who knows", "an answer")
  lu.assertStrContains(reason "Hours of noise and not one line that is worth hearing are bad.",
    "quotes an example")
end

function TestBatch.test_what_is_a_new_text()
  lu.assertEquals(reason "Judge the review in one word.", "rewritten")
  lu.assertEquals(reason("reviewer_feedback", true), "rewritten") -- a text of no system message
end

os.exit(lu.LuaUnit.run())
