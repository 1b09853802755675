-- fuzz_data.lua - mutates data files and reads them: lua5.4 tests/lua/fuzz_data.lua [seconds] [seed]
--
-- What must hold for any bytes: either a data set of at least one row comes
-- back, or an error object whose message names the file and a line; and no
-- input takes more than a moment. Prints the seed, so that a finding repeats.

package.path = "tests/lua/?.lua;" .. package.path
require "helper"
local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local rng = require "lunagrad.rng"

local SEEDS = {
  jsonl_text = {
    '{"question": "q", "answer": 8}\n{"question": "\\u00fc \\"x\\"", "answer": null}\n',
    '\u{feff}{"a": [1, {"b": [true, false, 1.5e-3]}], "c": ""}\r\n\r\n{"a": {}}',
    '{"deep": [[[[[[[[[[]]]]]]]]]]}\n{}\n{"x": "\\ud83d\\ude00"}',
    '[{"a": 12345678901234567890, "b": null},\n {"a": 123456789.123456789}]\n',
    '{\n "data": [{"a": 1}]\n}',
  },
  csv_text = {
    'question,answer\r\n"a, ""b""\nc",8\r\n\r\nplain,\r\n',
    '\u{feff}a,b,c\n1,2,3\n"",,""\n',
    'a\n"x"\n"y\n\n"\n',
    'sep=;\r\n"a;b";c\r\n1;"x\n;"\r\n',
    ',q|r;s,a,\n0,1|;,2,\n',
    'a\tb\r1\t2\r',
  },
  bbh_text = {
    '{"canary": "x", "examples": [\n{"input": "q", "target": "8"},\n{"input": "", "target": "9"}]}',
    '[{"input": "q", "target": 8}]',
  },
}
local KINDS = { "jsonl_text", "csv_text", "bbh_text" }
local TOKENS = {
  "\"", "\"\"", ",", "\n", "\r\n", "\r", "{", "}", "[", "]", ":", "\\", "\\u", "\0", "\xff",
  "\xc3", "null", "true", "1e999", "-", "examples", "input", "target", "\u{feff}", "\u{2028}", " ",
  "\t", ";", "|", "sep=", "\xff\xfe",
}

--- One change somewhere in the text.
local function mutate(text, r)
  local from = r:int(1, #text + 1)
  local to = math.min(#text + 1, from + r:int(0, 6))
  local kind = r:int(1, 6)
  local before = text:sub(1, from - 1)
  if kind == 1 then return before .. text:sub(to) end
  if kind == 2 then return before .. r:pick(TOKENS) .. text:sub(from) end
  if kind == 3 then return before .. string.char(r:int(0, 255)) .. text:sub(from + 1) end
  if kind == 4 then return before end
  if kind == 5 then return text .. text:sub(from) end
  return before .. r:pick(TOKENS):rep(r:int(1, 300)) .. text:sub(from)
end

local function options_for(kind, r)
  if kind ~= "csv_text" then return nil end
  return r:pick { {}, { header = false }, { separator = ";" }, { header = { "a", "b" } } }
end

local function check(kind, text, opts)
  local ok, result
  local started = os.clock()
  if kind == "csv_text" then
    ok, result = pcall(data.csv_text, text, opts, "seed")
  else
    ok, result = pcall(data[kind], text, "seed")
  end
  if os.clock() - started > 2 then return "took more than two seconds" end
  if ok then return not (data.is(result) and #result > 0) and "no data set came back" or nil end
  if not errors.is(result) then return "not an error object: " .. tostring(result) end
  if not tostring(result):find "seed:%d+: " then return "no line: " .. tostring(result) end
  return nil
end

local seconds, seed = tonumber(arg[1]) or 2, math.tointeger(tonumber(arg[2] or "1")) or 1
local r, runs, accepted, started = rng.new(seed), 0, 0, os.clock()
while os.clock() - started < seconds do
  local kind = r:pick(KINDS)
  local text = r:pick(SEEDS[kind])
  for _ = 1, r:int(1, 8) do text = mutate(text, r):sub(1, 100000) end
  local opts = options_for(kind, r)
  local problem = check(kind, text, opts)
  if problem then
    print(("fuzz_data: %s, seed %d, run %d, %s:\n%q"):format(problem, seed, runs, kind, text))
    os.exit(1)
  end
  runs = runs + 1
  if pcall(data[kind], text, kind == "csv_text" and opts or nil) then accepted = accepted + 1 end
end
print(("fuzz_data: %d texts, %d of them read, seed %d, nothing found"):format(runs, accepted, seed))
