-- test_order.lua - the checks of the order see what breaks it: an include, a call, a require, a
-- circle; what luacheck does not see in Lua; where braces stand in C
--
-- Each plants one fault into a copy and wants it told, by file and name; the tree itself is
-- clean. The order is tests/layers.txt, and for Lua in tests/check_requires.lua.

package.path = "tests/lua/?.lua;" .. package.path

local lu = require "luaunit"
local command = require "command"

local BUILD = os.getenv "BUILD" or "build"

TestIncludes = {}

function TestIncludes:tearDown() command.remove_files() end

-- What check_layers.sh says of a tree in which `line` is added to `file`.
local function included(file, line)
  local dir = command.temp() .. ".d"
  local got = command.shell(([[
    mkdir %s && cp -r engine lua %s/ && echo '%s' >>%s/%s
    tests/check_layers.sh %s; code=$?; rm -r %s; exit $code]]):format(dir, dir, line, dir, file,
    dir, dir))
  return got.code, got.out
end

function TestIncludes.test_the_tree_is_clean()
  local code, out = included("engine/base/clock.c", "/* nothing */")
  lu.assertEquals({ code, out }, { 0, "lint: layers\n" })
end

function TestIncludes.test_what_breaks_it()
  local faults = {
    { "engine/net/http.c", '#include "front/front_internal.h"', "net may not include front/" },
    { "engine/sched/sched.c", '#include "store/store.h"', "sched may not include store/" },
    { "engine/base/clock.c", '#include "model/model.h"', "base may not include model/" },
    { "engine/front/engine.c", '#include "net/http_internal.h"', "private header of net/" },
    { "engine/front/call.c", '#include "graph/gradient_internal.h"', "private header of graph/" },
    { "engine/front/call.c", '#include "call.h"', 'not "folder/header.h"' },
    { "engine/graph/op.c", "#include <curl/curl.h>", "is for engine/net/ alone" },
    { "engine/model/model.c", "#include <lua.h>", "the engine knows no Lua" },
    { "engine/lunagrad.h", "#include <stdio.h>", "lunagrad.h includes only" },
    { "lua/binding/core.c", '#include "command/term.h"', "binding may not include command/" },
    { "lua/binding/core.c", '#include "base/mem.h"', "lua/ includes of the engine lunagrad.h and" },
    { "lua/command/term.c", '#include "store/store.h"', 'lg_inside.h, not "store/store.h"' },
  }
  for _, fault in ipairs(faults) do
    local code, out = included(fault[1], fault[2])
    lu.assertEquals(code, 1, fault[2])
    lu.assertStrContains(out, fault[1] .. ":")
    lu.assertStrContains(out, fault[3])
  end
end

TestCalls = {}

function TestCalls:tearDown() command.remove_files() end

-- What check_symbols.sh says of the objects when `object` has one more function, which holds
-- `code`; layers: what of the list is taken away.
local function called(object, code, layers)
  local dir = command.temp() .. ".d"
  local source = command.write("void planted(void);\n" .. code .. "\n")
  local got = command.shell(([[
    exec 2>&1
    mkdir %s && cp -rs "$(realpath %s/engine)" "$(realpath %s/lua)" %s/ &&
    grep -v '%s' tests/layers.txt >%s/layers.txt && o=%s/%s.o &&
    cc -x c -c -o %s/planted.o %s && ld -r -o %s/both.o "$(realpath $o)" %s/planted.o &&
    rm $o && mv %s/both.o $o && LAYERS=%s/layers.txt BUILD=%s tests/check_symbols.sh
    code=$?; rm -r %s; exit $code]]):format(dir, BUILD, BUILD, dir, layers or "no such line", dir,
    dir, object, dir, source, dir, dir, dir, dir, dir, dir))
  return got.code, got.out
end

local function planted(name)
  return ("void %s(void); void planted(void) { %s(); }"):format(name, name)
end

function TestCalls.test_the_tree_is_clean_and_has_one_circle()
  local code, out = called("engine/base/clock", "void planted(void) {}")
  lu.assertEquals(code, 0, out)
  lu.assertEquals(out:match "up (%d+), circles", "0")
  lu.assertEquals(out:match "circles (%d+)", "1")
  lu.assertTrue(tonumber(out:match "inside (%d+)") <= 80)
end

function TestCalls.test_what_breaks_it()
  local faults = { -- the object, what it calls, what is told
    { "engine/base/clock", "lg_engine_cancel", "base/clock.c calls lg_engine_cancel()" },
    { "engine/net/http", "lg__sched_due", "net/ may not call sched/" },
    { "engine/store/sqlite/store", "lg__sched_due", "store/ may not call sched/" },
    { "lua/binding/larg", "lg__mem_init", "binding/larg.c calls lg__mem_init() of base/mem.c" },
    { "lua/command/term", "lg__store_row", "not declared by lg_inside.h" },
    { "engine/sched/sched_lane", "lg__sched_next",
      "call each other round: sched/sched sched/sched_lane" },
  }
  for _, fault in ipairs(faults) do
    local object, name, told = table.unpack(fault)
    local code, out = called(object, planted(name))
    lu.assertEquals(code, 1, out)
    lu.assertStrContains(out, told)
  end
end

function TestCalls.test_a_circle_needs_a_reason()
  local code, out = called("engine/base/clock", "void planted(void) {}", "^circle")
  lu.assertEquals(code, 1, out)
  lu.assertStrContains(out, "call each other round: graph/graph graph/party graph/var")
end

TestRequires = {}

function TestRequires:tearDown() command.remove_files() end

-- What check_requires.lua says of a copy in which `line` is added to `file`.
local function required(file, line)
  local dir = command.temp() .. ".d"
  local got = command.shell(([[
    mkdir -p %s/lua && cp -r lua/lunagrad %s/lua/ && echo '%s' >>%s/lua/lunagrad/%s
    %s tests/check_requires.lua %s; code=$?; rm -r %s; exit $code]]):format(dir, dir, line, dir,
    file, command.quote(arg[-1]), dir, dir))
  return got.code, got.out
end

function TestRequires.test_the_tree_has_no_circle()
  local code, out = required("var.lua", "")
  lu.assertEquals(code, 0, out)
  lu.assertEquals(out:match "circles (%d+)", "0")
end

function TestRequires.test_what_breaks_it()
  local faults = {
    { "loss.lua", 'local function f() return require "lunagrad.cli.run" end',
      "the library may not require lunagrad.cli.run" },
    { "init.lua", 'require("lunagrad.cli.run")', "the library requires lunagrad.cli.run" },
    { "book/record.lua", 'require "lunagrad.improve.train"', "book/ may not require" },
    { "world/init.lua", 'require "lunagrad.prompts"', "world/ may not require lunagrad.prompts" },
    { "var.lua", 'local function f() return require "lunagrad.model" end',
      "require each other round: lunagrad.model lunagrad.structured lunagrad.var" },
    { "loss.lua", 'require "lunagrad.nothing"', "there is no module lunagrad.nothing" },
    { "loss.lua", 'require "lunagrad.term"', "lunagrad.term is for cli/ alone" },
  }
  for _, fault in ipairs(faults) do
    local code, out = required(fault[1], fault[2])
    lu.assertEquals(code, 1, fault[2])
    lu.assertStrContains(out, fault[3])
  end
  lu.assertEquals((required("loss.lua", '-- require "lunagrad.cli.run"')), 0)
end

TestLua = {}

function TestLua:tearDown() command.remove_files() end

local function checked(text)
  local got = command.shell(("%s tests/check_lua.lua %s"):format(command.quote(arg[-1]),
    command.write(text, ".lua")))
  return got.code, (got.out:gsub("^[^:]*:", ""))
end

function TestLua.test_long_functions_are_told()
  local function of(lines)
    return "local t = {}\nfunction t.f()\n" .. ("  t.x = 1\n"):rep(lines) .. "end\nreturn t\n"
  end
  lu.assertEquals({ checked(of(79)) }, { 0, "" })
  lu.assertEquals({ checked(of(200)) }, { 1, "2: a function of 201 lines: 80 at most\n" })
  -- what only looks like the end of one
  lu.assertEquals((checked(of(40) .. 'local s = "end" -- end\n' .. of(60))), 0)
end

function TestLua.test_loops_that_change_their_variable_are_told()
  local fine = { "for i = 1, 3 do local j = i; j = 2 end", "for i = 1, 3 do local i = 2; i = 3 end",
    "for i = 1, 3 do t.i = 3; t = { i = 4 } end", "for i = 1, 3 do f(function(i) i = 2 end) end",
    "for i = 1, 3 do end i = 4", 'for i = 1, 3 do s = "i = 2" end',
    "for i = 1, 3 do if i == 2 then end end" }
  for _, text in ipairs(fine) do lu.assertEquals({ checked(text) }, { 0, "" }, text) end
  local wrong = { "for i = 1, 3 do i = 2 end", "for k, v in pairs(t) do k = 2 end",
    "for i = 1, 3 do if x then y() else i = 2 end end", "for i = 1, 3 do a, i = 1, 2 end",
    "for i = 1, 3 do while true do i = 2 end end", "for i = 1, 3 do f(function() i = 2 end) end" }
  for _, text in ipairs(wrong) do
    local code, out = checked(text)
    lu.assertEquals(code, 1, text)
    lu.assertStrMatches(out, "1: %w+ is the loop's own variable.*")
  end
end

TestBraces = {}

function TestBraces:tearDown() command.remove_files() end

-- What is told of a function's body; and what --fix makes of it, without its layout.
local function braces(body)
  local path = command.write("void f(void)\n{\n" .. body .. "\n}\n", ".c")
  local lua = command.quote(arg[-1])
  local got = command.shell(("%s tests/check_braces.lua %s"):format(lua, path))
  command.shell(("%s tests/check_braces.lua --fix %s"):format(lua, path))
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  text = text:sub(16, -4):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  return select(2, got.out:gsub("\n", "")), text
end

function TestBraces.test_what_is_told_and_mended()
  local cases = {
    { "if (a)\n b();", 0 }, { "if (a) {\n b();\n}", 1, "if (a) b();" },
    { "if (a) {\n b();\n c();\n}", 0 }, { "while (a) {\n b();\n}", 1, "while (a) b();" },
    { "if (a)\n b();\nelse {\n c();\n d();\n}", 1, "if (a) { b(); } else { c(); d(); }" },
    { "if (a) {\n b();\n} else {\n c();\n}", 2, "if (a) b(); else c();" },
    { "if (a) {\n b();\n} else if (x) {\n c();\n} else {\n d();\n e();\n}", 0 },
    { "for (;;)\n if (a)\n  b();", 1, "for (;;) { if (a) b(); }" },
    { "if (a) {\n /* why */\n b();\n}", 0 }, { "if (a) {\n b(1,\n 2);\n}", 0 },
    { "if (a)\n b(1,\n 2);", 1, "if (a) { b(1, 2); }" },
    { "do {\n a();\n} while (b);", 0 }, { "while (a())\n ;", 0 }, { "if (a) {\n}", 0 },
    { "x = (s){1, 2};\n/* if (a) { b(); } */\n#define M if (a) { b(); }", 0 },
    { "switch (a) {\ncase 1:\n if (b) {\n  c();\n }\n}", 1,
      "switch (a) { case 1: if (b) c(); }" },
  }
  for _, case in ipairs(cases) do
    local told, mended = braces(case[1])
    lu.assertEquals(told, case[2], case[1])
    lu.assertEquals(mended, case[3] or (case[1]:gsub("%s+", " ")), case[1])
  end
end

os.exit(lu.LuaUnit.run())
