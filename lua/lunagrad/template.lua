--- What a template says about its fields: are those that are given in it?
--
-- A field that the template does not name would vanish: "{ q }" and "{{q}}" are plain text. How
-- templates are read and filled is the engine's (engine/base/template.c). Used by lg.format and by
-- lg.prompts.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"

local template = {}

local MOST = 12 -- fields in a message

--- The fields of a template: a set of names, and the names in their order.
---@param text string
---@return table<string, boolean> set, string[] names
function template.fields(text)
  local set, names = {}, {}
  for _, name in ipairs(core.fields(text)) do
    if not set[name] then names[#names + 1] = name end
    set[name] = true
  end
  return set, names
end

--- Braces that may have been meant as the field, but are plain text: "{ q }", "{q:s}", "{{q}}".
---@param text string
---@param name string
---@return string|nil
function template.lookalike(text, name)
  for braces in text:gmatch "{+[^{}\n]*}+" do
    local inside = braces:match "^{+%s*(.-)%s*}+$"
    if inside == name or inside:match "^(.-)%s*[:!|=%.%[]" == name then return braces end
  end
end

local function listed(names)
  if #names == 0 then return "it has none" end
  local words = {}
  for i = 1, math.min(#names, MOST) do words[i] = "{" .. names[i] .. "}" end
  if #names > MOST then words[#words + 1] = ("and %d more"):format(#names - MOST) end
  return "its fields are " .. table.concat(words, ", ")
end

--- Raise when one of the names is no field of the template.
---@param text string
---@param given string[]
---@param where string
---@param level integer whose line is to blame
function template.check(text, given, where, level)
  local set, names = template.fields(text)
  for _, name in ipairs(given) do
    if not set[name] then
      if core.fields("{" .. name .. "}")[1] ~= name then
        errors.raise("template", ("%s: %q can be no field of a template"):format(where, name),
          "letters, digits and _, no digit first: { q = row[\"…\"] } and {q}", level + 1, nil, name)
      end
      local braces, near = template.lookalike(text, name), options.nearest(name, names)
      errors.raise("template", ("%s: the template has no field {%s}; %s"):format(where, name,
        listed(names)), braces and ("%s is plain text there: write {%s}"):format(braces, name)
          or near and ("did you mean {%s}?"):format(near)
          or ("write {%s} where it belongs, or leave it out"):format(name), level + 1, nil, name)
    end
  end
end

return template
