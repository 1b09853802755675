#!/bin/sh
# run.sh - makes a run and a live one, and has check.js look at them in chromium; for make browser-check
#
# Usage: run.sh LUNAGRAD   SCREENSHOTS=DIR keeps pictures. Says so and ends well where node, chromium,
# playwright-core or axe-core are not there; NODE_PATH says where the packages are.
set -u
lunagrad=$(realpath "$1"); here=$(realpath "$(dirname "$0")")
skip() { echo "browser-check: skipped: $1"; exit 0; }
command -v node >/dev/null || skip "there is no node"
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v google-chrome || true)}
[ -n "$CHROMIUM" ] || skip "there is no chromium (CHROMIUM names one)"
for name in playwright-core axe-core; do
  node -e "require.resolve('$name')" 2>/dev/null ||
    skip "node does not find $name (npm i $name, and NODE_PATH=…/node_modules)"
done
export CHROMIUM

work=$(mktemp -d); mock=; view=; live=
end() { for p in $live $view $mock; do kill "$p" 2>/dev/null; done; wait; rm -rf "$work"; }
trap end EXIT
await() { n=0; while [ ! -s "$1" ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done; cat "$1"; }

"$lunagrad" mock --ready-file "$work/mock" >/dev/null 2>&1 & mock=$!
OPENAI_BASE_URL=$(await "$work/mock"); OPENAI_API_KEY=k; LUNAGRAD_HOME=$work/store
export OPENAI_BASE_URL OPENAI_API_KEY LUNAGRAD_HOME
"$lunagrad" run "$here/../../scripts/search.lua" --run shown -m openai/gpt-4o-mini \
  --display none >/dev/null || exit 1
"$lunagrad" report shown -o "$work/shown.html" || exit 1
cat >"$work/live.lua" <<'LUA'
local lg = require "lunagrad"
local model = lg.model()
local rows = {}
for i = 1, 40 do rows[i] = { question = ("What is %d plus 2?"):format(i), answer = "1" } end
for round = 1, 500 do
  lg.evaluate { function(row) lg.sleep(0.2) return model { row.question .. round } end,
    data = rows, metric = lg.metric.number, concurrency = 4 }
end
LUA
"$lunagrad" run "$work/live.lua" --run goes-on -m openai/gpt-4o-mini --display none >/dev/null 2>&1 &
live=$!
"$lunagrad" view --ready-file "$work/view" >/dev/null 2>&1 & view=$!
timeout 500 node "$here/check.js" "$work/shown.html" "$(await "$work/view")" goes-on ${SCREENSHOTS:-}
