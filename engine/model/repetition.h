/* repetition.h - whether a text that grows has begun to say the same over and over.
 *
 * Models, small ones above all, may fall into a loop that ends at the token limit alone. It is
 * told by the text's end: so many bytes that are a few of them again and again, to the byte.
 * Runs that answers have by good right (rules of tables, blanks, zeros) must be much longer. */
#ifndef LG_REPETITION_H
#define LG_REPETITION_H

#include "base/mem.h"

enum {
    LG_REPEATS_PERIOD = 400, /* bytes of what is repeated, at most */
    LG_REPEATS_TIMES = 8,    /* so often, at least, … */
    LG_REPEATS_BYTES = 800,  /* … and so many bytes in all */
    LG_REPEATS_BARE = 3600   /* … where no letter is in it */
};

typedef struct lg_repetition { /* of one text; begin with zeros */
    size_t seen;               /* bytes of it when it was last looked at */
} lg_repetition;

/* Whether the text, which has become s, ends in a loop. Looks now and then: it may tell some
 * hundred bytes late. */
bool lg__repetition_look(lg_repetition *r, const char *s, size_t len);

#endif
