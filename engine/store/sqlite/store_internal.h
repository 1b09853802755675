/* store_internal.h - the store's inside, shared by sqlite/store*.c, the only files that see
 * SQLite.
 *
 * A store is a directory: store.db (with -wal and -shm), store.lock and runs/<id>.lock.
 * Whoever writes or checkpoints holds store.lock (flock) as long as that takes: SQLite
 * versions before 3.51.3 can corrupt a WAL database that two connections reset at once.
 * Readers open read-only and never checkpoint. SQLite's memory is its own.
 *
 * Invariants: in_turn means that this process holds store.lock and a write
 * transaction is open; broken is for ever. */
#ifndef LG_STORE_INTERNAL_H
#define LG_STORE_INTERNAL_H

#include <linux/aio_abi.h>
#include <sqlite3.h>

#include "base/errno_text.h"
#include "store/store.h"

enum {
    LG_SQL_BEGIN = 0,
    LG_SQL_COMMIT,
    LG_SQL_ROLLBACK,
    LG_SQL_READ,
    LG_SQL_FIND,
    LG_SQL_FIND_ID,
    LG_SQL_FIND_BAD,
    LG_SQL_PUT_REPLY,
    LG_SQL_DROP_REPLY,
    LG_SQL_PUT_ATTEMPT,
    LG_SQL_PUT_INTENT,
    LG_SQL_PUT_USED,
    LG_SQL_PUT_PURPOSES,
    LG_SQL_FIND_RESULT,
    LG_SQL_PUT_RESULT,
    LG_SQL_REMEMBER,
    LG_SQL_TOTALS,
    LG_SQL_TAIL,
    LG_SQL_INDEX,
    LG_SQL_INDEXED,
    LG_SQL_INTENTS,
    LG_SQL_ATTEMPTS,
    LG_SQLS
};

enum { LG_PURPOSE_BYTES = 16 }; /* purpose, id of the reply: little-endian */
enum { LG_INTENT_BYTES = 44 };  /* key, number (4), worst micros (8): little-endian */

typedef struct lg_queued { /* a statement of the binding, bound */
    struct lg_queued *next;
    sqlite3_stmt *stmt;
} lg_queued;

typedef struct lg_unindexed { /* a reply that reply_key does not lead to yet */
    unsigned char key[32];
    int64_t id;
} lg_unindexed;

typedef struct lg_tail { /* all of them, of all runs; store_tail.c */
    lg_unindexed *rows;
    size_t n, cap;
    lg_keymap map;    /* key → its place in rows, from 1 */
    int64_t seen;     /* ids up to this are in here, or in reply_key */
    uint32_t foreign; /* the store's, when it was last brought up to date */
} lg_tail;

typedef struct lg_other { /* a call of another process; run 0: it is over */
    int64_t run, created_us;
    int64_t since; /* ticks: when it was sent, as far as the clock can be believed */
} lg_other;

typedef struct lg_others { /* store_other.c */
    lg_other *rows;
    size_t n, cap;
    lg_keymap map; /* key → its place in rows, from 1 */
    int64_t seen_intent, seen_attempt;
    uint32_t foreign; /* the store's, when it was last brought up to date */
} lg_others;

typedef struct lg_syncer { /* store_sync.c */
    bool running, eager, busy;
    int fd, event_fd;  /* of the log; readable when a sync has ended */
    aio_context_t aio; /* 0: the kernel has none for us */
    struct iocb request;
    uint64_t wanted, asked, done; /* commits: written, of those a sync was asked, has them */
    int64_t since_us;             /* of the first that none was asked for */
    int err;                      /* errno of the first failure */
    int (*sync)(int fd);          /* tests; NULL: the kernel's. EINPROGRESS: it ends later */
} lg_syncer;

struct lg_store {
    lg_mem *mem;
    lg_log *log;
    char *dir, *path, *log_path, *lock_path;
    const char *below; /* SQLite's name of a VFS */
    int wait_ms;
    bool durable, read_only, in_turn, full, wrote, has_bad;
    _Atomic bool broken; /* a host that has a thread may look */
    int lock_fd;
    sqlite3 *db;
    sqlite3_stmt *sql[LG_SQLS];
    lg_fail why;
    int64_t busy_since_us; /* 0: not busy */
    bool busy_told;
    uint32_t version; /* SQLite's, of the data, as last seen */
    uint32_t foreign; /* how often others changed it */
    int log_pages, next_checkpoint;
    bool is_cut;       /* lg__store_cut */
    int64_t room_end;  /* of the log, in bytes: so far the disk has space for it */
    size_t mean_bytes; /* of what is stored of a reply */
    bool reading;      /* a read transaction is open, for several look-ups */
    lg_tail tail;
    lg_others others;
    lg_bytes intents;  /* of this turn, packed */
    lg_bytes used;     /* ids of replies that were served, 8 bytes each: not yet written */
    lg_bytes purposes; /* of calls that got their reply, packed: not yet written */
    lg_bytes scratch;
    lg_queued *queue, **queue_end;
    size_t n_queued;
    sqlite3_stmt *cursor;
    int64_t run; /* 0: none */
    int run_fd;
    int64_t began_us, began_ticks; /* of the run: by the clock, and since then */
    int claim_fd;                  /* store_claim.c; -1: not opened yet */
    lg_totals totals;
    bool totals_changed;
    lg_keymap lost; /* keys that dead runs had sent; read when first asked for */
    bool lost_known;
    lg_syncer sync;
    uint64_t told_synced; /* the last commit that a line has called synced */
};

/* store_base.c */
/* Notes what SQLite said (rc) about doing `what`; final when a write is spoilt. */
int lg__store_failed(lg_store *s, int rc, const char *what);
int lg__store_fail(lg_store *s, int code, bool final, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
const char *lg__store_text(int which);               /* of a statement */
sqlite3_stmt *lg__store_sql(lg_store *s, int which); /* NULL: noted */
int lg__store_do(lg_store *s, const char *sql);      /* plain text, no rows */
int64_t lg__store_int(lg_store *s, const char *sql, int64_t otherwise);
int64_t lg__store_now(void);                    /* µs since 1970 */
int64_t lg__store_ticks(void);                  /* µs, monotonic */
int lg__store_lock(lg_store *s);                /* 0, LG_STORE_BUSY, LG_ESTORE */
int lg__store_lock_wait(lg_store *s);           /* as long as the config says */
int lg__store_lock_within(lg_store *s, int ms); /* … so long */
void lg__store_unlock(lg_store *s);
void lg__store_notice(lg_store *s); /* whether another process has written */

int lg__store_step(lg_store *s, int which); /* of a statement without rows */

/* store_files.c */
#define LG_STORE_WRITABLE "make the directory writable, or choose another one"
int lg__store_name_files(lg_store *s, const char *dir);
int lg__store_make_dirs(lg_store *s);        /* and the lock's file */
int lg__store_check_files(lg_store *s);      /* are they files, and do they belong together? */
void lg__store_make_file(const lg_store *s); /* with the lock */
int lg__store_make_private(lg_store *s);     /* with the lock, of what is known as a store */

/* store_tail.c */
int lg__tail_learn(lg_store *s); /* what others wrote meanwhile */
int64_t lg__tail_find(const lg_store *s, const unsigned char key[32]); /* id; 0: none */
int lg__tail_add(lg_store *s, const unsigned char key[32], int64_t id);
int lg__tail_index(lg_store *s, size_t from); /* in a turn: when it has so many rows */
void lg__tail_free(lg_store *s);

/* store_claim.c */
void lg__claims_close(lg_store *s);

/* store_other.c */
void lg__others_free(lg_store *s);

/* store_schema.c: under the lock */
int lg__store_migrate(lg_store *s);

/* store_sync.c */
int lg__sync_start(lg_syncer *y, const char *path);   /* errno */
void lg__sync_ask(lg_syncer *y);                      /* a commit was written */
void lg__sync_tick(lg_syncer *y);                     /* time has passed */
bool lg__sync_reached(lg_syncer *y, uint64_t commit); /* or it failed */
void lg__sync_end(lg_syncer *y, int err);             /* tests: the one in progress */
void lg__sync_wait(lg_syncer *y);                     /* until all commits are reached */
int lg__sync_error(lg_syncer *y);                     /* errno, 0 */
void lg__sync_stop(lg_syncer *y);                     /* after all that was asked for */

/* store_sql.c */
void lg__store_bind(sqlite3_stmt *stmt, int at, const lg_cell *c);
void lg__store_column_cell(sqlite3_stmt *stmt, int at, lg_cell *out); /* stmt may be NULL */
void lg__store_drop_queue(lg_store *s);
int lg__store_run_queue(lg_store *s);

/* store_run.c */
void lg__store_run_close(lg_store *s);
bool lg__store_is_alive(lg_store *s, int64_t run);

#endif
