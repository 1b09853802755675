/* lmodel.c - models and tools as Lua objects. Both are only handles: calls to
 * them are nodes, see lnode.c; what a host model or a tool does is in Lua. */
#include "binding/lua_binding.h"

#include <limits.h>
#include <string.h>

/* ---- models ---------------------------------------------------------------- */

/* price_tiers: a list of five numbers a tier: above, input, output, cached, cache_write. */
static size_t read_tiers(lua_State *L, int t, lg_price_tier tiers[LG_PRICE_TIERS])
{
    int64_t v[5 * LG_PRICE_TIERS];
    size_t n = 0;
    if (lua_getfield(L, t, "price_tiers") != LUA_TNIL) {
        n = lg__lua_check_list(L, lua_gettop(L));
        if (n % 5 != 0 || n > sizeof v / sizeof *v)
            lg__lua_raise(L, LG_EINVAL, NULL, "price_tiers must be at most 4 times five numbers");
    }
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        v[i] = lg__lua_opt_int(L, lua_gettop(L), -1, LUA_MAXINTEGER, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    for (size_t i = 0; i < n / 5; i++) {
        tiers[i] =
            (lg_price_tier){v[5 * i], v[5 * i + 1], v[5 * i + 2], v[5 * i + 3], v[5 * i + 4]};
    }
    return n / 5;
}

/* fallback = a list of models, which lives as long as the table. */
static void read_fallbacks(lua_State *L, int t, lg_model_config *c)
{
    lua_pushliteral(L, "fallback");
    if (lua_rawget(L, t) == LUA_TNIL)
        return;
    size_t n = lg__lua_check_list(L, -1);
    lg_model **list = lua_newuserdatauv(L, (n + 1) * sizeof *list, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        list[i] = lg__lua_check_model(L, lua_gettop(L));
        lua_pop(L, 1);
    }
    c->fallbacks = list;
    c->n_fallbacks = n;
}

/* A number; 0 when absent. */
static double field_part(lua_State *L, int t, const char *field)
{
    lua_pushstring(L, field);
    double x = lua_rawget(L, t) == LUA_TNIL ? 0 : lg__lua_check_number(L, -1);
    lua_pop(L, 1);
    return x;
}

static void read_model(lua_State *L, int t, lg_model_config *c, lg_price_tier *tiers)
{
    static const char *const keys[] = {"dialect",
                                       "name",
                                       "model",
                                       "base_url",
                                       "api_key",
                                       "key_name",
                                       "headers",
                                       "options",
                                       "tag",
                                       "no_memo",
                                       "fresh",
                                       "keep_thinking",
                                       "stop_repetition",
                                       "concurrency",
                                       "price_input",
                                       "price_output",
                                       "price_cached",
                                       "price_cache_write",
                                       "price_image_input",
                                       "price_image_output",
                                       "max_output",
                                       "price_tiers",
                                       "quirks",
                                       "fallback",
                                       "rpm",
                                       "tpm",
                                       "hedge_after",
                                       "hedge_percentile",
                                       "hedge_budget",
                                       NULL};
    lg__lua_check_keys(L, t, keys, "model");
    c->dialect = lg__lua_field_name(L, t, "dialect");
    c->name = lg__lua_field_name(L, t, "name");
    c->model = lg__lua_field_name(L, t, "model");
    c->base_url = lg__lua_field_name(L, t, "base_url");
    c->api_key = lg__lua_field_name(L, t, "api_key");
    c->key_name = lg__lua_field_name(L, t, "key_name");
    c->concurrency = (int)lg__lua_field_int(L, t, "concurrency", 0, INT_MAX, 0);
    c->no_memo = lg__lua_field_true(L, t, "no_memo");
    c->fresh = lg__lua_field_true(L, t, "fresh");
    c->keep_thinking = lg__lua_field_true(L, t, "keep_thinking");
    c->stop_repetition = lg__lua_field_true(L, t, "stop_repetition");
    c->tag = (uint64_t)lg__lua_field_int(L, t, "tag", LUA_MININTEGER, LUA_MAXINTEGER, 0);
    c->price_input = lg__lua_field_int(L, t, "price_input", -1, LUA_MAXINTEGER, -1);
    c->price_output = lg__lua_field_int(L, t, "price_output", -1, LUA_MAXINTEGER, -1);
    c->price_cached = lg__lua_field_int(L, t, "price_cached", -1, LUA_MAXINTEGER, -1);
    c->price_cache_write = lg__lua_field_int(L, t, "price_cache_write", -1, LUA_MAXINTEGER, -1);
    c->price_image_input = lg__lua_field_int(L, t, "price_image_input", -1, LUA_MAXINTEGER, -1);
    c->price_image_output = lg__lua_field_int(L, t, "price_image_output", -1, LUA_MAXINTEGER, -1);
    c->requests_per_minute = lg__lua_field_int(L, t, "rpm", 0, LUA_MAXINTEGER, 0);
    c->tokens_per_minute = lg__lua_field_int(L, t, "tpm", 0, LUA_MAXINTEGER, 0);
    c->hedge_after_ms = lg__lua_field_int(L, t, "hedge_after", 0, LUA_MAXINTEGER, 0);
    c->hedge_percentile = (int)lg__lua_field_int(L, t, "hedge_percentile", 0, 99, 0);
    c->hedge_budget = field_part(L, t, "hedge_budget");
    c->max_output = lg__lua_field_int(L, t, "max_output", -1, LUA_MAXINTEGER, 0);
    c->tiers = tiers;
    c->n_tiers = read_tiers(L, t, tiers);
    c->quirks = lg__lua_field_name(L, t, "quirks");
    read_fallbacks(L, t, c);
    lg__lua_field_pairs(L, t, "headers", &c->headers, &c->n_headers);
    lg__lua_field_pairs(L, t, "options", &c->options, &c->n_options);
}

/* core.model(engine, {dialect=, name=, model=, base_url=, …}) -> model */
static int l_model(lua_State *L)
{
    lg_model_config c;
    lg_price_tier tiers[LG_PRICE_TIERS];
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg__lua_check_list(L, 2);
    lg_model_config_init(&c);
    read_model(L, 2, &c, tiers);
    if (c.dialect && strcmp(c.dialect, "exec") == 0)
        lg__lua_check_leave(L, LG_ALLOW_COMMANDS, "programs");
    else if (!c.dialect || strcmp(c.dialect, "host") != 0)
        lg__lua_check_leave(L, LG_ALLOW_MODELS, "models that it was not given");
    lg_lua_model *u = lua_newuserdatauv(L, sizeof *u, 1);
    u->m = NULL;
    u->owner = lua_touserdata(L, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LG_LUA_MODEL);
    int err = lg_model_new(e, &c, &u->m);
    return err ? lg__lua_engine_failed(L, e, err) : 1;
}

void lg__lua_push_model(lua_State *L, int engine, lg_model *m)
{
    engine = lua_absindex(L, engine);
    lg_lua_model *u = lua_newuserdatauv(L, sizeof *u, 1);
    u->m = NULL;
    u->owner = lua_touserdata(L, engine);
    lua_pushvalue(L, engine);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LG_LUA_MODEL);
    u->m = lg_model_ref(m);
}

static int l_model_name(lua_State *L)
{
    lua_pushstring(L, lg_model_name(lg__lua_check_model(L, 1)));
    return 1;
}

static int l_model_gc(lua_State *L)
{
    lg_lua_model *u = luaL_testudata(L, 1, LG_LUA_MODEL);
    if (!u || !u->m)
        return 0;
    lg_model *m = u->m;
    u->m = NULL;
    if (u->owner->e)
        lg_model_unref(m);
    return 0;
}

/* ---- tools ----------------------------------------------------------------- */

/* core.tool(engine, name, purpose, own_backward, tag, version) -> tool; with a version
 * its results are kept in the store */
static int l_tool(lua_State *L)
{
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    const char *name = lg__lua_check_name(L, 2);
    const char *purpose = lg__lua_opt_name(L, 3);
    bool own_backward = lua_toboolean(L, 4);
    uint64_t tag = (uint64_t)lg__lua_opt_int(L, 5, LUA_MININTEGER, LUA_MAXINTEGER, 0);
    const char *version = lg__lua_opt_name(L, 6);
    lg_lua_tool *u = lua_newuserdatauv(L, sizeof *u, 1);
    u->t = NULL;
    u->owner = lua_touserdata(L, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LG_LUA_TOOL);
    int err = lg_tool_new(e, name, purpose, own_backward, tag, &u->t);
    if (!err && version)
        err = lg_tool_cache(u->t, version);
    return err ? lg__lua_engine_failed(L, e, err) : 1;
}

static int l_tool_gc(lua_State *L)
{
    lg_lua_tool *u = luaL_testudata(L, 1, LG_LUA_TOOL);
    if (!u || !u->t)
        return 0;
    lg_tool *t = u->t;
    u->t = NULL;
    if (u->owner->e)
        lg_tool_unref(t);
    return 0;
}

void lg__lua_open_model(lua_State *L)
{
    static const luaL_Reg model_meta[] = {
        {"__gc", l_model_gc}, {"__close", l_model_gc}, {NULL, NULL}};
    static const luaL_Reg model_methods[] = {{"name", l_model_name}, {NULL, NULL}};
    static const luaL_Reg tool_meta[] = {{"__gc", l_tool_gc}, {"__close", l_tool_gc}, {NULL, NULL}};
    static const luaL_Reg tool_methods[] = {{NULL, NULL}};
    static const luaL_Reg functions[] = {{"model", l_model}, {"tool", l_tool}, {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_MODEL, model_meta, model_methods);
    lg__lua_new_class(L, LG_LUA_TOOL, tool_meta, tool_methods);
    lua_pop(L, 2);
    luaL_setfuncs(L, functions, 0);
}
