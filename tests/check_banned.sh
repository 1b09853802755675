#!/bin/sh
# check_banned.sh - calls that have no place in the engine or in the binding.
# Comments and strings are taken out first. The command's own files (main.c,
# term.c, signals.c, line.c, mockd.c) may print and exit, and check.c of debug builds, and the
# worker of the sandbox, which is a program; mem.c owns the heap; contain_spawn.c gives a child
# the usual handling of signals; a script of a host dies by a jump (lua/host/state.c).
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
echo "lint: banned calls"

awk '
BEGIN {
    split("sprintf vsprintf strcpy strcat strncpy strncat stpcpy gets atoi atol atof atoll strtok " \
          "alloca tmpnam mktemp asctime ctime gmtime localtime rand srand random " \
          "system popen setlocale", everywhere, " ")
    split("assert exit _exit abort printf fprintf vprintf puts putchar fputs perror signal " \
          "sigaction strerror getenv setenv fork longjmp setjmp sleep usleep nanosleep", library, " ")
    split("malloc calloc realloc free strdup strndup asprintf vasprintf getline", heap, " ")
    for (i in everywhere) banned[everywhere[i]] = "everywhere"
    for (i in library) banned[library[i]] = "library"
    for (i in heap) banned[heap[i]] = "heap"
}
# The line without comments, strings and character constants; in_comment carries over.
function code(line,    out, c, two, quote) {
    out = ""
    while (line != "") {
        two = substr(line, 1, 2)
        c = substr(line, 1, 1)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; line = substr(line, 3) } else line = substr(line, 2)
        } else if (quote != "") {
            if (c == "\\") { line = substr(line, 3); continue }
            if (c == quote) quote = ""
            line = substr(line, 2)
        } else if (two == "/*") { in_comment = 1; out = out " "; line = substr(line, 3)
        } else if (two == "//") { return out
        } else if (c == "\"" || c == "\047") { quote = c; out = out " "; line = substr(line, 2)
        } else { out = out c; line = substr(line, 2) }
    }
    return out
}
FNR == 1 {
    in_comment = 0
    engine = FILENAME ~ /^engine\//
    command = FILENAME ~ /^lua\/command\/(main|term|signals|line|mockd)[.]c$/ ||
              FILENAME == "engine/base/check.c" || FILENAME ~ /^lua\/worker\//
}
{
    rest = code($0)
    while (match(rest, /[A-Za-z_][A-Za-z_0-9]*[ \t]*\(/)) {
        before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
        before2 = RSTART > 2 ? substr(rest, RSTART - 2, 2) : ""
        name = substr(rest, RSTART, RLENGTH)
        sub(/[ \t]*\($/, "", name)
        rest = substr(rest, RSTART + RLENGTH)
        if (!(name in banned) || before == "." || before2 == "->") continue
        kind = banned[name]
        if (kind == "library" && command) continue
        if (name ~ /^(set|long)jmp$/ && FILENAME == "lua/host/state.c") continue # a script dies
        if (name == "getenv" && FILENAME == "lua/host/library.c") continue # keys, where allowed
        if (name == "sigaction" && FILENAME ~ /contain_spawn[.]c$/) continue # of a child
        if (name == "strerror" && FILENAME ~ /errno_text[.]c$/) continue
        if (kind == "heap" && (!engine || FILENAME ~ /mem[.]c$/)) continue
        printf "%s:%d: %s() is banned here\n", FILENAME, FNR, name
        bad = 1
    }
}
END { exit bad }
' $(ls engine/*.h engine/*/*.[ch] engine/*/*/*.[ch] lua/*/*.[ch])
