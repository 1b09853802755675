--- The model replay/FILE: answers from a recorded run, and from nothing else.
--
-- FILE is what `lunagrad export RUN --format jsonl` wrote; only its lines of the type "call"
-- count. A request is found by its messages, sample and options; options that the recording has
-- beyond the request's are those of the recorded model and are passed over. A request that is not
-- there fails, and the message shows how it differs from the nearest one. Users' offline tests are
-- made with it. `FILE#MODEL` takes the calls of one model alone.
--
-- Pictures and sounds in a request are told by their SHA-256: a recording does not hold them, but
-- it holds those that models made. A turn that calls tools is its words and calls, however its
-- provider wrote it.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

local replay = {}

-- ---- reading ---------------------------------------------------------------------------

local function fail(message, hint, kind)
  errors.raise(kind or "notfound", "replay: " .. message, hint, 0)
end

local function lines_of(path)
  local file, message = require("lunagrad.file").open(path)
  if not file then
    fail(message, "make one with: lunagrad export RUN --format jsonl -o FILE")
  end
  local text = file:read "a"
  file:close()
  if not text then fail(("%s cannot be read"):format(path)) end
  return text:gmatch "[^\n]+"
end

local TURN = "application/vnd.lunagrad.turn+json"

-- What a recorded call answers: a text, a turn or bytes, and of what type. nil: it cannot be used.
local function take_answer(row)
  if type(row.media) ~= "string" then row.media = nil end
  local is_bytes = row.media ~= nil and row.media ~= TURN
  row.answer = is_bytes and type(row.data) == "string" and core.unbase64(row.data)
    or not is_bytes and row.text or nil
  return type(row.answer) == "string"
end

local function is_call(row)
  return row.type == "call" and type(row.request) == "table"
    and type(row.request.messages) == "table" and take_answer(row)
end

--- The calls of a recording.
---@param path string
---@param model string|nil of this model alone
---@return table calls
function replay.read(path, model)
  local calls, number = {}, 0
  for line in lines_of(path) do
    number = number + 1
    local row, problem = core.json_decode(line)
    if type(row) ~= "table" then
      fail(("%s:%d: %s"):format(path, number, problem or "no object"),
        "each line must be a JSON object, as lunagrad export --format jsonl writes it")
    end
    if is_call(row) and (not model or row.model == model) then
      row.number = number
      calls[#calls + 1] = row
    end
  end
  if #calls == 0 then
    fail(("%s holds no call%s"):format(path, model and (" of the model " .. model) or ""),
      "make one with: lunagrad export RUN --format jsonl -o FILE")
  end
  return calls
end

-- ---- finding ---------------------------------------------------------------------------

-- The words and calls of a turn, in one way of writing them.
local function turn_words(content)
  local turn = core.json_decode(content, "number")
  if type(turn) ~= "table" then return content end
  return core.json_encode { text = turn.text, calls = turn.calls }
end

-- A message's content as a text that can be compared, also of a request that is asked now.
local function content_of(message)
  local content, media = message.content, message.media
  if media == TURN and type(content) == "string" then return turn_words(content) end
  if not media or media:find "url$" then
    return type(content) == "string" and content or core.json_encode(content)
  end
  local digest, bytes = message.digest, message.bytes
  if not digest and type(content) == "string" then
    digest, bytes = core.sha256(content), #content
  end
  return ("[%s, %d bytes, sha256 %s]"):format(media, bytes or 0, digest or "?")
end

local function messages_key(messages, sample)
  local parts = { tostring(sample or 0) }
  for _, message in ipairs(messages) do
    local content = content_of(message)
    parts[#parts + 1] = ("%s %d %s"):format(message.role, #content, content)
  end
  return core.sha256(table.concat(parts, "\0"))
end

local function index_of(calls)
  local index = {}
  for _, call in ipairs(calls) do
    local key = messages_key(call.request.messages, call.request.sample)
    local list = index[key]
    if list then list[#list + 1] = call else index[key] = { call } end
  end
  return index
end

local function same(a, b)
  if type(a) ~= type(b) then return false end
  if type(a) == "table" then return core.json_encode(a) == core.json_encode(b) end
  return a == b
end

-- Names of options that the request sets otherwise than the recording.
local function other_options(options, recorded)
  local names = {}
  for name, value in pairs(options) do
    if not same(value, recorded[name]) then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function one_answer(found, path)
  for i = 2, #found do
    if found[i].answer ~= found[1].answer or found[i].media ~= found[1].media then
      fail(("%s holds two answers to this request: line %d (%s) and line %d (%s)"):format(path,
        found[1].number, tostring(found[1].model), found[i].number, tostring(found[i].model)),
        ("choose one recorded model: replay/%s#%s"):format(path, tostring(found[1].model)), "store")
    end
  end
  return found[1]
end

local function matching(list, options)
  local found = {}
  for _, call in ipairs(list or {}) do
    if #other_options(options, call.request.options or {}) == 0 then found[#found + 1] = call end
  end
  return found
end

-- ---- the nearest ----------------------------------------------------------------------

local SHOWN = 12      -- lines of a difference
local WIDEST = 160    -- bytes of such a line

local function text_lines(messages)
  local lines = {}
  for _, message in ipairs(messages) do
    lines[#lines + 1] = "[" .. message.role .. "]"
    for line in (content_of(message) .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  end
  return lines
end

local function common(a, b)
  local first, last = 0, 0
  while first < math.min(#a, #b) and a[first + 1] == b[first + 1] do first = first + 1 end
  while last < math.min(#a, #b) - first and a[#a - last] == b[#b - last] do last = last + 1 end
  return first, last
end

-- How many lines two requests share: each line once, wherever it is.
local function shared(counts, lines)
  local left, n = {}, 0
  for _, line in ipairs(lines) do
    local have = (left[line] or counts[line] or 0)
    if have > 0 then n = n + 1 end
    left[line] = have - 1
  end
  return n
end

local function nearest(calls, messages)
  local wanted, counts = text_lines(messages), {}
  for _, line in ipairs(wanted) do counts[line] = (counts[line] or 0) + 1 end
  local best, most
  for _, call in ipairs(calls) do
    local lines = text_lines(call.request.messages)
    local score = 2 * shared(counts, lines) / (#lines + #wanted)
    if not most or score > most then best, most = call, score end
  end
  return best, wanted
end

local function cut(line)
  if #line <= WIDEST then return line end
  local at = WIDEST
  while at > 0 and line:find("^[\x80-\xBF]", at + 1) do at = at - 1 end
  return line:sub(1, at) .. "…"
end

local function side(out, lines, mark, first, last)
  local shown = 0
  for i = first + 1, #lines - last do
    shown = shown + 1
    if shown > SHOWN then
      out[#out + 1] = ("    %s … and %d more lines"):format(mark, #lines - last - i + 1)
      return
    end
    out[#out + 1] = ("    %s %s"):format(mark, cut(lines[i]))
  end
end

--- How a request differs from a recorded call, as lines: "-" recorded, "+" asked.
---@param call table
---@param wanted string[] lines of the request
---@param request table {options, sample}
---@return string[]
function replay.difference(call, wanted, request)
  local out = {}
  local recorded = text_lines(call.request.messages)
  local first, last = common(recorded, wanted)
  if first > 0 and first < math.max(#recorded, #wanted) then
    out[1] = "      " .. cut(wanted[first])
  end
  side(out, recorded, "-", first, last)
  side(out, wanted, "+", first, last)
  local have = call.request.options or {}
  for _, name in ipairs(other_options(request.options, have)) do
    out[#out + 1] = ("    - %s: %s"):format(name, have[name] == nil and "not set"
      or core.json_encode(have[name]))
    out[#out + 1] = ("    + %s: %s"):format(name, core.json_encode(request.options[name]))
  end
  if (call.request.sample or 0) ~= (request.sample or 0) then
    out[#out + 1] = ("    - sample %d"):format(call.request.sample or 0)
    out[#out + 1] = ("    + sample %d"):format(request.sample or 0)
  end
  return out
end

-- Of the kind "store": no loop may count it as one row's failure and go on. The message is one
-- line, as all of them; the whole difference is kept for the command.
local function not_recorded(calls, path, request)
  local call, wanted = nearest(calls, request.messages)
  local lines = replay.difference(call, wanted, request)
  if not replay.missing then
    replay.missing = { ("  the nearest is line %d of %s (- recorded, + asked):"):format(call.number,
      path), table.unpack(lines) }
  end
  local first = {}
  for _, line in ipairs(lines) do
    local mark, text = line:match "^    ([+-]) (.*)$"
    if mark and not first[mark] then first[mark] = text end
  end
  fail(("a request is not in %s; the nearest is line %d, which has '%s' where '%s' was asked")
    :format(path, call.number, first["-"] or "nothing more", first["+"] or "nothing more"),
    "record the run again after the script or its data changed", "store")
end

-- ---- the model -------------------------------------------------------------------------

-- Options that reach a host's model are JSON texts; a recording has values.
local function options_of(raw)
  local values = {}
  for name, json in pairs(raw.options or {}) do values[name] = core.json_decode(json) end
  return values
end

local opened = {}

--- A function(request) that answers from a recording: what model.lua makes a model of.
---@param spec string "FILE" or "FILE#MODEL"
---@return function
function replay.open(spec)
  local path, model = spec, nil
  if not require("lunagrad.file").stat(spec) then path, model = spec:match "^(.+)#([^#]+)$" end
  path = path or spec
  local known = opened[spec]
  if not known then
    local calls = replay.read(path, model)
    known = { calls = calls, index = index_of(calls) }
    opened[spec] = known
  end
  return function(raw)
    local request = { messages = raw.messages, sample = raw.sample, options = options_of(raw) }
    local found = matching(known.index[messages_key(request.messages, request.sample)],
      request.options)
    if #found == 0 then not_recorded(known.calls, path, request) end
    local call = one_answer(found, path)
    return { text = call.answer, media = call.media, finish_reason = call.finish_reason,
      usage = call.usage }
  end
end

return replay
