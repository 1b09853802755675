--- OpenAI images as the mock server speaks them: generations from JSON, edits from a form or JSON.
-- The picture is drawn from the prompt (and from the picture that is edited): the same words, the
-- same pixels. Pure.

local check = require "lunagrad.cli.mock.check"
local core = require "lunagrad.core"
local media = require "lunagrad.world.pictures"
local openai = require "lunagrad.cli.mock.openai"
local wire = require "lunagrad.world.wire"

local images = {}

local S = check
local SIDE = 16

local FIELDS = { model = S.name, prompt = S.name, n = S.integer(1, 10), size = S.string,
  quality = S.enum("auto", "low", "medium", "high", "standard", "hd"), user = S.string,
  background = S.enum("auto", "transparent", "opaque"), moderation = S.enum("auto", "low"),
  output_compression = S.integer(0, 100), output_format = S.enum("png", "jpeg", "webp"),
  style = S.enum("vivid", "natural"), response_format = S.enum("url", "b64_json"),
  input_fidelity = S.enum("high", "low"), stream = S.boolean, partial_images = S.integer(0, 3) }

local function checked(body)
  if body.prompt == nil then
    return openai.bad("Missing required parameter: 'prompt'.", "prompt",
      "missing_required_parameter")
  elseif body.stream then
    return openai.bad("Streaming of images is not served by the mock.", "stream",
      "unsupported_parameter")
  elseif body.response_format and (body.model or ""):find("^gpt%-image") then
    return openai.bad("Unknown parameter: 'response_format'.", "response_format",
      "unknown_parameter")
  elseif body.size and body.size ~= "auto" and not body.size:find("^%d+x%d+$") then
    return openai.bad(("Invalid value: '%s'. Supported values are: '1024x1024', '1024x1536', "
      .. "'1536x1024', and 'auto'."):format(body.size), "size", "invalid_value")
  end
  return body
end

local function answer(request, ctx)
  local body, data = request.body, wire.list {}
  for i = 1, body.n or 1 do
    local key = ("%s|%d|%s"):format(body.prompt, i, request.source or "")
    local picture = media.draw(key, SIDE)
    data[i] = { b64_json = wire.base64(picture), revised_prompt = body.model == "dall-e-3"
      and body.prompt or nil }
  end
  local input, output = wire.tokens(body.prompt) + (request.source and 85 or 0), 16 * #data
  return wire.json(200, { created = ctx.created, data = data, background = "opaque",
    output_format = "png", quality = body.quality or "auto", size = ("%dx%d"):format(SIDE, SIDE),
    usage = { input_tokens = input, output_tokens = output, total_tokens = input + output,
      input_tokens_details = { text_tokens = wire.tokens(body.prompt),
        image_tokens = request.source and 85 or 0 } } }), input + output
end

local function endpoint(name, read)
  return { name = name, read = read, answer = answer, auth = openai.auth, fault = openai.fault,
    limit_headers = openai.limit_headers, headers = openai.headers, too_big = openai.too_big,
    bad_method = openai.bad_method }
end

local GENERATION = S.object(FIELDS)

--- POST /v1/images/generations
images.generations = endpoint("openai-images", function(text, ctx)
  local named = core.json_decode(text)
  if wire.is_object(named) and named.model == nil then -- it has a default, unlike the others
    named.model = "dall-e-2"
    text = core.json_encode(named)
  end
  local body, refusal = openai.body(text, GENERATION, ctx)
  if not body then return nil, refusal end
  body, refusal = checked(body)
  if not body then return nil, refusal end
  return { body = body }
end)

-- The fields of a form: name, file name, content type, bytes.
local function parts_of(text, boundary)
  local parts, mark = {}, "--" .. boundary
  local at = text:find(mark, 1, true)
  while at do
    local from = at + #mark
    local to = text:find("\r\n" .. mark, from, true)
    if not to then break end
    local head_end = text:find("\r\n\r\n", from, true)
    if not head_end or head_end > to then return nil end
    local head = text:sub(from, head_end)
    parts[#parts + 1] = { name = head:match('[; ]name="([^"]*)"'),
      file = head:match('filename="([^"]*)"'),
      type = head:lower():match("content%-type:%s*([^\r\n;]+)"),
      body = text:sub(head_end + 4, to - 1) }
    at = to + 2
  end
  return parts
end

local INTEGERS = { n = true, output_compression = true, partial_images = true }

local function read_form(text, ctx)
  local kind = ctx.headers["content-type"] or ""
  local boundary = kind:match('^multipart/form%-data;.*boundary="?([^";]+)"?')
  local parts = boundary and parts_of(text, boundary)
  if not parts then
    return openai.bad(("Invalid Content-Type header (%s), expected multipart/form-data.")
      :format(kind), nil, "unsupported_content_type")
  end
  local body, pictures = {}, {}
  for _, part in ipairs(parts) do
    local name = part.name or ""
    if name == "image" or name == "image[]" then
      pictures[#pictures + 1] = part
    elseif name == "mask" then
      body.mask = nil
    else
      body[name] = INTEGERS[name] and math.tointeger(tonumber(part.body)) or part.body
      if part.body == "true" or part.body == "false" then body[name] = part.body == "true" end
    end
  end
  return body, nil, pictures
end

--- POST /v1/images/edits
images.edits = endpoint("openai-images", function(text, ctx)
  local body, refusal, pictures = read_form(text, ctx)
  if not body then return nil, refusal end
  local found = check.find(GENERATION, body)
  if found then
    local path = check.path(found.path)
    local words, code = openai.words(found, path)
    return openai.bad(words, path, code)
  end
  if #pictures == 0 then
    return openai.bad("Missing required parameter: 'image'.", "image", "missing_required_parameter")
  end
  for _, picture in ipairs(pictures) do
    local shown = media.sniff(picture.body)
    if not (shown.type or ""):find("^image/") or picture.type and picture.type ~= shown.type then
      return openai.bad(("Invalid file 'image': unsupported mimetype ('%s'). Supported file "
        .. "formats are 'image/jpeg', 'image/png', and 'image/webp'."):format(picture.type
        or "application/octet-stream"), "image", "unsupported_file_mimetype")
    end
  end
  body, refusal = checked(body)
  if not body then return nil, refusal end
  return { body = body, source = core.sha256(pictures[1].body) }
end)

return images
