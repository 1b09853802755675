-- test_amalgamation.lua - the library as one C file compiles by itself, without a warning, and a
-- host that is linked with it works

local lu = require "luaunit"
local command = require "command"

local build = os.getenv "BUILD" or "build"
local cc = os.getenv "CC" or "cc"

local function ok(line)
  local result = command.shell(line)
  lu.assertEquals(result.code, 0, line .. "\n" .. result.out .. result.err)
  return result.out .. result.err
end

TestAmalgamation = {}

function TestAmalgamation:setUp()
  lu.skipIf((os.getenv "LG_PRELOAD" or "") ~= "", "the build is instrumented")
  lu.skipIf(build ~= "build", "made of the usual build")
  self.dir = command.temp() .. ".d"
  ok("mkdir " .. command.quote(self.dir))
end

function TestAmalgamation:tearDown()
  if self.dir then command.shell("rm -rf " .. command.quote(self.dir)) end
  command.remove_files()
end

function TestAmalgamation:test_it_compiles_by_itself_and_works()
  ok "make amalgamation"
  local dir = command.quote(self.dir)
  local said = ok(("cp build/amalgamation/lunagrad.[ch] tests/packages/host.c %s && cd %s && "
    .. "set -- $(sed -n 's/.*--cflags \\([a-z].*\\))$/\\1/p' lunagrad.c) && "
    .. "%s -std=gnu17 -O0 -Wall -Wextra -c lunagrad.c $(pkg-config --cflags \"$@\") && "
    .. "%s -I. host.c lunagrad.o -o host $(pkg-config --libs \"$@\") -lpthread -lm -ldl")
    :format(dir, dir, cc, cc))
  lu.assertEquals(said, "") -- no warnings
  lu.assertStrContains(ok(dir .. "/host"), "Hello, world")
  -- what it has for others is the interface and nothing else
  local symbols = ok(("readelf -sW %s/lunagrad.o"):format(dir))
  local count = 0
  for name in symbols:gmatch "GLOBAL +DEFAULT +%d+ ([%w_]+)" do
    lu.assertTrue(name:find "^lg_%w" ~= nil or name:find "^luaopen_lunagrad" ~= nil, name)
    count = count + 1
  end
  lu.assertTrue(count > 100, count)
end

os.exit(lu.LuaUnit.run())
