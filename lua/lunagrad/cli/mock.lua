--- `lunagrad mock`: a server on loopback that speaks the dialects of model servers and answers
-- with lunagrad.world.
--
-- The loop and the journal are here; what is replied is decided in mock/serve.lua and the dialects
-- beside it, and HTTP itself in lunagrad.mockd. One thread, one process.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local mockd = require "lunagrad.mockd"
local options_of = require "lunagrad.cli.mock.options"
local plan = require "lunagrad.cli.mock.plan"
local serve = require "lunagrad.cli.mock.serve"
local term = require "lunagrad.term"

local mock = { spec = options_of.spec, help = options_of.help }

local IDLE_MS = 1000

local function handle(self, id, request)
  self.arrived = self.arrived + 1
  request.n = self.arrived
  local reply = serve.reply(self, request)
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
    attempt = request.attempt or core.null, dialect = request.dialect or core.null,
    stream = request.stream or false, tokens = request.tokens or core.null,
    limited = request.limited or core.null, whole = whole, client_gone = gone }
  journal_body(record, request.body or "")
  local ok, message = self.journal:write(core.json_encode(record) .. "\n")
  if not ok then self.journal_trouble = message end
end

-- Before their clients know that their replies are whole.
local function take_ending(self)
  while true do
    local id, status, finish_us, whole, gone = self.server:ending()
    if not id then return end
    local request = self.open[id]
    if request and not request.noted then
      request.noted = true
      write_journal(self, request, status, finish_us, whole, gone and not whole)
    end
    self.server:noted(id)
  end
end

local function finish(self, id, status, finish_us, whole, gone)
  local request = self.open[id]
  if not request then return end
  self.open[id] = nil
  self.finished = self.finished + 1
  self.by_status[status] = (self.by_status[status] or 0) + 1
  if request.fault then self.faulted = self.faulted + 1 end
  if self.journal and not request.noted then
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
    local id, method, path, body, headers, query, arrival_us = self.server:next()
    if not id then return end
    handle(self, id, { method = method, path = path, body = body, headers = headers,
      query = query, arrival_us = arrival_us })
  end
end

local function run(self)
  while term.signals() == 0 and not (self.once and self.finished >= self.once) do
    self.server:step(IDLE_MS)
    take_arrived(self)
    take_ending(self)
    take_finished(self)
  end
  take_arrived(self)
  self.server:close()
  take_finished(self)
  if self.journal then self.journal:close() end
end

local function open_journal(name)
  if not name then return nil end
  local files = require "lunagrad.file"
  if not files.stat(name) and files.stat(name:match "^(.*/)[^/]*$" or ".") then
    files.write(name, "", true) -- what was asked is private
  end
  local file, message = io.open(name, "a")
  if not file then args.fail("cannot write the journal: " .. message) end
  file:setvbuf("no") -- a line is one write
  return file
end

local function start(options)
  local server, message = mockd.start({ port = options.port or 0, backlog = 4096,
    notes = options.journal ~= nil })
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

local function split_of(text)
  if not text or text == "random" then return text end
  local bytes = math.tointeger(tonumber(text))
  if not bytes or bytes < 1 then
    args.fail(("--split needs a number of bytes or random, not %q"):format(text))
  end
  return bytes
end

--- Run the command.
---@param argv string[]
---@param first integer where its own arguments begin
---@return integer exit code
function mock.main(argv, first)
  local options = args.parse(mock.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(mock.help())
    return 0
  end
  if options.rest[1] then
    args.fail(("mock takes no %q"):format(options.rest[1]), "lunagrad help mock")
  end
  local self = serve.new { model = options.model or "sim/default", key = options.key,
    once = options.once,
    latency = plan.latency(options.latency), latency_seed = options.latency_seed or "1",
    faults = plan.faults(options.faults, options.fault), fault_seed = options.fault_seed or "1",
    hang_ms = math.floor((options.hang or 600) * 1000), open = {}, by_status = {},
    arrived = 0, finished = 0, faulted = 0,
    rpm = options.rpm, tpm = options.tpm, retry_after = not options.no_retry_after,
    split = split_of(options.split), pace = options.pace, comments = options.comments,
    compatible = options.compatible }
  if self.model:find("^[^/]*/") and not self.model:find("^sim/") then
    args.fail(("--model: the mock serves sim, not %q"):format(self.model),
      "sim/default, sim/noise=0.2")
  end
  if not self.model:find("^sim/") then self.model = "sim/" .. self.model end
  self.journal = open_journal(options.journal)
  term.catch_signals()
  self.server = start(options)
  announce(self, options)
  run(self)
  summary(self)
  if not self.journal_trouble then return 0 end
  say("lunagrad: the journal is not complete: ", self.journal_trouble, "\n")
  return 1
end

return mock
