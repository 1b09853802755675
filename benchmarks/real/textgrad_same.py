#!/usr/bin/env python3
"""textgrad_same.py - TextGrad on the rows, splits, steps, gate and ceilings of run.lua, to compare with.

    lunagrad run benchmarks/real/run.lua rows=1 task=sentiment --no-store >rows.jsonl
    OPENAI_BASE_URL=http://127.0.0.1:8080/v1 python3 benchmarks/real/textgrad_same.py rows.jsonl MODEL

Options: --steps 3 --batch 3 --cap 200. Needs the package textgrad (0.1.8 was tried); without it, it
says so and ends. Tasks with one right answer only (not json).
"""
import argparse
import os
import sys
import time

sys.dont_write_bytecode = True
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else a list is asked for far away
import same  # noqa: E402

try:
    import textgrad as tg
    from textgrad.autograd.string_based_ops import StringBasedFunction
    from textgrad.engine import EngineLM
except ImportError:
    sys.exit("textgrad_same.py: the package textgrad is not installed; nothing to compare with")


class Engine(EngineLM):
    """The server as TextGrad wants it; each kind of call has its own ceiling and count."""

    def __init__(self, server, kind, most, temperature=None):
        self.model_string = server.model
        self.server, self.kind, self.most, self.temperature = server, kind, most, temperature

    def generate(self, content, system_prompt=None, **_):
        return self.server.ask(self.kind, [
            {"role": "system", "content": system_prompt or self.system_prompt},
            {"role": "user", "content": content}], self.most, self.temperature)

    def __call__(self, content, **more):
        return self.generate(content, **more)


def score(program, rows):
    return [int(same.taken(program(tg.Variable(row["question"], requires_grad=False,
                                               role_description="query")).value,
                           row["task"]) == row["answer"])
            for row in rows]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("model")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--cap", type=int, default=200)
    args = parser.parse_args()
    train, val, test = same.splits(args.rows)
    task, role, server = test[0]["task"], test[0]["role"], same.Server(args.model)
    tg.set_backward_engine(Engine(server, "critic", args.cap), override=True)
    prompt = tg.Variable("Answer the question.", requires_grad=True, role_description=role)
    program = tg.BlackboxLLM(Engine(server, "answers", test[0]["max_tokens"], 0), prompt)
    optimizer = tg.TextualGradientDescent(engine=Engine(server, "editor", args.cap),
                                          parameters=[prompt])
    judge = StringBasedFunction(
        lambda prediction, right: str(int(same.taken(prediction.value, task) == right.value)),
        "reads the answer from a text and compares it with the right one: 1 right, 0 wrong")
    began, malformed = time.time(), 0
    before = score(program, test)
    kept = sum(score(program, val))
    print(f"{task}: held out {sum(before)}/{len(test)}, validation {kept}/{len(val)}", flush=True)
    for step in range(args.steps):
        optimizer.zero_grad()
        losses = []
        for k in range(args.batch):
            row = train[(step * args.batch + k) % len(train)]
            answer = program(tg.Variable(row["question"], requires_grad=False,
                                         role_description="query"))
            right = tg.Variable(row["answer"], requires_grad=False, role_description="right answer")
            losses.append(judge(inputs={"prediction": answer, "right": right}))
        tg.sum(losses).backward()
        old, what = prompt.value, "malformed"
        try:
            optimizer.step()
            new = sum(score(program, val))
            what = f"validation {new}/{len(val)}, {'kept' if new > kept else 'rejected'}: {prompt.value!r}"
            if new > kept:
                kept = new
            else:
                prompt.set_value(old)
        except IndexError:
            malformed += 1
            prompt.set_value(old)
        print(f"step {step + 1} ({time.time() - began:.0f} s): {what}", flush=True)
    print(same.compared(before, score(program, test)))
    print(f"{malformed} malformed, {time.time() - began:.0f} s, calls (tokens in, out): {server.calls}")


if __name__ == "__main__":
    main()
