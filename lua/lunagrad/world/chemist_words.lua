--- What is said about molecules: reads wishes and numbers in feedback, and words what numbers and a
-- structure suggest.
--
-- A wish is a feature (chemist_features.lua) and a direction. The rules of thumb are those of any
-- course in medicinal chemistry; where docking and drug-likeness come from is not known here.

local hash = require "lunagrad.world.hash"

local words = {}

-- ---- numbers -------------------------------------------------------------------

local function number_after(low, names)
  for _, name in ipairs(names) do
    local at = select(2, low:find(name))
    local text = at and low:sub(at + 1, at + 48):match "^[^%d%-%.\n]*(%-?%d*%.?%d+)"
    if tonumber(text) then return tonumber(text) end
  end
  return nil
end

--- The docking score and the drug-likeness that a text speaks of, as far as it does.
---@param text string
---@return number? vina
---@return number? qed
function words.numbers(text)
  local low = text:lower():gsub("\u{2212}", "-")
  local vina = number_after(low, { "vina", "docking score", "binding affinity", "affinity" })
  local qed = number_after(low, { "qed", "drug%-likeness", "druglikeness" })
  return vina, qed and qed >= 0 and qed <= 1 and qed or nil
end

-- ---- reading wishes --------------------------------------------------------------

-- What a clause is about, by words in it. The first match wins.
local TOPICS = {
  { "donors", "donor" }, { "acceptors", "acceptor" },
  { "aromatic", "aromatic", "phenyl", "stacking", "aryl" },
  { "flexible", "rotatable", "flexib", "rigid", "constrain" },
  { "grease", "lipophil", "hydrophob", "greasy", "logp", "log p" },
  { "alerts", "reactive", "alert", "unstable", "toxic", "alkyl halide", "aldehyde", "nitro" },
  { "rings", "saturated ring", "a ring", "rings", "cyclic" },
  { "atoms", "small", "large", "big", "size", "heavy", "weight", "pocket", "extend", "grow",
    "contacts", "bulk" },
}
local MORE = { "add", "more", "increase", "introduce", "no ", "lack", "miss", "needs", "higher",
  "too few", "larger", "bigger", "extend", "grow", "fill", "raise", "attach" }
local LESS = { "fewer", "too many", "reduce", "lower", "remove", "less", "decrease", "trim", "drop",
  "take off", "shrink", "avoid", "cut" }
-- Words that say the direction by themselves.
local SAYS = {
  { "too small", "atoms", 1 }, { "too large", "atoms", -1 }, { "too big", "atoms", -1 },
  { "too heavy", "atoms", -1 }, { "smaller", "atoms", -1 }, { "bind weakly", "atoms", 1 },
  { "binding is weak", "atoms", 1 }, { "too lipophilic", "grease", -1 },
  { "too greasy", "grease", -1 }, { "too hydrophobic", "grease", -1 },
  { "too polar", "grease", 1 }, { "more polar", "grease", -1 }, { "polar group", "grease", -1 },
  { "more soluble", "grease", -1 }, { "polarity", "grease", -1 },
  { "too flexible", "flexible", -1 }, { "rigid", "flexible", -1 },
}

local function holds(clause, list)
  for _, word in ipairs(list) do
    if clause:find(word, 1, true) then return true end
  end
  return false
end

local function topic_of(clause)
  for _, topic in ipairs(TOPICS) do
    for i = 2, #topic do
      if clause:find(topic[i], 1, true) then return topic[1] end
    end
  end
  return nil
end

local function wish_of(clause)
  for _, one in ipairs(SAYS) do
    if clause:find(one[1], 1, true) then return one[2], one[3] end
  end
  local topic = topic_of(clause)
  if not topic then return nil end
  if holds(clause, LESS) then return topic, -1 end
  if holds(clause, MORE) then return topic, 1 end
  return nil
end

--- What feedback wishes for: feature → a number, more or less of it.
---@param text string
---@return table<string, number>
function words.wishes(text)
  local list = {}
  for clause in text:lower():gmatch "[^.;:\n,]+" do
    local topic, way = wish_of(clause)
    if topic then list[topic] = math.max(-2, math.min(2, (list[topic] or 0) + way)) end
  end
  return list
end

-- ---- advice ----------------------------------------------------------------------

local SAID = {
  ["atoms+"] = { "The binding is weak, and {n} heavy atoms do not fill a pocket: make it larger.",
    "It is too small to make many contacts ({n} heavy atoms): extend it.",
    "With {n} heavy atoms it cannot fill the pocket; add a group that reaches further." },
  ["atoms-"] = { "It is too large for a drug ({n} heavy atoms): take off what does not bind.",
    "It is too heavy; remove a group." },
  ["grease+"] = { "It is too polar to leave water: add a hydrophobic group.",
    "More hydrophobic contacts would help." },
  ["grease-"] = { "It is too lipophilic: exchange a carbon for nitrogen or oxygen.",
    "Reduce the lipophilicity with a polar group." },
  ["donors+"] = { "There is no hydrogen-bond donor: add one.",
    "It lacks a hydrogen-bond donor." },
  ["donors-"] = { "There are too many hydrogen-bond donors ({n}): remove one." },
  ["acceptors+"] = { "Add a hydrogen-bond acceptor: it has {n}.",
    "More hydrogen-bond acceptors could hold it in place." },
  ["acceptors-"] = { "There are too many hydrogen-bond acceptors ({n}); fewer would do." },
  ["aromatic+"] = { "An aromatic ring is missing: add one for stacking.",
    "Add an aromatic ring." },
  ["aromatic-"] = { "There are too many aromatic rings ({n}): make one saturated or drop it." },
  ["flexible-"] = { "It is too flexible ({n} bonds turn): close a ring or shorten a chain.",
    "Make it more rigid." },
  ["alerts-"] = { "It holds a reactive or unstable group: remove that." },
}
local ENOUGH = { "Little is left to wish for: try small exchanges of groups.",
  "Nothing in the structure stands out: try another group in one place." }

-- What a feature should be; more pressing is what lies further off.
local USUAL = {
  { "grease", 1.2, 4.2, 1.5 }, { "donors", 1, 3, 2 }, { "acceptors", 2, 7, 3 },
  { "aromatic", 1, 3, 1 }, { "flexible", 0, 7, 3 }, { "alerts", 0, 0, 1 },
}

--- What docking, drug-likeness and structure suggest, the most pressing first.
---@param f sim.features
---@param vina number?
---@param qed number?
---@return { name: string, way: integer, press: number, n: integer }[]
function words.advice(f, vina, qed)
  local list = {}
  if f.weight > 440 or f.atoms > 32 then
    list[1] = { name = "atoms", way = -1, press = 2 + (f.atoms - 32) / 8, n = f.atoms }
  elseif f.atoms < 24 and not (vina and vina <= -10) then
    list[1] = { name = "atoms", way = 1, press = 1.5 + (24 - f.atoms) / 8, n = f.atoms }
  end
  for _, one in ipairs(USUAL) do
    local name, low, high, unit = table.unpack(one)
    local off = f[name] < low and low - f[name] or f[name] > high and f[name] - high or 0
    if off > 0 then
      list[#list + 1] = { name = name, way = f[name] < low and 1 or -1, n = math.floor(f[name]),
        press = off / unit + (qed and qed < 0.5 and 0.3 or 0) }
    end
  end
  table.sort(list, function(a, b)
    if a.press ~= b.press then return a.press > b.press end
    return a.name < b.name
  end)
  return list
end

local VAGUE = { "The molecule could be better; look at its groups again.",
  "Both numbers should improve. Something in the structure is not ideal yet." }

--- What a critic says: the two numbers, and at most three points, a line each.
---@param f sim.features
---@param vina number?
---@param qed number?
---@param options { seed: integer, noise: number }
---@return string
function words.criticism(f, vina, qed, options)
  local lines = {}
  local numbers = {}
  if vina then numbers[1] = ("Vina %.1f kcal/mol"):format(vina) end
  if qed then numbers[#numbers + 1] = ("QED %.2f"):format(qed) end
  if #numbers > 0 then lines[1] = table.concat(numbers, ", ") .. "." end
  if hash.unit(options.seed, "vague") < options.noise then
    lines[#lines + 1] = hash.pick(options.seed, "which", VAGUE)
    return table.concat(lines, "\n")
  end
  local list = words.advice(f, vina, qed)
  for i = 1, math.min(3, #list) do
    local key = list[i].name .. (list[i].way > 0 and "+" or "-")
    local said = SAID[key] and hash.pick(options.seed, key, SAID[key])
    if said then lines[#lines + 1] = "- " .. said:gsub("{n}", tostring(list[i].n)) end
  end
  if #list == 0 then lines[#lines + 1] = "- " .. hash.pick(options.seed, "enough", ENOUGH) end
  return table.concat(lines, "\n")
end

return words
