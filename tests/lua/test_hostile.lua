-- test_hostile.lua - texts that want to be markup, code, formulas or commands, in every field that a page,
-- a picture, a table or a terminal shows
--
-- A store is filled with them as a run fills it, and by hand where a run would not; what the built
-- command makes of it is read strictly: only tags and attributes that are its own, no address but
-- its own, no control character, no turn of writing.

local lu = require "luaunit"
local command = require "command"
local core = require "lunagrad.core"
local hostile = require "hostile"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"
local record = require "lunagrad.book.record"

local TEXTS, dir = hostile.TEXTS, nil
TEXTS[#TEXTS + 1] = hostile.megabyte()

local function nth(i) return TEXTS[(i - 1) % #TEXTS + 1] end

local function valid(text) return (utf8.len(text) and text or core.clean(text)) end

local function graph_of(i)
  return core.json_encode { nodes = { { op = valid(nth(i)), role = valid(nth(i + 1)),
    text = valid(nth(i + 2)), with = { { valid(nth(i + 3)), valid(nth(i + 4)) } } },
    { op = "leaf", role = valid(nth(i + 5)), text = valid(nth(i + 6)), grad = true } },
    edges = { { from = 2, to = 1, name = valid(nth(i + 7)), said = { valid(nth(i + 8)) } },
      { from = 1, to = 2, name = "a ring" }, { from = 7, to = 1 }, { from = "x" } } }
end

-- A search whose every text is one of them: each text comes in each field as i goes on.
local function fill(tape, from)
  local rows, outputs = {}, {}
  for i = 1, #TEXTS do
    rows[i] = { question = nth(i), answer = nth(i + 1) }
    outputs[i] = { example = i, score = i % 2, output = nth(i + 2) }
  end
  tape:set("validation", rows)
  tape:set("train", rows)
  tape:candidate { idx = 0, iteration = 0, texts = { valid(nth(from)), valid(nth(from + 1)) },
    parents = {}, score = 0.25, best = true }
  tape:scores { candidate = 0, split = "validation", rows = outputs }
  for i = 1, 6 do
    tape:proposal { number = i, operator = nth(from + i), accepted = i % 2 == 0,
      reason = nth(from + i + 1), texts = { valid(nth(from + i + 2)), valid(nth(from + i + 3)) },
      before = 0.25, after = 0.5, batch = { { example = i, before = 0, after = 1 } },
      race = nth(from + i) }
    record.step(i, { { role = valid(nth(from)), records = { { text = nth(from + i), example = 1,
      from_role = nth(from + i + 1) } } } }, tape.id)
    tape:scores { proposal = i, split = "validation", rows = outputs }
    if i % 2 == 0 then
      tape:candidate { idx = i // 2, iteration = i, proposal = i, operator = nth(from + i),
        texts = { valid(nth(from + i + 2)), valid(nth(from + i + 3)) }, score = 0.5, best = true }
    end
  end
  for i = 0, 3 do
    tape:graph { candidate = i % 2 * 3, split = nth(from + i), example = 1,
      proposal = i < 2 and i or nil, heard = i < 2, text = graph_of(from + i * 9) }
  end
  tape:close { complete = true, texts = { "x", "y" }, score = 0.5, stopped = nth(from) }
end

local function exec(sql, ...) loop.engine():store_exec(sql, ...) end

local function add_calls(run)
  for i = 1, #TEXTS do
    local text = valid(nth(i))
    exec("INSERT INTO reply(key, run_id, kind, model, endpoint, status, content_type,"
      .. " finish_reason, input, output, micros, unpriced, latency_us, created_us, request, body)"
      .. " VALUES(?, ?, 0, ?, ?, 200, 'application/json', ?, 1, 1, 1, 0, 1, 1, ?, ?)",
      ("%032d"):format(i), run, text, "http://" .. text .. "/chat/completions", text,
      core.json_encode { messages = { { role = text, content = text }, { role = "tool " .. text,
        content = text, media = "application/vnd.lunagrad.turn+json" } },
        options = { tools = i % 2 == 0 and { text } or nil } },
      core.json_encode { choices = { { message = { content = text }, finish_reason = text } } })
    exec("INSERT INTO attempt(run_id, code, message, created_us) VALUES(?, ?, ?, 1)", run, text,
      text)
  end
end

TestHostile = {}

function TestHostile:test_0_a_store_full_of_them()
  dir = command.temp ".store"
  record.describe { name = "evil", script = TEXTS[1], args = TEXTS, command = TEXTS[2],
    models = { valid(TEXTS[3]) }, seed = 1 }
  lg.configure { store = dir, virtual_clock = true }
  for from = 1, #TEXTS, 7 do
    fill(record.search { kind = from % 2 == 0 and "train" or "optimize", method = nth(from),
      names = { valid(nth(from)) .. "1", valid(nth(from + 1)) .. "2" }, seed = nth(from),
      options = { words = nth(from) } }, from)
  end
  local evaluation = record.search { kind = "evaluate" }
  for i = 1, #TEXTS do
    evaluation:scores { phase = nth(i), rows = { { example = i, score = 0.5, output = nth(i) } } }
  end
  evaluation:close { complete = true, score = 0.5 }
  local id = record.current().id
  add_calls(id)
  exec("UPDATE run SET name = ? WHERE id = ?", TEXTS[1] .. "evil", id)
  record.finish "done"
  loop.engine():wait(0)
end

local function run(...)
  local words = { ... }
  words[#words + 1] = "--store=" .. dir
  local got = command.run(table.unpack(words))
  lu.assertEquals(got.code, 0, got.err:sub(1, 400))
  return got.out
end

function TestHostile:test_there_are_enough()
  lu.assertTrue(#TEXTS >= 40)
end

function TestHostile:test_the_report()
  local page = run("report", "1", "-o", "-")
  local read = hostile.read(page, "report")
  lu.assertTrue(read.tags.svg > 3 and read.tags.details > 20)
  lu.assertTrue(#page < 600000)
  for _, json in ipairs(read.data) do lu.assertNotNil((core.json_decode(json))) end
  lu.assertStrContains(page, "&lt;img src=x onerror=alert(1)&gt;")
end

-- One script, one style, as in a page of nothing: a text has added none.
function TestHostile:test_scripts_are_the_pages_own()
  local read = hostile.read(run("report", "1", "-o", "-"), "report")
  lu.assertEquals(read.tags.style, 1)
  lu.assertEquals(read.tags.script - #read.data, 1)
end

function TestHostile:test_the_picture_alone()
  hostile.read(run("report", "1", "--svg"), "svg")
end

function TestHostile:test_runs_beside_each_other()
  local path = command.temp ".html"
  run("compare", "1", "1", "--html", path)
  hostile.read(command.read(path), "compare")
end

local function no_commands(text, where)
  local control = text:match "[%z\1-\8\11\12\14-\31\127]"
  if control then error(("%s: control %d"):format(where, control:byte()), 0) end
end

function TestHostile:test_what_a_terminal_shows()
  no_commands(run("compare", "1", "1"), "compare")
  no_commands(run("show", "1"), "show")
  no_commands(run("report", "1", "--md"), "md")
end

-- In Markdown texts stand in fences that none of their lines ends, or their marks are escaped.
function TestHostile:test_markdown()
  local fence
  for line in run("report", "1", "--md"):gmatch "[^\n]*" do
    local marks = line:match "^(```+)"
    if fence then
      if line == fence then fence = nil end
    elseif marks then
      fence = marks
    else
      lu.assertNil(line:find "^%s*<%a", line:sub(1, 80))
      lu.assertNil(line:find "[^\\]<%a", line:sub(1, 80))
      lu.assertNil(line:find "[^\\]%]%(", line:sub(1, 80))
    end
  end
  lu.assertNil(fence)
end

-- Cells of RFC 4180.
local function each_cell(csv, fn)
  local at = 1
  while at <= #csv do
    local cell, after
    if csv:sub(at, at) == '"' then
      local finish = at
      repeat
        finish = csv:find('"', finish + 1, true)
        local doubled = csv:sub(finish + 1, finish + 1) == '"'
        if doubled then finish = finish + 1 end
      until not doubled
      cell, after = csv:sub(at + 1, finish - 1), finish + 1
    else
      after = csv:find("[,\r]", at) or #csv + 1
      cell = csv:sub(at, after - 1)
    end
    fn(cell)
    at = csv:sub(after, after) == "\r" and after + 2 or after + 1
  end
end

function TestHostile:test_spreadsheets_have_no_formulas()
  for _, name in ipairs { "candidates", "proposals", "examples", "graphs", "calls" } do
    local cells = 0
    each_cell(run("export", "1", "--table", name), function(cell)
      cells = cells + 1
      lu.assertNil(cell:find "^[=+@\t\r]", name)
      lu.assertNil(cell:find "^%-[^%d.]", name)
    end)
    lu.assertTrue(cells > 20)
  end
end

function TestHostile:test_the_viewer()
  local ready = command.temp ".url"
  local got = command.shell(([[
%s >/dev/null 2>&1 & view=$!
trap 'kill $view 2>/dev/null' EXIT
n=0; while [ ! -s %s ] && [ $n -lt 400 ]; do sleep 0.02; n=$((n + 1)); done
url=$(cat %s)
for path in "" run/1 "run/1/steps?search=1" "run/1/candidates?search=1" "run/1/examples?search=1" \
  "compare?runs=1+1"; do curl -sS -m 60 "$url$path"; printf '\036'; done
curl -sS -m 20 "${url}run/1/calls?after=0"; printf '\036'; curl -sS -m 20 "${url}run/1/call/1"
trap - EXIT
kill -INT $view; wait $view]]):format(command.line("view", dir, "--ready-file", ready), ready,
    ready))
  local parts = {}
  for part in (got.out .. "\30"):gmatch "([^\30]*)\30" do parts[#parts + 1] = part end
  lu.assertEquals(#parts, 8, got.err)
  for i = 1, 6 do hostile.read(parts[i], "view " .. i) end
  for i = 7, 8 do lu.assertNotNil((core.json_decode(parts[i]))) end
end

-- The reader itself: what it must not let through.
function TestHostile:test_the_reader_is_strict()
  for _, bad in ipairs { "<script", "<b onclick=\"x\">", "<img>", "<a href=\"javascript:1\">x</a>",
    "<a href=\"//evil\">x</a>", "<p>&x</p>", "<p>", "</p>", "a > b", "<p id=\"1\" id=\"2\"></p>",
    "<p>\u{202E}</p>", "<p>\27</p>", "<p>\255</p>", "<!-- x -->", "<p style=\"x\"></p>" } do
    lu.assertFalse((pcall(hostile.read, bad, "bad")), bad)
  end
  hostile.read('<p class="x">a &amp; b</p>', "good")
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
