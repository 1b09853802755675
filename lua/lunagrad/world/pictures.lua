--- Images and sound as the mock server knows them: told by their first bytes, measured by their
-- headers, described in a sentence; and small pictures drawn from a text.
--
-- Pure. It reads PNG, JPEG, GIF and WebP headers and no pixel.

local core = require "lunagrad.core"
local wire = require "lunagrad.world.wire"

local media = {}

local HEAD = 256 * 1024 -- a JPEG's size can stand behind its thumbnail

local function png_size(bytes)
  if #bytes < 24 then return nil end
  return string.unpack(">I4I4", bytes, 17)
end

-- Walks the segments up to the frame header.
local function jpeg_size(bytes)
  local at = 3
  while at + 8 <= #bytes do
    local mark, kind = bytes:byte(at, at + 1)
    local length = string.unpack(">I2", bytes, at + 2)
    if mark ~= 0xFF then return nil end
    if kind >= 0xC0 and kind <= 0xCF and kind ~= 0xC4 and kind ~= 0xC8 and kind ~= 0xCC then
      local height, width = string.unpack(">I2I2", bytes, at + 5)
      return width, height
    end
    at = at + 2 + length
  end
end

local function gif_size(bytes)
  if #bytes < 10 then return nil end
  return string.unpack("<I2I2", bytes, 7)
end

local KINDS = {
  { "^\137PNG\r\n\26\n", "image/png", "PNG", png_size },
  { "^\255\216\255", "image/jpeg", "JPEG", jpeg_size },
  { "^GIF8[79]a", "image/gif", "GIF", gif_size },
  { "^RIFF....WEBP", "image/webp", "WebP" },
  { "^RIFF....WAVE", "audio/wav", "WAV" },
  { "^ID3", "audio/mpeg", "MP3" },
  { "^\255[\242\243\250\251]", "audio/mpeg", "MP3" },
  { "^%%PDF%-", "application/pdf", "PDF" },
}

---@class mock.media
---@field type string|nil the media type that its first bytes show
---@field name string what to call it
---@field bytes integer|nil
---@field width integer|nil
---@field height integer|nil
---@field url string|nil of what is not here

--- What these bytes are, by their beginning.
---@param bytes string
---@param length integer|nil of the whole, when these are only its beginning
---@return mock.media
function media.sniff(bytes, length)
  local found = { bytes = length or #bytes, name = "unknown data" }
  for _, kind in ipairs(KINDS) do
    if bytes:find(kind[1]) then
      found.type, found.name = kind[2], kind[3]
      if kind[4] then found.width, found.height = kind[4](bytes) end
      break
    end
  end
  return found
end

--- What a base64 text holds.
---@param data string
---@return mock.media|nil nil: not base64
function media.read(data)
  local bytes, length = wire.unbase64(data, HEAD)
  return bytes and media.sniff(bytes, length)
end

--- What a data: URL or a plain one holds.
---@param url string
---@return mock.media|nil
---@return string|nil declared its media type as written
function media.read_url(url)
  if url:find("^https?://[^%s/]") then return { url = url, name = "picture" } end
  local declared, data = url:match("^data:([^;,]+);base64,(.*)$")
  if not declared then return nil end
  return media.read(data), declared
end

local function describe_one(item)
  if item.url then return ("a picture at %s, which I have not seen"):format(item.url) end
  if item.width then
    return ("a %s image, %d pixels wide and %d pixels high"):format(item.name, item.width,
      item.height)
  end
  return ("%s of %d bytes"):format(item.name, item.bytes or 0)
end

--- Says what the pictures are, in a sentence.
---@param items mock.media[]
---@return string
function media.describe(items)
  if #items == 1 then return "This is " .. describe_one(items[1]) .. "." end
  local said = {}
  for i, item in ipairs(items) do said[i] = ("%d. %s"):format(i, describe_one(item)) end
  return ("There are %d attachments:\n%s"):format(#items, table.concat(said, "\n"))
end

local CRC = {}
for n = 0, 255 do
  local c = n
  for _ = 1, 8 do c = c & 1 == 1 and 0xEDB88320 ~ (c >> 1) or c >> 1 end
  CRC[n] = c
end

local function crc32(text)
  local c = 0xFFFFFFFF
  for i = 1, #text do c = CRC[(c ~ text:byte(i)) & 255] ~ (c >> 8) end
  return c ~ 0xFFFFFFFF
end

local function adler32(text)
  local a, b = 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

local function chunk(kind, data)
  return string.pack(">I4", #data) .. kind .. data .. string.pack(">I4", crc32(kind .. data))
end

--- A picture of a text: 8 × 8 coloured squares from its hash, in a PNG of side × side pixels.
--- The pixels are stored, not compressed.
---@param text string
---@param side integer at most 64
---@return string
function media.draw(text, side)
  local hex = core.sha256(text)
  local rows = {}
  for y = 0, side - 1 do
    local row = { "\0" }
    for x = 0, side - 1 do
      local cell = (y * 8 // side) * 8 + x * 8 // side + 1
      local shade = tonumber(hex:sub(cell, cell), 16)
      row[#row + 1] = string.char(shade * 17, 255 - shade * 11, tonumber(hex:sub(1, 2), 16))
    end
    rows[#rows + 1] = table.concat(row)
  end
  local raw = table.concat(rows)
  local stored = "\x78\x01\x01" .. string.pack("<I2I2", #raw, ~#raw & 0xFFFF) .. raw
    .. string.pack(">I4", adler32(raw))
  return "\137PNG\r\n\26\n" .. chunk("IHDR", string.pack(">I4I4", side, side) .. "\8\2\0\0\0")
    .. chunk("IDAT", stored) .. chunk("IEND", "")
end

return media
