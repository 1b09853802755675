/* call_send.c - attempts leave: over HTTP, to a program, or to the host.
 *
 * By what an attempt goes is its carrier; nobody else asks which. One that could not begin
 * has ended like any other: it waits in a list for the pump. */
#include <string.h>

#include "front/front_internal.h"
#include "model/provider.h"

/* ---- carriers ------------------------------------------------------------------- */

/* Late, because libcurl and OpenSSL take megabytes that a host which only uses its own
 * models never needs. */
int lg__call_ensure_http(lg_engine *e)
{
    lg_http_config http = {
        .ca_file = e->ca_file,
        .ca_path = e->ca_path,
        .proxy = e->proxy,
        .http2 = e->http2,
        .door = e->door,
    };
    return e->http ? LG_OK : lg__http_new(&e->mem, e->loop, &e->log, &http, &e->http);
}

/* What a twin says is its first attempt's. */
static int start_http(lg_engine *e, lg_attempt *a)
{
    lg_transfer *t = NULL;
    const lg_request *r = a->request, *says = r->is_twin ? r->twin : r;
    lg_http_request h = {
        .method = r->model->provider->get ? "GET" : "POST",
        .url = says->url.data,
        .headers = says->headers.data ? says->headers.data : "",
        .body = says->body.data,
        .body_len = says->body.len,
        .connect_timeout_ms = e->connect_timeout_ms,
        .first_byte_timeout_ms = e->first_byte_timeout_ms,
        .total_timeout_ms = e->total_timeout_ms,
    };
    bool loads = !e->http;
    int err = lg__call_ensure_http(e);
    if (!err && loads && !r->waiters && !r->is_twin)
        err = LG_ECANCELLED; /* by a host that looked in while libcurl was loaded */
    err = err ? err : lg__http_start(e->http, &h, a, &t);
    a->load = t;
    return err;
}

static void cancel_http(lg_engine *e, lg_attempt *a)
{
    (void)e;
    lg__http_cancel(a->load);
}

static size_t http_so_far(const lg_attempt *a, const char **data)
{
    return lg__http_so_far(a->load, data);
}

static bool stop_http(lg_engine *e, lg_attempt *a)
{
    (void)e;
    if (!lg__http_stop(a->load))
        return false;

    lg__attempt_break_off(a);
    return true;
}

/* A process takes the transfer's place: its end is a reply like a server's. */
static int start_program(lg_engine *e, lg_attempt *a)
{
    lg_process *p = NULL;
    const lg_request *r = a->request;
    lg_process_request q = {
        .command = r->model->model,
        .input = r->body.data,
        .input_len = r->body.len,
        .timeout_ms = e->total_timeout_ms,
    };
    int err = e->processes ? LG_OK : lg__processes_new(&e->mem, e->loop, &e->processes);
    err = err ? err : lg__process_start(e->processes, &q, a, &p);
    a->load = p;
    return err;
}

static void cancel_program(lg_engine *e, lg_attempt *a)
{
    (void)e;
    lg__process_cancel(a->load);
}

static int start_host(lg_engine *e, lg_attempt *a)
{
    lg_work *w = NULL;
    int err = lg__work_new(e, a->request->model->party, LG_EVENT_CALL, &w);
    if (!err)
        w->request = a->request;

    a->load = w;
    return err;
}

static void cancel_host(lg_engine *e, lg_attempt *a)
{
    lg__work_abandon(e, ((lg_work *)a->load)->id);
}

static const lg_carrier *carrier_of(const lg_model *m)
{
    static const lg_carrier http = {start_http, cancel_http, http_so_far, stop_http};
    static const lg_carrier program = {start_program, cancel_program, NULL, NULL};
    static const lg_carrier host = {start_host, cancel_host, NULL, NULL};
    return !m->provider ? &host : m->provider->process ? &program : &http;
}

/* ---- sending ---------------------------------------------------------------------- */

static void not_started(lg_engine *e, lg_attempt *a, int err)
{
    const lg_request *r = a->request;
    if (err == LG_EINVAL)
        lg__fail_set(&a->fail, &e->mem, err, "bad URL: %.200s", r->url.data ? r->url.data : "");
    else
        lg__fail_set(&a->fail, &e->mem, err, "cannot start a request: %s", lg_error_text(err));

    lg__entries_push(&e->unstarted, lg__entry_of(a));
}

void lg__call_send(lg_engine *e, lg_attempt *a)
{
    lg_request *r = a->request;
    a->carrier = carrier_of(r->model);
    int err = a->carrier->start(e, a);
    if (err) {
        not_started(e, a, err);
        return;
    }
    if (a->carrier->so_far)
        lg__stream_started(e, r);

    if (r->model->hedge_budget > 0) {
        int64_t late = lg__sched_late(r);
        e->hedge_due = late < e->hedge_due ? late : e->hedge_due;
    }
}

void lg__call_refuse(lg_engine *e, lg_request *r, int code, const char *text)
{
    lg__sched_refuse(e->sched, r, code, text);
    const lg_fail *why = e->store ? lg__store_why(e->store) : NULL;
    if (code == LG_ESTORE && why && why->hint)
        lg__fail_hint(&r->reply.fail, &e->mem, "%s", why->hint->data);

    if (!r->listed) /* else it is told and freed when its last entry is let go */
        lg__call_attempted(e, r, LG_REQ_FAILED);
}

/* 0; LG_ESTORE: the store takes nothing more; LG_ENOMEM. Where an end is kept, it is noted
 * before it leaves; what the host's models answer is not kept. */
static int go(lg_engine *e, lg_request *r)
{
    bool kept = e->store && r->model->provider;
    if (kept && !lg__turn_takes(e))
        return LG_ESTORE;

    lg_attempt *a = lg__entry_new(e, r);
    if (!a)
        return LG_ENOMEM;

    if (kept)
        lg__turn_pick(e, a);
    else
        lg__call_send(e, a);

    return LG_OK;
}

void lg__call_go(lg_engine *e, lg_request *r)
{
    int err = go(e, r);
    if (err == LG_ESTORE)
        lg__call_refuse(e, r, err, lg__fail_message(lg__store_why(e->store)));
    else if (err)
        lg__call_refuse(e, r, err, "no memory to note the request");
}

bool lg__call_go_twin(lg_engine *e, lg_request *twin)
{
    return go(e, twin) == LG_OK;
}
