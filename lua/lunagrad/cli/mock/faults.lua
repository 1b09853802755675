--- What becomes of the right reply when a fault is drawn, in the form of its dialect.
--- Some faults change the answer, some what is said instead, some how the bytes are sent.

local stream = require "lunagrad.cli.mock.stream"

local faults = {}

local HTML_PAGE = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>"
  .. "<body><h1>Bad gateway</h1><p>A fault of lunagrad mock.</p></body></html>\n"

local SLOW_PARTS, SLOW_GAP_MS = 10, 100

local function breaks(text) return (text:gsub("{", "{<<garbage>>", 1)) end

local function malformed(reply)
  if reply.events then
    local at = (#reply.events + 1) // 2
    reply.events[at] = breaks(reply.events[at])
  else
    reply.body = breaks(reply.body)
  end
end

-- The first half of the events, then an error, all under status 200.
local function error_200(reply, dialect, ctx)
  if not reply.events then
    local said = dialect.fault(500, nil, ctx)
    said.status = 200
    return said
  end
  local half = #reply.events // 2
  for i = #reply.events, half + 1, -1 do reply.events[i] = nil end
  reply.events[half + 1] = dialect.stream_error(ctx, half)
end

-- Before the bytes are made: fn(reply, dialect, ctx) → another reply, or nil.
local BEFORE = {
  ["429"] = function(_, dialect, ctx) return dialect.fault(429, nil, ctx) end,
  ["429-retry-after"] = function(_, dialect, ctx) return dialect.fault(429, 1, ctx) end,
  html = function()
    return { status = 200, headers = { ["Content-Type"] = "text/html" }, body = HTML_PAGE }
  end,
  malformed = malformed, ["error-200"] = error_200,
}
for _, status in ipairs({ 500, 502, 503, 529 }) do
  BEFORE[tostring(status)] = function(_, dialect, ctx) return dialect.fault(status, nil, ctx) end
end

local function slow(reply)
  local n, ends = #reply.body, {}
  for i = 1, SLOW_PARTS - 1 do
    local at = n // SLOW_PARTS * i
    if at > (ends[#ends] or 0) then ends[#ends + 1] = at end
  end
  if n > 0 then ends[#ends + 1] = n end
  reply.ends, reply.gap_ms = ends, SLOW_GAP_MS
end

-- When the bytes are there.
local AFTER = {
  reset = function(reply) reply.way = "reset" end,
  ["reset-body"] = function(reply) reply.way = "reset-body" end,
  close = function(reply) reply.way = "close" end,
  truncate = function(reply) stream.cut(reply, #reply.body // 2) end,
  slow = slow,
  timeout = function(reply, hang_ms) reply.way, reply.hang_ms = "close", hang_ms end,
}

--- Does this fault change what the world answers? It has no end, or a filter stops it.
function faults.unfinished(kind) return kind == "no-finish" end
function faults.filtered(kind) return kind == "filter" end

--- Spoil a reply, and make its bytes.
---@param kind string|nil
---@param reply table
---@param dialect table
---@param ctx table
---@param options table of stream.finish, and hang_ms
---@return table reply
function faults.spoil(kind, reply, dialect, ctx, options)
  local before, after = BEFORE[kind or ""], AFTER[kind or ""]
  if before then reply = before(reply, dialect, ctx) or reply end
  if reply.events then reply = stream.finish(reply, options) end
  if after then after(reply, options.hang_ms) end
  return reply
end

return faults
