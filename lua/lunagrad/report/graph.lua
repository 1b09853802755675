--- The program of one example as a picture: what each part made, and the feedback on the edges.
--
-- The end is at the bottom, what it was made of above it. A box has a role, what it is, and the
-- beginning of what it made; a way along which feedback went is drawn thicker and has its words.
-- Everything stands below once more as a list, which has the texts, and is what a reader of the
-- screen hears. Where it stands, layers.lua says.

local html = require "lunagrad.report.html"
local layers = require "lunagrad.report.layers"
local plain = require "lunagrad.report.plain"
local svg = require "lunagrad.report.svg"

local graph = {}

local tag, raw = html.tag, html.raw
local WIDE, HIGH, GAP, DOWN, EDGE = 176, 60, 14, 50, 10
local PAD, SMALL, TINY = 8, 12, 10   -- sizes of letters
local px = svg.px

-- ---- texts that have to fit ----------------------------------------------------------------------

-- Letters of some scripts are twice as wide as others.
local function width_of(code) return code >= 0x1100 and 1.8 or 1 end

-- The beginning of a text that has so many letters' room, and the rest of it.
local function fit(text, room)
  local blank
  for place, code in utf8.codes(text) do
    room = room - width_of(code)
    if room < 0 then
      local stop = blank and blank > place // 2 and blank or place
      return text:sub(1, stop - 1), (text:sub(stop):gsub("^ +", ""))
    end
    if code == 32 then blank = place end
  end
  return text, ""
end

--- A text in so many lines, the last one cut.
---@param text string
---@param room number letters of a line
---@param most integer lines
---@return string[]
function graph.lines(text, room, most)
  local lines, rest = {}, plain.line(text):gsub(" +", " "):gsub("^ ", "")
  while rest ~= "" and #lines < most do
    local line
    line, rest = fit(rest, room)
    if line == "" then line, rest = rest, "" end
    lines[#lines + 1] = line
  end
  if rest ~= "" and #lines > 0 then
    lines[#lines] = fit(lines[#lines], room - 2) .. "…"
  end
  return lines
end

local function first_of(text, room) return graph.lines(text, room, 1)[1] or "" end

local function number(value) return ("%.4g"):format(value) end

-- ---- one picture ---------------------------------------------------------------------------------

-- Where edges leave and enter a box: side by side in the order of where they lead.
local function ports(edges, where, key, other)
  local of = {}
  for _, edge in ipairs(edges) do
    of[edge[key]] = of[edge[key]] or {}
    table.insert(of[edge[key]], edge)
  end
  for box, list in pairs(of) do
    local function toward(edge)
      local by = key == "from" and edge.route[#edge.route] or edge.route[1]
      return by and by[1] or where.x[edge[other]]
    end
    for i, edge in ipairs(list) do edge.order = i end
    table.sort(list, function(a, b)
      if toward(a) ~= toward(b) then return toward(a) < toward(b) end
      return a.order < b.order
    end)
    local alone = #list == 1 and key == "from" and #list[1].said > 0
    for i, edge in ipairs(list) do
      edge[key .. "_x"] = where.x[box] + (alone and -WIDE * 0.38
        or (i - (#list + 1) / 2) * WIDE / (#list + 1))
      edge[key .. "_room"] = WIDE / (#list + 1)
    end
  end
end

local function top_of(where, layer) return PAD + (where.layers - layer) * (HIGH + DOWN) end

local STRAIGHT = 22

local function said_of(edge)
  local words = {}
  for _, one in ipairs(edge.said) do
    words[#words + 1] = one:find "%S" and one or "nothing to improve"
  end
  return table.concat(words, "\n")
end

local function is_said(edge)
  for _, one in ipairs(edge.said) do
    if one:find "%S" then return true end
  end
  return false
end

-- Down through the layers that it passes, to its reader.
local function path_of(edge, where)
  local y = top_of(where, where.layer[edge.from]) + HIGH
  local path, x = { ("M%s %s"):format(px(edge.from_x), px(y)) }, edge.from_x
  if is_said(edge) then -- beside its words it goes straight down
    y = y + STRAIGHT
    path[2] = "V" .. px(y)
  end
  local function curve(to_x, to_y)
    local middle = px((y + to_y) / 2)
    path[#path + 1] = ("C%s %s %s %s %s %s"):format(px(x), middle, px(to_x), middle, px(to_x),
      px(to_y))
    x, y = to_x, to_y
  end
  for i = #edge.route, 1, -1 do
    local point = edge.route[i]
    curve(point[1] + PAD, top_of(where, point[2]))
    y = y + HIGH
    path[#path + 1] = "V" .. px(y)
  end
  curve(edge.to_x, top_of(where, where.layer[edge.to]))
  return table.concat(path)
end

local function draw_edge(parts, edge, where)
  local heard = is_said(edge)
  parts[#parts + 1] = ('<path class="edge%s" d="%s"/>'):format(heard and " heard" or "",
    path_of(edge, where))
  if edge.name ~= "" and edge.to_room > 28 then
    parts[#parts + 1] = svg.text(edge.to_x, top_of(where, where.layer[edge.to]) - 4,
      first_of(edge.name, edge.to_room / 5), 'class="tiny" text-anchor="middle"')
  end
end

-- The words of a feedback stand beside the way that they went, where there is room.
local function draw_said(parts, edge, where, anchor)
  if not is_said(edge) then return end
  local y = top_of(where, where.layer[edge.from]) + HIGH + 13
  local words = { ('<a href="#%s" class="said"><circle cx="%s" cy="%s" r="5"/>'):format(anchor,
    px(edge.from_x), px(y)), ("<title>feedback to it: %s</title>"):format(
      svg.escape(first_of(said_of(edge), 300))) }
  if edge.from_room > WIDE / 3 then
    for i, line in ipairs(graph.lines(said_of(edge), 27, 2)) do
      words[#words + 1] = svg.text(edge.from_x + 9, y - 2 + (i - 1) * 11, line, 'class="tiny"')
    end
  end
  words[#words + 1] = "</a>"
  parts[#parts + 1] = table.concat(words)
end

local function name_of(node) return node.role or node.op end

local CLASS = { ["model call"] = " call" }

local function draw_box(parts, node, x, y, anchor)
  local left = x - WIDE / 2
  local class = node.state and " failed" or node.grad and node.op == "leaf" and " param"
    or CLASS[node.op] or ""
  parts[#parts + 1] = ('<a href="#%s" class="box%s"><title>%s</title>'
    .. '<rect x="%s" y="%s" width="%d" height="%d" rx="7"/>'):format(anchor, class,
    svg.escape(("%s (%s)\n%s"):format(name_of(node), node.op, first_of(node.text or "", 200))),
    px(left), px(y), WIDE, HIGH)
  local score = node.score and number(node.score)
  parts[#parts + 1] = svg.text(left + PAD, y + 16,
    first_of(name_of(node), (WIDE - 2 * PAD - (score and 24 or 0)) / SMALL / 0.54),
    'class="name"')
  if score then
    parts[#parts + 1] = svg.text(left + WIDE - PAD, y + 16, score,
      'class="small" text-anchor="end"')
  end
  local shown = node.state and ("(%s)"):format(node.state) or node.text or ""
  for i, line in ipairs(graph.lines(shown, (WIDE - 2 * PAD) / TINY / 0.54, 3)) do
    parts[#parts + 1] = svg.text(left + PAD, y + 18 + i * 12, line, 'class="value"')
  end
  parts[#parts + 1] = "</a>"
end

-- Boxes from the first that was read to the end: the numbers that people see.
local function reading_order(one, where)
  local order, number_of = {}, {}
  for i = 1, #one.nodes do order[i] = i end
  table.sort(order, function(a, b)
    if where.layer[a] ~= where.layer[b] then return where.layer[a] > where.layer[b] end
    if where.x[a] ~= where.x[b] then return where.x[a] < where.x[b] end
    return a < b
  end)
  for n, i in ipairs(order) do number_of[i] = n end
  return order, number_of
end

--- The picture.
---@param one table of asked.graphs
---@param prefix string of the ids of its nodes
---@param note string|nil what it must say of itself
---@return string
---@return integer[] order of its nodes, from the top
---@return integer[] the number of each
function graph.svg(one, prefix, note)
  local where = layers.layout { n = #one.nodes, edges = one.edges, wide = WIDE, gap = GAP,
    thin = EDGE }
  for i, x in ipairs(where.x) do where.x[i] = x + PAD end
  local order, number_of = reading_order(one, where)
  ports(one.edges, where, "from", "to")
  ports(one.edges, where, "to", "from")
  local function anchor(i) return ("%sn%d"):format(prefix, number_of[i]) end
  local wide = math.ceil(math.max(where.wide, WIDE)) + 2 * PAD
  local high = top_of(where, 1) + HIGH + (note and 18 or PAD)
  local parts = { ('<svg class="graph" viewBox="0 0 %d %d" width="%d" height="%d" role="group"'
    .. ' aria-label="%s">'):format(wide, high, wide, high,
    svg.escape(("graph of %d parts; the list below says the same"):format(#one.nodes))) }
  for _, edge in ipairs(one.edges) do draw_edge(parts, edge, where) end
  for _, i in ipairs(order) do
    draw_box(parts, one.nodes[i], where.x[i], top_of(where, where.layer[i]), anchor(i))
  end
  for _, edge in ipairs(one.edges) do draw_said(parts, edge, where, anchor(edge.from)) end
  if note then
    parts[#parts + 1] = svg.text(wide - 4, high - 4, note, 'class="tiny" text-anchor="end"')
  end
  parts[#parts + 1] = "</svg>"
  return table.concat(parts, "\n"), order, number_of
end

-- ---- the same in words ---------------------------------------------------------------------------

local function reads(one, i, number_of)
  local words = {}
  for _, edge in ipairs(one.edges) do
    if edge.to == i then
      words[#words + 1] = ("%d%s"):format(number_of[edge.from],
        edge.name ~= "" and (" (%s)"):format(edge.name) or "")
    end
  end
  return words
end

local function item(one, i, number_of, prefix, most)
  local node = one.nodes[i]
  local parts = { id = ("%sn%d"):format(prefix, number_of[i]), tag("b", { name_of(node) }), " ",
    tag("span", { class = "tag", node.op }) }
  local function add(...)
    for _, part in ipairs { ... } do parts[#parts + 1] = part end
  end
  if node.grad and node.op == "leaf" then add(" ", tag("span", { class = "tag", "learns" })) end
  local read = reads(one, i, number_of)
  if #read > 0 then
    add(tag("span", { class = "soft small", " made of " .. table.concat(read, ", ") }))
  end
  if node.score then
    add(tag("span", { class = "small", (" scored %s of %s"):format(number(node.score),
      number(node.target or 1)) }))
  end
  local shown = node.state and ("(%s)"):format(node.state) or node.text or ""
  add(tag("pre", { html.cut(shown, most) }))
  for _, with in ipairs(node.with) do
    add(tag("div", { class = "small soft", ("with %s: %s"):format(with[1], html.cut(with[2],
      most)) }))
  end
  for _, edge in ipairs(one.edges) do
    if edge.from == i and #edge.said > 0 then
      add(tag("div", { class = "quote", ("feedback from %d: %s"):format(number_of[edge.to],
        html.cut(said_of(edge), most)) }))
    end
  end
  return tag("li", parts)
end

local function in_words(one, order, number_of, prefix, most)
  local list = {}
  for n, i in ipairs(order) do list[n] = item(one, i, number_of, prefix, most) end
  return tag("details", { tag("summary", { class = "soft small",
    ("the same as text, %d parts"):format(#order) }), tag("ol", list) })
end

-- ---- all of them ---------------------------------------------------------------------------------

local function title_of(one, search)
  local whose = one.candidate == nil and "an evaluation" or one.candidate == 0 and "the start"
    or one.candidate == search.best_idx and ("candidate %d, the best"):format(one.candidate)
    or ("candidate %d"):format(one.candidate)
  local split = one.split == "train" and "training " or one.split and one.split .. " " or ""
  local parts = { tag("b", { ("%sexample %d"):format(split, one.example or 0) }),
    tag("span", { class = "small", "under " .. whose }) }
  if one.score then
    parts[#parts + 1] = tag("span", { class = "small", "scored " .. number(one.score) })
  end
  return parts
end

local function lesson_of(one, prefix)
  if not one.proposal then return "" end
  return tag("p", { class = "small", tag("a", { href = ("#%sp%d"):format(prefix, one.proposal),
    ("step %d learned from it"):format(one.proposal) }) })
end

local LEVELS = { 600, 160, 40 } -- characters of a text, until it fits

local function figure(one, search, prefix, n, note, room)
  local own = ("%sg%d"):format(prefix, n)
  local picture, order, number_of = graph.svg(one, own, note)
  for _, most in ipairs(LEVELS) do
    local words = in_words(one, order, number_of, own, most)
    if #picture + #words.text < room then
      local more = one.left_out > 0 and tag("p", { class = "soft small",
        ("%d parts above these are not shown."):format(one.left_out) }) or ""
      return tag("details", { id = own, open = n == 1, tag("summary", title_of(one, search)),
        lesson_of(one, prefix), tag("div", { class = "scroll", tabindex = "0", role = "region",
        ["aria-label"] = "graph", raw(picture) }), more, words })
    end
  end
  return nil
end

--- The section; nothing where there is no graph.
---@param graphs table[] of asked.graphs
---@param more integer how many others the store has
---@param search table { best_idx }
---@param prefix string of the ids of this search
---@param note string|nil
---@param room integer bytes
---@return table|string raw
function graph.section(graphs, more, search, prefix, note, room)
  if #graphs == 0 then return "" end
  local parts, shown = { tag("h2", { id = prefix .. "graph", "Graph" }), tag("p",
    { class = "soft small", "The program of one example: the end is at the bottom, what it was"
      .. " made of above it. A thick line is a way that feedback went." }) }, 0
  for _, one in ipairs(graphs) do
    local made = figure(one, search, prefix, shown + 1, note, room)
    if made and #made.text <= room then
      shown, room = shown + 1, room - #made.text
      parts[#parts + 1] = made
    else
      more = more + 1
    end
  end
  if more > 0 then
    parts[#parts + 1] = tag("p", { class = "soft small",
      ("%d more are in lunagrad export --table graphs."):format(more) })
  end
  return html.all(parts)
end

return graph
