--- Replies that are JSON of a given form: asked for by the provider's own means, checked here.
--
-- What does not fit is asked for once more with what is wrong, then it is an error of the kind
-- "badreply" that says where. The value is the JSON, written in one way (names sorted, no blanks),
-- whatever the model put around it. Feedback on it goes to the call unchanged.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local promise = require "lunagrad.promise"
local schema = require "lunagrad.schema"
local var = require "lunagrad.var"

local structured = {}

local TURN = "application/vnd.lunagrad.turn+json"

local prepared = setmetatable({}, { __mode = "k" }) -- a script's table → what is made of it

local function prepare(wanted, where)
  if type(wanted) == "table" and prepared[wanted] then return prepared[wanted] end
  local full = schema.of(wanted, where .. ": schema")
  if full.type ~= "object" and not full["$ref"] then
    errors.raise("inval", where .. ": schema: a reply is an object",
      "give the value a name: { answer = … }", 2)
  end
  local sent, is_strict = schema.strict(full)
  local made = { full = full, option = { "schema", core.json_encode {
    name = "answer", schema = is_strict and sent or full, strict = is_strict } } }
  if type(wanted) == "table" then prepared[wanted] = made end
  return made
end

--- The JSON in a reply, written in one way; nil, what is wrong.
---@param text string
---@param full table a full schema
---@return string|nil json, string|nil problem
function structured.read(text, full)
  local value = core.json_decode(text, "number")
  if value == nil then value = extract.object(text, "number") end
  if value == nil then return nil, "there is no JSON in it" end
  schema.tidy(value, full)
  local ok, path, what = schema.validate(value, full)
  if ok then return core.json_encode(value) end
  return nil, (path ~= "" and path .. " " or "it ") .. what
end

local REPAIR = "This reply does not fit the schema: %s. Reply again with the whole JSON, "
  .. "corrected, and nothing else."

local function leads_of(messages)
  local list = {}
  for i, message in ipairs(messages) do list[i] = message[2] end
  return list
end

local function with_repair(messages, text, problem)
  local list = table.move(messages, 1, #messages, 1, {})
  list[#list + 1] = { "assistant", var.lift(text, "reply that does not fit") }
  list[#list + 1] = { "user", var.lift(REPAIR:format(problem), "what is wrong with it") }
  return list
end

--- Raise what is wrong with a schema.
---@param wanted string|table
---@param where string
function structured.check(wanted, where) prepare(wanted, where) end

--- A call whose answer must fit; `call(messages, option, quiet)` makes one. Used by model.lua.
---@param wanted string|table short or full
---@param spec table of the call; once = true: what does not fit is not asked for again
---@param messages table
---@param call fun(messages: table, option: table, quiet: boolean): Var
---@param where string
---@return Var
function structured.ask(wanted, spec, messages, call, where)
  local made = prepare(wanted, where)
  local first = call(messages, made.option, false) -- now, so that what is wrong is raised here
  local leads = leads_of(messages)
  leads[#leads + 1] = first
  return promise.make(leads, spec.role or "answer", function(answer)
    local reply, problem = first, nil
    for round = 1, spec.once and 1 or 2 do
      if not promise.settled(reply) or reply:raw_media() == TURN then return reply end
      local json
      json, problem = structured.read(reply:raw_text(), made.full)
      if json then return reply, json end
      if reply:finish_reason() == "length" then -- asked again it would end there again
        errors.raise("badreply", where .. ": the reply does not fit its schema: it was cut at the "
          .. "limit of its length", "raise max_tokens, or ask for less", 0)
      end
      if round == 1 and not spec.once and answer:state() == "pending" then
        reply = call(with_repair(messages, reply:raw_text(), problem), made.option, true)
      end
    end
    local twice = spec.once and "" or ", asked twice"
    errors.raise("badreply", ("%s: the reply does not fit its schema%s: %s")
      :format(where, twice, problem),
      "say in the prompt what each member means, or loosen the schema", 0)
  end)
end

return structured
