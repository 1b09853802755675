/* process.h - programs that answer: a child process instead of a transfer.
 *
 * One process is one request: it reads the input from its stdin, what it writes to
 * stdout is the body of the reply. No retry, no policy. Finished ones wait in a list
 * for lg__process_next, their attempts like those of any server; nothing is called back.
 *
 * No shell, no signal handler: the end of a child is seen by its descriptor (pidfd), or
 * by asking where there is none. Each is the head of a process group of its own, so
 * that ending it ends what it started. Time-outs are real time. */
#ifndef LG_PROCESS_H
#define LG_PROCESS_H

#include "base/attempt.h"
#include "base/loop.h"

typedef struct lg_processes lg_processes;
typedef struct lg_process lg_process;

typedef struct lg_process_request { /* borrowed during start only */
    const char *command;            /* words; quotes as in a shell, nothing else is */
    const char *input;
    size_t input_len;
    int timeout_ms;
} lg_process_request;

int lg__processes_new(lg_mem *m, lg_loop *loop, lg_processes **out);
/* Ends and reaps what still runs; waits for it at most about a second. ps may be NULL. */
void lg__processes_free(lg_processes *ps);
/* 0, LG_ENOMEM. A program that cannot be started ends all the same, and a says why. It is
 * written to when it has ended, its body's ceiling holds from the start; *out is ps's until
 * lg__process_next gave a, or cancel. */
int lg__process_start(lg_processes *ps, const lg_process_request *r, lg_attempt *a,
                      lg_process **out);
/* It is told to end; its attempt has no end. */
void lg__process_cancel(lg_process *p);
/* One that has ended; NULL: none. ps may be NULL. */
lg_attempt *lg__process_next(lg_processes *ps);
size_t lg__processes_active(const lg_processes *ps); /* running and awaited; NULL: 0 */

#endif
