-- test_order.lua - the checks of the order see what breaks it: an include, a call, a circle
--
-- Each plants one fault into a copy and wants it told, by file and name; the tree itself is
-- clean. The order is tests/layers.txt.

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
    tests/check_layers.sh %s; code=$?; rm -r %s; exit $code]]):format(dir, dir, line, dir, file, dir,
    dir))
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

local function planted(name) return ("void %s(void); void planted(void) { %s(); }"):format(name, name) end

function TestCalls.test_the_tree_is_clean_and_has_one_circle()
  local code, out = called("engine/base/clock", "void planted(void) {}")
  lu.assertEquals(code, 0, out)
  lu.assertEquals(out:match "up (%d+), circles", "0")
  lu.assertEquals(out:match "circles (%d+)", "1")
end

function TestCalls.test_what_breaks_it()
  local faults = { -- the object, what it calls, what is told
    { "engine/base/clock", "lg_engine_cancel", "base/clock.c calls lg_engine_cancel()" },
    { "engine/net/http", "lg__sched_due", "net/ may not call sched/" },
    { "engine/store/sqlite/store", "lg__sched_due", "store/ may not call sched/" },
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
  lu.assertStrContains(out, "call each other round: graph/graph graph/var")
end

os.exit(lu.LuaUnit.run())
