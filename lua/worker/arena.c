/* arena.c - the memory of the candidate's state: one region, the same addresses every time.
 *
 * Lua tells a block's size when it frees it, so small blocks have no header: a list of free ones
 * for each multiple of 16, cut from pages of their own. Larger ones carry a header, know their
 * neighbour, and join with it when both are free; lists by size, four to a doubling. Beyond the
 * last block ever given out lies untouched memory.
 *
 * Nothing here knows where it is but through the arena, which lies in the region itself: copying
 * the region back brings everything back. */
#include "worker/worker.h"

#include <string.h>

enum {
    ALIGN = 16,
    SMALL = 256,             /* bytes; more is a large block */
    SMALLS = SMALL / ALIGN,  /* classes of them */
    PAGE = 4096 - 2 * ALIGN, /* from which small ones are cut */
    BINS = 128,
    LEAST = 3 * ALIGN /* of a large block, so that a free one can hold its links */
};

typedef struct chunk { /* a large block; what it is good for begins behind prev_size and size */
    size_t prev_size;  /* of the chunk before this one; 0: this is the first */
    size_t size;       /* all of it, with this header; odd: it is in use */
    struct chunk *next, *prev; /* free ones: in a bin */
} chunk;

enum { HEAD = offsetof(chunk, next) };
_Static_assert((int)HEAD == (int)ALIGN, "what follows the header is aligned");

typedef struct small { /* a free one */
    struct small *next;
} small;

struct lw_arena {
    void (*full)(void); /* does not return */
    char *end;          /* of the region */
    chunk *top;         /* behind the last block: untouched, or free again */
    size_t last_size;   /* of the block before top; 0: there is none */
    char *reached;      /* how far it was ever used */
    size_t used, peak, most;
    uint64_t filled[BINS / 64]; /* bins that are not empty */
    small *smalls[SMALLS + 1];
    chunk *bins[BINS];
};

/* ---- bins ---------------------------------------------------------------- */

static unsigned log2_of(size_t n)
{
    return 63U - (unsigned)__builtin_clzll(n);
}

/* Four bins to a doubling: all in bin i are smaller than all in bin i + 1. */
static unsigned bin_of(size_t size)
{
    unsigned log = log2_of(size);
    unsigned bin = log * 4 + (unsigned)(size >> (log - 2) & 3) - 16;
    return bin < BINS ? bin : BINS - 1;
}

static void bin_put(lw_arena *a, chunk *c)
{
    unsigned bin = bin_of(c->size);
    c->prev = NULL;
    c->next = a->bins[bin];
    if (c->next)
        c->next->prev = c;

    a->bins[bin] = c;
    a->filled[bin / 64] |= (uint64_t)1 << bin % 64;
}

static void bin_take(lw_arena *a, chunk *c)
{
    unsigned bin = bin_of(c->size);
    if (c->next)
        c->next->prev = c->prev;

    if (c->prev)
        c->prev->next = c->next;
    else
        a->bins[bin] = c->next;

    if (!a->bins[bin])
        a->filled[bin / 64] &= ~((uint64_t)1 << bin % 64);
}

/* The first bin from this one on that is not empty; BINS: none. */
static unsigned bin_from(const lw_arena *a, unsigned bin)
{
    for (unsigned word = bin / 64; word < BINS / 64; word++) {
        uint64_t bits = a->filled[word];
        if (word == bin / 64)
            bits &= ~(uint64_t)0 << bin % 64;

        if (bits)
            return word * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return BINS;
}

/* ---- large blocks -------------------------------------------------------- */

static chunk *after(const chunk *c)
{
    return (chunk *)(void *)((char *)c + (c->size & ~(size_t)1));
}

static bool in_use(const chunk *c)
{
    return c->size & 1;
}

static void tell_next(lw_arena *a, const chunk *c, size_t size)
{
    chunk *next = (chunk *)(void *)((char *)c + size);
    if (next == a->top)
        a->last_size = size;
    else
        next->prev_size = size;
}

static void reach(lw_arena *a, char *to)
{
    if (to > a->reached)
        a->reached = to;
}

static chunk *from_top(lw_arena *a, size_t size)
{
    chunk *c = a->top;
    if ((size_t)(a->end - (char *)c) < size + sizeof(chunk))
        a->full();

    c->prev_size = a->last_size;
    c->size = size | 1;
    a->top = after(c);
    a->last_size = size;
    reach(a, (char *)a->top + sizeof(chunk));
    return c;
}

/* Gives back what a block has beyond size. */
static void cut(lw_arena *a, chunk *c, size_t size);

static void release(lw_arena *a, chunk *c)
{
    size_t size = c->size & ~(size_t)1;
    chunk *next = after(c);
    if (next != a->top && !in_use(next)) {
        bin_take(a, next);
        size += next->size;
    }
    if (c->prev_size) {
        chunk *before = (chunk *)(void *)((char *)c - c->prev_size);
        if (!in_use(before)) {
            bin_take(a, before);
            size += before->size;
            c = before;
        }
    }
    if ((char *)c + size == (char *)a->top) {
        a->top = c;
        a->last_size = c->prev_size;
        return;
    }
    c->size = size;
    tell_next(a, c, size);
    bin_put(a, c);
}

static void cut(lw_arena *a, chunk *c, size_t size)
{
    size_t whole = c->size & ~(size_t)1;
    if (whole < size + LEAST)
        return;

    chunk *rest = (chunk *)(void *)((char *)c + size);
    c->size = size | 1;
    rest->prev_size = size;
    rest->size = (whole - size) | 1;
    tell_next(a, rest, whole - size);
    release(a, rest);
}

static size_t chunk_size(size_t n)
{
    size_t size = (n + HEAD + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    return size < LEAST ? LEAST : size;
}

/* The first that is large enough of the bin that may hold one, or any of a higher bin. */
static chunk *find(const lw_arena *a, size_t size)
{
    unsigned bin = bin_of(size);
    int looks = 8; /* then rather a larger one than a longer search */
    for (chunk *c = a->bins[bin]; c && looks > 0; c = c->next, looks--) {
        if (c->size >= size)
            return c;
    }
    bin = bin + 1 < BINS ? bin_from(a, bin + 1) : BINS;
    return bin < BINS ? a->bins[bin] : NULL;
}

static void *large_new(lw_arena *a, size_t n)
{
    size_t size = chunk_size(n);
    chunk *c = find(a, size);
    if (!c)
        return (char *)from_top(a, size) + HEAD;

    bin_take(a, c);
    c->size |= 1;
    cut(a, c, size);
    return (char *)c + HEAD;
}

static chunk *chunk_of(void *block)
{
    return (chunk *)(void *)((char *)block - HEAD);
}

/* Whether the block could be made so large where it is. */
static bool large_stretch(lw_arena *a, chunk *c, size_t size)
{
    size_t whole = c->size & ~(size_t)1;
    chunk *next = after(c);
    if (next == a->top && whole < size) {
        a->top = c;
        a->last_size = c->prev_size;
        from_top(a, size);
        return true;
    }
    if (whole < size && next != a->top && !in_use(next) && whole + next->size >= size) {
        bin_take(a, next);
        whole += next->size;
        c->size = whole | 1;
        tell_next(a, c, whole);
    }
    if (whole < size)
        return false;

    cut(a, c, size);
    return true;
}

/* ---- small blocks -------------------------------------------------------- */

static void *small_new(lw_arena *a, size_t n)
{
    size_t class = (n + ALIGN - 1) / ALIGN;
    small *s = a->smalls[class];
    if (!s) {
        size_t size = class * ALIGN;
        char *page = large_new(a, PAGE), *at = page + PAGE / size * size;
        do {
            at -= size;
            ((small *)(void *)at)->next = s;
            s = (small *)(void *)at;
        } while (at > page);
    }
    a->smalls[class] = s->next;
    return s;
}

static void small_free(lw_arena *a, void *block, size_t n)
{
    size_t class = (n + ALIGN - 1) / ALIGN;
    small *s = block;
    s->next = a->smalls[class];
    a->smalls[class] = s;
}

/* ---- both ---------------------------------------------------------------- */

static void *block_new(lw_arena *a, size_t n)
{
    return n <= SMALL ? small_new(a, n) : large_new(a, n);
}

static void block_free(lw_arena *a, void *block, size_t n)
{
    if (n <= SMALL)
        small_free(a, block, n);
    else
        release(a, chunk_of(block));
}

static void *block_resize(lw_arena *a, void *block, size_t old_size, size_t size)
{
    bool both_small = size <= SMALL && old_size <= SMALL;
    if (both_small && (size + ALIGN - 1) / ALIGN == (old_size + ALIGN - 1) / ALIGN)
        return block;

    if (size > SMALL && old_size > SMALL && large_stretch(a, chunk_of(block), chunk_size(size)))
        return block;

    void *moved = block_new(a, size);
    memcpy(moved, block, old_size < size ? old_size : size);
    block_free(a, block, old_size);
    return moved;
}

void *lw_arena_alloc(void *ud, void *block, size_t old_size, size_t size)
{
    lw_arena *a = ud;
    size_t before = block ? old_size : 0; /* for a new block it tells the kind of object */
    if (size > before && size - before > a->most - a->used)
        a->full();

    void *result = NULL;
    if (block && before == 0) /* Lua has no blocks of no bytes */
        block = NULL;

    if (size == 0 && block)
        block_free(a, block, before);
    else if (block)
        result = block_resize(a, block, before, size);
    else if (size > 0)
        result = block_new(a, size);

    a->used = a->used - before + size;
    a->peak = a->used > a->peak ? a->used : a->peak;
    return result;
}

lw_arena *lw_arena_make(void *base, size_t size, void (*full)(void))
{
    lw_arena *a = base;
    size_t head = (sizeof *a + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    memset(a, 0, sizeof *a);
    a->full = full;
    a->end = (char *)base + size;
    a->top = (chunk *)(void *)((char *)base + head);
    a->reached = (char *)a->top + sizeof(chunk);
    a->most = size;
    return a;
}

/* Less than there is already: then nothing more. */
void lw_arena_limit(lw_arena *a, size_t most)
{
    a->most = most > a->used ? most : a->used;
    a->peak = a->used;
}

size_t lw_arena_used(const lw_arena *a)
{
    return a->used;
}

size_t lw_arena_peak(const lw_arena *a)
{
    return a->peak;
}

size_t lw_arena_top(const lw_arena *a)
{
    return (size_t)(a->reached - (const char *)a);
}
