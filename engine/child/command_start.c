/* command_start.c - from what a script asks for to a child: words, environment, descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "child/command_internal.h"
#include "child/process_internal.h"

/* ---- a copy of the spec ---------------------------------------------------------------- */

struct block { /* filled twice: once to measure it */
    char *at;  /* NULL: only measured */
    size_t used;
};

static void *put(struct block *b, const void *data, size_t n)
{
    const size_t align = sizeof(void *);
    void *to = b->at ? b->at + b->used : NULL;
    if (to && n)
        memcpy(to, data, n);

    b->used += (n + align - 1) / align * align;
    return to;
}

static const char *put_text(struct block *b, const char *s)
{
    return s ? put(b, s, strlen(s) + 1) : NULL;
}

static const char *put_data(struct block *b, const char *s, size_t n)
{
    return s ? put(b, s, n) : NULL;
}

static const char *const *put_list(struct block *b, const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;

    const char **to = put(b, list, (list ? n + 1 : 0) * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        const char *text = put_text(b, list[i]);
        if (to)
            to[i] = text;
    }
    return list ? to : NULL;
}

static const lg_command_file *put_files(struct block *b, const lg_command_spec *s)
{
    lg_command_file *to = put(b, s->files, s->n_files * sizeof *to);
    for (size_t i = 0; i < s->n_files; i++) {
        const char *name = put_text(b, s->files[i].name);
        const char *data = put_data(b, s->files[i].data, s->files[i].len);
        if (to)
            to[i] = (lg_command_file){name, data, s->files[i].len};
    }
    return to;
}

static void fill(struct block *b, const lg_command_spec *s)
{
    lg_start *to = put(b, &(lg_start){.spec = *s}, sizeof *to);
    lg_command_spec own = *s;
    own.program = put_text(b, s->program);
    own.argv = put_list(b, s->argv);
    own.env = put_list(b, s->env);
    own.files = put_files(b, s);
    own.input = put_data(b, s->input, s->input_len);
    own.readable = put_list(b, s->readable);
    own.bwrap = put_text(b, s->bwrap);
    own.tmp = put_text(b, s->tmp);
    if (to)
        to->spec = own;
}

lg_start *lg__start_copy(lg_mem *m, const lg_command_spec *s)
{
    struct block b = {NULL, 0};
    fill(&b, s);
    lg_start *start = lg__mem_new(m, b.used);
    if (!start)
        return NULL;

    size_t size = b.used;
    b = (struct block){(char *)start, 0};
    fill(&b, s);
    start->size = size;
    return start;
}

/* ---- bubblewrap ------------------------------------------------------------------------- */

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;

    return n;
}

/* Its words before the program's: what is to be seen, and nothing else is. */
static size_t wrap(const char **words, const lg_command_spec *s, const char *scratch)
{
    static const char *const first[] = {"bwrap",
                                        "--unshare-all",
                                        "--die-with-parent",
                                        "--new-session",
                                        "--disable-userns",
                                        "--unshare-user",
                                        "--proc",
                                        "/proc",
                                        "--dev",
                                        "/dev",
                                        "--tmpfs",
                                        "/tmp"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        words[n++] = first[i];

    for (size_t i = 0; s->readable && s->readable[i]; i++) {
        if (strncmp(s->readable[i], "/dev/", 5) == 0 || strncmp(s->readable[i], "/proc/", 6) == 0)
            continue; /* its own are there */

        words[n++] = "--ro-bind-try";
        words[n++] = s->readable[i];
        words[n++] = s->readable[i];
    }
    const char *const last[] = {"--bind",    scratch, scratch, "--chdir", scratch,
                                "--seccomp", "3",     "--",    s->program};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        words[n++] = last[i];

    return n;
}

enum { WRAP = 32 }; /* words of bubblewrap's beside those of what may be read */

/* ---- the child --------------------------------------------------------------------------- */

static int problem_to_code(const lg_contain_end *end, const lg_command_spec *s, lg_mem *m,
                           lg_fail *why)
{
    const char *program = s->program;
    if (end->problem == ENOMEM)
        return LG_ENOMEM;

    if (end->stage != LG_STAGE_EXEC) {
        lg__fail_set(why, m, LG_EPROGRAM, "cannot start a process (%s): %s",
                     lg__contain_stage_name(end->stage), lg__errno_text(end->problem));
        why->retryable = end->problem == EAGAIN || end->problem == EMFILE || end->problem == ENFILE;
        return LG_OK;
    }
    if (end->problem == ENOENT && access(program, F_OK) == 0) {
        lg__fail_set(why, m, LG_EPROGRAM, "the interpreter that %.200s names is not there",
                     program);
        lg__fail_hint(why, m,
                      s->way == LG_COMMAND_PLAIN
                          ? "look at its first line (#!…)"
                          : "look at its first line (#!…); what it names must be in read");
    } else if (end->problem == ENOENT || end->problem == ENOTDIR) {
        lg__fail_set(why, m, LG_EPROGRAM, "no program %.200s", program);
    } else if (end->problem == EACCES && s->way != LG_COMMAND_PLAIN && access(program, X_OK) == 0) {
        lg__fail_set(why, m, LG_EPROGRAM, "the sandbox does not let %.200s be run", program);
        lg__fail_hint(why, m, "name its folder in read = { … }");
    } else if (end->problem == ENOEXEC) {
        lg__fail_set(why, m, LG_EPROGRAM, "%.200s cannot be run: it is no program", program);
        lg__fail_hint(why, m, "a script begins with a line like #!/usr/bin/env python3");
    } else if (end->problem == EACCES) {
        lg__fail_set(why, m, LG_EPROGRAM, "%.200s is not executable", program);
        lg__fail_hint(why, m, "chmod +x makes a file executable");
    } else {
        lg__fail_set(why, m, LG_EPROGRAM, "%.200s cannot be run: %s", program,
                     lg__errno_text(end->problem));
    }
    return LG_OK;
}

struct words {
    const char **argv, **envp;
    char scratch[256], home[264], tmp[264];
};

static bool has_name(const char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; env && env[i]; i++) {
        if (strncmp(env[i], name, n) == 0 && env[i][n] == '=')
            return true;
    }
    return false;
}

static void fill_words(struct words *w, const lg_command_spec *s)
{
    size_t n = 0;
    if (s->way == LG_COMMAND_STRICT) {
        n = wrap(w->argv, s, w->scratch);
        for (size_t i = 1; s->argv[i]; i++)
            w->argv[n++] = s->argv[i];
    } else {
        for (; s->argv[n]; n++)
            w->argv[n] = s->argv[n];
    }
    w->argv[n] = NULL;
    n = 0;
    for (; s->env && s->env[n]; n++)
        w->envp[n] = s->env[n];

    snprintf(w->home, sizeof w->home, "HOME=%s", w->scratch);
    snprintf(w->tmp, sizeof w->tmp, "TMPDIR=%s", w->scratch);
    if (!has_name(s->env, "HOME"))
        w->envp[n++] = w->home;

    if (!has_name(s->env, "TMPDIR"))
        w->envp[n++] = w->tmp;

    w->envp[n] = NULL;
}

static void start(const lg_command_spec *s, const lg_kernel *k, const lg_scratch *scratch,
                  uint32_t user, const lg_child *child, const struct words *w, lg_mem *m,
                  lg_contain_end *end)
{
    const bool strict = s->way == LG_COMMAND_STRICT;
    const lg_contain c = {
        .program = strict ? s->bwrap : s->program,
        .argv = (char *const *)w->argv,
        .envp = (char *const *)w->envp,
        .folder = scratch->fd,
        .fds = {child->theirs[0], child->theirs[1], child->theirs[2]},
        .contained = s->way == LG_COMMAND_BOX,
        .handed = strict,
        .tied = true,
        .readable = s->readable,
        .n_readable = count(s->readable),
        .scratch = true,
        .user = user,
        .bare = strict,
        .cpu_seconds = (uint64_t)s->cpu_seconds,
        .memory = (uint64_t)s->memory,
        .file_size = (uint64_t)s->file_size,
        .processes = (uint64_t)s->processes,
        .open_files = (uint64_t)s->open_files,
    };
    lg__contain_start(&c, k, m, end);
}

/* Its stdin is a socket of which we have the other end, instead of a file. 0, errno */
static int make_channel(lg_child *child, int *ours)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return errno;

    close(child->theirs[0]);
    *ours = fcntl(ends[0], F_DUPFD_CLOEXEC, 3);
    child->theirs[0] = fcntl(ends[1], F_DUPFD_CLOEXEC, 3);
    close(ends[0]);
    close(ends[1]);
    bool good = *ours >= 0 && child->theirs[0] >= 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
    return good ? 0 : errno;
}

int lg__start_child(const lg_start *st, const lg_kernel *k, const lg_scratch *scratch,
                    uint32_t user, uint64_t running, lg_mem *m, int ours[3], lg_contain_end *end,
                    lg_fail *why)
{
    lg_command_spec s = st->spec;
    struct words w;
    lg_child child;
    size_t n_argv = count(s.argv) + WRAP + 3 * count(s.readable) + 1, n_env = count(s.env) + 3;
    size_t size = (n_argv + n_env) * sizeof *w.argv;
    w.argv = lg__mem_new(m, size);
    if (!w.argv)
        return LG_ENOMEM;

    w.envp = w.argv + n_argv;
    s.processes = s.processes ? s.processes + (user ? 0 : (int64_t)running) : 0;
    lg__scratch_path(scratch, w.scratch, sizeof w.scratch);
    fill_words(&w, &s);
    lg__child_init(&child);
    int err = lg__child_pipes(&child, m, s.input, s.input ? s.input_len : 0, why);
    int problem = !err && !why->code && s.talks ? make_channel(&child, &ours[2]) : 0;
    if (problem)
        lg__fail_set(why, m, LG_EPROGRAM, "cannot start a process: %s", lg__errno_text(problem));

    if (!err && !why->code) {
        start(&s, k, scratch, user, &child, &w, m, end);
        err = end->problem ? problem_to_code(end, &s, m, why) : LG_OK;
    }
    lg__child_close_theirs(&child);
    ours[0] = child.out;
    ours[1] = child.err;
    lg__mem_free(m, w.argv, size);
    return err;
}
