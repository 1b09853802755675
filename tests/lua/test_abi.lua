-- test_abi.lua - tests/abi.lua fails when the binary interface loses something that the record
-- has, and takes what is new for a note

local lu = require "luaunit"
local command = require "command"

local function abi(verb, record)
  return command.shell(("%s tests/abi.lua %s %s"):format(arg[-1] or "lua5.4", verb, record))
end

TestAbi = {}

function TestAbi:setUp()
  lu.skipIf((os.getenv "LG_PRELOAD" or "") ~= "", "the build is instrumented")
  local machine = command.shell((os.getenv "CC" or "cc") .. " -dumpmachine").out
  lu.skipIf(not machine:find "^x86_64", "recorded for x86-64")
  local library = (os.getenv "BUILD" or "build") .. "/liblunagrad.so"
  lu.skipIf(command.shell("test -e " .. library).code ~= 0, "with this Lua there is no library")
  local file = command.write "" -- a record of what is here now
  local result = abi("record", file)
  lu.assertEquals(result.code, 0, result.out .. result.err)
  self.record = command.read(file)
end

function TestAbi:tearDown() command.remove_files() end

-- The exit code, the output and the record with that changed; each change has to change something.
function TestAbi:changed(pattern, replacement, verb)
  local text, count = self.record:gsub(pattern, replacement)
  lu.assertEquals(count, 1, pattern)
  local file = command.write(text)
  local result = abi(verb or "check", file)
  return result.code, result.out .. result.err, command.read(file)
end

function TestAbi:test_nothing_of_the_record_is_lost()
  local result = abi("check", "tests/abi.txt")
  lu.assertEquals(result.code, 0, result.out .. result.err)
end

function TestAbi:test_what_is_lost_fails()
  local cases = {
    { "gone: function lg_lost", "\nversion ", "\nfunction lg_lost int(void)\nversion " },
    { "gone: symbol lg_lost", "\nversion ", "\nsymbol lg_lost T\nversion " },
    { "gone: field lg_call.lost", "\nversion ", "\nfield lg_call.lost 9 int at 48 of 4\nversion " },
    { "field lg_call.role", "(field lg_call.role %d+ const char%* at )%d+", "%148" },
    { "field lg_call.example", "(field lg_call.example %d+ )int64_t", "%1uint64_t" },
    { "constant LG_FAILED", "(constant LG_FAILED) %d+", "%1 7" },
    { "macro LG_SHOWN", '(macro LG_SHOWN) [^\n]+', '%1 "+seen"' },
    { "function lg_concat", "(function lg_concat int%()[^,]*", "%1void*" },
    { "callback lg_write_fn", "(callback lg_write_fn) int", "%1 void" },
    { "struct lg_usage", "(struct lg_usage) %d+", "%1 8" }, -- it has no size of its own
    { "struct lg_config", "(struct lg_config) %d+", "%1 9999" },
  }
  for _, case in ipairs(cases) do
    local code, text = self:changed(case[2], case[3])
    lu.assertEquals(code, 1, case[1] .. "\n" .. text)
    lu.assertStrContains(text, case[1])
    lu.assertStrContains(text, "1 found")
  end
end

function TestAbi:test_what_is_new_is_a_note()
  for _, gone in ipairs { "function lg_concat [^\n]+\n", "constant LG_EPROGRAM [^\n]+\n",
    "field lg_call.purpose [^\n]+\n" } do
    local code, text = self:changed(gone, "")
    lu.assertEquals(code, 0, text)
    lu.assertStrContains(text, "1 new")
  end
  local code, text = self:changed("(struct lg_config) %d+", "%1 64") -- begins with its size
  lu.assertEquals(code, 0, text)
end

function TestAbi:test_another_version_is_recorded_anew()
  local code, text = self:changed("(\nversion) %d+", "%1 0")
  lu.assertEquals(code, 1)
  lu.assertStrContains(text, "make abi")
  local lost = "%1 7"
  code = self:changed("(constant LG_FAILED) %d+", lost, "record")
  lu.assertEquals(code, 1)
  local after
  code, text, after = self:changed("(\nversion) %d+", "\nconstant LG_LOST 1%1 0", "record")
  lu.assertEquals(code, 0, text)
  lu.assertEquals(after, self.record)
end

os.exit(lu.LuaUnit.run())
