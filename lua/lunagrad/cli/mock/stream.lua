--- Makes one reply of a stream's events: comments between them, and the bytes at which it is split.
--- Pure.

local hash = require "lunagrad.world.hash"

local stream = {}

local TYPES = { sse = "text/event-stream; charset=utf-8", ndjson = "application/x-ndjson" }
local COMMENT = ": keep-alive\n\n"
local MOST_RANDOM = 64

--- Where a body of this many bytes is split: every n bytes, or at random.
---@param length integer
---@param split integer|"random"
---@param seed integer
---@return integer[]
function stream.ends(length, split, seed)
  local ends, at, i = {}, 0, 0
  while at < length do
    i = i + 1
    at = at + (split == "random" and hash.int(seed, tostring(i), MOST_RANDOM) or split)
    ends[i] = math.min(at, length)
  end
  return ends
end

local function with_comments(reply)
  if reply.stream ~= "sse" then return reply.events end
  local events = {}
  for i, event in ipairs(reply.events) do
    events[#events + 1] = event
    if i % 2 == 1 and i < #reply.events then events[#events + 1] = reply.ping or COMMENT end
  end
  return events
end

--- Turn { status, stream, events } into { status, headers, body, ends, gap_ms, chunked }.
---@param reply table
---@param options { comments: boolean?, split: integer|"random"|nil, pace: integer?, seed: integer }
function stream.finish(reply, options)
  local events = options.comments and with_comments(reply) or reply.events
  local ends, at = {}, 0
  for i, event in ipairs(events) do
    at = at + #event
    ends[i] = at
  end
  local body = table.concat(events)
  if options.split then ends = stream.ends(#body, options.split, options.seed) end
  return { status = reply.status, body = body, ends = ends, gap_ms = options.pace, chunked = true,
    way = reply.way, headers = { ["Content-Type"] = TYPES[reply.stream],
    ["Cache-Control"] = "no-cache" } }
end

--- Cut a finished stream at a byte.
function stream.cut(reply, length)
  reply.body = reply.body:sub(1, length)
  local ends = {}
  for _, at in ipairs(reply.ends or {}) do
    if at < length then ends[#ends + 1] = at end
  end
  if length > 0 then ends[#ends + 1] = length end
  reply.ends = ends
end

return stream
