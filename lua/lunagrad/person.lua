--- A person judges: what is asked, at a terminal or by a function of the host, and what is answered.
--
-- For lg.loss.person. Each judgement is a tool whose results are kept, in the store where there is
-- one and in any case in this loss: nobody is asked the same twice. At the terminal one question
-- stands at a time; while it does, the loop runs on, and looks now and then whether a line was
-- typed. Nothing here asks a model.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local file = require "lunagrad.file"
local metric = require "lunagrad.metric"
local options = require "lunagrad.options"
local layer = require "lunagrad.text"
local timer = require "lunagrad.timer"
local var = require "lunagrad.var"

local person = {}

local LOOK = 0.05 -- seconds between two looks at the terminal, or for an answer that comes later
local STDIN, STDERR = 0, 2
local FINE = "fine"

-- ---- what is asked ---------------------------------------------------------------

---@class lunagrad.question what a person is asked
---@field instruction string
---@field output string|Var what is to be judged; a picture or sound is a variable
---@field fields table name → text or variable: what belongs to it
---@field choices string[]|nil
---@field target number from which on a score is fine
local Question = { __name = "lunagrad.question" }
Question.__index = Question

--- Say that the answer comes later, by question:reply(): `return question:later()`.
function Question:later()
  self.deferred = true
  return self
end

--- Answer a question that was put off. A second answer is an error.
---@param score number|boolean|string|nil or a choice
---@param words string|nil
function Question:reply(score, words)
  if self.answered then
    errors.raise("state", "reply: this question has been answered", nil, 2)
  end
  self.answered = { score, words }
end

-- ---- what is answered --------------------------------------------------------------

local function choice_of(own, text)
  for _, choice in ipairs(own.choices or {}) do
    if layer.fold(choice.text) == layer.fold(text) then return choice end
  end
  return nil
end

local function refuse(what)
  errors.raise("badreply", "person: the answer is " .. what,
    "a score or a choice, and words: return 0.5, \"too long\"; \"\" where all is fine", 0)
end

--- An answer as the text of the loss, and its score.
---@param own table the loss' options
---@param score any
---@param words any
---@return string text, number|nil score
local function judgement(own, score, words)
  local choice
  if type(score) == "string" and words == nil and not choice_of(own, score) then
    score, words = nil, score
  end
  if type(score) == "string" then
    choice = choice_of(own, score)
    if not choice then refuse(("%s, which is no choice"):format(errors.quoted(score))) end
    score = choice.score
  elseif score == nil and words == nil then
    refuse "neither a score nor words"
  end
  if words ~= nil and type(words) ~= "string" then refuse("words that are a " .. type(words)) end
  if score ~= nil then score = metric.score(score, "lg.loss.person") end
  local said = layer.trim(words or "")
  if choice then said = said ~= "" and ("%s: %s"):format(choice.text, said) or choice.text end
  if said == "" and score == nil then return FINE, own.target end
  return said ~= "" and said or ("%.6g"):format(score), score
end

-- What a function of the host answers with: at once, later, or as a variable.
local function asked_of_host(own, question)
  local score, words = own.ask(question)
  if rawequal(score, question) then
    while not question.answered do timer.sleep(LOOK) end
    score, words = question.answered[1], question.answered[2]
  elseif var.is(score) then
    words = score:text()
    score = score:raw_score()
  end
  return judgement(own, score, words)
end

-- ---- at the terminal -----------------------------------------------------------------

local line, typed = {}, "" -- who waits for the terminal, in order; what was typed and not yet read

local function leave(who)
  for i, one in ipairs(line) do
    if one == who then table.remove(line, i) end
  end
end

local function screen()
  if file.is_terminal(STDIN) then
    if file.is_terminal(STDERR) then return io.stderr end
    local tty = io.open("/dev/tty", "w")
    if tty then return tty end
  end
  errors.raise("state", "person: there is no terminal to ask at",
    "run it in one, or give a function: lg.loss.person{ ask = function(question) "
      .. "return score, words end }", 0)
end

local function read_line(out, prompt)
  out:write(prompt, " > ")
  out:flush()
  while not typed:find "\n" do
    local more = file.typed()
    if more == false then
      errors.raise("cancelled", "person: no answer was given (end of input)", nil, 0)
    end
    if more then typed = typed .. more else timer.sleep(LOOK) end
  end
  local text, rest = typed:match "^([^\n]*)\n(.*)$"
  typed = rest
  return layer.trim((text:gsub("[%z\1-\8\11-\31\127]", "")))
end

local function shown(value) return core.clean(var.is(value) and value:shown() or value) end

local function show(own, out, question)
  local lines = { "", core.clean(question.instruction) }
  for _, name in ipairs(question.names) do
    lines[#lines + 1] = ("[%s]\n%s"):format(name, shown(question.fields[name]))
  end
  lines[#lines + 1] = "[answer]\n" .. shown(question.output)
  for i, choice in ipairs(own.choices or {}) do
    lines[#lines + 1] = ("  %d  %s"):format(i, core.clean(choice.text))
  end
  out:write(table.concat(lines, "\n"), "\n")
end

-- A choice by its number or words; other words are words. "" is fine.
local function ask_choice(own, out)
  while true do
    local said = read_line(out, ("1 to %d, or in words; nothing: it is fine"):format(#own.choices))
    local number = math.tointeger(tonumber(said))
    local choice = number and own.choices[number] or choice_of(own, said)
    if choice then
      return choice.text, read_line(out, "and in words, in a line; nothing: no more")
    elseif not number then
      return nil, said
    end
    out:write("there is no choice ", said, "\n")
  end
end

local function ask_score(own, out)
  while true do
    local said = read_line(out, ("score, %g is fine; nothing: none"):format(own.target))
    local score = tonumber((said:gsub(",", ".")))
    if said == "" or score and score == score then return score end
    out:write "that is no number\n"
  end
end

-- What was typed before the question stood there was no answer to it: one more Enter would be "fine".
local function drop_typed()
  typed = ""
  while file.typed() do end
end

local function converse(own, out, question)
  drop_typed()
  show(own, out, question)
  local score, words
  if own.choices then
    score, words = ask_choice(own, out)
  else
    if own.scored then score = ask_score(own, out) end
    words = read_line(out, score and "what should change, in a line; nothing: no words"
      or "what should change, in a line; nothing: it is fine")
  end
  out:write "\n" -- the line that was typed into is left
  return judgement(own, score, words)
end

local function asked_at_terminal(own, question)
  local who, out = {}, screen()
  line[#line + 1] = who
  local results = table.pack(pcall(function()
    while line[1] ~= who do timer.sleep(LOOK) end
    return converse(own, out, question)
  end))
  leave(who)
  if out ~= io.stderr then out:close() end
  if not results[1] then error(results[2], 0) end
  return results[2], results[3]
end

-- ---- the loss ------------------------------------------------------------------------

local function take_choices(list)
  if list == nil then return nil end
  local choices = {}
  for i = 1, options.length(list) do
    local text, score = list[i], nil
    if type(text) == "table" then text, score = text[1], text[2] end
    if type(text) ~= "string" or not text:find "%S" or score and not math.type(score) then
      errors.refuse("choices", ("lg.loss.person: choice %d is no text, and no { text, score }")
        :format(i), 'choices = { { "good", 1 }, "too long" }', 3)
    end
    choices[i] = { text = layer.trim(text), score = score }
  end
  if #choices == 0 then
    errors.refuse("choices", "lg.loss.person: there is no choice", "leave out choices", 3)
  end
  return choices
end

local SPEC = { instruction = { type = "string", default = "What should change?" },
  ask = "callable?", choices = "table?", target = "number?", name = "string?",
  role = { type = "string", default = "judgement of a person" } }

local function take_spec(spec)
  if type(spec) == "string" then spec = { spec } end
  if type(spec) ~= "table" then
    errors.raise("inval", ("lg.loss.person: expected options, got %s"):format(type(spec)),
      'lg.loss.person "What should change?"', 3)
  end
  local own = {}
  for key, value in pairs(spec) do own[key] = value end
  own.instruction, own[1] = own.instruction or own[1], nil
  own = options.check(own, SPEC, "lg.loss.person", 3)
  own.choices, own.scored = take_choices(own.choices), own.target ~= nil
  own.target = own.target or 1
  return own
end

-- What two questions must share, beside their texts, to be one.
local function version_of(own)
  local parts = { own.instruction, own.scored and ("%.17g"):format(own.target) or "" }
  for _, choice in ipairs(own.choices or {}) do
    parts[#parts + 1] = ("%s=%s"):format(choice.text, choice.score or "")
  end
  return table.concat(parts, "\n")
end

-- The question about these values, the output last; and what tells it from others.
local function question_of(own, names, values)
  local question, key = { instruction = own.instruction, output = values[#names], fields = {},
    names = {}, target = own.target }, {}
  for i, name in ipairs(names) do
    local v = values[i]
    key[i] = ("%s %s %s"):format(name, var.is(v) and v:raw_media() or "",
      var.is(v) and v:raw_text() or v)
    if i < #names then question.names[i], question.fields[name] = name, v end
  end
  for i, choice in ipairs(own.choices or {}) do
    question.choices = question.choices or {}
    question.choices[i] = choice.text
  end
  return setmetatable(question, Question), core.json_encode(key)
end

-- The function of the tool: asks, unless this loss has heard the answer, or is waiting for it.
local function asker(own, names, heard)
  local ask = own.ask and asked_of_host or asked_at_terminal
  return function(...)
    local question, key = question_of(own, names, { ... })
    while heard[key] and heard[key].waits do timer.sleep(LOOK) end
    if heard[key] then return heard[key].text, heard[key].score end
    heard[key] = { waits = true }
    local ok, text, score = pcall(ask, own, question)
    heard[key] = ok and { text = text, score = score } or nil
    if not ok then error(text, 0) end
    return text, score
  end
end

-- What the person said is the feedback, on all that was shown.
local function backward(ctx)
  local said = ctx.output ~= ("%.6g"):format(ctx.score or 0) and ctx.output or nil
  local facts = ctx.score and ("A person scored this %.4g; the target is %.4g, higher is better.")
    :format(ctx.score, ctx.target)
  local parts, all = { said or false, facts or false, ctx.feedback or false }, {}
  for _, part in ipairs(parts) do all[#all + 1] = part or nil end
  local text = table.concat(all, "\n")
  return setmetatable({}, { __index = function() return text end })
end

--- What lg.loss.person does with its options: a function of names and values, the output last.
---@param spec string|table
---@return fun(names: string[], values: table<string, any>): Var
function person.judge(spec)
  local own, tools, heard = take_spec(spec), {}, {}
  return function(names, values)
    local key, inputs = table.concat(names, " "), {}
    for i, name in ipairs(names) do inputs[i] = var.lift(values[name], name, "person") end
    tools[key] = tools[key] or var.tool {
      name = own.name and "person " .. own.name or "person", target = own.target, inputs = names,
      purpose = "a person judges: " .. own.instruction, role = own.role,
      cache = true, version = version_of(own), run = asker(own, names, heard), backward = backward,
    }
    return tools[key](table.unpack(inputs))
  end
end

return person
