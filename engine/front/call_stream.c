/* call_stream.c - streamed answers as they come, for those who want to watch.
 *
 * Only for looking, but that one who says the same over and over may be broken off: the answer
 * itself is decoded from the whole body, stored and settled
 * like any other. A call that watches gets LG_EVENT_PARTIAL for each piece, in order, and
 * the rest when it settles, so that the pieces joined are the answer; an attempt that
 * failed in the middle begins anew. */
#include <string.h>

#include "front/front_internal.h"
#include "base/media.h"
#include "model/provider.h"

/* ---- requests under way ------------------------------------------------ */

struct lg_stream { /* of a request whose attempt is on the wire */
    lg_request *request;
    struct lg_hearing *hearing;
    size_t heard; /* bytes of the body */
    bool stopped; /* it said the same over and over, and was broken off */
    lg_stream *prev, *next;
};

void lg__stream_started(lg_engine *e, lg_request *r)
{
    lg_stream *x = r->stream ? lg__mem_zero(&e->mem, sizeof *x) : NULL;
    if (!x || lg__hearing_new(&e->mem, r->model, &x->hearing)) {
        lg__mem_free(&e->mem, x, sizeof *x); /* the answer comes without being watched */
        return;
    }
    x->request = r;
    x->next = e->streams;
    if (x->next)
        x->next->prev = x;

    e->streams = r->watched = x;
}

void lg__stream_ended(lg_engine *e, lg_request *r)
{
    lg_stream *x = r->watched;
    if (!x)
        return;

    *(x->prev ? &x->prev->next : &e->streams) = x->next;
    if (x->next)
        x->next->prev = x->prev;

    lg__hearing_free(x->hearing);
    lg__mem_free(&e->mem, x, sizeof *x);
    r->watched = NULL;
}

/* ---- what the host is told --------------------------------------------- */

static void announce(lg_node *n)
{
    lg_call_data *c = n->u.call;
    if (c->announced || n->out->party->closed)
        return;

    c->announced = true;
    LG_QUEUE_PUSH(&n->out->party->partials, n, u.call->next_partial);
    lg_var_ref(n->out);
}

static void stop(lg_engine *e, lg_stream *x)
{
    lg_attempt *a = x->request->attempt;
    x->stopped = a->carrier->stop && a->carrier->stop(e, a);
    if (x->stopped) {
        lg__log_line(&e->log, LG_LOG_WARN,
                     "%s: the answer says the same over and over, so it was broken off after %zu "
                     "bytes",
                     x->request->model->name, x->heard);
    }
}

static void listen(lg_engine *e, lg_stream *x)
{
    const char *data;
    const lg_attempt *a = x->request->attempt;
    size_t len = a->carrier->so_far(a, &data);
    size_t before, after, begin, moved;
    (void)lg__hearing_text(x->hearing, &before, &begin);
    if (len > x->heard) {
        lg__hearing_feed(x->hearing, data + x->heard, len - x->heard);
        x->heard = len;
    }
    if (!x->stopped && lg__hearing_repeats(x->hearing))
        stop(e, x);
    (void)lg__hearing_text(x->hearing, &after, &moved);
    if (after == before && moved == begin)
        return;

    for (lg_node *n = x->request->waiters; n; n = n->u.call->next_waiting) {
        if (n->u.call->stream)
            announce(n);
    }
}

bool lg__stream_listen(lg_engine *e)
{
    bool stopped = false;
    for (lg_stream *x = e->streams; x; x = x->next) {
        const lg_attempt *a = x->request->attempt;
        bool before = x->stopped;
        if (a && a->load)
            listen(e, x);
        stopped = stopped || x->stopped != before;
    }
    return stopped;
}

void lg__stream_settled(lg_node *n)
{
    const lg_text *t = n->out->text;
    if (t && t->media == LG_MEDIA_TEXT && t->len > 0)
        announce(n);
}

/* What n has to say that was not said: of the answer, or of the stream so far. */
static bool fill(lg_party *p, lg_node *n)
{
    lg_call_data *c = n->u.call;
    const lg_request *r = c->request;
    const char *text = n->out->text ? n->out->text->data : NULL;
    size_t len = n->out->text ? n->out->text->len : 0;
    if (n->out->state == LG_PENDING && r && r->watched) {
        size_t begin;
        text = lg__hearing_text(r->watched->hearing, &len, &begin);
        len = lg__text_border(text ? text : "", len);
        c->restart =
            c->restart || (c->streamed > 0 && (c->attempt != r->attempts || c->begin != begin));
        c->attempt = r->attempts;
        c->begin = begin;
    }
    if (!text || (n->out->text && n->out->text->media))
        return false;

    c->restart = c->restart || c->streamed > len;
    size_t from = c->restart ? 0 : c->streamed;
    if (from == len && !c->restart)
        return false;

    p->partial.len = 0;
    p->partial.err = 0;
    if (lg__bytes_add(&p->partial, text + from, len - from))
        return false; /* it comes with the next piece */

    c->streamed = len;
    return true;
}

bool lg__stream_next(lg_party *p)
{
    for (;;) {
        lg_node *n;
        LG_QUEUE_POP(&p->partials, n, u.call->next_partial);
        if (!n)
            return false;

        lg_call_data *c = n->u.call;
        c->announced = false;
        if (fill(p, n)) {
            p->event = (lg_event){.size = sizeof p->event,
                                  .type = LG_EVENT_PARTIAL,
                                  .id = n->out->id,
                                  .tag = c->tag,
                                  .var = n->out,
                                  .text = p->partial.data ? p->partial.data : "",
                                  .len = p->partial.len,
                                  .restart = c->restart};
            p->event_var = n->out; /* its count comes along */
            c->restart = false;
            return true;
        }
        lg_var_unref(n->out);
    }
}

void lg__streams_free(lg_engine *e)
{
    while (e->streams)
        lg__stream_ended(e, e->streams->request);
}
