-- test_repl.lua - the prompt: what is shown, errors, the conversation, Ctrl-C, history
--
-- The first part tests the modules, the second pipes lines into the built command, the third types
-- on a terminal that util-linux's `script` makes, and skips where there is none.

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lu = require "luaunit"
local helper = require "helper"
local command = require "command"
local history = require "lunagrad.cli.history"
local inspect = require "lunagrad.cli.inspect"
local lg = require "lunagrad"
local voice = require "lunagrad.cli.voice"

-- ---- values ---------------------------------------------------------------------------

TestInspect = {}

function TestInspect.test_tables_are_shown_with_what_is_in_them()
  local function is(value, text) lu.assertEquals(inspect.text(value), text) end
  is({}, "{}")
  is({ 1, "b\n", true }, '{ 1, "b\\n", true }')
  local hole = { 1, "b", nil, true } -- which length it has is Lua's to say
  is(hole, #hole == 4 and '{ 1, "b", nil, true }' or '{ 1, "b", [4] = true }')
  is({ 1, z = 2, a = { b = "x\"" }, [0] = "n" }, '{ 1, [0] = "n", a = { b = "x\\"" }, z = 2 }')
  is(lg.json.decode '{"a": [1, null, []]}', "{ a = { 1, null, {} } }")
  is({ { { { 1 } } } }, "{ { { {…} } } }")
  is({ ("x"):rep(300) }, '{\n  "' .. ("x"):rep(200) .. '"… (300 bytes)\n}')
  local t = {}
  t.t = t
  is(t, "{ t = {…} }")
  is({ lg.var "text", lg.var("q", "r") .. "a" }, '{ "text", <r and text: pending> }')
  lu.assertStrContains(inspect.text(lg.task.object_counting.generate(80, 1)), "…")
end

function TestInspect.test_what_print_shows_is_left_to_it()
  for _, value in ipairs { 1, "x", true, print, lg.var "v",
    setmetatable({}, { __tostring = error }) } do
    lu.assertNil(inspect.text(value))
  end
  lu.assertNil(inspect.text(nil))
end

-- ---- answers that are heard -------------------------------------------------------------

TestVoice = {}

local function new_voice()
  local said = {}
  local function add(text) said[#said + 1] = text end
  return voice.new(add, function(text) add("[" .. text .. "]") end), said
end

function TestVoice.test_what_came_before_it_speaks_is_said_then()
  local v, said = new_voice()
  v:hear("a", false)
  v:hear("b", false)
  lu.assertEquals(said, {})
  lu.assertEquals(v:tell_all(lg.var "ab"), "ab")
  lu.assertEquals(said, { "ab", "\n" })
end

function TestVoice.test_another_attempt_begins_in_a_line_of_its_own()
  local v, said = new_voice()
  v.speaking = true
  v:hear("one t", false)
  v:hear("one", true)
  v:hear(" two\n", false)
  v:tell_all(lg.var "one two\n")
  lu.assertEquals(table.concat(said),
    "one t\n[the answer broke off; it begins anew:]one two\n")
end

function TestVoice.test_what_nobody_saw_needs_no_word()
  local v, said = new_voice()
  v:hear("wro", false)
  v:hear("right", true)
  v:tell_all(lg.var "right")
  lu.assertEquals(table.concat(said), "right\n")
end

function TestVoice.test_what_was_not_streamed_is_said_whole()
  local v, said = new_voice()
  v:tell_all(lg.var "whole")
  lu.assertEquals(table.concat(said), "whole\n")
end

function TestVoice.test_a_failure_ends_the_line()
  local v, said = new_voice()
  v:hear("half", false)
  local bad = lg.tool { name = "bad", run = function() error("no", 0) end } "x"
  helper.fails("tool", "no", v.tell_all, v, bad)
  lu.assertEquals(table.concat(said), "half\n")
end

-- ---- history ----------------------------------------------------------------------------

TestHistory = {}

function TestHistory:tearDown() command.remove_files() end

local function mode(path)
  return ("%o"):format(require("lunagrad.file").stat(path).mode)
end

function TestHistory.test_it_is_for_the_user_alone_and_comes_back()
  local path = command.temp() .. ".d/history"
  local h = assert(history.open(path))
  lu.assertEquals(mode(path), "600")
  lu.assertTrue(h:add "1 + 1")
  lu.assertFalse(h:add "1 + 1")
  lu.assertFalse(h:add " hidden")
  lu.assertTrue(h:add 'print "a\\n"\nprint "b"')
  os.execute("chmod 644 " .. path)
  h = history.open(path)
  lu.assertEquals(h.entries, { "1 + 1", 'print "a\\n"\nprint "b"' })
  lu.assertEquals(mode(path), "600")
  os.execute("rm -r " .. path:match "^(.*)/")
end

function TestHistory.test_keys_are_not_kept()
  local path = command.temp()
  local h = history.open(path)
  for _, text in ipairs { 'lg.model{ "openai/x", api_key = "abc" }', "k = 'sk-proj-abc'",
    "OPENAI_API_KEY = 1", 'x = "gsk_abcdef"', 'h = { ["X-Api-Key"] = "a" }', "Bearer abc",
    'y = "0123456789abcdef0123456789abcdef"', 'z = "AIzaSyabc"' } do
    lu.assertTrue(h:add(text), text) -- for the arrow keys of this session
  end
  h:add "? What is a monkey?"
  lu.assertEquals(command.read(path), "? What is a monkey?\n")
end

function TestHistory.test_only_the_last_thousand_are_read()
  local rows = {}
  for i = 1, 1200 do rows[i] = "x = " .. i end
  local h = history.open(command.write(table.concat(rows, "\n") .. "\n"))
  lu.assertEquals({ #h.entries, h.entries[1], h.entries[1000] }, { 1000, "x = 201", "x = 1200" })
end

function TestHistory.test_no_place_is_no_reason_to_stop()
  local h, problem = history.open "/dev/null/history"
  lu.assertStrContains(problem, "/dev/null")
  lu.assertTrue(h:add "x = 1")
end

-- ---- lines from a pipe --------------------------------------------------------------------

TestPiped = {}

function TestPiped:tearDown() command.remove_files() end

local function piped(text, ...)
  local words = { "repl" }
  table.move({ ... }, 1, select("#", ...), 2, words)
  return command.shell(("env -u OPENAI_API_KEY -u OPENAI_BASE_URL timeout 30 %s <%s")
    :format(command.line(table.unpack(words)), command.write(text)))
end

local function prints(text, wanted, ...)
  local got = piped(text, ...)
  lu.assertEquals({ got.out, got.err, got.code }, { wanted, "", 0 })
end

function TestPiped.test_values_and_globals()
  prints("1 + 1\n_ * 21\nx = 5\nx, nil\n\nnil\nlocal y = 1\ny\nprint()\n(function() end)()\n",
    "2\n42\n5\tnil\nnil\nnil\n\n")
  prints("{ a = 1 }\nlg.var 'text'\nlg.is_var(_)\n", "{ a = 1 }\ntext\ntrue\n")
end

function TestPiped.test_what_is_not_whole_goes_on()
  prints("for i = 1, 2 do\nprint(i)\n\nend\nmath.max(1,\n2)\nx = [[\na\n]]\nreturn x\n",
    "1\n2\n2\na\n\n")
  prints("f = function()\n  return 'last'\nend\nf()", "last\n") -- no line end
  local got = piped("print(1)\nfor i = 1, 2 do\n")
  lu.assertEquals({ got.code, got.out }, { 1, "1\n" })
  lu.assertStrContains(got.err, "error: 'end' expected near <eof>")
end

function TestPiped.test_errors_are_one_line_and_it_goes_on()
  local got = piped("nothing.x\nlg.mdel\nx = = 1\n:modle\n:load nope.lua\nerror { 1 }\n"
    .. "print 'on'\n")
  lu.assertEquals({ got.code, got.out }, { 1, "on\n" })
  local lines = {}
  for line in got.err:gmatch "[^\n]+" do lines[#lines + 1] = line end
  lu.assertEquals(lines, {
    "error: attempt to index a nil value (global 'nothing')",
    'error: lg has no "mdel" (did you mean "model"?)',
    "error: unexpected symbol near '='",
    "error: there is no command :modle (did you mean :model?)",
    "error: cannot read the script nope.lua: No such file or directory",
    "error: [1]" })
end

function TestPiped.test_questions_and_what_they_cost()
  local got = piped("? I have two apples and a pear. How many fruits?\n_:usage().output > 0\n"
    .. "?? Are you sure?\n'a' .. lg.stats().calls\n:again\n'b' .. lg.stats().calls\n:cost\n?\n")
  for _, wanted in ipairs { "\ntrue\n", "\na2\n", "\nb3\ncalls   3 bought\n" } do
    lu.assertStrContains(got.out, wanted)
  end
  lu.assertEquals(got.code, 1)
  lu.assertStrContains(got.err, "error: ask what?")
  lu.assertStrContains(got.err, "calls   3 bought")
  lu.assertStrContains(got.err, "lunagrad repl -m openai/gpt-4o-mini")
end

function TestPiped.test_the_conversation_goes_on_with_two_marks()
  local got = command.with_mock({}, [[
    printf '? I have a cat. How many animals?\n?? And a dog?\n? And now?\n' |
      LUNAGRAD_RUN_MODEL=openai/m $LG repl --display none]])
  lu.assertEquals(got.code, 0, got.err)
  local sent = {}
  for i, row in ipairs(got.journal) do sent[i] = #lg.json.decode(row.body).messages end
  lu.assertEquals(sent, { 1, 3, 1 })
  lu.assertFalse(got.journal[1].stream) -- nobody watches
end

function TestPiped.test_models_and_other_options()
  prints(":model judge=sim/noise=0.1\n:model\nlg.args.seed, lg.args.x, arg[1]\n",
    "model      sim/m\nbackward   sim/b\noptimizer  sim/b\njudge      sim/noise=0.1\n7\t2\tx=2\n",
    "-m", "sim/m", "-m", "backward=sim/b", "--seed", "7", "x=2")
  local got = piped("? a\n? b\n", "--max-calls", "1", "--no-store")
  lu.assertEquals(got.code, 1)
  lu.assertStrContains(got.err, "max_calls")
  got = piped("1\n", "--json")
  lu.assertEquals({ got.code, got.out }, { 2, "" })
  lu.assertStrContains(got.err, "repl has no --json")
  got = piped("1\n", "a.lua")
  lu.assertEquals(got.code, 2)
  lu.assertStrContains(got.err, "lunagrad run a.lua")
  got = piped("1\n", "-m", "nope/x")
  lu.assertEquals({ got.code, got.out }, { 3, "" })
end

function TestPiped.test_a_named_session_is_kept_and_others_are_not()
  local got = command.shell(([[
    printf '? one\n' | %s; ls $LUNAGRAD_HOME 2>&1; printf '? one\n' | %s; printf '? one\n:cost\n' | %s
    %s]]):format(command.line("repl"), command.line("repl", "--run", "mine"),
    command.line("repl", "--run", "mine"), command.line("runs")))
  lu.assertStrContains(got.out, "No such file")
  lu.assertStrContains(got.out, "mine")
end

function TestPiped.test_files_are_loaded_and_what_they_define_stays()
  local path = command.write("function twice(x) return 2 * x end\nlocal y = nothing.z\n", ".lua")
  local got = piped((":load %s\ntwice(4)\nos.exit(5)\nprint 'no'\n"):format(path))
  lu.assertEquals({ got.code, got.out }, { 5, "8\n" })
  lu.assertStrContains(got.err, path .. ":2: attempt to index")
end

-- ---- on a terminal ------------------------------------------------------------------------

TestTyped = {}

-- In a bare root no terminal can be made as long as /dev/pts is not mounted.
local typing = os.execute [[command -v script mkfifo >/dev/null 2>&1 &&
  timeout 10 script -qec true /dev/null </dev/null >/dev/null 2>&1]]

function TestTyped:setUp()
  if not typing then lu.skip "script(1) makes no terminal here" end
end

function TestTyped:tearDown() command.remove_files() end

-- `steps` is a shell's: see WORDS waits until the terminal has shown them, heard WORDS N until it
-- has shown N bytes below the line that has them, ready until a prompt is last; keys types, as
-- printf does. The terminal's text is `out`.
local function terminal(steps, options)
  local log, fifo = command.temp(), command.temp ".fifo"
  local inputrc = command.write "set enable-bracketed-paste off\n"
  return ([[
    unset NO_COLOR CI; export TERM=xterm LC_ALL=C.UTF-8 LOG=%s INPUTRC=%s; mkfifo %s
    see() { n=0; until grep -q -- "$1" $LOG; do
      n=$((n + 1)); [ $n -lt 500 ] || { echo "not seen: $1" >&2; break; }; sleep 0.02; done; }
    ready() { n=0; until [ "$(tail -c 2 $LOG)" = '> ' ]; do
      n=$((n + 1)); [ $n -lt 500 ] || { echo "no prompt" >&2; break; }; sleep 0.02; done; }
    below() { sed "1,/$1/d" $LOG | tr -d '\r\n'; }
    heard() { n=0; until [ $(below "$1" | wc -c) -ge $2 ]; do
      n=$((n + 1)); [ $n -lt 400 ] || { echo "not heard: $2" >&2; break; }; sleep 0.02; done; }
    keys() { printf "$1" >&3; }
    timeout 40 script -qfec "stty cols 300; exec $LG repl %s" $LOG <%s >/dev/null 2>&1 & term=$!
    exec 3>%s
    see '> '; %s
    wait $term; code=$?; exec 3>&-; cat $LOG; exit $code]])
    :format(log, inputrc, fifo, options or "", fifo, fifo, steps)
end

local function typed(steps, options)
  return command.shell("LG=" .. command.quote(command.path) .. "\n" .. terminal(steps, options))
end

function TestTyped.test_values_questions_and_leaving()
  local got = typed([[
    keys '20 + 22\n'; see '^42'
    keys 'for i = 7, 8 do\n'; see '>> '; keys 'print(i)\nend\n'; see '^8'
    keys '? I have two apples and a p\303\244r. How many fruits do I have?\n'; see 'fruit[s.]'
    keys '\033[A\033[A\033[A\n'; keys 'lg.mdel\n'; see 'did you mean'
    keys '\004']])
  lu.assertEquals({ got.code, got.err }, { 0, "" }, got.out)
  lu.assertStrContains(got.out, "lunagrad " .. lg.VERSION)
  lu.assertStrContains(got.out, 'error: lg has no "mdel" (did you mean "model"?)\r\n')
  lu.assertStrContains(got.out, "calls   1 bought")
end

function TestTyped.test_tab_completes_and_shows_what_there_is()
  local got = typed([[
    keys 'lg.json.enc\t{ 1 }\n'; see '^.1.'
    keys 'v = lg.var "some text"\nv:tex\t()\n'; see '^some text'
    keys 'lg.loss.\t\t'; see 'critic  *exact'; keys '\003'; ready
    keys 'x = { apple_pie = 5 }\nx.a\t + 1\n'; see '^6'
    keys 'io.open("READ\t"):read(1)\n'; see '^#'
    keys ':str\t\n'; see 'stream is on'
    keys ' error("in a task") \t\n'; see 'in a task'
    keys 'no.such.\t\t\003'; ready; keys '6 * 7\n'; see '^42'
    keys '\004']])
  lu.assertEquals({ got.code, got.err }, { 0, "" }, got.out)
end

function TestTyped.test_help_shows_what_the_command_shows()
  local wanted = command.run("help", "lg.sleep").out:gsub("\n", "\r\n")
  for _, line in ipairs { ":help lg.sleep", "help(lg.sleep)", 'help "lg.sleep"' } do
    local got = typed(("keys '%s\\n'; see 'or more'; ready; keys '\\004'"):format(line))
    lu.assertEquals({ got.code, got.err }, { 0, "" }, got.out)
    lu.assertStrContains(got.out, wanted)
  end
end

function TestTyped.test_interrupts()
  local got = typed([[
    keys '\003'; see 'leaves)'
    keys 'print "go" while true do end\n'; see '^go'; keys '\003'; see '^interrupted'
    keys 'print "on" while true do pcall(function() while true do end end) end\n'; see '^on'
    keys '\003'; ready; keys '6 * 7\n'; see '^42'
    keys 'x = 1 +\n'; see '>> '; keys '\003'; see '>> ^C'; ready; keys '40 + 3\n'; see '^43'
    keys ':quit\n']], "--display none")
  lu.assertEquals({ got.code, got.err }, { 0, "" }, got.out)
  lu.assertEquals(select(2, got.out:gsub("\ninterrupted", "")), 2, got.out)
end

function TestTyped.test_the_plain_prompt()
  local got = typed([[
    keys '6 * 7\n'; see '^42'; keys 'half'; see '> half'; keys '\003'; see 'half^C'; ready
    keys '\003'; see 'leaves)'; ready; keys '1 - 2\n'; see '^-1'; keys '\004']], "--display none")
  local plain = command.shell("LG='env TERM=dumb " .. command.path .. "'\n" .. terminal([[
    keys '6 * 7\n'; see '^42'; keys '\003'; see 'leaves)'; keys '1 - 2\n'; see '^-1'
    keys '\004']], "--display none"))
  lu.assertEquals({ got.code, got.err, plain.code, plain.err }, { 0, "", 0, "" })
  lu.assertNotStrContains(plain.out, "\27")
end

function TestTyped.test_a_terminal_is_not_told_what_to_do()
  local got = typed([[
    keys '"a\\27[2Jb\\7" .. "c"\n'; see '^a.2Jbc'; keys '\004']])
  lu.assertStrContains(got.out, "\na[2Jbc\r\n")
end

local function asked(steps, mock, options)
  return command.with_mock(mock, terminal(steps, "-m openai/m --display plain " .. (options or "")))
end

local QUESTION = "I have two apples, three plums, a pear and a pig. How many fruits do I have?"

-- What is seen in the middle is not all, and the end is.
function TestTyped.test_answers_are_shown_while_they_come()
  for _, line in ipairs { "? " .. QUESTION, 'lg.model()\\"' .. QUESTION .. '\\"' } do
    local got = asked(([[
      line="%s"; keys "$line\n"; heard 'do I have' 4; below 'do I have' >&2
      see '\.$\|\.\r'; keys '_:finish_reason()\n'; see '^stop'
      keys '\004']]):format(line), { "--pace", "10", "--split", "40" })
    lu.assertEquals(got.code, 0, got.out)
    lu.assertTrue(#got.err >= 4 and #got.err < 40, "all at once: " .. got.err)
    lu.assertStrContains(got.out, got.err)
    lu.assertTrue(got.journal[1].stream)
    lu.assertEquals(#got.journal, 1)
  end
end

function TestTyped.test_streaming_can_be_turned_off()
  local got = asked([[
    keys ':stream\n'; see 'stream is on'; keys ':stream off\n'; ready
    keys '? I have a cat. How many animals?\n'; heard 'How many a' 10; ready
    keys 'lg.model() "I have a dog. How many pets?"\n'; heard 'How many p' 10; ready
    keys ':quit\n']], {})
  lu.assertEquals(got.code, 0, got.err)
  lu.assertEquals({ #got.journal, got.journal[1].stream, got.journal[2].stream },
    { 2, false, false })
end

function TestTyped.test_an_answer_that_breaks_off()
  local got = asked(([[
    keys '? %s\n'; see 'error: '; keys 'type(_)\n'; see '^nil'
    keys '\004']]):format(QUESTION), { "--fault", "reset-body=100%", "--pace", "5" }, "--retries 1")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out, "\n-- the answer broke off; it begins anew:\r\n")
  lu.assertStrContains(got.out, "\nerror: answer (node ")
end

function TestTyped.test_an_answer_that_is_cancelled()
  local got = asked(([[
    keys '? %s\n'; heard 'do I have' 4; keys '\003'; see '^interrupted'
    keys '6 * 7\n'; see '^42'; keys '? I have a cat. How many animals?\n'; heard 'How many a' 5
    see '\.$\|\.\r'; keys ':quit\n']]):format(QUESTION), { "--pace", "10", "--split", "40" })
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out, "calls   1 bought, 1 ambiguous")
  lu.assertEquals(#got.journal, 2)
end

-- Whoever thinks for long at the prompt loses no call that is under way.
function TestTyped.test_calls_go_on_while_nothing_is_typed()
  local got = asked([[
    keys 'm = lg.model() a = m "I have a cat. How many animals?"\n'
    keys 'b = m "I have a dog and a cow. How many animals?" lg.spawn(function() b:text() end)\n'
    keys '#a:text() > 0\n'; see '^true'; sleep 1.5
    keys '#b:text() > 1\n'; see '^true'; keys ':quit\n']],
    { "--latency", "300" }, "--timeout 1 --retries 0")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out, "calls   2 bought\r\n")
end

function TestTyped.test_a_wish_to_end()
  for _, delay in ipairs { "0", "0.3" } do -- while it runs, and at the prompt
    local got = typed(([[
      keys 'x = os.execute "p=$PPID; (sleep %s; kill -TERM $p) &" for i = 1, 1e7 do end\n']])
      :format(delay))
    lu.assertEquals({ got.code, got.err }, { 130, "" })
  end
end

function TestPiped.test_a_signal_ends_it()
  local got = command.shell(([[
    %s <%s 2>$LUNAGRAD_HOME.err & n=0
    until grep -q on $LUNAGRAD_HOME.err || [ $n -gt 200 ]; do n=$((n + 1)); sleep 0.02; done
    kill -INT $!; wait $!; code=$?; cat $LUNAGRAD_HOME.err >&2; rm $LUNAGRAD_HOME.err; exit $code]])
    :format(command.line("repl"),
      command.write '? one\nio.stderr:write "on" while true do end\nprint "no"\n'))
  lu.assertEquals(got.code, 130, got.err)
  lu.assertNotStrContains(got.out, "no\n")
  lu.assertStrContains(got.err, "calls   1 bought")
end

function TestPiped.test_a_dry_run_estimates()
  local got = piped("? one\n", "--dry-run", "-m", "openai/gpt-4o-mini")
  lu.assertEquals(got.code, 0)
  lu.assertStrContains(got.err, "estimate: $0.0")
end

os.exit(lu.LuaUnit.run())
