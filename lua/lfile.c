/* lfile.c - module lunagrad.file: writing a file whole, and asking about files.
 *
 * For what a run leaves behind in its directory (record.lua, the command). Not for the
 * store's database, which is the engine's. */
#include "lua_binding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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
    int fd = open(luaL_checkstring(L, 1), O_RDONLY | O_CLOEXEC);
    bool held = false;
    if (fd >= 0) {
        held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        close(fd);
    }
    lua_pushboolean(L, held);
    return 1;
}

/* file.stat(path) -> {kind = "file", "directory" or "other", mode = its permissions,
 * size =, own = whether it is the user's}, or nil and a message */
static int l_stat(lua_State *L)
{
    struct stat st;
    const char *path = luaL_checkstring(L, 1);
    if (stat(path, &st))
        return failed(L, path, errno);
    lua_createtable(L, 0, 4);
    lg__lua_set_text(L, "kind",
                     S_ISREG(st.st_mode)   ? "file"
                     : S_ISDIR(st.st_mode) ? "directory"
                                           : "other");
    lg__lua_set_count(L, "mode", st.st_mode & 07777);
    lg__lua_set_count(L, "size", (uint64_t)st.st_size);
    lua_pushboolean(L, st.st_uid == geteuid());
    lua_setfield(L, -2, "own");
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

int luaopen_lunagrad_file(lua_State *L)
{
    static const luaL_Reg functions[] = {{"write", l_write}, {"locked", l_locked},
                                         {"stat", l_stat},   {"writable", l_writable},
                                         {"space", l_space}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
