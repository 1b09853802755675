--- What Lua functions that work for the engine gave: models, tools and their backwards.
--
-- Each task's end is one answer to the engine, whatever it is: what is no answer is that call's
-- failure, which whoever looks at it can catch, as a server's bad reply is. Nothing here runs or
-- waits for anything; work.lua calls it once a task has ended.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

local served = {}

local TURN = "application/vnd.lunagrad.turn+json"
local MOST_TOKENS = 0x7FFFFFFF
local COUNTS = { "input", "cached", "cache_write", "output", "reasoning" }

local function kind_of(problem)
  local kind = type(problem) == "table" and problem.kind
  return kind and kind ~= "script" and kind or "tool"
end

-- The first line of what went wrong, for the one-line message of a variable.
local function first_line(problem)
  return (tostring(problem):match("^[^\n]*"))
end

-- The end of that line which names none of the variables that it came by; nil: it names none.
local function cause_of(problem)
  if not errors.is(problem) or type(problem.cause) ~= "string" then return nil end
  return first_line(errors.new(problem.kind, problem.cause, problem.hint))
end

-- With the kind of what was raised, if it is one of ours.
local function fail_call(engine, id, problem)
  local retryable = type(problem) == "table" and problem.retryable == true
  local line, cause = first_line(problem), cause_of(problem)
  if not pcall(engine.call_fail, engine, id, kind_of(problem), retryable, line, cause) then
    engine:call_fail(id, "tool", retryable, line)
  end
end

local function fail_tool(engine, id, problem)
  local line, cause = first_line(problem), cause_of(problem)
  if not pcall(engine.tool_fail, engine, id, kind_of(problem), line, cause) then
    engine:tool_fail(id, "tool", line)
  end
end

-- ---- models ----------------------------------------------------------------------

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

local function usage_problem(usage)
  if usage == nil then return nil end
  if type(usage) ~= "table" then return ("usage that is a %s, not a table"):format(type(usage)) end
  for _, name in ipairs(COUNTS) do
    local n = usage[name]
    local whole = math.type(n) and math.tointeger(n)
    if n ~= nil and not (whole and whole >= 0 and whole <= MOST_TOKENS) then
      return ("usage whose %s is %s, no count of tokens"):format(name, tostring(n))
    end
  end
end

-- A text, a number, or what can say itself as a text, as variables can.
local function is_text(x)
  if type(x) == "string" or type(x) == "number" then return true end
  local meta = getmetatable(x)
  return type(meta) == "table" and rawget(meta, "__tostring") ~= nil and io.type(x) == nil
end

-- What is wrong with what a model's function returned; nil: nothing.
local function reply_problem(reply, why)
  if type(reply) == "string" or type(reply) == "number" then return nil end
  if type(reply) ~= "table" or reply.text == nil then
    return ("%s, not a text"):format(why and tostring(why) or type(reply))
  end
  if not is_text(reply.text) then
    return ("a table whose text is a %s"):format(type(reply.text))
  end
  local turn = reply.media == TURN and turn_problem(reply.text)
  if turn then return "a turn that calls tools with " .. turn end
  for _, name in ipairs { "finish_reason", "media" } do
    local word = reply[name]
    if word ~= nil and (type(word) ~= "string" or word:find "[%z\1-\31\127]") then
      return ("a %s that is no word"):format(name)
    end
  end
  return usage_problem(reply.usage)
end

local function returned(name, what)
  return ("the function of the model %q returned %s"):format(name or "?", what)
end

local function give_reply(engine, id, name, task)
  if not task.ok then return fail_call(engine, id, task[1]) end
  local reply = task[1]
  local problem = reply_problem(reply, task[2])
  if problem then
    engine:call_fail(id, "tool", false, returned(name, problem))
  elseif type(reply) == "table" then
    local text = type(reply.text) == "number" and reply.text or tostring(reply.text)
    engine:call_reply(id, text, reply.finish_reason, reply.usage, reply.media)
  else
    engine:call_reply(id, reply)
  end
end

--- A model's function has ended.
---@param engine userdata
---@param id integer of the call
---@param name string|nil of the model
---@param task table
function served.call(engine, id, name, task)
  local ok, problem = pcall(give_reply, engine, id, name, task)
  if not ok then
    engine:call_fail(id, "tool", false, returned(name, "no reply: " .. first_line(problem)))
  end
end

-- ---- tools -----------------------------------------------------------------------

local function give_result(engine, id, definition, task)
  if not task.ok then return fail_tool(engine, id, task[1]) end
  local text, score, media = task[1], task[2], task[3]
  if type(score) == "boolean" then score = score and 1 or 0 end
  if type(text) ~= "string" and type(text) ~= "number" and type(text) ~= "boolean" then
    engine:tool_fail(id, "tool", ("tool %q returned %s, not a text")
      :format(definition.name, type(text)))
  elseif score ~= nil and (type(score) ~= "number" or score ~= score) then
    engine:tool_fail(id, "tool", ("tool %q returned the score %s, not a number")
      :format(definition.name, tostring(score)))
  else
    if type(text) == "boolean" then text = tostring(text) end
    engine:tool_return(id, text, score, definition.target or 1, media)
  end
end

local function give_feedback(engine, id, names, task)
  if not task.ok then return fail_tool(engine, id, task[1]) end
  local said = task[1]
  if type(said) ~= "table" and said ~= nil then said = { [names[1]] = said } end
  for i, name in ipairs(names) do
    local text = said and said[name]
    engine:tool_feedback(id, i, text and tostring(text) or "")
  end
  engine:tool_return(id, "")
end

local function give_safely(give, engine, id, of, task)
  local ok, problem = pcall(give, engine, id, of, task)
  if not ok then engine:tool_fail(id, "tool", first_line(problem)) end
end

--- A tool's function has ended.
function served.tool(engine, id, definition, task)
  give_safely(give_result, engine, id, definition, task)
end

--- A backward has ended: feedback by the names of the inputs.
function served.gradient(engine, id, names, task)
  give_safely(give_feedback, engine, id, names, task)
end

return served
