--- Pictures, sound and documents as variables: from a file, from bytes, by address.
--
-- The kind is told by the first bytes, never by a file's name; an address is fetched by the
-- provider, not by us. Providers differ in what they take; what one has no form for is said
-- before anything is sent. Limits of size are the providers' and are kept here.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local var = require "lunagrad.var"

local media = {}

local SPEC = { [1] = "string?", file = "string?", bytes = "string?", url = "string?",
  role = "string?", type = "string?" }

-- The largest that any provider takes inline; beyond it every request would be refused.
local MOST_BYTES = 50 * 1024 * 1024

local function read_file(path, where)
  local file, problem = require("lunagrad.file").open(path)
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
    if url then return core.media(loop.engine(), url_type, url, role, false) end
    local bytes = spec.bytes or read_file(file, where)
    if #bytes > MOST_BYTES then
      errors.raise("limit", ("%s: %s is larger than %d MiB, and no provider takes that"):format(
        where, file or "it", MOST_BYTES // 2 ^ 20), nil, 2)
    end
    local v = core.media(loop.engine(), spec.type, bytes, role, false)
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
  loop.await(v)
  local file, problem = io.open(path, "wb")
  if not file then errors.raise("io", "lg.save: " .. problem, nil, 2) end
  local ok, trouble = file:write(v:raw_text())
  file:close()
  if not ok then errors.raise("io", ("lg.save: %s: %s"):format(path, trouble), nil, 2) end
end

local function is_bytes(kind) return kind ~= nil and not kind:find "turn%+json$" end

--- "image", "audio" or "document" of a variable that is one; nil for text. Waits for it.
---@param v userdata
---@return string|nil
function media.family(v)
  local kind = v.media
  if not is_bytes(kind) then return nil end
  local family = kind:match "^(%a+)/"
  return family == "application" and "document" or family
end

--- A variable's value now: its text; of a picture, sound or document a fixed variable of its own.
---@param v userdata
---@return string|userdata
function media.snapshot(v)
  local text, kind = v:text(), v:raw_media()
  if not is_bytes(kind) then return text end
  return core.media(loop.engine(), kind, text, v.role, false)
end

--- True when a variable still has the value that snapshot() gave.
function media.same(v, snapshot)
  if not var.is(snapshot) then return v:raw_media() == nil and v:text() == snapshot end
  return v:raw_media() == snapshot:raw_media() and v:text() == snapshot:text()
end

--- A value in words, for records and prompts: a text is itself; of a picture or sound its kind,
--- its size and a digest that tells it from others, never its bytes.
---@param value string|userdata a text, a snapshot or any variable
---@return string
function media.words(value)
  if not var.is(value) then return value end
  local text, kind = value:text(), value:raw_media()
  if not is_bytes(kind) then return text end
  if kind:find "url$" then return value:shown() end
  return ("[%s, %d bytes, sha256 %s]"):format(kind, #text, core.sha256(text):sub(1, 16))
end

local ENDINGS = { ["image/jpeg"] = "jpg", ["audio/mpeg"] = "mp3", ["application/pdf"] = "pdf",
  ["audio/pcm"] = "pcm" }

--- How a file of a snapshot is called at its end: "txt", "png", …; an address is a text.
---@param snapshot string|userdata
function media.ending(snapshot)
  local kind = var.is(snapshot) and snapshot:raw_media()
  if not kind or kind:find "url$" then return "txt" end
  return ENDINGS[kind] or kind:match "/(.*)$"
end

media.is = function(x) return var.is(x) and x:raw_media() ~= nil end

return media
