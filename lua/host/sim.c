/* sim.c - the embedded stand-in for a language model, for hosts: a host model that the private
 * state answers (lua/lunagrad/host/sim.lua), or the one after it, if it dies of memory. */
#include <string.h>

#include "host/hosted.h"

#define FIRST_TAG ((uint64_t)1 << 40) /* beyond those that Lua gives */

/* The private state's, whoever is current. */
static int make(lg_hosted *p, const char *name, uint64_t tag, lg_model **out)
{
    lg_model_config m;
    lg_model_config_init(&m);
    m.dialect = "host";
    m.name = m.model = name;
    m.no_memo = true;
    m.tag = tag;
    lg_party *before = lg__party_use(p->e, p->state->party);
    int err = lg_model_new(p->e, &m, out);
    lg__party_use(p->e, before);
    return err;
}

int lg_model_sim(lg_engine *e, const char *name, lg_model **out)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_model *made;
    if (!name || !out)
        return lg__host_refuse(e, LG_EINVAL, "lg_model_sim: an argument is NULL");
    if (lg__args_bad(&name, 1) || (strcmp(name, "sim") != 0 && strncmp(name, "sim/", 4) != 0)) {
        return lg__host_refuse(e, LG_EINVAL, "\"%.80s\" is no model of sim, such as sim/default",
                               lg__args_bad(&name, 1) ? "" : name);
    }
    int err = lg__hosted_open(e, &p);
    if (err)
        return err;
    uint64_t tag = FIRST_TAG + ++p->last_number;
    err = make(p, name, tag, &made);
    if (err)
        return err;
    lh_private_take_sims((lh_private *)p->state);
    lg__party_due(p->state->party, 0); /* the library is loaded now */
    *out = made;
    return LG_OK;
}
