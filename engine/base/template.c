/* template.c - templates with named fields and unforgeable fences. See template.h.
 *
 * A template is read as a row of pieces, up to three times: to check its fields
 * and gather its tags, to look for forged tags (twice, when there are any), and
 * to write. Nothing is kept of a reading but the names. */
#include "base/template.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"

/* ---- names: a small hash table, name → number ---------------------------- */

typedef struct name {
    const char *s; /* NULL: free slot; borrowed */
    size_t len, value;
} name;

typedef struct names {
    lg_mem *mem;
    name *slots;
    size_t cap, count, longest;
} names;

static size_t hash(const char *s, size_t len)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325); /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001B3);
    return (size_t)(h ^ (h >> 32));
}

/* The slot where a name is or belongs. cap must not be 0. */
static name *names_slot(const names *t, const char *s, size_t len)
{
    size_t i = hash(s, len) & (t->cap - 1);

    while (t->slots[i].s && !(t->slots[i].len == len && memcmp(t->slots[i].s, s, len) == 0))
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static const name *names_get(const names *t, const char *s, size_t len)
{
    const name *slot = t->cap ? names_slot(t, s, len) : NULL;

    return slot && slot->s ? slot : NULL;
}

static int names_grow(names *t)
{
    names bigger = *t;

    bigger.cap = t->cap ? t->cap * 2 : LG_SMALL(16, 2);
    bigger.slots = lg__mem_zero(t->mem, bigger.cap * sizeof *bigger.slots);
    if (!bigger.slots)
        return LG_ENOMEM;
    for (size_t i = 0; i < t->cap; i++) {
        if (t->slots[i].s)
            *names_slot(&bigger, t->slots[i].s, t->slots[i].len) = t->slots[i];
    }
    lg__mem_free(t->mem, t->slots, t->cap * sizeof *t->slots);
    *t = bigger;
    return 0;
}

/* A name that is there already keeps its value. */
static int names_add(names *t, const char *s, size_t len, size_t value)
{
    name *slot;

    if (t->count * 2 >= t->cap && names_grow(t))
        return LG_ENOMEM;
    slot = names_slot(t, s, len);
    if (slot->s)
        return 0;
    slot->s = s;
    slot->len = len;
    slot->value = value;
    t->count++;
    if (len > t->longest)
        t->longest = len;
    return 0;
}

static void names_free(names *t)
{
    lg__mem_free(t->mem, t->slots, t->cap * sizeof *t->slots);
}

/* ---- pieces of a template ------------------------------------------------ */

enum piece_type { LITERAL, FIELD, TAG };

typedef struct piece {
    enum piece_type type;
    const char *s; /* the literal; the name of a field or tag */
    size_t len;
    bool closes; /* a TAG: </NAME> */
} piece;

typedef struct reader {
    const char *s;
    size_t len, at;
} reader;

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return is_capital(c) || (c >= 'a' && c <= 'z');
}

/* What stands beyond ASCII and in no word: signs, spaces, punctuation, emoji. Ascending. */
static const struct {
    uint32_t first, last;
} signs[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},       {0xB6, 0xB9},        {0xBB, 0xBF},     {0xD7, 0xD7},
    {0xF7, 0xF7},     {0x37E, 0x37E},     {0x387, 0x387},      {0x55A, 0x55F},   {0x589, 0x58F},
    {0x5BE, 0x5BE},   {0x5F3, 0x5F4},     {0x600, 0x60F},      {0x61B, 0x61F},   {0x66A, 0x66D},
    {0x6D4, 0x6D4},   {0x964, 0x965},     {0xE3F, 0xE3F},      {0x1680, 0x1680}, {0x2000, 0x2BFF},
    {0x2E00, 0x2E7F}, {0x3000, 0x3004},   {0x3008, 0x3020},    {0x3030, 0x3030}, {0x303D, 0x303F},
    {0x30A0, 0x30A0}, {0x30FB, 0x30FB},   {0xE000, 0xF8FF},    {0xFD3E, 0xFD3F}, {0xFE10, 0xFE1F},
    {0xFE30, 0xFE6F}, {0xFEFF, 0xFF0F},   {0xFF1A, 0xFF20},    {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65},
    {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF},
};

static bool is_sign(uint32_t c)
{
    size_t i = 0;

    while (i < sizeof signs / sizeof *signs && signs[i].last < c)
        i++;
    return i < sizeof signs / sizeof *signs && signs[i].first <= c;
}

/* The size of the letter beyond ASCII at s, of any script; 0 when it is none. */
static size_t foreign_letter(const char *s, size_t len)
{
    unsigned char lead = (unsigned char)*s;
    size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    uint32_t c = lead & (0xFFu >> (size + 1));

    if (lead < 0xC2 || size > len)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if (((unsigned char)s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)s[i] & 0x3F);
    }
    return is_sign(c) ? 0 : size;
}

/* The size of a sign of a name at s; 0 when it is none. */
static size_t name_sign(const char *s, size_t len, bool first)
{
    if (is_letter(*s) || *s == '_' || (!first && is_digit(*s)))
        return 1;
    return (unsigned char)*s < 0x80 ? 0 : foreign_letter(s, len);
}

/* The piece {name} at s, if it is one. Returns its size, or 0. */
static size_t read_field(const char *s, size_t len, piece *p)
{
    size_t i = 1, size = 1;

    for (; i < len && size > 0; i += size)
        size = name_sign(s + i, len - i, i == 1);
    if (i == 1 || i == len || s[i] != '}')
        return 0;
    p->type = FIELD;
    p->s = s + 1;
    p->len = i - 1;
    return i + 1;
}

/* The same for <NAME> and </NAME>. */
static size_t read_tag(const char *s, size_t len, piece *p)
{
    size_t from = len > 1 && s[1] == '/' ? 2 : 1, i = from;

    if (i >= len || !is_capital(s[i]))
        return 0;
    while (i < len && (is_capital(s[i]) || is_digit(s[i]) || s[i] == '_'))
        i++;
    if (i == len || s[i] != '>')
        return 0;
    p->type = TAG;
    p->s = s + from;
    p->len = i - from;
    p->closes = from == 2;
    return i + 1;
}

/* Up to the next brace or tag. One < or brace at its start has been looked at. */
static size_t literal_size(const char *s, size_t len)
{
    piece ignored;
    size_t i = 1;

    while (i < len && s[i] != '{' && s[i] != '}' &&
           !(s[i] == '<' && read_tag(s + i, len - i, &ignored)))
        i++;
    return i;
}

/* false at the end. */
static bool read_piece(reader *r, piece *p)
{
    const char *s = r->s + r->at;
    size_t len = r->len - r->at, size = 0;
    bool brace;

    if (len == 0)
        return false;
    brace = *s == '{' || *s == '}';
    if (brace && len > 1 && s[1] == *s) {
        *p = (piece){LITERAL, s, 1, false};
        r->at += 2;
        return true;
    }
    if (*s == '{')
        size = read_field(s, len, p);
    else if (*s == '<')
        size = read_tag(s, len, p);
    if (size == 0) {
        size = brace ? 1 : literal_size(s, len);
        *p = (piece){LITERAL, s, size, false};
    }
    r->at += size;
    return true;
}

bool lg__template_field(const char *tmpl, size_t len, size_t *at, const char **field, size_t *size)
{
    reader r = {tmpl, len, *at};
    piece p;

    while (read_piece(&r, &p)) {
        if (p.type != FIELD)
            continue;
        *at = r.at;
        *field = p.s;
        *size = p.len;
        return true;
    }
    return false;
}

/* ---- rendering ----------------------------------------------------------- */

typedef struct render {
    reader r;
    const lg_fill *fields;
    names by_name, tags;
} render;

static const lg_fill *field_of(const render *x, const piece *p)
{
    const name *found = names_get(&x->by_name, p->s, p->len);

    return found ? &x->fields[found->value] : NULL;
}

static int index_fields(render *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *s = x->fields[i].name;

        if (names_add(&x->by_name, s, strlen(s), i))
            return LG_ENOMEM;
    }
    return 0;
}

/* Every field is known; and the tags are gathered. */
static int check(render *x, char bad[64])
{
    piece p;

    x->r.at = 0;
    while (read_piece(&x->r, &p)) {
        if (p.type == TAG && names_add(&x->tags, p.s, p.len, 0))
            return LG_ENOMEM;
        if (p.type == FIELD && !field_of(x, &p)) {
            size_t n = lg__text_border(p.s, p.len < 63 ? p.len : 63);

            if (bad) {
                memcpy(bad, p.s, n);
                bad[n] = '\0';
            }
            return LG_ETEMPLATE;
        }
    }
    return 0;
}

/* ---- forged tags --------------------------------------------------------- */

/* A reader of tag-like runs: <, then / and name characters, blanks anywhere. */
typedef struct forger {
    const names *tags;
    char *run; /* the name so far, in capitals */
    size_t cap, len;
    bool open, started;  /* behind a <; … and behind its first sign */
    bool foreign;        /* a value has part in it */
    size_t plain;        /* found: tags as they are */
    size_t numbered;     /* found: tags with a number behind */
    unsigned char *used; /* bit k: number k was found; NULL: only count */
    size_t highest;      /* k there is room for in used */
} forger;

/* The number k of a name that ends in _k, written as we write it; else 0. */
static size_t number_of(const char *s, size_t len, size_t *stem)
{
    size_t i = len, k = 0;

    while (i > 0 && is_digit(s[i - 1]))
        i--;
    if (i == len || i < 2 || s[i - 1] != '_' || s[i] == '0' || len - i > 9)
        return 0;
    *stem = i - 1;
    for (; i < len; i++)
        k = k * 10 + (size_t)(s[i] - '0');
    return k;
}

static void forger_judge(forger *f)
{
    size_t stem = 0, k;

    if (names_get(f->tags, f->run, f->len))
        f->plain++;
    k = number_of(f->run, f->len, &stem);
    if (k == 0 || !names_get(f->tags, f->run, stem))
        return;
    f->numbered++;
    if (f->used && k <= f->highest)
        f->used[k / 8] |= (unsigned char)(1u << (k % 8));
}

static void forger_byte(forger *f, char c)
{
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return;
    if (c == '>') {
        if (f->foreign)
            forger_judge(f);
        f->open = false;
    } else if (c == '/' && !f->started) {
        f->started = true;
    } else if ((is_letter(c) || is_digit(c) || c == '_') && f->len < f->cap) {
        f->started = true;
        f->run[f->len++] = is_letter(c) ? (char)(c & ~0x20) : c;
    } else {
        f->open = false;
    }
}

static void forger_feed(forger *f, const char *s, size_t len, bool foreign)
{
    if (foreign)
        f->foreign = true;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '<') {
            f->open = true;
            f->started = false;
            f->foreign = foreign;
            f->len = 0;
        } else if (f->open) {
            forger_byte(f, s[i]);
        } else { /* nothing of interest before the next < */
            const char *next = memchr(s + i, '<', len - i);

            if (!next)
                return;
            i = (size_t)(next - s) - 1;
        }
    }
}

/* Feeds the text that would be rendered, but for the template's tags, and no
 * more of it than may be written. */
static void forger_run(forger *f, render *x, size_t most)
{
    piece p;

    f->open = false;
    f->plain = f->numbered = 0;
    x->r.at = 0;
    while (read_piece(&x->r, &p)) {
        const lg_fill *field = p.type == FIELD ? field_of(x, &p) : NULL;
        size_t len = field ? field->len : p.len;

        if (len > most)
            return;
        most -= len;
        if (p.type == TAG)
            f->open = false;
        else
            forger_feed(f, field ? field->value : p.s, len, field != NULL);
    }
}

/* The smallest number from 2 on that no forged tag has. */
static int free_number(forger *f, render *x, size_t most, unsigned *k)
{
    size_t size = (f->numbered + 2) / 8 + 1;

    f->highest = f->numbered + 2; /* of 2 … n + 2 one must be free */
    f->used = lg__mem_zero(x->tags.mem, size);
    if (!f->used)
        return LG_ENOMEM;
    forger_run(f, x, most);
    *k = 2;
    while (f->used[*k / 8] & (1u << (*k % 8)))
        ++*k;
    lg__mem_free(x->tags.mem, f->used, size);
    return 0;
}

static int choose_suffix(render *x, size_t most, unsigned *k)
{
    forger f = {.tags = &x->tags, .cap = x->tags.longest + 11};
    int rc = 0;

    *k = 0;
    if (x->tags.count == 0)
        return 0;
    f.run = lg__mem_new(x->tags.mem, f.cap);
    if (!f.run)
        return LG_ENOMEM;
    forger_run(&f, x, most);
    if (f.plain)
        rc = free_number(&f, x, most, k);
    lg__mem_free(x->tags.mem, f.run, f.cap);
    return rc;
}

/* ---- writing ------------------------------------------------------------- */

static void write_tag(lg_bytes *out, const piece *p, unsigned k)
{
    lg__bytes_adds(out, p->closes ? "</" : "<");
    lg__bytes_add(out, p->s, p->len);
    if (k)
        lg__bytes_addf(out, "_%u", k);
    lg__bytes_addc(out, '>');
}

static int write_all(lg_bytes *out, render *x, unsigned k)
{
    piece p;

    x->r.at = 0;
    while (!out->err && read_piece(&x->r, &p)) {
        const lg_fill *field = p.type == FIELD ? field_of(x, &p) : NULL;

        if (field)
            lg__bytes_add(out, field->value, field->len);
        else if (p.type == TAG)
            write_tag(out, &p, k);
        else
            lg__bytes_add(out, p.s, p.len);
    }
    return out->err;
}

int lg__template_render(lg_bytes *out, const char *tmpl, size_t len, const lg_fill *fields,
                        size_t n, bool fenced, unsigned *suffix, char bad[64])
{
    render x = {.r = {tmpl, len, 0}, .fields = fields};
    unsigned k = 0;
    int rc;

    x.by_name.mem = x.tags.mem = out->mem;
    rc = index_fields(&x, n);
    if (rc == 0)
        rc = check(&x, bad);
    if (rc == 0 && fenced)
        rc = choose_suffix(&x, out->ceiling - out->len, &k);
    if (rc == LG_ENOMEM && !out->err) {
        lg__bytes_free(out);
        out->err = LG_ENOMEM;
    }
    if (rc == 0)
        rc = write_all(out, &x, k);
    names_free(&x.by_name);
    names_free(&x.tags);
    if (suffix)
        *suffix = k;
    return rc;
}
