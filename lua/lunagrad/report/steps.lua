--- Steps of a search as a page shows them: what changed, which feedback asked for it, and which
--- examples it fixed and broke.

local diff = require "lunagrad.report.diff"
local html = require "lunagrad.report.html"

local steps = {}

local tag = html.tag
local MOST_CHIPS = 60

local function number(value) return value and ("%.3f"):format(value) or "–" end

--- A training example leads to where it is shown; where it has no place on the page, to its calls.
---@param example integer
---@param prefix table { own, calls = true: there are some, trained = example → it is shown }
---@param words string
---@return table raw
function steps.training_example(example, prefix, words)
  if prefix.trained and prefix.trained[example] then
    return tag("a", { href = ("#%st%d"):format(prefix.own, example), class = "small", words })
  end
  if not prefix.calls then return tag("span", { class = "small", words }) end
  return tag("a", { href = "#calls", class = "small",
    ["data-q"] = ("train example %d"):format(example), words })
end

--- Examples as links to where they are shown.
---@param list integer[]
---@param prefix string
---@return table raw
function steps.chips(list, prefix)
  local parts = { class = "chips" }
  for i, example in ipairs(list) do
    if i > MOST_CHIPS then
      parts[i] = tag("span", { ("and %d more"):format(#list - MOST_CHIPS) })
      break
    end
    parts[i] = tag("a", { href = ("#%se%d"):format(prefix, example), tostring(example) })
  end
  return tag("span", parts)
end

local PIECE, SAID = 6000, 3000 -- bytes of a change, of a feedback
local MARK = { add = "ins", del = "del" }

local function piece_of(piece)
  return MARK[piece.kind] and tag(MARK[piece.kind], { html.cut(piece.text, PIECE) })
    or piece.text
end

local SHOWN = 160 -- characters of what stayed, at each end

-- A long piece that stayed the same: its two ends.
local function shortened(text)
  if #text <= 3 * SHOWN then return text end
  local from, to = utf8.offset(text, 0, SHOWN), utf8.offset(text, 0, #text - SHOWN)
  if not (from and to) then return text end
  return text:sub(1, from - 1) .. " […] " .. text:sub(to)
end

-- Rows: a change with its surroundings on the left, the sentence that asked for it on the right.
local function rows_of(pieces, reasons, prefix)
  local rows, left = {}, { class = "text" }
  local function flush(reason)
    if #left == 0 then return end
    rows[#rows + 1] = tag("div", left)
    local right = { class = reason and "quote" or nil }
    if reason then
      right[1] = html.cut(reason.sentence, SAID)
      if reason.example then
        right[2] = " "
        right[3] = steps.training_example(reason.example, prefix,
          ("(training example %d)"):format(reason.example))
      end
    end
    rows[#rows + 1] = tag("div", right)
    left = { class = "text" }
  end
  for i, piece in ipairs(pieces) do
    if piece.kind == "same" then
      left[#left + 1] = shortened(piece.text)
    else
      left[#left + 1] = piece_of(piece)
      local next_one = pieces[i + 1]
      if reasons[i] and not (next_one and piece.kind == "del" and next_one.kind == "add") then
        flush(reasons[i])
      end
    end
  end
  flush(nil)
  return html.all(rows)
end

--- A text against the one before it, with the feedback of its parameter beside the changes.
---@param before string
---@param after string
---@param feedback table[] of that parameter
---@param prefix table as of training_example
---@return table raw
function steps.change(before, after, feedback, prefix)
  local pieces = diff.by_sentence(diff.words(before, after))
  return tag("div", { class = "why", rows_of(pieces, diff.reasons(pieces, feedback), prefix) })
end

local function feedback_of(proposal, param)
  local list = {}
  for _, one in ipairs(proposal.feedback) do
    if one.param == param then list[#list + 1] = one end
  end
  return list
end

-- All that was said, for who wants to read what the guess beside the changes was taken from.
local function all_feedback(list, prefix)
  if #list == 0 then return "" end
  local parts = { tag("summary", { class = "soft small", ("all feedback (%d)"):format(#list) }) }
  for _, one in ipairs(list) do
    local from = one.example and steps.training_example(one.example, prefix,
      ("training example %d"):format(one.example)) or ""
    parts[#parts + 1] = tag("div", { class = "soft small", from, one.example and one.from_role
      and ", " or "", html.name(one.from_role or "") })
    parts[#parts + 1] = tag("pre", { html.cut(one.text, SAID) })
  end
  return tag("details", parts)
end

local function parent_texts(search, proposal)
  local parent = search.by_idx[proposal.parents[1] or 0]
  return parent and parent.texts or {}
end

local function sorted_names(texts)
  local names = {}
  for name in pairs(texts) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function changes(search, proposal, prefix)
  if not proposal.texts then
    return tag("p", { class = "soft", "No text came of it." })
  end
  local before, parts = parent_texts(search, proposal), {}
  for _, name in ipairs(sorted_names(proposal.texts)) do
    local was, is = before[name] or "", proposal.texts[name]
    local said = feedback_of(proposal, name)
    if was ~= is or #said > 0 then
      if #search.params > 1 then parts[#parts + 1] = tag("h3", { html.name(name) }) end
      parts[#parts + 1] = was == is and tag("p", { class = "soft", "unchanged" })
        or steps.change(was, is, said, prefix)
      parts[#parts + 1] = all_feedback(said, prefix)
    end
  end
  return html.all(parts)
end

local function flips(search, proposal, prefix)
  if proposal.compared == 0 then return "" end
  local parts = { tag("p", { class = "soft small",
    ("asked on %d examples that its parent was asked, too"):format(proposal.compared) }) }
  local up = search.is_binary and "fixed" or "better on"
  local down = search.is_binary and "broke" or "worse on"
  for _, one in ipairs { { up, proposal.fixed, "up" }, { down, proposal.broke, "down" } } do
    if #one[2] > 0 then
      parts[#parts + 1] = tag("p", { tag("b", { class = one[3], ("%s %d: "):format(one[1],
        #one[2]) }),
        steps.chips(one[2], prefix.own) })
    end
  end
  return html.all(parts)
end

local function batch_line(proposal, prefix)
  if #proposal.batch == 0 then return "" end
  local list = {}
  for i, one in ipairs(proposal.batch) do
    local was = one.before and (" (%g%s)"):format(one.before,
      one.after and (" → %g"):format(one.after) or "") or ""
    list[i] = steps.training_example(one.example, prefix, one.example .. was)
  end
  list.class = "chips"
  return tag("p", { class = "small", tag("span", { class = "soft",
    "learned from training examples " }),
    tag("span", list) })
end

-- How races and budgets end, in words; other reasons are words already.
local REASON = { early = "the evidence was enough before all were asked",
  futile = "no longer likely to be better", ["the budget"] = "the budget ended" }

local function headline(proposal)
  local after = proposal.after or proposal.before and proposal.gain
    and proposal.before + proposal.gain
  local parts = { tag("b", { ("step %d"):format(proposal.number) }) }
  if proposal.operator then
    parts[#parts + 1] = tag("span", { class = "tag", proposal.operator })
  end
  local verdict = proposal.aside and "scored" or proposal.accepted and "kept" or "not kept"
  parts[#parts + 1] = tag("span", { class = proposal.aside and "soft" or proposal.accepted and "up"
    or "down", verdict })
  parts[#parts + 1] = tag("span", { ("%s → %s"):format(number(proposal.before), number(after)) })
  if proposal.compared > 0 then
    parts[#parts + 1] = tag("span", { class = "small", proposal.flips })
  end
  parts[#parts + 1] = tag("span", { class = "soft small", REASON[proposal.reason]
    or proposal.reason or "" })
  return tag("summary", parts)
end

--- One step.
---@param search lunagrad.reading.search
---@param proposal lunagrad.reading.proposal
---@param prefix table as of training_example
---@return table raw
function steps.one(search, proposal, prefix)
  return tag("details", { id = ("%sp%d"):format(prefix.own, proposal.number), headline(proposal),
    flips(search, proposal, prefix), batch_line(proposal, prefix),
    changes(search, proposal, prefix) })
end

local MANY = 12

-- Of many steps those that were not kept stand behind one line.
local function grouped(search, order, by_place)
  local kept, others, all = {}, {}, {}
  for n, i in ipairs(order) do
    all[n] = by_place[i]
    table.insert(search.proposals[i].accepted and kept or others, by_place[i])
  end
  if #all <= MANY then return html.all(all) end
  table.insert(others, 1, tag("summary", { class = "soft",
    ("%d steps that were not kept"):format(#others) }))
  return html.all { html.all(kept), tag("details", others) }
end

--- Some steps whole, in the order in which they were decided.
---@param search lunagrad.reading.search
---@param prefix table as of training_example
---@param from integer place of the first
---@param to integer
---@return table raw
function steps.some(search, prefix, from, to)
  local list = {}
  for i = from, math.min(to, #search.proposals) do
    list[#list + 1] = steps.one(search, search.proposals[i], prefix)
  end
  return html.all(list)
end

local MOST = 300 -- headlines
local MISSES = 3 -- steps that found no room: others are not even tried

--- All steps of a search that fit; others only by their headline, and of very many the last are left
--- to lunagrad export.
---@param search lunagrad.reading.search
---@param prefix table
---@param room integer bytes
---@return table raw
---@return integer how many are shown by their headline only
---@return integer how many are not shown
function steps.all(search, prefix, room)
  local whole, order = {}, {}
  -- What was kept matters more than what was not.
  for pass = 1, 2 do
    for i, proposal in ipairs(search.proposals) do
      if proposal.accepted == (pass == 1) then order[#order + 1] = i end
    end
  end
  local left_out, shown, headlines, missed = 0, {}, room / 2, 0
  room = room - headlines
  for n = 1, math.min(#order, MOST) do
    local i = order[n]
    local proposal = search.proposals[i]
    local one = missed < MISSES and steps.one(search, proposal, prefix)
    if one and #one.text <= room then
      room = room - #one.text
    else
      one = tag("details", { id = ("%sp%d"):format(prefix.own, proposal.number),
        headline(proposal) })
      left_out, headlines, missed = left_out + 1, headlines - #one.text, missed + 1
      if headlines < 0 then break end
    end
    shown[n], whole[i] = i, one
  end
  table.sort(shown)
  return grouped(search, shown, whole), left_out, #order - #shown
end

return steps
