/* lreply.c - stored replies for Lua: what a provider's bytes say, and base64.
 *
 * Pure functions of their arguments, without an engine. Used by `lunagrad export` and by
 * the model replay/FILE. */
#include "binding/lua_binding.h"

#include <stdio.h>
#include <string.h>

#include "base/media.h"
#include "model/provider.h"

/* ---- base64 ---------------------------------------------------------------- */

/* core.base64(bytes) -> text */
static int l_base64(lua_State *L)
{
    size_t len;
    const char *bytes = lg__lua_check_text(L, 1, &len);
    lg_lua_box *box = lg__lua_new_box(L);
    lg__base64_write(&box->bytes, bytes, len);
    return lg__lua_push_bytes(L, box);
}

/* core.unbase64(text) -> bytes | nil: it is none */
static int l_unbase64(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    lg_lua_box *box = lg__lua_new_box(L);
    if (lg__base64_read(&box->bytes, text, len) == LG_EPARSE)
        return 0;

    return lg__lua_push_bytes(L, box);
}

/* ---- replies --------------------------------------------------------------- */

/* What it says into the box. The kind, -1: it is no good reply. */
static int read_reply(lg_lua_box *box, const lg_model *model, const lg_attempt *a,
                      const lg_asked *asked)
{
    lg_reply r;
    lg__reply_init(&r);
    lg__provider_decode(&box->mem, model, a, asked, &r);
    int media = r.text ? r.text->media : -1;
    if (r.text)
        lg__bytes_add(&box->bytes, r.text->data, r.text->len);

    lg__reply_free(&r);
    return media;
}

/* core.reply(dialect, body, content_type, tools) -> text, media type | nil: it is no good
 * reply of this dialect. tools: they were offered. */
static int l_reply(lua_State *L)
{
    size_t len;
    lg_model *model;
    const char *why, *field, *dialect = lg__lua_check_name(L, 1);
    const char *body = lg__lua_check_text(L, 2, &len), *type = lg__lua_opt_name(L, 3);
    lg_asked asked = {.tools = lua_toboolean(L, 4)};
    lg_attempt a; /* the body is Lua's: it is not to be freed */
    lg_model_config c;
    lg_model_config_init(&c);
    c.dialect = dialect;
    c.name = c.model = dialect;
    c.base_url = "http://127.0.0.1";
    lg_lua_box *box = lg__lua_new_box(L);
    if (!lg__provider_find(dialect) || lg__model_make(&box->mem, &c, &model, &why, &field))
        return 0;

    lg__attempt_init(&a, &box->mem, LG_BYTES_MAX);
    a.status = 200;
    snprintf(a.content_type, sizeof a.content_type, "%s", type ? type : "");
    a.body.data = (char *)(uintptr_t)body;
    a.body.len = len;
    int media = read_reply(box, model, &a, &asked);
    lg__model_destroy(model);
    if (media < 0)
        return 0;

    lg__lua_push_bytes(L, box);
    lua_pushstring(L, media ? lg__media_type(media) : NULL);
    return 2;
}

void lg__lua_open_reply(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"base64", l_base64}, {"unbase64", l_unbase64}, {"reply", l_reply}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
