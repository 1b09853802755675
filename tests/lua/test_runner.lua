-- test_runner.lua - tests/run.sh counts what programs of any cmocka say, and believes their exit
-- codes; tests/judge.sh lets only the recorded version of a style tool fail
--
-- The programs and tools are shell scripts made here, that say what the real ones say.

package.path = "tests/lua/?.lua;" .. package.path

local lu = require "luaunit"
local command = require "command"

TestCounts = {}

function TestCounts:tearDown() command.remove_files() end

-- Runs run.sh on one program that prints `lines` and ends with `code`; returns what run.sh printed
-- last, its own exit code, and all of it.
local function counts(lines, code, lint)
  local dir = command.temp() .. ".d"
  local text = command.write(lines)
  local got = command.shell(([[
    unset LG_TEST_WRAP LG_TEST_FILTER LG_TEST_SLOW LG_PRELOAD
    mkdir -p %s/tests/engine %s/lint; echo lint-format >%s/lint/failed
    printf '#!/bin/sh\ncat %s\nexit %d\n' >%s/tests/engine/test_log
    chmod +x %s/tests/engine/test_log
    BUILD=%s LG_TEST_ONLY=c LG_TEST_LINT=%s tests/run.sh tests/engine/test_log; code=$?
    rm -r %s; exit $code]]):format(dir, dir, dir, text, code, dir, dir, dir, lint or "", dir))
  return got.out:match "([^\n]*)\n*$", got.code, got.out
end

local OLD = [[
[==========] Running 4 test(s).
[ RUN      ] test_a
[       OK ] test_a
[==========] 4 test(s) run.
]]
local NEW = [[
[==========] tests: Running 4 test(s).
[ RUN      ] test_a
[       OK ] test_a
[==========] tests: 4 test(s) run.
]]

function TestCounts.test_closing_lines_of_either_cmocka_are_read()
  local function is(lines, code, wanted)
    local last, ended = counts(lines, code)
    lu.assertEquals({ last, ended }, { wanted, code })
  end
  for _, head in ipairs { OLD, NEW } do
    local group = head == NEW and "tests: " or ""
    is(head .. "[  PASSED  ] 4 test(s).\n", 0, "4 passed, 0 failed")
    is(head .. "[  PASSED  ] 3 test(s).\n[  SKIPPED ] " .. group ..
      "1 test(s), listed below:\n[  SKIPPED ] test_b\n\n 1 SKIPPED TEST(S)\n", 0,
      "3 passed, 0 failed, 1 skipped")
    is(head .. "[  PASSED  ] 2 test(s).\n[  FAILED  ] " .. group ..
      "2 test(s), listed below:\n[  FAILED  ] test_a\n[  FAILED  ] test_b\n\n 2 FAILED TEST(S)\n",
      1, "2 passed, 2 failed")
    -- a fixture that breaks is listed nowhere
    is(head .. "[  ERROR   ] test_a\n[  PASSED  ] 3 test(s).\n", 1, "3 passed, 1 failed")
  end
end

function TestCounts.test_exit_codes_count()
  local last, code, all = counts(NEW .. "[  PASSED  ] 4 test(s).\n", 3)
  lu.assertEquals({ last, code }, { "4 passed, 1 failed", 1 })
  lu.assertStrContains(all, "exit code 3")
  last, code = counts("some other closing words\n", 0)
  lu.assertEquals({ last, code }, { "1 passed, 0 failed", 0 })
  last, code = counts("some other closing words\n", 1)
  lu.assertEquals({ last, code }, { "0 passed, 1 failed", 1 })
  last, code = counts("", 0) -- says nothing at all
  lu.assertEquals({ last, code }, { "0 passed, 1 failed", 1 })
  last, code = counts("[ RUN      ] test_a\n", 139)
  lu.assertEquals({ last, code }, { "0 passed, 1 failed", 1 })
end

function TestCounts.test_how_lint_ended_is_shown_before_the_counts()
  local good = NEW .. "[  PASSED  ] 4 test(s).\n"
  local last, code, all = counts(good, 0, "0")
  lu.assertEquals({ last, code }, { "4 passed, 0 failed", 0 })
  lu.assertStrContains(all, "\nlint: ok\n")
  last, code, all = counts(good, 0, "2")
  lu.assertEquals({ last, code }, { "4 passed, 0 failed", 1 })
  lu.assertStrContains(all, "\nlint: FAILED: lint-format\n")
end

TestJudge = {}

function TestJudge:tearDown() command.remove_files() end

local function judge(version, tool_version, code)
  local dir = command.temp() .. ".d"
  return command.shell(([[
    mkdir %s; printf '#!/bin/sh\nif [ "$1" = --version ]; then echo "Some tool version %s"; exit; fi
echo "x.c:1:2: error: too short"; exit %d\n' >%s/tool; chmod +x %s/tool
    PATH=%s:$PATH tests/judge.sh %s tool x.c; code=$?; rm -r %s; exit $code]]):format(dir,
    tool_version, code, dir, dir, dir, version, dir))
end

function TestJudge.test_the_recorded_version_fails_and_another_is_a_note()
  for _, version in ipairs { "14.0.6", "14.1", "14" } do
    local got = judge("14", version .. ".0", 1)
    lu.assertEquals({ got.code, got.out }, { 1, "x.c:1:2: error: too short\n" })
  end
  for _, version in ipairs { "19.1.7", "13.0.1", "140.0", "1.4" } do
    local got = judge("14", version, 1)
    lu.assertEquals(got.code, 0)
    lu.assertStrContains(got.out, "note: tool " .. version)
    lu.assertStrContains(got.out, "too short")
  end
  lu.assertEquals(judge("1.1", "1.1.0", 3).code, 3)
  lu.assertEquals(judge("1.1", "1.2.0", 3).code, 0)
  local got = judge("14", "19.1.7", 0)
  lu.assertEquals({ got.code, got.out }, { 0, "" })
end

function TestJudge.test_a_tool_that_is_missing_or_dies_fails_in_any_version()
  lu.assertEquals(command.shell("tests/judge.sh 14 no-such-tool x").code, 127)
  lu.assertEquals(judge("14", "19.1.7", 139).code, 139)
end

os.exit(lu.LuaUnit.run())
