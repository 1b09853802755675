/* reply.c - life and names of replies; what fills them are the providers. */
#include "model/reply.h"

#include <string.h>

void lg__reply_init(lg_reply *r)
{
    memset(r, 0, sizeof *r);
    r->micros = -1;
    lg__fail_init(&r->fail);
}

void lg__reply_free(lg_reply *r)
{
    lg__text_unref(r->text);
    lg__text_unref(r->thinking);
    lg__text_unref(r->other);
    lg__fail_free(&r->fail);
    lg__reply_init(r);
}

const char *lg__finish_name(int finish)
{
    static const char *const names[] = {"unknown", "stop", "length", "content_filter",
                                        "tool_calls"};
    _Static_assert(sizeof names / sizeof *names == LG_FINISH_TOOLS + 1, "a name for each");
    return finish >= 0 && finish <= LG_FINISH_TOOLS ? names[finish] : names[0];
}
