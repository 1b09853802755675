/* process_internal.h - what process.c and process_spawn.c share; nobody else includes it. */
#ifndef LG_PROCESS_INTERNAL_H
#define LG_PROCESS_INTERNAL_H

#include <sys/types.h>

#include "base/fail.h"

typedef struct lg_child { /* descriptors; -1: none */
    pid_t pid;            /* 0: none */
    int out, err, exit;   /* ours: what it writes; its end, readable when it has ended */
    int theirs[3];        /* its stdin, stdout and stderr, until it has them */
} lg_child;

void lg__child_init(lg_child *c);
/* Its three descriptors. 0 (why->code tells what could not be done), LG_ENOMEM */
int lg__child_pipes(lg_child *c, lg_mem *m, const char *input, size_t len, lg_fail *why);
/* Starts it. Same returns. */
int lg__child_spawn(lg_child *c, lg_mem *m, const char *command, lg_fail *why);
void lg__child_close_theirs(lg_child *c);
/* "SEGV"; NULL: not known. Static. */
const char *lg__child_signal_name(int sig);

/* The words of a command, as one block of *size bytes that begins with argv. Blanks part
 * them; '…' and "…" hold blanks, a backslash takes the next character as it is, but not in
 * '…'. 0, LG_ENOMEM, LG_EINVAL: no word, or a quote without its end. */
int lg__child_words(lg_mem *m, const char *command, char ***argv, size_t *size);

#endif
