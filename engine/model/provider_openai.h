/* provider_openai.h - what the dialects of OpenAI's family share: the bodies of Chat
 * Completions and of Responses, and which of both an answer is. */
#ifndef LG_PROVIDER_OPENAI_H
#define LG_PROVIDER_OPENAI_H

#include "model/provider.h"

#define LG_OPENAI_TOO_LARGE "OpenAI takes pictures up to 20 MB each, and 50 MB of base64 in all"

extern const lg_field lg__openai_fields[];
/* Chat Completions' body. *why: it cannot be said. */
void lg__openai_body(const lg_ask *ask, lg_bytes *body, const char **why);
/* ,"tools":[…] as Chat Completions has them; nothing when there are none */
void lg__openai_tools(const lg_ask *ask, lg_bytes *b);
/* These hear both APIs. */
void lg__openai_hear(lg_heard *h, const lg_json *root);
void lg__openai_hear_event(lg_heard *h, const char *name, const lg_json *data);

/* Whether the model learned that this is asked of the Responses API. */
bool lg__responses_wanted(const lg_ask *ask);
/* Its body, whatever the model's own dialect is. */
void lg__responses_body(const lg_ask *ask, lg_bytes *body, const char **why);
/* What a message, or a piece of one, says in a field of its own that it thought; NULL: nothing. */
const char *lg__openai_thinking(const lg_json *message);
bool lg__responses_is(const lg_json *root);

/* Azure's address of an API. deployed: the path names the deployment (but for v1). */
void lg__azure_url(const lg_model *model, lg_bytes *url, const char *path, bool deployed);
void lg__azure_headers(const lg_model *model, lg_bytes *headers);

#endif
