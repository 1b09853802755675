/* text.h - immutable counted text (or bytes of another kind, see media.h).
 *
 * A value is shared by the variable, the edges that saw it and the records that
 * quote it; none of them may change it. Not thread-safe, as nothing here is. */
#ifndef LG_TEXT_H
#define LG_TEXT_H

#include "base/bytes.h"

typedef struct lg_text {
    lg_mem *mem;
    size_t len;
    uint32_t refs;
    uint8_t media; /* enum lg_media (media.h); 0: text */
    char data[];   /* len bytes and a NUL */
} lg_text;

lg_text *lg__text_new(lg_mem *m, const char *s, size_t len); /* NULL: memory */
/* What a host gives: 0, LG_EINVAL (NULL of some length), LG_ELIMIT (longer than any text, and
 * so not even read), LG_EUTF8. */
int lg__text_check(const char *s, size_t len);
lg_text *lg__text_of(lg_bytes *b); /* a copy of b, which is freed; NULL: memory or b's error */
lg_text *lg__text_ref(lg_text *t); /* NULL stays NULL */
void lg__text_unref(lg_text *t);
/* At most max_tokens (see lg_token_estimate): head and tail with a line between
 * that says how many characters were left out; cut at character borders. Returns
 * a counted t itself when it fits. Where there is no room for the line, only the
 * head is kept. NULL: memory. */
lg_text *lg__text_trim(lg_mem *m, lg_text *t, size_t max_tokens);

/* For messages and log lines, in place: control characters become spaces, bytes
 * that are not UTF-8 question marks. */
void lg__text_flatten(char *s, size_t len);
/* The largest n ≤ len where no character of s[0..len) is cut, for texts whose
 * end was cut off. */
size_t lg__text_border(const char *s, size_t len);
/* The bytes before the first newline; len: there is none. */
size_t lg__text_line(const char *s, size_t len);

#endif
