#!/bin/sh
# check_layers.sh - the engine reads top to bottom: a module includes only modules
# above it, and each library is seen by one module. A file belongs to the module
# with the longest name that begins its own (http_tls.c to http_tls, op_call.c to op).
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
echo "lint: layers"

# Modules on one line may include each other's headers; lunagrad.h is above all.
layers='
lunagrad
mem
bytes
error text clock library
words fail log map digest sha256 vectors
json
template eventstream media
var unseen feedback op graph dot
model reply
provider
request
store
loop
http http_tls process
sched
plan gradient cycle
engine
'
awk -v layers="$layers" '
BEGIN {
    n = split(layers, line, "\n")
    for (i = 1; i <= n; i++) {
        m = split(line[i], name, " ")
        for (j = 1; j <= m; j++) level[name[j]] = i
    }
    only["curl"] = "^http"; only["uv.h"] = "^loop[.]c$"; only["cjson"] = "^json[.]c$"
    only["cJSON.h"] = "^json[.]c$"; only["openssl"] = "^http_tls[.]c$"
    only["dlfcn.h"] = "^library[.]c$"
    only["sqlite3.h"] = "^store"
    public_ok["stddef.h"] = public_ok["stdint.h"] = public_ok["stdbool.h"] = 1
}
function module(file,    name) {
    name = file
    sub(/[.][ch]$/, "", name)
    while (!(name in level) && name ~ /_/) sub(/_[^_]*$/, "", name)
    return name in level ? name : ""
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
FNR == 1 {
    file = FILENAME
    sub(/.*\//, "", file)
    mine = module(file)
    if (mine == "") complain("no module of the list in tests/check_layers.sh has this name")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    if (part[2] ~ /\//) complain("include \"" part[2] "\": no paths inside engine/")
    theirs = module(part[2])
    if (theirs == "") complain("include of unknown module \"" part[2] "\"")
    else if (mine != "" && level[theirs] > level[mine])
        complain("module " mine " may not include " theirs ", which is below it")
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, part, "[<>]")
    first = part[2]
    sub(/\/.*/, "", first)
    if (first ~ /^(lua|lauxlib|lualib)/) complain("the engine knows no Lua: <" part[2] ">")
    if (first in only && file !~ only[first])
        complain("<" part[2] "> is for " only[first] " alone")
    if (file == "lunagrad.h" && !(part[2] in public_ok))
        complain("lunagrad.h includes only <stddef.h> <stdint.h> <stdbool.h>")
}
END { exit bad }
' engine/*.c engine/*.h
