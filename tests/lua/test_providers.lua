-- test_providers.lua - what the word before the slash means: addresses, keys, dialects, quirks

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"
local providers = require "lunagrad.providers"

local fails = helper.fails

local function resolve(name, env, opts)
  return providers.resolve(name, opts or {}, function(variable) return (env or {})[variable] end)
end

local function base(name, env, opts) return resolve(name, env, opts).base_url end

-- What a child prints whose environment has no other keys or addresses than these.
local function child(code, env)
  return command.lua("local lg = require 'lunagrad'\n" .. code,
    "-u OPENAI_API_KEY -u OPENAI_BASE_URL -u OLLAMA_HOST " .. (env or ""))
end

-- ---- every row ---------------------------------------------------------------------

TestRows = {}

function TestRows.test_every_row_makes_a_model()
  for name, row in pairs(providers.rows) do
    local url = row.base or "http://127.0.0.1:9"
    lu.assertNotNil(lg.model { name .. "/m", api_key = "k", base_url = url }.core)
  end
end

function TestRows.test_other_apis()
  local dialects = {}
  for _, name in ipairs { "responses", "openai-responses", "azure-responses", "openai-embed",
    "together-embed", "azure-embed", "ollama-embed", "gemini-embed", "openai-image" } do
    dialects[name] = resolve(name, { AZURE_OPENAI_ENDPOINT = "https://r" }).dialect
  end
  lu.assertEquals(dialects, { responses = "responses", ["openai-responses"] = "responses",
    ["azure-responses"] = "azure-responses", ["openai-embed"] = "openai-embed",
    ["together-embed"] = "openai-embed", ["azure-embed"] = "azure-embed",
    ["ollama-embed"] = "ollama-embed", ["gemini-embed"] = "gemini-embed",
    ["openai-image"] = "openai-image" })
  local spec = resolve("responses", { OPENAI_API_KEY = "k", OPENAI_BASE_URL = "https://x/v1" })
  lu.assertEquals({ spec.provider, spec.api_key, spec.base_url }, { "openai", "k", "https://x/v1" })
  lu.assertEquals(base("together-embed"), "https://api.together.xyz/v1")
  fails("inval", "anthropic-embed: lunagrad knows no embed API", resolve, "anthropic-embed")
  fails("inval", "ollama-image", resolve, "ollama-image")
end

function TestRows.test_names_of_ones_own()
  local spec = resolve("my-embed", { MY_EMBED_BASE_URL = "http://h/v1", MY_EMBED_API_KEY = "k" })
  lu.assertEquals({ spec.dialect, spec.api_key, spec.base_url, spec.needs_key },
    { "openai", "k", "http://h/v1", false })
  spec = resolve("foo-embed", { FOO_BASE_URL = "http://h/v1", FOO_API_KEY = "k" })
  lu.assertEquals({ spec.dialect, spec.api_key, spec.base_url },
    { "openai-embed", "k", "http://h/v1" })
  lu.assertNil(base "foo")
  spec = resolve("foo", { FOO_BASE_URL = "http://h" }, { dialect = "anthropic", quirks = "v1" })
  lu.assertEquals({ spec.dialect, spec.quirks }, { "anthropic", "v1" })
end

function TestRows.test_where_the_newer_limit_would_not_be_heeded()
  for _, name in ipairs { "deepseek", "together", "mistral" } do
    lu.assertStrContains(resolve(name).quirks, "max_completion_tokens>max_tokens")
  end
end

function TestRows.test_dialect_and_quirks_of_a_script()
  local m = lg.model { "foo/x", base_url = "http://127.0.0.1:9", dialect = "ollama" }
  lu.assertNotNil(m.core)
  fails("inval", "unknown dialect", function()
    return lg.model { "foo/x", base_url = "http://127.0.0.1:9", dialect = "klingon" }.core
  end)
  fails("inval", "quirks holds a word that is none", function()
    return lg.model { "foo/x", base_url = "http://127.0.0.1:9", quirks = "klingon" }.core
  end)
end

-- ---- keys and headers ----------------------------------------------------------------

TestKeys = {}

function TestKeys.test_keys_are_needed_where_they_are()
  lu.assertTrue(resolve("groq").needs_key)
  lu.assertEquals(resolve("groq").key_name, "GROQ_API_KEY")
  lu.assertFalse(resolve("groq", { GROQ_API_KEY = "k" }).needs_key)
  lu.assertFalse(resolve("groq", { GROQ_BASE_URL = "http://h" }).needs_key)
  lu.assertFalse(resolve("llamacpp").needs_key)
  lu.assertFalse(resolve("azure", { AZURE_OPENAI_AD_TOKEN = "t" }).needs_key)
  lu.assertTrue(resolve("azure", { AZURE_OPENAI_ENDPOINT = "https://r" }).needs_key)
end

function TestKeys.test_headers_of_openai()
  local env = { OPENAI_API_KEY = "k", OPENAI_ORG_ID = "org", OPENAI_PROJECT_ID = "proj" }
  lu.assertEquals(resolve("openai", env).headers,
    { ["OpenAI-Organization"] = "org", ["OpenAI-Project"] = "proj" })
  lu.assertEquals(resolve("openai", env, { headers = { ["openai-organization"] = "own", X = 1 } })
    .headers, { ["openai-organization"] = "own", ["OpenAI-Project"] = "proj", X = "1" })
end

function TestKeys.test_gemini_has_two()
  local both = resolve("gemini", { GOOGLE_API_KEY = "a", GEMINI_API_KEY = "b" })
  lu.assertEquals({ both.api_key, both.key_name }, { "a", "GOOGLE_API_KEY" })
  lu.assertEquals(both.warning,
    "both GOOGLE_API_KEY and GEMINI_API_KEY are set; GOOGLE_API_KEY is used")
  local one = resolve("gemini", { GEMINI_API_KEY = "b" })
  lu.assertEquals({ one.api_key, one.key_name, one.warning }, { "b", "GEMINI_API_KEY", nil })
  lu.assertNil(resolve("gemini", { GOOGLE_API_KEY = "a", GEMINI_API_KEY = "a" }).warning)
end

function TestKeys.test_tokens()
  local spec = resolve("anthropic", { ANTHROPIC_AUTH_TOKEN = "t" })
  lu.assertEquals({ spec.headers.Authorization, spec.needs_key }, { "Bearer t", false })
  lu.assertNil(spec.api_key)
  spec = resolve("anthropic", { ANTHROPIC_AUTH_TOKEN = "t", ANTHROPIC_API_KEY = "k" })
  lu.assertEquals({ spec.headers.Authorization, spec.api_key }, { nil, "k" })
end

function TestKeys.test_a_missing_address()
  local got = child [[
local ok, e = pcall(lg.model, "azure/gpt")
print(ok, e.kind, e.message, e.hint)]]
  lu.assertStrContains(got.out,
    "false\tnomodel\tazure: no address: AZURE_OPENAI_ENDPOINT is not set")
end

function TestKeys.test_a_warning_is_said_once()
  local got = child([[
for _ = 1, 2 do pcall(lg.model, "foo/x") pcall(lg.model, "gemini/x") end]],
    "GOOGLE_API_KEY=a GEMINI_API_KEY=b")
  local _, n = got.err:gsub("both GOOGLE_API_KEY", "")
  lu.assertEquals(n, 1)
end

-- ---- addresses -------------------------------------------------------------------------

TestAddresses = {}

function TestAddresses.test_ollama_host()
  for given, wanted in pairs {
    ["box"] = "http://box:11434", ["box:8000"] = "http://box:8000", [" box "] = "http://box:11434",
    [":8000"] = "http://127.0.0.1:8000",
    ["0.0.0.0"] = "http://127.0.0.1:11434", ["0.0.0.0:1"] = "http://127.0.0.1:1",
    ["http://box"] = "http://box:80", ["https://box/"] = "https://box:443",
    ["https://box:1/deep/"] = "https://box:1/deep", ["::1"] = "http://[::1]:11434",
    ["[::1]:5"] = "http://[::1]:5", ["ollama.com"] = "https://ollama.com",
  } do
    lu.assertEquals(base("ollama", { OLLAMA_HOST = given }), wanted)
  end
  lu.assertEquals(base "ollama", "http://127.0.0.1:11434")
  lu.assertEquals(base("ollama", { OLLAMA_HOST = "a", OLLAMA_BASE_URL = "http://b" }), "http://b")
end

function TestAddresses.test_ollama_below_v1_is_chat()
  local spec = resolve("ollama", { OLLAMA_BASE_URL = "http://b:11434/v1" })
  lu.assertEquals({ spec.dialect, spec.base_url }, { "openai", "http://b:11434/v1" })
  lu.assertEquals(resolve("ollama-embed", { OLLAMA_BASE_URL = "http://b/v1/" }).dialect,
    "openai-embed")
  spec = resolve("ollama", { OLLAMA_HOST = "https://ollama.com/api", OLLAMA_API_KEY = "k" })
  lu.assertEquals({ spec.dialect, spec.base_url, spec.api_key },
    { "ollama", "https://ollama.com:443", "k" })
end

function TestAddresses.test_azure()
  local env = { AZURE_OPENAI_ENDPOINT = "https://r.openai.azure.com/", AZURE_OPENAI_API_KEY = "k" }
  local spec = resolve("azure", env)
  lu.assertEquals({ spec.base_url, spec.quirks },
    { "https://r.openai.azure.com/", "responses v1" })
  env.OPENAI_API_VERSION = "2024-10-21"
  spec = resolve("azure", env)
  lu.assertEquals({ spec.base_url, spec.quirks },
    { "https://r.openai.azure.com/?api-version=2024-10-21", "responses" })
  lu.assertEquals(base("azure", env, { base_url = "https://r?api-version=1" }),
    "https://r?api-version=1")
  lu.assertEquals(base("azure", env, { base_url = "https://r?x=1" }),
    "https://r?x=1&api-version=2024-10-21")
  lu.assertEquals(base("azure", env, { base_url = "https://r/openai/v1" }), "https://r/openai/v1")
end

function TestAddresses.test_of_others()
  lu.assertEquals(base("anthropic", { ANTHROPIC_BASE_URL = "https://a/v1/" }), "https://a")
  lu.assertEquals(base("gemini", { GOOGLE_GEMINI_BASE_URL = "https://g/v1beta" }),
    "https://g/v1beta")
  local spec = resolve("gemini", { GEMINI_BASE_URL = "https://g/v1beta/openai/" })
  lu.assertEquals({ spec.dialect, spec.base_url }, { "openai", "https://g/v1beta/openai/" })
end

-- ---- looking at servers ------------------------------------------------------------------

TestProbe = {}

local function probe(name, env)
  local p = providers.probe(resolve(name, env))
  return { p.model, p.api_key or "", p.headers }
end

function TestProbe.test_paths_and_keys()
  lu.assertEquals(probe("openai", { OPENAI_API_KEY = "k" }), { "/models", "k", {} })
  lu.assertEquals(probe("ollama"), { "/api/tags", "", {} })
  lu.assertEquals(probe("ollama", { OLLAMA_BASE_URL = "http://b/v1" }), { "/models", "", {} })
  lu.assertEquals(probe("anthropic", { ANTHROPIC_API_KEY = "k" }), { "/v1/models", "",
    { { "anthropic-version", "2023-06-01" }, { "x-api-key", "k" } } })
  lu.assertEquals(probe("gemini", { GEMINI_API_KEY = "k" }), { "/v1/models", "",
    { { "x-goog-api-key", "k" } } })
  local env = { AZURE_OPENAI_ENDPOINT = "https://r", AZURE_OPENAI_API_KEY = "k" }
  lu.assertEquals(probe("azure", env), { "/openai/v1/models", "k", {} })
  env.OPENAI_API_VERSION = "1"
  lu.assertEquals(probe("azure", env), { "/openai/models", "", { { "api-key", "k" } } })
  env.AZURE_OPENAI_ENDPOINT = "https://r/openai"
  lu.assertEquals(probe("azure", env)[1], "/models")
  env.AZURE_OPENAI_ENDPOINT = "https://r/openai/v1"
  lu.assertEquals(probe("azure", env), { "/models", "k", {} })
end

-- Over HTTP, to a server that wants the key.
function TestProbe.test_a_real_look()
  local look = [[
local lg = require "lunagrad"
local list = lg.json.decode(require("lunagrad.model").probe("openai"):text())
print(list.object, list.data[1].id ~= nil)]]
  local got = command.with_mock({ "--key", "right" },
    command.lua_line(look, "OPENAI_API_KEY=right"))
  lu.assertEquals({ got.out, got.err }, { "list\ttrue\n", "" })
  got = command.with_mock({ "--key", "right" }, command.lua_line(look, "OPENAI_API_KEY=wrong"))
  lu.assertStrContains(got.err, "check OPENAI_API_KEY: it was refused")
  lu.assertNotStrContains(got.err, "wrong")
end

-- ---- every dialect over HTTP ----------------------------------------------------------------

TestServer = {}

local ASK = [[
local lg = require "lunagrad"
local host = os.getenv("OPENAI_BASE_URL"):gsub("/v1$", "")
local function ask(name, base, more)
  local spec = more or {}
  spec[1], spec.base_url, spec.api_key = name, host .. base, "k"
  local v = lg.model(spec) "I have two apples and a pear. How many fruits do I have?"
  local text = v:text()
  print(name, v:raw_media() or text:match "^%[%[0" or text:match "^I see")
end
]]

-- What the lines of code print, and the paths that were asked for.
local function serve(code)
  local got = command.with_mock({}, command.lua_line(ASK .. code, "-u OPENAI_API_VERSION"))
  local paths = {}
  for i, row in ipairs(got.journal) do paths[i] = row.status .. " " .. row.path end
  return got, paths
end

function TestServer.test_dialects()
  local got, paths = serve [[
ask("openai/m", "/v1")
ask("responses/m", "/v1")
ask("azure/m", "?api-version=2024-10-21")
ask("azure/m", "")
ask("azure-responses/m", "/openai")
ask("ollama/m", "")
ask("anthropic/claude-m", "")
ask("gemini/m", "")
ask("openai-embed/m", "/v1")
ask("azure-embed/m", "?api-version=2024-10-21")
ask("ollama-embed/m", "")
ask("openai-image/gpt-image-1", "/v1")]]
  lu.assertEquals(got.err, "")
  lu.assertEquals(got.out, "openai/m\tI see\nresponses/m\tI see\nazure/m\tI see\n"
    .. "azure/m\tI see\nazure-responses/m\tI see\nollama/m\tI see\n"
    .. "anthropic/claude-m\tI see\ngemini/m\tI see\nopenai-embed/m\t[[0\n"
    .. "azure-embed/m\t[[0\nollama-embed/m\t[[0\nopenai-image/gpt-image-1\timage/png\n")
  lu.assertEquals(paths, { "200 /v1/chat/completions", "200 /v1/responses",
    "200 /openai/deployments/m/chat/completions", "200 /openai/v1/chat/completions",
    "200 /openai/v1/responses", "200 /api/chat", "200 /v1/messages",
    "200 /v1/models/m:generateContent", "200 /v1/embeddings",
    "200 /openai/deployments/m/embeddings", "200 /api/embed", "200 /v1/images/generations" })
end

-- The server refuses tools beside reasoning as OpenAI's does; that is asked elsewhere then.
function TestServer.test_tools_beside_reasoning()
  local got, paths = serve [[
local tool = { name = "now", description = "The time of day." }
ask("openai/gpt-5.6-terra", "/v1", { tools = { tool } })]]
  lu.assertStrContains(got.out, "openai/gpt-5.6-terra\t")
  lu.assertEquals(paths, { "400 /v1/chat/completions", "200 /v1/responses" })
end

os.exit(lu.LuaUnit.run())
