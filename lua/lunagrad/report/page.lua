--- A run as one page of HTML that asks nobody for anything: the report.
--
-- Made of a reading (reading.lua) and a room in bytes. What does not fit is left out in an order that
-- is fixed (texts of calls first, then answers, then steps that were not kept), and the page says
-- so. The same store gives the same bytes.

local core = require "lunagrad.core"
local html = require "lunagrad.report.html"
local lineage = require "lunagrad.report.lineage"
local matrix = require "lunagrad.report.matrix"
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
local OUTPUT = 400      -- characters of an answer that are shown
local ROWS = 100        -- of a table

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

local function cut(text, most)
  if #text <= most then return text end
  local at = utf8.len(text) and utf8.offset(text, 0, most) or most
  return text:sub(1, at - 1) .. " […]"
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

-- A list that gives each of its texts a number from 0.
local function pool()
  local list, by_text = setmetatable({}, core.array), {}
  return list, function(text)
    local at = by_text[text]
    if not at then
      at = #list
      by_text[text], list[at + 1] = at, text
    end
    return at, by_text
  end
end

local MARKUP = { ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026" }

-- Data for the script: of a table by its id, without one of the texts of a search.
local function json_block(id, value)
  return raw(('<script type="application/json" %s>%s</script>'):format(
    id and ('id="%s"'):format(id) or "data-texts",
    (core.json_encode(value):gsub("[<>&]", MARKUP))))
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
  local parts = { tag("h1", { run.name }), tag("p", { class = "soft small",
    ("%s, %s · %s"):format(os.date("!%Y-%m-%d %H:%M UTC", run.runs[1].started_us // 1000000), state,
      #run.models > 0 and table.concat(run.models, ", ") or run.is_sim and "sim"
        or "models in the process") }) }
  if run.is_sim then parts[#parts + 1] = tag("p", { class = "warn", SIM .. "." }) end
  parts[#parts + 1] = hero(run)
  parts[#parts + 1] = tiles(run)
  if type(run.meta.command) == "string" then
    parts[#parts + 1] = tag("pre", { run.meta.command })
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
      parts[#parts + 1] = tag("h3", { name })
      parts[#parts + 1] = tag("pre", { is })
      if was and was ~= is then
        parts[#parts + 1] = tag("details", { tag("summary", { class = "soft small",
          "what it began with" }), tag("pre", { was }) })
      end
    end
  end
  return html.all(parts)
end

-- The texts of all candidates, for the script to compare any two.
local function versions(search, room)
  if #search.candidates < 2 then return "" end
  local texts, put = pool()
  local list, spent, best = setmetatable({}, core.array), 0, 0
  for _, one in ipairs(search.candidates) do
    local row = setmetatable({}, core.array)
    for i, name in ipairs(search.params) do
      local before = #texts
      row[i] = put(one.texts[name] or "")
      if #texts > before then spent = spent + #texts[#texts] end
    end
    if spent > room then break end
    if one.is_best then best = #list end
    list[#list + 1] = setmetatable({ ("candidate %d%s"):format(one.idx, one.score
      and (", %.3f"):format(one.score) or ""), row }, core.array)
  end
  if #list < 2 then return "" end
  return json_block(nil, { params = setmetatable(table.move(search.params, 1, #search.params, 1,
    {}),
    core.array), versions = list, texts = texts, best = best })
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

local function candidate_rows(search, prefix)
  local rows, best_on = {}, wins(search)
  for _, one in ipairs(search.candidates) do
    local proposal = search.by_number[one.proposal or -1]
    rows[#rows + 1] = { id = ("%sc%d"):format(prefix, one.idx),
      { (one.is_best and "★ " or "") .. one.idx, class = "n", value = one.idx },
      table.concat(one.parents, ", "), one.operator or "",
      { number(one.score), class = "n" },
      { one.low and ("%.3f to %.3f"):format(one.low, one.high) or "", class = "n" },
      { one.n, class = "n" }, { best_on[one.idx] or 0, class = "n" },
      { one.words or "", class = "n" },
      proposal and tag("a", { href = ("#%sp%d"):format(prefix, proposal.number),
        ("step %d"):format(proposal.number) }) or "the start" }
    if #rows == ROWS then break end
  end
  return rows
end

local function n(text) return { text, class = "n" } end

local function candidates(search, prefix, note)
  local picture, left_out = lineage.svg(search, prefix, note)
  local parts = { tag("h2", { id = prefix .. "candidates", "Candidates" }) }
  if picture then parts[#parts + 1] = tag("div", { class = "scroll", raw(picture) }) end
  if left_out > 0 then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("The tree leaves out %d that led nowhere."):format(left_out) })
  end
  parts[#parts + 1] = html.table({ n "idx", "from", "made by", n "score", n "95% interval",
    n "asked",
    n "best on", n "words", "step" }, candidate_rows(search, prefix), { ["data-sortable"] = "1" })
  if #search.candidates > ROWS then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("%d more are in lunagrad export."):format(#search.candidates - ROWS) })
  end
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

-- ---- examples ---------------------------------------------------------------------------------------

local KEY = raw('<p class="key small"><span><i class="k-right"></i>right</span>'
  .. '<span class="k-wrong">▪ wrong</span><span><i class="k-fixed"></i>'
  .. 'fixed, against the first parent</span>'
  .. '<span class="k-broke">✕ broke</span><span class="soft">empty: not asked</span></p>')

-- Examples on which candidates differ come first: they say something.
local function ordered(search)
  local rank = {}
  for _, example in ipairs(search.examples) do
    local low, high
    for _, one in ipairs(search.candidates) do
      local score = one.by_example[example]
      if score then low, high = math.min(low or score, score), math.max(high or score, score) end
    end
    rank[example] = low and high - low or 0
  end
  local list = table.move(search.examples, 1, #search.examples, 1, {})
  table.sort(list, function(a, b)
    if rank[a] ~= rank[b] then return rank[a] > rank[b] end
    return a < b
  end)
  return list, rank
end

-- Equal answers once, with who gave them.
local function answers(rows)
  local list, by_text = {}, {}
  for _, row in ipairs(rows or {}) do
    local text = row.output or ""
    local one = by_text[text]
    if not one then
      one = { text = text, who = {}, score = row.score }
      by_text[text], list[#list + 1] = one, one
    end
    local who = row.candidate and ("candidate %d"):format(row.candidate)
      or row.proposal and ("step %d"):format(row.proposal) or "?"
    if one.who[#one.who] ~= who then one.who[#one.who + 1] = who end
  end
  return list
end

local function example_of(search, example, rows, prefix)
  local seed, best = search.by_idx[0], search.by_idx[search.best_idx or -1]
  local parts = { id = ("%se%d"):format(prefix, example), tag("summary", {
    tag("b", { ("example %d"):format(example) }), tag("span", { class = "small",
      ("start %s, best %s"):format(seed and seed.by_example[example] and
        ("%g"):format(seed.by_example[example]) or "–", best and best.by_example[example]
        and ("%g"):format(best.by_example[example]) or "–") }) }) }
  for _, one in ipairs(answers(rows)) do
    parts[#parts + 1] = tag("div", { class = "soft small", ("scored %s · %s"):format(
      one.score and ("%g"):format(one.score) or "–", table.concat(one.who, ", ", 1,
        math.min(#one.who, 12)) .. (#one.who > 12 and ", …" or "")) })
    parts[#parts + 1] = tag("pre", { cut(one.text, OUTPUT) })
  end
  return tag("details", parts)
end

local CHUNK = 50

local function examples(handle, search, prefix, note, room)
  if #search.examples == 0 then return "" end
  local blocks, without, beyond = matrix.svg(search, prefix, note, room > 150000 and 400 or 200)
  local parts = { tag("h2", { id = prefix .. "examples", "Examples" }),
    tag("p", { class = "soft small", "A column an example of the validation set, a row a candidate."
      .. " A click opens the answers." }), KEY }
  for _, block in ipairs(blocks) do
    parts[#parts + 1] = tag("div", { class = "scroll", raw(block) })
    room = room - #block
  end
  if without + beyond > 0 then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("Not shown: %d candidates, %d examples."):format(without, beyond) })
  end
  local list, shown = ordered(search), 0
  local found = { tag("summary",
    { ("The answers (%d examples; first those on which candidates differ)")
    :format(#list) }) }
  for from = 1, #list, CHUNK do
    local some = table.move(list, from, math.min(#list, from + CHUNK - 1), 1, {})
    local rows = room > 0 and reading.outputs(handle, search, some) or {}
    for _, example in ipairs(some) do
      local one = room > 0 and example_of(search, example, rows[example], prefix)
      if one and #one.text <= room then
        found[#found + 1], shown, room = one, shown + 1, room - #one.text
      end
    end
  end
  parts[#parts + 1] = tag("details", found)
  if shown < #list then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("The answers to %d more examples are in lunagrad export."):format(#list - shown) })
  end
  return html.all(parts)
end

-- ---- calls -----------------------------------------------------------------------------------------

local function purpose_words(call)
  local one = call.purposes[1]
  if not one then return "" end
  local whose = one.proposal and ("step %d"):format(one.proposal)
    or ("candidate %d"):format(one.candidate_idx or 0)
  local what = one.example and (", %s example %d"):format(one.split or "", one.example) or ""
  local more = #call.purposes > 1 and (" and %d more"):format(#call.purposes - 1) or ""
  return whose .. what .. more
end

local KEYS = { openai = "OPENAI_API_KEY", openrouter = "OPENROUTER_API_KEY", groq = "GROQ_API_KEY",
  mistral = "MISTRAL_API_KEY", deepseek = "DEEPSEEK_API_KEY", together = "TOGETHER_API_KEY" }

-- Where a chat can be asked again by hand: the dialect that curl's line is written in.
local function end_of(asked)
  if type(asked.endpoint) ~= "string" or not asked.endpoint:find "/chat/completions" then
    return nil
  end
  return { asked.endpoint:match "(https?://%S+)" or asked.endpoint,
    KEYS[(asked.model or ""):match "^[^/]+"] or "API_KEY" }
end

local function call_texts(handle, call, put)
  local asked = reading.call(handle, call.id)
  local list, bytes = setmetatable({}, core.array), 0
  local function add(role, text)
    local at, fresh = put(text)
    list[#list + 1] = setmetatable({ role, at }, core.array)
    bytes = bytes + (fresh and #text or 0) + 24
  end
  for _, one in ipairs(asked.messages) do add(one.role, one.content) end
  if asked.thinking then add("thought before", asked.thinking) end
  if asked.media and asked.reply then
    add("reply", ("[%s, %d bytes]"):format(asked.media, #asked.reply))
  elseif asked.reply then
    add("reply", asked.reply)
  end
  return list, end_of(asked), bytes
end

-- Numbers of names, from 0.
local function numbering()
  local list, put = pool()
  return list, function(name) return (put(name or "?")) end
end

local LEAST_CALLS, MOST_CALLS, CALL = 1000, 5000, 110 -- rows; bytes of one without its texts

--- A call as the script takes it: its role and model by name.
---@param call table of reading.calls
---@return table
function page.call_row(call)
  return setmetatable({ call.id, call.role, call.model or "?", call.input or 0, call.output or 0,
    call.unpriced ~= 1 and call.micros or core.null, call.latency_us or core.null,
    purpose_words(call), call.finish_reason or "" }, core.array)
end

local function call_section(run, known, data)
  return html.all { tag("h2", { id = "calls", "Calls" }),
    tag("div", { class = "js-only", tag("input", { type = "search", id = "call-filter",
      placeholder = "role, model, step, example …" }), tag("div", { id = "call-list" }) }),
    tag("noscript", { tag("p", { ("%d calls: lunagrad show %s --call N shows one."):format(known,
      run.name) }) }), json_block("call-data", data) }
end

-- Of a served page: the script asks for them, a page at a time.
local function served_calls(run, at)
  if #run.ledger == 0 then return "" end
  local function list() return setmetatable({}, core.array) end
  return call_section(run, run.total.bought, { run = run.name, calls = list(), texts = list(),
    roles = list(), models = list(), ends = list(), more = at, last = 0 })
end

local function calls(handle, run, room)
  local list = reading.calls(handle, run.where)
  if #list == 0 then return "" end
  local roles, role = numbering()
  local models, model = numbering()
  local texts, put_text = pool()
  local known = {}
  local rows, ends, spent = setmetatable({}, core.array), setmetatable({}, core.array), 0
  local end_number = {}
  local function put(text)
    local fresh = not known[text]
    known[text] = true
    return (put_text(text)), fresh
  end
  local most = math.max(LEAST_CALLS, math.min(MOST_CALLS, room // CALL))
  for i = 1, math.min(#list, most) do
    local one = list[i]
    local row = setmetatable({ one.id, role(one.role), model(one.model), one.input or 0,
      one.output or 0, one.unpriced ~= 1 and one.micros or core.null, one.latency_us or core.null,
      purpose_words(one), one.finish_reason or "" }, core.array)
    if spent < room - CALL * math.min(#list, most) then
      local said, where, bytes = call_texts(handle, one, put)
      row[10], spent = said, spent + bytes + 60
      local key = where and where[1] .. where[2]
      if key and not end_number[key] then
        ends[#ends + 1] = setmetatable(where, core.array)
        end_number[key] = #ends
      end
      row[11] = key and end_number[key] or nil
    end
    rows[i] = row
  end
  local parts = { call_section(run, #list, { run = run.name, calls = rows, texts = texts,
    roles = roles, models = models, ends = ends }) }
  if #list > most then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("%d more are in lunagrad export."):format(#list - most) })
  end
  return html.all(parts)
end

-- ---- money and failures ------------------------------------------------------------------------------

local function ledger(run)
  if #run.ledger == 0 then return "" end
  local rows = {}
  for i, row in ipairs(run.ledger) do
    local known = (row.unpriced or 0) == 0
    rows[i] = { row.role, row.model or "", { count(row.calls), class = "n", value = row.calls },
      { count(row.input or 0), class = "n", value = row.input },
      { count(row.output or 0), class = "n", value = row.output },
      { known and prices.text(row.micros or 0) or "not known", class = "n" } }
  end
  return html.all { tag("h2", { id = "costs", "What was bought" }), html.table({ "role", "model",
    n "calls", n "tokens in", n "tokens out", n "cost" }, rows) }
end

local function evaluations(run)
  local rows = {}
  for i, row in ipairs(run.means) do
    rows[i] = { row.phase or "", { row.n, class = "n" }, { number(row.mean), class = "n" } }
  end
  if #rows == 0 then return "" end
  return html.all { tag("h2", { id = "evaluations", "Evaluations" }),
    html.table({ "", n "examples", n "mean" }, rows) }
end

local function failures(run)
  local rows = {}
  for i, row in ipairs(run.failed) do
    rows[i] = { row.code or "", { row.n, class = "n" } }
  end
  if #rows == 0 then return "" end
  return html.all { tag("h3", { "Attempts that failed" }), html.table({ "", n "attempts" }, rows) }
end

-- ---- the page -------------------------------------------------------------------------------------------

local function one_search(handle, run, search, room)
  local prefix = ("s%d"):format(search.number)
  local note = run.is_sim and "sim" or nil
  local several = #run.searches > 1
  local picture = strip.svg(search, prefix, note)
  local parts = { tag("h2", { id = prefix, several and ("%s %d"):format(WORDS[search.kind]
    or "Search",
    search.number) or "What was tried" }), about(search) }
  if picture then
    parts[#parts + 1] = raw(picture)
    parts[#parts + 1] = tag("p", { class = "soft small", "Stairs: the best so far, with its 95%"
      .. " interval. Filled dots were kept, hollow ones were not; a line leads to the score they"
      .. " began from. A dot opens its step; the feedback beside a change is the sentence that"
      .. " shares most words with it." })
  end
  local list, left_out, beyond = steps.all(search, { own = prefix, calls = #run.ledger > 0 },
    room * 0.4)
  parts[#parts + 1] = list
  if left_out > 0 then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("Of %d steps only the headline is here%s."):format(left_out, beyond > 0
        and (", and %d more are in lunagrad export"):format(beyond) or "") })
  end
  parts[#parts + 1] = tag("h2", { id = prefix .. "texts", "Texts" })
  parts[#parts + 1] = final_texts(search)
  parts[#parts + 1] = versions(search, room * 0.15)
  parts[#parts + 1] = candidates(search, prefix, note)
  parts[#parts + 1] = objectives(search, note)
  parts[#parts + 1] = examples(handle, search, prefix, note, room * 0.35)
  return html.all(parts)
end

local function navigation(run)
  local parts = {}
  local function add(id, words) parts[#parts + 1] = tag("a", { href = "#" .. id, words }) end
  add("top", run.name)
  for _, search in ipairs(run.searches) do
    local prefix = ("s%d"):format(search.number)
    local of = #run.searches > 1 and (" %d"):format(search.number) or ""
    add(prefix, "Steps" .. of)
    add(prefix .. "texts", "Texts" .. of)
    add(prefix .. "candidates", "Candidates" .. of)
    if #search.examples > 0 then add(prefix .. "examples", "Examples" .. of) end
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
  local parts = { navigation(run), opts.before or "", head(run) }
  local each = room / math.max(1, #run.searches)
  for _, search in ipairs(run.searches) do
    parts[#parts + 1] = one_search(handle, run, search, each * 0.8)
  end
  parts[#parts + 1] = evaluations(run)
  parts[#parts + 1] = ledger(run)
  parts[#parts + 1] = failures(run)
  local used = 0
  for _, part in ipairs(parts) do used = used + #html.escape(part) end
  parts[#parts + 1] = opts.more and served_calls(run, opts.more) or calls(handle, run,
    room - used)
  return sheet.make(run.name, html.all(parts), opts.live)
end

return page
