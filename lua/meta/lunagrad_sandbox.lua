---@meta lunagrad_sandbox
-- Types of lg.sandbox: Lua candidates that run where they can do nothing but compute.

---@class lunagrad

---@class lunagrad.sandboxed
---@field ok boolean whether it came to its end
---@field values table|nil what the call, or else the chunk, returned: values[1] …
---values[values.n]
---@field kind "syntax"|"error"|"memory"|"instructions"|"time"|"output"|"crash"|nil how it failed
---@field message string|nil in one line
---@field line integer|nil of the candidate, where it is known
---@field output string what print wrote
---@field instructions integer|nil steps of Lua's machine, by hundreds
---@field memory integer|nil the most bytes that its state had

---@class lunagrad.checked
---@field passed integer tests
---@field total integer of so many
---@field tests table[] of each { ok, got, expect, call, args, name, kind, message, line, result }

---@class lunagrad.sandbox
local Box = {}

---@class lunagrad.sandbox_options
---@field memory? integer|string of a candidate's state, bytes or "64K" to "1G" (default "16M")
---@field instructions? number steps of Lua's machine (default 5e7)
---@field timeout? number seconds of the processor's time (default 5)
---@field output_limit? integer|string of what print writes, up to "4M" (default "64K")
---@field workers? integer processes at once (default: one a processor)
---@field fresh? boolean each candidate in a process of its own, for 1 ms more (default false)

--- Where Lua candidates run: `local box = lg.sandbox{ memory = "16M", instructions = 5e7 }`.
---
--- A candidate finds string, table, math, utf8, coroutine and the basic functions; neither files
--- nor other programs, neither the time nor chance from outside.
--- ```lua
--- local box = lg.sandbox { memory = "16M", instructions = 1e6 }
--- print(box:run("while true do end").kind)                       --> instructions
--- ```
---@param opts? lunagrad.sandbox_options
---@return lunagrad.sandbox
function lunagrad.sandbox(opts) end

---@class lunagrad.sandbox_run
---@field call? string a function that is called when the chunk has run
---@field args? table its arguments: values of JSON
---@field name? string for messages (default "candidate")

--- Run a candidate; inside a task it waits, so that lg.map runs hundreds at once.
---
--- The chunk is run; with call the function of that name is called then: a global, or a field of
--- the table that the chunk returns ("M.solve" goes into tables). args are its arguments, values of
--- JSON. The candidate's state is its own, and gone afterwards. The same candidate gives the same
--- result, in the order of pairs too; only a limit of time is no exact one.
--- ```lua
--- local r = lg.sandbox():run("function add(a, b) return a + b end", { call = "add", args = { 2, 3 } })
--- print(r.ok, r.values[1])                                       --> true	5
--- ```
---@param source string|Var the code, as text
---@param opts? lunagrad.sandbox_run
---@return lunagrad.sandboxed
---@raises inval: a source that is no text
function Box:run(source, opts) end

---@class lunagrad.sandbox_test
---@field call? string a function of the candidate
---@field args? table its arguments: values of JSON
---@field expect? any what its first result must be
---@field close? number numbers may differ by so much, relative
---@field check? fun(...): boolean instead of expect: gets the results
---@field name? string of the test

--- Run a candidate's tests, each in a fresh state, all at once.
---
--- A test calls a function with arguments and says what its first result must be: equal, tables by
--- what is in them, numbers within `close` where that is given (relative, beyond 1 in size). With
--- `check` instead, a function of yours gets the results and returns true; with neither, to end
--- without an error passes.
--- ```lua
--- local checked = lg.sandbox():check("function add(a, b) return a + b end",
---   { { call = "add", args = { 2, 3 }, expect = 5 }, { call = "add", args = { 1, 1 }, expect = 3 } })
--- print(checked.passed, checked.total)                           --> 1	2
--- ```
---@param source string|Var
---@param tests lunagrad.sandbox_test[]
---@return lunagrad.checked
function Box:check(source, tests) end
