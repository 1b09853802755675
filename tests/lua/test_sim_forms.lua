-- test_sim_forms.lua - the embedded world reads the forms that other optimizers ask in, each by what
-- it means: reflection over examples, fields under marks, recorded computations; and it learns from
-- worked examples wherever they stand

require "helper"
local lu = require "luaunit"
local sim = require "lunagrad.world"
local cues = require "lunagrad.world.cues"
local fill = require "lunagrad.world.fill"
local generate = require("lunagrad.task.object_counting").generate
local json_decode = require("lunagrad.core").json_decode

local EXACT = "sim/noise=0"
local SEED = "Answer the question."
local FRUIT = "I have three bananas, a lamp, and two plums. How many fruits do I have?"
local WORK = "Let me go through the list.\n- three bananas: 3\n- a lamp: not counted\n"
  .. "- two plums: 2\nTotal: 3 + 2 = 5\nAnswer: 5"

local function system(text) return { role = "system", content = text } end
local function user(text) return { role = "user", content = text } end
local function assistant(text) return { role = "assistant", content = text } end

local function ask(messages, more)
  local request = { model = EXACT, messages = messages, temperature = 0 }
  for name, value in pairs(more or {}) do request[name] = value end
  local reply = sim.reply(request)
  return reply.text, reply.finish_reason
end

local function last_number(text)
  local n
  for digits in text:gmatch "%d+" do n = digits end
  return n
end

local function accuracy(rows, make)
  local right = 0
  for _, row in ipairs(rows) do
    if last_number((ask(make(row.question)))) == row.answer then right = right + 1 end
  end
  return right / #rows
end

-- ---- reflection --------------------------------------------------------------------

TestReflection = {}

-- gepa 0.1.4's question, in short, and one of the same kind in other words.
local GEPA = [[
I provided an assistant with the following instructions to perform a task for me:
```
%s
```

The following are examples of different task inputs provided to the assistant along with the
assistant's response for each of them, and some feedback on how the response could be better:
```
%s
```

Your task is to write a new instruction for the assistant.

Provide the new instructions within ``` blocks.]]

local OTHER = [[
These are the words a student was given.
```text
%s
```
What came of it:
```
%s
```
Write an improved prompt in a block between ``` marks, and nothing else.]]

local function examples(titles, list)
  local parts = {}
  for i, one in ipairs(list) do
    parts[i] = ("# Example %d\n## %s\n%s\n\n## %s\n%s\n\n## %s\n%s\n"):format(i, titles[1], one[1],
      titles[2], one[2], titles[3], one[3])
  end
  return table.concat(parts, "\n\n")
end

local TITLES = { "Inputs", "Generated Outputs", "Feedback" }
local WRONG = "The generated response is incorrect. The correct answer is '5'."
local RIGHT = "The generated response is correct. The response include the correct answer '5'"

local function inside(text) return text:match "```\n(.*)\n```$" end

local function reflect(list, more, template, titles)
  return ask({ user((template or GEPA):format(SEED, examples(titles or TITLES, list))) }, more)
end

local function preserves(new)
  lu.assertEquals(new:sub(1, #SEED), SEED)
  return cues.read(new).cure
end

function TestReflection.test_what_the_outputs_show_is_answered()
  for _, form in ipairs { { GEPA, TITLES }, { OTHER, { "Question", "Response", "Criticism" } },
    { GEPA, { "Task input", "The model's answer", "Comments" } } } do
    local words = inside((reflect({ { FRUIT, "You have five fruits.", WRONG } }, nil, form[1],
      form[2])))
    lu.assertNotNil(words, form[2][1])
    lu.assertTrue(preserves(words).words > 0.8, words)
    local counted = "Taking them in order:\n- three bananas: 3\n- a lamp: 1\n- two plums: 2\n"
      .. "Total: 3 + 1 + 2 = 6\nAnswer: 6"
    local other = inside((reflect({ { FRUIT, counted, WRONG } }, nil, form[1], form[2])))
    lu.assertTrue(preserves(other).distractor > 0.8, other)
    lu.assertNil(cues.read(other).cure.words, other)
  end
end

function TestReflection.test_several_examples_are_worked_in_at_once()
  local cure = preserves(inside((reflect { { FRUIT, "You have five fruits.", WRONG },
    { FRUIT, "You have 5 fruits.\nIf you get one more entry, the list will have 3.", WRONG } })))
  lu.assertTrue(cure.words > 0.8 and cure.ramble > 0.8)
end

function TestReflection.test_parts_below_a_heading_belong_to_it()
  local cure = preserves(inside((reflect { { "### question\n" .. FRUIT,
    "### reasoning\nI look.\n\n### answer\nYou have five fruits.", WRONG } })))
  lu.assertTrue(cure.words > 0.8)
end

function TestReflection.test_what_the_feedback_asks_for_is_read_there()
  local new = inside((reflect { { "What is the capital of Peru?", "Lima",
    "The assistant should list every item one by one before counting." } }))
  lu.assertTrue(preserves(new).skip > 0.8, new)
end

function TestReflection.test_right_outputs_give_nothing_definite()
  local new = inside((reflect { { FRUIT, WORK, RIGHT } }))
  for name, strength in pairs(preserves(new)) do lu.assertTrue(strength < 0.8, name) end
end

function TestReflection.test_noise_reaches_it()
  local lists, missing, cut, vague = {}, 0, 0, 0
  for _, row in ipairs(generate(120, 8)) do
    lists[#lists + 1] = { { row.question, "You have zero of them.", WRONG } }
  end
  for _, list in ipairs(lists) do
    local calm = reflect(list)
    lu.assertNotNil(inside(calm), calm)
    local text, finish = reflect(list, { model = "sim/noise=1" })
    cut = cut + (finish == "length" and 1 or 0)
    missing = missing + (not text:find("```", 1, true) and 1 or 0)
    vague = vague + ((cues.read(text).cure.words or 0) < 0.8 and 1 or 0)
  end
  lu.assertTrue(missing > 10 and missing < 40, "without its marks: " .. missing)
  lu.assertTrue(cut > 3 and cut < 30, "cut: " .. cut)
  lu.assertTrue(vague > 60, "points dropped: " .. vague)
end

-- ---- fields ------------------------------------------------------------------------

TestFields = {}

local STRUCTURE = [=[
Your input fields are:
1. `question` (str):
Your output fields are:
%s
All interactions will be structured in the following way, with the appropriate values filled in.

[[ ## question ## ]]
{question}

%s

[[ ## completed ## ]]
In adhering to this structure, your objective is:
        %s]=]

local TURN = "[[ ## question ## ]]\n%s\n\nRespond with the corresponding output fields, starting "
  .. "with the field %s, and then ending with the marker for `[[ ## completed ## ]]`."

-- A request for these output fields.
local function in_fields(question, names, objective, turns)
  local said, marks, asked = {}, {}, {}
  for i, name in ipairs(names) do
    said[i] = ("%d. `%s` (str):"):format(i, name)
    marks[i] = ("[[ ## %s ## ]]\n{%s}"):format(name, name)
    asked[i] = ("`[[ ## %s ## ]]`"):format(name)
  end
  local messages = { system(STRUCTURE:format(table.concat(said, "\n"),
    table.concat(marks, "\n\n"), objective or SEED)) }
  for _, turn in ipairs(turns or {}) do messages[#messages + 1] = turn end
  messages[#messages + 1] = user(TURN:format(question, table.concat(asked, ", then ")))
  return messages
end

local function field(text, name)
  return text:match("%[%[ ## " .. name .. " ## %]%]\n(.-)\n\n%[%[ ## ")
end

function TestFields.test_the_form_is_kept_and_changes_no_answer()
  for _, row in ipairs(generate(60, 5)) do
    local plain = ask { system(SEED), user(row.question) }
    local text = ask(in_fields(row.question, { "answer" }))
    lu.assertEquals(field(text, "answer"), plain)
    lu.assertStrContains(text, "\n\n[[ ## completed ## ]]")
  end
end

function TestFields.test_work_and_result_stand_apart()
  local list = "List every item of the question one by one. End with \"Answer: N\"."
  local text = ask(in_fields(FRUIT, { "rationale", "answer" }, list))
  lu.assertStrContains(field(text, "rationale"), "three bananas")
  lu.assertNotStrContains(field(text, "answer"), "bananas")
  lu.assertStrMatches(field(text, "answer"), "Answer: %w+.*")
  for _, row in ipairs(generate(40, 6)) do -- every field holds something
    local reply = ask(in_fields(row.question, { "thoughts", "result" }))
    lu.assertStrMatches(field(reply, "thoughts"), "%S.*")
    lu.assertNotNil(field(reply, "result"):find "%w")
  end
end

function TestFields.test_fields_that_nobody_names_are_those_not_given()
  local messages = in_fields(FRUIT, { "answer" })
  messages[2].content = "[[ ## question ## ]]\n" .. FRUIT
  lu.assertNotNil(field(ask(messages), "answer"))
end

function TestFields.test_an_object_is_written_where_json_is_wanted()
  local messages = in_fields(FRUIT, { "answer" })
  messages[2].content = "[[ ## question ## ]]\n" .. FRUIT
    .. "\n\nRespond with a JSON object in the following order of fields: `answer`."
  local plain, text = ask { system(SEED), user(FRUIT) }, ask(messages)
  lu.assertEquals(json_decode(text), { answer = plain })
  lu.assertEquals(fill.json(nil, text), text)
  local schema = { type = "object", properties = { answer = { type = "string" } } }
  lu.assertEquals(fill.json(schema, text), text)
  schema.properties.other = { type = "string" }
  lu.assertNotEquals(fill.json(schema, text), text)
end

function TestFields.test_other_questions_are_answered_too()
  local text = ask(in_fields("Sort the following words alphabetically: List: pear apple",
    { "answer" }))
  lu.assertEquals(field(text, "answer"), "apple pear")
end

-- ---- data, programs and instructions --------------------------------------------------

local function describe(inputs, output, objective, more)
  local marks, given = {}, {}
  for i, one in ipairs(inputs) do
    marks[i] = ("[[ ## %s ## ]]\n{%s}"):format(one[1], one[1])
    given[i] = ("[[ ## %s ## ]]\n%s"):format(one[1], one[2])
  end
  return ask({ system(("%s\n\n[[ ## %s ## ]]\n{%s}\n\n[[ ## completed ## ]]\n%s"):format(
    table.concat(marks, "\n\n"), output, output, objective)), user(table.concat(given, "\n\n")
    .. ("\n\nRespond with the corresponding output fields: `[[ ## %s ## ]]`."):format(output)) },
    more)
end

TestProposals = {}

local DATA = "[Example({'question': '" .. FRUIT .. "', 'answer': '5'})]"

function TestProposals.test_data_are_described_by_what_readers_stumble_over()
  local text = field(describe({ { "examples", DATA } }, "observations", "Write observations."),
    "observations")
  local wanted, n = cues.wishes(text), 0
  for _ in pairs(wanted) do n = n + 1 end
  lu.assertTrue(n >= 1 and n <= 3, text)
  lu.assertNil(wanted.container, "no head or stalk is in these data")
end

function TestProposals.test_what_was_observed_already_is_not_said_again()
  local slips = require "lunagrad.world.slips"
  local all = {}
  for _, name in ipairs(cues.slips) do
    all[#all + 1] = "One has to " .. slips[name].remedy[1] .. "."
  end
  lu.assertEquals(field(describe({ { "examples", DATA },
    { "prior_observations", table.concat(all, " ") } }, "observations",
    "Add your own observations or say 'COMPLETE'."), "observations"), "COMPLETE")
end

function TestProposals.test_an_instruction_says_what_the_description_says()
  local kept, n = 0, 60
  local said = { "dataset_description", "One has to give the answer in digits." }
  for i = 1, n do
    local text = field(describe({ said, { "basic_instruction", SEED }, { "tip", "Tip " .. i } },
      "proposed_instruction", "Generate a new instruction."), "proposed_instruction")
    local cure = preserves(text)
    kept = kept + ((cure.words or 0) > 0.8 and 1 or 0)
    for _, name in ipairs { "skip", "distractor", "container" } do
      lu.assertTrue((cure[name] or 0) < 0.8, name .. ": " .. text)
    end
  end
  lu.assertTrue(kept > n * 0.3 and kept < n * 0.7, "drafts with the point: " .. kept)
end

function TestProposals.test_an_instruction_is_drawn_from_worked_examples()
  local found = 0
  for i = 1, 30 do
    local text = field(describe({ { "task_demos", "Question: " .. FRUIT .. "\nAnswer: " .. WORK },
      { "basic_instruction", SEED }, { "tip", "Tip " .. i } }, "instruction", "Write one."),
      "instruction")
    found = found + ((preserves(text).skip or 0) > 0.8 and 1 or 0)
  end
  lu.assertTrue(found > 5 and found < 25, found)
end

function TestProposals.test_examples_with_feedback_are_reflected_on()
  local records = '[{"Inputs": {"question": "' .. FRUIT .. '"}, "Generated Outputs": '
    .. '{"reasoning": "I look.", "answer": "You have five fruits."}, "Feedback": "'
    .. WRONG .. '"}]'
  local cure = preserves(field(describe({ { "current_instruction", SEED },
    { "examples_with_feedback", records } }, "new_instruction", "Write a new one."),
    "new_instruction"))
  lu.assertTrue(cure.words > 0.8)
end

-- ---- recorded computations -------------------------------------------------------------

TestRecords = {}

local RECORD = [[
#Code
a1 = ask(question=q1, prompt=p0)
out = join(a=a1)

#Variables
(str) p0=Answer the question.
(int) n0=3

#Inputs
(str) q1=%s

#Others
(str) a1=%s

#Outputs
(str) out=%s

#Feedback
ID [0]: %s

================================
Your response:]]

function TestRecords.test_the_variable_gets_a_value_as_json()
  local said = "I see \"five\",\nso:\nYou have five fruits."
  local text = ask { system "Give the suggestion as JSON.",
    user(RECORD:format(FRUIT, said, said, WRONG)) }
  local value = json_decode(text)
  lu.assertTrue(preserves(value.suggestion.p0).words > 0.8, text)
  lu.assertNil(value.suggestion.n0)
  lu.assertEquals(fill.json(nil, text), text)
  lu.assertNotEquals(fill.json(nil, "{five}"), "{five}")
end

function TestRecords.test_without_a_question_there_is_no_such_record()
  lu.assertStrContains(ask { user(RECORD:format("x", "y", "y", WRONG)) }, "")
  lu.assertNil(require("lunagrad.world.graphs").of(RECORD:format("x", "y", "y", WRONG)))
end

-- ---- worked examples -----------------------------------------------------------------

TestDemos = {}

local ROWS = generate(300, 3)

local function with_turns(answer)
  return function(q) return { system(SEED), user(FRUIT), assistant(answer), user(q) } end
end

function TestDemos.test_an_example_teaches_wherever_it_stands()
  local bare = accuracy(ROWS, function(q) return { system(SEED), user(q) } end)
  local expected = accuracy(ROWS, with_turns(WORK))
  lu.assertTrue(expected > bare + 0.3, ("%.2f after %.2f"):format(expected, bare))
  for _, text in ipairs {
    SEED .. "\n\nQuestion: " .. FRUIT .. "\nAnswer: " .. WORK,
    SEED .. "\n\nQ: " .. FRUIT .. "\n" .. WORK .. "\n\nMind the form.",
    SEED .. "\n<EXAMPLE>\n<QUESTION>" .. FRUIT .. "</QUESTION>\n<ANSWER>" .. WORK
      .. "</ANSWER>\n</EXAMPLE>",
  } do
    local got = accuracy(ROWS, function(q) return { system(text), user(q) } end)
    lu.assertAlmostEquals(got, expected, 0.03, text)
  end
  local fields = accuracy(ROWS, function(q)
    return in_fields(q, { "answer" }, nil, { user("[[ ## question ## ]]\n" .. FRUIT),
      assistant("[[ ## answer ## ]]\n" .. WORK .. "\n\n[[ ## completed ## ]]") })
  end)
  lu.assertAlmostEquals(fields, expected, 0.03)
end

function TestDemos.test_an_answer_alone_teaches_only_its_form()
  local demos = require "lunagrad.world.demos"
  local shown = demos.read((select(2, demos.split("Question: " .. FRUIT .. "\nAnswer: 5"))))
  lu.assertNil(shown.cure.skip)
  lu.assertTrue(shown.cure.words > 0.5 and shown.cure.ramble > 0.5)
  local words = demos.read((select(2, demos.split("Question: " .. FRUIT .. "\nAnswer: five"))))
  lu.assertTrue(words.harm.words > 0 and not words.cure.words)
end

function TestDemos.test_a_wrong_example_teaches_no_care()
  local demos = require "lunagrad.world.demos"
  local wrong = WORK:gsub("= 5\nAnswer: 5", "= 6\nAnswer: 6")
  local shown = demos.read((select(2, demos.split("Question: " .. FRUIT .. "\nAnswer: " .. wrong))))
  lu.assertEquals(shown.cure, {})
end

function TestDemos.test_a_second_example_adds_less()
  local demos = require "lunagrad.world.demos"
  local one = "Question: " .. FRUIT .. "\nAnswer: " .. WORK
  local _, first = demos.split(one)
  local _, both = demos.split(one .. "\n\n" .. one)
  lu.assertEquals(#both, 2)
  local s1, s2 = demos.read(first).cure.skip, demos.read(both).cure.skip
  lu.assertTrue(s2 > s1 and s2 - s1 < s1)
end

function TestDemos.test_instructions_around_examples_stay()
  local demos = require "lunagrad.world.demos"
  local left, list = demos.split("First.\n\nQuestion: " .. FRUIT .. "\nAnswer: " .. WORK
    .. "\n\nLast.")
  lu.assertEquals(#list, 1)
  lu.assertStrContains(left, "First.")
  lu.assertStrContains(left, "Last.")
  lu.assertNotStrContains(left, "bananas")
end

-- ---- whatever is sent ------------------------------------------------------------------

TestLimits = {}

function TestLimits.test_large_input_of_every_form()
  local start = os.clock()
  local demo = "Question: " .. FRUIT .. "\nAnswer: 5\n\n"
  local mark = "[[ ## question ## ]]\n"
  for _, text in ipairs { mark:rep(5000), ("```\n# Example\n"):rep(6000), ("\n#Variables"):rep(8000)
    .. "\n#Feedback", demo:rep(600), ("\n## Inputs\nx\n## Feedback\ny"):rep(3000) .. "\n```",
    ("`[[ ## a ## ]]`"):rep(5000),
    "[" .. ('{"Outputs": {"x": "y"}, "Feedback": "z"},'):rep(3000) .. "{}]",
    ("(str) a=b\n"):rep(8000) .. "\n#Variables\n#Feedback" } do
    lu.assertNotEquals(ask { system(mark .. text), user(mark .. text) }, "")
    lu.assertNotEquals(ask { user(text) }, "")
    lu.assertNotEquals(ask { system(text), user(FRUIT) }, "")
  end
  lu.assertTrue(os.clock() - start < 10, "seconds: " .. os.clock() - start)
end

os.exit(lu.LuaUnit.run(), true)
