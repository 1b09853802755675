-- test_propose_merge.lua - the operator "merge": GEPA's for several texts, the editor's for one

require "helper"
local lu = require "luaunit"
local kit = require "propose_kit"
local lg = require "lunagrad"
local merge = require "lunagrad.improve.propose.merge"
local pool = require "lunagrad.improve.pool"

lg.configure { virtual_clock = true }

-- A pool of candidates given as { texts, scores, parents }; the first is the seed.
local function filled(list)
  local p = pool.new { n = #list[1][2] }
  for _, one in ipairs(list) do
    assert(p:add { texts = one[1], scores = one[2], parents = one[3] or {} })
  end
  return p
end

local function context_of(p, more)
  local roles = {}
  for i in ipairs(p.list[1].texts) do roles[i] = "text " .. i end
  local context = kit.context(roles, { pool = p })
  for name, value in pairs(more or {}) do context[name] = value end
  return context
end

TestByAncestor = {}

local SEED = { { "a", "b", "c" }, { 0, 0, 0, 0 } }

function TestByAncestor.test_what_changed_since_the_ancestor_is_taken()
  local p = filled { SEED, { { "a1", "b", "c" }, { 1, 1, 0, 0 }, { 0 } },
    { { "a", "b2", "c" }, { 0, 0, 1, 1 }, { 0 } } }
  local texts, why, detail = merge.propose(p:get(1), {}, context_of(p))
  lu.assertEquals({ texts, why }, { { "a1", "b2", "c", parents = { 1, 2 } } })
  lu.assertEquals(detail, { ancestor = 0 })
end

function TestByAncestor.test_where_both_changed_it_the_better_one_says()
  local p = filled { SEED, { { "a1", "b1", "c" }, { 1, 1, 1, 0 }, { 0 } },
    { { "a2", "b", "c2" }, { 0, 0, 1, 1 }, { 0 } } }
  for _, pair in ipairs { { 1, 2 }, { 2, 1 } } do
    lu.assertEquals(merge.propose(p:get(pair[1]), {}, context_of(p)),
      { "a1", "b1", "c2", parents = pair })
  end
end

function TestByAncestor.test_of_equals_chance_says()
  local seen = {}
  for seed = 1, 20 do
    local p = filled { SEED, { { "a1", "b1", "c" }, { 1, 1, 0, 0 }, { 0 } },
      { { "a2", "b", "c2" }, { 0, 0, 1, 1 }, { 0 } } }
    local texts = merge.propose(p:get(1), {}, context_of(p, { rng = lg.rng.new(seed) }))
    seen[texts[1]] = true
    lu.assertEquals({ texts[2], texts[3] }, { "b1", "c2" })
  end
  lu.assertEquals(seen, { a1 = true, a2 = true })
end

function TestByAncestor.test_relatives_are_not_merged()
  local p = filled { SEED, { { "a1", "b", "c" }, { 1, 1, 0, 0 }, { 0 } },
    { { "a1", "b2", "c" }, { 0, 0, 1, 1 }, { 1 } } }
  lu.assertEquals({ merge.propose(p:get(2), {}, context_of(p)) },
    { nil, "no other candidate does better elsewhere" })
end

function TestByAncestor.test_one_that_is_better_everywhere_is_no_partner()
  local p = filled { SEED, { { "a1", "b", "c" }, { 1, 1, 0, 0 }, { 0 } },
    { { "a", "b2", "c" }, { 1, 1, 1, 1 }, { 0 } } }
  lu.assertEquals({ merge.propose(p:get(1), {}, context_of(p)) },
    { nil, "no other candidate does better elsewhere" })
end

function TestByAncestor.test_the_ancestor_is_no_better_and_differs_from_just_one()
  local p = filled { { { "a", "b" }, { 1, 0, 0, 1, 1 } },
    { { "a1", "b" }, { 1, 1, 0, 0, 0 }, { 0 } }, { { "a", "b2" }, { 0, 0, 1, 0, 1 }, { 0 } } }
  local model, asked = kit.model "none"
  local texts = merge.propose(p:get(1), {}, context_of(p, { model = model }))
  lu.assertNil(texts)
  lu.assertTrue(#asked > 0) -- left to the editor
  p = filled { { { "a", "b" }, { 0, 0 } }, { { "a1", "b1" }, { 1, 0 }, { 0 } },
    { { "a2", "b2" }, { 0, 1 }, { 0 } } }
  model, asked = kit.model(kit.new("a12", "A") .. kit.new("b", "B"))
  texts = merge.propose(p:get(1), {}, context_of(p, { model = model }))
  lu.assertEquals(texts, { "a12", "b", parents = { 1, 2 } })
  lu.assertStrContains(kit.said(asked[1]), "<OTHER_VARIABLE_B>\nb2\n</OTHER_VARIABLE_B>")
end

function TestByAncestor.test_what_was_made_before_is_not_made_again()
  local p = filled { SEED, { { "a1", "b", "c" }, { 1, 1, 0, 0 }, { 0 } },
    { { "a", "b2", "c" }, { 0, 0, 1, 1 }, { 0 } } }
  local model, asked = kit.model "none"
  local context = context_of(p, { proposals = { { texts = { "a1", "b2", "c" } } }, model = model })
  lu.assertNil((merge.propose(p:get(1), {}, context)))
  lu.assertTrue(#asked > 0)
end

TestByEditor = {}

local function one_text(more, ...)
  local p = filled { { { "Answer." }, { 0, 0 } }, { { "Answer in digits." }, { 1, 0 }, { 0 } },
    { { "List the items." }, { 0, 1 }, { 0 } } }
  local editor, asked = kit.model(...)
  local context = context_of(p, { model = editor, program = true })
  for name, value in pairs(more or {}) do context[name] = value end
  return p:get(1), context, asked
end

local BATCH = { { i = 1, row = { question = "How many pears?", answer = "7" }, output = "6",
  score = 0 }, { i = 2, row = { question = "How many figs?", answer = "2" }, output = "3",
  score = 0 } }

function TestByEditor.test_both_are_shown_with_the_cases_where_either_wins()
  local rows = { BATCH[1].row, BATCH[2].row, { question = "How many plums?", answer = "4" } }
  local outputs, tried = { "7", "3", "five" }, {}
  local parent, context, asked = one_text({ train = rows, solved = function()
    return { { i = 3, row = rows[3], output = "4", score = 1 } }
  end, tried = function(candidate, i)
    tried[#tried + 1] = candidate.idx
    return { output = outputs[i], score = i == 1 and 1 or 0 }
  end }, kit.new "List the items, and answer in digits.")
  local texts, why = merge.propose(parent, BATCH, context)
  lu.assertEquals({ texts, why },
    { { "List the items, and answer in digits.", parents = { 1, 2 } } })
  lu.assertEquals(tried, { 2, 2, 2 })
  local said = kit.said(asked[1])
  for _, part in ipairs { "<VARIABLE>\nAnswer in digits.\n</VARIABLE>",
    "<OTHER_VARIABLE>\nList the items.\n</OTHER_VARIABLE>",
    "Case 1, where the other does better (0 and 1):", "<OTHER_OUTPUT>\n7\n</OTHER_OUTPUT>",
    "Case 2, where the first does better (1 and 0):", "<OUTPUT>\n4\n</OUTPUT>",
    "better on 1 examples, the other on 1" } do
    lu.assertStrContains(said, part)
  end
  lu.assertNotStrContains(said, "figs") -- there both are wrong
end

function TestByEditor.test_without_a_way_to_try_the_other_no_case_is_shown()
  local parent, context, asked = one_text(nil, kit.new "List the items, and answer in digits.")
  lu.assertNotNil(merge.propose(parent, BATCH, context))
  lu.assertNotStrContains(kit.said(asked[1]), "pears")
end

function TestByEditor.test_the_other_text_is_no_merger()
  local parent, context, asked = one_text(nil, kit.new "List the items.", kit.new "List digits.")
  lu.assertEquals(merge.propose(parent, BATCH, context), { "List digits.", parents = { 1, 2 } })
  lu.assertStrContains(kit.said(asked[2]), "the texts of candidate 2")
end

os.exit(lu.LuaUnit.run())
