#!/bin/sh
# deb.sh - Debian's packages of what `make dist` holds, built by dpkg-buildpackage below
# $BUILD/deb and looked at by lintian; make deb. No network: what is missing is named.
#
# Usage: packaging/deb.sh TARBALL VERSION
#   BUILD=build   DEBFULLNAME, DEBEMAIL   who is named as maintainer
#   SOURCE_DATE_EPOCH  the date in the changelog; that of the last commit if not set
set -eu
cd "$(dirname "$0")/.."
tarball=$1 version=$2
build=${BUILD:-build}
case "$build" in /*) ;; *) build=$PWD/$build ;; esac
home=$build/deb
tree=$home/lunagrad-$version
who="${DEBFULLNAME:-the lunagrad authors} <${DEBEMAIL:-lunagrad@debian.invalid}>"
when=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH="$when"

for tool in dpkg-buildpackage dh lintian; do
    command -v $tool >/dev/null || {
        echo "deb.sh: $tool is missing: apt-get install dpkg-dev debhelper lintian" >&2
        exit 1
    }
done
rm -rf "$home"
mkdir -p "$home"
tar -xzf "$tarball" -C "$home"
cp -R packaging/debian "$tree/debian"
sed -i "s/@MAINTAINER@/$(printf %s "$who" | sed 's,[\\/&],\\&,g')/" "$tree/debian/control"
cat >"$tree/debian/changelog" <<END
lunagrad ($version) unstable; urgency=medium

  * As released.

 -- $who  $(LC_ALL=C date -u -R -d "@$when")
END
cd "$tree"
if ! dpkg-buildpackage -us -uc -b -j"${JOBS:-2}" >"$home/log" 2>&1; then
    tail -n 25 "$home/log" >&2
    echo "deb.sh: dpkg-buildpackage failed: $home/log" >&2
    exit 1
fi
cd "$home"
lintian --allow-root --fail-on error --tag-display-limit 0 ./*.changes
for deb in ./*.deb; do
    echo "$home/${deb#./} $(stat -c %s "$deb") bytes"
done
