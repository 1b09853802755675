--- Questions with pictures: ScienceQA's and MathVista's files, as people download them.
--
-- Both are one JSON object, problem by problem under its id, beside folders of pictures. A row names
-- its picture's file, which lg.image reads when it is asked about. Where the data set is only at hand
-- as Parquet, it has to be written out as JSON and pictures first (docs/tasks.md says how).

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local file = require "lunagrad.file"
local metric = require "lunagrad.metric"
local number = require "lunagrad.number"
local options = require "lunagrad.options"
local row_module = require "lunagrad.row"
local data = require "lunagrad.data"
local source = require "lunagrad.source"

local pictures = {}

-- ---- reading -------------------------------------------------------------------------

-- The objects of a file, in the order of their ids: { id, object }.
local function objects_of(path, where)
  local text = source.clean(source.read_file(path, where), path, where)
  local whole, problem, byte = core.json_decode(text, "text")
  if type(whole) ~= "table" then
    source.broken("parse", path, source.line_of(text, byte or 1), tostring(problem),
      "it should be one JSON object with a problem under each id")
  end
  local list = {}
  for id, object in pairs(whole) do
    if type(object) ~= "table" then
      source.broken("parse", path, 1, ("problem %s is no object"):format(tostring(id)),
        "it should be one JSON object with a problem under each id")
    end
    list[#list + 1] = { id = tostring(id), object = object }
  end
  if #list == 0 then source.broken("parse", path, 1, "the file holds no problem") end
  table.sort(list, function(a, b)
    local x, y = math.tointeger(tonumber(a.id)), math.tointeger(tonumber(b.id))
    if x and y and x ~= y then return x < y end
    return a.id < b.id
  end)
  return list
end

local function known(value)
  if value == core.null then return nil end
  return value
end

-- A reader of one problem's fields, whose complaints name the file and the problem.
local function reader(path, one)
  local get = {}
  function get.bad(message, hint)
    errors.raise("parse", ("%s: problem %s: %s"):format(path, one.id, message), hint, 0)
  end
  function get.text(name, optional)
    local value = known(one.object[name])
    if math.type(value) then value = core.number_text(value) end
    if type(value) == "string" and (optional or value:find "%S") then return extract.trim(value) end
    if optional and value == nil then return "" end
    return get.bad(("%q is %s"):format(name, value == nil and "missing" or "no text"))
  end
  function get.list(name)
    local value, list = known(one.object[name]), {}
    if value == nil then return nil end
    if type(value) ~= "table" or #value < 2 then
      get.bad(("%q is no list of at least two options"):format(name))
    end
    for i, item in ipairs(value) do
      if math.type(item) then item = core.number_text(item) end
      if type(item) ~= "string" then get.bad(("option %d is no text"):format(i)) end
      list[i] = item
    end
    return list
  end
  return get
end

local function folder_of(path) return path:match "^(.*)/[^/]*$" or "." end

-- A picture's file, which has to be there.
local function picture(get, path, how)
  if not file.stat(path) then
    get.bad(("there is no picture %s"):format(path), how
      .. "; or say where they are: pictures = \"folder\"; or leave such problems out: "
      .. "only = \"text\"")
  end
  return path
end

local SPEC = { pictures = "string?", split = "string?",
  only = { type = "string?", one_of = { "pictures", "text" } } }

local function wanted(opts, has_picture)
  return opts.only == nil or (opts.only == "pictures") == has_picture
end

-- ---- ScienceQA -------------------------------------------------------------------------

-- What the problem says before its question.
local function with_hint(hint, question)
  return hint ~= "" and hint .. "\n\n" .. question or question
end

local MORE = { "subject", "topic", "category", "skill", "grade", "split", "lecture", "solution" }

local function science_row(path, one, opts)
  local get = reader(path, one)
  local object = one.object
  local shown = known(object.image)
  if not wanted(opts, shown ~= nil) or opts.split and object.split ~= opts.split then return nil end
  local list = get.list "choices" or get.bad "there are no \"choices\""
  local right = math.tointeger(object.answer)
  if not right or right < 0 or right >= #list then
    get.bad(("\"answer\" must be the number of a choice, from 0 to %d"):format(#list - 1))
  end
  local row = { id = one.id, asked = get.text "question", hint = get.text("hint", true),
    options = list, right = right + 1, answer = string.char(65 + right) }
  row.question = with_hint(row.hint, row.asked)
  for _, name in ipairs(MORE) do row[name] = known(object[name]) end
  if shown ~= nil then
    row.picture = picture(get, ("%s/%s/%s/%s"):format(opts.pictures
      or folder_of(path) .. "/images", tostring(object.split), one.id, get.text "image"),
      "unpack the set's train.zip, val.zip and test.zip into images/ beside the file")
  end
  return row
end

-- Fields that are nil where a problem has none, and no mistake to ask for.
local OPTIONAL = { picture = true, options = true, right = true, precision = true, task = true,
  source = true, skills = true, subject = true, topic = true, category = true, skill = true,
  grade = true, split = true, lecture = true, solution = true }

-- Which questions, as rows. What calls it ends with it, so the script is one level up.
local function rows_of(path, opts, where, make)
  opts = options.check(opts, SPEC, where, 2)
  local rows, of = {}, row_module.maker(path)
  for _, one in ipairs(objects_of(path, where)) do
    local row = make(path, one, opts)
    if row then rows[#rows + 1] = of(row, OPTIONAL) end
  end
  if #rows == 0 then
    errors.raise("inval", ("%s: %s holds no such problem"):format(where, path),
      "look at split and only", 2)
  end
  return data.list(rows)
end

--- Problems from ScienceQA's problems.json: rows with question (the hint before it, if there is one),
--- asked (the bare question), hint, options, right, answer (the letter), picture (a file's name, or
--- nil), id, and subject, topic, category, skill, grade, split, lecture and solution.
---
--- split = "train", "val" or "test" (all, if left out); only = "pictures" or "text"; pictures = the
--- folder with SPLIT/ID/image.png ("images" beside the file).
---@param path string
---@param opts {split: string|nil, only: string|nil, pictures: string|nil}|nil
---@return lunagrad.dataset
function pictures.scienceqa(path, opts)
  return rows_of(path, opts, "lg.task.scienceqa", science_row)
end

-- ---- MathVista -------------------------------------------------------------------------

-- What the answer has to look like, as the set tells it.
local function form_of(get, object, kind)
  local unit, digits = known(object.unit), math.tointeger(known(object.precision))
  local said = unit and (" (unit: %s)"):format(tostring(unit)) or ""
  if kind == "integer" then return "The answer is a whole number" .. said .. "." end
  if kind == "float" then
    if not digits or digits < 0 or digits > 9 then
      get.bad "\"precision\" is no number of digits"
    end
    return ("The answer is a number with %d decimal place%s%s."):format(digits,
      digits == 1 and "" or "s", said)
  end
  return kind == "list" and "The answer is a list such as [1, 2, 3]." or nil
end

local function math_row(path, one, opts)
  local get = reader(path, one)
  local object = one.object
  local about = type(object.metadata) == "table" and object.metadata or {}
  if opts.split and about.split ~= opts.split or not wanted(opts, true) then return nil end
  local row = { id = known(object.pid) and tostring(object.pid) or one.id,
    asked = get.text "question", kind = get.text "answer_type",
    precision = math.tointeger(known(object.precision)), task = known(about.task),
    source = known(about.source), skills = known(about.skills) }
  row.options = get.text "question_type" == "multi_choice" and get.list "choices" or nil
  local answer = get.text "answer"
  if row.options then
    for i, option in ipairs(row.options) do
      if extract.trim(option) == answer then row.right = row.right or i end
    end
    if not row.right then get.bad "\"answer\" is none of the choices" end
    row.answer, row.question = string.char(64 + row.right), row.asked
  else
    local form = form_of(get, object, row.kind)
    row.answer, row.question = answer, form and row.asked .. "\n" .. form or row.asked
  end
  row.picture = picture(get, ("%s/%s"):format(opts.pictures or folder_of(path),
    get.text "image"), "unpack the set's images.zip beside the file")
  return row
end

--- Problems from MathVista's testmini.json: rows with question (what form the
--- answer has below it), asked, answer, picture (a file's name), kind ("integer", "float", "list",
--- "text"), precision, task, source, skills and id; those with choices have options and right, and a
--- letter as the answer. The test set has no answers, and is refused. lg.task.mathvista_score scores
--- replies to all of them.
---
--- split = "testmini"; pictures = the folder in which images/ID.jpg is found (that of the file).
---@param path string
---@param opts {split: string|nil, pictures: string|nil}|nil
---@return lunagrad.dataset
function pictures.mathvista(path, opts)
  return rows_of(path, opts, "lg.task.mathvista", math_row)
end

local function rounded(text, digits)
  local n = number.last(text)
  local value = n and tonumber(n)
  if n and not value then
    local a, b = n:match "^(%-?%d+)/(%d+)$"
    value = a and tonumber(b) ~= 0 and tonumber(a) / tonumber(b) or nil
  end
  return value and ("%." .. digits .. "f"):format(value) or nil
end

--- 1 when a reply answers a row of lg.task.mathvista rightly: by the letter where it has options, else by
--- the last number in it, of decimal numbers rounded to the row's precision; texts and lists have to
--- be the same but for case and blanks. A metric: lg.evaluate{ …, metric = lg.task.mathvista_score }.
---@param prediction string
---@param row table
---@return number
function pictures.mathvista_score(prediction, row)
  if data.get(row, "options") then return metric.choice(prediction, row) end
  local kind = data.get(row, "kind")
  if kind == "integer" then return metric.number(prediction, row) end
  if kind == "float" then
    local digits = data.get(row, "precision") or 2
    local got = rounded(prediction, digits)
    return got ~= nil and got == rounded(metric.truth(row), digits) and 1 or 0
  end
  local said = extract.after "Answer:"(prediction) or extract.last_line(prediction) or ""
  local function bare(text) return (text:lower():gsub("[%s\"'%.]", "")) end
  return bare(said) == bare(metric.truth(row)) and 1 or 0
end

return pictures
