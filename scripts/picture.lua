-- picture.lua - a picture, improved by feedback: one model looks at it, another edits it.
--
--   lunagrad run scripts/picture.lua -m openai/gpt-5-mini wish="a red fox, flat, no words"
--   … from=fox.png          starts with this file instead of a first attempt by the editor
--   … editor=gemini/gemini-3-pro-image-preview    (default: openai-image/gpt-image-1)
--
-- Offline, against the mock, whose pictures are small coloured squares that heed no wish: it
-- shows the way of the calls, not progress.
--
--   lunagrad mock &         # prints its address
--   OPENAI_BASE_URL=http://127.0.0.1:PORT/v1 OPENAI_API_KEY=k lunagrad run scripts/picture.lua \
--     -m openai/gpt-5-mini
--
-- Other arguments: steps=3, out=picture (picture-0.png, picture-1.png, …).

local lg = require "lunagrad"

local args = lg.args
local wish = args.wish or "a red fox in a flat style, without any words"
local steps = assert(math.tointeger(tonumber(args.steps or 3)), "steps= is a whole number")
local out = args.out or "picture"

local editor_name = args.editor or "openai-image/gpt-image-1"
local modalities = editor_name:find "^gemini" and { "text", "image" } or nil
local editor = lg.model { editor_name, modalities = modalities }

local start = args.from and lg.image(args.from) or editor("Draw this: " .. wish)
local picture = lg.param(start, "a picture that should show: " .. wish)
local judge = lg.loss.critic "Does the picture show what is wished? Say what is missing or wrong."
local optimizer = lg.optim.tgd { picture, media_model = editor, memory = 2 }

local function keep(i)
  local path = ("%s-%d.%s"):format(out, i, picture.media:match "/(%w+)$")
  lg.save(picture, path)
  print(path, picture)
end

keep(0)
for i = 1, steps do
  optimizer:zero_grad()
  local critique = judge(picture, { wish = wish })
  critique:backward()
  local report = optimizer:step()
  print("\nthe critic: " .. critique:text() .. "\n" .. tostring(report))
  if report.changed then keep(i) end
end
