-- test_docs.lua - what the documentation shows is run: every block of Lua in the pages below
--
-- Each block is a script of its own, run by the command in an empty directory, on sim and without a
-- network. Where a line ends in "--> words", these words are printed, in this order; "…" in them
-- stands for anything. A block that cannot stand alone does not belong into these pages; those of
-- all other pages may be pieces, want keys or files, and are only compiled.

require "helper"
local lu = require "luaunit"
local command = require "command"

local PAGES = { "docs/command.md", "docs/from-gepa-dspy.md", "docs/from-textgrad.md",
  "docs/losses.md",
  "docs/plots.md", "docs/prompts.md", "docs/radiotherapy.md", "docs/tasks.md" }

-- The blocks of a page: { line =, code =, shown = { words that are printed } }.
local function blocks_of(path)
  local blocks, block, number = {}, nil, 0
  for line in (command.read(path) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    if line == "```lua" then
      block = { line = number, code = {}, shown = {} }
    elseif line == "```" and block then
      blocks[#blocks + 1], block = block, nil
    elseif block then
      block.code[#block.code + 1] = line
      block.shown[#block.shown + 1] = line:match "%-%-> (.-)%s*$"
    end
  end
  return blocks
end

-- The words as a pattern.
local function pattern_of(words)
  return (words:gsub("%p", "%%%0"):gsub("…", ".-"))
end

local function check(path, block)
  local where = ("%s:%d"):format(path, block.line)
  local code = table.concat(block.code, "\n")
  if not code:find("require \"lunagrad\"", 1, true) then
    code = 'local lg = require "lunagrad" ' .. code
  end
  local file = command.write(code, ".lua")
  local r = command.shell(([[d=$(mktemp -d); l=%s; case $l in /*) ;; *) l=$PWD/$l ;; esac
( cd "$d" && env -i PATH="$PATH" HOME="$d" ASAN_OPTIONS="$ASAN_OPTIONS" \
  timeout 60 "$l" run %s --display none ); code=$?
rm -rf "$d"; exit $code]]):format(command.quote(command.path), file))
  lu.assertEquals(r.code, 0, where .. ": " .. r.err)
  local at = 1
  for _, words in ipairs(block.shown) do
    local _, to = r.out:find(pattern_of(words), at)
    lu.assertNotNil(to, ("%s: %q is not printed, but: %s"):format(where, words, r.out))
    at = to + 1
  end
end

TestPages = {}

function TestPages.tearDown() command.remove_files() end

for _, path in ipairs(PAGES) do
  local blocks = blocks_of(path)
  for i, block in ipairs(blocks) do
    TestPages[("test_%s_%02d"):format(path:match "([%w%-]+)%.md":gsub("%-", "_"), i)] = function()
      check(path, block)
    end
  end
  TestPages["test_" .. path:match "([%w%-]+)%.md":gsub("%-", "_") .. "_has_blocks"] = function()
    lu.assertTrue(#blocks > 0, path)
  end
end

-- ---- all pages -------------------------------------------------------------------------

TestAll = {}

local function pages()
  local list, pipe = { "README.md" }, assert(io.popen "ls docs/*.md docs/*/*.md")
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

function TestAll.test_every_block_compiles()
  local seen = 0
  for _, path in ipairs(pages()) do
    for _, block in ipairs(blocks_of(path)) do
      local code = table.concat(block.code, "\n")
      local ok, problem = load(code, path) -- or an expression, or a field of a table
      ok = ok or load("return " .. code, path) or load("return {" .. code .. "}", path)
      lu.assertNotNil(ok, ("%s:%d: %s"):format(path, block.line, problem))
      seen = seen + 1
    end
  end
  lu.assertTrue(seen > 20, seen)
end

-- The README's first lines of Lua run as they stand: ten, and they fit on a screen.
function TestAll.test_the_readme_begins_with_a_program()
  local block = blocks_of "README.md"[1]
  lu.assertEquals(#block.code, 10)
  lu.assertTrue(block.line < 30, block.line)
  check("README.md", block)
end

-- The script that the README shows next is the one in scripts/, which has a comment in front of it.
function TestAll.test_the_readme_shows_the_script_that_there_is()
  local blocks = blocks_of "README.md"
  local shown = table.concat(blocks[2].code, "\n") .. "\n"
  local script = command.read "scripts/quickstart.lua"
  lu.assertEquals(script:sub(-#shown), shown)
end

-- Links between pages, and to headings in them, lead somewhere.
function TestAll.test_links_between_pages()
  for _, path in ipairs(pages()) do
    local folder = path:match "^(.*/)" or ""
    for target in command.read(path):gmatch "%]%(([^)%s]+)%)" do
      local file, heading = target:match "^([^#]*)#?(.*)$"
      if not target:find "^%a+:" then
        local text = command.read(file == "" and path or folder .. file)
        local is_folder = file:find "/$" ~= nil
        lu.assertTrue(is_folder or text ~= "", ("%s: %s"):format(path, target))
        local found = heading == ""
        for title in ("\n" .. text):gmatch "\n#+ ([^\n]+)" do
          local slug = title:lower():gsub("[^%w%s%-_]", ""):gsub("%s", "-")
          found = found or slug == heading
        end
        lu.assertTrue(found, ("%s: no heading for %s"):format(path, target))
      end
    end
  end
end

os.exit(lu.LuaUnit.run())
