-- test_molecule.lua - a made receptor, and scripts/molecule.lua: with Vina and RDKit where they are
-- installed, and what it says where they are not

require "helper"
local lu = require "luaunit"
local command = require "command"
local lg = require "lunagrad"

local SCRIPT = "scripts/molecule.lua"

local function runs(line)
  local pipe = io.popen(line .. " >/dev/null 2>&1 && echo yes")
  local said = pipe:read "a"
  pipe:close()
  return said:find "yes" ~= nil
end

local LOADS = " -c 'import rdkit, openbabel'"
local has_tools = runs "vina --version"
  and (runs("python3" .. LOADS) or runs("/usr/bin/python3" .. LOADS))

-- A folder for one test, gone after it.
local folder
local function in_folder(line)
  return command.shell(("cd %s && %s"):format(command.quote(folder), line))
end

local function put(name, text)
  local file = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

local root

local function run(...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = command.quote(word) end
  local program = command.path:find "^/" and command.path or root .. "/" .. command.path
  return in_folder(("timeout 200 %s run %s/%s %s"):format(command.quote(program), root, SCRIPT,
    table.concat(words, " ")))
end

local function set_up()
  folder = command.temp() .. ".d"
  os.execute("mkdir -p " .. command.quote(folder))
  local pipe = io.popen "pwd"
  root = pipe:read "l"
  pipe:close()
end

local function tear_down()
  os.execute("rm -rf " .. command.quote(folder))
  command.remove_files()
end

-- ---- a made receptor ---------------------------------------------------------------

local BOX = "center_x = 0\ncenter_y = 0\ncenter_z = 0\nsize_x = 18\nsize_y = 18\nsize_z = 18\n"

TestPocket = {}

function TestPocket.test_it_is_the_same_each_time_and_well_formed()
  local one, same, other = lg.task.pocket(1), lg.task.pocket(1), lg.task.pocket(2)
  lu.assertEquals(one, same)
  lu.assertNotEquals(one.pdbqt, other.pdbqt)
  lu.assertEquals({ one.id, one.made, #one.center, #one.size }, { "pocket-1", true, 3, 3 })
  local n = 0
  for line in one.pdbqt:gmatch "[^\n]+" do
    n = n + 1
    lu.assertEquals({ line:sub(1, 6), #line }, { "ATOM  ", 79 }, line)
    for _, at in ipairs { 31, 39, 47 } do lu.assertNotNil(tonumber(line:sub(at, at + 7)), line) end
  end
  lu.assertTrue(n > 200 and n < 600, n)
end

-- ---- the script -------------------------------------------------------------------

TestMolecule = { setUp = set_up, tearDown = tear_down }

function TestMolecule.test_says_what_is_missing()
  local r = run("vina=no-such-vina", "python=no-such-python")
  lu.assertEquals(r.code, 1)
  for _, word in ipairs { "no%-such%-vina", "RDKit", "apt%-get install" } do
    lu.assertNotNil(r.err:find(word), r.err)
  end
  lu.assertNil(r.err:find "traceback", r.err)
end

function TestMolecule.test_refuses_arguments_before_anything_else()
  for word, told in pairs { ["stepz=3"] = "stepz", ["steps=0"] = "steps", ["steps=x"] = "steps",
    ["starts=,"] = "starts", ["jobs=1.5"] = "jobs", ["ways=none"] = "ways",
    ["receptors=/none"] = "/none" } do
    local r = run(word)
    lu.assertEquals(r.code, 1, word .. r.err)
    lu.assertStrContains(r.err, told)
  end
end

local function numbers_of(out, way)
  local list = {}
  local form = "(%-%d+%.%d+)  (%d%.%d+)  +(%-?%d+%.%d+)  %S+  %(%-?%d+%.%d+%) "
  for vina, qed, s in out:gmatch(form .. way) do
    list[#list + 1] = { tonumber(vina), tonumber(qed), tonumber(s) }
  end
  return list
end

function TestMolecule.test_with_the_real_tools()
  if not has_tools then lu.skip "vina, or Python with RDKit and Open Babel, are not installed" end
  put("MINE_target.pdbqt", lg.task.pocket(7).pdbqt)
  put("MINE_conf.txt", BOX)
  local r = run("receptors=.", "names=MINE", "starts=benzene", "steps=1", "svg=out.svg",
    "ways=feedback,random")
  lu.assertEquals(r.code, 0, r.err)
  local start = numbers_of(r.out, "start")[1]
  lu.assertNotNil(start, r.out)
  lu.assertAlmostEquals(start[2], 0.44, 0.005, "RDKit's QED of benzene")
  lu.assertTrue(start[1] < 0, r.out)
  for _, way in ipairs { "feedback", "random" } do
    local best = numbers_of(r.out, way)[1]
    lu.assertNotNil(best, r.out)
    lu.assertTrue(best[3] <= start[3], way)
    lu.assertAlmostEquals(best[3], best[1] + 1 - best[2], 0.011)
  end
  local picture = command.read(folder .. "/out.svg")
  lu.assertStrContains(picture, "<svg")
  lu.assertStrContains(picture, "MINE")
  local again = run("receptors=.", "names=MINE", "starts=benzene", "steps=1", "svg=out.svg",
    "jobs=1", "ways=feedback,random")
  lu.assertEquals(again.out:gsub("%(docked anew[^\n]*", ""), r.out:gsub("%(docked anew[^\n]*", ""))
  lu.assertEquals(command.read(folder .. "/out.svg"), picture)
end

os.exit(lu.LuaUnit.run())
