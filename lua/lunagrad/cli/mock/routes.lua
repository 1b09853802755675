--- Which request goes to which dialect.
---
--- A dialect is a table: name, auth(ctx), read(text, ctx), answer(request, ctx), fault(status,
--- seconds, ctx, message), stream_error(ctx, n), headers(ctx), limit_headers(limits, ctx),
--- too_big(ctx), bad_method(ctx). Whatever it refuses with is a reply: { status, headers, body }.

local chat = require "lunagrad.cli.mock.chat"
local embeddings = require "lunagrad.cli.mock.embeddings"
local gemini = require "lunagrad.cli.mock.gemini"
local images = require "lunagrad.cli.mock.images"
local messages = require "lunagrad.cli.mock.messages"
local ollama = require "lunagrad.cli.mock.ollama"
local openai = require "lunagrad.cli.mock.openai"
local responses = require "lunagrad.cli.mock.responses"
local wire = require "lunagrad.world.wire"

local routes = {}

local OPENAI = { ["chat/completions"] = chat, responses = responses, embeddings = embeddings,
  ["images/generations"] = images.generations, ["images/edits"] = images.edits }

local GEMINI = { generateContent = gemini, streamGenerateContent = gemini,
  countTokens = gemini.count, batchEmbedContents = gemini.embed }

local OLLAMA = { chat = ollama, embed = ollama.embed, show = ollama.show }

-- A list that is asked for with GET.
local function listing(of, reply)
  return { get = true, name = of.name, auth = of.auth, headers = of.headers, reply = reply,
    of = of }
end

local function openai_models(ctx)
  local list = wire.list {}
  for i, name in ipairs(ctx.names) do
    list[i] = { id = name, object = "model", created = 0, owned_by = "lunagrad" }
  end
  return wire.json(200, { object = "list", data = list })
end

local function anthropic_models(ctx)
  local list = wire.list {}
  for i, name in ipairs(ctx.names) do
    list[i] = { type = "model", id = name, display_name = name,
      created_at = "2026-01-01T00:00:00Z" }
  end
  return wire.json(200, { data = list, has_more = false, first_id = ctx.names[1],
    last_id = ctx.names[#ctx.names] })
end

local function gemini_models(ctx) return gemini.models(ctx.names) end

local function find_v1(rest, ctx)
  if rest == "messages" then return messages end
  if rest == "messages/count_tokens" then return messages.count end
  if rest == "models" then
    if ctx.headers["anthropic-version"] then return listing(messages, anthropic_models) end
    if ctx.headers["x-goog-api-key"] then return listing(gemini, gemini_models) end
    return listing(openai, openai_models)
  end
  return OPENAI[rest]
end

local function find_azure(path, ctx)
  ctx.azure = true
  local v1 = path:match("^/openai/v1/(.+)$")
  if v1 == "models" then return listing(openai, openai_models) end
  if v1 then return OPENAI[v1] end
  local version = ctx.query["api-version"] or ""
  if not version:find("^%d%d%d%d%-%d%d%-%d%d%-?%a*$") then return nil end
  local deployment, rest = path:match("^/openai/deployments/([^/]+)/(.+)$")
  if rest == "responses" then return nil end
  ctx.deployment = deployment
  return OPENAI[rest or path:match("^/openai/(responses)$") or ""]
end

-- Below /v1beta/, and as well below /v1/.
local function find_gemini(path, ctx)
  if path == "/v1beta/models" then return listing(gemini, gemini_models) end
  local method
  ctx.model, method = path:match("^/v1%l*/models/(.+):(%a+)$")
  ctx.stream = method == "streamGenerateContent"
  if ctx.stream and ctx.query.alt ~= "sse" then return nil end
  return GEMINI[method or ""]
end

local function find_ollama(path, ctx)
  if path == "/api/tags" or path == "/api/ps" then
    return listing(ollama, function() return ollama.models(ctx.names) end)
  elseif path == "/api/version" then
    return listing(ollama, ollama.version)
  end
  return OLLAMA[path:match("^/api/(.+)$") or ""]
end

local function health() return wire.json(200, { status = "ok" }) end
local function nobody() return nil end
local function plain() return {} end

-- By the beginning of the path: how to find what is there, and who says that nothing is.
local PREFIXES = {
  { "^/v1/messages", function(path, ctx) return find_v1(path:sub(5), ctx) end, messages.not_found },
  { "^/v1/models/.+:%a+$", find_gemini, gemini.not_found },
  { "^/v1/", function(path, ctx) return find_v1(path:sub(5), ctx) end, openai.not_found },
  { "^/openai/", find_azure, openai.not_found },
  { "^/v1beta/", find_gemini, gemini.not_found },
  { "^/api/", find_ollama, ollama.not_found },
  { "^/health$", function()
    return { get = true, name = "health", auth = nobody, headers = plain, reply = health,
      of = openai }
  end, openai.not_found },
}

--- Who serves a request.
---@param ctx table path, headers, query; gets azure, deployment, model and stream
---@return table|nil dialect, or a listing: { get = true, auth, reply, of }
---@return table|nil refusal when nobody does
function routes.find(ctx)
  for _, row in ipairs(PREFIXES) do
    if ctx.path:find(row[1]) then
      local found = row[2](ctx.path, ctx)
      if not found then return nil, row[3](ctx) end
      local wanted = found.get and "GET" or "POST"
      if ctx.method ~= wanted and not (found.get and ctx.method == "HEAD") then
        return nil, (found.of or found).bad_method(ctx)
      end
      return found
    end
  end
  return nil, openai.not_found(ctx)
end

return routes
