--- `lunagrad mock`: an OpenAI-compatible server on loopback that serves lunagrad.sim.
--
-- The loop, the journal and the command's options are here; what is said in mock_chat, how it
-- goes wrong in mock_plan, and HTTP itself in lunagrad.mockd. One thread, one process.

local args = require "lunagrad.cli.args"
local chat = require "lunagrad.cli.mock_chat"
local core = require "lunagrad.core"
local mockd = require "lunagrad.mockd"
local plan = require "lunagrad.cli.mock_plan"
local term = require "lunagrad.term"

local mock = {}

local FLUSH_SECONDS = 0.1
local IDLE_MS = 1000

mock.spec = { name = "mock", options = {
  { names = { "--port" }, key = "port", type = "integer", min = 0, max = 65535,
    what = "a port number" },
  { names = { "--model" }, key = "model", type = "word", what = "a model of sim" },
  { names = { "--latency" }, key = "latency", type = "word", what = "milliseconds" },
  { names = { "--latency-seed" }, key = "latency_seed", type = "word", what = "a seed" },
  { names = { "--faults" }, key = "faults", type = "word", what = "a rate" },
  { names = { "--fault" }, key = "fault", type = "word", list = true, what = "KIND=RATE" },
  { names = { "--fault-seed" }, key = "fault_seed", type = "word", what = "a seed" },
  { names = { "--hang" }, key = "hang", type = "number", min = 0, max = 86400,
    what = "seconds" },
  { names = { "--key" }, key = "key", type = "word", what = "the key clients must send" },
  { names = { "--journal" }, key = "journal", type = "word", what = "a file name" },
  { names = { "--ready-file" }, key = "ready_file", type = "word", what = "a file name" },
  { names = { "--once" }, key = "once", type = "integer", min = 1, what = "a count" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }

--- The text of `lunagrad help mock`.
function mock.help()
  local kinds = {}
  for i, kind in ipairs(plan.kinds) do
    kinds[i] = ("    %-16s %s"):format(kind[1], kind[2])
  end
  return ([[
usage: lunagrad mock [options]

An OpenAI-compatible server on 127.0.0.1 that answers with "sim", lunagrad's rule-based stand-in
for a language model, and misbehaves as told: for tests of clients, without a key or a bill.
POST /v1/chat/completions and GET /v1/models; Ctrl-C ends it.

  --port N            listen there (default: a free port, which is printed)
  --model NAME        the sim model for clients that name another (default sim/default;
                      "sim/noise=0.2" and the like)
  --latency SPEC      milliseconds before a reply: 200, uniform:50..400,
                      or tail:100,p=0.05,x20 (5%% of the replies take 20 times as long)
  --latency-seed S    other latencies for the same requests (default 1)
  --faults RATE       this share of the requests, such as 20%% or 0.2, fails in mixed ways
  --fault KIND=RATE   one kind of fault; may be given several times
  --fault-seed S      other faults for the same requests (default 1)
  --hang SECONDS      how long "timeout" holds a connection (default 600)
  --key KEY           refuse clients that do not send this key (401)
  --journal FILE      append every request, one JSON object a line
  --ready-file FILE   written with the base URL as soon as the server listens
  --once N            stop after N requests

  Kinds of fault:
%s

Faults and latencies depend on the seed, the request's body and how often that body was seen,
never on the order of arrival.

examples:
  lunagrad mock --port 8080 --latency 200
  lunagrad mock --faults 20%% --journal calls.jsonl
  lunagrad mock --port 8080 & OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=x \
      lunagrad run scripts/prompt.lua -m openai/anything
]]):format(table.concat(kinds, "\n"))
end

local function error_fault(status, message, kind, code, headers)
  local reply = chat.error(status, message .. " (a fault of lunagrad mock)", kind, nil, code)
  if headers then
    headers["Content-Type"] = "application/json"
    reply.headers = headers
  end
  return reply
end

local HTML_PAGE = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>"
  .. "<body><h1>Bad gateway</h1><p>A fault of lunagrad mock.</p></body></html>\n"

-- What becomes of the right reply, by kind of fault.
local spoil = {
  ["429"] = function()
    return error_fault(429, "Rate limit reached", "requests", "rate_limit_exceeded")
  end,
  ["429-retry-after"] = function()
    return error_fault(429, "Rate limit reached", "requests", "rate_limit_exceeded",
      { ["Retry-After"] = "1" })
  end,
  ["500"] = function() return error_fault(500, "The server had an error", "server_error") end,
  ["502"] = function() return error_fault(502, "Bad gateway", "server_error") end,
  ["503"] = function() return error_fault(503, "The engine is overloaded", "server_error") end,
  ["529"] = function() return error_fault(529, "Overloaded", "overloaded_error") end,
  reset = function(reply) reply.way = "reset" end,
  ["reset-body"] = function(reply) reply.way = "reset-body" end,
  close = function(reply) reply.way = "close" end,
  truncate = function(reply) reply.body = reply.body:sub(1, #reply.body // 2) end,
  malformed = function(reply)
    reply.body = reply.body:gsub("{", "{<<garbage>>", 1)
  end,
  html = function()
    return { status = 200, headers = { ["Content-Type"] = "text/html" }, body = HTML_PAGE }
  end,
  slow = function(reply) reply.way = "slow" end,
  timeout = function(reply, hang_ms) reply.way, reply.hang_ms = "close", hang_ms end,
}

local function route(self, request)
  if self.key and request.authorization ~= "Bearer " .. self.key then
    return chat.error(401, "Incorrect API key provided", "invalid_request_error", nil,
      "invalid_api_key")
  end
  if request.path == "/v1/models" then
    if request.method == "GET" then return chat.models(self.model) end
  elseif request.path ~= "/v1/chat/completions" then
    return chat.error(404, ("no %s here: POST /v1/chat/completions or GET /v1/models")
      :format(request.path), "invalid_request_error", nil, "not_found")
  elseif request.method == "POST" then
    if not request.body then return chat.error(413, "the request is too big") end
    local body, refusal = chat.read(request.body)
    if not body then return refusal end
    local created = request.arrival_us // 1000000
    local id = request.sha256:sub(1, 24)
    local ok, reply = pcall(chat.answer, body, self.model, id, created)
    if ok then return reply, true end
    return chat.error(500, "sim failed: " .. tostring(reply), "server_error")
  end
  local reply = chat.error(405, ("%s is not for %s"):format(request.path, request.method))
  return reply
end

-- How often this body was seen, from 1. Only good requests count.
local function count_attempt(self, sha256)
  local key = sha256:sub(1, 32) -- half of it is enough, and half the memory
  local n = (self.seen[key] or 0) + 1
  self.seen[key] = n
  return n
end

local function handle(self, id, request)
  self.arrived = self.arrived + 1
  request.n = self.arrived
  request.sha256 = core.sha256(request.body or "")
  local reply, good = route(self, request)
  request.latency_ms = 0
  if good then
    local attempt = count_attempt(self, request.sha256)
    local u = plan.draw(self.latency_seed, "latency", request.sha256, attempt)
    request.latency_ms = self.latency(u)
    request.attempt = attempt
    request.fault = plan.fault(self.faults, self.fault_seed, request.sha256, attempt)
    if request.fault then reply = spoil[request.fault](reply, self.hang_ms) or reply end
  end
  reply.delay_ms = request.latency_ms + (reply.hang_ms or 0)
  self.open[id] = request
  self.server:answer(id, reply)
end

-- A body that is not UTF-8 is journalled byte by byte as Latin-1 and says so.
local function journal_body(record, body)
  if core.utf8_error(body) then
    record.body = body:gsub("[\128-\255]", function(byte) return utf8.char(byte:byte()) end)
    record.body_encoding = "latin1"
  else
    record.body = body
  end
end

local function write_journal(self, request, status, finish_us, whole, gone)
  local record = { n = request.n, arrival_us = request.arrival_us, finish_us = finish_us,
    method = request.method, path = request.path, body_sha256 = request.sha256, status = status,
    fault = request.fault or core.null, latency_ms = request.latency_ms,
    attempt = request.attempt or core.null, whole = whole, client_gone = gone }
  journal_body(record, request.body or "")
  self.journal:write(core.json_encode(record), "\n")
  self.dirty = true
end

local function finish(self, id, status, finish_us, whole, gone)
  local request = self.open[id]
  if not request then return end
  self.open[id] = nil
  self.finished = self.finished + 1
  self.by_status[status] = (self.by_status[status] or 0) + 1
  if request.fault then self.faulted = self.faulted + 1 end
  if self.journal then
    write_journal(self, request, status, finish_us, whole, gone and not whole)
  end
end

local function take_finished(self)
  while true do
    local id, status, finish_us, whole, gone = self.server:finished()
    if not id then return end
    finish(self, id, status, finish_us, whole, gone)
  end
end

local function take_arrived(self)
  while true do
    local id, method, path, body, authorization, arrival_us = self.server:next()
    if not id then return end
    handle(self, id, { method = method, path = path, body = body,
      authorization = authorization, arrival_us = arrival_us })
  end
end

local function flush(self)
  local ok, message = true, nil
  if self.dirty then ok, message = self.journal:flush() end
  if not ok then self.journal_trouble = message end
  self.dirty, self.flushed_at = false, term.monotonic()
end

local function serve(self)
  while term.signals() == 0 and not (self.once and self.finished >= self.once) do
    local wait = IDLE_MS
    if self.dirty then
      local left = FLUSH_SECONDS - (term.monotonic() - self.flushed_at)
      if left <= 0 then flush(self) else wait = math.ceil(left * 1000) end
    end
    self.server:step(wait)
    take_arrived(self)
    take_finished(self)
  end
  take_arrived(self)
  self.server:close()
  take_finished(self)
  if self.journal then
    flush(self)
    self.journal:close()
  end
end

local function open_journal(name)
  if not name then return nil end
  local file, message = io.open(name, "a")
  if not file then args.fail("cannot write the journal: " .. message) end
  file:setvbuf("full")
  return file
end

local function start(options)
  local server, message = mockd.start({ port = options.port or 0, backlog = 4096 })
  if not server then
    args.fail(("cannot listen on 127.0.0.1:%d: %s"):format(options.port or 0, message),
      "--port 0 takes a free one")
  end
  return server
end

local function say(...)
  io.stderr:write(...)
  io.stderr:flush()
end

local function announce(self, options)
  local url = ("http://127.0.0.1:%d/v1"):format(self.server:port())
  io.stdout:write("listening on ", url, "\n")
  io.stdout:flush()
  if options.ready_file then
    local ok, message = term.write_atomic(options.ready_file, url .. "\n")
    if not ok then args.fail("cannot write " .. message) end
  end
  if term.isatty(2) then
    say("use it:  OPENAI_BASE_URL=", url, " OPENAI_API_KEY=", options.key and "KEY" or "x",
      " lunagrad run SCRIPT -m openai/anything\n")
  end
end

local function summary(self)
  local statuses, words = {}, {}
  for status in pairs(self.by_status) do statuses[#statuses + 1] = status end
  table.sort(statuses)
  for _, status in ipairs(statuses) do
    local name = status == 0 and "without a reply" or ("with %d"):format(status)
    words[#words + 1] = ("%d %s"):format(self.by_status[status], name)
  end
  say(("lunagrad mock: %d requests%s; %d faults\n"):format(self.finished,
    #words > 0 and " (" .. table.concat(words, ", ") .. ")" or "", self.faulted))
end

--- Run the command.
---@param argv string[]
---@param first integer where its own arguments begin
---@return integer exit code
function mock.main(argv, first)
  local options = args.parse(mock.spec, argv, first)
  if options.help then
    io.stdout:write(mock.help())
    return 0
  end
  if options.rest[1] then
    args.fail(("mock takes no %q"):format(options.rest[1]), "lunagrad help mock")
  end
  local self = { model = options.model or "sim/default", key = options.key, once = options.once,
    latency = plan.latency(options.latency), latency_seed = options.latency_seed or "1",
    faults = plan.faults(options.faults, options.fault), fault_seed = options.fault_seed or "1",
    hang_ms = math.floor((options.hang or 600) * 1000), seen = {}, open = {}, by_status = {},
    arrived = 0, finished = 0, faulted = 0, dirty = false, flushed_at = term.monotonic() }
  if self.model:find("^[^/]*/") and not self.model:find("^sim/") then
    args.fail(("--model: the mock serves sim, not %q"):format(self.model),
      "sim/default, sim/noise=0.2")
  end
  if not self.model:find("^sim/") then self.model = "sim/" .. self.model end
  self.journal = open_journal(options.journal)
  term.catch_signals()
  self.server = start(options)
  announce(self, options)
  serve(self)
  summary(self)
  if not self.journal_trouble then return 0 end
  say("lunagrad: the journal is not complete: ", self.journal_trouble, "\n")
  return 1
end

return mock
