"""trace_peer.py - Trace (trace-opt 0.1.3.8): OptoPrime on one node, the prompt, in batches of 3.

The package has no data-set loop, so this is TextGrad's: batches of 3, one validation after each step,
the revert of steps that do not raise it, 32 threads for scoring. The call of the model is a traced
function; its feedback is the metric's, in the same words as for GEPA. litellm answers and edits at
temperature 0; the package keeps nothing on disk, so a killed run begins anew.
"""
import os
import random
from concurrent.futures import ThreadPoolExecutor

import common

args = common.arguments()
os.environ["TRACE_LITELLM_MODEL"] = "openai/" + args.model

import litellm  # noqa: E402
from opto.optimizers import OptoPrime  # noqa: E402
from opto.trace import bundle, node  # noqa: E402
from opto.utils.llm import LiteLLM  # noqa: E402

ROWS = common.splits(args.rows)
CALLS = 0


def ask(prompt, question):
    global CALLS
    CALLS += 1
    reply = litellm.completion("openai/" + args.model, temperature=0, max_tokens=2000, messages=[
        {"role": "system", "content": prompt}, {"role": "user", "content": question}])
    return reply.choices[0].message.content


@bundle(traceable_code=False)
def answer(prompt, question):
    """[answer] A language model answers the question; prompt is its system prompt."""
    return ask(prompt, question)


@bundle(traceable_code=False)
def join(a, b, c):
    """[join] The answers, one below the other."""
    return f"ID [0]: {a}\nID [1]: {b}\nID [2]: {c}"


class Optimizer(LiteLLM):
    """Counts, and asks at temperature 0."""

    def __call__(self, *words, **more):
        global CALLS
        CALLS += 1
        return super().__call__(*words, temperature=0, **more)


def score(prompt, rows):
    with ThreadPoolExecutor(args.workers) as pool:
        answers = pool.map(lambda row: ask(prompt, row["question"]), rows)
        return sum(map(common.is_right, answers, rows))


def train():
    prompt = node(common.SEED_PROMPT, trainable=True, description="[prompt] " + common.ROLE)
    optimizer = OptoPrime([prompt], llm=Optimizer())
    order, at = list(ROWS["train"]), 0
    rng = random.Random(args.seed)
    rng.shuffle(order)
    kept = score(prompt.data, ROWS["val"])
    while CALLS + common.LARGEST_STEP <= args.budget and kept < len(ROWS["val"]):
        if at + 3 > len(order):
            rng.shuffle(order)
            at = 0
        batch = order[at:at + 3]
        at += 3
        answers = [answer(prompt, node(row["question"])) for row in batch]
        said = "\n".join(f"ID [{i}]: {common.feedback(answers[i].data, row)}"
                         for i, row in enumerate(batch))
        if all(common.is_right(answers[i].data, row) for i, row in enumerate(batch)):
            continue  # as gepa's skip_perfect_score; OptoPrime would ask about it
        optimizer.zero_feedback()
        optimizer.backward(join(*answers), said)
        old = prompt.data
        optimizer.step()
        new = score(prompt.data, ROWS["val"]) if prompt.data != old else kept
        common.note(CALLS, "validation", kept, "->", new)
        if new > kept:
            kept = new
        else:
            prompt._data = old
    common.save(args, "prompt.txt", prompt.data)


if args.mode == "train":
    train()
else:
    text = common.SEED_PROMPT if args.which == "seed" else common.load(args, "prompt.txt")
    with ThreadPoolExecutor(args.workers) as pool:
        common.print_right(list(pool.map(lambda row: ask(text, row["question"]), ROWS["test"])),
                           ROWS["test"])
