-- harbour.lua - the game's own part: what listeners make of a ferryman's lines. Knows no library.
--
-- The lines are one a line, "key: …" and "lantern: …"; in {key_place}, {key_way} and {lantern_price} the
-- game fills in what is so in this harbour. Who listens takes in the first words of a line: 7, 11 or 16.

local harbour = {}

local PLACES = { "mill", "chapel", "granary", "well", "smithy", "boathouse" }
local WAYS = { "two north", "one east and one south", "three west", "one north", "two south" }
local LISTENERS = { { "novice", 7 }, { "sailor", 11 }, { "scholar", 16 } }

--- What the lines are to do, and which fields they may have: told to who edits them.
harbour.WANTED = "Everybody at the quay learns from the ferryman where the key is and what the "
  .. "lantern costs, also who listens to the first words alone. There are two lines, which begin "
  .. "with key, lantern and a colon, which is not spoken. In them the game fills in: {key_place} "
  .. "(name of the place where the key is), {key_way} (how to get there), {lantern_price} (number "
  .. "of coins that the lantern costs)."

--- The same town for the same number.
function harbour.town(n)
  return { key_place = PLACES[n * 7 % #PLACES + 1], key_way = WAYS[n * 3 % #WAYS + 1],
    lantern_price = tostring(n % 9 + 2) }
end

local function first_words(line, n)
  local words = {}
  for word in line:gmatch "%S+" do
    if #words == n then break end
    words[#words + 1] = word
  end
  return " " .. table.concat(words, " "):gsub("%p", " ") .. " "
end

--- The lines as they are spoken in a town; nil and what is wrong with them.
function harbour.speech(text, town)
  local lines = {}
  for name, line in text:gmatch "%f[^%z\n](%a+): *([^\n]+)" do
    local unknown
    lines[name] = line:gsub("{([%w_]+)}", function(field)
      if not town[field] then unknown = field end
      return town[field]
    end)
    if unknown then return nil, "there is no field {" .. unknown .. "}" end
  end
  if not lines.key or not lines.lantern then
    return nil, "the lines for key and lantern are needed"
  end
  return lines
end

--- Lets three listeners hear the lines: { score, said, shown }.
function harbour.play(text, n)
  local town = harbour.town(n)
  local lines, problem = harbour.speech(text, town)
  if not lines then
    return { score = 0, said = "Nobody can speak them: " .. problem, shown = "" }
  end
  local learned, said = 0, {}
  for _, listener in ipairs(LISTENERS) do
    local who, words = listener[1], listener[2]
    local key, lantern = first_words(lines.key, words), first_words(lines.lantern, words)
    if key:find(" " .. town.key_place .. " ", 1, true) then
      learned = learned + 1
    else
      said[#said + 1] = ("The %s never learned where the key is."):format(who)
    end
    if lantern:find(" " .. town.lantern_price .. " ", 1, true) then
      learned = learned + 1
    else
      said[#said + 1] = ("The %s was not told what the lantern costs."):format(who)
    end
  end
  return { score = learned / (2 * #LISTENERS), said = table.concat(said, "\n"),
    shown = lines.key .. "\n" .. lines.lantern }
end

return harbour
