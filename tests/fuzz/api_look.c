/* api_look.c - the calls of the C API's fuzz that look at variables: what each tells must fit what
 * the others tell. See api_ops.c. */
#include <string.h>

#include "api_fuzz.h"

static const char *why_of(const lg_var *v)
{
    lg_failure why;
    return lg_var_error(v, &why) ? why.message : "";
}

static void look_at_value(lg_var *v)
{
    int state = CALL(lg_var_state, v);
    size_t len = 7, n = CALL(lg_var_versions, v);
    const char *text = CALL(lg_var_text, v, chance(80) ? &len : NULL);
    lg_failure why;
    if (w.threaded && state == LG_PENDING)
        return; /* by now it may be something else */
    if ((text != NULL) != (state == LG_READY) && n == 0)
        broken("state %d, but its text is %s", state, text ? "there" : "not there");
    bool bad = state == LG_FAILED || state == LG_CANCELLED;
    if (CALL(lg_var_error, v, chance(90) ? &why : NULL) != bad)
        broken("state %d does not fit its error", state);
    const char *cause = CALL(lg_var_cause, v);
    size_t whole = bad ? strlen(why_of(v)) : 0, part = cause ? strlen(cause) : 0;
    if ((cause != NULL) != bad || part > whole)
        broken("state %d does not fit its cause", state);
    size_t i = n ? below(n + 1) : 0;
    if ((CALL(lg_var_version, v, i, chance(80) ? &len : NULL) != NULL) != (i < n))
        broken("version %zu of %zu", i, n);
    CALL(lg_var_version_media, v, i);
    CALL(lg_var_media, v);
}

static void look_at_making(lg_var *v)
{
    size_t n = CALL(lg_var_inputs, v), i = below(n + 2), len;
    lg_input in;
    lg_usage usage;
    if ((CALL(lg_var_input, v, i, &in) == LG_OK) != (i < n))
        broken("input %zu of %zu", i, n);
    R(CALL(lg_var_input, v, i, NULL));
    CALL(lg_var_input_media, v, i);
    CALL(lg_var_finish_reason, v);
    const char *thinking = CALL(lg_var_thinking, v, chance(80) ? &len : NULL);
    if (thinking && (lg_utf8_check(thinking, strlen(thinking)) >= 0 || !thinking[0]))
        broken("thinking that is no text");
    CALL(lg_var_usage, v, chance(80) ? &usage : NULL);
    CALL(lg_var_wanted, v);
    CALL(lg_var_pass, v);
    int op = CALL(lg_var_op, v);
    if (op < 0 || op >= LG_OPS || !CALL(lg_var_role, v))
        broken("made in no known way, or without a role");
}

void op_look(void)
{
    lg_var *v = any_var();
    double score, target;
    A("%llu", (unsigned long long)CALL(lg_var_id, v));
    look_at_value(v);
    look_at_making(v);
    CALL(lg_var_grad, v);
    CALL(lg_var_example, v);
    CALL(lg_var_score, v, chance(50) ? &score : NULL, chance(50) ? &target : NULL);
}

void op_feedback(void)
{
    lg_var *v = any_var();
    lg_feedback f;
    size_t n = CALL(lg_var_feedbacks, v), i = below(n + 2);
    if ((CALL(lg_var_feedback, v, i, &f) == LG_OK) != (i < n) && (i < n || !w.threaded))
        broken("feedback %zu of %zu", i, n);
    R(CALL(lg_var_feedback, v, i, NULL));
    R(CALL(lg_var_feedback_source, v, i, below(3), chance(90) ? &f : NULL));
    bytes b = odd_text();
    if (chance(50))
        R(CALL(lg_var_add_feedback, v, b.s, b.len));
    if (chance(10))
        R(CALL(lg_var_zero_grad, v));
}
