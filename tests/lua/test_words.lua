-- test_words.lua - words that look like options and are none: refused by every verb before anything
-- is done

require "helper"
local lu = require "luaunit"
local command = require "command"

TestWords = {}

function TestWords:tearDown() command.remove_files() end

local function refused(said, ...)
  local got = command.run(...)
  lu.assertEquals(got.code, 2, table.concat({ ... }, " ") .. "\n" .. got.out)
  lu.assertStrContains(got.err, said)
  lu.assertEquals(got.out, "")
end

function TestWords:test_every_verb_refuses_its_own_options_as_words()
  refused("--threshold 0.9", "eval", "Answer.", "--data", "d.jsonl", "threshold=0.9")
  refused("--data d.jsonl", "eval", "Answer.", "data=d.jsonl")
  refused("--max-calls 1", "eval", "Answer.", "--data", "d.jsonl", "max_calls=1")
  refused("--html x", "compare", "a", "b", "html=x")
  refused("--md", "report", "a", "md")
  refused("-o x.html", "report", "a", "o=x.html")
  refused("--port 8080", "view", "port=8080")
  refused("--example game", "init", "d", "example=game")
  refused("--format csv", "export", "a", "format=csv")
  refused("--format csv", "export", "a", "csv")
  refused("--all", "show", "a", "all")
  refused("--limit 3", "runs", "limit=3")
  refused("--older-than 3", "cache", "prune", "older_than=3")
  refused("--latency 5", "mock", "latency=5")
  refused("--max-calls 1", "repl", "max_calls=1")
end

-- lg.model in the text is the library's, and reads no argument of this name.
function TestWords:test_a_model_that_is_a_word()
  local script = command.write('local lg = require "lunagrad"\nprint(lg.model() "hi")\n', ".lua")
  refused("--model openai/x", "run", script, "model=openai/x")
  script = command.write('local lg = require "lunagrad"\nprint(lg.args.model)\n', ".lua")
  lu.assertEquals(command.run("run", script, "model=x", "--no-store").out, "x\n")
end

function TestWords:test_behind_two_dashes_a_word_is_what_it_says()
  local got = command.run("show", "--", "all")
  lu.assertStrContains(got.err, "no store")
end

function TestWords:test_a_field_that_is_not_there_is_said_before_anything_is_bought()
  local data = command.write('{"question":"I have a pear. How many fruits?","answer":"1"}\n',
    ".jsonl")
  for _, option in ipairs { "--answer", "--input" } do
    local got = command.run("eval", "Answer.", "--data", data, option, "answr")
    lu.assertNotEquals(got.code, 0)
    lu.assertStrContains(got.err, "answer")
    lu.assertNotStrContains(got.err, "bought")
  end
end

function TestWords:test_an_example_that_wants_more_says_so()
  local dir = command.temp ".d"
  lu.assertStrContains(command.run("init", dir, "--example", "picture").out, "it wants")
  lu.assertStrContains(command.run("init", "--list").out, "wants")
  os.execute("rm -r " .. dir)
end

os.exit(lu.LuaUnit.run())
