/* sized.c - structs of the host's that begin with their size. */
#include "base/sized.h"

#include <string.h>

enum { LARGEST = 1 << 16 }; /* no struct is: it is what was on the stack */

static size_t size_at(const void *p)
{
    size_t size;
    memcpy(&size, p, sizeof size);
    return size;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t lg__sized_of(const void *host)
{
    size_t size = size_at(host);
    return size >= sizeof size && size <= LARGEST ? size : 0;
}

bool lg__sized_read(void *own, const void *host)
{
    size_t theirs = lg__sized_of(host), ours = size_at(own);
    if (!theirs)
        return false;
    memcpy(own, host, smaller(theirs, ours));
    memcpy(own, &ours, sizeof ours);
    return true;
}

void lg__sized_write(void *host, size_t size, const void *own)
{
    size_t ours = size_at(own);
    if (size < sizeof size || size > LARGEST)
        return;
    memset(host, 0, size);
    memcpy(host, own, smaller(size, ours));
    memcpy(host, &size, sizeof size);
}
