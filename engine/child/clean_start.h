/* clean_start.h - what all children are begun with: descriptors that do not clash, and nothing of
 * ours that they were not given. */
#ifndef LG_CLEAN_START_H
#define LG_CLEAN_START_H

#include <sys/types.h>

#include "base/loop.h"

/* fd, or where it is one of the standard ones its copy above them. A host may have closed its own:
 * then these numbers come up, and would be overwritten on the way into a child. -1: see errno */
int lg__fd_lifted(int fd);
int lg__fd_write_all(int fd, const char *data, size_t n); /* 0, or errno's */
/* The watch first, then what it watches; both may be none (NULL, -1), and are then. */
void lg__fd_close_watched(lg_watch **w, int *fd);

/* A program with default signals and a group of its own, which has n descriptors from `first` on
 * and none behind them. search: path is a name in PATH. 0, or errno's. */
int lg__spawn_clean(pid_t *pid, const char *path, bool search, char *const *argv, char *const *env,
                    const int *fds, int n, int first);

#endif
