#!/bin/sh
# rock.sh - the rock, with the tarball of `make dist` in it; built and installed by luarocks into
# a tree below $BUILD, and tried with a stock Lua there; make rock
#
# Usage: packaging/rock.sh TARBALL VERSION
#   BUILD=build   LUA=lua5.4
set -eu
cd "$(dirname "$0")/.."
tarball=$1 version=$2
build=${BUILD:-build}
case "$build" in /*) ;; *) build=$PWD/$build ;; esac
home=$build/rock
lua=${LUA:-lua5.4}
spec=lunagrad-$version-1.rockspec

for tool in luarocks zip; do
    command -v $tool >/dev/null || {
        echo "rock.sh: $tool is missing: apt-get install luarocks zip" >&2
        exit 1
    }
done
number=$($lua -e 'io.write((_VERSION:match "%d+%.%d+"))')
rm -rf "$home"
mkdir -p "$home"
cp "$tarball" "$home/"
sed "s,@VERSION@,$version,g; s,@URL@,file://${tarball##*/}," \
    packaging/lunagrad.rockspec.in >"$home/$spec"
cd "$home"
# luarocks pack would want the tarball's full path in it: a rock is the two files, zipped. What
# is installed is the rock alone, as it would be elsewhere.
zip -q -X "lunagrad-$version-1.src.rock" "$spec" "${tarball##*/}" && rm "${tarball##*/}" &&
    luarocks --lua-version "$number" --tree "$home/tree" install \
        "lunagrad-$version-1.src.rock" >log 2>&1 || {
    tail -n 25 log >&2
    echo "rock.sh: luarocks failed: $home/log" >&2
    exit 1
}
cat >try.lua <<'END'
local lg = require "lunagrad"
local question = "I have two pears, a lamp, three plums, a mango, two clocks, four figs and a lime. "
  .. "How many fruits do I have?"
local prompt = lg.param("Answer the question.", "system prompt for counting questions")
local answer = lg.model "sim"{ question, system = prompt }
local loss = lg.loss.exact{ target = "11", extract = lg.extract.last_number }(answer)
loss:backward()
print(lg.VERSION, loss.score, lg.optim.tgd{ prompt }:step())
print(prompt)
assert(loss.score == 1 or prompt:text() ~= "Answer the question.")
END
eval "$(luarocks --lua-version "$number" --tree "$home/tree" path)"
mkdir run && cd run && "$lua" ../try.lua
echo "$home/lunagrad-$version-1.src.rock $(stat -c %s "../lunagrad-$version-1.src.rock") bytes"
