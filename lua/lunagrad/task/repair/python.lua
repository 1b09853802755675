--- Problems of lg.task.repair whose programs are in Python. Data alone: see init.lua beside it.

return {
  {
    id = "py-largest-gap", entry_point = "largest_gap", defect = "off by one",
    question = "largest_gap(numbers) returns the largest difference of neighbours of a list of at "
      .. "least two numbers, without its sign.",
    start = [[
def largest_gap(numbers):
    best = 0
    for i in range(len(numbers)):
        best = max(best, abs(numbers[i + 1] - numbers[i]))
    return best
]],
    shown = [=[
[[1, 4, 2]] -> 3
[[5, 5]] -> 0
[[9, 1, 2]] -> 8
]=],
    hidden = [=[
[[0, 7]] -> 7
[[1, 2, 3, 10]] -> 7
[[-3, 3]] -> 6
]=],
  },
  {
    id = "py-smallest", entry_point = "smallest", defect = "wrong initial value",
    question = "smallest(numbers) returns the smallest number of a list that is not empty.",
    start = [[
def smallest(numbers):
    best = 0
    for x in numbers:
        if x < best:
            best = x
    return best
]],
    shown = [=[
[[3, 1, 2]] -> 1
[[-4, 2]] -> -4
[[7]] -> 7
]=],
    hidden = [=[
[[5, 9]] -> 5
[[0]] -> 0
[[-1, -2]] -> -2
[[100, 200, 50]] -> 50
]=],
  },
  {
    id = "py-mean", entry_point = "mean", defect = "integer division",
    question = "mean(numbers) returns the arithmetic mean; that of an empty list is 0.",
    start = [[
def mean(numbers):
    if not numbers:
        return 0
    return sum(numbers) // len(numbers)
]],
    shown = [=[
[[1, 2]] -> 1.5
[[]] -> 0
[[2, 4]] -> 3.0
]=],
    hidden = [=[
[[1, 1, 2, 3]] -> 1.75
[[-1, 0]] -> -0.5
[[5]] -> 5.0
]=],
  },
  {
    id = "py-sum-range", entry_point = "sum_range", defect = "off by one",
    question = "sum_range(a, b) returns the sum of the whole numbers from a to b, both included; "
      .. "it is 0 where b is below a.",
    start = [[
def sum_range(a, b):
    total = 0
    for n in range(a, b):
        total += n
    return total
]],
    shown = [=[
[1, 4] -> 10
[3, 3] -> 3
[5, 4] -> 0
]=],
    hidden = [=[
[0, 10] -> 55
[-2, 2] -> 0
[7, 8] -> 15
]=],
  },
  {
    id = "py-palindrome", entry_point = "is_palindrome", defect = "text edge case",
    question = "is_palindrome(text) tells whether a text reads the same in both directions, "
      .. "regardless of case; all that is no letter or digit is left out.",
    start = [[
def is_palindrome(text):
    kept = [c for c in text if c.isalnum()]
    return kept == kept[::-1]
]],
    shown = [=[
["level"] -> true
["Anna"] -> true
["ab"] -> false
]=],
    hidden = [=[
["No lemon, no melon"] -> true
[""] -> true
["12 21"] -> true
["Ab"] -> false
]=],
  },
  {
    id = "py-fibonacci", entry_point = "fibonacci", defect = "too slow",
    question = "fibonacci(n) returns the n-th Fibonacci number: fibonacci(0) is 0, fibonacci(1) "
      .. "is 1. It must be quick for n up to 80.",
    start = [[
def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)
]],
    shown = [=[
[1] -> 1
[10] -> 55
[45] -> 1134903170
]=],
    hidden = [=[
[0] -> 0
[2] -> 1
[60] -> 1548008755920
[80] -> 23416728348467685
]=],
  },
  {
    id = "py-gcd", entry_point = "gcd", defect = "wrong base case",
    question = "gcd(a, b) returns the greatest common divisor of the whole numbers a, b >= 0; "
      .. "gcd(a, 0) is a.",
    start = [[
def gcd(a, b):
    if b == 1:
        return a
    return gcd(b, a % b)
]],
    shown = [=[
[12, 18] -> 6
[7, 0] -> 7
[5, 5] -> 5
]=],
    hidden = [=[
[17, 5] -> 1
[100, 75] -> 25
[1071, 462] -> 21
[0, 6] -> 6
[8, 12] -> 4
]=],
  },
  {
    id = "py-dedupe", entry_point = "dedupe", defect = "wrong condition",
    question = "dedupe(items) returns the items without repetitions, in the order of first "
      .. "appearance.",
    start = [[
def dedupe(items):
    seen = set()
    result = []
    for x in items:
        if x in seen:
            seen.add(x)
            result.append(x)
    return result
]],
    shown = [=[
[[1, 2, 1]] -> [1, 2]
[[]] -> []
[["a", "a"]] -> ["a"]
]=],
    hidden = [=[
[[3]] -> [3]
[[3, 2, 3, 1]] -> [3, 2, 1]
[["b", "a", "b"]] -> ["b", "a"]
]=],
  },
  {
    id = "py-ranks", entry_point = "ranks", defect = "changed input",
    question = "ranks(numbers) returns for each of the different numbers, in the order of the "
      .. "list, its rank: 1 for the smallest.",
    start = [[
def ranks(numbers):
    ordered = numbers
    ordered.sort()
    return [ordered.index(x) + 1 for x in numbers]
]],
    shown = [=[
[[30, 10, 20]] -> [3, 1, 2]
[[5]] -> [1]
[[1, 2]] -> [1, 2]
]=],
    hidden = [=[
[[2, 1]] -> [2, 1]
[[9, 7, 8, 6]] -> [4, 2, 3, 1]
[[1, 3, 2]] -> [1, 3, 2]
]=],
  },
  {
    id = "py-groups", entry_point = "groups", defect = "changed input",
    question = "groups(words) returns how many words there are of each length, as pairs [length, "
      .. "count] by length. It is called more than once.",
    start = [==[
def count_into(words, counts={}):
    for word in words:
        counts[len(word)] = counts.get(len(word), 0) + 1
    return counts


def groups(words):
    count_into(words)
    counts = count_into(words)
    return [[n, counts[n]] for n in sorted(counts)]
]==],
    shown = [=[
[["a", "bb", "c"]] -> [[1, 2], [2, 1]]
[[]] -> []
[["aa"]] -> [[2, 1]]
]=],
    hidden = [=[
[["x", "y"]] -> [[1, 2]]
[["one", "two", "three"]] -> [[3, 2], [5, 1]]
[["a", "b", "cc", "dd"]] -> [[1, 2], [2, 2]]
]=],
  },
  {
    id = "py-initials", entry_point = "initials", defect = "wrong index",
    question = "initials(name) returns the first letters of the words of a name, large, each with "
      .. "a full stop behind it.",
    start = [[
def initials(name):
    return "".join(word[-1].upper() + "." for word in name.split())
]],
    shown = [=[
["ada lovelace"] -> "A.L."
["Bob"] -> "B."
[""] -> ""
]=],
    hidden = [=[
["grace brewster hopper"] -> "G.B.H."
["x y"] -> "X.Y."
["anna"] -> "A."
]=],
  },
  {
    id = "py-boxes", entry_point = "boxes", defect = "swapped arguments",
    question = "boxes(amount, parts) returns how many of the amount are left over and how many "
      .. "full boxes of `parts` there are, as [left, boxes].",
    start = [[
def boxes(amount, parts):
    boxes, left = divmod(parts, amount)
    return [left, boxes]
]],
    shown = [=[
[17, 5] -> [2, 3]
[4, 4] -> [0, 1]
[3, 10] -> [3, 0]
]=],
    hidden = [=[
[100, 7] -> [2, 14]
[8, 2] -> [0, 4]
[1, 1] -> [0, 1]
[9, 4] -> [1, 2]
]=],
  },
  {
    id = "py-longest", entry_point = "longest", defect = "wrong comparison",
    question = "longest(words) returns the first of the longest words, \"\" of an empty list.",
    start = [[
def longest(words):
    best = ""
    for word in words:
        if len(word) >= len(best):
            best = word
    return best
]],
    shown = [=[
[["a", "bbb", "cc"]] -> "bbb"
[["ab", "cd"]] -> "ab"
[[]] -> ""
]=],
    hidden = [=[
[["x", "y", "z"]] -> "x"
[["one", "three", "seven"]] -> "three"
[["aa", "b"]] -> "aa"
]=],
  },
  {
    id = "py-overlap", entry_point = "overlap", defect = "wrong operator",
    question = "overlap(a, b, c, d) returns how long the times from a to b and from c to d have "
      .. "in common, 0 where they do not meet.",
    start = [[
def overlap(a, b, c, d):
    return max(0, min(b, d) + max(a, c))
]],
    shown = [=[
[1, 5, 3, 8] -> 2
[0, 2, 3, 4] -> 0
[0, 9, 2, 3] -> 1
]=],
    hidden = [=[
[1, 2, 1, 2] -> 1
[5, 9, 0, 6] -> 1
[0, 4, 4, 8] -> 0
[2, 7, 1, 9] -> 5
]=],
  },
  {
    id = "py-digits", entry_point = "has_digit", defect = "early return",
    question = "has_digit(text) tells whether there is a digit in the text.",
    start = [[
def has_digit(text):
    for c in text:
        if c.isdigit():
            return True
        return False
    return False
]],
    shown = [=[
["a1"] -> true
["1a"] -> true
[""] -> false
]=],
    hidden = [=[
["abc9"] -> true
["abc"] -> false
["   7"] -> true
["x2y"] -> true
]=],
  },
  {
    id = "py-clean", entry_point = "clean", defect = "missing return",
    question = "clean(numbers) returns the list without its negative numbers.",
    start = [[
def clean(numbers):
    result = []
    for x in numbers:
        if x >= 0:
            result.append(x)
]],
    shown = [=[
[[1, -2, 3]] -> [1, 3]
[[]] -> []
[[-1]] -> []
]=],
    hidden = [=[
[[0, -0.5, 2]] -> [0, 2]
[[5, 6]] -> [5, 6]
[[-3, -4, 1]] -> [1]
]=],
  },
}
