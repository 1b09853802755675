/* provider_wire.h - what the requests of all dialects have in common: headers, messages
 * made of parts, options under the dialect's names, tools.
 * Everything is borrowed from the ask. */
#ifndef LG_PROVIDER_WIRE_H
#define LG_PROVIDER_WIRE_H

#include "model/provider.h"

enum lg_who { LG_WHO_OTHER = 0, LG_WHO_SYSTEM, LG_WHO_USER, LG_WHO_ASSISTANT, LG_WHO_TOOL };

typedef struct lg_said { /* one message */
    int who;             /* enum lg_who; system and developer are one */
    const char *role;    /* as given */
    const lg_ask_part *parts;
    size_t n_parts;
    char tool[65];  /* TOOL: which tool's result, as the model called it */
    const char *id; /* TOOL: of which call; not terminated */
    size_t id_len;  /* TOOL */
    bool error;     /* TOOL: it failed */
} lg_said;

/* The message at *at, which moves behind it; false: there is none. Descriptions of tools
 * are no messages. */
bool lg__said_next(const lg_ask *ask, size_t *at, lg_said *out);
/* Whether all its parts are text. */
bool lg__said_is_words(const lg_said *s);
/* Its texts joined, written as one JSON string. */
void lg__wire_words(lg_bytes *b, const lg_said *s);
/* All system messages' texts, joined by blank lines, as one JSON string. false: there is
 * none, nothing is written. */
bool lg__wire_system(lg_bytes *b, const lg_ask *ask);
/* "…" around base64 */
void lg__wire_base64(lg_bytes *b, const lg_ask_part *t);
/* "data:image/png;base64,…", or the address itself */
void lg__wire_data_url(lg_bytes *b, const lg_ask_part *t);

/* base_url, path, and base_url's query */
void lg__wire_url(const lg_model *model, lg_bytes *url, const char *path);
/* A name as a part of a path: all but letters, digits and -._~ as %XX */
void lg__wire_segment(lg_bytes *url, const char *name);
/* The key's header (name, and what stands before the key in its value), Content-Type, and
 * the model's own, which take the place of ours. name NULL: no key. */
void lg__wire_headers(const lg_model *model, lg_bytes *headers, const char *name,
                      const char *before);
/* The same with another Content-Type; NULL: none. */
void lg__wire_headers_of(const lg_model *model, lg_bytes *headers, const char *type,
                         const char *name, const char *before);
void lg__wire_header(const lg_model *model, lg_bytes *headers, const char *name,
                     const char *value); /* unless the model has its own */

/* The JSON text of an option as it was given; NULL: it was not. */
const char *lg__wire_option(const lg_ask *ask, const char *option);
/* Writes ,"name":value for each option that goes into this group (NULL: the body), sorted
 * by name, repairs applied; what has no row goes into the body as it is. Returns how many. */
size_t lg__wire_fields(const lg_ask *ask, const char *group, lg_bytes *b);
/* Writes ,"group":{…} of the options that go into it, then "name":json (NULL: none), then
 * what the option called like the group holds besides. Nothing when there is nothing. */
void lg__wire_group(const lg_ask *ask, const char *group, const char *name, const char *json,
                    lg_bytes *b);
/* The same with any members before, each as ,"name":value; they are freed. always: even
 * when it is empty. */
void lg__wire_members(const lg_ask *ask, const char *group, bool always, lg_bytes *members,
                      lg_bytes *b);
/* The tree (to be freed; NULL: none, or b->err) of the option schema, or else of
 * response_format; *schema is the JSON Schema in it, NULL: it holds none. */
lg_json *lg__wire_schema(const lg_ask *ask, lg_bytes *b, const lg_json **schema);
/* The name that an option has in this model's dialect, before any refusal; NULL: none. */
const char *lg__wire_own_name(const lg_model *model, const char *option);
/* The name under which an option of this model is sent now; NULL: it is not. */
const char *lg__wire_name(const lg_model *model, const char *option);

/* The tree of an option, to be freed with lg__json_free; NULL: not given, or b->err. */
lg_json *lg__wire_tree(const lg_ask *ask, const char *option, lg_bytes *b);
/* The tree of the option tools, to be freed with lg__json_free; NULL: none, or b->err. */
lg_json *lg__wire_tools(const lg_ask *ask, lg_bytes *b);
/* Its description as one JSON string: the message "describe NAME", or what the option says. */
void lg__wire_description(const lg_ask *ask, const lg_json *tool, lg_bytes *b);
/* parameters as given; an object without properties when there are none */
void lg__wire_parameters(const lg_json *tool, lg_bytes *b);
/* A call's arguments, which APIs and the servers behind them read: what is no object becomes
 * {}, and the call's result tells the model what was wrong with it. */
void lg__wire_object(lg_bytes *b, const lg_json *arguments);
/* The same as a JSON string that holds JSON. */
void lg__wire_arguments(lg_bytes *b, const lg_json *arguments);
/* "key":"…", the name of a called tool, the same in the call and in its result: of what the
 * model said, what the API takes in a name (letters, digits, _, - and also; NULL: all), and _
 * in the place of the rest. Models call tools that there are not. */
void lg__wire_called(lg_bytes *b, const char *key, const char *name, const char *also);
/* A call that goes back in the dialect's own form. */
typedef struct lg_own_call {
    const lg_json *call; /* as the message has it: its id is the one that its result names */
    const char *id;      /* the member that holds it here */
    const char *also;    /* see lg__wire_called */
} lg_own_call;
/* The dialect's own JSON of it. */
void lg__wire_call_raw(lg_bytes *b, const lg_json *raw, const lg_own_call *own);
/* A tool's result as one JSON string, where this API takes only words for it: what is none
 * is named and, as it says, shown below. */
void lg__wire_result(lg_bytes *b, const lg_said *s);
/* The words before what is shown below, as one JSON string. */
void lg__wire_returned(lg_bytes *b, const lg_said *s);
/* A message's tree (LG_MEDIA_CALLS), to be freed; NULL: memory (b->err). */
lg_json *lg__wire_calls(const lg_ask_part *t, lg_bytes *b);
/* Its own form, if it was made by this dialect; NULL: build it from text and calls. */
const lg_json *lg__wire_raw(const lg_json *part, const char *dialect);
/* "name":"…" from a JSON string member of j; "" when it has none */
void lg__wire_member(lg_bytes *b, const lg_json *j, const char *name);

#endif
