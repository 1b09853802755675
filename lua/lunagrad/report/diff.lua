--- What changed between two texts, by words; and which piece of feedback asked for each change.
--
-- The difference is Myers' (An O(ND) Difference Algorithm, 1986), on words and marks with the
-- blanks and line ends that follow them, so that the pieces put together are the texts again. Texts that differ
-- in more than MOST words are told apart as a whole. Which feedback belongs to which change is a
-- guess by the words that they share, and pages say so. Pure.

local layer = require "lunagrad.text"

local diff = {}

local MOST = 800 -- words that differ; what Myers' way takes grows with the square of it

---@param text string
---@return string[]
local function words_of(text)
  local words, at = {}, 1
  local lead = text:match "^%s+"
  if lead then words[1], at = lead, #lead + 1 end
  while at <= #text do
    local word = text:match("^[^%s%p]+%s*", at) or text:match("^%p%s*", at)
    words[#words + 1], at = word, at + #word
  end
  return words
end

-- Equal but for the blanks behind them: a word at a line's end is the same word.
local function same(a, b) return a == b or a:match "^%S*" == b:match "^%S*"
  and a:find "%S" ~= nil end

-- The furthest points of Myers' greedy search, round by round; nil: too far apart.
local function rounds(a, b)
  local n, m = #a, #b
  local furthest, trace = { [1] = 0 }, {}
  for d = 0, math.min(n + m, MOST) do
    local copy = {}
    for k = -d, d do copy[k] = furthest[k] end
    trace[d] = copy
    for k = -d, d, 2 do
      local down = k == -d or k ~= d and (furthest[k - 1] or -1) < (furthest[k + 1] or -1)
      local x = down and furthest[k + 1] or furthest[k - 1] + 1
      while x < n and x - k < m and same(a[x + 1], b[x - k + 1]) do x = x + 1 end
      furthest[k] = x
      if x >= n and x - k >= m then return trace, d end
    end
  end
  return nil
end

-- The way back, from the end: a list of { "same" | "del" | "add", word }, last first.
local function walk_back(a, b, trace, rounds_taken)
  local x, y, steps = #a, #b, {}
  local function step(kind, word) steps[#steps + 1] = { kind, word } end
  for d = rounds_taken, 1, -1 do
    local v, k = trace[d], x - y
    local down = k == -d or k ~= d and (v[k - 1] or -1) < (v[k + 1] or -1)
    local from_k = down and k + 1 or k - 1
    local from_x = v[from_k]
    local from_y = from_x - from_k
    while x > from_x and y > from_y do
      step("same", b[y])
      x, y = x - 1, y - 1
    end
    if down then step("add", b[y]) else step("del", a[x]) end
    x, y = from_x, from_y
  end
  for i = y, 1, -1 do step("same", b[i]) end
  return steps
end

-- Neighbours of one sort in one piece; of a change what is left out comes before what is put in.
local function joined(steps)
  local pieces, del, add = {}, {}, {}
  local function flush()
    if #del > 0 then pieces[#pieces + 1] = { kind = "del", text = table.concat(del) } end
    if #add > 0 then pieces[#pieces + 1] = { kind = "add", text = table.concat(add) } end
    del, add = {}, {}
  end
  local same_words = {}
  for i = #steps, 1, -1 do
    local kind, word = steps[i][1], steps[i][2]
    if kind == "same" then
      flush()
      same_words[#same_words + 1] = word
    else
      if #same_words > 0 then
        pieces[#pieces + 1] = { kind = "same", text = table.concat(same_words) }
        same_words = {}
      end
      table.insert(kind == "del" and del or add, word)
    end
  end
  flush()
  if #same_words > 0 then
    pieces[#pieces + 1] = { kind = "same", text = table.concat(same_words) }
  end
  return pieces
end

--- What changed.
---@param before string
---@param after string
---@return { kind: "same"|"del"|"add", text: string }[]
function diff.words(before, after)
  if before == after then return { { kind = "same", text = before } } end
  local a, b = words_of(before), words_of(after)
  local trace, taken = rounds(a, b)
  if not trace then
    return { { kind = "del", text = before }, { kind = "add", text = after } }
  end
  return joined(walk_back(a, b, trace, taken))
end

-- ---- which feedback asked for it -----------------------------------------------------------

local COMMON = {}
for word in ([[a an and are as at be but by for from has have if in into is it its no not of on one
  or that the their them then there they this to was what when which who will with you your]])
  :gmatch "%S+" do
  COMMON[word] = true
end

-- A word and its plural, its -ing and its -ed count as one, well enough for a guess.
local function stem(word)
  return (#word > 5 and word:gsub("ing$", ""):gsub("ed$", "") or word):gsub("e?s$", "")
end

local function bag_of(text)
  local bag = {}
  for word in layer.fold(text):gmatch "[^%s%p]+" do
    if not COMMON[word] then bag[stem(word)] = true end
  end
  return bag
end

-- The sentences and list items of a piece of feedback.
local function sentences_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    for sentence in (line .. " "):gmatch "(.-[.!?]+)%s" do list[#list + 1] = sentence end
    local rest = line:match "([^.!?]+)$"
    if rest and rest:find "%w" then list[#list + 1] = rest end
  end
  return list
end

-- The share of a bag's words that stand in the other, rare words counting for more.
local function shared(bag, other, rarity)
  local hit, all = 0, 0
  for word in pairs(bag) do
    local weight = rarity[word] or 1
    all = all + weight
    if other[word] then hit = hit + weight end
  end
  return all > 0 and hit / all or 0
end

local function rarity_of(bags)
  local counts = {}
  for _, bag in ipairs(bags) do
    for word in pairs(bag) do counts[word] = (counts[word] or 0) + 1 end
  end
  local rarity = {}
  for word, n in pairs(counts) do rarity[word] = 1 / n end
  return rarity
end

local ENOUGH = 0.25 -- of a change's words must stand in what is shown beside it

--- The sentence of feedback that shares most with a change.
---@param pieces { kind: string, text: string }[] of diff.words
---@param feedback { text: string, example: integer|nil }[]
---@return table<integer, { sentence: string, feedback: integer, example: integer|nil }> by number of
--- the piece; those that nothing fits are left out
function diff.reasons(pieces, feedback)
  local list, bags = {}, {}
  for n, one in ipairs(feedback) do
    for _, sentence in ipairs(sentences_of(one.text)) do
      list[#list + 1] = { sentence = sentence:match "^[%s*-]*(.-)%s*$", feedback = n,
        example = one.example }
      bags[#bags + 1] = bag_of(sentence)
    end
  end
  local rarity, reasons = rarity_of(bags), {}
  for i, piece in ipairs(pieces) do
    if piece.kind == "add" or piece.kind == "del" then
      local best, at = ENOUGH, nil
      local bag = bag_of(piece.text)
      for n, other in ipairs(bags) do
        local share = shared(bag, other, rarity)
        if share > best then best, at = share, n end
      end
      reasons[i] = at and list[at] or nil
    end
  end
  return reasons
end

--- A long addition in its sentences, so that each can have a reason of its own.
---@param pieces { kind: string, text: string }[]
---@return { kind: string, text: string }[]
function diff.by_sentence(pieces)
  local out = {}
  for _, piece in ipairs(pieces) do
    if piece.kind == "same" then
      out[#out + 1] = piece
    else
      local at = 1
      for stop in piece.text:gmatch "[.!?\n]+%s+()" do
        out[#out + 1] = { kind = piece.kind, text = piece.text:sub(at, stop - 1) }
        at = stop
      end
      if at <= #piece.text then out[#out + 1] = { kind = piece.kind, text = piece.text:sub(at) } end
    end
  end
  return out
end

return diff
