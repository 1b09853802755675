--- What a text tells somebody who counts things: which careful habits it asks for,
--- which bad habits, and which mistakes it complains of.
--
-- Each slip of the answerer (see slips.lua) has cues: sets of word classes that
-- must meet in one sentence. They are about meaning, not about anybody's exact
-- words, so instructions of any author work, and so do feedback and criticism.
-- Read by the answerer (instructions), the critic (what is already said) and the
-- editor (what feedback asks for).

local lexer = require "lunagrad.world.lexer"

local cues = {}

local vocabulary = lexer.vocabulary {
  list = "list, enumerate, itemize, itemise, inventory, tabulate, name, mention, write out, "
    .. "write down, go through, walk through, go over, work through, note down, set out, lay out, "
    .. "break down, breakdown, bullet, list out, spell out each",
  item = "item, thing, object, entry, element, noun, member, one listed",
  each = "each, every, all, everything, any, anything, single",
  onebyone = "one by one, one at time, item by item, individually, separately, in turn, "
    .. "one after other, line by line",
  step = "step by step, stepwise, steps, show work, show reasoning, show calculation, "
    .. "think aloud, reasoning, think through, work out",
  care = "careful, care, attention, attentive, precise, precisely, thorough, accurate, close",
  skip = "skip, miss, omit, overlook, leave out, left out, lose, lost, drop, forget, forgot, "
    .. "passed over, pass over",
  quantity = "quantity, multiplicity, plural, multiple, amount, many each, number word, "
    .. "number each, number before, number in front, number front, "
    .. "number precedes, stated number, given number, how many there are, number given, "
    .. "number stated, units, copies",
  numword = "two, three, four, five, six, seven, eight, nine, 2, 3, 4, 5",
  countas = "count as, mean, equal, contribute, stand, worth",
  number = "number, count, figure",
  with = "with, beside, alongside, together, next, along, behind",
  count = "count, add, include, tally, consider, take, treat, sum, put, counted, including",
  total = "total, sum, addition, arithmetic, calculation, result, answer, work, working, tally, "
    .. "computation, final count, adding",
  only = "only, just, solely, exclusively, nothing but",
  category = "category, kind, type, class, group, asked, question, relevant, belong, qualify, "
    .. "match, requested, belongs, fits, fit, asks",
  belong = "belong, qualify, match, fit, category, kind, type, class, group, asked, relevant, "
    .. "fruit, vegetable, animal, instrument",
  other = "other, another, different, unrelated, irrelevant, outside, else, distractor, distract, "
    .. "rest, distraction, foreign, whatever is not, not asked",
  exclude = "ignore, exclude, discard, disregard, filter out, leave out, omit, skip, drop, remove, "
    .. "set aside, leave aside, cross out, eliminate, filter",
  decide = "check, decide, ask, determine, judge, mark, classify, make sure, verify, ensure, "
    .. "label, sort",
  held = "head, stalk, bunch, container, packaging, "
    .. "unit word, measure word, clove, piece, ear, portion",
  recheck = "double check, recheck, verify, recount, check, confirm, twice, second time, re add, "
    .. "recompute, recalculate, re count, count over, validate",
  addition = "addition, arithmetic, adding, add up, added up, summing",
  addup = "add, sum, tally, total, accumulate",
  asone = "single one, as one, as 1, once",
  running = "running total, running sum, running count, running, subtotal, as you go, "
    .. "partial sum, cumulative",
  written = "write, show, written, wrote",
  digit = "digit, numeral, arabic, numeric, numerical, integer, figures",
  word = "word, prose",
  inwords = "in word, as word, written out, word form, one word, single word, "
    .. "word only, in letters, spelled, spelt, spell number, spell answer",
  answer = "answer, result, total, number, verdict, conclusion, count",
  asnumber = "as number, as single number, as plain number, plain number, number itself, "
    .. "only number, just number, number only, bare number, number alone, answer value, "
    .. "answer number",
  ending = "end, finish, conclude, conclusion, last line, final line, last sentence, last, "
    .. "own line, closing, close with, line by itself, separate line",
  nothing = "nothing, no more, stop",
  after = "after, else, behind, follow, follows, following, further, afterwards, beyond, more, "
    .. "trailing, additional",
  speak = "add, write, comment, explain, text, say, remark, explanation, word, talk, continue",
  format = "format, form, shape, template",
  -- bad habits
  brief = "brief, concise, terse, short, shortest, quick, quickly, fast, minimal, laconic, "
    .. "one word, single word, few word, snappy",
  onlyanswer = "only number, only answer, just number, just answer, nothing but, number only, "
    .. "answer only, only final, just final, only with number, only with final, number alone",
  explain = "explain, explanation, reasoning, reason, steps, show, working, comment, intermediate",
  guess = "guess, estimate, approximate, intuition, first impression, gut, roughly, eyeball",
  chatty = "fun fact, story, chatty, background, anecdote, further remarks, elaborate, trivia, "
    .. "interesting fact, closing remark, curious fact, extra facts",
  onceeach = "ignore quantity, regardless quantity, each kind once, kinds once, once per kind, "
    .. "disregard quantity, ignore number, ignore numbers, distinct kinds, every kind once",
  everything = "count everything, include everything, add everything, count anything, "
    .. "regardless category, regardless type, regardless kind, whatever category, whatever kind, "
    .. "whatever type, count every item",
  wrong = "wrong, wrongly, incorrect, error, mistake, slip, miscalculate, misadd, off, faulty, "
    .. "does not match",
  trailer = "ramble, rambles, trailing, buried, bury, aside, digress, afterthought, chatter, "
    .. "last number, wanders, remark",
  norm = "should, must, need, ask, tell, require, want, instruct, better",
  remove = "remove, drop, delete, take out, strike, get rid, stop asking",
}

-- Each cue: strength, then groups that must all be met. "a|b" any of; "!a" under a
-- negation; "~a" either way. `unless`: classes that spoil it. Strongest first.
local cure = {
  skip = {
    { 0.985, "list|onebyone", "~item|each|onebyone", unless = { "onceeach" } },
    { 0.95, "count|decide|number", "onebyone" },
    { 0.90, "!skip|!exclude", "~item|~each|nothing",
      unless = { "!held", "quantity", "!quantity" } },
    { 0.60, "!skip", unless = { "!held", "!quantity" } },
    { 0.60, "list", unless = { "number" } },
    { 0.45, "step" },
    { 0.20, "care" },
  },
  quantity = {
    { 0.985, "quantity", "count|item|each|care|word|list|written|total|number|with|decide",
      unless = { "onceeach" } },
    { 0.85, "quantity", unless = { "onceeach" } },
    { 0.95, "numword", "countas", "number|count|numword|item", unless = { "held", "answer" } },
    { 0.90, "number", "each", "with|onebyone", unless = { "answer", "onceeach" } },
    { 0.20, "step" },
    { 0.15, "care" },
  },
  distractor = {
    { 0.985, "only", "count|list|number|decide", "~category|~belong|~other", unless = { "held" } },
    { 0.985, "exclude|!count", "~other|~belong|!category", unless = { "held", "!held" } },
    { 0.95, "decide", "each|item", "~belong", unless = { "held" } },
    { 0.10, "care" },
  },
  container = {
    { 0.985, "held", "count|countas|item|category|care|each|quantity" },
    { 0.95, "!exclude|!skip", "held|!held" },
  },
  sum = {
    { 0.95, "recheck", "total" },
    { 0.95, "addup|total", "running|onebyone|step" },
    { 0.90, "written", "total", "addup", unless = { "ending", "after" } },
    { 0.60, "recheck", unless = { "belong" } },
    { 0.45, "step" },
    { 0.15, "care" },
  },
  words = {
    { 0.985, "digit", unless = { "inwords" } },
    { 0.92, "!inwords|!word", "~answer|~digit|~total" },
    { 0.90, "asnumber" },
  },
  ramble = {
    { 0.985, "ending", "answer|digit", unless = { "recheck", "chatty" } },
    { 0.95, "nothing|!speak", "after|!after", unless = { "chatty" } },
    { 0.85, "format", "answer" },
    { 0.90, "onlyanswer" },
  },
}

local harm = {
  { 1.0, "brief", to = { "skip", "quantity", "sum" }, unless = { "list" }, name = "brief" },
  { 1.0, "onlyanswer", to = { "skip", "quantity", "sum" }, name = "brief",
    unless = { "ending", "after", "category", "belong", "format" } },
  { 0.8, "!explain", to = { "skip", "quantity", "sum" }, unless = { "after", "!after", "ending" },
    name = "brief" },
  { 1.0, "!list", "~item|~each|answer|~explain", to = { "skip" }, name = "unlisted" },
  { 1.0, "guess", to = { "skip", "sum" }, name = "guess" },
  { 1.0, "inwords", to = { "words" }, unless = { "digit" }, name = "words" },
  { 1.0, "chatty", to = { "ramble" }, name = "chatty" },
  { 1.0, "onceeach", to = { "quantity" }, name = "once" },
  { 1.0, "everything", to = { "distractor" }, name = "everything",
    unless = { "belong", "category", "only" } },
  { 1.0, "!count|exclude", "held|!held", to = { "container" }, name = "unheld" },
}

-- Complaints: what feedback says went wrong, where it does not say what to do.
local complaint = {
  skip = {
    { 1, "skip", "item|numword|number|each", unless = { "held", "!held" } },
    { 1, "!list", "~item|each" },
  },
  quantity = { { 1, "quantity|asone", unless = { "held" } } },
  distractor = { { 1, "count", "!belong|!category|other", unless = { "held", "quantity" } } },
  container = { { 1, "held", "item|count|!count|exclude|!exclude|skip|!skip" } },
  sum = { { 1, "wrong", "addition" } },
  words = { { 1, "inwords" }, { 1, "!digit" } },
  ramble = { { 1, "trailer", "answer|after" } },
}

local function compile(list)
  for _, cue in ipairs(list) do
    for i = 2, #cue do
      local any = {}
      for name in cue[i]:gmatch "[^|]+" do
        local either = name:match "^~(.+)$"
        any[#any + 1] = either or name
        if either then
          any[#any + 1] = "!" .. either
        end
      end
      cue[i] = any
    end
  end
end
for _, table_of in ipairs { cure, complaint } do
  for _, list in pairs(table_of) do
    compile(list)
  end
end
compile(harm)

local function meets(cue, hits)
  for i = 2, #cue do
    local any, met = cue[i], false
    for j = 1, #any do
      if hits[any[j]] then
        met = true
        break
      end
    end
    if not met then
      return false
    end
  end
  for _, class in ipairs(cue.unless or {}) do
    if hits[class] then
      return false
    end
  end
  return true
end

-- The strongest cue of a list that a sentence meets, 0 for none.
local function strongest(list, hits)
  for i = 1, #list do
    if meets(list[i], hits) then
      return list[i][1]
    end
  end
  return 0
end

cues.slips = { "skip", "quantity", "distractor", "container", "sum", "words", "ramble" }

---@class sim.advice
---@field cure table<string, number> slip → how strongly the text asks for what prevents it, 0…1
---@field harm table<string, number> slip → how strongly it asks for what causes it
---@field words integer

--- Read instructions. With `each`, it is called for every sentence with what that
--- one says: each(from, to, cure, harm, hits).
---@param text string
---@param each? fun(from: integer, to: integer, cure: table, harm: table, hits: table)
---@return sim.advice
function cues.read(text, each)
  local missing, harms, count = {}, {}, 0
  lexer.read(vocabulary, text, function(hits, n, from, to)
    count = count + n
    if not next(hits) then
      return
    end
    local here_cure, here_harm = each and {}, each and {}
    for _, slip in ipairs(cues.slips) do
      local s = strongest(cure[slip], hits)
      if s > 0 then
        missing[slip] = (missing[slip] or 1) * (1 - s)
        if each then
          here_cure[slip] = s
        end
      end
    end
    for _, cue in ipairs(harm) do
      if meets(cue, hits) then
        for _, slip in ipairs(cue.to) do
          harms[slip] = math.max(harms[slip] or 0, cue[1])
        end
        if each then
          here_harm[cue.name] = true
        end
      end
    end
    if each then
      each(from, to, here_cure, here_harm, hits)
    end
  end)
  -- People lose the thread of very long instructions.
  local attention = 1 - math.min(0.25, math.max(0, count - 250) / 2000)
  local cures = {}
  for slip, left in pairs(missing) do
    cures[slip] = (1 - left) * attention
  end
  return { cure = cures, harm = harms, words = count }
end

--- Read feedback: which slips does it want prevented, by advice or by complaint?
---@param text string
---@return table<string, integer> slip → number of sentences that speak of it
---@return table<string, boolean> names of bad habits it wants ("brief", "words" …)
---@return boolean whether it asks to take something out
function cues.wishes(text)
  local wanted, bad, remove = {}, {}, false
  cues.read(text, function(_, _, here, harms, hits)
    local complains = false
    for _, slip in ipairs(cues.slips) do
      -- "It was in words" complains; "it should be in words" does not.
      local blames = not hits.norm and strongest(complaint[slip], hits) > 0
      if (here[slip] or 0) >= 0.8 or blames then
        wanted[slip] = (wanted[slip] or 0) + 1
      end
      complains = complains or blames
    end
    remove = remove or hits.remove or false
    if not (hits.remove or hits.wrong or complains) then
      for name in pairs(harms) do
        bad[name] = true
      end
    end
  end)
  return wanted, bad, remove
end

return cues
