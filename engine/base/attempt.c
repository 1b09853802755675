/* attempt.c - one attempt of a call: made, looked at, freed. */
#include "base/attempt.h"

#include <stdio.h>
#include <string.h>

#define BROKEN_OFF "; broken-off=repetition" /* a parameter of its type: stored with it */

void lg__attempt_init(lg_attempt *a, lg_mem *m, size_t ceiling)
{
    memset(a, 0, sizeof *a);
    lg__bytes_init(&a->body, m, ceiling);
    lg__fail_init(&a->fail);
    lg__fail_init(&a->said);
    a->retry_after_ms = a->reset_ms = a->micros = -1;
    for (int i = 0; i < LG_LIMITS; i++)
        a->limits[i].remaining = a->limits[i].reset_ms = -1;
}

void lg__attempt_free(lg_attempt *a)
{
    lg__bytes_free(&a->body);
    lg__fail_free(&a->fail);
    lg__fail_free(&a->said);
}

const char *lg__attempt_body(const lg_attempt *a)
{
    return a->body.data ? a->body.data : "";
}

void lg__attempt_break_off(lg_attempt *a)
{
    size_t room = sizeof a->content_type - sizeof BROKEN_OFF;
    size_t len = strcspn(a->content_type, ";");
    len = len < room ? len : room;
    snprintf(a->content_type + len, sizeof a->content_type - len, "%s", BROKEN_OFF);
}

bool lg__attempt_is_broken_off(const lg_attempt *a)
{
    return strstr(a->content_type, BROKEN_OFF) != NULL;
}

bool lg__attempt_is_whole(const lg_attempt *a)
{
    return a->fail.code == LG_OK && a->status >= 200 && a->status <= 299;
}
