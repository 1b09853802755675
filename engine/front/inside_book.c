/* inside_book.c - one face of rows for stores and indexes, for lua/. See lg_inside.h. */
#include "lg_inside.h"

#include "front/front_internal.h"
#include "store/store_index.h"

static lg_store *store_of(const lg_book *b)
{
    return b->engine ? b->engine->store : b->store;
}

/* ---- opening ------------------------------------------------------------------ */

int lg__book_open(lg_alloc_fn alloc, void *ud, enum lg_book_kind kind, const char *path,
                  lg_book **out)
{
    lg_mem m;
    lg_store_config c = {.dir = path, .read_only = kind == LG_BOOK_STORE};
    lg__mem_init(&m, alloc, ud);
    lg_book *b = *out = lg__mem_zero(&m, sizeof *b);
    if (!b)
        return LG_ENOMEM;

    b->mem = m;
    if (kind == LG_BOOK_INDEX)
        return lg__index_open(&b->mem, path, &b->index, &b->why);

    return lg__store_open(&b->mem, NULL, &c, &b->store, &b->why);
}

static void forget_list(lg_book *b)
{
    lg__mem_free(&b->mem, b->list, b->n * sizeof *b->list);
    b->list = NULL;
    b->n = 0;
}

void lg__book_close(lg_book *b)
{
    if (!b)
        return;

    forget_list(b);
    if (b->store)
        lg__store_close(b->store);
    if (b->index)
        lg__index_close(b->index);
    lg__fail_free(&b->why);
    lg_mem m = b->mem;
    lg__mem_free(&m, b, sizeof *b);
}

size_t lg__book_bytes(const lg_book *b)
{
    return b->index ? lg__index_bytes(b->index) : 0;
}

lg_book *lg__book_of(lg_engine *e)
{
    e->book.engine = e;
    return e->store ? &e->book : NULL;
}

const char *lg__book_why(const lg_book *b, const char **hint)
{
    const lg_fail *why = &b->why;
    *hint = NULL;
    if (b->refused)
        return "a book of this kind has no such statements";

    if (b->index)
        why = lg__index_why(b->index);
    else if (store_of(b) && !why->code)
        why = lg__store_why(store_of(b));
    *hint = why->hint ? why->hint->data : NULL;
    return lg__fail_message(why);
}

/* ---- statements ----------------------------------------------------------------- */

/* What a book of its kind has none of. */
static int refuse(lg_book *b)
{
    b->refused = true;
    return LG_EINVAL;
}

typedef struct lg_statement { /* of the engine's store: by its thread, where it has one */
    lg_book *book;
    const char *sql;
    const lg_cell *cells;
    size_t n;
} lg_statement;

static int query(lg_engine *e, void *ud)
{
    const lg_statement *a = ud;
    lg_book *b = a->book;
    const char *sql = a->sql;
    const lg_cell *cells = a->cells;
    size_t n = a->n;
    (void)e;
    b->refused = false;
    if (b->index)
        return lg__index_do(b->index, sql, cells, n);

    if (b->engine && lg__store_queued(b->engine->store))
        lg__engine_flush(b->engine);
    return lg__store_query(store_of(b), sql, cells, n);
}

int lg__book_query(lg_book *b, const char *sql, const lg_cell *cells, size_t n)
{
    lg_statement a = {b, sql, cells, n};
    return b->engine ? lg__thread_do(b->engine, query, &a) : query(NULL, &a);
}

static int next_row(lg_engine *e, void *ud)
{
    lg_book *b = ud;
    (void)e;
    int found = b->index ? lg__index_row(b->index) : lg__store_row(store_of(b));
    if (found != 1)
        return found;

    return (int)(b->index ? lg__index_columns(b->index) : lg__store_columns(store_of(b)));
}

int lg__book_next(lg_book *b)
{
    return b->engine ? lg__thread_do(b->engine, next_row, b) : next_row(NULL, b);
}

const char *lg__book_cell(const lg_book *b, size_t i, lg_cell *out)
{
    if (b->index) {
        lg__index_cell(b->index, i, out);
        return lg__index_column(b->index, i);
    }
    lg__store_cell(store_of(b), i, out);
    return lg__store_column(store_of(b), i);
}

static int change(lg_engine *e, void *ud)
{
    enum { MOST = 256 }; /* queued; then they are written, whatever else there is */
    const lg_statement *a = ud;
    lg_book *b = a->book;
    int err = lg__store_exec(e->store, a->sql, a->cells, a->n);
    if (err)
        return err;

    if (lg__store_queued(b->engine->store) >= MOST)
        lg__engine_flush(b->engine);
    else
        lg__engine_touch(b->engine);
    return LG_OK;
}

int lg__book_change(lg_book *b, const char *sql, const lg_cell *cells, size_t n, int64_t *changed)
{
    lg_statement a = {b, sql, cells, n};
    *changed = 0;
    b->refused = false;
    if (b->store)
        return lg__store_maintain(b->store, sql, cells, n, changed);

    return b->engine ? lg__thread_do(b->engine, change, &a) : refuse(b);
}

int lg__book_ambiguous(lg_book *b, int64_t run, const lg_ambiguous **list, size_t *n)
{
    *list = NULL;
    *n = 0;
    b->refused = false;
    if (!b->store)
        return refuse(b);

    forget_list(b);
    int err = lg__store_ambiguous(b->store, run, &b->list, &b->n);
    *list = b->list;
    *n = b->n;
    return err;
}
