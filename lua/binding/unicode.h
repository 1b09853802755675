/* unicode.h - letters, digits, words and case of people's languages, on top of utf8proc.
 *
 * Three levels of making texts alike, each on top of the one before:
 *   plain   what is only another way to write the same: wide and styled letters, digits of
 *           all scripts as 0 to 9, typographic quotes and dashes, blanks of all kinds;
 *           what nobody sees is gone, the rest is in NFC. Lines and case stay.
 *   fold    for comparing: NFKC (but for raised and lowered signs and fractions, whose
 *           compatibility forms say something else: 10² is not 102), full case folding, runs
 *           of blanks one space, none at the ends.
 *   search  for finding: accents are gone, too.
 *
 * utf8proc knows what a character is; what a word is, is decided here. libunistring has word
 * breaks but is LGPL, and breaks Thai and kana as roughly as this does; ICU has dictionaries
 * for them, in 30 MB. Bytes that are not UTF-8 count as U+FFFD. All of it takes time and memory
 * linear in the text. Private to lua/: the engine compares no texts. */
#ifndef LG_UNICODE_H
#define LG_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lg_inside.h"

enum lg_level { LG_PLAIN, LG_FOLD, LG_SEARCH };

enum lg_char {
    LG_CHAR_OTHER,    /* blanks, punctuation, symbols */
    LG_CHAR_LETTER,   /* of a script that parts words by blanks */
    LG_CHAR_NUMBER,   /* digits and other numbers */
    LG_CHAR_EXTEND,   /* belongs to what is before it: marks, joiners */
    LG_CHAR_JOIN,     /* _ and its like */
    LG_CHAR_HAN,      /* each a word: ideographs, Yi */
    LG_CHAR_HIRAGANA, /* parted by nothing, as the next three */
    LG_CHAR_KATAKANA,
    LG_CHAR_CLUSTER, /* Thai, Lao, Khmer, Myanmar and others of their kind */
    LG_CHAR_HANGUL,
};

/* The character at s[at] (at < len): its code point, U+FFFD for a byte that is none; *size its
 * bytes. */
int32_t lg__char_at(const char *s, size_t len, size_t at, size_t *size);
enum lg_char lg__char_kind(int32_t c);
/* One code point in plain form; 0: it goes. What becomes several stays as it is. */
int32_t lg__char_plain(int32_t c);
int32_t lg__char_lower(int32_t c);

/* Appends the text at this level to out. → out->err */
int lg__text_alike(lg_out *out, const char *s, size_t len, enum lg_level level);

typedef struct lg_word {
    size_t from, to; /* bytes */
    enum lg_char kind;
} lg_word;

/* The next word behind at, where the last one ended (0: none yet); false: none is left. Letters
 * and digits with their marks, with apostrophes, hyphens, points inside as people write them
 * (don't, well-known, e.g, 1,234.5), a number with its minus sign. Each ideograph is one; hiragana
 * and the clusters of Thai and others stand alone; a run of katakana is one. In pieces (for an
 * index) katakana and Hangul stand alone as well. */
bool lg__word_next(const char *s, size_t len, size_t at, bool pieces, lg_word *out);
/* How many words people would count: two hiragana are taken for one, and three clusters. */
size_t lg__word_count(const char *s, size_t len);

/* Where marker stands at or behind at, whatever the case, width, quotes and dashes, with
 * Markdown's marks anywhere in it, and more blanks where it has some or before its
 * punctuation. */
bool lg__marker_find(const char *s, size_t len, size_t at, const char *marker, size_t marker_len,
                     size_t *from, size_t *to);

#endif
