--- What doctor says about the terminal and about versions. No keys here.

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

return machine
