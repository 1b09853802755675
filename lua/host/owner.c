/* owner.c - who asks the host: a loss, an optimizer or a job, with the tools that do it. */
#include <string.h>

#include "host/hosted.h"

static int add_tool(lg_owner *o, int k, bool by_event)
{
    static const char *const names[LG_QUERIES] = {"program", "evaluate", "score", "check"};
    if (!o->fns[k] && !by_event)
        return LG_OK;
    return lg__function_new(o->home->e, names[k], NULL, o->tag, o->fns[k] ? lg__query_ask : NULL,
                            o->home->e, &o->tools[k]);
}

static int add_tools(lg_owner *o, const lg_owner_config *cfg)
{
    int err = LG_OK;
    for (int k = 0; k < LG_QUERIES && !err; k++) {
        o->fns[k] = cfg->fns[k];
        err = add_tool(o, k, (cfg->by_event & 1U << k) != 0);
    }
    return err;
}

int lg__owner_new(lg_hosted *p, const lg_owner_config *cfg, size_t size,
                  const lg_owner_class *class, void *out)
{
    lg_owner *o = lg__host_new(p, size);
    if (!o)
        return lg__host_refuse(p->e, LG_ENOMEM, "out of memory");
    *o = (lg_owner){.home = p,
                    .number = ++p->last_number,
                    .tag = cfg->tag,
                    .ud = cfg->ud,
                    .class = class,
                    .size = size,
                    .next = p->owners};
    p->owners = o;
    int err = add_tools(o, cfg);
    if (err)
        lg__owner_free(o);
    else
        *(lg_owner **)out = o;
    return err;
}

void lg__owner_free(lg_owner *o)
{
    for (lg_owner **at = &o->home->owners; *at; at = &(*at)->next) {
        if (*at == o) {
            *at = o->next;
            break;
        }
    }
    lg__queries_drop(o->home, o);
    for (int k = 0; k < LG_QUERIES; k++)
        lg_tool_unref(o->tools[k]);
    if (o->class->release)
        o->class->release(o);
    lg_hosted *home = o->home;
    bool last = !home->state && !home->owners && !home->closing;
    lg__host_free(home, o, o->size);
    if (last)
        lg__host_free(home, home, sizeof *home);
}

/* Losses are nobody's to free. */
void lg__hosted_free(lg_hosted *p, bool all)
{
    if (!p)
        return;
    p->state = NULL;
    p->closing = true;
    lg__queries_drop(p, NULL);
    for (lg_owner *o = p->owners, *next; o; o = next) {
        next = o->next;
        if (o->class->died && !all)
            o->class->died(o);
        else if (!o->class->held || all)
            lg__owner_free(o);
    }
    p->closing = false;
    if (!p->owners)
        lg__host_free(p, p, sizeof *p);
}
