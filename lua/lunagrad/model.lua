--- Models: from "provider/model" to something that can be called.
--
-- Resolves names, keys and addresses (by config.lua), and knows which
-- body fields exist. How a request looks on the wire is the engine's (engine/provider_*.c).
-- Keys are only handed on to the engine; no table here keeps one that prints.

local config = require "lunagrad.config"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local prices = require "lunagrad.prices"
local providers = require "lunagrad.providers"
local settings = require "lunagrad.settings"
local var = require "lunagrad.var"
local work = require "lunagrad.work"

local model = { dry_run = false } -- dry_run: no server is asked, see dryrun.lua

-- ---- settings ----------------------------------------------------------------------

local setting = config.get
model.setting = setting
local lookup = config.lookup

-- Certificates that the environment names go to the engine, which reads none itself.
function model.engine_settings()
  return { ca_file = setting "SSL_CERT_FILE" or setting "CURL_CA_BUNDLE",
    ca_path = setting "SSL_CERT_DIR" }
end

-- ---- options ---------------------------------------------------------------------

-- Body fields, as Chat Completions names them.
local BODY = {
  temperature = "number?", top_p = "number?", max_tokens = "integer?",
  max_completion_tokens = "integer?", seed = "integer?", stop = "any",
  presence_penalty = "number?", frequency_penalty = "number?", reasoning_effort = "string?",
  verbosity = "string?", response_format = "any", top_k = "integer?", min_p = "number?",
  logit_bias = "any", user = "string?", service_tier = "string?",
  tools = "table?", tool_choice = "any", parallel_tool_calls = "boolean?", modalities = "table?",
}

local function spec_with(more)
  local spec = {}
  for name, kind in pairs(BODY) do spec[name] = kind end
  for name, kind in pairs(more) do spec[name] = kind end
  return spec
end

local MODEL_SPEC = spec_with {
  [1] = "any",
  base_url = "string?", api_key = "string?", headers = "table?", concurrency = "integer?",
  extra = "table?", memo = "boolean?", schema = "any", fallback = "any", dialect = "string?",
  quirks = "string?", rpm = "integer?", tpm = "integer?", hedge = "table?",
  keep_thinking = "boolean?", stop_repetition = "boolean?",
}
local HEDGE_SPEC = { after = "integer|string", budget = { type = "number", default = 0.05 } }
local CALL_SPEC = spec_with {
  schema = "any",
  system = "any", role = "string?", sample = "integer?", example = "integer?", messages = "table?",
  kind = "string?", extra = "table?", stream = "function?",
}
options.parts(CALL_SPEC, 16, "join texts with .., or give the parts as one message: "
  .. 'messages = { { "user", { part, part, … } } }')

local function body_options(from)
  local list
  for name in pairs(BODY) do
    if from[name] ~= nil then
      list = list or {}
      list[#list + 1] = { name, core.json_encode(from[name]) }
    end
  end
  for name, value in pairs(from.extra or {}) do
    list = list or {}
    list[#list + 1] = { name, core.json_encode(value) }
  end
  if list then table.sort(list, function(a, b) return a[1] < b[1] end) end
  return list
end

-- ---- calling ---------------------------------------------------------------------

local Model = {}
Model.__name = "lunagrad.model"

-- The engine's part of each model that has none yet: made when the model is first used.
local unmade = setmetatable({}, { __mode = "k" })

-- A limit on money can only be kept where prices are known, and how large a picture can be.
local function check_price(spec, price)
  if not settings.get "max_micros" then return end
  if not price then
    errors.raise("inval", ("max_cost: no price is known for %s, so the limit could not be kept")
      :format(spec.name), "name a JSON file in litellm's format that has it: --prices FILE, or "
        .. "lg.configure{ prices = \"FILE\" }; or limit calls or tokens instead", 0)
  elseif spec.max_output == -1 then
    errors.raise("inval", ("max_cost: nobody knows the most that a picture of %s may cost, so the "
      .. "limit could not be kept"):format(spec.name), "limit calls instead", 0)
  end
end

-- What the engine does not take, with the model it is about. What is wrong with an address is told
-- with the variable that says it.
local function make_core(self, spec)
  local ok, made = pcall(core.model, loop.engine(), spec)
  if ok then return made end
  if errors.is(made) then
    local what, field = made.message, made.field
    if field == "base_url" and self.base_name then
      what = self.base_name .. ": " .. what
    elseif not made.hint and field and field ~= "base_url" then -- an address could hold a secret
      made.hint = ("%s is %q; docs/providers.md has those that there are"):format(field,
        spec[field])
    end
    local name = spec.name
    if #name > 100 or core.clean(name) ~= name then name = errors.quoted(name) end
    made.message = ("%s: %s"):format(name, what)
  end
  error(made, 0)
end

local function realize(self)
  local spec = unmade[self]
  if self.fallback then
    spec.fallback = {}
    for i, m in ipairs(self.fallback) do spec.fallback[i] = m.core end
  end
  local free = { host = true, probe = true, exec = true }
  if not free[spec.dialect] then
    check_price(spec, prices.fill(self.priced or spec.name, spec))
  end
  local made = make_core(self, spec)
  unmade[self] = nil
  return made
end

function Model.__index(self, name)
  if name ~= "core" then return Model[name] end
  self.core = realize(self)
  return rawget(self, "core")
end

-- Only described: the engine's part is made when that is asked for.
local function make(self, spec)
  unmade[self] = spec
  return setmetatable(self, Model)
end

-- A content that is a list is a message of several parts.
local function add_message(list, role, content, name, where)
  if type(content) ~= "table" then content = { content } end
  local n = options.length(content)
  for i = 1, math.max(n, 1) do
    if content[i] == nil then
      local field = n > 1 and tostring(i) or name == role and "content" or name
      errors.refuse(field, ("%s: %s is nil"):format(where, n > 1 and ("part %d"):format(i)
        or name == role and "its content" or "the " .. name), nil, 3)
    end
    list[#list + 1] = { i == 1 and role or "+", var.lift(content[i], name, where, 3) }
  end
end

local MESSAGE_SPEC = { "any", "any", role = "any", content = "any" }

local WHO = { system = true, developer = true, user = true, assistant = true, tool = true }

-- Servers differ in what they make of a role they do not know; so it is looked at here.
local function check_role(role, list, where)
  local part = role == "+" or role == "+shown"
  if WHO[role] and role ~= "tool" or part and #list > 0 then return end
  local text = type(role) == "string" and role or ""
  if text:find "^describe %S+$" or text:find "^tool %S+ %S*$"
    or text:find "^tool %S+ %S* error$" then
    return
  end
  local near = options.suggest(text, WHO)
  local given = type(role) == "string" and core.json_encode(role) or tostring(role)
  errors.raise("inval", role == "+" and where .. ': "+" has no message before it'
    or ("%s: %s is no role"):format(where, given), text:find "^tool%f[%W]"
      and '"tool NAME ID" for the result of the call ID, behind the assistant\'s turn that made it'
      or (near and near .. "; " or "") .. 'there are "system", "developer", "user", "assistant", '
        .. '"tool NAME ID", and "+" for a further part', 4)
end

local function take_messages(spec, where)
  local list = {}
  if spec.system ~= nil then add_message(list, "system", spec.system, "system prompt", where) end
  local given = spec.messages or {}
  local n = options.length(given)
  if n == 0 and next(given) ~= nil then
    errors.raise("inval", where .. ": messages is a list", 'messages = { { "user", "…" } }', 2)
  end
  for i = 1, n do
    local message, place = given[i], ("%s: message %d"):format(where, i)
    if type(message) ~= "table" or var.is(message) then
      errors.raise("inval", ("%s: expected { role = …, content = … }, got %s")
        :format(place, type(message)), nil, 3)
    end
    options.check(message, MESSAGE_SPEC, place, 3)
    local role, content = message.role or message[1], message.content or message[2]
    check_role(role, list, place)
    add_message(list, role, content, role, place)
  end
  if spec[1] ~= nil then
    add_message(list, "user", spec[1], "question", where)
    for i = 2, #spec do
      list[#list + 1] = { "+", var.lift(spec[i], "part of the question", where, 2) }
    end
  end
  if n == 0 and spec[1] == nil then
    errors.raise("inval", where .. ": nothing to ask" .. (#list > 0
      and ": there is a system prompt, but the question is nil" or ""),
      'model("…") or model{ "…", system = prompt }', 2)
  end
  return list
end

-- One call; messages are taken, more is an option on top.
local function call_with(self, spec, messages, more)
  local context = loop.context()
  local candidate = context and context.candidate
  local sample = spec.sample
  if candidate then
    local meter = candidate.meter
    if meter then meter.calls = meter.calls + 1 end
    if candidate.sample then sample = (sample or 0) + candidate.sample end
  end
  local list = body_options(spec)
  if more then
    list = list or {}
    list[#list + 1] = more
    table.sort(list, function(a, b) return a[1] < b[1] end)
  end
  local asked = { messages = messages, role = spec.role, sample = sample,
    options = list, kind = spec.kind or self.kind,
    example = spec.example or context and context.example,
    purpose = context and context.purpose }
  if not spec.stream then return loop.own(core.call(loop.engine(), self.core, asked)) end
  return loop.own(work.watch(spec.stream, function(tag)
    asked.tag = tag
    return core.call(loop.engine(), self.core, asked)
  end))
end

local function call(self, spec)
  local wanted = spec.schema
  if wanted == nil then wanted = rawget(self, "schema") end
  local messages = take_messages(spec, self.name)
  if not wanted then return call_with(self, spec, messages) end
  return require("lunagrad.structured").ask(wanted, spec, messages, function(list, option, quiet)
    local once = spec
    if quiet and spec.stream then
      once = setmetatable({ stream = false }, { __index = spec })
    end
    return call_with(self, once, list, option)
  end, self.name)
end

--- Ask: model(question) or model{ question, system = prompt, role = "…", sample = 2, … }.
--- More parts follow the question: model{ "What is in it?", lg.image "a.png" }. With
--- stream = function(piece, restart) the answer is heard while it comes. With schema = { … } (see
--- schema.lua) the answer is JSON that fits it, which answer:value() decodes; schema = false takes
--- back the model's own. Returns a pending variable.
function Model:__call(spec, more)
  if more ~= nil then options.check_second(more, CALL_SPEC, self.name, "model") end
  if type(spec) ~= "table" or var.is(spec) then
    spec = { spec }
  else
    options.check(spec, CALL_SPEC, self.name, 2)
  end
  return call(self, spec)
end

function Model:__tostring() return self.name end

-- ---- making ----------------------------------------------------------------------

local function from_function(fn, name, opts)
  name = name or "lua"
  return make({ name = name }, { dialect = "host", name = name, model = name, no_memo = true,
    fresh = opts.memo == false, options = body_options(opts), concurrency = opts.concurrency,
    rpm = opts.rpm, tpm = opts.tpm,
    tag = work.add_model(fn) })
end

-- Options arrive as JSON texts; sim and Lua models want values.
local function decoded(request)
  local r = { messages = request.messages, sample = request.sample, model = request.model }
  for name, json in pairs(request.options) do r[name] = core.json_decode(json) end
  return r
end

--- What answers as sim does: a function for work.add_model.
---@param name string "sim/default", …
---@return fun(request: table): table
function model.sim(name)
  local talk = require "lunagrad.world.talk"
  local short = name:match "^sim/(.*)$" or "default"
  return function(request)
    local r = decoded(request)
    r.model = "sim/" .. short
    return talk.reply(r)
  end
end

local function from_sim(name, opts)
  return make({ name = name }, { dialect = "host", name = name, model = name, no_memo = true,
    fresh = opts.memo == false, options = body_options(opts), concurrency = opts.concurrency,
    rpm = opts.rpm, tpm = opts.tpm, tag = work.add_model(model.sim(name)) })
end

-- Only what is recorded answers; replay.lua finds it.
local function from_recording(name, opts)
  local replay = require "lunagrad.book.replay"
  local answer = replay.open(name:match "^replay/(.*)$")
  return make({ name = name }, { dialect = "host", name = name, model = name, no_memo = true,
    fresh = opts.memo == false, options = body_options(opts), concurrency = opts.concurrency,
    tag = work.add_model(answer) })
end

-- A server's model in a dry run: sim answers, and what is asked is counted.
local function from_dry_run(name, opts)
  local provider, id = name:match "^([^/]+)/(.+)$"
  local server = providers.resolve(provider, opts, lookup)
  local told = { name = name, priced = server.provider .. "/" .. id,
    draws = server.dialect == "openai-image" }
  return make({ name = name }, { dialect = "host", name = name, model = name,
    options = body_options(opts), concurrency = opts.concurrency,
    fresh = opts.memo == false,
    tag = work.add_model(require("lunagrad.dryrun").model(told, decoded)) })
end

-- A program: JSON on its stdin, text on its stdout (engine/model/provider_exec.c). What it costs is
-- its own business.
local function from_exec(name, opts)
  return make({ name = name }, { dialect = "exec", name = name, model = name:match "^exec/(.*)$",
    options = body_options(opts), concurrency = opts.concurrency or 8,
    fresh = opts.memo == false, price_input = 0, price_output = 0 })
end

local function missing_key(provider, key_name)
  if core.host and core.host.closed then
    errors.raise("state", provider .. ": this script may not use models that it was not given",
      "its host allows what a script may do", 2)
  end
  local store = config.keys()
  if store.problem then
    errors.raise("auth", ("%s: no key: %s is not set, and the key store %s is not used: %s")
      :format(provider, key_name, store.path, store.problem), store.mend, 2)
  end
  errors.raise("auth", ("%s: no key: %s is not set"):format(provider, key_name),
    ("set %s in the environment or in .env, or store it: lunagrad keys set %s; or try the "
      .. "embedded model: -m sim/default"):format(key_name, provider), 2)
end

local function unknown_provider(name, provider)
  local prefix = providers.env_name(provider)
  local near = options.suggest(provider, providers.rows,
    { sim = true, responses = true, exec = true })
  errors.raise("nomodel", ("unknown provider %q in model %q"):format(provider, name),
    (near and near .. "; " or "")
      .. ("any OpenAI-compatible server works: set %s_BASE_URL and %s_API_KEY")
        :format(prefix, prefix), 2)
end

local function no_address(name, provider, server)
  if not providers.rows[server.provider] then unknown_provider(name, provider) end
  errors.raise("nomodel", ("%s: no address: %s is not set"):format(provider, server.base_name),
    ("set %s in the environment or in .env"):format(server.base_name), 2)
end

-- Nobody is asked with a key that must not go there, or without one that is needed.
local function check_server(name, provider, server)
  config.tell()
  if not server.base_url then no_address(name, provider, server) end
  if server.problem then
    errors.raise("auth", ("%s: %s"):format(provider, server.problem.message),
      server.problem.hint, 3)
  end
  if server.needs_key then missing_key(server.provider, server.key_name) end
end

local warned = {}

local function warn_once(text)
  if text and not warned[text] then
    warned[text] = true
    io.stderr:write("lunagrad: ", text, "\n")
  end
end

local function headers_list(headers)
  local list = {}
  for name, value in pairs(headers or {}) do list[#list + 1] = { name, tostring(value) } end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- hedge = { after = 2000 or "p95", budget = 0.05 } -> milliseconds, percentile, budget
local function read_hedge(hedge)
  if not hedge then return end
  hedge = options.check(hedge, HEDGE_SPEC, "hedge", 4)
  local after, budget = hedge.after, hedge.budget
  local percentile = type(after) == "string" and tonumber(after:match "^p(%d%d)$") or nil
  if not (percentile and percentile >= 50 or math.type(after) == "integer" and after > 0) then
    errors.refuse("after", ("hedge: after = %s is no delay"):format(tostring(after)),
      'write milliseconds, or "p95": longer than 95% of the last replies took', 4)
  end
  if not (budget >= 0 and budget <= 1) then
    errors.refuse("budget", ("hedge: budget = %s is no part of the calls"):format(budget),
      "write a number from 0 to 1: 0.05 are five in a hundred", 4)
  end
  return not percentile and after or nil, percentile, budget
end

local function from_server(name, opts)
  local provider, id = name:match "^([^/]+)/(.+)$"
  if not provider then
    errors.raise("nomodel", ("%q is no model's name"):format(name),
      'write provider/model, e.g. "openai/gpt-4o-mini" or "sim/default"', 2)
  end
  local server = providers.resolve(provider, opts, lookup)
  check_server(name, provider, server)
  warn_once(server.warning)
  local after, percentile, budget = read_hedge(opts.hedge)
  return make({ name = name, priced = server.provider .. "/" .. id,
    base_name = not opts.base_url and server.base_name or nil }, { dialect = server.dialect,
    quirks = server.quirks, name = name, model = id, base_url = server.base_url,
    api_key = server.api_key, key_name = server.key_told or server.key_name,
    headers = headers_list(server.headers),
    options = body_options(opts), fresh = opts.memo == false,
    rpm = opts.rpm, tpm = opts.tpm,
    hedge_after = after, hedge_percentile = percentile, hedge_budget = budget,
    concurrency = opts.concurrency
      or not loop.setting "concurrency" and server.row.concurrency or nil })
end

--- Looks at a server without asking a model: its list of models as JSON, a pending variable.
---@param provider string "openai", "ollama", …
---@param opts? table base_url, api_key, headers
function model.probe(provider, opts)
  local server = providers.resolve(provider, opts or {}, lookup)
  check_server(provider, provider, server)
  local spec = providers.probe(server)
  return call(make({ name = provider }, spec), { spec.model })
end

local given = {} -- models that a script's host gave it, by name

--- A model of the engine's that the host has made; lg.model(name) finds it.
---@param name string
---@param core_model userdata
function model.give(name, core_model)
  local made = setmetatable({ name = core_model:name(), core = core_model }, Model)
  given[name] = made
  return made
end

-- What a name or a function stands for.
local function named(spec, opts, name)
  if type(spec) == "function" then
    return from_function(function(request) return spec(decoded(request)) end, name, opts)
  end
  if type(spec) ~= "string" then
    errors.raise("inval", ("lg.model: expected a name, got %s"):format(type(spec)),
      'lg.model "openai/gpt-4o-mini"', 3)
  end
  if spec == "sim" or spec:find "^sim/" then return from_sim(spec, opts) end
  if spec:find "^replay/" then return from_recording(spec, opts) end
  if model.dry_run and spec:find "^[^/]+/." then return from_dry_run(spec, opts) end
  if spec:find "^exec/." then return from_exec(spec, opts) end
  return from_server(spec, opts)
end

-- What a model is asked with, without its engine's part.
local function described(spec, name)
  if spec == nil then return model.for_role "model" end
  if getmetatable(spec) == Model then return spec end
  if given[spec] then return given[spec] end
  local opts = spec
  if type(spec) == "table" then
    options.check(spec, MODEL_SPEC, "lg.model", 3)
    for _, limit in ipairs { "concurrency", "rpm", "tpm" } do
      if spec[limit] and spec[limit] < 1 then
        errors.refuse(limit, ("lg.model: %s must be at least 1, got %d"):format(limit,
          spec[limit]), "leave it out for no limit of your own", 3)
      end
    end
    spec = spec[1]
    if given[spec] then
      errors.raise("inval", ("lg.model: %q is its host's, and has its options"):format(spec),
        ("write lg.model %q, and give options with the call"):format(spec), 3)
    end
  else
    opts = {}
  end
  local fallback
  if opts.fallback ~= nil then
    local list = opts.fallback
    fallback = {}
    if type(list) ~= "table" or getmetatable(list) == Model then list = { list } end
    for n, m in ipairs(list) do fallback[n] = described(m) end
  end
  local made = named(spec, opts, name)
  made.fallback = fallback
  unmade[made].keep_thinking = opts.keep_thinking or nil
  unmade[made].stop_repetition = opts.stop_repetition or nil
  rawset(made, "max_tokens", opts.max_tokens)
  if opts.schema then
    require("lunagrad.structured").check(opts.schema, made.name)
    rawset(made, "schema", opts.schema)
  end
  return made
end

--- A model: lg.model "openai/gpt-4o-mini", lg.model{ "sim/default", temperature = 0 }, or a Lua
--- function(request) → text, where request has messages = {{role, content}…} and the options.
--- With fallback = { "b/y", … } those are asked, in order, when it cannot be had.
--- schema = { … } is that of all its answers, see model:__call. keep_thinking = true leaves in the
--- answer what a model thinks in tags of its text; v:thinking() has it otherwise. stop_repetition =
--- true breaks off a reply that says the same over and over.
--- lg.model() is the one that plays the role "model": what -m or lg.default says, or sim.
---@param spec? string|table|function
---@param name? string for a function
function model.new(spec, name)
  local made = described(spec, name)
  if unmade[made] then made.core = realize(made) end
  return made
end

--- A model that was made in C, as one of these.
---@param made userdata
function model.adopt(made)
  return setmetatable({ name = made:name(), core = made }, Model)
end

-- ---- roles -----------------------------------------------------------------------

local defaults = {}
local ROLES = { model = "any", backward = "any", optimizer = "any", judge = "any" }
local FALLBACK = { model = {}, backward = { "model" }, optimizer = { "backward", "model" },
  judge = { "backward", "model" } }

--- Which model plays which role: lg.default{ model = m, backward = b, optimizer = o, judge = j }.
--- What is not set falls back: judge and optimizer to backward, backward to model, that to sim.
function model.default(roles)
  options.check(roles, ROLES, "lg.default", 2)
  for role, m in pairs(roles) do defaults[role] = model.new(m) end
end

--- For the command: as default, but the models are only described. The engine stays unmade, so
--- that a script may still configure it.
function model.preset(roles)
  options.check(roles, ROLES, "lg.default", 2)
  for role, m in pairs(roles) do defaults[role] = described(m) end
end

--- The model of a role.
---@param role "model"|"backward"|"optimizer"|"judge"
function model.for_role(role)
  if defaults[role] then return defaults[role] end
  for _, other in ipairs(FALLBACK[role]) do
    if defaults[other] then return defaults[other] end
  end
  defaults.model = defaults.model or model.new "sim/default"
  return defaults.model
end

--- m itself, or the model that a name or nil stands for.
function model.of(m, role)
  if m == nil then return model.for_role(role) end
  if type(m) == "string" and FALLBACK[m] then return model.for_role(m) end
  return model.new(m)
end

--- For the library: a call by a role's model or a given one; kind is what it is for in the ledger.
---@param m any a model, a role's name, or nil for the role "model"
---@param spec table as for model{…}, with kind
function model.call(m, spec) return call(model.of(m, "model"), spec) end

--- The names of all models in use, for reports.
function model.in_use()
  local names, seen = {}, {}
  for _, role in ipairs { "model", "backward", "optimizer", "judge" } do
    local m = defaults[role]
    if m and not seen[m.name] then
      seen[m.name] = true
      names[#names + 1] = m.name
    end
  end
  return names
end

return model
