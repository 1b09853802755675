/* thread.c - the engine's own thread: it steps, and the host only looks in.
 *
 * Everything of an engine is touched by who is inside its door (base/door.h): the thread, which
 * goes out while libcurl works, while the store writes and while it sleeps, and between two
 * pieces of work when others wait; the host, for the length of a call. libcurl, the loop and
 * the store belong to the thread alone: what a host's call needs of them is an errand, which
 * the thread runs while the host waits. A descriptor tells the host that there are events. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "front/front_internal.h"

enum { STACK = 1 << 20 };

typedef struct lg_errand {
    int (*fn)(lg_engine *e, void *ud);
    void *ud;
    int result;
} lg_errand;

struct lg_thread {
    pthread_t id;
    pthread_mutex_t mem, log;
    int fd;                     /* readable: the host should look */
    bool told;                  /* … it was written to, and not yet read */
    atomic_bool poked;          /* … by lg_engine_wakeup(), and the host has not stepped since */
    bool waits;                 /* the host is in lg_engine_wait */
    bool stop, runs;            /* runs: it was started */
    bool again;                 /* the host has brought something since its turn began */
    bool sleeps, woken;         /* between two turns; … and it was told to end that */
    lg_errand *errand;          /* one at a time: a host has one thread */
    int (*turn)(lg_engine *e);  /* engine.c's step: ms until the next */
    bool (*look)(lg_engine *e); /* … whether lg_engine_wait is over */
};

static void signal_host(lg_thread *t)
{
    uint64_t one = 1;
    (void)!write(t->fd, &one, sizeof one); /* full: it is readable */
}

static void quiet_host(lg_thread *t)
{
    uint64_t n;
    t->told = false;
    (void)!read(t->fd, &n, sizeof n);
}

/* ---- on the thread -------------------------------------------------------------------- */

void lg__thread_tell(lg_engine *e, bool events)
{
    lg_thread *t = e->thread;
    if (!t || t->told || !(events || (t->waits && t->look(e))))
        return;
    t->told = true;
    signal_host(t);
}

static void run_errand(lg_engine *e, lg_thread *t)
{
    lg_errand *one = t->errand;
    if (!one)
        return;
    e->said[1].errmsg[0] = '\0';
    one->result = one->fn(e, one->ud);
    if (one->result < 0 && e->said[1].errmsg[0])
        e->said[0] = e->said[1]; /* it was the host's call that failed */
    t->errand = NULL;
    lg__door_tell(e->door);
}

static void sleep_until(lg_engine *e, lg_thread *t, int ms)
{
    t->sleeps = true;
    t->woken = false;
    lg__loop_run(e->loop, ms);
    t->sleeps = false;
}

static void *run(void *ud)
{
    lg_engine *e = ud;
    lg_thread *t = e->thread;
    lg__door_enter(e->door);
    lg__door_own(e->door, true);
    while (!t->stop) {
        run_errand(e, t);
        t->again = false;
        int ms = t->turn(e);
        if (ms != 0 && !t->stop && !t->errand && !t->again)
            sleep_until(e, t, ms);
        else
            lg__door_breathe(e->door);
    }
    lg__door_own(e->door, false);
    lg__door_leave(e->door);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------- */

/* All signals are the host's own threads' to handle. */
static int create(lg_engine *e, lg_thread *t)
{
    sigset_t all, before;
    pthread_attr_t attr;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&t->id, &attr, run, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    t->runs = rc == 0;
    return rc ? LG_ENOMEM : LG_OK;
}

int lg__thread_start(lg_engine *e, int (*turn)(lg_engine *), bool (*look)(lg_engine *))
{
    lg_thread *t = lg__mem_zero(&e->mem, sizeof *t);
    if (!t)
        return LG_ENOMEM;
    e->thread = t;
    t->turn = turn;
    t->look = look;
    pthread_mutex_init(&t->mem, NULL);
    pthread_mutex_init(&t->log, NULL);
    t->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    e->door = t->fd >= 0 ? lg__door_new(&e->mem) : NULL;
    if (!e->door)
        return t->fd < 0 ? LG_EIO : LG_ENOMEM;
    e->graph.door = e->door;
    e->mem.lock = &t->mem;
    e->log.lock = &t->log;
    lg__loop_behind(e->loop, e->door);
    return create(e, t);
}

/* What it is doing it finishes: a handshake, a transaction. */
void lg__thread_stop(lg_engine *e)
{
    lg_thread *t = e->thread;
    if (!t || !t->runs)
        return;
    lg__door_enter(e->door);
    t->stop = true;
    lg__door_leave(e->door);
    lg__loop_wakeup(e->loop);
    pthread_join(t->id, NULL);
    t->runs = false;
    lg__log_deliver(&e->log);
}

/* Last of all, but for the engine itself. */
void lg__thread_free(lg_engine *e)
{
    lg_thread *t = e->thread;
    if (!t)
        return;
    e->mem.lock = NULL;
    lg__door_free(&e->mem, e->door);
    pthread_mutex_destroy(&t->mem);
    pthread_mutex_destroy(&t->log);
    if (t->fd >= 0)
        close(t->fd);
    lg__mem_free(&e->mem, t, sizeof *t);
}

/* ---- the host's side ---------------------------------------------------------------------- */

int lg__thread_do(lg_engine *e, int (*fn)(lg_engine *e, void *ud), void *ud)
{
    lg_thread *t = e->thread;
    lg_errand one = {fn, ud, LG_OK};
    if (!t || lg__door_is_own(e->door) || !t->runs) /* it has ended: all is the caller's */
        return fn(e, ud);
    lg__door_enter(e->door);
    t->errand = &one;
    lg__loop_wakeup(e->loop);
    while (t->errand == &one)
        lg__door_await(e->door);
    lg__door_leave(e->door);
    return one.result;
}

/* A call may fall into any part of a turn, behind the look at what it brings. */
void lg__thread_look(lg_engine *e)
{
    lg_thread *t = e->thread;
    t->again = true;
    if (t->sleeps && !t->woken)
        lg__loop_wakeup(e->loop);
    t->woken = true;
}

bool lg__thread_is_host(const lg_engine *e)
{
    return e->thread && !lg__door_is_own(e->door);
}

int lg__thread_fd(const lg_engine *e)
{
    return e->thread->fd;
}

void lg__thread_wakeup(lg_engine *e)
{
    atomic_store(&e->thread->poked, true);
    signal_host(e->thread);
}

/* One that looks for events may poll next, and has not seen yet what it was woken for. */
void lg__thread_drained(lg_engine *e, bool stepped)
{
    if (!lg__thread_is_host(e))
        return;
    quiet_host(e->thread);
    if (atomic_exchange(&e->thread->poked, false) && !stepped)
        signal_host(e->thread);
}

static bool is_over(lg_engine *e, lg_thread *t)
{
    LG_GUARD(e->door);
    quiet_host(t); /* before it is looked: what comes behind is told again */
    atomic_store(&t->poked, false);
    t->waits = !t->look(e);
    return !t->waits;
}

static void end_waiting(lg_engine *e, lg_thread *t, bool events)
{
    LG_GUARD(e->door);
    t->waits = false;
    t->told = events;
    if (events)
        signal_host(t); /* a host that polls, too, still has them to fetch */
}

int lg__thread_wait(lg_engine *e, int timeout_ms, int (*jump)(lg_engine *e, void *ud))
{
    lg_thread *t = e->thread;
    lg_clock real = {.is_virtual = false};
    int64_t start = lg__clock_now(&real);
    bool over = false;
    do {
        int64_t gone = (lg__clock_now(&real) - start) / 1000;
        int left = timeout_ms < 0 ? -1 : gone < timeout_ms ? (int)(timeout_ms - gone) : 0;
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        lg__log_deliver(&e->log);
        if (jump)
            lg__thread_do(e, jump, &left);
        over = is_over(e, t);
        if (over || left == 0)
            break;
        if (poll(&p, 1, left) < 0 && errno != EINTR)
            break;
    } while (!over);
    end_waiting(e, t, over);
    lg__log_deliver(&e->log);
    return LG_OK;
}
