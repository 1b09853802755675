--- The command's verbs as a table: what each is called, takes, and may be told. For the list that
-- `lunagrad help` shows, for the manual page and for the completion of shells, so that these say the
-- same.
--
-- An option is what args.parse knows of it (its verb's spec); what it is for stands in the verb's
-- help, and is read from there. Modules of verbs are loaded when somebody asks for their options.

local args = require "lunagrad.cli.args"

local verbs = {}

--- name, what stands behind it, what it does; takes: what its words are, for completion ("script",
--- "file", "folder", "run", "runs", "provider", "verb", or a list of words); like: whose help says
--- what its own does not.
verbs.list = {
  { name = "run", usage = "SCRIPT [key=value …]", about = "run a script",
    takes = "script" },
  { name = "eval", usage = "WHAT --data FILE", about = "score a prompt or program, for CI too",
    takes = "file", like = "run" },
  { name = "init", usage = "[DIR] [--example NAME]", about = "a folder that runs at once",
    takes = "folder", file = "starter" },
  { name = "repl", usage = "", about = "a prompt: Lua, and ? asks the model",
    like = "run" },
  { name = "runs", usage = "", about = "what was run here, and how it ended" },
  { name = "show", usage = "RUN", about = "what a run found, tried and cost", takes = "run" },
  { name = "report", usage = "RUN [-o FILE]", about = "the same as one page of HTML",
    takes = "run" },
  { name = "view", usage = "[DIR]", about = "the runs in a browser, live", takes = "folder" },
  { name = "compare", usage = "RUN RUN", about = "what one run has over another", takes = "runs" },
  { name = "export", usage = "RUN [--format FORMAT]",
    about = "a run for other programs, or to be replayed", takes = "run" },
  { name = "cache", usage = "stats|prune|clear", about = "the replies that are kept",
    takes = { "stats", "prune", "clear" } },
  { name = "models", usage = "[PROVIDER]", about = "servers that can be asked, and their models",
    takes = "provider" },
  { name = "keys", usage = "set|list|path|remove", about = "keys of servers, kept for you alone",
    takes = { "set", "list", "path", "remove" } },
  { name = "doctor", usage = "", about = "what is wrong here, and what mends it" },
  { name = "mock", usage = "", about = "a model server for tests" },
  { name = "completion", usage = "bash|zsh|fish", about = "what a shell needs to complete words",
    takes = { "bash", "zsh", "fish" } },
  { name = "help", usage = "[COMMAND | lg.NAME]",
    about = "this, a command's options, or a function", takes = "verb" },
}

--- Names that can be given first.
---@return string[]
function verbs.names()
  local names = {}
  for i, verb in ipairs(verbs.list) do names[i] = verb.name end
  return names
end

--- The verb of a name, or nil.
---@param name string|nil
---@return table|nil
function verbs.of(name)
  for _, verb in ipairs(verbs.list) do
    if verb.name == name then return verb end
  end
  return nil
end

--- The module that does it; nil for help, which is the command's own.
---@param name string
---@return table|nil
function verbs.module(name)
  local verb = verbs.of(name)
  if not verb or name == "help" then return nil end
  return require("lunagrad.cli." .. (verb.file or name))
end

local WIDTH = 29 -- of the first column

--- The lines "  VERB …   what it does".
---@return string[]
function verbs.lines()
  local shown = {}
  for i, verb in ipairs(verbs.list) do
    local usage = ("%s %s"):format(verb.name, verb.usage):gsub("%s+$", "")
    shown[i] = "  " .. usage .. (" "):rep(WIDTH - utf8.len(usage)) .. verb.about
  end
  return shown
end

-- ---- what a help says of options --------------------------------------------------------

local INDENT = 6 -- blanks before what goes on with an option's words

-- "  --rpm N, --tpm N    words" → names, placeholder, words; nil: it begins no option.
local function option_line(line)
  local head, words = line:match "^  (%-%S.-)%s%s+(%S.*)$"
  head = head or line:match "^  (%-%S.*)$"
  if not head then return nil end
  local names = {}
  for part in (head .. ", "):gmatch "(.-), " do
    local name, placeholder = part:match "^(%-[%w%-]+)%s*(.-)$"
    names[#names + 1] = { name = name, placeholder = placeholder ~= "" and placeholder or nil }
  end
  return names, words or ""
end

--- Options that a help tells of, in its order: { names = { { name =, placeholder = } }, about = }.
---@param help string
---@return table[]
function verbs.told(help)
  local list, last = {}, nil
  for line in (help .. "\n"):gmatch "(.-)\n" do
    local names, words = option_line(line)
    local more = last and line:match("^" .. (" "):rep(INDENT) .. "+(%S.*)$")
    if names then
      last = { names = names, about = words }
      list[#list + 1] = last
    elseif more then
      last.about = (last.about .. " " .. more):gsub("^%s+", "")
    else
      last = nil
    end
  end
  return list
end

local function is_one_of(option, name)
  for _, known in ipairs(option.names) do
    if known == name then return true end
  end
  return false
end

-- What the help says of an option of the spec.
local function said_of(told, option)
  for _, one in ipairs(told) do
    for _, named in ipairs(one.names) do
      if is_one_of(option, named.name) then return one.about, named.placeholder end
    end
  end
  return nil, nil
end

--- All options of a verb: { names, type, values, what, about, placeholder, own: its help has it }.
---@param name string
---@return table[]
function verbs.options(name)
  local module, list = verbs.module(name), {}
  local told = module and verbs.told(module.help()) or {}
  local like = module and verbs.of(name).like
  local more = like and verbs.told(verbs.module(like).help()) or {}
  for _, option in ipairs(module and module.spec.options or {}) do
    local about, placeholder = said_of(told, option)
    local own = about ~= nil
    if not own then about, placeholder = said_of(more, option) end
    if not option.hidden then
      list[#list + 1] = { names = option.names, key = option.key, type = option.type,
        values = option.values, what = option.what, placeholder = placeholder, own = own,
        about = option.key == "help" and "show this help" or about }
    end
  end
  return list
end

--- "did you mean …" of a verb that is none.
---@param word string
---@param fallback string
---@return string
function verbs.did_you_mean(word, fallback)
  return args.did_you_mean(word, verbs.names(), fallback)
end

return verbs
