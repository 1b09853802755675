--- Trust: which files of settings count, and where a key may go.
--
-- Files that are found by looking count from here up to the project's root (a repository, or the
-- folder of a lunagrad.lua) or the home folder, and only when they are the user's or root's and
-- nobody else can change them; a link is judged with the folder it stands in and what it leads to.
-- Of two levels is what a place says: "user" (the script, the command line, the environment, the
-- user's own files and key store) and "project" (what lay in the folder, perhaps with a clone). A
-- key of the user never goes to an address that the project names. Reads no settings itself; used
-- by config.lua and providers.lua.

local file = require "lunagrad.file"

local trust = {}

local MOST_UP = 64              -- folders
local MOST_LINKS = 16           -- on the way to one file
local MOST_BYTES = 1024 * 1024  -- of a file

local ROOTS = { ".git", ".hg", ".jj", ".svn", ".bzr", "lunagrad.lua", ".lunagrad/config.lua" }

-- ---- folders ---------------------------------------------------------------------

local function folder_of(path) return path:match "^(.*/)[^/]*$" or "./" end

local function is_ours(stat) return stat.own or stat.uid == 0 end

-- A root that another user laid here is none.
local function is_root(prefix)
  for _, name in ipairs(ROOTS) do
    local stat = file.stat(prefix .. name, true)
    if stat and is_ours(stat) then return true end
  end
  return false
end

--- The user's home; nil without one. A relative one would be wherever the command is started.
---@return string|nil
function trust.home()
  local home = os.getenv "HOME"
  return home and home:find "^/" and home or nil
end

--- The folders in which files of settings are looked for, the nearest first.
---@return {prefix: string, level: "user"|"project"}[]
function trust.folders()
  local home = file.stat(trust.home() or "")
  local list, below = {}, nil
  for up = 0, MOST_UP do
    local prefix = ("../"):rep(up)
    local stat = file.stat(prefix == "" and "." or prefix)
    if not stat or stat.id == below then break end -- the top
    local is_home = home ~= nil and stat.id == home.id
    list[#list + 1] = { prefix = prefix, level = is_home and "user" or "project" }
    if is_home or is_root(prefix) then return list end
    below = stat.id
  end
  return { list[1] }
end

-- ---- files -----------------------------------------------------------------------

-- Each returns why not, and what others may write, if that is why.
local function why_not_folder(path)
  local folder = folder_of(path)
  local stat, problem = file.stat(folder)
  if not stat then return problem end
  if not is_ours(stat) then return ("its folder is another user's (uid %d)"):format(stat.uid) end
  if stat.others_write and not stat.sticky then
    return ("others may write its folder (mode %04o)"):format(stat.mode), folder
  end
end

local function why_not_own(stat, what, path)
  if not is_ours(stat) then return ("%s is another user's (uid %d)"):format(what, stat.uid) end
  if stat.others_write and stat.kind ~= "link" then
    return ("others may write %s (mode %04o)"):format(what, stat.mode), path
  end
end

-- Why an entry of a folder is not what its owner made it, be it a link; nil: it is.
local function why_not_entry(path)
  for _ = 1, MOST_LINKS do
    local stat = file.stat(path, true)
    if not stat then return nil end
    local why, open = why_not_folder(path)
    if why or stat.kind ~= "link" then return why, open end
    why = why_not_own(stat, "the link")
    if why then return why end
    local to = file.link(path) or ""
    path = to:find "^/" and to or folder_of(path) .. to
  end
  return "it is a link to a link to a link, without end"
end

local function words_of(problem) return (tostring(problem):gsub("^.*: ", "")) end

local WHAT = { pipe = "it is a pipe, not a file", other = "it is a device or a socket, not a file" }

--- The text of a file that whoever runs this wrote, or root; and what the file is.
---@param path string
---@return string|nil text nil without a reason: there is none
---@return string|table|nil why why it is not read; or file.stat's table
---@return string|nil open what others may write, where that is why
function trust.read(path)
  local folder = path:match "^(.*%.lunagrad)/[^/]*$"
  local text, problem, number, stat = file.read(path, MOST_BYTES)
  if text then stat = problem end
  if not stat then
    local is_absent = number == 2 or number == 20 -- ENOENT, ENOTDIR
    return nil, not is_absent and "it cannot be read: " .. words_of(problem) or nil
  end
  if stat.kind == "directory" then return nil end -- .env is also what some call a folder of Python
  local why, open = WHAT[stat.kind], nil
  if not why then why, open = why_not_own(stat, "it", path) end
  if not why then why, open = why_not_entry(path) end
  if not why and folder then why, open = why_not_entry(folder) end
  if why then return nil, why, open end
  if not text then
    return nil, number == 27 and "it is larger than 1 MB" -- EFBIG
      or "it cannot be read: " .. words_of(problem)
  end
  return text, stat
end

--- The text of a file that the user named: whoever's it is, and a pipe is read, too.
---@param path string
---@return string|nil text, string|nil problem
function trust.read_named(path)
  local text, problem, number, stat = file.read(path, MOST_BYTES, true)
  if text then return text end
  local what = stat and stat.kind
  if what == "directory" then return nil, "it is a folder, not a file" end
  if what == "pipe" and number == 110 then return nil, "nobody writes into this pipe" end
  return nil, WHAT[what] or number == 27 and "it is larger than 1 MB"
    or "it cannot be read: " .. words_of(problem)
end

-- ---- what a place may say ----------------------------------------------------------

-- Whom to believe that a server is who it says, and the way there: not the project's to say.
local NOT_FROM_PROJECT = { SSL_CERT_FILE = true, SSL_CERT_DIR = true, CURL_CA_BUNDLE = true,
  LUNAGRAD_ENV_FILE = true, LUNAGRAD_CONFIG = true, HTTP_PROXY = true, HTTPS_PROXY = true,
  ALL_PROXY = true, NO_PROXY = true }

--- May a file of this level say this?
---@param name string
---@param value string
---@param level "user"|"project"
---@return boolean
function trust.may_say(name, value, level)
  if level ~= "project" then return true end
  if name == "LUNAGRAD_RUN_MODEL" then -- a model that is a program would be started
    return not ("=" .. value:gsub(";%s*", "=")):find "=%s*exec/"
  end
  return not NOT_FROM_PROJECT[name:upper()]
end

-- ---- where a key may go ------------------------------------------------------------

---@class lunagrad.place who said something
---@field name string "environment", a file's path, …
---@field level "user"|"project"
---@field line? integer
---@field option? string the option that names such a file

trust.ENVIRONMENT = { name = "environment", level = "user" }
trust.SCRIPT = { name = "script", level = "user" }

--- May what the one place says go to an address that the other names? Without a place the address
--- is the provider's own.
---@param from lunagrad.place
---@param address lunagrad.place|nil
function trust.may_go(from, address)
  return address == nil or address.level ~= "project" or from.level == "project"
end

--- A place, for people.
---@param place lunagrad.place
function trust.told(place)
  if place == trust.ENVIRONMENT or place == trust.SCRIPT then return "the " .. place.name end
  return place.line and ("%s, line %d"):format(place.name, place.line) or place.name
end

return trust
