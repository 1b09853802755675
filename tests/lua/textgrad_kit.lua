-- textgrad_kit.lua - models that are functions and keep what they were asked; for test_textgrad*.lua

local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local kit = {}

kit.answerer = lg.model(function(request)
  for _, message in ipairs(request.messages) do
    if message.role == "user" then return "answer to " .. message.content:sub(1, 40) end
  end
end, "answerer")

kit.nobody = lg.model(function() error "no model should be asked" end, "nobody")

--- A backward model: answers fn(prompt, n), a text, or "fix N"; and the prompts that it got.
function kit.critic(fn)
  local asked = {}
  local m = lg.model(function(request)
    local user = request.messages[2].content
    local prompt = {
      merge = request.messages[1].content == lg.prompts["reduce.system"]:text(),
      text = user, role = user:match 'role "(.-)"', request = request,
      variable = user:match "<VARIABLE>\n(.*)\n</VARIABLE>",
      feedback = user:match "<FEEDBACK>\n(.*)\n</FEEDBACK>",
      conversation = user:match "<CONVERSATION>\n(.*)\n</CONVERSATION>",
      objective = user:match "<OBJECTIVE>\n(.*)\n</OBJECTIVE>",
    }
    asked[#asked + 1] = prompt
    if type(fn) == "string" then return fn end
    return fn and fn(prompt, #asked) or "fix " .. #asked
  end, "critic")
  return m, asked
end

--- An optimizer's model that answers from a list of new texts (the last one again and again), as
--- they are when `raw`; and its questions: { text, request }.
function kit.editor(texts, raw)
  local asked = {}
  if type(texts) == "string" then texts = { texts } end
  return lg.model(function(request)
    asked[#asked + 1] = { text = request.messages[2].content, request = request }
    local text = texts[math.min(#asked, #texts)]
    return raw and text or "<NEW_VARIABLE>" .. text .. "</NEW_VARIABLE>"
  end, "editor"), asked
end

--- The texts of all feedback, and "empty" for what has none.
function kit.texts(v)
  local list = {}
  for i, record in ipairs(v:feedback()) do
    list[i] = record.state == "text" and record.text or record.state
  end
  return list
end

--- One call with a question and a system prompt.
function kit.ask(question, prompt, role)
  return kit.answerer { question, system = prompt, role = role }
end

--- A function that judges, with a score and no backward of its own.
function kit.graded(score, target)
  return lg.tool { name = "grade", purpose = "compares with the key", role = "grade",
    target = target, run = function() return "graded " .. score, score end }
end

--- A parameter with feedback given by hand.
function kit.param(text, role, ...)
  local p = lg.param(text, role)
  for _, said in ipairs { ... } do p:add_feedback(said) end
  return p
end

function kit.count(text, part)
  local n, at = 0, 1
  while true do
    local from, to = text:find(part, at, true)
    if not from then return n end
    n, at = n + 1, to + 1
  end
end

function kit.holds(text, ...)
  for _, part in ipairs { ... } do lu.assertStrContains(text, part) end
end

function kit.lacks(text, ...)
  for _, part in ipairs { ... } do lu.assertNotStrContains(text, part) end
end

return kit
