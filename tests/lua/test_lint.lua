-- test_lint.lua - comparisons that are never true are found before a script runs, and no others

require "helper"
local lu = require "luaunit"
local command = require "command"
local lint = require "lunagrad.cli.lint"

local function found(code)
  local list = {}
  for _, one in ipairs(lint.comparisons('local m = lg.model "sim/default"\n' .. code)) do
    list[#list + 1] = one.line .. " " .. one.name
  end
  return table.concat(list, ", ")
end

TestLint = {}

function TestLint:test_what_is_never_the_same()
  lu.assertEquals(found 'local v = m "q"\nif v == "3" then end', "3 v")
  lu.assertEquals(found "local v = m(q) if v ~= '3' then end", "2 v")
  lu.assertEquals(found "local v = m{ q, system = p }\nprint(v == 3)", "3 v")
  lu.assertEquals(found 'local v = lg.format("{a}", { a = 1 })\nprint("x" == v)', "3 v")
  lu.assertEquals(found 'local t = lg.tool{ name = "x" } local v = t(1)\nreturn v == "y"', "3 v")
end

function TestLint:test_what_may_be()
  for _, code in ipairs { 'local v = m "q"\nif v:text() == "3" then end',
    'local v = m("q"):text()\nif v == "3" then end', 'local v = m(q).score if v == 1 then end',
    'local v = 3 if v == 3 then end', 'local v = m "q" if v.score == 1 then end',
    'local v = m "q"\n-- v == "3" is false\n', 'local v = m "q" if w.v == "3" then end',
    'local v = m "q" if v == other then end', 'local v = m "q" print(#v == 3)',
    'local vv = m "q" local v = 1 if v == 1 then end',
    'local v = m "q" print(tostring(v) == "3")' } do
    lu.assertEquals(found(code), "", code)
  end
end

function TestLint:test_texts_that_are_no_lua()
  for _, code in ipairs { "", '"', "local v = m(", "local v = m '", "\0\255 == 3", ("("):rep(1e5),
    ('local v = m "q" '):rep(2000) } do
    lu.assertEquals(found(code), "")
  end
end

function TestLint:test_it_is_told_before_the_first_call()
  local path = command.write('local lg = require "lunagrad"\nlocal m = lg.model()\n'
    .. 'local v = m "I have two pears. How many fruits?"\nprint(v == "2")\n', ".lua")
  local got = command.run("run", path, "--no-store")
  lu.assertEquals({ got.code, got.out }, { 0, "false\n" })
  lu.assertStrContains(got.err, path .. ":4:")
  lu.assertEquals(command.run("run", path, "--no-store", "--display", "none").err, "")
  command.remove_files()
end

-- The project's own scripts have none.
function TestLint:test_no_script_here_has_any()
  for path in io.popen("ls scripts/*.lua scripts/*/*.lua"):lines() do
    lu.assertEquals(#lint.comparisons(command.read(path)), 0, path)
  end
end

os.exit(lu.LuaUnit.run())
