/* image.c - back to how it was: the state after it was made, and before any candidate ran.
 *
 * Its memory is in one region at a fixed address, so a copy of it is a state, with all that
 * points from one place of it to another. What lay beyond is zeroed, or given back to the system
 * where it was much. So nothing of a candidate is there for the next one, not even for one that
 * reads what it must not. */
#include "worker/worker.h"

#include <string.h>
#include <sys/mman.h>

enum {
    IMAGE = 128 * 1024, /* more than a fresh state takes */
    KEEP = 512 * 1024,  /* zeroed rather than given back */
    STACK_KEEP = 16 * 1024,
    PAGE = 4096,
    FRAMES = 1024, /* of this function, and of what it calls */
};

static struct {
    size_t len;
    char *stack; /* where the C stack ends; NULL: it is not ours */
    char bytes[IMAGE];
} image;

void lw_image_take(lw_parts *p, void *arena, void *stack)
{
    image.len = lw_arena_top(p->arena);
    image.stack = stack;
    if (image.len <= sizeof image.bytes)
        memcpy(image.bytes, arena, image.len);
    else
        __builtin_trap();
}

/* What was used from here on: zeros again. at is at a page's border. */
static void clear(char *at, size_t from, size_t used)
{
    size_t near = used < KEEP ? used : KEEP;
    if (near > from)
        memset(at + from, 0, near - from);

    if (used > KEEP)
        madvise(at + KEEP, used - KEEP, MADV_DONTNEED);
}

static bool is_zero(const char *at, size_t n)
{
    for (; n >= sizeof(uint64_t); at += sizeof(uint64_t), n -= sizeof(uint64_t)) {
        if (*(const uint64_t *)(const void *)at)
            return false;
    }
    return true;
}

/* The same of the C stack below us, where the candidate's calls were: zeros, down to where there
 * have been none. Each call leaves something, so that a page of zeros was not reached. */
static void clear_stack(void)
{
    if (!image.stack)
        return;

    char *here = (char *)__builtin_frame_address(0) - FRAMES;
    memset(here - STACK_KEEP, 0, STACK_KEEP);
    char *deep = (char *)((uintptr_t)(here - STACK_KEEP) & ~(uintptr_t)(PAGE - 1));
    if (!is_zero(deep - PAGE, PAGE))
        madvise(image.stack, (size_t)(deep - image.stack), MADV_DONTNEED);
}

void lw_image_restore(lw_parts *p, void *arena)
{
    clear(arena, image.len, lw_arena_top(p->arena));
    memcpy(arena, image.bytes, image.len);
    clear(p->output.data, 0, p->output.len);
    clear(p->values.data, 0, p->values.len);
    p->output.len = p->values.len = 0;
    p->output.over = p->values.over = false;
    clear_stack();
}
