--- lg.task: loaders of published data sets, and generators of rows in the same form.
--
-- Only puts together. Nothing is downloaded: the loaders read
-- the files that people have.

local options = require "lunagrad.options"
local signatures = require "lunagrad.signatures"

local task = {}

local GENERATORS = { "object_counting", "word_problems", "number_choice", "word_choice",
  "word_sorting", "lookups" }

for _, name in ipairs(GENERATORS) do
  task[name] = signatures.install(require("lunagrad.task." .. name), "task." .. name .. ".")
end

local choice = require "lunagrad.task.multiple_choice"
local gsm8k = require "lunagrad.task.gsm8k"

task.gsm8k, task.gsm8k_split = gsm8k.read, gsm8k.split
task.mmlu, task.gpqa, task.multiple_choice = choice.mmlu, choice.gpqa, choice.permute
task.radiotherapy = require "lunagrad.task.radiotherapy"
task.programs = require("lunagrad.task.programs").read

task.repair = signatures.install(require "lunagrad.task.repair", "task.repair.")
task.program_tests = require("lunagrad.task.program_tests").new
local pictures = require "lunagrad.task.pictures"
local dockstring = require "lunagrad.task.dockstring"

task.scienceqa, task.mathvista = pictures.scienceqa, pictures.mathvista
task.mathvista_score = pictures.mathvista_score
task.dockstring, task.dockstring_scores = dockstring.targets, dockstring.scores
task.pocket = require("lunagrad.task.pocket").make

return options.closed(task, "lg.task")
