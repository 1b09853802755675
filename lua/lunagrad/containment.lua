--- What programs can be contained with here, and what a contained one may read.
--
-- The kernel's side is engine/child/contain*.c; here is the policy: which files belong to a
-- system, which to a program. Used by lg.command, lg.sandbox.holds and the doctor.

local core = require "lunagrad.core"

local containment = {}

-- Programs, libraries and what they look up at every start; nothing of a person, no keys. What
-- is not there is passed over.
local SYSTEM = { "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/nix/store",
  "/gnu/store", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
  "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group",
  "/etc/locale.alias", "/etc/mime.types", "/etc/fonts", "/etc/python3", "/etc/ssl/openssl.cnf",
  "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo",
  "/proc/filesystems", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu" }

-- ---- whose a folder is -------------------------------------------------------------

-- Is `inner` the folder, or somewhere in it?
local function is_in(inner, folder)
  return inner == folder or folder == "/" or inner:sub(1, #folder + 1) == folder .. "/"
end

-- A folder that holds more than a program: a person's own, or one above it.
local function is_private(folder)
  local home = core.real_path(os.getenv "HOME" or "/root") or "/root"
  return is_in(home, folder) or folder == home .. "/.local" or folder == "/tmp"
    or folder == "/etc" or folder == "/var" or folder == "/opt" or folder == "/srv"
end

-- Where a program is installed, if it has libraries of its own there: /opt/tool of
-- /opt/tool/bin/tool. An environment of Python's is one, too.
local function prefix_of(path)
  local prefix = path:match "^(/.+)/s?bin/[^/]+$"
  if not prefix or is_private(prefix) then return nil end
  local _, lib = core.real_path(prefix .. "/lib")
  local _, venv = core.real_path(prefix .. "/pyvenv.cfg")
  return (lib == "folder" or venv == "file") and prefix or nil
end

-- ---- finding a program -------------------------------------------------------------

--- The file of a program: a path as it is, a name by PATH. Wrappers that look for the program
--- anew ("shims") are passed over: they cannot look in a sandbox.
---@param name string
---@param contained boolean
---@return string|nil path nil: there is none
---@return boolean|nil executable
function containment.find(name, contained)
  if name:find("/", 1, true) then
    local real, kind, executable = core.real_path(name)
    if kind ~= "file" then return nil end
    if name:sub(1, 1) == "/" then return name, executable end
    return real, executable
  end
  local found
  for folder in (os.getenv "PATH" or "/usr/local/bin:/usr/bin:/bin"):gmatch "[^:]+" do
    local path = folder .. "/" .. name
    local _, kind, executable = core.real_path(path)
    if folder:sub(1, 1) == "/" and kind == "file" and not (contained and folder:find "/shims$") then
      if executable then return path, true end
      found = found or path
    end
  end
  return found, found and false
end

-- ---- what may be read ----------------------------------------------------------------

--- What a contained program may read and run: the system's, its own, what the command's words
--- name, and what else is allowed.
---@param program string its path
---@param words string[] of the command, those that the script wrote itself
---@param more string[] paths
---@return string[]
function containment.readable(program, words, more)
  local list, seen = {}, {}
  local function add(path)
    if not seen[path] then list[#list + 1], seen[path] = path, true end
  end
  for _, path in ipairs(SYSTEM) do add(path) end
  for _, path in ipairs { program, (core.real_path(program)) } do
    add(path)
    local prefix = prefix_of(path)
    if prefix then add(prefix) end
  end
  for _, word in ipairs(words) do
    local real, kind = core.real_path(word)
    if word:sub(1, 1) == "/" and real and not (kind == "folder" and is_private(real)) then
      add(real)
    end
  end
  for _, path in ipairs(more) do add((core.real_path(path))) end
  return list
end

-- ---- what holds here -------------------------------------------------------------------

local bwrap -- { path =, works =, why = }; nil: nobody has looked

--- bubblewrap, and whether it works here: asked once, by running a program in it.
---@param run fun(path: string): boolean, string|nil runs `true` in it
---@return {path: string|nil, works: boolean, why: string|nil}
function containment.bubblewrap(run)
  if bwrap then return bwrap end
  local path, executable = containment.find("bwrap", true)
  if not path or not executable then
    bwrap = { works = false, why = "bwrap is not installed (package bubblewrap)" }
  else
    local works, why = run(path)
    bwrap = { path = path, works = works, why = why }
  end
  return bwrap
end

-- From which ABI of Landlock on something is held by it as well; below, seccomp holds it.
local BY_ABI = { { 1, "files" }, { 2, "links and moves between folders" }, { 3, "truncation" },
  { 4, "TCP" }, { 5, "ioctl of devices" }, { 6, "signals, abstract sockets" } }

--- What this machine contains programs with.
---@param most_abi? integer pretend an older Landlock
---@return {abi: integer, seccomp: boolean, other_users: boolean, problem: string|nil,
--- by_landlock: string[], by_seccomp: string[]}
function containment.holds(most_abi)
  local holds = core.holds(most_abi)
  holds.by_landlock, holds.by_seccomp = {}, {}
  for _, row in ipairs(BY_ABI) do
    local list = holds.abi >= row[1] and holds.by_landlock or holds.by_seccomp
    list[#list + 1] = row[2]
  end
  return holds
end

return containment
