-- pages.lua - a store with one huge run in it, to look at: what its pages cost.
--
-- Usage: lunagrad run benchmarks/pages.lua store=DIR [calls=50000] [candidates=1000] [examples=100]
--        [proposals=3000]
--
-- Writes a search as a driver does (book/record.lua), and calls as the engine keeps them, each with
-- what it was for; nothing is asked of any model. Then, for the report:
--     time lunagrad report pages --store DIR -o pages.html
-- and for the viewer: lunagrad view DIR, and curl of its address with run/pages behind it.

local core = require "lunagrad.core"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"
local record = require "lunagrad.book.record"

local options = { calls = 50000, candidates = 1000, examples = 100, proposals = 3000 }
local dir
for _, word in ipairs(arg) do
  local name, value = word:match "^(%a+)=(.+)$"
  if name == "store" then
    dir = value
  elseif options[name] then
    options[name] = assert(math.tointeger(tonumber(value)), word)
  else
    error(word .. ": what is that?", 0)
  end
end
assert(dir, "store=DIR is missing")

record.describe { name = "pages", script = "pages.lua", args = {}, command = "lunagrad run …",
  models = { "openai/gpt-4o-mini" }, seed = 1 }
lg.configure { store = dir }

local BASE = ("You answer questions about lists of things. Count each thing once. "):rep(6)

local function texts_of(number) return { BASE .. ("Rule %d holds as well."):format(number) } end

local function rows_of(number)
  local rows = {}
  for i = 1, options.examples do
    rows[i] = { example = i, score = (number * 31 + i * 17) % 7 > 1 and 1 or 0,
      output = ("The list names %d things, so the answer is %d."):format(i, (number + i) % 20) }
  end
  return rows
end

local questions = {}
for i = 1, options.examples do
  questions[i] = { question = ("I have %d apples, a pear and a cat. How many fruits?"):format(i),
    answer = i + 1 }
end

local tape = record.search { kind = "optimize", method = "race", names = { "prompt" }, seed = 1 }
tape:set("validation", questions)
tape:set("train", questions)
tape:candidate { idx = 0, iteration = 0, texts = texts_of(0), parents = {}, score = 0.6,
  best = true }
tape:scores { candidate = 0, split = "validation", rows = rows_of(0) }
local every, kept = math.max(1, options.proposals // math.max(1, options.candidates - 1)), 0
for number = 1, options.proposals do
  local keep = number % every == 0 and kept < options.candidates - 1
  tape:proposal { number = number, parents = { kept // 2 }, operator = "gradient", accepted = keep,
    reason = keep and "early" or "futile", texts = texts_of(number), before = 0.6, after = 0.61,
    batch = { { example = number % options.examples + 1, before = 0, after = 1 } }, calls = 16 }
  if keep then
    kept = kept + 1
    tape:scores { proposal = number, split = "validation", rows = rows_of(number) }
    tape:candidate { idx = kept, iteration = number, texts = texts_of(number),
      parents = { (kept - 1) // 2 }, operator = "gradient", proposal = number,
      score = 0.6 + kept / 1e4, words = 70, best = kept % 100 == 0 }
  end
  loop.engine():wait(0)
end

local function call(engine, run, i)
  local question = questions[i % options.examples + 1].question
  local request = core.json_encode { messages = setmetatable({ { role = "system", content = BASE },
    { role = "user", content = question } }, core.array), sample = i }
  local body = core.json_encode { choices = setmetatable({ { finish_reason = "stop",
    message = { role = "assistant", content = ("Answer: %d"):format(i % 20) } } }, core.array) }
  engine:store_exec("INSERT INTO reply(key, run_id, kind, model, endpoint, status, content_type,"
    .. " finish_reason, input, cached, output, micros, unpriced, latency_us, created_us, request,"
    .. " body) VALUES(?, ?, 0, 'openai/gpt-4o-mini', 'https://api.openai.com/v1/chat/completions',"
    .. " 200, 'application/json', 'stop', 120, 0, 9, 31, 0, 400000, ?, ?, ?)",
    ("%032d"):format(i), run, i * 1000, request, body)
  return string.pack("<i8i8", tape:purpose { proposal = i % options.proposals,
    split = "validation", example = i % options.examples + 1 }, i)
end

local engine, run = loop.engine(), record.current().id
for first = 1, options.calls, 100 do
  local packed = {}
  for i = first, math.min(options.calls, first + 99) do
    packed[#packed + 1] = call(engine, run, i)
  end
  engine:store_exec("INSERT INTO purposes(run_id, packed) VALUES(?, ?)", run,
    table.concat(packed))
  engine:wait(0)
end
engine:store_exec("UPDATE run SET calls = ? WHERE id = ?", options.calls, run)
tape:close { complete = true, texts = texts_of(kept), score = 0.7, stopped = "budget",
  claim = { shown = true, p = 0.01, gain = 0.05, low = 0.01, high = 0.09, n = 100 } }
record.finish "done"
