/* provider_read.h - what the dialects write down of an answer while they hear it.
 *
 * What is then made of it is provider_read.c's. */
#ifndef LG_PROVIDER_READ_H
#define LG_PROVIDER_READ_H

#include "model/provider.h"

extern const lg_asked lg__asked_nothing;
void lg__heard_init(lg_heard *h, lg_mem *m, const lg_model *model, const lg_asked *asked);
void lg__heard_free(lg_heard *h);
int lg__heard_err(const lg_heard *h); /* the first that went wrong in any of its parts */

/* Adds to what it says. NULL adds nothing. */
void lg__heard_say(lg_heard *h, const char *s);
/* Adds to what it thought, where the server has that apart. NULL adds nothing. */
void lg__heard_think(lg_heard *h, const char *s);
/* What it thinks next is another piece. */
void lg__heard_think_next(lg_heard *h);
/* It will not answer. why NULL or "": no reason given. */
void lg__heard_refuse(lg_heard *h, const char *why);
/* Why it ended, in the server's word, which every dialect's list is searched for. NULL:
 * not said. */
void lg__heard_end(lg_heard *h, const char *word);
/* The call with this number, made when it is new. NULL: memory (h->err). */
lg_heard_call *lg__heard_call_at(lg_heard *h, int64_t index);
/* A whole call: arguments is a JSON text, or a tree to be written. NULLs are "". */
void lg__heard_call(lg_heard *h, const char *id, const char *name, const char *arguments,
                    const lg_json *tree);
/* A picture or sound as base64 or data URL; the last one counts. */
void lg__heard_media(lg_heard *h, const char *type, const char *base64);
/* A count of tokens; 0 when it is missing or negative. */
int64_t lg__heard_tokens(const lg_json *usage, const char *name);
/* Adds one embedding as a JSON list: a list of numbers, or base64 of packed float32. */
void lg__heard_vector(lg_heard *h, const lg_json *vector);

#endif
