--- Rewrites a text so that it answers the feedback on it.
--
-- Instructions get one sentence for each point that they do not make already; what
-- is there stays, unless the feedback wants it out. An answer is given again, with
-- the feedback as instructions. Like people the editor sometimes drops a point,
-- adds a useless or harmful sentence, or (rarely) forgets the form (`noise`).

local answerer = require "lunagrad.world.answerer"
local cases = require "lunagrad.world.case"
local cues = require "lunagrad.world.cues"
local hash = require "lunagrad.world.hash"
local read = require "lunagrad.world.read"
local search = require "lunagrad.world.search"
local slips = require "lunagrad.world.slips"
local tags = require "lunagrad.world.tags"

local editor = {}

-- The order in which instructions on counting read well; the form of the answer is last.
local ORDER = { "skip", "distractor", "container", "quantity", "sum", "words", "ramble" }

-- Added when feedback says nothing definite: they do little.
local GENERIC = {
  "Read the question carefully.",
  "Take your time and be attentive.",
  "Think through the problem before you answer.",
  "Be thorough and precise.",
  "The answer matters, so take care.",
}

-- Added by mistake, or when feedback asks for them.
local HABITS = {
  brief = "Be as brief as possible.",
  unlisted = "Do not list the items.",
  guess = "Trust your first impression.",
  words = "Answer in words.",
  chatty = "Add an interesting fact at the end.",
  once = "Count each kind once.",
  everything = "Count everything.",
  unheld = "Do not count heads or stalks.",
}
local HABIT_NAMES = {
  "brief", "unlisted", "guess", "words", "chatty", "once", "everything", "unheld",
}
local STRAY = {
  "You are a helpful assistant.", HABITS.brief, "Keep a friendly tone.", HABITS.chatty,
  "Questions may come in any order.", HABITS.guess, HABITS.brief, "Answer in English.",
}

-- ---- the material ----------------------------------------------------------------

--- What is said of the text to be rewritten.
---@param view sim.view
---@return string
local function feedback_of(view)
  local pieces = {}
  for _, block in ipairs(view.blocks) do
    if block.meaning == "feedback" and not block.past then
      pieces[#pieces + 1] = block.text
    end
  end
  if #pieces > 0 then
    return table.concat(pieces, "\n")
  end
  local text = read.block(view, "conversation") or view.outside
  for _, section in ipairs(tags.sections(text)) do
    if section.meaning == "feedback" then
      pieces[#pieces + 1] = section.text
    end
  end
  return #pieces > 0 and table.concat(pieces, "\n") or text
end

editor.feedback_of = feedback_of

-- "First words (...) last words": the whole text may stand elsewhere in the messages.
local function unabridged(view, text)
  local cut = text:find("(...)", 1, true)
  local head = cut and text:sub(1, cut - 1):match "^.*%S"
  if not head then
    return text
  end
  for _, block in ipairs(view.blocks) do
    if block.meaning ~= "variable" and block.text:sub(1, #head) == head then
      return block.text
    end
  end
  return text
end

--- The text to be rewritten, whole; nil when there is none.
---@param view sim.view
---@return string?
local function text_of(view)
  local text = read.block(view, "variable")
  if text then
    return unabridged(view, text)
  end
  for _, section in ipairs(view.sections) do
    if section.meaning == "variable" then
      local paragraph = section.text:match "^%s*([^\n].-)\n[ \t]*\n" or section.text
      return paragraph:match "^%s*(.*%S)" or ""
    end
  end
  return view.outside:match "```%a*\n(.-)\n```" or view.outside:match "\"([^\"]+)\""
    or read.block(view, "system")
end

editor.text_of = text_of

local LIMITS = { "at most", "no more than", "not more than", "maximum of", "up to", "within",
  "under", "fewer than", "less than", "limit of", "max" }

-- "at most 120 words" → 120.
local function word_limit(view)
  local low = view.frame:lower() .. "\n" .. view.system:lower()
  local best
  for _, phrase in ipairs(LIMITS) do
    local n = low:match(phrase .. "[^%d%.\n]?[^%d%.\n]?(%d+) words?")
    if n and (not best or tonumber(n) < best) then
      best = math.tointeger(tonumber(n))
    end
  end
  return best
end

local function count_words(text)
  local _, n = text:gsub("%S+", "")
  return n
end

-- ---- editing instructions ----------------------------------------------------------

-- The sentences of a text with what each one says.
local function sentences_of(text)
  local list = {}
  cues.read(text, function(from, to, cure, harm)
    list[#list + 1] = { from = from, to = to, cure = cure, harm = harm }
  end)
  return list
end

local function take_out_habits(text)
  local list = sentences_of(text)
  for i = #list, 1, -1 do
    if next(list[i].harm) and not next(list[i].cure) then
      text = text:sub(1, list[i].from - 1) .. text:sub(list[i].to + 1)
    end
  end
  return (text:gsub("%s+$", ""))
end

-- Add sentences; one that fixes the form of the answer stays last.
local function add(text, sentences)
  if #sentences == 0 then
    return text
  end
  local bulleted = text:find "\n%s*[%-%*] " ~= nil
  local glue = bulleted and "\n- " or " "
  local tail = ""
  if not bulleted then
    local list = sentences_of(text)
    local last = list[#list]
    if last and last.cure.ramble and last.from > 1 and last.to >= #text - 1 then
      text, tail = text:sub(1, last.from - 1):gsub("%s+$", ""), " " .. text:sub(last.from)
    end
  end
  if not bulleted and text:find "[%w\"']$" then
    text = text .. "."
  end
  local added = table.concat(sentences, glue)
  if text == "" then
    return (added .. tail)
  end
  return text .. glue .. added .. tail
end

-- Say it in fewer words: rules that have a short form take it.
local function shorten(text)
  for _, name in ipairs(ORDER) do
    for _, rule in ipairs(slips[name].rule) do
      local from, to = text:find(rule, 1, true)
      if from then
        text = text:sub(1, from - 1) .. slips[name].short .. text:sub(to + 1)
      end
    end
  end
  return text
end

local function fit(text, sentences, limit)
  local new = add(text, sentences)
  if not limit or count_words(new) <= limit then
    return new
  end
  new = shorten(new)
  while count_words(new) > limit and #sentences > 0 do
    sentences[#sentences] = nil
    new = shorten(add(text, sentences))
  end
  return new
end

-- The sentences of a text, each with the slips that it surely prevents.
local function rules_of(text)
  local list = {}
  for from, to in text:gmatch "()[^.!?\n]+[.!?\n]*[\"']?()" do
    local one, names = text:sub(from, to - 1), {}
    for name, strength in pairs(cues.read(one).cure) do
      if strength >= 0.8 then names[#names + 1] = name end
    end
    list[#list + 1] = { text = one, names = names }
  end
  return list
end

-- Whether a sentence says nothing that the others do not say.
local function is_idle(list, i)
  for _, name in ipairs(list[i].names) do
    local elsewhere = false
    for k, other in ipairs(list) do
      for _, its in ipairs(k ~= i and other.names or {}) do elsewhere = elsewhere or its == name end
    end
    if not elsewhere then return false end
  end
  return true
end

--- The same in fewer words: rules that have a short form take it, then what says nothing goes, from
--- the end on, until the text is as short as was asked for. Like people the editor sometimes takes
--- out what was needed.
---@param view sim.view
---@param text string
---@param options { editor_noise: number, seed: integer }
---@return string
function editor.shorter(view, text, options)
  local limit = word_limit(view) or count_words(text) * 9 // 10
  text = shorten(text)
  local list = rules_of(text)
  for i = #list, 2, -1 do
    if count_words(text) <= limit then break end
    local slip = hash.unit(options.seed, "take out " .. i) < options.editor_noise
    if slip or is_idle(list, i) then
      table.remove(list, i)
      local parts = {}
      for k, one in ipairs(list) do parts[k] = one.text end
      text = table.concat(parts):match "^%s*(.-)%s*$"
    end
  end
  return text
end

-- What the feedback wants and the text does not say yet, as sentences.
local function sentences_for(text, feedback, noise, seed)
  local wanted, habits, remove = cues.wishes(feedback)
  local present, list = cues.read(text).cure, {}
  for _, name in ipairs(ORDER) do
    if wanted[name] and (present[name] or 0) < 0.8
      and hash.unit(seed, "drop " .. name) >= noise then
      list[#list + 1] = hash.pick(seed, "rule " .. name, slips[name].rule)
    end
  end
  for _, name in ipairs(HABIT_NAMES) do
    if habits[name] and not text:find(HABITS[name], 1, true) then
      list[#list + 1] = HABITS[name]
    end
  end
  if hash.unit(seed, "stray") < noise then
    table.insert(list, 1, (hash.pick(seed, "which stray", STRAY)))
  end
  return list, remove
end

--- Rework instructions so that they answer feedback.
---@param text string
---@param feedback string
---@param options { noise: number, seed: integer, limit?: integer } limit: in words
---@return string
function editor.rework(text, feedback, options)
  local seed = options.seed
  local list, remove = sentences_for(text, feedback, options.noise, seed)
  list[#list + 1] = search.rule(text, feedback, seed)
  local base = remove and take_out_habits(text) or text
  if #list == 0 and base == text then
    for i = 0, #GENERIC - 1 do
      local sentence = GENERIC[(hash.int(seed, "generic", #GENERIC) + i) % #GENERIC + 1]
      if not text:find(sentence, 1, true) then
        list[1] = sentence
        break
      end
    end
  end
  return fit(base, list, options.limit)
end

local function edit(view, text, noise, seed)
  local careful = view.again or hash.unit(seed, "mind the limit") >= noise
  return editor.rework(text, feedback_of(view),
    { noise = noise, seed = seed, limit = careful and word_limit(view) or nil })
end

-- What was tried before and shown as refused is not proposed again, if that can be helped.
local function edit_anew(view, text, noise, seed)
  local refused = {}
  for _, block in ipairs(view.blocks) do
    if block.past then
      refused[block.text] = true
    end
  end
  local new
  for try = 1, 5 do
    new = edit(view, text, noise, try == 1 and seed or hash.text("try " .. try, seed))
    if not refused[new] then
      break
    end
  end
  return new
end

-- ---- the reply -------------------------------------------------------------------

local PREFACES = {
  "Here is the improved version.\n", "I worked the feedback in:\n",
  "The points are taken up below.\n",
}

local function starts_with(text, part, at)
  return text:sub(at, at + #part - 1) == part
end

-- Where two texts begin to differ, and how much of their ends is equal, in whole words.
local function difference(old, new)
  local from, to = 1, 0
  for word in old:gmatch "%S+%s*" do
    if not starts_with(new, word, from) then break end
    from = from + #word
  end
  for at in old:gmatch "()%s+%S+%f[%s\0]" do
    local rest = old:sub(at)
    if at >= from and at > #old - #rest and #rest <= #new - from + 1
      and new:sub(-#rest) == rest then
      to = #rest
      break
    end
  end
  return from, to
end

--- The change as one edit: what is to be found stands in the old text just once.
---@param old string
---@param new string
---@param find string the tag's name
---@param replace string
---@return string
function editor.as_edit(old, new, find, replace)
  local from, to = difference(old, new)
  local limit = #old - to
  local function is_anchor()
    local part = old:sub(from, limit)
    return part ~= "" and not old:find(part, old:find(part, 1, true) + 1, true)
  end
  local at_end = to == 0 and from > limit -- an edit that finds nothing adds there
  while from > 1 and not at_end and not is_anchor() do
    from = old:sub(1, from - 1):match "^.*%s()%S+%s*$" or 1
  end
  local put = new:sub(from, #new - to)
  if at_end then put = put:gsub("^%s+", "") end
  return ("<EDIT>\n<%s>%s</%s>\n<%s>%s</%s>\n</EDIT>"):format(find, old:sub(from, limit), find,
    replace, put, replace)
end

--- The tags that edits are wanted in, or nil: the whole text is.
---@param view sim.view
---@return string? find
---@return string? replace
function editor.edit_tags(view)
  local find, replace = view.all:match "<(FIND_?%d*)>", view.all:match "<(REPLACE_?%d*)>"
  if find and replace then return find, replace end
end

--- Several texts at once, each between tags of its letter: the letters, with the tags' number.
---@param view sim.view
---@return string[] letters
---@return string? tag
---@return string? number
function editor.letters(view)
  local letters, met, tag, number = {}, {}, nil, nil
  for name, letter, suffix in view.user:gmatch "<(%u*_?NEW_%u+)_(%u)(_?%d*)>" do
    if not met[letter] then
      letters[#letters + 1], met[letter], tag, number = letter, true, name, suffix
    end
  end
  return letters, tag, number
end

local ONE = "Improve this variable.\n<VARIABLE>\n%s\n</VARIABLE>\n<FEEDBACK>\n%s\n</FEEDBACK>\n"
  .. "Write the improved variable and nothing else."

-- Each of them edited by itself.
local function reply_to_all(view, options, letters, tag, number)
  local parts = {}
  for i, letter in ipairs(letters) do
    local function inside(name)
      name = ("%s_%s%s>"):format(name, letter, number)
      return view.all:match("<" .. name .. "%s*(.-)%s*</" .. name) or ""
    end
    local one = read.view { { role = "user",
      content = ONE:format(inside "VARIABLE", inside "CONTEXT") } }
    local seed = hash.text(letter .. view.all, options.seed)
    local name = ("%s_%s%s"):format(tag, letter, number)
    parts[i] = ("<%s>\n%s\n</%s>"):format(name,
      edit_anew(one, text_of(one) or "", options.noise, seed), name)
  end
  return table.concat(parts, "\n"), "stop"
end

-- The first two thirds of a text, not cut inside a character.
local function two_thirds(text)
  local last = #text * 2 // 3
  while text:find("^[\x80-\xBF]", last + 1) do
    last = last - 1
  end
  return text:sub(1, last)
end

--- A new text in the form that was asked for, between two marks; like people, sometimes with a
--- preface, and rarely without the marks or cut short.
---@param new string
---@param open string
---@param close string
---@param options { noise: number, seed: integer }
---@return string
---@return "stop"|"length"
function editor.between(new, open, close, options)
  local seed, noise = options.seed, options.noise
  local preface = hash.unit(seed, "preface") < 0.3 and hash.pick(seed, "words", PREFACES) or ""
  local u = hash.unit(seed, "form")
  if u < noise * 0.2 then
    return preface .. new, "stop"
  elseif u < noise * 0.3 then
    return two_thirds(preface .. open .. "\n" .. new), "length"
  end
  return preface .. open .. "\n" .. new .. "\n" .. close, "stop"
end

--- Answer a request to rewrite a text.
---@param view sim.view
---@param options { noise: number, seed: integer, slips?: number, temperature?: number }
---@return string
---@return "stop"|"length"
function editor.reply(view, options)
  local letters, tag, number = editor.letters(view)
  if #letters > 1 then return reply_to_all(view, options, letters, tag, number) end
  local seed, noise = hash.text(view.all, options.seed), options.noise
  local text = text_of(view)
  if not text then
    return "I see no text to improve in this message.", "stop"
  end
  local case = cases.of(view)
  local new
  if case.answer and case.question then
    -- An answer is not edited but given again, minding what was said of it.
    new = answerer.reply(case.question, feedback_of(view), options)
  else
    new = case.answer and text or edit_anew(view, text, noise, seed)
  end
  local find, replace = editor.edit_tags(view)
  if find then
    return editor.as_edit(text, new, find, replace), "stop"
  elseif not view.asked or view.untagged then
    return new, "stop"
  end
  return editor.between(new, "<" .. view.asked .. ">", "</" .. view.asked .. ">",
    { noise = not view.again and noise or 0, seed = seed })
end

return editor
