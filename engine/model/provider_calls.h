/* provider_calls.h - the calls of tools in an answer, and the message that is made of them. */
#ifndef LG_PROVIDER_CALLS_H
#define LG_PROVIDER_CALLS_H

#include "model/provider.h"

/* Where a model wrote nothing but calls of the tools that are offered (a JSON list, each with
 * a name) as text, they are calls from now on, and the text is empty. */
void lg__calls_from_text(lg_heard *h, const char *offered);
/* Each call has an id that no other of the conversation has, without blanks. */
void lg__calls_name(lg_heard *h);
/* LG_MEDIA_CALLS; NULL: memory. */
lg_text *lg__calls_value(const lg_heard *h);

#endif
