--- api_fuzz.lua: random calls of the whole Lua API, legal and illegal, in tasks and outside.
--
-- What is called: every function of lua/meta, by the names of its parameters; the
-- methods of what they return; what they return, when it can be called. Each argument is
-- likely what the parameter wants, with something wrong in it, or something odd altogether:
-- huge numbers, tables with holes, circles, metatables that raise, values of another engine, a
-- text of 1 MB. A seed starts the module anew, with the embedded model and models that are
-- Lua functions, on a virtual clock. It must hold that
-- - nothing crashes, hangs, or leaves a coroutine in a state that breaks the next call;
-- - whatever is raised is an error object, or what an odd argument itself raised: never Lua's
--   own words ("attempt to index a nil value"), which name no function of ours.
--
-- Started by api.sh, in an empty directory: some calls write files.
--
--   lua5.4 api_fuzz.lua [--seed N] [--count N] [--seconds N] [--trace] [--counts] [--all]

local META = { "lunagrad", "lunagrad_text", "lunagrad_search", "lunagrad_task",
  "lunagrad_command" } -- of lua/meta
local ROOT = arg[0]:match "^(.*)tests/fuzz/[^/]*$" or ""
local CALLS = 100 -- of one seed
local LONGEST = 20 -- seconds that one call may take

local options = { seed = 1, count = 1 }
for i, word in ipairs(arg) do
  local name = word:match "^%-%-(%a+)$"
  if name then options[name] = tonumber(arg[i + 1]) or true end
end

local lg, core, errors, pool, stranger, params
local seed, counts, total = options.seed, {}, 0

-- ---- dice ------------------------------------------------------------------------

local function below(n) return math.random(0, n - 1) end
local function chance(percent) return below(100) < percent end
local function pick(list) return list[math.random(#list)] end

-- ---- odd arguments -----------------------------------------------------------------

local MEGABYTE = ("x"):rep(1 << 20)

local function raising(event)
  return setmetatable({}, { [event] = function() error("odd: " .. event) end })
end

local function circle()
  local t = { 1, name = "circle" }
  t.self, t[2] = t, { t }
  return t
end

local function deep()
  local t = {}
  for _ = 1, 100000 do t = { t } end
  return t
end

local function callback()
  return pick {
    function(x) return x end,
    function() end,
    function() error "odd: raised" end,
    function() error { odd = true } end,
    function() return 0 / 0 end,
    function() return "text", math.huge end,
    function() return {} end,
    function() return pick(pool) end,
    function() if coroutine.isyieldable() then coroutine.yield "odd" end return 1 end,
    function(x) return tostring(x) .. "!" end,
  }
end

local ODD = {
  function() return nil end,
  function() return chance(50) end,
  function() return pick { 0, -1, 1, 2, 1.5, 3, 10 } end,
  function() return pick { math.huge, -math.huge, 0 / 0, 1e308, -0.0, 1 << 53, 2.0 ^ 63 } end,
  function() return pick { math.maxinteger, math.mininteger, 1 << 40, 1 << 31 } end,
  function() return pick { "", "x", "10", "größer 北京", "a\nb", "%", "[", "{x}", "a\0b" } end,
  function() return pick { "\xff\xfe", "\xe2\x82", "\xed\xa0\x80" } end,
  function() return chance(20) and MEGABYTE or "sim/default" end,
  function() return {} end,
  function() return { 1, nil, 3, [7] = "x" } end,
  function() return { "a", "b", x = 1, [1.5] = 2, [true] = 3 } end,
  circle,
  function() return chance(10) and deep() or { { {} } } end,
  function() return raising(pick { "__index", "__len", "__tostring", "__pairs", "__call",
    "__concat", "__eq", "__name", "__close" }) end,
  function() return setmetatable({}, { __index = function(_, k) return k end }) end,
  function()
    return setmetatable({}, { __metatable = false, __tostring = function() return 1 end })
  end,
  callback,
  function() return coroutine.create(function() end) end,
  function() return io.stdout end,
  function() return stranger end,
  function() return core.null end,
  function() return pick(pool) end,
  function() return pick(pool) end,
}

local function odd() return pick(ODD)() end

-- ---- what a parameter wants ----------------------------------------------------------

local function rows()
  local list = {}
  for i = 1, 1 + below(4) do list[i] = { question = "2+" .. i, answer = tostring(2 + i) } end
  return list
end

local function a_var() return pick(params) end
local function a_text() return pick { "I have two apples.", "10", "Answer: B", a_var() } end
local function a_model()
  return pick { "sim/default", "sim/default", function() return "10" end, callback() }
end
local function a_program()
  return function(row) return lg.model(a_model()) { row.question, system = a_var() } end
end

local SPECS = {
  ["model"] = function() return pick { a_model(), { a_model(), temperature = 0 } } end,
  ["tool"] = function() return { name = "t", run = callback(), inputs = { "a" } } end,
  ["agent"] = function()
    return { model = a_model(), max_steps = 2, tools = { { name = "f", run = callback() } } }
  end,
  ["retriever"] = function() return { docs = { "a b c", "d e f" }, k = 1, mode = "bm25" } end,
  ["loss.critic"] = function() return { "Is it right?", model = a_model() } end,
  ["loss.compare"] = function() return { "Which?", fields = { "a", "b" }, model = a_model() } end,
  ["loss.exact"] = function() return { target = "10", extract = lg.extract.last_number } end,
  ["loss.judge"] = function() return { "Is it right?", model = a_model() } end,
  ["loss.score"] = callback,
  ["loss.person"] = function()
    return { ask = callback(), choices = pick { { "good", { "bad", 0 } }, {}, false } or nil,
      target = pick { 1, 0 } }
  end,
  ["loss.all"] = function()
    return { lg.loss.exact { target = "10" }, callback(),
      weights = pick { { 1, 2 }, { 0, 1 }, { 1 } } }
  end,
  ["optim.tgd"] = function()
    return { a_var(), model = a_model(), mode = pick { "rewrite", "edit", "auto" },
      candidates = 1 + below(2), judge = pick { callback(), function() return 0.5 end },
      constraints = { "be kind" }, check_constraints = pick { false, true, "sim/default" },
      together = chance(30), max_edits = 1 + below(4) }
  end,
  ["metric.make"] = function() return { lg.metric.exact, extract = lg.extract.last_number } end,
  ["schema.of"] = function() return { score = "number", note = "string?", list = { "string" } } end,
  ["evaluate"] = function()
    return { a_program(), data = lg.data.list(rows()), metric = lg.metric.exact }
  end,
  ["compare"] = function()
    return { a_program(), a_program(), data = lg.data.list(rows()), metric = lg.metric.exact,
      alpha = pick { 0.05, 0.5 }, on_error = pick { "raise", "zero", "skip" } }
  end,
  ["train"] = function()
    local data = lg.data.list(rows())
    return { program = a_program(), params = { a_var() }, loss = lg.loss.exact { target = "3" },
      metric = lg.metric.exact, train = data, val = data, steps = 1, batch = 2,
      accept = pick { "race", "better", "not_worse", "no_regression", "always" } }
  end,
  ["headroom"] = function()
    return { program = a_program(), params = { a_var() }, metric = lg.metric.exact,
      val = lg.data.list(rows()), examples = 1 + below(3) }
  end,
  ["vote"] = function()
    return { a_model(), a_text(), n = 1 + below(4), on_error = pick { "raise", "skip" },
      extract = pick { lg.extract.last_number, callback() } }
  end,
  ["task.gsm8k_split"] = function() return { train = rows(), test = rows() } end,
  ["best_of"] = function()
    return { a_model(), a_text(), n = 1 + below(4), score = callback() }
  end,
  ["image"] = function() return { bytes = "\x89PNG\r\n\x1a\n....", role = "a picture" } end,
}
SPECS.audio, SPECS.document = SPECS.image, SPECS.image

-- What the method of this name is given, if anything is right for it.
local WANTS = {
  text = a_text, role = function() return "role of it" end, prediction = a_text,
  row = function() return rows()[1] end, rows = rows, fn = callback, check = callback,
  list = function() return pick { rows(), { a_var() } } end,
  n = function() return 1 + below(4) end, seed = function() return below(9) end,
  path = function() return pick { "no/such/file", "steps[1].result", "." } end,
  fields = function() return { x = a_text(), name = a_text() } end,
  template = function() return pick { "{x} and {name}", a_var() } end,
  opts = function() return nil end, spec = odd, name = function() return "x" end,
  full = function() return lg.schema.of { a = "number" } end, value = odd,
  v = a_var, other = a_var, texts = function() return { "a", "b" } end,
  options = function() return { "A", "B" } end, pattern = function() return "^%d+$" end,
  roles = function() return { model = "sim/default" } end, seconds = function() return below(3) end,
  set = function()
    return pick { "default", "textgrad", { ["tgd.system"] = a_text() }, { mark = odd() } }
  end,
  i = function() return 1 + below(3) end, tag = function() return below(9) end,
}

--- A table with one thing wrong in it.
local function spoil(t)
  if type(t) ~= "table" or getmetatable(t) then return t end
  local copy, keys = {}, {}
  for key, value in pairs(t) do
    copy[key] = value
    keys[#keys + 1] = tostring(key)
  end
  table.sort(keys)
  local key = chance(70) and pick(keys) or pick { "no_such_key", "1", "role", "name", "model" }
  key = math.tointeger(tonumber(key)) or key
  if key ~= nil then copy[key] = odd() end
  return copy
end

--- The argument for the parameter `param` of the function `name`.
local function argument(name, param)
  if chance(25) then return odd() end
  local wanted = param == "spec" and SPECS[name] or WANTS[param] or odd
  local value = wanted()
  if chance(35) then value = spoil(value) end
  return value
end

-- ---- judging ---------------------------------------------------------------------------

local told = {}

local function tell_seed(what)
  if options.all then -- to see all that there is: each once
    local short = what:gsub("%d+", "0"):sub(1, 90)
    if not told[short] then io.stderr:write(("seed %d: %s\n"):format(seed, what)) end
    told[short] = true
    return
  end
  io.stderr:write(("fuzz: seed %d broke something: %s\n"):format(seed, what))
  os.exit(1, false)
end

-- Words of Lua itself, which help nobody who called a function of the library.
local RAW = { "attempt to %l+", "bad argument #", "stack overflow", "'for' ", "invalid value %(",
  "has no integer representation", "invalid order function", "invalid key to 'next'",
  "string length overflow", "invalid capture", "malformed pattern", "too many results" }

local function is_raw(text)
  for _, words in ipairs(RAW) do
    if text:find(words) then return true end
  end
  return false
end

-- These pass on what they are given.
local HANDS_ON = { ["errors.raise"] = true, ["errors.new"] = true,
  ["errors.wrap"] = true, ["errors.words"] = true }

local function judge(name, problem)
  if type(problem) == "table" and rawget(problem, "odd") then return end
  local object = errors.is(problem)
  local ok, text = pcall(tostring, problem)
  if not ok then
    if not tostring(text):find "odd:" then tell_seed(name .. ": an error without words") end
    return
  end
  if text:find("odd:", 1, true) or HANDS_ON[name] then return end
  -- the binding's own words name what was called, and what it expected
  local binding = object and text:match "bad argument #%d+ to '([%w_]+)'[: ]"
  if binding == "fn" or binding and name:find(binding, 1, true) then return end
  if object and text:find(name:match "[%w_]+$" or name, 1, true) then return end
  local start = text:sub(1, 600)
  if not object then tell_seed(("%s raised what is no error object: %s"):format(name, start)) end
  if is_raw(text) then tell_seed(("%s raised Lua's own words: %s"):format(name, start)) end
end

-- ---- calling -----------------------------------------------------------------------------

local function shown(x)
  if type(x) == "string" then return ("%q"):format(#x > 40 and x:sub(1, 40) .. "…" or x) end
  if type(x) ~= "table" and type(x) ~= "userdata" then return tostring(x) end
  local keys = {}
  for key in next, type(x) == "table" and x or {} do
    keys[#keys + 1] = type(key) == "string" and key or type(key)
  end
  table.sort(keys)
  return type(x) .. "{" .. table.concat(keys, ",", 1, math.min(#keys, 8)) .. "}"
end

local function trace(name, args)
  if not options.trace then return end
  local list = {}
  for i = 1, args.n do list[i] = shown(args[i]) end
  io.stderr:write(name, "(", table.concat(list, ", "), ")\n")
end

--- Results that a later call may be given; not what it was given itself.
local function keep(args, ...)
  for i = 1, select("#", ...) do
    local value, own = (select(i, ...)), true
    for k = 1, args.n do own = own and not rawequal(value, args[k]) end
    local kind = type(value)
    if own and (kind == "table" or kind == "userdata" or kind == "function") then
      pool[#pool < 60 and #pool + 1 or math.random(60)] = value
    end
  end
end

local function call(name, fn, args)
  trace(name, args)
  counts[name] = (counts[name] or 0) + 1
  total = total + 1
  local begun = os.clock()
  local result = table.pack(pcall(function()
    if chance(50) then return fn(table.unpack(args, 1, args.n)) end
    return lg.spawn(function() return fn(table.unpack(args, 1, args.n)) end):await()
  end))
  if os.clock() - begun > LONGEST then tell_seed(name .. " takes too long") end
  if not result[1] then
    if options.trace then
      local _, words = pcall(tostring, result[2])
      io.stderr:write("  raised ", tostring(words):sub(1, 200), "\n")
    end
    judge(name, result[2])
  else
    keep(args, table.unpack(result, 2, result.n))
  end
end

-- ---- what there is to call ---------------------------------------------------------------

local functions, methods = {}, {}
local function read_meta(path)
  for line in io.lines(path) do
    local name, list = line:match "^function%s+lunagrad%.([%w_%.]+)(%b())"
    local method, more = line:match "^function%s+Var:([%w_]+)(%b())"
    local words = {}
    for word in (list or more or ""):gmatch "[%w_%.]+" do words[#words + 1] = word end
    if name then functions[#functions + 1] = { name = name, params = words } end
    if method then methods[#methods + 1] = { name = method, params = words } end
  end
end
for _, name in ipairs(META) do read_meta(ROOT .. "lua/meta/" .. name .. ".lua") end
for name, words in pairs {
  split = "spec", batches = "n opts", shuffle = "seed", sample = "n seed", take = "n",
  slice = "n n", filter = "fn", int = "n n", float = "", pick = "list", fork = "name",
  step = "", parameters = "", search = "text opts", await = "",
} do
  local params_of = {}
  for word in words:gmatch "%S+" do params_of[#params_of + 1] = word end
  methods[#methods + 1] = { name = name, params = params_of }
end
table.sort(methods, function(a, b) return a.name < b.name end)

local function arguments(name, list)
  local args = { n = chance(85) and #list or below(#list + 2) }
  for i = 1, args.n do
    local param = list[i] or "value"
    args[i] = argument(name, param == "..." and "value" or param)
  end
  return args
end

local function find(name)
  local at = lg
  for part in name:gmatch "[^.]+" do at = at[part] end
  return at
end

local function call_one(f) call(f.name, find(f.name), arguments(f.name, f.params)) end

local function call_function()
  local f = pick(functions)
  if f.name ~= "configure" or chance(10) then call_one(f) end
end

local function call_method()
  local v, m = chance(50) and a_var() or pick(pool), pick(methods)
  local ok, fn = pcall(function() return v[m.name] end)
  if not ok or type(fn) ~= "function" or rawequal(v, stranger) then return end
  local args = arguments(m.name, m.params)
  table.insert(args, 1, v)
  args.n = args.n + 1
  call(":" .. m.name, fn, args)
end

local function call_result()
  local v = pick(pool)
  local meta = debug.getmetatable(v)
  if type(v) == "function" or (meta and meta.__call) then
    local args = { n = below(3) }
    for i = 1, args.n do args[i] = chance(50) and a_text() or odd() end
    call("what was returned", function(...) return v(...) end, args)
  end
end

local function call_operator()
  local v, x = a_var(), odd()
  local args = { n = 2, v, x }
  call("..", pick { function() return v .. x end, function() return x .. v end,
    function() return v == x, tostring(v) end }, args)
end

local CALLERS = { call_function, call_function, call_function, call_function, call_method,
  call_method, call_result, call_operator }

-- ---- a seed --------------------------------------------------------------------------------

local function start_anew()
  for name in pairs(package.loaded) do
    if name:find "^lunagrad" then package.loaded[name] = nil end
  end
  lg, core, errors = require "lunagrad", require "lunagrad.core", require "lunagrad.errors"
  lg.configure { virtual_clock = true, max_attempts = 2, seed = seed }
  lg.default { model = "sim/default", backward = "sim/default", optimizer = "sim/default",
    judge = "sim/default" }
  stranger = core.var(core.engine { virtual_clock = true }, "strange", "strange", true)
  params = { lg.param("Answer the question.", "system prompt"), lg.param("x", "a text"),
    lg.var("I have two apples and a pear.", "question") }
  pool = { lg.data.list(rows()), lg.rng.new(seed), lg.model "sim/default", params[1] }
end

local function run_seed()
  math.randomseed(seed)
  start_anew()
  for _, f in ipairs(seed % 4 == 1 and functions or {}) do call_one(f) end -- all of them once
  for _ = 1, CALLS do pick(CALLERS)() end
  pool, params, stranger = nil, nil, nil
  collectgarbage()
end

local done, finish = 0, options.seconds and os.time() + options.seconds
while finish and os.time() < finish or not finish and done < options.count do
  io.write("at seed ", seed, "\n"):flush()
  run_seed()
  seed, done = seed + 1, done + 1
end
for _, f in ipairs(functions) do
  if options.counts and not counts[f.name] then
    print(("lg.%s is in lua/meta, and was never called"):format(f.name))
    os.exit(1)
  end
end
print(("%d seeds from %d on, %d calls"):format(done, seed - done, total))
