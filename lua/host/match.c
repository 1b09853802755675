/* match.c - Lua's patterns as its manual has them, one character after the other. See match.h.
 *
 * As in Lua's own library the depth of calls is bounded by the pattern, not by the text, and a
 * pattern that needs more is refused. */
#include "host/match.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH = 200, EVERY = 4096, ESCAPE = '%' };

static unsigned char byte(const char *s)
{
    return (unsigned char)*s;
}

static const char *bad(lh_match *m, const char *why)
{
    if (!m->problem)
        m->problem = why;
    return NULL;
}

static void count(lh_match *m)
{
    if (++m->steps % EVERY == 0)
        m->burn(m->ud, EVERY);
}

/* ---- one character ----------------------------------------------------------- */

/* Behind the class that begins at p. NULL: it is none. */
static const char *class_end(lh_match *m, const char *p)
{
    if (p == m->pattern_end)
        return bad(m, "malformed pattern (ends with '%')");
    if (*p++ == ESCAPE) {
        if (p == m->pattern_end)
            return bad(m, "malformed pattern (ends with '%')");
        return p + 1;
    }
    if (p[-1] != '[')
        return p;
    if (*p == '^')
        p++;
    do { /* a ']' that comes first is one of the set */
        if (p == m->pattern_end)
            return bad(m, "malformed pattern (missing ']')");
        if (*p++ == ESCAPE && p < m->pattern_end)
            p++;
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

static int in_class(int c, int class)
{
    int is;
    switch (tolower(class)) {
    case 'a':
        is = isalpha(c);
        break;
    case 'c':
        is = iscntrl(c);
        break;
    case 'd':
        is = isdigit(c);
        break;
    case 'g':
        is = isgraph(c);
        break;
    case 'l':
        is = islower(c);
        break;
    case 'p':
        is = ispunct(c);
        break;
    case 's':
        is = isspace(c);
        break;
    case 'u':
        is = isupper(c);
        break;
    case 'w':
        is = isalnum(c);
        break;
    case 'x':
        is = isxdigit(c);
        break;
    default:
        return class == c;
    }
    return isupper(class) ? !is : is != 0;
}

/* p: the '[' of a set, last: its ']' */
static int in_set(lh_match *m, int c, const char *p, const char *last)
{
    int yes = 1;
    if (p[1] == '^') {
        yes = 0;
        p++;
    }
    while (++p < last) {
        count(m);
        if (*p == ESCAPE) {
            p++;
            if (in_class(c, byte(p)))
                return yes;
        } else if (p[1] == '-' && p + 2 < last) {
            p += 2;
            if (byte(p - 2) <= c && c <= byte(p))
                return yes;
        } else if (byte(p) == c) {
            return yes;
        }
    }
    return !yes;
}

/* Whether the character at s is one of the class from p to behind. */
static int is_one(lh_match *m, const char *s, const char *p, const char *behind)
{
    count(m);
    if (s >= m->end)
        return 0;
    switch (*p) {
    case '.':
        return 1;
    case ESCAPE:
        return in_class(byte(s), byte(p + 1));
    case '[':
        return in_set(m, byte(s), p, behind - 1);
    default:
        return *p == *s;
    }
}

/* ---- parts of patterns -------------------------------------------------------- */

static const char *match(lh_match *m, const char *s, const char *p);

static const char *longest(lh_match *m, const char *s, const char *p, const char *behind)
{
    ptrdiff_t n = 0;
    while (is_one(m, s + n, p, behind))
        n++;
    for (; n >= 0 && !m->problem; n--) {
        const char *end = match(m, s + n, behind + 1);
        if (end)
            return end;
    }
    return NULL;
}

static const char *shortest(lh_match *m, const char *s, const char *p, const char *behind)
{
    while (!m->problem) {
        const char *end = match(m, s, behind + 1);
        if (end)
            return end;
        if (!is_one(m, s, p, behind))
            return NULL;
        s++;
    }
    return NULL;
}

/* %bxy */
static const char *balanced(lh_match *m, const char *s, const char *p)
{
    if (p >= m->pattern_end - 1)
        return bad(m, "malformed pattern (missing arguments to '%b')");
    if (s >= m->end || *s != *p)
        return NULL;
    size_t open = 1;
    while (++s < m->end) {
        count(m);
        if (*s == p[1]) {
            if (--open == 0)
                return s + 1;
        } else if (*s == *p) {
            open++;
        }
    }
    return NULL;
}

static const char *begin_capture(lh_match *m, const char *s, const char *p, ptrdiff_t what)
{
    int level = m->level;
    if (level >= LH_CAPTURES)
        return bad(m, "too many captures");
    m->capture[level].at = s;
    m->capture[level].len = what;
    m->level = level + 1;
    const char *end = match(m, s, p);
    if (!end)
        m->level--;
    return end;
}

static const char *end_capture(lh_match *m, const char *s, const char *p)
{
    int level = m->level;
    while (--level >= 0 && m->capture[level].len != LH_IS_OPEN)
        continue;
    if (level < 0)
        return bad(m, "invalid pattern capture");
    m->capture[level].len = s - m->capture[level].at;
    const char *end = match(m, s, p);
    if (!end)
        m->capture[level].len = LH_IS_OPEN;
    return end;
}

/* %1: the same as was captured */
static const char *same_again(lh_match *m, const char *s, int digit)
{
    int i = digit - '1';
    if (i < 0 || i >= m->level || m->capture[i].len == LH_IS_OPEN)
        return bad(m, "invalid capture index in pattern");
    size_t len = (size_t)m->capture[i].len;
    m->burn(m->ud, 1 + (unsigned)((m->capture[i].len > 0 ? len : 0) / 64));
    if ((size_t)(m->end - s) >= len && memcmp(m->capture[i].at, s, len) == 0)
        return s + len;
    return NULL;
}

/* %f[set]: behind it the pattern goes on. NULL: no frontier. */
static const char *frontier(lh_match *m, const char *s, const char *p)
{
    if (p >= m->pattern_end || *p != '[')
        return bad(m, "missing '[' after '%f' in pattern");
    const char *behind = class_end(m, p);
    if (!behind)
        return NULL;
    int before = s == m->begin ? '\0' : byte(s - 1), after = s < m->end ? byte(s) : '\0';
    if (in_set(m, before, p, behind - 1) || !in_set(m, after, p, behind - 1))
        return NULL;
    return behind;
}

/* ---- a whole pattern ------------------------------------------------------------ */

enum step { AGAIN, OVER };

/* A class with its suffix. AGAIN: *s and *p are behind it; OVER: *s is the end, or NULL. */
static enum step one_class(lh_match *m, const char **s, const char **p)
{
    const char *behind = class_end(m, *p), *end;
    if (!behind) {
        *s = NULL;
        return OVER;
    }
    char suffix = behind < m->pattern_end ? *behind : '\0';
    switch (suffix) {
    case '+':
        *s = is_one(m, *s, *p, behind) ? longest(m, *s + 1, *p, behind) : NULL;
        return OVER;
    case '*':
        *s = longest(m, *s, *p, behind);
        return OVER;
    case '-':
        *s = shortest(m, *s, *p, behind);
        return OVER;
    case '?':
        if (is_one(m, *s, *p, behind) && (end = match(m, *s + 1, behind + 1))) {
            *s = end;
            return OVER;
        }
        *p = behind + 1;
        return AGAIN;
    default:
        if (!is_one(m, *s, *p, behind)) {
            *s = NULL;
            return OVER;
        }
        ++*s;
        *p = behind;
        return AGAIN;
    }
}

/* What '%' begins, but for classes. AGAIN: as above. -1: it is a class. */
static int escaped(lh_match *m, const char **s, const char **p)
{
    char c = *p + 1 < m->pattern_end ? (*p)[1] : '\0';
    if (c == 'b') {
        *s = balanced(m, *s, *p + 2);
        *p += 4;
    } else if (c == 'f') {
        const char *behind = frontier(m, *s, *p + 2);
        if (!behind)
            *s = NULL;
        *p = behind;
    } else if (isdigit((unsigned char)c)) {
        *s = same_again(m, *s, byte(*p + 1));
        *p += 2;
    } else {
        return -1;
    }
    return *s ? AGAIN : OVER;
}

static int one_item(lh_match *m, const char **s, const char **p)
{
    int how = -1;
    switch (**p) {
    case '(':
        *s = (*p)[1] == ')' && *p + 1 < m->pattern_end
                 ? begin_capture(m, *s, *p + 2, LH_IS_POSITION)
                 : begin_capture(m, *s, *p + 1, LH_IS_OPEN);
        return OVER;
    case ')':
        *s = end_capture(m, *s, *p + 1);
        return OVER;
    case '$':
        if (*p + 1 == m->pattern_end) {
            *s = *s == m->end ? *s : NULL;
            return OVER;
        }
        break;
    case ESCAPE:
        how = escaped(m, s, p);
        break;
    default:
        break;
    }
    return how >= 0 ? how : (int)one_class(m, s, p);
}

static const char *match(lh_match *m, const char *s, const char *p)
{
    if (m->depth-- == 0)
        return bad(m, "pattern too complex");
    while (s && p < m->pattern_end && !m->problem) {
        count(m);
        if (one_item(m, &s, &p) == OVER)
            break;
    }
    m->depth++;
    return m->problem ? NULL : s;
}

const char *lh_match_at(lh_match *m, const char *s, const char *pattern)
{
    m->level = 0;
    m->depth = DEPTH;
    return match(m, s, pattern);
}
