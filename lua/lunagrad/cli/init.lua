--- The command's verbs: which module runs which, and what is said when none fits.
--
-- main() returns an exit code and raises nothing but what is a defect of the command itself.

local args = require "lunagrad.cli.args"
local verbs = require "lunagrad.cli.verbs"

local cli = {}

local HEAD = [[
lunagrad optimizes texts (prompts, code, plans, answers) by feedback that is propagated through
a graph of model calls. Scripts are Lua.

usage: lunagrad COMMAND [options]
       lunagrad -e CODE [options]    run a piece of Lua
       lunagrad --version

]]
local TAIL = [[

examples:
  lunagrad run scripts/quickstart.lua
  lunagrad run scripts/prompt.lua -m openai/gpt-4o-mini --json
  lunagrad mock --latency 200 --faults 20%
]]

--- The text of `lunagrad help`.
function cli.help()
  return HEAD .. table.concat(verbs.lines(), "\n") .. "\n" .. TAIL
end

local function version()
  io.stdout:write("lunagrad ", require("lunagrad.core").VERSION, " (", _VERSION, ")\n")
  return 0
end

local function help(topic)
  if topic == nil or topic == "help" then
    require("lunagrad.cli.screen").help(cli.help())
  elseif topic == "--man" then
    io.stdout:write(require("lunagrad.cli.manual").page(cli.help()))
  elseif verbs.of(topic) then
    require("lunagrad.cli.screen").help(verbs.module(topic).help())
  elseif not topic:find "[.:]" and args.suggest(topic, verbs.names()) then
    args.fail(("there is no command %q"):format(topic),
      verbs.did_you_mean(topic, "lunagrad help lists them"))
  else
    require("lunagrad.cli.reference").print(topic)
  end
  return 0
end

local function unknown(word)
  if word:find("%.lua$") then
    args.fail(("there is no command %q"):format(word), "did you mean lunagrad run " .. word .. "?")
  end
  args.fail(("there is no command %q"):format(word),
    verbs.did_you_mean(word, "lunagrad help lists them"))
end

local function choose(argv)
  local word = argv[1]
  if word == nil then
    io.stderr:write(cli.help())
    return 2
  end
  if word == "help" then return help(argv[2]) end
  if verbs.of(word) then return verbs.module(word).main(argv, 2) end
  if word == "--help" or word == "-h" then return help(nil) end
  if word == "--version" or word == "-V" then return version() end
  if word:sub(1, 1) == "-" and word ~= "-" then return require("lunagrad.cli.run").main(argv, 1) end
  unknown(word)
end

--- The command `lunagrad`.
---@param argv string[] as C's, without the program's name
---@return integer exit code
function cli.main(argv)
  require("lunagrad.cli.output").guard()
  local ok, result = xpcall(choose, function(problem)
    if type(problem) == "string" then return debug.traceback(problem, 2) end
    return problem
  end, argv)
  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end
  local trouble = require "lunagrad.cli.trouble"
  local lines, code = trouble.describe(result)
  local display, columns = require "lunagrad.cli.display", require("lunagrad.term").width(2)
  for _, whole in ipairs(lines) do
    for _, line in ipairs(display.fold(whole, columns)) do io.stderr:write(line, "\n") end
  end
  return code
end

return cli
