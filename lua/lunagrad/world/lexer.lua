--- Reads plain English sentence by sentence: known words, in any inflection, and
--- whether they are negated.
--
-- A vocabulary maps classes to words and phrases. Reading a text gives for each
-- sentence the set of classes it mentions; a class under a negation ("do not
-- list", "never skip", "without explaining") is entered as "!class". This is
-- no grammar: it is what a quick reader would catch.

local lexer = {}

-- Words that carry nothing; phrases match across them.
local FILLER = {}
for word in ([[the a an your its their this that these those of to for please very really
  exactly simply clearly also then again my our full whole entire]]):gmatch "%a+" do
  FILLER[word] = true
end

-- Negation holds up to the end of the clause.
local NEGATION = {}
for word in ([[not no never avoid without cannot can't don't doesn't didn't won't isn't aren't
  wasn't weren't shouldn't mustn't nor neither refrain dont]]):gmatch "%S+" do
  NEGATION[word] = true
end
local NEGATING_PAIR = { instead = "of", rather = "than" }
-- "do not forget to …" says "do …".
local UNDOES = { forget = true, forgetting = true, fail = true, neglect = true, hesitate = true }
-- Words at which a new clause starts.
local BREAK = { but = true, however = true, only = true, because = true, so = true, ["if"] = true }

-- All the forms a reader takes for the same word.
local function inflections(word)
  local forms = { word, word .. "s", word .. "es", word .. "ed", word .. "ing", word .. "ly" }
  local stem = word:match "^(.*)e$"
  if stem then
    forms[#forms + 1] = stem .. "ing"
    forms[#forms + 1] = stem .. "ed"
  end
  stem = word:match "^(.*[^aeiou])y$"
  if stem then
    forms[#forms + 1] = stem .. "ies"
    forms[#forms + 1] = stem .. "ied"
  end
  if word:find "[^aeiou][aeiou][bdglmnprt]$" then
    forms[#forms + 1] = word .. word:sub(-1) .. "ing"
    forms[#forms + 1] = word .. word:sub(-1) .. "ed"
  end
  return forms
end

---@class sim.vocabulary
---@field base table<string, string> inflected word → word
---@field classes table<string, string[]> word → classes
---@field phrases table<string, table[]> first word → { rest of the words…, class = }

--- Build a vocabulary from class → list of words and phrases, comma-separated.
---@param spec table<string, string>
---@return sim.vocabulary
function lexer.vocabulary(spec)
  local vocabulary = { base = {}, classes = {}, phrases = {} }
  local base, classes, phrases = vocabulary.base, vocabulary.classes, vocabulary.phrases
  local names = {}
  for class in pairs(spec) do
    names[#names + 1] = class
  end
  table.sort(names)
  local entries = {}
  for _, class in ipairs(names) do
    for written in spec[class]:gmatch "%s*([^,]+)" do
      local entry = written:gsub("%s+$", "")
      local parts = {}
      for word in entry:gmatch "%S+" do
        assert(not FILLER[word], entry) -- the reader never sees these
        base[word] = word -- a word written here is never taken for a form of another
        parts[#parts + 1] = word
      end
      parts.class = class
      entries[#entries + 1] = parts
    end
  end
  for _, parts in ipairs(entries) do
    for _, word in ipairs(parts) do
      for _, form in ipairs(inflections(word)) do
        base[form] = base[form] or word
      end
    end
    if #parts == 1 then
      local list = classes[parts[1]] or {}
      classes[parts[1]] = list
      list[#list + 1] = parts.class
    else
      local list = phrases[parts[1]] or {}
      phrases[parts[1]] = list
      list[#list + 1] = parts
    end
  end
  return vocabulary
end

local function enter_phrases(vocabulary, hits, tokens, negated, n)
  for i = 1, n - 1 do
    local list = vocabulary.phrases[tokens[i]]
    for k = 1, list and #list or 0 do
      local phrase = list[k]
      local all = true
      for j = 2, #phrase do
        if tokens[i + j - 1] ~= phrase[j] then
          all = false
          break
        end
      end
      if all then
        hits[negated[i] and "!" .. phrase.class or phrase.class] = true
      end
    end
  end
end

-- The end of a sentence: "." only before white space and not behind a single letter, so that
-- 3.5 and "e.g." do not end one.
local function ends_sentence(gap, word)
  if gap:find "[!?;\n]" then
    return true
  end
  return gap:find "%.[\"'%)%*]*%s" ~= nil and not word:find "^%a$"
end

--- Read a text. Calls visit(hits, words, from, to) for every sentence, where hits is a new set
--- of classes, words the number of words, from and to the bytes of the sentence.
---@param vocabulary sim.vocabulary
---@param text string
---@param visit fun(hits: table<string, boolean>, words: integer, from: integer, to: integer)
function lexer.read(vocabulary, text, visit)
  local base, classes = vocabulary.base, vocabulary.classes
  local tokens, negated, n, words = {}, {}, 0, 0
  local hits, from, scope, previous = {}, 1, false, nil
  for word, gap, to in text:lower():gmatch "([%w']+)([^%w']*)()" do
    words = words + 1
    local known = base[word]
    if NEGATION[word] or NEGATING_PAIR[previous] == word then
      scope = true
    elseif scope and UNDOES[word] then
      scope = false
    elseif BREAK[word] then
      scope = false
    end
    if not FILLER[word] then
      n = n + 1
      tokens[n], negated[n] = known or word, scope
      local list = known and classes[known]
      for i = 1, list and #list or 0 do
        hits[scope and "!" .. list[i] or list[i]] = true
      end
    end
    previous = word
    if gap ~= " " then
      if ends_sentence(gap, word) then
        enter_phrases(vocabulary, hits, tokens, negated, n)
        visit(hits, words, from, to - 1)
        hits, n, words, from, scope = {}, 0, 0, to, false
      elseif gap:find "[,:%(%)]" then
        scope = false
      end
    end
  end
  if words > 0 then
    enter_phrases(vocabulary, hits, tokens, negated, n)
    visit(hits, words, from, #text)
  end
end

return lexer
