/* front_base.c - what every file of the front door needs: errors told to the host, waking. */
#include <stdio.h>

#include "front/front_internal.h"

int lg__engine_error(lg_engine *e, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->errmsg, sizeof e->errmsg, fmt, ap);
    va_end(ap);
    e->errfield = NULL;
    return code;
}

int lg__engine_null(lg_engine *e)
{
    return lg__engine_error(e, LG_EINVAL, "an argument is NULL that must not be");
}

const char *lg_engine_errmsg(const lg_engine *e)
{
    return e->errmsg;
}

const char *lg_engine_errfield(const lg_engine *e)
{
    return e->errfield;
}

void lg__engine_touch(lg_engine *e)
{
    if (e->in_step || e->woken)
        return;
    e->woken = true;
    lg__loop_wakeup(e->loop);
}
