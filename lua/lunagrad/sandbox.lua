--- lg.sandbox: Lua code that nobody has looked at, run where it can do nothing but compute.
--
-- A candidate is a text. It runs in a worker process of the engine, in a fresh Lua state with few
-- libraries and within limits; how it ended is a value, not an error. Here: what scripts give and
-- get. What contains it is lua/worker/ and engine/child/.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local var = require "lunagrad.var"

local sandbox = {}

local Box = {}
Box.__index = Box
Box.__name = "lunagrad.sandbox"

local SPEC = {
  memory = { type = "integer|string", default = "16M" },
  instructions = { type = "number", default = 5e7 }, timeout = { type = "number", default = 5 },
  output_limit = { type = "integer|string", default = "64K" }, workers = "integer?",
  fresh = { type = "boolean", default = false },
}

local LIMITS = { -- what may be given, and in words
  memory = { 64 * 1024, 1 << 30, "from 64K to 1G" },
  output_limit = { 1, 4 << 20, "up to 4M" },
  instructions = { 1, 1e15, "a number of instructions, such as 5e7" },
  timeout = { 0.001, 86400, "a number of seconds" },
  workers = { 1, 1024, "from 1 to 1024" },
}

local UNITS = { [""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30 }

-- "16M" is 16777216.
local function bytes(value)
  if type(value) ~= "string" then return value end
  local number, unit = value:upper():match "^%s*(%d+%.?%d*)%s*([KMG]?)I?B?%s*$"
  return number and math.floor(tonumber(number) * UNITS[unit])
end

local function limit(opts, name)
  local given, rule = opts[name], LIMITS[name]
  local value = given
  if name == "memory" or name == "output_limit" then value = bytes(given) end
  if given ~= nil and not (value and value >= rule[1] and value <= rule[2]) then
    errors.refuse(name, ("lg.sandbox: %s must be %s, got %s"):format(name, rule[3],
      type(given) == "string" and errors.quoted(given) or tostring(given)), nil, 3)
  end
  return value
end

local function whole(x) return x and math.floor(x) end

---@class lunagrad.sandbox
--- Limits for Lua candidates: box:run and box:check.

--- Where Lua candidates run: `local box = lg.sandbox{ memory = "16M", instructions = 5e7 }`.
---
--- A candidate finds string, table, math, utf8, coroutine and the basic functions; neither files
--- nor other programs, neither the time nor chance from outside. memory and output_limit are bytes
--- or texts such as "64K"; timeout is seconds of the processor's time; workers run at once (one a
--- processor); fresh gives each candidate a process of its own, for 1 ms more.
---@param opts? table {memory = "16M", instructions = 5e7, timeout = 5, output_limit = "64K",
--- workers =, fresh = false}
---@return lunagrad.sandbox
local function new(opts)
  opts = options.check(opts, SPEC, "lg.sandbox", 2)
  local timeout = limit(opts, "timeout")
  return setmetatable({ core = core.sandbox(loop.engine(), {
    memory = limit(opts, "memory"), output_limit = limit(opts, "output_limit"),
    instructions = whole(limit(opts, "instructions")), workers = limit(opts, "workers"),
    timeout_ms = timeout and math.ceil(timeout * 1000), fresh = opts.fresh }) }, Box)
end

-- ---- values ----------------------------------------------------------------------

local SPECIAL = "\1" -- the one key of a number that JSON has not
local NUMBERS = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }

-- Numbers that JSON has not, in place of what stood for them.
local function with_numbers(value)
  if type(value) ~= "table" then return value end
  local number = NUMBERS[value[SPECIAL]]
  if number and next(value, next(value)) == nil then return number end
  for key, inner in pairs(value) do value[key] = with_numbers(inner) end
  return value
end

local function without_null(value)
  if value == core.null then return nil end
  return value
end

-- The list of all values, with holes where they are nil, and n.
local function values_of(reply)
  local values = { n = #reply.values }
  for i, value in ipairs(reply.values) do
    if reply.special then value = with_numbers(value) end
    values[i] = without_null(value)
  end
  return values
end

local function result_of(text)
  local reply = core.json_decode(text)
  if type(reply) ~= "table" or type(reply.ok) ~= "boolean" then -- a worker that was taken over
    return { ok = false, kind = "crash", message = "its process gave an answer that is none",
      output = "" }
  end
  if reply.ok then reply.values, reply.special = values_of(reply), nil end
  return reply
end

-- ---- run --------------------------------------------------------------------------

local RUN = { call = "string?", args = "table?", name = { type = "string",
  default = "candidate" } }

local function source_of(source, where)
  if var.is(source) then return source:text() end
  if type(source) ~= "string" then
    errors.refuse("source", ("%s: the source must be a text or a variable, got %s")
      :format(where, type(source)), nil, 4)
  end
  return source
end

-- Arguments are a list that may have holes: args.n, or the largest key.
local function encode(args, where)
  if not args then return nil end
  local list = {}
  for i = 1, args.n or options.length(args) do
    list[i] = args[i] == nil and core.null or args[i]
  end
  local ok, text = pcall(core.json_encode, setmetatable(list, core.array))
  if not ok then
    errors.refuse("args", ("%s: args must be values of JSON: %s"):format(where,
      type(text) == "table" and text.message or tostring(text)), nil, 4)
  end
  return text
end

local function run(box, source, opts, where)
  local v = core.sandbox_run(loop.engine(), box.core, opts.name,
    source_of(source, where), opts.call, encode(opts.args, where))
  return result_of(loop.await(loop.own(v)):raw_text())
end

---@class lunagrad.sandboxed
---@field ok boolean
---@field values table|nil what the call, or else the chunk, returned: values[1] … values[values.n]
---@field kind "syntax"|"error"|"memory"|"instructions"|"time"|"output"|"crash"|nil how it failed
---@field message string|nil in one line
---@field line integer|nil of the candidate, where it is known
---@field output string what print wrote
---@field instructions integer|nil steps of Lua's machine, by hundreds
---@field memory integer|nil the most bytes that its state had

--- Run a candidate; inside a task it waits, so that lg.map runs hundreds at once.
---
--- The chunk is run; with call the function of that name is called then: a global, or a field of
--- the table that the chunk returns ("M.solve" goes into tables). args are its arguments, values of
--- JSON. The candidate's state is its own, and gone afterwards. The same candidate gives the same
--- result, in the order of pairs too; only a limit of time is no exact one.
---@param source string|Var the code, as text
---@param opts? table {call = "solve", args = {…}, name = "candidate" for messages}
---@return lunagrad.sandboxed
function Box:run(source, opts)
  opts = options.check(opts, RUN, "box:run", 2)
  return run(self, source, opts, "box:run")
end

-- ---- check --------------------------------------------------------------------------

local TEST = { call = "string?", args = "table?", expect = "any", close = "number?",
  check = "callable?", name = "string?" }

local function near(a, b, close)
  if a ~= a and b ~= b then return true end
  if not close or a == b then return a == b end
  return math.abs(a - b) <= close * math.max(1, math.abs(a), math.abs(b))
end

-- Whether a value is what was expected: tables by what is in them. Keys that are numbers have come
-- as texts where they make no list.
local function same(got, wanted, close)
  if type(wanted) == "number" and type(got) == "number" then return near(got, wanted, close) end
  if type(wanted) ~= "table" or type(got) ~= "table" then return got == wanted end
  local left = 0
  for _ in pairs(got) do left = left + 1 end
  for key, value in pairs(wanted) do
    local other = got[key]
    if other == nil and type(key) == "number" then other = got[core.number_text(key)] end
    if not same(other, value, close) then return false end
    left = left - 1
  end
  return left == 0
end

local function passes(test, r)
  if not r.ok then return false end
  if test.check then return test.check(table.unpack(r.values, 1, r.values.n)) == true end
  return test.expect == nil or same(r.values[1], test.expect, test.close)
end

local function run_test(box, source, test)
  local asked = { call = test.call, args = test.args, name = test.name or RUN.name.default }
  local r = run(box, source, asked, "box:check")
  return { ok = passes(test, r), got = r.ok and r.values[1] or nil, result = r,
    expect = test.expect, call = test.call, args = test.args, name = test.name,
    kind = r.kind, message = r.message, line = r.line }
end

---@class lunagrad.checked
---@field passed integer
---@field total integer
---@field tests table[] of each { ok, got, expect, call, args, name, kind, message, line, result }

--- Run a candidate's tests, each in a fresh state, all at once.
---
--- A test calls a function with arguments and says what its first result must be: equal, tables by
--- what is in them, numbers within `close` where that is given (relative, beyond 1 in size). With
--- `check` instead, a function of yours gets the results and returns true; with neither, to end
--- without an error passes.
---@param source string|Var
---@param tests table[] of each { call =, args =, expect =, close =, check =, name = }
---@return lunagrad.checked
function Box:check(source, tests)
  options.check({ [1] = tests }, { [1] = { type = "table", required = true } }, "box:check", 2)
  for i, test in ipairs(tests) do
    options.check(test, TEST, ("box:check: test %d"):format(i), 2)
  end
  source = source_of(source, "box:check")
  local results = loop.map(tests, function(test) return run_test(self, source, test) end,
    { example = false })
  local passed = 0
  for _, one in ipairs(results) do passed = passed + (one.ok and 1 or 0) end
  return { passed = passed, total = #results, tests = results }
end

--- What this machine contains programs and candidates with: { abi, seccomp, problem, … }.
---@return table
function sandbox.holds() return require("lunagrad.containment").holds() end

return setmetatable(sandbox, { __call = function(_, opts) return new(opts) end })
