-- test_media.lua - pictures and sound as values: made, shown, judged, given feedback, edited

local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local lg = require "lunagrad"
local draw = require("lunagrad.world.pictures").draw

lg.configure { virtual_clock = true }

local RED, BLUE, GREEN = draw("red", 8), draw("blue", 8), draw("green", 8)
local WAV = "RIFF\36\0\0\0WAVEfmt \16\0\0\0" .. ("\0"):rep(20)

-- A model that answers by fn(request), and the requests that it got.
local function scripted(fn)
  local asked = {}
  return lg.model(function(request)
    asked[#asked + 1] = request
    return type(fn) == "function" and fn(request, #asked) or fn
  end), asked
end

-- The media types of a request's messages; "-" for a text.
local function kinds(request)
  local list = {}
  for i, message in ipairs(request.messages) do list[i] = message.media or "-" end
  return table.concat(list, " ")
end

local function picture(bytes, role)
  return lg.param(lg.image { bytes = bytes }, role or "the logo")
end

local function painter(...)
  local replies = { ... }
  return scripted(function(_, n)
    local one = replies[math.min(n, #replies)]
    return one:find "^\137PNG" and { text = one, media = "image/png" } or one
  end)
end

TestFeedback = {}

function TestFeedback:test_the_critic_sees_the_variable_first()
  local logo, other = picture(RED), lg.image { bytes = BLUE, role = "a sketch" }
  local eye = scripted "a red square"
  local critic, asked = scripted "make it round"
  eye{ "Compare.", other, logo, system = "Look." }:backward { model = critic }
  local feedback = logo:feedback()
  lu.assertEquals(#feedback, 1)
  lu.assertEquals(feedback[1].text, "make it round")
  lu.assertEquals(kinds(asked[1]), "- - image/png image/png")
  lu.assertEquals(asked[1].messages[3].content, RED)
  lu.assertEquals(asked[1].messages[4].content, BLUE)
  lu.assertEquals(asked[1].messages[3].role, "+")
  local question = asked[1].messages[2].content
  lu.assertStrContains(question,
    ("[image/png, %d bytes]: it is the first attachment."):format(#RED))
  lu.assertStrContains(question, 'a variable with the role "the logo"')
  lu.assertNil(question:find("PNG\r", 1, true))
end

function TestFeedback:test_each_input_of_a_call_has_its_own_question()
  local logo, prompt = picture(RED), lg.param("What is it?", "question")
  local critic, asked = scripted "more"
  scripted "a logo" { prompt, logo } :backward { model = critic }
  lu.assertEquals(#logo:feedback(), 1)
  lu.assertEquals(#prompt:feedback(), 1)
  local by_media = { [true] = 0, [false] = 0 }
  for _, one in ipairs(asked) do
    lu.assertEquals(kinds(one), "- - image/png")
    local named = one.messages[2].content:find("first attachment", 1, true) ~= nil
    by_media[named] = by_media[named] + 1
  end
  lu.assertEquals(by_media, { [true] = 1, [false] = 1 })
end

-- Who rewrites a prompt sees the pictures that it is about, each once; not where told otherwise.
function TestFeedback:test_the_editor_sees_the_pictures()
  local function step(options, reply, other)
    local prompt = lg.param("What is it?", "question")
    local eye, critic = scripted "a square", scripted "Ask for the colour."
    local losses = {}
    for i, bytes in ipairs { RED, BLUE, RED } do
      losses[i] = eye { prompt, lg.image { bytes = bytes } }
    end
    lg.sum(losses):backward { model = critic }
    local editor, asked = scripted(reply
      or "<NEW_VARIABLE>What is it, and of which colour?</NEW_VARIABLE>")
    options[1], options[2], options.model = prompt, other, editor
    lg.optim.tgd(options):step()
    lu.assertEquals(prompt:text(), "What is it, and of which colour?")
    return asked[1]
  end
  local one = step {}
  lu.assertEquals(kinds(one), "- - - image/png image/png")
  lu.assertStrContains(one.messages[3].content, "Attached")
  lu.assertEquals({ one.messages[4].content, one.messages[5].content }, { RED, BLUE })
  lu.assertEquals(kinds(step { pictures = false }), "- -")
  one = step({ mode = "edit" },
    "<FIND>it?</FIND><REPLACE>it, and of which colour?</REPLACE>")
  lu.assertEquals(kinds(one), "- - - image/png image/png")
  local other = lg.param("Look.", "advice")
  other:add_feedback "Look closer."
  one = step({ together = true },
    "<NEW_VARIABLE_A>What is it, and of which colour?</NEW_VARIABLE_A>"
    .. "<NEW_VARIABLE_B>Look closely.</NEW_VARIABLE_B>", other)
  lu.assertEquals({ kinds(one), other:text() }, { "- - - image/png image/png", "Look closely." })
end

function TestFeedback:test_sound_and_documents()
  local voice = lg.param(lg.audio { bytes = WAV }, "the jingle")
  local critic, asked = scripted "louder"
  scripted "a beep" { "What do you hear?", voice } :backward { model = critic }
  lu.assertEquals(voice:feedback()[1].text, "louder")
  lu.assertEquals(kinds(asked[1]), "- - audio/wav")
  helper.fails("inval", "is a document", lg.optim.tgd,
    { lg.param(lg.document { bytes = "%PDF-1.4 x" }, "the paper") })
end

function TestFeedback:test_merged_feedback_shows_the_picture_once()
  local logo = picture(RED)
  local critic, asked = scripted(function(_, n) return "point " .. n end)
  local eye = scripted "red"
  local losses = {}
  for i = 1, 3 do losses[i] = eye { "Look " .. i, logo } end
  lg.mean(losses):backward { model = critic }
  lu.assertEquals(#logo:feedback(), 1)
  lu.assertEquals(#asked, 4)
  lu.assertEquals(kinds(asked[4]), "- - image/png") -- the merge
  lu.assertStrContains(asked[4].messages[2].content, "first attachment")
end

function TestFeedback:test_a_trainable_template_names_the_picture()
  local before = lg.prompts.attached:text()
  lg.prompts.attached = "see the first enclosure ({value})"
  local critic, asked = scripted "more"
  local logo = picture(RED)
  scripted "a logo" { "What?", logo } :backward { model = critic }
  logo:feedback()
  lg.prompts.attached = before
  lu.assertStrContains(asked[1].messages[2].content, "see the first enclosure ([image/png,")
end

TestTools = {}

function TestTools:test_a_tool_takes_and_returns_pictures()
  local got = {}
  local mirror = lg.tool { name = "mirror", purpose = "turns a picture round",
    run = function(shown, word)
      got[1], got[2], got[3] = shown.media, shown:text(), word
      return lg.image { bytes = BLUE }, 0.5
    end }
  local out = mirror(lg.image { bytes = RED }, "left")
  lu.assertEquals(out:text(), BLUE)
  lu.assertEquals(out.media, "image/png")
  lu.assertEquals(out.score, 0.5)
  lu.assertEquals(got, { "image/png", RED, "left" })
  lu.assertEquals(out:inputs()[1].media, "image/png")
  lu.assertNil(out:inputs()[2].media)
end

function TestTools:test_feedback_goes_through_a_picture_that_a_tool_made()
  local logo = picture(RED)
  local blur = lg.tool { name = "blur", purpose = "blurs", inputs = { "sharp" },
    run = function() return lg.image { bytes = BLUE } end }
  local critic, asked = scripted "less noise"
  scripted "noise" { "What?", blur(logo) } :backward { model = critic }
  lu.assertEquals(logo:feedback()[1].text, "less noise")
  lu.assertEquals(asked[1].messages[3].content, BLUE) -- on the tool's picture
  lu.assertEquals(asked[2].messages[3].content, RED)  -- on the tool's input
  lu.assertEquals(asked[2].messages[4].content, BLUE)
  lu.assertEquals(#asked, 2)
end

function TestTools:test_own_backward_gets_pictures_as_variables()
  local seen
  local logo = picture(RED)
  local tool = lg.tool { name = "t", inputs = { "a" }, run = function() return "1", 0 end,
    backward = function(ctx)
      seen = { ctx.inputs.a.media, ctx.inputs.a:text(), ctx.output }
      return { a = "brighter" }
    end }
  tool(logo):backward {}
  lu.assertEquals(logo:feedback()[1].text, "brighter")
  lu.assertEquals(seen, { "image/png", RED, "1" })
end

function TestTools:test_a_kept_picture_is_found_again()
  local code = [[
local lg = require "lunagrad"
lg.configure { store = os.getenv "DIR" }
local draw = require("lunagrad.world.pictures").draw
local tool = lg.tool { name = "t", cache = true, version = "1", run = function(a)
  io.write "ran "
  return lg.image { bytes = draw(a.media .. #a:text(), 8) }, 0.5
end }
for _, word in ipairs { "x", "y", "x" } do
  local out = tool(lg.image { bytes = draw(word, 8) })
  io.write(out.media, " ", #out:text(), " ", out.score, "\n")
end
io.write(tool(lg.image { bytes = draw("x", 16) }):text() == draw("image/png" .. #draw("x", 16), 8)
  and "right" or "wrong", "\n")
]]
  local dir = command.temp() .. ".d"
  local first = command.lua(code, "DIR=" .. dir)
  local second = command.lua(code, "DIR=" .. dir)
  os.execute("rm -rf " .. dir)
  lu.assertEquals(first.code, 0, first.err)
  local line = ("image/png %d 0.5\n"):format(#RED)
  lu.assertEquals(first.out, ("ran %sran %s%sran right\n"):format(line, line, line))
  lu.assertEquals(second.out, line:rep(3) .. "right\n")
end

TestLosses = {}

function TestLosses:test_a_picture_alone_is_the_message()
  local judge, asked = scripted "It is dull."
  local critique = lg.loss.critic { "Is it bright?", model = judge } (picture(RED))
  lu.assertEquals(critique:text(), "It is dull.")
  lu.assertEquals(kinds(asked[1]), "- image/png")
end

function TestLosses:test_with_fields_the_picture_stands_behind_the_text()
  local judge, asked = scripted "bad <VERDICT>0.25</VERDICT>"
  local draw_it = painter(RED)
  local answer = draw_it "a logo" -- pending: nobody knows yet that it is a picture
  local loss = lg.loss.judge { "Does it fit?", model = judge }(answer, { question = "a logo" })
  lu.assertEquals(loss.score, 0.25)
  lu.assertEquals(kinds(asked[1]), "- - image/png")
  lu.assertStrContains(asked[1].messages[2].content, "[image/png, ")
  local compare = lg.loss.compare { "Same?", model = judge, fields = { "a", "b" } }
  compare { a = lg.image { bytes = RED }, b = lg.image { bytes = BLUE } }:text()
  lu.assertEquals(kinds(asked[2]), "- - image/png image/png")
  compare { a = "x", b = scripted "a text" "?" }:text()
  lu.assertEquals(kinds(asked[3]), "- -") -- a text is not shown twice
end

-- A judge that gave no verdict sees the pictures again when it is asked for one.
function TestLosses:test_a_second_question_shows_the_pictures_again()
  local replies = { "It is red.", "<VERDICT>0.5</VERDICT>" }
  for _, case in ipairs { "answer", "fields", "alone" } do
    local judge, asked = scripted(function(_, n) return replies[n] end)
    local prompt = lg.param("a logo", "prompt of the painter")
    local made = painter(RED) { prompt }
    local loss
    if case == "answer" then
      loss = lg.loss.judge { "Fits?", model = judge }(made, { wish = scripted "round" "?",
        sketch = picture(BLUE) })
    elseif case == "fields" then
      loss = lg.loss.judge { "Same?", model = judge, fields = { "a", "b" } } {
        a = made, b = scripted "a text" "?" }
    else
      loss = lg.loss.judge { "Bright?", model = judge }(made)
    end
    lu.assertEquals(loss.score, 0.5)
    lu.assertEquals(#asked, 2)
    local first = kinds(asked[1])
    lu.assertEquals(kinds(asked[2]), first .. " - -", case) -- its reply, and the question
    lu.assertStrContains(first, "image/png", case)
    local critic, criticized = scripted "brighter"
    loss:backward { model = critic }
    lu.assertEquals(#prompt:feedback(), 1)
    -- as many as without a second question; the sketch can change, too
    lu.assertEquals(#criticized, case == "answer" and 3 or 2, case)
  end
end

function TestLosses:test_feedback_on_a_judged_picture_reaches_the_prompt()
  local prompt = lg.param("a logo", "prompt of the painter")
  local judge = scripted "bad <VERDICT>0</VERDICT>"
  local critic, asked = scripted(function(_, n) return "feedback " .. n end)
  local loss = lg.loss.judge { "Does it fit?", model = judge }(painter(RED) { prompt },
    { wish = "round" })
  loss:backward { model = critic }
  lu.assertEquals(#prompt:feedback(), 1)
  lu.assertEquals(#asked, 2) -- on the judged text, which passes it on, and on the prompt
  lu.assertEquals(kinds(asked[1]), "- - image/png")
  lu.assertEquals(asked[1].messages[3].content, RED)
  lu.assertEquals(kinds(asked[2]), "- - image/png")
end

function TestLosses:test_score_and_exact()
  local score = lg.loss.score(function(answer) return #answer:text() == #RED and 1 or 0 end)
  lu.assertEquals(score(picture(RED)).score, 1)
  helper.fails("inval", "exact: the answer is image/png", function()
    lg.loss.exact "x" (picture(RED)):text()
  end)
end

TestStep = {}

local function step(logo, model, options)
  logo:zero_grad()
  logo:add_feedback "make it blue"
  local spec = { logo, media_model = model }
  for name, value in pairs(options or {}) do spec[name] = value end
  local opt = spec.opt or lg.optim.tgd(spec)
  return opt:step(), opt
end

function TestStep:test_an_image_model_edits_the_picture()
  local logo = picture(RED)
  local model, asked = painter(BLUE)
  local report = step(logo, model, { model = scripted "never asked",
    constraints = { "no words in it", lg.constraint.max_words(3) } })
  lu.assertTrue(report.changed)
  lu.assertEquals(logo:text(), BLUE)
  lu.assertEquals(logo.media, "image/png")
  lu.assertTrue(logo.requires_grad)
  lu.assertEquals(kinds(asked[1]), "- image/png")
  lu.assertEquals(asked[1].messages[2].content, RED)
  local question = asked[1].messages[1].content
  lu.assertStrContains(question, "make it blue")
  lu.assertStrContains(question, 'It is "the logo"')
  lu.assertStrContains(question, "no words in it")
  lu.assertNil(question:find("at most 3 words", 1, true))
  local entry = report.params[1]
  lu.assertStrContains(entry.before, ("[image/png, %d bytes, sha256 "):format(#RED))
  lu.assertStrContains(entry.after, "[image/png")
  lu.assertNotEquals(entry.before, entry.after)
  lu.assertEquals(entry.reply:text(), BLUE)
  lu.assertNil(tostring(report):find("\137", 1, true))
end

function TestStep:test_history_and_rollback()
  local logo = picture(RED)
  step(logo, (painter(BLUE)))
  local history = logo:history()
  lu.assertEquals({ history[1]:text(), history[2]:text(), history[2].media, #history },
    { RED, BLUE, "image/png", 2 })
  lu.assertFalse(history[1].requires_grad)
  logo:rollback(1)
  lu.assertEquals({ logo:text(), logo.media }, { RED, "image/png" })
  logo:set(history[2])
  lu.assertEquals(logo:text(), BLUE)
  lu.assertEquals(lg.param("a", "r"):history(), { "a" })
end

function TestStep:test_no_picture_or_the_old_one_is_asked_for_again()
  for _, first in ipairs { "I cannot draw.", RED } do
    local logo = picture(RED)
    local model, asked = painter(first, BLUE)
    local report = step(logo, model)
    lu.assertTrue(report.changed)
    lu.assertTrue(report.params[1].reasked)
    lu.assertEquals(kinds(asked[2]), "- image/png -")
    lu.assertStrContains(asked[2].messages[3].content, first == RED
      and "the new picture is the old one" or "it is no picture, but a text")
    local same = picture(RED)
    report = step(same, (painter(first)))
    lu.assertFalse(report.changed)
    lu.assertStrContains(report.reason, "refused: the logo: ")
    lu.assertEquals(same:text(), RED)
  end
end

function TestStep:test_another_family_is_refused()
  local logo = picture(RED)
  local report = step(logo, (scripted { text = WAV, media = "audio/wav" }))
  lu.assertStrContains(report.reason, "it is no picture, but audio/wav")
  local jingle = lg.param(lg.audio { bytes = WAV }, "the jingle")
  local model, asked = scripted { text = WAV .. "\1", media = "audio/wav" }
  lu.assertTrue(step(jingle, model).changed)
  lu.assertEquals(jingle:text(), WAV .. "\1")
  lu.assertStrContains(asked[1].messages[1].content, "Edit the attached sound.")
  report = step(jingle, (painter(RED)))
  lu.assertStrContains(report.reason, "it is no sound, but image/png")
end

function TestStep:test_code_constraints_get_bytes_and_type()
  local seen = {}
  local small = lg.constraint.new("at most a few bytes", function(value, media)
    seen[#seen + 1] = media
    return #value < #GREEN + 1 and value ~= BLUE, "it is blue"
  end)
  local logo = picture(RED)
  local report = step(logo, (painter(BLUE, GREEN)), { constraints = { small } })
  lu.assertTrue(report.changed)
  lu.assertEquals(logo:text(), GREEN)
  lu.assertEquals(seen, { "image/png", "image/png" })
end

function TestStep:test_refused_versions_and_past_ones_are_described()
  local logo = picture(RED)
  local model, asked = painter(BLUE, BLUE, GREEN)
  local _, opt = step(logo, model, { momentum = 2, memory = 1 })
  opt:rejected(0.1, 0.2)
  logo:rollback(1)
  logo:zero_grad()
  logo:add_feedback "make it green"
  local report = opt:step() -- blue again: asked once more
  lu.assertTrue(report.params[1].reasked)
  lu.assertStrContains(asked[3].messages[3].content, "tried already")
  local question = asked[2].messages[1].content
  lu.assertStrContains(question, "Attempt 1")
  lu.assertStrContains(question, ("[image/png, %d bytes, sha256 "):format(#BLUE))
  lu.assertStrContains(question, "This is what was said in the last steps")
  lu.assertStrContains(question, "make it blue")
  lu.assertNil(question:find("\137", 1, true))
  opt:accepted(0.5)
  lu.assertEquals(logo:text(), GREEN)
end

function TestStep:test_texts_and_pictures_change_together_or_not_at_all()
  local logo, prompt = picture(RED), lg.param("old", "prompt")
  local editor = scripted "<NEW_VARIABLE>new</NEW_VARIABLE>"
  local opt = lg.optim.tgd { logo, prompt, model = editor, media_model = painter "no" }
  logo:add_feedback "a"
  prompt:add_feedback "b"
  lu.assertFalse(opt:step().changed)
  lu.assertEquals({ logo:text(), prompt:text() }, { RED, "old" })
  opt = lg.optim.tgd { logo, prompt, model = editor, media_model = painter(BLUE) }
  lu.assertTrue(opt:step().changed)
  lu.assertEquals({ logo:text(), prompt:text() }, { BLUE, "new" })
end

TestTraining = {}

local function training(paint, steps)
  local logo = picture(RED)
  local value = { [RED] = 0.2, [BLUE] = 0.6, [GREEN] = 0.4 }
  local rows = { { input = "1" } }
  local blame = lg.loss.score(function() return 0, "make it blue" end)
  local result = lg.train {
    params = { logo }, program = function() return scripted "seen" { "Look", logo } end,
    loss = function(answer) return blame(answer) end,
    metric = function() return value[logo:text()] end, skip_solved = false,
    train = rows, val = rows, steps = steps, batch = 1,
    optimizer = lg.optim.tgd { logo, media_model = paint },
    backward = { model = scripted "bluer" },
  }
  return logo, result
end

function TestTraining:test_keeps_the_best_picture()
  local logo, result = training((painter(BLUE, GREEN)), 2)
  lu.assertEquals({ result.accepted, result.rejected }, { 1, 1 })
  lu.assertEquals(logo:text(), BLUE)
  lu.assertEquals(result.best["the logo"]:text(), BLUE)
  lu.assertEquals(result.best_score, 0.6)
  lu.assertEquals(result.best["the logo"].media, "image/png")
end

local SCRIPT = [[
local lg = require "lunagrad"
local draw = require("lunagrad.world.pictures").draw
local logo = lg.param(lg.image { bytes = draw("red", 8) }, "the logo")
local blue = draw("blue", 8)
local rows = { { input = "1" } }
local eye = lg.model(function() return "seen" end)
local blame = lg.loss.score(function() return 0, "make it blue" end)
lg.train {
  params = { logo }, program = function() return eye { "?", logo } end,
  loss = function(answer) return blame(answer) end,
  metric = function() return logo:text() == blue and 0.6 or 0.2 end, skip_solved = false,
  train = rows, val = rows, steps = 1, batch = 1,
  optimizer = lg.optim.tgd { logo,
    media_model = lg.model(function() return { text = blue, media = "image/png" } end) },
  backward = { model = lg.model(function() return "bluer" end) },
}
]]

function TestTraining:test_the_record_holds_descriptions_and_a_file()
  local file = command.write(SCRIPT, ".lua")
  local lg_path = command.quote(command.path)
  local r = command.shell(([[LG=%s; $LG run %s --run pic >&2
$LG show pic; $LG show pic --json; $LG export pic; $LG export pic --format csv
$LG export pic --format csv --table edits; $LG show pic --candidate 1
ls "$LUNAGRAD_HOME"/runs/pic; cat "$LUNAGRAD_HOME"/runs/pic/best.json
cmp "$LUNAGRAD_HOME"/runs/pic/best.png %s && echo same]]):format(lg_path, command.quote(file),
    command.write(BLUE)))
  lu.assertEquals(r.code, 0, r.err)
  lu.assertStrContains(r.out, "same")
  lu.assertNil(r.out:find("\137PNG", 1, true))
  lu.assertNil(require("lunagrad.core").utf8_error(r.out))
  lu.assertStrContains(r.out, ("[image/png, %d bytes, sha256 "):format(#BLUE))
  lu.assertStrContains(r.out, "best.png")
  lu.assertStrContains(r.out, '"files":{"the logo":"best.png"}')
  lu.assertNil(r.out:find("best.txt", 1, true))
end

-- ---- over HTTP ---------------------------------------------------------------------------

TestHttp = {}

local STEP = [[
local lg = require "lunagrad"
local start = require("lunagrad.world.pictures").draw("start", 16)
local logo = lg.param(lg.image { bytes = start }, "the logo")
local spec = { os.getenv "EDITOR_MODEL" }
if spec[1]:find "^gemini" then spec.modalities = { "text", "image" } end
local opt = lg.optim.tgd { logo, media_model = lg.model(spec) }
for i = 1, 2 do
  logo:zero_grad()
  local said = lg.model() { "Say what you see.", logo }
  lg.loss.critic "Is it bright?" (said):backward()
  opt:step()
  print(logo)
end
print(#logo:history(), logo:text() ~= start, logo:history()[2]:text() ~= logo:text())
]]

-- The feedback, the edit by the Images API or by Gemini, and the edit of the edit.
function TestHttp:test_steps_with_the_models_of_providers()
  local script = command.write(STEP, ".lua")
  for editor, env in pairs { ["openai-image/gpt-image-1"] = "A=1",
      ["gemini/gemini-3-pro-image"] = "GOOGLE_GEMINI_BASE_URL=${url%/v1} GEMINI_API_KEY=k" } do
    local got = command.with_mock({}, ("env %s EDITOR_MODEL=%s $LG run --no-store -m "
      .. "openai/gpt-5-mini %s"):format(env, editor, script))
    lu.assertEquals(got.code, 0, got.err)
    lu.assertStrMatches(got.out, "%[image/png, %d+ bytes%]\n%[image/png, %d+ bytes%]\n"
      .. "3\ttrue\ttrue\n", nil, nil, editor .. got.out)
    local edits = 0
    for _, row in ipairs(got.journal) do
      if tostring(row.path):find "/images/edits" then edits = edits + 1 end
    end
    lu.assertEquals(edits, editor:find "^openai" and 2 or 0)
  end
end

function TestHttp:test_the_script()
  local out = command.temp()
  local got = command.with_mock({}, ("$LG run --no-store -m openai/gpt-5-mini scripts/picture.lua "
    .. "steps=1 out=%s"):format(out))
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out, "changed: 1 of 1")
  local first, second = command.read(out .. "-0.png"), command.read(out .. "-1.png")
  os.remove(out .. "-0.png")
  os.remove(out .. "-1.png")
  lu.assertStrContains(first, "PNG")
  lu.assertStrContains(second, "PNG")
  lu.assertNotEquals(first, second)
end

-- A picture of n bytes, as far as its first bytes say.
local function large(n) return lg.image { bytes = "\137PNG\r\n\26\n" .. ("\0"):rep(n - 8) } end

function TestHttp:test_too_large_is_said_before_anything_is_sent()
  local MB = 1 << 20
  for name, case in pairs {
    ["anthropic/claude-sonnet-5"] = { 4 * MB, 1, "Anthropic takes pictures up to 5 MB" },
    ["gemini/gemini-3-flash"] = { 8 * MB, 2, "Gemini takes up to 20 MB" },
    ["openai/gpt-5-mini"] = { 21 * MB, 1, "OpenAI takes pictures up to 20 MB" },
    ["responses/gpt-5-mini"] = { 19 * MB, 2, "50 MB of base64 in all" } } do
    local model = lg.model { name, base_url = "http://127.0.0.1:9/v1", api_key = "k" }
    local spec = { "What?" }
    for i = 1, case[2] do spec[i + 1] = large(case[1]) end
    local problem = helper.fails("inval", case[3], function() model(spec):text() end)
    lu.assertStrContains(tostring(problem), name)
  end
end

lg.configure {}
local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
