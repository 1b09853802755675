#!/bin/sh
# debs.sh - do the .deb packages install into a bare root of this release, how long is it from
# there to the first result of the demo (to hold: 5 s), and does purging them leave nothing?
#
# The packages and what they depend on are fetched first, and are local then. After that each
# package is used: the command by itself and against its own server (libcurl, libmicrohttpd), the
# module from a stock Lua, and a host is built on this machine from what -dev holds.
#
# Usage: tests/packages/debs.sh      after make deb; root, debootstrap, the release's archive
#   BUILD=build    packages in $BUILD/deb; the bare root is $BUILD/distro/RELEASE.base, as
#                  tests/distro.sh makes it, and is copied
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
case "$build" in /*) ;; *) build=$PWD/$build ;; esac
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
base=$build/distro/$release.base
root=$build/packages/root
offline=
debs=$build/deb
demo='lunagrad run /usr/share/lunagrad/scripts/prompt.lua'

die() {
    echo "debs.sh: $*" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || die "run this as root: it makes a root and mounts"
ls "$debs"/lunagrad_*.deb >/dev/null 2>&1 || die "there are no packages in $debs: make deb"

# contained COMMAND… - it and all it starts and mounts end together; with $offline set there is
# no network for them
contained() {
    unshare ${offline:+--net} --mount --pid --fork --kill-child --propagation private "$@" </dev/null
}

# inside LINE - a line of shell in the root
inside() {
    contained sh -euc '
        mount -t proc proc "$1/proc"
        mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$1/dev/pts"
        mount -t tmpfs tmpfs "$1/dev/shm"
        exec chroot "$1" env -i HOME=/srv PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            TERM=dumb DEBIAN_FRONTEND=noninteractive sh -euc "$2"' inside "$root" "$1"
}

# quietly WHAT LINE - the same, and its words when it fails
quietly() {
    inside "$2" >"$build/packages/log" 2>&1 || {
        tail -n 20 "$build/packages/log" >&2
        die "failed: $1"
    }
    echo "ok   $1"
}

# cpu_ms - what all that was waited for has used so far
cpu_ms() {
    awk '{ print ($16 + $17) * 10 }' "/proc/$$/stat"
}

mkdir -p "$build/packages"
if [ ! -e "$base/etc/made" ]; then
    command -v debootstrap >/dev/null || die "debootstrap is missing"
    echo "making a bare root of $release"
    mkdir -p "$build/distro"
    rm -rf --one-file-system "$base"
    contained debootstrap --variant=minbase "$release" "$base" >"$build/packages/log" 2>&1 ||
        die "no root could be made: $build/packages/log"
    touch "$base/etc/made"
fi
rm -rf --one-file-system "$root" "$root.ready"
cp -a "$base" "$root"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mkdir "$root/debs"
cp "$debs"/*_*.deb "$root/debs/"
rm -f "$root"/debs/*-dbgsym_*.deb
archive=$(sed -n 's/^deb //p' "$root/etc/apt/sources.list" | head -n 1)
set -- $archive
case "$1" in
*/debian) printf 'deb %s %s main\n' "$1" "$2-updates" "$1-security" "$2-security" \
    >>"$root/etc/apt/sources.list" ;;
esac
inside 'dpkg-query -W -f "\${Package}\n"' | sort >"$build/packages/before"
quietly "what they depend on is fetched" \
    'apt-get -qy update; apt-get -qy upgrade
    apt-get -qy install --download-only /debs/*.deb'

# measure WORDS OPTION… - a copy of the root, the command installed into it, and its demo
measure() {
    words=$1
    shift
    rm -rf --one-file-system "$root"
    cp -a "$root.ready" "$root"
    start=$(date +%s%N)
    cpu=$(cpu_ms)
    offline=yes
    quietly "lunagrad installs $words, and its demo has a result" \
        "apt-get -qy install $* /debs/lunagrad_*.deb >/dev/null
        cd /srv && $demo >/srv/demo && grep -q . /srv/demo"
    offline=
    took="$took; $words $((($(date +%s%N) - start) / 1000000)) ms"
    took="$took, $(($(cpu_ms) - cpu)) ms of the processor's time"
}

mv "$root" "$root.ready"
took="from apt-get install to the demo's end"
measure "with what it depends on" --no-install-recommends
measure "with all that it recommends"
rm -rf --one-file-system "$root.ready"
sed -n '$s/^/     | /p' "$root/srv/demo"
quietly "doctor finds nothing wrong" 'cd /srv && lunagrad doctor --offline'
offline=yes
quietly "all of them install" \
    'apt-get -qy install /debs/*.deb'
offline=
quietly "the command speaks HTTP with its own server" '
    cd /srv; lunagrad mock --ready-file ready >mock.log 2>&1 & mock=$!
    i=0; until [ -s ready ] || [ $i -gt 100 ]; do sleep 0.05; i=$((i + 1)); done
    OPENAI_BASE_URL=$(cat ready) OPENAI_API_KEY=x lunagrad run \
        /usr/share/lunagrad/scripts/quickstart.lua -m openai/any >http.out 2>&1 ||
        { cat http.out; exit 1; }
    kill $mock; grep -q openai/any http.out'
quietly "a stock Lua finds the module" '
    lua5.4 -e "local lg = require \"lunagrad\"
        assert(#lg.model \"sim\" \"How many legs have two cats?\":text() > 0)"'

# What -dev holds, used from here with this machine's compiler.
tree=$build/packages/dev
rm -rf "$tree"
for deb in "$debs"/liblunagrad1_*.deb "$debs"/liblunagrad-dev_*.deb; do
    dpkg-deb -x "$deb" "$tree"
done
libdir=$(echo "$tree"/usr/lib/*/pkgconfig)
libdir=${libdir%/pkgconfig}
for package in lunagrad lunagrad-static; do
    ${CC:-cc} tests/packages/host.c -o "$tree/host" $(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config \
        --define-variable=prefix="$tree/usr" --cflags --libs $package)
    LD_LIBRARY_PATH=$libdir "$tree/host" | grep -q 'Hello, world' || die "host by $package"
    echo "ok   a host is built by pkg-config $package"
done
rm -rf "$tree/cmake"
CC=$(echo "${CC:-cc}" | sed 's/.* //') cmake -S tests/packages -B "$tree/cmake" \
    -Dlunagrad_DIR="$libdir/cmake/lunagrad" >"$build/packages/log" &&
    cmake --build "$tree/cmake" >>"$build/packages/log" && "$tree/cmake/host_shared" >/dev/null &&
    "$tree/cmake/host_static" >/dev/null || die "hosts by CMake: $build/packages/log"
echo "ok   hosts are built by CMake, shared and static"

quietly "purged, and nothing is left" '
    apt-get -qy purge lunagrad liblunagrad1 liblunagrad-dev lua-lunagrad
    ! find / -xdev -name "*lunagrad*" ! -path "/debs/*" ! -path "/srv/*" | grep .'
rm -rf --one-file-system "$root"
echo "debs.sh: ok, $took (to hold: 5000)"
