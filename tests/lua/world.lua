-- world.lua - folders with files of settings, and the command run in them; for test_config.lua and
-- test_trust.lua

local command = require "command"
local lu = require "luaunit"

local world = {}

local worlds = {}

--- Take all of them away, and what command.lua made.
function world.remove()
  for _, root in ipairs(worlds) do os.execute("rm -rf " .. root) end
  worlds = {}
  command.remove_files()
end

--- A folder of its own with a user's part, home, and a project's, up, with a repository; path → text.
function world.make(files)
  local root = command.temp() .. ".world"
  worlds[#worlds + 1] = root
  assert(os.execute(("umask 022; mkdir -p %s/home %s/up/here %s/up/.git"):format(root, root, root)))
  for path, text in pairs(files) do
    local full = root .. "/" .. path
    assert(os.execute("umask 022; mkdir -p " .. full:match "^(.*)/"))
    local handle = assert(io.open(full, "wb"))
    handle:write(text)
    handle:close()
    assert(os.execute("chmod 644 " .. full))
  end
  return root
end

local CLEAN = "env -u OPENAI_API_KEY -u OPENAI_BASE_URL -u SSL_CERT_FILE -u SSL_CERT_DIR"
  .. " -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u CURL_CA_BUNDLE"

local function pwd()
  local pipe = assert(io.popen "pwd")
  local path = pipe:read "l"
  pipe:close()
  return path
end

--- The command, wherever it is started.
world.program = command.path:find "^/" and command.path or pwd() .. "/" .. command.path

--- The shell line that runs it in up/here of a world, as its user; env: shell words.
function world.line(root, env, ...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = command.quote(word) end
  return ("cd %s/up/here && %s HOME=%s/home %s timeout 60 %s %s"):format(root, CLEAN, root, env,
    world.program, table.concat(words, " "))
end

--- Run it.
function world.run_in(root, env, ...) return command.shell(world.line(root, env, ...)) end

local LOOK = 'for _, n in ipairs(arg) do '
  .. 'local v, s = require "lunagrad.config".lookup(n) print(v, s) end'

--- What settings of these names are, and where they are from.
function world.look(root, env, ...)
  local result = world.run_in(root, env, "-e", LOOK, ...)
  lu.assertEquals(result.err, "")
  return result.out
end

return world
