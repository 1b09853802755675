/* loop.h - descriptors and timers behind one pollable descriptor (libuv).
 *
 * The only file that sees libuv. Callbacks run inside lg__loop_run and only put
 * things on lists: no engine stage is called from them. */
#ifndef LG_LOOP_H
#define LG_LOOP_H

#include "base/door.h"
#include "base/mem.h"

typedef struct lg_loop lg_loop;
typedef struct lg_watch lg_watch; /* one descriptor */
typedef struct lg_alarm lg_alarm; /* one timer */
enum { LG_READ = 1, LG_WRITE = 2, LG_BROKEN = 4 };
typedef void (*lg_watch_fn)(void *ud, int fd, int events);
typedef void (*lg_alarm_fn)(void *ud);

int lg__loop_new(lg_mem *m, lg_loop **out);
const char *lg__loop_version(void); /* libuv's */
/* Turns go out of the door, and callbacks come in. */
void lg__loop_behind(lg_loop *l, lg_door *d);
void lg__loop_free(lg_loop *l); /* all watches and alarms too */
int lg__loop_fd(const lg_loop *l);
int lg__loop_timeout(const lg_loop *l); /* ms, -1 none */
/* One turn: waits up to timeout_ms (0: not at all, -1: until something), then
 * runs what is due. */
int lg__loop_run(lg_loop *l, int timeout_ms);
/* A moment (monotonic, µs) from which on a turn leaves what descriptors have to the next one,
 * but for the first of them; 0: none. */
void lg__loop_limit(lg_loop *l, int64_t until_us);
bool lg__loop_is_limited(const lg_loop *l);
bool lg__loop_is_late(const lg_loop *l);   /* that moment has passed */
uint64_t lg__loop_turns(const lg_loop *l); /* so far */
bool lg__loop_was_cut(const lg_loop *l);   /* the last turn left something */
void lg__loop_wakeup(lg_loop *l);          /* any thread, any signal handler */

int lg__watch_new(lg_loop *l, int fd, lg_watch_fn fn, void *ud, lg_watch **out);
int lg__watch_set(lg_watch *w, int events); /* LG_READ | LG_WRITE, 0: none */
void lg__watch_close(lg_watch *w);          /* before the descriptor is closed */
int lg__alarm_new(lg_loop *l, lg_alarm_fn fn, void *ud, lg_alarm **out);
void lg__alarm_set(lg_alarm *a, int64_t ms); /* once, from now; -1: never */
void lg__alarm_close(lg_alarm *a);

#endif
