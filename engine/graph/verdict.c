/* verdict.c - whether a critic's reply says that nothing should change.
 *
 * Models do not keep to the one sentence they are asked for: they add a label, quotes, a full
 * stop, a reason. What follows a clear "nothing" counts only where it takes that back. Pure. */
#include <ctype.h>
#include <string.h>

#include "graph/gradient_internal.h"

enum { WORDS_READ = 240 }; /* bytes; whoever says more than that has something to say */

/* Letters and digits in lower case, everything else a single blank; "feedback: " goes. */
static size_t plain(const lg_text *t, char out[WORDS_READ + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < t->len && n < WORDS_READ; i++) {
        unsigned char c = (unsigned char)t->data[i];
        if (c == 0xE2 && i + 2 < t->len && (unsigned char)t->data[i + 1] == 0x80) {
            c = ' '; /* U+2000 to U+203F: quotes, dashes, dots */
            i += 2;
        }
        if (isalnum(c) || c > 127)
            out[n++] = (char)tolower(c);
        else if (c == '\'' && n && i + 1 < t->len && isalpha((unsigned char)t->data[i + 1]))
            continue; /* don't */
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return n;
}

static const char *after(const char *text, const char *word)
{
    size_t n = strlen(word);
    return strncmp(text, word, n) == 0 && (text[n] == ' ' || !text[n]) ? text + n : NULL;
}

/* Behind a label that some models begin with. */
static const char *skip_label(const char *text)
{
    static const char *const labels[] = {"feedback", "answer", "verdict", "points", "response"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        const char *rest = after(text, labels[i]);
        if (rest && *rest)
            return rest + 1;
    }
    return text;
}

static bool takes_back(const char *rest)
{
    static const char *const words[] = {" but ",    " however ", " except ", " although ",
                                        " though ", " unless ",  " could ",  " should ",
                                        " yet ",    " only ",    " might "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(rest, words[i]))
            return true;
    }
    return false;
}

bool lg__is_nothing(const lg_text *t)
{
    static const char *const nothing[] = {
        "nothing to improve",     "nothing to change",     "nothing needs to change",
        "no change needed",       "no changes needed",     "no change is needed",
        "no changes are needed",  "no changes necessary",  "no improvement needed",
        "no improvements needed", "no feedback is needed", "no feedback needed"};
    char said[WORDS_READ + 3];
    if (plain(t, said) == 0)
        return true;
    if (t->len > WORDS_READ)
        return false;
    strcat(said, " ");
    const char *text = skip_label(said);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        const char *rest = after(text, nothing[i]);
        if (rest)
            return !takes_back(rest);
    }
    return false;
}
