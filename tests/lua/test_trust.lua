-- test_trust.lua - which files of settings count, where a key may go, and that what is kept is
-- the user's alone. Who hears a key is tests/engine/test_canary_places.c's.

local lu = require "luaunit"
local lg = require "lunagrad"
local command = require "command"
local file = require "lunagrad.file"
local providers = require "lunagrad.providers"
local trust = require "lunagrad.trust"
local world = require "world"

-- Without the library of a sanitizer, which would tell of what chmod and its kind leak.
local function sh(text, ...) assert(os.execute("unset LD_PRELOAD; " .. text:format(...))) end

local function is_root()
  local pipe = assert(io.popen "id -u")
  local id = pipe:read "l"
  pipe:close()
  return id == "0"
end

-- ---- which folders -------------------------------------------------------------------

TestFolders = {}

function TestFolders:tearDown() world.remove() end

local function value_in(root, folder, name)
  local result = command.shell(("cd %s/%s && env -u XDG_CONFIG_HOME HOME=%s/home %s -e "
    .. "'print(require [[lunagrad.config]].get [[%s]])'"):format(root, folder, root, world.program,
    name or "A_URL"))
  lu.assertEquals(result.code, 0, result.err)
  return result.out:match "^[^\n]*", result.err
end

function TestFolders:test_up_to_the_nearest_root_and_no_further()
  local root = world.make { [".env"] = "A_URL=outside\n", ["up/here/deep/er/x"] = "" }
  lu.assertEquals(value_in(root, "up/here/deep/er"), "nil")
  sh("echo A_URL=inside >%s/up/.env", root)
  lu.assertEquals(value_in(root, "up/here/deep/er"), "inside")
  sh("echo 'return {}' >%s/up/here/lunagrad.lua", root)
  lu.assertEquals(value_in(root, "up/here/deep/er"), "nil")
  lu.assertEquals(value_in(root, "up/here"), "nil")
  lu.assertEquals(value_in(root, "up"), "inside")
end

function TestFolders:test_every_kind_of_root()
  for _, mark in ipairs { ".git", ".hg", ".jj", ".svn", ".bzr" } do
    local root = world.make { [".env"] = "A_URL=outside\n", ["p/.env"] = "A_URL=inside\n" }
    sh("mkdir -p %s/p/x %s/p/%s", root, root, mark)
    lu.assertEquals(value_in(root, "p/x"), "inside")
  end
  local root = world.make { ["p/.git"] = "gitdir: elsewhere\n", ["p/.env"] = "A_URL=tree\n" }
  sh("mkdir %s/p/x", root)
  lu.assertEquals(value_in(root, "p/x"), "tree")
end

function TestFolders:test_a_relative_home_is_none()
  local root = world.make { ["p/.config/lunagrad/config.lua"] = "return { A_URL = 'x' }" }
  local ask = "'local v, _, place = require [[lunagrad.config]].lookup [[A_URL]] "
    .. "print(v, place and place.level)'"
  for _, home in ipairs { ".", "", "../p", root .. "/p" } do
    local result = command.shell(("cd %s/p && echo A_URL=y >.env && env -u XDG_CONFIG_HOME HOME=%s"
      .. " %s -e %s"):format(root, home, world.program, ask))
    lu.assertEquals(result.out, home:find "^/" and "y\tuser\n" or "y\tproject\n", home)
    result = command.shell(("cd %s/p && rm .env && env -u XDG_CONFIG_HOME HOME=%s %s -e %s")
      :format(root, home, world.program, ask))
    lu.assertEquals(result.out, home:find "^/" and "x\tuser\n" or "nil\tnil\n", home)
  end
end

function TestFolders:test_without_a_root_the_folder_itself()
  local root = world.make { ["a/.env"] = "A_URL=above\n", ["a/b/.env"] = "A_URL=here\n" }
  lu.assertEquals(value_in(root, "a/b"), "here")
  sh("rm %s/a/b/.env", root)
  lu.assertEquals(value_in(root, "a/b"), "nil")
end

function TestFolders:test_up_to_the_home_folder()
  local root = world.make { [".env"] = "A_URL=outside\n", ["home/a/b/x"] = "" }
  lu.assertEquals(value_in(root, "home/a/b"), "nil")
  sh("echo A_URL=home >%s/home/.env", root)
  lu.assertEquals(value_in(root, "home/a/b"), "home")
end

-- ---- which files ---------------------------------------------------------------------

TestFiles = {}

function TestFiles:tearDown() world.remove() end

local function passed_over(root, words, mend)
  local value, err = value_in(root, "up/here")
  lu.assertEquals(value, "nil")
  lu.assertStrContains(err, words)
  local report = lg.json.decode(world.run_in(root, "", "doctor", "--offline", "--json").out)
  for _, one in ipairs(report.findings) do
    if one.text:find(words, 1, true) then
      lu.assertEquals({ one.check, one.state }, { "settings", "wrong" })
      lu.assertStrContains(one.mend, mend or "--env-file")
      return
    end
  end
  lu.fail("doctor does not say: " .. words)
end

function TestFiles:test_write_rights_of_others()
  local root = world.make { ["up/.env"] = "A_URL=1\n" }
  for _, mode in ipairs { "600", "644", "400", "755" } do
    sh("chmod %s %s/up/.env", mode, root)
    lu.assertEquals({ value_in(root, "up/here") }, { "1", "" })
  end
  for _, mode in ipairs { "666", "602", "777" } do
    sh("chmod %s %s/up/.env", mode, root)
    passed_over(root, "../.env is passed over: others may write it (mode 0" .. mode .. ")",
      "chmod go-w ../.env")
  end
end

function TestFiles:test_it_is_the_folder_that_the_mend_closes()
  local root = world.make { ["up/.env"] = "A_URL=1\n" }
  sh("chmod 777 %s/up", root)
  passed_over(root, "others may write its folder (mode 0777)", "chmod go-w ../,")
  sh("chmod 755 %s/up; mv %s/up/.env %s/up/here; chmod 777 %s/up/here", root, root, root, root)
  passed_over(root, "others may write its folder (mode 0777)", "chmod go-w .,")
end

function TestFiles:test_write_rights_of_a_group()
  if not is_root() then lu.skip "only root can choose a group" end
  local root = world.make { ["up/.env"] = "A_URL=1\n" }
  sh("chmod 664 %s/up/.env; chgrp 0 %s/up/.env", root, root) -- root's own
  lu.assertEquals(value_in(root, "up/here"), "1")
  sh("chgrp 1 %s/up/.env", root)
  passed_over(root, "others may write it (mode 0664)")
  sh("chmod 644 %s/up/.env; chgrp 1 %s/up; chmod 775 %s/up", root, root, root)
  passed_over(root, "others may write its folder (mode 0775)")
end

function TestFiles:test_the_owner()
  if not is_root() then lu.skip "only root can give a file away" end
  local root = world.make { ["up/.env"] = "A_URL=1\n", ["up/here/lunagrad.lua"] = "return {}" }
  sh("rm %s/up/here/lunagrad.lua; chown 4711 %s/up/.env", root, root)
  passed_over(root, "../.env is passed over: it is another user's (uid 4711)")
  sh("chown 0 %s/up/.env; chown 4711 %s/up", root, root)
  passed_over(root, "its folder is another user's (uid 4711)")
end

function TestFiles:test_a_link_is_judged_by_both_ends()
  local root = world.make { ["else/e.env"] = "A_URL=1\n" }
  sh("ln -s ../else/e.env %s/up/.env", root)
  lu.assertEquals({ value_in(root, "up/here") }, { "1", "" })
  sh("chmod 666 %s/else/e.env", root)
  passed_over(root, "others may write it (mode 0666)")
  sh("chmod 644 %s/else/e.env; chmod 777 %s/else", root, root)
  passed_over(root, "others may write its folder (mode 0777)")
  sh("chmod 1777 %s/else", root) -- there only its owner can replace it
  lu.assertEquals(value_in(root, "up/here"), "1")
  sh("chmod 755 %s/else; chmod 777 %s/up", root, root)
  passed_over(root, "others may write its folder (mode 0777)")
end

function TestFiles:test_what_is_no_file()
  local root = world.make {}
  sh("mkfifo %s/up/.env", root)
  passed_over(root, "it is a pipe, not a file")
  sh("rm %s/up/.env; ln -s /dev/zero %s/up/.env", root, root)
  passed_over(root, "it is a device or a socket, not a file")
  sh("rm %s/up/.env; ln -s .env %s/up/.env", root, root)
  passed_over(root, "../.env is passed over")
  sh("rm %s/up/.env; head -c 1100000 /dev/zero >%s/up/.env", root, root)
  passed_over(root, "larger than 1 MB")
  sh("rm %s/up/.env; mkdir %s/up/.env", root, root) -- what some call a folder of Python
  lu.assertEquals({ value_in(root, "up/here") }, { "nil", "" })
  sh("mkfifo %s/up/lunagrad.lua", root)
  passed_over(root, "lunagrad.lua is passed over: it is a pipe", "--config")
end

function TestFiles:test_a_key_store_that_is_no_file_ends_with_a_line()
  local root = world.make { ["home/.local/share/lunagrad/x"] = "" }
  sh("mkfifo -m 600 %s/home/.local/share/lunagrad/keys.json", root)
  for _, words in ipairs { { "keys", "list" }, { "keys", "remove", "openai" } } do
    local result = world.run_in(root, "", table.unpack(words))
    lu.assertEquals({ result.code ~= 0, result.code ~= 124 }, { true, true })
    lu.assertStrContains(result.err, "keys.json is not used: it is a pipe, not a file")
  end
  local result = world.run_in(root, "", "-e", 'lg.model "openai/x"')
  lu.assertEquals(result.code, 3)
  lu.assertStrContains(result.err, "is not used: it is a pipe")
end

-- ---- files that the user names ---------------------------------------------------------

TestNamed = {}

function TestNamed:tearDown() world.remove() end

function TestNamed:test_it_counts_before_the_environment_and_instead_of_found_ones()
  local root = world.make { ["up/.env"] = "A_URL=found\nB_URL=found\n",
    ["my.env"] = "A_URL=named\n",
    ["up/lunagrad.lua"] = "return { C_URL = 'found' }", ["my.lua"] = "return { D_URL = 'named' }" }
  local code = 'local get = require "lunagrad.config".get '
    .. 'print(get "A_URL", get "B_URL", get "C_URL", get "D_URL")'
  local function shown(env, ...)
    local result = world.run_in(root, env, "-e", code, ...)
    return result.out, result.err
  end
  local out, err = shown("A_URL=environment", "--env-file", root .. "/my.env")
  lu.assertEquals(out, "named\tnil\tfound\tnil\n")
  lu.assertEquals(err, ("lunagrad: %s/my.env is read: 1 setting\n"):format(root))
  lu.assertEquals(shown("", "--config", root .. "/my.lua"), "found\tfound\tnil\tnamed\n")
  lu.assertEquals(shown("", "--config=/dev/null", "--env-file=/dev/null"), "nil\tnil\tnil\tnil\n")
  local env = ("LUNAGRAD_ENV_FILE=%s/my.env LUNAGRAD_CONFIG=%s/my.lua"):format(root, root)
  lu.assertEquals(shown(env), "named\tnil\tnil\tnamed\n")
  lu.assertEquals(shown("LUNAGRAD_ENV_FILE=../.env", "--env-file", root .. "/my.env"),
    "named\tnil\tfound\tnil\n")
end

function TestNamed:test_others_may_write_it_and_it_may_be_a_pipe()
  local root = world.make { ["my.env"] = "A_URL=named\n" }
  sh("chmod 666 %s/my.env; mkfifo %s/pipe", root, root)
  lu.assertEquals(world.run_in(root, "", "--env-file", root .. "/my.env", "-e",
    'print(require "lunagrad.config".get "A_URL")').out, "named\n")
  local result = command.shell(("(echo A_URL=piped >%s/pipe &) ; %s"):format(root, world.line(root,
    "", "--env-file", root .. "/pipe", "-e", 'print(require "lunagrad.config".get "A_URL")')))
  lu.assertEquals(result.out, "piped\n")
end

function TestNamed:test_one_that_cannot_be_read_ends_the_command()
  local root = world.make { ["bad.lua"] = "return {" }
  for _, words in ipairs { { "-e", "print 1" }, { "models", "--offline" }, { "keys", "list" },
    { "repl" } } do
    words[#words + 1] = "--env-file"
    lu.assertEquals(world.run_in(root, "", table.unpack(words)).code, 2) -- no file is named
    words[#words] = "--env-file=/nowhere/x"
    local result = world.run_in(root, "", table.unpack(words))
    lu.assertNotEquals(result.code, 0)
    lu.assertStrContains(result.err, "/nowhere/x: it cannot be read: No such file")
    words[#words] = "--config=" .. root .. "/bad.lua"
    lu.assertStrContains(world.run_in(root, "", table.unpack(words)).err, "bad.lua: line 1")
  end
  local result = world.run_in(root, "", "doctor", "--offline", "--env-file", "/nowhere/x")
  lu.assertStrContains(result.out, "WRONG settings     /nowhere/x: it cannot be read")
end

function TestNamed:test_one_that_cannot_be_read_is_a_wrong_command_line()
  local root = world.make { ["up/here/bad.lua"] = "return {", ["up/here/p.json"] = "{}" }
  for _, words in ipairs { { "--env-file", "no" }, { "--config", "bad.lua" },
    { "--prices", "no" }, { "--prices", "p.json" }, { "--prices", "bad.lua" } } do
    local result = world.run_in(root, "", "-e", "lg.model()", table.unpack(words))
    lu.assertEquals(result.code, 2)
    lu.assertStrContains(result.err, words[2] == "no" and "no: " or words[2])
    lu.assertNotStrContains(result.err, "command line") -- no place in the script
  end
  lu.assertEquals(world.run_in(root, "LUNAGRAD_ENV_FILE=no", "-e", "print(1)").code, 2)
end

-- ---- where a key may go ----------------------------------------------------------------

TestKeys = {}

local USER, PROJECT = trust.ENVIRONMENT, { name = ".env", level = "project", line = 3 }

-- variables = { NAME = { value, place } }
local function resolve(name, variables, opts)
  return providers.resolve(name, opts or {}, function(variable)
    local one = variables[variable]
    if one then return one[1], one[2].name, one[2] end
  end)
end

-- Nothing of the spec goes anywhere.
local function is_refused(spec, ...)
  lu.assertNotNil(spec.problem)
  lu.assertNil(spec.api_key)
  lu.assertEquals(spec.headers, {})
  for _, words in ipairs { ... } do lu.assertStrContains(spec.problem.message, words) end
  lu.assertStrContains(spec.problem.hint, "--env-file .env")
end

function TestKeys:test_every_provider_and_every_variable_of_an_address()
  for name, row in pairs(providers.rows) do
    local prefix = providers.env_name(name)
    local bases = { table.unpack(row.bases or { prefix .. "_BASE_URL" }) }
    bases[#bases + 1] = row.host
    local keys = { table.unpack(row.keys or { prefix .. "_API_KEY" }) }
    keys[#keys + 1] = row.token
    for _, base in ipairs(bases) do
      for _, key in ipairs(keys) do
        local function spec_of(key_place, base_place)
          return resolve(name, { [base] = { "http://evil:1", base_place },
            [key] = { "k", key_place } })
        end
        local spec = spec_of(USER, PROJECT)
        lu.assertNil(spec.api_key, name)
        lu.assertNil(spec.headers.Authorization, name)
        if row.key ~= false then
          is_refused(spec, key, "evil:1", base, ".env, line 3", "the environment")
        else
          lu.assertStrContains(spec.warning, key)
        end
        for _, places in ipairs { { USER, USER }, { PROJECT, PROJECT }, { PROJECT, USER } } do
          spec = spec_of(places[1], places[2])
          lu.assertNil(spec.problem, name)
          lu.assertNotNil(spec.api_key or spec.headers.Authorization, name)
        end
      end
    end
  end
end

function TestKeys:test_what_a_script_says_is_the_users()
  local base = { FOO_BASE_URL = { "http://evil:1", PROJECT } }
  is_refused(resolve("foo", base, { api_key = "k" }), "the script's api_key")
  is_refused(resolve("foo", base, { headers = { Cookie = "k" } }), "the header Cookie")
  lu.assertEquals(resolve("foo", base, { api_key = "k", base_url = "http://mine" }).api_key, "k")
  base.FOO_API_KEY = { "k", USER }
  lu.assertEquals(resolve("foo", base, { base_url = "http://mine" }).api_key, "k")
  is_refused(resolve("foo-embed", base), "FOO_API_KEY")
end

function TestKeys:test_headers_of_variables_stay_with_their_provider()
  local spec = resolve("openai", { OPENAI_BASE_URL = { "http://evil:1", PROJECT },
    OPENAI_API_KEY = { "k", PROJECT }, OPENAI_ORG_ID = { "org-1", USER } })
  lu.assertEquals({ spec.api_key, spec.headers }, { "k", {} })
  spec = resolve("openai", { OPENAI_ORG_ID = { "a\r\nX: y", PROJECT } })
  lu.assertEquals(spec.headers, {}) -- what goes over lines is no header
end

function TestKeys:test_blanks_that_nobody_sees_are_left_out()
  for _, key in ipairs { " k ", "k\n", "k\r\n", "\u{200B}k", "k\u{A0}", "\u{FEFF}k" } do
    local spec = resolve("groq", { GROQ_API_KEY = { key, USER } })
    lu.assertEquals({ spec.api_key, spec.key_blanks }, { "k", true })
  end
  lu.assertTrue(resolve("groq", { GROQ_API_KEY = { " \u{200B}", USER } }).needs_key)
  local spec = resolve("openai", { OPENAI_BASE_URL = { "\u{A0}http://x\u{200B}", USER } })
  lu.assertEquals(spec.base_url, "http://x")
end

function TestKeys:test_what_cannot_be_a_key_is_not_sent()
  for key, why in pairs { ["“sk-1”"] = "curly quotes", ["‘sk-1’"] = "curly quotes",
    ['"sk-1"'] = "quotes", ["'sk-1'"] = "quotes", ["sk-1 2"] = "blanks in it",
    ["sk\u{200B}1"] = "no key has", ["clé"] = "no key has", ["sk\0001"] = "control",
    ["${OPENAI_API_KEY}"] = "nothing is put in" } do
    local spec = resolve("openai", { OPENAI_API_KEY = { key, PROJECT } })
    lu.assertNil(spec.api_key)
    for _, words in ipairs { "OPENAI_API_KEY", ".env, line 3", why } do
      lu.assertStrContains(spec.problem.message, words)
    end
    lu.assertNotStrContains(spec.problem.message, key)
    lu.assertNotNil(resolve("openai", {}, { api_key = key }).problem)
  end
end

function TestKeys:test_a_refused_key_is_told_with_variable_file_and_line()
  local root = world.make { ["up/.env"] = "\n# mine\nFOO_API_KEY=wrong\n" }
  local result = command.with_mock({ "--key", "right" }, "FOO_BASE_URL=$url; export FOO_BASE_URL; "
    .. "sed -i \"s,^# mine,FOO_BASE_URL=$url,\" " .. root .. "/up/.env; unset FOO_BASE_URL; "
    .. world.line(root, "", "-e", 'print(lg.model "foo/x" "hi")'))
  world.remove()
  lu.assertEquals(result.code, 3)
  lu.assertStrContains(result.err, "check FOO_API_KEY (from ../.env, line 3)")
end

-- ---- what is kept ----------------------------------------------------------------------

TestPrivate = {}

function TestPrivate:tearDown() world.remove() end

local SCRIPT = 'print(lg.model "sim/default" "hi")'

function TestPrivate:test_whatever_the_umask_is()
  local root = world.make { ["up/here/t.lua"] = [[
local lg = require "lunagrad"
local p = lg.param("be brief", "prompt")
local set = lg.data.list { { question = "2+2", answer = "4" }, { question = "3+1", answer = "4" } }
lg.train { params = { p }, train = set, val = set, steps = 1,
  run = function(row) return lg.model "sim/default" { row.question, system = p } end,
  metric = lg.metric.exact }
]] }
  local env = ("LUNAGRAD_HOME=%s/kept/store"):format(root)
  local run = world.line(root, env, "run", "t.lua", "--run", "r")
  local result = command.shell("umask 000; " .. run .. " >/dev/null; " .. world.program
    .. " export r --store " .. root .. "/kept/store -o " .. root .. "/e.jsonl; find " .. root
    .. "/kept " .. root .. "/e.jsonl -printf '%y %m %P\\n'")
  local n = 0
  for kind, mode, name in result.out:gmatch "(%a) (%d+) ([^\n]*)\n" do
    n = n + 1
    if name ~= "" or kind == "f" then -- kept itself is only on the way
      lu.assertEquals(mode, kind == "d" and "700" or "600", name)
    end
  end
  lu.assertTrue(n >= 6, result.out .. result.err)
end

function TestPrivate:test_a_store_of_before_is_closed_to_others()
  local root = world.make {}
  local env = "LUNAGRAD_HOME=" .. root .. "/store"
  world.run_in(root, env, "-e", SCRIPT, "--run", "r")
  sh("chmod 666 %s/store/store.db", root)
  world.run_in(root, env, "-e", SCRIPT, "--run", "r")
  lu.assertEquals(file.stat(root .. "/store/store.db").mode, 384) -- 0600
end

function TestPrivate:test_what_is_no_store_keeps_its_mode()
  local root = world.make { ["plain"] = "keep me\n" }
  sh("mkdir %s/store; chmod 644 %s/plain", root, root)
  for _, form in ipairs { "ln -s", "cp -p" } do
    sh("rm -f %s/store/store.db; %s %s/plain %s/store/store.db", root, form, root, root)
    local result = world.run_in(root, "LUNAGRAD_HOME=" .. root .. "/store", "-e", SCRIPT, "--run",
      "r")
    lu.assertEquals(result.code, 1, result.err)
    lu.assertEquals(file.stat(root .. "/plain").mode, 420) -- 0644
    lu.assertEquals(file.stat(root .. "/store/store.db").mode, 420)
  end
end

function TestPrivate:test_nothing_is_written_into_a_store_of_another()
  if not is_root() or not os.execute "command -v setpriv >/dev/null" then
    lu.skip "only root can be several users"
  end
  local root = world.make {}
  sh("mkdir %s/store; touch %s/store/store.db; chown 4711 %s/store/store.db", root, root, root)
  sh("chmod 777 %s/store %s/up/here; chmod 666 %s/store/store.db", root, root, root)
  local result = command.shell(("cd %s/up/here; LUNAGRAD_HOME=%s/store setpriv --reuid=4712 "
    .. "--regid=4712 --clear-groups %s --run r -e %s"):format(root, root, world.program,
    command.quote(SCRIPT)))
  lu.assertStrContains(result.err, "store.db: it is another user's (uid 4711)")
  lu.assertEquals(file.stat(root .. "/store/store.db").size, 0)
end

function TestPrivate:test_pipes_in_place_of_the_store_end_with_a_line()
  for _, name in ipairs { "store.db", "store.lock", "store.db-wal", "store.db-shm" } do
    local root = world.make {}
    sh("mkdir %s/store; mkfifo %s/store/%s", root, root, name)
    local env = "LUNAGRAD_HOME=" .. root .. "/store"
    local result = world.run_in(root, env, "-e", SCRIPT, "--run", "r")
    lu.assertEquals(result.code, 1)
    lu.assertStrContains(result.err, name .. ": it is a pipe, not a file")
    for _, word in ipairs { "runs", "doctor" } do
      result = world.run_in(root, env, word, word == "doctor" and "--offline" or nil)
      lu.assertNotEquals(result.code, 124)
    end
  end
end

function TestPrivate:test_pipes_and_devices_in_place_of_data()
  local root = world.make {}
  local pipe = root .. "/pipe"
  sh("mkfifo %s", pipe)
  local got, problem = file.open(pipe)
  lu.assertNil(got)
  lu.assertStrContains(problem, "a pipe that nobody writes into")
  for _, path in ipairs { "/dev/zero", "/dev/tty", root } do
    lu.assertFalse(pcall(lg.data.csv, path))
    lu.assertFalse(pcall(lg.data.jsonl, path))
    lu.assertFalse(pcall(lg.image, path))
  end
  local csv = 'print(#lg.data.csv(arg[1]))'
  local rows = "(sleep 0.1; printf 'question,answer\\na,b\\n') "
  lu.assertEquals(command.shell(("%s >%s & %s"):format(rows, pipe, world.line(root, "", "-e", csv,
    pipe))).out, "1\n")
  lu.assertEquals(command.shell(("%s | (%s)"):format(rows, world.line(root, "", "-e", csv,
    "/dev/stdin"))).out, "1\n")
end

function TestPrivate:test_a_limit_on_the_size_of_files_is_told()
  local root = world.make { ["up/here/s.lua"] = [[
local lg = require "lunagrad"
for i = 1, 60 do print(#tostring(lg.model "sim/default" (("word "):rep(4000) .. i))) end]] }
  local env = ("LUNAGRAD_HOME=%s/s"):format(root)
  local result = command.shell("ulimit -f 300; " .. world.line(root, env, "run", "s.lua"))
  lu.assertEquals(result.code, 1)
  lu.assertStrContains(result.err, "ulimit -f")
end

TestOutput = {}

function TestOutput:tearDown() world.remove() end

function TestOutput:test_output_that_is_lost_is_a_failure()
  for _, to in ipairs { ">&-", ">/dev/full" } do
    for _, words in ipairs { "-e 'print(1)'", "-e 'print(1) os.exit(0)'", "doctor --offline",
      "-e 'io.stdout:setvbuf [[no]] print(1)'", "--version", "help run", "-e '' --json" } do
      local result = command.shell(("%s %s %s"):format(world.program, words, to))
      lu.assertEquals(result.code, 1, words .. to)
      lu.assertStrContains(result.err, "lunagrad: cannot write the output: ")
    end
    lu.assertEquals(command.shell(world.program .. " -e '' " .. to).code, 0) -- nothing was lost
  end
end

function TestOutput:test_a_reader_that_left_is_none()
  local result = command.shell(world.program .. " -e 'for i = 1, 1e5 do print(i) end' | head -1")
  lu.assertEquals({ result.out, result.err }, { "1\n", "" })
end

os.exit(lu.LuaUnit.run())
