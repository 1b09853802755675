-- test_task.lua - the generator of counting questions: form, truth, seeds

require "helper"
local lu = require "luaunit"
local generate = require("lunagrad.task.object_counting").generate
local question = require "lunagrad.world.question"

TestObjectCounting = {}

-- Every answer is found again by a reader that sees only the words.
function TestObjectCounting.test_the_answer_is_what_the_words_say()
  for _, row in ipairs(generate(500, 3)) do
    local q = question.find(row.question)
    lu.assertNotNil(q, row.question)
    lu.assertEquals(tostring(q.total), row.answer, row.question)
    lu.assertEquals(q.text, row.question)
    for _, item in ipairs(q.items) do lu.assertStrMatches(item.said, "^[%a%- ]+$") end
  end
end

function TestObjectCounting.test_the_form_is_that_of_big_bench()
  local asked, strays, several, held = {}, 0, 0, 0
  local rows = generate(400, 8)
  for _, row in ipairs(rows) do
    local list, kind = row.question:match(
      "^I have (.*), and [%a ]+%. How many (%a+ ?%a*) do I have%?$")
    lu.assertNotNil(list, row.question)
    asked[kind] = (asked[kind] or 0) + 1
    lu.assertNotStrContains(" " .. list .. ",", " a a", false)
    lu.assertNil(row.question:find "%f[%a]a [aeiou]", row.question)
    local has = {}
    for _, item in ipairs(question.find(row.question).items) do
      has.stray = has.stray or not item.wanted
      has.several = has.several or item.n > 1
      has.held = has.held or item.held
    end
    strays = strays + (has.stray and 1 or 0)
    several = several + (has.several and 1 or 0)
    held = held + (has.held and 1 or 0)
  end
  for _, kind in ipairs { "animals", "fruits", "musical instruments", "objects", "vegetables" } do
    lu.assertTrue((asked[kind] or 0) > 40, kind)
  end
  lu.assertTrue(strays > 40 and strays < 200, "strays: " .. strays)
  lu.assertTrue(several > 200, "several of one: " .. several)
  lu.assertTrue(held > 20, "heads and stalks: " .. held)
end

function TestObjectCounting.test_no_question_twice()
  local seen = {}
  for _, row in ipairs(generate(1000, 1)) do
    lu.assertNil(seen[row.question], row.question)
    seen[row.question] = true
  end
end

function TestObjectCounting.test_seeds()
  lu.assertEquals(generate(30, 5), generate(30, 5))
  lu.assertEquals(generate(10, 5), table.move(generate(30, 5), 1, 10, 1, {}))
  lu.assertNotEquals(generate(30, 5), generate(30, 6))
  lu.assertEquals(generate(3), generate(3, 1))
  lu.assertEquals(generate(0), {})
end

os.exit(lu.LuaUnit.run(), true)
