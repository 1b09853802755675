-- test_data.lua - data sets: reading, broken files, splits, batches

require "helper"
local lu = require "luaunit"
local data = require "lunagrad.data"
local errors = require "lunagrad.errors"

TestRead = {}

local function fails(wanted, fn, ...)
  local ok, problem = pcall(fn, ...)
  lu.assertFalse(ok, "no error, expected: " .. wanted)
  lu.assertTrue(errors.is(problem), tostring(problem))
  lu.assertStrContains(tostring(problem), wanted)
  return problem
end

local function with_file(text, fn)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local ok, problem = pcall(fn, path)
  os.remove(path)
  if not ok then error(problem, 0) end
end

function TestRead.test_jsonl()
  local set = data.jsonl_text '{"question": "q1", "answer": 1}\r\n\n{"question": "ü", "x": null}\n'
  lu.assertEquals(#set, 2)
  lu.assertEquals(set[1].answer, 1)
  lu.assertEquals(math.type(set[1].answer), "integer")
  lu.assertEquals(set[2].question, "ü")
  lu.assertNil(set[2].x)
end

function TestRead.test_jsonl_names_the_broken_line()
  with_file('{"a": 1}\n\n{"a": 2\n{"a": 3}', function(path)
    fails(path .. ":3: not valid JSON", data.jsonl, path)
  end)
  fails("text:2: expected a JSON object", data.jsonl_text, '{"a": 1}\n[1, 2]')
  fails("mine:1: expected a JSON object", data.jsonl_text, "5", "mine")
end

function TestRead.test_invalid_utf8_names_the_line()
  local problem = fails("text:2: invalid UTF-8", data.jsonl_text, '{"a": 1}\n{"a": "\xff"}\n')
  lu.assertEquals(problem.kind, "utf8")
  fails("text:3: invalid UTF-8", data.csv_text, "a,b\n1,2\n\xc3(,2\n")
  fails("text:1: invalid UTF-8", data.bbh_text, '{"\xed\xa0\x80": 1}')
end

function TestRead.test_empty_sets_are_errors()
  for _, text in ipairs { "", "\n\n", " \r\n", "\u{feff}" } do
    fails("empty", data.jsonl_text, text)
  end
  fails("empty", data.csv_text, "")
  fails("empty", data.csv_text, "question,answer\n")
  fails("empty", data.bbh_text, '{"examples": []}')
end

function TestRead.test_missing_and_unreadable_files()
  lu.assertEquals(fails("no-such.jsonl", data.jsonl, "/nowhere/no-such.jsonl").kind, "notfound")
  fails("/", data.csv, "/")
  fails("expected a file name", data.bbh, nil)
end

function TestRead.test_bom()
  lu.assertEquals(data.jsonl_text("\u{feff}{\"a\": 1}")[1].a, 1)
  lu.assertEquals(data.csv_text("\u{feff}a,b\n1,2\n")[1].a, "1")
end

function TestRead.test_csv()
  local set = data.csv_text 'question,answer\r\n"a, ""b""\nc",8\r\n\r\nplain,\r\n'
  lu.assertEquals(#set, 2)
  lu.assertEquals(set[1], { question = 'a, "b"\nc', answer = "8" })
  lu.assertEquals(set[2], { question = "plain", answer = "" })
end

function TestRead.test_csv_options()
  lu.assertEquals(data.csv_text("1;2\n3;4", { header = false, separator = ";" })[2], { "3", "4" })
  lu.assertEquals(data.csv_text("1\t2", { header = { "a", "b" }, separator = "\t" })[1],
    { a = "1", b = "2" })
  lu.assertEquals(data.csv_text("1d2", { header = false, separator = "d" })[1], { "1", "2" })
  lu.assertEquals(data.csv_text('x\n""\n\n1\n')[1].x, "") -- quoted: a row, not a blank line
  lu.assertEquals(#data.csv_text('x\n""\n\n1\n'), 2)
  fails("separator", data.csv_text, "a", { separator = ",," })
  fails("header", data.csv_text, "a", { header = 5 })
  fails("unknown", data.csv_text, "a", { heading = true })
end

function TestRead.test_csv_names_the_broken_line()
  fails("text:3: 1 fields, expected 2", data.csv_text, "a,b\n1,2\n3\n")
  fails("text:3: a quoted field", data.csv_text, 'a,b\n1,2\n3,"x\n\n')
  fails("text:4: text behind", data.csv_text, 'a,b\n1,2\n"x\n"y,2\n')
  fails("text:2: a quote inside", data.csv_text, 'a,b\nx "y",2\n')
  fails("text:5: 3 fields", data.csv_text, 'a,b\n"1\n\n",2\n1,2,3\n')
  fails("text:1: the header names the column \"a\" twice", data.csv_text, "a, a\n1,2")
  fails("text:1: column 2", data.csv_text, "a,\n1,2")
end

function TestRead.test_bbh()
  local set = data.bbh_text '{"canary": "x", "examples": [{"input": "q", "target": "8"}]}'
  lu.assertEquals(set[1], { question = "q", answer = "8", input = "q", target = "8" })
  fails("example 2 has no text as target", data.bbh_text,
    '{"examples": [{"input": "q", "target": "8"}, {"input": "q"}]}')
  fails("expected", data.bbh_text, '{"example": 1}')
  fails("text:3: not valid JSON", data.bbh_text,
    '{"examples": [\n{"input": "q",\n "target" 8}]}\n\n')
end

function TestRead.test_published_sets_when_they_are_here()
  local folder = os.getenv "LUNAGRAD_DATA"
  if not folder then lu.skip "LUNAGRAD_DATA is not set" end
  lu.assertEquals(#data.bbh(folder .. "/bbh/object_counting.json"), 250)
  lu.assertEquals(#data.jsonl(folder .. "/gsm8k/train500.jsonl"), 500)
end

TestSet = {}

local function numbers(n)
  local rows = {}
  for i = 1, n do rows[i] = { id = i } end
  return data.list(rows)
end

local function ids(...)
  local seen = {}
  for _, set in ipairs { ... } do
    for _, row in ipairs(set) do seen[#seen + 1] = row.id end
  end
  return seen
end

function TestSet.test_list()
  local rows = { { id = 1 }, { id = 2 } }
  local set = data.list(rows)
  rows[3] = { id = 3 }
  lu.assertEquals(#set, 2)
  lu.assertNil(set[3])
  lu.assertNil(set[0])
  lu.assertIs(data.list(set), set)
  lu.assertEquals(ids(set), { 1, 2 })
  lu.assertEquals(tostring(set), "data set of 2 rows")
  fails("does not change", function() set[1] = {} end)
  fails("found the key x", data.list, { {}, x = 1 })
  fails("got string", data.list, "rows")
end

function TestSet.test_split_has_no_overlap_and_loses_nothing()
  for seed = 1, 20 do
    local a, b, c = numbers(23):split { 5, 7, 11, seed = seed }
    lu.assertEquals({ #a, #b, #c }, { 5, 7, 11 })
    local all = ids(a, b, c)
    table.sort(all)
    lu.assertEquals(all, ids(numbers(23)))
  end
end

function TestSet.test_split_is_seeded()
  local a = numbers(50):split { 10, seed = 1 }
  lu.assertEquals(ids(a), ids((numbers(50):split { 10, seed = 1 })))
  lu.assertNotEquals(ids(a), ids((numbers(50):split { 10, seed = 2 })))
  lu.assertEquals(ids((numbers(50):split { 10 })), ids((numbers(50):split { 10, seed = 0 })))
end

function TestSet.test_split_by_shares()
  local a, b, c = numbers(10):split { 1 / 3, 1 / 3, 1 / 3 }
  lu.assertEquals(#a + #b + #c, 10)
  local d, e = numbers(7):split { 0.5, 0.25 }
  lu.assertEquals({ #d, #e }, { 3, 2 })
  lu.assertEquals(#(numbers(7):split { 1.0 }), 7)
  lu.assertEquals(#(numbers(7):split { 1 }), 1)
end

function TestSet.test_split_refuses_what_it_cannot_do()
  fails("need 60 rows, the data set has 50", function() numbers(50):split { 30, 30 } end)
  fails("sum to 1.1", function() numbers(50):split { 0.6, 0.5 } end)
  fails("neither", function() numbers(50):split { 10, 0.5 } end)
  fails("would have no row", function() numbers(3):split { 0.9, 0.05 } end)
  fails("larger than 0", function() numbers(3):split { 0, 1 } end)
  fails("larger than 0", function() numbers(3):split { 0 / 0 } end)
  fails("unknown option", function() numbers(3):split { 1, sead = 1 } end)
  fails("sizes", function() numbers(3):split {} end)
  fails("seed", function() numbers(3):split { 1, seed = {} } end)
end

function TestSet.test_batches_cover_each_epoch()
  local seen, sizes, orders = {}, {}, {}
  for batch, epoch in numbers(7):batches(3, { seed = 1, epochs = 2 }) do
    sizes[#sizes + 1] = #batch
    orders[epoch] = orders[epoch] or {}
    for _, row in ipairs(batch) do
      seen[row.id] = (seen[row.id] or 0) + 1
      table.insert(orders[epoch], row.id)
    end
  end
  lu.assertEquals(sizes, { 3, 3, 1, 3, 3, 1 })
  lu.assertEquals(seen, { 2, 2, 2, 2, 2, 2, 2 })
  lu.assertNotEquals(orders[1], orders[2])
end

function TestSet.test_batches_without_a_seed_keep_the_order()
  local order = {}
  for batch in numbers(5):batches(2, { drop_last = true }) do
    for _, row in ipairs(batch) do order[#order + 1] = row.id end
  end
  lu.assertEquals(order, { 1, 2, 3, 4 })
end

function TestSet.test_batches_can_go_on_for_ever()
  local n = 0
  for _, epoch in numbers(2):batches(2, { seed = 1, epochs = math.huge }) do
    n = n + 1
    if epoch == 50 then break end
  end
  lu.assertEquals(n, 50)
  fails("do not fill", function()
    numbers(2):batches(3, { drop_last = true, epochs = math.huge })
  end)
  fails("whole number", function() numbers(2):batches(0) end)
end

function TestSet.test_views()
  local set = numbers(5)
  lu.assertEquals(ids(set:take(2)), { 1, 2 })
  lu.assertEquals(#set:take(9), 5)
  lu.assertEquals(ids(set:slice(2, 3)), { 2, 3 })
  lu.assertEquals(ids(set:slice(-2)), { 4, 5 })
  lu.assertEquals(#set:slice(4, 2), 0)
  lu.assertEquals(ids(set:filter(function(row) return row.id % 2 == 0 end)), { 2, 4 })
  local squares = set:map(function(row, i) return { id = row.id * i } end)
  lu.assertEquals(ids(squares), { 1, 4, 9, 16, 25 })
  fails("returned nil for row 1", function() set:map(function() end) end)
  local shuffled = ids(set:shuffle(4))
  lu.assertEquals(shuffled, ids(set:shuffle(4)))
  table.sort(shuffled)
  lu.assertEquals(shuffled, ids(set))
  fails("must be a lunagrad.dataset", function() set.take(2) end)
end

function TestSet.test_sample()
  local set = numbers(20)
  local taken, seen = ids(set:sample(20, 1)), {}
  for _, id in ipairs(taken) do
    lu.assertNil(seen[id])
    seen[id] = true
  end
  lu.assertEquals(#set:sample(50, 1, true), 50)
  lu.assertEquals(ids(set:sample(5, 3)), ids(set:sample(5, 3)))
  fails("21 rows wanted", function() set:sample(21) end)
end

os.exit(lu.LuaUnit.run())
