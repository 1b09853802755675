-- live.lua - lunagrad against a running aimock: live.lua ADDRESS
--
-- Every question of aimock/fixtures.json, in every dialect that lunagrad speaks: a text must
-- arrive as it was meant, an error as an error. Prints what tests/run.sh counts.

local lg = require "lunagrad"
local address = arg[1]

-- A dialect: its name here, lunagrad's model, and where aimock serves it.
local DIALECTS = {
  { "openai", "openai/gpt-4o-mini", address .. "/v1" },
}

-- Which kind of error some of the fixtures are; of the others only the status is checked.
local KINDS = {
  ["401"] = "auth", ["429"] = "rate", quota = "money", filter = "refused",
  ["chaos ratelimit"] = "rate", context = "context",
}
local CHAOS = { dropRate = 500, rateLimitRate = 429, malformedRate = 200, disconnectRate = 0 }

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return assert(lg.json.decode(text))
end

-- The status of a fixture's answer; 200 with `bad` is an answer that is none.
local function expected_status(fixture)
  for name, status in pairs(CHAOS) do
    if fixture.chaos and fixture.chaos[name] then return status, true end
  end
  return fixture.response.status or 200, false
end

local function problem_of(failure, name, status)
  if not failure then return "an answer, where an error was meant" end
  if (failure.http_status or 0) ~= status then
    return ("status %s, not %d"):format(failure.http_status, status)
  end
  if KINDS[name] and failure.kind ~= KINDS[name] then
    return ("error %s, not %s"):format(failure.kind, KINDS[name])
  end
end

-- nil, or what is wrong with the answer to a fixture's question.
local function check(fixture, name, answer)
  local response = fixture.response
  local ok, text = pcall(tostring, answer)
  local failure = answer:error()
  local status, bad = expected_status(fixture)
  local only_tools = response.toolCalls and not response.content
  if status ~= 200 or bad or only_tools or KINDS[name] then
    return problem_of(failure, name, status)
  end
  if failure then return tostring(failure) end
  if not ok or text ~= response.content then return ("%q"):format(text) end
  local finish = response.finishReason or response.toolCalls and "tool_calls" or "stop"
  local given = answer:finish_reason()
  if given ~= finish then return ("finish %s, not %s"):format(given, finish) end
  local usage = response.usage
  if usage and answer:usage().input ~= usage.prompt_tokens then return "tokens are miscounted" end
end

local function run(name, model_name, base)
  local model = lg.model { model_name, base_url = base, api_key = "k" }
  local asked, count = {}, 0
  for _, fixture in ipairs(read "tests/oracle/aimock/fixtures.json".fixtures) do
    local text = fixture.match.userMessage
    if text and not fixture.match.endpoint then
      asked[#asked + 1] = { fixture, text:match "^case (.*)%.$", model(text) }
    end
  end
  local bad = {}
  for _, row in ipairs(asked) do
    count = count + 1
    local problem = check(row[1], row[2], row[3])
    if problem then bad[#bad + 1] = ("  case %s: %s"):format(row[2], problem) end
  end
  if #bad == 0 and count > 0 then
    print(("[ORACLE] live %s, %d answers: ok"):format(name, count))
  else
    print(("[ORACLE] live %s: FAILED"):format(name))
    print(table.concat(bad, "\n"))
  end
  return #bad == 0
end

-- All at once: a refused key is not tried again by those who are still in line.
lg.configure { max_attempts = 1, store = false, concurrency = 100 }
local good = true
for _, row in ipairs(DIALECTS) do good = run(table.unpack(row)) and good end
os.exit(good)
