/* provider.h - dialects: bytes in, bytes out. No I/O, no clock, no state.
 *
 * One row and one file a dialect. encode writes the whole request. An answer is heard:
 * hear reads a whole reply's tree, hear_event one event of a stream, both into the same
 * lg_heard; what is then made of it (a text, a message, a refusal, a broken reply) is
 * decided once for all dialects in provider_read.c. What requests have in common is in
 * provider_wire.h. */
#ifndef LG_PROVIDER_H
#define LG_PROVIDER_H

#include "base/attempt.h"
#include "base/json.h"
#include "base/media.h"
#include "model/model.h"
#include "model/reply.h"

typedef struct lg_ask_part { /* one part of a message, borrowed; see lg_message for roles */
    const char *role;
    const char *text;
    size_t len;
    int media; /* enum lg_media */
} lg_ask_part;

typedef struct lg_ask { /* what is asked, borrowed */
    const lg_model *model;
    const lg_ask_part *parts;
    size_t n_parts;
    const lg_pair *options; /* merged, sorted by name, repairs not yet applied */
    size_t n_options;
    bool stream;
} lg_ask;

/* What was asked for, as far as it tells how an answer is to be read; borrowed. */
typedef struct lg_asked {
    bool tools;               /* tools were offered: calls of them are an answer */
    const char *offered;      /* those, as JSON, where a text may be a call; NULL: nowhere */
    bool stops;               /* where to stop was asked for: nothing before it is an answer, too */
    const char *const *roles; /* of what was sent: results of tools name their calls */
    size_t n_roles;
} lg_asked;

typedef struct lg_heard_call {    /* a tool that the model calls */
    lg_bytes id, name, arguments; /* arguments: JSON text; of a stream it grows */
    int64_t index;                /* the stream's number of it */
} lg_heard_call;

typedef struct lg_heard { /* what an answer says, whole or so far */
    lg_mem *mem;
    const lg_model *model;
    const lg_asked *asked; /* not NULL */
    lg_bytes text;         /* what it says */
    lg_bytes thought;      /* … and what it thought before, as the server has it apart */
    lg_bytes refusal;      /* why it will not; "" with refused: no reason given */
    lg_bytes raw;          /* JSON of its own form of the message, when that must be sent back */
    lg_bytes scratch;      /* the dialect's own, for a stream */
    lg_bytes data;         /* a picture or sound it made, … */
    int media;             /* … of this kind; 0: none */
    lg_heard_call *calls;
    size_t n_calls, cap_calls;
    char word[32];       /* why it ended, in the server's word; "": not said */
    int finish;          /* enum lg_finish */
    bool refused, ended; /* ended: the stream's own end was seen */
    bool has_usage;
    lg_usage usage;              /* normalised, see lg_reply */
    int64_t image_in, image_out; /* of its tokens: those of pictures */
    int64_t micros;              /* -1: not said */
    const char *bad;             /* static: it is not what it should be; NULL: fine */
    const char *unsaid;          /* static: nor does it look like this API's at all */
    char named[96];              /* the model that answered, as the server calls it; "" */
    const char *dialect;         /* static: whose form raw is; NULL: the model's */
    int64_t state;               /* the dialect's own, for a stream */
    int err;                     /* LG_ENOMEM */
} lg_heard;

/* How an option is written; see provider_wire.h. */
typedef struct lg_field {
    const char *option; /* as scripts name it */
    const char *name;   /* as this dialect does; NULL: it has none, it is not sent */
    const char *group;  /* the object it goes into; NULL: the body itself */
    int how;            /* enum lg_how */
} lg_field;

enum lg_how {
    LG_AS_IS = 0,
    LG_AS_LIST, /* a lone value becomes a list of one */
    LG_BY_HAND  /* encode itself writes it */
};

enum lg_framing { LG_FRAMES_EVENTS = 0, LG_FRAMES_LINES }; /* event stream; JSON lines */

#define LG_MB(n) ((size_t)(n)*1024 * 1024)

typedef struct lg_provider {
    const char *dialect;
    const lg_field *fields; /* ended by a row without option; NULL: names as they are */
    int framing;            /* enum lg_framing */
    bool get, process;      /* asked with GET; by a program instead of a server */
    bool cuts;              /* a server may leave out the start of a long prompt unsaid */
    bool vectors;           /* it answers with vectors: no token comes out */
    size_t most_each;       /* bytes of base64 of one picture; 0: any */
    size_t most_all;        /* … of all pictures, sounds and documents of a request */
    const char *too_large;  /* static: what to say then */
    /* url, body: appended. headers: "Name: value\n" lines, key included. → 0 or
     * LG_ENOMEM, LG_ELIMIT, LG_EINVAL (*why, static, may be set: it cannot be said in
     * this dialect). Same ask, same bytes. */
    int (*encode)(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why);
    /* root: an object (asked with GET also a list), and no refusal (those are found
     * before). */
    void (*hear)(lg_heard *h, const lg_json *root);
    /* name: "" when the event has none. NULL: the dialect has no streams. */
    void (*hear_event)(lg_heard *h, const char *name, const lg_json *data);
    /* The body is no JSON (a program's output): NULL: it is. */
    void (*hear_raw)(lg_heard *h, const lg_attempt *a);
} lg_provider;

/* What of the ask is larger than the API takes; NULL: nothing. Static. */
const char *lg__provider_too_large(const lg_provider *p, const lg_ask *ask);

/* Fills r, which was initialised, from what came whole: a text, or r->fail. asked may be
 * NULL: no tools, nothing to stop at. */
void lg__provider_decode(lg_mem *m, const lg_model *model, const lg_attempt *a,
                         const lg_asked *asked, lg_reply *r);

/* As many values as JSON of so many bytes from a server may hold. Vectors are numbers and
 * little else; what models say is words. */
size_t lg__provider_most_values(bool vectors, size_t len);

/* A stream while it comes: feed what is new, and read its text as it grows. Nothing it
 * sees is the answer; that is decoded from the whole body. */
typedef struct lg_hearing lg_hearing;
int lg__hearing_new(lg_mem *m, const lg_model *model, lg_hearing **out);
int lg__hearing_feed(lg_hearing *x, const char *s, size_t len); /* 0; other: it hears no more */
/* What is said so far, without what is thought; *begin: so many bytes of thinking stand before
 * it (what was shown with another number is taken back). NULL: nothing yet. */
const char *lg__hearing_text(const lg_hearing *x, size_t *len, size_t *begin);
/* Whether what is said, or thought, has begun to be the same over and over. */
bool lg__hearing_repeats(const lg_hearing *x);
void lg__hearing_free(lg_hearing *x);

/* The row of a dialect, NULL: none. */
const lg_provider *lg__provider_find(const char *dialect);
/* Its models are programs: they have no address. NULL: no. */
bool lg__provider_is_program(const lg_provider *p);
extern const lg_provider lg__provider_openai, lg__provider_responses, lg__provider_azure,
    lg__provider_azure_responses, lg__provider_ollama, lg__provider_openai_embed,
    lg__provider_azure_embed, lg__provider_ollama_embed, lg__provider_openai_image,
    lg__provider_probe, lg__provider_anthropic, lg__provider_gemini, lg__provider_gemini_embed,
    lg__provider_exec;

#endif
