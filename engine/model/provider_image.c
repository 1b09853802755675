/* provider_image.c - the dialect of OpenAI's Images: the words of all messages are the
 * prompt, pictures among their parts are what is to be edited, the reply is a picture.
 *
 * Without a picture the body is JSON (/images/generations), with one it is a form
 * (/images/edits) whose boundary is made of what it separates: the same ask gives the same
 * bytes. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "model/provider_read.h"
#include "model/provider_wire.h"

#define NO_MEDIA "this API takes words and pictures, as bytes"

enum { BOUNDARY = 48 };

/* ---- what is asked ----------------------------------------------------- */

/* Counts the pictures; *why: something is neither text nor picture. */
static size_t count_pictures(const lg_ask *ask, const char **why)
{
    size_t n = 0;
    for (size_t i = 0; i < ask->n_parts; i++) {
        int media = ask->parts[i].media;
        bool picture = lg__media_is_image(media) && !lg__media_is_url(media);
        n += picture ? 1 : 0;
        if (!picture && media != LG_MEDIA_TEXT)
            *why = NO_MEDIA;
    }
    return n;
}

static void write_prompt(const lg_ask *ask, lg_bytes *b)
{
    for (size_t i = 0; i < ask->n_parts; i++) {
        if (ask->parts[i].media == LG_MEDIA_TEXT) {
            lg__bytes_adds(b, b->len ? "\n\n" : "");
            lg__bytes_add(b, ask->parts[i].text, ask->parts[i].len);
        }
    }
}

/* The older models answer with an address unless told; the newer ones refuse to be told. */
static bool must_say_format(const lg_ask *ask)
{
    return strncmp(ask->model->model, "dall-e", strlen("dall-e")) == 0 &&
           !lg__wire_option(ask, "response_format");
}

static void write_json(const lg_ask *ask, const lg_bytes *prompt, lg_bytes *b)
{
    lg__bytes_adds(b, "{\"model\":");
    lg__json_write_string(b, ask->model->model, strlen(ask->model->model));
    lg__bytes_adds(b, ",\"prompt\":");
    lg__json_write_string(b, prompt->data ? prompt->data : "", prompt->len);
    lg__wire_fields(ask, NULL, b);
    lg__bytes_adds(b, must_say_format(ask) ? ",\"response_format\":\"b64_json\"}" : "}");
}

static int make_boundary(const lg_ask *ask, char to[BOUNDARY])
{
    unsigned char digest[32];
    lg_piece few[16], *p = few;
    lg_mem *m = ask->model->mem;
    if (ask->n_parts > sizeof few / sizeof *few)
        p = lg__mem_new(m, ask->n_parts * sizeof *p);

    if (!p)
        return LG_ENOMEM;

    for (size_t i = 0; i < ask->n_parts; i++)
        p[i] = (lg_piece){ask->parts[i].text, ask->parts[i].len};

    lg__digest(p, ask->n_parts, digest);
    if (p != few)
        lg__mem_free(m, p, ask->n_parts * sizeof *p);

    int at = snprintf(to, BOUNDARY, "lunagrad-");
    for (size_t i = 0; i < 16; i++)
        at += snprintf(to + at, (size_t)(BOUNDARY - at), "%02x", digest[i]);

    return LG_OK;
}

static void begin_part(lg_bytes *b, const char *boundary, const char *name)
{
    lg__bytes_addf(b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, name);
}

static void write_text_part(lg_bytes *b, const char *boundary, const char *name, const char *s,
                            size_t len)
{
    begin_part(b, boundary, name);
    lg__bytes_adds(b, "\r\n\r\n");
    lg__bytes_add(b, s, len);
    lg__bytes_adds(b, "\r\n");
}

/* Forms know no JSON: a string goes bare. */
static void write_field_parts(const lg_ask *ask, lg_bytes *b, const char *boundary)
{
    lg_bytes all;
    lg_json *root = NULL;
    lg__bytes_init(&all, b->mem, LG_BYTES_MAX);
    lg__bytes_adds(&all, "{\"\":0"); /* the fields begin with a comma */
    lg__wire_fields(ask, NULL, &all);
    lg__bytes_addc(&all, '}');
    int err = all.err ? all.err : lg__json_parse(b->mem, all.data, all.len, &root, NULL);
    b->err = b->err ? b->err : err;
    const lg_json *j = lg__json_first(root);
    while (j && (j = lg__json_after(j)) != NULL) {
        const char *s = lg__json_string(j);
        all.len = 0;
        if (!s)
            lg__json_write(&all, j);

        write_text_part(b, boundary, lg__json_name(j),
                        s          ? s
                        : all.data ? all.data
                                   : "",
                        s ? strlen(s) : all.len);
    }
    b->err = b->err ? b->err : all.err;
    lg__json_free(b->mem, root);
    lg__bytes_free(&all);
}

static void write_pictures(const lg_ask *ask, lg_bytes *b, const char *boundary, size_t n)
{
    for (size_t i = 0, number = 1; i < ask->n_parts; i++) {
        const lg_ask_part *t = &ask->parts[i];
        if (t->media == LG_MEDIA_TEXT)
            continue;

        begin_part(b, boundary, n > 1 ? "image[]" : "image");
        lg__bytes_addf(b, "; filename=\"image%zu.%s\"\r\nContent-Type: %s\r\n\r\n", number++,
                       lg__media_ending(t->media), lg__media_type(t->media));
        lg__bytes_add(b, t->text, t->len);
        lg__bytes_adds(b, "\r\n");
    }
}

static void write_form(const lg_ask *ask, const lg_bytes *prompt, size_t pictures,
                       const char *boundary, lg_bytes *b)
{
    const char *model = ask->model->model;
    write_text_part(b, boundary, "model", model, strlen(model));
    write_text_part(b, boundary, "prompt", prompt->data ? prompt->data : "", prompt->len);
    write_field_parts(ask, b, boundary);
    if (must_say_format(ask))
        write_text_part(b, boundary, "response_format", "b64_json", strlen("b64_json"));

    write_pictures(ask, b, boundary, pictures);
    lg__bytes_addf(b, "--%s--\r\n", boundary);
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    char boundary[BOUNDARY] = "", type[BOUNDARY + 40];
    lg_bytes prompt;
    size_t pictures = count_pictures(ask, why);
    int err = pictures > 0 ? make_boundary(ask, boundary) : LG_OK;
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
    lg__bytes_init(&prompt, body->mem, LG_BYTES_MAX);
    write_prompt(ask, &prompt);
    lg__wire_url(ask->model, url, pictures ? "/images/edits" : "/images/generations");
    lg__wire_headers_of(ask->model, headers, pictures ? type : "application/json", "Authorization",
                        "Bearer ");
    if (pictures)
        write_form(ask, &prompt, pictures, boundary, body);
    else
        write_json(ask, &prompt, body);

    err = err ? err : prompt.err;
    err = err ? err : url->err;
    err = err ? err : headers->err;
    err = err ? err : body->err;
    lg__bytes_free(&prompt);
    return err ? err : *why ? LG_EINVAL : LG_OK;
}

/* ---- what came --------------------------------------------------------- */

static void hear(lg_heard *h, const lg_json *root)
{
    const lg_json *data = lg__json_get(root, "data"), *first = lg__json_at(data, 0);
    const lg_json *usage = lg__json_get(root, "usage");
    const lg_json *in = lg__json_get(usage, "input_tokens_details");
    const lg_json *out = lg__json_get(usage, "output_tokens_details");
    const char *base64 = lg__json_string(lg__json_get(first, "b64_json"));
    h->usage.input = lg__heard_tokens(usage, "input_tokens");
    h->usage.cached = lg__heard_tokens(in, "cached_tokens");
    h->usage.output = lg__heard_tokens(usage, "output_tokens");
    h->image_in = lg__heard_tokens(in, "image_tokens");
    h->image_out = h->usage.output - lg__heard_tokens(out, "text_tokens");
    h->has_usage = h->usage.input > 0 || h->usage.output > 0;
    if (base64) {
        lg__heard_media(h, NULL, base64);
        lg__heard_end(h, "stop");
    } else if (lg__json_string(lg__json_get(first, "url"))) {
        h->bad = "the picture came as an address, not as bytes (response_format = \"b64_json\")";
    } else {
        h->unsaid = "the reply holds no picture";
    }
}

const lg_provider lg__provider_openai_image = {
    .dialect = "openai-image",
    .most_each = LG_MB(50) / 3 * 4,
    .too_large = "OpenAI Images takes pictures up to 50 MB each",
    .encode = encode,
    .hear = hear,
};
