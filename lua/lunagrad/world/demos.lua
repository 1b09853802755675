--- Worked examples: what a reader picks up from questions that are shown with their answers.
--
-- They stand in the instructions ("Question: … Answer: …", between tags, one below the other) or
-- as earlier turns of the conversation. Each is counted again, and its answer is looked at as any
-- answer is (diagnose.lua): what a right one shows of its work cures the slips that this work
-- prevents, as an instruction to work so would, though less surely; the form of an answer is
-- copied, be it good or bad. A second example of the same lesson adds half as much as the first.
--
--   what a right answer shows                        cures            by
--   every counted item on a line of its own          skip             .85  (.45 in running text)
--   an item of several, with its number              quantity         .70
--   a list with other things, not counted            distractor       .70
--   a head or stalk that is counted                  container        .70
--   the sum written out                              sum              .50
--   a number in digits / nothing behind it           words, ramble    .70
--   (any answer) words, or a remark behind it        invites these by .50

local diagnose = require "lunagrad.world.diagnose"
local question = require "lunagrad.world.question"

local demos = {}

---@class sim.shown what worked examples show: as sim.advice, but from examples
---@field cure table<string, number>
---@field harm table<string, number>

local LISTED, IN_PASSING, WORK, SUM, FORM, BAD_FORM = 0.85, 0.45, 0.70, 0.50, 0.70, 0.50

-- The work that a right answer shows before it states its number.
local function work_shown(q, low, stated, cure)
  local before = low:sub(1, stated.at - 1)
  local said, wanted, lines = diagnose.shown(q, low, #before), 0, 0
  local lesson = {}
  for i, item in ipairs(q.items) do
    if item.wanted then
      if said[i] ~= item.n then return end
      wanted = wanted + 1
      lesson.quantity = lesson.quantity or item.n > 1
      lesson.container = lesson.container or item.held
    else
      lesson.distractor = true
    end
  end
  for _ in before:gmatch "[^\n]+" do lines = lines + 1 end
  if wanted == 0 then return end
  cure.skip = lines >= wanted and wanted > 1 and LISTED or IN_PASSING
  cure.sum = low:find "%d+ *%+ *%d+" and SUM or nil
  for name, there in pairs(lesson) do
    cure[name] = there and WORK or nil
  end
end

-- What one example teaches: slip → how strongly it cures it, slip → how strongly it invites it.
local function lesson_of(q, output)
  local low, cure, harm = output:lower(), {}, {}
  local stated = diagnose.stated(low)
  if not stated then return cure, harm end
  for _, finding in ipairs(diagnose.answer(q, output, 0).findings) do
    if finding.slip == "words" or finding.slip == "ramble" then harm[finding.slip] = BAD_FORM end
  end
  if stated.n == q.total then
    work_shown(q, low, stated, cure)
    cure.words = not harm.words and FORM or nil
    cure.ramble = not harm.ramble and FORM or nil
  end
  return cure, harm
end

-- Where the answer behind a question ends: at a blank line, a heading, or the next question.
local function answer_behind(text, q, limit)
  local rest = text:sub(q.to + 1, limit)
  local lead = rest:match "^%s*" -- a blank line may stand before it
  local body = rest:sub(#lead + 1)
  local stop = body:find "\n%s*\n" or body:find "\n#" or #body + 1
  return body:sub(1, stop - 1), q.to + #lead + stop - 1
end

local function plain(answer)
  local text = answer:gsub("</?%a[%w_%-]*>", "\n"):gsub("%[%[ ## [%w_]+ ## %]%]", "\n")
  return (text:match "^%s*(.-)%s*$":gsub("^%*?%*?%a+%*?%*?:%s+", ""))
end

--- Take the worked examples out of a text.
---@param text string
---@return string instructions what is left
---@return { [1]: sim.question, [2]: string }[] examples question and answer
function demos.split(text)
  local found, list, parts, at = {}, {}, {}, 1
  if text:lower():find("how many ", 1, true) then found = question.all(text) end
  for i, q in ipairs(found) do
    local limit = found[i + 1] and found[i + 1].from - 1 or #text
    local answer, to = answer_behind(text, q, limit)
    local words = plain(answer)
    if diagnose.stated(words:lower()) then
      list[#list + 1] = { q, words }
      parts[#parts + 1] = text:sub(at, q.from - 1)
      at = to + 1
    end
  end
  parts[#parts + 1] = text:sub(at)
  return table.concat(parts), list
end

--- The worked examples among the turns before the last: what a user asked and was answered.
---@param messages { role: string, content: string }[]
---@return { [1]: sim.question, [2]: string }[]
function demos.turns(messages)
  local list, asked = {}, nil
  for i = 1, #messages - 1 do
    local message = messages[i]
    if message.role == "user" then
      asked = message.content
    elseif message.role == "assistant" and asked then
      local q = question.find(asked)
      list[#list + 1] = q and { q, plain(message.content) }
      asked = nil
    end
  end
  return list
end

--- What examples show, taken together; nil for none.
---@param ... { [1]: sim.question, [2]: string }[]
---@return sim.shown?
function demos.read(...)
  local left, harms, seen, n = {}, {}, {}, 0
  for _, list in ipairs { ... } do
    for _, one in ipairs(list) do
      local cure, harm = lesson_of(one[1], one[2])
      n = n + 1
      for name, strength in pairs(cure) do
        left[name] = (left[name] or 1) * (1 - strength / 2 ^ (seen[name] or 0))
        seen[name] = (seen[name] or 0) + 1
      end
      for name, strength in pairs(harm) do
        harms[name] = math.max(harms[name] or 0, strength)
      end
    end
  end
  if n == 0 then return nil end
  for name, rest in pairs(left) do left[name] = 1 - rest end
  return { cure = left, harm = harms }
end

return demos
