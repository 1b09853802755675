/* command_scratch.c - the directories that programs work in: made, looked through, removed.
 *
 * All is done beneath open directories, and no link is followed: a program may have put there
 * what it likes. One engine's are in a directory that it keeps locked, so that others can tell
 * what a dead one has left, and remove it. Nothing is removed by recursion: what is deeper is
 * moved up first; and files are shortened before they are removed, so that no step is long. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "child/clean_start.h"
#include "child/command_internal.h"

enum {
    LOOKS = 3000, /* entries of a directory tree that are looked at, … */
    DEEP = 64,    /* … and folders in folders: the kernel walks all of a path each time */
    STALE_S =
        LG_SMALL(10, 1), /* a directory that is locked by nobody, and as old as this, is dead */
    BITE = 8 << 20,      /* bytes that are taken from a file at once */
    NAME_ROOM = 4096,    /* of a path in it */
    PREFIX = 9           /* "lunagrad-" */
};

/* ---- beneath it --------------------------------------------------------------------- */

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* No link is followed, and nothing leads out. -1: errno */
static int open_beneath(int at, const char *path, int flags)
{
    struct {
        uint64_t flags, mode, resolve;
    } how = {(uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), 0, 0x0C | 0x02};
    int fd = (int)syscall(SYS_openat2, at, path, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd;

    return openat(at, path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* Linux before 5.6 */
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* ---- made ---------------------------------------------------------------------------- */

void lg__scratches_init(lg_scratches *all, lg_mem *m)
{
    *all = (lg_scratches){.mem = m, .base = -1, .root = -1};
    lg__ring_init(&all->leaving);
}

/* NULL: memory */
static lg_scratch *scratch_new(lg_scratches *all, int at, const char *name)
{
    lg_scratch *s = lg__mem_zero(all->mem, sizeof *s);
    if (!s)
        return NULL;

    lg__ring_init(&s->link);
    s->all = all;
    s->at = at;
    s->fd = -1;
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static bool is_dead(int base, const char *name)
{
    struct stat st;
    if (strncmp(name, "lunagrad-", PREFIX) != 0 || strlen(name) != PREFIX + 6 ||
        fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode) ||
        st.st_uid != geteuid() || time(NULL) - st.st_ctime < STALE_S)
        return false;

    int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool dead = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);

    return dead;
}

/* What engines that were killed have left. */
static void sweep(lg_scratches *all)
{
    const struct dirent *e;
    int fd = fcntl(all->base, F_DUPFD_CLOEXEC, 3);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (int i = 0; i < LOOKS && (e = readdir(d)); i++) {
        lg_scratch *s =
            is_dead(all->base, e->d_name) ? scratch_new(all, all->base, e->d_name) : NULL;
        lg__scratch_leave(s);
    }
    closedir(d);
}

static int make_root(lg_scratches *all, const char *base)
{
    if (!base || base[0] != '/' || strlen(base) > sizeof all->path - 32)
        base = "/tmp";

    snprintf(all->path, sizeof all->path, "%s/lunagrad-XXXXXX", base);
    all->base = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (all->base < 0 || !mkdtemp(all->path))
        return errno;

    snprintf(all->name, sizeof all->name, "%s", strrchr(all->path, '/') + 1);
    all->root = open(all->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (all->root < 0 || flock(all->root, LOCK_EX | LOCK_NB) || fchmod(all->root, 0711))
        return errno;

    sweep(all);
    return 0;
}

static void unmake_root(lg_scratches *all)
{
    if (all->name[0])
        unlinkat(all->base, all->name, AT_REMOVEDIR);

    if (all->root >= 0)
        close(all->root);

    if (all->base >= 0)
        close(all->base);

    all->base = all->root = -1;
    all->name[0] = '\0';
}

void lg__scratches_close(lg_scratches *all)
{
    while (!lg__ring_empty(&all->leaving)) {
        lg_scratch *s = LG_OF(all->leaving.next, lg_scratch, link);
        lg__ring_cut(&s->link);
        lg__mem_free(all->mem, s, sizeof *s);
    }
    unmake_root(all);
}

int lg__scratch_make(lg_scratches *all, const char *base, size_t n_files, uint32_t user,
                     lg_scratch **out)
{
    char name[32];
    *out = NULL;
    if (all->root < 0) {
        int err = make_root(all, base);
        if (err) {
            unmake_root(all);
            return err;
        }
    }
    snprintf(name, sizeof name, "%u", ++all->last);
    lg_scratch *s = scratch_new(all, all->root, name);
    size_t size = n_files * sizeof *s->given;
    if (!s || (n_files && !(s->given = lg__mem_zero(all->mem, size)))) {
        lg__mem_free(all->mem, s, sizeof *s);
        return ENOMEM;
    }
    s->cap_given = n_files;
    *out = s;
    if (mkdirat(all->root, name, 0700))
        return errno;

    s->fd = openat(all->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return s->fd < 0 || (user && fchown(s->fd, user, user)) ? errno : 0;
}

void lg__scratch_path(const lg_scratch *s, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", s->all->path, s->name);
}

/* The folders of a path in it. */
static int make_folders(int at, const char *path, uint32_t user)
{
    char part[NAME_ROOM];
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        size_t n = (size_t)(slash - path);
        if (n >= sizeof part)
            return ENAMETOOLONG;

        memcpy(part, path, n);
        part[n] = '\0';
        if (mkdirat(at, part, 0700) == 0)
            (void)(user && fchownat(at, part, user, user, AT_SYMLINK_NOFOLLOW) ? errno : 0);
        else if (errno != EEXIST)
            return errno;
    }
    return 0;
}

int lg__scratch_put(lg_scratch *s, const lg_command_file *f, uint32_t user)
{
    struct stat st;
    int err = make_folders(s->fd, f->name, user);
    if (err)
        return err;

    int fd = openat(s->fd, f->name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0700);
    if (fd < 0)
        return errno;

    err = lg__fd_write_all(fd, f->data, f->len);
    if (!err && ((user && fchown(fd, user, user)) || fstat(fd, &st)))
        err = errno;

    if (!err && s->n_given < s->cap_given) {
        lg_given *g = &s->given[s->n_given];
        *g = (lg_given){lg__mem_strdup(s->all->mem, f->name), st.st_mtim, st.st_size};
        s->n_given += g->name ? 1 : 0;
        err = g->name ? 0 : ENOMEM;
    }
    close(fd);
    return err;
}

/* ---- looked through ------------------------------------------------------------------- */

typedef int (*visitor)(void *ud, const char *path, const struct stat *st); /* 0: go on */

struct walk {
    lg_bytes folders; /* paths, each with its NUL: those that are still to be looked into */
    size_t at;
    int looks;
    visitor visit;
    void *ud;
};

static int depth_of(const char *path)
{
    int depth = 0;
    while ((path = strchr(path, '/'))) {
        path++;
        depth++;
    }
    return depth;
}

static int visit_entry(struct walk *w, int fd, const char *folder, const char *name)
{
    char path[NAME_ROOM];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s%s%s", folder, folder[0] ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof path || ++w->looks > LOOKS)
        return LG_ELIMIT;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return LG_OK; /* gone */

    int err = w->visit(w->ud, path, &st);
    if (err || !S_ISDIR(st.st_mode))
        return err;

    if (depth_of(path) >= DEEP)
        return LG_ELIMIT;

    return lg__bytes_add(&w->folders, path, (size_t)n + 1);
}

static int walk_folder(struct walk *w, int fd, const char *folder)
{
    const struct dirent *e;
    int err = LG_OK;
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return LG_ENOMEM;
    }
    while (!err && (e = readdir(d)))
        err = is_dots(e->d_name) ? LG_OK : visit_entry(w, dirfd(d), folder, e->d_name);

    closedir(d);
    return err;
}

/* 0, LG_ENOMEM, LG_ELIMIT: there is too much */
static int walk(const lg_scratch *s, visitor visit, void *ud)
{
    struct walk w = {.visit = visit, .ud = ud};
    char folder[NAME_ROOM];
    lg__bytes_init(&w.folders, s->all->mem, LG_BYTES_MAX);
    int err = lg__bytes_addc(&w.folders, '\0');
    while (!err && w.at < w.folders.len) {
        snprintf(folder, sizeof folder, "%s", w.folders.data + w.at);
        w.at += strlen(folder) + 1;
        int fd = open_beneath(s->fd, folder[0] ? folder : ".", O_RDONLY | O_DIRECTORY);
        if (fd >= 0)
            err = walk_folder(&w, fd, folder);
        else if (errno == ENAMETOOLONG)
            err = LG_ELIMIT;
    }
    lg__bytes_free(&w.folders);
    return err;
}

static int add_size(void *ud, const char *path, const struct stat *st)
{
    int64_t *used = ud;
    (void)path;
    *used += (int64_t)st->st_blocks * 512;
    return LG_OK;
}

int64_t lg__scratch_used(const lg_scratch *s)
{
    int64_t used = 0;
    return walk(s, add_size, &used) ? -1 : used;
}

struct listing {
    const lg_scratch *s;
    lg_lefts *l;
};

static bool is_as_given(const lg_scratch *s, const char *path, const struct stat *st)
{
    for (size_t i = 0; i < s->n_given; i++) {
        const lg_given *g = &s->given[i];
        if (strcmp(g->name, path) == 0) {
            return g->size == st->st_size && g->time.tv_sec == st->st_mtim.tv_sec &&
                   g->time.tv_nsec == st->st_mtim.tv_nsec;
        }
    }
    return false;
}

static int add_left(void *ud, const char *path, const struct stat *st)
{
    const struct listing *to = ud;
    lg_lefts *l = to->l;
    if (!S_ISREG(st->st_mode) || is_as_given(to->s, path, st))
        return LG_OK;

    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        lg_left *list = lg__mem_grow(l->mem, l->list, l->cap * sizeof *list, cap * sizeof *list);
        if (!list)
            return LG_ENOMEM;

        l->list = list;
        l->cap = cap;
    }
    char *name = lg__mem_strdup(l->mem, path);
    if (name)
        l->list[l->n++] = (lg_left){.name = name};

    return name ? LG_OK : LG_ENOMEM;
}

static int by_name(const void *a, const void *b)
{
    const lg_left *x = a, *y = b;
    return strcmp(x->name, y->name);
}

int lg__scratch_list(const lg_scratch *s, lg_lefts *l)
{
    struct listing to = {s, l};
    int err = walk(s, add_left, &to);
    if (l->n)
        qsort(l->list, l->n, sizeof *l->list, by_name);

    return err == LG_ENOMEM ? err : LG_OK;
}

/* All of a file. 0, LG_ENOMEM; *data stays NULL when it cannot be read */
static int read_file(lg_mem *m, int fd, size_t len, char **data)
{
    char *text = lg__mem_new(m, len + 1);
    size_t at = 0;
    ssize_t n = 1;
    if (!text)
        return LG_ENOMEM;

    while (at < len && n > 0) {
        n = read(fd, text + at, len - at);
        at += n > 0 ? (size_t)n : 0;
    }
    if (at < len) {
        lg__mem_free(m, text, len + 1);
        return LG_OK;
    }
    text[len] = '\0';
    *data = text;
    return LG_OK;
}

int lg__scratch_read(const lg_scratch *s, lg_lefts *l, size_t most, bool *more)
{
    struct stat st;
    *more = l->n_read < l->n;
    if (!*more)
        return LG_OK;

    lg_left *f = &l->list[l->n_read++];
    int fd = open_beneath(s->fd, f->name, O_RDONLY), err = LG_OK;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0) {
        f->len = (size_t)st.st_size;
        if (f->len <= most - (l->bytes < most ? l->bytes : most))
            err = read_file(l->mem, fd, f->len, &f->data);

        l->bytes += f->data ? f->len : 0;
    }
    if (fd >= 0)
        close(fd);

    return err;
}

void lg__lefts_free(lg_lefts *l)
{
    for (size_t i = 0; i < l->n; i++) {
        lg__mem_strfree(l->mem, l->list[i].name);
        lg__mem_free(l->mem, l->list[i].data, l->list[i].data ? l->list[i].len + 1 : 0);
    }
    lg__mem_free(l->mem, l->list, l->cap * sizeof *l->list);
    l->list = NULL;
    l->n = l->cap = 0;
}

/* ---- removed -------------------------------------------------------------------------- */

void lg__scratch_leave(lg_scratch *s)
{
    if (!s)
        return;

    for (size_t i = 0; i < s->n_given; i++)
        lg__mem_strfree(s->all->mem, s->given[i].name);

    lg__mem_free(s->all->mem, s->given, s->cap_given * sizeof *s->given);
    s->given = NULL;
    s->n_given = s->cap_given = 0;
    if (s->fd >= 0)
        close(s->fd);

    s->fd = -1;
    lg__ring_before(&s->all->leaving, &s->link);
}

static bool is_late(int64_t until_us)
{
    const lg_clock real = {.is_virtual = false};
    return until_us != INT64_MAX && lg__clock_now(&real) >= until_us;
}

/* Takes bytes from the end of a large file, a bite at a time. false: it is late. */
static bool shorten(int at, const char *name, int64_t until_us)
{
    struct stat st;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) || st.st_nlink > 1 ||
        (int64_t)st.st_blocks * 512 <= BITE)
        return true;

    int fd = open_beneath(at, name, O_WRONLY);
    if (fd < 0)
        return true;

    off_t size = st.st_size;
    bool late = false;
    while (size > BITE && !(late = is_late(until_us)) && ftruncate(fd, size - BITE) == 0)
        size -= BITE;

    close(fd);
    return !late;
}

enum gone { GONE, LATE, STAYS };

/* A file, a link, or an empty folder. *is_folder: it is one with something in it. */
static enum gone remove_plain(int at, const char *name, int64_t until_us, bool *is_folder)
{
    *is_folder = false;
    if (!shorten(at, name, until_us))
        return LATE;

    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return GONE;

    if (errno != EISDIR && errno != EPERM)
        return STAYS;

    if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return GONE;

    *is_folder = errno == ENOTEMPTY || errno == EEXIST;
    return STAYS;
}

static DIR *open_folder(int at, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(at, name, flags);
    if (fd < 0 && errno == EACCES && fchmodat(at, name, 0700, 0) == 0)
        fd = openat(at, name, flags);

    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);

    if (d)
        fchmod(dirfd(d), 0700); /* ours, or we are root */

    return d;
}

/* What is in a folder in `top` goes, or becomes a folder in top itself. */
static enum gone empty_inner(lg_scratches *all, int top, const char *name, int64_t until_us)
{
    DIR *d = open_folder(top, name);
    const struct dirent *e;
    enum gone last = GONE;
    while (d && last != LATE && (e = readdir(d))) {
        bool is_folder;
        if (is_dots(e->d_name))
            continue;

        last = is_late(until_us) ? LATE : remove_plain(dirfd(d), e->d_name, until_us, &is_folder);
        if (last == STAYS && is_folder) {
            char higher[48];
            snprintf(higher, sizeof higher, "lunagrad-hoisted-%u", ++all->hoisted);
            if (renameat(dirfd(d), e->d_name, top, higher) &&
                fchmodat(dirfd(d), e->d_name, 0700, 0) == 0)
                (void)(renameat(dirfd(d), e->d_name, top, higher) ? errno : 0);
        }
    }
    if (d)
        closedir(d);

    if (last == LATE)
        return LATE;

    return unlinkat(top, name, AT_REMOVEDIR) == 0 ? GONE : STAYS;
}

/* One pass over a folder. *any: something went, or moved. */
static enum gone empty_folder(lg_scratches *all, DIR *d, int64_t until_us, bool *any)
{
    const struct dirent *e;
    enum gone last = GONE;
    *any = false;
    while (last != LATE && (e = readdir(d))) {
        bool is_folder;
        if (is_dots(e->d_name))
            continue;

        last = is_late(until_us) ? LATE : remove_plain(dirfd(d), e->d_name, until_us, &is_folder);
        if (last == STAYS && is_folder)
            last = empty_inner(all, dirfd(d), e->d_name, until_us);

        *any = *any || last == GONE;
    }
    return last;
}

/* STAYS: it cannot be removed. */
static enum gone remove_tree(lg_scratches *all, int at, const char *name, int64_t until_us)
{
    for (bool any = true; any;) {
        if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTDIR)
            return GONE;

        DIR *d = open_folder(at, name);
        if (!d)
            return STAYS;

        enum gone last = empty_folder(all, d, until_us, &any);
        closedir(d);
        if (last == LATE)
            return LATE;
    }
    return unlinkat(at, name, AT_REMOVEDIR) == 0 ? GONE : STAYS;
}

bool lg__scratches_remove(lg_scratches *all, int64_t until_us)
{
    while (!lg__ring_empty(&all->leaving)) {
        lg_scratch *s = LG_OF(all->leaving.next, lg_scratch, link);
        if (is_late(until_us) || remove_tree(all, s->at, s->name, until_us) == LATE)
            return true;

        lg__ring_cut(&s->link);
        lg__mem_free(all->mem, s, sizeof *s);
    }
    return false;
}
