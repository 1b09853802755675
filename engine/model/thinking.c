/* thinking.c - what a model thought, told from what it answers, where both are one text.
 *
 * A text that begins with an opening tag is thinking up to the closing one. The tags that
 * templates write are thinking whatever follows; the others are words that a script may have
 * asked for, so they are it only with an answer behind them. Where the template itself opened
 * the thinking, the text has the closing tag alone: then it stands on a line of its own or
 * behind the end of a sentence, in no fence of code, and no opening one is before it. Tags
 * anywhere else are the answer's own words. */
#include "model/thinking.h"

#include <string.h>

enum {               /* lg_thinking.state */
       AT_START = 0, /* before any word; also behind thinking */
       INSIDE,       /* behind an opening tag */
       OUTSIDE,      /* the answer, unless a closing tag comes */
       ANSWER        /* the answer, whatever comes */
};

static const struct {
    const char *open, *close;
    const char *tail; /* what may stand before the closing one, and was not thought */
    bool sure;        /* no script asks for it */
} tags[] = {
    {"<think>", "</think>", NULL, true},
    {"<thinking>", "</thinking>", NULL, true},
    {"[THINK]", "[/THINK]", NULL, true},
    {"<reasoning>", "</reasoning>", NULL, false},
    {"<thought>", "</thought>", NULL, false},
    {"<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|end|><|start|>assistant",
     true},
};
enum { N_TAGS = sizeof tags / sizeof *tags };

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t skip_blanks(const char *s, size_t at, size_t len)
{
    while (at < len && is_blank(s[at]))
        at++;

    return at;
}

/* Whether s goes on with the word at `at`; 0: no, or not yet, when *more is set. */
static size_t match(const char *s, size_t at, size_t len, const char *word, bool *more)
{
    size_t n = strlen(word), left = len - at;
    if (memcmp(s + at, word, left < n ? left : n) != 0)
        return 0;

    *more = *more || left < n;
    return left < n ? 0 : n;
}

/* ---- a text as it grows ------------------------------------------------ */

/* → whether there is more to be told from what is there */
static bool look_at_start(lg_thinking *t, const char *s, size_t len)
{
    bool more = false;
    size_t at = skip_blanks(s, t->seen, len), n = 0;
    t->seen = at;
    if (at == len)
        return false;

    for (size_t i = 0; (s[at] == '<' || s[at] == '[') && n == 0 && i < N_TAGS; i++) {
        n = match(s, at, len, tags[i].open, &more);
        t->tag = n > 0 ? (uint8_t)i : t->tag;
    }
    if (n > 0) {
        t->back = t->parted ? at : 0;
        t->seen = at + n;
        t->state = INSIDE;
    } else if (more) {
        return false;
    } else if (t->parted) {
        t->from = at;
        t->state = ANSWER;
    } else {
        t->seen = 0;
        t->state = OUTSIDE;
    }
    return true;
}

static bool look_inside(lg_thinking *t, const char *s, size_t len)
{
    const char *close = tags[t->tag].close;
    size_t n = strlen(close);
    const char *found = len > t->seen ? memmem(s + t->seen, len - t->seen, close, n) : NULL;
    if (!found) { /* its first bytes may be there */
        size_t rest = len - t->seen;
        t->seen += rest < n ? 0 : rest - n + 1;
        return false;
    }
    t->seen = t->from = (size_t)(found - s) + n;
    t->parted = true;
    t->state = AT_START;
    return true;
}

/* Counts the fences of code in the whole lines before `at`. */
static void count_fences(lg_thinking *t, const char *s, size_t at)
{
    for (;;) {
        const char *end = memchr(s + t->counted, '\n', at - t->counted);
        size_t i = t->line;
        t->counted = at;
        if (!end)
            return;

        while (s[i] == ' ' || s[i] == '\t')
            i++;

        t->fenced = t->fenced != (strncmp(s + i, "```", 3) == 0 || strncmp(s + i, "~~~", 3) == 0);
        t->line = t->counted = (size_t)(end - s) + 1;
    }
}

/* Whether a closing tag at `at` may be one: on a line of its own, or behind a sentence. */
static bool may_close(const char *s, size_t at)
{
    size_t i = at;
    while (i > 0 && (s[i - 1] == ' ' || s[i - 1] == '\t'))
        i--;

    unsigned char before = i > 0 ? (unsigned char)s[i - 1] : '\n';
    return before == '\n' || (i == at && (before >= 0x80 || memchr(".!?", before, 3)));
}

/* Looks at one closing tag. 1: it ends what was thought. 0: it does not. -1: wait for more. */
static int judge_close(lg_thinking *t, const char *s, size_t at, size_t behind, size_t len)
{
    count_fences(t, s, at);
    if (t->fenced || !may_close(s, at))
        return 0;

    if (behind < len && skip_blanks(s, 0, at) == at) /* nothing was thought */
        return s[behind] != ' ';

    while (behind < len && (s[behind] == ' ' || s[behind] == '\t' || s[behind] == '\r'))
        behind++;

    return behind == len ? -1 : s[behind] == '\n';
}

static bool look_outside(lg_thinking *t, const char *s, size_t len)
{
    const char *open = tags[0].open, *close = tags[0].close;
    for (;;) {
        bool more = false;
        const char *found = len > t->seen ? memchr(s + t->seen, '<', len - t->seen) : NULL;
        if (!found) {
            t->seen = len;
            return false;
        }
        t->seen = t->bare = (size_t)(found - s);
        size_t n = match(s, t->seen, len, close, &more);
        int told = n > 0 ? judge_close(t, s, t->seen, t->seen + n, len) : 0;
        if (match(s, t->seen, len, open, &more) > 0) { /* it speaks of such tags */
            t->state = ANSWER;
            return false;
        }
        if (more || told < 0)
            return false;

        t->seen += n > 0 ? n : 1;
        if (told > 0) {
            t->from = t->seen;
            t->parted = true;
            t->state = AT_START;
            return true;
        }
    }
}

void lg__thinking_look(lg_thinking *t, const char *s, size_t len)
{
    bool more = true;
    if (len < t->seen || len < t->from) /* a server said it once more, from its start */
        *t = (lg_thinking){.from = 0};

    while (more && t->state != ANSWER) {
        if (t->state == AT_START)
            more = look_at_start(t, s, len);
        else if (t->state == INSIDE)
            more = look_inside(t, s, len);
        else
            more = look_outside(t, s, len);
    }
}

bool lg__thinking_is_told(const lg_thinking *t)
{
    return t->state == OUTSIDE || t->state == ANSWER;
}

/* ---- a whole text ------------------------------------------------------ */

/* Nothing follows any more. → where the answer begins */
static size_t settle(const lg_thinking *t, const char *s, size_t len, bool cut)
{
    bool more = false, sure = cut || tags[t->tag].sure;
    size_t rest = skip_blanks(s, t->seen, len);
    if (t->state == INSIDE) {
        size_t behind = skip_blanks(s, t->back, len) + strlen(tags[t->tag].open);
        bool empty = skip_blanks(s, behind, len) == len;
        return cut || (sure && !empty) ? len : t->back;
    }
    if (t->state == AT_START && t->parted)
        return rest < len ? rest : sure ? len : t->back;

    bool bare = t->state == OUTSIDE && match(s, t->seen, len, tags[0].close, &more) > 0;
    return bare && skip_blanks(s, 0, t->seen) < t->seen ? len : t->from;
}

void lg__thinking_add(lg_bytes *thought, const char *s, size_t len)
{
    size_t from = skip_blanks(s, 0, len);
    while (len > from && is_blank(s[len - 1]))
        len--;

    if (len > from)
        lg__bytes_adds(thought, thought->len ? "\n\n" : "");

    lg__bytes_add(thought, s + from, len - from);
}

lg_text *lg__thinking_text(const lg_bytes *thought)
{
    size_t from = skip_blanks(thought->data, 0, thought->len), len = thought->len;
    while (len > from && is_blank(thought->data[len - 1]))
        len--;

    return lg__text_new(thought->mem, thought->data + from, len - from);
}

static size_t without_tail(const char *s, size_t len, const char *tail)
{
    size_t n = tail ? strlen(tail) : 0;
    return n > 0 && len >= n && memcmp(s + len - n, tail, n) == 0 ? len - n : len;
}

/* What begins at `at`, before the answer. → where the next begins */
static size_t take_piece(const char *s, size_t at, size_t from, size_t bare, lg_bytes *thought)
{
    size_t n = 0, i = 0;
    bool more = false;
    for (; n == 0 && i < N_TAGS; i++)
        n = match(s, at, from, tags[i].open, &more);

    if (n == 0) {
        bare = bare > at ? bare : at;
        lg__thinking_add(thought, s + at, bare - at);
        return bare + strlen(tags[0].close);
    }
    const char *close = tags[i - 1].close, *piece = s + at + n;
    const char *end = memmem(piece, from - at - n, close, strlen(close));
    size_t len = end ? (size_t)(end - piece) : from - at - n;
    lg__thinking_add(thought, piece, without_tail(piece, len, tags[i - 1].tail));
    return end ? at + n + len + strlen(close) : from;
}

size_t lg__thinking_part(const char *s, size_t len, bool cut, lg_bytes *thought)
{
    lg_thinking t = {.from = 0};
    if (len == 0)
        return 0;

    lg__thinking_look(&t, s, len);
    size_t from = settle(&t, s, len, cut), at = skip_blanks(s, 0, from);
    while (at < from)
        at = skip_blanks(s, take_piece(s, at, from, t.bare, thought), from);

    return from;
}
