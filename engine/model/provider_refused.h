/* provider_refused.h - what of a request a refusal is about: a field, the form of the
 * answer, a role, a cap of a day.
 *
 * It reads words (provider_words.h) and names things; what is done about them is
 * sched_verdict.c's. */
#ifndef LG_PROVIDER_REFUSED_H
#define LG_PROVIDER_REFUSED_H

#include "model/provider_refusal.h"

/* Fills r's bad_param, new_param and learn. inner: a part of a script's own option that is
 * refused and not left out, as "option.part"; "" when there is none. */
void lg__refused_find(const lg_model *model, const lg_refusal *w, int status, lg_reply *r,
                      char inner[64]);
/* Whether it is about the roles of messages, which a server says even under 500. */
bool lg__refused_role(const lg_refusal *w);
/* Whether a cap of a day is used up: then there is no use in asking soon. */
bool lg__refused_day(const lg_refusal *w);
/* How long the message says to wait, in ms; -1: it does not. */
int64_t lg__refused_wait(const lg_refusal *w);

#endif
