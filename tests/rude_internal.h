/* rude_internal.h - what rude.c and rude_kinds.c share; nobody else includes it. */
#ifndef LG_TEST_RUDE_INTERNAL_H
#define LG_TEST_RUDE_INTERNAL_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/types.h>

#include "rude.h"

enum { HEAD_MAX = 64 * 1024, STACK = 256 * 1024, BACKLOG = 1024, CONNS_MAX = 4096 };

struct rude {
    int listener, port;
    SSL_CTX *tls;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    unsigned posts, bodies, connections, open, reads;
    int fds[CONNS_MAX];
    const char *const *script;
    size_t script_len, script_at;
    char body[4096], type[128], headers[1024], last_head[4096];
};

typedef struct conn {
    rude *r;
    int fd, slot;
    SSL *ssl;
    unsigned requests; /* on this connection */
    char head[HEAD_MAX];
    size_t have, head_len; /* bytes read; length of the head */
    char *body;
    size_t body_len;
    char kind[64];
    long arg;
} conn;

/* rude.c */
bool rude__write(conn *c, const void *data, size_t n);
bool rude__puts(conn *c, const char *s);
void rude__reset(conn *c);         /* the coming close is a reset */
bool rude__pause(conn *c, int ms); /* false: the peer went, or the server stops */

/* rude_kinds.c: answers c's request; false: the connection is over */
bool rude__answer(conn *c);

#endif
