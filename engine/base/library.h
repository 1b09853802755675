/* library.h - a shared library loaded when it is first needed, and its functions by name.
 *
 * For those that take long to load and that many a process never needs: libcurl and its
 * 38 others cost 2 ms at every start. What is loaded stays loaded for the life of the
 * process: libraries have threads, handlers and memory that outlive whoever asked. */
#ifndef LG_LIBRARY_H
#define LG_LIBRARY_H

#include <stddef.h>

typedef struct lg_symbol {
    const char *name;
    size_t at; /* where in a table its pointer goes */
} lg_symbol;

/* NULL: why says so, in one line. */
void *lg__library_open(const char *file, char *why, size_t why_size);
/* From the library or those it is linked with. NULL; or the name of what is not there. */
const char *lg__library_find(void *library, const lg_symbol *symbols, size_t n, void *table);

#endif
