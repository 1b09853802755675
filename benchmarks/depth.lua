-- depth.lua - how far feedback gets: chains of 1 to 8 calls with planted faults.
--
-- Usage: lunagrad run benchmarks/depth.lua [reps=40] [lost=0.15] [seed=1]
--
-- A world of its own, without a network: every step of a chain writes a line on its topic, and a
-- fault is a prompt that does not say the number which the line should hold. A judge names the
-- lines that are wrong, among remarks that are nobody's. The critic is a careful reader with an
-- imperfect pen: it finds out who wrote a line by looking at the texts, but what it says again in
-- its own words loses the number with the chance `lost` and gains some words each time, as
-- language models' feedback does (arXiv 2602.08306, 2601.21064). Where a question lets it hand on
-- a point by number it does so nine times out of ten. So these figures are about the routes that
-- feedback takes, given such critics; what real ones do is in docs/real-models.md.
--
-- Printed for each way of asking: the share of planted faults whose parameter hears its topic and
-- its number, the share of parameters without a fault that hear of a wrong line, tokens of
-- feedback on a parameter that hears something, and calls of the critic for each example; ± is the
-- standard error over the repetitions.

local core = require "lunagrad.core"
local lg = require "lunagrad"
local stats = require "lunagrad.stats_math"

local options = { reps = 40, lost = 0.15, seed = 1 }
for _, word in ipairs(arg) do
  local name, value = word:match "^(%a+)=(.+)$"
  if not options[name] or not tonumber(value) then
    error(("%s: say reps=, lost= or seed= and a number"):format(word), 0)
  end
  options[name] = tonumber(value)
end

local KEEPS_NOISE, HANDS_ON, BLAMES_WRONGLY = 0.3, 0.9, 0.03
local TOPICS = { "apples", "boats", "candles", "drums", "eggs", "flags", "gloves", "hats" }
local REMARKS = { "The tone could be warmer.", "Some may like longer sentences.",
  "A different order would be a matter of taste." }
local HEDGES = { "It seems that ", "On reflection one might say that ", "As far as can be seen, ",
  "Taken all together, it could be argued that " }

local random = math.random
local function chance(p) return random() < p end

-- ---- the program and its judge ---------------------------------------------------

local function wanted(i) return 20 + 3 * i end

local function prompt_text(i, is_faulty)
  return ("Add a line on %s."):format(TOPICS[i])
    .. (is_faulty and "" or (" There are %d."):format(wanted(i)))
end

local writer = lg.model(function(request)
  local system, user = request.messages[1].content, request.messages[2].content
  local topic, count = system:match "line on (%a+)", system:match "There are (%d+)"
  return ("%s\n%s: %s"):format(user, topic, count or "several")
end, "writer")

local function report(text)
  local lines, wrong, all = {}, 0, 0
  for i, topic in ipairs(TOPICS) do
    local count = text:match("\n" .. topic .. ": (%w+)")
    all = all + (count and 1 or 0)
    if count and count ~= tostring(wanted(i)) then
      wrong = wrong + 1
      lines[#lines + 1] = ("- The line on %s says %s where %d is wanted."):format(topic, count,
        wanted(i))
    end
  end
  for _ = 1, 2 do lines[#lines + 1] = "- " .. REMARKS[random(#REMARKS)] end
  return table.concat(lines, "\n"), 1 - wrong / all
end

local judge = lg.tool { name = "judge", purpose = "names the lines of a text that are wrong",
  role = "judgement", run = function(text) return report(text) end }

-- ---- the critic ------------------------------------------------------------------

-- What was said, as points: { text, topic, number }; n is the number that it has in the question.
local function points_of(question)
  local points = {}
  for line in question:gmatch "[^\n]+" do
    local text = line:gsub("^%s*[%-%d%.]*%s*", ""):gsub("^%(example %d+%) ", "")
    local topic = text:match "line on (%a+)"
    local is_remark = false
    for _, remark in ipairs(REMARKS) do is_remark = is_remark or text:find(remark, 1, true) end
    if topic and not text:find "^Add a" or is_remark then
      points[#points + 1] = { text = text, topic = not is_remark and topic or nil,
        count = text:match "where (%d+) is", n = tonumber(line:match "^(%d+)%. ") or 1 }
    end
  end
  return points
end

local function in_own_words(point)
  local text = point.text:gsub("^%u", string.lower)
  if point.topic and (not point.count or chance(options.lost)) then
    text = ("the line on %s is not right."):format(point.topic)
  end
  return "- " .. HEDGES[random(#HEDGES)] .. text
end

local function has_wrong_line(text, topic)
  return text:find("%f[%a]" .. topic .. ": several") ~= nil
end

-- What a text hears of a point: a line, or nothing.
local function about(text, point, may_hand_on)
  if not point.topic then
    return chance(KEEPS_NOISE) and in_own_words(point) or nil
  elseif text:find "^Add a line" then -- a prompt
    if text:find("on " .. point.topic, 1, true) or chance(BLAMES_WRONGLY) then
      return in_own_words(point)
    end
  elseif has_wrong_line(text, point.topic) then -- it was made with the fault in it
    if may_hand_on and chance(HANDS_ON) then return "#" .. point.n end
    return in_own_words(point)
  end
  return nil
end

local function say(text, points, may_hand_on)
  local lines = {}
  for _, point in ipairs(points) do lines[#lines + 1] = about(text, point, may_hand_on) end
  return #lines > 0 and table.concat(lines, "\n") or "NOTHING TO IMPROVE"
end

-- The texts that a question shows under letters.
local function lettered(question)
  local texts = {}
  for letter, text in question:gmatch "\n<(%u)>\n(.-)\n</%1>" do
    texts[#texts + 1] = { letter = letter, text = text }
  end
  return texts
end

local asked = 0
local critic = lg.model(function(request)
  local question = request.messages[2].content
  asked = asked + 1
  local points, texts = points_of(question), lettered(question)
  if #texts == 0 then
    local text = question:match "<VARIABLE>\n(.-)\n</VARIABLE>"
    return say(text, points, question:find "by its number alone" ~= nil)
  end
  local lines = {}
  for i, one in ipairs(texts) do
    lines[i] = one.letter .. ":\n" .. say(one.text, points, question:find "#2" ~= nil)
  end
  return table.concat(lines, "\n")
end, "critic")

-- ---- one repetition --------------------------------------------------------------

local function chain(depth, faulty)
  local prompts, at = {}, "A list."
  for i = 1, depth do
    prompts[i] = lg.param(prompt_text(i, faulty[i]), "prompt of step " .. i)
    at = writer { at, system = prompts[i], role = "list after step " .. i }
  end
  return prompts, judge(at)
end

local function plant(depth)
  local faulty, any = {}, false
  for i = 1, depth do
    faulty[i] = chance(0.5)
    any = any or faulty[i]
  end
  if not any then faulty[random(depth)] = true end
  return faulty
end

local function said(prompt)
  local texts = {}
  for _, record in ipairs(prompt:feedback()) do
    if record.state == "text" then texts[#texts + 1] = record.text end
  end
  return table.concat(texts, "\n")
end

local function once(depth, grain, out)
  local faulty = plant(depth)
  local prompts, loss = chain(depth, faulty)
  asked = 0
  loss:backward { model = critic, grain = grain }:await()
  local hit, planted, blamed, sound = 0, 0, 0, 0
  for i, prompt in ipairs(prompts) do
    local text = said(prompt)
    local told = text:find("line on " .. TOPICS[i], 1, true)
      and text:find(tostring(wanted(i)), 1, true)
    if faulty[i] then
      planted, hit = planted + 1, hit + (told and 1 or 0)
    else
      sound, blamed = sound + 1, blamed + (text:find "line on" and 1 or 0)
    end
    if text ~= "" then table.insert(out.tokens, core.tokens(text)) end
  end
  table.insert(out.hit, hit / planted)
  if sound > 0 then table.insert(out.blamed, blamed / sound) end
  table.insert(out.calls, asked)
end

-- ---- the table -------------------------------------------------------------------

local WAYS = {
  { "plain chain", set = "textgrad" }, { "edge", grain = "edge" }, { "node", grain = "node" },
  { "graph", grain = "graph" },
}

local function shown(list, form)
  if #list == 0 then return "–" end
  local error = (stats.deviation(list) or 0) / math.sqrt(#list)
  return (form .. " ± " .. form):format(stats.mean(list), error)
end

print(("%d repetitions, %.0f%% lost at a retelling, seed %d"):format(options.reps,
  100 * options.lost, options.seed))
print(("%-12s %5s  %-15s %-15s %-15s %s"):format("way", "depth", "faults heard", "wrongly blamed",
  "tokens", "calls"))
for _, way in ipairs(WAYS) do
  lg.prompts.use(way.set or "default")
  for _, depth in ipairs { 1, 2, 4, 6, 8 } do
    math.randomseed(options.seed, depth)
    local out = { hit = {}, blamed = {}, tokens = {}, calls = {} }
    for _ = 1, options.reps do once(depth, way.grain, out) end
    print(("%-12s %5d  %-15s %-15s %-15s %s"):format(way[1], depth, shown(out.hit, "%.2f"),
      shown(out.blamed, "%.2f"), shown(out.tokens, "%.1f"), shown(out.calls, "%.1f")))
  end
end
