-- player.lua - a simulated player of the quest: it reads what the ferryman says, walks and tries.
--
-- It knows the town's rules only from what it reads and meets. Of each line it takes in the first
-- words, how many depends on its skill, and from these it takes what anybody would: a thing (key,
-- lantern, tower), where it is (steps and directions, or the name of a place), what is needed where,
-- amounts of coins and bells. What it was not told it has to find by walking about. It knows
-- nothing of what a quest should be like.

local quest = require "game.quest"

local player = {}

--- How much of a line is taken in, of all lines together, and how it looks about: the share of
--- steps that are sensible, of places that are searched, of turns that are dawdled away, and that
--- are although the time is known.
player.SKILLS = {
  { name = "novice", reads = 9, listens = 55, sensible = .35, search = .55, dawdle = .25,
    hurried = .10 },
  { name = "usual", reads = 14, listens = 75, sensible = .75, search = .85, dawdle = .10,
    hurried = .04 },
  { name = "expert", reads = 22, listens = 110, sensible = 1, search = 1, dawdle = 0, hurried = 0 },
}

-- ---- reading ---------------------------------------------------------------------

local THINGS = { key = "key", keys = "key", lantern = "chandler", lamp = "chandler",
  chandler = "chandler", tower = "tower", beacon = "tower" }
local STEPS = { north = { 0, -1 }, south = { 0, 1 }, east = { 1, 0 }, west = { -1, 0 } }

local NUMBERS = {}
for n = 0, 200 do NUMBERS[quest.in_words(n):gsub("[%s-]", " ")] = n end
NUMBERS.a, NUMBERS.no = 1, 0

local NAMED = {}
for _, name in ipairs(quest.PLACES) do NAMED[name] = true end

-- The number that ends before a word: "forty two bells", "12 coins".
local function number_before(words, i)
  for length = 4, 1, -1 do
    if i > length then
      local text = table.concat(words, " ", i - length, i - 1)
      local n = NUMBERS[text] or length == 1 and math.tointeger(tonumber(text))
      if n then return n end
    end
  end
  return nil
end

-- What one sentence says: { things = in order, dx, dy, place, coins, bells }.
local function read_sentence(words)
  local said = { things = {} }
  for i, word in ipairs(words) do
    local thing, step = THINGS[word], STEPS[word]
    if thing then said.things[#said.things + 1] = word == "chandler" and "chandler" or thing end
    if step then
      local n = number_before(words, i) or 1
      said.dx, said.dy = (said.dx or 0) + n * step[1], (said.dy or 0) + n * step[2]
    end
    if NAMED[word] then said.place = said.place or word end
    if word:find "^coin" then said.coins = number_before(words, i) or said.coins end
    if word:find "^bells?$" then said.bells = number_before(words, i) or said.bells end
  end
  return said
end

-- Words that are taken in, sentence by sentence.
local function sentences(line, most)
  local list, words, n = {}, {}, 0
  for word, mark in line:lower():gsub("%-", " "):gmatch "([%w']+)([^%w']*)" do
    n = n + 1
    if n > most then break end
    words[#words + 1] = word
    if mark:find "[.!?;]" then list[#list + 1], words = words, {} end
  end
  list[#list + 1] = words
  return list, n
end

local function learn(known, said)
  local first = said.things[1]
  if first and (said.dx or said.place) then
    known.where[first] = { dx = said.dx, dy = said.dy, place = said.place }
  end
  local tower
  for _, thing in ipairs(said.things) do tower = tower or thing == "tower" end
  for _, thing in ipairs(said.things) do
    if thing ~= "tower" and tower then known.needs[thing] = true end
    known.heard[thing] = true
  end
  known.price = said.coins or known.price
  known.limit = said.bells or known.limit
end

--- What a player of some skill takes from what is said.
---@param speech string[]
---@param skill table of player.SKILLS
---@return table known { where, needs, heard, price, limit, cut }
function player.listen(speech, skill)
  local known, left = { where = {}, needs = {}, heard = {} }, skill.listens
  for i, line in ipairs(speech) do
    local most = math.min(skill.reads, left)
    local list, n = sentences(line, most)
    if n > most then known.cut = known.cut or i end
    left = left - math.min(n, most)
    for _, words in ipairs(list) do learn(known, read_sentence(words)) end
  end
  return known
end

-- ---- walking ---------------------------------------------------------------------

local Play = {}
Play.__index = Play

local function distance(a, b) return math.abs(a.x - b.x) + math.abs(a.y - b.y) end

-- Where a thing is, as far as the player knows: seen, told by steps, or told by a name seen before.
function Play:place_of(thing)
  if self.seen[thing] then return self.seen[thing] end
  local told = self.known.where[thing]
  if not told then return nil end
  local quay = self.town.quay
  if told.dx then
    local place = self.town.at[(quay.y + told.dy) * 10 + quay.x + told.dx]
    if place and not self.denied[place.name .. thing] then return place end
  end
  return told.place and self.names[told.place] or nil
end

-- A step towards a place: along the longer side, or the other one.
function Play:towards(place)
  local here, dx, dy = self.here, place.x - self.here.x, place.y - self.here.y
  local across = math.abs(dx) > math.abs(dy) or math.abs(dx) == math.abs(dy)
    and self.dice:unit() < .5
  local x = across and dx ~= 0 and (dx > 0 and 1 or -1) or 0
  local y = x == 0 and dy ~= 0 and (dy > 0 and 10 or -10) or 0
  return self.town.at[here.y * 10 + here.x + x + y]
end

-- Where nobody has been: the sensible go to the nearest such place, others as it happens.
function Play:about()
  local beside = quest.beside(self.town, self.here)
  if self.dice:unit() >= self.skill.sensible then return beside[self.dice:int(#beside)] end
  local best, near
  for _, place in ipairs(self.town.places) do
    local far = distance(self.here, place) + self.dice:unit() * .5
    if not self.visited[place] and (not near or far < near) then best, near = place, far end
  end
  if best then return self:towards(best) end
  return beside[self.dice:int(#beside)]
end

-- What to go for now, as far as it knows.
function Play:aim()
  local wants_key = self.known.needs.key and not self.has_key
  local wants_light = self.known.needs.chandler and not self.has_light
  if wants_light and (not self.known.price or self.coins >= self.known.price) then
    local shop = self:place_of "chandler"
    if shop then return shop end
  end
  if wants_key then
    local place = self:place_of "key"
    if place then return place end
  end
  if not wants_key and not wants_light then return self:place_of "tower" end
  return nil
end

function Play:spend(bells) self.time = self.time + bells end

function Play:search()
  local told = self.known.where.key
  local here, way = self.here, told and told.dx
  local meant = told and (told.place == here.name
    or not told.place and way and self:place_of "key" == here)
  local elsewhere = told and not meant and (told.place or way)
  if self.has_key or self.searched[here] or elsewhere then return end
  local keen = meant and 1 or (self.known.needs.key or self.known.heard.key) and self.skill.search
    or self.skill.search * .3
  if self.dice:unit() >= keen then return end
  self:spend(self.town.rules.search_time)
  self.searched[here], self.searches = true, self.searches + 1
  self.has_key = here.key == true
  if meant and not here.key then self.known.where.key = nil end -- it is not there
end

function Play:trade()
  local price = self.town.rules.lantern_price
  self.seen.chandler, self.known.price = self.here, price
  if self.has_light then return end
  if self.coins >= price then
    if self.known.needs.chandler or self.dice:unit() < self.skill.sensible then
      self.has_light, self.coins = true, self.coins - price
    end
  else
    self.short = math.max(self.short, price - self.coins)
    self.turned_back = self.turned_back + 1
  end
end

-- What is met at a place.
function Play:arrive()
  local here = self.here
  self.names[here.name] = here
  self.visited[here] = true
  if here.coin and not self.taken[here] then
    self.taken[here], self.coins = true, self.coins + 1
  end
  if here.chandler then self:trade() end
  if here.tower then
    self.seen.tower = here
    if self.has_key and self.has_light then
      self.done = true
      return
    end
    if not (self.known.needs.key and self.known.needs.chandler) then
      self.in_vain = self.in_vain + 1
    end
    self.known.needs.key, self.known.needs.chandler = true, true
  end
  self:search()
  local told = self.known.where
  for _, thing in ipairs { "chandler", "tower" } do -- "it is here", and is not
    local where = told[thing]
    if where and self:place_of(thing) == here and not here[thing] then
      self.denied[here.name .. thing] = true
    end
  end
end

--- One play.
---@param town table of quest.town
---@param speech string[]
---@param skill table of player.SKILLS
---@return table play { done, time, coins, has_key, has_light, searches, short, in_vain, known, … }
function player.play(town, speech, skill)
  local known = player.listen(speech, skill)
  local play = setmetatable({ town = town, skill = skill, known = known, here = town.quay,
    coins = town.rules.purse, time = 0, visited = {}, searched = {}, taken = {}, seen = {},
    names = {}, denied = {}, searches = 0, short = 0, turned_back = 0, in_vain = 0,
    told = { key = known.where.key ~= nil, chandler = known.where.chandler ~= nil,
      tower = known.where.tower ~= nil, needs = known.needs.key and known.needs.chandler,
      price = known.price ~= nil, limit = known.limit ~= nil },
    dice = quest.dice(town.seed * 31 + skill.reads) }, Play)
  play:arrive()
  local limit = town.rules.time_limit
  while not play.done and play.time < limit do
    local idle = known.limit and skill.hurried or skill.dawdle
    play:spend(1)
    if play.dice:unit() >= idle then
      local aim = play:aim()
      if aim and aim ~= play.here then
        play.here = play:towards(aim)
      else
        play.here = play:about()
      end
      play:arrive()
    end
  end
  if play.time > limit then play.done = false end
  play.time = math.min(play.time, limit)
  return play
end

return player
