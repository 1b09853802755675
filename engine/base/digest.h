/* digest.h - a 256-bit digest (BLAKE2b) over several pieces, each with its length, so that
 * ("ab","c") and ("a","bc") differ. */
#ifndef LG_DIGEST_H
#define LG_DIGEST_H

#include <stddef.h>

typedef struct lg_piece {
    const void *data;
    size_t len;
} lg_piece;

void lg__digest(const lg_piece *pieces, size_t n, unsigned char out[32]);
/* The same, with what every processor has (tests). */
void lg__digest_anywhere(const lg_piece *pieces, size_t n, unsigned char out[32]);

#endif
