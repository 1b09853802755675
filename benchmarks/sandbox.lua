--- sandbox.lua: Lua candidates in a sandbox, n at once; run by run.sh, whose program measures it.
--
-- Usage: lua5.4 benchmarks/sandbox.lua N [LOOPS]     LOOPS: what each computes; 0: nothing
-- Prints wall time in ms, how much of the processors was idle meanwhile (everybody's), and the
-- resident memory of this process and of its workers, in KB.

local lg = require "lunagrad"

local n, loops = tonumber(arg[1]) or 1000, tonumber(arg[2]) or 0

local function words(path)
  local file = io.open(path)
  local text = file and file:read "a" or ""
  if file then file:close() end
  return text
end

local function processors() -- all of their time, and what was idle, in ticks
  local all, idle, i = 0, 0, 0
  for ticks in words("/proc/stat"):match("^cpu ([%d ]+)"):gmatch "%d+" do
    i = i + 1
    all = all + (i <= 8 and tonumber(ticks) or 0)
    if i == 4 or i == 5 then idle = idle + tonumber(ticks) end
  end
  return all, idle
end

local function resident(pid)
  return tonumber(words(("/proc/%s/status"):format(pid)):match "VmRSS:%s+(%d+)") or 0
end

local box = lg.sandbox { instructions = 1e9 }
local source = loops > 0 and ("local x = 0 for i = 1, %d do x = x + i %% 7 end return x")
  :format(loops) or "return 1"
local list = {}
for i = 1, n do list[i] = i end
local all, idle = processors()
local start = os.time()
lg.map(list, function(i)
  local r = box:run(source .. " -- " .. i)
  assert(r.ok, r.message)
end)
local all_after, idle_after = processors()
local workers = 0
for pid in words("/proc/self/task/" .. words("/proc/self/stat"):match "%d+" .. "/children")
  :gmatch "%d+" do
  workers = workers + resident(pid)
end
local span = math.max(1, all_after - all)
print(("n=%d seconds=%d idle=%.3f rss=%d workers_rss=%d"):format(n, os.time() - start,
  (idle_after - idle) / span, resident "self", workers))
