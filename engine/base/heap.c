/* heap.c - a binary heap by time, then by number. */
#include "base/heap.h"

#include "base/check.h"

static bool is_before(const lg_due *a, const lg_due *b)
{
    return a->us != b->us ? a->us < b->us : a->number < b->number;
}

static void set(lg_heap *h, size_t place, lg_due *d)
{
    h->all[place - 1] = d;
    d->place = place;
}

static void rise(lg_heap *h, size_t place, lg_due *d)
{
    while (place > 1 && is_before(d, h->all[place / 2 - 1])) {
        set(h, place, h->all[place / 2 - 1]);
        place /= 2;
    }
    set(h, place, d);
}

static void sink(lg_heap *h, size_t place, lg_due *d)
{
    for (size_t child; (child = place * 2) <= h->n; place = child) {
        if (child < h->n && is_before(h->all[child], h->all[child - 1]))
            child++;
        if (!is_before(h->all[child - 1], d))
            break;
        set(h, place, h->all[child - 1]);
    }
    set(h, place, d);
}

int lg__heap_reserve(lg_heap *h, lg_mem *m, size_t n)
{
    size_t cap = h->cap ? h->cap : LG_SMALL(16, 1);
    if (n <= h->cap)
        return LG_OK;
    while (cap < n)
        cap *= 2;
    lg_due **all = lg__mem_grow(m, h->all, h->cap * sizeof *all, cap * sizeof *all);
    if (!all)
        return LG_ENOMEM;
    h->all = all;
    h->cap = cap;
    return LG_OK;
}

void lg__heap_put(lg_heap *h, lg_due *d)
{
    h->n++;
    rise(h, h->n, d);
}

void lg__heap_take(lg_heap *h, lg_due *d)
{
    size_t place = d->place;
    lg_due *last = h->all[--h->n];
    d->place = 0;
    if (last != d) {
        rise(h, place, last);
        sink(h, last->place, last);
    }
}

lg_due *lg__heap_first(const lg_heap *h)
{
    return h->n > 0 ? h->all[0] : NULL;
}

void lg__heap_free(lg_heap *h, lg_mem *m)
{
    lg__mem_free(m, h->all, h->cap * sizeof *h->all);
    *h = (lg_heap){0};
}

#ifdef LG_DEBUG
void lg__heap_check(const lg_heap *h)
{
    LG_CHECK(h->n <= h->cap);
    for (size_t i = 0; i < h->n; i++) {
        LG_CHECK(h->all[i]->place == i + 1);
        LG_CHECK(i == 0 || !is_before(h->all[i], h->all[(i - 1) / 2]));
    }
}
#endif
