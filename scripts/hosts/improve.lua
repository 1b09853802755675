-- improve.lua - the job of the examples in this folder: a text, improved.
--
-- It is a script like others, and gives back a table; whoever runs it has no part in it. With the same
-- arguments and replies the result is the same in the command and in every host:
--
--   lunagrad run scripts/hosts/plain.lua                       in the command
--   lua5.4 scripts/hosts/plain.lua                             in a stock Lua
--   and in Neovim, LÖVE, LuaJIT, C and C++: see the other files here
--
-- Arguments: text (what is to be better), seed, steps, model ("sim"; what lg.model finds). With wish (what
-- a good text is like) a critic reads the text itself and its words change it: for a line, a commit
-- message, a letter, and a real model. Without, the text is the system prompt of questions that are
-- counted, and what is right is known.

local lg = require "lunagrad"

local args = lg.args

local function number(name, default)
  local value = tonumber(args[name] or default)
  if value and value >= 0 and value % 1 == 0 then return math.tointeger(value) end
  error(("%s=%s: expected a whole number"):format(name, tostring(args[name])), 0)
end

local seed, steps = number("seed", 1), number("steps", 4)

lg.default { model = args.model or "sim" }

-- What a person or a program would do with a wish: read, say what is wrong, write anew.
local function by_wish(text)
  local param = lg.param(text, args.role or "text")
  local critic, optimizer = lg.loss.critic(args.wish), lg.optim.tgd { param }
  local said = {}
  for i = 1, steps do
    local critique = critic(param)
    critique:backward()
    optimizer:step()
    said[i] = critique:text()
  end
  return { before = text, after = param:text(), said = said }
end

-- Questions whose answer is a number: some to learn from, some to choose by.
local function by_questions(text)
  local rows = lg.data.list(lg.task.object_counting.generate(60, seed))
  local train, val = rows:split { 20, 40, seed = seed }
  local model, exact = lg.model(), lg.loss.exact { extract = lg.extract.last_number }
  local prompt = lg.param(text, "system prompt for counting questions")
  local result = lg.train {
    program = function(row) return model { row.question, system = prompt } end,
    loss = function(answer, row) return exact(answer, row.answer) end,
    metric = lg.metric.number, params = { prompt }, train = train, val = val,
    batch = 3, steps = steps, seed = seed,
  }
  return { before = text, after = prompt:text(), score_before = result.seed_score,
    score_after = result.best_score, steps = #result.steps }
end

local text = args.text or "Answer the question."
return args.wish and by_wish(text) or by_questions(text)
