-- test_diff.lua - what changed by words: the pieces make both texts again; which feedback asked

require "helper"
local lu = require "luaunit"
local diff = require "lunagrad.report.diff"

local function sides(pieces)
  local before, after = {}, {}
  for _, piece in ipairs(pieces) do
    if piece.kind ~= "add" then before[#before + 1] = piece.text end
    if piece.kind ~= "del" then after[#after + 1] = piece.text end
  end
  return table.concat(before), table.concat(after)
end

-- Blanks of what stayed the same are those of the new text.
local function squeezed(text) return (text:gsub("%s+", "")) end

local function changed(pieces)
  local n = 0
  for _, piece in ipairs(pieces) do
    if piece.kind ~= "same" then n = n + #squeezed(piece.text) end
  end
  return n
end

TestDiff = {}

function TestDiff:test_pieces_make_both_texts_again()
  local seed = 7
  local function draw(n)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed // 65536 % n
  end
  local function text()
    local words = {}
    for i = 1, draw(14) do words[i] = ({ "a", "b", "c.", "d", "é", "«", "\n" })[draw(7) + 1] end
    return table.concat(words, " ")
  end
  for _ = 1, 2000 do
    local a, b = text(), text()
    local before, after = sides(diff.words(a, b))
    lu.assertEquals(after, b)
    lu.assertEquals(squeezed(before), squeezed(a))
  end
end

function TestDiff:test_it_is_small()
  local pieces = diff.words("Answer the question. Be brief.",
    "Answer the question slowly. Be brief.")
  lu.assertEquals(changed(pieces), #"slowly")
  lu.assertEquals(changed(diff.words("one two three", "one three")), #"two")
  lu.assertEquals(diff.words("same", "same"), { { kind = "same", text = "same" } })
  lu.assertEquals(diff.words("", "new"), { { kind = "add", text = "new" } })
end

function TestDiff:test_texts_too_far_apart_are_told_whole()
  local a, b = {}, {}
  for i = 1, 2000 do a[i], b[i] = "x" .. i, "y" .. i end
  local pieces = diff.words(table.concat(a, " "), table.concat(b, " "))
  lu.assertEquals({ pieces[1].kind, pieces[2].kind, #pieces }, { "del", "add", 2 })
end

function TestDiff:test_a_change_has_the_sentence_that_asked_for_it()
  local feedback = { { text = "The sum was wrong. It should list every item first.", example = 4 },
    { text = "- the answer stood in the middle\n- put the number on the last line", example = 9 } }
  local pieces = diff.by_sentence(diff.words("Answer.",
    "Answer. List each item. Write the number on the last line. Be nice."))
  local reasons, by_text = diff.reasons(pieces, feedback), {}
  for i, piece in ipairs(pieces) do by_text[squeezed(piece.text)] = reasons[i] or false end
  lu.assertEquals(by_text["Listeachitem."].example, 4)
  lu.assertEquals(by_text["Writethenumberonthelastline."].sentence,
    "put the number on the last line")
  lu.assertFalse(by_text["Benice."])
end

os.exit(lu.LuaUnit.run())
