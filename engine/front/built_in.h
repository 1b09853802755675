/* built_in.h - the operators' prompts as they are built in: lua/lunagrad/prompts.lua, as a C table
 * that lua/bake_prompts.lua writes. What a host sets by lg_template_set() goes before it. */
#ifndef LG_BUILT_IN_H
#define LG_BUILT_IN_H

#include "front/front_internal.h"

typedef struct lg_built_in {
    const char *name, *text;
} lg_built_in;

extern const lg_built_in lg__built_in[]; /* in the order of the names; the last is NULL */

/* All that the reverse pass may ask with and nobody has set. 0, LG_ENOMEM */
int lg__built_in_all(lg_engine *e);
/* The one of this name, as a template of the engine's from now on; *out NULL: there is none. 0,
 * LG_ENOMEM */
int lg__built_in_one(lg_engine *e, const char *name, lg_var **out);

#endif
