--- Problems of lg.task.repair about texts. Data alone: see init.lua beside it.

return {
  {
    id = "palindrome", entry_point = "is_palindrome", defect = "text edge case",
    question = "is_palindrome(text) tells whether a text reads the same in both directions, "
      .. "regardless of case and of all that is no letter.",
    start = [[
function is_palindrome(text)
  local letters = text:gsub("%A", "")
  return letters == letters:reverse()
end
]],
    shown = [=[
["level"] -> true
["Anna"] -> true
["house"] -> false
]=],
    hidden = [=[
["A man, a plan, a canal: Panama"] -> true
[""] -> true
["Was it a car"] -> false
["No lemon, no melon"] -> true
]=],
  },
  {
    id = "count-words", entry_point = "count_words", defect = "text edge case",
    question = "count_words(text) counts the words of a text; words are what stands between white "
      .. "space.",
    start = [[
function count_words(text)
  local count = 0
  for _ in text:gmatch("%a+") do
    count = count + 1
  end
  return count
end
]],
    shown = [=[
["one two"] -> 2
["it's 5 o'clock"] -> 3
[""] -> 0
]=],
    hidden = [=[
["  spaced   out  "] -> 2
["well-known facts"] -> 2
["1 2 3"] -> 3
["a"] -> 1
]=],
  },
  {
    id = "caesar", entry_point = "caesar", defect = "wrong constant",
    question = "caesar(text, shift) moves each small letter so many places on in the alphabet, "
      .. "from z on to a; the rest stays.",
    start = [[
function caesar(text, shift)
  return (text:gsub("%l", function(c)
    return string.char((c:byte() - 97 + shift) % 25 + 97)
  end))
end
]],
    shown = [=[
["abc", 1] -> "bcd"
["xyz", 3] -> "abc"
["hi!", 0] -> "hi!"
]=],
    hidden = [=[
["z", 1] -> "a"
["hello world", 13] -> "uryyb jbeyq"
["aaa", 25] -> "zzz"
["zebra", 26] -> "zebra"
]=],
  },
  {
    id = "count-vowels", entry_point = "count_vowels", defect = "text edge case",
    question = "count_vowels(text) counts the letters a, e, i, o, u, small or large.",
    start = [[
function count_vowels(text)
  local count = 0
  for c in text:gmatch(".") do
    if ("aeiou"):find(c, 1, true) then
      count = count + 1
    end
  end
  return count
end
]],
    shown = [=[
["banana"] -> 3
["Apple"] -> 2
["rhythm"] -> 0
]=],
    hidden = [=[
["AEIOU"] -> 5
[""] -> 0
["Queue up"] -> 5
["xyz"] -> 0
]=],
  },
  {
    id = "run-length", entry_point = "run_length", defect = "wrong constant",
    question = "run_length(text) writes each run of equal characters as the character and how "
      .. "many there are: \"aab\" gives \"a2b1\".",
    start = [[
function run_length(text)
  local result, count = "", 0
  for i = 1, #text do
    count = count + 1
    if text:sub(i, i) ~= text:sub(i + 1, i + 1) then
      result = result .. text:sub(i, i) .. count
      count = 1
    end
  end
  return result
end
]],
    shown = [=[
["aab"] -> "a2b1"
["x"] -> "x1"
[""] -> ""
]=],
    hidden = [=[
["abc"] -> "a1b1c1"
["aaaa"] -> "a4"
["aabbb"] -> "a2b3"
["abab"] -> "a1b1a1b1"
]=],
  },
  {
    id = "common-prefix", entry_point = "common_prefix", defect = "off by one",
    question = "common_prefix(a, b) returns the longest text that both texts begin with.",
    start = [[
function common_prefix(a, b)
  local i = 1
  while i <= #a and i <= #b and a:sub(i, i) == b:sub(i, i) do
    i = i + 1
  end
  return a:sub(1, i)
end
]],
    shown = [=[
["flower", "flow"] -> "flow"
["abc", "xyz"] -> ""
["", "a"] -> ""
]=],
    hidden = [=[
["same", "same"] -> "same"
["inter", "internet"] -> "inter"
["ab", "ac"] -> "a"
["x", ""] -> ""
]=],
  },
  {
    id = "title-case", entry_point = "title_case", defect = "off by one",
    question = "title_case(text) makes the first letter of each word large.",
    start = [[
function title_case(text)
  return (text:gsub("%a+", function(word)
    return word:sub(1, 1):upper() .. word:sub(1)
  end))
end
]],
    shown = [=[
["hello world"] -> "Hello World"
["a"] -> "A"
[""] -> ""
]=],
    hidden = [=[
["the quick fox"] -> "The Quick Fox"
["lua 5"] -> "Lua 5"
["already Good"] -> "Already Good"
["x y z"] -> "X Y Z"
]=],
  },
  {
    id = "balanced", entry_point = "is_balanced", defect = "missing case",
    question = "is_balanced(text) tells whether each \"(\" of a text has its \")\" behind it, and "
      .. "each \")\" its \"(\" before it.",
    start = [[
function is_balanced(text)
  local depth = 0
  for c in text:gmatch("[()]") do
    if c == "(" then
      depth = depth + 1
    else
      depth = depth - 1
    end
    if depth < 0 then
      return false
    end
  end
  return true
end
]],
    shown = [=[
["(a)(b)"] -> true
["(("] -> false
[")("] -> false
]=],
    hidden = [=[
[""] -> true
["("] -> false
["((x)"] -> false
["())("] -> false
["(())()"] -> true
]=],
  },
  {
    id = "roman", entry_point = "roman", defect = "wrong comparison",
    question = "roman(text) returns the value of a Roman numeral: a letter before one of larger "
      .. "value is taken off, all others are added.",
    start = [[
local VALUES = { I = 1, V = 5, X = 10, L = 50, C = 100, D = 500, M = 1000 }

function roman(text)
  local total = 0
  for i = 1, #text do
    local value = VALUES[text:sub(i, i)]
    local behind = VALUES[text:sub(i + 1, i + 1)] or 0
    if value <= behind then
      total = total - value
    else
      total = total + value
    end
  end
  return total
end
]],
    shown = [=[
["IV"] -> 4
["III"] -> 3
["XVI"] -> 16
]=],
    hidden = [=[
["MCMXCIV"] -> 1994
["XX"] -> 20
["CD"] -> 400
["MMXXVI"] -> 2026
["VIII"] -> 8
]=],
  },
  {
    id = "join-sorted", entry_point = "join_sorted", defect = "swapped arguments",
    question = "join_sorted(words, separator) returns the words in alphabetical order with the "
      .. "separator between them.",
    start = [[
function join_sorted(words, separator)
  local sorted = {}
  for i, word in ipairs(words) do
    sorted[i] = word
  end
  table.sort(sorted)
  return table.concat(separator, sorted)
end
]],
    shown = [=[
[["b", "a"], ", "] -> "a, b"
[["x"], "-"] -> "x"
[[], "-"] -> ""
]=],
    hidden = [=[
[["pear", "fig", "apple"], " "] -> "apple fig pear"
[["b", "b"], ""] -> "bb"
[["c", "a", "b"], "+"] -> "a+b+c"
]=],
  },
  {
    id = "pad-left", entry_point = "pad_left", defect = "swapped arguments",
    question = "pad_left(text, width, fill) puts the character fill before the text until it is "
      .. "width characters long; a longer text stays.",
    start = [[
function pad_left(text, width, fill)
  return text .. fill:rep(width - #text)
end
]],
    shown = [=[
["7", 3, "0"] -> "007"
["abc", 2, " "] -> "abc"
["", 2, "x"] -> "xx"
]=],
    hidden = [=[
["ab", 5, "-"] -> "---ab"
["abc", 3, "0"] -> "abc"
["42", 4, "0"] -> "0042"
]=],
  },
  {
    id = "count-char", entry_point = "count_char", defect = "off by one",
    question = "count_char(text, c) counts how often the character c stands in the text.",
    start = [[
function count_char(text, c)
  local count = 0
  for i = 1, #text - 1 do
    if text:sub(i, i) == c then
      count = count + 1
    end
  end
  return count
end
]],
    shown = [=[
["banana", "a"] -> 3
["", "x"] -> 0
["abc", "b"] -> 1
]=],
    hidden = [=[
["a", "a"] -> 1
["aaaa", "a"] -> 4
["xyz", "z"] -> 1
["hello", "l"] -> 2
]=],
  },
  {
    id = "anagram", entry_point = "is_anagram", defect = "missing return",
    question = "is_anagram(a, b) tells whether two texts consist of the same characters.",
    start = [[
local function sorted(text)
  local list = {}
  for c in text:gmatch(".") do
    list[#list + 1] = c
  end
  table.sort(list)
  return table.concat(list)
end

function is_anagram(a, b)
  local same = sorted(a) == sorted(b)
end
]],
    shown = [=[
["listen", "silent"] -> true
["abc", "abd"] -> false
["", ""] -> true
]=],
    hidden = [=[
["aab", "aba"] -> true
["aab", "abb"] -> false
["a", "aa"] -> false
]=],
  },
  {
    id = "newer", entry_point = "is_newer", defect = "text edge case",
    question = "is_newer(a, b) tells whether version a, such as \"1.10.2\", is newer than version "
      .. "b; both have three parts.",
    start = [[
function is_newer(a, b)
  local of_a, of_b = {}, {}
  for part in a:gmatch("%d+") do
    of_a[#of_a + 1] = part
  end
  for part in b:gmatch("%d+") do
    of_b[#of_b + 1] = part
  end
  for i = 1, 3 do
    if of_a[i] ~= of_b[i] then
      return of_a[i] > of_b[i]
    end
  end
  return false
end
]],
    shown = [=[
["1.2.3", "1.2.2"] -> true
["1.10.0", "1.9.0"] -> true
["1.0.0", "1.0.0"] -> false
]=],
    hidden = [=[
["2.0.0", "10.0.0"] -> false
["0.0.100", "0.0.20"] -> true
["3.1.4", "3.1.5"] -> false
["1.2.3", "1.2.3"] -> false
]=],
  },
  {
    id = "overlapping", entry_point = "count_text", defect = "wrong variable",
    question = "count_text(text, part) counts at how many places of the text the part begins; "
      .. "they may overlap: \"aaa\" has \"aa\" twice. The part is not empty.",
    start = [[
function count_text(text, part)
  local count, at = 0, 1
  while true do
    local from, to = text:find(part, at, true)
    if not from then
      return count
    end
    count = count + 1
    at = to + 1
  end
end
]],
    shown = [=[
["banana", "an"] -> 2
["aaa", "aa"] -> 2
["abc", "x"] -> 0
]=],
    hidden = [=[
["aaaa", "a"] -> 4
["abababa", "aba"] -> 3
["", "a"] -> 0
["xxxx", "xx"] -> 3
]=],
  },
  {
    id = "hamming", entry_point = "hamming", defect = "wrong comparison",
    question = "hamming(a, b) counts the places at which two texts of equal length differ.",
    start = [[
function hamming(a, b)
  local count = 0
  for i = 1, #a do
    if a:byte(i) == b:byte(i) then
      count = count + 1
    end
  end
  return count
end
]],
    shown = [=[
["abc", "abd"] -> 1
["same", "same"] -> 0
["", ""] -> 0
]=],
    hidden = [=[
["karolin", "kathrin"] -> 3
["a", "b"] -> 1
["1011101", "1001001"] -> 2
]=],
  },
  {
    id = "clock", entry_point = "clock", defect = "text edge case",
    question = "clock(minutes) writes so many minutes after midnight as hours and minutes, such "
      .. "as \"7:05\"; after 23:59 comes 0:00.",
    start = [[
function clock(minutes)
  return ("%d:%d"):format(minutes // 60 % 24, minutes % 60)
end
]],
    shown = [=[
[430] -> "7:10"
[425] -> "7:05"
[1440] -> "0:00"
]=],
    hidden = [=[
[0] -> "0:00"
[59] -> "0:59"
[60] -> "1:00"
[1439] -> "23:59"
[1500] -> "1:00"
]=],
  },
  {
    id = "compress-spaces", entry_point = "squeeze", defect = "text edge case",
    question = "squeeze(text) makes each run of spaces one space, and takes off those at both "
      .. "ends.",
    start = [[
function squeeze(text)
  local inner = text:gsub(" +", " ")
  return inner:match("^ ?(.*) ?$")
end
]],
    shown = [=[
["a  b"] -> "a b"
["  x"] -> "x"
["y  "] -> "y"
]=],
    hidden = [=[
[" a b "] -> "a b"
[""] -> ""
["   "] -> ""
["one   two three "] -> "one two three"
]=],
  },
}
