-- test_errors.lua - error objects: text, place, kinds

local helper = require "helper"
local lu = require "luaunit"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

TestErrors = {}

local function line()
  return debug.getinfo(2, "l").currentline
end

function TestErrors.test_text()
  lu.assertEquals(tostring(errors.new("inval", "it is wrong")), "it is wrong")
  lu.assertEquals(tostring(errors.new("inval", "it is wrong", "do it right")),
    "it is wrong (do it right)")
end

function TestErrors.test_is()
  lu.assertTrue(errors.is(errors.new("inval", "x")))
  for _, other in ipairs { "x", 1, {}, setmetatable({}, {}), print } do
    lu.assertFalse(errors.is(other))
  end
  lu.assertFalse(errors.is(nil))
end

function TestErrors.test_level_one_is_the_raising_line()
  local expected
  local problem = helper.fails("inval", "bad", function()
    expected = line() + 1
    errors.raise("inval", "bad", nil, 1)
  end)
  lu.assertEquals(problem.where, ("tests/lua/test_errors.lua:%d:"):format(expected))
  lu.assertEquals(problem.message, "bad")
  lu.assertEquals(tostring(problem), problem.where .. " bad")
end

function TestErrors.test_level_two_is_the_caller()
  local function check() errors.raise("inval", "bad", "do better", 2) end
  local expected
  local problem = helper.fails("inval", "bad (do better)", function()
    expected = line() + 1
    check()
    return true
  end)
  lu.assertStrContains(problem.where, (":%d:"):format(expected))
end

function TestErrors.test_level_zero_has_no_place()
  local problem = helper.fails("io", "gone", errors.raise, "io", "gone", nil, 0)
  lu.assertNil(problem.where)
  lu.assertEquals(tostring(problem), "gone")
end

function TestErrors.test_lines_of_the_library_are_passed_over()
  local rng = require "lunagrad.rng"
  local expected
  local problem = helper.fails("inval", "seed", function()
    expected = line() + 1
    local r = rng.new {}
    return r
  end)
  lu.assertStrContains(problem.where, ("test_errors.lua:%d:"):format(expected))
end

function TestErrors.test_raised_in_a_coroutine()
  local co = coroutine.create(function() errors.raise("state", "bad") end)
  local ok, problem = coroutine.resume(co)
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(problem), "test_errors.lua:")
end

function TestErrors.test_of_the_binding()
  local problem = helper.fails("inval", "expected an engine", core.var, 1)
  lu.assertTrue(errors.is(problem))
end

function TestErrors.test_from_var()
  local e = helper.engine()
  local v = core.format(e, core.var(e, "{missing}", "t"), {}, {}, "made")
  lu.assertNil(errors.from_var(v))
  helper.run(e)
  local problem = errors.from_var(v)
  lu.assertTrue(errors.is(problem))
  lu.assertEquals(problem.kind, "template")
  lu.assertStrContains(tostring(problem), "missing")
  lu.assertFalse(problem.retryable)
  e:close()
end

function TestErrors.test_fields_of_another_kind_do_no_harm()
  local odd = errors.new("inval", nil)
  lu.assertEquals(tostring(odd), "error")
  odd.where = true
  odd.hint = {}
  lu.assertEquals(tostring(odd), "error")
end

function TestErrors.test_words_of_what_was_raised()
  for told, value in pairs { ["plain"] = "plain", ["nil"] = false, ["7"] = 7,
    ["a table without a message"] = {}, ["no disk"] = { message = "no disk", code = 1 },
    ['{"code":1}'] = { code = 1 }, ["a function without a message"] = print,
    ["a thread without a message"] = coroutine.create(print),
    ["a userdata without a message"] = io.stdout,
    ["a table without a message "] = setmetatable({}, { __tostring = function()
      return tostring(io.stdout)
    end }) } do
    local want = told:gsub(" $", "")
    lu.assertEquals(errors.words(value or nil), want)
    lu.assertEquals(errors.wrap(value or nil).message, want)
  end
  local long = errors.words { list = ("x"):rep(100000) }
  lu.assertTrue(#long < 1000)
  lu.assertNotNil(utf8.len(long))
end

os.exit(lu.LuaUnit.run(), true)
