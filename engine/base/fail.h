/* fail.h - what went wrong, as data: carried by requests, variables and passes.
 *
 * Not for misuse of the API (that is a return code). Setting one never fails:
 * when memory is out the static text of the code stands in for the message. */
#ifndef LG_FAIL_H
#define LG_FAIL_H

#include "base/text.h"

typedef struct lg_fail {
    int code; /* LG_E*; 0: nothing wrong */
    int http_status;
    bool retryable, ambiguous;
    uint32_t cause_at;      /* where in message the words begin that name no variable */
    int64_t retry_after_ms; /* the server's wish; -1: none */
    lg_text *message;       /* NULL: lg_error_text(code) */
    lg_text *hint;          /* NULL: none */
    char request_id[80];    /* "" : none; printable ASCII */
} lg_fail;

void lg__fail_init(lg_fail *f);
/* Replaces all that was there, so set the other fields after it. The text may be
 * made of the old one. Control characters in it become spaces. */
void lg__fail_set(lg_fail *f, lg_mem *m, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same, of a variable, which the message begins with: "who: what". */
void lg__fail_of(lg_fail *f, lg_mem *m, int code, const char *who, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* A longer message, which ends with the one before. Takes it; NULL: memory, nothing changes. */
void lg__fail_lead(lg_fail *f, lg_text *message);
void lg__fail_hint(lg_fail *f, lg_mem *m, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void lg__fail_copy(lg_fail *to, const lg_fail *from); /* shares the texts */
const char *lg__fail_message(const lg_fail *f);
const char *lg__fail_cause(const lg_fail *f); /* the message without whose it is */
void lg__fail_free(lg_fail *f);

#endif
