/* graph.h - nodes, edges, and what is ready to run.
 *
 * A node belongs to the variable it produces; its edges count the variables it
 * reads. It runs once, when all inputs have settled, and sees their texts as
 * they were when it was made (a leaf) or when they settled. All walks are loops
 * over lists: a chain of a million nodes needs no stack. Passive: it moves nodes
 * to the lists below, engine.c takes them off. */
#ifndef LG_GRAPH_H
#define LG_GRAPH_H

#include "base/door.h"
#include "base/list.h"
#include "base/log.h"
#include "graph/party.h"

struct lg_pass;
struct lg_step;

typedef struct lg_edge {
    lg_waiter wait; /* LG_WAIT_EDGE, in var's list while it is pending */
    lg_node *node;
    lg_var *var;   /* counted; NULL: a constant, which is in seen */
    lg_text *seen; /* NULL until settled, or when it failed */
    lg_text *name; /* field, argument or message role */
    bool given_up; /* its node was cancelled; counted in var.given_up */
} lg_edge;

struct lg_tool {
    uint32_t refs;
    struct lg_graph *graph;
    lg_text *name, *purpose;
    lg_text *version; /* its results are kept under it; NULL: they are not */
    bool own_backward;
    lg_function function; /* script NULL: it is none */
    uint64_t tag;
    lg_party *party;      /* counted: who is asked to run it */
    lg_gone *gone;        /* to tell its end by; NULL: tag is 0 */
    lg_tool *prev, *next; /* all tools of the graph */
};

typedef struct lg_call_data { /* of a LG_OP_CALL node */
    lg_model *model;          /* counted */
    lg_option *options;       /* owned strings, sorted by name */
    size_t n_options;
    uint32_t sample;
    int kind;
    uint32_t rank;               /* call_fallback.c: 0, or which fallback is asked */
    bool decided;                /* … since it was last submitted: the store is to be told */
    unsigned char first_key[32]; /* … what the model itself was asked */
    bool stream;                 /* call_stream.c: it watches; all down to next_partial */
    bool announced, restart;
    uint64_t tag, purpose;
    size_t streamed; /* bytes the host has heard, … */
    size_t begin;    /* … behind so many bytes of thinking, … */
    int attempt;     /* … of this attempt */
    lg_node *next_partial;
    void *request;         /* engine.c: the request it waits for */
    lg_node *next_waiting; /* … and who else waits for it */
    bool has_usage;
    lg_usage usage;
    char finish_reason[32];
    lg_text *thinking; /* what was thought before the answer; NULL: not told */
} lg_call_data;

struct lg_node {
    lg_var *out; /* not counted: out owns the node */
    bool fenced, skip_failed, queued, done;
    uint32_t n_edges, n_missing;
    union {
        lg_call_data *call;
        lg_tool *tool;                  /* counted */
        struct lg_timer *timer;         /* front/host_timer.c's; NULL: it is over */
        struct lg_candidate *candidate; /* front/host_sandbox.c's; NULL: it is over */
        struct lg_talk *talk;           /* … */
        struct lg_command *command;     /* front/host_command.c's; … */
        double *weights;                /* of a sum or mean, one for each edge; NULL: 1 each */
    } u;
    uint64_t work; /* engine.c: id of the host's work; 0: none */
    lg_node *next; /* in one of the graph's lists */
    lg_edge edges[];
};

typedef LG_QUEUE_OF(lg_node) lg_nodes;

typedef struct lg_watcher { /* LG_WAIT_WATCH: an event to be */
    lg_waiter wait;
    lg_var *var;     /* counted once fired */
    lg_party *party; /* counted */
    uint64_t tag;
    bool calls; /* no event, but fn is called by lg_engine_next(); NULL: not any more */
    void (*fn)(void *ud);
    void *ud;
} lg_watcher;

enum { LG_INTERNED = 64 };

struct lg_graph {
    lg_mem *mem;
    lg_log *log;
    lg_engine *engine;
    lg_door *door; /* the engine's; NULL: none */
    uint64_t last_id;
    lg_party host_party; /* the first of all */
    lg_party *party;     /* the current one */
    lg_tool *tools;
    lg_nodes ready;                      /* all inputs settled */
    lg_nodes calls, work;                /* model calls and tools to start */
    lg_waits steps;                      /* passes' steps and jobs whose variable settled */
    LG_QUEUE_OF(struct lg_step) host;    /* steps whose backward the host runs */
    lg_nodes dropped;                    /* cancelled nodes whose work is to be stopped; each
                                   holds a count of its variable */
    void (*pass_free)(struct lg_pass *); /* gradient.c's, so that this file need not know it */
    void (*pass_cancel)(struct lg_pass *);
    void (*wake)(lg_engine *); /* engine.c's: there is work that step() did not make */
    lg_var *shown;             /* lg_var_pass's last, where there is a door: counted; NULL */
    lg_var *dead;              /* uncounted, to be freed by the loop in release */
    bool releasing, closing;
    size_t n_pending, n_live, max_pending;
    lg_text *interned[LG_INTERNED]; /* recent roles and names, by hash */
};

int lg__graph_init(lg_graph *g, lg_mem *m, lg_log *log, lg_engine *e, size_t max_pending);
void lg__graph_free(lg_graph *g);
/* Debug builds (graph_check.c), between calls: aborts unless counts and lists agree. */
void lg__graph_check(lg_graph *g);

/* To tell one day that the tag is free; *out is NULL for tag 0. 0, LG_ENOMEM */
int lg__gone_new(lg_graph *g, int type, uint64_t tag, lg_gone **out);
void lg__gone_tell(lg_graph *g, lg_gone *one); /* now; NULL: nothing */
void lg__gone_free(lg_graph *g, lg_gone *one);
/* Drop a count, unless the graph is being freed as a whole. */
void lg__graph_drop(lg_graph *g, lg_var *v);
/* A counted text of a short string, shared with equal recent ones. NULL: memory */
lg_text *lg__graph_intern(lg_graph *g, const char *s);
/* A variable without producer. text NULL: pending. Counted for the caller. */
int lg__graph_leaf(lg_graph *g, lg_text *text, const char *role, bool grad, int op, lg_var **out);
/* A node of n edges, not yet linked; then one lg__node_edge each, then _start. */
int lg__node_new(lg_graph *g, int op, size_t n, const char *role, lg_var **out);
int lg__node_edge(lg_node *node, const char *name, lg_var *var);
/* An edge to a text that is no variable: nobody else sees it, no feedback reaches it. */
int lg__node_constant(lg_node *node, const char *name, lg_text *text);
void lg__node_start(lg_node *node);
/* A promise's last edge is for what it will be made of, the others are what may lead there;
 * it is not started but held, until that edge is filled or it fails. */
void lg__node_hold(lg_node *n);
bool lg__promise_open(const lg_var *v); /* a promise that was neither kept nor broken */
/* text (taken over) settles it at once; NULL: it becomes ready with from's. 0, LG_ENOMEM */
int lg__promise_keep(lg_node *n, lg_var *from, lg_text *text);
/* Throw away a node that was not started. */
void lg__node_discard(lg_var *out);

/* Settle a pending variable. text is taken over (counted for the call). */
void lg__var_ready(lg_var *v, lg_text *text);
/* f may be NULL (only the code is kept). Its texts are shared. */
void lg__var_fail(lg_var *v, int code, const lg_fail *f);
/* As a dependant of what failed: the chain goes into the message. */
void lg__var_fail_from(lg_var *v, const lg_edge *edge);
/* Put w on v's list; fires at once when v has settled. */
void lg__var_wait(lg_var *v, lg_waiter *w);
void lg__watcher_free(lg_graph *g, lg_watcher *w);
/* When v has settled, lg_engine_next() calls fn, which must not call the engine but to tell
 * something. LG_ENOMEM */
int lg__var_call(lg_var *v, void (*fn)(void *ud), void *ud);
void lg__var_uncall(lg_var *v, const void *ud); /* not any more */

void lg__nodes_push(lg_nodes *l, lg_node *n);
lg_node *lg__nodes_pop(lg_nodes *l);
void lg__waits_push(lg_waits *l, lg_waiter *w);
lg_waiter *lg__waits_pop(lg_waits *l);

/* The current party's, or else the host's; borrowed, NULL: none. party.c */
lg_var *lg__template_find(const lg_graph *g, const char *name);
int lg__template_put(lg_graph *g, const char *name, lg_var *v);

/* "answer to the question" (node 12, example 3) – for messages, into buf. */
const char *lg__var_describe(const lg_var *v, char *buf, size_t size);

#endif
