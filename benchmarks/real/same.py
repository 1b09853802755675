"""same.py - what textgrad_same.py and gepa_same.py share: rows, a server, the reading of an answer, figures.

No program of its own.
"""
import json
import os
import re
import urllib.request
from math import comb, sqrt


def splits(path):
    """The rows that `run.lua rows=1` printed, by split: train, val, test."""
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.startswith("{")]
    return [[row for row in rows if row["split"] == split] for split in ("train", "val", "test")]


class Server:
    """An OpenAI-style server, and calls and tokens (in, out) of each kind that it was asked for."""

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
    """The answer in a text, read as run.lua reads it; None if there is none."""
    text = str(text)
    if task == "sentiment":
        found = set(re.findall(r"[a-z]+", text.lower())) & {"positive", "negative"}
        return found.pop() if len(found) == 1 else None
    if task == "sorting":
        lines = [line for line in text.splitlines() if line.strip()]
        return " ".join(re.findall(r"[a-z]+", re.sub(r"^[^:]*:", "", lines[-1].lower()))) if lines else None
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
    return numbers[-1] if numbers else None


def interval(scores):
    """The share of right rows with Wilson's 95% interval."""
    n, z = len(scores), 1.959964
    share = sum(scores) / n
    middle, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return f"{share:.3f} [{(middle - half) / (1 + z * z / n):.3f} to {(middle + half) / (1 + z * z / n):.3f}]"


def compared(before, after):
    """A line: both shares, rows that rose and fell, and the exact sign test's probability."""
    rose = sum(b < a for b, a in zip(before, after))
    fell = sum(b > a for b, a in zip(before, after))
    tail = sum(comb(rose + fell, k) for k in range(max(rose, fell), rose + fell + 1))
    return (f"held out {interval(before)} -> {interval(after)}, n = {len(before)}: {rose} rows rose, "
            f"{fell} fell, p = {min(1, 2 * tail / 2 ** (rose + fell)):.3g}")
