/* api_fuzz.h - what the parts of the C API's fuzz share: the world that one seed builds,
 * dice, odd arguments, and the trace.
 *
 * api_fuzz.c runs seeds and judges; api_ops.c, api_look.c and api_jobs.c make the calls. Every
 * call goes through CALL, which counts it by name (tests/fuzz/api.sh compares with lunagrad.h)
 * and, with --trace, prints it with what A said of its arguments. */
#ifndef LG_TEST_API_FUZZ_H
#define LG_TEST_API_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../engine/lunagrad.h"

enum { VARS = 48, MODELS = 6, TOOLS = 5, WORKS = 4096, WATCHES = 4096 };
enum { JOBS = 3, OPTIMIZERS = 3, SCRIPTS = 3, ENDINGS = 1024, FIRST_ENDING = 1 << 30 };

typedef struct work { /* that an event announced */
    uint64_t id;
    int type;
    bool over; /* answered or abandoned */
} work;

typedef struct watch {
    uint64_t var;
    uint64_t tag;
    bool fired, taken_back;
} watch;

typedef struct ending { /* of a job or script, by its tag */
    uint64_t tag;
    bool ends, ended, freed;
} ending;

typedef struct heap {           /* the engine's memory */
    uint64_t live, calls, dice; /* its own dice: with a thread both may ask it */
    _Atomic uint64_t one_in;
} heap;

typedef struct world {
    uint64_t seed, dice;
    heap heap;
    lg_engine *e, *other; /* other: so that things of a strange engine can be given */
    lg_var *vars[VARS], *strange;
    lg_model *models[MODELS], *strange_model;
    lg_tool *tools[TOOLS], *strange_tool;
    work works[WORKS];
    watch watches[WATCHES];
    lg_job *jobs[JOBS];
    lg_script *scripts[SCRIPTS];
    lg_optimizer *optimizers[OPTIMIZERS];
    uint64_t job_tags[JOBS], script_tags[SCRIPTS];
    ending endings[ENDINGS];
    size_t n_works, n_watches, n_endings;
    int inside;                                  /* a callback */
    bool has_jobs;                               /* … and scripts: the library's own Lua */
    bool threaded;                               /* the engine has a thread */
    bool stepping, has_store, has_net, is_timed; /* … real time plays a part */
    char dir[64];                                /* of its store */
} world;

extern world w;

/* ---- dice ------------------------------------------------------------------ */

uint64_t roll(void);
size_t below(size_t n); /* 0 … n-1 */
bool chance(int percent);

/* ---- odd arguments ----------------------------------------------------------- */

typedef struct bytes {
    const char *s;
    size_t len;
} bytes;
bytes odd_text(void);       /* with a length that may be wrong, but is never read beyond */
bytes odd_media(void);      /* likely of a kind that is known */
const char *odd_name(void); /* NUL-terminated, or NULL */
const char *odd_type(void);
int64_t odd_int(void);
double odd_double(void);
int odd_code(void);

/* ---- things ------------------------------------------------------------------ */

lg_var *any_var(void);              /* one of ours, alive */
lg_var *odd_var(void);              /* or NULL, or of a strange engine */
void keep_var(int err, lg_var **v); /* a count of it is ours now */
size_t any_slot(void);
work *odd_work(int type); /* one that is open, or over, or never was */
void take_events(size_t most);

/* ---- the trace ----------------------------------------------------------------- */

void note(const char *name);
void A(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int R(int result); /* what it returned */
void broken(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define CALL(fn, ...) (note(#fn), fn(__VA_ARGS__))

/* ---- api_ops.c ----------------------------------------------------------------- */

void make_world_useful(void); /* leaves, models, tools and templates to begin with */
void one_call(void);
bool answer_well(work *one); /* so that it ends; false: it cannot (memory) */

/* ---- api_look.c ---------------------------------------------------------------- */

void op_look(void);
void op_feedback(void);

/* ---- api_jobs.c ---------------------------------------------------------------- */

void one_job_call(void);
void told(const lg_event *ev);   /* LOG, PROGRESS, END; FUNCTION, before it is announced */
bool answer_function(work *one); /* so that it ends */
bool jobs_run(void);
void end_jobs(void);   /* cancels them */
void check_jobs(void); /* each has told its end */
void free_jobs(void);

#endif
