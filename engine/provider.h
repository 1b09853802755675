/* provider.h - dialects: bytes in, bytes out. No I/O, no clock, no state.
 *
 * One row and one file a dialect. encode writes the whole request; decode reads
 * the whole reply and classifies every refusal by code, not only by status. */
#ifndef LG_PROVIDER_H
#define LG_PROVIDER_H

#include "model.h"
#include "reply.h"

typedef struct lg_turn { /* one message, borrowed */
    const char *role;
    const char *text;
    size_t len;
} lg_turn;

typedef struct lg_ask { /* what is asked, borrowed */
    const lg_model *model;
    const lg_turn *turns;
    size_t n_turns;
    const lg_pair *options; /* merged, sorted by name, repairs not yet applied */
    size_t n_options;
} lg_ask;

typedef struct lg_answer { /* what came, borrowed */
    int status;
    const char *content_type; /* "" : none */
    const char *request_id;   /* of the headers */
    int64_t retry_after_ms;   /* of the headers; -1: none */
    const char *should_retry; /* x-should-retry: "true", "false" or "" */
    const char *body;
    size_t len;
} lg_answer;

typedef struct lg_provider {
    const char *dialect;
    /* url, body: appended. headers: "Name: value\n" lines, key included. → 0 or
     * LG_ENOMEM, LG_ELIMIT. Same ask, same bytes. */
    int (*encode)(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body);
    /* Fills r, which was initialised: a text, or r->fail. */
    void (*decode)(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r);
} lg_provider;

/* lg__provider_find is in model.h */
extern const lg_provider lg__provider_openai;

#endif
