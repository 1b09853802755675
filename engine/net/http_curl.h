/* http_curl.h - libcurl's functions that the http*.c files use; nobody else includes it.
 *
 * A table of pointers and not linked: libcurl is loaded for the first request, since most
 * of what a process does before, and all that many ever do, needs no network. */
#ifndef LG_HTTP_CURL_H
#define LG_HTTP_CURL_H

#include <curl/curl.h>

#include "base/library.h"
#include "base/log.h"

#define LG_CURL_LIBRARY "libcurl.so.4"

#define LG_CURL_MAP(XX)     \
    XX(easy_cleanup)        \
    XX(easy_getinfo)        \
    XX(easy_init)           \
    XX(easy_setopt)         \
    XX(easy_strerror)       \
    XX(getdate)             \
    XX(global_cleanup)      \
    XX(global_init)         \
    XX(multi_add_handle)    \
    XX(multi_cleanup)       \
    XX(multi_info_read)     \
    XX(multi_init)          \
    XX(multi_remove_handle) \
    XX(multi_setopt)        \
    XX(multi_socket_action) \
    XX(multi_strerror)      \
    XX(share_cleanup)       \
    XX(share_init)          \
    XX(share_setopt)        \
    XX(slist_append)        \
    XX(slist_free_all)      \
    XX(url)                 \
    XX(url_cleanup)         \
    XX(url_set)             \
    XX(version_info)

typedef struct lg_curl {
    void *library;
#define XX(name) __typeof__(curl_##name) *name;
    LG_CURL_MAP(XX)
#undef XX
} lg_curl;

/* LG_ELIBRARY: the log says why. */
int lg__curl_load(lg_curl *c, const char *file, lg_log *log);

#endif
