/* store_claim.c - who of several processes runs a tool whose result is kept.
 *
 * A claim is a lock on one byte of tools.lock, at a place that the key gives: the kernel
 * lets it go when the process dies, however it does, and no clock is asked. Two keys at
 * one place only wait for each other. What it is not: a record of anything; the result is
 * looked for in the store once the claim is held. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* locks that belong to a file's opening, not to the process */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite/store_internal.h"

static int open_claims(lg_store *s)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/tools.lock", s->dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return -1;

    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
}

static off_t place_of(const unsigned char key[32])
{
    uint64_t at = 0;
    for (int i = 0; i < 8; i++)
        at = at << 8 | key[i];

    return (off_t)(at >> 2); /* well below the largest offset */
}

static int set_lock(const lg_store *s, const unsigned char key[32], short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = place_of(key)};
    lock.l_len = 1;
    return fcntl(s->claim_fd, F_OFD_SETLK, &lock);
}

/* Where there are no such locks, everybody runs his own. */
bool lg__store_claim(lg_store *s, const unsigned char key[32])
{
    if (s->claim_fd < 0)
        s->claim_fd = open_claims(s);

    if (s->claim_fd < 0)
        return true;

    return set_lock(s, key, F_WRLCK) == 0 || (errno != EAGAIN && errno != EACCES);
}

void lg__store_unclaim(lg_store *s, const unsigned char key[32])
{
    if (s->claim_fd >= 0)
        set_lock(s, key, F_UNLCK);
}

void lg__claims_close(lg_store *s)
{
    if (s->claim_fd >= 0)
        close(s->claim_fd);

    s->claim_fd = -1;
}
