-- grain.lua - one question about a text, a step or a batch, put to a real model: what it costs, and
-- what comes of it.
--
--   OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none \
--     lunagrad run benchmarks/real/grain.lua -m openai/MODEL
--
-- A program of two calls (a description of a review, and a verdict on the description) with a
-- prompt each. For every grain of `backward` the same batches of reviews that the start prompts
-- fail on make one step each, from the start prompts. Form is counted; whether a proposal makes
-- sense is for who reads it. Arguments: steps=3, batch=3, cap=200, set=2 (which half of films.lua).
-- No training: benchmarks/grain.lua is one.

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path

local lg = require "lunagrad"

local operators = require "operators"
local films = require("tasks").films

local options = { steps = 3, batch = 3, cap = 200, set = 2 }
for name, value in pairs(lg.args) do
  if not options[name] or not math.tointeger(tonumber(value)) then
    error(("%s=: say steps=, batch=, cap= or set= and a whole number"):format(name), 0)
  end
  options[name] = math.tointeger(tonumber(value))
end

local model = lg.model()

local function start()
  return lg.param("Name the subject.", "system prompt for describing reviews"),
    lg.param("Answer the question.", "system prompt for a verdict on a described review")
end

local function answer(describe, judge, row)
  local description = model { row.question, system = describe, temperature = 0, max_tokens = 40,
    role = "description of the review" }
  return model { description, system = judge, temperature = 0, max_tokens = films.max_tokens,
    role = "verdict" }
end

-- The first rows of the half that the start prompts fail on.
local function failing()
  local all = films.rows(films.most)
  local half = #all // 2
  local rows = table.move(all, 1 + (options.set - 1) * half, options.set * half, 1, {})
  local describe, judge = start()
  local scores = lg.map(rows, function(row)
    return films.metric(answer(describe, judge, row):text(), row)
  end)
  local found = {}
  for i, row in ipairs(rows) do
    if scores[i] < 1 then found[#found + 1] = row end
  end
  print(("%d of %d rows fail"):format(#found, #rows))
  return found
end

local function step(grain, rows)
  local describe, judge = start()
  local losses = {}
  for i, row in ipairs(rows) do losses[i] = films.loss(answer(describe, judge, row), row) end
  lg.sum(losses):backward { grain = grain, reply_tokens = options.cap }
  return lg.optim.tgd { describe, judge, reply_tokens = options.cap }:step()
end

local function indent(text) return "      " .. text:gsub("\n", "\n      ") end

local function show(entry)
  print(("  %s: %s%s, %d malformed\n    heard:\n%s\n    now:\n%s"):format(entry.role,
    entry.reason, entry.reasked and ", asked twice" or "", entry.malformed or 0,
    indent(table.concat(entry.feedback or {}, "\n")),
    indent(entry.after or entry.reply and entry.reply:text() or "-")))
end

local function measure(grain, rows)
  local since, count, malformed, usable = operators.mark(), 0, 0, 0
  for from = 1, options.steps * options.batch, options.batch do
    local some = table.move(rows, from, from + options.batch - 1, 1, {})
    if #some < options.batch then break end
    count = count + 1
    print(("\n%s, step %d"):format(grain, count))
    for _, entry in ipairs(step(grain, some).params) do
      show(entry)
      malformed = malformed + (entry.malformed or 0)
      usable = usable + (entry.changed and 1 or 0)
    end
  end
  return ("%s: %d steps, %d texts changed of %d; malformed: critic %d, editor %d; %s"):format(grain,
    count, usable, 2 * count, operators.critic_malformed(), malformed, operators.spent(since))
end

local rows, lines = failing(), {}
for i, grain in ipairs { "edge", "node", "graph" } do lines[i] = measure(grain, rows) end
print("\n" .. table.concat(lines, "\n"))
