-- test_scholar.lua - the world for word problems, sorting and look-ups: told nothing but the request

require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local sim = require "lunagrad.world"
local hops = require "lunagrad.world.scholar.hops"
local lessons = require "lunagrad.world.scholar.lessons"
local prompts = require "lunagrad.prompts"
local solution = require "lunagrad.world.scholar.solution"
local sorting = require "lunagrad.world.scholar.sorting"
local story = require "lunagrad.world.scholar.story"

local function ask(system, user, more)
  local request = { model = "sim/scholar", messages = { { role = "system", content = system },
    { role = "user", content = user } } }
  for name, value in pairs(more or {}) do request[name] = value end
  return sim.reply(request).text
end

local CAREFUL = "sim/scholar,slips=0"

local function right(rows, system, metric, model)
  local n = 0
  for _, row in ipairs(rows) do
    n = n + metric(ask(system, row.question, { model = model }), row)
  end
  return n / #rows
end

TestReading = {}

-- Without slips every problem is solved: the world reads what the generators write.
function TestReading.test_without_slips_all_is_right()
  local problems = lg.task.word_problems.generate(200, 3)
  lu.assertEquals(right(problems, "Solve it.", lg.metric.number, CAREFUL), 1)
  local choices = lg.task.multiple_choice(lg.task.word_choice.generate(200, 3), { seed = 3 })
  lu.assertEquals(right(choices, "Solve it.", lg.metric.choice, CAREFUL), 1)
  local lists = lg.task.word_sorting.generate(200, 3)
  lu.assertEquals(right(lists, "Sort.", lg.metric.exact, CAREFUL), 1)
end

function TestReading.test_with_slips_some_are_wrong_and_instructions_help()
  local problems = lg.task.word_problems.generate(150, 4)
  local rules = {}
  for _, slip in ipairs(story.slips) do rules[#rules + 1] = slip.rule[1] end
  local plain = right(problems, "Answer the question.", lg.metric.number)
  local told = right(problems, table.concat(rules, " "), lg.metric.number)
  lu.assertTrue(plain < 0.5 and told > 0.8, plain .. " " .. told)
end

function TestReading.test_equal_requests_have_equal_replies()
  local q = lg.task.word_choice.generate(1, 5)[1].question
  lu.assertEquals(ask("Think.", q), ask("Think.", q))
  local seen, n = {}, 0
  for sample = 0, 19 do
    local said = ask("Think.", q, { sample = sample })
    if not seen[said] then seen[said], n = true, n + 1 end
    lu.assertEquals(ask("Think.", q, { sample = sample, temperature = 0 }),
      ask("Think.", q, { temperature = 0 }))
  end
  lu.assertTrue(n > 1)
end

function TestReading.test_what_is_none_of_its_field_is_left_to_sim()
  local q = "I have two apples, a cat and a pear. How many fruits do I have?"
  local function said(model)
    return sim.reply { model = model, messages = { { role = "user", content = q } } }.text
  end
  lu.assertEquals(said "sim/scholar", said "sim/default")
  lu.assertEquals(ask("Be kind.", "Who are you?"), sim.CANNOT)
end

-- What grows with the square of a text would be stopped here by whoever runs the tests.
function TestReading.test_long_texts_are_no_trouble()
  for _, piece in ipairs { "word ", "3 boxes with ", "Ben has 3 boxes with 4 plums each. ", "a. ",
    "?", "Question: ", "<DOCUMENT>", " ", "the town where Ada ", "Input: x\n\n" } do
    ask("Plan it.", piece:rep(200000 // #piece))
    ask(piece:rep(200000 // #piece), "Sort the following words alphabetically: List: b a c d")
  end
end

TestLessons = {}

-- What critics ask for and editors write is understood as that, and as nothing else.
function TestLessons.test_words_mean_what_they_are_for()
  for _, subject in ipairs { story, sorting, hops.planning, hops.solving } do
    for _, slip in ipairs(subject.slips) do
      for _, kind in ipairs { "rule", "remedy" } do
        for _, text in ipairs(slip[kind]) do
          local names = {}
          for name in pairs(lessons.wishes(text, subject.slips)) do names[#names + 1] = name end
          lu.assertEquals(names, { slip.name }, text)
          lu.assertTrue(lessons.read(text, subject.slips)[slip.name] >= 0.8, text)
        end
      end
    end
  end
end

function TestLessons.test_rework_adds_what_is_asked_for_once()
  local options = { noise = 0, seed = 1 }
  local feedback = "Ask the model to check every calculation a second time."
  local new = lessons.rework("Answer.", feedback, story.slips, options)
  lu.assertTrue(lessons.read(new, story.slips).arith > 0.8)
  local more = lessons.rework(new, feedback, story.slips, options)
  lu.assertEquals(more:sub(1, #new), new) -- said already: nothing definite is added
  lu.assertEquals(lessons.read(more, story.slips).arith, lessons.read(new, story.slips).arith)
end

TestSolutions = {}

local PROBLEM = "Ben has 3 boxes with 4 plums each. Then Ben sells half of them. Later Ben gets 5 "
  .. "more. How many plums does Ben have now?\n\nA) 6\nB) 11\nC) 8\nD) 17"
local function looked_at(text)
  return solution.critique(story.find(PROBLEM), text, { noise = 0, scale = 0, seed = 1 })
end

function TestSolutions.test_a_right_one_has_nothing_wrong()
  lu.assertNil(looked_at("Ben has 3 boxes with 4 plums each: 3 * 4 = 12.\nThen Ben sells half of "
    .. "them: 12 / 2 = 6.\nLater Ben gets 5 more: 6 + 5 = 11.\nAnswer: B"))
end

function TestSolutions.test_slips_are_found_by_what_is_shown()
  local START, HALF = "Ben has 3 boxes with 4 plums each: 3 * 4 = 12.\n",
    "Then Ben sells half of them: 12 / 2 = 6.\n"
  lu.assertStrContains(looked_at(START .. HALF .. "Answer: A"), "Later Ben gets 5 more")
  lu.assertStrContains(looked_at(START .. "Then Ben sells half of them: 12 / 2 = 7.\nLater Ben "
    .. "gets 5 more: 7 + 5 = 12.\nAnswer: B"), "12 / 2 = 7")
  lu.assertStrContains(looked_at("Ben has 3 boxes with 4 plums each: 3 + 4 = 7.\n" .. HALF
    .. "Later Ben gets 5 more: 6 + 5 = 11.\nAnswer: B"), "3 boxes with 4 plums each")
  lu.assertStrContains(looked_at "It is 11. Answer: B", "step")
end

-- Which letter is right in the file changes nothing in what the world says of the same text.
function TestSolutions.test_the_key_is_not_known()
  local rows = lg.task.word_choice.generate(40, 6)
  local a = lg.task.multiple_choice(rows, { seed = 1 })
  for i, row in ipairs(rows) do row.right = i % 4 + 1 end
  local b = lg.task.multiple_choice(rows, { seed = 1 })
  for i = 1, #rows do
    lu.assertEquals(a[i].question, b[i].question)
    lu.assertEquals(ask("Think.", a[i].question), ask("Think.", b[i].question))
  end
end

-- A solution of which the problem is not shown stays as it is.
function TestSolutions.test_without_the_problem_nothing_is_made_up()
  local said = ask(prompts["tgd.system"], "This is the solution to the question as it is:\n"
    .. "<VARIABLE>\nAnswer: B\n</VARIABLE>\n\nThis was said about it:\n<FEEDBACK>\nIt is wrong.\n"
    .. "</FEEDBACK>\n\nWrite a better solution to the question. Put it between <NEW_VARIABLE> and "
    .. "</NEW_VARIABLE>.")
  lu.assertEquals(said:match "<NEW_VARIABLE>%s*(.-)%s*</NEW_VARIABLE>", "Answer: B")
end

-- Three updates by critic and editor: better than the first answers, and with a critic who is always
-- vague or wrong no better at all.
function TestSolutions.test_updates_help_only_with_a_critic_who_looks()
  local rows = lg.task.multiple_choice(lg.task.word_choice.generate(60, 7), { seed = 7 })
  local function gain(name)
    local m = lg.model(name)
    local critic = lg.loss.critic { "Look for mistakes in the solution.", model = m }
    local first, last = 0, 0
    lg.map(rows, function(row)
      local text = m { row.question, system = "Think step by step. End with \"Answer: LETTER\"." }
      local one = lg.param(text:text(), "solution to the question")
      local optimizer = lg.optim.tgd { one, model = m }
      first = first + lg.metric.choice(one:text(), row)
      for _ = 1, 2 do
        optimizer:zero_grad()
        critic(one, { question = row.question }):backward { model = m }
        optimizer:step()
      end
      last = last + lg.metric.choice(one:text(), row)
    end)
    return (last - first) / #rows
  end
  local looks, guesses = gain "sim/scholar", gain "sim/scholar,critic_noise=1"
  lu.assertTrue(looks > 0.1, looks)
  lu.assertTrue(guesses < 0.05, guesses)
end

TestLookups = {}

function TestLookups.test_a_careful_system_finds_all()
  local rows, docs = lg.task.lookups.generate(40, 2)
  local text = {}
  for _, doc in ipairs(docs) do text[doc.id] = doc.text end
  local function answer(ids, question)
    local shown = {}
    for i, id in ipairs(ids) do shown[i] = "<DOCUMENT>\n" .. text[id] .. "\n</DOCUMENT>" end
    return ask("Answer from the documents.", ("%s\n\nQuestion: %s"):format(
      table.concat(shown, "\n"), question), { model = CAREFUL })
  end
  for _, row in ipairs(rows) do
    local plan = ask("Plan what to look up.", row.question, { model = CAREFUL })
    local first, second = plan:match "^1%. ([^\n]+)\n2%. ([^\n]+)$"
    lu.assertEquals(answer({ row.hops[1] }, first), row.between, plan)
    local last = second:gsub("#1", row.between)
    lu.assertEquals(answer({ docs[1].id, row.hops[2] }, last), row.answer, plan)
  end
end

os.exit(lu.LuaUnit.run(), true)
