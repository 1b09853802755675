--- The pages of `lunagrad view`: the list of runs, a run, two runs beside each other, calls a page at a
--- time. Reads the store; knows nothing of servers.

local args = require "lunagrad.cli.args"
local call_list = require "lunagrad.report.call_list"
local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local example_list = require "lunagrad.report.example_list"
local html = require "lunagrad.report.html"
local ledger = require "lunagrad.book.ledger"
local queries = require "lunagrad.book.queries"
local reading = require "lunagrad.report.reading"
local report = require "lunagrad.report.page"
local sheet = require "lunagrad.report.sheet"
local steps = require "lunagrad.report.steps"
local store = require "lunagrad.cli.store"
local term = require "lunagrad.term"

local pages = {}

local tag = html.tag
local RUNS, CALLS = 500, 100 -- shown in the list; given at once

-- ---- the list --------------------------------------------------------------------------------

local function n(text) return { text, class = "n" } end

local function took(run)
  if not run.ended_us or run.ended_us < run.started_us then return "–" end
  return display.duration((run.ended_us - run.started_us) / 1e6)
end

local function row_of(handle, base, run, seen)
  local link = ("%s/run/%d"):format(base, run.id)
  local earlier = seen[run.name] and tag("span", { class = "soft small", " (an earlier start)" })
    or ""
  local cost = ledger.money(run.micros or 0, (run.micros or 0) > 0, run.unpriced or 0)
  return { { run.id, class = "n" }, html.all { tag("a", { href = link,
      html.name(run.name) }), earlier },
    store.state(handle, run), { store.time(run.started_us), value = run.started_us },
    n(took(run)), n(run.calls or 0), n(run.served or 0), n(cost or "–"),
    n(run.seed_score and ("%.3f"):format(run.seed_score) or "–"),
    n(run.best_score and ("%.3f"):format(run.best_score) or "–") }
end

--- The list of runs, the newest first.
---@param handle table
---@param base string where all addresses begin
---@param events string where changes are told
---@return string
function pages.index(handle, base, events)
  local rows, seen = {}, {}
  for i, run in ipairs(handle.query(queries.newest_runs, RUNS)) do
    rows[i] = row_of(handle, base, run, seen)
    seen[run.name] = true
  end
  local body = { tag("h1", { "Runs" }), tag("p", { class = "soft small", handle.dir }) }
  if #rows == 0 then
    body[#body + 1] = tag("p", { "There is none yet: lunagrad run makes one." })
  else
    body[#body + 1] = tag("form", { action = base .. "/compare", method = "get",
      tag("input", { type = "search", name = "runs",
        placeholder = "two runs or more, to compare" }),
      " ", tag("button", { "compare" }) })
    body[#body + 1] = html.table({ n "id", "run", "state", "started", n "took", n "bought",
      n "served", n "cost", n "start", n "best" }, rows, { ["data-sortable"] = "1" })
  end
  return sheet.make("runs", html.all(body), events)
end

-- ---- a run ---------------------------------------------------------------------------------------

-- What was read last, and its page, as long as nobody writes.
local kept = setmetatable({}, { __mode = "k" }) -- handle → { key, run, text }

local function read(handle, events, word)
  local key = events .. " " .. word
  if kept[handle] and kept[handle].key == key then return kept[handle] end
  local runs = store.find(handle, word)
  local run = reading.run(handle, runs)
  run.state = store.state(handle, runs[#runs])
  kept[handle] = { key = key, run = run }
  return kept[handle]
end

--- One run.
---@param handle table
---@param base string
---@param events string
---@param word string its name or the number of a start
---@return string
function pages.run(handle, base, events, word)
  local one = read(handle, events, word)
  if one.text then return one.text end
  local run = one.run
  local at = ("%s/run/%s"):format(base, word)
  local before = { tag("p", { class = "small", tag("a", { href = base .. "/", "all runs" }) }) }
  if run.state == "running" then
    before[2] = tag("form", { method = "post", action = at .. "/stop",
      tag("button", { "stop: no new calls, finish and keep those under way" }) })
  end
  one.text = report.make(handle, run, { live = events, more = at, before = html.all(before) })
  return one.text
end

-- What a long list has behind its page, so many at once: raw, and whether there is more.
local LISTS = {
  examples = { 100, function(handle, search, from, to)
    return example_list.some(handle, search, from, to), #search.examples
  end },
  steps = { 50, function(_, search, from, to)
    return steps.some(search, { own = "s" }, from, to), #search.proposals
  end },
  candidates = { 200, function(_, search, from, to)
    return report.candidate_table(search, "s", from, to), #search.candidates
  end },
}

local function search_of(run, number)
  for _, one in ipairs(run.searches) do
    if one.number == number then return one end
  end
  return args.fail(("run %s has no such search"):format(run.name))
end

--- A page of a list of a search that is too long for its run's page.
---@param handle table
---@param base string
---@param events string
---@param word string
---@param what string of LISTS
---@param query table search (its number), from
---@return string
function pages.list(handle, base, events, word, what, query)
  local size, fill = table.unpack(LISTS[what])
  local run = read(handle, events, word).run
  local search = search_of(run, math.tointeger(tonumber(query.search)))
  local from = math.max(1, math.min(1 << 32, math.tointeger(tonumber(query.from)) or 1))
  local list, all = fill(handle, search, from, from + size - 1)
  local at = ("%s/run/%s"):format(base, word)
  local links = { class = "small", tag("a", { href = at, html.name(run.name) }) }
  local function link(place, words)
    links[#links + 1] = " · "
    links[#links + 1] = tag("a", { href = ("%s/%s?search=%d&from=%d"):format(at, what,
      search.number, place), words })
  end
  if from > 1 then link(math.max(1, from - size), "those before") end
  if from + size <= all then link(from + size, "those behind") end
  return sheet.make(html.name(run.name), html.all { tag("p", links), tag("h1", {
    ("%s %d to %d of %d"):format(what, from, math.min(all, from + size - 1), all) }), list })
end

--- Whether there is such a list.
---@param what string
function pages.has_list(what) return LISTS[what] ~= nil end

--- Ask a run to stop, as Ctrl-C does once.
---@param handle table
---@param word string
function pages.stop(handle, word)
  local runs = store.find(handle, word)
  local run = runs[#runs]
  if store.state(handle, run) ~= "running" or not run.pid then
    args.fail(("run %s is not running"):format(run.name))
  end
  local ok, problem = term.interrupt(run.pid)
  if not ok then args.fail(("run %s cannot be asked: %s"):format(run.name, problem)) end
end

-- ---- calls ------------------------------------------------------------------------------------------

-- With turns and tools, where there are some.
local function row_of_call(handle, call)
  return call_list.row(call, reading.call(handle, call.id))
end

local function matches(row, words)
  if words == "" then return true end
  local text = table.concat({ row[1], row[2], row[3], row[8], row[9] }, " "):lower()
  return text:find(words, 1, true) ~= nil
end

--- A page of calls: { calls = rows, last = the id to go on behind, null at the end }.
---@param handle table
---@param word string
---@param query table after, words
---@return table
function pages.calls(handle, word, query)
  local where = queries.of_runs(store.find(handle, word))
  local words = (query.words or ""):lower()
  local after = math.tointeger(tonumber(query.after)) or 0
  local list, most = setmetatable({}, core.array), words == "" and CALLS or CALLS * 100
  while true do
    local rows = reading.calls(handle, where, after, most)
    for _, one in ipairs(rows) do
      after = one.id
      if matches(call_list.row(one), words) then list[#list + 1] = row_of_call(handle, one) end
      if #list == CALLS then return { calls = list, last = after } end
    end
    if #rows < most then return { calls = list, last = core.null } end
  end
end

--- What one call asked and got: { messages = { { role, text } } }.
---@param handle table
---@param word string
---@param id integer
---@return table
function pages.call(handle, word, id)
  local own = false
  local row = handle.one(queries.call_of_id, id)
  for _, run in ipairs(store.find(handle, word)) do own = own or row and row.run_id == run.id end
  if not own then args.fail "this run bought no such call" end
  local call = reading.call(handle, id)
  local messages = setmetatable({}, core.array)
  local function add(role, text)
    messages[#messages + 1] = setmetatable({ role, (core.clean(text)) }, core.array)
  end
  for _, one in ipairs(call.messages) do add(one.role, one.content) end
  if call.thinking then add("thought before", call.thinking) end
  if call.reply then
    add("reply", call.media and ("[%s, %d bytes]"):format(call.media, #call.reply) or call.reply)
  end
  return { messages = messages }
end

-- ---- two runs ---------------------------------------------------------------------------------------

--- Runs beside each other, as lunagrad compare --html has them.
---@param handle table
---@param base string
---@param _ string
---@param words string parted by blanks
---@return string
function pages.compare(handle, base, _, words)
  local list = {}
  for word in words:gmatch "%S+" do list[#list + 1] = word end
  if #list < 2 then args.fail "two runs are compared, or more: their names, with blanks between" end
  return require("lunagrad.cli.compare").page(handle, list,
    tag("p", { class = "small", tag("a", { href = base .. "/", "all runs" }) }))
end

return pages
