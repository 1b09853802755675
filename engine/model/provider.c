/* provider.c - the table of dialects, and what is too large for one. */
#include "model/provider.h"

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
        if (strcmp(rows[i]->dialect, dialect) == 0)
            return rows[i];
    }
    return NULL;
}

bool lg__provider_is_program(const lg_provider *p)
{
    return p && p->process;
}

/* Servers that only speak like OpenAI have limits of their own, which are not known. */
static bool limits_known(const lg_provider *p, const lg_model *model)
{
    return p != &lg__provider_openai || model->quirks & LG_QUIRK_RESPONSES;
}

const char *lg__provider_too_large(const lg_provider *p, const lg_ask *ask)
{
    size_t all = 0;
    bool bad = false;
    for (size_t i = 0; p->too_large && i < ask->n_parts; i++) {
        const lg_ask_part *t = &ask->parts[i];
        if (t->media <= LG_MEDIA_CALLS || lg__media_is_url(t->media))
            continue;

        size_t size = (t->len + 2) / 3 * 4;
        all += size;
        bad = bad || (p->most_each && lg__media_is_image(t->media) && size > p->most_each) ||
              (p->most_all && all > p->most_all);
    }
    return bad && limits_known(p, ask->model) ? p->too_large : NULL;
}
