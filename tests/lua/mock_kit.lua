-- mock_kit.lua - sends requests to a mock server over HTTP, many in one go; for test_mock_*.lua

local command = require "command"
local lg = require "lunagrad"

local kit = {}

local JSON = "Content-Type: application/json"

kit.headers = {
  openai = { JSON, "Authorization: Bearer k" },
  azure = { JSON, "api-key: k" },
  anthropic = { JSON, "x-api-key: k", "anthropic-version: 2026-10-21" },
  anthropic_old = { JSON, "x-api-key: k", "anthropic-version: 2023-06-01" },
  gemini = { JSON, "x-goog-api-key: k" },
  ollama = { JSON },
}

kit.QUESTION = "I have two apples, a pear and three plums. How many fruits do I have?"
-- 3 × 2 pixels
kit.PNG = "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR4nGP4"
  .. "z8AAQQxwFgBB0gX7h/C5SAAAAABJRU5ErkJggg=="

-- A request: { path, headers (a list, or a name in kit.headers), body (text or table), method }
local function section(request, i, at)
  local lines = { 'url = "URL' .. request.path .. '"', "globoff",
    ('output = "%s.%d"'):format(at, i), ('dump-header = "%s.%d.h"'):format(at, i),
    'write-out = "%{http_code} %{exitcode}\\n"', "max-time = 10", "silent" }
  local headers = request.headers or "openai"
  for _, header in ipairs(kit.headers[headers] or headers) do
    lines[#lines + 1] = ("header = %q"):format(header)
  end
  if request.method then lines[#lines + 1] = "request = " .. request.method end
  if request.body then
    local text = type(request.body) == "table" and lg.json.encode(request.body) or request.body
    local file = command.write(text)
    lines[#lines + 1] = ('data-binary = "@%s"'):format(file)
  end
  return table.concat(lines, "\n")
end

local function headers_of(text)
  local headers = {}
  for name, value in text:gmatch("([%w-]+): ([^\r\n]*)") do headers[name:lower()] = value end
  return headers
end

--- Sends the requests one after the other; returns a list of { status, code (curl's), headers,
--- body, json }, and the server's journal.
function kit.send(options, requests)
  local at, sections = command.temp(), {}
  for i, request in ipairs(requests) do
    sections[i] = section(request, i, at)
    command.temp()
  end
  local config = command.write(table.concat(sections, "\nnext\n"))
  local got = command.with_mock(options,
    ("root=${url%%/v1}; sed -i \"s,URL,$root,\" %s; curl -K %s; :"):format(config, config))
  local replies = {}
  for status, code in got.out:gmatch("(%d+) (%d+)\n") do
    local i = #replies + 1
    local body = command.read(("%s.%d"):format(at, i))
    replies[i] = { status = tonumber(status), code = tonumber(code), body = body,
      headers = headers_of(command.read(("%s.%d.h"):format(at, i))), json = lg.json.decode(body) }
    os.remove(("%s.%d"):format(at, i))
    os.remove(("%s.%d.h"):format(at, i))
  end
  return replies, got.journal, got
end

--- A table with some of its fields replaced; false takes one away.
function kit.with(base, changes)
  local out = {}
  for key, value in pairs(base) do out[key] = value end
  for key, value in pairs(changes) do out[key] = value or nil end
  return out
end

--- Like kit.with, but false is a value.
function kit.set(base, key, value)
  local out = kit.with(base, {})
  out[key] = value
  return out
end

return kit
