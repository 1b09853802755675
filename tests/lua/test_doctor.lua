-- test_doctor.lua - `lunagrad doctor`, `models` and `keys` as a user runs them: against the
-- project's own server, with nobody there, with mistakes of every kind; keys are never shown

local lg = require "lunagrad"
local lu = require "luaunit"
local command = require "command"

local KEY = "sk-DOCTORCANARY/+12345="

-- No settings of whoever runs the tests, a home that is empty, nothing on the usual ports.
local function home() return command.temp() .. ".h" end

local function clean(more)
  return ("env -i PATH=\"$PATH\" HOME=%s LUNAGRAD_HOME=$LUNAGRAD_HOME %s timeout 60")
    :format(home(), more or "")
end

local function run(env, ...)
  local result = command.shell(clean(env) .. " " .. command.line(...))
  lu.assertNotStrContains(result.out .. result.err, "DOCTORCANARY")
  return result
end

-- Against `lunagrad mock`; $url is its address with /v1.
local function with_mock(env, words)
  local result = command.with_mock({}, ("root=${url%%/v1}; %s %s %s"):format(clean(env),
    command.quote(command.path), words))
  lu.assertNotStrContains(result.out .. result.err, "DOCTORCANARY")
  return result
end

local function findings(result)
  local report = lg.json.decode(result.out)
  lu.assertNotNil(report, result.out .. result.err)
  lu.assertEquals(result.code, report.ok and 0 or 1)
  return report.findings, report
end

-- The finding whose text has these words.
local function finding(list, words)
  for _, one in ipairs(list) do
    if one.text:find(words, 1, true) then return one end
  end
  lu.fail(("no finding has %q in %s"):format(words, lg.json.encode(list)))
end

local function wrong(list, words, mend)
  local one = finding(list, words)
  lu.assertEquals(one.state, "wrong")
  lu.assertStrContains(one.mend or "", mend)
end

TestDoctor = {}

function TestDoctor:tearDown() command.remove_files() end

function TestDoctor:test_a_fresh_machine_has_nothing_wrong()
  local result = run("", "doctor", "--offline")
  lu.assertEquals(result.code, 0, result.out)
  lu.assertStrContains(result.out, "no key is set")
  lu.assertStrContains(result.out, "nothing is wrong")
  lu.assertNotStrContains(result.out, "\27")
  local checks = {}
  for _, one in ipairs(findings(run("", "doctor", "--offline", "--json"))) do
    checks[one.check] = true
  end
  for _, check in ipairs { "settings", "keys", "server", "clock", "certificates", "proxy", "store",
    "files", "terminal", "versions" } do
    lu.assertTrue(checks[check], check)
  end
end

function TestDoctor:test_the_release_of_lua_is_told_and_whether_packages_of_it_are_broken()
  local core = require "lunagrad.core"
  local list = findings(run("", "doctor", "--offline", "--json"))
  lu.assertEquals(finding(list, "Lua " .. core.lua_release .. ",").state, "ok")
  lu.assertStrMatches(core.lua_release, "5%.%d+%.%d+")
  local notes = 0
  for _, one in ipairs(list) do
    if one.state == "note" and one.text:find("packages of Lua", 1, true) then notes = notes + 1 end
  end
  local broken = core.lua_release:match "^5%.4%.[0-4]$" ~= nil
  lu.assertEquals({ notes, core.stack_mark ~= nil }, { broken and 1 or 0, broken })
end

function TestDoctor:test_a_server_that_answers()
  local env = ("OPENAI_API_KEY='%s' OPENAI_BASE_URL=$url"):format(KEY)
  local list = findings(with_mock(env, "doctor --json"))
  lu.assertEquals(finding(list, "OPENAI_API_KEY: found in environment").state, "ok")
  lu.assertEquals(finding(list, "openai answers: 1 model, ").state, "ok")
  lu.assertEquals(finding(list, "of that of openai").check, "clock")
end

function TestDoctor:test_all_dialects_are_asked_as_they_want_it()
  local env = ("ANTHROPIC_API_KEY='%s' ANTHROPIC_BASE_URL=$root GEMINI_API_KEY='%s' "
    .. "GOOGLE_GEMINI_BASE_URL=$root OLLAMA_HOST=${root#http://} FOO_BASE_URL=$url "
    .. "FOO_API_KEY=k1 BAR_BASE_URL=$url "
    .. "AZURE_OPENAI_API_KEY='%s' AZURE_OPENAI_ENDPOINT=$root"):format(KEY, KEY, KEY)
  local list = findings(with_mock(env, "doctor --json"))
  for _, name in ipairs { "anthropic", "gemini", "ollama", "foo" } do
    lu.assertEquals(finding(list, name .. " answers").state, "ok")
  end
  wrong(list, "bar at http://127.0.0.1:", "lunagrad keys set bar")
  finding(list, "it wants a key")
  lu.assertEquals(finding(list, "OLLAMA_HOST has no scheme").state, "note")
end

function TestDoctor:test_mistakes_in_addresses()
  local env = ("OPENAI_API_KEY='%s' OPENAI_BASE_URL=$root A_BASE_URL=$url/chat/completions "
    .. "B_BASE_URL=10.1.1.1:80/v1 C_BASE_URL=http://u:p@127.0.0.1:9/v1 "
    .. "GROQ_API_KEY='%s' GROQ_BASE_URL=http://groq.invalid/v1"):format(KEY, KEY)
  local list = findings(with_mock(env, "doctor --json"))
  wrong(list, "OPENAI_BASE_URL has no /v1 behind the host", "OPENAI_BASE_URL=http://127.0.0.1:")
  wrong(list, "A_BASE_URL ends in /chat/completions", "A_BASE_URL=http://127.0.0.1:")
  wrong(list, "B_BASE_URL has no scheme", "B_BASE_URL=http://10.1.1.1:80/v1")
  wrong(list, "C_BASE_URL holds a name or password", "leave them out")
  wrong(list, "GROQ_BASE_URL is http, not https", "https://groq.invalid/v1")
end

function TestDoctor:test_nobody_there()
  local env = ("OPENAI_API_KEY='%s' OPENAI_BASE_URL=http://127.0.0.1:9/v1"):format(KEY)
  local result = run(env, "doctor")
  lu.assertEquals(result.code, 1)
  lu.assertStrContains(result.out, "WRONG server")
  lu.assertStrContains(result.out, "openai at http://127.0.0.1:9/v1: ")
end

function TestDoctor:test_keys_that_cannot_be_right()
  local list = findings(run(("OPENAI_API_KEY=' %s' GROQ_API_KEY='\"%s\"'"):format(KEY, KEY),
    "doctor", "--offline", "--json"))
  lu.assertEquals(finding(list, "OPENAI_API_KEY has blanks around it").state, "note")
  wrong(list, "GROQ_API_KEY, from the environment, has quotes around it", "keys set groq")
end

function TestDoctor:test_certificates()
  local empty = command.write("no certificate", ".pem")
  wrong(findings(run("SSL_CERT_FILE=/nowhere/ca.pem", "doctor", "--offline", "--json")),
    "/nowhere/ca.pem cannot be read", "unset SSL_CERT_FILE")
  wrong(findings(run("SSL_CERT_FILE=" .. empty, "doctor", "--offline", "--json")),
    "holds no certificate", "unset SSL_CERT_FILE")
  wrong(findings(run("SSL_CERT_DIR=/nowhere", "doctor", "--offline", "--json")), "is no folder",
    "unset SSL_CERT_DIR")
  local two = command.write(("-----BEGIN CERTIFICATE-----\nx\n"):rep(2), ".pem")
  finding(findings(run("SSL_CERT_FILE=" .. two, "doctor", "--offline", "--json")), "2 in " .. two)
end

function TestDoctor:test_proxies_without_passwords()
  local result = run("https_proxy=http://me:sesame@127.0.0.1:9", "doctor", "--offline")
  lu.assertStrContains(result.out, "https_proxy=http://***@127.0.0.1:9")
  lu.assertNotStrContains(result.out, "sesame")
end

-- doctor with a store that these lines of shell made in $dir; lunagrad is the command.
local function with_store(lines)
  local dir = command.temp() .. ".store"
  local result = command.shell(([[dir=%s; lunagrad() { %s %s "$@"; }; %s
lunagrad doctor --offline --json; code=$?; rm -rf $dir; exit $code]]):format(dir,
    clean("LUNAGRAD_HOME=" .. dir), command.path, lines))
  return findings(result)
end

function TestDoctor:test_the_store()
  local list = with_store "lunagrad -e 'print(lg.model [[sim/default]] [[a]])' --run x >/dev/null"
  lu.assertStrContains(finding(list, "store.db: ").text, "sound")
end

function TestDoctor:test_a_damaged_store()
  local bad = 0
  for _, one in ipairs(with_store "mkdir $dir; head -c 9000 /dev/zero >$dir/store.db") do
    if one.check == "store" and one.state == "wrong" then bad = bad + 1 end
  end
  lu.assertEquals(bad, 1)
end

function TestDoctor:test_open_files_against_calls_in_flight()
  local result = command.shell(("ulimit -n 100; %s %s doctor --offline --json"):format(clean(),
    command.path))
  wrong(findings(result), "100 files may be open", "--concurrency 50")
end

-- ---- models --------------------------------------------------------------------------

TestModels = {}

function TestModels:tearDown() command.remove_files() end

function TestModels:test_offline_tells_what_is_configured()
  local result = run(("OPENAI_API_KEY='%s'"):format(KEY), "models", "openai", "--offline", "--json")
  lu.assertEquals(result.code, 0)
  local one = lg.json.decode(result.out)
  lu.assertEquals(one.key, { name = "OPENAI_API_KEY", found = true, from = "environment",
    needed = true })
  lu.assertEquals(one.base_url, "https://api.openai.com/v1")
  lu.assertEquals(one.dialect, "openai")
  lu.assertTrue(one.configured)
end

function TestModels:test_models_of_a_server()
  local result = with_mock(("OPENAI_API_KEY='%s' OPENAI_BASE_URL=$url"):format(KEY),
    "models openai --json")
  local one = lg.json.decode(result.out)
  lu.assertTrue(one.reachable)
  lu.assertEquals(one.models[1].id, "sim/default")
  lu.assertEquals(result.code, 0)
end

function TestModels:test_nobody_there()
  local result = run("OPENAI_API_KEY=k OPENAI_BASE_URL=http://127.0.0.1:9/v1", "models", "--json")
  local one = lg.json.decode(result.out:match "[^\n]+")
  lu.assertIsFalse(one.reachable)
  lu.assertStrContains(one.error, "127.0.0.1:9")
  lu.assertEquals(result.code, 3)
end

function TestModels:test_all_at_once_within_the_time()
  local env = {}
  for i = 1, 8 do env[i] = ("H%c_BASE_URL=$url"):format(64 + i) end
  local start = os.time()
  local result = command.with_mock({}, ("kill -STOP $mock; %s %s models --json; c=$?; "
    .. "kill -CONT $mock; exit $c"):format(clean(table.concat(env, " ")),
    command.quote(command.path)))
  lu.assertTrue(os.time() - start < 6, "they were asked one after the other")
  lu.assertEquals(result.code, 3)
  lu.assertStrContains(result.out, "within 2")
  local n = 0
  for row in result.out:gmatch "[^\n]+" do
    if lg.json.decode(row).provider:find "^h" then n = n + 1 end
  end
  lu.assertEquals(n, 8)
end

function TestModels:test_a_server_that_says_the_key_back()
  local result = with_mock(("OPENAI_API_KEY=sim/default OPENAI_BASE_URL=$url"), "models openai")
  lu.assertNotStrContains(result.out, "sim/default")
  lu.assertStrContains(result.out, "openai/***")
end

function TestModels:test_unknown_providers()
  local result = run("", "models", "opena")
  lu.assertEquals(result.code, 2)
  lu.assertStrContains(result.err, "did you mean openai?")
end

-- ---- keys ----------------------------------------------------------------------------

TestKeys = {}

function TestKeys:tearDown() command.remove_files() end

-- Lines of shell, with $L as the command in a home of its own, $keys its store.
local function in_home(lines)
  local folder = home()
  local result = command.shell(([[export HOME=%s; unset XDG_DATA_HOME XDG_CONFIG_HOME OPENAI_API_KEY
mkdir -p $HOME; L=%s; keys=$HOME/.local/share/lunagrad/keys.json
%s
code=$?; rm -rf $HOME; exit $code]]):format(folder, command.quote(command.path), lines))
  lu.assertNotStrContains(result.out .. result.err, "DOCTORCANARY")
  return result
end

function TestKeys:test_set_list_use_remove()
  local result = in_home(([[
printf '%%s\n' '%s' | $L keys set openai && $L keys list --json && stat -c %%a $keys \
  $HOME/.local/share/lunagrad && [ "$($L keys path)" = $keys ] && grep -q DOCTORCANARY $keys &&
$L models openai --offline --json && $L keys remove OPENAI_API_KEY && $L keys list && cat $keys]])
    :format(KEY))
  lu.assertEquals(result.code, 0, result.err)
  lu.assertStrContains(result.out, '"name":"OPENAI_API_KEY"')
  lu.assertStrContains(result.out, "600\n700\n")
  lu.assertStrContains(result.out, '"found":true')
  lu.assertStrContains(result.out, "no keys\n{}")
end

function TestKeys:test_a_key_is_no_argument()
  local result = in_home(("$L keys set openai '%s'; c=$?; [ -e $keys ] && exit 99; exit $c")
    :format(KEY))
  lu.assertEquals(result.code, 2)
  lu.assertStrContains(result.err, "shell's history")
  result = in_home(("$L keys set '%s'"):format(KEY))
  lu.assertEquals(result.code, 2)
end

function TestKeys:test_from_env()
  local result = in_home(("MINE='%s' $L keys set groq --from-env MINE && $L keys list"):format(KEY))
  lu.assertEquals(result.code, 0, result.err)
  lu.assertStrContains(result.out, "GROQ_API_KEY")
  lu.assertStrContains(in_home("$L keys set groq --from-env NONE").err, "NONE is not set")
end

function TestKeys:test_other_apis_of_a_server_take_its_key()
  local result = in_home(("for p in openai-image azure-embed responses; do echo '%s' | $L keys set "
    .. "$p; done; $L keys list; $L run -e 'lg.model \"groq-embed/x\"'"):format(KEY))
  lu.assertStrContains(result.out, "OPENAI_API_KEY")
  lu.assertStrContains(result.out, "AZURE_OPENAI_API_KEY")
  lu.assertNotStrContains(result.out, "_IMAGE_")
  lu.assertStrContains(result.err, "keys set groq;") -- what mends it, not "groq-embed"
end

function TestKeys:test_what_is_no_key()
  lu.assertStrContains(in_home("echo | $L keys set openai").err, "nothing is stored")
  lu.assertStrContains(in_home("echo a b | $L keys set openai").err, "blanks")
  lu.assertStrContains(in_home("echo a | $L keys set ollama").err, "needs no key")
end

function TestKeys:test_a_store_that_others_read()
  local result = in_home(([[echo '%s' | $L keys set openai 2>/dev/null; chmod 644 $keys
echo x1234567 | $L keys set groq; echo $?; $L keys list; echo $?; $L doctor --offline | grep WRONG
chmod 600 $keys; $L keys list]]):format(KEY))
  lu.assertStrContains(result.err, "mode 0644")
  lu.assertStrContains(result.err, "chmod 600 /")
  lu.assertStrContains(result.out, "3\n")
  lu.assertStrContains(result.out, "not used: others may read or write it")
  lu.assertStrContains(result.out, "WRONG keys")
end

function TestKeys:test_a_store_that_is_broken()
  local result = in_home("echo x1234567 | $L keys set groq 2>/dev/null; echo '{' >$keys; "
    .. "$L keys list; echo $?")
  lu.assertStrContains(result.err, "is not used: it is no JSON object of keys")
  lu.assertStrContains(result.err, "hint: mend it")
  lu.assertStrContains(result.out, "1\n")
end

os.exit(lu.LuaUnit.run())
