/* command.c - the life of a program that is a tool: in line, running, collected, told, left.
 *
 * Callbacks of the loop only note what has happened; all work is done by lg__commands_work, a
 * bounded piece at a time. The process group is killed while the first process, a zombie
 * still, keeps its number: so the signal reaches what that has started, and nobody else. */
#include "child/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/errno_text.h"
#include "child/clean_start.h"
#include "child/command_internal.h"
#include "child/process_internal.h"

enum {
    TAIL = 64 << 10,  /* bytes kept of the end of stderr */
    AT_ONCE = 8,      /* reads of one descriptor between two looks at the others */
    CHUNK = 16 << 10, /* bytes of one read */
    GRACE = 1000,     /* ms between asking a plain program to end and making it */
    PATIENCE = 1000,  /* … between two attempts to make one */
    LOOK = 100,       /* ms between two looks at the disk, … */
    POLL = 10,        /* … or at one without a descriptor */
    STARTS = 1,       /* programs that one step starts */
    WORK_US = 3000,   /* what one step may spend on the rest */
    LOOK_APART_US = 1000,
    COUNT_US = 1000000, /* how long a count of the user's processes counts */
    FULL_AT_US = 500000 /* of CPU: a program may pass its limit by so much before it is seen */
};

enum state { /* in the order of life */
             IN_LINE,
             RUNNING,
             COLLECTING, /* it has ended */
             ENDED,      /* to be told */
             OVER        /* told, or cancelled */
};

struct lg_command {
    lg_ring link; /* in the list of its state, but OVER */
    lg_ring every;
    lg_commands *cs;
    enum state state;
    int holders;
    void *tag;
    lg_start *start; /* NULL: it has started, or will not */
    lg_scratch *scratch;
    uint32_t user;
    pid_t pid; /* 0: none (any more) */
    int out, err, exit;
    lg_watch *on_out, *on_err, *on_exit;
    lg_alarm *alarm;
    lg_bytes output, errors; /* errors: a ring is not worth it; its last TAIL bytes count */
    size_t n_errors;         /* all of them */
    lg_lefts lefts;
    int64_t begun_us, ended_us, due_us, look_us;
    const char *limit; /* that it was ended by */
    bool asked, unwanted, lost;
    enum lg_command_way way;
    int64_t time_ms, cpu_seconds, disk, most_output, most_memory, file_size;
    int status, width, most_abi;
    struct rusage usage;
    lg_fail fail;
};

struct lg_commands {
    lg_mem *mem;
    lg_loop *loop;
    lg_clock clock; /* real, whatever the engine's is */
    lg_ring line, running, collecting, ended;
    lg_ring every;                    /* with those that are only held */
    size_t n_line, n_running, n_told; /* n_told: collecting and ended */
    lg_scratches scratches;
    lg_kernel kernel;
    int kernel_abi; /* that it was asked to pretend */
    bool looked, closing;
    lg_group_watcher watcher;
    uint64_t counted; /* this user's processes, … */
    int64_t counted_us;
    int64_t looks_us; /* before that nobody's disk is looked at */
};

/* ---- small things ------------------------------------------------------------------------ */

static int64_t now_us(const lg_commands *cs)
{
    return lg__clock_now(&cs->clock);
}

static bool is_contained(const lg_command *c)
{
    return c->way != LG_COMMAND_PLAIN;
}

static lg_command *first(const lg_ring *list)
{
    return lg__ring_empty(list) ? NULL : LG_OF(list->next, lg_command, link);
}

static void move_to(lg_command *c, lg_ring *list, enum state state)
{
    lg__ring_cut(&c->link);
    if (list)
        lg__ring_before(list, &c->link);

    c->state = state;
}

static void close_all(lg_command *c)
{
    lg__fd_close_watched(&c->on_out, &c->out);
    lg__fd_close_watched(&c->on_err, &c->err);
    lg__fd_close_watched(&c->on_exit, &c->exit);
    lg__alarm_close(c->alarm);
    c->alarm = NULL;
}

static void drop_start(lg_command *c)
{
    if (c->start)
        lg__mem_free(c->cs->mem, c->start, c->start->size);

    c->start = NULL;
}

static void leave_scratch(lg_command *c)
{
    lg__scratch_leave(c->scratch);
    c->scratch = NULL;
}

static void command_free(lg_command *c)
{
    lg_mem *m = c->cs->mem;
    lg__ring_cut(&c->every);
    lg__bytes_free(&c->output);
    lg__bytes_free(&c->errors);
    lg__lefts_free(&c->lefts);
    lg__fail_free(&c->fail);
    lg__mem_free(m, c, sizeof *c);
}

void lg__command_drop(lg_command *c)
{
    if (c && --c->holders == 0)
        command_free(c);
}

/* It is in no list any more, and has no process. */
static void finish(lg_command *c)
{
    close_all(c);
    drop_start(c);
    leave_scratch(c);
    move_to(c, NULL, OVER);
    lg__command_drop(c);
}

/* ---- ending ------------------------------------------------------------------------------ */

static void send_signal(const lg_command *c, int sig)
{
    if (c->pid > 0 && kill(-c->pid, sig) != 0)
        kill(c->pid, sig);
}

static void set_alarm(lg_command *c)
{
    int64_t left = (c->due_us - now_us(c->cs) + 999) / 1000;
    int64_t most = !c->on_exit ? POLL : c->disk && !c->asked ? LOOK : left;
    left = left < most ? left : most;
    lg__alarm_set(c->alarm, left > 0 ? left : 0);
}

/* A contained one is not asked: it may do what it likes meanwhile. limit NULL: it is only not
 * wanted any more. */
static void end_it(lg_command *c, const char *limit)
{
    if (c->asked)
        return;

    c->asked = true;
    c->limit = limit;
    lg__fd_close_watched(&c->on_out, &c->out);
    send_signal(c, is_contained(c) ? SIGKILL : SIGTERM);
    c->due_us = now_us(c->cs) + (int64_t)(is_contained(c) ? PATIENCE : GRACE) * 1000;
    set_alarm(c);
}

/* ---- what it writes ---------------------------------------------------------------------- */

/* The last TAIL bytes stand at the end; what is before them goes when it is as much again. */
static void keep_errors(lg_command *c, const char *s, size_t n)
{
    c->n_errors += n;
    if (lg__bytes_add(&c->errors, s, n) || c->errors.len <= (size_t)2 * TAIL)
        return;

    size_t over = c->errors.len - TAIL;
    memmove(c->errors.data, c->errors.data + over, TAIL);
    c->errors.len = TAIL;
    c->errors.data[TAIL] = '\0';
}

static void no_memory(lg_command *c)
{
    lg__fail_set(&c->fail, c->cs->mem, LG_ENOMEM, "%s", lg_error_text(LG_ENOMEM));
}

static bool is_too_much(const lg_command *c)
{
    return c->output.err == LG_ELIMIT || (c->most_output && (int64_t)c->n_errors > c->most_output);
}

/* false: nothing more will come, or is wanted. */
static bool read_some(lg_command *c, int fd, bool is_err)
{
    char chunk[LG_SMALL(CHUNK, 7)];
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);

        if (is_err)
            keep_errors(c, chunk, (size_t)n);
        else
            lg__bytes_add(&c->output, chunk, (size_t)n);

        if (is_too_much(c) || c->output.err)
            return false;
    }
    return true;
}

static void on_output(void *ud, int fd, int events)
{
    lg_command *c = ud;
    (void)events;
    if (read_some(c, fd, false))
        return;

    lg__fd_close_watched(&c->on_out, &c->out);
    if (c->output.err == LG_ENOMEM)
        no_memory(c);

    if (c->output.err)
        end_it(c, c->output.err == LG_ELIMIT ? "output" : NULL);
}

static void on_errors(void *ud, int fd, int events)
{
    lg_command *c = ud;
    (void)events;
    if (read_some(c, fd, true))
        return;

    lg__fd_close_watched(&c->on_err, &c->err);
    if (is_too_much(c))
        end_it(c, "output");
}

/* It has ended: what it itself wrote is in the pipes, and fits. */
static void read_rest(lg_command *c)
{
    while (c->out >= 0) {
        size_t before = c->output.len;
        if (!read_some(c, c->out, false) || c->output.len == before)
            break;
    }
    while (c->err >= 0) {
        size_t before = c->n_errors;
        if (!read_some(c, c->err, true) || c->n_errors == before)
            break;
    }
    if (!c->limit && is_too_much(c))
        c->limit = "output";
}

/* ---- its end ----------------------------------------------------------------------------- */

static bool ended_by(const lg_command *c, int sig)
{
    const int of_shell = 128 + sig; /* what a shell says of such a child of its own */
    return (WIFSIGNALED(c->status) && WTERMSIG(c->status) == sig) ||
           (WIFEXITED(c->status) && WEXITSTATUS(c->status) == of_shell);
}

static int64_t cpu_of(const lg_command *c)
{
    const struct rusage *u = &c->usage;
    return (int64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000 + u->ru_utime.tv_usec +
           u->ru_stime.tv_usec;
}

/* Which limit it ran into, as far as that can be seen from here. */
static const char *limit_of(const lg_command *c)
{
    if (c->limit || c->status == 0)
        return c->limit;

    if (c->cpu_seconds &&
        (ended_by(c, SIGXCPU) ||
         (ended_by(c, SIGKILL) && cpu_of(c) + FULL_AT_US >= c->cpu_seconds * 1000000)))
        return "cpu";

    if (c->file_size && ended_by(c, SIGXFSZ))
        return "file_size";

    if (c->most_memory && (int64_t)c->usage.ru_maxrss * 1024 >= c->most_memory / 8 * 7)
        return "memory";

    return NULL;
}

/* Whether it has ended; then all its group is dead, and its number means nothing any more. */
static bool reap(lg_command *c)
{
    siginfo_t info;
    pid_t got;
    memset(&info, 0, sizeof info);
    if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return false;

    kill(-c->pid, SIGKILL);
    if (is_contained(c))
        lg__watcher_tell(&c->cs->watcher, c->pid);

    do {
        got = wait4(c->pid, &c->status, WNOHANG, &c->usage);
    } while (got < 0 && errno == EINTR);
    c->lost = got <= 0;
    c->pid = 0;
    return true;
}

static void look(lg_command *c)
{
    lg_commands *cs = c->cs;
    if (!reap(c))
        return;

    cs->n_running--;
    c->ended_us = now_us(cs);
    if (c->unwanted) {
        finish(c);
        return;
    }
    read_rest(c);
    close_all(c);
    c->limit = limit_of(c);
    move_to(c, &cs->collecting, COLLECTING);
    cs->n_told++;
}

static void on_exit_event(void *ud, int fd, int events)
{
    (void)fd;
    (void)events;
    look(ud);
}

/* true: it has used too much of the disk. A deep tree takes milliseconds, so looks are as far
 * from each other as the last one was long: never two in a step. */
static bool look_at_disk(lg_command *c)
{
    lg_commands *cs = c->cs;
    int64_t begun = now_us(cs);
    if (!c->disk || c->asked || begun < c->look_us)
        return false;

    if (begun < cs->looks_us) {
        c->look_us = cs->looks_us;
        return false;
    }
    int64_t used = lg__scratch_used(c->scratch), over = now_us(cs);
    cs->looks_us = over + (over - begun) + LOOK_APART_US;
    c->look_us = over + (int64_t)LOOK * 1000;
    return used < 0 || used > c->disk;
}

static void on_alarm(void *ud)
{
    lg_command *c = ud;
    if (look_at_disk(c)) {
        end_it(c, "disk");
    } else if (now_us(c->cs) >= c->due_us) {
        if (c->asked) {
            send_signal(c, SIGKILL);
            c->due_us += (int64_t)PATIENCE * 1000;
        } else {
            end_it(c, "time");
        }
    }
    set_alarm(c);
    look(c);
}

/* ---- starting ---------------------------------------------------------------------------- */

/* The command has ended without a process. */
static void end_unstarted(lg_command *c)
{
    lg_commands *cs = c->cs;
    close_all(c);
    cs->n_told++;
    move_to(c, &cs->ended, ENDED);
}

static void could_not(lg_command *c, const char *what, int problem)
{
    lg__fail_set(&c->fail, c->cs->mem, problem == ENOMEM ? LG_ENOMEM : LG_EPROGRAM, "cannot %s: %s",
                 what, lg__errno_text(problem));
    c->fail.retryable = problem == ENOSPC || problem == EMFILE || problem == ENFILE;
}

static bool make_scratch(lg_command *c)
{
    const lg_command_spec *s = &c->start->spec;
    int problem = lg__scratch_make(&c->cs->scratches, s->tmp, s->n_files, c->user, &c->scratch);
    for (size_t i = 0; !problem && i < s->n_files; i++)
        problem = lg__scratch_put(c->scratch, &s->files[i], c->user);

    if (problem)
        could_not(c, "make the directory of a program", problem);

    return !problem;
}

/* All that may lack memory comes before the child, which then is only looked after. */
static int watch_all(lg_command *c)
{
    lg_loop *loop = c->cs->loop;
    int err = lg__watch_new(loop, c->out, on_output, c, &c->on_out);
    err = err ? err : lg__watch_new(loop, c->err, on_errors, c, &c->on_err);
    if (!err && c->exit >= 0 && lg__watch_new(loop, c->exit, on_exit_event, c, &c->on_exit) == 0)
        lg__watch_set(c->on_exit, LG_READ);

    if (!err) {
        lg__watch_set(c->on_out, LG_READ);
        lg__watch_set(c->on_err, LG_READ);
    }
    return err;
}

static uint64_t count_processes(lg_commands *cs)
{
    if (!cs->counted || now_us(cs) - cs->counted_us > COUNT_US) {
        cs->counted = lg__contain_count();
        cs->counted_us = now_us(cs);
    }
    return cs->counted;
}

static void look_at_kernel(lg_commands *cs, int most_abi)
{
    if (!cs->looked || cs->kernel_abi != most_abi)
        lg__kernel_look(&cs->kernel, most_abi);

    cs->looked = true;
    cs->kernel_abi = most_abi;
}

static bool can_contain(lg_command *c)
{
    lg_commands *cs = c->cs;
    look_at_kernel(cs, c->most_abi);
    const char *problem = lg__kernel_problem(&cs->kernel);
    if (!is_contained(c) || !problem)
        return true;

    lg__fail_set(&c->fail, cs->mem, LG_EPROGRAM, "a sandbox is not to be had here: %s", problem);
    lg__fail_hint(&c->fail, cs->mem,
                  "lunagrad doctor tells what holds here; a program that you trust runs with "
                  "sandbox = false");
    return false;
}

/* A child that nobody can look after is not left running. */
static void give_up(lg_command *c)
{
    kill(-c->pid, SIGKILL);
    kill(c->pid, SIGKILL);
    if (is_contained(c))
        lg__watcher_tell(&c->cs->watcher, c->pid);

    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;

    c->pid = 0;
    c->cs->n_running--;
    no_memory(c);
}

static bool start_child(lg_command *c)
{
    lg_commands *cs = c->cs;
    lg_contain_end end = {.problem = 0, .exit = -1};
    int ours[3] = {-1, -1, -1};
    uint64_t running = c->start->spec.processes && !c->user ? count_processes(cs) : 0;
    int err = lg__alarm_new(cs->loop, on_alarm, c, &c->alarm);
    if (!err) {
        err = lg__start_child(c->start, &cs->kernel, c->scratch, c->user, running, cs->mem, ours,
                              &end, &c->fail);
    }

    c->out = ours[0];
    c->err = ours[1];
    c->exit = end.exit;
    c->pid = end.problem ? 0 : end.pid;
    if (err)
        lg__fail_set(&c->fail, cs->mem, err, "%s", lg_error_text(err));

    return c->pid > 0;
}

static void begin(lg_command *c)
{
    lg_commands *cs = c->cs;
    cs->n_line--;
    if (!can_contain(c)) {
        end_unstarted(c);
        return;
    }
    c->user = is_contained(c) ? lg__kernel_user(&cs->kernel) : 0;
    bool runs = make_scratch(c) && start_child(c);
    drop_start(c);
    if (!runs) {
        end_unstarted(c);
        return;
    }
    cs->n_running++;
    if (is_contained(c)) {
        lg__watcher_start(&cs->watcher, &cs->kernel, cs->mem, cs->scratches.path);
        lg__watcher_tell(&cs->watcher, c->pid);
    }
    move_to(c, &cs->running, RUNNING);
    c->begun_us = now_us(cs);
    c->due_us = c->time_ms ? c->begun_us + c->time_ms * 1000 : INT64_MAX / 2;
    c->look_us = c->begun_us + (int64_t)LOOK * 1000;
    if (watch_all(c)) {
        give_up(c);
        end_unstarted(c);
        return;
    }
    set_alarm(c);
}

static size_t width_of(const lg_command *c)
{
    long all = c->width ? c->width : sysconf(_SC_NPROCESSORS_ONLN);
    return all > 0 ? (size_t)all : 1;
}

int lg__commands_start(lg_commands *cs, const lg_command_spec *s, void *tag, lg_command **out)
{
    lg_command *c = lg__mem_zero(cs->mem, sizeof *c);
    lg_start *start = c ? lg__start_copy(cs->mem, s) : NULL;
    if (!start) {
        lg__mem_free(cs->mem, c, sizeof *c);
        return LG_ENOMEM;
    }
    c->cs = cs;
    c->holders = 2;
    c->tag = tag;
    c->start = start;
    c->out = c->err = c->exit = -1;
    c->way = s->way;
    c->width = s->width;
    c->most_abi = s->most_abi;
    c->time_ms = s->time_ms;
    c->cpu_seconds = s->cpu_seconds;
    c->most_memory = s->memory;
    c->file_size = s->file_size;
    c->disk = s->disk;
    c->most_output = s->output;
    c->lefts.mem = cs->mem;
    lg__fail_init(&c->fail);
    lg__bytes_init(&c->output, cs->mem,
                   s->output && (uint64_t)s->output < LG_BYTES_MAX ? (size_t)s->output
                                                                   : LG_BYTES_MAX);
    lg__bytes_init(&c->errors, cs->mem, LG_BYTES_MAX);
    lg__ring_init(&c->link);
    lg__ring_init(&c->every);
    lg__ring_before(&cs->every, &c->every);
    move_to(c, &cs->line, IN_LINE);
    cs->n_line++;
    lg__loop_wakeup(cs->loop);
    *out = c;
    return LG_OK;
}

void lg__command_cancel(lg_command *c)
{
    if (c->state == RUNNING) {
        c->unwanted = true;
        c->tag = NULL;
        lg__fd_close_watched(&c->on_err, &c->err);
        end_it(c, NULL);
        return;
    }
    if (c->state == OVER)
        return;

    c->cs->n_line -= c->state == IN_LINE ? 1 : 0;
    c->cs->n_told -= c->state == IN_LINE ? 0 : 1;
    finish(c);
}

/* ---- what is to be done ------------------------------------------------------------------ */

/* A piece of what it left is taken. */
static void collect(lg_command *c)
{
    bool more = false;
    int err = LG_OK;
    size_t most = c->most_output ? (size_t)c->most_output : LG_BYTES_MAX;
    if (!c->lefts.n && !c->lefts.list)
        err = lg__scratch_list(c->scratch, &c->lefts);

    err = err ? err : lg__scratch_read(c->scratch, &c->lefts, most, &more);
    if (err)
        lg__fail_set(&c->fail, c->cs->mem, err, "%s", lg_error_text(err));

    if (more && !err)
        return;

    leave_scratch(c);
    move_to(c, &c->cs->ended, ENDED);
}

bool lg__commands_work(lg_commands *cs)
{
    if (!cs)
        return false;

    int64_t until = now_us(cs) + WORK_US;
    lg_command *c;
    int starts = 0;
    for (; (c = first(&cs->line)) && cs->n_running < width_of(c) && starts < STARTS; starts++)
        begin(c);

    while ((c = first(&cs->collecting)) && now_us(cs) < until)
        collect(c);

    bool more = lg__scratches_remove(&cs->scratches, until) || first(&cs->collecting) != NULL;
    c = first(&cs->line);
    return more || (c && cs->n_running < width_of(c));
}

lg_command *lg__commands_next(lg_commands *cs)
{
    lg_command *c = cs ? first(&cs->ended) : NULL;
    if (!c)
        return NULL;

    cs->n_told--;
    c->holders++; /* the caller's, who drops it */
    finish(c);
    return c;
}

void *lg__command_tag(const lg_command *c)
{
    return c->tag;
}

const lg_fail *lg__command_fail(const lg_command *c)
{
    return &c->fail;
}

size_t lg__commands_active(const lg_commands *cs)
{
    return cs ? cs->n_line + cs->n_running + cs->n_told : 0;
}

/* ---- what came of it --------------------------------------------------------------------- */

bool lg__command_read(const lg_command *c, lg_command_end *out)
{
    *out = (lg_command_end){.code = -1, .signal = -1};
    if (c->state < ENDED || !c->begun_us || c->fail.code || c->pid)
        return false;

    size_t over = c->errors.len > TAIL ? c->errors.len - TAIL : 0;
    out->code = c->lost ? -1 : WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;
    out->signal = c->lost || !WIFSIGNALED(c->status) ? -1 : WTERMSIG(c->status);
    out->signal_name = out->signal > 0 ? lg__child_signal_name(out->signal) : NULL;
    out->limit = c->limit;
    out->out = c->output.data ? c->output.data : "";
    out->out_len = c->output.len;
    out->err = c->errors.data ? c->errors.data + over : "";
    out->err_len = c->errors.len - over;
    out->wall_us = c->ended_us - c->begun_us;
    out->cpu_us = cpu_of(c);
    out->memory = (size_t)c->usage.ru_maxrss * 1024;
    out->n_files = c->lefts.n;
    return true;
}

void lg__command_file_at(const lg_command *c, size_t i, lg_command_file *out)
{
    const lg_left *f = &c->lefts.list[i];
    *out = (lg_command_file){f->name, f->data, f->len};
}

/* ---- all of them ------------------------------------------------------------------------- */

int lg__commands_new(lg_mem *m, lg_loop *loop, lg_commands **out)
{
    lg_commands *cs = lg__mem_zero(m, sizeof *cs);
    if (!cs)
        return LG_ENOMEM;

    cs->mem = m;
    cs->loop = loop;
    lg__ring_init(&cs->line);
    lg__ring_init(&cs->running);
    lg__ring_init(&cs->collecting);
    lg__ring_init(&cs->ended);
    lg__ring_init(&cs->every);
    lg__clock_init(&cs->clock, false);
    lg__scratches_init(&cs->scratches, m);
    *out = cs;
    return LG_OK;
}

static void finish_all(lg_ring *list)
{
    lg_command *c;
    while ((c = first(list)))
        finish(c);
}

/* Kills all, and waits about a second for them to end. */
static void end_all(lg_commands *cs)
{
    for (lg_ring *at = cs->running.next; at != &cs->running; at = at->next)
        send_signal(LG_OF(at, lg_command, link), SIGKILL);

    for (int i = 0; i < 200 && first(&cs->running); i++) {
        for (lg_ring *at = cs->running.next, *next; at != &cs->running; at = next) {
            lg_command *c = LG_OF(at, lg_command, link);
            next = at->next;
            if (reap(c))
                finish(c);
        }
        if (first(&cs->running))
            poll(NULL, 0, 5);
    }
}

void lg__commands_free(lg_commands *cs)
{
    if (!cs)
        return;

    finish_all(&cs->line);
    end_all(cs);
    finish_all(&cs->running); /* not even SIGKILL ended it */
    finish_all(&cs->collecting);
    finish_all(&cs->ended);
    while (!lg__ring_empty(&cs->every)) /* held by somebody who will not look any more */
        command_free(LG_OF(cs->every.next, lg_command, every));

    lg__watcher_end(&cs->watcher);
    lg__scratches_remove(&cs->scratches, now_us(cs) + 1000000);
    lg__scratches_close(&cs->scratches);
    lg__mem_free(cs->mem, cs, sizeof *cs);
}
