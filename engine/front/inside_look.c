/* inside_look.c - one request to each of many servers, for lua/, through the engine's transfers, so
 * that certificates, proxies and the words for what fails are those of a run. */
#include "lg_inside.h"

#include <time.h>

#include "base/loop.h"
#include "net/http.h"
#include "store/store.h"

enum { REPLY_MAX = 8 << 20, TURN_MS = 50 };

struct lg_look {
    lg_mem mem;
    lg_log log;
    lg_loop *loop;
    lg_http *http;
    lg_attempt *attempts; /* one an address */
    size_t n, left;
    int64_t began;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void lg__look_close(lg_look *k)
{
    if (!k)
        return;
    if (k->http)
        lg__http_free(k->http);
    if (k->loop)
        lg__loop_free(k->loop);
    lg__log_free(&k->log);
    for (size_t i = 0; i < k->n; i++)
        lg__attempt_free(&k->attempts[i]);
    lg__mem_free(&k->mem, k->attempts, k->n * sizeof *k->attempts);
    lg_mem m = k->mem;
    lg__mem_free(&m, k, sizeof *k);
}

static int begin(lg_look *k, size_t n, const lg_http_config *c)
{
    int err = lg__loop_new(&k->mem, &k->loop);
    if (!err)
        err = lg__http_new(&k->mem, k->loop, &k->log, c, &k->http);
    if (err || n == 0)
        return err;
    k->attempts = lg__mem_zero(&k->mem, n * sizeof *k->attempts);
    if (!k->attempts)
        return LG_ENOMEM;
    k->n = n;
    for (size_t i = 0; i < n; i++)
        lg__attempt_init(&k->attempts[i], &k->mem, REPLY_MAX);
    return LG_OK;
}

int lg__look_open(size_t n, const char *ca_file, const char *ca_path, lg_look **out)
{
    lg_mem m;
    lg_http_config c = {.ca_file = ca_file, .ca_path = ca_path};
    lg__mem_init(&m, NULL, NULL);
    lg_look *k = lg__mem_zero(&m, sizeof *k);
    if (!k)
        return LG_ENOMEM;
    k->mem = m;
    lg__log_init(&k->log, &k->mem, NULL, NULL, 0);
    int err = begin(k, n, &c);
    k->began = now_ms();
    if (err)
        lg__look_close(k);
    else
        *out = k;
    return err;
}

int lg__look_start(lg_look *k, size_t number, const char *url, const char *headers,
                   const char *body, size_t body_len, int ms)
{
    lg_transfer *t;
    lg_http_request r = {.method = body ? "POST" : "GET",
                         .url = url,
                         .headers = headers ? headers : "",
                         .body = body ? body : "",
                         .body_len = body ? body_len : 0,
                         .connect_timeout_ms = ms,
                         .first_byte_timeout_ms = ms,
                         .total_timeout_ms = ms};
    int err = url ? lg__http_start(k->http, &r, &k->attempts[number], &t) : LG_EINVAL;
    k->left += err == 0;
    return err;
}

static void tell(const lg_look *k, const lg_attempt *a, lg_look_reply *out)
{
    *out = (lg_look_reply){
        .number = (size_t)(a - k->attempts),
        .status = a->status,
        .ms = now_ms() - k->began,
        .date = lg__http_date(k->http, a->date),
        .retry_after_ms = a->retry_after_ms,
        .moved_to = a->moved_to[0] ? a->moved_to : NULL,
        .code = a->fail.code,
        .message = a->fail.code ? lg__fail_message(&a->fail) : NULL,
        .hint = a->fail.hint ? a->fail.hint->data : NULL,
        .body = a->body.data ? a->body.data : "",
        .body_len = a->body.len,
    };
}

bool lg__look_next(lg_look *k, int ms, lg_look_reply *out)
{
    while (k->left > 0) {
        lg_attempt *a = lg__http_next(k->http);
        if (a) {
            k->left--;
            tell(k, a, out);
            return true;
        }
        if (now_ms() - k->began >= ms || lg__loop_run(k->loop, TURN_MS) < 0)
            break;
    }
    return false;
}

void lg__look_about(lg_look *k, lg_look_about *out)
{
    out->curl = lg__http_version(k->http, &out->tls);
    out->sqlite = lg__store_version(&out->fts5);
    out->libuv = lg__loop_version();
    out->schema = LG_SCHEMA;
    lg__http_ca(k->http, &out->ca_dir, &out->ca_file);
}
