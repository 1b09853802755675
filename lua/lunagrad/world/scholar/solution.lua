--- A solution to one word problem, criticised and written again.
--
-- The critic solves nothing anew: it reads the problem's sentences and looks whether the solution
-- takes each of them as it would itself. Reading a sentence for itself goes wrong less often than on
-- the way through a whole problem (FOCUS), but it does: then the critic passes over a mistake, or
-- finds one where there is none. Who rewrites reads again, with the same care, what the feedback
-- quotes, and keeps the rest. Neither knows the right answer.

local hash = require "lunagrad.world.hash"
local lessons = require "lunagrad.world.scholar.lessons"
local story = require "lunagrad.world.scholar.story"

local solution = {}

local FOCUS = 0.3 -- of the chance of a slip, for who looks at one sentence alone

local NONE = {}

local function slip_of(step) return story.slips[step.kind.omit or "reading"] end

-- How somebody who looks at one step alone takes it.
local function look(q, i, scale, seed)
  local step = q.steps[i]
  local p = lessons.chance(q, slip_of(step), tostring(i), NONE, scale) * FOCUS
  if hash.unit(seed, "look " .. i) >= p then return "right" end
  return step.kind.omit and "skip" or "wrong"
end

-- ---- criticism -----------------------------------------------------------------------

local SAID = {
  skip = "The solution passes over \"%s\": it should have a step of its own.",
  last = "The solution stops before \"%s\", so it is not answered yet what is asked.",
  reading = "In \"%s\" the numbers are put together in the wrong way; read that sentence again.",
  arith = "The calculation behind \"%s\" looks wrong (%s); do it again.",
}

-- Whoever passes over a sentence has nothing to say of it.
local function complaint(q, i, mine, one)
  local step = q.steps[i]
  if mine == "skip" then return nil end
  if mine ~= one.how then return SAID[step.kind.omit or "reading"]:format(step.said) end
  if one.off ~= 0 then return SAID.arith:format(step.said, one.shown) end
  return nil
end

local function wrong_point(q, seed)
  local i = hash.int(seed, "which", #q.steps)
  return SAID[q.steps[i].kind.omit or "reading"]:format(q.steps[i].said)
end

--- Criticism of a solution; nil when nothing is found.
---@param q table of story.find
---@param text string
---@param options { noise: number, scale: number, seed: integer }
---@return string?
function solution.critique(q, text, options)
  local seed, taken = options.seed, story.parse(q, text)
  if hash.unit(seed, "noise") < options.noise then
    return hash.unit(seed, "vague") < 0.5 and hash.pick(seed, "words", lessons.VAGUE)
      or wrong_point(q, seed)
  end
  if not taken then
    return "No step is shown, so nobody can check the answer: work it out sentence by sentence."
  end
  local list = {}
  for i = 1, #q.steps do
    local found = complaint(q, i, look(q, i, options.scale, seed), taken[i])
    if found and hash.unit(seed, "mention " .. i) >= 0.1 * options.scale then
      list[#list + 1] = found
    end
  end
  if not story.stated(q, text) then
    list[#list + 1] = "It does not end with an answer that can be read off."
  end
  return #list > 0 and table.concat(list, "\n") or nil
end

--- What a critique comes to, for the one who rewrites; nil when it finds nothing.
---@param q table
---@param critique string
---@return string?
function solution.points(q, critique)
  local list = {}
  for line in critique:gmatch "[^\n]+" do
    for _, step in ipairs(q.steps) do
      if line:find(step.said, 1, true) then list[#list + 1] = "- " .. line end
    end
    if line:find "No step is shown" or line:find "read off" then list[#list + 1] = "- " .. line end
  end
  return #list > 0 and table.concat(list, "\n") or nil
end

-- ---- the new solution ------------------------------------------------------------------

-- Solved anew, by who is told to be careful.
local function from_scratch(q, options)
  return story.solve(q, { skip = 0.5, arith = 0.4 }, options.scale, options.seed)
end

--- Write a solution again.
---@param q table
---@param text string the old one
---@param feedback string
---@param options { noise: number, scale: number, seed: integer }
---@return string
function solution.rewrite(q, text, feedback, options)
  local seed, old = options.seed, story.parse(q, text)
  local taken = old or from_scratch(q, options)
  for i, step in ipairs(q.steps) do
    if old and feedback:find(step.said, 1, true) and hash.unit(seed, "drop " .. i)
      >= options.noise then
      local omits = step.kind.omit ~= nil -- what is quoted is not passed over again
      taken[i] = { how = omits and "right" or look(q, i, options.scale, seed),
        off = hash.unit(seed, "off " .. i) < 0.03 and 1 or 0 }
    end
  end
  return story.write(q, taken, { seed = seed, show = true, formal = true, form = false })
end

return solution
