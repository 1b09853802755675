/* provider.c - the table of dialects. Called by model.c. */
#include "provider.h"

#include <string.h>

const lg_provider *lg__provider_find(const char *dialect)
{
    static const lg_provider *const rows[] = {&lg__provider_openai, &lg__provider_exec};
    for (size_t i = 0; dialect && i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i]->dialect, dialect) == 0) {
            return rows[i];
        }
    }
    return NULL;
}

bool lg__provider_is_program(const lg_provider *p)
{
    return p && p->process;
}
