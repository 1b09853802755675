-- command.lua - runs the built command as a user does; for test_cli.lua and test_mock.lua

local command = {}

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
command.path = build .. "/lunagrad"

local made = {}

-- A fresh file name; remove_files() takes it away.
function command.temp(suffix)
  local name = os.tmpname()
  made[#made + 1] = name
  if not suffix then return name end
  made[#made + 1] = name .. suffix
  return name .. suffix
end

function command.remove_files()
  for _, name in ipairs(made) do os.remove(name) end
  made = {}
end

function command.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

function command.write(text, suffix)
  local path = command.temp(suffix)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

function command.quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

function command.line(...)
  local words = { command.quote(command.path) }
  for _, word in ipairs({ ... }) do words[#words + 1] = command.quote(word) end
  return table.concat(words, " ")
end

-- Runs a shell line, with a store of its own unless the line names another; returns
-- { code =, out =, err = }. A sanitizer that was preloaded into this process is not for
-- all that the line starts.
function command.shell(line)
  local out, err, home = command.temp(), command.temp(), command.temp() .. ".home"
  local pipe = assert(io.popen(([[unset LD_PRELOAD; LUNAGRAD_HOME=%s; export LUNAGRAD_HOME
( %s ) >%s 2>%s </dev/null; echo $?; rm -rf %s]]):format(home, line, out, err, home)))
  local code = tonumber(pipe:read("a"))
  pipe:close()
  return { code = code, out = command.read(out), err = command.read(err) }
end

-- Runs lunagrad with these words, in a clean environment.
function command.run(...)
  return command.shell("env -u OPENAI_API_KEY -u OPENAI_BASE_URL timeout 60 " .. command.line(...))
end

-- The shell line that runs a text of Lua in a fresh stock Lua, as a user's script is: after `env`
-- (shell words like "A=1 B='x y'"), within 20 seconds. The module is found as `lunagrad`.
function command.lua_line(code, env)
  local file = command.write(([[
package.cpath = %q .. package.cpath
%s]]):format(build .. "/?.so;", code), ".lua")
  return ("env %s ${LG_PRELOAD:+LD_PRELOAD=$LG_PRELOAD} timeout 20 %s %s")
    :format(env or "", arg[-1] or "lua5.4", file)
end

-- Runs it in the same directory.
function command.lua(code, env)
  return command.shell(command.lua_line(code, env))
end

-- Runs the words against a mock server with these options; returns the run's result with
-- the server's summary (mock_err) and journal (a list of tables). The words can use $url, $LG,
-- $journal and post, which is curl as a client of the mock sends.
function command.with_mock(options, line)
  local ready, journal = command.temp(".ready"), command.temp(".jsonl")
  local mock_err = command.temp()
  local words = { "mock", "--ready-file", ready, "--journal", journal }
  table.move(options, 1, #options, #words + 1, words)
  local result = command.shell(([[
%s >/dev/null 2>%s & mock=$!
trap 'kill $mock 2>/dev/null' EXIT
n=0; while [ ! -s %s ] && [ $n -lt 200 ]; do sleep 0.02; n=$((n + 1)); done
url=$(cat %s) journal=%s
OPENAI_BASE_URL=$url; OPENAI_API_KEY=k; export OPENAI_BASE_URL OPENAI_API_KEY
LG=%s
post() { curl -sS -m 10 -H 'Authorization: Bearer k' -H 'Content-Type: application/json' "$@"; }
( %s
)
code=$?
trap - EXIT
kill -INT $mock; wait $mock; mock_code=$?
[ $mock_code -eq 0 ] || echo "mock ended with $mock_code" >&2
exit $code]]):format(command.line(table.unpack(words)), mock_err, ready, ready, journal,
    command.quote(command.path), line))
  result.mock_err = command.read(mock_err)
  result.journal = {}
  local json = require("lunagrad").json
  for row in command.read(journal):gmatch("[^\n]+") do
    result.journal[#result.journal + 1] = assert(json.decode(row))
  end
  return result
end

return command
