/* provider_refusal.h - what a server's "no" says and means, in any of the shapes
 * that servers give it.
 *
 * Shared by the dialects: finding is about shapes, judging about codes, words
 * and status, in this order. It never looks at good replies. */
#ifndef LG_PROVIDER_REFUSAL_H
#define LG_PROVIDER_REFUSAL_H

#include "base/json.h"
#include "model/provider.h"

enum { LG_QUOTE_CHARS = 80 }; /* of an answer that is not what it should be */

typedef struct lg_refusal { /* borrowed from the reply's tree; never NULL, "" : not said */
    const char *message, *type, *code, *detail_code, *param, *request_id;
    const char *more;       /* what the server behind a router said */
    int status;             /* of the body; 0: none */
    int64_t retry_after_ms; /* of the body; -1: none */
    int64_t reset_at_ms;    /* of the body: when, since 1970; 0: not said */
    bool daily;             /* a quota that comes back tomorrow at best */
} lg_refusal;

/* false: the tree holds no error that we know (w is then all ""). NULL is such a tree. */
bool lg__refusal_find(const lg_json *root, lg_refusal *w);
/* Fills r->fail, bad_param, new_param, learn and daily for a reply that is a refusal, by
 * its status or by its body. */
void lg__refusal_judge(lg_mem *m, const lg_model *model, const lg_attempt *a, const lg_refusal *w,
                       lg_reply *r);

/* Adds s to out as one line: valid UTF-8 without control characters, no secret of
 * the model, at most max_chars characters and then "…". */
void lg__refusal_quote(lg_bytes *out, const lg_model *model, const char *s, size_t len,
                       size_t max_chars);
/* Sets r->fail with "<model>: <text>" and what the answer's headers say. quote may be
 * NULL; else it follows behind ": ", cleaned. */
void lg__refusal_set(lg_mem *m, const lg_model *model, const lg_attempt *a, lg_reply *r, int code,
                     const char *text, const char *quote);

#endif
