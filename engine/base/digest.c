/* digest.c - BLAKE2b (RFC 7693) over several pieces, each behind its length. See
 * digest.h.
 *
 * Its own and not libcrypto's: each call there costs a quarter more for looking the
 * algorithm up and for its contexts, and libcrypto 0.7 ms at every start of the command.
 * BLAKE2b and not SHA-256: half the instructions where the processor has none of its
 * own for SHA. It keys a cache; nothing secret is derived from it. */
#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 128 };

typedef struct blake2b {
    uint64_t h[8], bytes; /* no input is 2^64 bytes long */
    unsigned char block[BLOCK];
    size_t used; /* of block; a full one waits, for it may be the last */
} blake2b;

static const uint64_t start[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

static uint64_t load(const unsigned char *s)
{
    uint64_t x;

    memcpy(&x, s, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static inline uint64_t turn(uint64_t x, int right)
{
    return x >> right | x << (64 - right);
}

static inline void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, uint64_t x, uint64_t y)
{
    *a += *b + x;
    *d = turn(*d ^ *a, 32);
    *c += *d;
    *b = turn(*b ^ *c, 24);
    *a += *b + y;
    *d = turn(*d ^ *a, 16);
    *c += *d;
    *b = turn(*b ^ *c, 63);
}

/* One round; s0 … s15 is the order in which it takes the words of the block. Written out,
 * so that the state stays in registers. */
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
    do {                                                                            \
        mix(&v0, &v4, &v8, &v12, m[s0], m[s1]);                                     \
        mix(&v1, &v5, &v9, &v13, m[s2], m[s3]);                                     \
        mix(&v2, &v6, &v10, &v14, m[s4], m[s5]);                                    \
        mix(&v3, &v7, &v11, &v15, m[s6], m[s7]);                                    \
        mix(&v0, &v5, &v10, &v15, m[s8], m[s9]);                                    \
        mix(&v1, &v6, &v11, &v12, m[s10], m[s11]);                                  \
        mix(&v2, &v7, &v8, &v13, m[s12], m[s13]);                                   \
        mix(&v3, &v4, &v9, &v14, m[s14], m[s15]);                                   \
    } while (0)

static void compress(blake2b *b, const unsigned char *block, bool last)
{
    uint64_t m[16], *h = b->h;
    uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7],
             v8 = start[0], v9 = start[1], v10 = start[2], v11 = start[3],
             v12 = start[4] ^ b->bytes, v13 = start[5], v14 = start[6], v15 = start[7];

    if (last)
        v14 = ~v14;
    for (int i = 0; i < 16; i++)
        m[i] = load(block + 8 * i);
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
    ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
    ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
    ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
    ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
    ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
    ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
    ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
    ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
    h[0] ^= v0 ^ v8, h[1] ^= v1 ^ v9, h[2] ^= v2 ^ v10, h[3] ^= v3 ^ v11;
    h[4] ^= v4 ^ v12, h[5] ^= v5 ^ v13, h[6] ^= v6 ^ v14, h[7] ^= v7 ^ v15;
}

static void add(blake2b *b, const void *data, size_t len)
{
    const unsigned char *s = data;

    while (len > 0) {
        size_t n = BLOCK - b->used < len ? BLOCK - b->used : len;

        if (b->used == BLOCK) {
            b->bytes += BLOCK;
            compress(b, b->block, false);
            b->used = 0;
            continue;
        }
        memcpy(b->block + b->used, s, n);
        b->used += n;
        s += n;
        len -= n;
    }
}

/* The first half of the 64 bytes that BLAKE2b-512 gives. */
static void finish(blake2b *b, unsigned char out[32])
{
    memset(b->block + b->used, 0, BLOCK - b->used);
    b->bytes += b->used;
    compress(b, b->block, true);
    for (int i = 0; i < 32; i++)
        out[i] = (unsigned char)(b->h[i / 8] >> 8 * (i % 8));
}

void lg__digest(const lg_piece *pieces, size_t n, unsigned char out[32])
{
    blake2b b = {.bytes = 0};

    memcpy(b.h, start, sizeof b.h);
    b.h[0] ^= 0x01010040; /* no key, 64 bytes */
    for (size_t i = 0; i < n; i++) {
        unsigned char len[8];

        for (int k = 0; k < 8; k++)
            len[k] = (unsigned char)((uint64_t)pieces[i].len >> (56 - 8 * k));
        add(&b, len, sizeof len);
        add(&b, pieces[i].data, pieces[i].len);
    }
    finish(&b, out);
}
