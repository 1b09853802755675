-- test_task_files.lua - data sets with pictures, and DOCKSTRING's receptors and tables

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"

local task = lg.task
local FILES = "tests/data/tasks/"

-- The smallest picture there is: one pixel.
local PNG = ("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
  .. "0000000d49444154789c63f8cfc0f01f00050001ff56c7d8b0000000049454e44ae426082"):gsub("%x%x",
  function(x) return string.char(tonumber(x, 16)) end)

local function put(path, text)
  os.execute(("mkdir -p '%s'"):format(path:match "^(.*)/"))
  local out = assert(io.open(path, "wb"))
  out:write(text)
  out:close()
end

-- A new folder with a copy of a file in it; folder, copy.
local function folder_with(name)
  local folder = os.tmpname()
  os.remove(folder)
  put(folder .. "/" .. name, command.read(FILES .. name))
  return folder, folder .. "/" .. name
end

local function away(folder) os.execute(("rm -rf '%s'"):format(folder)) end

TestScienceQA = {}

function TestScienceQA.test_rows()
  local folder, path = folder_with "scienceqa.json"
  put(folder .. "/images/test/2/image.png", PNG)
  local rows = task.scienceqa(path)
  lu.assertEquals({ #rows, rows[1].id, rows[2].id, rows[3].id }, { 3, "1", "2", "10" })
  local row = rows[2]
  lu.assertEquals({ row.question, row.asked, row.right, row.answer, row.picture, row.split },
    { "Look at the map.\n\nWhich town lies farther north?", "Which town lies farther north?", 3,
      "C", folder .. "/images/test/2/image.png", "test" })
  lu.assertEquals({ rows[1].picture, rows[1].subject, rows[1].lecture },
    { nil, "natural science", "Fish have fins." })
  lu.assertEquals(lg.image(row.picture).media, "image/png")
  helper.fails("inval", nil, function() return row.pictures end)
  lu.assertEquals(#task.scienceqa(path, { split = "test" }), 2)
  lu.assertEquals(#task.scienceqa(path, { split = "test", only = "pictures" }), 1)
  local asked = task.multiple_choice(rows, { seed = 1 })
  lu.assertEquals(asked[2].picture, row.picture)
  lu.assertEquals(asked[2].options[asked[2].right], "Karo")
  away(folder)
end

function TestScienceQA.test_what_is_wrong_is_said()
  local path = FILES .. "scienceqa.json"
  local problem = helper.fails("parse", nil, task.scienceqa, path)
  lu.assertStrContains(problem.message, "problem 2")
  lu.assertStrContains(problem.message, "images/test/2/image.png")
  lu.assertEquals(#task.scienceqa(path, { only = "text" }), 2)
  helper.fails("inval", nil, task.scienceqa, path, { split = "val" })
  helper.fails("inval", { field = "only" }, task.scienceqa, path, { only = "images" })
  helper.fails("notfound", nil, task.scienceqa, "no/such.json")
  for _, text in ipairs { "[]", "{}", "{", '{"1": 5}', '{"1": {"question": "q"}}',
    '{"1": {"question": "q", "choices": ["a"], "answer": 0}}',
    '{"1": {"question": "q", "choices": ["a", "b"], "answer": 2}}',
    '{"1": {"question": " ", "choices": ["a", "b"], "answer": 1}}',
    '{"1": {"question": "q", "choices": ["a", {}], "answer": 1}}' } do
    helper.fails("parse", nil, task.scienceqa, command.write(text, ".json"))
  end
  helper.fails("parse", nil, task.scienceqa, command.write("PAR1\0\0", ".parquet"))
  command.remove_files()
end

TestMathVista = {}

function TestMathVista.test_rows_and_scores()
  local folder, path = folder_with "mathvista.json"
  put(folder .. "/images/1.png", PNG)
  local rows = task.mathvista(path)
  lu.assertEquals({ rows[1].answer, rows[2].answer, rows[3].answer }, { "120", "2.5", "B" })
  lu.assertEquals({ rows[1].options, rows[3].options[2], rows[3].right }, { nil, "No", 2 })
  lu.assertStrContains(rows[1].question, "unit: g")
  lu.assertStrContains(rows[2].question, "1 decimal place.")
  lu.assertEquals(rows[3].question, "Is A larger than B?")
  local score = task.mathvista_score
  lu.assertEquals({ score("They weigh 120 g.", rows[1]), score("120 or 121", rows[1]) }, { 1, 0 })
  lu.assertEquals({ score("It is 2.48", rows[2]), score("2.6", rows[2]), score("5/2", rows[2]),
    score("none", rows[2]) }, { 1, 0, 1, 0 })
  lu.assertEquals({ score("Answer: B", rows[3]), score("Answer: A", rows[3]) }, { 1, 0 })
  lu.assertEquals({ score("I see.\nAnswer: [1900,1910]", rows[4]), score("[1900]", rows[4]) },
    { 1, 0 })
  lu.assertEquals(lg.evaluate { function(row) return row.answer end, data = rows,
    metric = function(text, row) return score("Answer: " .. text, row) end }.mean, 1)
  away(folder)
  helper.fails("parse", nil, task.mathvista, FILES .. "mathvista.json") -- no picture there
end

TestDockstring = {}

local CONF = "center_x = 9.250\ncenter_y = 6.167\ncenter_z = -7.000\n\nsize_x = 30\nsize_y = 30\n"
  .. "size_z = 32.000\n"

function TestDockstring.test_targets()
  local folder = os.tmpname()
  os.remove(folder)
  for _, name in ipairs { "DRD2", "MINE" } do
    put(folder .. "/" .. name .. "_target.pdbqt", "ATOM")
    put(folder .. "/" .. name .. "_conf.txt", CONF)
  end
  local rows = task.dockstring(folder .. "/")
  lu.assertEquals({ #rows, rows[1].id, rows[1].center, rows[1].size },
    { 1, "DRD2", { 9.25, 6.167, -7 }, { 30, 30, 32 } })
  lu.assertEquals(rows[1].receptor, folder .. "/DRD2_target.pdbqt")
  lu.assertEquals(task.dockstring(folder, { targets = { "MINE" } })[1].id, "MINE")
  helper.fails("notfound", nil, task.dockstring, folder, { targets = { "F2" } })
  helper.fails("inval", { field = "targets" }, task.dockstring, folder, { targets = { "../x" } })
  put(folder .. "/DRD2_conf.txt", "center_x = 1\n")
  helper.fails("parse", nil, task.dockstring, folder)
  away(folder)
  helper.fails("notfound", nil, task.dockstring, folder)
end

function TestDockstring.test_scores()
  local path = FILES .. "dockstring.tsv"
  local rows = task.dockstring_scores(path)
  lu.assertEquals({ #rows, rows[1].smiles, rows[3].id },
    { 3, "CC(=O)N", "EEEEEEEEEEEEEE-FFFFFFFFNA-N" })
  lu.assertEquals({ rows[1].scores, rows[2].scores }, { { DRD2 = -3.1, F2 = -4 }, {} })
  lu.assertEquals(task.dockstring_scores(path, { targets = { "F2" } })[3].scores, { F2 = -3 })
  lu.assertEquals(#task.dockstring_scores(path, { most = 2 }), 2)
  helper.fails("inval", { field = "targets" }, task.dockstring_scores, path,
    { targets = { "KIT" } })
  helper.fails("parse", nil, task.dockstring_scores, path, { targets = { "other" } })
  helper.fails("parse", nil, task.dockstring_scores, command.write("a\tb\n1\t2\n", ".tsv"))
  command.remove_files()
end

-- The published files, where they are at hand.
function TestDockstring.test_published_receptors()
  local folder = os.getenv "LG_DATA"
  if not folder then return lu.skip "LG_DATA names no folder with published data" end
  local rows = task.dockstring(folder .. "/dockstring")
  lu.assertEquals({ rows[1].id, rows[2].id, rows[3].id }, { "DRD2", "F2", "PPARA" })
end

os.exit(lu.LuaUnit.run(), true)
