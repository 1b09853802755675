/* library.c - dlopen and dlsym, for tables of functions. See library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *lg__library_open(const char *file, char *why, size_t why_size)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const char *text = library ? NULL : dlerror();

    if (!library)
        snprintf(why, why_size, "%s", text ? text : file);
    return library;
}

const char *lg__library_find(void *library, const lg_symbol *symbols, size_t n, void *table)
{
    for (size_t i = 0; i < n; i++) {
        void *function = dlsym(library, symbols[i].name);

        if (!function)
            return symbols[i].name;
        memcpy((char *)table + symbols[i].at, &function, sizeof function);
    }
    return NULL;
}
