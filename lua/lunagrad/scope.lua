--- Scopes: what a tool's function, or an agent, has begun, and ends with it.
--
-- Tasks, and variables that were on their way when they were made. `over` is the error that a
-- scope ended with before its function did. With a time limit it has a timer, and a deadline on
-- the monotonic clock for code that computes. The loop (loop.lua) reads over, due, late and tasks
-- of a task's scope; only this file writes them.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"

local FIRST_SWEEP = 64

local limited = {}  -- id of a node that was begun under a deadline → its scope
local promised = {} -- id of a promise → the scope of the task that keeps it

local scopes = {}

local Scope = {}
Scope.__index = Scope

--- A new scope, for a task's context. It takes over the deadline of another.
---@param outer? table
function scopes.new(outer)
  return setmetatable({ tasks = {}, n = 0, sweep_at = FIRST_SWEEP, due = outer and outer.due,
    late = outer and outer.late, expire = outer and outer.expire }, Scope)
end

--- The scope whose deadline a node was begun under, if any.
---@param id integer
function scopes.of_node(id) return limited[id] end

--- The scope of a promise's task, ended when the promise is cancelled with its own.
function scopes.set_promised(id, scope) promised[id] = scope end

-- Forgets what has settled, so that a tool that makes a million nodes does not keep them.
local function sweep(self)
  local kept = 0
  for i = 1, self.n do
    local v = self[i]
    self[i] = nil
    if v:raw_state() == "pending" then
      kept = kept + 1
      self[kept] = v
    elseif self.due then
      limited[v:id()] = nil
    end
  end
  self.n, self.sweep_at = kept, math.max(FIRST_SWEEP, 2 * kept)
end

--- The running task, which is of this scope, has begun v.
function Scope:adopt(v)
  if self.over then
    v:cancel()
    loop.check_scope()
  end
  if self.n >= self.sweep_at then sweep(self) end
  self.n = self.n + 1
  self[self.n] = v
  if self.due then limited[v:id()] = self end
end

-- An agent that looks at its own answer does not count.
local function wanted_by_others(v)
  local scope = promised[v:id()]
  local tag = scope and scope.own_tag
  if not tag then return v:wanted() end
  v:unwatch(tag)
  if v:wanted() then
    v:watch(tag)
    return true
  end
  loop.forget(tag)
  return false
end

-- The newest first: those who wait for an older one are gone then. A promise may wait for one
-- that is newer, so until nothing changes.
local function cancel_all(self)
  local any = true
  while any do
    any = false
    for i = self.n, 1, -1 do
      local v = self[i]
      if v:raw_state() == "pending" and not wanted_by_others(v) then
        any = true
        local inner = promised[v:id()]
        v:cancel()
        if inner then inner:cut(self.over) end
      end
    end
  end
end

local function stop_timer(self)
  local timer = self.timer
  if not timer then return end
  self.timer = nil
  loop.forget(self.timer_tag)
  timer:unwatch(self.timer_tag)
  timer:cancel()
end

--- End a scope before its function has: what waits there gets the error, what was begun and
--- nobody else waits for is cancelled.
---@param problem lunagrad.error
function Scope:cut(problem)
  if self.over then return end
  self.over = problem
  stop_timer(self)
  local parked, tasks = {}, self.tasks
  for task in pairs(tasks) do
    if task.tag then parked[#parked + 1] = task end
  end
  table.sort(parked, function(a, b) return tasks[a] < tasks[b] end)
  loop.interrupt(parked, tasks)
  cancel_all(self)
  self:close()
end

--- A scope's function has ended, as this task if it is given.
---@param task? table
function Scope:close(task)
  if task and not task.ok and self.late and task[1] == self.late then
    self.expire()
    self:cut(self.late)
  end
  stop_timer(self)
  for i = 1, self.n do
    if self.due then limited[self[i]:id()] = nil end
    self[i] = nil
  end
  self.n = 0
end

--- The scope ends after so many seconds; first fail(error) is called.
---@param seconds number
---@param fail fun(problem: lunagrad.error)
function Scope:limit(seconds, fail)
  local late = errors.new("timeout", ("timed out after %g s"):format(seconds))
  local due = core.due(seconds)
  local function expire()
    if self.over then return end
    fail(late)
    self:cut(late)
  end
  if not self.due or due < self.due then
    self.due, self.late, self.expire = due, late, expire
  end
  self.timer = core.timer(loop.engine(), math.floor(seconds * 1e6), "time limit")
  self.timer_tag = loop.watch(self.timer, expire)
end

return scopes
