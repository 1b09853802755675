---@meta lunagrad_host
-- What editors should know of hosts with a loop of their own (LuaLS). See docs/lua-hosts.md.

---@class lunagrad
local lunagrad = {}

--- A descriptor that polls readable when lg.step has work. Watch it; never read or close it. Makes the
--- engine: lg.configure comes before.
--- ```lua
--- local fd = lg.fd() -- for poll, or uv.new_poll(fd)
--- print(math.type(fd))                                           --> integer
--- ```
---@return integer
function lunagrad.fd() end

--- Milliseconds until lg.step is due though the descriptor is quiet: 0 now, -1 not before it polls.
--- Ask again after each step.
--- ```lua
--- lg.spawn(function() lg.sleep(60) end)
--- while lg.timeout() == 0 do lg.step() end
--- print(lg.timeout() > 50000)                                    --> true
--- ```
---@return integer
function lunagrad.timeout() end

--- Do what can be done now, and never wait: tasks go on, calls are sent, replies are taken. In a task
--- it lets the others go on for one turn.
--- ```lua
--- local answer = lg.model() "How many fruits: a plum, a fig."
--- while answer:state() == "pending" do lg.step(2000) end -- a game's frames
--- print(answer:state())                                          --> ready
--- ```
---@param budget_us? integer µs after which no further piece of work begins; 0 (default): one turn
---@return boolean any whether anything happened
function lunagrad.step(budget_us) end

--- Make the descriptor poll readable.
--- ```lua
--- lg.wakeup() -- whoever watches lg.fd() takes a step
--- ```
function lunagrad.wakeup() end

--- Do now what the first request over HTTPS needs and no step can cut into pieces: 20 to 60 ms, for a
--- loading screen.
--- ```lua
--- lg.preload()
--- ```
function lunagrad.preload() end
