--- Providers: what the word before the slash of a model's name means.
--
-- One row a server: adding a server that speaks OpenAI's Chat Completions is one row, or none
-- (FOO_BASE_URL and FOO_API_KEY). Knows addresses, where keys are found and which dialect and
-- quirks of the engine (engine/model/provider.c, engine/model/model.h) a server wants; it asks nobody
-- anything. Used by model.lua and by the commands that look at servers.
--
-- A suffix picks another API of the same server: "openai-responses/…", "azure-embed/…",
-- "together-embed/…", "openai-image/…"; "responses/…" is short for the first.

local dotenv = require "lunagrad.dotenv"
local errors = require "lunagrad.errors"
local trust = require "lunagrad.trust"

local providers = {}

-- Local servers work on a few calls at a time and often listen with a short queue: more
-- connections than that are dropped by the kernel and come back after seconds.
local LOCAL = 8

-- ---- addresses -------------------------------------------------------------------

-- OLLAMA_HOST as Ollama itself reads it: scheme, host and port may each be missing.
local function ollama_host(text)
  local scheme, rest = text:match "^%s*(%a+)://(.-)%s*$"
  local port = scheme == "https" and "443" or scheme == "http" and "80" or "11434"
  rest = rest or text:match "^%s*(.-)%s*$"
  if not scheme and rest == "ollama.com" then return "https://ollama.com" end
  local authority, path = rest:match "^([^/]*)(.-)/*$"
  local host, own_port = authority:match "^(.*):(%d+)$"
  if not host or host:find "^[^%[]*:" then host, own_port = authority, nil end -- a bare IPv6
  if host:find ":" and not host:find "^%[" then host = "[" .. host .. "]" end
  if host == "" or host == "0.0.0.0" or host == "[::]" then host = "127.0.0.1" end
  return ("%s://%s:%s%s"):format(scheme or "http", host, own_port or port, path)
end

-- Below /v1 Ollama imitates Chat Completions: who asks for that gets it.
local function adapt_ollama(spec)
  if spec.base_url:find "/v1/?$" then
    spec.dialect = spec.dialect:gsub("^ollama", "openai")
  else
    spec.base_url = spec.base_url:gsub("/api/?$", "")
  end
end

-- Without a version it is the surface that has none.
local function adapt_azure(spec, setting)
  local version = setting "OPENAI_API_VERSION"
  local base, query = spec.base_url:match "^([^?]*)(.*)$"
  if base:find "/openai/v1/?$" or query:find "api%-version=" then return end
  if version and version ~= "v1" then
    spec.base_url = base .. (query == "" and "?" or query .. "&") .. "api-version=" .. version
  else
    spec.quirks = (spec.quirks or "") .. " v1"
  end
end

-- The path of its list of models, and whether the key goes there as OpenAI's does.
local function azure_models(spec)
  local base = spec.base_url:match "^[^?]*"
  local v1 = (spec.quirks or ""):find "v1" ~= nil
  if base:find "/openai/v1/?$" then return "/models", true end
  return (base:find "/openai/?$" and "" or "/openai") .. (v1 and "/v1/models" or "/models"), v1
end

local function adapt_anthropic(spec) spec.base_url = spec.base_url:gsub("/v1/?$", "") end

-- Below /openai Gemini imitates Chat Completions.
local function adapt_gemini(spec)
  if spec.base_url:find "/openai/?$" then spec.dialect = spec.dialect:gsub("^gemini", "openai") end
end

local function gemini_models(spec)
  return spec.base_url:find "/v%d%w*/?$" and "/models" or "/v1/models", false
end

-- ---- the rows --------------------------------------------------------------------

---@class lunagrad.provider
---@field base? string address, when nothing names another
---@field also? string[] where else a local server may listen
---@field dialect? string as the engine calls it; "openai" (Chat Completions) when missing
---@field quirks? string how the server differs from its dialect, see engine/model/model.h
---@field key? boolean false: it needs none
---@field keys? string[] where its key is found, NAME_API_KEY when missing
---@field bases? string[] where another address is found, NAME_BASE_URL when missing
---@field host? string a variable that holds its address in a form of its own
---@field read_host? function turns that into an address
---@field token? string a variable whose token is sent instead of a key
---@field headers? table<string, string> further headers, and the variables that hold them
---@field key_header? string the header of its key, when that is not Authorization
---@field extra? table<string, string> headers that looking at it needs besides
---@field models? string|function the path that lists its models, "/models" when missing
---@field concurrency? integer
---@field adapt? function the last word about a spec

---@type table<string, lunagrad.provider>
local rows = {
  openai = { base = "https://api.openai.com/v1", quirks = "responses",
    headers = { ["OpenAI-Organization"] = "OPENAI_ORG_ID",
      ["OpenAI-Project"] = "OPENAI_PROJECT_ID" } },
  azure = { dialect = "azure", quirks = "responses", adapt = adapt_azure,
    keys = { "AZURE_OPENAI_API_KEY", "AZURE_API_KEY" }, token = "AZURE_OPENAI_AD_TOKEN",
    bases = { "AZURE_OPENAI_ENDPOINT", "AZURE_BASE_URL" }, key_header = "api-key",
    models = azure_models },
  anthropic = { base = "https://api.anthropic.com", dialect = "anthropic",
    token = "ANTHROPIC_AUTH_TOKEN", key_header = "x-api-key", models = "/v1/models",
    extra = { ["anthropic-version"] = "2023-06-01" }, adapt = adapt_anthropic },
  gemini = { base = "https://generativelanguage.googleapis.com", dialect = "gemini",
    keys = { "GOOGLE_API_KEY", "GEMINI_API_KEY" }, key_header = "x-goog-api-key",
    bases = { "GOOGLE_GEMINI_BASE_URL", "GEMINI_BASE_URL" }, models = gemini_models,
    adapt = adapt_gemini },
  ollama = { base = "http://127.0.0.1:11434", dialect = "ollama", key = false, models = "/api/tags",
    host = "OLLAMA_HOST", read_host = ollama_host, concurrency = LOCAL, adapt = adapt_ollama },
  openrouter = { base = "https://openrouter.ai/api/v1" },
  together = { base = "https://api.together.xyz/v1", quirks = "max_completion_tokens>max_tokens" },
  groq = { base = "https://api.groq.com/openai/v1",
    quirks = "-logit_bias -logprobs -top_logprobs" },
  deepseek = { base = "https://api.deepseek.com",
    quirks = "json_object max_completion_tokens>max_tokens" },
  mistral = { base = "https://api.mistral.ai/v1",
    quirks = "seed>random_seed max_completion_tokens>max_tokens tool_any no_stream_usage" },
  xai = { base = "https://api.x.ai/v1" },
  fireworks = { base = "https://api.fireworks.ai/inference/v1" },
  moonshot = { base = "https://api.moonshot.ai/v1", quirks = "json_object" },
  vllm = { base = "http://127.0.0.1:8000/v1", key = false },
  lmstudio = { base = "http://127.0.0.1:1234/v1", key = false, concurrency = LOCAL },
  llamacpp = { base = "http://127.0.0.1:8080/v1", also = { "http://127.0.0.1:9931/v1" },
    key = false, concurrency = LOCAL },
  sglang = { base = "http://127.0.0.1:30000/v1", key = false },
}
providers.rows = rows

-- Other APIs of a dialect's servers.
local APIS = {
  embed = { openai = "openai-embed", azure = "azure-embed", ollama = "ollama-embed",
    gemini = "gemini-embed" },
  image = { openai = "openai-image" },
  responses = { openai = "responses", azure = "azure-responses" },
}

-- ---- what a name means -----------------------------------------------------------

local function env_name(provider) return (provider:upper():gsub("[^%w]", "_")) end
providers.env_name = env_name

-- The server and which of its APIs: a name of its own comes before a suffix.
local function split(provider, setting)
  if provider == "responses" and not setting "RESPONSES_BASE_URL" then
    return "openai", "responses"
  end
  local server, api = provider:match "^(.+)%-(%a+)$"
  if not APIS[api] or rows[provider] or setting(env_name(provider) .. "_BASE_URL") then
    return provider, nil
  end
  return server, api
end

--- The server that a provider's name means: "openai" of "openai-image" and "responses".
---@param provider string
---@return string
function providers.server(provider)
  return (split(provider, function() return nil end))
end

-- What a variable says and who says it, without blanks around it (and whether there were some);
-- nil when nothing is left.
local function said(name, setting)
  local whole, _, place = setting(name)
  local value = whole and dotenv.trim(whole)
  if value and value ~= "" then
    return value, place or trust.ENVIRONMENT, value ~= whole
  end
end

-- The first of the variables that is set; its name; who says it; another that is set, too; and
-- whether there were blanks around it.
local function first_set(names, setting)
  local value, name, place, other, blanks
  for _, candidate in ipairs(names) do
    local found, from, had_blanks = said(candidate, setting)
    if found and not value then
      value, name, place, blanks = found, candidate, from, had_blanks
    elseif found and found ~= value then
      other = other or candidate
    end
  end
  return value, name or names[1], place, other, blanks
end

-- ---- keys ------------------------------------------------------------------------

-- Words about a key that can be said without it, when it cannot be one.
local function why_no_key(key)
  if key:find "^[\"'`]" or key:find "[\"'`]$" then return "quotes around it" end
  if key:find "^\u{201C}" or key:find "^\u{2018}" or key:find "\u{201D}$" then
    return "curly quotes around it"
  end
  if key:find "[\128-\255]" then return "characters that no key has" end
  if key:find "%s" then return "blanks in it" end
  if key:find "%c" then return "control characters in it" end
  if key:find "^%$[{(]" then return "$ at its begin, and nothing is put in for it" end
end

-- The host of an address, without what may be secret in it.
local function host_of(url)
  return ((url:match "^%a[%w+.-]*://([^/?#]*)" or url:match "^[^/?#]*"):gsub("^.*@", ""))
end

local function refusal(spec, name, from, base_name)
  local address = spec.base_place
  return { message = ("%s is not sent to %s: that address is named by %s (%s), a project's file, "
    .. "and the key is from %s"):format(name, host_of(spec.base_url), trust.told(address),
      base_name, trust.told(from)),
    hint = ("if the address is right, put %s into the environment, or name the file yourself: "
      .. "%s %s; if it is not, take it out of that file"):format(base_name,
        address.option or "--env-file", address.name) }
end

-- The key as it is sent, or why it is not. Nothing of a spec with spec.problem goes anywhere.
local function take_key(spec, key, name, place)
  spec.key_place = place
  local why = why_no_key(key)
  if why then
    spec.problem = {
      message = ("%s, from %s, has %s: it is not sent"):format(name, trust.told(place), why),
      hint = ("write it as the provider gave it, or store it: lunagrad keys set %s"):format(
        spec.provider) }
  elseif trust.may_go(place, spec.base_place) then
    return key
  elseif spec.row.key == false then
    local refused = refusal(spec, name, place, spec.base_name)
    spec.warning = refused.message .. "; it is asked without a key"
  else
    spec.problem = refusal(spec, name, place, spec.base_name)
  end
end

local function add_key(spec, given, names, setting)
  local key, name, place, other, blanks = first_set(names, setting)
  spec.key_name, spec.key_blanks = name, blanks
  if given then
    key, place = dotenv.trim(given), trust.SCRIPT
    spec.key_place = place
    name = "the script's api_key"
  elseif other then
    spec.warning = ("both %s and %s are set; %s is used"):format(name, other, name)
  end
  if key and key ~= "" then
    spec.api_key = take_key(spec, key, name, place)
    spec.key_told = given and name or ("%s (from %s)"):format(name, trust.told(place))
  end
  if spec.key_place or not spec.row.token then return end
  local token, from = said(spec.row.token, setting)
  token = token and take_key(spec, token, spec.row.token, from)
  if token then
    spec.headers.Authorization = "Bearer " .. token
    spec.key_told = ("%s (from %s)"):format(spec.row.token, trust.told(from))
  end
end

-- Any header of a script may hold a secret. What variables add beside a key is left out where
-- the key would be.
local function add_headers(spec, given, setting)
  local own = {}
  for name in pairs(given or {}) do own[name:lower()] = true end
  for name, variable in pairs(spec.row.headers or {}) do
    local value, place = said(variable, setting)
    if value and not value:find "%c" and not own[name:lower()]
      and trust.may_go(place, spec.base_place) then
      spec.headers[name] = value
    end
  end
  for name, value in pairs(given or {}) do
    if trust.may_go(trust.SCRIPT, spec.base_place) then
      spec.headers[name] = tostring(value)
    else
      spec.problem = refusal(spec, ("the header %s"):format(name), trust.SCRIPT, spec.base_name)
    end
  end
end

local function dialect_of(provider, row, api)
  local dialect = row.dialect or "openai"
  if not api then return dialect end
  return APIS[api][dialect] or errors.raise("inval",
    ("%s: lunagrad knows no %s API of %s"):format(provider, api, dialect),
    "ask another provider's, such as openai-" .. api .. "/…", 2)
end

local function add_address(spec, prefix, opts, setting)
  local row = spec.row
  local own, name, place = first_set(row.bases or { prefix .. "_BASE_URL" }, setting)
  if opts.base_url then own, place = opts.base_url, trust.SCRIPT end
  local host, from
  if not own and row.host then host, from = said(row.host, setting) end
  if host then name, place = row.host, from end
  spec.base_url, spec.own_base = own or host and row.read_host(host) or row.base, own ~= nil
  spec.base_name, spec.base_place = name, place
end

---@class lunagrad.server how to reach and speak to a server, but for a model's name
---@field provider string the server's own name, without a suffix
---@field row lunagrad.provider an empty one for a server that only variables name
---@field dialect string
---@field quirks? string
---@field base_url? string nil: nothing says where it is
---@field base_name string the variable that says it, or could
---@field base_place? lunagrad.place who says it; nil: it is the provider's own
---@field own_base boolean the address is the user's
---@field api_key? string
---@field key_name string
---@field key_place? lunagrad.place who says the key, also one that is not sent
---@field key_told? string the key's name and where it is from, for people
---@field key_blanks? boolean blanks around the key were left out
---@field problem? {message: string, hint: string} why it is not asked; the spec holds no key then
---@field needs_key boolean it will refuse without a key, and there is none
---@field headers table<string, string>
---@field warning? string something the user should know

--- What a provider's name means here and now.
---@param provider string
---@param opts table base_url, api_key, headers, dialect, quirks: what a script says itself
---@param setting fun(name: string): string|nil, string|nil, lunagrad.place|nil config.lookup
---@return lunagrad.server
function providers.resolve(provider, opts, setting)
  local server, api = split(provider, setting)
  local row, prefix = rows[server] or {}, env_name(server)
  local spec = { provider = server, row = row, headers = {}, concurrency = row.concurrency,
    dialect = opts.dialect or dialect_of(provider, row, api), quirks = opts.quirks or row.quirks }
  add_address(spec, prefix, opts, setting)
  add_key(spec, opts.api_key, row.keys or { prefix .. "_API_KEY" }, setting)
  add_headers(spec, opts.headers, setting)
  if spec.problem then spec.api_key, spec.headers = nil, {} end
  spec.needs_key = not spec.key_place and not spec.headers.Authorization and row.key ~= false
    and rows[server] ~= nil and (not spec.own_base or row.base == nil)
  if row.adapt and spec.base_url then row.adapt(spec, setting) end
  return spec
end

--- How to look at a server without asking a model: for core.model, with a path as the model.
---@param spec lunagrad.server
---@return table
function providers.probe(spec)
  local row, headers, key = spec.row, {}, spec.api_key
  local native = not row.dialect or spec.dialect:find("^" .. row.dialect)
  local path, bearer = native and row.models or "/models", not (native and row.key_header)
  if type(path) == "function" then path, bearer = path(spec) end
  local extra = native and row.extra or {}
  for name, value in pairs(extra) do headers[#headers + 1] = { name, value } end
  for name, value in pairs(spec.headers) do headers[#headers + 1] = { name, value } end
  if key and not bearer then
    headers[#headers + 1] = { row.key_header, key }
    key = nil
  end
  table.sort(headers, function(a, b) return a[1] < b[1] end)
  return { dialect = "probe", name = spec.provider, model = path, base_url = spec.base_url,
    api_key = key, key_name = spec.key_name, headers = headers, no_memo = true }
end

return providers
