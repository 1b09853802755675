/* fail.c - what went wrong, as data. See fail.h. */
#include "base/fail.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 64 * 1024 }; /* of a message: a whole chain of failed inputs fits */

void lg__fail_init(lg_fail *f)
{
    memset(f, 0, sizeof *f);
    f->retry_after_ms = -1;
}

/* NULL: memory, or nothing to say. */
static lg_text *make_line(lg_mem *m, const char *fmt, va_list args)
{
    va_list again;
    lg_text *t = NULL;
    char *line;
    size_t len;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n <= 0)
        return NULL;
    len = n < LONGEST ? (size_t)n : LONGEST;
    line = lg__mem_new(m, len + 1);
    if (!line)
        return NULL;
    if (vsnprintf(line, len + 1, fmt, args) == n) { /* n again: no argument changed meanwhile */
        size_t kept = len < (size_t)n ? lg__text_border(line, len) : len;

        lg__text_flatten(line, kept);
        t = lg__text_new(m, line, kept);
    }
    lg__mem_free(m, line, len + 1);
    return t;
}

void lg__fail_set(lg_fail *f, lg_mem *m, int code, const char *fmt, ...)
{
    va_list args;
    lg_text *message;

    va_start(args, fmt);
    message = make_line(m, fmt, args);
    va_end(args);
    lg__fail_free(f);
    f->code = code;
    f->message = message;
}

void lg__fail_of(lg_fail *f, lg_mem *m, int code, const char *who, const char *fmt, ...)
{
    va_list args;
    lg_text *what;

    va_start(args, fmt);
    what = make_line(m, fmt, args);
    va_end(args);
    lg__fail_set(f, m, code, "%s: %s", who, what ? what->data : lg_error_text(code));
    if (f->message)
        f->cause_at = (uint32_t)strlen(who) + 2;
    lg__text_unref(what);
}

void lg__fail_lead(lg_fail *f, lg_text *message)
{
    size_t cause = strlen(lg__fail_cause(f));
    if (!message)
        return;
    lg__text_unref(f->message);
    f->message = message;
    f->cause_at = message->len > cause ? (uint32_t)(message->len - cause) : 0;
}

void lg__fail_hint(lg_fail *f, lg_mem *m, const char *fmt, ...)
{
    va_list args;
    lg_text *hint;

    va_start(args, fmt);
    hint = make_line(m, fmt, args);
    va_end(args);
    lg__text_unref(f->hint);
    f->hint = hint;
}

void lg__fail_copy(lg_fail *to, const lg_fail *from)
{
    if (to == from)
        return;
    lg__text_ref(from->message);
    lg__text_ref(from->hint);
    lg__text_unref(to->message);
    lg__text_unref(to->hint);
    *to = *from;
}

const char *lg__fail_message(const lg_fail *f)
{
    return f->message ? f->message->data : lg_error_text(f->code);
}

const char *lg__fail_cause(const lg_fail *f)
{
    return f->message ? f->message->data + f->cause_at : lg_error_text(f->code);
}

void lg__fail_free(lg_fail *f)
{
    lg__text_unref(f->message);
    lg__text_unref(f->hint);
    lg__fail_init(f);
}
