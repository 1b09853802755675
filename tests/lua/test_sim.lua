-- test_sim.lua - the embedded stand-in for a model: a world that only the messages decide

require "helper"
local lu = require "luaunit"
local prompts = require "lunagrad.prompts"
local sim = require "lunagrad.world"
local answerer = require "lunagrad.world.answerer"
local cues = require "lunagrad.world.cues"
local question = require "lunagrad.world.question"
local read = require "lunagrad.world.read"
local slips = require "lunagrad.world.slips"
local generate = require("lunagrad.task.object_counting").generate

local FRUIT = "I have three bananas, a pear, a lamp, and two plums. How many fruits do I have?"
local EXACT = "sim/noise=0"

local function ask(system, user, more)
  local request = { model = "sim/default", messages = { { role = "user", content = user } } }
  if system then table.insert(request.messages, 1, { role = "system", content = system }) end
  for name, value in pairs(more or {}) do request[name] = value end
  return sim.reply(request).text
end

local function last_number(text)
  local n
  for digits in text:gmatch "%d+" do n = digits end
  return n
end

local function accuracy(system, rows, more)
  local right = 0
  for _, row in ipairs(rows) do
    if last_number(ask(system, row.question, more)) == row.answer then right = right + 1 end
  end
  return right / #rows
end

local function good_instructions()
  local all = {}
  for _, name in ipairs(cues.slips) do all[#all + 1] = slips[name].rule[1] end
  return table.concat(all, " ")
end

-- A template of prompts.lua, filled in.
local function render(name, fields)
  return (prompts[name]:gsub("{([%l_]+)}", fields))
end

local function conversation(system, user, output)
  return ("<SYSTEM>\n%s\n</SYSTEM>\n<USER>\n%s\n</USER>\n<OUTPUT>\n%s\n</OUTPUT>")
    :format(system, user, output)
end

local function criticise(system, user, output, feedback, more)
  return ask(prompts["critic.system"], render("critic.chain", {
    role = "system prompt", conversation = conversation(system, user, output), variable = system,
    output_role = "answer", feedback = feedback or "It is not right.", objective = "Do better.",
    goal = "", kind = "", others = "",
  }), more or { model = EXACT })
end

local function edit(text, feedback, more, extras)
  return ask(prompts["tgd.system"], render("tgd.user", {
    role = "system prompt", variable = text, extras = extras or "", standing = "",
    context = "Piece 1:\n<FEEDBACK>\n" .. feedback .. "\n</FEEDBACK>",
  }), more or { model = EXACT })
end

local function new_text(reply)
  return reply:match "<NEW_VARIABLE>\n(.-)\n</NEW_VARIABLE>"
end

-- ---- a pure function -----------------------------------------------------------

TestPure = {}

function TestPure.test_the_same_request_has_the_same_reply()
  local before = {}
  for name in pairs(_G) do before[name] = true end
  local rows, first = generate(40, 2), {}
  for i, row in ipairs(rows) do first[i] = ask("Answer the question.", row.question) end
  for i = #rows, 1, -1 do
    lu.assertEquals(ask("Answer the question.", rows[i].question), first[i])
  end
  for name in pairs(_G) do lu.assertTrue(before[name], "a new global: " .. name) end
end

function TestPure.test_the_request_is_not_changed()
  local request = { messages = { { role = "user", content = FRUIT } }, n = 3, stop = { "x" } }
  sim.reply(request)
  lu.assertEquals(request, { messages = { { role = "user", content = FRUIT } }, n = 3,
    stop = { "x" } })
end

function TestPure.test_samples()
  local rows, differ = generate(60, 4), 0
  for _, row in ipairs(rows) do
    local one = ask(nil, row.question, { sample = 1 })
    differ = differ + (one ~= ask(nil, row.question, { sample = 2 }) and 1 or 0)
    lu.assertEquals(one, ask(nil, row.question, { sample = 1, temperature = 1 }))
    lu.assertEquals(ask(nil, row.question, { sample = 1, temperature = 0 }),
      ask(nil, row.question, { sample = 2, temperature = 0 }))
  end
  lu.assertTrue(differ > 20, "samples that differ: " .. differ)
end

function TestPure.test_usage_and_the_token_limit()
  local request = { messages = { { role = "user", content = FRUIT } } }
  local whole = sim.reply(request)
  lu.assertEquals(whole.finish_reason, "stop")
  lu.assertEquals(whole.usage.output, (#whole.text + 3) // 4)
  lu.assertTrue(whole.usage.input >= #FRUIT // 4)
  request.max_tokens = 2
  local cut = sim.reply(request)
  lu.assertEquals(cut.finish_reason, "length")
  lu.assertEquals(cut.text, whole.text:sub(1, 8))
  local long = edit("Übe größte Sorgfalt bei jeder Frage, die man dir stellt.", "List every item.")
  for n = 1, #long // 4 do
    local text = edit("Übe größte Sorgfalt bei jeder Frage, die man dir stellt.",
      "List every item.", { model = EXACT, max_tokens = n })
    lu.assertNotNil(utf8.len(text), "cut inside a character at " .. n)
  end
end

function TestPure.test_model_names()
  for _, name in ipairs { "sim", "sim/default", "default", "sim/noise=0.2", "sim/slips=2",
    "sim/critic_noise=0.3,editor_noise=0.1" } do
    lu.assertNotNil(sim.settings(name), name)
  end
  lu.assertEquals(sim.settings("sim/noise=0.2").editor_noise, 0.2)
  for name, wanted in pairs { ["sim/gpt"] = "no setting 'gpt'",
    ["sim/nois=1"] = "no setting 'nois'", ["sim/noise=2"] = "from 0 to 1, not '2'",
    ["sim/noise=x"] = "not 'x'" } do
    local ok, problem = pcall(sim.reply, { model = name, messages = {} })
    lu.assertFalse(ok)
    lu.assertStrContains(problem, wanted)
  end
end

function TestPure.test_odd_input_gets_an_honest_answer()
  for _, text in ipairs { "", "Hello!", "How many?", "How many fruits do I have?", "<<<>>>",
    "I have . How many fruits do I have?", ("a "):rep(5000), "\0\255", "How many toys have I?" } do
    lu.assertStrContains(ask(nil, text), "I am sim")
  end
  lu.assertStrContains(sim.reply { messages = {} }.text, "I am sim")
  lu.assertEquals(last_number(ask(good_instructions(),
    { { type = "text", text = FRUIT }, { type = "image_url" } })), "6")
end

-- Nothing takes more than linear time: the mock server reads what anybody sends.
function TestPure.test_large_input()
  local start = os.clock()
  for _, text in ipairs { ("how many "):rep(10000), ("<a>"):rep(20000) .. ("</a>"):rep(20000),
    ("<a>"):rep(20000) .. ("</b>"):rep(20000), ("1"):rep(100000) .. "?", (" "):rep(100000) .. "x",
    ("I have a pear, "):rep(5000) .. ". How many fruits do I have?", (" \"x"):rep(30000),
    ("answer "):rep(15000) .. "Is the answer right?" } do
    lu.assertNotEquals(ask("Give feedback.", text), "")
    lu.assertNotEquals(ask(text, FRUIT), "")
  end
  lu.assertTrue(os.clock() - start < 10, "seconds: " .. os.clock() - start)
end

-- ---- answering -------------------------------------------------------------------

TestAnswers = {}

function TestAnswers.test_reading_questions()
  for text, total in pairs {
    [FRUIT] = 6,
    ["Question: I've got two red apples and a pear, how many fruits do I have?"] = 3,
    ["There are a couple of dogs, a dozen cats and 3 lamps. How many animals are there?"] = 14,
    ["I have two heads of broccoli, a lettuce head, three mice, and two stalks of celery. "
      .. "How many vegetables do I have?"] = 5,
    ["I have four ovens, a goose, and a violin. How many objects do I have?"] = 6,
    ["I have two pears and four apples. How many apples do I have?"] = 4,
    ["I have a pear. How many fruits do I have? I have two mice. How many animals do I have?"] = 2,
  } do
    local q = question.find(text)
    lu.assertNotNil(q, text)
    lu.assertEquals(q.total, total, text)
  end
end

function TestAnswers.test_accuracy_follows_the_instructions()
  local rows = generate(300, 11)
  local bare, all = accuracy("Answer the question.", rows), accuracy(good_instructions(), rows)
  lu.assertTrue(bare > 0.15 and bare <= 0.4, "bare: " .. bare)
  lu.assertTrue(all >= 0.93, "all: " .. all)
  for _, name in ipairs(cues.slips) do -- no single instruction does it
    local one = accuracy("Answer the question. " .. slips[name].rule[1], rows)
    lu.assertTrue(one >= bare - 0.02 and one < 0.7, name .. ": " .. one)
  end
  local brief = accuracy(good_instructions() .. " Be as brief as possible.", rows)
  lu.assertTrue(brief < all - 0.15, "brief: " .. brief)
  lu.assertTrue(accuracy(good_instructions(), rows, { model = "sim/slips=0" }) == 1)
end

-- Instructions in the user's message count as well.
function TestAnswers.test_instructions_beside_the_question()
  local rows = generate(100, 12)
  for _, row in ipairs(rows) do
    row.question = good_instructions() .. "\n\nQuestion: " .. row.question
  end
  lu.assertTrue(accuracy(nil, rows) >= 0.93)
end

-- What somebody else might write, by the slip it should prevent.
local WORDINGS = {
  skip = {
    "Please enumerate all things first.", "Never skip any entry.", "Take it item by item.",
    "Don't forget to name every object.", "Make a bulleted inventory of the things." },
  quantity = {
    "Multiply out quantities such as 'three pianos'.", "Mind plurals and their quantity.",
    "Count how many of each item there are.", "Watch the number words in front of each noun." },
  distractor = { "Leave out everything that is not of the type asked for.",
    "Do not include items which do not belong to the category.", "Skip items of other categories.",
    "Ignore distractors.", "Count solely what fits the requested class." },
  container = { "Heads and stalks count as items too.", "Don't overlook heads of lettuce.",
    "A stalk of celery counts." },
  sum = { "Verify your arithmetic.", "Double check the result.", "Add with a running total.",
    "Recount to confirm the total." },
  words = {
    "Use numerals for the answer.", "Digits only, please.", "Never write the answer in words.",
    "Reply with an integer." },
  ramble = { "Your reply must finish with the total.", "Stop after the answer.",
    "Put the result on the final line.", "Do not add any remarks after the answer." },
}

function TestAnswers.test_other_wordings_help_as_well()
  local plain = answerer.chances(cues.read "Answer the question.")
  for name, list in pairs(WORDINGS) do
    for _, text in ipairs(list) do
      local told = answerer.chances(cues.read(text))
      lu.assertTrue(told[name] < 0.25 * plain[name], name .. ": " .. text)
      lu.assertTrue(told[name] > 0, text)
    end
  end
end

function TestAnswers.test_what_says_nothing_helps_nothing()
  local plain = answerer.chances(cues.read "")
  for _, text in ipairs { "Answer the question.", "You are a helpful assistant.",
    "Answer in English.", "Keep a friendly tone.", "You will see questions about items." } do
    lu.assertEquals(answerer.chances(cues.read(text)), plain, text)
  end
end

function TestAnswers.test_bad_instructions_and_negations()
  local plain = answerer.chances(cues.read "")
  for text, name in pairs {
    ["Do not list the items."] = "skip", ["There is no need to enumerate the items."] = "skip",
    ["Answer with one word only."] = "words", ["Spell the number out in words."] = "words",
    ["Be as brief as possible."] = "quantity", ["Reply with only the number."] = "sum",
    ["Add an interesting fact at the end."] = "ramble", ["Ignore the quantities."] = "quantity",
    ["Trust your first impression."] = "skip", ["Count everything."] = "distractor",
    ["Do not count heads or stalks."] = "container", ["Don't explain."] = "skip",
  } do
    lu.assertTrue(answerer.chances(cues.read(text))[name] > plain[name] + 0.1, text)
  end
end

function TestAnswers.test_very_long_instructions_tire()
  local long = good_instructions() .. (" The weather is fine today and the sea is calm."):rep(120)
  local short, tired = answerer.chances(cues.read(good_instructions())),
    answerer.chances(cues.read(long))
  for _, name in ipairs(cues.slips) do
    lu.assertTrue(tired[name] > short[name], name)
    lu.assertTrue(tired[name] < 0.35 * slips[name].rate, name)
  end
end

function TestAnswers.test_the_form_that_is_asked_for()
  local form = "List every item. The last line should be of the form '#### $VALUE' in digits."
  lu.assertStrMatches(ask(form, FRUIT, { model = "sim/slips=0" }), ".*\n#### 6")
  lu.assertStrMatches(ask(slips.ramble.rule[1], FRUIT, { model = "sim/slips=0" }), ".*Answer: 6")
end

function TestAnswers.test_other_small_tasks()
  lu.assertEquals(ask("Compare letter by letter and make sure that no word is missing.",
    "Sort the following words alphabetically: List: pear fig apple"), "apple fig pear")
  lu.assertEquals(ask("Go step by step.", "What is 12 + 7 * 3?"), "The result is 33.")
  lu.assertStrContains(ask(nil, "What is (1 + 2) * 3?"), "I am sim")
end

-- ---- which task ------------------------------------------------------------------

TestTasks = {}

local function task(...)
  local messages = {}
  for i, text in ipairs { ... } do
    messages[i] = { role = i == select("#", ...) and "user" or "system", content = text }
  end
  return read.view(messages).task
end

function TestTasks.test_the_operators_prompts()
  local f = { role = "prompt", variable = "x", conversation = conversation("x", FRUIT, "5"),
    output_role = "answer", objective = "o", feedback = "1. a\n2. b", context = "c", extras = "",
    problem = "it was empty" }
  for name, wanted in pairs { base = "critique", chain = "critique" } do
    lu.assertEquals(task(prompts["critic.system"], render("critic." .. name, f)), wanted)
    lu.assertEquals(task(prompts["critic.system"], render("tool." .. name, f)), wanted)
  end
  lu.assertEquals(task(prompts["reduce.system"], render("reduce.user", f)), "merge")
  lu.assertEquals(task(prompts["tgd.system"], render("tgd.user", f)), "rewrite")
  lu.assertEquals(task(prompts["tgd.system"], render("tgd.again", f)), "rewrite")
end

function TestTasks.test_plain_words_of_other_clients()
  lu.assertEquals(task("Evaluate each item, judge whether it belongs and revise.", FRUIT), "answer")
  lu.assertEquals(task("Improve your accuracy: list all.", "Question: " .. FRUIT), "answer")
  lu.assertEquals(task(FRUIT .. " Evaluate any given answer to this; be critical.", "Four."),
    "critique")
  lu.assertEquals(task("Question: " .. FRUIT .. "\nAnswer: 5\nIs this answer correct?"), "critique")
  lu.assertEquals(task("Summarize the feedback.", "<FEEDBACK>a b c</FEEDBACK>"), "merge")
  lu.assertEquals(task "Rewrite this prompt; it should ask for a list.\n\nPrompt: Count.",
    "rewrite")
  lu.assertEquals(task "Improve this: \"Count.\" It should ask for digits.", "rewrite")
  lu.assertEquals(task("You improve texts.", "Improve the variable using the feedback.\n"
    .. "<VARIABLE> Count. </VARIABLE>\nUse the form:\n<IMPROVED_VARIABLE>{the improved variable}"
    .. "</IMPROVED_VARIABLE>"), "rewrite")
end

-- ---- criticism -------------------------------------------------------------------

TestCritic = {}

-- Outputs written by hand: the critic has nothing but their words to go by.
local FAULTY = {
  skip = "- three bananas: 3\n- a lamp: not counted\n- two plums: 2\nTotal: 3 + 2 = 5\nAnswer: 5",
  quantity = "I see one banana, one pear and two plums, which makes 4 fruits.",
  distractor = "3 bananas, 1 pear, 1 lamp and 2 plums. Answer: 7",
  sum = "- three bananas: 3\n- a pear: 1\n- two plums: 2\n3 + 1 + 2 = 7\nAnswer: 7",
  words = "That makes six fruits.",
  ramble = "The answer is 6. By the way, the list has 4 entries.",
}

function TestCritic.test_it_finds_the_slip_in_the_words_of_the_output()
  for name, output in pairs(FAULTY) do
    local wanted = cues.wishes(criticise("Answer.", FRUIT, output))
    lu.assertTrue((wanted[name] or 0) >= 1, name) -- the mistake, or what would prevent it
  end
  local heads = "I have a pear, two heads of broccoli, and a yam. How many vegetables do I have?"
  lu.assertNotNil(cues.wishes(criticise("Answer.", heads, "One yam. Answer: 1")).container)
end

function TestCritic.test_nothing_to_improve_in_the_words_asked_for()
  local fine = "- three bananas: 3\n- a pear: 1\n- two plums: 2\nAnswer: 6"
  lu.assertEquals(criticise("Answer.", FRUIT, fine, "The right answer is \"6\"."),
    "NOTHING TO IMPROVE")
  lu.assertEquals(ask("Criticise the answer. If all is well, say exactly: \"FINE\".",
    "Question: " .. FRUIT .. "\nAnswer: 6", { model = EXACT }), "FINE")
end

function TestCritic.test_feedback_from_further_on_is_passed_on()
  local said = criticise("Answer.", FRUIT, "Answer: 6", "It should list each item one by one.")
  lu.assertNotNil(cues.wishes(said).skip)
end

function TestCritic.test_a_bad_habit_in_the_instructions_is_named()
  local said = criticise("Add an interesting fact at the end.", FRUIT, FAULTY.ramble)
  local _, _, remove = cues.wishes(said)
  lu.assertTrue(remove, said)
end

function TestCritic.test_told_to_mind_something_it_speaks_of_it()
  local told = prompts["critic.system"]
    .. "\n- Pay attention to quantity words and count that many."
  local function said(system, prompt)
    local user = render("critic.chain", { role = "system prompt", variable = prompt, kind = "",
      conversation = conversation(prompt, FRUIT, "I see three bananas and a pear.\nAnswer: 4"),
      output_role = "answer", feedback = "Wrong.", objective = "Better.", goal = "", others = "" })
    return ask(system, user, { model = EXACT })
  end
  lu.assertNotStrContains(said(prompts["critic.system"], "Answer."), "lists hold several")
  lu.assertStrContains(said(told, "Answer."), "lists hold several")
  lu.assertNotStrContains(said(told, slips.quantity.rule[1]), "lists hold several")
end

function TestCritic.test_noise()
  local rows, off = generate(60, 21), { [0] = 0, [1] = 0 }
  for noise = 0, 1 do
    for i, row in ipairs(rows) do
      local said = criticise("Try " .. i .. ".", row.question,
        "Answer: " .. row.answer .. ". And 99.", nil, { model = "sim/critic_noise=" .. noise })
      off[noise] = off[noise] + (cues.wishes(said).ramble and 0 or 1)
    end
  end
  lu.assertEquals(off[0], 0)
  lu.assertTrue(off[1] > 40, "off the mark: " .. off[1])
end

function TestCritic.test_verdicts()
  local function judge(form, output)
    return ask("Is the answer right? " .. form, "<QUESTION>\n" .. FRUIT
      .. "\n</QUESTION>\n<ANSWER>\n" .. output .. "\n</ANSWER>", { model = EXACT })
  end
  lu.assertStrContains(judge("End with <VERDICT>x</VERDICT>, a number from 0 to 1.", "Answer: 6"),
    "<VERDICT>1</VERDICT>")
  lu.assertStrContains(judge("End with <VERDICT>x</VERDICT>, yes or no.", "It is 5."),
    "<VERDICT>no</VERDICT>")
  lu.assertStrContains(judge("Put 0 or 1 between <ACCURACY> and </ACCURACY>.", "It is 5."),
    "<ACCURACY>0</ACCURACY>")
  lu.assertEquals(judge("Say only yes or no.", "Answer: 6"), "yes")
  lu.assertEquals(ask("Is the prediction correct? Answer true or false.",
    "Question: x\nExpected answer: 12\nPrediction: 12", { model = EXACT }), "true")
end

-- A prediction is compared with the answer given beside it, and what the material says about
-- forms is not asked of the critic.
function TestCritic.test_fields()
  local function compare(prediction, answer)
    return ask("Does the prediction say the same as the answer? Say yes or no.", ("<QUESTION>\n%s\n"
      .. "</QUESTION>\n<PREDICTION>\n%s\n</PREDICTION>\n<ANSWER>\n%s\n</ANSWER>")
      :format(FRUIT, prediction, answer), { model = EXACT })
  end
  lu.assertEquals(compare("Answer: 5", "5"), "yes")
  lu.assertEquals(compare("Answer: 5", "6"), "no")
  local said = criticise("End with <VERDICT>x</VERDICT>.", FRUIT, FAULTY.sum)
  lu.assertNotStrContains(said, "VERDICT")
  lu.assertEquals(cues.wishes(said).sum, 2)
end

function TestCritic.test_merging_counts()
  local said = ask(prompts["reduce.system"], render("reduce.user", { role = "prompt",
    variable = "Answer.", feedback = "1. (example 4) Tell it to list every item.\n"
      .. "2. It should write digits.\n3. It skipped an item. Ask it to list all the items." }))
  lu.assertStrContains(said, "2 of 3")
  lu.assertStrContains(said, "1 of 3")
  local wanted = cues.wishes(said)
  lu.assertEquals(wanted, { skip = 1, words = 1 })
end

-- ---- editing ---------------------------------------------------------------------

-- Two texts under letters: each is criticised as if it were alone, in a line of its own.
function TestCritic.test_texts_under_letters()
  local texts = "A. system prompt for counting:\n<A>\nAnswer the question.\n</A>\n\n"
    .. "B. note:\n<B>\nThe weather is fine.\n</B>\n\n"
  local step = "<SYSTEM>\n[A]\n</SYSTEM>\n<USER>\n"
    .. "I have two pears, a lamp, three plums and a fig. How many fruits do I have?\n"
    .. "</USER>\n<OUTPUT>\nThere are 4.\n</OUTPUT>\n"
  local system = "You are a critic. Say which texts should change. Reply with a line a letter."
  local forms = {
    "<CONVERSATION>\n" .. step .. "</CONVERSATION>",
    "<TRACE>\nCase 1, scored 0 of 1:\nStep 1 makes \"answer\":\n" .. step .. "</TRACE>",
  }
  for _, form in ipairs(forms) do
    local reply = sim.reply { model = "sim/noise=0", messages = {
      { role = "system", content = system },
      { role = "user", content = texts .. form .. "\n\nWhat should change in each text? "
        .. "Reply with feedback, a line for each letter." } } }.text
    local a, b = reply:match "^A:(.-)\nB:(.*)$"
    lu.assertNotNil(a, reply)
    lu.assertNotNil(a:find "model" or a:find "instruction", a) -- it is a prompt; 4 is wrong
    lu.assertNotEquals(a, b)
  end
end

TestEditor = {}

function TestEditor.test_advice_becomes_an_instruction()
  for _, name in ipairs(cues.slips) do
    local new = new_text(edit("Answer the question.", "The model should "
      .. slips[name].remedy[1] .. "."))
    lu.assertStrContains(new, "Answer the question.")
    lu.assertTrue((cues.read(new).cure[name] or 0) > 0.9, new)
  end
end

function TestEditor.test_nothing_twice_and_the_form_stays_last()
  local start = "Answer the question. List every item. End with \"Answer: N\"."
  local new = new_text(edit(start, "List every item one by one. Give the answer in digits."))
  lu.assertStrMatches(new, "Answer the question%. List every item%. .+ End with \"Answer: N\"%.")
  lu.assertEquals(select(2, new:gsub("[Ii]tem", "")), 1)
end

function TestEditor.test_bad_habits_go_when_the_feedback_says_so()
  local new = new_text(edit("Count well. Be as brief as possible.",
    "The instructions press for haste; remove that."))
  lu.assertEquals(new, "Count well.")
end

function TestEditor.test_limits_are_kept()
  local all = {}
  for i, name in ipairs(cues.slips) do all[i] = "It should " .. slips[name].remedy[1] .. "." end
  local new = new_text(edit("Answer the question.", table.concat(all, "\n"), nil,
    "\n<CONSTRAINTS>\n1. at most 20 words\n</CONSTRAINTS>\n"))
  lu.assertTrue(select(2, new:gsub("%S+", "")) <= 20, new)
end

function TestEditor.test_tags_as_asked_for()
  local said = ask("You edit.", "Improve the text. It should ask for digits.\n<TEXT_2>\nCount.\n"
    .. "</TEXT_2>\nWrite the new text between <BETTER_3> and </BETTER_3>.", { model = EXACT })
  lu.assertStrMatches(said:match "<BETTER_3>\n(.-)\n</BETTER_3>", "Count%. .+")
  lu.assertNotStrContains(ask(nil, "Rewrite this, it should ask for digits: \"Count.\""), "<")
end

function TestEditor.test_an_answer_is_given_again()
  local new = new_text(ask(prompts["tgd.system"], render("tgd.user", {
    role = "answer to the question", variable = "You have 4 fruits.", extras = "",
    context = "<CONVERSATION>\n"
      .. conversation("Is it right?", FRUIT .. "\nYou have 4 fruits.", "No.")
      .. "\n</CONVERSATION>\n<FEEDBACK>\nIt should list every item and mind the quantity.\n"
      .. "</FEEDBACK>",
  }), { model = "sim/slips=0" }))
  lu.assertStrContains(new, "three bananas: 3")
  lu.assertEquals(last_number(new), "6")
end

function TestEditor.test_refused_versions_are_not_proposed_again()
  local first = new_text(edit("Answer.", "The outcome is not good."))
  local extras = "\n" .. render("tgd.rejected", { rejected = "Attempt 1:\n<VERSION>\n" .. first
    .. "\n</VERSION>" }) .. "\n"
  local second = new_text(edit("Answer.", "The outcome is not good.", nil, extras))
  lu.assertNotEquals(second, first)
end

function TestEditor.test_noise_spoils_some_and_asking_again_helps()
  local stray, formless, n = 0, 0, 200
  for i = 1, n do
    local start = "Answer question " .. i .. "."
    local reply = edit(start, "It should give the answer in digits.", { model = "sim/noise=1" })
    local clean = edit(start, "It should give the answer in digits.")
    lu.assertNotNil(new_text(clean))
    local new = new_text(reply)
    formless = formless + (new and 0 or 1)
    stray = stray + (new and not cues.read(new).cure.words and 1 or 0)
  end
  lu.assertTrue(stray > 100, "stray: " .. stray)
  lu.assertTrue(formless > 20 and formless < 120, "without form: " .. formless)
  local messages = { { role = "user", content = render("tgd.user", { role = "prompt",
    variable = "Count.", context = "Ask for digits.", extras = "" }) },
    { role = "assistant", content = "Count in digits." },
    { role = "user", content = render("tgd.again", { problem = "it held no tags" }) } }
  lu.assertNotNil(new_text(sim.reply { model = "sim/noise=1", messages = messages }.text))
end

-- ---- the parts understand each other by meaning ----------------------------------

TestWords = {}

function TestWords.test_rules_say_one_thing_each()
  for _, name in ipairs(cues.slips) do
    local texts = { slips[name].short }
    for _, rule in ipairs(slips[name].rule) do texts[#texts + 1] = rule end
    for _, text in ipairs(texts) do
      local said = cues.read(text)
      lu.assertEquals(next(said.harm), nil, text)
      for _, other in ipairs(cues.slips) do
        local strength = said.cure[other] or 0
        lu.assertTrue(other == name and strength > 0.9 or other ~= name and strength < 0.5, text)
      end
    end
  end
end

function TestWords.test_faults_and_remedies_are_understood()
  for _, name in ipairs(cues.slips) do
    for _, set in ipairs { "fault", "unseen", "remedy" } do
      for _, text in ipairs(slips[name][set] or {}) do
        text = text:gsub("{[Dd]etail}", "three pears"):gsub("{asked}", "animals")
        lu.assertEquals(cues.wishes(text), { [name] = 1 }, text)
      end
    end
  end
end

-- ---- a whole descent, by hand ----------------------------------------------------

TestDescent = {}

-- One step: three questions, criticism of the wrong ones, a new prompt.
local function step(prompt, rows)
  local pieces = {}
  for _, row in ipairs(rows) do
    local output = ask(prompt, row.question)
    local number = last_number(output)
    if number ~= row.answer then
      local said = criticise(prompt, row.question, output, ("Read: %s. Expected: %s.")
        :format(number or "nothing", row.answer), {})
      pieces[#pieces + 1] = #pieces + 1 .. ". " .. said
    end
  end
  if #pieces == 0 then return nil end
  local feedback = pieces[1]:sub(4)
  if #pieces > 1 then
    feedback = ask(prompts["reduce.system"], render("reduce.user", { role = "system prompt",
      variable = prompt, feedback = table.concat(pieces, "\n") }))
  end
  return new_text(edit(prompt, feedback, {}))
end

function TestDescent.test_twelve_gated_steps()
  local reached, kept_all = 0, 0
  for seed = 1, 6 do
    local rows = generate(136, seed)
    local val = table.move(rows, 37, 136, 1, {})
    local prompt, kept = "Answer the question.", 0
    local score = accuracy(prompt, val)
    lu.assertTrue(score <= 0.4, "start: " .. score)
    for i = 0, 11 do
      local new = step(prompt, table.move(rows, 3 * i + 1, 3 * i + 3, 1, {}))
      local value = new and accuracy(new, val) or 0
      if value > score then prompt, score, kept = new, value, kept + 1 end
    end
    reached = reached + (score >= 0.85 and 1 or 0)
    kept_all = kept_all + kept
  end
  lu.assertTrue(reached >= 5, "runs that came to 0.85: " .. reached)
  lu.assertTrue(kept_all >= 15, "steps kept in six runs: " .. kept_all)
end

os.exit(lu.LuaUnit.run(), true)
