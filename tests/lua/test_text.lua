-- test_text.lua - people's languages: what is alike, what is a word, whatever the bytes

require "helper"
local lu = require "luaunit"
local core = require "lunagrad.core"
local rng = require "lunagrad.rng"
local text = require "lunagrad.text"

TestAlike = {}

local function all(fn, cases)
  for _, case in ipairs(cases) do lu.assertEquals(fn(case[1]), case[2], case[1]) end
end

function TestAlike.test_plain_keeps_case_accents_and_lines()
  all(text.plain, {
    { "ＡＢＣ１２３", "ABC123" }, { "𝐁 𝟗", "B 9" },
    { "٣٫١٤ ۱۲۳ १२३ ๔๒ ໙ ၅ ৭", "3.14 123 123 42 9 5 7" },
    { "١٢٬٣٤٥", "12,345" },
    { "“a” „b“ «c» ‘d’ ‹e›", "\"a\" \"b\" \"c\" 'd' 'e'" },
    { "「東京」『x』", "\"東京\"\"x\"" }, { "a‐b a‑b a–b −5 ﹣5", "a-b a-b a-b -5 -5" },
    { "a—b a⸺b", "a—b a—b" }, { "a\u{a0}b\u{202f}c\u{3000}d\u{2009}e", "a b c d e" },
    { "a\u{ad}b\u{200b}c\u{feff}d\u{200d}e\u{fe0f}", "abcde" }, { "cafe\u{301}", "café" },
    { "É\nß\tİ", "É\nß\tİ" }, { "10² ½ ﬁ Ⅷ ① ™", "10² ½ ﬁ Ⅷ ① ™" }, { "ｶﾞ", "ガ" }, { "", "" },
    { "a\u{2028}b", "a\nb" }, { "`x` *y* $z$", "`x` *y* $z$" },
  })
end

function TestAlike.test_fold_is_for_comparing()
  all(text.fold, {
    { " a\n\t b ", "a b" }, { "МОСКВА", "москва" }, { "Straße", "strasse" },
    { "ΣΊΣΥΦΟΣ", "σίσυφοσ" },
    { "σίσυφος", "σίσυφοσ" }, { "İstanbul ısı", "istanbul isi" },
    { "ﬁ Ⅷ ① ㎏ …", "fi viii 1 kg ..." },
    { "10² H₂O ½", "10² h₂o ½" }, { "a—b", "a - b" }, { "a – b", "a - b" }, { "。、", ".," },
    { "ـكـتابـ", "كتاب" }, { "한글", "한글" }, { "﹃a﹄", "\"a\"" }, { "café", "café" },
    { "\u{a0}", "" }, { "ǅ", "dž" },
  })
end

function TestAlike.test_search_is_without_accents()
  all(text.search, {
    { "Crème brûlée", "creme brulee" }, { "Łódź Ørsted Đà", "lodz orsted da" }, { "ёж", "еж" },
    { "Ἀθῆναι", "αθηναι" }, { "المُدَرِّس", "المدرس" }, { "שָׁלוֹם", "שלום" },
    { "हिन्दी", "हिन्दी" }, { "が", "が" }, { "กำ", text.fold "กำ" },
  })
end

TestWords = {}

local function words(s) return table.concat(text.words(s), "|") end

function TestWords.test_as_people_write_them()
  all(words, {
    { "The quick (“brown”) fox can’t jump 32.3 feet, right?",
      "The|quick|brown|fox|can’t|jump|32.3|feet|right" },
    { "well-known e.g. U.S.A. COVID-19 snake_case", "well-known|e.g|U.S.A|COVID-19|snake_case" },
    { "'tis rock 'n' roll, dogs' -", "tis|rock|n|roll|dogs" }, { "_x_ __y__", "x|y" },
    { "-8 3-5 x-8 (-2) a -b", "-8|3|5|x-8|-2|a|b" }, { "1,234.5 1'234 1, 2", "1,234.5|1'234|1|2" },
    { "word—word word--word end.Next", "word|word|word|word|end.Next" },
    { "l’été aujourd'hui col·lecció", "l’été|aujourd'hui|col·lecció" },
    { "צה״ל צה\"ל", "צה״ל|צה\"ל" },
    { "می‌خواهم", "می‌خواهم" }, { "हिन्दी भाषा", "हिन्दी|भाषा" },
    { "cafe\u{301}s", "cafe\u{301}s" },
    { "“” … — ! 😀", "" }, { "", "" }, { "\u{301}\u{301}", "" }, { "___", "" },
  })
end

function TestWords.test_where_nothing_parts_them()
  all(words, {
    { "答案是北京。", "答|案|是|北|京" }, { "私は学生です", "私|は|学|生|で|す" },
    { "コンピューターを使う", "コンピューター|を|使|う" }, { "GPT4は東京", "GPT4|は|東|京" },
    { "서울은 한국의", "서울은|한국의" }, { "เมืองไทย", "เมื|อ|ง|ไท|ย" },
    { "ភាសាខ្មែរ", "ភា|សា|ខ្មែ|រ" },
  })
  lu.assertEquals(text.count_words "สวัสดีชาวโลก", 3)
  lu.assertEquals(text.count_words "ありがとうございます", 5)
  lu.assertEquals(text.count_words "答案是北京。", 5)
end

function TestWords.test_positions_and_kinds()
  local list, starts, kinds = core.words("a 8 北京", true)
  lu.assertEquals({ list, starts, kinds }, { { "a", "8", "北", "京" }, { 1, 3, 5, 8 }, "wnpp" })
  lu.assertEquals({ core.char_kind("aé8_北\u{301}.", 1), core.char_kind("é", 1),
    core.char_kind("8", 1), core.char_kind("_", 1), core.char_kind("北", 1),
    core.char_kind("\u{301}", 1) }, { "w", "w", "n", "w", "p", "m" })
  lu.assertNil(core.char_kind("a.", 2))
  lu.assertNil(core.char_kind("a", 2))
end

function TestWords.test_trim_takes_blanks_of_all_kinds()
  for _, blank in ipairs { " ", "\n", "\u{a0}", "\u{3000}", "\u{202f}", "\u{feff}", " \u{a0}\t" } do
    lu.assertEquals(text.trim(blank .. "a" .. blank .. "é" .. blank), "a" .. blank .. "é")
    lu.assertEquals(text.trim(blank), "")
  end
  lu.assertEquals(text.trim "à", "à") -- its last byte is that of a no-break space
  lu.assertEquals(text.trim "", "")
end

TestBytes = {}

function TestBytes.test_bytes_that_are_no_text()
  lu.assertEquals(text.fold "\xFFA\xC3", "\u{FFFD}a\u{FFFD}")
  lu.assertEquals(words "\xFF\xFEabc\xFFdef\xE5\x8C", "abc|def")
  lu.assertEquals(text.plain "a\0b", "a\0b")
  lu.assertEquals(core.find_marker("\xFF Answer\xFF: x", "answer"), 3)
end

-- Seeded random texts of pieces that break things: nothing raises, what comes out is UTF-8, the
-- same when it is done again, and words are parts of the text in turn.
function TestBytes.test_any_bytes_at_all()
  local pieces = { "a", "É", " ", "\n", "-", "'", ".", ",", "_", "8", "٣", "北", "か", "カ", "ｶﾞ", "서",
    "ก", "\u{e40}", "\u{17d2}", "ខ", "\u{301}", "\u{316}", "\u{200d}", "\u{ad}", "“", "—", "−", "½",
    "²", "①", "ﬁ", "ß", "İ", "ς", "\u{1100}", "\u{1161}", "\u{11a8}", "\xFF", "\xC3", "\xE2\x80",
    "😀", "\u{FDFA}", "\u{a0}", "\u{FE43}", "ـ", "״", "א", "\0", "\u{10FFFF}", "*",
    "`", "´", "\u{344}", "\u{f73}" }
  local r = rng.new "any bytes"
  for _ = 1, 3000 do
    local list = {}
    for i = 1, r:int(0, 24) do list[i] = pieces[r:int(1, #pieces)] end
    local s = table.concat(list)
    for _, level in ipairs { "plain", "fold", "search" } do
      local once = core.alike(s, level)
      lu.assertNil(core.utf8_error(once), s)
      lu.assertEquals(core.alike(once, level), once, ("%s: %q"):format(level, s))
    end
    for _, in_pieces in ipairs { false, true } do
      local found, starts, kinds = core.words(s, in_pieces)
      local behind = 1
      for i, word in ipairs(found) do
        lu.assertTrue(starts[i] >= behind and #word > 0)
        lu.assertEquals(s:sub(starts[i], starts[i] + #word - 1), word)
        behind = starts[i] + #word
      end
      lu.assertEquals(#kinds, #found)
    end
    lu.assertTrue(text.count_words(s) <= #text.words(s))
    core.find_marker(s, "a:")
  end
end

function TestBytes.test_long_texts_of_anything_take_linear_time()
  local started = os.clock()
  for _, s in ipairs { "a\u{301}", "\u{301}\u{316}", "x'", "ก", "_", "-", "\u{1D7D9}", "\u{FDFA}",
    "A*", "a ", "\xFF", "\u{e40}", "\u{200d}", "א\"", "*" } do
    local long = s:rep(300000 // #s)
    for _, level in ipairs { "plain", "fold", "search" } do core.alike(long, level) end
    core.words(long)
    text.count_words(long)
    text.trim(long)
    core.find_marker(long, "a:")
    core.find_marker(long, "aaaa b:")
  end
  lu.assertTrue(os.clock() - started < 30)
end

os.exit(lu.LuaUnit.run())
