/* run.c - one job: a chunk is compiled and run, a function of it is called, and what came of it
 * is written down. Or it is ended by a limit, from wherever it is: in the count hook, in the
 * allocator, in print, by the clock's signal. That is a jump to where the job began, which no
 * pcall, __close or __gc of the candidate can catch or follow. */
#include "worker/worker.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE = 8192 }; /* bytes of it that are told */

static struct {
    jmp_buf begin;
    volatile sig_atomic_t running;
    volatile uint64_t ticks; /* of the processor's time; the first comes early */
    uint64_t most_ticks;
    lw_parts *p;
    lg_worker_job job;
    const char *name, *source, *call, *args;
    char chunk[256]; /* "=name" */
    const char *kind;
    int line; /* where a limit ended it; 0: not known */
    uint64_t instructions;
    size_t collect_at; /* bytes in use from which on garbage is looked for */
    bool special;
} run;

/* ---- limits -------------------------------------------------------------- */

/* The line of the candidate that runs. Asks for no memory. */
static int current_line(lua_State *L)
{
    lua_Debug ar;
    for (int level = 0; L && level < 50 && lua_getstack(L, level, &ar); level++) {
        if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0)
            return ar.currentline;
    }
    return 0;
}

void lw_run_end(lua_State *L, enum lw_end why)
{
    run.running = 0;
    run.line = current_line(L);
    longjmp(run.begin, (int)why);
}

void lw_run_full(void)
{
    lw_run_end(NULL, LW_MEMORY);
}

void lw_run_tick(void)
{
    if (run.running && ++run.ticks > run.most_ticks)
        lw_run_end(NULL, LW_TIME);
}

/* A state that is nearly full is looked through, here where that is safe: an allocator that
 * says no would make Lua collect in the midst of things, of which 5.4.4 has died. Each time
 * what is left to fill is at most half of before, so that it cannot take long in all. */
static void collect(lua_State *L)
{
    lw_arena *a = run.p->arena;
    lua_gc(L, LUA_GCCOLLECT, 0);
    size_t used = lw_arena_used(a), most = (size_t)run.job.memory;
    size_t half = used < most ? used + (most - used) / 2 : most;
    run.collect_at = half > most / 2 ? half : most / 2;
}

void lw_run_count(lua_State *L, uint64_t n)
{
    run.instructions += n;
    if (run.instructions > run.job.instructions)
        lw_run_end(L, LW_INSTRUCTIONS);

    if (lw_arena_used(run.p->arena) > run.collect_at)
        collect(L);
}

void lw_run_print(lua_State *L, const char *text, size_t len)
{
    lw_sink_add(&run.p->output, text, len);
    if (run.p->output.over)
        lw_run_end(L, LW_OUTPUT);
}

/* ---- the job ------------------------------------------------------------- */

/* Pushes what a path of names ("M.solve") leads to in the value on top, or nil. */
static void follow(lua_State *L, const char *path, size_t len)
{
    const char *end = path + len;
    lua_pushvalue(L, -1);
    while (path <= end && lua_istable(L, -1)) {
        const char *dot = memchr(path, '.', (size_t)(end - path));
        dot = dot ? dot : end;
        lua_pushlstring(L, path, (size_t)(dot - path));
        lua_gettable(L, -2);
        lua_remove(L, -2);
        path = dot + 1;
    }
    if (path <= end) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

/* Pushes the function to call: a field of the table that the chunk returned, a global, or the
 * function that it returned. Results of the chunk begin at first. */
static void push_function(lua_State *L, int first)
{
    lua_settop(L, first); /* the chunk's first result, or nil */
    follow(L, run.call, run.job.call);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushglobaltable(L);
        follow(L, run.call, run.job.call);
    }
    if (lua_isnil(L, -1) && lua_isfunction(L, first))
        lua_pushvalue(L, first);

    if (lua_isnil(L, -1)) {
        lua_pushlstring(L, run.call, run.job.call);
        luaL_error(L,
                   "there is no function '%s': the code sets no such global, and returns no "
                   "table that holds one",
                   lua_tostring(L, -1));
    }
}

static int body(lua_State *L)
{
    int first = lua_gettop(L) + 1;
    if (luaL_loadbufferx(L, run.source, run.job.source, run.chunk, "t") != LUA_OK) {
        run.kind = "syntax";
        return lua_error(L);
    }
    lua_call(L, 0, LUA_MULTRET);
    if (run.job.call > 0) {
        push_function(L, first);
        int n = lw_json_push(L, run.args, run.job.args);
        int at = lua_gettop(L) - n;
        lua_call(L, n, LUA_MULTRET);
        first = at;
    }
    run.special = lw_json_write(L, first, lua_gettop(L) - first + 1, &run.p->values);
    return 0;
}

/* The error becomes a text, if it is none. */
static int to_text(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING)
        return 1;

    if (lua_isnumber(L, 1) || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
        luaL_tolstring(L, 1, NULL);
    else
        lua_pushfstring(L, "(the error is a %s)", luaL_typename(L, 1));

    return 1;
}

/* ---- the reply ----------------------------------------------------------- */

static void add_field(lw_sink *s, const char *name, uint64_t n)
{
    lw_sink_adds(s, name);
    lw_sink_number(s, n);
}

static void end_reply(lw_sink *s)
{
    lw_sink_adds(s, ",\"output\":");
    lw_sink_string(s, run.p->output.data, run.p->output.len);
    add_field(s, ",\"instructions\":", run.instructions);
    add_field(s, ",\"memory\":", lw_arena_peak(run.p->arena));
    lw_sink_adds(s, "}");
}

static void tell_good(lw_sink *s)
{
    lw_sink_adds(s, "{\"ok\":true,\"values\":");
    lw_sink_add(s, run.p->values.data, run.p->values.len);
    if (run.special)
        lw_sink_adds(s, ",\"special\":true");

    end_reply(s);
}

static void tell_bad(lw_sink *s, const char *kind, const char *message, size_t len, int line)
{
    lw_sink_adds(s, "{\"ok\":false,\"kind\":\"");
    lw_sink_adds(s, kind);
    lw_sink_adds(s, "\",\"message\":");
    lw_sink_string(s, message, len < MESSAGE ? len : MESSAGE);
    if (line > 0)
        add_field(s, ",\"line\":", (uint64_t)line);

    end_reply(s);
}

/* The line in "name:12: what"; 0: there is none. */
static int line_of(const char *message, size_t len)
{
    size_t name = strlen(run.chunk + 1), at = name + 1;
    int line = 0;
    if (len <= at || memcmp(message, run.chunk + 1, name) != 0 || message[name] != ':')
        return 0;

    for (; at < len && message[at] >= '0' && message[at] <= '9' && line < 100000000; at++)
        line = line * 10 + (message[at] - '0');

    return at < len && message[at] == ':' ? line : 0;
}

static void tell_error(lw_sink *s, lua_State *L)
{
    size_t len = 0;
    const char *message = lua_tolstring(L, -1, &len);
    if (!message) {
        message = "an error in the handling of an error";
        len = strlen(message);
    }
    tell_bad(s, run.kind, message, len, line_of(message, len));
}

static void tell_end(lw_sink *s, enum lw_end why)
{
    static const char *const kinds[] = {[LW_MEMORY] = "memory",
                                        [LW_INSTRUCTIONS] = "instructions",
                                        [LW_TIME] = "time",
                                        [LW_OUTPUT] = "output"};
    char text[160];
    double seconds = (double)run.job.cpu_us / 1e6;
    unsigned long long memory = run.job.memory, output = run.job.output,
                       instructions = run.job.instructions;
    int n = 0;
    if (why == LW_MEMORY) {
        n = snprintf(text, sizeof text, "it needs more than %llu bytes of memory", memory);
    } else if (why == LW_INSTRUCTIONS) {
        n = snprintf(text, sizeof text, "it ran more than %llu instructions; a loop without end?",
                     instructions);
    } else if (why == LW_TIME) {
        n = snprintf(text, sizeof text, "it ran longer than %g s of the processor's time", seconds);
    } else {
        n = snprintf(text, sizeof text, "it printed more than %llu bytes", output);
    }

    if (why == LW_INSTRUCTIONS) /* as it was reached, not as it was seen */
        run.instructions = run.job.instructions;

    tell_bad(s, kinds[why], text, (size_t)n, run.line);
}

/* ---- from the outside ---------------------------------------------------- */

static void take(const lg_worker_job *job, const char *texts)
{
    size_t name = job->name < sizeof run.chunk - 2 ? job->name : sizeof run.chunk - 2;
    run.job = *job;
    run.name = texts;
    run.source = run.name + job->name;
    run.call = run.source + job->source;
    run.args = run.call + job->call;
    run.chunk[0] = '=';
    memcpy(run.chunk + 1, run.name, name);
    run.chunk[1 + name] = '\0';
    run.kind = "error";
    run.line = 0;
    run.instructions = 0;
    run.ticks = 0;
    run.most_ticks = (job->cpu_us + LW_TICK_US - 1) / LW_TICK_US;
    run.special = false;
    run.collect_at = (size_t)job->memory / 2;
    lw_arena_limit(run.p->arena, (size_t)job->memory);
    run.p->output.most = job->output < LG_WORKER_OUTPUT ? job->output : LG_WORKER_OUTPUT;
}

static int run_protected(lua_State *L)
{
    lua_pushcfunction(L, to_text);
    lua_pushcfunction(L, body);
    run.running = 1;
    int status = lua_pcall(L, 0, 0, 1);
    run.running = 0;
    return status;
}

void lw_run_ready(lw_parts *p)
{
    run.p = p;
}

void lw_run(const lg_worker_job *job, const char *texts)
{
    lw_parts *p = run.p;
    take(job, texts);
    int why = setjmp(run.begin);
    if (why) {
        tell_end(&p->reply, (enum lw_end)why);
    } else if (run_protected(p->L) != LUA_OK) {
        tell_error(&p->reply, p->L);
    } else if (p->values.over) {
        static const char large[] = "the values that it returned are too large";
        tell_bad(&p->reply, "output", large, sizeof large - 1, 0);
    } else {
        tell_good(&p->reply);
    }
}
