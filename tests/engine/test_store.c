/* test_store.c - the store by itself: replies, intents, runs, results, other's
 * databases and damaged ones. Faults of the disk are test_store_fault.c's. */
#include "../store_kit.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define assert_part(text, part)                           \
    do {                                                  \
        const char *text_ = (text);                       \
        if (!strstr(text_, part))                         \
            fail_msg("\"%s\" lacks \"%s\"", text_, part); \
    } while (0)

static void open_it(kit *k)
{
    int err = kit_open_with(k, NULL);
    if (err)
        fail_msg("%s", lg__fail_message(&k->why));
}

static void reopen(kit *k)
{
    kit_shut(k);
    open_it(k);
}

static const char *refused(kit *k, const lg_store_config *with, int code)
{
    int err = kit_open_with(k, with);
    if (err != code)
        fail_msg("opening gave %d (%s)", err, lg__fail_message(&k->why));

    assert_null(k->s);
    assert_null(strchr(lg__fail_message(&k->why), '\n'));
    return lg__fail_message(&k->why);
}

/* ---- replies ------------------------------------------------------------------- */

static void test_replies_are_kept(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(kit_find(&k, "a", ""), 0);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    assert_int_equal(kit_find(&k, "a", "yes"), 1);
    assert_int_equal(kit_find(&k, "b", ""), 0);
    reopen(&k);
    assert_int_equal(kit_find(&k, "a", "yes"), 1);
    assert_int_equal(kit_int(&k, "SELECT micros FROM reply"), 14);
    assert_int_equal(kit_int(&k, "SELECT count(*) FROM reply WHERE body LIKE '%canary%' OR "
                                 "request LIKE '%canary%'"),
                     0);
    kit_end(&k);
}

static void test_samples_are_calls_of_their_own(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    lg_request *r = kit_ask(&k, "a", 1);
    assert_int_equal(lg__store_find(k.s, r), 0);
    lg__request_free(&k.mem, r);
    kit_end(&k);
}

/* More than go into the index at once, so both ways of finding are met. */
static void test_many_replies(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    kit k;
    char text[32];
    kit_setup(&k);
    open_it(&k);
    for (int i = 0; i < MANY;) {
        assert_int_equal(lg__store_begin(k.s), 0);
        for (int end = i + 100; i < end; i++) {
            snprintf(text, sizeof text, "question %d", i);
            lg_request *r = kit_ask(&k, text, 0);
            lg_attempt a = kit_attempt(&k, GOOD("yes"));
            lg_bought c = kit_bought(r, &a);
            assert_int_equal(lg__store_put_reply(k.s, r, &c), 0);
            lg__request_free(&k.mem, r);
        }
        assert_int_equal(lg__store_commit(k.s), 0);
    }
    assert_true(kit_int(&k, "SELECT upto FROM reply_indexed") >= 4096);
    assert_true(kit_int(&k, "SELECT upto FROM reply_indexed") < MANY);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i += 7) {
            snprintf(text, sizeof text, "question %d", i);
            assert_int_equal(kit_find(&k, text, "yes"), 1);
        }
        reopen(&k);
        assert_int_equal(kit_int(&k, "SELECT upto FROM reply_indexed"), MANY);
    }
    kit_end(&k);
}

/* What cannot be read today is kept, and may be read tomorrow; it is never a hit. */
static void test_unreadable_replies_are_no_hits(void **state)
{
    (void)state;
    kit k;
    lg_fail bad;
    kit_setup(&k);
    open_it(&k);
    lg_request *r = kit_ask(&k, "a", 0);
    lg__fail_init(&bad);
    lg__fail_set(&bad, &k.mem, LG_EBADREPLY, "no choices");
    lg_attempt a = kit_attempt(&k, "{\"choices\":[]}");
    a.said = bad;
    lg_bought c = kit_bought(r, &a);
    assert_int_equal(lg__store_begin(k.s), 0);
    assert_int_equal(lg__store_put_attempt(k.s, &c), 0);
    assert_int_equal(lg__store_commit(k.s), 0);
    assert_int_equal(kit_find(&k, "a", ""), 0);
    a = kit_attempt(&k, GOOD("later"));
    a.said = bad; /* as if the dialect had learned to read it */
    assert_int_equal(lg__store_begin(k.s), 0);
    assert_int_equal(lg__store_put_attempt(k.s, &c), 0);
    assert_int_equal(lg__store_commit(k.s), 0);
    reopen(&k);
    assert_int_equal(kit_find(&k, "a", "later"), 1);
    lg__request_free(&k.mem, r);
    lg__fail_free(&bad);
    kit_end(&k);
}

static void sql(const kit *k, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* As earlier versions kept them. */
static void test_empty_replies_are_no_hits(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(kit_buy(&k, "a", GOOD("")), 0);
    assert_int_equal(kit_find(&k, "a", ""), 0);
    assert_part(k.logged, "it is asked for again");
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    reopen(&k);
    assert_int_equal(kit_find(&k, "a", "yes"), 1);
    kit_end(&k);
}

static void test_damaged_rows_are_bought_again(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    assert_int_equal(kit_buy(&k, "b", GOOD("no")), 0);
    kit_shut(&k);
    sql(&k, "UPDATE reply SET body=replace(body, 'yes', 'yEs') WHERE id=1");
    open_it(&k);
    assert_int_equal(kit_find(&k, "a", ""), 0);
    assert_part(k.logged, "x/m: a stored reply cannot be used, so it is asked for again: it is "
                          "damaged");
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    assert_int_equal(kit_find(&k, "a", "yes"), 1);
    reopen(&k);
    assert_int_equal(kit_find(&k, "a", "yes"), 1);
    assert_int_equal(kit_find(&k, "b", "no"), 1);
    kit_end(&k);
}

/* ---- several at once ----------------------------------------------------------- */

static void test_two_stores_see_each_other(void **state)
{
    (void)state;
    kit k, other;
    kit_setup(&k);
    open_it(&k);
    kit_setup(&other);
    snprintf(other.dir, sizeof other.dir, "%s", k.dir);
    open_it(&other);
    lg_request *early = kit_ask(&other, "a", 0);
    assert_int_equal(lg__store_find(other.s, early), 0);
    lg__store_end_reading(other.s);
    assert_int_equal(kit_buy(&k, "a", GOOD("first")), 0);
    assert_int_equal(kit_find(&other, "a", "first"), 1);
    /* about to be sent: it is seen that others have written */
    assert_int_equal(lg__store_begin(other.s), 0);
    assert_true(lg__store_is_stale(other.s, early));
    assert_int_equal(lg__store_find(other.s, early), 1);
    assert_false(lg__store_is_stale(other.s, early));
    /* bought by both at once: the first is kept, the second told as paid */
    lg_attempt a = kit_attempt(&other, GOOD("second"));
    lg_bought c = kit_bought(early, &a);
    early->looked--;
    assert_int_equal(lg__store_put_reply(other.s, early, &c), 0);
    assert_bytes(early->reply.text->data, early->reply.text->len, "first");
    assert_int_equal(lg__store_commit(other.s), 0);
    assert_int_equal(kit_int(&other, "SELECT count(*) FROM reply"), 1);
    assert_int_equal(kit_int(&other, "SELECT micros FROM attempt"), 14);
    lg__request_free(&other.mem, early);
    kit_end(&other);
    kit_end(&k);
}

static void test_one_writer_at_a_time(void **state)
{
    (void)state;
    kit k, other;
    kit_setup(&k);
    open_it(&k);
    kit_setup(&other);
    snprintf(other.dir, sizeof other.dir, "%s", k.dir);
    open_it(&other);
    assert_int_equal(lg__store_begin(k.s), 0);
    assert_int_equal(lg__store_begin(other.s), LG_STORE_BUSY);
    assert_int_equal(kit_find(&other, "a", ""), 0); /* readers do not wait */
    assert_int_equal(lg__store_begin_wait(other.s), LG_ESTORE);
    assert_part(lg__fail_message(lg__store_why(other.s)), "another program keeps it locked");
    assert_false(lg__store_broken(other.s));
    assert_int_equal(lg__store_commit(k.s), 0);
    assert_int_equal(lg__store_begin(other.s), 0);
    lg__store_rollback(other.s);
    kit_end(&other);
    kit_end(&k);
}

static void test_readers_change_nothing(void **state)
{
    (void)state;
    kit k, reader;
    lg_store_config c = {.read_only = true};
    kit_setup(&k);
    kit_setup(&reader);
    snprintf(reader.dir, sizeof reader.dir, "%s", k.dir);
    assert_part(refused(&reader, &c, LG_ENOTFOUND), "there is no store here");
    open_it(&k);
    assert_int_equal(kit_open_with(&reader, &c), 0);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    assert_int_equal(kit_int(&reader, "SELECT count(*) FROM reply"), 1);
    assert_int_equal(lg__store_exec(reader.s, "DELETE FROM reply", NULL, 0), 0);
    assert_int_equal(lg__store_query(reader.s, "DELETE FROM reply", NULL, 0), LG_EINVAL);
    kit_shut(&k); /* its checkpoint is not held up by a reader without a query */
    assert_int_equal(kit_int(&reader, "SELECT count(*) FROM reply"), 1);
    kit_end(&reader);
    kit_end(&k);
}

/* ---- runs, intents ------------------------------------------------------------- */

static void begin_run(kit *k, const char *name)
{
    assert_int_equal(lg__store_run_begin(k->s, name, "{\"script\":\"s.lua\",\"seed\":7}"), 0);
}

static void test_runs(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    begin_run(&k, "one");
    assert_int_equal(lg__store_run_begin(k.s, "two", NULL), LG_ESTATE);
    assert_int_equal(lg__store_run_begin(k.s, "two", "[]"), LG_EPARSE);
    assert_int_equal(kit_int(&k, "SELECT seed FROM run WHERE state='running'"), 7);
    lg_totals t = {.calls = 3, .micros = 42};
    lg__store_totals(k.s, &t);
    assert_int_equal(lg__store_run_end(k.s, "done"), 0);
    assert_int_equal(kit_int(&k, "SELECT calls*100+micros FROM run WHERE state='done'"), 342);
    assert_int_equal(lg__store_run_end(k.s, "done"), LG_ESTATE);
    kit_end(&k);
}

static void test_killed_runs_are_known(void **state)
{
    (void)state;
    kit k;
    lg_ambiguous *list;
    size_t n;
    kit_setup(&k);
    open_it(&k);
    kit_shut(&k);
    pid_t child = fork();
    if (child == 0) { /* dies with two calls in flight, one answered */
        lg_request *r[3];
        open_it(&k);
        begin_run(&k, "dead");
        (void)lg__store_begin(k.s);
        for (int i = 0; i < 3; i++) {
            r[i] = kit_ask(&k, "q", (uint32_t)i);
            r[i]->attempts = 1;
            r[i]->worst_micros = 100 + i;
            (void)lg__store_intend(k.s, r[i]);
        }
        (void)lg__store_commit(k.s);
        lg_attempt a = kit_attempt(&k, GOOD("yes"));
        lg_bought c = kit_bought(r[1], &a);
        (void)lg__store_begin(k.s);
        (void)lg__store_put_reply(k.s, r[1], &c);
        (void)lg__store_commit(k.s);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    open_it(&k);
    begin_run(&k, "next");
    assert_int_equal(kit_int(&k, "SELECT count(*) FROM run WHERE name='dead' AND state='killed'"),
                     1);
    assert_int_equal(lg__store_ambiguous(k.s, 1, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].worst_micros + list[1].worst_micros, 202);
    assert_false(list[0].again);
    lg__mem_free(&k.mem, list, n * sizeof *list);
    lg_request *lost = kit_ask(&k, "q", 0), *kept = kit_ask(&k, "q", 1);
    assert_int_equal(lg__store_is_ambiguous(k.s, lost->key), 1);
    assert_int_equal(lg__store_is_ambiguous(k.s, kept->key), 0);
    assert_int_equal(lg__store_find(k.s, kept), 1);
    lg__request_free(&k.mem, lost);
    lg__request_free(&k.mem, kept);
    kit_end(&k);
}

static void test_tools_results(void **state)
{
    (void)state;
    kit k;
    unsigned char key[32], other[32], odd[32] = {1};
    lg_piece in[] = {{"code", 4}, {"x = 1", 5}};
    lg_text *text = NULL;
    bool scored = false;
    double score = 0, target = 0;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(lg__store_tool_key("tests", "1", in, 2, &k.mem, key), 0);
    assert_int_equal(lg__store_tool_key("tests", "2", in, 2, &k.mem, other), 0);
    assert_int_equal(lg__store_find_result(k.s, key, &text, &scored, &score, &target), 0);
    lg_result put = {key, "tests", "1", "good", 4, true, 0.5, 1, LG_MEDIA_TEXT};
    lg_result drawn = {other, "tests", "2", "GIF89a\0\xff", 8, false, 0, 0, LG_MEDIA_GIF};
    lg_result wrong = {odd, "tests", "3", "no picture", 10, false, 0, 0, LG_MEDIA_GIF};
    assert_int_equal(lg__store_begin(k.s), 0);
    assert_int_equal(lg__store_put_result(k.s, &put), 0);
    assert_int_equal(lg__store_put_result(k.s, &drawn), 0);
    assert_int_equal(lg__store_put_result(k.s, &wrong), 0);
    assert_int_equal(lg__store_commit(k.s), 0);
    reopen(&k);
    assert_int_equal(lg__store_find_result(k.s, key, &text, &scored, &score, &target), 1);
    assert_bytes(text->data, text->len, "good");
    assert_true(scored && score == 0.5 && target == 1);
    lg__text_unref(text);
    assert_int_equal(lg__store_find_result(k.s, other, &text, &scored, &score, &target), 1);
    assert_int_equal(text->media, LG_MEDIA_GIF);
    assert_int_equal(text->len, 8);
    assert_memory_equal(text->data, "GIF89a\0\xff", 8);
    lg__text_unref(text);
    assert_int_equal(lg__store_find_result(k.s, odd, &text, &scored, &score, &target), 0);
    kit_end(&k);
}

/* ---- SQL ----------------------------------------------------------------------- */

static void test_statements(void **state)
{
    (void)state;
    kit k;
    lg_cell cells[] = {{.type = LG_CELL_INT, .i = 7},
                       {.type = LG_CELL_TEXT, .s = "a\0b", .len = 3},
                       {.type = LG_CELL_NULL}};
    lg_cell got;
    int64_t changed;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(lg__store_exec(k.s,
                                    "INSERT INTO candidates(run_id, texts, score) "
                                    "VALUES(?, ?, ?)",
                                    cells, 3),
                     0);
    assert_int_equal(lg__store_queued(k.s), 1);
    assert_int_equal(kit_int(&k, "SELECT count(*) FROM candidates"), 0);
    assert_int_equal(lg__store_begin(k.s), 0);
    assert_int_equal(lg__store_commit(k.s), 0);
    assert_int_equal(lg__store_query(k.s, "SELECT texts, score FROM candidates", NULL, 0), 0);
    assert_int_equal(lg__store_row(k.s), 1);
    lg__store_cell(k.s, 0, &got);
    assert_int_equal(got.len, 3);
    lg__store_cell(k.s, 1, &got);
    assert_int_equal(got.type, LG_CELL_NULL);
    assert_int_equal(lg__store_exec(k.s, "INSERT INTO nowhere VALUES(1)", NULL, 0), LG_EINVAL);
    assert_int_equal(lg__store_exec(k.s, "DELETE FROM run; DELETE FROM run", NULL, 0), LG_EINVAL);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    assert_int_equal(lg__store_maintain(k.s, "DELETE FROM reply", NULL, 0, &changed), 0);
    assert_int_equal(changed, 1);
    assert_int_equal(kit_find(&k, "a", ""), 0);
    assert_int_equal(kit_buy(&k, "a", GOOD("new")), 0);
    assert_int_equal(kit_find(&k, "a", "new"), 1);
    kit_end(&k);
}

/* ---- what else may lie there ------------------------------------------------------ */

static void test_newer_versions_and_strangers(void **state)
{
    (void)state;
    kit k;
    kit_setup_named(&k, "a store, größer");
    open_it(&k);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    kit_shut(&k);
    sql(&k, "PRAGMA user_version=99");
    assert_part(refused(&k, NULL, LG_ESTORE), "it was made by a newer lunagrad (its tables have "
                                              "version 99, this one knows 5)");
    sql(&k, "PRAGMA user_version=5; PRAGMA application_id=5");
    struct stat st;
    assert_int_equal(chmod(k.path, 0644), 0);
    assert_part(refused(&k, NULL, LG_ESTORE), "this is another program's database");
    assert_int_equal(stat(k.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    kit_end(&k);
}

/* What deleted replies cost, and which replies a run was served. */
static void test_books_of_what_is_gone(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(lg__store_run_begin(k.s, "r", "{}"), 0);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    assert_int_equal(kit_buy(&k, "b", GOOD("yes")), 0);
    assert_int_equal(lg__store_run_end(k.s, "done"), 0);
    assert_int_equal(lg__store_run_begin(k.s, "r", "{}"), 0);
    assert_int_equal(kit_find(&k, "b", "yes"), 1);
    assert_int_equal(kit_find(&k, "c", ""), 0);
    assert_int_equal(lg__store_run_end(k.s, "done"), 0);
    assert_int_equal(kit_int(&k, "SELECT count(*) FROM used"), 1);
    assert_int_equal(kit_int(&k, "SELECT packed=x'0200000000000000' AND run_id=2 FROM used"), 1);
    int64_t changed;
    assert_int_equal(lg__store_maintain(k.s, "DELETE FROM reply", NULL, 0, &changed), 0);
    assert_int_equal(changed, 2);
    assert_int_equal(kit_int(&k, "SELECT count(*) FROM reply"), 0);
    assert_int_equal(kit_int(&k, "SELECT calls=2 AND input=20 AND output=4 AND micros=28 AND "
                                 "run_id=1 AND model='x/m' FROM forgotten"),
                     1);
    kit_end(&k);
}

/* The same version, and other tables: nothing is written, nothing misread. */
static void test_other_tables_of_the_same_version(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    kit_shut(&k);
    sql(&k, "CREATE INDEX theirs ON reply(model); CREATE VIEW v AS SELECT 1; CREATE TABLE t(x)");
    open_it(&k);
    assert_int_equal(kit_find(&k, "a", "yes"), 1);
    kit_shut(&k);
    sql(&k, "ALTER TABLE reply ADD COLUMN more");
    assert_part(refused(&k, NULL, LG_ESTORE), "its tables are not those of this lunagrad, though "
                                              "they have its version (5)");
    assert_part(k.why.hint->data, "move it away");
    lg_store_config reader = {.read_only = true};
    assert_part(refused(&k, &reader, LG_ESTORE), "its tables are not those of this lunagrad");
    sql(&k, "ALTER TABLE reply DROP COLUMN more; DROP INDEX scores_run");
    assert_part(refused(&k, NULL, LG_ESTORE), "its tables are not those of this lunagrad");
    kit_end(&k);
}

static void write_at(const char *path, off_t at, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, n, at), n);
    close(fd);
}

/* Cut or flipped anywhere: a clear line or a whole reply, never a crash, never a wrong
 * text. */
static void test_damage(void **state)
{
    (void)state;
    kit k;
    struct stat st;
    char copy[200], text[16], command[600];
    kit_setup(&k);
    open_it(&k);
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "q%d", i);
        assert_int_equal(kit_buy(&k, text, GOOD("yes")), 0);
    }
    kit_shut(&k);
    snprintf(copy, sizeof copy, "%s/copy.db", k.top);
    snprintf(command, sizeof command, "cp '%s' '%s'", k.path, copy);
    assert_int_equal(system(command), 0);
    assert_int_equal(stat(copy, &st), 0);
    snprintf(command, sizeof command, "rm -f '%s'*; cp '%s' '%s'", k.path, copy, k.path);
    unsigned seen[3] = {0};
    uint64_t random = 7;
    for (int round = 0; round < 300; round++) {
        off_t at = (off_t)(support_random(&random) % (uint64_t)st.st_size);
        at = round < 100 ? round : at; /* the header, every byte */
        assert_int_equal(system(command), 0);
        if (round % 3 == 2) {
            assert_int_equal(truncate(k.path, at), 0);
        } else {
            unsigned char byte;
            int fd = open(k.path, O_RDONLY);
            assert_int_equal(pread(fd, &byte, 1, at), 1);
            close(fd);
            byte ^= (unsigned char)(1u << (support_random(&random) % 8));
            write_at(k.path, at, &byte, 1);
        }
        int err = kit_open_with(&k, NULL);
        if (err) {
            assert_int_equal(err, LG_ESTORE);
            assert_part(lg__fail_message(&k.why), k.dir);
            seen[0]++;
            continue;
        }
        for (int i = 0; i < 40; i++) {
            snprintf(text, sizeof text, "q%d", i);
            int found = kit_find(&k, text, "yes");
            assert_true(found == 1 || found == 0 || found == LG_ESTORE);
            seen[found == 1 ? 1 : 2]++;
        }
        (void)kit_buy(&k, "new", GOOD("yes"));
        kit_shut(&k);
    }
    assert_true(seen[0] > 20 && seen[1] > 1000 && seen[2] > 0);
    kit_end(&k);
}

static void test_a_lost_database_is_no_new_one(void **state)
{
    (void)state;
    kit k;
    char wal[200];
    kit_setup(&k);
    open_it(&k);
    kit_shut(&k);
    snprintf(wal, sizeof wal, "%s-wal", k.path);
    int fd = open(wal, O_WRONLY | O_CREAT, 0666);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    assert_int_equal(truncate(k.path, 0), 0);
    assert_part(refused(&k, NULL, LG_ESTORE), "it is empty, but its log");
    assert_int_equal(unlink(k.path), 0);
    assert_part(refused(&k, NULL, LG_ESTORE), "it is gone, but its log");
    kit_end(&k);
}

static void test_places_that_cannot_be(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    lg_store_config c = {.dir = "/proc/lunagrad/store"};
    assert_part(refused(&k, &c, LG_ESTORE), "/proc/lunagrad: cannot be made: ");
    c.dir = "/dev/null/store";
    assert_part(refused(&k, &c, LG_ESTORE), "cannot be made: Not a directory");
    c.dir = "/dev/null";
    assert_part(refused(&k, &c, LG_ESTORE), "/dev/null: it is not a directory");
    open_it(&k);
    kit_shut(&k);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL);
    assert_part(refused(&k, NULL, LG_ESTORE), "another program keeps it locked");
    sqlite3_close(db);
    char lock[200];
    snprintf(lock, sizeof lock, "%s/store.lock", k.dir);
    int fd = open(lock, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_part(refused(&k, NULL, LG_ESTORE), "another process has held it");
    close(fd);
    open_it(&k);
    kit_end(&k);
}

static void test_directories_that_cannot_be_written(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(kit_buy(&k, "a", GOOD("yes")), 0);
    kit_shut(&k);
    bool root = geteuid() == 0;
    assert_int_equal(chmod(k.top, 0555), 0);
    assert_int_equal(chmod(k.dir, 0555), 0);
    char lock[200];
    snprintf(lock, sizeof lock, "%s/store.lock", k.dir);
    assert_int_equal(chmod(lock, 0444), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    const char *said = refused(&k, NULL, LG_ESTORE);
    bool good = strstr(said, "store.lock: cannot be made: Permission denied") != NULL;
    char new[200];
    snprintf(new, sizeof new, "%s/new", k.top);
    lg_store_config c = {.dir = new};
    said = refused(&k, &c, LG_ESTORE);
    good = good && strstr(said, "/new: cannot be made: Permission denied");
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_true(good);
    chmod(k.top, 0755);
    chmod(k.dir, 0755);
    chmod(lock, 0644);
    open_it(&k);
    assert_int_equal(kit_find(&k, "a", "yes"), 1);
    kit_end(&k);
}

/* A turn waits for the lock, says so once, and gives up at last: then nothing is bought. */
static void test_a_lock_that_never_goes(void **state)
{
    (void)state;
    kit k;
    kit_setup(&k);
    lg_store_config c = {.wait_ms = 20};
    assert_int_equal(kit_open_with(&k, &c), 0);
    char lock[200];
    snprintf(lock, sizeof lock, "%s/store.lock", k.dir);
    int fd = open(lock, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(lg__store_begin(k.s), LG_STORE_BUSY);
    assert_false(lg__store_broken(k.s));
    assert_int_equal(lg__store_begin_wait(k.s), LG_ESTORE); /* not for good */
    assert_false(lg__store_broken(k.s));
    assert_int_equal(lg__store_begin_at_last(k.s), LG_ESTORE);
    assert_true(lg__store_broken(k.s));
    assert_part(lg__fail_message(lg__store_why(k.s)), "another process has kept it locked for");
    char *told = strstr(k.logged, "waiting for another program");
    assert_non_null(told);
    assert_null(strstr(told + 1, "waiting for"));
    close(fd);
    kit_end(&k);
}

/* ---- no memory ----------------------------------------------------------------- */

static int oom_work(support_heap *h, void *ctx)
{
    kit *k = ctx;
    support_mem_on(&k->mem, h);
    lg__log_init(&k->log, &k->mem, NULL, NULL, LG_LOG_ERROR);
    lg__fail_init(&k->why);
    k->logged[0] = '\0';
    k->model = kit_model(k);
    int err = k->model ? kit_open_with(k, NULL) : LG_ENOMEM;
    err = err ? err : lg__store_run_begin(k->s, "r", "{}");
    err = err ? err : kit_buy(k, "a", GOOD("yes"));
    int found = err ? err : kit_find(k, "a", "yes");
    err = found < 0 ? found : err;
    lg_ambiguous *list = NULL;
    size_t n = 0;
    err = err ? err : lg__store_ambiguous(k->s, 1, &list, &n);
    lg__mem_free(&k->mem, list, n * sizeof *list);
    err = err ? err : lg__store_exec(k->s, "DELETE FROM scores", NULL, 0);
    err = err ? err : lg__store_run_end(k->s, "done");
    kit_shut(k);
    lg__fail_free(&k->why);
    lg__model_destroy(k->model);
    lg__log_free(&k->log);
    nftw(k->dir, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    kit k;
    kit_dirs(&k, "store");
    oom_sweep(oom_work, &k);
    nftw(k.top, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* What the level debug tells of turns: each begun once, and then either committed or undone;
 * with one that waits for its disk, synced behind that. */
static void test_lines_of_turns(void **state)
{
    (void)state;
    kit k;
    const lg_store_config durable = {.durable = true};
    char all[400] = "", line[48];
    unsigned long long number, synced = 0;
    kit_setup(&k);
    assert_int_equal(kit_open_with(&k, &durable), 0);
    assert_int_equal(lg__store_begin(k.s), 0);
    lg__store_rollback(k.s);
    assert_int_equal(kit_buy(&k, "TEXTCANARY", GOOD("BODYCANARY")), 0);
    lg__store_wait(k.s);
    for (const char *at = strstr(k.logged, "turn "); at; at = strstr(at + 1, "turn ")) {
        assert_int_equal(sscanf(at, "turn %llu: %47[^\n]", &number, line), 2);
        if (strcmp(line, "committed -> synced") != 0) {
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s; ", line);
            continue;
        }
        assert_true(number > synced); /* the first may be told when the next begins */
        synced = number;
    }
    assert_string_equal(all, "new -> begun; begun -> undone; "
                             "new -> begun; begun -> committed (1 intents); "
                             "new -> begun; begun -> committed (0 intents); ");
    assert_int_equal(synced, lg__store_committed(k.s)); /* and so all before it */
    assert_null(strstr(k.logged, "CANARY"));
    kit_end(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_are_kept),
        cmocka_unit_test(test_samples_are_calls_of_their_own),
        cmocka_unit_test(test_many_replies),
        cmocka_unit_test(test_unreadable_replies_are_no_hits),
        cmocka_unit_test(test_empty_replies_are_no_hits),
        cmocka_unit_test(test_damaged_rows_are_bought_again),
        cmocka_unit_test(test_two_stores_see_each_other),
        cmocka_unit_test(test_one_writer_at_a_time),
        cmocka_unit_test(test_readers_change_nothing),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_killed_runs_are_known),
        cmocka_unit_test(test_tools_results),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_newer_versions_and_strangers),
        cmocka_unit_test(test_books_of_what_is_gone),
        cmocka_unit_test(test_other_tables_of_the_same_version),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_a_lost_database_is_no_new_one),
        cmocka_unit_test(test_places_that_cannot_be),
        cmocka_unit_test(test_directories_that_cannot_be_written),
        cmocka_unit_test(test_a_lock_that_never_goes),
        cmocka_unit_test(test_lines_of_turns),
        cmocka_unit_test(test_oom),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
