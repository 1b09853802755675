/* thinking.h - what a model thought, told from what it answers, where both are one text.
 *
 * Servers that part them themselves have fields for it: each dialect hears its own. This is
 * for those that pass on what the model wrote, tags and all. It looks at a text as it grows,
 * so that a stream shows no thinking, and at each byte a bounded number of times. */
#ifndef LG_THINKING_H
#define LG_THINKING_H

#include "base/text.h"

typedef struct lg_thinking { /* of one text; begin with zeros */
    size_t from;             /* the answer begins here, as far as is known */
    size_t seen;             /* what is before it needs no second look */
    size_t back;             /* where the tag that is read begins */
    size_t line, counted;    /* of the text outside tags: fences before this line are counted, and
                                no line ends from here to there */
    size_t bare;             /* where a closing tag stood that none had opened */
    uint8_t state, tag;      /* thinking.c's; the number of the tag that is read */
    bool parted;             /* something before `from` was thinking */
    bool fenced;             /* at `line`: within a fence of code */
} lg_thinking;

/* The text has become s. */
void lg__thinking_look(lg_thinking *t, const char *s, size_t len);
/* Whether it is known where the answer begins: what stands behind `from` may be shown. It
 * is taken back when only a closing tag says that it was thinking: then `from` moves. */
bool lg__thinking_is_told(const lg_thinking *t);

/* Where the answer begins in a whole text; what is before it is added to `thought`, without
 * its tags (thought->err: it could not be). cut: the text ended at a limit. */
size_t lg__thinking_part(const char *s, size_t len, bool cut, lg_bytes *thought);
/* Adds a piece of thinking, parted from the one before by an empty line. */
void lg__thinking_add(lg_bytes *thought, const char *s, size_t len);
/* All of it, without the blanks around it. NULL: memory. */
lg_text *lg__thinking_text(const lg_bytes *thought);

#endif
