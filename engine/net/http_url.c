/* http_url.c - addresses: whether one is good, its parts, and the host in it. */
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

static int target_new(lg_http *h, const char *url, lg_target **out)
{
    lg_target *one;
    CURLUcode rc;

    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return LG_EINVAL;
    one = lg__mem_zero(h->mem, sizeof *one);
    if (!one)
        return LG_ENOMEM;
    one->refs = 1;
    one->url = lg__mem_strdup(h->mem, url);
    one->parts = one->url ? h->curl.url() : NULL;
    rc = one->parts ? h->curl.url_set(one->parts, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
    if (rc != CURLUE_OK) {
        lg__target_unref(h, one);
        return rc == CURLUE_OUT_OF_MEMORY ? LG_ENOMEM : LG_EINVAL;
    }
    *out = one;
    return 0;
}

void lg__target_unref(lg_http *h, lg_target *target)
{
    if (!target || --target->refs > 0)
        return;
    h->curl.url_cleanup(target->parts);
    lg__mem_strfree(h->mem, target->url);
    lg__mem_free(h->mem, target, sizeof *target);
}

int lg__target_take(lg_http *h, const char *url, lg_target **out)
{
    lg_target *fresh;
    int err;

    if (!h->target || strcmp(h->target->url, url) != 0) {
        err = target_new(h, url, &fresh);
        if (err)
            return err;
        lg__target_unref(h, h->target);
        h->target = fresh;
    }
    h->target->refs++;
    *out = h->target;
    return 0;
}
