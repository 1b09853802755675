--- The examples of a search on a page: who is right where, what each says and what was answered; and
--- the training examples that its steps learned from.

local asked = require "lunagrad.report.asked"
local html = require "lunagrad.report.html"
local matrix = require "lunagrad.report.matrix"
local reading = require "lunagrad.report.reading"

local example_list = {}

local tag, raw = html.tag, html.raw
local OUTPUT = 400      -- bytes of an answer that are shown
local INPUT = 1200      -- … of a question
local SNIPPET = 90      -- … of it in a headline
local WHO = 12          -- steps that are named of an example

local KEY = raw('<p class="key small"><span><i class="k-right"></i>right</span> '
  .. '<span class="k-wrong">▪ wrong</span> <span><i class="k-fixed"></i>'
  .. 'fixed, against the first parent</span> '
  .. '<span class="k-broke">✕ broke</span> <span class="soft">empty: not asked</span></p>')

-- Examples on which candidates differ come first: they say something.
local function ordered(search)
  local low, high, rank = {}, {}, {}
  for _, one in ipairs(search.candidates) do
    for example, score in pairs(one.by_example) do
      low[example] = math.min(low[example] or score, score)
      high[example] = math.max(high[example] or score, score)
    end
  end
  for _, example in ipairs(search.examples) do
    rank[example] = low[example] and high[example] - low[example] or 0
  end
  local list = table.move(search.examples, 1, #search.examples, 1, {})
  table.sort(list, function(a, b)
    if rank[a] ~= rank[b] then return rank[a] > rank[b] end
    return a < b
  end)
  return list, rank
end

local function line_of(text)
  return html.cut((text:gsub("%s+", " ")), SNIPPET)
end

-- What it says: in a table of its own, so that question and truth are told apart.
local function question_of(said)
  if not said then return "" end
  local parts = { tag("div", { class = "soft small", "the input" }),
    tag("pre", { html.cut(said.input, INPUT) }) }
  if said.target then
    parts[3] = tag("div", { class = "soft small", "what is right" })
    parts[4] = tag("pre", { html.cut(said.target, OUTPUT) })
  end
  return html.all(parts)
end

local function score_text(score) return score and ("%g"):format(score) or "–" end

-- How the best texts do on it against the first ones, for the list's filter.
local function flip_of(was, is, differs)
  local flip = was and is and (is > was and "fixed" or is < was and "broke") or nil
  return flip and (flip .. " differ") or differs and "differ" or nil
end

local function example_of(search, example, rows, said, prefix, differs)
  local seed, best = search.by_idx[0], search.by_idx[search.best_idx or -1]
  local was, is = seed and seed.by_example[example], best and best.by_example[example]
  local parts = { id = ("%se%d"):format(prefix, example), ["data-f"] = flip_of(was, is, differs),
    tag("summary", { tag("b", { ("example %d"):format(example) }), tag("span", { class = "small",
      ("start %s, best %s"):format(score_text(was), score_text(is)) }),
      said and tag("span", { class = "small soft", line_of(said.input) }) or "" }),
    question_of(said) }
  for _, one in ipairs(rows or {}) do
    parts[#parts + 1] = tag("div", { class = "soft small", ("answered by %s%s · scored %s"):format(
      table.concat(one.who, ", "), one.more > 0 and (" and %d more"):format(one.more) or "",
      score_text(one.score)) })
    parts[#parts + 1] = tag("pre", { html.cut(one.text, OUTPUT) })
  end
  return tag("details", parts)
end

local CHUNK, MISSES = 10, 3 -- read at once; that found no room, before others are not tried

-- ---- the list ------------------------------------------------------------------------------------

local LEAST = 250 -- bytes that an example takes at least

local function filter(prefix)
  local options = { id = prefix .. "flips", ["data-flips"] = "1",
    ["aria-label"] = "which examples" }
  for _, one in ipairs { { "", "all examples" }, { "fixed", "fixed by the best" },
    { "broke", "broken by the best" }, { "differ", "those that differ" } } do
    options[#options + 1] = tag("option", { value = one[1], one[2] })
  end
  return tag("p", { class = "js-only", tag("select", options) })
end

--- The examples of a page's list, as far as there is room.
---@param handle table
---@param search lunagrad.reading.search
---@param list integer[] in the order in which they are shown
---@param rank table<integer, number> 0: all candidates have the same score there
---@param prefix string
---@param room integer bytes
---@return table[] raw
function example_list.rows(handle, search, list, rank, prefix, room)
  local found, missed = {}, 0
  for from = 1, #list, CHUNK do
    if missed >= MISSES then break end
    local some = table.move(list, from, math.min(#list, from + CHUNK - 1), 1, {})
    local rows = reading.outputs(handle, search, some)
    local said = asked.texts(handle, search, "validation", some)
    for _, example in ipairs(some) do
      local one = example_of(search, example, rows[example], said[example], prefix,
        rank[example] > 0)
      if #one.text <= room then
        found[#found + 1], room = one, room - #one.text
      else
        missed = missed + 1
      end
    end
  end
  return found
end

local function pictures(search, prefix, note, room)
  local blocks, without, beyond = matrix.svg(search, prefix, note, room > 150000 and 400 or 200,
    room // 2)
  local parts, bytes = {}, 0
  for i, block in ipairs(blocks) do
    parts[i] = tag("div", { class = "scroll", tabindex = "0", role = "region",
      ["aria-label"] = "examples by candidate", raw(block) })
    bytes = bytes + #block
  end
  if without + beyond > 0 then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("Not shown: %d candidates, %d examples; lunagrad export has all."):format(without,
        beyond) })
  end
  return html.all(parts), bytes
end

--- The section of a search's validation set; nothing where it has none.
---@param handle table
---@param search lunagrad.reading.search
---@param prefix string of its ids
---@param note string|nil
---@param room integer bytes
---@param more string|nil of a served page: where the rest of the list is
function example_list.section(handle, search, prefix, note, room, more)
  if #search.examples == 0 then return "" end
  local picture, bytes = pictures(search, prefix, note, room)
  local list, rank = ordered(search)
  local found = example_list.rows(handle, search, list, rank, prefix, room - bytes)
  local left = #list - #found
  local words = left > 0 and (" (%d of %d)"):format(#found, #list) or (" (%d)"):format(#list)
  table.insert(found, 1, filter(prefix))
  table.insert(found, 1, tag("summary", { "Inputs and answers" .. words
    .. ", first those on which candidates differ" }))
  found.id = prefix .. "answers"
  local rest = left > 0 and tag("p", { class = "soft small", more and tag("a", { href = more,
    ("the other %d examples"):format(left) })
    or ("%d more are in lunagrad export."):format(left) }) or ""
  return html.all { tag("h2", { id = prefix .. "examples", "Examples" }),
    tag("p", { class = "soft small", "A column an example of the validation set, a row a candidate."
      .. " A click opens its input and the answers." }), KEY, picture, tag("details", found),
    rest }
end

--- Some of a search's examples, in the order in which the list has them.
---@param handle table
---@param search lunagrad.reading.search
---@param from integer
---@param to integer
---@return table raw
function example_list.some(handle, search, from, to)
  local list, rank = ordered(search)
  local some = table.move(list, from, math.min(#list, to), 1, {})
  return html.all(example_list.rows(handle, search, some, rank, "s", math.maxinteger))
end

-- ---- training examples -----------------------------------------------------------------------------

local MOST_STEPS = 300 -- whose batches are looked at

-- Which steps learned from each; of very many steps, those that were kept.
local function lessons(search)
  local list, steps_of, left = {}, {}, MOST_STEPS
  local all = #search.proposals <= MOST_STEPS
  for _, proposal in ipairs(search.proposals) do
    local looked = left > 0 and (all or proposal.accepted)
    left = left - (looked and 1 or 0)
    for _, one in ipairs(looked and proposal.batch or {}) do
      local steps = steps_of[one.example]
      if not steps then
        steps = {}
        steps_of[one.example], list[#list + 1] = steps, one.example
      end
      if steps[#steps] ~= proposal.number then steps[#steps + 1] = proposal.number end
    end
  end
  table.sort(list)
  return list, steps_of
end

local function lesson_of(example, said, steps, prefix, has_calls)
  local parts = { id = ("%st%d"):format(prefix, example), tag("summary", {
    tag("b", { ("training example %d"):format(example) }), tag("span", { class = "small soft",
      line_of(said.input) }) }), question_of(said) }
  local links = { class = "chips small", "learned from by " }
  for i = 1, math.min(#steps, WHO) do
    links[#links + 1] = tag("a", { href = ("#%sp%d"):format(prefix, steps[i]),
      ("step %d"):format(steps[i]) })
  end
  parts[#parts + 1] = tag("p", links)
  if has_calls then
    parts[#parts + 1] = tag("p", { class = "js-only small", tag("a", { href = "#calls",
      ["data-q"] = ("train example %d"):format(example), "its calls" }) })
  end
  return tag("details", parts)
end

--- What steps learned from; nothing where the store does not say.
---@param handle table
---@param search lunagrad.reading.search
---@param prefix string
---@param room integer bytes
---@param has_calls boolean the page has a list of calls
---@return table|string raw
---@return table<integer, boolean> examples that are shown
function example_list.training(handle, search, prefix, room, has_calls)
  local list, steps_of = lessons(search)
  local some = table.move(list, 1, math.min(#list, room // LEAST), 1, {})
  local said, shown, parts = asked.texts(handle, search, "train", some), {}, {}
  for _, example in ipairs(some) do
    local one = said[example] and lesson_of(example, said[example], steps_of[example], prefix,
      has_calls)
    if one and #one.text <= room then
      parts[#parts + 1], shown[example], room = one, true, room - #one.text
    end
  end
  if #parts == 0 then return "", shown end
  local words = #parts < #list and ("%d of the %d"):format(#parts, #list) or tostring(#list)
  table.insert(parts, 1, tag("summary", { ("Training examples that steps learned from (%s)")
    :format(words) }))
  return tag("details", parts), shown
end

return example_list
