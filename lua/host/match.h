/* match.h - Lua's patterns, with a count of steps. Knows nothing of Lua's stacks. */
#ifndef LG_HOST_MATCH_H
#define LG_HOST_MATCH_H

#include <stddef.h>

enum { LH_CAPTURES = 32, LH_IS_POSITION = -2, LH_IS_OPEN = -1 };

typedef struct lh_match {
    const char *begin, *end; /* of the text */
    const char *pattern_end;
    void (*burn)(void *ud, unsigned steps); /* every so many; need not return */
    void *ud;
    unsigned steps;
    const char *problem; /* what is wrong with the pattern; NULL: nothing */
    int depth;           /* of calls that are still allowed */
    int level;           /* captures */
    struct {
        const char *at;
        ptrdiff_t len;
    } capture[LH_CAPTURES];
} lh_match;

/* Where a match from s on ends; NULL: there is none, or there is a problem. pattern: behind '^'. */
const char *lh_match_at(lh_match *m, const char *s, const char *pattern);

#endif
