-- check.lua - what a killed run left: check.lua STORE JOURNAL WHOLE_JOURNAL
--
-- From the store: no reply is asked for again once it is stored, every reply had its
-- intent. From the mock's journal: it saw nothing without an intent, and what it
-- answered more often than for a run that nobody killed is in the list of ambiguous
-- calls. Calls are told apart by their messages: a body says no sample.

local core = require "lunagrad.core"
local json = require("lunagrad").json
local dir, journal_path, whole_path = arg[1], arg[2], arg[3]
local failures = 0

local function check(good, text, ...)
  if good then return end
  failures = failures + 1
  if failures <= 10 then io.stderr:write("kill: ", text:format(...), "\n") end
end

local function messages_of(body) return json.encode(json.decode(body).messages) end

-- How often the mock got each request.
local function posts(path)
  local counts, all = {}, 0
  for line in io.lines(path) do
    local row = json.decode(line)
    if row.path == "/v1/chat/completions" then
      local key = messages_of(row.body)
      counts[key] = (counts[key] or 0) + 1
      all = all + 1
    end
  end
  return counts, all
end

local db = core.store_open(dir)
check(db:query("PRAGMA integrity_check")[1].integrity_check == "ok", "the database is damaged")

-- Intents by key, in order of time.
local intents, n_intents = {}, 0
for _, row in ipairs(db:query "SELECT id, created_us, packed FROM intent ORDER BY id") do
  for at = 1, #row.packed, 44 do
    local key = row.packed:sub(at, at + 31)
    intents[key] = intents[key] or {}
    table.insert(intents[key], row.created_us)
    n_intents = n_intents + 1
  end
end

local replies, by_messages = 0, {}
for _, row in ipairs(db:query "SELECT key, created_us, request FROM reply") do
  replies = replies + 1
  local times = intents[row.key] or {}
  check(#times >= 1, "a reply without an intent")
  check(#times == 0 or times[#times] <= row.created_us, "a stored reply was asked for again")
  by_messages[row.key] = messages_of(row.request)
end

local listed, n_listed = {}, 0
for _, run in ipairs(db:query "SELECT id, state FROM run") do
  for _, call in ipairs(db:ambiguous(run.id)) do
    local key = call.key:gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)
    local messages = by_messages[key]
    check(messages, "an ambiguous call was never answered, though the run has ended")
    listed[messages or ""] = (listed[messages or ""] or 0) + 1
    n_listed = n_listed + 1
  end
end

local got, n_got = posts(journal_path)
local whole, n_whole = posts(whole_path)
for messages, n in pairs(got) do
  local more = n - (whole[messages] or 0)
  check(more <= (listed[messages] or 0), "%d more answers than were listed as ambiguous: %s",
    more - (listed[messages] or 0), messages:sub(1, 120))
end
check(replies == n_whole, "%d replies are stored, not %d", replies, n_whole)
check(n_got <= n_intents, "%d requests, %d intents", n_got, n_intents)
db:close()
if failures > 0 then os.exit(1) end
io.stderr:write(("kill: %d requests for %d replies, %d ambiguous\n"):format(n_got, n_whole,
  n_listed))
