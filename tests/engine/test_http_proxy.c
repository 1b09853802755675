/* test_http_proxy.c - proxies that work, and proxies that refuse or are not there. */
#include "../http_kit.h"
#include "../proxy.h"

typedef struct net {
    rude *server;
    proxy *proxy;
    char setting[128]; /* of the proxy, with a password */
} net;

static int begin(void **state)
{
    static net n;
    n.server = rude_start();
    n.proxy = proxy_start(0);
    assert_non_null(n.server);
    assert_non_null(n.proxy);
    snprintf(n.setting, sizeof n.setting, "http://who:s3cret-word@127.0.0.1:%d",
             proxy_port(n.proxy));
    *state = &n;
    return 0;
}

static int end(void **state)
{
    net *n = *state;
    rude_stop(n->server);
    proxy_stop(n->proxy);
    return 0;
}

/* What came of one POST through this proxy, or through what the environment says. */
static int ask(const char *setting, const char *url, char *said, size_t size)
{
    lg_http_config cfg = {.proxy = setting};
    kit k;
    kit_open(&k, NULL, &cfg);
    lg_http_request r = kit_request(url);
    lg_attempt d = kit_do(&k, &r);
    int status = d.fail.code ? d.fail.code : d.status;
    snprintf(said, size, "%s (%s)", d.fail.code ? lg__fail_message(&d.fail) : "",
             d.fail.hint ? d.fail.hint->data : "");
    print_message("    %d: %s\n", status, d.fail.code ? said : "fine");
    assert_null(strchr(said, '\n'));
    assert_null(strstr(said, "s3cret"));
    if (d.fail.code)
        assert_false(d.fail.ambiguous);
    lg__attempt_free(&d);
    kit_close(&k);
    return status;
}

static void test_plain(void **state)
{
    net *n = *state;
    char url[128], said[900], head[4096];
    unsigned before = proxy_plain(n->proxy);
    snprintf(url, sizeof url, "http://some.example:%d/ok", rude_port(n->server));
    assert_int_equal(ask(n->setting, url, said, sizeof said), 200);
    assert_int_equal(proxy_plain(n->proxy), before + 1);
    proxy_last_head(n->proxy, head, sizeof head);
    assert_non_null(strstr(head, "POST http://some.example:"));
    assert_non_null(strstr(head, "Proxy-Authorization: Basic "));
    rude_last_head(n->server, head, sizeof head);
    assert_non_null(strstr(head, "POST /ok HTTP/1.1"));
}

static void test_environment(void **state)
{
    net *n = *state;
    char url[128], said[900];
    unsigned before = proxy_plain(n->proxy);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", rude_port(n->server));
    setenv("http_proxy", n->setting, 1);
    assert_int_equal(ask(NULL, url, said, sizeof said), 200);
    assert_int_equal(proxy_plain(n->proxy), before + 1);
    setenv("no_proxy", "other.example,127.0.0.1", 1);
    assert_int_equal(ask(NULL, url, said, sizeof said), 200);
    assert_int_equal(proxy_plain(n->proxy), before + 1); /* went there itself */
    unsetenv("no_proxy");
    unsetenv("http_proxy");
    assert_int_equal(ask("", url, said, sizeof said), 200); /* "" : none */
    assert_int_equal(proxy_plain(n->proxy), before + 1);
}

static void test_nobody_there(void **state)
{
    net *n = *state;
    char url[128], said[900];
    (void)n;
    snprintf(url, sizeof url, "https://some.example:%d/ok", rude_port(n->server));
    assert_int_equal(ask("http://who:s3cret-word@127.0.0.1:9", url, said, sizeof said),
                     LG_ECONNECT);
    assert_non_null(strstr(said, "the proxy 127.0.0.1:9"));
    assert_non_null(strstr(said, "some.example"));
    assert_int_equal(ask("http://who:s3cret-word@no-proxy.invalid:99", url, said, sizeof said),
                     LG_ERESOLVE);
    assert_non_null(strstr(said, "the proxy no-proxy.invalid"));
}

static void refuses_by(net *n, int status, int code, const char *hint)
{
    proxy *p = proxy_start(status);
    char setting[128], url[128], said[900], where[64], number[16];
    assert_non_null(p);
    snprintf(setting, sizeof setting, "http://who:s3cret-word@127.0.0.1:%d", proxy_port(p));
    snprintf(url, sizeof url, "https://some.example:%d/ok", rude_port(n->server));
    snprintf(where, sizeof where, "the proxy 127.0.0.1:%d", proxy_port(p));
    snprintf(number, sizeof number, "%d", status);
    assert_int_equal(ask(setting, url, said, sizeof said), code);
    assert_non_null(strstr(said, where));
    assert_non_null(strstr(said, number));
    assert_non_null(strstr(said, hint));
    assert_int_equal(proxy_tunnels(p), 1);
    proxy_stop(p);
}

static void test_refusals(void **state)
{
    refuses_by(*state, 407, LG_ECONNECT, "user name and password");
    refuses_by(*state, 403, LG_ECONNECT, "no_proxy");
    refuses_by(*state, 502, LG_ECONNECT, "proxy");
}

static void test_plain_refusal(void **state)
{
    net *n = *state;
    proxy *p = proxy_start(407);
    char setting[128], url[128], said[900];
    snprintf(setting, sizeof setting, "http://127.0.0.1:%d", proxy_port(p));
    snprintf(url, sizeof url, "http://some.example:%d/ok", rude_port(n->server));
    assert_int_equal(ask(setting, url, said, sizeof said), LG_ECONNECT);
    assert_non_null(strstr(said, "the proxy 127.0.0.1:"));
    assert_non_null(strstr(said, "user name and password"));
    proxy_stop(p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_environment),
        cmocka_unit_test(test_nobody_there),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_plain_refusal),
    };
    support_start();
    return cmocka_run_group_tests(tests, begin, end) ? 1 : 0;
}
