#!/bin/sh
# check_layers.sh - what a file may include: a folder of the engine includes its own headers
# and the faces of folders of a lower rank (layers.txt), lua/ includes two headers of it, a
# library is seen by one place. What a file calls, whatever it includes, is check_symbols.sh's.
#
# Usage: tests/check_layers.sh [TREE]      of another tree than this one
set -u
export LC_ALL=C
layers=$PWD/$(dirname "$0")/layers.txt
case "$0" in /*) layers=$(dirname "$0")/layers.txt ;; esac
cd "${1:-$(dirname "$0")/..}" || exit 1
echo "lint: layers"

awk -v layers="$layers" '
BEGIN {
    while ((getline line < layers) > 0) {
        m = split(line, word, " ")
        if (word[1] == "client") client[word[2]] = 1
        if (m < 3 || word[1] != "folder") continue
        rank[word[2]] = word[3]
        for (j = 4; j <= m; j++) face[word[2] "/" word[j]] = 1
    }
    only["curl"] = "engine/net/"; only["uv.h"] = "engine/base/loop[.]c"
    only["cjson"] = only["cJSON.h"] = "engine/base/json[.]c"
    only["openssl"] = "engine/net/http_tls[.]c"; only["dlfcn.h"] = "engine/base/library[.]c"
    only["sqlite3.h"] = "engine/store/sqlite/"; only["microhttpd.h"] = "lua/command/mockserver"
    only["utf8proc.h"] = "lua/binding/unicode"; only["readline"] = "lua/command/line[.]c"
    public_ok["stddef.h"] = public_ok["stdint.h"] = public_ok["stdbool.h"] = 1
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
FNR == 1 {
    n = split(FILENAME, part, "/")
    mine = n >= 3 && n <= 4 ? part[2] : ""
    if (FILENAME !~ /^engine\/(lunagrad|lg_inside)[.]h$/ && !(mine in rank))
        complain("no folder of the list in tests/layers.txt")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    if (part[2] == "lunagrad.h" || part[2] == "lg_inside.h") next
    theirs = part[2]
    sub(/\/.*/, "", theirs)
    if (part[2] !~ /^[a-z]+\/([a-z]+\/)?[a-z_0-9]+[.]h$/ || !(theirs in rank))
        complain("include \"" part[2] "\": not \"folder/header.h\"")
    else if (mine in client && !(theirs in client))
        complain("lua/ includes of the engine lunagrad.h and lg_inside.h, not \"" part[2] "\"")
    else if (theirs != mine && rank[theirs] + 0 >= rank[mine] + 0)
        complain("folder " mine " may not include " theirs "/")
    else if (theirs != mine && !((theirs "/*") in face) && !(part[2] in face))
        complain("\"" part[2] "\" is a private header of " theirs "/")
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, part, "[<>]")
    first = part[2]
    sub(/\/.*/, "", first)
    if (FILENAME ~ /^engine/ && first ~ /^(lua|lauxlib|lualib)/)
        complain("the engine knows no Lua: <" part[2] ">")
    if (first in only && FILENAME !~ only[first])
        complain("<" part[2] "> is for " only[first] " alone")
    if (FILENAME == "engine/lunagrad.h" && !(part[2] in public_ok))
        complain("lunagrad.h includes only <stddef.h> <stdint.h> <stdbool.h>")
}
END { exit bad }
' engine/*.h $(ls engine/*/*.[ch] engine/*/*/*.[ch] lua/*/*.[ch] 2>/dev/null)
