/* test_canary_places.c - a key reaches nobody but its own provider.
 *
 * Files of settings that somebody else laid in the way name a listener as the address of every
 * provider, and all that reads settings is run beside them: doctor, models, scripts, the prompt,
 * the module in a stock Lua. The listener keeps what it hears, and must never hear the key. */
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../support.h"

#define KEY "sk-QXUSERQX"
#define OTHER "sk-QXPROJECTQX"

static char dir[64], program[600], module[600];

/* ---- who listens -------------------------------------------------------------------- */

static struct {
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock;
    size_t len;
    char heard[1 << 20];
} ear = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear(int fd)
{
    static const char reply[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                                "Content-Length: 33\r\nConnection: close\r\n\r\n"
                                "{\"error\":{\"message\":\"I only hear\"}}";
    char part[8192];
    ssize_t n = recv(fd, part, sizeof part, 0);
    pthread_mutex_lock(&ear.lock);
    if (n > 0 && ear.len + (size_t)n < sizeof ear.heard) {
        memcpy(ear.heard + ear.len, part, (size_t)n);
        ear.len += (size_t)n;
    }
    pthread_mutex_unlock(&ear.lock);
    send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, part, sizeof part, 0) > 0)
        continue;
}

static void *listen_on(void *ud)
{
    int fd;
    (void)ud;
    while ((fd = accept4(ear.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        hear(fd);
        close(fd);
    }
    return NULL;
}

static bool was_heard(const char *words)
{
    pthread_mutex_lock(&ear.lock);
    bool found = memmem(ear.heard, ear.len, words, strlen(words)) != NULL;
    pthread_mutex_unlock(&ear.lock);
    return found;
}

static void forget(void)
{
    pthread_mutex_lock(&ear.lock);
    ear.len = 0;
    pthread_mutex_unlock(&ear.lock);
}

static void start_ear(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ear.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(ear.fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(ear.fd, 64), 0);
    assert_int_equal(getsockname(ear.fd, (struct sockaddr *)&at, &size), 0);
    ear.port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&ear.thread, NULL, listen_on, NULL), 0);
}

/* ---- the world ---------------------------------------------------------------------- */

/* Shell functions for the scenes. $E is the listener, $D a fresh world: home, and shared, a
 * folder of everybody with the project proj (a repository) and in it here. */
static const char *const words =
    "set -eu; umask 022; D=$1/w; E=http://127.0.0.1:$2; rm -rf $D; mkdir -p $D/home $D/shared\n"
    "chmod 1777 $D/shared; cd $D/shared; mkdir -p proj/.git proj/here; K=" KEY "; O=" OTHER "\n"
    "P='openai azure anthropic gemini ollama groq foo'\n"
    "B='OPENAI_BASE_URL AZURE_OPENAI_ENDPOINT ANTHROPIC_BASE_URL GOOGLE_GEMINI_BASE_URL OLLAMA_HOST"
    " GROQ_BASE_URL FOO_BASE_URL'\n"
    "N='OPENAI_API_KEY AZURE_OPENAI_API_KEY ANTHROPIC_API_KEY GOOGLE_API_KEY OLLAMA_API_KEY"
    " GROQ_API_KEY FOO_API_KEY'\n"
    "dotenv() { for b in $B; do echo \"$b=$E\"; done >>\"$1\"; }\n"
    "settings() { { echo 'return {'; for b in $B; do echo \"$b = '$E',\"; done; echo '}'; } "
    ">\"$1\";"
    " }\n"
    "keys() { for n in $N; do echo \"$n=$1\"; done; }\n"
    "mine() { eval \"export $(keys $K | tr '\\n' ' ')\"; }\n"
    "stored() { mkdir -p $D/home/.local/share/lunagrad; f=$D/home/.local/share/lunagrad/keys.json\n"
    "  { printf '{'; for n in $N; do printf '\"%s\":\"%s\",' $n $K; done; echo '\"X_KEY\":\"x\"}'; "
    "}"
    " >$f; chmod 600 $f; }\n"
    "ours() { for b in $B; do eval \"export $b=$E\"; done; }\n";

/* What reads settings: $L is the command, $S a script that asks every provider. */
static const char *const doings =
    "export HOME=$D/home https_proxy=http://127.0.0.1:9 no_proxy=127.0.0.1 LUNAGRAD_HOME=$D/store\n"
    "L=$3; S=$1/ask.lua; set +e\n"
    "timeout 60 $L doctor ${FILES:-}; timeout 60 $L models --all ${FILES:-}\n"
    "timeout 60 $L models openai ${FILES:-}; timeout 60 $L keys list ${FILES:-}\n"
    "timeout 60 $L run $S --retries 0 ${FILES:-}\n"
    "{ echo 'pcall(lg.default, { model = \"openai/x\" })'; echo '? hi'; echo \"dofile '$S'\"; } |"
    " timeout 60 $L repl --retries 0 ${FILES:-}\n"
    "env ${LG_PRELOAD:+LD_PRELOAD=$LG_PRELOAD} timeout 60 ${LUA:-lua5.4} -e"
    " \"package.cpath='$4/?.so;'..package.cpath\" $S\n";

static const char *const asks =
    "local lg = require 'lunagrad'\n"
    "pcall(lg.configure, { max_attempts = 1 })\n"
    "local function try(model) return pcall(function() print(lg.model(model) 'hi') end) end\n"
    "for _, name in ipairs { 'openai', 'responses', 'openai-embed', 'openai-image', 'azure',\n"
    "  'azure-responses', 'anthropic', 'gemini', 'gemini-embed', 'ollama', 'groq', 'foo' } do\n"
    "  local ok, problem = try(name .. '/x')\n"
    "  if not ok then print(name, problem) end\n"
    "end\n"
    "try { 'foo/x', api_key = 'sk-QXSCRIPTQX' }\n"
    "try { 'foo/x', headers = { Cookie = 'sk-QXSCRIPTQX-header' } }\n"
    "try { 'sim/default', fallback = { 'groq/x', 'foo/x' } }\n"
    "try { function() error 'x' end, fallback = 'openai/x' }\n"
    "pcall(function() print(lg.embed('a', { model = 'openai/x' }):value()) end)\n"
    "print 'all were asked'\n";

static void play(const char *scene, char *out, size_t size)
{
    char path[128], line[2048];
    snprintf(path, sizeof path, "%s/scene.sh", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%s%s\n%s", words, scene, doings);
    fclose(f);
    forget();
    snprintf(line, sizeof line,
             "env -i PATH=\"$PATH\" ${LUA:+LUA=\"$LUA\"} ${LG_PRELOAD:+LG_PRELOAD=\"$LG_PRELOAD\"} "
             "sh %s %s %d %s %s 2>&1 </dev/null",
             path, dir, ear.port, program, module);
    f = popen(line, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    pclose(f);
}

static char out[1 << 20];

static void must_say(const char *scene, const char *wanted)
{
    if (!strstr(out, wanted))
        fail_msg("%s: no \"%s\" in: %.3000s", scene, wanted, out);
}

/* Whatever the files say, the key stays here, and doctor tells why. */
static void kept(const char *scene, const char *wanted)
{
    play(scene, out, sizeof out);
    must_say(scene, wanted);
    size_t n = 0;
    for (const char *at = out; (at = strstr(at, "all were asked")); at++)
        n++;
    if (n != 3) /* by run, by the prompt, in a stock Lua */
        fail_msg("%s: the script came to its end %zu times: %.9000s", scene, n, out);
    if (was_heard("QXUSERQX"))
        fail_msg("%s: the key was sent: %.3000s", scene, out);
    if (!strstr(scene, "ours;") && was_heard("QXSCRIPTQX"))
        fail_msg("%s: the script's key was sent: %.3000s", scene, out);
}

static void sent(const char *scene, const char *key)
{
    play(scene, out, sizeof out);
    if (!was_heard(key))
        fail_msg("%s: %s was not sent: %.3000s", scene, key, out);
    if (strcmp(key, KEY) != 0 && was_heard("QXUSERQX"))
        fail_msg("%s: the user's key was sent, too: %.3000s", scene, out);
}

/* ---- scenes ------------------------------------------------------------------------- */

#define PROJECTS "a project's file"

static void test_the_listener_hears_what_the_user_sends(void **state)
{
    (void)state;
    sent("mine; ours; cd proj", KEY);
    sent("stored; ours; cd proj", KEY);
    sent("mine; dotenv $D/named.env; FILES=\"--env-file $D/named.env\"; cd proj", KEY);
    sent("mine; settings $D/named.lua; FILES=\"--config $D/named.lua\"; cd proj", KEY);
    sent("mine; dotenv $D/named.env; export LUNAGRAD_ENV_FILE=$D/named.env; cd proj", KEY);
    sent("mine; mkdir -p $D/home/.config/lunagrad; settings $D/home/.config/lunagrad/config.lua;"
         " cd proj",
         KEY);
    sent("mine; dotenv $D/home/.env; mkdir $D/home/x; cd $D/home/x", KEY);
}

static void test_a_project_uses_its_own_key_at_its_own_address(void **state)
{
    (void)state;
    sent("dotenv proj/.env; keys $O >>proj/.env; cd proj/here", OTHER);
}

static void test_a_clone_names_addresses(void **state)
{
    (void)state;
    kept("mine; dotenv proj/.env; cd proj", PROJECTS);
    kept("mine; dotenv proj/.env; cd proj/here", PROJECTS);
    kept("stored; dotenv proj/.env; cd proj", PROJECTS);
    kept("mine; settings proj/lunagrad.lua; cd proj", PROJECTS);
    kept("stored; mkdir proj/.lunagrad; settings proj/.lunagrad/config.lua; cd proj/here",
         PROJECTS);
    kept("keys $K >$D/mine.env; FILES=\"--env-file $D/mine.env\"; settings proj/lunagrad.lua;"
         " cd proj",
         PROJECTS);
    kept("mkdir -p $D/home/proj/.git; keys $K >$D/home/.env; mine; dotenv $D/home/proj/.env;"
         " cd $D/home/proj",
         PROJECTS);
}

static void test_a_clone_names_the_way_there(void **state)
{
    (void)state;
    kept("mine; export FOO_BASE_URL=http://127.0.0.1:9; for p in http_proxy https_proxy HTTPS_PROXY"
         " ALL_PROXY; do echo $p=$E; done >proj/.env; cd proj",
         "does not count");
    kept("mine; dotenv evil.env; echo LUNAGRAD_ENV_FILE=$D/shared/evil.env >proj/.env; cd proj",
         "LUNAGRAD_ENV_FILE does not count");
    kept("mine; cd proj; printf 'return { SSL_CERT_FILE = \"ca.pem\" }' >lunagrad.lua",
         "SSL_CERT_FILE does not count");
    kept("mine; cd proj; { echo 'EVIL_API_KEY=${OPENAI_API_KEY}'; echo EVIL_BASE_URL=$E; } >.env",
         "nothing is put in for it");
}

static void test_a_program_is_no_model_of_a_clone(void **state)
{
    struct stat st;
    char path[128];
    (void)state;
    kept("cd proj; echo \"LUNAGRAD_RUN_MODEL=a/b; judge = exec/touch $D/started\" >.env",
         "LUNAGRAD_RUN_MODEL does not count");
    kept("cd proj; echo \"return { run = { model = { 'exec/touch $D/started' } } }\" >lunagrad.lua",
         "LUNAGRAD_RUN_MODEL does not count");
    snprintf(path, sizeof path, "%s/w/started", dir);
    assert_int_not_equal(stat(path, &st), 0);
}

static void test_folders_above_the_root_do_not_count(void **state)
{
    (void)state;
    kept("mine; dotenv .env; settings lunagrad.lua; cd proj", "no files of settings");
    kept("mine; dotenv .env; mkdir plain; cd plain", "no files of settings");
    kept("stored; dotenv $D/.env; dotenv $D/shared/.env; cd proj/here", "no files of settings");
}

static void test_what_others_can_write_is_passed_over(void **state)
{
    (void)state;
    kept("mine; dotenv proj/.env; keys $O >>proj/.env; chmod 666 proj/.env; cd proj",
         ".env is passed over: others may write it (mode 0666)");
    kept("mine; settings proj/lunagrad.lua; chmod 777 proj; cd proj/here",
         "../lunagrad.lua is passed over: others may write its folder (mode 0777)");
    kept("mine; mkdir -m 777 proj/.lunagrad; settings proj/.lunagrad/config.lua; cd proj",
         ".lunagrad/config.lua is passed over: others may write its folder");
    kept("mine; mkdir -m 777 open; dotenv open/e; ln -s ../open/e proj/.env; cd proj",
         ".env is passed over: others may write its folder");
    kept("mine; mkdir $D/home/.config; mkdir -m 777 $D/home/.config/lunagrad; cd proj;"
         " settings $D/home/.config/lunagrad/config.lua",
         "config.lua is passed over: others may write its folder");
}

static void test_links_are_of_the_project_that_they_lie_in(void **state)
{
    (void)state;
    kept("mine; dotenv $D/evil; ln -s $D/evil proj/.env; cd proj", PROJECTS);
    kept("mine; settings $D/evil; ln -s $D/evil proj/lunagrad.lua; cd proj/here", PROJECTS);
    kept("mine; ln -s .env proj/.env; cd proj", ".env is passed over");
}

static void test_files_of_another_user_are_passed_over(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can give a file to another user\n");
        skip();
    }
    kept("mine; dotenv proj/.env; chown 4711 proj/.env; cd proj",
         ".env is passed over: it is another user's (uid 4711)");
    kept("mine; settings lunagrad.lua; chown 4711 lunagrad.lua; mkdir plain; cd plain",
         "no files of settings"); /* and no root for what is below */
    kept("mine; dotenv proj/.env; chown 4711 proj; cd proj",
         ".env is passed over: its folder is another user's (uid 4711)");
    kept("mine; dotenv $D/e; ln -s $D/e proj/.env; chown -h 4711 proj/.env; cd proj",
         ".env is passed over: the link is another user's (uid 4711)");
    kept("stored; chown 4711 $D/home/.local/share/lunagrad/keys.json; ours; cd proj",
         "keys.json is not used: it is another user's (uid 4711)");
}

/* ---- all of them -------------------------------------------------------------------- */

static int begin(void **state)
{
    char path[128], build[512];
    const char *at = getenv("BUILD");
    (void)state;
    assert_non_null(realpath(at ? at : "build", build));
    snprintf(program, sizeof program, "%s/lunagrad", build);
    snprintf(module, sizeof module, "%s", build);
    snprintf(dir, sizeof dir, "/tmp/lunagrad-places-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/ask.lua", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(asks, f);
    fclose(f);
    start_ear();
    return 0;
}

static int end(void **state)
{
    char clean[128];
    (void)state;
    shutdown(ear.fd, SHUT_RDWR);
    pthread_join(ear.thread, NULL);
    close(ear.fd);
    snprintf(clean, sizeof clean, "rm -rf %s", dir);
    return system(clean);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_listener_hears_what_the_user_sends),
        cmocka_unit_test(test_a_project_uses_its_own_key_at_its_own_address),
        cmocka_unit_test(test_a_clone_names_addresses),
        cmocka_unit_test(test_a_clone_names_the_way_there),
        cmocka_unit_test(test_a_program_is_no_model_of_a_clone),
        cmocka_unit_test(test_folders_above_the_root_do_not_count),
        cmocka_unit_test(test_what_others_can_write_is_passed_over),
        cmocka_unit_test(test_links_are_of_the_project_that_they_lie_in),
        cmocka_unit_test(test_files_of_another_user_are_passed_over),
    };
    support_start();
    return cmocka_run_group_tests(tests, begin, end) ? 1 : 0;
}
