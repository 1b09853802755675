/* signals.c - SIGINT and SIGTERM for the command: counted, and told to a script that computes.
 *
 * The first signal asks: the loop sees it (cli/watch.lua) and lets what is under way finish. A
 * script that does not let the loop look for a second, or goes on for some seconds when nothing
 * is under way any more, gets an error, and whatever catches it gets it again at its next
 * instruction. It is raised by a count hook, which only a signal sets: a hook costs every
 * instruction. So the coroutine that runs must be known to the handler: coroutine.resume and
 * coroutine.wrap note it.
 *
 * What it is not: part of the library. A host's process is its own; only `lunagrad` installs
 * handlers. The mutable globals are the handler's: it has nowhere else to look or write. */
#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "binding/lua_binding.h"
#include "command/term.h"

enum { EXIT_INTERRUPTED = 130, GRACE_SECONDS = 2, LOOK_INSTRUCTIONS = 1000 };
enum { LOOK_MS = 1000, END_MS = 3000, LIBRARY_MS = 3000 };

static volatile sig_atomic_t signal_count, end_wanted;
static volatile sig_atomic_t at_once; /* the prompt: a script has no time to end in */
static lua_State *volatile running;   /* NULL: signals are not caught */
static pthread_t main_thread;         /* that Lua runs in */
static int64_t looked_ms, busy_ms;    /* the loop had the word; something was under way */

static void on_count(lua_State *L, lua_Debug *ar);

/* ---- the handler --------------------------------------------------------------- */

/* Of a signal handler: nothing is flushed, nothing asked; replies that are in the store
 * are safe there. */
static void stop_now(void)
{
    static const char words[] =
        "\nlunagrad: stopped in the middle of the script; what the store has is kept\n";
    ssize_t told = write(STDERR_FILENO, words, sizeof words - 1);
    (void)told;
    _exit(EXIT_INTERRUPTED);
}

/* From the second signal on the program should be ending, and if Lua is in the middle of a long
 * call of C, the alarm ends it. lua_sethook may be called from a handler, as lua.c does. */
static void on_signal(int number)
{
    if (!pthread_equal(pthread_self(), main_thread)) {
        pthread_kill(main_thread, number);
        return;
    }
    if (number == SIGTERM)
        end_wanted = 1;
    signal_count = signal_count + 1;
    if (signal_count == 2)
        alarm(GRACE_SECONDS);
    else if (signal_count > 2)
        stop_now();
    lua_State *L = running;
    if (L)
        lua_sethook(L, on_count, LUA_MASKCOUNT, LOOK_INSTRUCTIONS);
}

static void on_alarm(int number)
{
    (void)number;
    stop_now();
}

/* ---- the hook ------------------------------------------------------------------ */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void look_every(lua_State *L, int instructions)
{
    if (lua_gethookcount(L) != instructions)
        lua_sethook(L, on_count, LUA_MASKCOUNT, instructions);
}

/* How long the script has had too much of the time; below 0: it has not yet. */
static int64_t overdue_ms(void)
{
    if (at_once || signal_count > 1)
        return 0;
    int64_t now = now_ms();
    if (looked_ms == 0) /* the first time after the signal */
        looked_ms = busy_ms = now;
    int64_t late = now - looked_ms - LOOK_MS, idle = now - busy_ms - END_MS;
    return late > idle ? late : idle;
}

/* The library's own code has to stay whole for as long as that may matter, and on the main
 * thread, where its loop runs, for ever. */
static int may_stop(lua_State *L, lua_Debug *ar, int64_t overdue)
{
    static const char library[] = "@lunagrad/";
    int is_main = lua_pushthread(L);
    lua_pop(L, 1);
    if (!lua_getinfo(L, "S", ar))
        return 0;
    if (strncmp(ar->source, library, sizeof library - 1) != 0)
        return !(is_main && at_once);
    return !is_main && overdue > LIBRARY_MS;
}

/* Whatever catches the error is stopped at its next instruction. */
static void on_count(lua_State *L, lua_Debug *ar)
{
    if (signal_count == 0) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    int64_t overdue = overdue_ms();
    look_every(L, overdue < 0 ? LOOK_INSTRUCTIONS : 1);
    if (overdue >= 0 && may_stop(L, ar, overdue))
        lg__lua_raise(L, LG_ECANCELLED, NULL, "interrupted");
}

/* ---- coroutines ---------------------------------------------------------------- */

/* L runs from now on: a signal that came before is told to it, too. */
static void note_running(lua_State *L)
{
    running = L;
    if (signal_count > 0 && lua_gethook(L) != on_count) /* else it goes on counting */
        lua_sethook(L, on_count, LUA_MASKCOUNT, LOOK_INSTRUCTIONS);
}

/* coroutine.resume, which is the upvalue and raises only what is wrong with its arguments. */
static int l_resume(lua_State *L)
{
    luaL_argexpected(L, lua_isthread(L, 1), 1, "thread");
    note_running(lua_tothread(L, 1));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    int err = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    note_running(L);
    return err ? lua_error(L) : lua_gettop(L);
}

/* What coroutine.wrap returns: an error is the caller's, with his line before it if it is a
 * text that has none of its own level, as Lua's own has it. */
static int l_wrapped(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(2));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 2);
    note_running(co);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    note_running(L);
    if (lua_toboolean(L, 1))
        return lua_gettop(L) - 1;
    int status = lua_status(co);
    lua_settop(L, 2);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_resetthread(co); /* closes what it has pending, which may fail otherwise */
        lua_settop(L, 1);
        lua_xmove(co, L, 1);
    }
    if (lua_type(L, 2) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* Upvalues: coroutine.resume and .create, as they were. */
static int l_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_pushcclosure(L, l_wrapped, 2);
    return 1;
}

static void watch_coroutines(lua_State *L)
{
    lua_getglobal(L, "coroutine");
    lua_getfield(L, -1, "resume");
    lua_pushvalue(L, -1);
    lua_getfield(L, -3, "create");
    lua_pushcclosure(L, l_wrap, 2);
    lua_setfield(L, -3, "wrap");
    lua_pushcclosure(L, l_resume, 1);
    lua_setfield(L, -2, "resume");
    lua_pop(L, 1);
}

/* ---- for Lua ------------------------------------------------------------------- */

/* term.catch_signals(): SIGINT and SIGTERM are counted from now on; once, from the main thread
 * of Lua */
static int l_catch_signals(lua_State *L)
{
    struct sigaction action;
    if (!running)
        watch_coroutines(L);
    main_thread = pthread_self();
    running = L;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = on_signal; /* no SA_RESTART: waiting calls return */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return 0;
}

int lg__term_signals(void)
{
    return signal_count;
}

/* term.signals() -> how many came so far, and was one a SIGTERM? */
static int l_signals(lua_State *L)
{
    if (signal_count > 0) {
        looked_ms = now_ms();
        busy_ms = busy_ms ? busy_ms : looked_ms;
    }
    lua_pushinteger(L, signal_count);
    lua_pushboolean(L, end_wanted);
    return 2;
}

/* term.is_busy(): after a signal, something is still under way that is to be finished */
static int l_is_busy(lua_State *L)
{
    (void)L;
    busy_ms = now_ms();
    return 0;
}

/* term.forget_signals(): what they asked for is done; the next one is the first again */
static int l_forget_signals(lua_State *L)
{
    (void)L;
    alarm(0);
    signal_count = 0;
    looked_ms = busy_ms = 0;
    return 0;
}

/* term.stop_at_signals(): a script gets the error as soon as a signal comes, and until it is
 * forgotten; but not on the main thread */
static int l_stop_at_signals(lua_State *L)
{
    (void)L;
    at_once = 1;
    return 0;
}

void lg__signals_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"catch_signals", l_catch_signals},
                                         {"signals", l_signals},
                                         {"is_busy", l_is_busy},
                                         {"forget_signals", l_forget_signals},
                                         {"stop_at_signals", l_stop_at_signals},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
