"""textgrad_peer.py - TextGrad 0.1.8 as its own prompt_optimization.py uses it.

Batches of 3, a string metric, one validation after each step, and the revert of steps that do not
raise it (its --run_validation), 32 threads for scoring. Its OpenAI engine (temperature 0, replies
cached on disk) answers, criticises and edits. Steps go on until the budget has no room for one.
"""
import random
from concurrent.futures import ThreadPoolExecutor

import common

args = common.arguments()

import textgrad as tg  # noqa: E402  (the environment is set first)
from textgrad.autograd.string_based_ops import StringBasedFunction  # noqa: E402
from textgrad.engine.openai import ChatOpenAI  # noqa: E402

ROWS = common.splits(args.rows)
ENGINE = ChatOpenAI(model_string=args.model)
CALLS = 0
plain = ENGINE._generate_from_single_prompt


def counted(*words, **more):
    global CALLS
    CALLS += 1
    return plain(*words, **more)


ENGINE._generate_from_single_prompt = counted


def ask(prompt, row):
    return ENGINE(row["question"], system_prompt=prompt)


def score(prompt, rows):
    with ThreadPoolExecutor(args.workers) as pool:
        return sum(map(common.is_right, pool.map(lambda row: ask(prompt, row), rows), rows))


def train():
    tg.set_backward_engine(ENGINE, override=True)
    prompt = tg.Variable(common.SEED_PROMPT, requires_grad=True, role_description=common.ROLE)
    program = tg.BlackboxLLM(ENGINE, prompt)
    optimizer = tg.TextualGradientDescent(engine=ENGINE, parameters=[prompt])
    judge = StringBasedFunction(
        lambda prediction, ground_truth_answer: common.is_right(
            prediction.value, {"answer": ground_truth_answer.value}),
        "The runtime of string-based function that checks if the prediction is correct.")
    order, at = list(ROWS["train"]), 0
    rng = random.Random(args.seed)
    rng.shuffle(order)
    kept = score(prompt.value, ROWS["val"])
    while CALLS + common.LARGEST_STEP <= args.budget and kept < len(ROWS["val"]):
        if at + 3 > len(order):
            rng.shuffle(order)
            at = 0
        optimizer.zero_grad()
        losses = []
        for row in order[at:at + 3]:
            question = tg.Variable(row["question"], requires_grad=False,
                                   role_description="query to the language model")
            answer = tg.Variable(str(row["answer"]), requires_grad=False,
                                 role_description="correct answer for the query")
            losses.append(judge(inputs={"prediction": program(question),
                                        "ground_truth_answer": answer}))
        at += 3
        tg.sum(losses).backward()
        old = prompt.value
        try:
            optimizer.step()
        except IndexError:  # no tags in the reply
            common.note("a reply without its tags")
            continue
        new = score(prompt.value, ROWS["val"]) if prompt.value != old else kept
        common.note(CALLS, "validation", kept, "->", new)
        if new > kept:
            kept = new
        else:
            prompt.set_value(old)
    common.save(args, "prompt.txt", prompt.value)


if args.mode == "train":
    train()
else:
    text = common.SEED_PROMPT if args.which == "seed" else common.load(args, "prompt.txt")
    with ThreadPoolExecutor(args.workers) as pool:
        common.print_right(list(pool.map(lambda row: ask(text, row), ROWS["test"])), ROWS["test"])
