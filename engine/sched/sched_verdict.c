/* sched_verdict.c - what an ended attempt means: done, again, repaired, given up.
 *
 * Retries, in short: only what may work later (the provider's judgement), at most
 * max_attempts tries, or 3 where nobody was ever there or answers are empty; full-jitter
 * back-off from 0.5 s doubling to 30 s; the server's delay is a minimum, and one above 120 s ends
 * the call; when more than a tenth of the last minute's requests were retries,
 * back-offs are twice as long. A refused body field is taken out or renamed and
 * sent again at once, which is no retry. */
#include <string.h>
#include <time.h>

#include "model/provider_wire.h"
#include "sched/sched_internal.h"

#define NO_SYSTEM "takes no system messages; from now on they begin the user's first message"
#define NO_FORMAT \
    "does not take the form of an answer (response_format); from now on it is told in words alone"

enum { MAX_REPAIRS = 4, STRANGER_TRIES = 3, EMPTY_TRIES = 3 };
static const int64_t FIRST_US = 500000, LONGEST_US = 30000000;

/* ---- back-off ---------------------------------------------------------- */

static uint64_t splitmix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* In [0, 1), of seed, key and try alone: the same whatever arrived when. */
static double jitter(uint64_t seed, const unsigned char key[32], int try)
{
    uint64_t k = 0;
    for (int i = 0; i < 8; i++)
        k = k << 8 | key[i];

    uint64_t x = splitmix(splitmix(seed ^ k) + (uint64_t)try);
    return (double)(x >> 11) * 0x1p-53;
}

/* Tries that count: an attempt whose field was repaired does not, nor does a hedge. */
static int tries(const lg_request *r)
{
    return r->attempts - r->repairs - r->hedges;
}

static int64_t backoff_us(lg_sched *s, const lg_request *r, int64_t now)
{
    int64_t longest = FIRST_US, server = r->reply.fail.retry_after_ms * 1000;
    for (int i = 1; i < tries(r) && longest < LONGEST_US; i++)
        longest *= 2;

    longest = longest < LONGEST_US ? longest : LONGEST_US;
    longest *= lg__window_overspent(&s->window, now) ? 2 : 1;
    double part = jitter(s->cfg.seed, r->key, tries(r));
    int64_t us = (int64_t)(part * (double)longest);
    /* Spread behind the server's moment, or all who heard it come back at once. */
    return us >= server ? us : server + (int64_t)(part * (double)server / 8);
}

/* ---- words ------------------------------------------------------------- */

/* Another message for the same failure; without memory the old one stays. */
static void take_message(lg_fail *f, lg_fail *said)
{
    if (said->message) {
        lg__text_unref(f->message);
        f->message = lg__text_ref(said->message);
    }
    lg__fail_free(said);
}

static void say_moment(char to[32], int64_t wait_ms)
{
    time_t at = time(NULL) + (time_t)(wait_ms / 1000);
    struct tm tm;
    to[0] = '\0';
    if (gmtime_r(&at, &tm))
        strftime(to, 32, "%Y-%m-%d %H:%M UTC", &tm);
}

/* Until when a call would have had to wait that was not ready to wait so long. */
static void explain_wait(lg_sched *s, lg_request *r)
{
    lg_fail *f = &r->reply.fail, said;
    char until[32];
    bool daily = r->reply.daily;
    lg__fail_init(&said);
    if ((f->retryable || daily) && f->retry_after_ms > LG_PATIENCE_MS) {
        say_moment(until, f->retry_after_ms);
        lg__fail_set(
            &said, s->mem, f->code,
            "%s; it asks to wait %lld s, until %s, and more than %lld s are not waited for",
            lg__fail_message(f), (long long)((f->retry_after_ms + 999) / 1000), until,
            (long long)LG_PATIENCE_MS / 1000);
        take_message(f, &said);
    } else if (daily) {
        lg__fail_set(&said, s->mem, f->code,
                     "%s; a cap of a day or longer, and it does not say until when",
                     lg__fail_message(f));
        take_message(f, &said);
    }
}

/* What makes these prompts long is what they remember, which has a budget. */
static void hint_of_length(lg_sched *s, lg_request *r)
{
    if (r->reply.fail.code != LG_ECONTEXT || (r->kind != LG_BACKWARD && r->kind != LG_OPTIMIZER))
        return;

    lg__fail_hint(
        &r->reply.fail, s->mem,
        r->kind == LG_OPTIMIZER
            ? "lower the optimizer's context_tokens (24000 if you state none), or take a "
              "model with a larger context"
            : "lower backward's context_tokens (24000 if you state none), or take a model "
              "with a larger context");
}

static void explain_end(lg_sched *s, lg_request *r)
{
    lg_fail *f = &r->reply.fail, said;
    lg__fail_init(&said);
    explain_wait(s, r);
    hint_of_length(s, r);
    if (tries(r) > 1) {
        lg__fail_set(&said, s->mem, f->code, "gave up after %d tries; the last: %s", tries(r),
                     lg__fail_message(f));
        take_message(f, &said);
    }
}

/* ---- repair ------------------------------------------------------------ */

static bool sends(const lg_request *r, const char *field)
{
    for (size_t i = 0; i < r->n_options; i++) {
        const char *name = lg__wire_name(r->model, r->options[i].name);
        if (name && strcmp(name, field) == 0)
            return true;
    }
    /* What the dialects add by themselves. */
    return (r->stream && strcmp(field, "stream_options") == 0) ||
           (lg__request_has_tools(r) && strcmp(field, "include") == 0) ||
           strcmp(field, "encoding_format") == 0;
}

/* Encodes again. Whether the bytes are others than those that were refused. */
static bool writes_other(lg_sched *s, lg_request *r)
{
    lg_bytes old = r->body;
    lg__bytes_init(&r->body, s->mem, LG_BYTES_MAX);
    int err = lg__request_encode(r);
    bool other = !err && (old.len != r->body.len || memcmp(old.data, r->body.data, old.len) != 0);
    lg__bytes_free(&old);
    if (err) {
        lg__fail_set(&r->reply.fail, s->mem, err, "%s: the request could not be written again: %s",
                     r->model->name, lg_error_text(err));
    }
    return other;
}

static void log_repair(lg_sched *s, const lg_request *r, const char *from, const char *to)
{
    if (s->log && to) {
        lg__log_line(s->log, LG_LOG_WARN, "%s does not take %s; from now on it is sent as %s",
                     r->model->name, from, to);
    } else if (s->log) {
        lg__log_line(s->log, LG_LOG_WARN, "%s does not take %s; from now on it is left out",
                     r->model->name, from);
    }
}

/* Chat Completions refuses tools beside reasoning, and some models altogether. → whether the
 * model is asked by Responses from now on; what was asked keeps its key. */
static bool learns_responses(lg_sched *s, lg_request *r)
{
    lg_model *model = r->model;
    bool tools = lg__request_has_tools(r);
    bool effort = tools && strcmp(r->reply.bad_param, "reasoning_effort") == 0;
    int wanted = tools ? LG_RESPONSES_TOOLS : LG_RESPONSES_ALL;
    if (!(model->quirks & LG_QUIRK_RESPONSES) || !(effort || r->reply.elsewhere) ||
        (r->reply.fail.code != LG_EBADREQUEST && r->reply.fail.code != LG_ENOMODEL))
        return false;

    if (model->responses < wanted) {
        model->responses = wanted;
        if (s->log) {
            lg__log_line(s->log, LG_LOG_WARN, "%s is asked by the Responses API from now on%s",
                         model->name, tools ? " where tools are offered" : "");
        }
    }
    return true;
}

/* Whether the request is another one when the model has lost this as well; if so it has,
 * and it is said once. */
static bool loses(lg_sched *s, lg_request *r, unsigned what, const char *line)
{
    lg_model *model = r->model;
    unsigned before = model->learned;
    model->learned |= what;
    if (!writes_other(s, r)) {
        model->learned = before;
        return false;
    }
    if (model->learned != before && s->log)
        lg__log_line(s->log, LG_LOG_WARN, "%s %s", model->name, line);

    return true;
}

/* It was refused all the same: something else was wrong with the roles. → false */
static bool takes_back_roles(lg_sched *s, const lg_request *r)
{
    if (r->repairs > 0 && (r->model->learned & LG_LEARNED_NO_SYSTEM)) {
        r->model->learned &= ~(unsigned)LG_LEARNED_NO_SYSTEM;
        if (s->log) {
            lg__log_line(
                s->log, LG_LOG_WARN,
                "%s refuses the roles all the same; system messages are sent as such again",
                r->model->name);
        }
    }
    return false;
}

/* What is no field but a role, or the form of the answer: it is asked for in another way. */
static bool learns_form(lg_sched *s, lg_request *r)
{
    switch (r->reply.learn) {
    case LG_LEARN_DEVELOPER:
        return loses(s, r, LG_LEARNED_NO_DEVELOPER,
                     "takes no developer's messages; from now on they are sent as the system's");
    case LG_LEARN_SYSTEM:
        return loses(s, r, LG_LEARNED_NO_SYSTEM, NO_SYSTEM) || takes_back_roles(s, r);
    case LG_LEARN_OBJECT:
        return loses(s, r, LG_LEARNED_NO_SCHEMA,
                     "knows no JSON Schema (response_format); from now on it is told in words, and "
                     "JSON is asked for") ||
               loses(s, r, LG_LEARNED_NO_FORMAT, NO_FORMAT);
    case LG_LEARN_WORDS:
        return loses(s, r, LG_LEARNED_NO_FORMAT, NO_FORMAT);
    default:
        return false;
    }
}

/* Another call may have taught the model meanwhile: then the bytes differ, too. A
 * field that is refused again although it is gone ends the call. */
static bool loses_field(lg_sched *s, lg_request *r)
{
    const char *from = r->reply.bad_param;
    const char *to = r->reply.new_param[0] ? r->reply.new_param : NULL;
    int err = sends(r, from) ? lg__model_repair(r->model, from, to) : LG_ESTATE;
    if (err == LG_ENOMEM) {
        lg__fail_set(&r->reply.fail, s->mem, err, "%s: %s", r->model->name, lg_error_text(err));
        return false;
    }
    bool other = writes_other(s, r);
    if (err == LG_OK && other)
        log_repair(s, r, from, to);
    else if (err == LG_OK)
        lg__model_forget(r->model, from); /* the API cannot be asked without it */

    return other;
}

static bool is_repaired(lg_sched *s, lg_request *r)
{
    if (r->repairs == MAX_REPAIRS)
        return false;

    if (learns_responses(s, r))
        return writes_other(s, r);

    if (r->reply.learn != LG_LEARN_NOTHING)
        return learns_form(s, r);

    return r->reply.fail.code == LG_EBADREQUEST && r->reply.bad_param[0] && loses_field(s, r);
}

/* ---- verdict ----------------------------------------------------------- */

/* Where no model ever answered, a wrong address is likelier than a bad moment. A server that
 * took a request and is gone is one that starts again. */
static bool is_stranger(const lg_request *r)
{
    const lg_endpoint *ep = r->lane->endpoint;
    int code = r->reply.fail.code;
    bool nobody = code == LG_ECONNECT || code == LG_ERESOLVE;
    return !ep->answered && ((nobody && !ep->reached) || code == LG_EBADREPLY);
}

static int most_tries(const lg_sched *s, const lg_request *r)
{
    int code = r->reply.fail.code, most = s->cfg.max_attempts;
    bool few = is_stranger(r) || r->model->n_fallbacks > 0;
    most = few && most > STRANGER_TRIES ? STRANGER_TRIES : most;
    return code == LG_EEMPTY && most > EMPTY_TRIES ? EMPTY_TRIES : most; /* each is paid for */
}

static bool may_try_again(const lg_sched *s, const lg_request *r)
{
    const lg_fail *f = &r->reply.fail;
    return f->retryable && tries(r) < most_tries(s, r) && f->retry_after_ms <= LG_PATIENCE_MS;
}

/* Nor is the model asked again before the day's cap is, as the server says, whole again. */
static void refuse_day(lg_sched *s, const lg_request *r)
{
    if (r->reply.fail.retry_after_ms > 0) {
        lg__fail_copy(&r->lane->day, &r->reply.fail);
        r->lane->day_us = lg__clock_now(s->clock) + r->reply.fail.retry_after_ms * 1000;
    }
}

/* Nobody in line has to hear for himself that the key is wrong. */
static void remember_refusal(lg_sched *s, const lg_request *r)
{
    const lg_fail *f = &r->reply.fail;
    bool all = f->code == LG_EAUTH || f->code == LG_EMONEY || is_stranger(r);
    if (r->model->provider && r->reply.daily) {
        lg__flow_refuse_line(s, r, true);
        refuse_day(s, r);
    } else if (r->model->provider && (all || f->code == LG_ENOMODEL)) {
        lg__flow_refuse_line(s, r, !all);
    }
}

static void end(lg_sched *s, lg_request *r, bool good)
{
    if (good) {
        s->stats.calls++;
        s->stats.calls_by_kind[r->kind]++;
    } else {
        s->stats.failed++;
        explain_end(s, r);
        remember_refusal(s, r);
        lg__sched_unmap(s, r);
    }
    lg__request_unload(r);
    lg__sched_move(s, r, good ? LG_REQ_DONE : LG_REQ_FAILED);
}

static void back_off(lg_sched *s, lg_request *r)
{
    int64_t now = lg__clock_now(s->clock), us = backoff_us(s, r, now);
    r->due.us = now + us;
    if (s->log) {
        lg__log_line(s->log, LG_LOG_INFO, "%s; try %d of %d in %.1f s",
                     lg__fail_message(&r->reply.fail), tries(r) + 1, most_tries(s, r),
                     (double)us / 1e6);
    }
    lg__reply_free(&r->reply);
    lg__sched_move(s, r, LG_REQ_BACKOFF);
}

/* A server that leaves out what does not fit says so only by what it counted. Half of our
 * estimate is far below any tokenizer's; small counts are those of a prompt that it kept. */
static void note_cut(lg_sched *s, lg_request *r)
{
    enum { SMALLEST = 1024 };
    int64_t read = r->reply.usage.input, sent = 0;
    if (!r->model->provider || !r->model->provider->cuts || r->model->told_cut || read < SMALLEST)
        return;

    for (size_t i = 0; i < r->n_parts; i++) {
        const lg_text *t = r->part_texts[i];
        sent += t->media == LG_MEDIA_TEXT ? (int64_t)lg_token_estimate(t->data, t->len) : 0;
    }
    if (sent / 2 > read && s->log) {
        r->model->told_cut = true;
        lg__log_line(s->log, LG_LOG_WARN,
                     "%s read %lld tokens of a prompt of about %lld: its context seems too short "
                     "and the rest was cut off; set num_ctx (extra = { num_ctx = %lld })",
                     r->model->name, (long long)read, (long long)sent, (long long)sent * 2);
    }
}

/* Servers of one model take any name. */
static void note_other(lg_sched *s, lg_request *r)
{
    lg_reply *p = &r->reply;
    if (p->other && s->log && !r->lane->told_other) {
        r->lane->told_other = true;
        lg__log_line(s->log, LG_LOG_WARN,
                     "%s: the server answered as \"%s\", which is another model than \"%s\"; "
                     "does it have that one?",
                     r->model->name, p->other->data, r->model->model);
    }
    lg__text_unref(p->other);
    p->other = NULL;
}

/* r is SENT and its reply filled. */
static void judge(lg_sched *s, lg_request *r)
{
    if (r->reply.fail.code == LG_OK) {
        note_cut(s, r);
        note_other(s, r);
        s->stats.hedges_won += r->second ? 1 : 0;
        r->lane->endpoint->answered = true;
        end(s, r, true);
        return;
    }
    s->stats.ambiguous += r->reply.fail.ambiguous ? 1 : 0;
    r->second = false;
    if (is_repaired(s, r)) {
        r->repairs++;
        lg__reply_free(&r->reply);
        lg__sched_move(s, r, LG_REQ_QUEUED);
    } else if (may_try_again(s, r)) {
        back_off(s, r);
    } else {
        end(s, r, false);
    }
}

/* ---- how it ended ------------------------------------------------------ */

/* The transfer itself failed: no whole reply. */
static void read_failure(lg_sched *s, lg_request *r, const lg_attempt *a)
{
    lg_fail *f = &r->reply.fail;
    lg__fail_set(f, s->mem, a->fail.code, "%s: %s", r->model->name, lg__fail_message(&a->fail));
    if (f->message)
        lg__model_redact(r->model, f->message->data, f->message->len); /* nobody else's yet */

    f->hint = lg__text_ref(a->fail.hint);
    f->http_status = a->status;
    f->retryable = a->fail.retryable;
    f->ambiguous = a->sent;
    memcpy(f->request_id, a->request_id, sizeof f->request_id);
    lg__model_redact(r->model, f->request_id, strnlen(f->request_id, sizeof f->request_id));
}

void lg__sched_hear(lg_sched *s, lg_attempt *a)
{
    lg_request *r = a->request;
    lg__reply_free(&r->reply);
    a->now_ms = (int64_t)time(NULL) * 1000;
    if (a->fail.code != LG_OK) {
        read_failure(s, r, a);
    } else {
        lg_asked asked = lg__request_asked(r);
        lg__provider_decode(s->mem, r->model, a, &asked, &r->reply);
    }
}

/* It is told apart from the reply: a call to be asked again has forgotten. */
static void note_end(lg_attempt *a)
{
    const lg_reply *p = &a->request->reply;
    lg__fail_copy(&a->said, &p->fail);
    a->has_usage = p->has_usage;
    a->usage = p->usage;
    a->micros = p->micros;
}

bool lg__sched_settle(lg_sched *s, lg_attempt *a)
{
    lg_request *r = a->request;
    int64_t now = lg__clock_now(s->clock);
    r->lane->hold_us = 0; /* what it used is known now */
    r->lane->endpoint->reached = r->lane->endpoint->reached || a->sent;
    if (a->fail.code != LG_OK && !a->sent) {
        lg__ledger_unsent(s, r);
        lg__rate_refund(r, now);
    } else {
        lg__ledger_settle(s, r);
        lg__rate_settle(r, a, now);
    }
    if (r->model->hedge_percentile > 0 && r->reply.fail.code == LG_OK)
        lg__times_note(s, r->lane, now - r->sent_us);

    bool hopeless = lg__flow_ended(s, r, now);
    note_end(a);
    return hopeless;
}

int lg__sched_finish(lg_sched *s, lg_attempt *a)
{
    lg_request *r = a->request;
    if (r->state != LG_REQ_SENT)
        return r->state;

    if (!r->model->provider) { /* the host could not be asked */
        lg__fail_copy(&r->reply.fail, &a->fail);
        return lg__sched_finish_host(s, r);
    }
    lg__sched_hear(s, a);
    if (lg__sched_settle(s, a))
        end(s, r, false);
    else
        judge(s, r);

    return r->state;
}

int lg__sched_finish_host(lg_sched *s, lg_request *r)
{
    if (r->state != LG_REQ_SENT || r->model->provider)
        return r->state;

    if (r->reply.fail.code == LG_OK && !r->reply.text) {
        lg__fail_set(&r->reply.fail, s->mem, LG_EBADREPLY, "%s: the host gave no text",
                     r->model->name);
    }
    lg__ledger_settle(s, r);
    lg__rate_settle(r, NULL, lg__clock_now(s->clock));
    r->lane->hold_us = 0;
    judge(s, r);
    return r->state;
}
