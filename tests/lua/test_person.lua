-- test_person.lua - a loss that a person gives: by a function of the host, or at a terminal

local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local lg = require "lunagrad"

-- A person of a function who answers from a list (the last again and again).
local function somebody(answers, more)
  local spec, asked = more or {}, {}
  function spec.ask(question)
    asked[#asked + 1] = question
    return table.unpack(answers[math.min(#asked, #answers)], 1, 2)
  end
  return lg.loss.person(spec), asked
end

local function nobody()
  return lg.model(function() error "no model should be asked" end)
end

local function texts_of(v)
  local list = {}
  for _, record in ipairs(v:feedback()) do
    if record.state == "text" then list[#list + 1] = record.text end
  end
  return list
end

TestAsk = {}

function TestAsk.test_what_is_asked()
  local person, asked = somebody({ { nil, "hm" } }, { "Is it right?", target = 5 })
  person("12", { question = "5 + 7?", source = 3 }):text()
  local q = asked[1]
  lu.assertEquals({ q.instruction, q.output, q.target, q.choices }, { "Is it right?", "12", 5 })
  lu.assertEquals(q.fields, { question = "5 + 7?", source = "3" })
end

function TestAsk.test_words_are_the_feedback_and_no_model_is_asked()
  local person = somebody { { nil, " shorter, please " } }
  local answer, question = lg.param("a long answer", "answer"), lg.param("Why?", "question")
  local v = person(answer, { question = question })
  lu.assertEquals({ v:text(), v.score }, { "shorter, please" })
  v:backward { model = nobody() }
  lu.assertEquals({ texts_of(answer), texts_of(question) },
    { { "shorter, please" }, { "shorter, please" } })
end

function TestAsk.test_nothing_said_is_fine()
  local answer = lg.param("an answer", "answer")
  local person = somebody({ { nil, " " } }, { target = 3 })
  local v = person(answer)
  lu.assertEquals({ v:text(), v.score, v.target }, { "fine", 3, 3 })
  v:backward { model = nobody() }
  lu.assertEquals(texts_of(answer), {})
end

function TestAsk.test_scores()
  local person = somebody({ { 2, "warmer" }, { 5 }, { 4 }, { true } }, { target = 5 })
  local answer = lg.param("1", "answer")
  person(answer):backward { model = nobody() }
  local record = answer:feedback()[1]
  lu.assertEquals({ record.score, record.target }, { 2, 5 })
  lu.assertStrContains(record.text, "warmer\nA person scored this 2; the target is 5")
  lu.assertEquals(person "2".score, 5)
  local v = person(lg.param("3", "answer"))
  lu.assertEquals({ v:text(), v.score }, { "4", 4 })
  local bare = lg.param("5", "answer")
  somebody { { 0.5 } }(bare):backward { model = nobody() }
  lu.assertEquals(#texts_of(bare), 1)
  lu.assertStrContains(texts_of(bare)[1], "scored this 0.5; the target is 1")
end

function TestAsk.test_choices()
  local choices = { { "good", 1 }, { "so-so", 0.5 }, "too long" }
  local person, asked = somebody({ { "Good" }, { "so-so", "dull" }, { "too long" },
    { nil, "words of my own" }, { "awful" }, { "awful", "and more" } }, { choices = choices })
  lu.assertEquals({ person "1":text(), person "1".score }, { "good", 1 })
  lu.assertEquals({ person "2":text(), person "2".score }, { "so-so: dull", 0.5 })
  lu.assertEquals({ person "3":text(), person "3".score }, { "too long" })
  lu.assertEquals(person "4":text(), "words of my own")
  lu.assertEquals(person "5":text(), "awful") -- words
  local v = person "6"
  helper.fails("badreply", "no choice", v.text, v)
  lu.assertEquals(asked[1].choices, { "good", "so-so", "too long" })
end

function TestAsk.test_nobody_is_asked_the_same_twice()
  local person, asked = somebody { { 0.5, "hm" } }
  local all = lg.map({ "a", "b", "a", "a" }, function(text) return person(text):text() end)
  lu.assertEquals(all, { "hm", "hm", "hm", "hm" })
  lu.assertEquals(#asked, 2)
  person("a", { question = "q" }):text()
  lu.assertEquals(#asked, 3)
end

function TestAsk.test_the_answer_may_wait_come_later_or_be_a_variable()
  local slow = lg.loss.person { ask = function()
    lg.sleep(0.01)
    return 0.5, (lg.model(function() return "by a model" end)("?"):text())
  end }
  lu.assertEquals(slow "x":text(), "by a model")
  local held
  local later = lg.loss.person { ask = function(question)
    held = question
    return question:later()
  end }
  local v = later "x"
  local task = lg.spawn(function()
    while not held do lg.sleep(0.01) end
    held:reply(0.25, "done")
    helper.fails("state", "has been answered", held.reply, held, 1)
  end)
  lu.assertEquals({ v:text(), v.score }, { "done", 0.25 })
  task:await()
  local judge = lg.loss.score(function() return 0.75, "as the function says" end)
  local by_variable = lg.loss.person { ask = function(q) return judge(q.output) end }
  local w = by_variable "x"
  lu.assertEquals({ w:text(), w.score }, { "0.75: as the function says", 0.75 })
end

function TestAsk.test_answers_of_no_use()
  for _, bad in ipairs { {}, { 1, 2 }, { {} } } do
    local v = somebody { bad } "x"
    lu.assertFalse((pcall(v.text, v)))
  end
  local once = true
  local person = lg.loss.person { ask = function()
    if once then
      once = false
      error "gone"
    end
    return nil, "back again"
  end }
  local v = person "x"
  helper.fails("tool", "gone", v.text, v)
  lu.assertEquals(person "x":text(), "back again") -- what failed is asked anew
end

function TestAsk.test_a_picture_is_given_as_it_is()
  local person, asked = somebody { { nil, "brighter" } }
  person(lg.image { bytes = "\x89PNG\r\n\x1a\n....", role = "picture" }):text()
  lu.assertEquals(asked[1].output.media, "image/png")
end

function TestAsk.test_misuse()
  helper.fails("inval", { field = "aks" }, lg.loss.person, { aks = print })
  helper.fails("inval", nil, lg.loss.person, 5)
  helper.fails("inval", { field = "choices" }, lg.loss.person, { choices = {} })
  helper.fails("inval", { field = "choices" }, lg.loss.person, { choices = { { 1, "good" } } })
  helper.fails("inval", "nothing to judge", (somebody { { 1 } }))
  helper.fails("inval", "no name", (somebody { { 1 } }), "x", { ["a b"] = 1 })
end

-- ---- the command ---------------------------------------------------------------------

TestCommand = {}

function TestCommand:tearDown() command.remove_files() end

function TestCommand:test_a_run_that_goes_on_asks_nobody_again()
  local log = command.temp()
  local script = command.write(([[local lg = require "lunagrad"
    local person = lg.loss.person { "Is it right?", ask = function(q)
      io.open(%q, "a"):write(q.output, "\n"):close()
      return 0.5, "words on " .. q.output
    end }
    print(person("a"), person("b", { question = "q" }).score)]]):format(log), ".lua")
  local line = command.line("run", script, "--display", "none")
  local got = command.shell(line .. "; " .. line)
  lu.assertEquals(got.out, ("words on a\t0.5\n"):rep(2), got.err)
  lu.assertEquals(#command.read(log), 4)
end

function TestCommand:test_without_a_terminal_it_says_what_to_give()
  local script = command.write("print(require 'lunagrad'.loss.person 'Right?' 'x')", ".lua")
  local got = command.shell("echo yes | " .. command.line("run", script, "--no-store"))
  lu.assertEquals(got.code, 1)
  lu.assertStrContains(got.err, "no terminal to ask at")
  lu.assertStrContains(got.err, "ask = function(question)")
end

local has_terminal = os.execute [[command -v script mkfifo >/dev/null 2>&1 &&
  timeout 10 script -qec true /dev/null </dev/null >/dev/null 2>&1]]

-- What a terminal shows of a run. `steps` is a shell's: see WORDS N waits until N lines have had
-- the words, keys types as printf does.
local function on_terminal(code, steps)
  if not has_terminal then lu.skip "script(1) makes no terminal here" end
  local script = command.write("local lg = require 'lunagrad'\n" .. code, ".lua")
  local line = command.line("run", script, "--no-store")
  return command.shell(([[LOG=%s; FIFO=%s; export TERM=dumb; mkfifo $FIFO; : >$LOG
    see() { n=0; until [ $(grep -ac -- "$1" $LOG) -ge ${2:-1} ]; do
      n=$((n + 1)); [ $n -lt 500 ] || { echo "not seen: $1" >&2; break; }; sleep 0.02; done; }
    keys() { printf "$1" >&3; }
    timeout 40 script -qfec %s $LOG <$FIFO >/dev/null 2>&1 & term=$!
    exec 3>$FIFO
    %s
    wait $term; code=$?; exec 3>&-; tr -d '\r' <$LOG; exit $code]])
    :format(command.temp(), command.temp ".fifo", command.quote(line), steps))
end

function TestCommand:test_at_a_terminal_while_others_go_on()
  local got = on_terminal([[
    local person = lg.loss.person { "Is it right?", target = 5 }
    local ticks, over = 0, false
    local other = lg.spawn(function()
      while not over do lg.sleep(0.02) ticks = ticks + 1 end
    end)
    local v, w = person("\27[31m12", { question = "5 + 7?" }), person "13"
    print(v:text(), v.score, w:text(), w.score)
    over = true
    other:await()
    print("went on", ticks > 10)]], [[see 'none > ' 1; sleep 0.5; keys 'much\n2,5\n'
    see 'no words > '; keys 'show the work\n'
    see 'none > ' 3; keys '\n\n']])
  lu.assertEquals({ got.code, got.err }, { 0, "" }, got.out)
  local shown = got.out
  lu.assertStrContains(shown, "Is it right?\n[question]\n5 + 7?\n[answer]\n[31m12\n")
  lu.assertStrContains(shown, "that is no number")
  lu.assertStrContains(shown, "show the work\t2.5\tfine\t5")
  lu.assertStrContains(shown, "went on\ttrue")
end

function TestCommand:test_choices_at_a_terminal()
  local got = on_terminal([[
    local person = lg.loss.person { choices = { { "good", 1 }, "too long" } }
    local list = {}
    for i = 1, 4 do
      local v = person(tostring(i))
      list[i] = ("%s=%s"):format(v:text(), v.score)
    end
    print(table.concat(list, " | "))]],
    [[see 'fine > ' 1; keys '9\n1\n\n'; see 'fine > ' 3; keys 'too LONG\nby half\n'
    see 'fine > ' 4; keys '\n'; see 'fine > ' 5; keys 'of my own\n']])
  local shown = got.out
  lu.assertEquals({ got.code, got.err }, { 0, "" }, shown)
  lu.assertStrContains(shown, "  1  good\n  2  too long\n")
  lu.assertStrContains(shown, "there is no choice 9")
  lu.assertStrContains(shown, "good=1.0 | too long: by half=nil | fine=1.0 | of my own=nil")
end

function TestCommand:test_what_was_typed_before_a_question_is_no_answer_to_it()
  local got = on_terminal([[
    print "begun"
    lg.sleep(1)
    print("heard", lg.loss.person {} "x":text())]],
    [[see begun; keys '\n\n'; see 'fine > '; keys 'not so\n']])
  lu.assertStrContains(got.out, "heard\tnot so\n", got.out .. got.err)
end

function TestCommand:test_the_end_of_what_is_typed_is_no_answer()
  local got = on_terminal([[print(pcall(function() return lg.loss.person {} "x":text() end))]],
    [[see ' > '; keys '\004']])
  lu.assertStrContains(got.out, "no answer was given")
end

os.exit(lu.LuaUnit.run())
