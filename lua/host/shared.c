/* shared.c - what the states of one engine share: the library's files as they were compiled once.
 *
 * Kept as a party that never runs, so that it goes with its engine. What is kept was dumped by the
 * Lua that loads it, in this process. */
#include "host/host.h"

#include <string.h>

static size_t n_files(void)
{
    size_t n = 0;
    while (lg__embedded[n].name)
        n++;
    return n;
}

static void end(void *ud)
{
    lh_shared *k = ud;
    lg_engine *e = k->e;
    *lg__inside_own(e) = NULL;
    for (size_t i = 0; i < k->n; i++)
        lg__out_free(&k->code[i]);
    if (k->code)
        lg__inside_alloc(e, k->code, k->n * sizeof *k->code, 0);
    lg__party_free(k->party);
    lg__party_inherit(e, NULL, &k->sims);
    lg__inside_alloc(e, k, sizeof *k, 0);
}

lh_shared *lh_shared_peek(lg_engine *e)
{
    return *lg__inside_own(e);
}

lh_shared *lh_shared_of(lg_engine *e)
{
    lh_shared *k = lh_shared_peek(e);
    if (k)
        return k;
    k = lg__inside_alloc(e, NULL, 0, sizeof *k);
    if (!k)
        return NULL;
    *k = (lh_shared){.e = e, .n = n_files()};
    if (lg__party_new(e, NULL, end, k, &k->party)) {
        lg__inside_alloc(e, k, sizeof *k, 0);
        return NULL;
    }
    k->code = lg__inside_alloc(e, NULL, 0, k->n * sizeof *k->code);
    if (!k->code) {
        end(k);
        return NULL;
    }
    for (size_t i = 0; i < k->n; i++)
        k->code[i] = (lg_out){.alloc = lh_alloc, .alloc_ud = k->party};
    *lg__inside_own(e) = k;
    return k;
}

static int write(lua_State *L, const void *data, size_t len, void *ud)
{
    (void)L;
    return lg__out_add(ud, data, len);
}

/* Pushes the file's main function; → as luaL_loadbufferx. Without memory it is compiled anew. */
int lh_load_own(lua_State *L, const struct lg_embedded *file)
{
    lh_shared *k = lh_shared_of(lh_state_of(L)->e);
    lg_out *code = k ? &k->code[file - lg__embedded] : NULL;
    if (code && code->len > 0)
        return luaL_loadbufferx(L, code->data, code->len, file->chunk, "b");
    int err = luaL_loadbufferx(L, (const char *)file->data, file->len, file->chunk, "t");
    if (err == LUA_OK && code && lua_dump(L, write, code, 0) != 0)
        lg__out_free(code);
    return err;
}
