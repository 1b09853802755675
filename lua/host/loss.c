/* loss.c - losses of the host: a call into the private state each (lua/lunagrad/host/loss.lua). */
#include <string.h>

#include "host/hosted.h"

static int check(lg_engine *e, const lg_var *answer, const char *text, lg_var *const *out,
                 const char *where)
{
    if (!answer || !lg__inside_is_own(e, answer) || !text || !out) {
        return lg__host_refuse(e, LG_EINVAL, "%s: a variable of this engine, a text and an out",
                               where);
    }
    if (lg__args_bad(&text, 1))
        return lg__host_refuse(e, LG_EUTF8, "%s: a text is not UTF-8", where);
    return LG_OK;
}

static int by_model(lg_engine *e, const char *name, const char *where, lg_var *answer,
                    const char *instruction, lg_model *judge, lg_var **out)
{
    lg_hosted *p;
    lg_args a;
    int err = check(e, answer, instruction, out, where);
    if (!err && judge && !lg__inside_is_own_model(e, judge))
        err = lg__host_refuse(e, LG_EINVAL, "%s: the judge is another engine's", where);
    if (!err)
        err = lg__hosted_open(e, &p);
    if (err)
        return err;
    lg_host_call c = {.name = name,
                      .vars = &answer,
                      .n_vars = 1,
                      .models = {[LG_JUDGE] = judge},
                      .role = "judgement"};
    lg__args_begin(p, &a);
    lg__args_word(&a, "instruction", instruction);
    err = lg__host_call(p, &c, &a, out);
    lg__args_free(&a);
    return err;
}

int lg_loss_critic(lg_engine *e, lg_var *answer, const char *instruction, lg_model *judge,
                   lg_var **out)
{
    LG_INSIDE(e);
    return by_model(e, "loss.critic", "lg_loss_critic", answer, instruction, judge, out);
}

int lg_loss_judge(lg_engine *e, lg_var *answer, const char *instruction, lg_model *judge,
                  lg_var **out)
{
    LG_INSIDE(e);
    return by_model(e, "loss.judge", "lg_loss_judge", answer, instruction, judge, out);
}

int lg_loss_exact(lg_engine *e, lg_var *answer, const char *target, bool number, lg_var **out)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_args a;
    int err = check(e, answer, target, out, "lg_loss_exact");
    if (!err)
        err = lg__hosted_open(e, &p);
    if (err)
        return err;
    lg_host_call c = {.name = "loss.exact", .vars = &answer, .n_vars = 1, .role = "score"};
    lg__args_begin(p, &a);
    lg__args_word(&a, "target", target);
    lg__args_true(&a, "number", number);
    err = lg__host_call(p, &c, &a, out);
    lg__args_free(&a);
    return err;
}

/* Nobody has its handle. */
static const lg_owner_class of_losses = {.held = false, .over = lg__owner_free};

/* Its owner goes when the loss has settled: feedback is what was said then. */
int lg_loss_score(lg_engine *e, lg_var *answer, const char *purpose, lg_query_fn fn, void *ud,
                  uint64_t tag, lg_var **out)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_args a;
    lg_owner_config asks = {.tag = tag, .ud = ud, .fns = {[2] = fn}};
    int err = check(e, answer, purpose ? purpose : "", out, "lg_loss_score");
    if (!err)
        err = lg__hosted_open(e, &p);
    if (err)
        return err;
    asks.by_event = fn ? 0 : LG_QUERY_SCORE;
    lg_owner *o;
    err = lg__owner_new(p, &asks, sizeof *o, &of_losses, &o);
    if (err)
        return err;
    lg_host_call c = {.name = "loss.score", .vars = &answer, .n_vars = 1, .role = "score"};
    lg__args_begin(p, &a);
    lg__args_int(&a, "owner", (int64_t)o->number);
    lg__args_word(&a, "purpose", purpose);
    err = lg__host_call(p, &c, &a, out);
    lg__args_free(&a);
    if (err)
        lg__owner_free(o);
    return err;
}
