-- test_screen.lua - lines that fit, plots of letters, differences of texts, and what show makes of them

require "helper"
local lu = require "luaunit"
local chart = require "lunagrad.cli.chart"
local command = require "command"
local display = require "lunagrad.cli.display"
local screen = require "lunagrad.cli.screen"
local story = require "lunagrad.cli.story"

local function seen(about)
  about = about or {}
  return screen.new { tty = true, width = about.width or 80, colour = about.colour or false,
    unicode = about.unicode ~= false, braille = about.unicode ~= false }
end

-- ---- columns and lines ----------------------------------------------------------------------

TestWrap = {}

function TestWrap:test_columns()
  lu.assertEquals({ display.columns "abc", display.columns "日本", display.columns "é",
    display.columns "e\u{301}", display.columns "" }, { 3, 4, 1, 1, 0 })
end

function TestWrap:test_lines_break_between_words_and_keep_their_blanks()
  local function is(text, columns, hang, ...)
    lu.assertEquals(display.wrap(text, columns, hang), { ... })
  end
  is("one two three", 7, 0, "one two", "three")
  is("one two three", 8, 2, "one two", "  three")
  is("  one two\n\nx", 7, 0, "  one", "  two", "", "x")
  is("abcdefghij k", 4, 0, "abcd", "efgh", "ij k")
  is("日本語日本語", 5, 0, "日本", "語日", "本語")
  is("a  b", 80, 0, "a  b")
  is("", 10, 0, "")
  is("日", 1, 0, "日") -- it takes what there is
  is(("word "):rep(3), 9, 0, "word word", "word")
end

function TestWrap:test_every_line_fits_whatever_the_text()
  local words = { "a", "日本", "supercalifragilistic", "e\u{301}", "🎉", "-", "x y", "\n", "  " }
  local seed = 7
  for columns = 4, 30, 3 do
    local parts = {}
    for i = 1, 200 do
      seed = (seed * 1103515245 + 12345) % 2147483648
      parts[i] = words[seed // 65536 % #words + 1]
    end
    local text = table.concat(parts, " ")
    local joined = {}
    for _, line in ipairs(display.wrap(text, columns)) do
      lu.assertTrue(display.columns(line) <= columns, line)
      joined[#joined + 1] = line
    end
    lu.assertEquals((table.concat(joined):gsub("%s", "")), (text:gsub("%s", "")))
  end
end

function TestWrap:test_folded_lines_keep_their_labels_and_sources()
  lu.assertEquals(display.fold("calls   1 bought, 2 served", 18),
    { "calls   1 bought,", "        2 served" })
  lu.assertEquals(display.fold("     12 | a very long line of a source", 12),
    { "     12 | a very long line of a source" })
  lu.assertEquals(display.fold("as it is", nil), { "as it is" })
end

function TestWrap:test_help_for_a_narrow_screen()
  local help = "usage: a b c d e f g\n\nWords that go on and on\nin two lines.\n\n"
    .. "  --long N   what it does and\n             why\n\nexamples:\n"
    .. "  as it is as it is as it is\n"
  lu.assertEquals(screen.reflow(help, 25),
    "usage: a b c d e f g\n\nWords that go on and on\nin two lines.\n\n"
    .. "  --long N   what it does\n             and why\n\nexamples:\n"
    .. "  as it is as it is as it is\n")
  lu.assertEquals(screen.reflow(help, 200):gsub("\n", ""), (help:gsub("on\nin", "on in")
    :gsub("and\n%s+why", "and why"):gsub("\n", "")))
end

-- ---- plots -------------------------------------------------------------------------------------

TestChart = {}

function TestChart:test_a_line_of_blocks()
  lu.assertEquals(chart.sparkline({ 0, 0.5, 1 }, 3, true), "▁▅█")
  lu.assertEquals(chart.sparkline({ 0, 0.5, 1 }, 3, false), "_+@")
  lu.assertEquals(chart.sparkline({ 2, nil, 2 }, 3, true), "▄ ▄")
  lu.assertEquals(chart.sparkline({ 0 / 0, 1, math.huge, 2 }, 4, true), " ▁ █")
  lu.assertEquals(chart.sparkline({}, 0, true), "")
end

local function plot(points, unicode, columns)
  return chart.stairs(points, { columns = columns or 40, rows = 11, unit = "calls", whole = true,
    unicode = unicode, braille = unicode, paint = function(_, text) return text end })
end

local POINTS = { { x = 10, y = 0.2, kept = true }, { x = 50, y = 0.1, kept = false },
  { x = 100, y = 0.8, kept = true } }

function TestChart:test_stairs_of_letters()
  local lines = plot(POINTS, false)
  lu.assertEquals(#lines, 13)
  local text = table.concat(lines, "\n")
  lu.assertFalse(text:find "[\128-\255]" ~= nil)
  local _, kept = text:gsub("%*", "")
  local _, left = text:gsub("o", "")
  lu.assertEquals({ kept, left }, { 2, 1 })
  lu.assertStrContains(lines[1], "1.0 |")
  lu.assertStrContains(lines[3], "*") -- 0.8 of 1 is two lines below the top
  lu.assertStrContains(lines[13], "calls")
end

function TestChart:test_stairs_of_dots_fit_and_have_nothing_else()
  for _, columns in ipairs { 10, 24, 40, 90 } do
    for _, line in ipairs(plot(POINTS, true, columns)) do
      lu.assertTrue(display.columns(line) <= math.max(columns, 24) + 2, line)
      for _, code in utf8.codes(line) do
        lu.assertTrue(code < 128 or code >= 0x2500 and code < 0x2900, line)
      end
    end
  end
end

function TestChart:test_points_that_are_hard()
  local function point(x, y, kept) return { x = x, y = y, kept = kept } end
  for _, points in ipairs { { point(0, 0, true) }, { point(0, -5e9, true), point(1, 1e12, true) },
    { point(3, 1, true), point(3, 1, false) } } do
    lu.assertEquals(#plot(points, true), 13)
  end
  local many = {}
  for i = 1, 20000 do many[i] = { x = i, y = i / 20000, kept = true } end
  lu.assertEquals(#plot(many, true), 13)
end

function TestChart:test_calls_are_whole()
  local lines = plot({ { x = 0, y = 0, kept = true }, { x = 2, y = 1, kept = true } }, false)
  lu.assertNotStrContains(lines[13], ".")
  lu.assertStrContains(lines[13], "1")
end

-- ---- differences -------------------------------------------------------------------------------

TestDiff = {}

function TestDiff:test_marks_without_colours()
  lu.assertEquals(story.diff("Answer the question.", "Answer every question. Be brief.", seen(), 2),
    { "  Answer [-the-] {+every+} question. {+Be brief.+}" })
end

function TestDiff:test_colours_are_ended_in_each_line()
  local lines = story.diff("a", "a\n" .. ("new words "):rep(20),
    seen { colour = true, width = 40 }, 2)
  lu.assertTrue(#lines > 4)
  for _, line in ipairs(lines) do
    local _, begun = line:gsub("\27%[[%d;]+m", "")
    local _, ended = line:gsub("\27%[0m", "")
    lu.assertEquals(begun, 2 * ended, line)
    lu.assertTrue(display.columns((line:gsub("\27%[[%d;]*m", ""))) <= 40)
  end
end

function TestDiff:test_what_did_not_change_is_cut()
  local long = ("same "):rep(200)
  local text = table.concat(story.diff(long .. "old", long .. "new", seen(), 0), " ")
  lu.assertStrContains(text, "[… 188 words …]")
  lu.assertStrContains(text, "[-old-]")
  text = table.concat(story.diff(long .. "old", long .. "new", seen(), 0, true), " ")
  lu.assertNotStrContains(text, "…")
end

function TestDiff:test_texts_do_what_they_like()
  local bad = "a \27[31m\27]0;x\7 b\0 \u{202e}c"
  for _, colour in ipairs { true, false } do
    for _, line in ipairs(story.diff("a", bad, seen { colour = colour }, 0)) do
      local rest = line:gsub("\27%[[%d;]*m", "")
      lu.assertFalse(rest:find "[%z\1-\31]" ~= nil or rest:find "\u{202e}" ~= nil)
    end
  end
end

-- ---- show ----------------------------------------------------------------------------------------

TestShow = {}

local SCRIPT = [[
local lg = require "lunagrad"
lg.optimize { start = "Answer.", role = "prompt", budget = { proposals = 3 }, seed = 1,
  evaluate = function(text) return math.min(1, #text / 60), "longer" end }
]]

local function with_run(line, env)
  local home = command.temp ".store"
  local script = command.write(SCRIPT, ".lua")
  local shell = [[export LUNAGRAD_HOME=%s; %s >/dev/null 2>&1; %s %s; rm -r %s]]
  local run = command.line("run", script, "--run", "r", "--display", "none")
  return command.shell(shell:format(home, run, env or "", line, home))
end

function TestShow:tearDown() command.remove_files() end

function TestShow:test_a_run_is_drawn_and_its_texts_are_told_apart()
  local got = with_run(command.line("show", "r"), "TERM=xterm LC_ALL=C.UTF-8")
  lu.assertEquals(got.err, "")
  lu.assertStrContains(got.out, "┤")
  lu.assertNotStrContains(got.out, "\27")
  got = with_run(command.line("show", "r"), "LC_ALL=C")
  lu.assertFalse(got.out:find("┤", 1, true) ~= nil)
  lu.assertStrContains(got.out, "spent")
end

function TestShow:test_the_difference_of_two_candidates()
  local got = with_run(command.line("show", "r", "--diff", "1"))
  lu.assertEquals(got.err, "")
  lu.assertStrContains(got.out, "{+")
  got = with_run(command.line("show", "r", "--diff", "0..1", "--json"))
  lu.assertStrContains(got.out, '"kind":"add"')
  lu.assertStrContains(with_run(command.line("show", "r", "--diff", "0..0")).out, "same")
  for _, bad in ipairs { "x", "0..99", "1..", "..1" } do
    got = with_run(command.line("show", "r", "--diff", bad))
    lu.assertStrContains(got.err, "lunagrad: ")
    lu.assertNotStrContains(got.err, "traceback")
  end
end

-- A run that was paid for, on the mock: the axis ends where the bill of the search does.
function TestShow:test_money_is_an_axis()
  local script = command.write([[
    local lg = require "lunagrad"
    local m, p = lg.model(), lg.param("Answer.", "prompt")
    local rows = lg.task.object_counting.generate(8, 1)
    lg.optimize { program = function(row) return m { row.question, system = p } end,
      params = { p }, metric = lg.metric.number, loss = function(a, row)
        return lg.loss.exact { extract = lg.extract.last_number } (a, row.answer) end,
      train = lg.data.list(rows), val = lg.data.list(rows), budget = { proposals = 4 }, seed = 1 }
  ]], ".lua")
  local got = command.with_mock({}, ("%s >/dev/null 2>&1; $LG show r --over money"):format(
    command.line("run", script, "--run", "r", "-m", "openai/gpt-4o-mini")))
  lu.assertEquals({ got.code, got.err }, { 0, "" })
  lu.assertStrContains(got.out, "dollars spent")
end

function TestShow:test_money_without_prices_is_said()
  lu.assertStrContains(with_run(command.line("show", "r", "--over", "money")).err, "price")
end

os.exit(lu.LuaUnit.run())
