/* proxy.h - an HTTP proxy for tests: tunnels (CONNECT) and plain requests.
 *
 * In-process, on a random port of 127.0.0.1, a thread for each connection. It goes only
 * to 127.0.0.1, whatever the host's name. Not for use outside of tests. */
#ifndef LG_TEST_PROXY_H
#define LG_TEST_PROXY_H

#include <stddef.h>

typedef struct proxy proxy;

proxy *proxy_start(int status); /* 0: it works; else it refuses all with this status */
void proxy_stop(proxy *p);
int proxy_port(const proxy *p);
unsigned proxy_tunnels(proxy *p); /* CONNECTs so far */
unsigned proxy_plain(proxy *p);   /* other requests so far */
/* The last head that arrived, cut to fit. */
void proxy_last_head(proxy *p, char *buf, size_t size);

#endif
