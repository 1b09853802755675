-- test_layers.lua - where the boxes of a graph stand: whatever the graph is, and the picture of it

local lu = require "luaunit"
require "lunagrad" -- from then on its modules are found
local graph = require "lunagrad.report.graph"
local hostile = require "hostile"
local layers = require "lunagrad.report.layers"

local function layout(n, edges)
  local list = {}
  for i, edge in ipairs(edges) do list[i] = { from = edge[1], to = edge[2] } end
  return layers.layout { n = n, edges = list, wide = 100, gap = 10, thin = 8 }, list
end

-- No two boxes of a layer over each other.
local function check_apart(where, n)
  local rows = {}
  for i = 1, n do
    rows[where.layer[i]] = rows[where.layer[i]] or {}
    table.insert(rows[where.layer[i]], where.x[i])
  end
  for _, row in pairs(rows) do
    table.sort(row)
    for k = 2, #row do lu.assertTrue(row[k] - row[k - 1] >= 100 - 1e-6) end
  end
end

TestLayers = {}

function TestLayers:test_what_is_read_stands_above()
  local where, edges = layout(5, { { 2, 1 }, { 3, 1 }, { 4, 2 }, { 5, 2 }, { 5, 1 } })
  for _, edge in ipairs(edges) do
    lu.assertTrue(where.layer[edge.from] > where.layer[edge.to])
  end
  lu.assertEquals(where.layer[1], 1)
  lu.assertEquals(#edges[5].route, where.layer[5] - 2) -- it passes what is between
  check_apart(where, 5)
end

function TestLayers:test_crossings_are_taken_out()
  local where = layout(7, { { 2, 1 }, { 3, 1 }, { 4, 1 }, { 7, 2 }, { 6, 3 }, { 5, 4 } })
  lu.assertEquals(where.crossings, 0)
end

function TestLayers:test_many_of_all_sorts()
  local chain, fan, all = {}, {}, {}
  for i = 2, 200 do
    chain[#chain + 1] = { i, i - 1 }
    fan[#fan + 1] = { i, 1 }
    for k = 1, i - 1 do
      if #all < 600 then all[#all + 1] = { i, k } end
    end
  end
  lu.assertEquals(layout(200, chain).layers, 200)
  local wide = layout(200, fan)
  check_apart(wide, 200)
  lu.assertTrue(wide.wide < 4000)
  check_apart(layout(200, all), 200)
end

function TestLayers:test_rings_and_nothing()
  check_apart(layout(3, { { 1, 2 }, { 2, 3 }, { 3, 1 } }), 3)
  lu.assertEquals(layout(0, {}).layers, 0)
  check_apart(layout(1, {}), 1)
end

TestPicture = {}

local function example(n)
  local one = { nodes = {}, edges = {}, left_out = 0 }
  for i = 1, n do
    one.nodes[i] = { op = "model call", role = "part " .. i, text = ("text "):rep(i), with = {} }
    if i > 1 then
      one.edges[i - 1] = { from = i, to = (i + 1) // 3, name = "in", said = { "say <more> " .. i } }
    end
  end
  return one
end

function TestPicture:test_it_is_well_made()
  for _, n in ipairs { 1, 2, 5, 60, 200 } do
    hostile.read((graph.svg(example(n), "g", "sim")), "graph of " .. n)
  end
end

function TestPicture:test_the_list_says_the_same()
  local raw = graph.section({ example(9) }, 3, { best_idx = 1 }, "s1", nil, 100000)
  for i = 1, 9 do lu.assertStrContains(raw.text, ('id="s1g1n%d"'):format(i)) end
  lu.assertStrContains(raw.text, "say &lt;more&gt; 9")
  hostile.read(raw.text, "section")
end

function TestPicture:test_lines()
  lu.assertEquals(graph.lines("one two three four", 9, 5), { "one two", "three", "four" })
  lu.assertEquals(graph.lines("", 9, 2), {})
  local cut = graph.lines(("word "):rep(50), 20, 3)
  lu.assertEquals(#cut, 3)
  lu.assertStrContains(cut[3], "…")
  for _, line in ipairs(graph.lines(("漢字"):rep(40), 20, 3)) do
    lu.assertTrue(utf8.len(line) <= 12)
  end
end

os.exit(lu.LuaUnit.run())
