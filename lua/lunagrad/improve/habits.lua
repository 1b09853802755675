--- What is known of how a model answers an editor's questions: in which form it manages to, and how
--- often a critic gave back what it was told.
--
-- Outside of a search it is one record for each model, which all optimizers share, and which is
-- forgotten with the model. A search has a record of its own; each proposal gets it as it was when
-- the proposal was planned, and what it finds out is added when it is decided: so it does not
-- matter who was first. Nothing is asked here.

local habits = {}

local MOST = 5 -- doubts that are remembered of a critic

---@class lunagrad.habits
---@field form "schema"|nil tags failed where JSON did not
---@field doubts integer how often a critic gave back what it was told, less how often it did not
---@field before integer|nil the doubts that a copy began with

local ALL = setmetatable({}, { __mode = "k" })

--- Nothing is known.
---@return lunagrad.habits
function habits.new() return { doubts = 0 } end

--- What is known of a model, for all who ask it.
---@param whom lunagrad.model
---@return lunagrad.habits
function habits.of(whom)
  ALL[whom] = ALL[whom] or habits.new()
  return ALL[whom]
end

--- As it is now.
---@param one lunagrad.habits
---@return lunagrad.habits
function habits.copy(one) return { form = one.form, doubts = one.doubts, before = one.doubts } end

local function bounded(doubts) return math.max(-MOST, math.min(MOST, doubts)) end

--- A critic gave back what it was told, or did not.
---@param one lunagrad.habits
---@param doubted boolean
function habits.doubt(one, doubted) one.doubts = bounded(one.doubts + (doubted and 1 or -1)) end

--- Add what was found out with a copy.
---@param one lunagrad.habits
---@param copy lunagrad.habits
function habits.learn(one, copy)
  one.form = one.form or copy.form
  one.doubts = bounded(one.doubts + copy.doubts - copy.before)
end

return habits
