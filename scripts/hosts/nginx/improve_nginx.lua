-- improve_nginx.lua - a web server's side of a job: it is asked for, waited for, and answered.
--
-- For nginx with its Lua module, and OpenResty. Each worker process has an engine of its own, with a
-- thread, made after the fork; a request sleeps between two looks at its job, and others are served.

local lg = require "lunagrad_ffi"

local M = {}

local engine, source

--- In init_worker_by_lua: an engine, and what its jobs run.
function M.start(script)
  local file = assert(io.open(script, "rb"))
  source = file:read "*a"
  file:close()
  engine = lg.engine { thread = true }
end

--- In content_by_lua: the result of the job, with the arguments of the request, as JSON.
function M.improve()
  local job = engine:run(source, ngx.req.get_uri_args(), { name = "improve.lua" })
  while job:poll() == "pending" do ngx.sleep(0.002) end
  ngx.header.content_type = "application/json"
  if job.error then
    ngx.status = ngx.HTTP_BAD_REQUEST
    ngx.say(lg.json.encode { error = tostring(job.error) })
  else
    ngx.say(job.result_json)
  end
end

return M
