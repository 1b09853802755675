/* mem.c - allocation through the host's function, counted. See mem.h.
 *
 * A request for 0 bytes is one for 1, since size 0 means "free" to an
 * lg_alloc_fn. */
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    (void)ud;
    (void)osize;
    if (nsize == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, nsize);
}

static size_t real_size(size_t n)
{
    return n ? n : 1;
}

static bool fault_due(lg_mem *m)
{
    m->calls++;
    if (m->fail_at == 0)
        return false;
    return m->fail_for_good ? m->calls >= m->fail_at : m->calls == m->fail_at;
}

void lg__mem_init(lg_mem *m, lg_alloc_fn fn, void *ud)
{
    memset(m, 0, sizeof *m);
    m->fn = fn ? fn : default_alloc;
    m->ud = fn ? ud : NULL;
}

/* The host's function is called by one thread at a time. */
static void lock(lg_mem *m)
{
    if (m->lock)
        pthread_mutex_lock(m->lock);
}

static void unlock(lg_mem *m)
{
    if (m->lock)
        pthread_mutex_unlock(m->lock);
}

void lg__mem_live(lg_mem *m, uint64_t *bytes, uint64_t *blocks)
{
    lock(m);
    *bytes = m->live_bytes;
    *blocks = m->live_blocks;
    unlock(m);
}

void *lg__mem_new(lg_mem *m, size_t n)
{
    void *p;

    n = real_size(n);
    lock(m);
    p = fault_due(m) ? NULL : m->fn(m->ud, NULL, 0, n);
    if (p) {
        m->live_bytes += n;
        m->live_blocks++;
    }
    unlock(m);
    return p;
}

void *lg__mem_zero(lg_mem *m, size_t n)
{
    void *p = lg__mem_new(m, n);

    if (p)
        memset(p, 0, real_size(n));
    return p;
}

void *lg__mem_grow(lg_mem *m, void *p, size_t old_n, size_t n)
{
    void *q;

    if (!p)
        return lg__mem_new(m, n);
    old_n = real_size(old_n);
    n = real_size(n);
    lock(m);
    q = fault_due(m) ? NULL : m->fn(m->ud, p, old_n, n);
    if (q) {
        m->live_bytes += n;
        m->live_bytes -= old_n;
    }
    unlock(m);
    return q;
}

void lg__mem_free(lg_mem *m, void *p, size_t n)
{
    if (!p)
        return;
    n = real_size(n);
    lock(m);
    m->live_bytes -= n;
    m->live_blocks--;
    m->fn(m->ud, p, n, 0);
    unlock(m);
}

char *lg__mem_strdup(lg_mem *m, const char *s)
{
    size_t n;
    char *copy;

    if (!s)
        return NULL;
    n = strlen(s) + 1;
    copy = lg__mem_new(m, n);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

void lg__mem_strfree(lg_mem *m, char *s)
{
    if (s)
        lg__mem_free(m, s, strlen(s) + 1);
}
