/* host_backward.c - passes begun by the host, and the prompts that they ask with. */
#include "base/sized.h"
#include "front/built_in.h"
#include "graph/cycle.h"
#include "lg_inside.h"

void lg_backward_init_size(lg_backward *b, size_t size)
{
    const lg_backward none = {.size = sizeof none};
    if (b)
        lg__sized_write(b, size, &none);
}

int lg_backward_start(lg_engine *e, lg_var *root, const lg_backward *host, lg_var **out)
{
    LG_GUARD(e->door);
    lg_backward b = {.size = sizeof b};
    if (!out || (host && !lg__sized_read(&b, host)))
        return lg__engine_error(e, LG_EINVAL, "backward needs lg_backward_init, and an out");
    if (!root || root->graph != &e->graph || (b.model && b.model->engine != e)) {
        return lg__engine_error(e, LG_EINVAL,
                                "backward needs a variable and a model of this engine");
    }
    if (b.grain < LG_GRAIN_EDGE || b.grain > LG_GRAIN_AUTO)
        return lg__engine_error(e, LG_EINVAL, "backward: there is no such grain");
    b.model = b.model ? b.model : lg__inside_role(e, LG_BACKWARD);
    int err = lg__built_in_all(e);
    if (!err)
        err = lg__pass_start(&e->graph, root, &b, out);
    if (err)
        return lg__engine_error(e, err, "backward cannot start: %s", lg_error_text(err));
    lg__engine_touch(e);
    return LG_OK;
}

int lg_template_set(lg_engine *e, const char *name, lg_var *v)
{
    LG_GUARD(e->door);
    if (!name || !v || v->graph != &e->graph)
        return lg__engine_error(e, LG_EINVAL, "a template is a variable of this engine");
    if (lg__made_of_pass(v))
        return lg__engine_error(e, LG_ECYCLE, "a template cannot be made of a pass that runs");
    int err = lg__template_put(&e->graph, name, v);
    return err ? lg__engine_error(e, err, "no memory for a template") : LG_OK;
}

int lg_template_get(lg_engine *e, const char *name, lg_var **out)
{
    LG_GUARD(e->door);
    lg_var *v = name ? lg__template_find(&e->graph, name) : NULL;
    if (!name)
        return lg__engine_null(e);
    if (!v && lg__built_in_one(e, name, &v))
        return lg__engine_error(e, LG_ENOMEM, "no memory for a template");
    if (out)
        *out = v;
    return v ? LG_OK : lg__engine_error(e, LG_ENOTFOUND, "no template \"%s\" is set", name);
}
