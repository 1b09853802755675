-- test_reference_errors.lua - what the reference says that functions raise, they raise
--
-- A line "---@raises KIND: when" in lua/meta/ has a probe of that name and kind here, and each probe
-- such a line. Lines without a kind are in words, and no promise of one.

require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local reference = require "lunagrad.cli.reference"

lg.configure { store = false }

local NO_FILE = "no such file"
local row = { question = "2 + 2?", answer = "4" }
local v = function() return lg.var "no json" end
local method = function(name, ...)
  local given = table.pack(...)
  return function()
    local one = v()
    return one[name](one, table.unpack(given, 1, given.n))
  end
end
local call = function(fn, ...)
  local given = table.pack(...)
  return function() return fn(table.unpack(given, 1, given.n)) end
end
local set = lg.data.list { row }

-- name → kind → what is called
local PROBES = {
  ["lg.model"] = { nomodel = call(lg.model, "nothing"), auth = call(lg.model, "fireworks/any") },
  ["lg.save"] = { io = function() lg.save(v(), "/no/such/folder/x") end },
  ["lg.image"] = { io = call(lg.image, NO_FILE),
    inval = call(lg.image, { bytes = "fLaC\0\0\0\34" }) },
  ["lg.audio"] = { inval = call(lg.audio, { bytes = "%PDF-1.4\n" }) },
  ["lg.document"] = { inval = call(lg.document, { bytes = "abc" }) },
  ["lg.format"] = { template = call(lg.format, "{a}", { b = 1 }) },
  ["lg.tool"] = { inval = call(lg.tool, { name = "x" }) },
  ["lg.configure"] = { state = function()
    v()
    lg.configure { seed = 1 }
  end },
  ["lg.prompts.use"] = { inval = call(lg.prompts.use, { nothing = "x" }) },
  ["lg.agent"] = { inval = call(lg.agent, { tools = { { run = print } } }) },
  ["lg.embed"] = { inval = call(lg.embed, "") },
  ["lg.retriever"] = { inval = call(lg.retriever, {}) },
  ["lg.schema.of"] = { inval = call(lg.schema.of, { a = "nothing" }) },
  ["lg.json.encode"] = { inval = call(lg.json.encode, { print }) },
  ["lg.data.jsonl"] = { notfound = call(lg.data.jsonl, NO_FILE), parse = call(lg.data.jsonl,
    "README.md") },
  ["lg.data.jsonl_text"] = { parse = call(lg.data.jsonl_text, "{\n") },
  ["lg.data.csv"] = { notfound = call(lg.data.csv, NO_FILE),
    parse = call(lg.data.csv, "Makefile") },
  ["lg.data.csv_text"] = { parse = call(lg.data.csv_text, "a,b\n1,2,3\n") },
  ["lg.data.bbh"] = { notfound = call(lg.data.bbh, NO_FILE),
    parse = call(lg.data.bbh, "README.md") },
  ["lg.data.bbh_text"] = { parse = call(lg.data.bbh_text, "{}") },
  ["dataset:split"] = { inval = call(set.split, set, { 5 }) },
  ["dataset:sample"] = { inval = call(set.sample, set, 5) },
  ["lg.task.gsm8k"] = { notfound = call(lg.task.gsm8k, NO_FILE) },
  ["lg.task.mmlu"] = { notfound = call(lg.task.mmlu, NO_FILE) },
  ["lg.task.gpqa"] = { notfound = call(lg.task.gpqa, NO_FILE) },
  ["lg.task.programs"] = { notfound = call(lg.task.programs, NO_FILE) },
  ["lg.task.multiple_choice"] = { inval = call(lg.task.multiple_choice, { row }) },
  ["lg.command"] = { program = call(lg.command, { "no-such-program" }) },
  ["lg.with"] = { inval = call(lg.with, { x = 1 }, print) },
  ["lg.compare"] = { inval = call(lg.compare, { print, print, data = {}, metric = print }) },
  ["lg.evaluate"] = { inval = call(lg.evaluate, { print, data = {}, metric = print }) },
  ["lg.optim.tgd"] = { inval = call(lg.optim.tgd, {}) },
  ["lg.headroom"] = { inval = call(lg.headroom, { params = {}, program = print, metric = print,
    val = set }) },
  ["lg.plot.svg"] = { inval = call(lg.plot.svg, { series = { { points = { 1 } } } }) },
  ["lg.errors.refuse"] = { inval = call(lg.errors.refuse, "city", "no such city") },
  ["lg.constraint.new"] = { inval = call(lg.constraint.new, "", print) },
  ["lg.loss.critic"] = { inval = call(lg.loss.critic, "") },
  ["lg.loss.judge"] = { inval = call(lg.loss.judge, "") },
  ["lg.loss.compare"] = { inval = call(lg.loss.compare, { "x" }) },
  ["lg.loss.exact"] = { inval = call(lg.loss.exact, nil) },
  ["lg.loss.all"] = { inval = call(lg.loss.all, { 5 }) },
  ["lg.loss.score"] = { inval = call(lg.loss.score, {}) },
  ["lg.metric.truth"] = { inval = call(lg.metric.truth, { question = "x" }) },
  ["lg.metric.truths"] = { inval = call(lg.metric.truths, { question = "x" }) },
  ["Var:value"] = { parse = method "value" }, ["Var:documents"] = { inval = method "documents" },
  ["Var:version"] = { notfound = method("version", 7) },
  ["Var:rollback"] = { notfound = method("rollback", 7) },
  ["Var:set"] = { state = function() lg.model(function() return "x" end) "y":set "z" end },
  ["sandbox:run"] = { inval = function() lg.sandbox():run(5) end },
}

TestRaises = {}

function TestRaises.test_what_is_said_is_raised()
  local problems, seen = {}, {}
  for _, entry in ipairs(reference.all()) do
    for _, text in ipairs(entry.raises) do
      local kind = text:match "^(%l+): "
      local probe = kind and (PROBES[entry.name] or {})[kind]
      local what = ("%s: %s"):format(entry.name, text)
      if kind and not probe then
        problems[#problems + 1] = "no probe: " .. what
      elseif probe then
        seen[entry.name .. kind] = true
        local ok, problem = pcall(probe)
        local got = ok and "nothing" or lg.errors.is(problem) and problem.kind or tostring(problem)
        if got ~= kind then problems[#problems + 1] = ("%s, but it raised %s"):format(what, got) end
      end
    end
  end
  for name, kinds in pairs(PROBES) do
    for kind in pairs(kinds) do
      if not seen[name .. kind] then
        problems[#problems + 1] = name .. " is not said to raise " .. kind
      end
    end
  end
  lu.assertEquals(table.concat(problems, "\n"), "")
end

os.exit(lu.LuaUnit.run(), true)
