/* sized.h - structs of the host's that begin with their size, of whatever version.
 *
 * A host may have been built with an older header, whose struct is shorter, or with a newer
 * one. Read is what both know; the rest is as if it had not been set. Nothing is written
 * behind the host's end, and nothing up to it is left as it was. */
#ifndef LG_SIZED_H
#define LG_SIZED_H

#include <stdbool.h>
#include <stddef.h>

/* *own, ours, holds what counts where the host says nothing, and its size. False: the host's
 * size is none (it was never set). */
bool lg__sized_read(void *own, const void *host);
/* own begins with its size. */
void lg__sized_write(void *host, size_t size, const void *own);
/* The size that a host's struct tells; 0: it is none. */
size_t lg__sized_of(const void *host);

#endif
