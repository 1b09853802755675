--- GSM8K: word problems of grade school, from the published JSON lines, and DSPy's split of them.

local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local options = require "lunagrad.options"
local python_shuffle = require "lunagrad.task.python_shuffle"
local reading = require "lunagrad.task.reading"

local gsm8k = {}

-- "… #### 1,234": the steps without the calculator's <<48/2=24>>, and the answer.
local function solution(text, bad)
  local steps, said = text:match "^(.*)####%s*([^\n]-)%s*$"
  local number = said and extract.last_number(said)
  if not number then
    bad("the answer does not end in \"#### \" and a number",
      "GSM8K's files have it; other sets are read by lg.data.jsonl")
  end
  return extract.trim((steps:gsub("<<[^<>\n]*>>", ""))), number
end

--- Word problems from GSM8K's file (train.jsonl, test.jsonl): rows with question, answer (the
--- number behind "####", "1234"), steps (the worked solution, without the calculator's marks) and
--- id (which problem of the file it is, "1", "2", …).
---@param path string
---@return lunagrad.dataset
function gsm8k.read(path)
  return reading.json(path, "lg.task.gsm8k", function(object, bad, i)
    local steps, answer = solution(reading.text(object, { "answer" }, bad), bad)
    return { id = tostring(i), question = reading.text(object, { "question" }, bad),
      answer = answer, steps = steps }
  end)
end

local TRAIN, TEST = 7473, 1319 -- problems of the published files

local function check_size(set, name, wanted)
  set = data.list(set)
  if #set == wanted then return set end
  errors.refuse(name, ("lg.task.gsm8k_split: DSPy's split is one of the %d problems of %s.jsonl, "
    .. "here are %d"):format(wanted, name, #set), "for other sets: set:split{ 200, 300, seed = 1 }",
    3)
end

local function shuffled(set)
  return python_shuffle(table.move(set, 1, #set, 1, {}), 0)
end

local SPLIT = { train = { type = "table", required = true }, test = "table?" }

--- DSPy's split, with which papers report GSM8K: both files in the order of Python's
--- random.Random(0).shuffle; 200 rows to learn from and 300 to validate on, of train; all of test.
---@param spec {train: lunagrad.dataset, test: lunagrad.dataset|nil} of lg.task.gsm8k
---@return lunagrad.dataset train 200 rows
---@return lunagrad.dataset val 300 rows
---@return lunagrad.dataset|nil test 1,319 rows
function gsm8k.split(spec)
  spec = options.check(spec, SPLIT, "lg.task.gsm8k_split")
  local train = shuffled(check_size(spec.train, "train", TRAIN))
  local test = spec.test and data.list(shuffled(check_size(spec.test, "test", TEST)))
  return data.list(table.move(train, 1, 200, 1, {})), data.list(table.move(train, 201, 500, 1, {})),
    test
end

return gsm8k
