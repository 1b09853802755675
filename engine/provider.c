/* provider.c - the table of dialects. Called by model.c. */
#include "provider.h"

#include <string.h>

const lg_provider *lg__provider_find(const char *dialect)
{
    static const lg_provider *const rows[] = {
        &lg__provider_openai,          &lg__provider_responses,    &lg__provider_azure,
        &lg__provider_azure_responses, &lg__provider_ollama,       &lg__provider_openai_embed,
        &lg__provider_azure_embed,     &lg__provider_ollama_embed, &lg__provider_openai_image,
        &lg__provider_probe,           &lg__provider_anthropic,    &lg__provider_gemini,
        &lg__provider_gemini_embed,    &lg__provider_exec,
    };
    for (size_t i = 0; dialect && i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i]->dialect, dialect) == 0) {
            return rows[i];
        }
    }
    return NULL;
}

bool lg__provider_is_program(const lg_provider *p)
{
    return p && p->process;
}
