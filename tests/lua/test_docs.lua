-- test_docs.lua - what the documentation shows is run: every block of Lua in the pages below
--
-- Each block is a script of its own, run by the command in an empty directory, on sim and without a
-- network. Where a line ends in "--> words", these words are printed, in this order; "…" in them
-- stands for anything. A block that cannot stand alone does not belong into these pages.

require "helper"
local lu = require "luaunit"
local command = require "command"

local PAGES = { "docs/from-textgrad.md", "docs/prompts.md" }

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

os.exit(lu.LuaUnit.run())
