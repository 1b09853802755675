/* process.c - programs that answer: a child process instead of a transfer.
 *
 * A process is in one of two lists: running (also while it is being ended), or ready.
 * Its input is a file without a name, so that nothing is written to it while it runs:
 * a program that does not read is no special case, and no SIGPIPE can come of it.
 * What a child is made of is in process_spawn.c. */
#include "child/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "child/clean_start.h"
#include "child/process_internal.h"

enum {
    TAIL = 1024,     /* bytes kept of stderr */
    LINE = 300,      /* … and quoted */
    PATIENCE = 1000, /* ms between asking a process to end and making it */
    POLL = 10,       /* ms between two looks at one without a descriptor */
    AT_ONCE = 16,    /* reads of one descriptor between two looks at the others */
    EX_AGAIN = 75    /* sysexits.h, EX_TEMPFAIL: worth another try */
};

struct lg_process {
    lg_ring link; /* first: in running or ready */
    lg_processes *ps;
    lg_attempt *attempt; /* the caller's; not touched when it is abandoned */
    lg_child child;      /* pid 0: there is none (any more) */
    lg_watch *out, *err, *exit;
    lg_alarm *alarm;
    lg_bytes output;
    char tail[TAIL]; /* the end of stderr */
    size_t n_tail, max_output;
    int timeout_ms;
    int64_t due_us;                   /* when patience ends */
    int stop;                         /* why it was told to end: LG_E…; 0: it was not */
    int status;                       /* as of waitpid */
    bool asked, abandoned, lost, ran; /* told to end; no end wanted; status unknown */
    lg_fail unstarted;                /* why there was never a process */
};

struct lg_processes {
    lg_mem *mem;
    lg_loop *loop;
    lg_clock clock; /* real, whatever the engine's is */
    lg_ring running, ready;
    size_t active;
};

/* ---- lists --------------------------------------------------------------- */

static lg_process *first(const lg_ring *list) /* NULL: it is empty */
{
    return lg__ring_empty(list) ? NULL : LG_OF(list->next, lg_process, link);
}

static void running_add(lg_process *p)
{
    lg__ring_before(&p->ps->running, &p->link);
    p->ps->active++;
}

static void running_remove(lg_process *p)
{
    lg__ring_cut(&p->link);
    p->ps->active -= p->abandoned ? 0 : 1;
}

/* ---- ending -------------------------------------------------------------- */

static void close_all(lg_process *p)
{
    lg__fd_close_watched(&p->out, &p->child.out);
    lg__fd_close_watched(&p->err, &p->child.err);
    lg__fd_close_watched(&p->exit, &p->child.exit);
    lg__alarm_close(p->alarm);
    p->alarm = NULL;
}

static void process_free(lg_process *p)
{
    close_all(p);
    lg__fail_free(&p->unstarted);
    lg__bytes_free(&p->output);
    lg__mem_free(p->ps->mem, p, sizeof *p);
}

/* To the group; a child that left it, or has none yet, by its own number. */
static void send_signal(const lg_process *p, int sig)
{
    if (p->child.pid > 0 && kill(-p->child.pid, sig) != 0)
        kill(p->child.pid, sig);
}

/* When to look again. */
static void set_alarm(lg_process *p)
{
    int64_t left = (p->due_us - lg__clock_now(&p->ps->clock) + 999) / 1000;
    left = left > 0 ? left : 0;
    lg__alarm_set(p->alarm, p->exit || left < POLL ? left : POLL);
}

/* code 0: it is only not wanted any more. */
static void ask_to_end(lg_process *p, int code)
{
    if (p->asked)
        return;

    p->asked = true;
    p->stop = code;
    lg__fd_close_watched(&p->out, &p->child.out);
    send_signal(p, SIGTERM);
    p->due_us = lg__clock_now(&p->ps->clock) + (int64_t)PATIENCE * 1000;
    set_alarm(p);
}

/* ---- what it says -------------------------------------------------------- */

static void keep_tail(lg_process *p, const char *s, size_t n)
{
    if (n >= TAIL) {
        s += n - TAIL;
        n = TAIL;
    }
    size_t over = p->n_tail + n > TAIL ? p->n_tail + n - TAIL : 0;
    memmove(p->tail, p->tail + over, p->n_tail - over);
    memcpy(p->tail + p->n_tail - over, s, n);
    p->n_tail += n - over;
}

/* What there is to read, now. false: nothing more will come, or is wanted. */
static bool read_some(lg_process *p, int fd, bool is_err)
{
    char chunk[LG_SMALL(16384, 7)];
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);

        if (is_err)
            keep_tail(p, chunk, (size_t)n);
        else if (lg__bytes_add(&p->output, chunk, (size_t)n))
            return false;
    }
    return true;
}

static int output_problem(const lg_process *p)
{
    return p->output.err == LG_ELIMIT ? LG_ETOOBIG : p->output.err;
}

static void on_output(void *ud, int fd, int events)
{
    lg_process *p = ud;
    (void)events;
    if (read_some(p, fd, false))
        return;

    lg__fd_close_watched(&p->out, &p->child.out);
    if (p->output.err)
        ask_to_end(p, output_problem(p));
}

static void on_error_output(void *ud, int fd, int events)
{
    lg_process *p = ud;
    (void)events;
    if (!read_some(p, fd, true))
        lg__fd_close_watched(&p->err, &p->child.err);
}

/* It has ended, so all that it itself wrote is there; what it left running in the
 * background may write on, but not for us. */
static void read_rest(lg_process *p)
{
    size_t before;
    do {
        before = p->output.len;
        if (p->child.out < 0 || !read_some(p, p->child.out, false))
            break;

    } while (p->output.len > before);
    if (p->child.err >= 0)
        read_some(p, p->child.err, true);

    if (!p->asked)
        p->stop = output_problem(p);
}

/* ---- its end ------------------------------------------------------------- */

/* Whether it has ended; then it is reaped, and its number means nothing any more. */
static bool reap(lg_process *p)
{
    pid_t got;
    do {
        got = waitpid(p->child.pid, &p->status, WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;

    p->lost = got < 0;
    p->child.pid = 0;
    return true;
}

static void look(lg_process *p)
{
    if (!reap(p))
        return;

    running_remove(p);
    if (p->abandoned) {
        process_free(p);
        return;
    }
    read_rest(p);
    close_all(p);
    lg__ring_before(&p->ps->ready, &p->link);
}

static void on_exit_event(void *ud, int fd, int events)
{
    (void)fd;
    (void)events;
    look(ud);
}

static void on_alarm(void *ud)
{
    lg_process *p = ud;
    if (lg__clock_now(&p->ps->clock) >= p->due_us) {
        if (p->asked) {
            send_signal(p, SIGKILL);
            p->due_us += (int64_t)PATIENCE * 1000;
        } else {
            ask_to_end(p, LG_ETIMEOUT);
        }
    }
    set_alarm(p);
    look(p);
}

/* ---- how it ended ---------------------------------------------------------- */

/* Where the last line of stderr that is not blank begins. */
static const char *last_line(lg_process *p, size_t *len)
{
    size_t end = p->n_tail;
    while (end > 0 && strchr(" \t\r\n", p->tail[end - 1]) && p->tail[end - 1])
        end--;

    size_t from = end;
    while (from > 0 && p->tail[from - 1] != '\n')
        from--;

    *len = end - from > LINE ? LINE : end - from;
    return p->tail + from;
}

/* "exit code 3", "signal 11 (SIGSEGV)" */
static void describe_end(int status, char *buf, size_t size)
{
    if (WIFEXITED(status)) {
        snprintf(buf, size, "ended with exit code %d", WEXITSTATUS(status));
        return;
    }
    int sig = WTERMSIG(status);
    const char *name = lg__child_signal_name(sig);
    snprintf(buf, size, "was ended by signal %d%s%s%s", sig, name ? " (SIG" : "", name ? name : "",
             name ? ")" : "");
}

static void explain_bad_end(lg_process *p, lg_fail *f)
{
    char how[64];
    size_t len;
    const char *line = last_line(p, &len);
    describe_end(p->status, how, sizeof how);
    lg__fail_set(f, p->ps->mem, LG_EOVERLOAD, "the program %s%s%.*s", how,
                 len ? "; the last line of its stderr: " : " and wrote nothing to stderr", (int)len,
                 line);
    f->retryable = WIFEXITED(p->status) && WEXITSTATUS(p->status) == EX_AGAIN;
}

static void explain(lg_process *p, lg_fail *f)
{
    lg_mem *m = p->ps->mem;
    if (!p->ran) {
        *f = p->unstarted;
        lg__fail_init(&p->unstarted);
    } else if (p->stop == LG_ETIMEOUT) {
        lg__fail_set(f, m, p->stop, "the program did not end within %g s and was ended",
                     (double)p->timeout_ms / 1000);
    } else if (p->stop == LG_ETOOBIG) {
        lg__fail_set(f, m, p->stop, "the program wrote more than %zu bytes and was ended",
                     p->max_output);
    } else if (p->stop) {
        lg__fail_set(f, m, p->stop, "%s", lg_error_text(p->stop));
    } else if (p->lost) {
        lg__fail_set(f, m, LG_EIO, "how the program ended is not known");
        lg__fail_hint(f, m,
                      "a host of exec models must neither ignore SIGCHLD nor wait for "
                      "children that it did not start");
    } else if (p->status != 0) {
        explain_bad_end(p, f);
    }
}

lg_attempt *lg__process_next(lg_processes *ps)
{
    lg_process *p = ps ? first(&ps->ready) : NULL;
    if (!p)
        return NULL;

    lg_attempt *a = p->attempt;
    lg__ring_cut(&p->link);
    a->sent = p->ran;
    explain(p, &a->fail);
    if (a->fail.code == LG_OK) {
        a->status = 200;
        snprintf(a->content_type, sizeof a->content_type, "text/plain");
    }
    a->body = p->output;
    lg__bytes_init(&p->output, ps->mem, 1);
    process_free(p);
    return a;
}

/* ---- starting ------------------------------------------------------------ */

/* All that may lack memory comes before the child, which then is only looked after: one
 * whose descriptor cannot be watched is polled. */
static int watch_child(lg_process *p)
{
    lg_loop *loop = p->ps->loop;
    int err = lg__alarm_new(loop, on_alarm, p, &p->alarm);
    err = err ? err : lg__watch_new(loop, p->child.out, on_output, p, &p->out);
    err = err ? err : lg__watch_new(loop, p->child.err, on_error_output, p, &p->err);
    if (!err) {
        lg__watch_set(p->out, LG_READ);
        lg__watch_set(p->err, LG_READ);
    }
    return err;
}

static void watch_exit(lg_process *p)
{
    int fd = p->child.exit;
    if (fd >= 0 && lg__watch_new(p->ps->loop, fd, on_exit_event, p, &p->exit) == 0)
        lg__watch_set(p->exit, LG_READ);

    p->due_us = lg__clock_now(&p->ps->clock) + (int64_t)p->timeout_ms * 1000;
    set_alarm(p);
}

static int begin(lg_process *p, const lg_process_request *r)
{
    lg_mem *m = p->ps->mem;
    int err = lg__child_pipes(&p->child, m, r->input, r->input_len, &p->unstarted);
    if (!err && !p->unstarted.code)
        err = watch_child(p);

    if (!err && !p->unstarted.code)
        err = lg__child_spawn(&p->child, m, r->command, &p->unstarted);

    lg__child_close_theirs(&p->child);
    return err;
}

int lg__process_start(lg_processes *ps, const lg_process_request *r, lg_attempt *a,
                      lg_process **out)
{
    lg_process *p = lg__mem_zero(ps->mem, sizeof *p);
    if (!p)
        return LG_ENOMEM;

    p->ps = ps;
    p->attempt = a;
    lg__ring_init(&p->link);
    p->timeout_ms = r->timeout_ms;
    p->max_output = a->body.ceiling;
    lg__child_init(&p->child);
    lg__fail_init(&p->unstarted);
    lg__bytes_init(&p->output, ps->mem, a->body.ceiling);
    int err = begin(p, r);
    if (err) {
        process_free(p);
        return err;
    }
    p->ran = p->child.pid > 0;
    if (p->ran) {
        running_add(p);
        watch_exit(p);
    } else {
        close_all(p);
        lg__ring_before(&p->ps->ready, &p->link);
        lg__loop_wakeup(ps->loop); /* it is due at once */
    }
    *out = p;
    return LG_OK;
}

void lg__process_cancel(lg_process *p)
{
    if (!p->child.pid) {
        lg__ring_cut(&p->link);
        process_free(p);
        return;
    }
    p->abandoned = true;
    p->ps->active--;
    lg__fd_close_watched(&p->err, &p->child.err);
    ask_to_end(p, 0);
}

/* ---- all of them --------------------------------------------------------- */

int lg__processes_new(lg_mem *m, lg_loop *loop, lg_processes **out)
{
    lg_processes *ps = lg__mem_zero(m, sizeof *ps);
    if (!ps)
        return LG_ENOMEM;

    ps->mem = m;
    ps->loop = loop;
    lg__ring_init(&ps->running);
    lg__ring_init(&ps->ready);
    lg__clock_init(&ps->clock, false);
    *out = ps;
    return LG_OK;
}

size_t lg__processes_active(const lg_processes *ps)
{
    return ps ? ps->active : 0;
}

/* Signals all, and waits up to rounds times 5 ms for them to end. */
static void end_all(lg_processes *ps, int sig, int rounds)
{
    for (lg_ring *at = ps->running.next; at != &ps->running; at = at->next)
        send_signal(LG_OF(at, lg_process, link), sig);

    for (int i = 0; first(&ps->running); i++) {
        for (lg_ring *at = ps->running.next, *next; at != &ps->running; at = next) {
            lg_process *p = LG_OF(at, lg_process, link);
            next = at->next;
            if (reap(p)) {
                running_remove(p);
                process_free(p);
            }
        }
        if (i == rounds || !first(&ps->running))
            break;

        poll(NULL, 0, 5);
    }
}

void lg__processes_free(lg_processes *ps)
{
    if (!ps)
        return;

    end_all(ps, SIGTERM, 40);
    end_all(ps, SIGKILL, 160);
    lg_process *p;
    while ((p = first(&ps->running))) { /* not even SIGKILL ended it */
        running_remove(p);
        process_free(p);
    }
    while ((p = first(&ps->ready))) {
        lg__ring_cut(&p->link);
        process_free(p);
    }
    lg__mem_free(ps->mem, ps, sizeof *ps);
}
