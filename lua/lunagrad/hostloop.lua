--- For hosts with a loop of their own: lg.fd, lg.timeout, lg.step, lg.wakeup.
--
-- A host that lets the library wait (v:text(), task:await() outside of tasks) needs none of this. One
-- that may not be held up starts tasks (lg.spawn) and calls lg.step as often as it likes, or when
-- the descriptor polls readable or the timeout is over. What tasks and turns are, loop.lua says.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local timer = require "lunagrad.timer"

local hostloop = {}

--- A descriptor that polls readable when lg.step has work: to be watched, never to be read or closed.
---@return integer
function hostloop.fd()
  loop.host()
  return loop.engine():fd()
end

--- Milliseconds until lg.step is due though the descriptor is quiet: 0 now, -1 not before it polls.
---@return integer
function hostloop.timeout()
  if loop.has_ready() then return 0 end
  return loop.started() and loop.engine():timeout() or -1
end

--- Do what can be done now, and never wait: tasks go on, calls are sent, replies are taken.
-- In a task (as under the command, whose scripts are tasks) it lets the others go on for one turn.
---@param budget_us? integer µs after which no further piece of work begins; 0 (default): one turn
---@return boolean any whether anything happened
function hostloop.step(budget_us)
  budget_us = budget_us or 0
  if budget_us < 0 then
    errors.refuse("budget_us", "lg.step: a budget is at least 0 µs", nil, 2)
  end
  if loop.current() then
    timer.sleep(0)
    return true
  end
  if budget_us == 0 then return loop.turn() end
  local due, any = core.due(budget_us / 1e6), false
  while loop.turn(due) do
    any = true
    if core.due(0) >= due then break end
  end
  return any
end

--- Make the descriptor poll readable, and a loop that waits take a turn.
function hostloop.wakeup() loop.engine():wakeup() end

--- Do now what the first request over HTTPS needs and no step can cut: 20 to 60 ms.
function hostloop.preload() loop.engine():preload() end

return hostloop
