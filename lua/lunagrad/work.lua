--- What the engine asks of Lua: models and tools that are functions, and listeners to streams.
--
-- Each request is a task with a scope of its own; what the task's end is worth as an answer,
-- served.lua says. Work that nobody wants any more is told so by `abandon`, and ends. Nothing here
-- waits: the loop hands the engine's events over.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local scopes = require "lunagrad.scope"
local served = require "lunagrad.served"

local work = {}

local FIRST_SWEEP = 64

local tools, models = {}, {}         -- tag → definition, tag → function; until the engine lets go
local last_definition = 0            -- tag of the newest of both
local watchers, last_watcher = {}, 0 -- tag of a streamed call → who hears it, until that is over
local watched, sweep_at = 0, FIRST_SWEEP -- how many of these there are
local host = {}                      -- id of the host's work that runs here → its scope, or true

-- Whose a tool's node is, by its number: it may run after the task that called it, and its backward
-- later still. Two generations, so that what has settled is forgotten at last.
local GENERATION = 1024
local young, old, n_young = {}, {}, 0

local function age()
  local kept, n = {}, 0
  for _, one in pairs(old) do
    if one.node:raw_state() == "pending" then
      n = n + 1
      kept[one.id] = one
    end
  end
  old, young, n_young = young, kept, n
end

--- The running task has called a tool: what that runs belongs to the task's candidate, and is made
--- for the same purpose.
---@param node Var
---@return Var node
function work.belongs(node)
  local context = loop.context()
  if context and (context.candidate or context.purpose) then
    local id = node:id()
    if n_young >= GENERATION then age() end
    young[id], n_young = { id = id, node = node, candidate = context.candidate,
      purpose = context.purpose }, n_young + 1
  end
  return node
end

local NOBODY = {}

local function owner(id) return young[id] or old[id] or NOBODY end

local function take_abandon(_, id)
  local scope = host[id]
  host[id] = nil
  if type(scope) == "table" then
    scope:cut(errors.new("cancelled", "nobody wants the result any more"))
  end
end

-- Forgets those whose call is over, when all it said has been fetched.
local function sweep_watchers()
  loop.fetch()
  local kept = 0
  for tag, one in pairs(watchers) do
    if one.answer and one.answer:raw_state() == "pending" then
      kept = kept + 1
    else
      watchers[tag] = nil
    end
  end
  watched, sweep_at = kept, math.max(FIRST_SWEEP, 2 * kept)
end

--- Begin a call whose answer fn watches: begin(tag) makes it, and the tag goes to core.call. fn gets
--- (piece, restart) as a task, in order; restart: an attempt failed, the text begins anew.
---@param fn fun(piece: string, restart: boolean)
---@param begin fun(tag: integer): Var
---@return Var
function work.watch(fn, begin)
  if watched >= sweep_at then sweep_watchers() end
  watched, last_watcher = watched + 1, last_watcher + 1
  local context = loop.context()
  local one = { fn = fn, pieces = {}, candidate = context and context.candidate,
    purpose = context and context.purpose }
  watchers[last_watcher] = one
  one.answer = begin(last_watcher)
  return one.answer
end

local function tell_pieces(watcher)
  while watcher.pieces[1] do
    local piece = table.remove(watcher.pieces, 1)
    watcher.fn(piece.text, piece.restart)
  end
end

-- One task at a time, so that the pieces keep their order even if the function waits.
local function take_partial(_, _, tag, _, text, restart)
  local watcher = watchers[tag]
  if not watcher then return end
  watcher.pieces[#watcher.pieces + 1] = { text = text, restart = restart }
  if watcher.task and not watcher.task.done then return end
  watcher.task = loop.spawn(tell_pieces,
    { serves = true, candidate = watcher.candidate, purpose = watcher.purpose }, watcher)
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
  if last_definition % SWEEP == 0 then loop.fetch() end
  return last_definition
end

--- Register a Lua function as a model; the tag goes to core.model. It is forgotten when nobody holds
--- that any more, and no node that could ask it.
function work.add_model(fn) return define(models, fn) end

local others

--- Who answers for models that were not made here, but in C.
---@param find fun(name: string): fun(request: table): table
function work.set_others(find) others = find end

--- Register a tool's definition; the tag goes to core.tool. It is forgotten likewise.
function work.add_tool(definition) return define(tools, definition) end

local function take_tool_gone(_, _, tag) tools[tag] = nil end

local function take_model_gone(_, _, tag) models[tag] = nil end

-- What came is told once, unless nobody wants it any more.
local function tell(give, engine, id, ...)
  if not host[id] then return end
  host[id] = nil
  give(engine, id, ...)
end

local function take_call(engine, id, tag)
  local scope = scopes.new()
  host[id] = scope
  local view = engine:call_view(id)
  local what = view and ("the model %q"):format(view.model) or nil
  local answer = models[tag] or view and others and others(view.model)
  local task = loop.spawn(answer, { serves = true, scope = scope, what = what }, view)
  task.after = function(t)
    tell(served.call, engine, id, view and view.model, t)
    scope:close()
  end
end

local function is_bytes(media) return media ~= nil and not media:find "turn%+json$" end

-- What a tool's function gets of an input: its text; of a picture, sound or document a variable
-- that holds it, for its text alone would not say what it is.
local function input_value(input)
  if not is_bytes(input.media) then return input.text end
  return core.media(loop.engine(), input.media, input.text, input.name, false)
end

-- A tool may return a pending variable: its value is waited for inside the task.
local function run_tool(definition, ...)
  local text, score = definition.run(...)
  local media
  if type(text) == "userdata" and getmetatable(text) == core.var_metatable then
    loop.await(text)
    if score == nil then score = text:raw_score() end
    if is_bytes(text:raw_media()) then media = text:raw_media() end
    text = text:raw_text()
  end
  return text, score, media
end

local function take_tool(engine, id, tag, var)
  local definition, texts = tools[tag], {}
  for i, input in ipairs(var:inputs()) do texts[i] = input_value(input) end
  local number = var:id()
  local scope, whose = scopes.new(scopes.of_node(number)), owner(number)
  host[id] = scope
  local context = { example = var:example(), serves = true, node = number, scope = scope,
    candidate = whose.candidate, purpose = whose.purpose,
    what = ("the tool %q (node %d)"):format(definition.name, number) }
  if definition.timeout then
    scope:limit(definition.timeout, function(problem)
      if host[id] then engine:tool_fail(id, "timeout", problem.message) end
      host[id] = nil
    end)
  end
  local task = loop.spawn(run_tool, context, definition, table.unpack(texts))
  task.after = function(t)
    if not t.ok and scope.due and core.due(0) >= scope.due then t[1] = scope.late end
    tell(served.tool, engine, id, definition, t)
    scope:close(t)
  end
end

local function take_gradient(engine, id, tag, var)
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
  local whose = owner(var:id())
  local task = loop.spawn(definition.backward,
    { serves = true, candidate = whose.candidate, purpose = whose.purpose }, ctx)
  task.after = function(t) tell(served.gradient, engine, id, names, t) end
end

loop.take("abandon", take_abandon)
loop.take("partial", take_partial)
loop.take("call", take_call)
loop.take("tool", take_tool)
loop.take("gradient", take_gradient)
loop.take("tool_gone", take_tool_gone)
loop.take("model_gone", take_model_gone)

return work
