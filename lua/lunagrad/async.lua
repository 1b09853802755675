--- Tasks, waiting, and the loop that joins Lua to the engine.
--
-- The engine never calls Lua. It queues events; `pump` fetches them here and resumes
-- whoever waits: tasks that look at a variable, tools and models that are Lua functions.
-- A task is a coroutine. Looking at a pending variable inside a task yields; anywhere else
-- (a plain script, somebody else's coroutine, inside print or table.sort) it runs the
-- loop until the variable has settled. What a tool's function begins belongs to its scope, and
-- ends with it when its time is over or nobody wants its result. Nothing here knows losses, data
-- or optimizers.

local core = require "lunagrad.core"
local deadlock = require "lunagrad.deadlock"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local served = require "lunagrad.served"
local unseen = require "lunagrad.unseen"

local async = {}

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
local limited = {}                -- id of a node that was begun under a deadline → its scope
local promised = {}               -- id of a promise → the scope of the task that keeps it
local clocked                     -- the scope whose deadline counts now
local nested = 0
local below = {}                  -- level of the nested loop → who waits there, and for what
local tick                        -- the command's function, called while waiting
local tools, models = {}, {}      -- tag → definition, tag → function; until the engine lets go
local last_definition = 0         -- tag of the newest of both
local watchers, last_watcher = {}, 0 -- tag of a streamed call → function
local host = {}                   -- id of the host's work that runs here → its scope, or true

-- ---- the engine --------------------------------------------------------------

local on_new = {}

--- Options of the engine, before it is first used.
---@param config table fields of lg_config
function async.configure(config)
  if the_engine then
    errors.raise("state", "configure: the engine is running already",
      "call lg.configure before anything else of lg", 2)
  end
  engine_config = engine_config or {}
  for name, value in pairs(config) do engine_config[name] = value or nil end
end

--- An option that was given to configure, nil otherwise.
function async.setting(name) return engine_config and engine_config[name] end

--- Call fn(engine) when the engine is made (or now, when it is).
function async.on_engine(fn)
  if the_engine then fn(the_engine) else on_new[#on_new + 1] = fn end
end

local log_from              -- the engine's time when the first line was logged

--- Lines of the log as they are shown: {level, text}. Those of the level debug tell how many
--- seconds after the first line they were logged.
---@param engine userdata
---@return table[]
function async.log_lines(engine)
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
  for _, line in ipairs(async.log_lines(engine)) do
    io.stderr:write("lunagrad: ", line[1], ": ", line[2], "\n")
  end
end

--- The engine of this Lua state, made when first needed.
function async.engine()
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
function async.started() return the_engine ~= nil end

-- ---- tasks --------------------------------------------------------------------

local Task = {}
Task.__index = Task
Task.__name = "lunagrad.task"
async.task_methods = Task

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

local function resume(task)
  local scope = task.context and task.context.scope
  if scope and scope.over and not task.co then return finish(task, false, scope.over) end
  local before = current
  current = task
  watch_clock(task)
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
  watch_clock(before)
  if what == GIVE_UP then
    coroutine.close(task.co)
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
function async.spawn(fn, context, ...)
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
function async.start(fn, context, ...)
  if context ~= nil then
    options.check(context, CONTEXT, "lg.spawn: context", 2)
    context = { example = context.example, step = context.step }
    if (context.example or 0) < 0 then
      errors.raise("inval", "lg.spawn: context: example must be at least 0", nil, 2)
    end
  end
  return async.spawn(fn, context, ...)
end

--- What the running task works on; nil outside of tasks.
function async.context() return current and current.context end

--- The running task, nil outside of tasks.
function async.current() return current end

-- ---- the loop -----------------------------------------------------------------

local function run_all(list)
  local any = false
  while list.first <= list.last do
    local task = list[list.first]
    list[list.first] = nil
    list.first = list.first + 1
    any = true
    resume(task)
  end
  list.first, list.last = 1, 0
  return any
end

local function run_ready()
  local any = run_all(serving)
  return nested < DEEP and run_all(ready) or any
end

--- A function that is called about ten times a second while the loop waits.
function async.on_tick(fn) tick = fn end

local dispatch = {}

local function drain(engine)
  local any = false
  while true do
    local kind, id, tag, var, text, restart = engine:next()
    if not kind then return any end
    any = true
    local handle = dispatch[kind]
    if handle then handle(engine, id, tag, var, text, restart) end
  end
end

--- One turn: run what is ready, let the engine work, fetch its events.
---@param timeout_ms? integer how long to wait when nothing can be done (default 100)
---@return boolean any whether anything happened
function async.pump(timeout_ms)
  local any = run_ready()
  if any and not the_engine then -- what made no node needs no engine, and may still configure it
    if tick then tick() end
    return true
  end
  local engine = async.engine()
  engine:wait(any and 0 or timeout_ms or 100)
  if not tick and engine_config and engine_config.log then show_log(engine) end
  any = drain(engine) or any
  any = run_ready() or any
  if tick then tick() end
  return any
end

-- Nothing runs, nothing is on its way, and yet somebody waits: it would be for ever.
local function is_stuck(engine)
  local s = engine:stats()
  return s.in_flight + s.queued + s.waiting + s.timers + s.storing == 0
end

local function check_nesting()
  if nested >= NESTED_MAX then
    errors.raise("limit", "too many tasks wait inside print, sort or gsub at once",
      "call v:text() first and use the text there", 0)
  end
end

--- Run the loop until done() is true. what is waited for: a variable, a task or words.
function async.run_until(done, what)
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
  watch_clock(nil)
  below[nested] = { task = before, awaits = what, tag = tag }
  local ok, problem = pcall(function()
    while not done() do
      if scope and scope.over then error(scope.over, 0) end
      if not async.pump() and not done() and is_stuck(async.engine()) and not async.pump(0)
        and not done() and not run_all(ready) then
        errors.raise("state", "deadlock: nothing runs, and " .. deadlock.who_waits(below, waiting),
          "does a tool wait for its own result?", 0)
      end
    end
  end)
  below[nested] = nil
  if tag then what:unwatch(tag) end
  current = before
  watch_clock(before)
  nested = nested - 1
  if not ok then error(problem, 0) end
end

-- True in the task's own coroutine, where a yield comes back to the loop.
local function may_yield()
  return current and current.co == coroutine.running() and coroutine.isyieldable()
end

--- Leave the running code and come back to it; false where that is not possible. For a
-- metamethod that must not return to where it was called (see lstack.c).
function async.step_out()
  if not may_yield() then return false end
  coroutine.yield(AGAIN)
  return true
end

-- Raises in a task that has to end. One that goes on in spite of it is not resumed again.
local function check_scope()
  local scope = current and current.context and current.context.scope
  if not (scope and scope.over) then return end
  current.caught = (current.caught or 0) + 1
  if current.caught > PATIENCE and may_yield() then coroutine.yield(GIVE_UP) end
  error(scope.over, 0)
end

--- The work of the running task has failed, and its error is kept elsewhere: that stands for what
--- the work has begun.
function async.passed_on()
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

local function sleep_until_woken()
  coroutine.yield(YIELD)
  check_scope()
end

--- Wait until var has settled; raise if it failed.
function async.await(var)
  if var:state() == "pending" then
    check_scope()
    if may_yield() then
      var:watch(park(var))
      sleep_until_woken()
    else
      async.run_until(function() return var:state() ~= "pending" end, var)
    end
  end
  if var:state() ~= "ready" then error(errors.from_var(var), 0) end
  return var
end

--- Run fn as a task when a pending var has settled, however. Until then it costs no coroutine.
---@param var Var
---@param fn function
function async.when(var, fn)
  last_tag = last_tag + 1
  waiting[last_tag] = setmetatable({ fn = fn, context = { serves = true }, n = 0 }, Task)
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
      async.run_until(function() return self.done end, self)
    end
  end
  unseen.look(self)
  if not self.ok then error(self[1], 0) end
  return table.unpack(self, 1, self.n)
end

-- ---- scopes -------------------------------------------------------------------
-- A scope is what a tool's function, or an agent, has begun: tasks, and variables that were on
-- their way when they were made. `over` is the error that it ended with before its function did.
-- With a time limit it has a timer, and a deadline on the monotonic clock for code that computes.

local FIRST_SWEEP = 64

--- A new scope, for a task's context. It takes over the deadline of another.
function async.new_scope(outer)
  return { tasks = {}, n = 0, sweep_at = FIRST_SWEEP, due = outer and outer.due,
    late = outer and outer.late, expire = outer and outer.expire }
end

-- Forgets what has settled, so that a tool that makes a million nodes does not keep them.
local function sweep(scope)
  local kept = 0
  for i = 1, scope.n do
    local v = scope[i]
    scope[i] = nil
    if v:raw_state() == "pending" then
      kept = kept + 1
      scope[kept] = v
    elseif scope.due then
      limited[v:id()] = nil
    end
  end
  scope.n, scope.sweep_at = kept, math.max(FIRST_SWEEP, 2 * kept)
end

--- The running task has begun v; v is returned.
function async.own(v)
  if current then unseen.note(current, v) end
  local scope = current and current.context and current.context.scope
  if not scope then return v end
  if scope.over then
    v:cancel()
    check_scope()
  end
  if scope.n >= scope.sweep_at then sweep(scope) end
  scope.n = scope.n + 1
  scope[scope.n] = v
  if scope.due then limited[v:id()] = scope end
  return v
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
  waiting[tag] = nil
  return false
end

-- The newest first: those who wait for an older one are gone then. A promise may wait for one
-- that is newer, so until nothing changes.
local function cancel_all(scope)
  local any = true
  while any do
    any = false
    for i = scope.n, 1, -1 do
      local v = scope[i]
      if v:raw_state() == "pending" and not wanted_by_others(v) then
        any = true
        local inner = promised[v:id()]
        v:cancel()
        if inner then async.end_scope(inner, scope.over) end
      end
    end
  end
end

local function stop_timer(scope)
  local timer = scope.timer
  if not timer then return end
  scope.timer = nil
  waiting[scope.timer_tag] = nil
  timer:unwatch(scope.timer_tag)
  timer:cancel()
end

--- End a scope before its function has: what waits there gets the error, what was begun and
--- nobody else waits for is cancelled.
function async.end_scope(scope, problem)
  if scope.over then return end
  scope.over = problem
  stop_timer(scope)
  local parked = {}
  for task in pairs(scope.tasks) do
    if task.tag then parked[#parked + 1] = task end
  end
  table.sort(parked, function(a, b) return scope.tasks[a] < scope.tasks[b] end)
  for i = 1, nested do
    local one = below[i]
    if one.tag and one.task and scope.tasks[one.task] then one.awaits:unwatch(one.tag) end
  end
  for _, task in ipairs(parked) do
    if type(task.awaits) == "userdata" then task.awaits:unwatch(task.tag) end
    wake(task.tag)
  end
  cancel_all(scope)
  async.close_scope(scope)
end

--- A scope's function has ended, as this task if it is given.
function async.close_scope(scope, task)
  if task and not task.ok and scope.late and task[1] == scope.late then
    scope.expire()
    async.end_scope(scope, scope.late)
  end
  stop_timer(scope)
  for i = 1, scope.n do
    if scope.due then limited[scope[i]:id()] = nil end
    scope[i] = nil
  end
  scope.n = 0
end

--- The scope ends after so many seconds; first fail(error) is called.
---@param scope table
---@param seconds number
---@param fail fun(problem: lunagrad.error)
function async.limit_scope(scope, seconds, fail)
  local late = errors.new("timeout", ("timed out after %g s"):format(seconds))
  local due = core.due(seconds)
  local function expire()
    if scope.over then return end
    fail(late)
    async.end_scope(scope, late)
  end
  if not scope.due or due < scope.due then
    scope.due, scope.late, scope.expire = due, late, expire
  end
  last_tag = last_tag + 1
  scope.timer_tag = last_tag
  scope.timer = core.timer(the_engine, math.floor(seconds * 1e6), "time limit")
  scope.timer:watch(last_tag)
  waiting[last_tag] = expire
end

--- The scope of a promise's task, ended when the promise is cancelled with its own.
function async.set_promised(id, scope) promised[id] = scope end

-- ---- map ----------------------------------------------------------------------

local MAP = { concurrency = "integer?", example = "boolean?",
  on_error = { type = "string", one_of = { "raise", "collect" } } }

--- fn(item, index) for every item, as tasks at the same time; results in order.
-- With on_error = "raise" (default) the error of the first item in order that failed is raised
-- when all that started have ended; no further ones start. With "collect" every result is
-- {ok = true, value = …} or {ok = false, err = …}.
---@param list table or data set
---@param fn function
---@param opts? table {concurrency = integer, on_error = "raise"|"collect", example = false}
---@return table results
function async.map(list, fn, opts)
  opts = options.check(opts or {}, MAP, "lg.map", 2)
  if opts.concurrency and opts.concurrency < 1 then
    errors.raise("inval", "lg.map: concurrency must be at least 1", nil, 2)
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
      local context = opts.example ~= false and { example = i } or {}
      local task = async.spawn(fn, context, list[i], i)
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
      async.run_until(function() return left == 0 end, "lg.map")
    end
  end
  if first_bad then error(first_bad.problem, 0) end
  return results
end

-- ---- what the engine asks of Lua ----------------------------------------------

function dispatch.var(_, _, tag) wake(tag) end

function dispatch.abandon(_, id)
  local scope = host[id]
  host[id] = nil
  if type(scope) == "table" then
    async.end_scope(scope, errors.new("cancelled", "nobody wants the result any more"))
  end
end

--- Register a function that watches a streamed answer; the tag goes to core.call. It gets
--- (piece, restart) as a task, in order; restart: an attempt failed, the text begins anew.
function async.add_watcher(fn)
  last_watcher = last_watcher + 1
  watchers[last_watcher] = { fn = fn, pieces = {} }
  return last_watcher
end

local function tell_pieces(watcher)
  while watcher.pieces[1] do
    local piece = table.remove(watcher.pieces, 1)
    watcher.fn(piece.text, piece.restart)
  end
end

-- One task at a time, so that the pieces keep their order even if the function waits.
function dispatch.partial(_, _, tag, _, text, restart)
  local watcher = watchers[tag]
  if not watcher then return end
  watcher.pieces[#watcher.pieces + 1] = { text = text, restart = restart }
  if watcher.task and not watcher.task.done then return end
  watcher.task = async.spawn(tell_pieces, { serves = true }, watcher)
  watcher.task.after = function(task)
    if not task.ok then
      watchers[tag] = nil
      io.stderr:write("lunagrad: the function that watches a stream failed: ",
        tostring(task[1]), "\n")
    end
  end
end

-- Those that nobody holds any more are told as events, which a script that only makes and forgets
-- never fetches.
local SWEEP = 1024

local function define(list, value)
  last_definition = last_definition + 1
  list[last_definition] = value
  if the_engine and last_definition % SWEEP == 0 then drain(the_engine) end
  return last_definition
end

--- Register a Lua function as a model; the tag goes to core.model. It is forgotten when nobody holds
--- that any more, and no node that could ask it.
function async.add_model(fn) return define(models, fn) end

--- Register a tool's definition; the tag goes to core.tool. It is forgotten likewise.
function async.add_tool(definition) return define(tools, definition) end

function dispatch.tool_gone(_, _, tag) tools[tag] = nil end

function dispatch.model_gone(_, _, tag) models[tag] = nil end

-- What came is told once, unless nobody wants it any more.
local function tell(give, engine, id, ...)
  if not host[id] then return end
  host[id] = nil
  give(engine, id, ...)
end

function dispatch.call(engine, id, tag)
  local scope = async.new_scope()
  host[id] = scope
  local view = engine:call_view(id)
  local what = view and ("the model %q"):format(view.model) or nil
  local task = async.spawn(models[tag], { serves = true, scope = scope, what = what }, view)
  task.after = function(t)
    tell(served.call, engine, id, view and view.model, t)
    async.close_scope(scope)
  end
end

local function is_bytes(media) return media ~= nil and not media:find "turn%+json$" end

-- What a tool's function gets of an input: its text; of a picture, sound or document a variable
-- that holds it, for its text alone would not say what it is.
local function input_value(input)
  if not is_bytes(input.media) then return input.text end
  return core.media(the_engine, input.media, input.text, input.name, false)
end

-- A tool may return a pending variable: its value is waited for inside the task.
local function run_tool(definition, ...)
  local text, score = definition.run(...)
  local media
  if type(text) == "userdata" and getmetatable(text) == core.var_metatable then
    async.await(text)
    if score == nil then score = text:raw_score() end
    if is_bytes(text:raw_media()) then media = text:raw_media() end
    text = text:raw_text()
  end
  return text, score, media
end

function dispatch.tool(engine, id, tag, var)
  local definition, texts = tools[tag], {}
  for i, input in ipairs(var:inputs()) do texts[i] = input_value(input) end
  local number = var:id()
  local scope = async.new_scope(limited[number])
  host[id] = scope
  local context = { example = var:example(), serves = true, node = number, scope = scope,
    what = ("the tool %q (node %d)"):format(definition.name, number) }
  if definition.timeout then
    async.limit_scope(scope, definition.timeout, function(problem)
      if host[id] then engine:tool_fail(id, "timeout", problem.message) end
      host[id] = nil
    end)
  end
  local task = async.spawn(run_tool, context, definition, table.unpack(texts))
  task.after = function(t)
    if not t.ok and scope.due and core.due(0) >= scope.due then t[1] = scope.late end
    tell(served.tool, engine, id, definition, t)
    async.close_scope(scope, t)
  end
end

function dispatch.gradient(engine, id, tag, var)
  local definition, inputs, names = tools[tag], {}, {}
  for i, input in ipairs(var:inputs()) do
    inputs[input.name], names[i] = input_value(input), input.name
  end
  host[id] = true
  local score, target = var:raw_score()
  local heard = engine:tool_heard(id)
  local output = is_bytes(var:raw_media()) and var or var:raw_text()
  local ctx = { inputs = inputs, output = output, score = score, target = target,
    feedback = heard ~= "" and heard or nil, example = var:example(), role = var:raw_role() }
  local task = async.spawn(definition.backward, { serves = true }, ctx)
  task.after = function(t) tell(served.gradient, engine, id, names, t) end
end

return async
