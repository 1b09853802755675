/* store.h - what remembers: paid replies, intents, runs, results of tools.
 *
 * The face of a store. What is behind it is a folder of its own (sqlite/), which alone knows
 * in what it is kept. Several processes may use one at a time. Passive:
 * front/turn_commit.c says when to write what. */
#ifndef LG_STORE_H
#define LG_STORE_H

#include "base/digest.h"
#include "lg_inside.h" /* lg_cell, lg_ambiguous */
#include "model/request.h"

typedef struct lg_store lg_store;

typedef struct lg_store_config {
    const char *dir;
    bool durable;        /* commits are counted as done when the disk has them */
    bool read_only;      /* of another's: nothing is made, locked or written */
    const char *below;   /* tests: by what the backend reaches its files; NULL: as usual */
    int wait_ms;         /* for others' locks; 0: 5 000; a turn waits 12 times that */
    int (*sync)(int fd); /* of the log (tests); NULL: in the background */
} lg_store_config;

enum { LG_SCHEMA = 5 };     /* version of what is kept, and how */
enum { LG_STORE_BUSY = 1 }; /* of begin: another holds the lock, try again */

/* 0; LG_ENOMEM; LG_ENOTFOUND (read_only, and there is none); LG_ESTORE. *why tells,
 * in one line (initialised here). log may be NULL. */
int lg__store_open(lg_mem *m, lg_log *log, const lg_store_config *c, lg_store **out, lg_fail *why);
void lg__store_close(lg_store *s);
/* The backend's version; *words: it finds documents by their words. */
const char *lg__store_version(bool *words);
void lg__store_check(const lg_store *s); /* debug builds, between two turns: store_check.c */
/* The last failure. After one of a write, of a sync, or for damage nothing is written
 * any more: it is final. code 0: none. */
const lg_fail *lg__store_why(const lg_store *s);
bool lg__store_broken(const lg_store *s);
const char *lg__store_dir(const lg_store *s);

/* ---- replies (store_reply.c) ------------------------------------------------- */

/* 1: r->reply is filled from the stored bytes. 0: not there, or of no use (damaged, or
 * the dialect does not understand it any more). LG_ENOMEM, LG_ESTORE. */
int lg__store_find(lg_store *s, lg_request *r);
/* A call of this purpose (lg_call) got that reply, as r->row names it: written with the next
 * commit. */
void lg__store_note_purpose(lg_store *s, uint64_t purpose, int64_t row);
/* Look-ups share a read transaction until this (or begin) ends it. */
void lg__store_end_reading(lg_store *s);
/* Whether another process has written since r was looked for. Fresh after begin. */
bool lg__store_is_stale(const lg_store *s, const lg_request *r);
/* Whether a run that died had sent this, and no run has its reply. 1, 0, LG_E… */
int lg__store_is_ambiguous(lg_store *s, const unsigned char key[32]);

/* In a turn: whether a run of another process that lives has it in flight, since less than
 * a minute. 1, 0, LG_E… (store_other.c) */
int lg__store_is_elsewhere(lg_store *s, const unsigned char key[32]);

/* ---- a turn: begin, write, commit (store_turn.c) ------------------------------- */

/* 0, LG_STORE_BUSY, LG_ESTORE. */
int lg__store_begin(lg_store *s);
int lg__store_begin_wait(lg_store *s); /* … but waits up to wait_ms, then LG_ESTORE */
/* For what is paid for: waits as long as turns may, and that was all then. */
int lg__store_begin_at_last(lg_store *s);

typedef struct lg_bought { /* an attempt that ended, as it is written down */
    const unsigned char *key;
    int number; /* of the attempt */
    int64_t latency_us;
    const lg_attempt *attempt;
} lg_bought;

typedef struct lg_result { /* a tool's */
    const unsigned char *key;
    const char *name, *version, *text;
    size_t len;
    bool has_score;
    double score, target;
    int media; /* enum lg_media: what text is */
} lg_result;

/* All: 0, LG_ENOMEM, LG_ESTORE. Between begin and commit. */
int lg__store_intend(lg_store *s, const lg_request *r);
/* r is DONE. Where another run's reply came first, r->reply becomes that one. */
int lg__store_put_reply(lg_store *s, lg_request *r, const lg_bought *b);
int lg__store_put_attempt(lg_store *s, const lg_bought *b);
int lg__store_put_result(lg_store *s, const lg_result *t);
/* Before intents are written: takes the disk's space for the replies to so many calls in
 * flight. LG_ESTORE: it is full, and nothing more may be bought; what is in flight has
 * its room, and can be written. */
int lg__store_room(lg_store *s, size_t calls);
bool lg__store_full(const lg_store *s);
/* Writes the intents and what was queued as well. After a failure nothing of the turn
 * is stored. */
int lg__store_commit(lg_store *s);
void lg__store_rollback(lg_store *s);
/* From now on what a commit does for many before it (the log into the database, the index) is
 * done for fewer at a time: for hosts whose steps have a budget. It is more work in all. */
void lg__store_cut(lg_store *s);
/* The turn is lost, with this code: nothing is written any more. */
void lg__store_give_up(lg_store *s, int code);
/* 0, or LG_ESTORE when a sync has failed. */
int lg__store_check_sync(lg_store *s);
bool lg__store_is_durable(const lg_store *s);
/* The number of the last commit. */
uint64_t lg__store_committed(const lg_store *s);
/* Whether nobody has to wait for the disk to take this commit: it has, a sync failed, or
 * the store is not durable. */
bool lg__store_reached(lg_store *s, uint64_t commit);
/* durable: blocks until the disk has all commits, or a sync failed. */
void lg__store_wait(lg_store *s);
/* Readable when a sync in the background has ended; -1: there is none yet. */
int lg__store_sync_fd(const lg_store *s);
/* Not durable: to be called a while after a commit. Whether it must be called again. */
bool lg__store_tick(lg_store *s);

/* ---- tools' results (store_reply.c) ---------------------------------------------- */

int lg__store_tool_key(const char *name, const char *version, const lg_piece *inputs, size_t n,
                       lg_mem *m, unsigned char key[32]);
/* 1: *text is counted for the caller; 0; LG_E… */
int lg__store_find_result(lg_store *s, const unsigned char key[32], lg_text **text, bool *has_score,
                          double *score, double *target);

/* A word under a key, which lg__store_find_result finds: written with the next commit, over
 * what was there. 0, LG_E… */
int lg__store_remember(lg_store *s, const unsigned char key[32], const char *name,
                       const char *word);

/* Whether this process is the one that runs the tool now: with the claim held, its result is
 * looked for once more. False: another process does, and lets go when it has stored the
 * result, or has failed, or is gone (store_claim.c). */
bool lg__store_claim(lg_store *s, const unsigned char key[32]);
void lg__store_unclaim(lg_store *s, const unsigned char key[32]);

/* ---- runs (store_run.c) -------------------------------------------------------- */

typedef struct lg_totals { /* of this run so far */
    uint64_t calls, served, tokens_in, tokens_out, micros;
} lg_totals;

/* name may be NULL. Waits for the lock. 0, LG_ENOMEM, LG_EPARSE (meta), LG_ESTORE. */
int lg__store_run_begin(lg_store *s, const char *name, const char *meta);
int64_t lg__store_run(const lg_store *s);               /* its id; 0: none */
void lg__store_totals(lg_store *s, const lg_totals *t); /* written with the next commit */
int lg__store_run_end(lg_store *s, const char *state);

/* *list: *n of them, freed by the caller with lg__mem_free(n * sizeof). 0, LG_E… */
int lg__store_ambiguous(lg_store *s, int64_t run, lg_ambiguous **list, size_t *n);

/* ---- statements, for lg_inside.h (store_sql.c) ----------------------------------- */

/* Statements are in the backend's own language: lunagrad/book/queries.lua has all of them. */
/* One that changes rows, queued for the next commit; cells are copied. */
int lg__store_exec(lg_store *s, const char *statement, const lg_cell *cells, size_t n);
size_t lg__store_queued(const lg_store *s);
/* One statement that reads. The cursor is the store's only one: a second query, or
 * the end, closes the first. */
int lg__store_query(lg_store *s, const char *statement, const lg_cell *cells, size_t n);
int lg__store_row(lg_store *s); /* 1: there is one; 0: the end; LG_E… */
size_t lg__store_columns(const lg_store *s);
const char *lg__store_column(const lg_store *s, size_t i);
void lg__store_cell(const lg_store *s, size_t i, lg_cell *out); /* borrowed until _row */
/* One statement at once, under the lock. *changed: rows. */
int lg__store_maintain(lg_store *s, const char *statement, const lg_cell *cells, size_t n,
                       int64_t *changed);

#endif
