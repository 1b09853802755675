--- lg.sleep, and what a time limit may be.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"

local timer = {}

local LONGEST = 1000000000 -- seconds

local sleeping = setmetatable({}, { __mode = "k" }) -- variables that a script or tool sleeps on

--- Wait for so many seconds, on the engine's clock.
---@param seconds number
function timer.sleep(seconds)
  options.check({ [1] = seconds }, { [1] = "number" }, "lg.sleep", 2)
  if not (seconds >= 0 and seconds <= LONGEST) then
    errors.refuse("seconds", ("lg.sleep: %s is no number of seconds from 0 to %d")
      :format(tostring(seconds), LONGEST), nil, 2)
  end
  local v = loop.own(core.timer(loop.engine(), math.floor(seconds * 1e6), "sleep"))
  sleeping[v] = v:id()
  loop.await(v)
  sleeping[v] = nil
end

--- Ends all sleeps with an error of the kind "cancelled": a run that was interrupted and has
--- nothing in flight has nothing to wait for.
function timer.end_sleeps()
  local all = {}
  for v in pairs(sleeping) do all[#all + 1] = v end
  table.sort(all, function(a, b) return sleeping[a] < sleeping[b] end)
  for _, v in ipairs(all) do
    sleeping[v] = nil
    pcall(v.cancel, v) -- one that nobody holds may have been closed, and still be listed
  end
end

--- Checks a time limit in seconds; nil is none.
function timer.check_timeout(seconds, where, level)
  if seconds == nil or seconds > 0 and seconds <= LONGEST then return seconds end
  errors.refuse("timeout", ("%s: timeout must be more than 0 seconds, got %s")
    :format(where, tostring(seconds)), nil, (level or 1) + 1)
end

return timer
