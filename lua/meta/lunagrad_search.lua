---@meta lunagrad_search
-- What editors should know of candidates and of the search (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

--- Run fn with other texts for parameters: in it, in every task begun there and every tool called
--- there a parameter is the candidate's version. Outside nothing changes. Waits for fn.
---@param candidate table<Var, lunagrad.text>
---@param fn function
---@param ... any for fn
---@return any ... what fn returns
function lunagrad.with(candidate, fn, ...) end
