/* talk.h - programs that stay: asked by a line, they answer by a line.
 *
 * Each is one process, contained as a command is (command_start.c), with a scratch directory for
 * its life. It is asked one thing at a time; who asks which of several is the caller's. One that
 * ends, or is ended because an answer did not come in time, is not started again here. Answers
 * wait in a list for lg__talks_next; nothing is called back. */
#ifndef LG_TALK_H
#define LG_TALK_H

#include "base/fail.h"
#include "base/loop.h"
#include "lg_inside.h"

typedef struct lg_talks lg_talks;

int lg__talks_new(lg_mem *m, lg_loop *loop, lg_talks **out);
void lg__talks_free(lg_talks *ts);           /* kills and reaps all. NULL: nothing */
size_t lg__talks_active(const lg_talks *ts); /* that have been asked; NULL: 0 */
bool lg__talks_is_due(const lg_talks *ts);   /* there are answers, or something to remove */
void lg__talks_tidy(lg_talks *ts);           /* some of what is to be removed */
/* 0, LG_ENOMEM, or why->code tells */
int lg__talks_start(lg_talks *ts, const lg_command_spec *s, lg_talk **out, lg_fail *why);
/* 0, LG_ESTATE, LG_ENOMEM */
int lg__talk_begin(lg_talk *t, const char *line, size_t len, int64_t ms, void *tag);
/* One whose question is over, and the tag of that; NULL: none. It may be asked again at once. */
lg_talk *lg__talks_next(lg_talks *ts, void **tag);
/* The answer, taken over by the caller; empty: it has ended. NULL: memory */
lg_text *lg__talk_answer(lg_talk *t);
void *lg__talk_tag(const lg_talk *t); /* of its question; NULL: none, or told */
void lg__talk_forget(lg_talk *t);     /* its answer is not wanted any more: it ends */
void lg__talk_end(lg_talk *t);        /* nor is it itself, which is freed when it has ended */
bool lg__talk_is_alive(const lg_talk *t);
bool lg__talk_read(const lg_talk *t, lg_command_end *out);

#endif
