/* host_command.c - programs as tools, for lua/: a variable that waits for each, and its end. */
#include "front/front_internal.h"

#include "child/contain.h"

/* A command's tag is its node, which is not counted: a pending variable is the graph's. */
int lg__command_start(lg_engine *e, const lg_command_spec *s, const char *role, lg_command **out,
                      lg_var **waits)
{
    lg_var *v = NULL;
    *out = NULL;
    *waits = NULL;
    int err = e->commands ? LG_OK : lg__commands_new(&e->mem, e->loop, &e->commands);
    if (!err)
        err = lg__node_new(&e->graph, LG_OP_COMMAND, 0, role, &v);

    if (!err && (err = lg__commands_start(e->commands, s, v->node, out)))
        lg__node_discard(v);

    if (err)
        return lg__engine_error(e, err, "cannot run a program: %s", lg_error_text(err));

    v->node->u.command = *out;
    lg__node_hold(v->node);
    lg__engine_touch(e);
    *waits = v;
    return LG_OK;
}

static void tell(lg_engine *e, lg_node *n, const lg_command *c)
{
    const lg_fail *why = lg__command_fail(c);
    n->u.command = NULL;
    if (n->done)
        return;

    lg_text *text = why->code ? NULL : lg__text_new(&e->mem, "", 0);
    if (why->code)
        lg__var_fail(n->out, why->code, why);
    else if (text)
        lg__var_ready(n->out, text);
    else
        lg__var_fail(n->out, LG_ENOMEM, NULL);
}

bool lg__commands_tell(lg_engine *e)
{
    lg_command *c;
    bool more = lg__commands_work(e->commands);
    while ((c = lg__commands_next(e->commands))) {
        lg_node *n = lg__command_tag(c);
        if (n)
            tell(e, n, c);

        lg__command_drop(c);
    }
    return more;
}

void lg__command_left(lg_engine *e, lg_node *n)
{
    (void)e;
    if (n->u.command)
        lg__command_cancel(n->u.command);

    n->u.command = NULL;
}

/* ---- programs that stay ------------------------------------------------------------- */

int lg__talk_start(lg_engine *e, const lg_command_spec *s, lg_talk **out)
{
    lg_fail why;
    lg__fail_init(&why);
    *out = NULL;
    int err = e->talks ? LG_OK : lg__talks_new(&e->mem, e->loop, &e->talks);
    err = err ? err : lg__talks_start(e->talks, s, out, &why);
    if (err && why.code)
        lg__engine_error(e, err, "%s", lg__fail_message(&why));
    else if (err)
        lg__engine_error(e, err, "cannot run a program: %s", lg_error_text(err));

    lg__fail_free(&why);
    return err;
}

int lg__talk_ask(lg_engine *e, lg_talk *t, const char *line, size_t len, int64_t ms,
                 const char *role, lg_var **answer)
{
    lg_var *v = NULL;
    *answer = NULL;
    int err = lg__node_new(&e->graph, LG_OP_TALK, 0, role, &v);
    if (!err && (err = lg__talk_begin(t, line, len, ms, v->node)))
        lg__node_discard(v);

    if (err)
        return lg__engine_error(e, err, "cannot ask a program: %s", lg_error_text(err));

    v->node->u.talk = t;
    lg__node_hold(v->node);
    lg__engine_touch(e);
    *answer = v;
    return LG_OK;
}

bool lg__talks_tell(lg_engine *e)
{
    lg_talk *t;
    void *tag;
    bool any = false;
    if (!lg__talks_is_due(e->talks))
        return false;

    lg__talks_tidy(e->talks);
    while ((t = lg__talks_next(e->talks, &tag))) {
        lg_node *n = tag;
        lg_text *text = lg__talk_answer(t);
        any = true;
        n->u.talk = NULL;
        if (n->done)
            lg__text_unref(text);
        else if (text)
            lg__var_ready(n->out, text);
        else
            lg__var_fail(n->out, LG_ENOMEM, NULL);
    }
    return any;
}

void lg__talk_left(lg_node *n)
{
    if (n->u.talk)
        lg__talk_forget(n->u.talk);

    n->u.talk = NULL;
}

bool lg__talk_lives(const lg_talk *t)
{
    return lg__talk_is_alive(t);
}

bool lg__talk_look(const lg_talk *t, lg_command_end *out)
{
    return lg__talk_read(t, out);
}

static int close_talk(lg_engine *e, void *ud)
{
    lg_talk *t = ud;
    lg_node *n = lg__talk_tag(t);
    (void)e;
    if (n) { /* its answer will not come */
        n->u.talk = NULL;
        lg__var_fail(n->out, LG_ECANCELLED, NULL);
    }
    lg__talk_end(t);
    return LG_OK;
}

/* Its descriptors are the loop's; a host that ends a script is not the loop's thread. */
void lg__talk_close(lg_engine *e, lg_talk *t)
{
    if (t)
        lg__thread_do(e, close_talk, t);
}

/* ---- what came of a program ------------------------------------------------------------ */

bool lg__command_look(const lg_command *c, lg_command_end *out)
{
    return lg__command_read(c, out);
}

void lg__command_see_file(const lg_command *c, size_t i, lg_command_file *out)
{
    lg__command_file_at(c, i, out);
}

void lg__command_close(lg_command *c)
{
    lg__command_drop(c);
}

void lg__inside_holds(int most_abi, lg_holds *out)
{
    lg_kernel k;
    lg__kernel_look(&k, most_abi);
    *out = (lg_holds){.abi = k.abi,
                      .seccomp = k.seccomp && !k.unknown_machine,
                      .other_users = k.ids != 0,
                      .problem = lg__kernel_problem(&k)};
}
