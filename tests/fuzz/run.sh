#!/bin/sh
# run.sh - runs every fuzz target for a while, from the corpus in the tree.
# Usage: tests/fuzz/run.sh BUILD SECONDS. What a target finds stays in BUILD;
# a finding becomes a test of its own and a file in tests/fuzz/corpus/.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
seconds=$2
found=0
for src in tests/fuzz/fuzz_*.c; do
    name=$(basename "$src" .c)
    seeds=tests/fuzz/corpus/${name#fuzz_}
    work=$build/corpus/${name#fuzz_}
    mkdir -p "$work"
    [ -d "$seeds" ] || seeds=
    if "$build/tests/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$build/$name-" -print_final_stats=1 "$work" $seeds \
        >"$build/$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
        echo "ok   $name: $runs inputs in $seconds s"
    else
        found=1
        echo "FOUND $name:"
        tail -n 40 "$build/$name.log" | sed 's/^/     | /'
    fi
done
exit $found
