--- The same rows scored twice: is the difference more than chance?
--
-- The exact sign test, which for hits and misses is McNemar's: of the rows whose scores differ, as
-- many would rise as fall if nothing had changed. Pure arithmetic.

local paired = {}

-- How probable it is that of n fair coins at most k show heads.
local function at_most(k, n)
  local sum, log_choose = 0.0, 0.0
  for i = 0, k do
    sum = sum + math.exp(log_choose - n * math.log(2))
    log_choose = log_choose + math.log(n - i) - math.log(i + 1)
  end
  return sum
end

--- Rows that rose, that fell, and the two-sided probability of so uneven a count by chance.
---@param before number[]
---@param after number[] of the same rows, in the same order
---@return integer rose, integer fell, number p
function paired.compare(before, after)
  assert(#before == #after, "the same rows are scored twice")
  local rose, fell = 0, 0
  for i, score in ipairs(before) do
    if after[i] > score then rose = rose + 1 elseif after[i] < score then fell = fell + 1 end
  end
  if rose == fell then return rose, fell, 1.0 end
  return rose, fell, math.min(1.0, 2 * at_most(math.min(rose, fell), rose + fell))
end

return paired
