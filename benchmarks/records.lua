-- records.lua - what the records of a large search cost: time an evaluation, room on the disk.
--
-- Usage: lunagrad run benchmarks/records.lua [candidates=1000] [examples=1000] [distinct=20]
--        [objectives=0] [block=20]
--
-- Writes a search of so many candidates × examples through book/record.lua as a search driver
-- does: proposals that are scored in blocks while they race, decided, and kept as candidates. Each
-- example has so many different answers over all candidates (distinct; 0: every answer is new).
-- What the examples say is written once, and the graph of a few candidates.
-- Nothing is asked of any model, so the times are those of the records alone: of the calls, and
-- with the transactions that write them. Printed: µs an evaluation of both, rows and MB.

local core = require "lunagrad.core"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"
local record = require "lunagrad.book.record"

local options = { candidates = 1000, examples = 1000, distinct = 20, objectives = 0, block = 20 }
for _, word in ipairs(arg) do
  local name, value = word:match "^(%a+)=(%d+)$"
  if not options[name] then error(word .. ": what is that?", 0) end
  options[name] = math.tointeger(tonumber(value))
end

local dir = os.tmpname()
os.remove(dir)
record.describe { name = "records", script = "records.lua", args = {} }
lg.configure { store = dir }

local texts = { ("You answer questions about lists of things. Count each thing once. "):rep(12) }

local GRAPH = ("{}"):rep(500) -- as long as that of a program of some five nodes

-- A child is worse or better where the parent was; the answer is a short text.
local function rows_of(candidate, first, last)
  local rows = {}
  for i = first, last do
    local answer = options.distinct == 0 and candidate * options.examples + i
      or i * options.distinct + (candidate * 7919 + i * 31) % options.distinct
    rows[#rows + 1] = { example = i, score = (candidate * 31 + i * 17) % 3 > 0 and 1 or 0,
      output = ("The answer is %d."):format(answer),
      objectives = options.objectives > 0 and { right = 1, short = (i % 7) / 7 } or nil }
  end
  return rows
end

local spent = 0
local function timed(fn)
  local before = os.clock()
  fn()
  spent = spent + os.clock() - before
end

local function one(tape, number)
  for first = 1, options.examples, options.block do
    local rows = rows_of(number, first, math.min(options.examples, first + options.block - 1))
    timed(function()
      tape:scores { proposal = number, split = "validation", rows = rows }
      for _, row in ipairs(rows) do
        assert(tape:purpose { proposal = number, split = "validation", example = row.example })
      end
    end)
    loop.engine():wait(0)
  end
  timed(function()
    tape:proposal { number = number, parents = { number - 1 }, operator = "gradient",
      accepted = true, reason = "kept: better", texts = texts, before = 0.6, after = 0.61,
      batch = { { example = 3, before = 0, after = 1 } }, race = ("+"):rep(60), calls = 9,
      tokens = 4000 }
    tape:candidate { idx = number, iteration = number, texts = texts, parents = { number - 1 },
      operator = "gradient", proposal = number, score = 0.61, words = 132, best = number % 50 == 0 }
    tape:graph { candidate = number, split = "validation", example = 1, score = 1, text = GRAPH }
  end)
end

local began = os.clock()
local tape = record.search { kind = "optimize", method = "race", names = { "prompt" }, seed = 1 }
local questions = {}
for i = 1, options.examples do
  questions[i] = { question = ("How many are %d things and a cat?"):format(i), answer = i + 1 }
end
timed(function() tape:set("validation", questions) end)
tape:candidate { idx = 0, iteration = 0, texts = texts, parents = {}, score = 0.6, best = true }
for number = 1, options.candidates do one(tape, number) end
timed(function()
  tape:close { complete = true, texts = texts, score = 0.61, stopped = "budget",
    claim = { shown = true, p = 0.01, gain = 0.05 } }
end)
record.finish "done"
local all = os.clock() - began
local n = options.candidates * options.examples
local db = core.store_open(dir)
local rows = db:query("SELECT (SELECT count(*) FROM scores) AS s,"
  .. " (SELECT count(*) FROM outputs) AS o")[1]
-- As it is once the log has moved into it.
local pages = db:query("PRAGMA page_count")[1].page_count
local bytes = pages * db:query("PRAGMA page_size")[1].page_size
db:close()
print(("%d evaluations: %.2f µs in the records, %.2f µs with their transactions"):format(n,
  spent / n * 1e6, all / n * 1e6))
print(("%d scores, %d answers, %.1f MB on the disk (%.1f bytes an evaluation), %.1f MB of Lua")
  :format(rows.s, rows.o, bytes / 1e6, bytes / n, collectgarbage "count" / 1000))
os.execute(("rm -rf '%s'"):format(dir))
