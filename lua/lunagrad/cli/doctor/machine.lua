--- What doctor says about the terminal, about versions, and about what contains programs here. No
--- keys here.

local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local term = require "lunagrad.term"

local machine = {}

local function set(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

--- The terminal: width, colours, characters.
function machine.terminal(add)
  local is_tty = term.isatty(2)
  local _, colour, unicode = display.choose(nil, is_tty, os.getenv)
  if is_tty then
    add("ok", ("%s columns, %s"):format(tostring(term.width(2) or "unknown"), colour and "colours"
      or "no colours" .. (set "NO_COLOR" and " (NO_COLOR)" or "")))
  else
    add("ok", "stderr is no terminal: one line an event, no colours")
  end
  if unicode then
    add("ok", "UTF-8 by its locale")
  else
    add("note", "the locale is not UTF-8: plain characters are drawn", "export LANG=C.UTF-8")
  end
end

--- Versions of the program, its libraries and the system.
function machine.versions(add)
  local v = require("lunagrad.look").versions()
  add("ok", ("lunagrad %s, Lua %s, %s"):format(core.VERSION, core.lua_release,
    term.kernel() or "?"))
  if core.stack_mark then
    add("note", ("packages of Lua %s (Debian's 5.4.4-3+deb12u1) can crash where \"..\" calls a "
      .. "metamethod"):format(core.lua_release),
      "variables of lunagrad are kept from it; Lua 5.4.7 has it mended")
  end
  add("ok", ("libcurl %s with %s"):format(v.curl, v.tls or "no TLS"))
  if not v.tls then
    add("wrong", "this libcurl knows no TLS: https cannot be asked", "install libcurl with OpenSSL")
  end
  add("ok", ("SQLite %s%s, libuv %s"):format(v.sqlite, v.fts5 and " with FTS5" or "", v.libuv))
  if not v.fts5 then
    add("wrong", "this SQLite has no FTS5: retrieval by words cannot work",
      "install SQLite built with FTS5")
  end
end

local function bubblewrap(add)
  local found = require("lunagrad.command").bubblewrap()
  if found.works then
    add("ok", "\"strict\": bubblewrap works (" .. found.path .. ")")
  else
    add("note", "\"strict\" is not to be had: " .. found.why,
      "sandbox = true does without bubblewrap and user namespaces")
  end
end

--- What programs that models write are contained with: told, and tried.
function machine.sandbox(add)
  local holds = require("lunagrad.containment").holds()
  if holds.problem then
    add("note", "programs cannot be contained: " .. holds.problem,
      "sandbox = true is refused; Linux 5.13 or newer, or other settings of the container")
  else
    local works, why = require("lunagrad.command").try_sandbox()
    local seccomp = table.concat(holds.by_seccomp, ", ")
    if works then
      add("ok", ("Landlock ABI %d holds %s; seccomp all else%s"):format(holds.abi,
        table.concat(holds.by_landlock, ", "), seccomp ~= "" and ", and " .. seccomp or ""))
    else
      add("wrong", "Landlock and seccomp are there, but no program ran in them: " .. why)
    end
    if holds.other_users then
      add("ok", "each program is a user of its own")
    else
      add("note", "programs run as you: their limit of processes is yours, of what runs besides")
    end
  end
  bubblewrap(add)
end

return machine
