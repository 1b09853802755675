--- `lunagrad show RUN`: what a run found, tried, cost, and may have paid for without a reply.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local ledger = require "lunagrad.book.ledger"
local prices = require "lunagrad.prices"
local queries = require "lunagrad.book.queries"
local store = require "lunagrad.cli.store"
local story = require "lunagrad.cli.story"

local show = {}

local HELP = [[
usage: lunagrad show RUN [options]

Shows a run: the best score over what was spent, its searches (trainings, evaluations,
comparisons), the candidates and proposals of each with the reasons, what changed in its best texts
word by word, what its calls cost by role and model, and the calls that may have been paid for
without a reply. RUN is a name (all its starts are counted together) or the number of one start,
from lunagrad runs.

  --diff A..B    what changed from candidate A to candidate B, and nothing else; N alone: from the
                 candidate that N was made of
  --over WHAT    the plot's axis: calls (default) or money
  --candidate N  print the texts of candidate N, and nothing else
  --search N     with --candidate and --diff: of the training N, where the run has several
  --call N       print what the call N (of export and report) asked and got, and nothing else
  --all          all rows, not the last 20 of each table
]] .. store.HELP .. [[

examples:
  lunagrad show prompt-3fa1c2
  lunagrad show prompt-3fa1c2 --diff 0..4
  lunagrad show prompt-3fa1c2 --candidate 4 > prompt.txt
  lunagrad show 12 --json
]]

show.spec = { name = "show", options = store.with {
  { names = { "--candidate" }, key = "candidate", type = "integer", min = 0, what = "a number" },
  { names = { "--diff" }, key = "diff", type = "word", what = "candidates" },
  { names = { "--over" }, key = "over", type = "word", values = { "calls", "money" },
    what = "calls or money" },
  { names = { "--search" }, key = "search", type = "integer", min = 1, what = "a number" },
  { names = { "--call" }, key = "call", type = "integer", min = 1, what = "a number" },
  { names = { "--all" }, key = "all", type = "flag" },
} }

--- The text of `lunagrad help show`.
function show.help() return HELP end

-- ---- what is asked of the store --------------------------------------------------------

local function decoded(text, default)
  local value = type(text) == "string" and core.json_decode(text) or nil
  if value == nil then return default end
  return value
end

-- The parameters of a candidate.
local function names_of(row)
  local names = {}
  for name in pairs(decoded(row.texts, {})) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function kind_name(kind)
  return math.type(kind) == "integer" and ledger.KINDS[kind + 1] or tostring(kind)
end

local function ledger_of(handle, where)
  local rows = handle.query(queries.ledger(where, handle.has "forgotten"))
  for _, row in ipairs(rows) do row.kind = kind_name(row.kind) end
  local useless = handle.one(queries.useless(where))
  if useless.calls > 0 then rows[#rows + 1] = useless end
  return rows
end

--- The start whose records are shown: the last that has any, or else the last.
local function recorded(handle, runs)
  for i = #runs, 1, -1 do
    local row = handle.one(queries.count_records, runs[i].id, runs[i].id)
    if row.n > 0 then return runs[i] end
  end
  return runs[#runs]
end

-- Rows of stores before version 4 do not say to which training they belong: each begins with a
-- candidate that has no parents.
local function guess_trainings(list, candidates, proposals)
  local of = {}
  for _, row in ipairs(candidates) do
    local one = row.search_id == nil and of[decoded(row.parents, {})[1]]
    if row.search_id == nil and not one then
      one = { number = #list + 1, kind = "train", params = names_of(row), seed_score = row.score }
      list[one.number] = one
    end
    if one then
      of[row.idx], row.training = one, one.number
      if row.is_best == 1 then one.best_score, one.best_idx = row.score, row.idx end
    end
  end
  for _, row in ipairs(proposals) do
    local one = row.search_id == nil and of[row.parent_idx]
    row.training = one and one.number or row.training
  end
end

local IMPROVES = { train = true, optimize = true }

--- The searches that improve texts; their rows are told whose they are.
local function trainings_of(searches, candidates, proposals)
  local list, of = {}, {}
  for _, row in ipairs(searches) do
    if IMPROVES[row.kind] then
      local one = { number = row.number, kind = row.kind, id = row.id,
        params = decoded(row.names, {}), seed_score = row.seed_score,
        best_score = row.best_score, best_idx = row.best_idx }
      list[#list + 1], of[row.id] = one, one
    end
  end
  for _, rows in ipairs { candidates, proposals } do
    for _, row in ipairs(rows) do row.training = of[row.search_id] and of[row.search_id].number end
  end
  guess_trainings(list, candidates, proposals)
  return list
end

local function gather(handle, word)
  local runs = store.find(handle, word)
  local main, where = recorded(handle, runs), queries.of_runs(runs)
  local candidates = handle.query(queries.candidates, main.id)
  local proposals = handle.query(queries.proposals, main.id)
  local searches = handle.has "searches" and handle.query(queries.searches, main.id) or {}
  local trainings = trainings_of(searches, candidates, proposals)
  return {
    runs = runs, main = main, last = runs[#runs], state = store.state(handle, runs[#runs]),
    ledger = ledger_of(handle, where),
    candidates = candidates, proposals = proposals, searches = searches, trainings = trainings,
    best = #trainings > 1 and require("lunagrad.book.record").highest(trainings) or main,
    scores = handle.query(queries.mean_scores, main.id),
    failed = handle.query(queries.failures(where)),
    ambiguous = store.ambiguous(handle, runs),
  }
end

-- ---- as JSON ---------------------------------------------------------------------------

local function json_ledger(row)
  local known = (row.unpriced or 0) == 0 and row.calls > 0
  return { role = row.kind, model = store.or_null(row.model), calls = row.calls, input = row.input,
    cached = row.cached, cache_write = row.cache_write, output = row.output,
    reasoning = row.reasoning, unpriced = row.unpriced,
    cost_usd = store.dollars(known and row.micros or nil) }
end

local function json_search(row)
  return { id = row.id, number = row.number, kind = row.kind, method = store.or_null(row.method),
    params = store.array(decoded(row.names, {})), options = decoded(row.options, core.null),
    seed = store.or_null(row.seed), started_us = store.or_null(row.started_us),
    ended_us = store.or_null(row.ended_us), stopped = store.or_null(row.stopped),
    seed_score = store.or_null(row.seed_score), best_score = store.or_null(row.best_score),
    best_idx = store.or_null(row.best_idx), claim = decoded(row.claim, core.null) }
end

local function json_candidate(row)
  return { idx = row.idx, training = row.training,
    operator = store.or_null(row.operator), proposal = store.or_null(row.proposal),
    words = store.or_null(row.words), iteration = row.iteration,
    parents = store.array(decoded(row.parents, {})), texts = decoded(row.texts, core.null),
    score = store.or_null(row.score), is_best = row.is_best == 1 }
end

local function json_proposal(row)
  return { training = row.training, iteration = row.iteration,
    number = store.or_null(row.number),
    operator = store.or_null(row.operator), gain = store.or_null(row.gain),
    batch = decoded(row.batch, core.null), race = decoded(row.race, store.or_null(row.race)),
    calls = store.or_null(row.calls), tokens = store.or_null(row.tokens),
    parents = decoded(row.parents, core.null), parent_idx = store.or_null(row.parent_idx),
    accepted = row.accepted == 1, reason = row.reason, before = store.or_null(row.before),
    after = store.or_null(row.after), texts = decoded(row.texts, core.null),
    feedback = decoded(row.feedback, core.null) }
end

local function json_training(one)
  return { number = one.number, kind = one.kind, search_id = store.or_null(one.id),
    params = store.array(one.params),
    best_score = store.or_null(one.best_score), seed_score = store.or_null(one.seed_score),
    best_idx = store.or_null(one.best_idx) }
end

local function json_ambiguous(row)
  return { run_id = row.run_id, key = row.key, attempt = store.or_null(row.attempt),
    worst_cost_usd = store.dollars(row.worst_micros), created_us = store.or_null(row.created_us),
    code = store.or_null(row.code), bought_again = row.again == true }
end

local function mapped(list, fn)
  local out = {}
  for i, row in ipairs(list) do out[i] = fn(row) end
  return store.array(out)
end

local function totals(rows)
  local sum = ledger.total(rows)
  return json_ledger { kind = "all", model = "all", calls = sum.calls, input = sum.input,
    cached = sum.cached, cache_write = sum.cache_write, output = sum.output,
    reasoning = sum.reasoning, micros = sum.micros, unpriced = sum.unpriced }
end

local function to_json(found)
  local last = found.last
  store.emit { name = last.name, state = found.state, script = store.or_null(last.script),
    meta = decoded(last.meta, core.null), recorded_id = found.main.id,
    starts = mapped(found.runs, function(run)
      return { id = run.id, started_us = run.started_us, ended_us = store.or_null(run.ended_us),
        calls = run.calls or 0, served = run.served or 0 }
    end),
    best_score = store.or_null(found.best.best_score),
    seed_score = store.or_null(found.best.seed_score),
    trainings = mapped(found.trainings, json_training),
    searches = mapped(found.searches, json_search),
    ledger = mapped(found.ledger, json_ledger), total = totals(found.ledger),
    candidates = mapped(found.candidates, json_candidate),
    proposals = mapped(found.proposals, json_proposal),
    failed_attempts = mapped(found.failed, function(row)
      return { code = row.code, attempts = row.n, micros = row.micros or 0 }
    end),
    ambiguous = mapped(found.ambiguous, json_ambiguous),
    ambiguous_worst_usd = store.dollars(store.worst(found.ambiguous)) }
end

-- ---- for people ------------------------------------------------------------------------

local SHOWN = 20

local lines_of = require("lunagrad.cli.table").lines

local function add_all(lines, more) table.move(more, 1, #more, #lines + 1, lines) end

local function append(lines, title, rows, align, most)
  lines[#lines + 1] = ""
  lines[#lines + 1] = title
  for _, line in ipairs(lines_of(rows, align, most)) do lines[#lines + 1] = "  " .. line end
end

-- The last rows of a list, and how many were left out.
local function newest(list, all)
  local first = all and 1 or math.max(1, #list - SHOWN + 1)
  local note = first > 1 and (", the last %d (--all)"):format(SHOWN) or ""
  return table.move(list, first, #list, 1, {}), note
end

local WORDS = { train = "training", optimize = "search", evaluate = "evaluation",
  compare = "comparison" }

-- "training 2 (system prompt, examples)"
local function training_name(one)
  return ("%s %d (%s)"):format(WORDS[one.kind], one.number,
    display.clean_line(table.concat(one.params, ", ")))
end

local function add_best(lines, found, screen)
  local several = #found.trainings > 1
  for _, one in ipairs(several and found.trainings or { found.best }) do
    if one.best_score then
      local search = found.chief
      if several then search = found.by_id[one.id or ""] end
      local blocks = search and story.sparkline(search, screen)
      lines[#lines + 1] = "best     " .. display.score(one.best_score, one.seed_score)
        .. (blocks and "  " .. screen:paint("accent", blocks) or "")
        .. (several and ", " .. training_name(one) or "")
    end
  end
end

local function head(lines, found, screen)
  local last = found.last
  local meta = decoded(last.meta, {})
  lines[1] = ("%s  (%s; %d start%s, the last one is %d)"):format(display.clean_line(last.name),
    found.state, #found.runs, #found.runs == 1 and "" or "s", last.id)
  if type(meta.command) == "string" then
    add_all(lines, display.wrap("command  " .. display.clean_line(meta.command), screen.words, 9))
  end
  lines[#lines + 1] = "started  " .. store.time(found.runs[1].started_us)
  add_best(lines, found, screen)
  local calls, served = 0, 0
  for _, run in ipairs(found.runs) do
    calls, served = calls + (run.calls or 0), served + (run.served or 0)
  end
  lines[#lines + 1] = ("calls    %d bought, %d served from the store"):format(calls, served)
end

local function cell(n) return n and ("%.3f"):format(n) or "-" end

local function add_ledger(lines, rows)
  local list = { { "role", "model", "calls", "input", "cached", "output", "reasoning", "cost" } }
  local function add(row, role)
    list[#list + 1] = { role, row.model or "", row.calls, display.count(row.input or 0),
      display.count(row.cached or 0), display.count(row.output or 0),
      display.count(row.reasoning or 0), ledger.row_cost(row) }
  end
  for _, row in ipairs(rows) do add(row, row.kind) end
  if #rows > 1 then add(ledger.total(rows), "all") end
  append(lines, "What was bought", list, "llrrrrrl")
end

local function one_line(row)
  local by_name, names, parts = decoded(row.texts, {}), names_of(row), {}
  for i, name in ipairs(names) do parts[i] = tostring(by_name[name]) end
  return table.concat(parts, " | ")
end

-- How long a search took; what has no end was cut short, or still goes on.
local function took(row)
  if not (row.ended_us and row.started_us) or row.ended_us < row.started_us then return "-" end
  return display.duration((row.ended_us - row.started_us) / 1e6)
end

local function add_searches(lines, found, all)
  local shown, note = newest(found.searches, all)
  local list = { { "search", "method", "start", "best", "claim", "took", "stopped" } }
  for _, row in ipairs(shown) do
    local claim = decoded(row.claim)
    list[#list + 1] = { ("%s %d"):format(WORDS[row.kind] or row.kind, row.number),
      row.method or "", cell(row.seed_score), cell(row.best_score),
      type(claim) == "table" and (claim.shown and "shown" or "not shown") or "-", took(row),
      row.stopped or "-" }
  end
  append(lines, ("Searches (%d%s)"):format(#found.searches, note), list, "llrrlrl")
end

local function add_candidates(lines, rows, all, of, screen)
  local shown, note = newest(rows, all)
  local list = { { "", "idx", "step", "from", "score", "text" } }
  for _, row in ipairs(shown) do
    list[#list + 1] = { row.is_best == 1 and "*" or "", row.idx, row.iteration,
      table.concat(decoded(row.parents, {}), ","), cell(row.score), one_line(row) }
  end
  append(lines, ("Candidates%s (%d%s; * best)"):format(of, #rows, note), list, "lrrlrl",
    not all and { [6] = math.max(20, screen.width - 40) } or nil)
end

local function add_proposals(lines, rows, all, of, screen)
  local shown, note = newest(rows, all)
  local list = { { "step", "by", "from", "before", "after", "what happened" } }
  for _, row in ipairs(shown) do
    local parents = decoded(row.parents, { row.parent_idx })
    list[#list + 1] = { row.number or row.iteration, row.operator or "-",
      table.concat(parents, ","), cell(row.before), cell(row.after), row.reason }
  end
  append(lines, ("Proposals%s (%d%s)"):format(of, #rows, note), list, "rllrrl",
    not all and { [6] = math.max(30, screen.width - 42) } or nil)
end

local function add_scores(lines, rows)
  local list = { { "evaluation", "examples", "mean" } }
  for _, row in ipairs(rows) do list[#list + 1] = { row.phase, row.n, cell(row.mean) } end
  append(lines, "Evaluations", list, "lrr")
end

local function add_failed(lines, rows)
  local list = { { "attempts", "failed with", "cost of what was useless" } }
  for _, row in ipairs(rows) do
    list[#list + 1] = { row.n, row.code, (row.micros or 0) > 0 and prices.text(row.micros) or "-" }
  end
  append(lines, "Attempts that failed", list, "rll")
end

local function add_ambiguous(lines, rows, all)
  if #rows == 0 then return end
  local shown, note = newest(rows, all)
  local list = { { "start", "request", "at", "worst cost", "what happened" } }
  for _, row in ipairs(shown) do
    local worst = row.worst_micros and row.worst_micros >= 0 and row.worst_micros or nil
    list[#list + 1] = { row.run_id, row.key:sub(1, 16), store.time(row.created_us),
      prices.text(worst), row.message .. (row.again and "; bought again" or "") }
  end
  append(lines, ("Ambiguous calls: sent, perhaps paid for, no reply (%d%s; at worst %s in all)")
    :format(#rows, note, prices.text(store.worst(rows))), list, "rllrl")
end

local function those_of(rows, number)
  local list = {}
  for _, row in ipairs(rows) do
    if (row.training or 1) == number then list[#list + 1] = row end
  end
  return list
end

local function add_training(lines, found, one, all, screen)
  local of = #found.trainings > 1 and " of " .. training_name(one) or ""
  local proposals = those_of(found.proposals, one.number)
  add_candidates(lines, those_of(found.candidates, one.number), all, of, screen)
  if #proposals > 0 then add_proposals(lines, proposals, all, of, screen) end
end

-- ---- pictures, and what changed --------------------------------------------------------

-- The searches as the pictures need them.
local function read_searches(handle, found)
  local reading = require "lunagrad.report.reading"
  found.by_id, found.reading = {}, reading.run(handle, found.runs)
  for _, search in ipairs(found.reading.searches) do found.by_id[search.id] = search end
  found.chief = reading.chief(found.reading)
end

local function add_plot(lines, handle, found, options, screen)
  if not found.chief then
    if options.over then args.fail("this run has no training, so there is nothing to draw") end
    return
  end
  local plot = story.plot(found.chief, screen, options.over or "calls", handle, found.reading)
  if not plot and options.over == "money" then
    args.fail("no call of this run has a known price", "--over calls; --prices names prices")
  end
  if not plot then return end
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("Score over what was spent   %s"):format(story.legend(screen))
  for _, line in ipairs(plot) do lines[#lines + 1] = "  " .. line end
end

local function add_diff(lines, from, to, screen, whole)
  local names = {}
  for name in pairs(to.texts) do names[#names + 1] = name end
  table.sort(names)
  local changed = 0
  for _, name in ipairs(names) do
    local before = from.texts[name] or ""
    if before ~= to.texts[name] then
      changed = changed + 1
      lines[#lines + 1] = ""
      lines[#lines + 1] = ("%s, candidate %d %s %d"):format(display.clean_line(name), from.idx,
        screen.unicode and "→" or "->", to.idx)
      add_all(lines, story.diff(before, to.texts[name], screen, 2, whole))
    end
  end
  return changed
end

-- What became of the texts that a search began with.
local function add_changes(lines, found, screen)
  for _, search in ipairs(found.reading.searches) do
    local seed, best = search.by_idx[0], search.by_idx[search.best_idx or -1]
    if seed and best and best ~= seed then add_diff(lines, seed, best, screen) end
  end
end

local function to_people(handle, found, options)
  local lines, all, screen = {}, options.all, require("lunagrad.cli.screen").standard()
  read_searches(handle, found)
  head(lines, found, screen)
  add_plot(lines, handle, found, options, screen)
  if #found.ledger > 0 then add_ledger(lines, found.ledger) end
  if #found.searches > 0 then add_searches(lines, found, all) end
  for _, one in ipairs(found.trainings) do add_training(lines, found, one, all, screen) end
  add_changes(lines, found, screen)
  if #found.scores > 0 then add_scores(lines, found.scores) end
  if #found.failed > 0 then add_failed(lines, found.failed) end
  add_ambiguous(lines, found.ambiguous, all)
  screen:print(lines)
end

-- "0..4", or "4": from its first parent.
local function ends_of(word)
  local from, to = word:match "^(%d+)%.%.(%d+)$"
  to = to or word:match "^%d+$"
  if not to then
    args.fail(("--diff needs two candidates, not %q"):format(word), "--diff 0..4, or --diff 4")
  end
  return from and math.tointeger(tonumber(from)), math.tointeger(tonumber(to))
end

local function show_diff(handle, found, options)
  read_searches(handle, found)
  local search = found.chief
  for _, one in ipairs(options.search and found.reading.searches or {}) do
    search = one.number == options.search and one or search
  end
  if not search or options.search and search.number ~= options.search then
    args.fail(("run %s has no such training"):format(found.last.name), "lunagrad show RUN")
  end
  local from, to = ends_of(options.diff)
  local function one_of(idx)
    if search.by_idx[idx] then return search.by_idx[idx] end
    args.fail(("run %s has no candidate %d"):format(found.last.name, idx),
      ("it has 0 to %d"):format(#search.candidates - 1))
  end
  local after = one_of(to)
  local before = one_of(from or after.parents[1] or to)
  if options.json then
    local texts = {}
    for name, text in pairs(after.texts) do
      texts[name] = store.array(require("lunagrad.report.diff").words(before.texts[name] or "",
        text))
    end
    return store.emit { from = before.idx, to = after.idx, texts = texts }
  end
  local screen, lines = require("lunagrad.cli.screen").standard(), {}
  if add_diff(lines, before, after, screen, options.all) == 0 then
    lines = { "", ("candidates %d and %d have the same texts"):format(before.idx, after.idx) }
  end
  table.remove(lines, 1)
  screen:print(lines)
end

local function print_texts(row)
  local texts, names = decoded(row.texts, {}), names_of(row)
  for _, name in ipairs(names) do
    if #names > 1 then io.stdout:write("## ", name, "\n\n") end
    io.stdout:write(tostring(texts[name]), "\n")
  end
end

-- The candidate of a number: each search counts its own.
local function candidate_of(found, options)
  local matching, last = {}, -1
  for _, row in ipairs(found.candidates) do
    if not options.search or row.training == options.search then
      last = math.max(last, row.idx)
      if row.idx == options.candidate then matching[#matching + 1] = row end
    end
  end
  if #matching > 1 then
    args.fail(("run %s has %d candidates %d, one of each search"):format(found.last.name, #matching,
      options.candidate), ("--search N says which; it has 1 to %d"):format(#found.trainings))
  end
  if #matching == 0 then
    args.fail(("run %s has no candidate %d"):format(found.last.name, options.candidate),
      last >= 0 and ("it has 0 to %d"):format(last) or "it has none")
  end
  return matching[1]
end

-- What one call of these starts asked, and what came back.
local function show_call(handle, runs, options)
  local row = handle.one(queries.call_of_id, options.call)
  local own = false
  for _, run in ipairs(runs) do own = own or row and row.run_id == run.id end
  if not own then
    args.fail(("run %s bought no call %d"):format(runs[#runs].name, options.call),
      "lunagrad report shows all calls with their numbers")
  end
  local call = require("lunagrad.report.reading").call(handle, options.call)
  if options.json then
    return store.emit { id = row.id, run_id = row.run_id, role = kind_name(row.kind),
      model = row.model, endpoint = row.endpoint, messages = store.array(call.messages),
      options = call.options, reply = not call.media and call.reply or nil, media = call.media,
      thinking = call.thinking, finish_reason = store.or_null(row.finish_reason) }
  end
  local screen = require("lunagrad.cli.screen").standard()
  local lines = { ("call %d, %s, %s"):format(row.id, kind_name(row.kind),
    display.clean_line(row.model or "?")) }
  local function add(title, text)
    lines[#lines + 1] = "\n--- " .. display.clean_line(title)
    text = display.clean(text)
    lines[#lines + 1] = screen.tty and table.concat(display.wrap(text, screen.words), "\n") or text
  end
  for _, one in ipairs(call.messages) do add(one.role, one.content) end
  if call.thinking then add("thought before", call.thinking) end
  add("reply", call.media and ("[%s, %d bytes]"):format(call.media, #call.reply)
    or call.reply or "(none that can be read)")
  store.print(lines)
end

--- Run the command.
---@return integer exit code
function show.main(argv, first)
  local options = args.parse(show.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if #options.rest ~= 1 then
    args.fail("show needs one run", "lunagrad runs lists them")
  end
  if options.search and not (options.candidate or options.diff) then
    args.fail("--search is for --candidate and --diff", "all searches are shown without it")
  end
  store.use(options, function(handle)
    if options.call then
      return show_call(handle, store.find(handle, options.rest[1]), options)
    end
    local found = gather(handle, options.rest[1])
    if options.candidate then
      local row = candidate_of(found, options)
      return options.json and store.emit(json_candidate(row)) or print_texts(row)
    end
    if options.diff then return show_diff(handle, found, options) end
    if options.json then return to_json(found) end
    return to_people(handle, found, options)
  end)
  return 0
end

return show
