/* provider_adapt.h - an ask as a model takes it that refused a part of how it was asked:
 * system messages in the user's, a JSON Schema in words.
 *
 * The same for every dialect, which write then what is left. It learns nothing itself
 * (sched_verdict.c does). */
#ifndef LG_PROVIDER_ADAPT_H
#define LG_PROVIDER_ADAPT_H

#include "model/provider.h"

typedef struct lg_adapted {
    lg_ask ask; /* to be encoded; borrowed from the one that was given and from what follows */
    lg_mem *mem;
    lg_ask_part *parts; /* NULL: as they were */
    size_t cap_parts;
    lg_pair *options; /* NULL: as they were */
    size_t cap_options;
    lg_bytes words;
} lg_adapted;

/* 0, LG_ENOMEM. To be freed in either case. */
int lg__adapt(lg_mem *m, const lg_ask *ask, lg_adapted *a);
void lg__adapt_free(lg_adapted *a);

#endif
