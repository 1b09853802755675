--- What generators of questions share: n rows from a seed, no question twice.

local errors = require "lunagrad.errors"
local rng = require "lunagrad.rng"

local MOST = 10000 -- questions: more is a mistake, and might never come back

--- A function generate(n, seed) that makes different rows by make(r).
---@param where string what scripts call
---@param make fun(r: lunagrad.rng): table a row with a question
---@return fun(n: integer, seed: integer|string|nil): table[]
return function(where, make)
  return function(n, seed)
    if math.type(n) ~= "integer" or n < 0 or n > MOST then
      errors.raise("inval", ("%s: expected how many questions, up to %d, got %s"):format(where,
        MOST, tostring(n)), nil, 2)
    end
    local r, rows, known = rng.new(seed or 1), {}, {}
    while #rows < n do
      local row = make(r)
      if not known[row.question] then
        known[row.question] = true
        rows[#rows + 1] = row
        row.id = tostring(#rows)
      end
    end
    return rows
  end
end
