/* provider_words.h - how servers word what they refuse, as rows of data, and the one way
 * in which a row is looked for.
 *
 * A wording that is not known yet is one more row (and one more record of
 * tests/data/refusals.txt). What follows from a row is not decided here. */
#ifndef LG_PROVIDER_WORDS_H
#define LG_PROVIDER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum lg_wording_kind {
    LG_SAYS_PHRASE = 1, /* the whole refusal means this code */
    LG_SAYS_FIELD,      /* a field of the body is not known, or not taken */
    LG_SAYS_VALUE,      /* the field is known, what stands in it is wrong: no FIELD then */
    LG_SAYS_INSTEAD,    /* behind it stands a field's new name */
    LG_SAYS_FORMAT,     /* a form of answer is not known; code: enum lg_learn */
    LG_SAYS_ROLE,       /* a role is not taken; code: enum lg_learn, 0: it is all the same */
    LG_SAYS_DAY,        /* a cap of a day or longer; code 0: of less */
    LG_SAYS_WAIT,       /* behind it stands how long to wait */
    LG_SAYS_PLACE       /* it is the place that is refused, not the key */
};

typedef struct lg_wording {
    int kind;            /* enum lg_wording_kind */
    const char *pattern; /* small letters; see below */
    int code;            /* what it means, by its kind */
    const char *field;   /* FIELD: the field, where no name of it is said */
} lg_wording;

/* A pattern fits anywhere in a text, whatever the letters' case. In it
 *   blank  is one blank, break or tab, or several;
 *   %      is the name of a field, in quotes, brackets or none: "a_b", "a.b", "a[0].b";
 *   @      is the same, but not without quotes or brackets;
 *   *      is anything, up to 80 bytes of it;
 *   ^      at its start is the start of the text.
 * Where % or @ ends a pattern, it may be a list of names. */
typedef struct lg_found {
    const lg_wording *row;
    const char *name; /* what % or @ is; NULL: the row has none */
    size_t name_len;
    const char *rest; /* what stands behind */
} lg_found;

/* Whether that name would do; another place, or the next of a list, is looked at if not. */
typedef bool (*lg_name_fn)(void *ud, const char *name, size_t len);

/* The first row of the kind that is said. is_name NULL: rows without a name only. */
bool lg__wording_find(int kind, const char *text, lg_name_fn is_name, void *ud, lg_found *out);
/* The first name in quotes that would do. */
bool lg__wording_quoted(const char *text, lg_name_fn is_name, void *ud, lg_found *out);
/* What a code or type of an error means: LG_E…; 0: nothing known. */
int lg__wording_code(const char *word);
/* A code that says that a field is not taken (1), or that its value is wrong (-1). */
int lg__wording_of_field(const char *code);
/* The i-th field that a request keeps its sense without; NULL: there are no more. */
const char *lg__wording_field(size_t i);
/* "7m12s", "1.5 seconds", "2 hours and 3 minutes" at the start of s, in milliseconds; -1: none */
long long lg__wording_duration(const char *s);

#endif
