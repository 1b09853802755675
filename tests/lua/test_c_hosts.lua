-- test_c_hosts.lua - the examples in C and C++ of scripts/hosts/, built against an installed tree as
-- their headers say, and run: on sim, and on a server (lunagrad mock)

local lu = require "luaunit"
local command = require "command"

local build = os.getenv "BUILD" or "build"
local cc = os.getenv "CC" or "cc"
local cxx = os.getenv "CXX" or "c++"

-- The compiler's instrumentation would be needed by every host here.
local instrumented = (os.getenv "LG_PRELOAD" or "") ~= ""

local function ok(line)
  local result = command.shell(line)
  lu.assertEquals(result.code, 0, line .. "\n" .. result.out .. result.err)
  return result
end

local QUESTIONS = "I have two apples, a pear and three plums. How many fruits do I have?\n"
  .. "I have a drum and two flutes. How many musical instruments do I have?\n"

TestHosts = {}

function TestHosts:setUp()
  lu.skipIf(instrumented, "the build is instrumented")
  lu.skipIf(command.shell("command -v pkg-config").code ~= 0, "pkg-config is not here")
  self.root = command.temp() .. ".root"
  ok(("BUILD=%s PREFIX=%s packaging/install.sh install"):format(command.quote(build), self.root))
  self.env = ("env LD_LIBRARY_PATH=%s/lib"):format(self.root)
end

function TestHosts:tearDown()
  if self.root then command.shell("rm -rf " .. command.quote(self.root)) end
  command.remove_files()
end

-- The example, built; its path.
function TestHosts:made(name, packages, compiler)
  local out = ("%s/%s"):format(self.root, (name:gsub("%W", "_")))
  ok(([[PKG_CONFIG_PATH=%s/lib/pkgconfig; export PKG_CONFIG_PATH; set -e
    flags=$(pkg-config --cflags --libs %s)
    %s -O1 -Wall -Wextra -Werror scripts/hosts/%s $flags -o %s]]):format(self.root,
    packages or "lunagrad", compiler or cc, name, out))
  return out
end

local function improved(out)
  local before, after = out:match "score: ([%d.]+) before, ([%d.]+) after"
  lu.assertNotNil(before, out)
  lu.assertTrue(tonumber(after) > tonumber(before), out)
  lu.assertTrue(tonumber(out:match "(%d+) frames") > 5)
  lu.assertStrContains(out, "ms") -- the histogram
end

function TestHosts:test_game()
  local game = self:made "game.c"
  improved(ok(("%s timeout 60 %s"):format(self.env, game)).out)
  local got = command.with_mock({}, ("%s timeout 60 %s $url sim/default"):format(self.env, game))
  lu.assertEquals(got.code, 0, got.out .. got.err)
  improved(got.out)
  lu.assertTrue(#got.journal > 50)
end

function TestHosts:test_game_by_the_archive()
  improved(ok("timeout 60 " .. self:made("game.c", "lunagrad-static")).out)
end

-- A job, then step by step, as docs/embedding.md shows them, in one program.
function TestHosts:test_the_page()
  local blocks = {}
  for block in command.read "docs/embedding.md":gmatch "```c\n(.-)```" do
    blocks[#blocks + 1] = block:gsub("#include[^\n]*\n", "")
  end
  local source = command.write(([[
    #include <stdio.h>
    #include <string.h>
    #include <lunagrad.h>
    int main(void) {
        static const char examples[] = "{\"question\":\"I have a pear and a plum. How many "
            "fruits do I have?\",\"answer\":\"2\"}\n";
        %s
        %s
        lg_optimizer_free(o);
        lg_job_free(job);
        lg_engine_free(e);
    }]]):format(blocks[1], blocks[2]), ".c")
  ok(([[PKG_CONFIG_PATH=%s/lib/pkgconfig %s -Wall -Werror %s -o %s/page \
    $(PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config --cflags --libs lunagrad)]]):format(self.root, cc,
    source, self.root, self.root))
  local got = ok(("%s timeout 20 %s/page"):format(self.env, self.root))
  lu.assertStrMatches(got.out, 'Answer the question%.[^\n]*\n{"changed":true,[^\n]+\n')
end

function TestHosts:test_tool()
  local tool = self:made "tool_epoll.c"
  local got = ok(("printf %%s %s | %s timeout 20 %s"):format(command.quote(QUESTIONS), self.env,
    tool))
  lu.assertEquals(select(2, got.out:gsub("\n", "\n")), 2)
  lu.assertStrContains(got.err, " 0 blocks left")
  local served = command.with_mock({}, ("printf %%s %s | %s timeout 20 %s $url sim/default")
    :format(command.quote(QUESTIONS), self.env, tool))
  lu.assertEquals(served.code, 0, served.err)
  lu.assertEquals(served.out, got.out)
end

function TestHosts:test_server()
  lu.skipIf(command.shell("pkg-config --exists libuv && command -v bash").code ~= 0,
    "libuv's headers or bash are not here")
  local server = self:made("server_uv.c", "lunagrad libuv")
  local got = ok(([[port=$((20000 + $$ %% 20000)); fifo=%s/fifo; mkfifo $fifo
    %s timeout 30 %s $port <$fifo >%s/out & exec 9>$fifo
    for i in $(seq 100); do grep -q ready %s/out 2>/dev/null && break; sleep 0.1; done
    timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0; printf %%s "$1" >&3
      head -n 2 <&3' $port %s; exec 9>&-; wait]]):format(self.root, self.env, server, self.root,
    self.root, command.quote(QUESTIONS)))
  lu.assertEquals(select(2, got.out:gsub("\n", "\n")), 2)
end

function TestHosts:test_cpp()
  lu.skipIf(command.shell("command -v " .. cxx).code ~= 0, "there is no C++ compiler")
  local hello = self:made("hello.cpp", nil, cxx .. " -std=c++17")
  local got = ok(("%s timeout 60 %s"):format(self.env, hello))
  local seed, best = got.out:match '"seed_score":([%d.]+)', got.out:match '"best_score":([%d.]+)'
  lu.assertTrue(tonumber(best) > tonumber(seed), got.out)
  lu.assertStrContains(got.out, "best: ")
end

os.exit(lu.LuaUnit.run())
