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
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
import same  # noqa: E402

try:
    import gepa
    from gepa.adapters.default_adapter.default_adapter import DefaultAdapter, EvaluationResult
    from gepa.utils import ScoreThresholdStopper
except ImportError:
    sys.exit("gepa_same.py: the package gepa is not installed; nothing to compare with")

AT_ONCE = 2  # as run.lua with --concurrency 2


def evaluate(row, response):
    """In the words of gepa 0.1.4's default evaluator."""
    if same.taken(response, row["task"]) == row["answer"]:
        return EvaluationResult(score=1.0, feedback="The generated response is correct. The response "
                                f"include the correct answer '{row['answer']}'")
    return EvaluationResult(
        score=0.0, feedback=f"The generated response is incorrect. The correct answer is '{row['answer']}'. "
        "Ensure that the correct answer is included in the response exactly as it is.")


class Adapter(DefaultAdapter):
    """The default one, with its answers asked for two at a time."""

    def __init__(self, answer):
        super().__init__(model=answer, evaluator=evaluate)
        self.answer = answer

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
        print(f"reflection: {reply!r}", flush=True)
        return reply


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("model")
    parser.add_argument("--calls", type=int, default=83)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--cap", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    train, val, test = same.splits(args.rows)
    for row in train + val + test:
        row.update(input=row["question"], additional_context={})
    server, most = same.Server(args.model), test[0]["max_tokens"]
    adapter = Adapter(lambda messages: server.ask("answers", messages, most, 0))
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
    print(same.compared(before, after))
    print(f"{reflect.malformed} malformed, {spent} calls of the training, {time.time() - began:.0f} s, "
          f"calls (tokens in, out): {server.calls}")


if __name__ == "__main__":
    main()
