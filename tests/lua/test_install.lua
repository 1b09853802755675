-- test_install.lua - what `make install` puts there: hosts are built against it by pkg-config
-- and by CMake, shared and static, and `make uninstall` leaves nothing of it

local lu = require "luaunit"
local command = require "command"

local build = os.getenv "BUILD" or "build"
local cc = os.getenv "CC" or "cc"

-- The compiler's instrumentation would be needed by every host here.
local instrumented = (os.getenv "LG_PRELOAD" or "") ~= ""

local function skip_unless(tool)
  lu.skipIf(instrumented, "the build is instrumented")
  local library = command.shell("test -e " .. command.quote(build .. "/liblunagrad.so")).code == 0
  lu.skipIf(tool and not library, "with this Lua there is no library")
  local here = not tool or command.shell("command -v " .. tool).code == 0
  lu.skipIf(not here, tostring(tool) .. " is not here")
end

local function ok(line)
  local result = command.shell(line)
  lu.assertEquals(result.code, 0, line .. "\n" .. result.out .. result.err)
  return result.out
end

-- settings: "PREFIX=… DESTDIR=…", shell words
local function install(settings, verb)
  return ("BUILD=%s %s packaging/install.sh %s"):format(command.quote(build), settings,
    verb or "install")
end

-- What stands below a folder, one a line.
local function below(dir)
  return ok(("cd %s && find . ! -name . | LC_ALL=C sort"):format(command.quote(dir)))
end

TestInstall = {}

function TestInstall:setUp()
  self.root = command.temp() .. ".root dir" -- a blank in a path is nothing special
  ok("mkdir " .. command.quote(self.root))
end

function TestInstall:tearDown()
  command.shell("rm -rf " .. command.quote(self.root))
  command.remove_files()
end

function TestInstall:quoted(path) return command.quote(self.root .. (path or "")) end

function TestInstall:test_uninstall_takes_what_install_put_and_nothing_else()
  local settings = "PREFIX=/usr LIBDIR=/usr/lib/some-triplet DESTDIR=" .. self:quoted()
  ok(install(settings))
  lu.assertStrContains(below(self.root), "./usr/lib/some-triplet/lua/")
  ok(install(settings, "uninstall"))
  lu.assertEquals(below(self.root), "")
  -- folders that were there stay, and so does what others put beside
  ok(("mkdir -p %s && touch %s"):format(self:quoted "/usr/bin", self:quoted "/usr/kept"))
  ok(install(settings))
  ok("touch " .. self:quoted "/usr/share/lunagrad/scripts/mine.lua")
  ok(install(settings, "uninstall"))
  lu.assertEquals(below(self.root .. "/usr"), "./bin\n./kept\n./share\n./share/lunagrad\n"
    .. "./share/lunagrad/scripts\n./share/lunagrad/scripts/mine.lua\n")
  local again = command.shell(install(settings, "uninstall"))
  lu.assertEquals(again.code, 2)
  lu.assertStrContains(again.err, "nothing was installed")
end

function TestInstall:test_an_older_version_s_files_go_when_a_newer_is_installed()
  local settings = "PREFIX=/opt/l DESTDIR=" .. self:quoted()
  ok(install(settings))
  local list = self.root .. "/opt/l/share/lunagrad/installed"
  local gone = self.root .. "/opt/l/share/lunagrad/meta/gone.lua"
  ok(("touch %s && echo 'f /opt/l/share/lunagrad/meta/gone.lua' >>%s && echo 'f /../x' >>%s")
    :format(command.quote(gone), command.quote(list), command.quote(list)))
  ok(install(settings))
  lu.assertEquals(command.shell("test -e " .. command.quote(gone)).code, 1)
  lu.assertNotStrContains(command.read(list), "gone.lua")
  ok(install(settings, "uninstall"))
  lu.assertEquals(below(self.root), "")
end

function TestInstall:test_one_that_broke_off_is_taken_away_or_gone_on_with()
  local settings = "PREFIX=/opt/l/ DESTDIR=" .. self:quoted()
  local full = self:quoted "/opt/l/share/lunagrad/meta" -- a file stands where a folder has to be
  ok(("mkdir -p %s && touch %s"):format(self:quoted "/opt/l/share/lunagrad", full))
  lu.assertNotEquals(command.shell(install(settings)).code, 0)
  lu.assertStrContains(below(self.root), "./opt/l/bin/lunagrad\n")
  ok(install(settings, "uninstall"))
  lu.assertEquals(below(self.root .. "/opt/l/share"), "./lunagrad\n./lunagrad/meta\n")
  lu.assertNotEquals(command.shell(install(settings)).code, 0)
  ok("rm " .. full)
  ok(install(settings))
  ok(install(settings, "uninstall"))
  lu.assertEquals(below(self.root .. "/opt/l"), "./share\n./share/lunagrad\n")
end

function TestInstall:test_folders_that_cannot_be_are_refused()
  for _, settings in ipairs { "PREFIX=usr", "PREFIX=/usr/../etc", "PREFIX=/usr LIBDIR=lib" } do
    local result = command.shell(install(settings .. " DESTDIR=" .. self:quoted()))
    lu.assertEquals(result.code, 2, settings)
    lu.assertEquals(below(self.root), "")
  end
end

function TestInstall:test_a_stock_lua_finds_the_module()
  skip_unless()
  ok(install("PREFIX=" .. self:quoted()))
  local where = self:quoted("/lib/lua/" .. _VERSION:match "%d.%d" .. "/?.so")
  local out = ok(("LUA_PATH='' LUA_CPATH=%s %s -e 'print(require(\"lunagrad\").VERSION)'")
    :format(where, arg[-1] or "lua5.4"))
  lu.assertStrMatches(out, "%d+%.%d+%.%d+\n")
end

function TestInstall:test_luajit_finds_its_file_and_the_library()
  skip_unless "luajit"
  ok(install("PREFIX=" .. self:quoted()))
  local lmoddir = self.root .. "/share/lua/5.1/"
  lu.skipIf(command.read(lmoddir .. "lunagrad_ffi.lua") == "", "there is no file for LuaJIT")
  ok(("LD_LIBRARY_PATH=%s LUA_PATH=%s luajit -e 'assert(require(\"lunagrad_ffi\"))'")
    :format(self:quoted "/lib", command.quote(lmoddir .. "?.lua")))
end

-- Builds host.c in this way, runs it, and returns the libraries that it asks for.
local function host(line, program, env)
  ok(line)
  lu.assertStrContains(ok(("%s timeout 20 %s"):format(env or "", program)), "Hello, world")
  return ok("readelf -d " .. program .. " | grep NEEDED")
end

function TestInstall:test_hosts_by_pkg_config()
  skip_unless "pkg-config"
  ok(install("PREFIX=" .. self:quoted()))
  local out = self:quoted "/host"
  local function way(package)
    return ([[set -e; PKG_CONFIG_PATH=%s; export PKG_CONFIG_PATH
      eval "set -- $(pkg-config --cflags --libs %s)"
      %s -Wall -Werror tests/packages/host.c "$@" -o %s]])
      :format(self:quoted "/lib/pkgconfig", package, cc, out)
  end
  local env = "env LD_LIBRARY_PATH=" .. self:quoted "/lib"
  lu.assertStrContains(host(way "lunagrad", out, env), "[liblunagrad.so.")
  lu.assertNotStrContains(host(way "lunagrad-static", out), "liblunagrad")
end

-- The tree is moved before it is used: CMake's targets know where they are.
function TestInstall:test_hosts_by_cmake()
  skip_unless "cmake"
  local was, now, made = self:quoted "/a", self:quoted "/b", self:quoted "/made"
  ok(install(("LIBDIR=%s/lib/some-triplet PREFIX=%s"):format(was, was)))
  ok(("mv %s %s"):format(was, now))
  local line = ("CC=%s cmake -S tests/packages -B %s -Dlunagrad_DIR=%s && cmake --build %s")
    :format(command.quote(cc:match "%S+$"), made, now .. "/lib/some-triplet/cmake/lunagrad", made)
  lu.assertStrContains(host(line, made .. "/host_shared"), "[liblunagrad.so.")
  lu.assertNotStrContains(host("true", made .. "/host_static"), "liblunagrad")
end

os.exit(lu.LuaUnit.run())
