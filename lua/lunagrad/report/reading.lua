--- A run as its pictures need it: read from a store, in one go, while others may write.
--
-- Only reads; a store is asked through a handle { query, one, has } that a command opens. What is
-- joined here: proposals with their feedback, batches and races; candidates with their scores;
-- examples with what was answered. What the tables mean, docs/store.md says.

local calls = require "lunagrad.book.calls"
local core = require "lunagrad.core"
local ledger = require "lunagrad.book.ledger"
local plain = require "lunagrad.report.plain"
local queries = require "lunagrad.book.queries"
local stats = require "lunagrad.stats_math"

local reading = {}

local PAGE = 2000

---@class lunagrad.reading.proposal
---@field number integer
---@field parents integer[] candidates that it came from
---@field operator string|nil
---@field accepted boolean
---@field aside boolean it proposed nothing: it scored what is there again, or on more examples
---@field idx integer|nil the candidate that it became
---@field reason string|nil
---@field before number|nil
---@field after number|nil
---@field gain number|nil
---@field texts table|nil role → text
---@field batch table[] { example, before, after }
---@field feedback table[] { param, text, example, from_role, score }
---@field fixed integer[] examples that it made right, against its first parent
---@field broke integer[] examples that it made wrong
---@field compared integer how many both were asked
---@field flips string "fixed 3, broke 1"; of scores between 0 and 1 "better on 3, worse on 1"
---@field spent number where it stands on the axis of spending: when it was decided

---@class lunagrad.reading.candidate
---@field idx integer
---@field parents integer[]
---@field texts table role → text
---@field score number|nil
---@field n integer of how many examples
---@field low number|nil interval of the mean
---@field high number|nil
---@field by_example table example → score on the validation set
---@field outputs table example → number of what was answered

---@class lunagrad.reading.search
---@field id integer
---@field number integer
---@field kind string
---@field method string|nil
---@field params string[]
---@field options table
---@field claim table|nil
---@field candidates lunagrad.reading.candidate[]
---@field proposals lunagrad.reading.proposal[]
---@field examples integer[] of the validation set, in order
---@field unit string of spending: "calls" or "evaluations"

-- ---- values ------------------------------------------------------------------------------

local function decoded(text, default)
  local value = type(text) == "string" and core.json_decode(text, "number") or nil
  if value == nil or value == core.null then return default end
  return value
end

-- A JSON object whose values are texts; what is none is left out.
local function texts_of(text)
  local value = decoded(text, {})
  if type(value) ~= "table" then return {} end
  local texts = {}
  for name, one in pairs(value) do
    if type(name) == "string" then
      texts[name] = type(one) == "string" and one or core.json_encode(one)
    end
  end
  return texts
end

local function integers_of(text)
  local list = {}
  for _, value in ipairs(decoded(text, {})) do list[#list + 1] = math.tointeger(value) end
  return list
end

-- Two forms are written: [[example, before, after]] and [{example, before, after}].
local function batch_of(text)
  local list = {}
  local value = decoded(text, {})
  for _, one in ipairs(type(value) == "table" and value or {}) do
    if type(one) == "table" then
      local example = math.tointeger(one.example or one[1])
      if example then
        list[#list + 1] = { example = example, before = tonumber(one.before or one[2]),
          after = tonumber(one.after or one[3]) }
      end
    end
  end
  return list
end

-- ---- pages of rows -----------------------------------------------------------------------

local function each(handle, name, where, fn)
  if not handle.has(name) then return end
  local after = -1
  local sql = queries.page(name, where, PAGE)
  while true do
    local rows = handle.query(sql, after)
    for _, row in ipairs(rows) do fn(row) end
    if #rows < PAGE then return end
    after = rows[#rows].row_number
  end
end

-- ---- candidates and proposals --------------------------------------------------------------

-- Searches keep it, trainings do not.
local function count_words(texts)
  local n = 0
  for _, text in pairs(texts) do
    for _ in tostring(text):gmatch "%S+" do n = n + 1 end
  end
  return n
end

local function candidate_of(row)
  local texts = texts_of(row.texts)
  return { idx = row.idx, parents = integers_of(row.parents), texts = texts,
    score = row.score, operator = plain.name(row.operator), proposal = row.proposal,
    iteration = row.iteration, words = row.words or count_words(texts),
    is_best = row.is_best == 1, by_example = {}, outputs = {}, n = 0 }
end

local ASIDE = { complete = true, rescore = true }

-- What is read of its row when it is first looked at: of thousands few are.
local LATE = { texts = texts_of, batch = batch_of, race = function(text)
  return decoded(text, nil)
end }

local Proposal = {}

function Proposal.__index(self, name)
  local text = LATE[name] and self.row[name]
  if not text then return name == "batch" and {} or nil end
  local value = LATE[name](text)
  rawset(self, name, value)
  return value
end

local function proposal_of(row)
  local parents = row.parents == "[]" and {} or integers_of(row.parents)
  if #parents == 0 and row.parent_idx then parents[1] = row.parent_idx end
  return setmetatable({ number = row.number or row.iteration, iteration = row.iteration,
    parents = parents, operator = plain.name(row.operator), accepted = row.accepted == 1,
    aside = ASIDE[row.operator] or false, reason = plain.name(row.reason), before = row.before,
    after = row.after, gain = row.gain, has_texts = row.texts ~= nil, calls = row.calls,
    tokens = row.tokens, feedback = {}, by_example = {}, outputs = {},
    fixed = {}, broke = {}, compared = 0,
    row = row }, Proposal)
end

local function index(list, key)
  local by = {}
  for _, one in ipairs(list) do
    if one[key] ~= nil then by[one[key]] = one end
  end
  return by
end

local IMPROVES = { train = true, optimize = true }

local function search_of(row)
  return { id = row.id, run_id = row.run_id, number = row.number, kind = row.kind,
    method = plain.name(row.method), params = decoded(row.names, {}),
    options = decoded(row.options, {}),
    seed = row.seed, seed_score = row.seed_score, best_score = row.best_score,
    best_idx = row.best_idx, stopped = plain.name(row.stopped), claim = decoded(row.claim, nil),
    started_us = row.started_us, ended_us = row.ended_us, candidates = {}, proposals = {},
    examples = {}, tests = {}, evaluations = 0 }
end

-- ---- scores ------------------------------------------------------------------------------

-- Sums by name; means are taken when all are read.
local function put_objectives(candidate, text)
  local sums = candidate.sums or {}
  candidate.sums = sums
  for name, value in pairs(decoded(text, {})) do
    if type(name) == "string" and type(value) == "number" then
      local sum = sums[name] or { 0.0, 0 }
      sums[name], sum[1], sum[2] = sum, sum[1] + value, sum[2] + 1
    end
  end
end

local function set_objectives(search)
  local names = {}
  for _, candidate in ipairs(search.candidates) do
    local means
    for name, sum in pairs(candidate.sums or {}) do
      means = means or {}
      means[name], names[name] = sum[1] / sum[2], true
    end
    candidate.objectives, candidate.sums = means, nil
  end
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  search.objectives = #list > 0 and list or nil
end

local VALIDATION, TEST = 1, 2

local function put_validation(search, candidate, proposal, example, score, output, objectives)
  if candidate then candidate.by_example[example], candidate.outputs[example] = score, output end
  if proposal then proposal.by_example[example], proposal.outputs[example] = score, output end
  search.seen[example] = true
  if not objectives then return end
  local whose = candidate or proposal and proposal.accepted
    and search.of_proposal[proposal.number]
  if whose then put_objectives(whose, objectives) end
end

-- A page of columns, as queries.page_of_marks has them.
local function put_scores(search, n, _, candidates, proposals, sorts, examples, scores, outputs,
    objectives)
  local by_idx, by_number = search.by_idx, search.by_number
  search.evaluations = search.evaluations + n
  for i = 1, n do
    local candidate, proposal = by_idx[candidates[i]], by_number[proposals[i]]
    if sorts[i] == VALIDATION then
      put_validation(search, candidate, proposal, examples[i], scores[i], outputs[i],
        objectives[i])
    elseif sorts[i] == TEST and candidate then
      local test = search.tests[candidate.idx] or {}
      search.tests[candidate.idx], test[examples[i]] = test, scores[i]
    end
    if proposal then proposal.evaluations = (proposal.evaluations or 0) + 1 end
  end
end

-- The first's values, and where it has none the second's.
local function joined(first, second)
  if next(first) == nil then return second end
  for key, value in pairs(second) do
    if first[key] == nil then first[key] = value end
  end
  return first
end

-- Scores of proposals that became candidates are their candidates' too.
local function share_scores(search)
  for _, candidate in ipairs(search.candidates) do
    local proposal = search.by_number[candidate.proposal or -1]
    if proposal then
      proposal.idx = candidate.idx
      candidate.by_example = joined(candidate.by_example, proposal.by_example)
      candidate.outputs = joined(candidate.outputs, proposal.outputs)
      proposal.by_example, proposal.outputs = candidate.by_example, candidate.outputs
    end
  end
end

-- Whether all its scores are 0 or 1. An interval of whole sets alone: those that were asked of a part
-- are not drawn from it like lots.
local function set_interval(candidate, whole)
  local values = {}
  local n, binary = 0, true
  for _, score in pairs(candidate.by_example) do
    n = n + 1
    values[n], binary = score, binary and (score == 0 or score == 1)
  end
  candidate.n = n
  if n < 2 or n < whole then return binary end
  if not binary then table.sort(values) end -- so that it does not depend on the order of a table
  candidate.low, candidate.high = stats.interval(values, 1)
  return binary
end

local function find_flips(proposal, parent)
  if not parent then return end
  for example, score in pairs(proposal.by_example) do
    local was = parent.by_example[example]
    if was then
      proposal.compared = proposal.compared + 1
      local list = score > was and proposal.fixed or score < was and proposal.broke
      if list then list[#list + 1] = example end
    end
  end
  table.sort(proposal.fixed)
  table.sort(proposal.broke)
end

-- Where each proposal stands on the axis of spending: what the start took, and what every proposal
-- up to it took. Calls where all have them, otherwise evaluations.
local function place(search)
  local by_calls = #search.proposals > 0
  for _, one in ipairs(search.proposals) do by_calls = by_calls and one.calls ~= nil end
  search.unit = by_calls and "calls" or "evaluations"
  local seed = search.by_idx[0]
  search.start = seed and seed.n or 0
  local spent = search.start
  for _, one in ipairs(search.proposals) do
    spent = spent + (by_calls and one.calls or one.evaluations or 0)
    one.spent = spent
  end
  search.spent = spent
end

local MARKS = 50000 -- rows of columns at once

local function each_mark(handle, search)
  local sql, after = queries.page_of_marks(search, MARKS), -1
  while true do
    local found = table.pack(handle.columns(sql, after))
    if found[1] > 0 then put_scores(search, table.unpack(found, 1, found.n)) end
    if found[1] < MARKS then return end
    after = found[2][found[1]]
  end
end

local function read_scores(handle, search)
  search.by_idx = index(search.candidates, "idx")
  search.by_number = index(search.proposals, "number")
  search.of_proposal = index(search.candidates, "proposal")
  search.seen = {}
  each_mark(handle, search)
  share_scores(search)
  set_objectives(search)
  for example in pairs(search.seen) do search.examples[#search.examples + 1] = example end
  table.sort(search.examples)
  search.is_binary = true -- all scores are right or wrong, and nothing between
  for _, candidate in ipairs(search.candidates) do
    search.is_binary = set_interval(candidate, #search.examples) and search.is_binary
  end
  local words = search.is_binary and "fixed %d, broke %d" or "better on %d, worse on %d"
  for _, proposal in ipairs(search.proposals) do
    find_flips(proposal, search.by_idx[proposal.parents[1] or -1])
    proposal.flips = words:format(#proposal.fixed, #proposal.broke)
  end
  place(search)
end

-- ---- feedback ------------------------------------------------------------------------------

-- The step of a gradient is the number of its proposal; its example is a place in the batch.
local function read_feedback(handle, search)
  each(handle, "gradients", queries.of_search(search), function(row)
    local proposal = search.by_number[row.iteration]
    if proposal then
      local one = row.source_example and proposal.batch[row.source_example]
      table.insert(proposal.feedback, { param = row.param, text = row.text,
        example = one and one.example, from_role = row.from_role, score = row.score })
    end
  end)
end

local WHO = 12 -- that are named of one answer

-- Equal answers once, in the order of who gave them first: candidates, then steps that were not kept.
local function answers_of(search, example)
  local list, by_id = {}, {}
  local function add(one, words, number)
    local id = one.outputs[example] or 0
    local answer = by_id[id]
    if not answer then
      answer = { id = id, score = one.by_example[example], who = {}, more = 0 }
      by_id[id], list[#list + 1] = answer, answer
    end
    local full = #answer.who == WHO
    if full then answer.more = answer.more + 1 else
      answer.who[#answer.who + 1] = words:format(number)
    end
  end
  for _, one in ipairs(search.candidates) do
    if one.by_example[example] then add(one, "candidate %d", one.idx) end
  end
  for _, one in ipairs(search.proposals) do
    if not one.idx and one.by_example[example] then add(one, "step %d", one.number) end
  end
  return list
end

local IDS = 500 -- in one statement

local function texts_of_outputs(handle, ids)
  local texts = {}
  for first = 1, #ids, IDS do
    local some = table.move(ids, first, math.min(#ids, first + IDS - 1), 1, {})
    for _, row in ipairs(handle.query(queries.texts_of(some))) do texts[row.id] = row.text end
  end
  return texts
end

--- What was answered on these examples of a search's validation set, equal answers once.
---@param handle table
---@param search lunagrad.reading.search
---@param examples integer[]
---@return table example → list of { text, score, who = the first ones, more = how many others }
function reading.outputs(handle, search, examples)
  local found, ids, known = {}, {}, {}
  if #examples == 0 or not handle.has "outputs" then return found end
  for _, example in ipairs(examples) do
    found[example] = answers_of(search, example)
    for _, one in ipairs(found[example]) do
      if not known[one.id] then known[one.id], ids[#ids + 1] = true, one.id end
    end
  end
  local texts = texts_of_outputs(handle, ids)
  for _, list in pairs(found) do
    for _, one in ipairs(list) do one.text = texts[one.id] or "" end
  end
  return found
end

-- ---- calls -----------------------------------------------------------------------------------

local function add_purposes(handle, where, rows)
  local by_call = {}
  for _, row in ipairs(rows) do
    row.role = math.type(row.kind) == "integer" and ledger.KINDS[row.kind + 1] or "?"
    row.purposes = {}
    by_call[row.id] = row.purposes
  end
  if #rows == 0 then return rows end
  each(handle, "purposes", where, function(row)
    calls.each_purpose(row, function(one)
      local list = by_call[one.call_id]
      if list then list[#list + 1] = one end
    end, rows[1].id, rows[#rows].id)
  end)
  return rows
end

--- A page of the calls that these starts bought, in the order of their replies.
---@param handle table
---@param where string queries.of_runs
---@param after integer the id behind which; 0: from the first on
---@param most integer
---@return table[] rows of the table reply without body and request, with role and purposes
function reading.calls(handle, where, after, most)
  return add_purposes(handle, where, handle.query(queries.page_of_calls(where, most), after))
end

-- A message as it is shown: of a turn the tools that it calls, of a result whose it is.
local function message_of(one)
  local role, content = tostring(one.role), one.content
  if type(content) ~= "string" then
    content = one.media and ("[%s]"):format(tostring(one.media)) or ""
  elseif one.media == calls.TURN then
    content = calls.turn_words(content)
  elseif one.media then
    content = ("[%s, %d bytes]"):format(tostring(one.media), #content)
  end
  local tool = role:match "^tool (%S+)"
  return { role = tool and "result of " .. tool or role, content = content }
end

--- What one call asked and what came back.
---@param handle table
---@param id integer
---@return table { messages = { { role, content } }, reply, thinking, media; where tools were offered
--- turn (its number in the conversation) and tools (those that it calls) }
function reading.call(handle, id)
  local row = handle.one(queries.call_of_id, id)
  if not row then return { messages = {} } end
  local request = decoded(row.request, {})
  local options = type(request.options) == "table" and request.options or {}
  local reply, media, thinking = calls.reply_of(row, options.tools ~= nil)
  local messages, turn, tools = {}, 1, nil
  for _, one in ipairs(type(request.messages) == "table" and request.messages or {}) do
    if type(one) == "table" then
      messages[#messages + 1] = message_of(one)
      if one.media == calls.TURN then turn = turn + 1 end
    end
  end
  if media == calls.TURN then
    reply, tools = calls.turn_words(reply)
    media = nil
  end
  return { messages = messages, reply = reply, media = media, thinking = thinking,
    turn = options.tools ~= nil and turn or nil, tools = tools or {},
    options = request.options, endpoint = row.endpoint, model = row.model }
end

-- ---- the run -----------------------------------------------------------------------------------

local function sums(handle, runs, where)
  local rows = handle.query(queries.ledger(where, handle.has "forgotten"))
  for _, row in ipairs(rows) do
    row.role = math.type(row.kind) == "integer" and ledger.KINDS[row.kind + 1] or tostring(row.kind)
  end
  local total = { bought = 0, served = 0, took_us = 0 }
  for _, run in ipairs(runs) do
    total.bought, total.served = total.bought + (run.calls or 0), total.served + (run.served or 0)
    if run.ended_us then total.took_us = total.took_us + run.ended_us - run.started_us end
  end
  return rows, total
end

-- Which start has the records: the last that searched or evaluated something.
local function recorded(handle, runs)
  for i = #runs, 1, -1 do
    if handle.one(queries.count_records, runs[i].id, runs[i].id).n > 0 then return runs[i] end
  end
  return runs[#runs]
end

local function read_searches(handle, main)
  local list, evaluations = {}, {}
  if not handle.has "searches" then return list, evaluations end
  for _, row in ipairs(handle.query(queries.searches, main.id)) do
    local search = search_of(row)
    if IMPROVES[row.kind] then
      list[#list + 1] = search
      each(handle, "candidates", queries.of_search(search), function(one)
        table.insert(search.candidates, candidate_of(one))
      end)
      each(handle, "proposals", queries.of_search(search), function(one)
        table.insert(search.proposals, proposal_of(one))
      end)
      read_scores(handle, search)
      read_feedback(handle, search)
    else
      evaluations[#evaluations + 1] = search
    end
  end
  return list, evaluations
end

local function models_of(rows, meta)
  local names, known = {}, {}
  local function add(name)
    if type(name) == "string" and name ~= "" and not known[name] then
      known[name], names[#names + 1] = true, plain.name(name)
    end
  end
  for _, row in ipairs(rows) do add(row.model) end
  if #names == 0 then
    for _, name in ipairs(type(meta.models) == "table" and meta.models or {}) do add(name) end
  end
  return names
end

-- Nothing of sim is a bought call: a run that made calls and has no replies ran on models in the
-- process.
local function only_in_process(rows, total, meta)
  if #rows > 0 or total.bought == 0 then return false end
  for _, name in ipairs(type(meta.models) == "table" and meta.models or {}) do
    if not name:gsub("^%w+=", ""):find "^sim" then return false end
  end
  return true
end

---@class lunagrad.reading
---@field name string
---@field runs table[] rows of the table run: its starts
---@field main table the start that has the records
---@field meta table what was written of it: command, models, seed
---@field ledger table[] what was bought, by role and model
---@field total table { bought, served, took_us }
---@field models string[]
---@field is_sim boolean it ran on sim alone
---@field searches lunagrad.reading.search[]
---@field evaluations lunagrad.reading.search[] evaluations and comparisons
---@field means table[] { phase, n, mean }

--- Read a run.
---@param handle table of a store that is open
---@param runs table rows of the table run: all its starts, the oldest first
---@return lunagrad.reading
function reading.run(handle, runs)
  local main, where = recorded(handle, runs), queries.of_runs(runs)
  local meta = decoded(main.meta, {})
  local rows, total = sums(handle, runs, where)
  local searches, evaluations = read_searches(handle, main)
  return { name = runs[#runs].name, runs = runs, main = main, meta = meta, ledger = rows,
    total = total, models = models_of(rows, meta), is_sim = only_in_process(rows, total, meta),
    searches = searches, evaluations = evaluations, where = where,
    means = handle.query(queries.mean_scores, main.id),
    failed = handle.query(queries.failures(where)) }
end

--- Scores of a run that can be set against another's: those of its best texts on the test set and
--- on the validation set, and those of each evaluation of its own, by name.
---@param handle table
---@param run lunagrad.reading
---@return table<string, table<integer, number>> name → example → score
---@return string[] names, in the order in which they say most: test, evaluations from the last one
--- back, validation
function reading.results(handle, run)
  local found, names = {}, {}
  local function put(name, scores)
    if scores and next(scores) and not found[name] then
      found[name], names[#names + 1] = scores, name
    end
  end
  local chief = reading.chief(run)
  local best = chief and chief.by_idx[chief.best_idx or -1]
  put("test", best and chief.tests[best.idx])
  for i = #run.evaluations, 1, -1 do
    local one = run.evaluations[i]
    local scores, phase = {}, nil
    if one.kind == "evaluate" then
      each(handle, "scores", queries.of_search(one), function(row)
        scores[row.example], phase = row.score, row.phase
      end)
      put(phase or ("evaluation %d"):format(one.number), scores)
    end
  end
  put("validation", best and best.by_example)
  return found, names
end

--- The search whose result is the run's: of several, that with the best score.
---@param run lunagrad.reading
---@return lunagrad.reading.search|nil
function reading.chief(run)
  local chief
  for _, one in ipairs(run.searches) do
    if one.best_score and (not chief or one.best_score > chief.best_score) then chief = one end
  end
  return chief or run.searches[1]
end

return reading
