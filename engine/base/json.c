/* json.c - JSON in and out. See json.h.
 *
 * cJSON is lenient, so a text is first checked by a scanner of our own, without
 * recursion; what cJSON then gets is known to be good. The scanner also finds
 * the three things that are good JSON but beyond cJSON (\u0000, lone
 * surrogates, numbers of more than 63 characters) and rewrites them in a copy. */
#include "base/json.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/check.h"
#include "base/json_number.h"

/* ---- cJSON's memory ------------------------------------------------------ */

/* A tree lives in a few chunks that are freed whole: cJSON makes some sixty small
 * blocks for a model's reply, which one by one would cost more than the parsing.
 * The root is the first thing allocated, so the first chunk is found from it. */
typedef struct chunk {
    struct chunk *next;
    size_t size, used; /* of the whole chunk, header included */
    max_align_t data[];
} chunk;

/* Whose tree is being made on this thread; mem NULL: not an engine's, and the
 * hooks are malloc and free. */
static _Thread_local struct {
    lg_mem *mem;
    chunk *first, *last;
    size_t first_size;
    bool failed;
} current;

enum { LARGEST = 4 << 20 }; /* half of the last one is empty on the average */

static chunk *new_chunk(size_t n)
{
    size_t size = current.last ? current.last->size * 2 : current.first_size;
    chunk *c;

    if (size > LARGEST)
        size = LARGEST;
    if (size < n + sizeof *c)
        size = n + sizeof *c;
    c = lg__mem_new(current.mem, size);
    if (!c)
        return NULL;
    c->next = NULL;
    c->size = size;
    c->used = sizeof *c;
    *(current.last ? &current.last->next : &current.first) = c;
    current.last = c;
    return c;
}

static void *hook_malloc(size_t n)
{
    chunk *c = current.last;
    size_t rounded = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);

    if (!current.mem)
        return malloc(n);
    if (!c || c->size - c->used < rounded)
        c = n <= LG_BYTES_MAX ? new_chunk(rounded) : NULL;
    if (!c) {
        current.failed = true;
        return NULL;
    }
    c->used += rounded;
    return (char *)c + c->used - rounded;
}

static void hook_free(void *p)
{
    if (!current.mem)
        free(p);
}

static void free_chunks(lg_mem *m, chunk *c)
{
    while (c) {
        chunk *next = c->next;

        lg__mem_free(m, c, c->size);
        c = next;
    }
}

static void set_hooks(void)
{
    cJSON_Hooks hooks = {hook_malloc, hook_free};

    cJSON_InitHooks(&hooks);
}

/* ---- the scanner --------------------------------------------------------- */

enum { DEPTH = LG_JSON_DEPTH, CJSON_NUMBER = 63 };

typedef struct scan {
    const char *s;
    size_t len, at;
    char *patch;         /* a copy of s to mend, or NULL: only look */
    bool odd;            /* something needs mending */
    bool texts;          /* a number is not written as its double would be */
    size_t most, values; /* more than most of them are too many */
    size_t depth;
    char inside[DEPTH]; /* '{' or '[' */
} scan;

static int peek(const scan *c)
{
    return c->at < c->len ? (unsigned char)c->s[c->at] : -1;
}

static bool accept(scan *c, char want)
{
    if (peek(c) != want)
        return false;
    c->at++;
    return true;
}

static void scan_blanks(scan *c)
{
    while (c->at < c->len && (c->s[c->at] == ' ' || c->s[c->at] == '\n' || c->s[c->at] == '\r' ||
                              c->s[c->at] == '\t'))
        c->at++;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool scan_digits(scan *c)
{
    size_t from = c->at;

    while (is_digit(peek(c)))
        c->at++;
    return c->at > from;
}

/* A number too long for cJSON becomes its shortest form and blanks. */
static void mend_number(scan *c, size_t from)
{
    char copy[LG_NUMBER_SIZE];
    size_t room = c->at - from, n;
    double x;

    c->odd = true;
    if (!c->patch)
        return;
    /* The text behind a number is no part of one, so strtod stops there; at the
     * very end the copy has a NUL. */
    x = strtod(c->patch + from, NULL);
    if (isfinite(x))
        lg__number_shortest(copy, x);
    else
        snprintf(copy, sizeof copy, "%s", x < 0 ? "-1e999" : "1e999");
    n = strlen(copy);
    memcpy(c->patch + from, copy, n);
    memset(c->patch + from + n, ' ', room - n);
}

static bool scan_number(scan *c)
{
    size_t from = c->at;

    accept(c, '-');
    if (!accept(c, '0') && !scan_digits(c))
        return false;
    if (accept(c, '.') && !scan_digits(c))
        return false;
    if (accept(c, 'e') || accept(c, 'E')) {
        if (!accept(c, '+'))
            accept(c, '-');
        if (!scan_digits(c))
            return false;
    }
    if (c->at - from > CJSON_NUMBER)
        mend_number(c, from);
    if (!c->texts)
        c->texts = !lg__number_is_plain(c->s + from, c->at - from);
    return true;
}

/* The four hex digits at `at`, or -1. */
static long hex4(const scan *c, size_t at)
{
    long x = 0;

    if (c->len - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *found = c->s[i] ? strchr(digits, c->s[i]) : NULL;
        long digit;

        if (!found)
            return -1;
        digit = (long)(found - digits);
        x = x * 16 + (digit > 15 ? digit - 6 : digit);
    }
    return x;
}

/* Behind \u. A pair of surrogates is taken together. */
static bool scan_unicode(scan *c)
{
    size_t from = c->at;
    long x = hex4(c, from), next;

    if (x < 0)
        return false;
    c->at += 4;
    if (x >= 0xD800 && x < 0xDC00 && c->len - c->at >= 6 && c->s[c->at] == '\\' &&
        c->s[c->at + 1] == 'u') {
        next = hex4(c, c->at + 2);
        if (next >= 0xDC00 && next < 0xE000) {
            c->at += 6;
            return true;
        }
    }
    if (x == 0 || (x >= 0xD800 && x < 0xE000)) {
        c->odd = true;
        if (c->patch)
            memcpy(c->patch + from, "FFFD", 4);
    }
    return true;
}

typedef unsigned char sixteen __attribute__((vector_size(16)));

/* Which of sixteen bytes is the first control, quote or backslash; 16: none. */
static size_t special(const char *s)
{
    sixteen x;
    uint64_t half[2];

    memcpy(&x, s, sizeof x);
    x = (sixteen)((x < 0x20) | (x == '"') | (x == '\\'));
    memcpy(half, &x, sizeof half);
    if ((half[0] | half[1]) == 0)
        return 16;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half[0] = __builtin_bswap64(half[0]);
    half[1] = __builtin_bswap64(half[1]);
#endif
    return (size_t)(half[0] ? __builtin_ctzll(half[0]) : 64 + __builtin_ctzll(half[1])) / 8;
}

/* The length of what a string may hold as it is: no control, quote, backslash. */
static size_t plain_size(const char *s, size_t len)
{
    size_t n = 0;

    while (len - n >= sizeof(sixteen)) {
        size_t step = special(s + n);

        n += step;
        if (step < sizeof(sixteen))
            break;
    }
    while (n < len && (unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

static bool scan_string(scan *c)
{
    if (!accept(c, '"'))
        return false;
    for (;;) {
        c->at += plain_size(c->s + c->at, c->len - c->at);
        if (accept(c, '"'))
            return true;
        if (!accept(c, '\\'))
            return false;
        if (accept(c, 'u')) {
            if (!scan_unicode(c))
                return false;
        } else if (c->at < c->len && memchr("\"\\/bfnrt", c->s[c->at], 8)) {
            c->at++;
        } else {
            return false;
        }
    }
}

static bool scan_word(scan *c, const char *word)
{
    size_t n = strlen(word);

    if (c->len - c->at < n || memcmp(c->s + c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

static bool scan_scalar(scan *c)
{
    switch (peek(c)) {
    case '"':
        return scan_string(c);
    case 't':
        return scan_word(c, "true");
    case 'f':
        return scan_word(c, "false");
    case 'n':
        return scan_word(c, "null");
    default:
        return scan_number(c);
    }
}

static bool scan_name(scan *c)
{
    scan_blanks(c);
    if (!scan_string(c))
        return false;
    scan_blanks(c);
    return accept(c, ':');
}

/* Behind a value: closes what ends here. Sets *more when another value follows. */
static bool scan_after(scan *c, bool *more)
{
    *more = false;
    while (c->depth > 0) {
        char inside = c->inside[c->depth - 1];

        scan_blanks(c);
        if (accept(c, ',')) {
            *more = true;
            return inside == '[' || scan_name(c);
        }
        if (!accept(c, inside == '{' ? '}' : ']'))
            return false;
        c->depth--;
    }
    scan_blanks(c);
    return c->at == c->len;
}

/* One value, or the opening of one. Sets *deeper when its first value follows. */
static bool scan_value(scan *c, bool *deeper)
{
    int open;

    *deeper = false;
    if (c->values++ >= c->most)
        return false;
    scan_blanks(c);
    open = peek(c);
    if (open != '{' && open != '[')
        return scan_scalar(c);
    if (c->depth == DEPTH)
        return false;
    c->at++;
    scan_blanks(c);
    if (accept(c, open == '{' ? '}' : ']'))
        return true;
    c->inside[c->depth++] = (char)open;
    *deeper = true;
    return open == '[' || scan_name(c);
}

static bool scan_all(scan *c)
{
    bool more = true;

    c->at = c->depth = c->values = 0;
    while (more) {
        bool deeper;

        if (!scan_value(c, &deeper))
            return false;
        if (!deeper && !scan_after(c, &more))
            return false;
    }
    return true;
}

/* ---- numbers keep their texts -------------------------------------------- */

/* The nodes of a tree in the order of the text. */
typedef struct walk {
    cJSON *at; /* the next one; NULL: the end */
    cJSON *nests[DEPTH];
    size_t n;
} walk;

static cJSON *walk_on(walk *w)
{
    cJSON *j = w->at, *last = j;

    if (j && j->child) {
        w->nests[w->n++] = j;
        w->at = j->child;
        return j;
    }
    while (last && !last->next)
        last = w->n > 0 ? w->nests[--w->n] : NULL;
    w->at = last ? last->next : NULL;
    return j;
}

static size_t number_size(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && (is_digit(s[n]) || (s[n] && strchr("+-.eE", s[n]))))
        n++;
    return n;
}

/* The size of the number at c->at or behind, which good JSON has there; 0: none. */
static size_t next_number(scan *c)
{
    while (c->at < c->len && c->s[c->at] != '-' && !is_digit(c->s[c->at])) {
        if (c->s[c->at++] != '"')
            continue;
        for (;;) { /* through a string */
            c->at += plain_size(c->s + c->at, c->len - c->at);
            if (c->s[c->at++] == '"')
                break;
            c->at++; /* what is behind a backslash */
        }
    }
    return c->at < c->len ? number_size(c->s + c->at, c->len - c->at) : 0;
}

/* Every number that its double would not be written as keeps its text, as its node's
 * valuestring, which cJSON leaves alone. One pass over text and tree side by side. */
static bool keep_texts(const scan *source, lg_json *root)
{
    walk w = {.at = root};
    scan c = {.s = source->s, .len = source->len};
    size_t len = next_number(&c);

    for (cJSON *j = walk_on(&w); j && len > 0; j = walk_on(&w)) {
        if ((j->type & 0xFF) != cJSON_Number)
            continue;
        if (!lg__number_is_plain(c.s + c.at, len)) {
            j->valuestring = hook_malloc(len + 1);
            if (!j->valuestring)
                return false;
            memcpy(j->valuestring, c.s + c.at, len);
            j->valuestring[len] = '\0';
        }
        c.at += len;
        len = next_number(&c);
    }
    return true;
}

/* ---- reading ------------------------------------------------------------- */

/* s is good JSON that cJSON can hold, made of what c has scanned. */
static int build(lg_mem *m, const scan *c, const char *s, size_t len, lg_json **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    locale_t own, before;
    bool failed;

    pthread_once(&once, set_hooks);
    before = lg__c_enter(&own);
    if (!own)
        return LG_ENOMEM;
    current.mem = m;
    current.first = current.last = NULL;
    current.first_size = LG_SMALL(len < 512 ? 2048 : len < 65536 ? len * 3 : 196608, 1);
    current.failed = false;
    *out = cJSON_ParseWithLengthOpts(s, len, NULL, 0);
    if (*out && c->texts && !keep_texts(c, *out))
        *out = NULL;
    failed = current.failed;
    current.mem = NULL;
    lg__c_leave(own, before);
    if (*out)
        return 0;
    free_chunks(m, current.first);
    return failed ? LG_ENOMEM : LG_EPARSE;
}

/* As build, from a copy in which what is beyond cJSON has been mended. */
static int build_mended(lg_mem *m, scan *c, lg_json **out)
{
    char *copy = lg__mem_new(m, c->len + 1);
    locale_t own, before;
    int rc;

    if (!copy)
        return LG_ENOMEM;
    memcpy(copy, c->s, c->len);
    copy[c->len] = '\0';
    c->patch = copy;
    before = lg__c_enter(&own);
    rc = own && scan_all(c) ? 0 : LG_ENOMEM;
    lg__c_leave(own, before);
    if (rc == 0)
        rc = build(m, c, copy, c->len, out);
    lg__mem_free(m, copy, c->len + 1);
    return rc;
}

int lg__json_parse(lg_mem *m, const char *s, size_t len, lg_json **out, size_t *where)
{
    return lg__json_parse_most(m, s, len, SIZE_MAX, out, where);
}

int lg__json_parse_most(lg_mem *m, const char *s, size_t len, size_t most, lg_json **out,
                        size_t *where)
{
    size_t mark = len >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    int64_t bad = lg_utf8_check(s, len);
    scan c;

    *out = NULL;
    if (bad >= 0) {
        if (where)
            *where = (size_t)bad;
        return LG_EUTF8;
    }
    c.s = s + mark; /* a byte order mark is let pass */
    c.len = len - mark;
    c.patch = NULL;
    c.odd = c.texts = false;
    c.most = most;
    if (!scan_all(&c)) {
        if (where)
            *where = mark + c.at;
        return c.values > most ? LG_ELIMIT : LG_EPARSE;
    }
    return c.odd ? build_mended(m, &c, out) : build(m, &c, c.s, c.len, out);
}

void lg__json_free(lg_mem *m, lg_json *j)
{
    if (j)
        free_chunks(m, (chunk *)((char *)j - sizeof(chunk)));
}

/* ---- looking ------------------------------------------------------------- */

int lg__json_type(const lg_json *j)
{
    switch (j ? j->type & 0xFF : cJSON_Invalid) {
    case cJSON_NULL:
        return LG_JSON_NULL;
    case cJSON_False:
    case cJSON_True:
        return LG_JSON_BOOL;
    case cJSON_Number:
        return LG_JSON_NUMBER;
    case cJSON_String:
        return LG_JSON_STRING;
    case cJSON_Array:
        return LG_JSON_ARRAY;
    case cJSON_Object:
        return LG_JSON_OBJECT;
    default:
        return 0;
    }
}

const lg_json *lg__json_first(const lg_json *array_or_object)
{
    return lg__json_type(array_or_object) >= LG_JSON_ARRAY ? array_or_object->child : NULL;
}

const lg_json *lg__json_after(const lg_json *j)
{
    return j ? j->next : NULL;
}

const char *lg__json_name(const lg_json *member)
{
    return member ? member->string : NULL;
}

const lg_json *lg__json_get(const lg_json *object, const char *name)
{
    const lg_json *j;

    if (lg__json_type(object) != LG_JSON_OBJECT || !name)
        return NULL;
    for (j = object->child; j; j = j->next) {
        if (j->string && strcmp(j->string, name) == 0)
            break;
    }
    return j;
}

const lg_json *lg__json_at(const lg_json *array, size_t i)
{
    const lg_json *j = lg__json_type(array) == LG_JSON_ARRAY ? array->child : NULL;

    for (; j && i > 0; i--)
        j = j->next;
    return j;
}

size_t lg__json_count(const lg_json *array_or_object)
{
    size_t n = 0;

    for (const lg_json *j = lg__json_first(array_or_object); j; j = j->next)
        n++;
    return n;
}

const char *lg__json_string(const lg_json *j)
{
    return lg__json_type(j) == LG_JSON_STRING ? j->valuestring : NULL;
}

bool lg__json_number(const lg_json *j, double *out)
{
    if (lg__json_type(j) != LG_JSON_NUMBER)
        return false;
    *out = j->valuedouble;
    return true;
}

const char *lg__json_number_text(const lg_json *j)
{
    return lg__json_type(j) == LG_JSON_NUMBER ? j->valuestring : NULL;
}

bool lg__json_integer(const lg_json *j, int64_t *out)
{
    const char *text = lg__json_number_text(j);
    double x;

    if (text)
        return lg__number_integer(text, out);
    if (!lg__json_number(j, &x) || x != trunc(x)) /* without a text it has few digits */
        return false;
    *out = (int64_t)x;
    return true;
}

int64_t lg__json_int(const lg_json *j, int64_t otherwise)
{
    int64_t whole;
    double x;

    if (lg__json_integer(j, &whole))
        return whole;
    if (!lg__json_number(j, &x))
        return otherwise;
    if (x >= 9223372036854775808.0)
        return INT64_MAX;
    if (x < -9223372036854775808.0)
        return INT64_MIN;
    return (int64_t)x;
}

bool lg__json_true(const lg_json *j)
{
    return j && (j->type & 0xFF) == cJSON_True;
}

/* ---- writing ------------------------------------------------------------- */

static int write_escape(lg_bytes *b, char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;

    if (!found)
        return lg__bytes_addf(b, "\\u%04x", (unsigned)(unsigned char)c);
    lg__bytes_addc(b, '\\');
    return lg__bytes_addc(b, letters[found - plain]);
}

/* s is UTF-8. */
static int write_good(lg_bytes *b, const char *s, size_t len)
{
    while (len > 0) {
        size_t n = plain_size(s, len);

        if (n == 0) {
            write_escape(b, *s);
            n = 1;
        } else {
            lg__bytes_add(b, s, n);
        }
        s += n;
        len -= n;
    }
    return b->err;
}

int lg__json_write_string(lg_bytes *b, const char *s, size_t len)
{
    lg__bytes_addc(b, '"');
    while (len > 0) {
        int64_t bad = lg_utf8_check(s, len);
        size_t n = bad < 0 ? len : (size_t)bad;

        write_good(b, s, n);
        if (bad >= 0) {
            lg__bytes_adds(b, "\xEF\xBF\xBD");
            n++;
        }
        s += n;
        len -= n;
    }
    return lg__bytes_addc(b, '"');
}
