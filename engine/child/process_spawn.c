/* process_spawn.c - what a child process is made of: words, descriptors, a clean start.
 *
 * It gets stdin, stdout, stderr and nothing else of what is open here, default signal
 * handling, nothing blocked, a process group of its own, our environment and folder. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "child/clean_start.h"
#include "child/process_internal.h"

/* ---- words --------------------------------------------------------------- */

/* One word from *at to *to; both move behind it. false: a quote has no end. */
static bool take_word(const char **at, char **to)
{
    const char *s = *at;
    char quote = '\0';
    for (; *s && (quote || !strchr(" \t\r\n", *s)); s++) {
        if (*s == quote)
            quote = '\0';
        else if (!quote && (*s == '\'' || *s == '"'))
            quote = *s;
        else if (*s == '\\' && quote != '\'' && s[1])
            *(*to)++ = *++s;
        else
            *(*to)++ = *s;
    }
    *(*to)++ = '\0';
    *at = s;
    return !quote;
}

int lg__child_words(lg_mem *m, const char *command, char ***argv, size_t *size)
{
    size_t len = strlen(command), most = len / 2 + 2, n = 0;
    *size = most * sizeof **argv + len + 2;
    *argv = lg__mem_new(m, *size);
    if (!*argv)
        return LG_ENOMEM;

    char *to = (char *)(*argv + most);
    bool good = true;
    for (const char *at = command; good; n++) {
        at += strspn(at, " \t\r\n");
        if (!*at)
            break;

        (*argv)[n] = to;
        good = take_word(&at, &to);
    }
    (*argv)[n] = NULL;
    if (good && n > 0 && (*argv)[0][0])
        return LG_OK;

    lg__mem_free(m, *argv, *size);
    *argv = NULL;
    return LG_EINVAL;
}

/* ---- descriptors --------------------------------------------------------- */

void lg__child_init(lg_child *c)
{
    *c = (lg_child){.out = -1, .err = -1, .exit = -1, .theirs = {-1, -1, -1}};
}

void lg__child_close_theirs(lg_child *c)
{
    for (int i = 0; i < 3; i++) {
        if (c->theirs[i] >= 0)
            close(c->theirs[i]);

        c->theirs[i] = -1;
    }
}

static int make_pipe(int *ours, int *theirs)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return errno;

    *ours = lg__fd_lifted(ends[0]);
    *theirs = lg__fd_lifted(ends[1]);
    if (*ours < 0 || *theirs < 0 || fcntl(*ours, F_SETFL, O_NONBLOCK))
        return errno;

    return 0;
}

static int make_input(int *theirs, const char *input, size_t len)
{
    *theirs = lg__fd_lifted(memfd_create("lunagrad-stdin", MFD_CLOEXEC));
    if (*theirs < 0)
        return errno;

    int problem = lg__fd_write_all(*theirs, input, len);
    if (problem)
        return problem;

    return lseek(*theirs, 0, SEEK_SET) ? errno : 0;
}

/* Of this machine, not of the program: it may go by. */
static int not_now(lg_mem *m, int problem, lg_fail *why)
{
    if (problem == ENOMEM)
        return LG_ENOMEM;

    lg__fail_set(why, m, LG_EIO, "cannot start a process: %s", lg__errno_text(problem));
    if (problem == EMFILE || problem == ENFILE) {
        lg__fail_hint(why, m,
                      "too many files are open; lower the concurrency, or raise the limit "
                      "(ulimit -n)");
    }
    why->retryable = true;
    return LG_OK;
}

int lg__child_pipes(lg_child *c, lg_mem *m, const char *input, size_t len, lg_fail *why)
{
    int problem = make_input(&c->theirs[0], input, len);
    problem = problem ? problem : make_pipe(&c->out, &c->theirs[1]);
    problem = problem ? problem : make_pipe(&c->err, &c->theirs[2]);
    return problem ? not_now(m, problem, why) : LG_OK;
}

/* ---- the start ----------------------------------------------------------- */

/* 0, or errno's word for what went wrong. */
static int spawn(lg_child *c, char **argv)
{
    int err = lg__spawn_clean(&c->pid, argv[0], true, argv, environ, c->theirs, 3, 0);
    c->pid = err ? 0 : c->pid;
    return err;
}

static int not_there(lg_mem *m, const char *program, lg_fail *why)
{
    if (!strchr(program, '/')) {
        lg__fail_set(why, m, LG_ENOMODEL, "no program %.200s in PATH", program);
        lg__fail_hint(why, m, "one in this folder is exec/./%.200s", program);
    } else if (access(program, F_OK) == 0) {
        lg__fail_set(why, m, LG_ENOMODEL, "the interpreter that %.200s names is not there",
                     program);
        lg__fail_hint(why, m, "look at its first line (#!…); a line end of Windows spoils it too");
    } else {
        lg__fail_set(why, m, LG_ENOMODEL, "no program %.200s", program);
        lg__fail_hint(why, m, "a relative path begins where the script was started");
    }
    return LG_OK;
}

static int explain(lg_mem *m, int problem, const char *program, lg_fail *why)
{
    if (problem == ENOENT || problem == ENOTDIR)
        return not_there(m, program, why);

    if (problem == EACCES || problem == EPERM || problem == ENOEXEC) {
        bool format = problem == ENOEXEC;
        lg__fail_set(why, m, LG_ENOMODEL, "%.200s cannot be run: it is no program%s", program,
                     format ? "" : ", or not executable");
        lg__fail_hint(why, m,
                      format ? "a script begins with a line like #!/usr/bin/env python3"
                             : "chmod +x makes a file executable");
        return LG_OK;
    }
    return not_now(m, problem, why);
}

int lg__child_spawn(lg_child *c, lg_mem *m, const char *command, lg_fail *why)
{
    char **argv;
    size_t size;
    int err = lg__child_words(m, command, &argv, &size);
    if (err == LG_EINVAL) {
        lg__fail_set(why, m, LG_ENOMODEL, "no program is named, or a quote has no end: %.200s",
                     command);
        return LG_OK;
    }
    if (err)
        return err;

    int problem = spawn(c, argv);
    if (!problem)
        c->exit = lg__fd_lifted((int)syscall(SYS_pidfd_open, c->pid, 0));

    err = problem ? explain(m, problem, argv[0], why) : LG_OK;
    lg__mem_free(m, argv, size);
    return err;
}

const char *lg__child_signal_name(int sig)
{
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 32)
    return sigabbrev_np(sig);
#endif
#endif
    (void)sig;
    return NULL;
}
