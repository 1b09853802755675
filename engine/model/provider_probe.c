/* provider_probe.c - the dialect that only looks: GET of a path, the model's name, below the
 * base URL ("/models"); the reply's text is the JSON that came.
 *
 * It asks no model anything and sends no messages. A key goes as Authorization; servers that
 * want it elsewhere get it as a header of the model. For the commands that list what a
 * server has. */
#include "model/provider_read.h"
#include "model/provider_wire.h"

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    lg_bytes path;
    (void)body;
    *why = NULL;
    lg__bytes_init(&path, url->mem, LG_BYTES_MAX);
    lg__bytes_adds(&path, ask->model->model[0] == '/' ? "" : "/");
    lg__bytes_adds(&path, ask->model->model);
    lg__wire_url(ask->model, url, path.data ? path.data : "");
    lg__wire_headers(ask->model, headers, "Authorization", "Bearer ");
    int err = path.err ? path.err : url->err;
    lg__bytes_free(&path);
    return err ? err : headers->err;
}

static void hear(lg_heard *h, const lg_json *root)
{
    lg__json_write(&h->text, root);
    lg__heard_end(h, "stop");
}

const lg_provider lg__provider_probe = {
    .dialect = "probe",
    .get = true,
    .encode = encode,
    .hear = hear,
};
