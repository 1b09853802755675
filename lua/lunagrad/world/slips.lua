--- The slips a hurried counter makes, how often, and how people talk about them.
--
-- Data only. `rate` is the chance of a slip where it can happen and nothing is
-- said against it; `worst` the chance when the instructions invite it. A cue
-- (see cues.lua) of strength s leaves rate · (1 - s). `fault` is what a critic
-- says of one ({detail}: what exactly, {asked}: what was to be counted),
-- `remedy` what it asks for, `rule` how an editor words that as an instruction,
-- `short` the same in few words.

local slips = {}

slips.skip = {
  rate = 0.36, worst = 0.60,
  fault = {
    "The output passes over {detail}.",
    "Lost on the way: {detail}, nowhere to be found in the count.",
    "The count overlooks one entry of the list, {detail}.",
  },
  unseen = {
    "The number does not fit the question and no work is shown; some item was overlooked.",
    "The output names a number and no more. It is not the right one: an item was missed.",
    "Nobody can see how the output came to its number. An item seems to be missed.",
  },
  remedy = {
    "list every item one by one before counting",
    "write down all the items first, one on each line",
    "go through the list item by item",
  },
  rule = {
    "List every item of the question one by one before you count.",
    "Go through the items one by one and write each of them down.",
    "Enumerate all the items first, one on each line, so that none is left out.",
  },
  short = "List every item.",
}

slips.quantity = {
  rate = 0.38, worst = 0.75,
  fault = {
    "The output takes {detail} as a single one.",
    "It counts {detail} once, as if the question stated no quantity.",
    "{Detail} went into the sum as 1.",
  },
  remedy = {
    "note the quantity of each item",
    "add the quantity stated for each item, not one for each kind",
    "pay attention to how many of each item there are",
  },
  rule = {
    "Note the quantity of each item: \"three pears\" counts as 3.",
    "Add the quantity stated for each item, not just one for each kind.",
    "Pay attention to quantity words such as \"two\" or \"four\" and count that many.",
  },
  short = "Mind the quantity of each item.",
}

slips.distractor = {
  rate = 0.46, worst = 0.85,
  fault = {
    "The output counts {detail}, not one of the {asked} but of another kind.",
    "It includes {detail}, although the question asks for {asked} and no other kind.",
    "{Detail} went into the count, although of another kind than the {asked} asked for.",
  },
  remedy = {
    "count only items that belong to the category asked for",
    "check for each item whether it belongs to the kind asked about",
    "ignore items of any other kind",
  },
  rule = {
    "Count only the items that belong to the category asked for and ignore all others.",
    "Check for each item whether it belongs to the kind that the question asks about.",
    "Ignore items of any other kind than the one asked for.",
  },
  short = "Ignore items of any other kind.",
}

slips.container = {
  rate = 0.28, worst = 0.85,
  fault = {
    "The output leaves {detail} aside, although a head, stalk or bunch is an item as well.",
    "Left out of the count: {detail}, as if a head or stalk were no vegetable.",
  },
  remedy = {
    "count heads, stalks and bunches as items like any other",
    "treat a head of lettuce or a stalk of celery as one vegetable item",
  },
  rule = {
    "A head of broccoli or a stalk of celery is a vegetable item like any other: count it.",
    "Treat phrases such as \"heads of lettuce\" or \"stalks of celery\" as items and count them.",
    "Count each head, stalk or bunch as one item.",
  },
  short = "Count heads and stalks as items.",
}

slips.sum = {
  rate = 0.10, worst = 0.50,
  fault = {
    "The items are right, but they are added up wrongly ({detail}).",
    "There is a slip in the addition: {detail}.",
    "The adding went wrong: {detail}.",
  },
  remedy = {
    "keep a running total and double-check the sum",
    "add the numbers step by step and verify the total",
    "check the addition a second time",
  },
  rule = {
    "Add the numbers step by step and double-check the total.",
    "Keep a running total while you add, and verify the sum.",
    "Check the addition a second time before you answer.",
  },
  short = "Double-check the total.",
}

slips.words = {
  rate = 0.24, worst = 0.90,
  fault = {
    "The output spells its number in words, so that no program can read it.",
    "The result is written out in words where a number is expected.",
    "There is no number to read: the output gives the result in words.",
  },
  remedy = {
    "give the answer in digits",
    "write the result as a numeral",
    "state the number in digits",
  },
  rule = {
    "Give the answer in digits, not in words.",
    "Write the result as a numeral such as 7.",
    "State the number in arabic digits.",
  },
  short = "Use digits.",
}

slips.ramble = {
  rate = 0.26, worst = 0.85,
  fault = {
    "The output goes on behind its answer, and {detail} comes last, where the answer should be.",
    "The answer is buried: a trailing remark ends with {detail}.",
    "It does not stop at its answer; the last number in it is {detail}, from an aside.",
  },
  remedy = {
    "end with the answer on a last line and write nothing after it",
    "finish with a last line that holds the answer, with nothing behind it",
    "stop after the answer and end with \"Answer: N\"",
  },
  rule = {
    "End with a last line \"Answer: N\", where N is the number, and write nothing after it.",
    "Finish with the answer on its own line, in the form \"Answer: N\", and add nothing behind it.",
    "The last line must be \"Answer: N\", with nothing after it.",
  },
  short = "End with \"Answer: N\".",
}

return slips
