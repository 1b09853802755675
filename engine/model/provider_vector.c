/* provider_vector.c - the numbers of an embedding, as JSON or packed, into a reply's text.
 *
 * Written with nine digits, which is what a float32 needs to be read back as it was. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/provider_read.h"

/* Whatever the locale's decimal point is. */
static bool write_number(lg_bytes *b, double x)
{
    char text[32];
    if (!(fabs(x) <= (double)FLT_MAX))
        return false;

    snprintf(text, sizeof text, "%.9g", (double)(float)x);
    for (char *c = text; *c; c++)
        *c = *c == ',' ? '.' : *c;

    lg__bytes_adds(b, text);
    return true;
}

/* Little-endian float32, one behind the other. */
static bool write_packed(lg_bytes *b, const lg_bytes *packed)
{
    bool good = packed->len % 4 == 0;
    for (size_t i = 0; good && i < packed->len; i += 4) {
        uint32_t bits = 0;
        float x;
        for (size_t k = 4; k-- > 0;)
            bits = bits << 8 | (unsigned char)packed->data[i + k];

        memcpy(&x, &bits, sizeof x);
        lg__bytes_adds(b, i ? "," : "");
        good = write_number(b, (double)x);
    }
    return good;
}

static bool write_numbers(lg_bytes *b, const lg_json *list)
{
    bool good = true;
    for (const lg_json *j = lg__json_first(list); good && j; j = lg__json_after(j)) {
        double x;
        lg__bytes_adds(b, j == lg__json_first(list) ? "" : ",");
        good = lg__json_number(j, &x) && write_number(b, x);
    }
    return good;
}

void lg__heard_vector(lg_heard *h, const lg_json *vector)
{
    const char *base64 = lg__json_string(vector);
    bool good = lg__json_type(vector) == LG_JSON_ARRAY && lg__json_count(vector) > 0;
    lg__bytes_addc(&h->text, '[');
    if (base64) {
        h->scratch.len = 0;
        good = lg__base64_read(&h->scratch, base64, strlen(base64)) != LG_EPARSE &&
               write_packed(&h->text, &h->scratch);
    } else if (good) {
        good = write_numbers(&h->text, vector);
    }
    lg__bytes_addc(&h->text, ']');
    if (!good)
        h->bad = "the reply holds an embedding that is no list of numbers";
}
