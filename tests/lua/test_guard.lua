-- test_guard.lua - plain arguments that are wrong: an error object names function and argument

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

local fails = helper.fails

TestGuard = {}

function TestGuard.test_texts_of_extractors()
  for _, name in ipairs { "trim", "last_number", "last_line", "whole", "code", "object" } do
    local who = "lg.extract." .. name .. ": argument 1 must be a string, got "
    fails("inval", who .. "nil", lg.extract[name])
    fails("inval", who .. "number", lg.extract[name], 5)
    fails("inval", who .. "a variable", lg.extract[name], lg.var "x")
  end
end

function TestGuard.test_texts_of_extractors_that_were_made()
  for who, take in pairs { tag = lg.extract.tag "A", after = lg.extract.after "A:",
    choice = lg.extract.choice { "A", "B" }, json = lg.extract.json "a",
    any = lg.extract.any(lg.extract.last_number) } do
    fails("inval", "the function of lg.extract." .. who .. ": argument 1 must be", take, {})
  end
  fails("inval", "lg.extract.any: argument 2 must be a function", lg.extract.any, print, 5)
  lu.assertEquals(lg.extract.any(lg.extract.tag "A", lg.extract.last_number) "so 8.", "8")
end

function TestGuard.test_predictions_and_rows_of_metrics()
  for _, name in ipairs { "exact", "number", "contains", "f1" } do
    fails("inval", "lg.metric." .. name .. ": argument 1 must be a string", lg.metric[name])
    fails("inval", "lg.metric." .. name .. ": argument 2 must be a table", lg.metric[name], "x", 1)
    lu.assertEquals(lg.metric[name]("8", { answer = "8" }), 1)
  end
  fails("inval", "lg.metric.same: argument 2", lg.metric.same, "x")
  fails("inval", "lg.metric.canonical_number: argument 1", lg.metric.canonical_number, {})
end

function TestGuard.test_lists_of_constraints()
  for _, name in ipairs { "for_media", "broken" } do
    fails("inval", "must be a list of constraints", lg.constraint[name], { 5 }, "x")
  end
end

function TestGuard.test_functions_of_the_module()
  fails("inval", "lg.map: argument 1 must be a list, got number", lg.map, 5, print)
  fails("inval", "lg.map: argument 2 must be a function, got nil", lg.map, {})
  fails("inval", "lg.spawn: argument 1 must be a function", lg.spawn, 5)
  fails("inval", "lg.spawn: argument 2 must be a table", lg.spawn, print, 5)
  fails("inval", "table without a scope", lg.spawn, print, { scope = 1 })
  fails("inval", "lg.save: argument 1 must be a variable", lg.save)
  fails("inval", "lg.default: argument 1 must be a table", lg.default)
  fails("inval", "lg.var: argument 2 must be a string", lg.var, "x", 5)
  fails("inval", "lg.errors.from_var: argument 1", lg.errors.from_var, 5)
  fails("inval", "lg.json.array: argument 1 must be a table", lg.json.array, "x")
end

function TestGuard.test_schemas()
  fails("inval", "lg.schema.strict: argument 1 must be a JSON Schema", lg.schema.strict, 5)
  fails("inval", "must be a list", lg.schema.of, { type = "object", properties = {}, required = 5 })
  fails("inval", "must be a list", lg.schema.of, { type = "string", enum = "a" })
end

function TestGuard.test_names_without_zero_bytes()
  fails("inval", "lg.agent: role holds a zero byte", lg.agent, { role = "a\0b" })
  fails("inval", "lg.tool: name holds a zero byte", lg.tool, { name = "a\0b", run = print })
end

function TestGuard.test_lists_of_generators()
  local rng = lg.rng.new(1)
  fails("inval", "rng:shuffle: expected a list, got number", rng.shuffle, rng, 5)
  fails("inval", "rng:pick: expected a list, got nil", rng.pick, rng)
  fails("inval", "there is no form for", lg.json.encode)
end

function TestGuard.test_more_fields_of_a_loss_are_a_table()
  fails("inval", "the fields must be a table, got string", lg.loss.critic "Is it?", "x", "y")
end

os.exit(lu.LuaUnit.run())
