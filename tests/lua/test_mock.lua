-- test_mock.lua - lunagrad mock: replies, refusals, faults, latencies, the journal

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local chat = require "lunagrad.cli.mock.chat"
local command = require "command"
local plan = require "lunagrad.cli.mock.plan"

local QUESTION = "I have two apples, a pear and three plums. How many fruits do I have?"

-- ---- the plan -------------------------------------------------------------------------

TestPlan = {}

local function usage_error(fn, ...)
  local ok, err = pcall(fn, ...)
  lu.assertFalse(ok)
  return tostring(err)
end

function TestPlan:test_latency()
  lu.assertEquals(plan.latency(nil)(0.5), 0)
  lu.assertEquals(plan.latency("200")(0.9), 200)
  local uniform = plan.latency("uniform:50..400")
  lu.assertEquals({ uniform(0), uniform(0.5), uniform(0.99999) }, { 50, 225, 400 })
  local tail = plan.latency("tail:100,p=0.05,x20")
  lu.assertEquals({ tail(0.04), tail(0.06) }, { 2000, 100 })
  local all_bad = { "x", "uniform:9..5", "uniform:5", "tail:100", "tail:1,p=2,x2", "-5", "." }
  for _, bad in ipairs(all_bad) do
    lu.assertStrContains(usage_error(plan.latency, bad), "--latency does not understand")
  end
end

function TestPlan:test_faults_are_read()
  local list = plan.faults("20%", nil)
  local sum = 0
  for _, fault in ipairs(list) do
    sum = sum + fault[2]
    lu.assertNotEquals(fault[1], "timeout")
  end
  lu.assertAlmostEquals(sum, 0.2, 1e-9)
  list = plan.faults(nil, { "429=0.05", "reset=10%" })
  lu.assertEquals(list, { { "429", 0.05 }, { "reset", 0.1 } })
  lu.assertStrContains(usage_error(plan.faults, nil, { "rest=0.1" }), "did you mean reset?")
  lu.assertStrContains(usage_error(plan.faults, nil, { "reset" }), "KIND=RATE")
  lu.assertStrContains(usage_error(plan.faults, "2", nil), "a rate such as")
  lu.assertStrContains(usage_error(plan.faults, "0.5", { "reset=0.6" }), "more than 1")
end

function TestPlan:test_draws_depend_on_seed_body_and_attempt_only()
  lu.assertEquals(plan.draw("1", "fault", "abc", 1), plan.draw("1", "fault", "abc", 1))
  local seen = {}
  for _, u in ipairs({ plan.draw("1", "fault", "abc", 1), plan.draw("2", "fault", "abc", 1),
    plan.draw("1", "latency", "abc", 1), plan.draw("1", "fault", "abd", 1),
    plan.draw("1", "fault", "abc", 2) }) do
    lu.assertTrue(u >= 0 and u < 1)
    lu.assertNil(seen[u])
    seen[u] = true
  end
end

function TestPlan:test_rates_are_kept()
  local faults, count, n = plan.faults(nil, { "reset=0.1", "5xx=0.2" }), {}, 4000
  for i = 1, n do
    local kind = plan.fault(faults, "1", ("body %d"):format(i), 1) or "none"
    count[kind] = (count[kind] or 0) + 1
  end
  lu.assertAlmostEquals(count.reset / n, 0.1, 0.02)
  lu.assertAlmostEquals(count.none / n, 0.7, 0.03)
  for _, status in ipairs({ "500", "502", "503", "529" }) do
    lu.assertAlmostEquals(count[status] / n, 0.05, 0.015)
  end
end

-- ---- the protocol ---------------------------------------------------------------------

TestChat = {}

local function context(id, created)
  return { headers = { ["content-type"] = "application/json" }, id = id, created = created,
    sim_model = function() return "sim/default" end }
end

local function refusal(text)
  local body, reply = chat.read(text, context())
  lu.assertNil(body)
  lu.assertEquals(reply.status, 400)
  local err = lg.json.decode(reply.body).error
  lu.assertEquals(err.type, "invalid_request_error")
  return err.message, err.param
end

function TestChat:test_refusals_say_what_is_wrong()
  lu.assertStrContains(refusal("{"), "could not parse")
  lu.assertStrContains(refusal("[1]"), "must be a JSON object")
  lu.assertStrContains(refusal('{"messages":[]}'), "model")
  lu.assertStrContains(refusal('{"model":""}'), "empty string")
  lu.assertStrContains(refusal('{"model":"m"}'), "Missing required parameter: 'messages'")
  lu.assertStrContains(refusal('{"model":"m","messages":[]}'), "empty array")
  lu.assertStrContains(refusal('{"model":"m","messages":"hi"}'), "expected an array")
  lu.assertStrContains(refusal('{"model":"m","messages":[7]}'), "expected an object")
  local message, param = refusal('{"model":"m","messages":[{"role":"user","content":"a"},'
    .. '{"role":"robot","content":"b"}]}')
  lu.assertStrContains(message, "Invalid value: 'robot'")
  lu.assertEquals(param, "messages[1].role")
  lu.assertStrContains(refusal('{"model":"m","messages":[{"role":"user"}]}'), "[0].content'")
  lu.assertStrContains(refusal('{"model":"m","messages":[{"role":"user","content":[{"type":'
    .. '"image_url","image_url":{"url":"x"}}]}]}'), "Invalid image_url")
  for field, value in pairs({ temperature = "3", n = "0", max_tokens = "-1", stream = "1",
    seed = "1.5", nonsense = "1" }) do
    local said, which = refusal(('{"model":"m","messages":[{"role":"user","content":"a"}],"%s":%s}')
      :format(field, value))
    lu.assertStrContains(said, field)
    lu.assertEquals(which, field)
  end
end

function TestChat:test_content_parts_nulls_and_developer_role()
  local body = chat.read('{"model":"m","temperature":null,"messages":['
    .. '{"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},'
    .. '{"role":"user","content":"c"}]}', context())
  lu.assertEquals(body.messages[1].role, "developer")
  lu.assertEquals(body.messages[1].content, "a\nb")
  lu.assertNil(body.temperature)
end

local function request(more)
  local body = { model = "x", messages = { { role = "user", content = QUESTION } } }
  for name, value in pairs(more or {}) do body[name] = value end
  return chat.read(lg.json.encode(body), context())
end

function TestChat:test_an_answer_has_every_field()
  local reply = chat.answer(request(), context("abc", 5))
  local body = lg.json.decode(reply.body)
  lu.assertEquals(reply.status, 200)
  lu.assertEquals(body.object, "chat.completion")
  lu.assertEquals({ body.id, body.model, body.created }, { "chatcmpl-abc", "x", 5 })
  lu.assertEquals(body.choices[1].message.role, "assistant")
  lu.assertStrContains(body.choices[1].message.content, "fruits")
  lu.assertEquals(body.choices[1].finish_reason, "stop")
  lu.assertEquals(body.usage.total_tokens,
    body.usage.prompt_tokens + body.usage.completion_tokens)
end

function TestChat:test_streams_hold_the_same_text()
  local whole = lg.json.decode(chat.answer(request(), context("a", 1)).body)
  local reply = chat.answer(request { stream = true, stream_options = { include_usage = true } },
    context("a", 1))
  lu.assertEquals(reply.stream, "sse")
  local text, finish, usage, done = "", nil, nil, false
  for data in table.concat(reply.events):gmatch("data: ([^\n]*)\n\n") do
    done = data == "[DONE]"
    local chunk = not done and lg.json.decode(data)
    if chunk and type(chunk.usage) == "table" then usage = chunk.usage end
    if chunk and chunk.choices[1] then
      text = text .. (chunk.choices[1].delta.content or "")
      if type(chunk.choices[1].finish_reason) == "string" then
        finish = chunk.choices[1].finish_reason
      end
    end
  end
  lu.assertTrue(done)
  lu.assertEquals(text, whole.choices[1].message.content)
  lu.assertEquals(finish, "stop")
  lu.assertEquals(usage, whole.usage)
end

-- ---- the server -----------------------------------------------------------------------

TestServer = {}

function TestServer:tearDown() command.remove_files() end

local BODY = '{"model":"x","messages":[{"role":"user","content":"%s"}]}'
local POST = "post -o /dev/null -w '%%{http_code} ' $url/chat/completions -d "
  .. "'" .. BODY .. "'\n"

local function post(n)
  local lines = {}
  for i = 1, n do lines[i] = POST:format("question " .. i) end
  return table.concat(lines)
end

function TestServer:test_paths_methods_and_keys()
  local got = command.with_mock({ "--key", "secret" }, [[
    ask() { curl -sS -m 10 -w ' %{http_code}\n' -H "Authorization: Bearer $1" \
      -H 'Content-Type: application/json' $2 $3 $4; }
    ask secret $url/models
    ask wrong $url/models
    ask secret $url/nothing
    ask secret $url/chat/completions
    ask secret $url/chat/completions -d '{']])
  local lines = {}
  for line in got.out:gmatch("[^\n]+") do lines[#lines + 1] = line end
  lu.assertStrContains(lines[1], '"id":"sim/default"')
  local codes = {}
  for i, line in ipairs(lines) do codes[i] = line:match(" (%d+)$") end
  lu.assertEquals(codes, { "200", "401", "404", "405", "400" })
  lu.assertStrContains(lines[2], '"code":"invalid_api_key"')
  lu.assertEquals(#got.journal, 5)
  lu.assertEquals(got.journal[2].status, 401)
  lu.assertNotStrContains(lg.json.encode(got.journal), "secret")
end

function TestServer:test_every_fault_looks_as_it_should()
  local want = { -- curl's exit code, the status it saw, the journal's status
    ["429"] = { 0, "429", 429 }, ["429-retry-after"] = { 0, "429", 429 },
    ["503"] = { 0, "503", 503 }, ["529"] = { 0, "529", 529 }, reset = { 56, "000", 0 },
    ["reset-body"] = { 56, "200", 200 }, close = { 52, "000", 0 }, truncate = { 0, "200", 200 },
    malformed = { 0, "200", 200 }, html = { 0, "200", 200 }, slow = { 0, "200", 200 },
    timeout = { 28, "000", 0 } }
  for kind, expected in pairs(want) do
    local got = command.with_mock({ "--fault", kind .. "=1" }, ([[
      post -m 2 -D - -w '\nstatus %%{http_code} time %%{time_total}' $url/chat/completions -d '%s'
      echo " exit $?"]]):format(BODY:format("q")))
    lu.assertStrContains(got.out, "exit " .. expected[1], kind)
    lu.assertStrContains(got.out, "status " .. expected[2], kind)
    lu.assertEquals(#got.journal, 1, kind)
    lu.assertEquals({ got.journal[1].fault, got.journal[1].status }, { kind, expected[3] })
    local body = got.out:match("\r\n\r\n(.*)\nstatus")
    if kind == "429-retry-after" then lu.assertStrContains(got.out, "Retry-After: 1") end
    if kind == "429" then lu.assertNotStrContains(got.out, "Retry-After") end
    if kind == "html" then lu.assertStrContains(got.out, "text/html") end
    if kind == "truncate" or kind == "malformed" or kind == "html" or kind == "reset-body" then
      lu.assertNil(lg.json.decode(body), kind)
    elseif expected[2] ~= "000" then
      lu.assertNotNil(lg.json.decode(body), kind)
    end
    if kind == "slow" then
      local seconds = tonumber(got.out:match("time ([%d.]+)"))
      lu.assertTrue(seconds > 0.8 and seconds < 2, seconds)
    end
  end
end

function TestServer:test_faults_and_latencies_do_not_depend_on_the_order()
  local function troubles(order)
    local lines = {}
    for _, i in ipairs(order) do lines[#lines + 1] = POST:format("question " .. i) end
    local got = command.with_mock({ "--faults", "50%", "--latency", "uniform:0..9" },
      table.concat(lines))
    local by_body = {}
    for _, row in ipairs(got.journal) do
      by_body[row.body] = ("%s %d"):format(tostring(row.fault), row.latency_ms)
    end
    return by_body
  end
  local forward = troubles({ 1, 2, 3, 4, 5, 6, 7, 8 })
  lu.assertEquals(troubles({ 8, 6, 7, 5, 1, 3, 2, 4 }), forward)
end

function TestServer:test_a_repeated_body_is_drawn_anew_and_counted()
  local got = command.with_mock({ "--faults", "50%" }, POST:format("again"):rep(12))
  local kinds = {}
  for i, row in ipairs(got.journal) do
    lu.assertEquals({ row.n, row.attempt }, { i, i })
    kinds[tostring(row.fault)] = true
  end
  lu.assertEquals(#got.journal, 12)
  lu.assertTrue(next(kinds, next(kinds)) ~= nil, "the same draw every time")
end

function TestServer:test_latency_is_kept()
  local got = command.with_mock({ "--latency", "150" }, post(1))
  local row = got.journal[1]
  local ms = (row.finish_us - row.arrival_us) / 1000
  lu.assertTrue(ms >= 150 and ms < 400, ms)
  lu.assertEquals(row.latency_ms, 150)
end

function TestServer:test_latencies_run_side_by_side()
  local got = command.with_mock({ "--latency", "300" }, [[
    for i in 1 2 3 4 5 6 7 8 9 10; do
      post -o /dev/null $url/chat/completions -d '{"model":"x","messages":[{"role":"user",
        "content":"'$i'"}]}' &
      pids="$pids $!"
    done
    wait $pids]])
  local first, last = math.huge, 0
  for _, row in ipairs(got.journal) do
    first, last = math.min(first, row.arrival_us), math.max(last, row.finish_us)
  end
  lu.assertEquals(#got.journal, 10)
  lu.assertTrue(last - first < 1500000, last - first)
end

function TestServer:test_the_journal_holds_bodies_as_they_came()
  local got = command.with_mock({}, [[
    printf '{"model":"x","messages":[{"role":"user","content":"a \303\274 \\u0000 \\"q\\""}]}' |
      post -o /dev/null $url/chat/completions -d @-
    printf 'bad \377 byte' | post -o /dev/null $url/chat/completions --data-binary @-]])
  lu.assertEquals(got.journal[1].body,
    '{"model":"x","messages":[{"role":"user","content":"a ü \\u0000 \\"q\\""}]}')
  lu.assertEquals(got.journal[1].body_sha256, require("lunagrad.core").sha256(got.journal[1].body))
  lu.assertEquals(got.journal[1].path, "/v1/chat/completions")
  lu.assertEquals(got.journal[2].body, "bad ÿ byte")
  lu.assertEquals(got.journal[2].body_encoding, "latin1")
  lu.assertEquals(got.journal[2].status, 400)
end

-- Whoever has a reply finds it in the journal, on a whole line, whatever became of it.
function TestServer:test_the_journal_is_written_before_a_reply_ends()
  local ask = "post $url/chat/completions -d '" .. BODY:format("q") .. "' "
  local stream = ask:gsub("}' $", ',"stream":true}\' ')
  local look = '>/dev/null 2>&1; wc -l <"$journal"; '
  for options, words in pairs {
    [{}] = ask .. look:rep(1) .. stream .. look .. "post $url/nowhere " .. look,
    [{ "--fault", "reset=1" }] = ask .. look,
    [{ "--fault", "reset-body=1" }] = ask .. look .. stream .. look,
    [{ "--fault", "close=1" }] = ask .. look,
    [{ "--fault", "slow=1" }] = ask .. look,
    [{ "--split", "1", "--pace", "1" }] = stream .. look,
  } do
    local got = command.with_mock(options, words)
    local seen, want = {}, {}
    for n in got.out:gmatch "%d+" do seen[#seen + 1] = tonumber(n) end
    for i = 1, select(2, words:gsub("wc %-l", "")) do want[i] = i end
    lu.assertEquals(seen, want, table.concat(options, " "))
    lu.assertEquals(#got.journal, #want)
  end
end

function TestServer:test_a_client_that_leaves_is_noted()
  local got = command.with_mock({ "--fault", "timeout=1", "--hang", "30" },
    "post -m 0.3 $url/chat/completions -d '" .. BODY:format("q") .. "'; sleep 0.2")
  lu.assertEquals(#got.journal, 1)
  lu.assertTrue(got.journal[1].client_gone)
  lu.assertTrue(got.journal[1].finish_us - got.journal[1].arrival_us < 2000000)
end

function TestServer:test_an_interrupt_ends_what_is_under_way()
  local got = command.with_mock({ "--latency", "30000" },
    "post -m 20 $url/chat/completions -d '" .. BODY:format("q") .. "' & sleep 0.3")
  lu.assertEquals(#got.journal, 1)
  lu.assertEquals({ got.journal[1].status, got.journal[1].whole }, { 0, false })
  lu.assertNotStrContains(got.err, "mock ended with")
end

function TestServer:test_once_ends_by_itself()
  local ready = command.temp(".ready")
  local got = command.shell(([[
    post() { curl -sS -m 10 -H 'Authorization: Bearer k' -H 'Content-Type: application/json' "$@"; }
    %s & n=0; while [ ! -s %s ] && [ $n -lt 200 ]; do sleep 0.02; n=$((n + 1)); done
    url=$(cat %s); %s
    wait $!; echo "mock $?"]]):format(command.line("mock", "--once", "2", "--ready-file", ready),
    ready, ready, post(2)))
  lu.assertStrContains(got.out, "mock 0")
  lu.assertStrContains(got.err, "2 requests (2 with 200); 0 faults")
end

function TestServer:test_usage_errors()
  local function fails(wanted, ...)
    local got = command.run("mock", ...)
    lu.assertEquals(got.code, 2, got.err)
    lu.assertStrContains(got.err, wanted)
    lu.assertEquals(got.out, "")
  end
  fails("did you mean --latency?", "--latencey", "5")
  fails("--latency does not understand", "--latency", "soon")
  fails("did you mean reset?", "--fault", "rset=1")
  fails("from 0 to 65535", "--port", "70000")
  fails("takes no", "extra")
  fails("cannot write the journal", "--journal", "/nonexistent/x")
  local busy = command.with_mock({}, "$LG mock --port ${url##*127.0.0.1:} 2>&1; :")
  lu.assertStrContains(busy.out, "--port needs")
  busy = command.with_mock({}, "port=${url#*1:}; $LG mock --port ${port%/v1}; echo code $?")
  lu.assertStrContains(busy.out, "code 2")
  lu.assertStrContains(busy.err, "Address already in use")
end

function TestServer:test_help()
  local got = command.run("mock", "--help")
  lu.assertEquals(got.code, 0)
  for _, kind in ipairs(plan.kinds) do lu.assertStrContains(got.out, kind[1]) end
  lu.assertStrContains(got.out, "examples:")
  lu.assertEquals(command.run("help", "mock").out, got.out)
end

os.exit(lu.LuaUnit.run())
