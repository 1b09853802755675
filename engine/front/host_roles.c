/* host_roles.c - who is asked where the host names no model. */
#include "front/front_internal.h"

static bool is_own(const lg_engine *e, const lg_model *m)
{
    return !m || m->engine == e;
}

int lg_engine_models(lg_engine *e, lg_model *model, lg_model *backward, lg_model *optimizer,
                     lg_model *judge)
{
    LG_GUARD(e->door);
    lg_model *const given[LG_KINDS] = {[LG_FORWARD] = model,
                                       [LG_BACKWARD] = backward,
                                       [LG_OPTIMIZER] = optimizer,
                                       [LG_JUDGE] = judge};
    for (int i = 0; i < LG_KINDS; i++) {
        if (!is_own(e, given[i]))
            return lg__engine_error(e, LG_EINVAL, "a default model is another engine's");
    }
    for (int i = 0; i < LG_KINDS; i++) {
        lg_model *before = e->roles[i];
        e->roles[i] = lg_model_ref(given[i]);
        lg_model_unref(before);
    }
    return LG_OK;
}

lg_model *lg__inside_role(const lg_engine *e, int kind)
{
    if (e->roles[kind])
        return e->roles[kind];
    bool falls = kind == LG_OPTIMIZER || kind == LG_JUDGE;
    return falls && e->roles[LG_BACKWARD] ? e->roles[LG_BACKWARD] : e->roles[LG_FORWARD];
}
