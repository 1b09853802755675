-- game.lua - an NPC's lines and a quest's rules, tuned against simulated players of a Lua game.
--
--   lunagrad run scripts/game.lua                            on sim/designer, no key, no network
--   lunagrad run scripts/game.lua -m openai/gpt-4o-mini      a real model edits lines and rules
--
-- The game (game/quest.lua) is played by three players of different skill, who read what the
-- ferryman says (game/player.lua); what is wanted of it stands in game/judge.lua. A search edits both
-- texts; each example is a town. Towns that nothing was chosen by judge the result, beside random
-- edits and the best of n at as many evaluations. What a game loads is written to best.json.
--
-- Other arguments: evaluations=1500 seed=1 method=race baselines=yes lines=FILE rules=FILE
-- out=best.json towns=400 (that the claim is made on).

local lg = require "lunagrad"
local claim = require "lunagrad.improve.claim"
local judge = require "game.judge"
local quest = require "game.quest"

local args = lg.args
local TRAIN, VAL = 30, 60 -- towns to learn from and to choose by

local LINES = [[
greeting: Aye, another traveller at my quay.
errand: Something ought to be done before the tide, mate.
key: Aye, there is a key, and it is well hidden.
lantern: A lantern may help where it is dark, mate.
time: Time and tide wait for no one.]]

local RULES = [[
{
  "time_limit": 45,
  "purse": 0,
  "coins": 8,
  "lantern_price": 7,
  "search_time": 4
}]]

-- ---- arguments -------------------------------------------------------------------

local KNOWN = "evaluations seed method baselines lines rules out towns "

for name in pairs(args) do
  if not KNOWN:find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are %s"):format(name, KNOWN), 0)
  end
end

local function number(name, default, least)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= least then return value end
  error(("%s=%s: expected a whole number of at least %d"):format(name, args[name], least), 0)
end

local function text_of(name, default)
  if not args[name] then return default end
  local file, problem = io.open(args[name], "rb")
  if not file then error(("%s=: %s"):format(name, problem), 0) end
  local text = file:read "a"
  file:close()
  return (text:gsub("%s+$", ""))
end

local seed, evaluations = number("seed", 1, 0), number("evaluations", 1500, VAL)
local start = { lines = text_of("lines", LINES), rules = text_of("rules", RULES) }
local out = args.out or "best.json"

do -- what cannot work is said before anything is spent
  local rules, problem = quest.rules(start.rules, lg.json.decode)
  local lines, wrong = quest.lines(start.lines)
  if not rules or not lines then error("the start cannot be played: " .. (problem or wrong), 0) end
end

-- ---- the problem -----------------------------------------------------------------

local function fields()
  local list = {}
  for i, field in ipairs(quest.FIELDS) do list[i] = ("{%s} (%s)"):format(field[1], field[2]) end
  return table.concat(list, ", ")
end

local function rules_in_words()
  local list = {}
  for i, rule in ipairs(quest.RULES) do
    list[i] = ("%s (%s; from %d to %d)"):format(rule[1], rule[4], rule[2], rule[3])
  end
  return table.concat(list, ", ")
end

local ROLE = { lines = "the ferryman's five lines", rules = "rules of the quest, as JSON" }

local WANTED = ("A quest that players of every skill end well, in %d to %d bells, none of them "
  .. "much later than the others. It is a town of 25 places; in the tower a beacon has to be lit "
  .. "before the tide is in, which takes a hidden key and a lantern, bought of the chandler for "
  .. "coins that lie about. Players know only what the ferryman says at the quay (the first words "
  .. "of each line) and what they meet. His lines begin with %s and a colon, which is not spoken. "
  .. "In them the game fills in: %s. The rules are whole numbers: %s."):format(judge.LEAST,
  judge.MOST, table.concat(quest.LINES, ", "), fields(), rules_in_words())

local WORDS = { "aye", "mate", "friend", "lad", "lass" }
local FOREIGN = { "level", "click", "player", "quest", "npc", "points", "coordinates", "game" }

local function is_rules(text) return text:find "^%s*{" ~= nil end

local function has_word(line, words)
  for word in line:lower():gmatch "%a+" do
    for _, one in ipairs(words) do
      if word == one then return one end
    end
  end
  return nil
end

-- A constraint on the lines alone: check(name, line) → what is wrong, or nil.
local function of_lines(words, check)
  return lg.constraint.new(words, function(text)
    if is_rules(text) then return true end
    for row in text:gmatch "[^\n]+" do
      local name, line = row:match "^%s*([%a_]+):%s*(.*)$"
      local problem = name and check(line)
      if problem then return false, ("the line for %s %s"):format(name, problem) end
    end
    return true
  end)
end

local constraints = {
  lg.constraint.new("the rules stay a JSON object, the lines stay five lines with their words and "
    .. "colons, without fields that the game does not know", function(text)
    local ok, problem
    if is_rules(text) then ok, problem = quest.rules(text, lg.json.decode)
    else ok, problem = quest.lines(text) end
    return ok ~= nil, problem
  end),
  of_lines("each of the lines has at most 24 words", function(line)
    local words = lg.text.count_words(line)
    return words > 24 and ("has %d words"):format(words) or nil
  end),
  of_lines("in character: each of the lines has one of these words: " .. table.concat(WORDS, ", "),
    function(line) return not has_word(line, WORDS) and "has none of his words" or nil end),
  of_lines("in character: no line has one of the words that he cannot know: "
    .. table.concat(FOREIGN, ", "), function(line)
    local word = has_word(line, FOREIGN)
    return word and ("says %q"):format(word) or nil
  end),
}

-- A candidate in one town: the game is played, and what cannot be played is told in words.
local function evaluate(candidate, row)
  local rules, problem = quest.rules(candidate.rules, lg.json.decode)
  local lines, wrong = quest.lines(candidate.lines)
  if not rules or not lines then
    return { done = 0, pace = 0, even = 0 }, "The game cannot be played: " .. (problem or wrong)
  end
  local objectives, said, summary, speech = judge.town(row.town, lines, rules)
  return objectives, said, table.concat(speech, "\n") .. "\n(" .. summary .. ")"
end

-- Towns by number; no town is in two of the sets.
local function towns(from, n)
  local list = {}
  for i = 1, n do list[i] = { town = from + i } end
  return list
end

local base = seed * 100000
local train, val = towns(base, TRAIN), towns(base + 10000, VAL)
local test = towns(base + 20000, number("towns", 400, 1))

-- ---- baselines -------------------------------------------------------------------

local PIECES = {}
for i, field in ipairs(quest.FIELDS) do PIECES[i] = "{" .. field[1] .. "}" end
for word in ("key lantern chandler tower bring take need is at the go to for bells coins costs"
  .. " sells in of here"):gmatch "%a+" do PIECES[#PIECES + 1] = word end

-- A line of random words and fields, in character.
local function random_line(random)
  local words = { WORDS[random:int(1, 3)] .. "," }
  for i = 1, random:int(3, 10) do words[i + 1] = PIECES[random:int(1, #PIECES)] end
  return table.concat(words, " ") .. "."
end

local function random_edit(parent, _, context)
  local random, texts = context.rng, { table.unpack(parent.texts) }
  if random:int(1, 2) == 1 then
    local rule = quest.RULES[random:int(1, #quest.RULES)]
    local value = math.tointeger(tonumber(texts[2]:match('"' .. rule[1] .. '"%s*:%s*(%d+)')))
    local new = math.floor(value * (0.5 + random:int(0, 100) / 100) + random:int(-1, 1) + 0.5)
    new = math.max(rule[2], math.min(rule[3], new))
    texts[2] = texts[2]:gsub('("' .. rule[1] .. '"%s*:%s*)%d+', "%1" .. ("%d"):format(new))
  else
    local name = quest.LINES[random:int(1, #quest.LINES)]
    texts[1] = ("\n" .. texts[1]):gsub("\n" .. name .. ":[^\n]*", function()
      return "\n" .. name .. ": " .. random_line(random)
    end):sub(2)
  end
  return texts
end

-- ---- the searches ----------------------------------------------------------------

lg.default { model = "sim/designer" } -- where no -m says another
local models = table.concat(require("lunagrad.model").in_use(), ", ")

local WEIGHTS = { done = 2, pace = 1, even = 1 }
local NAMES = { "done", "pace", "even" } -- in one order: sums of fractions depend on it
local OPERATORS = { "gradient", "reflect", "edit", "merge", "fresh" }

local function search(more)
  local spec = { start = start, role = ROLE, objective = WANTED, evaluate = evaluate,
    weights = WEIGHTS, constraints = constraints, train = train, val = val,
    budget = { evaluations = evaluations }, seed = seed, headroom = false }
  for key, value in pairs(more) do spec[key] = value end
  if not (spec.operators or spec.method == "mipro" or spec.method == "opro") then
    spec.operators = OPERATORS
  end
  return lg.optimize(spec)
end

-- Scores on the test towns, and the mean of each objective.
local function on_test(texts)
  local scores, means = {}, { done = 0, pace = 0, even = 0 }
  for i, row in ipairs(test) do
    local objectives = evaluate(texts, row)
    local sum, all = 0.0, 0.0
    for _, name in ipairs(NAMES) do
      sum, all = sum + WEIGHTS[name] * objectives[name], all + WEIGHTS[name]
      means[name] = means[name] + objectives[name] / #test
    end
    scores[i] = sum / all
  end
  return scores, means
end

local function mean(list)
  local sum = 0.0
  for _, x in ipairs(list) do sum = sum + x end
  return sum / #list
end

local function line(name, texts, result)
  local scores, means = on_test(texts)
  print(("%-14s %.3f   %.3f  %.3f  %.3f   %s"):format(name, mean(scores), means.done, means.pace,
    means.even, result and ("%d evaluations, %d calls"):format(result.spent.evaluations,
      result.spent.calls) or ""))
  return scores
end

-- The first of the towns, as a player hears it and as it ends.
local function show(name, texts)
  local lines, rules = quest.lines(texts.lines), quest.rules(texts.rules, lg.json.decode)
  if not lines or not rules then return end
  local _, _, summary, speech = judge.town(test[1].town, lines, rules)
  print(("\n%s, in town %d:\n  %s\n  (%s)"):format(name, test[1].town,
    table.concat(speech, "\n  "), summary))
end

local dry_run = require("lunagrad.model").dry_run

-- The file that is to become `out`: what was there before stays until all is written.
local function open_out()
  local file, problem = io.open(out .. ".new", "wb")
  return file or error(("out=%s: %s"):format(out, problem), 0)
end

-- What a game loads: lines by their occasions, rules by their names, and what is known of them.
local function save(texts, scores, shown)
  if dry_run then return end -- what is there was paid for
  local file = open_out()
  local done, problem = file:write(lg.json.encode { lines = quest.lines(texts.lines),
    rules = quest.rules(texts.rules, lg.json.decode), score = mean(scores), shown = shown,
    towns = #scores, model = models }, "\n")
  if done then done, problem = file:close() end
  if done then done, problem = os.rename(out .. ".new", out) end
  if not done then error(("out=%s: %s"):format(out, problem), 0) end
  print(("\n%s holds the lines and rules that a game loads (docs/game.md)"):format(out))
end

open_out():close()
os.remove(out .. ".new")
print(("%d towns to learn from, %d to choose by, %d to judge; model %s"):format(#train, #val, #test,
  models))
local result = search { method = args.method, test = test }
print(result)
local others = {}
if args.baselines ~= "no" then
  others[1] = { "random edits", search { operators = { { name = "random", batch = false,
    propose = random_edit } } } }
  others[2] = { "best of n", search { method = "best_of_n" } }
end

print(("\n%d towns that nothing was chosen by:\n               score   done   pace   even")
  :format(#test))
local first = line("start", start)
for _, other in ipairs(others) do other[3] = line(other[1], other[2].artefact, other[2]) end
local best = line("search", result.artefact, result)

local gain = result.claim or claim.paired(first, best)
print("\nsearch - start: " .. tostring(gain))
for _, other in ipairs(others) do
  print(("search - %s: %s"):format(other[1], tostring(claim.paired(other[3], best))))
end

show("before", start)
show("after", result.artefact)
print("\n" .. result.artefact.rules)
save(result.artefact, best, gain.shown)
