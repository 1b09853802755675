/* clean.c - a text without what a terminal would obey, and Lua's warnings cleaned of it.
 *
 * Taken out: control characters (C0 but newline and tab, DEL, C1), marks and overrides of
 * direction, line separators; a byte that is no UTF-8 becomes "?". What it is not: a filter
 * for files and pipes, which get all bytes as they are. */
#include "binding/clean.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lunagrad.h"

/* Of valid UTF-8. How many bytes of s, of which there are len, are one character that goes. */
static size_t obeyed(const unsigned char *s, size_t len)
{
    if (s[0] < 0x80)
        return (s[0] < 32 && s[0] != '\n' && s[0] != '\t') || s[0] == 127;
    if (len >= 2 && s[0] == 0xC2)
        return s[1] < 0xA0 ? 2 : 0; /* C1 */
    if (len >= 2 && s[0] == 0xD8)
        return s[1] == 0x9C ? 2 : 0; /* U+061C */
    if (len < 3 || s[0] != 0xE2)
        return 0;
    bool marks = s[1] == 0x80 && (s[2] == 0x8E || s[2] == 0x8F || (s[2] >= 0xA8 && s[2] <= 0xAE));
    return marks || (s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9) ? 3 : 0;
}

static size_t clean_valid(char *to, const char *from, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        size_t gone = obeyed((const unsigned char *)from + i, len - i);
        if (gone == 0)
            to[n++] = from[i++];
        i += gone;
    }
    return n;
}

size_t lg__clean(char *to, const char *from, size_t len)
{
    size_t n = 0;
    while (len > 0) {
        int64_t bad = lg_utf8_check(from, len);
        size_t valid = bad < 0 ? len : (size_t)bad;
        n += clean_valid(to + n, from, valid);
        if (bad >= 0)
            to[n++] = '?';
        valid += bad >= 0;
        from += valid;
        len -= valid;
    }
    return n;
}

int lg__lua_clean(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    luaL_Buffer b;
    char *to = luaL_buffinitsize(L, &b, len);
    luaL_pushresultsize(&b, lg__clean(to, text, len));
    return 1;
}

/* ---- warnings ------------------------------------------------------------------ */

static void put(const char *text)
{
    size_t len = strlen(text);
    char *to = isatty(STDERR_FILENO) ? malloc(len + 1) : NULL;
    if (to) {
        fwrite(to, 1, lg__clean(to, text, len), stderr);
        free(to);
    } else if (!isatty(STDERR_FILENO)) {
        fwrite(text, 1, len, stderr);
    }
}

/* As Lua's own: "@on" and "@off" switch, a warning may come in several pieces. */
static void on_warning(void *ud, const char *text, int more)
{
    lg_warnings *w = ud;
    if (!w->inside && !more && text[0] == '@') {
        w->on = strcmp(text, "@on") == 0 || (w->on && strcmp(text, "@off") != 0);
        return;
    }
    if (w->on) {
        put(w->inside ? "" : "Lua warning: ");
        put(text);
        put(more ? "" : "\n");
        fflush(stderr);
    }
    w->inside = more;
}

void lg__clean_warnings(lua_State *L, lg_warnings *w)
{
    *w = (lg_warnings){0, 0};
#if LUA_VERSION_NUM >= 504
    lua_setwarnf(L, on_warning, w);
#else
    (void)L; /* Lua 5.3 has no warnings */
    (void)on_warning;
#endif
}
