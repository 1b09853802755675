/* ltext.c - text tools for Lua: tags, fences, templates, trimming, JSON, digests.
 *
 * Pure functions of their arguments, without an engine. */
#include "binding/lua_binding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- boxes ----------------------------------------------------------------- */

lg_lua_box *lg__lua_new_box(lua_State *L)
{
    lg_lua_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    const lg_lua_lent *lent = lg__lua_lent(L);
    *box = (lg_lua_box){0};
    box->out.alloc = lent ? lent->alloc : NULL;
    box->out.alloc_ud = lent ? lent->alloc_ud : NULL;
    luaL_setmetatable(L, LG_LUA_BOX);
    return box;
}

void lg__lua_box_free(lg_lua_box *box)
{
    lg__items_close(box->items);
    box->items = NULL;
    lg__out_free(&box->out);
}

static int l_box_gc(lua_State *L)
{
    lg__lua_box_free(luaL_checkudata(L, 1, LG_LUA_BOX));
    return 0;
}

int lg__lua_push_out(lua_State *L, lg_lua_box *box)
{
    if (box->out.err) {
        return lg__lua_raise(L, box->out.err, NULL, "the text is too large: %s",
                             lg_error_text(box->out.err));
    }
    lua_pushlstring(L, box->out.data ? box->out.data : "", box->out.len);
    lg__lua_box_free(box);
    return 1;
}

/* ---- tags, tokens, UTF-8 --------------------------------------------------- */

/* core.tag_last(text, tag) -> text, where its pair begins, where it ends | nil */
static int l_tag_last(lua_State *L)
{
    size_t len, found_len;
    const char *found;
    const char *text = lg__lua_check_text(L, 1, &len);
    if (lg_tag_last(text, len, lg__lua_check_name(L, 2), &found, &found_len) <= 0)
        return 0;
    const char *open = memrchr(text, '<', (size_t)(found - text));
    const char *end = memchr(found + found_len, '>', len - (size_t)(found - text) - found_len);
    lua_pushlstring(L, found, found_len);
    lua_pushinteger(L, open ? open - text + 1 : 1);
    lua_pushinteger(L, end ? end - text + 1 : (lua_Integer)len);
    return 3;
}

static int l_tokens(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    lua_pushinteger(L, (lua_Integer)lg_token_estimate(text, len));
    return 1;
}

/* core.utf8_error(text) -> nil | number of the first wrong byte */
static int l_utf8_error(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    int64_t at = lg_utf8_check(text, len);
    if (at < 0)
        return 0;
    lua_pushinteger(L, at + 1);
    return 1;
}

/* core.trim(text, max_tokens) -> text */
static int l_trim(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    size_t most = (size_t)lg__lua_check_int(L, 2, 0, LUA_MAXINTEGER);
    if (lg_token_estimate(text, len) <= most) {
        lua_settop(L, 1);
        lua_tostring(L, 1);
        return 1;
    }
    lg_lua_box *box = lg__lua_new_box(L);
    if (lg__out_trim(&box->out, text, len, most) == LG_ENOMEM)
        return lg__lua_raise(L, LG_ENOMEM, NULL, "no memory for a text");
    return lg__lua_push_out(L, box);
}

/* core.sha256(text) -> 64 hexadecimal digits */
static int l_sha256(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    lg_lua_box *box = lg__lua_new_box(L);
    lg__out_as(&box->out, LG_AS_SHA256, text, len);
    return lg__lua_push_out(L, box);
}

/* ---- templates ------------------------------------------------------------- */

static size_t count_fields(lua_State *L, int t)
{
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1))
        n++;
    return n;
}

/* The texts stay alive in the table. */
static void read_fields(lua_State *L, int t, lg_fill *fields)
{
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1), fields++) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            lg__lua_raise(L, LG_EINVAL, NULL, "a field's name must be a text, got %s",
                          luaL_typename(L, -2));
        }
        fields->name = lua_tostring(L, -2);
        if (lua_type(L, -1) != LUA_TSTRING) {
            lg__lua_raise(L, LG_EINVAL, NULL, "field '%s' must be a text, got %s", fields->name,
                          luaL_typename(L, -1));
        }
        fields->value = lua_tolstring(L, -1, &fields->len);
    }
}

/* suffix NULL: without fences */
static int render(lua_State *L, unsigned *suffix)
{
    size_t len;
    char bad[64];
    lg_fill few[LG_LUA_FEW];
    const char *tmpl = lg__lua_check_text(L, 1, &len);
    lg__lua_check_list(L, 2);
    size_t n = count_fields(L, 2);
    lg_fill *fields = lg__lua_scratch(L, n, sizeof *fields, few);
    read_fields(L, 2, fields);
    lg_lua_box *box = lg__lua_new_box(L);
    int err = lg__out_template(&box->out, tmpl, len, fields, n, suffix, bad);
    if (err == LG_ETEMPLATE) {
        return lg__lua_raise(L, err, "write {{ and }} for braces that are no field",
                             "the template has a field {%s} that was not given", bad);
    }
    return lg__lua_push_out(L, box);
}

/* core.render(template, {name = text}) -> text */
static int l_render(lua_State *L)
{
    return render(L, NULL);
}

/* core.fence(template, {name = text}) -> text, the number in its tags (0: none) */
static int l_fence(lua_State *L)
{
    unsigned suffix = 0;
    render(L, &suffix);
    lua_pushinteger(L, (lua_Integer)suffix);
    return 2;
}

/* core.fields(template) -> the names of its fields, in their order, as often as they stand there */
static int l_fields(lua_State *L)
{
    size_t len, at = 0, size;
    const char *name, *tmpl = lg__lua_check_text(L, 1, &len);
    lua_newtable(L);
    for (lua_Integer i = 1; lg__inside_field(tmpl, len, &at, &name, &size); i++) {
        lua_pushlstring(L, name, size);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

/* ---- reading JSON ---------------------------------------------------------- */

enum {
    JSON_DEPTH = LG_ITEMS_DEPTH,
    STACK_LEVEL = 16 /* values on the stack for each table that is open: many tasks read JSON */
};

/* What becomes of a number that Lua's numbers would change. */
enum keep {
    KEEP_SIZE,  /* a text, if it is too large: an integer beyond 64 bits, 1e400 */
    KEEP_TEXT,  /* a text, if any digit would be lost: labels of a data set */
    KEEP_NUMBER /* the same, but marked as a number, which is written as it came */
};

static enum keep check_keep(lua_State *L, int arg)
{
    static const char *const names[] = {"size", "text", "number"};
    const char *name = lg__lua_opt_name(L, arg);
    for (int i = 0; name && i < 3; i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum keep)i;
    }
    if (name)
        lg__lua_badarg(L, arg, "expected \"size\", \"text\" or \"number\"");
    return KEEP_SIZE;
}

/* Does the float hold what was written? */
static bool is_held(const char *text, double x, enum keep keep)
{
    char shown[LG_NUMBER_ROOM];
    if (!isfinite(x) || !text[strcspn(text, ".eE")])
        return false;
    if (keep == KEEP_SIZE)
        return true;
    return lg__inside_number(shown, x, true) && lg__inside_same_number(text, shown);
}

static void push_marked(lua_State *L, const char *text)
{
    size_t size = strlen(text) + 1;
    memcpy(lua_newuserdatauv(L, size, 0), text, size);
    luaL_setmetatable(L, LG_LUA_NUMBER);
}

static void push_number(lua_State *L, const lg_item *item, enum keep keep)
{
    if (!item->text || is_held(item->text, item->x, keep))
        lua_pushnumber(L, item->x);
    else if (keep == KEEP_NUMBER)
        push_marked(L, item->text);
    else
        lua_pushstring(L, item->text);
}

static int l_number_tostring(lua_State *L)
{
    lua_pushstring(L, luaL_checkudata(L, 1, LG_LUA_NUMBER));
    return 1;
}

/* core.number_text(number) -> the text that stands for it in prompts and labels */
static int l_number_text(lua_State *L)
{
    lg__lua_check_number(L, 1);
    lua_settop(L, 1);
    lg__lua_number_to_text(L, 1);
    return 1;
}

/* core.same_number(a, b) -> whether two numbers in JSON's writing have the same value */
static int l_same_number(lua_State *L)
{
    lua_pushboolean(L, lg__inside_same_number(lg__lua_check_name(L, 1), lg__lua_check_name(L, 2)));
    return 1;
}

/* Pushes the value; of an array or object only the empty table. */
static void push_item(lua_State *L, const lg_item *item, enum keep keep)
{
    int room = item->count < 1 << 20 ? (int)item->count : 1 << 20;
    switch (item->kind) {
    case LG_ITEM_BOOL:
        lua_pushboolean(L, item->whole != 0);
        break;
    case LG_ITEM_WHOLE:
        lua_pushinteger(L, (lua_Integer)item->whole);
        break;
    case LG_ITEM_NUMBER:
        push_number(L, item, keep);
        break;
    case LG_ITEM_STRING:
        lua_pushstring(L, item->text);
        break;
    case LG_ITEM_ARRAY:
        lua_createtable(L, room, 0);
        lg__lua_set_class(L, LG_LUA_ARRAY);
        break;
    case LG_ITEM_OBJECT:
        lua_createtable(L, 0, room);
        break;
    default:
        lua_pushlightuserdata(L, NULL);
    }
}

enum { TOLD_STEPS = 4096 };

static void count_steps(lua_State *L, uint64_t *steps, uint64_t n)
{
    *steps += n;
    if (*steps < TOLD_STEPS)
        return;
    lg__lua_burn(L, *steps / 8); /* each is less than one of Lua's */
    *steps = 0;
}

enum { IN_OBJECT = -1 };

/* Pushes the whole value. The tables that are being filled lie one above the other, in
 * objects with the name between. */
static void push_tree(lua_State *L, lg_items *items, enum keep keep)
{
    lua_Integer filled[JSON_DEPTH]; /* of each table; IN_OBJECT: names say where */
    size_t depth = 0;
    uint64_t steps = 0;
    lg_item item = {.count = 0};
    while (lg__items_next(items, &item)) {
        count_steps(L, &steps, 1);
        if (item.kind == LG_ITEM_END) {
            depth -= depth > 0;
        } else {
            if (item.name)
                lua_pushstring(L, item.name);
            push_item(L, &item, keep);
            if (item.kind == LG_ITEM_ARRAY || item.kind == LG_ITEM_OBJECT) {
                luaL_checkstack(L, STACK_LEVEL, "JSON");
                filled[depth++] = item.kind == LG_ITEM_ARRAY ? 0 : IN_OBJECT;
                continue;
            }
        }
        if (depth > 0 && filled[depth - 1] == IN_OBJECT)
            lua_rawset(L, -3);
        else if (depth > 0)
            lua_rawseti(L, -2, ++filled[depth - 1]);
    }
}

/* core.json_decode(text, keep?) -> value | nil, message, byte. null is core.null. keep: "size" (the
 * default), "text" or "number", see above. */
int lg__lua_json_decode(lua_State *L)
{
    size_t len, where = 0;
    const char *text = lg__lua_check_text(L, 1, &len);
    enum keep keep = check_keep(L, 2);
    luaL_checkstack(L, STACK_LEVEL, "JSON");
    lg_lua_box *box = lg__lua_new_box(L);
    int err = lg__items_open(box->out.alloc, box->out.alloc_ud, text, len, &box->items, &where);
    if (err == LG_ENOMEM)
        return lg__lua_raise(L, err, NULL, "no memory for JSON");
    if (err) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s at byte %I", err == LG_EUTF8 ? "invalid UTF-8" : "not valid JSON",
                        (LUAI_UACINT)where + 1);
        lua_pushinteger(L, (lua_Integer)where + 1);
        return 3;
    }
    push_tree(L, box->items, keep);
    lg__lua_box_free(box);
    return 1;
}

/* ---- writing JSON ---------------------------------------------------------- */

typedef struct json_key {
    const char *s; /* alive in its table */
    size_t len;
} json_key;

typedef struct writing { /* a table that is being written */
    int table;           /* its index; what belongs to it lies above */
    const void *self;    /* … it */
    json_key *keys;      /* NULL: an array */
    size_t n, next;
} writing;

typedef struct writer { /* all that are: each is a value of the one before */
    writing levels[JSON_DEPTH];
    size_t depth;
    lg_out *out;
    uint64_t steps; /* that were not told yet */
} writer;

static void add_sign(lg_out *out, char c)
{
    if (out->cap - out->len > 1) {
        out->data[out->len++] = c;
        out->data[out->len] = '\0';
    } else {
        lg__out_add(out, &c, 1);
    }
}

static void add_text(lg_out *out, const char *s)
{
    lg__out_add(out, s, strlen(s));
}

/* Pushes where the value is: "a.list[3]"; "" at the top. */
static const char *where_now(lua_State *L, const writer *all)
{
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < all->depth && i < 20; i++) {
        const writing *w = &all->levels[i];
        if (!w->next)
            continue; /* not yet at its first value */
        luaL_addstring(&b, !w->keys ? "[" : i ? "." : "");
        if (w->keys) {
            luaL_addlstring(&b, w->keys[w->next - 1].s, w->keys[w->next - 1].len);
        } else {
            lua_pushfstring(L, "%I]", (LUAI_UACINT)w->next);
            luaL_addvalue(&b);
        }
    }
    luaL_addstring(&b, all->depth > 20 ? "…" : "");
    luaL_pushresult(&b);
    return lua_tostring(L, -1);
}

/* what: one %s for a detail */
static void cannot_write(lua_State *L, const writer *all, const char *hint, const char *what,
                         const char *detail)
{
    const char *where = where_now(L, all);
    lua_pushfstring(L, what, detail);
    lg__lua_raise(L, LG_EINVAL, hint, "JSON: %s%s%s", where, *where ? ": " : "",
                  lua_tostring(L, -1));
}

static int compare_keys(const void *a, const void *b)
{
    const json_key *x = a, *y = b;
    int order = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);
    if (order != 0)
        return order;
    return x->len < y->len ? -1 : x->len > y->len;
}

static bool is_array(lua_State *L, int t)
{
    if (lua_rawlen(L, t) > 0)
        return true;
    if (!lua_getmetatable(L, t))
        return false;
    luaL_getmetatable(L, LG_LUA_ARRAY);
    bool marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return marked;
}

/* The table on top is an object: sorts its keys, into memory above it. */
static void sort_keys(lua_State *L, writer *all, writing *w)
{
    json_key *keys = lua_newuserdatauv(L, (w->n + 1) * sizeof *keys, 0);
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, w->table); lua_pop(L, 1), i++) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            cannot_write(L, all, NULL, "a table has a key that is no text (%s)",
                         luaL_tolstring(L, -2, NULL));
        }
        keys[i].s = lua_tolstring(L, -2, &keys[i].len);
    }
    qsort(keys, w->n, sizeof *keys, compare_keys);
    w->keys = keys;
}

static void check_cycle(lua_State *L, writer *all)
{
    const void *self = lua_topointer(L, -1);
    count_steps(L, &all->steps, all->depth + 1);
    for (size_t i = 0; i < all->depth; i++) {
        if (all->levels[i].self == self)
            cannot_write(L, all, NULL, "a table is inside itself%s", "");
    }
    if (all->depth == JSON_DEPTH)
        cannot_write(L, all, NULL, "tables are nested too deep%s", "");
}

/* A list has no names: the first that this one has. NULL: it has holes. */
static const char *first_name(lua_State *L, int table)
{
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING)
            return lua_tostring(L, -2);
    }
    return NULL;
}

static void check_list(lua_State *L, const writer *all, const writing *w)
{
    static const char hint[] = "a table is a list without holes, or has names only";
    if (w->n == (size_t)lua_rawlen(L, w->table))
        return;
    const char *name = first_name(L, w->table);
    if (name)
        cannot_write(L, all, hint, "a list has the name \"%s\" as well", name);
    cannot_write(L, all, hint, "a list has holes%s", "");
}

static void begin(lua_State *L, writer *all)
{
    check_cycle(L, all);
    luaL_checkstack(L, STACK_LEVEL, "JSON");
    writing *w = &all->levels[all->depth];
    w->table = lua_gettop(L);
    w->self = lua_topointer(L, -1);
    w->n = count_fields(L, w->table);
    w->next = 0;
    w->keys = NULL;
    if (is_array(L, w->table))
        check_list(L, all, w);
    else
        sort_keys(L, all, w);
    all->depth++;
    add_sign(all->out, w->keys ? '{' : '[');
}

/* Pushes the next value and writes what stands before it; false at the end. */
static bool advance(lua_State *L, writing *w, lg_out *out)
{
    if (w->next == w->n) {
        add_sign(out, w->keys ? '}' : ']');
        lua_settop(L, w->table - 1);
        return false;
    }
    if (w->next > 0)
        add_sign(out, ',');
    if (!w->keys) {
        lua_rawgeti(L, w->table, (lua_Integer)++w->next);
        return true;
    }
    const json_key *key = &w->keys[w->next++];
    lg__out_as(out, LG_AS_JSON, key->s, key->len);
    add_sign(out, ':');
    lua_pushlstring(L, key->s, key->len);
    lua_rawget(L, w->table);
    return true;
}

static void write_number(lua_State *L, const writer *all)
{
    char text[LG_NUMBER_ROOM];
    double x = lua_tonumber(L, -1);
    if (lua_isinteger(L, -1)) {
        snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, -1));
        add_text(all->out, text);
    } else if (isfinite(x)) {
        if (!lg__inside_number(text, x, false))
            lg__lua_raise(L, LG_ENOMEM, NULL, "no memory for a number");
        add_text(all->out, text);
    } else {
        cannot_write(L, all, "lg.json.null stands for no value", "there is no form for %s",
                     isnan(x) ? "not-a-number" : "an infinite number");
    }
}

/* The value on top, no table, which is popped. */
static void write_scalar(lua_State *L, writer *all)
{
    size_t len;
    const char *s;
    count_steps(L, &all->steps, 1);
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        add_text(all->out, lua_toboolean(L, -1) ? "true" : "false");
        break;
    case LUA_TNUMBER:
        write_number(L, all);
        break;
    case LUA_TSTRING:
        s = lua_tolstring(L, -1, &len);
        lg__out_as(all->out, LG_AS_JSON, s, len);
        count_steps(L, &all->steps, len / 64);
        break;
    case LUA_TUSERDATA:
        s = luaL_testudata(L, -1, LG_LUA_NUMBER);
        if (s) {
            add_text(all->out, s);
            break;
        }
        cannot_write(L, all, NULL, "there is no form for a %s", luaL_typename(L, -1));
        break;
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(L, -1)) {
            add_text(all->out, "null");
            break;
        }
        /* fall through */
    default:
        if (lua_isnil(L, -1) && all->depth > 0)
            cannot_write(L, all, NULL, "a list has holes%s", "");
        cannot_write(L, all, NULL, "there is no form for a %s", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
}

/* The value on top is written and popped. */
static void write_tree(lua_State *L, lg_out *out)
{
    writer all;
    all.depth = 0;
    all.steps = 0;
    all.out = out;
    bool more = true;
    while (more) {
        if (lua_istable(L, -1))
            begin(L, &all);
        else
            write_scalar(L, &all);
        while (all.depth > 0 && !advance(L, &all.levels[all.depth - 1], out))
            all.depth--;
        more = all.depth > 0 && !out->err;
    }
}

/* core.json_encode(value) -> text, the same for equal values */
int lg__lua_json_encode(lua_State *L)
{
    lua_settop(L, 1); /* nothing is nil, of which there is no form */
    luaL_checkstack(L, STACK_LEVEL, "JSON");
    lg_lua_box *box = lg__lua_new_box(L);
    lua_pushvalue(L, 1);
    write_tree(L, &box->out);
    return lg__lua_push_out(L, box);
}

/* ---- registration ---------------------------------------------------------- */

void lg__lua_open_text(lua_State *L)
{
    static const luaL_Reg box_meta[] = {{"__gc", l_box_gc}, {NULL, NULL}};
    static const luaL_Reg number_meta[] = {{"__tostring", l_number_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"tag_last", l_tag_last},
                                         {"tokens", l_tokens},
                                         {"utf8_error", l_utf8_error},
                                         {"trim", l_trim},
                                         {"sha256", l_sha256},
                                         {"render", l_render},
                                         {"fence", l_fence},
                                         {"fields", l_fields},
                                         {"json_decode", lg__lua_json_decode},
                                         {"json_encode", lg__lua_json_encode},
                                         {"number_text", l_number_text},
                                         {"same_number", l_same_number},
                                         {NULL, NULL}};
    luaL_newmetatable(L, LG_LUA_BOX);
    luaL_setfuncs(L, box_meta, 0);
    lua_pop(L, 1);
    luaL_newmetatable(L, LG_LUA_NUMBER);
    luaL_setfuncs(L, number_meta, 0);
    lua_setfield(L, -2, "number_metatable");
    luaL_newmetatable(L, LG_LUA_ARRAY);
    lua_setfield(L, -2, "array");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    luaL_setfuncs(L, functions, 0);
}
