/* test_canary.c - a key is seen nowhere but in the environment.
 *
 * The built command runs scripts with a key that is easy to find, against a server that
 * says it back in every way that a server can fail. Then all that was written is searched
 * for it: both outputs, the store, the exports; and the memory of commands that report on
 * keys, as a core dump would have it. */
#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../proxy.h"
#include "../support.h"

/* Two words that no one else writes, and between them what gets escaped. */
#define ONE "QXCANARYONEQX"
#define TWO "QXCANARYTWOQX"
#define KEY "sk-" ONE "/+" TWO "="

static char dir[200];

/* ---- a server that says back what it heard ------------------------------------- */

typedef struct parrot {
    int fd, port;
    pthread_t thread;
} parrot;

static void base64(const char *s, char *to)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i += 3) {
        unsigned x = (unsigned)s[i] << 16;
        x |= i + 1 < n ? (unsigned)s[i + 1] << 8 : 0;
        x |= i + 2 < n ? (unsigned)s[i + 2] : 0;
        *to++ = digit[x >> 18];
        *to++ = digit[x >> 12 & 63];
        *to++ = i + 1 < n ? digit[x >> 6 & 63] : '=';
        *to++ = i + 2 < n ? digit[x & 63] : '=';
    }
    *to = '\0';
}

static void percent(const char *s, char *to)
{
    for (; *s; s++)
        to += isalnum((unsigned char)*s) ? sprintf(to, "%c", *s) : sprintf(to, "%%%02X", *s);
}

static void fill(char *to, size_t size, const char *form)
{
    char b64[256], pct[256];
    base64(KEY, b64);
    percent(KEY, pct);
    if (strcmp(form, "json") == 0) {
        snprintf(
            to, size,
            "{\"error\":{\"message\":\"Incorrect API key provided: %s. Or %s.\",\"type\":\"%s\","
            "\"param\":\"%s\",\"code\":\"%s\"}}",
            KEY, pct, KEY, KEY, KEY);
    } else if (strcmp(form, "escaped") == 0) {
        snprintf(to, size, "{\"error\":{\"message\":\"no: sk-%s\\/\\u002b%s=\"}}", ONE, TWO);
    } else if (strcmp(form, "base64") == 0) {
        snprintf(to, size, "{\"error\":{\"message\":\"Authorization was Basic %s\"}}", b64);
    } else if (strcmp(form, "html") == 0) {
        snprintf(to, size, "<html><body>Authorization: Bearer %s, ?key=%s</body></html>", KEY, pct);
    } else if (strcmp(form, "cut") == 0) {
        snprintf(to, size, "{\"choices\":[{\"message\":{\"content\":\"%s", KEY);
    } else if (strcmp(form, "bad") == 0) {
        snprintf(to, size, "{\"choices\": %s, \"x\" \"Bearer %s\"}", KEY, KEY);
    } else if (strcmp(form, "odd") == 0) {
        snprintf(to, size, "{\"detail\":\"%s\",\"%s\":[\"%s\"]}", KEY, KEY, pct);
    } else if (strcmp(form, "refusal") == 0) {
        snprintf(
            to, size,
            "{\"choices\":[{\"message\":{\"refusal\":\"I know %s\"},\"finish_reason\":\"%s\"}]}",
            KEY, KEY);
    } else {
        snprintf(to, size, "data: {\"error\":{\"message\":\"%s\",\"code\":401}}\n\n", KEY);
    }
}

/* "POST /401/json/chat/completions": that status, that form; the headers say it as well. */
static void answer(int fd)
{
    char head[16384], form[32] = "", body[2048], reply[4096];
    int status = 0;
    ssize_t n = recv(fd, head, sizeof head - 1, 0);
    if (n <= 0)
        return;
    head[n] = '\0';
    sscanf(head, "POST /%d/%31[^/]", &status, form);
    if (strcmp(form, "hang") == 0) {
        recv(fd, head, sizeof head, 0);
        recv(fd, head, sizeof head, 0);
        return;
    }
    fill(body, sizeof body, form);
    snprintf(reply, sizeof reply,
             "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nX-Request-Id: %s\r\n"
             "Location: http://127.0.0.1:9/?key=%s\r\nWWW-Authenticate: Bearer %s\r\n"
             "Connection: close\r\n\r\n%s",
             status, KEY,
             strcmp(form, "html") == 0     ? "text/html; x=" KEY
             : strcmp(form, "stream") == 0 ? "text/event-stream"
                                           : "application/json",
             strlen(body), KEY, KEY, KEY, body);
    send(fd, reply, strlen(reply), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, head, sizeof head, 0) > 0)
        continue;
}

static void *one_after_the_other(void *ud)
{
    parrot *p = ud;
    int fd;
    while ((fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        answer(fd);
        close(fd);
    }
    return NULL;
}

static void parrot_start(parrot *p)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->fd, 64), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &size), 0);
    p->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, one_after_the_other, p), 0);
}

static void parrot_stop(parrot *p)
{
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
}

/* ---- the search ---------------------------------------------------------------- */

enum { FORMS = 10 };
static char forms[FORMS][64];

static void hex(const char *s, const char *fmt, char *to)
{
    for (; *s; s++)
        to += sprintf(to, fmt, (unsigned char)*s);
}

/* Each word as it is (and so percent-encoded), in base64 at each of three places, in hex. */
static void make_forms(void)
{
    const char *words[] = {ONE, TWO};
    size_t n = 0;
    for (size_t w = 0; w < 2; w++) {
        strcpy(forms[n++], words[w]);
        for (size_t shift = 0; shift < 3; shift++) {
            char all[64];
            size_t skip = shift ? 3 - shift : 0; /* whole groups only */
            base64(words[w] + skip, all);
            all[(strlen(words[w]) - skip) / 3 * 4] = '\0';
            strcpy(forms[n++], all);
        }
        hex(words[w], "%02x", forms[n++]);
    }
    assert_int_equal(n, FORMS);
}

/* Where it is, or NULL. */
static const char *find(const char *s, size_t len)
{
    for (size_t i = 0; i < FORMS; i++) {
        const char *at = memmem(s, len, forms[i], strlen(forms[i]));
        if (at)
            return at;
    }
    return NULL;
}

static void must_not_hold(const char *what, const char *s, size_t len)
{
    const char *at = find(s, len);
    if (at) {
        size_t before = at - s > 80 ? 80 : (size_t)(at - s);
        size_t behind = (size_t)(s + len - at) > 60 ? 60 : (size_t)(s + len - at);
        char around[160] = "";
        for (size_t i = 0; i < before + behind; i++) {
            char c = (at - before)[i];
            around[i] = isprint((unsigned char)c) ? c : '.';
        }
        fail_msg("%s holds the key: …%s…", what, around);
    }
}

static int look_into(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)f;
    must_not_hold("a file's name", path, strlen(path));
    if (type != FTW_F || st->st_size == 0)
        return 0;
    char *all = malloc((size_t)st->st_size);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    must_not_hold(path, all, fread(all, 1, (size_t)st->st_size, in));
    fclose(in);
    free(all);
    return 0;
}

/* ---- commands ------------------------------------------------------------------ */

static const char *program(void)
{
    static char path[300];
    const char *build = getenv("BUILD");
    snprintf(path, sizeof path, "%s/lunagrad", build ? build : "build");
    return path;
}

/* Both outputs of a shell line, which must not hold the key. wanted: a part of them. */
static void run(const char *env, const char *words, const char *wanted)
{
    static char out[1 << 20];
    char line[8192];
    snprintf(line, sizeof line,
             "env LUNAGRAD_HOME=%s/home OWN_API_KEY=%s OPENAI_API_KEY=%s %s timeout 60 %s %s 2>&1 "
             "</dev/null",
             dir, KEY, KEY, env, program(), words);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    pclose(f);
    must_not_hold(words, out, n);
    if (!strstr(out, wanted))
        fail_msg("%s: no \"%s\" in: %.2000s", words, wanted, out);
}

static const char *script(const char *name, const char *text)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s.lua", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* Every failure that the server can make, and some before it. */
static const char *const every_failure =
    "local lg = require 'lunagrad'\n"
    "lg.configure{ log = 'debug' }\n"
    "local base, n = 'http://127.0.0.1:' .. lg.args.port, 0\n"
    "local key = os.getenv 'OWN_API_KEY'\n"
    "local function try(what, opts)\n"
    "  n = n + 1\n"
    "  opts[1] = opts[1] or 'own/m'\n"
    "  local ok, problem = pcall(function() return tostring(lg.model(opts)('q' .. n)) end)\n"
    "  print(what, ok, problem, type(problem) == 'table' and problem.hint)\n"
    "  if type(problem) == 'table' then\n"
    "    for k, v in pairs(problem) do print('', k, v) end\n"
    "  end\n"
    "end\n"
    "local forms = { 'json', 'escaped', 'base64', 'html', 'odd', 'cut', 'bad', 'stream' }\n"
    "for _, status in ipairs { 200, 302, 400, 401, 403, 404, 407, 413, 429, 500, 503 } do\n"
    "  for _, form in ipairs(forms) do\n"
    "    try(status .. form, { base_url = base .. '/' .. status .. '/' .. form })\n"
    "  end\n"
    "end\n"
    "try('refusal', { base_url = base .. '/200/refusal' })\n"
    "try('query', { base_url = base .. '/401/json?key=' .. key })\n"
    "try('header', { base_url = base .. '/401/json', headers = { Authorization = 'Bearer ' .. key,"
    " ['X-Api-Key'] = key } })\n"
    "try('tls', { base_url = 'https://127.0.0.1:' .. lg.args.port })\n"
    "try('nobody', { base_url = 'http://127.0.0.1:9/?key=' .. key })\n"
    "try('user', { base_url = 'http://' .. key .. '@127.0.0.1:9/' })\n"
    "try('scheme', { base_url = 'ftp://127.0.0.1/?key=' .. key })\n"
    "try('blank', { base_url = base .. '/ ?key=' .. key })\n"
    "try('two', { base_url = base .. '/401/json', api_key = key .. ' ' .. key })\n"
    "try('line', { base_url = base .. '/401/json', api_key = key .. '\\n' })\n"
    "try('model', { 'openai/m', base_url = base .. '/404/odd' })\n"
    "print(n, 'tried')\n";

static const char *const crash =
    "local lg = require 'lunagrad'\n"
    "local m = lg.model{ 'own/m', base_url = 'http://127.0.0.1:' .. lg.args.port .. '/401/json' }\n"
    "print(m, m.core, m.name)\n"
    "print(m 'hi')\n";

static int begin(void **state)
{
    (void)state;
    make_forms();
    snprintf(dir, sizeof dir, "/tmp/lunagrad-canary-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int end(void **state)
{
    char clean[300];
    (void)state;
    snprintf(clean, sizeof clean, "rm -rf %s", dir);
    return system(clean);
}

static void test_the_search_finds(void **state)
{
    char text[512], b64[256];
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        snprintf(text, sizeof text, "%.*s%s", (int)shift, "xy", KEY);
        base64(text, b64);
        assert_non_null(find(b64, strlen(b64)));
    }
    percent(KEY, text);
    assert_non_null(find(text, strlen(text)));
    assert_null(find("sk-proj-QXCANARY", 16));
}

static void test_failures(void **state)
{
    parrot p;
    char words[2048], env[256];
    proxy *wall = proxy_start(407);
    (void)state;
    if (access(program(), X_OK) != 0)
        skip();
    parrot_start(&p);
    const char *const displays[] = {"--display plain", "--display full", "--json",
                                    "--display none --log debug"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(words, sizeof words, "run %s port=%d --run failures%zu --retries 0 %s",
                 script("failures", every_failure), p.port, i, displays[i]);
        run("", words, "99\ttried");
        snprintf(words, sizeof words, "run %s port=%d --run crash --retries 1 %s",
                 script("crash", crash), p.port, displays[i]);
        run("", words, "***");
    }
    snprintf(env, sizeof env,
             "OPENAI_BASE_URL=http://127.0.0.1:%d/200/hang http_proxy= HTTPS_PROXY=", p.port);
    run(env, "-e 'print(lg.model \"openai/m\" \"x\")' --retries 0 --timeout 0.3", "within");
    snprintf(env, sizeof env, "https_proxy=http://%s:%s@127.0.0.1:%d", ONE, TWO, proxy_port(wall));
    run(env, "-e 'print(lg.model \"openai/m\" \"x\")' --retries 0", "the proxy 127.0.0.1");
    run("",
        "-e 'lg.configure{ proxy = \"http://" ONE ":" TWO "@127.0.0.1:9\" }"
        " print(lg.model \"openai/m\" \"x\")' --retries 0",
        "the proxy 127.0.0.1:9");
    parrot_stop(&p);
    proxy_stop(wall);
}

static void test_reports(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "runs",
        "runs --json",
        "show failures0",
        "show failures0 --json",
        "show crash",
        "export failures0",
        "export failures0 --all-replies",
        "export crash --format csv",
        "export failures0 --format csv --table calls",
        "export crash --format dot",
        "cache stats",
        "cache stats --json",
        "models",
        "models openai",
        "models --json --all",
        "doctor",
        "doctor --json",
        "keys list",
        "keys list --json",
        "keys set openai --from-env NONE",
        "help run",
    };
    if (access(program(), X_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        run("", commands[i], "");
    nftw(dir, look_into, 16, FTW_PHYS);
}

/* ---- memory -------------------------------------------------------------------- */

static void child(const char *const *argv)
{
    char home[300];
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    snprintf(home, sizeof home, "%s/home", dir);
    setenv("LUNAGRAD_HOME", home, 1);
    snprintf(home, sizeof home, "%s/data", dir);
    setenv("XDG_DATA_HOME", home, 1);
    setenv("OPENAI_API_KEY", KEY, 1);
    setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1", 1);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execv(program(), (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Runs it until it is about to exit, memory and all. false: it cannot be traced here. */
static bool run_to_exit(pid_t pid)
{
    int status, sig = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL))
        return false;
    while (ptrace(PTRACE_CONT, pid, NULL, sig) == 0 && waitpid(pid, &status, 0) == pid &&
           WIFSTOPPED(status)) {
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
            return true;
        sig = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    }
    return false;
}

/* What a core dump has, but for the stack's end, where the environment itself is. */
static size_t search_memory(pid_t pid, const char *name)
{
    char path[64], line[512], mode[8];
    unsigned long from, to;
    size_t seen = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int mem = open(path, O_RDONLY);
    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[1] != 'w' ||
            strstr(line, "[stack]"))
            continue;
        char *all = malloc(to - from);
        ssize_t n = all ? pread(mem, all, to - from, (off_t)from) : 0;
        if (n > 0)
            must_not_hold(name, all, (size_t)n);
        seen += n > 0 ? (size_t)n : 0;
        free(all);
    }
    fclose(maps);
    close(mem);
    return seen;
}

static void search_at_exit(const char *name, const char *const *argv)
{
    pid_t pid = fork();
    if (pid == 0)
        child(argv);
    if (!run_to_exit(pid)) {
        print_message("    %s: it cannot be traced here\n", name);
    } else {
        size_t seen = search_memory(pid, name);
        print_message("    %s: %zu bytes of memory hold no key\n", name, seen);
        assert_true(seen > 10000);
    }
    ptrace(PTRACE_DETACH, pid, NULL, NULL); /* stopped on its way out, no signal moves it */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* One more way to have a key: the key store, of which the commands are to make no copy. */
static void keep_a_key(void)
{
    char line[900];
    snprintf(line, sizeof line,
             "echo '%s' | XDG_DATA_HOME=%s/data %s keys set groq 2>/dev/null && "
             "grep -q GROQ_API_KEY %s/data/lunagrad/keys.json",
             KEY, dir, program(), dir);
    assert_int_equal(system(line), 0);
}

/* A sanitizer's shadow is terabytes of mappings, and none of ours. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

static void test_memory(void **state)
{
    static const char *const version[] = {"lunagrad", "--version", NULL};
    static const char *const doctor[] = {"lunagrad", "doctor", "--json", NULL};
    static const char *const models[] = {"lunagrad", "models", "--all", NULL};
    static const char *const keys[] = {"lunagrad", "keys", "list", NULL};
    (void)state;
    if (SANITIZED || access(program(), X_OK) != 0)
        skip();
    search_at_exit("--version", version);
    keep_a_key();
    search_at_exit("doctor --json", doctor);
    search_at_exit("models --all", models);
    search_at_exit("keys list", keys);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_search_finds),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_memory),
    };
    support_start();
    return cmocka_run_group_tests(tests, begin, end) ? 1 : 0;
}
