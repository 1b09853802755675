-- lunagrad_nvim.lua - a plugin for Neovim: the text of a buffer, improved while one goes on writing.
--
-- To install it, put this folder (plugin/, lua/) with improve.lua and lunagrad_ffi.lua where Neovim
-- finds plugins, or name their folders:
--
--   nvim --cmd 'set rtp+=scripts/hosts/nvim' --cmd 'let g:lunagrad_path = "lua"' prompt.txt
--   :Lunagrad                        the buffer is a system prompt of counting questions (sim)
--   :Lunagrad short, and in the imperative       … or is what a critic is to wish of it
--   :'<,'>Lunagrad …                 some lines of it alone
--   :LunagradStop
--
--   vim.g.lunagrad_model    "openai/gpt-4o-mini"; its key is in the environment. Default: "sim"
--   vim.g.lunagrad_steps    4
--   vim.g.lunagrad_path     the folder of lunagrad_ffi.lua, if it is not in package.path
--   vim.g.lunagrad_library  liblunagrad.so, if it is not installed where programs look
--
-- The library's descriptor is watched by Neovim's own loop (libuv), so that nothing waits and nothing
-- is asked for in vain. What it finds goes into the buffer as one change that can be undone.

local M = {}

local uv = vim.uv or vim.loop
local BUDGET = 2000 -- µs of one step, so that typing does not stutter

local running -- the job, the engine's watcher and timer, where its lines are

local function library()
  local path = vim.g.lunagrad_path
  if path and not package.loaded.lunagrad_ffi then
    package.path = path .. "/?.lua;" .. package.path
  end
  local lg = require "lunagrad_ffi"
  if vim.g.lunagrad_library then lg.load(vim.g.lunagrad_library) end
  return lg
end

local function say(words, level) vim.notify("lunagrad: " .. words, level or vim.log.levels.INFO) end

local function source()
  local here = debug.getinfo(1, "S").source:match "^@(.*)/nvim/lua/[^/]*$" or ""
  local places = vim.list_extend(vim.api.nvim_get_runtime_file("improve.lua", false),
    { here .. "/improve.lua" })
  for _, path in ipairs(places) do
    local file = io.open(path, "rb")
    if file then
      local text = file:read "*a"
      file:close()
      return text
    end
  end
  error("improve.lua is not in the runtimepath", 0)
end

-- ---- the loop ------------------------------------------------------------------------

local function stop_watching(r)
  for _, handle in ipairs { r.poll, r.timer } do
    if not handle:is_closing() then handle:close() end
  end
end

-- The lines that the mark stands for now: others may have been written above them meanwhile.
local function place(r)
  if not vim.api.nvim_buf_is_valid(r.buffer) then return nil end
  local mark = vim.api.nvim_buf_get_extmark_by_id(r.buffer, r.space, r.mark, { details = true })
  return mark[1], mark[3] and mark[3].end_row
end

local function finish(r)
  local from, to = place(r)
  local job = r.job
  stop_watching(r)
  running = nil
  r.engine:close()
  if from then vim.api.nvim_buf_del_extmark(r.buffer, r.space, r.mark) end
  M.last = job
  if job.state == "cancelled" then return say "stopped" end
  if job.state == "failed" then return say(tostring(job.error), vim.log.levels.ERROR) end
  if not from then return say("the buffer is gone", vim.log.levels.WARN) end
  local lines = vim.split(job.result.after, "\n", { plain = true })
  vim.api.nvim_buf_set_lines(r.buffer, from, to, false, lines)
  local before, after = job.result.score_before, job.result.score_after
  say(before and ("right: %.2f before, %.2f now"):format(before, after) or "improved")
end

-- Steps belong into Neovim's main loop, not into libuv's callbacks; one is due at most.
local step
local function due()
  local r = running
  if not r or r.due then return end
  r.due = true
  vim.schedule(function()
    r.due = false
    step()
  end)
end

function step()
  local r = running
  if not r then return end
  local ok, problem = pcall(r.engine.step, r.engine, BUDGET)
  if not ok then
    r.job:kill()
    say(problem, vim.log.levels.ERROR)
  end
  r.timer:stop()
  if r.job.state ~= "pending" then return finish(r) end
  local ms = r.engine:timeout()
  if ms >= 0 then r.timer:start(math.max(ms, 1), 0, due) end
end

-- ---- commands -------------------------------------------------------------------------

local function begin(buffer, first, last, wish, seed)
  local lines = vim.api.nvim_buf_get_lines(buffer, first - 1, last, false)
  local model = vim.g.lunagrad_model or "sim"
  local r = { buffer = buffer, space = vim.api.nvim_create_namespace "lunagrad" }
  r.engine = library().engine()
  r.job = r.engine:run(source(), { text = table.concat(lines, "\n"), model = model, wish = wish,
    steps = vim.g.lunagrad_steps or 4, seed = seed }, { name = "improve.lua",
    allow = model:find "^sim" and {} or { "models" } })
  r.mark = vim.api.nvim_buf_set_extmark(buffer, r.space, first - 1, 0,
    { end_row = last, end_col = 0, strict = false })
  r.poll, r.timer = uv.new_poll(r.engine:fd()), uv.new_timer()
  r.poll:start("r", due)
  running = r
  step()
end

--- Improves lines first to last (from 1) of a buffer.
---@param opts? {buffer: integer, first: integer, last: integer, wish: string, seed: integer}
function M.improve(opts)
  opts = opts or {}
  if running then return say("a text is being improved already", vim.log.levels.WARN) end
  local buffer = opts.buffer or vim.api.nvim_get_current_buf()
  local last = opts.last or vim.api.nvim_buf_line_count(buffer)
  local wish = opts.wish ~= "" and opts.wish or nil
  local ok, problem = pcall(begin, buffer, opts.first or 1, last, wish, opts.seed)
  if not ok then say(problem, vim.log.levels.ERROR) end
end

--- Ends it; the text stays as it is.
function M.stop()
  if running then running.job:kill() end
  step()
end

--- Is a text being improved? For a statusline.
function M.busy() return running ~= nil end

return M
