/* test_sized.c - structs that begin with their size, of an older and of a newer header.
 *
 * An older host's struct ends where its memory does: the page behind it cannot be touched. A
 * newer one's has fields that the library does not know, full of ones. */
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../scripted.h"

enum { NEWER = 64 };

typedef struct host {
    unsigned char *page, *end; /* end: the first byte that must not be touched */
    size_t page_size;
} host;

static int begin(void **state)
{
    static host h;
    h.page_size = (size_t)sysconf(_SC_PAGESIZE);
    h.page =
        mmap(NULL, 2 * h.page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(h.page, MAP_FAILED);
    h.end = h.page + h.page_size;
    assert_int_equal(mprotect(h.end, h.page_size, PROT_NONE), 0);
    *state = &h;
    return 0;
}

static int end(void **state)
{
    host *h = *state;
    munmap(h->page, 2 * h->page_size);
    return 0;
}

/* A struct of the host's, so long, with its memory's end right behind it; all ones. */
static void *of_size(host *h, size_t size)
{
    memset(h->page, 0xff, h->page_size);
    return h->end - size;
}

static size_t size_of(const void *p)
{
    size_t size;
    memcpy(&size, p, sizeof size);
    return size;
}

static bool is_zero(const void *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (((const unsigned char *)p)[i])
            return false;
    }
    return true;
}

/* ---- what fills and what sets --------------------------------------------------- */

typedef void (*init_fn)(void *p, size_t size);

static void init_config(void *p, size_t size)
{
    lg_config_init_size(p, size);
}

static void init_model(void *p, size_t size)
{
    lg_model_config_init_size(p, size);
}

static void init_call(void *p, size_t size)
{
    lg_call_init_size(p, size);
}

static void init_backward(void *p, size_t size)
{
    lg_backward_init_size(p, size);
}

static const struct {
    const char *name;
    init_fn init;
    size_t size;
} inits[] = {{"lg_config", init_config, sizeof(lg_config)},
             {"lg_model_config", init_model, sizeof(lg_model_config)},
             {"lg_call", init_call, sizeof(lg_call)},
             {"lg_backward", init_backward, sizeof(lg_backward)}};

static void test_init_stays_within_the_hosts_size(void **state)
{
    host *h = *state;
    for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
        for (size_t size = sizeof(size_t); size <= inits[i].size + NEWER; size += sizeof(size_t)) {
            unsigned char *p = of_size(h, size);
            inits[i].init(p, size);
            if (size_of(p) != size || p[-1] != 0xff)
                fail_msg("%s of %zu bytes: %zu", inits[i].name, size, size_of(p));
            if (size > inits[i].size && !is_zero(p, inits[i].size, size))
                fail_msg("%s: what is not known is not 0", inits[i].name);
        }
        unsigned char *p = of_size(h, 8);
        inits[i].init(p, 4); /* no room even for the size */
        assert_int_equal(p[0], 0xff);
    }
}

static void test_stats_of_any_version(void **state)
{
    host *h = *state;
    script s;
    script_start(&s);
    lg_var *v = script_leaf(&s, "x", "x", false);
    for (size_t size = sizeof(size_t); size <= sizeof(lg_stats) + NEWER; size += sizeof(size_t)) {
        unsigned char *p = of_size(h, size);
        memcpy(p, &size, sizeof size);
        lg_engine_stats(s.e, (lg_stats *)(void *)p);
        assert_int_equal(size_of(p), size);
        assert_int_equal(p[-1], 0xff);
        if (size >= offsetof(lg_stats, vars_live) + sizeof(uint64_t)) {
            uint64_t live;
            memcpy(&live, p + offsetof(lg_stats, vars_live), sizeof live);
            assert_true(live > 0);
        }
        if (size > sizeof(lg_stats))
            assert_true(is_zero(p, sizeof(lg_stats), size));
    }
    const size_t none[] = {0, sizeof(size_t) - 1, (size_t)1 << 40, SIZE_MAX};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        unsigned char *p = of_size(h, sizeof(size_t) + 8);
        memcpy(p, &none[i], sizeof none[i]);
        lg_engine_stats(s.e, (lg_stats *)(void *)p);
        assert_int_equal(size_of(p), none[i]);
        assert_int_equal(p[sizeof(size_t)], 0xff);
    }
    lg_var_unref(v);
    script_end(&s);
}

/* ---- what is read ------------------------------------------------------------------ */

/* An older host's config: what it does not have is as if it had not been set. */
static void test_a_config_of_any_version(void **state)
{
    host *h = *state;
    const size_t old = offsetof(lg_config, max_reply_bytes);
    lg_config full;
    lg_engine *e = NULL;
    lg_config_init(&full);
    full.virtual_clock = true;
    full.concurrency = 3;
    for (int newer = 0; newer < 2; newer++) {
        size_t size = newer ? sizeof full + NEWER : old;
        unsigned char *p = of_size(h, size);
        memcpy(p, &full, newer ? sizeof full : old);
        memcpy(p, &size, sizeof size);
        assert_int_equal(lg_engine_new((const lg_config *)(const void *)p, &e), 0);
        lg_engine_free(e);
    }
    const size_t none[] = {0, 7, (size_t)1 << 40};
    for (size_t i = 0; i < 3; i++) {
        full.size = none[i];
        assert_int_equal(lg_engine_new(&full, &e), LG_EINVAL);
        assert_null(e);
    }
}

static void test_a_models_config_of_any_version(void **state)
{
    host *h = *state;
    script s;
    lg_model *m = NULL;
    lg_model_config full;
    script_start(&s);
    lg_model_config_init(&full);
    full.dialect = "host";
    full.name = "old/m";
    full.price_input = 5;
    const size_t sizes[] = {offsetof(lg_model_config, n_headers), sizeof full, sizeof full + NEWER};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        unsigned char *p = of_size(h, size);
        memcpy(p, &full, size < sizeof full ? size : sizeof full);
        memcpy(p, &size, sizeof size);
        assert_int_equal(lg_model_new(s.e, (const lg_model_config *)(const void *)p, &m), 0);
        assert_string_equal(lg_model_name(m), "old/m");
        lg_model_unref(m);
    }
    full.size = 0;
    assert_int_equal(lg_model_new(s.e, &full, &m), LG_EINVAL);
    script_end(&s);
}

/* The host's own model is asked; what it hears of a call's tag says what was read. */
static void ask(script *s, host *h, size_t size, int wanted, uint64_t tag)
{
    lg_var *q = script_leaf(s, "q?", "question", false), *out = NULL;
    lg_message message = {"user", q};
    lg_call full;
    lg_call_init(&full);
    full.messages = &message;
    full.n_messages = 1;
    full.stream = true;
    full.tag = tag;
    unsigned char *p = of_size(h, size);
    memcpy(p, &full, size < sizeof full ? size : sizeof full);
    memcpy(p, &size, sizeof size);
    assert_int_equal(lg_call_model(s->e, s->model, (const lg_call *)(const void *)p, &out), wanted);
    if (out) {
        assert_true(script_run(s));
        assert_int_equal(lg_var_state(out), LG_READY);
        lg_var_unref(out);
    }
    lg_var_unref(q);
}

/* Streaming and the tag stay on for hosts of any version that knew of them. */
static uint64_t partial_tag;
static void see_partials(lg_engine *e)
{
    const lg_event *ev;
    while ((ev = lg_engine_next(e))) {
        if (ev->type == LG_EVENT_PARTIAL)
            partial_tag = ev->tag;
        if (ev->type == LG_EVENT_CALL)
            lg_call_reply(e, ev->id, "yes", 3, NULL, NULL);
    }
}

static void test_a_call_of_any_version(void **state)
{
    host *h = *state;
    script s;
    script_start(&s);
    ask(&s, h, offsetof(lg_call, stream), 0, 1);
    ask(&s, h, sizeof(lg_call), 0, 2);
    ask(&s, h, sizeof(lg_call) + NEWER, 0, 3);
    ask(&s, h, offsetof(lg_call, messages), LG_EINVAL, 4); /* it has no messages then */
    lg_var *q = script_leaf(&s, "q?", "question", false), *out = NULL;
    lg_message message = {"user", q};
    struct {
        lg_call call;
        unsigned char newer[NEWER];
    } c;
    memset(&c, 0xff, sizeof c);
    lg_call_init_size(&c.call, sizeof c);
    memset(c.newer, 0xff, sizeof c.newer);
    c.call.messages = &message;
    c.call.n_messages = 1;
    c.call.stream = true;
    c.call.tag = 77;
    partial_tag = 0;
    assert_int_equal(lg_call_model(s.e, s.model, &c.call, &out), 0);
    for (int i = 0; i < 20; i++) {
        lg_engine_step(s.e, 0);
        see_partials(s.e);
    }
    assert_int_equal(lg_var_state(out), LG_READY);
    assert_int_equal(partial_tag, 77);
    c.call.size = 0;
    lg_var *none = NULL;
    assert_int_equal(lg_call_model(s.e, s.model, &c.call, &none), LG_EINVAL);
    assert_null(none);
    lg_var_unref(out);
    lg_var_unref(q);
    script_end(&s);
}

static void test_backward_of_any_version(void **state)
{
    host *h = *state;
    script s;
    script_start(&s);
    const size_t sizes[] = {offsetof(lg_backward, skip_failed), sizeof(lg_backward),
                            sizeof(lg_backward) + NEWER};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        lg_var *x = script_leaf(&s, "x", "x", true), *pass = NULL;
        lg_var *loss = script_call(&s, NULL, x, "loss", -1);
        lg_backward full;
        lg_backward_init(&full);
        full.model = s.model;
        size_t size = sizes[i];
        unsigned char *p = of_size(h, size);
        memcpy(p, &full, size < sizeof full ? size : sizeof full);
        memcpy(p, &size, sizeof size);
        assert_int_equal(lg_backward_start(s.e, loss, (const lg_backward *)(const void *)p, &pass),
                         0);
        assert_true(script_run(&s));
        assert_int_equal(lg_var_state(pass), LG_READY);
        assert_int_equal(lg_var_feedbacks(x), 1);
        full.size = 3;
        lg_var *none = NULL;
        assert_int_equal(lg_backward_start(s.e, loss, &full, &none), LG_EINVAL);
        lg_var_unref(pass);
        lg_var_unref(loss);
        lg_var_unref(x);
    }
    script_end(&s);
}

/* The library's own struct says how much of it there is. */
static void test_events_say_their_size(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    assert_int_equal(lg_var_watch(x, 5), 0);
    lg_engine_step(s.e, 0);
    const lg_event *e = lg_engine_next(s.e);
    assert_non_null(e);
    assert_int_equal(e->size, sizeof(lg_event));
    lg_var_unref(x);
    script_end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_init_stays_within_the_hosts_size, begin, end),
    cmocka_unit_test_setup_teardown(test_stats_of_any_version, begin, end),
    cmocka_unit_test_setup_teardown(test_a_config_of_any_version, begin, end),
    cmocka_unit_test_setup_teardown(test_a_models_config_of_any_version, begin, end),
    cmocka_unit_test_setup_teardown(test_a_call_of_any_version, begin, end),
    cmocka_unit_test_setup_teardown(test_backward_of_any_version, begin, end),
    cmocka_unit_test(test_events_say_their_size),
};
LG_TEST_MAIN(tests)
