-- test_view.lua - lunagrad view: who is answered and who is not, the pages, what is told of a run that
-- goes on, and the button that stops it
--
-- The built command, over loopback, asked with curl.

local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

local dir

local SCRIPT = [[
local lg = require "lunagrad"
local rows = lg.data.list(lg.task.object_counting.generate(24, 3))
local train, val = rows:split { 8, 16, seed = 1 }
local model = lg.model()
local exact = lg.loss.exact { extract = lg.extract.last_number }
local prompt = lg.param("Answer the question.", "system prompt")
lg.train { program = function(row) return model { row.question, system = prompt } end,
  params = { prompt }, train = train, val = val, metric = lg.metric.number, batch = 3, steps = 2,
  loss = function(answer, row) return exact(answer, row.answer) end, seed = 1 }
]]

-- Asks for what `lines` say, in a shell with $url (with the token), $root (without) and `ask`, which
-- is curl.
local function served(lines)
  local ready = command.temp ".url"
  return command.shell(([[
%s >/dev/null 2>&1 & view=$!
trap 'kill $view 2>/dev/null' EXIT
n=0; while [ ! -s %s ] && [ $n -lt 200 ]; do sleep 0.02; n=$((n + 1)); done
url=$(cat %s); root=${url%%/*/}; LG=%s; LUNAGRAD_HOME=%s; export LUNAGRAD_HOME
ask() { curl -sS -m 20 "$@"; }
%s
code=$?
trap - EXIT
kill -INT $view; wait $view || echo "view ended with $?" >&2
exit $code]]):format(command.line("view", dir, "--ready-file", ready), ready, ready,
    command.quote(command.path), command.quote(dir), lines))
end

TestView = {}

function TestView:test_0_a_run()
  dir = command.temp ".store"
  local script = command.write(SCRIPT, ".lua")
  local got = command.with_mock({}, ("LUNAGRAD_HOME=%s $LG run %s --run one -m openai/gpt-4o-mini"
    .. " --display none"):format(command.quote(dir), script))
  lu.assertEquals(got.code, 0, got.err)
end

local STATUS = "ask -o /dev/null -w '%{http_code}\\n' "

function TestView:test_who_is_answered()
  local got = served(table.concat({ STATUS .. "$url", STATUS .. "${url}run/one",
    STATUS .. "-H 'Origin: '$root $url", STATUS .. "-H 'Sec-Fetch-Site: same-origin' $url",
    STATUS .. "-H 'Origin: null' -H 'Sec-Fetch-Site: same-origin' $url",
    STATUS .. "-H \"Host: localhost:${root##*:}\" $url" }, "\n"))
  lu.assertEquals(got.out, ("200\n"):rep(6), got.err)
end

function TestView:test_who_is_not()
  local got = served(table.concat({ STATUS .. "$root/", STATUS .. "$root/0123456789abcdef/",
    STATUS .. "${url%?}0/", STATUS .. "$root/run/one" }, "\n"))
  lu.assertEquals(got.out, ("404\n"):rep(4))
  got = served(table.concat({ STATUS .. "-H 'Host: evil.example' $url", STATUS .. "-H 'Host:' $url",
    STATUS .. "-H 'Origin: http://evil.example' $url", STATUS .. "-H 'Origin: null' $url",
    STATUS .. "-H 'Sec-Fetch-Site: cross-site' $url" }, "\n"))
  for line in got.out:gmatch "%d+" do lu.assertTrue(line == "403" or line == "400", got.out) end
  lu.assertEquals(select(2, got.out:gsub("\n", "")), 5)
  got = served(table.concat({ STATUS .. "-X POST $url", STATUS .. "-X PUT $url",
    STATUS .. "-X DELETE ${url}run/one", STATUS .. "-X POST ${url}run/one" }, "\n"))
  lu.assertEquals(got.out, ("405\n"):rep(4))
end

function TestView:test_pages_that_are_not_there()
  local got = served(table.concat({ STATUS .. "${url}run/nobody", STATUS .. "${url}moon",
    STATUS .. "${url}run/one/call/999999", STATUS .. "${url}run/..%2f..%2fetc",
    STATUS .. "${url}compare?runs=one" }, "\n"))
  lu.assertEquals(got.out, ("404\n"):rep(5))
end

function TestView:test_headers()
  local got = served "ask -D - -o /dev/null ${url}run/one"
  local text = got.out:lower()
  lu.assertStrContains(text, "cache-control: no-store")
  lu.assertStrContains(text, "referrer-policy: no-referrer")
  lu.assertStrContains(text, "x-frame-options: deny")
end

function TestView:test_the_page_is_that_of_the_report()
  local got = served "ask ${url}run/one"
  lu.assertStrContains(got.out, "connect-src &#39;self&#39;")
  lu.assertStrContains(got.out, 'id="s1p1"')
  local data = json.decode(got.out:match 'id="call%-data">(.-)</script>')
  lu.assertEquals(#data.calls, 0) -- they are asked for
  lu.assertStrContains(served("ask $url").out, "run/1")
  lu.assertStrContains(served('ask "${url}compare?runs=one+one"').out, "B against A")
end

function TestView:test_long_lists_have_pages()
  local got = served [[for list in steps candidates examples; do
    ask "${url}run/one/$list?search=1"; done; ask -o /dev/null -w '%{http_code}' "${url}run/one/steps?search=9"
    ask -o /dev/null -w '%{http_code}' "${url}run/one/steps?search=1&from=99999999999999999999"]]
  lu.assertStrContains(got.out, 'id="sp1"')
  lu.assertStrContains(got.out, 'id="sc0"')
  lu.assertStrContains(got.out, 'id="se1"')
  lu.assertStrContains(got.out, "404200")
end

function TestView:test_calls_a_page_at_a_time()
  local got = served [[ask "${url}run/one/calls?after=0"; echo
    ask "${url}run/one/calls?after=0&words=BACKWARD"; echo
    ask "${url}run/one/call/1"; echo]]
  local list = {}
  for line in got.out:gmatch "[^\n]+" do list[#list + 1] = json.decode(line) end
  lu.assertTrue(#list[1].calls >= 50)
  lu.assertTrue(#list[2].calls > 0 and #list[2].calls < #list[1].calls)
  for _, call in ipairs(list[2].calls) do lu.assertEquals(call[2], "backward") end
  lu.assertEquals(list[3].messages[1], { "system", "Answer the question." })
end

-- Who waits for events is told when somebody writes, and not before.
function TestView:test_what_changes_is_told()
  local got = served(([[
ask -m 1 ${url}events >/dev/null 2>&1; echo "quiet $?"
( sleep 0.3; $LG run %s --run two --display none >/dev/null 2>&1 ) & run=$!
ask ${url}events; wait $run
ask ${url}run/two >/dev/null; echo "two $?"]]):format(command.write(SCRIPT, ".lua")))
  lu.assertStrContains(got.out, "quiet 28") -- curl's time was over
  lu.assertStrContains(got.out, "event: changed")
  lu.assertStrContains(got.out, "two 0")
end

function TestView:test_the_button_asks_a_run_to_drain()
  local script = command.write([[local lg = require "lunagrad"
    for i = 1, 400 do
      lg.evaluate { function() lg.sleep(0.05) return "1" end, data = { { answer = "1" } },
        metric = lg.metric.exact }
    end]], ".lua")
  local got = served(([[
$LG run %s --run slow --display none >/dev/null 2>&1 & run=$!
n=0; while ! ask ${url} | grep -q slow && [ $n -lt 100 ]; do sleep 0.05; n=$((n + 1)); done
ask -o /dev/null -w '%%{http_code}\n' -X POST ${url}run/slow/stop
wait $run; echo "ended $?"
ask -o /dev/null -w '%%{http_code}\n' -X POST ${url}run/slow/stop
ask -o /dev/null -w '%%{http_code}\n' -X POST -H 'Origin: http://evil.example' \
  ${url}run/slow/stop]])
    :format(script))
  lu.assertEquals(got.out, "303\nended 130\n409\n403\n")
end

function TestView:test_misuse()
  lu.assertEquals(command.run("view", "/nowhere/at/all").code, 2)
  lu.assertEquals(command.run("view", dir, "more").code, 2)
  lu.assertEquals(command.run("view", dir, "--port", "99999").code, 2)
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
