--- What a wish for a little story says, and whether a story is as it was wished for.
--
-- The wish is read as it stands in the messages: lines with a label (Subject, Names, Words, Length,
-- Tone, Ending). A reader of story and wish sees what is missing, as anybody would; there is no list
-- of checks but the wish itself.

local brief = {}

---@class sim.brief
---@field subject string
---@field names string[]
---@field words string[]
---@field least integer
---@field most integer
---@field tone string?
---@field ending string? what the end is to speak of

local function list_of(text)
  local list = {}
  for part in (text or ""):gmatch "[^,;]+" do
    local word = part:gsub("%f[%a]and%s+", ""):match "^%s*(.-)[%s.]*$"
    if word ~= "" then list[#list + 1] = word end
  end
  return list
end

local function label(text, ...)
  for _, name in ipairs { ... } do
    local said = ("\n" .. text):match("\n[ \t>*-]*" .. name .. "[%a ]*:[ \t*]*([^\n]+)")
    if said then return said:match "^(.-)%s*$" end
  end
  return nil
end

--- The wish in a text; nil where there is none.
---@param text string
---@return sim.brief?
function brief.of(text)
  local subject = label(text, "Subject", "Topic", "About")
  if not subject then return nil end
  local length = label(text, "Length") or ""
  local least, most = length:match "(%d+)%D+(%d+)"
  local ending = label(text, "Ending", "End")
  return { subject = subject:gsub("%.$", ""), names = list_of(label(text, "Names", "Characters")),
    words = list_of(label(text, "Words")), tone = label(text, "Tone"),
    least = math.tointeger(tonumber(least or 60)), most = math.tointeger(tonumber(most or 100)),
    ending = ending and (ending:match "speaks? of (.-)%.?$" or ending:match "(%a+)%.?$") }
end

--- The sentences of a story.
---@param text string
---@return string[]
function brief.sentences(text)
  local list = {}
  for one in text:gmatch "[^.!?\n]+[.!?]*['\"]*" do
    local trimmed = one:match "^%s*(.-)%s*$"
    if trimmed:find "%w" then list[#list + 1] = trimmed end
  end
  return list
end

--- Whether a text has a word, also with an ending.
---@param text string
---@param word string
---@return boolean
function brief.has(text, word)
  return text:lower():find("%f[%w]" .. word:lower():gsub("%p", "%%%0")) ~= nil
end

function brief.count(text) return select(2, text:gsub("[%w'%-]+", "")) end

local function missing_words(wish, story)
  local list = {}
  for _, word in ipairs(wish.words) do
    if not brief.has(story, word) then list[#list + 1] = word end
  end
  return list
end

local function is_repeated(sentences)
  local seen = {}
  for _, one in ipairs(sentences) do
    if seen[one] then return one end
    seen[one] = true
  end
  return nil
end

--- What a reader finds wrong with a story, by name: { slip, words for it }.
---@param wish sim.brief
---@param story string
---@return { slip: string, said: string }[]
function brief.faults(wish, story)
  local list, sentences, n = {}, brief.sentences(story), brief.count(story)
  local function add(slip, said) list[#list + 1] = { slip = slip, said = said } end
  local lacks = missing_words(wish, story)
  if #lacks > 0 then add("words", "It does not use " .. table.concat(lacks, ", ") .. ".") end
  if n < wish.least then add("length", ("It is too short, with %d words."):format(n)) end
  if n > wish.most then add("length", ("It is too long, with %d words."):format(n)) end
  for _, name in ipairs(wish.names) do
    local _, times = story:gsub("%f[%w]" .. name:gsub("%p", "%%%0"), "")
    if times < 2 then add("names", ("The name %s gets lost on the way."):format(name)) end
  end
  if wish.ending and not brief.has(sentences[#sentences] or "", wish.ending) then
    add("ending", ("The ending does not speak of %s."):format(wish.ending))
  end
  if is_repeated(sentences) then add("repeats", "A sentence is repeated.") end
  if n / math.max(#sentences, 1) > 16 then
    add("ease", "The sentences are long and hard to read.")
  end
  if story:find "^%s*[#*]" or story:lower():find "^%s*here is" or story:find ":%s*\n" then
    add("frame", "There is a preface or title before the story.")
  end
  return list
end

return brief
