#!/bin/sh
# check_musl.sh - the engine compiles against musl's headers, too: what only glibc has is in
# no file of it (or stands behind #ifdef __GLIBC__). The headers of the libraries are this
# system's; nothing is linked. Skipped where musl-gcc is missing.
set -u
cd "$(dirname "$0")/.." || exit 1
echo "lint: musl"
command -v musl-gcc >/dev/null || {
    echo "lint: musl: skipped, musl-gcc is missing (package musl-tools)"
    exit 0
}
triplet=$(cc -dumpmachine)
flags=$(pkg-config --cflags libcurl libcjson libuv sqlite3 openssl)
bad=0
for file in engine/*/*.c engine/*/*/*.c; do
    musl-gcc -std=c17 -D_GNU_SOURCE -iquote engine -idirafter /usr/include \
        -idirafter "/usr/include/$triplet" $flags -Wall -Wextra -Werror -fsyntax-only "$file" ||
        bad=1
done
exit $bad
