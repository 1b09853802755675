/* host.c - a host of ten lines of work: what an installed or amalgamated library is tried with.
 * It makes an engine, joins two texts by a node, asks a model of its own, and runs a script in the
 * library's Lua; no network. */
#include "lunagrad.h"

#include <stdio.h>
#include <string.h>

static int answer(lg_engine *e)
{
    const lg_event *event;

    while ((event = lg_engine_next(e))) {
        if (event->type == LG_EVENT_CALL &&
            lg_call_reply(e, event->id, "world", 5, "stop", NULL) != LG_OK)
            return -1;
    }
    return 0;
}

static lg_var *greet(lg_engine *e)
{
    lg_model_config cfg;
    lg_call call;
    lg_model *model = NULL;
    lg_var *parts[2] = {NULL, NULL}, *out = NULL;
    lg_message message = {"user", NULL};

    lg_model_config_init(&cfg);
    cfg.dialect = "host";
    cfg.name = "host/world";
    cfg.model = "world";
    lg_call_init(&call);
    call.messages = &message;
    call.n_messages = 1;
    if (lg_var_new(e, "Hello, ", 7, "greeting", false, &parts[0]) == LG_OK &&
        lg_model_new(e, &cfg, &model) == LG_OK) {
        message.var = parts[0];
        if (lg_call_model(e, model, &call, &parts[1]) == LG_OK)
            lg_concat(e, parts, 2, "words", &out);
    }
    while (out && lg_var_state(out) == LG_PENDING) {
        if (lg_engine_wait(e, 1000) != LG_OK || answer(e) < 0)
            break;
    }
    return out;
}

/* "42", if the library's Lua counts as it should. */
static bool run(lg_engine *e)
{
    static const char source[] = "return select('#', table.unpack({}, 1, 6)) * 7";
    lg_script *script = NULL;
    const char *result;
    bool well;

    if (lg_script_new(e, source, sizeof source - 1, "count", NULL, &script) != LG_OK ||
        lg_script_start(script, NULL) != LG_OK)
        return false;
    while (lg_script_state(script) == LG_PENDING) {
        if (lg_engine_wait(e, 1000) != LG_OK || answer(e) < 0)
            break;
    }
    result = lg_script_result(script, NULL);
    well = result && strcmp(result, "42") == 0;
    lg_script_free(script);
    return well;
}

int main(void)
{
    lg_config cfg;
    lg_engine *e = NULL;
    lg_var *words;
    const char *text;
    bool well;

    lg_config_init(&cfg);
    if (lg_engine_new(&cfg, &e) != LG_OK)
        return 2;
    words = greet(e);
    text = words ? lg_var_text(words, NULL) : NULL;
    well = text && strcmp(text, "Hello, world") == 0;
    well = well && run(e);
    printf("%s: %s\n", LG_VERSION, well ? text : lg_engine_errmsg(e));
    lg_engine_free(e);
    return well ? 0 : 1;
}
