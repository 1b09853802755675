/* inside_look.h - GET of many addresses at once; for the command. Not for hosts.
 *
 * What it is not: a way to ask models. No retry, no limits, no store. */
#ifndef LG_INSIDE_LOOK_H
#define LG_INSIDE_LOOK_H

#include "lunagrad.h"

typedef struct lg_look lg_look;

typedef struct lg_look_reply { /* borrowed until the look is closed */
    size_t number;             /* of the address */
    int64_t status, ms;        /* status 0: no reply */
    int64_t date;              /* seconds since 1970; -1: not said */
    const char *moved_to;      /* NULL: nowhere */
    int code;                  /* LG_E…; 0: body */
    const char *message, *hint;
    const char *body;
    size_t body_len;
} lg_look_reply;

typedef struct lg_look_versions {
    const char *curl, *tls, *sqlite, *libuv;
    int schema;
    bool fts5;
} lg_look_versions;

/* Room for n addresses. NULL: the usual certificates. */
int lg__look_open(size_t n, const char *ca_file, const char *ca_path, lg_look **out);
void lg__look_close(lg_look *k);
/* headers: "Name: value\n…". The texts are borrowed until the look is closed. */
int lg__look_start(lg_look *k, size_t number, const char *url, const char *headers, int ms);
/* The next that is over; false: all are, or ms have passed since the look was opened. */
bool lg__look_next(lg_look *k, int ms, lg_look_reply *out);
/* The folder and the file of certificates when nothing names others. */
void lg__look_ca(lg_look *k, const char **dir, const char **file);
void lg__look_version(lg_look *k, lg_look_versions *out);

#endif
