--- `lunagrad report RUN`: a run as one page, to look at and to send.

local args = require "lunagrad.cli.args"
local file = require "lunagrad.file"
local store = require "lunagrad.cli.store"

local report = {}

local HELP = [[
usage: lunagrad report RUN [-o FILE] [options]

Writes a run as one HTML file that needs no network: the score over what was spent, each step with
what it changed, the feedback that asked for it and the examples that it fixed and broke, all texts,
candidates, answers and calls. RUN is a name or the number of one start, from lunagrad runs.

  -o FILE        write this file ("-": standard output); default: RUN.html
]] .. store.HELP .. [[

examples:
  lunagrad report prompt-3fa1c2
  lunagrad report prompt-3fa1c2 -o /tmp/report.html
]]

local SPEC = { name = "report", options = store.with {
  { names = { "-o", "--output" }, key = "output", type = "word", what = "a file" },
} }

--- The text of `lunagrad help report`.
function report.help() return HELP end

local function save(path, text)
  if path == "-" then
    io.stdout:write(text)
    return
  end
  local ok, problem = file.write(path, text, true)
  if not ok then args.fail(("cannot write %s: %s"):format(path, problem), "-o names another file") end
  io.stderr:write(("lunagrad: wrote %s (%s)\n"):format(path, store.bytes(#text)))
end

--- Run the command.
---@return integer exit code
function report.main(argv, first)
  local options = args.parse(SPEC, argv, first)
  if options.help then
    io.stdout:write(HELP)
    return 0
  end
  if #options.rest ~= 1 then args.fail("report needs one run", "lunagrad runs lists them") end
  store.use(options, function(handle)
    local reading = require "lunagrad.report.reading"
    local runs = store.find(handle, options.rest[1])
    local run = reading.run(handle, runs)
    run.state = store.state(handle, runs[#runs])
    save(options.output or run.name .. ".html", require("lunagrad.report.page").make(handle, run))
  end)
  return 0
end

return report
