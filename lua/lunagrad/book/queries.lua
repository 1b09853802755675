--- Every statement that the library and the command put to a store, and to the index of a
-- retriever, by name. Nothing else in Lua holds SQL (the lint says so): a store of another kind
-- needs this file in its own words. What a table means is in docs/internals/store.md.
--
-- A text takes its parameters where it has "?". A function gives a text: `where` and lists of ids
-- are made here, too, and hold nothing that a person typed.

local queries = {}

-- ---- what a run writes (book/record.lua) -----------------------------------------------

queries.describe_run = "UPDATE run SET script = ?, args = ?, seed = ? WHERE id = ?"
queries.score_run = "UPDATE run SET best_score = ?, seed_score = ? WHERE id = ?"
queries.put_search = "INSERT INTO searches (id, run_id, number, kind, method, names, options, seed,"
  .. " started_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
queries.describe_search = "UPDATE searches SET options = ? WHERE id = ?"
queries.score_search = "UPDATE searches SET seed_score = ?, best_score = ?, best_idx = ?"
  .. " WHERE id = ?"
queries.end_search = "UPDATE searches SET ended_us = ?, stopped = ?, seed_score = ?,"
  .. " best_score = ?, best_idx = ?, claim = ? WHERE id = ?"
queries.demote_candidate = "UPDATE candidates SET is_best = 0 WHERE search_id = ? AND idx = ?"
queries.rescore_candidate = "UPDATE candidates SET score = ?, is_best = ? WHERE search_id = ?"
  .. " AND idx = ?"
queries.put_candidate = "INSERT INTO candidates (run_id, search_id, idx, iteration, parents, texts,"
  .. " score, is_best, operator, proposal, words, created_us)"
  .. " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
queries.put_proposal = "INSERT INTO proposals (run_id, search_id, number, iteration, parent_idx,"
  .. " parents, operator, accepted, reason, before, after, gain, texts, feedback, batch, race,"
  .. " calls, tokens, created_us)"
  .. " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
queries.put_gradient = "INSERT INTO gradients (id, run_id, search_id, iteration, param, text,"
  .. " source_example, from_role, score) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
queries.put_edit = "INSERT INTO edits (run_id, search_id, iteration, param, before, after,"
  .. " gradient_ids) VALUES (?, ?, ?, ?, ?, ?, ?)"
queries.put_replacement = "INSERT INTO replacements (run_id, search_id, iteration, param, number,"
  .. " find, put, problem) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

local function rows_of(n, row) return (row .. ", "):rep(n - 1) .. row end

--- So many answers. Parameters: number and text of each.
---@param n integer
function queries.put_outputs(n)
  return "INSERT INTO outputs (id, text) VALUES " .. rows_of(n, "(?, ?)")
end

queries.SCORE_COLUMNS = 9 -- of each row of put_scores

--- So many scores. Parameters: the run; of each its search, candidate, proposal, split, phase,
--- example, score, output and objectives.
---@param n integer
function queries.put_scores(n)
  return "INSERT INTO scores (run_id, search_id, candidate_idx, proposal, split, phase, example,"
    .. " score, output_id, objectives) VALUES "
    .. rows_of(n, "(?1, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
end

queries.put_set = "INSERT INTO sets (run_id, search_id, split, number, rows)"
  .. " VALUES (?, ?, ?, ?, ?)"
queries.EXAMPLE_COLUMNS = 3 -- of each row of put_examples

--- So many examples. Parameters: the run, the number of the set; of each its number, its
--- input and what is right.
---@param n integer
function queries.put_examples(n)
  return "INSERT INTO examples (run_id, set_number, example, input, target) VALUES "
    .. rows_of(n, "(?1, ?2, ?, ?, ?)")
end

queries.put_graph = "INSERT INTO graphs (run_id, search_id, candidate_idx, proposal, split,"
  .. " example, score, graph) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

-- ---- runs --------------------------------------------------------------------------------

queries.run_of_id = "SELECT * FROM run WHERE id = ?"
queries.runs_of_name = "SELECT * FROM run WHERE name = ? ORDER BY id"
--- The starts of a name since it last ended well. Parameters: the name, twice.
queries.runs_since_done = "SELECT * FROM run WHERE name = ? AND id > (SELECT coalesce(max(id), 0)"
  .. " FROM run WHERE name = ? AND state = 'done')"
queries.run_names = "SELECT DISTINCT name FROM run ORDER BY id DESC LIMIT 200"
--- The newest, with how many of their replies have no price. Parameter: how many.
queries.newest_runs = "SELECT run.*, (SELECT count(*) FROM reply WHERE run_id = run.id AND"
  .. " unpriced = 1) + (SELECT count(*) FROM attempt WHERE run_id = run.id AND"
  .. " input IS NOT NULL AND micros IS NULL) AS unpriced FROM run ORDER BY id DESC LIMIT ?"

--- "(1, 2, 3)"
---@param rows table of {id}
local function ids(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = ("%d"):format(row.id) end
  return "(" .. table.concat(list, ", ") .. ")"
end

--- Of these runs, as a condition on a table with a run_id.
---@param rows table of {id}
function queries.of_runs(rows) return "run_id IN " .. ids(rows) end

-- ---- what a run has to show (cli/show.lua) -------------------------------------------------

local PAID = "SELECT kind, model, count(*) AS calls, sum(input) AS input, sum(cached) AS cached,"
  .. " sum(cache_write) AS cache_write, sum(output) AS output, sum(reasoning) AS reasoning,"
  .. " sum(micros) AS micros, sum(unpriced) AS unpriced FROM reply WHERE %s GROUP BY kind, model"
-- Of replies that are deleted by now.
local FORGOTTEN = " UNION ALL SELECT kind, model, calls, input, cached, cache_write, output,"
  .. " reasoning, micros, unpriced FROM forgotten WHERE %s"

--- What these runs paid, by role and model.
---@param where string of_runs
---@param forgotten boolean the store has that table
function queries.ledger(where, forgotten)
  return "SELECT kind, model, sum(calls) AS calls, sum(input) AS input, sum(cached) AS cached,"
    .. " sum(cache_write) AS cache_write, sum(output) AS output, sum(reasoning) AS reasoning,"
    .. " sum(micros) AS micros, sum(unpriced) AS unpriced FROM (" .. PAID:format(where)
    .. (forgotten and FORGOTTEN:format(where) or "") .. ") GROUP BY kind, model ORDER BY kind,"
    .. " model"
end

--- Replies that no call got: refused by a filter, ended before a word, bought twice. What they were
--- asked is not kept, so they have no role and no model.
function queries.useless(where)
  return "SELECT 'useless' AS kind, count(*) AS calls, sum(input) AS input, 0 AS cached,"
    .. " 0 AS cache_write, sum(output) AS output, 0 AS reasoning, sum(micros) AS micros,"
    .. " sum(micros IS NULL) AS unpriced FROM attempt WHERE " .. where
    .. " AND (input IS NOT NULL OR micros IS NOT NULL)"
end

function queries.failures(where)
  return "SELECT code, count(*) AS n, sum(micros) AS micros FROM attempt WHERE " .. where
    .. " GROUP BY code ORDER BY n DESC, code"
end

--- Whether a run has records. Parameters: its id, twice.
queries.count_records = "SELECT (SELECT count(*) FROM candidates WHERE run_id = ?) + (SELECT"
  .. " count(*) FROM scores WHERE run_id = ?) AS n"
--- In the order they began. Stores of older versions lack the table.
queries.searches = "SELECT * FROM searches WHERE run_id = ? ORDER BY id"
queries.candidates = "SELECT * FROM candidates WHERE run_id = ? ORDER BY id"
queries.proposals = "SELECT * FROM proposals WHERE run_id = ? ORDER BY id"
--- Means of what was evaluated outside of a training's own proposals.
queries.mean_scores = "SELECT phase, count(*) AS n, avg(score) AS mean FROM scores WHERE"
  .. " run_id = ? AND (candidate_idx IS NULL OR phase LIKE 'comparison %')"
  .. " AND phase NOT LIKE 'proposal %'"
  .. " AND phase NOT LIKE 'training %, proposal %' GROUP BY phase ORDER BY min(rowid)"

-- ---- export (cli/export.lua) -----------------------------------------------------------------

--- A page of a table's rows, in the order they were written. Parameter: the row_number after which.
---@param name string the table
---@param where string
---@param rows integer
function queries.page(name, where, rows)
  return ("SELECT rowid AS row_number, * FROM %s WHERE %s AND rowid > ? ORDER BY rowid LIMIT %d")
    :format(name, where, rows)
end

--- The same of scores, with what was answered.
function queries.page_of_scores(where, rows)
  return ("SELECT s.rowid AS row_number, s.*, o.text AS output FROM scores s LEFT JOIN outputs o"
    .. " ON o.id = s.output_id WHERE %s AND s.rowid > ? ORDER BY s.rowid LIMIT %d")
    :format(where, rows)
end

queries.all = "1" -- as a condition

--- What the candidates of a search got on the validation set, a page of it. Parameters: the run,
--- the search, the id after which.
queries.validations = "SELECT id, candidate_idx, example, score FROM results WHERE run_id = ? AND"
  .. " search_id = ? AND split = 'validation' AND candidate_idx IS NOT NULL AND id > ?"
  .. " ORDER BY id LIMIT 1000"
--- How many evaluations each proposal took (NULL: those of the start, first). Parameters: the run,
--- the search.
queries.evaluations = "SELECT proposal, count(*) AS n FROM scores WHERE run_id = ? AND"
  .. " search_id = ? GROUP BY proposal ORDER BY proposal"
queries.candidates_of = "SELECT * FROM candidates WHERE search_id = ? ORDER BY idx"

--- Proposals of these runs that were not accepted, with the candidate that they came from.
---@param rows table of {id}
function queries.rejected(rows)
  return "accepted = 0 AND parent_idx IS NOT NULL AND " .. queries.of_runs(rows)
end

--- These replies, without those of a condition.
---@param list string "1, 2, 3"
function queries.others(list, where)
  return ("id IN (%s) AND NOT coalesce(%s, 0)"):format(list, where)
end

function queries.count_forgotten(where)
  return "SELECT count(*) AS n FROM forgotten WHERE " .. where
end

function queries.count_of_ids(list)
  return ("SELECT count(*) AS n FROM reply WHERE id IN (%s)"):format(list)
end

-- ---- a run as pictures show it (report/reading.lua) ---------------------------------------------

--- Of one search, as a condition.
---@param search table {id, run_id}
function queries.of_search(search)
  return ("run_id = %d AND search_id = %d"):format(search.run_id, search.id)
end

--- A page of a search's scores, a column after the other: row_number, candidate, proposal, sort (1:
--- of validation, 2: of the test set, 0: another draw or another set), example, score, answer,
--- objectives.
--- Parameter: the row_number after which.
---@param search table {id, run_id}
---@param rows integer
function queries.page_of_marks(search, rows)
  return ("SELECT rowid, candidate_idx, proposal, (phase IS NULL) * CASE split WHEN 'validation'"
    .. " THEN 1 WHEN 'test' THEN 2 ELSE 0 END, example, score, output_id, objectives FROM scores"
    .. " WHERE %s AND rowid > ? ORDER BY rowid LIMIT %d"):format(queries.of_search(search), rows)
end

--- Answers by their numbers.
---@param list integer[]
function queries.texts_of(list)
  local numbers = {}
  for i, id in ipairs(list) do numbers[i] = ("%d"):format(id) end
  return ("SELECT id, text FROM outputs WHERE id IN (%s)"):format(table.concat(numbers, ", "))
end

--- The set that a search went over. Parameters: the run, the search, the split.
queries.set_of = "SELECT number FROM sets WHERE run_id = ? AND search_id = ? AND split IS ?"
  .. " ORDER BY id LIMIT 1"

--- What some examples of a set say. Parameters: the run, the number of the set.
---@param examples integer[]
function queries.examples_of(examples)
  local list = {}
  for i, example in ipairs(examples) do list[i] = ("%d"):format(example) end
  return ("SELECT example, input, target FROM examples WHERE run_id = ? AND set_number = ? AND"
    .. " example IN (%s)"):format(table.concat(list, ", "))
end

--- The graphs of a search, without what stands in them. Parameters: the run, the search.
queries.graphs_of = "SELECT id, candidate_idx, proposal, split, example, score FROM graphs"
  .. " WHERE run_id = ? AND search_id = ? ORDER BY id"
queries.graph_of_id = "SELECT * FROM graphs WHERE id = ?"

--- A page of calls without what they asked and got. Parameter: the id after which.
---@param where string
---@param rows integer
function queries.page_of_calls(where, rows)
  return ("SELECT id, run_id, kind, model, status, finish_reason, input, cached, output, reasoning,"
    .. " micros, unpriced, latency_us, created_us FROM reply WHERE %s AND id > ? ORDER BY id"
    .. " LIMIT %d"):format(where, rows)
end

function queries.count_calls(where) return "SELECT count(*) AS n FROM reply WHERE " .. where end

queries.call_of_id = "SELECT * FROM reply WHERE id = ?"

-- ---- what is kept (cli/cache.lua) --------------------------------------------------------------

queries.replies_by_model = "SELECT model, count(*) AS calls, sum(length(body)) AS bytes,"
  .. " sum(micros) AS micros, sum(unpriced) AS unpriced, min(created_us) AS first,"
  .. " max(created_us) AS last FROM reply GROUP BY model ORDER BY calls DESC"
queries.models_of_replies = "SELECT DISTINCT model FROM reply"

--- A condition on replies, and on results of tools where only days are given.
---@param before_us integer|nil made at that time or earlier
---@param model string|nil
---@param runs table|nil rows
---@return string where, table values its parameters
function queries.kept(before_us, model, runs)
  local parts, values = {}, {}
  if before_us then
    parts[1], values[1] = "created_us <= ?", before_us
  end
  if model then
    parts[#parts + 1], values[#values + 1] = "model = ?", model
  end
  if runs then parts[#parts + 1] = queries.of_runs(runs) end
  return #parts > 0 and table.concat(parts, " AND ") or queries.all, values
end

function queries.count_replies(where)
  return "SELECT count(*) AS replies, coalesce(sum(length(body)), 0) AS bytes,"
    .. " coalesce(sum(micros), 0) AS micros, coalesce(sum(unpriced), 0) AS unpriced,"
    .. " count(*) AS calls FROM reply WHERE " .. where
end

-- Not what is kept of servers: how many calls at once they take.
function queries.count_results(where)
  return "SELECT count(*) AS n FROM tool_result WHERE name <> 'width' AND ("
    .. (where or queries.all) .. ")"
end

function queries.drop_replies(where) return "DELETE FROM reply WHERE " .. where end

function queries.drop_results(where) return "DELETE FROM tool_result WHERE " .. where end

queries.shrink = "VACUUM" -- gives back the room of what was deleted

-- ---- embeddings (embed.lua) -------------------------------------------------------------------

queries.put_embedding = "INSERT OR IGNORE INTO"
  .. " tool_result(key, run_id, name, version, text, created_us) VALUES(?, ?, ?, ?, ?, ?)"

--- Those of so many keys, which are its parameters.
---@param n integer
function queries.embeddings(n)
  return ("SELECT key, text FROM tool_result WHERE key IN (%s)"):format(("?, "):rep(n - 1) .. "?")
end

-- ---- the file itself ----------------------------------------------------------------------------

--- Whether there is a table of this name: stores of older versions lack some.
queries.table_named = "SELECT 1 FROM sqlite_schema WHERE name = ?"
queries.tables = "SELECT name FROM sqlite_schema"
queries.version = "PRAGMA user_version"
--- One row, data_version: another number each time somebody else has written.
queries.data_version = "PRAGMA data_version"
--- One row of one column: "ok", or what is damaged.
queries.check = "PRAGMA quick_check(1)"

-- ---- a retriever's index (retriever.lua), a database of its own ------------------------------------

queries.begin, queries.commit, queries.rollback = "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"
queries.make_index = {
  "CREATE TABLE doc(place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, "
    .. "text TEXT NOT NULL, vector BLOB, made_by TEXT)",
  "CREATE TABLE about(format INTEGER, tokens TEXT)",
}

--- The table of words; they come cut already, and are parted at blanks and signs alone.
---@param stems boolean English endings do not matter
function queries.make_words(stems)
  return ("CREATE VIRTUAL TABLE words USING fts5(title, text, tokenize = \"%sunicode61"
    .. " remove_diacritics 2 categories 'L* M* N* Co'\")"):format(stems and "porter " or "")
end

queries.drop_word_table = "DROP TABLE words"
queries.put_about = "INSERT INTO about VALUES(?, ?)"
queries.about = "SELECT format, tokens FROM about"
queries.set_format = "UPDATE about SET format = ?"
queries.put_words = "INSERT INTO words(rowid, title, text) VALUES(?, ?, ?)"
queries.drop_words = "DELETE FROM words WHERE rowid = ?"
queries.docs = "SELECT place, id, title, text FROM doc ORDER BY place"
--- Puts a document into its place; its vector is not known then.
queries.put_doc = "INSERT INTO doc(place, id, title, text) VALUES(?, ?, ?, ?) ON CONFLICT(place)"
  .. " DO UPDATE SET id = excluded.id, title = excluded.title, text = excluded.text, vector = NULL"
queries.drop_doc = "DELETE FROM doc WHERE place = ?"
queries.vector = "SELECT vector FROM doc WHERE place = ? AND made_by = ?"
queries.set_vector = "UPDATE doc SET vector = ?, made_by = ? WHERE place = ?"
--- Places by how well their words match, the best first. Parameters: the match, how many.
queries.match = "SELECT rowid AS place, -bm25(words) AS score FROM words WHERE words MATCH ?"
  .. " ORDER BY bm25(words), rowid LIMIT ?"

return queries
