--- Queries: what the host is asked by a loss, an optimizer or a job, and what it answers.
--
-- Each is a promise that C makes (lua/host/query.c) and keeps with the host's answer: a variable of
-- the graph, or a leaf that holds feedback and score. Here they get what they are about: the
-- candidate's parameters, the example as JSON, the draw and the place in the books. Calls that a
-- host's program makes are not begun here, so they are counted on the way back: those behind its
-- answer.

local core = require "lunagrad.core"
local loop = require "lunagrad.loop"
local promise = require "lunagrad.promise"

local query = {}
local wire = core.host.wire

local texts_of = setmetatable({}, { __mode = "k" }) -- row → JSON

local function json_of(row)
  if row == nil then return "" end
  if not texts_of[row] then texts_of[row] = core.json_encode(row) end
  return texts_of[row]
end

--- A query of an owner: a promise.
---@param owner integer whose it is, as C knows it
---@param what "program"|"evaluate"|"score"|"check"
---@param params Var[]
---@param about table {row, index, text, answer, param}
---@return Var
function query.ask(owner, what, params, about)
  local context = loop.context()
  local candidate = context and context.candidate
  local answer, asks = wire.query(loop.engine(), owner, what, params, {
    example = json_of(about.row), index = about.index or -1, text = about.text or "",
    answer = about.answer, param = about.param or 0,
    sample = candidate and candidate.sample or 0, purpose = context and context.purpose or 0,
  })
  if asks then loop.own(asks) end -- so that it is cancelled with what has begun it
  return loop.own(answer)
end

-- Calls to models that led from parameters to v. The graph may be wide: no recursion.
local function calls_behind(v)
  local open, seen, n = { v }, {}, 0
  while #open > 0 do
    local one = table.remove(open)
    local id = one:own_id()
    if not seen[id] then
      seen[id] = true
      if one:op() == "call" then n = n + 1 end
      for _, input in ipairs(one:inputs()) do open[#open + 1] = input.var end
    end
  end
  return n
end

--- The host's program, on a row: its answer. Where calls are counted this waits for it.
---@param owner integer
---@param params Var[]
---@param row table
---@param index integer
---@return Var
function query.program(owner, params, row, index)
  local answer = query.ask(owner, "program", params, { row = row, index = index })
  local context = loop.context()
  local meter = context and context.candidate and context.candidate.meter
  if meter then
    promise.settled(answer)
    meter.calls = meter.calls + calls_behind(answer)
  end
  return answer
end

--- What the host says of something: its score, and feedback or nil. Waits.
---@param owner integer
---@param what "evaluate"|"score"|"check"
---@param params Var[]
---@param about table as for query.ask
---@return number score, string|nil feedback
function query.score(owner, what, params, about)
  local said = query.ask(owner, what, params, about)
  loop.await(said)
  local words = said:raw_text()
  return (said:raw_score()), words ~= "" and words or nil
end

return query
