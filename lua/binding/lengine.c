/* lengine.c - the engine as a Lua object: driving it, its events, and the
 * answers to them. What a script builds with it is in lnode.c. */
#include "binding/lua_binding.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINES = 10000 }; /* of log, kept until Lua asks for them */

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

static lg_engine *self(lua_State *L)
{
    return lg__lua_check_engine(L, 1)->e;
}

static void check(lua_State *L, const lg_engine *e, int err)
{
    if (err < 0)
        lg__lua_engine_failed(L, e, err);
}

/* ---- log lines ------------------------------------------------------------- */

/* From inside the engine: no Lua here. What does not fit is counted. */
static void keep_line(void *ud, int level, const char *msg)
{
    lg_lua_engine *u = ud;
    size_t len = strlen(msg);
    lg_lua_line *line = u->n_lines < MOST_LINES ? malloc(sizeof *line + len + 1) : NULL;
    if (!line) {
        u->n_dropped++;
        return;
    }
    line->next = NULL;
    line->level = level;
    line->at_us = u->e ? lg_engine_now(u->e) : 0;
    line->len = len;
    memcpy(line->text, msg, len + 1);
    if (u->last)
        u->last->next = line;
    else
        u->first = line;
    u->last = line;
    u->n_lines++;
}

static void drop_line(lg_lua_engine *u)
{
    lg_lua_line *line = u->first;
    u->first = line->next;
    if (!u->first)
        u->last = NULL;
    u->n_lines--;
    free(line);
}

static void push_line(lua_State *L, int level, const char *text, size_t len, int64_t at_us)
{
    lua_createtable(L, 3, 0);
    lua_pushstring(L, levels[level - 1]);
    lua_rawseti(L, -2, 1);
    lua_pushlstring(L, text, len);
    lua_rawseti(L, -2, 2);
    lua_pushnumber(L, (lua_Number)at_us / 1e6);
    lua_rawseti(L, -2, 3);
}

/* engine:log_lines() -> list of {level, text, seconds}: what was logged since the last time, and
 * when by the engine's clock */
static int l_log_lines(lua_State *L)
{
    static const char lost[] = "more log lines came than were kept";
    lg_lua_engine *u = luaL_testudata(L, 1, LG_LUA_ENGINE);
    if (!u)
        return lg__lua_badarg(L, 1, "expected an engine");
    lua_newtable(L);
    lua_Integer n = 0;
    while (u->first) {
        push_line(L, u->first->level, u->first->text, u->first->len, u->first->at_us);
        lua_rawseti(L, -2, ++n);
        drop_line(u);
    }
    if (u->n_dropped) {
        push_line(L, LG_LOG_WARN, lost, sizeof lost - 1, lg_engine_now(u->e));
        lua_rawseti(L, -2, ++n);
        u->n_dropped = 0;
    }
    return 1;
}

/* ---- life ------------------------------------------------------------------ */

static size_t field_size(lua_State *L, const char *name)
{
    return (size_t)lg__lua_field_int(L, 1, name, 0, LUA_MAXINTEGER, 0);
}

static int field_int(lua_State *L, const char *name)
{
    return (int)lg__lua_field_int(L, 1, name, 0, INT_MAX, 0);
}

static int log_level(lua_State *L)
{
    const char *name = lg__lua_field_name(L, 1, "log");
    if (!name)
        return 0;
    for (int i = 0; levels[i]; i++) {
        if (strcmp(levels[i], name) == 0)
            return i + 1;
    }
    return lg__lua_raise(L, LG_EINVAL, NULL, "log: expected error, warn, info or debug, got '%s'",
                         name);
}

static uint64_t field_count(lua_State *L, const char *name)
{
    return (uint64_t)lg__lua_field_int(L, 1, name, 0, LUA_MAXINTEGER, 0);
}

static void read_store(lua_State *L, lg_config *c)
{
    c->store_dir = lg__lua_field_name(L, 1, "store_dir");
    c->durable = lg__lua_field_true(L, 1, "durable") ? 1 : 0;
    c->replay_only = lg__lua_field_true(L, 1, "replay_only");
    c->fail_ambiguous = lg__lua_field_true(L, 1, "fail_ambiguous");
    c->max_calls = field_count(L, "max_calls");
    c->max_tokens = field_count(L, "max_tokens");
    c->max_micros = field_count(L, "max_micros");
    c->max_time_ms = lg__lua_field_int(L, 1, "max_time_ms", 0, LUA_MAXINTEGER, 0);
}

static void read_config(lua_State *L, lg_config *c)
{
    static const char *const keys[] = {"concurrency",
                                       "max_attempts",
                                       "connect_timeout_ms",
                                       "first_byte_timeout_ms",
                                       "total_timeout_ms",
                                       "memo_bytes",
                                       "max_reply_bytes",
                                       "max_queued",
                                       "seed",
                                       "virtual_clock",
                                       "http2",
                                       "ca_file",
                                       "ca_path",
                                       "proxy",
                                       "log",
                                       "log_fn",
                                       "store_dir",
                                       "durable",
                                       "replay_only",
                                       "fail_ambiguous",
                                       "max_calls",
                                       "max_tokens",
                                       "max_micros",
                                       "max_time_ms",
                                       NULL};
    lg__lua_check_keys(L, 1, keys, "engine");
    c->concurrency = field_int(L, "concurrency");
    c->max_attempts = field_int(L, "max_attempts");
    c->connect_timeout_ms = field_int(L, "connect_timeout_ms");
    c->first_byte_timeout_ms = field_int(L, "first_byte_timeout_ms");
    c->total_timeout_ms = field_int(L, "total_timeout_ms");
    c->max_reply_bytes = field_size(L, "max_reply_bytes");
    c->memo_bytes = field_size(L, "memo_bytes");
    c->max_queued = field_size(L, "max_queued");
    c->seed = (uint64_t)lg__lua_field_int(L, 1, "seed", LUA_MININTEGER, LUA_MAXINTEGER, 0);
    c->virtual_clock = lg__lua_field_true(L, 1, "virtual_clock");
    c->http2 = lg__lua_field_true(L, 1, "http2");
    c->ca_file = lg__lua_field_name(L, 1, "ca_file");
    c->ca_path = lg__lua_field_name(L, 1, "ca_path");
    c->proxy = lg__lua_field_name(L, 1, "proxy");
    c->log_level = log_level(L);
    read_store(L, c);
}

void lg__lua_lend_engine(lua_State *L, lg_engine *e, const lg_lua_lent *lent)
{
    lg_lua_engine *u = lua_newuserdatauv(L, sizeof *u, 0);
    memset(u, 0, sizeof *u);
    luaL_setmetatable(L, LG_LUA_ENGINE);
    u->e = e;
    u->lent = lent;
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, LG_LUA_LENT);
}

/* What only an engine's owner says; the rest was said by him. */
static void check_lent_config(lua_State *L)
{
    static const char *const owners[] = {"store_dir",  "max_calls",   "max_tokens",
                                         "max_micros", "max_time_ms", NULL};
    for (int i = 0; lua_istable(L, 1) && owners[i]; i++) {
        if (lua_getfield(L, 1, owners[i]) != LUA_TNIL) {
            lg__lua_raise(L, LG_ESTATE, "its host sets limits and the store",
                          "%s: the engine of this script is its host's", owners[i]);
        }
        lua_pop(L, 1);
    }
}

/* core.engine(cfg) -> engine */
static int l_engine(lua_State *L)
{
    lg_config c;
    if (lua_getfield(L, LUA_REGISTRYINDEX, LG_LUA_LENT) != LUA_TNIL) {
        check_lent_config(L);
        return 1;
    }
    lua_pop(L, 1);
    lg_config_init(&c);
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    lg__lua_check_list(L, 1);
    lg_lua_engine *u = lua_newuserdatauv(L, sizeof *u, 0);
    memset(u, 0, sizeof *u);
    luaL_setmetatable(L, LG_LUA_ENGINE);
    read_config(L, &c);
    if (c.log_level) {
        c.log = keep_line;
        c.log_ud = u;
    }
    char why[1024] = "";
    c.why = why;
    c.why_size = sizeof why;
    int err = lg_engine_new(&c, &u->e);
    if (err && why[0])
        return lg__lua_raise(L, err, NULL, "%s", why);
    if (err)
        return lg__lua_raise(L, err, NULL, "the engine cannot start: %s", lg_error_text(err));
    return 1;
}

/* Idempotent: close, __close and __gc. All variables of the engine are dead then. */
static int l_close(lua_State *L)
{
    lg_lua_engine *u = luaL_testudata(L, 1, LG_LUA_ENGINE);
    if (!u)
        return lg__lua_badarg(L, 1, "expected an engine");
    lg_engine *e = u->e;
    u->e = NULL;
    if (!u->lent)
        lg_engine_free(e);
    return 0;
}

static int l_gc(lua_State *L)
{
    lg_lua_engine *u = luaL_testudata(L, 1, LG_LUA_ENGINE);
    if (!u)
        return 0;
    l_close(L);
    while (u->first)
        drop_line(u);
    return 0;
}

static int l_tostring(lua_State *L)
{
    const lg_lua_engine *u = luaL_checkudata(L, 1, LG_LUA_ENGINE);
    lua_pushstring(L, u->e ? "lunagrad engine" : "lunagrad engine (closed)");
    return 1;
}

/* ---- driving --------------------------------------------------------------- */

/* engine:step(budget_us) -> whether anything came of it: what can be done now; never blocks */
static int l_step(lua_State *L)
{
    const lg_lua_engine *u = lg__lua_check_engine(L, 1);
    lg_engine *e = u->e;
    if (u->lent)
        return u->lent->wait(L);
    lg_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    lg_engine_stats(e, &before);
    check(L, e, lg_engine_step(e, lg__lua_opt_int(L, 2, 0, INT64_MAX, 0)));
    lg_engine_stats(e, &after);
    lua_pushboolean(L, after.vars_pending != before.vars_pending ||
                           after.attempts != before.attempts || after.failed != before.failed ||
                           after.calls != before.calls);
    return 1;
}

/* engine:wait(ms): as step, but waits when there is nothing to do; -1 for ever */
static int l_wait(lua_State *L)
{
    const lg_lua_engine *u = lg__lua_check_engine(L, 1);
    lg_engine *e = u->e;
    if (u->lent)
        return u->lent->wait(L);
    check(L, e, lg_engine_wait(e, (int)lg__lua_opt_int(L, 2, -1, INT_MAX, -1)));
    return 0;
}

static int l_fd(lua_State *L)
{
    lua_pushinteger(L, lg_engine_fd(self(L)));
    return 1;
}

static int l_timeout(lua_State *L)
{
    lua_pushinteger(L, lg_engine_timeout(self(L)));
    return 1;
}

static int l_now(lua_State *L)
{
    lua_pushinteger(L, lg_engine_now(self(L)));
    return 1;
}

static int l_wakeup(lua_State *L)
{
    lg_engine_wakeup(self(L));
    return 0;
}

/* engine:preload(): what the first request over HTTPS needs and nothing can cut into pieces */
static int l_preload(lua_State *L)
{
    lg_engine *e = self(L);
    lg__lua_check_leave(L, LG_ALLOW_MODELS, "lg.preload");
    check(L, e, lg_engine_preload(e));
    return 0;
}

/* engine:drain(on): buy nothing more; what is in flight finishes */
static int l_drain(lua_State *L)
{
    lg__lua_check_leave(L, 0, "engine:drain");
    lg_engine_drain(self(L), lua_toboolean(L, 2) != 0);
    return 0;
}

/* engine:cancel(): all that is pending, also what is on the wire */
static int l_cancel_all(lua_State *L)
{
    const lg_lua_engine *u = lg__lua_check_engine(L, 1);
    if (u->lent) {
        lg__party_cancel(u->lent->party);
        return 0;
    }
    lg_engine_cancel(self(L));
    return 0;
}

static const char *event_name(int type)
{
    static const char *const names[] = {NULL,      "var",     "call",      "tool",      "gradient",
                                        "abandon", "partial", "tool_gone", "model_gone"};
    size_t i = (size_t)type;
    return i < sizeof names / sizeof *names ? names[i] : NULL;
}

/* engine:next() -> nil | type, id, tag, var, and for "partial": text, restart */
static int l_next(lua_State *L)
{
    const lg_lua_engine *u = lg__lua_check_engine(L, 1);
    const lg_event *event;
    do {
        event = u->lent ? lg__party_next(u->lent->party) : lg_engine_next(u->e);
        if (!event)
            return 0;
    } while (!event_name(event->type));
    lua_pushstring(L, event_name(event->type));
    lua_pushinteger(L, (lua_Integer)event->id);
    lua_pushinteger(L, (lua_Integer)event->tag);
    lg__lua_push_var(L, 1, event->var);
    if (event->type != LG_EVENT_PARTIAL)
        return 4;
    lua_pushlstring(L, event->text, event->len);
    lua_pushboolean(L, event->restart);
    return 6;
}

/* ---- the books ------------------------------------------------------------- */

static void set_kinds(lua_State *L, const lg_stats *s)
{
    lua_createtable(L, LG_KINDS, 0);
    for (int i = 0; i < LG_KINDS; i++) {
        lua_pushinteger(L, (lua_Integer)s->calls_by_kind[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "calls_by_kind");
    lua_createtable(L, LG_KINDS, 0);
    for (int i = 0; i < LG_KINDS; i++) {
        lg__lua_push_usage(L, &s->usage[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "usage");
    lua_createtable(L, LG_KINDS, 0);
    for (int i = 0; i < LG_KINDS; i++) {
        lua_pushinteger(L, (lua_Integer)s->micros_by_kind[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "micros_by_kind");
}

/* engine:stats() -> table, see lg_stats; held_seconds instead of held_until_us, and
 * held_by "rate" or "down", while calls are held */
static int l_stats(lua_State *L)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(self(L), &s);
    lua_createtable(L, 0, 30);
    lg__lua_set_count(L, "calls", s.calls);
    lg__lua_set_count(L, "shared", s.shared);
    lg__lua_set_count(L, "failed", s.failed);
    lg__lua_set_count(L, "attempts", s.attempts);
    lg__lua_set_count(L, "retries", s.retries);
    lg__lua_set_count(L, "ambiguous", s.ambiguous);
    lg__lua_set_count(L, "in_flight", s.in_flight);
    lg__lua_set_count(L, "queued", s.queued);
    lg__lua_set_count(L, "waiting", s.waiting);
    lg__lua_set_count(L, "host_running", s.host_running);
    lg__lua_set_count(L, "live_bytes", s.live_bytes);
    lg__lua_set_count(L, "live_blocks", s.live_blocks);
    lg__lua_set_count(L, "vars_pending", s.vars_pending);
    lg__lua_set_count(L, "vars_live", s.vars_live);
    lg__lua_set_count(L, "served", s.served);
    lg__lua_set_count(L, "micros", s.micros);
    lg__lua_set_count(L, "unpriced", s.unpriced);
    lg__lua_set_count(L, "reserved_micros", s.reserved_micros);
    lg__lua_set_count(L, "reserved_tokens", s.reserved_tokens);
    lg__lua_set_count(L, "cap", (uint64_t)s.cap);
    lg__lua_set_count(L, "hedged", s.hedged);
    lg__lua_set_count(L, "hedges_won", s.hedges_won);
    lg__lua_set_count(L, "useless", s.useless);
    lg__lua_set_count(L, "timers", s.timers);
    const lg_lua_engine *u = lg__lua_check_engine(L, 1);
    lg__lua_set_count(L, "commands", s.commands + (u->lent ? lg__party_asked(u->lent->party) : 0));
    lg__lua_set_count(L, "storing", s.storing);
    lg__lua_set_count(L, "sandboxed", s.sandboxed);
    lg__lua_set_count(L, "held", s.held);
    if (s.held > 0) {
        int64_t wait = s.held_until_us - lg_engine_now(self(L));
        lua_pushnumber(L, wait > 0 ? (lua_Number)wait / 1e6 : 0);
        lua_setfield(L, -2, "held_seconds");
        lua_pushstring(L, s.held_by == LG_HOLD_DOWN ? "down" : "rate");
        lua_setfield(L, -2, "held_by");
    }
    set_kinds(L, &s);
    return 1;
}

/* ---- templates ------------------------------------------------------------- */

static int l_set_template(lua_State *L)
{
    lg_engine *e = self(L);
    const char *name = lg__lua_check_name(L, 2);
    check(L, e, lg_template_set(e, name, lg__lua_check_var(L, 3)));
    return 0;
}

/* engine:template(name) -> var | nil */
static int l_template(lua_State *L)
{
    lg_engine *e = self(L);
    lg_var *v = NULL;
    int err = lg_template_get(e, lg__lua_check_name(L, 2), &v);
    if (err != LG_ENOTFOUND)
        check(L, e, err);
    lg__lua_push_var(L, 1, v);
    return 1;
}

/* ---- answers --------------------------------------------------------------- */
/* All take the event's id and return false when nobody waits for it any more. */

static uint64_t id_of(lua_State *L)
{
    return (uint64_t)lg__lua_check_int(L, 2, 0, LUA_MAXINTEGER);
}

static int answered(lua_State *L, const lg_engine *e, int err)
{
    if (err != LG_ENOTFOUND)
        check(L, e, err);
    lua_pushboolean(L, err == LG_OK);
    return 1;
}

/* engine:tool_return(id, text, score, target, media type | nil) */
static int l_tool_return(lua_State *L)
{
    size_t len;
    lg_engine *e = self(L);
    uint64_t id = id_of(L);
    const char *text = lg__lua_check_text(L, 3, &len);
    bool scored = !lua_isnoneornil(L, 4);
    double score = scored ? lg__lua_check_number(L, 4) : 0;
    double target = lua_isnoneornil(L, 5) ? 1 : lg__lua_check_number(L, 5);
    const char *media = lg__lua_opt_name(L, 6);
    const double *given = scored ? &score : NULL;
    return answered(L, e,
                    media ? lg_tool_return_media(e, id, media, text, len, given, target)
                          : lg_tool_return(e, id, text, len, given, target));
}

/* engine:tool_fail(id, kind, message, cause | nil) */
static int l_tool_fail(lua_State *L)
{
    lg_engine *e = self(L);
    uint64_t id = id_of(L);
    int code = lg__lua_check_code(L, 3);
    const char *message = lg__lua_check_text(L, 4, NULL);
    return answered(L, e, lg_tool_fail_as(e, id, code, message, lg__lua_opt_name(L, 5)));
}

/* engine:tool_feedback(id, input from 1, text) */
static int l_tool_feedback(lua_State *L)
{
    size_t len;
    lg_engine *e = self(L);
    uint64_t id = id_of(L);
    size_t input = (size_t)lg__lua_check_int(L, 3, 1, INT_MAX) - 1;
    const char *text = lg__lua_check_text(L, 4, &len);
    int err = lg_tool_feedback(e, id, input, text, len);
    return answered(L, e, err);
}

/* engine:tool_heard(id) -> text | nil: what was said about the tool's result */
static int l_tool_heard(lua_State *L)
{
    size_t len = 0;
    const char *text = NULL;
    lg_engine *e = self(L);
    int err = lg_tool_heard(e, id_of(L), &text, &len);
    if (err == LG_ENOTFOUND)
        return 0;
    check(L, e, err);
    lua_pushlstring(L, text, len);
    return 1;
}

static void push_messages(lua_State *L, lg_engine *e, uint64_t id, size_t n)
{
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        const char *role = NULL, *text = NULL;
        size_t len = 0;
        check(L, e, lg_call_message(e, id, i, &role, &text, &len));
        lua_createtable(L, 0, 2);
        lg__lua_set_text(L, "role", role);
        lua_pushlstring(L, text, len);
        lua_setfield(L, -2, "content");
        const char *media = lg_call_message_media(e, id, i);
        if (media)
            lg__lua_set_text(L, "media", media);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_options(lua_State *L, lg_engine *e, uint64_t id, size_t n)
{
    lua_createtable(L, 0, (int)n);
    for (size_t i = 0; i < n; i++) {
        lg_option option;
        check(L, e, lg_call_option(e, id, i, &option));
        lg__lua_set_text(L, option.name, option.json);
    }
}

/* engine:call_view(id) -> {messages=, options=, sample=, model=} | nil */
static int l_call_view(lua_State *L)
{
    lg_request_view view;
    lg_engine *e = self(L);
    uint64_t id = id_of(L);
    int err = lg_call_view(e, id, &view);
    if (err == LG_ENOTFOUND)
        return 0;
    check(L, e, err);
    lua_createtable(L, 0, 4);
    push_messages(L, e, id, view.n_messages);
    lua_setfield(L, -2, "messages");
    push_options(L, e, id, view.n_options);
    lua_setfield(L, -2, "options");
    lg__lua_set_count(L, "sample", view.sample);
    lg__lua_set_text(L, "model", lg_model_name(view.model));
    return 1;
}

/* engine:call_reply(id, text, finish_reason, usage, type); type nil: text */
static int l_call_reply(lua_State *L)
{
    size_t len;
    lg_usage usage;
    lg_engine *e = self(L);
    uint64_t id = id_of(L);
    const char *text = lg__lua_check_text(L, 3, &len);
    const char *finish = lg__lua_opt_name(L, 4);
    bool has_usage = !lua_isnoneornil(L, 5);
    if (has_usage)
        lg__lua_read_usage(L, 5, &usage);
    const char *type = lg__lua_opt_name(L, 6);
    int err = lg_call_reply_media(e, id, type, text, len, finish, has_usage ? &usage : NULL);
    return answered(L, e, err);
}

/* engine:call_fail(id, kind, retryable, message, cause | nil) */
static int l_call_fail(lua_State *L)
{
    lg_engine *e = self(L);
    uint64_t id = id_of(L);
    int code = lg__lua_check_code(L, 3);
    bool retryable = lua_toboolean(L, 4);
    const char *message = lg__lua_check_text(L, 5, NULL), *cause = lg__lua_opt_name(L, 6);
    return answered(L, e, lg_call_fail_as(e, id, code, retryable, message, cause));
}

/* ---- registration ---------------------------------------------------------- */

void lg__lua_open_engine(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", l_gc}, {"__close", l_close}, {"__tostring", l_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"step", l_step},
                                       {"wait", l_wait},
                                       {"fd", l_fd},
                                       {"timeout", l_timeout},
                                       {"now", l_now},
                                       {"wakeup", l_wakeup},
                                       {"preload", l_preload},
                                       {"drain", l_drain},
                                       {"cancel", l_cancel_all},
                                       {"next", l_next},
                                       {"stats", l_stats},
                                       {"close", l_close},
                                       {"log_lines", l_log_lines},
                                       {"set_template", l_set_template},
                                       {"template", l_template},
                                       {"tool_return", l_tool_return},
                                       {"tool_fail", l_tool_fail},
                                       {"tool_feedback", l_tool_feedback},
                                       {"tool_heard", l_tool_heard},
                                       {"call_view", l_call_view},
                                       {"call_reply", l_call_reply},
                                       {"call_fail", l_call_fail},
                                       {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_ENGINE, meta, methods);
    lg__lua_add_store_methods(L);
    lg__lua_add_unseen_methods(L);
    lua_pop(L, 1);
    lua_pushcfunction(L, l_engine);
    lua_setfield(L, -2, "engine");
}
