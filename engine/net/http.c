/* http.c - HTTP transfers: start, cancel, what is finished; gates.
 *
 * See http_internal.h for how the http*.c files share the work. No policy: who
 * is retried, and when, is the scheduler's.
 *
 * curl_global_init() and curl_global_cleanup() are called once by each lg_http;
 * libcurl counts them, so that engines, and a host that uses libcurl itself, do
 * not disturb each other. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "net/http_internal.h"

enum {
    SHARD_SIZE = 256,
    GATE_OPEN_S = 300, /* how long a name found is trusted */
    CONNECTING = 24,   /* at once, of steps with a budget */
    EYEBALLS_MS = 200, /* curl's own */
    FRAME_MS = 17,
    DNS_OPENER_S = 290, /* the opener asks again for a name about that old … */
    DNS_OTHERS_S = 600  /* … and the others never do: they come after it */
};

/* ---- transfers ------------------------------------------------------------ */

static void transfer_free(lg_transfer *t)
{
    t->http->curl.easy_cleanup(t->easy);
    lg__heads_unref(t->http, t->heads);
    lg__target_unref(t->http, t->target);
    lg__mem_free(t->http->mem, t, sizeof *t);
}

static void transfer_spare(lg_transfer *t)
{
    lg_http *h = t->http;

    h->curl.easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
    h->curl.easy_setopt(t->easy, CURLOPT_CURLU, NULL);
    lg__heads_unref(h, t->heads);
    lg__target_unref(h, t->target);
    t->heads = NULL;
    t->target = NULL;
    t->attempt = NULL;
    t->state = LG_T_SPARE;
    lg__ring_before(h->pool.next, &t->link); /* the warm one is taken first */
    h->n_pool++;
}

/* Spare ones, after a busy time. */
static void transfers_trim(lg_http *h)
{
    while (h->n_pool > (size_t)h->cfg.shard_size) {
        lg_transfer *t = (lg_transfer *)(void *)h->pool.prev;

        lg__ring_cut(&t->link);
        h->n_pool--;
        transfer_free(t);
    }
}

static int transfer_new(lg_http *h, lg_transfer **out)
{
    lg_transfer *t = lg__mem_zero(h->mem, sizeof *t);
    int err;

    if (!t)
        return LG_ENOMEM;
    t->http = h;
    lg__ring_init(&t->link);
    lg__ring_init(&t->silence);
    err = lg__easy_new(t);
    if (err) {
        lg__mem_free(h->mem, t, sizeof *t);
        return err;
    }
    *out = t;
    return 0;
}

static int transfer_take(lg_http *h, lg_transfer **out)
{
    lg_transfer *t;

    if (lg__ring_empty(&h->pool))
        return transfer_new(h, out);
    t = (lg_transfer *)(void *)h->pool.next;
    lg__ring_cut(&t->link);
    h->n_pool--;
    *out = t;
    return 0;
}

static void transfer_reset(lg_transfer *t, const lg_http_request *r, lg_attempt *a)
{
    t->req = *r;
    t->gate = NULL;
    t->header_bytes = 0;
    t->opened = t->os_error = t->stop = 0;
    t->asked = t->refused_resend = t->interim = false;
    t->retry_at = 0;
    t->why[0] = '\0';
    t->attempt = a;
}

static void transfer_ready(lg_transfer *t)
{
    if (t->state != LG_T_ENDED) /* else its shard counted it out */
        t->http->active--;
    t->state = LG_T_READY;
    lg__ring_before(&t->http->ready, &t->link);
}

/* When steps have a budget, those that connect are few at once, and none begins while what came
 * for others had to be left. One always may in each turn. */
static bool may_launch(const lg_http *h)
{
    if (!lg__loop_is_limited(h->loop))
        return true;
    if (h->connecting >= CONNECTING || lg__loop_was_cut(h->loop))
        return false;
    return !lg__loop_is_late(h->loop) || h->launched != lg__loop_turns(h->loop);
}

/* When curl tries the host's other family of addresses beside the first. It looks after the
 * connection then, and after all others whose time has come, in one go: with a budget they
 * come one a frame. */
static void set_eyeballs(lg_transfer *t)
{
    lg_http *h = t->http;
    int64_t now = lg__clock_now(&h->clock) / 1000, at = now + EYEBALLS_MS;

    if (lg__loop_is_limited(h->loop)) {
        at = at < h->eyeballs_ms + FRAME_MS ? h->eyeballs_ms + FRAME_MS : at;
        h->eyeballs_ms = at;
    }
    h->curl.easy_setopt(t->easy, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, (long)(at - now));
}

static void hold(lg_transfer *t)
{
    t->state = LG_T_WAITING;
    lg__ring_before(&t->http->held, &t->link);
}

/* Where it cannot begin for want of descriptors it is over at once, and says so. */
static int launch(lg_transfer *t)
{
    if (!may_launch(t->http)) {
        hold(t);
        return 0;
    }
    lg_shard *s = lg__shard_with_room(t->http);
    int err;

    t->http->launched = lg__loop_turns(t->http->loop);
    set_eyeballs(t);
    err = s ? lg__shard_add(s, t) : LG_ENOMEM;
    /* else curl begins all that were added at once, when it is next asked */
    if (!err && lg__loop_is_limited(t->http->loop))
        lg__shard_drive(s);
    if (err && lg__http_no_descriptors(t)) {
        lg__http_explain(t, CURLE_COULDNT_CONNECT);
        transfer_ready(t);
        return 0;
    }
    return err;
}

/* ---- gates ---------------------------------------------------------------- */

/* Names that need no resolver need no gate. */
static bool needs_gate(const char *host, size_t n)
{
    char name[256];
    struct in_addr any;
    const char *colon = memchr(host, ':', n);

    if (n > 0 && host[0] == '[')
        return false;
    if (colon)
        n = (size_t)(colon - host);
    if (n >= sizeof name)
        return true;
    memcpy(name, host, n);
    name[n] = '\0';
    return strcasecmp(name, "localhost") != 0 && inet_pton(AF_INET, name, &any) != 1;
}

/* 0 with *out NULL: none needed. */
static int gate_of(lg_http *h, const char *url, lg_gate **out)
{
    const char *host;
    size_t n = lg__url_host(url, &host);
    lg_gate *g;

    *out = NULL;
    if (!needs_gate(host, n))
        return 0;
    for (g = h->gates; g; g = g->next) {
        if (strncasecmp(g->host, host, n) == 0 && g->host[n] == '\0') {
            *out = g;
            return 0;
        }
    }
    g = lg__mem_zero(h->mem, sizeof *g);
    if (!g)
        return LG_ENOMEM;
    g->host = lg__mem_new(h->mem, n + 1);
    if (!g->host) {
        lg__mem_free(h->mem, g, sizeof *g);
        return LG_ENOMEM;
    }
    memcpy(g->host, host, n);
    g->host[n] = '\0';
    lg__ring_init(&g->waiting);
    g->next = h->gates;
    h->gates = *out = g;
    return 0;
}

static void gate_free(lg_http *h, lg_gate *g)
{
    lg__mem_free(h->mem, g->host, strlen(g->host) + 1);
    lg__mem_free(h->mem, g, sizeof *g);
}

static int launch_opener(lg_gate *g, lg_transfer *t)
{
    int err;

    t->http->curl.easy_setopt(t->easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_OPENER_S);
    t->gate = g;
    g->opener = t;
    err = launch(t);
    if (err || t->state == LG_T_READY) {
        g->opener = NULL;
        t->gate = NULL;
    }
    return err;
}

static int gate_enter(lg_gate *g, lg_transfer *t)
{
    t->http->curl.easy_setopt(t->easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_OTHERS_S);
    if (!g || (!g->opener && lg__clock_now(&t->http->clock) < g->open_until_us))
        return launch(t);
    if (!g->opener)
        return launch_opener(g, t);
    t->gate = g;
    t->state = LG_T_WAITING;
    lg__ring_before(&g->waiting, &t->link);
    return 0;
}

static lg_transfer *gate_next(lg_gate *g)
{
    lg_transfer *t = (lg_transfer *)(void *)g->waiting.next;

    lg__ring_cut(&t->link);
    t->gate = NULL;
    return t;
}

static void waiting_failed(lg_transfer *t, const lg_fail *why)
{
    if (why)
        lg__fail_copy(&t->attempt->fail, why);
    else
        lg__fail_set(&t->attempt->fail, t->http->mem, LG_ENOMEM, "%s", lg_error_text(LG_ENOMEM));
    transfer_ready(t);
}

static void gate_release(lg_http *h, lg_gate *g, const lg_fail *why)
{
    while (!lg__ring_empty(&g->waiting)) {
        lg_transfer *t = gate_next(g);

        if (why || launch(t) != 0)
            waiting_failed(t, why);
        if (!why && lg__loop_is_late(t->http->loop))
            break;
    }
    if (!lg__ring_empty(&g->waiting))
        h->opened = true; /* the rest is begun by the next step */
}

static void gate_open(lg_http *h, lg_gate *g)
{
    lg_transfer *t = g->opener;

    t->http->curl.easy_setopt(t->easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_OTHERS_S);
    t->gate = NULL;
    g->opener = NULL;
    g->open_until_us = lg__clock_now(&h->clock) + (int64_t)GATE_OPEN_S * 1000000;
    gate_release(h, g, NULL);
}

/* Starts what open gates held. */
static void gates_settle(lg_http *h)
{
    lg_gate *g;

    for (g = h->gates; g; g = g->next) {
        if (g->opener && g->opener->asked)
            gate_open(h, g);
        else if (!g->opener && !lg__ring_empty(&g->waiting))
            gate_release(h, g, NULL);
    }
}

/* The opener is gone without opening. A name that was not found is not found for
 * the others either; a server that did not answer is left to each of them; and
 * when the opener was merely cancelled another takes its place. */
static void gate_opener_gone(lg_gate *g, lg_transfer *t)
{
    const lg_fail *f = &t->attempt->fail;
    curl_off_t resolved = 0;

    t->gate = NULL;
    g->opener = NULL;
    if (f->code != 0) {
        t->http->curl.easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
        bool lost = f->code == LG_ERESOLVE || (f->code == LG_ETIMEOUT && resolved == 0);
        gate_release(t->http, g, lost ? f : NULL);
        return;
    }
    while (!g->opener && !lg__ring_empty(&g->waiting)) {
        lg_transfer *next = gate_next(g);

        if (launch_opener(g, next) != 0)
            waiting_failed(next, NULL);
    }
}

/* Those that were held, as far as there is room and time. */
static void held_settle(lg_http *h)
{
    while (!lg__ring_empty(&h->held) && may_launch(h)) {
        lg_transfer *t = (lg_transfer *)(void *)h->held.next;

        lg__ring_cut(&t->link);
        if (launch(t) == 0)
            continue;
        waiting_failed(t, NULL);
        if (t->gate)
            gate_opener_gone(t->gate, t);
    }
}

/* ---- life of a transfer --------------------------------------------------- */

/* It is off the wire, and listed as such by its shard: into the ready list. */
static void transfer_end(lg_transfer *t)
{
    CURLcode rc = t->rc;
    lg_gate *g = t->gate;
    long status = 0;

    t->http->curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->attempt->status = status >= 200 ? (int)status : 0;
    t->attempt->sent = lg__easy_sent(t);
    lg__headers_retry_date(t);
    if (rc != CURLE_OK || t->stop || status == 407) /* only proxies say that */
        lg__http_explain(t, rc);
    if (g && t->asked)
        gate_open(t->http, g);
    else if (g)
        gate_opener_gone(g, t);
    transfer_ready(t);
}

/* What follows from what the shards noted while curl ran. */
static void settle(lg_http *h)
{
    while (!lg__ring_empty(&h->ended)) {
        lg_transfer *t = (lg_transfer *)(void *)h->ended.next;

        lg__ring_cut(&t->link);
        transfer_end(t);
    }
    if (h->opened) {
        h->opened = false;
        gates_settle(h);
    }
    if (h->rested)
        transfers_trim(h);
    h->rested = false;
    held_settle(h);
}

static bool request_good(const lg_http_request *r)
{
    if (!r->method || !r->url || (r->body_len > 0 && !r->body))
        return false;
    return strcmp(r->method, "POST") == 0 || strcmp(r->method, "GET") == 0 ||
           strcmp(r->method, "HEAD") == 0;
}

int lg__http_start(lg_http *h, const lg_http_request *r, lg_attempt *a, lg_transfer **out)
{
    lg_target *target = NULL;
    lg_transfer *t;
    lg_gate *g = NULL;
    int err = request_good(r) ? lg__target_take(h, r->url, &target) : LG_EINVAL;

    err = err ? err : gate_of(h, r->url, &g);
    err = err ? err : transfer_take(h, &t);
    if (err) {
        lg__target_unref(h, target);
        return err;
    }
    t->target = target;
    transfer_reset(t, r, a);
    h->active++;
    err = lg__easy_prepare(t);
    err = err ? err : gate_enter(g, t);
    if (err) {
        h->active--;
        transfer_spare(t);
        return err;
    }
    *out = t;
    return 0;
}

void lg__http_cancel(lg_transfer *t)
{
    lg_gate *g = t->gate;
    int state = t->state;

    if (state == LG_T_SPARE)
        return;
    if (state == LG_T_FLYING)
        lg__shard_remove(t);
    else
        lg__ring_cut(&t->link);
    if (state == LG_T_WAITING || state == LG_T_FLYING)
        t->http->active--;
    if (g && g->opener == t)
        gate_opener_gone(g, t);
    transfer_spare(t);
}

lg_attempt *lg__http_next(lg_http *h)
{
    settle(h);
    if (lg__ring_empty(&h->ready))
        return NULL;
    lg_transfer *t = (lg_transfer *)(void *)h->ready.next;
    lg_attempt *a = t->attempt;
    lg__ring_cut(&t->link);
    transfer_spare(t);
    return a;
}

size_t lg__http_so_far(const lg_transfer *t, const char **data)
{
    long status = t->attempt->status; /* which is set at the end */

    *data = t->attempt->body.data;
    if (status == 0 && t->easy && t->attempt->body.len > 0)
        t->http->curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status <= 299 ? t->attempt->body.len : 0;
}

bool lg__http_stop(lg_transfer *t)
{
    if (t->state != LG_T_FLYING)
        return false;
    lg__shard_stop(t);
    return true;
}

bool lg__http_is_due(const lg_http *h)
{
    return h && (h->opened || (!lg__ring_empty(&h->held) && h->connecting < CONNECTING &&
                               !lg__loop_was_cut(h->loop)));
}

size_t lg__http_active(const lg_http *h)
{
    return h ? h->active : 0;
}

/* ---- all of it ------------------------------------------------------------ */

static bool http2_wanted(const lg_http *h)
{
    const curl_version_info_data *v = h->curl.version_info(CURLVERSION_NOW);

    return h->cfg.http2 && v->version_num >= 0x080100 && (v->features & CURL_VERSION_HTTP2) != 0;
}

const char *lg__http_version(const lg_http *h, const char **tls)
{
    const curl_version_info_data *v = h->curl.version_info(CURLVERSION_NOW);

    *tls = v->ssl_version;
    return v->version;
}

void lg__http_ca(const lg_http *h, const char **dir, const char **file)
{
    lg__tls_places(h->tls, dir, file);
}

/* Used from one thread only, so it needs no locks. */
static CURLSH *share_new(const lg_curl *c)
{
    CURLSH *s = c->share_init();

    if (s && (c->share_setopt(s, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
              c->share_setopt(s, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)) {
        c->share_cleanup(s);
        s = NULL;
    }
    return s;
}

static int curl_begin(lg_http *h)
{
    int depth = lg__door_pause(h->cfg.door);
    int err = lg__curl_load(&h->curl, LG_CURL_LIBRARY, h->log);

    if (!err && h->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        err = LG_ENOMEM;
    lg__door_resume(h->cfg.door, depth);
    return err;
}

int lg__http_new(lg_mem *m, lg_loop *loop, lg_log *log, const lg_http_config *cfg, lg_http **out)
{
    lg_http *h = lg__mem_zero(m, sizeof *h);
    int err;

    if (!h)
        return LG_ENOMEM;
    h->mem = m;
    h->loop = loop;
    h->log = log;
    h->cfg = *cfg;
    if (h->cfg.shard_size <= 0)
        h->cfg.shard_size = SHARD_SIZE;
    err = curl_begin(h);
    if (err) {
        lg__mem_free(m, h, sizeof *h);
        return err;
    }
    h->http2 = http2_wanted(h);
    lg__encodings_write(h);
    if (cfg->http2 && !h->http2) {
        lg__log_line(log, LG_LOG_WARN,
                     "HTTP/2 needs libcurl 8.1 or newer with nghttp2; "
                     "HTTP/1.1 is used");
    }
    lg__clock_init(&h->clock, false);
    lg__ring_init(&h->held);
    lg__ring_init(&h->ended);
    lg__ring_init(&h->ready);
    lg__ring_init(&h->pool);
    h->share = share_new(&h->curl);
    err = h->share ? lg__tls_new(m, &h->curl, cfg, &h->tls) : LG_ENOMEM;
    if (err) {
        lg__http_free(h);
        return err;
    }
    *out = h;
    return 0;
}

int lg__http_preload(lg_http *h, const char **why)
{
    lg_transfer *t = NULL;
    int depth, err = lg__ring_empty(&h->pool) ? transfer_new(h, &t) : 0;

    if (t) { /* as one that was used */
        lg__ring_before(&h->pool, &t->link);
        h->n_pool++;
    }
    err = err ? err : lg__shard_with_room(h) ? 0 : LG_ENOMEM;
    depth = lg__door_pause(h->cfg.door);
    err = err ? err : lg__tls_preload(h->tls);
    lg__door_resume(h->cfg.door, depth);
    *why = err ? lg__tls_problem(h->tls) : NULL;
    return err;
}

static void free_list(lg_ring *list)
{
    while (!lg__ring_empty(list)) {
        lg_transfer *t = (lg_transfer *)(void *)list->next;

        if (t->state == LG_T_FLYING)
            lg__shard_remove(t);
        else
            lg__ring_cut(&t->link);
        transfer_free(t);
    }
}

void lg__http_free(lg_http *h)
{
    size_t i;

    if (!h)
        return;
    for (i = 0; i < h->n_shards; i++)
        free_list(&h->shards[i]->flying);
    while (h->gates) {
        lg_gate *g = h->gates;

        h->gates = g->next;
        free_list(&g->waiting);
        gate_free(h, g);
    }
    free_list(&h->held);
    free_list(&h->ended);
    free_list(&h->ready);
    free_list(&h->pool);
    lg__shards_free(h);
    if (h->share)
        h->curl.share_cleanup(h->share);
    lg__tls_free(h->tls);
    lg__target_unref(h, h->target);
    lg__heads_unref(h, h->heads);
    h->curl.global_cleanup();
    lg__mem_free(h->mem, h, sizeof *h);
}
