/* heard.c - what was said about a step's output, as points that can be handed on by number.
 *
 * A point that has been told once more at every step of a chain says less each time, and more
 * words: who is asked about what an earlier step made may name points instead. A list (most of
 * its lines begin with a dash or a number) is as many points as lines; prose or a report is one.
 * No questions (gradient_ask.c). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/media.h"
#include "graph/gradient_internal.h"

enum { MOST_LINES = 8 }; /* of a list; a longer one is a report */

/* ---- lists ------------------------------------------------------------- */

/* The size of "- ", "* ", "3. " or "3) " at the beginning; 0: there is none. */
static size_t bullet(const char *s, size_t len)
{
    size_t i = 0;
    if (len > 2 && (s[0] == '-' || s[0] == '*') && s[1] == ' ')
        return 2;
    while (i < len && i < 2 && isdigit((unsigned char)s[i]))
        i++;
    return i && i + 1 < len && (s[i] == '.' || s[i] == ')') && s[i + 1] == ' ' ? i + 2 : 0;
}

static bool is_list(const lg_text *t)
{
    size_t lines = 0, bullets = 0;
    for (size_t at = 0; at < t->len;) {
        size_t n = lg__text_line(t->data + at, t->len - at);
        bullets += bullet(t->data + at, n) > 0;
        lines += n > 0;
        at += n + 1;
    }
    return lines <= MOST_LINES && bullets && bullets * 2 >= lines;
}

/* ---- points of records ------------------------------------------------- */

typedef struct lg_points {
    const lg_step *step;
    lg_bytes *out; /* NULL: they are only counted */
    size_t n, all, share;
} lg_points;

static bool same(const lg_text *a, const lg_text *b)
{
    return a == b || (a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

static bool said_before(const lg_record *list, const lg_record *r)
{
    for (; list != r; list = list->next) {
        if (list->state == LG_FB_TEXT && list->example == r->example && same(list->text, r->text))
            return true;
    }
    return false;
}

static int add(lg_points *p, const lg_record *r, const char *s, size_t len)
{
    p->n++;
    if (!p->out)
        return LG_OK;
    lg_mem *m = p->step->pass->g->mem;
    lg_text *whole = lg__text_new(m, s, len);
    lg_text *t = whole ? lg__text_trim(m, whole, p->share) : NULL;
    lg__text_unref(whole);
    if (!t)
        return LG_ENOMEM;
    if (p->all > 1)
        lg__bytes_addf(p->out, "%s%zu. ", p->n > 1 ? "\n" : "", p->n);
    if (p->all > 1 && r && r->example >= 0)
        lg__bytes_addf(p->out, "(example %lld) ", (long long)r->example);
    lg__bytes_add(p->out, t->data, t->len);
    lg__text_unref(t);
    return LG_OK;
}

static int add_text(lg_points *p, const lg_record *r, const lg_text *t)
{
    if (!is_list(t))
        return add(p, r, t->data, t->len);
    int err = LG_OK;
    for (size_t at = 0; !err && at < t->len;) {
        size_t n = lg__text_line(t->data + at, t->len - at), skip = bullet(t->data + at, n);
        if (n)
            err = add(p, r, t->data + at + skip, n - skip);
        at += n + 1;
    }
    return err;
}

static int add_all(lg_points *p)
{
    int err = LG_OK;
    p->n = 0;
    for (const lg_record *r = p->step->records; !err && r; r = r->next) {
        if (r->state == LG_FB_TEXT && !said_before(p->step->records, r))
            err = add_text(p, r, r->text);
    }
    return err;
}

lg_text *lg__step_feedback(const lg_step *s)
{
    lg_bytes b;
    lg_points p = {.step = s};
    add_all(&p); /* counts */
    p.all = p.n;
    p.share = s->pass->context_tokens / 2 / (p.n + 1) + 1;
    p.out = &b;
    lg__bytes_init(&b, s->pass->g->mem, LG_BYTES_MAX);
    if (add_all(&p)) {
        lg__bytes_free(&b);
        return NULL;
    }
    return lg__text_of(&b);
}

lg_text *lg__output_points(const lg_step *s)
{
    const lg_text *t = lg__var_first_text(s->var);
    lg_bytes b;
    lg_points p = {.step = s};
    if (!t || t->media > LG_MEDIA_CALLS || add_text(&p, NULL, t) || p.n < 2)
        return NULL;
    p.all = p.n;
    p.n = 0;
    p.share = s->pass->context_tokens / 2 / (p.all + 1) + 1;
    p.out = &b;
    lg__bytes_init(&b, s->pass->g->mem, LG_BYTES_MAX);
    if (!add_text(&p, NULL, t))
        return lg__text_of(&b);
    lg__bytes_free(&b);
    return NULL;
}

/* ---- by number --------------------------------------------------------- */

/* The place of "n. " at the beginning of a line, from `at` on; the text's end: there is none. */
static size_t find_number(const lg_text *t, size_t at, size_t n)
{
    char head[24];
    size_t len = (size_t)snprintf(head, sizeof head, "%zu. ", n);
    while (at < t->len) {
        if (t->len - at >= len && memcmp(t->data + at, head, len) == 0)
            return at;
        at += lg__text_line(t->data + at, t->len - at) + 1;
    }
    return t->len;
}

bool lg__heard_point(const lg_text *heard, size_t n, const char **text, size_t *len)
{
    size_t at = find_number(heard, 0, 1);
    if (at != 0) { /* one point, without a number: whatever is said, it is meant */
        *text = heard->data;
        *len = heard->len;
        return heard->len > 0;
    }
    for (size_t i = 2; i <= n && at < heard->len; i++)
        at = find_number(heard, at, i);
    if (n == 0 || at >= heard->len)
        return false;
    size_t end = find_number(heard, at, n + 1);
    const char *from = memchr(heard->data + at, ' ', end - at);
    *text = from + 1;
    *len = (size_t)(heard->data + end - *text);
    while (*len && isspace((unsigned char)(*text)[*len - 1]))
        --*len;
    return *len > 0;
}

/* Words that stand beside the number of a point that is handed on. */
static bool is_filler(const char *s, size_t len)
{
    static const char *const words[] = {
        "point", "points", "number", "numbers", "and",    "hand",  "on",   "pass",  "keep", "as",
        "it",    "is",     "they",   "are",     "stands", "stand", "item", "items", "no",   "nos"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == len && strncasecmp(words[i], s, len) == 0)
            return true;
    }
    return false;
}

size_t lg__references(const char *s, size_t len, size_t *numbers, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        size_t from = i;
        while (i < len && isdigit((unsigned char)s[i]))
            i++;
        if (i > from) {
            if (n == max || i - from > 3)
                return 0;
            numbers[n++] = strtoul(s + from, NULL, 10);
            continue;
        }
        while (i < len && (isalpha((unsigned char)s[i]) || (unsigned char)s[i] > 127))
            i++;
        if (i > from && !is_filler(s + from, i - from))
            return 0;
        i += i == from;
    }
    return n;
}
