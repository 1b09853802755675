/* lnode.c - nodes: model calls, templates, reductions, tool calls, backward passes.
 *
 * Reads lists out of tables and hands them on; each function makes its userdata
 * first and lets the engine fill it. core.call is the hot path: for a usual call
 * it allocates nothing but that userdata. */
#include "binding/lua_binding.h"

#include <limits.h>
#include <string.h>

/* What is on top, if it is an open variable. */
static lg_var *var_on_top(lua_State *L, const char *list, size_t i)
{
    const lg_lua_var *u = luaL_testudata(L, -1, LG_LUA_VAR);
    if (!u) {
        lg__lua_raise(L, LG_EINVAL, NULL, "%s: expected a variable at %I, got %s", list,
                      (LUAI_UACINT)i + 1, luaL_typename(L, -1));
    } else {
        lg__lua_check_open(L, u->owner, u->v, "variable");
    }
    return u ? lg__lua_bound(L, u) : NULL;
}

/* The text on top, which stays alive in its table. */
static const char *name_on_top(lua_State *L, const char *list, size_t i)
{
    size_t len = 0;
    const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (!s || strlen(s) != len) {
        lg__lua_raise(L, LG_EINVAL, NULL, "%s: expected a name at %I, got %s", list,
                      (LUAI_UACINT)i + 1, s ? "a text with a zero byte" : luaL_typename(L, -1));
    }
    return s;
}

typedef struct var_list {
    lg_var **vars;
    size_t n;
    lg_var *few[LG_LUA_FEW];
} var_list;

static void read_vars(lua_State *L, int arg, var_list *list)
{
    list->n = lg__lua_check_list(L, arg);
    list->vars = lg__lua_scratch(L, list->n, sizeof *list->vars, list->few);
    for (size_t i = 0; i < list->n; i++) {
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        list->vars[i] = var_on_top(L, "variables", i);
        lua_pop(L, 1);
    }
}

typedef struct name_list {
    const char **names;
    size_t n;
    const char *few[LG_LUA_FEW];
} name_list;

static void read_names(lua_State *L, int arg, name_list *list)
{
    list->n = lg__lua_check_list(L, arg);
    list->names = lg__lua_scratch(L, list->n, sizeof *list->names, list->few);
    for (size_t i = 0; i < list->n; i++) {
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        list->names[i] = name_on_top(L, "names", i);
        lua_pop(L, 1);
    }
}

static int made(lua_State *L, const lg_engine *e, int err)
{
    return err ? lg__lua_engine_failed(L, e, err) : 1;
}

/* ---- model calls ----------------------------------------------------------- */

typedef struct message_list {
    lg_message *messages;
    size_t n;
    lg_message few[LG_LUA_FEW];
} message_list;

static void read_messages(lua_State *L, int t, message_list *list)
{
    lua_pushliteral(L, "messages");
    lua_rawget(L, t);
    int at = lua_gettop(L);
    list->n = lua_istable(L, at) ? (size_t)lua_rawlen(L, at) : 0;
    if (!list->n)
        lg__lua_raise(L, LG_EINVAL, NULL, "messages: expected a list of {role, variable}");
    list->messages = lg__lua_scratch(L, list->n, sizeof *list->messages, list->few);
    for (size_t i = 0; i < list->n; i++) {
        if (lua_rawgeti(L, at, (lua_Integer)i + 1) != LUA_TTABLE) {
            lg__lua_raise(L, LG_EINVAL, NULL, "messages: expected {role, variable} at %I",
                          (LUAI_UACINT)i + 1);
        }
        lua_rawgeti(L, -1, 1);
        list->messages[i].role = name_on_top(L, "messages", i);
        lua_rawgeti(L, -2, 2);
        list->messages[i].var = var_on_top(L, "messages", i);
        lua_pop(L, 3);
    }
}

static int kind_of(lua_State *L, const char *name)
{
    static const char *const kinds[LG_KINDS] = {"forward", "backward", "optimizer", "judge"};
    if (!name)
        return LG_FORWARD;
    for (int i = 0; i < LG_KINDS; i++) {
        if (strcmp(kinds[i], name) == 0)
            return i;
    }
    return lg__lua_raise(L, LG_EINVAL, NULL,
                         "kind: expected forward, backward, optimizer or judge, got '%s'", name);
}

/* core.call(engine, model, {messages=, role=, options=, sample=, kind=, example=, tag=,
 * purpose=}) -> var;
 * with a tag other than 0 its pieces come as events of the type partial */
static int l_call(lua_State *L)
{
    lg_call call;
    message_list list;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_model *model = lg__lua_check_model(L, 2);
    lg__lua_check_list(L, 3);
    lua_settop(L, 3);
    read_messages(L, 3, &list);
    lg_call_init(&call);
    call.messages = list.messages;
    call.n_messages = list.n;
    call.role = lg__lua_field_name(L, 3, "role");
    call.sample = (uint32_t)lg__lua_field_int(L, 3, "sample", 0, UINT32_MAX, 0);
    call.kind = kind_of(L, lg__lua_field_name(L, 3, "kind"));
    call.tag = (uint64_t)lg__lua_field_int(L, 3, "tag", 0, LUA_MAXINTEGER, 0);
    call.stream = call.tag != 0;
    call.example = lg__lua_field_int(L, 3, "example", -1, LUA_MAXINTEGER, -1);
    call.purpose = (uint64_t)lg__lua_field_int(L, 3, "purpose", 0, LUA_MAXINTEGER, 0);
    lg__lua_field_pairs(L, 3, "options", &call.options, &call.n_options);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(L, e, lg_call_model(e, model, &call, &u->v));
}

/* ---- texts of texts -------------------------------------------------------- */

static void check_pairs(lua_State *L, size_t names, size_t vars)
{
    if (names != vars) {
        lg__lua_raise(L, LG_EINVAL, NULL, "%I names were given for %I variables",
                      (LUAI_UACINT)names, (LUAI_UACINT)vars);
    }
}

/* core.format(engine, template, names, vars, role, fenced) -> var */
static int l_format(lua_State *L)
{
    name_list names;
    var_list vars;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_var *tmpl = lg__lua_check_var(L, 2);
    const char *role = lg__lua_opt_name(L, 5);
    bool fenced = lua_toboolean(L, 6);
    read_names(L, 3, &names);
    read_vars(L, 4, &vars);
    check_pairs(L, names.n, vars.n);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(
        L, e, lg_format(e, tmpl, names.names, vars.vars, vars.n, role ? role : "", fenced, &u->v));
}

/* core.concat(engine, vars, role) -> var */
static int l_concat(lua_State *L)
{
    var_list vars;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    const char *role = lg__lua_opt_name(L, 3);
    read_vars(L, 2, &vars);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(L, e, lg_concat(e, vars.vars, vars.n, role ? role : "", &u->v));
}

/* A list of as many numbers as there are variables; NULL: none was given. */
static const double *read_weights(lua_State *L, int at, size_t n)
{
    if (lua_isnoneornil(L, at))
        return NULL;
    lg__lua_check_list(L, at);
    if (lua_rawlen(L, at) != n) {
        lg__lua_raise(L, LG_EINVAL, NULL, "%I weights were given for %I variables",
                      (LUAI_UACINT)lua_rawlen(L, at), (LUAI_UACINT)n);
    }
    double *weights = lua_newuserdatauv(L, (n + 1) * sizeof *weights, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        weights[i] = luaL_checknumber(L, -1);
        lua_pop(L, 1);
    }
    return weights;
}

typedef int (*reduction)(lg_engine *, lg_var *const *, const double *, size_t, unsigned, lg_var **);

static int reduce(lua_State *L, reduction make)
{
    var_list vars;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    unsigned flags = lua_toboolean(L, 3) ? LG_SKIP_FAILED : 0;
    lua_settop(L, 4);
    read_vars(L, 2, &vars);
    const double *weights = read_weights(L, 4, vars.n);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(L, e, make(e, vars.vars, weights, vars.n, flags, &u->v));
}

/* core.sum(engine, vars, skip_failed, weights | nil) -> var */
static int l_sum(lua_State *L)
{
    return reduce(L, lg_sum_weighted);
}

/* core.mean(engine, vars, skip_failed, weights | nil) -> var */
static int l_mean(lua_State *L)
{
    return reduce(L, lg_mean_weighted);
}

/* core.tool_call(engine, tool, names, vars, role) -> var */
static int l_tool_call(lua_State *L)
{
    name_list names;
    var_list vars;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_tool *tool = lg__lua_check_tool(L, 2);
    const char *role = lg__lua_opt_name(L, 5);
    read_names(L, 3, &names);
    read_vars(L, 4, &vars);
    check_pairs(L, names.n, vars.n);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(L, e, lg_tool_call(e, tool, names.names, vars.vars, vars.n, role, &u->v));
}

/* ---- promises -------------------------------------------------------------- */

/* core.promise(engine, vars, role) -> var */
static int l_promise(lua_State *L)
{
    var_list vars;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    const char *role = lg__lua_opt_name(L, 3);
    read_vars(L, 2, &vars);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(L, e, lg_promise_new(e, vars.vars, vars.n, role ? role : "", &u->v));
}

/* core.keep(engine, promise, var, text | nil) */
static int l_keep(lua_State *L)
{
    size_t len = 0;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_var *promise = lg__lua_check_var(L, 2), *from = lg__lua_check_var(L, 3);
    const char *text = lua_isnoneornil(L, 4) ? NULL : lg__lua_check_text(L, 4, &len);
    int err = lg_promise_keep(promise, from, text, len);
    return err ? lg__lua_engine_failed(L, e, err) : 0;
}

/* core.break_promise(engine, promise, kind, message, hint | nil, cause | nil) */
static int l_break(lua_State *L)
{
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_var *promise = lg__lua_check_var(L, 2);
    int code = lg__lua_check_code(L, 3);
    const char *message = lg__lua_check_text(L, 4, NULL);
    const char *hint = lg__lua_opt_name(L, 5), *cause = lg__lua_opt_name(L, 6);
    int err = lg_promise_fail_as(promise, code, message, cause, hint);
    return err ? lg__lua_engine_failed(L, e, err) : 0;
}

/* core.timer(engine, µs, role) -> var, ready when that time has passed */
static int l_timer(lua_State *L)
{
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    int64_t after = lg__lua_check_int(L, 2, 0, LUA_MAXINTEGER);
    const char *role = lg__lua_opt_name(L, 3);
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(L, e, lg_timer_new(e, after, role, &u->v));
}

/* ---- backward -------------------------------------------------------------- */

/* core.backward(engine, root, {model=, context_tokens=, reply_tokens=, skip_failed=}) -> pass;
 * reply_tokens 0: no ceiling */
static int l_backward(lua_State *L)
{
    static const char *const keys[] = {"model",       "context_tokens", "reply_tokens",
                                       "skip_failed", "grain",          NULL};
    lg_backward b;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_var *root = lg__lua_check_var(L, 2);
    lg_backward_init(&b);
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        lg__lua_check_list(L, 3);
        lg__lua_check_keys(L, 3, keys, "backward");
        b.context_tokens = (size_t)lg__lua_field_int(L, 3, "context_tokens", 0, LUA_MAXINTEGER, 0);
        b.skip_failed = lg__lua_field_true(L, 3, "skip_failed");
        b.grain = (int)lg__lua_field_int(L, 3, "grain", LG_GRAIN_EDGE, LG_GRAIN_AUTO, 0);
        lua_Integer reply = lg__lua_field_int(L, 3, "reply_tokens", 0, INT32_MAX, -1);
        b.no_ceiling = reply == 0;
        b.reply_tokens = reply > 0 ? (size_t)reply : 0;
        lua_pushliteral(L, "model");
        if (lua_rawget(L, 3) != LUA_TNIL)
            b.model = lg__lua_check_model(L, 4);
    }
    lg_lua_var *u = lg__lua_new_var(L, 1);
    return made(L, e, lg_backward_start(e, root, &b, &u->v));
}

void lg__lua_open_node(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"call", l_call},         {"format", l_format}, {"concat", l_concat},
        {"sum", l_sum},           {"mean", l_mean},     {"tool_call", l_tool_call},
        {"promise", l_promise},   {"keep", l_keep},     {"break_promise", l_break},
        {"backward", l_backward}, {"timer", l_timer},   {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
