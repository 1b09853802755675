-- test_otlp.lua - runs for other programs: traces sent to a collector, lines for trackers of
-- experiments, tables that spreadsheets may open
--
-- The collector is a real server on this machine: a script that the command runs, which answers as
-- its plan says and notes what came.

require "helper"
local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

local SERVER = [[
local lg, mockd = require "lunagrad", require "lunagrad.mockd"
local plan, seen = lg.json.decode(lg.args.plan), assert(io.open(lg.args.seen, "w"))
local server = assert(mockd.start { port = 0 })
local ready = assert(io.open(lg.args.ready .. ".part", "w"))
ready:write(server:port())
ready:close()
os.rename(lg.args.ready .. ".part", lg.args.ready)
local n, ends = 0, os.time() + 30
while n < #plan and os.time() < ends do
  server:step(50)
  local id, method, path, body, headers = server:next()
  if id then
    n = n + 1
    seen:write(lg.json.encode { method = method, path = path, body = body, headers = headers },
      "\n")
    local headers = plan[n][2]
    server:answer(id, { status = plan[n][1], body = plan[n][3],
      headers = headers ~= lg.json.null and headers or {} })
    for _ = 1, 20 do server:step(5) end
  end
end
seen:close()
server:close()
]]

local SCRIPT = [[
local lg = require "lunagrad"
local m = lg.model { "openai/gpt-4o-mini", temperature = 0.5, max_tokens = 90 }
for i = 1, 3 do print(m("I have " .. i + 1 .. " apples. How many fruits?")) end
]]

local SECRET = "Bearer tok-8f3a91c7d2"

-- A run of three calls, then the words with $AT as the collector's address. → what the command said,
-- and what the collector saw.
local function sent(plan, words, env)
  local ready, seen = command.temp ".ready", command.temp ".seen"
  local serve, script = command.write(SERVER, ".lua"), command.write(SCRIPT, ".lua")
  local got = command.with_mock({}, ([[
    $LG run %s --run r --display none >/dev/null || exit 9
    unset OPENAI_API_KEY OPENAI_BASE_URL
    $LG run %s --no-store --display none seen=%s ready=%s plan=%s & server=$!
    n=0; while [ ! -s %s ] && [ $n -lt 500 ]; do sleep 0.02; n=$((n + 1)); done
    AT=http://127.0.0.1:$(cat %s); %s timeout 60 $LG export r --format otlp %s; code=$?
    kill $server 2>/dev/null; wait $server 2>/dev/null; exit $code]]):format(script, serve, seen,
    ready, command.quote(json.encode(plan)), ready, ready, env or "", words))
  local list = {}
  for line in command.read(seen):gmatch "[^\n]+" do list[#list + 1] = json.decode(line) end
  return got, list
end

local function plan(...)
  local list = { ... }
  for i, one in ipairs(list) do list[i] = { one[1], one[2] or json.null, one[3] or "{}" } end
  return list
end

TestSent = {}

function TestSent:tearDown() command.remove_files() end

local function spans_of(request)
  return json.decode(request.body).resourceSpans[1].scopeSpans[1].spans
end

local function values_of(span)
  local by_key = {}
  for _, one in ipairs(span.attributes) do
    local _, value = next(one.value)
    by_key[one.key] = value
  end
  return by_key
end

function TestSent:test_a_collector_gets_the_spans()
  local got, list = sent(plan({ 200 }), "--endpoint $AT",
    ("OTEL_EXPORTER_OTLP_HEADERS='authorization=%s,x-team=a%%20b' OTEL_SERVICE_NAME=mine")
      :format(SECRET:gsub(" ", "%%20")))
  lu.assertEquals(got.code, 0, got.err)
  lu.assertEquals(#list, 1)
  local request = list[1]
  lu.assertEquals({ request.method, request.path }, { "POST", "/v1/traces" })
  lu.assertEquals({ request.headers["content-type"], request.headers.authorization,
    request.headers["x-team"] }, { "application/json", SECRET, "a b" })
  local spans = spans_of(request)
  lu.assertEquals(#spans, 4)
  local run, call = values_of(spans[1]), values_of(spans[2])
  lu.assertEquals(run["gen_ai.operation.name"], "invoke_workflow")
  lu.assertEquals({ call["gen_ai.operation.name"], call["gen_ai.request.model"],
    call["gen_ai.request.temperature"], call["gen_ai.request.max_tokens"],
    call["server.address"] }, { "chat", "gpt-4o-mini", 0.5, "90", "127.0.0.1" })
  lu.assertNil(call["gen_ai.input.messages"])
  lu.assertEquals(json.decode(request.body).resourceSpans[1].resource.attributes[1].value,
    { stringValue = "mine" })
  lu.assertStrContains(got.err, "4 spans")
  lu.assertNotStrContains(got.err .. got.out, "tok-8f3a91c7d2")
end

function TestSent:test_what_was_said_is_sent_when_it_is_asked_for()
  local got, list = sent(plan({ 200 }), "--send --content",
    "OTEL_EXPORTER_OTLP_ENDPOINT=$AT/base/")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertEquals(list[1].path, "/base/v1/traces")
  local call = values_of(spans_of(list[1])[2])
  local input = json.decode(call["gen_ai.input.messages"])
  lu.assertEquals(input[1].role, "user")
  lu.assertStrContains(input[1].parts[1].content, "apples")
  lu.assertNotNil(json.decode(call["gen_ai.output.messages"])[1].parts[1].content)
end

function TestSent:test_it_comes_again_where_that_is_asked_for()
  local soon = { ["Retry-After"] = "0" }
  local got, list = sent(plan({ 503, soon }, { 429, soon }, { 200 }), "--endpoint $AT/v1/traces")
  lu.assertEquals({ got.code, #list }, { 0, 3 }, got.err)
  lu.assertEquals({ list[1].body, list[1].path }, { list[3].body, "/v1/traces" })
end

function TestSent:test_it_gives_up()
  local again = { 503, { ["Retry-After"] = "0" } }
  local got, list = sent(plan(again, again, again, again, again, again), "--endpoint $AT")
  lu.assertEquals(#list, 5)
  lu.assertNotEquals(got.code, 0)
  lu.assertStrContains(got.err, "503")
end

function TestSent:test_what_will_not_get_better_is_said_at_once_and_without_the_key()
  local body = json.encode { message = "no such token: tok-8f3a91c7d2" }
  local got, list = sent(plan({ 401, nil, body }), "--endpoint $AT",
    ("OTEL_EXPORTER_OTLP_HEADERS='authorization=%s'"):format(SECRET:gsub(" ", "%%20")))
  lu.assertEquals(#list, 1)
  lu.assertNotEquals(got.code, 0)
  lu.assertStrContains(got.err, "401")
  lu.assertStrContains(got.err, "no such token: ***")
  lu.assertNotStrContains(got.err, "tok-8f3a91c7d2")
end

function TestSent:test_what_is_refused_in_part_is_told()
  local body = '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}'
  local got = sent(plan({ 200, nil, body }), "--endpoint $AT")
  lu.assertNotEquals(got.code, 0)
  lu.assertStrContains(got.err, "refused 2")
  lu.assertStrContains(got.err, "too old")
end

-- Without a server: what is wrong is said in one line before anything is sent.
function TestSent:test_settings_that_are_wrong()
  local home = command.temp ".store"
  local function fails(words, env, said)
    local shell = "export LUNAGRAD_HOME=%s; %s >/dev/null 2>&1; %s %s; c=$?; rm -r %s; exit $c"
    local line = shell:format(home, command.line("-e", "print(lg.model() 'hi')", "--run", "r"), env,
        command.line("export", "r", table.unpack(words)), home)
    local got = command.shell(line)
    lu.assertEquals(got.code, 2, said)
    lu.assertStrContains(got.err, said)
    lu.assertNotStrContains(got.err, "traceback")
  end
  local otlp = { "--format", "otlp", "--send" }
  fails(otlp, "", "--endpoint")
  fails(otlp, "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318", "http://")
  fails(otlp, "OTEL_EXPORTER_OTLP_ENDPOINT=http://u:p@h", "OTEL_EXPORTER_OTLP_HEADERS")
  fails(otlp, "OTEL_EXPORTER_OTLP_ENDPOINT=http://h OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "http/json")
  local there = "OTEL_EXPORTER_OTLP_ENDPOINT=http://h "
  fails(otlp, there .. "OTEL_EXPORTER_OTLP_HEADERS=nonsense", "name=value")
  fails(otlp, there .. "OTEL_EXPORTER_OTLP_HEADERS='a=b%0d%0ac: d'", "name=value")
  fails(otlp, there .. "OTEL_EXPORTER_OTLP_TIMEOUT=soon", "milliseconds")
  fails({ "--send" }, "", "--format otlp")
  fails({ "--format", "otlp", "--send", "-o", "x" }, "", "one at a time")
end

-- ---- trackers --------------------------------------------------------------------------------

TestTrackers = {}

local SEARCH = [[
local lg = require "lunagrad"
lg.optimize { start = "=1+1", role = "text", budget = { proposals = 3 }, seed = 1,
  evaluate = function(text) return math.min(1, #text / 70), "longer" end }
]]

local function exported(search, ...)
  local home, script = command.temp ".store", command.write(search, ".lua")
  local shell = "export LUNAGRAD_HOME=%s; %s >/dev/null 2>&1; %s; code=$?; rm -r %s; exit $code"
  local got = command.shell(shell:format(home, command.line("run", script, "--run", "r"),
    command.line("export", "r", ...), home))
  lu.assertEquals({ got.code, got.err }, { 0, "" })
  return got.out
end

function TestTrackers:tearDown() command.remove_files() end

local function lines_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = json.decode(line) end
  return list
end

function TestTrackers:test_wandb_gets_steps_one_by_one()
  local rows = lines_of(exported(SEARCH, "--format", "wandb"))
  lu.assertTrue(#rows > 1)
  for i, row in ipairs(rows) do
    lu.assertEquals(row.step, i - 1)
    for _, value in pairs(row) do
      lu.assertTrue(type(value) == "number" or type(value) == "string")
    end
  end
end

-- As runs/log-batch takes them: keys, numbers, milliseconds, and no more than a thousand at once.
function TestTrackers:test_mlflow_gets_bodies_of_log_batch()
  local rows = lines_of(exported(SEARCH, "--format", "mlflow"))
  lu.assertTrue(#rows >= 2)
  lu.assertEquals(#rows[1].metrics, 0)
  for _, param in ipairs(rows[1].params) do
    lu.assertEquals({ type(param.key), type(param.value) }, { "string", "string" })
    lu.assertTrue(#param.value > 0 and #param.value <= 500)
  end
  local last = {}
  for i = 2, #rows do
    lu.assertTrue(#rows[i].metrics <= 1000)
    for _, one in ipairs(rows[i].metrics) do
      lu.assertEquals({ type(one.key), type(one.value), math.type(one.timestamp) },
        { "string", "number", "integer" })
      lu.assertTrue(one.timestamp > 1.7e12 and one.timestamp < 1e13)
      lu.assertTrue(one.step > (last[one.key] or -1))
      last[one.key] = one.step
    end
  end
  lu.assertNotNil(last.best_score)
end

function TestTrackers:test_many_steps_are_parted()
  local many = SEARCH:gsub("proposals = 3", "proposals = 400"):gsub("70", "7000")
  local rows = lines_of(exported(many, "--format", "mlflow"))
  for _, row in ipairs(rows) do
    lu.assertTrue(#row.metrics + #(row.params or {}) + #(row.tags or {}) <= 1000)
  end
end

-- ---- tables ------------------------------------------------------------------------------------

local BAD = { "=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1",
  "-", "--x", "＝1+1", "+5" }
local FINE = { "-5", "-0.25", "5", "a=b", "a-b", "text" }

-- A reader of RFC 4180.
local function cells_of(text)
  local rows, row, at = {}, {}, 1
  while at <= #text do
    local cell
    if text:sub(at, at) == '"' then
      local parts = {}
      at = at + 1
      while true do
        local to = assert(text:find('"', at, true))
        parts[#parts + 1] = text:sub(at, to - 1)
        at = to + 1
        if text:sub(at, at) ~= '"' then break end
        parts[#parts + 1], at = '"', at + 1
      end
      cell = table.concat(parts)
    else
      cell = text:match("^[^,\r\n]*", at)
      at = at + #cell
    end
    row[#row + 1] = cell
    if text:sub(at, at) == "," then
      at = at + 1
    else
      at = at + 2
      rows[#rows + 1], row = row, {}
    end
  end
  return rows
end

function TestTrackers:test_no_cell_is_a_formula()
  local quoted = {}
  for i, text in ipairs(BAD) do quoted[i] = ("%q"):format(text) end
  for i, text in ipairs(FINE) do quoted[#BAD + i] = ("%q"):format(text) end
  local script = ([[
    local lg = require "lunagrad"
    local m = lg.param("p", "x")
    for i, text in ipairs { %s } do
      lg.evaluate { function() return text end, data = lg.data.list { { a = 1 } },
        metric = function() return 0 end, phase = "e" .. i }
    end]]):format(table.concat(quoted, ", "))
  local rows = cells_of(exported(script, "--format", "csv", "--table", "scores"))
  local column
  for i, name in ipairs(rows[1]) do column = name == "output" and i or column end
  lu.assertEquals(#rows, 1 + #BAD + #FINE)
  for i, text in ipairs(BAD) do lu.assertEquals(rows[1 + i][column], "'" .. text) end
  for i, text in ipairs(FINE) do lu.assertEquals(rows[1 + #BAD + i][column], text) end
end

os.exit(lu.LuaUnit.run())
