-- plain.lua - a stock Lua with a loop of its own, and nothing else: no library, no descriptor.
--
--   LUA_CPATH="build/?.so;;" lua5.4 scripts/hosts/plain.lua            5.3 and 5.5 as well
--   … scripts/hosts/plain.lua text="Count." steps=2 model=openai/gpt-4o-mini
--   lunagrad run scripts/hosts/plain.lua                               in the command, too
--
-- A game's update(dt) looks like update() here: it starts what is to be done as a task, goes on
-- with its own work, and gives the library a part of each frame. What comes out is one line of JSON.

local lg = require "lunagrad"

local FRAME, BUDGET = 1 / 60, 2000 -- seconds; µs of a frame that are the library's

local here = debug.getinfo(1, "S").source:match "^@(.*/)" or ""
if not next(lg.args) then -- the command has read them already
  for _, word in ipairs(arg or {}) do
    local name, value = word:match "^([%w_]+)=(.*)$"
    if not name then error(("%s: expected name=value"):format(word), 0) end
    lg.args[name] = value
  end
end

local task = lg.spawn(assert(loadfile(here .. "improve.lua")))
local frames, clock = 0, os.clock

local function update()
  frames = frames + 1 -- the game's own work would be here
  lg.step(BUDGET)
end

while not task.done do
  local begun = clock()
  update()
  -- A host that has nothing to wait with sleeps here: what is on its way goes on meanwhile.
  if lg.timeout() ~= 0 then lg.sleep(math.max(0, FRAME - (clock() - begun))) end
end

print(lg.json.encode(task:await()))
io.stderr:write(("%d frames while it was improved\n"):format(frames))
