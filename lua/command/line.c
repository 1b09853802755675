/* line.c - module lunagrad.line: lines from standard input, with libreadline's editing where
 * it is installed and a person types; for the command only.
 *
 * libreadline is loaded when it is first wanted and never linked. While a person thinks, the
 * engine is stepped, so that calls under way are heard and do not time out; no Lua runs then.
 * What it is not: it keeps no file and knows no history but what it is told.
 * The mutable global is what readline's callback needs: it is not told who asked. */
#include "command/line.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lg_inside.h"
#include "binding/lua_binding.h"
#include "command/term.h"

enum {
    LOOK_MS = 500,     /* a signal between a look and a wait is seen after so long */
    REST_MS = 5,       /* between two steps of the engine */
    READ_ERROR = -2,   /* readline's READERR: ends the line at once */
    STATE_COMMAND = 8, /* readline's RL_STATE_READCMD: … which it may not in the middle of a key */
    TAB = '\t'
};

typedef struct editor { /* libreadline; pointers to functions, then to its variables */
    char *(*readline)(const char *prompt);
    void (*add_history)(const char *line);
    int (*bind_key)(int key, int (*function)(int, int));
    int (*insert)(int count, int key);
    void (*check_signals)(void);
    int (**getc)(FILE *);
    FILE **out;
    const char **name;
    unsigned long *state;
} editor;

static struct { /* of the line that is being read */
    const editor *editor;
    lg_engine *engine; /* NULL: there is none */
    bool typed;
} reading;

/* ---- waiting ------------------------------------------------------------- */

/* Signals that came: readline has its own handlers while it reads, and passes them on. */
static bool is_interrupted(void)
{
    if (reading.editor)
        reading.editor->check_signals();
    return lg__term_signals() > 0;
}

static int wait_ms(const lg_engine *e)
{
    int ms = e ? lg_engine_timeout(e) : -1;
    return ms < 0 || ms > LOOK_MS ? LOOK_MS : ms;
}

/* Until something is typed, or a signal comes: false. */
static bool wait_for_input(void)
{
    lg_engine *e = reading.engine;
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = e ? lg_engine_fd(e) : -1, .events = POLLIN}};
    while (!is_interrupted()) {
        int n = poll(fds, 2, wait_ms(e));
        if (n < 0 && errno != EINTR)
            return true; /* the read says what is wrong */
        if (n > 0 && fds[0].revents)
            return true;
        if (e && n >= 0) {
            lg_engine_step(e, 0);
            if (poll(fds, 1, REST_MS) > 0)
                return true;
        }
    }
    return false;
}

/* ---- libreadline ----------------------------------------------------------- */

static int next_byte(FILE *stream)
{
    unsigned char byte;
    (void)stream;
    while (wait_for_input()) {
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        reading.typed = reading.typed || n == 1;
        if (n == 1)
            return byte;
        if (n == 0 || errno != EINTR)
            return EOF;
    }
    return *reading.editor->state & STATE_COMMAND ? READ_ERROR : EOF;
}

static bool load(editor *r, const char *file, char *why, size_t why_size)
{
    const lg_import imports[] = {{"readline", &r->readline},
                                 {"add_history", &r->add_history},
                                 {"rl_bind_key", &r->bind_key},
                                 {"rl_insert", &r->insert},
                                 {"rl_check_signals", &r->check_signals},
                                 {"rl_getc_function", &r->getc},
                                 {"rl_outstream", &r->out},
                                 {"rl_readline_name", &r->name},
                                 {"rl_readline_state", &r->state}};
    return lg__inside_load(file, imports, sizeof imports / sizeof *imports, why, why_size);
}

/* line.load(file) -> an editor, or nil and why there is none */
static int l_load(lua_State *L)
{
    const char *file = luaL_checkstring(L, 1);
    char why[256];
    editor *r = lua_newuserdatauv(L, sizeof *r, 0);
    memset(r, 0, sizeof *r);
    if (!load(r, file, why, sizeof why)) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    *r->name = "lunagrad"; /* for the user's inputrc */
    *r->getc = next_byte;
    if (!isatty(STDOUT_FILENO))
        *r->out = stderr;
    r->bind_key(TAB, r->insert); /* names of files are no help here */
    return 1;
}

/* line.remember(editor, text): it is found again with the arrow keys */
static int l_remember(lua_State *L)
{
    const editor *r = lua_touserdata(L, 1);
    r->add_history(luaL_checkstring(L, 2));
    return 0;
}

/* ---- reading --------------------------------------------------------------- */

static int push_line(lua_State *L, char *line)
{
    if (!line) {
        lua_pushnil(L);
        lua_pushliteral(L, "end");
        return 2;
    }
    lua_pushstring(L, line);
    free(line);
    return 1;
}

static int push_interrupt(lua_State *L, bool typed)
{
    lua_pushnil(L);
    lua_pushliteral(L, "interrupt");
    lua_pushboolean(L, typed);
    return 3;
}

/* line.edit(editor, prompt, engine or nil) -> the line, or nil and "end"; or nil,
 * "interrupt" and whether something was typed */
static int l_edit(lua_State *L)
{
    const editor *r = lua_touserdata(L, 1);
    const char *prompt = luaL_checkstring(L, 2);
    reading.editor = r;
    reading.engine = lua_isnoneornil(L, 3) ? NULL : lg__lua_check_engine(L, 3)->e;
    reading.typed = false;
    char *line = r->readline(prompt);
    reading.editor = NULL;
    if (lg__term_signals() == 0)
        return push_line(L, line);
    free(line);
    return push_interrupt(L, reading.typed);
}

/* line.read(prompt, engine or nil) -> the same without editing. A prompt means that a person
 * types; "" reads from a pipe or a file, together with io.read. */
static int l_read(lua_State *L)
{
    const char *prompt = luaL_checkstring(L, 1);
    char *line = NULL;
    size_t size = 0;
    reading.engine = lua_isnoneornil(L, 2) ? NULL : lg__lua_check_engine(L, 2)->e;
    if (*prompt) {
        FILE *out = isatty(STDOUT_FILENO) ? stdout : stderr;
        fputs(prompt, out);
        fflush(out);
        if (!wait_for_input())
            return push_interrupt(L, false);
    }
    ssize_t n = getline(&line, &size, stdin);
    if (n < 0) {
        bool interrupted = lg__term_signals() > 0;
        free(line);
        return interrupted ? push_interrupt(L, false) : push_line(L, NULL);
    }
    lua_pushlstring(L, line, (size_t)n - (line[n - 1] == '\n'));
    free(line);
    return 1;
}

int luaopen_lunagrad_line(lua_State *L)
{
    static const luaL_Reg functions[] = {{"load", l_load},
                                         {"remember", l_remember},
                                         {"edit", l_edit},
                                         {"read", l_read},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
