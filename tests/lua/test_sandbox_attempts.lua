-- test_sandbox_attempts.lua - each attempt of sandbox_attempts.lua ends as it has to, within its
-- limits, and those that ran beside it and after it never notice

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local attempts = require "sandbox_attempts"

local _ = helper

-- What an honest candidate sees of its world: all that another may have touched.
local WITNESS = [[
local names = {}
for name, value in pairs(_G) do names[#names + 1] = name .. ":" .. tostring(value) end
for name, value in pairs(string) do names[#names + 1] = name .. ":" .. tostring(value) end
local meta = getmetatable ""
for name, value in pairs(meta) do names[#names + 1] = name .. ":" .. tostring(value) end
print(tostring {}, tostring(coroutine.create(print)), left_behind)
return names, math.random(1 << 50), ("x"):rep(3), string.format("%p", {}), ("%5.2f"):format(1 / 3)
]]

local function is_one_of(list, kind)
  for one in list:gmatch "[^|]+" do
    if one == kind then return true end
  end
  return false
end

local function boxes()
  local by_memory = {}
  return function(memory)
    memory = memory or 16 << 20
    by_memory[memory] = by_memory[memory] or lg.sandbox { memory = memory, timeout = 0.5,
      instructions = 3e6 }
    return by_memory[memory]
  end
end

TestAttempts = {}

function TestAttempts.test_all_are_held()
  local box_of = boxes()
  local first = box_of():run(WITNESS)
  lu.assertTrue(first.ok, first.message)
  local jobs = {}
  for _, attempt in ipairs(attempts) do -- an honest one beside each
    jobs[#jobs + 1] = { attempt = attempt }
    jobs[#jobs + 1] = {}
  end
  local results = lg.map(jobs, function(job)
    if not job.attempt then return box_of():run(WITNESS) end
    return box_of(job.attempt.memory):run(job.attempt.source)
  end)
  for i, job in ipairs(jobs) do
    local r, attempt = results[i], job.attempt
    if attempt then
      local kind = r.ok and "ok" or r.kind
      lu.assertTrue(is_one_of(attempt.ends, kind), ("%s: ended by %s (%s)"):format(attempt.name,
        kind, tostring(r.message)))
      if r.ok and is_one_of(attempt.ends, "ok") and attempt.ends == "ok" then
        lu.assertEquals(r.values[1], attempt.value, attempt.name)
      end
      lu.assertTrue(#r.output <= 65536, attempt.name)
      lu.assertTrue(not r.memory or r.memory <= (attempt.memory or 16 << 20), attempt.name)
    else
      lu.assertEquals(r, first, "beside " .. jobs[i - 1].attempt.name)
    end
  end
  lu.assertTrue(#attempts >= 40)
end

-- What ends by a count ends at the same place every time, whatever ran before.
function TestAttempts.test_the_same_every_time()
  local box = lg.sandbox { timeout = 5, instructions = 2e5 }
  local exact = {}
  for _, attempt in ipairs(attempts) do
    if not attempt.ends:find "time" and not attempt.ends:find "crash" then
      exact[#exact + 1] = attempt
    end
  end
  local function run_all()
    return lg.map(exact, function(attempt) return box:run(attempt.source) end)
  end
  local first, second = run_all(), run_all()
  for i, attempt in ipairs(exact) do lu.assertEquals(second[i], first[i], attempt.name) end
end

os.exit(lu.LuaUnit.run(), true)
