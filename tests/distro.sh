#!/bin/sh
# distro.sh - do `make demo` and `make check` pass on other releases, from nothing?
#
# For each release: a bare root by debootstrap, brought up to date with its security and
# other updates; in it a fresh clone of what is committed here; then the two commands,
# which install what they need. Shows how each ended, and fails when one did.
#
# Usage: tests/distro.sh [RELEASE…]    bookworm and trixie unless others are named
#   BUILD=build    roots are kept in $BUILD/distro: RELEASE.base (bare, made once),
#                  RELEASE (thrown away at the next run), RELEASE.debs, RELEASE.*.log
#
# Needs root, debootstrap, git, and the releases' archives. Ubuntu's (noble) needs its
# keyring too: the package ubuntu-keyring, or it is taken out of a root of trixie.
# All mounts are made in a namespace of their own, and end with it.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
case "$build" in /*) ;; *) build=$PWD/$build ;; esac
home=$build/distro
ubuntu_keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
child= failed=0

die() {
    echo "distro.sh: $*" >&2
    exit 2
}

# The one who is killed takes all that runs in the namespace along.
stop() {
    trap '' HUP INT TERM
    [ -z "$child" ] || kill -KILL "$child" 2>/dev/null
    exit "$1"
}
trap 'stop 130' HUP INT TERM

# contained COMMAND… - it and all it starts and mounts end together
contained() {
    unshare --mount --pid --fork --kill-child --propagation private "$@" </dev/null &
    child=$!
    wait "$child"
    code=$?
    child=
    return $code
}

# inside ROOT LINE - a line of shell in the root, with /proc, terminals and shared memory
inside() {
    contained sh -euc '
        mount -t proc proc "$1/proc"
        mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$1/dev/pts"
        mount -t tmpfs tmpfs "$1/dev/shm"
        mount -t tmpfs tmpfs "$1/tmp"
        mount --bind "$2" "$1/var/cache/apt/archives"
        exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            TERM=dumb DEBIAN_FRONTEND=noninteractive sh -c "$3"' \
        inside "$1" "$home/$release.debs" "$2"
}

# bare - $release.base, unless it is there. Old versions of debootstrap do not know young
# releases by name: those of one maker are all made alike.
bare() {
    base=$home/$release.base
    [ ! -e "$base/etc/made" ] || return 0
    script=/usr/share/debootstrap/scripts/$release
    keys=
    case "$release" in
    noble | oracular | plucky | questing)
        [ -e "$script" ] || script=/usr/share/debootstrap/scripts/gutsy
        keys=$(keyring) || return 1
        ;;
    *) [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid ;;
    esac
    echo "$release: making a bare root"
    rm -rf --one-file-system "$base"
    contained debootstrap --variant=minbase ${keys:+--keyring="$keys"} \
        "$release" "$base" "" "$script" >"$home/$release.base.log" 2>&1 || {
        tail -n 3 "$home/$release.base.log"
        return 1
    }
    touch "$base/etc/made"
}

# keyring - where Ubuntu's keys are; a subshell, as $release is another's there
keyring() (
    [ ! -e "$ubuntu_keys" ] || { echo "$ubuntu_keys" && return 0; }
    kept=$home/ubuntu-archive-keyring.gpg
    [ ! -e "$kept" ] || { echo "$kept" && return 0; }
    trap 'stop 130' HUP INT TERM
    release=trixie
    mkdir -p "$home/$release.debs"
    {
        bare && fresh && inside "$root" 'apt-get update && apt-get install -y ubuntu-keyring'
    } >"$home/keyring.log" 2>&1 && cp "$root$ubuntu_keys" "$kept" && echo "$kept"
)

# fresh - $root, a copy of the bare one with all suites of updates. Where they are follows
# from what debootstrap wrote: Debian has its security in an archive beside the first.
fresh() {
    root=$home/$release
    rm -rf --one-file-system "$root" && cp -a "$home/$release.base" "$root" || return 1
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    set -- $(sed -n 's/^deb //p' "$root/etc/apt/sources.list")
    case "$1" in
    */ubuntu)
        for suite in "$2" "$2-updates" "$2-security"; do
            echo "deb $1 $suite main universe"
        done
        ;;
    *)
        echo "deb $1 $2 main"
        [ "$2" = sid ] || echo "deb $1 $2-updates main"
        [ "$2" = sid ] || echo "deb $1-security $2-security main"
        ;;
    esac >"$root/etc/apt/sources.list.new"
    mv "$root/etc/apt/sources.list.new" "$root/etc/apt/sources.list"
}

# command_of TARGET LINES - make TARGET in the root, and the last lines of what it said
command_of() {
    log=$home/$release.$1.log
    start=$(date +%s)
    inside "$root" "cd /lunagrad && make $1" >"$log" 2>&1
    ended=$?
    grep -E '^FAIL |^note: ' "$log" | sort | uniq -c | sort -rn | head -n 20 | sed "s/^/$release:     /"
    tail -n "$2" "$log" | sed "s/^/$release:     /"
    echo "$release: make $1: exit code $ended, $(($(date +%s) - start)) s ($log)"
    [ $ended -eq 0 ] || failed=1
}

both() {
    mkdir -p "$home/$release.debs"
    bare && fresh || { failed=1 && echo "$release: no root could be made" && return; }
    git clone -q "$PWD" "$root/lunagrad" || { failed=1 && return; }
    inside "$root" 'apt-get -q update && apt-get -qy upgrade && apt-get -qy install make' \
        >"$home/$release.update.log" 2>&1 || {
        failed=1
        tail -n 5 "$home/$release.update.log"
        echo "$release: the updates could not be installed"
        return
    }
    command_of demo 6
    command_of check 2
}

[ "$(id -u)" = 0 ] || die "run this as root: it makes roots and mounts"
for tool in debootstrap git unshare; do
    command -v "$tool" >/dev/null || die "$tool is missing"
done
git rev-parse -q --verify HEAD >/dev/null || die "there is no commit here to clone"
git diff --quiet HEAD || echo "distro.sh: only what is committed is tested"
mkdir -p "$home" || exit 2
[ $# -gt 0 ] || set -- bookworm trixie
for release in "$@"; do
    both
done
[ $failed -eq 0 ] && echo "distro.sh: both commands pass on: $*" ||
    echo "distro.sh: FAILED, see above"
exit $failed
