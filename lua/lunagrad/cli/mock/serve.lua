--- From a request to the reply that the mock server gives it: route, key, strict reading, limits,
--- fault, answer, stream. Everything but the connection and the journal.

local core = require "lunagrad.core"
local faults = require "lunagrad.cli.mock.faults"
local hash = require "lunagrad.world.hash"
local plan = require "lunagrad.cli.mock.plan"
local rate = require "lunagrad.cli.mock.rate"
local routes = require "lunagrad.cli.mock.routes"

local serve = {}

--- State that outlives a request: how often each body was seen, and what is left of the limits.
---@param settings table model, key, latency, latency_seed, faults, fault_seed, hang_ms, rpm, tpm,
---  retry_after, split, comments, pace
function serve.new(settings)
  settings.seen, settings.rate = {}, rate.new(settings.rpm, settings.tpm)
  return settings
end

local function context(self, request)
  local names = { "sim/default" }
  if self.model ~= names[1] then names[2] = self.model end
  local virtual = tonumber(request.headers["x-mock-time-ms"])
  local now_us = virtual and math.floor(virtual * 1000) or request.arrival_us
  return { method = request.method, path = request.path, headers = request.headers,
    query = request.query, key = self.key, names = names,
    compatible = self.compatible, id = request.sha256:sub(1, 24),
    created = request.arrival_us // 1000000, now_us = now_us,
    sim_model = function(name) return name:find("^sim/") and name or self.model end }
end

-- How often this body was seen, from 1. Only good requests count.
local function count_attempt(self, sha256)
  local key = sha256:sub(1, 32) -- half of it is enough, and half the memory
  local n = (self.seen[key] or 0) + 1
  self.seen[key] = n
  return n
end

local function whose(ctx)
  local headers = ctx.headers
  return headers.authorization or headers["x-api-key"] or headers["api-key"]
    or headers["x-goog-api-key"] or ctx.query.key or ""
end

local function add_headers(reply, more)
  reply.headers = reply.headers or {}
  for name, value in pairs(more) do reply.headers[name] = value end
  return reply
end

-- The reply above the limits, or nil and the headers that tell what is left of them.
local function limited(self, request, ctx, dialect, tokens)
  if not (self.rpm or self.tpm) then return nil, {} end
  local wait, limits, what = rate.take(self.rate, whose(ctx), ctx.now_us / 1e6, tokens)
  local headers = dialect.limit_headers(limits, ctx)
  if wait == 0 then return nil, headers end
  request.limited = what
  local seconds = math.max(1, math.ceil(wait))
  local name = what == "requests" and "requests per min (RPM)" or "tokens per min (TPM)"
  local message = ("Rate limit reached on %s: Limit %d. Please try again in %.3fs."):format(name,
    what == "requests" and self.rpm or self.tpm, wait)
  local reply = dialect.fault(429, self.retry_after and seconds or nil, ctx, message)
  if self.retry_after and dialect.name:find("^openai") then
    headers["retry-after-ms"] = tostring(math.ceil(wait * 1000))
  end
  return add_headers(reply, headers), headers
end

local function stream_options(self, request)
  return { comments = self.comments, split = self.split, pace = self.pace, hang_ms = self.hang_ms,
    seed = hash.text(request.sha256, request.attempt) }
end

-- What goes wrong with a good request, and how long it takes.
local function draw(self, request)
  local attempt = count_attempt(self, request.sha256)
  local u = plan.draw(self.latency_seed, "latency", request.sha256, attempt)
  request.attempt, request.latency_ms = attempt, self.latency(u)
  request.fault = plan.fault(self.faults, self.fault_seed, request.sha256, attempt)
end

local function good(self, request, ctx, dialect, asked)
  local attempt = (self.seen[request.sha256:sub(1, 32)] or 0) + 1
  local fault = plan.fault(self.faults, self.fault_seed, request.sha256, attempt)
  ctx.no_finish = faults.unfinished(fault)
  asked.filtered = faults.filtered(fault)
  local ok, reply, tokens = pcall(dialect.answer, asked, ctx)
  if not ok then return dialect.fault(500, nil, ctx, "sim failed: " .. tostring(reply)) end
  local refusal, headers = limited(self, request, ctx, dialect, tokens)
  if refusal then return refusal end
  draw(self, request)
  request.tokens, request.stream = tokens, reply.stream ~= nil
  reply = faults.spoil(request.fault, reply, dialect, ctx, stream_options(self, request))
  return add_headers(reply, headers)
end

local function respond(self, request, ctx)
  local dialect, refusal = routes.find(ctx)
  if not dialect then return refusal end
  refusal = dialect.auth(ctx)
  if refusal then return refusal, dialect end
  if dialect.get then return dialect.reply(ctx), dialect end
  if not request.body then return dialect.too_big(ctx), dialect end
  local asked
  asked, refusal = dialect.read(request.body, ctx)
  if not asked then return refusal, dialect end
  return good(self, request, ctx, dialect, asked), dialect
end

--- Answer a request. Sets its latency_ms, and for good ones attempt, fault, tokens and stream;
--- dialect; limited.
---@param self table of serve.new
---@param request table method, path, headers, query, body (nil: too big), arrival_us
---@return table reply { status, headers, body, way, delay_ms, ends, gap_ms, chunked }
function serve.reply(self, request)
  request.sha256 = core.sha256(request.body or "")
  request.latency_ms = 0
  local ctx = context(self, request)
  local reply, dialect = respond(self, request, ctx)
  if dialect then
    request.dialect = ctx.azure and dialect.name:gsub("^openai", "azure") or dialect.name
    add_headers(reply, dialect.headers(ctx))
  end
  reply.delay_ms = request.latency_ms + (reply.hang_ms or 0)
  return reply
end

return serve
