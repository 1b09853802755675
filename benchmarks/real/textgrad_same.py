#!/usr/bin/env python3
"""textgrad_same.py - TextGrad on the rows, splits, steps, gate and ceilings of run.lua, to compare with.

    lunagrad run benchmarks/real/run.lua rows=1 task=sentiment --no-store >rows.jsonl
    OPENAI_BASE_URL=http://127.0.0.1:8080/v1 python3 benchmarks/real/textgrad_same.py rows.jsonl MODEL

Options: --steps 3 --batch 3 --cap 200. Needs the package textgrad (0.1.8 was tried); without it, it
says so and ends. Tasks with one right answer only (not json).
"""
import argparse
import json
import os
import re
import sys
import time
import urllib.request

try:
    import textgrad as tg
    from textgrad.autograd.string_based_ops import StringBasedFunction
    from textgrad.engine import EngineLM
except ImportError:
    sys.exit("textgrad_same.py: the package textgrad is not installed; nothing to compare with")

CALLS = {}


class Server(EngineLM):
    """An OpenAI-style server; each kind of call has its own ceiling and count."""

    def __init__(self, model, kind, most, temperature=None):
        self.model_string, self.kind, self.most, self.temperature = model, kind, most, temperature

    def generate(self, content, system_prompt=None, **_):
        body = {"model": self.model_string, "max_tokens": self.most, "messages": [
            {"role": "system", "content": system_prompt or self.system_prompt},
            {"role": "user", "content": content}]}
        if self.temperature is not None:
            body["temperature"] = self.temperature
        request = urllib.request.Request(
            os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
            {"Content-Type": "application/json",
             "Authorization": "Bearer " + os.environ.get("OPENAI_API_KEY", "none")})
        reply = json.load(urllib.request.urlopen(request, timeout=600))
        count = CALLS.setdefault(self.kind, [0, 0, 0])
        count[0] += 1
        count[1] += reply["usage"]["prompt_tokens"]
        count[2] += reply["usage"]["completion_tokens"]
        return reply["choices"][0]["message"]["content"]

    def __call__(self, content, **more):
        return self.generate(content, **more)


def taken(text, task):
    """The answer in a text, read as run.lua reads it."""
    text = str(text)
    if task == "sentiment":
        found = {word for word in re.findall(r"[a-z]+", text.lower())} & {"positive", "negative"}
        return found.pop() if len(found) == 1 else None
    if task == "sorting":
        lines = [line for line in text.splitlines() if line.strip()]
        return " ".join(re.findall(r"[a-z]+", re.sub(r"^[^:]*:", "", lines[-1].lower()))) if lines else None
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
    return numbers[-1] if numbers else None


def score(program, rows):
    task = rows[0]["task"]
    return [int(taken(program(tg.Variable(row["question"], requires_grad=False,
                                          role_description="query")).value, task) == row["answer"])
            for row in rows]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("model")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument("--cap", type=int, default=200)
    args = parser.parse_args()
    with open(args.rows, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.startswith("{")]
    task, role = rows[0]["task"], rows[0]["role"]
    train, val, test = ([r for r in rows if r["split"] == s] for s in ("train", "val", "test"))
    tg.set_backward_engine(Server(args.model, "critic", args.cap), override=True)
    prompt = tg.Variable("Answer the question.", requires_grad=True, role_description=role)
    program = tg.BlackboxLLM(Server(args.model, "answers", rows[0]["max_tokens"], 0), prompt)
    optimizer = tg.TextualGradientDescent(engine=Server(args.model, "editor", args.cap),
                                          parameters=[prompt])
    judge = StringBasedFunction(
        lambda prediction, right: str(int(taken(prediction.value, task) == right.value)),
        "reads the answer from a text and compares it with the right one: 1 right, 0 wrong")
    began, malformed = time.time(), 0
    before = sum(score(program, test))
    kept = sum(score(program, val))
    print(f"{task}: held out {before}/{len(test)}, validation {kept}/{len(val)}", flush=True)
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
    print(f"held out {before}/{len(test)} -> {sum(score(program, test))}/{len(test)}, "
          f"{malformed} malformed, {time.time() - began:.0f} s, calls (tokens in, out): {CALLS}")


if __name__ == "__main__":
    main()
