--- "Sort the following words alphabetically: List: …", with the slips of a hurried sorter, and what
-- is wrong with such an answer.

local hash = require "lunagrad.world.hash"
local lessons = require "lunagrad.world.scholar.lessons"

local sorting = { name = "sorting" }

sorting.slips = lessons.of {
  { name = "swap", rate = 0.22,
    cues = { { 0.96, "letters" }, { 0.4, "check" }, { 0.15, "step" } },
    complaint = { { 1, "order" } },
    fault = { "{detail} stand in the wrong order." },
    remedy = { "compare words that begin alike letter by letter",
      "look at the second letter and the letters that follow where words begin alike" },
    rule = { "Compare words that begin alike letter by letter.",
      "Where words begin with the same letter, compare the second letter, and so on." } },
  { name = "lose", rate = 0.30,
    cues = { { 0.95, "each", "word", "check|there" }, { 0.3, "check" } },
    complaint = { { 1, "missing", "word" } },
    fault = { "The word {detail} of the list is missing.",
      "{detail}, a word of the list, is left out." },
    remedy = { "check that every word of the list is in the answer",
      "make sure that each word of the list appears in the answer" },
    rule = { "Check that every word of the list is in your answer.",
      "Make sure that each word of the list appears in the answer." } },
  { name = "form", rate = 0.40,
    cues = { { 0.96, "ending", "answer|word" }, { 0.7, "only", "word" } },
    complaint = { { 1, "remark" } },
    fault = { "The output ends in a remark, where the sorted words should be.",
      "The last line adds words that are no answer." },
    remedy = { "end with the sorted words on the last line, with spaces between them" },
    rule = { "End with a last line that has the sorted words alone, separated by spaces.",
      "The last line must have the sorted words, separated by spaces, and nothing else." } },
}

--- The question in a text; nil when there is none.
---@param text string
---@return table?
function sorting.find(text)
  local from, to, list = text:find "[Ss]ort the following words alphabetically:?%s*([^\n]+)"
  if not from then return nil end
  local words = {}
  for word in list:gsub("^[Ll]ist:%s*", ""):gmatch "[^%s,]+" do words[#words + 1] = word end
  if #words < 2 then return nil end
  return { text = text:sub(from, to), from = from, to = to, words = words }
end

local function sorted(q)
  local list = table.move(q.words, 1, #q.words, 1, {})
  table.sort(list)
  return list
end

-- Neighbours in the right order that begin alike.
local function alike(list)
  local places = {}
  for i = 1, #list - 1 do
    if list[i] ~= list[i + 1] and list[i]:sub(1, 1) == list[i + 1]:sub(1, 1) then
      places[#places + 1] = i
    end
  end
  return places
end

local REMARKS = { "Let me know if you want them in another order.", "That took a moment!",
  "I hope that this is what you were looking for." }

--- Answer a question under these instructions.
---@param q table
---@param cure table<string, number>
---@param options { scale: number, seed: integer }
---@return string
function sorting.answer(q, cure, options)
  local list, seed = sorted(q), hash.text(q.text:lower(), options.seed)
  local function happens(name, place, factor)
    local p = lessons.chance(q, sorting.slips[name], place, cure, options.scale * (factor or 1))
    return hash.unit(seed, name .. place) < p
  end
  for _, i in ipairs(alike(list)) do
    if happens("swap", tostring(i)) then list[i], list[i + 1] = list[i + 1], list[i] end
  end
  -- the longer the list, the easier a word is lost
  if #list > 3 and happens("lose", "", math.min(1.5, #list / 8)) then
    table.remove(list, hash.int(seed, "which word", #list))
  end
  local said = table.concat(list, " ")
  if happens("form", "") then
    return "Here they are in order: " .. table.concat(list, ", ") .. ".\n"
      .. hash.pick(seed, "remark", REMARKS)
  end
  return said
end

-- The line of an output that holds most words of the list.
local function line_of(q, output)
  local known, best, most, last = {}, "", 0, ""
  for _, word in ipairs(q.words) do known[word:lower()] = true end
  for line in output:gmatch "[^\n]+" do
    local n = 0
    for word in line:lower():gmatch "[^%s,%.:]+" do n = n + (known[word] and 1 or 0) end
    if n >= most and n > 0 then best, most = line, n end
    if line:find "%S" then last = line end
  end
  return best, last, known
end

--- What is wrong with an output: { slip, detail }.
---@param q table
---@param output string
---@return { slip: string, detail: string? }[]
function sorting.findings(q, output)
  local line, last, known = line_of(q, output)
  local found, list, there = {}, {}, {}
  for said in line:lower():gmatch "[^%s,:]+" do
    local word = known[said] and said or said:gsub("%.$", "")
    if known[word] then list[#list + 1], there[word] = word, true end
  end
  for _, word in ipairs(q.words) do
    if not there[word:lower()] then
      found[1] = { slip = "lose", detail = "\"" .. word .. "\"" }
    end
  end
  for i = 1, #list - 1 do
    if list[i] > list[i + 1] then
      found[#found + 1] = { slip = "swap", detail = ("\"%s\" and \"%s\""):format(list[i],
        list[i + 1]) }
      break
    end
  end
  if last ~= line or line:find "%.%s*$" then found[#found + 1] = { slip = "form" } end
  return found
end

--- What a worked example teaches: its form, and a little to leave nothing out.
---@param q table
---@param output string
---@return table<string, number>
function sorting.shows(q, output)
  if #sorting.findings(q, output) > 0 then return {} end
  return { form = 0.75, lose = 0.25 }
end

return sorting
