/* bytes.h - a growable buffer with a ceiling.
 *
 * After a failure the buffer is empty, holds its error and ignores further
 * additions, so that a caller may add many pieces and look at err once. */
#ifndef LG_BYTES_H
#define LG_BYTES_H

#include <stdarg.h>

#include "base/mem.h"

typedef struct lg_bytes {
    lg_mem *mem;
    char *data; /* NUL-terminated when not NULL */
    size_t len, cap;
    size_t ceiling; /* most bytes it may hold */
    int err;        /* 0, LG_ENOMEM or LG_ELIMIT; sticky */
} lg_bytes;

#define LG_BYTES_MAX ((size_t)1 << 30)

void lg__bytes_init(lg_bytes *b, lg_mem *m, size_t ceiling);
/* Room for so many at first, instead of growing to it; a guess, it may hold more. → err */
int lg__bytes_expect(lg_bytes *b, size_t n);
int lg__bytes_add(lg_bytes *b, const void *data, size_t n); /* → err */
int lg__bytes_adds(lg_bytes *b, const char *s);
int lg__bytes_addc(lg_bytes *b, char c);
int lg__bytes_addf(lg_bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lg__bytes_clear(lg_bytes *b); /* len 0, keeps memory, forgets the error */
void lg__bytes_free(lg_bytes *b);  /* gives all back; usable again */

#endif
