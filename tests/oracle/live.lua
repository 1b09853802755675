-- live.lua - lunagrad against a running aimock: live.lua ADDRESS plain|faults
--
-- Every question of aimock/fixtures.json, in every dialect that lunagrad speaks, whole and
-- streamed: a text must arrive as it was meant, an error as an error, and what was cut must
-- not be a text. With `faults` aimock drops, garbles, cuts off or turns away three requests
-- in ten, and the answers must be the same. Prints what tests/run.sh counts.

local lg = require "lunagrad"
local address, mode = arg[1], arg[2]

-- A dialect: its name here, lunagrad's model, where aimock serves it, quirks.
local DIALECTS = {
  { "openai", "openai/gpt-4o-mini", address .. "/v1" },
  { "responses", "responses/gpt-5.6-terra", address .. "/v1" },
  { "anthropic", "anthropic/claude-sonnet-5-5", address },
  { "anthropic-2023-06-01", "anthropic/claude-sonnet-4", address, "old_version" },
  { "gemini", "gemini/gemini-3-pro", address .. "/v1beta" },
  { "ollama", "ollama/llama3.2", address },
  { "azure", "azure/my-deployment", address .. "?api-version=2024-10-21" },
}

-- Gemini's are missing: aimock knows only the embedding of one text, lunagrad asks for lists.
local EMBEDDINGS = {
  { "openai-embed", "openai-embed/e", address .. "/v1" },
  { "azure-embed", "azure-embed/e", address .. "?api-version=2024-10-21" },
  { "ollama-embed", "ollama-embed/e", address },
}

-- Which kind of error some of the fixtures are; of the others only the status is checked.
local KINDS = {
  ["401"] = "auth", ["403"] = "auth", ["404"] = "nomodel", ["429"] = "rate", quota = "money",
  ["500"] = "overload", ["503"] = "overload", ["529"] = "overload", filter = "refused",
  ["chaos ratelimit"] = "rate", ["chaos drop"] = "overload", context = "context",
}
local CHAOS = { dropRate = 500, rateLimitRate = 429, malformedRate = 200, disconnectRate = 0 }

-- Where aimock is not the server it imitates; the README has the list.
local ODD_KINDS = { responses = { filter = "overload" } } -- status failed, no reason
local ALWAYS_STOP = { ollama = true }                     -- whatever made it end
local WHOLE_CALLS = { gemini = true, ollama = true }      -- never cut: they come in one piece
local NO_COUNTS = { ollama = true }

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return assert(lg.json.decode(text))
end

-- What a fixture's answer is to be: { text, finish } or { status, kind }; kind may be nil.
local function expected(fixture, name, dialect, streamed)
  local response = fixture.response
  local kind = (ODD_KINDS[dialect] or {})[name] or KINDS[name]
  local finish = response.finishReason or response.toolCalls and "tool_calls" or "stop"
  local cut = fixture.truncateAfterChunks or fixture.disconnectAfterMs
  for chaos, status in pairs(CHAOS) do
    if fixture.chaos and fixture.chaos[chaos] then return { status = status, kind = kind } end
  end
  if response.status then return { status = response.status, kind = kind } end
  if finish == "content_filter" and ALWAYS_STOP[dialect] then
    return { status = 200, kind = "empty" } -- told to have ended well, without a word
  end
  if kind then return { status = 200, kind = kind } end
  if cut and streamed and not (response.toolCalls and WHOLE_CALLS[dialect]) then
    return { cut = true }
  end
  if response.toolCalls and not response.content then return { status = 200, kind = "badreply" } end
  if ALWAYS_STOP[dialect] and finish ~= "tool_calls" then finish = "stop" end
  return { text = response.content, finish = finish }
end

-- nil, or what is wrong with a failure.
local function problem_of(failure, want)
  if not failure then return "an answer, where an error was meant" end
  if want.cut then
    local kind = failure.kind
    return kind ~= "reset" and kind ~= "truncated" and ("cut: error %s"):format(kind) or nil
  end
  if (failure.http_status or 0) ~= want.status then
    return ("status %s, not %d (%s)"):format(failure.http_status, want.status, failure.message)
  end
  if want.kind and failure.kind ~= want.kind then
    return ("error %s, not %s"):format(failure.kind, want.kind)
  end
end

-- nil, or what is wrong with the answer to a fixture's question.
local function check(row, dialect)
  local want = expected(row.fixture, row.name, dialect, row.pieces ~= nil)
  local ok, text = pcall(tostring, row.answer)
  local failure = row.answer:error()
  if not want.text then return problem_of(failure, want) end
  if failure then return failure.message end
  if not ok or text ~= want.text then return ("%q"):format(text) end
  if row.pieces and table.concat(row.pieces) ~= text then
    return ("the pieces are %q"):format(table.concat(row.pieces))
  end
  local given = row.answer:finish_reason()
  if want.finish and given ~= want.finish then
    return ("finish %s, not %s"):format(given, want.finish)
  end
  local usage = row.fixture.response.usage
  if usage and not NO_COUNTS[dialect] and row.answer:usage().input ~= usage.prompt_tokens then
    return "tokens are miscounted"
  end
end

-- One question, whole or streamed; sample tells equal questions apart.
local function ask(model, fixture, text, streamed, sample)
  local row = { fixture = fixture, name = text:match "^case (.*)%.$" }
  local spec = { text, sample = sample }
  if streamed then
    row.pieces = {}
    function spec.stream(piece, restart)
      if restart then row.pieces = {} end
      row.pieces[#row.pieces + 1] = piece
    end
  end
  row.answer = model(spec)
  return row
end

local function report(name, rows, dialect)
  local bad = {}
  for _, row in ipairs(rows) do
    local problem = check(row, dialect)
    if problem then
      local how = row.pieces and ", streamed" or ""
      bad[#bad + 1] = ("  case %s%s: %s"):format(row.name, how, problem)
    end
  end
  if #bad == 0 and #rows > 0 then
    print(("[ORACLE] %s, %d answers: ok"):format(name, #rows))
  else
    print(("[ORACLE] %s: FAILED"):format(name))
    print(table.concat(bad, "\n"))
  end
  return #bad == 0 and #rows > 0
end

local function questions()
  local list = {}
  for _, fixture in ipairs(read "tests/oracle/aimock/fixtures.json".fixtures) do
    local text = fixture.match.userMessage
    if text and not fixture.match.endpoint then list[#list + 1] = { fixture, text } end
  end
  return list
end

local function make(row, headers, key)
  return lg.model { row[2], base_url = row[3], api_key = key or "k", quirks = row[4],
    headers = headers, memo = false }
end

-- Refusals that hold for every call: they also fail, unsent, what is still in line for that
-- address, key and model.
local FOR_ALL = { auth = true, nomodel = true, money = true }

-- Every question, all at once; those that end in a refusal for all with keys of their own.
local function ask_all(row)
  local model, asked = make(row), {}
  for _, question in ipairs(questions()) do
    local fixture, text = table.unpack(question)
    local kind = expected(fixture, text:match "^case (.*)%.$", row[1]).kind
    for sample, streamed in ipairs { false, true } do
      local own = FOR_ALL[kind] and make(row, nil, ("%s-%d"):format(row[1], #asked))
      asked[#asked + 1] = ask(own or model, fixture, text, streamed, sample)
    end
  end
  return asked
end

local function run_embeddings(row)
  local answer = make(row) "case embed."
  local failure = answer:error()
  local good = not failure and tostring(answer) == "[[0.25,-0.5,1,0]]"
  print(("[ORACLE] live %s: %s"):format(row[1], good and "ok" or "FAILED"))
  if not good then print("  " .. (failure and failure.message or tostring(answer))) end
  return good
end

-- Whole texts, asked again and again while aimock makes faults of every kind.
local FAULTS = { "drop", "malformed", "disconnect", "ratelimit" }

local function ask_with_faults(row)
  local asked = {}
  for _, fault in ipairs(FAULTS) do
    local model = make(row, { ["x-aimock-chaos-" .. fault] = "0.3" })
    for _, question in ipairs(questions()) do
      local want = expected(question[1], question[2]:match "^case (.*)%.$", row[1], true)
      if want.text then
        asked[#asked + 1] = ask(model, question[1], question[2], false, 1)
        asked[#asked + 1] = ask(model, question[1], question[2], true, 2)
      end
    end
  end
  return asked
end

local faults = mode == "faults"
-- Back-off passes on the virtual clock; what is on the wire takes its own time.
lg.configure { max_attempts = not faults and 1 or nil, store = false, concurrency = 200,
  virtual_clock = true }
local good, asked = true, {}
for i, row in ipairs(DIALECTS) do asked[i] = faults and ask_with_faults(row) or ask_all(row) end
for i, row in ipairs(DIALECTS) do
  local name = (faults and "faults %s" or "live %s"):format(row[1])
  good = report(name, asked[i], row[1]) and good
end
for _, row in ipairs(faults and {} or EMBEDDINGS) do good = run_embeddings(row) and good end
os.exit(good)
