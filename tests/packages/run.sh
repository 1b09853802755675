#!/bin/sh
# run.sh - every package is built, installed and used: make package-check, some minutes.
#
# The installed tree and the ABI are in tests/lua/ (test_install, test_abi, test_amalgamation);
# here is what takes longer: the .deb packages in a bare root (debs.sh), the rock, the static
# command in a root that has nothing, and the one C file by each compiler as it is shipped.
#
# Usage: tests/packages/run.sh [PART…]    PART: suite, deb, rock, static, amalgamation
#   BUILD=build CC=cc
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
failed=

# part NAME COMMAND… - one of them, unless others are asked for
part() {
    name=$1
    shift
    case " $parts " in
    *" $name "*) ;;
    *) return 0 ;;
    esac
    echo "== $name"
    "$@" || failed="$failed $name"
}

suite() {
    tests/run.sh test_install test_abi test_amalgamation
}

deb() {
    make deb && tests/packages/debs.sh
}

rock() {
    make rock
}

# The static command does its work where there is a C library and nothing else.
static() {
    make static || return 1
    base=$(echo "$build"/distro/*.base)
    base=${base##* }
    [ -e "$base/etc/made" ] || {
        echo "no bare root in $build/distro (part deb makes one): tried here alone"
        "$build/static/lunagrad" run scripts/quickstart.lua | tail -n 1
        return
    }
    root=$build/packages/static
    rm -rf --one-file-system "$root"
    mkdir -p "$build/packages" && cp -a "$base" "$root" || return 1
    cp "$build/static/lunagrad" scripts/prompt.lua "$root/srv/"
    chroot "$root" env -i HOME=/srv PATH=/usr/bin:/bin sh -c \
        'cd /srv && ./lunagrad run prompt.lua >out 2>/dev/null && tail -n 1 out &&
        OPENAI_API_KEY=x ./lunagrad run prompt.lua -m openai/x 2>&1 | grep -o "libcurl[^:]*:.*" | head -n 1'
    code=$?
    rm -rf --one-file-system "$root"
    return $code
}

# amalgamation - as one compiles it who has only the two files
amalgamation() {
    make amalgamation || return 1
    dir=$build/packages/one
    rm -rf "$dir" && mkdir -p "$dir" || return 1
    cp "$build"/amalgamation/lunagrad.[ch] tests/packages/host.c "$dir/"
    packages=$(sed -n 's/.*--cflags \([a-z].*\))$/\1/p' "$dir/lunagrad.c")
    for compiler in gcc clang; do
        for level in -O2 '-O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong' '-O0 -g'; do
            said=$(cd "$dir" && $compiler -std=gnu17 $level -Wall -Wextra -c lunagrad.c \
                $(pkg-config --cflags $packages) 2>&1 &&
                $compiler -I. host.c lunagrad.o -o host $(pkg-config --libs $packages) \
                    -lpthread -lm -ldl 2>&1) && [ -z "$said" ] &&
                "$dir/host" | grep -q 'Hello, world' || {
                echo "$compiler $level: $said" | head -n 10
                return 1
            }
            echo "ok   $compiler $level, $(stat -c %s "$dir/lunagrad.o") bytes"
        done
    done
}

[ $# -gt 0 ] || set -- suite deb rock static amalgamation
parts="$*"
part suite suite
part deb deb
part rock rock
part static static
part amalgamation amalgamation
[ -z "$failed" ] && echo "packages: ok" || echo "packages: FAILED:$failed"
[ -z "$failed" ]
