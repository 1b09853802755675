--- The main program of the library's own state (lua/host/private.c): calls of the C side.
--
-- core.host.take() gives the next call: {name, answer, args, vars, models, functions}. "a.b" is the
-- function b of the module lunagrad.host.a, "b" that of lunagrad.host. It is called as a task with
-- (args, vars, models, functions), and what it returns is the answer: a variable, a text, or
-- another value as JSON. Cancelling the answer ends the task. This never returns.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local scopes = require "lunagrad.scope"
require "lunagrad"
require "lunagrad.host.sim"

local host = core.host

--- Wait until v has settled, whatever it came to.
function host.settle(v)
  if v:state() ~= "pending" then return end
  local ok, problem = pcall(loop.await, v)
  if not ok and v:state() == "pending" then error(problem, 0) end
end

local function find(name)
  local module, field = name:match "^(.*)%.([%w_]+)$"
  local found = require(module and "lunagrad.host." .. module or "lunagrad.host")
  return found[field or name] or error(("the library has no function %q for hosts"):format(name), 0)
end

local function work(call)
  return find(call.name)(call.args, call.vars, call.models, call.functions)
end

local function to_var(engine, value, role)
  if type(value) == "userdata" and getmetatable(value) == core.var_metatable then return value end
  local text = type(value) == "string" and value or core.json_encode(value == nil and core.null
    or value)
  return core.var(engine, text, role, false)
end

local function fail(engine, answer, problem)
  problem = errors.wrap(problem)
  local kind = problem.kind ~= "script" and problem.kind or "tool"
  local message = tostring(problem.message):match "^[^\n]*"
  local broken = pcall(core.break_promise, engine, answer, kind, message, problem.hint,
    problem.cause) or pcall(core.break_promise, engine, answer, kind, message)
  if not broken then core.break_promise(engine, answer, "tool", message) end
end

local function serve(call)
  local engine, answer, scope = loop.engine(), call.answer, scopes.new()
  local number = answer:id()
  scope.patience = math.huge -- it ends by itself, however often it has to be told
  scopes.set_promised(number, scope)
  local tag = loop.watch(answer, function()
    if answer:raw_state() == "cancelled" then
      scope:cut(errors.new("cancelled", "nobody wants the result any more"))
    end
  end)
  scope.own_tag = tag
  local task = loop.spawn(work, { scope = scope, what = call.name }, call)
  task.after = function(t)
    loop.forget(tag)
    scopes.set_promised(number, nil)
    scope:close(t)
    if answer:raw_state() ~= "pending" then return end
    answer:unwatch(tag)
    if not t.ok then return fail(engine, answer, t[1]) end
    local ok, problem = pcall(function()
      core.keep(engine, answer, to_var(engine, t[1], answer:raw_role()))
    end)
    if not ok then fail(engine, answer, problem) end
  end
end

while true do
  local call = host.take()
  if call then serve(call) else loop.pump() end
end
