-- test_starter.lua - lunagrad init: a folder that runs at once, and keeps what is there

local lu = require "luaunit"
local command = require "command"

local made = {}

local function folder()
  local dir = command.temp() .. ".d"
  made[#made + 1] = dir
  return dir
end

local function shell(line, ...)
  return command.shell(line:format(...):gsub("%$LG", (command.path:gsub("^build",
    (os.getenv "PWD" or ".") .. "/build"))))
end

TestStarter = {}

function TestStarter.tearDown()
  for _, dir in ipairs(made) do os.execute("rm -rf " .. command.quote(dir)) end
  made = {}
  command.remove_files()
end

function TestStarter:test_the_default_runs_at_once_and_gains()
  local dir = folder()
  lu.assertEquals(command.run("init", dir).code, 0)
  local got = shell("cd %s && env -i PATH=$PATH HOME=%s timeout 60 $LG run start.lua"
    .. " --display none",
    dir, dir)
  lu.assertEquals(got.code, 0, got.err)
  local from, to = got.out:match "validation ([%d.]+) %-> ([%d.]+)"
  lu.assertTrue(tonumber(to) > tonumber(from), got.out)
  local lines = select(2, command.read(dir .. "/rows.jsonl"):gsub("\n", ""))
  lu.assertEquals(lines, 20)
  for _, name in ipairs { ".luarc.json", ".env.example", ".gitignore", "types/lunagrad.lua" } do
    lu.assertTrue(#command.read(dir .. "/" .. name) > 0, name)
  end
end

function TestStarter:test_nothing_is_written_over()
  local dir = folder()
  os.execute("mkdir -p " .. dir)
  local file = assert(io.open(dir .. "/start.lua", "w"))
  file:write "mine"
  file:close()
  local got = command.run("init", dir)
  lu.assertEquals(got.code, 0)
  lu.assertStrContains(got.out, "start.lua")
  lu.assertEquals(command.read(dir .. "/start.lua"), "mine")
end

function TestStarter:test_examples_are_the_scripts_as_they_are()
  local listed = command.run("init", "--list").out
  local n = 0
  for path in io.popen("ls scripts/*.lua"):lines() do
    n = n + 1
    local name = path:match "([%w_]+)%.lua$"
    lu.assertStrContains("\n" .. listed, "\n" .. name .. "  ")
    local dir = folder()
    lu.assertEquals(command.run("init", dir, "--example", name).code, 0, name)
    lu.assertEquals(command.read(("%s/%s.lua"):format(dir, name)), command.read(path))
  end
  lu.assertTrue(n > 5)
end

function TestStarter:test_misuse()
  lu.assertEquals(command.run("init", folder(), "--example", "promt").code, 2)
  lu.assertStrContains(command.run("init", folder(), "--example", "promt").err, "prompt")
  lu.assertEquals(command.run("init", "a", "b").code, 2)
  lu.assertEquals(command.run("init", "README.md").code, 2)
end

os.exit(lu.LuaUnit.run())
