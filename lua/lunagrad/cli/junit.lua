--- An evaluation as JUnit's XML, which servers of continuous integration read: a test a row. Pure.

local svg = require "lunagrad.report.svg"

local junit = {}

local escape = svg.escape -- what stands between tags is the same in all XML

--- The text of the file.
---@param name string of the suite
---@param result lunagrad.evaluation
---@param numbers integer[] which row each is
---@return string
function junit.make(name, result, numbers)
  local failures, errors, tests = 0, 0, {}
  for i, row in ipairs(result.rows) do
    local said = row.error ~= nil and tostring(row.error) or tostring(row.output or "")
    local inside = ""
    if row.error ~= nil then
      errors = errors + 1
      inside = ('<error message="%s"/>'):format(escape(said))
    elseif (row.score or 0) < 1 then
      failures = failures + 1
      inside = ('<failure message="scored %g">%s</failure>'):format(row.score or 0, escape(said))
    end
    tests[i] = ('  <testcase classname="%s" name="row %d">%s</testcase>'):format(escape(name),
      numbers[i], inside)
  end
  return ('<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="%s" tests="%d" failures="%d"'
    .. ' errors="%d">\n%s\n</testsuite>\n'):format(escape(name), #result.rows, failures, errors,
    table.concat(tests, "\n"))
end

return junit
