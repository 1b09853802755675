--- What doctor says about keys, addresses, servers, the clock and proxies.
--
-- Judges what cli.servers found out; asks nobody itself. Keys are here by name only.

local servers = require "lunagrad.cli.servers"

local network = {}

local CLOCK_SECONDS = 60 -- a clock that is off by more is refused by some, and misleads

--- Keys by name, and where each is from.
function network.keys(add, list)
  local any, missing = false, {}
  for _, one in ipairs(list) do
    if one.problem then add("wrong", one.problem, one.mend) end
    if one.key_from then
      any = true
      add("ok", ("%s: found in %s, for %s"):format(one.key_name, one.key_from, one.provider))
    elseif one.needs_key then
      local stated = one.base_from ~= nil
      missing[#missing + 1] = one.key_name
      if stated then
        add("wrong", ("%s is not set, but %s is"):format(one.key_name, one.base_name),
          "lunagrad keys set " .. one.provider)
      end
    end
    if one.key_blanks then
      add("note", ("%s has blanks around it, which are left out"):format(one.key_name),
        ("lunagrad keys set %s, or mend %s"):format(one.provider, one.key_from))
    end
    if one.warning then add("note", one.warning, "unset the one that is not meant") end
  end
  if not any then
    add("note", "no key is set: models of servers that want one cannot be asked",
      "lunagrad keys set openai; sim/default and local servers need none")
  elseif #missing > 0 then
    table.sort(missing)
    add("note", "not set: " .. table.concat(missing, ", "))
  end
end

-- ---- addresses -------------------------------------------------------------------

-- What lunagrad puts behind an address itself.
local TAILS = { "/chat/completions", "/completions", "/responses", "/v1/messages", "/messages",
  "/embeddings", "/api/chat", "/api/generate", "/models" }

local function without_tail(url)
  local path = url:gsub("/+$", "")
  for _, tail in ipairs(TAILS) do
    if path:sub(-#tail) == tail then return path:sub(1, -#tail - 1), tail end
  end
end

local function is_private(url)
  local host = url:match "^%a+://([^/?#:]*)" or ""
  return servers.is_local(url) or not host:find "%." or host:find "%.local$"
    or host:find "%.internal$" or host:find "^10%." or host:find "^192%.168%."
    or host:find "^172%.1[6-9]%." or host:find "^172%.2%d%." or host:find "^172%.3[01]%."
end

local function set_to(one, url) return ("%s=%s"):format(one.base_name, url) end

-- A list of models is there: the address is right, whatever it looks like.
local function lacks_version(one, url)
  local below = one.default_base and one.default_base:match "^%a+://[^/]*(/.*)$"
  if one.models or one.dialect ~= "openai" then return nil end
  local path = url:match "^%a+://[^/?]*(/?[^?]*)"
  if path and path:gsub("/", "") == "" then return below or "/v1" end
end

local function look_at(add, one)
  local url, name = one.base_url, one.base_name
  if name == "OLLAMA_HOST" and one.host_text and not one.host_text:find "://" then
    add("note", ("OLLAMA_HOST has no scheme: taken as %s"):format(url), "OLLAMA_HOST=" .. url)
  end
  if not url:find "^%a[%w+.-]*://" then
    return add("wrong", ("%s has no scheme: %s"):format(name, url),
      set_to(one, (is_private("http://" .. url) and "http://" or "https://") .. url))
  end
  if url:find "^%a+://[^/?#]*@" then
    return add("wrong", ("%s holds a name or password"):format(name),
      "leave them out; a key goes into " .. (one.key_name or "a variable of its own"))
  end
  local right, tail = without_tail(url)
  if tail and not one.models then
    return add("wrong", ("%s ends in %s, which lunagrad adds itself"):format(name, tail),
      set_to(one, right))
  end
  local version = lacks_version(one, url)
  if version then
    return add(one.asked and "wrong" or "note", ("%s has no %s behind the host: %s")
      :format(name, version, url), set_to(one, (url:gsub("/+$", "")) .. version))
  end
  if url:find "^http://" and not is_private(url) then
    return add(one.key_from and "wrong" or "note",
      ("%s is http, not https: %s"):format(name, one.key_from
        and "the key would go through the network in the clear" or "anyone on the way can read it"),
      set_to(one, (url:gsub("^http:", "https:"))))
  end
  add("ok", ("%s: %s, from %s"):format(name, url, one.base_from))
end

--- Addresses that the user says, and usual mistakes.
function network.addresses(add, list)
  for _, one in ipairs(list) do
    if one.base_from and one.base_url then look_at(add, one) end
  end
end

-- ---- servers ---------------------------------------------------------------------

local function mend_of(one)
  if one.hint then return one.hint end
  if one.status == 401 or one.status == 403 then
    if not one.key_from then return "lunagrad keys set " .. one.provider end
    return ("check %s (from %s), or make a new key; lunagrad keys set %s"):format(one.key_name,
      one.key_from, one.provider)
  end
  if (one.status or 0) >= 300 and (one.status or 0) < 500 then return "check " .. one.base_name end
  if (one.status or 0) >= 500 then return "wait; it is the server's trouble" end
  return one["local"] and ("start it, or unset %s"):format(one.base_name)
    or "check the network, the proxy and " .. tostring(one.base_name)
end

--- Which servers answer, and how fast.
function network.servers(add, list, options)
  if options.offline then return add("note", "not asked (--offline)") end
  local quiet = {}
  for _, one in ipairs(list) do
    if one.models then
      add("ok", ("%s answers: %d model%s, %d ms, %s"):format(one.provider, #one.models,
        #one.models == 1 and "" or "s", one.ms, one.base_url))
    elseif one.asked and one.error_kind ~= "inval" and (one.stated or one.reachable) then
      local is_wrong = one.stated and one.status ~= 404 and one.status ~= 405
      add(is_wrong and "wrong" or "note", ("%s at %s: %s%s"):format(one.provider, one.base_url,
        one.error, one.reachable and (", %d ms"):format(one.ms) or ""), mend_of(one))
    elseif one.asked and one.error_kind ~= "inval" then
      quiet[#quiet + 1] = one.provider
    end
  end
  if #quiet > 0 then
    add("note", "on this machine nobody answers as " .. table.concat(quiet, ", "))
  end
end

--- The clock beside the servers'.
function network.clock(add, list)
  local now = require("lunagrad.term").now_unix()
  for _, one in ipairs(list) do
    if one.date then
      local off = math.floor(one.date - now + 0.5)
      if math.abs(off) > CLOCK_SECONDS then
        return add("wrong", ("this clock is %d seconds %s that of %s"):format(math.abs(off),
          off > 0 and "behind" or "before", one.provider),
          "set it (timedatectl set-ntp true): certificates and waits depend on it")
      end
      return add("ok", ("within %d s of that of %s"):format(math.max(1, math.abs(off)),
        one.provider))
    end
    if one.hint and one.error and one.error:find "not yet valid" then
      return add("wrong", ("by this clock (%s) a certificate of %s is not yet valid")
        :format(os.date "!%Y-%m-%d %H:%M UTC", one.provider), "set the clock, if it is wrong")
    end
  end
  add("note", ("%s; no server told its own"):format(os.date "!%Y-%m-%d %H:%M:%S UTC"))
end

-- ---- proxies ---------------------------------------------------------------------

local PROXIES = { "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY" }

--- Proxies of the environment, without their passwords.
function network.proxies(add)
  local any = false
  for _, name in ipairs(PROXIES) do
    local value = os.getenv(name)
    if value and value ~= "" then
      any = true
      local plain = value:gsub("^(%a[%w+.-]*://)[^/]*@", "%1***@"):gsub("^[^/]*@", "***@")
      add("note", ("%s=%s"):format(name, plain))
    end
  end
  if (os.getenv "HTTP_PROXY" or "") ~= "" and (os.getenv "http_proxy" or "") == "" then
    add("note", "HTTP_PROXY is not used (a web server may set it)", "http_proxy, if it is meant")
  end
  local except = os.getenv "no_proxy" or os.getenv "NO_PROXY"
  if any and except and except ~= "" then add("note", "without a proxy: " .. except) end
  if not any then add("ok", "none") end
end

return network
