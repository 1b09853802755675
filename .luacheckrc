std = "lua54"
codes = true
max_line_length = 100
max_string_line_length = 120 -- prose in prompts
max_comment_line_length = 120
self = false -- methods that ignore self are fine

files["lua/meta"] = {
  ignore = { "211", "212", "241", "111", "112", "113", "121", "131", "143" },
  max_line_length = 120,
}
-- luaunit finds tests by global names
files["tests/lua"] = { allow_defined_top = true, ignore = { "131/[Tt]est.*" } }
files["lua/lunagrad_ffi.lua"] = { std = "luajit" }
-- each in its host's Lua, which has names of its own
files["scripts/hosts/luajit.lua"] = { std = "luajit" }
files["scripts/hosts/nvim"] = { std = "luajit", globals = { "vim" } }
files["scripts/hosts/nginx"] = { std = "luajit", globals = { "ngx" } }
files["scripts/hosts/love"] = { std = "luajit", globals = { "love" } }
files["scripts/hosts/love/lines.lua"] = { std = "lua54", globals = { "host" } } -- a script of ours
