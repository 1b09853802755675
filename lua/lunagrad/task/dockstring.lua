--- DOCKSTRING: its receptors from a folder, and its tables of docking scores.
--
-- Reads only. A receptor is a file for AutoDock Vina (DRD2_target.pdbqt) beside one with the box that
-- is searched (DRD2_conf.txt); a table has a molecule a line, and a column a target.

local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local file = require "lunagrad.file"
local options = require "lunagrad.options"
local row_module = require "lunagrad.row"
local source = require "lunagrad.source"

local dockstring = {}

-- The 58 published targets.
local TARGETS = {}
for name in ([[ABL1 ACHE ADAM17 ADORA2A ADRB1 ADRB2 AKT1 AKT2 AR BACE1 CA2 CASP3 CDK2 CSF1R CYP2C9
  CYP3A4 DHFR DPP4 DRD2 DRD3 EGFR ESR1 ESR2 F10 F2 FGFR1 GBA HMGCR HSD11B1 HSP90AA1 IGF1R JAK2 KDR KIT LCK
  MAOB MAP2K1 MAPK1 MAPK14 MAPKAPK2 MET MMP13 NOS1 NR3C1 PARP1 PDE5A PGR PLK1 PPARA PPARD PPARG
  PTGS2 PTK2 PTPN1 REN ROCK1 SRC THRB]]):gmatch "%S+" do
  TARGETS[#TARGETS + 1] = name
end

local function check_targets(targets, where)
  for i, name in ipairs(targets or {}) do
    if type(name) ~= "string" or not name:find "^[%w_%-]+$" then
      errors.refuse("targets", ("%s: target %d is no name: %s"):format(where, i,
        tostring(name)), nil, 3)
    end
  end
  return targets
end

-- ---- receptors ---------------------------------------------------------------------------

-- "center_x = 9.250" of all three axes.
local function axes(text, name, path)
  local values = {}
  for i, axis in ipairs { "x", "y", "z" } do
    local said = text:match("%f[%w_]" .. name .. "_" .. axis .. "%s*=%s*([%-%d%.eE+]+)")
    values[i] = tonumber(said) or errors.raise("parse",
      ("%s: there is no number for %s_%s"):format(path, name, axis),
      "it should have lines such as center_x = 9.25 and size_x = 30", 0)
  end
  return values
end

local function target_row(folder, name, where)
  local receptor = ("%s/%s_target.pdbqt"):format(folder, name)
  local conf = ("%s/%s_conf.txt"):format(folder, name)
  for _, path in ipairs { receptor, conf } do
    if not file.stat(path) then
      errors.raise("notfound", ("%s: there is no %s"):format(where, path),
        "a target is two files, NAME_target.pdbqt and NAME_conf.txt", 3)
    end
  end
  local text = source.clean(source.read_file(conf, where), conf, where)
  return { id = name, receptor = receptor, conf = conf, center = axes(text, "center", conf),
    size = axes(text, "size", conf) }
end

--- Targets from a folder of DOCKSTRING: rows with id (the target's name), receptor and conf (files, for
--- Vina), center and size (of the box, {x, y, z} in ångströms).
---
--- Without targets: those of the 58 published ones that the folder has. Your own receptors are named:
--- lg.task.dockstring("folder", { targets = { "MINE" } }).
---@param folder string
---@param opts {targets: string[]|nil}|nil
---@return lunagrad.dataset
function dockstring.targets(folder, opts)
  local where = "lg.task.dockstring"
  opts = options.check(opts, { targets = "table?" }, where)
  if type(folder) ~= "string" then
    errors.raise("inval", where .. ": expected a folder's name, got " .. type(folder), nil, 2)
  end
  folder = #folder > 1 and folder:gsub("/+$", "") or folder
  local rows, of, given = {}, row_module.maker(folder), check_targets(opts.targets, where)
  for _, name in ipairs(given or TARGETS) do
    if given or file.stat(("%s/%s_target.pdbqt"):format(folder, name)) then
      rows[#rows + 1] = of(target_row(folder, name, where))
    end
  end
  if #rows == 0 then
    errors.raise("notfound", ("%s: %s holds none of the published targets"):format(where, folder),
      "its files are NAME_target.pdbqt and NAME_conf.txt; other names: targets = { \"NAME\" }", 2)
  end
  return data.list(rows)
end

-- ---- scores ------------------------------------------------------------------------------

local function fields_of(line)
  local list = {}
  for field in (line:gsub("\r$", "") .. "\t"):gmatch "([^\t]*)\t" do list[#list + 1] = field end
  return list
end

-- Which column has what, and which columns are scores of the targets wanted.
local function columns_of(line, given, path, where)
  local names, at, scores = fields_of(line), {}, {}
  for i, name in ipairs(names) do at[name] = at[name] or i end
  if not at.inchikey or not at.smiles then
    source.broken("parse", path, 1, "the first line must name the columns, among them inchikey and "
      .. "smiles, with tabs between them", "dockstring-dataset.tsv has it so")
  end
  local known = {}
  for _, name in ipairs(TARGETS) do known[name] = true end
  for _, name in ipairs(given or names) do
    if given and not at[name] then
      errors.refuse("targets", ("%s: %s has no column %s"):format(where, path, name), nil, 3)
    end
    if given or known[name] then scores[#scores + 1] = { name = name, at = at[name] } end
  end
  if #scores == 0 and at.score then scores[1] = { name = "score", at = at.score } end
  return at, scores
end

local function score_row(fields, at, scores, bad)
  local row = { id = fields[at.inchikey], smiles = fields[at.smiles], scores = {} }
  if (row.id or "") == "" or (row.smiles or "") == "" then bad "inchikey or smiles is empty" end
  for _, column in ipairs(scores) do
    local said = fields[column.at] or ""
    local value = tonumber(said)
    if value and value - value == 0 then
      row.scores[column.name] = value
    elseif said ~= "" and said:lower() ~= "nan" and said:lower() ~= "na" then
      bad(("the score of %s is no number: %s"):format(column.name, errors.quoted(said)))
    end
  end
  return row
end

--- Docking scores from dockstring-dataset.tsv, or a table in its manner: rows with id (the InChIKey),
--- smiles and scores (target → number; less is better; what failed is not there). All columns named as
--- a published target are read, or those in targets: of the whole table (260,155 molecules) take a few.
--- most = 1000 reads so many rows from the first.
---@param path string
---@param opts {targets: string[]|nil, most: integer|nil}|nil
---@return lunagrad.dataset
function dockstring.scores(path, opts)
  local where = "lg.task.dockstring_scores"
  opts = options.check(opts, { targets = "table?", most = "integer?" }, where)
  local text = source.clean(source.read_file(path, where), path, where)
  local rows, of, given = {}, row_module.maker(path), check_targets(opts.targets, where)
  local at, scores, number
  number = 0
  for line in text:gmatch "[^\n]+" do
    number = number + 1
    if not at then
      at, scores = columns_of(line, given, path, where)
    elseif line:sub(1, 9) ~= "inchikey\t" then -- some published tables say their header twice
      local here = number
      rows[#rows + 1] = of(score_row(fields_of(line), at, scores, function(message)
        source.broken("parse", path, here, message)
      end))
    end
    if opts.most and #rows >= opts.most then break end
  end
  if #rows == 0 then source.broken("parse", path, 1, "the file holds no row") end
  return data.list(rows)
end

return dockstring
