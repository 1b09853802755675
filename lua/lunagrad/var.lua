--- Variables as scripts see them: text that is waited for when it is looked at.
--
-- Adds to the raw methods of lunagrad.core what needs the loop: text(), score, feedback(),
-- backward(). A variable prints as its text, joins with `..` into a node of the graph, and
-- plain strings, numbers and booleans are lifted where a variable is wanted.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local signatures = require "lunagrad.signatures"
local templates = require "lunagrad.template"
local timer = require "lunagrad.timer"
local work = require "lunagrad.work"

local var = {}

local methods = core.var_methods
local meta = core.var_metatable

--- True when x is a variable.
function var.is(x)
  return type(x) == "userdata" and getmetatable(x) == meta
end

--- The engine that all variables belong to.
function var.engine() return loop.engine() end

local function tell_example(v)
  local context = loop.context()
  local example = context and context.example
  if example then v:set_example(example) end
  return v
end

-- A node that the running task has made.
local function begun(v) return loop.own(tell_example(v)) end

local LIFTED = { string = true, number = true, boolean = true }

-- A plain value as text; a number in the shortest form that reads back the same.
local function text_of(x)
  return type(x) == "number" and core.number_text(x) or tostring(x)
end

--- A fixed leaf.
---@param text string|number|boolean
---@param role? string what it is for; shown to the critic and the editor
function var.var(text, role)
  if var.is(text) then return text end
  if not LIFTED[type(text)] then
    errors.raise("inval", ("lg.var: expected a text, got %s"):format(type(text)), nil, 2)
  end
  return tell_example(core.var(loop.engine(), text_of(text), role or "", false))
end

--- A trainable leaf: feedback reaches it, an optimizer may rewrite it.
---@param text string
---@param role string what it is for, e.g. "system prompt for counting questions"
function var.param(text, role)
  local media
  if var.is(text) then
    loop.await(text)
    text, media = text:raw_text(), text:raw_media()
  end
  if not LIFTED[type(text)] then
    errors.raise("inval", ("lg.param: expected a text, got %s"):format(type(text)), nil, 2)
  end
  if type(role) ~= "string" or not role:find "%S" then
    errors.refuse("role", "lg.param: the role is missing",
      'say what the text is for: lg.param(text, "system prompt for counting questions")', 2)
  end
  if role:find("\0", 1, true) then
    errors.refuse("role", "lg.param: role holds a zero byte", nil, 2)
  end
  if media then return core.media(loop.engine(), media, text, role, true) end
  return core.var(loop.engine(), text_of(text), role, true)
end

--- A variable from a variable or a plain value; where names the caller for messages.
function var.lift(x, role, where, level)
  if var.is(x) then return x end
  if LIFTED[type(x)] then
    return tell_example(core.var(loop.engine(), text_of(x), role or "", false))
  end
  errors.raise("inval", ("%s: expected a text or a variable, got %s")
    :format(where or "lg", type(x)), nil, (level or 2) + 1)
end

-- ---- looking at a variable -----------------------------------------------------

--- The text; waits for it, and raises when the variable failed.
function methods:text()
  if self:state() ~= "ready" then loop.await(self) end
  return self:raw_text()
end

--- What is printed: the text; of a picture or sound only its kind and size. Waits for it.
function methods:shown()
  local text, media = self:text(), self:raw_media()
  if not media or media:find "json" then return text end
  if media:find "url$" then return ("[%s %s]"):format(media, text) end
  return ("[%s, %d bytes]"):format(media, #text)
end

--- For the library: as v:calls(), with numbers as core.json_decode's `keep` says.
function var.calls(v, keep)
  local text = v:text()
  if v:raw_media() ~= "application/vnd.lunagrad.turn+json" then return nil, text end
  local turn = core.json_decode(text, keep)
  return turn.calls, turn.text
end

--- The tools that a model's answer calls: list of {id, name, arguments}; nil when it calls none.
--- Its words are the second result.
function methods:calls() return var.calls(self) end

local finish_reason, usage = methods.finish_reason, methods.usage
local thinking = methods.thinking

--- Why a model's answer ended: "stop", "length", …; nil of what is no answer. Waits for it.
function methods:finish_reason()
  if self:state() == "pending" then loop.await(self) end
  return finish_reason(self)
end

--- What the model thought before its answer, as far as it was told; nil: nothing. Waits for it.
function methods:thinking()
  if self:state() == "pending" then loop.await(self) end
  return thinking(self)
end

--- What an answer took: { input, cached, cache_write, output, reasoning }, or nil. Waits for it.
function methods:usage()
  if self:state() == "pending" then loop.await(self) end
  return usage(self)
end

--- The Lua value of a text that is (or holds) JSON, as answers to calls with a schema are.
function methods:value()
  local text = self:text()
  local value, problem = core.json_decode(text)
  if value == nil then value = require("lunagrad.extract").object(text) end
  if value == nil then
    errors.raise("parse", ("value: the text of %q is no JSON: %s"):format(self:raw_role(), problem),
      "ask for it: model{ question, schema = { … } }", 2)
  end
  return value
end

--- Wait until the variable is ready; returns it.
function methods:await() return loop.await(self) end

--- A variable that is or will be what this one is and takes no feedback: what is made of it
--- teaches nothing to what made it. Never waits.
---@return lunagrad.var
function methods:detach() return begun(methods.raw_detach(self)) end

--- All values it has had, the oldest first: texts; pictures and sounds as fixed variables.
function methods:history()
  local list = {}
  for i = 1, self:versions() do
    local text, media = self:version(i)
    list[i] = media and core.media(loop.engine(), media, text, self:raw_role(), false) or text
  end
  return list
end

--- Give it a new text; nodes made before keep the old one.
function methods:set(text)
  if var.is(text) then
    loop.await(text)
    if text:raw_media() then return self:raw_set_media(text:raw_media(), text:raw_text()) end
    text = text:raw_text()
  end
  if not LIFTED[type(text)] then
    errors.raise("inval", ("set: expected a text, got %s"):format(type(text)), nil, 2)
  end
  self:raw_set(text_of(text))
end

-- What failed is drawn as such; that the wait itself was ended is told.
local function await_to_draw(v)
  local ok, problem = pcall(loop.await, v)
  if not ok and v:state() == "pending" then error(problem, 0) end
end

--- The graph that made it, for Graphviz. Waits for the value; a failed one is drawn as such. With
--- feedback it waits for the backward passes that run through the graph, too.
---@param opts? table {feedback = boolean}
function methods:dot(opts)
  opts = options.check(opts or {}, { feedback = { type = "boolean",
    default = false } }, "dot")
  await_to_draw(self)
  local pass = opts.feedback and self:pass_behind()
  while pass do
    await_to_draw(pass)
    pass = self:pass_behind()
  end
  return self:raw_dot(opts.feedback)
end

-- ---- feedback --------------------------------------------------------------------

--- The feedback, as a list of records {state, text, score, from_role, example, conversation,
--- remarks, sources, …}; waits for passes that run, raises what made one fail.
function methods:feedback()
  local pass = self:pass()
  while pass do
    loop.await(pass)
    pass = self:pass()
  end
  return self:raw_feedback()
end

--- Forget all feedback. Waits for a pass that still runs.
function methods:zero_grad()
  local pass = self:pass()
  while pass and pass:state() == "pending" do
    pcall(loop.await, pass)
    pass = self:pass()
  end
  self:raw_zero_grad()
end

-- ---- metamethods -----------------------------------------------------------------

local getters = {}
function getters.role(self) return self:raw_role() end
function getters.media(self)
  if self:state() == "pending" then loop.await(self) end
  return self:raw_media()
end
function getters.requires_grad(self) return self:grad() end
function getters.score(self)
  if self:state() == "pending" then loop.await(self) end
  return (self:raw_score())
end
function getters.target(self)
  if self:state() == "pending" then loop.await(self) end
  local _, target = self:raw_score()
  return target
end

function meta.__index(self, key)
  local method = methods[key]
  if method then return method end
  local getter = getters[key]
  if getter then return getter(self) end
  errors.refuse(tostring(key), ("a variable has no %q"):format(tostring(key)),
    options.suggest(tostring(key), methods, getters), 2)
end

function meta.__newindex(self, key, value)
  if key == "role" then
    self:set_role(value)
  elseif key == "requires_grad" then
    self:set_grad(value)
  elseif key == "score" then
    self:set_score(value)
  else
    errors.refuse(tostring(key), ("a variable's %q cannot be set"):format(tostring(key)),
      "role, score and requires_grad can; a new text comes by v:set(text)", 2)
  end
end

function meta.__tostring(self) return self:shown() end
function meta.__len(self) return #self:text() end

local function short_role(v)
  local role = v:raw_role()
  return role ~= "" and #role <= 60 and role or "text"
end

local function join(a, b)
  a, b = var.lift(a, "text", "..", 2), var.lift(b, "text", "..", 2)
  local role = short_role(a) .. " and " .. short_role(b)
  return begun(core.concat(loop.engine(), { a, b }, #role <= 120 and role or "text"))
end

-- On Luas that lose a stack that moved while they concatenated (see lstack.c): it has stayed
-- where it was, or the metamethod is left by a yield.
local function join_in_place(a, b)
  local mark = core.stack_mark()
  local joined = join(a, b)
  if mark and mark == core.stack_mark() or loop.step_out() then return joined end
  errors.raise("state", ("Lua %s can lose its stack where \"..\" joins variables this deep in a "
    .. "plain script or a callback"):format(core.lua_release),
    'use lg.format("{a}{b}", { a = a, b = b }), a task (lg.spawn), or Lua 5.4.7', 2)
end

meta.__concat = core.stack_mark and join_in_place or join

-- ---- nodes -----------------------------------------------------------------------

-- The text of a template as the script wrote it; nil while it is pending, and of one that an
-- optimizer has rewritten: leaving out a field is for the validation to judge.
local function own_text(v)
  if v:state() == "ready" and v:versions() == 1 and not v:raw_media() then return v:raw_text() end
end

--- A text with named fields; feedback reaches every field, and the template if it is trainable.
--- A field that the template does not have is an error.
---@param template string|userdata "{name}" is a field, "{{" a brace
---@param fields table name → text or variable
---@param opts? table {role = string, fenced = boolean}
function var.format(template, fields, opts)
  opts = options.check(opts or {}, { role = { type = "string", default = "text" },
    fenced = { type = "boolean", default = false } }, "lg.format", 2)
  if type(fields) ~= "table" then
    errors.raise("inval", "lg.format: expected a table of fields",
      'lg.format("Question: {q}", { q = question })', 2)
  end
  local names, vars = {}, {}
  for name in pairs(fields) do
    if type(name) ~= "string" then
      errors.raise("inval", "lg.format: fields have names", 'lg.format("{q}", { q = question })', 2)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  template = var.lift(template, "template", "lg.format", 2)
  local text = own_text(template)
  if text then templates.check(text, names, "lg.format", 2) end
  for i, name in ipairs(names) do
    vars[i] = var.lift(fields[name], name, ("lg.format: field %q"):format(name), 2)
  end
  return begun(core.format(loop.engine(), template, names, vars, opts.role,
    opts.fenced))
end

--- Weights are one number above 0 for each of n things, or nil.
---@param what string who complains
---@param things? string "variables"
function var.check_weights(what, weights, n, things)
  if weights and options.length(weights) ~= n then
    errors.refuse("weights", ("%s: %d weights for %d %s"):format(what,
      options.length(weights), n, things or "variables"), "give one number above 0 for each", 3)
  end
  for i = 1, weights and n or 0 do
    local w = weights[i]
    if math.type(w) == nil or not (w > 0 and w < math.huge) then
      errors.refuse("weights", ("%s: weight %d is %s"):format(what, i, tostring(w)),
        "give one number above 0 for each", 3)
    end
  end
end

local function reduction(what, make)
  return function(list, opts)
    opts = options.check(opts or {}, { skip_failed = { type = "boolean",
      default = false }, weights = "table?" }, what, 2)
    if var.is(list) then list = { list } end
    local n = type(list) == "table" and options.length(list) or 0
    if n == 0 then
      errors.raise("inval", what .. ": expected a list with at least one variable", nil, 2)
    end
    local vars = {}
    for i = 1, n do vars[i] = var.lift(list[i], "", ("%s: item %d"):format(what, i), 2) end
    var.check_weights(what, opts.weights, n)
    return loop.own(make(loop.engine(), vars, opts.skip_failed == true, opts.weights))
  end
end

--- Texts joined, scores added; feedback passes to each unchanged and costs no call. With
--- `weights`, a number above 0 for each, scores count so much, and feedback says so.
---@param list lunagrad.var[]
---@param opts? table {skip_failed = boolean, weights = number[]}
var.sum = reduction("lg.sum", core.sum)

--- Texts joined, scores averaged; feedback from here is merged, by one call a parameter.
---@param list lunagrad.var[]
---@param opts? table as for lg.sum
var.mean = reduction("lg.mean", core.mean)

-- ---- tools -----------------------------------------------------------------------

local Tool = {}
Tool.__index = Tool
Tool.__name = "lunagrad.tool"

local function is_list_of_inputs(args)
  return #args == 1 and type(args[1]) == "table" and not var.is(args[1])
end

-- Positional arguments get the names of `inputs`, or input1, input2 …
function Tool:__call(...)
  local args, names, vars = { ... }, {}, {}
  if is_list_of_inputs(args) then
    for name in pairs(args[1]) do
      if type(name) ~= "string" then
        errors.raise("inval", ("tool %q: inputs in a table have names"):format(self.name),
          'tool{ question = "…" }, or tool("…")', 2)
      end
      names[#names + 1] = name
    end
    table.sort(names)
    if self.inputs then names = self.inputs end
    for i, name in ipairs(names) do
      local where = ("tool %q: input %q"):format(self.name, tostring(name))
      vars[i] = var.lift(args[1][name], name, where, 2)
    end
  else
    for i = 1, select("#", ...) do
      names[i] = self.inputs and self.inputs[i] or "input" .. i
      vars[i] = var.lift(args[i], names[i], ("tool %q: input %d"):format(self.name, i), 2)
    end
  end
  return work.belongs(begun(core.tool_call(loop.engine(), self.core, names, vars, self.role)))
end

function Tool:__tostring() return ("tool %q"):format(self.name) end

-- A copy of the list of names that the inputs have.
local function input_names(list)
  local names = list and {}
  for i = 1, list and options.length(list) or 0 do
    names[i] = list[i]
    if type(names[i]) ~= "string" or not names[i]:find "^[^\0]+$" then
      errors.raise("inval", "lg.tool: inputs is a list of names", 'inputs = { "question", … }', 3)
    end
  end
  return names
end

--- A Lua function as a node. `run` gets the inputs' texts (of a picture or sound a variable that
--- holds it), as a task: it may wait and call models; it returns a text or a variable, which may be
--- a picture, and, if it judges, a score. `backward(ctx)` returns feedback by input name and
--- spares the model call; ctx has inputs, output, score, target, feedback, example. With
--- cache = true the store keeps results and finds them by name, version and inputs: change
--- `version` when the function changes. After `timeout` seconds the function is ended, what it
--- began is cancelled, and the node fails with an error of the kind "timeout".
---@param spec table {name, purpose, run, backward, inputs = {names}, role, target, cache, version,
--- timeout}
function var.tool(spec)
  spec = options.check(spec, { name = "string", purpose = { type = "string", default = "" },
    run = "function", backward = "function?", inputs = "table?", role = "string?",
    target = "number?", cache = "boolean?", version = { type = "string", default = "" },
    timeout = "number?" }, "lg.tool", 2)
  timer.check_timeout(spec.timeout, "lg.tool", 2)
  local self = { name = spec.name, role = spec.role or spec.name,
    inputs = input_names(spec.inputs) }
  setmetatable(self, Tool)
  local tag = work.add_tool(spec)
  self.core = core.tool(loop.engine(), spec.name, spec.purpose, spec.backward ~= nil, tag,
    spec.cache and spec.version or nil)
  return self
end

local NONE = {}
signatures.methods(methods, "v", "variable", { text = NONE, shown = NONE, calls = NONE,
  value = NONE, finish_reason = NONE, thinking = NONE, usage = NONE, await = NONE, history = NONE,
  set = NONE, dot = NONE, feedback = NONE, zero_grad = NONE })
signatures.named(methods, "v")

--- A method that needs what stands above variables: whoever puts the library together brings it.
---@param name string
---@param fn function(variable, …)
function var.add_method(name, fn)
  methods[name] = fn
  signatures.methods(methods, "v", "variable", { [name] = NONE })
  signatures.named({ [name] = methods[name] }, "v")
end

return var
