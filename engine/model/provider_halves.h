/* provider_halves.h - characters that a stream cuts in two. */
#ifndef LG_PROVIDER_HALVES_H
#define LG_PROVIDER_HALVES_H

#include "base/bytes.h"

typedef struct lg_halves {
    char high[6];  /* an escape that waits for its other half; none: it begins with NUL */
    lg_bytes copy; /* the event, rewritten */
} lg_halves;

void lg__halves_init(lg_halves *x, lg_mem *m);
void lg__halves_free(lg_halves *x);
/* The JSON of one event: *s and *len may be changed to a copy, good until the next call.
 * 0, LG_ENOMEM. */
int lg__halves_join(lg_halves *x, const char **s, size_t *len);

#endif
