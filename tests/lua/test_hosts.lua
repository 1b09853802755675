-- test_hosts.lua - the examples of scripts/hosts/ that are Lua: each runs, and the same job comes to
-- the same bytes in the command and in every host, those in C and C++ too. Skips where a host's
-- program is not installed.

local command = require "command"
local lu = require "luaunit"
local json = require("lunagrad").json

local build = os.getenv "BUILD" or "build"
local BUILD = build:find "^/" and build or "$PWD/" .. build
local preload = os.getenv "LD_PRELOAD"

-- Shell words that run a host's program with the library as it was built here.
local WITH = preload and ("LD_PRELOAD=%s ASAN_OPTIONS=detect_leaks=0 "):format(preload) or ""
local FFI = WITH .. ("LUA_PATH='lua/?.lua;;' LUNAGRAD_LIBRARY=%s/liblunagrad.so "):format(BUILD)
local STOCK = WITH .. ('LUA_CPATH="%s/?.so;;" '):format(BUILD) .. arg[-1] .. " "

local function has(program) return command.shell("command -v " .. program).code == 0 end

-- The library is built with Lua 5.4 alone; LuaJIT, Neovim, LÖVE, C and C++ are its hosts.
local has_library = command.read(build .. "/liblunagrad.so") ~= ""
local function hosts(program) return has_library and has(program) end

local NVIM = [[nvim --headless -u NONE -i NONE -n --cmd 'set rtp+=scripts/hosts/nvim' ]]
  .. [[--cmd 'let g:lunagrad_path="lua"' -c 'runtime plugin/lunagrad_nvim.lua' ]]

local LOVE = FFI .. "SDL_VIDEODRIVER=dummy timeout 60 love scripts/hosts/love headless "

local shell = command.shell

local function one_line(got)
  lu.assertEquals(got.code, 0, got.err)
  local line, rest = got.out:match "^([^\n]+)\n(.*)$"
  lu.assertEquals(rest, "")
  return line, json.decode(line)
end

-- What Neovim does with a text: the Lua code runs in it, and prints lines.
local function nvim(text, code, env)
  local file, script = command.write(text, ".txt"), command.write(([[
local M = require "lunagrad_nvim"
local function wait() vim.wait(30000, function() return not M.busy() end, 1) end
local function lines() return vim.api.nvim_buf_get_lines(0, 0, -1, false) end
local function out(...) io.stdout:write((table.concat(vim.tbl_map(tostring, { ... }), " ")), "\n") end
vim.notify = function(words, level) out(level, words) end
%s]]):format(code), ".lua")
  local got = shell((env or "") .. FFI .. "timeout 60 " .. NVIM .. ("-c 'luafile %s' -c 'qa!' %s")
    :format(script, file))
  lu.assertEquals(got.code, 0, got.err)
  return got
end

-- ---- the same bytes ------------------------------------------------------------------

TestSame = {}

-- host → shell line with arguments like a=b, each quoted
local HOSTS = {
  { "the command", function(words)
    return "timeout 60 " .. command.line("run", "--no-store", "--display", "none",
      "scripts/hosts/plain.lua", "--") .. " " .. words
  end },
  { "a stock Lua", function(words) return STOCK .. "scripts/hosts/plain.lua " .. words end },
  { "a stock Lua with luv", function(words) return STOCK .. "scripts/hosts/uv.lua " .. words end,
    function() return pcall(require, "luv") end },
  { "LuaJIT", function(words) return FFI .. "luajit scripts/hosts/luajit.lua " .. words end,
    function() return hosts "luajit" end },
}

-- A host in C that is C++ as well: runs a script with arguments as JSON, prints what it returns.
local C_HOST = [[
#include <stdio.h>
#include <stdlib.h>
#include "lunagrad.h"

int main(int argc, char **argv)
{
    static char source[65536];
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    size_t len = file ? fread(source, 1, sizeof source, file) : 0;
    lg_engine *e = NULL;
    lg_script *s = NULL;
    lg_script_config c;
    lg_failure why;
    if (!len || lg_engine_new(NULL, &e))
        return 2;
    lg_script_config_init(&c);
    c.allow = LG_ALLOW_MODELS;
    if (lg_script_new(e, source, len, "improve.lua", &c, &s) || lg_script_start(s, argv[2]))
        return 2;
    while (lg_script_state(s) == LG_PENDING) {
        lg_engine_wait(e, 100);
        while (lg_engine_next(e))
            ;
    }
    if (lg_script_error(s, &why))
        fprintf(stderr, "%s\n", why.message);
    else
        printf("%s\n", lg_script_result(s, NULL));
    bool fine = lg_script_state(s) == LG_READY;
    lg_script_free(s);
    lg_engine_free(e);
    return fine ? 0 : 1;
}
]]

-- Compiled once for each compiler; nil where there is none.
local compiled = {}
local function c_host(compiler)
  if compiled[compiler] == nil then
    local suffix = compiler == "c++" and ".cpp" or ".c"
    local program = command.temp()
    local got = command.shell(("%s -I engine -o %s %s -L %s -llunagrad -Wl,-rpath,%s"):format(
      compiler, program, command.write(C_HOST, suffix), BUILD, BUILD))
    lu.assertTrue(got.code == 0 or not has(compiler), got.err)
    compiled[compiler] = got.code == 0 and program
  end
  return compiled[compiler]
end

local function json_of(words)
  local args = {}
  for word in words:gmatch "%b''" do
    local name, value = word:match "^'([%w_]+)=(.*)'$"
    args[name] = value
  end
  return command.quote(json.encode(args))
end

for _, compiler in ipairs { "cc", "c++" } do
  HOSTS[#HOSTS + 1] = { compiler == "cc" and "C" or "C++", function(words)
    return ("timeout 60 %s scripts/hosts/improve.lua %s"):format(c_host(compiler), json_of(words))
  end, function() return has_library and not preload and c_host(compiler) end }
end

local function in_nvim(args)
  local got = nvim(args.text .. "\n", ([[
vim.g.lunagrad_model, vim.g.lunagrad_steps = %s, %d
M.improve { wish = %s, seed = %d }
wait()
out(M.last.result_json or tostring(M.last.error))]]):format(
    args.model and ("%q"):format(args.model) or "nil", args.steps,
    args.wish and ("%q"):format(args.wish) or "nil", args.seed))
  return got.out:match "\n([^\n]*)\n$"
end

local function words_of(args)
  local words = {}
  for name, value in pairs(args) do
    words[#words + 1] = command.quote(("%s=%s"):format(name, value))
  end
  table.sort(words)
  return table.concat(words, " ")
end

-- The results of all hosts that are here, by their names; nvim: whether Neovim is one.
local function results(args)
  local found, first = {}, nil
  for _, host in ipairs(HOSTS) do
    if not host[3] or host[3]() then
      local line = one_line(shell(host[2](words_of(args))))
      found[host[1]], first = line, first or line
    end
  end
  if hosts "nvim" then found.Neovim = in_nvim(args) end
  return found, first
end

local function all_the_same(args)
  local found, first = results(args)
  for host, line in pairs(found) do lu.assertEquals(line, first, host) end
  lu.assertTrue(found["the command"] ~= nil and found["a stock Lua"] ~= nil)
  return json.decode(first)
end

function TestSame.test_on_a_world()
  for seed = 1, 2 do
    local result = all_the_same { seed = seed, steps = 3, text = "Answer the question." }
    lu.assertTrue(result.score_after > result.score_before)
    lu.assertEquals(result.steps, 3)
  end
end

-- … and with the replies of a server, asked over HTTP, where a critic has a wish.
function TestSame.test_with_a_servers_replies()
  local args = { seed = 1, steps = 2, text = "Count them.", model = "openai/gpt-4o-mini",
    wish = "A system prompt for counting questions that makes the answer end with the number." }
  local lines = {}
  for _, host in ipairs(HOSTS) do
    if not host[3] or host[3]() then
      lines[#lines + 1] = host[2](words_of(args)) .. " 2>/dev/null"
    end
  end
  local got = command.with_mock({}, table.concat(lines, "\n"))
  lu.assertEquals(got.code, 0, got.err)
  local first, n = got.out:match "^[^\n]*\n", 0
  for line in got.out:gmatch "[^\n]*\n" do
    n = n + 1
    lu.assertEquals(line, first)
  end
  lu.assertEquals(n, #lines)
  local result = json.decode(first)
  lu.assertNotEquals(result.after, result.before)
  lu.assertEquals(#got.journal % n, 0) -- as many calls by each
end

-- ---- each by itself --------------------------------------------------------------------

TestHosts = {}

function TestHosts.test_wrong_arguments_are_told()
  for _, host in ipairs(HOSTS) do
    if not host[3] or host[3]() then
      local got = shell(host[2] "'steps=many'")
      lu.assertEquals({ got.out, got.code ~= 0 }, { "", true }, host[1])
      lu.assertStrContains(got.err, "steps=many")
    end
  end
end

function TestHosts.test_a_loop_of_libuv_is_not_held_up()
  lu.skipIf(not pcall(require, "luv"), "luv is not installed (Debian: lua-luv)")
  local got = shell(STOCK .. "scripts/hosts/uv.lua steps=4")
  one_line(got)
  lu.assertTrue(tonumber(got.err:match "^(%d+) heartbeats") >= 5, got.err)
end

function TestHosts.test_love()
  lu.skipIf(not hosts "love", "LÖVE is not installed (Debian: love), or no library built")
  local got = shell(LOVE .. "seed=3")
  local _, result = one_line(got)
  lu.assertTrue(result.after > result.before)
  lu.assertStrContains(result.lines, "{key_place}")
  local frames, plays = got.err:match "(%d+) frames, (%d+) plays"
  lu.assertTrue(tonumber(frames) > 3, got.err)
  lu.assertEquals(tonumber(plays) >= result.evaluations, true)
  got = shell(LOVE .. "model=no/such")
  lu.assertEquals(got.code, 1)
  lu.assertStrContains(got.err, "no/such")
end

function TestHosts.test_love_is_as_reproducible()
  lu.skipIf(not hosts "love", "LÖVE is not installed (Debian: love), or no library built")
  local line = LOVE .. "seed=5"
  lu.assertEquals(one_line(shell(line)), one_line(shell(line)))
end

-- ---- nginx --------------------------------------------------------------------------------

local MODULES = (os.getenv "LG_NGINX_MODULES" or "/usr/lib/nginx/modules") .. "/%s_module.so"
local NGINX = [[
%s timeout 60 nginx -p "$PWD" -c %s & server=$!
get() {
    bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET %%s HTTP/1.0\r\n\r\n" "$1" >&3 &&
        cat <&3' %d "$1" 2>/dev/null | sed '1,/^.$/d'
}
for i in $(seq 100); do [ "$(get /hello)" = hello ] && break; sleep 0.1; done
get "/improve?steps=2&seed=1&text=Count." & one=$!
get /hello
wait $one
get "/improve?steps=many"
kill $server; wait $server]]

function TestHosts.test_nginx()
  local lua_module = MODULES:format "ngx_http_lua"
  lu.skipIf(not hosts "nginx" or command.read(lua_module) == "",
    "nginx with Lua is not installed (Debian: libnginx-mod-http-lua), or no library built")
  local port = 20000 + os.time() % 20000
  local conf = command.read "scripts/hosts/nginx/nginx.conf"
    :gsub("8090", tostring(port)):gsub("/tmp/lunagrad%-nginx", command.temp ".nginx")
  conf = ("load_module %s;\nload_module %s;\n%s")
    :format(MODULES:format "ndk_http", lua_module, conf)
  local got = shell(NGINX:format(FFI, command.write(conf, ".conf"), port))
  local hello, result, refused = got.out:match "^(%a+)\n([^\n]+)\n([^\n]+)\n$"
  lu.assertEquals(hello, "hello", got.err) -- while the other one is being made
  local plain = one_line(shell(STOCK .. "scripts/hosts/plain.lua steps=2 seed=1 text=Count."))
  lu.assertEquals(result, plain)
  lu.assertStrContains(json.decode(refused).error, "steps=many")
end

-- ---- Neovim -----------------------------------------------------------------------------

TestNvim = {}

local function skip_without_nvim()
  lu.skipIf(not hosts "nvim", "Neovim is not installed (Debian: neovim), or no library built")
end

function TestNvim.test_the_text_of_a_buffer()
  skip_without_nvim()
  local got = nvim("Answer the question.\n", [[
vim.cmd "Lunagrad"
out(tostring(M.busy()))
wait()
out(#lines()[1] > 20, vim.bo.modified)
vim.cmd "undo"
out(lines()[1], #lines())]])
  lu.assertStrMatches(got.out, "true\n2 lunagrad: right: 0%.%d%d before, [01]%.%d%d now\n"
    .. "true true\nAnswer the question%. 1\n")
end

-- Lines are found again that have moved meanwhile.
function TestNvim.test_some_lines_while_others_are_written()
  skip_without_nvim()
  local got = nvim("-- a file\nAnswer the question.\n-- its end\n", [[
vim.cmd "2Lunagrad"
vim.api.nvim_buf_set_lines(0, 0, 0, false, { "above", "and above" })
wait()
local all = lines()
out(#all, all[1], all[2], all[3], all[5])
out(all[4]:match "^Answer the question%. " ~= nil)]])
  lu.assertStrMatches(got.out, ".* now\n5 above and above %-%- a file %-%- its end\ntrue\n")
end

function TestNvim.test_it_can_be_stopped_and_begun_again()
  skip_without_nvim()
  local got = nvim("Answer the question.\n", [[
vim.cmd "Lunagrad"
vim.cmd "Lunagrad"
vim.cmd "LunagradStop"
wait()
out(lines()[1], M.last.state)
vim.cmd "LunagradStop"
vim.cmd "Lunagrad"
vim.cmd "bwipeout!"
wait()
out(M.last.state)]])
  lu.assertEquals(got.out, "3 lunagrad: a text is being improved already\n2 lunagrad: stopped\n"
    .. "Answer the question. cancelled\n3 lunagrad: the buffer is gone\nready\n")
end

function TestNvim.test_what_fails_is_told()
  skip_without_nvim()
  local got = nvim("Answer.\n", [[
vim.g.lunagrad_model = "openai/gpt-4o-mini"
vim.cmd "Lunagrad short"
wait()
out(lines()[1], M.last.error.kind)]], "env -u OPENAI_API_KEY ")
  lu.assertStrMatches(got.out, "4 lunagrad: [^\n]*\nAnswer%. auth\n")
  got = nvim("Answer.\n", [[
vim.g.lunagrad_library = "/nowhere/liblunagrad.so"
vim.cmd "Lunagrad"
out(tostring(M.busy()), lines()[1])]])
  lu.assertStrMatches(got.out, "4 lunagrad: [^\n]*LUNAGRAD_LIBRARY[^\n]*\nfalse Answer%.\n")
end

local failed = lu.LuaUnit.run()
command.remove_files()
os.exit(failed)
