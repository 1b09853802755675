/* worker.h - the start of a sandbox's worker: its program, and one process of it.
 *
 * The program is built into the library (lua/worker/, worker_image.S), so no path is needed and
 * both are of one build. It is executed from memory; what it may do then it gives up itself,
 * before it reads a byte. Not here: what is said to it (pool_worker.c). */
#ifndef LG_WORKER_START_H
#define LG_WORKER_START_H

#include <sys/types.h>

#include "base/fail.h"

typedef struct lg_worker_process { /* descriptors; -1: none */
    pid_t pid;                     /* 0: none */
    int channel;                   /* does not block */
    int exit;                      /* readable when it has ended; -1: the kernel has no such */
} lg_worker_process;

/* The program, as a descriptor. 0, or why->code tells. */
int lg__worker_program(lg_mem *m, lg_fail *why);
/* A process whose state may have so many bytes. Same returns; *p: none after a failure. */
int lg__worker_start(lg_mem *m, int program, uint64_t arena, lg_worker_process *p, lg_fail *why);
int64_t lg__worker_cpu_us(const lg_worker_process *p); /* of the processor's time; -1: not known */
void lg__worker_kill(const lg_worker_process *p);      /* at once */
/* Whether it has ended; then it is reaped. *status as of waitpid, -1: not known. */
bool lg__worker_reap(lg_worker_process *p, int *status);
void lg__worker_close(lg_worker_process *p); /* descriptors */

#endif
