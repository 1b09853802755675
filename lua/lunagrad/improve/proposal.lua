--- What an editor's reply is worth: the new text, or what is wrong with it.
--
-- Models that are asked for a prompt answer the prompt, give back the feedback, the role, the
-- example or the question's own frame, say a line for ever, or stop in the middle. Each of these is
-- known by a rule that needs no model, named, and worth asking once more. Texts in, a text or a
-- reason out; nothing here asks anybody. Used by lunagrad.improve.tgd.

local constraint = require "lunagrad.constraint"
local core = require "lunagrad.core"
local replace = require "lunagrad.improve.replace"
local layer = require "lunagrad.text"

local proposal = {}

local trim = layer.trim

local QUOTED_WORDS = 8     -- in a row, of an example: a quotation
local REPEATS = 4          -- of one line: a loop
local MADE_OF = { 6, 0.8 } -- so many words, and so large a part of them in a short example: its own
local SHORT_EXAMPLE = 60   -- words; nearly every word stands in a long one
local LONG_NAME = 12       -- words of a name that begins as the role does
local NAMED = 0.75         -- so many of its words are the role's: a name, not a text
local GROWTH = { 4, 600 }  -- a step may make a text so many times as long, and so many tokens more

-- ---- reading ---------------------------------------------------------------

--- The text without blank lines and blanks around it; the first line of several keeps its indent.
local function clean(text)
  if not text:find("\n", 1, true) then return trim(text) end
  local first = text:find "%S"
  if not first then return "" end
  while first > 1 and text:sub(first - 1, first - 1):find "[ \t]" do first = first - 1 end
  return text:match(".*%S", first)
end

-- What may stand around a whole text: its opening, its end, and what an old text with one begins
-- with.
local WRAPPERS = {
  { "^%s*```[%w_+-]*[ \t]*\r?\n(.-)\r?\n?[ \t]*```%s*$", "^%s*```" },
  { "^%s*<VARIABLE>%s*(.-)%s*</VARIABLE>%s*$", "^%s*<VARIABLE>" },
  { "^%s*<NEW_VARIABLE>%s*(.-)%s*</NEW_VARIABLE>%s*$", "^%s*<NEW_VARIABLE>" },
  { "^%s*%*%*([^*]-)%*%*%s*$", "^%s*%*%*" },
  { "^%s*\"([^\"]-)\"%s*$", "^%s*\"" },
  { "^%s*“([^“”]-)”%s*$", "^%s*“" },
}

--- Without fences, tags, stars and quotes around it, where the old text had none.
---@param text string
---@param before string
function proposal.unwrap(text, before)
  for _ = 1, 3 do
    local inner
    for _, wrapper in ipairs(WRAPPERS) do
      inner = not before:find(wrapper[2]) and text:match(wrapper[1])
      if inner and inner:find "%S" then break end
      inner = nil
    end
    if not inner then return text end
    text = inner
  end
  return text
end

--- A new text as it would be kept: without what stands around it, and without blanks at its ends.
---@param text string
---@param before string
---@return string
function proposal.tidy(text, before) return clean(proposal.unwrap(text, before)) end

-- ---- what no new text is ---------------------------------------------------

--- Words in lower case between single blanks, with a blank at both ends.
---@param text string
---@return string
function proposal.words(text)
  local plain = layer.fold(text):gsub("[%s%p]+", " ")
  return " " .. trim(plain) .. " "
end

local words_of = proposal.words

local function count(text)
  local _, n = text:gsub("%S+", "")
  return n
end

-- In the trace of a batch (grain "graph") texts are letters, and which is the variable's is not
-- said: it instructs where all letters stand in system messages.
local function is_trace(talk) return talk:find "^%s*Case %d" ~= nil end

-- The part of a conversation that is not the variable's own message, and whether that one
-- instructs.
local function example_of(talk)
  local mark = is_trace(talk) and "%[%u+%]" or "%[VARIABLE%]"
  local system = talk:match "<SYSTEM[_%d]*>(.-)</SYSTEM"
  local instructs = system ~= nil and system:find(mark) ~= nil
  if not instructs then return talk, false end
  local rest = talk:gsub("<SYSTEM[_%d]*>.-</SYSTEM[_%d]*>", "")
  if is_trace(talk) and rest:find(mark) then return talk, false end
  return rest, true
end

-- The conversations that records are about.
local function talks_of(records)
  local talks = {}
  local function add(record)
    if record.conversation and record.conversation ~= "" then
      talks[#talks + 1] = record.conversation
    end
  end
  for _, record in ipairs(records) do
    add(record)
    for _, source in ipairs(record.sources or {}) do add(source) end
  end
  return talks
end

--- Eight words in a row of `new` that stand in `text` and not in `old`, each as proposal.words gives
--- them; nil: there are none.
---@param new string
---@param text string
---@param old string
---@return string|nil
function proposal.quotation(new, text, old)
  local list, places = {}, {}
  for from, word in new:gmatch "()(%S+)" do list[#list + 1], places[#places + 1] = word, from end
  for i = 1, #list - QUOTED_WORDS + 1 do
    local last = i + QUOTED_WORDS - 1
    local phrase = " " .. new:sub(places[i], places[last] + #list[last] - 1) .. " "
    if text:find(phrase, 1, true) and not old:find(phrase, 1, true) then return trim(phrase) end
  end
  return nil
end

--- Whether the records are about a text that instructs a model: it stood in a system message.
---@param records table[]
---@return boolean
function proposal.instructs(records)
  for _, talk in ipairs(talks_of(records)) do
    local _, instructs = example_of(talk)
    if instructs then return true end
  end
  return false
end

--- Whether the records are about a text that was judged itself, as an answer is, and not by what
--- came of it: it is for this case alone.
---@param records table[]
---@return boolean
function proposal.judged_itself(records)
  local shown = false
  local function is_one(record)
    shown = shown or (record.conversation or ""):find("[VARIABLE]", 1, true) ~= nil
    return record.remarks == nil
  end
  for _, record in ipairs(records) do
    if not is_one(record) then return false end
    for _, source in ipairs(record.sources or {}) do
      if not is_one(source) then return false end
    end
  end
  return shown and not proposal.instructs(records)
end

local function is_feedback(new, records)
  for _, record in ipairs(records) do
    local said = words_of(record.text)
    if #new > 24 and said:find(new, 1, true) and 5 * #new >= 4 * #said then return true end
  end
  return false
end

local function is_output(new, talks)
  for _, talk in ipairs(talks) do
    for made in talk:gmatch "<OUTPUT[_%d]*>\n(.-)\n</OUTPUT" do
      if #new > 4 and words_of(made) == new then return true end
    end
  end
  return false
end

-- Words of new that stand in text and not in old, and all that do not stand in old.
local function shared(new, text, old)
  local hits, all = 0, 0
  for word in new:gmatch "%S+" do
    local padded = " " .. word .. " "
    if not old:find(padded, 1, true) then
      all = all + 1
      hits = hits + (text:find(padded, 1, true) and 1 or 0)
    end
  end
  return hits, all
end

-- "Sort these words: pear, fig, plum, lime, kiwi." of an example with just these words: a task that
-- is done again, not a text for every input.
local function is_made_of(new, rest, old)
  local given = words_of((rest:gsub("<OUTPUT[_%d]*>.-</OUTPUT[_%d]*>", "")))
  if count(given) > SHORT_EXAMPLE then return false end
  local hits, all = shared(new, given, old)
  return all >= MADE_OF[1] and hits >= MADE_OF[2] * all
end

-- "System prompt for writing reviews" of the role "system prompt for judging reviews", and whatever
-- else begins as that does.
local function is_name(new, role)
  local hits, all = shared(new, role, " ")
  local head = role:match "^ %S+ %S+ "
  if head and count(new) <= LONG_NAME and new:sub(1, #head) == head then return true end
  return all >= 2 and all <= count(role) and hits >= NAMED * all
end

-- "Review Analysis": a heading of two to five words.
local function is_title(text)
  if text:find("\n", 1, true) or text:find "[.!?:\"]$" then return false end
  for word in text:gmatch "%S+" do
    if not word:find "^%u" then return false end
  end
  local n = count(text)
  return n >= 2 and n <= 5
end

-- What only the questions say of a score, and what they call the new text.
local TOLD = { "higher is better", "1 right 0 wrong", "the right answer is",
  "the correct answer is" }
local CALLED = " this is here a an the new improved variable text whole "

local function told_in(new, old)
  for _, part in ipairs(TOLD) do
    part = " " .. part .. " "
    if new:find(part, 1, true) and not old:find(part, 1, true) then return true end
  end
  return new:find "%f[%w]scored %d+ of %d" ~= nil and not old:find "%f[%w]scored %d"
end

-- "The improved variable, whole", "This is a new text.".
local function is_called(new)
  for word in new:gmatch "%S+" do
    if not CALLED:find(" " .. word .. " ", 1, true) then return false end
  end
  local named = new:find(" new ", 1, true) or new:find(" improved ", 1, true)
  return named ~= nil and count(new) > 1
end

local function has_letters(text) return text:find "[%a\x80-\xff]" ~= nil end

local FRAME = { "[VARIABLE]", "<CONVERSATION", "<CONTEXT", "<FEEDBACK", "<VARIABLE",
  "<NEW_VARIABLE" }

-- A part of the question in a new text that is in neither the old one nor an example: what an
-- operator's prompt is about are such questions. The engine numbers a mark that an example holds.
local function frame_in(new, old, talks)
  local shown = old .. "\n" .. table.concat(talks, "\n"):gsub("%[VARIABLE%]", "")
  shown = shown:gsub("%[VARIABLE_1%]", "[VARIABLE]")
  for _, part in ipairs(FRAME) do
    if new:find(part, 1, true) and not shown:find(part, 1, true) then return part end
  end
  return nil
end

local function is_loop(new)
  local seen = {}
  for line in new:gmatch "[^\n]+" do
    local words = trim(line)
    if #words > 12 then
      seen[words] = (seen[words] or 0) + 1
      if seen[words] >= REPEATS then return true end
    end
  end
  return false
end

-- What no text that instructs a model may be, whatever it is for; talk: one that it was used in.
local function instruction_problem(what, new, plain, talk)
  local rest, instructs = example_of(talk)
  if not instructs then return nil end
  local old = words_of(what.before)
  if count(new) == 1 and count(what.before) >= 3 then return "the new text is a single word" end
  if is_name(plain, words_of(what.role)) then
    return "the new text is only a name of the variable"
  end
  if is_title(new) and not is_title(what.before) then return "the new text is only a title" end
  if has_letters(what.before) and not has_letters(new) then return "the new text holds no words" end
  if told_in(plain, old) then return "the new text speaks of the score" end
  if is_made_of(plain, rest, old) then
    return "the new text is made of an example's words, but it is for every input"
  end
  local quoted = proposal.quotation(plain, words_of(rest), old)
  if quoted and what.questions then -- words of the operators' questions are no example's
    quoted = proposal.quotation(plain, words_of(rest), old .. words_of(what.questions()))
  end
  return quoted and
    ("the new text quotes an example (\"%s\"), but it is for every input"):format(quoted) or nil
end

-- Whether a text is only words of the question itself: "the improved variable, whole".
local function is_form(what, new)
  local plain = words_of(new)
  if not what.form or count(plain) < 3 then return false end
  return words_of(what.form):find(plain, 1, true) ~= nil
    and not words_of(what.before):find(plain, 1, true)
end

local function kind_problem(what, new)
  local before, plain = what.before, words_of(new)
  local talks = talks_of(what.records)
  local frame = frame_in(new, before, talks)
  if frame then return ("the new text holds %s, a part of the question"):format(frame) end
  local name = plain:gsub("^ the new ", " "):gsub("^ the improved ", " ")
  if name == words_of(what.role) then return "the new text is only the name of the variable" end
  if is_form(what, new) then return "the new text repeats the form of the question" end
  if is_called(plain) then return "the new text is only what the question calls it" end
  if is_feedback(plain, what.records) then return "the new text is the feedback itself" end
  if is_loop(new) and not is_loop(before) then
    return "the new text says the same line over and over"
  end
  if is_output(plain, talks) then return "the new text is an answer, not a new variable" end
  for _, talk in ipairs(talks) do
    local problem = instruction_problem(what, new, plain, talk)
    if problem then return problem end
  end
  local most = GROWTH[1] * core.tokens(before) + GROWTH[2]
  if not what.may_grow and core.tokens(new) > most then
    return ("the new text is too long: at most some %d words"):format(most * 3 // 4)
  end
  return nil
end

--- What is wrong with a new text, or nil; and how it is best asked for again.
---@param what table as for proposal.read
---@param new string
---@return string|nil problem, "short"|nil more
function proposal.problem(what, new)
  if new == "" then return "the new text is empty" end
  if trim(new) == trim(what.before) then return "the new text is the old one", "short" end
  local problem = kind_problem(what, new)
  if problem then return problem, "short" end
  local broken, why = constraint.broken(what.constraints, new, nil, what.param)
  if broken then
    return ("the new text breaks the constraint \"%s\": %s"):format(broken.text, why)
  end
  for _, old in ipairs(what.refused) do
    if old.alone and trim(old.text) == trim(new) then
      return "this text was tried already, and validation refused it"
    end
  end
  return nil
end

-- A reply that begins with the tag and ended of its own: all of it is the text. Small models stop
-- where the text does.
local function unclosed(text, finish, tag)
  local rest = finish == "stop" and text:match("^%s*<" .. tag .. ">(.*)$")
  return rest and not rest:find("<" .. tag, 1, true) and not rest:find("</", 1, true) and rest
    or nil
end

-- ---- a reply ---------------------------------------------------------------

--- The new text of a reply; or nil, what is wrong with it, whether it may be asked for again
--- ("again"; "short": without what it took for its answer; "form": what was wrong is the form of
--- the reply; false: no).
---@param what table {before, role, records, constraints, refused, may_grow?, form? = what the
--- question says about the form of the reply, questions? = a function that gives all words of the
--- operators' questions, open? = a tag that is not closed will do}
---@param text string the reply
---@param finish string|nil why it ended
---@param tag string|nil what the new text stands in; nil: it is JSON, { new_text = … }
---@return string|nil new, string|nil problem, "again"|"short"|"form"|false|nil more
function proposal.read(what, text, finish, tag)
  if finish == "content_filter" then
    return nil, "the reply was cut by the provider's content filter", false
  end
  local new
  if tag then
    new = core.tag_last(text, tag) or what.open and unclosed(text, finish, tag)
  else
    local value = core.json_decode(text)
    new = type(value) == "table" and type(value.new_text) == "string" and value.new_text or nil
  end
  if not new and finish == "length" then
    return nil, "the reply was cut at the model's token limit", "form"
  elseif not new then
    return nil, tag and ("it holds no text between <%s> and </%s>"):format(tag, tag)
      or "it holds no new text", "form"
  end
  new = proposal.tidy(new, what.before)
  local problem, more = proposal.problem(what, new)
  if problem then return nil, problem, more or "again" end
  return new
end

--- The text that the edits of a reply make of the old one; as proposal.read, and what became of
--- each edit.
---@param what table as for proposal.read, and max_edits
---@param text string the reply
---@param finish string|nil why it ended
---@param number integer|nil of its tags, 0: none; nil: it is JSON
---@return string|nil new, string|nil problem, "again"|"form"|false|nil more
---@return table detail {edits = {{find, replace, applied, problem}} or nil}
function proposal.read_edits(what, text, finish, number)
  if finish == "content_filter" then
    return nil, "the reply was cut by the provider's content filter", false, {}
  end
  local list, cut = replace.read(text, number)
  if finish == "length" and (cut or #list == 0) then
    return nil, "the reply was cut at the model's token limit", "form", {}
  elseif #list == 0 then
    return nil, "it holds no edit", "form", {}
  end
  for _, one in ipairs(list) do
    if is_form(what, one.replace) then one.problem = "it repeats the form of the question" end
  end
  local new, edits, applied = replace.apply(what.before, list, what.max_edits)
  if applied == 0 then
    return nil, "no edit could be applied: " .. replace.problems(edits), "again", { edits = edits }
  end
  new = clean(new)
  local problem = proposal.problem(what, new)
  return not problem and new or nil, problem, problem and "again", { edits = edits }
end

return proposal
