--- tally.lua - sums over the runs of a cell (a world and a method), and the line that is printed.
--
-- All figures are points of a hundred. "false" are claims of a gain that is none, with the exact
-- one-sided 95% bounds of Clopper and Pearson; "overstated" is what validation says more than the
-- truth; "shown" below is what ship = "shown" would have left below the seed. Used by run.lua.

local tally = {}

local Tally = {}
Tally.__index = Tally

--- An empty one.
function tally.new()
  return setmetatable({ runs = 0, gain = 0.0, squares = 0.0, below = 0, shown_below = 0, shown = 0,
    wrong = 0, over = 0.0, kept = 0, spent = 0, proposals = 0, gains = {} }, Tally)
end

--- A run: { gain (truth), validated, shown (bool or nil), kept, proposals, spent }.
function Tally:add(run)
  local gain = 100 * run.gain
  self.runs, self.gain, self.squares = self.runs + 1, self.gain + gain, self.squares + gain * gain
  self.gains[self.runs] = gain
  self.over = self.over + 100 * run.validated - gain
  self.kept, self.spent = self.kept + run.kept, self.spent + run.spent
  self.proposals = self.proposals + run.proposals
  if gain < -1e-9 then self.below = self.below + 1 end
  if run.shown then
    self.shown = self.shown + 1
    if gain <= 1e-9 then self.wrong = self.wrong + 1 end
    if gain < -1e-9 then self.shown_below = self.shown_below + 1 end
  end
end

local function error_of(sum, squares, n)
  local mean = sum / n
  return math.sqrt(math.max(0, squares / n - mean * mean) / math.max(1, n - 1))
end

--- Mean and standard error of the gain.
function Tally:mean()
  return self.gain / self.runs, error_of(self.gain, self.squares, self.runs)
end

--- The mean of the differences to another cell of the same seeds, and its standard error.
function Tally:against(other)
  local sum, squares = 0.0, 0.0
  for i = 1, self.runs do
    local x = self.gains[i] - other.gains[i]
    sum, squares = sum + x, squares + x * x
  end
  return sum / self.runs, error_of(sum, squares, self.runs)
end

-- P(X <= k) of n draws with chance p.
local function at_most(k, n, p)
  local sum, log_chance = 0.0, n * math.log(1 - p)
  for i = 0, k do
    sum = sum + math.exp(log_chance)
    log_chance = log_chance + math.log((n - i) / (i + 1) * p / (1 - p))
  end
  return sum
end

local function solve(fn)
  local low, high = 1e-9, 1 - 1e-9
  for _ = 1, 50 do
    local p = (low + high) / 2
    if fn(p) then low = p else high = p end
  end
  return low
end

--- The exact one-sided 95% bounds of a chance that k of n came from.
function tally.bounds(k, n)
  local lower = k == 0 and 0 or solve(function(p) return 1 - at_most(k - 1, n, p) < .05 end)
  local upper = k == n and 1 or solve(function(p) return at_most(k, n, p) > .05 end)
  return lower, upper
end

local HEAD = "%-22s %-9s %12s %6s %6s %14s %7s %6s %6s %6s"
local LINE = "%-22s %-9s %5.1f ± %-4.2f %5.1f%% %5.1f%% %4.1f%% (%2.0f–%2.0f%%) %5.0f%%"
  .. " %6.1f %6.1f %6.0f"

tally.head = HEAD:format("world", "method", "true gain", "below", "s.blw", "false (95%)", "shown",
  "over", "props", "ev/kpt")

--- A cell in a line.
function Tally:line(world, method)
  local mean, error = self:mean()
  local lower, upper = tally.bounds(self.wrong, self.runs)
  local n = self.runs / 100
  return LINE:format(world, method, mean, error, self.below / n, self.shown_below / n,
    self.wrong / n, 100 * lower, 100 * upper, self.shown / n, self.over / self.runs,
    self.proposals / self.runs, self.spent / math.max(1, self.kept))
end

return tally
