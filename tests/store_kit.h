/* store_kit.h - a directory, a model and requests for test_store*.c, and a store on
 * a file system that fails when told. */
#ifndef LG_TEST_STORE_KIT_H
#define LG_TEST_STORE_KIT_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attempts.h"
#include "store/store.h"
#include "support.h"

#define GOOD(text)                                                                        \
    "{\"choices\":[{\"message\":{\"content\":\"" text "\"},\"finish_reason\":\"stop\"}]," \
    "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}"

typedef struct kit {
    support_heap heap;
    lg_mem mem;
    lg_log log;
    char logged[4096];
    char top[64], dir[128], path[160]; /* of the store; path: store.db */
    lg_model *model;
    lg_store *s;
    lg_fail why;
    uint64_t last_id;
} kit;

static inline void kit_log(void *ud, int level, const char *msg)
{
    kit *k = ud;
    size_t n = strlen(k->logged);
    (void)level;
    snprintf(k->logged + n, sizeof k->logged - n, "%s\n", msg);
}

static inline int kit_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void kit_dirs(kit *k, const char *name)
{
    memset(k, 0, sizeof *k);
    /* in memory where that can be: these tests sync much */
    snprintf(k->top, sizeof k->top, "%s/lg_store_XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(k->top));
    snprintf(k->dir, sizeof k->dir, "%s/%s", k->top, name);
    snprintf(k->path, sizeof k->path, "%s/store.db", k->dir);
}

static inline lg_model *kit_model(kit *k)
{
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = "openai",
        .name = "x/m",
        .model = "m",
        .base_url = "http://127.0.0.1:1/v1",
        .api_key = "sk-canary-0",
        .price_input = 1000000,
        .price_output = 2000000,
        .price_cached = -1,
        .price_cache_write = -1,
    };
    const char *why;
    lg_model *m = NULL;
    (void)lg__model_make(&k->mem, &cfg, &m, &why, &(const char *){NULL});
    return m;
}

/* 0, LG_E…: k->why. */
static inline int kit_open_with(kit *k, const lg_store_config *with)
{
    lg_store_config c = with ? *with : (lg_store_config){0};
    c.dir = c.dir ? c.dir : k->dir;
    c.wait_ms = c.wait_ms ? c.wait_ms : 200;
    lg__fail_free(&k->why);
    return lg__store_open(&k->mem, &k->log, &c, &k->s, &k->why);
}

static inline void kit_shut(kit *k)
{
    lg__store_close(k->s);
    k->s = NULL;
}

static inline void kit_setup_named(kit *k, const char *name)
{
    kit_dirs(k, name);
    support_mem_init(&k->mem, &k->heap);
    lg__log_init(&k->log, &k->mem, kit_log, k, LG_LOG_DEBUG);
    lg__fail_init(&k->why);
    k->model = kit_model(k);
    assert_non_null(k->model);
}

static inline void kit_setup(kit *k)
{
    kit_setup_named(k, "store");
}

static inline void kit_end(kit *k)
{
    kit_shut(k);
    lg__fail_free(&k->why);
    lg__model_destroy(k->model);
    lg__log_free(&k->log);
    assert_heap_empty(&k->heap);
    nftw(k->top, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* NULL: out of memory. */
static inline lg_request *kit_ask(kit *k, const char *text, uint32_t sample)
{
    const char *role = "user";
    lg_request *r = NULL;
    lg_text *t = lg__text_new(&k->mem, text, strlen(text));
    if (t) {
        (void)lg__request_new(&k->mem, ++k->last_id, k->model, &role, &t, 1, NULL, 0, sample,
                              LG_FORWARD, &r);
        lg__text_unref(t);
    }
    return r;
}

/* A paid answer; nothing of it is to be freed. */
static inline lg_attempt kit_attempt(kit *k, const char *body)
{
    lg_attempt a = attempt_of(&k->mem, 200, "application/json", body, strlen(body));
    snprintf(a.request_id, sizeof a.request_id, "req-1");
    a.has_usage = true;
    a.usage = (lg_usage){.input = 10, .output = 2};
    a.micros = 14;
    return a;
}

static inline lg_bought kit_bought(const lg_request *r, const lg_attempt *a)
{
    return (lg_bought){.key = r->key, .number = 1, .latency_us = 5, .attempt = a};
}

/* One turn: the intent, then the reply. 0, LG_E… */
static inline int kit_buy(kit *k, const char *text, const char *body)
{
    lg_request *r = kit_ask(k, text, 0);
    if (!r)
        return LG_ENOMEM;

    r->attempts = 1;
    int err = lg__store_find(k->s, r);
    err = err < 0 ? err : lg__store_begin(k->s);
    if (!err) {
        err = lg__store_intend(k->s, r);
        err ? lg__store_rollback(k->s) : (void)(err = lg__store_commit(k->s));
    }
    err = err ? err : lg__store_begin(k->s);
    if (!err) {
        lg_attempt a = kit_attempt(k, body);
        lg_bought c = kit_bought(r, &a);
        err = lg__store_put_reply(k->s, r, &c);
        err ? lg__store_rollback(k->s) : (void)(err = lg__store_commit(k->s));
    }
    lg__request_free(&k->mem, r);
    return err;
}

/* 1: found, and it says text; 0; LG_E… */
static inline int kit_find(kit *k, const char *text, const char *says)
{
    lg_request *r = kit_ask(k, text, 0);
    if (!r)
        return LG_ENOMEM;

    int found = lg__store_find(k->s, r);
    lg__store_end_reading(k->s);
    if (found == 1)
        assert_bytes(r->reply.text->data, r->reply.text->len, says);

    lg__request_free(&k->mem, r);
    return found;
}

static inline int64_t kit_int(kit *k, const char *sql)
{
    lg_cell cell;
    assert_int_equal(lg__store_query(k->s, sql, NULL, 0), 0);
    assert_int_equal(lg__store_row(k->s), 1);
    lg__store_cell(k->s, 0, &cell);
    int64_t n = cell.i;
    assert_int_equal(lg__store_row(k->s), 0);
    return n;
}

#endif
