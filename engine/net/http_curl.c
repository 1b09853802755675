/* http_curl.c - loads libcurl. See http_curl.h. */
#include "net/http_curl.h"

int lg__curl_load(lg_curl *c, const char *file, lg_log *log)
{
    static const lg_symbol symbols[] = {
#define XX(name) {"curl_" #name, offsetof(lg_curl, name)},
        LG_CURL_MAP(XX)
#undef XX
    };
    const char *missing;
    char why[256];

    c->library = lg__library_open(file, why, sizeof why);
    if (!c->library) {
        lg__log_line(log, LG_LOG_ERROR, "libcurl cannot be loaded: %s", why);
        return LG_ELIBRARY;
    }
    missing = lg__library_find(c->library, symbols, sizeof symbols / sizeof *symbols, c);
    if (!missing)
        return 0;
    lg__log_line(log, LG_LOG_ERROR, "%s has no %s: it is no libcurl of 7.88 or newer", file,
                 missing);
    return LG_ELIBRARY;
}
