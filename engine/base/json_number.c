/* json_number.c - the numbers of JSON as texts. See json_number.h.
 *
 * A double holds some 16 digits and a Lua integer 64 bits, so a number that is read and
 * written again may come out as another one. What is here says when, and compares decimals
 * digit by digit, without arithmetic that could round. */
#include "base/json_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* ---- numbers whatever the locale ----------------------------------------- */

/* No other thread and no setlocale sees it. In "C" nothing is allocated by the
 * common C libraries; where it is and fails, *own is 0. */
locale_t lg__c_enter(locale_t *own)
{
    *own = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *own ? uselocale(*own) : (locale_t)0;
}

void lg__c_leave(locale_t own, locale_t before)
{
    if (!own)
        return;
    uselocale(before);
    freelocale(own);
}

/* With at least so many digits; the locale must be C. */
static void digits_from(char out[LG_NUMBER_SIZE], int least, double x)
{
    for (int digits = least; digits <= 17; digits++) {
        snprintf(out, LG_NUMBER_SIZE, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            return;
    }
}

void lg__number_shortest(char out[LG_NUMBER_SIZE], double x)
{
    if (x == 0 && signbit(x))
        memcpy(out, "-0.0", 5); /* -0 would read as an integer, which has no sign */
    else if (fabs(x) < 1e15 && x == trunc(x))
        snprintf(out, LG_NUMBER_SIZE, "%.0f", x);
    else
        digits_from(out, 1, x);
}

int lg__json_write_number(lg_bytes *b, double x)
{
    char text[LG_NUMBER_SIZE];
    locale_t own, before;

    if (!isfinite(x))
        return lg__bytes_adds(b, "null");
    before = lg__c_enter(&own);
    if (!own) {
        lg__bytes_free(b);
        return b->err = LG_ENOMEM;
    }
    lg__number_shortest(text, x);
    lg__c_leave(own, before);
    return lg__bytes_adds(b, text);
}

bool lg__number_for_people(char out[LG_NUMBER_SIZE], double x)
{
    locale_t own, before = lg__c_enter(&own);

    if (!own)
        return false;
    digits_from(out, 15, x);
    lg__c_leave(own, before);
    if (out[strspn(out, "-0123456789")] == '\0')
        memcpy(out + strlen(out), ".0", 3);
    return true;
}

/* ---- what a number's text is --------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum { EXACT_DIGITS = 15 }; /* so many any double keeps */

bool lg__number_is_plain(const char *s, size_t len)
{
    size_t sign = len > 0 && *s == '-', digits = 0;
    bool point = false;

    if (len - sign >= 6 && memcmp(s + sign, "0.0000", 6) == 0)
        return false; /* is written with an exponent */
    for (size_t i = sign; i < len; i++) {
        if (s[i] == '.')
            point = true;
        else if (!is_digit(s[i]))
            return false;
        else if (digits > 0 || s[i] != '0')
            digits++;
    }
    if (digits == 0)
        return len == 1; /* 0, but neither -0 nor 0.0 */
    return digits <= EXACT_DIGITS && (!point || s[len - 1] != '0');
}

bool lg__number_integer(const char *s, int64_t *out)
{
    bool negative = *s == '-';
    uint64_t most = (uint64_t)INT64_MAX + negative, n = 0;

    for (s += negative; is_digit(*s); s++) {
        unsigned digit = (unsigned)(*s - '0');

        if (n > (most - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    if (*s)
        return false;
    *out = !negative || n == 0 ? (int64_t)n : -(int64_t)(n - 1) - 1;
    return true;
}

/* ---- equal values -------------------------------------------------------- */

typedef struct decimal {
    bool negative;
    const char *first, *last; /* digits that are not 0, a point between them; NULL: it is 0 */
    long long power;          /* of ten, of the first digit */
} decimal;

enum { POWER_MOST = 1000000000 }; /* no text is so long that its digits could reach it */

static long long read_power(const char *s)
{
    long long power = 0;
    bool negative = *s == '-';

    for (s += *s == '-' || *s == '+'; is_digit(*s) && power < POWER_MOST; s++)
        power = power * 10 + (*s - '0');
    return negative ? -power : power;
}

static decimal read_decimal(const char *s)
{
    decimal d = {.negative = *s == '-'};
    long long places = 0; /* from the first digit that is not 0 to the point */
    bool behind = false;

    for (s += d.negative; is_digit(*s) || *s == '.'; s++) {
        if (*s == '.') {
            behind = true;
            continue;
        }
        if (*s != '0') {
            d.first = d.first ? d.first : s;
            d.last = s;
        }
        if (d.first && !behind)
            places++;
        else if (!d.first && behind)
            places--;
    }
    d.power = places + (*s ? read_power(s + 1) : 0);
    return d;
}

/* The digit at *s, which goes on to the next; '0' behind the last. */
static char take_digit(const char **s, const char *last)
{
    char c;

    if (!*s || *s > last)
        return '0';
    c = *(*s)++;
    if (c == '.')
        c = *(*s)++;
    return c;
}

bool lg__number_same(const char *a, const char *b)
{
    decimal x = read_decimal(a), y = read_decimal(b);

    if (!x.first || !y.first)
        return !x.first && !y.first;
    if (x.negative != y.negative || x.power != y.power)
        return false;
    while (x.first <= x.last || y.first <= y.last) {
        if (take_digit(&x.first, x.last) != take_digit(&y.first, y.last))
            return false;
    }
    return true;
}
