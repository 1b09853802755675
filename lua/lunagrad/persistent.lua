--- lg.command{ persistent = true }: programs that stay, and are asked by lines of JSON.
--
-- A question is one line on the program's stdin: an object of the fields, all texts. Its answer is
-- the next line of its stdout that begins with "{" or "["; other lines are noise. So many processes
-- as may run at once answer in turn; each is asked one thing at a time, whoever waited longest
-- first. One that ends, or is not in time, costs its question, and another is started for the next.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"

local persistent = {}

local Pool = {}
Pool.__index = Pool

--- start() gives a process (core.talk).
---@param spec table {start: function, width: integer|nil, timeout: number, role: string}
---@return table pool
function persistent.pool(spec)
  return setmetatable({ start = spec.start, width = spec.width or core.processors(),
    timeout = spec.timeout, role = spec.role, idle = {}, busy = 0, line = {}, first = 1, last = 0 },
    Pool)
end

-- The place of one that asks is handed on to who waits longest; nobody: it is free.
function Pool:leave()
  while self.first <= self.last do
    local signal = self.line[self.first]
    self.line[self.first] = nil
    self.first = self.first + 1
    if not signal.gone then return signal:fire() end
  end
  self.first, self.last, self.busy = 1, 0, self.busy - 1
end

-- Waits for a place: as many ask at once as there may be processes.
function Pool:enter()
  if self.busy < self.width then
    self.busy = self.busy + 1
    return
  end
  local signal = loop.signal()
  self.last = self.last + 1
  self.line[self.last] = signal
  local ok, problem = pcall(signal.wait, signal)
  if ok then return end
  signal.gone = true -- a task that has to end does not wait any more
  if signal.fired then self:leave() end
  error(problem, 0)
end

-- A process that is alive; another is started where there is none.
function Pool:take()
  while #self.idle > 0 do
    local talk = table.remove(self.idle)
    if talk:lives() then return talk end
    talk:close()
  end
  return self.start()
end

function Pool:give_back(talk)
  if talk:lives() then
    self.idle[#self.idle + 1] = talk
  else
    talk:close()
  end
end

-- What it answered: a run, as command:run gives it.
local function answered(text, wall)
  local reply, problem = core.json_decode(text)
  if reply == nil then
    return { code = 0, stdout = text, stderr = "", files = {}, unread = {}, wall = wall,
      problem = "answered with a line that is no JSON: " .. tostring(problem) }
  end
  return { code = 0, stdout = text, stderr = "", files = {}, unread = {}, wall = wall,
    reply = reply }
end

local function ended(talk, wall)
  local run = talk:ended() or { stdout = "", stderr = "" }
  run.files, run.unread, run.wall = {}, {}, wall
  if run.limit == "text" then
    run.limit, run.problem = nil, "answered with a line that is no text (UTF-8)"
  elseif run.code == 0 then
    run.problem = "ended without an answer"
  end
  return run
end

local function ask(self, talk, fields)
  local begun = core.due(0)
  local v = core.ask(loop.engine(), talk, core.json_encode(fields),
    math.ceil(self.timeout * 1000), self.role)
  local text = loop.await(loop.own(v)):raw_text()
  local wall = (core.due(0) - begun) / 1e6
  return text ~= "" and answered(text, wall) or ended(talk, wall)
end

--- Ask one question and wait.
---@param fields table<string, string>
---@return table run
function Pool:ask(fields)
  self:enter()
  local ok, talk = pcall(self.take, self)
  if not ok then
    self:leave()
    error(talk, 0)
  end
  local good, run = pcall(ask, self, talk, fields)
  self:give_back(talk)
  self:leave()
  if not good then error(run, 0) end
  return run
end

--- What an answer is worth when the script does not say: { "value": …, "score": … }, or all of it.
---@param run table
---@param fail fun(words: string)
---@return string value
---@return number|nil score
function persistent.value(run, fail)
  local reply = run.reply
  if type(reply) == "table" and reply.error ~= nil then
    fail("says: " .. (type(reply.error) == "string" and reply.error
      or core.json_encode(reply.error)))
  end
  if type(reply) ~= "table" or reply.value == nil then return run.stdout end
  local value = reply.value
  if type(value) ~= "string" then value = core.json_encode(value) end
  local score = reply.score
  return value, type(score) == "number" and score or nil
end

--- The names of a question's fields: a list of texts.
---@param given table|nil
---@param level integer
---@return string[]
function persistent.fields(given, level)
  local names, seen = {}, {}
  for i, name in ipairs(given or {}) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" or seen[name] then
      errors.refuse("fields", "lg.command: fields is a list of different names",
        'fields = { "molecule" }', level + 1)
    end
    names[i], seen[name] = name, true
  end
  if #names == 0 then
    errors.refuse("fields", "lg.command: persistent programs are asked by their fields",
      'fields = { "molecule" }: each question is a line {"molecule":"…"}', level + 1)
  end
  return names
end

return persistent
