/* term.c - module lunagrad.term: terminal, clocks, files, a process apart, and signals.c's
 * functions; for the command only.
 *
 * What it is not: part of the library. A host's process is its own. */
#include "command/term.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* term.isatty(fd) */
static int l_isatty(lua_State *L)
{
    lua_Integer fd = luaL_checkinteger(L, 1);
    lua_pushboolean(L, fd >= 0 && fd <= INT_MAX && isatty((int)fd));
    return 1;
}

/* term.is_terminal(file): an open file of Lua's that is one */
static int l_is_terminal(lua_State *L)
{
    const luaL_Stream *file = luaL_testudata(L, 1, LUA_FILEHANDLE);
    lua_pushboolean(L, file && file->closef && isatty(fileno(file->f)));
    return 1;
}

/* term.width(fd) -> columns, or nil when fd is no terminal */
static int l_width(lua_State *L)
{
    struct winsize size;
    lua_Integer fd = luaL_optinteger(L, 1, STDERR_FILENO);
    if (fd < 0 || fd > INT_MAX || ioctl((int)fd, TIOCGWINSZ, &size) || size.ws_col == 0)
        return 0;
    lua_pushinteger(L, size.ws_col);
    return 1;
}

static lua_Number seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9;
}

/* term.monotonic() -> seconds since some moment */
static int l_monotonic(lua_State *L)
{
    lua_pushnumber(L, seconds(CLOCK_MONOTONIC));
    return 1;
}

/* term.now_unix() -> seconds since 1970 */
static int l_now_unix(lua_State *L)
{
    lua_pushnumber(L, seconds(CLOCK_REALTIME));
    return 1;
}

/* term.sleep_ms(ms): shorter when a signal comes */
static int l_sleep_ms(lua_State *L)
{
    lua_Integer ms = luaL_checkinteger(L, 1);
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    if (ms > 0)
        nanosleep(&t, NULL);
    return 0;
}

/* term.pid() */
static int l_pid(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)getpid());
    return 1;
}

/* term.is_directory(path) */
/* term.interrupt(pid): asks a process as Ctrl-C would. → true, or nil and a message */
static int l_interrupt(lua_State *L)
{
    lua_Integer pid = luaL_checkinteger(L, 1);
    luaL_argcheck(L, pid > 1 && pid <= INT_MAX, 1, "this is no process");
    if (kill((pid_t)pid, SIGINT) == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    int why = errno;
    lua_pushnil(L);
    lua_pushstring(L, strerror(why));
    return 2;
}

static int l_is_directory(lua_State *L)
{
    struct stat st;
    lua_pushboolean(L, stat(luaL_checkstring(L, 1), &st) == 0 && S_ISDIR(st.st_mode));
    return 1;
}

/* term.rss_bytes() -> resident memory, or nil where it cannot be told */
static int l_rss_bytes(lua_State *L)
{
    long long total, resident;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    int n = fscanf(f, "%lld %lld", &total, &resident);
    fclose(f);
    if (n != 2)
        return 0;
    lua_pushinteger(L, (lua_Integer)resident * (lua_Integer)sysconf(_SC_PAGESIZE));
    return 1;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int write_file(const char *path, const char *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    int bad = write_all(fd, data, len);
    return close(fd) || bad ? -1 : 0;
}

/* Output that could not be written (a full disk, a closed descriptor) is a failure, though not a
 * reader that left. */
int lg__term_check_output(int code)
{
    struct pollfd reader = {.fd = STDOUT_FILENO, .events = POLLOUT};
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    const char *why = errno ? strerror(errno) : "not all of it was taken (closed, or disk full?)";
    if (poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR))
        return code;
    fprintf(stderr, "lunagrad: cannot write the output: %s\n", why);
    return code ? code : EXIT_FAILURE;
}

/* term.check_output(code) -> the exit code, which is no success when output was lost */
static int l_check_output(lua_State *L)
{
    lua_pushinteger(L, lg__term_check_output((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* term.write_atomic(path, text) -> true, or nil and a message: readers see all or nothing */
static int l_write_atomic(lua_State *L)
{
    size_t len;
    const char *path = luaL_checkstring(L, 1);
    const char *text = luaL_checklstring(L, 2, &len);
    const char *part = lua_pushfstring(L, "%s.%d.part", path, (int)getpid());
    if (write_file(part, text, len) || rename(part, path)) {
        int why = errno;
        unlink(part);
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", path, strerror(why));
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* term.env_names() -> the names of all variables, without their values */
static int l_env_names(lua_State *L)
{
    lua_Integer n = 0;
    lua_newtable(L);
    for (char **at = environ; at && *at; at++) {
        lua_pushlstring(L, *at, strcspn(*at, "="));
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* ---- what is kept from memory ------------------------------------------------ */

/* What fn returns is written to fd; no key leaves this process but in it. */
static void be_child(lua_State *L, int fd)
{
    size_t len;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core dump, no debugger */
    int code = lua_pcall(L, 0, 1, 0);
    const char *text = luaL_tolstring(L, -1, &len);
    code = write_all(fd, text, len) || code != LUA_OK;
    fflush(stdout);
    fflush(stderr);
    _exit(code);
}

static int read_all(lua_State *L, int fd)
{
    luaL_Buffer all;
    luaL_buffinit(L, &all);
    for (;;) {
        ssize_t n = read(fd, luaL_prepbuffer(&all), LUAL_BUFFERSIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        luaL_addsize(&all, (size_t)n);
    }
    luaL_pushresult(&all);
    return 1;
}

/* term.apart(fn) -> the text that fn returned, or nil and what it raised. It runs in a
 * process of its own, which is gone then with all that it had in memory. */
static int l_apart(lua_State *L)
{
    int ends[2], status = -1;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    fflush(stdout);
    fflush(stderr);
    if (pipe2(ends, O_CLOEXEC))
        return luaL_fileresult(L, 0, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_child(L, ends[1]);
    }
    int why = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        errno = why;
        return luaL_fileresult(L, 0, "fork");
    }
    read_all(L, ends[0]);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status == 0)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* term.read_hidden(prompt) -> the line that is typed and not shown, or nil at the end */
static int l_read_hidden(lua_State *L)
{
    struct termios before, hidden;
    char line[4096];
    const char *prompt = luaL_checkstring(L, 1);
    if (tcgetattr(STDIN_FILENO, &before))
        return luaL_fileresult(L, 0, "terminal");
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    char *got = fgets(line, sizeof line, stdin);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    lua_pushstring(L, got);
    explicit_bzero(line, sizeof line);
    return 1;
}

/* term.open_files() -> how many descriptors a process may have (soft, hard); -1: no end */
static int l_open_files(lua_State *L)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    lua_pushinteger(L, limit.rlim_cur == RLIM_INFINITY ? -1 : (lua_Integer)limit.rlim_cur);
    lua_pushinteger(L, limit.rlim_max == RLIM_INFINITY ? -1 : (lua_Integer)limit.rlim_max);
    return 2;
}

/* term.kernel() -> "Linux 6.1.0 x86_64" */
static int l_kernel(lua_State *L)
{
    struct utsname name;
    if (uname(&name))
        return 0;
    lua_pushfstring(L, "%s %s %s", name.sysname, name.release, name.machine);
    return 1;
}

int luaopen_lunagrad_term(lua_State *L)
{
    static const luaL_Reg functions[] = {{"isatty", l_isatty},
                                         {"is_terminal", l_is_terminal},
                                         {"width", l_width},
                                         {"monotonic", l_monotonic},
                                         {"now_unix", l_now_unix},
                                         {"sleep_ms", l_sleep_ms},
                                         {"pid", l_pid},
                                         {"interrupt", l_interrupt},
                                         {"is_directory", l_is_directory},
                                         {"rss_bytes", l_rss_bytes},
                                         {"check_output", l_check_output},
                                         {"write_atomic", l_write_atomic},
                                         {"env_names", l_env_names},
                                         {"apart", l_apart},
                                         {"read_hidden", l_read_hidden},
                                         {"open_files", l_open_files},
                                         {"kernel", l_kernel},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    lg__signals_open(L);
    return 1;
}
