--- `lunagrad completion SHELL`: what bash, zsh or fish need to complete the command's words.
--
-- Made of the tables of options (cli.verbs), so that what is completed is what is taken. Names of runs
-- are asked of the store when somebody presses Tab: `lunagrad completion runs` prints them.

local args = require "lunagrad.cli.args"
local verbs = require "lunagrad.cli.verbs"

local completion = {}

local HELP = [[
usage: lunagrad completion bash|zsh|fish

Prints what a shell needs to complete the words of lunagrad: its commands, their options with what
they take, scripts, files, and the names of the runs in the store.

  bash  source <(lunagrad completion bash), in ~/.bashrc
  zsh   lunagrad completion zsh > "${fpath[1]}/_lunagrad"
  fish  lunagrad completion fish > ~/.config/fish/completions/lunagrad.fish

  --help         show this help

examples:
  source <(lunagrad completion bash)
]]

completion.spec = { name = "completion", options = {
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }

--- The text of `lunagrad help completion`.
function completion.help() return HELP end

-- ---- what there is ------------------------------------------------------------------------

local KINDS = { ["a file"] = "file", ["a file name"] = "file", ["a directory"] = "folder",
  ["a run"] = "run", ["a model"] = "model" }
local KEYS = { models = "model", example = "example" } -- options by their key

local EXTRA = { model = function()
  local list = { "sim/default" }
  for name in pairs(require("lunagrad.providers").rows) do list[#list + 1] = name .. "/" end
  for _, role in ipairs(require("lunagrad.cli.run").roles) do list[#list + 1] = role .. "=" end
  table.sort(list)
  return list
end, example = function() return require("lunagrad.cli.starter").names() end,
  provider = function()
    local list = {}
    for name in pairs(require("lunagrad.providers").rows) do list[#list + 1] = name end
    table.sort(list)
    return list
  end, verb = verbs.names }

-- What an option's value is: "file", "folder", "run", a list of words; nil: nothing is known of it.
local function value_of(option)
  local kind = option.values or KEYS[option.key] or KINDS[option.what]
  return EXTRA[kind] and EXTRA[kind]() or kind
end

local function words_of(verb) return EXTRA[verb.takes] and EXTRA[verb.takes]() or verb.takes end

-- The first clause of what is said of an option.
local function short(about)
  local text = (about or ""):gsub("[;:(].*$", ""):gsub("%.%s.*$", ""):gsub("[%s,…]+$", "")
    :gsub("^…%s*", "")
  if #text <= 60 then return text end
  return (text:sub(1, 60):gsub("%s+%S*$", ""))
end

local function names_of(option) return table.concat(option.names, " ") end

local function each(fn)
  for _, verb in ipairs(verbs.list) do fn(verb, verbs.options(verb.name)) end
end

-- ---- bash -----------------------------------------------------------------------------------

local BASH_HEAD = [[
# Completion of lunagrad for bash; made by: lunagrad completion bash
_lunagrad_files() {
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$@" -- "$cur"))
}
_lunagrad_words() {
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
    case ${COMPREPLY[0]-} in */ | *=) compopt -o nospace 2>/dev/null ;; esac
}
_lunagrad_runs() { _lunagrad_words "$(lunagrad completion runs 2>/dev/null)"; }
_lunagrad() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb= i IFS=$' \t\n'
    [ "$cur" = = ] && cur=
    if [ "$prev" = = ] || [ "${COMP_WORDS[COMP_CWORD]}" = = ]; then # --option=VALUE
        i=$((COMP_CWORD - 1))
        [ "$prev" = = ] && i=$((COMP_CWORD - 2))
        prev=${COMP_WORDS[i]}
        case $prev in -*) ;; *) prev=${COMP_WORDS[i - 1]} ;; esac # -m ROLE=MODEL
    fi
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in -*) ;; *) verb=${COMP_WORDS[i]}; break ;; esac
    done
    case ${COMP_WORDS[1]} in -e) verb=run ;; esac
    if [ -z "$verb" ]; then
        _lunagrad_words "%s -e --help --version"
        return
    fi
]]

local BASH_VALUES = { file = "_lunagrad_files -f", folder = "_lunagrad_files -d",
  run = "_lunagrad_runs", runs = "_lunagrad_runs",
  script = "_lunagrad_files -f -X '!*.lua' -o plusdirs" }

local function bash_value(kind)
  if kind == nil then return ":" end
  if type(kind) == "table" then
    return ("_lunagrad_words %q"):format(table.concat(kind, " "))
  end
  return BASH_VALUES[kind]
end

local function bash()
  local out = { (BASH_HEAD:gsub("%%s", table.concat(verbs.names(), " "))), '    case $verb in\n' }
  local function add(...) out[#out + 1] = string.format(...) end
  each(function(verb, options)
    local all = {}
    add("    %s)\n        case $prev in\n", verb.name)
    for _, option in ipairs(options) do
      all[#all + 1] = names_of(option)
      if option.type ~= "flag" then
        add("        %s) %s; return ;;\n", table.concat(option.names, " | "),
          bash_value(value_of(option)))
      end
    end
    add "        esac\n"
    add('        case $cur in -*) _lunagrad_words "%s"; return ;; esac\n', table.concat(all, " "))
    add("        %s ;;\n", bash_value(words_of(verb)))
  end)
  add "    esac\n}\ncomplete -F _lunagrad lunagrad\n"
  return table.concat(out)
end

-- ---- zsh --------------------------------------------------------------------------------------

local ZSH_VALUES = { file = "_files", folder = "_files -/", run = "_lunagrad_runs",
  runs = "_lunagrad_runs", script = '_files -g "*.lua"' }

-- In a spec of _arguments, within single quotes.
local function zsh_text(text)
  return (text:gsub("[%[%]:\\]", "\\%0"):gsub("'", "'\\''"))
end

local function zsh_value(kind)
  if type(kind) == "table" then
    for _, word in ipairs(kind) do -- what goes on behind it gets no blank
      if word:find "[/=]$" then
        return ("{compadd -S \"\" -- %s}"):format(table.concat(kind, " "))
      end
    end
    return ("(%s)"):format(table.concat(kind, " "))
  end
  return ZSH_VALUES[kind] or " "
end

local function zsh_option(option)
  local takes = option.type == "flag" and "" or (":%s:%s"):format(
    zsh_text(option.what or "value"), zsh_value(value_of(option)))
  local name = #option.names > 1 and "'{" .. table.concat(option.names, ",") .. "}'"
    or option.names[1]
  return ("'*%s[%s]%s'"):format(name, zsh_text(short(option.about)), takes)
end

local function zsh()
  local out = { [[
#compdef lunagrad
# Completion of lunagrad for zsh; made by: lunagrad completion zsh
_lunagrad_runs() {
    local -a runs
    runs=(${(f)"$(lunagrad completion runs 2>/dev/null)"})
    compadd -a runs
}
_lunagrad() {
    local curcontext="$curcontext" state line
    local -a verbs
    _arguments -C '1:command:->verb' '*::argument:->rest'
    case $state in
    verb)
        verbs=(
]] }
  for _, verb in ipairs(verbs.list) do
    out[#out + 1] = ("            '%s:%s'\n"):format(verb.name, zsh_text(verb.about))
  end
  out[#out + 1] = [[
        )
        _describe command verbs ;;
    rest)
        case $words[1] in
]]
  each(function(verb, options)
    local specs = {}
    for i, option in ipairs(options) do specs[i] = zsh_option(option) end
    if verb.takes then
      specs[#specs + 1] = ("'*:%s:%s'"):format(type(verb.takes) == "table" and "word" or verb.takes,
        zsh_value(words_of(verb)))
    end
    if #specs > 0 then
      out[#out + 1] = ("        %s) _arguments -s \\\n            %s ;;\n"):format(verb.name,
        table.concat(specs, " \\\n            "))
    end
  end)
  out[#out + 1] = [[
        esac ;;
    esac
}
if [ "$funcstack[1]" = _lunagrad ]; then _lunagrad "$@"; else compdef _lunagrad lunagrad; fi
]]
  return table.concat(out)
end

-- ---- fish ---------------------------------------------------------------------------------------

local function fish_text(text) return "'" .. text:gsub("[\\']", "\\%0") .. "'" end

local FISH_VALUES = { file = " -r -F", folder = " -x -a '(__fish_complete_directories)'",
  run = " -x -a '(lunagrad completion runs 2>/dev/null)'" }
local FISH_WORDS = { script = " -k -x -a '(__fish_complete_suffix .lua)'", file = " -F",
  folder = FISH_VALUES.folder, run = FISH_VALUES.run, runs = FISH_VALUES.run }

local function fish_value(kind)
  if kind == nil then return " -x" end
  if type(kind) == "table" then return " -x -a " .. fish_text(table.concat(kind, " ")) end
  return FISH_VALUES[kind]
end

local function fish_names(option)
  local out = {}
  for _, name in ipairs(option.names) do
    out[#out + 1] = name:find "^%-%-" and " -l " .. name:sub(3)
      or #name == 2 and " -s " .. name:sub(2) or " -o " .. name:sub(2)
  end
  return table.concat(out)
end

local function fish()
  local out = { "# Completion of lunagrad for fish; made by: lunagrad completion fish\n",
    "complete -c lunagrad -f\n" }
  local function add(...) out[#out + 1] = string.format(...) end
  for _, verb in ipairs(verbs.list) do
    add("complete -c lunagrad -n __fish_use_subcommand -a %s -d %s\n", verb.name,
      fish_text(verb.about))
  end
  each(function(verb, options)
    local here = ("complete -c lunagrad -n '__fish_seen_subcommand_from %s'"):format(verb.name)
    local words = words_of(verb)
    if type(words) == "table" then
      add("%s -a %s\n", here, fish_text(table.concat(words, " ")))
    elseif words then
      add("%s%s\n", here, FISH_WORDS[words])
    end
    for _, option in ipairs(options) do
      add("%s%s%s -d %s\n", here, fish_names(option),
        option.type == "flag" and "" or fish_value(value_of(option)),
        fish_text(short(option.about)))
    end
  end)
  return table.concat(out)
end

-- ---- the command ----------------------------------------------------------------------------------

-- The names of the runs here, the newest first; nothing where there is no store.
local function print_runs()
  local store = require "lunagrad.cli.store"
  pcall(store.use, {}, function(handle)
    for _, row in ipairs(handle.query(require("lunagrad.book.queries").run_names)) do
      io.stdout:write(row.name, "\n")
    end
  end)
end

local SHELLS = { bash = bash, zsh = zsh, fish = fish }

--- Run the command.
---@param argv string[]
---@param first integer where its own arguments begin
---@return integer exit code
function completion.main(argv, first)
  local options = args.parse(completion.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  local word = options.rest[1]
  if #options.rest ~= 1 then args.fail("completion needs one shell", "bash, zsh or fish") end
  if word == "runs" then
    print_runs()
    return 0
  end
  if not SHELLS[word] then
    args.fail(("there is no completion for %q"):format(word),
      args.did_you_mean(word, { "bash", "zsh", "fish" }, "bash, zsh or fish"))
  end
  io.stdout:write(SHELLS[word]())
  return 0
end

return completion
