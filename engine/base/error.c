/* error.c - names and texts of the error codes, from LG_ERROR_MAP. */
#include "lunagrad.h"

static const char *const texts[] = {"no error",
#define XX(name, text) text,
                                    LG_ERROR_MAP(XX)
#undef XX
};

/* The preprocessor cannot make small letters, so the names stand here again.
 * A forgotten one fails the assertion below, a wrong one the test. */
static const char *const names[] = {
    [LG_ERROR_ZERO] = "ok",
    [LG_ORDER_NOMEM] = "nomem",
    [LG_ORDER_INVAL] = "inval",
    [LG_ORDER_STATE] = "state",
    [LG_ORDER_REENTRANT] = "reentrant",
    [LG_ORDER_LIMIT] = "limit",
    [LG_ORDER_CYCLE] = "cycle",
    [LG_ORDER_CANCELLED] = "cancelled",
    [LG_ORDER_INPUT] = "input",
    [LG_ORDER_TOOL] = "tool",
    [LG_ORDER_TEMPLATE] = "template",
    [LG_ORDER_PARSE] = "parse",
    [LG_ORDER_UTF8] = "utf8",
    [LG_ORDER_NOTFOUND] = "notfound",
    [LG_ORDER_IO] = "io",
    [LG_ORDER_RESOLVE] = "resolve",
    [LG_ORDER_CONNECT] = "connect",
    [LG_ORDER_TLS] = "tls",
    [LG_ORDER_TIMEOUT] = "timeout",
    [LG_ORDER_RESET] = "reset",
    [LG_ORDER_BADREPLY] = "badreply",
    [LG_ORDER_TRUNCATED] = "truncated",
    [LG_ORDER_TOOBIG] = "toobig",
    [LG_ORDER_AUTH] = "auth",
    [LG_ORDER_RATE] = "rate",
    [LG_ORDER_OVERLOAD] = "overload",
    [LG_ORDER_MONEY] = "money",
    [LG_ORDER_REFUSED] = "refused",
    [LG_ORDER_BADREQUEST] = "badrequest",
    [LG_ORDER_CONTEXT] = "context",
    [LG_ORDER_NOMODEL] = "nomodel",
    [LG_ORDER_CAP] = "cap",
    [LG_ORDER_STORE] = "store",
    [LG_ORDER_LIBRARY] = "library",
    [LG_ORDER_AMBIGUOUS] = "ambiguous",
    [LG_ORDER_EMPTY] = "empty",
    [LG_ORDER_PROGRAM] = "program",
};

_Static_assert(sizeof texts / sizeof *texts == LG_ERROR_END, "a text for every code");
_Static_assert(sizeof names / sizeof *names == LG_ERROR_END, "a name for every code");

static bool known(int code)
{
    return code <= 0 && code > -(int)LG_ERROR_END;
}

const char *lg_error_name(int code)
{
    const char *name = known(code) ? names[-code] : NULL;

    return name ? name : "unknown";
}

const char *lg_error_text(int code)
{
    return known(code) ? texts[-code] : "unknown error";
}
