/* provider_gemini.h - what Gemini's words and its embeddings have in common. */
#ifndef LG_PROVIDER_GEMINI_H
#define LG_PROVIDER_GEMINI_H

#include "model/provider.h"

/* "models/NAME", or the name itself when it says what it is a model of */
void lg__gemini_name(lg_bytes *b, const lg_model *model);
/* The base address, its version ("/v1" when it has none), the model and ":verb" */
void lg__gemini_url(const lg_model *model, lg_bytes *url, const char *verb);
/* usageMetadata, whose output leaves out what was thought */
void lg__gemini_usage(lg_heard *h, const lg_json *usage);

#endif
