/* cycle.h - whether a variable is made of another one.
 *
 * Nodes are made after their inputs, so only two acts can close a circle: keeping a promise,
 * and setting a template, which passes that run may still read. Both ask here first. */
#ifndef LG_CYCLE_H
#define LG_CYCLE_H

#include "graph/gradient.h"

/* Whether v, an open promise, is `from`, or is among what it is or may come to be made of. */
bool lg__made_of(lg_var *from, const lg_var *v);
/* … whether some pass that runs is. */
bool lg__made_of_pass(lg_var *from);

#endif
