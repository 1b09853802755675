/* eventstream.h - incremental parser of server-sent events (text/event-stream).
 *
 * LF, CR or CRLF; several data lines joined by LF; comments skipped; one space
 * behind the colon dropped; a last event without blank line is flushed by _end.
 * Bytes may be split anywhere. It knows nothing of providers. */
#ifndef LG_EVENTSTREAM_H
#define LG_EVENTSTREAM_H

#include "base/bytes.h"

/* name is "" when the stream gave none. Borrowed until return. 0 goes on; any
 * other value stops the parser and is returned by feed. */
typedef int (*lg_sse_fn)(void *ud, const char *name, const char *data, size_t len);

typedef struct lg_sse {
    lg_bytes line, data, name;
    bool after_cr, has_data, first;
    int stopped; /* what ended it: given back by every further call */
    lg_sse_fn fn;
    void *ud;
} lg_sse;

void lg__sse_init(lg_sse *s, lg_mem *m, size_t ceiling, lg_sse_fn fn, void *ud);
int lg__sse_feed(lg_sse *s, const char *data, size_t len); /* 0, LG_ENOMEM, LG_ELIMIT, fn's */
int lg__sse_end(lg_sse *s);                                /* flush at the end of input */
void lg__sse_free(lg_sse *s);

#endif
