/* sim.c - the embedded stand-in for a language model, for hosts: a model of the private state's. */
#include <stdio.h>
#include <string.h>

#include "host/hosted.h"

typedef struct lg_simulated {
    const char *name;
    lg_model *model;
    char why[200]; /* why there is none */
} lg_simulated;

static void require_own(lua_State *L, const char *name)
{
    lua_pushcfunction(L, lh_require_own);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
}

/* lg.model(name), whose engine part is what the host gets; or what its settings have wrong. */
static int l_make(lua_State *L)
{
    lg_simulated *s = lua_touserdata(L, 1);
    require_own(L, "lunagrad"); /* the whole, before its engine is used */
    require_own(L, "lunagrad.world");
    lua_getfield(L, -1, "settings");
    lua_pushstring(L, s->name);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -2)) {
        snprintf(s->why, sizeof s->why, "%s", lua_tostring(L, -1));
        return 0;
    }
    require_own(L, "lunagrad.model");
    lua_getfield(L, -1, "new");
    lua_pushstring(L, s->name);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "core");
    s->model = lg_model_ref(lg__lua_check_model(L, lua_gettop(L)));
    return 0;
}

static void make(lh_state *state, void *ud)
{
    lg_simulated *s = ud;
    lua_State *L = state->L;
    int top = lua_gettop(L);
    lua_pushcfunction(L, l_make);
    lua_pushlightuserdata(L, s);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        const char *why = lua_tostring(L, -1);
        snprintf(s->why, sizeof s->why, "%s", why ? why : "sim cannot be made");
    }
    lua_settop(L, top);
}

int lg_model_sim(lg_engine *e, const char *name, lg_model **out)
{
    LG_INSIDE(e);
    lg_simulated s = {.name = name};
    lg_hosted *p;
    if (!name || !out)
        return lg__host_refuse(e, LG_EINVAL, "lg_model_sim: an argument is NULL");
    if (strcmp(name, "sim") != 0 && strncmp(name, "sim/", 4) != 0) {
        return lg__host_refuse(e, LG_EINVAL, "\"%.80s\" is no model of sim, such as sim/default",
                               name);
    }
    int err = lg__hosted_open(e, &p);
    if (err)
        return err;
    lg_party *before = lg__party_use(e, p->state->party);
    bool lives = lh_guard(p->state, make, &s);
    lg__party_use(e, before);
    if (!lives)
        return lg__host_refuse(e, LG_ENOMEM, "no memory for sim");
    if (!s.model)
        return lg__host_refuse(e, LG_EINVAL, "%s", s.why);
    *out = s.model;
    return LG_OK;
}
