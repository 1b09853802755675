-- rag.lua - questions answered from documents: the prompt that writes the search queries learns
--           from what was found.
--
--   lunagrad run scripts/rag.lua                           on sim, a rule-based stand-in
--   lunagrad run scripts/rag.lua -m openai/gpt-4o-mini     on a real model
--
-- A query finds one document by its words (BM25), and the answer is read from it. Where it does
-- not hold the right one, feedback goes back through the answer, what was found and the query to
-- the prompt. How often the right document is found is told before and after.

local lg = require "lunagrad"

local FACTS = [[
Lenn Bridge. The stone bridge at Lenn was finished in 1931 by the engineer Ada Morel.
Ferry. Before the bridge a ferry carried carts across the Lenn from a landing called Oster.
Mill. The paper mill at Oster closed in 1978 and is a museum of printing today.
School. The school of Lenn teaches 214 children and has a garden with bees.
Bakery. The bakery on Hook Street is known for its rye bread with caraway.
Library. The library lends books for 21 days and seeds from a cabinet by the door.
Lighthouse. The lighthouse of Karo is 47 metres tall and was built of red brick.
Harbour. Fishing boats of Karo land herring in May and mackerel in August.
Observatory. The observatory on Mount Sill has a telescope with a mirror of 90 centimetres.
Railway. The narrow railway to Mount Sill climbs 640 metres and uses a rack.
Visitors. Please could you tell us which year you would like to know about, and who is to come?
Letters. Who would like to know how many of something there are may ask what they wonder in May.
Guide. A guide will tell people in which house they find it, when it closed, and could tell more.
]]

local docs = {}
for title, text in FACTS:gmatch "([%a ]+)%. ([^\n]+)" do
  docs[#docs + 1] = { id = title:lower():gsub(" ", "-"), text = text }
end

local rows = {}
for question, answer, id in ([[
Please could you tell me in which year they finished the stone bridge? | 1931 | lenn-bridge
I would like to know who the engineer of the bridge was? | Ada Morel | lenn-bridge
Could you tell me where the ferry would carry people and carts from? | Oster | ferry
What would you like to know about the paper mill: could it be in 1978 that it closed? | 1978 | mill
I wonder how many children there are in the school, could you tell me? | 214 | school
Please tell me what the bakery would be known for? | rye bread | bakery
How many days would you lend books for in the library, please? | 21 | library
Could you please tell us how tall the lighthouse is? | 47 | lighthouse
I would like to know in which month boats land mackerel? | August | harbour
Would you know what mirror there is in the telescope, please? | 90 | observatory
Please could you tell me how many metres the railway will climb? | 640 | railway
]]):gmatch "([^\n|]+) | ([^\n|]+) | ([^\n|]+)\n" do
  rows[#rows + 1] = { question = question, answer = answer, id = id }
end

local model = lg.model() -- what -m says, or sim
local prompt = lg.param("Write a search query for the question.",
  "system prompt that writes search queries")
local find = lg.retriever { docs = docs, k = 1 }

local function found_for(row)
  return find(model { row.question, system = prompt, role = "search query" })
end

local function program(row)
  return model { lg.format("{docs}\n\nQuestion: {question}", { docs = found_for(row),
    question = row.question }), system = "Answer from the documents, in one sentence.",
    role = "answer to the question" }
end

local holds = lg.tool { name = "check", inputs = { "answer", "right" }, target = 1,
  purpose = "looks whether the answer holds the right one",
  run = function(answer, right)
    local score = lg.metric.contains(answer, { answer = right })
    return score == 1 and "It is there." or "It is not there.", score
  end,
  backward = function(ctx)
    return { answer = ("The answer should hold %q, and does not."):format(ctx.inputs.right) }
  end }

local function hits()
  local list = lg.map(rows, function(row)
    local first = found_for(row):documents()[1]
    return first and first.id == row.id and 1 or 0
  end)
  local sum = 0
  for _, hit in ipairs(list) do sum = sum + hit end
  return ("%d of %d"):format(sum, #rows)
end

print(("%d documents, %d questions"):format(#docs, #rows))
print("prompt before: " .. prompt:text())
print("right document found: " .. hits())

local train, val = lg.data.list(rows):split { 5, 6, seed = 1 }
print(lg.train { program = program, params = { prompt }, train = train, val = val, batch = 3,
  loss = function(answer, row) return holds(answer, row.answer) end,
  metric = lg.metric.contains, steps = tonumber(lg.args.steps) or 3, seed = 1 })

print("prompt after:  " .. prompt:text())
print("right document found: " .. hits())
