/* test_map.c - both maps against a plain array, with many removals. */
#include "../support.h"

#include "base/digest.h"
#include "base/map.h"

enum { IDS = 500 };

/* Random puts and takes; the map must say at all times what the array says. */
static void churn(lg_mem *m, uint64_t seed, uint64_t spread)
{
    static char objects[IDS];
    void *want[IDS] = {NULL};
    size_t count = 0;
    lg_map map;

    lg__map_init(&map, m);
    for (int round = 0; round < 40000; round++) {
        size_t i = support_random(&seed) % IDS;
        uint64_t id = 1 + i * spread;
        /* now mostly growing, now mostly shrinking */
        bool grow = support_random(&seed) % 8 < (round / 4000 % 2 ? 2 : 6);

        if (grow) {
            void *value = &objects[support_random(&seed) % IDS];

            count += want[i] == NULL;
            want[i] = value;
            assert_int_equal(lg__map_put(&map, id, value), 0);
        } else {
            count -= want[i] != NULL;
            assert_ptr_equal(lg__map_take(&map, id), want[i]);
            want[i] = NULL;
        }
        i = support_random(&seed) % IDS;
        assert_ptr_equal(lg__map_get(&map, 1 + i * spread), want[i]);
        assert_int_equal(map.count, count);
    }
    for (size_t i = 0; i < IDS; i++)
        assert_ptr_equal(lg__map_take(&map, 1 + i * spread), want[i]);
    assert_int_equal(map.count, 0);
    lg__map_free(&map);
}

static void test_ids_like_an_array(void **state)
{
    support_heap h;
    lg_mem m;

    (void)state;
    support_mem_init(&m, &h);
    churn(&m, 1, 1);
    churn(&m, 2, UINT64_C(1) << 32); /* ids that differ in high bits only */
    churn(&m, 3, 16);
    assert_heap_empty(&h);
}

static void test_empty_map(void **state)
{
    lg_mem m;
    lg_map map;
    size_t pos = 0;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__map_init(&map, &m);
    assert_null(lg__map_get(&map, 1));
    assert_null(lg__map_take(&map, 1));
    assert_null(lg__map_next(&map, &pos, NULL));
    assert_int_equal(lg__map_put(&map, 1, NULL), LG_EINVAL);
    assert_int_equal(m.calls, 0); /* an empty map needs no memory */
    lg__map_free(&map);
}

static void test_next_gives_every_entry_once(void **state)
{
    lg_mem m;
    lg_map map;
    char objects[1000], seen[1000] = {0};
    size_t pos = 0, n = 0;
    uint64_t id;
    void *value;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__map_init(&map, &m);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(lg__map_put(&map, i + 1, &objects[i]), 0);
    while ((value = lg__map_next(&map, &pos, &id))) {
        assert_ptr_equal(value, &objects[id - 1]);
        seen[id - 1]++;
        n++;
    }
    assert_int_equal(n, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    lg__map_free(&map);
    assert_int_equal(m.live_blocks, 0);
}

/* A queue of ids (each put once and taken soon) must neither grow nor slow. */
static void test_a_long_life_stays_small(void **state)
{
    lg_mem m;
    lg_map map;
    size_t most = 0;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__map_init(&map, &m);
    for (uint64_t id = 1; id <= 300000; id++) {
        assert_int_equal(lg__map_put(&map, id, &map), 0);
        if (id > 100)
            assert_ptr_equal(lg__map_take(&map, id - 100), &map);
        if (map.cap > most)
            most = map.cap;
    }
    assert_true(most <= 256);
    assert_int_equal(map.count, 100);
    lg__map_free(&map);
    assert_int_equal(m.live_blocks, 0);
}

static void test_shrinks_after_a_burst(void **state)
{
    lg_mem m;
    lg_map map;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__map_init(&map, &m);
    for (uint64_t id = 1; id <= 100000; id++)
        lg__map_put(&map, id, &map);
    for (uint64_t id = 11; id <= 100000; id++)
        lg__map_take(&map, id);
    assert_true(m.live_bytes < 5000);
    for (uint64_t id = 1; id <= 10; id++)
        assert_ptr_equal(lg__map_get(&map, id), &map);
    lg__map_free(&map);
    assert_int_equal(m.live_blocks, 0);
}

static void key_of(size_t i, unsigned char key[32])
{
    lg_piece piece = {&i, sizeof i};

    lg__digest(&piece, 1, key);
    if (i % 3 == 0)
        memset(key, (int)(i % 2), 16); /* some that collide for certain */
}

static void test_keys_like_an_array(void **state)
{
    static char objects[200];
    void *want[200] = {NULL};
    unsigned char key[32];
    uint64_t seed = 5;
    support_heap h;
    lg_mem m;
    lg_keymap map;

    (void)state;
    support_mem_init(&m, &h);
    lg__keymap_init(&map, &m);
    assert_null(lg__keymap_get(&map, (const unsigned char *)"0123456789abcdef0123456789abcdef"));
    for (int round = 0; round < 5000; round++) {
        size_t i = support_random(&seed) % 200;

        key_of(i, key);
        assert_ptr_equal(lg__keymap_get(&map, key), want[i]);
        if (support_random(&seed) % 2) {
            want[i] = &objects[i];
            assert_int_equal(lg__keymap_put(&map, key, want[i]), 0);
        } else {
            assert_ptr_equal(lg__keymap_take(&map, key), want[i]);
            want[i] = NULL;
        }
    }
    assert_int_equal(lg__keymap_put(&map, key, NULL), LG_EINVAL);
    lg__keymap_free(&map);
    assert_heap_empty(&h);
}

static int work(support_heap *h, void *ctx)
{
    lg_mem m;
    lg_map map;
    lg_keymap keys;
    unsigned char key[32] = {0};
    uint64_t done = 0;
    int rc = 0;

    (void)ctx;
    support_mem_on(&m, h);
    lg__map_init(&map, &m);
    lg__keymap_init(&keys, &m);
    for (uint64_t id = 1; id <= 200 && rc == 0; id++) {
        key[0] = (unsigned char)id;
        rc = lg__map_put(&map, id, &map);
        if (rc == 0) {
            done = id;
            rc = lg__keymap_put(&keys, key, &keys);
        }
    }
    for (uint64_t id = 1; id <= 200; id++) /* a failed put changes nothing */
        assert_ptr_equal(lg__map_get(&map, id), id <= done ? (void *)&map : NULL);
    for (uint64_t id = 1; id <= done; id++) /* taking works without memory */
        assert_ptr_equal(lg__map_take(&map, id), &map);
    assert_int_equal(map.count, 0);
    lg__map_free(&map);
    lg__keymap_free(&keys);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ids_like_an_array),
    cmocka_unit_test(test_empty_map),
    cmocka_unit_test(test_next_gives_every_entry_once),
    cmocka_unit_test(test_a_long_life_stays_small),
    cmocka_unit_test(test_shrinks_after_a_burst),
    cmocka_unit_test(test_keys_like_an_array),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
