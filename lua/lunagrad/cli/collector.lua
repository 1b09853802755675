--- Traces, sent to a collector of OpenTelemetry's: OTLP over HTTP in its JSON encoding.
--
-- Where they go and with which headers, the variables OTEL_EXPORTER_OTLP_… of the environment say, and
-- of nothing else: no file of a project may name an address that headers with keys go to. What a
-- server says is shown with the values of the headers starred out. A request that is told to come
-- again (429, 502, 503, 504), or had no answer, is sent again after a pause.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local term = require "lunagrad.term"

local collector = {}

local SPANS = 200         -- in one request
local BYTES = 2 << 20     -- and as much, but for one span that is larger
local TRIES = 5
local TIMEOUT_MS = 10000
local FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 500, 30000
local UNREACHED = { connect = true, timeout = true, reset = true, truncated = true }
local AGAIN = { [429] = true, [502] = true, [503] = true, [504] = true }

local function env(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

-- ---- where, and with what ------------------------------------------------------------------

local function with_path(base)
  local path, query = base:match "^([^?#]*)(.*)$"
  path = path:gsub("/+$", "")
  return (path:find "/v1/traces$" and path or path .. "/v1/traces") .. query
end

local function address_of(endpoint)
  local url = endpoint and with_path(endpoint) or env "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
  if not url then
    local base = env "OTEL_EXPORTER_OTLP_ENDPOINT"
    if not base then
      args.fail("--send knows no collector",
        "--endpoint http://127.0.0.1:4318, or OTEL_EXPORTER_OTLP_ENDPOINT")
    end
    url = with_path(base)
  end
  if not url:find "^https?://[^/?#]" then
    args.fail("the collector's address is no http:// or https:// one", "http://127.0.0.1:4318")
  end
  if url:find "^%a+://[^/?#]*@" then
    args.fail("the collector's address holds a name or password",
      "OTEL_EXPORTER_OTLP_HEADERS=authorization=…")
  end
  return url
end

local function check_protocol()
  local protocol = env "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" or env "OTEL_EXPORTER_OTLP_PROTOCOL"
  if protocol == "grpc" then
    args.fail("OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and this speaks http/json",
      "OTEL_EXPORTER_OTLP_PROTOCOL=http/json, and the collector's port for HTTP (4318)")
  end
end

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- "name=value,name=value", as W3C's baggage is written.
local function headers_of(text)
  local lines, secrets = { "Content-Type: application/json\n" }, {}
  for piece in (text or ""):gmatch "[^,]+" do
    local name, value = piece:match "^%s*([^=]-)%s*=%s*(.-)%s*$"
    value = value and decoded(value)
    if not name or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" or value:find "[%c]" then
      args.fail("OTEL_EXPORTER_OTLP_HEADERS is not name=value,name=value",
        "values are written with %20 for a blank")
    end
    lines[#lines + 1] = ("%s: %s\n"):format(name, value)
    for secret in (value .. " "):gmatch "(%S+)%s" do
      if #secret >= 4 then secrets[#secrets + 1] = secret end
    end
  end
  table.sort(secrets, function(a, b) return #a > #b end)
  return table.concat(lines), secrets
end

local function timeout_of()
  local name = env "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT" and "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"
    or "OTEL_EXPORTER_OTLP_TIMEOUT"
  local text = env(name)
  if not text then return TIMEOUT_MS end
  local ms = math.tointeger(tonumber(text))
  if not ms or ms < 1 or ms > 600000 then
    args.fail(("%s needs milliseconds from 1 to 600000, not %q"):format(name, text))
  end
  return ms
end

-- ---- sending ------------------------------------------------------------------------------------

local function starred(self, text)
  for _, secret in ipairs(self.secrets) do text = text:gsub(secret:gsub("%p", "%%%0"), "***") end
  return display.fit(display.clean_line(text), 300)
end

local function message_of(row)
  local reply = core.json_decode(row.body or "")
  if type(reply) == "table" and type(reply.message) == "string" then return reply.message end
  return (row.body or ""):sub(1, 300)
end

local function fail(self, row)
  if row.error then
    args.fail(("the collector at %s was not reached: %s"):format(self.shown,
      starred(self, row.error)), row.hint and starred(self, row.hint))
  end
  local hint
  if row.status == 401 or row.status == 403 then
    hint = "OTEL_EXPORTER_OTLP_HEADERS holds its key"
  elseif row.status >= 300 and row.status < 400 then
    hint = "name the address it moved to"
  elseif row.status == 404 or row.status == 405 then
    hint = "traces go to /v1/traces of a collector's port for HTTP, usually 4318"
  end
  local said = starred(self, message_of(row))
  args.fail(("the collector at %s answered HTTP %d%s"):format(self.shown, row.status,
    said ~= "" and ": " .. said or ""), hint)
end

-- What it did not take, though it took the request.
local function note_rejected(self, row)
  local reply = core.json_decode(row.body or "")
  local partial = type(reply) == "table" and reply.partialSuccess
  local n = type(partial) == "table" and math.tointeger(tonumber(partial.rejectedSpans))
  if not n or n <= 0 then return end
  self.rejected = self.rejected + n
  if type(partial.errorMessage) == "string" then
    self.why = self.why or starred(self, partial.errorMessage)
  end
end

local function pause_of(row, try)
  local ms = FIRST_PAUSE_MS << (try - 1)
  return math.min(LONGEST_PAUSE_MS, row.retry_after_ms or ms)
end

-- One request, again where the server asks for that.
local function post(self, body)
  for try = 1, TRIES do
    local row = { url = self.url, headers = self.headers, post = body }
    self.get({ row }, self.options)
    if (row.status or 0) >= 200 and row.status < 300 and not row.error then
      return note_rejected(self, row)
    end
    local worth = UNREACHED[row.kind or ""] or AGAIN[row.status or 0]
    if not worth or try == TRIES or term.signals() > 0 then fail(self, row) end
    self.sleep(pause_of(row, try))
  end
end

local function flush(self)
  if #self.spans == 0 then return end
  post(self, self.head .. table.concat(self.spans, ",") .. self.tail)
  self.sent = self.sent + #self.spans
  self.spans, self.bytes = {}, 0
end

---@class lunagrad.collector
local methods = {}
methods.__index = methods

--- Take a span; it is sent with others.
---@param span table
function methods:add(span)
  local text = core.json_encode(span)
  if #self.spans == SPANS or #self.spans > 0 and self.bytes + #text > BYTES then flush(self) end
  self.spans[#self.spans + 1], self.bytes = text, self.bytes + #text
end

--- Send what is left. How many were sent, refused, and why; and where they went, to be shown.
---@return { sent: integer, rejected: integer, why: string|nil, to: string }
function methods:close()
  flush(self)
  return { sent = self.sent, rejected = self.rejected, why = self.why, to = self.shown }
end

--- The name that the service has in the traces.
---@return string|nil
function collector.service() return env "OTEL_SERVICE_NAME" end

--- A collector, not asked yet.
---@param endpoint string|nil of the command line
---@param frame { head: string, tail: string }
---@param with? { get: function, sleep: function } of a test
---@return lunagrad.collector
function collector.open(endpoint, frame, with)
  check_protocol()
  local url = address_of(endpoint)
  local headers, secrets = headers_of(env "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
    or env "OTEL_EXPORTER_OTLP_HEADERS")
  local ca = require("lunagrad.model").engine_settings()
  local self = setmetatable({ url = url, headers = headers, secrets = secrets,
    head = frame.head, tail = frame.tail, spans = {}, bytes = 0, sent = 0, rejected = 0,
    options = { timeout_ms = timeout_of(), ca_file = ca.ca_file, ca_path = ca.ca_path },
    get = with and with.get or require("lunagrad.look").get,
    sleep = with and with.sleep or term.sleep_ms }, methods)
  self.shown = starred(self, (url:gsub("[?#].*$", "")))
  return self
end

return collector
