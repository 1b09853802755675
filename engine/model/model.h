/* model.h - a model: where it is, how it is spoken to, its options.
 *
 * Immutable but for what was learned of it: body fields the server refused and
 * the names it wants instead, the API that it wants (kept for the life of the model). */
#ifndef LG_MODEL_H
#define LG_MODEL_H

#include "base/door.h"
#include "base/log.h"
#include "base/text.h"

typedef struct lg_pair { /* a body field or header, owned */
    char *name, *value;
} lg_pair;

typedef struct lg_repair { /* a refused field: renamed, or dropped (to NULL) */
    char *from, *to;
    struct lg_repair *next;
} lg_repair;

/* How compatible servers differ, as words of lg_model_config.quirks. */
enum lg_quirk {
    LG_QUIRK_NO_STREAM_USAGE = 1, /* no_stream_usage: refuses stream_options */
    LG_QUIRK_JSON_OBJECT = 2,     /* json_object: a schema goes as "JSON", and in words */
    LG_QUIRK_DEVELOPER = 4,       /* developer: instructions are the developer's role */
    LG_QUIRK_TOOL_ANY = 8,        /* tool_any: tool_choice "any" for "required" */
    LG_QUIRK_RESPONSES = 16,      /* responses: tools may need the Responses API */
    LG_QUIRK_OLD_VERSION = 32,    /* old_version: the API's earlier version */
    LG_QUIRK_V1 = 64              /* v1: Azure's surface without versions */
};

/* What was learned of a model by refusals, besides fields: provider_adapt.c tells it so. */
enum lg_learned {
    LG_LEARNED_NO_SYSTEM = 1,    /* no system messages: they are the user's */
    LG_LEARNED_NO_DEVELOPER = 2, /* no developer's: they are the system's */
    LG_LEARNED_NO_SCHEMA = 4,    /* a schema goes as "JSON", and in words */
    LG_LEARNED_NO_FORMAT = 8     /* … in words alone */
};

/* What a model is asked by Responses although its dialect is Chat Completions. */
enum lg_responses { LG_RESPONSES_NONE = 0, LG_RESPONSES_TOOLS, LG_RESPONSES_ALL };

enum { LG_USUAL_OUTPUT = 4096 }; /* tokens: a call's worst case where none is stated */

struct lg_model {
    uint32_t refs;
    lg_engine *engine;
    lg_door *door;               /* the engine's; NULL: none */
    void (*forget)(lg_model *m); /* the engine's: the last count is gone */
    lg_mem *mem;
    char *dialect, *name, *model, *base_url, *api_key, *key_name;
    lg_pair *headers, *options; /* options sorted by name */
    size_t n_headers, n_options, cap_options;
    int concurrency;
    bool no_memo, fresh;                 /* see lg_model_config */
    bool keep_thinking, stop_repetition; /* … */
    uint64_t tag;
    int64_t price_input, price_output, price_cached, price_cache_write; /* -1: not known */
    int64_t price_image_input, price_image_output;                      /* -1: as words */
    lg_price_tier tiers[LG_PRICE_TIERS];                                /* ascending */
    size_t n_tiers;
    int64_t max_output;                 /* worst case of a call without max_tokens; -1: not known */
    const struct lg_provider *provider; /* NULL: a host model */
    lg_repair *repairs;
    unsigned quirks;      /* enum lg_quirk */
    unsigned learned;     /* enum lg_learned */
    int responses;        /* enum lg_responses: learned, as repairs are */
    bool told_cut;        /* it was said that its context seems too short */
    lg_model **fallbacks; /* counted, n_fallbacks of them; host_make.c's */
    size_t n_fallbacks;
    struct lg_lane *lane;   /* its lines; sched.c's, NULL before its first call */
    struct lg_gone *gone;   /* to tell its end by: the engine's */
    struct lg_party *party; /* counted; who is asked, if it is a host model: the engine's */
    lg_model *next;         /* the engine's list */
    int64_t requests_per_minute, tokens_per_minute; /* as the user states them; 0: not */
    /* sched_hedge.c; all 0 unless hedge_budget is not */
    double hedge_budget;
    int64_t hedge_after_us;
    int hedge_percentile;
    uint64_t hedge_calls, hedges; /* calls that were sent, and second attempts */
};

/* 0, LG_ENOMEM, LG_EINVAL with *why (static) set; and *field (may be NULL), if one of "base_url",
 * "dialect" and "quirks" is to blame. refs is 1; not in any list. */
int lg__model_make(lg_mem *m, const lg_model_config *cfg, lg_model **out, const char **why,
                   const char **field);
void lg__model_destroy(lg_model *model);
/* Text that may stand in a one-line message: UTF-8 without control characters. */
bool lg__model_is_line(const char *s);
/* Whether o may be a body field. 0; LG_ENOMEM; LG_EINVAL with *why (static): its value
 * is no JSON, or it would replace what the engine itself writes (may be NULL). */
int lg__model_option_check(lg_mem *m, const lg_option *o, const char **why);
/* Remember that `from` is refused. 0; LG_ENOMEM; LG_ESTATE when that is known
 * already, or `to` is no name that an option may have or leads back to `from`. */
int lg__model_repair(lg_model *model, const char *from, const char *to);
/* Forgets a refusal that lg__model_repair just noted: nothing came of it. */
void lg__model_forget(lg_model *model, const char *from);
/* The name under which to send an option: itself, a new one, or NULL: not at all */
const char *lg__model_field(const lg_model *model, const char *name);
/* Length of base_url without query and closing slashes; *query is "?…" or "". */
size_t lg__model_base(const lg_model *model, const char **query);
/* Overwrites the key and secret header values with '*'. In place. */
void lg__model_redact(const lg_model *model, char *s, size_t len);

#endif
