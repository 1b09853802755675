-- test_examples.lua - what the record keeps of examples: their texts, once a set, and the graphs of a
-- few of them
--
-- No model is asked over a network. What a report makes of it is test_report.lua's.

local lu = require "luaunit"
local command = require "command"
local core = require "lunagrad.core"
local graphs = require "lunagrad.book.graphs"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"
local record = require "lunagrad.book.record"

local dir = command.temp ".store"
record.describe { name = "examples", script = "examples.lua", args = {} }
lg.configure { store = dir, virtual_clock = true }

local function query(sql, ...) return loop.engine():store_query(sql, ...) end

local function begin(kind) return record.search { kind = kind, names = { "p" }, seed = 3 } end

local function set_of(tape, split)
  return query("SELECT * FROM sets WHERE search_id = ? AND split = ?", tape.id, split)[1]
end

local function texts_of(tape, split)
  return query("SELECT * FROM examples WHERE set_number = ? ORDER BY example",
    set_of(tape, split).number)
end

-- ---- what rows say --------------------------------------------------------------------------

TestRows = {}

function TestRows:test_a_row_is_its_input_and_what_is_right()
  local tape, cyclic = begin "train", {}
  cyclic.itself = cyclic
  tape:set("train", { { question = "2 + 2?", answer = "4" }, { b = "x", a = 1.5, answer = 4 },
    { question = { "deep", { 1 } }, answers = { "one", "two" } }, "a bare text",
    { "first", "next" }, { question = cyclic }, { question = "\0\255", answer = "\254" }, 7,
    { question = lg.image { bytes = "\137PNG\r\n\26\n" .. ("x"):rep(20) } } })
  local rows = texts_of(tape, "train")
  local inputs, targets = {}, {}
  for i, row in ipairs(rows) do inputs[i], targets[i] = row.input, row.target or "-" end
  lu.assertEquals(inputs[1], "2 + 2?")
  lu.assertEquals(inputs[2], "a: 1.5\nb: x")
  lu.assertEquals(inputs[3], '["deep",[1]]')
  lu.assertEquals({ inputs[4], inputs[5], inputs[8] }, { "a bare text", '["first","next"]', "7" })
  lu.assertTrue(#inputs[6] > 0 and utf8.len(inputs[7]) ~= nil)
  lu.assertStrContains(inputs[9], "image/png")
  lu.assertEquals({ targets[1], targets[2], targets[3], targets[4] },
    { "4", "4", "one or two", "-" })
end

function TestRows:test_the_same_rows_are_one_set()
  local rows = { { q = "a" }, { q = "b" } }
  local first, other, third = begin "train", begin "evaluate", begin "train"
  first:set("validation", rows)
  other:set("test", { rows[1], rows[2] })
  third:set("train", { rows[2], rows[1] })
  local number = set_of(first, "validation").number
  lu.assertEquals(set_of(other, "test").number, number)
  lu.assertNotEquals(set_of(third, "train").number, number)
  lu.assertEquals(#texts_of(first, "validation"), 2)
end

-- So many sets that the first is forgotten: it is a set of its own then, and memory is bounded.
function TestRows:test_rows_are_not_kept_for_the_record()
  local weak = setmetatable({ { q = "held by nobody" } }, { __mode = "v" })
  begin("train"):set("train", { weak[1] })
  collectgarbage()
  lu.assertNil(weak[1])
end

function TestRows:test_large_sets_and_long_texts_are_cut()
  local rows = {}
  for i = 1, 3000 do rows[i] = { q = "row " .. i } end
  rows[1] = { q = ("ü"):rep(5000), answer = ("ß"):rep(5000) }
  local tape = begin "train"
  tape:set("train", rows)
  local kept = texts_of(tape, "train")
  lu.assertEquals({ #kept, set_of(tape, "train").rows }, { 2000, 3000 })
  lu.assertTrue(#kept[1].input < 2100 and #kept[1].target < 600)
  lu.assertNotNil(utf8.len(kept[1].input))
  for i = 1, 1000 do rows[i] = { q = ("long "):rep(1000) } end
  tape:set("test", rows)
  lu.assertTrue(#texts_of(tape, "test") < 600)
end

-- ---- graphs ----------------------------------------------------------------------------------

TestGraph = {}

local function graph_of(v) return core.json_decode(graphs.text(v), "number") end

local function find(graph, role)
  for i, node in ipairs(graph.nodes) do
    if node.role == role then return node, i end
  end
end

function TestGraph:test_nodes_edges_and_what_was_said()
  local model = lg.model(function() return "no" end, "m")
  local critic = lg.model(function() return "be kinder" end, "critic")
  local prompt = lg.param("Be brief.", "system prompt")
  local answer = model { "Is it?", system = prompt, role = "the answer" }
  local loss = lg.loss.critic { "Is it kind?", model = critic }(answer)
  lg.default { backward = critic, optimizer = critic }
  loss:backward():await()
  local graph = graph_of(loss)
  local said, at = find(graph, "the answer")
  local _, from = find(graph, "system prompt")
  lu.assertEquals({ said.text, said.op }, { "no", "model call" })
  local heard
  for _, edge in ipairs(graph.edges) do
    if edge.from == from and edge.to == at then heard = edge.said end
  end
  lu.assertEquals(heard, { "be kinder" })
end

-- No stack, and no more than what is drawn.
function TestGraph:test_large_graphs_are_cut()
  local v = lg.var "a"
  for _ = 1, 20000 do v = v .. "b" end
  v:text()
  local graph = graph_of(v)
  lu.assertEquals(#graph.nodes, 200)
  lu.assertTrue(graph.left_out > 0)
  local wide = {}
  for i = 1, 3000 do wide[i] = lg.var("text " .. i) end
  lu.assertEquals(#graph_of(lg.sum(wide)).nodes, 200)
end

function TestGraph:test_what_is_no_text()
  local picture = lg.image { bytes = "\137PNG\r\n\26\n" .. ("x"):rep(20) }
  lu.assertStrContains(graph_of(picture).nodes[1].text, "image/png")
  local failed = lg.tool { name = "t", run = function() error "broken" end } "x"
  pcall(failed.text, failed)
  lu.assertEquals(graph_of(failed).nodes[1].state, "failed")
  local long = graph_of(lg.var(("\u{10000}"):rep(5000))).nodes[1].text
  lu.assertTrue(#long < 700 and utf8.len(long) ~= nil)
  lu.assertNil(graphs.text "no variable")
end

local function train()
  local calls = 0
  local model = lg.model(function() return "no" end, "m")
  local critic = lg.model(function()
    calls = calls + 1
    return "<NEW_VARIABLE>say yes " .. calls .. "</NEW_VARIABLE>"
  end, "critic")
  lg.default { model = model, backward = critic, optimizer = critic }
  local prompt = lg.param("start", "prompt")
  local rows = {}
  for i = 1, 6 do rows[i] = { q = tostring(i), answer = "yes" } end
  local exact = lg.loss.exact {}
  return { program = function(row) return model { row.q, system = prompt } end,
    params = { prompt }, train = rows, val = { table.unpack(rows) }, metric = lg.metric.exact,
    loss = function(answer, row) return exact(answer, row.answer) end, seed = 1 }
end

local function graphs_since(id)
  return query("SELECT * FROM graphs WHERE id > ? ORDER BY id", id)
end

local function last_graph() return query("SELECT coalesce(max(id), 0) AS n FROM graphs")[1].n end

function TestGraph:test_a_training_leaves_some()
  local before, spec = last_graph(), train()
  spec.steps, spec.batch, spec.accept = 6, 2, "always"
  lg.train(spec)
  local list, starts, later = graphs_since(before), 0, {}
  lu.assertTrue(#list > 4)
  for _, row in ipairs(list) do
    local graph = core.json_decode(row.graph, "number")
    lu.assertTrue(#graph.nodes >= 3)
    if row.proposal and row.candidate_idx == 0 then starts = starts + 1 end
    if row.proposal and row.candidate_idx > 0 then
      lu.assertNil(later[row.candidate_idx])
      later[row.candidate_idx] = true
    end
    lu.assertEquals(row.split, row.proposal and "train" or "validation")
  end
  lu.assertEquals(starts, 2)
end

function TestGraph:test_a_search_leaves_some()
  local before, spec = last_graph(), train()
  spec.budget, spec.operators = { evaluations = 60 }, { "gradient" }
  lg.optimize(spec)
  local heard, made = 0, 0
  for _, row in ipairs(graphs_since(before)) do
    heard, made = heard + (row.proposal and 1 or 0), made + (row.proposal and 0 or 1)
  end
  lu.assertTrue(made >= 1 and heard >= 1)
end

function TestGraph:test_they_are_few()
  local before, tape = last_graph(), begin "optimize"
  for idx = 0, 999 do tape:graph { candidate = idx, split = "validation", text = "{}" } end
  lu.assertEquals(last_graph() - before, 32)
  tape:candidate { idx = 1000, iteration = 1, texts = { "a" }, score = 1, best = true }
  tape:graph { candidate = 1000, split = "validation", text = "{}" }
  lu.assertEquals(last_graph() - before, 33)
  local evaluation = begin "evaluate"
  for _ = 1, 3 do evaluation:graph { example = 1, text = "{}" } end
  lu.assertEquals(last_graph() - before, 34)
end

local code = lu.LuaUnit.run()
os.execute("rm -rf " .. command.quote(dir))
os.exit(code)
