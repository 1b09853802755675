---@meta lunagrad_command
-- What editors should know of programs as tools (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

---@class lunagrad.run what came of one run of a program
---@field code integer|nil its exit code; nil: it was ended by a signal
---@field signal string|integer|nil "SIGSEGV", …
---@field limit "time"|"cpu"|"memory"|"output"|"disk"|"file_size"|nil that it was ended by
---@field stdout string what it wrote
---@field stderr string the end of it, up to 64 KB
---@field files table<string, string> what it made or changed in its scratch directory, by path
---@field unread string[] … and what of that was more than output_limit
---@field wall number seconds
---@field cpu number seconds of processor time, with its children's
---@field memory integer bytes that its largest process held

---@class lunagrad.command what lg.command returns; it is called with the texts of its fields
---@field name string for messages
---@overload fun(fields: table<string, string|lunagrad.var>|string|lunagrad.var|nil): lunagrad.var
local command = {}

--- Run it once and wait: what came of it, however it ended. Nothing is kept in the store.
--- ```lua
--- local run = lg.command({ "sh", "-c", "echo {word}; exit 3" }):run { word = "hello" }
--- print(run.code, run.stdout)                                    --> 3	hello
--- ```
---@param fields? table<string, string|lunagrad.var>
---@return lunagrad.run
function command:run(fields) end

---@class lunagrad.command_spec
---@field [integer] string the program and its words; no shell, never split, {field} is filled in
---@field files? table<string, string> field → file of the scratch directory; {field} is its path
---@field input? string the field that is its stdin
---@field output? string the file that is its value (default: stdout)
---@field name? string for messages (default: the program's)
---@field purpose? string what it does, for the critic
---@field role? string what its value is
---@field timeout? number seconds (default: 300, in a sandbox 60)
---@field cpu? number seconds of processor time, of each process
---@field memory? integer|string of each process, "512M" (default: none, in a sandbox 2G)
---@field file_size? integer|string of each file (default: none, in a sandbox 256M)
---@field processes? integer with threads (default: none, in a sandbox 64)
---@field disk? integer|string all in the scratch directory (default: none, in a sandbox 512M)
---@field output_limit? integer|string stdout, and what is read of files (default: 16M, in a
---sandbox 1M)
---@field env? table<string, string> more of its environment; it gets no keys of ours
---@field read? string[] what else it may read in a sandbox
---@field sandbox? boolean|string true: Landlock and seccomp; "strict": a file system of its own
---(default: false)
---@field persistent? boolean the process is kept: a line of JSON in, a line of JSON out
---@field fields? string[] the names of its fields, where no word says them
---@field result? fun(run: lunagrad.run): string, number|nil text and score, of a run
---@field concurrency? integer start when fewer programs run than so many (default: as many as
---processors)
---@field cache? boolean false: results are not kept in the store (default: true)
---@field version? string change it when result changes (default "")
---@field target? number the best score
---@field backward? fun(ctx: table): table as of lg.tool

--- A program as a node: words, no shell; `{field}` inside a word is filled in. See docs/command.md.
--- ```lua
--- local sort = lg.command { "sort", "-r", input = "lines", name = "sort", timeout = 10 }
--- print(sort { lines = "a\nb\n" })                               --> b
--- ```
---@param spec lunagrad.command_spec
---@return lunagrad.command
---@raises program: there is no such program, or no sandbox where one is asked for
function lunagrad.command(spec) end
