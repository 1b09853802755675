--- `lunagrad compare RUN RUN…`: what one run has over another, on the same examples.
--
-- The first is the baseline. Each side is a run, or several of one setting with other seeds, parted
-- by commas. Scores are joined by the number of the example: whether two runs had the same data is
-- for who asks to know; how many examples each had is said.

local args = require "lunagrad.cli.args"
local claim = require "lunagrad.improve.claim"
local diff = require "lunagrad.report.diff"
local display = require "lunagrad.cli.display"
local file = require "lunagrad.file"
local ledger = require "lunagrad.book.ledger"
local lines_of = require("lunagrad.cli.table").lines
local reading = require "lunagrad.report.reading"
local stats = require "lunagrad.stats_math"
local store = require "lunagrad.cli.store"

local compare = {}

local HELP = [[
usage: lunagrad compare RUN RUN [RUN …] [options]

Sets runs against the first one, on the same examples: the difference with its interval and an exact
test, the examples that were fixed and broken, what each cost, and how their texts differ. Each RUN
is a name or a number of lunagrad runs; several with commas between them (other seeds of one
setting) are one side: its mean, with an interval over the runs.

  --on NAME      which scores: test, validation, or the name of an evaluation (default: the first
                 that all have, in that order with evaluations before validation)
  --html FILE    a page instead
]] .. store.HELP .. [[

examples:
  lunagrad compare before after
  lunagrad compare tgd-1,tgd-2,tgd-3 race-1,race-2,race-3
  lunagrad compare before after --html compare.html
]]

compare.spec = { name = "compare", options = store.with {
  { names = { "--on" }, key = "on", type = "word", what = "a name" },
  { names = { "--html" }, key = "html", type = "word", what = "a file" },
} }

--- The text of `lunagrad help compare`.
function compare.help() return HELP end

-- ---- reading -------------------------------------------------------------------------------

local function read(handle, word)
  local runs = store.find(handle, word)
  local run = reading.run(handle, runs)
  run.state = store.state(handle, runs[#runs])
  local results, names = reading.results(handle, run)
  local chief = reading.chief(run)
  local best = chief and chief.by_idx[chief.best_idx or -1]
  return { name = run.name, run = run, results = results, names = names, chief = chief,
    texts = best and best.texts or {}, total = ledger.total(run.ledger) }
end

local function sides_of(handle, words)
  local sides = {}
  for i, word in ipairs(words) do
    local side = { runs = {}, label = ("%s"):format(string.char(64 + i)) }
    for name in word:gmatch "[^,]+" do side.runs[#side.runs + 1] = read(handle, name) end
    if #side.runs == 0 then args.fail(("%q names no run"):format(word)) end
    sides[i] = side
  end
  return sides
end

local function all_have(sides, name)
  for _, side in ipairs(sides) do
    for _, one in ipairs(side.runs) do
      if not one.results[name] then return false, one end
    end
  end
  return true
end

-- Which scores are set against each other.
local function phase_of(sides, wanted)
  local first = sides[1].runs[1]
  if wanted then
    local all, without = all_have(sides, wanted)
    if not all then
      args.fail(("run %s has no scores of %q"):format(without.name, wanted),
        #without.names > 0 and "it has " .. table.concat(without.names, ", ") or "it has none")
    end
    return wanted
  end
  for _, name in ipairs(first.names) do
    if all_have(sides, name) then return name end
  end
  args.fail("these runs have no scores in common",
    ("%s has %s"):format(first.name, #first.names > 0 and table.concat(first.names, ", ")
      or "none"))
end

-- ---- setting against each other --------------------------------------------------------------

local function examples_of(scores)
  local list = {}
  for example in pairs(scores) do list[#list + 1] = example end
  table.sort(list)
  return list
end

local function mean_of(scores)
  local list = {}
  for _, example in ipairs(examples_of(scores)) do list[#list + 1] = scores[example] end
  return stats.mean(list), list
end

-- Two runs, example by example.
local function paired(a, b)
  local left, right, examples = {}, {}, {}
  for _, example in ipairs(examples_of(a)) do
    if b[example] then
      examples[#examples + 1] = example
      left[#examples], right[#examples] = a[example], b[example]
    end
  end
  if #examples == 0 then return nil end
  local said = claim.paired(left, right)
  local function named(places)
    local list = {}
    for i, place in ipairs(places) do list[i] = examples[place] end
    return list
  end
  return { gain = said.gain, low = said.low, high = said.high, p = said.p, test = said.test,
    n = #examples, shown = said.shown, fixed = named(said.fixed), broken = named(said.broken),
    words = tostring(said) }
end

-- Means of shares lie between 0 and 1, and so does what is said of them.
local function within(means, low, high)
  if not low then return nil, nil end
  for _, mean in ipairs(means) do
    if mean < 0 or mean > 1 then return low, high end
  end
  return math.max(0.0, low), math.min(1.0, high)
end

local function summed(side, phase)
  local means, first_scores = {}, nil
  for i, one in ipairs(side.runs) do
    local mean, scores = mean_of(one.results[phase])
    means[i], first_scores = mean, first_scores or scores
  end
  side.means, side.mean = means, stats.mean(means)
  if #means > 1 then
    side.low, side.high = within(means, stats.mean_interval(means, nil, nil, 1))
  else
    side.low, side.high = stats.interval(first_scores, 1)
  end
end

-- Of several runs on each side: the differences of those that stand in the same place.
local function over_runs(a, b)
  if #a.means ~= #b.means or #a.means < 2 then return nil end
  local differences = {}
  for i, mean in ipairs(a.means) do differences[i] = b.means[i] - mean end
  local low, high = stats.mean_interval(differences, nil, nil, 1)
  return { gain = stats.mean(differences), low = low, high = high, runs = #differences }
end

local function set_against(sides, phase)
  for _, side in ipairs(sides) do summed(side, phase) end
  local base = sides[1]
  for i = 2, #sides do
    local side = sides[i]
    side.over_runs = over_runs(base, side)
    if #base.runs == 1 and #side.runs == 1 then
      side.against = paired(base.runs[1].results[phase], side.runs[1].results[phase])
    end
  end
end

-- ---- for people ---------------------------------------------------------------------------------

local function interval(low, high)
  return low and ("[%.3f, %.3f]"):format(low, high) or ""
end

local function column_of(one, phase)
  local scores, n = one.results[phase], 0
  for _ in pairs(scores) do n = n + 1 end
  return { name = one.name, mean = mean_of(scores), n = n, bought = one.run.total.bought,
    cost = ledger.row_cost(one.total), seed = one.run.main.seed,
    took = one.run.total.took_us / 1e6, steps = one.chief and #one.chief.proposals or 0,
    models = table.concat(one.run.models, ", ") }
end

local function table_of(sides, phase)
  local rows = { { "", "run", phase, "examples", "calls", "cost", "took", "steps", "seed",
    "model" } }
  for _, side in ipairs(sides) do
    for _, one in ipairs(side.runs) do
      local c = column_of(one, phase)
      rows[#rows + 1] = { side.label, c.name, ("%.3f"):format(c.mean), c.n, c.bought,
        #one.run.ledger > 0 and c.cost or "-", display.duration(c.took), c.steps, c.seed or "-",
        c.models ~= "" and c.models or one.run.is_sim and "sim" or "-" }
    end
  end
  return lines_of(rows, "llrrrlrrrl")
end

local MOST_IDS = 30

local function ids(list)
  local shown = table.concat(list, ", ", 1, math.min(#list, MOST_IDS))
  return #list > MOST_IDS and ("%s and %d more"):format(shown, #list - MOST_IDS) or shown
end

local function add_difference(lines, base, side)
  local title = ("%s against %s: "):format(side.label, base.label)
  if side.against then
    lines[#lines + 1] = title .. side.against.words
    if #side.against.fixed > 0 then
      lines[#lines + 1] = "  better on " .. ids(side.against.fixed)
    end
    if #side.against.broken > 0 then
      lines[#lines + 1] = "  worse on  " .. ids(side.against.broken)
    end
  elseif side.over_runs then
    local d = side.over_runs
    lines[#lines + 1] = title .. ("%+.3f %s over %d pairs of runs"):format(d.gain,
      d.low and ("[%+.3f, %+.3f]"):format(d.low, d.high) or "(all alike)", d.runs)
  elseif #base.runs == 1 and #side.runs == 1 then
    lines[#lines + 1] = title .. "no example was asked of both"
  else
    lines[#lines + 1] = title .. ("%+.3f; not paired: the sides have %d and %d runs"):format(
      side.mean - base.mean, #base.runs, #side.runs)
  end
end

local STYLE = { add = { "{+", "+}", "\27[32m" }, del = { "[-", "-]", "\27[31m" } }

-- A text against another, by words; in colours where the terminal has them.
local function words_of(before, after, colour)
  local parts = {}
  for _, piece in ipairs(diff.words(before, after)) do
    local style, text = STYLE[piece.kind], display.clean(piece.text)
    local core, rest = text:match "^(.-)(%s*)$"
    if style and colour then
      text = style[3] .. core .. "\27[0m" .. rest
    elseif style then
      text = style[1] .. core .. style[2] .. rest
    end
    parts[#parts + 1] = text
  end
  return table.concat(parts)
end

local function add_texts(lines, base, side, colour)
  if #base.runs > 1 or #side.runs > 1 then return end
  local a, b = base.runs[1].texts, side.runs[1].texts
  local names = {}
  for name in pairs(b) do
    if a[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ""
    lines[#lines + 1] = ("%s, %s to %s:"):format(display.clean_line(name), base.label, side.label)
    lines[#lines + 1] = a[name] == b[name] and "  (the same)" or words_of(a[name], b[name], colour)
  end
end

local function uneven(sides, phase)
  local n
  for _, side in ipairs(sides) do
    for _, one in ipairs(side.runs) do
      local here = column_of(one, phase).n
      if n and here ~= n then return true end
      n = here
    end
  end
  return false
end

local function to_people(sides, phase)
  local colour = require("lunagrad.term").isatty(1) and not os.getenv "NO_COLOR"
  local lines = table_of(sides, phase)
  for _, side in ipairs(sides) do
    lines[#lines + 1] = (#lines > 0 and side == sides[1] and "\n" or "")
      .. ("%s  mean %.3f %s%s"):format(side.label, side.mean, interval(side.low, side.high),
        #side.runs > 1 and (" over %d runs"):format(#side.runs) or "")
  end
  if uneven(sides, phase) then
    lines[#lines + 1] = "these runs were not asked the same number of examples: those with the same"
      .. " number are taken for the same"
  end
  for i = 2, #sides do
    lines[#lines + 1] = ""
    add_difference(lines, sides[1], sides[i])
    add_texts(lines, sides[1], sides[i], colour)
  end
  store.print(lines)
end

-- ---- for programs ---------------------------------------------------------------------------------

local function as_json(sides, phase)
  local list = {}
  for i, side in ipairs(sides) do
    local runs = {}
    for k, one in ipairs(side.runs) do
      local c = column_of(one, phase)
      runs[k] = { name = c.name, mean = c.mean, n = c.n, calls = c.bought,
        seed = store.or_null(c.seed),
        took = c.took, texts = one.texts }
    end
    local against = side.against
    if against then
      against = { gain = against.gain, low = store.or_null(against.low),
        high = store.or_null(against.high), p = against.p, test = against.test, n = against.n,
        shown = against.shown, fixed = store.array(against.fixed),
        broken = store.array(against.broken) }
    end
    list[i] = { side = side.label, mean = side.mean, low = store.or_null(side.low),
      high = store.or_null(side.high), runs = store.array(runs), against = store.or_null(against),
      over_runs = store.or_null(side.over_runs) }
  end
  store.emit { on = phase, sides = store.array(list) }
end

local function page_of(sides, phase, before)
  return require("lunagrad.report.versus").make(sides, phase, { before = before,
    rows = function(one) return column_of(one, phase) end })
end

--- The page of some sides.
---@param handle table of a store that is open
---@param words string[] a side each
---@param before table|nil raw, shown first
---@return string
function compare.page(handle, words, before)
  local sides = sides_of(handle, words)
  local phase = phase_of(sides)
  set_against(sides, phase)
  return page_of(sides, phase, before)
end

local function to_html(sides, phase, path)
  local text = page_of(sides, phase)
  local ok, problem = file.write(path, text, true)
  if not ok then
    args.fail("cannot write " .. tostring(problem), "--html names another file")
  end
  io.stderr:write(("lunagrad: wrote %s (%s)\n"):format(path, store.bytes(#text)))
end

--- Run the command.
---@return integer exit code
function compare.main(argv, first)
  local options = args.parse(compare.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if #options.rest < 2 then
    args.fail("compare needs two runs or more", "lunagrad runs lists them")
  end
  if #options.rest > 26 then args.fail("compare takes at most 26 sides") end
  store.use(options, function(handle)
    local sides = sides_of(handle, options.rest)
    local phase = phase_of(sides, options.on)
    set_against(sides, phase)
    if options.json then return as_json(sides, phase) end
    if options.html then return to_html(sides, phase, options.html) end
    return to_people(sides, phase)
  end)
  return 0
end

return compare
