/* contain_internal.h - what the contain_*.c files share; nobody else includes it. */
#ifndef LG_CONTAIN_INTERNAL_H
#define LG_CONTAIN_INTERNAL_H

#include <linux/filter.h>

#include "child/contain.h"

/* ---- contain_landlock.c: files -------------------------------------------- */

/* The ABI of this kernel; 0 and *problem: it has none. */
int lg__landlock_abi(int *problem);
/* A ruleset's descriptor; -1: errno. */
int lg__landlock_ruleset(const lg_contain *c, int abi);
/* In the child. 0, errno */
int lg__landlock_restrict(int ruleset);

/* ---- contain_seccomp.c: system calls --------------------------------------- */

enum { LG_FILTER_ROOM = 1200, LG_FILTER_OWN = 8 };

typedef struct lg_filter {
    struct sock_filter code[LG_FILTER_ROOM];
    size_t n;
    bool full; /* it did not fit */
    /* places that hold the child's own number, or its negative */
    struct {
        size_t at;
        bool negative;
    } own[LG_FILTER_OWN];
    size_t n_own;
} lg_filter;

bool lg__filter_available(void);
/* user: it is somebody else than this process. false: it cannot be made here. */
bool lg__filter_make(lg_filter *f, const lg_contain *c, int abi);
/* In the child: takes effect. 0, errno */
int lg__filter_load(lg_filter *f, pid_t own);

#endif
