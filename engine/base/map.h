/* map.h - open-addressing hash maps: 64-bit id → pointer, 32-byte key → pointer.
 *
 * Removing leaves no tombstones (what follows moves up) and a map that became
 * nearly empty shrinks. Putting replaces; a NULL value is LG_EINVAL. Iteration
 * order is never used for anything that a person or a server sees. */
#ifndef LG_MAP_H
#define LG_MAP_H

#include "base/mem.h"

typedef struct lg_map {
    lg_mem *mem;
    unsigned char *slots;
    size_t cap, count;
} lg_map;

void lg__map_init(lg_map *m, lg_mem *mem);
void lg__map_free(lg_map *m);
void *lg__map_get(const lg_map *m, uint64_t id);      /* NULL: absent */
int lg__map_put(lg_map *m, uint64_t id, void *value); /* 0, LG_ENOMEM; value ≠ NULL */
void *lg__map_take(lg_map *m, uint64_t id);           /* removed value or NULL */
/* Every entry once; *pos starts at 0; NULL at the end. No change meanwhile. */
void *lg__map_next(const lg_map *m, size_t *pos, uint64_t *id);

typedef struct lg_keymap {
    lg_mem *mem;
    unsigned char *slots;
    size_t cap, count;
} lg_keymap;

void lg__keymap_init(lg_keymap *m, lg_mem *mem);
void lg__keymap_free(lg_keymap *m);
void *lg__keymap_get(const lg_keymap *m, const unsigned char key[32]);
int lg__keymap_put(lg_keymap *m, const unsigned char key[32], void *value);
void *lg__keymap_take(lg_keymap *m, const unsigned char key[32]);

#endif
