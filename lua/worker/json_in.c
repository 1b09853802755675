/* json_in.c - the arguments of a call: JSON to Lua values, on the candidate's stack.
 *
 * The engine wrote the text, so it is well-formed; what is not ends in an error, and nothing
 * is read beyond the end. No recursion: a value's container is below it on the stack. */
#include "worker/worker.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    lua_State *L;
    const char *at, *end;
    int depth;
    lua_Integer n[LW_DEPTH + 2]; /* values so far of the list at each level; -1: it is an object */
} reader;

static int bad(reader *r)
{
    return luaL_error(r->L, "the arguments are no JSON that a candidate can be given");
}

static char peek(reader *r)
{
    while (r->at < r->end && memchr(" \t\r\n", *r->at, 4))
        r->at++;

    return r->at < r->end ? *r->at : '\0';
}

/* ---- strings ------------------------------------------------------------- */

static unsigned hex4(reader *r)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = r->at < r->end ? *r->at++ : 'x';
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit > 15)
            bad(r);

        value = value << 4 | digit;
    }
    return value;
}

static void add_character(luaL_Buffer *b, unsigned code)
{
    if (code < 0x80) {
        luaL_addchar(b, (char)code);
        return;
    }
    char bytes[4];
    int n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));

    bytes[0] = (char)((0xf00 >> n & 0xff) | code);
    luaL_addlstring(b, bytes, (size_t)n);
}

static void add_escaped(reader *r, luaL_Buffer *b)
{
    static const char names[] = "nrtbf\"\\/", bytes[] = "\n\r\t\b\f\"\\/";
    char c = r->at < r->end ? *r->at++ : '\0';
    const char *name = c ? strchr(names, c) : NULL;
    if (name) {
        luaL_addchar(b, bytes[name - names]);
        return;
    }
    if (c != 'u')
        bad(r);

    unsigned code = hex4(r);
    if (code >= 0xd800 && code < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\') {
        r->at += 2;
        code = 0x10000 + ((code & 0x3ff) << 10) + (hex4(r) & 0x3ff);
    }
    add_character(b, code);
}

static void push_string(reader *r)
{
    luaL_Buffer b;
    luaL_buffinit(r->L, &b);
    r->at++; /* the quote */
    while (r->at < r->end && *r->at != '"') {
        const char *from = r->at;
        while (r->at < r->end && *r->at != '"' && *r->at != '\\')
            r->at++;

        luaL_addlstring(&b, from, (size_t)(r->at - from));
        if (r->at < r->end && *r->at == '\\') {
            r->at++;
            add_escaped(r, &b);
        }
    }
    if (r->at == r->end)
        bad(r);

    r->at++;
    luaL_pushresult(&b);
}

/* ---- numbers and names --------------------------------------------------- */

static void push_number(reader *r)
{
    char digits[64];
    size_t n = 0;
    while (r->at < r->end && n + 1 < sizeof digits && memchr("+-.0123456789eE", *r->at, 15))
        digits[n++] = *r->at++;

    digits[n] = '\0';
    if (n == 0 || lua_stringtonumber(r->L, digits) == 0)
        bad(r);
}

static bool take_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return false;

    r->at += n;
    return true;
}

static void push_plain(reader *r, char first)
{
    if (first == '"')
        push_string(r);
    else if (first == 't' && take_word(r, "true"))
        lua_pushboolean(r->L, 1);
    else if (first == 'f' && take_word(r, "false"))
        lua_pushboolean(r->L, 0);
    else if (first == 'n' && take_word(r, "null"))
        lua_pushnil(r->L);
    else
        push_number(r);
}

/* ---- lists and objects --------------------------------------------------- */

static void open_table(reader *r, bool list)
{
    if (r->depth > LW_DEPTH)
        bad(r);

    r->at++;
    luaL_checkstack(r->L, 4, "the arguments are nested too deep");
    lua_newtable(r->L);
    r->n[r->depth++] = list ? 0 : -1;
}

/* The value on top goes where it belongs. */
static void store(reader *r)
{
    lua_Integer *n = &r->n[r->depth - 1];
    if (*n < 0)
        lua_rawset(r->L, -3);
    else
        lua_rawseti(r->L, -2, ++*n);
}

/* After a value: a comma, or the end of what it is in. */
static void go_on(reader *r)
{
    while (r->depth > 0) {
        store(r);
        char c = peek(r), closing = r->n[r->depth - 1] < 0 ? '}' : ']';
        r->at++;
        if (c == ',')
            return;

        if (c != closing)
            bad(r);

        r->depth--;
    }
}

/* The key of an object's next value. */
static void push_key(reader *r)
{
    if (peek(r) != '"')
        bad(r);

    push_string(r);
    if (peek(r) != ':')
        bad(r);

    r->at++;
}

static bool is_empty(reader *r, char first)
{
    const char *before = r->at++;
    char closing = first == '{' ? '}' : ']';
    if (peek(r) == closing) {
        r->at++;
        lua_newtable(r->L);
        return true;
    }
    r->at = before;
    return false;
}

static void push_value(reader *r)
{
    luaL_checkstack(r->L, 8, "the arguments are nested too deep");
    do {
        if (r->depth > 0 && r->n[r->depth - 1] < 0)
            push_key(r);

        char first = peek(r);
        bool container = first == '{' || first == '[';
        if (container && !is_empty(r, first)) {
            open_table(r, first == '[');
            continue;
        }
        if (!container)
            push_plain(r, first);

        go_on(r);
    } while (r->depth > 0);
}

int lw_json_push(lua_State *L, const char *text, size_t len)
{
    reader r = {.L = L, .at = text, .end = text + len};
    int before = lua_gettop(L), n;
    if (peek(&r) != '[')
        return bad(&r);

    r.at++;
    for (n = 0; peek(&r) != ']'; n++) {
        if (n > 0 && *r.at++ != ',')
            return bad(&r);

        push_value(&r);
    }
    return lua_gettop(L) - before;
}
