/* log.h - lines for the host's log, with secrets taken out.
 *
 * Stars out, length unchanged: every secret registered with lg__log_secret,
 * wherever it stands and also as JSON or a URL would escape it; and, whether
 * registered or not, the value behind Authorization, api-key (x-api-key,
 * x-goog-api-key, api_key, apikey), ?key= and &key=, as header, query or JSON. */
#ifndef LG_LOG_H
#define LG_LOG_H

#include "base/bytes.h"

typedef struct lg_log {
    lg_mem *mem;
    lg_log_fn fn;
    void *ud;
    int level;
    char **secrets; /* owned copies */
    size_t n_secrets, cap_secrets;
} lg_log;

void lg__log_init(lg_log *l, lg_mem *m, lg_log_fn fn, void *ud, int level);
int lg__log_secret(lg_log *l, const char *secret); /* shorter than 6: ignored */
/* One line; control characters become spaces, and its end is cut off when it is
 * longer than 2,000 bytes. Needs no memory. */
void lg__log_line(lg_log *l, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same redaction for texts that leave otherwise (error messages). In place. */
void lg__log_redact(const lg_log *l, char *s, size_t len);
void lg__log_free(lg_log *l);

#endif
