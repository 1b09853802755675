--- Runs set against each other, as one page: how far each came with what it spent, the differences,
--- the texts. What is compared with what, and how, the command says (cli/compare.lua).

local html = require "lunagrad.report.html"
local plot = require "lunagrad.report.plot"
local sheet = require "lunagrad.report.sheet"
local steps = require "lunagrad.report.steps"
local strip = require "lunagrad.report.strip"

local versus = {}

local tag = html.tag

local function n(text) return { text, class = "n" } end

local function overview(sides, phase, rows)
  local list = {}
  for _, side in ipairs(sides) do
    for _, one in ipairs(side.runs) do
      local c = rows(one)
      list[#list + 1] = { side.label, html.name(c.name), n(("%.3f"):format(c.mean)),
        n(c.n), n(c.bought),
        n(#one.run.ledger > 0 and c.cost or "–"),
        n(("%.1f s"):format(c.took)), n(c.steps), n(c.seed or "–"),
        c.models ~= "" and c.models or one.run.is_sim and "sim" or "–" }
    end
  end
  return html.table({ "", "run", n(phase), n "examples", n "calls", n "cost", n "took", n "steps",
    n "seed", "model" }, list, { ["data-sortable"] = "1" })
end

-- The stairs of all runs over what each spent.
local function picture(sides)
  local series, sim = {}, false
  for i, side in ipairs(sides) do
    for k, one in ipairs(side.runs) do
      local points = one.chief and strip.stairs(one.chief) or {}
      sim = sim or one.run.is_sim
      if #points > 0 then
        series[#series + 1] = { name = k == 1 and ("%s %s"):format(side.label, one.name) or nil,
          kind = "steps", colour = i, points = points }
      end
    end
  end
  if #series == 0 then return "" end
  local unit = sides[1].runs[1].chief and sides[1].runs[1].chief.unit or "evaluations"
  return sheet.picture(plot.svg { title = sim and "on sim, a rule-based stand-in" or "",
    width = 960,
    height = 340, x = { label = unit .. " spent", min = 0 }, y = { label = "validation score" },
    series = series })
end

local function mean_line(side)
  local interval = side.low and (" [%.3f, %.3f]"):format(side.low, side.high) or ""
  return tag("p", { tag("b", { side.label }), (": mean %.3f%s%s"):format(side.mean, interval,
    #side.runs > 1 and (" over %d runs"):format(#side.runs) or "") })
end

local function ids(list, words, class)
  if #list == 0 then return "" end
  local chips = { class = "chips" }
  for i, example in ipairs(list) do chips[i] = tag("span", { tostring(example) }) end
  return tag("p", { tag("b", { class = class, ("%s %d: "):format(words, #list) }), tag("span",
    chips) })
end

local function difference(base, side)
  local parts = { tag("h2", { ("%s against %s"):format(side.label, base.label) }) }
  if side.against then
    parts[#parts + 1] = tag("p", { side.against.words })
    parts[#parts + 1] = ids(side.against.fixed, "better on", "up")
    parts[#parts + 1] = ids(side.against.broken, "worse on", "down")
  elseif side.over_runs then
    local d = side.over_runs
    parts[#parts + 1] = tag("p", { ("%+.3f%s over %d pairs of runs"):format(d.gain,
      d.low and (" [%+.3f, %+.3f]"):format(d.low, d.high) or "", d.runs) })
  else
    parts[#parts + 1] = tag("p", { ("%+.3f, not paired"):format(side.mean - base.mean) })
  end
  return html.all(parts)
end

local function texts(base, side)
  if #base.runs > 1 or #side.runs > 1 then return "" end
  local a, b, names, parts = base.runs[1].texts, side.runs[1].texts, {}, {}
  for name in pairs(b) do
    if a[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    parts[#parts + 1] = tag("h3", { html.name(name) })
    parts[#parts + 1] = a[name] == b[name] and tag("p", { class = "soft", "the same" })
      or steps.change(a[name], b[name], {}, {})
  end
  return html.all(parts)
end

--- The page.
---@param sides table[] of cli/compare.lua: label, runs, mean, low, high, against, over_runs
---@param phase string which scores
---@param told table {rows = function(run) → what the overview says of it; before = raw,
--- shown first}
---@return string
function versus.make(sides, phase, told)
  local names = {}
  for i, side in ipairs(sides) do
    names[i] = side.label .. " " .. html.name(side.runs[1].name)
      .. (#side.runs > 1 and (" and %d more"):format(#side.runs - 1) or "")
  end
  local parts = { told.before or "", tag("h1", { table.concat(names, ", ") }),
    tag("p", { class = "soft small", ("scores: %s"):format(phase) }),
    overview(sides, phase, told.rows), picture(sides) }
  for _, side in ipairs(sides) do parts[#parts + 1] = mean_line(side) end
  for i = 2, #sides do
    parts[#parts + 1] = difference(sides[1], sides[i])
    parts[#parts + 1] = texts(sides[1], sides[i])
  end
  return sheet.make(table.concat(names, ", "), html.all(parts))
end

return versus
