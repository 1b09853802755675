--- A value that a task will make of other variables: returned at once, pending until then.
--
-- It is a node of the graph: what the task returns is its only input, and all feedback on it
-- goes there unchanged. Losses, checks of replies and agents are built on it. Only for the
-- library: scripts use tools.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local scopes = require "lunagrad.scope"

local promise = {}

--- Wait for a variable without raising. Is it ready?
---@param v Var
---@return boolean
function promise.settled(v)
  local ok, problem = pcall(loop.await, v)
  if not ok and v:state() == "pending" then error(problem, 0) end -- the wait itself was ended
  return v:state() == "ready"
end

local function broken(engine, answer, problem)
  problem = errors.wrap(problem)
  local kind = problem.kind ~= "script" and problem.kind or "tool"
  local message = tostring(problem.message):match "^[^\n]*"
  local hint = problem.hint and tostring(problem.hint)
  local cause = type(problem.cause) == "string" and problem.cause or nil
  if not pcall(core.break_promise, engine, answer, kind, message, hint, cause) then
    core.break_promise(engine, answer, "tool", message, hint) -- a kind of the script's own
  end
end

local function limit(engine, answer, leads, scope, timeout)
  for _, lead in ipairs(leads) do promise.settled(lead) end
  scope:limit(timeout[1], function(problem)
    if answer:raw_state() ~= "pending" then return end
    core.break_promise(engine, answer, "timeout", timeout[2] .. ": " .. problem.message)
  end)
end

--- Run fn(answer) as a task, and return the variable that it will be made of. fn returns the
--- variable it comes to, and a text if that is to be its value in the variable's stead; it may
--- look at answer:state() to see whether anybody still wants it.
---@param leads Var[] all variables that may lead to it
---@param role string
---@param fn fun(answer: Var): Var, string|nil
---@param timeout? { [1]: number, [2]: string } seconds, counted from when the leads have
--- settled, and whose they are
---@return Var
function promise.make(leads, role, fn, timeout)
  local engine = loop.engine()
  local outer = loop.context() and loop.context().scope
  local answer = loop.own(core.promise(engine, leads, role))
  local context = loop.context()
  if context and context.example then answer:set_example(context.example) end
  local number = answer:id()
  local scope = (timeout or outer) and scopes.new(outer) or nil
  if scope then scopes.set_promised(number, scope) end
  local task = loop.spawn(timeout and function(...)
    limit(engine, answer, leads, scope, timeout)
    return fn(...)
  end or fn, { serves = true, scope = scope, what = ("%s (node %d)"):format(role, number) }, answer)
  task.after = function(t)
    if scope then
      scopes.set_promised(number, nil)
      scope:close(t)
    end
    if answer:raw_state() ~= "pending" then return end
    if not t.ok then return broken(engine, answer, t[1]) end
    core.keep(engine, answer, t[1], t[2])
  end
  return answer
end

--- A variable that has another text and passes its feedback on to this one. It must be ready.
---@param from Var
---@param text string
---@param role string
---@return Var
function promise.derived(from, text, role)
  local engine = loop.engine()
  local made = core.promise(engine, { from }, role)
  core.keep(engine, made, from, text)
  if from:example() then made:set_example(from:example()) end
  return made
end

return promise
