--- `lunagrad models`: which servers can be asked from here, and which models they have.

local args = require "lunagrad.cli.args"
local core = require "lunagrad.core"
local display = require "lunagrad.cli.display"
local prices = require "lunagrad.prices"
local servers = require "lunagrad.cli.servers"

local models = {}

local HELP = [[
usage: lunagrad models [PROVIDER] [options]

Lists the servers that are configured: where the key was found (its name, never the key), the
address, how it is spoken to, and whether it answers. With PROVIDER also its models, with prices
where they are known ($ for a million tokens, input / output). All are asked at once, for at most
two seconds.

  --all          every server's models, and the providers that are not configured
  --offline      ask nobody
  --json         a JSON line for each server
  --env-file FILE, --config FILE
                 read these instead of .env and of lunagrad.lua, as of lunagrad run
  --prices FILE  prices that stand before the built-in ones: JSON in litellm's format

examples:
  lunagrad models
  lunagrad models ollama
  lunagrad models --json --offline
]]

models.spec = { name = "models", options = {
  { names = { "--all" }, key = "all", type = "flag" },
  { names = { "--offline" }, key = "offline", type = "flag" },
  { names = { "--json" }, key = "json", type = "flag" },
  { names = { "--prices" }, key = "prices", type = "word", what = "a file" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }
args.add_files(models.spec)

--- The text of `lunagrad help models`.
function models.help() return HELP end

local function price_of(provider, id)
  local price = prices.lookup(provider .. "/" .. id)
  if not price then return nil end
  return { input_usd = price.input / 1e6, output_usd = price.output / 1e6 }
end

local function price_text(provider, id)
  local price = prices.lookup(provider .. "/" .. id)
  if not price then return "" end
  if price.input == 0 and price.output == 0 then return "free" end
  local drawn = price.image_output
  local pictures = drawn and drawn ~= price.output
    and (", pictures %s"):format(prices.text(drawn)) or ""
  return ("%s / %s%s"):format(prices.text(price.input), prices.text(price.output), pictures)
end

-- ---- for programs ----------------------------------------------------------------

local function or_null(value)
  if value == nil then return core.null end
  return value
end

local function as_json(one)
  local list
  if one.models then
    list = setmetatable({}, core.array)
    for i, id in ipairs(one.models) do
      list[i] = { id = id, price_per_million = or_null(price_of(one.provider, id)) }
    end
  end
  io.stdout:write(core.json_encode {
    provider = one.provider, dialect = or_null(one.dialect), base_url = or_null(one.base_url),
    base_from = or_null(one.base_from), configured = one.configured,
    key = { name = or_null(one.key_name), found = one.key_from ~= nil,
      from = or_null(one.key_from), needed = not one.keyless },
    reachable = or_null(one.asked and one.reachable), status = or_null(one.status),
    ms = or_null(one.ms), error = or_null(one.error or one.problem),
    models = or_null(list) }, "\n")
end

-- ---- for people ------------------------------------------------------------------

local function key_text(one)
  if one.key_from then return ("%s (%s)"):format(one.key_name, one.key_from) end
  if one.keyless then return "needs none" end
  return ("no %s"):format(one.key_name or "key")
end

local function state_text(one)
  if one.problem then return one.problem end
  if not one.configured then return one.no_address and "no address" or "no key" end
  if not one.asked then return "not asked" end
  if one.models then
    return ("%d model%s, %d ms"):format(#one.models, #one.models == 1 and "" or "s", one.ms or 0)
  end
  return one.error or "no answer"
end

local function print_lines(lines)
  require("lunagrad.cli.screen").print(lines)
end

-- Why a server is not asked, and what mends it: the table has no room for it.
local function tell_problems(list)
  for _, one in ipairs(list) do
    if one.problem then
      io.stderr:write(("lunagrad: %s: %s\n"):format(one.provider, display.clean_line(one.problem)),
        one.mend and ("  hint: %s\n"):format(display.clean_line(one.mend)) or "")
    end
  end
end

local function show_table(list)
  local rows = { { "provider", "state", "key", "address", "dialect" } }
  for _, one in ipairs(list) do
    rows[#rows + 1] = { one.provider, state_text(one), key_text(one), one.base_url, one.dialect }
  end
  tell_problems(list)
  if #rows == 1 then return io.stdout:write "no server is configured\n" end
  print_lines(require("lunagrad.cli.table").lines(rows, "lllll", { [2] = 60 }))
end

local function show_models(one)
  local rows = {}
  for _, id in ipairs(one.models or {}) do
    rows[#rows + 1] = { one.provider .. "/" .. id, price_text(one.provider, id) }
  end
  if #rows > 0 then print_lines(require("lunagrad.cli.table").lines(rows, "ll")) end
end

local function not_configured(list)
  local words = {}
  for _, one in ipairs(list) do
    if not one.configured then
      words[#words + 1] = ("%s (%s)"):format(one.provider,
        one.no_address and one.base_name or one.key_name)
    end
  end
  return words
end

-- Servers of this machine that nobody named and that are not there are no news.
local function is_shown(one, options)
  return options.all or options.only or one.problem
    or (one.configured and (one.stated or one.reachable or options.offline))
end

local function show(list, options)
  local shown = {}
  for _, one in ipairs(list) do
    if is_shown(one, options) then shown[#shown + 1] = one end
  end
  show_table(shown)
  if options.only or options.all then
    for _, one in ipairs(shown) do show_models(one) end
  end
  local missing = not_configured(list)
  if not options.only and not options.all and #missing > 0 then
    print_lines { "not configured:  " .. display.clean_line(table.concat(missing, ", ")) }
  end
end

-- ---- the command -----------------------------------------------------------------

local function fail_unknown(name, names)
  local prefix = require("lunagrad.providers").env_name(name)
  args.fail(("there is no provider %q"):format(name), args.did_you_mean(name, names,
    ("any OpenAI-compatible server works: set %s_BASE_URL"):format(prefix)))
end

local function has(names, name)
  for _, known in ipairs(names) do
    if known == name then return true end
  end
  return false
end

-- In the process apart: files of settings may hold keys.
local function find(options)
  local config = require "lunagrad.config"
  config.check()
  config.tell()
  local names = options.only and servers.names()
  if names and not has(names, options.only) then return { names = names } end
  local found = servers.list(options.only)
  if not options.offline then servers.look(found) end
  return { list = servers.public(found) }
end

--- Run the command.
---@return integer exit code
function models.main(argv, first)
  local options = args.parse(models.spec, argv, first)
  args.use_files(options)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  options.only = options.rest[1]
  if options.rest[2] then args.fail("models takes one provider's name") end
  if options.prices then prices.use(options.prices, 0) end
  local answer = servers.apart(function() return find(options) end)
  if answer.names then fail_unknown(options.only, answer.names) end
  local list = answer.list
  local failed = false
  for _, one in ipairs(list) do
    if options.json and is_shown(one, options) then as_json(one) end
    failed = failed or one.problem ~= nil
      or (one.asked and not one.models and (one.stated or options.only ~= nil))
  end
  if not options.json then show(list, options) end
  return failed and 3 or 0
end

return models
