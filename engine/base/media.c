/* media.c - the table of kinds, their first bytes, base64. See media.h. */
#include "base/media.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"

typedef struct kind_row {
    const char *type, *ending;
    const char *also; /* another name of the type */
} kind_row;

static const kind_row kinds[LG_MEDIA_KINDS] = {
    [LG_MEDIA_TEXT] = {"text/plain", "txt", NULL},
    [LG_MEDIA_CALLS] = {"application/vnd.lunagrad.turn+json", "json", NULL},
    [LG_MEDIA_PNG] = {"image/png", "png", NULL},
    [LG_MEDIA_JPEG] = {"image/jpeg", "jpeg", "image/jpg"},
    [LG_MEDIA_GIF] = {"image/gif", "gif", NULL},
    [LG_MEDIA_WEBP] = {"image/webp", "webp", NULL},
    [LG_MEDIA_WAV] = {"audio/wav", "wav", "audio/x-wav"},
    [LG_MEDIA_MP3] = {"audio/mpeg", "mp3", "audio/mp3"},
    [LG_MEDIA_OGG] = {"audio/ogg", "ogg", "audio/opus"},
    [LG_MEDIA_FLAC] = {"audio/flac", "flac", "audio/x-flac"},
    [LG_MEDIA_PCM] = {"audio/pcm", "pcm16", "audio/l16"},
    [LG_MEDIA_PDF] = {"application/pdf", "pdf", NULL},
    [LG_MEDIA_IMAGE_URL] = {"image/url", "url", NULL},
    [LG_MEDIA_AUDIO_URL] = {"audio/url", "url", NULL},
    [LG_MEDIA_PDF_URL] = {"application/pdf-url", "url", NULL},
};

const char *lg__media_type(int media)
{
    return media >= 0 && media < LG_MEDIA_KINDS ? kinds[media].type : kinds[LG_MEDIA_TEXT].type;
}

const char *lg__media_ending(int media)
{
    return media >= 0 && media < LG_MEDIA_KINDS ? kinds[media].ending : "bin";
}

static bool is_named(const char *name, const char *type, size_t len)
{
    return name && strlen(name) == len && strncasecmp(name, type, len) == 0;
}

int lg__media_of_type(const char *type)
{
    size_t len = type ? strcspn(type, "; \t,") : 0;
    for (int i = 0; i < LG_MEDIA_KINDS; i++) {
        if (is_named(kinds[i].type, type, len) || is_named(kinds[i].also, type, len))
            return i;
    }
    return -1;
}

typedef struct magic {
    size_t at;
    const char *bytes;
    size_t len;
    int media;
} magic;

int lg__media_sniff(const char *s, size_t len)
{
    static const magic known[] = {
        {0, "\x89PNG\r\n\x1a\n", 8, LG_MEDIA_PNG},
        {0, "\xff\xd8\xff", 3, LG_MEDIA_JPEG},
        {0, "GIF87a", 6, LG_MEDIA_GIF},
        {0, "GIF89a", 6, LG_MEDIA_GIF},
        {8, "WEBP", 4, LG_MEDIA_WEBP},
        {8, "WAVE", 4, LG_MEDIA_WAV},
        {0, "ID3", 3, LG_MEDIA_MP3},
        {0, "\xff\xfb", 2, LG_MEDIA_MP3},
        {0, "\xff\xf3", 2, LG_MEDIA_MP3},
        {0, "\xff\xf2", 2, LG_MEDIA_MP3},
        {0, "OggS", 4, LG_MEDIA_OGG},
        {0, "fLaC", 4, LG_MEDIA_FLAC},
        {0, "%PDF-", 5, LG_MEDIA_PDF},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const magic *k = &known[i];
        bool riff = k->at == 0 || (len >= 4 && memcmp(s, "RIFF", 4) == 0);
        if (riff && len >= k->at + k->len && memcmp(s + k->at, k->bytes, k->len) == 0)
            return k->media;
    }
    return -1;
}

int lg__media_check(const char *type, const char *s, size_t len)
{
    if (!s || len > LG_BYTES_MAX)
        return s ? LG_ELIMIT : LG_EINVAL;
    int seen = lg__media_sniff(s, len), said = type ? lg__media_of_type(type) : seen;
    if (said <= LG_MEDIA_CALLS || len == 0)
        return LG_EINVAL;

    if (lg__media_is_url(said))
        return lg_utf8_check(s, len) < 0 && !memchr(s, '\0', len) ? said : LG_EINVAL;

    /* Raw samples have no mark; a mark of something else is a mistake. */
    return said == seen || (said == LG_MEDIA_PCM && seen < 0) ? said : LG_EINVAL;
}

bool lg__media_is_image(int media)
{
    return (media >= LG_MEDIA_PNG && media <= LG_MEDIA_WEBP) || media == LG_MEDIA_IMAGE_URL;
}

bool lg__media_is_url(int media)
{
    return media >= LG_MEDIA_IMAGE_URL && media <= LG_MEDIA_PDF_URL;
}

lg_text *lg__text_new_media(lg_mem *m, int media, const char *s, size_t len)
{
    lg_text *t = lg__text_new(m, s, len);
    if (t)
        t->media = (uint8_t)media;

    return t;
}

/* ---- what is shown of it ----------------------------------------------- */

/* The words of a turn, then a line for each call. */
static lg_text *describe_turn(lg_mem *m, lg_text *t)
{
    lg_json *root = NULL;
    lg_bytes b;
    if (lg__json_parse(m, t->data, t->len, &root, NULL) == LG_ENOMEM)
        return NULL;

    lg__bytes_init(&b, m, LG_BYTES_MAX);
    const char *words = lg__json_string(lg__json_get(root, "text"));
    lg__bytes_adds(&b, words ? words : "");
    const lg_json *call = lg__json_first(lg__json_get(root, "calls"));
    for (; call; call = lg__json_after(call)) {
        const char *name = lg__json_string(lg__json_get(call, "name"));
        lg__bytes_adds(&b, b.len ? "\n[calls " : "[calls ");
        lg__bytes_adds(&b, name ? name : "?");
        lg__bytes_addc(&b, ' ');
        lg__json_write(&b, lg__json_get(call, "arguments"));
        lg__bytes_addc(&b, ']');
    }
    lg__json_free(m, root);
    return lg__text_of(&b);
}

lg_text *lg__media_describe(lg_mem *m, lg_text *t)
{
    lg_bytes b;
    if (t->media == LG_MEDIA_TEXT)
        return lg__text_ref(t);

    if (t->media == LG_MEDIA_CALLS)
        return describe_turn(m, t);

    lg__bytes_init(&b, m, LG_BYTES_MAX);
    if (lg__media_is_url(t->media)) {
        lg__bytes_addf(&b, "[%s %s]", lg__media_is_image(t->media) ? "image at" : "file at",
                       t->data);
    } else {
        lg__bytes_addf(&b, "[%s, %zu bytes]", lg__media_type(t->media), t->len);
    }
    return lg__text_of(&b);
}

/* ---- base64 ------------------------------------------------------------ */

int lg__base64_write(lg_bytes *b, const char *s, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char out[4 * 256];
    for (size_t i = 0; i < len && !b->err;) {
        size_t n = 0;
        for (; i < len && n < sizeof out; i += 3, n += 4) {
            uint32_t x = (uint32_t)(unsigned char)s[i] << 16;
            x |= i + 1 < len ? (uint32_t)(unsigned char)s[i + 1] << 8 : 0;
            x |= i + 2 < len ? (uint32_t)(unsigned char)s[i + 2] : 0;
            out[n] = letters[x >> 18];
            out[n + 1] = letters[x >> 12 & 63];
            out[n + 2] = i + 1 < len ? letters[x >> 6 & 63] : '=';
            out[n + 3] = i + 2 < len ? letters[x & 63] : '=';
        }
        lg__bytes_add(b, out, n);
    }
    return b->err;
}

/* -1: blank or padding; -2: no letter of it. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';

    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;

    if (c >= '0' && c <= '9')
        return c - '0' + 52;

    if (c == '+' || c == '-')
        return 62;

    if (c == '/' || c == '_')
        return 63;

    return c == '=' || c == ' ' || c == '\n' || c == '\r' || c == '\t' ? -1 : -2;
}

int lg__base64_read(lg_bytes *b, const char *s, size_t len)
{
    uint32_t bits = 0;
    int n = 0;
    for (size_t i = 0; i < len; i++) {
        int v = value_of(s[i]);
        if (v == -2)
            return LG_EPARSE;

        if (v < 0)
            continue;

        bits = bits << 6 | (uint32_t)v;
        if (++n == 4) {
            char three[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
            lg__bytes_add(b, three, 3);
            bits = 0;
            n = 0;
        }
    }
    if (n == 1)
        return LG_EPARSE;

    if (n > 1) {
        bits <<= 6 * (4 - n);
        char two[2] = {(char)(bits >> 16), (char)(bits >> 8)};
        lg__bytes_add(b, two, (size_t)n - 1);
    }
    return b->err;
}
