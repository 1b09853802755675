--- Makes lists to sort in the form of BIG-Bench Hard's "word sorting".
--
-- "Sort the following words alphabetically: List: plum harbour lamp", and the words in order. Many
-- begin alike, as in the published set, so that the second and third letters decide.

local making = require "lunagrad.task.making"

local word_sorting = {}

local WORDS = {}
for word in ([[
  acid acorn admiral alpine amber anchor angle apron arch arrow ascent atlas badge balcony bamboo
  banner barley basalt basin beacon beetle bellow berry birch bishop blanket blossom bonnet border
  bottle boulder bramble brass breeze bridge bronze brook bucket buffalo bundle butter cabin cactus
  camel candle canyon cargo carpet castle cavern cedar cellar chalk channel charm cherry chisel
  cinder circle clay cliff cloak clover cobalt comet compass copper coral cotton cradle crater cricket
  crystal curtain dagger daisy damsel decade delta desert diamond dinner dolphin donkey dragon drawer
  eagle earth ebony echo eclipse elbow ember emerald engine errand fable falcon feather fennel fern
  fiddle flannel flint flood forest fountain fox freight frost funnel furnace gallop garden garlic
  garnet gazelle giant ginger glacier glove gondola granite gravel grove guitar hammer harbour
  harvest hatchet hazel heather hedge helmet hermit hollow honey horizon hunter husk idle impulse
  indigo ink iron island ivory jacket jasmine jelly jigsaw journal juniper kettle kindle kingdom
  kitchen knot ladder lagoon lantern lapis larch lattice laurel ledger legend lemon lever lichen
  lily linen lintel lobster locust magnet mallet mango mantle maple marble market meadow melon
  mercury mirror mitten molten mortar mosaic muffin mustard napkin nectar needle nickel nimble
  noble north nutmeg oak oasis ocean olive onyx opal orbit orchard otter oyster paddle palace
  palm panther paper parcel parrot pasture pebble pepper pewter pigeon pillar planet plank plum
  pocket polar poppy porcelain prairie pumpkin quarry quartz quiet quill rabbit radish raft ranger
  raven reed ribbon river robin rocket rosemary ruby rudder saddle saffron salmon sandal sapphire
  satin saturn scarlet school scissors scroll sequel shadow shelter shepherd shingle silver slate
  sparrow spindle sponge spruce squirrel stable staple statue stirrup stream summit sunset tablet
  talon tangle tapestry teapot temple thicket thimble thistle thunder timber tinder tomato topaz
  torrent towel trellis trumpet tulip tundra turnip umber umpire valley vanilla velvet vessel
  village vine violet volcano wagon walnut walrus warden whisper willow window winter wolf yarrow
  yellow yonder zenith zephyr zinc]]):gmatch "%a+" do
  WORDS[#WORDS + 1] = word
end

local LENGTHS = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16 }

-- Some of the words that begin with a letter that many begin with stand together often.
local function draw(r, n)
  local list, seen = {}, {}
  while #list < n do
    local at = r:int(1, #WORDS)
    local run = math.min(r:int(1, 2), n - #list)
    for k = 0, run - 1 do
      local word = WORDS[(at + k * 2 - 1) % #WORDS + 1]
      if not seen[word] then
        seen[word] = true
        list[#list + 1] = word
      end
    end
  end
  return r:shuffle(list)
end

--- Make n different lists of words to sort; the answer has them in order, one blank between two.
--- Equal seeds give equal lists.
---@param n integer up to 10,000
---@param seed? integer|string default 1
---@return { question: string, answer: string, id: string }[]
word_sorting.generate = making("lg.task.word_sorting.generate", function(r)
  local list = draw(r, r:pick(LENGTHS))
  local question = "Sort the following words alphabetically: List: " .. table.concat(list, " ")
  table.sort(list)
  return { question = question, answer = table.concat(list, " ") }
end)

return word_sorting
