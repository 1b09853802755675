-- test_reference_examples.lua - the reference is complete and true: every function has words, what
-- it returns and an example that runs, every option stands in the stubs with the default that it
-- has
--
-- The stubs are lua/meta/*.lua, read as `lunagrad help` and docs/reference/ read them. Each example is
-- a program of its own, run in an empty directory without a network; where a line ends in "--> words",
-- these words are printed, in this order. While they run, what options.check is given is written down
-- (spec_recorder.lua), and compared with the classes of the stubs. Run by `make lint`, too.

local helper = require "helper"
local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json
local reference = require "lunagrad.cli.reference"

-- What options.check is told is being called, where that is no name of a function: the class of its
-- options. A number in it is N.
local WHERE = {
  ["batches"] = "lunagrad.batches_options", ["dot"] = "lunagrad.dot_options",
  ["step"] = "lunagrad.step_options", ["backward"] = "lunagrad.backward",
  ["box:run"] = "lunagrad.sandbox_run", ["box:check: test N"] = "lunagrad.sandbox_test",
  ["hedge"] = "lunagrad.hedge", ["lg.spawn: context"] = "lunagrad.spawn_context",
  ["lg.optimize: stop"] = "lunagrad.stop", ["lg.optimize: budget"] = "lunagrad.budget",
  ["lg.headroom: budget"] = "lunagrad.budget",
  ["lg.optimize: headroom"] = "lunagrad.headroom_options",
  ["lg.agent: a tool"] = "lunagrad.agent_tool", ["agent"] = "lunagrad.agent_ask",
  ['retriever "search"'] = "lunagrad.search_options", ["sim/default"] = "lunagrad.ask",
  ["lua"] = "lunagrad.ask", ["lua: message N"] = "lunagrad.message",
  ["sim/default: message N"] = "lunagrad.message", ["lg.plot.svg, x"] = "lunagrad.plot_axis",
  ["lg.plot.svg, y"] = "lunagrad.plot_axis", ["lg.plot.svg, series N"] = "lunagrad.plot_series",
  ["lg.plot.svg, mark N"] = "lunagrad.plot_mark",
  ["radiotherapy.phantom"] = "lunagrad.radiotherapy.settings",
  ["radiotherapy.search"] = "lunagrad.radiotherapy.search_spec",
}
-- Tables whose keys a script makes up itself: no options.
local NO_OPTIONS = { compare = true, judge = true, critic = true }
-- Functions that take one of two classes: by a key that the second alone has.
local EITHER = { ["lg.vote"] = { "outputs", "lunagrad.vote_spec", "lunagrad.vote_given" } }

local list = reference.all()
local by_name = {}
for _, entry in ipairs(list) do by_name[entry.name] = entry end

-- All that is wrong is told at once.
local function told(problems) lu.assertEquals(table.concat(problems, "\n"), "") end

-- ---- words ---------------------------------------------------------------------------

TestWords = {}

function TestWords.test_every_function_says_what_it_is_and_has_an_example()
  local problems = {}
  for _, entry in ipairs(list) do
    if not entry.fields then
      if entry.words == "" then problems[#problems + 1] = entry.name .. " has no words" end
      if not entry.example then problems[#problems + 1] = entry.name .. " has no example" end
    end
  end
  told(problems)
end

function TestWords.test_every_field_has_a_type()
  local problems = {}
  for _, entry in ipairs(list) do
    for _, field in ipairs(entry.fields or {}) do
      if field.type == "" then problems[#problems + 1] = entry.name .. "." .. field.name end
    end
  end
  told(problems)
end

function TestWords.test_no_table_stands_for_options()
  local problems = {}
  for _, entry in ipairs(list) do
    for _, param in ipairs(entry.params) do
      local said = param.name:gsub("%?$", "")
      local options = said == "opts" or said == "options" or said == "settings"
      if options and param.type ~= "string[]" and #reference.classes(list, entry) == 0 then
        problems[#problems + 1] = entry.name .. ": its options have no class with fields"
      end
    end
  end
  told(problems)
end

-- ---- examples ------------------------------------------------------------------------

local specs = {}       -- where → keys, as they were checked

local function note_specs(path)
  for line in command.read(path):gmatch "[^\n]+" do
    local one = assert(json.decode(line))
    local where = one.where:gsub(" %d+", " N")
    specs[where] = specs[where] or {}
    specs[where][json.encode(one.keys)] = one
  end
end

local function pattern_of(words)
  return (words:gsub("%p", "%%%0"):gsub("…", ".-"))
end

local function run(entry)
  local record = command.temp ".json"
  local script = command.write('local lg = require "lunagrad" ' .. entry.example, ".lua")
  local path = tostring(arg[0]):gsub("test_reference_examples", "spec_recorder")
  local r = command.shell(([[here=$PWD; d=$(mktemp -d); cd "$d"
case %s in /*) b=%s ;; *) b=$here/%s ;; esac; case %s in /*) s=%s ;; *) s=$here/%s ;; esac
env -i PATH="$PATH" HOME="$d" ${LG_PRELOAD:+LD_PRELOAD=$LG_PRELOAD} ASAN_OPTIONS="$ASAN_OPTIONS" \
  timeout 60 %s "$s" "$b" %s %s; code=$?
rm -rf "$d"; exit $code]]):format(helper.build, helper.build, helper.build, path, path, path,
    arg[-1] or "lua5.4", record, script))
  lu.assertEquals(r.code, 0, ("the example of %s: %s"):format(entry.name, r.err))
  note_specs(record)
  local at = 1
  for words in (entry.example .. "\n"):gmatch "%-%-> (.-)%s*\n" do
    local _, to = r.out:find(pattern_of(words), at)
    lu.assertNotNil(to, ("%s: %q is not printed, but: %s"):format(entry.name, words, r.out))
    at = to + 1
  end
end

TestExamples = {}

function TestExamples.tearDown() command.remove_files() end

for i, entry in ipairs(list) do
  if entry.example then
    local name = ("test_%03d_%s"):format(i, entry.name:gsub("[^%w]", "_"))
    TestExamples[name] = function() run(entry) end
  end
end

-- ---- options -------------------------------------------------------------------------

local BASIC = { integer = true, number = true, string = true, boolean = true }

-- "integer|string?" and "integer|'a'|nil" as sets; texts in quotes are strings, and choices.
local function kinds_of(text)
  local kinds, choices = {}, {}
  for part in text:gsub("%?$", ""):gmatch "[^|]+" do
    local quoted = part:match '^"(.*)"$'
    if quoted then choices[#choices + 1] = quoted end
    kinds[quoted and "string" or part] = true
  end
  table.sort(choices)
  return kinds, choices
end

local function check_types(name, field, rule, problem)
  local code, said = kinds_of(rule.types), kinds_of(field.type)
  for kind in pairs(code) do
    if BASIC[kind] and not said[kind] then
      problem("%s may be a %s, but its type in lua/meta is %s", name, kind, field.type)
    end
  end
  for kind in pairs(said) do
    if BASIC[kind] and not (code[kind] or code.any or kind == "integer" and code.number) then
      problem("%s cannot be a %s, as lua/meta says", name, kind)
    end
  end
  if not rule.one_of then return end
  local _, choices = kinds_of(field.type)
  local wanted = table.move(rule.one_of, 1, #rule.one_of, 1, {})
  table.sort(wanted)
  if table.concat(choices, " ") ~= table.concat(wanted, " ") then
    problem("%s is one of %s, lua/meta says %s", name, table.concat(wanted, ", "), field.type)
  end
end

local function check_default(name, field, rule, problem)
  if not rule.has_default then
    if field.literal and field.default then
      problem("%s has no default in the code, lua/meta says %s: in words, (default: …)", name,
        field.default)
    end
    return
  end
  local value = field.literal and load("return " .. field.default)
  if not value or value() ~= rule.default then
    problem("%s is %s if left out, lua/meta says %s", name, json.encode { rule.default },
      field.literal and field.default or "nothing: (default …)")
  end
end

local function check_class(where, class, keys, problem)
  local fields = {}
  for _, field in ipairs(class.fields) do fields[field.name:gsub("%?$", "")] = field end
  for key, rule in pairs(keys) do
    local name, field = ("%s: %s"):format(where, key), fields[key]
    if field then
      check_types(name, field, rule, problem)
      check_default(name, field, rule, problem)
    else
      problem("%s takes %q, which %s does not have", where, key, class.name)
    end
  end
  for key in pairs(fields) do
    if keys[key] == nil and not key:find "^%[" then
      problem("%s has %q, which %s does not take", class.name, key, where)
    end
  end
end

local function class_for(where, keys)
  local either = EITHER[where]
  if either then return by_name[keys[either[1]] and either[3] or either[2]] end
  if WHERE[where] then return by_name[WHERE[where]] end
  local entry = by_name[where]
  return entry and reference.classes(list, entry)[1]
end

TestOptions = {}

-- After the examples: luaunit runs classes by their names.
function TestOptions.test_every_option_is_told_as_it_is()
  local n, problems = 0, {}
  local function problem(...) problems[#problems + 1] = string.format(...) end
  for where, variants in pairs(specs) do
    for _, one in pairs(variants) do
      local class = next(one.keys) and class_for(where, one.keys)
      if class then check_class(where, class, one.keys, problem) end
      if not class and next(one.keys) and not NO_OPTIONS[where] then
        problem("%s: options of %s are told nowhere", one.file, where)
      end
      n = n + 1
    end
  end
  table.sort(problems)
  told(problems)
  lu.assertTrue(n > 40, n)
end

-- What the library checks under a name of its own is checked by some example.
function TestOptions.test_every_check_was_seen()
  local problems = {}
  local pipe = assert(io.popen "grep -rho 'options.check(.*' lua/lunagrad --include=*.lua")
  for line in pipe:lines() do
    local where = line:match '"(lg%.[%w_.]+[^"]*)"'
    if where and not where:find "%%d" and not specs[where] and not NO_OPTIONS[where] then
      problems[#problems + 1] = "no example gives options to " .. where
    end
  end
  pipe:close()
  told(problems)
end

-- What is left out may depend on the model or the server: these say so in words.
local DEPENDS = { model = true, dimensions = true, concurrency = true }

-- A default stands in the spec, where this test sees it: not as `spec.steps or 12` further down.
function TestOptions.test_defaults_stand_in_specs()
  local problems = {}
  for _, variants in pairs(specs) do
    for _, one in pairs(variants) do
      local path = "lua/" .. one.file
      for line in io.lines(path) do
        local object, key = line:match "([%a_]+)%.([%a_]+) or [%d\"]"
        local of_spec = object == "spec" or object == "opts" or object == "named"
        if of_spec and one.keys[key] and not DEPENDS[key] and not line:find "^%s*%-%-" then
          problems[#problems + 1] = ("%s: the default of %s is not in the spec"):format(path, key)
        end
      end
    end
  end
  told(problems)
end

os.exit(lu.LuaUnit.run())
