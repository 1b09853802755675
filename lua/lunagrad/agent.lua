--- lg.agent: a model that calls tools until it can answer, as ordinary nodes of the graph.
--
-- Each step is a model call; each tool that it calls is a tool node, whose arguments come from the
-- turn of the model and whose result goes into the next call. So backward walks the whole trace:
-- the final call, the results, the tools' arguments, the turns before, the system prompt and the
-- descriptions of tools. What the model does wrong (an unknown tool, arguments that do not fit, a
-- tool that fails) is told to it as a result. Nothing here runs a model or a tool by itself.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local model = require "lunagrad.model"
local options = require "lunagrad.options"
local promise = require "lunagrad.promise"
local retriever = require "lunagrad.retriever"
local schema = require "lunagrad.schema"
local timer = require "lunagrad.timer"
local var = require "lunagrad.var"

local agent = {}

local TURN = "application/vnd.lunagrad.turn+json"

local SPEC = {
  model = "any", system = "any", tools = "table?", timeout = "number?",
  max_steps = { type = "integer", default = 10 },
  max_calls_per_step = { type = "integer", default = 16 },
  parallel = { type = "boolean", default = true }, role = { type = "string", default = "answer" },
  name = { type = "string", default = "agent" },
  on_error = { type = "string", one_of = { "tell", "raise" }, default = "tell" },
}
local TOOL_SPEC = {
  name = "string", description = "any", parameters = "any", run = "callable", cache = "boolean?",
  version = "string?", backward = "function?", timeout = "number?",
}
local ASK_SPEC = { sample = "integer?", role = "string?", example = "integer?" }
options.parts(ASK_SPEC, 16, "join texts with ..")

local DEEPEST = 8 -- agents that call each other, or themselves, through their tools

local MOST_QUOTED = 200         -- characters of bad arguments that are told
local MOST_ARGUMENTS = 1 << 20  -- bytes of arguments that had to be a text

local LAST_WORD = "You have used all the steps there are: no more tools can be called. Answer now "
  .. "with what you know."

-- ---- tools -----------------------------------------------------------------------

local failures = {} -- id of a tool's node → what its function raised, until the agent has read it
local depths = {}   -- id of a tool's node → how deep the agent that called it is

-- What a tool's function raised, in words for a model: no line of the script before it.
local function in_words(problem)
  if problem == nil or problem == "<no error object>" then return "the tool failed" end -- Lua 5.5
  if type(problem) == "table" then
    problem = errors.is(problem) and problem.cause or problem.message or problem
  end
  return (errors.words(problem):gsub("^[^\n]-:%d+: ", ""))
end

local function as_text(value)
  if type(value) == "table" then
    for _, inside in pairs(value) do
      if var.is(inside) then
        error("the tool returned a table with a variable in it; a picture is returned alone", 0)
      end
    end
    return core.json_encode(value)
  end
  local kind = type(value)
  if kind == "number" then return core.number_text(value) end
  if kind == "string" or kind == "boolean" then return tostring(value) end
  if value == nil then return "(no result)" end
  error(("the tool returned a %s, not a text"):format(kind), 0)
end

-- A text; or the variable that holds a picture, sound or document.
local function as_result(value)
  if var.is(value) then
    loop.await(value)
    local media = value:raw_media()
    if media and media ~= TURN then return value end
    value = value:raw_text()
  end
  local said = as_text(value)
  if not utf8.len(said) then error("the tool returned bytes that are no text in UTF-8", 0) end
  return said
end

-- The function of a tool's node: its one input is the JSON of the arguments.
local function runner(tool)
  return function(text)
    local context = loop.context()
    local id = context.node
    context.agents = depths[id]
    local ok, made = pcall(function()
      return as_result(tool.run(core.json_decode(text),
        { name = tool.name, example = context.example }))
    end)
    if ok then return made end
    if not context.scope.over then failures[id] = in_words(made) end
    error(made, 0)
  end
end

local function check_name(name, seen, where)
  if type(name) ~= "string" or not name:find "^[%w_-]+$" or #name > 64 then
    errors.raise("inval", ("%s: a tool's name is made of up to 64 letters, digits, _ and -, got %s")
      :format(where, type(name) == "string" and ("%q"):format(name) or type(name)), nil, 3)
  end
  if seen[name] then
    errors.raise("inval", ("%s: two tools are called %q"):format(where, name), nil, 3)
  end
  seen[name] = true
end

-- The retriever that is a tool, or its run.
local function retriever_of(given, where)
  if retriever.is(given) then return given end
  if not retriever.is(given.run) then return nil end
  for _, key in ipairs { "cache", "version", "backward" } do
    if given[key] ~= nil then
      errors.raise("inval", ("%s: tool %q: %s is for functions, and its run is a retriever")
        :format(where, given.name, key), key == "backward" and "lg.retriever takes it" or nil, 4)
    end
  end
  return given.run
end

-- Anything with name, description, parameters and run will do.
local function make_tool(given, seen, where)
  if type(given) == "table" and not getmetatable(given) then
    options.check(given, TOOL_SPEC, where .. ": a tool", 3)
  end
  if type(given) ~= "table" and type(given) ~= "userdata" then
    errors.raise("inval", ("%s: a tool is a table, got %s"):format(where, type(given)),
      '{ name = "…", description = "…", parameters = { … }, run = function(args) … end }', 3)
  end
  check_name(given.name, seen, where)
  if type(given.run) ~= "function" and type(given.run) ~= "table" then
    errors.raise("inval", ("%s: tool %q has no function `run`"):format(where, given.name), nil, 3)
  end
  local searches = retriever_of(given, where)
  local tool = { name = given.name, description = given.description or "", run = given.run,
    cache = given.cache, version = given.version, backward = given.backward, searches = searches,
    timeout = timer.check_timeout(given.timeout, ("%s: tool %q"):format(where, given.name), 3) }
  local full = schema.of(given.parameters or searches and searches.parameters or {},
    ("%s: parameters of tool %q"):format(where, tool.name))
  if full.type ~= "object" and not full["$ref"] then
    errors.raise("inval", ("%s: the parameters of tool %q are no object"):format(where, tool.name),
      "give each a name: parameters = { city = \"string\" }", 3)
  end
  if searches and not (full.properties and full.properties.query) then
    errors.raise("inval", ("%s: tool %q: a retriever needs the parameter `query`"):format(where,
      tool.name), "leave parameters out: it has its own", 3)
  end
  tool.parameters = full
  return tool
end

local function words_of(text)
  return var.is(text) and (text:raw_text() or "") or tostring(text)
end

-- Made when the agent is first asked, so that a script may still configure the engine. It is the
-- agent's: the tool, which its function holds, would keep it for ever.
local function node_of(self, tool)
  local node = self.nodes[tool]
  if not node then
    node = var.tool { name = tool.name, purpose = words_of(tool.description),
      run = runner(tool), backward = tool.backward, inputs = { "arguments" },
      role = "result of the tool " .. tool.name, cache = tool.cache, version = tool.version,
      timeout = tool.timeout }
    self.nodes[tool] = node
  end
  return node
end

-- ---- one step --------------------------------------------------------------------

-- A called name as it may stand in words of ours.
local function plain(word) return (tostring(word):gsub("[^%w_.:-]", "_"):sub(1, 64)) end

-- A called name as it may stand in a message's role, which gives it back to the provider as the
-- model said it: other characters as %XX.
local function name_of(call)
  local name = tostring(call.name):sub(1, 64)
  while not utf8.len(name) do name = name:sub(1, -2) end -- as the engine cuts it
  if name == "" then return "unknown" end
  return (name:gsub("[^%w_.:-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function said_name(written)
  return (written:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- A call's id goes back as it came; only blanks would end it.
local function id_of(call) return (tostring(call.id):gsub("[%s%c]", "_")) end

local function told(self, call, from, problem)
  return { role = ("tool %s %s error"):format(name_of(call), id_of(call)),
    result = promise.derived(from, "Error: " .. problem, "result of the tool " .. plain(call.name)),
    agent = self }
end

-- The beginning of what a model wrote: in the history, which servers read, {} stands for it.
local function beginning(text)
  local last = utf8.len(text) and utf8.offset(text, MOST_QUOTED + 1)
  return (last and text:sub(1, last - 1) .. "…" or text:sub(1, 4 * MOST_QUOTED))
end

local function read_arguments(call, tool)
  local args = call.arguments
  if type(args) == "string" then
    local text = args
    if #text > MOST_ARGUMENTS then
      return nil, ("the arguments are longer than %d bytes"):format(MOST_ARGUMENTS)
    end
    args = text:find "%S" and core.json_decode(text, "number") or nil
    if args == nil and text:find "%S" then
      return nil, "the arguments are no JSON: " .. beginning(text)
    end
  end
  if args == nil or args == core.null then args = {} end
  schema.tidy(args, tool.parameters)
  local ok, path, what = schema.validate(args, tool.parameters)
  if ok then return core.json_encode(args) end
  return nil, ("the arguments do not fit: %s %s"):format(path ~= "" and path or "they", what)
end

local function names_of(self)
  local names = {}
  for i, tool in ipairs(self.tools) do names[i] = tool.name end
  return #names > 0 and table.concat(names, ", ") or "none"
end

-- A retriever is a node of its own: feedback on what it found reaches its documents and the query.
local function search(tool, arguments, text)
  local query = core.json_decode(text).query
  if type(query) ~= "string" then return nil, "the arguments do not fit: query must be a text" end
  return tool.searches(promise.derived(arguments, query, "search query"))
end

-- Begins one call of a tool. What is wrong with it is its result.
local function start_call(self, turn, call, number, depth)
  local tool = self.by_name[call.name]
  if number > self.max_calls_per_step then
    return told(self, call, turn, ("at most %d tools can be called at once")
      :format(self.max_calls_per_step))
  elseif not tool then
    return told(self, call, turn, ("there is no tool %q; there are %s")
      :format(tostring(call.name), names_of(self)))
  end
  local text, problem = read_arguments(call, tool)
  if not text then return told(self, call, turn, problem) end
  local arguments = promise.derived(turn, text, "arguments of the tool " .. tool.name)
  local result
  if tool.searches then
    result, problem = search(tool, arguments, text)
    if not result then return told(self, call, arguments, problem) end
  else
    result = node_of(self, tool)(arguments)
    depths[result:id()] = depth
  end
  return { role = ("tool %s %s"):format(tool.name, id_of(call)), call = call,
    arguments = arguments, result = result }
end

-- Waits for a call's result. A failure is told to the model; nil: it ends the agent.
local function finish_call(self, one)
  if not one.arguments then return one end
  local ok = promise.settled(one.result)
  local id = one.result:id()
  local problem = failures[id]
  failures[id], depths[id] = nil, nil
  if ok then return one end
  local failed = errors.from_var(one.result)
  if self.on_error == "raise" or errors.stops(failed) then return nil end
  -- which variables it came by tells a model nothing, and their numbers differ between runs
  return told(self, one.call, one.arguments, problem or failed.cause)
end

-- Whether anybody still wants an answer.
local function is_wanted(answer) return answer:raw_state() == "pending" end

-- All calls of a turn, at the same time unless parallel = false; results in the order of the
-- calls. Returns the messages, or nil and the result that failed.
local function run_calls(self, turn, calls, job)
  local started, messages = {}, {}
  for i, call in ipairs(calls) do
    if not is_wanted(job.answer) then break end
    started[i] = start_call(self, turn, call, i, job.depth)
    job.running[i] = started[i].result
    if self.parallel == false then promise.settled(started[i].result) end
  end
  local failed
  for i, one in ipairs(started) do
    started[i] = finish_call(self, one)
    failed = failed or not started[i] and one.result or nil
  end
  if failed then return nil, failed end
  for i, one in ipairs(started) do messages[i] = { one.role, one.result } end
  return messages
end

-- ---- the steps -------------------------------------------------------------------

local function declared(self)
  local list = {}
  for i, tool in ipairs(self.tools) do
    list[i] = { name = tool.name, description = words_of(tool.description),
      parameters = tool.parameters }
  end
  return #list > 0 and list or nil
end

-- What runs for an answer that was cancelled is wanted no more.
local function watch(job)
  loop.when(job.answer, function()
    if job.answer:raw_state() ~= "cancelled" then return end
    for _, v in pairs(job.running) do v:cancel() end
  end)
end

local function ask(self, spec, messages, last)
  local tools = declared(self)
  local choice, parallel = nil, nil
  if tools and last then choice = "none" end
  if tools and self.parallel == false then parallel = false end
  return model.call(self.model, { messages = messages, tools = tools, tool_choice = choice,
    parallel_tool_calls = parallel, sample = spec.sample, role = spec.role or self.role,
    example = spec.example })
end

local function add(messages, more)
  for _, message in ipairs(more) do messages[#messages + 1] = message end
end

local function out_of_steps(self, turn)
  local called = {}
  for i, call in ipairs(turn:calls()) do called[i] = tostring(call.name) end
  errors.raise("limit", ("%s: no answer after %d steps: the model goes on calling %s")
    :format(self.name, self.max_steps, table.concat(called, ", ")),
    "raise max_steps, or say in the system prompt when to stop", 0)
end

-- job: the answer, what runs for it now, and how deep it is in other agents' tools.
local function converse(self, spec, messages, job)
  watch(job)
  for step = 1, self.max_steps + 1 do
    local last = step > self.max_steps
    if last then messages[#messages + 1] = { "user", LAST_WORD } end
    local turn = ask(self, spec, messages, last)
    job.running = { turn }
    if not promise.settled(turn) or turn:raw_media() ~= TURN then return turn end
    if last then out_of_steps(self, turn) end
    local results, failed = run_calls(self, turn, (var.calls(turn, "number")), job)
    if not results then return failed end
    if not is_wanted(job.answer) then return turn end
    messages[#messages + 1] = { "assistant", turn }
    add(messages, results)
  end
end

-- The messages that every step begins with, and all their variables.
local function opening(self, spec)
  local messages, leads = {}, {}
  local function put(role, content, of)
    local v = var.lift(content, of, self.name, 4)
    messages[#messages + 1], leads[#leads + 1] = { role, v }, v
  end
  if self.system ~= nil then put("system", self.system, "system prompt") end
  for _, tool in ipairs(self.tools) do
    if var.is(tool.description) then put("describe " .. tool.name, tool.description, "") end
    for _, v in ipairs(tool.searches and retriever.leads(tool.searches) or {}) do
      leads[#leads + 1] = v
    end
  end
  put("user", spec[1], "question")
  for i = 2, #spec do put("+", spec[i], "part of the question") end
  return messages, leads
end

-- ---- the object ------------------------------------------------------------------

local Agent = {}
Agent.__index = Agent
Agent.__name = "lunagrad.agent"

--- Ask: agent(question) or agent{ question, part, …, sample =, role = }. Returns a pending variable.
function Agent:__call(spec, more)
  if more ~= nil then options.check_second(more, ASK_SPEC, self.name, "agent") end
  if type(spec) ~= "table" then
    spec = { spec }
  else
    options.check(spec, ASK_SPEC, self.name, 2)
  end
  if spec[1] == nil then
    errors.raise("inval", self.name .. ": nothing to ask", 'agent("…") or agent{ "…", picture }', 2)
  end
  local context = loop.context()
  local depth = (context and context.agents or 0) + 1
  if depth > DEEPEST then
    errors.raise("limit", ("%s: agents call each other through their tools more than %d deep")
      :format(self.name, DEEPEST), "answer in words at some depth", 0)
  end
  local messages, leads = opening(self, spec)
  return promise.make(leads, spec.role or self.role, function(answer)
    return converse(self, spec, messages, { answer = answer, depth = depth, running = {} })
  end, self.timeout and { self.timeout, self.name } or nil)
end

function Agent:__tostring() return ("agent %q"):format(self.name) end

--- An agent: a model with tools. `agent(question)` is a variable like any other: pending until it
--- is looked at, and its feedback reaches the system prompt, the arguments of the tools, and the
--- tools' descriptions when they are lg.param.
---
--- A tool is a table { name =, description =, parameters =, run = } (or anything that has these):
--- parameters is a schema (short form: { city = "string" }), run(args, ctx) returns a text, a table
--- (told as JSON) or a variable, which may be a picture; cache and version as for lg.tool. A
--- retriever is a tool, too, and may be the run of one.
--- A tool with `timeout` seconds is ended then, and the model is told; `timeout` of the agent is
--- for the whole answer, which fails with an error of the kind "timeout".
---@param spec table { model, system, tools, max_steps = 10, max_calls_per_step = 16, parallel,
--- on_error = "tell"|"raise", role, name, timeout }
---@return lunagrad.agent
function agent.new(spec)
  spec = options.check(spec, SPEC, "lg.agent", 2)
  local self = { name = spec.name, role = spec.role, system = spec.system,
    max_steps = spec.max_steps, max_calls_per_step = spec.max_calls_per_step,
    parallel = spec.parallel, on_error = spec.on_error,
    tools = {}, by_name = {}, nodes = {},
    timeout = timer.check_timeout(spec.timeout, "lg.agent", 2) }
  if self.max_steps < 1 or self.max_calls_per_step < 1 then
    errors.refuse(self.max_steps < 1 and "max_steps" or "max_calls_per_step",
      "lg.agent: max_steps and max_calls_per_step must be at least 1", nil, 2)
  end
  if spec.model ~= nil then self.model = model.of(spec.model, "model") end
  local seen = {}
  for i, given in ipairs(spec.tools or {}) do
    self.tools[i] = make_tool(given, seen, "lg.agent")
    self.by_name[self.tools[i].name] = self.tools[i]
  end
  return setmetatable(self, Agent)
end

-- ---- what happened ---------------------------------------------------------------

local function array(list) return setmetatable(list, core.array) end

local function made_of(v)
  while v and v:op() == "promise" do
    local from
    for _, input in ipairs(v:inputs()) do
      if input.name == "made of" then from = input.var end
    end
    v = from
  end
  return v
end

local function add_result(step, input)
  local tool, id, rest = input.name:match "^tool (%S+) (%S*) ?(%S*)$"
  if step and tool then
    step.results[#step.results + 1] = { name = said_name(tool), id = id, error = rest == "error",
      text = input.media and input.var:shown() or input.text, media = input.media }
  end
end

--- The steps that led to an agent's answer: { calls, results, words } each; the last has only
--- words. Waits for the answer. Empty when there is none.
---@param v Var
---@return table[]
function agent.trace(v)
  promise.settled(v)
  local final, steps = made_of(v), {}
  for _, input in ipairs(final and final:inputs() or {}) do
    if input.var and input.var:raw_media() == TURN then
      local calls, words = input.var:calls()
      steps[#steps + 1] = { calls = calls, words = words, results = array {} }
    elseif input.text then
      add_result(steps[#steps], input)
    end
  end
  if final and final:state() == "ready" then
    local calls, words = final:calls()
    steps[#steps + 1] = { calls = calls or array {}, words = words, results = array {} }
  end
  return steps
end

return agent
