--- OpenAI embeddings as the mock server speaks them, as floats or base64. Pure.

local check = require "lunagrad.cli.mock.check"
local openai = require "lunagrad.cli.mock.openai"
local vectors = require "lunagrad.world.vectors"
local wire = require "lunagrad.world.wire"

local embeddings = { name = "openai-embeddings", auth = openai.auth, fault = openai.fault,
  limit_headers = openai.limit_headers, headers = openai.headers, too_big = openai.too_big,
  bad_method = openai.bad_method }

local S = check
embeddings.spec = S.object({ model = S.name, dimensions = S.integer(1), user = S.string,
  encoding_format = S.enum("float", "base64"), input = S.union { string = S.name,
  list = S.list(S.any, 1, 2048) } }, { "input" })

local MOST_TOKENS = 8192

local function too_long(tokens)
  return openai.bad(("This model's maximum context length is %d tokens, however you requested %d "
    .. "tokens. Please reduce your prompt."):format(MOST_TOKENS, tokens))
end

-- Texts, or lists of tokens: then each token stands for itself.
local function read_input(input)
  if type(input) == "string" then input = { input } end
  local texts = {}
  if math.type(input[1]) == "integer" then input = { input } end
  for i, one in ipairs(input) do
    if type(one) == "table" then
      local words = {}
      for at, token in ipairs(one) do words[at] = tostring(token) end
      texts[i] = table.concat(words, " ")
    elseif type(one) == "string" and one ~= "" then
      texts[i] = one
    else
      return openai.bad("'$.input' is invalid. Please check the API reference: "
        .. "https://platform.openai.com/docs/api-reference.")
    end
    if wire.tokens(texts[i]) > MOST_TOKENS then return too_long(wire.tokens(texts[i])) end
  end
  return texts
end

--- Read and check a request.
function embeddings.read(text, ctx)
  local body, refusal = openai.body(text, embeddings.spec, ctx)
  if not body then return nil, refusal end
  local large = body.model:find("large", 1, true)
  local size = large and 3072 or 1536
  if body.dimensions and body.model:find("ada%-002$") then
    return openai.bad("This model does not support specifying dimensions.")
  elseif body.dimensions and body.dimensions > size then
    return openai.bad(("Invalid value for 'dimensions' = %d. Must be less than or equal to %d.")
      :format(body.dimensions, size), "dimensions")
  end
  local texts
  texts, refusal = read_input(body.input)
  if not texts then return nil, refusal end
  return { body = body, texts = texts, size = body.dimensions or size }
end

--- The right reply to a request that was read well.
function embeddings.answer(request)
  local data, cost = wire.list {}, 0
  for i, text in ipairs(request.texts) do
    local vector = vectors.of(text, request.size)
    if request.body.encoding_format == "base64" then vector = vectors.base64(vector) end
    data[i] = { object = "embedding", index = i - 1, embedding = vector }
    cost = cost + wire.tokens(text)
  end
  return wire.json(200, { object = "list", data = data, model = request.body.model,
    usage = { prompt_tokens = cost, total_tokens = cost } }), cost
end

return embeddings
