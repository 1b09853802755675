/* http_shard.c - multi handles of at most shard_size transfers each, on one loop.
 *
 * libcurl looks through all connections of a host for every request; with
 * thousands in one multi handle that is most of the work. Shards keep it flat.
 * The first shard with room is taken, so that connections are used again.
 *
 * What a transfer became is read after curl has returned (shard_settle), never
 * from its callbacks; those that ended are listed for http.c. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_internal.h"

#include "base/check.h"

enum {
    IDLE_US = 60 * 1000000, /* then a shard closes its connections */
    LATER_US = 20000,
    CUT_SIZE = 24, /* transfers a shard, of steps with a budget: to close one takes 2 ms */
    STREAMS = 100  /* HTTP/2, a connection */
};

/* ---- sockets -------------------------------------------------------------- */

static lg_socket *socket_entry(lg_http *h, curl_socket_t fd)
{
    size_t i = (size_t)fd, n = h->n_sockets ? h->n_sockets : 64;
    lg_socket *more;

    if (i < h->n_sockets)
        return &h->sockets[i];
    while (n <= i)
        n *= 2;
    more = lg__mem_grow(h->mem, h->sockets, h->n_sockets * sizeof *more, n * sizeof *more);
    if (!more)
        return NULL;
    h->sockets = more;
    for (; h->n_sockets < n; h->n_sockets++)
        more[h->n_sockets] = (lg_socket){0};
    return &more[i];
}

static void socket_unwatch(lg_socket *k)
{
    lg__watch_close(k->watch);
    k->watch = NULL;
}

curl_socket_t lg__socket_open(lg_transfer *t, const struct curl_sockaddr *a)
{
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
    lg_socket *k;

    if (fd < 0) {
        t->os_error = errno;
        return CURL_SOCKET_BAD;
    }
    k = socket_entry(t->http, fd);
    if (!k) {
        t->stop = LG_ENOMEM;
        close(fd);
        return CURL_SOCKET_BAD;
    }
    socket_unwatch(k); /* of a descriptor curl closed without a word */
    k->ours = true;
    t->opened++;
    memcpy(&t->to, &a->addr, a->addrlen < sizeof t->to ? a->addrlen : sizeof t->to);
    return fd;
}

int lg__socket_close(lg_http *h, curl_socket_t fd)
{
    if ((size_t)fd < h->n_sockets) {
        socket_unwatch(&h->sockets[fd]);
        h->sockets[fd].ours = false;
    }
    return close(fd);
}

static void shard_settle(lg_shard *s);
static void shard_break(lg_shard *s, CURLMcode rc);

/* Handshakes and whole replies: outside. What curl's callbacks touch is the network's alone, but
 * for memory and the log. */
static CURLMcode act(lg_shard *s, curl_socket_t fd, int bits)
{
    lg_door *door = s->http->cfg.door;
    int running, depth = lg__door_pause(door);
    CURLMcode rc = s->http->curl.multi_socket_action(s->multi, fd, bits, &running);

    lg__door_resume(door, depth);
    return rc;
}

static void on_watch(void *ud, int fd, int events)
{
    lg_http *h = ud;
    lg_shard *s = h->sockets[fd].shard;
    int bits = 0;
    CURLMcode rc;

    /* told of an error as such, curl would not look which one it is */
    if (events & (LG_READ | LG_BROKEN))
        bits |= CURL_CSELECT_IN;
    if (events & (LG_WRITE | LG_BROKEN))
        bits |= CURL_CSELECT_OUT;
    rc = act(s, fd, bits);
    if (rc != CURLM_OK)
        shard_break(s, rc);
    shard_settle(s);
}

/* Idle now. A connection that was made in one go stays watched for nothing; of
 * others (two addresses tried at once, one given up) curl may close a socket
 * without lg__socket_close, so those are let go. */
static void socket_rest(lg_socket *k, const lg_transfer *t)
{
    if (!k->watch)
        return;
    if (k->ours && t && t->asked && t->opened <= 1)
        lg__watch_set(k->watch, 0);
    else
        socket_unwatch(k);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *unused)
{
    lg_shard *s = ud;
    lg_socket *k = socket_entry(s->http, fd);
    lg_transfer *t = NULL;
    int want = 0;

    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        s->http->curl.easy_getinfo(easy, CURLINFO_PRIVATE, &t);
        if (k)
            socket_rest(k, t);
        return 0;
    }
    if (what & CURL_POLL_IN)
        want |= LG_READ;
    if (what & CURL_POLL_OUT)
        want |= LG_WRITE;
    if (k && (k->watch || lg__watch_new(s->http->loop, fd, on_watch, s->http, &k->watch) == 0)) {
        k->shard = s;
        lg__watch_set(k->watch, want);
        return 0;
    }
    s->http->curl.easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    if (t) {
        t->stop = LG_ENOMEM; /* a transfer nobody watches would hang */
        s->doomed = true;
    }
    return 0;
}

/* ---- time ----------------------------------------------------------------- */

static int on_curl_timer(CURLM *multi, long ms, void *ud)
{
    lg_shard *s = ud;

    (void)multi;
    lg__alarm_set(s->curl_alarm, ms);
    return 0;
}

void lg__shard_drive(lg_shard *s)
{
    CURLMcode rc;

    if (!s->multi)
        return;
    rc = act(s, CURL_SOCKET_TIMEOUT, 0);
    if (rc != CURLM_OK)
        shard_break(s, rc);
    shard_settle(s);
}

static void on_curl_alarm(void *ud)
{
    lg__shard_drive(ud);
}

/* Rings for the first of those who wait for a first byte, or to close idle
 * connections. Set earlier when need be, never later: it may ring for nothing. */
static void alarm_arm(lg_shard *s, int64_t now)
{
    int64_t next = 0;

    if (!lg__ring_empty(&s->silent))
        next = LG_OF(s->silent.next, lg_transfer, silence)->due_us;
    else if (s->flying_count == 0 && s->multi)
        next = s->idle_us + IDLE_US;
    if (next == 0 || (s->alarm_us != 0 && s->alarm_us <= next))
        return;
    s->alarm_us = next;
    lg__alarm_set(s->alarm, next > now ? (next - now + 999) / 1000 : 0);
}

static void shard_retire(lg_shard *s)
{
    s->http->curl.multi_cleanup(s->multi);
    s->multi = NULL;
    lg__alarm_set(s->curl_alarm, -1);
}

static void take_off(lg_shard *s, lg_transfer *t)
{
    /* A transfer that is not finished takes its connection with it. */
    s->http->curl.multi_remove_handle(s->multi, t->easy);
    lg__ring_cut(&t->link);
    lg__ring_cut(&t->silence);
    t->shard = NULL;
    s->flying_count--;
    s->http->connecting -= t->asked ? 0 : 1;
    if (s->index < s->http->room)
        s->http->room = s->index;
    if (s->flying_count == 0) {
        s->idle_us = lg__clock_now(&s->http->clock);
        alarm_arm(s, s->idle_us);
    }
}

void lg__shard_remove(lg_transfer *t)
{
    take_off(t->shard, t);
}

/* Off the wire; what it came to is http.c's to say. */
static void transfer_ended(lg_shard *s, lg_transfer *t, CURLcode rc)
{
    t->rc = rc;
    t->state = LG_T_ENDED;
    take_off(s, t);
    lg__ring_before(&t->http->ended, &t->link);
    t->http->active--;
}

void lg__shard_stop(lg_transfer *t)
{
    transfer_ended(t->shard, t, CURLE_OK);
}

static void on_alarm(void *ud)
{
    lg_shard *s = ud;
    int64_t now = lg__clock_now(&s->http->clock);

    s->alarm_us = 0;
    while (!lg__ring_empty(&s->silent)) {
        lg_transfer *t = LG_OF(s->silent.next, lg_transfer, silence);

        if (t->due_us > now)
            break;
        t->stop = LG_ETIMEOUT;
        transfer_ended(s, t, CURLE_OPERATION_TIMEDOUT);
    }
    if (s->flying_count == 0 && s->multi && now >= s->idle_us + IDLE_US) {
        if (lg__loop_is_late(s->http->loop)) { /* one has closed its connections in this turn */
            s->idle_us = now - IDLE_US + LATER_US;
        } else {
            shard_retire(s);
            s->http->rested = true;
        }
    }
    alarm_arm(s, now);
}

static void silence_begins(lg_shard *s, lg_transfer *t)
{
    lg_ring *at = &s->silent; /* mostly all have the same limit: then it is the last */

    t->due_us = t->started_us + (int64_t)t->req.first_byte_timeout_ms * 1000;
    while (at->prev != &s->silent && LG_OF(at->prev, lg_transfer, silence)->due_us > t->due_us)
        at = at->prev;
    lg__ring_before(at, &t->silence);
}

void lg__shard_first_byte(lg_transfer *t)
{
    lg__ring_cut(&t->silence);
}

/* ---- shards --------------------------------------------------------------- */

static bool shard_open(lg_shard *s)
{
    const lg_http *h = s->http;
    const lg_curl *c = &h->curl;
    CURLM *m = c->multi_init();

    if (!m)
        return false;
    s->multi = m;
    c->multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket);
    c->multi_setopt(m, CURLMOPT_SOCKETDATA, s);
    c->multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    c->multi_setopt(m, CURLMOPT_TIMERDATA, s);
    /* by default it shrinks as transfers end, and closes warm connections */
    c->multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)h->cfg.shard_size + 16);
    c->multi_setopt(m, CURLMOPT_PIPELINING,
                    h->http2 ? (long)CURLPIPE_MULTIPLEX : (long)CURLPIPE_NOTHING);
    c->multi_setopt(m, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS);
    return true;
}

static void shard_free(lg_shard *s)
{
    if (s->multi)
        s->http->curl.multi_cleanup(s->multi);
    lg__alarm_close(s->curl_alarm);
    lg__alarm_close(s->alarm);
    lg__mem_free(s->http->mem, s, sizeof *s);
}

static lg_shard *shard_new(lg_http *h)
{
    lg_shard *s = lg__mem_zero(h->mem, sizeof *s);

    if (!s)
        return NULL;
    s->http = h;
    s->index = h->n_shards;
    lg__ring_init(&s->flying);
    lg__ring_init(&s->silent);
    if (lg__alarm_new(h->loop, on_curl_alarm, s, &s->curl_alarm) != 0 ||
        lg__alarm_new(h->loop, on_alarm, s, &s->alarm) != 0) {
        shard_free(s);
        return NULL;
    }
    return s;
}

static bool shards_grow(lg_http *h)
{
    size_t n = h->cap_shards ? h->cap_shards * 2 : LG_SMALL(8, 1);
    lg_shard **more;

    if (h->n_shards < h->cap_shards)
        return true;
    more = lg__mem_grow(h->mem, h->shards, h->cap_shards * sizeof *more, n * sizeof *more);
    if (!more)
        return false;
    h->shards = more;
    h->cap_shards = n;
    return true;
}

static bool has_room(const lg_shard *s)
{
    int most = s->http->cfg.shard_size;

    if (lg__loop_is_limited(s->http->loop) && most > CUT_SIZE)
        most = CUT_SIZE;
    return s->flying_count < most;
}

lg_shard *lg__shard_with_room(lg_http *h)
{
    lg_shard *s;

    for (; h->room < h->n_shards; h->room++) {
        s = h->shards[h->room];
        if (has_room(s))
            return s->multi || shard_open(s) ? s : NULL;
    }
    s = shards_grow(h) ? shard_new(h) : NULL;
    if (!s)
        return NULL;
    h->shards[h->n_shards++] = s;
    return shard_open(s) ? s : NULL;
}

int lg__shard_add(lg_shard *s, lg_transfer *t)
{
    int64_t now = lg__clock_now(&s->http->clock);

    t->shard = s;
    t->started_us = now;
    if (s->http->curl.multi_add_handle(s->multi, t->easy) != CURLM_OK) {
        t->shard = NULL;
        return LG_ENOMEM;
    }
    t->state = LG_T_FLYING;
    s->http->connecting++;
    lg__ring_before(&s->flying, &t->link);
    s->flying_count++;
    if (t->req.first_byte_timeout_ms > 0)
        silence_begins(s, t);
    alarm_arm(s, now);
    return 0;
}

/* What curl finished, and what failed to be watched. */
static void shard_settle(lg_shard *s)
{
    CURLMsg *msg;
    int left;
    lg_ring *i, *next;

    while (s->multi && (msg = s->http->curl.multi_info_read(s->multi, &left)) != NULL) {
        CURLcode rc = msg->data.result;
        lg_transfer *t = NULL;

        if (msg->msg != CURLMSG_DONE)
            continue;
        s->http->curl.easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
        transfer_ended(s, t, rc);
    }
    if (s->doomed) {
        s->doomed = false;
        for (i = s->flying.next; i != &s->flying; i = next) {
            next = i->next;
            if (LG_OF(i, lg_transfer, link)->stop != 0)
                transfer_ended(s, LG_OF(i, lg_transfer, link), CURLE_OUT_OF_MEMORY);
        }
    }
}

/* curl says that the multi handle is of no use any more: all its transfers are
 * void. It is made anew when it is needed. */
static void shard_break(lg_shard *s, CURLMcode rc)
{
    lg__log_line(s->http->log, LG_LOG_ERROR, "libcurl: %s", s->http->curl.multi_strerror(rc));
    while (!lg__ring_empty(&s->flying)) {
        lg_transfer *t = LG_OF(s->flying.next, lg_transfer, link);

        t->stop = rc == CURLM_OUT_OF_MEMORY ? LG_ENOMEM : LG_ERESET;
        transfer_ended(s, t, CURLE_ABORTED_BY_CALLBACK);
    }
    shard_retire(s);
}

void lg__shards_free(lg_http *h)
{
    size_t i;

    for (i = 0; i < h->n_shards; i++)
        shard_free(h->shards[i]);
    lg__mem_free(h->mem, h->shards, h->cap_shards * sizeof *h->shards);
    for (i = 0; i < h->n_sockets; i++)
        socket_unwatch(&h->sockets[i]);
    lg__mem_free(h->mem, h->sockets, h->n_sockets * sizeof *h->sockets);
}
