--- Multiple choice: MMLU's and GPQA's files, and options in an order that is drawn for each item.
--
-- A row that was read has the bare question, its options in the file's order, the number of the
-- right one and its letter as the answer. permute makes questions of such rows that can be asked.
-- Which letter a model favours without knowing then helps it no more than chance.

local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local reading = require "lunagrad.task.reading"
local rng = require "lunagrad.rng"

local multiple_choice = {}

local MOST = 26 -- options, a letter each

local function letter(i) return string.char(64 + i) end

local function trimmed(record, name, bad)
  return (reading.text(record, { name }, bad):match "^%s*(.-)%s*$")
end

-- ---- files -----------------------------------------------------------------------

local MMLU = { "question", "A", "B", "C", "D", "answer" }

--- Questions from a file of MMLU (astronomy_test.csv: question, four options, letter; no header):
--- rows with question, options, right (1 to 4), answer (the letter) and id (the row's number).
---@param path string
---@return lunagrad.dataset
function multiple_choice.mmlu(path)
  return reading.csv(path, "lg.task.mmlu", MMLU, function(record, bad, i)
    if i == 1 and record.answer:lower() == "answer" then return nil end -- a header after all
    local right = record.answer:match "^%s*([A-Da-d])%s*$"
    if not right then
      bad(("the last field must be A, B, C or D, it is %s"):format(errors.quoted(record.answer)))
    end
    right = right:upper()
    local list = {}
    for k = 1, 4 do list[k] = trimmed(record, letter(k), bad) end
    return { id = tostring(i), question = trimmed(record, "question", bad), options = list,
      right = right:byte() - 64, answer = right }
  end)
end

local GPQA = { "Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3" }

--- Questions from a file of GPQA (gpqa_diamond.csv, by the names of its columns): rows with
--- question, options (the right one first), right (1), answer ("A"), id (its record id), and
--- subdomain, domain and explanation, where the file has them.
---@param path string
---@return lunagrad.dataset
function multiple_choice.gpqa(path)
  return reading.csv(path, "lg.task.gpqa", true, function(record, bad, i)
    local list = {}
    for k, name in ipairs(GPQA) do list[k] = trimmed(record, name, bad) end
    return { id = data.get(record, "Record ID", tostring(i)), options = list, right = 1,
      question = trimmed(record, "Question", bad), answer = "A",
      subdomain = data.get(record, "Subdomain"), domain = data.get(record, "High-level domain"),
      explanation = data.get(record, "Explanation") }
  end)
end

-- ---- the order of the options --------------------------------------------------------

-- An option that speaks of others by their letters: "Both A and B", "A and C".
local function names_letters(option, n)
  local set = "%(?[A-" .. letter(n) .. "]%)?"
  return option:find("^" .. set .. "%s*and%s*" .. set .. "%.?$")
    or option:find("^" .. set .. ",%s*" .. set .. ",?%s*and%s*" .. set .. "%.?$")
    or option:find("^[Bb]oth%s+" .. set .. "%s+and%s+" .. set)
    or option:find("^[Nn]either%s+" .. set .. "%s+nor%s+" .. set)
    or option:find("^[Oo]nly%s+" .. set .. "%.?$")
end

-- "All of the above": has to stay the last.
local function names_the_above(option)
  return option:lower():find "%f[%a]the above%f[%A]" or option:lower():find "^all of these%.?$"
    or option:lower():find "^none of these%.?$"
end

-- How many options from the first on may change places.
local function movable(list)
  local n = #list
  for i, option in ipairs(list) do
    if names_letters(option, n) then return 0 end
    if names_the_above(option) then
      if i < n then return 0 end
      return n - 1
    end
  end
  return n
end

local function order_of(row, r)
  local list, n = row.options, movable(row.options)
  local order, rest = {}, {}
  for i = 1, n do order[i] = i end
  -- drawn by what is asked, so that the order is the same in whatever set the row stands
  r:fork(row.question):shuffle(order)
  for i = n + 1, #list do rest[#rest + 1] = i end
  return table.move(rest, 1, #rest, n + 1, order)
end

-- ---- questions -----------------------------------------------------------------------

-- Which option is right: by number, by letter, or by its text.
local function right_of(row, list)
  local right = data.get(row, "right")
  if math.type(right) == "integer" then return list[right] and right end
  local answer = data.get(row, "answer")
  if type(answer) ~= "string" then return nil end
  local found
  for i, option in ipairs(list) do
    if option == answer then return i end
    if letter(i) == answer then found = i end
  end
  return found
end

local function check_row(row, i)
  local function bad(message)
    errors.raise("inval", ("lg.task.multiple_choice: row %d: %s"):format(i, message), nil, 4)
  end
  if type(row) ~= "table" then bad("is no table but a " .. type(row)) end
  local list = data.get(row, "options")
  if type(data.get(row, "question")) ~= "string" then bad "the question is no text" end
  if type(list) ~= "table" or #list < 2 or #list > MOST then
    bad(("options must be a list of 2 to %d texts"):format(MOST))
  end
  for k, option in ipairs(list) do
    if type(option) ~= "string" then bad(("option %d is no text"):format(k)) end
  end
  return right_of(row, list)
    or bad "neither right (a number) nor answer (a letter, or the option) says which one is right"
end

local function rendered(question, list)
  local lines = { question, "" }
  for i, option in ipairs(list) do lines[i + 2] = ("%s) %s"):format(letter(i), option) end
  return table.concat(lines, "\n")
end

-- A copy of the row with another order of its options.
local function permuted(row, right, order)
  local made, list = {}, {}
  for key, value in next, row do made[key] = value end
  for to, from in ipairs(order) do
    list[to] = row.options[from]
    if from == right then made.right = to end
  end
  made.options, made.answer, made.asked = list, letter(made.right), row.question
  made.question = rendered(row.question, list)
  return made
end

local SPEC = { seed = { type = "integer|string", default = 0 },
  permute = { type = "boolean", default = true } }

--- Rows with options as questions that can be asked: the options behind the question, as lines
--- "A) …", in an order drawn for each item; answer is the letter of the right one, asked the bare
--- question. lg.metric.choice scores the replies.
---
--- The order depends on the seed (0) and the question alone, not on the row's place. "All of the
--- above" stays the last; where an option names others by letter ("both A and B"), or speaks of
--- what is above it and is not the last, nothing moves. permute = false keeps the file's order.
---@param rows table of lg.task.mmlu or gpqa, or your own: question, options, and right or answer
---@param opts {seed: integer|string|nil, permute: boolean|nil}|nil
---@return lunagrad.dataset
function multiple_choice.permute(rows, opts)
  opts = options.check(opts, SPEC, "lg.task.multiple_choice")
  local r, made = rng.new(opts.seed), {}
  for i, row in ipairs(data.list(rows)) do
    local right, order = check_row(row, i), {}
    for k = 1, #row.options do order[k] = k end
    made[i] = permuted(row, right, opts.permute and order_of(row, r) or order)
  end
  return data.list(made)
end

return multiple_choice
