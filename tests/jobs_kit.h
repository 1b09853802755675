/* jobs_kit.h - a host with jobs, for tests: a world of one number, its models, and answers to
 * queries in every way. Needs cmocka. */
#ifndef LG_TEST_JOBS_KIT_H
#define LG_TEST_JOBS_KIT_H

#include "lunagrad.h"
#include "support.h"

/* ---- a world of one number ----------------------------------------------------
 * The prompt is "level N"; a question of difficulty d is answered well when d <= N. The editor
 * writes the next of some proposals. */

enum { ANSWERER = 1, CRITIC, EDITOR, MOST_LATER = 64, TAG = 77 };

typedef struct world {
    lg_engine *e;
    lg_model *models[4];
    lg_var *prompt;
    const int *proposals;
    size_t n_proposals, edits;
    const char *verdict; /* the critic's; NULL: "raise the level" */
    /* what was told */
    size_t progress, ends, functions, abandoned, asked;
    bool ended; /* nothing may come of the job any more */
    bool later; /* queries are answered by answer_later() */
    bool mute;  /* … or not at all */
    uint64_t waiting[MOST_LATER];
    size_t n_waiting;
    int seen_level; /* the highest that the host's own prompt had */
    int most_level; /* a check refuses more; 0: none */
} world;

static inline int level_of(const char *text)
{
    const char *at = text ? strstr(text, "level ") : NULL;
    return at ? atoi(at + 6) : -1;
}

static inline void reply(world *w, uint64_t id, uint64_t tag)
{
    const char *role, *system = "", *user = "";
    size_t len;
    char text[80];
    lg_call_message(w->e, id, 0, &role, &system, &len);
    lg_call_message(w->e, id, 1, &role, &user, &len);
    if (tag == CRITIC) {
        snprintf(text, sizeof text, "%s", w->verdict ? w->verdict : "raise the level");
    } else if (tag == EDITOR) {
        size_t i = w->edits < w->n_proposals ? w->edits : w->n_proposals - 1;
        w->edits++;
        snprintf(text, sizeof text, "<NEW_VARIABLE>level %d</NEW_VARIABLE>", w->proposals[i]);
    } else {
        snprintf(text, sizeof text, "%s", atoi(user) <= level_of(system) ? "ok" : "bad");
    }
    lg_call_reply(w->e, id, text, strlen(text), "stop", NULL);
}

static inline int try_open(world *w, const lg_config *cfg, const int *proposals, size_t n)
{
    static const char *const names[] = {"", "host/answerer", "host/critic", "host/editor"};
    memset(w, 0, sizeof *w);
    w->proposals = proposals;
    w->n_proposals = n;
    int err = lg_engine_new(cfg, &w->e);
    for (int tag = ANSWERER; !err && tag <= EDITOR; tag++) {
        lg_model_config m;
        lg_model_config_init(&m);
        m.dialect = "host";
        m.name = m.model = names[tag];
        m.tag = (uint64_t)tag;
        m.no_memo = true;
        err = lg_model_new(w->e, &m, &w->models[tag]);
    }
    if (!err)
        err = lg_var_new(w->e, "level 2", 7, "system prompt", true, &w->prompt);
    if (!err) {
        err =
            lg_engine_models(w->e, w->models[ANSWERER], w->models[CRITIC], w->models[EDITOR], NULL);
    }
    return err;
}

static inline void open_world(world *w, const int *proposals, size_t n)
{
    lg_config cfg;
    support_config(&cfg, NULL);
    assert_int_equal(try_open(w, &cfg, proposals, n), 0);
}

static inline void close_world(world *w)
{
    lg_var_unref(w->prompt);
    lg_engine_free(w->e);
}

/* ---- answers ------------------------------------------------------------------ */

static inline void answer(world *w, const lg_query *q)
{
    if (q->what == LG_QUERY_PROGRAM) {
        lg_call call;
        lg_var *question, *v;
        const char *at = strstr(q->example, "\"question\":\"");
        lg_query_call(q, &call);
        lg_var_new(w->e, at + 12, strcspn(at + 12, "\""), "question", false, &question);
        call.messages = (lg_message[]){{"system", q->params[0]}, {"user", question}};
        call.n_messages = 2;
        if (lg_call_model(w->e, w->models[ANSWERER], &call, &v) == 0) {
            lg_answer_var(w->e, q->id, v);
            lg_var_unref(v);
        }
        lg_var_unref(question);
    } else if (q->what == LG_QUERY_EVALUATE) {
        int level = level_of(lg_var_text(q->params[0], NULL));
        lg_answer_score(w->e, q->id, level / 10.0, "higher", 6);
    } else if (q->what == LG_QUERY_SCORE) {
        lg_answer_score(w->e, q->id, strcmp(q->text, "ok") == 0, "raise it", 8);
    } else {
        bool good = !w->most_level || level_of(q->text) <= w->most_level;
        lg_answer_score(w->e, q->id, good, "too high", 8);
    }
}

static inline void note(world *w, uint64_t id)
{
    if (w->n_waiting < MOST_LATER)
        w->waiting[w->n_waiting++] = id;
}

static inline void on_query(void *ud, lg_engine *e, const lg_query *q)
{
    world *w = ud;
    (void)e;
    w->asked++;
    assert_false(w->ended);
    assert_int_equal(q->tag, TAG);
    if (w->mute)
        return;
    if (w->later)
        note(w, q->id);
    else
        answer(w, q);
}

static inline void answer_later(world *w)
{
    size_t n = w->n_waiting;
    w->n_waiting = 0;
    for (size_t i = n; i-- > 0;) { /* the last first */
        lg_query q = {.size = sizeof q};
        if (lg_query_view(w->e, w->waiting[i], &q) == 0)
            answer(w, &q);
    }
}

static inline void take(world *w, const lg_event *event)
{
    lg_query q = {.size = sizeof q};
    switch (event->type) {
    case LG_EVENT_CALL:
        reply(w, event->id, event->tag);
        break;
    case LG_EVENT_PROGRESS:
        assert_false(w->ended);
        assert_int_equal(event->tag, TAG);
        assert_int_equal(event->text[0], '{');
        w->progress++;
        break;
    case LG_EVENT_FUNCTION:
        assert_false(w->ended);
        assert_non_null(event->name);
        assert_int_equal(event->text[0], '{');
        w->functions++;
        if (!w->mute && lg_query_view(w->e, event->id, &q) == 0)
            answer(w, &q);
        break;
    case LG_EVENT_ABANDON:
        w->abandoned++;
        break;
    case LG_EVENT_END:
        assert_int_equal(event->tag, TAG);
        w->ends++;
        w->ended = true;
        break;
    default:
        break;
    }
}

static inline void turn(world *w)
{
    const lg_event *event;
    lg_engine_wait(w->e, 10);
    while ((event = lg_engine_next(w->e)))
        take(w, event);
    int level = level_of(lg_var_text(w->prompt, NULL));
    w->seen_level = level > w->seen_level ? level : w->seen_level;
    answer_later(w);
}

static inline int run_var(world *w, const lg_var *v)
{
    for (int i = 0; i < 3000 && lg_var_state(v) == LG_PENDING; i++)
        turn(w);
    return lg_var_state(v);
}

static inline int run_job(world *w, const lg_job *j)
{
    for (int i = 0; i < 5000 && !w->ended; i++)
        turn(w);
    assert_int_equal(w->ends, 1);
    return lg_job_state(j);
}

/* Ten questions of the difficulties 1 to 10. */
static const char rows[] = "{\"question\":\"1\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"2\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"3\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"4\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"5\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"6\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"7\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"8\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"9\",\"answer\":\"ok\"}\n"
                           "{\"question\":\"10\",\"answer\":\"ok\"}\n";

static inline void config(world *w, lg_job_config *c)
{
    lg_job_config_init(c);
    c->tag = TAG;
    c->params = &w->prompt;
    c->n_params = 1;
    c->train = c->val = rows;
    c->train_len = c->val_len = sizeof rows - 1;
    c->batch = 10;
    c->steps = 3;
    c->ud = w;
}

static inline double number(const char *json, const char *name)
{
    const char *at = json ? strstr(json, name) : NULL;
    return at ? strtod(at + strlen(name), NULL) : -1;
}

#endif
