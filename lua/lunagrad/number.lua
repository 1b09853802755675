--- Numbers as people and models write them.
--
-- Reads those in a text (all scripts' digits, LaTeX, groups of thousands of several countries) and
-- compares them by value. A number is a text: "-1234.5", "3/4", "1.5e3"; nothing is rounded.
-- Ambiguous forms are decided once, here: 1,234 has thousands, 1.234 a decimal point, 1,5 a decimal
-- comma. What is part of a larger expression that is not read (a root, a power, a fraction with
-- letters) is no number. Used by lg.extract and lg.metric.

local core = require "lunagrad.core"
local text = require "lunagrad.text"

local number = {}

local find, sub, match = string.find, string.sub, string.match

-- ---- one writing ---------------------------------------------------------------

--- 1,234,567.5 without its commas; nil when the commas stand elsewhere.
local function without_commas(s)
  local sign, head, tail = s:match "^([+-]?)(%d[%d,]*)(.*)$"
  if not head or not head:find(",", 1, true) then return s end
  local plain = head:gsub(",(%d%d%d)", "%1")
  if not head:find "^%d%d?%d?," or plain:find(",", 1, true) or #plain <= 3 then return nil end
  local groups = select(2, head:gsub(",%d%d%d%f[^%d]", ""))
  if groups ~= select(2, head:gsub(",", "")) then return nil end
  return sign .. plain .. tail
end

--- A decimal number in one writing only, so that 8, +8.0, 08 and 0.8e1 are the same and long
--- numbers lose no digit; nil when the text is no number.
---@param s string
---@return string|nil
function number.canonical(s)
  local body = #s <= 400 and without_commas(text.trim(s))
  if not body then return nil end
  local sign, whole, fraction, power = body:match "^([+-]?)(%d*)%.?(%d*)(.*)$"
  if whole == "" and fraction == "" then return nil end
  local shift = 0
  if power ~= "" then
    shift = math.tointeger(tonumber(power:match "^[eE]([+-]?%d%d?%d?)$"))
    if not shift then return nil end
  end
  local digits, point = whole .. fraction, #whole + shift
  if point < 0 then digits, point = ("0"):rep(-point) .. digits, 0 end
  if point > #digits then digits = digits .. ("0"):rep(point - #digits) end
  whole = digits:sub(1, point):gsub("^0+", "")
  fraction = digits:sub(point + 1):gsub("0+$", "")
  if whole == "" then whole = "0" end
  local plain = fraction == "" and whole or whole .. "." .. fraction
  return sign == "-" and plain ~= "0" and "-" .. plain or plain
end

local function gcd(a, b)
  while b ~= 0 do a, b = b, a % b end
  return a
end

--- A decimal in canonical form as a fraction of integers; nil when it is too long for that.
local function as_fraction(s)
  local sign, whole, fraction = s:match "^(%-?)(%d+)%.?(%d*)$"
  if not whole or #whole + #fraction > 15 then return nil end
  local top, bottom = math.tointeger(tonumber(whole .. fraction)), math.tointeger(10 ^ #fraction)
  return sign == "-" and -top or top, bottom
end

--- A number or fraction in one writing: "6/8" and "0.75" give "3/4".
local function reduced(s)
  local top, bottom = s:match "^([^/]*)/([^/]*)$"
  local x, y = number.canonical(top or s), number.canonical(bottom or "1")
  if not x or not y or y == "0" then return nil end
  local a, b = as_fraction(x)
  local c, d = as_fraction(y)
  if not a or not c or #x + #y > 17 then return y == "1" and x or x .. "/" .. y end
  local over, under = a * d, b * c
  if under < 0 then over, under = -over, -under end
  local common = gcd(math.abs(over), under)
  over, under = over // common, under // common
  return under == 1 and tostring(over) or over .. "/" .. under
end

--- Are both numbers, or fractions in digits ("3/4"), of the same value?
---@param a string
---@param b string
---@return boolean
function number.same(a, b)
  local x, y = number.canonical(a), number.canonical(b)
  if x and y then return x == y end
  x = reduced(a)
  return x ~= nil and x == reduced(b)
end

-- ---- preparing a text ----------------------------------------------------------

local VULGAR = {
  ["¼"] = "1/4", ["½"] = "1/2", ["¾"] = "3/4", ["⅐"] = "1/7", ["⅑"] = "1/9", ["⅒"] = "1/10",
  ["⅓"] = "1/3", ["⅔"] = "2/3", ["⅕"] = "1/5", ["⅖"] = "2/5", ["⅗"] = "3/5", ["⅘"] = "4/5",
  ["⅙"] = "1/6", ["⅚"] = "5/6", ["⅛"] = "1/8", ["⅜"] = "3/8", ["⅝"] = "5/8", ["⅞"] = "7/8",
}

local RAISED = {
  ["⁰"] = "0", ["¹"] = "1", ["²"] = "2", ["³"] = "3", ["⁴"] = "4", ["⁵"] = "5", ["⁶"] = "6",
  ["⁷"] = "7", ["⁸"] = "8", ["⁹"] = "9", ["⁻"] = "-",
}

-- 1½ → 1 1/2, 10⁻³ → 10^-3, 3⁄4 → 3/4
local function spell_out(s)
  local raised_to = nil
  s = s:gsub("()([\xC2\xC3\xE2][\x80-\xBF]+)()", function(from, c, to)
    if RAISED[c] then
      local sign = from == raised_to and "" or "^"
      raised_to = to
      return sign .. RAISED[c]
    elseif VULGAR[c] then
      return (find(sub(s, from - 1, from - 1), "%d") and " " or "") .. VULGAR[c]
    elseif c == "\u{2044}" or c == "\u{2215}" then
      return "/"
    end
    return c == "×" and "\\times" or c == "·" and "\\cdot" or nil
  end)
  return s
end

-- The characters of numbers in plain form, LaTeX's spaces and commas inside numbers resolved.
local function prepare(s)
  s = spell_out(text.plain(s))
  if find(s, "\\", 1, true) or find(s, "{,}", 1, true) then
    s = s:gsub("{,}", ","):gsub(",\\!", ","):gsub("\\[,;: ]", " "):gsub("\\([$%%])", "%1")
    s = s:gsub("%s?%^%s?{?%s?\\circ%f[%A]%s?}?", "\u{B0}")
  end
  return s
end

-- ---- reading one ---------------------------------------------------------------

--- Whether a letter of a script that parts its words by blanks ends at `to`.
local function is_letter(s, to)
  local c = sub(s, to, to)
  if c < "\x80" then return find(c, "[%a_]") ~= nil end
  local from = to
  while from > 1 and find(sub(s, from, from), "[\x80-\xBF]") do from = from - 1 end
  return core.char_kind(s, from) == "w"
end

local CURRENCY = { ["€"] = true, ["£"] = true, ["¥"] = true, ["₹"] = true, ["₽"] = true,
  ["₩"] = true, ["₺"] = true, ["₪"] = true, ["₫"] = true, ["₴"] = true, ["¢"] = true }

--- Is there a minus sign that belongs to the number at `from`? A hyphen behind a letter, digit or
--- closing bracket ("GPT-4", "3-5") joins; it does not negate.
local function is_negative(s, from)
  local at = from - 1
  if sub(s, at, at) == "$" then
    at = at - 1
  elseif CURRENCY[sub(s, at - 2, at)] then
    at = at - 3
  elseif CURRENCY[sub(s, at - 1, at)] then
    at = at - 2
  end
  if sub(s, at, at) == " " and find(sub(s, at - 3, at - 1), "^=%s?%-$") then return true end
  if sub(s, at, at) ~= "-" then return false end
  local before = sub(s, at - 1, at - 1)
  return not find(before, "[%w_)}]") and not (before >= "\x80" and is_letter(s, at - 1))
end

local LONGEST = 64 -- bytes of a token with signs in it

-- The digits of one token without blanks ("1.234,56"), in plain form. Of a list ("1,2,3") its last;
-- nil and true for what is no number but a version, date or address ("1.2.3").
local function read_token(t, listed)
  if not find(t, "%D") or find(t, "^%d+%.%d+$") then return t end
  if #t > LONGEST then -- a list, or nothing: never read again from its second digit on
    local item = match(t, "^.*,(.*)$")
    return item and not find(item, "%D") and item or nil, true
  end
  if find(t, "^%d+,%d+$") and not listed then
    if find(t, "^[1-9]%d?%d?,%d%d%d$") then return (t:gsub(",", "")) end
    return (t:gsub(",", "."))
  end
  local head, rest = match(t, "^([1-9]%d?%d?)([,.'_].*)$")
  if not head then
    head, rest = match(t, "^(%d+)(_.*)$")
  end
  local sign = rest and sub(rest, 1, 1)
  if sign then
    local whole, fraction = rest, ""
    local last = match(rest, ".*()[,.]")
    if last and sub(rest, last, last) ~= sign then
      whole, fraction = sub(rest, 1, last - 1), "." .. sub(rest, last + 1)
    end
    local groups, n = whole:gsub("%" .. sign .. "%d%d%d%f[^%d]", "")
    local _, dots = whole:gsub("%.", "")
    if groups == "" and n > 0 and (sign ~= "." or dots > 1 or fraction ~= "") then
      return head .. whole:gsub("%D", "") .. fraction
    end
    local pairs_left = sub(whole, 1, -5):gsub(",%d%d", "")
    if sign == "," and #head <= 2 and find(whole, ",%d%d%d$") and pairs_left == "" then
      return head .. whole:gsub("%D", "") .. fraction -- 12,34,567
    end
  end
  if find(t, ",", 1, true) and not find(t, "['_]") then
    local item = match(t, "^.*,(.*)$")
    if not find(item, "%..*%.") then return item end
  end
  if find(t, "%..*%.") and not find(t, "[,'_]") then return nil, true end
  return nil
end

-- Groups behind blanks: 1 234 567. Not in a row of numbers, "7 1 234".
local function read_groups(s, digits, from, to)
  if #digits > 3 or find(digits, "^0") or find(sub(s, from - 2, from - 1), "^%d[ ]$") then
    return digits, to
  end
  while true do
    local group, behind = match(s, "^[ ](%d%d%d)()", to)
    if not group or find(s, "^%d", behind) then break end
    digits, to = digits .. group, behind
  end
  if #digits > 3 then
    local fraction, behind = match(s, "^[.,](%d+)()", to)
    if fraction and not find(s, "^[.,]%d", behind) then
      digits, to = digits .. "." .. fraction, behind
    end
  end
  return digits, to
end

-- Where the token of digits and signs between them ends.
local function token_end(s, from)
  local to = match(s, "^%d+()", from)
  while true do
    local behind = match(s, "^[.,'_]%d+()", to)
    if not behind then return to end
    to = behind
  end
end

local function is_listed(s, from, to)
  return find(sub(s, from - 1, from - 1), "[%(%[{]") and find(sub(s, to, to), "[%)%]}]") ~= nil
end

local POWERS = {}
for i, times in ipairs { "\\times", "\\cdot", "[x*]" } do
  POWERS[i] = "^%s*" .. times .. "%s*10%s*%^%s*{?%s*(%-?%d+)%s*}?()"
end

-- e3, and times ten to the third.
local function read_power(s, digits, to)
  local power, behind = match(s, "^[eE]([+-]?%d+)()", to)
  if power and not find(s, "^[%a_]", behind) then
    return digits .. sub(s, to, behind - 1), behind
  end
  for _, pattern in ipairs(POWERS) do
    power, behind = match(s, pattern, to)
    if power then return digits .. "e" .. power, behind end
  end
  return digits, to
end

-- 3/4; a row of them (3/4/2024) is a date: nil.
local function read_fraction(s, digits, to)
  local under, behind = match(s, "^ ?/ ?(%d+)()", to)
  if not under or find(under, "^0+$") then return digits, to end
  if find(s, "^/%d", behind) then return nil, match(s, "^[%d/]+()", behind) end
  if find(s, "^[.,]%d", behind) or find(digits, "[^%d.]") then return digits, to end
  return digits .. "/" .. under, behind
end

--- The number whose first digit is at `from`: its plain form, or nil for what is none; and where
--- it ends.
local function read_number(s, from)
  local to = token_end(s, from)
  local digits, no_number = read_token(sub(s, from, to - 1), is_listed(s, from, to))
  if not digits and no_number then return nil, to end
  if not digits then
    digits, to = match(s, "^(%d+)()", from)
  elseif not find(digits, "%D") and to - from == #digits then
    digits, to = read_groups(s, digits, from, to)
  end
  digits, to = read_power(s, digits, to)
  return read_fraction(s, digits, to)
end

-- ---- LaTeX ---------------------------------------------------------------------

-- What stands in the braces at `at`, or the digit; and where it ends. Nil when they do not close.
local function argument(s, at)
  at = match(s, "^%s*()", at)
  local digit = match(s, "^%d", at)
  if digit then return digit, at + 1 end
  if sub(s, at, at) ~= "{" then return nil, at end
  local depth, from = 0, at
  repeat
    at = find(s, "[{}]", at)
    if not at then return nil, #s + 1 end
    depth = depth + (sub(s, at, at) == "{" and 1 or -1)
    at = at + 1
  until depth == 0
  return sub(s, from + 1, at - 2), at
end

local function plain_argument(s)
  if not s or #s > 60 then return nil end
  local inner = match(s, "^%s*(.-)%s*$")
  inner = match(inner, "^\\text{%s*(.-)%s*}$") or inner
  local sign, digits = match(inner, "^([+-]?)(%d[%d.,]*)$")
  local read = digits and read_token(digits, false)
  return read and (sign == "-" and "-" or "") .. read
end

-- The command whose backslash is at `at`: the fraction it says, or nil; where to go on; and
-- whether what was passed over is part of an expression that is no number.
local function read_command(s, at)
  local name, to = match(s, "^\\(%a+)()", at)
  if not name then return nil, at + 1, false end
  if name == "sqrt" then
    to = match(s, "^%s*%[[^%]\\]*%]()", to) or to
    local _, behind = argument(s, to)
    return nil, behind, true
  elseif not find(name, "^[dtc]?frac$") then
    return nil, to, false
  end
  local over, under
  over, to = argument(s, to)
  under, to = argument(s, to)
  over, under = plain_argument(over), plain_argument(under)
  if not over or not under or find(under, "^[0.]+$") then return nil, to, true end
  return over .. "/" .. under, to, false
end

-- ---- all of a text -------------------------------------------------------------

local function add_whole(whole, fraction)
  local over, under = match(fraction, "^(%d+)/(%d+)$")
  local n, a, b = math.tointeger(tonumber(whole)), math.tointeger(tonumber(over)),
    math.tointeger(tonumber(under))
  if not n or not a or not b or a >= b or #whole + #under > 15 then return nil end
  return ("%d/%d"):format(n * b + a, b)
end

-- Takes what is found: its text in plain form (false: no number, but in a number's place), where
-- it begins and ends. A whole number right before a fraction is one with it: 1 1/2.
local function collector(s)
  local list, starts, stops = {}, {}, {}
  local function add(value, from, to)
    local n = #list
    if value and find(value, "/", 1, true) and list[n] and find(list[n], "^%d+$")
      and find(sub(s, stops[n], from - 1), "^ ?$") then
      local mixed = add_whole(list[n], value)
      if mixed then
        list[n], stops[n] = mixed, to
        return
      end
    end
    list[n + 1], starts[n + 1], stops[n + 1] = value or false, from, to
  end
  return list, starts, add
end

-- Where an exponent's digits begin at `from`: the base's last character, else nil.
local function base_of(s, from)
  local at = from - 1
  if sub(s, at, at) == "-" then at = at - 1 end
  if sub(s, at, at) == "{" then at = at - 1 end
  if sub(s, at, at) ~= "^" then return nil end
  return sub(s, at - 1, at - 1)
end

-- Digits inside a name, or an index: where it ends; nil when they are none.
local function skip_name(s, from)
  local before = sub(s, from - 1, from - 1)
  if not (before ~= "" and is_letter(s, from - 1)) and sub(s, from - 2, from - 1) ~= "_{" then
    return nil
  end
  local to = match(s, "^[%w_]+()", from)
  while true do
    local behind = match(s, "^%.%d[%w_]*()", to)
    if not behind then return to end
    to = behind
  end
end

local function take_digits(s, from, add)
  local base = base_of(s, from)
  if base then
    if find(base, "[%d)}%]]") then add(false, from, from) end
    return match(s, "^%d+}?()", from)
  end
  local behind = skip_name(s, from)
  if behind then return behind end
  local value, to = read_number(s, from)
  if not value then return to end
  if find(s, "^%s?%^", to) then
    add(false, from, to)
    return match(s, "^%s?%^{?%-?%d*}?()", to)
  end
  local start = from
  if sub(s, from - 1, from - 1) == "." and not find(sub(s, from - 2, from - 2), "[%w_)]") then
    value, start = "0." .. value, from - 1
  end
  add(is_negative(s, start) and "-" .. value or value, start, to)
  return to
end

--- All numbers of a text in plain form, in turn; false where an expression stands that is none.
---@param s string
---@return (string|false)[]
function number.all(s)
  s = prepare(s)
  local at = 1
  local list, _, add = collector(s)
  while true do
    local from = find(s, "[%d\\]", at)
    if not from then return list end
    if sub(s, from, from) == "\\" then
      local value, to, unread = read_command(s, from)
      if value then
        local sign = is_negative(s, from) and "-" or ""
        add((sign .. value):gsub("^%-%-", ""), from, to)
      elseif unread then
        add(false, from, to)
      end
      at = to
    else
      at = take_digits(s, from, add)
    end
  end
end

--- The last number of a text in plain form; nil when there is none.
---@param s string
---@return string|nil
function number.last(s)
  local list = number.all(s)
  return list[#list] or nil
end

return number
