/* host_call.c - calls of lua/lunagrad/host/ by the C API, and what all of them check. */
#include "host/hosted.h"

static const char *const roles[LG_KINDS] = {"model", "backward", "optimizer", "judge"};

/* {…,"models":{"judge":1,…}}, and the models in that order. */
static int finish(lg_args *a, lg_model *const *given, lg_model **list, size_t *n)
{
    lg_args inner = {.any = false};
    lg__args_json(a, "models", "{");
    inner.out = a->out; /* written into the same text */
    for (int i = 0; i < LG_KINDS; i++) {
        if (!given[i])
            continue;
        list[(*n)++] = given[i];
        lg__args_int(&inner, roles[i], (int64_t)*n);
    }
    lg__out_add(&inner.out, "}", 1);
    a->out = inner.out;
    return lg__args_end(a);
}

int lg__hosted_open(lg_engine *e, lg_hosted **out)
{
    lh_private *p;
    int err = lh_private_of(e, &p);
    if (!err && !p->hosted) {
        p->hosted = lg__inside_alloc(e, NULL, 0, sizeof(lg_hosted));
        if (p->hosted)
            *(lg_hosted *)p->hosted = (lg_hosted){.e = e, .state = &p->s};
    }
    if (err || !p->hosted)
        return lg__host_refuse(e, LG_ENOMEM, "no memory for the library's own state");
    *out = p->hosted;
    return LG_OK;
}

int lg__host_call(lg_hosted *p, const lg_host_call *call, lg_args *args, lg_var **out)
{
    lg_model *given[LG_KINDS], *list[LG_KINDS];
    size_t n = 0;
    for (int i = 0; i < LG_KINDS; i++)
        given[i] = call->models[i] ? call->models[i] : lg__inside_role(p->e, i);
    int err = finish(args, given, list, &n);
    if (err)
        return lg__host_refuse(p->e, err, "%s: out of memory", call->name);
    return lh_private_call(p->e,
                           &(lh_call){.name = call->name,
                                      .args = args->out.data,
                                      .args_len = args->out.len,
                                      .vars = call->vars,
                                      .n_vars = call->n_vars,
                                      .models = list,
                                      .n_models = n,
                                      .role = call->role},
                           out);
}

static const char *problem_of(const lg_engine *e, lg_var *const *params, size_t i)
{
    if (!params[i] || !lg__inside_is_own(e, params[i]))
        return "is no variable of this engine";
    if (lg_var_op(params[i]) != LG_OP_LEAF || !lg_var_grad(params[i]))
        return "is no leaf that requires grad";
    for (size_t k = 0; k < i; k++) {
        if (params[k] == params[i])
            return "is given twice";
    }
    return NULL;
}

int lg__host_params(lg_engine *e, lg_var *const *params, size_t n, const char *where)
{
    enum { MOST = 1024 };
    if (!params || n == 0 || n > MOST)
        return lg__host_refuse(e, LG_EINVAL, "%s: give 1 to %d parameters", where, MOST);
    for (size_t i = 0; i < n; i++) {
        const char *why = problem_of(e, params, i);
        if (why)
            return lg__host_refuse(e, LG_EINVAL, "%s: parameter %zu %s", where, i + 1, why);
    }
    return LG_OK;
}
