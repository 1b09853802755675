/* coroutines.c - coroutines through which a state can be cut.
 *
 * When the slice is over, or the code waits for the engine, the innermost coroutine yields with
 * s->cut set. Who resumed it does not return then, but yields in turn, up to the thread that the
 * engine resumes; and when that goes on, resumes it again. Where such a yield is not possible (in
 * a comparator of table.sort, say) the coroutine just goes on. All else is as in Lua's own
 * library. */
#include "host/host.h"

/* ---- to the engine ----------------------------------------------------------- */

static int refuse(lua_State *L)
{
    return lg__lua_raise(L, LG_ESTATE, "wait before, and use the value there",
                         "a script cannot wait inside a function of C that calls it");
}

void lh_went_on(lua_State *L)
{
    lh_state *s = lh_state_of(L);
    if (s->refused) {
        s->refused = false;
        refuse(L);
    }
}

int lh_yield(lua_State *L, lua_KContext extra, lua_KFunction k)
{
    lh_state *s = lh_state_of(L);
    if (!lua_isyieldable(L))
        return refuse(L);
    s->cut = s->waits = true;
    return lua_yieldk(L, 0, extra, k);
}

static int waited(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    lh_went_on(L);
    return 0;
}

int lh_wait(lua_State *L)
{
    lh_state *s = lh_state_of(L);
    lua_Integer ms = luaL_optinteger(L, 2, 0);
    s->due = ms == 0 ? 0 : INT64_MAX;
    if (ms != 0 && lg__party_has_events(s->party))
        return 0;
    return lh_yield(L, 0, waited);
}

/* ---- resuming ------------------------------------------------------------------ */

static lua_State *get_co(lua_State *L, int index)
{
    lua_State *co = lua_tothread(L, index);
    luaL_argexpected(L, co, index, "coroutine");
    return co;
}

enum { WRAPPED = 1 };

static int go_on(lua_State *L, int status, lua_KContext ctx);

/* The values that co has yielded or returned, or its error: < 0. */
static int take(lua_State *L, lua_State *co, int status, int n)
{
    if (status == LUA_OK || status == LUA_YIELD) {
        if (!lua_checkstack(L, n + 1)) {
            lua_pop(co, n);
            lua_pushliteral(L, "too many results to resume");
            return -1;
        }
        lua_xmove(co, L, n);
        return n;
    }
    lua_xmove(co, L, 1);
    return -1;
}

/* Resumes with n arguments on co's stack until it comes back to who resumed it. */
static int resume(lua_State *L, lua_State *co, int n, lua_KContext ctx)
{
    lh_state *s = lh_state_of(L);
    for (;;) {
        lh_running here = {co, s->chain};
        s->chain = &here;
        lh_pace(s, co);
        int results = 0, status = lua_resume(co, L, n, &results);
        s->chain = here.below;
        lh_pace(s, L);
        if (status != LUA_YIELD || !s->cut)
            return take(L, co, status, results);
        lua_pop(co, results);
        if (lua_isyieldable(L))
            return lua_yieldk(L, 0, ctx, go_on);
        s->refused = s->waits; /* it goes on, and is told so */
        s->cut = s->waits = false;
        n = 0;
    }
}

enum { CLOSES = 100 }; /* inside of each other: Lua does not count them, and the C stack ends */

/* Its variables that are to be closed are. → a status; if it is an error, that is on L. */
static int close_co(lua_State *L, lua_State *co)
{
    lh_state *s = lh_state_of(L);
    if (s->closes == CLOSES) {
        lua_pushliteral(L, "C stack overflow");
        return LUA_ERRRUN;
    }
    lh_running here = {co, s->chain};
    s->chain = &here;
    s->closes++;
    int status = lua_resetthread(co);
    s->closes--;
    s->chain = here.below;
    if (status != LUA_OK)
        lua_xmove(co, L, 1);
    return status;
}

static int wrap_error(lua_State *L, lua_State *co)
{
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) /* an error in it: close it */
        status = close_co(L, co);                /* … its error, or one of closing */
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int results(lua_State *L, lua_State *co, int n, bool wrapped)
{
    if (wrapped)
        return n >= 0 ? n : wrap_error(L, co);
    lua_pushboolean(L, n >= 0);
    n = n >= 0 ? n : 1;
    lua_insert(L, -(n + 1));
    return n + 1;
}

static lua_State *its_co(lua_State *L, bool wrapped)
{
    return lua_tothread(L, wrapped ? lua_upvalueindex(1) : 1);
}

static int go_on(lua_State *L, int status, lua_KContext ctx)
{
    bool wrapped = ctx == WRAPPED;
    lua_State *co = its_co(L, wrapped);
    (void)status;
    return results(L, co, resume(L, co, 0, ctx), wrapped);
}

/* What cannot be resumed leaves a message on L. */
static bool may_resume(lua_State *L, lua_State *co, int n)
{
    const char *why = NULL;
    if (!lua_checkstack(co, n))
        why = "too many arguments to resume";
    else if (lua_status(co) == LUA_OK && lua_gettop(co) == 0)
        why = "cannot resume dead coroutine";
    if (why)
        lua_pushstring(L, why);
    return !why;
}

static int begin(lua_State *L, int n, bool wrapped)
{
    lua_State *co = its_co(L, wrapped);
    if (!may_resume(L, co, n))
        return results(L, co, -1, wrapped);
    lua_xmove(L, co, n);
    return results(L, co, resume(L, co, n, wrapped ? WRAPPED : 0), wrapped);
}

static int l_resume(lua_State *L)
{
    (void)get_co(L, 1);
    return begin(L, lua_gettop(L) - 1, false);
}

static int l_wrapped(lua_State *L)
{
    return begin(L, lua_gettop(L), true);
}

static int l_create(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    if (lh_state_of(L)->stacks.fragile)
        lua_checkstack(co, LH_ROOM);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lh_burn(L, LH_EVERY / 10); /* its hook begins to count anew */
    return 1;
}

static int l_wrap(lua_State *L)
{
    l_create(L);
    lua_pushcclosure(L, l_wrapped, 1);
    return 1;
}

/* NULL: it may be closed. */
static const char *cannot_close(lua_State *L, lua_State *co)
{
    lua_Debug ar;
    if (co == L)
        return "running";
    return lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar) ? "normal" : NULL;
}

static int l_close(lua_State *L)
{
    lua_State *co = get_co(L, 1);
    const char *why = cannot_close(L, co);
    if (why)
        return luaL_error(L, "cannot close a %s coroutine", why);
    bool good = close_co(L, co) == LUA_OK;
    lua_pushboolean(L, good);
    if (good)
        return 1;
    lua_insert(L, -2);
    return 2;
}

void lh_open_coroutines(lua_State *L)
{
    static const luaL_Reg functions[] = {{"resume", l_resume},
                                         {"create", l_create},
                                         {"wrap", l_wrap},
                                         {"close", l_close},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
