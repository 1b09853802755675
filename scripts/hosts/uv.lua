-- uv.lua - a stock Lua whose loop is libuv's (luv; Debian: lua-luv), as a server's or a tool's is.
--
--   LUA_CPATH="build/?.so;;" lua5.4 scripts/hosts/uv.lua            5.3 as well
--   … scripts/hosts/uv.lua text="Count." steps=2 model=openai/gpt-4o-mini
--
-- The loop watches lg.fd() and, for what time alone brings, a timer: the library runs when it has
-- something to do, and never waits. A heartbeat shows that the loop is not held up. What comes out is
-- one line of JSON.

local lg = require "lunagrad"
local uv = require "luv"

local BUDGET, BEAT = 2000, 5 -- µs of one step; ms

local here = debug.getinfo(1, "S").source:match "^@(.*/)" or ""
for _, word in ipairs(arg) do
  local name, value = word:match "^([%w_]+)=(.*)$"
  if not name then error(("%s: expected name=value"):format(word), 0) end
  lg.args[name] = value
end

local task = lg.spawn(assert(loadfile(here .. "improve.lua")))
local poll, timer, heart = uv.new_poll(lg.fd()), uv.new_timer(), uv.new_timer()
local beats, late, last = 0, 0, nil

-- All that a loop has to do for the library. The timer is set anew each time: what is due changes. Not
-- to 0, which libuv would run again and again before anything else; what is due now the descriptor
-- tells as well.
local function step()
  lg.step(BUDGET)
  timer:stop()
  local ms = lg.timeout()
  if ms >= 0 then timer:start(math.max(ms, 1), 0, step) end
  if task.done then uv.stop() end
end
poll:start("r", step)
step()

heart:start(0, BEAT, function()
  local now = uv.hrtime() / 1e6
  if last then late = math.max(late, now - last - BEAT) end
  beats, last = beats + 1, now
end)

uv.run() -- until the task is done, however it ended

print(lg.json.encode(task:await()))
io.stderr:write(("%d heartbeats meanwhile, the latest %.1f ms late\n"):format(beats, late))
