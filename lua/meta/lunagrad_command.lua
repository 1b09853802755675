---@meta lunagrad_command
-- What editors should know of programs as tools (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

---@class lunagrad.run what came of one run of a program
---@field code integer|nil its exit code; nil: it was ended by a signal
---@field signal string|integer|nil "SIGSEGV", …
---@field limit "time"|"cpu"|"memory"|"output"|"disk"|"file_size"|nil that it was ended by
---@field stdout string
---@field stderr string the end of it, up to 64 KB
---@field files table<string, string> what it made or changed in its scratch directory, by path
---@field unread string[] … and what of that was more than output_limit
---@field wall number seconds
---@field cpu number seconds of processor time, with its children's
---@field memory integer bytes that its largest process held

---@class lunagrad.command
---@field name string
---@overload fun(fields: table<string, string|lunagrad.var>|string|lunagrad.var|nil): lunagrad.var
local command = {}

--- Run it once and wait: what came of it, however it ended. Nothing is kept in the store.
---@param fields? table<string, string|lunagrad.var>
---@return lunagrad.run
function command:run(fields) end

---@class lunagrad.command_spec
---@field [integer] string the program and its words; no shell, never split, {field} is filled in
---@field files table<string, string>|nil field → file of the scratch directory; {field} is its path
---@field input string|nil the field that is its stdin
---@field output string|nil the file that is its value; default: stdout
---@field name string|nil
---@field purpose string|nil what it does, for the critic
---@field role string|nil what its value is
---@field timeout number|nil seconds; default 60 in a sandbox, else 300
---@field cpu number|nil seconds of processor time, of each process
---@field memory integer|string|nil of each process, "512M"; in a sandbox 2G
---@field file_size integer|string|nil of each file; in a sandbox 256M
---@field processes integer|nil with threads; in a sandbox 64
---@field disk integer|string|nil all in the scratch directory; in a sandbox 512M
---@field output_limit integer|string|nil stdout, and what is read of files; 1M in a sandbox, else 16M
---@field env table<string, string>|nil
---@field read string[]|nil what else it may read in a sandbox
---@field sandbox boolean|"strict"|nil
---@field result (fun(run: lunagrad.run): string, number|nil)|nil text and score, of a run
---@field concurrency integer|nil start when fewer programs run than so many; default: processors
---@field cache boolean|nil false: results are not kept in the store
---@field version string|nil change it when result changes
---@field target number|nil the best score
---@field backward (fun(ctx: table): table)|nil as of lg.tool

--- A program as a node: words, no shell; `{field}` inside a word is filled in. See docs/command.md.
---@param spec lunagrad.command_spec
---@return lunagrad.command
function lunagrad.command(spec) end
