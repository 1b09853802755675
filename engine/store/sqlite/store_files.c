/* store_files.c - the store's directory and files: their names, that they are files, and that
 * nobody but the user reads them.
 *
 * What is in the database is not known here. */
#include "store/sqlite/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHERS = 077 }; /* what group and others may do */

/* ---- names ---------------------------------------------------------------------- */

static char *join(lg_mem *m, const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);
    char *path = lg__mem_new(m, a + b + 2);
    if (path) {
        memcpy(path, dir, a);
        path[a] = '/';
        memcpy(path + a + 1, name, b + 1);
    }
    return path;
}

int lg__store_name_files(lg_store *s, const char *dir)
{
    s->dir = lg__mem_strdup(s->mem, dir);
    s->path = join(s->mem, dir, "store.db");
    s->log_path = join(s->mem, dir, "store.db-wal");
    s->lock_path = join(s->mem, dir, "store.lock");
    return s->dir && s->path && s->log_path && s->lock_path ? LG_OK : LG_ENOMEM;
}

/* ---- the directory -------------------------------------------------------------- */

static int cannot_make(lg_store *s, const char *path)
{
    int err =
        lg__store_fail(s, LG_ESTORE, true, "%s: cannot be made: %s", path, lg__errno_text(errno));
    lg__fail_hint(&s->why, s->mem, "%s", LG_STORE_WRITABLE);
    return err;
}

static int no_directory(lg_store *s)
{
    int err = lg__store_fail(s, LG_ESTORE, true, "%s: it is not a directory", s->dir);
    lg__fail_hint(&s->why, s->mem, "choose another place for the store");
    return err;
}

/* The directory with all above it. The one itself is for the user alone; one that is there
 * already stays as it is, it may hold other things. */
static int make_dir(lg_store *s, char *path)
{
    for (char *at = path + 1;; at++) {
        char was = *at;
        if (was != '/' && was != '\0')
            continue;

        *at = '\0';
        bool is_last = was == '\0';
        if (mkdir(path, is_last ? 0700 : 0777) != 0 && errno != EEXIST &&
            (is_last || errno != EROFS)) {
            int err = cannot_make(s, path);
            *at = was;
            return err;
        }
        *at = was;
        if (is_last)
            return LG_OK;
    }
}

static int no_file(lg_store *s, const char *path, mode_t mode)
{
    int err = lg__store_fail(s, LG_ESTORE, true, "%s: it is a %s, not a file", path,
                             S_ISDIR(mode)    ? "directory"
                             : S_ISFIFO(mode) ? "pipe"
                                              : "device or socket");
    lg__fail_hint(&s->why, s->mem, "move it away, or choose another place for the store");
    return err;
}

static int open_lock(lg_store *s)
{
    struct stat st;
    s->lock_fd = open(s->lock_path, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (s->lock_fd < 0 || fstat(s->lock_fd, &st) != 0)
        return cannot_make(s, s->lock_path);

    return S_ISREG(st.st_mode) ? LG_OK : no_file(s, s->lock_path, st.st_mode);
}

int lg__store_make_dirs(lg_store *s)
{
    char *runs = join(s->mem, s->dir, "runs");
    if (!runs)
        return LG_ENOMEM;

    struct stat there;
    int err = make_dir(s, s->dir);
    if (!err && stat(s->dir, &there) == 0 && !S_ISDIR(there.st_mode))
        err = no_directory(s);

    if (!err && mkdir(runs, 0700) != 0 && errno != EEXIST)
        err = cannot_make(s, runs);

    lg__mem_strfree(s->mem, runs);
    return err ? err : open_lock(s);
}

/* ---- the files ------------------------------------------------------------------ */

/* The database, its log and the index of that; SQLite would wait for a pipe. */
static int each_file(lg_store *s, int (*visit)(lg_store *s, const char *path, const struct stat *))
{
    char *index = join(s->mem, s->dir, "store.db-shm");
    const char *paths[] = {s->path, s->log_path, index};
    int err = index ? LG_OK : LG_ENOMEM;
    for (size_t i = 0; !err && i < sizeof paths / sizeof *paths; i++) {
        struct stat st;
        if (stat(paths[i], &st) == 0)
            err = visit(s, paths[i], &st);
    }
    lg__mem_strfree(s->mem, index);
    return err;
}

/* What is written into another's file, that one can read. */
static int check_file(lg_store *s, const char *path, const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return no_file(s, path, st->st_mode);

    if (s->read_only || st->st_uid == geteuid() || st->st_uid == 0 || geteuid() == 0)
        return LG_OK;

    int err = lg__store_fail(s, LG_ESTORE, true, "%s: it is another user's (uid %u)", path,
                             (unsigned)st->st_uid);
    lg__fail_hint(&s->why, s->mem, "choose another place for the store: LUNAGRAD_HOME");
    return err;
}

/* SQLite takes an empty database beside a full log for a new one, and drops the log. */
int lg__store_check_files(lg_store *s)
{
    struct stat db, wal;
    bool there = stat(s->path, &db) == 0;
    if (s->read_only && !there)
        return lg__store_fail(s, LG_ENOTFOUND, true, "%s: there is no store here", s->dir);

    int err = each_file(s, check_file);
    if (err)
        return err;

    if ((!there || db.st_size == 0) && stat(s->log_path, &wal) == 0 && wal.st_size > 0) {
        err = lg__store_fail(s, LG_ESTORE, true, "%s: it is %s, but its log %s is not", s->path,
                             there ? "empty" : "gone", s->log_path);
        lg__fail_hint(&s->why, s->mem, "put store.db back from a copy, or move both away");
    }
    return err;
}

/* With the lock. A database that is made is the user's alone, whatever the umask. */
void lg__store_make_file(const lg_store *s)
{
    int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    /* what else is wrong with it, SQLite tells */
}

/* By name: to close a file that SQLite has open elsewhere in this process drops its locks. */
static int close_to_others(lg_store *s, const char *path, const struct stat *st)
{
    (void)s;
    if (st->st_uid == geteuid() && (st->st_mode & OTHERS))
        (void)chmod(path, st->st_mode & 07777 & ~(mode_t)OTHERS);

    return LG_OK;
}

/* Prompts and replies are the user's alone, whoever made the store. Only what is known to be a
 * store is changed: a name may be a link, laid here with a clone, to any file. */
int lg__store_make_private(lg_store *s)
{
    return each_file(s, close_to_others);
}
