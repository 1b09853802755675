/* test_store_versions.c - stores that older versions made: brought forward with all they hold,
 * read as they are, refused when they only say so, and whole whatever fails on the way. */
#include "../old_stores.h"
#include "../store_kit.h"

#include <sqlite3.h>

/* What all of them hold, whatever version they have by now. */
static const char *const kept[] = {
    "SELECT count(*)=1 FROM run WHERE name='old' AND best_score=0.5",
    "SELECT count(*)=2 FROM candidates WHERE run_id=1",
    "SELECT texts='{\"p\":\"b\"}' FROM candidates WHERE is_best=1",
    "SELECT reason='kept: better' FROM proposals",
    "SELECT text='more' FROM gradients",
    "SELECT after='b' FROM edits",
    "SELECT count(*)=2 AND sum(score)=1 FROM scores WHERE phase='validation'",
};

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, text, NULL, NULL, &why);
    if (why)
        fail_msg("%s: %s", text, why);

    sqlite3_close(db);
}

static int64_t version_of(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return n;
}

/* A store of that version with a reply to "a" in it. */
static void make_old(kit *k, int version)
{
    char text[512], made[192];
    assert_int_equal(kit_open_with(k, NULL), 0);
    assert_int_equal(kit_buy(k, "a", GOOD("yes")), 0);
    kit_shut(k);
    snprintf(made, sizeof made, "%s/made.db", k->top);
    assert_int_equal(rename(k->path, made), 0);
    sql(k->path, "PRAGMA page_size=16384; PRAGMA journal_mode=WAL");
    for (int v = 0; v < version; v++)
        sql(k->path, old_versions[v]);

    sql(k->path, old_rows);
    snprintf(text, sizeof text,
             "ATTACH '%s' AS made; INSERT INTO reply SELECT * FROM made.reply;"
             "INSERT INTO reply_key SELECT * FROM made.reply_key;"
             "UPDATE reply_indexed SET upto=(SELECT upto FROM made.reply_indexed);"
             "PRAGMA main.user_version=%d",
             made, version);
    sql(k->path, text);
}

static void check_kept(kit *k)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (kit_int(k, kept[i]) != 1)
            fail_msg("not so: %s", kept[i]);
    }
    assert_int_equal(kit_find(k, "a", "yes"), 1);
}

static void test_older_stores_are_brought_forward(void **state)
{
    (void)state;
    for (int version = 1; version <= OLD_VERSIONS; version++) {
        kit k;
        kit_setup(&k);
        make_old(&k, version);
        lg_store_config reader = {.read_only = true};
        assert_int_equal(kit_open_with(&k, &reader), 0); /* as it is */
        check_kept(&k);
        kit_shut(&k);
        assert_int_equal(version_of(k.path), version);
        assert_int_equal(kit_open_with(&k, NULL), 0);
        check_kept(&k);
        assert_int_equal(kit_int(&k, "SELECT count(*) FROM candidates WHERE search_id IS NULL"), 2);
        assert_int_equal(kit_int(&k, "SELECT count(*) FROM results WHERE output IS NULL AND "
                                     "candidate_idx=1 AND split IS NULL"),
                         2);
        assert_int_equal(kit_int(&k, "SELECT count(*) FROM searches"), 0);
        kit_shut(&k);
        assert_int_equal(version_of(k.path), LG_SCHEMA);
        assert_int_equal(kit_open_with(&k, NULL), 0); /* and its tables are known again */
        check_kept(&k);
        kit_end(&k);
    }
}

/* All tables of a store that was brought forward read as those of one that was made now. */
static void test_the_way_makes_no_difference(void **state)
{
    (void)state;
    static const char texts[] =
        "SELECT count(*) FROM sqlite_schema WHERE sql IS NOT NULL AND sql "
        "NOT IN (SELECT sql FROM other.sqlite_schema WHERE sql IS NOT NULL)";
    kit old, now;
    char attach[256];
    kit_setup(&old);
    kit_setup(&now);
    make_old(&old, 1);
    assert_int_equal(kit_open_with(&old, NULL), 0);
    assert_int_equal(kit_open_with(&now, NULL), 0);
    kit_shut(&old);
    kit_shut(&now);
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(old.path, &db), SQLITE_OK);
    snprintf(attach, sizeof attach, "ATTACH '%s' AS other", now.path);
    assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, texts, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int64(row, 0), 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    kit_end(&now);
    kit_end(&old);
}

static void refused(kit *k, const char *part)
{
    assert_int_equal(kit_open_with(k, NULL), LG_ESTORE);
    if (!strstr(lg__fail_message(&k->why), part))
        fail_msg("\"%s\" lacks \"%s\"", lg__fail_message(&k->why), part);
}

/* One that only says so is not touched: a column too few or too many, of any age. */
static void test_tables_of_no_version(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    make_old(&k, 1);
    sql(k.path, "ALTER TABLE attempt DROP COLUMN output");
    refused(&k, "though they have its version (1)");
    assert_int_equal(version_of(k.path), 1);
    kit_end(&k);
    static const char *const changes[] = {
        "ALTER TABLE proposals DROP COLUMN gain",
        "ALTER TABLE scores ADD COLUMN more",
        "DROP VIEW results",
        "DROP INDEX candidates_search",
        "ALTER TABLE edits RENAME COLUMN search_id TO search",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        kit_setup(&k);
        make_old(&k, OLD_VERSIONS);
        assert_int_equal(kit_open_with(&k, NULL), 0);
        kit_shut(&k);
        sql(k.path, changes[i]);
        refused(&k, "though they have its version");
        kit_end(&k);
    }
}

/* Purposes of calls go with the turn, and with it they are undone. */
static void test_purposes(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    assert_int_equal(kit_open_with(&k, NULL), 0);
    lg__store_note_purpose(k.s, 7, 1); /* no run: nobody's */
    assert_int_equal(lg__store_run_begin(k.s, "r", "{}"), 0);
    lg_request *r = kit_ask(&k, "a", 0);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    assert_int_equal(lg__store_find(k.s, r), 1);
    assert_int_equal(r->row, 1);
    lg__store_note_purpose(k.s, 0x0102030405060708, r->row);
    lg__store_note_purpose(k.s, 9, r->row);
    assert_int_equal(lg__store_begin(k.s), 0);
    lg__store_rollback(k.s);
    assert_int_equal(lg__store_run_end(k.s, "done"), 0);
    assert_int_equal(kit_int(&k, "SELECT count(*) FROM purposes"), 1);
    assert_int_equal(kit_int(&k, "SELECT run_id=1 AND packed=x'0807060504030201"
                                 "01000000000000000900000000000000"
                                 "0100000000000000' FROM purposes"),
                     1);
    lg__request_free(&k.mem, r);
    kit_end(&k);
}

/* ---- without memory ---------------------------------------------------------------- */

/* Whatever fails while a store is opened: the next opening finds it whole. */
static void test_without_memory(void **state)
{
    (void)state;
    bool failed = true;
    uint64_t n = 1;
    for (; failed; n++) {
        kit k;
        kit_setup(&k);
        make_old(&k, 1 + (int)(n % OLD_VERSIONS));
        k.heap.fail_at = k.heap.calls + n;
        int err = kit_open_with(&k, NULL);
        failed = k.heap.faults > 0;
        k.heap.fail_at = 0;
        assert_true(err == 0 || (failed && err == LG_ENOMEM));
        kit_shut(&k);
        assert_int_equal(kit_open_with(&k, NULL), 0);
        check_kept(&k);
        kit_end(&k);
    }
    assert_true(n > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older_stores_are_brought_forward),
        cmocka_unit_test(test_the_way_makes_no_difference),
        cmocka_unit_test(test_tables_of_no_version),
        cmocka_unit_test(test_purposes),
        cmocka_unit_test(test_without_memory),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
