/* bytes.c - a growable buffer with a ceiling. See bytes.h. */
#include "base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum { FIRST_CAP = LG_SMALL(64, 1) };

void lg__bytes_init(lg_bytes *b, lg_mem *m, size_t ceiling)
{
    memset(b, 0, sizeof *b);
    b->mem = m;
    b->ceiling = ceiling < LG_BYTES_MAX ? ceiling : LG_BYTES_MAX;
}

static int give_up(lg_bytes *b, int err)
{
    lg__bytes_free(b);
    b->err = err;
    return err;
}

/* Room for n more bytes and the NUL. */
static int reserve(lg_bytes *b, size_t n)
{
    size_t need, cap;
    char *data;

    if (b->err)
        return b->err;
    if (n > b->ceiling - b->len)
        return give_up(b, LG_ELIMIT);
    need = b->len + n + 1;
    if (need <= b->cap)
        return 0;
    cap = b->cap ? b->cap : FIRST_CAP;
    while (cap < need)
        cap *= 2; /* cannot overflow: need is at most LG_BYTES_MAX + 1 */
    if (cap > b->ceiling + 1)
        cap = b->ceiling + 1;
    data = lg__mem_grow(b->mem, b->data, b->cap, cap);
    if (!data)
        return give_up(b, LG_ENOMEM);
    b->data = data;
    b->cap = cap;
    return 0;
}

int lg__bytes_expect(lg_bytes *b, size_t n)
{
    if (b->cap > 0 || b->err || n > b->ceiling)
        return b->err;
    b->data = lg__mem_new(b->mem, n + 1);
    if (!b->data)
        return give_up(b, LG_ENOMEM);
    b->data[0] = '\0';
    b->cap = n + 1;
    return 0;
}

int lg__bytes_add(lg_bytes *b, const void *data, size_t n)
{
    if (n == 0 || reserve(b, n))
        return b->err;
    memcpy(b->data + b->len, data, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int lg__bytes_adds(lg_bytes *b, const char *s)
{
    return lg__bytes_add(b, s, s ? strlen(s) : 0);
}

int lg__bytes_addc(lg_bytes *b, char c)
{
    return lg__bytes_add(b, &c, 1);
}

int lg__bytes_addf(lg_bytes *b, const char *fmt, ...)
{
    size_t room = b->cap - b->len;
    va_list args, again;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, args);
    va_end(args);
    if (n < 0 && !b->err) {
        give_up(b, errno == EOVERFLOW ? LG_ELIMIT : LG_ENOMEM);
    } else if (n > 0 && (size_t)n < room) {
        b->len += (size_t)n;
    } else if (n > 0 && reserve(b, (size_t)n) == 0) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return b->err;
}

void lg__bytes_clear(lg_bytes *b)
{
    b->len = 0;
    b->err = 0;
    if (b->data)
        b->data[0] = '\0';
}

void lg__bytes_free(lg_bytes *b)
{
    lg__mem_free(b->mem, b->data, b->cap);
    b->data = NULL;
    b->len = b->cap = 0;
    b->err = 0;
}
