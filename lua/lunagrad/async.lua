--- Tasks, waiting, and the loop that joins Lua to the engine.
--
-- The engine never calls Lua. It queues events; `pump` fetches them here and resumes
-- whoever waits: tasks that look at a variable, tools and models that are Lua functions.
-- A task is a coroutine. Looking at a pending variable inside a task yields; anywhere else
-- (a plain script, somebody else's coroutine, inside print or table.sort) it runs the
-- loop until the variable has settled. Nothing here knows losses, data or optimizers.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"

local async = {}

local YIELD = {}            -- what a task yields to the loop, and nothing else may
local NESTED_MAX = 40       -- a level takes four of the 200 nested C calls that Lua allows

local the_engine, engine_config = nil, nil
local DEEP = 20             -- levels from which on only tools and models run while others can wait
local ready, serving = { first = 1, last = 0 }, { first = 1, last = 0 } -- serving: for the engine
local waiting, last_tag = {}, 0   -- tag of a watch → task
local idle = {}                   -- coroutines that wait for their next task
local current                     -- the task that runs now
local nested = 0
local tick                        -- the command's function, called while waiting
local tools, models = {}, {}      -- tag → definition, tag → function
local watchers, last_watcher = {}, 0 -- tag of a streamed call → function
local host = {}                   -- id of the host's work that runs here → true

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

-- What the engine logs, if that was asked for: it only keeps the lines. Under the command
-- they are the display's to show (cli/watch.lua).
local function show_log(engine)
  for _, line in ipairs(engine:log_lines()) do
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
  end
  return the_engine
end

--- True when the engine was made.
function async.started() return the_engine ~= nil end

-- ---- tasks --------------------------------------------------------------------

local Task = {}
Task.__index = Task
Task.__name = "lunagrad.task"

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
    finish(task, xpcall(task.fn, on_error, table.unpack(task, 1, task.n)))
    local co = task.co
    task.co = nil
    idle[#idle + 1] = co
    task = coroutine.yield(YIELD)
  end
end

local function resume(task)
  local before = current
  current = task
  local ok, what
  if task.co then
    ok, what = coroutine.resume(task.co)
  else
    local co = table.remove(idle) or coroutine.create(worker)
    task.co = co
    ok, what = coroutine.resume(co, task)
  end
  current = before
  if not ok then -- not the task's function but this file failed, or memory is out
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
  queue(task)
  return task
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
  return s.in_flight + s.queued + s.waiting == 0
end

local function check_nesting()
  if nested >= NESTED_MAX then
    errors.raise("limit", "too many tasks wait inside print, sort or gsub at once",
      "call v:text() first and use the text there", 0)
  end
end

--- Run the loop until done() is true.
function async.run_until(done)
  check_nesting()
  nested = nested + 1
  local before = current
  current = nil -- what the engine asks for now is not this task's work
  local ok, problem = pcall(function()
    while not done() do
      if not async.pump() and not done() and is_stuck(async.engine()) and not async.pump(0)
        and not done() and not run_all(ready) then
        errors.raise("state", "deadlock: everything waits for something else, and nothing runs",
          "does a tool wait for its own result?", 0)
      end
    end
  end)
  current = before
  nested = nested - 1
  if not ok then error(problem, 0) end
end

-- True in the task's own coroutine, where a yield comes back to the loop.
local function may_yield()
  return current and current.co == coroutine.running() and coroutine.isyieldable()
end

--- Wait until var has settled; raise if it failed.
function async.await(var)
  if var:state() == "pending" then
    if may_yield() then
      last_tag = last_tag + 1
      waiting[last_tag] = current
      var:watch(last_tag)
      coroutine.yield(YIELD)
    else
      async.run_until(function() return var:state() ~= "pending" end)
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
end

--- Wait for a task; returns what its function returned, raises what it raised.
function Task:await()
  if not self.done then
    if may_yield() then
      local me = current
      local earlier = self.after
      self.after = function(task)
        if earlier then earlier(task) end
        queue(me)
      end
      coroutine.yield(YIELD)
    else
      async.run_until(function() return self.done end)
    end
  end
  if not self.ok then error(self[1], 0) end
  return table.unpack(self, 1, self.n)
end

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
  local first_bad, me
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
    if left == 0 and me then
      local waiter = me
      me = nil
      queue(waiter)
    end
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
      me = current
      coroutine.yield(YIELD)
    else
      async.run_until(function() return left == 0 end)
    end
  end
  if first_bad then error(first_bad.problem, 0) end
  return results
end

-- ---- what the engine asks of Lua ----------------------------------------------

function dispatch.var(_, _, tag)
  local task = waiting[tag]
  waiting[tag] = nil
  if task then queue(task) end
end

function dispatch.abandon(_, id) host[id] = nil end

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

local function kind_of(problem)
  local kind = type(problem) == "table" and problem.kind
  return kind and kind ~= "script" and kind or "tool"
end

-- The first line of what went wrong, for the one-line message of a variable.
local function first_line(problem)
  return (tostring(problem):match("^[^\n]*"))
end

--- Register a Lua function as a model; the tag goes to core.model.
function async.add_model(fn)
  models[#models + 1] = fn
  return #models
end

--- Register a tool's definition; the tag goes to core.tool.
function async.add_tool(definition)
  tools[#tools + 1] = definition
  return #tools
end

local TURN = "application/vnd.lunagrad.turn+json"

-- What is wrong with a turn that a model's function made; nil when it can be read.
local function turn_problem(text)
  local turn = core.json_decode(tostring(text))
  if type(turn) ~= "table" then return "no JSON object" end
  if turn.text ~= nil and type(turn.text) ~= "string" then return "text that is none" end
  if type(turn.calls) ~= "table" or next(turn.calls) ~= nil and #turn.calls == 0 then
    return "no list of calls"
  end
  for i, call in ipairs(turn.calls) do
    if type(call) ~= "table" or type(call.id) ~= "string" or type(call.name) ~= "string" then
      return ("call %d without an id and a name that are texts"):format(i)
    end
  end
end

local function answer_call(engine, id, task)
  if not host[id] then return end
  host[id] = nil
  if not task.ok then
    local problem = task[1]
    engine:call_fail(id, kind_of(problem), problem.retryable == true, first_line(problem))
    return
  end
  local reply = task[1]
  local problem = type(reply) == "table" and reply.media == TURN and turn_problem(reply.text)
  if problem then
    engine:call_fail(id, "tool", false, ("the model's function returned a turn that calls tools "
      .. "with %s"):format(problem))
  elseif type(reply) == "table" and reply.text ~= nil then
    engine:call_reply(id, tostring(reply.text), reply.finish_reason, reply.usage, reply.media)
  elseif type(reply) == "string" or type(reply) == "number" then
    engine:call_reply(id, tostring(reply))
  else
    local what = task[2] and tostring(task[2]) or type(reply)
    engine:call_fail(id, "tool", false,
      ("the model's function returned %s, not a text"):format(what))
  end
end

function dispatch.call(engine, id, tag)
  host[id] = true
  local task = async.spawn(models[tag], { serves = true }, engine:call_view(id))
  task.after = function(t) answer_call(engine, id, t) end
end

local function answer_tool(engine, id, definition, task)
  if not host[id] then return end
  host[id] = nil
  if not task.ok then
    engine:tool_fail(id, kind_of(task[1]), first_line(task[1]))
    return
  end
  local text, score, media = task[1], task[2], task[3]
  if type(score) == "boolean" then score = score and 1 or 0 end
  if type(text) ~= "string" and type(text) ~= "number" and type(text) ~= "boolean" then
    engine:tool_fail(id, "tool", ("tool %q returned %s, not a text")
      :format(definition.name, type(text)))
  elseif score ~= nil and (type(score) ~= "number" or score ~= score) then
    engine:tool_fail(id, "tool", ("tool %q returned the score %s, not a number")
      :format(definition.name, tostring(score)))
  else
    engine:tool_return(id, tostring(text), score, definition.target or 1, media)
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
  host[id] = true
  local context = { example = var:example(), serves = true, node = var:id() }
  local task = async.spawn(run_tool, context, definition, table.unpack(texts))
  task.after = function(t) answer_tool(engine, id, definition, t) end
end

local function answer_gradient(engine, id, names, task)
  if not host[id] then return end
  host[id] = nil
  if not task.ok then
    engine:tool_fail(id, kind_of(task[1]), first_line(task[1]))
    return
  end
  local said = task[1]
  if type(said) ~= "table" and said ~= nil then said = { [names[1]] = said } end
  for i, name in ipairs(names) do
    local text = said and said[name]
    engine:tool_feedback(id, i, text and tostring(text) or "")
  end
  engine:tool_return(id, "")
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
  task.after = function(t) answer_gradient(engine, id, names, t) end
end

return async
