/* http_limits.c - the reply headers that say what a server allows, and what is left.
 *
 * OpenAI's x-ratelimit-* (reset as "6m0s"; a moment since 1970 with others), OpenRouter's
 * x-ratelimit-reset alone, and Anthropic's anthropic-ratelimit-* (reset as a date). What is
 * not understood, and Azure's -1, is as good as not said. It draws no conclusion. */
#include <string.h>
#include <strings.h>

#include "net/http_internal.h"

#define NUMBER_MAX INT64_C(1000000000000000)

void lg__limits_clear(lg_transfer *t)
{
    for (int i = 0; i < LG_LIMITS; i++) {
        t->attempt->limits[i] = (lg_server_limit){.remaining = -1, .reset_ms = -1};
        t->resets_at_ms[i] = 0;
    }
    t->left = t->attempt->reset_ms = -1;
    t->reset_at_ms = 0;
}

/* ---- values -------------------------------------------------------------- */

int64_t lg__limits_seconds(const char *s, size_t len)
{
    int64_t ms = 0, unit = 100;
    size_t i = 0;

    for (; i < len && s[i] >= '0' && s[i] <= '9'; i++) {
        if (ms < LG_SECONDS_MAX_MS)
            ms = ms * 10 + (s[i] - '0') * 1000;
    }
    if (i == 0)
        return -1;
    if (i < len && s[i] == '.') {
        for (i++; i < len && s[i] >= '0' && s[i] <= '9'; i++, unit /= 10)
            ms += (s[i] - '0') * unit;
    }
    if (i != len)
        return -1;
    return ms < LG_SECONDS_MAX_MS ? ms : LG_SECONDS_MAX_MS;
}

/* Digits alone; -1: anything else. */
static int64_t whole(const char *s, size_t len)
{
    int64_t n = 0;
    if (len == 0)
        return -1;

    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;

        n = n < NUMBER_MAX ? n * 10 + (s[i] - '0') : n;
    }
    return n;
}

static bool take_word(const char **s, const char *end, const char *word)
{
    size_t n = strlen(word);
    bool found = (size_t)(end - *s) >= n && memcmp(*s, word, n) == 0;
    *s += found ? n : 0;
    return found;
}

/* Microseconds of the unit at *s, which is passed; 0: none. */
static int64_t take_unit(const char **s, const char *end)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"ms", 1000},      {"us", 1},      {"\xC2\xB5s", 1}, {"\xCE\xBCs", 1},
                 {"h", 3600000000}, {"s", 1000000}, {"m", 60000000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (take_word(s, end, units[i].name))
            return units[i].us;
    }
    return take_word(s, end, "ns") ? 1 : 0;
}

/* Go's "1h2m3.5s", "20ms", or seconds without a unit; in ms, -1: no such thing. */
static int64_t duration(const char *s, size_t len)
{
    const char *end = s + len;
    double us = 0;
    int64_t plain = lg__limits_seconds(s, len);
    if (plain >= 0 || len == 0)
        return plain;

    while (s < end) {
        const char *from = s;
        while (s < end && ((*s >= '0' && *s <= '9') || *s == '.'))
            s++;

        int64_t thousandths = lg__limits_seconds(from, (size_t)(s - from));
        int64_t unit = take_unit(&s, end);
        if (thousandths < 0 || unit == 0)
            return -1;

        us += (double)thousandths / 1000 * (double)unit;
    }
    return us < 1e15 ? (int64_t)(us / 1000) : -1;
}

/* So many digits and the mark behind them (0: none); -1: others. */
static int64_t take_digits(const char **s, const char *end, size_t n, char mark)
{
    size_t all = n + (mark ? 1 : 0);
    int64_t value = (size_t)(end - *s) >= all ? whole(*s, n) : -1;
    if (value < 0 || (mark && ((*s)[n] | 0x20) != (mark | 0x20)))
        return -1;

    *s += all;
    return value;
}

/* What is behind the seconds of a date, in ms to take away: a fraction is dropped. */
static bool take_zone(const char *s, const char *end, int64_t *ms)
{
    if (s < end && *s == '.') {
        for (s++; s < end && *s >= '0' && *s <= '9'; s++) {
        }
    }
    *ms = 0;
    if (s < end && (*s == 'Z' || *s == 'z'))
        return s + 1 == end;

    if (s >= end || (*s != '+' && *s != '-'))
        return false;

    int sign = *s++ == '-' ? -1 : 1;
    int64_t hours = take_digits(&s, end, 2, ':');
    int64_t minutes = hours < 0 ? -1 : take_digits(&s, end, 2, 0);
    *ms = sign * (hours * 60 + minutes) * 60000;
    return minutes >= 0 && s == end;
}

/* RFC 3339 in ms since 1970; 0: no such thing. */
static int64_t date(const char *s, size_t len)
{
    static const struct {
        size_t digits;
        char mark;
    } parts[] = {{4, '-'}, {2, '-'}, {2, 'T'}, {2, ':'}, {2, ':'}, {2, 0}};
    const char *end = s + len;
    int64_t n[6], zone;
    for (int i = 0; i < 6; i++) {
        n[i] = take_digits(&s, end, parts[i].digits, parts[i].mark);
        if (n[i] < 0)
            return 0;
    }
    if (!take_zone(s, end, &zone))
        return 0;

    struct tm tm = {.tm_year = (int)n[0] - 1900,
                    .tm_mon = (int)n[1] - 1,
                    .tm_mday = (int)n[2],
                    .tm_hour = (int)n[3],
                    .tm_min = (int)n[4],
                    .tm_sec = (int)n[5]};
    int64_t at = (int64_t)timegm(&tm);
    return at > 0 ? at * 1000 - zone : 0;
}

int64_t lg__limits_moment(const char *s, size_t len)
{
    static const int64_t least = 1000000000, most = INT64_C(100000000000); /* seconds: 2001 on */
    int64_t n = whole(s, len);
    return n < least ? 0 : n < most ? n * 1000 : n;
}

/* When, as a date or a moment (*at), or how long from now; -1: no such thing. */
static int64_t reset_of(const char *v, size_t len, int64_t *at)
{
    *at = date(v, len);
    *at = *at ? *at : lg__limits_moment(v, len);
    return *at ? -1 : duration(v, len);
}

/* ---- names --------------------------------------------------------------- */

static bool take_name(const char **s, const char *end, const char *name)
{
    size_t n = strlen(name);
    bool found = (size_t)(end - *s) >= n && strncasecmp(*s, name, n) == 0;
    *s += found ? n : 0;
    return found;
}

/* The one of these at *s, which is passed; -1: none. */
static int take_one(const char **s, const char *end, const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        if (take_name(s, end, names[i]))
            return i;
    }
    return -1;
}

static void keep_value(lg_transfer *t, int what, int field, const char *v, size_t len)
{
    lg_server_limit *l = &t->attempt->limits[what];
    if (field == 0) {
        int64_t limit = whole(v, len);
        l->limit = limit > 0 ? limit : 0;
    } else if (field == 1) {
        l->remaining = whole(v, len);
    } else {
        l->reset_ms = reset_of(v, len, &t->resets_at_ms[what]);
    }
}

/* Of a limit that the name does not tell; it goes for the refusal that it comes with. */
static void keep_bare(lg_transfer *t, int field, const char *v, size_t len)
{
    if (field == 1)
        t->left = whole(v, len);
    else if (field == 2)
        t->attempt->reset_ms = reset_of(v, len, &t->reset_at_ms);
}

bool lg__limits_header(lg_transfer *t, const char *name, size_t n, const char *v, size_t len)
{
    static const char *const of[] = {"requests", "tokens", "input-tokens", "output-tokens"};
    static const char *const fields[] = {"limit", "remaining", "reset"};
    const char *end = name + n;
    int what = -1, field = -1;
    if (take_name(&name, end, "x-ratelimit-")) {
        field = take_one(&name, end, fields, 3);
        if (field >= 0 && name == end) {
            keep_bare(t, field, v, len);
            return true;
        }
        what = field >= 0 && take_name(&name, end, "-") ? take_one(&name, end, of, 2) : -1;
    } else if (take_name(&name, end, "anthropic-ratelimit-")) {
        what = take_one(&name, end, of, 4);
        field = what >= 0 && take_name(&name, end, "-") ? take_one(&name, end, fields, 3) : -1;
    }
    if (what < 0 || field < 0 || name != end)
        return false;

    keep_value(t, what, field, v, len);
    return true;
}

void lg__limits_settle(lg_transfer *t, int64_t now_s)
{
    for (int i = 0; i < LG_LIMITS; i++) {
        if (t->resets_at_ms[i]) {
            int64_t ms = t->resets_at_ms[i] - now_s * 1000;
            t->attempt->limits[i].reset_ms = ms > 0 ? ms : 0;
        }
    }
    if (t->reset_at_ms) {
        int64_t ms = t->reset_at_ms - now_s * 1000;
        t->attempt->reset_ms = ms > 0 ? ms : 0;
    }
    t->attempt->reset_ms = t->left > 0 ? -1 : t->attempt->reset_ms;
}
