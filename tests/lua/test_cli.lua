-- test_cli.lua - the command: options, display, errors, exit codes, --json, interrupts
--
-- The first half tests the pure modules, the second runs the built command as a user does.

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local args = require "lunagrad.cli.args"
local command = require "command"
local display = require "lunagrad.cli.display"
local trouble = require "lunagrad.cli.trouble"

-- ---- args ---------------------------------------------------------------------------

TestArgs = {}

local SPEC = { name = "run", options = {
  { names = { "--seed" }, key = "seed", type = "integer", min = 0 },
  { names = { "--timeout" }, key = "timeout", type = "number", min = 0, max = 10 },
  { names = { "--model", "-m" }, key = "models", type = "word", list = true, what = "a model" },
  { names = { "--display" }, key = "display", type = "word", values = { "full", "plain" } },
  { names = { "-e" }, key = "code", type = "text" },
  { names = { "--json" }, key = "json", type = "flag" },
} }

local function parse(...) return args.parse(SPEC, { ... }, 1) end

local function usage_error(...)
  local ok, err = pcall(parse, ...)
  lu.assertFalse(ok)
  lu.assertTrue(args.is_usage(err), tostring(err))
  return tostring(err)
end

function TestArgs:test_values_lists_flags_and_the_rest()
  local got = parse("a.lua", "--seed", "7", "x=1", "-m", "p/a", "--model=q/b=c", "--json", "-e", "")
  lu.assertEquals(got.seed, 7)
  lu.assertEquals(got.models, { "p/a", "q/b=c" })
  lu.assertEquals(got.rest, { "a.lua", "x=1" })
  lu.assertTrue(got.json)
  lu.assertEquals(got.code, "")
end

function TestArgs:test_two_dashes_end_the_options()
  lu.assertEquals(parse("--", "--seed", "-x").rest, { "--seed", "-x" })
  lu.assertEquals(parse("-").rest, { "-" })
end

function TestArgs:test_unknown_options_are_suggested()
  lu.assertStrContains(usage_error("--sede", "1"), "did you mean --seed?")
  lu.assertStrContains(usage_error("--dispaly=full"), "did you mean --display?")
  lu.assertStrContains(usage_error("--zzzzzz"), "lunagrad help run")
end

function TestArgs:test_bad_values()
  lu.assertStrContains(usage_error("--seed", "x"), 'a whole number, at least 0, not "x"')
  lu.assertStrContains(usage_error("--seed", "1.5"), "whole number")
  lu.assertStrContains(usage_error("--seed", "-1"), "at least 0")
  lu.assertStrContains(usage_error("--timeout", "11"), "from 0 to 10")
  lu.assertStrContains(usage_error("--timeout", "nan"), "a number")
  lu.assertStrContains(usage_error("--seed"), "--seed needs a value")
  lu.assertStrContains(usage_error("-m", ""), "needs a value")
  lu.assertStrContains(usage_error("--json=1"), "takes no value")
  lu.assertStrContains(usage_error("--display", "ful"), "did you mean full?")
  lu.assertStrContains(usage_error("--display", "x"), "one of full, plain")
end

function TestArgs:test_suggest()
  lu.assertEquals(args.suggest("mokc", { "run", "mock" }), "mock")
  lu.assertEquals(args.suggest("optim", { "model", "optimizer" }), "optimizer")
  lu.assertNil(args.suggest("banana", { "run", "mock" }))
  lu.assertNil(args.suggest("x", {}))
end

-- ---- display ------------------------------------------------------------------------

TestDisplay = {}

-- A terminal of so many columns that understands what the display writes.
local function screen(columns)
  local out = { rows = { "" }, row = 1, col = 0, widest = 0, written = {}, columns = columns }
  local function put(char)
    local line = out.rows[out.row]
    local chars = {}
    for _, code in utf8.codes(line) do chars[#chars + 1] = utf8.char(code) end
    while #chars < out.col do chars[#chars + 1] = " " end
    chars[out.col + 1] = char
    out.rows[out.row] = table.concat(chars)
    out.col = out.col + 1
    out.widest = math.max(out.widest, out.col)
  end
  local function escape(count, letter)
    local n = tonumber(count) or 1
    if letter == "A" then
      out.row = out.row - n
    elseif letter == "K" then
      out.rows[out.row] = out.rows[out.row]:sub(1, (utf8.offset(out.rows[out.row],
        math.min(out.col, utf8.len(out.rows[out.row])) + 1) or 1) - 1)
    elseif letter == "J" then
      escape("", "K")
      for i = out.row + 1, #out.rows do out.rows[i] = nil end
    elseif letter ~= "m" then
      error("unknown escape " .. letter)
    end
  end
  function out:write(...)
    local text = table.concat({ ... })
    out.written[#out.written + 1] = text
    local i = 1
    while i <= #text do
      local count, letter, after = text:match("^\27%[(%d*)(%a)()", i)
      local char = text:match("^" .. utf8.charpattern, i)
      if count then
        escape(count, letter)
        i = after
      else
        if char == "\r" then
          out.col = 0
        elseif char == "\n" then
          out.row, out.col = out.row + 1, 0
          out.rows[out.row] = out.rows[out.row] or ""
        else
          put(char)
        end
        i = i + #char
      end
    end
  end
  function out:flush() return out end
  function out:text() return table.concat(out.rows, "\n") end
  return out
end

local function stats(fields)
  local all = { calls = 0, shared = 0, retries = 0, in_flight = 0, queued = 0, waiting = 0,
    host_running = 0, ambiguous = 0,
    usage = { { input = 12000, output = 300 }, { input = 500, output = 0 } } }
  for key, value in pairs(fields or {}) do all[key] = value end
  return function() return all end
end

local function make(mode, columns)
  local out, now = screen(columns or 80), { 0 }
  local shown = display.new({ mode = mode, stream = out, clock = function() return now[1] end,
    width = function() return columns or 80 end, colour = false, unicode = false })
  return shown, out, now
end

function TestDisplay:test_clean_takes_away_what_a_terminal_obeys()
  lu.assertEquals(display.clean("a\27[31mb\7\8c\0d\127\r"), "a[31mbcd")
  lu.assertEquals(display.clean("tab\tline\nend"), "tab\tline\nend")
  lu.assertEquals(display.clean("x\u{9b}31m\u{85}y"), "x31my")
  lu.assertEquals(display.clean("\u{202e}evil\u{2066}\u{200f}\u{61c}"), "evil")
  lu.assertEquals(display.clean("bad\x9b\xff!"), "bad??!")
  lu.assertEquals(display.clean("Grüße, 世界 🙂"), "Grüße, 世界 🙂")
  lu.assertEquals(display.clean_line("a\n\n b\t c"), "a b c")
end

function TestDisplay:test_fit_counts_columns()
  lu.assertEquals(display.fit("abcdef", 6), "abcdef")
  lu.assertEquals(display.fit("abcdefg", 6), "abcde~")
  lu.assertEquals(display.fit("世界世界", 6), "世界~")
  lu.assertEquals(display.fit("abc", 0), "")
end

function TestDisplay:test_numbers()
  lu.assertEquals(display.count(9999), "9999")
  lu.assertEquals(display.count(12345), "12.3k")
  lu.assertEquals(display.count(4500000), "4.5M")
  lu.assertEquals(display.duration(0.42), "0.4 s")
  lu.assertEquals(display.duration(59.4), "59 s")
  lu.assertEquals(display.duration(185), "3:05")
  lu.assertEquals(display.duration(3723), "1:02:03")
  lu.assertEquals(display.score(0.61, 0.38), "0.610 (+0.230)")
end

function TestDisplay:test_full_draws_a_block_and_clears_it()
  local shown, out, now = make("full")
  shown:event({ kind = "phase", name = "train step 3/12" })
  shown:event({ kind = "progress", done = 5, total = 10 })
  shown:event({ kind = "score", best = 0.9, seed = 0.3 })
  shown:tick(stats({ calls = 7, in_flight = 2, queued = 1 }))
  local text = out:text()
  lu.assertStrContains(text, "train step 3/12  ###############--------------- 5/10")
  lu.assertStrContains(text, "7 done  2 in flight  1 queued")
  lu.assertStrContains(text, "12.5k tokens in, 300 out  0.0 s  best 0.900 (+0.600)")
  lu.assertNotStrContains(text, "retr")
  now[1] = 1
  shown:tick(stats({ retries = 2 }))
  lu.assertStrContains(out:text(), "2 retries")
  lu.assertEquals(#out.rows, 3)
  now[1] = 2
  shown:tick(stats({ queued = 9, held = 9, held_seconds = 12.3, held_by = "rate" }))
  lu.assertStrContains(out:text(), "9 queued  waiting for rate limit 12 s")
  now[1] = 3
  shown:tick(stats({ queued = 9, held = 9, held_seconds = 100, held_by = "down" }))
  lu.assertStrContains(out:text(), "waiting for the server 1:40")
  now[1] = 4
  shown:tick(stats({ queued = 9, held = 9, held_seconds = 0.1, held_by = "rate" }))
  lu.assertNotStrContains(out:text(), "waiting")
  shown:finish()
  lu.assertEquals(out:text():gsub("%s", ""), "")
end

function TestDisplay:test_money_and_the_time_that_is_left()
  local shown, out, now = make("full")
  shown:event({ kind = "phase", name = "validate" })
  shown:event({ kind = "progress", done = 1, total = 10 })
  now[1] = 1 -- too early to say
  shown:tick(stats({ micros = 1500000, unpriced = 0 }))
  lu.assertStrContains(out:text(), "$1.5")
  lu.assertNotStrContains(out:text(), "left")
  now[1] = 10
  shown:event({ kind = "progress", done = 5, total = 10 })
  shown:tick(stats({ micros = 1500000, unpriced = 2 }))
  lu.assertStrContains(out:text(), "10 s, some 10 s left  at least $1.5")
  now[1] = 11 -- the same phase, begun again
  shown:event({ kind = "progress", done = 1, total = 10 })
  shown:tick(stats())
  lu.assertNotStrContains(out:text(), "left")
end

function TestDisplay:test_full_is_not_drawn_more_than_ten_times_a_second()
  local shown, out, now = make("full")
  for i = 1, 1000 do
    now[1] = i / 1000
    shown:tick(stats())
  end
  lu.assertTrue(#out.written <= 11 and #out.written >= 9, #out.written)
end

function TestDisplay:test_full_never_reaches_the_last_column()
  for _, columns in ipairs({ 10, 23, 40, 79 }) do
    local shown, out = make("full", columns)
    shown:event({ kind = "phase", name = ("a long phase name "):rep(8) })
    shown:event({ kind = "progress", done = 3, total = 7 })
    shown:event({ kind = "score", best = 1, seed = 0 })
    shown:tick(stats({ retries = 100 }))
    lu.assertTrue(out.widest < columns, ("%d of %d"):format(out.widest, columns))
  end
end

function TestDisplay:test_a_printed_line_stays_above_the_block()
  local shown, out, now = make("full")
  shown:event({ kind = "phase", name = "test" })
  shown:tick(stats())
  shown:event({ kind = "note", text = "kept\27[2J\nline" })
  now[1] = 1
  shown:tick(stats())
  shown:finish()
  lu.assertEquals(out.rows[1], "kept[2J line")
  lu.assertEquals(out.rows[2], "")
end

function TestDisplay:test_plain_tells_every_phase_and_no_counts()
  local shown, out, now = make("plain")
  for step = 1, 100 do
    now[1] = step * 0.01
    shown:event({ kind = "phase", name = ("train step %d/100"):format(step) })
    shown:event({ kind = "progress", done = step, total = 100 })
    shown:tick(stats())
  end
  shown:finish()
  lu.assertEquals(#out.rows, 101) -- the last one is empty
  lu.assertEquals(out.rows[1], "train step 1/100")
  lu.assertEquals(out.rows[100], "train step 100/100")
  lu.assertNotStrContains(table.concat(out.written), "\27")
end

function TestDisplay:test_plain_tells_steps_scores_and_retries()
  local shown, out, now = make("plain")
  local function at(time, event)
    now[1] = time
    if event then shown:event(event) end
    shown:tick(stats({ retries = math.floor(time), calls = 4 }))
  end
  at(1, { kind = "step", number = 2, accepted = false, reason = "validation fell" })
  at(1, { kind = "step", number = 3, accepted = true, redrawn = 1 })
  at(1, { kind = "step", number = 4, accepted = true, reason = "better", redrawn = 5 })
  at(2, { kind = "score", best = 0.5, seed = 0.25 })
  at(3, { kind = "score", best = 0.5, seed = 0.25, last = 0.1 })
  at(9)
  lu.assertEquals(out:text(), "step 2: rejected, validation fell\n"
    .. "step 3: accepted (before it 1 solved batch drawn again)\n"
    .. "step 4: accepted, better (before it 5 solved batches drawn again)\n"
    .. "best score 0.500 (+0.250)\n"
    .. "calls: 4 done, 0 in flight, 0 queued, 9 retries\n")
end

function TestDisplay:test_plain_keeps_every_note_and_tells_of_waits()
  local shown, out, now = make("plain")
  shown:event({ kind = "note", text = "one" })
  shown:event({ kind = "note", text = "two" })
  now[1] = 9
  shown:tick(stats({ queued = 1, held = 1, held_seconds = 50, held_by = "rate" }))
  now[1] = 10
  shown:tick(stats({ queued = 1, held = 1, held_seconds = 49, held_by = "rate" }))
  lu.assertEquals(out:text(), "one\ntwo\ncalls: 0 done, 0 in flight, 1 queued, "
    .. "waiting for rate limit 50 s\n")
end

function TestDisplay:test_none_is_silent()
  local shown, out, now = make("none")
  shown:event({ kind = "phase", name = "x" })
  shown:event({ kind = "note", text = "x" })
  now[1] = 5
  shown:tick(stats())
  shown:print("x")
  shown:finish()
  lu.assertEquals(out.written, {})
end

function TestDisplay:test_choose()
  local function choose(asked, tty, env)
    return display.choose(asked, tty, function(name) return env[name] end)
  end
  local mode, colour, unicode = choose(nil, true, { LANG = "de_DE.UTF-8" })
  lu.assertEquals({ mode, colour, unicode }, { "full", true, true })
  mode, colour, unicode = choose("full", false, {})
  lu.assertEquals({ mode, colour, unicode }, { "plain", false, false })
  mode, colour = choose(nil, true, { NO_COLOR = "1" })
  lu.assertEquals({ mode, colour }, { "full", false })
  lu.assertEquals(choose(nil, true, { CI = "true" }), "plain")
  lu.assertEquals(choose("full", true, { TERM = "dumb" }), "plain")
  lu.assertEquals(choose("none", true, {}), "none")
end

-- ---- trouble --------------------------------------------------------------------------

TestTrouble = {}

local TRACEBACK = [[

stack traceback:
	[C]: in function 'error'
	lunagrad/errors.lua:20: in function 'lunagrad.errors.raise'
	scripts/x.lua:12: in upvalue 'program'
	scripts/x.lua:20: in function <scripts/x.lua:18>
	(...tail calls...)
	[C]: in function 'xpcall'
	lunagrad/loop.lua:120: in function <lunagrad/loop.lua:118>]]

function TestTrouble:test_a_key_in_the_line_is_not_shown()
  local path = command.write('f{ api_key = "sk-1", base_url = "http://me:pw1@h/v1" }\n'
    .. "f{ headers = { ['X-Api-Key'] = 'sk-2', Authorization = 'Bearer sk-3' } }\n", ".lua")
  local function shown(number)
    return table.concat(trouble.describe(("%s:%d: no"):format(path, number), path), "\n")
  end
  lu.assertStrContains(shown(1), 'f{ api_key = "****", base_url = "http://******@h/v1" }')
  lu.assertStrContains(shown(2),
    "f{ headers = { ['X-Api-Key'] = '****', Authorization = '***********' } }")
end

function TestTrouble:test_only_the_users_frames()
  local frames = trouble.frames(TRACEBACK)
  lu.assertEquals(frames, {
    { path = "scripts/x.lua", line = 12, what = "upvalue 'program'" },
    { path = "scripts/x.lua", line = 20, what = "function at line 18" },
  })
end

function TestTrouble:test_shortened_paths_are_whole_again()
  local frames = trouble.frames("\t...very/long/x.lua:3: in main chunk", "/a/very/long/x.lua")
  lu.assertEquals(frames[1].path, "/a/very/long/x.lua")
end

function TestTrouble:test_exit_codes()
  local function code(err) return (select(2, trouble.describe(err))) end
  lu.assertEquals(code("x"), 1)
  lu.assertEquals(code({ kind = "auth", message = "m" }), 3)
  lu.assertEquals(code({ kind = "connect", message = "m" }), 3)
  lu.assertEquals(code({ kind = "inval", message = "m" }), 1)
  lu.assertEquals(code({ kind = "cancelled", message = "m" }), 130)
  lu.assertEquals(code({}), 1)
end

function TestTrouble:test_model_text_in_a_message_cannot_move_the_cursor()
  local lines = trouble.describe({ kind = "tool", message = "a\27[2Jb", hint = "c\27]0;x\7" })
  lu.assertNotStrContains(table.concat(lines), "\27")
end

function TestTrouble:test_hints_name_the_commands_options()
  local lines = trouble.describe({ kind = "timeout", message = "m",
    hint = "raise total_timeout_ms if replies may take longer" })
  lu.assertEquals(lines[2],
    "  hint: raise --timeout (in a script total_timeout_ms) if replies may take longer")
end

function TestTrouble:test_an_address_is_no_place_in_a_file()
  local lines = trouble.describe({ kind = "connect", message = "http://127.0.0.1:80: refused" })
  lu.assertEquals(lines[1], "lunagrad: http://127.0.0.1:80: refused")
end

-- ---- the command ------------------------------------------------------------------------

TestCommand = {}

function TestCommand:tearDown() command.remove_files() end

local function run_text(text, ...)
  local path = command.write(text, ".lua")
  local got = command.run("run", path, ...)
  got.path = path
  return got
end

local function fails(got, code, ...)
  lu.assertEquals(got.code, code, got.err)
  for _, wanted in ipairs({ ... }) do lu.assertStrContains(got.err, wanted) end
  lu.assertNotStrContains(got.err, "[C]")
  lu.assertNotStrContains(got.err, "lunagrad/")
end

function TestCommand:test_version_and_help()
  local got = command.run("--version")
  lu.assertEquals({ got.code, got.out }, { 0, ("lunagrad %s (%s)\n"):format(lg.VERSION, _VERSION) })
  for _, words in ipairs({ { "help" }, { "--help" }, { "help", "run" }, { "run", "--help" } }) do
    got = command.run(table.unpack(words))
    lu.assertEquals({ got.code, got.err }, { 0, "" })
    lu.assertStrContains(got.out, "usage: lunagrad")
    local _, examples = got.out:match("examples:\n(.*)$"):gsub("\n?  lunagrad", "")
    lu.assertEquals(examples, 3)
  end
end

function TestCommand:test_usage_errors()
  fails(command.run(), 2, "usage:")
  fails(command.run("rnu"), 2, 'no command "rnu"', "did you mean run?")
  fails(command.run("x.lua"), 2, "did you mean lunagrad run x.lua?")
  fails(command.run("help", "mokc"), 2, "did you mean mock?")
  fails(command.run("run"), 2, "no script given")
  fails(command.run("run", "--sede", "1", "x.lua"), 2, "unknown option --sede", "--seed?")
  fails(command.run("run", "/nonexistent.lua"), 2, "/nonexistent.lua: No such file")
  fails(command.run("run", "tests"), 2, "tests is a directory")
  fails(command.run("run", "x.lua", "-m", "jugde=sim/default"), 2, "did you mean judge?")
  lu.assertEquals(command.run("run", "--max-cost", "1", "x.lua").code, 2)
end

function TestCommand:test_a_piece_of_code()
  local got = command.run("-e", "print(1 + 1, ...)", "a=b")
  lu.assertEquals({ got.code, got.out, got.err }, { 0, "2\ta=b\n", "" })
  got = command.run("-e", "print(lg.args.a, lg.args[1], arg[1])", "a=b", "c")
  lu.assertEquals({ got.code, got.out }, { 0, "b\tc\ta=b\n" })
  lu.assertEquals(command.run("-e", "").code, 0)
end

function TestCommand:test_arguments_reach_the_script()
  local got = run_text('local lg = require "lunagrad"\n'
    .. 'print(lg.args.x, lg.args.seed, lg.args[1], arg[0] ~= nil, select("#", ...))',
    "x=1=2", "word", "--seed", "9")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertEquals(got.out, "1=2\t9\tword\ttrue\t2\n")
end

function TestCommand:test_a_script_is_a_task_and_print_waits()
  local got = command.run("-e", [[
    local slow = lg.model(function(r) return r.messages[1].content:upper() end)
    local v = slow "a"
    print(v, "b")
    print(tostring(slow "c") .. "d")
    io.write(slow "e", 1, "\n")
    io.stdout:write("f\n")]])
  lu.assertEquals({ got.code, got.out }, { 0, "A\tb\nCd\nE1\nf\n" })
end

function TestCommand:test_modules_beside_the_script()
  local path = command.write('return { word = print ~= nil and require "string" ~= nil }', ".lua")
  local folder, name = path:match("^(.*/)([^/]*)%.lua$")
  local main = folder .. name .. "_main.lua"
  local file = assert(io.open(main, "w"))
  file:write(('print(require(%q).word)'):format(name))
  file:close()
  local got = command.run("run", main)
  os.remove(main)
  lu.assertEquals({ got.code, got.out }, { 0, "true\n" }, got.err)
end

function TestCommand:test_a_syntax_error_is_one_clear_line()
  local got = run_text("local a = 1\nlocal b = = 2\n")
  fails(got, 1, ("lunagrad: %s:2: unexpected symbol near '='"):format(got.path),
    "2 | local b = = 2")
  lu.assertNotStrContains(got.err, "traceback")
  lu.assertStrContains(run_text("\27Lua").err, "compiled Lua")
end

function TestCommand:test_a_runtime_error_shows_the_place_and_the_users_frames()
  local got = run_text("local t = {}\nlocal function inner()\n  return t.a.b\nend\n"
    .. "local function outer() local x = inner() return x end\nouter()\n")
  fails(got, 1, ("lunagrad: %s:3: attempt to index a nil value (field 'a')"):format(got.path),
    "      3 |   return t.a.b\n        |            ^",
    ("in upvalue 'inner' (%s:3)"):format(got.path), ("in main chunk (%s:6)"):format(got.path))
end

function TestCommand:test_errors_in_map_and_tools_tell_the_example()
  local got = run_text('local lg = require "lunagrad"\n'
    .. 'lg.map({ 1, 2, 3 }, function(x)\n  if x == 2 then error("odd one") end\nend)')
  fails(got, 1, (":3: odd one"), "while: example 2")
  got = run_text('local lg = require "lunagrad"\nlocal t = lg.tool{ name = "checker", run = '
    .. 'function(x)\n  error("cannot check")\nend }\nprint(t "x")')
  fails(got, 1, "cannot check", "checker")
end

function TestCommand:test_any_value_can_be_raised()
  fails(run_text("error({ code = 7 })"), 1, '{"code":7}')
  fails(run_text("error({})"), 1, "a table without a message")
  fails(run_text("error()"), 1, "lunagrad: ")
  fails(run_text('error("plain", 0)'), 1, "plain")
end

function TestCommand:test_misuse_names_the_users_line_and_the_right_word()
  local got = run_text('local lg = require "lunagrad"\n\nlocal p = lg.parma("a", "b")')
  fails(got, 1, got.path .. ":3: ", "param")
  got = run_text('local lg = require "lunagrad"\nprint(lg.model{ "sim/default", temprature = 1 })')
  fails(got, 1, got.path .. ":2: ", "temperature")
end

function TestCommand:test_providers_and_keys()
  fails(command.run("-e", "", "-m", "opneai/gpt"), 3, 'unknown provider "opneai"', "openai")
  fails(command.run("-e", "", "-m", "gpt-4o"), 3, "provider/model")
  fails(command.shell("cd / && env -u OPENAI_API_KEY -u OPENAI_BASE_URL "
    .. command.quote(io.popen("realpath " .. command.path):read("l"))
    .. " -e '' -m openai/gpt-4o-mini"), 3, "OPENAI_API_KEY is not set")
  fails(command.shell("OPENAI_BASE_URL=http://127.0.0.1:9/v1 OPENAI_API_KEY=k "
    .. command.line("-e", "print(lg.model 'openai/m' 'hi')", "--retries", "0")), 3, "127.0.0.1")
end

-- It is loaded for the first request: all else works without it.
function TestCommand:test_libcurl_that_cannot_be_loaded()
  local broken = command.temp() .. ".d"
  local function without(...)
    return command.shell(("mkdir %s; : >%s/libcurl.so.4; LD_LIBRARY_PATH=%s OPENAI_API_KEY=k "
      .. "OPENAI_BASE_URL=http://127.0.0.1:9/v1 %s; code=$?; rm -r %s; exit $code"):format(broken,
      broken, broken, command.line(...), broken))
  end
  fails(without("-e", "print(lg.model 'openai/m' 'hi')"), 3, "libcurl.so.4 cannot be loaded")
  local got = without("-e", "print(lg.var('a', 'b'))")
  lu.assertEquals({ got.code, got.out }, { 0, "a\n" }, got.err)
end

function TestCommand:test_roles_of_the_command_line_win()
  local got = command.run("-e", [[
    local wrong = lg.model(function() return "wrong" end)
    lg.default{ model = wrong, judge = wrong }
    local model = require "lunagrad.model"
    print(model.for_role("model"), model.for_role("judge") == wrong)]], "-m", "sim/noise=0.1")
  lu.assertEquals({ got.code, got.out }, { 0, "sim/noise=0.1\ttrue\n" }, got.err)
end

function TestCommand:test_the_summary_says_what_was_bought_and_that_it_was_sim()
  local text = "print(#tostring(lg.model 'sim/default' 'I have a pear. How many fruits?') > 0)"
  local got = command.run("-e", text)
  lu.assertEquals({ got.code, got.out }, { 0, "true\n" })
  for _, wanted in ipairs({ "calls   1 bought", "tokens  forward", "models  sim/default",
    'made with "sim"', "OPENAI_API_KEY=" }) do
    lu.assertStrContains(got.err, wanted)
  end
  lu.assertEquals(command.run("-e", text, "--display", "none").err, "")
end

function TestCommand:test_os_exit_ends_the_run_in_order()
  local got = command.run("-e", "print 'a'; os.exit(7)", "--json")
  lu.assertEquals(got.code, 7)
  lu.assertStrContains(got.out, '"event":"done"')
  lu.assertStrContains(got.out, '"status":"error"')
end

-- ---- --json -------------------------------------------------------------------------------

TestJson = {}

function TestJson:tearDown() command.remove_files() end

local function records(got)
  local list = {}
  for line in got.out:gmatch("[^\n]+") do
    local record = lg.json.decode(line)
    lu.assertNotNil(record, "not JSON: " .. line)
    list[#list + 1] = record
  end
  lu.assertEquals(list[1].event, "launch")
  lu.assertEquals(list[#list].event, "done")
  lu.assertEquals(list[#list].run_id, list[1].run_id)
  return list, list[#list]
end

function TestJson:test_stdout_carries_only_json()
  local got = command.run("-e", [[
    local progress = require "lunagrad.progress"
    print "for people"
    io.write "too\n"
    io.stdout:write "and this\n"
    progress.emit{ kind = "phase", name = "train step 1/2" }
    for i = 1, 100 do progress.emit{ kind = "progress", done = i, total = 100 } end
    progress.emit{ kind = "score", best = 0.75, seed = 0.25, last = 0.5 }
    print(lg.model 'sim/default' 'I have a pear. How many fruits do I have?')]], "--json")
  lu.assertEquals(got.code, 0, got.err)
  local list, done = records(got)
  for _, text in ipairs({ "for people\n", "too\n", "and this\n" }) do
    lu.assertStrContains(got.err, text)
  end
  lu.assertEquals({ done.status, done.best_score, done.seed_score, done.calls, done.exit_code },
    { "ok", 0.75, 0.25, 1, 0 })
  lu.assertEquals(done.cost_usd, lg.json.null)
  lu.assertEquals(done.models, { "sim/default" })
  lu.assertTrue(list[1].pid > 0)
  lu.assertTrue(#list < 8, #list .. " records")
  lu.assertEquals(list[2], { event = "phase", name = "train step 1/2" })
end

function TestJson:test_failures_end_with_done()
  local _, done = records(command.run("-e", "local x = nil; x()", "--json"))
  lu.assertEquals({ done.status, done.exit_code, done.calls }, { "error", 1, 0 })
  lu.assertStrContains(done.error, "attempt to call a nil value")
  lu.assertEquals(done.best_score, lg.json.null)
  _, done = records(command.run("-e", "", "--json", "-m", "nobody/x"))
  lu.assertEquals({ done.status, done.exit_code }, { "provider", 3 })
  _, done = records(command.run("-e", "x =", "--json"))
  lu.assertEquals({ done.status, done.exit_code }, { "error", 1 })
end

-- A wrong command line has the two lines, too, however --json was asked for.
function TestJson:test_usage_errors_have_both_lines()
  for _, line in ipairs { "$LG run --json", "$LG run nothing.lua --json", "$LG run --json=1",
    "$LG -e '' --seed x --json", "$LG run --nothing --json", "LUNAGRAD_RUN_JSON=1 $LG run",
    "LUNAGRAD_RUN_JSON=yes $LG run nothing.lua", "LUNAGRAD_RUN_JSON=true $LG run --nothing",
    "LUNAGRAD_RUN_JSON=1 LUNAGRAD_RUN_SEED=x $LG -e ''" } do
    local got = command.shell("LG=" .. command.path .. "; export LG; env " .. line)
    lu.assertEquals(got.code, 2, line .. "\n" .. got.err)
    local list, done = records(got)
    lu.assertEquals({ #list, done.status, done.exit_code, done.calls }, { 2, "error", 2, 0 }, line)
    lu.assertStrContains(got.err, done.error, false, line)
  end
  for _, line in ipairs { "$LG run nothing.lua", "$LG run --nothing -- --json",
    "LUNAGRAD_RUN_JSON=0 $LG run", "LUNAGRAD_RUN_JSON=perhaps $LG run nothing.lua" } do
    local got = command.shell("LG=" .. command.path .. "; export LG; env " .. line)
    lu.assertEquals({ got.code, got.out }, { 2, "" }, line)
  end
end

-- ---- interrupts -----------------------------------------------------------------------------

TestInterrupt = {}

function TestInterrupt:tearDown() command.remove_files() end

-- 6 calls, 2 at a time; a signal comes while the first two are under way.
local SCRIPT = [[
local lg = require "lunagrad"
local m = lg.model "openai/m"
local list = {}
for i = 1, 6 do list[i] = i end
lg.map(list, function(i)
  local v = m("question " .. i)
  v:text()
  io.stderr:write("got ", i, "\n")
end)
print "whole"
]]

local function interrupted(signals, latency)
  local path, out = command.write(SCRIPT, ".lua"), command.temp()
  return command.with_mock({ "--latency", latency }, ([[
    $LG run %s --concurrency 2 --json >%s & run=$!
    ( sleep 30; kill -9 $run ) >/dev/null 2>&1 & dog=$!
    n=0; until grep -q '"in_flight":2' %s || [ $n -ge 400 ]; do sleep 0.02; n=$((n + 1)); done
    %s
    wait $run; code=$?; kill $dog; cat %s; exit $code]]):format(path, out, out, signals, out))
end

function TestInterrupt:test_one_lets_calls_in_flight_finish_and_starts_no_more()
  local got = interrupted("kill -INT $run", "2500")
  lu.assertEquals(got.code, 130, got.err)
  local _, done = records(got)
  lu.assertEquals({ done.status, done.exit_code, done.calls }, { "interrupted", 130, 2 })
  lu.assertEquals(#got.journal, 2)
  lu.assertTrue(got.journal[1].whole and got.journal[2].whole)
  lu.assertStrContains(got.err, "2 in flight will be finished")
  lu.assertStrContains(got.err, "to start again: lunagrad run ")
  lu.assertNotStrContains(got.err, "whole")
end

function TestInterrupt:test_two_stop_at_once()
  local got = interrupted("kill -INT $run; sleep 0.3; kill -INT $run", "20000")
  lu.assertEquals(got.code, 130, got.err)
  local _, done = records(got)
  lu.assertEquals({ done.status, done.ambiguous }, { "interrupted", 2 })
  lu.assertEquals(#got.journal, 2)
  lu.assertTrue(got.journal[1].finish_us - got.journal[1].arrival_us < 10000000)
end

function TestInterrupt:test_one_ends_what_sleeps()
  for _, code in ipairs { "lg.sleep(1000)", "while true do lg.sleep(1000) end",
    "lg.tool { name = 't', run = function() lg.sleep(1000) end } ():await()" } do
    local path, out = command.write("lg = require 'lunagrad' print 'asleep' io.flush() "
      .. code, ".lua"), command.temp()
    local started = os.time()
    local got = command.shell(([[
      %s >%s & run=$!
      ( sleep 20; kill -9 $run ) >/dev/null 2>&1 & dog=$!
      n=0; until grep -q asleep %s || [ $n -ge 400 ]; do sleep 0.02; n=$((n + 1)); done
      kill -INT $run
      wait $run; code=$?; kill $dog; exit $code]]):format(command.line("run", path), out, out))
    lu.assertEquals(got.code, 130, code .. "\n" .. got.err)
    lu.assertStrContains(got.err, "interrupted: no new calls")
    lu.assertTrue(os.time() - started < 15, code)
  end
end

-- Runs a line of Lua, and the signals when it has said that it goes. How long it took then.
local function signalled(code, signals)
  local path, out = command.write("io.write 'goes' io.flush() " .. code, ".lua"), command.temp()
  local got = command.shell(([[
    %s >%s & run=$!
    ( sleep 20; kill -9 $run ) >/dev/null 2>&1 & dog=$!
    n=0; until grep -q goes %s || [ $n -ge 400 ]; do sleep 0.02; n=$((n + 1)); done
    began=$(date +%%s%%N); %s
    wait $run; code=$?; kill $dog; echo $(( ($(date +%%s%%N) - began) / 1000000 )); exit $code]])
    :format(command.line("run", path, "--no-store"), out, out, signals))
  return got, tonumber(got.out)
end

function TestInterrupt:test_one_ends_what_only_computes()
  local library = "local lg = require 'lunagrad' "
  for code, seconds in pairs {
    ["while true do end"] = 4,
    ["while true do pcall(function() while true do end end) end"] = 4,
    ["local function deep() return pcall(deep) and deep() end while true do deep() end"] = 4,
    ["table.sort({ 3, 2, 1 }, function() while true do end end)"] = 4,
    ["coroutine.wrap(function() while true do end end)()"] = 4,
    ["local f = coroutine.wrap(function() while true do coroutine.yield() end end) while true do"
      .. " f() end"] = 4,
    ["while true do coroutine.resume(coroutine.create(function() while true do end end)) end"] = 4,
    [library .. "lg.map({ 1, 2 }, function() while true do end end)"] = 4,
    [library .. "lg.tool { name = 't', run = function() while true do end end } ():text()"] = 4,
    [library .. "while true do pcall(lg.sleep, 0.01) end"] = 6,
    [library .. "local m = lg.model 'sim/default' while true do pcall(function()"
      .. " return m 'x':text() end) end"] = 6,
  } do
    local got, ms = signalled(code, "kill -TERM $run")
    lu.assertEquals(got.code, 130, code .. got.err)
    lu.assertTrue(ms < seconds * 1000, code .. ms)
    lu.assertStrContains(got.err, "lunagrad: interrupted\n")
  end
end

function TestInterrupt:test_two_end_what_only_computes_at_once()
  local got, ms = signalled("while true do end", "kill -INT $run; sleep 0.1; kill -INT $run")
  lu.assertEquals(got.code, 130)
  lu.assertTrue(ms < 900, ms)
end

function TestInterrupt:test_a_long_call_of_c_cannot_hold_on()
  local got, ms = signalled("string.find(('a'):rep(99999), ('.-'):rep(30) .. 'b')",
    "kill -INT $run; sleep 0.1; kill -INT $run")
  lu.assertEquals(got.code, 130)
  lu.assertStrContains(got.err, "lunagrad: stopped in the middle of the script")
  lu.assertTrue(ms < 6000, ms)
end

-- What catches signals stands before Lua's own.
function TestInterrupt:test_coroutines_are_as_lua_has_them()
  local code = [[
    local function show(...) io.write(table.concat(table.pack(...), " "), "\n") end
    local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b) error(c, 0) end)
    show(tostring(coroutine.resume(co, 1, 2)), select(2, coroutine.resume(co, "bad")))
    show(select(2, coroutine.resume(co)))
    show(select(2, pcall(coroutine.resume)))
    show(select(2, pcall(coroutine.resume, 5)))
    local f = coroutine.wrap(function(...)
      local x CLOSED = setmetatable({}, { __close = function() show "closed" end })
      coroutine.yield(...)
      error "here"
    end)
    show(f(1, nil and 2, 3) or "-")
    show(select(2, pcall(f)))
    show(select(2, pcall(f)))
    show(select(2, pcall(coroutine.wrap(function() error({}, 0) end))) and "a table")
    show(select(2, pcall(coroutine.wrap, 5)))
    show(select(2, pcall(coroutine.wrap(function() coroutine.wrap(error)("x") end))))
    show(tostring(coroutine.isyieldable()), tostring(select(2, coroutine.running())))
    for i in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do show(i) end]]
  if _VERSION == "Lua 5.3" then lu.skip "Lua 5.4's words" end
  code = code:gsub("CLOSED", "<close>")
  local path = command.write(code, ".lua")
  local stock = command.shell((arg[-1] or "lua5.4") .. " " .. path)
  local ours = command.run("run", path)
  lu.assertEquals(ours.out, stock.out)
  lu.assertEquals({ stock.code, ours.code }, { 0, 0 }, stock.err .. ours.err)
end

os.exit(lu.LuaUnit.run())
