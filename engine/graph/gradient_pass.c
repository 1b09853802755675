/* gradient_pass.c - what a pass keeps of failures: which one is told in the end. */
#include "graph/gradient_internal.h"

void lg__pass_note_at(lg_pass *p, const lg_step *s, size_t place, int code, const lg_fail *f)
{
    size_t step = (size_t)(s - p->plan.steps);
    if (p->fail.code && (p->fail_step < step || (p->fail_step == step && p->fail_place <= place)))
        return;
    p->fail_step = step;
    p->fail_place = place;
    if (f)
        lg__fail_copy(&p->fail, f);
    else
        lg__fail_set(&p->fail, p->g->mem, code, "%s", lg_error_text(code));
    p->fail.code = code;
}

void lg__pass_note(lg_pass *p, const lg_step *s, int code, const lg_fail *f)
{
    lg__pass_note_at(p, s, 0, code, f);
}
