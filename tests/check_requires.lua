--- check_requires.lua - the order of the Lua files: who may require whom, lazy requires included.
--
-- Usage: lua5.4 tests/check_requires.lua [TREE]     TREE: where lua/lunagrad is; "."
--
-- The library never requires the command (cli/), the simulated world nothing of what it is a world
-- for, and no modules require each other round. What a module needs when it is used (a require
-- inside a function) counts like any other: without it the order would hold only until then.
-- lunagrad itself (init.lua) only puts together: it may require all, and only the command it.

local ROOT = (arg[1] or ".") .. "/lua/lunagrad"

--- What a folder's files may require, besides their own folder and modules in C. The library is
--- what lies in no folder; "task", "improve" and "report" are above it, "cli" above all.
local MAY = {
  library = { library = true, book = true, world = true },
  book = { library = true },
  world = {},
  improve = { library = true, book = true },
  host = { library = true, book = true, world = true, improve = true, root = true },
  task = { library = true, improve = true, world = true },
  report = { library = true, book = true },
  cli = { library = true, book = true, world = true, improve = true, task = true, report = true,
    root = true },
}
--- Of the library, what the world may use: pure, and about nothing that it could give away.
local PLAIN = { ["lunagrad.rng"] = true }
--- Modules in C.
local IN_C = { ["lunagrad.core"] = true, ["lunagrad.file"] = true,
  ["lunagrad.look"] = "cli",
  ["lunagrad.term"] = "cli", ["lunagrad.line"] = "cli", ["lunagrad.mockd"] = "cli",
  ["lunagrad.cli.kept"] = "cli" } -- made by bake.lua
--- Modules that require each other round, and why they may: "a b" = reason.
local ROUND = {}

local bad = 0
local function complain(...)
  io.stdout:write(string.format(...), "\n")
  bad = bad + 1
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- Line by line without comments: a require in a text or behind "--" is none.
local function requires(text)
  local list, number = {}, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local code = line:gsub("%-%-.*", "")
    for name in code:gmatch "require%s*%(?%s*[\"'](lunagrad[%w_.]*)[\"']" do
      list[#list + 1] = { name = name, line = number }
    end
  end
  return list
end

local function modules()
  local list, pipe = {}, assert(io.popen(("LC_ALL=C find '%s' -name '*.lua' | sort"):format(ROOT)))
  for path in pipe:lines() do
    local inside = path:sub(#ROOT + 2)
    local name = ("lunagrad." .. inside:gsub("%.lua$", ""):gsub("/", ".")):gsub("%.init$", "")
    local folder = name == "lunagrad" and "root" or inside:match "^([^/]*)/" or "library"
    local one = { name = name, path = path, folder = folder, requires = requires(read(path)) }
    list[#list + 1], list[name] = one, one
  end
  pipe:close()
  return list
end

-- init.lua's table of what is loaded when it is used holds names of modules, too: it is the root.
local function check_one(all, one, wanted)
  local where = ("%s:%d"):format(one.path, wanted.line)
  local c, other = IN_C[wanted.name], all[wanted.name]
  if c then
    if c ~= true and one.folder ~= c then
      complain("%s: %s is for %s/ alone", where, wanted.name, c)
    end
  elseif wanted.name:find "%.$" then -- a folder's, by a name that is made when it runs
    if wanted.name:match "^lunagrad%.(%w+)%.$" ~= one.folder then
      complain("%s: any module of %s", where, wanted.name)
    end
  elseif not other then
    complain("%s: there is no module %s", where, wanted.name)
  elseif one.folder == "root" then
    if other.folder == "cli" then complain("%s: the library requires %s", where, wanted.name) end
  elseif not MAY[one.folder] then
    complain("%s: the folder is in no list of tests/check_requires.lua", where)
  elseif other.folder ~= one.folder and not MAY[one.folder][other.folder]
    and not (one.folder == "world" and PLAIN[wanted.name]) then
    complain("%s: %s may not require %s", where,
      one.folder == "library" and "the library" or one.folder .. "/", wanted.name)
  end
end

-- Which modules reach which, without recursion.
local function reached(all, from)
  local open, seen = { from }, {}
  while #open > 0 do
    local one = table.remove(open)
    for _, wanted in ipairs(one.requires) do
      local other = all[wanted.name]
      if other and not seen[other.name] then
        seen[other.name] = true
        open[#open + 1] = other
      end
    end
  end
  return seen
end

local function check_circles(all)
  local reach, told, circles = {}, {}, 0
  for _, one in ipairs(all) do reach[one.name] = reached(all, one) end
  for i, one in ipairs(all) do
    if reach[one.name][one.name] and not told[one.name] then
      local names = { one.name }
      for k = i + 1, #all do
        local other = all[k].name
        if reach[one.name][other] and reach[other][one.name] then
          names[#names + 1], told[other] = other, true
        end
      end
      local circle = table.concat(names, " ")
      circles = circles + 1
      if not ROUND[circle] then complain("require each other round: %s", circle) end
    end
  end
  return circles
end

local all, arrows = modules(), 0
for _, one in ipairs(all) do
  for _, wanted in ipairs(one.requires) do
    arrows = arrows + 1
    check_one(all, one, wanted)
  end
end
local circles = check_circles(all)
print(("lint: requires: %d modules, %d requires, circles %d"):format(#all, arrows, circles))
os.exit(bad == 0 and 0 or 1)
