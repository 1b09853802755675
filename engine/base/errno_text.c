/* errno_text.c - what an errno says. */
#include "base/errno_text.h"

#include <string.h>

const char *lg__errno_text(int sys)
{
#ifdef __GLIBC__
    const char *text = strerrordesc_np(sys); /* strerror may write over what it said before */
#else
    const char *text = strerror(sys); /* musl's is static, and knows no other language */
#endif
    return text ? text : "unknown error";
}
