-- test_sim_drafts.lua - the embedded world rewrites by cases, by another text, by versions, and in
-- fewer words; tags are known by what they mean, not by our names

require "helper"
local lu = require "luaunit"
local sim = require "lunagrad.world"

local function ask(user, more)
  local request = { model = "sim/noise=0", messages = { { role = "user", content = user } } }
  for name, value in pairs(more or {}) do request[name] = value end
  local reply = sim.reply(request).text
  return reply:match "<NEW_%u+>%s*(.-)%s*</NEW_%u+>$" or reply, reply
end

local QUESTION = "I have three apples, a head of broccoli, and a pear. How many fruits do I have?"

TestTrials = {}

function TestTrials.test_cases_are_read_whatever_their_tags_are_called()
  for _, names in ipairs { { "CASE", "INPUT", "OUTPUT", "EXPECTED" },
    { "RUN", "QUESTION", "RESPONSE", "REFERENCE" } } do
    local new = ask(([[
Improve the text by what came of it.
<VARIABLE>Answer the question.</VARIABLE>
<%s>
<%s>%s</%s>
<%s>You have two fruits.</%s>
<%s>4</%s>
</%s>
Write the new variable between <NEW_VARIABLE> and </NEW_VARIABLE>.]]):format(names[1], names[2],
      QUESTION, names[2], names[3], names[3], names[4], names[4], names[1]))
    lu.assertStrContains(new, "Answer the question. ")
    lu.assertTrue(new:find "digit" ~= nil or new:find "numeral" ~= nil
      or new:find "quantit" ~= nil or new:find "one by one" ~= nil or new:find "item", new)
  end
end

function TestTrials.test_a_right_case_asks_for_nothing_definite()
  local new = ask(([[
Improve the text by what came of it.
<VARIABLE>Answer the question.</VARIABLE>
<CASE><INPUT>%s</INPUT><OUTPUT>Answer: 4</OUTPUT></CASE>
Write the new variable between <NEW_VARIABLE> and </NEW_VARIABLE>.]]):format(QUESTION))
  lu.assertNotStrContains(new, "digits")
end

-- ---- descriptions ----------------------------------------------------------------------

TestDescriptions = {}

local WANTED = "Write the %s between <%s> and </%s>, and nothing behind it."

local function described(tag, more)
  return (select(2, ask(("These are examples of a task:\n<ROW>\n<QUESTION>%s</QUESTION>\n"
    .. "<REFERENCE>4</REFERENCE>\n</ROW>\n" .. WANTED):format(QUESTION, tag:lower(), tag, tag),
    more)))
end

function TestDescriptions.test_data_are_described_and_not_answered()
  for _, tag in ipairs { "DESCRIPTION", "OBSERVATIONS" } do
    local text = described(tag):match("<" .. tag .. ">%s*(.-)%s*</" .. tag .. ">$")
    lu.assertStrContains(text, "The task is to answer questions")
    lu.assertStrContains(text, "one has to")
  end
end

function TestDescriptions.test_a_summary_keeps_what_is_said()
  local text = select(2, ask("These are observations:\n<NOTES>\nAs lists are long, one has to "
    .. "state the number in digits.\n</NOTES>\n" .. WANTED:format("summary", "SUMMARY", "SUMMARY")))
  lu.assertTrue(text:find "digit" ~= nil or text:find "numeral" ~= nil, text)
end

function TestDescriptions.test_instructions_are_written_along_them()
  local found = 0
  for sample = 1, 10 do
    local new = ask("Write a new instruction.\n<TEXT>\nAnswer the question.\n</TEXT>\n"
      .. "<DESCRIPTION>\nOne has to state the number in digits.\n</DESCRIPTION>\n"
      .. "Write the new text between <NEW_TEXT> and </NEW_TEXT>.", { sample = sample })
    lu.assertStrContains(new, "Answer the question.")
    found = found + ((new:find "digit" or new:find "numeral") and 1 or 0)
  end
  lu.assertTrue(found >= 2 and found <= 8, found) -- each point is in half of the drafts
end

function TestTrials.test_another_text_is_worked_in()
  local new = ask [[
Improve the first of two texts by what the other has better.
<VARIABLE>Answer the question. State the number in digits.</VARIABLE>
<OTHER_TEXT>Answer. List every item of the question one by one before you count.</OTHER_TEXT>
Write the new variable between <NEW_VARIABLE> and </NEW_VARIABLE>.]]
  lu.assertStrContains(new, "State the number in digits.")
  lu.assertTrue(new:find "one by one" ~= nil or new:find "on each line" ~= nil, new)
end

function TestTrials.test_versions_without_an_old_text()
  local new = ask(([[
Write a new variable, better than those that there are.
The new variable has the role "system prompt".
<CASE><INPUT>%s</INPUT><EXPECTED>4</EXPECTED></CASE>
<VERSION>Answer me.</VERSION>
<VERSION>Reply. List every item of the question one by one before you count.</VERSION>
Write it between <NEW_VARIABLE> and </NEW_VARIABLE>.]]):format(QUESTION))
  lu.assertStrContains(new, "Reply. ")
  lu.assertNotStrContains(new, "system prompt")
end

function TestTrials.test_fewer_words()
  local long = "Answer the question. Read the question carefully. Take your time and be attentive. "
    .. "List every item of the question one by one before you count."
  local function shorter(most)
    return ask(([[
Rewrite this so that it says the same in fewer words.
<VARIABLE>%s</VARIABLE>
It has at most %d words.
Write the new variable between <NEW_VARIABLE> and </NEW_VARIABLE>.]]):format(long, most))
  end
  lu.assertEquals(shorter(15), "Answer the question. Read the question carefully. List every item.")
  lu.assertEquals(shorter(8), "Answer the question. List every item.")
end

function TestTrials.test_each_of_several_texts()
  local _, reply = ask(([[
Improve these texts by what came of them.
<VARIABLE_A>Plan it.</VARIABLE_A>
<VARIABLE_B>Answer the question.</VARIABLE_B>
<CASE><INPUT>%s</INPUT><OUTPUT>You have two fruits.</OUTPUT></CASE>
Write the new variables in this form:
<NEW_VARIABLE_A>
the new plan
</NEW_VARIABLE_A>
<NEW_VARIABLE_B>
the new prompt
</NEW_VARIABLE_B>]]):format(QUESTION))
  lu.assertStrMatches(reply,
    "<NEW_VARIABLE_A>\nPlan it%..+</NEW_VARIABLE_A>\n<NEW_VARIABLE_B>\nAnswer.+</NEW_VARIABLE_B>")
end

-- What has a critic's words to go by is edited by these, as before.
function TestTrials.test_conversations_with_feedback_are_no_cases()
  local new = ask(([[
Improve the variable.
<VARIABLE>Answer the question.</VARIABLE>
<CONTEXT>
<FEEDBACK>The prompt should say that the number is written in digits.</FEEDBACK>
<CONVERSATION><USER>%s</USER><OUTPUT>You have one fruit.</OUTPUT></CONVERSATION>
</CONTEXT>
Write the improved variable between <NEW_VARIABLE> and </NEW_VARIABLE>.]]):format(QUESTION))
  lu.assertTrue(new:find "digit" ~= nil or new:find "numeral" ~= nil, new)
  lu.assertNotStrContains(new, "List")
end

os.exit(lu.LuaUnit.run())
