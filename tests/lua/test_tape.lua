-- test_tape.lua - what a search driver tells the record, and what stands in the store then
--
-- No model is asked. Trainings that really run are test_record.lua's, calls test_searches.lua's.

local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local core = require "lunagrad.core"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"
local outputs = require "lunagrad.book.outputs"
local record = require "lunagrad.book.record"
local tapes = require "lunagrad.book.tape"

local dir = command.temp ".store"
record.describe { name = "tape", script = "tape.lua", args = {} }
lg.configure { store = dir, virtual_clock = true }

local function query(sql, ...) return loop.engine():store_query(sql, ...) end

local function begin(kind, names)
  return record.search { kind = kind, method = "race", names = names, seed = 3 }
end

TestSearch = {}

function TestSearch:test_each_sort_counts_by_itself()
  local from, list = begin("optimize", { "p" }).number, {}
  for i, kind in ipairs { "evaluate", "train", "compare", "optimize", "evaluate" } do
    list[i] = begin(kind, kind == "train" and { "p" } or nil).number
  end
  lu.assertEquals(list, { 1, from + 1, 1, from + 2, 2 })
end

function TestSearch:test_options_are_what_a_row_can_hold()
  local tape = record.search { kind = "optimize", method = "race", names = { "p" }, seed = "x",
    options = { budget = { calls = 5, cost = 0.5 }, fn = print, lists = { 1, "two" }, on = true,
      endless = math.huge, deep = { { { { { 1 } } } } }, model = lg.param("x", "y"),
      [{}] = "no name" } }
  local row = query("SELECT options, seed FROM searches WHERE id = ?", tape.id)[1]
  lu.assertEquals(row.seed, "x")
  lu.assertEquals(core.json_decode(row.options), { budget = { calls = 5, cost = 0.5 },
    fn = "(function)", lists = { 1, "two" }, on = true, endless = "inf",
    deep = { { { "(table)" } } }, model = "(userdata)" })
end

function TestSearch:test_its_end()
  local tape = begin("optimize", { "p" })
  tape:candidate { idx = 0, iteration = 0, texts = { "a" }, score = 0.25, best = true,
    parents = {} }
  tape:candidate { idx = 5, iteration = 9, texts = { "b" }, score = 0.5, best = true,
    parents = { 0, 0 }, operator = "merge", proposal = 9, words = 1 }
  local open = query("SELECT * FROM searches WHERE id = ?", tape.id)[1]
  lu.assertEquals({ open.best_idx, open.best_score, open.ended_us }, { 5, 0.5 })
  lu.assertEquals(tape:candidate { iteration = 10, texts = { "c" }, score = 0.4 }, 6)
  tape:close { complete = true, texts = { "b" }, score = 0.5, stopped = "budget",
    claim = { shown = false, p = 0.2, fixed = { 1, 4 } } }
  local row = query("SELECT * FROM searches WHERE id = ?", tape.id)[1]
  lu.assertEquals({ row.seed_score, row.best_score, row.best_idx, row.stopped },
    { 0.25, 0.5, 5, "budget" })
  lu.assertTrue(row.ended_us >= row.started_us)
  lu.assertEquals(core.json_decode(row.claim), { shown = false, p = 0.2, fixed = { 1, 4 } })
  local kept = query("SELECT * FROM candidates WHERE search_id = ? AND idx = 5", tape.id)[1]
  lu.assertEquals({ kept.parents, kept.operator, kept.proposal, kept.words, kept.is_best },
    { "[0,0]", "merge", 9, 1, 1 })
  local file = ("%s/runs/tape/best-%d.json"):format(dir, tape.number)
  local best = core.json_decode(command.read(file))
  lu.assertEquals({ best.search, best.candidate, best.claim.p }, { tape.id, 5, 0.2 })
end

function TestSearch:test_proposals()
  local tape = begin("optimize", { "p" })
  tape:proposal { number = 4, parents = { 2, 1 }, operator = "merge", accepted = false,
    reason = "dropped: futile", texts = { "x" }, before = 0.5, after = 0.25,
    batch = { { example = 7, before = 0, after = 1 } }, race = { n = 12, won = 3, lost = 5 },
    calls = 6, tokens = 900 }
  tape:proposal { number = 5, parents = { 2 }, operator = "edit", reason = "unchanged",
    race = "+-=", gain = -0.5 }
  local rows = query("SELECT * FROM proposals WHERE search_id = ? ORDER BY number", tape.id)
  lu.assertEquals({ rows[1].number, rows[1].iteration, rows[1].parent_idx, rows[1].parents,
    rows[1].operator, rows[1].gain, rows[1].calls, rows[1].tokens },
    { 4, 4, 2, "[2,1]", "merge", -0.25, 6, 900 })
  lu.assertEquals(core.json_decode(rows[1].batch), { { example = 7, before = 0, after = 1 } })
  lu.assertEquals(core.json_decode(rows[1].race), { n = 12, won = 3, lost = 5 })
  lu.assertEquals({ rows[2].race, rows[2].gain, rows[2].texts, rows[2].accepted },
    { "+-=", -0.5, nil, 0 })
end

function TestSearch:test_no_store_no_record()
  local tape = tapes.silent(3)
  lu.assertEquals({ tape.number, tape.id }, { 3, nil })
  for name, value in pairs(getmetatable(tape).__index) do
    if type(value) == "function" then lu.assertNil(tape[name](tape, {}), name) end
  end
end

TestScores = {}

function TestScores:test_a_candidate_finds_what_its_proposal_got()
  local tape = begin("optimize", { "p" })
  tape:scores { proposal = 2, split = "validation", rows = {
    { example = 3, score = 1, output = "yes", objectives = { short = 0.5 } },
    { example = 1, score = 0.1, output = "no" }, { example = 2, output = "failed" } } }
  tape:proposal { number = 2, accepted = true, reason = "kept", texts = { "x" } }
  tape:candidate { idx = 1, iteration = 2, proposal = 2, texts = { "x" }, score = 0.5 }
  tape:scores { candidate = 1, split = "test",
    rows = { { example = 1, score = 1, output = "yes" } } }
  tape:close { complete = true, texts = { "x" } }
  local rows = query("SELECT candidate_idx, proposal, split, example, score, output, objectives"
    .. " FROM results WHERE search_id = ? ORDER BY id", tape.id)
  lu.assertEquals(rows, {
    { candidate_idx = 1, proposal = 2, split = "validation", example = 3, score = 1,
      output = "yes", objectives = '{"short":0.5}' },
    { candidate_idx = 1, proposal = 2, split = "validation", example = 1, score = 0.1,
      output = "no" },
    { candidate_idx = 1, split = "test", example = 1, score = 1, output = "yes" } })
end

-- An engine in whose place stands a list of what is handed to it.
local function listening()
  local heard = {}
  local run = { id = 1, engine = { store_exec = function(_, sql, ...)
    heard[#heard + 1] = { sql = sql, n = select("#", ...), ... }
  end } }
  return outputs.new(run), heard
end

function TestScores:test_equal_texts_are_written_once()
  local out, heard = listening()
  local long = ("long "):rep(1000)
  for i = 1, 1000 do
    out:add { search = 1, example = i, score = 1, output = i % 2 == 0 and long or "short" }
  end
  out:flush()
  local texts, rows = 0, 0
  for _, one in ipairs(heard) do
    local is_text = one.sql:find "INTO outputs"
    if is_text then texts = texts + one.n / 2 else rows = rows + (one.n - 1) / 9 end
  end
  lu.assertEquals({ texts, rows }, { 2, 1000 })
  out:flush()
  lu.assertTrue(#heard < 30, #heard) -- many rows a statement
end

-- A text is forgotten after very many others, and what is remembered does not grow.
function TestScores:test_memory_is_bounded()
  local out = outputs.new { id = 1, engine = { store_exec = function() end } }
  local first = out:id "first"
  for i = 1, 100000 do
    out:id("text " .. i)
    if i % 5000 == 0 then lu.assertEquals(out:id "first", first) end -- met again: kept
    if i % 64 == 0 then out:flush() end
  end
  collectgarbage()
  local before = collectgarbage "count"
  for i = 100001, 200000 do
    out:id("text " .. i)
    if i % 64 == 0 then out:flush() end
  end
  collectgarbage()
  lu.assertTrue(collectgarbage "count" - before < 500, collectgarbage "count" - before)
  lu.assertNotEquals(out:id "first", first)
end

function TestScores:test_bytes_are_described()
  local out, heard = listening()
  out:add { search = 1, example = 1, score = 1, output = "\xff\xd8picture" }
  out:flush()
  lu.assertEquals(heard[1][2], ("[9 bytes, sha256 %s]"):format(
    core.sha256("\xff\xd8picture"):sub(1, 16)))
end

-- A thousand candidates on a thousand examples may take 250 MB: 250 bytes each.
function TestScores:test_room_on_the_disk()
  local tape = begin("optimize", { "p" })
  local function pages() return query("PRAGMA page_count")[1].page_count end
  local before = pages()
  for number = 1, 60 do
    local rows = {}
    for i = 1, 200 do
      rows[i] = { example = i, score = (number + i) % 3 / 2,
        output = ("answer %d %d"):format(number, i), objectives = { right = 1, short = i / 7 } }
    end
    tape:scores { proposal = number, split = "validation", rows = rows }
  end
  tape:close { complete = true, texts = { "x" } }
  local written = query("SELECT count(*) AS n FROM scores WHERE search_id = ?", tape.id)[1].n
  lu.assertEquals(written, 12000)
  local each = (pages() - before) * 16384 / written
  lu.assertTrue(each < 200, each)
end

TestPurpose = {}

function TestPurpose:test_there_and_back()
  local tape = begin("optimize", { "p" })
  for _, what in ipairs {
    { candidate = 0, split = "validation", example = 1 }, { candidate = 1048575, split = "test" },
    { proposal = 7, split = "train", example = 16777215 }, { proposal = 0 }, { proposal = 12 },
  } do
    local purpose = tape:purpose(what)
    lu.assertEquals(math.type(purpose), "integer")
    lu.assertTrue(purpose > 0)
    what.order = tape.order
    lu.assertEquals(tapes.about_purpose(purpose), what)
  end
  lu.assertEquals(tape:purpose { proposal = 3, split = "train" } + 5,
    tape:purpose { proposal = 3, split = "train", example = 5 })
  lu.assertEquals(tapes.id_of(record.current().id, tape.order), tape.id)
end

function TestPurpose:test_what_has_no_room_has_none()
  local tape = begin("optimize", { "p" })
  lu.assertNil(tape:purpose { proposal = 1 << 20 })
  lu.assertNil(tape:purpose { candidate = 1, example = 1 << 24 })
  tape.order = 1 << 16
  lu.assertNil(tape:purpose { proposal = 1 })
end

function TestPurpose:test_a_call_takes_no_other_number()
  local model = lg.model(function() return "x" end, "m")
  for _, bad in ipairs { -1, 0.5, "x" } do
    helper.fails("inval", nil, function()
      loop.spawn(function() return model "q" end, { purpose = bad }):await()
    end)
  end
end

local code = lu.LuaUnit.run()
os.execute("rm -rf " .. command.quote(dir))
os.exit(code)
