--- `lunagrad init [DIR]`: a folder that runs at once, without a key: a script, rows, what editors and
--- git want to know.
--
-- Nothing that is there is written over. The examples are the project's own scripts, as they are.

local args = require "lunagrad.cli.args"
local file = require "lunagrad.file"

local starter = {}

local HELP = [[
usage: lunagrad init [DIR] [--example NAME] [--list]

Makes a folder (default: here) with a script that runs at once on "sim", twenty rows of data, types for
editors that speak LuaLS, .env.example and .gitignore. Files that are there stay as they are.

  --example NAME   another script than the default one, "start"; --list says which there are
  --list           the names of the examples, and what each is about

examples:
  lunagrad init mine && cd mine && lunagrad run start.lua
  lunagrad init mine --example molecule
]]

starter.spec = { name = "init", options = {
  { names = { "--example" }, key = "example", type = "word", what = "a name" },
  { names = { "--list" }, key = "list", type = "flag" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }

local ROWS = 20

local START = [[
-- start.lua - a prompt, improved on your own rows, and whether that is shown.
--
--   lunagrad run start.lua                            on sim, without a key
--   lunagrad run start.lua -m openai/gpt-4o-mini      on a model (a key: .env.example)
--   lunagrad report RUN                               look at it (RUN: lunagrad runs)
--
-- To make it yours: rows.jsonl, the prompt, and what says how good an answer is.

local lg = require "lunagrad"

local rows = lg.data.jsonl "rows.jsonl"
local train, val, test = rows:split { 6, 7, 7, seed = 1 }

local model = lg.model()
local prompt = lg.param("Answer the question.", "system prompt")
local exact = lg.loss.exact { extract = lg.extract.last_number }

local result = lg.optimize {
  program = function(row) return model { row.question, system = prompt } end,
  params = { prompt },
  loss = function(answer, row) return exact(answer, row.answer) end, -- what the critic is told
  metric = lg.metric.number,                                         -- what counts
  train = train, val = val, test = test,
  budget = { calls = 200 },
}

print(result)
print("\n" .. prompt:text())
]]

local LUARC = [[
{
  "runtime.version": "Lua 5.4",
  "workspace.library": ["types"],
  "workspace.checkThirdParty": false
}
]]

local ENV = [[
# Copy to .env, and fill in what you have; lunagrad models says who can be asked.
# OPENAI_API_KEY=
# ANTHROPIC_API_KEY=
# GOOGLE_API_KEY=
# Any server of OpenAI's form:  FOO_BASE_URL=http://127.0.0.1:8000/v1, asked as -m foo/NAME
]]

local IGNORE = ".env\n.lunagrad/\n"

--- The text of `lunagrad help init`.
function starter.help() return HELP end

-- ---- what there is -------------------------------------------------------------------------

-- What a script says of itself in its first sentence.
local function about_of(text)
  local said = {}
  for line in text:gmatch "[^\n]*" do
    local words = line:match "^%-%-+%s*(.+)$"
    if not words then break end
    said[#said + 1] = words
  end
  local first = table.concat(said, " "):gsub("^[%w_]+%.lua%s*[%-:]*%s*", "")
  return first:match "^(.-)[.:;]%s" or first:match "^(.-)[.:;]?$"
end

local function examples()
  local list = {}
  for path, text in pairs(require "lunagrad.cli.kept") do
    local name = path:match "^scripts/([%w_]+)%.lua$"
    if name then
      list[#list + 1] = { name = name, path = path, text = text,
        about = about_of(text) }
    end
  end
  list[#list + 1] = { name = "start", about = "a prompt, improved on your own rows (the default)" }
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

--- The names of the examples.
---@return string[]
function starter.names()
  local names = {}
  for i, one in ipairs(examples()) do names[i] = one.name end
  return names
end

local function example_of(name)
  for _, one in ipairs(examples()) do
    if one.name == name then return one end
  end
  args.fail(("there is no example %q"):format(name),
    args.did_you_mean(name, starter.names(), "lunagrad init --list names them"))
end

-- Files that stand in a folder of the script's name, for who copies it.
local function beside(name)
  local found = {}
  for path, text in pairs(require "lunagrad.cli.kept") do
    local inside = path:match("^scripts/(" .. name .. "/.+)$")
    if inside then found[inside] = text end
  end
  return found
end

local function rows()
  local lines = {}
  for i, row in ipairs(require("lunagrad").task.object_counting.generate(ROWS, 1)) do
    lines[i] = require("lunagrad").json.encode { question = row.question, answer = row.answer }
  end
  return table.concat(lines, "\n") .. "\n"
end

local function files_of(name)
  local files = { [".luarc.json"] = LUARC, [".env.example"] = ENV, [".gitignore"] = IGNORE }
  for path, text in pairs(require "lunagrad.cli.kept") do
    local types = path:match "^meta/(.+)$"
    if types then files["types/" .. types] = text end
  end
  if name == "start" then
    files["start.lua"], files["rows.jsonl"] = START, rows()
    return files
  end
  files[name .. ".lua"] = example_of(name).text
  for inside, text in pairs(beside(name)) do files[inside] = text end
  return files
end

-- ---- writing -----------------------------------------------------------------------------------

local function write(dir, files)
  local names, made, kept = {}, 0, {}
  for name in pairs(files) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = dir .. "/" .. name
    if file.stat(path) then
      kept[#kept + 1] = name
    else
      local ok, problem = file.write(path, files[name], true)
      if not ok then args.fail("cannot write " .. tostring(problem)) end
      made = made + 1
    end
  end
  return made, kept
end

-- Examples that do not run as they are, and what they want.
local WANTS = { picture = "a key, or lunagrad mock: its first lines say how" }

local function tell(dir, name, made, kept)
  io.stdout:write(("%s: %d files\n"):format(dir, made))
  if #kept > 0 then io.stdout:write("kept as they were: ", table.concat(kept, ", "), "\n") end
  local go = dir == "." and "" or ("cd %s && "):format(dir)
  io.stdout:write(("next:  %slunagrad run %s.lua\n"):format(go, name))
  if WANTS[name] then io.stdout:write("it wants ", WANTS[name], "\n") end
end

local function list()
  local shown = {}
  for i, one in ipairs(examples()) do
    local wants = WANTS[one.name]
    shown[i] = { one.name, wants and ("%s (wants %s)"):format(one.about, wants) or one.about }
  end
  require("lunagrad.cli.screen").print(require("lunagrad.cli.table").lines(shown, "ll"))
end

--- Run the command.
---@return integer exit code
function starter.main(argv, first)
  local options = args.parse(starter.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if options.list then
    list()
    return 0
  end
  if #options.rest > 1 then args.fail("init takes one folder", "--example names an example") end
  local name, dir = options.example or "start", (options.rest[1] or "."):gsub("(.)/+$", "%1")
  example_of(name)
  local stat = file.stat(dir)
  if stat and not require("lunagrad.term").is_directory(dir) then
    args.fail(("%s is no folder"):format(dir))
  end
  tell(dir, name, write(dir, files_of(name)))
  return 0
end

return starter
