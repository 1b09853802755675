/* json.c - JSON in and out. See json.h.
 *
 * Trees are cJSON's, and looked at by its functions. They are read by our own: one pass
 * checks a text, to the letter of RFC 8259, which cJSON does not, and makes its tree;
 * without recursion, since texts are a stranger's. A tree lives in a few chunks that are
 * freed whole: one by one, the sixty small blocks of a model's reply cost more than the
 * reading, and cJSON's hooks for them are the whole process's. */
#include "base/json.h"

#include <cjson/cJSON.h>

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json_number.h"

/* ---- a tree's memory ----------------------------------------------------- */

/* Values are taken from the front, texts from the back. The root is the first of all, so
 * the first chunk is found from it. */
typedef struct chunk {
    struct chunk *next;
    size_t size; /* header included */
    size_t front, back;
    max_align_t data[];
} chunk;

enum { DEPTH = LG_JSON_DEPTH, LARGEST = 4 << 20 /* half of the last is empty, on the average */ };

typedef struct reader {
    const char *s;
    size_t len, at;
    size_t most, values; /* more than most of them are too many */
    lg_mem *mem;
    chunk *first, *last;
    bool failed;          /* no memory */
    locale_t own, before; /* own is 0 until the first number that needs strtod */
    char *name;           /* the next value's, in an object */
    cJSON **slot;         /* where the next value goes */
    bool dry;             /* only check: no tree; these stand for all in it */
    cJSON scalar, array, object;
    size_t depth;
    cJSON *inside[DEPTH];
} reader;

static bool new_chunk(reader *r, size_t n)
{
    size_t usual = r->len < 512 ? 2048 : r->len < 65536 ? r->len * 3 : 196608;
    size_t first = LG_SMALL(usual, usual / 64);
    size_t size = r->last ? r->last->size * 2 : first;
    chunk *c;

    if (size > LARGEST)
        size = LARGEST;
    if (size < n + sizeof *c)
        size = n + sizeof *c;
    c = lg__mem_new(r->mem, size);
    if (!c) {
        r->failed = true;
        return false;
    }
    c->next = NULL;
    c->size = c->back = size;
    c->front = sizeof *c;
    *(r->last ? &r->last->next : &r->first) = c;
    r->last = c;
    return true;
}

static bool has_room(reader *r, size_t n)
{
    return (r->last && r->last->back - r->last->front >= n) || new_chunk(r, n);
}

/* A value where the next one goes. */
static cJSON *new_value(reader *r, int type)
{
    cJSON *j = type == cJSON_Object ? &r->object : type == cJSON_Array ? &r->array : &r->scalar;

    if (!r->dry) {
        if (!has_room(r, sizeof *j))
            return NULL;
        j = (cJSON *)(void *)((char *)r->last + r->last->front);
        r->last->front += sizeof *j;
    }
    *j = (cJSON){.string = r->name, .type = type};
    r->name = NULL;
    *r->slot = j;
    r->slot = &j->next;
    return j;
}

/* Room for n bytes and their NUL. */
static char *new_text(reader *r, size_t n)
{
    if (!has_room(r, n + 1))
        return NULL;
    r->last->back -= n + 1;
    return (char *)r->last + r->last->back;
}

static void free_chunks(lg_mem *m, chunk *c)
{
    while (c) {
        chunk *next = c->next;

        lg__mem_free(m, c, c->size);
        c = next;
    }
}

/* ---- reading, piece by piece --------------------------------------------- */

static int peek(const reader *r)
{
    return r->at < r->len ? (unsigned char)r->s[r->at] : -1;
}

static bool accept(reader *r, char want)
{
    if (peek(r) != want)
        return false;
    r->at++;
    return true;
}

static void scan_blanks(reader *r)
{
    while (r->at < r->len && (r->s[r->at] == ' ' || r->s[r->at] == '\n' || r->s[r->at] == '\r' ||
                              r->s[r->at] == '\t'))
        r->at++;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool scan_digits(reader *r)
{
    size_t from = r->at;

    while (is_digit(peek(r)))
        r->at++;
    return r->at > from;
}

typedef unsigned char sixteen __attribute__((vector_size(16)));

/* Which of sixteen bytes are controls, quotes or backslashes: those have all bits. */
static sixteen marks(const char *s)
{
    sixteen x;

    memcpy(&x, s, sizeof x);
    return (sixteen)((x < 0x20) | (x == '"') | (x == '\\'));
}

static bool any_marked(sixteen marked)
{
    uint64_t half[2];

    memcpy(half, &marked, sizeof half);
    return (half[0] | half[1]) != 0;
}

/* The place of the first byte that is marked; 16: none is. */
static size_t first_marked(sixteen marked)
{
    uint64_t half[2];

    memcpy(half, &marked, sizeof half);
    if ((half[0] | half[1]) == 0)
        return sizeof marked;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half[0] = __builtin_bswap64(half[0]);
    half[1] = __builtin_bswap64(half[1]);
#endif
    return (size_t)(half[0] ? __builtin_ctzll(half[0]) : 64 + __builtin_ctzll(half[1])) / 8;
}

/* The length of what a string may hold as it is: no control, quote, backslash. */
static size_t plain_size(const char *s, size_t len)
{
    enum { STEP = sizeof(sixteen) };
    size_t n = 0;

    while (len - n >= 2 * STEP && !any_marked(marks(s + n) | marks(s + n + STEP)))
        n += 2 * STEP;
    while (len - n >= STEP) {
        size_t step = first_marked(marks(s + n));

        n += step;
        if (step < STEP)
            return n;
    }
    while (n < len && (unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

/* The four hex digits at s; -1: there are none. */
static long hex4(const char *s, size_t len)
{
    long x = 0;

    if (len < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *found = s[i] ? strchr(digits, s[i]) : NULL;
        long digit;

        if (!found)
            return -1;
        digit = (long)(found - digits);
        x = x * 16 + (digit > 15 ? digit - 6 : digit);
    }
    return x;
}

/* To behind the string at hand. Sets *escapes when it is not what it says. */
static bool scan_string(reader *r, bool *escapes)
{
    *escapes = false;
    if (!accept(r, '"'))
        return false;
    for (;;) {
        r->at += plain_size(r->s + r->at, r->len - r->at);
        if (accept(r, '"'))
            return true;
        if (!accept(r, '\\'))
            return false;
        *escapes = true;
        if (accept(r, 'u')) {
            if (hex4(r->s + r->at, r->len - r->at) < 0)
                return false;
            r->at += 4;
        } else if (r->at < r->len && memchr("\"\\/bfnrt", r->s[r->at], 8)) {
            r->at++;
        } else {
            return false;
        }
    }
}

static char *put_utf8(char *to, long x)
{
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int size = x < 0x80 ? 1 : x < 0x800 ? 2 : x < 0x10000 ? 3 : 4;

    for (int i = size - 1; i > 0; i--, x >>= 6)
        to[i] = (char)(0x80 | (x & 0x3F));
    to[0] = (char)(lead[size] | x);
    return to + size;
}

/* The character whose hex digits begin at *s, which goes behind them. A pair of surrogates
 * is taken together. */
static long take_unicode(const char **s, const char *end)
{
    long x = hex4(*s, (size_t)(end - *s)), low = -1;

    *s += 4;
    if (x >= 0xD800 && x < 0xDC00 && end - *s >= 6 && (*s)[0] == '\\' && (*s)[1] == 'u')
        low = hex4(*s + 2, (size_t)(end - *s) - 2);
    if (low >= 0xDC00 && low < 0xE000) {
        *s += 6;
        return 0x10000 + ((x - 0xD800) << 10) + (low - 0xDC00);
    }
    return x == 0 || (x >= 0xD800 && x < 0xE000) ? 0xFFFD : x;
}

/* What a string that was found good says. It is no longer than the string. */
static void unescape(char *to, const char *s, size_t len)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const char *end = s + len;

    for (;;) {
        size_t n = plain_size(s, (size_t)(end - s));
        const char *letter;

        memcpy(to, s, n);
        to += n;
        s += n;
        if (s == end)
            break;
        s += 2; /* the backslash, and which escape it is */
        if (s[-1] == 'u') {
            to = put_utf8(to, take_unicode(&s, end));
        } else {
            letter = strchr(letters, s[-1]);
            *to++ = letter ? meant[letter - letters] : s[-1];
        }
    }
    *to = '\0';
}

/* The string at hand, into the tree's memory. */
static bool read_string(reader *r, char **out)
{
    size_t from = r->at + 1, n;
    bool escapes;
    char *text;

    if (!scan_string(r, &escapes))
        return false;
    if (r->dry)
        return true;
    n = r->at - 1 - from;
    *out = text = new_text(r, n);
    if (!text)
        return false;
    if (escapes) {
        unescape(text, r->s + from, n);
    } else {
        memcpy(text, r->s + from, n);
        text[n] = '\0';
    }
    return true;
}

/* Of a plain number: so few digits, over a power of ten that is exact as well, that one
 * division is rounded as the number itself would be. */
static double plain_value(const char *s, size_t len)
{
    static const double powers[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    size_t sign = *s == '-', places = 0;
    bool point = false;
    int64_t n = 0;

    for (size_t i = sign; i < len; i++) {
        if (s[i] == '.') {
            point = true;
            continue;
        }
        n = n * 10 + (s[i] - '0');
        places += point;
    }
    return (double)(sign ? -n : n) / powers[places];
}

/* Every number that its double would not be written as keeps its text. */
static bool take_number(reader *r, cJSON *j, const char *s, size_t len)
{
    bool plain = lg__number_is_plain(s, len);
    char *text;

    if (r->dry)
        return true;
    if (plain && FLT_EVAL_METHOD == 0) {
        j->valuedouble = plain_value(s, len);
        return true;
    }
    text = new_text(r, len);
    if (!text)
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    if (!r->own)
        r->before = lg__c_enter(&r->own);
    r->failed = !r->own;
    if (r->failed)
        return false;
    j->valuedouble = strtod(text, NULL);
    j->valuestring = plain ? NULL : text; /* which cJSON does not look at, of a number */
    return true;
}

static bool read_number(reader *r, cJSON *j)
{
    size_t from = r->at;

    accept(r, '-');
    if (!accept(r, '0') && !scan_digits(r))
        return false;
    if (accept(r, '.') && !scan_digits(r))
        return false;
    if (accept(r, 'e') || accept(r, 'E')) {
        if (!accept(r, '+'))
            accept(r, '-');
        if (!scan_digits(r))
            return false;
    }
    return take_number(r, j, r->s + from, r->at - from);
}

static bool scan_word(reader *r, const char *word)
{
    size_t n = strlen(word);

    if (r->len - r->at < n || memcmp(r->s + r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

/* ---- reading, the whole -------------------------------------------------- */

static bool read_scalar(reader *r, cJSON *j, int first)
{
    switch (first) {
    case '"':
        j->type = cJSON_String;
        return read_string(r, &j->valuestring);
    case 't':
        j->type = cJSON_True;
        return scan_word(r, "true");
    case 'f':
        j->type = cJSON_False;
        return scan_word(r, "false");
    case 'n':
        j->type = cJSON_NULL;
        return scan_word(r, "null");
    default:
        j->type = cJSON_Number;
        return read_number(r, j);
    }
}

static bool read_name(reader *r)
{
    scan_blanks(r);
    if (!read_string(r, &r->name))
        return false;
    scan_blanks(r);
    return accept(r, ':');
}

/* Behind a value: closes what ends here. Sets *more when another value follows. */
static bool read_after(reader *r, bool *more)
{
    *more = false;
    while (r->depth > 0) {
        cJSON *nest = r->inside[r->depth - 1];

        scan_blanks(r);
        if (accept(r, ',')) {
            *more = true;
            return nest->type == cJSON_Array || read_name(r);
        }
        if (!accept(r, nest->type == cJSON_Object ? '}' : ']'))
            return false;
        r->slot = &nest->next;
        r->depth--;
    }
    scan_blanks(r);
    return r->at == r->len;
}

/* One value, or the opening of one. Sets *deeper when its first value follows. */
static bool read_value(reader *r, bool *deeper)
{
    int open, type = cJSON_Invalid;
    cJSON *j;

    *deeper = false;
    if (r->values++ >= r->most)
        return false;
    scan_blanks(r);
    open = peek(r);
    if (open == '{' || open == '[')
        type = open == '{' ? cJSON_Object : cJSON_Array;
    if (type && r->depth == DEPTH)
        return false;
    j = new_value(r, type);
    if (!j)
        return false;
    if (!type)
        return read_scalar(r, j, open);
    r->at++;
    scan_blanks(r);
    if (accept(r, open == '{' ? '}' : ']'))
        return true;
    r->inside[r->depth++] = j;
    r->slot = &j->child;
    *deeper = true;
    return open == '[' || read_name(r);
}

static bool read_all(reader *r, bool dry, lg_json **out)
{
    bool more = true;

    r->at = r->depth = r->values = 0;
    r->dry = dry;
    r->name = NULL;
    r->slot = out;
    while (more) {
        bool deeper;

        if (!read_value(r, &deeper))
            return false;
        if (!deeper && !read_after(r, &more))
            return false;
    }
    return true;
}

/* Where there may be too many values it looks first. */
static bool read_most(reader *r, lg_json **out)
{
    if (r->len / 2 >= r->most && !read_all(r, true, out))
        return false;
    return read_all(r, false, out);
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
    bool good;
    reader r;

    *out = NULL;
    if (bad >= 0) {
        if (where)
            *where = (size_t)bad;
        return LG_EUTF8;
    }
    r.s = s + mark; /* a byte order mark is let pass */
    r.len = len - mark;
    r.most = most;
    r.mem = m;
    r.first = r.last = NULL;
    r.failed = false;
    r.own = r.before = (locale_t)0;
    good = read_most(&r, out);
    lg__c_leave(r.own, r.before);
    if (good)
        return 0;
    free_chunks(m, r.first);
    *out = NULL;
    if (r.failed)
        return LG_ENOMEM;
    if (where)
        *where = mark + r.at;
    return r.values > most ? LG_ELIMIT : LG_EPARSE;
}

void lg__json_free(lg_mem *m, lg_json *j)
{
    if (j)
        free_chunks(m, (chunk *)((char *)j - sizeof(chunk)));
}

/* ---- looking ------------------------------------------------------------- */

int lg__json_type(const lg_json *j)
{
    switch (j ? j->type : cJSON_Invalid) {
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
    return array_or_object ? array_or_object->child : NULL;
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
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const lg_json *lg__json_at(const lg_json *array, size_t i)
{
    return cJSON_IsArray(array) && i <= INT_MAX ? cJSON_GetArrayItem(array, (int)i) : NULL;
}

size_t lg__json_count(const lg_json *array_or_object)
{
    return (size_t)cJSON_GetArraySize(array_or_object);
}

const char *lg__json_string(const lg_json *j)
{
    return cJSON_GetStringValue((cJSON *)(uintptr_t)j);
}

bool lg__json_number(const lg_json *j, double *out)
{
    if (!cJSON_IsNumber(j))
        return false;
    *out = j->valuedouble;
    return true;
}

const char *lg__json_number_text(const lg_json *j)
{
    return cJSON_IsNumber(j) ? j->valuestring : NULL;
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
    return cJSON_IsTrue(j);
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
