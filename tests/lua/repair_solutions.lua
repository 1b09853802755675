--- repair_solutions.lua: programs that solve the problems of lg.task.repair, by the problems' ids.
--
-- They stand here and nowhere else: nothing that is installed or embedded knows them.

local solutions = {}

solutions["digit-sum"] = [[
function digit_sum(n)
  local total = 0
  for digit in tostring(n):gmatch "%d" do total = total + tonumber(digit) end
  return total
end]]

solutions["gcd"] = [[
function gcd(a, b)
  if b == 0 then return a end
  return gcd(b, a % b)
end]]

solutions["is-prime"] = [[
function is_prime(n)
  if n < 4 then return n >= 2 end
  if n % 2 == 0 then return false end
  for i = 3, math.floor(math.sqrt(n)) + 1, 2 do
    if n % i == 0 and i < n then return false end
  end
  return true
end]]

solutions["power-mod"] = [[
function power_mod(base, exponent, m)
  local result = 1 % m
  for _ = 1, exponent do result = result * base % m end
  return result
end]]

solutions["collatz"] = [[
function collatz_steps(n)
  if n == 1 then return 0 end
  return 1 + collatz_steps(n % 2 == 0 and n // 2 or 3 * n + 1)
end]]

solutions["factorial"] = [[
function factorial(n)
  local product = 1
  for i = 2, n do product = product * i end
  return product
end]]

solutions["fibonacci"] = [[
function fibonacci(n)
  local a, b = 0, 1
  for _ = 1, n do a, b = b, a + b end
  return a
end]]

solutions["leap-year"] = [[
function is_leap_year(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end]]

solutions["to-binary"] = [[
function to_binary(n)
  local digits = ""
  repeat
    digits = n % 2 .. digits
    n = n // 2
  until n == 0
  return digits
end]]

solutions["clamp"] = [[
function clamp(x, low, high)
  return math.max(low, math.min(x, high))
end]]

solutions["average"] = [[
function average(list)
  local total = 0
  for _, x in ipairs(list) do total = total + x end
  return #list == 0 and 0 or total / #list
end]]

solutions["count-divisors"] = [[
function count_divisors(n)
  local count = 0
  for i = 1, n do
    if n % i == 0 then count = count + 1 end
  end
  return count
end]]

solutions["balance"] = [[
function balance_after(balance, percent, fee, years)
  for _ = 1, years do balance = balance + balance * percent / 100 - fee end
  return balance
end]]

solutions["perfect-number"] = [[
function is_perfect(n)
  local sum = 0
  for i = 1, n - 1 do
    if n % i == 0 then sum = sum + i end
  end
  return sum == n
end]]

solutions["reverse-number"] = [[
function reverse_number(n)
  return tonumber(tostring(n):reverse())
end]]

solutions["triangle"] = [[
function is_triangle(a, b, c)
  return a + b > c and a + c > b and b + c > a
end]]

solutions["stairs"] = [[
function stairs(n)
  local a, b = 1, 1
  for _ = 1, n do a, b = b, a + b end
  return a
end]]

solutions["change"] = [[
function fewest_coins(amount, coins)
  local best = { [0] = 0 }
  for sum = 1, amount do
    for _, coin in ipairs(coins) do
      local before = best[sum - coin]
      if before and before + 1 < (best[sum] or math.huge) then best[sum] = before + 1 end
    end
  end
  return best[amount] or -1
end]]

solutions["largest"] = [[
function largest(list)
  return math.max(table.unpack(list))
end]]

solutions["second-largest"] = [[
function second_largest(list)
  local sorted = { table.unpack(list) }
  table.sort(sorted)
  return sorted[#sorted - 1]
end]]

solutions["running-totals"] = [[
function running_totals(list)
  local result, total = {}, 0
  for i, x in ipairs(list) do
    total = total + x
    result[i] = total
  end
  return result
end]]

solutions["count-at-least"] = [[
function count_at_least(list, limit)
  local count = 0
  for _, x in ipairs(list) do
    if x >= limit then count = count + 1 end
  end
  return count
end]]

solutions["index-of"] = [[
function index_of(list, x)
  for i, y in ipairs(list) do
    if y == x then return i end
  end
  return -1
end]]

solutions["distinct"] = [[
function distinct(list)
  local seen, result = {}, {}
  for _, x in ipairs(list) do
    if not seen[x] then
      seen[x] = true
      result[#result + 1] = x
    end
  end
  return result
end]]

solutions["rotate-left"] = [[
function rotate_left(list, k)
  local result = {}
  for i, x in ipairs(list) do result[(i - 1 - k) % #list + 1] = x end
  return result
end]]

solutions["merge-sorted"] = [[
function merge_sorted(a, b)
  local all = { table.unpack(a) }
  for _, x in ipairs(b) do all[#all + 1] = x end
  table.sort(all)
  return all
end]]

solutions["chunks"] = [[
function chunks(list, size)
  local result = {}
  for i = 1, #list, size do
    result[#result + 1] = { table.unpack(list, i, math.min(i + size - 1, #list)) }
  end
  return result
end]]

solutions["from-median"] = [[
function from_median(list)
  local sorted, result = { table.unpack(list) }, {}
  table.sort(sorted)
  for i, x in ipairs(list) do result[i] = x - sorted[#sorted // 2 + 1] end
  return result
end]]

solutions["binary-search"] = [[
function binary_search(list, x)
  for i, y in ipairs(list) do
    if x == y then return i end
  end
  return -1
end]]

solutions["best-run"] = [[
function best_run(list)
  local best = -math.huge
  for i = 1, #list do
    local sum = 0
    for j = i, #list do
      sum = sum + list[j]
      best = math.max(best, sum)
    end
  end
  return best
end]]

solutions["transpose"] = [[
function transpose(rows)
  local result = {}
  for i, row in ipairs(rows) do
    for j, x in ipairs(row) do
      result[j] = result[j] or {}
      result[j][i] = x
    end
  end
  return result
end]]

solutions["is-sorted"] = [[
function is_sorted(list)
  for i = 2, #list do
    if list[i - 1] > list[i] then return false end
  end
  return true
end]]

solutions["flatten"] = [[
function flatten(list)
  local result = {}
  local function add(x)
    if type(x) ~= "table" then
      result[#result + 1] = x
      return
    end
    for _, y in ipairs(x) do add(y) end
  end
  add(list)
  return result
end]]

solutions["pairs-with-sum"] = [[
function pairs_with_sum(list, sum)
  local count = 0
  for i = 1, #list do
    for j = i + 1, #list do
      if list[i] + list[j] == sum then count = count + 1 end
    end
  end
  return count
end]]

solutions["window-sums"] = [[
function window_sums(list, k)
  local result = {}
  for i = k, #list do
    local sum = 0
    for j = i - k + 1, i do sum = sum + list[j] end
    result[#result + 1] = sum
  end
  return result
end]]

solutions["top"] = [[
function top(list, k)
  local sorted, result = { table.unpack(list) }, {}
  table.sort(sorted)
  for i = 1, k do result[i] = sorted[#sorted + 1 - i] end
  return result
end]]

solutions["weighted-mean"] = [[
function weighted_mean(values, weights)
  local sum, total = 0, 0
  for i, weight in ipairs(weights) do
    sum, total = sum + weight * values[i], total + weight
  end
  return sum / total
end]]

solutions["mode"] = [[
function mode(list)
  local sorted, best, most = { table.unpack(list) }, nil, 0
  table.sort(sorted)
  for _, x in ipairs(sorted) do
    local count = 0
    for _, y in ipairs(sorted) do
      if x == y then count = count + 1 end
    end
    if count > most then best, most = x, count end
  end
  return best
end]]

solutions["palindrome"] = [[
function is_palindrome(text)
  local letters = text:lower():gsub("%A", "")
  return letters == letters:reverse()
end]]

solutions["count-words"] = [[
function count_words(text)
  return select(2, text:gsub("%S+", ""))
end]]

solutions["caesar"] = [[
function caesar(text, shift)
  return (text:gsub("%l", function(c)
    return string.char((c:byte() - 97 + shift) % 26 + 97)
  end))
end]]

solutions["count-vowels"] = [[
function count_vowels(text)
  return select(2, text:gsub("[aeiouAEIOU]", ""))
end]]

solutions["run-length"] = [[
function run_length(text)
  local result, i = "", 1
  while i <= #text do
    local c, j = text:sub(i, i), i
    while text:sub(j, j) == c do j = j + 1 end
    result, i = result .. c .. j - i, j
  end
  return result
end]]

solutions["common-prefix"] = [[
function common_prefix(a, b)
  local n = 0
  while n < #a and n < #b and a:byte(n + 1) == b:byte(n + 1) do n = n + 1 end
  return a:sub(1, n)
end]]

solutions["title-case"] = [[
function title_case(text)
  return (text:gsub("%f[%a]%a", string.upper))
end]]

solutions["balanced"] = [[
function is_balanced(text)
  local rest, n = text:gsub("[^()]", ""), 1
  while n > 0 do rest, n = rest:gsub("%(%)", "") end
  return rest == ""
end]]

solutions["roman"] = [[
function roman(text)
  local values = { I = 1, V = 5, X = 10, L = 50, C = 100, D = 500, M = 1000 }
  local total, last = 0, 0
  for i = #text, 1, -1 do
    local value = values[text:sub(i, i)]
    total, last = value < last and total - value or total + value, value
  end
  return total
end]]

solutions["join-sorted"] = [[
function join_sorted(words, separator)
  local sorted = { table.unpack(words) }
  table.sort(sorted)
  return table.concat(sorted, separator)
end]]

solutions["pad-left"] = [[
function pad_left(text, width, fill)
  while #text < width do text = fill .. text end
  return text
end]]

solutions["count-char"] = [[
function count_char(text, c)
  local count = 0
  for other in text:gmatch "." do
    if other == c then count = count + 1 end
  end
  return count
end]]

solutions["anagram"] = [[
local function sorted(text)
  local list = { text:byte(1, -1) }
  table.sort(list)
  return table.concat(list, " ")
end

function is_anagram(a, b)
  return sorted(a) == sorted(b)
end]]

solutions["newer"] = [[
function is_newer(a, b)
  local function value(version)
    local x, y, z = version:match "(%d+)%.(%d+)%.(%d+)"
    return (x * 1000000 + y) * 1000000 + z
  end
  return value(a) > value(b)
end]]

solutions["overlapping"] = [[
function count_text(text, part)
  local count = 0
  for i = 1, #text do
    if text:sub(i, i + #part - 1) == part then count = count + 1 end
  end
  return count
end]]

solutions["hamming"] = [[
function hamming(a, b)
  local count = 0
  for i = 1, #a do
    if a:sub(i, i) ~= b:sub(i, i) then count = count + 1 end
  end
  return count
end]]

solutions["clock"] = [[
function clock(minutes)
  return ("%d:%02d"):format(minutes // 60 % 24, minutes % 60)
end]]

solutions["compress-spaces"] = [[
function squeeze(text)
  local words = {}
  for word in text:gmatch "[^ ]+" do words[#words + 1] = word end
  return table.concat(words, " ")
end]]

-- ---- Python ----------------------------------------------------------------------

solutions["py-largest-gap"] = [[
def largest_gap(numbers):
    return max(abs(b - a) for a, b in zip(numbers, numbers[1:]))
]]

solutions["py-smallest"] = [[
def smallest(numbers):
    return min(numbers)
]]

solutions["py-mean"] = [[
def mean(numbers):
    return sum(numbers) / len(numbers) if numbers else 0
]]

solutions["py-sum-range"] = [[
def sum_range(a, b):
    return sum(range(a, b + 1))
]]

solutions["py-palindrome"] = [[
def is_palindrome(text):
    kept = [c for c in text.lower() if c.isalnum()]
    return kept == kept[::-1]
]]

solutions["py-fibonacci"] = [[
def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
]]

solutions["py-gcd"] = [[
def gcd(a, b):
    while b:
        a, b = b, a % b
    return a
]]

solutions["py-dedupe"] = [[
def dedupe(items):
    return list(dict.fromkeys(items))
]]

solutions["py-ranks"] = [[
def ranks(numbers):
    return [sum(y <= x for y in numbers) for x in numbers]
]]

solutions["py-groups"] = [[
def groups(words):
    lengths = [len(word) for word in words]
    return [[n, lengths.count(n)] for n in sorted(set(lengths))]
]]

solutions["py-initials"] = [[
def initials(name):
    return "".join(word[0].upper() + "." for word in name.split())
]]

solutions["py-boxes"] = [[
def boxes(amount, parts):
    return [amount % parts, amount // parts]
]]

solutions["py-longest"] = [[
def longest(words):
    return max(words, key=len, default="")
]]

solutions["py-overlap"] = [[
def overlap(a, b, c, d):
    return max(0, min(b, d) - max(a, c))
]]

solutions["py-digits"] = [[
def has_digit(text):
    return any(c.isdigit() for c in text)
]]

solutions["py-clean"] = [[
def clean(numbers):
    return [x for x in numbers if x >= 0]
]]

return solutions
