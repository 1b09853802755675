/* api_fuzz.c - random calls of the whole C API, legal and illegal, judged by its promises.
 *
 * One seed is one engine (virtual clock, counted memory, sometimes failing) and some
 * hundreds of calls in a random order: answers that come late or twice, events that are
 * drained late, cancels anywhere, promises kept by anything. Then either the engine is freed
 * as it stands, or brought to rest. It must hold that
 * - no sanitizer complains, and nothing recurses or hangs (steps are bounded, an alarm rings);
 * - each work that was announced is answered once or abandoned once;
 * - each watch fires once;
 * - at rest nothing is pending, and after the end no block is live.
 *
 *   api_fuzz [--seed N] [--count N] [--seconds N] [--calls N] [--thread] [--trace] [--counts]
 *
 * With --thread each engine has a thread of its own: when it does what is its own affair, so a
 * seed need not repeat what it found. --calls: new seeds until so many calls were made.
 * A seed that breaks a promise is printed with the command that repeats it. */
#include "api_fuzz.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_SECONDS = 10, TICKS = 9, NAMES = 256 }; /* a seed may take so many ticks */

world w;

static struct {
    const char *name;
    uint64_t calls;
} names[NAMES];
static bool tracing, threaded;
static const char *program;
static char said[400];
static volatile sig_atomic_t ticks;  /* a machine that was asleep ticks once */
static const char *last = "nothing"; /* that was called */
static uint64_t total_calls;

/* ---- the trace --------------------------------------------------------------- */

static void tell_seed(void)
{
    char line[200];
    int n = snprintf(line, sizeof line,
                     "\nfuzz: seed %llu broke something; repeat it:\n  %s --seed %llu%s --trace\n",
                     (unsigned long long)w.seed, program, (unsigned long long)w.seed,
                     threaded ? " --thread" : "");
    if (n > 0 && write(2, line, (size_t)n) < 0)
        _exit(3);
}

static void on_signal(int number)
{
    if (number == SIGALRM && ++ticks < TICKS) {
        alarm(TICK_SECONDS);
        return;
    }
    const char *what = number == SIGALRM ? "fuzz: it hangs in " : "fuzz: a signal in ";
    if (write(2, what, strlen(what)) >= 0 && write(2, last, strlen(last)) >= 0)
        tell_seed();
    signal(number, SIG_DFL);
    raise(number == SIGALRM ? SIGABRT : number);
}

void broken(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "fuzz: ");
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    tell_seed();
    exit(1);
}

void A(const char *fmt, ...)
{
    va_list ap;
    if (!tracing)
        return;
    va_start(ap, fmt);
    vsnprintf(said, sizeof said, fmt, ap);
    va_end(ap);
}

void note(const char *name)
{
    size_t i = 0;
    while (i < NAMES && names[i].name && strcmp(names[i].name, name) != 0)
        i++;
    if (i == NAMES)
        broken("more names than there is room for");
    names[i].name = name;
    names[i].calls++;
    last = name;
    total_calls++;
    if (tracing)
        fprintf(stderr, "%s(%s)\n", name, said);
    said[0] = '\0';
}

int R(int result)
{
    if (tracing && result)
        fprintf(stderr, "  = %s\n", result < 0 ? lg_error_name(result) : "something");
    return result;
}

/* ---- dice -------------------------------------------------------------------- */

static uint64_t roll_of(uint64_t *dice)
{
    uint64_t x = *dice += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t roll(void)
{
    return roll_of(&w.dice);
}

size_t below(size_t n)
{
    return (size_t)(roll() % n);
}

bool chance(int percent)
{
    return (int)below(100) < percent;
}

/* ---- memory ------------------------------------------------------------------ */

typedef union block {
    size_t size;
    max_align_t align;
} block;

static void *allocate(void *ud, void *ptr, size_t osize, size_t nsize)
{
    heap *h = ud;
    block *old = ptr ? (block *)ptr - 1 : NULL;
    if (old && old->size != osize)
        broken("the allocator was told %zu for a block of %zu", osize, old->size);
    if (nsize == 0) {
        h->live -= old != NULL;
        free(old);
        return NULL;
    }
    uint64_t one_in = h->one_in;
    h->calls++;
    if (one_in && roll_of(&h->dice) % one_in == 0)
        return NULL;
    block *b = nsize > (size_t)1 << 32 ? NULL : malloc(sizeof *b + nsize);
    if (!b)
        return NULL;
    b->size = nsize;
    h->live += old == NULL;
    if (old)
        memcpy(b + 1, old + 1, osize < nsize ? osize : nsize);
    free(old); /* a growth always moves, so that stale pointers show */
    return b + 1;
}

/* ---- events ------------------------------------------------------------------ */

static work *find_work(uint64_t id)
{
    for (size_t i = 0; i < w.n_works; i++) {
        if (w.works[i].id == id)
            return &w.works[i];
    }
    return NULL;
}

static void announced(const lg_event *ev)
{
    if (find_work(ev->id))
        broken("work %llu was announced twice", (unsigned long long)ev->id);
    if (w.n_works == WORKS)
        broken("more works than there is room for");
    w.works[w.n_works++] = (work){ev->id, ev->type, false};
}

static void abandoned(const lg_event *ev)
{
    work *one = find_work(ev->id);
    if (!one || one->over) {
        broken("work %llu was abandoned, but %s", (unsigned long long)ev->id,
               one ? "it is over" : "never announced");
    }
    one->over = true;
}

static void fired(const lg_event *ev)
{
    for (size_t i = 0; i < w.n_watches; i++) {
        watch *one = &w.watches[i];
        if (one->tag != ev->tag)
            continue;
        if (one->fired)
            broken("watch %llu fired twice", (unsigned long long)ev->tag);
        if (lg_var_state(ev->var) == LG_PENDING)
            broken("watch %llu fired for what is pending", (unsigned long long)ev->tag);
        one->fired = true;
        return;
    }
    broken("a watch of tag %llu was never set", (unsigned long long)ev->tag);
}

/* Tags here are shared by several tools and models, so only what holds of each is looked at. */
static void gone(const lg_event *ev)
{
    if (!ev->tag || ev->id || ev->var)
        broken("tag %llu is gone, and more was told", (unsigned long long)ev->tag);
}

void take_events(size_t most)
{
    const lg_event *ev;
    while (most-- > 0 && (ev = CALL(lg_engine_next, w.e))) {
        if (tracing) {
            fprintf(stderr, "  event %d, id %llu, tag %llu\n", ev->type, (unsigned long long)ev->id,
                    (unsigned long long)ev->tag);
        }
        if (ev->type == LG_EVENT_VAR)
            fired(ev);
        else if (ev->type == LG_EVENT_ABANDON)
            abandoned(ev);
        else if (ev->type == LG_EVENT_TOOL_GONE || ev->type == LG_EVENT_MODEL_GONE)
            gone(ev);
        else if (ev->type == LG_EVENT_LOG || ev->type == LG_EVENT_PROGRESS ||
                 ev->type == LG_EVENT_END)
            told(ev);
        else if (ev->type != LG_EVENT_PARTIAL)
            announced(ev);
    }
}

/* ---- the end of a seed ------------------------------------------------------- */

static lg_stats stats(void)
{
    lg_stats s = {.size = sizeof s};
    CALL(lg_engine_stats, w.e, &s);
    return s;
}

/* A store that writes beside us is waited for, like a net, and so are candidates that run. */
static void step(bool waits)
{
    w.stepping = true;
    if (w.has_net || waits)
        R(CALL(lg_engine_wait, w.e, 20));
    else
        R(CALL(lg_engine_step, w.e, 0));
    w.stepping = false;
}

/* All that the host owes is given; what is left pending waits for promises alone. */
static void give_all(void)
{
    for (int round = 0; round < 2000; round++) {
        bool quiet = true;
        lg_stats before = stats();
        step(before.storing > 0 || before.sandboxed > 0);
        take_events(SIZE_MAX);
        for (size_t i = 0; i < w.n_works; i++) {
            work *one = &w.works[i];
            bool of_jobs = one->type == LG_EVENT_FUNCTION;
            if (!one->over && (of_jobs ? answer_function(one) : answer_well(one)))
                quiet = false;
        }
        lg_stats s = stats();
        if (w.has_jobs && (jobs_run() || CALL(lg_engine_timeout, w.e) == 0))
            continue;
        if (s.vars_pending == 0 ||
            (quiet && !s.in_flight && !s.waiting && !s.storing && !s.timers && !s.sandboxed))
            return;
    }
    lg_stats s = stats();
    if (!w.has_net && !w.has_jobs) {
        broken("it does not come to rest: %llu pending, %llu works, %llu on the wire, %llu wait, "
               "%llu timers, "
               "%llu held until %lld",
               (unsigned long long)s.vars_pending, (unsigned long long)s.host_running,
               (unsigned long long)s.in_flight, (unsigned long long)s.waiting,
               (unsigned long long)s.timers, (unsigned long long)s.held,
               (long long)s.held_until_us);
    }
}

static void check_rest(void)
{
    lg_stats s = stats();
    if (s.vars_pending)
        broken("%llu variables are pending at the end", (unsigned long long)s.vars_pending);
    if (s.host_running)
        broken("%llu works are open at the end", (unsigned long long)s.host_running);
    for (size_t i = 0; i < w.n_works; i++) {
        if (!w.works[i].over) {
            broken("work %llu was neither answered nor abandoned",
                   (unsigned long long)w.works[i].id);
        }
    }
    for (size_t i = 0; i < w.n_watches; i++) {
        if (!w.watches[i].fired && !w.watches[i].taken_back)
            broken("watch %llu never fired", (unsigned long long)w.watches[i].tag);
    }
}

static void break_promises(void)
{
    for (size_t i = 0; i < VARS; i++) {
        if (w.vars[i] && lg_var_op(w.vars[i]) == LG_OP_PROMISE)
            CALL(lg_promise_fail, w.vars[i], LG_ETOOL, "the end", NULL);
    }
}

/* The thread may be in the midst of a slice, which begins something new after it was cancelled. */
static void await_rest(void)
{
    for (int left = 5000; left > 0 && (stats().vars_pending || stats().host_running); left--) {
        usleep(1000);
        CALL(lg_engine_cancel, w.e);
        step(false);
        take_events(SIZE_MAX);
    }
}

/* Cancelling takes back what is left, whatever it waits for. */
static void come_to_rest(void)
{
    w.heap.one_in = 0;
    if (chance(70)) {
        break_promises();
        give_all();
    }
    end_jobs();
    CALL(lg_engine_cancel, w.e);
    for (int i = 0; i < (w.has_jobs ? 20000 : 4); i++) {
        step(false);
        take_events(SIZE_MAX);
        if (i > 4 && !jobs_run() && CALL(lg_engine_timeout, w.e) != 0)
            break;
    }
    CALL(lg_engine_cancel, w.e);
    step(false);
    take_events(SIZE_MAX);
    if (w.threaded)
        await_rest();
    check_rest();
    check_jobs();
}

static void free_world(void)
{
    for (size_t i = 0; i < VARS; i++) {
        if (w.vars[i] && chance(50))
            CALL(lg_var_unref, w.vars[i]);
    }
    for (size_t i = 0; i < MODELS; i++) {
        if (w.models[i] && chance(50))
            CALL(lg_model_unref, w.models[i]);
    }
    free_jobs();
    CALL(lg_engine_free, w.e);
    CALL(lg_engine_free, w.other);
    if (w.heap.live)
        broken("%llu blocks are live at the end", (unsigned long long)w.heap.live);
    if (w.has_store) {
        char line[120];
        snprintf(line, sizeof line, "rm -rf '%s'", w.dir);
        if (system(line))
            broken("cannot remove %s", w.dir);
    }
}

/* ---- a seed ------------------------------------------------------------------ */

/* The one call from a callback that the header gives an answer to. */
static void log_line(void *ud, int level, const char *msg)
{
    (void)ud;
    (void)level;
    if (!msg)
        broken("a log line that is NULL");
    if (w.stepping && CALL(lg_engine_step, w.e, 0) != LG_EREENTRANT)
        broken("a step inside a step");
}

static void configure(lg_config *cfg)
{
    CALL(lg_config_init_size, cfg, sizeof *cfg);
    cfg->virtual_clock = true;
    cfg->thread = threaded;
    cfg->alloc = allocate;
    cfg->alloc_ud = &w.heap;
    cfg->log = chance(50) ? log_line : NULL;
    cfg->log_level = (int)below(6);
    cfg->seed = w.seed;
    cfg->concurrency = chance(20) ? (int)odd_int() : 0;
    cfg->max_attempts = (int)below(4);
    cfg->memo_bytes = chance(30) ? below(2000) : 0;
    cfg->max_queued = chance(10) ? below(40) : 0;
    if (chance(10)) {
        cfg->max_calls = (uint64_t)odd_int();
        cfg->max_tokens = (uint64_t)odd_int();
        cfg->max_micros = chance(50) ? (uint64_t)odd_int() : 0;
        cfg->max_time_ms = odd_int();
    }
    if (w.has_store)
        cfg->store_dir = w.dir;
    cfg->durable = w.has_store && chance(20);
    cfg->replay_only = w.has_store && chance(10);
}

static void make_world(uint64_t seed)
{
    lg_config cfg;
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.threaded = threaded;
    w.dice = seed * UINT64_C(0xD1342543DE82EF95) + 1;
    w.heap.dice = ~w.dice;
    w.has_store = seed % 32 == 7;
    w.has_net = seed % 32 == 11;
    w.is_timed = seed % 32 == 21;
    w.has_jobs = seed % 4 == 2;
    if (w.has_store) {
        snprintf(w.dir, sizeof w.dir, "/tmp/lunagrad-fuzz-XXXXXX");
        if (!mkdtemp(w.dir))
            broken("no temporary folder");
    }
    configure(&cfg);
    if (R(CALL(lg_engine_new, &cfg, &w.e)))
        broken("no engine");
    if (lg_engine_new(NULL, &w.other))
        broken("no second engine");
    make_world_useful();
    w.heap.one_in = chance(25) && !w.has_jobs ? 20 + below(400) : 0;
}

static void run_seed(uint64_t seed)
{
    ticks = 0;
    alarm(TICK_SECONDS);
    make_world(seed);
    size_t calls = 30 + below(below(4) ? 300 : 2000), late = 1 + below(60);
    for (size_t i = 0; i < calls && w.n_works < WORKS - 200; i++) {
        if (w.has_jobs && chance(15))
            one_job_call();
        else
            one_call();
        if (below(late) == 0)
            take_events(1 + below(8));
        if (below(late) == 0)
            step(false);
    }
    if (chance(60))
        come_to_rest();
    free_world();
    alarm(0);
}

/* ---- main -------------------------------------------------------------------- */

/* What a sanitizer finds ends in abort(), and so in on_signal. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1:allocator_may_return_null=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static void watch_for_death(void)
{
    static const int all[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        signal(all[i], on_signal);
    signal(SIGPIPE, SIG_IGN);
}

static uint64_t number(const char *s)
{
    return s ? strtoull(s, NULL, 10) : 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, count = 1, seconds = 0, calls = 0, done = 0;
    bool counts = false;
    program = argv[0];
    for (int i = 1; i < argc; i++) {
        tracing |= strcmp(argv[i], "--trace") == 0;
        counts |= strcmp(argv[i], "--counts") == 0;
        threaded |= strcmp(argv[i], "--thread") == 0;
        if (strcmp(argv[i], "--seed") == 0)
            seed = number(argv[i + 1]);
        if (strcmp(argv[i], "--count") == 0)
            count = number(argv[i + 1]);
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = number(argv[i + 1]);
        if (strcmp(argv[i], "--calls") == 0)
            calls = number(argv[i + 1]);
    }
    time_t end = time(NULL) + (time_t)seconds;
    watch_for_death();
    for (; seconds ? time(NULL) < end : calls ? total_calls < calls : done < count; done++)
        run_seed(seed + done);
    for (size_t i = 0; counts && i < NAMES && names[i].name; i++)
        printf("called %s %llu\n", names[i].name, (unsigned long long)names[i].calls);
    printf("%llu seeds from %llu on, %llu calls\n", (unsigned long long)done,
           (unsigned long long)seed, (unsigned long long)total_calls);
    return 0;
}
