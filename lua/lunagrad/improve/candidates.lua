--- The proposals of one step, and which of them is taken.
--
-- Candidate k is the k-th proposal of every parameter that has feedback, taken together. They are
-- asked for all at the same time; those that differ are tried one after the other: the parameters
-- hold a candidate's texts while its judge runs, and have their old ones again afterwards. Used by
-- lunagrad.improve.tgd.

local rewrite = require "lunagrad.improve.rewrite"
local together = require "lunagrad.improve.together"
local loop = require "lunagrad.loop"
local media = require "lunagrad.media"
local metric = require "lunagrad.metric"

local candidates = {}

-- ---- setting and taking back -----------------------------------------------

local function take_back(done)
  for _, one in ipairs(done) do one.param:rollback(one.versions) end
end

--- Set all new texts. If one cannot be set, those before it are taken back.
---@param params table
---@param answers table index of a parameter → answer
---@return fun() undo
function candidates.set(params, answers)
  local done = {}
  for i, p in ipairs(params) do
    local answer = answers[i]
    if answer and not answer.same then
      local versions = p:versions()
      local ok, problem = pcall(p.set, p, answer.value or answer.text)
      if not ok then
        take_back(done)
        error(problem, 0)
      end
      done[#done + 1] = { param = p, versions = versions }
    end
  end
  return function() take_back(done) end
end

-- ---- making them -----------------------------------------------------------

local function first_problem(params, answers)
  for i, p in ipairs(params) do
    if answers[i] and answers[i].problem then
      return ("%s: %s"):format(p.role, answers[i].problem)
    end
  end
  return nil
end

-- What all parameters would hold, as texts, and what tells one such list from another.
local function texts_of(params, answers)
  local texts, key = {}, {}
  for i, p in ipairs(params) do
    local answer = answers[i]
    texts[i] = answer and answer.text or media.words(p)
    key[i] = answer and answer.value and answer.value:text() or texts[i]
    key[i] = #key[i] .. ":" .. key[i]
  end
  return texts, table.concat(key)
end

-- Which of several answers to the same question candidate k is; optimizers with different `sample`
-- draw different ones.
local function draw(self, k)
  local n = (self.sample or 0) * self.candidates + k - 1
  return n > 0 and n or nil
end

-- The candidates of these answers, those that are equal once.
local function distinct(params, sets)
  local list, known = {}, {}
  for _, set in ipairs(sets) do
    local one = { answers = set, problem = first_problem(params, set), times = 1 }
    local key
    if not one.problem then one.texts, key = texts_of(params, set) end
    if key and known[key] then
      known[key].times = known[key].times + 1
    else
      list[#list + 1] = one
      if key then known[key] = one end
    end
  end
  return list
end

-- Which parameters are asked about in one question: each by itself, or all texts together.
local function groups_of(self, active)
  local groups, texts = {}, {}
  for _, i in ipairs(active) do
    if self.together and not media.family(self.params[i]) then
      texts[#texts + 1] = i
    else
      groups[#groups + 1] = { i }
    end
  end
  if #texts > 0 then groups[#groups + 1] = texts end
  return groups
end

local function answers_for(self, group, heard, sample)
  if #group > 1 then return together.propose(self, group, heard, sample) end
  local i = group[1]
  return { [i] = rewrite.propose(self, i, heard[i], sample) }
end

--- Ask for all candidates: a list of {answers, problem, texts, times}, those that are equal once.
---@param self lunagrad.tgd
---@param active integer[] the parameters that have feedback
---@param heard table index of a parameter → what was said of it
---@return table[] list
---@return table[] all answers as they came, {i = index of the parameter, answer = …}
function candidates.ask(self, active, heard)
  local jobs = {}
  for k = 1, self.candidates do
    for _, group in ipairs(groups_of(self, active)) do jobs[#jobs + 1] = { k = k, of = group } end
  end
  local answers = loop.map(jobs, function(job)
    return answers_for(self, job.of, heard, draw(self, job.k))
  end, { example = false })
  local sets, all = {}, {}
  for n, job in ipairs(jobs) do
    local set = sets[job.k] or {}
    sets[job.k] = set
    for _, i in ipairs(job.of) do
      set[i], all[#all + 1] = answers[n][i], { i = i, answer = answers[n][i] }
    end
  end
  return distinct(self.params, sets), all
end

-- ---- choosing --------------------------------------------------------------

local function try(params, one, judge)
  local undo = candidates.set(params, one.answers)
  local ok, score = pcall(judge, one.texts)
  undo()
  if not ok then error(score, 0) end
  return metric.score(score, "the judge of the candidates")
end

--- The candidate that the judge gives most, of equal ones the first; one that stands alone is not
--- judged. If there is none without a problem, the first.
---@param params table
---@param list table[]
---@param judge fun(texts: string[]): number|boolean
---@return table
function candidates.best(params, list, judge)
  local good = {}
  for _, one in ipairs(list) do
    if not one.problem then good[#good + 1] = one end
  end
  if #good < 2 then return good[1] or list[1] end
  local best
  for _, one in ipairs(good) do
    one.score = try(params, one, judge)
    if not best or one.score > best.score then best = one end
  end
  return best
end

--- For the report: {texts, score, problem, times, taken}.
---@param list table[]
---@param taken table
---@return table[]
function candidates.told(list, taken)
  local told = {}
  for i, one in ipairs(list) do
    told[i] = { texts = one.texts, score = one.score, problem = one.problem, times = one.times,
                taken = one == taken and not one.problem }
  end
  return told
end

--- One of them in a line.
---@param i integer
---@param one table of candidates.told
---@return string
function candidates.line(i, one)
  local what = one.problem and "refused: " .. one.problem
    or one.score and ("%.4g"):format(one.score) or "not judged, it is the only one"
  return ("candidate %d%s: %s%s"):format(i, one.times > 1 and (" (%d times)"):format(one.times)
    or "", what, one.taken and ", taken" or "")
end

return candidates
