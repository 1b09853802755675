--- The calls of a run on a page: data from which the script writes them out, a hundred at a time.
--
-- Of a report they stand in it, as far as there is room; of a served page the script asks for them.

local core = require "lunagrad.core"
local data = require "lunagrad.report.data"
local html = require "lunagrad.report.html"
local plain = require "lunagrad.report.plain"
local queries = require "lunagrad.book.queries"
local reading = require "lunagrad.report.reading"

local call_list = {}

local tag = html.tag

local LEAST_CALLS, MOST_CALLS, CALL = 100, 5000, 90 -- rows; bytes of one without its texts

-- What it was for, and of an agent's call its turn and the tools that it called.
local function purpose_words(call, said)
  local one, words = call.purposes[1], {}
  if one then
    words[1] = one.proposal and ("step %d"):format(one.proposal)
      or ("candidate %d"):format(one.candidate_idx or 0)
    words[2] = one.example and ("%s example %d"):format(one.split or "", one.example):gsub("^ ", "")
  end
  if said and said.turn then words[#words + 1] = ("turn %d"):format(said.turn) end
  if said and #said.tools > 0 then
    words[#words + 1] = "calls " .. table.concat(said.tools, " and ")
  end
  local more = #call.purposes > 1 and (" and %d more"):format(#call.purposes - 1) or ""
  return table.concat(words, ", ") .. more
end

local KEYS = { openai = "OPENAI_API_KEY", openrouter = "OPENROUTER_API_KEY", groq = "GROQ_API_KEY",
  mistral = "MISTRAL_API_KEY", deepseek = "DEEPSEEK_API_KEY", together = "TOGETHER_API_KEY" }

-- Where a chat can be asked again by hand: the dialect that curl's line is written in, for what has
-- nothing but texts.
local function end_of(said)
  if type(said.endpoint) ~= "string" or not said.endpoint:find "/chat/completions"
    or said.turn or #said.endpoint > 500 then
    return nil
  end
  return { plain.line(said.endpoint:match "(https?://%S+)" or said.endpoint),
    KEYS[(said.model or ""):match "^[^/]+"] or "API_KEY" }
end

local function call_texts(said, put)
  local list, bytes = setmetatable({}, core.array), 0
  local function add(role, text)
    local at, fresh = put(text)
    list[#list + 1] = setmetatable({ plain.name(role), at }, core.array)
    bytes = bytes + (fresh and #text or 0) + 24
  end
  for _, one in ipairs(said.messages) do add(one.role, one.content) end
  if said.thinking then add("thought before", said.thinking) end
  if said.media and said.reply then
    add("reply", ("[%s, %d bytes]"):format(said.media, #said.reply))
  elseif said.reply then
    add("reply", said.reply)
  end
  return list, end_of(said), bytes
end

--- A call as the script takes it: its role and model by name.
---@param call table of reading.calls
---@param said table|nil of reading.call: what it asked and got
---@return table
function call_list.row(call, said)
  return setmetatable({ call.id, plain.name(call.role), plain.name(call.model or "?"),
    call.input or 0, call.output or 0, call.unpriced ~= 1 and call.micros or core.null,
    call.latency_us or core.null, plain.name(purpose_words(call, said)),
    plain.name(call.finish_reason or "") }, core.array)
end

local function section(run, known, more)
  return html.all { tag("h2", { id = "calls", "Calls" }),
    tag("div", { class = "js-only", tag("input", { type = "search", id = "call-filter",
      ["aria-label"] = "show calls with these words",
      placeholder = "role, model, step, example …" }), tag("div", { id = "call-list" }) }),
    tag("noscript", { tag("p", { ("%d calls: lunagrad show %s --call N shows one."):format(known,
      plain.name(run.name)) }) }), data.block("call-data", more) }
end

--- Of a served page: the script asks for them, a page at a time.
---@param run lunagrad.reading
---@param at string
function call_list.served(run, at)
  if #run.ledger == 0 then return "" end
  local function list() return setmetatable({}, core.array) end
  return section(run, run.total.bought, { run = plain.name(run.name), calls = list(),
    texts = list(),    roles = list(), models = list(), ends = list(), more = at, last = 0 })
end

-- Rows, and in them numbers for what many have in common.
local function packed(handle, list, most, room)
  local roles, role = data.pool()
  local models, model = data.pool()
  local texts, put = data.pool()
  local rows, ends, spent, end_number = setmetatable({}, core.array),
    setmetatable({}, core.array), 0, {}
  for i = 1, math.min(#list, most) do
    local one = list[i]
    local said = spent < room - CALL * math.min(#list, most) and reading.call(handle, one.id)
    local row = call_list.row(one, said)
    row[2], row[3] = role(row[2]), model(row[3])
    if said then
      local texts_of, where, bytes = call_texts(said, put)
      row[10], spent = texts_of, spent + bytes + 60
      local key = where and where[1] .. where[2]
      if key and not end_number[key] then
        ends[#ends + 1] = setmetatable(where, core.array)
        end_number[key] = #ends
      end
      row[11] = key and end_number[key] or nil
    end
    rows[i] = row
  end
  return { calls = rows, texts = texts, roles = roles, models = models, ends = ends }
end

--- Of a report: as many as there is room for.
---@param handle table
---@param run lunagrad.reading
---@param room integer bytes
function call_list.all(handle, run, room)
  local most = math.max(LEAST_CALLS, math.min(MOST_CALLS, room // CALL))
  local list = reading.calls(handle, run.where, 0, most)
  if #list == 0 then return "" end
  local all = #list < most and #list or handle.one(queries.count_calls(run.where)).n
  local more = packed(handle, list, most, room)
  more.run = plain.name(run.name)
  local parts = { section(run, all, more) }
  if all > #list then
    parts[2] = tag("p", { class = "soft small", ("%d more are in lunagrad export %s."):format(
      all - #list, plain.name(run.name)) })
  end
  return html.all(parts)
end

return call_list
