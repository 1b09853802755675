/* map.c - open-addressing hash maps. See map.h.
 *
 * Linear probing, at most three quarters full. A removal moves the entries
 * behind it up, so there are no tombstones and look-ups do not slow down with
 * time. Both maps are one table whose slots are a key of 8 or 32 bytes and a
 * value; no value means a free slot. The key size is a constant at every call,
 * so the compiler makes two versions. */
#include "base/map.h"

#include <string.h>

#include "base/check.h"

enum { FIRST_CAP = LG_SMALL(16, 2), /* one is always empty */ ID_SIZE = 8, KEY_SIZE = 32 };

/* The parts of lg_map and lg_keymap that the table's functions work on. */
typedef struct table {
    unsigned char *slots;
    size_t cap;
} table;

static inline size_t slot_size(size_t key_size)
{
    return key_size + sizeof(void *);
}

static inline unsigned char *slot_at(table t, size_t i, size_t key_size)
{
    return t.slots + i * slot_size(key_size);
}

static inline void *value_of(const unsigned char *slot, size_t key_size)
{
    void *value;

    memcpy(&value, slot + key_size, sizeof value);
    return value;
}

static inline void set_value(unsigned char *slot, size_t key_size, void *value)
{
    memcpy(slot + key_size, &value, sizeof value);
}

/* Where a key wants to be. Ids count up, so they are mixed; a digest's first
 * bytes are as good mixed as not. */
static inline size_t home_of(table t, const void *key)
{
    uint64_t x;

    memcpy(&x, key, sizeof x);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return (size_t)x & (t.cap - 1);
}

/* The slot of a key, or the free one where it belongs. cap must not be 0. */
static inline size_t find(table t, const void *key, size_t key_size)
{
    size_t i = home_of(t, key);

    for (;; i = (i + 1) & (t.cap - 1)) {
        const unsigned char *slot = slot_at(t, i, key_size);

        if (!value_of(slot, key_size) || memcmp(slot, key, key_size) == 0)
            return i;
    }
}

static inline void *get(table t, const void *key, size_t key_size)
{
    return t.cap ? value_of(slot_at(t, find(t, key, key_size), key_size), key_size) : NULL;
}

static inline int resize(lg_mem *mem, table *t, size_t cap, size_t key_size)
{
    size_t size = slot_size(key_size);
    table bigger = {NULL, cap};

    if (cap > SIZE_MAX / size)
        return LG_ENOMEM;
    bigger.slots = lg__mem_zero(mem, cap * size);
    if (!bigger.slots)
        return LG_ENOMEM;
    for (size_t i = 0; i < t->cap; i++) {
        const unsigned char *slot = slot_at(*t, i, key_size);

        if (value_of(slot, key_size))
            memcpy(slot_at(bigger, find(bigger, slot, key_size), key_size), slot, size);
    }
    lg__mem_free(mem, t->slots, t->cap * size);
    *t = bigger;
    return 0;
}

static inline int put(lg_mem *mem, table *t, size_t *count, const void *key, void *value,
                      size_t key_size)
{
    unsigned char *slot;

    if (!value)
        return LG_EINVAL;
    if (!get(*t, key, key_size)) {
        if ((*count + 1) * 4 > t->cap * 3) {
            int rc = resize(mem, t, t->cap ? t->cap * 2 : FIRST_CAP, key_size);

            if (rc)
                return rc;
        }
        ++*count;
    }
    slot = slot_at(*t, find(*t, key, key_size), key_size);
    memcpy(slot, key, key_size);
    set_value(slot, key_size, value);
    return 0;
}

/* Closes the gap at slot i: an entry behind it moves in unless its home lies
 * between the gap and itself, and leaves a gap in its turn. */
static inline void close_gap(table t, size_t i, size_t key_size)
{
    size_t mask = t.cap - 1;

    for (size_t k = (i + 1) & mask;; k = (k + 1) & mask) {
        unsigned char *slot = slot_at(t, k, key_size);

        if (!value_of(slot, key_size))
            break;
        if (((k - home_of(t, slot)) & mask) >= ((k - i) & mask)) {
            memcpy(slot_at(t, i, key_size), slot, slot_size(key_size));
            i = k;
        }
    }
    memset(slot_at(t, i, key_size), 0, slot_size(key_size));
}

static inline void *take(lg_mem *mem, table *t, size_t *count, const void *key, size_t key_size)
{
    size_t i;
    void *value;

    if (!t->cap)
        return NULL;
    i = find(*t, key, key_size);
    value = value_of(slot_at(*t, i, key_size), key_size);
    if (!value)
        return NULL;
    close_gap(*t, i, key_size);
    --*count;
    if (t->cap > FIRST_CAP && *count < t->cap / 8)
        (void)resize(mem, t, t->cap / 2, key_size); /* no memory: it stays as it is */
    return value;
}

/* ---- ids ----------------------------------------------------------------- */

static table ids_of(const lg_map *m)
{
    table t = {m->slots, m->cap};

    return t;
}

void lg__map_init(lg_map *m, lg_mem *mem)
{
    memset(m, 0, sizeof *m);
    m->mem = mem;
}

void lg__map_free(lg_map *m)
{
    lg__mem_free(m->mem, m->slots, m->cap * slot_size(ID_SIZE));
    lg__map_init(m, m->mem);
}

void *lg__map_get(const lg_map *m, uint64_t id)
{
    return get(ids_of(m), &id, ID_SIZE);
}

int lg__map_put(lg_map *m, uint64_t id, void *value)
{
    table t = ids_of(m);
    int rc = put(m->mem, &t, &m->count, &id, value, ID_SIZE);

    m->slots = t.slots;
    m->cap = t.cap;
    return rc;
}

void *lg__map_take(lg_map *m, uint64_t id)
{
    table t = ids_of(m);
    void *value = take(m->mem, &t, &m->count, &id, ID_SIZE);

    m->slots = t.slots;
    m->cap = t.cap;
    return value;
}

void *lg__map_next(const lg_map *m, size_t *pos, uint64_t *id)
{
    table t = ids_of(m);

    while (*pos < t.cap) {
        const unsigned char *slot = slot_at(t, (*pos)++, ID_SIZE);
        void *value = value_of(slot, ID_SIZE);

        if (value) {
            if (id)
                memcpy(id, slot, ID_SIZE);
            return value;
        }
    }
    return NULL;
}

/* ---- keys ---------------------------------------------------------------- */

static table keys_of(const lg_keymap *m)
{
    table t = {m->slots, m->cap};

    return t;
}

void lg__keymap_init(lg_keymap *m, lg_mem *mem)
{
    memset(m, 0, sizeof *m);
    m->mem = mem;
}

void lg__keymap_free(lg_keymap *m)
{
    lg__mem_free(m->mem, m->slots, m->cap * slot_size(KEY_SIZE));
    lg__keymap_init(m, m->mem);
}

void *lg__keymap_get(const lg_keymap *m, const unsigned char key[32])
{
    return get(keys_of(m), key, KEY_SIZE);
}

int lg__keymap_put(lg_keymap *m, const unsigned char key[32], void *value)
{
    table t = keys_of(m);
    int rc = put(m->mem, &t, &m->count, key, value, KEY_SIZE);

    m->slots = t.slots;
    m->cap = t.cap;
    return rc;
}

void *lg__keymap_take(lg_keymap *m, const unsigned char key[32])
{
    table t = keys_of(m);
    void *value = take(m->mem, &t, &m->count, key, KEY_SIZE);

    m->slots = t.slots;
    m->cap = t.cap;
    return value;
}
