/* lvar.c - a variable as a Lua object: the raw methods, which wait for nothing.
 *
 * lua/lunagrad/var.lua wraps them into what scripts see. Nodes, which make
 * variables out of others, are in lnode.c. */
#include "binding/lua_binding.h"

#include <limits.h>
#include <string.h>

/* ---- userdata -------------------------------------------------------------- */

lg_lua_var *lg__lua_new_var(lua_State *L, int engine)
{
    engine = lua_absindex(L, engine);
    lg_lua_var *u = lua_newuserdatauv(L, sizeof *u, 1);
    u->v = NULL;
    u->owner = lua_touserdata(L, engine);
    lua_pushvalue(L, engine);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LG_LUA_VAR);
    return u;
}

void lg__lua_push_var(lua_State *L, int engine, lg_var *v)
{
    if (v)
        lg__lua_new_var(L, engine)->v = lg_var_ref(v);
    else
        lua_pushnil(L);
}

static lg_var *self(lua_State *L)
{
    return lg__lua_check_var(L, 1);
}

/* Pushes the engine's userdata; its index. */
static int push_engine(lua_State *L)
{
    lua_getiuservalue(L, 1, 1);
    return lua_gettop(L);
}

/* __gc and __close. When the engine went first it took the variable with it. */
static int l_gc(lua_State *L)
{
    lg_lua_var *u = luaL_testudata(L, 1, LG_LUA_VAR);
    if (!u || !u->v)
        return 0;
    lg_var *v = u->v;
    u->v = NULL;
    if (u->owner->e)
        lg_var_unref(v);
    return 0;
}

/* v:same(other): the same variable, maybe through another userdata */
static int l_same(lua_State *L)
{
    const lg_lua_var *a = luaL_testudata(L, 1, LG_LUA_VAR);
    const lg_lua_var *b = luaL_testudata(L, 2, LG_LUA_VAR);
    lua_pushboolean(L, a && b && (a == b || (a->v == b->v && a->v && a->owner == b->owner)));
    return 1;
}

/* ---- what it is ------------------------------------------------------------ */

static int l_id(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lg_var_id(self(L)));
    return 1;
}

/* v:own_id(): of itself, whatever it is bound to */
static int l_own_id(lua_State *L)
{
    lg__lua_check_var(L, 1); /* it raises */
    const lg_lua_var *u = lua_touserdata(L, 1);
    lua_pushinteger(L, (lua_Integer)lg_var_id(u->v));
    return 1;
}

static int l_raw_state(lua_State *L)
{
    static const char *const names[] = {"pending", "ready", "failed", "cancelled"};
    lua_pushstring(L, names[lg_var_state(self(L))]);
    return 1;
}

/* The same for a script, which has looked then. */
static int l_state(lua_State *L)
{
    lg__lua_looked(self(L));
    return l_raw_state(L);
}

/* v:raw_text() -> text | nil unless it is ready */
static int l_raw_text(lua_State *L)
{
    size_t len = 0;
    const char *text = lg_var_text(self(L), &len);
    if (!text)
        return 0;
    lua_pushlstring(L, text, len);
    return 1;
}

static int l_raw_role(lua_State *L)
{
    lua_pushstring(L, lg_var_role(self(L)));
    return 1;
}

static int l_set_role(lua_State *L)
{
    lg_var *v = self(L);
    int err = lg_var_set_role(v, lg__lua_check_name(L, 2));
    if (err)
        return lg__lua_raise(L, err, NULL, "the role cannot be set: %s", lg_error_text(err));
    return 0;
}

static int l_grad(lua_State *L)
{
    lua_pushboolean(L, lg_var_grad(self(L)));
    return 1;
}

static int l_set_grad(lua_State *L)
{
    lg_var *v = self(L);
    int err = lg_var_set_grad(v, lua_toboolean(L, 2));
    if (err)
        return lg__lua_raise(L, err, NULL, "grad cannot be set: %s", lg_error_text(err));
    return 0;
}

/* v:raw_detach() -> var */
static int l_detach(lua_State *L)
{
    lg_var *v = self(L);
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    lg_lua_var *u = lg__lua_new_var(L, 2);
    int err = lg_var_detach(v, &u->v);
    if (err)
        return lg__lua_raise(L, err, NULL, "cannot detach: %s", lg_error_text(err));
    return 1;
}

/* v:raw_score() -> score, target | nil */
static int l_raw_score(lua_State *L)
{
    double score, target;
    if (!lg_var_score(self(L), &score, &target))
        return 0;
    lua_pushnumber(L, score);
    lua_pushnumber(L, target);
    return 2;
}

static int l_set_score(lua_State *L)
{
    lg_var *v = self(L);
    double score = lg__lua_check_number(L, 2);
    double target = lua_isnoneornil(L, 3) ? 1 : lg__lua_check_number(L, 3);
    int err = lg_var_set_score(v, score, target);
    if (err)
        return lg__lua_raise(L, err, NULL, "a score must be a number, and not NaN");
    return 0;
}

/* v:example() -> number | nil */
static int l_example(lua_State *L)
{
    int64_t example = lg_var_example(self(L));
    if (example < 0)
        return 0;
    lua_pushinteger(L, example);
    return 1;
}

static int l_set_example(lua_State *L)
{
    lg_var *v = self(L);
    lg_var_set_example(v, lg__lua_opt_int(L, 2, -1, LUA_MAXINTEGER, -1));
    return 0;
}

static int l_op(lua_State *L)
{
    lua_pushstring(L, lg_op_name(lg_var_op(self(L))));
    return 1;
}

/* v:inputs() -> list of {name=, var=, text=, media=} */
static int l_inputs(lua_State *L)
{
    lg_var *v = self(L);
    size_t n = lg_var_inputs(v);
    int engine = push_engine(L);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lg_input input;
        if (lg_var_input(v, i, &input))
            break;
        lua_createtable(L, 0, 3);
        lg__lua_set_text(L, "name", input.name);
        if (input.var) {
            lg__lua_push_var(L, engine, input.var);
            lua_setfield(L, -2, "var");
        }
        if (input.text) {
            lua_pushlstring(L, input.text, input.len);
            lua_setfield(L, -2, "text");
        }
        lg__lua_set_text(L, "media", lg_var_input_media(v, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int l_finish_reason(lua_State *L)
{
    lua_pushstring(L, lg_var_finish_reason(self(L)));
    return 1;
}

static int l_thinking(lua_State *L)
{
    size_t len;
    const char *thinking = lg_var_thinking(self(L), &len);
    if (!thinking)
        return 0;
    lua_pushlstring(L, thinking, len);
    return 1;
}

static int l_usage(lua_State *L)
{
    lg_usage usage;
    if (!lg_var_usage(self(L), &usage))
        return 0;
    lg__lua_push_usage(L, &usage);
    return 1;
}

/* v:error() -> nil | {kind=, message=, hint=, http_status=, retryable=, …} */
static int l_error(lua_State *L)
{
    lg_failure f;
    lg_var *v = self(L);
    lg__lua_looked(v);
    if (!lg_var_error(v, &f))
        return 0;
    lua_createtable(L, 0, 8);
    lg__lua_set_text(L, "kind", lg_error_name(f.code));
    lg__lua_set_text(L, "message", f.message);
    lg__lua_set_text(L, "cause", lg_var_cause(v));
    lg__lua_set_text(L, "hint", f.hint);
    lg__lua_set_text(L, "request_id", f.request_id);
    if (f.http_status)
        lg__lua_set_count(L, "http_status", (uint64_t)f.http_status);
    lua_pushboolean(L, f.retryable);
    lua_setfield(L, -2, "retryable");
    lua_pushboolean(L, f.ambiguous);
    lua_setfield(L, -2, "ambiguous");
    return 1;
}

/* ---- versions -------------------------------------------------------------- */

/* v:raw_media() -> "image/png", … | nil for text, and while it is not ready */
static int l_raw_media(lua_State *L)
{
    lua_pushstring(L, lg_var_media(self(L)));
    return 1;
}

/* v:raw_set_media(type, bytes); type nil: told by the bytes */
static int l_raw_set_media(lua_State *L)
{
    size_t len;
    lg_var *v = self(L);
    const char *type = lg__lua_opt_name(L, 2);
    const char *data = lg__lua_check_text(L, 3, &len);
    int err = lg_var_set_media(v, type, data, len);
    if (err == LG_EINVAL) {
        return lg__lua_raise(L, err, NULL, "the %I bytes are no %s", (LUAI_UACINT)len,
                             type ? type : "picture, sound or document of a known kind");
    }
    if (err)
        return lg__lua_raise(L, err, NULL, "the value cannot be set: %s", lg_error_text(err));
    return 0;
}

static int l_raw_set(lua_State *L)
{
    size_t len;
    lg_var *v = self(L);
    const char *text = lg__lua_check_text(L, 2, &len);
    int err = lg_var_set(v, text, len);
    if (err == LG_ESTATE) {
        return lg__lua_raise(L, err, "wait for it first, or cancel it",
                             "the text cannot be set while the variable is pending");
    }
    if (err == LG_EUTF8) {
        return lg__lua_raise(L, err, NULL, "text is not UTF-8: byte %I is wrong",
                             (LUAI_UACINT)lg_utf8_check(text, len) + 1);
    }
    if (err)
        return lg__lua_raise(L, err, NULL, "the text cannot be set: %s", lg_error_text(err));
    return 0;
}

static int l_versions(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lg_var_versions(self(L)));
    return 1;
}

/* The version's number from 0 on. */
static size_t version_of(lua_State *L, const lg_var *v)
{
    lua_Integer i = lg__lua_check_int(L, 2, LUA_MININTEGER, LUA_MAXINTEGER);
    size_t n = lg_var_versions(v);
    if (i < 1 || (size_t)i > n) {
        lg__lua_raise(L, LG_ENOTFOUND, NULL,
                      "version and rollback: there is no version %I, the newest is %I",
                      (LUAI_UACINT)i, (LUAI_UACINT)n);
    }
    return (size_t)i - 1;
}

/* v:version(i from 1) -> text, media type | nil */
static int l_version(lua_State *L)
{
    size_t len = 0;
    const lg_var *v = self(L);
    size_t i = version_of(L, v);
    const char *text = lg_var_version(v, i, &len);
    lua_pushlstring(L, text, len);
    lua_pushstring(L, lg_var_version_media(v, i));
    return 2;
}

/* v:rollback(i from 1): forgets the later ones */
static int l_rollback(lua_State *L)
{
    lg_var *v = self(L);
    int err = lg_var_rollback(v, version_of(L, v));
    if (err)
        return lg__lua_raise(L, err, NULL, "cannot roll back: %s", lg_error_text(err));
    return 0;
}

/* ---- waiting --------------------------------------------------------------- */

static int l_watch(lua_State *L)
{
    lg_var *v = self(L);
    lua_Integer tag = lg__lua_opt_int(L, 2, LUA_MININTEGER, LUA_MAXINTEGER, 0);
    int err = lg_var_watch(v, (uint64_t)tag);
    if (err)
        return lg__lua_raise(L, err, NULL, "cannot watch: %s", lg_error_text(err));
    return 0;
}

/* v:unwatch(tag): a watch is taken back */
static int l_unwatch(lua_State *L)
{
    lg_var_unwatch(self(L), (uint64_t)lg__lua_check_int(L, 2, LUA_MININTEGER, LUA_MAXINTEGER));
    return 0;
}

/* v:wanted() -> whether a node, a pass or a watch waits for it */
static int l_wanted(lua_State *L)
{
    lua_pushboolean(L, lg_var_wanted(self(L)));
    return 1;
}

/* v:cancel() -> whether there was something to cancel */
static int l_cancel(lua_State *L)
{
    int err = lg_var_cancel(self(L));
    if (err && err != LG_ESTATE)
        return lg__lua_raise(L, err, NULL, "cannot cancel: %s", lg_error_text(err));
    lua_pushboolean(L, err == LG_OK);
    return 1;
}

/* ---- feedback -------------------------------------------------------------- */

static void set_long(lua_State *L, const char *field, const char *text, size_t len)
{
    if (!text)
        return;
    lua_pushlstring(L, text, len);
    lua_setfield(L, -2, field);
}

static void push_feedback(lua_State *L, int engine, const lg_feedback *f)
{
    static const char *const states[] = {"none", "empty", "text"};
    lua_createtable(L, 0, 12);
    lg__lua_set_text(L, "state", states[f->state]);
    set_long(L, "text", f->text ? f->text : "", f->len);
    if (f->has_score) {
        lua_pushnumber(L, f->score);
        lua_setfield(L, -2, "score");
        lua_pushnumber(L, f->target);
        lua_setfield(L, -2, "target");
    }
    lg__lua_set_count(L, "from", f->from);
    lg__lua_set_count(L, "input", f->input + 1);
    lg__lua_set_text(L, "from_role", f->from_role);
    if (f->weight != 1) {
        lua_pushnumber(L, f->weight);
        lua_setfield(L, -2, "weight");
    }
    if (f->example >= 0)
        lg__lua_set_count(L, "example", (uint64_t)f->example);
    set_long(L, "conversation", f->conversation, f->conversation_len);
    set_long(L, "remarks", f->remarks, f->remarks_len);
    lg__lua_push_var(L, engine, f->var);
    lua_setfield(L, -2, "var");
}

static void set_sources(lua_State *L, int engine, const lg_var *v, size_t record, size_t n)
{
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lg_feedback f;
        if (lg_var_feedback_source(v, record, i, &f))
            break;
        push_feedback(L, engine, &f);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "sources");
}

/* v:raw_feedback() -> list of records; those of a reduction have sources */
static int l_raw_feedback(lua_State *L)
{
    const lg_var *v = self(L);
    size_t n = lg_var_feedbacks(v);
    int engine = push_engine(L);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lg_feedback f;
        if (lg_var_feedback(v, i, &f))
            break;
        push_feedback(L, engine, &f);
        set_sources(L, engine, v, i, f.n_sources);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int l_add_feedback(lua_State *L)
{
    size_t len;
    lg_var *v = self(L);
    const char *text = lg__lua_check_text(L, 2, &len);
    int err = lg_var_add_feedback(v, text, len);
    if (err == LG_EUTF8) {
        return lg__lua_raise(L, err, NULL, "feedback is not UTF-8: byte %I is wrong",
                             (LUAI_UACINT)lg_utf8_check(text, len) + 1);
    }
    if (err)
        return lg__lua_raise(L, err, NULL, "feedback cannot be added: %s", lg_error_text(err));
    return 0;
}

static int l_raw_zero_grad(lua_State *L)
{
    int err = lg_var_zero_grad(self(L));
    if (err) {
        return lg__lua_raise(L, err, "wait for it first, or cancel it",
                             "feedback cannot be cleared while a backward pass runs");
    }
    return 0;
}

/* v:pass() -> var | nil */
static int l_pass(lua_State *L)
{
    lg_var *pass = lg_var_pass(self(L));
    lg__lua_push_var(L, push_engine(L), pass);
    return 1;
}

/* v:pass_behind() -> var | nil */
static int l_pass_behind(lua_State *L)
{
    lg_var *pass;
    int err = lg__inside_pass_behind(self(L), &pass);
    if (err)
        return lg__lua_raise(L, err, NULL, "the graph cannot be read: %s", lg_error_text(err));
    lg__lua_push_var(L, push_engine(L), pass);
    return 1;
}

static int write_box(void *ud, const char *data, size_t len)
{
    lg_lua_box *box = ud;
    return lg__out_add(&box->out, data, len);
}

/* v:raw_dot(with_feedback) -> the graph in Graphviz' language */
static int l_raw_dot(lua_State *L)
{
    lg_var *v = self(L);
    bool with_feedback = lua_toboolean(L, 2);
    lg_lua_box *box = lg__lua_new_box(L);
    int err = lg_var_dot(v, with_feedback, write_box, box);
    if (err && !box->out.err)
        return lg__lua_raise(L, err, NULL, "cannot draw the graph: %s", lg_error_text(err));
    return lg__lua_push_out(L, box);
}

/* ---- registration ---------------------------------------------------------- */

/* core.var(engine, text, role, grad) -> var */
static int l_var(lua_State *L)
{
    size_t len;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    const char *text = lg__lua_check_text(L, 2, &len);
    const char *role = lg__lua_opt_name(L, 3);
    bool grad = lua_toboolean(L, 4);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    int err = lg_var_new(e, text, len, role ? role : "", grad, &u->v);
    if (err)
        return lg__lua_engine_failed(L, e, err);
    return 1;
}

/* core.media(engine, type, bytes, role, grad) -> var; type nil: told by the bytes */
static int l_media_var(lua_State *L)
{
    size_t len;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    const char *type = lg__lua_opt_name(L, 2);
    const char *data = lg__lua_check_text(L, 3, &len);
    const char *role = lg__lua_opt_name(L, 4);
    bool grad = lua_toboolean(L, 5);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    int err = lg_var_new_media(e, type, data, len, role ? role : "", grad, &u->v);
    if (err)
        return lg__lua_engine_failed(L, e, err);
    return 1;
}

void lg__lua_open_var(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", l_gc}, {"__close", l_gc}, {"__eq", l_same}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"id", l_id},
                                       {"own_id", l_own_id},
                                       {"same", l_same},
                                       {"state", l_state},
                                       {"raw_state", l_raw_state},
                                       {"disown", lg__lua_disown},
                                       {"raw_text", l_raw_text},
                                       {"raw_role", l_raw_role},
                                       {"set_role", l_set_role},
                                       {"grad", l_grad},
                                       {"set_grad", l_set_grad},
                                       {"raw_detach", l_detach},
                                       {"raw_score", l_raw_score},
                                       {"set_score", l_set_score},
                                       {"example", l_example},
                                       {"set_example", l_set_example},
                                       {"raw_set", l_raw_set},
                                       {"raw_set_media", l_raw_set_media},
                                       {"raw_media", l_raw_media},
                                       {"versions", l_versions},
                                       {"version", l_version},
                                       {"rollback", l_rollback},
                                       {"watch", l_watch},
                                       {"unwatch", l_unwatch},
                                       {"wanted", l_wanted},
                                       {"cancel", l_cancel},
                                       {"error", l_error},
                                       {"op", l_op},
                                       {"inputs", l_inputs},
                                       {"raw_feedback", l_raw_feedback},
                                       {"add_feedback", l_add_feedback},
                                       {"raw_zero_grad", l_raw_zero_grad},
                                       {"pass", l_pass},
                                       {"pass_behind", l_pass_behind},
                                       {"raw_dot", l_raw_dot},
                                       {"finish_reason", l_finish_reason},
                                       {"thinking", l_thinking},
                                       {"usage", l_usage},
                                       {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_VAR, meta, methods);
    lua_setfield(L, -2, "var_methods");
    luaL_getmetatable(L, LG_LUA_VAR);
    lua_setfield(L, -2, "var_metatable");
    lua_pushcfunction(L, l_var);
    lua_setfield(L, -2, "var");
    lua_pushcfunction(L, l_media_var);
    lua_setfield(L, -2, "media");
}
