/* line.c - module lunagrad.line: lines from standard input, with libreadline's editing where
 * it is installed and a person types; for the command only.
 *
 * libreadline is loaded when it is first wanted and never linked. It is driven key by key, so that
 * what completes a word on Tab, a Lua function, is called between two keys and never from within
 * readline. While a person thinks, the engine is stepped, so that calls under way are heard and
 * do not time out; no Lua runs then.
 * What it is not: it keeps no file and knows no history but what it is told.
 * The mutable global is what readline's callbacks need: they are not told who asked. */
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
    void (*install)(const char *prompt, void (*taken)(char *));
    void (*read_key)(void);
    void (*remove)(void);
    void (*add_history)(const char *line);
    int (*bind_key)(int key, int (*function)(int, int));
    void (*check_signals)(void);
    int (*insert)(const char *text);
    int (*cut)(int from, int to);
    int (*ring)(void);
    int (*new_line)(void);
    int (*on_new_line)(void);
    void (*redisplay)(void);
    int (**getc)(FILE *);
    int (**last)(int, int);
    FILE **out;
    const char **name;
    char **text;
    int *at, *end, *keeps_handlers;
    unsigned long *state;
} editor;

static struct { /* of the line that is being read */
    const editor *editor;
    lg_engine *engine; /* NULL: there is none */
    char *line;        /* when it is over; NULL: at the end of the input */
    bool typed, over;
    bool tab, again; /* Tab was pressed; and was the key before */
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

/* readline is in the middle of a key: what Tab stands for is done when it has returned. */
static int on_tab(int count, int key)
{
    (void)count;
    (void)key;
    reading.tab = true;
    reading.again = *reading.editor->last == on_tab;
    return 0;
}

static void on_line(char *line)
{
    reading.line = line;
    reading.over = true;
    reading.editor->remove();
}

static bool load(editor *r, const char *file, char *why, size_t why_size)
{
    const lg_import imports[] = {{"rl_callback_handler_install", &r->install},
                                 {"rl_callback_read_char", &r->read_key},
                                 {"rl_callback_handler_remove", &r->remove},
                                 {"add_history", &r->add_history},
                                 {"rl_bind_key", &r->bind_key},
                                 {"rl_check_signals", &r->check_signals},
                                 {"rl_insert_text", &r->insert},
                                 {"rl_delete_text", &r->cut},
                                 {"rl_ding", &r->ring},
                                 {"rl_crlf", &r->new_line},
                                 {"rl_on_new_line", &r->on_new_line},
                                 {"rl_redisplay", &r->redisplay},
                                 {"rl_getc_function", &r->getc},
                                 {"rl_last_func", &r->last},
                                 {"rl_outstream", &r->out},
                                 {"rl_readline_name", &r->name},
                                 {"rl_line_buffer", &r->text},
                                 {"rl_point", &r->at},
                                 {"rl_end", &r->end},
                                 {"rl_persistent_signal_handlers", &r->keeps_handlers},
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
    *r->keeps_handlers = 1; /* a signal between two keys gives the terminal back, too */
    r->bind_key(TAB, on_tab);
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

/* Below the line, which is shown again behind it. */
static void show_choices(const editor *r, const char *choices)
{
    int at = *r->at;
    *r->at = *r->end; /* a line may take several of the screen */
    r->redisplay();
    r->new_line();
    fputs(choices, *r->out);
    r->on_new_line();
    *r->at = at;
}

/* What the function at `index` says to the text before the cursor: how many bytes of it go, what
 * comes in their place, and what can be chosen from. An error of it is nothing to choose. */
static void complete(lua_State *L, const editor *r, int index)
{
    int top = lua_gettop(L);
    lua_pushvalue(L, index);
    lua_pushlstring(L, *r->text, (size_t)*r->at);
    lua_pushboolean(L, reading.again);
    if (lua_pcall(L, 2, 3, 0) == LUA_OK) {
        lua_Integer gone = lua_tointeger(L, -3);
        const char *text = lua_tostring(L, -2), *choices = lua_tostring(L, -1);
        if (gone > 0 && gone <= *r->at) {
            int from = *r->at - (int)gone;
            r->cut(from, *r->at);
            *r->at = from;
        }
        if (text)
            r->insert(text);
        if (choices)
            show_choices(r, choices);
        if (!text && !choices)
            r->ring();
        r->redisplay();
    }
    lua_settop(L, top);
}

/* Key by key, until a line is whole. false: a signal came. */
static bool edit(lua_State *L, const editor *r, const char *prompt, int index)
{
    r->install(prompt, on_line);
    while (!reading.over && wait_for_input()) {
        r->read_key();
        if (reading.tab && !reading.over && index)
            complete(L, r, index);
        reading.tab = false;
    }
    if (lg__term_signals() == 0)
        return true;
    if (!reading.over) {
        r->remove();
        r->new_line();
        fflush(*r->out);
    }
    return false;
}

/* line.edit(editor, prompt, engine or nil, complete or nil) -> the line, or nil and "end"; or nil,
 * "interrupt" and whether something was typed. complete(text before the cursor, pressed again)
 * -> how many of its bytes go, what comes instead or nil, what is shown below or nil */
static int l_edit(lua_State *L)
{
    const editor *r = lua_touserdata(L, 1);
    const char *prompt = luaL_checkstring(L, 2);
    int index = lua_isfunction(L, 4) ? 4 : 0;
    reading.editor = r;
    reading.engine = lua_isnoneornil(L, 3) ? NULL : lg__lua_check_engine(L, 3)->e;
    reading.typed = reading.over = reading.tab = false;
    reading.line = NULL;
    bool whole = edit(L, r, prompt, index);
    reading.editor = NULL;
    if (whole)
        return push_line(L, reading.line);
    free(reading.line);
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
