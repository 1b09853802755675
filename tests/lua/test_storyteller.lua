-- test_storyteller.lua - the checks of scripts/storyteller.lua, and sim/teller, who tells for it

package.path = "scripts/?.lua;" .. package.path
require "helper"
local lu = require "luaunit"
local command = require "command"
local wishes = require "storyteller.wishes"
local world = require "lunagrad.world"

local WISH = { subject = "a snail who is late", names = { "Ida", "Bram" },
  words = { "kettle", "rope" }, least = 20, most = 40, tone = "quiet", ending = "home" }
local STORY = "Ida was a snail who was late. Bram held a kettle. 'Take the rope,' said Bram. "
  .. "Ida took it and went up the hill. Then the two of them came home."

-- ---- wishes and checks ---------------------------------------------------------------

TestWishes = {}

function TestWishes.test_they_are_made_by_a_seed()
  local a, b, c = wishes.generate(80, 1), wishes.generate(80, 1), wishes.generate(80, 2)
  local seen, same = {}, 0
  for i, wish in ipairs(a) do
    local text = wishes.text(wish)
    lu.assertEquals(text, wishes.text(b[i]))
    same = same + (text == wishes.text(c[i]) and 1 or 0)
    lu.assertNil(seen[text])
    seen[text] = true
    lu.assertNotEquals(wish.names[1], wish.names[2])
    lu.assertTrue(#wish.words >= 3 and wish.least < wish.most)
  end
  lu.assertTrue(same < 3)
end

function TestWishes.test_a_story_that_is_as_wished_for()
  local share, said = wishes.check(WISH, STORY)
  lu.assertEquals(share, 1.0, said)
  lu.assertEquals(said, "")
end

function TestWishes.test_each_check_finds_its_own_fault()
  for name, text in pairs {
    length = STORY:gsub("Then", ("She looked at the sky. And she ran. "):rep(1) .. "It was a long, "
      .. "long way. He sang a bit. She did too. Then"),
    words = STORY:gsub("kettle", "spoon"), names = STORY:gsub("Bram", "He"),
    ending = STORY:gsub("home", "back"), fresh = STORY:gsub("Bram held a kettle%.", "%0 %0"),
    easy = STORY:gsub("Ida took it and went up the hill%.", "Subsequently Ida unhesitatingly "
      .. "appropriated considerable responsibilities notwithstanding insurmountable difficulties."),
    bare = "# A story\n\n" .. STORY } do
    local share, said, shares = wishes.check(WISH, text)
    lu.assertTrue(shares[name] < 1, name)
    lu.assertTrue(share < 1)
    lu.assertNotEquals(said, "")
    for other, value in pairs(shares) do
      if other ~= name and not (name == "easy" or name == "fresh" or name == "length") then
        lu.assertEquals(value, 1.0, name .. " and " .. other)
      end
    end
  end
end

function TestWishes.test_odd_texts_have_scores_too()
  for _, text in ipairs { "", " ", "\n\n", "...", "你好。", "\xff\xfe", ("word "):rep(5000) } do
    local share = wishes.check(WISH, text)
    lu.assertTrue(share >= 0 and share < 1, text:sub(1, 20))
  end
end

function TestWishes.test_a_file_is_read_and_a_bad_row_is_named()
  local line = '{"subject":"a crow","names":["A"],"words":["x"],"least":10,"most":20,"tone":"t",'
    .. '"ending":"e"}\n'
  local path = command.write(line .. line, ".jsonl")
  lu.assertEquals(#wishes.read(path), 2)
  local bad = command.write(line .. line:gsub('"words":%["x"%]', '"words":[]'), ".jsonl")
  local ok, problem = pcall(wishes.read, bad)
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(problem), "row 2")
  command.remove_files()
end

-- ---- the world -----------------------------------------------------------------------

TestTeller = {}

local function ask(system, user, more)
  local request = { model = "sim/teller", messages = { { role = "system", content = system },
    { role = "user", content = user } } }
  for key, value in pairs(more or {}) do request[key] = value end
  return world.reply(request).text
end

local RULES = "Tell the story. Use every word of the list. Keep to the length that is asked "
  .. "for. Keep the names. End as it is wished. Do not repeat a sentence. Write short, simple "
  .. "sentences. Write the story alone, without a title."

local function mean_of(system)
  local sum = 0.0
  local list = wishes.generate(100, 5)
  for _, wish in ipairs(list) do
    sum = sum + wishes.check(wish, ask(system, wishes.text(wish))) / #list
  end
  return sum
end

function TestTeller.test_instructions_are_minded()
  lu.assertTrue(mean_of(RULES) > mean_of "Tell the story." + .15)
end

function TestTeller.test_other_words_do_too()
  local other = "Leave out none of the given words, do not write anything too long, never change a "
    .. "name, and make the last sentence fit."
  lu.assertTrue(mean_of(other) > mean_of "Tell the story." + .05)
end

function TestTeller.test_hints_of_nothing_do_nothing()
  lu.assertAlmostEquals(mean_of "Tell the story. Be a famous author.", mean_of "Tell the story.",
    .03)
end

function TestTeller.test_the_same_request_is_the_same_story()
  local text = wishes.text(WISH)
  lu.assertEquals(ask("Tell.", text), ask("Tell.", text))
  local seen = {}
  for sample = 1, 10 do seen[ask("Tell.", text, { sample = sample })] = true end
  local n = 0
  for _ in pairs(seen) do n = n + 1 end
  lu.assertTrue(n > 5)
end

function TestTeller.test_a_plan_is_no_story()
  local plan = ask("Plan the story. Use every word of the list.", wishes.text(WISH))
  lu.assertStrContains(plan, "1. Beginning")
  lu.assertNotNil(plan:find "Ida")
end

function TestTeller.test_what_the_plan_holds_is_not_forgotten()
  local with, without = 0, 0
  for i, wish in ipairs(wishes.generate(100, 8)) do
    local text = wishes.text(wish)
    local plan = "\n\nPlan:\n1. " .. table.concat(wish.words, ", ") .. "\n4. End: " .. wish.ending
    local _, _, a = wishes.check(wish, ask("Tell the story.", text .. plan))
    local _, _, b = wishes.check(wish, ask("Tell the story.", text .. "\n\nPlan:\nA story " .. i))
    with, without = with + a.words + a.ending, without + b.words + b.ending
  end
  lu.assertTrue(with > without + 10)
end

local JUDGED = "First give your reasons. Then end with the verdict in its tags: "
  .. "<VERDICT>x</VERDICT> where x is a number from 0 to 1."

local function judged(story)
  local said = ask("Is this a good story?\n" .. JUDGED,
    "<WISH>\n" .. wishes.text(WISH) .. "\n</WISH>\n<STORY>\n" .. story .. "\n</STORY>",
    { model = "sim/teller,critic_noise=0" })
  return tonumber(said:match "<VERDICT>(.-)</VERDICT>")
end

function TestTeller.test_it_judges_what_it_reads()
  lu.assertTrue(judged(STORY) > judged(STORY:gsub("kettle", "spoon"):gsub("home", "back")))
end

function TestTeller.test_other_questions_are_left_to_others()
  lu.assertStrContains(ask("", "I have two apples and a pear. How many fruits do I have?"),
    "fruits")
end

-- ---- the script ----------------------------------------------------------------------

TestScript = {}

function TestScript.tearDown() command.remove_files() end

local function run(...)
  return command.run("run", "scripts/storyteller.lua", "--display", "none", ...)
end

function TestScript.test_it_ends_with_a_claim_and_a_story()
  local out = command.temp()
  local r = run("calls=400", "val=12", "test=20", "baselines=no", "out=" .. out)
  lu.assertEquals(r.code, 0, r.err)
  lu.assertStrContains(r.out, "search - start: shown")
  lu.assertStrContains(command.read(out .. ".txt"), "telling prompt: ")
  os.remove(out .. ".txt")
end

function TestScript.test_the_same_at_any_concurrency()
  local out = command.temp()
  local words = { "calls=200", "val=10", "test=10", "baselines=no", "seed=4", "out=" .. out }
  local a = run("--concurrency", "1", table.unpack(words))
  local b = run("--concurrency", "64", table.unpack(words))
  lu.assertEquals(a.code, 0, a.err)
  lu.assertEquals(b.out, a.out)
  os.remove(out .. ".txt")
end

function TestScript.test_a_picture_is_drawn_and_kept()
  local out = command.temp()
  local r = command.with_mock({}, ("$LG run scripts/storyteller.lua --display none calls=200 "
    .. "val=10 test=5 baselines=no image=openai-image/gpt-image-1 out=%s"):format(out))
  lu.assertEquals(r.code, 0, r.err)
  lu.assertEquals(command.read(out .. ".png"):sub(2, 4), "PNG")
  os.remove(out .. ".png")
  os.remove(out .. ".txt")
end

function TestScript.test_what_cannot_be_meant_is_refused()
  for _, word in ipairs { "call=3", "seed=x", "val=0", "wishes=/nowhere",
    "out=/nowhere/story", "method=none" } do
    lu.assertEquals(run(word).code, 1, word)
  end
end

os.exit(lu.LuaUnit.run())
