/* test_http_tls.c - certificates that are right, and all the ways to be wrong.
 *
 * The certificates are made here, with a CA of our own, in a directory under
 * $TMPDIR that goes away afterwards. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "net/http_internal.h"
#include "../http_kit.h"
#include "../proxy.h"

typedef struct identity {
    EVP_PKEY *key;
    X509 *cert;
    char cert_file[256], key_file[256];
} identity;

static char dir[200], hashed[256];
static identity ca, good, other_host, expired, future, lonely, stranger;

/* ---- a certificate authority --------------------------------------------------- */

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

static void save(identity *id, const char *name)
{
    FILE *f;

    snprintf(id->cert_file, sizeof id->cert_file, "%s/%s.pem", dir, name);
    snprintf(id->key_file, sizeof id->key_file, "%s/%s.key", dir, name);
    f = fopen(id->cert_file, "w");
    assert_non_null(f);
    PEM_write_X509(f, id->cert);
    fclose(f);
    f = fopen(id->key_file, "w");
    assert_non_null(f);
    PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

/* by NULL: signs itself. alt NULL: it is an authority. days: valid from -2 to that */
static void make(identity *id, const char *name, const identity *by, const char *alt, int days)
{
    static long serial = 1;
    X509_NAME *subject;

    id->key = EVP_EC_gen("P-256");
    id->cert = X509_new();
    assert_non_null(id->key);
    assert_non_null(id->cert);
    X509_set_version(id->cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id->cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(id->cert), -2 * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(id->cert), days * 86400L);
    X509_set_pubkey(id->cert, id->key);
    subject = X509_get_subject_name(id->cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(id->cert, by ? X509_get_subject_name(by->cert) : subject);
    extend(id->cert, by ? by->cert : id->cert, NID_basic_constraints,
           alt ? "CA:FALSE" : "critical,CA:TRUE");
    if (alt)
        extend(id->cert, by ? by->cert : id->cert, NID_subject_alt_name, alt);
    assert_true(X509_sign(id->cert, by ? by->key : id->key, EVP_sha256()) > 0);
    save(id, name);
}

static void drop(identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
    unlink(id->cert_file);
    unlink(id->key_file);
}

static char link_name[300];

static int begin(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(dir, sizeof dir, "%s/lunagrad-tls-XXXXXX", tmp && strlen(tmp) < 100 ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    make(&ca, "authority", NULL, NULL, 10);
    make(&good, "good", &ca, "IP:127.0.0.1,DNS:localhost", 10);
    make(&other_host, "other", &ca, "DNS:other.example", 10);
    make(&expired, "expired", &ca, "IP:127.0.0.1", -1);
    make(&future, "future", &ca, "IP:127.0.0.1", 10);
    X509_gmtime_adj(X509_getm_notBefore(future.cert), 5 * 86400L);
    assert_true(X509_sign(future.cert, ca.key, EVP_sha256()) > 0);
    save(&future, "future");
    make(&lonely, "lonely", NULL, "IP:127.0.0.1", 10);
    make(&stranger, "stranger", NULL, NULL, 10);
    snprintf(hashed, sizeof hashed, "%s/hashed", dir);
    assert_int_equal(mkdir(hashed, 0700), 0);
    snprintf(link_name, sizeof link_name, "%s/%08lx.0", hashed,
             X509_NAME_hash_ex(X509_get_subject_name(ca.cert), NULL, NULL, NULL));
    assert_int_equal(symlink(ca.cert_file, link_name), 0);
    return 0;
}

static int end(void **state)
{
    char clean[300];

    (void)state;
    drop(&ca);
    drop(&good);
    drop(&other_host);
    drop(&expired);
    drop(&future);
    drop(&lonely);
    drop(&stranger);
    unlink(link_name);
    rmdir(hashed);
    snprintf(clean, sizeof clean, "rm -rf %s", dir); /* with a store that a command made */
    assert_int_equal(system(clean), 0);
    return 0;
}

/* ---- the tests ------------------------------------------------------------------- */

static lg_attempt ask(const identity *server_id, const lg_http_config *cfg, const char *scheme)
{
    rude *server = rude_start_tls(server_id->cert_file, server_id->key_file);
    lg_http_request r;
    lg_attempt d;
    kit k;
    int code;

    assert_non_null(server);
    kit_open(&k, server, cfg);
    snprintf(k.url, sizeof k.url, "%s://127.0.0.1:%d/ok", scheme, rude_port(server));
    r = kit_request(k.url);
    d = kit_do(&k, &r);
    if (d.fail.code == LG_ETLS) { /* no request went where it should not */
        assert_int_equal(rude_posts(server), 0);
        assert_false(d.sent);
        assert_false(d.fail.ambiguous);
    }
    /* the message outlives the heap it is from */
    snprintf(k.logged, sizeof k.logged, "%s (%s)", lg__fail_message(&d.fail),
             d.fail.hint ? d.fail.hint->data : "");
    print_message("    %d: %s\n", d.fail.code, d.fail.code ? k.logged : "fine");
    code = d.fail.code;
    lg__attempt_free(&d);
    d.fail.code = code;
    d.load = strdup(k.logged);
    kit_close(&k);
    rude_stop(server);
    return d;
}

/* Fails unless the failure is of TLS and says both. */
static void refused(const identity *id, const char *ca_file, const char *says, const char *hint)
{
    lg_http_config cfg = {0};
    lg_attempt d;

    cfg.ca_file = ca_file;
    d = ask(id, &cfg, "https");
    assert_int_equal(d.status, 0);
    assert_has(d.load, says);
    assert_has(d.load, hint);
    assert_has(d.load, "TLS");
    free(d.load);
}

static void accepted(const char *ca_file, const char *ca_path)
{
    lg_http_config cfg = {0};
    lg_attempt d;

    cfg.ca_file = ca_file;
    cfg.ca_path = ca_path;
    d = ask(&good, &cfg, "https");
    assert_int_equal(d.status, 200);
    assert_true(d.sent);
    free(d.load);
}

static void test_trusted(void **state)
{
    (void)state;
    accepted(ca.cert_file, NULL);
    accepted(NULL, hashed);
    accepted(stranger.cert_file, hashed);
}

static void test_wrong_host(void **state)
{
    (void)state;
    refused(&other_host, ca.cert_file, "127.0.0.1", "for another host");
}

static void test_expired(void **state)
{
    (void)state;
    refused(&expired, ca.cert_file, "expired", "clock");
}

static void test_not_yet_valid(void **state)
{
    (void)state;
    refused(&future, ca.cert_file, "not yet valid", "clock");
}

static void test_old_tls(void **state)
{
    rude *server = rude_start_tls(good.cert_file, good.key_file);
    lg_http_config cfg = {.ca_file = ca.cert_file};
    lg_attempt d;
    kit k;

    (void)state;
    assert_non_null(server);
    rude_tls_old(server);
    kit_open(&k, server, &cfg);
    d = kit_post(&k, "ok");
    print_message("    %d: %s (%s)\n", d.fail.code, lg__fail_message(&d.fail),
                  d.fail.hint ? d.fail.hint->data : "");
    assert_int_equal(d.fail.code, LG_ETLS);
    assert_false(d.fail.retryable);
    assert_has(d.fail.hint ? d.fail.hint->data : "", "TLS 1.2");
    lg__attempt_free(&d);
    kit_close(&k);
    rude_stop(server);
}

/* With TLS 1.3 the refusal comes behind the handshake, and a reset may come before it. */
static void test_a_client_certificate_is_asked_for(void **state)
{
    lg_http_config cfg = {.ca_file = ca.cert_file};

    (void)state;
    for (int i = 0; i < 8; i++) {
        rude *server = rude_start_tls(good.cert_file, good.key_file);
        bool newest = i % 2;
        lg_attempt d;
        kit k;

        assert_non_null(server);
        rude_tls_asks(server, newest);
        kit_open(&k, server, &cfg);
        d = kit_post(&k, "ok");
        print_message("    %d: %s\n", d.fail.code, lg__fail_message(&d.fail));
        assert_true(d.fail.code == LG_ETLS || (newest && d.fail.code == LG_ERESET));
        assert_int_equal(d.fail.retryable, d.fail.code == LG_ERESET);
        assert_false(d.fail.code == LG_ETLS && d.fail.ambiguous);
        assert_has(d.fail.hint ? d.fail.hint->data : "", "asks for a client's certificate");
        assert_int_equal(rude_posts(server), 0);
        lg__attempt_free(&d);
        kit_close(&k);
        rude_stop(server);
    }
}

/* The tunnel is the proxy's, the certificate the server's. */
static void test_through_a_proxy(void **state)
{
    rude *server = rude_start_tls(good.cert_file, good.key_file);
    proxy *way = proxy_start(0);
    char setting[64];
    lg_http_config cfg = {.ca_file = ca.cert_file, .proxy = setting};
    lg_http_request r;
    lg_attempt d;
    kit k;

    (void)state;
    assert_non_null(way);
    snprintf(setting, sizeof setting, "http://127.0.0.1:%d", proxy_port(way));
    kit_open(&k, server, &cfg);
    for (int i = 0; i < 3; i++)
        kit_ok(&k, "ok");
    assert_int_equal(proxy_tunnels(way), 1); /* kept */
    snprintf(k.url, sizeof k.url, "https://some.example:%d/ok", rude_port(server));
    r = kit_request(k.url);
    d = kit_do(&k, &r);
    assert_int_equal(d.fail.code, LG_ETLS);
    assert_has(lg__fail_message(&d.fail), "some.example");
    assert_has(d.fail.hint ? d.fail.hint->data : "", "for another host");
    assert_int_equal(rude_posts(server), 3);
    assert_int_equal(proxy_plain(way), 0);
    lg__attempt_free(&d);
    kit_close(&k);
    proxy_stop(way);
    rude_stop(server);
}

static void test_self_signed(void **state)
{
    (void)state;
    refused(&lonely, ca.cert_file, "self", "ca_file");
}

static void test_unknown_authority(void **state)
{
    (void)state;
    refused(&good, stranger.cert_file, "issuer", "ca_file");
    refused(&good, NULL, "", "ca"); /* the system's store, or none */
}

static void test_no_certificates(void **state)
{
    char missing[300];

    (void)state;
    snprintf(missing, sizeof missing, "%s/nothing.pem", dir);
    refused(&good, missing, "nothing.pem", "ca_file");
}

static void test_directory_without_hashes(void **state)
{
    lg_http_config cfg = {0};
    lg_attempt d;

    (void)state;
    cfg.ca_path = dir;
    d = ask(&good, &cfg, "https");
    assert_int_equal(d.status, 0);
    assert_has(d.load, "no certificates could be read from");
    free(d.load);
}

static void test_the_environment_is_not_asked(void **state)
{
    (void)state;
    setenv("SSL_CERT_FILE", ca.cert_file, 1);
    setenv("CURL_CA_BUNDLE", ca.cert_file, 1);
    setenv("SSL_CERT_DIR", hashed, 1);
    refused(&good, NULL, "", "ca");
    unsetenv("SSL_CERT_FILE");
    unsetenv("CURL_CA_BUNDLE");
    unsetenv("SSL_CERT_DIR");
}

static void test_http_and_https_mixed_up(void **state)
{
    lg_http_config cfg = {0};
    rude *plain = rude_start();
    lg_http_request r;
    lg_attempt d;
    kit k;

    (void)state;
    kit_open(&k, plain, NULL);
    snprintf(k.url, sizeof k.url, "https://127.0.0.1:%d/ok", rude_port(plain));
    r = kit_request(k.url);
    d = kit_do(&k, &r);
    assert_int_equal(d.fail.code, LG_ETLS);
    assert_false(d.fail.retryable);
    assert_has(d.fail.hint ? d.fail.hint->data : "", "begin with http://");
    lg__attempt_free(&d);
    kit_close(&k);
    rude_stop(plain);
    d = ask(&good, &cfg, "http");
    assert_int_equal(d.status, 0);
    assert_int_not_equal(d.fail.code, 0);
    free(d.load);
}

static double cpu_ms(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* Printed, not judged: the server's half is in it, and machines differ. With the
 * system's certificates read for each connection it would be some 30 ms. */
static void test_many_connections_one_store(void **state)
{
    enum { N = 40 };
    rude *server = rude_start_tls(good.cert_file, good.key_file);
    lg_http_config cfg = {0};
    double begun;
    kit k;
    int i;

    (void)state;
    assert_non_null(server);
    cfg.ca_file = ca.cert_file;
    kit_open(&k, server, &cfg);
    kit_ok(&k, "bye");
    assert_int_equal(unlink(ca.cert_file), 0); /* read once, never again */
    begun = cpu_ms();
    for (i = 0; i < N; i++)
        kit_ok(&k, "bye");
    print_message("    %.2f ms of CPU for a new TLS connection, both ends\n",
                  (cpu_ms() - begun) / (double)N);
    assert_int_equal(rude_connections(server), N + 1);
    kit_close(&k);
    rude_stop(server);
    save(&ca, "authority");
}

static void test_kept_connection_and_no_second_post(void **state)
{
    rude *server = rude_start_tls(good.cert_file, good.key_file);
    lg_http_config cfg = {0};
    lg_attempt d;
    kit k;
    int i;

    (void)state;
    assert_non_null(server);
    cfg.ca_file = ca.cert_file;
    kit_open(&k, server, &cfg);
    for (i = 0; i < 20; i++)
        kit_ok(&k, "ok");
    assert_int_equal(rude_connections(server), 1);
    d = kit_post(&k, "close");
    assert_int_equal(d.fail.code, LG_ERESET);
    assert_true(d.fail.ambiguous);
    assert_true(d.sent);
    lg__attempt_free(&d);
    kit_turns(&k, 20);
    assert_int_equal(rude_posts(server), 21);
    kit_close(&k);
    rude_stop(server);
}

/* ---- as a script has it ---------------------------------------------------------- */

#define SAYS                                                                        \
    "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"well met\"}," \
    "\"finish_reason\":\"stop\"}]}"

/* Runs the command with these shell words before it, this Lua before the call. */
static void command(rude *server, const char *env, const char *lua, const char *wanted)
{
    const char *build = getenv("BUILD");
    char line[2048], out[2048];
    size_t n = 0;

    snprintf(
        line, sizeof line,
        "LUNAGRAD_HOME=%s/home %s timeout 30 %s/lunagrad -e 'local lg = require \"lunagrad\" %s "
        "print(lg.model{ \"own/m\", base_url = \"https://127.0.0.1:%d/ok\", memo = false } "
        "\"%d\")' 2>&1 </dev/null",
        dir, env, build ? build : "build", lua, rude_port(server), rand());
    FILE *f = popen(line, "r");
    assert_non_null(f);
    n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    pclose(f);
    print_message("    %s %s: %.*s\n", env, lua, (int)strcspn(out, "\n"), out);
    assert_has(out, wanted);
    assert_null(strstr(out, "s3cret"));
}

static bool no_command(void)
{
    char path[300];
    const char *build = getenv("BUILD");

    snprintf(path, sizeof path, "%s/lunagrad", build ? build : "build");
    return access(path, X_OK) != 0;
}

static void test_command_finds_certificates(void **state)
{
    rude *server = rude_start_tls(good.cert_file, good.key_file);
    char set[400];

    (void)state;
    if (no_command())
        skip();
    rude_reply(server, SAYS, NULL, NULL);
    command(server, "", "", "SSL_CERT_FILE");
    snprintf(set, sizeof set, "SSL_CERT_FILE=%s", ca.cert_file);
    command(server, set, "", "well met");
    snprintf(set, sizeof set, "CURL_CA_BUNDLE=%s", ca.cert_file);
    command(server, set, "", "well met");
    snprintf(set, sizeof set, "SSL_CERT_DIR=%s", hashed);
    command(server, set, "", "well met");
    snprintf(set, sizeof set, "lg.configure{ ca_file = \"%s\" }", ca.cert_file);
    command(server, "", set, "well met");
    command(server, "SSL_CERT_FILE=/nowhere.pem", "", "/nowhere.pem");
    rude_stop(server);
}

static void test_command_uses_proxies(void **state)
{
    rude *server = rude_start_tls(good.cert_file, good.key_file);
    proxy *way = proxy_start(0), *wall = proxy_start(403);
    char set[600], lua[200];

    (void)state;
    if (no_command())
        skip();
    rude_reply(server, SAYS, NULL, NULL);
    snprintf(set, sizeof set, "SSL_CERT_FILE=%s https_proxy=http://who:s3cret@127.0.0.1:%d",
             ca.cert_file, proxy_port(way));
    command(server, set, "", "well met");
    assert_int_equal(proxy_tunnels(way), 1);
    snprintf(lua, sizeof lua, "lg.configure{ proxy = \"http://who:s3cret@127.0.0.1:%d\" }",
             proxy_port(way));
    snprintf(set, sizeof set, "SSL_CERT_FILE=%s", ca.cert_file);
    command(server, set, lua, "well met");
    assert_int_equal(proxy_tunnels(way), 2);
    snprintf(set, sizeof set, "SSL_CERT_FILE=%s https_proxy=http://who:s3cret@127.0.0.1:%d",
             ca.cert_file, proxy_port(wall));
    command(server, set, "", "it answered 403");
    strcat(set, " no_proxy=127.0.0.1");
    command(server, set, "", "well met");
    assert_int_equal(rude_posts(server), 3);
    proxy_stop(way);
    proxy_stop(wall);
    rude_stop(server);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_trusted),
    cmocka_unit_test(test_wrong_host),
    cmocka_unit_test(test_expired),
    cmocka_unit_test(test_not_yet_valid),
    cmocka_unit_test(test_old_tls),
    cmocka_unit_test(test_a_client_certificate_is_asked_for),
    cmocka_unit_test(test_through_a_proxy),
    cmocka_unit_test(test_self_signed),
    cmocka_unit_test(test_unknown_authority),
    cmocka_unit_test(test_no_certificates),
    cmocka_unit_test(test_directory_without_hashes),
    cmocka_unit_test(test_the_environment_is_not_asked),
    cmocka_unit_test(test_http_and_https_mixed_up),
    cmocka_unit_test(test_many_connections_one_store),
    cmocka_unit_test(test_kept_connection_and_no_second_post),
    cmocka_unit_test(test_command_finds_certificates),
    cmocka_unit_test(test_command_uses_proxies),
};

int main(void)
{
    support_start();
    return cmocka_run_group_tests(tests, begin, end) ? 1 : 0;
}
