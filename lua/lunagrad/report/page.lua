--- A run as one page of HTML that asks nobody for anything: the report.
--
-- Made of a reading (reading.lua) and a room in bytes. What does not fit is left out in an order that
-- is fixed (texts of calls first, then answers, then steps that were not kept), and the page says
-- so. The same store gives the same bytes.

local core = require "lunagrad.core"
local html = require "lunagrad.report.html"
local asked = require "lunagrad.report.asked"
local call_list = require "lunagrad.report.call_list"
local data = require "lunagrad.report.data"
local example_list = require "lunagrad.report.example_list"
local graph = require "lunagrad.report.graph"
local lineage = require "lunagrad.report.lineage"
local plot = require "lunagrad.report.plot"
local prices = require "lunagrad.prices"
local reading = require "lunagrad.report.reading"
local sheet = require "lunagrad.report.sheet"
local steps = require "lunagrad.report.steps"
local strip = require "lunagrad.report.strip"

local page = {}

local tag, raw = html.tag, html.raw
local ROOM = 285000     -- bytes of a page
local SIM = "made on sim, a rule-based stand-in: no evidence about a model"
local ROWS = 60         -- of a table
local COMMAND, TEXT = 2000, 16000 -- bytes of a command, of a whole text

-- ---- small things --------------------------------------------------------------------------

local function number(value) return value and ("%.3f"):format(value) or "–" end

local function count(n)
  local text = ("%d"):format(n)
  while true do
    local longer, done = text:gsub("^(%d+)(%d%d%d)", "%1\u{202F}%2")
    if done == 0 then return text end
    text = longer
  end
end

local function p_value(p)
  if not p then return "" end
  return p < 0.001 and ", p < .001" or (", p = %.3f"):format(p):gsub("0%.", ".", 1)
end

local function duration(us)
  local s = us / 1e6
  if s < 60 then return ("%.1f s"):format(s) end
  return ("%d min %02d s"):format(s // 60, math.floor(s % 60))
end

-- ---- the head ---------------------------------------------------------------------------------

local function claim_line(claim)
  if type(claim) ~= "table" or not claim.gain then
    return tag("span", { class = "claim", "no test set: a validation score overstates the gain" })
  end
  local interval = claim.low and claim.high
    and (" [%+.3f, %+.3f]"):format(claim.low, claim.high) or ""
  return tag("span", { class = "claim " .. (claim.shown and "shown" or "not"),
    ("%s on a test set: %+.3f%s%s, n = %d"):format(claim.shown and "shown" or "not shown",
      claim.gain, interval, p_value(claim.p), claim.n or 0) })
end

local function hero(run)
  local chief = reading.chief(run)
  if not chief then return "" end
  return tag("div", { class = "hero",
    tag("span", { class = "score", number(chief.seed_score), " → ", number(chief.best_score),
      tag("small", { " on validation" }) }), claim_line(chief.claim) })
end

local function cost_of(run)
  local micros, unpriced, calls = 0, 0, 0
  for _, row in ipairs(run.ledger) do
    micros, unpriced = micros + (row.micros or 0), unpriced + (row.unpriced or 0)
    calls = calls + row.calls
  end
  if calls == 0 then return "–" end
  if unpriced == calls then return "not known" end
  return (unpriced > 0 and "at least " or "") .. prices.text(micros)
end

local function tiles(run)
  local input, output = 0, 0
  for _, row in ipairs(run.ledger) do
    input, output = input + (row.input or 0), output + (row.output or 0)
  end
  local parts = { class = "tiles" }
  local function add(value, what)
    parts[#parts + 1] = tag("div", { tag("b", { value }), tag("span", { what }) })
  end
  add(count(run.total.bought), run.is_sim and "calls" or "calls bought")
  if run.total.served > 0 then add(count(run.total.served), "served from the store") end
  if input + output > 0 then add(count(input) .. " / " .. count(output), "tokens in / out") end
  add(cost_of(run), "cost")
  add(duration(run.total.took_us), #run.runs > 1 and ("of %d starts"):format(#run.runs) or "time")
  if run.main.seed then add(tostring(run.main.seed), "seed") end
  return tag("div", parts)
end

local function head(run)
  local state = run.state or run.runs[#run.runs].state
  local parts = { tag("h1", { html.name(run.name) }), tag("p", { class = "soft small",
    ("%s, %s · %s"):format(os.date("!%Y-%m-%d %H:%M UTC", run.runs[1].started_us // 1000000), state,
      #run.models > 0 and table.concat(run.models, ", ", 1, math.min(#run.models, 8))
        or run.is_sim and "sim" or "models in the process") }) }
  if run.is_sim then parts[#parts + 1] = tag("p", { class = "warn", SIM .. "." }) end
  parts[#parts + 1] = hero(run)
  parts[#parts + 1] = tiles(run)
  if type(run.meta.command) == "string" then
    parts[#parts + 1] = tag("pre", { html.cut(run.meta.command, COMMAND) })
  end
  return html.all(parts)
end

-- ---- one search ---------------------------------------------------------------------------------

local WORDS = { train = "Training", optimize = "Search" }

local function about(search)
  local words = { search.method and ("method " .. search.method),
    ("%d steps, %d kept"):format(#search.proposals, math.max(0, #search.candidates - 1)),
    ("%s evaluations"):format(count(search.evaluations)),
    search.stopped and ("ended: " .. search.stopped) or "cut short" }
  local list = {}
  for i = 1, 4 do list[#list + 1] = words[i] or nil end
  return tag("p", { class = "soft small", table.concat(list, " · ") })
end

local function final_texts(search)
  local best = search.by_idx[search.best_idx or -1]
  local seed = search.by_idx[0]
  if not best then return "" end
  local parts = {}
  for _, name in ipairs(search.params) do
    local was, is = seed and seed.texts[name], best.texts[name]
    if is then
      parts[#parts + 1] = tag("h3", { html.name(name) })
      parts[#parts + 1] = tag("pre", { html.cut(is, TEXT) })
      if was and was ~= is then
        parts[#parts + 1] = tag("details", { tag("summary", { class = "soft small",
          "what it began with" }), tag("pre", { html.cut(was, TEXT) }) })
      end
    end
  end
  return html.all(parts)
end

-- The texts of all candidates, for the script to compare any two.
local function versions(search, room)
  if #search.candidates < 2 then return "" end
  local texts, put = data.pool()
  local list, names, best = setmetatable({}, core.array), setmetatable({}, core.array), 0
  for i, name in ipairs(search.params) do names[i] = html.name(name) end
  for _, one in ipairs(search.candidates) do
    local row = setmetatable({}, core.array)
    for i, name in ipairs(search.params) do
      local text = html.cut(one.texts[name] or "", TEXT)
      local at, fresh = put(text)
      row[i], room = at, room - (fresh and #text or 0)
    end
    if room < 0 then break end
    if one.is_best then best = #list end
    list[#list + 1] = setmetatable({ ("candidate %d%s"):format(one.idx, one.score
      and (", %.3f"):format(one.score) or ""), row }, core.array)
  end
  if #list < 2 then return "" end
  return data.block(nil, { params = names, versions = list, texts = texts, best = best })
end

-- On how many examples a candidate is best, alone or with others.
local function wins(search)
  local by_idx = {}
  for _, example in ipairs(search.examples) do
    local top
    for _, one in ipairs(search.candidates) do
      local score = one.by_example[example]
      if score and (not top or score > top) then top = score end
    end
    for _, one in ipairs(search.candidates) do
      if top and one.by_example[example] == top then
        by_idx[one.idx] = (by_idx[one.idx] or 0) + 1
      end
    end
  end
  return by_idx
end

local function candidate_row(search, one, best_on, prefix)
  local proposal = search.by_number[one.proposal or -1]
  return { id = ("%sc%d"):format(prefix, one.idx),
    { (one.is_best and "★ " or "") .. one.idx, class = "n", value = one.idx },
    table.concat(one.parents, ", "), one.operator or "",
    { number(one.score), class = "n" },
    { one.low and ("%.3f to %.3f"):format(one.low, one.high) or "", class = "n" },
    { one.n, class = "n" }, { best_on[one.idx] or 0, class = "n" },
    { one.words or "", class = "n" },
    proposal and tag("a", { href = ("#%sp%d"):format(prefix, proposal.number),
      ("step %d"):format(proposal.number) }) or "the start" }
end

local function n(text) return { text, class = "n" } end

--- A table of candidates.
---@param search lunagrad.reading.search
---@param prefix string of the ids of its rows
---@param from integer place of the first
---@param to integer
---@return table raw
function page.candidate_table(search, prefix, from, to)
  local rows, best_on = {}, wins(search)
  for i = from, math.min(to, #search.candidates) do
    rows[#rows + 1] = candidate_row(search, search.candidates[i], best_on, prefix)
  end
  return html.table({ n "idx", "from", "made by", n "score", n "95% interval", n "asked",
    n "best on", n "words", "step" }, rows, { id = prefix .. "table", ["data-sortable"] = "1" })
end

-- Where what did not fit is found: of a served page behind a link.
local function rest_of(count_of, what, more, where)
  if count_of <= 0 then return "" end
  local words = ("%s more %s"):format(count(count_of), what)
  return tag("p", { class = "soft small", more and tag("a", { href = more .. where, words })
    or words .. (count_of == 1 and " is" or " are") .. " in lunagrad export." })
end

local function candidates(search, prefix, note, more)
  local picture, left_out = lineage.svg(search, prefix, note)
  local parts = { tag("h2", { id = prefix .. "candidates", "Candidates" }) }
  if picture then
    parts[#parts + 1] = tag("div", { class = "scroll", tabindex = "0", role = "region",
      ["aria-label"] = "where each candidate came from", raw(picture) })
  end
  if left_out > 0 then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("The tree leaves out %d: there are the best, and what they came from."):format(left_out) })
  end
  parts[#parts + 1] = page.candidate_table(search, prefix, 1, ROWS)
  parts[#parts + 1] = rest_of(#search.candidates - ROWS, "candidates", more,
    ("/candidates?search=%d&from=%d"):format(search.number, ROWS + 1))
  return html.all(parts)
end

-- ---- objectives ------------------------------------------------------------------------------------

local function objectives(search, note)
  local names, points = search.objectives, {}
  if not names or #names < 2 then return "" end
  for _, one in ipairs(search.candidates) do
    local means = one.objectives
    if means and means[names[1]] and means[names[2]] then
      points[#points + 1] = { means[names[1]], means[names[2]], tostring(one.idx) }
    end
  end
  if #points == 0 then return "" end
  local picture = plot.svg { title = note or "", x = { label = names[1] }, y = { label = names[2] },
    series = { { points = points, name = "candidates" } } }
  return html.all { tag("h3", { "Objectives" }), sheet.picture(picture) }
end

-- ---- money and failures ------------------------------------------------------------------------------

local function ledger(run)
  if #run.ledger == 0 then return "" end
  local rows = {}
  for i, row in ipairs(run.ledger) do
    local known = (row.unpriced or 0) == 0
    if i > ROWS then break end
    rows[i] = { html.name(row.role), html.name(row.model or ""),
      { count(row.calls), class = "n", value = row.calls },
      { count(row.input or 0), class = "n", value = row.input },
      { count(row.output or 0), class = "n", value = row.output },
      { known and prices.text(row.micros or 0) or "not known", class = "n" } }
  end
  return html.all { tag("h2", { id = "costs", "What was bought" }), html.table({ "role", "model",
    n "calls", n "tokens in", n "tokens out", n "cost" }, rows) }
end

local function evaluations(run)
  local rows = {}
  for i, row in ipairs(table.move(run.means, 1, math.min(#run.means, ROWS), 1, {})) do
    rows[i] = { html.name(row.phase or ""), { row.n, class = "n" },
      { number(row.mean), class = "n" } }
  end
  if #rows == 0 then return "" end
  return html.all { tag("h2", { id = "evaluations", "Evaluations" }),
    html.table({ "", n "examples", n "mean" }, rows) }
end

local function failures(run)
  local rows = {}
  for i, row in ipairs(table.move(run.failed, 1, math.min(#run.failed, ROWS), 1, {})) do
    rows[i] = { html.name(row.code or ""), { row.n, class = "n" } }
  end
  if #rows == 0 then return "" end
  return html.all { tag("h3", { "Attempts that failed" }), html.table({ "", n "attempts" }, rows) }
end

-- ---- the page -------------------------------------------------------------------------------------------

local ABOUT = "Stairs: the best so far, with its 95% interval. Filled dots were kept, hollow ones"
  .. " were not; a line leads to the score they began from. A dot opens its step; the feedback"
  .. " beside a change is the sentence that shares most words with it."

-- Shares of a search's room; the examples have what is left of them.
local STEPS, TEXTS, TRAINED, GRAPHS = 0.34, 0.13, 0.08, 0.12
local MOST_GRAPHS = 4

local function tried(search, prefix, room, note, training, more)
  local picture, parts = strip.svg(search, prefix, note), {}
  if picture then
    parts[1] = raw(picture)
    parts[2] = tag("p", { class = "soft small", ABOUT })
  end
  local list, left_out, beyond = steps.all(search, { own = prefix, calls = training.calls,
    trained = training.shown }, math.max(0, room - #(picture or "")))
  parts[#parts + 1] = list
  if left_out > 0 then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("Of %d steps only the headline is here."):format(left_out) })
  end
  parts[#parts + 1] = rest_of(left_out + beyond, "steps, as a whole,", more,
    ("/steps?search=%d"):format(search.number))
  parts[#parts + 1] = training.list
  return html.all(parts)
end

local function one_search(handle, run, search, room, more)
  local prefix, note = ("s%d"):format(search.number), run.is_sim and "sim" or nil
  local training = { calls = #run.ledger > 0 }
  training.list, training.shown = example_list.training(handle, search, prefix,
    room * TRAINED // 1, training.calls)
  local graphs, others = asked.graphs(handle, search, MOST_GRAPHS)
  search.has_graph = #graphs > 0
  local first = html.all { tag("h2", { id = prefix, #run.searches > 1 and ("%s %d"):format(
      WORDS[search.kind] or "Search", search.number) or "What was tried" }), about(search),
    tried(search, prefix, room * STEPS, note, training, more),
    tag("h2", { id = prefix .. "texts", "Texts" }), final_texts(search),
    versions(search, room * TEXTS), candidates(search, prefix, note, more),
    objectives(search, note) }
  local picture = html.all { graph.section(graphs, others, search, prefix, note,
    room * GRAPHS // 1) }
  local list = example_list.section(handle, search, prefix, note,
    math.max(0, room - #first.text - #picture.text) // 1, more
      and ("%s/examples?search=%d"):format(more, search.number))
  return html.all { first, list, picture }
end

-- A run that improved nothing shows the graph of what it evaluated.
local function evaluated(handle, run, room)
  local last = #run.searches == 0 and run.evaluations[#run.evaluations]
  if not last then return "" end
  local graphs, others = asked.graphs(handle, last, 1)
  return graph.section(graphs, others, last, "v", run.is_sim and "sim" or nil, room * GRAPHS // 1)
end

local function navigation(run)
  local parts = {}
  local function add(id, words) parts[#parts + 1] = tag("a", { href = "#" .. id, words }) end
  add("top", html.name(run.name))
  for _, search in ipairs(run.searches) do
    local prefix = ("s%d"):format(search.number)
    local of = #run.searches > 1 and (" %d"):format(search.number) or ""
    add(prefix, "Steps" .. of)
    add(prefix .. "texts", "Texts" .. of)
    add(prefix .. "candidates", "Candidates" .. of)
    if #search.examples > 0 then add(prefix .. "examples", "Examples" .. of) end
    if search.has_graph then add(prefix .. "graph", "Graph" .. of) end
  end
  if #run.means > 0 then add("evaluations", "Evaluations") end
  if #run.ledger > 0 then
    add("costs", "Costs")
    add("calls", "Calls")
  end
  return tag("nav", parts)
end

--- The page of a run.
---@param handle table of a store that is open
---@param run lunagrad.reading
---@param opts? { room: integer|nil bytes that it may have, live: string|nil the address of its
--- server's events, more: string|nil where its calls are, before: table|nil raw, shown first }
---@return string
function page.make(handle, run, opts)
  opts = opts or {}
  local room = (opts.room or ROOM) - sheet.SIZE
  local searches = {}
  local each = room / math.max(1, #run.searches)
  for i, search in ipairs(run.searches) do
    searches[i] = one_search(handle, run, search, each * 0.8, opts.more)
  end
  local parts = { navigation(run), opts.before or "", head(run), html.all(searches),
    evaluations(run), evaluated(handle, run, room), ledger(run), failures(run) }
  local used = 0
  for _, part in ipairs(parts) do used = used + #html.escape(part) end
  parts[#parts + 1] = opts.more and call_list.served(run, opts.more)
    or call_list.all(handle, run, room - used)
  return sheet.make(html.name(run.name), html.all(parts), opts.live)
end

return page
