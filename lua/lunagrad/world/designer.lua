--- sim/designer: edits what a game is made of, its lines of talk and the numbers of its rules.
--
-- A stand-in for a model that is asked to better such texts along what was said of plays. It reads
-- as a designer would: what somebody was not told can be said in a line, by the fields that the
-- role explains; who could not pay wants a lower price or more coins, who ran out of time more of
-- it. It knows no game, no score and no player: which line, which words, which number and by how
-- much are draws. Like people it takes the wrong field, goes on too long or forgets a rule (noise).

local hash = require "lunagrad.world.hash"
local lexer = require "lunagrad.world.lexer"
local rewriting = require "lunagrad.world.rewriting"

local designer = {}

-- ---- reading what was said -------------------------------------------------------

local vocabulary = lexer.vocabulary {
  late = "ran out time, run out time, out time, too late, time over, no time left, enough time",
  pay = "pay, afford, buy",
  poor = "missing, too dear, too expensive, costs too much, short coins",
  soon = "sooner, too soon, too quick, too easy, too fast, too early, trivial",
  long = "longer, too long, too slow, tedious, drags",
  tell = "tell, told, learn, learned, know, knew, known, hear, heard, explain",
  untold = "nothing said, nobody said, no hint, vain, lost",
  need = "need, needed, require, required, without",
  listen = "listen, end line, read",
}

-- What is complained of, sentence by sentence: a list of { hits, text }.
local function complaints_of(pieces)
  local list = {}
  for _, piece in ipairs(pieces) do
    lexer.read(vocabulary, piece, function(hits, _, from, to)
      local wish = piece:find("^What is wanted", from) -- is no complaint
      if next(hits) and not wish then
        list[#list + 1] = { hits = hits, text = piece:sub(from, to):lower() }
      end
    end)
  end
  return list
end

-- ---- numbers ---------------------------------------------------------------------

-- What a number is about, by the words of its name.
local ABOUT = { { "work", "search dig work effort steps cost_time" },
  { "time", "time limit turns bells hours days clock" },
  { "price", "price cost fee toll" }, { "money", "purse coins coin gold money wallet" } }

local function about(name)
  for _, entry in ipairs(ABOUT) do
    for word in entry[2]:gmatch "%a+" do
      if name:lower():find(word, 1, true) then return entry[1] end
    end
  end
  return nil
end

-- Complaint → what may help: what a number is about, and the way it goes.
local REMEDIES = {
  late = { { "time", 1 }, { "work", -1 }, { "price", -1 } },
  poor = { { "price", -1 }, { "money", 1 } },
  soon = { { "price", 1 }, { "money", -1 }, { "work", 1 } },
  long = { { "work", -1 }, { "price", -1 }, { "money", 1 } },
}

local function grievances(complaints)
  local list = {}
  for _, one in ipairs(complaints) do
    local hits = one.hits
    if hits.late then list[#list + 1] = "late" end
    if hits.poor or hits["!pay"] then list[#list + 1] = "poor" end
    if hits.soon then list[#list + 1] = "soon" end
    if hits.long then list[#list + 1] = "long" end
  end
  return list
end

local function moved(value, way, seed, key)
  local share = 0.1 + 0.4 * hash.unit(seed, "how much " .. key)
  local step = math.max(1, math.floor(math.abs(value) * share + 0.5))
  return math.max(0, value + way * step)
end

-- The text with another number behind a name; all else stays as it is.
local function with_number(text, name, value)
  local pattern = '("' .. name:gsub("%p", "%%%0") .. '"%s*:%s*)%-?[%d.]+'
  return (text:gsub(pattern, "%1" .. ("%d"):format(value), 1))
end

local function numbers_of(text)
  local list = {}
  for name, value in text:gmatch '"([^"]+)"%s*:%s*(%-?[%d.]+)' do
    list[#list + 1] = { name = name, value = tonumber(value), about = about(name) }
  end
  return list
end

local function change(text, numbers, kind, way, seed, key)
  local fitting = {}
  for _, one in ipairs(numbers) do
    if one.about == kind then fitting[#fitting + 1] = one end
  end
  if #fitting == 0 then return text end
  local one = hash.pick(seed, "which " .. key, fitting)
  return with_number(text, one.name, moved(one.value, way, seed, key))
end

local function write_numbers(found, complaints)
  local text, seed = found.text, found.seed
  local numbers, heard = numbers_of(text), grievances(complaints)
  if #heard == 0 then return text end
  local times = hash.unit(seed, "how many") < 0.5 and 1 or 2
  for i = 1, times do
    local key = "change " .. i
    local remedy = hash.pick(seed, key, REMEDIES[hash.pick(seed, key .. " of", heard)])
    local way = remedy[2]
    if hash.unit(seed, key .. " wrong") < found.noise then way = -way end
    text = change(text, numbers_of(text), remedy[1], way, seed, key)
  end
  return #numbers > 0 and text or found.text
end

-- ---- lines -----------------------------------------------------------------------

-- The fields that a message explains: "{key_way} (how to get there)" → name, thing, kind, unit.
local function fields_of(message)
  local list = {}
  for name, said in message:gmatch "{([%w_]+)} (%b())" do
    local unit = said:match "number of (%a+)"
    local thing = name:match "^(%a+)_" or name
    list[#list + 1] = { name = name, thing = thing, unit = unit,
      kind = unit and "amount" or said:find "how to get" and "way" or said:find "name" and "place" }
  end
  return list
end

local function field(fields, thing, kind)
  for _, one in ipairs(fields) do
    if one.thing == thing and one.kind == kind then return "{" .. one.name .. "}", one.unit end
  end
  return nil
end

local WHERE = {
  "the %s is at the {place}, {way}", "look for the %s at the {place}, {way} of here",
  "go {way} for the %s", "the %s: {way}", "the %s is at the {place}", "find the %s {way}",
  "many have asked me for the %s, and few came back from the {place}, which is {way}",
  "there is more than one way to the %s, and the one that I would take goes {way}",
}
local NEED = { "bring %s to the %s", "without %s nobody enters the %s", "take %s to the %s",
  "those who come without %s are sent away again from the %s, as many were before you" }
local AMOUNT = { "the %s: %s %s", "%s: %s %s, no more", "mind the %s, it is %s %s" }

local function where(thing, fields, seed)
  local place, way = field(fields, thing, "place"), field(fields, thing, "way")
  if not place and not way then return nil end
  local form = hash.pick(seed, "where " .. thing, WHERE):format(thing)
  return (form:gsub("{(%a+)}", { place = place or way, way = way or place }))
end

local function amount(thing, fields, seed)
  local value, unit = field(fields, thing, "amount")
  return value and hash.pick(seed, "amount " .. thing, AMOUNT):format(thing, value, unit)
end

-- The things that a sentence speaks of, in the order of their fields.
local function things_in(text, fields)
  local list, seen = {}, {}
  for _, one in ipairs(fields) do
    if not seen[one.thing] and text:find("%f[%a]" .. one.thing) then
      seen[one.thing], list[#list + 1] = true, one.thing
    end
  end
  return list
end

-- "The novice came to the tower: nothing said that key and lantern are needed there."
local function need(text, fields, seed)
  local things, at = {}, nil
  for _, thing in ipairs(things_in(text, fields)) do
    if not at and text:find("to the " .. thing, 1, true) then at = thing
    else things[#things + 1] = thing end
  end
  if not at or #things == 0 then return nil end
  return hash.pick(seed, "need " .. at, NEED):format(table.concat(things, " and "), at), things[1]
end

-- What could be said about a complaint, and the thing that it is about.
local function answer_to(complaint, fields, found)
  local seed, text = found.seed, complaint.text
  if complaint.hits.need then
    local said, thing = need(text, fields, seed)
    if said then return said, thing, true end
  end
  local things = things_in(text, fields)
  if #things == 0 then return nil end
  local thing = hash.pick(seed, "thing " .. text, things)
  local meant = thing
  if hash.unit(seed, "mistake " .. text) < found.noise and #fields > 0 then
    meant = hash.pick(seed, "other " .. text, fields).thing
  end
  local said = where(meant, fields, seed) or amount(meant, fields, seed)
  return said and said:gsub("%f[%a]" .. meant .. "%f[%A]", thing, 1), thing
end

local function is_untold(hits)
  return hits.untold or hits["!tell"] or hits["!untold"]
end

local function rows_of(text)
  local rows = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local label, said = line:match "^%s*([%a_]+):%s*(.-)%s*$"
    rows[#rows + 1] = { label = label, said = said or line }
  end
  while #rows > 1 and not rows[#rows].label do table.remove(rows) end
  return rows
end

-- The line for a thing: the one that is called so, one that speaks of it, or any.
local function row_for(rows, thing, is_need, seed)
  local named, speaks, free = nil, nil, {}
  for _, row in ipairs(rows) do
    if row.label == thing then named = row end
    if row.said:lower():find(thing, 1, true) then speaks = speaks or row end
    if not row.said:find "{" then free[#free + 1] = row end
  end
  if named and not is_need then return named end
  if speaks and not is_need and hash.unit(seed, "speaks") < 0.5 then return speaks end
  return hash.pick(seed, "row " .. thing, #free > 0 and free or rows)
end

-- "one of these words: aye, tide, mate" → the words.
local function voice_of(rules)
  local list = {}
  for word in (rules:match "of these words: ([%a, ]+)" or ""):gmatch "%a+" do
    list[#list + 1] = word
  end
  return list
end

local function has_voice(said, voice)
  for word in said:lower():gmatch "%a+" do
    for _, one in ipairs(voice) do
      if word == one then return true end
    end
  end
  return #voice == 0
end

local function line_of(row) return row.label and row.label .. ": " .. row.said or row.said end

local function sentence(text) return (text:gsub("^%l", string.upper)) .. "." end

local function in_voice(said, found, voice)
  if has_voice(said, voice) or hash.unit(found.seed, "voice " .. said) < found.noise then
    return said
  end
  local word = hash.pick(found.seed, "word " .. said, voice)
  if hash.unit(found.seed, "end " .. said) < 0.5 then
    return (said:gsub("[.!]$", "")) .. ", " .. word .. "."
  end
  return sentence(word .. ", " .. said:gsub("^%u", string.lower):gsub("[.!]$", ""))
end

-- A line that was not listened to to its end: what has a field in it, and nothing else.
local function cut_down(row)
  local kept = {}
  for part in row.said:gmatch "[^.!?]+" do
    if part:find "{" then kept[#kept + 1] = part:match "^%s*(.-)%s*$" end
  end
  if #kept > 0 then
    row.said = sentence(kept[#kept]:gsub("^.*, ([^,{]*{)", "%1"))
  end
end

local function put(row, said, seed)
  local add = row.said:find "{" and hash.unit(seed, "add " .. said) < 0.5
  row.said = add and row.said .. " " .. sentence(said) or sentence(said)
end

local function answer_one(rows, complaint, fields, found)
  if complaint.hits["!listen"] then
    for _, row in ipairs(rows) do
      if row.label and complaint.text:find("line for " .. row.label, 1, true) then cut_down(row) end
    end
    return
  end
  local said, thing, is_need = answer_to(complaint, fields, found)
  if said then put(row_for(rows, thing, is_need, found.seed), said, found.seed) end
end

-- The rows as a text, each in the voice that is asked for.
local function written(rows, found)
  local voice, lines = voice_of(found.rules), {}
  for i, row in ipairs(rows) do
    row.said = in_voice(row.said, found, voice)
    lines[i] = line_of(row)
  end
  return table.concat(lines, "\n")
end

local function write_lines(found, complaints)
  local fields, rows, seed = fields_of(found.said), rows_of(found.text), found.seed
  local heard = {}
  for _, one in ipairs(complaints) do
    if is_untold(one.hits) or one.hits["!listen"] then heard[#heard + 1] = one end
  end
  local times = math.min(#heard, hash.int(seed, "times", 3))
  for i = 1, times do
    local one = table.remove(heard, hash.int(seed, "heard " .. i, #heard))
    answer_one(rows, one, fields, found)
  end
  return written(rows, found)
end

-- One line said in other words, with nothing to go by but what it speaks of.
local function rephrased(found)
  local fields, rows, seed = fields_of(found.said), rows_of(found.text), found.seed
  local row = hash.pick(seed, "rephrase", rows)
  local things = things_in(row.said:lower(), fields)
  if #things > 0 then
    local thing = hash.pick(seed, "rephrase which", things)
    local said = where(thing, fields, seed) or amount(thing, fields, seed)
    if said then row.said = sentence(said) end
  end
  return written(rows, found)
end

-- A number or two moved one way or the other.
local function jittered(found)
  local text, seed = found.text, found.seed
  local numbers = numbers_of(text)
  if #numbers == 0 then return text end
  local one = hash.pick(seed, "jitter", numbers)
  local way = hash.unit(seed, "jitter way") < 0.5 and 1 or -1
  return with_number(text, one.name, moved(one.value, way, seed, "jitter"))
end

-- ---- the reply -------------------------------------------------------------------

-- Line by line or number by number of one or the other text.
local function mixed(found)
  local lines = {}
  local other = rows_of(found.other)
  for i, row in ipairs(rows_of(found.text)) do
    local one = other[i] and other[i].label == row.label
      and hash.unit(found.seed, "side " .. i) < 0.5 and other[i] or row
    lines[i] = line_of(one)
  end
  return table.concat(lines, "\n")
end

local function shorter(found)
  local rows, lines = rows_of(found.text), {}
  cut_down(hash.pick(found.seed, "shorter", rows))
  for i, row in ipairs(rows) do lines[i] = line_of(row) end
  return table.concat(lines, "\n")
end

local function write(found)
  local is_numbers = found.text:find "^%s*{" ~= nil
  if found.other then
    return is_numbers and (hash.unit(found.seed, "side") < 0.5 and found.other or found.text)
      or mixed(found)
  elseif found.shorter then
    return is_numbers and found.text or shorter(found)
  end
  local complaints = complaints_of(found.feedback)
  if is_numbers then
    local new = write_numbers(found, complaints)
    return found.is_new and new == found.text and jittered(found) or new
  end
  local new = write_lines(found, complaints)
  return new == found.text and rephrased(found) or new
end

--- Answer a request to rewrite lines of talk or rules; nil for all else.
---@param view sim.view
---@param settings { editor_noise: number }
---@param options { seed: integer }
---@return string?
---@return "stop"|"length"?
function designer.reply(view, settings, options)
  return rewriting.reply(view, options, settings.editor_noise, write)
end

return designer
