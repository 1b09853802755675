/* model_alias.h - whether two names may be of one model. */
#ifndef LG_MODEL_ALIAS_H
#define LG_MODEL_ALIAS_H

#include <stdbool.h>

/* Whether a server that was asked for one and says the other is sure to have used another
 * model. Dates, tags, folders, owners, formats and quantizations make none. */
bool lg__model_is_other(const char *asked, const char *said);

#endif
