-- test_guide.lua - the guides and the cookbook do what they say: each program and each command in them
--
-- A page has one empty directory, in which its blocks are taken in order: ```lua NAME (and ```jsonl
-- NAME, ```csv NAME, ```text NAME) is a file of that name, ```lua a program that is run, ```sh lines
-- that bash runs, with lunagrad to be found and neither a network nor a key. Behind "--> " or "#> "
-- stands what is printed, in this order; "…" in it stands for anything. A command that is to end with
-- another code than 0 says so: "; echo $?". Blocks of other kinds are not looked at.

require "helper"
local lu = require "luaunit"
local command = require "command"

local LONGEST = 25 -- lines of a program in the cookbook

local function pages()
  local list, pipe = {}, assert(io.popen "LC_ALL=C ls docs/guide/*.md docs/cookbook.md")
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

local FILES = { lua = true, jsonl = true, csv = true, text = true }
local KINDS = { lua = true, sh = true, file = true }

-- The blocks of a page: { line =, kind = "file"|"lua"|"sh", name =, text =, shown = { … } }.
local function blocks_of(path)
  local blocks, block, number = {}, nil, 0
  for line in (command.read(path) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local kind, name = line:match "^```(%a+) ?(%S*)$"
    if kind and not block then
      local is_file = FILES[kind] and name ~= ""
      block = { line = number, kind = is_file and "file" or kind, name = name, text = {},
        shown = {}, is_lua = kind == "lua" }
    elseif line == "```" and block then
      blocks[#blocks + 1], block = block, nil
    elseif block then
      block.text[#block.text + 1] = line
      block.shown[#block.shown + 1] = line:match "%-%-> (.-)%s*$" or line:match "#> (.-)%s*$"
    end
  end
  lu.assertNil(block, path .. ": the last block does not end")
  return blocks
end

local function pattern_of(words) return (words:gsub("%p", "%%%0"):gsub("…", ".-")) end

local function check_shown(where, shown, said)
  local at = 1
  for _, words in ipairs(shown) do
    local _, to = said:find(pattern_of(words), at)
    lu.assertNotNil(to, ("%s: %q is not printed, but: %s"):format(where, words, said))
    at = to + 1
  end
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- bash in the page's directory, with what it needs of the environment and nothing else.
local function bash(folder, code)
  local script = command.write(code, ".sh")
  return command.shell(([[case %s in /*) l=%s ;; *) l=$PWD/%s ;; esac
mkdir -p %s/.bin && ln -sf "$l" %s/.bin/lunagrad && cd %s && env -i PATH="$PWD/.bin:$PATH" HOME="$PWD" \
  ASAN_OPTIONS="$ASAN_OPTIONS" timeout 120 bash -e %s 2>&1]]):format(command.path, command.path,
    command.path, folder, folder, folder, script))
end

local function run_block(path, folder, block)
  local where, text = ("%s:%d"):format(path, block.line), table.concat(block.text, "\n") .. "\n"
  if block.kind == "file" then return write(folder .. "/" .. block.name, text) end
  if block.kind == "lua" then
    if not text:find("require \"lunagrad\"", 1, true) then
      text = 'local lg = require "lunagrad" ' .. text
    end
    write(folder .. "/block.lua", text)
    text = "lunagrad run block.lua --display none"
  elseif block.kind ~= "sh" then
    return
  end
  local r = bash(folder, text)
  lu.assertEquals(r.code, 0, where .. ": " .. r.out)
  check_shown(where, block.shown, r.out)
end

TestGuide = {}

function TestGuide.tearDown() command.remove_files() end

for _, path in ipairs(pages()) do
  TestGuide["test_" .. path:match "([%w%-]+)%.md":gsub("%-", "_")] = function()
    local folder = command.temp()
    os.remove(folder)
    assert(os.execute("mkdir -p " .. folder))
    local ok, problem = pcall(function()
      for _, block in ipairs(blocks_of(path)) do run_block(path, folder, block) end
    end)
    os.execute("rm -rf " .. folder)
    if not ok then error(problem, 0) end
  end
end

TestForm = {}

function TestForm.test_recipes_are_short_and_run()
  for _, block in ipairs(blocks_of "docs/cookbook.md") do
    lu.assertTrue(not block.is_lua or #block.text <= LONGEST, "docs/cookbook.md:" .. block.line)
  end
end

-- Nothing is passed over because its kind is spelt otherwise.
function TestForm.test_kinds_are_known()
  for _, path in ipairs(pages()) do
    for _, block in ipairs(blocks_of(path)) do
      lu.assertTrue(KINDS[block.kind], ("%s:%d: %s"):format(path, block.line, block.kind))
    end
  end
end

-- A file that no command names is not tried.
function TestForm.test_every_program_is_run()
  for _, path in ipairs(pages()) do
    local blocks, commands = blocks_of(path), {}
    for _, block in ipairs(blocks) do
      if block.kind == "sh" then commands[#commands + 1] = table.concat(block.text, "\n") end
    end
    local all = table.concat(commands, "\n")
    for _, block in ipairs(blocks) do
      local program = block.kind == "file" and block.is_lua
      lu.assertTrue(not program or all:find(block.name, 1, true) ~= nil,
        ("%s:%d: no command runs %s"):format(path, block.line, block.name))
    end
  end
end

os.exit(lu.LuaUnit.run())
