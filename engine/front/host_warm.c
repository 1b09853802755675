/* host_warm.c - what a host has done before it is needed: libraries loaded, certificates read,
 * connections made.
 *
 * A connection is made by a request that asks for nothing (HEAD) and is waited for by nobody. */
#include <string.h>

#include "front/front_internal.h"

enum { MOST = 256 }; /* connections to one server that are asked for at once */

struct lg_warm { /* a request that only connects; its attempt names none of the scheduler's */
    lg_attempt attempt;
    lg_warm *next;
    size_t size; /* of this block */
    char url[];  /* the transfer looks at it until it has ended */
};

struct lg_preconnect { /* asked for by the host */
    lg_preconnect *next;
    int n;
    char url[];
};

int lg__warm_load(lg_engine *e)
{
    const char *why = NULL;
    int err = lg__call_ensure_http(e);
    if (err)
        return lg__engine_error(e, err, "%s", lg_error_text(err));
    err = lg__http_preload(e->http, &why);
    why = why ? why : lg_error_text(err);
    if (err && e->thread)
        lg__log_line(&e->log, LG_LOG_ERROR, "%s", why);
    return err ? lg__engine_error(e, err, "%s", why) : LG_OK;
}

int lg_engine_preload(lg_engine *e)
{
    LG_GUARD(e->door);
    if (!e->thread)
        return lg__warm_load(e);
    e->preload = true; /* not at once by a script on the thread: the host may come in meanwhile */
    lg__engine_touch(e);
    return LG_OK;
}

/* ---- asked for ------------------------------------------------------------------------ */

static lg_preconnect *wanted_of(lg_engine *e, const char *url)
{
    lg_preconnect *p = e->preconnect;
    while (p && strcmp(p->url, url) != 0)
        p = p->next;
    if (p)
        return p;
    size_t n = strlen(url) + 1;
    p = lg__mem_zero(&e->mem, sizeof *p + n);
    if (p) {
        memcpy(p->url, url, n);
        p->next = e->preconnect;
        e->preconnect = p;
    }
    return p;
}

int lg_engine_preconnect(lg_engine *e, lg_model *m, int n)
{
    LG_GUARD(e->door);
    if (!m)
        return lg__engine_null(e);
    if (n < 0 || m->engine != e) {
        return lg__engine_error(e, LG_EINVAL, "%s",
                                n < 0 ? "less than no connections"
                                      : "the model is another engine's");
    }
    if (!m->provider || !m->base_url)
        return lg__engine_error(e, LG_EBADREQUEST, "%s has no server", m->name);
    lg_preconnect *p = n > 0 ? wanted_of(e, m->base_url) : NULL;
    if (n > 0 && !p)
        return lg__engine_error(e, LG_ENOMEM, "no memory to connect");
    if (p)
        p->n = n < MOST ? n : MOST;
    lg__engine_touch(e);
    return LG_OK;
}

static void forget(lg_engine *e, lg_preconnect *p)
{
    lg_preconnect **at = &e->preconnect;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    lg__mem_free(&e->mem, p, sizeof *p + strlen(p->url) + 1);
}

/* ---- made ------------------------------------------------------------------------------ */

static lg_warm *warm_of(lg_attempt *a)
{
    return LG_OF(a, lg_warm, attempt);
}

static void release(lg_engine *e, lg_warm *w)
{
    lg_warm **at = &e->warm;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    lg__attempt_free(&w->attempt);
    lg__mem_free(&e->mem, w, w->size);
}

static bool connect_to(lg_engine *e, const char *url)
{
    lg_transfer *t;
    size_t n = strlen(url) + 1;
    lg_warm *w = lg__mem_zero(&e->mem, sizeof *w + n);
    if (!w)
        return false;
    w->size = sizeof *w + n;
    memcpy(w->url, url, n);
    lg_http_request h = {.method = "HEAD",
                         .url = w->url,
                         .headers = "",
                         .connect_timeout_ms = e->connect_timeout_ms,
                         .first_byte_timeout_ms = e->connect_timeout_ms,
                         .total_timeout_ms = e->connect_timeout_ms,
                         .fresh = true};
    lg__attempt_init(&w->attempt, &e->mem, e->max_reply_bytes);
    w->next = e->warm;
    e->warm = w;
    int err = lg__call_ensure_http(e);
    err = err ? err : lg__http_start(e->http, &h, &w->attempt, &t);
    if (err)
        release(e, w);
    return err == LG_OK;
}

bool lg__warm_begin(lg_engine *e)
{
    lg_preconnect *p = e->preconnect;
    if (!p)
        return false;
    p->n = connect_to(e, p->url) ? p->n - 1 : 0;
    if (p->n <= 0)
        forget(e, p);
    return e->preconnect != NULL;
}

/* What came of it does not matter. */
void lg__warm_ended(lg_engine *e, lg_attempt *a)
{
    release(e, warm_of(a));
}

void lg__warm_free(lg_engine *e)
{
    while (e->preconnect)
        forget(e, e->preconnect);
    while (e->warm)
        release(e, e->warm);
}
