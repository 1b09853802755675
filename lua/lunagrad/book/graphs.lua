--- The graph of one example as a row of the store: what each node made, what was read by whom, and
--- the feedback on the edges.
--
-- Looked at, never waited for, and bounded: so many nodes from the end on, so many bytes of a text.
-- Nothing here is recursive: a chain of a million nodes needs no stack. What the JSON means,
-- docs/store.md says; report/graph.lua draws it.

local calls = require "lunagrad.book.calls"
local core = require "lunagrad.core"
local examples = require "lunagrad.book.examples"
local var = require "lunagrad.var"

local graphs = {}

local NODES, EDGES = 200, 600
local VALUE, SAID, NAME, SAYINGS = 600, 400, 120, 3 -- bytes of texts; how many on an edge

local function array(list) return setmetatable(list, core.array) end

local function short(text, most) return (core.clean(examples.cut(text, most))) end

local function value_of(v, state)
  if state ~= "ready" then return nil end
  local text, media = v:raw_text(), v:raw_media()
  if media == calls.TURN then text = calls.turn_words(text) end
  if not media or media:find "json" then return short(text, VALUE) end
  if media:find "url$" then return ("[%s %s]"):format(media, short(text, NAME)) end
  return ("[%s, %d bytes]"):format(media, #text)
end

local function node_of(v)
  local state, role = v:raw_state(), short(v:raw_role(), NAME)
  local score, target = v:raw_score()
  return { op = v:op(), role = role ~= "" and role or nil, text = value_of(v, state),
    state = state ~= "ready" and state or nil, grad = v:grad() or nil, score = score,
    target = target }
end

-- What was said on each edge: consumer's id, number of the input → texts.
local function read_feedback(v, said)
  for _, one in ipairs(v:raw_feedback()) do
    if one.state ~= "none" then
      local key = ("%d %d %d"):format(v:own_id(), one.from, one.input)
      local list = said[key] or {}
      said[key] = list
      if #list < SAYINGS then
        list[#list + 1] = one.state == "empty" and "" or short(one.text, SAID)
      end
    end
  end
end

-- Variables in the order of a walk from the end, each once.
local function walk(root)
  local list, number, edges, left_out = { root }, { [root:own_id()] = 1 }, {}, 0
  local at = 1
  while at <= #list do
    for i, input in ipairs(list[at]:inputs()) do
      local v, id = input.var, input.var and input.var:own_id()
      if v and not number[id] then
        if #list < NODES then
          list[#list + 1] = v
          number[id] = #list
        else
          left_out = left_out + 1
        end
      end
      if #edges < EDGES and (not v or number[id]) then
        edges[#edges + 1] = { from = v and number[id], to = at, input = i, one = input }
      end
    end
    at = at + 1
  end
  return list, edges, left_out
end

local function text_of(root)
  local list, edges, left_out = walk(root)
  local said, nodes, lines = {}, {}, {}
  for i, v in ipairs(list) do
    nodes[i] = node_of(v)
    read_feedback(v, said)
  end
  for _, edge in ipairs(edges) do
    local name = short(edge.one.name or "", NAME)
    if edge.from then
      local heard = said[("%d %d %d"):format(list[edge.from]:own_id(), list[edge.to]:own_id(),
        edge.input)]
      lines[#lines + 1] = { from = edge.from, to = edge.to, name = name ~= "" and name or nil,
        said = heard and array(heard) }
    else
      local node = nodes[edge.to]
      node.with = node.with or array {}
      local text = edge.one.media and ("[%s]"):format(edge.one.media) or edge.one.text or ""
      table.insert(node.with, array { name, short(text, VALUE) })
    end
  end
  return core.json_encode { nodes = array(nodes), edges = array(lines),
    left_out = left_out > 0 and left_out or nil }
end

--- The graph behind what a program returned; nil where that is no variable.
---@param root any
---@return string|nil JSON
function graphs.text(root)
  if not var.is(root) then return nil end
  local ok, text = pcall(text_of, root)
  return ok and text or nil -- a picture that cannot be drawn ends no run
end

return graphs
