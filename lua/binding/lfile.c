/* lfile.c - module lunagrad.file: writing a file whole, and asking about files.
 *
 * For what a run leaves behind in its directory (record.lua, the command), and for lines that a
 * person types while others work (person.lua). Not for the store's database, which is the
 * engine's. */
#include "binding/lua_binding.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* nil, message, number */
static int failed(lua_State *L, const char *path, int why)
{
    errno = why;
    return luaL_fileresult(L, 0, path);
}

/* The folders above path, each if it is not there. path is changed and put back. */
static int make_folders(char *path, mode_t mode)
{
    for (char *at = path + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        int err = mkdir(path, mode) && errno != EEXIST ? errno : 0;
        *at = '/';
        if (err)
            return err;
    }
    return 0;
}

static int put_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) ? errno : 0;
}

static int put_file(const char *path, const char *data, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return errno;
    int err = put_all(fd, data, len);
    if (close(fd) && !err)
        err = errno;
    return err;
}

/* The new name survives a power cut only when its folder is synced. */
static void sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    int fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    if (slash)
        *slash = '/';
}

static int replace(char *path, const char *part, const char *data, size_t len, bool secret)
{
    int err = make_folders(path, secret ? 0700 : 0777);
    unlink(part); /* of a process that died, and had our number */
    err = err ? err : put_file(part, data, len, secret ? 0600 : 0666);
    if (!err && rename(part, path))
        err = errno;
    if (err)
        unlink(part);
    else
        sync_folder(path);
    return err;
}

/* file.write(path, text, secret) -> true, or nil and a message. Folders are made; whoever
 * reads sees the old file or the new one, also after a crash. secret: for the user alone. */
static int l_write(lua_State *L)
{
    size_t len, path_len;
    const char *given = luaL_checklstring(L, 1, &path_len);
    const char *text = luaL_checklstring(L, 2, &len);
    const char *part = lua_pushfstring(L, "%s.%d.part", given, (int)getpid());
    char *path = lua_newuserdatauv(L, path_len + 1, 0);
    memcpy(path, given, path_len + 1);
    if (path_len == 0 || strlen(path) != path_len)
        return failed(L, "(no name)", EINVAL);
    int err = replace(path, part, text, len, lua_toboolean(L, 3) != 0);
    if (err)
        return failed(L, path, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* file.locked(path) -> does some process hold a lock on it? false if there is none */
static int l_locked(lua_State *L)
{
    int fd = open(luaL_checkstring(L, 1), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool held = false;
    if (fd >= 0) {
        held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        close(fd);
    }
    lua_pushboolean(L, held);
    return 1;
}

/* ---- what a file is, and whose ---- */

/* The user's private group, as distributions make one for each user: the primary one, named as
 * the user, with nobody else in it. */
static bool is_private_group(gid_t gid)
{
    char user_text[1024], group_text[4096];
    struct passwd user, *u = NULL;
    struct group group, *g = NULL;
    if (getpwuid_r(geteuid(), &user, user_text, sizeof user_text, &u) || !u || u->pw_gid != gid)
        return false;
    if (getgrgid_r(gid, &group, group_text, sizeof group_text, &g) || !g ||
        strcmp(g->gr_name, u->pw_name) != 0)
        return false;
    for (char **member = g->gr_mem; *member; member++) {
        if (strcmp(*member, u->pw_name) != 0)
            return false;
    }
    return true;
}

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "link";
    case S_IFIFO:
        return "pipe";
    default:
        return "other";
    }
}

static void push_stat(lua_State *L, const struct stat *st)
{
    bool by_group = (st->st_mode & S_IWGRP) && !is_private_group(st->st_gid);
    lua_createtable(L, 0, 8);
    lg__lua_set_text(L, "kind", kind_of(st->st_mode));
    lg__lua_set_count(L, "mode", st->st_mode & 07777);
    lg__lua_set_count(L, "size", (uint64_t)st->st_size);
    lg__lua_set_count(L, "uid", st->st_uid);
    lua_pushboolean(L, st->st_uid == geteuid());
    lua_setfield(L, -2, "own");
    lua_pushboolean(L, (st->st_mode & S_IWOTH) || by_group);
    lua_setfield(L, -2, "others_write");
    lua_pushboolean(L, (st->st_mode & S_ISVTX) != 0);
    lua_setfield(L, -2, "sticky");
    lua_pushfstring(L, "%I:%I", (lua_Integer)st->st_dev, (lua_Integer)st->st_ino);
    lua_setfield(L, -2, "id");
}

/* file.stat(path, here) -> {kind = "file", "directory", "pipe", "link" or "other", mode = its
 * permissions, size =, uid =, own = whether it is the user's, others_write = whether others may
 * change it, sticky =, id = the same for the same file}, or nil and a message. here: of a link
 * itself, not of what it leads to. */
static int l_stat(lua_State *L)
{
    struct stat st;
    const char *path = luaL_checkstring(L, 1);
    if (lua_toboolean(L, 2) ? lstat(path, &st) : stat(path, &st))
        return failed(L, path, errno);
    push_stat(L, &st);
    return 1;
}

/* file.link(path) -> where a symbolic link leads to, or nil and a message */
static int l_link(lua_State *L)
{
    char to[PATH_MAX];
    const char *path = luaL_checkstring(L, 1);
    ssize_t n = readlink(path, to, sizeof to);
    if (n < 0 || (size_t)n == sizeof to)
        return failed(L, path, n < 0 ? errno : ENAMETOOLONG);
    lua_pushlstring(L, to, (size_t)n);
    return 1;
}

/* ---- reading without waiting for ever ---- */

enum { WRITER_MS = 5000, NO_BYTE = -1 };

/* Whether somebody writes into a pipe, within some seconds; a byte that came is kept. */
static bool has_writer(int fd, int *byte)
{
    for (int tries = 0; tries < 2; tries++) {
        unsigned char c;
        ssize_t n = read(fd, &c, 1);
        if (n > 0)
            *byte = c;
        if (n > 0 || (n < 0 && errno == EAGAIN))
            return true;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (tries == 0 && poll(&p, 1, WRITER_MS) > 0 && !(p.revents & POLLIN))
            return true; /* it came and went: an empty text */
    }
    errno = ETIMEDOUT;
    return false;
}

/* Whoever names it wants nothing to be read. */
static bool is_null_device(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Does not wait for who might once write into a pipe, as open would; what is neither a file nor
 * a pipe (if those are allowed) is not opened. -1: errno says why not. */
static int open_to_read(const char *path, bool pipes, struct stat *st, int *byte)
{
    *byte = NO_BYTE;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    bool is_pipe = false, good = fstat(fd, st) == 0;
    if (good) {
        is_pipe = S_ISFIFO(st->st_mode);
        good = S_ISREG(st->st_mode) || (pipes && (is_pipe || is_null_device(st)));
        errno = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
    }
    if (good && is_pipe)
        good = has_writer(fd, byte) && fcntl(fd, F_SETFL, 0) == 0;
    if (good)
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

static ssize_t read_some(int fd, char *to, size_t max)
{
    size_t got = 0;
    while (got < max) {
        ssize_t n = read(fd, to + got, max - got);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -1;
        got += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)got;
}

static ssize_t read_file(const char *path, char *room, size_t max, bool pipes, struct stat *st)
{
    int byte;
    int fd = open_to_read(path, pipes, st, &byte);
    if (fd < 0)
        return -1;
    size_t had = byte != NO_BYTE;
    room[0] = (char)byte;
    ssize_t n = read_some(fd, room + had, max - had);
    int err = errno;
    close(fd);
    errno = err;
    return n < 0 ? n : n + (ssize_t)had;
}

/* file.read(path, max, pipes) -> its text and file.stat's table of what was read; or nil, a
 * message, the error's number, and that table. Never waits: what is no file is not read, but
 * pipes if they are allowed. */
static int l_read(lua_State *L)
{
    struct stat st;
    const char *path = luaL_checkstring(L, 1);
    lua_Integer max = luaL_checkinteger(L, 2);
    bool pipes = lua_toboolean(L, 3);
    luaL_argcheck(L, max > 0 && max < INT_MAX, 2, "a count of bytes");
    if (stat(path, &st))
        return failed(L, path, errno);
    char *room = lua_newuserdatauv(L, (size_t)max + 1, 0); /* before there is what could leak */
    ssize_t n = read_file(path, room, (size_t)max + 1, pipes, &st);
    bool is_read = n >= 0 && n <= max;
    int results = 1;
    if (is_read)
        lua_pushlstring(L, room, (size_t)n);
    else
        results = failed(L, path, n < 0 ? errno : EFBIG);
    push_stat(L, &st);
    return results + 1;
}

static int close_stream(lua_State *L)
{
    luaL_Stream *s = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    return luaL_fileresult(L, fclose(s->f) == 0, NULL);
}

/* Why it was not opened, where the system's words would mislead; NULL: they are right. */
static const char *words_of(int err)
{
    switch (err) {
    case EINVAL:
        return "it is a device or a socket, not a file";
    case ETIMEDOUT:
        return "it is a pipe that nobody writes into";
    case EISDIR:
        return "it is a folder, not a file";
    default:
        return NULL;
    }
}

/* file.open(path) -> a file of the io library, to be read; or nil and a message. As io.open,
 * but never waits for a writer that does not come, and opens no device. */
static int l_open(lua_State *L)
{
    struct stat st;
    int byte;
    const char *path = luaL_checkstring(L, 1);
    luaL_Stream *s = lua_newuserdatauv(L, sizeof *s, 0);
    s->closef = NULL; /* not open yet */
    luaL_setmetatable(L, LUA_FILEHANDLE);
    int fd = open_to_read(path, true, &st, &byte);
    s->f = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!s->f) {
        int err = errno;
        if (fd >= 0)
            close(fd);
        if (!words_of(err))
            return failed(L, path, err);
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", path, words_of(err));
        return 2;
    }
    s->closef = close_stream;
    if (byte != NO_BYTE)
        ungetc(byte, s->f);
    return 1;
}

/* file.writable(path) -> may this process write there? */
static int l_writable(lua_State *L)
{
    lua_pushboolean(L, access(luaL_checkstring(L, 1), W_OK) == 0);
    return 1;
}

/* file.space(path) -> bytes that are free there, or nil and a message */
static int l_space(lua_State *L)
{
    struct statvfs st;
    const char *path = luaL_checkstring(L, 1);
    if (statvfs(path, &st))
        return failed(L, path, errno);
    uint64_t bytes = (uint64_t)st.f_bavail * st.f_frsize;
    lua_pushinteger(L, (lua_Integer)bytes);
    return 1;
}

/* ---- the terminal ---------------------------------------------------------- */

/* file.is_terminal(number of a descriptor) */
static int l_is_terminal(lua_State *L)
{
    lua_Integer fd = luaL_checkinteger(L, 1);
    lua_pushboolean(L, fd >= 0 && fd < INT_MAX && isatty((int)fd));
    return 1;
}

/* file.typed() -> what was typed at standard input since (of a terminal whole lines), nil: nothing;
 * false: there is no more to come. Never waits. */
static int l_typed(lua_State *L)
{
    char bytes[4096];
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready = poll(&in, 1, 0);
    ssize_t n = ready > 0 ? read(STDIN_FILENO, bytes, sizeof bytes) : -1;
    bool none_yet = ready <= 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
    if (n > 0)
        lua_pushlstring(L, bytes, (size_t)n);
    else if (none_yet)
        lua_pushnil(L);
    else
        lua_pushboolean(L, false);
    return 1;
}

int luaopen_lunagrad_file(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"write", l_write},       {"locked", l_locked}, {"stat", l_stat},
        {"link", l_link},         {"read", l_read},     {"open", l_open},
        {"writable", l_writable}, {"space", l_space},   {"is_terminal", l_is_terminal},
        {"typed", l_typed},       {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
