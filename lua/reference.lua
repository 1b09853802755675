--- reference.lua: writes docs/reference/ from lua/meta/, or tells whether it is as they are.
--
-- Usage: lua5.4 lua/reference.lua [--check]     from the project's directory, with the module built
-- (LUA_CPATH="build/?.so;;"). Run by `make reference` and `make lint`.

package.cpath = (os.getenv "BUILD" or "build") .. "/?.so;" .. package.cpath
require "lunagrad.core" -- after it all of lunagrad.* is found
local reference = require "lunagrad.cli.reference"

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function listed(pattern)
  local pipe, list = assert(io.popen("LC_ALL=C ls -d " .. pattern .. " 2>/dev/null")), {}
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

local texts = {}
for _, path in ipairs(listed "lua/meta/*.lua") do texts[path:match "[^/]+$"] = read(path) end
local pages = reference.pages(reference.read(texts))

local index, names = { "# Everything a script can call\n" }, {}
for name in pairs(pages) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  index[#index + 1] = ("* [%s](%s.md)"):format(pages[name]:match "^# ([^\n]*)", name)
end
pages.README = table.concat(index, "\n") .. "\n"

local bad = 0
local function check(path, wanted)
  if read(path) == wanted then return end
  io.stdout:write(path, " is not what lua/meta/ says: make reference\n")
  bad = bad + 1
end

for name, text in pairs(pages) do
  local path = ("docs/reference/%s.md"):format(name)
  if arg[1] == "--check" then
    check(path, text)
  else
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end
end
for _, path in ipairs(listed "docs/reference/*.md") do
  if not pages[path:match "([^/]+)%.md$"] then check(path, nil) end
end
os.exit(bad == 0)
