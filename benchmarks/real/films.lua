--- Longer film reviews, and whether each is positive: the rows of the task "films".
--
-- Written for this benchmark; no film meant here exists. The first half is set 1 of a probe, which
-- words may be tuned on, the second half set 2. Each half has as many of either kind, in turn.
-- Nothing here calls anything.

local rows = {}

-- One review a paragraph; the first is positive, the next negative, and so on.
local REVIEWS = [[
I went in with no hopes at all, since the director's last two films bored me. This one is a
different matter. The story of two brothers who run a ferry is told with patience and wit, and the
river is filmed so well that you feel the cold. The last half hour had the whole house in tears.
Go and see it on a large screen while you can.

There are forty minutes of a good thriller in here somewhere. The rest is people who explain the
plot to each other in parked cars. The lead actress does what she can with lines that no human
being would ever say, and the music tells you what to feel every ten seconds. When the killer was
finally named, the man beside me was asleep.

What a lovely surprise. A film about beekeepers does not sound like much, yet I sat there with a
silly grin from the opening shot on. The two old men who play the rivals are a joy, the jokes come
from who they are, and nobody is made fun of. My daughter has asked to see it again, and so have
I.

The trailer promised a big adventure, and the budget must have been huge. None of it helps. The
monsters look like wet rubber, the hero has one face for every feeling, and the fights are cut so
fast that you cannot tell who is hitting whom. By the second hour I was counting the seats.

It takes its time, and some people in my row grew restless. I was spellbound. Every scene in the
lighthouse adds a little piece, and when they fall into place near the end I gasped aloud. The
camera work is the finest I have seen this year, and the young lead will surely be a star.

I wanted to love it, as I had loved the novel. The film keeps the names and throws away everything
else. Gone is the humour, gone is the aunt, and in their place we get a car chase and a wedding.
Two fine actors stand about looking embarrassed. Read the book again and save the price of the
ticket.

Here is a comedy that trusts its audience. No winks, no laughing crowd, just a family that tries
to get a piano up six flights of stairs while everything goes wrong. It is beautifully timed, and
under the slapstick there is a real tenderness. I have not laughed so much in a cinema for years.

A film should at least know what it is about. This one begins as a romance, turns into a ghost
story and ends as an advertisement for a hotel chain. The dialogue was hard to hear and, when I
could hear it, I wished I could not. The couple have as much warmth between them as two parking
meters.

Some will call it small. It has three actors, one kitchen and a single night, and I would not
change a minute. The talk is sharp, the silences are sharper, and the daughter's speech at the
window is worth all the prizes that it will no doubt win. I walked home the long way to think
about it.

Everyone told me that it gets better after the first hour. It does not. It gets louder. The jokes
about airports were old when I was young, the villain is a cartoon, and the ending only exists to
sell us a second part. I paid for popcorn as well, and that was the best thing about the evening.

The effects are modest and the budget shows, but who cares when the idea is this clever? A postman
finds out that he is delivering his own letters from next year, and the script plays it through
without a single cheat. I talked about it with strangers at the bus stop. Wonderful, restless,
generous film-making.

The great man has made another film about himself. He walks through rooms, sighs, and is adored by
women half his age, for a hundred and sixty minutes. There is not one scene that tells us anything
new, and the black and white looks like an excuse. A long, vain, joyless piece of work.

My grandmother chose it and I came along to please her. I am so glad that I did. It is a war film
almost without shots, about a choir that goes on rehearsing in a cellar, and the singing alone
would be worth the evening. The boy with the broken glasses gives a performance that I will not
forget.

Seldom have I seen so much talent wasted. The cast list reads like a prize ceremony and the script
reads like a shopping list. Scenes start, stop and lead nowhere, the twist can be guessed from the
poster, and the colours make everybody look ill. I left with a headache and ten pages of
questions.

If you have ever worked in a restaurant, this is your film. It gets every burn, every curse and
every small kindness right, and it moves at such a pace that I forgot to drink my tea. The final
service, done in one shot, is breathtaking. A feast from beginning to end.

They have taken a true story that is full of courage and made a dull lecture out of it. Characters
tell us the date whenever they enter a room. The battle was plainly filmed in a gravel pit with
twelve men and a lot of smoke. My class was supposed to learn something; they learned to be
patient.

I am not one for animated films, so take this from a sceptic: it is a masterpiece. The drawings
breathe, the fox is a hero you would follow anywhere, and it dares to be quiet for whole minutes.
The children in the room did not stir. I bought the music on the way home.

The first part was fresh and funny. This second one tells the same jokes to fewer people. The
inspector falls into the same pond, the dog steals the same ham, and all of it seems tired,
including the dog. Even the bloopers at the end, which are usually the best bit, fell flat.

Do not be put off by the title. This is a gripping, humane and very well made drama about a strike
in a toffee works. The two leads are superb together, the town looks real enough to smell, and the
script never once tells you whom to cheer for. It has stayed with me all week.

It is said that the director shot this without a script, and I believe every word. Actors wander
in, mumble and wander out again. The one good idea, a town without clocks, is forgotten after
twenty minutes. I have had more fun at the dentist, and the chair was softer there.

Three generations of women, one old car and a road along the sea: I could have watched them for
another two hours. The film is warm without being sweet, and the quarrels are so true that my
mother and I looked at each other and burst out laughing. Easily the best thing I have seen since
spring.

A horror film that is afraid of the dark. Every fright is announced by a violin, every door
creaks, and the house is lit like a supermarket. Nobody behaves as a person would, and by the time
the nun appeared half of the audience was giggling. Not frightening, not funny, just a waste of an
evening.

The critics have been cool about this one, and I cannot see why. Yes, the plot has a hole or two.
But it has heart, it has a heroine of seventy who steals every scene, and it has the best dance on
a roof since the old musicals. I came out humming and rang up three friends to tell them to go.

Two stars fall in love over a set of spreadsheets, and it is as thrilling as it sounds. I kept
waiting for the wit that the posters speak of. What there is instead is product placement, rain,
and a speech about trust that goes on longer than my own marriage. Please, no more of these.]]

local n = 0
for review in (REVIEWS .. "\n\n"):gmatch "(.-)\n\n" do
  n = n + 1
  rows[n] = { question = "Review: " .. review:gsub("\n", " "),
    answer = n % 2 == 1 and "positive" or "negative" }
end
return rows
