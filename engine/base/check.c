/* check.c - how a check that failed ends the program. The only place of the engine that does. */
#include "base/check.h"

#ifdef LG_DEBUG

#include <stdio.h>
#include <stdlib.h>

void lg__check_failed(const char *file, int line, const char *expression)
{
    fprintf(stderr, "%s:%d: check failed: %s\n", file, line, expression);
    abort();
}

#endif
