-- test_game.lua - the quest of scripts/game.lua, its players, and sim/designer, who edits it

package.path = "scripts/?.lua;" .. package.path
local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local core = require "lunagrad.core"
local judge = require "game.judge"
local player = require "game.player"
local quest = require "game.quest"
local world = require "lunagrad.world"

local _ = helper

local RULES = '{"time_limit":60,"purse":2,"coins":12,"lantern_price":6,"search_time":3}'
local FEW = RULES:gsub('"coins":12', '"coins":8')
local GOOD = [[
greeting: The tower is at the {tower_place}, {tower_way}.
errand: Bring key and lantern to the tower.
key: The key: {key_way}.
lantern: The chandler: {chandler_way}. {lantern_price} coins.
time: There are {time_limit} bells.]]
local VAGUE = [[
greeting: Hello.
errand: Something has to be done.
key: There is a key.
lantern: It is dark somewhere.
time: Hurry.]]

local function rules(text) return assert(quest.rules(text or RULES, core.json_decode)) end
local function lines(text) return assert(quest.lines(text)) end

-- ---- texts -------------------------------------------------------------------------

TestTexts = {}

function TestTexts.test_rules_are_read()
  local read = rules()
  lu.assertEquals(read.time_limit, 60)
  lu.assertEquals(math.type(read.coins), "integer")
end

function TestTexts.test_what_is_wrong_with_rules_is_said()
  for _, case in ipairs {
    { "", "JSON" }, { "[1, 2]", "time_limit" }, { "null", "JSON" }, { '"x"', "JSON" },
    { '{"time_limit":60}', "purse" },
    { RULES:gsub("60", "5"), "time_limit" }, { RULES:gsub("60", "1e9"), "time_limit" },
    { RULES:gsub("60", "20.5"), "whole" }, { RULES:gsub("60", '"60"'), "whole" },
    { RULES:gsub("60", "-3"), "time_limit" }, { RULES:gsub("}", ',"lives":3}'), "lives" },
  } do
    local read, problem = quest.rules(case[1], core.json_decode)
    lu.assertNil(read, case[1])
    lu.assertStrContains(problem, case[2])
  end
end

function TestTexts.test_what_is_wrong_with_lines_is_said()
  for _, case in ipairs {
    { "", "greeting" }, { VAGUE:gsub("key: [^\n]*\n", ""), "key" }, { VAGUE .. "\nkey: x", "two" },
    { VAGUE .. "\nmore: x", "more" }, { VAGUE:gsub("Hurry", "{gold}"), "gold" },
    { VAGUE:gsub("Hurry", "{key_way"), "brace" }, { VAGUE:gsub("Hurry%.", ""), "time" },
    { "Some words", "colon" },
  } do
    local read, problem = quest.lines(case[1])
    lu.assertNil(read, case[1])
    lu.assertStrContains(problem, case[2])
  end
end

function TestTexts.test_numbers_in_words()
  lu.assertEquals(quest.in_words(0), "no")
  lu.assertEquals(quest.in_words(19), "nineteen")
  lu.assertEquals(quest.in_words(20), "twenty")
  lu.assertEquals(quest.in_words(42), "forty-two")
  lu.assertEquals(quest.in_words(200), "two hundred")
end

-- ---- the town ----------------------------------------------------------------------

TestTown = {}

function TestTown.test_a_seed_is_a_town()
  local a, b, c = quest.town(7, rules()), quest.town(7, rules()), quest.town(8, rules())
  local function names(town)
    local list = {}
    for i, place in ipairs(town.places) do list[i] = place.name .. (place.coin and "+" or "") end
    return table.concat(list, " ")
  end
  lu.assertEquals(names(a), names(b))
  lu.assertNotEquals(names(a), names(c))
  lu.assertEquals(a.quay.name, "quay")
end

function TestTown.test_more_coins_are_the_same_and_more()
  local few = quest.town(3, rules((RULES:gsub('"coins":12', '"coins":4'))))
  local many = quest.town(3, rules())
  local n = 0
  for i, place in ipairs(few.places) do
    if place.coin then
      n = n + 1
      lu.assertTrue(many.places[i].coin)
    end
  end
  lu.assertEquals(n, 4)
end

function TestTown.test_fields_are_filled_in()
  for _, line in ipairs(quest.speech(quest.town(5, rules()), lines(GOOD))) do
    lu.assertNil(line:find "[{}]")
    lu.assertNotNil(line:find "^%u")
  end
end

-- ---- players -----------------------------------------------------------------------

TestPlayer = {}

local EXPERT, NOVICE = player.SKILLS[3], player.SKILLS[1]

function TestPlayer.test_what_is_read()
  local known = player.listen({ "Look for the key, two north and one east of here.",
    "The lantern costs twelve coins. You have forty-two bells.",
    "Bring the key and the lantern to the tower." }, EXPERT)
  lu.assertEquals({ known.where.key.dx, known.where.key.dy }, { 1, -2 })
  lu.assertEquals(known.price, 12)
  lu.assertEquals(known.limit, 42)
  lu.assertTrue(known.needs.key)
  lu.assertTrue(known.needs.chandler)
  lu.assertNil(known.where.tower)
end

function TestPlayer.test_a_name_is_a_place()
  local known = player.listen({ "The key is at the mill." }, EXPERT)
  lu.assertEquals(known.where.key.place, "mill")
end

function TestPlayer.test_who_is_told_little_knows_little()
  local known = player.listen({ "Fear not!", "", "The mill is old. Go north." }, EXPERT)
  lu.assertNil(next(known.where))
  lu.assertNil(next(known.needs))
end

function TestPlayer.test_a_novice_takes_in_the_first_words()
  local line = "Many have asked and many will ask me for the key, which is two north."
  lu.assertNil(player.listen({ line }, NOVICE).where.key)
  lu.assertNotNil(player.listen({ line }, EXPERT).where.key)
  lu.assertEquals(player.listen({ line }, NOVICE).cut, 1)
end

local function score(text, of_rules)
  local sum = 0.0
  for seed = 1, 60 do
    local objectives = judge.town(seed, lines(text), rules(of_rules))
    for _, value in pairs(objectives) do lu.assertTrue(value >= 0 and value <= 1) end
    sum = sum + objectives.done / 60
  end
  return sum
end

function TestPlayer.test_lines_that_say_where_help()
  lu.assertTrue(score(GOOD) > score(VAGUE) + .3)
end

function TestPlayer.test_lines_that_lie_do_not()
  local lies = GOOD:gsub("key_way", "chandler_way"):gsub("tower_way", "key_way")
  lu.assertTrue(score(lies) < score(GOOD))
end

function TestPlayer.test_a_lantern_that_nobody_can_pay()
  local dear = RULES:gsub('"lantern_price":6', '"lantern_price":30')
  lu.assertEquals(score(GOOD, dear), 0.0)
  local _, said = judge.town(1, lines(GOOD), rules(dear))
  lu.assertStrContains(said, "could not pay")
end

function TestPlayer.test_the_same_play_again()
  for seed = 1, 20 do
    local _, a, b = judge.town(seed, lines(VAGUE), rules())
    local _, c, d = judge.town(seed, lines(VAGUE), rules())
    lu.assertEquals({ a, b }, { c, d })
  end
end

-- ---- the designer ------------------------------------------------------------------

TestDesigner = {}

local FORM = [[
Improve a variable with the role "%s". This is the variable, whole:
<VARIABLE>
%s
</VARIABLE>

This is the feedback on it:
<CONTEXT>
<FEEDBACK>
What is wanted: a quest. The game fills in {key_place} (name of the place of the key), {key_way} (how
to get there), {time_limit} (number of bells).
</FEEDBACK>
<FEEDBACK>
%s
</FEEDBACK>
</CONTEXT>

Write the improved variable between <NEW_VARIABLE> and </NEW_VARIABLE>, and nothing behind it.]]

local function edited(text, said, sample)
  local reply = world.reply { model = "sim/designer,editor_noise=0", sample = sample, messages = {
    { role = "system", content = "You are the editor. Write the improved variable." },
    { role = "user", content = FORM:format("a text", text, said) } } }
  return reply.text:match "<NEW_VARIABLE>\n(.*)\n</NEW_VARIABLE>"
end

function TestDesigner.test_numbers_go_the_way_that_was_asked_for()
  local seen = {}
  for sample = 1, 40 do
    local new = rules(edited(FEW, "The novice could not pay the lantern: 4 coins were missing.",
      sample))
    lu.assertTrue(new.lantern_price <= 6 and new.coins >= 8 and new.purse >= 2)
    lu.assertEquals(new.time_limit, 60)
    seen[new.lantern_price .. "/" .. new.coins .. "/" .. new.purse] = true
  end
  local kinds = 0
  for _ in pairs(seen) do kinds = kinds + 1 end
  lu.assertTrue(kinds > 5) -- no one answer is known
end

function TestDesigner.test_who_complains_of_nothing_is_not_answered()
  lu.assertEquals(rules(edited(RULES, "All three were done in a good time.", 1)), rules())
end

function TestDesigner.test_what_was_not_told_is_told()
  local told = 0
  for sample = 1, 40 do
    local new = lines(edited(VAGUE, "The novice never learned where the key is.", sample))
    told = told + (table.concat({ new.key, new.greeting, new.errand }, " "):find "{key_" and 1 or 0)
  end
  lu.assertTrue(told > 30)
end

function TestDesigner.test_what_is_of_no_game_is_left_to_others()
  local reply = world.reply { model = "sim/designer", messages = { { role = "user",
    content = "I have two apples and a pear. How many fruits do I have?" } } }
  lu.assertStrContains(reply.text, "fruits")
end

-- ---- the script --------------------------------------------------------------------

TestScript = {}

function TestScript.tearDown() command.remove_files() end

local function run(...)
  return command.run("run", "scripts/game.lua", "--display", "none", ...)
end

function TestScript.test_it_ends_and_writes_what_a_game_loads()
  local out = command.temp ".json"
  local r = run("evaluations=400", "towns=60", "baselines=no", "out=" .. out)
  lu.assertEquals(r.code, 0, r.err)
  local best = assert(core.json_decode(command.read(out)))
  local text = {}
  for i, name in ipairs(quest.LINES) do text[i] = name .. ": " .. best.lines[name] end
  lines(table.concat(text, "\n"))
  rules(core.json_encode(best.rules))
  lu.assertEquals(best.shown, true)
end

function TestScript.test_the_same_again()
  local out = command.temp ".json"
  local words = { "evaluations=500", "towns=20", "baselines=no", "seed=3", "out=" .. out }
  local a = run("--concurrency", "1", table.unpack(words))
  local first = command.read(out)
  local b = run("--concurrency", "64", table.unpack(words))
  lu.assertEquals({ b.code, b.out }, { a.code, a.out })
  lu.assertEquals(command.read(out), first)
end

function TestScript.test_what_cannot_be_meant_is_refused()
  for _, word in ipairs { "evalutions=3", "seed=x", "towns=0", "lines=/nowhere",
    "evaluations=-1", "out=/nowhere/best.json", "rules=/dev/null", "method=none" } do
    lu.assertEquals(run(word).code, 1, word)
  end
end

os.exit(lu.LuaUnit.run())
