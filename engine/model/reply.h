/* reply.h - a model's answer or refusal, the same for every dialect. */
#ifndef LG_REPLY_H
#define LG_REPLY_H

#include "base/fail.h"

#define LG_MOST_TOKENS \
    ((int64_t)1 << 50) /* that any reply may count: sums of a few stay in range */

enum lg_finish {
    LG_FINISH_UNKNOWN = 0,
    LG_FINISH_STOP,
    LG_FINISH_LENGTH,
    LG_FINISH_FILTER,
    LG_FINISH_TOOLS
};

enum { LG_PATIENCE_MS = 120000 }; /* a server that asks for more is not waited for */

/* What a refusal teaches of a model, besides a field's name. */
enum lg_learn {
    LG_LEARN_NOTHING = 0,
    LG_LEARN_SYSTEM,    /* it takes no system messages */
    LG_LEARN_DEVELOPER, /* it takes no developer's, but maybe the system's */
    LG_LEARN_OBJECT,    /* it knows no JSON Schema, but maybe json_object */
    LG_LEARN_WORDS      /* it takes no form of answer at all */
};

typedef struct lg_reply {
    lg_text *text;          /* NULL when the call failed */
    lg_text *thinking;      /* what was thought before, apart from it; NULL: nothing told */
    int finish;             /* enum lg_finish */
    uint32_t image_in;      /* of the input: tokens of pictures */
    lg_usage usage;         /* normalised: input with cached, output with reasoning */
    int64_t micros;         /* what it cost, the provider's word first; -1: not known */
    char finish_reason[32]; /* the server's own word */
    lg_fail fail;           /* code 0: a good reply */
    lg_text *other;         /* another model than was asked for answered: which; or NULL */
    char bad_param[64];     /* a 400 that names a body field: which; "" otherwise */
    char new_param[56];     /* … and the field to use instead; "" : drop it */
    uint32_t image_out;     /* of the output: tokens of pictures */
    bool has_usage : 1;
    bool parted : 1;    /* what was thought stood in the text, before the answer */
    bool elsewhere : 1; /* it says that the Responses API takes this */
    bool daily : 1;     /* a cap of a day is used up */
    uint8_t learn;      /* enum lg_learn */
} lg_reply;

void lg__reply_init(lg_reply *r);
void lg__reply_free(lg_reply *r);
const char *lg__finish_name(int finish);

#endif
