--- Bounded least squares with one-sided penalties over a sparse matrix, solved in slices.
--
-- The work is done in C (lua/binding/fit.c says what is minimised and how); here it is cut into
-- pieces of a few milliseconds, between which other tasks run. For the library's own files.

local core = require "lunagrad.core"
local timer = require "lunagrad.timer"

local fit = {}

local SLICE = 4000000 -- entries of the matrix: some 4 ms

--- A matrix with so many columns; rows are added with matrix:add(columns, values).
---@param columns integer
function fit.matrix(columns) return core.sparse(columns) end

---@class lunagrad.fit.aim
---@field from integer row
---@field to integer the last row
---@field low? number values below are penalised by
---@field under? number this weight, times the square of what is missing
---@field high? number values above are penalised by
---@field over? number this weight

---@class lunagrad.fit.spec
---@field matrix userdata of fit.matrix
---@field aims lunagrad.fit.aim[]
---@field bounds? {from: integer, to: integer, low: number|nil, high: number|nil}[] 0 and up
---@field start? number[] nil: the point next to zero
---@field tolerance? number of the projected gradient, by what it is next to zero; 1e-8
---@field ridge? number weight of the sum of squares of x; 0
---@field steps? integer at most so many; 200

--- Solve: x, the matrix times x, and a report {state = "settled"|"stalled"|"stopped", cost,
--- residual, steps, passes}. Waits now and then, if it takes long.
---@param spec lunagrad.fit.spec
---@return number[] x
---@return number[] values
---@return table report
function fit.solve(spec)
  local f = core.fit(spec.matrix, spec.tolerance or 1e-8, spec.ridge or 0, spec.steps or 200)
  for _, aim in ipairs(spec.aims) do
    f:aim(aim.from, aim.to, aim.low, aim.under or 0, aim.high, aim.over or 0)
  end
  for _, one in ipairs(spec.bounds or {}) do f:bounds(one.from, one.to, one.low, one.high) end
  f:start(spec.start)
  while not f:step(SLICE) do timer.sleep(0) end
  return f:x(), f:values(), f:report()
end

--- Let others run, in what takes long in Lua.
function fit.pause() timer.sleep(0) end

return fit
