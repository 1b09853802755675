/* front_base.c - what every file of the front door needs: errors told to the host, waking. */
#include <stdio.h>

#include "front/front_internal.h"

/* What a script runs into is not the host's to hear. */
static struct lg_last_error *said_to(const lg_engine *e)
{
    bool inside = e->graph.party != &e->graph.host_party;
    return (struct lg_last_error *)&e->said[inside || lg__door_is_own(e->door)];
}

int lg__engine_error(lg_engine *e, int code, const char *fmt, ...)
{
    struct lg_last_error *to = said_to(e);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(to->errmsg, sizeof to->errmsg, fmt, ap);
    va_end(ap);
    to->errfield = NULL;
    return code;
}

void lg__engine_errfield(lg_engine *e, const char *field)
{
    said_to(e)->errfield = field;
}

int lg__engine_null(lg_engine *e)
{
    return lg__engine_error(e, LG_EINVAL, "an argument is NULL that must not be");
}

const char *lg_engine_errmsg(const lg_engine *e)
{
    LG_GUARD(e->door);
    return said_to(e)->errmsg;
}

const char *lg_engine_errfield(const lg_engine *e)
{
    LG_GUARD(e->door);
    return said_to(e)->errfield;
}

void lg__engine_touch(lg_engine *e)
{
    if (lg__thread_is_host(e)) {
        lg__thread_look(e);
    } else if (!e->in_step && !e->woken) {
        e->woken = true;
        lg__loop_wakeup(e->loop);
    }
}
