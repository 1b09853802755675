/* http_tls.c - one certificate store for all TLS connections of an engine.
 *
 * Left to itself, libcurl reads the system's certificates anew for every
 * connection where there is a directory of them (29 ms of CPU each on Debian).
 * Here they are read once, at the first TLS connection, and handed to OpenSSL
 * behind curl's back, and curl is left with nothing to read: no file and no
 * directory where NULL means that, and from 8.17 on, where NULL means the
 * built-in ones, a certificate that stands for nothing. OpenSSL is not linked:
 * its functions are taken from the one that curl brought along. Where curl uses
 * another library, or another major version than this was compiled with, curl's
 * own options are used and that is all.
 *
 * OpenSSL allocates for itself outside lg_mem. */
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "net/http_internal.h"

enum { NULL_MEANS_DEFAULT = 0x081100 }; /* the version of curl it does so from */

/* OpenSSL's functions, from the one that curl is linked with. */
#define SSL_MAP(XX)                \
    XX(BIO_ctrl)                   \
    XX(BIO_free)                   \
    XX(BIO_new)                    \
    XX(BIO_s_mem)                  \
    XX(ERR_clear_error)            \
    XX(EVP_PKEY_Q_keygen)          \
    XX(EVP_PKEY_free)              \
    XX(PEM_write_bio_X509)         \
    XX(SSL_CTX_set1_cert_store)    \
    XX(SSL_CTX_set_cert_cb)        \
    XX(X509_STORE_free)            \
    XX(X509_STORE_load_file)       \
    XX(X509_STORE_load_path)       \
    XX(X509_STORE_new)             \
    XX(X509_STORE_set_flags)       \
    XX(X509_free)                  \
    XX(X509_get_default_cert_dir)  \
    XX(X509_get_default_cert_file) \
    XX(X509_getm_notAfter)         \
    XX(X509_getm_notBefore)        \
    XX(X509_gmtime_adj)            \
    XX(X509_new)                   \
    XX(X509_set_pubkey)            \
    XX(X509_sign)

typedef struct openssl {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): no place for them */
#define XX(name) __typeof__(name) *name;
    SSL_MAP(XX)
#undef XX
} openssl;

/* A host, and whether it asked for a certificate of ours. */
typedef struct asker {
    struct asker *next;
    bool asked;
    size_t len;
    char host[];
} asker;

enum { ASKERS_MAX = 64 };

struct lg_tls {
    lg_mem *mem;
    const lg_curl *curl;
    const char *ca_file, *ca_path; /* borrowed from the configuration */
    bool shared;                   /* curl uses an OpenSSL that we know, and have in ssl */
    openssl ssl;
    X509_STORE *store; /* NULL: not read yet */
    BIO *placeholder;  /* PEM; NULL: not needed */
    asker *askers;     /* connections point to them: as long as this */
    int n_askers;
    char problem[256];
};

/* "OpenSSL/3.0.11", or of several backends the one not in parentheses */
static bool curl_uses_openssl(const curl_version_info_data *v)
{
    char want[24];
    const char *s = v->ssl_version;
    size_t n;

    if (!s)
        return false;
    snprintf(want, sizeof want, "OpenSSL/%d.", (int)OPENSSL_VERSION_MAJOR);
    n = strlen(want);
    for (; (s = strstr(s, want)) != NULL; s += n) {
        if (s == v->ssl_version || s[-1] == ' ')
            return true;
    }
    return false;
}

static bool load_openssl(lg_tls *tls)
{
    static const lg_symbol symbols[] = {
#define XX(name) {#name, offsetof(openssl, name)},
        SSL_MAP(XX)
#undef XX
    };
    size_t n = sizeof symbols / sizeof *symbols;

    return lg__library_find(tls->curl->library, symbols, n, &tls->ssl) == NULL;
}

/* A certificate that signs itself, with a key nobody keeps. curl puts it into a
 * store that on_ssl_ctx replaces before the handshake, so it is never trusted. */
static bool placeholder_write(const openssl *o, BIO *to)
{
    EVP_PKEY *key = o->EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    X509 *cert = o->X509_new();
    bool good = key && cert && o->X509_gmtime_adj(o->X509_getm_notBefore(cert), 0) &&
                o->X509_gmtime_adj(o->X509_getm_notAfter(cert), 0) &&
                o->X509_set_pubkey(cert, key) == 1 && o->X509_sign(cert, key, NULL) > 0 &&
                o->PEM_write_bio_X509(to, cert) == 1;

    o->X509_free(cert);
    o->EVP_PKEY_free(key);
    return good;
}

static int placeholder_make(lg_tls *tls)
{
    const openssl *o = &tls->ssl;

    tls->placeholder = o->BIO_new(o->BIO_s_mem());
    if (tls->placeholder && placeholder_write(o, tls->placeholder))
        return 0;
    o->ERR_clear_error();
    return LG_ENOMEM;
}

int lg__tls_new(lg_mem *m, const lg_curl *c, const lg_http_config *cfg, lg_tls **out)
{
    const curl_version_info_data *v = c->version_info(CURLVERSION_NOW);
    lg_tls *tls = lg__mem_zero(m, sizeof *tls);

    if (!tls)
        return LG_ENOMEM;
    tls->mem = m;
    tls->curl = c;
    tls->ca_file = cfg->ca_file;
    tls->ca_path = cfg->ca_path;
    tls->shared = curl_uses_openssl(v) && load_openssl(tls);
    if (tls->shared && v->version_num >= NULL_MEANS_DEFAULT && placeholder_make(tls) != 0) {
        lg__tls_free(tls);
        return LG_ENOMEM;
    }
    *out = tls;
    return 0;
}

void lg__tls_free(lg_tls *tls)
{
    if (!tls)
        return;
    if (tls->shared) {
        tls->ssl.X509_STORE_free(tls->store);
        tls->ssl.BIO_free(tls->placeholder);
    }
    while (tls->askers) {
        asker *a = tls->askers;

        tls->askers = a->next;
        lg__mem_free(tls->mem, a, sizeof *a + a->len);
    }
    lg__mem_free(tls->mem, tls, sizeof *tls);
}

/* A directory of certificates works only with links named by their hash. */
static bool has_hashed_names(const char *dir)
{
    DIR *d = dir ? opendir(dir) : NULL;
    struct dirent *e;
    bool found = false;

    if (!d)
        return false;
    while (!found && (e = readdir(d)) != NULL) {
        found = strlen(e->d_name) >= 10 && strspn(e->d_name, "0123456789abcdef") == 8 &&
                e->d_name[8] == '.';
    }
    closedir(d);
    return found;
}

static void default_places(const lg_tls *tls, const char *dirs[2], const char *files[2])
{
    const curl_version_info_data *v = tls->curl->version_info(CURLVERSION_NOW);

    dirs[0] = files[0] = NULL;
    dirs[1] = tls->shared ? tls->ssl.X509_get_default_cert_dir() : NULL;
    files[1] = tls->shared ? tls->ssl.X509_get_default_cert_file() : NULL;
    if (v->age >= CURLVERSION_SEVENTH) {
        dirs[0] = v->capath;
        files[0] = v->cainfo;
    }
}

void lg__tls_places(const lg_tls *tls, const char **dir, const char **file)
{
    const char *dirs[2], *files[2];

    default_places(tls, dirs, files);
    *dir = has_hashed_names(dirs[0]) ? dirs[0] : has_hashed_names(dirs[1]) ? dirs[1] : NULL;
    *file = files[0] ? files[0] : files[1];
}

/* A hashed directory is read one certificate at a time, when a chain needs it,
 * and the store keeps what it has read; so it is preferred to the big file. */
static bool load_default(const lg_tls *tls, X509_STORE *store)
{
    const openssl *o = &tls->ssl;
    const char *dirs[2], *files[2];
    int i;

    default_places(tls, dirs, files);
    for (i = 0; i < 2; i++) {
        if (has_hashed_names(dirs[i]) && o->X509_STORE_load_path(store, dirs[i]) == 1)
            return true;
    }
    for (i = 0; i < 2; i++) {
        if (files[i] && o->X509_STORE_load_file(store, files[i]) == 1)
            return true;
    }
    return false;
}

static bool load_store(lg_tls *tls, X509_STORE *store)
{
    const openssl *o = &tls->ssl;
    const char *missing = NULL;

    if (tls->ca_file && o->X509_STORE_load_file(store, tls->ca_file) != 1)
        missing = tls->ca_file;
    else if (tls->ca_path &&
             (!has_hashed_names(tls->ca_path) || o->X509_STORE_load_path(store, tls->ca_path) != 1))
        missing = tls->ca_path;
    else if (!tls->ca_file && !tls->ca_path && !load_default(tls, store))
        missing = "the system's store";
    o->ERR_clear_error();
    if (!missing)
        return true;
    snprintf(tls->problem, sizeof tls->problem, "no certificates could be read from %s", missing);
    return false;
}

static bool store_ready(lg_tls *tls)
{
    X509_STORE *store;

    if (tls->store)
        return true;
    store = tls->ssl.X509_STORE_new();
    if (!store) {
        snprintf(tls->problem, sizeof tls->problem, "out of memory");
        return false;
    }
    /* an intermediate that is in the store may be trusted, as curl has it */
    tls->ssl.X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    if (!load_store(tls, store)) {
        tls->ssl.X509_STORE_free(store);
        return false;
    }
    tls->problem[0] = '\0';
    tls->store = store;
    return true;
}

/* ---- servers that want a certificate of ours --------------------------------- */

static asker *asker_find(const lg_tls *tls, const char *host, size_t n)
{
    asker *a = tls->askers;

    while (a && (a->len != n || memcmp(a->host, host, n) != 0))
        a = a->next;
    return a;
}

/* NULL: it will not be known. That costs a hint. */
static asker *asker_of(lg_tls *tls, const lg_transfer *t)
{
    const char *host;
    size_t n = lg__url_host(t->req.url, &host);
    asker *a = asker_find(tls, host, n);

    if (a || tls->n_askers >= ASKERS_MAX)
        return a;
    a = lg__mem_zero(tls->mem, sizeof *a + n);
    if (a) {
        memcpy(a->host, host, a->len = n);
        a->next = tls->askers;
        tls->askers = a;
        tls->n_askers++;
    }
    return a;
}

/* In the handshake, if the server asks. It goes on without one: some do without. */
static int on_certificate_asked(SSL *ssl, void *ud)
{
    asker *a = ud;

    (void)ssl;
    a->asked = true;
    return 1;
}

bool lg__tls_asked(const lg_tls *tls, const char *host, size_t n)
{
    const asker *a = asker_find(tls, host, n);

    return a && a->asked;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ctx, void *ud)
{
    lg_tls *tls = ud;
    lg_transfer *t = NULL;
    asker *a;

    if (!store_ready(tls))
        return CURLE_SSL_CACERT_BADFILE;
    tls->ssl.SSL_CTX_set1_cert_store(ctx, tls->store);
    tls->curl->easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    a = t ? asker_of(tls, t) : NULL;
    if (a)
        tls->ssl.SSL_CTX_set_cert_cb(ctx, on_certificate_asked, a);
    return CURLE_OK;
}

/* Nothing is left for curl to read. */
static CURLcode set_shared(lg_tls *tls, CURL *easy)
{
    struct curl_blob pem = {NULL, 0, CURL_BLOB_NOCOPY};
    char *data = NULL;
    const lg_curl *c = tls->curl;
    CURLcode rc = c->easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);

    rc = rc ? rc : c->easy_setopt(easy, CURLOPT_SSL_CTX_DATA, tls);
    rc = rc ? rc : c->easy_setopt(easy, CURLOPT_CAINFO, NULL);
    rc = rc ? rc : c->easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (tls->placeholder) { /* curl's own directory is then named to OpenSSL, but not read */
        pem.len = (size_t)tls->ssl.BIO_ctrl(tls->placeholder, BIO_CTRL_INFO, 0, &data);
        pem.data = data;
        rc = rc ? rc : c->easy_setopt(easy, CURLOPT_CAINFO_BLOB, &pem);
    }
    return rc;
}

CURLcode lg__tls_options(lg_tls *tls, CURL *easy)
{
    const lg_curl *c = tls->curl;
    CURLcode rc = c->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);

    if (tls->shared)
        return rc ? rc : set_shared(tls, easy);
    if (tls->ca_file || tls->ca_path) {
        rc = rc ? rc : c->easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file);
        rc = rc ? rc : c->easy_setopt(easy, CURLOPT_CAPATH, tls->ca_path);
    }
    return rc;
}

int lg__tls_preload(lg_tls *tls)
{
    if (!tls->shared)
        return 0;
    return store_ready(tls) ? 0 : LG_ETLS;
}

const char *lg__tls_problem(const lg_tls *tls)
{
    return tls->problem[0] ? tls->problem : NULL;
}

const char *lg__tls_hint(long verify_result)
{
    switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the server's certificate is out of date, or this machine's clock is wrong";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "if it is your server, name the certificate that signed it: ca_file or "
               "SSL_CERT_FILE";
    case X509_V_ERR_CERT_REVOKED:
        return "the server's certificate was revoked; do not trust it";
    default:
        return NULL;
    }
}
