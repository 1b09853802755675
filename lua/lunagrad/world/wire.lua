--- Small things that every dialect of the mock server needs: JSON replies, lists, base64.
--
-- Pure. It knows no dialect.

local core = require "lunagrad.core"

local wire = {}

wire.null = core.null

--- An empty list, for JSON.
---@return table
function wire.list(items) return setmetatable(items or {}, core.array) end

--- Is it a JSON array? Of decoded JSON, where arrays are marked.
function wire.is_list(value) return type(value) == "table" and getmetatable(value) == core.array end

--- Is it a JSON object?
function wire.is_object(value) return type(value) == "table" and not wire.is_list(value) end

--- A reply of JSON.
---@return table reply { status, headers, body }
function wire.json(status, value, headers)
  headers = headers or {}
  headers["Content-Type"] = headers["Content-Type"] or "application/json"
  return { status = status, headers = headers, body = core.json_encode(value) }
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local ENCODE, DECODE = {}, {}
for i = 1, 64 do
  ENCODE[i - 1] = ALPHABET:sub(i, i)
  DECODE[ALPHABET:byte(i)] = i - 1
end

--- Bytes as base64.
---@param bytes string
---@return string
function wire.base64(bytes)
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = bytes:byte(at, at + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    out[#out + 1] = ENCODE[n >> 18] .. ENCODE[n >> 12 & 63]
      .. (b and ENCODE[n >> 6 & 63] or "=") .. (c and ENCODE[n & 63] or "=")
  end
  return table.concat(out)
end

--- The bytes of a base64 text, at most so many of them.
---@param text string
---@param most integer|nil
---@return string|nil bytes nil: it is not base64
---@return integer|nil length of all that the text holds
function wire.unbase64(text, most)
  if text == "" or #text % 4 ~= 0 or not text:find("^[%w+/]+=?=?$") then return nil end
  local _, pads = text:gsub("=", "")
  local length = #text // 4 * 3 - pads
  local out = {}
  local last = math.min(#text, ((most or length) + 2) // 3 * 4)
  for at = 1, last, 4 do
    local a, b, c, d = text:byte(at, at + 3)
    local n = DECODE[a] << 18 | DECODE[b] << 12 | (DECODE[c] or 0) << 6 | (DECODE[d] or 0)
    out[#out + 1] = string.char(n >> 16, n >> 8 & 255, n & 255)
  end
  return table.concat(out):sub(1, length), length
end

--- A time as the providers that use RFC 3339 write it, of microseconds since 1970.
function wire.rfc3339(us)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", us // 1000000)
end

--- An id in hexadecimal that depends on nothing but the text.
function wire.id(text, length) return core.sha256(text):sub(1, length or 24) end

--- The bearer token of a header, or nil.
function wire.bearer(headers)
  local token = (headers.authorization or ""):match("^[Bb]earer%s+(%S+)%s*$")
  return token
end

--- Is the body said to be JSON?
function wire.says_json(headers)
  local kind = (headers["content-type"] or ""):lower():match("^%s*([^;%s]*)")
  return kind == "application/json"
end

--- An estimate of tokens, 4 bytes each.
function wire.tokens(text) return (#text + 3) // 4 end

return wire
