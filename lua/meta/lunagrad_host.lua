---@meta lunagrad_host
-- What editors should know of hosts with a loop of their own (LuaLS). See docs/lua-hosts.md.

---@class lunagrad
local lunagrad = {}

--- A descriptor that polls readable when lg.step has work. Watch it; never read or close it. Makes the
--- engine: lg.configure comes before.
---@return integer
function lunagrad.fd() end

--- Milliseconds until lg.step is due though the descriptor is quiet: 0 now, -1 not before it polls.
--- Ask again after each step.
---@return integer
function lunagrad.timeout() end

--- Do what can be done now, and never wait: tasks go on, calls are sent, replies are taken. In a task
--- it lets the others go on for one turn.
---@param budget_us? integer µs after which no further piece of work begins; 0 (default): one turn
---@return boolean any whether anything happened
function lunagrad.step(budget_us) end

--- Make the descriptor poll readable.
function lunagrad.wakeup() end
