--- Tasks, waiting, and the loop that joins Lua to the engine.
--
-- The engine never calls Lua. It queues events; `pump` fetches them here, wakes whoever waits for
-- a variable, and hands the others to those that take them (work.lua). A task is a coroutine.
-- Looking at a pending variable inside a task yields; anywhere else (a plain script, somebody
-- else's coroutine, inside print or table.sort) it runs the loop until the variable has settled.
-- A task may belong to a scope (scope.lua), which ends it. Nothing here knows models or tools.

local core = require "lunagrad.core"
local deadlock = require "lunagrad.deadlock"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local unseen = require "lunagrad.unseen"

local loop = {}

local YIELD = {}            -- what a task yields to the loop, and nothing else may
local AGAIN = {}            -- the same, to be resumed at once
local GIVE_UP = {}          -- … when it is not to run again
local PATIENCE = 3          -- so often a task that has to end may catch the error and go on
local NESTED_MAX = 40       -- a level takes four of the 200 nested C calls that Lua allows

local the_engine, engine_config = nil, nil
local DEEP = 20             -- levels from which on only tools and models run while others can wait
local ready, serving = { first = 1, last = 0 }, { first = 1, last = 0 } -- serving: for the engine
local waiting, last_tag = {}, 0   -- tag of a watch → task, or a function
local idle = {}                   -- coroutines that wait for their next task
local current                     -- the task that runs now
local last_task = 0
local clocked                     -- the scope whose deadline counts now
local bound                       -- the candidate that counts now: what variables stand for
local nested = 0
local below = {}                  -- level of the nested loop → who waits there, and for what
local tick                        -- the command's function, called while waiting
local hosted = false              -- the host waits for the engine's descriptor (hostloop.lua)
local turning = false             -- … and is in a turn now

-- ---- the engine --------------------------------------------------------------

local on_new = {}

--- Options of the engine, before it is first used.
---@param config table fields of lg_config
function loop.configure(config)
  if the_engine then
    errors.raise("state", "configure: the engine is running already",
      "call lg.configure before anything else of lg", 2)
  end
  engine_config = engine_config or {}
  for name, value in pairs(config) do engine_config[name] = value or nil end
end

--- An option that was given to configure, nil otherwise.
function loop.setting(name) return engine_config and engine_config[name] end

--- Call fn(engine) when the engine is made (or now, when it is).
function loop.on_engine(fn)
  if the_engine then fn(the_engine) else on_new[#on_new + 1] = fn end
end

local log_from              -- the engine's time when the first line was logged

--- Lines of the log as they are shown: {level, text}. Those of the level debug tell how many
--- seconds after the first line they were logged.
---@param engine userdata
---@return table[]
function loop.log_lines(engine)
  local lines = engine:log_lines()
  for _, line in ipairs(lines) do
    log_from = log_from or line[3]
    if line[1] == "debug" then line[2] = ("%.3f %s"):format(line[3] - log_from, line[2]) end
  end
  return lines
end

-- What the engine logs, if that was asked for: it only keeps the lines. Under the command
-- they are the display's to show (cli/watch.lua).
local function show_log(engine)
  for _, line in ipairs(loop.log_lines(engine)) do
    io.stderr:write("lunagrad: ", line[1], ": ", line[2], "\n")
  end
end

--- The engine of this Lua state, made when first needed.
function loop.engine()
  if not the_engine then
    local config = engine_config or {}
    if config.http2 then config.log = config.log or "warn" end -- not every libcurl can
    the_engine = core.engine(config)
    for _, fn in ipairs(on_new) do fn(the_engine) end
    if config.log and not tick then unseen.tell_at_end(the_engine) end
  end
  return the_engine
end

--- True when the engine was made.
function loop.started() return the_engine ~= nil end

-- ---- tasks --------------------------------------------------------------------

local Task = {}
Task.__index = Task
Task.__name = "lunagrad.task"
loop.task_methods = Task

local function on_error(problem)
  problem = errors.wrap(problem)
  if type(problem) == "table" and rawget(problem, "traceback") == nil then
    problem.traceback = debug.traceback("", 2)
    if current and current.context then
      problem.example = problem.example or current.context.example
      problem.step = problem.step or current.context.step
    end
  end
  return problem
end

local function queue(task)
  local list = task.context and task.context.serves and serving or ready
  list.last = list.last + 1
  list[list.last] = task
  -- a host that waits for the descriptor hears of what is begun outside of its steps
  if hosted and not turning and list.first == list.last then the_engine:wakeup() end
end

local function finish(task, ok, ...)
  task.done, task.ok = true, ok
  local scope = task.context and task.context.scope
  if scope then scope.tasks[task] = nil end
  if not ok then
    if not task.after and not scope then unseen.add(task, ...) end
    unseen.passed_on(task)
  end
  task.begun = nil
  task.n = select("#", ...)
  if task.n <= 1 then task[1] = ... else
    for i = 1, task.n do task[i] = (select(i, ...)) end
  end
  local after = task.after
  task.fn, task.after = nil, nil
  if after then after(task) end
end

-- One coroutine serves many tasks, one after the other.
local function worker(task)
  while true do
    local scope = task.context and task.context.scope
    local call = scope and scope.due and core.limited or xpcall
    finish(task, call(task.fn, on_error, table.unpack(task, 1, task.n)))
    local co = task.co
    task.co = nil
    idle[#idle + 1] = co
    task = coroutine.yield(YIELD)
  end
end

-- Whose deadline counts for the code that runs from now on: this task's, nil: nobody's.
local function watch_clock(task)
  local scope = task and task.context and task.context.scope
  local limit = scope and scope.due and scope or nil
  if limit ~= clocked then
    clocked = limit
    core.deadline(limit and limit.due, limit and limit.late)
  end
end

-- Whose candidate counts for the code that runs from now on (bind.lua).
local function take_place(task)
  watch_clock(task)
  local candidate = task and task.context and task.context.candidate or nil
  if candidate ~= bound then
    bound = candidate
    core.bind(the_engine, candidate and candidate.binding)
  end
end

local function resume(task)
  local scope = task.context and task.context.scope
  if scope and scope.over and not task.co then return finish(task, false, scope.over) end
  local before = current
  current = task
  take_place(task)
  local ok, what
  if task.co then
    ok, what = coroutine.resume(task.co)
  else
    local co = table.remove(idle) or coroutine.create(worker)
    task.co = co
    ok, what = coroutine.resume(co, task)
  end
  while what == AGAIN do ok, what = coroutine.resume(task.co) end
  current = before
  take_place(before)
  if what == GIVE_UP then
    if coroutine.close then coroutine.close(task.co) end -- Lua 5.3 has nothing to close
    finish(task, false, task.context.scope.over)
  elseif not ok then -- not the task's function but this file failed, or memory is out
    finish(task, false, errors.wrap(what))
  elseif what ~= YIELD then
    finish(task, false, errors.new("inval", "a task may not yield outside a coroutine of its own",
      "wrap your generator in coroutine.wrap"))
  end
end

--- Start fn(...) as a task. It begins to run when somebody waits.
---@param fn function
---@param context? table what node creation and error messages tell: example, step
---@return table task with :await() and .done
function loop.spawn(fn, context, ...)
  local parent = current and current.context
  if context and parent then setmetatable(context, { __index = parent }) end
  local task = { fn = fn, context = context or parent, n = select("#", ...), ... }
  setmetatable(task, Task)
  task.is_script = not current and context ~= nil and context.whole == true
  if current then unseen.note(current, task) end
  local scope = task.context and task.context.scope
  if scope then
    last_task = last_task + 1
    scope.tasks[task] = last_task
  end
  queue(task)
  return task
end

local CONTEXT = { example = "integer?", step = "integer?" }

--- spawn for scripts: of a context they tell what nodes and errors tell, and nothing of the loop's.
---@param fn function
---@param context? {example: integer|nil, step: integer|nil}
---@return table task
function loop.start(fn, context, ...)
  if context ~= nil then
    options.check(context, CONTEXT, "lg.spawn: context", 2)
    context = { example = context.example, step = context.step }
    if (context.example or 0) < 0 then
      errors.raise("inval", "lg.spawn: context: example must be at least 0", nil, 2)
    end
  end
  return loop.spawn(fn, context, ...)
end

--- What the running task works on; nil outside of tasks.
function loop.context() return current and current.context end

--- The running task, nil outside of tasks.
function loop.current() return current end

-- ---- the loop -----------------------------------------------------------------

-- due: on the monotonic clock, when no further task begins; nil: never.
local function run_all(list, due)
  local any = false
  while list.first <= list.last do
    if due and any and core.due(0) >= due then return any end
    local task = list[list.first]
    list[list.first] = nil
    list.first = list.first + 1
    any = true
    resume(task)
  end
  list.first, list.last = 1, 0
  return any
end

local function run_ready(due)
  local any = run_all(serving, due)
  return nested < DEEP and run_all(ready, due) or any
end

--- A function that is called about ten times a second while the loop waits.
function loop.on_tick(fn) tick = fn end

local takers = {} -- kind of event → function

--- The engine's events of a kind go to fn(engine, id, tag, var, text, restart).
---@param kind "call"|"tool"|"gradient"|"partial"|"abandon"|"tool_gone"|"model_gone"
---@param fn function
function loop.take(kind, fn) takers[kind] = fn end

local function drain(engine)
  local any = false
  while true do
    local kind, id, tag, var, text, restart = engine:next()
    if not kind then return any end
    any = true
    local handle = takers[kind]
    if handle then handle(engine, id, tag, var, text, restart) end
  end
end

--- Hand on what the engine has to tell, and run nothing.
function loop.fetch()
  if the_engine then drain(the_engine) end
end

--- One turn: run what is ready, let the engine work, fetch its events.
---@param timeout_ms? integer how long to wait when nothing can be done (default 100)
---@return boolean any whether anything happened
function loop.pump(timeout_ms)
  local any = run_ready()
  if any and not the_engine then -- what made no node needs no engine, and may still configure it
    if tick then tick() end
    return true
  end
  local engine = loop.engine()
  engine:wait(any and 0 or timeout_ms or 100)
  if not tick and engine_config and engine_config.log then show_log(engine) end
  any = drain(engine) or any
  any = run_ready() or any
  if tick then tick() end
  return any
end

--- Are there tasks that could run now?
function loop.has_ready()
  return serving.first <= serving.last or ready.first <= ready.last
end

--- From now on the host waits for the engine's descriptor: it polls readable for tasks, too. Before
--- its first step a descriptor does not know what to look for. A script's is not its own.
function loop.host()
  if hosted or core.host then return end
  hosted = true
  local engine = loop.engine()
  engine:step(1)
  engine:wakeup() -- what came of that is not told yet
end

--- As pump, but never waits: for a host with a loop of its own. What is left at the end polls ready.
---@param due? integer on the monotonic clock, µs: no further piece of work begins then
---@return boolean any whether anything happened
function loop.turn(due)
  turning = true
  local any = run_ready(due)
  local engine = the_engine
  if not engine then
    turning = false
    return any
  end
  local left = due and math.max(due - core.due(0), 1) or 0
  any = engine:step(left) or any
  if not tick and engine_config and engine_config.log then show_log(engine) end
  any = drain(engine) or any
  if not due or core.due(0) < due then any = run_ready(due) or any end
  if tick then tick() end
  if not any and engine_config and engine_config.virtual_clock then engine:wait(1) end -- may jump
  turning = false
  if hosted and loop.has_ready() then engine:wakeup() end
  return any
end

-- Nothing runs, nothing is on its way, and yet somebody waits: it would be for ever.
local function is_stuck(engine)
  local s = engine:stats()
  return s.in_flight + s.queued + s.waiting + s.timers + s.storing + s.sandboxed + s.commands == 0
end

local function check_nesting()
  if nested >= NESTED_MAX then
    errors.raise("limit", "too many tasks wait inside print, sort or gsub at once",
      "call v:text() first and use the text there", 0)
  end
end

--- Run the loop until done() is true. what is waited for: a variable, a task or words.
function loop.run_until(done, what)
  check_nesting()
  local tag
  if type(what) == "userdata" then -- others must see that it is wanted
    last_tag = last_tag + 1
    tag = last_tag
    what:watch(tag)
  end
  nested = nested + 1
  local before = current
  local scope = before and before.context and before.context.scope
  current = nil -- what the engine asks for now is not this task's work
  take_place(nil)
  below[nested] = { task = before, awaits = what, tag = tag }
  local ok, problem = pcall(function()
    while not done() do
      if scope and scope.over then error(scope.over, 0) end
      if not loop.pump() and not done() and is_stuck(loop.engine()) and not loop.pump(0)
        and not done() and not run_all(ready) then
        errors.raise("state", "deadlock: nothing runs, and " .. deadlock.who_waits(below, waiting),
          "does a tool wait for its own result?", 0, "deadlock: nothing runs")
      end
    end
  end)
  below[nested] = nil
  if tag then what:unwatch(tag) end
  current = before
  take_place(before)
  nested = nested - 1
  if not ok then error(problem, 0) end
end

-- True in the task's own coroutine, where a yield comes back to the loop.
local function may_yield()
  return current and current.co == coroutine.running() and coroutine.isyieldable()
end

--- Leave the running code and come back to it; false where that is not possible. For a
-- metamethod that must not return to where it was called (see lstack.c).
function loop.step_out()
  if not may_yield() then return false end
  coroutine.yield(AGAIN)
  return true
end

--- Raises in a task that has to end. One that goes on in spite of it is not resumed again.
local function check_scope()
  local scope = current and current.context and current.context.scope
  if not (scope and scope.over) then return end
  current.caught = (current.caught or 0) + 1
  if current.caught > (scope.patience or PATIENCE) and may_yield() then coroutine.yield(GIVE_UP) end
  error(scope.over, 0)
end
loop.check_scope = check_scope

--- The work of the running task has failed, and its error is kept elsewhere: that stands for what
--- the work has begun.
function loop.passed_on()
  if current then unseen.passed_on(current) end
end

-- The running task waits for what: a variable or a task. Its tag must wake it.
local function park(what)
  last_tag = last_tag + 1
  current.tag, current.awaits = last_tag, what
  waiting[last_tag] = current
  return last_tag
end

local function wake(tag)
  local task = waiting[tag]
  waiting[tag] = nil
  if not task then return end
  if type(task) == "function" then return task() end
  task.tag, task.awaits = nil, nil
  queue(task)
end

function takers.var(_, _, tag) wake(tag) end

local function sleep_until_woken()
  coroutine.yield(YIELD)
  check_scope()
end

--- Wait until var has settled; raise if it failed.
function loop.await(var)
  if var:state() == "pending" then
    check_scope()
    if may_yield() then
      var:watch(park(var))
      sleep_until_woken()
    else
      loop.run_until(function() return var:state() ~= "pending" end, var)
    end
  end
  if var:state() ~= "ready" then error(errors.from_var(var), 0) end
  return var
end

--- The running task has begun v; v is returned. Its scope, if it has one, keeps it.
function loop.own(v)
  if not current then return v end
  unseen.note(current, v)
  local scope = current.context and current.context.scope
  if scope then scope:adopt(v) end
  return v
end

--- Run fn as a task when a pending var has settled, however. Until then it costs no coroutine.
---@param var Var
---@param fn function
function loop.when(var, fn)
  last_tag = last_tag + 1
  local now = current and current.context
  local context = { serves = true, candidate = now and now.candidate,
    purpose = now and now.purpose }
  waiting[last_tag] = setmetatable({ fn = fn, context = context, n = 0 }, Task)
  var:watch(last_tag)
  local scope = current and current.context and current.context.scope
  if scope then scope.own_tag = last_tag end
end

--- Wait for a task; returns what its function returned, raises what it raised.
function Task:await()
  if not self.done then
    check_scope()
    if may_yield() then
      local tag = park(self)
      local earlier = self.after
      self.after = function(task)
        if earlier then earlier(task) end
        wake(tag)
      end
      sleep_until_woken()
    else
      loop.run_until(function() return self.done end, self)
    end
  end
  unseen.look(self)
  if not self.ok then error(self[1], 0) end
  return table.unpack(self, 1, self.n)
end

-- ---- signals ------------------------------------------------------------------

local Signal = {}
Signal.__index = Signal

--- Something that happens once, and that any number of tasks may wait for.
function loop.signal() return setmetatable({ tags = {} }, Signal) end

--- Wait until it has happened.
function Signal:wait()
  if self.fired then return end
  check_scope()
  if may_yield() then
    self.tags[#self.tags + 1] = park("a signal")
    sleep_until_woken()
  else
    loop.run_until(function() return self.fired end, "a signal")
  end
end

--- It happens: all who wait go on.
function Signal:fire()
  if self.fired then return end
  self.fired = true
  for _, tag in ipairs(self.tags) do wake(tag) end
end

-- ---- for scopes ---------------------------------------------------------------

--- Call fn, not as a task, when a pending variable has settled.
---@param var Var
---@param fn function
---@return integer tag for forget
function loop.watch(var, fn)
  last_tag = last_tag + 1
  waiting[last_tag] = fn
  var:watch(last_tag)
  return last_tag
end

--- Nobody is woken by that tag any more.
function loop.forget(tag) waiting[tag] = nil end

--- Wakes tasks that wait, in order, though what they wait for has not come; and what such tasks
--- wait for in a nested loop is not wanted for them any more.
---@param tasks table[] those that are parked, or not
---@param among table task → anything: all tasks that end
function loop.interrupt(tasks, among)
  for i = 1, nested do
    local one = below[i]
    if one.tag and one.task and among[one.task] then one.awaits:unwatch(one.tag) end
  end
  for _, task in ipairs(tasks) do
    if type(task.awaits) == "userdata" then task.awaits:unwatch(task.tag) end
    wake(task.tag)
  end
end

-- ---- map ----------------------------------------------------------------------

local MAP = { concurrency = "integer?", example = { type = "boolean", default = true },
  on_error = { type = "string", one_of = { "raise", "collect" }, default = "raise" } }

--- fn(item, index) for every item, as tasks at the same time; results in order.
-- With on_error = "raise" (default) the error of the first item in order that failed is raised
-- when all that started have ended; no further ones start. With "collect" every result is
-- {ok = true, value = …} or {ok = false, err = …}.
---@param list table or data set
---@param fn function
---@param opts? table {concurrency = integer, on_error = "raise"|"collect", example = false}
---@return table results
function loop.map(list, fn, opts)
  opts = options.check(opts or {}, MAP, "lg.map", 2)
  if opts.concurrency and opts.concurrency < 1 then
    errors.refuse("concurrency", "lg.map: concurrency must be at least 1", nil, 2)
  end
  options.check({ [2] = fn }, { [2] = "callable" }, "lg.map", 2)
  local n, results, left, started = #list, {}, 0, 0
  local limit = opts.concurrency or n
  local first_bad, tag
  local start
  local function ended(i, task)
    left = left - 1
    if opts.on_error == "collect" then
      results[i] = task.ok and { ok = true, value = task[1] } or { ok = false, err = task[1] }
    elseif task.ok then
      results[i] = task[1]
    elseif not first_bad or i < first_bad.i then
      first_bad = { i = i, problem = task[1] }
    end
    start()
    if left == 0 and tag then wake(tag) end
  end
  start = function()
    while started < n and left < limit and not first_bad do
      started, left = started + 1, left + 1
      local i = started
      local context = opts.example and { example = i } or {}
      local task = loop.spawn(fn, context, list[i], i)
      task.after = function(t) ended(i, t) end
    end
  end
  if n > 0 and not may_yield() then check_nesting() end -- before tasks are left to nobody
  start()
  if left > 0 then
    if may_yield() then
      tag = park("lg.map")
      sleep_until_woken()
    else
      loop.run_until(function() return left == 0 end, "lg.map")
    end
  end
  if first_bad then error(first_bad.problem, 0) end
  return results
end

return loop
