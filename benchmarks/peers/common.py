"""common.py - what the peers' drivers share: rows, the metric, arguments, and a count of calls.

A driver is called in two ways, each a process of its own:

    DRIVER train --rows FILE --url URL --model NAME --seed N --budget CALLS --state DIR [--workers N]
    DRIVER test  --rows FILE --url URL --model NAME --state DIR --which seed|result

`train` leaves what it found in DIR; started again after a kill it goes on as far as its package can.
`test` prints one line of JSON: {"right": [1, 0, ...]} for the test rows.
"""
import argparse
import json
import os
import re
import sys

SEED_PROMPT = "Answer the question."
ROLE = "system prompt for counting questions"
LARGEST_STEP = 110  # calls that one more step can take: a batch, its feedback and a validation


def arguments():
    """The arguments of a driver; the server's address goes to the environment, where clients look."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["train", "test"])
    parser.add_argument("--rows", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=int, default=1600)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--which", choices=["seed", "result"], default="result")
    args = parser.parse_args()
    os.environ.update(OPENAI_API_KEY="none", OPENAI_BASE_URL=args.url, OPENAI_API_BASE=args.url,
                      OLLAMA_BASE_URL=args.url, LITELLM_LOCAL_MODEL_COST_MAP="True",
                      XDG_CACHE_HOME=args.state,
                      TEXTGRAD_LOG_DIR=os.path.join(args.state, "logs"),
                      DSPY_CACHEDIR=os.path.join(args.state, "dspy"))
    sys.dont_write_bytecode = True
    return args


def splits(path):
    """The rows by split: lists of {"question", "answer"}."""
    found = {"train": [], "val": [], "test": []}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            found[row["split"]].append(row)
    return found


def last_number(text):
    """What the metric reads in an answer; None if there is no number."""
    numbers = re.findall(r"-?\d+", str(text).replace(",", ""))
    return numbers[-1] if numbers else None


def is_right(text, row):
    return int(last_number(text) == str(row["answer"]))


def feedback(text, row):
    """In the words of gepa 0.1.4's default evaluator, so that nobody is told more than others."""
    if is_right(text, row):
        return ("The generated response is correct. The response include the correct answer "
                f"'{row['answer']}'")
    return (f"The generated response is incorrect. The correct answer is '{row['answer']}'. "
            "Ensure that the correct answer is included in the response exactly as it is.")


def print_right(answers, rows):
    print(json.dumps({"right": [is_right(text, row) for text, row in zip(answers, rows)]}))


def save(args, name, text):
    with open(os.path.join(args.state, name), "w", encoding="utf-8") as file:
        file.write(text)


def load(args, name):
    with open(os.path.join(args.state, name), encoding="utf-8") as file:
        return file.read()


def note(*words):
    print(*words, file=sys.stderr, flush=True)
