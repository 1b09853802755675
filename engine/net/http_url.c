/* http_url.c - addresses: whether one is good, and the host in it. */
#include <string.h>
#include <strings.h>

#include "net/http_internal.h"

size_t lg__url_host(const char *url, const char **host)
{
    const char *s = strstr(url, "://"), *end, *at;

    s = s ? s + 3 : url;
    end = s + strcspn(s, "/?#");
    while ((at = memchr(s, '@', (size_t)(end - s))) != NULL)
        s = at + 1; /* a name and password are nobody's business */
    *host = s;
    return (size_t)(end - s);
}

bool lg__url_good(const lg_curl *c, const char *url)
{
    CURLU *u;
    bool good;

    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return false;
    u = c->url();
    good = u && c->url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
    c->url_cleanup(u);
    return good;
}
