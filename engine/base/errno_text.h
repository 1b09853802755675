/* errno_text.h - what an errno says, in English whatever the locale, safe in any thread. */
#ifndef LG_ERRNO_TEXT_H
#define LG_ERRNO_TEXT_H

const char *lg__errno_text(int sys); /* static; never NULL */

#endif
