-- main.lua - a game in LÖVE whose ferryman learns to speak while its frames go on.
--
--   love scripts/hosts/love                      LÖVE 11 (LuaJIT); liblunagrad and lunagrad_ffi.lua
--   love scripts/hosts/love headless             are installed, or said where:
--   LUA_PATH="lua/?.lua;;" LUNAGRAD_LIBRARY=build/liblunagrad.so love scripts/hosts/love
--   … seed=2 model=openai/gpt-4o-mini            other draws; a real model (its key in the environment)
--
-- The lines are improved by a script (lines.lua) in the library's own Lua. What the listeners make of
-- a line only the game knows: the script asks it (host.play), and it answers between two frames. Each
-- frame gives the library two milliseconds. In the end the frame times are written.

local harbour = require "harbour"
local lg = require "lunagrad_ffi"

local START = "key: Well met, stranger, on this fine and lovely morning by the sea.\n"
  .. "lantern: The lantern is in the shop, where it has always been."
local BUDGET = 2000 -- µs of a frame

local job, text, town, heard = nil, START, 1, 0
local updates = {} -- milliseconds of each update

local function option(name, words)
  for _, word in ipairs(words) do
    local value = word:match("^" .. name .. "=(.*)$")
    if value then return value end
  end
end

-- What came of it, for who plays it without a window.
local function report()
  table.sort(updates)
  local function at(share) return updates[math.max(1, math.ceil(share * #updates))] or 0 end
  io.stderr:write(("%d frames, %d plays of the listeners; update: median %.2f ms, 99%% %.2f ms, "
    .. "longest %.2f ms\n"):format(#updates, heard, at(0.5), at(0.99), at(1)))
  if job.error then
    io.stderr:write("lunagrad: ", tostring(job.error), "\n")
    return love.event.quit(1)
  end
  print(job.result_json)
  love.event.quit()
end

function love.load(words)
  local model = option("model", words)
  job = lg.run(love.filesystem.read "lines.lua", { lines = START, wanted = harbour.WANTED,
    seed = tonumber(option("seed", words) or 1), model = model }, {
    name = "lines.lua",
    allow = model and not model:find "^sim" and { "models" } or {},
    functions = { play = function(args)
      heard = heard + 1
      return harbour.play(args[1], args[2])
    end },
  })
end

-- Frames go on whatever the job does.
function love.update()
  local begun = love.timer.getTime()
  if job.state == "pending" and job:poll(BUDGET) ~= "pending" then
    if job.result then text = job.result.lines end
    if not love.graphics then report() end
  end
  updates[#updates + 1] = (love.timer.getTime() - begun) * 1000
end

function love.draw()
  local lines, problem = harbour.speech(text, harbour.town(town))
  love.graphics.print("The ferryman (any key: another town)", 24, 24)
  love.graphics.printf(lines and lines.key .. "\n\n" .. lines.lantern or problem, 24, 72, 592)
  local state
  if job.state == "pending" then
    state = ("he is thinking about how to say it … %d plays"):format(heard)
  elseif job.error then
    state = tostring(job.error)
  else
    state = ("learned by the listeners: %.2f before, %.2f now"):format(job.result.before,
      job.result.after)
  end
  love.graphics.printf(state, 24, 300, 592)
end

function love.keypressed(key)
  if key == "escape" then return love.event.quit() end
  town = town + 1
end
