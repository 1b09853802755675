--- Worked examples behind an instruction: a block that is recognised, taken off and put on again.
--
-- The block is the text's end: a heading, then examples, each with what came in and what came out.
-- Operators that write see the instruction alone, and the block is put behind what they wrote; the
-- operator "demos" makes it. Texts in, texts out; nobody is asked.

local layer = require "lunagrad.text"

local worked = {}

local HEAD = "Worked examples:"

-- Where the block begins, with the blanks before it; nil: there is none.
local function find(text)
  local from, at = nil, 1
  while true do
    local head, behind = text:find(HEAD, at, true)
    if not head then return from end
    local alone = head == 1 or text:sub(head - 1, head - 1) == "\n"
    if alone and text:find("^%s*\nInput:", behind + 1) then return head end
    at = behind + 1
  end
end

--- A text as instruction and block; the block is "" where there is none.
---@param text string
---@return string instruction, string block
function worked.split(text)
  local from = find(text)
  if not from then return text, "" end
  return (text:sub(1, from - 1):gsub("%s+$", "")), text:sub(from)
end

--- An instruction with a block behind it.
---@param instruction string
---@param block string
---@return string
function worked.join(instruction, block)
  if block == "" then return instruction end
  if not instruction:find "%S" then return block end
  return (instruction:gsub("%s+$", "")) .. "\n\n" .. block
end

local function entry(one)
  local glue = one.input:find("\n", 1, true) and "\n" or " "
  local behind = one.output:find("\n", 1, true) and "\n" or " "
  return "Input:" .. glue .. layer.trim(one.input) .. "\nOutput:" .. behind
    .. layer.trim(one.output)
end

--- The block of some examples; "" of none.
---@param examples { input: string, output: string }[]
---@return string
function worked.block(examples)
  if #examples == 0 then return "" end
  local parts = { HEAD }
  for i, one in ipairs(examples) do parts[i + 1] = entry(one) end
  return table.concat(parts, "\n\n")
end

return worked
