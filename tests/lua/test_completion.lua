-- test_completion.lua - options have words, shells complete them, and the manual page is one

require "helper"
local lu = require "luaunit"
local command = require "command"

-- What only the command has in C: verbs are asked for their options here, and not run.
for _, name in ipairs { "term", "mockd", "line", "look" } do
  package.preload["lunagrad." .. name] = function() return {} end
end

local manual = require "lunagrad.cli.manual"
local verbs = require "lunagrad.cli.verbs"

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1")
end

-- ---- the tables --------------------------------------------------------------------------

TestVerbs = {}

function TestVerbs:test_every_option_is_told_of_and_every_one_that_is_told_of_is_taken()
  for _, verb in ipairs(verbs.list) do
    local module, known = verbs.module(verb.name), {}
    for _, option in ipairs(verbs.options(verb.name)) do
      lu.assertNotNil(option.about, verb.name .. " " .. option.names[1])
      for _, name in ipairs(option.names) do known[name] = true end
    end
    for _, one in ipairs(module and verbs.told(module.help()) or {}) do
      for _, named in ipairs(one.names) do
        lu.assertTrue(known[named.name], verb.name .. " tells of " .. named.name)
      end
    end
  end
end

function TestVerbs:test_every_verb_has_help_and_stands_in_the_list()
  local list = command.run("help").out
  for _, verb in ipairs(verbs.list) do
    lu.assertStrContains(list, "\n  " .. verb.name)
    lu.assertEquals(command.run("help", verb.name).code, 0, verb.name)
  end
end

function TestVerbs:test_what_a_help_says_of_options()
  local told = verbs.told [[
x --none

  --a, -b N   one
              two
  --c
        three

  d  --no
last --no
]]
  lu.assertEquals(told, {
    { names = { { name = "--a" }, { name = "-b", placeholder = "N" } }, about = "one two" },
    { names = { { name = "--c" } }, about = "three" } })
end

-- ---- shells ------------------------------------------------------------------------------

TestShells = {}

function TestShells:tearDown() command.remove_files() end

local function script_of(shell)
  local got = command.run("completion", shell)
  lu.assertEquals({ got.code, got.err }, { 0, "" })
  return command.write(got.out)
end

-- What bash completes a line to; its last word is the one that is typed.
local function bash(script, ...)
  local words = { "lunagrad", ... }
  for i, word in ipairs(words) do words[i] = command.quote(word) end
  local got = command.shell(([[PATH=$PWD/%s:$PATH bash -c 'source %s; COMP_WORDS=("$@")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lunagrad; echo "${COMPREPLY[@]}"' bash %s]]):format(
    command.path:match "^(.*)/", script, table.concat(words, " ")))
  lu.assertEquals(got.err, "")
  return (got.out:gsub("\n$", ""))
end

function TestShells:test_bash()
  if not has "bash" then lu.skip "no bash here" end
  local script = script_of "bash"
  local function is(words, ...) lu.assertEquals(bash(script, ...), words) end
  is("repl report", "re")
  is("--max-cost --max-calls --max-tokens --max-time", "run", "--max")
  is("full plain none", "run", "x.lua", "--display", "")
  is("plain", "run", "x.lua", "--display", "=", "p")
  is("none", "eval", "x", "--display", "=", "n")
  is("openai/ openrouter/ optimizer=", "run", "x.lua", "-m", "op")
  is("groq/", "run", "x.lua", "-m", "judge", "=", "gro")
  is("set", "keys", "s")
  is("molecule", "init", "--example", "mo")
  is("README.md", "eval", "x", "--data", "READ")
  is("scripts", "view", "scr")
  is("", "nothing", "")
  is("", "run", "x.lua", "--seed", "")
  lu.assertStrContains(bash(script, "run", "scripts/pro"), "scripts/prompt.lua")
  lu.assertNotStrContains(bash(script, "run", "REA"), "README.md")
end

function TestShells:test_names_of_runs_are_asked_of_the_store()
  if not has "bash" then lu.skip "no bash here" end
  local script, home = script_of "bash", command.temp ".store"
  local line = ([[export LUNAGRAD_HOME=%s; %s >/dev/null && for v in show compare export report; do
    PATH=$PWD/%s:$PATH bash -c 'source %s; COMP_WORDS=(lunagrad '$v' "")
    COMP_CWORD=2; _lunagrad; echo "${COMPREPLY[@]}"'; done; rm -r %s]]):format(home,
    command.line("-e", "print(lg.model() 'What is 1 + 1?')", "--run",
      "tea-time", "--display", "none"), command.path:match "^(.*)/", script, home)
  local got = command.shell(line)
  lu.assertEquals({ got.out, got.err }, { ("tea-time\n"):rep(4), "" })
  local none = command.run("completion", "runs")
  lu.assertEquals({ none.code, none.out, none.err }, { 0, "", "" })
end

function TestShells:test_zsh_and_fish_read_theirs()
  for shell, check in pairs { zsh = "zsh -n %s", fish = "fish --no-config -n %s" } do
    local script = script_of(shell)
    if has(shell) then lu.assertEquals(command.shell(check:format(script)).err, "", shell) end
  end
  if has "fish" then
    local line = [[fish --no-config -c "source %s; complete -C 'lunagrad run --max-c'"]]
    local got = command.shell(line:format(script_of "fish"))
    lu.assertStrContains(got.out, "--max-calls")
  end
end

function TestShells:test_what_is_no_shell()
  local got = command.run("completion", "basch")
  lu.assertEquals(got.code, 2)
  lu.assertStrContains(got.err, "bash")
  lu.assertEquals(command.run("completion").code, 2)
end

-- ---- the manual page -----------------------------------------------------------------------

TestManual = {}

function TestManual:tearDown() command.remove_files() end

function TestManual:test_every_option_of_every_verb_stands_in_it()
  local got = command.run("help", "--man")
  for _, verb in ipairs(verbs.list) do
    if verb.name ~= "help" then lu.assertStrContains(got.out, ".SS lunagrad " .. verb.name) end
    for _, option in ipairs(verbs.options(verb.name)) do
      if option.key ~= "help" then
        lu.assertStrContains(got.out, (option.names[1]:gsub("%-", "\\-")))
      end
    end
  end
end

function TestManual:test_it_is_dated_and_has_no_faults()
  local line = "SOURCE_DATE_EPOCH=1796000000 " .. command.line("help", "--man")
  local page = command.shell(line)
  lu.assertStrContains(page.out:match "^[^\n]*", "2026-11-30")
  lu.assertEquals(page.out, command.shell(line).out)
  if not has "mandoc" then lu.skip "no mandoc here" end
  local file = command.write(page.out)
  lu.assertEquals(command.shell(("mandoc -T lint -W warning %s"):format(file)).out, "")
end

function TestManual:test_no_text_is_a_request()
  local page = manual.page("h\n\nusage: x  y\n\n.de evil\n'so /etc/passwd\nback\\slash -o\n\n"
    .. "  .pre\n")
  for line in page:match "DESCRIPTION\n(.-)%.SH COMMANDS":gmatch "[^\n]+" do
    lu.assertTrue(not line:find "^[.']" or line == ".PP" or line == ".nf" or line == ".fi"
      or line == ".RS" or line == ".RE", line)
  end
  lu.assertStrContains(page, "back\\eslash \\-o")
end

os.exit(lu.LuaUnit.run())
