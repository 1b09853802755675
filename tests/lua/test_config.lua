-- test_config.lua - where settings are from: the order, files read as data, the key store;
-- variables that stand for options of `lunagrad run`

local lu = require "luaunit"
require "lunagrad.core"
local config = require "lunagrad.config"

local world = require "world"
local run_in, look = world.run_in, world.look

local function remove_all() world.remove() end

TestOrder = {}

function TestOrder:tearDown() remove_all() end

function TestOrder:test_each_place_comes_before_the_next()
  local files = {
    ["home/.config/lunagrad/config.lua"] = 'return { A_URL = "user" }',
    ["up/lunagrad.lua"] = 'return { A_URL = "project" }',
    ["up/.env"] = "A_URL=above\n",
    ["up/here/.env"] = "export A_URL='near' # comment\n",
  }
  lu.assertEquals(look(world.make(files), "A_URL=environment", "A_URL"),
    "environment\tenvironment\n")
  lu.assertEquals(look(world.make(files), "", "A_URL"), "near\t.env\n")
  files["up/here/.env"] = "A_URL=\n"
  lu.assertEquals(look(world.make(files), "A_URL=", "A_URL"), "above\t../.env\n")
  files["up/.env"] = nil
  lu.assertEquals(look(world.make(files), "", "A_URL"), "project\t../lunagrad.lua\n")
  files["up/here/.lunagrad/config.lua"] = 'return { A_URL = "nearer" }'
  lu.assertEquals(look(world.make(files), "", "A_URL"), "nearer\t.lunagrad/config.lua\n")
  files["up/here/.lunagrad/config.lua"], files["up/lunagrad.lua"] = nil, nil
  local root = world.make(files)
  lu.assertEquals(look(root, "", "A_URL"), "user\t" .. root
    .. "/home/.config/lunagrad/config.lua\n")
  lu.assertEquals(look(root, "XDG_CONFIG_HOME=" .. root .. "/no", "A_URL"), "nil\tnil\n")
end

local PRICES = '{"m": {"input_cost_per_token": 0, "output_cost_per_token": 0}}'

function TestOrder:test_paths_are_relative_to_the_file()
  local root = world.make { ["up/.env"] = "LUNAGRAD_HOME=store\n",
    ["up/lunagrad.lua"] = 'return { LUNAGRAD_HOME = "/abs", run = { prices = "p.json" } }',
    ["up/p.json"] = PRICES,
    ["home/.config/lunagrad/config.lua"] = 'return { SSL_CERT_DIR = "certs" }' }
  lu.assertEquals(look(root, "LUNAGRAD_HOME=", "LUNAGRAD_HOME", "LUNAGRAD_RUN_PRICES",
    "SSL_CERT_DIR"), "../store\t../.env\n../p.json\t../lunagrad.lua\n"
    .. root .. "/home/.config/lunagrad/certs\t" .. root .. "/home/.config/lunagrad/config.lua\n")
end

function TestOrder:test_the_key_store_is_last_and_only_for_keys()
  local root = world.make { ["home/.local/share/lunagrad/keys.json"] =
    '{"FOO_API_KEY": "stored", "FOO_BASE_URL": "http://stored"}' }
  local path = root .. "/home/.local/share/lunagrad/keys.json"
  assert(os.execute("chmod 600 " .. path))
  lu.assertEquals(look(root, "", "FOO_API_KEY", "FOO_BASE_URL"),
    "stored\t" .. path .. "\nnil\tnil\n")
  lu.assertEquals(look(root, "FOO_API_KEY=e", "FOO_API_KEY"), "e\tenvironment\n")
end

function TestOrder:test_a_store_that_others_read_is_refused_until_mended()
  local root = world.make { ["home/.local/share/lunagrad/keys.json"] =
    '{"FOO_API_KEY": "stored-secret"}' }
  local path = root .. "/home/.local/share/lunagrad/keys.json"
  assert(os.execute("chmod 640 " .. path))
  local result = run_in(root, "FOO_BASE_URL=http://127.0.0.1:9", "-e", 'print(lg.model "foo/x")')
  lu.assertEquals(result.code, 3)
  lu.assertStrContains(result.err, "mode 0640")
  lu.assertStrContains(result.err, "chmod 600 " .. path)
  lu.assertNotStrContains(result.err, "stored-secret")
  lu.assertEquals(run_in(root, "FOO_API_KEY=e FOO_BASE_URL=http://127.0.0.1:9", "-e",
    'print(lg.model "foo/x")').code, 0)
end

function TestOrder:test_a_bad_address_is_told_with_its_variable()
  local root = world.make { ["up/.env"] = "FOO_BASE_URL=foo.example/v1\n" }
  local result = run_in(root, "", "-e", 'print(lg.model "foo/x")')
  lu.assertStrContains(result.err, "FOO_BASE_URL: base_url must look like https://host/path")
  result = run_in(root, "", "-e", 'print(lg.model{ "foo/x", base_url = "x" })')
  lu.assertStrContains(result.err, "base_url must look like")
end

-- ---- files of settings are data ------------------------------------------------------

TestFiles = {}

function TestFiles:tearDown() remove_all() end

local function refused(text, wanted)
  local root = world.make { ["up/here/lunagrad.lua"] = text }
  local result = run_in(root, "", "-e", 'print(require "lunagrad.config".get "A_URL")')
  lu.assertStrContains(result.err, wanted)
  lu.assertStrContains(result.err, "lunagrad.lua: ")
  lu.assertEquals(result.code, 2)
end

function TestFiles:test_nothing_is_there_to_be_called()
  refused("return { A = os.time() }", "global 'os'")
  refused("print 'x' return {}", "global 'print'")
  refused("return { A = ('x'):rep(1e9) }", "attempt to index a string")
  refused("return { A = getmetatable('') }", "global 'getmetatable'")
end

function TestFiles:test_it_ends_and_stays_small()
  refused("while true do end", "runs too long")
  refused("local s = 'x' while true do s = s .. s end", "too much memory")
  refused("local function f() return f() end return f()", "runs too long")
  refused("local t = {} for i = 1, 1e9 do t[i] = {} end", "for a list of settings")
end

function TestFiles:test_what_is_no_list_of_settings()
  refused("return 'x'", "must return a table")
  refused("x =", "line 1")
  refused("\27Lua", "binary")
end

function TestFiles:test_commands_end_with_the_reason()
  local root = world.make { ["up/lunagrad.lua"] = "return {" }
  for _, words in ipairs { { "models" }, { "models", "openai" }, { "keys", "list" } } do
    local result = run_in(root, "", table.unpack(words))
    lu.assertEquals({ result.out, result.code }, { "", 1 })
    lu.assertStrContains(result.err, "../lunagrad.lua: line 1")
  end
end

function TestFiles:test_lines_that_are_not_understood()
  local root = world.make { ["up/here/.env"] =
    "# c\n\nA_URL=1\nMY KEY\nexport B_URL=2\n=x\nA_URL=3\n" }
  lu.assertEquals(look(root, "", "A_URL", "B_URL"), "3\t.env\n2\t.env\n") -- of two, the last
  local result = run_in(root, "", "doctor", "--offline")
  lu.assertStrContains(result.out, "WRONG settings     .env: not understood: line 4, line 6;")
end

function TestFiles:test_texts_keep_their_methods_afterwards()
  local root = world.make { ["up/here/lunagrad.lua"] = "return nil .. 1" }
  local result = run_in(root, "", "-e",
    'pcall(require "lunagrad.config".get, "A_URL") print(("x"):rep(3))')
  lu.assertEquals(result.out, "")
  lu.assertStrContains(result.err, "lunagrad.lua")
  lu.assertEquals(("x"):rep(2), "xx")
end

function TestFiles:test_strange_tables_are_read_as_they_are()
  local root = world.make { ["up/here/lunagrad.lua"] =
    'return { A_URL = 5, B_URL = true, [1] = 2, D_URL = {}, run = { max_cost = 2.5 } }' }
  lu.assertEquals(look(root, "", "A_URL", "B_URL", "LUNAGRAD_RUN_MAX_COST"),
    "5\tlunagrad.lua\n1\tlunagrad.lua\n2.5\tlunagrad.lua\n")
end

-- ---- variables of options ------------------------------------------------------------

TestTwins = {}

function TestTwins:tearDown() remove_all() end

local SHOW = 'local s = require "lunagrad.loop".setting '
  .. 'print(s "concurrency", s "seed", lg.model().name, lg.args.seed, s "max_micros")'

function TestTwins:test_command_line_script_variable_file()
  local root = world.make { ["up/lunagrad.lua"] =
    'return { run = { concurrency = 3, seed = 9, model = "sim/file" } }' }
  local function shown(env, code, ...)
    local result = run_in(root, env, "-e", code .. SHOW, ...)
    lu.assertEquals(result.err, "")
    return result.out
  end
  lu.assertEquals(shown("", ""), "3\t9\tsim/file\t9\tnil\n")
  lu.assertEquals(shown("LUNAGRAD_RUN_CONCURRENCY=4 LUNAGRAD_RUN_MODEL='sim/env; judge=sim/j'", ""),
    "4\t9\tsim/env\t9\tnil\n")
  lu.assertEquals(shown("LUNAGRAD_RUN_CONCURRENCY=4",
    "lg.configure{ concurrency = 5 } lg.default{ model = 'sim/script' } "),
    "5\t9\tsim/script\t9\tnil\n")
  lu.assertEquals(shown("LUNAGRAD_RUN_CONCURRENCY=4",
    "lg.configure{ concurrency = 5 } lg.default{ model = 'sim/script' } ", "--concurrency", "6",
    "-m", "sim/flag"), "6\t9\tsim/flag\t9\tnil\n")
end

function TestTwins:test_limits_only_become_lower()
  local root = world.make { ["up/.env"] = "LUNAGRAD_RUN_MAX_COST=2\n" }
  local result = run_in(root, "", "-e", "lg.configure{ max_cost = 5 } " .. SHOW)
  lu.assertStrContains(result.out, "2000000")
end

function TestTwins:test_flags_and_wrong_values()
  local root = world.make {}
  lu.assertStrContains(run_in(root, "LUNAGRAD_RUN_JSON=1", "-e", "").out, '"event":"launch"')
  lu.assertEquals(run_in(root, "LUNAGRAD_RUN_JSON=0", "-e", "").out, "")
  local result = run_in(root, "LUNAGRAD_RUN_MAX_CALLS=many", "-e", "", "--json")
  lu.assertEquals(result.code, 2)
  lu.assertStrContains(result.err, "LUNAGRAD_RUN_MAX_CALLS needs a whole number")
  lu.assertStrContains(result.out, '"event":"launch"')
  lu.assertStrContains(result.out, '"exit_code":2')
end

-- A cap that is misspelt would not hold.
function TestTwins:test_what_is_no_option()
  local function not_run(files, env, wanted, hint)
    local root = world.make(files)
    local result = run_in(root, env, "-e", "print 'ran'")
    lu.assertEquals({ result.out, result.code }, { "", 2 })
    lu.assertStrContains(result.err, wanted)
    lu.assertStrContains(result.err, hint)
    result = run_in(root, env, "doctor", "--offline")
    lu.assertStrContains(result.out, "WRONG settings     " .. wanted)
  end
  not_run({ ["up/lunagrad.lua"] = "return { run = { max_cots = 2 } }" }, "",
    "../lunagrad.lua: run has no option run.max_cots", "did you mean run.max_cost?")
  not_run({ ["up/lunagrad.lua"] = "return { run = { ['max-cost'] = 2 } }" }, "",
    "../lunagrad.lua: run has no option run.max-cost", "written as in max_cost")
  not_run({ ["up/lunagrad.lua"] = "return { max_cost = 2 }" }, "",
    "../lunagrad.lua: there is no setting max_cost", "stand in run = { max_cost = 2 }")
  not_run({ ["up/here/.env"] = "LUNAGRAD_RUN_MAX_COSTS=2\n" }, "",
    ".env: run has no option LUNAGRAD_RUN_MAX_COSTS", "did you mean LUNAGRAD_RUN_MAX_COST?")
  not_run({}, "LUNAGRAD_RUN_BUDGET=2", "environment: run has no option LUNAGRAD_RUN_BUDGET",
    "lunagrad help run")
end

function TestTwins:test_every_option_with_a_long_name_has_one()
  local args = require "lunagrad.cli.args"
  local asked = {}
  local spec = { name = "run", options = {
    { names = { "-m", "--model" }, key = "m", type = "word" },
    { names = { "-e" }, key = "e", type = "text" },
    { names = { "--help", "-h" }, key = "help", type = "flag" },
    { names = { "--max-cost" }, key = "c", type = "number" } } }
  args.twins(spec, function(name) asked[#asked + 1] = name end)
  lu.assertEquals(asked, { "LUNAGRAD_RUN_MODEL", "LUNAGRAD_RUN_MAX_COST" })
  lu.assertEquals(config.run_name "max-cost", "LUNAGRAD_RUN_MAX_COST")
end

os.exit(lu.LuaUnit.run())
