--- cells.lua - the worlds that run.lua goes through, and their sizes.

return {
  { name = "hard 50", world = { kind = "hard" }, n = 50 },
  { name = "hard 100", world = { kind = "hard" }, n = 100 },
  { name = "hard 300", world = { kind = "hard" }, n = 300 },
  { name = "mixed 100", world = { kind = "mixed" }, n = 100 },
  { name = "mixed 300", world = { kind = "mixed" }, n = 300 },
  { name = "null 100", world = { kind = "null" }, n = 100 },
  { name = "overfit 100", world = { kind = "overfit" }, n = 100 },
  { name = "components 100", world = { kind = "components" }, n = 100 },
  { name = "objectives 100", world = { kind = "objectives" }, n = 100 },
  { name = "pipeline 100", world = { kind = "pipeline" }, n = 100 },
  { name = "few redrawn 100", world = { kind = "hard", redrawn = .2 }, n = 100 },
  { name = "many redrawn 100", world = { kind = "hard", redrawn = .7 }, n = 100 },
  { name = "graded 100", world = { kind = "hard", grades = 4 }, n = 100 },
  { name = "base .8 100", world = { kind = "hard", base = .8 }, n = 100 },
  { name = "dear proposals 100", world = { kind = "hard" }, n = 100, proposal = 40 },
  { name = "hard 300, 6000", world = { kind = "hard" }, n = 300, budget = 6000 },
  { name = "hard 50, 1000", world = { kind = "hard" }, n = 50, budget = 1000 },
}
