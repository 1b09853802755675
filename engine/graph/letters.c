/* letters.c - texts under letters, and replies by letter. Pure. */
#include "graph/letters.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/template.h"

/* ---- showing ----------------------------------------------------------- */

enum { FIELDS = 2, NAME = 24 }; /* of each: its role and its text */

static int add_entry(lg_bytes *tmpl, size_t i, bool made)
{
    char letter = (char)('A' + i);
    return lg__bytes_addf(tmpl, "%s%c. {r%zu}%s:\n<%c>\n{t%zu}\n</%c>\n", i ? "\n" : "", letter, i,
                          made ? " (an earlier step made it, and is told your points)" : "", letter,
                          i, letter);
}

static int fill(lg_bytes *tmpl, lg_fill *fields, char (*names)[NAME], const lg_aims *aims)
{
    for (size_t i = 0; i < aims->n; i++) {
        const lg_var *v = aims->list[i].step->var;
        const lg_text *t = aims->list[i].text;
        snprintf(names[2 * i], sizeof names[0], "r%zu", i);
        snprintf(names[2 * i + 1], sizeof names[0], "t%zu", i);
        fields[2 * i] = (lg_fill){names[2 * i], v->role->data, v->role->len};
        fields[2 * i + 1] = (lg_fill){names[2 * i + 1], t->data, t->len};
        add_entry(tmpl, i, v->node != NULL);
    }
    return tmpl->err;
}

lg_text *lg__letters_show(lg_mem *m, const lg_aims *aims)
{
    lg_bytes tmpl, out;
    lg_fill fields[FIELDS * LG_LETTERS];
    char names[FIELDS * LG_LETTERS][NAME];
    lg__bytes_init(&tmpl, m, LG_BYTES_MAX);
    lg__bytes_init(&out, m, LG_BYTES_MAX);
    int err = fill(&tmpl, fields, names, aims);
    if (!err) {
        err = lg__template_render(&out, tmpl.data, tmpl.len, fields, FIELDS * aims->n, true, NULL,
                                  NULL);
    }
    lg__bytes_free(&tmpl);
    if (out.len && !err)
        out.data[--out.len] = '\0'; /* the last newline */
    lg_text *t = err ? NULL : lg__text_of(&out);
    lg__bytes_free(&out);
    return t;
}

void lg__letters_marks(lg_mem *m, size_t n, lg_text *marks[LG_LETTERS])
{
    char mark[4] = "[A]";
    for (size_t i = 0; i < n; i++) {
        mark[1] = (char)('A' + i);
        marks[i] = lg__text_new(m, mark, 3);
        if (marks[i])
            continue;
        while (i > 0)
            lg__text_unref(marks[--i]);
        marks[0] = NULL;
        return;
    }
}

/* ---- reading ----------------------------------------------------------- */

enum { NO_LABEL = -1, NOBODY = LG_LETTERS };

static size_t skip(const char *s, size_t at, size_t n, const char *chars)
{
    while (at < n && strchr(chars, s[at]))
        at++;
    return at;
}

/* Behind a name there must be what ends a label: "A:", "**A**:", "[A] -". 0: there is not. */
static size_t behind_label(const char *s, size_t at, size_t n)
{
    size_t closed = skip(s, at, n, "*_]})\"' ");
    if (closed < n && (s[closed] == ':' || s[closed] == '.'))
        return skip(s, closed + 1, n, "*_ \t");
    bool bracket = closed > at && memchr(s + at, ']', closed - at) != NULL;
    bool paren = closed > at && memchr(s + at, ')', closed - at) != NULL;
    if (bracket || paren)
        return skip(s, closed, n, "-*_ \t");
    return at == n || closed == n ? n : 0;
}

static size_t name_at(const char *s, size_t at, size_t n, const char *name, size_t len)
{
    if (len == 0 || n - at < len || strncasecmp(s + at, name, len) != 0)
        return 0;
    return behind_label(s, at + len, n);
}

/* Whose line it is, and where its words begin: a letter, a role, or nobody. */
static int label(const char *s, size_t n, const lg_aims *aims, size_t *words)
{
    static const char *const nobody[] = {"nobody", "none", "noise", "other", "others"};
    size_t at = skip(s, 0, n, "-*_#[({\"' \t"), behind;
    if (n - at > 5 && strncasecmp(s + at, "text ", 5) == 0)
        at += 5;
    if (at < n && s[at] >= 'A' && s[at] < (char)('A' + aims->n) &&
        (at + 1 == n || !isalnum((unsigned char)s[at + 1]))) {
        *words = behind_label(s, at + 1, n);
        if (*words)
            return s[at] - 'A';
    }
    for (size_t i = 0; i < aims->n; i++) {
        const lg_text *role = aims->list[i].step->var->role;
        behind = name_at(s, at, n, role->data, role->len);
        if (behind) {
            *words = behind;
            return (int)i;
        }
    }
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        behind = name_at(s, at, n, nobody[i], strlen(nobody[i]));
        if (behind) {
            *words = behind;
            return NOBODY;
        }
    }
    return NO_LABEL;
}

static int read_lines(const lg_text *reply, const lg_aims *aims, lg_bytes *said, bool *named)
{
    int whose = NO_LABEL, err = LG_OK;
    for (size_t at = 0; !err && at < reply->len;) {
        const char *s = reply->data + at;
        size_t n = lg__text_line(s, reply->len - at), words = 0;
        int now = label(s, n, aims, &words);
        if (now != NO_LABEL) {
            whose = now;
            named[now] = true;
        }
        if (whose != NO_LABEL && whose != NOBODY) {
            lg__bytes_add(&said[whose], s + words, n - words);
            err = lg__bytes_addc(&said[whose], '\n');
        }
        at += n + 1;
    }
    return err;
}

int lg__letters_read(lg_mem *m, const lg_text *reply, const lg_aims *aims,
                     lg_text *said[LG_LETTERS], size_t *n_named)
{
    lg_bytes texts[LG_LETTERS];
    bool named[LG_LETTERS + 1] = {false};
    for (size_t i = 0; i < aims->n; i++)
        lg__bytes_init(&texts[i], m, LG_BYTES_MAX);
    int err = read_lines(reply, aims, texts, named);
    *n_named = named[NOBODY];
    for (size_t i = 0; i < aims->n; i++) {
        said[i] = !err && named[i] ? lg__text_of(&texts[i]) : NULL;
        if (!err && named[i] && !said[i])
            err = LG_ENOMEM;
        lg__bytes_free(&texts[i]);
        *n_named += named[i];
    }
    for (size_t i = 0; err && i < aims->n; i++) {
        lg__text_unref(said[i]);
        said[i] = NULL;
    }
    return err;
}
