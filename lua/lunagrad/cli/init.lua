--- The command's verbs: which module runs which, and what is said when none fits.
--
-- main() returns an exit code and raises nothing but what is a defect of the command itself.

local args = require "lunagrad.cli.args"

local cli = {}

local COMMANDS = { "run", "eval", "init", "repl", "mock", "runs", "show", "report", "view",
  "compare",
  "cache", "export", "models", "doctor", "keys", "help" }

--- Files whose name is not the command's: this one is init.
local FILES = { init = "starter" }

local function command_of(word) return require("lunagrad.cli." .. (FILES[word] or word)) end

local IS_COMMAND = {}
for _, name in ipairs(COMMANDS) do IS_COMMAND[name] = name ~= "help" end

local HELP = [[
lunagrad optimizes texts (prompts, code, plans, answers) by feedback that is propagated through
a graph of model calls. Scripts are Lua.

usage: lunagrad run SCRIPT [key=value …] [options]    run a script
       lunagrad eval WHAT --data FILE                 score a prompt or program, for CI too
       lunagrad init [DIR] [--example NAME]           a folder that runs at once
       lunagrad repl [options]                        a prompt: Lua, and ? asks the model
       lunagrad runs                                  what was run here, and how it ended
       lunagrad show RUN                              what a run found, tried and cost
       lunagrad report RUN [-o FILE]                  the same as one page of HTML
       lunagrad view [DIR]                            the runs in a browser, live
       lunagrad compare RUN RUN                       what one run has over another
       lunagrad export RUN [--format jsonl|csv|dot]   a run for other programs, or to be replayed
       lunagrad cache stats|prune|clear               the replies that are kept
       lunagrad models [PROVIDER]                     servers that can be asked, and their models
       lunagrad keys set|list|path|remove             keys of servers, kept for you alone
       lunagrad doctor                                what is wrong here, and what mends it
       lunagrad mock [options]                        a model server for tests
       lunagrad -e CODE [options]                     run a piece of Lua
       lunagrad help [COMMAND | lg.NAME]              this, a command's options, or a function
       lunagrad --version

examples:
  lunagrad run scripts/quickstart.lua
  lunagrad run scripts/prompt.lua -m openai/gpt-4o-mini --json
  lunagrad mock --latency 200 --faults 20%
]]

local function version()
  io.stdout:write("lunagrad ", require("lunagrad.core").VERSION, " (", _VERSION, ")\n")
  return 0
end

local function help(topic)
  if topic == nil or topic == "help" then
    io.stdout:write(HELP)
  elseif IS_COMMAND[topic] then
    io.stdout:write(command_of(topic).help())
  elseif not topic:find "[.:]" and args.suggest(topic, COMMANDS) then
    args.fail(("there is no command %q"):format(topic),
      args.did_you_mean(topic, COMMANDS, "lunagrad help lists them"))
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
    args.did_you_mean(word, COMMANDS, "lunagrad help lists them"))
end

local function choose(argv)
  local word = argv[1]
  if word == nil then
    io.stderr:write(HELP)
    return 2
  end
  if IS_COMMAND[word] then return command_of(word).main(argv, 2) end
  if word == "help" then return help(argv[2]) end
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
  for _, line in ipairs(lines) do io.stderr:write(line, "\n") end
  return code
end

return cli
