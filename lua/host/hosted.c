/* hosted.c - the ground of losses, optimizers and jobs: memory, messages, and who is known by which
 * number. */
#include "host/hosted.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int lg__host_refuse(lg_engine *e, int code, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    lg__inside_error(e, code, text);
    return code;
}

void *lg__host_new(lg_hosted *p, size_t size)
{
    void *block = lg__inside_alloc(p->e, NULL, 0, size);
    return block ? memset(block, 0, size) : NULL;
}

void lg__host_free(lg_hosted *p, void *block, size_t size)
{
    if (block)
        lg__inside_alloc(p->e, block, size, 0);
}

char *lg__host_copy(lg_hosted *p, const char *text, size_t len)
{
    char *copy = lg__inside_alloc(p->e, NULL, 0, len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

lg_owner *lg__owner_of(const lg_hosted *p, uint64_t number)
{
    lg_owner *o = p->owners;
    while (o && o->number != number)
        o = o->next;
    return o;
}
