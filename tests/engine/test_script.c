/* test_script.c - scripts in the library's own Lua: their life, functions of the host's, limits,
 * many on one engine, and hosts that call wrongly, late or again. */
#include "../support.h"

#include "host/host.h"
#include "lunagrad.h"

/* ---- a host ---------------------------------------------------------------- */

typedef struct host {
    support_heap heap;
    lg_engine *e;
    int ends, logs, functions, progress, abandons;
    char log[4096];
    uint64_t asked; /* id of the last function */
    char args[256];
} host;

static void open_host(host *h)
{
    lg_config c;
    memset(h, 0, sizeof *h);
    support_heap_init(&h->heap);
    support_config(&c, &h->heap);
    h->e = support_engine_new(&c);
}

static void close_host(host *h)
{
    lg_engine_free(h->e);
    assert_heap_empty(&h->heap);
}

static void hear(host *h)
{
    const lg_event *event;
    while ((event = lg_engine_next(h->e))) {
        switch (event->type) {
        case LG_EVENT_END:
            h->ends++;
            break;
        case LG_EVENT_LOG:
            h->logs++;
            if (strlen(h->log) + event->len + 2 < sizeof h->log) {
                strncat(h->log, event->text, event->len);
                strcat(h->log, "\n");
            }
            break;
        case LG_EVENT_FUNCTION:
            h->functions++;
            h->asked = event->id;
            snprintf(h->args, sizeof h->args, "%s%.*s", event->name, (int)event->len, event->text);
            break;
        case LG_EVENT_PROGRESS:
            h->progress++;
            break;
        case LG_EVENT_ABANDON:
            h->abandons++;
            break;
        default:
            break;
        }
    }
}

/* Until the script has ended, or waits for us. */
static void turn(host *h, const lg_script *s, int most)
{
    for (int i = 0; i < most && lg_script_state(s) == LG_PENDING; i++) {
        assert_int_equal(lg_engine_wait(h->e, 20), LG_OK);
        hear(h);
        if (h->asked)
            return;
    }
    hear(h);
}

static lg_script *make(host *h, const char *source, const lg_script_config *c)
{
    lg_script *s = NULL;
    int err = lg_script_new(h->e, source, strlen(source), "t", c, &s);
    if (err)
        fail_msg("%s: %s", source, lg_engine_errmsg(h->e));
    return s;
}

static lg_script *start(host *h, const char *source, const lg_script_config *c)
{
    lg_script *s = make(h, source, c);
    assert_int_equal(lg_script_start(s, NULL), LG_OK);
    return s;
}

/* Runs to its end; its result, or NULL. */
static const char *result_of(host *h, lg_script *s)
{
    lg_failure f = {0};
    turn(h, s, 3000);
    if (lg_script_error(s, &f))
        print_message("%s\n", f.message);
    return lg_script_result(s, NULL);
}

static void gives(host *h, const char *source, const char *wanted)
{
    lg_script *s = start(h, source, NULL);
    const char *got = result_of(h, s);
    if (!got)
        fail_msg("%s: no result", source);
    assert_string_equal(got, wanted);
    lg_script_free(s);
}

static void fails_with(host *h, const char *source, const lg_script_config *c, int code)
{
    lg_failure f = {0};
    lg_script *s = start(h, source, c);
    turn(h, s, 3000);
    assert_int_equal(lg_script_state(s), LG_FAILED);
    assert_true(lg_script_error(s, &f));
    if (f.code != code)
        fail_msg("%s: %d %s", source, f.code, f.message);
    assert_null(lg_script_result(s, NULL));
    lg_script_free(s);
}

/* ---- results ----------------------------------------------------------------- */

static void test_results(void **state)
{
    host h;
    (void)state;
    open_host(&h);
    gives(&h, "return 1 + 1", "2");
    gives(&h, "", "null");
    gives(&h, "return 1, 'a', {true}", "[1,\"a\",[true]]");
    gives(&h, "return {b = 1, a = {}}", "{\"a\":{},\"b\":1}");
    gives(&h, "return _VERSION", "\"Lua 5.4\"");
    gives(&h, "return lg.VERSION", "\"" LG_VERSION "\"");
    gives(&h, "return require 'lunagrad' == lg", "true");
    assert_int_equal(h.ends, 7);
    close_host(&h);
}

static void test_errors(void **state)
{
    host h;
    lg_script *s = NULL;
    (void)state;
    open_host(&h);
    assert_int_equal(lg_script_new(h.e, "x = = 1", 7, "bad", NULL, &s), LG_EPARSE);
    assert_null(s);
    assert_non_null(strstr(lg_engine_errmsg(h.e), "bad:1:"));
    assert_int_equal(lg_script_new(h.e, "\x1bLua", 4, "bytes", NULL, &s), LG_EPARSE);
    lg_script_config c;
    lg_script_config_init(&c);
    c.memory = 1000;
    assert_int_equal(lg_script_new(h.e, "", 0, "small", &c, &s), LG_ELIMIT);
    assert_non_null(strstr(lg_engine_errmsg(h.e), "1000 bytes"));
    fails_with(&h, "error 'x'", NULL, LG_ETOOL);
    fails_with(&h, "error {}", NULL, LG_ETOOL);
    fails_with(&h, "error()", NULL, LG_ETOOL);
    fails_with(&h, "return function() end", NULL, LG_EINVAL);
    fails_with(&h, "lg.model 'openai/gpt-4o'", NULL, LG_ESTATE);
    lg_failure f = {0};
    s = start(&h, "error('a\\nb\\xff' .. ('x'):rep(1e5))", NULL);
    turn(&h, s, 100);
    assert_true(lg_script_error(s, &f));
    assert_non_null(strstr(f.message, "a b?xx"));
    assert_true(strlen(f.message) < 10000 && !strchr(f.message, '\n'));
    lg_script_free(s);
    fails_with(&h, "lg.model 'no provider'", NULL, LG_ENOMODEL);
    close_host(&h);
}

/* Each limit by itself, also where all slices are short and nothing else runs. */
static void test_limits(void **state)
{
    static const struct {
        const char *limit, *source;
        size_t memory;
        uint64_t instructions;
        int64_t cpu_ms, wall_ms;
    } cases[] = {{"cpu", "while true do end", 0, 0, 20, 0},
                 {"cpu", "while true do pcall(error) end", 0, 0, 20, 0},
                 {"memory", "local t = {} while true do t[#t + 1] = {} end", 4 << 20, 0, -1, 0},
                 {"instructions", "while true do end", 0, 1000000, -1, 0},
                 {"wall", "lg.sleep(1000)", 0, 0, -1, 20}};
    host h;
    (void)state;
    open_host(&h);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lg_script_config c;
        lg_failure f = {0};
        lg_script_config_init(&c);
        c.memory = cases[i].memory;
        c.instructions = cases[i].instructions;
        c.cpu_ms = cases[i].cpu_ms;
        c.wall_ms = cases[i].wall_ms;
        lg_script *s = start(&h, cases[i].source, &c);
        turn(&h, s, 100000);
        assert_true(lg_script_error(s, &f));
        assert_int_equal(f.code, LG_ELIMIT);
        assert_int_equal(strncmp(f.message, cases[i].limit, strlen(cases[i].limit)), 0);
        lg_script_free(s);
    }
    close_host(&h);
}

/* ---- functions of the host's ----------------------------------------------------- */

typedef struct adder {
    int calls;
    uint64_t kept; /* an id to be answered later */
    bool later;
} adder;

static void add(void *ud, lg_script *s, uint64_t id, const char *args, size_t len)
{
    adder *a = ud;
    int x = 0, y = 0;
    char text[32];
    a->calls++;
    assert_int_equal(strlen(args), len);
    if (a->later) {
        a->kept = id;
        return;
    }
    if (sscanf(args, "[%d,%d]", &x, &y) != 2) {
        assert_int_equal(lg_script_fail(s, id, "two numbers"), LG_OK);
        return;
    }
    snprintf(text, sizeof text, "%d", x + y);
    assert_int_equal(lg_script_return(s, id, text, strlen(text)), LG_OK);
    assert_int_equal(lg_script_return(s, id, text, strlen(text)), LG_ENOTFOUND);
}

static void test_functions(void **state)
{
    host h;
    adder a = {0};
    static const char *const sources[] = {
        "return host.add(1, 2) + host.add(3, 4), pcall(host.add, 'x')",
        "lg.args = {} return host.add(1, 2) + host.add(3, 4), pcall(host.add, 'x')",
        "local t = lg.spawn(function() return host.add(3, 4) end)\n"
        "return host.add(1, 2) + t:await(), pcall(host.add, 'x')",
        "local co = coroutine.wrap(function(x) coroutine.yield(host.add(x, 2)) return "
        "host.add(3, 4) end)\nreturn co(1) + co(), pcall(host.add, 'x')",
    };
    (void)state;
    open_host(&h);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        lg_script *s = make(&h, sources[i], NULL);
        assert_int_equal(lg_script_function(s, "add", add, &a), LG_OK);
        assert_int_equal(lg_script_start(s, "[]"), LG_OK);
        const char *got = result_of(&h, s);
        assert_non_null(got);
        assert_memory_equal(got, "[10,false,\"", 10);
        assert_non_null(strstr(got, "two numbers"));
        lg_script_free(s);
    }
    assert_int_equal(a.calls, 12);
    close_host(&h);
}

static void test_function_events(void **state)
{
    host h;
    (void)state;
    open_host(&h);
    lg_script *s = make(&h, "return host.ask('a', {b = 1}), host.ask()", NULL);
    assert_int_equal(lg_script_function(s, "ask", NULL, NULL), LG_OK);
    assert_int_equal(lg_script_function(s, "1x", NULL, NULL), LG_EINVAL);
    assert_int_equal(lg_script_start(s, NULL), LG_OK);
    assert_int_equal(lg_script_start(s, NULL), LG_ESTATE);
    turn(&h, s, 100);
    assert_string_equal(h.args, "ask[\"a\",{\"b\":1}]");
    uint64_t id = h.asked;
    h.asked = 0;
    assert_int_equal(lg_script_return(s, id, "{bad", 4), LG_EPARSE);
    assert_int_equal(lg_script_return(s, id + 1000, "1", 1), LG_ENOTFOUND);
    lg_script *other = make(&h, "", NULL);
    lg_query q = {.size = sizeof q};
    assert_int_equal(lg_script_return(other, id, "1", 1), LG_EINVAL);
    assert_int_equal(lg_script_fail(other, id, "x"), LG_EINVAL);
    assert_int_equal(lg_tool_return(h.e, id, "1", 1, NULL, 0), LG_EINVAL);
    assert_non_null(strstr(lg_engine_errmsg(h.e), "lg_script_return"));
    assert_int_equal(lg_query_view(h.e, id, &q), LG_EINVAL);
    assert_int_equal(lg_answer_score(h.e, id, 1, NULL, 0), LG_EINVAL);
    lg_script_free(other);
    assert_int_equal(lg_script_return(s, id, "{\"x\":[1]}", 9), LG_OK);
    turn(&h, s, 100);
    assert_string_equal(h.args, "ask[]");
    id = h.asked;
    h.asked = 0;
    assert_int_equal(lg_script_return(s, id, NULL, 0), LG_OK);
    assert_string_equal(result_of(&h, s), "[{\"x\":[1]},null]");
    assert_int_equal(lg_script_function(s, "more", NULL, NULL), LG_ESTATE);
    lg_script_free(s);
    close_host(&h);
}

/* A script that ends while the host works for it: the host is told, and may answer in vain. */
static void test_kill(void **state)
{
    host h;
    adder a = {.later = true};
    (void)state;
    open_host(&h);
    lg_script *s = make(&h, "return host.add(1, 2)", NULL);
    lg_script *other = start(&h, "lg.sleep(1) return 'well'", NULL);
    assert_int_equal(lg_script_function(s, "add", add, &a), LG_OK);
    assert_int_equal(lg_script_start(s, NULL), LG_OK);
    while (!a.kept) {
        lg_engine_wait(h.e, 10);
        hear(&h);
    }
    lg_script_kill(s);
    lg_script_kill(s);
    assert_int_equal(lg_script_state(s), LG_CANCELLED);
    assert_true(lg_script_error(s, NULL));
    assert_int_equal(lg_script_return(s, a.kept, "1", 1), LG_ENOTFOUND);
    assert_string_equal(result_of(&h, other), "\"well\"");
    assert_int_equal(h.abandons, 1);
    assert_int_equal(h.ends, 2);
    lg_script_free(s);
    lg_script_free(other);
    s = start(&h, "while true do end", NULL);
    lg_engine_step(h.e, 2000);
    lg_script_free(s);
    s = start(&h, "print 'x'", NULL);
    lg_engine_step(h.e, 0);
    lg_script_free(s);
    int ends = h.ends, logs = h.logs;
    hear(&h);
    assert_int_equal(h.ends, ends);
    assert_int_equal(h.logs, logs);
    s = start(&h, "lg.model 'sim/default' 'x'", NULL); /* its engine goes first */
    lg_engine_step(h.e, 1000);
    close_host(&h);
}

static void test_prints(void **state)
{
    host h;
    (void)state;
    open_host(&h);
    gives(&h, "print('a', 1, nil) print('b\\nc') print() return 1", "1");
    assert_string_equal(h.log, "a\t1\tnil\nb\nc\n\n");
    h.log[0] = '\0';
    gives(&h, "print('\\27[31mé\\xff\\0!') return 1", "1");
    assert_string_equal(h.log, "[31mé?!\n"); /* of UTF-8, and no terminal obeys it */
    close_host(&h);
}

static void test_arguments(void **state)
{
    host h;
    (void)state;
    open_host(&h);
    lg_script *s = make(&h, "local t = ... return t.x + lg.args.x", NULL);
    assert_int_equal(lg_script_start(s, "3"), LG_EPARSE);
    assert_int_equal(lg_script_start(s, "{x"), LG_EPARSE);
    assert_int_equal(lg_script_start(s, " {\"x\": 3}"), LG_OK);
    assert_string_equal(result_of(&h, s), "6");
    lg_script_free(s);
    s = make(&h, "return select('#', ...), ...", NULL);
    assert_int_equal(lg_script_start(s, "[1, \"b\"]"), LG_OK);
    assert_string_equal(result_of(&h, s), "[2,1,\"b\"]");
    lg_script_free(s);
    s = make(&h, "local m = require 'm' return m.x, require 'm' == m, pcall(require, 'n')", NULL);
    assert_int_equal(lg_script_module(s, "m", "return {x = ...}", 16), LG_OK);
    assert_int_equal(lg_script_module(s, "lunagrad.x", "", 0), LG_EINVAL);
    assert_int_equal(lg_script_start(s, NULL), LG_OK);
    assert_int_equal(lg_script_module(s, "z", "", 0), LG_ESTATE);
    assert_non_null(strstr(result_of(&h, s), "[\"m\",true,false,"));
    lg_script_free(s);
    close_host(&h);
}

/* ---- models, and many ----------------------------------------------------------------- */

static void test_models(void **state)
{
    host h;
    lg_model_config c;
    lg_model *m;
    lg_model_config_init(&c);
    c.dialect = "host";
    c.name = "echo";
    c.tag = 9;
    (void)state;
    open_host(&h);
    assert_int_equal(lg_model_new(h.e, &c, &m), LG_OK);
    lg_script *s = make(&h, "return lg.model() 'hi':text(), lg.model 'mine' 'ho':text()", NULL);
    assert_int_equal(lg_script_model(s, "default", m), LG_OK);
    assert_int_equal(lg_script_model(s, "mine", m), LG_OK);
    assert_int_equal(lg_script_model(s, "", m), LG_EINVAL);
    assert_int_equal(lg_script_start(s, NULL), LG_OK);
    assert_int_equal(lg_script_model(s, "late", m), LG_ESTATE);
    lg_model_unref(m);
    for (int i = 0; i < 300 && lg_script_state(s) == LG_PENDING; i++) {
        const lg_event *event;
        lg_engine_wait(h.e, 20);
        while ((event = lg_engine_next(h.e))) {
            if (event->type == LG_EVENT_CALL) {
                assert_int_equal(event->tag, 9);
                assert_int_equal(lg_call_reply(h.e, event->id, "yes", 3, NULL, NULL), LG_OK);
            }
        }
    }
    assert_string_equal(lg_script_result(s, NULL), "[\"yes\",\"yes\"]");
    lg_script_free(s);
    close_host(&h);
}

enum { MANY = 40 };

static void test_many(void **state)
{
    host h;
    lg_script *s[MANY];
    char wanted[64];
    (void)state;
    open_host(&h);
    for (int i = 0; i < MANY; i++) {
        s[i] = make(&h,
                    "local n = ... lg.sleep(n) local x = 0 for i = 1, 50000 do x = x + i end "
                    "return lg.model(function(r) return r.messages[1].content .. n end) "
                    "'m':text()",
                    NULL);
        snprintf(wanted, sizeof wanted, "[%d]", i % 7);
        assert_int_equal(lg_script_start(s[i], wanted), LG_OK);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(wanted, sizeof wanted, "\"m%d\"", i % 7);
        const char *got = result_of(&h, s[i]);
        assert_non_null(got);
        assert_string_equal(got, wanted);
    }
    assert_int_equal(h.ends, MANY);
    for (int i = 0; i < MANY; i++)
        lg_script_free(s[i]);
    close_host(&h);
}

/* ---- the library's own state ------------------------------------------------------------- */

static void give_module(lh_state *s, void *ud)
{
    (void)ud;
    lua_State *L = lua_newthread(s->L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    const char *source = "return {echo = function(a, v, m, f) return {a, #v, #m, f[1](a)} end, "
                         "pass = function(_, v) return v[1] end, "
                         "long = function() return tostring(('a'):rep(170):find '.-.-.-b') end, "
                         "raise = function() error 'so' end}";
    assert_int_equal(luaL_loadstring(L, source), LUA_OK);
    lua_call(L, 0, 1);
    lua_setfield(L, -2, "lunagrad.host.test");
    lua_pop(s->L, 1);
}

static void twice(void *ud, lg_script *s, uint64_t id, const char *args, size_t len)
{
    host *h = ud;
    (void)len;
    assert_null(s);
    assert_string_equal(args, "[{\"x\":1}]");
    assert_int_equal(lg__function_return(h->e, NULL, id, "22", 2, NULL), LG_OK);
}

static lg_var *call_private(host *h, const char *name, lg_var *v, lg_tool *t)
{
    lg_var *out = NULL;
    lh_call c = {.name = name,
                 .args = "{\"x\":1}",
                 .args_len = 7,
                 .vars = &v,
                 .n_vars = v ? 1 : 0,
                 .functions = &t,
                 .n_functions = t ? 1 : 0};
    assert_int_equal(lh_private_call(h->e, &c, &out), LG_OK);
    for (int i = 0; i < 300 && lg_var_state(out) == LG_PENDING; i++) {
        lg_engine_wait(h->e, 20);
        hear(h);
    }
    return out;
}

static void test_private(void **state)
{
    host h;
    lh_private *p;
    lg_tool *t;
    lg_var *v, *out;
    lg_failure f;
    (void)state;
    open_host(&h);
    assert_int_equal(lh_private_of(h.e, &p), LG_OK);
    assert_true(lh_guard(&p->s, give_module, NULL));
    assert_int_equal(lh_function(h.e, "twice", twice, &h, &t), LG_OK);
    assert_int_equal(lg_var_new(h.e, "text", 4, "r", true, &v), LG_OK);
    out = call_private(&h, "test.echo", v, t);
    if (lg_var_error(out, &f))
        fail_msg("%s", f.message);
    assert_string_equal(lg_var_text(out, NULL), "[{\"x\":1},1,0,22]");
    lg_var_unref(out);
    out = call_private(&h, "test.pass", v, NULL);
    assert_string_equal(lg_var_text(out, NULL), "text");
    assert_true(lg_var_grad(out));
    lg_var_unref(out);
    out = call_private(&h, "test.long", NULL, NULL); /* of a script this were too long */
    assert_string_equal(lg_var_text(out, NULL), "nil");
    lg_var_unref(out);
    out = call_private(&h, "test.raise", NULL, NULL);
    assert_int_equal(lg_var_state(out), LG_FAILED);
    lg_var_unref(out);
    out = call_private(&h, "nowhere.raise", NULL, NULL);
    assert_int_equal(lg_var_state(out), LG_FAILED);
    lg_var_unref(out);
    lg_tool_unref(t);
    lg_var_unref(v);
    close_host(&h);
}

/* ---- files ---------------------------------------------------------------------------- */

static void test_files(void **state)
{
    static const char source[] =
        "local rows = lg.data.jsonl 'in/rows.jsonl' lg.save(lg.var 'made', 'in/out.txt')\n"
        "local function fails(f, ...) return not pcall(f, ...) end\n"
        "return #rows, fails(lg.data.jsonl, '/etc/passwd'), fails(lg.data.jsonl, '../x.jsonl'),\n"
        "fails(lg.data.jsonl, 'in/link'), fails(lg.save, lg.var 'x', 'in/link'),\n"
        "fails(lg.save, lg.var 'x', '../never'), fails(lg.save, lg.var 'x', '/tmp/never')";
    host h;
    lg_script_config c;
    char root[] = "/tmp/lg-script-XXXXXX", path[400];
    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path,
             "mkdir %s/in && echo '{\"a\":1}' >%s/in/rows.jsonl && "
             "ln -s /etc/passwd %s/in/link",
             root, root, root);
    assert_int_equal(system(path), 0);
    lg_script_config_init(&c);
    c.root = root;
    open_host(&h);
    c.allow = LG_ALLOW_FILES;
    lg_script *s = start(&h, source, &c);
    const char *got = result_of(&h, s);
    assert_non_null(got);
    assert_string_equal(got, "[1,true,true,true,true,true,true]");
    lg_script_free(s);
    c.allow = 0;
    fails_with(&h, "lg.data.jsonl 'in/rows.jsonl'", &c, LG_ENOTFOUND);
    close_host(&h);
    snprintf(path, sizeof path, "grep -q made %s/in/out.txt && rm -r %s", root, root);
    assert_int_equal(system(path), 0);
}

/* ---- no memory ------------------------------------------------------------------------- */

typedef struct oom {
    const char *source;
    bool calls; /* it calls a function of the host's */
} oom;

static void answer(void *ud, lg_script *s, uint64_t id, const char *args, size_t len)
{
    (void)ud;
    (void)args;
    (void)len;
    lg_script_return(s, id, "{\"x\":1}", 7); /* without memory it may stay without an answer */
}

/* A script's life with some allocation failing: its end comes all the same. */
static int live(support_heap *heap, void *ctx)
{
    const oom *o = ctx;
    lg_config c;
    lg_script_config limits;
    lg_engine *e = NULL;
    lg_script *s = NULL;
    support_config(&c, heap);
    int err = lg_engine_new(&c, &e);
    if (err)
        return err;
    lg_script_config_init(&limits);
    limits.wall_ms = 1000;
    err = lg_script_new(e, o->source, strlen(o->source), "t", &limits, &s);
    if (!err && o->calls)
        err = lg_script_function(s, "f", answer, NULL);
    if (!err)
        err = lg_script_start(s, "{\"a\":[1,2]}");
    bool ended = false;
    for (int i = 0; !err && !ended && i < 3000; i++) {
        const lg_event *event;
        lg_engine_wait(e, 1);
        while ((event = lg_engine_next(e)))
            ended = ended || event->type == LG_EVENT_END;
    }
    if (!err) {
        lg_failure f = {0};
        assert_true(ended);
        assert_int_not_equal(lg_script_state(s), LG_PENDING);
        err = lg_script_error(s, &f) ? f.code : LG_OK;
        if (err && heap->faults > 0)
            err = LG_ENOMEM; /* whatever it met of it */
    }
    lg_script_free(s);
    lg_engine_free(e);
    return err;
}

static void test_oom(void **state)
{
    oom plain = {"print(...) local t = {} for i = 1, 100 do t[i] = {i} end return t", false};
    oom calls = {"local t = coroutine.wrap(function() return host.f('x') end)() return t.x", true};
    (void)state;
    oom_sweep(live, &plain);
    oom_sweep(live, &calls);
}

static void test_oom_library(void **state)
{
    oom o = {"return lg.model(function(r) return r.messages[1].content end) 'x':text()", false};
    (void)state;
    oom_sweep_by(live, &o, 499);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_results),
    cmocka_unit_test(test_errors),
    cmocka_unit_test(test_limits),
    cmocka_unit_test(test_functions),
    cmocka_unit_test(test_function_events),
    cmocka_unit_test(test_kill),
    cmocka_unit_test(test_prints),
    cmocka_unit_test(test_arguments),
    cmocka_unit_test(test_models),
    cmocka_unit_test(test_many),
    cmocka_unit_test(test_private),
    cmocka_unit_test(test_files),
    cmocka_unit_test(test_oom),
    cmocka_unit_test(test_oom_library),
};

LG_TEST_MAIN(tests)
