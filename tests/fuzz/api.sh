#!/bin/sh
# api.sh - random calls of the C API (api_fuzz.c) and of the Lua API (api_fuzz.lua).
#
# Usage: tests/fuzz/api.sh               what `make check` runs: old findings, fixed seeds
#        tests/fuzz/api.sh seconds N     new seeds for N seconds each (make fuzz-api)
#        tests/fuzz/api.sh repeat KIND SEED   one seed, with each call told
#   BUILD=build     where the programs are;  LUA=lua5.4;  LG_PRELOAD: a sanitizer's library
#
# tests/fuzz/api_seeds holds the seeds that found something ("c 135", "lua 7"); they are run
# first. Every public function must have been called: one that is new in lunagrad.h, or in
# the module, and is not fuzzed, is a failure. A finding is printed with the command that
# repeats it. The Lua calls run in a directory of their own, as some write files.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
case "$build" in /*) at=$build ;; *) at=$PWD/$build ;; esac
root=$PWD
export LUA_CPATH="$at/?.so;;"
again="BUILD=$build ${LG_PRELOAD:+LG_PRELOAD=$LG_PRELOAD }${LUA:+LUA=$LUA }tests/fuzz/api.sh repeat"
out=$(mktemp) && work=$(mktemp -d) || exit 1
trap 'rm -rf "$out" "$work"' EXIT
trap 'exit 130' INT TERM
failed=0
longest=180 # seconds until a run that does not come back is ended
[ "${1:-}" != seconds ] || longest=$((longest + $2))

run_c() { timeout -k 5 "$longest" "$build/tests/fuzz/api_fuzz" "$@"; }
run_lua() {
    (cd "$work" && timeout -k 5 "$longest" env ${LG_PRELOAD:+LD_PRELOAD="$LG_PRELOAD"} ASAN_OPTIONS=detect_leaks=0 \
        "${LUA:-lua5.4}" "$root/tests/fuzz/api_fuzz.lua" "$@")
}

# tell_seed - the command that repeats what "$out" ends with
tell_seed() {
    at_seed=$(sed -n 's/^at seed \([0-9]*\)$/\1/p' "$out" | tail -n 1)
    [ -z "$at_seed" ] || printf '\n  repeat it: %s lua %s\n' "$again" "$at_seed" >>"$out"
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
        "run_$1" --seed "$seed" >>"$out" 2>&1 || {
            sum=1
            tell_seed
        }
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
    [ $code -eq 0 ] || tell_seed
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

if [ "${1:-}" = repeat ]; then
    "run_$2" --seed "$3" --trace
    exit
fi
old c
old lua
if [ "${1:-}" = seconds ]; then
    seed=$(($(date +%s) * 1000))
    fuzz c --seed "$seed" --seconds "$2"
    run_c --thread --seed "$seed" --seconds "$2" >"$out" 2>&1
    judge "c API, engines with a thread" $?
    fuzz lua --seed "$seed" --seconds "$2"
else
    fuzz c --seed 1 --count 120
    run_c --thread --seed 1 --count 60 >"$out" 2>&1
    judge "c API, engines with a thread" $?
    fuzz lua --seed 1 --count 12
fi
exit $failed
