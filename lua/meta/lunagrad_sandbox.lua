---@meta
-- Types of lg.sandbox: Lua candidates that run where they can do nothing but compute.

---@class lunagrad

---@class lunagrad.sandboxed
---@field ok boolean
---@field values table|nil what the call, or else the chunk, returned: values[1] … values[values.n]
---@field kind "syntax"|"error"|"memory"|"instructions"|"time"|"output"|"crash"|nil how it failed
---@field message string|nil in one line
---@field line integer|nil of the candidate, where it is known
---@field output string what print wrote
---@field instructions integer|nil steps of Lua's machine, by hundreds
---@field memory integer|nil the most bytes that its state had

---@class lunagrad.checked
---@field passed integer
---@field total integer
---@field tests table[] of each { ok, got, expect, call, args, name, kind, message, line, result }

---@class lunagrad.sandbox
local Box = {}

--- Where Lua candidates run: `local box = lg.sandbox{ memory = "16M", instructions = 5e7 }`.
---
--- A candidate finds string, table, math, utf8, coroutine and the basic functions; neither files
--- nor other programs, neither the time nor chance from outside. memory and output_limit are bytes
--- or texts such as "64K"; timeout is seconds of the processor's time; workers run at once (one a
--- processor); fresh gives each candidate a process of its own, for 1 ms more.
---@param opts? table {memory = "16M", instructions = 5e7, timeout = 5, output_limit = "64K",
--- workers =, fresh = false}
---@return lunagrad.sandbox
function lunagrad.sandbox(opts) end

--- Run a candidate; inside a task it waits, so that lg.map runs hundreds at once.
---
--- The chunk is run; with call the function of that name is called then: a global, or a field of
--- the table that the chunk returns ("M.solve" goes into tables). args are its arguments, values of
--- JSON. The candidate's state is its own, and gone afterwards. The same candidate gives the same
--- result, in the order of pairs too; only a limit of time is no exact one.
---@param source string|Var the code, as text
---@param opts? table {call = "solve", args = {…}, name = "candidate" for messages}
---@return lunagrad.sandboxed
function Box:run(source, opts) end

--- Run a candidate's tests, each in a fresh state, all at once.
---
--- A test calls a function with arguments and says what its first result must be: equal, tables by
--- what is in them, numbers within `close` where that is given (relative, beyond 1 in size). With
--- `check` instead, a function of yours gets the results and returns true; with neither, to end
--- without an error passes.
---@param source string|Var
---@param tests table[] of each { call =, args =, expect =, close =, check =, name = }
---@return lunagrad.checked
function Box:check(source, tests) end
