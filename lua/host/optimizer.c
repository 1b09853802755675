/* optimizer.c - lg.optim.tgd for hosts: lua/lunagrad/host/optimizer.lua has the optimizer, this its
 * handle. */
#include <string.h>

#include "host/hosted.h"

struct lg_optimizer {
    lg_owner owner;
    lg_model *model;
    lg_var *step; /* counted: the last one's report; NULL */
    size_t n_params;
    lg_var *params[]; /* counted */
};

void lg_optimizer_config_init_size(lg_optimizer_config *cfg, size_t size)
{
    lg__args_init(cfg, size);
}

static int check_texts(lg_engine *e, const lg_optimizer_config *c)
{
    enum { MOST = 1024 };
    if ((c->n_constraints && !c->constraints) || (c->n_examples && !c->examples) ||
        c->n_constraints > MOST || c->n_examples > MOST)
        return lg__host_refuse(e, LG_EINVAL, "lg_optimizer_new: a list is missing, or too long");
    for (size_t i = 0; i < c->n_constraints; i++) {
        if (!c->constraints[i])
            return lg__host_refuse(e, LG_EINVAL, "lg_optimizer_new: constraint %zu is NULL", i + 1);
    }
    for (size_t i = 0; i < c->n_examples; i++) {
        if (!c->examples[i])
            return lg__host_refuse(e, LG_EINVAL, "lg_optimizer_new: example %zu is NULL", i + 1);
    }
    if (lg__args_bad(c->constraints, c->n_constraints) ||
        lg__args_bad(c->examples, c->n_examples) || lg__args_bad(&c->check_words, 1))
        return lg__host_refuse(e, LG_EUTF8, "lg_optimizer_new: a text is not UTF-8");
    return lg__args_object(e, c->options, "lg_optimizer_new: options");
}

static int check(lg_engine *e, const lg_optimizer_config *c)
{
    int err = lg__host_params(e, c->params, c->n_params, "lg_optimizer_new");
    if (err)
        return err;
    if (c->model && !lg__inside_is_own_model(e, c->model))
        return lg__host_refuse(e, LG_EINVAL, "lg_optimizer_new: the model is another engine's");
    if (c->momentum < 0 || c->memory < 0)
        return lg__host_refuse(e, LG_EINVAL, "lg_optimizer_new: momentum and memory are 0 or more");
    if (c->check && c->query_check)
        return lg__host_refuse(e, LG_EINVAL, "lg_optimizer_new: check is a callback, or by event");
    return check_texts(e, c);
}

static size_t size_of(size_t n)
{
    return sizeof(lg_optimizer) + n * sizeof(lg_var *);
}

static int call(lg_optimizer *o, const char *name, const lg_optimizer_config *cfg, lg_var **out)
{
    lg_args a;
    lg_hosted *p = o->owner.home;
    lg_host_call c = {.name = name,
                      .vars = o->params,
                      .n_vars = o->n_params,
                      .models = {[LG_OPTIMIZER] = o->model},
                      .role = "report of the optimizer"};
    if (!p->state)
        return lg__host_refuse(p->e, LG_ESTATE, "the optimizer has died of memory");
    lg__args_begin(p, &a);
    lg__args_int(&a, "owner", (int64_t)o->owner.number);
    if (cfg) {
        lg__args_words(&a, "constraints", cfg->constraints, cfg->n_constraints);
        lg__args_words(&a, "examples", cfg->examples, cfg->n_examples);
        lg__args_true(&a, "check", o->owner.tools[3] != NULL);
        lg__args_word(&a, "check_words", cfg->check_words);
        lg__args_some(&a, "momentum", cfg->momentum);
        lg__args_some(&a, "memory", cfg->memory);
        lg__args_json(&a, "options", cfg->options);
    }
    int err = lg__host_call(p, &c, &a, out);
    lg__args_free(&a);
    return err;
}

static void release(lg_owner *owner)
{
    lg_optimizer *o = (lg_optimizer *)owner;
    for (size_t i = 0; i < o->n_params; i++)
        lg_var_unref(o->params[i]);
    lg_model_unref(o->model);
    lg_var_unref(o->step);
}

static const lg_owner_class of_optimizers = {.held = true, .release = release};

static int make(lg_hosted *p, const lg_optimizer_config *c, lg_optimizer **out)
{
    lg_var *made = NULL;
    lg_optimizer *o;
    lg_owner_config asks = {.tag = c->tag,
                            .ud = c->ud,
                            .fns = {[3] = c->check},
                            .by_event = c->query_check ? LG_QUERY_CHECK : 0};
    int err = lg__owner_new(p, &asks, size_of(c->n_params), &of_optimizers, &o);
    if (err)
        return err;
    o->model = lg_model_ref(c->model);
    o->n_params = c->n_params;
    for (size_t i = 0; i < c->n_params; i++)
        o->params[i] = lg_var_ref(c->params[i]);
    err = call(o, "optimizer.new", c, &made);
    if (err) {
        lg__owner_free(&o->owner);
        return err;
    }
    lg_var_unref(made);
    *out = o;
    return LG_OK;
}

int lg_optimizer_new(lg_engine *e, const lg_optimizer_config *cfg, lg_optimizer **out)
{
    LG_INSIDE(e);
    lg_optimizer_config c;
    lg_hosted *p;
    if (!cfg || !out || !lg__args_sized(&c, sizeof c, cfg)) {
        return lg__host_refuse(e, LG_EINVAL,
                               "lg_optimizer_new needs lg_optimizer_config_init, and an out");
    }
    int err = check(e, &c);
    if (!err)
        err = lg__hosted_open(e, &p);
    return err ? err : make(p, &c, out);
}

int lg_optimizer_step(lg_optimizer *o, lg_var **report)
{
    LG_INSIDE(o ? o->owner.home->e : NULL);
    lg_engine *e = o->owner.home->e;
    lg_var *v = NULL;
    if (!report)
        return lg__host_refuse(e, LG_EINVAL, "lg_optimizer_step needs an out");
    if (o->step && lg_var_state(o->step) == LG_PENDING)
        return lg__host_refuse(e, LG_ESTATE, "the step before is not over");
    int err = call(o, "optimizer.step", NULL, &v);
    if (err)
        return err;
    lg_var_unref(o->step);
    o->step = lg_var_ref(v);
    *report = v;
    return LG_OK;
}

int lg_optimizer_zero_grad(lg_optimizer *o)
{
    LG_INSIDE(o ? o->owner.home->e : NULL);
    for (size_t i = 0; i < o->n_params; i++) {
        int err = lg_var_zero_grad(o->params[i]);
        if (err)
            return err;
    }
    return LG_OK;
}

void lg_optimizer_free(lg_optimizer *o)
{
    LG_INSIDE(o ? o->owner.home->e : NULL);
    lg_var *gone = NULL;
    if (!o)
        return;
    if (o->step && lg_var_state(o->step) == LG_PENDING)
        lg_var_cancel(o->step);
    if (call(o, "optimizer.forget", NULL, &gone) == LG_OK)
        lg_var_unref(gone);
    lg__owner_free(&o->owner);
}
