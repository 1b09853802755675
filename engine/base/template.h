/* template.h - templates with named fields, and fences that values cannot forge.
 *
 * {name} is a field when name is [A-Za-z_][A-Za-z0-9_]*, where letters of any script
 * count as well ({größe}); {{ and }} are single braces; every other brace stands for
 * itself. Values are inserted as they are and never scanned again. For the
 * format operator and Lua. */
#ifndef LG_TEMPLATE_H
#define LG_TEMPLATE_H

#include "base/bytes.h"
#include "lg_inside.h" /* lg_fill */

/* Render into out. 0; LG_ETEMPLATE with the unknown field's name in bad (may be
 * NULL), out untouched; or out's error. Of two fields of one name the first counts.
 *
 * With fenced, tags <NAME> and </NAME> (NAME: [A-Z][A-Z0-9_]* as written in the
 * template itself) stay when the inserted values bring none of them; else they
 * become <NAME_k> with the smallest k ≥ 2 that is not brought either. "Bring":
 * the rendered text has the tag, without regard to case and to blanks inside the
 * brackets, at a place where a value has part in it; so two values, or a value
 * and the template, cannot make one together. *suffix gets k, or 0 (may be NULL).
 * Time is linear in the sizes of template, fields and result. */
int lg__template_render(lg_bytes *out, const char *tmpl, size_t len, const lg_fill *fields,
                        size_t n, bool fenced, unsigned *suffix, char bad[64]);

/* The next field of a template from *at on (0 at first), which moves behind it. Borrowed from
 * the template. false: there is none. */
bool lg__template_field(const char *tmpl, size_t len, size_t *at, const char **field, size_t *size);

#endif
