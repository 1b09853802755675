/* digest.c - BLAKE2b (RFC 7693) over several pieces, each behind its length. See
 * digest.h.
 *
 * Its own and not libcrypto's: each call there costs a quarter more for looking the
 * algorithm up and for its contexts, and libcrypto 0.7 ms at every start of the command.
 * BLAKE2b and not SHA-256: half the instructions where the processor has none of its
 * own for SHA. Where it has AVX2, four words are mixed at once, in half the instructions.
 * It keys a cache; nothing secret is derived from it. */
#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = 128 };

typedef struct blake2b blake2b;

struct blake2b {
    uint64_t h[8], bytes; /* no input is 2^64 bytes long */
    void (*compress)(blake2b *b, const unsigned char *block, bool last);
    unsigned char block[BLOCK];
    size_t used; /* of block; a full one waits, for it may be the last */
};

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

/* The twelve rounds: in which order each takes the words of the block. Written out, so that
 * the state stays in registers. */
#define ROUNDS(round)                                            \
    round(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); \
    round(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3); \
    round(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4); \
    round(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8); \
    round(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13); \
    round(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9); \
    round(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11); \
    round(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10); \
    round(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5); \
    round(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0); \
    round(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); \
    round(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)

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
    ROUNDS(ROUND);
    h[0] ^= v0 ^ v8, h[1] ^= v1 ^ v9, h[2] ^= v2 ^ v10, h[3] ^= v3 ^ v11;
    h[4] ^= v4 ^ v12, h[5] ^= v5 ^ v13, h[6] ^= v6 ^ v14, h[7] ^= v7 ^ v15;
}

/* ---- the same with AVX2: the state is four rows of four words ----------------- */

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2")))

typedef struct rows {
    __m256i a, b, c, d;
} rows;

WIDE static inline __m256i pick(const uint64_t *m, int s0, int s1, int s2, int s3)
{
    return _mm256_set_epi64x((int64_t)m[s3], (int64_t)m[s2], (int64_t)m[s1], (int64_t)m[s0]);
}

/* As mix, of four columns; turns by whole bytes are shuffles. */
WIDE static inline void mix_rows(rows *v, __m256i x, __m256i y)
{
    const __m256i by_24 = _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3,
                                           4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
    const __m256i by_16 = _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2,
                                           3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);

    v->a = _mm256_add_epi64(_mm256_add_epi64(v->a, v->b), x);
    v->d = _mm256_shuffle_epi32(_mm256_xor_si256(v->d, v->a), 0xB1);
    v->c = _mm256_add_epi64(v->c, v->d);
    v->b = _mm256_shuffle_epi8(_mm256_xor_si256(v->b, v->c), by_24);
    v->a = _mm256_add_epi64(_mm256_add_epi64(v->a, v->b), y);
    v->d = _mm256_shuffle_epi8(_mm256_xor_si256(v->d, v->a), by_16);
    v->c = _mm256_add_epi64(v->c, v->d);
    v->b = _mm256_xor_si256(v->b, v->c);
    v->b = _mm256_xor_si256(_mm256_srli_epi64(v->b, 63), _mm256_add_epi64(v->b, v->b));
}

/* Turns the rows so that diagonals stand in columns; and back. */
#define TURN_ROWS(v, by_b, by_d)                       \
    do {                                               \
        (v).b = _mm256_permute4x64_epi64((v).b, by_b); \
        (v).c = _mm256_permute4x64_epi64((v).c, 0x4E); \
        (v).d = _mm256_permute4x64_epi64((v).d, by_d); \
    } while (0)

#define WIDE_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
    do {                                                                                 \
        mix_rows(&v, pick(m, s0, s2, s4, s6), pick(m, s1, s3, s5, s7));                  \
        TURN_ROWS(v, 0x39, 0x93);                                                        \
        mix_rows(&v, pick(m, s8, s10, s12, s14), pick(m, s9, s11, s13, s15));            \
        TURN_ROWS(v, 0x93, 0x39);                                                        \
    } while (0)

WIDE static void compress_wide(blake2b *b, const unsigned char *block, bool last)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)b->h);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(b->h + 4));
    __m256i ends = _mm256_setr_epi64x((int64_t)b->bytes, 0, last ? -1 : 0, 0);
    rows v = {low, high, _mm256_loadu_si256((const __m256i *)(const void *)start),
              _mm256_loadu_si256((const __m256i *)(const void *)(start + 4))};
    uint64_t m[16];

    memcpy(m, block, sizeof m);
    v.d = _mm256_xor_si256(v.d, ends);
    ROUNDS(WIDE_ROUND);
    low = _mm256_xor_si256(low, _mm256_xor_si256(v.a, v.c));
    high = _mm256_xor_si256(high, _mm256_xor_si256(v.b, v.d));
    _mm256_storeu_si256((__m256i *)(void *)b->h, low);
    _mm256_storeu_si256((__m256i *)(void *)(b->h + 4), high);
}

static bool has_wide(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
#define compress_wide compress

static bool has_wide(void)
{
    return false;
}
#endif

/* ---- pieces ------------------------------------------------------------------- */

static void add(blake2b *b, const void *data, size_t len)
{
    const unsigned char *s = data;
    size_t room = BLOCK - b->used;

    if (len > room) {
        memcpy(b->block + b->used, s, room);
        b->bytes += BLOCK;
        b->compress(b, b->block, false);
        b->used = 0;
        for (s += room, len -= room; len > BLOCK; s += BLOCK, len -= BLOCK) {
            b->bytes += BLOCK;
            b->compress(b, s, false);
        }
    }
    if (len > 0)
        memcpy(b->block + b->used, s, len);
    b->used += len;
}

/* The first half of the 64 bytes that BLAKE2b-512 gives. */
static void finish(blake2b *b, unsigned char out[32])
{
    memset(b->block + b->used, 0, BLOCK - b->used);
    b->bytes += b->used;
    b->compress(b, b->block, true);
    for (int i = 0; i < 32; i++)
        out[i] = (unsigned char)(b->h[i / 8] >> 8 * (i % 8));
}

static void digest(const lg_piece *pieces, size_t n, bool wide, unsigned char out[32])
{
    blake2b b;

    memcpy(b.h, start, sizeof b.h);
    b.h[0] ^= 0x01010040; /* no key, 64 bytes */
    b.bytes = b.used = 0;
    b.compress = wide ? compress_wide : compress;
    for (size_t i = 0; i < n; i++) {
        uint64_t len = pieces[i].len;

#if __BYTE_ORDER__ != __ORDER_BIG_ENDIAN__
        len = __builtin_bswap64(len);
#endif
        add(&b, &len, sizeof len);
        add(&b, pieces[i].data, pieces[i].len);
    }
    finish(&b, out);
}

void lg__digest(const lg_piece *pieces, size_t n, unsigned char out[32])
{
    digest(pieces, n, has_wide(), out);
}

void lg__digest_anywhere(const lg_piece *pieces, size_t n, unsigned char out[32])
{
    digest(pieces, n, false, out);
}
