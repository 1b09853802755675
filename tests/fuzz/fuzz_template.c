/* fuzz_template.c - rendering: values arrive whole, and forge no fence.
 *
 * The input is cut at bytes 0xFF into a template and up to three values, the
 * fields a, b and c. Plain rendering is checked against a slow version. Fenced
 * rendering must be the plain one with the template's own tags renamed alike;
 * with the number it reports, no value contains a final tag and none arises
 * where a value has part, while every smaller number would be refused. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)     \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

enum { FIELDS = 3 };

/* A rendered text, and for each byte who it is from: 't' a template's tag, 'l'
 * its other text, 'v' a value, 'e' the trace of an empty value (one byte in
 * text, which stands for nothing). */
typedef struct marked {
    lg_bytes text, from;
} marked;

static void add_marked(marked *x, const char *s, size_t n, char from)
{
    lg__bytes_add(&x->text, s, n);
    for (size_t i = 0; i < n; i++)
        lg__bytes_addc(&x->from, from);
}

/* The size of a letter beyond ASCII; which are, is the template's to say. */
static size_t foreign_size(const char *s, size_t len)
{
    for (size_t n = 2; n <= 4 && n <= len; n++) {
        char alone[8] = "{";
        const char *name;
        size_t at = 0, size;

        memcpy(alone + 1, s, n);
        alone[n + 1] = '}';
        if (lg__template_field(alone, n + 2, &at, &name, &size) && size == n)
            return n;
    }
    return 0;
}

static size_t name_size(const char *s, size_t len, bool capitals)
{
    size_t n = 0, size = 1;

    for (; n < len && size > 0; n += size) {
        if ((unsigned char)s[n] >= 0x80) {
            size = capitals ? 0 : foreign_size(s + n, len - n);
        } else {
            size = (s[n] == '_' || isalnum((unsigned char)s[n])) &&
                   !(capitals && islower((unsigned char)s[n]));
        }
    }
    return n && !isdigit((unsigned char)s[0]) && !(capitals && s[0] == '_') ? n : 0;
}

static size_t tag_size(const char *s, size_t len)
{
    size_t slash = len > 1 && s[0] == '<' && s[1] == '/', n;

    if (len == 0 || s[0] != '<')
        return 0;
    n = name_size(s + 1 + slash, len - 1 - slash, true);
    return n && 1 + slash + n < len && s[1 + slash + n] == '>' ? n + slash + 2 : 0;
}

/* false: an unknown field */
static bool slow_render(marked *out, const char *s, size_t len, const lg_fill *f)
{
    for (size_t i = 0; i < len;) {
        size_t n = tag_size(s + i, len - i), k;

        if (n) {
            add_marked(out, s + i, n, 't');
            i += n;
            continue;
        }
        if (i + 1 < len && s[i] == s[i + 1] && strchr("{}", s[i]) && s[i]) {
            add_marked(out, s + i, 1, 'l');
            i += 2;
            continue;
        }
        n = s[i] == '{' ? name_size(s + i + 1, len - i - 1, false) : 0;
        if (n && i + 1 + n < len && s[i + 1 + n] == '}') {
            for (k = 0; k < FIELDS && !(n == 1 && s[i + 1] == *f[k].name); k++)
                ;
            if (k == FIELDS)
                return false;
            if (f[k].len == 0) /* leave a trace: it has part in what is around it */
                add_marked(out, "\1", 1, 'e');
            add_marked(out, f[k].value, f[k].len, 'v');
            i += n + 2;
            continue;
        }
        add_marked(out, s + i++, 1, 'l');
    }
    return true;
}

/* The tag-like run at byte i of x, in capitals and without blanks, if a value
 * has part in it. The traces of empty values count as nothing. */
static bool forged_at(const marked *x, size_t i, char *name, size_t room)
{
    bool part = false;
    size_t n = 0;

    if (x->text.data[i] != '<')
        return false;
    for (; i < x->text.len; i++) {
        char c = x->text.data[i], from = x->from.data[i];

        if (from == 't')
            return false;
        part = part || from == 'v' || from == 'e';
        if (from == 'e' || (c && strchr(" \t\n\v\f\r", c)))
            continue;
        if (n + 1 >= room)
            return false;
        name[n++] = (char)toupper((unsigned char)c);
        name[n] = '\0';
        if (c == '>')
            return part;
        if (c == '<' && n > 1)
            return false;
    }
    return false;
}

/* Whether the template's tags, with number k, meet a forged one. */
static bool collides(const marked *x, unsigned k)
{
    char forged[600], tag[600];

    for (size_t i = 0; i < x->text.len; i++) {
        if (!forged_at(x, i, forged, sizeof forged))
            continue;
        for (size_t t = 0; t < x->text.len; t++) {
            size_t n, slash;

            if (x->from.data[t] != 't' || x->text.data[t] != '<')
                continue;
            slash = x->text.data[t + 1] == '/';
            n = (size_t)((char *)memchr(x->text.data + t, '>', x->text.len - t) -
                         (x->text.data + t));
            if (n >= 500)
                continue;
            snprintf(tag, sizeof tag, k ? "<%.*s_%u>" : "<%.*s>", (int)(n - 1 - slash),
                     x->text.data + t + 1 + slash, k);
            if (strcmp(forged, tag) == 0)
                return true;
            if (forged[0] == '<' && forged[1] == '/' && strcmp(forged + 2, tag + 1) == 0)
                return true;
        }
    }
    return false;
}

/* x as it must come out with number k */
static void expect(const marked *x, unsigned k, const lg_bytes *got)
{
    size_t at = 0;

    for (size_t i = 0; i < x->text.len; i++) {
        char number[16];

        if (x->from.data[i] == 'e')
            continue;
        if (k && x->from.data[i] == 't' && x->text.data[i] == '>') {
            int n = snprintf(number, sizeof number, "_%u", k);

            CHECK(at + (size_t)n <= got->len && memcmp(got->data + at, number, (size_t)n) == 0);
            at += (size_t)n;
        }
        CHECK(at < got->len && got->data[at] == x->text.data[i]);
        at++;
    }
    CHECK(at == got->len);
}

static void check(lg_mem *m, const char *tmpl, size_t len, const lg_fill *f, const marked *x,
                  bool good)
{
    char bad[64] = "";
    unsigned k = 77;
    lg_bytes out;
    int rc;

    lg__bytes_init(&out, m, LG_BYTES_MAX);
    rc = lg__template_render(&out, tmpl, len, f, FIELDS, false, &k, bad);
    CHECK(rc == (good ? 0 : LG_ETEMPLATE) && k == 0);
    CHECK(good || (bad[0] && out.len == 0));
    if (good)
        expect(x, 0, &out);
    lg__bytes_clear(&out);
    rc = lg__template_render(&out, tmpl, len, f, FIELDS, true, &k, NULL);
    CHECK(rc == (good ? 0 : LG_ETEMPLATE));
    if (good) {
        expect(x, k, &out);
        CHECK(!collides(x, k) && k != 1);
        for (unsigned less = 0; less < k; less += less ? 1 : 2)
            CHECK(collides(x, less));
    }
    lg__bytes_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lg_fill f[FIELDS] = {{"a", "", 0}, {"b", "", 0}, {"c", "", 0}};
    const char *s = (const char *)data, *cut;
    size_t left = size, len;
    marked x;
    lg_mem m;
    bool good;

    if (size > 2000)
        return 0;
    cut = left ? memchr(s, 0xFF, left) : NULL;
    len = cut ? (size_t)(cut - s) : left;
    for (size_t i = 0; i < FIELDS && cut; i++) {
        left = size - (size_t)(cut + 1 - (const char *)data);
        f[i].value = cut + 1;
        cut = left ? memchr(f[i].value, 0xFF, left) : NULL;
        f[i].len = cut ? (size_t)(cut - f[i].value) : left;
    }
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&x.text, &m, LG_BYTES_MAX);
    lg__bytes_init(&x.from, &m, LG_BYTES_MAX);
    good = slow_render(&x, s, len, f);
    CHECK(x.text.err == 0 && x.from.err == 0);
    if (x.text.len < 20000)
        check(&m, s, len, f, &x, good);
    lg__bytes_free(&x.text);
    lg__bytes_free(&x.from);
    CHECK(m.live_blocks == 0 && m.live_bytes == 0);
    return 0;
}
