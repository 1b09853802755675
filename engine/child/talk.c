/* talk.c - the life of a program that stays: idle, asked, ended, reaped.
 *
 * It is killed as a group while its first process, a zombie still, keeps its number. What it
 * writes when nobody asked is read and thrown away, so that it never waits for us. */
#include "child/talk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "child/clean_start.h"
#include "child/command_internal.h"
#include "child/process_internal.h"

enum {
    TAIL = 16 << 10,  /* bytes kept of the end of stderr */
    AT_ONCE = 8,      /* reads of one descriptor between two looks at the others */
    CHUNK = 16 << 10, /* bytes of one read */
    GRACE = 500,      /* ms for one that has closed its stdout to end */
    POLL = 10,        /* ms between two looks at one without a descriptor of its end */
    LINE = 16 << 20,  /* bytes of an answer, where nothing else is said */
    ROUNDS = 200      /* of 5 ms, for all to end with the engine */
};

struct lg_talk {
    lg_ring link;   /* in every */
    lg_ring answer; /* in answered; alone: it has none */
    lg_talks *ts;
    lg_scratch *scratch;
    pid_t pid; /* 0: none (any more) */
    int in, out, err, exit;
    lg_watch *on_in, *on_out, *on_err, *on_exit;
    lg_alarm *alarm;
    void *tag;
    bool asked;        /* and no answer yet */
    bool killed;       /* told to end */
    bool mute;         /* it has closed its stdout */
    bool unwanted;     /* freed when it has ended */
    bool lost;         /* how it ended is not known */
    lg_bytes question; /* what of it is not sent yet */
    size_t sent;
    lg_bytes line; /* of its stdout, as far as it has come */
    lg_bytes errors;
    lg_text *text;     /* the answer */
    const char *limit; /* that it was ended by */
    int64_t begun_us, ended_us, due_us;
    int status;
    struct rusage usage;
};

struct lg_talks {
    lg_mem *mem;
    lg_loop *loop;
    lg_clock clock; /* real */
    lg_ring every, answered;
    size_t active;
    lg_scratches scratches;
    lg_kernel kernel;
    int kernel_abi;
    bool looked, due;
};

/* ---- small things -------------------------------------------------------- */

static int64_t now_us(const lg_talks *ts)
{
    return lg__clock_now(&ts->clock);
}

static void close_all(lg_talk *t)
{
    lg__fd_close_watched(&t->on_in, &t->in);
    lg__fd_close_watched(&t->on_out, &t->out);
    lg__fd_close_watched(&t->on_err, &t->err);
    lg__fd_close_watched(&t->on_exit, &t->exit);
}

static void talk_free(lg_talk *t)
{
    close_all(t);
    lg__alarm_close(t->alarm);
    lg__scratch_leave(t->scratch);
    t->ts->due = true;
    lg__ring_cut(&t->link);
    lg__ring_cut(&t->answer);
    lg__bytes_free(&t->question);
    lg__bytes_free(&t->line);
    lg__bytes_free(&t->errors);
    lg__text_unref(t->text);
    lg__mem_free(t->ts->mem, t, sizeof *t);
}

/* Its question is over: text is there, or it has ended. */
static void settle(lg_talk *t)
{
    if (!t->asked)
        return;

    t->asked = false;
    t->ts->active--;
    lg__bytes_free(&t->question);
    if (t->tag)
        lg__ring_before(&t->ts->answered, &t->answer);
}

/* ---- its end ------------------------------------------------------------- */

static void kill_it(lg_talk *t, const char *limit)
{
    if (t->killed || t->pid <= 0)
        return;

    t->killed = true;
    t->limit = limit;
    lg__fd_close_watched(&t->on_in, &t->in);
    if (kill(-t->pid, SIGKILL) != 0)
        kill(t->pid, SIGKILL);

    lg__alarm_set(t->alarm, t->on_exit ? -1 : POLL);
}

static bool reap(lg_talk *t)
{
    siginfo_t info;
    pid_t got;
    memset(&info, 0, sizeof info);
    if (t->pid <= 0)
        return true;

    if (waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return false;

    kill(-t->pid, SIGKILL);
    do {
        got = wait4(t->pid, &t->status, WNOHANG, &t->usage);
    } while (got < 0 && errno == EINTR);
    t->lost = got <= 0;
    t->pid = 0;
    return true;
}

static bool read_some(lg_talk *t, int fd, bool is_err);

static void look(lg_talk *t)
{
    if (!reap(t))
        return;

    t->ended_us = now_us(t->ts);
    while (t->out >= 0 && t->asked && !t->killed) { /* it may have answered, and gone */
        size_t before = t->line.len;
        if (!read_some(t, t->out, false) || t->line.len == before)
            break;
    }
    if (t->err >= 0)
        read_some(t, t->err, true);

    close_all(t);
    lg__alarm_set(t->alarm, -1);
    lg__scratch_leave(t->scratch);
    t->scratch = NULL;
    t->ts->due = true;
    settle(t);
    if (t->unwanted)
        talk_free(t);
}

static void on_exit_event(void *ud, int fd, int events)
{
    (void)fd;
    (void)events;
    look(ud);
}

static void on_alarm(void *ud)
{
    lg_talk *t = ud;
    if (t->mute)
        kill_it(t, NULL);
    else if (t->asked && now_us(t->ts) >= t->due_us)
        kill_it(t, "time");

    else if (t->asked) /* timers may be a little early */
        lg__alarm_set(t->alarm, (t->due_us - now_us(t->ts) + 999) / 1000);

    if (!t->on_exit)
        lg__alarm_set(t->alarm, POLL);

    look(t);
}

/* ---- what it writes ------------------------------------------------------ */

static void keep_errors(lg_talk *t, const char *s, size_t n)
{
    if (lg__bytes_add(&t->errors, s, n) || t->errors.len <= (size_t)2 * TAIL)
        return;

    memmove(t->errors.data, t->errors.data + t->errors.len - TAIL, TAIL);
    t->errors.len = TAIL;
    t->errors.data[TAIL] = '\0';
}

/* A line has come. What begins as no JSON is a program's own noise. */
static void take_line(lg_talk *t)
{
    const char *s = t->line.data;
    if (!t->asked || t->line.len == 0 || (s[0] != '{' && s[0] != '[')) {
        lg__bytes_clear(&t->line);
        return;
    }
    if (lg__text_check(s, t->line.len) != 0) {
        kill_it(t, "text");
        return;
    }
    t->text = lg__text_new(t->ts->mem, s, t->line.len);
    lg__bytes_clear(&t->line);
    lg__alarm_set(t->alarm, t->on_exit ? -1 : POLL);
    settle(t);
}

static void take_output(lg_talk *t, const char *s, size_t n)
{
    while (n > 0 && !t->killed) {
        const char *end = memchr(s, '\n', n);
        size_t len = end ? (size_t)(end - s) : n;
        if (lg__bytes_add(&t->line, s, len)) {
            kill_it(t, "output");
            return;
        }
        if (end)
            take_line(t);

        len += end ? 1 : 0;
        s += len;
        n -= len;
    }
}

/* false: nothing more will come, or is wanted. */
static bool read_some(lg_talk *t, int fd, bool is_err)
{
    char chunk[LG_SMALL(CHUNK, 7)];
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);

        if (is_err)
            keep_errors(t, chunk, (size_t)n);
        else
            take_output(t, chunk, (size_t)n);

        if (t->killed)
            return false;
    }
    return true;
}

/* One that closes its stdout will not answer any more. Mostly it ends, and how is to be seen. */
static void on_output(void *ud, int fd, int events)
{
    lg_talk *t = ud;
    (void)events;
    if (read_some(t, fd, false))
        return;

    lg__fd_close_watched(&t->on_out, &t->out);
    t->mute = true;
    if (!t->killed)
        lg__alarm_set(t->alarm, t->on_exit ? GRACE : POLL);
}

static void on_errors(void *ud, int fd, int events)
{
    lg_talk *t = ud;
    (void)events;
    if (!read_some(t, fd, true))
        lg__fd_close_watched(&t->on_err, &t->err);
}

/* ---- what it is asked ---------------------------------------------------- */

static void send_some(lg_talk *t)
{
    while (t->sent < t->question.len) {
        ssize_t n =
            send(t->in, t->question.data + t->sent, t->question.len - t->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;

        if (n < 0 && errno != EINTR) { /* it reads no more: its end tells */
            lg__fd_close_watched(&t->on_in, &t->in);
            return;
        }
        t->sent += n > 0 ? (size_t)n : 0;
    }
    lg__watch_set(t->on_in, t->sent < t->question.len ? LG_WRITE : 0);
}

static void on_input(void *ud, int fd, int events)
{
    lg_talk *t = ud;
    (void)fd;
    (void)events;
    if (t->in >= 0)
        send_some(t);
}

bool lg__talk_is_alive(const lg_talk *t)
{
    return t->pid > 0 && !t->killed;
}

int lg__talk_begin(lg_talk *t, const char *line, size_t len, int64_t ms, void *tag)
{
    if (!lg__talk_is_alive(t) || t->asked || t->text)
        return LG_ESTATE;

    lg__bytes_add(&t->question, line, len);
    if (lg__bytes_addc(&t->question, '\n')) {
        lg__bytes_free(&t->question);
        return LG_ENOMEM;
    }
    lg__bytes_clear(&t->line);
    t->sent = 0;
    t->asked = true;
    t->tag = tag;
    t->ts->active++;
    t->due_us = ms > 0 ? now_us(t->ts) + ms * 1000 : INT64_MAX;
    lg__alarm_set(t->alarm, !t->on_exit ? POLL : ms > 0 ? ms : -1);
    if (t->in >= 0)
        send_some(t);

    return LG_OK;
}

lg_talk *lg__talks_next(lg_talks *ts, void **tag)
{
    if (!ts || lg__ring_empty(&ts->answered))
        return NULL;

    lg_talk *t = LG_OF(ts->answered.next, lg_talk, answer);
    lg__ring_cut(&t->answer);
    *tag = t->tag;
    t->tag = NULL;
    return t;
}

lg_text *lg__talk_answer(lg_talk *t)
{
    lg_text *text = t->text;
    t->text = NULL;
    return text ? text : lg__text_new(t->ts->mem, "", 0);
}

void *lg__talk_tag(const lg_talk *t)
{
    return t->tag;
}

void lg__talk_forget(lg_talk *t)
{
    lg__ring_cut(&t->answer);
    t->tag = NULL;
    kill_it(t, NULL);
}

void lg__talk_end(lg_talk *t)
{
    t->unwanted = true;
    t->tag = NULL;
    lg__ring_cut(&t->answer);
    if (t->pid > 0)
        kill_it(t, NULL);
    else
        talk_free(t);
}

/* ---- its start ----------------------------------------------------------- */

static int can_contain(lg_talks *ts, const lg_command_spec *s, lg_fail *why)
{
    if (!ts->looked || ts->kernel_abi != s->most_abi)
        lg__kernel_look(&ts->kernel, s->most_abi);

    ts->looked = true;
    ts->kernel_abi = s->most_abi;
    const char *problem = s->way == LG_COMMAND_PLAIN ? NULL : lg__kernel_problem(&ts->kernel);
    if (!problem)
        return LG_OK;

    lg__fail_set(why, ts->mem, LG_EPROGRAM, "a sandbox is not to be had here: %s", problem);
    return LG_EPROGRAM;
}

static int start_child(lg_talk *t, const lg_start *start, uint32_t user, lg_fail *why)
{
    lg_talks *ts = t->ts;
    lg_contain_end end = {.problem = 0, .exit = -1};
    int ours[3] = {-1, -1, -1};
    uint64_t running = start->spec.processes && !user ? lg__contain_count() : 0;
    int err =
        lg__start_child(start, &ts->kernel, t->scratch, user, running, ts->mem, ours, &end, why);
    t->out = ours[0];
    t->err = ours[1];
    t->in = ours[2];
    t->exit = end.exit;
    t->pid = err || end.problem ? 0 : end.pid;
    return err ? err : t->pid > 0 ? LG_OK : why->code;
}

static int start_it(lg_talk *t, const lg_command_spec *s, lg_fail *why)
{
    lg_talks *ts = t->ts;
    int err = can_contain(ts, s, why);
    lg_start *start = err ? NULL : lg__start_copy(ts->mem, s);
    if (!start)
        return err ? err : LG_ENOMEM;

    uint32_t user = s->way == LG_COMMAND_PLAIN ? 0 : lg__kernel_user(&ts->kernel);
    int problem = lg__scratch_make(&ts->scratches, s->tmp, 0, user, &t->scratch);
    if (problem) {
        lg__fail_set(why, ts->mem, LG_EPROGRAM, "cannot make the directory of a program");
        err = LG_EPROGRAM;
    }
    err = err ? err : start_child(t, start, user, why);
    lg__mem_free(ts->mem, start, start->size);
    return err;
}

static int watch_all(lg_talk *t)
{
    lg_loop *loop = t->ts->loop;
    int err = lg__alarm_new(loop, on_alarm, t, &t->alarm);
    err = err ? err : lg__watch_new(loop, t->in, on_input, t, &t->on_in);
    err = err ? err : lg__watch_new(loop, t->out, on_output, t, &t->on_out);
    err = err ? err : lg__watch_new(loop, t->err, on_errors, t, &t->on_err);
    if (err)
        return err;

    lg__watch_set(t->on_out, LG_READ);
    lg__watch_set(t->on_err, LG_READ);
    if (t->exit >= 0 && lg__watch_new(loop, t->exit, on_exit_event, t, &t->on_exit) == 0)
        lg__watch_set(t->on_exit, LG_READ);
    else
        lg__alarm_set(t->alarm, POLL);

    return LG_OK;
}

/* A child that nobody can look after is not left running. */
static void give_up(lg_talk *t)
{
    if (t->pid > 0) {
        kill(-t->pid, SIGKILL);
        while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    t->pid = 0;
    talk_free(t);
}

int lg__talks_start(lg_talks *ts, const lg_command_spec *s, lg_talk **out, lg_fail *why)
{
    lg_talk *t = lg__mem_zero(ts->mem, sizeof *t);
    if (!t)
        return LG_ENOMEM;

    bool limited = s->output && (uint64_t)s->output < LG_BYTES_MAX;
    t->ts = ts;
    t->in = t->out = t->err = t->exit = -1;
    t->begun_us = now_us(ts);
    lg__ring_init(&t->answer);
    lg__bytes_init(&t->question, ts->mem, LG_BYTES_MAX);
    lg__bytes_init(&t->line, ts->mem, limited ? (size_t)s->output : LINE);
    lg__bytes_init(&t->errors, ts->mem, LG_BYTES_MAX);
    lg__ring_init(&t->link);
    lg__ring_before(&ts->every, &t->link);
    int err = start_it(t, s, why);
    err = err ? err : watch_all(t);
    if (err)
        give_up(t);
    else
        *out = t;

    return err;
}

/* ---- how it ended -------------------------------------------------------- */

bool lg__talk_read(const lg_talk *t, lg_command_end *out)
{
    *out = (lg_command_end){.code = -1, .signal = -1};
    if (t->pid > 0)
        return false;

    size_t over = t->errors.len > TAIL ? t->errors.len - TAIL : 0;
    const struct rusage *u = &t->usage;
    out->code = t->lost || !WIFEXITED(t->status) ? -1 : WEXITSTATUS(t->status);
    out->signal = t->lost || !WIFSIGNALED(t->status) ? -1 : WTERMSIG(t->status);
    out->signal_name = out->signal > 0 ? lg__child_signal_name(out->signal) : NULL;
    out->limit = t->limit;
    out->out = "";
    out->err = t->errors.data ? t->errors.data + over : "";
    out->err_len = t->errors.len - over;
    out->wall_us = t->ended_us - t->begun_us;
    out->cpu_us = (int64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000 +
                  u->ru_utime.tv_usec + u->ru_stime.tv_usec;
    out->memory = (size_t)u->ru_maxrss * 1024;
    return true;
}

/* ---- all of them --------------------------------------------------------- */

int lg__talks_new(lg_mem *m, lg_loop *loop, lg_talks **out)
{
    lg_talks *ts = lg__mem_zero(m, sizeof *ts);
    if (!ts)
        return LG_ENOMEM;

    ts->mem = m;
    ts->loop = loop;
    lg__ring_init(&ts->every);
    lg__ring_init(&ts->answered);
    lg__clock_init(&ts->clock, false);
    lg__scratches_init(&ts->scratches, m);
    *out = ts;
    return LG_OK;
}

size_t lg__talks_active(const lg_talks *ts)
{
    return ts ? ts->active : 0;
}

/* What ended programs have left behind is removed a piece at a time. */
bool lg__talks_is_due(const lg_talks *ts)
{
    return ts && (ts->due || !lg__ring_empty(&ts->answered));
}

void lg__talks_tidy(lg_talks *ts)
{
    enum { TIDY_US = 3000 };
    if (ts->due)
        ts->due = lg__scratches_remove(&ts->scratches, now_us(ts) + TIDY_US);
}

void lg__talks_free(lg_talks *ts)
{
    if (!ts)
        return;

    for (lg_ring *at = ts->every.next; at != &ts->every; at = at->next)
        kill_it(LG_OF(at, lg_talk, link), NULL);

    for (int i = 0; i < ROUNDS && !lg__ring_empty(&ts->every); i++) {
        for (lg_ring *at = ts->every.next, *next; at != &ts->every; at = next) {
            lg_talk *t = LG_OF(at, lg_talk, link);
            next = at->next;
            if (reap(t))
                talk_free(t);
        }
        if (!lg__ring_empty(&ts->every))
            poll(NULL, 0, i < 20 ? 1 : 5);
    }
    while (!lg__ring_empty(&ts->every)) /* not even SIGKILL ended it */
        talk_free(LG_OF(ts->every.next, lg_talk, link));

    lg__scratches_remove(&ts->scratches, now_us(ts) + 1000000);
    lg__scratches_close(&ts->scratches);
    lg__mem_free(ts->mem, ts, sizeof *ts);
}
