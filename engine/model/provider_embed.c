/* provider_embed.c - dialects that ask for embeddings instead of words: each message is one
 * input, the reply a JSON list of vectors in the inputs' order.
 *
 * How many vectors there must be is the caller's to check. */
#include <string.h>

#include "model/provider_openai.h"
#include "model/provider_read.h"
#include "model/provider_wire.h"

#define ONLY_TEXT "only text can be embedded by this API"

/* ---- what is asked ----------------------------------------------------- */

static const char *write_inputs(const lg_ask *ask, lg_bytes *b)
{
    const char *why = NULL;
    lg__bytes_adds(b, "{\"model\":");
    lg__json_write_string(b, ask->model->model, strlen(ask->model->model));
    lg__bytes_adds(b, ",\"input\":[");
    for (size_t i = 0; !why && i < ask->n_parts; i++) {
        why = ask->parts[i].media == LG_MEDIA_TEXT ? NULL : ONLY_TEXT;
        lg__bytes_adds(b, i ? "," : "");
        lg__json_write_string(b, ask->parts[i].text, ask->parts[i].len);
    }
    lg__bytes_addc(b, ']');
    lg__wire_fields(ask, NULL, b);
    return why;
}

static int finish(lg_bytes *url, lg_bytes *headers, lg_bytes *body, const char *why)
{
    lg__bytes_addc(body, '}');
    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : why ? LG_EINVAL : LG_OK;
}

/* Half the bytes of decimals, and exact; what the official packages ask for, too. */
static void want_base64(const lg_ask *ask, lg_bytes *body)
{
    bool given = lg__wire_option(ask, "encoding_format");
    if (!given && lg__wire_name(ask->model, "encoding_format"))
        lg__bytes_adds(body, ",\"encoding_format\":\"base64\"");
}

static int encode_openai(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                         const char **why)
{
    lg__wire_url(ask->model, url, "/embeddings");
    lg__wire_headers(ask->model, headers, "Authorization", "Bearer ");
    *why = write_inputs(ask, body);
    want_base64(ask, body);
    return finish(url, headers, body, *why);
}

static int encode_azure(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                        const char **why)
{
    lg__azure_url(ask->model, url, "/embeddings", true);
    lg__azure_headers(ask->model, headers);
    *why = write_inputs(ask, body);
    want_base64(ask, body);
    return finish(url, headers, body, *why);
}

static int encode_ollama(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                         const char **why)
{
    lg__wire_url(ask->model, url, "/api/embed");
    lg__wire_headers(ask->model, headers, "Authorization", "Bearer ");
    *why = write_inputs(ask, body);
    return finish(url, headers, body, *why);
}

/* ---- what came --------------------------------------------------------- */

/* The items by their index; they come in order from all but the odd server. NULL: memory. */
static const lg_json **in_order(lg_heard *h, const lg_json *data, size_t n)
{
    const lg_json **items = lg__mem_zero(h->mem, n * sizeof *items), *item = lg__json_first(data);
    for (size_t i = 0; items && item; i++, item = lg__json_after(item)) {
        int64_t at = lg__json_int(lg__json_get(item, "index"), (int64_t)i);
        if (at >= 0 && at < (int64_t)n && !items[at])
            items[at] = item;
    }
    h->err = items ? h->err : LG_ENOMEM;
    return items;
}

static void hear_openai(lg_heard *h, const lg_json *root)
{
    const lg_json *data = lg__json_get(root, "data"), *usage = lg__json_get(root, "usage");
    size_t n = lg__json_type(data) == LG_JSON_ARRAY ? lg__json_count(data) : 0;
    const lg_json **items = n ? in_order(h, data, n) : NULL;
    lg__bytes_addc(&h->text, '[');
    for (size_t i = 0; items && i < n; i++) {
        lg__bytes_adds(&h->text, i ? "," : "");
        lg__heard_vector(h, lg__json_get(items[i], "embedding"));
    }
    lg__bytes_addc(&h->text, ']');
    lg__mem_free(h->mem, items, n * sizeof *items);
    if (n == 0)
        h->unsaid = "the reply holds no embeddings";

    h->usage.input = lg__heard_tokens(usage, "prompt_tokens");
    if (h->usage.input == 0) /* Voyage's servers */
        h->usage.input = lg__heard_tokens(usage, "total_tokens");

    h->has_usage = h->usage.input > 0;
    lg__heard_end(h, "stop");
}

static void hear_ollama(lg_heard *h, const lg_json *root)
{
    const lg_json *list = lg__json_get(root, "embeddings");
    const lg_json *one = lg__json_get(root, "embedding"); /* of its imitations */
    const lg_json *first = lg__json_first(list);
    lg__bytes_addc(&h->text, '[');
    for (const lg_json *v = first; v; v = lg__json_after(v)) {
        lg__bytes_adds(&h->text, v == first ? "" : ",");
        lg__heard_vector(h, v);
    }
    if (!first && lg__json_count(one) > 0)
        lg__heard_vector(h, one);
    else if (!first)
        h->unsaid = "the reply holds no embeddings";

    lg__bytes_addc(&h->text, ']');
    h->usage.input = lg__heard_tokens(root, "prompt_eval_count");
    h->has_usage = h->usage.input > 0;
    lg__heard_end(h, "stop");
}

/* ---- the dialects ------------------------------------------------------ */

const lg_provider lg__provider_openai_embed = {
    .dialect = "openai-embed",
    .vectors = true,
    .encode = encode_openai,
    .hear = hear_openai,
};

const lg_provider lg__provider_azure_embed = {
    .dialect = "azure-embed",
    .vectors = true,
    .encode = encode_azure,
    .hear = hear_openai,
};

const lg_provider lg__provider_ollama_embed = {
    .dialect = "ollama-embed",
    .vectors = true,
    .encode = encode_ollama,
    .hear = hear_ollama,
};
