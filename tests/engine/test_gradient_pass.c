/* test_gradient_pass.c - a pass as a thing of its own: how it fails, is cancelled,
 * asks the host's own backward; templates as variables; memory that runs short. */
#include "../scripted.h"

static lg_var *sum2(script *s, lg_var *a, lg_var *b)
{
    lg_var *v = NULL;
    assert_int_equal(lg_sum(s->e, (lg_var *[]){a, b}, 2, 0, &v), 0);
    return v;
}

static lg_var *backward(script *s, lg_var *root, lg_model *model, bool skip_failed)
{
    lg_backward b;
    lg_var *pass = NULL;
    lg_backward_init(&b);
    b.model = model;
    b.skip_failed = skip_failed;
    assert_int_equal(lg_backward_start(s->e, root, &b, &pass), 0);
    return pass;
}

/* ---- failing ------------------------------------------------------------ */

static void test_pass_tells_what_was_done(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *pass = backward(&s, script_call(&s, NULL, p, "loss", -1), s.model, false);
    assert_int_equal(lg_var_op(pass), LG_OP_PASS);
    assert_string_equal(lg_op_name(LG_OP_PASS), "backward pass");
    assert_int_equal(lg_var_state(pass), LG_PENDING);
    assert_ptr_equal(lg_var_pass(p), pass);
    lg_var_watch(pass, 77);
    assert_true(script_run(&s));
    assert_int_equal(s.last_tag, 77);
    assert_text(pass, "1 pieces of feedback, 1 questions asked, 0 solved already");
    assert_null(lg_var_pass(p));
    script_end(&s);
}

static const char *refuse_p(script *s, const char *prompt)
{
    return strstr(prompt, "role=p") ? NULL : script_reply(s, prompt);
}

static void test_failing_critic(void **state)
{
    (void)state;
    for (int skip = 0; skip < 2; skip++) {
        script s;
        script_start(&s);
        s.reply = refuse_p;
        lg_var *p = script_leaf(&s, "prompt", "p", true), *q = script_leaf(&s, "x", "q", true);
        lg_var *answer = script_call(&s, p, q, "answer", 4);
        lg_var *pass = backward(&s, script_call(&s, NULL, answer, "loss", -1), s.model, skip);
        lg_var_unref(pass); /* the leaves keep what failed */
        assert_true(script_run(&s));
        assert_int_equal(lg_var_feedbacks(q), 1);
        assert_int_equal(lg_var_feedbacks(p), 0);
        pass = lg_var_pass(p);
        if (skip) {
            assert_null(pass);
        } else {
            assert_error(pass, LG_EREFUSED, "feedback on p (node");
            assert_error(pass, LG_EREFUSED, "example 4): the model refused");
            assert_ptr_equal(lg_var_pass(q), pass);
            assert_int_equal(lg_var_zero_grad(p), 0);
            assert_null(lg_var_pass(p));
            assert_non_null(lg_var_pass(q));
            assert_int_equal(lg_var_zero_grad(q), 0);
        }
        script_end(&s);
    }
}

static const char *refuse_chain(script *s, const char *prompt)
{
    return strstr(prompt, "CHAIN") ? NULL : script_reply(s, prompt);
}

/* Two edges of one node fail: the lower is told, whichever came first. */
static void test_lowest_edge_is_told(void **state)
{
    char *told = NULL;
    (void)state;
    for (uint64_t seed = 1; seed < 12; seed++) {
        script s;
        script_start(&s);
        s.random = seed;
        s.reply = refuse_chain;
        lg_var *p = script_leaf(&s, "1", "p", true), *q = script_leaf(&s, "2", "q", true);
        lg_var *a = script_call(&s, p, q, "answer", -1);
        lg_var *pass = backward(&s, script_call(&s, NULL, a, "loss", -1), s.model, false);
        assert_true(script_run(&s));
        assert_int_equal(lg_var_state(pass), LG_FAILED);
        if (told) /* with the number of the question's node, made first for p */
            assert_string_equal(script_error(pass), told);
        else
            told = strdup(script_error(pass));
        script_end(&s);
    }
    free(told);
}

static void test_no_model(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *loss = script_call(&s, NULL, p, "loss", -1);
    lg_var *pass = backward(&s, loss, NULL, false);
    assert_true(script_run(&s));
    assert_error(pass, LG_EINVAL, "feedback for loss (node");
    /* none is needed where nothing is asked */
    lg_var *sum = sum2(&s, p, p);
    pass = backward(&s, sum, NULL, false);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    script other;
    script_start(&other);
    lg_backward b;
    lg_backward_init(&b);
    b.model = other.model;
    assert_int_equal(lg_backward_start(s.e, loss, &b, &pass), LG_EINVAL);
    b.model = s.model;
    assert_int_equal(lg_backward_start(s.e, NULL, &b, &pass), LG_EINVAL);
    assert_int_equal(lg_backward_start(other.e, loss, &b, &pass), LG_EINVAL);
    script_end(&other);
    script_end(&s);
}

static void test_failed_root(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *loss = script_call(&s, NULL, p, "loss", 9);
    script_take(&s);
    lg_call_fail(s.e, s.works[0].id, LG_EMONEY, false, "no credit");
    script_drop(&s, 0);
    lg_var *pass = backward(&s, loss, s.model, false);
    assert_true(script_run(&s));
    assert_error(pass, LG_EMONEY, "loss (node");
    assert_error(pass, LG_EMONEY, "example 9): no credit");
    assert_int_equal(s.n_prompts, 0);
    script_end(&s);
}

/* ---- templates ---------------------------------------------------------- */

static void test_template_with_an_unknown_field(void **state)
{
    static const char *const names[] = {"critic.base", "objective"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        script s;
        script_start(&s);
        script_template(&s, names[i], "BASE {mistake}");
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        lg_var *pass = backward(&s, script_call(&s, NULL, p, "loss", -1), s.model, false);
        assert_true(script_run(&s));
        assert_error(pass, LG_ETEMPLATE, "{mistake}");
        assert_int_equal(script_asked(&s, "critic"), 0); /* nothing was bought */
        script_end(&s);
    }
}

/* Operators' own prompts are found by the same descent: what a critic wrote can be
 * judged, and the feedback reaches the template that asked for it. */
static void test_trainable_templates(void **state)
{
    static const char *const names[] = {"critic.base", "critic.system", "objective"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        script s;
        lg_feedback f;
        script_start(&s);
        lg_var *t = script_leaf(&s, i ? "be kind" : "BASE mine {variable} {objective}",
                                "prompt of "
                                "the critic",
                                true);
        assert_int_equal(lg_template_set(s.e, names[i], t), 0);
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        script_learn(&s, script_call(&s, NULL, p, "loss", -1));
        assert_int_equal(script_asked(&s, i ? "be kind" : "BASE mine prompt do well"), 1);
        assert_int_equal(lg_var_feedback(p, 0, &f), 0);
        lg_var *wrote = lg_var_ref(f.var);
        assert_true(lg_var_grad(wrote));
        assert_int_equal(lg_var_op(wrote), LG_OP_CALL);
        lg_var *judged = script_call(&s, NULL, wrote, "judgement of the feedback", -1);
        script_template(&s, "critic.base", SCRIPT_CRITIC("BASE", ""));
        script_template(&s, "critic.system", "You are the critic.");
        script_learn(&s, judged);
        assert_int_equal(lg_var_feedbacks(t), 1);
        assert_int_equal(lg_var_feedback(t, 0, &f), 0);
        assert_int_equal(f.state, LG_FB_TEXT);
        assert_non_null(strstr(f.conversation, "prompt"));
        lg_var_unref(wrote);
        script_end(&s);
    }
}

/* ---- what a critic's reply is worth ------------------------------------- */

typedef struct replies { /* one after the other, to questions of the critic */
    const char *const *texts;
    size_t n;
} replies;

static const char *in_turn(script *s, const char *prompt)
{
    replies *r = s->ud;
    return strstr(prompt, "BASE") ? r->texts[r->n++] : script_reply(s, prompt);
}

/* A prompt whose critic answers these; what is said in the end, the questions, the pass' words. */
static void criticised(script *s, const char *const *texts, lg_var **p, char said[200])
{
    replies r = {texts, 0};
    script_start(s);
    s->reply = in_turn;
    s->ud = &r;
    script_template(s, "critic.again", "AGAIN");
    *p = script_leaf(s, "be brief", "p", true);
    lg_var *pass = backward(s, script_call(s, NULL, *p, "loss", -1), s->model, false);
    assert_true(script_run(s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    snprintf(said, 200, "%s", lg_var_text(pass, NULL));
    lg_var_unref(pass);
}

static void test_an_echo_is_asked_again(void **state)
{
    static const char *const echoes[] = {
        "be brief", " be brief\n", "<CONVERSATION>\nhello\n</CONVERSATION>",
        "The variable was used; [VARIABLE] marks where it stood.", "Raise it.\n</OBJECTIVE>"};
    (void)state;
    for (size_t i = 0; i < sizeof echoes / sizeof *echoes; i++) {
        script s;
        lg_var *p;
        char said[200];
        criticised(&s, (const char *[]){echoes[i], "Say how many."}, &p, said);
        assert_string_equal(script_said(p, 0), "Say how many.");
        assert_int_equal(s.n_prompts, 3);
        assert_non_null(strstr(s.prompts[2], "user: AGAIN\n"));
        assert_non_null(strstr(said, "1 malformed"));
        script_end(&s);
        criticised(&s, (const char *[]){echoes[i], "be brief"}, &p, said); /* it gives up */
        lg_feedback f;
        assert_int_equal(lg_var_feedback(p, 0, &f), 0);
        assert_int_equal(f.state, LG_FB_EMPTY);
        assert_int_equal(s.n_prompts, 3);
        assert_non_null(strstr(said, "2 malformed"));
        script_end(&s);
    }
}

/* An answer given back is no feedback on its prompt; a judge's own words may be. */
static const char *parrot(script *s, const char *prompt)
{
    (void)s;
    return strstr(prompt, "AGAIN")   ? "Say how many."
           : strstr(prompt, "CHAIN") ? "Four cats."
           : strstr(prompt, "BASE")  ? "four, cats"
           : strstr(prompt, "judge") ? "four cats"
                                     : "Four \"cats\"";
}

static void test_an_output_given_back_is_asked_again(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    s.reply = parrot;
    script_template(&s, "critic.again", "AGAIN");
    lg_var *judge = script_leaf(&s, "judge", "judge", true);
    lg_var *p = script_leaf(&s, "be brief", "p", true);
    script_learn(&s, script_call(&s, judge, script_call(&s, NULL, p, "answer", -1), "loss", -1));
    assert_string_equal(script_said(p, 0), "Say how many.");
    assert_string_equal(script_said(judge, 0), "four, cats");
    script_end(&s);
}

static void test_what_is_said_over_and_over_counts_once(void **state)
{
    (void)state;
    script s;
    lg_var *p;
    char said[200], *loop = calloc(1, 20000), *end = loop;
    end = stpcpy(end, "- Name the items.\n\n");
    for (int i = 0; i < 200; i++)
        end = stpcpy(end, i % 2 ? "- Name the items.\n" : "- Count them.\n");
    criticised(&s, (const char *[]){loop}, &p, said);
    assert_string_equal(script_said(p, 0), "- Name the items.\n\n- Count them.");
    script_end(&s);
    for (end = loop; end < loop + 19000;)
        end += sprintf(end, "- Point %zu is one more.\n", (size_t)(end - loop));
    criticised(&s, (const char *[]){loop}, &p, said);
    lg_feedback f;
    lg_var_feedback(p, 0, &f);
    assert_true(lg_token_estimate(f.text, f.len) <= 410); /* few points were asked for */
    assert_true(strncmp(f.text, "- Point 0 is one more.\n- Point ", 30) == 0);
    script_end(&s);
    free(loop);
}

static void tell_options(script *s, const script_work *w, char *out)
{
    lg_request_view view;
    *out = '\0';
    assert_int_equal(lg_call_view(s->e, w->id, &view), 0);
    for (size_t i = 0; i < view.n_options; i++) {
        lg_option o;
        lg_call_option(s->e, w->id, i, &o);
        out += sprintf(out, "%s=%s ", o.name, o.json);
    }
}

/* Takes the only work there is; tells its options. */
static script_work only_work(script *s, char *options)
{
    script_take(s);
    assert_int_equal(s->n_works, 1);
    script_work w = s->works[0];
    lg_var_ref(w.var);
    tell_options(s, &w, options);
    script_drop(s, 0);
    return w;
}

static void test_replies_have_a_ceiling(void **state)
{
    static const struct {
        size_t tokens;
        bool none;
        const char *want;
    } rows[] = {{0, false, "max_tokens=2048 "}, {300, false, "max_tokens=300 "}, {300, true, ""}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script s;
        lg_backward b;
        lg_var *pass = NULL;
        char options[80];
        script_start(&s);
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        lg_var *loss = script_call(&s, NULL, p, "loss", -1);
        assert_true(script_run(&s));
        lg_backward_init(&b);
        b.model = s.model;
        b.reply_tokens = rows[i].tokens;
        b.no_ceiling = rows[i].none;
        assert_int_equal(lg_backward_start(s.e, loss, &b, &pass), 0);
        script_work w = only_work(&s, options);
        assert_string_equal(options, rows[i].want);
        /* long reasoning used it up: once more without */
        lg_call_fail(s.e, w.id, LG_ETRUNCATED, false, "cut before the first word");
        lg_var_unref(w.var);
        if (!rows[i].none) {
            w = only_work(&s, options);
            assert_string_equal(options, "");
            lg_call_reply(s.e, w.id, "mend it", 7, "stop", NULL);
            lg_var_unref(w.var);
        }
        assert_true(script_run(&s));
        assert_int_equal(lg_var_state(pass), rows[i].none ? LG_FAILED : LG_READY);
        lg_var_unref(pass);
        script_end(&s);
    }
}

/* A template may still be on its way. */
static void test_pending_template(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *t = script_tool_call(&s, s.tool, script_leaf(&s, "BASE {variable}", "x", false), "t");
    lg_template_set(s.e, "critic.base", t);
    lg_template_set(s.e, "objective", t); /* and it fails, having no field {variable} */
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *pass = backward(&s, script_call(&s, NULL, p, "loss", -1), s.model, false);
    assert_true(script_run(&s));
    assert_error(pass, LG_ETEMPLATE, "objective (node");
    script_template(&s, "objective", "do well");
    script_learn(&s, script_call(&s, NULL, p, "loss", 2));
    assert_int_equal(script_asked(&s, "user: x=BASE prompt\n"), 1);
    script_end(&s);
}

/* ---- the host's own backward -------------------------------------------- */

static void hear(script *s, const script_work *w)
{
    const char *text = NULL;
    size_t len = 99;
    assert_int_equal(lg_tool_heard(s->e, w->id, &text, &len), 0);
    snprintf(s->buf, sizeof s->buf, "%.*s|", (int)len, text);
    assert_int_equal(lg_tool_heard(s->e, w->id, &text, &len), 0); /* the same again */
    assert_int_equal(lg_tool_feedback(s->e, w->id, 7, "x", 1), LG_EINVAL);
    assert_int_equal(lg_tool_feedback(s->e, w->id, 0, "\xff", 1), LG_EUTF8);
    assert_int_equal(lg_tool_feedback(s->e, w->id, 2, "third", 5), 0);
    assert_int_equal(lg_tool_feedback(s->e, w->id, 0, "first", 5), 0);
    assert_int_equal(lg_tool_feedback(s->e, w->id, 1, "of no use", 9), 0);
    assert_int_equal(lg_tool_feedback(s->e, w->id, 3, "", 0), 0);
    assert_int_equal(lg_tool_return(s->e, w->id, NULL, 0, NULL, 0), 0);
    assert_int_equal(lg_tool_return(s->e, w->id, NULL, 0, NULL, 0), LG_ENOTFOUND);
}

static void test_own_backward(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    (void)state;
    script s;
    lg_var *in[4], *t = NULL;
    lg_feedback f;
    script_start(&s);
    s.on_gradient = hear;
    for (int i = 0; i < 4; i++)
        in[i] = script_leaf(&s, names[i], names[i], i != 1);
    lg_tool_call(s.e, s.own, names, in, 4, "result", &t);
    script_learn(&s, t);
    assert_string_equal(s.buf, "|"); /* it is the loss itself */
    assert_int_equal(s.n_gradients, 1);
    assert_int_equal(script_stats(&s).calls_by_kind[LG_BACKWARD], 0);
    assert_int_equal(lg_var_feedbacks(in[0]), 1);
    lg_var_feedback(in[0], 0, &f);
    assert_string_equal(f.text, "first");
    assert_int_equal(f.from, lg_var_id(t));
    assert_int_equal(f.input, 0);
    assert_non_null(strstr(f.conversation, "<RESULT>\na=a,b=b,c=c,d=d\n</RESULT>"));
    assert_null(f.var);
    assert_int_equal(lg_var_feedbacks(in[1]), 0);
    assert_string_equal(script_said(in[2], 0), "third");
    lg_var_feedback(in[3], 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    lg_var *loss = script_call(&s, NULL, t, "loss", -1);
    script_learn(&s, loss);
    assert_true(strncmp(s.buf, "fb-", 3) == 0);
    script_end(&s);
}

static void gradient_fails(script *s, const script_work *w)
{
    lg_tool_feedback(s->e, w->id, 0, "half", 4);
    lg_tool_fail(s->e, w->id, LG_ETOOL, "no derivative");
}

static void test_own_backward_fails(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    s.on_gradient = gradient_fails;
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *pass = backward(&s, script_tool_call(&s, s.own, p, "result"), NULL, false);
    assert_true(script_run(&s));
    assert_error(pass, LG_ETOOL, "result (node");
    assert_error(pass, LG_ETOOL, "no derivative");
    script_end(&s);
}

/* ---- cancelling a pass -------------------------------------------------- */

static void test_cancel_while_asking(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    uint64_t before = script_stats(&s).vars_live;
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *a = script_call(&s, p, p, "a", -1), *b = script_tool_call(&s, s.own, p, "b");
    lg_var *root = sum2(&s, a, b);
    assert_true(script_run(&s));
    lg_var *pass = backward(&s, root, s.model, false);
    lg_var_watch(pass, 5);
    script_take(&s);
    assert_int_equal(s.n_works, 2); /* one question (both are equal), one own backward */
    uint64_t ids[2] = {s.works[0].id, s.works[1].id};
    int types[2] = {s.works[0].type, s.works[1].type};
    script_drop(&s, 0);
    script_drop(&s, 0);
    assert_int_equal(lg_var_cancel(pass), 0);
    for (int k = 0; k < 2; k++) { /* at once, and later */
        for (int i = 0; i < 2; i++) {
            if (types[i] == LG_EVENT_CALL) {
                assert_int_equal(lg_call_reply(s.e, ids[i], "x", 1, NULL, NULL), LG_ENOTFOUND);
            } else {
                const char *text;
                size_t len;
                assert_int_equal(lg_tool_heard(s.e, ids[i], &text, &len), LG_ENOTFOUND);
                assert_int_equal(lg_tool_feedback(s.e, ids[i], 0, "x", 1), LG_ENOTFOUND);
                assert_int_equal(lg_tool_return(s.e, ids[i], "x", 1, NULL, 0), LG_ENOTFOUND);
                assert_int_equal(lg_tool_fail(s.e, ids[i], LG_ETOOL, "x"), LG_ENOTFOUND);
            }
        }
        script_take(&s);
        assert_int_equal(s.n_abandons, 2);
        assert_int_equal(s.n_vars, 1);
    }
    assert_int_equal(lg_var_state(pass), LG_CANCELLED);
    assert_ptr_equal(lg_var_pass(p), pass); /* so that an optimizer cannot miss it */
    assert_null(lg_var_pass(root));         /* … and beside a thread nothing is held any more */
    assert_int_equal(script_stats(&s).host_running, 0);
    assert_int_equal(lg_var_feedbacks(p), 0);
    lg_var_unref(pass);
    lg_var_unref(a);
    lg_var_unref(b);
    lg_var_unref(root);
    lg_var_unref(p); /* with what is left of the pass: no cycle of counts */
    assert_int_equal(script_stats(&s).vars_live, before);
    script_end(&s);
}

static void test_cancel_unannounced(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *t = script_tool_call(&s, s.own, p, "t");
    assert_true(script_run(&s));
    for (int steps = 0; steps < 2; steps++) {
        lg_var *pass = backward(&s, t, s.model, false);
        if (steps)
            lg_engine_step(s.e, 0); /* now the event is queued */
        lg_var_cancel(pass);
        assert_null(lg_engine_next(s.e));
        lg_engine_step(s.e, 0);
        assert_null(lg_engine_next(s.e));
        assert_int_equal(script_stats(&s).host_running, 0);
        lg_var_unref(pass);
        assert_int_equal(lg_var_zero_grad(p), 0);
    }
    script_learn(&s, t);
    assert_int_equal(lg_var_feedbacks(p), 1);
    script_end(&s);
}

static void test_cancel_while_the_graph_runs(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *t = script_tool_call(&s, s.tool, p, "t");
    lg_var *pass = backward(&s, t, s.model, false);
    script_take(&s);
    lg_var_cancel(pass);
    assert_int_equal(lg_var_state(t), LG_PENDING);
    assert_int_equal(lg_var_zero_grad(p), 0);
    lg_var_unref(pass);
    assert_true(script_run(&s));
    assert_text(t, "x=prompt"); /* the graph itself goes on */
    assert_int_equal(lg_var_feedbacks(p), 0);
    script_learn(&s, t);
    assert_int_equal(lg_var_feedbacks(p), 1);
    script_end(&s);
}

static void test_cancelled_graph_ends_the_pass(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *t = script_tool_call(&s, s.tool, p, "t");
    lg_var *pass = backward(&s, t, s.model, false);
    script_take(&s);
    lg_var_cancel(t);
    assert_true(script_run(&s));
    assert_error(pass, LG_ECANCELLED, "t (node");
    script_end(&s);
}

/* Passes are started, cancelled and freed at random moments. */
static void random_passes(uint64_t seed)
{
    support_heap h;
    support_heap_init(&h);
    script s;
    lg_config cfg;
    lg_var *pass[6] = {NULL}, *loss[3];
    support_config(&cfg, &h);
    assert_int_equal(script_try(&s, &cfg), 0);
    s.random = seed;
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *mid = script_tool_call(&s, seed & 1 ? s.own : s.tool, p, "mid");
    loss[0] = script_call(&s, p, mid, "loss", 0);
    loss[1] = script_tool_call(&s, s.own, mid, "loss");
    assert_int_equal(lg_mean(s.e, loss, 2, 0, &loss[2]), 0);
    for (int i = 0; i < 60; i++) {
        uint64_t r = support_random(&s.random), k = (r >> 8) % 6;
        switch (r % 4) {
        case 0:
            lg_var_unref(pass[k]);
            pass[k] = backward(&s, loss[k % 3], s.model, seed & 2);
            break;
        case 1:
            if (pass[k])
                lg_var_cancel(pass[k]);
            break;
        default:
            script_take(&s);
            if (s.n_works)
                script_answer_one(&s);
        }
    }
    if (seed % 3 == 0) {
        script_end(&s); /* everything in flight */
        assert_heap_empty(&h);
        return;
    }
    for (int i = 0; i < 6; i++)
        lg_var_unref(pass[i]);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_zero_grad(p), 0);
    script_learn(&s, loss[2]);
    assert_true(lg_var_feedbacks(p) > 0);
    lg_var_zero_grad(p);
    for (int i = 0; i < 3; i++)
        lg_var_unref(loss[i]);
    lg_var_unref(mid);
    lg_var_unref(p);
    assert_int_equal(script_stats(&s).vars_live, SCRIPT_TEMPLATES);
    assert_int_equal(script_stats(&s).host_running, 0);
    script_end(&s);
    assert_heap_empty(&h);
}

static void test_random_passes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++)
        random_passes(seed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pass_tells_what_was_done),
    cmocka_unit_test(test_failing_critic),
    cmocka_unit_test(test_lowest_edge_is_told),
    cmocka_unit_test(test_no_model),
    cmocka_unit_test(test_failed_root),
    cmocka_unit_test(test_template_with_an_unknown_field),
    cmocka_unit_test(test_trainable_templates),
    cmocka_unit_test(test_an_echo_is_asked_again),
    cmocka_unit_test(test_an_output_given_back_is_asked_again),
    cmocka_unit_test(test_what_is_said_over_and_over_counts_once),
    cmocka_unit_test(test_replies_have_a_ceiling),
    cmocka_unit_test(test_pending_template),
    cmocka_unit_test(test_own_backward),
    cmocka_unit_test(test_own_backward_fails),
    cmocka_unit_test(test_cancel_while_asking),
    cmocka_unit_test(test_cancel_unannounced),
    cmocka_unit_test(test_cancel_while_the_graph_runs),
    cmocka_unit_test(test_cancelled_graph_ends_the_pass),
    cmocka_unit_test(test_random_passes),
};
LG_TEST_MAIN(tests)
