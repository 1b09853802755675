--- llms.lua: writes docs/llms.txt, the list of all pages for programs that read documentation, or
-- tells whether it is as the pages are.
--
-- Usage: lua5.4 lua/llms.lua [--check]     from the project's directory.
-- Sections and words are those of docs/README.md; a page that it does not name stands at the end, by
-- its own heading. Run by `make reference` and `make lint`.

local INDEX, OUT = "docs/README.md", "docs/llms.txt"

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function listed(command)
  local pipe, list = assert(io.popen(command)), {}
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local index = assert(read(INDEX))
local out = { "# lunagrad\n" }
local about = index:match "^#[^\n]*\n+(.-)\n\n"
out[#out + 1] = "> " .. about:gsub("\n", " ") .. "\n"

local named, missing = {}, {}
for line in index:match("\n## .*"):gmatch "[^\n]+" do
  local title, target, words = line:match "^%* %[(.-)%]%((.-)%): (.*)$"
  if title then
    named["docs/" .. target] = true
    out[#out + 1] = ("- [%s](%s): %s"):format(title, target, words)
  elseif line:find "^## " then
    out[#out + 1] = (#out > 2 and "\n" or "") .. line .. "\n"
  end
end

local pages = listed "LC_ALL=C ls docs/*.md docs/guide/*.md docs/reference/*.md docs/internals/*.md"
for _, path in ipairs(pages) do
  if path ~= INDEX and not named[path] then
    local title = (read(path):match "^# ([^\n]*)" or path):gsub("`", "")
    missing[#missing + 1] = ("- [%s](%s)"):format(title, path:gsub("^docs/", ""))
  end
end
if #missing > 0 then
  out[#out + 1] = "\n## Optional\n"
  table.move(missing, 1, #missing, #out + 1, out)
end

local text = table.concat(out, "\n") .. "\n"
if arg[1] == "--check" then
  if read(OUT) == text then os.exit(true) end
  io.stdout:write(OUT, " is not what the pages of docs/ are: make reference\n")
  os.exit(false)
end
local file = assert(io.open(OUT, "wb"))
file:write(text)
file:close()
