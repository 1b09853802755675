--- propose_kit.lua: a context for the operators of the search, with models that answer from a list.

local lg = require "lunagrad"
local bind = require "lunagrad.bind"

local kit = {}

--- A model that answers from a list (the last one again and again), or by a function of the
--- request; asked holds the requests.
function kit.model(...)
  local answers, asked = { ... }, {}
  local m = lg.model(function(request)
    asked[#asked + 1] = request
    local answer = answers[math.min(#asked, #answers)]
    return type(answer) == "function" and answer(request) or answer
  end, "scripted")
  return m, asked
end

--- A reply with a new text.
function kit.new(text, letter)
  local tag = letter and "NEW_VARIABLE_" .. letter or "NEW_VARIABLE"
  return ("<%s>\n%s\n</%s>"):format(tag, text, tag)
end

--- What the editor was asked, the last message.
function kit.said(request) return request.messages[#request.messages].content end

--- A candidate as the pool has it.
function kit.candidate(idx, texts, scores, more)
  local sum = 0
  for _, score in ipairs(scores or {}) do sum = sum + score end
  local one = { idx = idx, texts = texts, parents = {}, scores = scores or {},
    mean = #(scores or {}) > 0 and sum / #scores or 0 }
  for name, value in pairs(more or {}) do one[name] = value end
  return one
end

--- A context for parameters with these roles.
function kit.context(roles, more)
  local params = {}
  for i, role in ipairs(roles) do params[i] = lg.param("text " .. i, role) end
  local context = { params = params, names = roles, roles = roles,
    run = function(texts, fn) return bind.run(bind.map(params, texts), nil, fn) end,
    rng = lg.rng.new(1), sample = 1, proposals = {}, constraints = {}, edits = 4, max_demos = 4,
    train = {}, solved = function() return {} end, leak = function() end }
  for name, value in pairs(more or {}) do context[name] = value end
  return context
end

return kit
