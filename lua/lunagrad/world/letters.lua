--- Criticism of several texts at once, each under its letter.
--
-- A message may show texts under letters ("A. its role:" and tags of that letter) and ask for a
-- line for each. Each is criticised as if it alone had been asked about: marks like [B] are read
-- as the texts they stand for, and of a program's steps, shown one below the other, those count in
-- which the text's own mark stands. This knows letters and marks, nobody's particular prompts.

local letters = {}

local MOST_STEPS = 4 -- that somebody looks at closely for one text

--- The texts shown under letters, in order; empty when a message shows none.
---@param text string
---@return { letter: string, role: string, text: string }[] list, string rest without them
function letters.find(text)
  local list, rest, at = {}, {}, 1
  while true do
    local from, to, letter, role, tag, said =
      text:find("%f[^\n\0](%u)%. ([^\n]-):\n<(%u[_%d]*)>\n(.-)\n</%3>\n?", at)
    if not from then break end
    if tag:sub(1, 1) == letter then
      list[#list + 1] = { letter = letter, role = (role:gsub("%s*%b()$", "")), text = said }
    end
    rest[#rest + 1] = text:sub(at, from - 1)
    at = to + 1
  end
  return list, table.concat(rest) .. text:sub(at)
end

-- What the marks in a text stand for.
local function fill(text, list)
  for _, one in ipairs(list) do
    text = text:gsub("%[" .. one.letter .. "%]", { ["[" .. one.letter .. "]"] = one.text })
  end
  return text
end

-- The steps of a program's trace, from its lines: { number, text }.
local function steps(trace)
  local list = {}
  local now
  for line in (trace .. "\n"):gmatch "(.-)\n" do
    local number = line:match "^Step (%d+)"
    if number then
      now = { number = number }
      list[#list + 1] = now
    elseif line:find "^Case %d" then
      now = nil
    elseif now then
      now[#now + 1] = line
    end
  end
  for _, step in ipairs(list) do step.text = table.concat(step, "\n") end
  return list
end

-- Those in which a letter's mark stands, as conversations; where the result of an earlier step
-- stands, it is filled in.
local function steps_of(trace, letter, list)
  local found, made = {}, {}
  for _, step in ipairs(steps(trace)) do
    local text = step.text
    made[step.number] = text:match "<OUTPUT>\n(.-)\n</OUTPUT>"
      or text:match "<RESULT>\n(.-)\n</RESULT>"
    if text:find("[" .. letter .. "]", 1, true) and #found < MOST_STEPS then
      found[#found + 1] = fill(text:gsub("%[step (%d+)%]", made), list)
    end
  end
  return found
end

--- One message for each conversation that a text has a part in, as somebody who is asked about it
--- alone would read it.
---@param one { letter: string, role: string, text: string }
---@param list { letter: string, role: string, text: string }[] all of them
---@param rest string the message without them
---@return string[]
function letters.messages(one, list, rest)
  local head = ("Give feedback on a text with the role \"%s\".\n<VARIABLE>\n%s\n</VARIABLE>\n")
    :format(one.role, one.text)
  local trace = rest:match "<TRACE>\n(.-)\n</TRACE>"
  if not trace then return { head .. fill(rest, list) } end
  local messages = {}
  for _, step in ipairs(steps_of(trace, one.letter, list)) do
    messages[#messages + 1] = head .. "<CONVERSATION>\n" .. step .. "\n</CONVERSATION>\n"
  end
  return messages
end

return letters
