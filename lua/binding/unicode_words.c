/* unicode_words.c - where words begin and end, and where a marker stands. See unicode.h. */
#include "binding/unicode.h"

typedef struct place { /* a character of a text */
    size_t at, size;   /* size 0: behind the end */
    int32_t c;
    enum lg_char kind;
} place;

static place look(const char *s, size_t len, size_t at)
{
    place p = {at, 0, 0, LG_CHAR_OTHER};

    if (at < len) {
        p.c = lg__char_at(s, len, at, &p.size);
        p.kind = lg__char_kind(p.c);
    }
    return p;
}

/* ---- words ----------------------------------------------------------------- */

static bool is_apostrophe(int32_t c)
{
    return c == '\'' || c == 0x2019 || c == 0x2018 || c == 0xFF07 || c == 0x2032;
}

static bool is_hyphen(int32_t c)
{
    return c == '-' || c == 0x2010 || c == 0x2011 || c == 0x58A || c == 0x5BE || c == 0xFF0D;
}

static bool is_hebrew(int32_t c)
{
    return c >= 0x5D0 && c <= 0x5EA;
}

/* Whether c joins the characters at both its sides to one word. */
static bool joins(const place *before, int32_t c, const place *behind)
{
    bool letters = before->kind != LG_CHAR_NUMBER && behind->kind != LG_CHAR_NUMBER;
    bool digits = before->kind == LG_CHAR_NUMBER && behind->kind == LG_CHAR_NUMBER;

    if (is_apostrophe(c) || c == '.' || c == 0xB7 || c == 0x2027 || c == 0xFF0E)
        return letters || digits;
    if (c == ',' || c == 0x66B || c == 0x66C || c == 0xFF0C)
        return digits;
    if (c == '"' || c == 0x5F4)
        return is_hebrew(before->c) && is_hebrew(behind->c);
    return is_hyphen(c) && !digits;
}

static bool in_word(enum lg_char kind, bool pieces)
{
    return kind == LG_CHAR_LETTER || kind == LG_CHAR_NUMBER || (kind == LG_CHAR_HANGUL && !pieces);
}

/* Where what belongs to the character before `at` ends. */
static size_t skip_extend(const char *s, size_t len, size_t at)
{
    place p = look(s, len, at);

    while (p.size > 0 && p.kind == LG_CHAR_EXTEND)
        p = look(s, len, p.at + p.size);
    return p.at;
}

/* Where the word ends that begins with `last`. */
static size_t word_end(const char *s, size_t len, place last, bool pieces)
{
    size_t end = skip_extend(s, len, last.at + last.size);

    for (;;) {
        place p = look(s, len, end), behind;

        if (in_word(p.kind, pieces)) {
            last = p;
        } else if (p.kind == LG_CHAR_OTHER || p.kind == LG_CHAR_JOIN) {
            behind = look(s, len, p.at + p.size);
            while (p.kind == LG_CHAR_JOIN && behind.kind == LG_CHAR_JOIN)
                behind = look(s, len, behind.at + behind.size);
            if (p.size == 0 || !in_word(behind.kind, pieces) ||
                (p.kind == LG_CHAR_OTHER && !joins(&last, p.c, &behind)))
                return end;
            last = behind;
        } else {
            return end;
        }
        end = skip_extend(s, len, last.at + last.size);
    }
}

/* Thai and Lao write some vowels before their consonant; Khmer, Myanmar and Tai Tham stack the
 * next consonant below. */
static bool takes_next(int32_t first, int32_t last)
{
    return (first >= 0xE40 && first <= 0xE44) || (first >= 0xEC0 && first <= 0xEC4) ||
           last == 0x17D2 || last == 0x1039 || last == 0x1A60;
}

static size_t cluster_end(const char *s, size_t len, place first)
{
    place p = look(s, len, first.at + first.size);
    int32_t last = first.c;

    for (;;) {
        bool belongs =
            p.kind == LG_CHAR_EXTEND || (p.kind == LG_CHAR_CLUSTER && takes_next(first.c, last));
        /* vowels that stand behind their consonant, as letters of their own */
        belongs = belongs || (p.c >= 0xE30 && p.c <= 0xE33) || (p.c >= 0xEB0 && p.c <= 0xEB3);
        if (p.size == 0 || !belongs)
            return p.at;
        first.c = p.kind == LG_CHAR_CLUSTER ? p.c : first.c;
        last = p.c;
        p = look(s, len, p.at + p.size);
    }
}

static size_t katakana_end(const char *s, size_t len, place first)
{
    place p = look(s, len, first.at + first.size);

    while (p.size > 0 && (p.kind == LG_CHAR_KATAKANA || p.kind == LG_CHAR_EXTEND))
        p = look(s, len, p.at + p.size);
    return p.at;
}

/* Whether the sign at p is a minus: a digit follows, and nothing that it could join is before. */
static bool is_minus(const char *s, size_t len, const place *p, const place *before)
{
    if (p->c != '-' && p->c != 0x2212 && p->c != 0x2013)
        return false;
    if (before->size > 0 &&
        (before->kind != LG_CHAR_OTHER || before->c == ')' || before->c == ']' || before->c == '-'))
        return false;
    return look(s, len, p->at + p->size).kind == LG_CHAR_NUMBER;
}

bool lg__word_next(const char *s, size_t len, size_t at, bool pieces, lg_word *out)
{
    place p = look(s, len, at), before = {0, at > 0, 0, LG_CHAR_LETTER}; /* a word ended there */

    while (p.size > 0 &&
           (p.kind < LG_CHAR_LETTER || p.kind == LG_CHAR_EXTEND || p.kind == LG_CHAR_JOIN)) {
        if (is_minus(s, len, &p, &before)) {
            out->from = p.at;
            out->kind = LG_CHAR_NUMBER;
            out->to = word_end(s, len, look(s, len, p.at + p.size), pieces);
            return true;
        }
        before = p;
        p = look(s, len, p.at + p.size);
    }
    out->from = p.at;
    out->kind = p.kind;
    if (p.size == 0)
        return false;
    if (in_word(p.kind, pieces))
        out->to = word_end(s, len, p, pieces);
    else if (p.kind == LG_CHAR_CLUSTER)
        out->to = cluster_end(s, len, p);
    else if (p.kind == LG_CHAR_KATAKANA && !pieces)
        out->to = katakana_end(s, len, p);
    else
        out->to = skip_extend(s, len, p.at + p.size);
    return true;
}

size_t lg__word_count(const char *s, size_t len)
{
    size_t words = 0, run = 0, end = 0;
    enum lg_char kind = LG_CHAR_OTHER;
    lg_word w;

    for (size_t at = 0; lg__word_next(s, len, at, false, &w); at = w.to) {
        bool goes_on = w.from == end && w.kind == kind;
        size_t per_word = w.kind == LG_CHAR_HIRAGANA ? 2 : w.kind == LG_CHAR_CLUSTER ? 3 : 1;

        run = goes_on ? run : 0;
        words += run % per_word == 0;
        run++;
        kind = w.kind;
        end = w.to;
    }
    return words;
}

/* ---- markers --------------------------------------------------------------- */

static bool is_space(int32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_mark(int32_t c)
{
    return c == '*' || c == '_' || c == '`' || c == '~';
}

/* The next character of a marker or text that counts, alike; 0 at the end. *at goes behind it. */
static int32_t next_alike(const char *s, size_t len, size_t *at)
{
    while (*at < len) {
        size_t size;
        int32_t c = lg__char_lower(lg__char_plain(lg__char_at(s, len, *at, &size)));

        *at += size;
        if (c != 0)
            return c;
    }
    return 0;
}

/* Whether the marker stands at s[from]; *to is where it ends. */
static bool marker_at(const char *s, size_t len, size_t from, const char *m, size_t m_len,
                      size_t *to)
{
    size_t at = from, m_at = 0, next = 0;
    int32_t wanted = next_alike(m, m_len, &m_at), got, before = 0;

    for (;;) {
        next = at;
        got = next_alike(s, len, &next);
        if (got == 0)
            return false;
        if (got == wanted || (is_space(got) && is_space(wanted))) {
            at = *to = next;
            before = wanted;
            if (m_at >= m_len || (wanted = next_alike(m, m_len, &m_at)) == 0)
                return true;
        } else if (at > from && (is_mark(got) ||
                                 (is_space(got) &&
                                  (is_space(before) ||
                                   (wanted < 0x80 && lg__char_kind(wanted) == LG_CHAR_OTHER))))) {
            at = next;
        } else {
            return false;
        }
    }
}

bool lg__marker_find(const char *s, size_t len, size_t at, const char *marker, size_t marker_len,
                     size_t *from, size_t *to)
{
    size_t size;

    for (; at < len; at += size) {
        /* what nobody sees begins nothing: a row of it is looked through once */
        if (lg__char_plain(lg__char_at(s, len, at, &size)) != 0 &&
            marker_at(s, len, at, marker, marker_len, to)) {
            *from = at;
            return true;
        }
    }
    return false;
}
