#!/bin/sh
# every.sh - a small run killed at each of its writes and syncs in turn.
#
# Usage: tests/kill/every.sh [STEP]    every STEP-th call only (1: all)
#
# strace kills the run when it enters its N-th write, N-th pwrite64, … ; then it is
# started again, must end the same, and check.lua looks at store and journal. Without
# strace (or without the right to trace) it says so and does nothing.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
case "$build" in /*) ;; *) build=$PWD/$build ;; esac
step=${1:-1}
lg=$build/lunagrad
if ! strace -qq -e trace=none true 2>/dev/null; then
    echo "[EVERY] SKIPPED: strace is missing, or may not trace here"
    exit 0
fi
dir=$(mktemp -d) || exit 1
mock=
trap 'stop_mock; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
LUA_CPATH="$build/?.so;;"
export LUA_CPATH OPENAI_API_KEY=k KILL_EXAMPLES=3

# start_mock JOURNAL - sets OPENAI_BASE_URL
start_mock() {
    rm -f "$dir/ready"
    "$lg" mock --ready-file "$dir/ready" --journal "$1" --latency uniform:1..5 >/dev/null 2>&1 &
    mock=$!
    until [ -s "$dir/ready" ]; do
        kill -0 $mock 2>/dev/null || { echo "every: the mock does not start" >&2 && exit 1; }
        sleep 0.01
    done
    OPENAI_BASE_URL=$(cat "$dir/ready")
    export OPENAI_BASE_URL
}

stop_mock() {
    [ -z "$mock" ] || { kill -INT "$mock" && wait "$mock"; } 2>/dev/null
    mock=
}

# run COMMAND… - the script, with a store
run() {
    LUNAGRAD_HOME="$dir/store" "$@" "$lg" run tests/kill/script.lua --display none --run kill \
        >"$dir/out" 2>"$dir/err"
}

start_mock "$dir/whole.jsonl"
"$lg" run tests/kill/script.lua --display none --no-store >"$dir/whole" 2>"$dir/err" ||
    { cat "$dir/err" >&2 && exit 1; }
stop_mock

# each CALL - killed at its 1st, 2nd, 3rd …, until the run makes no more of them
each() {
    n=1
    while :; do
        rm -rf "$dir/store" "$dir/killed.jsonl"
        start_mock "$dir/killed.jsonl"
        run strace -f -qq -o /dev/null -e trace="$1" -e inject="$1:signal=KILL:when=$n" 2>/dev/null
        code=$?
        [ $code -eq 137 ] || break
        kills=$((kills + 1))
        run env
        code=$?
        stop_mock
        if [ $code -ne 0 ] || ! cmp "$dir/whole" "$dir/out" ||
            ! "${LUA:-lua5.4}" tests/kill/check.lua "$dir/store" "$dir/killed.jsonl" \
                "$dir/whole.jsonl" 2>"$dir/checked"; then
            echo "every: exit code $code after a kill at $1 number $n" >&2
            cat "$dir/err" "$dir/checked" >&2
            exit 1
        fi
        n=$((n + step))
    done
    stop_mock
    cmp "$dir/whole" "$dir/out" || exit 1
}

kills=0
for call in write pwrite64 fdatasync fsync ftruncate io_submit fcntl flock unlink; do
    each $call
done
echo "[EVERY] killed at $kills calls, every $step: ok"
