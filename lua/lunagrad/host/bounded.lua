--- Functions of string and table, in Lua: for uses that could run for ever inside one instruction.
--
-- Loaded when one is needed (lua/host/bounded.c). What happens is the same as in Lua's own, but
-- that all of it can be cut, and that what is called may wait: comparators, replacements and
-- metamethods. Gets what finds one match at a place: match_at(text, pattern, from).

local unpack, select = table.unpack, select

local bounded = {}

-- ---- table.sort: the order of equal ones is that of Lua's own -----------------------------

local MANY = 100 -- from here on the pivot is chosen otherwise where that was bad

local function less(a, b) return a < b end

local function invalid() error("invalid order function for sorting", 0) end

local function swap(t, i, j)
  local a, b = t[i], t[j]
  t[i] = b
  t[j] = a
end

local function partition(t, lo, up, pivot, lt)
  local i, j = lo, up - 1
  while true do
    i = i + 1
    while lt(t[i], pivot) do
      if i == up - 1 then invalid() end
      i = i + 1
    end
    j = j - 1
    while lt(pivot, t[j]) do
      if j < i then invalid() end
      j = j - 1
    end
    if j < i then
      swap(t, up - 1, i)
      return i
    end
    swap(t, i, j)
  end
end

-- The middle one of three goes to the middle, or to a place that nobody can foresee.
local function median(t, lo, up, skewed, lt)
  local p = (lo + up) // 2
  if up - lo >= MANY and skewed then
    local quarter = (up - lo) // 4
    p = 2654435761 % (quarter * 2) + lo + quarter
  end
  if lt(t[p], t[lo]) then
    swap(t, p, lo)
  elseif lt(t[up], t[p]) then
    swap(t, p, up)
  end
  return p
end

local function sort_part(t, lo, up, skewed, lt)
  while lo < up do
    if lt(t[up], t[lo]) then swap(t, lo, up) end
    if up - lo == 1 then return end
    local p = median(t, lo, up, skewed, lt)
    if up - lo == 2 then return end
    local pivot, shorter = t[p]
    swap(t, p, up - 1)
    p = partition(t, lo, up, pivot, lt)
    if p - lo < up - p then
      sort_part(t, lo, p - 1, skewed, lt)
      shorter, lo = p - lo, p + 1
    else
      sort_part(t, p + 1, up, skewed, lt)
      shorter, up = up - p, p - 1
    end
    skewed = skewed or (up - lo) // 128 > shorter
  end
end

function bounded.sort(t, lt)
  local n = #t
  if n > 1 then
    if n >= 0x7fffffff then error("bad argument #1 to 'sort' (array too big)", 0) end
    sort_part(t, 1, n, false, lt or less)
  end
end

-- ---- other functions of table -----------------------------------------------------------

function bounded.insert(t, ...)
  local n = #t + 1
  if select("#", ...) == 1 then
    t[n] = (...)
    return
  end
  local at, value = ...
  if not math.ult(at - 1, n) then
    error("bad argument #2 to 'insert' (position out of bounds)", 0)
  end
  for i = n, at + 1, -1 do t[i] = t[i - 1] end
  t[at] = value
end

function bounded.remove(t, at)
  local n = #t
  at = at or n
  if at ~= n and math.ult(n, at - 1) then
    error("bad argument #2 to 'remove' (position out of bounds)", 0)
  end
  local value = t[at]
  for i = at, n - 1 do t[i] = t[i + 1] end
  t[math.max(at, n)] = nil
  return value
end

function bounded.concat(t, between, from, to)
  local parts, n = {}, 0
  for i = from or 1, to or #t do
    local one = t[i]
    if type(one) ~= "string" and type(one) ~= "number" then
      error(("invalid value (at index %d) in table for 'concat'"):format(i), 0)
    end
    n = n + 1
    parts[n] = one
  end
  return table.concat(parts, between, 1, n)
end

function bounded.move(from, first, last, at, to)
  to = to or from
  if last < first then return to end
  if first <= 0 and last >= math.maxinteger + first then
    error("bad argument #3 to 'move' (too many elements to move)", 0)
  end
  if at > math.maxinteger - (last - first) then
    error("bad argument #4 to 'move' (destination wrap around)", 0)
  end
  if at > last or at <= first or to ~= from then
    for i = 0, last - first do to[at + i] = from[first + i] end
  else
    for i = last - first, 0, -1 do to[at + i] = from[first + i] end
  end
  return to
end

function bounded.unpack(t, first, last)
  first, last = first or 1, last or #t
  if last >= first and (last - first >= 1000000 or last - first < 0) then
    error("too many results to unpack", 0)
  end
  local values = {}
  for i = first, last do values[i - first + 1] = t[i] end
  return unpack(values, 1, last - first + 1)
end

-- ---- string.gsub ----------------------------------------------------------------------------

return function(match_at)
  local function pack(behind, ...) return behind, select("#", ...), { ... } end

  local function replaced(with, n, found)
    local value
    if type(with) == "table" then value = with[found[1]] else value = with(unpack(found, 1, n)) end
    if not value then return nil end
    if type(value) ~= "string" and type(value) ~= "number" then
      error(("invalid replacement value (a %s)"):format(type(value)), 0)
    end
    return value
  end

  function bounded.gsub(text, pattern, with, most)
    text, pattern = tostring(text), tostring(pattern)
    local parts, n, at, last, copied = {}, 0, 1, nil, 1
    local anchored = pattern:byte() == 94
    most = most or #text + 1
    while n < most do
      local behind, count, found = pack(match_at(text, pattern, at))
      if behind and behind ~= last then
        n = n + 1
        local value = replaced(with, count, found)
        if value then
          parts[#parts + 1] = text:sub(copied, at - 1)
          parts[#parts + 1] = value
          copied = behind
        end
        at, last = behind, behind
      elseif at <= #text then
        at = at + 1
      else
        break
      end
      if anchored then break end
    end
    parts[#parts + 1] = text:sub(copied)
    return table.concat(parts), n
  end

  return bounded
end
