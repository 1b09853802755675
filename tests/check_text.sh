#!/bin/sh
# check_text.sh - what no file of the project may hold: paths of a machine,
# addresses of package hosts, words for unfinished work, SQL; and the limits of size (files of
# 800 lines; of C functions of 80, lines of 100 columns: luacheck and check_lua.lua see to Lua's).
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
echo "lint: text and sizes"
bad=0

# report TITLE - the lines on standard input, if any, are findings
report() {
    rows=$(head -n 20)
    [ -n "$rows" ] || return 0
    printf '%s\n%s\n' "$1" "$rows"
    bad=1
}

if git ls-files --error-unmatch Makefile >/dev/null 2>&1; then
    files=$(git ls-files --cached --others --exclude-standard)
else
    files=$(find . -type f ! -path './build/*' ! -path './.git/*' | sed 's,^\./,,')
fi
existing=$(for f in $files; do [ -f "$f" ] && echo "$f"; done)
source=$(echo "$existing" | grep -E '\.(c|h|lua|sh)$|^Makefile$|^\.ci/')

report 'A path of a machine or the address of a package host:' <<END
$(echo "$existing" | xargs grep -nIE '(^|[^a-zA-Z.])/(work|farm|root|home/[a-z]+)/|https?://[a-z0-9.-]*(registry|packages|mirror|index)[a-z0-9.-]*/' | cut -c1-160)
END
report 'Unfinished work:' <<END
$(echo "$source" | xargs grep -nIiE '\b(TO''DO|FIX''ME|XX''X|not (yet )?implement''ed|stu''b(bed)?)\b' | cut -c1-160)
END
report 'Files over 800 lines:' <<END
$(echo "$source" | while read -r f; do n=$(wc -l <"$f"); most=800
    [ "$f" = engine/lunagrad.h ] && most=1600 # the whole public API, in one file
    [ "$f" = lua/lunagrad_ffi.lua ] && most=1200 # … and a copy of its declarations in another
    [ "$n" -le $most ] || echo "$f: $n"; done)
END
report 'Lines over 100 columns:' <<END
$(echo "$source" | grep -E '\.(c|h)$' | xargs awk '
    { line = $0; gsub(/[\200-\277]/, "", line) }
    length(line) > 100 { printf "%s:%d: %d\n", FILENAME, FNR, length(line) }')
END
report 'SQL outside of engine/store/sqlite/ and lua/lunagrad/book/queries.lua:' <<END
$(echo "$source" | grep -E '^(engine|lua)/' | grep -v -e '^engine/store/sqlite/' -e '/queries\.lua$' |
    xargs grep -nE '\b(SELECT .*|INSERT (OR [A-Z]+ )?INTO|DELETE FROM|UPDATE [a-z_]+ SET|CREATE (VIRTUAL )?TABLE|PRAGMA [a-z])' | cut -c1-160)
END
if ctags --version 2>/dev/null | grep -q Universal; then
    report 'Functions over 80 lines:' <<END
$(echo "$source" | grep -E '\.c$' | ctags -L - --fields=+ne --kinds-C=f -f - 2>/dev/null |
    awk -F'\t' '/^!/ { next } {
        start = end = 0
        for (i = 4; i <= NF; i++) {
            if ($i ~ /^line:/) start = substr($i, 6)
            if ($i ~ /^end:/) end = substr($i, 5)
        }
        if (end - start > 80) print $2 ": " $1 ": " end - start
    }')
END
fi
exit $bad
