-- lines.lua - the script that the game runs inside of the library: a figure's lines, improved by what
-- the game's listeners made of them (host.play, which the game answers between its frames).

local lg = require "lunagrad"

local args = lg.args
lg.default { model = args.model or "sim/designer" }

local function towns(from, n)
  local list = {}
  for i = 1, n do list[i] = { town = from + i } end
  return list
end

local result = lg.optimize {
  start = { lines = args.lines }, role = { lines = "the ferryman's lines" },
  objective = args.wanted,
  evaluate = function(candidate, row)
    local play = host.play(candidate.lines, row.town)
    return play.score, play.said, play.shown
  end,
  operators = { "gradient", "reflect", "edit" },
  train = towns(0, 12), val = towns(100, 24), budget = { evaluations = args.evaluations or 300 },
  seed = math.tointeger(args.seed or 1), headroom = false,
}
return { lines = result.artefact.lines, before = result.seed_score, after = result.best_score,
  evaluations = result.spent.evaluations }
