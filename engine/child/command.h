/* command.h - programs as tools: a child process, what it was given, and what it left.
 *
 * Each has a scratch directory of its own, which is its working directory and is gone when
 * it is over. So many run at once, the others wait in line. All ends are seen by descriptors
 * and timers; every step does a bounded amount of work: reading, collecting what a program
 * left, removing trees. What a program may do is told by the spec (lg_inside.h); how it is
 * held to that, contain.h. When it has ended, its whole process group is killed. */
#ifndef LG_COMMAND_H
#define LG_COMMAND_H

#include "base/fail.h"
#include "base/loop.h"
#include "lg_inside.h"

typedef struct lg_commands lg_commands;

int lg__commands_new(lg_mem *m, lg_loop *loop, lg_commands **out);
/* Kills and reaps what still runs, removes what they left; at most about a second of each. All
 * commands are freed, whoever holds them. cs may be NULL. */
void lg__commands_free(lg_commands *cs);
/* In line. LG_ENOMEM. *out is held twice: by the caller, until _drop, and until its end was taken
 * by _next, or it was cancelled. */
int lg__commands_start(lg_commands *cs, const lg_command_spec *s, void *tag, lg_command **out);
void lg__command_cancel(lg_command *c); /* its end is not told any more */
void lg__command_drop(lg_command *c);   /* a holder lets go; NULL: nothing */
/* Some of what is to be done: starts those whose turn it is, collects, removes. true: there is
 * more to do at once. cs may be NULL. */
bool lg__commands_work(lg_commands *cs);
/* One that has ended; NULL: none. cs may be NULL. */
lg_command *lg__commands_next(lg_commands *cs);
void *lg__command_tag(const lg_command *c);
const lg_fail *lg__command_fail(const lg_command *c); /* code 0: it ran */
size_t lg__commands_active(const lg_commands *cs);    /* in line, running, not yet told; NULL: 0 */

/* As lg_inside.h has it. */
bool lg__command_read(const lg_command *c, lg_command_end *out);
void lg__command_file_at(const lg_command *c, size_t i, lg_command_file *out);

#endif
