-- lunagrad_nvim.lua - the commands :Lunagrad and :LunagradStop. See ../lua/lunagrad_nvim.lua; it is
-- loaded when one of them is used first.
if vim.g.loaded_lunagrad_nvim then return end
vim.g.loaded_lunagrad_nvim = true

vim.api.nvim_create_user_command("Lunagrad", function(call)
  require("lunagrad_nvim").improve { first = call.line1, last = call.line2, wish = call.args }
end, { nargs = "*", range = "%", desc = "Improve the text of the buffer" })

vim.api.nvim_create_user_command("LunagradStop", function()
  require("lunagrad_nvim").stop()
end, { desc = "Stop improving" })
