--- Who waits for what, in words: for the message when nothing can go on any more.
--
-- Reads the lists of the loop (loop.lua), and changes nothing.

local deadlock = {}

local MOST = 6 -- lines

local function task_name(task)
  if not task then return "the script" end
  local context = task.context
  if context and context.what then return context.what end
  return context and context.example and ("example %d"):format(context.example) or "a task"
end

local function name(what)
  if type(what) == "table" then return task_name(what) end
  if type(what) ~= "userdata" then return what or "something" end
  local role = what:raw_role()
  return ("%s (node %d)"):format(role ~= "" and role or what:op(), what:id())
end

local function line(task, awaits)
  return task_name(task) .. " waits for " .. name(awaits)
end

--- "the script waits for x (node 3), the tool \"y\" (node 3) waits for …"
---@param below table[] the nested loops, the outermost first: { task, awaits }
---@param waiting table tag → task, or what is no task
---@return string
function deadlock.who_waits(below, waiting)
  local lines, tags = {}, {}
  for _, one in ipairs(below) do
    local named = type(one.awaits) == "table" and one.awaits.tag -- it has a line of its own
    if not named then lines[#lines + 1] = line(one.task, one.awaits) end
  end
  for tag, task in pairs(waiting) do
    if type(task) == "table" and task.awaits then tags[#tags + 1] = tag end
  end
  table.sort(tags)
  for _, tag in ipairs(tags) do
    lines[#lines + 1] = line(waiting[tag], waiting[tag].awaits)
  end
  local more = #lines - MOST
  if more > 0 then lines[MOST + 1] = ("%d more wait"):format(more) end
  return table.concat(lines, ", ", 1, math.min(#lines, MOST + 1))
end

return deadlock
