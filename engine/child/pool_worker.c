/* pool_worker.c - one worker: it gets a job, its answer is read, its end is seen.
 *
 * A worker is idle, busy, or dying (killed, and waits to be reaped). What it says is believed as
 * far as it can be checked: one that says anything else than one whole frame when it was asked
 * for one is killed, and its job has crashed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/check.h"
#include "child/pool_internal.h"
#include "child/process_internal.h"

enum {
    POLL = 10,       /* ms between two looks at one without a descriptor of its end */
    SLACK_MS = 1000, /* of our time, beyond the processor's, between two looks */
    LOOKS = 20,
    START_MS = 20000,   /* for its start, on a machine that is busy */
    SLACK = 1024 * 1024 /* bytes of a reply beyond output and values */
};

/* ---- the end of a job ---------------------------------------------------- */

static void take_job(lg_worker *w)
{
    w->job->worker = NULL;
    w->job->box->running--;
    w->job = NULL;
}

/* It ended without a word of its own. Kinds and reasons are ours: nothing needs an escape. */
static void end_job(lg_worker *w, const char *kind, const char *message)
{
    lg_candidate *j = w->job;
    lg_bytes b;
    lg__bytes_init(&b, w->pool->mem, LG_BYTES_MAX);
    lg__bytes_addf(&b, "{\"ok\":false,\"kind\":\"%s\",\"message\":\"%s\",\"output\":\"\"}", kind,
                   message);
    j->text = lg__text_of(&b);
    if (!j->text)
        j->fail.code = LG_ENOMEM;

    take_job(w);
    lg__candidate_end(j);
}

static void crashed(lg_worker *w, int status)
{
    char text[120];
    const char *name = NULL;
    int sig = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (sig)
        name = lg__child_signal_name(sig);

    snprintf(text, sizeof text, "it crashed its process");
    if (sig) {
        snprintf(text, sizeof text, "it crashed its process (signal %d%s%s)", sig,
                 name ? ", SIG" : "", name ? name : "");
    }
    end_job(w, "crash", text);
}

/* ---- the end of a worker ------------------------------------------------- */

static void stop_watching(lg_worker *w)
{
    lg__watch_close(w->io);
    w->io = NULL;
}

static void unlist(lg_worker *w)
{
    lg__ring_cut(&w->link);
    w->pool->workers -= w->dying ? 0 : 1;
}

/* Killed, and to be reaped; its job, if it has one, is told of that when it is. */
static void kill_worker(lg_worker *w)
{
    if (w->dying)
        return;

    unlist(w);
    w->dying = true;
    stop_watching(w);
    lg__worker_kill(&w->process);
    lg__ring_before(&w->pool->dying, &w->link);
    lg__alarm_set(w->alarm, w->exit ? -1 : POLL);
    w->pool->due = true;
}

void lg__worker_end(lg_worker *w)
{
    kill_worker(w);
}

void lg__worker_free(lg_worker *w)
{
    unlist(w);
    stop_watching(w);
    lg__watch_close(w->exit);
    lg__alarm_close(w->alarm);
    lg__worker_close(&w->process);
    lg__bytes_free(&w->in);
    lg__mem_free(w->pool->mem, w, sizeof *w);
}

/* ---- what it says -------------------------------------------------------- */

static void refuse(lg_pool *p)
{
    lg__fail_set(&p->refused, p->mem, LG_EIO,
                 "no Lua candidate is run here: the kernel lets nobody restrict its own system "
                 "calls (seccomp)");
    lg__fail_hint(&p->refused, p->mem, "lunagrad doctor shows what holds on this machine");
}

/* false: it is no greeting, or what it says will not do. */
static bool take_hello(lg_worker *w)
{
    lg_pool *p = w->pool;
    lg_worker_hello h;
    memcpy(&h, w->in.data, sizeof h);
    if (h.magic != LG_WORKER_HELLO || w->in.len != sizeof h)
        return false;

    lg__bytes_clear(&w->in);
    w->greeted = true;
    p->failures = 0;
    p->stats.holds = h.holds;
    p->stats.landlock = h.landlock;
    if (h.holds & LG_HOLDS_SECCOMP)
        return true;

    refuse(p);
    return false;
}

static size_t most_of(const lg_candidate *j)
{
    return 6 * j->box->limits.output + LG_WORKER_VALUES + SLACK;
}

/* The reply is whole: the job has ended, the worker is free. */
static bool take_reply(lg_worker *w, size_t size)
{
    lg_candidate *j = w->job;
    const char *text = w->in.data + sizeof(lg_worker_reply);
    if (w->in.len != sizeof(lg_worker_reply) + size || lg__text_check(text, size) != 0)
        return false;

    j->text = lg__text_new(w->pool->mem, text, size);
    if (!j->text)
        j->fail.code = LG_ENOMEM;

    bool fresh = j->box->limits.fresh;
    take_job(w);
    lg__candidate_end(j);
    lg__bytes_free(&w->in);
    lg__alarm_set(w->alarm, -1);
    if (fresh) {
        kill_worker(w);
        return true;
    }
    lg__ring_cut(&w->link);
    lg__ring_before(&w->pool->idle, &w->link);
    w->idle_us = lg__clock_now(&w->pool->clock);
    j = lg__pool_pick(w->pool, w->arena);
    if (j)
        lg__worker_give(w, j);

    w->pool->due = true;
    return true;
}

/* What has come so far. false: it is nothing that a worker says. */
static bool take_input(lg_worker *w)
{
    lg_worker_reply head;
    if (!w->greeted) {
        if (w->in.len < sizeof(lg_worker_hello))
            return true;

        return take_hello(w);
    }
    if (!w->job)
        return w->in.len == 0;

    if (w->in.len < sizeof head)
        return true;

    memcpy(&head, w->in.data, sizeof head);
    if (head.magic != LG_WORKER_REPLY || head.size > most_of(w->job))
        return false;

    return w->in.len < sizeof head + head.size || take_reply(w, head.size);
}

/* It is not the candidate's fault. */
static void no_memory(lg_worker *w)
{
    lg_candidate *j = w->job;
    if (w->in.err != LG_ENOMEM || !j)
        return;

    j->fail.code = LG_ENOMEM;
    take_job(w);
    lg__candidate_end(j);
}

/* All that is there to be read. false: it said something wrong, or nothing more will come. */
static bool read_all(lg_worker *w)
{
    char chunk[LG_SMALL(16384, 7)];
    while (!w->dying) {
        ssize_t n = recv(w->process.channel, chunk, sizeof chunk, 0);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;

        if (n == 0)
            return false;

        bool hello = !w->greeted;
        if (hello && w->in.len + (size_t)n > sizeof(lg_worker_hello)) {
            /* it had its job with the start, and has answered already */
            size_t rest = sizeof(lg_worker_hello) - w->in.len;
            lg__bytes_add(&w->in, chunk, rest);
            if (w->in.err || !take_input(w))
                return false;

            memmove(chunk, chunk + rest, (size_t)n - rest);
            n -= (ssize_t)rest;
        }
        if (lg__bytes_add(&w->in, chunk, (size_t)n) || !take_input(w)) {
            no_memory(w);
            return false;
        }
    }
    return true;
}

/* ---- its end is seen ----------------------------------------------------- */

/* It died before it greeted, or without its job having begun: not the candidate's fault. */
static void failed_to_start(lg_worker *w, int status)
{
    enum { ROW = 3 };
    lg_pool *p = w->pool;
    if (p->refused.code == 0 && ++p->failures >= ROW) {
        char how[40] = "for an unknown reason";
        if (status >= 0 && WIFEXITED(status))
            snprintf(how, sizeof how, "with exit code %d", WEXITSTATUS(status));
        else if (status >= 0 && WIFSIGNALED(status))
            snprintf(how, sizeof how, "by signal %d", WTERMSIG(status));

        lg__fail_set(&p->refused, p->mem, LG_EIO, "a sandbox's worker ends before it begins, %s",
                     how);
        lg__fail_hint(&p->refused, p->mem,
                      "is there memory for it (ulimit -v), and may memory be executed?");
    }
}

static void gone(lg_worker *w, int status)
{
    lg_pool *p = w->pool;
    lg_candidate *j = w->job;
    if (!w->greeted)
        failed_to_start(w, status);

    if (j && w->greeted) {
        p->stats.lost++;
        crashed(w, status);
    } else if (j) {
        take_job(w);
        lg__candidate_again(j);
    }
    lg__worker_free(w);
    p->due = true;
}

static void look(lg_worker *w)
{
    int status = -1;
    if (!w->dying && w->process.exit >= 0 && !read_all(w))
        kill_worker(w); /* what it said before its end counts */

    if (lg__worker_reap(&w->process, &status))
        gone(w, status);
    else if (!w->exit)
        lg__alarm_set(w->alarm, POLL);
}

static void on_exit_event(void *ud, int fd, int events)
{
    (void)fd;
    (void)events;
    look(ud);
}

/* A worker ends its candidate itself, by the processor's time. This is for one that does not:
 * from the first look on it has that time once more, and of ours as much as many looks take, on a
 * machine that has much to do. */
static bool has_time(lg_worker *w)
{
    int64_t cpu = lg__worker_cpu_us(&w->process);
    if (w->looks++ == 0)
        w->cpu_us = cpu;

    return cpu >= 0 && w->looks <= LOOKS &&
           cpu - w->cpu_us < (int64_t)w->job->box->limits.timeout_ms * 1000;
}

static void set_look(lg_worker *w)
{
    int64_t ms = (int64_t)w->job->box->limits.timeout_ms + SLACK_MS;
    lg__alarm_set(w->alarm, ms + (w->greeted ? 0 : START_MS));
}

/* It is time to look, or there is no descriptor that tells of its end. */
static void on_alarm(void *ud)
{
    lg_worker *w = ud;
    if (!w->dying && w->job && has_time(w)) {
        set_look(w);
    } else if (!w->dying && w->job) {
        w->pool->stats.lost++;
        if (w->greeted)
            end_job(w, "time", "it did not end in its time, and was ended");

        kill_worker(w);
    }
    if (w->dying)
        look(w);
}

/* ---- what it is given ---------------------------------------------------- */

static bool send_some(lg_worker *w)
{
    const lg_candidate *j = w->job;
    while (w->sent < j->frame_len) {
        ssize_t n =
            send(w->process.channel, j->frame + w->sent, j->frame_len - w->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;

        if (n < 0 && errno != EINTR)
            return false;

        w->sent += n > 0 ? (size_t)n : 0;
    }
    lg__watch_set(w->io, w->sent < j->frame_len ? LG_READ | LG_WRITE : LG_READ);
    return true;
}

static void on_io(void *ud, int fd, int events)
{
    lg_worker *w = ud;
    (void)fd;
    bool good = true;
    if (events & LG_WRITE && w->job)
        good = send_some(w);

    if (events & (LG_READ | LG_BROKEN))
        good = read_all(w) && good;

    if (!good)
        kill_worker(w);
}

void lg__worker_give(lg_worker *w, lg_candidate *j)
{
    w->job = j;
    w->sent = 0;
    j->worker = w;
    j->box->running++;
    lg__bytes_free(&w->in);
    lg__bytes_init(&w->in, w->pool->mem, most_of(j) + sizeof(lg_worker_reply));
    lg__ring_cut(&w->link);
    lg__ring_before(&w->pool->busy, &w->link);
    w->looks = 0;
    set_look(w);
    if (!send_some(w))
        kill_worker(w);
}

/* ---- the start ----------------------------------------------------------- */

static int watch(lg_worker *w)
{
    lg_loop *loop = w->pool->loop;
    int err = lg__alarm_new(loop, on_alarm, w, &w->alarm);
    err = err ? err : lg__watch_new(loop, w->process.channel, on_io, w, &w->io);
    if (err)
        return err;

    lg__watch_set(w->io, LG_READ);
    if (w->process.exit >= 0 &&
        lg__watch_new(loop, w->process.exit, on_exit_event, w, &w->exit) == 0)
        lg__watch_set(w->exit, LG_READ);

    return LG_OK;
}

int lg__worker_new(lg_pool *p, uint64_t arena, lg_worker **out)
{
    lg_worker *w = lg__mem_zero(p->mem, sizeof *w);
    if (!w)
        return LG_ENOMEM;

    w->pool = p;
    w->arena = arena;
    w->process = (lg_worker_process){.channel = -1, .exit = -1};
    lg__ring_init(&w->link);
    lg__bytes_init(&w->in, p->mem, sizeof(lg_worker_hello));
    int err = lg__worker_start(p->mem, p->program, arena, &w->process, &p->refused);
    if (!err && p->refused.code == 0) {
        p->stats.started++;
        err = watch(w);
    }
    p->workers++;
    lg__ring_before(&p->idle, &w->link);
    if (!err && p->refused.code == 0) {
        *out = w;
        return LG_OK;
    }
    int status;
    lg__worker_kill(&w->process);
    for (int i = 0; i < 100 && !lg__worker_reap(&w->process, &status); i++)
        poll(NULL, 0, 1);

    lg__worker_free(w);
    return err ? err : p->refused.code;
}
