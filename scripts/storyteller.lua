-- storyteller.lua - little stories: planned, told and judged; the teller's prompts are trained.
--
--   lunagrad run scripts/storyteller.lua                             on sim/teller, without a key
--   lunagrad run scripts/storyteller.lua -m openai/gpt-4o-mini       on a real model
--   lunagrad run scripts/storyteller.lua -m openai/llama calls=200   on a server of your own:
--     OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none
--   … image=openai-image/gpt-image-1                                 and a picture of the last one
--
-- A wish (storyteller/wishes.lua) says what the story is to be like. One prompt plans, one tells;
-- code checks what can be checked, and a judge looks at the rest. A search improves both prompts.
-- Wishes that nothing was chosen by are told before and after, beside random advice and the best
-- of n at as many calls. In the end one story is refined by what was said of it.
--
-- Other arguments: calls=1200 seed=1 method=race baselines=yes judge=yes train=20 val=30 test=60
-- wishes=FILE (JSON lines) out=story (story.txt, and story.png with image=) tokens=N (most of a
-- plan or story; for models that do not come to an end).

local lg = require "lunagrad"
local claim = require "lunagrad.improve.claim"
local wishes = require "storyteller.wishes"

local args = lg.args
local KNOWN = "calls seed method baselines judge train val test wishes image out tokens "

for name in pairs(args) do
  if not KNOWN:find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are %s"):format(name, KNOWN), 0)
  end
end

local function number(name, default, least)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= least then return value end
  error(("%s=%s: expected a whole number of at least %d"):format(name, args[name], least), 0)
end

local seed, calls = number("seed", 1, 0), number("calls", 1200, 1)
local sizes = { number("train", 20, 1), number("val", 30, 1), number("test", 60, 1) }
local all = sizes[1] + sizes[2] + sizes[3]
local rows = args.wishes and wishes.read(args.wishes) or wishes.generate(all, seed)
if #rows < all then
  error(("there are %d wishes, and train=, val= and test= take %d"):format(#rows, all), 0)
end
local data = {}
for i, wish in ipairs(rows) do data[i] = { wish = wishes.text(wish), wished = wish } end
local train, val, test = lg.data.list(data):split { sizes[1], sizes[2], sizes[3], seed = seed }

-- ---- the program -----------------------------------------------------------------

lg.default { model = "sim/teller" } -- where no -m says another
local model = lg.model()

local plan_prompt = lg.param("Plan the story.", "prompt that plans a story")
local tell_prompt = lg.param("Tell the story.", "prompt that tells a story")
local params = { plan_prompt, tell_prompt }

local most = args.tokens and number("tokens", nil, 1)

local function tell(row)
  local plan = model { row.wish, system = plan_prompt, role = "plan of the story",
    max_tokens = most }
  return model { lg.format("{wish}\n\nPlan:\n{plan}", { wish = row.wish, plan = plan }),
    system = tell_prompt, role = "story", max_tokens = most }
end

local judge = lg.loss.judge { "Is this a good little story, and as it was wished for? Look at its "
  .. "beginning, its trouble and its turn, whether somebody speaks, and at the tone.",
  fields = { "wish", "story" } }

-- The checks of code, and the judge's verdict; what both say is the feedback.
local function metric(story, row)
  local share, said = wishes.check(row.wished, story)
  if args.judge == "no" then return { checks = share }, said end
  local verdict = judge { wish = row.wish, story = story }
  return { checks = share, judge = verdict.score }, said .. "\n" .. verdict:text()
end

-- ---- the searches ----------------------------------------------------------------

local START = { plan_prompt:text(), tell_prompt:text() }

-- From the same start, whatever was found before.
local function search(more)
  for i, p in ipairs(params) do p:set(START[i]) end
  local spec = { program = tell, params = params, metric = metric,
    weights = { checks = 3, judge = args.judge ~= "no" and 1 or 0 }, train = train, val = val,
    budget = { calls = calls }, seed = seed, headroom = false,
    operators = { "gradient", "reflect", "edit", "merge", "shorten", "fresh" },
    objective = "Little stories that are as they were wished for, and good to read." }
  for key, value in pairs(more) do spec[key] = value end
  if ("mipro opro"):find(spec.method or "race", 1, true) then spec.operators = nil end
  local result = lg.optimize(spec)
  result.found = { plan_prompt:text(), tell_prompt:text() }
  return result
end

-- Advice that one finds anywhere, for the baseline that hears no feedback.
local ADVICE = { "Show, don't tell.", "Begin in the middle of things.",
  "Use every word of the list.", "Give the hero a wish.", "Keep to the length that is asked for.",
  "Use strong verbs.",
  "Kill your darlings.", "Keep the names.", "Write short sentences with easy words.",
  "Avoid adverbs.", "End as it is wished.", "Let somebody speak.", "Say nothing twice.",
  "Write the story alone, without a title.", "Write what you know.", "Make it rhyme.",
  "Use all five senses.", "Surprise the reader.", "Be concise.", "Think of a child who listens." }

local function advise(parent, _, context)
  local texts, which = { table.unpack(parent.texts) }, context.rng:int(1, 2)
  texts[which] = texts[which] .. " " .. ADVICE[context.rng:int(1, #ADVICE)]
  return texts
end

-- ---- before and after --------------------------------------------------------------

local function with(texts, fn, ...)
  return lg.with({ [plan_prompt] = texts[1], [tell_prompt] = texts[2] }, fn, ...)
end

local function mean(list)
  local sum = 0.0
  for _, x in ipairs(list) do sum = sum + x end
  return sum / #list
end

-- Of three stories the one that the checks like best.
local function best_of_three(row)
  return (lg.best_of { tell, row, n = 3, score = function(story)
    return (wishes.check(row.wished, story))
  end })
end

-- Scores on the test wishes, and a line of them: the whole, the judge, each check.
local function on_test(name, texts, result, program)
  local sums, scores = { judge = 0.0 }, {}
  local stories = lg.map(test, function(row)
    local story = with(texts, program or tell, row):text()
    local value = metric(story, row)
    local _, _, shares = wishes.check(row.wished, story)
    return { value = value, shares = shares }
  end)
  for i, one in ipairs(stories) do
    scores[i] = args.judge == "no" and one.value.checks
      or (3 * one.value.checks + one.value.judge) / 4
    sums.judge = sums.judge + (one.value.judge or 0) / #stories
    for check, share in pairs(one.shares) do sums[check] = (sums[check] or 0) + share / #stories end
  end
  local cells = { ("%-16s %.3f  %.2f "):format(name, mean(scores), sums.judge) }
  for _, check in ipairs(wishes.CHECKS) do cells[#cells + 1] = ("%6.2f"):format(sums[check]) end
  if result then cells[#cells + 1] = ("  %4d calls"):format(result.spent.calls) end
  print(table.concat(cells))
  return scores
end

-- ---- one story, refined --------------------------------------------------------------

local function paragraph(text)
  local lines, line = {}, " "
  for word in text:gmatch "%S+" do
    if #line + #word > 96 then lines[#lines + 1], line = line, " " end
    line = line .. " " .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local critic = lg.loss.critic "Is this a good little story, and as it was wished for? Be brief."

-- What code and a critic say goes into the story itself; the best of the versions is kept.
local function refine(row, text)
  local story = lg.param(text, "little story")
  local checks = lg.loss.score { function(said)
    local share, words = wishes.check(row.wished, said)
    return share, words
  end, name = "checks", purpose = "checks a story against the wish" }
  local loss = lg.loss.all { checks, function(said)
    return critic(said, { wish = row.wish })
  end }
  local optimizer = lg.optim.tgd { story }
  local best, share = text, wishes.check(row.wished, text)
  for _ = 1, 2 do
    if share == 1 then break end
    optimizer:zero_grad()
    loss(story):backward()
    optimizer:step()
    local new = wishes.check(row.wished, story:text())
    if new > share then best, share = story:text(), new end
  end
  return best, share
end

local function illustrate(text, path)
  local painter = lg.model(args.image)
  local picture = painter("Draw a picture for this story, without any words in it:\n" .. text)
  path = path .. "." .. (picture.media:match "/(%w+)$" or "png")
  lg.save(picture, path)
  print("the picture: " .. path)
end

local function show(before, after)
  local row, worst, lowest = test[1], nil, nil
  for i = 1, math.min(#test, 10) do -- of the first ten the one that leaves most to refine
    local text = with(after, tell, test[i]):text()
    local share = wishes.check(test[i].wished, text)
    if not lowest or share < lowest then row, worst, lowest = test[i], text, share end
  end
  local first = with(before, tell, row):text()
  print("\nA wish:\n  " .. row.wish:gsub("\n", "\n  "))
  print(("\nBefore (%.2f of the checks):\n%s"):format(wishes.check(row.wished, first),
    paragraph(first)))
  print(("\nAfter (%.2f):\n%s"):format(lowest, paragraph(worst)))
  local refined, share = refine(row, worst)
  if refined ~= worst then print(("\nRefined (%.2f):\n%s"):format(share, paragraph(refined))) end
  return row, refined
end

local dry_run = require("lunagrad.model").dry_run

-- The file that is to become the story's: what was there before stays until all is written.
local function open_out(path)
  local file, problem = io.open(path .. ".new", "wb")
  return file or error(("out=%s: %s"):format(path, problem), 0)
end

local function save(path, row, text, prompts)
  if dry_run then return end -- what is there was paid for
  local file = open_out(path)
  local done, problem = file:write(row.wish, "\n\n", text, "\n\nplan prompt: ", prompts[1],
    "\ntelling prompt: ",
    prompts[2], "\n")
  if done then done, problem = file:close() end
  if done then done, problem = os.rename(path .. ".new", path .. ".txt") end
  if not done then error(("out=%s: %s"):format(path, problem), 0) end
  print("\nthe story and the prompts: " .. path .. ".txt")
end

-- ---- the run -----------------------------------------------------------------------

open_out(args.out or "story"):close()
os.remove((args.out or "story") .. ".new")
print(("%d wishes to learn from, %d to choose by, %d to judge; model %s"):format(#train, #val,
  #test, model.name))
local result = search { method = args.method, test = test }
print(result)

local others = {} -- { name, prompts, search or nil, another program or nil }
if args.baselines ~= "no" then
  local advised = search { operators = { { name = "advice", batch = false, propose = advise } } }
  local several = search { method = "best_of_n", operators = { "gradient" } }
  others = { { "start, best of 3", START, nil, best_of_three },
    { "random advice", advised.found, advised }, { "best of n", several.found, several } }
end

print(("\n%d wishes that nothing was chosen by:\n                 score  judge length words names "
  .. "ending fresh  easy  bare"):format(#test))
local first = on_test("start", START)
for _, other in ipairs(others) do other.scores = on_test(table.unpack(other, 1, 4)) end
local best = on_test("search", result.found, result)
print("\nsearch - start: " .. tostring(result.claim or claim.paired(first, best)))
for _, other in ipairs(others) do
  print(("search - %s: %s"):format(other[1], tostring(claim.paired(other.scores, best))))
end

print("\nplan prompt:    " .. result.found[1] .. "\ntelling prompt: " .. result.found[2])
local row, text = show(START, result.found)
save(args.out or "story", row, text, result.found)
if args.image and not dry_run then illustrate(text, args.out or "story") end
