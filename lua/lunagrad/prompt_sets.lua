--- lg.prompts: the operators' prompts as scripts read, replace and exchange them.
--
-- The words are prompts.lua (the set "default") and prompts_textgrad.lua ("textgrad"). A set
-- is a table from the names of templates to texts or variables; what it does not have, it takes
-- from "default". After use() all templates are the set's: what a script had replaced before is
-- gone, what it replaces later stands on top. Texts are checked when they are given, and a set is
-- taken whole or not at all. What a variable holds is checked by the question that uses it.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local defaults = require "lunagrad.prompts"
local templates = require "lunagrad.template"
local var = require "lunagrad.var"

local BUILT_IN = {
  default = function() return defaults end,
  textgrad = function() return require "lunagrad.prompts_textgrad" end,
}

-- ---- what may stand in a template --------------------------------------------

-- Fields that a template may have besides those of the default one.
local MORE = {
  ["critic.base"] = { "feedback", "goal" }, ["tool.base"] = { "feedback", "goal" },
  objective = { "output_role" }, ["objective.scored"] = { "output_role" },
  ["tgd.short"] = { "problem" },
}

-- Shown as they are: braces in them are braces.
local PLAIN = {
  ["critic.system"] = true, ["critic.again"] = true, mark = true, ["reduce.system"] = true,
  ["tgd.system"] = true, ["tgd.plain.system"] = true, ["tgd.plain.first"] = true,
  ["tgd.plain.first.reply"] = true, ["tgd.plain.second"] = true,
  ["tgd.plain.second.reply"] = true, ["tgd.json"] = true, ["tgd.edit.system"] = true,
  ["tgd.edit.json"] = true, ["tgd.check.system"] = true, ["tgd.check.again"] = true,
  ["tgd.together.system"] = true, ["tgd.together.json"] = true, ["reflect.system"] = true,
  ["merge.system"] = true, ["shorten.system"] = true, ["fresh.system"] = true,
}

local sets = {}

--- The fields that a template may have: a set of names, and the names in order; nil when it has
--- none and braces are braces.
---@param name string
---@return table<string, boolean>|nil set, string[]|nil names
function sets.fields(name)
  if PLAIN[name] then return nil end
  local set, names = templates.fields(defaults[name])
  for _, field in ipairs(MORE[name] or {}) do
    set[field], names[#names + 1] = true, field
  end
  return set, names
end

-- A prompt may leave a field out, but not by mistake.
local function check_fields(where, name, text)
  local known, names = sets.fields(name)
  if not known then return end
  local set, given = templates.fields(text)
  for _, field in ipairs(given) do
    if not known[field] then
      local near = options.nearest(field, names)
      errors.raise("template", ("%s: %q can have no field {%s}"):format(where, name, field),
        near and ("did you mean {%s}?"):format(near) or ("write {{%s}} for the text"):format(field),
        4, nil, field)
    end
  end
  for _, field in ipairs(names) do
    local braces = not set[field] and templates.lookalike(text, field)
    if braces then
      errors.raise("template", ("%s: %q: %s is plain text"):format(where, name, braces),
        ("write {%s}"):format(field), 4, nil, field)
    end
  end
end

local function check(where, name, text)
  if type(name) ~= "string" then
    errors.refuse("name", ("%s: the operators' prompts have names, not a %s")
      :format(where, type(name)), '["critic.base"] = "…"', 3)
  elseif defaults[name] == nil then
    errors.refuse(name, ("%s: there is no operators' prompt %s"):format(where, errors.quoted(name)),
      options.suggest(name, defaults), 3)
  elseif type(text) == "string" then
    check_fields(where, name, text)
  elseif not var.is(text) then
    errors.refuse(name, ("%s: %q: expected a text or a variable, got %s")
      :format(where, name, type(text)), nil, 3)
  end
end

-- ---- setting them --------------------------------------------------------------

local function install(engine, name, text)
  local v = text
  if not var.is(v) then
    v = core.var(engine, text, ("the operators' prompt %q"):format(name), false)
  end
  engine:set_template(name, v)
end

local function sorted_names()
  local names = {}
  for name in pairs(defaults) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- All of them, or none: a variable may be one of another engine.
local function install_all(engine, set)
  local names, before = sorted_names(), {}
  for i, name in ipairs(names) do
    before[i] = engine:template(name)
    local own = set[name]
    local ok, problem = pcall(install, engine, name, own == nil and defaults[name] or own)
    if not ok then
      for k = 1, i - 1 do install(engine, names[k], before[k]) end
      error(problem, 0)
    end
  end
end

local chosen = defaults -- what a new engine gets
loop.on_engine(function(engine) install_all(engine, chosen) end)

local function built_in(name)
  if BUILT_IN[name] then return BUILT_IN[name]() end
  local names = {}
  for known in pairs(BUILT_IN) do names[#names + 1] = ("%q"):format(known) end
  table.sort(names)
  errors.refuse("set", ("lg.prompts.use: there is no set %s; there are %s")
    :format(errors.quoted(name), table.concat(names, ", ")), options.suggest(name, BUILT_IN), 3)
end

--- Ask by another set of prompts from now on: "default", "textgrad" (what TextGrad tells its
--- models, in the order in which it does, to compare with), or a table of your own, name → text or
--- variable, in which what it lacks is as in "default". What was replaced before by assignment is
--- replaced as well; questions that are asked already stay. An unknown name, or a text with an
--- unknown field, is an error, and then nothing has changed.
---@param set "default"|"textgrad"|table<string, string|Var>
function sets.use(set)
  if type(set) == "string" then
    set = built_in(set)
  elseif type(set) ~= "table" then
    errors.refuse("set", ("lg.prompts.use: expected the name of a set or a table, got %s")
      :format(type(set)), 'lg.prompts.use "default", or { ["critic.base"] = "…" }', 2)
  end
  local taken = {}
  for name, text in pairs(set) do
    check("lg.prompts.use", name, text)
    taken[name] = text
  end
  if loop.started() then install_all(loop.engine(), taken) end
  chosen = taken
end

--- The operators' prompts by name: read as variables, replaced by assigning a text or a variable.
sets.face = setmetatable({}, {
  __index = function(_, name)
    if name == "use" then return sets.use end
    return loop.engine():template(name)
  end,
  __newindex = function(_, name, text)
    check("lg.prompts", name, text)
    install(loop.engine(), name, text)
  end,
  __pairs = function(face)
    local names, i = sorted_names(), 0
    return function()
      i = i + 1
      return names[i], names[i] and face[names[i]]
    end
  end,
})

return sets
