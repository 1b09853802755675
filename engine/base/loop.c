/* loop.c - descriptors and timers behind one pollable descriptor (libuv).
 *
 * The only file that sees libuv. It knows nothing of HTTP or of the engine's
 * clock: alarms are real time.
 *
 * libuv allocates for itself outside lg_mem (a few small tables a loop).
 *
 * What a watch wants and what the kernel is asked for ("armed") are two things.
 * Wanting more is put in force before the next poll; wanting less only when an
 * event arrives that nobody wants. A kept-alive connection that goes from busy
 * to idle and back costs no system call that way. */
#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include "base/loop.h"

struct lg_watch {
    uv_poll_t poll;
    lg_loop *loop;
    lg_watch_fn fn;
    void *ud;
    int fd;
    int want, armed;       /* LG_READ | LG_WRITE; armed may be more than want */
    lg_watch *prev, *next; /* in loop->widened, or both NULL */
};

struct lg_alarm {
    uv_timer_t timer;
    lg_loop *loop;
    lg_alarm_fn fn;
    void *ud;
};

struct lg_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t limit; /* ends a turn that waits */
    lg_mem *mem;
    lg_watch widened; /* ring: watches that want more than is armed */
    bool unpolled;    /* libuv tells the kernel only when it polls */
    bool running;
    lg_door *door;    /* NULL: none */
    int64_t until_us; /* 0: turns are not limited */
    uint64_t turns;
    bool ran, cut; /* a descriptor was served this turn; another was left */
};

/* ---- the loop ------------------------------------------------------------ */

static int uv_to_lg(int rc)
{
    if (rc == UV_ENOMEM)
        return LG_ENOMEM;
    return rc < 0 ? LG_EIO : 0;
}

static void on_wake(uv_async_t *a)
{
    (void)a; /* being woken is all */
}

/* uv_run runs timers before it polls, too. When the limit has passed by then (the process was
 * not given the CPU) no timer is left, and the poll would wait for ever. */
static void on_limit(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static void handle_gone(uv_handle_t *h)
{
    lg_loop *l = h->loop->data;

    if (h->type == UV_POLL)
        lg__mem_free(l->mem, h->data, sizeof(lg_watch));
    else if (h->type == UV_TIMER && h->data)
        lg__mem_free(l->mem, h->data, sizeof(lg_alarm));
}

static void handle_close(uv_handle_t *h, void *ud)
{
    (void)ud;
    if (!uv_is_closing(h))
        uv_close(h, handle_gone);
}

static void loop_close(lg_loop *l)
{
    uv_walk(&l->uv, handle_close, NULL);
    while (uv_run(&l->uv, UV_RUN_NOWAIT) != 0)
        continue; /* closing takes a turn or two; nothing here waits */
    uv_loop_close(&l->uv);
}

const char *lg__loop_version(void)
{
    return uv_version_string();
}

/* Where a host has closed stdin, stdout or stderr, the next descriptors opened get their
 * numbers, and libuv aborts when it closes one of those. So its own are kept off them. */
static int uv_init_above_stderr(uv_loop_t *uv)
{
    bool held[STDERR_FILENO + 1] = {false};
    int fd, got, rc;

    for (fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        got = open("/dev/null", O_RDWR | O_CLOEXEC);
        held[fd] = got == fd;
        if (got > fd)
            close(got);
    }
    rc = uv_loop_init(uv);
    for (fd = 0; fd <= STDERR_FILENO; fd++) {
        if (held[fd])
            close(fd);
    }
    return rc;
}

int lg__loop_new(lg_mem *m, lg_loop **out)
{
    lg_loop *l = lg__mem_zero(m, sizeof *l);
    int rc;

    if (!l)
        return LG_ENOMEM;
    l->mem = m;
    l->widened.prev = l->widened.next = &l->widened;
    rc = uv_init_above_stderr(&l->uv);
    if (rc < 0) {
        lg__mem_free(m, l, sizeof *l);
        return uv_to_lg(rc);
    }
    l->uv.data = l;
    rc = uv_async_init(&l->uv, &l->wake, on_wake);
    if (rc == 0)
        rc = uv_timer_init(&l->uv, &l->limit);
    if (rc < 0) {
        loop_close(l);
        lg__mem_free(m, l, sizeof *l);
        return uv_to_lg(rc);
    }
    l->unpolled = true;
    *out = l;
    return 0;
}

void lg__loop_free(lg_loop *l)
{
    if (!l)
        return;
    loop_close(l);
    lg__mem_free(l->mem, l, sizeof *l);
}

void lg__loop_behind(lg_loop *l, lg_door *d)
{
    l->door = d;
}

int lg__loop_fd(const lg_loop *l)
{
    return uv_backend_fd(&l->uv);
}

int lg__loop_timeout(const lg_loop *l)
{
    int ms;
    int64_t late;

    if (l->unpolled || l->widened.next != &l->widened)
        return 0; /* the descriptor does not know yet what to look for */
    ms = uv_backend_timeout(&l->uv);
    if (ms <= 0)
        return ms;
    late = (int64_t)(uv_hrtime() / 1000000) - (int64_t)uv_now(&l->uv);
    if (late <= 0)
        return ms;
    return late < ms ? ms - (int)late : 0;
}

static void watch_arm(lg_watch *w);

int lg__loop_run(lg_loop *l, int timeout_ms)
{
    while (l->widened.next != &l->widened)
        watch_arm(l->widened.next);
    if (timeout_ms > 0) {
        uv_update_time(&l->uv);
        uv_timer_start(&l->limit, on_limit, (uint64_t)timeout_ms, 0);
    }
    l->unpolled = false;
    l->ran = l->cut = false;
    l->turns++;
    l->running = true;
    int depth = lg__door_pause(l->door);
    uv_run(&l->uv, timeout_ms == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    lg__door_resume(l->door, depth);
    l->running = false;
    if (timeout_ms > 0)
        uv_timer_stop(&l->limit);
    return 0;
}

void lg__loop_limit(lg_loop *l, int64_t until_us)
{
    l->until_us = until_us;
}

bool lg__loop_is_limited(const lg_loop *l)
{
    return l->until_us != 0;
}

bool lg__loop_is_late(const lg_loop *l)
{
    return l->until_us != 0 && (int64_t)(uv_hrtime() / 1000) >= l->until_us;
}

uint64_t lg__loop_turns(const lg_loop *l)
{
    return l->turns;
}

bool lg__loop_was_cut(const lg_loop *l)
{
    return l->cut;
}

void lg__loop_wakeup(lg_loop *l)
{
    uv_async_send(&l->wake);
}

/* ---- watches ------------------------------------------------------------- */

static void watch_unlist(lg_watch *w)
{
    if (!w->next)
        return;
    w->prev->next = w->next;
    w->next->prev = w->prev;
    w->prev = w->next = NULL;
}

static void watch_list(lg_watch *w)
{
    lg_watch *ring = &w->loop->widened;

    if (w->next)
        return;
    w->prev = ring->prev;
    w->next = ring;
    ring->prev->next = w;
    ring->prev = w;
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    lg_watch *w = p->data;
    int got = 0;

    if (status < 0) { /* libuv has stopped the handle */
        w->armed = 0;
        if (w->want == 0)
            return;
        watch_list(w);
        got = LG_BROKEN;
    } else {
        if (events & UV_READABLE)
            got |= LG_READ;
        if (events & UV_WRITABLE)
            got |= LG_WRITE;
        got &= w->want;
        if (got == 0) {
            watch_arm(w);
            return;
        }
        if (w->loop->ran && lg__loop_is_late(w->loop)) {
            w->loop->cut = true; /* the kernel tells again: it is asked by level */
            return;
        }
    }
    w->loop->ran = true;
    LG_GUARD(w->loop->door);
    w->fn(w->ud, w->fd, got);
}

static void watch_arm(lg_watch *w)
{
    int bits = 0;

    watch_unlist(w);
    if (w->want == w->armed)
        return;
    w->armed = w->want;
    if (w->want == 0) {
        uv_poll_stop(&w->poll);
        return;
    }
    if (w->want & LG_READ)
        bits |= UV_READABLE;
    if (w->want & LG_WRITE)
        bits |= UV_WRITABLE;
    uv_poll_start(&w->poll, bits, on_poll);
    w->loop->unpolled = true;
}

int lg__watch_new(lg_loop *l, int fd, lg_watch_fn fn, void *ud, lg_watch **out)
{
    lg_watch *w = lg__mem_zero(l->mem, sizeof *w);
    int rc;

    if (!w)
        return LG_ENOMEM;
    rc = uv_poll_init(&l->uv, &w->poll, fd);
    if (rc < 0) {
        lg__mem_free(l->mem, w, sizeof *w);
        return uv_to_lg(rc);
    }
    w->poll.data = w;
    w->loop = l;
    w->fn = fn;
    w->ud = ud;
    w->fd = fd;
    *out = w;
    return 0;
}

int lg__watch_set(lg_watch *w, int events)
{
    if (events & ~(LG_READ | LG_WRITE))
        return LG_EINVAL;
    w->want = events;
    if (events & ~w->armed)
        watch_list(w);
    else
        watch_unlist(w);
    return 0;
}

void lg__watch_close(lg_watch *w)
{
    if (!w)
        return;
    watch_unlist(w);
    w->want = 0;
    /* out of the kernel's set at once, so the descriptor may be closed (and its
     * number used again) right after; the memory goes a turn later */
    uv_close((uv_handle_t *)&w->poll, handle_gone);
}

/* ---- alarms -------------------------------------------------------------- */

static void on_alarm(uv_timer_t *t)
{
    lg_alarm *a = t->data;

    /* what an alarm did must be looked at before anything is waited for */
    uv_stop(&a->loop->uv);
    LG_GUARD(a->loop->door);
    a->fn(a->ud);
}

int lg__alarm_new(lg_loop *l, lg_alarm_fn fn, void *ud, lg_alarm **out)
{
    lg_alarm *a = lg__mem_zero(l->mem, sizeof *a);
    int rc;

    if (!a)
        return LG_ENOMEM;
    rc = uv_timer_init(&l->uv, &a->timer);
    if (rc < 0) {
        lg__mem_free(l->mem, a, sizeof *a);
        return uv_to_lg(rc);
    }
    a->timer.data = a;
    a->loop = l;
    a->fn = fn;
    a->ud = ud;
    *out = a;
    return 0;
}

void lg__alarm_set(lg_alarm *a, int64_t ms)
{
    if (ms < 0) {
        uv_timer_stop(&a->timer);
        return;
    }
    if (!a->loop->running)
        uv_update_time(&a->loop->uv); /* the engine may have worked for long since */
    uv_timer_start(&a->timer, on_alarm, (uint64_t)ms, 0);
}

void lg__alarm_close(lg_alarm *a)
{
    if (a)
        uv_close((uv_handle_t *)&a->timer, handle_gone);
}
