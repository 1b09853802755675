/* lg_inside.h - what the Lua binding and the command need of the engine beyond lunagrad.h.
 *
 * Not for hosts: it is not installed, and may change with every version. It is all that lua/
 * may call (tests/check_symbols.sh), and shows no struct of the engine: handles, and plain
 * structs of its own, which headers of the engine may share. Its functions are
 * front/inside*.c. As lunagrad.h says: codes are LG_E…, 0 is well; one thread at a time. */
#ifndef LG_INSIDE_H
#define LG_INSIDE_H

#include "lunagrad.h"

/* ---- an engine with a thread of its own --------------------------------------------- */

/* Every function that the host may call, and that touches an engine or what was made from one,
 * begins with LG_INSIDE(e): it is alone with it then, until it returns. It may call others that
 * do. e NULL: nothing. */
lg_engine *lg__inside_enter(lg_engine *e);
void lg__inside_leave(lg_engine *const *e);
#define LG_INSIDE(e)                                                              \
    lg_engine *const inside_ __attribute__((cleanup(lg__inside_leave), unused)) = \
        lg__inside_enter(e)

/* ---- texts that grow -------------------------------------------------------- */

/* All zero is an empty one. After a failure it is empty, holds its error and ignores what is
 * added, so that a caller may add many pieces and look at err once. */
typedef struct lg_out {
    lg_alloc_fn alloc; /* NULL: malloc */
    void *alloc_ud;
    char *data; /* NUL-terminated when not NULL */
    size_t len, cap;
    int err; /* 0, LG_ENOMEM or LG_ELIMIT (1 GB) */
} lg_out;

enum lg_form {
    LG_AS_JSON,   /* a JSON string with its quotes; what is no UTF-8 becomes U+FFFD */
    LG_AS_BASE64, /* with padding */
    LG_OF_BASE64, /* its bytes: both alphabets, blanks are skipped. LG_EPARSE: it is none */
    LG_AS_SHA256  /* 64 hexadecimal digits */
};

typedef struct lg_fill { /* of a template; borrowed */
    const char *name;
    const char *value;
    size_t len;
} lg_fill;

/* Adds n bytes as they are. → out->err */
int lg__out_add(lg_out *out, const void *data, size_t n);
/* Adds n bytes in another form. → out->err; or LG_EPARSE, and some of it may be there */
int lg__out_as(lg_out *out, enum lg_form form, const void *data, size_t n);
/* Adds the text, or if it has more than max_tokens its head and tail, with a line between that
 * says how much was left out. → out->err */
int lg__out_trim(lg_out *out, const char *s, size_t len, size_t max_tokens);
/* Adds the template with its {fields} filled in. suffix not NULL: the values are fenced, see
 * base/template.h, and *suffix is the number in the tags (0: none). LG_ETEMPLATE: the field
 * named in bad is none of fields, and nothing was added; else → out->err */
int lg__out_template(lg_out *out, const char *tmpl, size_t len, const lg_fill *fields, size_t n,
                     unsigned *suffix, char bad[64]);
/* The next field of a template from *at on (0 at first), which moves behind it. Borrowed from
 * the template. false: there is none. */
bool lg__inside_field(const char *tmpl, size_t len, size_t *at, const char **name, size_t *size);
/* Adds what a whole reply of this dialect says. *media: its type when it is no text ("image/png",
 * static), else NULL. tools: they were offered. thinking: gets what was thought before; may be
 * NULL. LG_EPARSE: it is no good reply, or there is no such dialect; else → out->err */
int lg__out_reply(lg_out *out, const char *dialect, const char *content_type, const char *body,
                  size_t len, bool tools, const char **media, lg_out *thinking);
/* Gives its memory back; it is empty, and usable again. */
void lg__out_free(lg_out *out);

/* ---- numbers ----------------------------------------------------------------- */

enum { LG_NUMBER_ROOM = 32 };

/* The shortest text that reads back as x, whatever the locale; for_people: a float looks like one
 * ("1.0"), else it is JSON ("1"). x is finite. false: no memory. */
bool lg__inside_number(char text[LG_NUMBER_ROOM], double x, bool for_people);
/* Whether two numbers in JSON's writing have the same value. Linear in their lengths. */
bool lg__inside_same_number(const char *a, const char *b);

/* ---- JSON, value by value ------------------------------------------------------ */

enum { LG_ITEMS_DEPTH = 1000 }; /* no deeper one is read */

enum lg_item_kind {
    LG_ITEM_NULL,
    LG_ITEM_BOOL,
    LG_ITEM_WHOLE,  /* a number written without fraction and exponent, of 64 bits */
    LG_ITEM_NUMBER, /* any other */
    LG_ITEM_STRING,
    LG_ITEM_ARRAY,  /* its values follow, … */
    LG_ITEM_OBJECT, /* … with their names, … */
    LG_ITEM_END     /* … and then this */
};

typedef struct lg_item { /* borrowed until the reading is closed */
    enum lg_item_kind kind;
    const char *name; /* of a value in an object; NULL: it is in none */
    const char *text; /* STRING; NUMBER: as it was written, NULL if x is written just so */
    double x;         /* NUMBER; may be infinite */
    int64_t whole;    /* WHOLE; BOOL: 0 or 1 */
    size_t count;     /* ARRAY, OBJECT: of values in it */
} lg_item;

typedef struct lg_items lg_items;

/* Reads all of a text, which is not needed any more then. Strict: RFC 8259, UTF-8, nothing behind
 * the value; \u0000 and lone surrogates read as U+FFFD. LG_EPARSE, LG_EUTF8: *where is the
 * offset of the byte that is wrong; LG_ENOMEM. alloc NULL: malloc. *out: close it. */
int lg__items_open(lg_alloc_fn alloc, void *ud, const char *s, size_t len, lg_items **out,
                   size_t *where);
/* The next value, in the order of the text, or the end of an array or object. false: that was all.
 * Cannot fail. */
bool lg__items_next(lg_items *items, lg_item *item);
void lg__items_close(lg_items *items); /* NULL: nothing */

/* ---- rows: a store, or an index ------------------------------------------------- */

enum { LG_CELL_NULL = 0, LG_CELL_INT, LG_CELL_REAL, LG_CELL_TEXT, LG_CELL_BLOB };

typedef struct lg_cell {
    int type;
    int64_t i;
    double d;
    const char *s; /* borrowed */
    size_t len;
} lg_cell;

/* A call that was sent, or was about to be, in a run, and nobody knows how it ended. */
typedef struct lg_ambiguous {
    unsigned char key[32];
    int number, code;     /* code: LG_E* of an attempt that failed so; 0: the run died */
    int64_t worst_micros; /* -1: not known */
    int64_t created_us;
    bool again; /* some run has its reply by now */
} lg_ambiguous;

enum lg_book_kind {
    LG_BOOK_STORE,    /* to be read while others write. LG_ENOTFOUND: there is none */
    LG_BOOK_WRITABLE, /* a store that may be changed */
    LG_BOOK_INDEX     /* a retriever's database; path NULL: in memory */
};

typedef struct lg_book lg_book;

/* LG_ENOMEM, LG_ESTORE, LG_ENOTFOUND. *out is to be closed after a failure, too: it knows why;
 * NULL: no memory. alloc NULL: malloc. */
int lg__book_open(lg_alloc_fn alloc, void *ud, enum lg_book_kind kind, const char *path,
                  lg_book **out);
/* What an index in memory holds outside of the allocator; of others 0. */
size_t lg__book_bytes(const lg_book *b);
/* The engine's own store, borrowed as long as it lives; NULL: it was configured without. */
lg_book *lg__book_of(lg_engine *e);
/* Begins one statement (of an index also one that writes); it ends the one before. Of an engine's
 * store: what was queued is written first. LG_EINVAL, LG_ENOMEM, LG_ESTORE. */
int lg__book_query(lg_book *b, const char *sql, const lg_cell *cells, size_t n);
/* > 0: there is a row, of so many columns; 0: no more; LG_E… */
int lg__book_next(lg_book *b);
/* Column i of the row at hand, borrowed until the next; → the column's name, borrowed as long as
 * the statement. */
const char *lg__book_cell(const lg_book *b, size_t i, lg_cell *out);
/* One statement that changes rows. Of an engine's store: with the next transaction, cells are
 * copied, *changed is 0; of a writable store: at once, *changed is how many. Not of an index.
 * LG_EINVAL, LG_ENOMEM, LG_ESTORE. */
int lg__book_change(lg_book *b, const char *sql, const lg_cell *cells, size_t n, int64_t *changed);
/* The calls of a run that may have been paid for. Of a store that was opened. *list is borrowed
 * until the next such call. LG_EINVAL, LG_ENOMEM, LG_ESTORE. */
int lg__book_ambiguous(lg_book *b, int64_t run, const lg_ambiguous **list, size_t *n);
/* What the last failure was, in one line; *hint: what mends it, NULL: none. Borrowed until the
 * next call of b. */
const char *lg__book_why(const lg_book *b, const char **hint);
void lg__book_close(lg_book *b); /* one that was opened; NULL: nothing */

/* ---- who is asked where no model is named ------------------------------------------- */

/* By enum lg_kind, with what falls back; NULL: nobody. Borrowed. */
lg_model *lg__inside_role(const lg_engine *e, int kind);

/* ---- results that failed, and nobody has looked ----------------------------------- */

enum { LG_INSIDE_UNSEEN = 4 };

typedef struct lg_inside_unseen {
    uint64_t id;
    int code;
    const char *message; /* never NULL */
    const char *hint;    /* NULL: none */
} lg_inside_unseen;

/* How many there are; the first of them, by id, into out: *shown of LG_INSIDE_UNSEEN.
 * Borrowed until the engine runs, or one of its variables is freed. */
size_t lg__inside_unseen(const lg_engine *e, lg_inside_unseen *out, size_t *shown);
/* The failure of v was looked at. for_good: that it fails, or will, needs nobody's look. */
void lg__inside_look(lg_var *v, bool for_good);

/* ---- what the graph behind a variable waits for ------------------------------------- */

/* A backward pass that runs through v or what it was made of; *out NULL: none. Borrowed.
 * LG_ENOMEM. */
int lg__inside_pass_behind(lg_var *v, lg_var **out);

/* ---- programs as tools ---------------------------------------------------------------- */

typedef struct lg_command_file { /* of the scratch directory: a path in it, and what is in it */
    const char *name;
    const char *data; /* of a run: NULL if it was too much to be read */
    size_t len;
} lg_command_file;

enum lg_command_way {
    LG_COMMAND_PLAIN,  /* trusted: limits, and an environment and a directory of its own */
    LG_COMMAND_BOX,    /* contained by Landlock and seccomp */
    LG_COMMAND_STRICT, /* … and by namespaces, of bubblewrap */
};

typedef struct lg_command_spec { /* borrowed during start */
    const char *program;         /* the file to run, as an absolute path */
    const char *const *argv;     /* ends with NULL, as env does: "NAME=value" */
    const char *const *env;
    const lg_command_file *files; /* written before it starts */
    size_t n_files;
    const char *input; /* stdin; NULL: none */
    size_t input_len;
    enum lg_command_way way;
    const char *const *readable; /* contained: what it may read and run; ends with NULL */
    const char *bwrap;           /* STRICT: the file */
    const char *tmp;             /* where temporary files are; NULL: /tmp */
    int width;                   /* starts when less than so many run; 0: as many as processors */
    int most_abi;                /* of Landlock, for tests; 0: the kernel's */
    bool talks;                  /* lg__talk_start: it is asked line by line */
    /* limits; 0: none */
    int64_t time_ms, cpu_seconds, memory, file_size, processes, open_files, disk, output;
} lg_command_spec;

typedef struct lg_command lg_command;

typedef struct lg_command_end { /* borrowed while the command is held */
    int code, signal;           /* -1: it did not end so */
    const char *signal_name;    /* "KILL"; NULL: not known */
    const char *limit;          /* that it was ended by: "time", "cpu", "memory", "output", "disk",
                                   "file_size"; NULL: none */
    const char *out, *err;      /* stdout; the end of stderr */
    size_t out_len, err_len;
    int64_t wall_us, cpu_us;
    size_t memory; /* bytes that its largest process held */
    size_t n_files;
} lg_command_end;

/* *waits is ready when the program has ended, and fails when it could not be started; cancelling
 * it ends the program. *out: close it. LG_ENOMEM, LG_EINVAL: *waits is made of nothing. */
int lg__command_start(lg_engine *e, const lg_command_spec *s, const char *role, lg_command **out,
                      lg_var **waits);
/* false: it has not ended, or never ran. */
bool lg__command_look(const lg_command *c, lg_command_end *out);
/* The i-th file that it has made or changed. */
void lg__command_see_file(const lg_command *c, size_t i, lg_command_file *out);
void lg__command_close(lg_command *c); /* before its engine; a running one runs on. NULL: nothing */

/* A program that stays, and is asked by lines of JSON; input and time_ms count for nothing. */
typedef struct lg_talk lg_talk;

/* Starts it now. LG_ENOMEM; LG_EPROGRAM, LG_EIO: the engine's message says why. */
int lg__talk_start(lg_engine *e, const lg_command_spec *s, lg_talk **out);
/* One line without its end. *answer becomes the next line of its stdout that begins with '{' or
 * '[', or empty when the program has ended, by itself or because ms were over. Cancelling it ends
 * the program. LG_ESTATE: it has ended, or was asked something already. LG_ENOMEM */
int lg__talk_ask(lg_engine *e, lg_talk *t, const char *line, size_t len, int64_t ms,
                 const char *role, lg_var **answer);
bool lg__talk_lives(const lg_talk *t);
/* How it ended, without stdout and files. false: it has not. */
bool lg__talk_look(const lg_talk *t, lg_command_end *out);
void lg__talk_close(lg_engine *e, lg_talk *t); /* ends it; before its engine. NULL: nothing */

/* What this machine has to contain programs with. */
typedef struct lg_holds {
    int abi; /* of Landlock; 0: none */
    bool seccomp, other_users;
    const char *problem; /* NULL: programs can be contained; static */
} lg_holds;
void lg__inside_holds(int most_abi, lg_holds *out);

/* ---- what public functions need that lua/ defines --------------------------------------- */

/* The engine's message from now on. */
void lg__inside_error(lg_engine *e, int code, const char *message);
/* A place for what lua/host/ keeps for the engine; NULL at first. */
void **lg__inside_own(lg_engine *e);
/* Memory of the engine's; as lua_Alloc. */
void *lg__inside_alloc(lg_engine *e, void *block, size_t old_size, size_t size);
/* Structs that begin with their size, see base/sized.h. */
bool lg__sized_read(void *own, const void *host);
void lg__sized_write(void *host, size_t size, const void *own);

/* ---- parties: who makes things, and is told of them ---------------------------------- */

/* Somebody beside the host for whom the engine works. What is made while it is current is its
 * own, and what there is to tell of it goes to its queue, not to the host. */
typedef struct lg_party lg_party;

/* run: called in steps, the party being current, when it has events or is due; it should return
 * at until_us of the real clock (0: when its own slice is over). idle: nothing can happen any more
 * that it could wait for. → it runs on, or waits for something. end: the engine is being freed,
 * and it must free the party. LG_ENOMEM */
int lg__party_new(lg_engine *e, bool (*run)(void *ud, int64_t until_us, bool idle),
                  void (*end)(void *ud), void *ud, lg_party **out);
/* Cancels all that it began, and nothing else. */
void lg__party_cancel(lg_party *p);
/* What it was asked to do, and its promises that are open, fail so. */
void lg__party_break(lg_party *p, int code, const char *why);
/* p is asked from now on where *held was (what its models ask), and is held instead, so that its
 * address stays its own. *held NULL: there was none; p NULL: there is none any more. */
void lg__party_inherit(lg_engine *e, lg_party *p, lg_party **held);
/* All that it began is cancelled, and it never runs again; what it was asked to do fails. */
void lg__party_mute(lg_party *p);
/* … and what it told and nobody has fetched is taken back. Its models and variables may live on
 * while others hold them. NULL: nothing */
void lg__party_free(lg_party *p);
/* It is current from now on (NULL: the host is). The one before. */
lg_party *lg__party_use(lg_engine *e, lg_party *p);
const lg_event *lg__party_next(lg_party *p); /* as lg_engine_next does */
bool lg__party_has_events(const lg_party *p);
/* It is to be run at this time of the engine's clock, if nothing comes before. 0: at once;
 * INT64_MAX: not. Each run takes that back. */
void lg__party_due(lg_party *p, int64_t at_us);
/* Bytes of its variables and their texts, about. */
size_t lg__party_bytes(const lg_party *p);
size_t lg__party_asked(const lg_party *p); /* what the host was asked, and has not answered */
/* Memory of the engine's; as lua_Alloc. */
void *lg__party_alloc(lg_party *p, void *block, size_t old_size, size_t size);
/* The host is told: LG_EVENT_LOG, LG_EVENT_PROGRESS. false: no memory. */
bool lg__party_tell(lg_party *p, int type, uint64_t tag, const char *text, size_t len);
void lg__party_tell_end(lg_party *p, uint64_t tag); /* LG_EVENT_END, once; cannot fail */
/* A tool that is a function of the host's: its one input is a JSON array. *out: counted */
int lg__function_new(lg_engine *e, const char *name, lg_script *s, uint64_t tag, lg_script_fn fn,
                     void *ud, lg_tool **out);
/* Its answers, by the id of its event; those of tools do not answer it. s: as it was made with.
 * LG_ENOTFOUND; LG_EINVAL: it is another script's, or a query's */
int lg__function_return(lg_engine *e, const lg_script *s, uint64_t id, const char *text, size_t len,
                        const double *score);
int lg__function_fail(lg_engine *e, const lg_script *s, uint64_t id, int code, const char *message);

/* ---- for jobs of the host (lua/host/) -------------------------------------------------- */

bool lg__inside_is_own(const lg_engine *e, const lg_var *v); /* made by this engine */
bool lg__inside_is_own_model(const lg_engine *e, const lg_model *m);
/* What a function of the host's was asked for, by the id of its event: its variable. Borrowed;
 * NULL: nobody waits for the answer. */
lg_var *lg__inside_asked(lg_engine *e, uint64_t id);
/* The host is still to hear that nobody waits for that answer. */
bool lg__inside_abandons(lg_engine *e, uint64_t id);
/* The host was not told of that id after all, and hears no ABANDON of it. */
void lg__inside_unheard(lg_engine *e, uint64_t id);
/* When v has settled, fn is called where the host fetches events, and may tell something and no
 * more. LG_ENOMEM */
int lg__inside_watch(lg_var *v, void (*fn)(void *ud), void *ud);
void lg__inside_unwatch(lg_var *v, const void *ud); /* not any more */

/* An LG_EVENT_END that is made before its time, so that it cannot fail then. about: what it is
 * of, for lg__told_take_back(). LG_ENOMEM */
typedef struct lg_told lg_told;
int lg__told_new(lg_party *p, const void *about, uint64_t tag, lg_told **out);
void lg__told_send(lg_told *told); /* it is the host's */
void lg__told_free(lg_told *told); /* it was not sent; NULL: nothing */
bool lg__told_progress(lg_party *p, const void *about, uint64_t tag, const char *text, size_t len);
void lg__told_take_back(lg_engine *e, const void *about); /* what the host has not fetched */

/* ---- for the command ----------------------------------------------------------------- */

typedef struct lg_import {
    const char *name;
    void *to; /* where its pointer goes */
} lg_import;

/* Loads a shared library, for the life of the process, and finds n of its functions and
 * variables. false: why says in one line what is missing. */
bool lg__inside_load(const char *file, const lg_import *imports, size_t n, char *why,
                     size_t why_size);

/* GET or POST of many addresses at once. Not a way to ask models: no retry, no limits, no store. */
typedef struct lg_look lg_look;

typedef struct lg_look_reply { /* borrowed until the look is closed */
    size_t number;             /* of the address */
    int64_t status, ms;        /* status 0: no reply */
    int64_t date;              /* seconds since 1970; -1: not said */
    int64_t retry_after_ms;    /* -1: not said */
    const char *moved_to;      /* NULL: nowhere */
    int code;                  /* LG_E…; 0: body */
    const char *message, *hint;
    const char *body;
    size_t body_len;
} lg_look_reply;

typedef struct lg_look_about { /* static, or borrowed until the look is closed */
    const char *curl, *tls, *sqlite, *libuv;
    int schema;
    bool fts5;
    const char *ca_dir, *ca_file; /* of certificates when nothing names others; NULL: none */
} lg_look_about;

/* Room for n addresses. ca_file, ca_path NULL: the usual certificates. LG_E… of what the network
 * needs; *out: close it. */
int lg__look_open(size_t n, const char *ca_file, const char *ca_path, lg_look **out);
/* The address of this number is asked. headers: "Name: value\n…", NULL: none. body: what is posted,
 * NULL: it is a GET. The texts are borrowed until the look is closed. LG_EINVAL: it is no address;
 * LG_ENOMEM. */
int lg__look_start(lg_look *k, size_t number, const char *url, const char *headers,
                   const char *body, size_t body_len, int ms);
/* The next that is over; false: all are, or ms have passed since the look was opened. */
bool lg__look_next(lg_look *k, int ms, lg_look_reply *out);
/* The libraries beneath, and the certificates. */
void lg__look_about(lg_look *k, lg_look_about *out);
void lg__look_close(lg_look *k); /* NULL: nothing */

#endif
