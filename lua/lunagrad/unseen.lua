--- Failures that nobody looked at: results of the graph, and tasks that nobody waited for.
--
-- The engine counts the results (engine/graph/unseen.c); tasks are counted here. What was cancelled, and
-- what a limit of the run refused, is no failure of this kind. Nor is what a task has begun that
-- failed itself: its error stands for theirs, be it caught, told to a model, or skipped as an
-- example. Told at the end by the command, and where the library logs, by a stock Lua.

local unseen = {}

local tasks = {} -- failed task → { number =, problem = }
local last = 0

--- A task has failed, and nobody waits for it so far.
function unseen.add(task, problem)
  if task.disowned then return end
  if type(problem) == "table" and problem.kind == "cancelled" then return end
  last = last + 1
  tasks[task] = { number = last, problem = problem }
end

--- Somebody has waited for a task.
function unseen.look(task) tasks[task] = nil end

-- ---- what a task has begun -----------------------------------------------------------

local FIRST_SWEEP = 64
local WEAK = { __mode = "v" } -- what is not wanted any more is not kept for this

-- Forgets what ended well.
local function sweep(begun)
  local kept = 0
  for i = 1, begun.n do
    local one = begun[i]
    begun[i] = nil
    local is_over = not one or type(one) == "table" and one.ok
      or type(one) == "userdata" and one:raw_state() == "ready"
    if not is_over then
      kept = kept + 1
      begun[kept] = one
    end
  end
  begun.n, begun.sweep_at = kept, math.max(FIRST_SWEEP, 2 * kept)
end

--- A task has begun a variable or another task.
function unseen.note(task, one)
  if task.is_script then return end -- its end is the run's
  local begun = task.begun
  if not begun then
    begun = setmetatable({ n = 0, sweep_at = FIRST_SWEEP }, WEAK)
    task.begun = begun
  end
  if begun.n >= begun.sweep_at then sweep(begun) end
  begun.n = begun.n + 1
  begun[begun.n] = one
end

--- A task has failed: so may what it has begun, now or later.
function unseen.passed_on(task)
  local begun = task.begun
  for i = 1, begun and begun.n or 0 do
    local one = begun[i]
    if type(one) == "table" then
      one.disowned = true
      unseen.look(one)
    elseif one then
      one:disown()
    end
  end
end

--- All that failed unseen: how many, and the first of them, results before tasks.
---@param engine userdata
---@return integer n
---@return table[] problems error objects
function unseen.list(engine)
  local n, list = engine:unseen()
  local failed = {}
  for _, one in pairs(tasks) do failed[#failed + 1] = one end
  table.sort(failed, function(a, b) return a.number < b.number end)
  for _, one in ipairs(failed) do list[#list + 1] = one.problem end
  return n + #failed, list
end

--- "3 results failed, and nobody looked at them"
---@param n integer
---@return string
function unseen.words(n)
  return n == 1 and "a result failed, and nobody looked at it"
    or ("%d results failed, and nobody looked at them"):format(n)
end

--- Say it on standard error when the engine is closed; for a Lua without the command.
function unseen.tell_at_end(engine)
  unseen.sentinel = setmetatable({}, { __gc = function()
    local ok, n, list = pcall(unseen.list, engine)
    if not ok or n == 0 then return end
    io.stderr:write("lunagrad: warn: ", unseen.words(n), ", first: ",
      tostring(list[1].message or list[1]), "\n")
  end })
end

return unseen
