/* model_alias.c - whether two names may be of one model.
 *
 * Servers answer with a snapshot ("gpt-4o-2024-08-06"), a file ("/models/qwen3-8b-q4_k_m.gguf"),
 * a tag ("qwen3:latest") of what they were asked for. So names are cut into words, letters
 * apart from numbers behind them, and one must have all words of the other; then a word more
 * that is a size ("mini", "70b") makes another model. When in doubt it is the same. */
#include "model/model_alias.h"

#include <stddef.h>
#include <string.h>

enum { MOST_NAME = 160, MOST_WORDS = 48 };

typedef struct words {
    char text[MOST_NAME * 2]; /* NUL behind each word */
    const char *word[MOST_WORDS];
    size_t n, base; /* base: the first word behind the last folder */
} words;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_among(const char *word, const char *const *list)
{
    while (*list && (**list != *word || strcmp(*list, word) != 0))
        list++;

    return *list != NULL;
}

/* Words that tell no model, dates, and the 0 of "4-0". */
static bool is_plain(const char *word)
{
    static const char *const list[] = {
        "model", "models", "latest", "default", "main", "auto", "router",      "local", "any",
        "free",  "ggml",   "gguf",   "bin",     "sha",  "hf",   "mlx",         "awq",   "gptq",
        "fp",    "bf",     "f",      "int",     "q",    "iq",   "safetensors", NULL,
    };
    size_t digits = strspn(word, "0123456789");
    bool date = digits >= 4 && !word[digits];
    return date || strcmp(word, "0") == 0 || is_among(word, list);
}

/* Words that part one model from a larger or smaller one: "mini", or "70b". */
static bool is_size(const char *word)
{
    static const char *const list[] = {
        "mini", "nano", "micro", "tiny", "small", "medium", "large", "xl",    "lite", "flash",
        "pro",  "max",  "ultra", "plus", "haiku", "sonnet", "opus",  "coder", "air",  NULL,
    };
    size_t digits = strspn(word, "0123456789");
    bool count = digits > 0 && (word[digits] == 'b' || word[digits] == 'm') && !word[digits + 1];
    return count || is_among(word, list);
}

/* Whether it stands inside of a version: 3.5, or 3-5 as some write it. */
static bool is_point(const char *name, size_t at)
{
    bool between = at > 0 && is_digit(name[at - 1]) && is_digit(name[at + 1]);
    char behind = between ? lower(name[at + 2]) : ' ';
    bool single = between && name[at + 1] != '0' && !is_digit(behind) && !is_letter(behind);
    return (name[at] == '.' && between) || (name[at] == '-' && single);
}

/* False: it is too long to be judged. */
static bool cut(const char *name, words *w)
{
    size_t len = strlen(name), to = 0;
    bool inside = false;
    w->n = w->base = 0;
    for (size_t i = 0; i < len && len <= MOST_NAME; i++) {
        char c = lower(name[i]), before = i ? lower(name[i - 1]) : ' ', next = lower(name[i + 1]);
        if (is_point(name, i))
            continue; /* 3.5 is one number, also where it is written 35 */

        bool part = is_digit(c) || is_letter(c);
        if (inside && (!part || (is_digit(c) && is_letter(before)))) {
            w->text[to++] = '\0';
            inside = false;
        }
        w->base = c == '/' && next ? w->n : w->base;
        if (part && !inside && w->n == MOST_WORDS)
            return false;

        if (part && !inside) {
            w->word[w->n++] = w->text + to;
            inside = true;
        }
        if (part)
            w->text[to++] = c;
    }
    w->text[to] = '\0';
    return len <= MOST_NAME;
}

static bool has(const words *w, const char *word)
{
    for (size_t i = 0; i < w->n; i++) {
        if (strcmp(w->word[i], word) == 0)
            return true;
    }
    return false;
}

/* Whether its name, without folders, has a word that tells something. */
static bool tells(const words *w)
{
    for (size_t i = w->base; i < w->n; i++) {
        if (strcmp(w->word[i], "sha") == 0)
            return false; /* a digest */

        if (!is_plain(w->word[i]) && !is_digit(w->word[i][0]))
            return true;
    }
    return false;
}

static bool has_count(const words *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (is_digit(w->word[i][0]) && is_size(w->word[i]))
            return true;
    }
    return false;
}

/* Whether the longer name has all words of the shorter one, and no size besides: a count of
 * parameters is one only beside another count. */
static bool holds(const words *longer, const words *shorter)
{
    bool counted = has_count(shorter);
    for (size_t i = shorter->base; i < shorter->n; i++) {
        if (!is_plain(shorter->word[i]) && !has(longer, shorter->word[i]))
            return false;
    }
    for (size_t i = longer->base; i < longer->n; i++) {
        const char *word = longer->word[i];
        bool count = is_digit(word[0]);
        if (is_size(word) && !has(shorter, word) && (!count || counted))
            return false;
    }
    return true;
}

bool lg__model_is_other(const char *asked, const char *said)
{
    words a, b;
    if (strcmp(asked, said) == 0)
        return false;

    if (!cut(asked, &a) || !cut(said, &b) || !tells(&a) || !tells(&b))
        return false;

    return !holds(&a, &b) && !holds(&b, &a);
}
