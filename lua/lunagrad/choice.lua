--- Which of several options a reply answers with. For lg.extract.choice, which says what counts.
--
-- The reply is read in plain characters (lg.text.plain), so that “B”, （B） and Ｂ are B. A statement
-- is a marker ("Answer:", "the answer is"), then what may stand before an option, then the option
-- and what may stand behind it. The last statement that names an option counts; one that names two
-- is an answer that cannot be read, and hides those before it.

local core = require "lunagrad.core"
local text = require "lunagrad.text"

local choice = {}

local find, sub, match = string.find, string.sub, string.match

-- What an answer is called, folded. Each is followed by a colon or a word for "is".
local MARKERS = { "answer", "option", "choice", "antwort", "respuesta", "risposta", "resposta",
  "antwoord", "cevap" }
local WIDE_MARKERS = { "réponse", "odpowiedź", "ответ", "відповідь", "答案", "答え", "回答", "답",
  "الإجابة", "الجواب", "उत्तर", "คำตอบ", "đáp án" } -- looked for in texts beyond ASCII

-- Chinese verbs that an option follows with nothing between: 故选B.
local CHOOSES = { "选", "選", "选择", "選擇" }

local IS = { "is", "was", "ist", "es", "est", "è", "é", "是", "は", "为", "為", "은", "는", "هي", "هو",
  "คือ" }

-- What may stand between "respuesta" and "es".
local KINDS = { "correcta", "correcte", "corretta", "correta", "final", "finale", "choice",
  "option" }

-- What may stand between a marker's colon and the option.
local INTRO = { "the", "option", "choice", "letter", "answer", "is", "选项", "選項", "las", "die",
  "la", "opción", "indeed", "definitely", "therefore", "thus", "hence", "then", "simply",
  "clearly" }

-- "A" before one of these is the option, before any other word it may be an article.
local BEHIND = { because = true, since = true, as = true, is = true, due = true, ["for"] = true,
  with = true, which = true, ["and"] = true, ["or"] = true, ["not"] = true, that = true }

local CONNECTIVES = { "and/or", "and", "or", "und", "oder", "y", "o", "et", "ou", "и", "или", "和",
  "或", "&", "/", "|", ",", "，", "、", "+" }

local DEEPEST = 8 -- wrappings of an option, one in the other

-- ---- small readers; each takes where it stands and says where to go on --------------

-- Does a word go on at `at`? An apostrophe before a letter joins, and so does a line below.
local function goes_on(s, at)
  if sub(s, at, at) == "_" then return find(s, "^_+%w", at) ~= nil end
  local kind = core.char_kind(s, at)
  if kind then return kind ~= "p" end
  return find(s, "^'%a", at) ~= nil
end

-- Blanks, brackets, quotes, and the marks of Markdown and LaTeX.
local function skip_dressing(s, at)
  for _ = 1, DEEPEST do
    local last = at
    at = match(s, "^[%s*_`~%(%[{\"'$<>#:]*()", at)
    at = match(s, "^\\%a+%s*{()", at) or match(s, "^\\[%(%[]()", at) or at
    for _, mark in ipairs { "（", "【", "〈", "《" } do
      if sub(s, at, at + #mark - 1) == mark then at = at + #mark end
    end
    if at == last then break end
  end
  return at
end

-- A word of a list at `at`, behind which no word goes on.
local function skip_word(s, at, list)
  for _, word in ipairs(list) do
    local stop = at + #word
    local there = sub(s, at, stop - 1)
    if (there == word or text.fold(there) == word) and not (core.char_kind(word, 1) == "w"
      and goes_on(s, stop)) then
      return stop
    end
  end
  return nil
end

-- ---- options ---------------------------------------------------------------------

-- Without what may be around them in a reply as well: "(A)" is A.
local function prepare(options)
  local list = {}
  for i, option in ipairs(options) do
    local key = text.plain(option):gsub("%s+", " ")
    key = match(key, "^%s*(.-)%s*$")
    key = match(key, "^%((.+)%)$") or match(key, "^%[(.+)%]$") or match(key, "^(%w)[%).:]$") or key
    list[i] = { given = option, key = key, fold = text.fold(key), size = utf8.len(key),
      letter = utf8.len(key) == 1 }
  end
  table.sort(list, function(a, b)
    if #a.key ~= #b.key then return #a.key > #b.key end
    return a.key < b.key
  end)
  return list
end

-- A number's digits do not end an option where the number goes on: "1" is not in "1.5".
local function ends(s, stop, option)
  if core.char_kind(option.key, #option.key) == "n" and find(s, "^[.,]%d", stop) then
    return false
  end
  return core.char_kind(option.key, 1) == "p" or not goes_on(s, stop)
end

-- One letter in another case counts only where nothing but the end or a sign follows: in
-- "Answer: a dog" it is an article. So does "A" itself before most words.
local function stands_alone(s, stop, option, same_case)
  if not option.letter then return true end
  if find(s, "^[+#]", stop) or find(s, "^%-%w", stop) then return false end -- C++, D-glucose
  local word = match(s, "^[%s*_`]+(%l+)", stop)
  if same_case then
    return not word or (option.key ~= "A" and option.key ~= "I") or BEHIND[word] == true
  end
  return not find(s, "^[%s*_`]+%w", stop)
end

local function option_at(s, at, list)
  local other, other_stop, n = nil, nil, 0
  for _, option in ipairs(list) do
    local stop = utf8.offset(s, option.size + 1, at)
    if stop then
      local there = sub(s, at, stop - 1)
      if there == option.key then
        if ends(s, stop, option) and stands_alone(s, stop, option, true) then
          return option, stop
        end
      elseif text.fold(there) == option.fold and ends(s, stop, option)
        and stands_alone(s, stop, option, false) and (not other or #option.key == #other.key) then
        other, other_stop, n = option, stop, n + 1
      end
    end
  end
  if n == 1 then return other, other_stop end
  return nil
end

-- ---- statements ------------------------------------------------------------------

local function skip_closing(s, at)
  for _ = 1, DEEPEST do
    local last = at
    at = match(s, "^[%s*_`~%)%]}\"'$>]*()", at)
    at = match(s, "^\\[%)%]]()", at) or at
    for _, mark in ipairs { "）", "】", "〉", "》" } do
      if sub(s, at, at + #mark - 1) == mark then at = at + #mark end
    end
    if at == last then break end
  end
  return at
end

-- Is another option named beside this one, behind "or" and its like? Behind a comma it must end
-- the sentence, else it begins a remark: "A, B is wrong".
local function names_another(s, at, option, list)
  local from = skip_closing(s, at)
  local stop = skip_word(s, from, CONNECTIVES)
  if not stop then return false end
  local sign = sub(s, from, stop - 1)
  local comma = sign == "," or sign == "，" or sign == "、"
  local begins = skip_dressing(s, stop)
  begins = skip_word(s, begins, CONNECTIVES) or begins
  begins = skip_dressing(s, skip_word(s, skip_dressing(s, begins), INTRO) or begins)
  local other, behind = option_at(s, begins, list)
  if not other or other == option then return false end
  behind = skip_closing(s, behind)
  return not comma or not core.char_kind(s, behind) or skip_word(s, behind, CONNECTIVES) ~= nil
end

local DENIALS = { "^%s*is%s+wrong", "^%s*is%s+incorrect", "^%s*is%s+not%f[%W]", "^%s*isn't",
  "^%s*is%s+false", "^%s*不对", "^%s*是错" }

-- What a statement says whose option may begin at `at`: the option, false for several, nil.
local function read_option(s, at, list)
  at = skip_dressing(s, at)
  local option, stop = option_at(s, at, list)
  for _ = 1, 4 do
    if option then break end
    local behind = skip_word(s, at, INTRO)
    if not behind then return nil end
    at = skip_dressing(s, behind)
    option, stop = option_at(s, at, list)
  end
  if not option then return nil end
  for _, denial in ipairs(DENIALS) do
    if find(s, denial, stop) then return nil end
  end
  if names_another(s, stop, option, list) then return false end
  return option.given
end

-- Behind a marker: a colon or a word for "is", or nil. Markdown may be between. A tag: <answer>B.
local function skip_is(s, at)
  if sub(s, at, at) == ">" then return at + 1 end
  if find(s, "^【", at) then return at end -- 答案【B】
  at = match(s, "^[%s*_`\"]*()", at)
  at = match(s, "^%([^()\n]*%)[%s*_`]*()", at) or at -- "Answer (final):"
  local colon = match(s, "^[:=]()", at) or match(s, "^%-+%s()", at) or match(s, "^—%s?()", at)
  if colon then return colon end
  local kind = skip_word(s, at, KINDS)
  at = kind and match(s, "^[%s*_`]*()", kind) or at
  colon = kind and match(s, "^[:=]()", at)
  if colon then return colon end
  local is = skip_word(s, at, IS)
  return is and (match(s, "^[%s*_`]*:()", is) or is)
end

-- Calls fn(where it ends, whether it is a verb) for each marker in turn.
local function each_marker(s, fn)
  local places, verbs = {}, {}
  local wide = find(s, "[\x80-\xFF]") and true
  for _, list in ipairs { MARKERS, wide and WIDE_MARKERS, wide and CHOOSES } do
    for _, marker in ipairs(list) do
      local from, to = core.find_marker(s, marker)
      while to do
        local before = sub(s, from - 3, from - 1)
        if sub(before, -2) ~= "</" -- behind </answer> stands something else
          and not (list == CHOOSES and before == "不")
          and (core.char_kind(marker, 1) == "p" or not goes_on(s, to + 1)) then
          places[#places + 1], verbs[to + 1] = to + 1, list == CHOOSES
        end
        from, to = core.find_marker(s, marker, to + 1)
      end
    end
  end
  table.sort(places)
  for _, place in ipairs(places) do fn(place, verbs[place]) end
end

-- The last statement: the option, false where it cannot be read, nil without one; and its place.
local function read_statements(s, list)
  local found, place
  each_marker(s, function(at, verb)
    local start = skip_is(s, at) or (verb and at or nil)
    local said = start and read_option(s, start, list)
    if said ~= nil then found, place = said, at end
  end)
  return found, place or 0
end

local function read_boxed(s, list, found, place)
  local at = 1
  while true do
    local _, to = find(s, "\\boxed%s*{", at)
    if not to then return found end
    local said = to > place and read_option(s, to + 1, list)
    if said ~= nil and to > place then found, place = said, to end
    at = to + 1
  end
end

-- A line that is an option and nothing else, or with its words behind it ("B) Paris").
local function read_line(line, list, with_words)
  local at = skip_dressing(line, 1)
  at = skip_dressing(line, skip_word(line, at, INTRO) or at)
  local option, stop = option_at(line, at, list)
  if not option then return nil end
  local rest = skip_closing(line, stop)
  if names_another(line, stop, option, list) then return nil end
  if not find(line, "[^%s.!,;:*_`$]", rest) or match(line, "^。%s*$", rest) then
    return option.given
  end
  local behind = match(line, "^[%]*_`\"'$}]*()", stop)
  return with_words and option.letter and find(line, "^[).:]", behind) and option.given or nil
end

local function read_alone(s, list)
  local last, n = nil, 0
  for line in s:gmatch "[^\r\n]+" do
    if find(line, "%S") then last, n = line, n + 1 end
  end
  return last and read_line(last, list, n == 1)
end

local NOUNS = { answer = true, option = true, choice = true }
local GOOD = { correct = true, right = true, best = true }
-- Before such a word "B is the answer" is not said, or not of B alone.
local OPENS = { ["or"] = true, ["and"] = true, nor = true, ["if"] = true, whether = true,
  why = true, ["not"] = true, is = true }

local REACH = 80 -- bytes before "is the answer" in which the option stands

-- The option that ends before `at`, with its words before it; false where that is not said.
local function option_before(s, at, list)
  local before = match(sub(s, math.max(1, at - REACH), at - 1), "^(.-)[%s*_`%)%]}\"'$]*$")
  for _, option in ipairs(list) do
    local rest = sub(before, 1, -#option.key - 1)
    if sub(before, -#option.key) == option.key and not find(rest, "[%w\x80-\xFF]$") then
      rest = match(rest, "^(.-)[%s*_`%(%[{\"'$]*$")
      rest = match(rest, "^(.-)%s*[Oo]ption$") or match(rest, "^(.-)%s*[Cc]hoice$") or rest
      local word = (match(rest, "(%a+)$") or ""):lower()
      local beside = OPENS[word] or find(rest, "%f[%w]%w,$") or find(rest, "[/&|+-]$")
      return not beside and option
    end
  end
  return nil
end

-- "So B is the correct answer". Nil, too, where two are called so.
local function read_predicates(s, list)
  local found
  for at, first, second in s:gmatch "()%sis the (%l+)%s?(%l*)" do
    if first == "answer" or GOOD[first] and NOUNS[second] then
      local option = option_before(s, at, list)
      if option == false or found and option and found ~= option then return nil end
      found = option or found
    end
  end
  return found and found.given
end

--- The extractor for these options.
---@param options string[]
---@return fun(reply: string): string|nil
function choice.reader(options)
  local list = prepare(options)
  return function(reply)
    local s = text.plain(reply):gsub("[ \t]+", " ")
    local found = read_boxed(s, list, read_statements(s, list))
    if found == nil then found = read_alone(s, list) end
    if found == nil then found = read_predicates(s, list) end
    return found or nil
  end
end

return choice
