-- test_complete.lua - what Tab makes of a line, and what help knows of values

require "helper"
local lu = require "luaunit"
package.preload["lunagrad.term"] = function() return { isatty = function() return false end } end
local complete = require "lunagrad.cli.complete"
local lg = require "lunagrad"
local reference = require "lunagrad.cli.reference"

local called = 0
local env = setmetatable({
  fruit = { apple = 1, apricot = { stone = true }, banana = 2, [1] = 3, ["no name"] = 4 },
  v = lg.var "text", word = "abc",
  trap = setmetatable({ known = 1 }, { __index = function() called = called + 1 return {} end,
    __pairs = function() called = called + 1 end }),
  heir = setmetatable({ own = 1 }, { __index = { inherited = 2 } }),
}, { __index = function(_, name)
  if name == "lg" then return lg end
  return _G[name]
end })

local ABOUT = { commands = { ":cost", ":help", ":load", ":model", ":stream" }, columns = 60 }

local function at(text, again) return complete.at(env, text, again or false, ABOUT) end
local function is(text, put) lu.assertEquals(select(2, at(text)), put, text) end
local function shows(text, words)
  lu.assertEquals((select(3, at(text, true)) or ""):gsub("%s+", " "), words, text)
end

TestComplete = {}

function TestComplete:test_names()
  is("lg.optimi", "ze")
  is("print(lg.loss.crit", "ic")
  is("fruit.ap", nil)
  is("fruit.app", "le")
  is("fruit.apricot.", "stone")
  is("x = fruit.ban", "ana")
  is("v:tex", "t")
  is("v.requires", "_grad")
  is("word:uppe", "r")
  is("string.form", "at")
  is("heir.inh", "erited")
  is("func", "tion")
  is("nothing.", nil)
  is("zzz", nil)
  shows("fruit.ap", "apple apricot ")
  shows("v.rol", "role rollback ")
  shows("v:rol", "")
  is("v:rol", "lback")
  shows("lg.json.", "array decode encode null ")
end

function TestComplete:test_nothing_of_the_users_is_called()
  is("trap.", "known")
  is("trap.x.", nil)
  is("trap:", "known")
  lu.assertEquals(called, 0)
end

function TestComplete:test_tables_that_stand_behind_each_other_for_ever()
  local a, b = {}, {}
  setmetatable(a, { __index = b })
  setmetatable(b, { __index = a })
  env.round = a
  is("round.x.", nil)
  is("round.", nil)
end

function TestComplete:test_files_in_strings()
  is('io.open("READM', "E.md")
  is("lg.data.jsonl 'scripts/quicks", "tart.lua")
  is('x = "scripts/gam', "e")
  is('x = "done" .. "READM', "E.md")
  is('x = "a\\"READM', nil) -- a name with a quotation mark
  is('x = 1 -- "READM', nil)
  is('x = "$(touch /tmp/lunagrad-pwned)/', nil)
  lu.assertNil(io.open "/tmp/lunagrad-pwned")
end

function TestComplete:test_the_prompts_own_commands()
  is(":h", "elp")
  is(":help lg.trai", "n")
  is(":model groq", "/")
  is(":load READM", "E.md")
  is(":stream of", "f")
  is(":cost x", nil)
  is("? what is lg.tr", nil)
  shows(":", ":cost :help :load :model :stream ")
end

function TestComplete:test_blanks_and_long_lists()
  is("", "  ")
  is("  ", "  ")
  env.many = {}
  for i = 1, 5000 do env.many[("name%04d"):format(i)] = i end
  local _, _, shown = at("many.name", true)
  lu.assertStrContains(shown, "and 4800 more")
  for line in shown:gmatch "[^\n]+" do lu.assertTrue(#line <= 60) end
end

TestHelp = {}

function TestHelp:test_values_have_the_names_they_are_known_by()
  local function first(topic) return (reference.text(topic):match "^[^\n]*") end
  for value, name in pairs { [lg.train] = "lg.train", [lg.loss.critic] = "lg.loss.critic",
    [lg.json.encode] = "lg.json.encode" } do
    lu.assertEquals(first(value), first(name))
  end
  lu.assertStrContains(reference.text(lg.loss), "lg.loss.critic(")
  lu.assertStrContains(reference.text(lg.var "x"), "Var:text()")
  lu.assertStrContains(reference.text(lg), "lg.train(")
  for _, nothing in ipairs { print, 3, {}, "lg.trai" } do
    lu.assertFalse((pcall(reference.text, nothing)))
  end
  lu.assertFalse((pcall(reference.text, nil)))
end

os.exit(lu.LuaUnit.run())
