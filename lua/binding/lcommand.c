/* lcommand.c - programs as tools: started from a table, and what came of them as one.
 *
 * core.command makes two values: the command, which holds what the program left, and a
 * variable that is ready when it has ended. Which files a program may see and where it is
 * found is policy: lua/lunagrad/command.lua. */
#include "binding/lua_binding.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LG_LUA_COMMAND "lunagrad.command"
#define LG_LUA_TALK "lunagrad.talk"

typedef struct lua_command {
    lg_command *c; /* NULL: closed */
    const lg_lua_engine *owner;
} lua_command;

/* ---- a spec ---------------------------------------------------------------------- */

/* The table's field as a list of texts without zero bytes, ended by NULL; memory on the
 * stack, texts the table's. NULL: there is none. */
static const char *const *read_texts(lua_State *L, int t, const char *field)
{
    if (lua_getfield(L, t, field) != LUA_TTABLE)
        return NULL;

    int at = lua_gettop(L);
    size_t n = (size_t)lua_rawlen(L, at);
    const char **list = lua_newuserdatauv(L, (n + 1) * sizeof *list, 0);
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *s = NULL;
        if (lua_rawgeti(L, at, (lua_Integer)i + 1) == LUA_TSTRING)
            s = lua_tolstring(L, -1, &len);

        if (!s || strlen(s) != len) {
            lg__lua_raise(L, LG_EINVAL, NULL, "%s: expected a text without zero bytes at %I", field,
                          (LUAI_UACINT)i + 1);
        }
        list[i] = s;
        lua_pop(L, 1);
    }
    list[n] = NULL;
    return list;
}

/* files = {{name, text}, …} */
static void read_files(lua_State *L, int t, lg_command_spec *s)
{
    if (lua_getfield(L, t, "files") != LUA_TTABLE)
        return;

    int at = lua_gettop(L);
    s->n_files = (size_t)lua_rawlen(L, at);
    lg_command_file *list = lua_newuserdatauv(L, (s->n_files + 1) * sizeof *list, 0);
    for (size_t i = 0; i < s->n_files; i++) {
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        list[i].name = luaL_checkstring(L, -2);
        list[i].data = luaL_checklstring(L, -1, &list[i].len);
        lua_pop(L, 3);
    }
    s->files = list;
}

static int64_t limit(lua_State *L, int t, const char *field)
{
    return lg__lua_field_int(L, t, field, 0, LUA_MAXINTEGER / 2000000, 0);
}

static void read_spec(lua_State *L, int t, lg_command_spec *s)
{
    *s = (lg_command_spec){.program = lg__lua_field_name(L, t, "program")};
    s->argv = read_texts(L, t, "argv");
    s->env = read_texts(L, t, "env");
    s->readable = read_texts(L, t, "readable");
    s->bwrap = lg__lua_field_name(L, t, "bwrap");
    s->tmp = lg__lua_field_name(L, t, "tmp");
    read_files(L, t, s);
    lua_getfield(L, t, "input"); /* the table holds it */
    s->input = lua_tolstring(L, -1, &s->input_len);
    s->way = (enum lg_command_way)lg__lua_field_int(L, t, "way", 0, LG_COMMAND_STRICT, 0);
    s->width = (int)lg__lua_field_int(L, t, "width", 0, INT_MAX, 0);
    s->most_abi = (int)lg__lua_field_int(L, t, "most_abi", 0, 1000, 0);
    s->time_ms = limit(L, t, "time_ms");
    s->cpu_seconds = limit(L, t, "cpu_seconds");
    s->memory = lg__lua_field_int(L, t, "memory", 0, LUA_MAXINTEGER, 0);
    s->file_size = lg__lua_field_int(L, t, "file_size", 0, LUA_MAXINTEGER, 0);
    s->processes = limit(L, t, "processes");
    s->open_files = limit(L, t, "open_files");
    s->disk = lg__lua_field_int(L, t, "disk", 0, LUA_MAXINTEGER, 0);
    s->output = lg__lua_field_int(L, t, "output", 0, LUA_MAXINTEGER, 0);
    if (!s->program || !s->argv || !s->argv[0] || (s->way == LG_COMMAND_STRICT && !s->bwrap))
        lg__lua_raise(L, LG_EINVAL, NULL, "command: no program");
}

/* core.command(engine, spec, role) -> command, var */
static int l_command(lua_State *L)
{
    lg__lua_check_leave(L, LG_ALLOW_COMMANDS, "programs");
    lg_command_spec s;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg__lua_check_list(L, 2);
    const char *role = lg__lua_check_name(L, 3);
    lua_settop(L, 3);
    luaL_checkstack(L, 20, NULL);
    lua_command *u = lua_newuserdatauv(L, sizeof *u, 1);
    u->c = NULL;
    u->owner = lua_touserdata(L, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LG_LUA_COMMAND);
    read_spec(L, 2, &s);
    lg_lua_var *v = lg__lua_new_var(L, 1);
    int err = lg__command_start(e, &s, role, &u->c, &v->v);
    if (err)
        return lg__lua_engine_failed(L, e, err);

    lua_pushvalue(L, 4);
    lua_insert(L, -2);
    return 2;
}

/* ---- its end ------------------------------------------------------------------------ */

static lg_command *self(lua_State *L)
{
    const lua_command *u = luaL_checkudata(L, 1, LG_LUA_COMMAND);
    lg__lua_check_open(L, u->owner, u->c, "command");
    return u->c;
}

static void push_files(lua_State *L, const lg_command *c, size_t n)
{
    lg_command_file f;
    lua_newtable(L); /* texts by name, and below the names of those that were too large */
    lua_newtable(L);
    for (size_t i = 0; i < n; i++) {
        lg__command_see_file(c, i, &f);
        if (f.data) {
            lua_pushlstring(L, f.data, f.len);
            lua_setfield(L, -3, f.name);
        } else {
            lua_pushstring(L, f.name);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        }
    }
    lua_setfield(L, -3, "unread");
    lua_setfield(L, -2, "files");
}

/* Pushes how a program ended, as a table. */
static void push_end(lua_State *L, const lg_command_end *end)
{
    lua_newtable(L);
    if (end->code >= 0)
        lg__lua_set_count(L, "code", (uint64_t)end->code);

    if (end->signal > 0) {
        if (end->signal_name)
            lua_pushfstring(L, "SIG%s", end->signal_name);
        else
            lua_pushinteger(L, end->signal);

        lua_setfield(L, -2, "signal");
    }
    lg__lua_set_text(L, "limit", end->limit);
    lua_pushlstring(L, end->out, end->out_len);
    lua_setfield(L, -2, "stdout");
    lua_pushlstring(L, end->err, end->err_len);
    lua_setfield(L, -2, "stderr");
    lua_pushnumber(L, (lua_Number)end->wall_us / 1e6);
    lua_setfield(L, -2, "wall");
    lua_pushnumber(L, (lua_Number)end->cpu_us / 1e6);
    lua_setfield(L, -2, "cpu");
    lg__lua_set_count(L, "memory", end->memory);
}

/* command:ended() -> table | nil */
static int l_ended(lua_State *L)
{
    lg_command_end end;
    const lg_command *c = self(L);
    if (!lg__command_look(c, &end))
        return 0;

    push_end(L, &end);
    push_files(L, c, end.n_files);
    return 1;
}

static int l_close(lua_State *L)
{
    lua_command *u = luaL_testudata(L, 1, LG_LUA_COMMAND);
    lg_command *c = u ? u->c : NULL;
    if (u)
        u->c = NULL;

    if (c && u->owner->e)
        lg__command_close(c);

    return 0;
}

/* ---- programs that stay --------------------------------------------------------------- */

typedef struct lua_talk {
    lg_talk *t; /* NULL: closed */
    const lg_lua_engine *owner;
} lua_talk;

static lg_talk *check_talk(lua_State *L, int arg)
{
    const lua_talk *u = luaL_checkudata(L, arg, LG_LUA_TALK);
    lg__lua_check_open(L, u->owner, u->t, "program");
    return u->t;
}

/* core.talk(engine, spec) -> talk: started, and asked nothing */
static int l_talk(lua_State *L)
{
    lg__lua_check_leave(L, LG_ALLOW_COMMANDS, "programs");
    lg_command_spec s;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg__lua_check_list(L, 2);
    lua_settop(L, 2);
    luaL_checkstack(L, 20, NULL);
    lua_talk *u = lua_newuserdatauv(L, sizeof *u, 1);
    *u = (lua_talk){.owner = lua_touserdata(L, 1)};
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LG_LUA_TALK);
    read_spec(L, 2, &s);
    s.talks = true;
    int err = lg__talk_start(e, &s, &u->t);
    if (err)
        return lg__lua_engine_failed(L, e, err);

    lua_settop(L, 3);
    return 1;
}

/* core.ask(engine, talk, line, ms, role) -> var: the answer, or an empty text */
static int l_ask(lua_State *L)
{
    size_t len;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_talk *t = check_talk(L, 2);
    const char *line = luaL_checklstring(L, 3, &len);
    int64_t ms = lg__lua_check_int(L, 4, 0, LUA_MAXINTEGER / 2000);
    const char *role = lg__lua_check_name(L, 5);
    lg_lua_var *v = lg__lua_new_var(L, 1);
    int err = lg__talk_ask(e, t, line, len, ms, role, &v->v);
    return err ? lg__lua_engine_failed(L, e, err) : 1;
}

static int l_talk_lives(lua_State *L)
{
    lua_pushboolean(L, lg__talk_lives(check_talk(L, 1)));
    return 1;
}

static int l_talk_ended(lua_State *L)
{
    lg_command_end end;
    if (!lg__talk_look(check_talk(L, 1), &end))
        return 0;

    push_end(L, &end);
    return 1;
}

static int l_talk_close(lua_State *L)
{
    lua_talk *u = luaL_testudata(L, 1, LG_LUA_TALK);
    lg_talk *t = u ? u->t : NULL;
    if (u)
        u->t = NULL;

    if (t && u->owner->e)
        lg__talk_close(u->owner->e, t);

    return 0;
}

static void open_talk(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", l_talk_close}, {"__close", l_talk_close}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"lives", l_talk_lives}, {"ended", l_talk_ended}, {"close", l_talk_close}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"talk", l_talk}, {"ask", l_ask}, {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_TALK, meta, methods);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}

/* ---- what is there -------------------------------------------------------------------- */

/* core.real_path(path) -> its path without links, "file" | "folder" | "other", whether it may
 * be run, its size, when it was changed (ns); nil: it is not there */
static int l_real_path(lua_State *L)
{
    lg__lua_check_leave(L, LG_ALLOW_COMMANDS, "files");
    struct stat st;
    char real[PATH_MAX];
    const char *path = lg__lua_check_name(L, 1);
    if (!realpath(path, real) || stat(real, &st))
        return 0;

    lua_pushstring(L, real);
    lua_pushstring(L, S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder" : "other");
    lua_pushboolean(L, S_ISREG(st.st_mode) && access(real, X_OK) == 0);
    lua_pushinteger(L, (lua_Integer)st.st_size);
    lua_pushinteger(L, (lua_Integer)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    return 5;
}

/* core.holds(most_abi | nil) -> what this machine contains programs with */
static int l_holds(lua_State *L)
{
    lg_holds holds;
    lg__inside_holds((int)lg__lua_opt_int(L, 1, 0, 1000, 0), &holds);
    lua_newtable(L);
    lua_pushinteger(L, holds.abi);
    lua_setfield(L, -2, "abi");
    lua_pushboolean(L, holds.seccomp);
    lua_setfield(L, -2, "seccomp");
    lua_pushboolean(L, holds.other_users);
    lua_setfield(L, -2, "other_users");
    lg__lua_set_text(L, "problem", holds.problem);
    return 1;
}

/* core.processors() -> how many there are */
static int l_processors(lua_State *L)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    lua_pushinteger(L, n > 0 ? n : 1);
    return 1;
}

void lg__lua_open_command(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", l_close}, {"__close", l_close}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"ended", l_ended}, {"close", l_close}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"command", l_command},
                                         {"real_path", l_real_path},
                                         {"holds", l_holds},
                                         {"processors", l_processors},
                                         {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_COMMAND, meta, methods);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
    open_talk(L);
}
