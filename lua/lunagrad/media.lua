--- Pictures, sound and documents as variables: from a file, from bytes, by address.
--
-- The kind is told by the first bytes, never by a file's name; an address is fetched by the
-- provider, not by us. Providers differ in what they take; what one has no form for is said
-- before anything is sent. Limits of size are the providers' and are kept here.

local async = require "lunagrad.async"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local var = require "lunagrad.var"

local media = {}

local SPEC = { [1] = "string?", file = "string?", bytes = "string?", url = "string?",
  role = "string?", type = "string?" }

-- The largest that any provider takes inline; beyond it every request would be refused.
local MOST_BYTES = 50 * 1024 * 1024

local function read_file(path, where)
  local file, problem = io.open(path, "rb")
  if not file then
    errors.raise("io", ("%s: %s"):format(where, problem), nil, 3)
  end
  local bytes = file:read(MOST_BYTES + 1)
  file:close()
  if not bytes or bytes == "" then
    errors.raise("io", ("%s: %s is empty or cannot be read"):format(where, path), nil, 3)
  end
  return bytes
end

local function is_address(text) return text:find "^%a[%w+.-]*://" ~= nil end

local function source_of(spec, where)
  local one = spec[1]
  local file, url = spec.file, spec.url
  if one and is_address(one) then url = one elseif one then file = one end
  local given = (file and 1 or 0) + (url and 1 or 0) + (spec.bytes and 1 or 0)
  if given ~= 1 then
    errors.raise("inval", where .. ": give one of a file, bytes or an url",
      ('%s "picture.png", or %s{ bytes = …, role = "…" }'):format(where, where), 3)
  end
  return file, url
end

local function make(family, url_type)
  local where = "lg." .. family
  return function(spec)
    if type(spec) == "string" then spec = { spec } end
    spec = options.check(spec, SPEC, where, 2)
    local file, url = source_of(spec, where)
    local role = spec.role or (family == "audio" and "sound" or family)
    if url then return core.media(async.engine(), url_type, url, role, false) end
    local bytes = spec.bytes or read_file(file, where)
    if #bytes > MOST_BYTES then
      errors.raise("limit", ("%s: %s is larger than %d MiB, and no provider takes that"):format(
        where, file or "it", MOST_BYTES // 2 ^ 20), nil, 2)
    end
    local v = core.media(async.engine(), spec.type, bytes, role, false)
    local kind = v:raw_media()
    local wanted = family == "document" and "application/pdf" or family .. "/"
    if kind:sub(1, #wanted) ~= wanted then
      errors.raise("inval", ("%s: %s is %s"):format(where, file or "it", kind), nil, 2)
    end
    return v
  end
end

--- A picture: lg.image "a.png", lg.image "https://…/a.jpg", lg.image{ bytes =, role = "…" }.
--- PNG, JPEG, GIF, WebP. As a part of a message: model{ "What is in it?", lg.image "a.png" };
--- trainable by lg.param(lg.image "a.png", "the logo").
media.image = make("image", "image/url")

--- Sound: WAV, MP3, Ogg, FLAC; as lg.image.
media.audio = make("audio", "audio/url")

--- A PDF document; as lg.image.
media.document = make("document", "application/pdf-url")

--- Write a variable's picture, sound or text to a file. Waits for it.
---@param v userdata
---@param path string
function media.save(v, path)
  async.await(v)
  local file, problem = io.open(path, "wb")
  if not file then errors.raise("io", "lg.save: " .. problem, nil, 2) end
  local ok, trouble = file:write(v:raw_text())
  file:close()
  if not ok then errors.raise("io", ("lg.save: %s: %s"):format(path, trouble), nil, 2) end
end

media.is = function(x) return var.is(x) and x:raw_media() ~= nil end

return media
