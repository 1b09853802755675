#!/bin/sh
# api.sh - random calls of the C API (api_fuzz.c) and of the Lua API (api_fuzz.lua).
#
# Usage: tests/fuzz/api.sh               what `make check` runs: old findings, fixed seeds
#        tests/fuzz/api.sh seconds N     new seeds for N seconds each (make fuzz-api)
#   BUILD=build     where the programs are;  LUA=lua5.4;  LG_PRELOAD: a sanitizer's library
#
# tests/fuzz/api_seeds holds the seeds that found something ("c 135", "lua 7"); they are run
# first. Every public function must have been called: one that is new in lunagrad.h, or in
# the module, and is not fuzzed, is a failure. A finding is printed with the command that
# repeats it.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
case "$build" in /*) at=$build ;; *) at=$PWD/$build ;; esac
export LUA_CPATH="$at/?.so;;" LUA_PATH="$PWD/tests/fuzz/?.lua;;"
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM
failed=0

run_c() { "$build/tests/fuzz/api_fuzz" "$@"; }
run_lua() {
    env ${LG_PRELOAD:+LD_PRELOAD="$LG_PRELOAD"} ASAN_OPTIONS=detect_leaks=0 \
        "${LUA:-lua5.4}" tests/fuzz/api_fuzz.lua "$@"
}

# judge NAME CODE - a line of what "$out" holds, and all of it when something was found
judge() {
    if [ "$2" -eq 0 ]; then
        echo "[FUZZ] $1: $(tail -n 1 "$out"): ok"
    else
        failed=1
        tail -n 60 "$out"
        echo "[FUZZ] $1: exit code $2: FAILED"
    fi
}

# old KIND - the seeds that found something
old() {
    : >"$out"
    sum=0
    for seed in $(sed -n "s/^$1 \([0-9]*\).*/\1/p" tests/fuzz/api_seeds); do
        "run_$1" --seed "$seed" >>"$out" 2>&1 || sum=1
    done
    echo "$(sed -n "s/^$1 [0-9].*/x/p" tests/fuzz/api_seeds | wc -l) old findings" >>"$out"
    judge "$1, old findings" "$sum"
}

# fuzz KIND SEED… - with counts; each function must have been called
fuzz() {
    kind=$1
    shift
    "run_$kind" "$@" --counts >"$out" 2>&1
    code=$?
    missing=
    if [ $code -eq 0 ] && [ "$kind" = c ]; then
        for name in $(sed -n 's/^LG_API [^(]*[ *]\(lg_[a-z0-9_]*\)(.*/\1/p' engine/lunagrad.h); do
            grep -q "^called $name " "$out" || missing="$missing $name"
        done
    fi
    if [ -n "$missing" ]; then
        echo "of lunagrad.h, and never called by tests/fuzz/api_ops.c:$missing" >>"$out"
        code=1
    fi
    judge "$kind API" "$code"
}

old c
old lua
if [ "${1:-}" = seconds ]; then
    seed=$(($(date +%s) * 1000))
    fuzz c --seed "$seed" --seconds "$2"
    fuzz lua --seed "$seed" --seconds "$2"
else
    fuzz c --seed 1 --count 120
    fuzz lua --seed 1 --count 12
fi
exit $failed
