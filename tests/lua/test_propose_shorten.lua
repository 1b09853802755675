-- test_propose_shorten.lua - the operator "shorten": the same with fewer words

require "helper"
local lu = require "luaunit"
local kit = require "propose_kit"
local lg = require "lunagrad"
local shorten = require "lunagrad.improve.propose.shorten"

lg.configure { virtual_clock = true }

local LONG = "Please read the review {review} very carefully, think about it for a while, and then "
  .. "say whether it is positive or negative, and nothing else at all." -- 27 words
local SHORT = "Is the review {review} positive or negative? Say one word."

local function door(more, ...)
  local editor, asked = kit.model(...)
  local rows = {}
  for i, answer in ipairs { "positive", "negative", "positive", "negative", "mixed" } do
    rows[i] = { review = "review " .. i, answer = answer }
  end
  local context = kit.context({ "prompt" }, { model = editor, train = rows })
  for name, value in pairs(more or {}) do context[name] = value end
  return context, asked
end

local PARENT = kit.candidate(2, { LONG }, { 1, 0 })

TestShorten = {}

function TestShorten.test_it_asks_once_for_at_least_a_tenth_less()
  local context, asked = door(nil, kit.new(SHORT))
  lu.assertEquals(shorten.propose(PARENT, {}, context), { SHORT })
  lu.assertEquals(#asked, 1)
  lu.assertStrContains(kit.said(asked[1]), "It has 27 words; the new one has at most 24 words.")
  lu.assertStrContains(kit.said(asked[1]), LONG)
end

function TestShorten.test_what_must_not_get_lost()
  for reply, why in pairs {
    [LONG:gsub("very ", "")] = "it has 26 words, and at most 24 are allowed",
    [SHORT:gsub("{review}", "")] = "it lacks the field {review}",
    [SHORT:gsub(" or negative", "")] = "no longer says \"negative\"",
  } do
    local context, asked = door(nil, kit.new(reply), kit.new(SHORT))
    lu.assertEquals(shorten.propose(PARENT, {}, context), { SHORT })
    lu.assertStrContains(kit.said(asked[2]), why)
    context = door(nil, kit.new(reply))
    local texts, problem = shorten.propose(PARENT, {}, context)
    lu.assertNil(texts)
    lu.assertStrContains(problem, why)
  end
end

function TestShorten.test_a_short_text_is_left_alone()
  local context, asked = door(nil, kit.new "Go.")
  lu.assertEquals({ shorten.propose(kit.candidate(0, { SHORT }), {}, context) },
    { nil, "it is short already" })
  lu.assertEquals(#asked, 0)
end

function TestShorten.test_worked_examples_do_not_count()
  local block = "\n\nWorked examples:\n\nInput: a b c d e f g\nOutput: positive"
  local context = door(nil, kit.new(SHORT))
  lu.assertEquals(shorten.propose(kit.candidate(0, { LONG .. block }), {}, context),
    { SHORT .. block })
end

os.exit(lu.LuaUnit.run())
