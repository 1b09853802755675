--- lg.embed: texts as vectors, each text paid once.
--
-- A text's vector is remembered by model, options and text: in the store as a tool's result, so
-- that a later run or another batch that holds the text does not buy it again; without a store in
-- memory. Texts that are asked for at the same time share requests. Everything waits as tasks do.
-- "sim/embed" needs no server: words and their letters hashed into directions. It knows that texts
-- share words and nothing of what they mean.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local model = require "lunagrad.model"
local options = require "lunagrad.options"
local providers = require "lunagrad.providers"
local queries = require "lunagrad.book.queries"
local settings = require "lunagrad.settings"
local var = require "lunagrad.var"

local embed = {}

local MEMORY = 64 << 20     -- bytes of vectors that are kept at hand
local BATCH = 256           -- texts in a request, unless said otherwise
local BATCH_BYTES = 400000  -- of a request's texts: servers take 300,000 tokens at most
local LOOK_UP = 200         -- keys in one look-up

-- How many texts a server takes at once; the row of its name or 2048.
local LIMITS = { gemini = 100, ollama = 512, azure = 2048, mistral = 512, together = 512 }

local SPEC = { model = { type = "any", default = "sim/embed" }, dimensions = "integer?",
  batch = "integer?", extra = "table?" }

-- ---- who embeds ------------------------------------------------------------------

---@class lunagrad.embedder
---@field name string
---@field where? string its server
---@field version string all that decides a vector besides its text
---@field make fun(texts: string[]): number[][] one request; waits
---@field limit integer texts that a request may hold
---@field keep boolean vectors go to the store
---@field known table<string, string> text → vector, as bytes
---@field flight table<string, table> text → the job that will have its vector

local function from_sim(name, opts)
  local vectors = require "lunagrad.world.vectors"
  local size = opts.dimensions or 256
  return { name = name, keep = false, batch = math.huge, make = function(texts)
    local list = {}
    for i, text in ipairs(texts) do list[i] = vectors.of(text, size) end
    return list
  end }
end

-- In a dry run nothing is sent: vectors are sim's, and the request is counted.
local function from_dry_run(name, opts)
  local made = from_sim(name, { dimensions = opts.dimensions or 256 })
  local make = made.make
  made.batch = nil
  made.make = function(texts)
    require("lunagrad.dryrun").count_texts(name, texts)
    return make(texts)
  end
  return made
end

local function from_function(fn)
  return { name = "lua", keep = false, make = function(texts) return fn(texts) end }
end

local function bad_reply(name, what)
  errors.raise("badreply", ("%s: %s"):format(name, what), nil, 0)
end

-- One request to a server: each text is a message, the reply a list of vectors.
local function asker(m, name)
  return function(texts)
    local messages = {}
    for i, text in ipairs(texts) do messages[i] = { "user", text } end
    local answer = model.call(m, { messages = messages, role = "embeddings" })
    local list = core.json_decode(answer:text())
    if type(list) ~= "table" then bad_reply(name, "the reply is no list of vectors") end
    return list
  end
end

-- "openai/x" is chat; its server's embeddings are "openai-embed/x".
local function server_name(name)
  local provider, id = name:match "^([^/]+)/(.+)$"
  if not provider then
    errors.raise("nomodel", ("%q is no model's name"):format(name),
      'write provider/model, e.g. "openai/text-embedding-3-small" or "sim/embed"', 1)
  end
  return provider:find "%-embed$" and name or ("%s-embed/%s"):format(provider, id)
end

local function from_server(name, given, opts)
  local full = server_name(name)
  local spec, extra = {}, {}
  for key, value in pairs(given) do spec[key] = value end
  for key, value in pairs(given.extra or {}) do extra[key] = value end
  for key, value in pairs(opts.extra or {}) do extra[key] = value end
  extra.dimensions = opts.dimensions
  spec[1], spec.extra = full, extra
  local m = model.new(spec)
  local server = providers.resolve(full:match "^[^/]+", given, model.setting)
  return { name = name, keep = true, make = asker(m, name), where = server.base_url,
    batch = LIMITS[server.provider] or 2048, extra = given.extra }
end

local desks = {}                                       -- digest of what was asked for → embedder
local by_function = setmetatable({}, { __mode = "k" }) -- function → embedder

local function pairs_of(t)
  local list = setmetatable({}, core.array)
  for name, value in pairs(t or {}) do list[#list + 1] = { tostring(name), value } end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

local function complete(made, opts)
  made.version = core.json_encode { made.name, made.where or "", opts.dimensions or 0,
    pairs_of(opts.extra), pairs_of(made.extra) }
  made.limit, made.batch = made.batch or 2048, nil
  made.known, made.bytes, made.flight = {}, 0, {}
  return made
end

local function named(name, given, opts)
  if name == "sim" or name:find "^sim/" then return from_sim(name, opts) end
  if model.dry_run then return from_dry_run(name, opts) end
  return from_server(name, given, opts)
end

-- Who embeds, made once: what is remembered and under way is theirs.
local function desk_of(opts)
  local given = type(opts.model) == "table" and opts.model or {}
  local name = given[1] or opts.model
  if type(name) == "function" then
    by_function[name] = by_function[name] or complete(from_function(name), opts)
    return by_function[name]
  elseif type(name) ~= "string" then
    errors.raise("inval", ("lg.embed: model: expected a name, got %s"):format(type(name)),
      'lg.embed("…", { model = "openai/text-embedding-3-small" })', 1)
  end
  local key = core.sha256(core.json_encode { name, opts.dimensions or 0, pairs_of(opts.extra),
    given.base_url or "", given.api_key or "", pairs_of(given.headers), pairs_of(given.extra) })
  desks[key] = desks[key] or complete(named(name, given, opts), opts)
  return desks[key]
end

-- ---- what is remembered ----------------------------------------------------------

local function key_of(desk, text)
  local hex = core.sha256("embedding\0" .. desk.version .. "\0" .. text)
  return (hex:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function has_store(desk) return desk.keep and settings.store_dir() ~= nil end

local function know(desk, text, bytes)
  if desk.bytes + #bytes > MEMORY then desk.known, desk.bytes = {}, 0 end
  desk.known[text], desk.bytes = bytes, desk.bytes + #bytes
end

local function store(desk, text, bytes)
  if not has_store(desk) then return end
  loop.engine():store_exec(queries.put_embedding,
    key_of(desk, text), (require("lunagrad.book.record").current() or {}).id,
    "embedding by " .. desk.name, desk.version, bytes, os.time() * 1000000)
end

-- What the store has of these texts.
local function look_up(desk, texts, found)
  if not has_store(desk) then return end
  for from = 1, #texts, LOOK_UP do
    local keys, of = {}, {}
    for i = from, math.min(from + LOOK_UP - 1, #texts) do
      local key = key_of(desk, texts[i])
      keys[#keys + 1], of[key] = key, texts[i]
    end
    local rows = loop.engine():store_query(queries.embeddings(#keys), table.unpack(keys))
    for _, row in ipairs(rows) do
      local text = of[row.key]
      if text and #row.text > 0 and #row.text % 4 == 0 then
        found[text] = row.text
        know(desk, text, row.text)
      end
    end
  end
end

-- ---- asking ----------------------------------------------------------------------

local function split(texts, most)
  local batches, bytes = {}, 0
  for _, text in ipairs(texts) do
    local last = batches[#batches]
    if not last or #last >= most or bytes + #text > BATCH_BYTES then
      last, bytes = {}, 0
      batches[#batches + 1] = last
    end
    last[#last + 1], bytes = text, bytes + #text
  end
  return batches
end

local function take(desk, job, texts, list)
  if #list ~= #texts then
    bad_reply(desk.name, ("%d vectors came for %d texts"):format(#list, #texts))
  end
  for i, text in ipairs(texts) do
    if type(list[i]) ~= "table" or #list[i] == 0 then
      bad_reply(desk.name, ("vector %d is empty"):format(i))
    end
    desk.size = desk.size or #list[i]
    if #list[i] ~= desk.size then
      bad_reply(desk.name, ("vector %d has %d numbers, others %d"):format(i, #list[i], desk.size))
    end
    local bytes = core.pack_floats(list[i])
    know(desk, text, bytes)
    store(desk, text, bytes)
    job.found[text] = bytes
  end
end

-- Sends what was collected. It runs after all that could run when the first text came, so that
-- texts of many tasks share its requests.
local function send(desk, job, most)
  desk.open = nil
  local batches = split(job.texts, most)
  loop.map(batches, function(texts)
    local list = desk.make(texts)
    if type(list) ~= "table" then bad_reply(desk.name, "no list of vectors") end
    take(desk, job, texts, list)
  end, { example = false })
end

local function ended(desk, job)
  for _, text in ipairs(job.texts) do
    if desk.flight[text] == job then desk.flight[text] = nil end
  end
end

local function job_for(desk, text, most)
  local job = desk.flight[text]
  if job then return job end
  job = desk.open
  if not job then
    job = { texts = {}, found = {} }
    desk.open = job
    job.task = loop.spawn(send, { serves = true, scope = false }, desk, job, most)
    job.task.after = function() ended(desk, job) end
  end
  job.texts[#job.texts + 1] = text
  desk.flight[text] = job
  return job
end

-- The bytes of all texts' vectors: list in the texts' order. Waits.
local function fetch(desk, texts, batch)
  local found, missing, jobs, seen = {}, {}, {}, {}
  for _, text in ipairs(texts) do
    found[text] = desk.known[text]
    if not found[text] and not seen[text] then missing[#missing + 1], seen[text] = text, true end
  end
  look_up(desk, missing, found)
  local most = math.max(1, math.min(batch or BATCH, desk.limit))
  for _, text in ipairs(missing) do
    if not found[text] then jobs[text] = job_for(desk, text, most) end
  end
  for _, text in ipairs(missing) do
    local job = jobs[text]
    if job then
      job.task:await()
      found[text] = job.found[text]
    end
  end
  local list = {}
  for i, text in ipairs(texts) do list[i] = found[text] end
  return list
end

-- ---- the function ----------------------------------------------------------------

local function check_text(text, i)
  if var.is(text) then text = text:text() end
  if type(text) == "number" then text = core.number_text(text) end
  if type(text) ~= "string" or not text:find "%S" or core.utf8_error(text) then
    local what = type(text) ~= "string" and "is a " .. type(text)
      or text:find "%S" and "is not UTF-8" or "is empty"
    errors.raise("inval", ("lg.embed: text %d %s"):format(i, what), nil, 1)
  end
  return text
end

--- For the library: all that decides a vector besides its text.
---@param opts table as for lg.embed
---@return string
function embed.version(opts) return desk_of(opts).version end

--- For the library: vectors as bytes (single floats), in the order of the texts. Waits.
---@param texts string[]
---@param opts table as for lg.embed
---@return string[]
function embed.bytes(texts, opts)
  return fetch(desk_of(opts), texts, opts.batch)
end

--- The vectors of texts: a list of lists of numbers for a list, one list for one text. Waits.
---@param texts string|Var|table
---@param opts table { model = "openai/text-embedding-3-small", dimensions =, batch =, extra = }
---@return table
function embed.embed(texts, opts)
  opts = options.check(opts or {}, SPEC, "lg.embed", 2)
  if opts.batch and opts.batch < 1 or opts.dimensions and opts.dimensions < 1 then
    errors.refuse(opts.batch and opts.batch < 1 and "batch" or "dimensions",
      "lg.embed: dimensions and batch must be at least 1", nil, 2)
  end
  local one = type(texts) ~= "table"
  local list = {}
  local given = one and { texts } or texts
  for i = 1, #given do list[i] = check_text(given[i], i) end -- a metatable may make up more
  local bytes = embed.bytes(list, opts)
  local vectors = {}
  for i, b in ipairs(bytes) do vectors[i] = core.unpack_floats(b) end
  return one and vectors[1] or vectors
end

return embed
