/* api_ops.c - the calls of the C API's fuzz: one function here for each, or for a few of a
 * kind, and what can be said of every answer. See api_fuzz.c. */
#include <stdio.h>
#include <string.h>

#include "api_fuzz.h"

/* An answer to work: which answers may come depends on whether it is open. */
static void answered(work *one, int type, int err)
{
    R(err);
    bool fits = one->type == type || (type == LG_EVENT_TOOL && one->type == LG_EVENT_GRADIENT);
    if (err == LG_OK && (one->over || !fits)) {
        broken("an answer to %llu was taken, but %s", (unsigned long long)one->id,
               one->over ? "it is over" : "it is of another kind");
    }
    one->over |= err == LG_OK;
}

static const char *text_of(bytes b)
{
    return b.s ? b.len > 60 ? "…" : b.s : "NULL";
}

static int write_nothing(void *ud, const char *data, size_t len)
{
    size_t *left = ud;
    if (!data && len)
        broken("lines of NULL");
    return *left > 0 ? (int)((*left)--, 0) : 1;
}

/* ---- pure, and numbers ------------------------------------------------------- */

static void op_names(void)
{
    int code = odd_code();
    A("%d", code);
    if (!CALL(lg_error_name, code) || !CALL(lg_error_text, code) || !CALL(lg_op_name, code))
        broken("code %d has no name or text", code);
}

static void op_text_tools(void)
{
    bytes b = odd_text();
    const char *out = NULL;
    size_t len = 0;
    if (b.len > 100000) /* pure functions believe the length */
        return;
    CALL(lg_utf8_check, b.s, b.len);
    CALL(lg_token_estimate, b.s, b.len);
    const char *tag = below(3) ? "NEW" : odd_name();
    if (CALL(lg_tag_last, b.s, b.len, tag, chance(90) ? &out : NULL, chance(90) ? &len : NULL) &&
        out && (out < b.s || out + len > b.s + b.len))
        broken("a tag's text lies outside of the text");
}

static void op_engine_numbers(void)
{
    lg_stats s = {.size = chance(80) ? sizeof s : below(sizeof s + 1)};
    CALL(lg_engine_stats, w.e, chance(95) ? &s : NULL);
    if (CALL(lg_engine_now, w.e) < 0 || CALL(lg_engine_timeout, w.e) < -1)
        broken("a time before the beginning");
    if (CALL(lg_engine_fd, w.e) < 0 || !CALL(lg_engine_errmsg, w.e))
        broken("no descriptor, or no message");
    const char *field = CALL(lg_engine_errfield, w.e);
    if (field && !field[0])
        broken("a field without a name");
    CALL(lg_engine_wakeup, w.e);
}

static void op_engine_else(void)
{
    lg_config cfg;
    lg_engine *e = NULL;
    char why[80] = "";
    lg_config_init(&cfg);
    cfg.virtual_clock = true;
    cfg.size = chance(50) ? sizeof cfg : below(2 * sizeof cfg);
    cfg.concurrency = (int)odd_int();
    cfg.max_attempts = (int)odd_int();
    cfg.connect_timeout_ms = (int)odd_int();
    cfg.max_queued = (size_t)odd_int();
    cfg.why = why;
    cfg.why_size = below(sizeof why);
    R(CALL(lg_engine_new, chance(90) ? &cfg : NULL, chance(90) ? &e : NULL));
    CALL(lg_engine_free, e);
    CALL(lg_config_init_size, NULL, 0);
}

/* ---- the loop ---------------------------------------------------------------- */

static void op_step(void)
{
    static const int64_t odd[] = {1, -1, INT64_MAX, INT64_MIN}; /* others are real time */
    int64_t budget = chance(80) ? 0 : odd[below(4)];
    A("%lld", (long long)budget);
    w.stepping = true;
    R(CALL(lg_engine_step, w.e, budget));
    w.stepping = false;
}

static void op_wait(void)
{
    int ms = w.is_timed ? (int)below(2) : 0;
    if (chance(20)) {
        CALL(lg_engine_wakeup, w.e);
        ms = chance(50) ? -1 : INT32_MIN;
    }
    A("%d", ms);
    w.stepping = true;
    R(CALL(lg_engine_wait, w.e, ms));
    w.stepping = false;
}

static void op_next(void)
{
    take_events(1 + below(3));
}

static void op_drain(void)
{
    if (chance(30))
        CALL(lg_engine_drain, w.e, true);
    CALL(lg_engine_drain, w.e, false);
    if (chance(5))
        CALL(lg_engine_cancel, w.e);
}

static void op_run(void)
{
    static const char *const ends[] = {"done", "interrupted", "limit", "failed", "x", "", NULL};
    static const char *const metas[] = {"{}", "{\"script\":\"a\"}", "[]", "{", "\xff", NULL};
    uint64_t id;
    if (chance(50))
        R(CALL(lg_run_begin, w.e, odd_name(), metas[below(6)], chance(80) ? &id : NULL));
    else
        R(CALL(lg_run_end, w.e, ends[below(7)]));
}

/* ---- variables --------------------------------------------------------------- */

static void op_var_new(void)
{
    lg_var *v = NULL;
    bytes b = odd_text();
    A("\"%s\", %zu", text_of(b), b.len);
    keep_var(CALL(lg_var_new, w.e, b.s, b.len, odd_name(), chance(60), &v), &v);
    R(CALL(lg_var_new, w.e, "x", 1, NULL, false, NULL));
}

static void op_var_new_media(void)
{
    lg_var *v = NULL;
    bytes b = odd_media();
    keep_var(CALL(lg_var_new_media, w.e, odd_type(), b.s, b.len, odd_name(), chance(50), &v), &v);
}

static void op_var_set(void)
{
    lg_var *v = any_var();
    bytes b = odd_text(), m = odd_media();
    A("%llu, \"%s\", %zu", (unsigned long long)lg_var_id(v), text_of(b), b.len);
    if (chance(70))
        R(CALL(lg_var_set, v, b.s, b.len));
    else
        R(CALL(lg_var_set_media, v, odd_type(), m.s, m.len));
}

static void op_var_set_else(void)
{
    lg_var *v = any_var();
    R(CALL(lg_var_set_role, v, odd_name()));
    R(CALL(lg_var_set_grad, v, chance(70)));
    R(CALL(lg_var_set_score, v, odd_double(), odd_double()));
    R(CALL(lg_var_set_example, v, odd_int()));
}

static void op_var_detach(void)
{
    lg_var *v = NULL;
    keep_var(CALL(lg_var_detach, any_var(), &v), &v);
    R(CALL(lg_var_detach, chance(50) ? any_var() : NULL, NULL));
}

static void op_var_rollback(void)
{
    lg_var *v = any_var();
    size_t n = CALL(lg_var_versions, v);
    R(CALL(lg_var_rollback, v, chance(80) && n ? below(n) : (size_t)odd_int()));
}

static void op_counts(void)
{
    lg_var *v = CALL(lg_var_ref, odd_var());
    CALL(lg_var_unref, v);
    size_t at = 1 + below(VARS - 1);
    CALL(lg_var_unref, w.vars[at]);
    w.vars[at] = NULL;
}

static void op_watch(void)
{
    lg_var *v = any_var();
    if (w.n_watches == WATCHES)
        return;
    watch *one = &w.watches[w.n_watches];
    *one = (watch){.var = lg_var_id(v), .tag = 1000 + w.n_watches};
    A("%llu, %llu", (unsigned long long)one->var, (unsigned long long)one->tag);
    w.n_watches++;
    if (R(CALL(lg_var_watch, v, one->tag)))
        w.n_watches--;
}

static void op_unwatch(void)
{
    lg_var *v = any_var();
    uint64_t id = lg_var_id(v);
    CALL(lg_var_unwatch, v, (uint64_t)odd_int() % 1000);
    for (size_t i = 0; i < w.n_watches; i++) {
        if (w.watches[i].var == id && chance(50)) {
            w.watches[i].taken_back = true;
            CALL(lg_var_unwatch, v, w.watches[i].tag);
        }
    }
}

static void op_cancel(void)
{
    lg_var *v = any_var();
    A("%llu", (unsigned long long)lg_var_id(v));
    bool pending = lg_var_state(v) == LG_PENDING;
    if ((R(CALL(lg_var_cancel, v)) == LG_OK) != pending && !(pending && w.threaded))
        broken("cancelling what is %spending", pending ? "" : "not ");
}

static void op_dot(void)
{
    size_t lines = chance(50) ? SIZE_MAX : below(20);
    R(CALL(lg_var_dot, any_var(), chance(50), write_nothing, &lines));
    R(CALL(lg_var_dot, any_var(), true, NULL, NULL));
}

/* ---- models and tools -------------------------------------------------------- */

static lg_model *any_model(void)
{
    return chance(3) ? NULL : chance(3) ? w.strange_model : w.models[below(MODELS)];
}

static const lg_option *odd_options(size_t *n)
{
    static const lg_option all[] = {{"temperature", "0"}, {"max_tokens", "100"}, {"seed", "1"},
                                    {"stop", "[\"x\"]"},  {"bad", "{"},          {"model", "1"},
                                    {NULL, "1"},          {"x", NULL},           {"\xff", "1"}};
    size_t from = below(3) ? below(4) : below(9);
    *n = chance(95) ? below(4) % (10 - from) : (size_t)odd_int();
    if (*n > 9 - from && *n < 10000)
        *n = 9 - from;
    return chance(97) ? all + from : NULL;
}

static void odd_prices(lg_model_config *m)
{
    static const lg_price_tier tiers[] = {{10, 1, 1, 1, 1}, {5, 1, -2, 0, 0}};
    m->price_input = odd_int();
    m->price_output = odd_int();
    m->max_output = odd_int();
    m->requests_per_minute = odd_int();
    m->tokens_per_minute = odd_int();
    m->hedge_after_ms = chance(50) ? odd_int() : 0;
    m->hedge_percentile = chance(50) ? (int)odd_int() : 0;
    m->hedge_budget = odd_double();
    m->tiers = chance(80) ? tiers : NULL;
    m->n_tiers = chance(90) ? below(3) : (size_t)odd_int();
}

static void where(lg_model_config *m)
{
    static const char *const dialects[] = {"openai", "anthropic", "gemini", "ollama",
                                           "exec",   "no",        NULL};
    if (chance(w.has_net ? 20 : 80)) {
        m->dialect = "host";
        return;
    }
    m->dialect = w.has_net ? dialects[below(5)] : dialects[5 + below(2)];
    bool program = m->dialect && strcmp(m->dialect, "exec") == 0;
    m->model = program ? chance(50) ? "/bin/cat" : "/bin/false" : "m";
    m->base_url = program ? NULL : "http://127.0.0.1:1/v1"; /* nobody is there */
    m->api_key = chance(80) ? "sk-0123456789" : odd_name();
    m->price_input = m->price_output = 1000;
}

static void op_model_new(void)
{
    lg_model_config m;
    lg_model *model = NULL, *fallback = any_model();
    CALL(lg_model_config_init_size, &m, sizeof m);
    m.name = chance(90) ? "host/model" : odd_name();
    where(&m);
    m.concurrency = chance(80) ? 0 : (int)odd_int();
    m.no_memo = chance(20);
    m.keep_thinking = chance(20);
    m.stop_repetition = chance(20);
    if (chance(20))
        odd_prices(&m);
    if (chance(20))
        m.options = odd_options(&m.n_options);
    if (chance(10))
        m.headers = odd_options(&m.n_headers);
    m.fallbacks = chance(90) ? &fallback : NULL;
    m.n_fallbacks = chance(70) ? 0 : chance(95) ? 1 : (size_t)odd_int() | 16;
    m.quirks = chance(10) ? odd_name() : NULL;
    m.size = chance(98) ? sizeof m : below(8);
    A("%s, %zu options", m.dialect ? m.dialect : "NULL", m.n_options);
    int err = R(CALL(lg_model_new, w.e, chance(98) ? &m : NULL, chance(98) ? &model : NULL));
    if (err || !model)
        return;
    size_t at = 1 + below(MODELS - 1);
    CALL(lg_model_unref, w.models[at]);
    w.models[at] = model;
}

static void op_model_counts(void)
{
    lg_model *m = CALL(lg_model_ref, any_model());
    if (m && !CALL(lg_model_name, m))
        broken("a model without a name");
    CALL(lg_model_unref, m);
    CALL(lg_model_config_init_size, NULL, 0);
}

static lg_tool *any_tool(void)
{
    return chance(3) ? NULL : chance(3) ? w.strange_tool : w.tools[below(TOOLS)];
}

static void op_tool_new(void)
{
    lg_tool *t = NULL;
    if (R(CALL(lg_tool_new, w.e, odd_name(), odd_name(), chance(50), (uint64_t)odd_int(), &t)))
        return;
    if (chance(40))
        R(CALL(lg_tool_cache, t, odd_name()));
    size_t at = 2 + below(TOOLS - 2);
    CALL(lg_tool_unref, w.tools[at]);
    w.tools[at] = t;
    R(CALL(lg_tool_new, w.e, "x", NULL, false, 0, NULL));
}

static void op_tool_counts(void)
{
    CALL(lg_tool_unref, CALL(lg_tool_ref, any_tool()));
}

/* ---- nodes ------------------------------------------------------------------- */

static lg_var *list[8];
static const char *list_names[8];

/* How many were drawn; or a number that cannot be. */
static size_t draw(void)
{
    size_t n = below(6);
    for (size_t i = 0; i < 8; i++) {
        list[i] = odd_var();
        list_names[i] = i < 2 ? i ? "y" : "x" : odd_name();
    }
    return chance(98) ? n : chance(50) ? SIZE_MAX : ((size_t)1 << 24) + 1;
}

static lg_var *const *drawn(void)
{
    return chance(98) ? list : NULL;
}

static void op_call(void)
{
    static const char *const roles[] = {"user",     "system",     "assistant", LG_PART, LG_SHOWN,
                                        "tool f 1", "describe f", "\xff",      "",      NULL};
    lg_message m[4];
    lg_call c;
    lg_var *v = NULL;
    CALL(lg_call_init_size, &c, sizeof c);
    for (size_t i = 0; i < 4; i++)
        m[i] = (lg_message){roles[chance(80) ? below(2) : below(10)], odd_var()};
    c.messages = chance(98) ? m : NULL;
    c.n_messages = chance(98) ? below(5) : SIZE_MAX - below(2);
    c.role = odd_name();
    if (chance(15))
        c.options = odd_options(&c.n_options);
    c.sample = (uint32_t)below(3);
    c.kind = chance(95) ? (int)below(4) : (int)odd_int();
    c.example = chance(50) ? (int64_t)below(5) : odd_int();
    c.stream = chance(20);
    c.purpose = below(3);
    c.size = chance(98) ? sizeof c : below(8);
    keep_var(CALL(lg_call_model, w.e, any_model(), chance(99) ? &c : NULL, &v), &v);
    CALL(lg_call_init_size, NULL, 0);
}

static void op_format(void)
{
    lg_var *v = NULL;
    size_t n = draw();
    const char *const *names = chance(98) ? list_names : NULL;
    keep_var(CALL(lg_format, w.e, odd_var(), names, drawn(), n, odd_name(), chance(50), &v), &v);
}

static void op_reduce(void)
{
    lg_var *v = NULL;
    size_t n = draw();
    unsigned flags = chance(90) ? (unsigned)below(2) : (unsigned)odd_int();
    double weights[] = {odd_double(), 1, 2};
    switch (below(5)) {
    case 0:
        keep_var(CALL(lg_sum_weighted, w.e, drawn(), n < 4 ? weights : NULL, n, flags, &v), &v);
        break;
    case 1:
        keep_var(CALL(lg_mean_weighted, w.e, drawn(), n < 4 ? weights : NULL, n, flags, &v), &v);
        break;
    case 2:
        keep_var(CALL(lg_concat, w.e, drawn(), n, odd_name(), &v), &v);
        break;
    case 3:
        keep_var(CALL(lg_sum, w.e, drawn(), n, flags, &v), &v);
        break;
    default:
        keep_var(CALL(lg_mean, w.e, drawn(), n, flags, &v), &v);
    }
    R(CALL(lg_concat, w.e, list, 1, NULL, NULL));
}

static void op_tool_call(void)
{
    lg_var *v = NULL;
    size_t n = draw();
    const char *const *names = chance(90) ? list_names : NULL;
    keep_var(CALL(lg_tool_call, w.e, any_tool(), names, drawn(), n, odd_name(), &v), &v);
}

static void op_promise_new(void)
{
    lg_var *v = NULL;
    size_t n = draw();
    keep_var(CALL(lg_promise_new, w.e, drawn(), n, odd_name(), &v), &v);
    R(CALL(lg_promise_new, w.e, NULL, 0, NULL, NULL));
}

static lg_var *any_promise(void)
{
    for (int i = 0; i < 20; i++) {
        lg_var *v = any_var();
        if (lg_var_op(v) == LG_OP_PROMISE && lg_var_state(v) == LG_PENDING)
            return v;
    }
    return any_var();
}

static void op_promise_keep(void)
{
    lg_var *v = any_promise(), *from = odd_var();
    bytes b = chance(70) ? (bytes){NULL, 0} : odd_text();
    A("%llu, %llu", (unsigned long long)lg_var_id(v),
      from ? (unsigned long long)lg_var_id(from) : 0);
    R(CALL(lg_promise_keep, v, from, b.s, b.len));
}

static void op_promise_fail(void)
{
    lg_var *v = any_promise();
    A("%llu", (unsigned long long)lg_var_id(v));
    R(CALL(lg_promise_fail_as, v, odd_code(), odd_name(), odd_name(), odd_name()));
}

static void op_timer(void)
{
    lg_var *v = NULL;
    int64_t after = odd_int();
    A("%lld", (long long)after);
    keep_var(CALL(lg_timer_new, w.e, after, odd_name(), &v), &v);
    R(CALL(lg_timer_new, w.e, 0, NULL, NULL));
}

static const char *const chunks[] = {"return 1, {a = 2}", "while true do end", "error(nil)",
                                     "function f(x) print(x) return f end", "return ("};

/* Small limits, one worker: what is tried is the API, not the candidates. */
static void op_sandbox(void)
{
    lg_sandbox_config cfg;
    lg_sandbox *box = NULL;
    lg_var *v = NULL;
    CALL(lg_sandbox_config_init_size, &cfg, sizeof cfg);
    cfg.workers = chance(95) ? 1 : (int)odd_int();
    cfg.instructions = 100000;
    cfg.timeout_ms = chance(90) ? 200 : (int)odd_int();
    if (chance(20))
        cfg.memory = (size_t)odd_int();
    bytes source = odd_text();
    if (chance(70)) {
        source.s = chunks[below(sizeof chunks / sizeof *chunks)];
        source.len = strlen(source.s);
    }
    if (R(CALL(lg_sandbox_new, w.e, chance(90) ? &cfg : NULL, &box)) == 0 && box) {
        keep_var(CALL(lg_sandbox_run, box, odd_name(), source.s, source.len,
                      chance(50) ? "f" : odd_name(), chance(50) ? "[1, \"x\"]" : odd_name(), &v),
                 &v);
        R(CALL(lg_sandbox_run, box, NULL, NULL, 0, NULL, NULL, NULL));
    }
    CALL(lg_sandbox_free, box);
    CALL(lg_sandbox_config_init_size, NULL, 0);
}

/* ---- answers ----------------------------------------------------------------- */

static const double *odd_score(double *score)
{
    *score = odd_double();
    return chance(60) ? score : NULL;
}

static void op_tool_answer(void)
{
    work *one = odd_work(chance(80) ? LG_EVENT_TOOL : LG_EVENT_GRADIENT);
    double score;
    bytes b = odd_text(), m = odd_media();
    A("%llu", (unsigned long long)one->id);
    switch (below(4)) {
    case 0:
        answered(one, LG_EVENT_TOOL,
                 chance(50)
                     ? CALL(lg_tool_fail, w.e, one->id, odd_code(), odd_name())
                     : CALL(lg_tool_fail_as, w.e, one->id, odd_code(), odd_name(), odd_name()));
        break;
    case 1:
        answered(one, LG_EVENT_TOOL,
                 CALL(lg_tool_return_media, w.e, one->id, odd_type(), m.s, m.len, odd_score(&score),
                      odd_double()));
        break;
    default:
        answered(one, LG_EVENT_TOOL,
                 CALL(lg_tool_return, w.e, one->id, b.s, b.len, odd_score(&score), odd_double()));
    }
}

static void op_tool_feedback(void)
{
    work *one = odd_work(LG_EVENT_GRADIENT);
    bytes b = odd_text();
    const char *text;
    size_t len;
    A("%llu", (unsigned long long)one->id);
    R(CALL(lg_tool_feedback, w.e, one->id, chance(90) ? below(4) : (size_t)odd_int(), b.s, b.len));
    R(CALL(lg_tool_heard, w.e, one->id, chance(95) ? &text : NULL, chance(95) ? &len : NULL));
}

static void op_call_look(void)
{
    work *one = odd_work(LG_EVENT_CALL);
    lg_request_view view;
    lg_option o;
    const char *role, *text;
    size_t len, i = chance(90) ? below(4) : (size_t)odd_int();
    if (CALL(lg_call_view, w.e, one->id, chance(95) ? &view : NULL) == LG_OK && one->over)
        broken("what is over can still be looked at");
    R(CALL(lg_call_message, w.e, one->id, i, chance(95) ? &role : NULL, &text, &len));
    CALL(lg_call_message_media, w.e, one->id, i);
    R(CALL(lg_call_option, w.e, one->id, i, chance(95) ? &o : NULL));
}

static void op_call_answer(void)
{
    work *one = odd_work(LG_EVENT_CALL);
    bytes b = odd_text(), m = odd_media();
    lg_usage u = {(int64_t)below(100), 0, 0, (int64_t)below(100), 0};
    if (chance(20))
        u = (lg_usage){odd_int(), odd_int(), odd_int(), odd_int(), odd_int()};
    const lg_usage *usage = chance(70) ? &u : NULL;
    A("%llu, \"%s\"", (unsigned long long)one->id, text_of(b));
    switch (below(5)) {
    case 0:
        answered(one, LG_EVENT_CALL,
                 chance(50) ? CALL(lg_call_fail, w.e, one->id, odd_code(), chance(50), odd_name())
                            : CALL(lg_call_fail_as, w.e, one->id, odd_code(), chance(50),
                                   odd_name(), odd_name()));
        break;
    case 1:
        answered(
            one, LG_EVENT_CALL,
            CALL(lg_call_reply_media, w.e, one->id, odd_type(), m.s, m.len, odd_name(), usage));
        break;
    default:
        answered(
            one, LG_EVENT_CALL,
            CALL(lg_call_reply, w.e, one->id, b.s, b.len, chance(50) ? "stop" : odd_name(), usage));
    }
}

bool answer_well(work *one)
{
    if (one->type == LG_EVENT_CALL)
        answered(one, one->type, CALL(lg_call_reply, w.e, one->id, "well", 4, "stop", NULL));
    else
        answered(one, LG_EVENT_TOOL, CALL(lg_tool_return, w.e, one->id, "well", 4, NULL, 0));
    return one->over;
}

/* ---- backward ---------------------------------------------------------------- */

static void op_backward(void)
{
    lg_backward b;
    lg_var *v = NULL, *root = odd_var();
    CALL(lg_backward_init_size, &b, sizeof b);
    b.model = chance(90) ? w.models[below(MODELS)] : any_model();
    b.context_tokens = chance(70) ? 0 : (size_t)odd_int();
    b.skip_failed = chance(50);
    b.grain = chance(95) ? (int)below(4) : (int)odd_int();
    b.size = chance(98) ? sizeof b : below(8);
    A("%llu", root ? (unsigned long long)lg_var_id(root) : 0);
    keep_var(CALL(lg_backward_start, w.e, root, chance(99) ? &b : NULL, &v), &v);
    R(CALL(lg_backward_start, w.e, w.vars[0], &b, NULL));
}

static const char *const templates[][2] = {
    {"critic.system", "You are the critic."},
    {"critic.base", "BASE {role} {output_role} {objective} {conversation} {variable}"},
    {"critic.chain", "{role} {output_role} {objective} {conversation} {variable} {feedback}"},
    {"tool.base", "TOOL {role} {output_role} {objective} {conversation} {variable}"},
    {"tool.chain", "{role} {output_role} {objective} {conversation} {variable} {feedback}"},
    {"objective", "do well"},
    {"objective.scored", "scored {score} of {target}"},
    {"critic.passed", "by number"},
    {"critic.told", "{points}"},
    {"critic.again", "again"},
    {"critic.node.system", "You are the critic of a step."},
    {"critic.node", "{texts} {conversation} {output_role} {heard} {goal} {objective}"},
    {"critic.node.heard", "{feedback}"},
    {"critic.node.told", "{points}"},
    {"critic.node.again", "letters"},
    {"critic.graph.system", "You are the critic of a program."},
    {"critic.graph", "{texts} {trace} {solved} {goal}"},
    {"critic.graph.solved", "{solved} of {all}"},
    {"reduce.system", "Merge."},
    {"reduce.user", "REDUCE {role} {variable} {feedback}"},
};

static void op_template(void)
{
    lg_var *v = NULL;
    const char *name = chance(70) ? templates[below(20)][0] : odd_name();
    A("%s", name ? name : "NULL");
    if (chance(30))
        R(CALL(lg_template_set, w.e, name, odd_var()));
    R(CALL(lg_template_get, w.e, name, chance(90) ? &v : NULL));
}

/* ---- which of them ----------------------------------------------------------- */

static const struct {
    void (*run)(void);
    size_t weight;
} ops[] = {
    {op_names, 1},        {op_text_tools, 2},   {op_engine_numbers, 3}, {op_engine_else, 1},
    {op_step, 8},         {op_wait, 3},         {op_next, 8},           {op_drain, 1},
    {op_run, 1},          {op_var_new, 6},      {op_var_new_media, 2},  {op_var_set, 4},
    {op_var_set_else, 4}, {op_var_rollback, 2}, {op_look, 8},           {op_feedback, 5},
    {op_counts, 5},       {op_watch, 5},        {op_unwatch, 2},        {op_cancel, 3},
    {op_dot, 1},          {op_model_new, 2},    {op_model_counts, 1},   {op_tool_new, 2},
    {op_tool_counts, 1},  {op_call, 10},        {op_format, 6},         {op_reduce, 8},
    {op_tool_call, 8},    {op_promise_new, 6},  {op_promise_keep, 8},   {op_promise_fail, 2},
    {op_timer, 4},        {op_sandbox, 1},      {op_tool_answer, 12},   {op_tool_feedback, 6},
    {op_call_look, 4},    {op_call_answer, 16}, {op_backward, 6},       {op_template, 2},
    {op_var_detach, 3},
};

void one_call(void)
{
    size_t all = 0, n = sizeof ops / sizeof *ops;
    for (size_t i = 0; i < n; i++)
        all += ops[i].weight;
    size_t at = below(all), i = 0;
    while (at >= ops[i].weight)
        at -= ops[i++].weight;
    ops[i].run();
}

static void needed(int err)
{
    if (err)
        broken("the world cannot be made: %s", lg_error_name(err));
}

static void make_strangers(const lg_model_config *m)
{
    needed(lg_var_new(w.other, "strange", 7, "strange", true, &w.strange));
    needed(lg_model_new(w.other, m, &w.strange_model));
    needed(lg_tool_new(w.other, "strange", NULL, false, 0, &w.strange_tool));
}

void make_world_useful(void)
{
    lg_model_config m;
    lg_var *v;
    lg_model_config_init(&m);
    m.dialect = "host";
    m.name = "host/model";
    for (size_t i = 0; i < MODELS; i++)
        needed(lg_model_new(w.e, &m, &w.models[i]));
    for (size_t i = 0; i < TOOLS; i++)
        needed(lg_tool_new(w.e, i ? "f" : "own", "it computes", i == 0, i, &w.tools[i]));
    for (size_t i = 0; i < 6; i++)
        needed(lg_var_new(w.e, "leaf {x}", 8, "leaf", i % 2 == 0, &w.vars[i]));
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        needed(lg_var_new(w.e, templates[i][1], strlen(templates[i][1]), "t", false, &v));
        needed(lg_template_set(w.e, templates[i][0], v));
        lg_var_unref(v);
    }
    make_strangers(&m);
}
