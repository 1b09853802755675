--- A step that sets nothing: new texts as variables of the graph, made of the editor's replies.
--
-- What is made with them can be judged, and feedback on that goes back through the step: to the
-- editor's own prompts (tgd.*), and by what the editor was told to the prompts of the critics that
-- said it (critic.*, reduce.*). The parameters themselves stand outside: they are not set, and hear
-- nothing through the step. What is asked and what is accepted is tgd.lua's.

local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local promise = require "lunagrad.promise"
local var = require "lunagrad.var"

local functional = {}

-- The variables that records were written by, each once; of merged ones also those merged.
local function writers(records)
  local list, seen = {}, {}
  local function add(record)
    local id = record.var and record.var:id()
    if not id or seen[id] then return end
    seen[id], list[#list + 1] = true, record.var
  end
  for _, record in ipairs(records) do
    add(record)
    for _, source in ipairs(record.sources or {}) do add(source) end
  end
  return list
end

--- What is shown of feedback, as a variable: what is said about it goes to those who wrote the
--- feedback, unchanged.
---@param records table[]
---@param text string
---@return Var
function functional.shown(records, text)
  local list = writers(records)
  if #list == 0 then return var.lift(text, "feedback") end
  local from = #list == 1 and list[1] or var.sum(list)
  return promise.derived(loop.await(from), text, "feedback on the variable")
end

--- The new variables, in the order of the parameters, and the report: a parameter that is not
--- rewritten stands for itself. Where one is refused none is rewritten, as in any step.
---@param self lunagrad.tgd
---@param parts table what tgd.lua does: gather(self), propose(self, i, heard), report(…)
---@return Var[] variables, table report
function functional.step(self, parts)
  local entries, active, heard = parts.gather(self)
  local list, refusals = table.move(self.params, 1, #self.params, 1, {}), {}
  if #active == 0 then return list, parts.report(false, "no parameter has feedback", entries) end
  for _, i in ipairs(active) do heard[i].shown = functional.shown end
  local answers = loop.map(active, function(i)
    return parts.propose(self, i, heard[i])
  end, { example = false })
  for n, i in ipairs(active) do
    local entry, answer = entries[i], answers[n]
    entry.reply, entry.reasked = answer.reply, answer.reasked
    entry.malformed = answer.malformed or 0
    entry.reason = answer.problem and "refused: " .. answer.problem or "rewritten"
    if answer.problem then
      refusals[#refusals + 1] = ("%s: %s"):format(entry.role, answer.problem)
    end
  end
  if #refusals > 0 then
    return list, parts.report(false, "refused: " .. table.concat(refusals, "; "), entries)
  end
  for n, i in ipairs(active) do
    local answer = answers[n]
    list[i] = promise.derived(answer.reply, answer.text, self.params[i].role)
    entries[i].after = answer.text
  end
  return list, parts.report(true, ("%d of %d parameter%s rewritten in the graph"):format(#active,
    #self.params, #self.params == 1 and "" or "s"), entries)
end

--- Refuse what cannot be a step of this kind.
---@param params Var[]
function functional.check(params)
  for i, p in ipairs(params) do
    if p:raw_media() then
      errors.raise("inval", ("step: parameter %d (%s) is a picture or sound"):format(i, p.role),
        "a functional step rewrites texts", 3)
    end
  end
end

return functional
