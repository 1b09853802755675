--- `lunagrad doctor`: what is wrong here, one line each, with what mends it.
--
-- The checks are in doctor/*.lua; each adds findings {check, state, text, mend}. state is "ok",
-- "note" (worth knowing) or "wrong". Those that read keys run in a process of its own (cli.servers),
-- so that this one never holds any.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local output = require "lunagrad.cli.output"
local term = require "lunagrad.term"

local doctor = {}

local HELP = [[
usage: lunagrad doctor [options]

Looks at everything a run needs: keys (by name only) and where they are from, base addresses and
usual mistakes in them, certificates, the clock, whether the servers that are configured answer and
how fast, proxies, the store, what contains programs (docs/command.md), the terminal, versions, and
files of settings. One line a finding, what mends it below. Asks each server once for its list of
models, which costs nothing.

  --offline      ask nobody
  --store DIR    the store's directory (default: LUNAGRAD_HOME, or .lunagrad here)
  --json         one JSON object on stdout, for programs
  --env-file FILE, --config FILE
                 read these instead of .env and of lunagrad.lua, as of lunagrad run

Settings are looked for, in this order: option on the command line, the script's own, files named
by --env-file and --config, environment, .env here and in the folders above, lunagrad.lua or
.lunagrad/config.lua likewise, the user's config.lua ($XDG_CONFIG_HOME/lunagrad, or
~/.config/lunagrad), for keys at last the key store. Folders above count up to the project's root
(a repository, or a lunagrad.lua) or your home; files, when they are yours or root's and nobody else
can write them. Your keys never go to an address that a project's file names. A file of settings is
Lua that returns a table and can call nothing:

  return { OPENAI_BASE_URL = "http://10.0.0.5:8000/v1", run = { max_cost = 2, concurrency = 16 } }

Exit codes: 0 nothing is wrong, 1 something is.

examples:
  lunagrad doctor
  lunagrad doctor --offline
  lunagrad doctor --json
]]

doctor.spec = { name = "doctor", options = {
  { names = { "--offline" }, key = "offline", type = "flag" },
  { names = { "--store" }, key = "store", type = "word", what = "a directory" },
  { names = { "--json" }, key = "json", type = "flag" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }
args.add_files(doctor.spec)

--- The text of `lunagrad help doctor`.
function doctor.help() return HELP end

-- ---- findings --------------------------------------------------------------------

-- add(state, text, mend) for one check.
-- One thing that several checks trip over is told once.
local function adder(list, check)
  return function(state, text, mend)
    for _, one in ipairs(list) do
      if one.text == text and one.state == "wrong" then return end
    end
    list[#list + 1] = { check = check, state = state, text = text, mend = mend }
  end
end

local function try(list, check, fn, ...)
  local add = adder(list, check)
  local ok, problem = pcall(fn, add, ...)
  if not ok then
    problem = require("lunagrad.errors").wrap(problem)
    add("wrong", problem.message, problem.hint)
  end
end

-- All that may see a key.
local function with_keys(options)
  local list = {}
  local network = require "lunagrad.cli.doctor.network"
  local places = require "lunagrad.cli.doctor.places"
  local found
  try(list, "settings", places.settings)
  try(list, "keys", places.keys)
  try(list, "keys", function(add)
    local servers = require "lunagrad.cli.servers"
    found = servers.list()
    if not options.offline then servers.look(found) end
    servers.public(found)
    network.keys(add, found)
  end)
  if found then
    try(list, "address", network.addresses, found)
    try(list, "server", network.servers, found, options)
    try(list, "clock", network.clock, found)
  end
  try(list, "certificates", places.certificates)
  try(list, "proxy", network.proxies)
  try(list, "store", places.store, options.store)
  try(list, "files", places.limits)
  return setmetatable(list, core.array)
end

-- What of it needs this process: its terminal.
local function without_keys(list)
  local machine = require "lunagrad.cli.doctor.machine"
  try(list, "sandbox", machine.sandbox)
  try(list, "terminal", machine.terminal)
  try(list, "versions", machine.versions)
end

-- ---- showing ---------------------------------------------------------------------

local MARK = { ok = "ok   ", note = "note ", wrong = "WRONG" }
local COLOUR = { ok = "32", note = "36", wrong = "31" }

local function colours()
  local no = os.getenv "NO_COLOR"
  return term.isatty(1) and os.getenv "TERM" ~= "dumb" and (no == nil or no == "")
end

local function show(list, wrong)
  local colour, columns = colours(), term.isatty(1) and term.width(1) or nil
  for _, one in ipairs(list) do
    local mark, painted = MARK[one.state], MARK[one.state]
    if colour then painted = ("\27[%sm%s\27[0m"):format(COLOUR[one.state], mark) end
    local mend = one.mend and "; to mend it: " .. display.clean_line(one.mend) or ""
    if one.state ~= "wrong" and one.mend then mend = " (" .. display.clean_line(one.mend) .. ")" end
    local line = ("%s %-13s%s%s"):format(mark, one.check, display.clean_line(one.text), mend)
    for i, part in ipairs(display.fold(line, columns)) do
      output.raw(io.stdout):write(i == 1 and painted .. part:sub(#mark + 1) or part, "\n")
    end
  end
  io.stdout:write(wrong == 0 and "nothing is wrong\n" or ("%d thing%s wrong\n")
    :format(wrong, wrong == 1 and " is" or "s are"))
end

--- Run the command.
---@return integer exit code
function doctor.main(argv, first)
  local options = args.parse(doctor.spec, argv, first)
  args.use_files(options)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if options.rest[1] then args.fail("doctor takes no argument", "lunagrad help doctor") end
  local list = require("lunagrad.cli.servers").apart(function() return with_keys(options) end)
  without_keys(list)
  local wrong = 0
  for _, one in ipairs(list) do
    if one.state == "wrong" then wrong = wrong + 1 end
  end
  if options.json then
    io.stdout:write(core.json_encode { ok = wrong == 0, wrong = wrong, version = core.VERSION,
      findings = setmetatable(list, core.array) }, "\n")
  else
    show(list, wrong)
  end
  return wrong == 0 and 0 or 1
end

return doctor
