/* sim.c - the embedded stand-in for a language model, for hosts: a host model that the private
 * state answers (lua/lunagrad/host/sim.lua). */
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

/* Told before its first question: calls of the private state are taken before events are. */
static int tell(lg_hosted *p, const char *name, uint64_t tag)
{
    lg_args a;
    lg_var *done = NULL;
    lg_host_call c = {.name = "sim.add", .role = "sim"};
    lg__args_begin(p, &a);
    lg__args_int(&a, "tag", (int64_t)tag);
    lg__args_word(&a, "name", name);
    int err = lg__host_call(p, &c, &a, &done);
    lg__args_free(&a);
    lg_var_unref(done);
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
    err = tell(p, name, tag);
    if (err)
        lg_model_unref(made);
    else
        *out = made;
    return err;
}
