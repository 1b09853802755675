--- `lunagrad view [DIR]`: the runs of a store in a browser, live, on this machine alone.
--
-- The pages are those of `lunagrad report` (report/); they renew themselves while a run writes. The
-- store is only read. Everybody on this machine can reach a port, so the address holds a token, Host
-- and Origin are looked at (a page of another site could ask for this one by a name that leads here),
-- and nothing but GET is answered, and one POST: the button that asks a run to stop as Ctrl-C does.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local html = require "lunagrad.report.html"
local mockd = require "lunagrad.mockd"
local pages = require "lunagrad.cli.view.pages"
local queries = require "lunagrad.book.queries"
local store = require "lunagrad.cli.store"
local term = require "lunagrad.term"

local view = {}

local HELP = [[
usage: lunagrad view [DIR] [options]

Serves the runs of a store to a browser on this machine: the list, each run as lunagrad report shows
it, renewed while it goes, two runs beside each other. DIR is the store's directory (default:
LUNAGRAD_HOME, or .lunagrad here). Ctrl-C ends it.

  --port N       listen on this port (default: a free one)
  --ready-file F write the address to F once it is open
  --store DIR    the store's directory, as DIR above

Only 127.0.0.1 is listened on, and the address it prints holds a token: without it nothing is shown.
]]

view.spec = { name = "view", options = {
  { names = { "--port" }, key = "port", type = "integer", min = 0, max = 65535, what = "a port" },
  { names = { "--ready-file" }, key = "ready_file", type = "word", what = "a file" },
  { names = { "--store" }, key = "store", type = "word", what = "a directory" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }

local LOOK_MS, IDLE_MS = 250, 1000 -- between two looks for changes: while somebody waits, and not
local PATIENCE_S = 20 -- until who waits is told that nothing changed
local HEADERS = { ["Cache-Control"] = "no-store", ["Referrer-Policy"] = "no-referrer",
  ["X-Content-Type-Options"] = "nosniff", ["X-Frame-Options"] = "DENY",
  ["Cross-Origin-Resource-Policy"] = "same-origin" }

--- The text of `lunagrad help view`.
function view.help() return HELP end

-- ---- answers -----------------------------------------------------------------------------

local function answer(self, id, status, kind, body)
  local headers = { ["Content-Type"] = kind }
  for name, value in pairs(HEADERS) do headers[name] = value end
  self.server:answer(id, { status = status, headers = headers, body = body })
end

local function say(self, id, status, words)
  answer(self, id, status, "text/html; charset=utf-8", "<!doctype html><title>lunagrad</title><p>"
    .. html.escape(words) .. "</p>\n")
end

local function as_json(self, id, value)
  answer(self, id, 200, "application/json", core.json_encode(value))
end

-- ---- who asks ------------------------------------------------------------------------------

-- The same time whatever differs.
local function same(a, b)
  if #a ~= #b then return false end
  local differs = 0
  for i = 1, #a do differs = differs | a:byte(i) ~ b:byte(i) end
  return differs == 0
end

-- Why a request is not answered; nil: it is.
local function refusal(self, request)
  local host = request.headers.host or ""
  if not self.hosts[host:lower()] then return 403, "This page is not asked for by that name." end
  -- A page that tells nobody where it is sends "null" with its own forms.
  local origin, site = request.headers.origin, request.headers["sec-fetch-site"]
  local own = origin == "null" and site == "same-origin"
  if origin and not own and not self.origins[origin:lower()] then
    return 403, "Another site may not ask for this page."
  end
  if site and site ~= "same-origin" and site ~= "none" then
    return 403, "Another site may not ask for this page."
  end
  local token = request.path:match "^/([^/]*)" or ""
  if not same(token, self.token) then
    return 404, "The address is not whole: lunagrad view prints it."
  end
  if request.method ~= "GET" and request.method ~= "POST" then return 405,
    "Only GET is answered." end
  return nil
end

-- ---- what changed ----------------------------------------------------------------------------

local function version_of(self)
  return self.handle.one(queries.data_version).data_version
end

-- An answer a change: a browser asks again by itself, and says what it was told last.
local function tell(self, id, version, changed)
  answer(self, id, 200, "text/event-stream", changed
    and ("retry: 300\nid: %d\nevent: changed\ndata: %d\n\n"):format(version, version)
    or ("retry: 300\nid: %d\n: nothing new\n\n"):format(version))
end

-- Who waits is told when something changed, but never more often than the last page took to make,
-- ten times over; and now and then that nothing did, so that no connection is kept for ever.
local function look(self)
  if #self.waiting == 0 then return end
  local version, now, waiting = version_of(self), term.monotonic(), self.waiting
  self.waiting = {}
  for _, one in ipairs(waiting) do
    local changed = one.version ~= version
    if changed and now >= self.quiet_until or now - one.since > PATIENCE_S then
      tell(self, one.id, version, changed)
    else
      self.waiting[#self.waiting + 1] = one
    end
  end
end

local function wait_for_change(self, id, request)
  local known = request.headers["last-event-id"] or request.query.after
  self.waiting[#self.waiting + 1] = { id = id, since = term.monotonic(),
    version = math.tointeger(tonumber(known)) or version_of(self) }
end

-- ---- routes ------------------------------------------------------------------------------------

-- The page knows which state of the store it shows.
local function page(self, id, fn, base, ...)
  local from, events = term.monotonic(), ("%s/events?after=%d"):format(base, version_of(self))
  local ok, text = pcall(fn, self.handle, base, events, ...)
  self.quiet_until = term.monotonic() + math.max(0.5, 10 * (term.monotonic() - from))
  if ok then return answer(self, id, 200, "text/html; charset=utf-8", text) end
  local usage = args.is_usage(text)
  say(self, id, usage and 404 or 500, usage and text.message or "This page cannot be made: "
    .. tostring(text))
end

local function stop(self, id, name)
  local ok, problem = pcall(pages.stop, self.handle, name)
  if not ok then
    return say(self, id, 409, args.is_usage(problem) and problem.message or tostring(problem))
  end
  local headers = { Location = ("/%s/run/%s"):format(self.token, name) }
  self.server:answer(id, { status = 303, headers = headers })
end

local function route(self, id, request)
  local base = "/" .. self.token
  local rest = request.path:sub(#base + 1)
  local run, more = rest:match "^/run/([^/]+)(.*)$"
  if request.method == "POST" then
    if run and more == "/stop" then return stop(self, id, run) end
    return say(self, id, 405, "Only GET is answered.")
  end
  if rest == "/" or rest == "" then return page(self, id, pages.index, base) end
  if rest == "/events" then return wait_for_change(self, id, request) end
  if rest == "/compare" then
    return page(self, id, pages.compare, base, request.query.runs or "")
  end
  if run and more == "" then return page(self, id, pages.run, base, run) end
  local list = run and more:match "^/(%l+)$"
  if list and pages.has_list(list) then
    return page(self, id, pages.list, base, run, list, request.query)
  end
  if run and more == "/calls" then
    local ok, value = pcall(pages.calls, self.handle, run, request.query)
    if ok then return as_json(self, id, value) end
  end
  local call = run and more:match "^/call/(%d+)$"
  if call then
    local ok, value = pcall(pages.call, self.handle, run, math.tointeger(tonumber(call)))
    if ok then return as_json(self, id, value) end
  end
  say(self, id, 404, "There is no such page.")
end

-- ---- the loop ----------------------------------------------------------------------------------

local function take(self)
  while true do
    local id, method, path, body, headers, query = self.server:next()
    if not id then break end
    local request = { method = method, path = path, body = body, headers = headers, query = query }
    local status, words = refusal(self, request)
    if status then say(self, id, status, words) else route(self, id, request) end
  end
  while self.server:finished() do end -- who went away needs nothing
end

local function serve(self)
  while term.signals() == 0 do
    self.server:step(#self.waiting > 0 and LOOK_MS or IDLE_MS)
    take(self)
    look(self)
  end
  self.server:close()
end

local function token()
  local source = assert(io.open("/dev/urandom", "rb"))
  local bytes = source:read(16)
  source:close()
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function names(port)
  local hosts, origins = {}, {}
  for _, name in ipairs { "127.0.0.1", "localhost" } do
    hosts[("%s:%d"):format(name, port)] = true
    origins[("http://%s:%d"):format(name, port)] = true
  end
  return hosts, origins
end

local function announce(self, options)
  local url = ("http://127.0.0.1:%d/%s/"):format(self.server:port(), self.token)
  io.stdout:write(url, "\n")
  io.stdout:flush()
  if options.ready_file then
    local ok, message = term.write_atomic(options.ready_file, url .. "\n")
    if not ok then args.fail("cannot write " .. message) end
  end
end

--- Run the command.
---@return integer exit code
function view.main(argv, first)
  local options = args.parse(view.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if #options.rest > 1 or options.rest[1] and options.store then
    args.fail("view takes one store", "lunagrad help view")
  end
  store.use({ store = options.rest[1] or options.store }, function(handle)
    local server, message = mockd.start { port = options.port or 0, backlog = 128, max_body = 4096 }
    if not server then
      args.fail(("cannot listen on 127.0.0.1:%d: %s"):format(options.port or 0, message),
        "--port 0 takes a free one")
    end
    local self = { server = server, handle = handle, token = token(), waiting = {},
      quiet_until = 0 }
    self.hosts, self.origins = names(server:port())
    collectgarbage("incremental", 300) -- pages of huge runs are made of millions of small things
    term.catch_signals()
    announce(self, options)
    serve(self)
  end)
  return 0
end

return view
