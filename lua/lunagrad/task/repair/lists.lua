--- Problems of lg.task.repair about lists. Data alone: see init.lua beside it.

return {
  {
    id = "largest", entry_point = "largest", defect = "wrong initial value",
    question = "largest(list) returns the largest number of a list that is not empty.",
    start = [[
function largest(list)
  local best = 0
  for _, x in ipairs(list) do
    if x > best then
      best = x
    end
  end
  return best
end
]],
    shown = [=[
[[1, 5, 2]] -> 5
[[-4, -2]] -> -2
[[0]] -> 0
]=],
    hidden = [=[
[[-1]] -> -1
[[-7, -9, -8]] -> -7
[[3, 2, 1]] -> 3
[[-5, 5]] -> 5
[[-2000000]] -> -2000000
]=],
  },
  {
    id = "second-largest", entry_point = "second_largest", defect = "missing step",
    question = "second_largest(list) returns the second largest of at least two different numbers.",
    start = [[
function second_largest(list)
  local first, second = -math.huge, -math.huge
  for _, x in ipairs(list) do
    if x > first then
      first = x
    elseif x > second then
      second = x
    end
  end
  return second
end
]],
    shown = [=[
[[5, 1, 3]] -> 3
[[1, 2, 3]] -> 2
[[9, 4]] -> 4
]=],
    hidden = [=[
[[4, 9]] -> 4
[[1, 5, 2, 8]] -> 5
[[-1, -2, -3]] -> -2
[[10, 20, 15]] -> 15
]=],
  },
  {
    id = "running-totals", entry_point = "running_totals", defect = "wrong order",
    question = "running_totals(list) returns the list of sums of the first 1, 2, 3, … numbers.",
    start = [[
function running_totals(list)
  local result, total = {}, 0
  for i, x in ipairs(list) do
    result[i] = total
    total = total + x
  end
  return result
end
]],
    shown = [=[
[[1, 2, 3]] -> [1, 3, 6]
[[5]] -> [5]
[[]] -> []
]=],
    hidden = [=[
[[0, 0, 1]] -> [0, 0, 1]
[[-1, 1, -1]] -> [-1, 0, -1]
[[10, 20]] -> [10, 30]
]=],
  },
  {
    id = "count-at-least", entry_point = "count_at_least", defect = "wrong comparison",
    question = "count_at_least(list, limit) counts the numbers of the list that are at least "
      .. "limit.",
    start = [[
function count_at_least(list, limit)
  local count = 0
  for _, x in ipairs(list) do
    if x > limit then
      count = count + 1
    end
  end
  return count
end
]],
    shown = [=[
[[1, 5, 9], 4] -> 2
[[3, 3, 2], 3] -> 2
[[], 1] -> 0
]=],
    hidden = [=[
[[7], 7] -> 1
[[1, 2], 3] -> 0
[[-1, 0, 1], 0] -> 2
[[2, 2, 2, 2], 2] -> 4
]=],
  },
  {
    id = "index-of", entry_point = "index_of", defect = "early return",
    question = "index_of(list, x) returns the position (from 1) of the first x in the list, or -1.",
    start = [[
function index_of(list, x)
  for i, y in ipairs(list) do
    if y == x then
      return i
    else
      return -1
    end
  end
  return -1
end
]],
    shown = [=[
[[4, 5, 6], 4] -> 1
[[4, 5, 6], 5] -> 2
[[], 1] -> -1
]=],
    hidden = [=[
[[1, 2, 3, 4], 4] -> 4
[[2, 2], 2] -> 1
[[1, 2, 3], 9] -> -1
[["a", "b"], "b"] -> 2
]=],
  },
  {
    id = "distinct", entry_point = "distinct", defect = "wrong condition",
    question = "distinct(list) returns the list without repetitions, in the order of first "
      .. "appearance.",
    start = [[
function distinct(list)
  local seen, result = {}, {}
  for _, x in ipairs(list) do
    if seen[x] then
      seen[x] = true
      result[#result + 1] = x
    end
  end
  return result
end
]],
    shown = [=[
[[1, 2, 1, 3]] -> [1, 2, 3]
[["a", "a"]] -> ["a"]
[[]] -> []
]=],
    hidden = [=[
[[5]] -> [5]
[[3, 2, 1, 2, 3]] -> [3, 2, 1]
[[7, 7, 7]] -> [7]
[["b", "a", "b", "c"]] -> ["b", "a", "c"]
]=],
  },
  {
    id = "rotate-left", entry_point = "rotate_left", defect = "off by one",
    question = "rotate_left(list, k) returns the list turned k >= 0 places to the left: the first "
      .. "k items go to the end.",
    start = [[
function rotate_left(list, k)
  local result = {}
  for i = 1, #list do
    result[i] = list[(i + k) % #list + 1]
  end
  return result
end
]],
    shown = [=[
[[1, 2, 3, 4], 1] -> [2, 3, 4, 1]
[[1, 2, 3], 0] -> [1, 2, 3]
[[], 2] -> []
]=],
    hidden = [=[
[[1, 2, 3, 4], 3] -> [4, 1, 2, 3]
[[5, 6], 5] -> [6, 5]
[[1], 1] -> [1]
[["a", "b", "c"], 2] -> ["c", "a", "b"]
]=],
  },
  {
    id = "merge-sorted", entry_point = "merge_sorted", defect = "missing case",
    question = "merge_sorted(a, b) makes one sorted list of two sorted lists.",
    start = [[
function merge_sorted(a, b)
  local result, i, j = {}, 1, 1
  while i <= #a and j <= #b do
    if a[i] <= b[j] then
      result[#result + 1] = a[i]
      i = i + 1
    else
      result[#result + 1] = b[j]
      j = j + 1
    end
  end
  while i <= #a do
    result[#result + 1] = a[i]
    i = i + 1
  end
  return result
end
]],
    shown = [=[
[[1, 4], [2, 3]] -> [1, 2, 3, 4]
[[1], [2, 5]] -> [1, 2, 5]
[[], []] -> []
]=],
    hidden = [=[
[[], [1, 2]] -> [1, 2]
[[5, 6], [1, 9]] -> [1, 5, 6, 9]
[[1, 1], [1]] -> [1, 1, 1]
[[3], []] -> [3]
]=],
  },
  {
    id = "chunks", entry_point = "chunks", defect = "wrong comparison",
    question = "chunks(list, size) cuts the list into lists of size items; the last one may be "
      .. "shorter.",
    start = [[
function chunks(list, size)
  local result, part = {}, {}
  for _, x in ipairs(list) do
    part[#part + 1] = x
    if #part > size then
      result[#result + 1] = part
      part = {}
    end
  end
  if #part > 0 then
    result[#result + 1] = part
  end
  return result
end
]],
    shown = [=[
[[1, 2, 3, 4], 2] -> [[1, 2], [3, 4]]
[[1, 2, 3], 5] -> [[1, 2, 3]]
[[], 3] -> []
]=],
    hidden = [=[
[[1, 2, 3, 4, 5], 2] -> [[1, 2], [3, 4], [5]]
[[1, 2], 1] -> [[1], [2]]
[[1, 2, 3], 3] -> [[1, 2, 3]]
[[1, 2, 3, 4, 5, 6, 7], 3] -> [[1, 2, 3], [4, 5, 6], [7]]
]=],
  },
  {
    id = "from-median", entry_point = "from_median", defect = "changed input",
    question = "from_median(list) returns for each number, in the order of the list, how far it "
      .. "is above the median. The list has an odd length.",
    start = [[
function from_median(list)
  local sorted = list
  table.sort(sorted)
  local median = sorted[#sorted // 2 + 1]
  local result = {}
  for i, x in ipairs(list) do
    result[i] = x - median
  end
  return result
end
]],
    shown = [=[
[[3, 1, 2]] -> [1, -1, 0]
[[5]] -> [0]
[[1, 2, 9]] -> [-1, 0, 7]
]=],
    hidden = [=[
[[9, 2, 1]] -> [7, 0, -1]
[[4, 4, 1]] -> [0, 0, -3]
[[5, 4, 3, 2, 1]] -> [2, 1, 0, -1, -2]
[[1, 2, 3]] -> [-1, 0, 1]
]=],
  },
  {
    id = "binary-search", entry_point = "binary_search", defect = "wrong comparison",
    question = "binary_search(list, x) returns the position (from 1) of x in a sorted list of "
      .. "different numbers, or -1.",
    start = [[
function binary_search(list, x)
  local low, high = 1, #list
  while low < high do
    local middle = (low + high) // 2
    if list[middle] == x then
      return middle
    elseif list[middle] < x then
      low = middle + 1
    else
      high = middle - 1
    end
  end
  return -1
end
]],
    shown = [=[
[[1, 3, 5], 3] -> 2
[[1, 3, 5], 5] -> 3
[[], 1] -> -1
]=],
    hidden = [=[
[[4], 4] -> 1
[[1, 2, 3, 4], 1] -> 1
[[1, 2, 3, 4], 4] -> 4
[[1, 3], 2] -> -1
[[2, 4, 6, 8, 10], 10] -> 5
]=],
  },
  {
    id = "best-run", entry_point = "best_run", defect = "wrong initial value",
    question = "best_run(list) returns the largest sum of neighbouring numbers (at least one) of "
      .. "a list that is not empty.",
    start = [[
function best_run(list)
  local best, sum = 0, 0
  for _, x in ipairs(list) do
    sum = math.max(sum + x, x)
    best = math.max(best, sum)
  end
  return best
end
]],
    shown = [=[
[[1, -2, 3, 4]] -> 7
[[-3, -1, -2]] -> -1
[[5]] -> 5
]=],
    hidden = [=[
[[-8]] -> -8
[[2, -1, 2]] -> 3
[[-5, -4, -6]] -> -4
[[4, -9, 6]] -> 6
]=],
  },
  {
    id = "transpose", entry_point = "transpose", defect = "wrong index",
    question = "transpose(rows) makes the rows of a table (a list of lists of equal length) its "
      .. "columns.",
    start = [[
function transpose(rows)
  local result = {}
  for i, row in ipairs(rows) do
    for j = 1, #row do
      result[j] = result[j] or {}
      result[j][i] = rows[i][i]
    end
  end
  return result
end
]],
    shown = [=[
[[[1, 2], [3, 4]]] -> [[1, 3], [2, 4]]
[[[5]]] -> [[5]]
[[[1, 2, 3]]] -> [[1], [2], [3]]
]=],
    hidden = [=[
[[[1], [2], [3]]] -> [[1, 2, 3]]
[[[1, 2, 3], [4, 5, 6]]] -> [[1, 4], [2, 5], [3, 6]]
[[["a", "b"], ["c", "d"]]] -> [["a", "c"], ["b", "d"]]
]=],
  },
  {
    id = "is-sorted", entry_point = "is_sorted", defect = "off by one",
    question = "is_sorted(list) tells whether no number of the list is smaller than the one "
      .. "before.",
    start = [[
function is_sorted(list)
  for i = 1, #list do
    if list[i] > list[i + 1] then
      return false
    end
  end
  return true
end
]],
    shown = [=[
[[1, 2, 3]] -> true
[[3, 1]] -> false
[[]] -> true
]=],
    hidden = [=[
[[5]] -> true
[[1, 1]] -> true
[[1, 3, 2]] -> false
[[2, 2, 1]] -> false
]=],
  },
  {
    id = "flatten", entry_point = "flatten", defect = "wrong variable",
    question = "flatten(list) returns the items of a list of items and lists (of any depth), in "
      .. "order.",
    start = [[
function flatten(list)
  local result = {}
  for _, x in ipairs(list) do
    if type(x) == "table" then
      for _, y in ipairs(flatten(list)) do
        result[#result + 1] = y
      end
    else
      result[#result + 1] = x
    end
  end
  return result
end
]],
    shown = [=[
[[1, [2, 3]]] -> [1, 2, 3]
[[1, 2]] -> [1, 2]
[[]] -> []
]=],
    hidden = [=[
[[[1], [2]]] -> [1, 2]
[[[[1]], 2, [3, [4]]]] -> [1, 2, 3, 4]
[[5, []]] -> [5]
[["a", ["b"]]] -> ["a", "b"]
]=],
  },
  {
    id = "pairs-with-sum", entry_point = "pairs_with_sum", defect = "off by one",
    question = "pairs_with_sum(list, sum) counts the pairs of different places of the list whose "
      .. "numbers have that sum.",
    start = [[
function pairs_with_sum(list, sum)
  local count = 0
  for i = 1, #list do
    for j = i, #list do
      if list[i] + list[j] == sum then
        count = count + 1
      end
    end
  end
  return count
end
]],
    shown = [=[
[[1, 2, 3, 4], 5] -> 2
[[2, 2, 3], 4] -> 1
[[], 1] -> 0
]=],
    hidden = [=[
[[5], 10] -> 0
[[1, 1, 1], 2] -> 3
[[0, 0], 0] -> 1
[[3, 4, 5], 100] -> 0
]=],
  },
  {
    id = "window-sums", entry_point = "window_sums", defect = "off by one",
    question = "window_sums(list, k) returns the sums of each k neighbouring numbers.",
    start = [[
function window_sums(list, k)
  local result = {}
  for i = 1, #list - k do
    local sum = 0
    for j = i, i + k - 1 do
      sum = sum + list[j]
    end
    result[#result + 1] = sum
  end
  return result
end
]],
    shown = [=[
[[1, 2, 3], 2] -> [3, 5]
[[4], 1] -> [4]
[[1, 2], 3] -> []
]=],
    hidden = [=[
[[1, 2, 3, 4], 4] -> [10]
[[1, 1, 1, 1, 1], 3] -> [3, 3, 3]
[[5, -5, 5], 1] -> [5, -5, 5]
]=],
  },
  {
    id = "top", entry_point = "top", defect = "wrong comparison",
    question = "top(list, k) returns the k largest numbers, the largest first.",
    start = [[
function top(list, k)
  local sorted = { table.unpack(list) }
  table.sort(sorted, function(a, b) return a < b end)
  return { table.unpack(sorted, 1, k) }
end
]],
    shown = [=[
[[1, 5, 3], 2] -> [5, 3]
[[2, 1], 1] -> [2]
[[7], 1] -> [7]
]=],
    hidden = [=[
[[4, 4, 1], 2] -> [4, 4]
[[-1, -2, -3], 2] -> [-1, -2]
[[1, 2, 3, 4, 5], 3] -> [5, 4, 3]
[[9, 8, 7], 3] -> [9, 8, 7]
]=],
  },
  {
    id = "weighted-mean", entry_point = "weighted_mean", defect = "wrong variable",
    question = "weighted_mean(values, weights) returns the mean of the values by weight; the "
      .. "weights are above 0.",
    start = [[
function weighted_mean(values, weights)
  local sum, total = 0, 0
  for i, value in ipairs(values) do
    sum = sum + value * weights[i]
    total = total + value
  end
  return sum / total
end
]],
    shown = [=[
[[1, 3], [1, 1]] -> 2
[[10, 20], [3, 1]] -> 12.5
[[5], [2]] -> 5
]=],
    hidden = [=[
[[2, 4, 6], [1, 2, 1]] -> 4
[[8, 0], [1, 3]] -> 2
[[1, 1], [9, 7]] -> 1
]=],
  },
  {
    id = "mode", entry_point = "mode", defect = "wrong comparison",
    question = "mode(list) returns the number that the list has most often; of several such the "
      .. "smallest.",
    start = [[
function mode(list)
  local counts, best = {}, nil
  for _, x in ipairs(list) do
    counts[x] = (counts[x] or 0) + 1
  end
  for _, x in ipairs(list) do
    local more = not best or counts[x] > counts[best]
    if more or counts[x] == counts[best] and x > best then
      best = x
    end
  end
  return best
end
]],
    shown = [=[
[[1, 2, 2]] -> 2
[[3, 1]] -> 1
[[4]] -> 4
]=],
    hidden = [=[
[[5, 5, 1, 1]] -> 1
[[2, 3, 3, 2, 1]] -> 2
[[9, 8, 7]] -> 7
[[1, 1, 2]] -> 1
]=],
  },
}
