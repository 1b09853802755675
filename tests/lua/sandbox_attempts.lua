--- sandbox_attempts.lua: Lua candidates that try to escape, to harm others, or to take all there is.
--
-- Data for test_sandbox_attempts.lua: each has a name, a source, and how it has to end: `ends` is one
-- of kinds parted by "|" ("ok" too), `value` what it must return where it may go on. `memory` is
-- larger than usual where the attempt needs it. Those that end by "time" or "crash" cost a worker,
-- or its time; all others end by themselves.

local attempts = {}

local function try(name, ends, source, more)
  local one = { name = name, ends = ends, source = source }
  for key, value in pairs(more or {}) do one[key] = value end
  attempts[#attempts + 1] = one
end

-- ---- loops without end -----------------------------------------------------------

try("while loop", "instructions", "while true do end")
try("goto loop", "instructions", "::a:: goto a")
try("repeat loop that catches errors", "instructions",
  "repeat pcall(function() while true do end end) until false")
try("xpcall loop whose handler loops", "instructions",
  "xpcall(error, function() while true do end end)")
try("error in the handler of errors", "error|instructions",
  "local function h(e) error(e) end while true do xpcall(error, h) end")
try("tail calls without end", "instructions", "local function f() return f() end f()")
try("an iterator without end", "instructions", "for _ in function() return 1 end do end")
try("a number loop of 2^62 steps", "instructions", "for i = 1, 1 << 62 do end")
try("a loop in a coroutine", "instructions",
  "coroutine.wrap(function() while true do end end)()")
try("coroutines that each run a moment", "instructions",
  "local function f() end while true do coroutine.wrap(f)() end")
try("a coroutine that is resumed for ever", "instructions",
  "local co = coroutine.wrap(function() while true do coroutine.yield() end end)\
   while true do co() end")
try("a loop in __index", "instructions",
  "local t = setmetatable({}, { __index = function() while true do end end }) return t.x")
try("metamethods that call themselves", "error",
  "local m = {} m.__index = function(t, k) return t[k] end return setmetatable({}, m).x")
try("__index chain that is a circle", "error",
  "local a, b = {}, {} setmetatable(a, { __index = b }) \
   setmetatable(b, { __index = a }) return a.x")
try("a loop in __close", "instructions",
  "do local x <close> = setmetatable({}, { __close = function() while true do end end }) end")
try("__close that fights the limit", "instructions",
  "local m = { __close = function() while true do end end }\
   local function f() local x <close> = setmetatable({}, m) while true do end end\
   while true do pcall(f) end")
try("a loop in __gc, where hooks are off", "time",
  "setmetatable({}, { __gc = function() while true do end end })\
   for i = 1, 1e6 do local t = { i } end")
try("__gc that comes again and again", "instructions|memory|ok|time",
  "local m = {} m.__gc = function(o) setmetatable({}, m) end setmetatable({}, m)\
   for i = 1, 1e7 do local t = { i } end")
try("sort with an order that is none", "error|instructions|ok",
  "local t = {} for i = 1, 2000 do t[i] = i % 7 end\
   table.sort(t, function(a, b) return true end)")
try("sort whose order waits for ever", "instructions",
  "table.sort({ 3, 2, 1 }, function() while true do end end)")
try("sort whose order yields", "error",
  "coroutine.wrap(function() table.sort({ 3, 2, 1 }, coroutine.yield) end)()\
   error 'yielded'")

-- ---- time in C, where no hook looks -------------------------------------------------

try("a pattern that goes back for ever", "time",
  "return ('a'):rep(40):find(('a*'):rep(25) .. 'b')")
try("gsub with such a pattern", "time",
  "return (('a'):rep(40):gsub(('a-'):rep(25) .. 'b', ''))")
try("gmatch with such a pattern", "time",
  "for w in ('a'):rep(40):gmatch(('a?a*'):rep(20) .. 'b') do end")
try("gsub whose function loops", "instructions",
  "return (('x'):gsub('x', function() while true do end end))")
try("nothing, repeated 10^15 times", "ok", "return string.rep('', 1e15)", { value = "" })
try("table.concat of a list that lies about its length", "instructions|error",
  "return table.concat(setmetatable({}, { __len = function() return 1 << 52 end,\
   __index = function() return '' end }))")
try("table.insert into a list that lies", "time",
  "table.insert(setmetatable({}, { __len = function() return 1 << 52 end }), 1, 1)")
try("table.move of 2^53 fields", "time", "table.move({}, 1, 1 << 53, 2, {})")
try("table.unpack of too many", "error", "return table.unpack({}, 1, 1e7)")

-- ---- memory ---------------------------------------------------------------------------

try("a table that grows", "memory", "local t = {} while true do t[#t + 1] = { {} } end")
try("a text that doubles", "memory", "local s = 'x' while true do s = s .. s end")
try("string.rep of a gigabyte", "memory", "return #('x'):rep(1 << 30)")
try("string.rep of more than there can be", "error", "return ('xxxx'):rep(1 << 62)")
try("string.rep with a separator", "memory", "return #('x'):rep(1 << 24, ('y'):rep(100))")
try("memory again after it was refused", "memory",
  "while true do pcall(function() local t = {} while true do\
   t[#t + 1] = ('x'):rep(1e5) .. #t end end) end")
try("concatenation of many", "memory",
  "local t = {} for i = 1, 200 do t[i] = ('x'):rep(1e5) end return #table.concat(t)")
try("gsub that grows", "memory", "local s = ('x'):rep(1e5) return #s:gsub('x', ('y'):rep(1000))")
try("upvalues and closures", "memory",
  "local f = function() end while true do local g = f f = function() return g end end")
try("coroutines that wait", "memory",
  "local t = {} while true do local co = coroutine.create(function() coroutine.yield() end)\
   coroutine.resume(co) t[#t + 1] = co end")
try("many globals", "memory|instructions",
  "for i = 1, 1e7 do _G['a' .. i] = i end")
try("string.format of a wide field", "error", "return ('%1000d'):format(1)")
try("string.format, often", "memory|instructions",
  "local t = {} for i = 1, 1e7 do t[i] = ('%099.99f'):format(i) end")
try("utf8.char of many", "memory|instructions|time",
  "local s = '' while true do s = s .. utf8.char(0x7fffffff, 0x10ffff) end")
try("a table made for 2^27 fields", "memory|error",
  "local t = table.pack(table.unpack({}, 1, 200)) for i = 1, 27 do t[1 << i] = 1 end\
   local u = {} for i = 1, 1e7 do u[i] = t end")
try("varargs without end", "error|memory|time",
  "local function f(...) return f(1, 2, 3, 4, 5, 6, 7, 8, ...) end return f()")
try("a stack of a million slots", "error|memory",
  "local function f(n) return n + f(n + 1) end return f(1)")
try("string.pack of a large size", "error|memory", "return string.pack(\
   '!16 s8', ('x'):rep(1e8))")

-- ---- depth --------------------------------------------------------------------------------

try("recursion", "error|memory", "local function f() return 1 + f() end return f()")
try("recursion through pcall", "error|memory|instructions|ok",
  "local function f() return pcall(f) end return f()", { memory = 64 << 20 })
try("recursion through string.gsub", "error|instructions|ok",
  "local function f() return (('x'):gsub('x', f)) end return f()")
try("recursion through __tostring", "error",
  "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end\
   return tostring(t)")
try("recursion through coroutines", "error|ok",
  "local function f() return coroutine.wrap(f)() end return f()")
try("recursion through sort", "error",
  "local function f() table.sort({ 1, 2, 3 }, f) end f()")
try("recursion through load", "error|instructions|memory|time",
  "function f() return load('return f()')() end return 1 + f()")
try("parentheses, a million deep", "syntax", "return " .. ("("):rep(1000000))
try("tables, 100 000 deep", "syntax", "return " .. ("{"):rep(100000) .. ("}"):rep(100000))
try("functions in functions, 10 000 deep", "syntax",
  ("return function() "):rep(10000) .. ("end "):rep(10000))
try("blocks, 10 000 deep", "syntax", ("do "):rep(10000) .. ("end "):rep(10000))
try("not, 100 000 times", "syntax", "return " .. ("not "):rep(100000) .. "1")
try("powers, 100 000 deep", "syntax", "return " .. ("2^"):rep(100000) .. "2")
try("concatenations, 100 000 in one", "syntax", "return " .. ("'a'.."):rep(100000) .. "'a'")
try("a pattern of 100 000 captures", "error", "return ('x'):find(('('):rep(100000))")
try("a pattern that recurses deep", "error|ok|time",
  "return ('x'):rep(300000):find(('x?'):rep(300000))")
try("a table in itself is returned", "error", "local t = {} t.t = t return t")
try("tables that double are returned", "output",
  "local t = { 1 } for i = 1, 60 do t = { t, t } end return t")
try("a function of 300 locals", "syntax",
  "local a" .. (", a"):rep(300) .. " return a")
try("100 000 constants", "ok", (function()
  local t = {}
  for i = 1, 100000 do t[i] = i + 0.5 end
  return "local t = {" .. table.concat(t, ",") .. "} return #t"
end)(), { value = 100000 })
try("jumps too long", "syntax|ok|instructions",
  "for i = 1, 2 do " .. ("local _ = i + 1; "):rep(180) .. ("i = i + 1 "):rep(60000) .. " end")

-- ---- what is not there -----------------------------------------------------------------

for _, name in ipairs { "io", "os", "package", "debug", "require", "dofile", "loadfile",
  "loadstring", "collectgarbage", "warn",
  "module", "setfenv", "getfenv", "newproxy", "jit", "ffi", "arg" } do
  try("there is no " .. name, "ok", "return type(" .. name .. ")", { value = "nil" })
end
try("os.exit", "error", "os.exit(1)")
try("io.popen", "error", "return io.popen('id'):read('a')")
try("io.open of the store", "error", "return io.open('.lunagrad/store.db')")
try("package.loadlib", "error", "return package.loadlib('libc.so.6', '*')")
try("require of this library", "error", "return require('lunagrad')")
try("string.dump", "ok", "return type(string.dump)", { value = "nil" })
try("debug by way of the texts' metatable", "ok",
  "local m = getmetatable('') return type(m.__index.dump) .. type(rawget(m, '__debug'))",
  { value = "nilnil" })
try("bytecode by load", "ok", "return (load('\\27Lua'))", { value = nil })
try("bytecode by load with a mode", "ok",
  "return select('#', load('\\27LuaT\\0\\25\\147\\r\\n\\26\\n', 'x', 'b'))", { value = 2 })
try("bytecode by a function of pieces", "ok",
  "local n = 0 return (load(function() n = n + 1 return n == 1 and '\\27Lua' or nil end,\
   'x', 'bt'))",
  { value = nil })
try("bytecode as the candidate itself", "syntax", "\27LuaT\0\25\147\r\n\26\n\4\8\8")
try("text by load, which is allowed", "ok",
  "return load('return 1 + 1', 'x', 'b') == nil and 1 or 2",
  { value = 2 })
try("the registry by way of a closure's environment", "ok",
  "local f = load('return _ENV', 'x', 't', nil) return type(f())", { value = "nil" })
try("a metatable of its own for numbers", "ok", "return pcall(setmetatable, 1, {})",
  { value = false })
try("a metatable that is protected", "ok",
  "local t = setmetatable({}, { __metatable = 'no' }) return (pcall(setmetatable, t, {}))",
  { value = false })

-- ---- floods ----------------------------------------------------------------------------

try("print for ever", "output", "while true do print('flood') end")
try("print one large text", "output", "print(('x'):rep(1e6))")
try("print of a __tostring that loops", "instructions",
  "print(setmetatable({}, { __tostring = function() while true do end end }))")
try("print of a __name that is large", "output|memory",
  "print(setmetatable({}, { __name = ('x'):rep(1e6) }))")
try("an error whose message is large", "error", "error(('x'):rep(1e6), 0)")
try("an error that is a table with a __tostring that loops", "instructions",
  "error(setmetatable({}, { __tostring = function() while true do end end }))")
try("an error that is a table with a __tostring that fails", "error",
  "error(setmetatable({}, { __tostring = error }))")
try("many values are returned", "error", "return table.unpack({}, 1, 1000001)")
try("a large value is returned", "output", "return ('x'):rep(2e6)")
try("what is no text, printed and returned", "ok", "print('\\255\\0\\27[31m') return '\\255\\0'",
  { value = "\239\191\189\239\191\189" })
try("a text that looks like a reply", "ok",
  [[print('","ok":false}') return '"}]}{"ok":true}']], { value = '"}]}{"ok":true}' })

-- ---- what a candidate leaves behind -------------------------------------------------------

try("globals, tampered with", "ok",
  "_G.print, _G.string, _G.pairs, string.format = nil, nil, nil, nil left_behind = 1 return 1",
  { value = 1 })
try("the texts' metatable, tampered with", "ok",
  "getmetatable('').__index = function() return 'taken' end\
   getmetatable('').__add = function() return 'taken' end return ('x').y", { value = "taken" })
try("the state of chance, tampered with", "ok", "math.randomseed(42) return 1", { value = 1 })

-- ---- what has crashed Lua 5.4.4 --------------------------------------------------------------

try("a chain of coroutines, each closed by the next", "crash|error|memory|ok|instructions",
  "local function link(before) local co = coroutine.create(function()\
     local x <close> = setmetatable({}, { __close = function() coroutine.close(before) end })\
     coroutine.yield() end) coroutine.resume(co) return co end\
   local co = coroutine.create(function() end)\
   for i = 1, 20000 do co = link(co) end coroutine.close(co) return 1", { memory = 256 << 20 })
try("a coroutine that closes itself", "error|ok",
  "local co co = coroutine.create(function() local x <close> = setmetatable({}, { __close =\
   function() coroutine.close(co) end }) coroutine.yield() end) coroutine.resume(co)\
   return coroutine.close(co)")
try("a stack that moves while it is closed", "error|ok",
  "local function deep(n) if n > 0 then deep(n - 1) end end\
   local m = { __close = function() deep(10000) end }\
   local function f() local a <close> = setmetatable({}, m) return 1, 2, 3, 4, 5 end\
   return select('#', f())")
try("texts with zeros are compared", "ok",
  "local n = 0 for i = 1, 200 do local a = ('a\\0'):rep(i) .. ('b'):rep(i)\
   for j = 1, 20 do if a < ('a\\0'):rep(j) then n = n + 1 end end end return n >= 0",
  { value = true })
try("memory runs out while a field is set", "memory|time",
  "local t = {} for i = 1, 1e7 do t[('k'):rep(i % 100) .. i] = setmetatable({}, t) end")
try("names of values through a chain of locals", "error", (function()
  local t = { "local a1 = nil " }
  for i = 2, 190 do t[i] = ("local a%d = a%d "):format(i, i - 1) end
  return table.concat(t) .. "return a190.x.y"
end)())
try("a global that is named through 60 000 upvalues of _ENV", "error",
  "local _ENV <const> = setmetatable({}, { __index = function() return nil end }) return x.y.z")
try("an environment that is constant and no table", "error", "local _ENV <const> = 1 x = 2")
try("yields across everything", "error|ok|instructions",
  "local co = coroutine.wrap(function() for i = 1, 100 do pcall(pcall, coroutine.yield, i)\
   xpcall(coroutine.yield, coroutine.yield, i) end end) while true do co() end")
try("finalizers that make what is finalized, as memory runs out", "memory|instructions|time",
  "local m = {} m.__gc = function() local t = {} for i = 1, 100 do t[i] = setmetatable({}, m) end end\
   local t = {} while true do t[#t + 1] = setmetatable({}, m) if #t > 1000 then t = {} end end")
try("weak tables under pressure", "memory|instructions|time",
  "local t = setmetatable({}, { __mode = 'kv' }) local k = {}\
   for i = 1, 1e7 do t[{}] = ('x'):rep(i % 1000) k[i] = i end")
try("a finalizer that brings the dead back", "memory|instructions|ok",
  "keep = {} for i = 1, 1e6 do\
   setmetatable({ i }, { __gc = function(o) keep[#keep + 1] = o end }) end")

return attempts
