--- helper.lua: what the Lua tests share: where the module is, and small tools.
--
-- Tests run in a stock Lua from the project's directory; run.sh sets the paths, and
-- `lua5.4 tests/lua/test_x.lua` alone finds the module in build/ as well.

local build = os.getenv "BUILD" or "build"
package.cpath = build .. "/?.so;" .. package.cpath
package.path = "tests/lua/?.lua;" .. package.path

local core = require "lunagrad.core" -- after it, all lunagrad.* are found
local lu = require "luaunit"
local errors = require "lunagrad.errors"

local helper = { build = build }

--- An engine whose clock jumps, so that no test waits.
function helper.engine(cfg)
  local all = { virtual_clock = true }
  for name, value in pairs(cfg or {}) do all[name] = value end
  return core.engine(all)
end

--- Calls fn, which must raise an error object of this kind.
---
--- `wanted` is what its fields must be, { field = "steps" }, or nil where the kind says all; it is a
--- text that the error must show where the words are the point.
function helper.fails(kind, wanted, fn, ...)
  local ok, problem = pcall(fn, ...)
  lu.assertFalse(ok, "no error, expected one of kind " .. kind)
  lu.assertTrue(errors.is(problem), "not an error object: " .. tostring(problem))
  if type(wanted) == "string" then lu.assertStrContains(tostring(problem), wanted) end
  for name, value in pairs(type(wanted) == "table" and wanted or {}) do
    lu.assertEquals(problem[name], value, name .. " of: " .. tostring(problem))
  end
  lu.assertEquals(problem.kind, kind)
  return problem
end

--- Steps the engine and answers its events until nothing is left to do.
---
--- handlers.call(id, tag), .tool(id, tag, var), .gradient(id, tag, var), .var(id, tag, var) and
--- .abandon(id) are optional. Returns the names of the events that came.
function helper.run(engine, handlers)
  local seen = {}
  for _ = 1, 10000 do
    engine:step()
    local name, id, tag, var = engine:next()
    while name do
      seen[#seen + 1] = name
      local handler = handlers and handlers[name]
      if handler then handler(id, tag, var) end
      name, id, tag, var = engine:next()
    end
    if engine:timeout() ~= 0 then return seen end
  end
  error "the engine does not come to rest"
end

--- A host model that answers by fn(view) → text, with a handler for helper.run.
function helper.model(engine, name, fn, more)
  local spec = { dialect = "host", name = name or "host/echo", model = name or "echo" }
  for key, value in pairs(more or {}) do spec[key] = value end
  local model = core.model(engine, spec)
  return model, function(id)
    engine:call_reply(id, fn(engine:call_view(id)))
  end
end

--- The rows of tests/data/extract.jsonl: what models reply, and what is right to read in it.
function helper.replies()
  local rows = {}
  for line in io.lines "tests/data/extract.jsonl" do
    rows[#rows + 1] = assert(core.json_decode(line))
  end
  return rows
end

return helper
