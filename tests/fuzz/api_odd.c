/* api_odd.c - the odd arguments of the C API's fuzz: texts, names, numbers, things.
 *
 * Each is drawn so that legal ones are common enough for a call to get somewhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api_fuzz.h"

static const char png[] = "\x89PNG\r\n\x1a\n....";
static char longest[70000];

bytes odd_text(void)
{
    static const char *const all[] = {"",
                                      "x",
                                      "{x} and {y} {{z}}",
                                      "NOTHING TO IMPROVE",
                                      "größer als 北京",
                                      "10",
                                      "a\nb\tc",
                                      "<NEW>yes</NEW>",
                                      "[\"a\", 1]",
                                      "{\"text\":\"hm\",\"calls\":[]}",
                                      "\xff\xfe",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "<think>so</think>yes",
                                      "<think>so",
                                      "A: #1\n- B. x\nNOBODY: y",
                                      "- one\n- two\n",
                                      "#2, #1",
                                      "be brief"};
    switch (below(24)) {
    case 0:
        return (bytes){NULL, 0};
    case 1:
        return (bytes){NULL, 1 + below(9)};
    case 2:
        return (bytes){"x", SIZE_MAX - below(2)}; /* a negative number, cast */
    case 3:
        return (bytes){"x", ((size_t)1 << 30) + 1};
    case 4:
        return (bytes){"a\0b", 3};
    case 5:
        memset(longest, 'y', sizeof longest);
        return (bytes){longest, below(sizeof longest)};
    default: {
        const char *s = all[below(sizeof all / sizeof *all)];
        return (bytes){s, strlen(s)};
    }
    }
}

bytes odd_media(void)
{
    static const char url[] = "https://example.com/a.png";
    switch (below(6)) {
    case 0:
        return odd_text();
    case 1:
        return (bytes){url, sizeof url - 1};
    default:
        return (bytes){png, below(4) ? sizeof png - 1 : below(sizeof png)};
    }
}

const char *odd_name(void)
{
    static const char *const all[] = {
        "x",
        "y",
        "",
        "answer",
        "system prompt",
        "a role as long as people write them: a whole sentence, or rather more than one",
        "\xff",
        "größe",
        "a\nb",
        "critic.base",
        "objective",
        "{x}",
        "tool f 1"};
    return below(12) ? all[below(sizeof all / sizeof *all)] : NULL;
}

const char *odd_type(void)
{
    static const char *const all[] = {
        "image/png",  "image/png", "image/png", "image/url", "audio/wav",
        "text/plain", "no such",   "",          "\xff",      "application/vnd.lunagrad.turn+json"};
    return below(4) ? all[below(sizeof all / sizeof *all)] : NULL;
}

int64_t odd_int(void)
{
    static const int64_t all[] = {0,
                                  1,
                                  -1,
                                  2,
                                  1000,
                                  INT64_MAX,
                                  INT64_MIN,
                                  INT64_MAX - 1,
                                  INT32_MAX,
                                  INT32_MIN,
                                  INT64_C(1) << 40,
                                  (INT64_C(1) << 40) + 1,
                                  INT64_C(1) << 53};
    return below(3) ? (int64_t)below(5000) : all[below(sizeof all / sizeof *all)];
}

double odd_double(void)
{
    static const double all[] = {0, 1, 0.5, -1, 1e308, -1e308, INFINITY, -INFINITY, NAN, 1e-310};
    return all[below(sizeof all / sizeof *all)];
}

int odd_code(void)
{
    return below(3) ? -(int)below(40) : (int)odd_int();
}

size_t any_slot(void)
{
    return below(VARS);
}

lg_var *any_var(void)
{
    size_t from = any_slot();
    for (size_t i = 0; i < VARS; i++) {
        if (w.vars[(from + i) % VARS])
            return w.vars[(from + i) % VARS];
    }
    broken("no variable is left");
}

lg_var *odd_var(void)
{
    switch (below(40)) {
    case 0:
        return NULL;
    case 1:
        return w.strange;
    default:
        return any_var();
    }
}

void keep_var(int err, lg_var **v)
{
    R(err);
    if (err > 0 || (err == 0 && !*v))
        broken("a constructor returned %d without a variable", err);
    if (err)
        return;
    size_t at = 1 + below(VARS - 1); /* the first is a leaf that stays */
    if (w.vars[at])
        CALL(lg_var_unref, w.vars[at]);
    w.vars[at] = *v;
}

work *odd_work(int type)
{
    static work never;
    for (int i = 0; i < 20 && w.n_works; i++) {
        work *one = &w.works[below(w.n_works)];
        if ((one->type == type && !one->over) || below(60) == 0)
            return one;
    }
    never = (work){(uint64_t)odd_int(), type, true};
    for (size_t i = 0; i < w.n_works; i++) {
        if (w.works[i].id == never.id)
            return &w.works[i];
    }
    return &never;
}
