#!/bin/sh
# run.sh - do the committed requests and answers still equal what the official packages and
# aimock make of them? Asks no provider: all servers are on loopback.
#
# Usage: tests/oracle/run.sh [--update]    --update: write cases/ and replies/ anew
#   BUILD=build    the packages are installed in $BUILD/oracle, once
#
# Skips, with the reason, where node or npm is missing or npm's registry does not answer.
# Output is what tests/run.sh counts: "[ORACLE] …: ok", ": FAILED", or "[ORACLE] SKIPPED: …".
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
case "$build" in /*) ;; *) build=$PWD/$build ;; esac
cd tests/oracle || exit 1
home=$build/oracle
fresh=$home/fresh
failed=0

skip() {
    echo "[ORACLE] SKIPPED: $1"
    exit 0
}

# reachable - whether npm's registry answers within 2 seconds
reachable() {
    registry=$(npm config get registry 2>/dev/null)
    curl -s -o "$home/answer" -m 2 "${registry:?}" 2>"$home/reason" || {
        reason="no answer from its registry within 2 s (curl: exit code $?)"
        return 1
    }
}

# install - the packages of capture/package.json, unless they are there
install() {
    cmp -s capture/package.json "$home/installed.json" && return 0
    mkdir -p "$home"
    command -v npm >/dev/null || skip "npm is missing"
    command -v curl >/dev/null || skip "curl is missing"
    reachable || skip "npm is not reachable: $reason"
    rm -f "$home/installed.json"
    cp capture/package.json "$home/package.json"
    (cd "$home" && timeout 60 npm install --no-audit --no-fund --no-package-lock \
        --ignore-scripts >install.log 2>&1) ||
        skip "npm could not install the packages: $(grep -m 1 'npm error' "$home/install.log")"
    cp capture/package.json "$home/installed.json"
}

# verdict NAME CODE FILE - one line of the result; on failure what FILE says
verdict() {
    if [ "$2" -eq 0 ]; then
        echo "[ORACLE] $1: ok"
    else
        echo "[ORACLE] $1: FAILED"
        head -n 12 "$3"
        failed=1
    fi
}

# compare KIND - committed KIND/ and what was made now, dialect by dialect. An answer that a
# timer cuts is as long as the machine is quick: it is not compared.
compare() {
    for name in $(ls "$1" "$fresh/$1" | grep -v ':$' | sort -u); do
        diff -ru -x stream-disconnected.txt "$1/$name" "$fresh/$1/$name" >"$home/diff" 2>&1
        verdict "$1 $name" $? "$home/diff"
    done
}

command -v node >/dev/null || skip "node is missing"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || skip "node is older than version 20"
install
rm -rf "$fresh"

# The calls themselves: would the packages' own types let a user write them?
node capture/types.mjs "$home/calls.ts" >"$home/types.log" 2>&1 &&
    (cd "$home" && node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module nodenext \
        --target es2022 calls.ts >>types.log 2>&1)
verdict "types of the calls" $? "$home/types.log"

node capture/capture.mjs "$home" "$fresh/cases" >"$home/capture.log" 2>&1
verdict "capture" $? "$home/capture.log"
node aimock/record.mjs "$home" "$fresh/replies" >"$home/record.log" 2>&1
verdict "aimock" $? "$home/record.log"

if [ "${1:-}" = --update ] && [ $failed -eq 0 ]; then
    rm -rf cases replies
    cp -r "$fresh/cases" "$fresh/replies" .
fi
compare cases
compare replies

# lunagrad itself against aimock, which ends when its input does.
rm -f "$home/input" "$home/address"
mkfifo "$home/input" || exit 1
node aimock/serve.mjs "$home" <"$home/input" >"$home/address" 2>"$home/serve.log" &
exec 3>"$home/input"
tries=0
until [ -s "$home/address" ] || [ $tries -eq 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
# Both at once: most of their time is back-off, and faults are asked for by header.
talk() {
    (cd ../.. && LUA_CPATH="$build/?.so;;" "${LUA:-lua5.4}" tests/oracle/live.lua \
        "$(cat "$home/address")" "$1" 3>&-) >"$home/$1.out" 2>&1
}
talk plain &
plain=$!
talk faults || failed=1
wait $plain || failed=1
cat "$home/plain.out" "$home/faults.out"
exec 3>&-
wait
exit $failed
