/* provider_gemini_embed.c - Gemini's embeddings: POST <base>/models/NAME:batchEmbedContents.
 *
 * Each message is one content, the reply a JSON list of their vectors in the same order.
 * How many there must be is the caller's to check. */
#include <string.h>

#include "model/provider_gemini.h"
#include "model/provider_read.h"
#include "model/provider_wire.h"

#define ONLY_TEXT "only text can be embedded by this API"

static const char *write_request(const lg_ask *ask, const lg_ask_part *t, lg_bytes *b)
{
    lg_bytes name;
    lg__bytes_init(&name, b->mem, LG_BYTES_MAX);
    lg__gemini_name(&name, ask->model);
    lg__bytes_adds(b, "{\"model\":");
    lg__json_write_string(b, name.data ? name.data : "", name.len);
    lg__bytes_adds(b, ",\"content\":{\"parts\":[{\"text\":");
    lg__json_write_string(b, t->text, t->len);
    lg__bytes_adds(b, "}],\"role\":\"user\"}");
    lg__wire_fields(ask, NULL, b);
    lg__bytes_addc(b, '}');
    b->err = b->err ? b->err : name.err;
    lg__bytes_free(&name);
    return t->media == LG_MEDIA_TEXT ? NULL : ONLY_TEXT;
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    lg__gemini_url(ask->model, url, ":batchEmbedContents");
    lg__wire_headers(ask->model, headers, "x-goog-api-key", "");
    lg__bytes_adds(body, "{\"requests\":[");
    *why = NULL;
    for (size_t i = 0; !*why && i < ask->n_parts; i++) {
        lg__bytes_adds(body, i ? "," : "");
        *why = write_request(ask, &ask->parts[i], body);
    }
    lg__bytes_adds(body, "]}");
    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : *why ? LG_EINVAL : LG_OK;
}

/* Servers that know single requests only answer with one, without a list. */
static void hear(lg_heard *h, const lg_json *root)
{
    const lg_json *list = lg__json_get(root, "embeddings"), *first = lg__json_first(list);
    first = first ? first : lg__json_get(root, "embedding");
    lg__bytes_addc(&h->text, '[');
    for (const lg_json *e = first; e; e = lg__json_after(e)) {
        lg__bytes_adds(&h->text, e == first ? "" : ",");
        lg__heard_vector(h, lg__json_get(e, "values"));
    }
    lg__bytes_addc(&h->text, ']');
    if (!first)
        h->unsaid = "the reply holds no embeddings";

    lg__gemini_usage(h, lg__json_get(root, "usageMetadata"));
    lg__heard_end(h, "stop");
}

static const lg_field fields[] = {
    {"dimensions", "outputDimensionality", NULL, LG_AS_IS},
    {"encoding_format", NULL, NULL, LG_AS_IS},
    {"task", "taskType", NULL, LG_AS_IS},
    {"user", NULL, NULL, LG_AS_IS},
    {NULL, NULL, NULL, 0},
};

const lg_provider lg__provider_gemini_embed = {
    .dialect = "gemini-embed",
    .vectors = true,
    .fields = fields,
    .encode = encode,
    .hear = hear,
};
