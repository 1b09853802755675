-- test_sim_search.lua - sim writes queries, reads documents and criticises queries; scripts/rag.lua

require "helper"
local command = require "command"
local lu = require "luaunit"
local sim = require "lunagrad.world"

local function ask(user, system)
  local messages = { { role = "user", content = user } }
  if system then table.insert(messages, 1, { role = "system", content = system }) end
  return sim.reply { model = "sim/noise=0", messages = messages }.text
end

TestSearch = {}

local QUESTION = "Could you please tell me how tall the lighthouse of Karo is?"

function TestSearch.test_a_query_is_the_question_unless_told_otherwise()
  lu.assertEquals(ask(QUESTION, "Write a search query for the question."), QUESTION)
  lu.assertEquals(ask(QUESTION, "Write a search query. Write only the key words."),
    "tall lighthouse Karo")
  lu.assertEquals(ask("Who?", "Write a search query of key words."), "Who?")
end

local DOCS = "[1] id a\n<DOCUMENT>\nThe mill closed in 1978. It is a museum today.\n</DOCUMENT>\n\n"
  .. "[2] id b\n<DOCUMENT>\nThe lighthouse of Karo is 47 metres tall.\n</DOCUMENT>\n\n"

function TestSearch.test_answers_stand_in_the_documents()
  lu.assertEquals(ask(DOCS .. "Question: " .. QUESTION),
    "The lighthouse of Karo is 47 metres tall.")
  lu.assertEquals(ask(DOCS .. "When was the mill closed?"), "The mill closed in 1978.")
  lu.assertEquals(ask(DOCS .. "What do herrings eat in winter?"), "The documents do not say.")
  lu.assertEquals(ask "What do herrings eat in winter?", sim.CANNOT)
end

function TestSearch.test_feedback_on_queries_is_merged_as_such()
  local piece = "<FEEDBACK>The queries hold ordinary words. The prompt should tell the model to "
    .. "write only the key words, one by one.</FEEDBACK>\n"
  local merged = ask("Merge these pieces of feedback into one.\n" .. piece .. piece
    .. "<FEEDBACK>The model should list every item one by one.</FEEDBACK>",
    "You merge feedback.")
  lu.assertStrContains(merged, "2 of 3: the prompt for queries")
  lu.assertStrContains(merged, "1 of 3: tell the model")
end

local CRITIQUE = [[
Give feedback on a variable with the role "%s".
<CONVERSATION>
<QUERY>
%s
</QUERY>
<RESULT>
No document was found.
</RESULT>
</CONVERSATION>
<FEEDBACK>
The answer should hold "47", and does not.
</FEEDBACK>
<VARIABLE>
%s
</VARIABLE>
What should change in the %s, and why?]]

local function critique(role, text)
  return ask(CRITIQUE:format(role, text, text, role), "You are the critic. If nothing should "
    .. "change, reply with exactly: ALL IS WELL\n")
end

function TestSearch.test_criticism_of_queries()
  lu.assertStrContains(critique("search query", QUESTION), '"could", "you", "please"')
  lu.assertEquals(critique("search query", "lighthouse Karo"), "ALL IS WELL")
  lu.assertStrContains(critique("documents found", "The mill closed."), "The query should")
  local prompt = "system prompt that writes search queries"
  lu.assertStrContains(critique(prompt, "Write a search query."), "tell the model to")
  lu.assertEquals(critique(prompt, "Write a search query of key words."), "ALL IS WELL")
end

TestScript = {}

function TestScript.test_finds_more_after_than_before()
  local got = command.run("run", "scripts/rag.lua", "--display", "none")
  lu.assertEquals(got.code, 0, got.err)
  local before, after = got.out:match "found: (%d+) of 11\n.*found: (%d+) of 11\n"
  lu.assertTrue(tonumber(after) > tonumber(before), got.out)
end

function TestScript.test_again_with_its_store()
  local line = command.line("run", "scripts/rag.lua", "--display", "none")
  local got = command.shell(line .. "; " .. line)
  local half = got.out:sub(1, #got.out // 2)
  lu.assertEquals(got.out, half .. half)
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
