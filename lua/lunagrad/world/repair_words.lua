--- What sim/repair calls the kinds of changes, and by which words it knows them.
--
-- The same table serves both ways: a criticism is written with `say`, and whoever's criticism is
-- read by `words` (Lua patterns, small letters).

local words = {}

---@type table<string, { say: string, words: string[] }>
words.kinds = {
  arguments = { say = "the arguments may stand in the wrong order",
    words = { "argument", "swapped", "wrong order of" } },
  arithmetic = { say = "the arithmetic operator may be the wrong one",
    words = { "operator", "plus", "minus", "subtract", "is added", "multipl" } },
  bound = { say = "this may be off by one: where it begins or ends",
    words = { "off by one", "off%-by%-one", "one too", "bound", "out of range", "last item",
      "last element", "inclusive", "included", "both ends" } },
  compare = { say = "the comparison may be the wrong one: strict or not, or the other way round",
    words = { "comparison", "compare", "strict", "at least", "at most", "equal",
      "the other way" } },
  condition = { say = "the condition may be the wrong way round, or joined wrongly",
    words = { "condition", "negat", "logic", "unless", "not already" } },
  constant = { say = "the number that stands there may be the wrong one",
    words = { "constant", "the number", "off by one", "wrong value" } },
  copy = { say = "what was given is changed there, and should be copied first",
    words = { "copy", "copie", "in place", "mutat", "shared", "more than once", "changes its input",
      "in the order of the list" } },
  delete = { say = "this statement may be one too many, or returns too early",
    words = { "too early", "too many", "remove", "left out", "leave out", "superfluous" } },
  division = { say = "the division may be of the wrong kind: whole or not",
    words = { "division", "divid", "fraction", "integer", "mean", "average", "rounded" } },
  guard = { say = "a special case may be missing",
    words = { "special case", "edge case", "empty", "missing case", "base case", "where none" } },
  initial = { say = "the value that it begins with may be the wrong one",
    words = { "initial", "begins with", "starts with", "start value", "negative numbers",
      "is not empty" } },
  lower = { say = "small and large letters may have to count as equal",
    words = { "lower", "upper", "regardless of case", "small or large", "large letter" } },
  number = { say = "a text may have to be made a number",
    words = { "tonumber", "as numbers", "int%(" } },
  operands = { say = "what stands on both sides may have to change places",
    words = { "operand", "sign", "both sides", "reversed", "before the text" } },
  order = { say = "the statements may stand in the wrong order",
    words = { "order of", "too late", "too early", "first, then", "before it", "statements" } },
  ["return"] = { say = "nothing is returned there",
    words = { "nothing is returned", "missing return", "no return", "returns nil", "returns none",
      "without a return" } },
  slow = { say = "it does the same work again and again, or more than it must",
    words = { "slow", "quick", "too long", "limit", "time", "again and again", "memo" } },
  text = { say = "the pattern or format may be the wrong one",
    words = { "pattern", "format", "regular expression", "white space", "leading" } },
  truth = { say = "it may say yes where it should say no, or the other way round",
    words = { "true", "false" } },
  variable = { say = "this may be the wrong variable", words = { "variable", "wrong name" } },
}

--- Their names, sorted.
words.names = {}
for name in pairs(words.kinds) do words.names[#words.names + 1] = name end
table.sort(words.names)

--- The kinds that a text speaks of.
---@param text string
---@return table<string, boolean>
function words.of(text)
  local low, found = text:lower(), {}
  for _, name in ipairs(words.names) do
    for _, pattern in ipairs(words.kinds[name].words) do
      if low:find(pattern) then found[name] = true end
    end
  end
  return found
end

return words
