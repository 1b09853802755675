-- test_terminal.lua - what a script prints on a terminal is clean, by whatever road; elsewhere it is
-- what it is

local lu = require "luaunit"
require "helper"
local command = require "command"
local core = require "lunagrad.core"

local BAD = "\27[31m\27]52;c;QQ==\7\u{9b}2J\u{202e}\u{2066}\x9b31m\8\rü世"
local CLEAN = "[31m]52;c;QQ==2J?31mü世"

-- Each writes E, and that alone in its line.
local ROADS = {
  "print(E)", "io.write(E, '\\n')", "io.stdout:write(E, '\\n')", "io.stderr:write(E, '\\n')",
  "io.output():write(E):write('\\n')", "io.stdout.write(io.stdout, E, '\\n')",
  "local f <close> = io.open('/dev/tty', 'w') f:write(E, '\\n')",
  "local f <close> = io.open('/dev/stdout', 'w') f:write(E, '\\n')",
  "io.output('/dev/tty') io.write(E, '\\n')", "load('print((...))')(E)",
  "load('io.stderr:write((...))')(E .. '\\n')", "warn '@on' warn(E)", "warn '@on' warn(E, E)",
  "warn '@on' setmetatable({}, { __gc = function() error(E, 0) end }) collectgarbage()",
  "error(E, 0)", "error({ message = E })",
  "local t = setmetatable({}, { __index = function(_, k) error('no ' .. k, 0) end }) print(t[E])",
  "local t = { [E] = function() error 'x' end } t[E]()",
  "require 'lunagrad'.model(E)",
  "local lg = require 'lunagrad' lg.spawn(function() error(E, 0) end):await()",
  "os.exit(print(E))",
}

-- What Lua 5.3 does not know: variables that are closed, warnings.
local function is_known(road)
  return _VERSION ~= "Lua 5.3" or not (road:find "<close>" or road:find "warn")
end

local function is_clean(text)
  return not text:find "[\0-\8\11\12\14-\31\127]" and not text:find "\xC2[\x80-\x9F]"
    and not text:find "\u{202e}" and not text:find "\u{2066}" and utf8.len(text) ~= nil
end

TestTerminal = {}

local function on_terminal(line)
  if not os.execute "command -v script >/dev/null 2>&1" then lu.skip "no script(1) here" end
  return command.shell(("TERM=dumb script -qec %s /dev/null"):format(command.quote(line)))
end

local function script_of(road)
  return command.write(("local E = %q\n%s\n"):format(BAD, road), ".lua")
end

function TestTerminal:test_every_road_is_clean_on_a_terminal()
  for _, road in ipairs(ROADS) do
    local got = is_known(road)
      and on_terminal(command.line("run", script_of(road), "--no-store"))
    if got then lu.assertTrue(is_clean(got.out), road .. "\n" .. got.out) end
    local is_shown = got and not road:find "t%[E%]%(" and not road:find "model"
    if is_shown then lu.assertStrContains(got.out, "[31m]52;c;QQ==2J") end
  end
end

function TestTerminal:test_characters_that_come_in_pieces_stay_whole()
  for _, road in ipairs { "for c in E:gmatch '.' do io.write(c) end io.write '\\n'",
    "for c in E:gmatch '.' do io.stderr:write(c) end io.stderr:write '\\n'" } do
    local script = command.write(("local E = %q\n%s"):format("ü世🎉é\27[2J\u{9b}2J\xFF|", road),
      ".lua")
    local got = on_terminal(command.line("run", script, "--no-store"))
    lu.assertStrContains(got.out, "ü世🎉é[2J2J?|")
  end
  local script = command.write("io.write 'a\xC3' print 'b' io.write '\xE4\xB8' print 'c'", ".lua")
  lu.assertStrContains(on_terminal(command.line("run", script, "--no-store")).out, "a?b\r\n?")
end

function TestTerminal:test_files_and_pipes_get_every_byte()
  for _, road in ipairs { "print(E)", "io.write(E, '\\n')", "io.stdout:write(E, '\\n')",
    "io.output():write(E):write('\\n')" } do
    lu.assertEquals(command.run("run", script_of(road)).out, BAD .. "\n", road)
  end
  lu.assertEquals(command.run("run", script_of "io.stderr:write(E)").err, BAD)
  local warning = "warn '@on' warn(E)"
  if is_known(warning) then
    lu.assertEquals(command.run("run", script_of(warning)).err, "Lua warning: " .. BAD .. "\n")
  end
end

function TestTerminal:test_what_was_kept_is_clean_as_well()
  local dir, kept = command.temp ".store", (BAD:gsub("\x9b31m", ""))
  local path = command.write(([[local lg = require "lunagrad"
    local p = lg.param(%q, "text")
    lg.train { program = function() return p end, params = { p }, steps = 0, train = { {} },
      val = { {} }, loss = lg.loss.judge "?", metric = function() return 1 end }]]):format(kept),
    ".lua")
  lu.assertEquals(command.shell(("LUNAGRAD_HOME=%s %s"):format(dir, command.line("run", path,
    "--run", "r", "--display", "none"))).err, "")
  for _, words in ipairs { { "show", "r", "--candidate", "0" }, { "show", "r" },
    { "show", "r", "--json" }, { "export", "r" } } do
    local line = ("env LUNAGRAD_HOME=%s %s"):format(dir, command.line(table.unpack(words)))
    local got = on_terminal(line)
    lu.assertTrue(is_clean(got.out), words[1] .. got.out)
    lu.assertStrContains(got.out, "31m")
  end
  local line = ("env LUNAGRAD_HOME=%s %s"):format(dir,
    command.line("show", "r", "--candidate", "0"))
  lu.assertEquals(command.shell(line).out, kept .. "\n")
  command.shell("rm -rf " .. dir)
end

function TestTerminal:test_files_are_otherwise_as_lua_has_them()
  local path = command.temp()
  local code = ([[
    local path = %q
    local f = assert(io.open(path, "w"))
    print(io.type(f), io.type(io.stdout), io.type(io.stderr), f:write("a", 1, 2.5, "\n") == f)
    print(f:setvbuf "full", f:seek "cur", f:seek "set", f:write("b"):close())
    print(io.type(f), pcall(f.write, f, "x"))
    io.output(path) io.write("one\n", "two\n") print(io.output():seek "cur") io.close()
    io.output(io.stdout)
    for line in io.lines(path) do print(line) end
    print(select("#", io.write()), io.write("x\n") == io.stdout, io.stdout:write() == io.stdout)
    local r = io.open(path) print(r:write "x") r:close()
    local p = io.popen("cat", "w") p:write("piped", "\n") p:close()
    for _, bad in ipairs { { io.write, {} }, { io.stdout.write }, { io.stdout.write, io.stdout, {} },
      { io.stdout.write, f, 1 }, { r.write, io.open(path), {} } } do
      print((select(2, pcall(table.unpack(bad))):gsub("#%%d to '[%%w.?]*'", ""):gsub("no value",
        "nil")))
    end
  ]]):format(path)
  local file = command.write(code, ".lua")
  local stock = command.shell((arg[-1] or "lua5.4") .. " " .. file)
  local ours = command.run("run", file)
  lu.assertEquals(stock.code, 0, stock.err)
  lu.assertEquals({ ours.code, ours.out }, { 0, stock.out }, ours.err)
end

function TestTerminal:test_what_is_clean()
  lu.assertEquals(core.clean(BAD), CLEAN)
  lu.assertEquals(core.clean "tab\tline\nü 世 \u{a0}\u{2027}\u{202f}\u{2065}\u{206a}\u{61b}",
    "tab\tline\nü 世 \u{a0}\u{2027}\u{202f}\u{2065}\u{206a}\u{61b}")
  lu.assertEquals(core.clean "\xff\xfe\xc2\xe2\x80\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80",
    ("?"):rep(14))
  lu.assertEquals(core.clean "a\0b\x7f\u{80}\u{9f}\u{2028}\u{2029}\u{200e}\u{61c}\u{2069}c", "abc")
  lu.assertEquals(core.clean "", "")
  local long = ("x\27é"):rep(100000)
  lu.assertEquals(core.clean(long), ("xé"):rep(100000))
  lu.assertEquals(core.clean(("\xff"):rep(100000)), ("?"):rep(100000))
end

os.exit(lu.LuaUnit.run())
