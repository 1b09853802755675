-- test_arguments.lua - every public function with arguments that are wrong, missing or huge: an error
-- object at the caller's line that names the function and quotes no page

local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local errors = require "lunagrad.errors"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local HUGE = ("y\27"):rep(20000)
local VALUES = { false, 5, function() end, "x", {}, true, { 1, 2 }, io.stdout, 0 / 0,
  math.mininteger, HUGE, "\xff\u{9b}\u{202e}" }
local NOTHING = {}
VALUES[1] = NOTHING -- nil

-- Functions that give what they are given back, or whose errors are of other things: of files, of the
-- text of a data set, of rows, of what a program or a metric returned.
local OF_OTHER_THINGS = { "No such file", "not valid JSON", "the data set is empty",
  "is a directory", "the row has no", "must return", "there is no form", "has the name",
  "File name too long", "a constraint is a text", "expected a type", "JSON", "NUL", "text:1",
  "not UTF-8", "cannot be set", "invalid UTF-8", "a score must be", "lg.data.csv" }

local function is_of_other_things(text)
  for _, words in ipairs(OF_OTHER_THINGS) do
    if text:find(words, 1, true) then return true end
  end
  return false
end

-- Called as scripts do, so that Lua knows the name.
local function caller(path, colon)
  local code = colon and ("local o = ... return (o:%s(select(2, ...)))")
    or "local o = ... return (o.%s(select(2, ...)))"
  return assert(load(code:format(path), "=script"))
end

local function check(name, call, object, ...)
  local ok, problem = pcall(call, object, ...)
  if ok then return end
  local text = tostring(problem)
  local what = ("%s: %s"):format(name, text:sub(1, 300))
  lu.assertTrue(errors.is(problem), "no error object: " .. what)
  lu.assertTrue(#text < 1500, "a page: " .. what)
  lu.assertNil(text:find "[\0-\8\11-\31\127]", "control characters: " .. what)
  lu.assertNotNil(utf8.len(text), "not UTF-8: " .. what)
  local short = name:match "([%w_]+)$"
  if not is_of_other_things(text) then
    lu.assertStrContains(text, short, false, "the function is not named: " .. what)
    lu.assertStrContains(tostring(problem.where), "script:1", false, "another's line: " .. what)
  end
end

local function try(name, call, object)
  local function value(i)
    local one = VALUES[i]
    if one == NOTHING then return nil end
    return type(one) == "table" and table.move(one, 1, #one, 1, {}) or one -- a fresh one
  end
  check(name, call, object)
  for i = 1, #VALUES do
    check(name, call, object, value(i))
    for j = 1, #VALUES do check(name, call, object, value(i), value(j)) end
  end
end

-- What lua/meta describes: "extract.code", "Var:text".
local function described()
  local names = {}
  for name in command.read("lua/meta/lunagrad.lua"):gmatch "\nfunction lunagrad%.([%w_.]+)" do
    names[#names + 1] = name
  end
  return names
end

local SKIPPED = { ["errors.raise"] = true } -- it raises what it is given

TestArguments = {}

function TestArguments:test_every_function_tells_wrong_arguments()
  local names = described()
  lu.assertTrue(#names > 70)
  for _, name in ipairs(names) do
    if not SKIPPED[name] then try(name, caller(name), lg) end
  end
end

function TestArguments:test_every_method_tells_wrong_arguments()
  local Var = require("lunagrad.core").var_methods
  for name in pairs(Var) do
    if not name:find "^raw_" and name ~= "watch" and name ~= "unwatch" then
      try(name, caller(name, true), lg.param("t", "r"))
      for _, wrong in ipairs { 5, "x", NOTHING, io.stdout } do
        check(name, caller(name), Var, wrong ~= NOTHING and wrong or nil)
      end
    end
  end
end

function TestArguments:test_methods_of_objects()
  local rng, tgd = lg.rng.new(1), lg.optim.tgd { lg.param("t", "r") }
  local task = lg.spawn(function() end)
  task:await()
  for _, one in ipairs { { rng, { "int", "float", "shuffle", "pick", "fork" } },
    { tgd, { "zero_grad", "parameters" } }, { task, { "await" } },
    { lg.data.list { { a = 1 } }, { "split", "take", "slice", "map", "filter", "sample", "shuffle",
      "batches" } } } do
    local object, names = one[1], one[2]
    for _, name in ipairs(names) do
      try(name, caller(name, true), object)
      local call = caller(name)
      local methods = { [name] = object[name] }
      check(name, call, methods)
      check(name, call, methods, 5)
    end
  end
end

local function says(words, fn, ...)
  helper.fails("inval", words, fn, ...)
end

function TestArguments:test_the_function_the_argument_what_was_expected_and_what_came()
  says("lg.map: argument 1 (list) must be a table, got 5", lg.map, 5, print)
  says("lg.map: argument 1 (list) must be a table, got nil", lg.map, nil, print)
  says("lg.map: argument 2 (fn) must be a callable, got nil", lg.map, {})
  says("lg.extract.code: argument 1 (text) must be a string, got nil", lg.extract.code)
  says("lg.save: argument 1 (variable) must be a variable, got nil", lg.save)
  says("rng:shuffle: argument 1 (list) must be a table, got 5", lg.rng.new(1).shuffle,
    lg.rng.new(1), 5)
  says("rng:pick: argument 0 (rng) must be a lunagrad.rng, got nil", lg.rng.new(1).pick)
  says("call it with a colon", lg.var("x").text)
  says("got a lunagrad.rng", lg.extract.trim, lg.rng.new(1))
end

function TestArguments:test_a_value_is_quoted_short_and_visible()
  lu.assertEquals(errors.quoted "a\n\"b\"\t\27[31m", [["a\n\"b\"\t\x1b[31m"]])
  lu.assertEquals(errors.quoted "\xff\u{9b}ü\u{202e}世", [["\xff\u{9b}ü\u{202e}世"]])
  local long = errors.quoted(("世"):rep(1000))
  lu.assertEquals(long, '"' .. ("世"):rep(20) .. '"… (3000 bytes)')
  says('got "yyy', lg.sleep, ("y"):rep(1000000))
  local _, problem = pcall(lg.sleep, ("y"):rep(1000000))
  lu.assertTrue(#problem.message < 200)
end

os.exit(lu.LuaUnit.run())
