/* bare.c - the yardstick: libcurl's multi interface with nothing around it.
 *
 *   bare --port N [--calls N] [--inflight N] [--shards N] [--busy 1] [--cpu N]
 *
 * Sends the bodies that engine_bench sends and parses the replies with cJSON; easy
 * handles and connections are reused, bodies are prepared beforehand and only
 * their number is patched. Prints one line of results (bench.h). */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <sys/epoll.h>

#include "bench.h"

enum { REPLY = 8192, EVENTS = 512 };

typedef struct slot { /* one call at a time */
    CURL *easy;
    struct shard *shard;
    char *body;
    char *number; /* where in the body */
    int64_t started_us;
    size_t reply_len;
    char reply[REPLY];
} slot;

typedef struct shard {
    CURLM *multi;
    int64_t due_us; /* -1: none */
    uint32_t index;
    int poll;
} shard;

typedef struct bare {
    bench_run run;
    uint64_t started;
    shard *shards;
    long n_shards;
    slot *slots;
    struct curl_slist *headers;
    char url[64];
    int poll;
    bool busy;
} bare;

static void stop(const char *what)
{
    fprintf(stderr, "bare: %s\n", what);
    exit(EXIT_FAILURE);
}

static size_t on_body(char *data, size_t size, size_t n, void *ud)
{
    slot *s = ud;
    n *= size;
    if (s->reply_len + n >= REPLY)
        return 0;
    memcpy(s->reply + s->reply_len, data, n);
    s->reply_len += n;
    return n;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *known)
{
    shard *sh = ud;
    struct epoll_event ev = {.data.u64 = (uint64_t)sh->index << 32 | (uint32_t)fd};
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(sh->poll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    ev.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (epoll_ctl(sh->poll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev))
        return -1;
    if (!known)
        curl_multi_assign(sh->multi, fd, sh);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *ud)
{
    shard *sh = ud;
    (void)multi;
    sh->due_us = ms < 0 ? -1 : bench_now_us() + ms * 1000;
    return 0;
}

/* The engine's request of the same call, byte for byte. */
static void make_body(slot *s)
{
    char prompt[BENCH_PROMPT + 1];
    bench_prompt(prompt, 0);
    if (asprintf(&s->body,
                 "{\"model\":\"bench\",\"messages\":[{\"role\":\"system\",\"content\":\"%s\"},"
                 "{\"role\":\"user\",\"content\":\"%s\"}]}",
                 BENCH_SYSTEM, prompt) < 0)
        stop("out of memory");
    s->number = strstr(s->body, "Question ") + strlen("Question ");
}

static void make_slot(bare *b, slot *s, shard *sh)
{
    s->shard = sh;
    s->easy = curl_easy_init();
    if (!s->easy)
        stop("curl_easy_init failed");
    make_body(s);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_URL, b->url);
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, b->headers);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(s->body));
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void start(bare *b, slot *s)
{
    char digits[13];
    snprintf(digits, sizeof digits, "%012llu", (unsigned long long)b->started++);
    memcpy(s->number, digits, 12);
    s->reply_len = 0;
    s->started_us = bench_now_us();
    curl_multi_add_handle(s->shard->multi, s->easy);
}

static void finish(bare *b, slot *s, CURLcode code)
{
    s->reply[s->reply_len] = '\0';
    cJSON *json = code == CURLE_OK ? cJSON_ParseWithLength(s->reply, s->reply_len) : NULL;
    const cJSON *choice = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "choices"), 0);
    const cJSON *message = cJSON_GetObjectItem(choice, "message");
    if (!cJSON_GetStringValue(cJSON_GetObjectItem(message, "content")))
        b->run.failed++;
    cJSON_Delete(json);
    bench_call_done(&b->run, s->started_us);
}

static void drain(bare *b, shard *sh)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(sh->multi, &left))) {
        slot *s;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
        curl_multi_remove_handle(sh->multi, s->easy);
        finish(b, s, code);
        if (b->started < b->run.calls)
            start(b, s);
    }
}

/* Runs what is due; milliseconds until the next, -1 for none. */
static int run_timers(bare *b)
{
    int64_t now = bench_now_us(), next = INT64_MAX;
    int running;
    for (long i = 0; i < b->n_shards; i++) {
        shard *sh = &b->shards[i];
        if (sh->due_us >= 0 && sh->due_us <= now) {
            sh->due_us = -1;
            curl_multi_socket_action(sh->multi, CURL_SOCKET_TIMEOUT, 0, &running);
            drain(b, sh);
        }
        if (sh->due_us >= 0 && sh->due_us < next)
            next = sh->due_us;
    }
    if (next == INT64_MAX)
        return -1;
    return next <= now ? 0 : (int)((next - now + 999) / 1000);
}

static void turn(bare *b)
{
    struct epoll_event events[EVENTS];
    int timeout = run_timers(b), running;
    int n = epoll_wait(b->poll, events, EVENTS, b->busy ? 0 : timeout);
    for (int i = 0; i < n; i++) {
        shard *sh = &b->shards[events[i].data.u64 >> 32];
        uint32_t got = events[i].events;
        int what = (got & EPOLLIN ? CURL_CSELECT_IN : 0) | (got & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (got & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(sh->multi, (curl_socket_t)(events[i].data.u64 & 0xFFFFFFFF), what,
                                 &running);
        drain(b, sh);
    }
}

static void setup(bare *b, long port)
{
    b->poll = epoll_create1(EPOLL_CLOEXEC);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%ld/v1/chat/completions", port);
    b->headers = curl_slist_append(NULL, "Content-Type: application/json");
    b->headers = curl_slist_append(b->headers, "Authorization: Bearer bench-key-000000");
    b->headers = curl_slist_append(b->headers, "Expect:");
    b->shards = calloc((size_t)b->n_shards, sizeof *b->shards);
    b->slots = calloc((size_t)b->run.inflight, sizeof *b->slots);
    if (!b->shards || !b->slots)
        stop("out of memory");
    for (long i = 0; i < b->n_shards; i++) {
        shard *sh = &b->shards[i];
        *sh = (shard){
            .multi = curl_multi_init(), .due_us = -1, .index = (uint32_t)i, .poll = b->poll};
        curl_multi_setopt(sh->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(sh->multi, CURLMOPT_SOCKETDATA, sh);
        curl_multi_setopt(sh->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(sh->multi, CURLMOPT_TIMERDATA, sh);
        curl_multi_setopt(sh->multi, CURLMOPT_MAXCONNECTS, (long)b->run.inflight);
    }
}

static void teardown(bare *b)
{
    for (int i = 0; i < b->run.inflight; i++) {
        curl_easy_cleanup(b->slots[i].easy);
        free(b->slots[i].body);
    }
    for (long i = 0; i < b->n_shards; i++)
        curl_multi_cleanup(b->shards[i].multi);
    curl_slist_free_all(b->headers);
    free(b->slots);
    free(b->shards);
    close(b->poll);
}

int main(int argc, char **argv)
{
    bare b = {0};
    bench_raise_files();
    bench_pin((int)bench_option(argc, argv, "--cpu", -1));
    b.run.calls = (uint64_t)bench_option(argc, argv, "--calls", 10000);
    b.run.inflight = (int)bench_option(argc, argv, "--inflight", 128);
    b.n_shards = bench_option(argc, argv, "--shards", 1);
    b.busy = bench_option(argc, argv, "--busy", 0) != 0;
    if (b.run.inflight < 1 || b.n_shards < 1 || b.run.calls < (uint64_t)b.run.inflight)
        stop("--calls must be at least --inflight, and both at least 1");
    curl_global_init(CURL_GLOBAL_ALL);
    setup(&b, bench_option(argc, argv, "--port", 0));
    bench_begin(&b.run);
    for (int i = 0; i < b.run.inflight; i++) {
        make_slot(&b, &b.slots[i], &b.shards[i % b.n_shards]);
        start(&b, &b.slots[i]);
    }
    while (b.run.done < b.run.calls)
        turn(&b);
    bench_end(&b.run);
    teardown(&b);
    curl_global_cleanup();
    return b.run.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
