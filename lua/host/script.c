/* script.c - lg_script_*: a user's Lua in a state of its own. See lunagrad.h.
 *
 * A script has one life: made (compiled), started, ended. At its end its Lua is freed at once,
 * what it began is cancelled, and its result or failure stays until the host frees it. */
#include "binding/clean.h"
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct function { /* that the host registered */
    struct function *next;
    lg_tool *tool; /* counted */
    char name[];
} function;

typedef struct given { /* a model of the host's */
    struct given *next;
    lg_model *model; /* counted */
    char role[];
} given;

struct lg_script {
    lh_state s;
    int state; /* enum lg_state */
    bool started, told;
    int64_t wall_us, wall_due; /* wall_due: of the engine's clock */
    uint64_t seed;
    function *functions;
    given *models;
    char *args; /* JSON; NULL: none */
    size_t args_len;
    lg_out result;
    int code;
    lg_out message;
};

static const size_t MEMORY = (size_t)64 << 20;
static const int64_t CPU_MS = 10000, SLICE_US = 1000;

/* ---- small things ---------------------------------------------------------- */

static void *get(lg_script *x, size_t size)
{
    return lg__party_alloc(x->s.party, NULL, 0, size);
}

static void give_back(lg_script *x, void *block, size_t size)
{
    if (block)
        lg__party_alloc(x->s.party, block, size, 0);
}

static int failed(lg_engine *e, int code, const char *what)
{
    lg__inside_error(e, code, what);
    return code;
}

enum { LONGEST = 1 << 30 }; /* bytes of a text of the host's */

static char *copy_text(lg_script *x, const char *text, size_t len)
{
    char *copy = get(x, len + 1);
    if (copy) {
        if (len > 0)
            memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

static int lives(lg_script *x)
{
    return x->state == LG_PENDING ? LG_OK : failed(x->s.e, LG_ESTATE, "the script has ended");
}

static int is_new(lg_script *x)
{
    return !x->started && x->state == LG_PENDING
               ? LG_OK
               : failed(x->s.e, LG_ESTATE, "the script was started before");
}

/* ---- the end ------------------------------------------------------------------ */

static void end(lg_script *x, int state)
{
    x->state = state;
    lh_print_end(&x->s);
    lh_state_close(&x->s);
    lg__party_mute(x->s.party);
    for (function *f = x->functions; f; f = f->next) {
        lg_tool_unref(f->tool);
        f->tool = NULL;
    }
    for (given *m = x->models; m; m = m->next) {
        lg_model_unref(m->model);
        m->model = NULL;
    }
    if (x->started)
        lg__party_tell_end(x->s.party, x->s.tag);
}

static void fail(lg_script *x, int state, int code, const char *message, size_t len)
{
    x->code = code;
    lg__out_add(&x->message, message, len);
    end(x, state);
}

/* ---- its results ----------------------------------------------------------------- */

/* An error is told as it is: the library's by its words, a text, or what it is. */
static int push_error_text(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING)
        return 1;
    luaL_getmetatable(L, LG_LUA_ERROR);
    if (lua_istable(L, 1) && lua_getmetatable(L, 1) && lua_rawequal(L, -1, -2)) {
        lua_settop(L, 1);
        return lg__lua_error_text(L);
    }
    if (lua_isnumber(L, 1))
        lua_pushstring(L, lua_tostring(L, 1));
    else
        lua_pushfstring(L, "(the error is a %s)", luaL_typename(L, 1));
    return 1;
}

typedef struct ending {
    lg_script *x;
    int n;      /* results */
    bool fails; /* … or an error */
} ending;

static int encode_results(lua_State *L)
{
    int n = lua_gettop(L);
    lg_script *x = lua_touserdata(L, lua_upvalueindex(1));
    size_t len;
    lh_push_engine(L);
    lua_pop(L, 1);
    lua_pushcfunction(L, lg__lua_json_encode);
    if (n > 1) {
        lua_createtable(L, n, 0);
        for (int i = 1; i <= n; i++) {
            lua_pushvalue(L, i);
            lua_rawseti(L, -2, i);
        }
        lg__lua_set_class(L, LG_LUA_ARRAY);
    } else if (n == 1) {
        lua_pushvalue(L, 1);
    }
    if (n == 0 || lua_isnil(L, -1)) {
        lg__out_add(&x->result, "null", 4);
        return 0;
    }
    lua_call(L, 1, 1);
    const char *text = lua_tolstring(L, -1, &len);
    lg__out_add(&x->result, text, len);
    return 0;
}

enum { MESSAGE = 8192 }; /* bytes of one */

/* One line of UTF-8, whatever the script raised. */
static void take_message(lg_script *x, const char *why, size_t len)
{
    char text[MESSAGE];
    bool is_long = len > MESSAGE;
    len = is_long ? MESSAGE : len;
    while (is_long && len > MESSAGE - 4 && ((unsigned char)why[len] & 0xC0) == 0x80)
        len--;
    len = lg__clean(text, why, len);
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '\n' ? ' ' : text[i];
    lg__out_add(&x->message, text, len);
    if (is_long)
        lg__out_add(&x->message, "…", strlen("…"));
}

static void take_end(lh_state *s, void *ud)
{
    ending *e = ud;
    lua_State *L = s->co;
    if (!e->fails) {
        lua_pushlightuserdata(L, e->x);
        lua_pushcclosure(L, encode_results, 1);
        lua_insert(L, -(e->n + 1));
        if (lua_pcall(L, e->n, 0, 0) == LUA_OK)
            return;
        e->fails = true;
    }
    size_t len;
    e->x->code = lh_code_of(L);
    lua_pushcfunction(L, push_error_text);
    lua_insert(L, -2);
    const char *why = lua_pcall(L, 1, 1, 0) == LUA_OK ? lua_tolstring(L, -1, &len) : NULL;
    if (why)
        take_message(e->x, why, len);
}

static void finish(lg_script *x, enum lh_slice how, int n)
{
    ending e = {.x = x, .n = n, .fails = how == LH_FAILED};
    bool told = how != LH_DIED && lh_guard(&x->s, take_end, &e);
    if (!told) {
        lg__out_free(&x->message);
        fail(x, LG_FAILED, x->s.dead, x->s.why, strlen(x->s.why));
    } else if (x->result.err) {
        fail(x, LG_FAILED, x->result.err, lg_error_text(x->result.err),
             strlen(lg_error_text(x->result.err)));
    } else {
        end(x, e.fails ? LG_FAILED : LG_READY);
    }
}

/* ---- running ------------------------------------------------------------------------ */

static void drain(lg_script *x)
{
    while (lg__party_next(x->s.party))
        continue;
}

static bool run(void *ud, int64_t until_us, bool idle)
{
    lg_script *x = ud;
    int n;
    (void)idle;
    if (x->state != LG_PENDING || !x->started)
        return false;
    if (x->wall_due && lg_engine_now(x->s.e) >= x->wall_due) {
        char why[80];
        int len = snprintf(why, sizeof why, "wall: it took longer than %lld ms",
                           (long long)x->wall_us / 1000);
        fail(x, LG_FAILED, LG_ELIMIT, why, (size_t)len);
        return false;
    }
    if (!x->s.library)
        drain(x);
    enum lh_slice how = lh_state_run(&x->s, until_us, &n);
    if (how == LH_CUT || how == LH_WAITS) {
        int64_t due = how == LH_CUT ? 0 : x->s.due;
        if (x->wall_due && x->wall_due < due)
            due = x->wall_due;
        lg__party_due(x->s.party, due);
        return true;
    }
    finish(x, how, n);
    return false;
}

static void engine_ends(void *ud)
{
    lg_script_free(ud);
}

/* ---- making -------------------------------------------------------------------------- */

void lg_script_config_init_size(lg_script_config *cfg, size_t size)
{
    const lg_script_config none = {.size = sizeof none};
    if (cfg)
        lg__sized_write(cfg, size, &none);
}

typedef struct chunk {
    const char *source, *name;
    size_t len;
    uint64_t seed;
    int status;
    char why[256];
} chunk;

/* math.random's numbers are the same for the same seed. */
static void seed_chance(lua_State *L, uint64_t seed)
{
    lua_getglobal(L, LUA_MATHLIBNAME);
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)seed);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

static void compile(lh_state *s, void *ud)
{
    chunk *c = ud;
    lua_State *L = s->co;
    lua_settop(L, 0);
    c->status = luaL_loadbufferx(L, c->source, c->len, c->name, "t");
    if (c->status == LUA_OK) {
        seed_chance(L, c->seed);
    } else {
        const char *why = lua_tostring(L, -1);
        snprintf(c->why, sizeof c->why, "%s", why ? why : "it cannot be compiled");
    }
}

/* "@name", shown as it is. */
static int compile_source(lg_script *x, const char *source, size_t len, const char *name)
{
    char shown[128];
    snprintf(shown, sizeof shown, "@%s", name && *name ? name : "script");
    chunk c = {.source = source ? source : "", .name = shown, .len = len, .seed = x->seed};
    if (!lh_guard(&x->s, compile, &c))
        return failed(x->s.e, x->s.dead, x->s.why);
    return c.status == LUA_OK ? LG_OK : failed(x->s.e, LG_EPARSE, c.why);
}

static int check(lg_engine *e, const char *source, size_t len, const char *name, lg_script **out)
{
    if (!out || (!source && len))
        return failed(e, LG_EINVAL, "an argument is NULL");
    if (len > LONGEST)
        return failed(e, LG_ELIMIT, "a script's source is too long");
    if (lg_utf8_check(source ? source : "", len) >= 0 ||
        (name && lg_utf8_check(name, strlen(name)) >= 0))
        return failed(e, LG_EUTF8, "a script's source and name are UTF-8");
    return LG_OK;
}

static void read_limits(lg_script *x, const lg_script_config *c)
{
    x->s.tag = c->tag;
    x->s.limits = (lh_limits){
        .memory = c->memory ? c->memory : MEMORY,
        .instructions = c->instructions,
        .cpu_us = c->cpu_ms < 0 ? 0 : (c->cpu_ms ? c->cpu_ms : CPU_MS) * 1000,
        .slice_us = c->slice_us > 0 ? c->slice_us : SLICE_US,
    };
    x->s.collect_at = x->s.limits.memory / 2;
    x->s.lent.allow = c->allow;
    x->wall_us = c->wall_ms > 0 ? c->wall_ms * 1000 : 0;
    x->seed = c->seed;
}

static void fill_host(lua_State *L, lh_state *s);

int lg_script_new(lg_engine *e, const char *source, size_t len, const char *name,
                  const lg_script_config *cfg, lg_script **out)
{
    LG_INSIDE(e);
    lg_script_config c = {.size = sizeof c};
    int err = check(e, source, len, name, out);
    if (err)
        return err;
    if (cfg && !lg__sized_read(&c, cfg)) {
        return failed(e, LG_EINVAL,
                      "the script's size is not set: call lg_script_config_init first");
    }
    lg_script *x = lg__inside_alloc(e, NULL, 0, sizeof *x);
    if (!x)
        return failed(e, LG_ENOMEM, "no memory for a script");
    memset(x, 0, sizeof *x);
    read_limits(x, &c);
    x->s.fill = fill_host;
    err = lh_open(&x->s, e, &(lh_owner){run, engine_ends, x});
    if (err) {
        failed(e, x->s.dead ? x->s.dead : err, x->s.dead ? x->s.why : "no memory for a script");
        err = x->s.dead ? x->s.dead : err;
        lg__inside_alloc(e, x, sizeof *x, 0);
        return err;
    }
    if (c.root) {
        x->s.root = copy_text(x, c.root, strlen(c.root));
        if (!x->s.root) {
            lg_script_free(x);
            return failed(e, LG_ENOMEM, "no memory for a script");
        }
    }
    x->result.alloc = x->message.alloc = lh_alloc;
    x->result.alloc_ud = x->message.alloc_ud = x->s.party;
    err = compile_source(x, source, len, name);
    if (err) {
        lg_script_free(x);
        return err;
    }
    *out = x;
    return LG_OK;
}

int lg_script_module(lg_script *x, const char *name, const char *source, size_t len)
{
    LG_INSIDE(x ? x->s.e : NULL);
    int err = is_new(x);
    if (err)
        return err;
    if (len > LONGEST)
        return failed(x->s.e, LG_ELIMIT, "a module's source is too long");
    if (!name || !*name || (!source && len) || strncmp(name, "lunagrad", 8) == 0)
        return failed(x->s.e, LG_EINVAL, "a module needs a name, not the library's, and a source");
    lh_module *m = get(x, sizeof *m);
    if (m) {
        m->name = copy_text(x, name, strlen(name));
        m->source = copy_text(x, source, len);
        m->len = len;
    }
    if (!m || !m->name || !m->source) {
        if (m) {
            give_back(x, m->name, strlen(name) + 1);
            give_back(x, m->source, len + 1);
        }
        give_back(x, m, sizeof *m);
        return failed(x->s.e, LG_ENOMEM, "no memory for a module");
    }
    m->next = x->s.modules;
    x->s.modules = m;
    return LG_OK;
}

/* ---- functions and models ------------------------------------------------------------ */

static bool is_name(const char *name)
{
    if (!name || (*name >= '0' && *name <= '9') || !*name)
        return false;
    for (const char *c = name; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && !(*c >= '0' && *c <= '9'))
            return false;
    }
    return strlen(name) <= 100;
}

static int set_host_function(lua_State *L)
{
    const function *f = lua_touserdata(L, 1);
    lua_pushglobaltable(L);
    lua_pushliteral(L, "host");
    lua_rawget(L, -2);
    if (!lua_istable(L, -1))
        return 0;
    lua_pushstring(L, f->name);
    lh_push_function(L, f->tool);
    lua_rawset(L, -3);
    return 0;
}

static void set_function(lh_state *s, void *ud)
{
    lua_State *L = lua_newthread(s->L); /* its code may be cut in the midst of something */
    lua_pushcfunction(L, set_host_function);
    lua_pushlightuserdata(L, ud);
    lua_pcall(L, 1, 0, 0);
    lua_pop(s->L, 1);
}

int lg_script_function(lg_script *x, const char *name, lg_script_fn fn, void *ud)
{
    LG_INSIDE(x ? x->s.e : NULL);
    int err = lives(x);
    if (err)
        return err;
    if (!is_name(name))
        return failed(x->s.e, LG_EINVAL, "a function's name is letters, digits and _");
    function *f = get(x, sizeof *f + strlen(name) + 1);
    if (!f)
        return failed(x->s.e, LG_ENOMEM, "no memory for a function");
    memcpy(f->name, name, strlen(name) + 1);
    err = lg__function_new(x->s.e, name, x, x->s.tag, fn, ud, &f->tool);
    if (err) {
        give_back(x, f, sizeof *f + strlen(name) + 1);
        return err;
    }
    f->next = x->functions;
    x->functions = f; /* one of the same name stays until the end: it may be called */
    if (!x->started || lh_guard(&x->s, set_function, f))
        return LG_OK; /* before the start it is set then: the library is made with all arguments */
    finish(x, LH_DIED, 0);
    return failed(x->s.e, LG_ENOMEM, "no memory for a function");
}

int lg_script_model(lg_script *x, const char *role, lg_model *m)
{
    LG_INSIDE(x ? x->s.e : NULL);
    int err = is_new(x);
    if (err)
        return err;
    if (!role || !*role || !m || lg_utf8_check(role, strlen(role)) >= 0)
        return failed(x->s.e, LG_EINVAL, "a script's model needs a role or name, and a model");
    given *g = get(x, sizeof *g + strlen(role) + 1);
    if (!g)
        return failed(x->s.e, LG_ENOMEM, "no memory for a model");
    memcpy(g->role, role, strlen(role) + 1);
    g->model = lg_model_ref(m);
    g->next = NULL;
    given **at = &x->models;
    while (*at)
        at = &(*at)->next;
    *at = g;
    return LG_OK;
}

/* core.host.progress(json) */
static int l_progress(lua_State *L)
{
    size_t len;
    lh_state *s = lh_state_of(L);
    const char *text = luaL_checklstring(L, 1, &len);
    lg__party_tell(s->party, LG_EVENT_PROGRESS, s->tag, text, len);
    return 0;
}

static void push_args(lua_State *L, const lg_script *x)
{
    lua_pushcfunction(L, lg__lua_json_decode);
    lua_pushlstring(L, x->args, x->args_len);
    lua_call(L, 1, 1);
}

/* Below it on the stack is the engine's userdata. */
static void fill_host(lua_State *L, lh_state *s)
{
    const lg_script *x = (const lg_script *)s; /* its first member */
    int at = lua_gettop(L);
    lua_Integer n = 0;
    lua_pushcfunction(L, l_progress);
    lua_setfield(L, at, "progress");
    if (x->seed) {
        lua_pushinteger(L, (lua_Integer)x->seed);
        lua_setfield(L, at, "seed");
    }
    lua_pushboolean(L, !(x->s.lent.allow & LG_ALLOW_MODELS));
    lua_setfield(L, at, "closed");
    lua_newtable(L);
    for (const given *g = x->models; g; g = g->next) {
        lua_createtable(L, 2, 0);
        lua_pushstring(L, g->role);
        lua_rawseti(L, -2, 1);
        lg__lua_push_model(L, at - 1, g->model);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, ++n);
    }
    lua_setfield(L, at, "models");
    if (x->args) {
        push_args(L, x);
        lua_setfield(L, at, "args");
    }
}

/* ---- start, answers ------------------------------------------------------------------ */

/* The values of ..., above the function. */
static int expand_args(lua_State *L)
{
    const lg_script *x = lua_touserdata(L, lua_upvalueindex(1));
    lh_push_engine(L);
    lua_settop(L, 0);
    push_args(L, x);
    if (!lua_istable(L, 1) || x->args[0] == '{')
        return 1;
    int n = (int)lua_rawlen(L, 1);
    luaL_checkstack(L, n, "too many arguments");
    for (int i = 1; i <= n; i++)
        lua_rawgeti(L, 1, i);
    return n;
}

static void prepare_args(lh_state *s, void *ud)
{
    lg_script *x = ud;
    if (!x->args)
        return;
    lua_pushlightuserdata(s->co, x);
    lua_pushcclosure(s->co, expand_args, 1);
    if (lua_pcall(s->co, 0, LUA_MULTRET, 0) != LUA_OK) {
        lh_die(s, LG_EPARSE, "%s",
               lua_tostring(s->co, -1) ? lua_tostring(s->co, -1) : "bad arguments");
    }
}

static int check_json(lg_engine *e, const char *json, size_t len)
{
    lg_items *items;
    size_t where;
    int err = len > LONGEST ? LG_ELIMIT : lg__items_open(NULL, NULL, json, len, &items, &where);
    if (!err)
        lg__items_close(items);
    return err ? failed(e, err == LG_EUTF8 ? LG_EPARSE : err, "this is no JSON") : LG_OK;
}

static int take_args(lg_script *x, const char *args)
{
    if (!args)
        return LG_OK;
    size_t blank = strspn(args, " \t\r\n");
    args += blank;
    size_t len = strlen(args);
    if (*args != '{' && *args != '[')
        return failed(x->s.e, LG_EPARSE, "a script's arguments are a JSON object or array");
    int err = check_json(x->s.e, args, len);
    if (err)
        return err;
    x->args = copy_text(x, args, len);
    x->args_len = len;
    return x->args ? LG_OK : failed(x->s.e, LG_ENOMEM, "no memory for arguments");
}

/* Those that were given before the start, the oldest first: of one name the last counts. */
static bool set_functions(lg_script *x)
{
    function *f = x->functions, *first = NULL;
    while (f) {
        function *next = f->next;
        f->next = first;
        first = f;
        f = next;
    }
    x->functions = first;
    for (f = first; f; f = f->next) {
        if (!lh_guard(&x->s, set_function, f))
            return false;
    }
    return true;
}

int lg_script_start(lg_script *x, const char *args)
{
    LG_INSIDE(x ? x->s.e : NULL);
    int err = is_new(x);
    if (!err)
        err = take_args(x, args);
    if (err)
        return err;
    if (!set_functions(x) || !lh_guard(&x->s, prepare_args, x)) {
        x->started = true;
        finish(x, LH_DIED, 0);
        return LG_OK;
    }
    x->started = true;
    if (x->wall_us)
        x->wall_due = lg_engine_now(x->s.e) + x->wall_us;
    lg__party_due(x->s.party, 0);
    return LG_OK;
}

int lg_script_return(lg_script *x, uint64_t id, const char *json, size_t len)
{
    LG_INSIDE(x ? x->s.e : NULL);
    if (!json && len)
        return failed(x->s.e, LG_EINVAL, "an argument is NULL");
    if (!json || len == 0) {
        json = "null";
        len = 4;
    }
    int err = check_json(x->s.e, json, len);
    return err ? err : lg__function_return(x->s.e, x, id, json, len, NULL);
}

int lg_script_fail(lg_script *x, uint64_t id, const char *message)
{
    LG_INSIDE(x ? x->s.e : NULL);
    const char *why = message && *message ? message : "the host's function failed";
    return lg__function_fail(x->s.e, x, id, LG_ETOOL, why);
}

/* ---- looking, ending ------------------------------------------------------------------ */

int lg_script_state(const lg_script *x)
{
    LG_INSIDE(x ? x->s.e : NULL);
    return x->state;
}

const char *lg_script_result(const lg_script *x, size_t *len)
{
    LG_INSIDE(x ? x->s.e : NULL);
    bool ready = x->state == LG_READY;
    if (len)
        *len = ready ? x->result.len : 0;
    return ready ? x->result.data : NULL;
}

bool lg_script_error(const lg_script *x, lg_failure *out)
{
    LG_INSIDE(x ? x->s.e : NULL);
    if (x->state != LG_FAILED && x->state != LG_CANCELLED)
        return false;
    if (out) {
        *out = (lg_failure){.code = x->code,
                            .message = x->message.data ? x->message.data : lg_error_text(x->code)};
    }
    return true;
}

void lg_script_used(const lg_script *x, size_t *bytes, size_t *peak, int64_t *cpu_us)
{
    LG_INSIDE(x ? x->s.e : NULL);
    if (bytes)
        *bytes = x->s.used;
    if (peak)
        *peak = x->s.peak;
    if (cpu_us)
        *cpu_us = x->s.cpu_us;
}

void lg_script_kill(lg_script *x)
{
    LG_INSIDE(x ? x->s.e : NULL);
    static const char why[] = "it was killed";
    if (x->state == LG_PENDING)
        fail(x, LG_CANCELLED, LG_ECANCELLED, why, sizeof why - 1);
}

void lg_script_free(lg_script *x)
{
    LG_INSIDE(x ? x->s.e : NULL);
    if (!x)
        return;
    lg_engine *e = x->s.e;
    lg_script_kill(x);
    while (x->functions) {
        function *f = x->functions;
        x->functions = f->next;
        give_back(x, f, sizeof *f + strlen(f->name) + 1);
    }
    while (x->models) {
        given *m = x->models;
        x->models = m->next;
        give_back(x, m, sizeof *m + strlen(m->role) + 1);
    }
    give_back(x, x->args, x->args_len + 1);
    if (x->s.root)
        give_back(x, x->s.root, strlen(x->s.root) + 1);
    lg__out_free(&x->result);
    lg__out_free(&x->message);
    lh_state_free(&x->s);
    lg__inside_alloc(e, x, sizeof *x, 0);
}
