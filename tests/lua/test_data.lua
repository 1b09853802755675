-- test_data.lua - data sets: reading, broken files, splits, batches

local helper = require "helper"
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
  helper.fails("inval", { field = "separator" }, data.csv_text, "a", { separator = ",," })
  helper.fails("inval", { field = "header" }, data.csv_text, "a", { header = 5 })
  helper.fails("inval", { field = "heading" }, data.csv_text, "a", { heading = true })
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

function TestRead.test_separator_is_told_by_the_header()
  local wanted = { { question = "what, and why?", answer = "3" } }
  for _, text in ipairs { "question;answer\nwhat, and why?;3\n",
    "question\tanswer\nwhat, and why?\t3",
    "question|answer\r\nwhat, and why?|3\r\n", "\n\nquestion;answer\nwhat, and why?;3\n",
    'sep=;\nquestion;answer\nwhat, and why?;3',
    '"sep=\t"\r\nquestion\tanswer\r\nwhat, and why?\t3',
    '"question","answer"\n"what, and why?",3\n', 'question;answer\n"what, and why?";3' } do
    local set = data.csv_text(text)
    lu.assertEquals(#set, 1, text)
    lu.assertEquals(set[1], wanted[1], text)
  end
  lu.assertEquals(data.csv_text('"a, in words";b\n1;2')[1], { ["a, in words"] = "1", b = "2" })
  lu.assertEquals(data.csv_text('"a""; b",c\n1,2')[1], { ['a"; b'] = "1", c = "2" })
  lu.assertEquals(data.csv_text("1;2\n3;4", { header = false })[1], { "1", "2" })
  lu.assertEquals(data.csv_text("1;2\n3;4", { header = { "x", "y" } })[2], { x = "3", y = "4" })
  lu.assertEquals(data.csv_text("one\nx y")[1], { one = "x y" })
end

function TestRead.test_rows_decide_where_the_header_has_two_separators()
  lu.assertEquals(data.csv_text("id,notes; remarks\n1,x\n2,y;z\n")[1],
    { id = "1", ["notes; remarks"] = "x" })
  local problem = fails('text:1: both "," and ";" could', data.csv_text, "name;price,eur\nx;1,5\n")
  lu.assertStrContains(problem.hint, "separator")
end

function TestRead.test_separator_option_overrides()
  lu.assertEquals(data.csv_text("name;price,eur\nx;1,5\n", { separator = ";" })[1],
    { name = "x", ["price,eur"] = "1,5" })
  lu.assertEquals(data.csv_text("sep=;\na,b;c\n1,2;3\n", { separator = "," })[1],
    { a = "1", ["b;c"] = "2;3" })
  fails("text:3: 2 fields, expected 1", data.csv_text, "sep=|\na;b\n1|2\n")
end

function TestRead.test_tsv_by_its_name()
  local path = os.tmpname() .. ".tsv"
  local file = assert(io.open(path, "wb"))
  file:write("question\nyes, or no; or?\n")
  file:close()
  lu.assertEquals(data.csv(path)[1], { question = "yes, or no; or?" })
  os.remove(path)
  os.remove((path:gsub("%.tsv$", "")))
end

function TestRead.test_first_column_without_a_name_gets_one()
  local set = data.csv_text(",question,answer\n0,q,1\n1,p,2\n", nil, "of pandas")
  lu.assertEquals(set[2], { index = "1", question = "p", answer = "2" })
  set = data.csv_text(",index,index_1\n7,q,1\n", nil, "of pandas")
  lu.assertEquals(set[1], { index_2 = "7", index = "q", index_1 = "1" })
end

function TestRead.test_columns_without_name_and_values_are_left_out()
  lu.assertEquals(data.csv_text("q,a,,\nx,1,,\ny,2,, \n")[2], { q = "y", a = "2" })
  lu.assertEquals(data.csv_text(",q\n,x\n")[1], { q = "x" })
  fails("text:1: no column has a name", data.csv_text, ",,\n,,\n")
  fails("text:1: column 3 of the header has no name", data.csv_text, "q,a,\nx,1,\ny,2,z\n")
end

function TestRead.test_lines_of_old_macs()
  lu.assertEquals(data.csv_text('q,a\rx,1\r"y\rz",2\r')[2], { q = "y\nz", a = "2" })
  lu.assertEquals(#data.jsonl_text('{"a": 1}\r{"a": 2}\r'), 2)
  fails("text:3: not valid JSON", data.jsonl_text, '{"a": 1}\r{"a": 2}\r{"a"')
end

function TestRead.test_a_list_of_objects_is_read_as_rows()
  for _, text in ipairs { '[{"a": 1}, {"a": 2}]', '[\n {"a": 1},\n\n {\n "a": 2}\n]\n',
    '\u{feff} [{"a":1},{"a":2}]' } do
    local set = data.jsonl_text(text)
    lu.assertEquals({ #set, set[1].a, set[2].a }, { 2, 1, 2 })
  end
  fails("text:3: not valid JSON", data.jsonl_text, '[\n {"a": 1},\n ]\n')
  fails("text:1: item 2 of the list", data.jsonl_text, '[{"a": 1}, 5]')
  fails("text:1: expected a JSON object", data.jsonl_text, "[1, 2]\n[3, 4]\n")
  fails("empty", data.jsonl_text, "[]")
end

function TestRead.test_what_is_no_such_file_is_told()
  local cases = {
    { "jsonl_text", '{\n "rows": [{"a": 1}], "n": 1\n}', "parse", '"rows"' },
    { "jsonl_text", "a,b\n1,2\n", "parse", "lg.data.csv" },
    { "csv_text", '{"question": "q"}\n{"question": "p"}\n', "parse", "lg.data.jsonl" },
    { "csv_text", '[\n{"question": "q"}\n]', "parse", "lg.data.jsonl" },
    { "csv_text", "\xff\xfeq\0,\0a\0", "utf8", "iconv -f UTF-16" },
    { "csv_text", "\xfe\xff\0q\0,", "utf8", "iconv -f UTF-16" },
    { "jsonl_text", "{\0\"\0a\0", "utf8", "iconv -f UTF-16" },
    { "csv_text", "q,a\ncaf\xe9,1\n", "utf8", "WINDOWS-1252" },
    { "csv_text", "PK\3\4\20\0", "parse", "CSV" },
    { "jsonl_text", "\x1f\x8b\8\0", "parse", "gunzip" },
    { "jsonl_text", "PAR1\21", "parse", "JSON lines" },
  }
  for i, case in ipairs(cases) do
    local problem = case[1] == "csv_text" and fails("mine:", data.csv_text, case[2], nil, "mine")
      or case[1] ~= "csv_text" and fails("mine:1:", data[case[1]], case[2], "mine")
    lu.assertEquals(problem.kind, case[3], "case " .. i)
    lu.assertStrContains(problem.hint, case[4], false, "case " .. i)
  end
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
  helper.fails("inval", { field = "1" }, function() numbers(3):split { 0, 1 } end)
  helper.fails("inval", { field = "1" }, function() numbers(3):split { 0 / 0 } end)
  helper.fails("inval", { field = "sead" }, function() numbers(3):split { 1, sead = 1 } end)
  fails("sizes", function() numbers(3):split {} end)
  helper.fails("inval", { field = "seed" }, function() numbers(3):split { 1, seed = {} } end)
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
