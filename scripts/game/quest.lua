-- quest.lua - a small game: light the beacon in the tower before the tide is in.
--
-- A town of five by five places. The tower is locked and dark: it takes a key, which is hidden at
-- some place, and a lantern, which the chandler sells for coins that lie about. A ferryman at the
-- quay says a few lines at the beginning. Where everything is, the seed decides; how long there is
-- and what things cost, the rules. No model and no lunagrad in here: a host could run this file.
-- Who plays is told only what a player would see (player.lua).

local quest = {}

--- Name, smallest, largest, and what it is: the rules of a quest, all of them whole numbers.
quest.RULES = {
  { "time_limit", 10, 200, "bells (turns) until the tide is in" },
  { "purse", 0, 30, "coins that the player begins with" },
  { "coins", 0, 24, "places of the 25 where a coin lies" },
  { "lantern_price", 0, 30, "coins that the chandler asks for the lantern" },
  { "search_time", 1, 8, "bells that it takes to search a place" },
}

--- The occasions that the ferryman has a line for, in the order in which he speaks.
quest.LINES = { "greeting", "errand", "key", "lantern", "time" }

--- What the game fills into a line, and what it is.
quest.FIELDS = {
  { "key_place", "name of the place where the key is hidden" },
  { "key_way", "how to get there, like two north and one east" },
  { "chandler_place", "name of the chandler's place" },
  { "chandler_way", "how to get there" },
  { "tower_place", "name of the place with the tower" },
  { "tower_way", "how to get there" },
  { "lantern_price", "number of coins, in words" },
  { "time_limit", "number of bells, in words" },
}

quest.SIDE = 5
quest.PLACES = { "mill", "chapel", "bakery", "cooper", "orchard", "smithy", "granary", "market",
  "school", "tavern", "stable", "garden", "bridge", "barracks", "library", "tannery", "pottery",
  "brewery", "weir", "shrine", "gatehouse", "almshouse", "ropewalk", "dovecote" }

-- ---- chance ----------------------------------------------------------------------

local Dice = {}
Dice.__index = Dice

--- Numbers that depend on the seed alone.
function quest.dice(seed)
  local dice = setmetatable({ state = seed * 2862933555777941757 + 3037000493 }, Dice)
  for _ = 1, 4 do dice:unit() end
  return dice
end

--- From 0 up to, not including, 1.
function Dice:unit()
  local z = self.state + 0x9E3779B97F4A7C15
  self.state = z
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return ((z ~ (z >> 31)) >> 11) * 0x1p-53
end

--- A whole number from 1 to n.
function Dice:int(n) return math.floor(self:unit() * n) + 1 end

function Dice:shuffle(list)
  for i = #list, 2, -1 do
    local k = self:int(i)
    list[i], list[k] = list[k], list[i]
  end
  return list
end

-- ---- the rules as text -----------------------------------------------------------

local function checked(value, name, least, most)
  if value == nil then return nil, ("the rules lack a number %q"):format(name) end
  local number = math.type(value) and math.tointeger(value)
  if not number then
    return nil, ("%s is %s, and has to be a whole number"):format(name, tostring(value))
  end
  if number < least or number > most then
    return nil, ("%s is %d, and has to be from %d to %d"):format(name, number, least, most)
  end
  return number
end

--- The rules of a JSON text; nil and what is wrong with it, in words.
---@param text string
---@param decode fun(text: string): table|nil, string|nil a JSON reader
---@return table<string, integer>|nil rules
---@return string|nil problem
function quest.rules(text, decode)
  local object, why = decode(text)
  if type(object) ~= "table" then
    return nil, "the rules are no JSON object" .. (why and ": " .. tostring(why) or "")
  end
  local rules, known = {}, {}
  for _, rule in ipairs(quest.RULES) do
    local value, problem = checked(object[rule[1]], rule[1], rule[2], rule[3])
    if not value then return nil, problem end
    rules[rule[1]], known[rule[1]] = value, true
  end
  local strange
  for key in pairs(object) do
    local name = tostring(key)
    if not known[name] and (not strange or name < strange) then strange = name end
  end
  if strange then return nil, ("there is no rule %q"):format(strange) end
  return rules
end

-- ---- the ferryman's lines --------------------------------------------------------

local function is_field(name)
  for _, field in ipairs(quest.FIELDS) do
    if field[1] == name then return true end
  end
  return false
end

--- The lines of a text ("key: The key …"), by their occasions; nil and what is wrong with it.
---@param text string
---@return table<string, string>|nil lines
---@return string|nil problem
function quest.lines(text)
  local lines, known = {}, {}
  for _, name in ipairs(quest.LINES) do known[name] = true end
  for row in text:gmatch "[^\n]+" do
    local name, said = row:match "^%s*([%a_]+):%s*(.-)%s*$"
    if row:find "%S" and not known[name] then
      return nil, ("%q does not begin with one of %s and a colon"):format(row:sub(1, 40),
        table.concat(quest.LINES, ", "))
    elseif name and lines[name] then
      return nil, ("there are two lines for %s"):format(name)
    elseif name then
      lines[name] = said
    end
  end
  for _, name in ipairs(quest.LINES) do
    if not lines[name] or lines[name] == "" then return nil, "there is no line for " .. name end
    for field in lines[name]:gmatch "{([^{}]*)}" do
      if not is_field(field) then
        return nil, ("the line for %s has {%s}, which the game does not know"):format(name, field)
      end
    end
    if lines[name]:gsub("{[^{}]*}", ""):find "[{}]" then
      return nil, ("a brace in the line for %s is not closed"):format(name)
    end
  end
  return lines
end

-- ---- the town --------------------------------------------------------------------

local SMALL = { [0] = "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
  "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
  "nineteen" }
local TENS = { "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety" }

--- A whole number below 1000 in words.
function quest.in_words(n)
  if n < 20 then return SMALL[n] end
  if n < 100 then return TENS[n // 10] .. (n % 10 > 0 and "-" .. SMALL[n % 10] or "") end
  local rest = n % 100
  return SMALL[n // 100] .. " hundred" .. (rest > 0 and " " .. quest.in_words(rest) or "")
end

-- The way from the quay.
local function way(from, to)
  local dx, dy, parts = to.x - from.x, to.y - from.y, {}
  if dy ~= 0 then parts[1] = SMALL[math.abs(dy)] .. (dy < 0 and " north" or " south") end
  if dx ~= 0 then parts[#parts + 1] = SMALL[math.abs(dx)] .. (dx < 0 and " west" or " east") end
  return table.concat(parts, " and ")
end

--- The town of a seed under some rules.
---@param seed integer
---@param rules table<string, integer>
---@return table town
function quest.town(seed, rules)
  local dice, names, spots = quest.dice(seed), { table.unpack(quest.PLACES) }, {}
  dice:shuffle(names)
  local town = { places = {}, at = {}, rules = rules, seed = seed }
  for y = 1, quest.SIDE do
    for x = 1, quest.SIDE do
      local start = x == 3 and y == quest.SIDE
      local place = { x = x, y = y, name = start and "quay" or table.remove(names) }
      town.places[#town.places + 1], town.at[y * 10 + x] = place, place
      if start then town.quay = place else spots[#spots + 1] = place end
    end
  end
  dice:shuffle(spots)
  town.key, town.chandler, town.tower = spots[1], spots[2], spots[3]
  town.key.key, town.chandler.chandler, town.tower.tower = true, true, true
  dice:shuffle(spots) -- the same coins first, however many there are
  for i = 1, rules.coins do spots[i].coin = true end
  return town
end

--- The places beside one, in a fixed order.
function quest.beside(town, place)
  local list = {}
  for _, step in ipairs { -10, 1, 10, -1 } do
    list[#list + 1] = town.at[place.y * 10 + place.x + step]
  end
  return list
end

--- What the ferryman says in this town: the lines, filled in, in their order.
---@param town table
---@param lines table<string, string>
---@return string[]
function quest.speech(town, lines)
  local quay = town.quay
  local values = { key_place = town.key.name, key_way = way(quay, town.key),
    chandler_place = town.chandler.name, chandler_way = way(quay, town.chandler),
    tower_place = town.tower.name, tower_way = way(quay, town.tower),
    lantern_price = quest.in_words(town.rules.lantern_price),
    time_limit = quest.in_words(town.rules.time_limit) }
  local said = {}
  for i, name in ipairs(quest.LINES) do
    said[i] = lines[name]:gsub("{([%w_]+)}", values):gsub("^%l", string.upper)
  end
  return said
end

return quest
