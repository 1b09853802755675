#!/bin/sh
# check_symbols.sh - who calls whom, read from the objects: a folder calls only folders of a
# lower rank, and no files call each other round but those of the list in layers.txt. It finds
# what check_layers.sh cannot: the public header, which all may include, declares everything.
# lua/ (the clients of layers.txt) calls the public functions, and those of engine/lg_inside.h,
# which declares no function that lua/ does not call.
#
# Usage: tests/check_symbols.sh [-v]      -v: every folder's arrows as well
#   BUILD=build    where the objects are (make all);  LAYERS=tests/layers.txt
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
echo "lint: symbols"
objects=
for source in engine/*/*.c engine/*/*/*.c lua/*/*.c; do
    [ -f "$source" ] || continue
    object=$build/${source%.c}.o
    [ -f "$object" ] || { echo "$object is missing: make all"; exit 1; }
    objects="$objects $object"
done
nm -A -P $objects | awk -v layers="${LAYERS:-tests/layers.txt}" -v build="$build/" -v verbose="${1:-}" '
BEGIN {
    while ((getline line < layers) > 0) {
        if (line ~ /^circle /) { sub(/ *#.*/, "", line); allowed[substr(line, 8)] = 1 }
        m = split(line, word, " ")
        if (word[1] == "client") client[word[2]] = 1
        if (m < 3 || word[1] != "folder") continue
        rank[word[2]] = word[3]
        order[++folders] = word[2]
    }
    while ((getline line < "engine/lg_inside.h") > 0) {
        while (match(line, /lg_[a-z0-9_]+\(/)) {
            inside[substr(line, RSTART, RLENGTH - 1)] = 1
            line = substr(line, RSTART + RLENGTH)
        }
    }
}
# "build/engine/net/http.o: name T …" is net/http; folders below one are its own.
{
    file = substr($1, length(build) + 1)
    sub(/[.]o:$/, "", file)
    sub(/^(engine|lua)\//, "", file)
    if (!(file in seen)) { seen[file] = 1; files[++n] = file }
    if ($3 ~ /^[TDRBVGS]$/) at[$2] = file
    else if ($3 == "U") { from[++uses] = file; what[uses] = $2 }
}
function folder(file) { sub(/\/.*/, "", file); return file }
# All files that can be reached from this one, without recursion.
function reach(start,    open, top, one, i, m, next_files) {
    open[top = 1] = start
    while (top > 0) {
        one = open[top--]
        m = split(arrows[one], next_files, " ")
        for (i = 1; i <= m; i++) {
            if ((start, next_files[i]) in reached) continue
            reached[start, next_files[i]] = 1
            open[++top] = next_files[i]
        }
    }
}
END {
    if (n == 0) { print "no objects in " build ": make all"; exit 1 }
    for (i = 1; i <= uses; i++) {
        if (!(what[i] in at) || at[what[i]] == from[i]) continue
        a = from[i]; b = at[what[i]]
        if (!((a, b) in arrow)) { arrow[a, b] = 1; arrows[a] = arrows[a] " " b; count++ }
        fa = folder(a); fb = folder(b)
        if (fa == fb) continue
        if (!((fa, fb) in between)) { between[fa, fb] = 1; down++ }
        if (fa in client && !(fb in client) && what[i] ~ /^lg__/) {
            wanted[what[i]] = 1
            if (!(what[i] in inside)) {
                printf "%s.c calls %s() of %s.c, not declared by lg_inside.h\n", a, what[i], b
                bad++
            }
        }
        if (rank[fb] + 0 < rank[fa] + 0) continue
        printf "%s.c calls %s() of %s.c: %s/ may not call %s/\n", a, what[i], b, fa, fb
        up++
    }
    for (name in inside) {
        faces++
        if (name in wanted) continue
        print "lg_inside.h declares " name "(), which lua/ does not call"
        bad++
    }
    for (i = 1; i <= n; i++) reach(files[i])
    for (i = 1; i <= n; i++) {
        if (files[i] in told) continue
        circle = files[i]
        for (j = i + 1; j <= n; j++) {
            if ((files[i], files[j]) in reached && (files[j], files[i]) in reached) {
                circle = circle " " files[j]
                told[files[j]] = 1
            }
        }
        if (circle == files[i]) continue
        circles++
        if (!(circle in allowed)) { print "call each other round: " circle; bad++ }
        used[circle] = 1
    }
    for (circle in allowed) if (!(circle in used)) { print "a circle no more: " circle; bad++ }
    if (verbose == "-v") for (i = 1; i <= folders; i++) {
        line = ""
        for (j = 1; j <= folders; j++) if ((order[i], order[j]) in between) line = line " " order[j]
        printf "  %d %-8s calls:%s\n", rank[order[i]], order[i], line
    }
    printf "lint: symbols: %d files in %d folders, %d arrows between files, %d between folders, " \
        "up %d, circles %d, inside %d\n", n, folders, count, down, up, circles, faces
    exit up + bad > 0
}'
