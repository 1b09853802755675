/* unicode.c - characters, and texts made alike. See unicode.h; words are
 * in unicode_words.c. */
#include "binding/unicode.h"

#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD, EM_DASH = 0x2014 };

typedef struct range {
    int32_t from, to;
    enum lg_char kind;
} range;

static bool in_ranges(const range *list, size_t n, int32_t c, enum lg_char *kind)
{
    for (size_t i = 0; i < n; i++) {
        if (c >= list[i].from && c <= list[i].to) {
            *kind = list[i].kind;
            return true;
        }
    }
    return false;
}

/* ---- one character --------------------------------------------------------- */

int32_t lg__char_at(const char *s, size_t len, size_t at, size_t *size)
{
    utf8proc_int32_t c = REPLACEMENT;
    size_t left = len - at;
    utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)s + at, left < 4 ? (int)left : 4, &c);

    *size = n > 0 ? (size_t)n : 1;
    return n > 0 ? c : REPLACEMENT;
}

/* Scripts that write no blanks between words, and what belongs to them. */
static const range unspaced[] = {
    {0x0E00, 0x0EFF, LG_CHAR_CLUSTER}, /* Thai, Lao */
    {0x1000, 0x109F, LG_CHAR_CLUSTER}, /* Myanmar */
    {0x1780, 0x17FF, LG_CHAR_CLUSTER}, /* Khmer */
    {0x1950, 0x19DF, LG_CHAR_CLUSTER}, /* Tai Le, New Tai Lue */
    {0x1A20, 0x1AAF, LG_CHAR_CLUSTER}, /* Tai Tham */
    {0x1B00, 0x1B7F, LG_CHAR_CLUSTER}, /* Balinese */
    {0x3041, 0x309F, LG_CHAR_HIRAGANA}, {0x30A1, 0x30FF, LG_CHAR_KATAKANA},
    {0x31F0, 0x31FF, LG_CHAR_KATAKANA}, {0xA980, 0xA9DF, LG_CHAR_CLUSTER}, /* Javanese */
    {0xA9E0, 0xA9FF, LG_CHAR_CLUSTER},  {0xAA60, 0xAADF, LG_CHAR_CLUSTER}, /* Tai Viet */
    {0xFF66, 0xFF9F, LG_CHAR_KATAKANA}, {0x1B000, 0x1B16F, LG_CHAR_HIRAGANA},
    {0x3005, 0x3007, LG_CHAR_HAN},      {0x3021, 0x3029, LG_CHAR_HAN},
    {0x3400, 0x4DBF, LG_CHAR_HAN},      {0x4E00, 0x9FFF, LG_CHAR_HAN},
    {0xA000, 0xA48C, LG_CHAR_HAN},      {0xF900, 0xFAFF, LG_CHAR_HAN},
    {0x20000, 0x3FFFD, LG_CHAR_HAN},    {0x1100, 0x11FF, LG_CHAR_HANGUL},
    {0x3131, 0x318E, LG_CHAR_HANGUL},   {0xA960, 0xA97F, LG_CHAR_HANGUL},
    {0xAC00, 0xD7FF, LG_CHAR_HANGUL},
};

static enum lg_char kind_of_letter(int32_t c)
{
    enum lg_char kind = LG_CHAR_LETTER;

    if (c >= 0x0E00)
        in_ranges(unspaced, sizeof unspaced / sizeof *unspaced, c, &kind);
    return kind;
}

enum lg_char lg__char_kind(int32_t c)
{
    const utf8proc_property_t *p;

    if (c < 0x80) {
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            return LG_CHAR_LETTER;
        return c >= '0' && c <= '9' ? LG_CHAR_NUMBER : c == '_' ? LG_CHAR_JOIN : LG_CHAR_OTHER;
    }
    p = utf8proc_get_property(c);
    if (p->ignorable)
        return LG_CHAR_EXTEND;
    switch (p->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return kind_of_letter(c);
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return LG_CHAR_EXTEND;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return c >= 0x3005 && c <= 0x3029 ? LG_CHAR_HAN : LG_CHAR_NUMBER;
    case UTF8PROC_CATEGORY_PC:
        return LG_CHAR_JOIN;
    default:
        return LG_CHAR_OTHER;
    }
}

/* Its value. Unicode keeps the ten digits of a script in a row, from zero on; rows that touch
 * are whole, too. */
static int32_t digit_value(int32_t c)
{
    int32_t first = c;

    while (c - first < 60 && utf8proc_category(first - 1) == UTF8PROC_CATEGORY_ND)
        first--;
    return (c - first) % 10;
}

static int32_t plain_punctuation(int32_t c)
{
    switch (c) {
    case 0x2018: /* ‘ ’ ‚ ‛ ′ ‹ › ´, Hebrew geresh */
    case 0x2019:
    case 0x201A:
    case 0x201B:
    case 0x2032:
    case 0x2039:
    case 0x203A:
    case 0x00B4:
    case 0x05F3:
        return '\'';
    case 0x201C: /* “ ” „ ‟ ″ « » 〝 〞 〟 「 」 『 』, Hebrew gershayim */
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x2033:
    case 0x00AB:
    case 0x00BB:
    case 0x301D:
    case 0x301E:
    case 0x301F:
    case 0x300C:
    case 0x300D:
    case 0x300E:
    case 0x300F:
    case 0x05F4:
        return '"';
    case 0x2212: /* the minus sign */
        return '-';
    case 0x2015: /* what parts, rather than joins: ― ⸺ ⸻ ﹘ ︱ 〜 〰 */
    case 0x2E3A:
    case 0x2E3B:
    case 0xFE58:
    case 0xFE31:
    case 0x301C:
    case 0x3030:
        return EM_DASH;
    case 0x066A:
        return '%';
    case 0x066B:
        return '.';
    case 0x066C:
    case 0x060C:
        return ',';
    case 0x2028:
    case 0x2029:
    case 0x0085:
        return '\n';
    default:
        return c;
    }
}

/* The one character that it is a wide, narrow, styled or unbreakable form of. */
static int32_t plain_form(int32_t c, const utf8proc_property_t *p)
{
    utf8proc_int32_t to[4];
    int last = 0;

    if (p->decomp_type != UTF8PROC_DECOMP_TYPE_WIDE &&
        p->decomp_type != UTF8PROC_DECOMP_TYPE_NARROW &&
        p->decomp_type != UTF8PROC_DECOMP_TYPE_FONT &&
        p->decomp_type != UTF8PROC_DECOMP_TYPE_NOBREAK)
        return c;
    if (utf8proc_decompose_char(c, to, 4, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last) != 1)
        return c;
    return to[0];
}

int32_t lg__char_plain(int32_t c)
{
    const utf8proc_property_t *p;

    if (c < 0x80)
        return c;
    c = plain_form(c, utf8proc_get_property(c));
    c = plain_punctuation(c);
    if (c < 0x80 || c == EM_DASH)
        return c;
    p = utf8proc_get_property(c);
    if (p->ignorable)
        return 0;
    if (p->category == UTF8PROC_CATEGORY_ND)
        return '0' + digit_value(c);
    if (p->category == UTF8PROC_CATEGORY_PD)
        return '-';
    return p->category == UTF8PROC_CATEGORY_ZS ? ' ' : c;
}

int32_t lg__char_lower(int32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return c == 0x130 || c == 0x131 ? 'i' : utf8proc_tolower(c);
}

/* ---- a text ---------------------------------------------------------------- */

static bool is_blank(int32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Accents of Latin, Greek and Cyrillic letters, points of Hebrew and Arabic ones. */
static bool is_accent(int32_t c)
{
    return (c >= 0x0300 && c <= 0x036F) || (c >= 0x0591 && c <= 0x05C7 && c != 0x05BE) ||
           (c >= 0x064B && c <= 0x065F) || c == 0x0670;
}

/* Letters that people type without their stroke, though Unicode does not part them. */
static int32_t without_stroke(int32_t c)
{
    static const struct {
        int32_t from, to;
    } pairs[] = {{0xF8, 'o'},    {0x142, 'l'},   {0x111, 'd'},   {0x127, 'h'},
                 {0x167, 't'},   {0xF0, 'd'},    {0x3C2, 0x3C3}, {0x649, 0x64A},
                 {0x6CC, 0x64A}, {0x6A9, 0x643}, {0x629, 0x647}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].from == c)
            return pairs[i].to;
    }
    return c;
}

typedef struct maker {
    lg_out *out; /* code points, until they are written */
    enum lg_level level;
    int32_t last; /* 0: none yet */
} maker;

static void put(maker *m, int32_t c)
{
    if (m->level != LG_PLAIN && is_blank(c)) {
        if (m->last == ' ' || m->last == 0)
            return;
        c = ' ';
    }
    if (m->level == LG_SEARCH) {
        if (c >= 0x300 && is_accent(c))
            return;
        c = c >= 0xF0 ? without_stroke(c) : c;
    }
    m->last = c;
    lg__out_add(m->out, &c, sizeof c);
}

/* A character in plain form, at this level. */
static void put_alike(maker *m, int32_t c)
{
    utf8proc_int32_t to[32];
    utf8proc_ssize_t n;
    int last = 0;
    utf8proc_propval_t type = c < 0x80 ? 0 : utf8proc_get_property(c)->decomp_type;
    unsigned options = UTF8PROC_DECOMPOSE;

    if (m->level != LG_PLAIN) {
        options |= UTF8PROC_CASEFOLD;
        if (type != UTF8PROC_DECOMP_TYPE_SUPER && type != UTF8PROC_DECOMP_TYPE_SUB &&
            type != UTF8PROC_DECOMP_TYPE_FRACTION)
            options |= UTF8PROC_COMPAT;
    }
    n = utf8proc_decompose_char(c, to, 32, (utf8proc_option_t)options, &last);
    if (n < 0 || n > 32) { /* not with this version's tables; the character as it is */
        to[0] = c;
        n = 1;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) { /* what it is made of may have a plain form, too */
        int32_t part = m->level == LG_PLAIN ? to[i] : lg__char_plain(to[i]);

        if (part != 0)
            put(m, part);
    }
}

static void put_char(maker *m, int32_t c)
{
    if (c < 0x80) {
        put(m, m->level == LG_PLAIN ? c : lg__char_lower(c));
        return;
    }
    c = lg__char_plain(c);
    if (c == 0 || (c == 0x640 && m->level != LG_PLAIN)) /* the Arabic letter that only stretches */
        return;
    if (c < 0x80 || m->level == LG_PLAIN) {
        put_alike(m, c);
        return;
    }
    switch (c) {
    case EM_DASH:
        put(m, ' ');
        put(m, '-');
        put(m, ' ');
        return;
    case 0x130:
    case 0x131: /* the two i of Turkish are one */
        c = 'i';
        break;
    case 0x3001:
        c = ',';
        break;
    case 0x3002:
        c = '.';
        break;
    default:
        break;
    }
    put_alike(m, c);
}

/* Marks on one letter in their canonical order. Of more than 30 none are sorted: no language
 * has so many, and a text made of marks would take for ever (Unicode's UAX 15 says the same). */
static void sort_marks(utf8proc_int32_t *c, size_t n)
{
    if (n > 30)
        return;
    for (size_t i = 1; i < n; i++) {
        utf8proc_int32_t one = c[i];
        utf8proc_propval_t class = utf8proc_get_property(one)->combining_class;
        size_t j = i;

        while (j > 0 && utf8proc_get_property(c[j - 1])->combining_class > class) {
            c[j] = c[j - 1];
            j--;
        }
        c[j] = one;
    }
}

static void order_marks(utf8proc_int32_t *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i;

        while (i < n && c[i] >= 0x300 && utf8proc_get_property(c[i])->combining_class > 0)
            i++;
        if (i - from > 1)
            sort_marks(c + from, i - from);
    }
}

/* Code points → UTF-8, in the same place: no character takes more room than its number. */
static void write_utf8(lg_out *out, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        utf8proc_uint8_t one[4];
        utf8proc_int32_t c;
        utf8proc_ssize_t size;

        memcpy(&c, out->data + i * sizeof c, sizeof c);
        size = utf8proc_encode_char(c, one);
        memcpy(out->data + at, one, size > 0 ? (size_t)size : 0);
        at += size > 0 ? (size_t)size : 0;
    }
    out->len = at;
    out->data[at] = '\0';
}

int lg__text_alike(lg_out *out, const char *s, size_t len, enum lg_level level)
{
    maker m = {out, level, 0};
    utf8proc_int32_t *points;
    utf8proc_ssize_t n;

    for (size_t at = 0, size; at < len && !out->err; at += size)
        put_char(&m, lg__char_at(s, len, at, &size));
    if (out->err || out->len == 0)
        return out->err;
    points = (void *)out->data;
    n = (utf8proc_ssize_t)(out->len / sizeof *points);
    if (level != LG_PLAIN && points[n - 1] == ' ')
        n--;
    order_marks(points, (size_t)n);
    n = utf8proc_normalize_utf32(points, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    write_utf8(out, n > 0 ? (size_t)n : 0);
    return LG_OK;
}
