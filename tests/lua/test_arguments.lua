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
  for path in assert(io.popen "LC_ALL=C ls lua/meta/*.lua"):lines() do
    local text = path:find "radiotherapy" and "" or command.read(path) -- takes cases and plans of its own
    for name in text:gmatch "\nfunction lunagrad%.([%w_.]+)" do names[#names + 1] = name end
  end
  return names
end

-- They raise what they are given.
local SKIPPED = { ["errors.raise"] = true, ["errors.refuse"] = true }

TestArguments = {}

function TestArguments:test_every_function_tells_wrong_arguments()
  local names = described()
  lu.assertTrue(#names > 95)
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

-- Called by pcall, Lua knows no name of what is called.
function TestArguments:test_functions_of_the_binding_have_the_name_that_scripts_call()
  local v = lg.var "x"
  local decode = require("lunagrad.core").json_decode
  says('lg.json.decode: argument 2: expected "size", "text" or "number"', decode, "1", "all")
  says("lg.json.decode: argument 1: expected a text, got no value", decode)
  says("v:rollback: argument 1: expected a whole number", v.rollback, v, "x")
  says("v:set_role: argument 1: expected", v.set_role, v, {})
  says("v:rollback was called on a wrong object", v.rollback, 5)
  says("call it with a colon: v:state(…)", v.state)
end

function TestArguments:test_functions_that_were_made_look_at_their_arguments()
  for who, take in pairs { tag = lg.extract.tag "A", after = lg.extract.after "A:",
    choice = lg.extract.choice { "A", "B" }, json = lg.extract.json "a",
    any = lg.extract.any(lg.extract.last_number) } do
    local name = "lg.extract." .. who .. "(…): argument 1 (text) must be a string, got "
    says(name .. "nil", take)
    says(name .. "a table", take, {})
    says(name .. "a variable", take, lg.var "x")
  end
  local metric = lg.metric.make { lg.metric.exact, field = "label" }
  says("lg.metric.make(…): argument 1 (prediction) must be a string, got 5", metric, 5)
  says("lg.metric.make(…): argument 2 (row) must be a table, got nil", metric, "x")
  lu.assertEquals(metric("8", { label = "8" }), 1)
  for _, one in ipairs { lg.constraint.max_words(3), lg.constraint.contains "x",
    lg.constraint.matches "x", lg.constraint.one_of { "x" }, lg.constraint.json(),
    lg.constraint.lua_syntax() } do
    says("constraint.check: argument 1 (value) must be a string, got 5", one.check, 5)
  end
end

function TestArguments:test_one_of_some_words()
  for name, fn in pairs { ["json.decode"] = lg.json.decode,
    ["extract.object"] = lg.extract.object } do
    says(("lg.%s: argument 2 (keep) must be one of \"size\", \"text\", \"number\", got \"all\"")
      :format(name), fn, "{}", "all")
    says("argument 2 (keep) must be one of", fn, "{}", {})
    lu.assertEquals(fn("[1]", "text"), { 1 })
  end
end

function TestArguments:test_all_of_as_many_arguments_as_there_are()
  says("lg.extract.any: argument 2 (extractor) must be a callable, got 5", lg.extract.any, print, 5)
  says("lg.extract.any: argument 3 (extractor) must be a callable, got nil", lg.extract.any, print,
    print, nil)
  lu.assertEquals(lg.extract.any(lg.extract.tag "A", lg.extract.last_number) "so 8.", "8")
end

function TestArguments:test_lists_of_constraints()
  for _, name in ipairs { "for_media", "broken" } do
    for _, wrong in ipairs { 5, "x", {}, { text = 5 }, { text = "x", check = 5 } } do
      says("lg.constraint." .. name .. ": argument 1 (list) must be a list of constraints",
        lg.constraint[name], { wrong }, "x")
    end
    lg.constraint[name]({ lg.constraint.max_words(3), { text = "be kind" } }, "x")
  end
end

function TestArguments:test_schemas()
  for _, name in ipairs { "strict", "tidy", "validate" } do
    local function call(full)
      if name == "strict" then return lg.schema.strict(full) end
      return lg.schema[name]({ a = 1 }, full)
    end
    says("lg.schema." .. name .. ": argument", call, 5)
    says("lg.schema." .. name .. ": type: ", call, { type = 5 })
    says("lg.schema." .. name .. ": required: must be a list", call, { required = 5 })
    says("lg.schema." .. name .. ": properties: must be a table", call, { properties = 5 })
    says("lg.schema." .. name .. ": items: expected a schema", call, { items = 5 })
    lu.assertNotNil(call(setmetatable({}, { __metatable = false })))
    local endless = setmetatable({}, { __index = function(_, k) return k end })
    says("lg.schema." .. name .. ": required: must be a list", call, { required = endless })
    says("lg.schema." .. name .. ": enum: must be a list", call, { enum = endless })
  end
end

function TestArguments:test_contexts_of_tasks_tell_an_example_and_a_step()
  says("lg.spawn: argument 2 (context) must be a table, got 5", lg.spawn, print, 5)
  for _, key in ipairs { "scope", "serves", "node" } do
    says(('lg.spawn: context: unknown option "%s"'):format(key), lg.spawn, print, { [key] = 1 })
  end
  says("lg.spawn: context: example must be a whole number", lg.spawn, print, { example = "x" })
  says("lg.spawn: context: example must be at least 0", lg.spawn, print, { example = -1 })
  local context = setmetatable({ example = 3, step = 2 }, { __metatable = false })
  local task = lg.spawn(function(x) return lg.var(x):example() end, context, "x")
  lu.assertEquals(task:await(), 3)
  local inner = lg.spawn(function()
    return lg.spawn(function() return lg.var("x"):example() end, context):await()
  end, { example = 5 })
  lu.assertEquals(inner:await(), 3)
end

function TestArguments:test_only_plain_tables_become_lists()
  says("lg.json.array: argument 1 (list) must be a table without a metatable, got a lunagrad.data",
    lg.json.array, lg.data.list { { a = 1 } })
  says("lg.json.array: argument 1 (list)", lg.json.array, setmetatable({}, { __metatable = false }))
  lu.assertEquals(lg.json.encode(lg.json.array(lg.json.array {})), "[]")
  lu.assertEquals(lg.json.encode(lg.json.array(lg.json.decode "[1]")), "[1]")
end

function TestArguments:test_functions_that_are_told_by_name()
  says("lg.var: argument 2 (role) must be a string, got 5", lg.var, "x", 5)
  says("lg.text.plain: argument 1 (s) must be a string, got nil", lg.text.plain)
  says("lg.text.count_words: argument 1 (s) must be a string, got a variable", lg.text.count_words,
    lg.var "x")
  says("lg.extract.boxed: argument 1 (text) must be a string, got 5", lg.extract.boxed, 5)
  says("lg.metric.truths: argument 1 (row) must be a table, got nil", lg.metric.truths)
  says("lg.metric.score: argument 2 (who) must be a string, got nil", lg.metric.score, 1)
  says("lg.data.get: argument 1 (from) must be a table, got 5", lg.data.get, 5, "x")
  says("lg.data.get: argument 2 (name) must be a string, got nil", lg.data.get, {})
  says("lg.errors.new: argument 1 (kind) must be a string, got nil", lg.errors.new)
  says("lg.agent: role holds a zero byte", lg.agent, { role = "a\0b" })
  says("lg.tool: name holds a zero byte", lg.tool, { name = "a\0b", run = print })
  says("the fields must be a table, got string", lg.loss.critic "Is it?", "x", "y")
end

function TestArguments:test_inputs_of_tools_have_names()
  for _, inputs in ipairs { { {} }, { 5 }, { "a", [3] = "b" }, { "" }, { "a\0b" } } do
    says("lg.tool: inputs is a list of names", lg.tool, { name = "t", run = print,
      inputs = inputs })
  end
  local tool = lg.tool { name = "t", run = function(x) return x end }
  says('tool "t": inputs in a table have names', tool, { "x" })
  lu.assertEquals(tool { question = "x" }:text(), "x")
  lu.assertEquals(tool("x"):text(), "x")
end

function TestArguments:test_counts_that_would_never_come_back()
  local generate, set = lg.task.object_counting.generate, lg.data.list { { a = 1 } }
  for _, n in ipairs { 1000001, 1 << 40, math.maxinteger } do
    says("object_counting.generate: expected how many questions, up to 1000000", generate, n)
    says("sample: at most 10000000 rows", set.sample, set, n * 10 > n and n * 10 or n, 1, true)
  end
  lu.assertEquals(#set:sample(1000, 1, true), 1000)
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

function TestArguments:test_a_table_that_makes_up_values_has_as_many_as_it_says()
  local endless = setmetatable({}, { __index = function() return "x" end })
  lu.assertEquals(lg.embed(endless), {})
  lu.assertEquals(#lg.embed { "a", "b" }, 2)
end

os.exit(lu.LuaUnit.run())
