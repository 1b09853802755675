/* tls_server.c - any HTTPS/1.1 request gets the same chat completion, after a fixed time.
 *
 *   tls_server --bundle FILE [--think MS] [--cpu N]
 *
 * Makes a root, an intermediate and its own certificate (for 127.0.0.1), writes the system's
 * bundle and the root into FILE, prints "port N" and serves until it is killed or its parent
 * ends. A thread a connection. It checks nothing. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "bench.h"

enum { REQUEST = 65536, STACK = 256 * 1024, DAY = 24 * 3600 };

static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";

typedef struct server {
    SSL_CTX *tls;
    long think_ms;
    char reply[4096];
    int reply_len;
} server;

typedef struct conn {
    const server *s;
    int fd;
} conn;

static void need(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "tls_server: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

/* ---- certificates ----------------------------------------------------------------- */

typedef struct identity {
    EVP_PKEY *key;
    X509 *cert;
} identity;

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    need(x && X509_add_ext(cert, x, -1) == 1, "an extension");
    X509_EXTENSION_free(x);
}

/* issuer NULL: it signs itself. */
static identity make_identity(const char *name, EVP_PKEY *key, const identity *issuer, bool leaf)
{
    static long serial = 1;
    identity id = {key, X509_new()};
    const identity *by = issuer ? issuer : &id;
    need(key && id.cert, "a key");
    X509_set_version(id.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(id.cert), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(id.cert), 2 * DAY);
    X509_set_pubkey(id.cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(id.cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(id.cert, X509_get_subject_name(by->cert));
    add_extension(id.cert, by->cert, NID_basic_constraints,
                  leaf ? "critical,CA:FALSE" : "critical,CA:TRUE");
    add_extension(id.cert, by->cert, NID_subject_key_identifier, "hash");
    if (leaf)
        add_extension(id.cert, by->cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    need(X509_sign(id.cert, by->key, EVP_sha256()) > 0, "a signature");
    return id;
}

static void write_bundle(const char *path, X509 *root)
{
    char data[65536];
    size_t n;
    FILE *out = fopen(path, "we"), *in = fopen(system_bundle, "re");
    need(out, path);
    while (in && (n = fread(data, 1, sizeof data, in)) > 0)
        fwrite(data, 1, n, out);
    need(PEM_write_X509(out, root) == 1 && fclose(out) == 0, path);
    if (in)
        fclose(in);
}

static SSL_CTX *make_tls(const char *bundle)
{
    identity root = make_identity("bench root", EVP_RSA_gen(2048), NULL, false);
    identity middle = make_identity("bench intermediate", EVP_RSA_gen(2048), &root, false);
    identity own = make_identity("127.0.0.1", EVP_EC_gen("P-256"), &middle, true);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    write_bundle(bundle, root.cert);
    need(tls && SSL_CTX_use_certificate(tls, own.cert) == 1 &&
             SSL_CTX_use_PrivateKey(tls, own.key) == 1 &&
             SSL_CTX_add_extra_chain_cert(tls, middle.cert) == 1,
         "a server's context");
    return tls;
}

/* ---- serving ------------------------------------------------------------------------ */

static void make_reply(server *s)
{
    char content[1000], body[2048];
    memset(content, 'x', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    int len = snprintf(
        body, sizeof body,
        "{\"id\":\"chatcmpl-000000000001\",\"object\":\"chat.completion\",\"created\":1700000000,"
        "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
        "\"prompt_tokens\":480,\"completion_tokens\":170,\"total_tokens\":650}}",
        content);
    s->reply_len = snprintf(s->reply, sizeof s->reply,
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            "Content-Length: %d\r\n\r\n%s",
                            len, body);
}

/* One whole request; false: the connection is over. */
static bool read_request(SSL *ssl, char *data)
{
    size_t len = 0, whole = 0;
    while (whole == 0 || len < whole) {
        int n = SSL_read(ssl, data + len, (int)(REQUEST - 1 - len));
        if (n <= 0)
            return false;
        len += (size_t)n;
        data[len] = '\0';
        const char *end = whole ? NULL : strstr(data, "\r\n\r\n");
        if (end) {
            const char *length = strcasestr(data, "\r\ncontent-length:");
            whole = (size_t)(end + 4 - data) + (length ? strtoul(length + 17, NULL, 10) : 0);
        }
        if (len >= REQUEST - 1)
            return false;
    }
    return true;
}

static void *serve(void *ud)
{
    conn *c = ud;
    char *data = malloc(REQUEST);
    SSL *ssl = SSL_new(c->s->tls);
    if (data && ssl && SSL_set_fd(ssl, c->fd) == 1 && SSL_accept(ssl) == 1) {
        while (read_request(ssl, data)) {
            usleep((useconds_t)c->s->think_ms * 1000);
            if (SSL_write(ssl, c->s->reply, c->s->reply_len) <= 0)
                break;
        }
    }
    SSL_free(ssl);
    close(c->fd);
    free(data);
    free(c);
    return NULL;
}

static int listen_on_any(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0 && listen(fd, 4096) == 0 &&
             getsockname(fd, (struct sockaddr *)&a, &len) == 0,
         "cannot listen");
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    static server s;
    pthread_attr_t small;
    const char *bundle = bench_text(argc, argv, "--bundle");
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    bench_raise_files();
    bench_pin((int)bench_option(argc, argv, "--cpu", -1));
    need(bundle, "--bundle FILE is missing");
    s.think_ms = bench_option(argc, argv, "--think", 0);
    make_reply(&s);
    s.tls = make_tls(bundle);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (int fd = listen_on_any();;) {
        pthread_t thread;
        int one = 1;
        conn *c = malloc(sizeof *c);
        need(c, "out of memory");
        *c = (conn){&s, accept4(fd, NULL, NULL, SOCK_CLOEXEC)};
        if (c->fd < 0) {
            free(c);
            continue;
        }
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (pthread_create(&thread, &small, serve, c) != 0) {
            close(c->fd);
            free(c);
        }
    }
}
