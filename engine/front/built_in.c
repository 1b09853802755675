/* built_in.c - the operators' prompts of an engine whose host has not set them: made into
 * templates when a pass begins, or when one is asked for. */
#include "front/built_in.h"

#include <stdio.h>
#include <string.h>

#include "lg_inside.h"

/* They are the host's, whoever is current: all others fall back to those. */
static int install(lg_engine *e, const lg_built_in *one, lg_var **out)
{
    char role[80];
    lg_var *v;
    lg_party *before = lg__party_use(e, NULL);
    snprintf(role, sizeof role, "the operators' prompt \"%s\"", one->name);
    int err = lg_var_new(e, one->text, strlen(one->text), role, false, &v);
    if (!err) {
        err = lg__template_put(&e->graph, one->name, v);
        lg_var_unref(v); /* the engine's now */
        *out = v;
    }
    lg__party_use(e, before);
    return err;
}

int lg__built_in_one(lg_engine *e, const char *name, lg_var **out)
{
    *out = NULL;
    for (const lg_built_in *one = lg__built_in; one->name; one++) {
        if (strcmp(one->name, name) == 0)
            return install(e, one, out);
    }
    return LG_OK;
}

/* Those of the optimizers and searches are asked for by their names. */
static bool is_of_pass(const char *name)
{
    static const char *const kinds[] = {"critic.",   "tool.",    "reduce.",
                                        "objective", "attached", "mark"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0)
            return true;
    }
    return false;
}

int lg__built_in_all(lg_engine *e)
{
    lg_var *v;
    int err = LG_OK;
    if (e->built_in)
        return LG_OK;
    for (const lg_built_in *one = lg__built_in; one->name && !err; one++) {
        if (is_of_pass(one->name) && !lg__template_find(&e->graph, one->name))
            err = install(e, one, &v);
    }
    e->built_in = err == LG_OK;
    return err;
}
