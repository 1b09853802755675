--- Worlds for whole runs of a search, in which the truth is known: how good a candidate is.
--
-- A text is "base" and the edits that were made to it. What an edit does is a function of the
-- world's seed and the edit: it helps, hurts or does nothing, and it makes some of the answers
-- others (`redrawn`). How often a candidate is right on the whole population is its quality;
-- examples are a sample of it, of different ease, and an answer is right or wrong by chance, but
-- always the same for the same texts (but for `noise`). So a search can be run hundreds of times in
-- no time, and what it claims can be held against what it got. These are no language models, and
-- what is true here of a method need not be true of texts: it says whether its decisions are sound.
-- Pure: no clock, no state that matters, nothing of what is tried in it.

local chance = require "lunagrad.world.chance"
local hash = require "lunagrad.world.hash"

local mix, unit = chance.mix, chance.unit

---@class lunagrad.trials
local World = {}
World.__index = World

local trials = {}

---@class lunagrad.trials.options
---@field kind? string of trials.kinds; "hard"
---@field seed? integer|string 0
---@field base? number quality of the seed; .5
---@field redrawn? number share of the answers that an edit makes others; .4
---@field noise? number share of the answers that another sample of the same call makes others; 0
---@field help? number share of the edits that help
---@field hurt? number share of the edits that hurt
---@field size? number by how much, in points of 100 (mean; deviation: half of it); 6
---@field parts? integer parameters, each with examples of its own; 1
---@field depth? integer parameters one after the other, all of which must be right; 1
---@field objectives? boolean two objectives, of which the score is the mean
---@field grades? integer a score is the mean of so many answers; 1
---@field overfit? number points by which an edit is better on training examples only, mean; 0
---@field latency? number mean seconds of an evaluation; .2

--- The worlds by name: shares of edits that help and hurt, and what is special.
trials.kinds = {
  null = { help = 0, hurt = .5 },
  mixed = { help = .15, hurt = .40, size = 7.5 },
  hard = { help = .07, hurt = .48 },
  overfit = { help = .07, hurt = .48, overfit = 4 },
  components = { help = .15, hurt = .40, parts = 3 },
  objectives = { help = .15, hurt = .40, objectives = true },
  pipeline = { help = .15, hurt = .40, depth = 4 },
}

local DEFAULTS = { kind = "hard", base = .5, redrawn = .4, noise = 0, size = 6, parts = 1,
  depth = 1, objectives = false, grades = 1, overfit = 0, latency = .2, seed = 0 }

--- A world. What the kind says is taken where an option does not say otherwise.
---@param options? lunagrad.trials.options
---@return lunagrad.trials
function trials.new(options)
  options = options or {}
  local kind = options.kind or DEFAULTS.kind
  local of_kind = assert(trials.kinds[kind], "no such world")
  local self = setmetatable({ candidates = setmetatable({}, { __mode = "v" }), examples = {} },
    World)
  for _, from in ipairs { DEFAULTS, of_kind, options } do
    for name, value in pairs(from) do self[name] = value end
  end
  self.key = hash.text(tostring(self.seed))
  self.parameters = math.max(self.parts, self.depth)
  self.aspects = self.objectives and 2 or self.parts
  return self
end

--- The texts that a search begins with, one for each parameter.
---@return string[]
function World:start()
  local texts = {}
  for p = 1, self.parameters do texts[p] = "base" end
  return texts
end

-- ---- edits ---------------------------------------------------------------------

-- The profile that an edit is of is written in it: "+edit:1f2e…" → its shares of help and hurt.
local function shares(self, profile)
  local of = self.profiles and self.profiles[profile] or self
  return of.help or self.help, of.hurt or self.hurt
end

-- The size of an effect: always above 0, with this mean and half of it for deviation.
local function sized(points, h)
  return math.abs(points + points / 2 * chance.normal(h)) / 100
end

-- By how much an edit changes the quality, and by how much on training examples alone.
local function effect(self, profile, h)
  local help, hurt = shares(self, profile)
  local drawn = unit(h + 1)
  local sign = drawn < help and 1 or drawn >= 1 - hurt and -1 or 0
  return sign * sized(self.size, h + 2), sized(self.overfit, h + 3)
end

-- What an edit does to the one and the other objective when it changes the score by so much.
local function two(change, h)
  local tilt = (unit(h + 4) * 3 // 1 - 1) -- one of -1, 0, 1
  return change * (1 + tilt), change * (1 - tilt)
end

-- ---- candidates ----------------------------------------------------------------

local function edits_of(self, texts)
  local list = {}
  for p, text in ipairs(texts) do
    for profile, id in text:gmatch "%+(%w+):(%x+)" do
      local h = mix(hash.text(id, self.key) + p)
      local change, extra = effect(self, profile, h)
      list[#list + 1] = { h = h, p = p, change = change, extra = extra }
    end
  end
  return list
end

-- One stage of a pipeline after the other: all right together with the product.
local function in_a_row(self, edits)
  local stage, product = {}, 1.0
  local first = self.base ^ (1 / self.depth)
  for s = 1, self.depth do stage[s] = first end
  for _, e in ipairs(edits) do
    stage[e.p] = math.max(0, math.min(1, stage[e.p] + e.change * first / self.base))
  end
  for s = 1, self.depth do product = product * stage[s] end
  return { product }, stage
end

local function side_by_side(self, edits)
  local quality = {}
  for a = 1, self.aspects do quality[a] = self.base end
  for _, e in ipairs(edits) do
    if self.objectives then
      local one, other = two(e.change, e.h)
      quality[1], quality[2] = quality[1] + one, quality[2] + other
    else
      quality[e.p] = quality[e.p] + e.change * self.parts -- on its part of the examples
    end
  end
  return quality
end

local function bounded(q)
  return math.max(.01, math.min(.99, q))
end

local function make(self, texts)
  local edits, extra = edits_of(self, texts), 0.0
  local quality, stage
  if self.depth > 1 then
    quality, stage = in_a_row(self, edits)
  else
    quality = side_by_side(self, edits)
  end
  for _, e in ipairs(edits) do extra = extra + e.extra end
  local one = { hashes = {}, quality = 0.0, by = {}, m = {}, m_train = {}, stage = stage }
  for i, e in ipairs(edits) do one.hashes[i] = e.h end
  for a, q in ipairs(quality) do
    one.by[a] = bounded(q)
    one.m[a], one.m_train[a] = chance.factor(q), chance.factor(q + extra)
    one.quality = one.quality + one.by[a] / #quality
  end
  return one
end

local function candidate(self, texts)
  local key = #texts == 1 and texts[1] or table.concat(texts, "\0")
  local one = self.candidates[key]
  if not one then
    one = make(self, texts)
    self.candidates[key] = one
  end
  return one
end

--- The truth: how often texts are right on the whole population.
---@param texts string[]
---@return number
function World:quality(texts)
  return candidate(self, texts).quality
end

-- ---- examples ------------------------------------------------------------------

local SPLITS = { train = 1, val = 2, test = 3 }

local function example(self, split, i)
  local of = self.examples[split]
  if not of then
    of = {}
    self.examples[split] = of
  end
  local one = of[i]
  if not one then
    local h = mix(self.key ~ SPLITS[split] << 40 ~ i)
    one = { h = h, ease = chance.ease(h), part = self.parts > 1 and (h >> 7) % self.parts + 1 or 1 }
    of[i] = one
  end
  return one
end

--- Examples as rows, for a search: { id, split, i }.
---@param split "train"|"val"|"test"
---@param n integer
---@return table[]
function World:rows(split, n)
  local rows = {}
  for i = 1, n do rows[i] = { id = split .. "-" .. i, split = split, i = i } end
  return rows
end

-- ---- answers -------------------------------------------------------------------

-- What the answer to an example hangs on: the edits that make it another one than the seed's.
local function state(self, one, h)
  local hashes, redrawn, answer = one.hashes, self.redrawn, h
  for e = 1, #hashes do
    local r = mix(hashes[e] ~ h)
    if (r >> 11) * 0x1p-53 < redrawn then answer = answer ~ r end
  end
  return answer
end

local function right(self, one, of, aspect, m, sample)
  local h = of.h + aspect * 0x632BE59BD9B4E019
  local answer = state(self, one, h)
  if self.noise > 0 and unit(answer + sample * 0x3C79AC492BA7B653) < self.noise then
    answer = answer + sample * 0x1C69B3F74AC4AE35
  end
  return unit(answer) * (of.ease * m + 1 - of.ease) < of.ease * m
end

-- The share of an example's answers that are right.
local function graded(self, one, of, aspect, m, sample)
  local grades, count = self.grades, 0
  for g = 1, grades do
    if right(self, one, of, aspect + 16 * (g - 1), m, sample) then count = count + 1 end
  end
  return count / grades
end

-- Which stage of a pipeline a wrong answer came from: the weaker, the likelier.
local function stage_of(one, h)
  local all, at = 0.0, 0
  for s = 1, #one.stage do all = all + 1 - one.stage[s] end
  local drawn = unit(h + 5) * all
  repeat
    at = at + 1
    drawn = drawn - (1 - one.stage[at])
  until drawn < 0 or at == #one.stage
  return at
end

--- What texts score on an example.
---@param texts string[]
---@param split "train"|"val"|"test"
---@param i integer
---@param sample? integer other samples of the same call; 0
---@return number score 0 to 1
---@return table<string, number>|nil objectives
---@return integer|nil blamed the parameter that it failed by, where that can be known
function World:evaluate(texts, split, i, sample)
  local one, of = candidate(self, texts), example(self, split, i)
  local m = split == "train" and one.m_train or one.m
  sample = sample or 0
  if self.objectives then
    local a = graded(self, one, of, 1, m[1], sample)
    local b = graded(self, one, of, 2, m[2], sample)
    return (a + b) / 2, { right = a, brief = b }
  end
  local score = graded(self, one, of, of.part, m[of.part], sample)
  if score >= 1 or self.parameters == 1 then return score end
  return score, nil, one.stage and stage_of(one, of.h) or of.part
end

--- How long an evaluation takes, seconds: a half more or less than the mean, each by itself.
---@param texts string[]
---@param split string
---@param i integer
---@return number
function World:seconds(texts, split, i)
  local h = state(self, candidate(self, texts), example(self, split, i).h)
  return self.latency * (.5 + unit(h + 6))
end

-- ---- proposals -----------------------------------------------------------------

--- An edit more to one of the texts.
---@param texts string[]
---@param parameter integer
---@param random lunagrad.rng
---@param profile? string of world.profiles; "edit"
---@return string[]
function World:edit(texts, parameter, random, profile)
  local child = table.move(texts, 1, #texts, 1, {})
  local id = ("%08x%08x"):format(random:int(0, 0xFFFFFFFF), random:int(0, 0xFFFFFFFF))
  child[parameter] = ("%s +%s:%s"):format(texts[parameter], profile or "edit", id)
  return child
end

-- The parameter that is said most often to have failed.
local function blamed(world, batch, random)
  local count, most = {}, 0
  for _, one in ipairs(batch or {}) do
    local p = type(one.feedback) == "string" and tonumber(one.feedback:match "parameter (%d+)")
    if p then
      count[p] = (count[p] or 0) + 1
      most = math.max(most, count[p])
    end
  end
  local list = {}
  for p = 1, world.parameters do
    if most == 0 or count[p] == most then list[#list + 1] = p end
  end
  return random:pick(list)
end

--- An operator of the search: one edit more, to the parameter that the feedback blames. Several of
--- different worth are made with a name and its shares of edits that help and hurt.
---@param name? string letters only; "edit"
---@param of? { help: number, hurt: number }
---@return { name: string, propose: function }
function World:operator(name, of)
  name = name or "edit"
  if of then
    self.profiles = self.profiles or {}
    self.profiles[name] = of
  end
  return { name = name, propose = function(parent, batch, context)
    local p = context.component or blamed(self, batch, context.rng)
    return self:edit(parent.texts or parent, p, context.rng, name)
  end }
end

-- The edits of one text that another lacks, behind it.
local function with_edits_of(text, other)
  local has, parts = {}, { text }
  for edit in text:gmatch "%+%w+:%x+" do has[edit] = true end
  for edit in other:gmatch "%+%w+:%x+" do
    if not has[edit] then parts[#parts + 1] = edit end
  end
  return table.concat(parts, " "), #parts > 1
end

-- The parent's texts with all edits of another candidate, too; nil where that adds nothing.
local function combined(parent, other)
  local texts, more, less = { parents = { parent.idx, other.idx } }, false, false
  for p, text in ipairs(parent.texts) do
    local added, missing
    texts[p], added = with_edits_of(text, other.texts[p])
    missing = select(2, with_edits_of(other.texts[p], text))
    more, less = more or added, less or missing
  end
  return more and less and texts or nil
end

--- An operator of the search that merges: the parent with the edits of another candidate of the
--- pool, the best that has some of its own. It is what an operator can do at most that puts two
--- changes of one text together.
---@return { name: string, batch: boolean, propose: function }
function World:merger()
  return { name = "merge", batch = false, propose = function(parent, _, context)
    local tried, best, texts = {}, nil, nil
    for _, one in ipairs(context.proposals) do
      if one.texts then tried[table.concat(one.texts, "\0")] = true end
    end
    for _, other in ipairs(context.pool.list) do
      local both = other.idx ~= parent.idx and combined(parent, other)
      if both and not tried[table.concat(both, "\0")] and (not best or other.mean > best.mean) then
        best, texts = other, both
      end
    end
    return texts, not texts and "nothing to merge" or nil
  end }
end

--- What the feedback on an answer says.
---@param score number
---@param blame integer|nil
---@return string
function trials.feedback(score, blame)
  if score >= 1 then return "right" end
  return blame and ("wrong: parameter %d failed"):format(blame) or "wrong"
end

-- ---- the door ------------------------------------------------------------------

-- A search names several parameters: in the order of their names they are in their own.
local function name_of(p)
  return ("p%02d"):format(p)
end

local function texts_of(world, given)
  if world.parameters == 1 then return { given } end
  local texts = {}
  for p = 1, world.parameters do texts[p] = given[name_of(p)] end
  return texts
end

local function start_of(world)
  local texts, start = world:start(), {}
  if #texts == 1 then return texts[1] end
  for p, text in ipairs(texts) do start[name_of(p)] = text end
  return start
end

---@class lunagrad.trials.door
---@field train? integer examples; 200
---@field val? integer 100
---@field test? integer 0
---@field merge? boolean with an operator that merges; false
---@field wait? fun(seconds: number) called with an evaluation's time before it is answered

--- What lg.optimize wants to search in this world: start, role, evaluate, examples, operators.
---@param options? lunagrad.trials.door
---@return table spec to which budget, seed and the rest are added
function World:door(options)
  options = options or {}
  local wait = options.wait
  return {
    start = start_of(self), role = "a text of a world of trials",
    train = self:rows("train", options.train or 200), val = self:rows("val", options.val or 100),
    test = options.test and options.test > 0 and self:rows("test", options.test) or nil,
    operators = { self:operator(), options.merge and self:merger() or nil },
    evaluate = function(given, row)
      local texts = texts_of(self, given)
      if wait then wait(self:seconds(texts, row.split, row.i)) end
      local score, objectives, blame = self:evaluate(texts, row.split, row.i)
      return objectives or score, trials.feedback(score, blame)
    end,
  }
end

return trials
