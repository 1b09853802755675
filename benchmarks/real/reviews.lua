--- Short reviews, and whether each is positive: the rows of the task "sentiment".
--
-- Written for this benchmark. Most are plain, some say it with a turn ("not bad at all") or hold
-- both kinds of words. Nothing here calls anything.

local POSITIVE = [[
The soup was hot, rich and exactly what I needed after the walk.
I laughed from the first scene to the last.
The room was quiet and the bed was the best I have slept in for years.
Not bad at all: the second half made up for the slow start.
Our guide knew every stone and every story, and the hours flew by.
The kettle boils fast, pours well and looks lovely on the stove.
I expected little and got a small wonder.
The staff went out of their way to find my lost glove.
A warm, clever film that my whole family wanted to see again.
It has run every day for six years and never let me down.
The bread alone is worth the trip.
The ending moved me to tears, the good kind.
I was afraid of the price, but it paid for itself in a month.
Crisp pictures, a light body, and a battery that simply lasts.
The choir sang as if it were their last night on earth; I was spellbound.
Nobody should miss this little museum.
The book kept me awake until four and I regret nothing.
The new shop assistant answered all my questions with patience and good cheer.
My plants have never looked better since I bought this lamp.
What a relief: the boots were dry inside after two days of rain.
The actors make even the dull lines shine.
Delivery took one day, and everything arrived whole.
I could not find a single thing to complain about.
The garden behind the house is a dream in June.
The coffee is strong, the cake is fresh, and the owner smiles.
A slow film, yes, but one of the most beautiful I know.
This knife cuts tomatoes like air.
The lake was clear and the boat was clean; we will be back.
I would give six stars if I could.
The dancers were so good that the crowd forgot to cough.
After three bad dentists I finally found the right one.
The headphones shut out the whole train, and the music sounds alive.
The noodles were so good that I asked for the recipe.
My son, who hates reading, finished it in two days.
The hotel forgot my pillow once and then sent flowers to say sorry; superb.
A joy to drive, even in snow.
The tune is still in my head and I am glad of it.
They repaired my watch for free while I waited.
The view from the roof made the long climb worthwhile.
Simple, sturdy and handsome: I bought a second one.]]

local NEGATIVE = [[
The soup was cold and tasted of the pot.
I looked at my watch more often than at the screen.
The walls are so thin that I heard the neighbour snore all night.
It looked wonderful in the window and fell apart in a week.
Our guide read from a sheet and wanted to go home.
The kettle leaks, and the handle gets hot.
I expected a wonder and got a yawn.
The staff argued with each other while my dinner burned.
A loud, empty film that even my patient sister left early.
It broke on the second day and nobody answers the phone.
The bread was stale and the butter was gone.
The ending made no sense to anyone in our row.
A fair price, they say, but for what?
Blurred pictures, a heavy body, and a battery that is flat by noon.
The choir was out of tune and the hall was freezing.
Save your money and stay at home.
I gave up after forty pages, and I never give up.
The assistant rolled her eyes when I asked where to pay.
My plants died under this lamp.
The boots let in water on the first wet morning.
Good actors, lost in a script that has nothing to say.
Delivery took five weeks, and half of the plates were broken.
I tried hard to find something nice to say about it and failed.
The garden is a parking lot now.
The coffee is weak, the cake is dry, and the owner shouts.
A beautiful film, if only it had a story, or a heart.
This knife would not cut warm butter.
The lake smelled and the boat was dirty; never again.
One star is one too many.
The dancers kept bumping into each other and the crowd began to giggle.
The third bad dentist in a row.
The headphones hurt my ears and hiss like a snake.
The noodles were a grey lump without any taste.
My son, who loves reading, threw it into a corner.
They forgot my booking, blamed me, and charged me twice.
It stalls at every light and drinks fuel like a ship.
The tune is still in my head, and I wish it were not.
They kept my watch for a month and gave it back scratched.
A long climb for a view of a wall.
Clumsy, dull and overpriced: I sent it back.]]

local function add(rows, lines, answer)
  for line in lines:gmatch "[^\n]+" do rows[#rows + 1] = { question = line, answer = answer } end
end

local rows = {}
add(rows, POSITIVE, "positive")
add(rows, NEGATIVE, "negative")
return rows
