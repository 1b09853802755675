/* command_internal.h - what the command_*.c files share; nobody else includes it. */
#ifndef LG_COMMAND_INTERNAL_H
#define LG_COMMAND_INTERNAL_H

#include <time.h>

#include "base/clock.h"
#include "base/list.h"
#include "child/command.h"
#include "child/contain.h"

/* ---- command_scratch.c: its directory --------------------------------------------- */

typedef struct lg_scratches { /* those of one engine, in a directory that it has locked */
    lg_mem *mem;
    int base, root; /* where temporary files are, ours in it; -1: none yet */
    char path[200], name[32];
    unsigned last, hoisted; /* numbers */
    lg_ring leaving;        /* to be removed */
} lg_scratches;

typedef struct lg_given { /* a file that it was given: told from one that was changed */
    char *name;
    struct timespec time;
    int64_t size;
} lg_given;

typedef struct lg_scratch {
    lg_ring link; /* in leaving */
    lg_scratches *all;
    int at, fd; /* where its name is, borrowed; itself, -1: closed */
    char name[32];
    lg_given *given;
    size_t n_given, cap_given;
} lg_scratch;

typedef struct lg_left { /* a file that it made or changed */
    char *name;
    char *data; /* NULL: not read */
    size_t len;
} lg_left;

typedef struct lg_lefts {
    lg_mem *mem;
    lg_left *list;
    size_t n, cap;
    size_t n_read, bytes; /* so many were read; so much */
} lg_lefts;

void lg__scratches_init(lg_scratches *all, lg_mem *m);
void lg__scratches_close(lg_scratches *all); /* what could not be removed stays */
/* base: where the first one makes a folder for all; NULL: /tmp. *out is to be left, whatever is
 * returned. 0, errno */
int lg__scratch_make(lg_scratches *all, const char *base, size_t n_files, uint32_t user,
                     lg_scratch **out);
int lg__scratch_put(lg_scratch *s, const lg_command_file *f, uint32_t user); /* 0, errno */
void lg__scratch_path(const lg_scratch *s, char *path, size_t size);
/* Bytes on the disk; -1: more files than anybody looks at, or no memory to look. */
int64_t lg__scratch_used(const lg_scratch *s);
/* The names of what it has made or changed, in order. 0, LG_ENOMEM */
int lg__scratch_list(const lg_scratch *s, lg_lefts *l);
/* Reads the next file, if there is one and all of it is at most so many bytes. *more: there may be
 * another. 0, LG_ENOMEM */
int lg__scratch_read(const lg_scratch *s, lg_lefts *l, size_t most, bool *more);
void lg__lefts_free(lg_lefts *l);
void lg__scratch_leave(lg_scratch *s); /* to be removed. NULL: nothing */
/* Removes some of what is in line, until then. true: there is more. */
bool lg__scratches_remove(lg_scratches *all, int64_t until_us);

/* ---- command_watcher.c: who clears up when we are killed ------------------------------- */

typedef struct lg_group_watcher {
    pid_t pid; /* 0: there is none */
    int line;
    bool tried;
} lg_group_watcher;

/* The first time: starts it. path: the directory of all scratches */
void lg__watcher_start(lg_group_watcher *w, const lg_kernel *k, lg_mem *m, const char *path);
void lg__watcher_tell(const lg_group_watcher *w, pid_t group); /* it runs; told again: it is over */
void lg__watcher_end(lg_group_watcher *w);

/* ---- command_start.c: from a spec to a child ---------------------------------------- */

typedef struct lg_start { /* a copy of a spec, in one block with all that it points to */
    lg_command_spec spec;
    size_t size;
} lg_start;

lg_start *lg__start_copy(lg_mem *m, const lg_command_spec *s); /* NULL: memory */
/* Starts it in its scratch; ours: its stdout, its stderr, and its stdin when it talks. 0: end says
 * how; LG_ENOMEM; why->code: what could not be done */
int lg__start_child(const lg_start *s, const lg_kernel *k, const lg_scratch *scratch, uint32_t user,
                    uint64_t running, lg_mem *m, int ours[3], lg_contain_end *end, lg_fail *why);

#endif
