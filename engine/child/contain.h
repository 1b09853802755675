/* contain.h - a child process that can do no more than it was given.
 *
 * Everything is prepared here, in the parent: between the child's start and its exec there
 * are system calls alone, in this order: descriptors, session, pdeathsig, limits, another
 * user where this one is root, no_new_privs, Landlock, seccomp, exec. A child that cannot be
 * contained as asked is not run. What a program may do is policy, and the caller's.
 *
 * Held by Landlock: files. By seccomp, whatever the kernel's Landlock knows: sockets, other
 * processes, namespaces, kernel interfaces, leaving the process group; so that a signal to
 * the group reaches all that a program has started. */
#ifndef LG_CONTAIN_H
#define LG_CONTAIN_H

#include <sys/types.h>

#include "base/mem.h"

enum { LG_CONTAIN_ABI_MAX = 7 }; /* what of Landlock is known here; newer kernels have it all */

typedef struct lg_kernel { /* what this one offers */
    int abi;               /* of Landlock; 0: none, and abi_problem says why */
    int abi_problem;       /* errno */
    bool seccomp;
    uint32_t ids;         /* first of 2^28 users that nobody is, when they can be had; 0: none */
    bool bound_root;      /* root, who can become nobody else */
    bool unknown_machine; /* neither x86_64 nor aarch64: the filter does not know its calls */
} lg_kernel;

/* most_abi: pretend an older one (tests); 0: no. */
void lg__kernel_look(lg_kernel *k, int most_abi);
/* NULL: children can be contained; else why not, static. */
const char *lg__kernel_problem(const lg_kernel *k);
/* A user that nobody is, for one child; 0: none can be had. */
uint32_t lg__kernel_user(const lg_kernel *k);

typedef struct lg_contain { /* borrowed during start */
    const char *program;    /* the file to run */
    char *const *argv, *const *envp;
    int folder;                  /* descriptor of the working directory */
    int fds[3];                  /* its stdin, stdout, stderr: all above 2 */
    bool contained;              /* false: descriptors, session, limits and user only */
    bool handed;                 /* … and descriptor 3 is a filter, for the program to set */
    bool tied;                   /* it ends with the thread that started it */
    bool scratch;                /* its folder is its own: it may write there */
    const char *const *readable; /* files and folders; those that are not there are passed over */
    size_t n_readable;
    uint32_t user; /* to become: one of ids, who owns the folder; 0: it stays who it is */
    bool bare;     /* … who may read no more than others, instead of what root may */
    /* limits; 0: none */
    uint64_t cpu_seconds, memory, file_size, processes, open_files;
} lg_contain;

enum lg_contain_stage {                   /* where a start failed */
                        LG_STAGE_PREPARE, /* in the parent */
                        LG_STAGE_FORK,
                        LG_STAGE_DESCRIPTORS,
                        LG_STAGE_SESSION,
                        LG_STAGE_LIMITS,
                        LG_STAGE_USER,
                        LG_STAGE_LANDLOCK,
                        LG_STAGE_SECCOMP,
                        LG_STAGE_EXEC
};

typedef struct lg_contain_end {
    int stage, problem; /* errno; 0: it runs */
    pid_t pid;
    int exit; /* its pidfd; -1: the kernel has none */
} lg_contain_end;

/* Starts it; end->problem says whether. Waits until the child runs its program, or could
 * not: some 0.3 ms. */
void lg__contain_start(const lg_contain *c, const lg_kernel *k, lg_mem *m, lg_contain_end *end);
/* The stage, in words: "Landlock". Static. */
const char *lg__contain_stage_name(int stage);

/* How many processes and threads this user has now, of all that can be seen; a look costs up to
 * some milliseconds. */
uint64_t lg__contain_count(void);

#endif
