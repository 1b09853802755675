-- test_dotenv.lua - the text of a .env file: what its lines say, whatever program wrote it

local lu = require "luaunit"
require "lunagrad"
local dotenv = require "lunagrad.dotenv"

local function values(text)
  local found = dotenv.read(text)
  return found.values, found
end

TestText = {}

function TestText:test_a_byte_order_mark_is_no_part_of_the_first_name()
  lu.assertEquals(values "\xEF\xBB\xBFA=1\nB=2", { A = "1", B = "2" })
  lu.assertEquals(values "A=1\n\u{FEFF}B=2", { A = "1", B = "2" })
end

function TestText:test_utf16_as_windows_writes_it()
  lu.assertEquals(values "\xFF\xFEA\0=\0001\0\r\0\n\0B\0=\0\xE4\0", { A = "1", B = "ä" })
  lu.assertEquals(values "\xFE\xFF\0A\0=\0001\xD8\x3D\xDE\x00", { A = "1\u{1F600}" })
  local found, problem = dotenv.read "A\0=\0001\0"
  lu.assertNil(found)
  lu.assertStrContains(problem, "UTF-8")
end

function TestText:test_line_ends_of_any_system()
  lu.assertEquals(values "A=1\r\nB=2\rC=3\n\rD=4", { A = "1", B = "2", C = "3", D = "4" })
end

TestValues = {}

function TestValues:test_of_a_name_given_twice_the_last_counts()
  local got, found = values "A=1\nB=x\nexport A=2\n"
  lu.assertEquals(got, { A = "2", B = "x" })
  lu.assertEquals(found.lines, { A = 3, B = 2 })
end

function TestValues:test_quotes_comments_and_export()
  lu.assertEquals(values(table.concat({ "export A=1", "  B = 'two words' # why", 'C="x # y"',
    "D=a#b #c", "E=# all", "F=`q`", "G=it's", "H=", 'I=""', "J=a=b", "export\tK=k", 'L="x"y' },
    "\n")), { A = "1", B = "two words", C = "x # y", D = "a#b", E = "", F = "q", G = "it's", H = "",
    I = "", J = "a=b", K = "k", L = '"x"y' })
end

function TestValues:test_escapes_are_those_of_double_quotes()
  lu.assertEquals(values [[A="1\n2\t\"\\\$\q"
B='1\n2'
C=1\n2]], { A = '1\n2\t"\\$\\q', B = "1\\n2", C = "1\\n2" })
end

function TestValues:test_a_quoted_value_goes_over_lines()
  local got, found = values "A=\"-----BEGIN\nx=y\n-----END\"\nB=2\nbad\n"
  lu.assertEquals(got, { A = "-----BEGIN\nx=y\n-----END", B = "2" })
  lu.assertEquals({ found.lines.B, found.ignored }, { 4, { "line 5" } })
end

function TestValues:test_a_quote_that_nothing_closes_takes_its_line_only()
  local got, found = values "A='x\nB=2\nC=\"y\n"
  lu.assertEquals(got, { B = "2" })
  lu.assertEquals(found.ignored, { "line 1", "line 3" })
end

function TestValues:test_nothing_is_put_in_for_a_name()
  lu.assertEquals(values "A=1\nB=${A}\nC=$A\nD=\"$(id)\"\n",
    { A = "1", B = "${A}", C = "$A", D = "$(id)" })
end

function TestValues:test_blanks_that_nobody_sees_are_left_out_around()
  for _, blank in ipairs { "\u{200B}", "\u{A0}", "\u{FEFF}", "\u{2060}", "\u{3000}", "\u{202F}",
    "\u{200E}", " \u{200B}\t\u{A0}" } do
    lu.assertEquals(values(("%sA%s=%ssk-1%s\n"):format(blank, blank, blank, blank)), { A = "sk-1" })
    lu.assertEquals(dotenv.trim(blank .. "a" .. blank .. "b" .. blank), "a" .. blank .. "b")
    lu.assertEquals(dotenv.trim(blank), "")
  end
end

function TestValues:test_lines_that_are_no_values_are_named_by_number()
  local got, found = values "MY KEY=1\n=x\n9A=1\nnothing\n# c=1\n  # A=2\n\nA-B=1\nA=1\n"
  lu.assertEquals(got, { A = "1" })
  lu.assertEquals(found.ignored, { "line 1", "line 2", "line 3", "line 4", "line 8" })
end

-- Quadratic in what another has written would be hours.
function TestValues:test_hostile_texts_take_no_longer_than_others()
  local n = 300000
  local start = os.clock()
  for _, text in ipairs { ("a"):rep(n), "A=" .. ("\u{200B}"):rep(n), ("A=\"\\\""):rep(n),
    ("A='\n"):rep(n), "A=" .. (" "):rep(n) .. "x", (" "):rep(n) .. "=1", ("A=\"x\"y\n"):rep(n) } do
    dotenv.read(text)
  end
  lu.assertTrue(os.clock() - start < 20)
end

os.exit(lu.LuaUnit.run())
