/* letters.h - texts shown under letters, and a reply that speaks of each under its letter.
 *
 * A question about several texts calls them A, B, …; where one stands in a conversation its mark
 * does ("[A]"). Models keep to such letters in many ways: with dashes, stars, brackets, or with
 * the role instead. No questions are asked here, and nothing is delivered. */
#ifndef LG_LETTERS_H
#define LG_LETTERS_H

#include "graph/aims.h"

enum { LG_LETTERS = 12 }; /* texts that one question may be about */

/* The aims' texts, each with its letter, role and whether an earlier step made it, between tags
 * that none of them holds. NULL: memory. Counted. */
lg_text *lg__letters_show(lg_mem *m, const lg_aims *aims);
/* "[A]", "[B]", …: one for each; NULL in the first: memory. Each is counted. */
void lg__letters_marks(lg_mem *m, size_t n, lg_text *marks[LG_LETTERS]);
/* A reply as one text for each aim; NULL: it says nothing of that one. *n_named: how many letters
 * it speaks of, nobody's included. 0, LG_ENOMEM; the texts are counted. */
int lg__letters_read(lg_mem *m, const lg_text *reply, const lg_aims *aims,
                     lg_text *said[LG_LETTERS], size_t *n_named);

#endif
