--- What examples say, and the graphs of a few of them, as a store keeps them: read for pages.
--
-- A store of an older version has none; what stands in it may be anybody's, so a graph is looked
-- through before anything is made of it.

local core = require "lunagrad.core"
local plain = require "lunagrad.report.plain"
local queries = require "lunagrad.book.queries"

local asked = {}

--- What came in and what is right, of some examples of a search's set.
---@param handle table
---@param search table { id, run_id }
---@param split string|nil "train", "validation", "test"; nil: of an evaluation
---@param examples integer[]
---@return table<integer, table> example → { input, target }
function asked.texts(handle, search, split, examples)
  local found = {}
  if #examples == 0 or not handle.has "sets" then return found end
  local set = handle.one(queries.set_of, search.run_id, search.id, split)
  if not set then return found end
  for _, row in ipairs(handle.query(queries.examples_of(examples), search.run_id, set.number)) do
    found[row.example] = { input = row.input or "", target = row.target }
  end
  return found
end

-- ---- graphs ------------------------------------------------------------------------------------

local NODES, EDGES = 200, 600 -- as book/graphs.lua writes them at most

local function text(value) return type(value) == "string" and value or nil end
local function list(value) return type(value) == "table" and value or {} end

local function node_of(value)
  local node = { op = plain.name(text(value.op)) or "?", role = plain.name(text(value.role)),
    text = text(value.text), state = plain.name(text(value.state)), grad = value.grad == true,
    score = tonumber(value.score), target = tonumber(value.target), with = {} }
  for i, one in ipairs(list(value.with)) do
    node.with[i] = { text(list(one)[1]) or "", text(list(one)[2]) or "" }
  end
  return node
end

local function edge_of(value, n)
  local from, to = math.tointeger(value.from), math.tointeger(value.to)
  if not (from and to) or from < 1 or to < 1 or from > n or to > n or from == to then return nil end
  local edge = { from = from, to = to, name = plain.name(text(value.name)) or "", said = {} }
  for _, one in ipairs(list(value.said)) do edge.said[#edge.said + 1] = text(one) end
  return edge
end

local function graph_of(row)
  local value = core.json_decode(row.graph or "", "number")
  if type(value) ~= "table" or type(value.nodes) ~= "table" then return nil end
  local graph = { candidate = row.candidate_idx, proposal = row.proposal,
    split = plain.name(row.split),
    example = row.example, score = row.score, nodes = {}, edges = {},
    left_out = math.tointeger(value.left_out) or 0 }
  for i = 1, math.min(#value.nodes, NODES) do graph.nodes[i] = node_of(list(value.nodes[i])) end
  local edges = list(value.edges)
  for i = 1, math.min(#edges, EDGES) do
    graph.edges[#graph.edges + 1] = edge_of(list(edges[i]), #graph.nodes)
  end
  return #graph.nodes > 0 and graph or nil
end

-- While nothing is the best, all are as good; nil: it is not shown.
local function rank_of(row, search)
  local heard = row.proposal and 0 or 1
  if row.candidate_idx == 0 or not search.best_idx then return heard end
  if row.candidate_idx == search.best_idx then return 2 + heard end
  return nil
end

--- The graphs that say most: of the texts that it began with and of the best ones, with feedback
--- before those without.
---@param handle table
---@param search table { id, run_id, best_idx }
---@param most integer
---@return table[] graphs { candidate, proposal, split, example, score, nodes, edges, left_out }
---@return integer how many more the store has
function asked.graphs(handle, search, most)
  if not handle.has "graphs" then return {}, 0 end
  local rows, chosen = handle.query(queries.graphs_of, search.run_id, search.id), {}
  for i, row in ipairs(rows) do
    row.place, row.rank = i, rank_of(row, search)
    if row.rank then chosen[#chosen + 1] = row end
  end
  table.sort(chosen, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    return a.place < b.place
  end)
  local of, graphs = {}, {}
  for _, row in ipairs(chosen) do
    local key = tostring(row.candidate_idx)
    if (of[key] or 0) < (most + 1) // 2 and #graphs < most then
      of[key] = (of[key] or 0) + 1
      graphs[#graphs + 1] = graph_of(handle.one(queries.graph_of_id, row.id))
    end
  end
  return graphs, #rows - #graphs
end

return asked
