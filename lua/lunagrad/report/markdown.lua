--- A run as Markdown: what a pull request or a notebook takes. Shorter than the page: the head, the
--- steps with what they changed, the last texts, what was bought.

local diff = require "lunagrad.report.diff"
local plaintext = require "lunagrad.report.plain"
local prices = require "lunagrad.prices"
local reading = require "lunagrad.report.reading"

local markdown = {}

local function number(value) return value and ("%.3f"):format(value) or "–" end

-- Marks that Markdown would read, in a line of text.
local function plain(text)
  return (text:gsub("[\r\n]+", " "):gsub("[\\`*_{}%[%]<>#|~]", "\\%0"))
end

-- A fence that no line of the text closes.
local function fenced(text)
  local longest = 2
  for run in text:gmatch "`+" do longest = math.max(longest, #run) end
  local fence = ("`"):rep(longest + 1)
  return fence .. "text\n" .. text .. (text:sub(-1) == "\n" and "" or "\n") .. fence
end

local function claim_line(claim)
  if type(claim) ~= "table" or not claim.gain then
    return "No test set: a validation score overstates the gain."
  end
  local interval = claim.low and claim.high and (" [%+.3f, %+.3f]"):format(claim.low, claim.high)
    or ""
  local p = claim.p and (claim.p < 0.001 and ", p < .001" or (", p = %.3f"):format(claim.p)) or ""
  return ("**%s** on a test set: %+.3f%s%s, n = %d."):format(claim.shown and "Shown" or "Not shown",
    claim.gain, interval, p, claim.n or 0)
end

local function changed(before, after)
  local parts = {}
  for _, piece in ipairs(diff.words(before, after)) do
    local text = plain(piece.text)
    local core, rest = text:match "^(.-)(%s*)$"
    if piece.kind == "add" then text = "**" .. core .. "**" .. rest end
    if piece.kind == "del" then text = "~~" .. core .. "~~" .. rest end
    parts[#parts + 1] = text
  end
  return table.concat(parts)
end

local function step_lines(lines, search, one)
  local after = one.after or one.before and one.gain and one.before + one.gain
  lines[#lines + 1] = ("### Step %d, %s: %s, %s → %s"):format(one.number,
    plain(one.operator or "by hand"),
    one.aside and "scored" or one.accepted and "kept" or "not kept", number(one.before),
    number(after))
  if one.compared > 0 then
    lines[#lines + 1] = ("%s of %d.\n"):format(one.flips, one.compared)
  end
  local parent = search.by_idx[one.parents[1] or 0]
  for _, name in ipairs(search.params) do
    local was, is = parent and parent.texts[name] or "", one.texts and one.texts[name]
    if is and is ~= was then lines[#lines + 1] = changed(was, is) .. "\n" end
  end
end

local function search_lines(lines, search, number_of)
  lines[#lines + 1] = ("\n## %s %d (%s)\n"):format(search.kind == "train" and "Training"
    or "Search",
    number_of, plain(table.concat(search.params, ", ")))
  lines[#lines + 1] = ("%s → %s on validation, %d steps, %d kept. %s\n"):format(
    number(search.seed_score), number(search.best_score), #search.proposals,
    math.max(0, #search.candidates - 1), claim_line(search.claim))
  for _, one in ipairs(search.proposals) do
    if not one.aside then step_lines(lines, search, one) end
  end
  local best = search.by_idx[search.best_idx or -1]
  for _, name in ipairs(best and search.params or {}) do
    if best.texts[name] then
      lines[#lines + 1] = ("\n### The end: %s\n\n%s"):format(plain(name), fenced(best.texts[name]))
    end
  end
end

local function ledger_lines(lines, run)
  if #run.ledger == 0 then return end
  lines[#lines + 1] = "\n## What was bought\n\n| role | model | calls | in | out | cost |"
    .. "\n|---|---|--:|--:|--:|--:|"
  for _, row in ipairs(run.ledger) do
    lines[#lines + 1] = ("| %s | %s | %d | %d | %d | %s |"):format(row.role, plain(row.model or ""),
      row.calls, row.input or 0, row.output or 0,
      (row.unpriced or 0) == 0 and prices.text(row.micros or 0) or "not known")
  end
end

--- The text of a run.
---@param run lunagrad.reading
---@return string
function markdown.make(run)
  local lines = { "# " .. plain(run.name) .. "\n" }
  if run.is_sim then
    lines[#lines + 1] = "*Made on sim, a rule-based stand-in: no evidence about a model.*\n"
  end
  local chief = reading.chief(run)
  if chief then
    lines[#lines + 1] = ("**%s → %s** on validation. %s\n"):format(number(chief.seed_score),
      number(chief.best_score), claim_line(chief.claim))
  end
  lines[#lines + 1] = ("%d calls bought, %d served; %s."):format(run.total.bought, run.total.served,
    #run.models > 0 and plain(table.concat(run.models, ", ")) or "models in the process")
  if type(run.meta.command) == "string" then
    lines[#lines + 1] = "\n" .. fenced(plaintext.cut(run.meta.command, 2000))
  end
  for _, search in ipairs(run.searches) do search_lines(lines, search, search.number) end
  for i, row in ipairs(run.means) do
    if i == 1 then lines[#lines + 1] = "\n## Evaluations\n" end
    lines[#lines + 1] = ("* %s: %s of %d"):format(plain(row.phase or ""), number(row.mean), row.n)
  end
  ledger_lines(lines, run)
  return plaintext.text(table.concat(lines, "\n")) .. "\n"
end

return markdown
