/* test_store_fault.c - a file system whose n-th call fails, for every n; and an engine
 * on it, which must neither send nor show what it could not store.
 *
 * The shim is SQLite's default file system with a counter in front; what is not a
 * file's own method goes straight through. */
#include "../store_kit.h"

#include <errno.h>
#include <sqlite3.h>

#include "../../engine/lunagrad.h"
#include "../rude.h"

/* ---- the shim ------------------------------------------------------------------ */

typedef struct shim_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind it */
} shim_file;

static struct {
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods methods;
    uint64_t calls, fail_at, faults;
    bool for_good;
    int code;
} shim;

static bool fails(void)
{
    shim.calls++;
    if (!shim.fail_at || shim.calls < shim.fail_at || (shim.calls > shim.fail_at && !shim.for_good))
        return false;

    shim.faults++;
    return true;
}

static sqlite3_file *real(sqlite3_file *f)
{
    return ((shim_file *)f)->real;
}

static int shim_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}

static int shim_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return fails() ? SQLITE_IOERR_READ : real(f)->pMethods->xRead(real(f), to, n, at);
}

/* A write that fails may have written a part. */
static int shim_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    if (!fails())
        return real(f)->pMethods->xWrite(real(f), from, n, at);

    real(f)->pMethods->xWrite(real(f), from, n / 2, at);
    return shim.code;
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return fails() ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    return fails() ? SQLITE_IOERR_FSYNC : real(f)->pMethods->xSync(real(f), flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return fails() ? SQLITE_IOERR_FSTAT : real(f)->pMethods->xFileSize(real(f), size);
}

static int shim_lock(sqlite3_file *f, int level)
{
    return fails() ? SQLITE_IOERR_LOCK : real(f)->pMethods->xLock(real(f), level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}

static int shim_reserved(sqlite3_file *f, int *held)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), held);
}

static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int shim_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int shim_traits(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int shim_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return fails() ? SQLITE_IOERR_SHMMAP
                   : real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}

static void shim_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int shim_unmap(sqlite3_file *f, int drop)
{
    return real(f)->pMethods->xShmUnmap(real(f), drop);
}

static int shim_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
    shim_file *mine = (shim_file *)f;
    (void)v;
    f->pMethods = NULL;
    if (fails())
        return SQLITE_CANTOPEN;

    mine->real = (sqlite3_file *)(mine + 1);
    int rc = shim.real->xOpen(shim.real, name, mine->real, flags, out);
    f->pMethods = rc == SQLITE_OK ? &shim.methods : NULL;
    return rc;
}

static void shim_install(void)
{
    shim.real = sqlite3_vfs_find(NULL);
    shim.vfs = *shim.real;
    shim.vfs.zName = "shim";
    shim.vfs.szOsFile = (int)sizeof(shim_file) + shim.real->szOsFile;
    shim.vfs.xOpen = shim_open;
    shim.methods = (sqlite3_io_methods){
        2,           shim_close, shim_read,     shim_write,    shim_truncate, shim_sync,
        shim_size,   shim_lock,  shim_unlock,   shim_reserved, shim_control,  shim_sector,
        shim_traits, shim_map,   shim_shm_lock, shim_barrier,  shim_unmap,    NULL,
        NULL};
    assert_int_equal(sqlite3_vfs_register(&shim.vfs, 1), SQLITE_OK);
}

static void shim_set(uint64_t fail_at, bool for_good, int code)
{
    shim.calls = shim.faults = 0;
    shim.fail_at = fail_at;
    shim.for_good = for_good;
    shim.code = code;
}

/* ---- the store on it ----------------------------------------------------------- */

enum { ASKED = 6 };

/* Buys what it can. Returns how many were committed. */
static int work(kit *k, int *err)
{
    char text[16];
    int good = 0;
    *err = kit_open_with(k, NULL);
    *err = *err ? *err : lg__store_run_begin(k->s, "r", NULL);
    for (; !*err && good < ASKED; good += *err ? 0 : 1) {
        snprintf(text, sizeof text, "q%d", good);
        *err = kit_buy(k, text, GOOD("yes"));
    }
    if (*err) { /* one clear line that names the place */
        const lg_fail *why = k->s ? lg__store_why(k->s) : &k->why;
        assert_true(*err == LG_ESTORE || *err == LG_ENOMEM);
        if (*err == LG_ESTORE)
            assert_non_null(strstr(lg__fail_message(why), k->dir));

        assert_null(strchr(lg__fail_message(why), '\n'));
        if (k->s && lg__store_broken(k->s))
            assert_int_equal(lg__store_begin(k->s), *err); /* for ever */
    }
    kit_shut(k);
    return good;
}

static uint64_t sweep(bool for_good, int code)
{
    uint64_t n = 1;
    char text[16];
    for (;; n++) {
        kit k;
        int err;
        kit_setup(&k);
        shim_set(n, for_good, code);
        int good = work(&k, &err);
        bool met = shim.faults > 0;
        shim_set(0, false, 0);
        err = kit_open_with(&k, NULL);
        if (err)
            fail_msg("call %llu: %s", (unsigned long long)n, lg__fail_message(&k.why));

        for (int i = 0; i < good; i++) { /* what was committed is there */
            snprintf(text, sizeof text, "q%d", i);
            assert_int_equal(kit_find(&k, text, "yes"), 1);
        }
        assert_int_equal(lg__store_query(k.s, "PRAGMA integrity_check", NULL, 0), 0);
        lg_cell cell;
        assert_int_equal(lg__store_row(k.s), 1);
        lg__store_cell(k.s, 0, &cell);
        assert_bytes(cell.s, cell.len, "ok");
        kit_end(&k);
        if (!met)
            return n;
    }
}

static void test_every_call_fails_once(void **state)
{
    (void)state;
    assert_true(sweep(false, SQLITE_IOERR_WRITE) > 50);
}

static void test_disk_full_from_then_on(void **state)
{
    (void)state;
    assert_true(sweep(true, SQLITE_FULL) > 50);
}

/* ---- syncs --------------------------------------------------------------------- */

static int failing_sync(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static void test_failed_sync_is_final(void **state)
{
    (void)state;
    kit k;
    lg_store_config c = {.durable = true, .sync = failing_sync};
    kit_setup(&k);
    assert_int_equal(kit_open_with(&k, &c), 0);
    assert_int_equal(lg__store_begin(k.s), 0);
    lg_request *r = kit_ask(&k, "a", 0);
    assert_int_equal(lg__store_intend(k.s, r), 0);
    (void)lg__store_commit(k.s);
    assert_int_equal(lg__store_check_sync(k.s), LG_ESTORE);
    assert_int_equal(lg__store_begin(k.s), LG_ESTORE);
    assert_non_null(strstr(lg__fail_message(lg__store_why(k.s)),
                           "the disk did not take what was written: Input/output error"));
    lg__request_free(&k.mem, r);
    kit_end(&k);
}

/* ---- an engine on it ------------------------------------------------------------- */

typedef struct host {
    kit k;
    rude *server;
    lg_engine *e;
    lg_model *m;
} host;

static void host_open_with(host *h, int durable, const char *path)
{
    char url[128], why[512] = "";
    lg_config cfg;
    lg_model_config model;
    lg_config_init(&cfg);
    cfg.store_dir = h->k.dir;
    cfg.durable = durable;
    cfg.why = why;
    cfg.why_size = sizeof why;
    cfg.max_attempts = 1;
    if (lg_engine_new(&cfg, &h->e))
        fail_msg("%s", why);

    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.base_url = rude_url(h->server, path, url, sizeof url);
    model.price_input = model.price_output = 1000000;
    assert_int_equal(lg_model_new(h->e, &model, &h->m), 0);
}

static void host_open(host *h, int durable)
{
    host_open_with(h, durable, "ok/v1");
}

static void host_open_at(host *h, const char *path)
{
    host_open_with(h, 0, path);
}

static void host_setup(host *h)
{
    kit_setup(&h->k);
    h->server = rude_start();
    assert_non_null(h->server);
    rude_reply(h->server, GOOD("yes"), "application/json", NULL);
}

static void host_end(host *h)
{
    lg_engine_free(h->e);
    rude_stop(h->server);
    kit_end(&h->k);
}

static lg_var *host_ask(host *h, const char *text)
{
    lg_var *q, *a;
    lg_call c;
    assert_int_equal(lg_var_new(h->e, text, strlen(text), "question", false, &q), 0);
    lg_message m = {"user", q};
    lg_call_init(&c);
    c.messages = &m;
    c.n_messages = 1;
    assert_int_equal(lg_call_model(h->e, h->m, &c, &a), 0);
    lg_var_unref(q);
    return a;
}

static int settle(host *h, lg_var *v)
{
    assert_int_equal(lg_var_watch(v, 1), 0);
    while (lg_var_state(v) == LG_PENDING) {
        assert_int_equal(lg_engine_wait(h->e, 20000), 0);
        while (lg_engine_next(h->e)) {
        }
    }
    return lg_var_state(v);
}

static void serves(host *h, int durable)
{
    lg_stats s = {.size = sizeof s};
    for (unsigned round = 0; round < 2; round++) {
        host_open(h, durable);
        for (int i = 0; i < 3; i++) {
            char text[16];
            snprintf(text, sizeof text, "q%d", i);
            lg_var *v = host_ask(h, text);
            assert_int_equal(settle(h, v), LG_READY);
            assert_bytes(lg_var_text(v, &(size_t){0}), 3, "yes");
            lg_var_unref(v);
        }
        lg_engine_stats(h->e, &s);
        assert_int_equal(s.calls, round ? 0 : 3);
        assert_int_equal(s.served, round ? 3 : 0);
        assert_int_equal(s.micros, round ? 0 : 36);
        lg_engine_free(h->e);
        h->e = NULL;
    }
    assert_int_equal(rude_posts(h->server), 3);
}

static void test_engine_buys_once(void **state)
{
    (void)state;
    for (int durable = 0; durable < 2; durable++) {
        host h = {.e = NULL};
        host_setup(&h);
        serves(&h, durable);
        host_end(&h);
    }
}

/* The disk fails at every call of a run's in turn: what was not stored was not sent,
 * or not shown; what was shown is never sent again. */
static void test_engine_stops_buying(void **state)
{
    (void)state;
    bool met = true;
    for (uint64_t n = 1; met; n += 3) {
        host h = {.e = NULL};
        lg_failure why;
        unsigned ready = 0;
        host_setup(&h);
        host_open(&h, 0);
        shim_set(n, true, SQLITE_FULL);
        for (int i = 0; i < 3; i++) {
            char text[16];
            snprintf(text, sizeof text, "q%d", i);
            lg_var *v = host_ask(&h, text);
            unsigned before = rude_posts(h.server);
            if (settle(&h, v) == LG_READY) {
                assert_int_equal(ready, i); /* none after one that failed */
                ready++;
            } else {
                assert_true(lg_var_error(v, &why));
                assert_int_equal(why.code, LG_ESTORE);
                if (why.ambiguous)
                    assert_non_null(strstr(why.message, "was paid for, but could not be stored"));
                else
                    assert_int_equal(rude_posts(h.server), before); /* not sent */
            }
            lg_var_unref(v);
        }
        met = shim.faults > 0;
        lg_engine_free(h.e);
        shim_set(0, false, 0);
        unsigned sent = rude_posts(h.server);
        host_open(&h, 0);
        for (unsigned i = 0; i < ready; i++) {
            char text[16];
            snprintf(text, sizeof text, "q%u", i);
            lg_var *v = host_ask(&h, text);
            assert_int_equal(settle(&h, v), LG_READY);
            lg_var_unref(v);
        }
        assert_int_equal(rude_posts(h.server), sent);
        host_end(&h);
    }
}

/* ---- two engines on it ------------------------------------------------------------ */

typedef struct pair {
    host a, b; /* b: the same directory, the same server */
    lg_var *first, *second;
} pair;

static void run_on(host *h, int ms)
{
    for (int i = 0; i < ms; i += 10)
        assert_int_equal(lg_engine_wait(h->e, 10), 0);
}

/* a's call is under way, and b asks the same. */
static void both_ask(pair *p, const char *const *kinds, size_t n)
{
    memset(p, 0, sizeof *p);
    host_setup(&p->a);
    rude_script(p->a.server, kinds, n);
    p->b = p->a;
    host_open_at(&p->a, "script/v1");
    host_open_at(&p->b, "script/v1");
    p->first = host_ask(&p->a, "q");
    for (int i = 0; rude_posts(p->a.server) == 0 && i < 500; i++)
        run_on(&p->a, 10);

    p->second = host_ask(&p->b, "q");
    run_on(&p->b, 50);
}

static void pair_end(pair *p)
{
    lg_var_unref(p->second);
    lg_engine_free(p->b.e);
    host_end(&p->a);
}

static void test_another_process_buys_it(void **state)
{
    (void)state;
    static const char *const kinds[] = {"delay=150"};
    pair p;
    lg_stats s = {.size = sizeof s};
    both_ask(&p, kinds, 1);
    assert_int_equal(rude_posts(p.a.server), 1);
    assert_int_equal(settle(&p.a, p.first), LG_READY);
    lg_var_unref(p.first);
    assert_int_equal(settle(&p.b, p.second), LG_READY);
    lg_engine_stats(p.b.e, &s);
    assert_int_equal(s.served, 1);
    assert_int_equal(s.calls, 0);
    assert_int_equal(rude_posts(p.a.server), 1);
    pair_end(&p);
}

/* It failed there, or its process is gone: then it is bought here. */
static void test_another_process_does_not_get_it(void **state)
{
    (void)state;
    static const char *const failing[] = {"status=500"}, *const silent[] = {"silent"};
    pair p;
    both_ask(&p, failing, 1);
    assert_int_equal(settle(&p.a, p.first), LG_FAILED);
    lg_var_unref(p.first);
    assert_int_equal(settle(&p.b, p.second), LG_READY);
    assert_int_equal(rude_posts(p.a.server), 2);
    pair_end(&p);
    both_ask(&p, silent, 1);
    assert_int_equal(rude_posts(p.a.server), 1);
    lg_var_unref(p.first);
    lg_engine_free(p.a.e);
    p.a.e = NULL;
    assert_int_equal(settle(&p.b, p.second), LG_READY);
    assert_int_equal(rude_posts(p.a.server), 2);
    pair_end(&p);
    both_ask(&p, silent, 1); /* and both end while b still waits */
    lg_var_unref(p.first);
    pair_end(&p);
}

/* ---- SQLite without memory ------------------------------------------------------- */

static sqlite3_mem_methods heap;
static uint64_t heap_calls, heap_fail_at, heap_faults;

static bool heap_fails(void)
{
    bool now = heap_fail_at && ++heap_calls == heap_fail_at;
    heap_faults += now;
    return now;
}

static void *heap_malloc(int n)
{
    return heap_fails() ? NULL : heap.xMalloc(n);
}

static void *heap_realloc(void *p, int n)
{
    return heap_fails() ? NULL : heap.xRealloc(p, n);
}

static void test_sqlite_oom(void **state)
{
    (void)state;
    char text[16];
    heap_faults = 1;
    for (uint64_t n = 1; heap_faults > 0; n += 29) {
        kit k;
        int err;
        kit_setup(&k);
        heap_calls = heap_faults = 0;
        heap_fail_at = n;
        int good = work(&k, &err);
        heap_fail_at = 0;
        assert_int_equal(kit_open_with(&k, NULL), 0);
        for (int i = 0; i < good; i++) {
            snprintf(text, sizeof text, "q%d", i);
            assert_int_equal(kit_find(&k, text, "yes"), 1);
        }
        kit_end(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_fails_once),
        cmocka_unit_test(test_disk_full_from_then_on),
        cmocka_unit_test(test_failed_sync_is_final),
        cmocka_unit_test(test_engine_buys_once),
        cmocka_unit_test(test_engine_stops_buying),
        cmocka_unit_test(test_another_process_buys_it),
        cmocka_unit_test(test_another_process_does_not_get_it),
        cmocka_unit_test(test_sqlite_oom),
    };
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap);
    sqlite3_mem_methods own = heap;
    own.xMalloc = heap_malloc;
    own.xRealloc = heap_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &own);
    shim_install();
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
