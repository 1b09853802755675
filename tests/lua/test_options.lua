-- test_options.lua - options: unknown keys, types, choices, defaults

local helper = require "helper"
local lu = require "luaunit"
local options = require "lunagrad.options"

TestOptions = {}

local SPEC = {
  steps = "integer?", model = "string|table|nil", batch = "number?", name = "string?",
  run = "callable?", anything = "any", [1] = "function?",
}

local function check(opts, spec)
  local result = options.check(opts, spec or SPEC, "lg.train")
  return result
end

function TestOptions.test_good_ones_come_back()
  local opts = { steps = 3, model = {}, batch = 0.5, anything = false, print }
  lu.assertIs(check(opts), opts)
  lu.assertEquals(check(nil), {})
end

function TestOptions.test_unknown_key_suggests_the_nearest()
  local problem = helper.fails("inval", 'lg.train: unknown option "step"', check, { step = 3 })
  lu.assertEquals(problem.hint, 'did you mean "steps"?')
  problem = helper.fails("inval", { field = "btach" }, check, { btach = 3 })
  lu.assertEquals(problem.hint, 'did you mean "batch"?')
  problem = helper.fails("inval", { field = "STEPS" }, check, { STEPS = 3 })
  lu.assertEquals(problem.hint, 'did you mean "steps"?')
end

function TestOptions.test_unknown_key_that_is_near_to_nothing()
  local problem = helper.fails("inval", { field = "temperature" }, check, { temperature = 3 })
  lu.assertEquals(problem.hint, "possible are anything, batch, model, name, run, steps")
  problem = helper.fails("inval", { field = ("x"):rep(100) },
    check, { [("x"):rep(100)] = 3 })
  lu.assertStrContains(problem.hint, "possible are")
end

function TestOptions.test_odd_keys()
  helper.fails("inval", "unexpected value at position 2", check, { print, 5 })
  helper.fails("inval", "unknown option true", check, { [true] = 1 })
  helper.fails("inval", { field = "x" }, check, { x = 1 }, {})
end

function TestOptions.test_types()
  helper.fails("inval", "steps must be a whole number, got 1.5", check, { steps = 1.5 })
  helper.fails("inval", { field = "steps" }, check, { steps = "3" })
  helper.fails("inval", "model must be a string or table, got 3", check, { model = 3 })
  helper.fails("inval", "argument 1 must be a function, got a table", check, { {} })
  helper.fails("inval", { field = "run" }, check, { run = {} })
  check { run = setmetatable({}, { __call = print }) }
  check { run = print }
end

function TestOptions.test_required()
  helper.fails("inval", "lg.train: name is missing", check, {}, { name = "string" })
  helper.fails("inval", { field = "name" }, check, {}, { name = { type = "string",
    required = true } })
  check({}, { name = { type = "string" } })
  check({}, { name = "any" })
end

function TestOptions.test_searches_are_no_optimizers()
  local lg = require "lunagrad"
  for _, name in ipairs { "race", "gepa", "mipro", "opro", "best_of_n" } do
    local problem = helper.fails("inval", { field = name }, function() return lg.optim[name] end)
    lu.assertStrContains(problem.hint, ("lg.optimize{ method = %q"):format(name))
    lu.assertTrue(pcall(require, "lunagrad.improve.methods." .. name)) -- and there it is
  end
  helper.fails("inval", { hint = 'did you mean "tgd"?' }, function() return lg.optim.tdg end)
  lu.assertEquals(type(lg.optim.tgd), "function")
end

function TestOptions.test_one_of()
  local spec = { grain = { type = "string", one_of = { "edge", "node", "graph" } } }
  check({ grain = "node" }, spec)
  local problem = helper.fails("inval", 'grain must be one of "edge", "node", "graph", got "nod"',
    check, { grain = "nod" }, spec)
  lu.assertEquals(problem.hint, 'did you mean "node"?')
  helper.fails("inval", { field = "grain" }, check, { grain = 1 }, spec)
end

function TestOptions.test_defaults_where_a_metatable_is_hidden()
  local spec = { steps = { type = "integer", default = 12 } }
  for _, shown in ipairs { false, true, "locked", 5 } do
    local given = setmetatable({}, { __metatable = shown })
    lu.assertEquals(options.check(given, spec, "f").steps, 12)
  end
end

function TestOptions.test_defaults_make_a_copy()
  local spec = { steps = { type = "integer", default = 12 }, gate = { type = "boolean",
    default = true },
    name = "string?" }
  local opts = { name = "x", gate = false }
  local full = check(opts, spec)
  lu.assertEquals(full, { name = "x", gate = false, steps = 12 })
  lu.assertNil(opts.steps)
  local all = { steps = 1, gate = true }
  lu.assertIs(check(all, spec), all)
  helper.fails("inval", { field = "steps" }, check, { steps = "many" }, spec)
end

function TestOptions.test_not_a_table()
  helper.fails("inval", "lg.train: expected a table of options, got \"x\"", check, "x")
end

function TestOptions.test_the_first_of_several_mistakes_is_named()
  for _ = 1, 20 do
    helper.fails("inval", { field = "aaa" }, check, { zzz = 1, aaa = 1, mmm = 1, steps = "x" })
    helper.fails("inval", { field = "batch" }, check, { steps = "x", batch = "x", name = 1 })
  end
end

function TestOptions.test_level_is_the_caller_of_the_checking_function()
  local expected
  local problem = helper.fails("inval", { field = "step" }, function()
    expected = debug.getinfo(1, "l").currentline + 1
    check { step = 1 }
    return true
  end)
  lu.assertStrContains(problem.where, ("test_options.lua:%d:"):format(expected))
end

function TestOptions.test_nearest()
  lu.assertEquals(options.nearest("tempature", { "top_p", "temperature" }), "temperature")
  lu.assertNil(options.nearest("x", { "top_p", "temperature" }))
  lu.assertEquals(options.nearest("ab", { "ba", "xyz" }), "ba")
  lu.assertNil(options.nearest("", {}))
end

os.exit(lu.LuaUnit.run(), true)
