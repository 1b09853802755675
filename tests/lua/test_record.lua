-- test_record.lua - what a training leaves in the store and beside it, with models in the process

local helper = require "helper"
local lu = require "luaunit"
local loop = require "lunagrad.loop"
local command = require "command"
local core = require "lunagrad.core"
local lg = require "lunagrad"
local record = require "lunagrad.book.record"
local settings = require "lunagrad.settings"

local dir = os.tmpname()
os.remove(dir)

TestNames = {}

function TestNames:test_what_a_name_may_be()
  for _, good in ipairs { "a", "prompt-3fa1c2", "2026-11-22", "Run_1.b" } do
    lu.assertNil(record.name_error(good), good)
  end
  for _, bad in ipairs { "", "12", "-x", ".hidden", "a/b", "..", "a b", "é", "x.lock",
    ("a"):rep(101), "a\n" } do
    lu.assertNotNil(record.name_error(bad), bad)
  end
end

function TestNames:test_default_names()
  local name = record.default_name("dir/my prompt.lua", { "a", "b" })
  lu.assertNotNil(name:find "^my%-prompt%-%x%x%x%x%x%x$", name)
  lu.assertEquals(record.default_name("dir/my prompt.lua", { "a", "b" }), name)
  lu.assertNotEquals(record.default_name("dir/my prompt.lua", { "ab" }), name)
  for _, script in ipairs { "", "/", "-.lua", "../..", "(command line)", "é.lua" } do
    lu.assertNil(record.name_error(record.default_name(script, {})), script)
  end
end

-- ---- a training with a store ------------------------------------------------------------

-- Answers better the more the prompt says; the editor adds a word, or rubbish at its second turn.
local turns = 0
local function answerer(request)
  local system = request.messages[1].content
  return ("x"):rep(select(2, system:gsub("good", "")))
end
local function editor()
  turns = turns + 1
  local texts = { "good", "bad", "good good" }
  return ("<NEW_VARIABLE>%s</NEW_VARIABLE>"):format(texts[turns] or "good good")
end
local function critic() return "Say more." end

local result

local function train()
  record.describe { name = "tests", script = "tests.lua", args = { "a=1" }, seed = 7 }
  lg.configure { store = dir, virtual_clock = true }
  local prompt = lg.param("start", "system prompt")
  local answer = lg.model(answerer, "answerer")
  local optimizer = lg.optim.tgd { prompt, model = lg.model(editor, "editor") }
  local rows = {}
  for i = 1, 4 do rows[i] = { question = "q" .. i } end
  result = lg.train {
    program = function(row) return answer { row.question, system = prompt } end,
    params = { prompt }, optimizer = optimizer, steps = 3, batch = 2, train = rows, val = rows,
    loss = lg.loss.critic { "Is it long?", model = lg.model(critic, "c") },
    metric = function(output) return #output / 4 end, backward = { model = lg.model(critic, "b") },
  }
  lg.evaluate { function(row) return answer { row.question, system = prompt } end, data = rows,
    metric = function(output) return #output / 4 end, phase = "test" }
  record.finish "done"
end

local function query(sql, ...) return loop.engine():store_query(sql, ...) end

TestTraining = {}

function TestTraining:test_0_the_training_itself()
  train()
  lu.assertEquals({ result.accepted, result.rejected, result.best_score }, { 2, 1, 0.5 })
end

function TestTraining:test_run()
  local run = query("SELECT * FROM run")[1]
  lu.assertEquals({ run.name, run.script, run.args, run.seed, run.state },
    { "tests", "tests.lua", '["a=1"]', 7, "done" })
  lu.assertEquals({ run.seed_score, run.best_score }, { 0, 0.5 })
  local meta = core.json_decode(run.meta)
  lu.assertStrContains(meta.prices_as_of, "20")
  lu.assertEquals(record.current().name, "tests")
end

function TestTraining:test_candidates()
  local rows = query("SELECT * FROM candidates ORDER BY idx")
  lu.assertEquals(#rows, 3)
  for i, text in ipairs { "start", "good", "good good" } do
    lu.assertEquals(core.json_decode(rows[i].texts), { ["system prompt"] = text })
    lu.assertEquals(rows[i].idx, i - 1)
    lu.assertEquals(rows[i].score, (i - 1) / 4)
    lu.assertEquals(rows[i].is_best, i == 3 and 1 or 0)
  end
  lu.assertEquals({ rows[1].parents, rows[2].parents, rows[3].parents }, { "[]", "[0]", "[1]" })
  lu.assertEquals({ rows[1].iteration, rows[2].iteration, rows[3].iteration }, { 0, 1, 3 })
end

function TestTraining:test_proposals()
  local rows = query("SELECT * FROM proposals ORDER BY id")
  lu.assertEquals(#rows, 3)
  lu.assertEquals({ rows[2].accepted, rows[2].reason, rows[2].before, rows[2].after,
    rows[2].parent_idx }, { 0, "rejected: worse, fixed 0, broke 4", 0.25, 0, 1 })
  lu.assertEquals(core.json_decode(rows[2].texts), { ["system prompt"] = "bad" })
  lu.assertEquals(core.json_decode(rows[2].feedback)["system prompt"][1], "Say more.")
  lu.assertEquals({ rows[1].accepted, rows[1].parent_idx, rows[3].accepted }, { 1, 0, 1 })
end

function TestTraining:test_edits_name_their_gradients()
  local edits = query("SELECT * FROM edits ORDER BY id")
  lu.assertEquals(#edits, 3)
  lu.assertEquals({ edits[1].before, edits[1].after }, { "start", "good" })
  for _, edit in ipairs(edits) do
    local ids = core.json_decode(edit.gradient_ids)
    lu.assertTrue(#ids > 0)
    for _, id in ipairs(ids) do
      local row = query("SELECT * FROM gradients WHERE id = ?", id)[1]
      lu.assertEquals({ row.text, row.param, row.iteration },
        { "Say more.", "system prompt", edit.iteration })
    end
  end
end

function TestTraining:test_scores()
  local counts = {}
  for _, row in ipairs(query("SELECT split, phase, candidate_idx AS c, proposal AS p,"
    .. " count(*) AS n, sum(score) AS s FROM scores GROUP BY split, phase, c, p"
    .. " ORDER BY split, c, p")) do
    counts[#counts + 1] = ("%s %s %s %s %d %g"):format(row.split or "-", row.phase or "-",
      row.c or "-", row.p or "-", row.n, row.s)
  end
  lu.assertEquals(counts, { "- test - - 4 2", "validation - - 2 4 0", "validation - 0 - 4 0",
    "validation - 1 1 4 1", "validation - 2 3 4 2" })
end

function TestTraining:test_a_score_is_joined_to_its_output()
  local rows = query("SELECT s.score, o.text FROM scores s JOIN outputs o ON o.id = s.output_id"
    .. " WHERE s.candidate_idx = 2 ORDER BY s.example")
  lu.assertEquals(#rows, 4)
  for _, row in ipairs(rows) do lu.assertEquals(row, { score = 0.5, text = "xx" }) end
  lu.assertEquals(query("SELECT count(*) AS n FROM outputs WHERE text = 'xx'")[1].n, 1)
  lu.assertEquals(query("SELECT output, candidate_idx FROM results WHERE split = 'validation'"
    .. " AND proposal = 3 AND example = 4"), { { output = "xx", candidate_idx = 2 } })
end

function TestTraining:test_searches()
  local rows = query "SELECT * FROM searches ORDER BY id"
  lu.assertEquals({ rows[1].kind, rows[1].method, rows[1].number, rows[1].stopped, rows[1].seed },
    { "train", "tgd", 1, "steps", 0 })
  lu.assertEquals({ rows[1].seed_score, rows[1].best_score, rows[1].best_idx }, { 0, 0.5, 2 })
  lu.assertEquals(core.json_decode(rows[1].names), { "system prompt" })
  lu.assertEquals(core.json_decode(rows[1].options).batch, 2)
  lu.assertEquals({ rows[2].kind, rows[2].number, rows[2].best_score }, { "evaluate", 1, 0.5 })
  for _, name in ipairs { "candidates", "proposals", "gradients", "edits" } do
    local found = query("SELECT DISTINCT search_id AS id FROM " .. name)
    lu.assertEquals(found, { { id = rows[1].id } }, name)
  end
end

function TestTraining:test_best_files()
  local base = dir .. "/runs/tests/best"
  lu.assertEquals(command.read(base .. ".txt"), "good good")
  lu.assertEquals(core.json_decode(command.read(base .. ".json")), { name = "tests", score = 0.5,
    seed_score = 0.0, candidate = 2, texts = { ["system prompt"] = "good good" },
    search = query("SELECT id FROM searches WHERE kind = 'train' ORDER BY id")[1].id })
  lu.assertEquals(record.best_file(), base .. ".txt")
  lu.assertEquals(settings.store_dir(), dir)
end

function TestTraining:test_second_training_has_its_own_best()
  local prompt = lg.param("good", "other prompt")
  local answer = lg.model(answerer, "answerer")
  local rows = { { question = "q" } }
  lg.train { program = function(row) return answer { row.question, system = prompt } end,
    params = { prompt }, loss = lg.loss.critic { "?", model = lg.model(critic, "c") }, steps = 0,
    train = rows, val = rows, metric = function(output) return #output end }
  lu.assertEquals(command.read(dir .. "/runs/tests/best-2.txt"), "good")
  lu.assertEquals(command.read(dir .. "/runs/tests/best.txt"), "good good")
  loop.engine():wait(0)
  local best = query("SELECT idx FROM candidates WHERE is_best = 1 ORDER BY idx, search_id")
  lu.assertEquals({ best[1].idx, best[2].idx }, { 0, 2 }) -- each counts its own
  lu.assertEquals(query("SELECT count(*) AS n FROM candidates WHERE search_id = (SELECT id FROM"
    .. " searches WHERE kind = 'train' AND number = 2)")[1].n, 1)
end

function TestTraining:test_what_an_earlier_start_reached_stays()
  local file = require "lunagrad.file"
  local base = dir .. "/runs/tests/best-3"
  file.write(base .. ".json", '{"score": 0.9}')
  file.write(base .. ".txt", "old")
  local tape = record.search { kind = "train", names = { "p" } }
  tape:candidate { iteration = 0, texts = { "new" }, score = 0.1, best = true }
  tape:close { complete = false, texts = { "new" }, score = 0.1 }
  lu.assertEquals(command.read(base .. ".txt"), "old")
  tape:candidate { iteration = 1, texts = { "newer" }, score = 0.9, best = true }
  lu.assertEquals(command.read(base .. ".txt"), "newer")
  tape:close { complete = true, texts = { "new" }, score = 0.1 }
  lu.assertEquals(command.read(base .. ".txt"), "new")
end

-- Applied or not, what the editor wrote edit by edit is kept in its order.
function TestTraining:test_z_single_edits()
  local prompt = lg.param("Be brief. Be kind.", "edited prompt")
  prompt:add_feedback "Say more."
  lg.optim.tgd { prompt, mode = "edit", model = lg.model(function()
    return "<FIND>nowhere</FIND><REPLACE>x</REPLACE><FIND>brief</FIND><REPLACE>short</REPLACE>"
  end) }:step()
  loop.engine():wait(0)
  local rows = query("SELECT param, number, find, put, problem FROM replacements ORDER BY id")
  lu.assertEquals(#rows, 2)
  lu.assertStrContains(rows[1].problem, "does not stand")
  lu.assertEquals(rows[2], { param = "edited prompt", number = 2, find = "brief", put = "short" })
  local edits = query("SELECT after FROM edits WHERE param = ?", "edited prompt")
  lu.assertEquals({ #edits, edits[1].after }, { 1, "Be short. Be kind." })
end

TestFile = {}

function TestFile:test_write_and_locked()
  local file = require "lunagrad.file"
  local path = dir .. "/deep/er/x.txt"
  lu.assertTrue(file.write(path, "one"))
  lu.assertTrue(file.write(path, "two\0"))
  lu.assertEquals(command.read(path), "two\0")
  lu.assertFalse(file.locked(path))
  lu.assertFalse(file.locked(dir .. "/nothing"))
  local ok, message = file.write(path .. "/below", "x")
  lu.assertNil(ok)
  lu.assertStrContains(message, path)
  helper.fails("inval", "did you mean \"store\"", lg.configure, { stor = "x" })
end

local code = lu.LuaUnit.run()
os.execute("rm -rf " .. command.quote(dir))
os.exit(code)
