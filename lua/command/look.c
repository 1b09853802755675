/* look.c - module lunagrad.look: GET of many addresses at once, and what versions of
 * libraries there are; for `lunagrad models` and `lunagrad doctor`.
 *
 * What it is not: a way to ask models. No retry, no limits, no store: one look at each
 * server through the engine's transfers (http.c), so that certificates, proxies and the
 * words for what fails are those of a run. */
#include "command/look.h"

#include <string.h>
#include <time.h>

#include "net/http.h"
#include "binding/lua_binding.h"
#include "store/store.h"

enum { REPLY_MAX = 8 << 20, MOST = 256 };

#define LOOK_TYPE "lunagrad.look"

typedef struct look { /* on Lua's stack; freed by its __gc, whatever was raised */
    lg_mem mem;
    lg_log log;
    lg_loop *loop;
    lg_http *http;
    lg_attempt *attempts; /* one a row */
    size_t n;
} look;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_look(look *k)
{
    if (k->http)
        lg__http_free(k->http);
    if (k->loop)
        lg__loop_free(k->loop);
    lg__log_free(&k->log);
    for (size_t i = 0; i < k->n; i++)
        lg__attempt_free(&k->attempts[i]);
    lg__mem_free(&k->mem, k->attempts, k->n * sizeof *k->attempts);
    k->n = 0;
    k->attempts = NULL;
    k->http = NULL;
    k->loop = NULL;
}

static int l_gc(lua_State *L)
{
    close_look(luaL_checkudata(L, 1, LOOK_TYPE));
    return 0;
}

static look *open_look(lua_State *L, int options)
{
    look *k = lua_newuserdatauv(L, sizeof *k, 0);
    memset(k, 0, sizeof *k);
    lg__mem_init(&k->mem, NULL, NULL);
    lg__log_init(&k->log, &k->mem, NULL, NULL, 0);
    luaL_setmetatable(L, LOOK_TYPE);
    lg_http_config c = {.ca_file = lg__lua_field_name(L, options, "ca_file"),
                        .ca_path = lg__lua_field_name(L, options, "ca_path")};
    int err = lg__loop_new(&k->mem, &k->loop);
    if (!err)
        err = lg__http_new(&k->mem, k->loop, &k->log, &c, &k->http);
    if (err)
        lg__lua_raise(L, err, NULL, "the network cannot be used: %s", lg_error_text(err));
    return k;
}

/* The row at index row of the list, with its attempt, counted from 0. */
static int start(lua_State *L, look *k, int row, int ms, size_t number)
{
    lg_transfer *t;
    lg_http_request r = {.method = "GET",
                         .url = lg__lua_field_name(L, row, "url"),
                         .headers = lg__lua_field_name(L, row, "headers"),
                         .body = "",
                         .connect_timeout_ms = ms,
                         .first_byte_timeout_ms = ms,
                         .total_timeout_ms = ms};
    if (!r.url)
        return LG_EINVAL;
    r.headers = r.headers ? r.headers : "";
    return lg__http_start(k->http, &r, &k->attempts[number], &t);
}

/* On top: the row. What came of it is added to it. */
static void tell(lua_State *L, const look *k, const lg_attempt *d, int64_t ms)
{
    int64_t date = lg__http_date(k->http, d->date);
    lg__lua_set_count(L, "status", (uint64_t)d->status);
    lg__lua_set_count(L, "ms", (uint64_t)ms);
    lg__lua_set_text(L, "moved_to", d->moved_to[0] ? d->moved_to : NULL);
    if (date >= 0)
        lg__lua_set_count(L, "date", (uint64_t)date);
    if (d->fail.code) {
        lg__lua_set_text(L, "error", lg__fail_message(&d->fail));
        lg__lua_set_text(L, "kind", lg_error_name(d->fail.code));
        lg__lua_set_text(L, "hint", d->fail.hint ? d->fail.hint->data : NULL);
        return;
    }
    lua_pushlstring(L, d->body.data ? d->body.data : "", d->body.len);
    lua_setfield(L, -2, "body");
}

static void collect(lua_State *L, look *k, int64_t began, size_t *left)
{
    lg_attempt *a;
    while ((a = lg__http_next(k->http))) {
        lua_rawgeti(L, 1, a - k->attempts + 1);
        tell(L, k, a, now_ms() - began);
        lua_pop(L, 1);
        (*left)--;
    }
}

static void make_attempts(lua_State *L, look *k, size_t n)
{
    k->attempts = lg__mem_zero(&k->mem, n * sizeof *k->attempts);
    if (n > 0 && !k->attempts)
        lg__lua_raise(L, LG_ENOMEM, NULL, "%s", lg_error_text(LG_ENOMEM));
    k->n = n;
    for (size_t i = 0; i < n; i++)
        lg__attempt_init(&k->attempts[i], &k->mem, REPLY_MAX);
}

/* look.get(list of {url =, headers = "Name: value\n…"}, {timeout_ms =, ca_file =, ca_path =}):
 * adds to each row status (0: no reply), ms, date (seconds since 1970), body, or error, kind
 * and hint. Returns the list after timeout_ms at the latest, or a little more. */
static int l_get(lua_State *L)
{
    size_t n = lg__lua_check_list(L, 1), left = 0;
    lg__lua_check_list(L, 2);
    int ms = (int)lg__lua_field_int(L, 2, "timeout_ms", 1, 600000, 2000);
    if (n > MOST)
        return lg__lua_badarg(L, 1, "too many addresses");
    look *k = open_look(L, 2);
    int64_t began = now_ms();
    make_attempts(L, k, n);
    for (size_t i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i);
        int err = start(L, k, lua_gettop(L), ms, i - 1);
        left += err == 0;
        if (err) {
            lg__lua_set_text(L, "error",
                             err == LG_EINVAL ? "this is no address of a server"
                                              : lg_error_text(err));
            lg__lua_set_text(L, "kind", lg_error_name(err));
        }
        lua_pop(L, 1);
    }
    while (left > 0 && now_ms() - began < ms + 1000) {
        if (lg__loop_run(k->loop, 50) < 0)
            break;
        collect(L, k, began, &left);
    }
    close_look(k); /* what is left borrows texts of the list */
    lua_settop(L, 1);
    return 1;
}

static look *open_bare(lua_State *L)
{
    lua_settop(L, 0);
    lua_newtable(L);
    return open_look(L, 1);
}

/* look.ca() -> the folder and the file of certificates when nothing names others, or nil */
static int l_ca(lua_State *L)
{
    const char *dir, *file;
    look *k = open_bare(L);
    lg__http_ca(k->http, &dir, &file);
    lua_pushstring(L, dir);
    lua_pushstring(L, file);
    return 2;
}

/* look.versions() -> {curl =, tls =, sqlite =, fts5 =, libuv =, schema =} */
static int l_versions(lua_State *L)
{
    bool fts5;
    const char *tls;
    look *k = open_bare(L);
    lua_newtable(L);
    lg__lua_set_text(L, "curl", lg__http_version(k->http, &tls));
    lg__lua_set_text(L, "tls", tls);
    lg__lua_set_text(L, "sqlite", lg__store_version(&fts5));
    lg__lua_set_text(L, "libuv", lg__loop_version());
    lg__lua_set_count(L, "schema", LG_SCHEMA);
    lua_pushboolean(L, fts5);
    lua_setfield(L, -2, "fts5");
    return 1;
}

int luaopen_lunagrad_look(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", l_gc}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"get", l_get}, {"versions", l_versions}, {"ca", l_ca}, {NULL, NULL}};
    lg__lua_new_class(L, LOOK_TYPE, meta, functions);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
