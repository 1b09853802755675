/* verdict.c - what a critic's reply is worth: points, "nothing to improve", or an echo.
 *
 * Models do not keep to the one sentence they are asked for: they add a label, quotes, a full
 * stop, a reason. What follows a clear "nothing" counts only where it takes that back. Small
 * ones say a line over and over, or give back the question; each line counts once, and what is
 * no criticism is none. What goes on is bounded, however long the reply. Pure. */
#include <ctype.h>
#include <string.h>

#include "base/bytes.h"
#include "graph/gradient_internal.h"

enum { POINTS_HANDED = 8 };
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
    return strncmp(text, word, n) == 0 && text[n] == ' ' ? text + n : NULL;
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
    char said[WORDS_READ + 2] = "";
    size_t n = plain(t, said);
    if (n == 0)
        return true;
    if (t->len > WORDS_READ)
        return false;
    said[n] = ' '; /* so that a word is always between blanks */
    said[n + 1] = '\0';
    const char *text = skip_label(said);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        const char *rest = after(text, nothing[i]);
        if (rest)
            return !takes_back(rest);
    }
    return false;
}

/* ---- points ------------------------------------------------------------ */

static bool is_blank_line(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (isalnum((unsigned char)s[i]) || (unsigned char)s[i] > 127)
            return false;
    }
    return true;
}

/* Whether a line stands in what was kept already: a model that loops says nothing new. */
static bool is_known(const lg_bytes *kept, const char *line, size_t len)
{
    for (size_t at = 0; at < kept->len;) {
        size_t n = lg__text_line(kept->data + at, kept->len - at);
        size_t dash = n > 2 && memcmp(kept->data + at, "- ", 2) == 0 ? 2 : 0;
        if (n == len && memcmp(kept->data + at, line, len) == 0)
            return true;
        if (dash && n - dash == len && memcmp(kept->data + at + dash, line, len) == 0)
            return true;
        at += n + 1;
    }
    return false;
}

static size_t add_line(lg_bytes *out, const char *dash, const char *s, size_t n)
{
    bool blank = is_blank_line(s, n);
    if (blank ? out->len == 0 : is_known(out, s, n))
        return 0;
    lg__bytes_adds(out, dash);
    lg__bytes_add(out, s, n);
    lg__bytes_addc(out, '\n');
    return lg_token_estimate(s, n) + 1;
}

/* "#2", "Points 1 and 3": points of what was heard, handed on as they stand, so that nothing is
 * lost by telling it once more; numbers that none has are left out. false: the line is no such
 * list but says something of its own. */
static bool hand_on(lg_bytes *out, const lg_text *heard, const char *s, size_t n, size_t *tokens)
{
    size_t numbers[POINTS_HANDED], len;
    size_t found = heard ? lg__references(s, n, numbers, POINTS_HANDED) : 0;
    const char *point;
    for (size_t i = 0; i < found; i++) {
        if (lg__heard_point(heard, numbers[i], &point, &len))
            *tokens += add_line(out, "- ", point, len); /* a list stays one */
    }
    return found > 0;
}

/* The lines of a reply, each once, up to the limit; of one that was cut not the broken end. */
static void keep_lines(lg_bytes *out, const lg_compared *said)
{
    const char *s = said->text->data;
    size_t tokens = 0, len = said->text->len;
    for (size_t at = 0; at < len && tokens < LG_CRITIQUE_TOKENS;) {
        size_t n = lg__text_line(s + at, len - at);
        bool broken = said->cut && at + n == len && out->len > 0;
        if (!broken && !hand_on(out, said->heard, s + at, n, &tokens))
            tokens += add_line(out, "", s + at, n);
        at += n + 1;
    }
    while (out->len && isspace((unsigned char)out->data[out->len - 1]))
        out->data[--out->len] = '\0';
}

static bool holds(const lg_text *t, const char *word)
{
    return strstr(t->data, word) != NULL;
}

static bool same_text(const lg_text *a, const lg_text *b)
{
    size_t from = 0, to = a->len;
    while (from < to && isspace((unsigned char)a->data[from]))
        from++;
    while (to > from && isspace((unsigned char)a->data[to - 1]))
        to--;
    return b && b->len == to - from && memcmp(b->data, a->data + from, b->len) == 0;
}

/* The same words, whatever stands between them; of long texts the beginning counts. */
static bool same_words(const lg_text *a, const lg_text *b)
{
    char one[WORDS_READ + 1], two[WORDS_READ + 1];
    return b && plain(a, one) == plain(b, two) && strcmp(one, two) == 0;
}

/* "</B>": a text that was shown under its letter, where the variable has no such mark itself. */
static bool shows_letter(const lg_text *t, const lg_text *variable)
{
    for (const char *at = strstr(t->data, "</"); at; at = strstr(at + 2, "</")) {
        if (at[2] < 'A' || at[2] > 'Z' || at[3] != '>')
            continue;
        const char mark[] = {'<', '/', at[2], '>', '\0'};
        if (!variable || !holds(variable, mark))
            return true;
    }
    return false;
}

/* The frame of the question, the variable itself or the output, given back. */
static bool is_echo(const lg_compared *said)
{
    const lg_text *t = said->text;
    return same_text(t, said->variable) || same_words(t, said->output) ||
           holds(t, "</CONVERSATION>") || holds(t, "<CONVERSATION>") || holds(t, "</OBJECTIVE>") ||
           holds(t, "[VARIABLE] marks") || holds(t, "<TRACE>") || holds(t, "</TRACE>") ||
           shows_letter(t, said->variable);
}

int lg__critique(lg_mem *m, const lg_compared *said, lg_text **out)
{
    *out = NULL;
    if (lg__is_nothing(said->text))
        return LG_CRITIQUE_NOTHING;
    if (is_echo(said))
        return LG_CRITIQUE_ECHO;
    lg_bytes b;
    lg__bytes_init(&b, m, LG_BYTES_MAX);
    keep_lines(&b, said);
    lg_text *kept = lg__text_of(&b);
    bool none = kept && kept->len == 0;
    *out = kept && !none ? lg__text_trim(m, kept, LG_CRITIQUE_TOKENS) : NULL;
    lg__text_unref(kept);
    if (none)
        return LG_CRITIQUE_NOTHING;
    return *out ? LG_CRITIQUE_POINTS : LG_CRITIQUE_NO_MEMORY;
}
