#!/usr/bin/env python3
"""run.py - the peers and this engine on one server: calls, gain, CPU, memory, waves, a kill's cost.

    benchmarks/peers/setup.sh                                    once: an environment for each peer
    benchmarks/peers/run.sh ROWS.json [options]                  see --help

ROWS is BIG-Bench Hard's object_counting.json. Every run has a server of its own (`lunagrad mock`,
equal options), whose journal is the only count of calls; the test set is asked of a second server
without latency, so that it is in nobody's count. Results go to build/peers/results.jsonl, one line
a run, and `run.sh --table` prints what is there.
"""
import argparse
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "peers")
LUNAGRAD = os.path.join(ROOT, "build", "lunagrad")
RESULTS = os.path.join(BUILD, "results.jsonl")

# name: environment, driver, variables
PEERS = {
    "lg.train": (None, "train", {}),
    "lg.optimize": (None, "optimize", {}),
    "textgrad": ("textgrad", "textgrad_peer.py", {}),
    "gepa": ("gepa", "gepa_peer.py", {}),
    "dspy-mipro": ("dspy", "dspy_peer.py", {"PEER_METHOD": "mipro"}),
    "dspy-gepa": ("dspy", "dspy_peer.py", {"PEER_METHOD": "gepa"}),
    "trace": ("trace", "trace_peer.py", {}),
}


def split_rows(path, seed, to):
    """50 to learn from, 100 to validate on, 100 to test on, by this seed."""
    with open(path, encoding="utf-8") as file:
        examples = json.load(file)["examples"]
    random.Random(seed).shuffle(examples)
    with open(to, "w", encoding="utf-8") as file:
        for i, example in enumerate(examples[:250]):
            split = "train" if i < 50 else "val" if i < 150 else "test"
            file.write(json.dumps({"question": example["input"], "answer": example["target"],
                                   "split": split}) + "\n")


class Server:
    """A mock server and its journal."""

    def __init__(self, binary, folder, name, model, latency):
        self.journal = os.path.join(folder, name + ".jsonl")
        ready = os.path.join(folder, name + ".url")
        for stale in (self.journal, ready):
            if os.path.exists(stale):
                os.remove(stale)
        self.process = subprocess.Popen(
            [binary, "mock", "--compatible", "--model", model, "--latency", latency,
             "--journal", self.journal, "--ready-file", ready],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(ready):
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as file:
            self.url = file.read().strip()

    def calls(self):
        if not os.path.exists(self.journal):
            return []
        with open(self.journal, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def count(self):
        if not os.path.exists(self.journal):
            return 0
        with open(self.journal, "rb") as file:
            return file.read().count(b"\n")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def command(name, mode, args, rows, url, state, which="result", bought=0):
    """The command line; `bought` calls were made before a kill: drivers know, our command is told."""
    environment, driver, more = PEERS[name]
    env = dict(os.environ, **more)
    if environment is None:
        env.update(OPENAI_BASE_URL=url, OPENAI_API_KEY="none", LUNAGRAD_HOME=state + "/store")
        words = [args.lunagrad, "run", os.path.join(HERE, "ours.lua"), "mode=" + mode, "rows=" + rows,
                 "model=peer", "state=" + state, "method=" + driver, "which=" + which,
                 f"seed={args.seed}", f"workers={args.workers}", f"budget={args.budget}",
                 "--concurrency", str(args.workers), "--display", "none"]
        limit = ["--max-calls", str(args.budget - bought)]
        return words + (limit if mode == "train" else ["--no-store"]), env
    python = os.path.join(BUILD, environment, "bin", "python")
    return [python, os.path.join(HERE, driver), mode, "--rows", rows, "--url", url, "--model",
            "peer", "--state", state, "--seed", str(args.seed), "--budget", str(args.budget),
            "--workers", str(args.workers), "--which", which], env


def start(words, env, log):
    return subprocess.Popen(words, env=env, stdout=log, stderr=log, cwd=BUILD,
                            start_new_session=True)


def train(name, args, rows, server, folder, state, bought=0):
    """One run to its end: seconds of CPU and the highest resident memory of the client."""
    with open(os.path.join(folder, "train.log"), "a", encoding="utf-8") as log:
        words, env = command(name, "train", args, rows, server.url, state, bought=bought)
        process = start(words, env, log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {"exit": process.returncode, "cpu": usage.ru_utime + usage.ru_stime,
            "rss": usage.ru_maxrss / 1024}


def test(name, args, rows, url, folder, state, which):
    words, env = command(name, "test", args, rows, url, state, which)
    with open(os.path.join(folder, "test.log"), "a", encoding="utf-8") as log:
        said = subprocess.run(words, env=env, stdout=subprocess.PIPE, stderr=log, cwd=BUILD,
                              text=True, check=False).stdout
    lines = [line for line in said.splitlines() if line.startswith('{"right"')]
    return json.loads(lines[-1])["right"] if lines else None


def repeats(calls):
    return sum(1 for call in calls if (call["attempt"] or 1) > 1)


def kill_in_the_middle(name, args, rows, folder, whole):
    """kill -9 at half the calls of the whole run, start again, run to the end."""
    state = os.path.join(folder, "killed")
    os.makedirs(state)
    server = Server(args.lunagrad, folder, "killed", args.world, args.latency)
    with open(os.path.join(folder, "killed.log"), "a", encoding="utf-8") as log:
        words, env = command(name, "train", args, rows, server.url, state)
        process = start(words, env, log)
        while process.poll() is None and server.count() < whole["calls"] // 2:
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    at = server.count()
    train(name, args, rows, server, folder, state, at)
    time.sleep(0.5)
    calls = server.calls()
    server.close()
    return {"at": at, "calls": len(calls), "repeated": repeats(calls) - whole["repeats"]}


def run(name, args):
    folder = os.path.join(BUILD, "runs", f"{name}-{args.label}-{args.seed}")
    shutil.rmtree(folder, ignore_errors=True)
    state = os.path.join(folder, "state")
    os.makedirs(state)
    rows = os.path.join(folder, "rows.jsonl")
    split_rows(args.rows, args.seed, rows)
    server = Server(args.lunagrad, folder, "server", args.world, args.latency)
    result = {"peer": name, "world": args.world, "label": args.label, "seed": args.seed,
              "latency": args.latency, "budget": args.budget, "workers": args.workers}
    result.update(train(name, args, rows, server, folder, state))
    time.sleep(0.3)
    calls = server.calls()
    server.close()
    result["calls"], result["repeats"] = len(calls), repeats(calls)
    if calls:
        wall = max(c["finish_us"] for c in calls) - min(c["arrival_us"] for c in calls)
        result["wall"] = wall / 1e6
    tests = Server(args.lunagrad, folder, "test", args.world, "0")
    for which, key in (("seed", "before"), ("result", "after")):
        result[key] = test(name, args, rows, tests.url, folder, state, which)
    tests.close()
    if args.kill and calls:
        result["kill"] = kill_in_the_middle(name, args, rows, folder, result)
    return result


# ---- the table ---------------------------------------------------------------------

def wilson(right, n, z=1.96):
    p = right / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def share(runs, which):
    """Mean accuracy and, over all rows of all runs, Wilson's interval."""
    bits = [bit for run_ in runs for bit in run_[which]]
    low, high = wilson(sum(bits), len(bits))
    return sum(bits) / len(bits), f"{sum(bits) / len(bits):.3f} [{low:.2f}, {high:.2f}]"


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else float("nan")


def kill_cell(runs):
    kills = [run_["kill"] for run_ in runs if "kill" in run_]
    if not kills:
        return "-"
    more = mean(k["calls"] for k in kills) - mean(r["calls"] for r in runs if "kill" in r)
    return f"{more:+.0f} ({mean(k['repeated'] for k in kills):.0f})"


def table(latency_s):
    with open(RESULTS, encoding="utf-8") as file:
        runs = [json.loads(line) for line in file]
    for label in sorted({run_["label"] for run_ in runs}):
        print(f"\n| {label} | n | calls | test before | test after | gain | CPU s | ms a call | "
              "MB | wall s | waves | kill: more calls (the same again) |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|")
        for name in PEERS:
            own = [r for r in runs if r["label"] == label and r["peer"] == name
                   and r.get("before") and r.get("after")]
            if not own:
                continue
            before, before_cell = share(own, "before")
            after, after_cell = share(own, "after")
            calls, cpu, wall = (mean(r[k] for r in own) for k in ("calls", "cpu", "wall"))
            print(f"| {name} | {len(own)} | {calls:.0f} | {before_cell} | {after_cell} | "
                  f"{after - before:+.3f} | {cpu:.1f} | {1000 * cpu / calls:.1f} | "
                  f"{mean(r['rss'] for r in own):.0f} | {wall:.0f} | {wall / latency_s:.0f} | "
                  f"{kill_cell(own)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="?", help="object_counting.json of BIG-Bench Hard")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; default: all")
    parser.add_argument("--world", default="sim/noise=0", help="the server's model")
    parser.add_argument("--label", help="what the table calls it; default: the world")
    parser.add_argument("--seeds", default="1", help="comma-separated")
    parser.add_argument("--budget", type=int, default=1600, help="calls, without the test set")
    parser.add_argument("--latency", default="uniform:100..300", help="as lunagrad mock takes it")
    parser.add_argument("--workers", type=int, default=32, help="calls at once")
    parser.add_argument("--kill", action="store_true", help="a second run, killed in the middle")
    parser.add_argument("--lunagrad", default=LUNAGRAD, help="the command; default: build/lunagrad")
    parser.add_argument("--table", action="store_true", help="print the results so far, and no more")
    args = parser.parse_args()
    os.makedirs(BUILD, exist_ok=True)
    if not args.table:
        if not args.rows:
            parser.error("a path to object_counting.json is needed")
        args.rows = os.path.abspath(args.rows)
        args.label = args.label or args.world.replace("sim/", "").replace("=", " ")
        for seed in map(int, args.seeds.split(",")):
            for name in args.peers.split(","):
                args.seed = seed
                environment = PEERS[name][0]
                if environment and not os.path.exists(os.path.join(BUILD, environment, "bin")):
                    print(f"{name}: not installed (setup.sh says why)", file=sys.stderr)
                    continue
                result = run(name, args)
                with open(RESULTS, "a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
                told = dict(result, **{k: sum(result[k] or []) for k in ("before", "after")})
                print(json.dumps(told), file=sys.stderr, flush=True)
    if os.path.exists(RESULTS):
        table(0.2)


if __name__ == "__main__":
    main()
