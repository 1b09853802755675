-- test_plot.lua - lg.plot: where dots stand, what is escaped, what is refused

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local axis = require "lunagrad.report.axis"
local svg = require "lunagrad.report.svg"

TestPlot = {}

local function picture(series, more)
  local opts = { series = series }
  for name, value in pairs(more or {}) do opts[name] = value end
  return lg.plot.svg(opts)
end

local function circles(text)
  local list = {}
  for x, y in text:gmatch '<circle cx="([%d.]+)" cy="([%d.]+)"' do
    list[#list + 1] = { tonumber(x), tonumber(y) }
  end
  return list
end

-- Every tag that opens closes, in its turn.
local function is_well_formed(text)
  local open = {}
  for slash, name, rest in text:gmatch "<(/?)([%a]+)([^<>]*)>" do
    if slash == "/" then
      if table.remove(open) ~= name then return false end
    elseif rest:sub(-1) ~= "/" then
      open[#open + 1] = name
    end
  end
  return #open == 0 and not text:find "&[^%a#]" and utf8.len(text) ~= nil
end

function TestPlot.test_dots_stand_where_their_values_are()
  local dots = circles(picture({ { points = { { 0, 0 }, { 1, 1 }, { 0.5, 0.5 } } } }))
  lu.assertEquals(#dots, 3)
  lu.assertTrue(dots[2][1] > dots[1][1] and dots[2][2] < dots[1][2], "larger: right and up")
  lu.assertAlmostEquals(dots[3][1], (dots[1][1] + dots[2][1]) / 2, 0.11)
  lu.assertAlmostEquals(dots[3][2], (dots[1][2] + dots[2][2]) / 2, 0.11)
  local turned = circles(picture({ { points = { { 0, 0 }, { 1, 1 } } } },
    { y = { reverse = true } }))
  lu.assertTrue(turned[2][2] > turned[1][2], "a reversed axis has the least at its top")
end

function TestPlot.test_kinds()
  local points = { { 0, 1 }, { 1, 2 }, { 2, 0 / 0 }, { 3, 4 }, { 4, 5 } }
  local function path_of(kind)
    return picture({ { kind = kind, points = points } }):match '<path d="(M[^"]*)" fill="none" stro'
  end
  lu.assertEquals(select(2, path_of "line":gsub("M", "")), 2, "a value that is none breaks a line")
  lu.assertEquals(select(2, path_of "steps":gsub("H", "")), 2)
  local band = picture({ { kind = "band", points = { { 0, 1, 2 }, { 1, 2, 3 } } } })
  lu.assertStrContains(band, 'fill-opacity="0.2"')
end

function TestPlot.test_same_data_same_bytes_and_well_formed()
  local function draw()
    return picture({ { name = "a", points = { { 1, 2, "one" } } },
      { name = "b", kind = "line", dash = true, points = { { 1, 2 }, { 2, 3 } } },
      { name = "c", hollow = true, marker = "cross", points = { { 2, 2 } } } },
      { title = "t", x = { label = "x" }, y = { label = "y" },
        marks = { { x = 1.5, label = "m" } } })
  end
  lu.assertEquals(draw(), draw())
  lu.assertTrue(is_well_formed(draw()))
  lu.assertNil(draw():find("http", #'<svg xmlns="http', true), "nothing is fetched")
end

function TestPlot.test_text_is_escaped_whatever_it_holds()
  local rude = "<script>&\"'\0\27[31m\xff\xed\xa0\x80]]>\nend"
  local text = picture({ { name = (rude:gsub("%z", "")), points = { { 1, 1, rude } } } },
    { title = rude, x = { label = rude }, y = { label = rude },
      marks = { { y = 1, label = rude } } })
  lu.assertTrue(is_well_formed(text))
  lu.assertNil(text:find("<script", 1, true))
  lu.assertNil(text:find "[%z\27]")
end

function TestPlot.test_odd_data_is_drawn()
  for _, points in ipairs { {}, { { 1, 1 } }, { { 0, 0 }, { 0, 0 } }, { { math.huge, -math.huge } },
    { { 1e299, -1e299 }, { -1e299, 1e299 } }, { { 1e-300, 1e-300 }, { 2e-300, 2e-300 } },
    { { 1e15, 1 }, { 1e15 + 2, 2 } }, { { 0 / 0, 1 } } } do
    for _, kind in ipairs { "dots", "line", "steps" } do
      local text = picture({ { points = points, kind = kind } })
      lu.assertTrue(is_well_formed(text))
      lu.assertNil(text:gsub("</?style>.-", ""):lower():find "[%s\"]%-?nan")
    end
  end
  lu.assertTrue(is_well_formed(picture({})), "no series at all")
end

function TestPlot.test_wrong_options_are_told()
  helper.fails("inval", { field = "points" }, picture, { { points = { { 1 } } } })
  helper.fails("inval", { field = "points" }, picture, { { points = { { 1, 2, 3 } } } })
  helper.fails("inval", { field = "points" }, picture, { { kind = "band", points = { { 1, 2 } } } })
  helper.fails("inval", { field = "kind" }, picture, { { kind = "dot", points = {} } })
  helper.fails("inval", { field = "widht" }, picture, {}, { widht = 3 })
  helper.fails("inval", { field = "width" }, picture, {}, { width = 3 })
  helper.fails("inval", { field = "series" }, lg.plot.svg, {})
end

function TestPlot.test_labels_keep_off_each_other()
  local points = {}
  for i = 1, 500 do points[i] = { i % 3, i % 5, "label " .. i } end
  local text = picture({ { points = points } })
  local shown = select(2, text:gsub('class="small">label', ""))
  lu.assertTrue(shown > 0 and shown < 200, shown)
  lu.assertEquals(select(2, text:gsub("<title>label", "")), 500, "the others are in the tips")
end

TestAxis = {}

function TestAxis.test_ticks_are_round_numbers_inside()
  for _, case in ipairs { { 0, 1, {} }, { -11.3, -2.1, {} }, { 3, 3, {} }, { 0, 12345678, {} },
    { 1e-9, 2e-9, {} }, { 0, 100, { min = 0, max = 100 } }, { 5, 6, { min = 7, max = 2 } } } do
    local one = axis.over({ case[1], case[2] }, case[3])
    lu.assertTrue(#one.ticks >= 2 and #one.ticks <= 12, #one.ticks)
    for _, tick in ipairs(one.ticks) do
      local at = one.place(tick.at)
      lu.assertTrue(at >= -1e-6 and at <= 1 + 1e-6, at)
    end
  end
  local texts = {}
  for i, tick in ipairs(axis.over({}, { min = -1, max = 1 }).ticks) do texts[i] = tick.text end
  lu.assertEquals(texts, { "−1.0", "−0.5", "0.0", "0.5", "1.0" })
end

function TestAxis.test_numbers_as_svg_has_them()
  lu.assertEquals({ svg.px(1), svg.px(0.25), svg.px(-0.01), svg.px(10.96) },
    { "1", "0.2", "0", "11" })
end

os.exit(lu.LuaUnit.run())
