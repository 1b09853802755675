--- Word problems, with options or without, as a hurried reader solves them, and as one who checks a
-- solution reads it.
--
-- The problem is really read: sentence by sentence, each a change of how many there are. On the way
-- there are slips: numbers of a sentence put together in the wrong way, a sentence passed over, a
-- wrong calculation, a last step forgotten, an answer that cannot be read off. What a solution
-- shows of its steps can be read again and compared. Nothing else is known here.

local hash = require "lunagrad.world.hash"
local lessons = require "lunagrad.world.scholar.lessons"

local story = { name = "story" }

story.slips = lessons.of {
  { name = "reading", rate = 0.34,
    cues = { { 0.95, "number", "mean" }, { 0.1, "step" } },
    complaint = { { 1, "misread" } },
    fault = { "The output puts the numbers of \"{detail}\" together in the wrong way.",
      "\"{detail}\" is misread." },
    remedy = { "say what each number means before using it",
      "state for every number what it refers to" },
    rule = { "Say for each number what it means before you use it.",
      "State what every number refers to before you calculate with it." } },
  { name = "skip", rate = 0.24,
    cues = { { 0.95, "step|write|calculation", "sentence" }, { 0.5, "step" } },
    complaint = { { 1, "missing" } },
    fault = { "The output passes over \"{detail}\".", "Left out: \"{detail}\"." },
    remedy = { "write one step for every sentence of the problem",
      "go through the problem sentence by sentence, a step for each sentence" },
    rule = { "Write one step for every sentence of the problem.",
      "Go through the steps in order: one for each sentence of the problem." } },
  { name = "arith", rate = 0.10,
    cues = { { 0.92, "check", "calculation" }, { 0.4, "calculation" }, { 0.3, "step" } },
    complaint = { { 1, "wrong", "calculation" } },
    fault = { "There is a slip in a calculation: {detail}.", "A calculation is wrong: {detail}." },
    remedy = { "write each calculation as an equation and check it",
      "check every calculation a second time" },
    rule = { "Write each calculation as an equation and check it.",
      "Check every calculation again before you go on." } },
  { name = "last", rate = 0.30,
    cues = { { 0.95, "question", "again" }, { 0.1, "step" } },
    complaint = { { 1, "stops" } },
    fault = { "The output stops before \"{detail}\": that is not what is asked.",
      "What is asked is not answered yet: it stops before \"{detail}\"." },
    remedy = { "look at the question again at the end and answer exactly what is asked",
      "read the question again before giving the answer" },
    rule = { "At the end, read the question again and answer exactly what it asks.",
      "Before you answer, look at the question once more." } },
  { name = "form", rate = 0.26,
    cues = { { 0.97, "ending", "answer", unless = "question" }, { 0.6, "only", "answer" } },
    complaint = { { 1, "remark" } },
    fault = { "The last thing in the output is {detail}, a remark behind the answer." },
    remedy = { "end with a last line \"Answer: N\" and nothing behind it" },
    rule = { "End with a last line \"Answer: N\", where N is the answer.",
      "The last line must be \"Answer: N\", with nothing behind it." } },
}

-- ---- reading a problem -------------------------------------------------------------

-- A kind of sentence: how it is known, and what becomes of the number so far; wrong: how it is put
-- together by who misreads it, or the slip that leaves it out.
local function fixed(format)
  return function(_, a, b) return (format:gsub("[ab]", { a = tostring(a), b = tostring(b) })) end
end
local function running(format)
  return function(n, a) return (format:gsub("[na]", { n = tostring(n), a = tostring(a) })) end
end

local STARTS = {
  { "(%d+) %a+ with (%d+) %a+ each", fixed "a * b", fixed "a + b" },
  { "(%d+) %a+.- and (%d+) more than that", fixed "a + a + b", fixed "a + b" },
  { "(%d+) %a+.- and (%d+) times as many", fixed "a + a * b", fixed "a * b" },
}
local CHANGES = {
  { "evenly into (%d+)", running "n / a", omit = "last" },
  { "worth $(%d+)", running "n * a", omit = "last" },
  { "half of them", running "n / 2", omit = "skip" },
  { "gets (%d+) more", running "n + a", omit = "skip" },
  { "buys (%d+) more", running "n + a", omit = "skip" },
  { "gives (%d+) of", running "n - a", omit = "skip" },
  { "loses (%d+) of", running "n - a", omit = "skip" },
}

local LONGEST = 300 -- bytes of a sentence that is read; nobody tells a step in more

local function known_as(kinds, sentence)
  for _, kind in ipairs(kinds) do
    local from, _, a, b = sentence:find(kind[1])
    if from then return { kind = kind, a = math.tointeger(tonumber(a)),
      b = math.tointeger(tonumber(b)), said = sentence } end
  end
  return nil
end

local function options_behind(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    local letter, said = line:match "^%s*%(?(%u)[%)%.:]%s+(.-)%s*$"
    if letter then
      list[#list + 1] = { letter = letter, said = said, n = tonumber((said:gsub("[$,]", ""))) }
    elseif #list > 0 then
      break
    end
  end
  return #list > 1 and list or nil
end

--- The word problem in a text; nil when there is none that can be read.
---@param text string
---@return table? { text, from, to, steps = { { kind, said, a, b } }, options }
function story.find(text)
  local steps, from, to, open = {}, nil, nil, false
  for at, piece, mark, stop in text:gmatch "()([^%.%?\n]*)([%.%?\n]?)()" do -- linear in the text
    local said = #piece < LONGEST and piece:match "^%s*(.*)$" or ""
    local step = #steps == 0 and known_as(STARTS, said) or #steps > 0 and known_as(CHANGES, said)
    if step then
      from, open = from or at, true
      steps[#steps + 1] = step
    end
    if open and mark == "?" and said:find "How many" then
      to = stop - 1
      break
    end
  end
  if not to then return nil end
  local q = { text = text:sub(from, to):match "^%s*(.-)$", from = from, to = to, steps = steps }
  q.options = options_behind(text:sub(to + 1))
  return q
end

-- ---- expressions -------------------------------------------------------------------

-- A chain of + - * / on whole numbers; nil when it is none.
local function value_of(expression)
  local sum, sign, product, op = 0, 1, nil, nil
  for digits, next_op in (expression:gsub("%s", "") .. "."):gmatch "(%d+%.?%d*)([%+%-%*/%.])" do
    local n = tonumber(digits)
    if not product then
      product = n
    elseif op == "*" then
      product = product * n
    else
      product = n ~= 0 and product / n or product
    end
    if next_op ~= "*" and next_op ~= "/" then
      sum, product = sum + sign * product, nil
      sign = next_op == "-" and -1 or 1
    end
    op = next_op
  end
  return math.tointeger(sum) or sum
end

local function shown_number(n)
  return math.tointeger(n) and tostring(math.tointeger(n)) or ("%.4g"):format(n)
end

-- ---- solving -------------------------------------------------------------------------

---@class sim.taken how each step is taken: "right", "wrong" or "skip", and by how much a result is off
---@field how string
---@field off integer

local function step_slip(step) return step.kind.omit and step.kind.omit or "reading" end

-- How a step is taken, by who is so likely to stumble there.
local function take(step, p, draw)
  if draw >= p then return "right" end
  return step.kind.omit and "skip" or "wrong"
end

--- Take each step, with slips.
---@param q table
---@param cure table<string, number>
---@param scale number
---@param seed integer
---@return sim.taken[]
function story.solve(q, cure, scale, seed)
  local taken = {}
  for i, step in ipairs(q.steps) do
    local slip = story.slips[step_slip(step)]
    local p = lessons.chance(q, slip, tostring(i), cure, scale)
    local off = hash.unit(seed, "off " .. i)
      < lessons.chance(q, story.slips.arith, tostring(i), cure, scale)
    taken[i] = { how = take(step, p, hash.unit(seed, "take " .. i)),
      off = off and (hash.unit(seed, "way " .. i) < 0.5 and 1 or -1)
        * (hash.unit(seed, "ten " .. i) < 0.3 and 10 or 1) or 0 }
  end
  return taken
end

local function expression_of(step, how, n)
  local write = how == "wrong" and step.kind[3] or step.kind[2]
  return write(n, step.a, step.b)
end

-- The steps in lines, and the number that they end with.
local function worked(q, taken)
  local lines, n = {}, 0
  for i, step in ipairs(q.steps) do
    local one = taken[i]
    if one.how ~= "skip" then
      local expression = expression_of(step, one.how, shown_number(n))
      n = value_of(expression) + one.off
      lines[#lines + 1] = ("%s: %s = %s."):format(step.said, expression, shown_number(n))
    end
  end
  return lines, n
end

-- The option with this number, else the nearest one, else one of the first.
local function letter_for(q, n, seed)
  local best
  for _, option in ipairs(q.options) do
    if option.n and (not best or math.abs(option.n - n) < math.abs(best.n - n)) then
      best = option
    end
  end
  return (best or hash.pick(seed, "guess", q.options)).letter
end

local REMARKS = { "I used %d sentences for that.", "It took %d steps.", "That was %d sentences." }

--- The answer's text.
---@param q table
---@param taken sim.taken[]
---@param options { show: boolean, formal: boolean, form: boolean, seed: integer } form: a slip
---@return string
function story.write(q, taken, options)
  local lines, n = worked(q, taken)
  if not options.show then lines = {} end
  local said = shown_number(n)
  if q.options then said = letter_for(q, n, options.seed) end
  lines[#lines + 1] = options.formal and "Answer: " .. said
    or q.options and ("So the answer is %s."):format(said)
    or ("That makes %s."):format(said)
  if options.form then
    lines[#lines + 1] = q.options and "Other options may be worth a look, too."
      or hash.pick(options.seed, "remark", REMARKS):format(#q.steps)
    if q.options then lines[#lines - 1] = ("That makes %s."):format(shown_number(n)) end
  end
  return table.concat(lines, "\n")
end

--- Answer a problem under these instructions.
---@param q table
---@param cure table<string, number> what instructions and examples teach
---@param options { scale: number, seed: integer }
---@return string
function story.answer(q, cure, options)
  local seed = hash.text(q.text:lower(), options.seed)
  local taken = story.solve(q, cure, options.scale, seed)
  return story.write(q, taken, { seed = seed, formal = cure.form > 0.6,
    show = cure.skip > 0.3 or cure.reading > 0.3 or hash.unit(seed, "aloud") < 0.5,
    form = hash.unit(seed, "form") < lessons.chance(q, story.slips.form, "", cure, options.scale) })
end

-- ---- reading a solution ----------------------------------------------------------------

-- The equation that stands behind the words of a step.
local function equation_behind(low, said, at)
  local from, to = low:find(said:lower(), at, true)
  if not from then return nil end
  local expression, result = low:sub(to + 1, to + 120)
    :match "^[^%d\n]*([%d%s%+%-%*/%.]-)%s*=%s*%$?(%d+%.?%d*)"
  return expression, tonumber(result), to
end

-- The parts of an expression that do not depend on the number so far.
local function same_way(expression, wanted)
  local function ops(text) return (text:gsub("%s", ""):gsub("%d+%.?%d*", "n")) end
  return ops(expression) == ops(wanted)
end

--- What a solution shows of each step; nil where it shows no step at all.
---@param q table
---@param output string
---@return (sim.taken & { shown: string? })[]?
function story.parse(q, output)
  local low, taken, seen, at = output:lower(), {}, false, 1
  for i, step in ipairs(q.steps) do
    local expression, result, to = equation_behind(low, step.said, at)
    if not expression then
      taken[i] = { how = "skip", off = 0 }
    else
      seen, at = true, to
      local off = result - value_of(expression)
      local wrong = step.kind[3] and same_way(expression, step.kind[3]("1", step.a, step.b))
      taken[i] = { how = wrong and "wrong" or "right", off = off,
        shown = ("%s = %s"):format(expression, shown_number(result)) }
    end
  end
  return seen and taken or nil
end

--- The number or letter that an output ends with.
---@param q table
---@param output string
---@return string?
function story.stated(q, output)
  if q.options then
    local letter
    for found in output:gmatch "[Aa]nswer%s*i?s?:?%s*%(?(%u)%f[%A]" do letter = found end
    return letter
  end
  local last
  for digits in output:gmatch "%d+%.?%d*" do last = digits end
  return last and (last:gsub("%.$", ""))
end

--- What the problem comes to, as a reader without a slip has it.
---@param q table
---@return string
function story.truth(q)
  local taken = {}
  for i = 1, #q.steps do taken[i] = { how = "right", off = 0 } end
  local _, n = worked(q, taken)
  return q.options and letter_for(q, n, 0) or shown_number(n)
end

-- A sentence as it is spoken of: its first words.
local function in_short(said)
  local words = {}
  for word in said:gmatch "%S+" do words[#words + 1] = word end
  return #words > 5 and table.concat(words, " ", 1, 5) .. " …" or said
end

--- What is wrong with an output, for who reads the problem again: { slip, detail, step }.
---@param q table
---@param output string
---@return { slip: string, detail: string?, step: integer? }[]
function story.findings(q, output)
  local found, taken = {}, story.parse(q, output)
  local truth, stated = story.truth(q), story.stated(q, output)
  if taken then
    for i, step in ipairs(q.steps) do
      local one = taken[i]
      if one.how ~= "right" then
        found[#found + 1] = { slip = step_slip(step), detail = in_short(step.said), step = i }
      elseif one.off ~= 0 then
        found[#found + 1] = { slip = "arith", detail = one.shown, step = i }
      end
    end
  elseif stated ~= truth and not output:find("makes " .. truth, 1, true) then
    found[1] = { slip = "skip", detail = in_short(q.steps[#q.steps].said) }
  end
  if stated ~= truth and #found == 0 or not stated then
    found[#found + 1] = { slip = "form", detail = "\"" .. (stated or "no answer") .. "\"" }
  end
  return found
end

--- What worked examples of a problem teach: who shows steps teaches to show them.
---@param q table
---@param output string
---@return table<string, number>
function story.shows(q, output)
  local cure = {}
  if #story.findings(q, output) > 0 then return cure end
  cure.form = 0.7
  if story.parse(q, output) then
    cure.skip, cure.arith, cure.reading, cure.last = 0.6, 0.4, 0.4, 0.5
  end
  return cure
end

return story
