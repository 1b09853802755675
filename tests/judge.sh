#!/bin/sh
# judge.sh - runs a style tool; only the version that is recorded for it can fail.
#
# A newer tool lays code out otherwise and knows more checks: that is worth a note, and
# no failure of this code. The Makefile records the versions (LINT_…).
#
# Usage: tests/judge.sh VERSION TOOL [ARGUMENT…]    VERSION: its beginning, as 14 or 1.1
set -u
recorded=$1
shift
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM

"$@" >"$out" 2>&1
code=$?
if [ $code -eq 0 ]; then
    exit 0
fi
version=$("$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)
case "$version." in
"$recorded".*)
    cat "$out"
    exit $code
    ;;
esac
if ! command -v "$1" >/dev/null 2>&1 || [ $code -gt 125 ]; then
    cat "$out"
    exit $code
fi
echo "note: $1 ${version:-of an unknown version} finds something, which is no failure:" \
    "version $recorded judges here"
grep -E '(error|warning|fatal)|^ +.*:[0-9]+:[0-9]+:' "$out" | head -n 12 | sed 's/^/    | /'
exit 0
