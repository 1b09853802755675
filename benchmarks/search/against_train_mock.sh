#!/bin/sh
# against_train_mock.sh - against_train.lua over a mock server that fails, all seeds at once: over HTTP
# a retry waits in real time, so one seed after the other takes an hour and ten at once some minutes.
#
# Usage: benchmarks/search/against_train_mock.sh PROGRAM CALLS [SEEDS [FAULTS]]     after make; 10, 20%
#
# Which requests fail is a function of the requests, not of who comes first: the same lines come out.

set -eu
cd "$(dirname "$0")/../.."
program=$1 calls=$2 seeds=${3:-10} faults=${4:-20%}
build=${BUILD:-build}
out=$(mktemp -d)
"$build/lunagrad" mock --faults "$faults" --hang 1 --ready-file "$out/ready" >"$out/mock" 2>&1 &
mock=$!
trap 'kill $mock 2>/dev/null; rm -rf "$out"' EXIT
until [ -s "$out/ready" ]; do sleep 0.1; done
OPENAI_BASE_URL=$(cat "$out/ready") OPENAI_API_KEY=x
export OPENAI_BASE_URL OPENAI_API_KEY
pids=
for seed in $(seq 1 "$seeds"); do
  "$build/lunagrad" run benchmarks/search/against_train.lua "program=$program" "calls=$calls" \
    "from=$seed" seeds=1 -m openai/gpt-4o-mini --no-store --display none >"$out/$seed" 2>&1 &
  pids="$pids $!"
done
for pid in $pids; do wait "$pid" || true; done
for seed in $(seq 1 "$seeds"); do grep '^seed' "$out/$seed" || cat "$out/$seed"; done
echo "$program, $calls calls, $seeds seeds, faults $faults"
for seed in $(seq 1 "$seeds"); do grep '^seed' "$out/$seed" || true; done | awk '
  { for (i = 1; i <= NF; i++) if ($i == "train" || $i == "finished" || $i == "optimize") x[$i] = $(i + 1)
    n++
    for (w in x) { s[w] += x[w]; q[w] += x[w] * x[w] }
    for (w in x) if (w != "optimize") { d = x["optimize"] - x[w]; ds[w] += d; dq[w] += d * d } }
  function se(sum, squares) { v = (squares - sum * sum / n) / (n - 1); return sqrt(v > 0 ? v / n : 0) }
  END { if (n < 2) exit
    for (w in s) printf "%-9s %.3f +- %.3f\n", w, s[w] / n, se(s[w], q[w])
    for (w in ds) printf "optimize - %s: %+.3f +- %.3f\n", w, ds[w] / n, se(ds[w], dq[w]) }'
