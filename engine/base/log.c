/* log.c - lines for the host's log, with secrets taken out. See log.h.
 *
 * Redaction overwrites in place and allocates nothing, so it cannot fail. It
 * would rather take too much than too little. */
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum { SHORTEST_SECRET = 6, LINE_SIZE = 2000, MOST_WAITING = 10000 };

typedef struct lg_log_wait {
    struct lg_log_wait *next;
    int level;
    size_t size; /* of the text, with its NUL */
    char text[];
} lg_log_wait;

static void lock(const lg_log *l)
{
    if (l->lock)
        pthread_mutex_lock(l->lock);
}

static void unlock(const lg_log *l)
{
    if (l->lock)
        pthread_mutex_unlock(l->lock);
}

void lg__log_init(lg_log *l, lg_mem *m, lg_log_fn fn, void *ud, int level)
{
    memset(l, 0, sizeof *l);
    l->mem = m;
    l->fn = fn;
    l->ud = ud;
    l->level = level ? level : LG_LOG_WARN;
}

static int grow_secrets(lg_log *l)
{
    size_t cap = l->cap_secrets ? l->cap_secrets * 2 : LG_SMALL(4, 1);
    char **bigger = lg__mem_grow(l->mem, l->secrets, l->cap_secrets * sizeof *l->secrets,
                                 cap * sizeof *l->secrets);

    if (!bigger)
        return LG_ENOMEM;
    l->secrets = bigger;
    l->cap_secrets = cap;
    return 0;
}

static int add_secret(lg_log *l, const char *secret)
{
    char *copy;

    for (size_t i = 0; i < l->n_secrets; i++) {
        if (strcmp(l->secrets[i], secret) == 0)
            return 0;
    }
    if (l->n_secrets == l->cap_secrets && grow_secrets(l))
        return LG_ENOMEM;
    copy = lg__mem_strdup(l->mem, secret);
    if (!copy)
        return LG_ENOMEM;
    l->secrets[l->n_secrets++] = copy;
    return 0;
}

int lg__log_secret(lg_log *l, const char *secret)
{
    int err;

    if (!secret || strlen(secret) < SHORTEST_SECRET)
        return 0;
    lock(l);
    err = add_secret(l, secret);
    unlock(l);
    return err;
}

static void free_waiting(lg_log *l, lg_log_wait *w)
{
    lg__mem_free(l->mem, w, sizeof *w + w->size);
}

void lg__log_free(lg_log *l)
{
    while (l->waiting) {
        lg_log_wait *w = l->waiting;

        l->waiting = w->next;
        free_waiting(l, w);
    }
    for (size_t i = 0; i < l->n_secrets; i++) {
        size_t n = strlen(l->secrets[i]) + 1;

        explicit_bzero(l->secrets[i], n);
        lg__mem_free(l->mem, l->secrets[i], n);
    }
    lg__mem_free(l->mem, l->secrets, l->cap_secrets * sizeof *l->secrets);
    lg__log_init(l, l->mem, l->fn, l->ud, l->level);
}

/* ---- known secrets ------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n hex digits at s, or -1. */
static int hex_number(const char *s, size_t len, size_t n)
{
    int x = 0;

    if (len < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int digit = hex_value(s[i]);

        if (digit < 0)
            return -1;
        x = x * 16 + digit;
    }
    return x;
}

/* Bytes at s that stand for c: itself, \c, \u00XX or %XX. 0: none. */
static size_t match_byte(const char *s, size_t len, char c)
{
    int code = (unsigned char)c;

    if (s[0] == c)
        return 1;
    if (s[0] == '%' && hex_number(s + 1, len - 1, 2) == code)
        return 3;
    if (s[0] != '\\' || len < 2)
        return 0;
    if (s[1] == c)
        return 2;
    return s[1] == 'u' && hex_number(s + 2, len - 2, 4) == code ? 6 : 0;
}

/* Bytes at s that are the secret, or all of s when it was cut off within it. */
static size_t match_secret(const char *s, size_t len, const char *secret)
{
    size_t at = 0, i = 0;

    for (; secret[i]; i++) {
        size_t n;

        if (at == len)
            return i >= SHORTEST_SECRET ? at : 0;
        n = match_byte(s + at, len - at, secret[i]);
        if (n == 0)
            return 0;
        at += n;
    }
    return at;
}

/* ---- in base64 ------------------------------------------------------------ */

/* The i-th digit of s in base64, either alphabet's as one. */
static char base64_digit(const char *s, size_t i)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t bit = i * 6, at = bit / 8;
    unsigned two = (unsigned)(unsigned char)s[at] << 8;

    two |= bit % 8 > 2 ? (unsigned char)s[at + 1] : 0u;
    return digits[two >> (10 - bit % 8) & 63];
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '-' || c == '_' || c == '=';
}

/* Whether the secret's digits stand at s. It may begin at each of the three bytes of a group;
 * what precedes its first whole group is left out, and what follows the last. */
static bool match_base64(const char *s, size_t len, const char *secret, size_t n)
{
    for (size_t skipped = 0; skipped < 3 && n >= skipped + SHORTEST_SECRET; skipped++) {
        size_t digits = (n - skipped) / 3 * 4, i = 0;

        while (i < digits && i < len) {
            char c = s[i] == '+' ? '-' : s[i] == '/' ? '_' : s[i];

            if (c != base64_digit(secret + skipped, i))
                break;
            i++;
        }
        if (i == digits)
            return true;
    }
    return false;
}

/* All digits around one that was found go: it shares its first and last with others. */
static void redact_one_base64(char *s, size_t len, const char *secret)
{
    size_t n = strlen(secret);
    size_t least = (n >= SHORTEST_SECRET + 2 ? n - 2 : SHORTEST_SECRET) / 3 * 4;

    for (size_t at = 0; at < len && len - at >= least; at++) {
        size_t from = at, to = at;

        if (!is_base64(s[at]) || !match_base64(s + at, len - at, secret, n))
            continue;
        while (from > 0 && is_base64(s[from - 1]))
            from--;
        while (to < len && is_base64(s[to]))
            to++;
        memset(s + from, '*', to - from);
        at = to - 1;
    }
}

static void redact_base64(const lg_log *l, char *s, size_t len)
{
    for (size_t i = 0; i < l->n_secrets; i++)
        redact_one_base64(s, len, l->secrets[i]);
}

/* ---- as they are ---------------------------------------------------------- */

/* Erases behind itself, so that secrets which overlap are all seen whole. */
static void redact_secrets(const lg_log *l, char *s, size_t len)
{
    size_t until = 0;

    if (l->n_secrets == 0)
        return;
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < l->n_secrets; k++) {
            size_t n = match_secret(s + i, len - i, l->secrets[k]);

            if (i + n > until)
                until = i + n;
        }
        if (i < until)
            s[i] = '*';
    }
}

/* ---- values by their names ----------------------------------------------- */

enum ending { TO_WORD, TO_QUERY, TO_CREDENTIALS };

static const struct marker {
    const char *name;   /* small letters */
    enum ending ending; /* of a value without quotes */
} markers[] = {
    {"authorization", TO_CREDENTIALS}, /* also Proxy-Authorization */
    {"api-key", TO_WORD},              /* also x-api-key, x-goog-api-key */
    {"api_key", TO_WORD},
    {"apikey", TO_WORD},
    {"?key=", TO_QUERY},
    {"&key=", TO_QUERY},
    {"u0026key=", TO_QUERY}, /* & as some write it in JSON */
};

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static size_t match_name(const char *s, size_t len, const char *name)
{
    size_t i = 0;

    while (name[i] && i < len && small(s[i]) == name[i])
        i++;
    return name[i] ? 0 : i;
}

static size_t skip(const char *s, size_t len, size_t at, const char *set)
{
    while (at < len && s[at] && strchr(set, s[at]))
        at++;
    return at;
}

static size_t find_any(const char *s, size_t len, size_t at, const char *set)
{
    while (at < len && !(s[at] && strchr(set, s[at])))
        at++;
    return at;
}

static bool is_quote(const char *s, size_t len, size_t at)
{
    return at < len && (s[at] == '"' || s[at] == '\'');
}

/* The end of a quoted value that starts at `at`: its quote has as many
 * backslashes before it as the opening one had (JSON within JSON). */
static size_t quoted_end(const char *s, size_t len, size_t at, char quote, size_t slashes)
{
    size_t run = 0;

    for (; at < len; at++) {
        if (s[at] == quote && run == slashes)
            return at - run;
        run = s[at] == '\\' ? run + 1 : 0;
    }
    return len;
}

/* The end of a header's credentials: a known scheme is one word, behind which
 * stands another; of any other the whole line is taken. */
static size_t credentials_end(const char *s, size_t len, size_t *at)
{
    static const char *const schemes[] = {"bearer ", "basic ", "token ", "apikey "};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = match_name(s + *at, len - *at, schemes[i]);

        if (n) {
            *at = skip(s, len, *at + n, " \t");
            return find_any(s, len, *at, " \t\r\n\"'),;");
        }
    }
    return find_any(s, len, *at, "\r\n");
}

/* Moves at, behind a name, to the first byte of its value and returns the
 * value's end; at itself when there is no value. */
static size_t value_end(const char *s, size_t len, size_t *at, enum ending ending)
{
    size_t from = *at, i = from, slashes;
    bool quoted = false;

    if (ending == TO_QUERY)
        return find_any(s, len, from, "&# \t\r\n\"'\\<>");
    i = skip(s, len, i, "\\");
    if (is_quote(s, len, i)) {
        i++;
        quoted = true;
    }
    i = skip(s, len, i, " \t");
    if (i == len || !strchr(quoted ? ":=," : ":=", s[i]) || !s[i])
        return from;
    i = skip(s, len, i + 1, quoted ? " \t\r\n[" : " \t");
    slashes = skip(s, len, i, "\\") - i;
    if (is_quote(s, len, i + slashes)) {
        *at = i + slashes + 1;
        return quoted_end(s, len, *at, s[*at - 1], slashes);
    }
    *at = i;
    if (ending == TO_CREDENTIALS)
        return credentials_end(s, len, at);
    return find_any(s, len, i, " \t\r\n\"'),;&}");
}

static bool begins_marker(char c)
{
    return c == 'a' || c == 'A' || c == '?' || c == '&' || c == 'u' || c == 'U';
}

static void redact_values(char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!begins_marker(s[i]))
            continue;
        for (size_t k = 0; k < sizeof markers / sizeof *markers; k++) {
            size_t at = match_name(s + i, len - i, markers[k].name);
            size_t end;

            if (at == 0)
                continue;
            at += i;
            end = value_end(s, len, &at, markers[k].ending);
            if (end > at) {
                memset(s + at, '*', end - at);
                i = end - 1;
            }
            break;
        }
    }
}

void lg__log_redact(lg_log *l, char *s, size_t len)
{
    lock(l);
    redact_secrets(l, s, len);
    redact_base64(l, s, len);
    unlock(l);
    redact_values(s, len);
}

/* ---- lines --------------------------------------------------------------- */

static void wait_for_host(lg_log *l, int level, const char *line)
{
    size_t n = strlen(line) + 1;
    lg_log_wait *w = lg__mem_new(l->mem, sizeof *w + n);

    lock(l);
    if (w && l->n_waiting < MOST_WAITING) {
        *w = (lg_log_wait){.level = level, .size = n};
        memcpy(w->text, line, n);
        if (l->waiting)
            l->last->next = w;
        else
            l->waiting = w;
        l->last = w;
        l->n_waiting++;
        w = NULL;
    } else {
        l->n_lost++;
    }
    unlock(l);
    if (w)
        lg__mem_free(l->mem, w, sizeof *w + n);
}

void lg__log_deliver(lg_log *l)
{
    bool before = l->delivers;
    char lost[64];
    lg_log_wait *w;
    size_t n;

    if (!l->lock || !l->fn)
        return;
    lock(l);
    w = l->waiting;
    n = l->n_lost;
    l->waiting = NULL;
    l->n_waiting = l->n_lost = 0;
    unlock(l);
    l->delivers = true;
    while (w) {
        lg_log_wait *next = w->next;

        l->fn(l->ud, w->level, w->text);
        free_waiting(l, w);
        w = next;
    }
    snprintf(lost, sizeof lost, "%zu lines of the log were lost here", n);
    if (n)
        l->fn(l->ud, LG_LOG_WARN, lost);
    l->delivers = before;
}

void lg__log_line(lg_log *l, int level, const char *fmt, ...)
{
    char line[LINE_SIZE + sizeof "…"];
    va_list args;
    size_t len;
    int n;

    if (!l->fn || level > l->level)
        return;
    va_start(args, fmt);
    n = vsnprintf(line, LINE_SIZE + 1, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    len = n <= LINE_SIZE ? (size_t)n : lg__text_border(line, LINE_SIZE);
    lg__log_redact(l, line, len);
    lg__text_flatten(line, len);
    if (n > LINE_SIZE)
        memcpy(line + len, "…", sizeof "…");
    if (l->lock)
        wait_for_host(l, level, line);
    else
        l->fn(l->ud, level, line);
}
