#!/bin/sh
# run.sh - a run that is killed again and again loses nothing and buys nothing twice.
#
# Usage: tests/kill/run.sh [KILLS [OPTION…]]     short form: 12 kills; make soak: 1,000
#
# Options are lunagrad run's, such as --durable full.
# A script runs against `lunagrad mock` with latency, is killed (SIGKILL) at random
# instants and started again until it ends; then all of that anew in an empty store,
# until KILLS have happened. check.lua looks at each store and at the mock's journal.
# The last line is "[KILL] N kills, N rounds: ok"; KILL_SEED repeats a run's instants.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
case "$build" in /*) ;; *) build=$PWD/$build ;; esac
want=${1:-12}
[ $# -eq 0 ] || shift
seed=${KILL_SEED:-$$}
lg=$build/lunagrad
dir=$(mktemp -d) || exit 1
mock=
trap 'stop_mock; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
LUA_CPATH="$build/?.so;;"
export LUA_CPATH OPENAI_API_KEY=k KILL_SEED="$seed"

# start_mock JOURNAL OPTION… - sets OPENAI_BASE_URL
start_mock() {
    rm -f "$dir/ready"
    journal=$1
    shift
    "$lg" mock --ready-file "$dir/ready" --journal "$journal" "$@" >/dev/null 2>&1 &
    mock=$!
    until [ -s "$dir/ready" ]; do
        kill -0 $mock 2>/dev/null || { echo "kill: the mock does not start" >&2 && exit 1; }
        sleep 0.02
    done
    OPENAI_BASE_URL=$(cat "$dir/ready")
    export OPENAI_BASE_URL
}

stop_mock() {
    [ -z "$mock" ] || { kill -INT "$mock" && wait "$mock"; } 2>/dev/null
    mock=
}

# pause N - of 10 to 250 ms, the N-th of this seed
pause() {
    awk -v n="$1" -v s="$seed" 'BEGIN { srand(s * 100003 + n); printf "%.3f", 0.01 + rand() * 0.24 }'
}

start_mock "$dir/whole.jsonl"
"$lg" run tests/kill/script.lua --display none --no-store >"$dir/whole" 2>"$dir/err" ||
    { cat "$dir/err" >&2 && exit 1; }
stop_mock

kills=0 rounds=0
while [ "$kills" -lt "$want" ]; do
    rounds=$((rounds + 1)) tries=0
    rm -rf "$dir/store" "$dir/killed.jsonl"
    start_mock "$dir/killed.jsonl" --latency uniform:5..120 --latency-seed "$rounds"
    while :; do
        tries=$((tries + 1))
        LUNAGRAD_HOME="$dir/store" "$lg" run tests/kill/script.lua --display none --run kill \
            "$@" >"$dir/out" 2>"$dir/err" &
        run=$!
        # From the 40th start on it is left alone, so that every round ends.
        [ "$tries" -ge 40 ] || { sleep "$(pause $((kills + tries)))" && kill -9 $run; } 2>/dev/null
        wait $run 2>/dev/null
        code=$?
        [ $code -eq 137 ] || break
        kills=$((kills + 1))
    done
    stop_mock
    if [ $code -ne 0 ]; then
        echo "kill: exit code $code (seed $seed, round $rounds)" >&2
        cat "$dir/err" >&2
        exit 1
    fi
    cmp "$dir/whole" "$dir/out" || exit 1
    "${LUA:-lua5.4}" tests/kill/check.lua "$dir/store" "$dir/killed.jsonl" "$dir/whole.jsonl" ||
        { echo "kill: seed $seed, round $rounds" >&2 && exit 1; }
done
echo "[KILL] $kills kills, $rounds rounds: ok"
