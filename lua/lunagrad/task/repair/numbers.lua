--- Problems of lg.task.repair about whole numbers and shares. Data alone: see init.lua beside it.

return {
  {
    id = "digit-sum", entry_point = "digit_sum", defect = "integer division",
    question = "digit_sum(n) returns the sum of the decimal digits of the whole number n >= 0.",
    start = [[
function digit_sum(n)
  local total = 0
  while n > 0 do
    total = total + n % 10
    n = n / 10
  end
  return total
end
]],
    shown = [=[
[5] -> 5
[123] -> 6
[0] -> 0
]=],
    hidden = [=[
[10] -> 1
[999] -> 27
[1000001] -> 2
[987654321] -> 45
[40] -> 4
]=],
  },
  {
    id = "gcd", entry_point = "gcd", defect = "wrong variable",
    question = "gcd(a, b) returns the greatest common divisor of the whole numbers a, b >= 0; "
      .. "gcd(a, 0) is a.",
    start = [[
function gcd(a, b)
  while b ~= 0 do
    a, b = b, b % a
  end
  return a
end
]],
    shown = [=[
[12, 18] -> 6
[7, 0] -> 7
[9, 3] -> 3
]=],
    hidden = [=[
[17, 5] -> 1
[100, 75] -> 25
[3, 9] -> 3
[1071, 462] -> 21
[0, 6] -> 6
[1, 1] -> 1
]=],
  },
  {
    id = "is-prime", entry_point = "is_prime", defect = "too slow",
    question = "is_prime(n) tells whether the whole number n is a prime. It must be quick for n "
      .. "up to 10^9.",
    start = [[
function is_prime(n)
  if n < 2 then
    return false
  end
  local i = 2
  while i < n do
    if n % i == 0 then
      return false
    end
    i = i + 1
  end
  return true
end
]],
    shown = [=[
[7] -> true
[9] -> false
[2147483647] -> true
]=],
    hidden = [=[
[1] -> false
[2] -> true
[4] -> false
[25] -> false
[49] -> false
[999999937] -> true
[1000000007] -> true
[97] -> true
]=],
  },
  {
    id = "power-mod", entry_point = "power_mod", defect = "wrong constant",
    question = "power_mod(base, exponent, m) returns base to the power of exponent, modulo m, for "
      .. "whole numbers base, exponent >= 0 and m > 1.",
    start = [[
function power_mod(base, exponent, m)
  local result = 1
  base = base % m
  while exponent > 0 do
    if exponent % 2 == 0 then
      result = result * base % m
    end
    base = base * base % m
    exponent = exponent // 2
  end
  return result
end
]],
    shown = [=[
[2, 10, 1000] -> 24
[3, 3, 50] -> 27
[5, 0, 7] -> 1
]=],
    hidden = [=[
[2, 1, 7] -> 2
[7, 77, 13] -> 11
[10, 9, 6] -> 4
[0, 5, 9] -> 0
[123, 45, 678] -> 645
]=],
  },
  {
    id = "collatz", entry_point = "collatz_steps", defect = "wrong operator",
    question = "collatz_steps(n) counts the steps from n >= 1 down to 1: an even number is "
      .. "halved, an odd one is tripled and one is added.",
    start = [[
function collatz_steps(n)
  local steps = 0
  while n ~= 1 do
    if n % 2 == 0 then
      n = n // 2
    else
      n = 3 * n - 1
    end
    steps = steps + 1
  end
  return steps
end
]],
    shown = [=[
[1] -> 0
[8] -> 3
[3] -> 7
]=],
    hidden = [=[
[2] -> 1
[5] -> 5
[6] -> 8
[7] -> 16
[27] -> 111
]=],
  },
  {
    id = "factorial", entry_point = "factorial", defect = "wrong base case",
    question = "factorial(n) returns n! for whole numbers n from 0 to 20; 0! is 1.",
    start = [[
function factorial(n)
  if n == 1 then
    return 1
  end
  return n * factorial(n - 1)
end
]],
    shown = [=[
[1] -> 1
[5] -> 120
[0] -> 1
]=],
    hidden = [=[
[2] -> 2
[3] -> 6
[10] -> 3628800
[20] -> 2432902008176640000
[0] -> 1
]=],
  },
  {
    id = "fibonacci", entry_point = "fibonacci", defect = "too slow",
    question = "fibonacci(n) returns the n-th Fibonacci number: fibonacci(0) is 0, fibonacci(1) "
      .. "is 1. It must be quick for n up to 80.",
    start = [[
function fibonacci(n)
  if n < 2 then
    return n
  end
  return fibonacci(n - 1) + fibonacci(n - 2)
end
]],
    shown = [=[
[1] -> 1
[10] -> 55
[60] -> 1548008755920
]=],
    hidden = [=[
[0] -> 0
[2] -> 1
[20] -> 6765
[50] -> 12586269025
[80] -> 23416728348467685
]=],
  },
  {
    id = "leap-year", entry_point = "is_leap_year", defect = "missing case",
    question = "is_leap_year(year) tells whether a year of the Gregorian calendar is a leap year: "
      .. "those that 4 divides, but not those that 100 divides unless 400 does.",
    start = [[
function is_leap_year(year)
  return year % 4 == 0 and year % 100 ~= 0
end
]],
    shown = [=[
[2024] -> true
[1900] -> false
[2000] -> true
]=],
    hidden = [=[
[2023] -> false
[1600] -> true
[2100] -> false
[2400] -> true
[4] -> true
]=],
  },
  {
    id = "to-binary", entry_point = "to_binary", defect = "missing case",
    question = "to_binary(n) writes the whole number n >= 0 in base 2, without leading zeros; 0 "
      .. "is \"0\".",
    start = [[
function to_binary(n)
  local digits = ""
  while n > 0 do
    digits = n % 2 .. digits
    n = n // 2
  end
  return digits
end
]],
    shown = [=[
[5] -> "101"
[8] -> "1000"
[0] -> "0"
]=],
    hidden = [=[
[1] -> "1"
[2] -> "10"
[255] -> "11111111"
[1024] -> "10000000000"
[0] -> "0"
]=],
  },
  {
    id = "clamp", entry_point = "clamp", defect = "wrong variable",
    question = "clamp(x, low, high) returns x, or low where x is below it, or high where x is "
      .. "above it.",
    start = [[
function clamp(x, low, high)
  if x < low then
    return low
  end
  if x > high then
    return low
  end
  return x
end
]],
    shown = [=[
[5, 1, 10] -> 5
[-3, 0, 4] -> 0
[12, 1, 10] -> 10
]=],
    hidden = [=[
[10, 1, 10] -> 10
[1, 1, 10] -> 1
[99, 98, 98] -> 98
[7, -5, 5] -> 5
[-7, -5, 5] -> -5
]=],
  },
  {
    id = "average", entry_point = "average", defect = "integer division",
    question = "average(list) returns the arithmetic mean of a list of numbers; the mean of an "
      .. "empty list is 0.",
    start = [[
function average(list)
  if #list == 0 then
    return 0
  end
  local total = 0
  for _, x in ipairs(list) do
    total = total + x
  end
  return total // #list
end
]],
    shown = [=[
[[1, 2]] -> 1.5
[[4]] -> 4
[[]] -> 0
]=],
    hidden = [=[
[[2, 4, 6]] -> 4
[[1, 1, 1, 2]] -> 1.25
[[-1, 0]] -> -0.5
[[0.5, 1]] -> 0.75
]=],
  },
  {
    id = "count-divisors", entry_point = "count_divisors", defect = "wrong constant",
    question = "count_divisors(n) counts the divisors of the whole number n >= 1, 1 and n among "
      .. "them.",
    start = [[
function count_divisors(n)
  local count = 0
  for i = 2, n do
    if n % i == 0 then
      count = count + 1
    end
  end
  return count
end
]],
    shown = [=[
[6] -> 4
[13] -> 2
[1] -> 1
]=],
    hidden = [=[
[2] -> 2
[12] -> 6
[16] -> 5
[100] -> 9
[97] -> 2
]=],
  },
  {
    id = "balance", entry_point = "balance_after", defect = "wrong order",
    question = "balance_after(balance, percent, fee, years): each year interest of so many "
      .. "percent comes to the balance first, then the fee is taken off. Returns the balance in "
      .. "the end.",
    start = [[
function balance_after(balance, percent, fee, years)
  for _ = 1, years do
    balance = balance - fee
    balance = balance + balance * percent / 100
  end
  return balance
end
]],
    shown = [=[
[100, 50, 10, 1] -> 140
[100, 0, 5, 2] -> 90
[80, 25, 20, 0] -> 80
]=],
    hidden = [=[
[200, 50, 100, 2] -> 200
[64, 25, 16, 2] -> 64
[100, 100, 100, 3] -> 100
[8, 50, 0, 2] -> 18
]=],
  },
  {
    id = "perfect-number", entry_point = "is_perfect", defect = "off by one",
    question = "is_perfect(n) tells whether the whole number n >= 1 is the sum of its divisors "
      .. "below n.",
    start = [[
function is_perfect(n)
  local sum = 0
  for i = 1, n do
    if n % i == 0 then
      sum = sum + i
    end
  end
  return sum == n
end
]],
    shown = [=[
[6] -> true
[8] -> false
[28] -> true
]=],
    hidden = [=[
[1] -> false
[2] -> false
[12] -> false
[496] -> true
[27] -> false
]=],
  },
  {
    id = "reverse-number", entry_point = "reverse_number", defect = "wrong initial value",
    question = "reverse_number(n) returns the whole number n >= 0 with its decimal digits in "
      .. "reverse order: 120 gives 21.",
    start = [[
function reverse_number(n)
  local result = 1
  while n > 0 do
    result = result * 10 + n % 10
    n = n // 10
  end
  return result
end
]],
    shown = [=[
[123] -> 321
[7] -> 7
[120] -> 21
]=],
    hidden = [=[
[0] -> 0
[10] -> 1
[1001] -> 1001
[98765] -> 56789
]=],
  },
  {
    id = "triangle", entry_point = "is_triangle", defect = "wrong condition",
    question = "is_triangle(a, b, c) tells whether there is a triangle with sides of these "
      .. "lengths: any two together are longer than the third.",
    start = [[
function is_triangle(a, b, c)
  return a + b > c and a + c > b or b + c > a
end
]],
    shown = [=[
[3, 4, 5] -> true
[1, 2, 9] -> false
[1, 1, 2] -> false
]=],
    hidden = [=[
[9, 1, 2] -> false
[2, 9, 1] -> false
[2, 2, 2] -> true
[5, 3, 4] -> true
[1, 2, 3] -> false
[3, 1, 2] -> false
]=],
  },
  {
    id = "stairs", entry_point = "stairs", defect = "wrong base case",
    question = "stairs(n) counts the ways to climb n >= 0 steps, one or two at a time; there is "
      .. "one way to climb none.",
    start = [[
function stairs(n)
  local a, b = 0, 1
  for _ = 2, n do
    a, b = b, a + b
  end
  return b
end
]],
    shown = [=[
[1] -> 1
[2] -> 2
[5] -> 8
]=],
    hidden = [=[
[0] -> 1
[3] -> 3
[4] -> 5
[10] -> 89
[30] -> 1346269
]=],
  },
  {
    id = "change", entry_point = "fewest_coins", defect = "wrong initial value",
    question = "fewest_coins(amount, coins) returns how few coins of the given values (each as "
      .. "often as is needed) make the amount >= 0, or -1 where none do.",
    start = [[
function fewest_coins(amount, coins)
  local best = { [0] = 1 }
  for sum = 1, amount do
    for _, coin in ipairs(coins) do
      local before = best[sum - coin]
      if before and (not best[sum] or before + 1 < best[sum]) then
        best[sum] = before + 1
      end
    end
  end
  return best[amount] or -1
end
]],
    shown = [=[
[6, [1, 3, 4]] -> 2
[3, [2]] -> -1
[0, [1]] -> 0
]=],
    hidden = [=[
[11, [1, 2, 5]] -> 3
[7, [3, 5]] -> -1
[12, [3, 4]] -> 3
[100, [1, 10, 25]] -> 4
]=],
  },
}
