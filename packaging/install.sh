#!/bin/sh
# install.sh - puts what was built where a system looks for it, and takes it away again.
#
# What was put there, and which folders had to be made for it, is written to a list below
# the prefix; uninstall takes away what stands in it and nothing else, folders only when
# they are empty. Installing again keeps the list true: what the new version no longer has
# goes. `make install` and `make uninstall` run this; it builds nothing.
#
# Usage: packaging/install.sh install|uninstall
#   BUILD=build PREFIX=/usr/local DESTDIR=   as in the Makefile
#   BINDIR LIBDIR INCLUDEDIR DATADIR MANDIR  below PREFIX if not set
#   LUA_CMODDIR            where Lua looks for C modules; below LIBDIR if not set
#   ZSHDIR                 where zsh looks for completions; below DATADIR if not set
#   VERSION SOVERSION LUA_VERSION  of what was built; from the header and from $LUA if not set
#   PKGS_LIBRARY           what the archive needs, by pkg-config's names
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
dest=${DESTDIR:-}
prefix=$(printf %s "${PREFIX:-/usr/local}" | sed 's,//*$,,')
bindir=${BINDIR:-$prefix/bin}
libdir=${LIBDIR:-$prefix/lib}
includedir=${INCLUDEDIR:-$prefix/include}
datadir=${DATADIR:-$prefix/share}
mandir=${MANDIR:-$datadir/man}
zshdir=${ZSHDIR:-$datadir/zsh/site-functions}
list=$datadir/lunagrad/installed

die() {
    echo "install.sh: $*" >&2
    exit 2
}

for dir in "$prefix" "$bindir" "$libdir" "$includedir" "$datadir" "$mandir" "$zshdir"; do
    case "$dir" in
    */../* | */..) die "a folder may not go up by ..: $dir" ;;
    /*) ;;
    *) die "a folder has to begin with /: $dir" ;;
    esac
done

# ---- taking away -------------------------------------------------------------------

# remove LIST [KEPT] - the files of LIST that KEPT has not, then the folders, innermost first
remove() {
    while IFS= read -r line; do
        case "$line" in
        *..*) continue ;;
        'f '/*) [ -n "${2:-}" ] && grep -qxF -e "$line" "$2" || rm -f "$dest${line#f }" ;;
        esac
    done <"$1"
    [ -z "${2:-}" ] || return 0
    sed -n 's/^d //p' "$1" | sort -r | while IFS= read -r dir; do
        case "$dir" in
        *..*) ;;
        /*) [ -L "$dest$dir" ] || rmdir "$dest$dir" 2>/dev/null || true ;;
        esac
    done
}

if [ "${1:-}" = uninstall ]; then
    [ -f "$dest$list" ] || [ -f "$dest$list.new" ] ||
        die "nothing was installed here: there is no $dest$list"
    held=$(mktemp)
    trap 'rm -f "$held"' EXIT
    cat "$dest$list" "$dest$list.new" >"$held" 2>/dev/null || true
    remove "$held"
    echo "removed what $dest$list named"
    exit 0
fi
[ "${1:-}" = install ] || die "usage: packaging/install.sh install|uninstall"

# ---- what is installed ---------------------------------------------------------------
version=${VERSION:-$(sed -n 's/^#define LG_VERSION "\(.*\)"/\1/p' engine/lunagrad.h)}
soversion=${SOVERSION:-$(sed -n 's/^#define LG_API_VERSION //p' engine/lunagrad.h)}
lua_version=${LUA_VERSION:-$("${LUA:-lua5.4}" -e 'io.write((_VERSION:match "%d+%.%d+"))')}
lua_cmoddir=${LUA_CMODDIR:-$libdir/lua/$lua_version}
requires=${PKGS_LIBRARY:-$(sed -n 's/^PKGS_LIBRARY *= *//p' Makefile)}
for file in lunagrad lunagrad.so lunagrad.1; do
    [ -f "$build/$file" ] || die "$build/$file is missing: make"
done

# What is done is on a list before it is done: one that was killed half way, or found the disk
# full, is gone on with or taken away as any other.
work=$(mktemp -d)
new=$work/list
: >"$new"

finish() {
    code=$?
    if [ $code -eq 0 ]; then
        echo "f $list" >>"$new"
        [ ! -f "$dest$list" ] || {
            remove "$dest$list" "$new"
            sed -n '/^d /p' "$dest$list" >>"$new"
        }
        sort -u "$new" | grep -vxF "f $list.new" >"$work/sorted"
        install -m 644 "$work/sorted" "$dest$list" && rm "$new"
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

# folder DIR - it and those above it, with a line for each that was not there. DIR is below
# $dest: a DESTDIR itself is the caller's.
folder() (
    missing= dir=$1
    while [ -n "$dir" ] && [ ! -d "$dest$dir" ]; do
        missing="$dir
$missing"
        dir=${dir%/*}
    done
    printf %s "$missing" | while IFS= read -r dir; do
        mkdir -p "$dest$dir"
        chmod 755 "$dest$dir"
        echo "d $dir" >>"$new"
    done
)

# put MODE FROM TO - a file under its full name
put() {
    folder "${3%/*}"
    echo "f $3" >>"$new"
    install -m "$1" "$2" "$dest$3"
}

# point TO AT - a symbolic link
point() {
    folder "${1%/*}"
    echo "f $1" >>"$new"
    ln -sf "$2" "$dest$1"
}

# below DIR - DIR as pkg-config likes it: from the prefix on, if it is there
below() {
    case "$1" in
    "$prefix"/*) printf '${prefix}%s' "${1#"$prefix"}" ;;
    *) printf %s "$1" ;;
    esac
}

# up DIR - "../" for each folder from the prefix down to DIR
up() {
    printf %s "${1#"$prefix"}" | sed 's,/*$,,; s,/[^/]*,../,g'
}

# The header as seen from the library, so that a tree of CMake's can be moved.
from_library() {
    case "$libdir:$includedir" in
    "$prefix"/*:"$prefix"/*) printf '${_lunagrad_libdir}/%s%s' "$(up "$libdir")" \
        "${includedir#"$prefix"/}" ;;
    *) printf %s "$includedir" ;;
    esac
}

# fill TEMPLATE - its @NAMES@ replaced. Only the names below; texts go in by awk's environment,
# whatever letters they have.
fill() {
    PC_LIBDIR=$(below "$libdir") PC_INCLUDEDIR=$(below "$includedir") \
    FROM_LIBRARY=$(from_library) NEEDED=$needed \
    IN_PREFIX=$prefix IN_VERSION=$version IN_SOVERSION=$soversion IN_REQUIRES=$requires awk '
    function set(name, text,    at) {
        while ((at = index($0, name)) > 0)
            $0 = substr($0, 1, at - 1) text substr($0, at + length(name))
    }
    {
        set("@PREFIX@", ENVIRON["IN_PREFIX"]); set("@LIBDIR@", ENVIRON["PC_LIBDIR"])
        set("@INCLUDEDIR@", ENVIRON["PC_INCLUDEDIR"]); set("@VERSION@", ENVIRON["IN_VERSION"])
        set("@SOVERSION@", ENVIRON["IN_SOVERSION"]); set("@REQUIRES@", ENVIRON["IN_REQUIRES"])
        set("@FROM_LIBRARY@", ENVIRON["FROM_LIBRARY"]); set("@NEEDED@", ENVIRON["NEEDED"])
        print
    }' "packaging/$1"
}

# CMake wants the libraries' names: those of the packages, but for the C library's own.
needed=$(pkg-config --libs-only-l $requires | tr ' ' '\n' | sed -n 's/^-l//p' |
    grep -vxE 'pthread|dl|rt|m' | sort -u | tr '\n' ' ' | sed 's/ $//')

folder "$datadir/lunagrad"
{ cat "$new" && echo "f $list.new"; } >>"$dest$list.new"
new=$dest$list.new
put 755 "$build/lunagrad" "$bindir/lunagrad"
put 644 "$build/lunagrad.so" "$lua_cmoddir/lunagrad.so"
# Built with another Lua than 5.4 there is no library.
if [ -f "$build/liblunagrad.so" ]; then
    put 644 "$build/liblunagrad.a" "$libdir/liblunagrad.a"
    put 644 "$build/liblunagrad.so" "$libdir/liblunagrad.so.$soversion"
    point "$libdir/liblunagrad.so" "liblunagrad.so.$soversion"
    # LuaJIT looks where Lua 5.1 does.
    put 644 lua/lunagrad_ffi.lua "$datadir/lua/5.1/lunagrad_ffi.lua"
    put 644 engine/lunagrad.h "$includedir/lunagrad.h"
    put 644 scripts/hosts/lunagrad.hpp "$includedir/lunagrad.hpp"
    for name in lunagrad.pc lunagrad-static.pc; do
        fill "$name.in" >"$work/$name"
        put 644 "$work/$name" "$libdir/pkgconfig/$name"
    done
    for name in lunagrad-config.cmake lunagrad-config-version.cmake; do
        fill "$name.in" >"$work/$name"
        put 644 "$work/$name" "$libdir/cmake/lunagrad/$name"
    done
fi
# The command's page of the manual, and what shells complete.
put 644 "$build/lunagrad.1" "$mandir/man1/lunagrad.1"
put 644 "$build/completion/lunagrad.bash" "$datadir/bash-completion/completions/lunagrad"
put 644 "$build/completion/_lunagrad" "$zshdir/_lunagrad"
put 644 "$build/completion/lunagrad.fish" "$datadir/fish/vendor_completions.d/lunagrad.fish"
for file in lua/meta/*.lua; do
    put 644 "$file" "$datadir/lunagrad/meta/${file##*/}"
done
# Scripts, and hosts in C and C++.
(cd scripts && find . -type f -name '*.lua' -o -type f -name '*.c' -o -type f -name '*.cpp') |
    sort | while IFS= read -r file; do
    put 644 "scripts/$file" "$datadir/lunagrad/scripts/${file#./}"
done
