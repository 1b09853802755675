#!/bin/sh
# run.sh - runs every test program in its own process with a time limit.
#
# C: $BUILD/tests/engine/test_* (cmocka). Lua: tests/lua/test_*.lua (luaunit), in
# a stock Lua with the module $BUILD/lunagrad.so. One line a program. Its exit code
# says whether it passed; how many tests it ran is read from the framework's closing
# lines, whose words differ between versions. A program that crashes, hangs or says
# nothing is one failed test. The last line is "N passed, N failed" (and "N skipped",
# if any); the exit code is 1 when something failed or nothing ran.
#
# Usage: tests/run.sh [PART…]    only programs whose path contains a PART
#   BUILD=build         where the programs are
#   LUA=lua5.4          the interpreter
#   LG_TEST_FILTER=*x*  only tests whose names match
#   LG_TEST_ONLY=c|lua|fuzz|kill|oracle  only one kind
#   LG_TEST_WRAP=…      a command in front of C programs (valgrind)
#   LG_TEST_SLOW=n      multiplies the time limits
#   LG_PRELOAD=…        a library to load first (a sanitizer's)
#   LG_TEST_LINT=n      the exit code of make lint: shown with the counts, a failure if not 0
#   LUNAGRAD_DATA=DIR   published data sets (bbh/, gsm8k/); ../shared/data if it is there
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
lint=${LG_TEST_LINT:-}
limit=$((120 * ${LG_TEST_SLOW:-1}))
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM
export BUILD="$build" LG_TEST_SECONDS=0
export LUA_PATH="$PWD/tests/lua/?.lua;;" LUA_CPATH="$PWD/$build/?.so;;"
case "$build" in /*) LUA_CPATH="$build/?.so;;" ;; esac
if [ -z "${LUNAGRAD_DATA:-}" ] && [ -d ../shared/data ]; then
    export LUNAGRAD_DATA="$PWD/../shared/data"
elif [ -z "${LUNAGRAD_DATA:-}" ]; then
    echo "run.sh: no published data sets here: their tests SKIP (set LUNAGRAD_DATA)"
fi
passed=0 failed=0 skipped=0

# counts - "passed failed skipped reports" of the output on standard input.
# cmocka: "[==========] 4 test(s) run.", from 1.1.6 on "[==========] tests: 4 test(s) run.";
# a test whose fixture broke is in none of its sums but the first.
counts() {
    awk '
    function sum(line) {
        sub(/ test\(s\).*/, "", line)
        sub(/.* /, "", line)
        return line + 0
    }
    { gsub(/\033\[[0-9;]*m/, "") }
    /^\[=+\] (.*: )?[0-9]+ test\(s\) run/ { f += sum($0); reports++ }
    /^\[ +PASSED +\] (.*: )?[0-9]+ test\(s\)/ { p += sum($0); f -= sum($0) }
    /^\[ +SKIPPED +\] (.*: )?[0-9]+ test\(s\)/ { s += sum($0); f -= sum($0) }
    /^\[(KILL|EVERY|ORACLE|FUZZ)\] .*: ok$/ { p++; reports++ }
    /^\[(ORACLE|FUZZ)\] .*: FAILED$/ { f++; reports++ }
    /^\[(EVERY|ORACLE)\] SKIPPED/ { s++; reports++ }
    /^Ran [0-9]+ tests in / {
        reports++
        for (i = 1; i < NF; i++) {
            if ($(i + 1) ~ /^success(es)?,?$/) p += $i
            if ($(i + 1) ~ /^(failure|error)s?,?$/) f += $i
            if ($(i + 1) ~ /^skipped,?$/) s += $i
        }
    }
    END { print p + 0, f + 0, s + 0, reports + 0 }'
}

# run NAME COMMAND… - one program: its line, and its output if it failed
run() {
    name=$1
    shift
    start=$(date +%s%N)
    timeout -k 5 "$limit" "$@" >"$out" 2>&1 </dev/null
    code=$?
    ms=$((($(date +%s%N) - start) / 1000000))
    set -- $(counts <"$out")
    p=$1 f=$2 s=$3 why= note=
    if [ $code -eq 124 ] || [ $code -eq 137 ]; then
        why="stopped after $limit s"
    elif [ "$4" -eq 0 ] && [ $code -eq 0 ] && [ "$kind" = c ] && [ -s "$out" ]; then
        p=1 note="one test, by its exit code: its closing lines are unknown"
    elif [ "$4" -eq 0 ]; then
        why="no result (exit code $code)"
    elif [ $code -ne 0 ] && [ "$f" -eq 0 ]; then
        why="exit code $code"
    fi
    [ -z "$why" ] || f=$((f + 1))
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    [ $((p + f + s)) -gt 0 ] || return 0 # the filter left none of it
    printf '%-4s %-34s %4d passed' "$([ "$f" -eq 0 ] && echo ok || echo FAIL)" "$name" "$p"
    [ "$f" -eq 0 ] || printf ', %d failed' "$f"
    [ "$s" -eq 0 ] || printf ', %d skipped' "$s"
    printf '  %5d ms%s\n' "$ms" "${why:+  ($why)}${note:+  ($note)}"
    [ "$s" -eq 0 ] || sed -n 's/^\[[A-Z]*\] SKIPPED: /     | skipped: /p' "$out"
    [ "$f" -eq 0 ] || awk '
        /^\[ RUN      \]/ { held = $0; next }
        /^\[       OK \]/ { held = ""; next }
        { if (held != "") print held; held = ""; print }
        END { if (held != "") print held }' "$out" | tail -n 60 | sed 's/^/     | /'
}

# wanted NAME PART… - whether the command line asks for this program
wanted() {
    name=$1
    shift
    [ $# -gt 0 ] || return 0
    for part in "$@"; do
        case "$name" in *"$part"*) return 0 ;; esac
    done
    return 1
}

kind=c
if [ "${LG_TEST_ONLY:-c}" = c ]; then
    for src in tests/engine/test_*.c; do
        name=${src%.c}
        [ -e "$src" ] && wanted "$name" "$@" || continue
        run "$name" ${LG_TEST_WRAP:-} "$build/$name"
    done
fi

kind=lua
if [ "${LG_TEST_ONLY:-lua}" = lua ]; then
    pattern=$(printf %s "${LG_TEST_FILTER:-}" | tr -d '*')
    for src in tests/lua/test_*.lua; do
        [ -e "$src" ] && wanted "$src" "$@" || continue
        run "$src" env ${LG_PRELOAD:+LD_PRELOAD="$LG_PRELOAD"} "${LUA:-lua5.4}" "$src" \
            ${pattern:+-p "$pattern"}
    done
fi

kind=script
# Random calls of both APIs: the short form of make fuzz-api.
if [ "${LG_TEST_ONLY:-fuzz}" = fuzz ] && [ -z "${LG_TEST_FILTER:-}" ]; then
    ! wanted tests/fuzz/api.sh "$@" || run tests/fuzz/api.sh tests/fuzz/api.sh
fi

# Kills: the short forms of make soak.
if [ "${LG_TEST_ONLY:-kill}" = kill ] && [ -z "${LG_TEST_FILTER:-}${LG_PRELOAD:-}" ]; then
    ! wanted tests/kill/run.sh "$@" || run tests/kill/run.sh tests/kill/run.sh 12
    ! wanted tests/kill/every.sh "$@" || run tests/kill/every.sh tests/kill/every.sh 23
fi

# What the official packages send and aimock answers; skips where npm is not to be had.
if [ "${LG_TEST_ONLY:-oracle}" = oracle ] && [ -z "${LG_TEST_FILTER:-}${LG_PRELOAD:-}" ]; then
    ! wanted tests/oracle/run.sh "$@" || run tests/oracle/run.sh tests/oracle/run.sh
fi

case "$lint" in
'') ;;
0) echo "lint: ok" ;;
*) echo "lint: FAILED:" $(cat "$build/lint/failed" 2>/dev/null) ;;
esac
printf '%d passed, %d failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
echo
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && [ "${lint:-0}" = 0 ]
