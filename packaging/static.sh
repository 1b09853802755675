#!/bin/sh
# static.sh - the command as one file that needs of a system its C library alone; make static
#
# Everything is linked in but glibc, which cannot load others when it is itself linked in, and
# what is loaded late in any case: libcurl (with its TLS library, the system's own) by the first
# call of a model over a network, libmicrohttpd by `mock` and `view`. Without them those say so;
# all else works. Debian's libcurl.a is no way out: it wants Kerberos, of which there is no archive.
#
# Of cJSON most systems have no archive: it is made of Debian's source of the version that is
# installed (apt-get source), or of what CJSON_SOURCE names.
#
# Usage: packaging/static.sh OUT OBJECT…
#   CC CFLAGS LDFLAGS LUA_PC   as in the Makefile
#   CJSON_SOURCE=DIR           where cJSON.c is
set -eu
limit=8388608
out=$1
shift
case "$out" in /*) ;; *) out=$PWD/$out ;; esac
work=${out%/*}/work
cc=${CC:-cc}
mkdir -p "$work"

# fetch_cjson - its source into $work/cjson, by apt and a list of sources of its own
fetch_cjson() {
    command -v apt-get >/dev/null && command -v dpkg-source >/dev/null || return 1
    rm -rf "$work/apt" "$work/cjson"
    mkdir -p "$work/apt/lists/partial"
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        sort -u | sed 's/^/deb-src /' >"$work/apt/sources"
    set -- -q -o "Dir::Etc::sourcelist=$work/apt/sources" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::lists=$work/apt/lists" -o APT::Sandbox::User=root
    version=$(dpkg-query -W -f '${source:Version}' libcjson-dev)
    {
        apt-get "$@" update &&
            (cd "$work/apt" && apt-get "$@" source --download-only "cjson=$version") &&
            dpkg-source --no-check -x "$work"/apt/cjson_*.dsc "$work/cjson"
    } >"$work/log" 2>&1
}

# The archive of cJSON: the system's, or one of ours.
cjson=$($cc -print-file-name=libcjson.a)
if [ "$cjson" = libcjson.a ]; then
    cjson=$work/libcjson.a
    if [ ! -f "$cjson" ]; then
        source=${CJSON_SOURCE:-$work/cjson}
        [ -n "${CJSON_SOURCE:-}" ] || fetch_cjson || true
        [ -f "$source/cJSON.c" ] || {
            echo "static.sh: there is no libcjson.a here, and no source of it ($work/log):" \
                "set CJSON_SOURCE to the folder of cJSON.c" >&2
            exit 1
        }
        $cc -O2 -fPIC ${CFLAGS:-} -c -o "$work/cJSON.o" "$source/cJSON.c"
        ar rcs "$cjson" "$work/cJSON.o"
    fi
fi

# archive NAME… - the first that is there (libuv's has a name of its own in Debian)
archive() {
    for name in "$@"; do
        path=$($cc -print-file-name="lib$name.a")
        [ "$path" = "lib$name.a" ] || { echo "$path" && return 0; }
    done
    echo "static.sh: there is no lib$1.a" >&2
    return 1
}
lua=$(archive "${LUA_PC:-lua5.4}" lua)
uv=$(archive uv_a uv)
sqlite=$(archive sqlite3)
utf8=$(archive utf8proc)

$cc -s ${CFLAGS:-} ${LDFLAGS:-} -Wl,-E -Wl,--gc-sections -o "$out" "$@" \
    "$lua" "$uv" "$sqlite" "$utf8" "$cjson" -lpthread -lm -ldl

needed=$(readelf -d "$out" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | tr '\n' ' ')
size=$(stat -c %s "$out")
for library in $needed; do
    case "$library" in
    libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | ld-linux*) ;;
    *) echo "static.sh: $out still needs $library" >&2 && exit 1 ;;
    esac
done
version=$(readelf -V "$out" | grep -oE 'GLIBC_2\.[0-9]+' | sort -t. -k2 -n | tail -n 1)
echo "$out $size bytes, needs $needed($version)"
[ "$size" -le $limit ] || {
    echo "static.sh: more than 8 MB" >&2
    exit 1
}
