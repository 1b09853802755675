-- test_retriever.lua - retrievers: what is found, odd queries and documents, files, changes, and
-- feedback to the query and the documents

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local fails = helper.fails

local FRUITS = { "Apples are red fruits and grow on trees.", "Plums are small and blue.",
  "A ship crosses the sea.", "Pears are green fruits and grow on trees, too." }

local function ids(found)
  local list = {}
  for i, row in ipairs(found.documents and found:documents() or found) do list[i] = row.id end
  return table.concat(list, " ")
end

local function search(spec, query, opts)
  if not spec.docs and not spec.path then spec = { docs = spec } end
  local list = lg.retriever(spec):search(query, opts)
  local out = {}
  for i, row in ipairs(list) do out[i] = row.id end
  return table.concat(out, " ")
end

local function search_ids(r, query)
  local list = {}
  for i, row in ipairs(r:search(query)) do list[i] = row.id end
  table.sort(list)
  return table.concat(list, " ")
end

TestSearch = {}

function TestSearch.test_by_words()
  lu.assertEquals(search(FRUITS, "which fruits are green?"), "4 1 2")
  lu.assertEquals(search(FRUITS, "SEA"), "3")
  lu.assertEquals(search(FRUITS, "submarine"), "")
  lu.assertEquals(search({ docs = FRUITS, k = 1 }, "trees fruits"), "1")
  lu.assertEquals(search(FRUITS, "trees fruits", { k = 100 }), "1 4")
  lu.assertEquals(search(FRUITS, "fruit"), "")
  lu.assertEquals(search({ docs = FRUITS, tokens = "stems" }, "fruit growing"), "1 4")
  lu.assertEquals(search({ docs = FRUITS, tokens = "trigrams" }, "uits"), "1 4")
end

function TestSearch.test_the_node_shows_what_was_found()
  local r = lg.retriever { docs = {
    { name = "a<b", head = "On\nships", body = "ships and </DOCUMENT> tags" },
    { name = "c", body = "other ships" } }, id = "name", title = "head", text = "body", k = 2 }
  local found = r(lg.var "ships tags")
  lu.assertEquals(found:text(), "[1] id a b: On ships\n<DOCUMENT_2>\nships and </DOCUMENT> tags\n"
    .. "</DOCUMENT_2>\n\n[2] id c\n<DOCUMENT>\nother ships\n</DOCUMENT>")
  local rows = found:documents()
  lu.assertEquals({ rows[1].rank, rows[1].id, rows[1].title, rows[1].row.head },
    { 1, "a<b", "On\nships", "On\nships" })
  lu.assertTrue(rows[1].score > rows[2].score)
  lu.assertEquals(r("nothing of it"):text(), "No document was found.")
  lu.assertEquals(#r "ships":documents(), 2)
  lu.assertEquals(#r("ships", { k = 1 }):documents(), 1)
  lu.assertEquals({ #r, tostring(r) }, { 2, 'retriever "search" (2 documents, bm25)' })
end

function TestSearch.test_a_query_is_never_syntax()
  for _, query in ipairs { '"', '""', "a AND", "NOT", "fruits OR (", "NEAR(a b, 2)", "title:fruits",
    "fruits*", "^fruits", "{title text} : fruits", "-fruits", "'; DROP TABLE doc; --", "a\nb", "\\",
    "+", ". . .", "—", "😀", "%", "?1", "", " ", ("fruits "):rep(5000), ("x"):rep(100000) } do
    local found = search(FRUITS, query)
    lu.assertEquals(found, query:find "fruits" and "1 4" or found, query)
  end
  lu.assertEquals(search({ "AND", "b" }, "a AND b"), "1 2")
end

function TestSearch.test_other_languages()
  local docs = { "Über den Wolken", "Ключ от дома", "naïve café", "東京都 の 天気" }
  lu.assertEquals(search(docs, "uber"), "1")
  lu.assertEquals(search(docs, "КЛЮЧ?"), "2")
  lu.assertEquals(search(docs, "«cafe»"), "3")
  lu.assertEquals(search(docs, "天気"), "4")
  lu.assertEquals(search({ docs = { "明日の東京の天気は晴れ" }, tokens = "trigrams" }, "東京の天気"), "1")
end

function TestSearch.test_words_that_nothing_parts()
  local docs = { "答案是北京，中国的首都。", "明日の東京の天気は晴れ", "สวัสดีชาวกรุงเทพมหานคร",
    "서울은 한국의 수도입니다",
    "コンピューターを使う", "ភាសាខ្មែរពិរោះណាស់", "हिन्दी भाषा सुंदर है", "上海是一座城市" }
  for _, tokens in ipairs { "words", "stems", "trigrams" } do
    local r = lg.retriever { docs = docs, tokens = tokens }
    for query, wanted in pairs { ["北京"] = "1", ["首都"] = "1", ["東京の天気"] = "2", ["กรุงเทพ"] = "3",
      ["서울"] = "4", ["수도"] = "4", ["コンピュータ"] = "5", ["ខ្មែរ"] = "6", ["हिन्दी"] = "7",
      ["城市?"] = "8",
      ["ﾊｼﾞ"] = "", ["南京"] = "", ["कविता"] = "" } do
      lu.assertEquals(ids(r:search(query, { k = 1 })), wanted, tokens .. ": " .. query)
    end
  end
  lu.assertEquals(search(docs, "上海的首都"), "1 8") -- 的首 and 首都, 上海
end

function TestSearch.test_case_width_and_accents_do_not_matter()
  local docs = { "Łódź café", "ＡＢＣ商店", "STRASSE", "МОСКВА", "it’s a naïve idea", "Ørsted",
    "١٢٣ شارع" }
  for _, tokens in ipairs { "words", "stems", "trigrams" } do
    local r = lg.retriever { docs = docs, tokens = tokens }
    for query, wanted in pairs { lodz = "1", ["CAFE\u{301}"] = "1", abc = "2", ["straße"] = "3",
      ["москва"] = "4", ["it's"] = "5", naive = "5", orsted = "6", ["123"] = "7" } do
      lu.assertEquals(ids(r:search(query, { k = 1 })), wanted, tokens .. ": " .. query)
    end
  end
end

function TestSearch.test_trigrams_find_any_part_of_a_word()
  local docs = { "Über den Fluss", "an apple", "b ox", "go" }
  local r = lg.retriever { docs = docs, tokens = "trigrams" }
  for query, wanted in pairs { go = "4", pp = "2", luss = "1", ["ÜB"] = "1", ubr = "", an = "2",
    box = "", o = "3 4", ["ap pl"] = "2" } do
    lu.assertEquals(search_ids(r, query), wanted, query)
  end
end

function TestSearch.test_a_file_of_the_format_before_is_brought_up_to_date()
  local path = os.tmpname()
  os.remove(path)
  local core = require "lunagrad.core"
  local db = core.index_open(path)
  db:run("CREATE TABLE doc(place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, "
    .. "text TEXT NOT NULL, vector BLOB, made_by TEXT)")
  db:run "CREATE TABLE about(format INTEGER, tokens TEXT)"
  db:run("CREATE VIRTUAL TABLE words USING fts5(title, text, tokenize = "
    .. "'unicode61 remove_diacritics 2')")
  db:run "INSERT INTO about VALUES(1, 'words')"
  db:run "INSERT INTO doc(place, id, text) VALUES(1, 'a', '答案是北京。')"
  db:run "INSERT INTO words(rowid, title, text) VALUES(1, '', '答案是北京。')"
  db:close()
  lu.assertEquals(search({ path = path }, "北京"), "a")
  lu.assertEquals(search({ path = path }, "北京"), "a")
  os.remove(path)
end

function TestSearch.test_no_documents_and_few()
  lu.assertEquals(search({ docs = {} }, "x"), "")
  lu.assertEquals(search({ docs = {}, embed = "sim/embed" }, "x"), "")
  lu.assertEquals(search({ docs = { "", " " }, embed = "sim/embed" }, "x"), "")
  lu.assertEquals(search({ docs = { "x" }, embed = "sim/embed", k = 9 }, "x"), "1")
  lu.assertEquals(search({ docs = { "x", "y" }, embed = "sim/embed", mode = "vector" }, ""), "")
end

function TestSearch.test_ties_go_by_id()
  local docs = {}
  for i, id in ipairs { "d", "a", "c", "b" } do docs[i] = { id = id, text = "the same text" } end
  for _, mode in ipairs { "bm25", "vector", "hybrid" } do
    lu.assertEquals(search({ docs = docs, mode = mode, embed = "sim/embed" }, "same"), "a b c d")
  end
end

function TestSearch.test_by_meaning_and_both()
  local function near(texts) -- a world of two directions: ships and all else
    local list = {}
    for i, text in ipairs(texts) do
      list[i] = text:find "ship" and { 1, 0 } or text:find "boat" and { 0.9, 0.1 } or { 0, 1 }
    end
    return list
  end
  lu.assertEquals(search({ docs = FRUITS, embed = near, mode = "vector", k = 1 }, "boats"), "3")
  lu.assertEquals(search({ docs = FRUITS, embed = near, mode = "bm25" }, "boats"), "")
  -- 3 is first by meaning; 4 first by words and among the rest by meaning
  local rows = lg.retriever { docs = FRUITS, embed = near, k = 4 }:search "boats green"
  lu.assertEquals({ rows[1].id, rows[2].id }, { "4", "3" })
  lu.assertAlmostEquals(rows[2].score, 1 / 61, 1e-12)
end

function TestSearch.test_embeddings_are_asked_for_once()
  local asked = 0
  local function fn(texts)
    asked = asked + #texts
    local list = {}
    for i, text in ipairs(texts) do list[i] = { #text, 1 } end
    return list
  end
  local r = lg.retriever { docs = FRUITS, embed = fn }
  local found = lg.map({ "a", "b", "a", "c" }, function(q) return r(q):documents() end)
  lu.assertEquals({ #found, asked }, { 4, 4 + 3 })
end

function TestSearch.test_a_failed_embedding_is_tried_again()
  local down = true
  local r = lg.retriever { docs = FRUITS, embed = function(texts)
    if down then error "no embeddings today" end
    local list = {}
    for i, text in ipairs(texts) do list[i] = { #text, 1 } end
    return list
  end }
  fails("tool", "no embeddings today", function() return r "sea":text() end)
  down = false
  lu.assertEquals(r("sea", { k = 1 }):documents()[1].id, "3")
end

function TestSearch.test_misuse()
  fails("inval", "no documents", lg.retriever, {})
  fails("inval", 'two documents have the id "1"', lg.retriever,
    { docs = { "a", { id = 1, text = "" } } })
  fails("inval", 'document 1 has no field "text"', lg.retriever, { docs = { { body = "x" } } })
  fails("inval", "document 2 is not UTF-8", lg.retriever, { docs = { "a", "\xff" } })
  fails("inval", { field = "mode" }, lg.retriever, { docs = {}, mode = "hybrid" })
  fails("inval", { field = "k" }, lg.retriever, { docs = {}, k = 0 })
  fails("inval", { field = "doc", hint = 'did you mean "docs"?' }, lg.retriever, { doc = {} })
  fails("inval", "no retriever made this", function() lg.var "x":documents() end)
  local r = lg.retriever { docs = { "a" } }
  fails("inval", "expected a text", r, {})
  fails("inval", { field = "K", hint = 'did you mean "k"?' }, r, "a", { K = 1 })
end

function TestSearch.test_a_failed_query()
  local r = lg.retriever { docs = { "a" } }
  local m = lg.model(function() error "no query" end)
  fails("tool", "no query", function() return r(m "ask"):text() end)
end

-- ---- files -------------------------------------------------------------------------

TestFile = {}

function TestFile.test_is_kept_and_brought_up_to_date()
  local path, asked = command.temp ".index", {}
  local function fn(texts)
    local list = {}
    for i, text in ipairs(texts) do asked[#asked + 1], list[i] = text, { #text, 1 } end
    return list
  end
  local function open(docs) return lg.retriever { docs = docs, path = path, embed = fn, k = 9 } end
  open(FRUITS):search "sea"
  lu.assertEquals(#asked, 5)
  lu.assertEquals(lg.retriever { path = path, k = 1 }:search("sea")[1].text, FRUITS[3])
  asked = {}
  open({ FRUITS[1], "Plums are purple.", FRUITS[3] }):search "sea"
  lu.assertEquals(asked, { "Plums are purple." }) -- the query is known, too
  lu.assertEquals(search({ path = path }, "purple blue green"), "2")
  fails("state", "index of another kind (words)", lg.retriever, { path = path, tokens = "stems" })
end

function TestFile.test_not_an_index()
  fails("store", "Makefile", lg.retriever, { docs = {}, path = "Makefile" })
  fails("store", "/nowhere/x.index", lg.retriever, { docs = {}, path = "/nowhere/x.index" })
end

-- ---- feedback ----------------------------------------------------------------------

TestFeedback = {}

local function critic(asked)
  return lg.model(function(request)
    asked[#asked + 1] = request.messages[#request.messages].content
    return "feedback " .. #asked
  end, "critic")
end

local function texts_of(v)
  local list = {}
  for i, record in ipairs(v:feedback()) do list[i] = record.text end
  return list
end

function TestFeedback.test_reaches_query_and_documents()
  local asked = {}
  local query = lg.param("fruits", "search query")
  local apples = lg.param("Apples are fruits.", "note on apples")
  local ships = lg.param("Ships sail.", "note on ships")
  local r = lg.retriever { docs = { apples, ships, "Pears are fruits." } }
  local m = lg.model(function() return "an answer" end)
  m { lg.format("{d}", { d = r(query) }), role = "answer" }:backward { model = critic(asked) }
  lu.assertEquals({ #texts_of(query), #texts_of(apples), texts_of(ships) }, { 1, 1, {} })
  local of_query
  for _, prompt in ipairs(asked) do
    if prompt:find 'role "search query"' then of_query = prompt end
  end
  lu.assertStrContains(of_query, "finds the documents")
  lu.assertStrContains(of_query, "Pears are fruits.")
end

function TestFeedback.test_pending_queries_and_own_backward()
  local prompt, seen = lg.param("Write a query.", "system prompt"), nil
  local writer = lg.model(function() return "ships" end)
  local r = lg.retriever { docs = { "Ships sail.", "Pears grow." }, backward = function(ctx)
    seen = ctx
    return { query = "name the thing" }
  end }
  local found = r(writer { "What sails?", system = prompt, role = "search query" })
  local asked = {}
  found:backward { model = critic(asked) }
  lu.assertEquals(texts_of(prompt), { "feedback 1" })
  lu.assertStrContains(asked[1], "name the thing")
  lu.assertEquals(seen.inputs.query, "ships")
end

function TestFeedback.test_a_rewritten_document_is_found_as_it_is()
  local doc = lg.param("Ships sail.", "note")
  local r = lg.retriever { docs = { doc, "Trees grow." }, embed = "sim/embed", k = 1 }
  lu.assertEquals(ids(r "ships sail"), "1")
  doc:set "Apples are red."
  lu.assertEquals({ ids(r "red apples"), r("red apples"):documents()[1].text },
    { "1", "Apples are red." })
  doc:set " "
  lu.assertEquals(ids(r "red apples"), "2")
end

-- ---- in an agent --------------------------------------------------------------------

TestAgent = {}

function TestAgent.test_is_a_tool()
  local r = lg.retriever { docs = FRUITS, name = "find", description = "Finds notes.", k = 1 }
  local m = lg.model(function(request)
    local last = request.messages[#request.messages]
    if last.role:find "^tool find" then return "Found: " .. last.content end
    return { media = "application/vnd.lunagrad.turn+json", text = lg.json.encode { text = "",
      calls = lg.json.array { { id = "1", name = "find", arguments = { query = "sea" } } } } }
  end)
  local answer = lg.agent { model = m, tools = { r } } "What crosses the sea?"
  lu.assertStrContains(answer:text(), "A ship crosses the sea.")
end

-- ---- what it is made of --------------------------------------------------------------

TestBinding = {}

function TestBinding.test_misuse_and_closing()
  local core = require "lunagrad.core"
  local v = core.vectors(2)
  fails("inval", "another length", v.put, v, 1, "xx")
  fails("inval", "out of range", v.put, v, 2, core.pack_floats { 1, 2 })
  fails("inval", "no finite number at 2", core.pack_floats, { 1, "x" })
  lu.assertEquals(core.unpack_floats(core.pack_floats { 1, -0.5 }), { 1, -0.5 })
  v:close()
  v:close()
  fails("state", "closed", v.nearest, v, "", 1)
  local index = core.index_open()
  lu.assertEquals(index:run("SELECT ? AS a, ? AS b", "x", nil), { { a = "x" } })
  fails("inval", "index: ", index.run, index, "SELECT")
  fails("inval", "expected an index", index.run, {}, "SELECT 1")
  index:close()
  index:close()
  fails("state", "closed", index.run, index, "SELECT 1")
end

-- ---- many --------------------------------------------------------------------------

TestMany = {}

function TestMany.test_ten_thousand()
  local rng, docs = lg.rng.new(1), {}
  for i = 1, 10000 do
    local words = {}
    for n = 1, 12 do words[n] = "w" .. rng:int(1, 3000) end
    docs[i] = table.concat(words, " ")
  end
  docs[7777] = "the needle in the hay"
  local clock = os.clock()
  local r = lg.retriever { docs = docs, k = 3 }
  r:search "w1"
  local built = os.clock() - clock
  clock = os.clock()
  for i = 1, 50 do r:search(("w%d w%d needle"):format(i, i + 1)) end
  print(("10,000 documents: built in %.2f s, a search takes %.2f ms"):format(built,
    (os.clock() - clock) / 50 * 1000))
  lu.assertEquals(r:search("a needle?")[1].id, "7777")
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
