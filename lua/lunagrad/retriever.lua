--- lg.retriever: finds the documents that fit a query, as a node of the graph.
--
-- By words (BM25 of SQLite's FTS5), by meaning (cosine of embeddings, an exact scan) or by both
-- (reciprocal rank fusion). Documents are texts, or variables: of those that lg.param made and
-- that were found the node has them as inputs, so feedback on what was found reaches the query and
-- them, and one that an optimizer rewrote is indexed anew before the next search. Words are
-- lg.text's, so that texts without blanks between them are found, too. Ties go by id:
-- the same documents and query find the same. Pieces of a query are words to look for, never
-- FTS5's syntax.

local core = require "lunagrad.core"
local embed = require "lunagrad.embed"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local promise = require "lunagrad.promise"
local layer = require "lunagrad.text"
local field_of = require("lunagrad.row").get
local queries = require "lunagrad.book.queries"
local var = require "lunagrad.var"

local retriever = {}

-- Of each retriever, and nobody's to reach: a script in a host must not write statements.
local books = setmetatable({}, { __mode = "k" })    -- its database
local matrices = setmetatable({}, { __mode = "k" }) -- its vectors, if it has any

local SPEC = {
  docs = "table?", text = { type = "string", default = "text" },
  id = { type = "string", default = "id" }, title = { type = "string", default = "title" },
  k = { type = "integer", default = 5 },
  mode = { type = "string", one_of = { "bm25", "vector", "hybrid" } },
  embed = "any", dimensions = "integer?", path = "string?",
  name = { type = "string", default = "search" },
  role = { type = "string", default = "documents found" },
  tokens = { type = "string", one_of = { "words", "stems", "trigrams" }, default = "words" },
  description = { type = "any",
    default = "Searches the documents and returns those that fit best." },
  purpose = "string?", backward = "function?",
}

local RRF = 60              -- of reciprocal rank fusion: 1 / (RRF + rank)
local DEPTH = 100           -- at least so many of each list are fused
local MOST_WORDS = 128      -- of a query that are looked for
local FORMAT = 2            -- of the tables; 1 held texts as they are
local GAP = "\u{A78F}"      -- between words that are cut into letters: no query holds it

-- ---- words -----------------------------------------------------------------------

-- The letters of a word, two by two, and the last one: any part of the word is found as a phrase of
-- them, a letter alone by how one of them begins.
local function in_twos(word)
  local list, before = {}, nil
  for c in word:gmatch(utf8.charpattern) do
    if before then list[#list + 1] = before .. c end
    before = c
  end
  return table.concat(list, " "), before
end

-- A text as FTS5 gets it: without case and accents, cut into words; where nothing parts words, into
-- single characters, which are found as phrases.
local function indexed(text, tokens)
  if tokens ~= "trigrams" then return core.cut(layer.search(text)) end
  local list, _, kinds = core.words(layer.search(text), true)
  for i, word in ipairs(list) do
    if kinds:sub(i, i) ~= "p" then
      local twos, last = in_twos(word)
      list[i] = ("%s %s %s"):format(twos, last, GAP)
    end
  end
  return table.concat(list, " ")
end

local function phrase(text) return '"' .. text:gsub('"', '""') .. '"' end

-- A query's words, each as a string of FTS5's: no character in them means anything to it. Where
-- nothing parts words, each two characters that stand side by side.
local function match_of(text, tokens)
  local words, starts, kinds = core.words(layer.search(text), true)
  local list, seen = {}, {}
  local function add(one)
    if not seen[one] and #list < MOST_WORDS then
      seen[one], list[#list + 1] = true, one
    end
  end
  local paired = false -- with the one before
  for i, word in ipairs(words) do
    local is_piece = kinds:sub(i, i) == "p"
    local goes_on = is_piece and starts[i + 1] == starts[i] + #word
      and kinds:sub(i + 1, i + 1) == "p"
    if goes_on then
      add(phrase(word .. " " .. words[i + 1]))
    elseif not is_piece and tokens == "trigrams" then
      local twos, last = in_twos(word)
      add(twos ~= "" and phrase(twos) or phrase(last) .. "*")
    elseif not paired then
      add(phrase(word))
    end
    paired = goes_on
  end
  return #list > 0 and table.concat(list, " OR ") or nil
end

-- ---- documents -------------------------------------------------------------------

local function check_text(text, what, where)
  if type(text) ~= "string" and type(text) ~= "number" then
    errors.raise("inval", ("%s: %s is no text but a %s"):format(where, what, type(text)), nil, 4)
  elseif core.utf8_error(tostring(text)) then
    errors.raise("inval", ("%s: %s is not UTF-8"):format(where, what), nil, 4)
  end
  return type(text) == "number" and core.number_text(text) or tostring(text)
end

-- A text, a variable, or a row that has one of them in the field `text`.
local function read_doc(self, given, i, spec)
  local where = self.where
  local row = type(given) == "table" and given or nil
  local content = given
  if row then content = field_of(row, spec.text) end
  if content == nil then
    local field = spec.text
    errors.refuse(field, ("%s: document %d has no field %q"):format(where, i, field),
      'text = "…" names the field of a row that is its text', 4)
  end
  local doc = { place = i, row = given }
  local id = row and field_of(row, spec.id)
  doc.id = check_text(id == nil and i or id, ("the id of document %d"):format(i), where)
  local title = row and field_of(row, spec.title)
  if title ~= nil then
    doc.title = check_text(title, ("the title of document %d"):format(i), where)
  end
  if var.is(content) then
    doc.var = content
  else
    doc.text = check_text(content, ("document %d"):format(i), where)
  end
  return doc
end

local function read_docs(self, list, spec)
  for i = 1, #list do
    local doc = read_doc(self, list[i], i, spec)
    if self.by_id[doc.id] then
      errors.raise("inval", ("%s: two documents have the id %q"):format(self.where, doc.id),
        'give each its own: id = "…" names the field', 3)
    end
    self.docs[i], self.by_id[doc.id] = doc, doc
    if doc.var then self.live[#self.live + 1] = doc end
  end
end

-- What an earlier process left in the file, when no documents were given.
local function read_stored(self)
  for _, row in ipairs(books[self]:run(queries.docs)) do
    local doc = { place = row.place, id = row.id, title = row.title, text = row.text }
    doc.row = { id = doc.id, title = doc.title, text = doc.text }
    self.docs[doc.place], self.by_id[doc.id] = doc, doc
  end
end

-- ---- the index -------------------------------------------------------------------

-- fn may not wait: others use the database, too.
local function in_transaction(db, fn)
  db:run(queries.begin)
  local ok, problem = pcall(fn)
  db:run(ok and queries.commit or queries.rollback)
  if not ok then error(problem, 0) end
end

local function make_words(self)
  books[self]:run(queries.make_words(self.tokens == "stems"))
end

local function put_words(self, place, title, text)
  title = title and title ~= "" and indexed(title, self.tokens) or ""
  books[self]:run(queries.put_words, place, title, indexed(text, self.tokens))
end

-- A file of the format before: its words are made anew, its vectors stay.
local function renew(self)
  books[self]:run(queries.drop_word_table)
  make_words(self)
  for _, row in ipairs(books[self]:run(queries.docs)) do
    put_words(self, row.place, row.title, row.text)
  end
  books[self]:run(queries.set_format, FORMAT)
end

local function open(self, path, tokens)
  self.tokens = tokens
  books[self] = core.index_open(path)
  local there = books[self]:run(queries.table_named, "about")
  if #there > 0 then
    local about = books[self]:run(queries.about)[1] or {}
    if (about.format ~= FORMAT and about.format ~= 1) or about.tokens ~= tokens then
      errors.raise("state", ("%s: %s is an index of another kind (%s)"):format(self.where, path,
        tostring(about.tokens)), "name another file, or remove this one", 3)
    elseif about.format ~= FORMAT then
      in_transaction(books[self], function() renew(self) end)
    end
    return
  elseif #books[self]:run(queries.tables) > 0 then
    errors.raise("state", ("%s: %s is another program's database"):format(self.where, path),
      "name another file", 3)
  end
  in_transaction(books[self], function()
    for _, sql in ipairs(queries.make_index) do books[self]:run(sql) end
    make_words(self)
    books[self]:run(queries.put_about, FORMAT, tokens)
  end)
end

local function put(self, doc, text)
  local db = books[self]
  db:run(queries.drop_words, doc.place)
  db:run(queries.put_doc, doc.place, doc.id, doc.title, text)
  put_words(self, doc.place, doc.title, text)
end

-- The file holds what was given, and no more; what is the same already stays as it is.
local function sync(self)
  local stored = {}
  for _, row in ipairs(books[self]:run(queries.docs)) do
    local doc = self.docs[row.place]
    if doc and doc.id == row.id then
      stored[row.place] = row
    else
      books[self]:run(queries.drop_doc, row.place)
      books[self]:run(queries.drop_words, row.place)
    end
  end
  for place, doc in ipairs(self.docs) do
    local row = stored[place]
    if not row or row.text ~= doc.text or row.title ~= doc.title then put(self, doc, doc.text) end
  end
end

-- Documents that are variables, as they are now: place → text of those that changed. Waits.
local function read_live(self)
  local changed = {}
  for _, doc in ipairs(self.live) do
    local text = doc.var:text()
    if doc.text ~= text then changed[#changed + 1] = { doc, text } end
  end
  return changed
end

local function has_changed(self)
  for _, doc in ipairs(self.live) do
    if doc.var:raw_text() ~= doc.text then return true end
  end
  return false
end

local function set_vector(self, doc, bytes)
  local size = #bytes // 4
  if not matrices[self] then
    self.size, matrices[self], self.n_rows = size, core.vectors(size), 0
  elseif self.size ~= size then
    errors.raise("state", ("%s: a vector has %d numbers, others have %d"):format(self.where, size,
      self.size), nil, 0)
  end
  local row = doc.vector_row or self.n_rows + 1
  if not matrices[self]:put(row, bytes) then -- it has no direction
    matrices[self]:drop(row)
  elseif not doc.vector_row then
    self.n_rows, doc.vector_row, self.doc_of_row[row] = row, row, doc
  end
end

local function with_title(doc)
  return doc.title and doc.title ~= "" and doc.title .. "\n" .. doc.text or doc.text
end

-- The vectors of these documents: those in the file, then those that must be asked for.
local function add_vectors(self, docs)
  local made_by = self.embedder
  local wanted, texts = {}, {}
  for _, doc in ipairs(docs) do
    local row = books[self]:run(queries.vector, doc.place, made_by)[1]
    if row and row.vector then
      set_vector(self, doc, row.vector)
    elseif with_title(doc):find "%S" then
      wanted[#wanted + 1], texts[#texts + 1] = doc, with_title(doc)
    elseif doc.vector_row then
      matrices[self]:drop(doc.vector_row)
    end
  end
  if #texts == 0 then return end
  local list = embed.bytes(texts, self.embed)
  in_transaction(books[self], function()
    for i, doc in ipairs(wanted) do
      set_vector(self, doc, list[i])
      books[self]:run(queries.set_vector, list[i], made_by, doc.place)
    end
  end)
end

local function refresh(self)
  local changed, docs = read_live(self), {}
  in_transaction(books[self], function()
    for i, one in ipairs(changed) do
      docs[i] = one[1]
      if self.synced then put(self, one[1], one[2]) end
    end
    if not self.synced then
      for _, one in ipairs(changed) do one[1].text = one[2] end
      if self.given then sync(self) end
    end
  end)
  for _, one in ipairs(changed) do one[1].text = one[2] end
  if not self.up_to_date then docs = self.docs end
  self.synced, self.up_to_date = true, false -- until all have their vectors
  if self.embed then add_vectors(self, docs) end
  self.up_to_date = true
end

-- One task at a time brings the index up to date; who comes meanwhile waits and looks again.
local function update(self)
  while self.updating do self.updating:await() end
  if self.up_to_date and not has_changed(self) then return end
  self.updating = loop.spawn(refresh, { serves = true, scope = false }, self)
  self.updating.after = function() self.updating = nil end
  self.updating:await()
end

-- ---- searching -------------------------------------------------------------------

local function sorted(list)
  table.sort(list, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return a.doc.id < b.doc.id
  end)
  return list
end

local function by_words(self, text, depth)
  local match, list = match_of(text, self.tokens), {}
  if not match then return list end
  local rows = books[self]:run(queries.match, match, depth)
  for _, row in ipairs(rows) do
    local doc = self.docs[row.place] -- nil: another process has put it into the file since
    if doc then list[#list + 1] = { doc = doc, score = row.score } end
  end
  return sorted(list)
end

local function by_vector(self, text, depth)
  local list = {}
  if not matrices[self] or not text:find "%S" then return list end
  local query = embed.bytes({ text }, self.embed)[1]
  local rows, scores = matrices[self]:nearest(query, depth)
  for i, row in ipairs(rows) do list[i] = { doc = self.doc_of_row[row], score = scores[i] } end
  return sorted(list)
end

local function fuse(lists)
  local found, by_doc = {}, {}
  for _, list in ipairs(lists) do
    for rank, hit in ipairs(list) do
      local one = by_doc[hit.doc]
      if not one then
        one = { doc = hit.doc, score = 0.0 }
        by_doc[hit.doc], found[#found + 1] = one, one
      end
      one.score = one.score + 1 / (RRF + rank)
    end
  end
  return sorted(found)
end

local function search(self, text, k)
  local depth = math.max(DEPTH, 4 * k)
  local found
  if self.mode == "bm25" then
    found = by_words(self, text, depth)
  elseif self.mode == "vector" then
    found = by_vector(self, text, depth)
  else
    found = fuse { by_words(self, text, depth), by_vector(self, text, depth) }
  end
  local rows = {}
  for i = 1, math.min(k, #found) do
    local doc = found[i].doc
    rows[i] = { rank = i, score = found[i].score, id = doc.id, title = doc.title, text = doc.text,
      row = doc.row, var = doc.var }
  end
  return rows
end

-- ---- the node --------------------------------------------------------------------

local NOTHING = "No document was found."

local function plain(text) return (text:gsub("[%c<>]", " ")) end

-- Numbered, with ids, each between tags that its own text cannot close.
local function shown(rows)
  local parts = {}
  for i, row in ipairs(rows) do
    local head = ("[%d] id %s"):format(i, plain(row.id))
    if row.title and row.title ~= "" then head = head .. ": " .. plain(row.title) end
    local text, tag = row.text, "DOCUMENT"
    local n = 1
    while text:find("</?" .. tag .. ">") do
      n = n + 1
      tag = "DOCUMENT_" .. n
    end
    parts[i] = ("%s\n<%s>\n%s\n</%s>"):format(head, tag, text, tag)
  end
  return #parts > 0 and table.concat(parts, "\n\n") or NOTHING
end

local rows_of = setmetatable({}, { __mode = "k" })  -- answer → what was found
local pending = {}                                  -- id of a tool's node → its text

local PURPOSE = {
  bm25 = "finds the documents of a collection that fit the query best, by the words that both "
    .. "have: rare words count most, words in no document count nothing",
  vector = "finds the documents of a collection that are nearest to the query in meaning",
  hybrid = "finds the documents of a collection that fit the query best, by the words that both "
    .. "have and by meaning",
}

local function tool_of(self)
  if not self.tool then
    self.tool = var.tool { name = self.name, purpose = self.purpose, role = self.role,
      backward = self.backward, run = function()
        return pending[loop.context().node]
      end }
  end
  return self.tool
end

-- The node: the query, and those found that can learn, are its inputs.
local function node(self, query, rows)
  local names, vars = { "query" }, { query }
  for _, row in ipairs(rows) do
    if row.var and row.var.requires_grad then
      names[#names + 1], vars[#vars + 1] = "document " .. plain(row.id), row.var
    end
  end
  local made = loop.own(core.tool_call(loop.engine(), tool_of(self).core, names, vars,
    self.role))
  pending[made:id()] = shown(rows)
  return made
end

local Retriever = {}
Retriever.__index = Retriever
Retriever.__name = "lunagrad.retriever"

local function check_k(k, where)
  if k and k < 1 then errors.refuse("k", where .. ": k must be at least 1", nil, 3) end
  return k
end

--- Find documents: retriever(query, { k = 3 }). A pending variable whose text holds them, fenced
--- and numbered; found:documents() are the rows.
---@param query string|Var
---@param opts? table { k = integer }
function Retriever:__call(query, opts)
  opts = options.check(opts or {}, { k = "integer?" }, self.where, 2)
  local k = check_k(opts.k, self.where) or self.k
  query = var.lift(query, "search query", self.where, 2)
  local leads = retriever.leads(self)
  leads[#leads + 1] = query
  return promise.make(leads, self.role, function(answer)
    if not promise.settled(query) then return query end
    update(self)
    local rows = search(self, query:raw_text(), k)
    rows_of[answer] = rows
    local made = node(self, query, rows)
    promise.settled(made)
    pending[made:id()] = nil -- also when nobody wanted it any more
    return made
  end)
end

--- The rows alone, without a node: for measuring. Waits.
---@param query string|Var
---@param opts? table { k = integer }
---@return table[]
function Retriever:search(query, opts)
  opts = options.check(opts or {}, { k = "integer?" }, self.where, 2)
  local text = var.lift(query, "search query", self.where, 2):text()
  update(self)
  return search(self, text, check_k(opts.k, self.where) or self.k)
end

require("lunagrad.signatures").methods(Retriever, "retriever", "lunagrad.retriever",
  { search = {} })

function Retriever:__len() return #self.docs end

function Retriever:__tostring()
  return ("retriever %q (%d documents, %s)"):format(self.name, #self.docs, self.mode)
end

local function check_mode(spec)
  if spec.mode and spec.mode ~= "bm25" and spec.embed == nil then
    errors.refuse("mode", ("lg.retriever: the mode %q needs a model that embeds"):format(spec.mode),
      'embed = "openai/text-embedding-3-small", or "sim/embed"', 3)
  elseif spec.docs == nil and spec.path == nil then
    errors.raise("inval", "lg.retriever: no documents", "give docs = {…}, or the path of an index",
      3)
  end
  check_k(spec.k, "lg.retriever")
end

--- A retriever over documents: lg.retriever{ docs = { "…", … } }.
---@param spec table { docs = list of texts, variables or rows; text, id, title: names of a row's
--- fields; k = 5; mode = "bm25"|"vector"|"hybrid"; embed = model, dimensions; tokens =
--- "words"|"stems"|"trigrams"; path = file; name, description, purpose, role, backward }
function retriever.new(spec)
  spec = options.check(spec, SPEC, "lg.retriever", 2)
  check_mode(spec)
  local name = spec.name
  local mode = spec.mode or spec.embed ~= nil and "hybrid" or "bm25"
  local self = setmetatable({ name = name, where = ("retriever %q"):format(name), mode = mode,
    k = spec.k, role = spec.role, docs = {}, by_id = {}, live = {},
    given = spec.docs ~= nil, purpose = spec.purpose or PURPOSE[mode], backward = spec.backward,
    description = spec.description,
    parameters = { query = "string" }, doc_of_row = {} }, Retriever)
  self.run = function(args) return self(args.query) end
  if mode ~= "bm25" then
    self.embed = { model = spec.embed, dimensions = spec.dimensions }
    self.embedder = embed.version(self.embed)
  end
  if spec.docs then read_docs(self, spec.docs, spec) end
  open(self, spec.path, spec.tokens)
  if not spec.docs then read_stored(self) end
  return self
end

--- Whether it is a retriever.
---@param x any
---@return boolean
function retriever.is(x) return getmetatable(x) == Retriever end

--- The documents that feedback on what it finds may reach.
---@param self table
---@return Var[]
function retriever.leads(self)
  local list = {}
  for _, doc in ipairs(self.live) do
    if doc.var.requires_grad then list[#list + 1] = doc.var end
  end
  return list
end

--- The rows behind what a retriever returned, the best first: { rank, score, id, title, text, row,
--- var }. Waits.
---@param v Var
---@return table[]
function retriever.documents(v)
  loop.await(v)
  return rows_of[v] or errors.raise("inval", "documents: no retriever made this variable", nil, 1)
end

return retriever
