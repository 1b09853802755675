/* test_loop.c - watches, alarms, wake-ups and the pollable descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "../support.h"

typedef struct note {
    lg_watch *watch;
    lg_alarm *alarm;
    lg_loop *loop;
    int calls, events, fd, order;
    int *clock;
    bool close_self;
} note;

static void on_event(void *ud, int fd, int events)
{
    note *n = ud;

    n->calls++;
    n->fd = fd;
    n->events = events;
    if (n->close_self) {
        lg__watch_close(n->watch);
        n->watch = NULL;
    }
}

static void on_ring(void *ud)
{
    note *n = ud;

    n->calls++;
    if (n->clock)
        n->order = ++*n->clock;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pair(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

static void put(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static void take(int fd)
{
    char c;

    assert_int_equal(read(fd, &c, 1), 1);
}

typedef struct fixture {
    support_heap heap;
    lg_mem mem;
    lg_loop *loop;
    int fd[2];
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    support_mem_init(&f->mem, &f->heap);
    assert_int_equal(lg__loop_new(&f->mem, &f->loop), 0);
    pair(f->fd);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    lg__loop_free(f->loop);
    assert_heap_empty(&f->heap);
    close(f->fd[0]);
    close(f->fd[1]);
    free(f);
    return 0;
}

static void test_reads_when_there_is_something(void **state)
{
    fixture *f = *state;
    note n = {0};

    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__loop_run(f->loop, 0);
    put(f->fd[1]);
    lg__loop_run(f->loop, 0);
    assert_int_equal(n.calls, 0); /* nothing is wanted yet */
    assert_int_equal(lg__watch_set(n.watch, LG_READ), 0);
    lg__loop_run(f->loop, 0);
    assert_int_equal(n.calls, 1);
    assert_int_equal(n.fd, f->fd[0]);
    assert_int_equal(n.events, LG_READ);
    take(f->fd[0]);
    lg__loop_run(f->loop, 0);
    assert_int_equal(n.calls, 1);
    assert_int_equal(lg__watch_set(n.watch, 8), LG_EINVAL);
    lg__watch_close(n.watch);
}

static void test_writes_and_both(void **state)
{
    fixture *f = *state;
    note n = {0};

    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__watch_set(n.watch, LG_READ | LG_WRITE);
    lg__loop_run(f->loop, 0);
    assert_int_equal(n.events, LG_WRITE);
    put(f->fd[1]);
    lg__loop_run(f->loop, 0);
    assert_int_equal(n.events, LG_READ | LG_WRITE);
    lg__watch_close(n.watch);
}

/* Lets ms pass: in few turns, for it waits and does not ask again and again. The kernel may
 * wake it earlier, as when an io_uring of before is taken down. */
static void wait_in_few_turns(fixture *f, int ms)
{
    int64_t begun = now_ms();
    int turns;

    for (turns = 0; now_ms() - begun < ms - 1; turns++)
        lg__loop_run(f->loop, ms);
    assert_in_range(now_ms() - begun, ms - 1, 5000);
    assert_in_range(turns, 1, 20);
}

/* The kernel goes on watching for what is no longer wanted, until it tells; the
 * callback must not see that, and the loop must not spin on it. */
static void test_unwanted_events_are_dropped_once(void **state)
{
    fixture *f = *state;
    note n = {0};

    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__watch_set(n.watch, LG_READ);
    lg__loop_run(f->loop, 0);
    lg__watch_set(n.watch, 0);
    put(f->fd[1]);
    lg__loop_run(f->loop, 1000); /* the one needless turn */
    wait_in_few_turns(f, 60);
    assert_int_equal(n.calls, 0);
    lg__watch_set(n.watch, LG_READ); /* and it is seen again when wanted */
    lg__loop_run(f->loop, 1000);
    assert_int_equal(n.calls, 1);
    lg__watch_close(n.watch);
}

/* Who waits for room to write is not woken by what could be read. */
static void test_what_is_not_wanted_does_not_wake(void **state)
{
    fixture *f = *state;
    note n = {0};
    char much[4096] = {0};

    assert_int_equal(fcntl(f->fd[0], F_SETFL, O_NONBLOCK), 0);
    while (write(f->fd[0], much, sizeof much) > 0)
        continue;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__watch_set(n.watch, LG_WRITE);
    put(f->fd[1]);
    wait_in_few_turns(f, 60);
    assert_int_equal(n.calls, 0);
    lg__watch_close(n.watch);
}

static void test_end_of_stream_is_readable(void **state)
{
    fixture *f = *state;
    note n = {0};

    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__watch_set(n.watch, LG_READ);
    shutdown(f->fd[1], SHUT_RDWR);
    lg__loop_run(f->loop, 1000);
    assert_int_equal(n.calls, 1);
    assert_true(n.events & (LG_READ | LG_BROKEN));
    lg__watch_close(n.watch);
}

static void test_closes_inside_its_callback(void **state)
{
    fixture *f = *state;
    note n = {0};

    n.close_self = true;
    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__watch_set(n.watch, LG_READ);
    put(f->fd[1]);
    lg__loop_run(f->loop, 0);
    lg__loop_run(f->loop, 0);
    assert_int_equal(n.calls, 1);
    assert_null(n.watch);
}

/* A descriptor's number is used again at once; the old watch must not be heard. */
static void test_descriptor_is_used_again(void **state)
{
    fixture *f = *state;
    note old = {0}, new = {0};
    int other[2], again;

    pair(other);
    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &old, &old.watch), 0);
    lg__watch_set(old.watch, LG_READ);
    lg__loop_run(f->loop, 0);
    put(f->fd[1]);
    lg__watch_close(old.watch);
    close(f->fd[0]);
    again = fcntl(other[0], F_DUPFD_CLOEXEC, f->fd[0]);
    assert_int_equal(again, f->fd[0]);
    assert_int_equal(lg__watch_new(f->loop, again, on_event, &new, &new.watch), 0);
    lg__watch_set(new.watch, LG_READ);
    lg__loop_run(f->loop, 0);
    assert_int_equal(new.calls, 0);
    put(other[1]);
    lg__loop_run(f->loop, 1000);
    assert_int_equal(old.calls, 0);
    assert_int_equal(new.calls, 1);
    lg__watch_close(new.watch);
    close(other[0]);
    close(other[1]);
}

static void test_no_two_watches_on_one_descriptor(void **state)
{
    fixture *f = *state;
    note n = {0};
    lg_watch *second = NULL;

    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__watch_set(n.watch, LG_READ);
    lg__loop_run(f->loop, 0);
    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &second), LG_EIO);
    assert_int_equal(lg__watch_new(f->loop, -1, on_event, &n, &second), LG_EIO);
    lg__watch_close(n.watch);
}

static void test_alarms_ring_once_in_order(void **state)
{
    fixture *f = *state;
    note a = {0}, b = {0}, c = {0};
    int clock = 0, turns = 0;

    a.clock = b.clock = c.clock = &clock;
    assert_int_equal(lg__alarm_new(f->loop, on_ring, &a, &a.alarm), 0);
    assert_int_equal(lg__alarm_new(f->loop, on_ring, &b, &b.alarm), 0);
    assert_int_equal(lg__alarm_new(f->loop, on_ring, &c, &c.alarm), 0);
    lg__alarm_set(a.alarm, 20);
    lg__alarm_set(b.alarm, 5);
    lg__alarm_set(c.alarm, 1);
    lg__alarm_set(c.alarm, -1);
    while (a.calls == 0 && turns++ < 100)
        lg__loop_run(f->loop, -1);
    lg__loop_run(f->loop, 10);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 1);
    assert_int_equal(c.calls, 0);
    assert_int_equal(b.order, 1);
    assert_int_equal(a.order, 2);
    lg__alarm_set(a.alarm, 0);
    lg__loop_run(f->loop, 0);
    assert_int_equal(a.calls, 2);
    lg__alarm_close(a.alarm);
    lg__alarm_close(b.alarm);
    lg__alarm_close(c.alarm);
}

/* What an alarm did has to be looked at: the turn may not wait after it. */
static void test_a_turn_ends_with_its_alarm(void **state)
{
    fixture *f = *state;
    note a = {0};
    int64_t begun = now_ms();

    assert_int_equal(lg__alarm_new(f->loop, on_ring, &a, &a.alarm), 0);
    lg__alarm_set(a.alarm, 0);
    lg__loop_run(f->loop, 5000);
    assert_int_equal(a.calls, 1);
    assert_true(now_ms() - begun < 4000);
    lg__alarm_close(a.alarm);
}

static void test_timeout_tells_the_next_alarm(void **state)
{
    fixture *f = *state;
    note a = {0};

    lg__loop_run(f->loop, 0);
    assert_int_equal(lg__loop_timeout(f->loop), -1);
    assert_int_equal(lg__alarm_new(f->loop, on_ring, &a, &a.alarm), 0);
    lg__alarm_set(a.alarm, 5000);
    assert_in_range(lg__loop_timeout(f->loop), 4000, 5000);
    lg__alarm_set(a.alarm, 30);
    poll(NULL, 0, 40); /* real time is what it is about */
    assert_int_equal(lg__loop_timeout(f->loop), 0);
    lg__loop_run(f->loop, 0);
    assert_int_equal(a.calls, 1);
    assert_int_equal(lg__loop_timeout(f->loop), -1);
    lg__alarm_close(a.alarm);
}

static bool readable(const lg_loop *l, int ms)
{
    struct pollfd p = {lg__loop_fd(l), POLLIN, 0};

    return poll(&p, 1, ms) == 1;
}

/* A host that polls: as long as timeout() is 0 it steps, then it may sleep on fd. */
static void test_descriptor_polls_readable(void **state)
{
    fixture *f = *state;
    note n = {0};
    int turns = 0;

    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &n.watch), 0);
    lg__watch_set(n.watch, LG_READ);
    while (lg__loop_timeout(f->loop) == 0 && turns++ < 5)
        lg__loop_run(f->loop, 0);
    assert_in_range(turns, 1, 3);
    assert_false(readable(f->loop, 0));
    put(f->fd[1]);
    assert_true(readable(f->loop, 1000));
    lg__loop_run(f->loop, 0);
    assert_int_equal(n.calls, 1);
    lg__watch_close(n.watch);
}

static void *waker(void *ud)
{
    poll(NULL, 0, 20);
    lg__loop_wakeup(ud);
    return NULL;
}

static void test_wakes_from_another_thread(void **state)
{
    fixture *f = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, waker, f->loop), 0);
    lg__loop_run(f->loop, -1); /* hangs, and the test program is killed, if it does not */
    pthread_join(thread, NULL);
    lg__loop_wakeup(f->loop);
    assert_true(readable(f->loop, 1000));
}

/* What a host without stdin, stdout and stderr sees; 0 is good. */
static int without_standard_descriptors(void)
{
    lg_mem m;
    lg_loop *loop;

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        close(fd);
    lg__mem_init(&m, NULL, NULL);
    if (lg__loop_new(&m, &loop) != 0)
        return 1;
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            return 2; /* taken, or left open */
    }
    lg__loop_wakeup(loop);
    lg__loop_run(loop, 0);
    lg__loop_free(loop);
    return m.live_blocks == 0 ? 0 : 3;
}

static void test_standard_descriptors_stay_free(void **state)
{
    int kept[STDERR_FILENO + 1], result;

    (void)state;
    fflush(stdout);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    result = without_standard_descriptors();
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (kept[fd] >= 0) {
            dup2(kept[fd], fd);
            close(kept[fd]);
        }
    }
    assert_int_equal(result, 0);
}

static void test_waits_no_longer_than_told(void **state)
{
    fixture *f = *state;
    int64_t begun = now_ms();

    lg__loop_run(f->loop, 0);
    assert_true(now_ms() - begun < 1000);
    wait_in_few_turns(f, 30);
}

static void test_free_takes_all_along(void **state)
{
    fixture *f = *state;
    note n = {0};
    lg_watch *w;
    lg_alarm *a;

    assert_int_equal(lg__watch_new(f->loop, f->fd[0], on_event, &n, &w), 0);
    lg__watch_set(w, LG_WRITE);
    assert_int_equal(lg__alarm_new(f->loop, on_ring, &n, &a), 0);
    lg__alarm_set(a, 0);
    /* teardown frees the loop and looks at the heap */
}

/* The clock of this process, libuv's too: `jump_at` calls from now it is 10 ms ahead. */
static int jump_at;
static long ahead_ns;

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int err = (int)syscall(SYS_clock_gettime, clock, t);
    ahead_ns += jump_at > 0 && --jump_at == 0 ? 10000000 : 0;
    t->tv_nsec += ahead_ns;
    t->tv_sec += t->tv_nsec / 1000000000;
    t->tv_nsec %= 1000000000;
    return err;
}

/* As when the process is not given the CPU between the two. */
static void test_a_limit_that_has_passed_before_the_poll(void **state)
{
    fixture *f = *state;
    for (int i = 1; i < 6; i++) {
        jump_at = i;
        lg__loop_run(f->loop, 1); /* returns */
    }
    jump_at = 0;
}

static int oom_work(support_heap *h, void *ctx)
{
    int *fd = ctx, err;
    lg_mem mem;
    lg_loop *loop = NULL;
    note n = {0};

    support_mem_on(&mem, h);
    err = lg__loop_new(&mem, &loop);
    if (err == 0)
        err = lg__watch_new(loop, fd[0], on_event, &n, &n.watch);
    if (err == 0)
        err = lg__alarm_new(loop, on_ring, &n, &n.alarm);
    if (err == 0) {
        lg__watch_set(n.watch, LG_WRITE);
        lg__alarm_set(n.alarm, 0);
        lg__loop_run(loop, 0);
        assert_int_equal(n.calls, 2);
    }
    lg__loop_free(loop);
    return err;
}

static void test_oom_loop(void **state)
{
    fixture *f = *state;

    oom_sweep(oom_work, f->fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(test_reads_when_there_is_something),
    T(test_writes_and_both),
    T(test_unwanted_events_are_dropped_once),
    T(test_what_is_not_wanted_does_not_wake),
    T(test_end_of_stream_is_readable),
    T(test_closes_inside_its_callback),
    T(test_descriptor_is_used_again),
    T(test_no_two_watches_on_one_descriptor),
    T(test_alarms_ring_once_in_order),
    T(test_a_turn_ends_with_its_alarm),
    T(test_timeout_tells_the_next_alarm),
    T(test_descriptor_polls_readable),
    T(test_wakes_from_another_thread),
    T(test_standard_descriptors_stay_free),
    T(test_waits_no_longer_than_told),
    T(test_free_takes_all_along),
    T(test_a_limit_that_has_passed_before_the_poll),
    T(test_oom_loop),
};

LG_TEST_MAIN(tests)
