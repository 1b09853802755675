-- test_reference.lua - what is told of a function: read from stubs, shown by help, and complete

require "helper"
local lu = require "luaunit"
local command = require "command"
local reference = require "lunagrad.cli.reference"

local TYPES = [[
---@meta x
---@class lunagrad.thing what it is
---@field a integer|nil how many (default 3)
---@field b fun(x: table<string, number>): boolean told
---
local lunagrad = {}

--- Does it.
--- On two lines.
--- ```lua
--- print(1)  --> 1
--- ```
---@param spec table {a=, b=}: what
--- goes on here
---@param more? string|nil
---@return lunagrad.thing the thing
---@return string? problem
---@raises inval when it is
--- wrong
function lunagrad.part.doit(spec, more) end

--- Not public.
function Var:raw_text() end
--- Public.
---@return string
function Var:text() end
]]

TestReference = {}

local function entries()
  local by_name = {}
  for _, entry in ipairs(reference.read { ["x.lua"] = TYPES }) do by_name[entry.name] = entry end
  return by_name
end

function TestReference:test_stubs_are_read()
  local found = entries()
  local one = found["lg.part.doit"]
  lu.assertEquals({ one.signature, one.words }, { "lg.part.doit(spec, more)",
    "Does it.\nOn two lines." })
  lu.assertEquals(one.params[1], { name = "spec", type = "table",
    about = "{a=, b=}: what goes on here" })
  lu.assertEquals({ one.params[2].name, one.params[2].type }, { "more?", "string|nil" })
  lu.assertEquals({ one.returns[1].type, one.returns[1].about }, { "lunagrad.thing", "the thing" })
  local first = found["lunagrad.thing"].fields[1]
  lu.assertEquals({ first.default, first.literal, first.about }, { "3", true, "how many" })
  lu.assertEquals(found["lunagrad.thing"].fields[2].type, "fun(x: table<string, number>): boolean")
  lu.assertNotNil(found["Var:text"])
  lu.assertNil(found["Var:raw_text"])
end

function TestReference:test_pages()
  local pages = reference.pages(reference.read { ["x.lua"] = TYPES })
  lu.assertStrContains(pages.part, "## `lg.part.doit(spec, more)`")
  lu.assertStrContains(pages.part, "| `more?` | `string\\|nil` |")
  lu.assertStrContains(pages.classes, "| `a` | `integer\\|nil` | `3` | how many |")
  lu.assertStrContains(pages.variable, "Var:text")
end

-- Every function that can be called has an entry, and help shows it.
function TestReference:test_help_knows_every_function()
  local lg = require "lunagrad"
  local known = {}
  for _, entry in ipairs(reference.all()) do known[entry.name] = true end
  for name, value in pairs(lg) do
    if type(value) == "function" then lu.assertTrue(known["lg." .. name], name) end
  end
  lu.assertStrContains(command.run("help", "lg.train").out, "lg.train(spec)")
  lu.assertStrContains(command.run("help", "train").out, "lg.train(spec)")
  lu.assertStrContains(command.run("help", "Var:text").out, "Var:text()")
  lu.assertStrContains(command.run("help", "lg.extract").out, "lg.extract.last_number(text)")
  lu.assertStrContains(command.run("help", "lg.headroom").out, "noise")
end

function TestReference:test_misspelt_names()
  local got = command.run("help", "lg.trian")
  lu.assertEquals(got.code, 2)
  lu.assertStrContains(got.err, "lg.train")
  lu.assertStrContains(command.run("help", "rn").err, "run")
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
