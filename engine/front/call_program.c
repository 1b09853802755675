/* call_program.c - calls that a program answers: a process takes the transfer's place.
 *
 * Its end is a reply like a server's, so that is all there is to it. Called by engine.c. */
#include "front/front_internal.h"

int lg__engine_send_to_program(lg_engine *e, lg_request *r)
{
    lg_process *p;
    lg_process_request q = {
        .command = r->model->model,
        .input = r->body.data,
        .input_len = r->body.len,
        .timeout_ms = e->total_timeout_ms,
        .max_output = e->max_reply_bytes,
    };
    int err = e->processes ? LG_OK : lg__processes_new(&e->mem, e->loop, &e->processes);
    err = err ? err : lg__process_start(e->processes, &q, r, &p);
    r->transfer = err ? NULL : p;
    return err;
}
