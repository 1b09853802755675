--- Which candidates are the best at something: one front for each key, kept as candidates come and
--- go.
--
-- A front is the best value of its key and those that have it, in the order in which they came;
-- equal ones join. Keys lie in columns: a column is a table key → value of each candidate, and a
-- candidate that has no value there is in no front of it. Beside the fronts it counts for each
-- candidate how many it holds, and how many alone. Pure tables: what a candidate is, which columns
-- there are, and who must go, the pool knows (pool.lua).

---@class lunagrad.fronts
local Fronts = {}
Fronts.__index = Fronts

local fronts = {}

function fronts.new()
  return setmetatable({ columns = {}, names = {}, held = {}, alone = {},
    values = {} }, Fronts)
end

local function column_of(self, name)
  local column = self.columns[name]
  if not column then
    column = { best = {}, holders = {} }
    self.columns[name] = column
    self.names[#self.names + 1] = name
  end
  return column
end

-- One value of a candidate: it takes the front, joins it, or has no part in it. In one place and
-- without calls, because it runs once for every evaluation of a kept candidate.
local function place(self, column, candidate, key, value)
  local held, alone = self.held, self.alone
  local best, holders = column.best[key], column.holders[key]
  if not best or value > best then
    if best then
      if #holders == 1 then alone[holders[1]] = alone[holders[1]] - 1 end
      for i = 1, #holders do held[holders[i]] = held[holders[i]] - 1 end
    end
    column.best[key], column.holders[key] = value, { candidate }
    held[candidate], alone[candidate] = held[candidate] + 1, alone[candidate] + 1
  elseif value == best then
    if #holders == 1 then alone[holders[1]] = alone[holders[1]] - 1 end
    holders[#holders + 1] = candidate
    held[candidate] = held[candidate] + 1
  end
end

--- A candidate comes, with its values: name of a column → key → value.
---@param candidate any what tells candidates apart
---@param values table<any, table<any, number>> kept, not copied
function Fronts:add(candidate, values)
  self.held[candidate], self.alone[candidate], self.values[candidate] = 0, 0, values
  for name, column_values in pairs(values) do
    local column = column_of(self, name)
    for key, value in pairs(column_values) do place(self, column, candidate, key, value) end
  end
end

local function without(holders, candidate)
  for i = 1, #holders do
    if holders[i] == candidate then return table.remove(holders, i) end
  end
end

-- A front that lost the last of its holders, of those that are left.
local function refill(self, name, key, rest)
  local column = self.columns[name]
  column.best[key], column.holders[key] = nil, nil
  for _, one in ipairs(rest) do
    local column_values = self.values[one][name]
    local value = column_values and column_values[key]
    if value then place(self, column, one, key, value) end
  end
end

--- A candidate goes. Fronts that it held alone are filled from the rest.
---@param candidate any
---@param rest any[] the others, in the order in which they came
function Fronts:remove(candidate, rest)
  for name, column_values in pairs(self.values[candidate]) do
    local column = self.columns[name]
    for key, value in pairs(column_values) do
      local holders = column.holders[key]
      if value == column.best[key] and without(holders, candidate) then
        if #holders == 1 then
          self.alone[holders[1]] = self.alone[holders[1]] + 1
        elseif #holders == 0 then
          refill(self, name, key, rest)
        end
      end
    end
  end
  self.held[candidate], self.alone[candidate], self.values[candidate] = nil, nil, nil
end

--- Best value and holders of a key.
---@return number|nil best
---@return any[]|nil holders
function Fronts:of(name, key)
  local column = self.columns[name]
  if not column then return nil end
  return column.best[key], column.holders[key]
end

-- How many holders each front has left: name of a column → key → number.
local function counts(self)
  local left = {}
  for _, name in ipairs(self.names) do
    local of = {}
    for key, holders in pairs(self.columns[name].holders) do of[key] = #holders end
    left[name] = of
  end
  return left
end

-- Whether a front has nobody left but this candidate.
local function needed(self, candidate, left)
  if self.alone[candidate] > 0 then return true end
  for name, column_values in pairs(self.values[candidate]) do
    local best, of = self.columns[name].best, left[name]
    for key, value in pairs(column_values) do
      if value == best[key] and of[key] < 2 then return true end
    end
  end
  return false
end

local function take_away(self, candidate, left)
  for name, column_values in pairs(self.values[candidate]) do
    local best, of = self.columns[name].best, left[name]
    for key, value in pairs(column_values) do
      if value == best[key] then of[key] = of[key] - 1 end
    end
  end
end

--- Who is left when those go, one after the other, whose every front has another holder left.
---@param order any[] candidates in the order in which they are asked to go
---@return any[] left in that order
---@return table<any, integer> weight fronts that each of them holds
function Fronts:survivors(order)
  local left, survivors, weight = counts(self), {}, {}
  for _, candidate in ipairs(order) do
    local held = self.held[candidate]
    if held > 0 and needed(self, candidate, left) then
      survivors[#survivors + 1], weight[candidate] = candidate, held
    elseif held > 0 then
      take_away(self, candidate, left)
    end
  end
  return survivors, weight
end

return fronts
