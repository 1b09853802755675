--- sim/repair: programs in Lua and Python, criticised and repaired by small changes.
--
-- A world for optimizers of programs. It reads a program, its statement, reports of tests and
-- criticism in the request, and nothing else: it runs nothing, and knows no problems, no answers.
-- As critic it works out from failing tests what may be wrong and where; as editor it makes one
-- change that fits what was said (repair_edits, repair_templates), by a hash of the text. Many
-- defects are beyond it, as are all that need two changes at once.

local clues = require "lunagrad.world.repair_clues"
local edits = require "lunagrad.world.repair_edits"
local hash = require "lunagrad.world.hash"
local kinds = require "lunagrad.world.repair_words"
local lex = require "lunagrad.world.repair_lex"
local scope = require "lunagrad.world.repair_scope"
local templates = require "lunagrad.world.repair_templates"

local repair = {}

local LONGEST = 20000 -- bytes of a program that is looked at

-- ---- what the request shows -----------------------------------------------------------

local BEGINS = { "^local%s", "^function%s", "^%-%-", "^def%s", "^import%s", "^from%s", "^@",
  "^class%s", "^return%s", "^[%a_][%w_]*%s*=[^=]" }

-- A text as a program, without a code fence around it; nil where it is none.
local function program_in(text)
  local inner = text:match "^%s*```%w*\n(.-)\n?```%s*$" or text
  if #inner > LONGEST then return nil end
  inner = inner:gsub("^%s*\n", ""):gsub("%s+$", "")
  for _, pattern in ipairs(BEGINS) do
    if inner:find(pattern) then
      local language = lex.language(inner)
      return language and { text = inner .. "\n", language = language }
    end
  end
end

local function fences(text, fn)
  for from, code, to in text:gmatch "()```%w*\n(.-)\n?```()" do fn(code, from, to - 1) end
end

-- Texts of the request between tags, in fences and as whole turns, that are programs; the one that
-- it is about, and the rest of what the user says.
local function programs_of(view)
  local found, main, rest = {}, nil, {}
  local function take(text, past)
    local program = program_in(text)
    if not program then return end
    found[#found + 1] = program
    program.past = past
    return program
  end
  for _, block in ipairs(view.blocks) do
    local program, given = take(block.text, block.past), block.meaning == "variable"
    if program and not block.past and (given or not (main and main.given)) then
      main, program.given = program, given
    end
  end
  for _, message in ipairs(view.messages) do
    local fenced = nil
    fences(message.content, function(code) fenced = take(code, message.role == "assistant") end)
    if message.role == "user" then
      main = main or fenced or take(message.content)
      rest[#rest + 1] = message.content
    elseif not fenced and message.role == "assistant" then
      take(message.content:match "<[%u_%d]+>%s*(.-)%s*</" or message.content, true)
    end
  end
  return found, main, table.concat(rest, "\n")
end

local function without(text, programs)
  for _, program in ipairs(programs) do
    local part = program.text:gsub("%s+$", "")
    local from, to = text:find(part, 1, true)
    while from do
      text = text:sub(1, from - 1) .. "\n" .. text:sub(to + 1)
      from, to = text:find(part, from, true)
    end
  end
  return text
end

---@class sim.repair.case
---@field program { text: string, language: string }
---@field said string what stands around programs
---@field seen table<string, boolean> programs that the request holds
---@field failures sim.failure[]
---@field hints sim.hint[]
---@field tried table<string, table<string, boolean>>

-- What a request is about, or nil where it holds no program.
local function case_of(view)
  local programs, main, rest = programs_of(view)
  if not main then return nil end
  local case = { program = main, seen = {}, said = without(rest, programs) }
  for _, program in ipairs(programs) do case.seen[program.text] = true end
  case.failures = clues.failures(case.said)
  case.hints = clues.hints(case.said)
  case.tried = clues.tried(case.said)
  return case
end

-- ---- changes ------------------------------------------------------------------------

local function apply(text, change)
  return text:sub(1, change.from - 1) .. change.put .. text:sub(change.to + 1)
end

-- The line of the program that a change is in, when it is made.
local function line_after(scan, change, new)
  return new:sub(scan.lines[change.line].from):match "^%s*([^\n]-)%s*\n"
    or new:sub(scan.lines[change.line].from):match "^%s*([^\n]*)"
end

local function is_tried(case, scan, change)
  local known = case.tried[scan.lines[change.line].text]
  return known ~= nil and known[change.after] == true
end

local function scan_of(program)
  local scan = { text = program.text, language = program.language, list = {},
    tokens = lex.tokens(program.text, program.language), lines = lex.lines(program.text) }
  scan.scope = scope.of(scan.lines, program.language)
  return scan
end

--- All changes that are thought of, each with the new program; none that is known to be of no use.
---@param case sim.repair.case
---@return sim.scan
local function changes_of(case)
  local scan = scan_of(case.program)
  edits.tokens(scan)
  templates.statements(scan, case.failures)
  local kept, met = {}, {}
  for _, change in ipairs(scan.list) do
    local new = apply(scan.text, change)
    change.new, change.after = new, line_after(scan, change, new)
    if not met[new] and not case.seen[new] and not is_tried(case, scan, change) then
      met[new] = true
      kept[#kept + 1] = change
    end
  end
  scan.list = kept
  return scan
end

local TASTE = 9 -- between the least and the greatest of it lies the square of this

-- What comes to the editor's mind first is a matter of taste, and the same whenever the same
-- program is looked at: samples of one question are alike, as those of models are.
local function taste(program, change)
  local u = hash.unit(hash.text(program), change.kind .. change.from .. change.put)
  return TASTE ^ (2 * u - 1)
end

-- One of the changes, the likelier the more often.
local function draw(list, weigh, seed, name)
  local total, weights = 0, {}
  for i, change in ipairs(list) do
    weights[i] = weigh(change)
    total = total + weights[i]
  end
  local at = hash.unit(seed, name) * total
  for i, change in ipairs(list) do
    at = at - weights[i]
    if at < 0 then return change, i end
  end
  return list[#list], #list
end

local function equally() return 1 end

-- ---- the critic ------------------------------------------------------------------------

local MOST_TESTS = 2
local BOLD = .7 -- of criticisms, that also say what should stand there

local function told(case)
  local list = {}
  for i = 1, math.min(#case.failures, MOST_TESTS) do
    local one = case.failures[i]
    list[i] = one.problem and ("- %s does not give %s: %s"):format(one.said, one.want, one.problem)
      or ("- %s gives %s instead of %s."):format(one.said, one.got, one.want)
  end
  return list
end

-- As critic: failing tests count, and what others said; the place is named, and what kind of thing
-- may be wrong with it.
local function criticise(case, settings, seed)
  if #case.failures == 0 and #case.hints == 0 then return "NOTHING TO IMPROVE" end
  local scan, said = changes_of(case), told(case)
  local by_kind, by_line = clues.of_tests(case.failures)
  local astray = hash.unit(seed, "astray") < settings.critic_noise
  local function weigh(change)
    return change.prior * (by_kind[change.kind] or 1) * (by_line[change.line] or 1)
      * clues.factor(case.hints, change)
  end
  local suspects = hash.unit(seed, "second") < .35 and 2 or 1
  for k = 1, math.min(suspects, #scan.list) do
    local change, i = draw(scan.list, astray and equally or weigh, seed, "suspect " .. k)
    local bold = change.after ~= "" and hash.unit(seed, "bold " .. k) < BOLD
    said[#said + 1] = ("- Line %d, `%s`: %s%s."):format(change.line,
      scan.lines[change.line].text, kinds.kinds[change.kind].say,
      bold and (", perhaps `%s`"):format(change.after) or "")
    table.remove(scan.list, i)
  end
  if #said == 0 then return "I see nothing in this program that I could change." end
  return table.concat(said, "\n")
end

-- ---- the editor ------------------------------------------------------------------------

-- A change as an edit of whole lines, with so many before it that they stand there just once.
local function as_edit(old, new, find, replace)
  local a, b, from, to = lex.lines(old), lex.lines(new), 1, 0
  local function is_same(i, k) return a[i].text == b[k].text and a[i].indent == b[k].indent end
  while from < #a and from < #b and is_same(from, from) do from = from + 1 end
  while to < math.min(#a, #b) - from and is_same(#a - to, #b - to) do to = to + 1 end
  local function part(text, lines, first)
    return text:sub(lines[first].from, lines[#lines - to].to)
  end
  local function stands_once(text)
    local at = old:find(text, 1, true)
    return text:find "%S" and not old:find(text, at + 1, true)
  end
  while from > 1 and not (from <= #a - to and stands_once(part(old, a, from))) do
    from = from - 1
  end
  return ("<EDIT>\n<%s>%s</%s>\n<%s>%s</%s>\n</EDIT>"):format(find, part(old, a, from), find,
    replace, part(new, b, from), replace)
end

local function in_form(view, program, old)
  if view.untagged then return program.text end
  local find, replace = view.all:match "<(FIND_?%d*)>", view.all:match "<(REPLACE_?%d*)>"
  if find and replace and old then return as_edit(old, program.text, find, replace) end
  if view.asked then
    return ("<%s>\n%s</%s>"):format(view.asked, program.text, view.asked)
  end
  return ("```%s\n%s```"):format(program.language, program.text)
end

-- As editor: one change that fits the words; what the tests gave it works out by half.
local function edit(view, case, settings, seed)
  local scan = changes_of(case)
  if #scan.list == 0 then return in_form(view, case.program) end
  local astray = hash.unit(seed, "astray") < settings.editor_noise
  local by_kind = clues.of_tests(case.failures)
  local function weigh(change)
    return change.prior * taste(scan.text, change) * clues.factor(case.hints, change)
      * math.sqrt(by_kind[change.kind] or 1)
  end
  local change = draw(scan.list, astray and equally or weigh, seed, "change")
  return in_form(view, { text = change.new, language = case.program.language }, scan.text)
end

-- ---- the reply -------------------------------------------------------------------------

--- Reply to a request, or nil where it holds no program.
---@param view sim.view with messages
---@param settings { critic_noise: number, editor_noise: number }
---@param options { seed: integer }
---@return string|nil text
---@return "stop"|nil finish
function repair.reply(view, settings, options)
  local case = case_of(view)
  if not case then return nil end
  local seed = hash.text(view.all, options.seed)
  if view.task == "critique" or view.task == "merge" then
    return criticise(case, settings, seed), "stop"
  end
  return edit(view, case, settings, seed), "stop"
end

return repair
