-- judge.lua - what a designer wants of the quest, and what to say of one town's plays.
--
-- Three players of different skill play the same town. The objectives: done, the share of them who
-- light the beacon; pace, how near each play is to a good length (none for who fails); even, how
-- close the slowest is to the quickest. What is said is what somebody would see who looked on.

local player = require "game.player"
local quest = require "game.quest"

local judge = {}

--- A good play takes so many bells.
judge.LEAST, judge.MOST = 24, 40

-- 1 inside of a good length, falling to 0 at half and at twice of it.
local function pace(time)
  if time < judge.LEAST then return math.max(0, 1 - (judge.LEAST - time) / (judge.LEAST / 2)) end
  return time <= judge.MOST and 1.0 or math.max(0, 1 - (time - judge.MOST) / judge.MOST)
end

local function failure(who, play, rules)
  local lacks = {}
  if not play.has_key then lacks[#lacks + 1] = "the key" end
  if not play.has_light then lacks[#lacks + 1] = "the lantern" end
  return ("The %s ran out of time after %d bells, %s."):format(who, rules.time_limit,
    #lacks > 0 and "without " .. table.concat(lacks, " and ") or "on the way to the tower")
end

-- What else there is to say of one play.
local function remarks(who, play, rules, say)
  local told = play.told
  if not told.key and play.searches ~= 1 then
    say(("The %s never learned where the key is and searched %d places.")
      :format(who, play.searches))
  end
  if not told.chandler and not play.has_light then
    say(("The %s was not told where the chandler is, who sells the lantern."):format(who))
  end
  if play.in_vain > 0 then
    say(("The %s came to the tower in vain: nothing said that key and lantern are needed there.")
      :format(who))
  end
  if not told.tower and play.has_key and play.has_light then
    say(("The %s was not told where the tower is."):format(who))
  end
  if play.short > 0 and not play.has_light then
    say(("The %s could not pay the lantern: it costs %d coins, and %d were missing.")
      :format(who, rules.lantern_price, play.short))
  end
  if not told.limit and not play.done then
    say(("The %s dawdled: nothing said how much time there is."):format(who))
  end
end

local function length(who, play, say)
  if play.time < judge.LEAST then
    say(("The %s was done in %d bells, sooner than a good play takes (%d to %d)."):format(who,
      play.time, judge.LEAST, judge.MOST))
  elseif play.time > judge.MOST then
    say(("The %s took %d bells, longer than a good play takes (%d to %d)."):format(who, play.time,
      judge.LEAST, judge.MOST))
  end
end

--- Lets the players play a town. Returns objectives, what is to be said, and a line of each play.
---@param seed integer
---@param lines table<string, string>
---@param rules table<string, integer>
---@return table<string, number> objectives
---@return string said
---@return string summary
---@return string[] speech what the ferryman said
function judge.town(seed, lines, rules)
  local said, summary = {}, {}
  local function say(text) said[#said + 1] = text end
  local done, paced, first, last = 0, 0, math.huge, 0
  local town = quest.town(seed, rules)
  local speech = quest.speech(town, lines)
  for i, skill in ipairs(player.SKILLS) do
    local play = player.play(town, speech, skill)
    first, last = math.min(first, play.time), math.max(last, play.done and play.time or 1e9)
    if play.done then
      done, paced = done + 1, paced + pace(play.time)
      length(skill.name, play, say)
    else
      say(failure(skill.name, play, rules))
    end
    remarks(skill.name, play, rules, say)
    if play.known.cut then
      say(("The %s did not listen to the end of the line for %s."):format(skill.name,
        quest.LINES[play.known.cut]))
    end
    summary[i] = ("%s: %s after %d bells"):format(skill.name, play.done and "done" or "not done",
      play.time)
  end
  local n = #player.SKILLS
  last = math.min(last, rules.time_limit)
  local even = done == 0 and 0 or 1 - (last - first) / math.max(rules.time_limit, judge.MOST)
  if done == n and last - first > judge.MOST - judge.LEAST then
    say(("There are %d bells between the quickest and the slowest."):format(last - first))
  end
  return { done = done / n, pace = paced / n, even = math.max(0, even) },
    #said > 0 and table.concat(said, "\n") or "All three were done in a good time.",
    table.concat(summary, "; "), speech
end

return judge
