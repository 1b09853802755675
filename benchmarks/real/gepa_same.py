#!/usr/bin/env python3
"""gepa_same.py - GEPA on the rows, splits, batch and ceilings of run.lua, to compare with.

    lunagrad run benchmarks/real/run.lua rows=1 task=sentiment --no-store >rows.jsonl
    OPENAI_BASE_URL=http://127.0.0.1:8080/v1 build/peers/gepa/bin/python \\
      benchmarks/real/gepa_same.py rows.jsonl MODEL --calls 83

Options: --calls 83 (answers and reflections of the training; the held-out rows are scored besides),
--batch 3, --cap 200, --seed 1. Needs the package gepa (0.1.4 was tried); without it, it says so and
ends. The adapter, reflection form and options are GEPA's defaults, its feedback the words of its own
default evaluator. Tasks with one right answer only (not json).
"""
import argparse
import json
import os
import re
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from math import comb, sqrt

try:
    import gepa
    from gepa.adapters.default_adapter.default_adapter import DefaultAdapter, EvaluationResult
    from gepa.utils import ScoreThresholdStopper
except ImportError:
    sys.exit("gepa_same.py: the package gepa is not installed; nothing to compare with")

AT_ONCE = 2  # as run.lua with --concurrency 2


class Server:
    """An OpenAI-style server; each kind of call has its own ceiling and count."""

    def __init__(self, model):
        self.model, self.calls = model, {}

    def ask(self, kind, messages, most, temperature=None):
        body = {"model": self.model, "max_tokens": most, "messages": messages}
        if temperature is not None:
            body["temperature"] = temperature
        request = urllib.request.Request(
            os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
            {"Content-Type": "application/json",
             "Authorization": "Bearer " + os.environ.get("OPENAI_API_KEY", "none")})
        reply = json.load(urllib.request.urlopen(request, timeout=600))
        count = self.calls.setdefault(kind, [0, 0, 0])
        count[0] += 1
        count[1] += reply["usage"]["prompt_tokens"]
        count[2] += reply["usage"]["completion_tokens"]
        return reply["choices"][0]["message"]["content"]

    def bought(self):
        return sum(count[0] for count in self.calls.values())


def taken(text, task):
    """The answer in a text, read as run.lua reads it."""
    if task in ("sentiment", "films"):
        found = set(re.findall(r"[a-z]+", text.lower())) & {"positive", "negative"}
        return found.pop() if len(found) == 1 else None
    if task == "sorting":
        lines = [line for line in text.splitlines() if line.strip()]
        return " ".join(re.findall(r"[a-z]+", re.sub(r"^[^:]*:", "", lines[-1].lower()))) if lines else None
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
    return numbers[-1] if numbers else None


def evaluate(row, response):
    """In the words of gepa 0.1.4's default evaluator."""
    if taken(response, row["task"]) == row["answer"]:
        return EvaluationResult(score=1.0, feedback="The generated response is correct. The response "
                                f"include the correct answer '{row['answer']}'")
    return EvaluationResult(
        score=0.0, feedback=f"The generated response is incorrect. The correct answer is '{row['answer']}'. "
        "Ensure that the correct answer is included in the response exactly as it is.")


class Adapter(DefaultAdapter):
    """The default one, with its answers asked for two at a time."""

    def evaluate(self, batch, candidate, capture_traces=False):
        system = next(iter(candidate.values()))
        asked = [[{"role": "system", "content": system}, {"role": "user", "content": row["input"]}]
                 for row in batch]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            replies = iter(list(pool.map(self.answer, asked)))
        self.model = lambda _: next(replies)
        return super().evaluate(batch, candidate, capture_traces)


class Reflection:
    """The critic and editor in one; a reply without a block, or with an open one, is malformed."""

    def __init__(self, server, cap):
        self.server, self.cap, self.malformed = server, cap, 0

    def __call__(self, prompt):
        reply = self.server.ask("reflection", [{"role": "user", "content": prompt}], self.cap)
        self.malformed += reply.count("```") < 2
        print(f"reflection {self.server.calls['reflection'][0]}: {reply!r}", flush=True)
        return reply


def interval(right, n):
    """Wilson's 95% interval of a share."""
    share, z = right / n, 1.959964
    middle, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return f"{share:.3f} [{(middle - half) / (1 + z * z / n):.3f} to {(middle + half) / (1 + z * z / n):.3f}]"


def paired(before, after):
    """Rows that rose and fell, and the exact sign test's probability."""
    rose = sum(b < a for b, a in zip(before, after))
    fell = sum(b > a for b, a in zip(before, after))
    tail = sum(comb(rose + fell, k) for k in range(max(rose, fell), rose + fell + 1))
    return f"{rose} rows rose, {fell} fell, p = {min(1, 2 * tail / 2 ** (rose + fell)):.3g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("model")
    parser.add_argument("--calls", type=int, default=83)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--cap", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with open(args.rows, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.startswith("{")]
    for row in rows:
        row.update(input=row["question"], additional_context={})
    train, val, test = ([r for r in rows if r["split"] == s] for s in ("train", "val", "test"))
    server, most = Server(args.model), rows[0]["max_tokens"]
    adapter = Adapter(model=lambda _: "", evaluator=evaluate)
    adapter.answer = lambda messages: server.ask("answers", messages, most, 0)
    reflect, began = Reflection(server, args.cap), time.time()
    start = {"system_prompt": "Answer the question."}
    before = adapter.evaluate(test, start).scores
    tested = server.bought()
    step = 2 * args.batch + 1  # a batch, the reflection, the batch again; the validation may go over
    result = gepa.optimize(
        seed_candidate=start, trainset=train, valset=val, adapter=adapter, reflection_lm=reflect,
        reflection_minibatch_size=args.batch, seed=args.seed, stop_callbacks=[
            lambda _: server.bought() - tested + step > args.calls, ScoreThresholdStopper(1.0)])
    spent, best = server.bought() - tested, result.best_candidate
    after = adapter.evaluate(test, best).scores
    print(f"validation {result.val_aggregate_scores[0]:.3f} -> {max(result.val_aggregate_scores):.3f}, "
          f"{len(result.candidates) - 1} kept; prompt after: {best['system_prompt']!r}")
    print(f"held out {interval(sum(before), len(test))} -> {interval(sum(after), len(test))}, "
          f"{paired(before, after)}")
    print(f"{reflect.malformed} malformed, {spent} calls of the training, {time.time() - began:.0f} s, "
          f"calls (tokens in, out): {server.calls}")


if __name__ == "__main__":
    main()
