/* provider_azure.c - Azure OpenAI: the bodies are OpenAI's, addresses and keys its own.
 *
 * Two surfaces: the classic one names the deployment in the path and wants an api-version,
 * which the base URL's query holds; v1 (the quirk, or a base URL that ends with /openai/v1)
 * names it in the body, as OpenAI does. A token of Azure AD is a header of the model. Called
 * by request.c and provider_embed.c. */
#include <string.h>

#include "model/provider_openai.h"
#include "model/provider_wire.h"

static bool ends_with(const char *s, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && memcmp(s + len - n, end, n) == 0;
}

static bool is_v1(const lg_model *model)
{
    const char *query;
    size_t base = lg__model_base(model, &query);
    return (model->quirks & LG_QUIRK_V1) || ends_with(model->base_url, base, "/openai/v1");
}

/* The base URL may end where the portal's does, or already hold what we would add. */
void lg__azure_url(const lg_model *model, lg_bytes *url, const char *path, bool deployed)
{
    const char *query;
    size_t base = lg__model_base(model, &query);
    lg__bytes_add(url, model->base_url, base);
    if (is_v1(model)) {
        bool openai = ends_with(model->base_url, base, "/openai");
        bool whole = ends_with(model->base_url, base, "/openai/v1");
        lg__bytes_adds(url, whole ? "" : openai ? "/v1" : "/openai/v1");
    } else {
        lg__bytes_adds(url, ends_with(model->base_url, base, "/openai") ? "" : "/openai");
        lg__bytes_adds(url, deployed ? "/deployments/" : "");
        lg__wire_segment(url, deployed ? model->model : "");
    }
    lg__bytes_adds(url, path);
    lg__bytes_adds(url, query);
}

void lg__azure_headers(const lg_model *model, lg_bytes *headers)
{
    if (is_v1(model))
        lg__wire_headers(model, headers, "Authorization", "Bearer ");
    else
        lg__wire_headers(model, headers, "api-key", "");
}

static int finish(lg_bytes *url, lg_bytes *headers, lg_bytes *body, const char *why)
{
    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : why ? LG_EINVAL : LG_OK;
}

static int encode_responses(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                            const char **why)
{
    lg__azure_url(ask->model, url, "/responses", false);
    lg__azure_headers(ask->model, headers);
    lg__responses_body(ask, body, why);
    return finish(url, headers, body, *why);
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    if (lg__responses_wanted(ask))
        return encode_responses(ask, url, headers, body, why);

    lg__azure_url(ask->model, url, "/chat/completions", true);
    lg__azure_headers(ask->model, headers);
    lg__openai_body(ask, body, why);
    return finish(url, headers, body, *why);
}

const lg_provider lg__provider_azure = {
    .dialect = "azure",
    .most_each = LG_MB(20) / 3 * 4,
    .most_all = LG_MB(50),
    .too_large = LG_OPENAI_TOO_LARGE,
    .fields = lg__openai_fields,
    .encode = encode,
    .hear = lg__openai_hear,
    .hear_event = lg__openai_hear_event,
};

const lg_provider lg__provider_azure_responses = {
    .dialect = "azure-responses",
    .most_each = LG_MB(20) / 3 * 4,
    .most_all = LG_MB(50),
    .too_large = LG_OPENAI_TOO_LARGE,
    .fields = lg__openai_fields,
    .encode = encode_responses,
    .hear = lg__openai_hear,
    .hear_event = lg__openai_hear_event,
};
