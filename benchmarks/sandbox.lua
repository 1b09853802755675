--- sandbox.lua: Lua candidates in a sandbox, n at once; run by run.sh, whose program measures it.
--
-- Usage: lua5.4 benchmarks/sandbox.lua N [LOOPS]     LOOPS: what each computes; 0: nothing
-- Prints the wall time in seconds; which part of it the workers ran, or waited for a processor, on
-- the average (the rest they waited for us); and the resident memory of this process and of its
-- workers, in KB.

local lg = require "lunagrad"

local n, loops = tonumber(arg[1]) or 1000, tonumber(arg[2]) or 0

local function words(path)
  local file = io.open(path)
  local text = file and file:read "a" or ""
  if file then file:close() end
  return text
end

local function uptime() return tonumber(words("/proc/uptime"):match "^[%d.]+") end

-- Seconds that a process ran, and that it stood in line for a processor.
local function wanted(pid)
  local ran, waited = words(("/proc/%s/schedstat"):format(pid)):match "^(%d+) (%d+)"
  return ran and (tonumber(ran) + tonumber(waited)) / 1e9 or 0
end

local function resident(pid)
  return tonumber(words(("/proc/%s/status"):format(pid)):match "VmRSS:%s+(%d+)") or 0
end

local box = lg.sandbox { instructions = 1e9 }
local source = loops > 0 and ("local x = 0 for i = 1, %d do x = x + i %% 7 end return x")
  :format(loops) or "return 1"
local list = {}
for i = 1, n do list[i] = i end
box:run(source) -- workers are started by the first
local start = uptime()
lg.map(list, function(i)
  local r = box:run(source .. " -- " .. i)
  assert(r.ok, r.message)
end)
local seconds, memory, busy, count = uptime() - start, 0, 0, 0
for pid in words("/proc/self/task/" .. words("/proc/self/stat"):match "%d+" .. "/children")
  :gmatch "%d+" do
  memory, busy, count = memory + resident(pid), busy + wanted(pid), count + 1
end
print(("n=%d seconds=%.2f busy=%.3f rss=%d workers=%d workers_rss=%d"):format(n, seconds,
  busy / math.max(seconds, 0.01) / math.max(count, 1), resident "self", count, memory))
