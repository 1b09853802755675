-- luajit.lua - a LuaJIT program with a loop of its own: the library by FFI, in one file.
--
--   LUA_PATH="lua/?.lua;;" LUNAGRAD_LIBRARY=build/liblunagrad.so luajit scripts/hosts/luajit.lua
--   … scripts/hosts/luajit.lua text="Count." steps=2 model=openai/gpt-4o-mini
--
-- The script runs in the library's own Lua 5.4. poll() takes two milliseconds of a frame; what comes out
-- is one line of JSON, as the script returned it. On an installed library no variable need be set.

local lg = require "lunagrad_ffi"

local here = debug.getinfo(1, "S").source:match "^@(.*/)" or ""
local args = {}
for _, word in ipairs(arg) do
  local name, value = word:match "^([%w_]+)=(.*)$"
  if not name then error(("%s: expected name=value"):format(word), 0) end
  args[name] = value
end

local file = assert(io.open(here .. "improve.lua", "rb"))
local job = lg.run(file:read "*a", args, { name = "improve.lua",
  allow = args.model and { "models" } or {} }) -- models of names: the network, keys in the environment
file:close()

local frames = 0
while job:poll(2000) == "pending" do
  frames = frames + 1 -- the program's own work would be here …
  if job.engine:timeout() ~= 0 then job.engine:wait(10) end -- … and its own waiting
end

if job.error then error(tostring(job.error), 0) end
print(job.result_json)
io.stderr:write(("%d frames while it was improved\n"):format(frames))
