-- graph.lua N - a chain of N nodes with a Lua function as the model: build, run, backward.
--
-- Run by run.sh. The chain is as deep as it is long, so any recursion would show. Prints
-- one line: nodes, us_node (CPU time of all three phases), bytes_node (resident memory, at the end).

local lg = require "lunagrad"

local n = math.tointeger(tonumber(arg[1])) or 10000
local model = lg.model(function() return "text" end)
lg.default { model = model, backward = model, optimizer = model }

local function resident()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s+(%d+)"
    if kb then return tonumber(kb) * 1024 end
  end
end

collectgarbage()
local before = resident()
local start = os.clock()
local first = lg.param("start", "beginning of the chain")
local node = first
for _ = 1, n do node = model { node, role = "link" } end
local built = os.clock()
node:text()
local ran = os.clock()
node:backward()
assert(#first:feedback() > 0, "no feedback arrived") -- waits for it
local done = os.clock()
local bytes = resident() - before

print(("nodes=%d us_node=%.2f bytes_node=%.0f build_us=%.2f run_us=%.2f backward_us=%.2f"):format(
  n, (done - start) / n * 1e6, bytes / n, (built - start) / n * 1e6, (ran - built) / n * 1e6,
  (done - ran) / n * 1e6))
